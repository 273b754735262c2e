//! Quiet steps of all lanes at once, and which lanes have none.

use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::Series;
use crate::ledger::book::state::State;
use crate::market::tile::MarketTile;

/// What quiet steps need beside the state.
#[derive(Debug, Clone)]
pub(super) struct Screen {}

impl Screen {
    pub(super) fn new(_rules: &BookRules) -> Self {
        Self {}
    }
    pub(super) fn start(&mut self, _rules: &BookRules, _state: &State) {}
    pub(super) fn enter(&mut self, _rules: &BookRules, _series: &Series, _tile: &MarketTile) {}
    pub(super) fn settle_quiet(
        &mut self,
        _rules: &BookRules,
        _series: &Series,
        _tile: &MarketTile,
        _k: usize,
        _state: &mut State,
    ) -> u64 {
        u64::MAX
    }
    pub(super) fn cover(&mut self, _rules: &BookRules, _state: &State, _lane: usize) {}
}

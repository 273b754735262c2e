//! Some tiles of one block in a row, with what plans share of them: every ledger reacts to all of them before the next ledger does, so
//! that its accounts stay near.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::ledgers::{BlockLedger, LedgerRules};
use crate::ledger::shared_walk::SharedWalk;
use crate::market::model::{MarketModel, MarketState};
use crate::market::tile::MarketTile;

/// Tiles in a row: what is seen of them fits into the nearest cache beside the accounts of one plan.
const TILES: usize = 4;

/// The tiles.
#[derive(Debug, Clone)]
pub(super) struct TileRow {
    /// As many as can be drawn, and at least one.
    tiles: Vec<MarketTile>,
    /// How many of them are.
    drawn: usize,
    /// By tile: the walks that plain plans share.
    walks: Vec<Vec<SharedWalk>>,
}

/// Which plans share which walks.
#[derive(Debug, Clone)]
pub(super) struct Sharing {
    /// By walk: a plan that is a member.
    members: Vec<usize>,
    /// By plan: its walk.
    of_plans: Vec<Option<usize>>,
}

impl Sharing {
    /// No plan shares a walk.
    pub(super) fn none(rules: &[LedgerRules]) -> Self {
        Self {
            members: Vec::new(),
            of_plans: vec![None; rules.len()],
        }
    }

    /// Plain plans share walks by contract.
    pub(super) fn of(rules: &[LedgerRules]) -> Self {
        let mut all = Self::none(rules);
        for (index, rules_of_plan) in rules.iter().enumerate() {
            let LedgerRules::Plain(plain) = rules_of_plan else {
                continue;
            };
            if !SharedWalk::is_shared(plain, plain) {
                continue;
            }
            let known = all.members.iter().position(|&member| {
                matches!(&rules[member], LedgerRules::Plain(other) if SharedWalk::is_shared(other, plain))
            });
            let walk = known.unwrap_or(all.members.len());
            if known.is_none() {
                all.members.push(index);
            }
            all.of_plans[index] = Some(walk);
        }
        all
    }
}

impl TileRow {
    /// Tiles of a market for plans that share walks.
    pub(super) fn new(market: &MarketModel, sharing: &Sharing) -> Self {
        Self {
            tiles: vec![market.tile(); TILES],
            drawn: 0,
            walks: vec![vec![SharedWalk::new(); sharing.members.len()]; TILES],
        }
    }

    /// Sets a block, whose lane 0 is path `first_path`, to time 0.
    pub(super) fn start(&mut self, market: &MarketModel, state: &mut MarketState, first_path: u64) {
        self.drawn = 0;
        market.start(state, &mut self.tiles[0], first_path);
    }

    /// Draws the block's next tiles, and walks them for the plans that share. Returns false, and leaves the tiles alone, after the last
    /// step. Once `stop` is set fewer are drawn than could be.
    pub(super) fn advance(
        &mut self,
        market: &MarketModel,
        state: &mut MarketState,
        (rules, sharing): (&[LedgerRules], &Sharing),
        stop: &AtomicBool,
    ) -> bool {
        let mut drawn = 0;
        while drawn < self.tiles.len() && !stop.load(Ordering::Relaxed) {
            self.join(drawn);
            let tile = &mut self.tiles[drawn];
            if !market.advance(state, tile) {
                break;
            }
            for (&member, walk) in sharing.members.iter().zip(&mut self.walks[drawn]) {
                if let LedgerRules::Plain(plain) = &rules[member] {
                    walk.fill(plain, tile);
                }
            }
            drawn += 1;
        }
        if drawn > 0 {
            self.drawn = drawn;
        }
        drawn > 0
    }

    /// Has the tile at `index` begin where the one drawn before it ended.
    fn join(&mut self, index: usize) {
        let drawn = if index == 0 { self.drawn } else { index };
        let Some(before) = drawn.checked_sub(1) else {
            return;
        };
        // A tile alone goes on by itself.
        if let Ok([before, tile]) = self.tiles.get_disjoint_mut([before, index]) {
            tile.follow(before);
        }
    }

    /// Has the ledger of plan `plan` react to all tiles.
    pub(super) fn react(&mut self, ledger: &mut BlockLedger<'_>, sharing: &Sharing, plan: usize) {
        let walk = sharing.of_plans[plan];
        for (tile, walks) in self.tiles[..self.drawn].iter().zip(&mut self.walks) {
            ledger.advance_along(tile, walk.map(|walk| &mut walks[walk]));
        }
    }

    /// The tile drawn last.
    pub(super) fn last(&self) -> &MarketTile {
        &self.tiles[self.drawn.max(1) - 1]
    }
}

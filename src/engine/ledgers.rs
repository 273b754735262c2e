//! The ledger that a plan needs: the lanes of the main job for a plain one, the general ledger for every other.

use crate::ledger::book::ledger::Book;
use crate::ledger::book::rules::BookRules;
use crate::ledger::programme::Programme;
use crate::ledger::rules::ProgrammeRules;
use crate::ledger::shared_walk::SharedWalk;
use crate::market::model::MarketModel;
use crate::market::tile::MarketTile;
use crate::math::random::Streams;
use crate::outcome::table::TablePart;
use crate::plan::types::Plan;

/// A plan as its ledger sees it.
#[derive(Debug, Clone)]
pub enum LedgerRules {
    /// One plain hedge.
    Plain(Box<ProgrammeRules>),
    /// Anything else.
    General(Box<BookRules>),
}

/// A plan's ledger on one block of paths.
#[derive(Debug, Clone)]
pub enum BlockLedger<'a> {
    /// One plain hedge.
    Plain(Box<Programme<'a>>),
    /// Anything else.
    General(Box<Book<'a>>),
}

impl LedgerRules {
    /// The rules of a plan.
    pub fn new(plan: &Plan, market: &MarketModel) -> Self {
        if plan.is_plain() {
            let variance = market.step_variance(plan.hedges[0].contract);
            Self::Plain(Box::new(ProgrammeRules::new(plan, 0, variance)))
        } else {
            Self::General(Box::new(BookRules::new(plan, market)))
        }
    }

    /// A ledger; [`BlockLedger::start`] sets it to time 0.
    pub fn ledger<'a>(&'a self, streams: &'a Streams) -> BlockLedger<'a> {
        match self {
            Self::Plain(rules) => BlockLedger::Plain(Box::new(Programme::new(rules, streams))),
            Self::General(rules) => BlockLedger::General(Box::new(Book::new(rules, streams))),
        }
    }
}

impl BlockLedger<'_> {
    /// Sets everything to time 0.
    pub fn start(&mut self) {
        match self {
            Self::Plain(ledger) => ledger.start(),
            Self::General(ledger) => ledger.start(),
        }
    }

    /// Reacts to a tile.
    pub fn advance(&mut self, tile: &MarketTile) {
        match self {
            Self::Plain(ledger) => ledger.advance(tile, None),
            Self::General(ledger) => ledger.advance(tile, None),
        }
    }

    /// Reacts to a tile along a walk that is shared, if any; records that are followed only where all are wanted lose their meaning then.
    /// Returns the lanes, as bits, that are left for [`Self::settle_along`].
    pub fn advance_along(&mut self, tile: &MarketTile, shared: Option<&SharedWalk>) -> u64 {
        match (self, shared) {
            (Self::Plain(ledger), Some(shared)) => ledger.advance_along(tile, shared),
            (ledger, _) => {
                ledger.advance(tile);
                0
            }
        }
    }

    /// Works through the lanes of a tile that [`Self::advance_along`] left.
    pub fn settle_along(&mut self, left: u64, tile: &MarketTile, shared: Option<&mut SharedWalk>) {
        if let (Self::Plain(ledger), Some(shared)) = (self, shared) {
            ledger.settle_along(left, tile, shared);
        }
    }

    /// Writes the block's rows after the last tile. `out` has shape `[columns][LANES]`.
    pub fn finish(&self, tile: &MarketTile, out: &mut [f64]) {
        match self {
            Self::Plain(ledger) => ledger.finish(tile, out),
            Self::General(ledger) => ledger.finish(tile, out),
        }
    }

    /// Writes the columns that a part of a table keeps, of the block at this place in it; `rows` as for [`Self::finish`].
    pub fn finish_kept(
        &self,
        tile: &MarketTile,
        rows: &mut [f64],
        (part, block): (&mut TablePart<'_>, usize),
    ) {
        match self {
            Self::Plain(ledger) => {
                for (column, cells) in part.block_mut(block) {
                    ledger.finish_column(tile, column, cells);
                }
            }
            Self::General(ledger) => {
                ledger.finish(tile, rows);
                part.put_over(block, rows);
            }
        }
    }
}

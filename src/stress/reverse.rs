//! Reverse stress: the smallest instantaneous moves that liquidate, and that lose an amount.

use std::sync::atomic::AtomicBool;

use serde::Serialize;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play;
use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stress::instant::{at_once, moved};
use crate::stress::outcome::{held_usd, production_usd};
use crate::stress::settings::LOSE_FRAC;

/// The largest log move that is looked at: a price 10,000 times as high, or as low.
const FARTHEST_LOG: f64 = 9.210_340_371_976_18;

/// Parts of that in which a first crossing is looked for; two crossings within one part are not seen.
const PARTS: usize = 1_024;

/// Parts of every further round.
const FINER: usize = 64;

/// Further rounds: a part of `9.2 / 1024 / 64^6` is less than rounding leaves.
const ROUNDS: usize = 6;

/// The smallest moves, as fractions of the mark; `None` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct UpDown {
    /// The smallest move up.
    pub up: Option<f64>,
    /// The smallest move down, not above 0.
    pub down: Option<f64>,
}

impl UpDown {
    /// The smaller one.
    pub fn smaller(&self) -> Option<f64> {
        let both = self.up.into_iter().chain(self.down);
        both.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    }
}

/// The smallest moves when some spots move and the others stand still. Marks move with their spots.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReverseMoves {
    /// The asset that moves; `all` of them together.
    pub moves: String,
    /// What liquidates an account.
    pub liquidating: UpDown,
    /// What loses the amount.
    pub losing: UpDown,
}

/// What liquidates an account, and what loses the amount, when every basis has moved as well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Move of `ln(F/S)` of every future.
    pub basis_move: f64,
    /// The smallest moves of all spots together that liquidate.
    pub liquidating: UpDown,
    /// The smallest moves of all spots together that lose the amount, spot and basis together.
    pub losing: UpDown,
}

/// The answers of the reverse stress test.
///
/// Prices move at one moment just after the start, nothing is topped up, and everything is then valued, and closed, at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reverse {
    /// The smallest move that liquidates an account, of one asset or of all.
    pub liquidating_move_frac: Option<f64>,
    /// The smallest move that loses [`Self::lose_usd`].
    pub losing_move_frac: Option<f64>,
    /// The amount, USD.
    pub lose_usd: f64,
    /// The P&L at which nothing counts as lost, USD: P&L is against the value at time 0, to which production is a gain, and a loss is against
    /// the value held with what is to be produced, at the prices of time 0 and less what it costs. 0 without production.
    pub lose_from_pnl_usd: f64,
    /// By what moves.
    pub by_asset: Vec<ReverseMoves>,
    /// In two dimensions.
    pub spot_and_basis: Vec<CurvePoint>,
}

/// Looks for the smallest moves; `basis_moves` are the points of the curve. A loss is one of hedged P&L, with what it costs to open and close
/// the hedge.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub fn reverse(
    plan: &Plan,
    lose_usd: Option<f64>,
    basis_moves: &[f64],
    stop: &AtomicBool,
) -> Result<Reverse, SimulationError> {
    let lose_usd = lose_usd.unwrap_or_else(|| LOSE_FRAC * held_usd(plan));
    let lose_from_pnl_usd = production_usd(plan);
    let plan = at_once(plan);
    let is_lost = |table: &OutcomeTable, row: usize| {
        table.value(row, Column::HedgedPnl as usize) <= lose_from_pnl_usd - lose_usd
    };
    let all: Vec<usize> = (0..plan.market.assets.len()).collect();
    let mut sets: Vec<(String, Vec<usize>)> = all
        .iter()
        .map(|&asset| (plan.market.assets[asset].name.clone(), vec![asset]))
        .collect();
    if all.len() > 1 {
        sets.push(("all".to_owned(), all.clone()));
    }
    let mut by_asset = Vec::new();
    for (moves, assets) in sets {
        let way = |basis| Way {
            plan: &plan,
            assets: &assets,
            basis,
            stop,
        };
        by_asset.push(ReverseMoves {
            moves,
            liquidating: way(0.0).smallest(&is_liquidated)?,
            losing: way(0.0).smallest(&is_lost)?,
        });
    }
    let mut spot_and_basis = Vec::new();
    for &basis_move in basis_moves {
        let way = Way {
            plan: &plan,
            assets: &all,
            basis: basis_move,
            stop,
        };
        spot_and_basis.push(CurvePoint {
            basis_move,
            liquidating: way.smallest(&is_liquidated)?,
            losing: way.smallest(&is_lost)?,
        });
    }
    let smallest = |of: fn(&ReverseMoves) -> UpDown| {
        let moves = by_asset.iter().filter_map(|moves| of(moves).smaller());
        moves.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    Ok(Reverse {
        liquidating_move_frac: smallest(|moves| moves.liquidating),
        losing_move_frac: smallest(|moves| moves.losing),
        lose_usd,
        lose_from_pnl_usd,
        by_asset,
        spot_and_basis,
    })
}

/// The smallest moves of all spots together that liquidate an account.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub(super) fn liquidating_moves(plan: &Plan, stop: &AtomicBool) -> Result<UpDown, SimulationError> {
    let plan = at_once(plan);
    let assets: Vec<usize> = (0..plan.market.assets.len()).collect();
    let way = Way {
        plan: &plan,
        assets: &assets,
        basis: 0.0,
        stop,
    };
    way.smallest(&is_liquidated)
}

fn is_liquidated(table: &OutcomeTable, row: usize) -> bool {
    table.value(row, Column::Liquidations as usize) > 0.0
}

/// Whether an outcome is what is looked for.
type Question<'a> = &'a dyn Fn(&OutcomeTable, usize) -> bool;

/// The moves along which something is looked for.
struct Way<'a> {
    plan: &'a Plan,
    assets: &'a [usize],
    basis: f64,
    stop: &'a AtomicBool,
}

impl Way<'_> {
    fn smallest(&self, question: Question<'_>) -> Result<UpDown, SimulationError> {
        Ok(UpDown {
            up: self.first(1.0, question)?,
            down: self.first(-1.0, question)?,
        })
    }

    /// The smallest move of a sign, a fraction of the price.
    fn first(&self, sign: f64, question: Question<'_>) -> Result<Option<f64>, SimulationError> {
        let (mut low, mut high) = (0.0, FARTHEST_LOG);
        for round in 0..=ROUNDS {
            let parts = if round == 0 { PARTS } else { FINER };
            let at = |index: usize| low + (high - low) * (index as f64 / parts as f64);
            let script = |index: usize| moved(self.plan, self.assets, sign * at(index), self.basis);
            let table = play(self.plan, parts + 1, &script, self.stop)?;
            let found = (0..=parts).find(|&index| question(&table, index));
            match found {
                None if round == 0 => return Ok(None),
                // Without any move.
                Some(0) if round == 0 => return Ok(Some(0.0)),
                // The near end is known to be none, the far one to be one.
                None | Some(0) => break,
                Some(first) => (low, high) = (at(first - 1), at(first)),
            }
        }
        Ok(Some((sign * high).exp_m1()))
    }
}

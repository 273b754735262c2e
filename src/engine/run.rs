//! Simulates a plan: blocks of paths over threads, with the same bits whatever their number.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use thiserror::Error;

use crate::engine::ledgers::LedgerRules;
use crate::market::model::MarketModel;
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable};
use crate::plan::types::Plan;

/// Blocks that one task works through; long enough to hide its start, short enough to share out.
const BLOCKS_A_TASK: usize = 8;

/// Why a simulation ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SimulationError {
    /// Somebody asked it to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// The table of outcomes does not fit.
    #[error(
        "{paths} paths need {gib} GiB for their outcomes, which this machine does not give; use fewer `paths`"
    )]
    OutOfMemory {
        /// Paths asked for.
        paths: u64,
        /// Memory of the table, rounded up.
        gib: u64,
    },
}

/// What a simulation tells and asks while it runs.
pub trait Watcher: Sync {
    /// So many more paths are done.
    fn done(&self, paths: u64);
}

/// Watches nothing.
impl Watcher for () {
    fn done(&self, _paths: u64) {}
}

/// Simulates a plan on the current rayon pool.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set; [`SimulationError::OutOfMemory`] before anything is simulated.
pub fn simulate(
    plan: &Plan,
    stop: &AtomicBool,
    watcher: &dyn Watcher,
) -> Result<OutcomeTable, SimulationError> {
    let market = MarketModel::new(plan).of_hedges(plan);
    let rules = LedgerRules::new(plan, &market);
    let layout = Layout::of(plan);
    let path_bytes = 8 * layout.columns() as u64;
    let paths = plan.simulation.paths;
    let mut table = usize::try_from(paths)
        .ok()
        .and_then(|paths| OutcomeTable::try_new(paths, layout))
        .ok_or_else(|| SimulationError::OutOfMemory {
            paths,
            gib: paths.saturating_mul(path_bytes).div_ceil(1 << 30),
        })?;
    table.make_ready();
    let columns = table.columns();
    table
        .parts_mut(BLOCKS_A_TASK)
        .into_par_iter()
        .enumerate()
        .for_each_init(
            || {
                (
                    market.state(),
                    market.tile(),
                    rules.ledger(market.streams()),
                    vec![0.0; columns * LANES],
                )
            },
            |(state, tile, ledger, rows), (task, mut part)| {
                for block in 0..part.blocks() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let first_path = ((task * BLOCKS_A_TASK + block) * LANES) as u64;
                    market.start(state, tile, first_path);
                    ledger.start();
                    while market.advance(state, tile) {
                        // A block of a long horizon takes long by itself.
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        ledger.advance(tile);
                    }
                    ledger.finish(tile, rows);
                    part.put_block(block, rows);
                    watcher.done((paths - first_path).min(LANES as u64));
                }
            },
        );
    if stop.load(Ordering::Relaxed) {
        Err(SimulationError::Interrupted)
    } else {
        Ok(table)
    }
}

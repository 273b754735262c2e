//! Simulates several plans that share a market in one pass: the market is drawn once, and every ledger reacts to it.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::engine::ledgers::{BlockLedger, LedgerRules};
use crate::engine::run::{SimulationError, Watcher};
use crate::market::model::MarketModel;
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable, TablePart};
use crate::plan::common_market::same_market;
use crate::plan::types::Plan;

/// Blocks that one task works through; long enough to hide its start, short enough to share out.
const BLOCKS_A_TASK: usize = 8;

/// Simulates plans of one market on the current rayon pool: of each, bit for bit, the outcomes that
/// [`simulate`](crate::engine::run::simulate) gives. The tables come in the order of the plans.
///
/// The watcher is told of a path once for each plan.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set; [`SimulationError::OutOfMemory`] before anything is simulated.
///
/// # Panics
/// If two plans do not share their market ([`same_market`]).
pub fn simulate_together(
    plans: &[&Plan],
    stop: &AtomicBool,
    watcher: &dyn Watcher,
) -> Result<Vec<OutcomeTable>, SimulationError> {
    let Some(first) = plans.first() else {
        return Ok(Vec::new());
    };
    assert!(
        plans.iter().all(|plan| same_market(first, plan)),
        "plans that are simulated together share their market"
    );
    let market = MarketModel::new(first);
    let rules: Vec<LedgerRules> = plans
        .iter()
        .map(|plan| LedgerRules::new(plan, &market))
        .collect();
    let mut tables = tables(plans)?;
    let paths = first.simulation.paths;
    let most_columns = tables.iter().map(OutcomeTable::columns).max().unwrap_or(0);
    tasks(&mut tables)
        .into_par_iter()
        .enumerate()
        .for_each_init(
            || {
                let ledgers: Vec<BlockLedger<'_>> = rules
                    .iter()
                    .map(|rules| rules.ledger(market.streams()))
                    .collect();
                let rows = vec![0.0; most_columns * LANES];
                (market.state(), market.tile(), ledgers, rows)
            },
            |(state, tile, ledgers, rows), (task, mut parts)| {
                let blocks = parts.first().map_or(0, TablePart::blocks);
                for block in 0..blocks {
                    let first_path = ((task * BLOCKS_A_TASK + block) * LANES) as u64;
                    market.start(state, tile, first_path);
                    ledgers.iter_mut().for_each(BlockLedger::start);
                    while market.advance(state, tile) {
                        // A block of a long horizon takes long by itself.
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        for ledger in ledgers.iter_mut() {
                            ledger.advance(tile);
                        }
                    }
                    for (ledger, part) in ledgers.iter().zip(&mut parts) {
                        ledger.finish(tile, rows);
                        part.put_block(block, rows);
                    }
                    let done = (paths - first_path).min(LANES as u64);
                    watcher.done(done * rules.len() as u64);
                }
            },
        );
    if stop.load(Ordering::Relaxed) {
        Err(SimulationError::Interrupted)
    } else {
        Ok(tables)
    }
}

/// An empty table for each plan.
fn tables(plans: &[&Plan]) -> Result<Vec<OutcomeTable>, SimulationError> {
    let columns: u64 = plans
        .iter()
        .map(|plan| Layout::of(plan).columns() as u64)
        .sum();
    plans
        .iter()
        .map(|plan| {
            let paths = plan.simulation.paths;
            usize::try_from(paths)
                .ok()
                .and_then(|paths| OutcomeTable::try_new(paths, Layout::of(plan)))
                .ok_or_else(|| SimulationError::OutOfMemory {
                    paths,
                    gib: paths.saturating_mul(8 * columns).div_ceil(1 << 30),
                })
        })
        .collect()
}

/// The tables cut into tasks: the same blocks of every table side by side.
fn tasks(tables: &mut [OutcomeTable]) -> Vec<Vec<TablePart<'_>>> {
    let mut tasks: Vec<Vec<TablePart<'_>>> = Vec::new();
    for table in tables {
        let parts = table.parts_mut(BLOCKS_A_TASK);
        tasks.resize_with(parts.len(), Vec::new);
        for (task, part) in tasks.iter_mut().zip(parts) {
            task.push(part);
        }
    }
    tasks
}

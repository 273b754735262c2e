//! Simulates several plans that share a market in one pass: the market is drawn once, and every ledger reacts to it.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::engine::ledgers::{BlockLedger, LedgerRules};
use crate::engine::run::{SimulationError, Watcher};
use crate::engine::sharing::SharedWalks;
use crate::market::model::MarketModel;
use crate::outcome::column::{Cell, Column, FIXED_COLUMNS};
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable, TablePart};
use crate::plan::common_market::same_market;
use crate::plan::types::Plan;

/// Blocks that one task works through; long enough to hide its start, short enough to share out.
const BLOCKS_A_TASK: usize = 8;

/// Records that are followed only where all columns are wanted.
pub const UNFOLLOWED: [Column; 3] = [Column::Funding, Column::MinEquity, Column::MaxDrawdown];

/// Which columns of the outcomes are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Columns<'a> {
    /// All of them.
    All,
    /// These, where a plan stores them, and with views the terminal spots, by which they weigh; never [`UNFOLLOWED`]. The others of the
    /// tables are 0 and cost next to nothing.
    Only(&'a [Cell]),
}

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
    simulate_columns_together(plans, Columns::All, Vec::new(), (stop, watcher))
}

/// Like [`simulate_together`], but for the columns that nobody wants. Tables in `spare`, of earlier plans, are written over where they fit:
/// fresh memory has to be cleared.
///
/// # Errors
/// As of [`simulate_together`].
///
/// # Panics
/// As of [`simulate_together`], and if one of [`UNFOLLOWED`] is among columns wanted one by one.
pub fn simulate_columns_together(
    plans: &[&Plan],
    wanted: Columns<'_>,
    spare: Vec<OutcomeTable>,
    (stop, watcher): (&AtomicBool, &dyn Watcher),
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
    let is_fresh = spare.is_empty();
    let kept: Vec<Vec<usize>> = plans
        .iter()
        .map(|plan| kept_columns(plan, wanted))
        .collect();
    let mut tables = tables(plans, &kept, spare)?;
    if is_fresh {
        tables.par_iter().for_each(OutcomeTable::make_ready);
    }
    let walks = match wanted {
        Columns::All => SharedWalks::none(&rules),
        Columns::Only(_) => SharedWalks::of(&rules),
    };
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
                (market.state(), market.tile(), ledgers, rows, walks.clone())
            },
            |(state, tile, ledgers, rows, walks), (task, mut parts)| {
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
                        walks.react(&rules, ledgers, tile);
                    }
                    for (ledger, part) in ledgers.iter().zip(&mut parts) {
                        if wanted != Columns::All {
                            ledger.finish_kept(tile, rows, (part, block));
                            continue;
                        }
                        ledger.finish(tile, rows);
                        if is_fresh {
                            part.put_block(block, rows);
                        } else {
                            part.put_over(block, rows);
                        }
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

/// Storage indices of the columns that are kept of a plan.
fn kept_columns(plan: &Plan, wanted: Columns<'_>) -> Vec<usize> {
    let layout = Layout::of(plan);
    match wanted {
        Columns::All => (0..layout.columns()).collect(),
        Columns::Only(cells) => {
            assert!(
                !UNFOLLOWED
                    .iter()
                    .any(|&column| cells.contains(&Cell::Fixed(column))),
                "funding, the least equity and the fall of wealth are not followed"
            );
            let mut kept: Vec<usize> = cells.iter().filter_map(|&cell| layout.cell(cell)).collect();
            if !plan.report.views.is_empty() {
                kept.extend(FIXED_COLUMNS..FIXED_COLUMNS + layout.assets().len());
            }
            kept
        }
    }
}

/// A table for each plan, of the spare ones where they fit.
fn tables(
    plans: &[&Plan],
    kept: &[Vec<usize>],
    spare: Vec<OutcomeTable>,
) -> Result<Vec<OutcomeTable>, SimulationError> {
    let mut spare = spare.into_iter();
    let columns: u64 = kept.iter().map(|kept| kept.len() as u64).sum();
    plans
        .iter()
        .zip(kept)
        .map(|(plan, kept)| {
            let paths = plan.simulation.paths;
            let layout = Layout::of(plan);
            let fits = |table: &OutcomeTable| {
                table.paths() as u64 == paths && *table.layout() == layout && table.kept() == kept
            };
            if let Some(table) = spare.next().filter(fits) {
                return Ok(table);
            }
            usize::try_from(paths)
                .ok()
                .and_then(|paths| OutcomeTable::try_new_of(paths, layout, kept.clone()))
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

//! Scripted markets through the general ledger: outcome rows as of a simulation, one a script, and what each account lacked.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::engine::run::SimulationError;
use crate::ledger::book::ledger::Book;
use crate::ledger::book::rules::BookRules;
use crate::market::script::{Script, ScriptedMarket, without_noise};
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable};
use crate::plan::types::Plan;

/// What scripts have done.
#[derive(Debug)]
pub struct Played {
    /// A row a script.
    pub table: OutcomeTable,
    /// The most that each account has lacked, USD ([`Book::shortfall_usd`]); shape `[scripts][accounts]`.
    pub shortfalls_usd: Vec<Vec<f64>>,
}

/// Plays `count` scripts, each made when its turn comes, and returns their outcomes in their order.
///
/// Margin is watched as the plan says; with [`Crossing::Bridge`](crate::plan::types::Crossing::Bridge) a price goes straight from one step's end to
/// the next but for the script's jumps, and a liquidation is filled where the way meets its level.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub fn play(
    plan: &Plan,
    count: usize,
    script: &(dyn Fn(usize) -> Script + Sync),
    stop: &AtomicBool,
) -> Result<OutcomeTable, SimulationError> {
    let played = play_in(plan, count, script, stop, false)?;
    Ok(played.table)
}

/// The same, slower, with what each account lacked.
///
/// # Errors
/// Those of [`play`].
pub fn play_with_shortfalls(
    plan: &Plan,
    count: usize,
    script: &(dyn Fn(usize) -> Script + Sync),
    stop: &AtomicBool,
) -> Result<Played, SimulationError> {
    play_in(plan, count, script, stop, true)
}

fn play_in(
    plan: &Plan,
    count: usize,
    script: &(dyn Fn(usize) -> Script + Sync),
    stop: &AtomicBool,
    keeps_shortfalls: bool,
) -> Result<Played, SimulationError> {
    let plan = without_noise(plan);
    let market = ScriptedMarket::new(&plan);
    let rules = BookRules::new(&plan, market.model());
    let accounts = plan.accounts.len();
    let mut table = OutcomeTable::new(count, Layout::of(&plan));
    let mut shortfalls_usd = vec![vec![0.0; accounts]; count];
    let columns = table.columns();
    table
        .parts_mut(1)
        .into_par_iter()
        .zip(shortfalls_usd.par_chunks_mut(LANES))
        .enumerate()
        .for_each(|(block, (mut part, lacked_usd))| {
            let first = block * LANES;
            let scripts: Vec<Script> = (first..count.min(first + LANES)).map(script).collect();
            let model = market.model();
            let (mut state, mut tile) = (model.state(), model.tile());
            let mut ledger = Book::new(&rules, model.streams());
            if keeps_shortfalls {
                ledger = ledger.keeping_shortfalls();
            }
            model.start(&mut state, &mut tile, first as u64);
            ledger.start();
            while market.advance(&scripts, &mut state, &mut tile) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                ledger.advance(&tile, None);
            }
            let mut rows = vec![0.0; columns * LANES];
            ledger.finish(&tile, &mut rows);
            part.put_block(0, &rows);
            for (lane, lacked_usd) in lacked_usd.iter_mut().enumerate() {
                for (a, usd) in lacked_usd.iter_mut().enumerate() {
                    *usd = ledger.shortfall_usd(a, lane);
                }
            }
        });
    if stop.load(Ordering::Relaxed) {
        Err(SimulationError::Interrupted)
    } else {
        Ok(Played {
            table,
            shortfalls_usd,
        })
    }
}

//! Scripted markets through the ledgers of a plan: outcome rows as of a simulation, one a script.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::engine::ledgers::LedgerRules;
use crate::engine::run::SimulationError;
use crate::market::script::{Script, ScriptedMarket, without_noise};
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable};
use crate::plan::types::Plan;

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
    let plan = without_noise(plan);
    let market = ScriptedMarket::new(&plan);
    let rules = LedgerRules::new(&plan, market.model());
    let mut table = OutcomeTable::new(count, Layout::of(&plan));
    let columns = table.columns();
    table
        .parts_mut(1)
        .into_par_iter()
        .enumerate()
        .for_each(|(block, mut part)| {
            let first = block * LANES;
            let scripts: Vec<Script> = (first..count.min(first + LANES)).map(script).collect();
            let model = market.model();
            let (mut state, mut tile) = (model.state(), model.tile());
            let mut ledger = rules.ledger(model.streams());
            model.start(&mut state, &mut tile, first as u64);
            ledger.start();
            while market.advance(&scripts, &mut state, &mut tile) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                ledger.advance(&tile);
            }
            let mut rows = vec![0.0; columns * LANES];
            ledger.finish(&tile, &mut rows);
            part.put_block(0, &rows);
        });
    if stop.load(Ordering::Relaxed) {
        Err(SimulationError::Interrupted)
    } else {
        Ok(table)
    }
}

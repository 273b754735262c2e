//! Simulates many plans on common random numbers: those that share a market in one pass, as many at a time as memory holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use thiserror::Error;

use crate::engine::memory::needed_bytes;
use crate::engine::run::{SimulationError, Watcher};
use crate::engine::together::{Columns, simulate_columns_together};
use crate::outcome::layout::Layout;
use crate::outcome::table::OutcomeTable;
use crate::outcome::weights::PathWeights;
use crate::plan::common_market::same_market;
use crate::plan::types::Plan;
use crate::plan::views::{ViewPlan, ViewedQuantity, ViewsPlan};
use crate::stats::views::{ViewError, ViewsOutcome, weigh};

/// The most plans of one pass: the state of their ledgers on one block stays in the caches, and the market's share of the work is
/// small already.
const MOST_TOGETHER: usize = 32;

/// Why plans cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EvaluationError {
    /// The simulation.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The paths of a plan do not allow its views.
    #[error("{error}")]
    Views {
        /// Which plan.
        plan: usize,
        /// Why not.
        error: ViewError,
    },
}

/// Which plans are simulated together, in the order in which that is done.
///
/// Each pass holds indices of plans that share a market, ascending, whose tables fit into `most_bytes` (one plan in any case). Passes
/// of the market that comes first in `plans` come first.
pub fn passes(plans: &[&Plan], most_bytes: u64) -> Vec<Vec<usize>> {
    let mut markets: Vec<Vec<usize>> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let known = markets
            .iter_mut()
            .rev()
            .find(|members| same_market(plans[members[0]], plan));
        match known {
            Some(members) => members.push(index),
            None => markets.push(vec![index]),
        }
    }
    markets
        .into_iter()
        .flat_map(|members| cut(&members, plans, most_bytes))
        .collect()
}

/// Cuts the plans of one market into passes.
fn cut(members: &[usize], plans: &[&Plan], most_bytes: u64) -> Vec<Vec<usize>> {
    let mut passes: Vec<Vec<usize>> = Vec::new();
    let mut bytes: u64 = 0;
    for &index in members {
        let more = table_bytes(plans[index]);
        match passes.last_mut() {
            Some(pass)
                if pass.len() < MOST_TOGETHER && bytes.saturating_add(more) <= most_bytes =>
            {
                pass.push(index);
                bytes += more;
            }
            Some(_) | None => {
                passes.push(vec![index]);
                bytes = more;
            }
        }
    }
    passes
}

/// Memory for a plan's outcomes and their statistics.
pub fn table_bytes(plan: &Plan) -> u64 {
    needed_bytes(plan.simulation.paths, table_columns(plan))
}

/// Columns for a plan's outcomes and for what its views keep beside them.
pub fn table_columns(plan: &Plan) -> usize {
    let list = plan.report.views.list.iter();
    let is_correlation =
        |view: &&ViewPlan| matches!(view.quantity, ViewedQuantity::Correlation { .. });
    // Beside them what errors need of the means that they hold: a column for each and one, or twice as many where some are held at
    // estimates, as mean and variance of the two assets of a correlation are.
    let weights = match (list.len(), list.filter(is_correlation).count()) {
        (0, _) => 0,
        (views, 0) => 2 + views,
        (views, correlations) => 2 + 2 * (views + 4 * correlations),
    };
    Layout::of(plan).columns() + weights
}

/// [`evaluate_columns`] with all columns.
///
/// # Errors
/// As of [`evaluate_columns`].
pub fn evaluate<T: Send>(
    plans: &[&Plan],
    passes: &[Vec<usize>],
    watched: (&AtomicBool, &dyn Watcher),
    look: impl Fn(usize, &mut Arc<OutcomeTable>, Option<&ViewsOutcome>) -> T + Sync,
    keep: impl FnMut(usize, T),
) -> Result<(), EvaluationError> {
    evaluate_columns(plans, passes, Columns::All, watched, look, keep)
}

/// Simulates plans pass by pass, looks at each table while it is there, and keeps what was seen: `look` runs side by side for the tables
/// of a pass, whose columns are those `wanted`, `keep` then one after the other, in the order of the pass. Tables that nobody holds after
/// that are written over by the next pass.
///
/// A table has the weights of its plan's views, and `look` is told what those came to; without views it has none. Whoever takes weights
/// off a table puts them back or not: the next pass begins without any.
///
/// The watcher is told of a path once for each plan.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set; [`SimulationError::OutOfMemory`] before the pass that does not fit;
/// [`EvaluationError::Views`] at the first plan whose views its paths do not allow, before anything of its pass is looked at.
pub fn evaluate_columns<T: Send>(
    plans: &[&Plan],
    passes: &[Vec<usize>],
    wanted: Columns<'_>,
    (stop, watcher): (&AtomicBool, &dyn Watcher),
    look: impl Fn(usize, &mut Arc<OutcomeTable>, Option<&ViewsOutcome>) -> T + Sync,
    mut keep: impl FnMut(usize, T),
) -> Result<(), EvaluationError> {
    let mut spare = Vec::new();
    for pass in passes {
        let together: Vec<&Plan> = pass.iter().map(|&index| plans[index]).collect();
        let mut tables = simulate_columns_together(&together, wanted, spare, (stop, watcher))?;
        let (outcomes, of_plans) =
            reweigh(&together, &mut tables).map_err(|(at, error)| EvaluationError::Views {
                plan: pass[at],
                error,
            })?;
        let mut tables: Vec<Arc<OutcomeTable>> = tables.into_iter().map(Arc::new).collect();
        let seen: Vec<Option<T>> = pass
            .par_iter()
            .zip(&mut tables)
            .zip(&of_plans)
            .map(|((&index, table), viewed)| {
                let is_wanted = !stop.load(Ordering::Relaxed);
                let outcome = viewed.map(|viewed| &outcomes[viewed]);
                is_wanted.then(|| look(index, table, outcome))
            })
            .collect();
        for (&index, seen) in pass.iter().zip(seen) {
            let Some(seen) = seen else {
                return Err(SimulationError::Interrupted.into());
            };
            keep(index, seen);
        }
        spare = tables.into_iter().filter_map(Arc::into_inner).collect();
    }
    Ok(())
}

/// What views came to, each once, and by plan which of them are its own.
type Viewed = (Vec<ViewsOutcome>, Vec<Option<usize>>);

/// Gives the tables of one market the weights of their plans' views, computed once for all plans with the same, and takes away those that
/// a table of an earlier pass had. The error comes with the place of its plan.
fn reweigh(plans: &[&Plan], tables: &mut [OutcomeTable]) -> Result<Viewed, (usize, ViewError)> {
    let mut known: Vec<(&ViewsPlan, PathWeights)> = Vec::new();
    let (mut outcomes, mut of_plans) = (Vec::new(), Vec::with_capacity(plans.len()));
    for (at, (plan, table)) in plans.iter().zip(tables).enumerate() {
        table.take_weights();
        let views = &plan.report.views;
        let mut found = known.iter().position(|(known, _)| *known == views);
        if found.is_none() {
            let (weights, outcome) = weigh(table, plan).map_err(|error| (at, error))?;
            if let Some(weights) = weights {
                found = Some(known.len());
                known.push((views, weights));
                outcomes.push(outcome);
            }
        }
        if let Some(found) = found {
            table.set_weights(known[found].1.clone());
        }
        of_plans.push(found);
    }
    Ok((outcomes, of_plans))
}

//! What the worst hundredth of the simulated hedged outcomes has in common, against all.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use crate::engine::run::SimulationError;
use crate::engine::spots::spots_at;
use crate::engine::trace::trace_watched;
use crate::ledger::event::LedgerEvent;
use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::{Follows, HoldingPlan, Plan};
use crate::stats::attribution::parts;

/// The worst one in so many paths.
const ONE_IN: usize = 100;

/// Dates of the typical path after time 0.
const DATES: usize = 6;

/// Paths of all whose prices are drawn again.
const DRAWN_AGAIN: usize = 4_096;

/// Steps of paths that are followed event by event for the day of their first call: as many paths as that allows, at most [`MOST_FOLLOWED`].
const FOLLOWED_STEPS: usize = 100_000;

/// The most paths that are followed.
const MOST_FOLLOWED: usize = 256;

/// A group of paths. Money is a mean in USD; a day is a median, of the paths in which there is one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Number of paths.
    pub paths: usize,
    /// Mean of each part of hedged P&L, by the name of its column.
    pub attribution: Vec<(&'static str, f64)>,
    /// Part of the paths that are liquidated.
    pub liquidated_frac: f64,
    /// Part of the paths with a margin call.
    pub called_frac: f64,
    /// Part of the paths with a call that could not be met in full.
    pub unmet_frac: f64,
    /// Day of the first liquidation.
    pub liquidation_day: Option<f64>,
    /// Day of the first margin call, of the paths that were followed.
    pub call_day: Option<f64>,
    /// Paths that were followed for it.
    pub followed: usize,
    /// Median collateral required.
    pub required_collateral_usd: f64,
    /// Median spot of the watched asset at [`Tail::days`], USD.
    pub spot_usd: Vec<f64>,
}

/// The worst paths against all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tail {
    /// The asset whose typical path is told: that of the largest holding.
    pub asset: String,
    /// Its spot at time 0.
    pub initial_spot_usd: f64,
    /// Dates of the typical path.
    pub days: Vec<f64>,
    /// Best hedged P&L among the worst paths, USD.
    pub threshold_usd: f64,
    /// All paths; their prices and calls are those of a part of them, spread evenly.
    pub all: Group,
    /// The worst paths.
    pub worst: Group,
}

/// Looks at the paths of a simulation again.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub fn tail(plan: &Plan, table: &OutcomeTable, stop: &AtomicBool) -> Result<Tail, SimulationError> {
    let count = table.paths().div_ceil(ONE_IN);
    let hedged: Vec<f64> = table.values(Column::HedgedPnl).collect();
    let mut order: Vec<usize> = (0..hedged.len()).collect();
    let by_pnl = |a: &usize, b: &usize| hedged[*a].total_cmp(&hedged[*b]).then(a.cmp(b));
    order.select_nth_unstable_by(count - 1, by_pnl);
    order.truncate(count);
    let threshold_usd = order
        .iter()
        .map(|&path| hedged[path])
        .fold(f64::MIN, f64::max);
    order.sort_unstable();
    let all: Vec<usize> = (0..table.paths()).collect();
    let asset = watched(plan);
    let steps = dates(plan);
    let group = |paths: &[usize]| group(plan, table, paths, asset, &steps, stop);
    let days = steps
        .iter()
        .map(|&step| step as f64 * plan.simulation.step_days);
    Ok(Tail {
        asset: plan.market.assets[asset].name.clone(),
        initial_spot_usd: plan.market.assets[asset].spot_usd,
        days: days.collect(),
        threshold_usd,
        all: group(&all)?,
        worst: group(&order)?,
    })
}

/// The asset of the largest holding.
fn watched(plan: &Plan) -> usize {
    let value = |holding: &HoldingPlan| {
        holding.followed_base(Follows::Expected) * plan.market.assets[holding.asset].spot_usd
    };
    let largest = plan
        .holdings
        .iter()
        .max_by(|a, b| value(a).total_cmp(&value(b)));
    largest.map_or(0, |holding| holding.asset)
}

/// Steps at whose ends the typical path is told, up to the horizon.
fn dates(plan: &Plan) -> Vec<usize> {
    let steps = plan.simulation.steps as usize;
    let mut dates: Vec<usize> = (1..=DATES).map(|i| (i * steps).div_ceil(DATES)).collect();
    dates.dedup();
    dates
}

fn group(
    plan: &Plan,
    table: &OutcomeTable,
    paths: &[usize],
    asset: usize,
    steps: &[usize],
    stop: &AtomicBool,
) -> Result<Group, SimulationError> {
    let mean = |column: usize| {
        let sum: f64 = paths.iter().map(|&path| table.value(path, column)).sum();
        sum / paths.len() as f64
    };
    let share = |column: Column| {
        let is_there = |path: &&usize| table.value(**path, column as usize) > 0.0;
        paths.iter().filter(is_there).count() as f64 / paths.len() as f64
    };
    let values = |column: Column| -> Vec<f64> {
        let values = paths.iter().map(|&path| table.value(path, column as usize));
        values.filter(|value| !value.is_nan()).collect()
    };
    let named = parts(table.layout()).into_iter();
    let drawn: Vec<u64> = spread(paths, DRAWN_AGAIN);
    let spots = spots_at(plan, asset, &drawn, steps);
    let most = (FOLLOWED_STEPS / plan.simulation.steps as usize).clamp(1, MOST_FOLLOWED);
    let followed = spread(paths, most);
    let first_calls = first_calls(plan, &followed, stop)?;
    Ok(Group {
        paths: paths.len(),
        attribution: named
            .map(|(name, column)| (name, column.map_or(0.0, mean)))
            .collect(),
        liquidated_frac: share(Column::Liquidations),
        called_frac: share(Column::MarginCalls),
        unmet_frac: share(Column::UnmetCalls),
        liquidation_day: median(values(Column::LiquidationDay)),
        call_day: median(first_calls),
        followed: followed.len(),
        required_collateral_usd: median(values(Column::RequiredCollateral)).unwrap_or(0.0),
        spot_usd: spots.into_iter().filter_map(median).collect(),
    })
}

/// At most so many of the paths, spread evenly.
fn spread(paths: &[usize], most: usize) -> Vec<u64> {
    let count = paths.len().min(most);
    (0..count)
        .map(|i| paths[i * paths.len() / count] as u64)
        .collect()
}

/// Days of the first margin call of the paths that have one.
fn first_calls(plan: &Plan, paths: &[u64], stop: &AtomicBool) -> Result<Vec<f64>, SimulationError> {
    if plan
        .accounts
        .iter()
        .all(|account| account.margin_call.is_none())
    {
        return Ok(Vec::new());
    }
    let days: Vec<Option<f64>> = paths
        .par_iter()
        .map(|&path| {
            let trace = trace_watched(plan, path, stop)?;
            let is_call = |event: &LedgerEvent| matches!(event, LedgerEvent::Called { .. });
            let plain = trace
                .steps
                .iter()
                .filter(|step| step.events.iter().any(is_call));
            let told = trace
                .book
                .iter()
                .filter(|step| step.events.iter().any(|told| is_call(&told.event)));
            let first = plain
                .map(|step| step.step)
                .chain(told.map(|step| step.step))
                .next();
            first.map(|step| step as f64 * plan.simulation.step_days)
        })
        .collect();
    if stop.load(Ordering::Relaxed) {
        return Err(SimulationError::Interrupted);
    }
    Ok(days.into_iter().flatten().collect())
}

/// The middle value, the lower of two; `None` of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::run::simulate;
    use crate::engine::trace::trace;
    use crate::hedge::fixture::eth_treasury;

    #[test]
    fn the_worst_paths_of_a_short_rise_and_are_liquidated() {
        let mut plan = eth_treasury();
        plan.simulation.paths = 2_000;
        let stop = AtomicBool::new(false);
        let table = simulate(&plan, &stop, &()).unwrap();
        let tail = tail(&plan, &table, &stop).unwrap();
        assert_eq!((tail.all.paths, tail.worst.paths), (2_000, 20));
        let below = table
            .values(Column::HedgedPnl)
            .filter(|usd| *usd <= tail.threshold_usd);
        assert_eq!(below.count(), 20);
        assert!((tail.worst.liquidated_frac - 1.0).abs() < 1e-12);
        assert!(tail.worst.called_frac > tail.all.called_frac);
        assert!(tail.worst.call_day <= tail.worst.liquidation_day);
        // The parts add up to the whole, in both groups.
        for group in [&tail.all, &tail.worst] {
            let last = group.attribution.len() - 1;
            let sum: f64 = group.attribution[..last].iter().map(|(_, usd)| usd).sum();
            let whole = group.attribution[last].1;
            assert!((sum - whole).abs() < 1e-6 * 175e6, "{sum} {whole}");
        }
        assert_eq!(tail.days, [15.0, 30.0, 45.0, 60.0, 75.0, 90.0]);
        // The last date's is the terminal spot.
        let mut ends: Vec<f64> = table.column(table.terminal_spot(0)).to_vec();
        ends.sort_unstable_by(f64::total_cmp);
        assert_eq!(tail.all.spot_usd[5].to_bits(), ends[999].to_bits());
    }

    #[test]
    fn spots_are_those_of_the_paths() {
        let mut plan = eth_treasury();
        plan.simulation.steps = 20;
        let paths = [3, 63, 64, 200];
        let spots = spots_at(&plan, 0, &paths, &[1, 8, 9, 20]);
        for (at, &path) in paths.iter().enumerate() {
            let tape = trace(&plan, path).tape;
            for (date, step) in [1, 8, 9, 20].into_iter().enumerate() {
                assert_eq!(spots[date][at].to_bits(), tape.spot_usd[0][step].to_bits());
            }
        }
    }
}

//! What the worst hundredth of the simulated hedged outcomes has in common, against all; of the weight, where paths have weights.

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
use crate::stats::estimate::Estimate;
use crate::stats::probability::probability_from_sums;

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
    /// The parts of the paths as estimates of probabilities.
    #[serde(skip)]
    pub probabilities: Probabilities,
}

/// Probabilities of a group, of which its parts of the paths are the values: what was never seen in so many paths has an upper limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probabilities {
    /// Of a liquidation.
    pub liquidated: Estimate,
    /// Of a margin call.
    pub called: Estimate,
    /// Of a call that cannot be met in full.
    pub unmet: Estimate,
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
    let hedged: Vec<f64> = table.values(Column::HedgedPnl).collect();
    let mut order = worst(&hedged, table.weights());
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

/// The paths that have the worst hundredth of the weight, or a little more, worst first.
fn worst(hedged: &[f64], weights: Option<&[f64]>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..hedged.len()).collect();
    let by_pnl = |a: &usize, b: &usize| hedged[*a].total_cmp(&hedged[*b]).then(a.cmp(b));
    let Some(weights) = weights else {
        let count = hedged.len().div_ceil(ONE_IN);
        order.select_nth_unstable_by(count - 1, by_pnl);
        order.truncate(count);
        return order;
    };
    order.sort_unstable_by(by_pnl);
    let wanted = weights.iter().sum::<f64>() / ONE_IN as f64;
    let mut weight = 0.0;
    let count = order.iter().position(|&path| {
        weight += weights[path];
        weight >= wanted
    });
    order.truncate(count.map_or(order.len(), |last| last + 1));
    order
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
    // Weights of 1 without any: sums of them are whole numbers, and nothing is rounded.
    let weight = |path: usize| table.weights().map_or(1.0, |weights| weights[path]);
    let total: f64 = paths.iter().map(|&path| weight(path)).sum();
    let mean = |column: usize| {
        let terms = paths
            .iter()
            .map(|&path| weight(path) * table.value(path, column));
        terms.sum::<f64>() / total
    };
    let square = |weight: f64| weight * weight;
    let total_square: f64 = paths.iter().map(|&path| square(weight(path))).sum();
    let probability = |column: Column, is_possible: bool| {
        if !is_possible {
            return Estimate::exact(0.0);
        }
        let is_there = |path: &usize| table.value(*path, column as usize) > 0.0;
        let there = || paths.iter().copied().filter(is_there).map(weight);
        let (event, event_square) = (there().sum(), there().map(square).sum());
        probability_from_sums(event, event_square, total, total_square, None)
    };
    let is_hedged = plan.hedges.iter().any(|hedge| !hedge.is_absent());
    let has_calls = plan
        .accounts
        .iter()
        .any(|account| account.margin_call.is_some());
    let probabilities = Probabilities {
        liquidated: probability(Column::Liquidations, is_hedged),
        called: probability(Column::MarginCalls, is_hedged && has_calls),
        unmet: probability(Column::UnmetCalls, is_hedged && has_calls),
    };
    let share = |of: &Estimate| of.value.unwrap_or(0.0);
    let values = |column: Column| -> Vec<(f64, f64)> {
        let values = paths
            .iter()
            .map(|&path| (table.value(path, column as usize), weight(path)));
        values.filter(|(value, _)| !value.is_nan()).collect()
    };
    let named = parts(table.layout()).into_iter();
    let drawn = spread(paths, DRAWN_AGAIN);
    let numbers: Vec<u64> = drawn.iter().map(|&path| path as u64).collect();
    let spots = spots_at(plan, asset, &numbers, steps);
    let most = (FOLLOWED_STEPS / plan.simulation.steps as usize).clamp(1, MOST_FOLLOWED);
    let followed = spread(paths, most);
    let first_calls = first_calls(plan, &followed, stop)?
        .into_iter()
        .map(|(path, day)| (day, weight(path)))
        .collect();
    Ok(Group {
        paths: paths.len(),
        attribution: named
            .map(|(name, column)| (name, column.map_or(0.0, mean)))
            .collect(),
        liquidated_frac: share(&probabilities.liquidated),
        called_frac: share(&probabilities.called),
        unmet_frac: share(&probabilities.unmet),
        liquidation_day: median(values(Column::LiquidationDay)),
        call_day: median(first_calls),
        followed: followed.len(),
        required_collateral_usd: median(values(Column::RequiredCollateral)).unwrap_or(0.0),
        spot_usd: spots
            .into_iter()
            .map(|spots| {
                spots
                    .into_iter()
                    .zip(drawn.iter().map(|&path| weight(path)))
            })
            .filter_map(|spots| median(spots.collect()))
            .collect(),
        probabilities,
    })
}

/// At most so many of the paths, spread evenly.
fn spread(paths: &[usize], most: usize) -> Vec<usize> {
    let count = paths.len().min(most);
    (0..count).map(|i| paths[i * paths.len() / count]).collect()
}

/// The paths that have a margin call, with the day of the first.
fn first_calls(
    plan: &Plan,
    paths: &[usize],
    stop: &AtomicBool,
) -> Result<Vec<(usize, f64)>, SimulationError> {
    if plan
        .accounts
        .iter()
        .all(|account| account.margin_call.is_none())
    {
        return Ok(Vec::new());
    }
    let days: Vec<Option<(usize, f64)>> = paths
        .par_iter()
        .map(|&path| {
            let trace = trace_watched(plan, path as u64, stop)?;
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
            first.map(|step| (path, step as f64 * plan.simulation.step_days))
        })
        .collect();
    if stop.load(Ordering::Relaxed) {
        return Err(SimulationError::Interrupted);
    }
    Ok(days.into_iter().flatten().collect())
}

/// The least of these values, each with its weight, at or below which half of the weight lies; `None` of nothing.
fn median(mut values: Vec<(f64, f64)>) -> Option<f64> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let middle = values.iter().find(|(_, weight)| {
        below += weight;
        below >= half
    });
    // Rounding may leave the sum under the half of nothing but the last.
    middle.or(values.last()).map(|(value, _)| *value)
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
    fn the_worst_are_those_of_the_weight() {
        let mut plan = eth_treasury();
        plan.simulation.paths = 2_000;
        let stop = AtomicBool::new(false);
        let mut table = simulate(&plan, &stop, &()).unwrap();
        let plain = tail(&plan, &table, &stop).unwrap();
        // Weights that are all the same change nothing.
        table.set_weights(vec![2.0; 2_000]);
        assert_eq!(tail(&plan, &table, &stop).unwrap(), plain);
        // Paths that are ruled out are in nothing; of a path in two that weighs three times as much, fewer make the worst hundredth.
        let weights: Vec<f64> = (0..2_000)
            .map(|path| [1.0, 0.0, 3.0, 0.0][path % 4])
            .collect();
        table.set_weights(weights.clone());
        let viewed = tail(&plan, &table, &stop).unwrap();
        let pnl: Vec<f64> = table.values(Column::HedgedPnl).collect();
        let (mut weight, mut usd, mut count) = (0.0, 0.0, 0);
        let mut order: Vec<usize> = (0..2_000).collect();
        order.sort_by(|a, b| pnl[*a].total_cmp(&pnl[*b]));
        for path in order {
            if weight < 20.0 {
                weight += weights[path];
                usd += weights[path] * pnl[path];
                count += 1;
            }
        }
        assert_eq!(viewed.worst.paths, count);
        let whole = viewed.worst.attribution.last().unwrap().1;
        assert!((whole / (usd / weight) - 1.0).abs() < 1e-12, "{whole}");
        let mean: f64 = pnl.iter().zip(&weights).map(|(x, w)| w * x).sum();
        let all = viewed.all.attribution.last().unwrap().1;
        assert!((all * 2_000.0 / mean - 1.0).abs() < 1e-9, "{all}");
        // The median at the end is the weighted one.
        let mut ends: Vec<(f64, f64)> = table
            .values_at(table.terminal_spot(0))
            .zip(weights)
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut below = 0.0;
        let median = ends.iter().find(|(_, weight)| {
            below += weight;
            below >= 1_000.0
        });
        assert_eq!(
            viewed.all.spot_usd[5].to_bits(),
            median.unwrap().0.to_bits()
        );
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

//! A sweep: every point of a grid on common random numbers, and the differences between neighbours with their own errors.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::choice::evaluation::{EvaluationError, evaluate_columns, passes, table_bytes};
use crate::choice::frontier::Frontier;
use crate::choice::grid::{Grid, Neighbours, Point};
use crate::engine::run::{SimulationError, Watcher};
use crate::engine::together::Columns;
use crate::outcome::column::{Cell, Column, Extra};
use crate::outcome::table::OutcomeTable;
use crate::plan::common_market::same_market;
use crate::plan::types::Plan;
use crate::stats::estimate::Estimate;
use crate::stats::influence::{Influences, influences_along};
use crate::stats::level::ByName;
use crate::stats::limits::{LimitOutcome, judge};
use crate::stats::quantity::TRADING_COST;
use crate::stats::summarise::{Detail, RunInfo};
use crate::stats::summary::Summary;
use crate::stats::viewed::summarise_weighted;
use crate::stats::views::ViewsOutcome;

/// What is compared between points: keys of a summary, and last what trades cost ([`TRADING_COST`]).
pub const KEYS: [&str; 18] = [
    "hedged.mean",
    "hedged.std_dev",
    "hedged.percentiles.p1",
    "hedged.percentiles.p5",
    "hedged.percentiles.p25",
    "hedged.percentiles.p50",
    "hedged.percentiles.p75",
    "hedged.percentiles.p95",
    "hedged.percentiles.p99",
    "hedged.es95",
    "hedged.es99",
    "hedge_effectiveness.variance",
    "hedge_effectiveness.es95",
    "liquidation.probability",
    "margin_call.probability",
    "margin_call.mean_count",
    "collateral.required.percentiles.p99",
    TRADING_COST,
];

/// What the estimates of [`KEYS`] are made from.
pub const CELLS: [Cell; 8] = [
    Cell::Fixed(Column::HedgedPnl),
    Cell::Fixed(Column::UnhedgedPnl),
    Cell::Fixed(Column::Liquidations),
    Cell::Fixed(Column::MarginCalls),
    Cell::Fixed(Column::RequiredCollateral),
    Cell::Fixed(Column::Fees),
    Cell::Fixed(Column::Slippage),
    Cell::Extra(Extra::Roll),
];

/// Bytes a path and key-bearing column that influences keep.
const COLUMN_BYTES: u64 = 8;

/// Columns from which the influences of [`KEYS`] are computed: hedged, unhedged, liquidations, calls, required collateral, costs.
const COLUMNS: u64 = 6;

/// A point with the plan that it makes.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The point.
    pub at: Point,
    /// The scenario at that point, resolved.
    pub plan: Plan,
    /// The scenario at that point, TOML.
    pub scenario: String,
}

/// What is wanted of each point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whether the whole summary is, as of a run of the point alone.
    pub has_summaries: bool,
    /// Version of the program, for the summaries.
    pub version: String,
}

/// One point of a sweep.
#[derive(Debug, Clone)]
pub struct SweptPoint {
    /// Where it is.
    pub at: Point,
    /// The estimates of [`KEYS`].
    pub estimates: ByName,
    /// The scenario's limits, judged at this point.
    pub limits: Vec<LimitOutcome>,
    /// What the views of this point came to, if it has any.
    pub views: Option<ViewsOutcome>,
    /// The whole summary, if wanted.
    pub summary: Option<Box<Summary>>,
}

/// What changes from one point to the next along an axis: `to - from` of each key, with the error of the difference.
#[derive(Debug, Clone)]
pub struct PointDifference {
    /// The two points.
    pub between: Neighbours,
    /// Differences of the estimates of [`KEYS`].
    pub estimates: ByName,
}

/// All points and differences.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The grid.
    pub grid: Grid,
    /// Its points, in their order.
    pub points: Vec<SweptPoint>,
    /// The differences of all neighbours, in the order of [`Grid::neighbours`].
    pub differences: Vec<PointDifference>,
    /// How many markets were drawn.
    pub markets: usize,
}

/// What was seen of one table.
struct Seen {
    influences: Influences,
    point: SweptPoint,
}

/// Sweeps a grid; `proposals` are its points in their order, all with the same number of paths.
///
/// `memory_bytes` is the memory that may be used; `None`: any.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set; [`SimulationError::OutOfMemory`] if not even one table, or not the
/// influences of neighbours, fit; [`EvaluationError::Views`] where the paths of a point do not allow its views.
///
/// # Panics
/// If there is not one proposal for each point.
pub fn sweep(
    grid: &Grid,
    proposals: &[Proposal],
    wanted: &Wanted,
    memory_bytes: Option<u64>,
    (stop, watcher): (&AtomicBool, &dyn Watcher),
) -> Result<Sweep, EvaluationError> {
    assert_eq!(proposals.len(), grid.size(), "a proposal for each point");
    let plans: Vec<&Plan> = proposals.iter().map(|proposal| &proposal.plan).collect();
    let tables_bytes = memory_bytes.map_or(u64::MAX, |bytes| bytes / 2);
    let passes = passes(&plans, tables_bytes);
    let neighbours = grid.neighbours();
    let mut frontier = Frontier::new(grid.size(), &neighbours);
    let paths = plans[0].simulation.paths;
    let held = frontier.most_held(&passes) as u64;
    let is_weighted = plans.iter().any(|plan| !plan.report.views.is_empty());
    let held_bytes = held
        .saturating_mul(paths)
        .saturating_mul((COLUMNS + u64::from(is_weighted)) * COLUMN_BYTES);
    let largest_bytes = plans.iter().map(|plan| table_bytes(plan)).max();
    let needed_bytes = largest_bytes.unwrap_or(0).saturating_add(held_bytes);
    if memory_bytes.is_some_and(|bytes| needed_bytes > bytes) {
        return Err(SimulationError::OutOfMemory {
            paths,
            gib: needed_bytes.div_ceil(1 << 30),
        }
        .into());
    }
    let has_other_limits = plans.iter().any(|plan| {
        let mut limits = plan.report.limits.iter();
        limits.any(|limit| !KEYS.contains(&limit.path.as_str()))
    });
    let columns = if wanted.has_summaries || has_other_limits {
        Columns::All
    } else {
        Columns::Only(&CELLS)
    };
    let last_of_passes: Vec<usize> = passes
        .iter()
        .filter_map(|pass| pass.last().copied())
        .collect();
    let mut points: Vec<Option<SweptPoint>> = vec![None; grid.size()];
    let mut entering = Vec::new();
    let mut differences: Vec<Option<PointDifference>> = vec![None; neighbours.len()];
    evaluate_columns(
        &plans,
        &passes,
        columns,
        (stop, watcher),
        |index, table, views| look(&proposals[index], table, views, wanted),
        |index, seen| {
            points[index] = Some(seen.point);
            entering.push((index, seen.influences));
            if last_of_passes.contains(&index) {
                for (pair, estimates) in frontier.enter(std::mem::take(&mut entering)) {
                    differences[pair] = Some(PointDifference {
                        between: neighbours[pair],
                        estimates,
                    });
                }
                frontier.let_go();
            }
        },
    )?;
    Ok(Sweep {
        grid: grid.clone(),
        points: points.into_iter().flatten().collect(),
        differences: differences.into_iter().flatten().collect(),
        markets: markets(&plans, &passes),
    })
}

/// Number of markets among the passes.
fn markets(plans: &[&Plan], passes: &[Vec<usize>]) -> usize {
    let firsts = passes.iter().map(|pass| plans[pass[0]]);
    let pairs = firsts.clone().zip(firsts.skip(1));
    1 + pairs.filter(|(a, b)| !same_market(a, b)).count()
}

fn look(
    proposal: &Proposal,
    table: &mut Arc<OutcomeTable>,
    views: Option<&ViewsOutcome>,
    wanted: &Wanted,
) -> Seen {
    let plan = &proposal.plan;
    let mut keys: Vec<&str> = KEYS.to_vec();
    let limits = &plan.report.limits;
    keys.extend(
        limits
            .iter()
            .map(|limit| limit.path.as_str())
            .filter(|path| !KEYS.contains(path)),
    );
    let summarised = |table: &mut Arc<OutcomeTable>, detail| {
        let run = RunInfo {
            version: wanted.version.clone(),
            scenario: proposal.scenario.clone(),
            ..RunInfo::default()
        };
        // Nobody else holds the table before its influences do.
        let table = Arc::make_mut(table);
        let summary = summarise_weighted(table, plan, detail, &run, views.cloned());
        Box::new(summary)
    };
    let summary = wanted
        .has_summaries
        .then(|| summarised(table, Detail::Everything));
    let influences = influences_along(table, plan, &keys);
    let has_all = || {
        let mut limits = limits.iter();
        limits.all(|limit| influences.estimate(&limit.path).is_some())
    };
    let limits = if let Some(summary) = &summary {
        summary.limits.clone()
    } else if has_all() {
        let judged = limits.iter().map(|limit| {
            let estimate = influences.estimate(&limit.path);
            judge(&json!({ limit.path.as_str(): estimate }), limit)
        });
        judged.collect()
    } else {
        // A limit on a bare number, such as `paths`.
        summarised(table, Detail::Report).limits
    };
    let estimates = KEYS
        .iter()
        .filter_map(|&key| Some((key.to_owned(), influences.estimate(key)?)));
    Seen {
        point: SweptPoint {
            at: proposal.at.clone(),
            estimates: ByName(estimates.collect()),
            limits,
            views: views.cloned(),
            summary,
        },
        influences,
    }
}

/// Whether a difference is none that can be told: its 95 % interval holds 0, or there is none.
pub fn is_undecided(difference: &Estimate) -> bool {
    difference
        .ci95
        .is_none_or(|[lower, upper]| lower <= 0.0 && upper >= 0.0)
}

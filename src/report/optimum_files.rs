//! An optimisation for machines: JSON, the frontier as CSV, and the best scenario ready to run.

use serde::Serialize;
use serde_json::{Value, json};

use crate::choice::axis::GridValue;
use crate::choice::grid::Point;
use crate::choice::optimum::constraint::{Constraint, Origin};
use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::nature::against_nature;
use crate::choice::optimum::outcome::{Evaluated, Found, Optimum, PassedOver, Problem};
use crate::choice::sweep::is_undecided;
use crate::plan::types::Comparison;
use crate::report::sweep_files::{push_estimate, push_field};
use crate::stats::estimate::Estimate;
use crate::stats::summary::Summary;
use crate::stats::views::ViewsOutcome;

/// Version of the layout of `optimize.json`.
pub const FORMAT: u32 = 1;

/// What a report says of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimumInfo {
    /// Version of the program.
    pub version: String,
    /// Title of the scenario.
    pub title: String,
    /// Number of paths of every point.
    pub paths: u64,
    /// Seed of the search.
    pub seed: u64,
    /// Seed of the confirmation.
    pub fresh_seed: u64,
    /// Wall time so far, seconds.
    pub run_seconds: f64,
    /// Wall time of simulations and statistics, seconds.
    pub simulation_seconds: f64,
    /// Price of a liquidation, if the objective or a constraint has one.
    pub liquidation_price: Option<f64>,
    /// The first point of the grid that the scenario refuses, and why.
    pub refusal: Option<String>,
    /// Values at which no point is taken, `PATH=VALUE,VALUE` for each axis that has any.
    pub lost: Vec<String>,
    /// What the views came to at the first point of the search, if there are any.
    pub views: Option<ViewsOutcome>,
    /// The best scenario, or the nearest to keeping the limits, TOML.
    pub scenario: String,
}

/// An optimisation that is to be told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What was asked.
    pub problem: &'a Problem<'a>,
    /// What came out.
    pub optimum: &'a Optimum,
    /// Of the best point on fresh random numbers.
    pub best: Option<&'a Summary>,
    /// The whole.
    pub info: &'a OptimumInfo,
}

#[derive(Serialize)]
struct File<'a> {
    format: u32,
    version: &'a str,
    title: &'a str,
    paths: u64,
    seed: u64,
    fresh_seed: u64,
    run_seconds: f64,
    simulation_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<&'a ViewsOutcome>,
    feasible: bool,
    notes: Vec<String>,
    objective: Value,
    best: Option<BestOfFile<'a>>,
    nearest: Value,
    binding: Vec<&'a str>,
    may_bind: Vec<&'a str>,
    confirmation: Value,
    constraints: Vec<Value>,
    runners_up: Vec<Value>,
    passed_over: Vec<Value>,
    unconstrained: Value,
    capital: &'a str,
    frontier: Vec<FrontierEntry<'a>>,
    axes: Vec<Value>,
    points: Value,
    scenario: &'a str,
}

/// The best point; the summary is that of a run with the fresh seed.
#[derive(Serialize)]
struct BestOfFile<'a> {
    at: &'a Point,
    objective: Estimate,
    objective_in_search: Estimate,
    /// Axes on whose first or last value it lies.
    edges: Vec<&'a str>,
    on_frontier: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    alexander_deng_zou: Option<Estimate>,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// The optimisation as JSON, with a line break at its end.
pub fn json(told: Told<'_>) -> String {
    let Told {
        problem,
        optimum,
        info,
        ..
    } = told;
    let at = |index: usize| &optimum.evaluated[index].point;
    let objective = &problem.objective;
    let grid = problem.grid;
    let axes: Vec<Value> = grid
        .axes()
        .iter()
        .map(|axis| {
            let values: Vec<Value> = axis.values.iter().map(GridValue::json).collect();
            json!({ "paths": axis.paths, "values": values })
        })
        .collect();
    let texts = |numbers: &[usize]| -> Vec<&str> {
        let numbers = numbers.iter();
        numbers
            .map(|&number| problem.constraints[number].text.as_str())
            .collect()
    };
    let of_grid = optimum.evaluated.iter().filter(|point| point.is_of_grid);
    let of_grid = of_grid.count();
    let passed_over = passed_over(optimum).iter().map(|passed| {
        let broken: Vec<&str> = not_kept(problem, &passed.fresh)
            .map(|constraint| constraint.text.as_str())
            .collect();
        json!({
            "at": at(passed.index),
            "objective": passed.fresh[0],
            "not_kept": broken,
        })
    });
    let unconstrained = &optimum.evaluated[optimum.unconstrained];
    let file = File {
        format: FORMAT,
        version: &info.version,
        title: &info.title,
        paths: info.paths,
        seed: info.seed,
        fresh_seed: info.fresh_seed,
        run_seconds: info.run_seconds,
        simulation_seconds: info.simulation_seconds,
        views: info.views.as_ref(),
        feasible: matches!(optimum.found, Found::Best(_)),
        notes: against_nature(objective).into_iter().collect(),
        objective: json!({
            "direction": objective.direction.word(),
            "path": objective.measure.name(),
            "liquidation_price": info.liquidation_price,
        }),
        best: best(told),
        nearest: nearest(told),
        binding: texts(&optimum.binding),
        may_bind: texts(&optimum.may_bind),
        confirmation: confirmation(optimum),
        constraints: constraints(told),
        runners_up: runners_up(optimum),
        passed_over: passed_over.collect(),
        unconstrained: json!({
            "at": unconstrained.point,
            "objective": unconstrained.objective(),
        }),
        capital: problem.capital.name(),
        frontier: frontier(told),
        axes,
        points: json!({
            "grid": of_grid,
            "refinement": optimum.evaluated.len() - of_grid,
            "refused": optimum.refused[0],
            "first_refusal": info.refusal,
            "lost_values": info.lost,
            "refused_between": optimum.refused[1],
            "rounds": problem.rounds,
        }),
        scenario: &info.scenario,
    };
    // Plain data with text keys, which always converts.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

/// Candidates that fresh random numbers did not confirm.
pub(super) fn passed_over(optimum: &Optimum) -> &[PassedOver] {
    match &optimum.found {
        Found::Best(best) => &best.passed_over,
        Found::Nothing(nothing) => &nothing.passed_over,
    }
}

/// How many candidates were tried on fresh random numbers, the confirmed one among them.
pub(super) fn tried(optimum: &Optimum) -> usize {
    passed_over(optimum).len() + usize::from(matches!(optimum.found, Found::Best(_)))
}

/// A point that does not keep a limit is let through in this part of samples at most, if it alone is tried: what lies beyond one end of a
/// 95 % interval.
const BEYOND: f64 = 0.025;

/// The same for as many tries on one sample (Bonferroni).
pub(super) fn most_error(tried: usize) -> f64 {
    BEYOND * tried as f64
}

fn confirmation(optimum: &Optimum) -> Value {
    let skipped = match &optimum.found {
        Found::Best(best) => Some(best.skipped),
        Found::Nothing(_) => None,
    };
    json!({
        "tried": tried(optimum),
        "skipped": skipped,
        "level": skipped.map(|_| 1.0 - most_error(tried(optimum))),
    })
}

/// Constraints that these values do not keep.
pub(super) fn not_kept<'a>(
    problem: &'a Problem<'_>,
    values: &'a [Estimate],
) -> impl Iterator<Item = &'a Constraint> {
    let constraints = problem.constraints.iter().zip(&values[1..]);
    constraints
        .filter(|(constraint, estimate)| !constraint.is_kept(estimate))
        .map(|(constraint, _)| constraint)
}

/// The values that constraints are judged on in a report: of the best point on fresh random numbers, of the nearest as they were judged.
pub(super) fn judged(optimum: &Optimum) -> &[Estimate] {
    match &optimum.found {
        Found::Best(best) => &best.fresh,
        Found::Nothing(nothing) => {
            let passed = nothing.passed_over.iter();
            let mut fresh = passed.filter(|passed| passed.index == nothing.nearest);
            let of_search = &optimum.evaluated[nothing.nearest].values;
            fresh.next().map_or(of_search, |passed| &passed.fresh)
        }
    }
}

fn constraints(told: Told<'_>) -> Vec<Value> {
    let (problem, optimum) = (told.problem, told.optimum);
    let values = judged(optimum);
    let of = |(number, constraint): (usize, &Constraint)| {
        let estimate = &values[1 + number];
        let reachable = match &optimum.found {
            Found::Best(_) => None,
            Found::Nothing(nothing) => nothing.reachable[number],
        };
        json!({
            "require": constraint.text,
            "path": constraint.measure.name(),
            "comparison": match constraint.comparison {
                Comparison::AtMost => "<=",
                Comparison::AtLeast => ">=",
            },
            "bound": constraint.bound,
            "from": match constraint.origin {
                Origin::Argument => "argument",
                Origin::Scenario => "scenario",
            },
            "value": estimate.value,
            "std_error": estimate.std_error,
            "ci95": estimate.ci95,
            "judged": constraint.far_end(estimate),
            "slack": constraint.slack(estimate),
            "status": constraint.status(estimate),
            "binding": optimum.binding.contains(&number),
            "may_bind": optimum.may_bind.contains(&number),
            "reachable": reachable,
        })
    };
    problem.constraints.iter().enumerate().map(of).collect()
}

fn best(told: Told<'_>) -> Option<BestOfFile<'_>> {
    let (Found::Best(best), Some(summary)) = (&told.optimum.found, told.best) else {
        return None;
    };
    let of_search = &told.optimum.evaluated[best.index];
    let axes = told.problem.grid.axes();
    let is_priced = told.problem.objective.measure == Measure::AlexanderDengZou;
    Some(BestOfFile {
        at: &of_search.point,
        objective: best.fresh[0],
        objective_in_search: *of_search.objective(),
        edges: best
            .edges
            .iter()
            .flat_map(|&axis| axes[axis].paths.iter().map(String::as_str))
            .collect(),
        on_frontier: told.optimum.frontier.contains(&best.index),
        alexander_deng_zou: is_priced.then_some(best.fresh[0]),
        summary,
    })
}

fn nearest(told: Told<'_>) -> Value {
    let Found::Nothing(nothing) = &told.optimum.found else {
        return Value::Null;
    };
    let values = judged(told.optimum);
    let broken: Vec<&str> = not_kept(told.problem, values)
        .map(|constraint| constraint.text.as_str())
        .collect();
    json!({
        "at": told.optimum.evaluated[nothing.nearest].point,
        "objective": values[0],
        "not_kept": broken,
        "on_fresh_random_numbers": !nothing.passed_over.is_empty(),
    })
}

fn runners_up(optimum: &Optimum) -> Vec<Value> {
    let Found::Best(best) = &optimum.found else {
        return Vec::new();
    };
    let rivals = best.rivals.iter();
    rivals
        .map(|rival| {
            json!({
                "at": optimum.evaluated[rival.index].point,
                "difference": rival.difference,
                "told_apart": rival.difference.map(|difference| !is_undecided(&difference)),
            })
        })
        .collect()
}

/// A point of the frontier.
#[derive(Debug, Serialize)]
struct FrontierEntry<'a> {
    at: &'a Point,
    es95: Estimate,
    capital: Estimate,
    liquidation_probability: Estimate,
    objective: Estimate,
    feasible: bool,
    best: bool,
}

fn frontier(told: Told<'_>) -> Vec<FrontierEntry<'_>> {
    let evaluated = &told.optimum.evaluated;
    let frontier = told.optimum.frontier.iter();
    frontier
        .map(|&index| {
            let point = &evaluated[index];
            FrontierEntry {
                at: &point.point,
                es95: point.risks()[0],
                capital: point.risks()[1],
                liquidation_probability: point.risks()[2],
                objective: *point.objective(),
                feasible: is_feasible(told.problem, point),
                best: is_best(told.optimum, index),
            }
        })
        .collect()
}

/// Whether a point kept every constraint in the search.
pub(super) fn is_feasible(problem: &Problem<'_>, point: &Evaluated) -> bool {
    not_kept(problem, &point.values).next().is_none()
}

/// Whether a point is the best one.
pub(super) fn is_best(optimum: &Optimum, index: usize) -> bool {
    matches!(&optimum.found, Found::Best(best) if best.index == index)
}

/// The frontier as CSV: a column an axis, then value, standard error and interval of shortfall, capital and probability of
/// liquidation, and whether the point kept every constraint and is the best.
pub fn frontier_csv(told: Told<'_>) -> String {
    let mut text = String::new();
    let axes = told.problem.grid.axes().iter();
    for path in axes.flat_map(|axis| &axis.paths) {
        push_field(&mut text, path);
        text.push(',');
    }
    let names = ["es95_usd", "capital_usd", "liquidation_probability"];
    for (index, name) in names.into_iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        text.push_str(comma);
        let columns =
            ["", "_std_error", "_ci95_lower", "_ci95_upper"].map(|of| [name, of].concat());
        text.push_str(&columns.join(","));
    }
    text.push_str(",feasible,best\n");
    for entry in frontier(told) {
        let values: Vec<String> = entry
            .at
            .settings()
            .map(|(_, value)| {
                let mut field = String::new();
                push_field(&mut field, value.label());
                field
            })
            .collect();
        text.push_str(&values.join(","));
        for estimate in [entry.es95, entry.capital, entry.liquidation_probability] {
            push_estimate(&mut text, &estimate);
        }
        let ends = [entry.feasible, entry.best].map(|is_so| is_so.to_string());
        text.push(',');
        text.push_str(&ends.join(","));
        text.push('\n');
    }
    text
}

/// The scenario of the best point, or of the nearest, under a comment that says which it is.
pub fn scenario(told: Told<'_>) -> String {
    let Told {
        problem,
        optimum,
        info,
        ..
    } = told;
    let objective = format!(
        "{} {}",
        problem.objective.direction.word(),
        problem.objective.measure.name()
    );
    let points = optimum.evaluated.len();
    let head = match &optimum.found {
        Found::Best(best) => format!(
            "# hedgesim optimize: the best of {points} points to {objective}: {}\n",
            optimum.evaluated[best.index].point.label()
        ),
        Found::Nothing(nothing) => {
            let broken: Vec<&str> = not_kept(problem, judged(optimum))
                .map(|constraint| constraint.text.as_str())
                .collect();
            format!(
                "# hedgesim optimize: none of {points} points keeps all limits. This one is the nearest: {}\n# not kept: {}\n",
                optimum.evaluated[nothing.nearest].point.label(),
                broken.join("; ")
            )
        }
    };
    // A value may hold a line break; a comment ends at one.
    let mut lines: Vec<String> = head
        .trim_end()
        .split("\n# ")
        .map(|line| line.replace(['\n', '\r'], " "))
        .collect();
    if matches!(optimum.found, Found::Best(_)) {
        lines.push(format!(
            "The figures of the report are of this point on fresh random numbers: `--seed {}`.",
            info.fresh_seed
        ));
    }
    let lost = problem.constraints.iter();
    let lost = lost.filter(|constraint| constraint.as_limit().is_none());
    lines.extend(lost.map(|constraint| {
        let text = constraint.text.replace(['\n', '\r'], " ");
        format!("Kept in the search, but no limit that a scenario can hold: {text}")
    }));
    format!("{}\n{}", lines.join("\n# "), info.scenario)
}

//! `hedgesim optimize`: read, resolve every point, search, confirm on fresh random numbers, write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hedgesim::choice::evaluation::table_bytes;
use hedgesim::choice::optimum::constraint::{Constraint, Origin};
use hedgesim::choice::optimum::measure::Measure;
use hedgesim::choice::optimum::objective::{Direction, Objective};
use hedgesim::choice::optimum::optimum_error::OptimumError;
use hedgesim::choice::optimum::outcome::{Found, Optimum, Problem};
use hedgesim::choice::optimum::search::{Draw, Stopped, optimize as search};
use hedgesim::choice::optimum::simulated::{Simulated, Unmeasured};
use hedgesim::engine::memory::available_bytes;
use hedgesim::engine::run::{SimulationError, simulate};
use hedgesim::report::folder::write_texts;
use hedgesim::report::optimum::document;
use hedgesim::report::optimum_files::{OptimumInfo, Told, frontier_csv, json, scenario};
use hedgesim::report::{markdown, terminal};
use hedgesim::scenario::more_limits::with_limits;
use hedgesim::stats::limits::estimate_at;
use hedgesim::stats::summarise::{Detail, RunInfo, template};
use hedgesim::stats::summary::Summary;
use hedgesim::stats::viewed::summarise_under_views;
use hedgesim::stats::views::ViewsOutcome;
use rayon::prelude::*;

use crate::cli::arguments::{Optimize, ReportFormat};
use crate::cli::failure::Failure;
use crate::cli::optimize_points::Candidates;
use crate::cli::output::{print, tell};
use crate::cli::points::tell_idle_axes;
use crate::cli::progress::Progress;
use crate::cli::session::{files_of, prepare_output, set_threads, stop_flag};

/// What `--out` writes.
const FILES: [&str; 3] = ["optimize.json", "frontier.csv", "scenario.toml"];

/// Price of a certain liquidation where none is given: as bad as having no hedge at all.
const LIQUIDATION_PRICE: f64 = 1.0;

/// Runs the command.
pub(crate) fn optimize(arguments: &Optimize) -> Result<(), Failure> {
    let started = Instant::now();
    set_threads(&arguments.threads)?;
    let candidates = Candidates::read(&arguments.scenario, &arguments.over)?;
    let problem = problem(arguments, &candidates)?;
    check_keys(&problem, &candidates)?;
    let liquidation_price = liquidation_price(arguments, &problem)?;
    check_memory(&candidates)?;
    let stop = stop_flag();
    let read = files_of(&candidates.sources);
    let _prepared = prepare_output(arguments.out.as_deref(), &FILES, read)?;
    tell_idle_axes(&candidates.grid, &candidates.by_point());
    let simulation_started = Instant::now();
    let progress = Progress::new(0);
    let found = solve(&problem, &candidates, liquidation_price, (&stop, &progress));
    progress.clear();
    let (optimum, best, views) = found?;
    let simulation_seconds = simulation_started.elapsed().as_secs_f64();
    let first = &candidates.first.simulation;
    let is_priced = problem.measures().contains(&Measure::AlexanderDengZou);
    let info = OptimumInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        title: first.title.clone(),
        paths: first.paths,
        seed: first.seed,
        fresh_seed: candidates.fresh_seed(),
        run_seconds: started.elapsed().as_secs_f64(),
        simulation_seconds,
        liquidation_price: is_priced.then_some(liquidation_price),
        refusal: candidates.refusal.clone(),
        lost: candidates.lost.clone(),
        views,
        scenario: chosen_scenario(&problem, &optimum, &candidates)?,
    };
    let told = Told {
        problem: &problem,
        optimum: &optimum,
        best: best.as_ref(),
        info: &info,
    };
    if let Some(folder) = &arguments.out {
        let texts = [json(told), frontier_csv(told), scenario(told)];
        let files: Vec<(&str, &str)> = FILES
            .into_iter()
            .zip(texts.iter().map(String::as_str))
            .collect();
        write_texts(folder, &files, &stop)?;
        let [first, second, third] = FILES;
        tell(&format!(
            "wrote {first}, {second} and {third} to {}\n",
            folder.display()
        ));
    } else if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let printed = print(&match arguments.format {
        ReportFormat::Json => json(told),
        ReportFormat::Markdown => markdown::render(&document(told, &candidates.first)),
        ReportFormat::Text => terminal::render(&document(told, &candidates.first), true),
    });
    match (printed, &optimum.found) {
        // Also when nobody reads the report to its end.
        (Ok(()) | Err(Failure::NoReader), Found::Nothing(_)) => Err(Failure::LimitBroken),
        (printed, _) => printed,
    }
}

/// What is to be optimised, checked against the summary's keys.
fn problem<'g>(arguments: &Optimize, candidates: &'g Candidates) -> Result<Problem<'g>, Failure> {
    let refuse = |error: OptimumError| Failure::refused(&error.to_string());
    let keys = template(&candidates.first);
    let (name, direction) = match (&arguments.objective.minimize, &arguments.objective.maximize) {
        (Some(name), _) => (name.as_str(), Direction::Minimize),
        (None, Some(name)) => (name.as_str(), Direction::Maximize),
        (None, None) => ("", Direction::Minimize), // clap asks for one of the two
    };
    let objective = Objective::find(name, direction, &keys).map_err(refuse)?;
    let mut constraints = Vec::new();
    for written in &arguments.subject_to {
        constraints.push(Constraint::parse(written, &keys).map_err(refuse)?);
    }
    for limit in &candidates.first.report.limits {
        match Constraint::of_limit(limit, &keys) {
            Ok(constraint) => constraints.push(constraint),
            // Such as `paths >= 1000`.
            Err(_) => tell(&format!(
                "warning: the scenario's limit `{}` is on a bare number, which no point moves: it is no constraint here\n",
                limit.text
            )),
        }
    }
    let capital_argument = format!("--capital {}", arguments.capital);
    let capital = Measure::find(&capital_argument, &arguments.capital, &keys).map_err(refuse)?;
    Ok(Problem {
        grid: &candidates.grid,
        objective,
        constraints,
        capital,
        rounds: arguments.refine,
    })
}

/// What is measured must be there at every point: an account or a kind of contract that only some points have is nothing to compare.
fn check_keys(problem: &Problem<'_>, candidates: &Candidates) -> Result<(), Failure> {
    let measures = problem.measures();
    let missing = candidates
        .taken()
        .into_par_iter()
        .find_map_first(|(point, plan)| {
            let keys = template(plan);
            let is_missing = |measure: &&Measure| match measure {
                Measure::Summary(path) => estimate_at(&keys, path).is_none(),
                Measure::AlexanderDengZou => false,
            };
            let measure = measures.iter().find(is_missing)?;
            Some((measure.name().to_owned(), point.label()))
        });
    match missing {
        None => Ok(()),
        Some((name, point)) => Err(Failure::refused(&format!(
            "`{name}` is no value of the summary at the point {point}; allowed: what every point of the grid has"
        ))),
    }
}

fn liquidation_price(arguments: &Optimize, problem: &Problem<'_>) -> Result<f64, Failure> {
    let refuse = |error: OptimumError| Err(Failure::refused(&error.to_string()));
    let Some(written) = &arguments.liquidation_price else {
        return Ok(LIQUIDATION_PRICE);
    };
    if !problem.measures().contains(&Measure::AlexanderDengZou) {
        return refuse(OptimumError::IdleLiquidationPrice);
    }
    match written.replace('_', "").parse::<f64>() {
        Ok(price) if (0.0..=1e6).contains(&price) => Ok(price),
        Ok(_) | Err(_) => refuse(OptimumError::LiquidationPrice {
            written: written.clone(),
        }),
    }
}

/// Refuses outcomes that do not fit, before anything is simulated.
fn check_memory(candidates: &Candidates) -> Result<(), Failure> {
    let largest = candidates.taken().into_iter();
    let needed = largest.map(|(_, plan)| table_bytes(plan)).max();
    match (available_bytes(), needed) {
        (Some(available), Some(needed)) if needed > available => {
            Err(Failure::from(SimulationError::OutOfMemory {
                paths: candidates.first.simulation.paths,
                gib: needed.div_ceil(1 << 30),
            }))
        }
        _ => Ok(()),
    }
}

/// Searches, and summarises the best point on fresh random numbers.
fn solve(
    problem: &Problem<'_>,
    candidates: &Candidates,
    liquidation_price: f64,
    (stop, progress): (&AtomicBool, &Progress),
) -> Result<(Optimum, Option<Summary>, Option<ViewsOutcome>), Failure> {
    let mut evaluator = Simulated {
        measures: problem.measures(),
        liquidation_price,
        resolve: &|point, draw| candidates.plan(point, draw),
        memory_bytes: available_bytes(),
        stop,
        announce: &|paths| progress.extend(paths),
        watcher: progress,
        views: None,
    };
    let optimum = search(problem, &mut evaluator).map_err(|stopped| match stopped {
        Stopped::Evaluator(Unmeasured::Simulation(error)) => Failure::from(error),
        Stopped::Evaluator(Unmeasured::Views { point, draw, error }) => {
            candidates.refuse_view(&point, draw, &error)
        }
        Stopped::Refused(error) => Failure::refused(&error.to_string()),
    })?;
    let views = evaluator.views;
    let Found::Best(best) = &optimum.found else {
        return Ok((optimum, None, views));
    };
    let point = &optimum.evaluated[best.index].point;
    let (plan, scenario) = candidates
        .resolve(point, Draw::Fresh)
        .map_err(crate::cli::session::refused)?;
    progress.extend(plan.simulation.paths);
    let mut table = simulate(&plan, stop, progress)?;
    let info = RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario,
        ..RunInfo::default()
    };
    let summary = summarise_under_views(&mut table, &plan, Detail::Everything, &info)
        .map_err(|error| candidates.refuse_view(point, Draw::Fresh, &error))?;
    Ok((optimum, Some(summary), views))
}

/// The scenario of the best point, or of the nearest, with the seed of the search and, as its limits, all constraints.
fn chosen_scenario(
    problem: &Problem<'_>,
    optimum: &Optimum,
    candidates: &Candidates,
) -> Result<String, Failure> {
    let index = match &optimum.found {
        Found::Best(best) => best.index,
        Found::Nothing(nothing) => nothing.nearest,
    };
    let point = &optimum.evaluated[index].point;
    let (_, scenario) = candidates
        .resolve(point, Draw::Search)
        .map_err(crate::cli::session::refused)?;
    let given = problem.constraints.iter();
    let given = given.filter(|constraint| constraint.origin == Origin::Argument);
    let limits: Vec<String> = given.filter_map(Constraint::as_limit).collect();
    with_limits(&scenario, &limits)
        .ok_or_else(|| Failure::Other("the limits do not fit into the scenario".to_owned()))
}

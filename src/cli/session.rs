//! What the commands share: reading and resolving a scenario, threads, Ctrl-C.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hedgesim::engine::memory::{available_bytes, fitting_paths, needed_bytes};
use hedgesim::engine::pilot;
use hedgesim::engine::run::simulate;
use hedgesim::outcome::layout::Layout;
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::pilot::Pilot;
use hedgesim::plan::read::load;
use hedgesim::plan::resolve::resolve_with;
use hedgesim::plan::types::Plan;
use hedgesim::report::number::plain;
use hedgesim::scenario::load::Loaded;
use hedgesim::scenario::problem::{Problem, Problems};
use hedgesim::stats::limits::{check_bound, known_path};
use hedgesim::stats::summarise::template;

use crate::cli::arguments::{ScenarioArguments, ThreadArguments};
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;

/// Reads a scenario, checks it, and resolves it.
pub(crate) fn read(arguments: &ScenarioArguments) -> Result<(Loaded, Plan), Failure> {
    let loaded = load(&arguments.scenario, &arguments.all_overrides());
    loaded.and_then(resolved).map_err(refused)
}

/// Resolves a scenario that was read.
pub(crate) fn resolved(loaded: Loaded) -> Result<(Loaded, Plan), Problems> {
    resolved_with(loaded, &pilot::ratios)
}

/// Resolves a scenario that was read; `pilot` finds what only a simulation tells.
pub(crate) fn resolved_with(loaded: Loaded, pilot: Pilot<'_>) -> Result<(Loaded, Plan), Problems> {
    let plan = resolve_with(&loaded, pilot)?;
    check_limits(&loaded, &plan)?;
    Ok((loaded, plan))
}

/// Why a scenario is refused, drawn in colour; the stream takes the colours out where there is no terminal or the user wants none.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn refused(problems: Problems) -> Failure {
    Failure::Refused(problems.render(true) + "\n")
}

/// Limits must name values that the summary has.
fn check_limits(loaded: &Loaded, plan: &Plan) -> Result<(), Problems> {
    if plan.report.limits.is_empty() {
        return Ok(());
    }
    let summary = template(plan);
    let problems: Vec<Problem> = loaded
        .scenario
        .limits
        .iter()
        .filter_map(|limit| {
            let given = &limit.require;
            let path = &given.value.path;
            let Err(near) = known_path(&summary, path) else {
                let bound = check_bound(path, given.value.bound, given.value.has_unit);
                return bound.err().map(|(allowed, label)| Problem {
                    message: format!("`{}` is {}; allowed: {allowed}", given.path, given.written),
                    place: Some(given.place),
                    label,
                });
            };
            let label = match near.first() {
                Some(name) if path.starts_with(&format!("{name}.")) => {
                    format!("a limit is judged on the whole interval: write `{name}`")
                }
                Some(name) => format!("did you mean `{name}`?"),
                None => "`hedgesim run --format json` shows all names".to_owned(),
            };
            Some(Problem {
                message: format!(
                    "`{}` names no value of the summary: `{path}`; allowed: a dotted path into summary.json",
                    limit.require.path
                ),
                place: Some(limit.require.place),
                label,
            })
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problems::new(loaded.sources.clone(), problems))
    }
}

/// Refuses more paths than the memory holds, before anything is simulated.
pub(crate) fn check_memory(loaded: &Loaded, plan: &Plan) -> Result<(), Failure> {
    let columns = Layout::of(plan).columns();
    let needed = needed_bytes(plan.simulation.paths, columns);
    let Some(available) = available_bytes().filter(|available| needed > *available) else {
        return Ok(());
    };
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    let given = &loaded.scenario.simulation.paths;
    let problem = Problem {
        message: format!(
            "`{}` is {}; allowed: up to {}, which is what {} of memory hold",
            given.path,
            given.written,
            plain(fitting_paths(available, columns) as f64, 0),
            gib(available)
        ),
        place: Some(given.place),
        label: format!("their outcomes need {}", gib(needed)),
    };
    let problems = Problems::new(loaded.sources.clone(), vec![problem]);
    Err(Failure::Refused(problems.render(true) + "\n"))
}

/// A flag that Ctrl-C or SIGTERM sets; a second one ends the program at once.
pub(crate) fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // Without a handler the signal ends the program, which leaves nothing half-written either.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    stop
}

/// Makes the pool of threads for everything that follows.
pub(crate) fn set_threads(threads: &ThreadArguments) -> Result<(), Failure> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = threads.threads {
        pool = pool.num_threads(threads.into());
    }
    pool.build_global()
        .map_err(|error| Failure::Other(format!("cannot start threads: {error}")))
}

/// Simulates with a progress bar.
pub(crate) fn simulate_watched(plan: &Plan, stop: &AtomicBool) -> Result<OutcomeTable, Failure> {
    let progress = Progress::new(plan.simulation.paths);
    let table = simulate(plan, stop, &progress);
    progress.clear();
    Ok(table?)
}

/// Refuses to write the scenario as run over the scenario that was read.
pub(crate) fn check_input_stays(folder: &Path, scenario: &Path) -> Result<(), Failure> {
    let written = folder.join("scenario.toml");
    match (written.canonicalize(), scenario.canonicalize()) {
        (Ok(written), Ok(read)) if written == read => Err(Failure::refused(&format!(
            "`{}` is the scenario itself, which `--out` would write over; results need a folder of their own",
            scenario.display()
        ))),
        _ => Ok(()),
    }
}

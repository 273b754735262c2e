//! What the commands share: reading and resolving a scenario, threads, Ctrl-C.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use hedgesim::choice::evaluation::table_columns;
use hedgesim::engine::memory::{available_bytes, fitting_paths, needed_bytes};
use hedgesim::engine::pilot;
use hedgesim::engine::run::simulate;
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::pilot::Pilot;
use hedgesim::plan::read::load;
use hedgesim::plan::resolve::resolve_with;
use hedgesim::plan::types::Plan;
use hedgesim::report::folder::{FolderError, PreparedFolder, prepare_folder};
use hedgesim::report::number::plain;
use hedgesim::scenario::load::Loaded;
use hedgesim::scenario::place::Sources;
use hedgesim::scenario::problem::{Problem, Problems};
use hedgesim::stats::limits::{check_bound, known_path};
use hedgesim::stats::summarise::template;
use hedgesim::stats::views::ViewError;

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
    let columns = table_columns(plan);
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

/// Views that the simulated paths do not allow, shown where the scenario has them.
pub(crate) fn refuse_view(loaded: &Loaded, error: &ViewError) -> Failure {
    let view = loaded.scenario.views.get(error.view());
    let problem = Problem {
        message: error.to_string(),
        place: view.map(|view| view.given.place),
        label: error.hint(),
    };
    let problems = Problems::new(loaded.sources.clone(), vec![problem]);
    Failure::Refused(problems.render(true) + "\n")
}

/// Whether a command has something to clean up when it is asked to stop.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// Set by Ctrl-C or SIGTERM.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Watches for Ctrl-C and SIGTERM: before [`stop_flag`] is asked for they end the program at once, for nothing is written yet; then
/// they set the flag, and a second one ends the program.
pub(crate) fn watch_signals() {
    // Without a handler the signal ends the program, which leaves nothing half-written either.
    let _ = ctrlc::set_handler(|| {
        if !HAS_BEGUN.load(Ordering::Relaxed) {
            Failure::Interrupted.tell();
            std::process::exit(130);
        }
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

/// The flag that Ctrl-C and SIGTERM set from now on.
pub(crate) fn stop_flag() -> Arc<AtomicBool> {
    HAS_BEGUN.store(true, Ordering::Relaxed);
    Arc::clone(&STOP)
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

/// Makes sure of the folder that `--out` names and of its files; none of them may be one of the files that were read.
pub(crate) fn prepare_output<'a>(
    out: Option<&Path>,
    names: &[&str],
    read: impl IntoIterator<Item = &'a Path>,
) -> Result<Option<PreparedFolder>, Failure> {
    let Some(folder) = out else {
        return Ok(None);
    };
    for input in read {
        let Ok(input_file) = input.canonicalize() else {
            continue;
        };
        let is_input = |name: &&str| {
            folder
                .join(name)
                .canonicalize()
                .is_ok_and(|at| at == input_file)
        };
        if names.iter().any(is_input) {
            return Err(Failure::refused(&format!(
                "`{}` has been read, and `--out` would write over it; results need a folder of their own",
                input.display()
            )));
        }
    }
    let prepared = prepare_folder(folder, names);
    prepared
        .map(Some)
        .map_err(|error: FolderError| Failure::refused(&error.to_string()))
}

/// The files that a scenario was read from.
pub(crate) fn files_of(sources: &Sources) -> impl Iterator<Item = &Path> {
    let files = sources.files.iter().map(|file| Path::new(&file.name));
    std::iter::once(Path::new(&sources.name)).chain(files)
}

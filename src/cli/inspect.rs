//! `hedgesim inspect`: single paths, step by step.

use std::io::Write as _;
use std::path::Path;

use hedgesim::engine::trace::{Trace, trace};
use hedgesim::outcome::column::Column;
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::types::Plan;
use hedgesim::report::folder::prepare_folder;
use hedgesim::report::story::render;
use hedgesim::report::trace::{outcome_csv, render_json, steps_csv};
use hedgesim::report::whole_file::WholeFile;

use crate::cli::arguments::{Inspect, TraceFormat};
use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::cli::session::{read, set_threads, simulate_watched, stop_flag};

/// Runs the command.
pub(crate) fn inspect(arguments: &Inspect) -> Result<(), Failure> {
    set_threads(&arguments.threads)?;
    let (_, plan) = read(&arguments.scenario)?;
    let last = plan.simulation.paths - 1;
    if let Some(path) = arguments.which.path.filter(|path| *path > last) {
        return Err(Failure::refused(&format!(
            "no path {path}; allowed: 0 to {last} (`simulation.paths` is {})",
            plan.simulation.paths
        )));
    }
    if let Some(folder) = &arguments.out {
        prepare_folder(folder).map_err(|error| Failure::refused(&error.to_string()))?;
    }
    let paths = match (arguments.which.path, arguments.which.worst) {
        (Some(path), _) => vec![path],
        (None, worst) => {
            let table = simulate_watched(&plan, &stop_flag())?;
            worst_paths(&table, worst.unwrap_or(1).into())
        }
    };
    let traces: Vec<Trace> = paths.into_iter().map(|path| trace(&plan, path)).collect();
    if let Some(folder) = &arguments.out {
        return write(folder, &plan, &traces);
    }
    print(&match arguments.format {
        TraceFormat::Text => render(&plan, &traces, arguments.all),
        TraceFormat::Csv => steps_csv(&plan, &traces),
        TraceFormat::Json => render_json(&plan, &traces),
    })
}

/// The paths of the smallest hedged P&L, worst first; among equals the smaller number.
fn worst_paths(table: &OutcomeTable, count: usize) -> Vec<u64> {
    let mut paths: Vec<(f64, u64)> = table.values(Column::HedgedPnl).zip(0..).collect();
    let order = |a: &(f64, u64), b: &(f64, u64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let count = count.min(paths.len());
    if count < paths.len() {
        paths.select_nth_unstable_by(count, order);
    }
    paths.truncate(count);
    paths.sort_by(order);
    paths.into_iter().map(|(_, path)| path).collect()
}

fn write(folder: &Path, plan: &Plan, traces: &[Trace]) -> Result<(), Failure> {
    for trace in traces {
        let files = [
            (
                format!("path-{}.csv", trace.path),
                steps_csv(plan, std::slice::from_ref(trace)),
            ),
            (
                format!("path-{}-outcome.csv", trace.path),
                outcome_csv(std::slice::from_ref(trace)),
            ),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            WholeFile::create(&path)
                .and_then(|mut file| {
                    file.write_all(text.as_bytes())?;
                    file.put_in_place()
                })
                .map_err(|error| {
                    Failure::Other(format!("cannot write {}: {error}", path.display()))
                })?;
        }
    }
    anstream::eprintln!(
        "wrote path-K.csv and path-K-outcome.csv to {}, K: {}",
        folder.display(),
        traces
            .iter()
            .map(|trace| trace.path.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok(())
}

//! `hedgesim inspect`: single paths, step by step.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use hedgesim::engine::trace::{Trace, trace_watched};
use hedgesim::outcome::column::Column;
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::types::Plan;
use hedgesim::report::folder::prepare_folder;
use hedgesim::report::story::render;
use hedgesim::report::trace::{outcome_csv, render_json, steps_csv};
use hedgesim::report::whole_file::{WholeFile, put_all_in_place};
use hedgesim::stats::views::reweigh;

use crate::cli::arguments::{Inspect, TraceFormat};
use crate::cli::failure::Failure;
use crate::cli::output::{print, tell};
use crate::cli::session::{
    check_memory, read, refuse_view, set_threads, simulate_watched, stop_flag,
};

/// Runs the command.
pub(crate) fn inspect(arguments: &Inspect) -> Result<(), Failure> {
    set_threads(&arguments.threads)?;
    let (loaded, plan) = read(&arguments.scenario)?;
    let last = plan.simulation.paths - 1;
    if let Some(path) = arguments.which.path.filter(|path| *path > last) {
        return Err(Failure::refused(&format!(
            "no path {path}; allowed: 0 to {last} (`simulation.paths` is {})",
            plan.simulation.paths
        )));
    }
    if arguments.which.path.is_none() {
        check_memory(&loaded, &plan)?;
    }
    let stop = stop_flag();
    let _prepared = match &arguments.out {
        Some(folder) => Some(
            prepare_folder(folder, &[]).map_err(|error| Failure::refused(&error.to_string()))?,
        ),
        None => None,
    };
    let mut weights = None;
    let paths = match (arguments.which.path, arguments.which.worst) {
        (Some(path), _) => vec![path],
        (None, worst) => {
            let mut table = simulate_watched(&plan, &stop)?;
            reweigh(&mut table, &plan).map_err(|error| refuse_view(&loaded, &error))?;
            weights = table.weights().map(<[f64]>::to_vec);
            let worst = usize::from(worst.unwrap_or(1));
            let there_are = plan.simulation.paths;
            if worst as u64 > there_are {
                let noun = if there_are == 1 { "path" } else { "paths" };
                tell(&format!(
                    "there are only {there_are} {noun}, not {worst}: all are shown\n"
                ));
            }
            worst_paths(&table, worst)
        }
    };
    let traces: Option<Vec<Trace>> = paths
        .into_iter()
        .map(|path| trace_watched(&plan, path, &stop))
        .collect();
    let mut traces = traces.ok_or(Failure::Interrupted)?;
    if !plan.report.views.is_empty() {
        for trace in &mut traces {
            weigh(trace, weights.as_deref());
        }
    }
    if let Some(folder) = &arguments.out {
        return write(folder, &plan, &traces, &stop);
    }
    let text = match arguments.format {
        TraceFormat::Text => render(&plan, &traces, arguments.all),
        TraceFormat::Csv => steps_csv(&plan, &traces, &stop).ok_or(Failure::Interrupted)?,
        TraceFormat::Json => render_json(&plan, &traces),
    };
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    print(&text)
}

/// Gives the path its weight under the views. Without those of all paths it is not known, and its field empty: the weight of one path
/// depends on all of them.
fn weigh(trace: &mut Trace, weights: Option<&[f64]>) {
    let known = usize::try_from(trace.path)
        .ok()
        .and_then(|path| weights?.get(path).copied());
    let rows = trace.block.paths();
    trace
        .block
        .set_weights(vec![known.unwrap_or(f64::NAN); rows]);
}

/// Weights, in units of an average path, under which the views have ruled a path out: it is none of the worst.
const RULED_OUT: f64 = 1e-6;

/// The paths of the smallest hedged P&L, worst first; among equals the smaller number. Paths that views rule out are passed over.
fn worst_paths(table: &OutcomeTable, count: usize) -> Vec<u64> {
    let is_possible = |path: u64| {
        let index = usize::try_from(path).unwrap_or(usize::MAX);
        table
            .weights()
            .is_none_or(|weights| weights[index] >= RULED_OUT)
    };
    let mut paths: Vec<(f64, u64)> = table
        .values(Column::HedgedPnl)
        .zip(0..)
        .filter(|(_, path)| is_possible(*path))
        .collect();
    let order = |a: &(f64, u64), b: &(f64, u64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let count = count.min(paths.len());
    if count < paths.len() {
        paths.select_nth_unstable_by(count, order);
    }
    paths.truncate(count);
    paths.sort_by(order);
    paths.into_iter().map(|(_, path)| path).collect()
}

/// Writes the files of all paths, or none.
fn write(folder: &Path, plan: &Plan, traces: &[Trace], stop: &AtomicBool) -> Result<(), Failure> {
    let mut whole = Vec::with_capacity(2 * traces.len());
    for trace in traces {
        let files = [
            (
                format!("path-{}.csv", trace.path),
                steps_csv(plan, std::slice::from_ref(trace), stop).ok_or(Failure::Interrupted)?,
            ),
            (
                format!("path-{}-outcome.csv", trace.path),
                outcome_csv(std::slice::from_ref(trace)),
            ),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            let file = WholeFile::create(&path).and_then(|mut file| {
                write_watched(&mut file, &text, stop)?;
                file.close()?;
                Ok(file)
            });
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            whole.push(file.map_err(|error| {
                Failure::Other(format!("cannot write {}: {error}", path.display()))
            })?);
        }
    }
    put_all_in_place(whole).map_err(|error| Failure::Other(error.to_string()))?;
    tell(&format!(
        "wrote path-K.csv and path-K-outcome.csv to {}, K: {}\n",
        folder.display(),
        traces
            .iter()
            .map(|trace| trace.path.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    ));
    Ok(())
}

/// Writes a long text piece by piece, up to an interruption.
fn write_watched(file: &mut WholeFile, text: &str, stop: &AtomicBool) -> io::Result<()> {
    for piece in text.as_bytes().chunks(1 << 20) {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        file.write_all(piece)?;
    }
    Ok(())
}

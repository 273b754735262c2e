//! `hedgesim run`: read, check, resolve, simulate, summarise, write.

use std::sync::atomic::Ordering;
use std::time::Instant;

use hedgesim::report::content::document;
use hedgesim::report::folder::{RUN_FILES, write_folder};
use hedgesim::report::{json, markdown, terminal};
use hedgesim::stats::limits::LimitStatus;
use hedgesim::stats::summarise::{Detail, RunInfo};
use hedgesim::stats::viewed::summarise_under_views;

use crate::cli::arguments::{ReportFormat, Run};
use crate::cli::failure::Failure;
use crate::cli::output::{print, tell};
use crate::cli::session::{
    check_memory, files_of, prepare_output, read, refuse_view, set_threads, simulate_watched,
    stop_flag,
};

/// What `--out` writes, for the message.
const FILES: &str = "summary.json, outcomes.csv, percentiles.csv and scenario.toml";

/// Runs the command.
pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    let started = Instant::now();
    set_threads(&arguments.threads)?;
    let (loaded, plan) = read(&arguments.scenario)?;
    check_memory(&loaded, &plan)?;
    let stop = stop_flag();
    let out = arguments.out.as_deref();
    let _prepared = prepare_output(out, &RUN_FILES, files_of(&loaded.sources))?;
    let simulation_started = Instant::now();
    let mut table = simulate_watched(&plan, &stop)?;
    let simulation_seconds = simulation_started.elapsed().as_secs_f64();
    let detail = match arguments.format {
        ReportFormat::Text | ReportFormat::Markdown if arguments.out.is_none() => Detail::Report,
        ReportFormat::Text | ReportFormat::Markdown | ReportFormat::Json => Detail::Everything,
    };
    let info = RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run_seconds: Some(started.elapsed().as_secs_f64()),
        simulation_seconds: Some(simulation_seconds),
        scenario: loaded.effective_toml.clone(),
    };
    let summary = summarise_under_views(&mut table, &plan, detail, &info)
        .map_err(|error| refuse_view(&loaded, &error))?;
    if let Some(folder) = &arguments.out {
        write_folder(folder, &table, &summary, &stop)?;
        tell(&format!("wrote {FILES} to {}\n", folder.display()));
    } else if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let printed = print(&match arguments.format {
        ReportFormat::Json => json::render(&summary),
        ReportFormat::Markdown => markdown::render(&document(&summary, &plan)),
        ReportFormat::Text => terminal::render(&document(&summary, &plan), true),
    });
    let is_broken = summary
        .limits
        .iter()
        .any(|limit| limit.status == LimitStatus::Broken);
    match printed {
        // Also when nobody reads the report to its end.
        Ok(()) | Err(Failure::NoReader) if is_broken => Err(Failure::LimitBroken),
        printed => printed,
    }
}

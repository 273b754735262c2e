//! `hedgesim stress`: episodes, shocks, the smallest moves that hurt, and the worst paths of the scenario.

use std::sync::atomic::Ordering;

use hedgesim::report::folder::write_texts;
use hedgesim::report::stress::document;
use hedgesim::report::stress_episodes;
use hedgesim::report::stress_json::{render_csv, render_json};
use hedgesim::report::{markdown, terminal};
use hedgesim::stats::views::reweigh;
use hedgesim::stress::episode::select;
use hedgesim::stress::results::StressTest;

use crate::cli::arguments::ReportFormat;
use crate::cli::failure::Failure;
use crate::cli::output::{print, tell};
use crate::cli::progress::Progress;
use crate::cli::session::{
    check_memory, files_of, prepare_output, read, refuse_view, set_threads, simulate_watched,
    stop_flag,
};
use crate::cli::stress_arguments::Stress;

/// What `--out` writes.
const FILES: [&str; 2] = ["stress.json", "stress.csv"];

/// Runs the command.
pub(crate) fn stress(arguments: &Stress) -> Result<(), Failure> {
    if arguments.list {
        return list(arguments);
    }
    let Some(scenario) = arguments.scenario_arguments() else {
        return Err(Failure::refused("no scenario is given"));
    };
    set_threads(&arguments.threads)?;
    let (loaded, plan) = read(&scenario)?;
    let test = StressTest::try_new(&plan, arguments.settings())
        .map_err(|error| Failure::refused(&error.to_string()))?;
    check_memory(&loaded, &plan)?;
    let stop = stop_flag();
    let out = arguments.out.as_deref();
    let _prepared = prepare_output(out, &FILES, files_of(&loaded.sources))?;
    let mut table = simulate_watched(&plan, &stop)?;
    let views = if plan.report.views.is_empty() {
        None
    } else {
        let outcome = reweigh(&mut table, &plan);
        Some(outcome.map_err(|error| refuse_view(&loaded, &error))?)
    };
    let progress = Progress::new(test.paths(&plan));
    let results = test.run(&plan, (table, views), &stop, &progress);
    progress.clear();
    let results = results?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let json = render_json(&results, &plan, &loaded.effective_toml);
    if let Some(folder) = &arguments.out {
        let csv = render_csv(&results, &plan);
        write_texts(folder, &[(FILES[0], &json), (FILES[1], &csv)], &stop)?;
        tell(&format!(
            "wrote stress.json and stress.csv to {}\n",
            folder.display()
        ));
    }
    print(&match arguments.format {
        ReportFormat::Json => json,
        ReportFormat::Markdown => markdown::render(&document(&results, &plan)),
        ReportFormat::Text => terminal::render(&document(&results, &plan), true),
    })
}

/// Lists the episodes.
fn list(arguments: &Stress) -> Result<(), Failure> {
    let episodes = select(&arguments.episodes).map_err(|message| Failure::refused(&message))?;
    print(&match arguments.format {
        ReportFormat::Json => stress_episodes::render_json(&episodes),
        ReportFormat::Text | ReportFormat::Markdown => stress_episodes::render(&episodes),
    })
}

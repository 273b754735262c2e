//! `hedgesim sweep`: read, resolve every point, simulate them on the same paths, compare, write.

use std::sync::atomic::Ordering;
use std::time::Instant;

use hedgesim::choice::evaluation::EvaluationError;
use hedgesim::choice::sweep::{Wanted, sweep as sweep_points};
use hedgesim::engine::memory::available_bytes;
use hedgesim::report::folder::write_texts;
use hedgesim::report::sweep::document;
use hedgesim::report::sweep_files::{SweepInfo, csv, json};
use hedgesim::report::{markdown, terminal};

use crate::cli::arguments::{Sweep, SweepFormat};
use crate::cli::failure::Failure;
use crate::cli::output::{print, tell};
use crate::cli::points::{points, tell_idle_axes};
use crate::cli::progress::Progress;
use crate::cli::session::{files_of, prepare_output, set_threads, stop_flag};

/// What `--out` writes.
const FILES: [&str; 3] = ["sweep.json", "sweep.csv", "scenario.toml"];

/// Runs the command.
pub(crate) fn sweep(arguments: &Sweep) -> Result<(), Failure> {
    let started = Instant::now();
    set_threads(&arguments.threads)?;
    let points = points(&arguments.scenario, &arguments.over)?;
    let stop = stop_flag();
    let read = files_of(&points.sources);
    let _prepared = prepare_output(arguments.out.as_deref(), &FILES, read)?;
    let plans: Vec<_> = points.proposals.iter().map(|of| Some(&of.plan)).collect();
    tell_idle_axes(&points.grid, &plans);
    let plan = &points.proposals[0].plan;
    let paths = plan.simulation.paths;
    let wanted = Wanted {
        has_summaries: arguments.format == SweepFormat::Json || arguments.out.is_some(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let simulation_started = Instant::now();
    let progress = Progress::new(paths.saturating_mul(points.grid.size() as u64));
    let swept = sweep_points(
        &points.grid,
        &points.proposals,
        &wanted,
        available_bytes(),
        (&stop, &progress),
    );
    progress.clear();
    let swept = swept.map_err(|error| match error {
        EvaluationError::Simulation(error) => Failure::from(error),
        EvaluationError::Views { plan, error } => points.refuse_view(plan, &error),
    })?;
    let info = SweepInfo {
        version: wanted.version,
        title: plan.simulation.title.clone(),
        paths,
        seed: plan.simulation.seed,
        run_seconds: started.elapsed().as_secs_f64(),
        simulation_seconds: simulation_started.elapsed().as_secs_f64(),
        scenario: points.scenario,
    };
    if let Some(folder) = &arguments.out {
        let (json, csv) = (json(&swept, &info), csv(&swept));
        let texts = [
            (FILES[0], json.as_str()),
            (FILES[1], csv.as_str()),
            (FILES[2], info.scenario.as_str()),
        ];
        write_texts(folder, &texts, &stop)?;
        let [first, second, third] = FILES;
        tell(&format!(
            "wrote {first}, {second} and {third} to {}\n",
            folder.display()
        ));
    } else if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let document = || document(&swept, plan, &info.version, info.run_seconds);
    print(&match arguments.format {
        SweepFormat::Json => json(&swept, &info),
        SweepFormat::Csv => csv(&swept),
        SweepFormat::Markdown => markdown::render(&document()),
        SweepFormat::Text => terminal::render(&document(), true),
    })
}

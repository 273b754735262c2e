//! `hedgesim compare`: read every proposal, check that they share their market, simulate them on the same paths, compare, write.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use hedgesim::choice::common_ground::{Named, common_ground};
use hedgesim::choice::compare::{Proposal, Wanted, compare as compare_proposals};
use hedgesim::choice::evaluation::EvaluationError;
use hedgesim::engine::memory::available_bytes;
use hedgesim::plan::read::load;
use hedgesim::plan::types::Plan;
use hedgesim::report::compare::document;
use hedgesim::report::compare_files::{CompareInfo, csv, json};
use hedgesim::report::folder::write_texts;
use hedgesim::report::{markdown, terminal};
use hedgesim::scenario::load::Loaded;

use crate::cli::arguments::{Compare, ReportFormat};
use crate::cli::failure::Failure;
use crate::cli::output::{print, tell};
use crate::cli::progress::Progress;
use crate::cli::session::{
    files_of, prepare_output, refuse_view, refused, resolved, set_threads, stop_flag,
};

/// What `--out` writes.
const FILES: [&str; 2] = ["compare.json", "compare.csv"];

/// The most proposals that are put beside each other: nobody reads more than these 190 pairs.
const MOST_PROPOSALS: usize = 20;

/// Runs the command.
pub(crate) fn compare(arguments: &Compare) -> Result<(), Failure> {
    let started = Instant::now();
    set_threads(&arguments.threads)?;
    let (loaded, proposals): (Vec<Loaded>, Vec<Proposal>) = read(arguments)?.into_iter().unzip();
    let all: Vec<Named> = proposals.iter().map(named).collect();
    let notes = common_ground(&all).map_err(|error| Failure::refused(&error.to_string()))?;
    let stop = stop_flag();
    let read = loaded.iter().flat_map(|loaded| files_of(&loaded.sources));
    let _prepared = prepare_output(arguments.out.as_deref(), &FILES, read)?;
    let plan = &proposals[0].plan;
    let paths = plan.simulation.paths;
    let wanted = Wanted {
        has_every_key: arguments.format == ReportFormat::Json || arguments.out.is_some(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let simulation_started = Instant::now();
    let progress = Progress::new(paths.saturating_mul(proposals.len() as u64));
    let compared = compare_proposals(&proposals, &wanted, available_bytes(), (&stop, &progress));
    progress.clear();
    let compared = compared.map_err(|error| match error {
        EvaluationError::Simulation(error) => Failure::from(error),
        EvaluationError::Views { plan, error } => refuse_view(&loaded[plan], &error),
    })?;
    let info = CompareInfo {
        version: wanted.version,
        paths,
        seed: plan.simulation.seed,
        run_seconds: started.elapsed().as_secs_f64(),
        simulation_seconds: simulation_started.elapsed().as_secs_f64(),
        notes,
    };
    if let Some(folder) = &arguments.out {
        let (json, csv) = (json(&compared, &info), csv(&compared));
        let texts = [(FILES[0], json.as_str()), (FILES[1], csv.as_str())];
        write_texts(folder, &texts, &stop)?;
        let [first, second] = FILES;
        tell(&format!(
            "wrote {first} and {second} to {}\n",
            folder.display()
        ));
    } else if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let program = (info.version.as_str(), info.run_seconds);
    let plans: Vec<&Plan> = proposals.iter().map(|proposal| &proposal.plan).collect();
    let document = || document(&compared, &plans, &info.notes, program);
    print(&match arguments.format {
        ReportFormat::Json => json(&compared, &info),
        ReportFormat::Markdown => markdown::render(&document()),
        ReportFormat::Text => terminal::render(&document(), true),
    })
}

fn named(Proposal { name, plan, .. }: &Proposal) -> Named<'_> {
    Named { name, plan }
}

/// Reads and resolves every proposal.
fn read(arguments: &Compare) -> Result<Vec<(Loaded, Proposal)>, Failure> {
    if let [only] = arguments.scenarios.as_slice() {
        return Err(Failure::refused(&format!(
            "only {} is given; allowed: two scenarios or more, which are compared with the first",
            only.display()
        )));
    }
    if arguments.scenarios.len() > MOST_PROPOSALS {
        return Err(Failure::refused(&format!(
            "{} scenarios are given; allowed: up to {MOST_PROPOSALS}, for every two of them are compared",
            arguments.scenarios.len()
        )));
    }
    let overrides = arguments.changes.all();
    let names = names(&arguments.scenarios);
    let proposals = arguments.scenarios.iter().zip(names);
    proposals
        .map(|(file, name)| {
            let loaded = load(file, &overrides).and_then(resolved);
            let (loaded, plan) = loaded.map_err(refused)?;
            let scenario = loaded.effective_toml.clone();
            let proposal = Proposal {
                name,
                plan,
                scenario,
            };
            Ok((loaded, proposal))
        })
        .collect()
}

/// The files' names without `.toml`; a number from the second of the same name on.
fn names(files: &[PathBuf]) -> Vec<String> {
    let stem = |file: &Path| {
        let stem = file.file_stem().unwrap_or(file.as_os_str());
        stem.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = Vec::new();
    for file in files {
        let name = stem(file);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

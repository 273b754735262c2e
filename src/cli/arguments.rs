//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::stress_arguments::Stress;

/// Monte Carlo risk of hedging crypto inventory with futures, path by path.
#[derive(Debug, Parser)]
#[command(name = "hedgesim", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// When to colour what goes to a terminal.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulate a scenario and report the distribution of the hedge.
    Run(Run),
    /// Check a scenario and show the hedge at a glance, without simulating.
    Check(Check),
    /// Show one path alone, step by step.
    Inspect(Inspect),
    /// Play historical and hypothetical shocks, and find the smallest moves that hurt.
    Stress(Box<Stress>),
    /// List the venues whose margin brackets, fees and funding come with the program.
    Venues(Venues),
    /// Write a commented scenario to start from.
    Init(Init),
}

/// Colour choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Sets the choice for the whole program.
    pub(crate) fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// A scenario and what is changed in it for this run.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArguments {
    /// Scenario file (TOML).
    pub(crate) scenario: PathBuf,
    /// Override a value by its dotted path, e.g. `hedges.0.ratio.fixed=0.5`; may be given again.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// Number of paths; short for `--set simulation.paths=N`.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) paths: Option<String>,
    /// Seed; short for `--set simulation.seed=N`.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<String>,
}

impl ScenarioArguments {
    /// All overrides in the order in which they apply.
    pub(crate) fn all_overrides(&self) -> Vec<String> {
        let mut all = self.overrides.clone();
        all.extend(
            self.paths
                .iter()
                .map(|paths| format!("simulation.paths={paths}")),
        );
        all.extend(
            self.seed
                .iter()
                .map(|seed| format!("simulation.seed={seed}")),
        );
        all
    }
}

/// Threads of a simulation.
#[derive(Debug, Args)]
pub(crate) struct ThreadArguments {
    /// Number of threads [default: all processors]; results do not depend on it.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArguments,
    #[command(flatten)]
    pub(crate) threads: ThreadArguments,
    /// Form of the report on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Also write summary.json, outcomes.csv, percentiles.csv and scenario.toml into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Tables for a terminal of 100 columns.
    Text,
    /// The whole summary as JSON.
    Json,
    /// Markdown tables.
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArguments,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
}

/// Text or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// Tables for a terminal of 100 columns.
    Text,
    /// JSON.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArguments,
    #[command(flatten)]
    pub(crate) threads: ThreadArguments,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Form of the ledger.
    #[arg(long, value_enum, default_value_t = TraceFormat::Text)]
    pub(crate) format: TraceFormat,
    /// Show every step, not only those in which something happened.
    #[arg(long)]
    pub(crate) all: bool,
    /// Write path-K.csv (its steps) and path-K-outcome.csv into this folder instead.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Which paths to show.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The path, counted from 0 as in outcomes.csv.
    #[arg(long, value_name = "K")]
    pub(crate) path: Option<u64>,
    /// Simulate first, then show the N paths with the worst hedged P&L.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) worst: Option<u16>,
}

/// Form of a path's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// In words.
    Text,
    /// One row a step.
    Csv,
    /// JSON.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Venues {
    /// Show this venue's contracts in full.
    pub(crate) venue: Option<String>,
    /// Only this contract.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) listing: Option<String>,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// File to write; it must not exist yet.
    #[arg(default_value = "scenario.toml")]
    pub(crate) file: PathBuf,
}

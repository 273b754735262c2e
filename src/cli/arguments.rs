//! What may be written on the command line.

use std::path::PathBuf;

use hedgesim::choice::optimum::mesh::MOST_ROUNDS;

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
    /// Simulate many points of a scenario on the same paths, and what each does better.
    Sweep(Sweep),
    /// Simulate several proposals on the same paths, side by side.
    Compare(Compare),
    /// Find the best point of a grid under limits, and confirm it on fresh random numbers.
    Optimize(Optimize),
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
    #[command(flatten)]
    pub(crate) changes: Changes,
}

impl ScenarioArguments {
    /// All overrides in the order in which they apply.
    pub(crate) fn all_overrides(&self) -> Vec<String> {
        self.changes.all()
    }
}

/// What is changed in a scenario for this run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Changes {
    /// Override a value by its dotted path, e.g. `hedges.0.ratio.fixed=0.5`; may be given again.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// A view on prices at the horizon, e.g. `BTC > 100_000: 30%`; may be given again.
    #[arg(long = "view", value_name = "VIEW")]
    pub(crate) views: Vec<String>,
    /// Number of paths; short for `--set simulation.paths=N`.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) paths: Option<String>,
    /// Seed; short for `--set simulation.seed=N`.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<String>,
}

impl Changes {
    /// All overrides in the order in which they apply.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut all = self.overrides.clone();
        all.extend(self.views.iter().map(|view| {
            let quoted = toml_edit::Value::from(view.as_str());
            format!("views.+={{ expect = {quoted} }}")
        }));
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
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArguments,
    /// Values of a dotted path, as a range FROM:TO:STEP or a list A,B,C, e.g.
    /// `hedges.0.ratio.fixed=0:1:0.1`; given again, every combination is a point. Several paths before
    /// the `=`, with commas between them, change together.
    #[arg(long = "over", value_name = "PATH=VALUES", required = true)]
    pub(crate) over: Vec<String>,
    #[command(flatten)]
    pub(crate) threads: ThreadArguments,
    /// Form of the result on standard output.
    #[arg(long, value_enum, default_value_t = SweepFormat::Text)]
    pub(crate) format: SweepFormat,
    /// Also write sweep.json, sweep.csv and scenario.toml into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Optimize {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArguments,
    #[command(flatten)]
    pub(crate) objective: ObjectiveArguments,
    /// What the best point has to keep, e.g. `liquidation.probability <= 1%`; may be given again. The
    /// scenario's [[limits]] have to be kept, too. Judged at the far end of the 95 % interval.
    #[arg(long = "subject-to", value_name = "KEY <= BOUND")]
    pub(crate) subject_to: Vec<String>,
    /// Values of a dotted path, as a range FROM:TO:STEP or a list A,B,C, e.g.
    /// `hedges.0.ratio.fixed=0:1:0.1`; given again, every combination is a point. Several paths before
    /// the `=`, with commas between them, change together.
    #[arg(long = "over", value_name = "PATH=VALUES", required = true)]
    pub(crate) over: Vec<String>,
    /// How often steps are halved around the best points of the grid; 0 stays on the grid.
    #[arg(long, value_name = "TIMES", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_ROUNDS)))]
    pub(crate) refine: u32,
    /// What the frontier takes for the capital that a point locks: a summary key in USD.
    #[arg(long, value_name = "KEY", default_value = "collateral.peak.mean")]
    pub(crate) capital: String,
    /// Price of a certain liquidation in the objective alexander-deng-zou, in variances of the
    /// unhedged P&L [default: 1].
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    pub(crate) liquidation_price: Option<String>,
    #[command(flatten)]
    pub(crate) threads: ThreadArguments,
    /// Form of the report on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Also write optimize.json, frontier.csv and scenario.toml (the best one, ready to run) into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// What is to be as small or as large as possible.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ObjectiveArguments {
    /// Make this as small as possible: a summary key (`hedged.es95`), a short name (`es95`, `std_dev`, ...) or
    /// alexander-deng-zou (variance plus a price on liquidation).
    #[arg(long, value_name = "KEY")]
    pub(crate) minimize: Option<String>,
    /// Make this as large as possible.
    #[arg(long, value_name = "KEY")]
    pub(crate) maximize: Option<String>,
}

/// Form of a sweep's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SweepFormat {
    /// Tables for a terminal of 100 columns.
    Text,
    /// The whole summary of every point, and all differences, as JSON.
    Json,
    /// Estimates and differences in long form.
    Csv,
    /// Markdown tables.
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Scenario files (TOML) of one market; the others are held against the first.
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) changes: Changes,
    #[command(flatten)]
    pub(crate) threads: ThreadArguments,
    /// Form of the report on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Also write compare.json and compare.csv into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
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

//! From the arguments to the command that they name, and its exit code.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::arguments::{Arguments, Command};
use crate::cli::session::watch_signals;
use crate::cli::{check, compare, init, inspect, optimize, run, stress, sweep, venues};

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.write_global();
    watch_signals();
    let done = match &arguments.command {
        Command::Run(run) => run::run(run),
        Command::Check(check) => check::check(check),
        Command::Inspect(inspect) => inspect::inspect(inspect),
        Command::Optimize(optimize) => optimize::optimize(optimize),
        Command::Sweep(sweep) => sweep::sweep(sweep),
        Command::Compare(compare) => compare::compare(compare),
        Command::Stress(stress) => stress::stress(stress),
        Command::Venues(venues) => venues::venues(venues),
        Command::Init(init) => init::init(init),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.code())
        }
    }
}

//! The command line: one file a command.

mod arguments;
mod check;
mod failure;
mod init;
mod inspect;
mod progress;
mod run;
mod session;
mod venues;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::arguments::{Arguments, Command};
use crate::cli::failure::Failure;

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.write_global();
    let done = match &arguments.command {
        Command::Run(run) => run::run(run),
        Command::Check(check) => check::check(check),
        Command::Inspect(inspect) => inspect::inspect(inspect),
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

/// Prints a result on standard output.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Failure::from_output)
}

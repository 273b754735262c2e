//! The command line: one file a command.

mod arguments;
mod check;
pub(crate) mod dispatch;
mod failure;
mod init;
mod inspect;
mod output;
mod progress;
mod run;
mod session;
mod stress;
mod stress_arguments;
mod venues;

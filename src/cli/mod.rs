//! The command line: one file a command.

mod arguments;
mod check;
mod compare;
pub(crate) mod dispatch;
mod failure;
mod init;
mod inspect;
mod optimize;
mod optimize_points;
mod output;
mod points;
mod progress;
mod run;
mod session;
mod stress;
mod stress_arguments;
mod sweep;
mod venues;

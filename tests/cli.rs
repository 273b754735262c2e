//! The program as people and scripts meet it: exit codes, what goes to which stream, files, formats.

#[path = "cli/check_venues_init.rs"]
mod check_venues_init;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/inspect.rs"]
mod inspect;
#[path = "cli/legs.rs"]
mod legs;
#[path = "cli/look.rs"]
mod look;
#[path = "cli/optimize.rs"]
mod optimize;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/readme.rs"]
mod readme;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/stopped.rs"]
mod stopped;
#[path = "cli/stress.rs"]
mod stress;
#[path = "cli/sweep.rs"]
mod sweep;
#[path = "cli/viewed_choices.rs"]
mod viewed_choices;
#[path = "cli/views.rs"]
mod views;

//! `hedgesim check`: the hedge at a glance, without simulating.

use hedgesim::hedge::glance::glance;
use hedgesim::hedge::warnings::warnings;
use hedgesim::report::glance::{render, render_json};

use crate::cli::arguments::{Check, PlainFormat};
use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::cli::session::read;

/// Runs the command.
pub(crate) fn check(arguments: &Check) -> Result<(), Failure> {
    let (_, plan) = read(&arguments.scenario)?;
    let hedges = glance(&plan);
    let mut warnings = warnings(&plan);
    for note in &plan.report.notes {
        if !warnings.contains(note) {
            warnings.push(note.clone());
        }
    }
    let views = &plan.report.views;
    print(&match arguments.format {
        PlainFormat::Text => render(&hedges, views, &warnings),
        PlainFormat::Json => render_json(&hedges, views, &warnings),
    })
}

//! The door for a scenario: read it, and of a refused one also check what its tables say of each other.

use std::path::Path;

use crate::plan::resolve::draft;
use crate::scenario::load::{self, Loaded};
use crate::scenario::problem::Problems;

/// Reads a scenario file and applies overrides `path=value`.
///
/// # Errors
/// Everything that is wrong with the file and the overrides, at once.
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded, Problems> {
    load::load(path, overrides, draft::check)
}

/// Reads a scenario's text and applies overrides `path=value`; `name` is shown in messages.
///
/// # Errors
/// Everything that is wrong with the text and the overrides, at once.
pub fn parse(name: &str, text: &str, overrides: &[String]) -> Result<Loaded, Problems> {
    load::parse(name, text, overrides, draft::check)
}

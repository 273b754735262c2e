//! Where readers and checks put what they find.

use std::cell::RefCell;

use crate::scenario::draft::Draft;
use crate::scenario::files::Files;
use crate::scenario::place::SourceFile;
use crate::scenario::problem::Problem;

/// Where readers put the problems they find, and what they could read for the checks between tables.
#[derive(Debug, Default)]
pub struct Sink {
    problems: RefCell<Vec<Problem>>,
    draft: RefCell<Draft>,
    files: Files,
}

impl Sink {
    /// A sink for a scenario that may name files.
    pub fn with_files(files: Files) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Keeps what could be read.
    pub fn note(&self, note: impl FnOnce(&mut Draft)) {
        note(&mut self.draft.borrow_mut());
    }

    /// What could be read so far.
    pub fn draft(&self) -> Draft {
        self.draft.borrow().clone()
    }

    /// The files that the scenario names.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Whether no problem was noted.
    pub fn is_empty(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// All problems noted.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// All problems noted, and the files read.
    pub fn into_parts(self) -> (Vec<Problem>, Vec<SourceFile>) {
        (self.problems.into_inner(), self.files.into_list())
    }
}

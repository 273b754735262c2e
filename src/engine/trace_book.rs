//! One path of the general ledger alone, step by step.

use crate::engine::trace::BookStep;
use crate::ledger::book::ledger::BookFollower;
use crate::ledger::book::standing::BookStanding;
use crate::ledger::event::Told;

/// Collects one lane's steps.
pub(super) struct BookRecorder {
    pub(super) lane: usize,
    pub(super) steps: Vec<BookStep>,
}

impl BookFollower for BookRecorder {
    fn lane(&self) -> usize {
        self.lane
    }

    fn step_ended(&mut self, step: usize, standing: &BookStanding, events: Vec<Told>) {
        self.steps.push(BookStep {
            step,
            standing: standing.clone(),
            events,
        });
    }
}

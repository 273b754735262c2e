//! What every part of a scenario is resolved against.

use std::cell::RefCell;

use crate::plan::resolve::grid::Grid;
use crate::plan::resolve::refusal::noted_index;
use crate::scenario::asset::Asset;
use crate::scenario::liquidity::Liquidity;
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::venue::Venue;

/// What every part of a scenario is resolved against, and where its problems and notes go.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The assets, in the order of the scenario.
    pub assets: &'a [Asset],
    /// The scenario's own venues.
    pub venues: &'a [Venue],
    /// The grid of steps.
    pub grid: &'a Grid,
    /// Half-spread and impact of contracts that say nothing of their own.
    pub liquidity: Option<&'a Liquidity>,
    /// Sentences that the report must show.
    pub notes: Notes,
    /// Where problems go.
    pub sink: &'a Sink,
}

impl Setting<'_> {
    /// The index of an asset by its name; `None` where a problem was noted.
    pub fn asset_index(&self, given: &Given<String>) -> Option<usize> {
        let names = self.asset_names();
        noted_index(given, &names, "under [assets]", self.sink)
    }

    /// The names of the assets, in their order.
    pub fn asset_names(&self) -> Vec<&str> {
        self.assets
            .iter()
            .map(|asset| asset.name.value.as_str())
            .collect()
    }

    /// The names of the scenario's own venues.
    pub fn venue_names(&self) -> Vec<&str> {
        self.venues
            .iter()
            .map(|venue| venue.name.value.as_str())
            .collect()
    }
}

/// Sentences for the report, each once, in the order in which they came up.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    list: RefCell<Vec<String>>,
}

impl Notes {
    /// Adds a sentence if it is new.
    pub fn add(&self, note: impl Into<String>) {
        let note = note.into();
        let mut list = self.list.borrow_mut();
        if !list.contains(&note) {
            list.push(note);
        }
    }

    /// The sentences.
    pub fn into_list(self) -> Vec<String> {
        self.list.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_kept_once() {
        let notes = Notes::default();
        notes.add("a");
        notes.add("b");
        notes.add("a");
        assert_eq!(notes.into_list(), ["a", "b"]);
    }
}

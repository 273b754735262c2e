//! `[simulation]`: the size and the grid of the simulation.

use crate::scenario::calendar::{Moment, moment};
use crate::scenario::cause::Complaint;
use crate::scenario::checked::word;
use crate::scenario::place::Given;
use crate::scenario::reader::Reader;
use crate::scenario::tree::Node;
use crate::scenario::units::{Span, boolean, count, span};

/// The size and the grid of the simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// Length of the simulation; a multiple of `step`, at most 20 years. Example: `horizon = "90d"`.
    pub horizon: Given<Span>,
    /// Length of one step; divides the horizon and the funding interval. Example: `step = "8h"`.
    pub step: Given<Span>,
    /// When it starts, UTC; calendar dates (quarterly expiries, closed transfer windows) need it. Optional. Example: `start = "2026-05-22T08:00"`.
    pub start: Option<Given<Moment>>,
    /// Number of paths, 1 to 1,000,000,000. Example: `paths = 100_000`.
    pub paths: Given<u64>,
    /// Seed of every random stream, a whole number; the same seed gives the same bits. Optional: 1.
    pub seed: Option<Given<u64>>,
    /// Take the nearest correlation matrix when the one written is not positive semidefinite. Optional: false.
    pub repair_correlations: Option<Given<bool>>,
    /// How margin is watched between step ends: `"bridge"` or `"endpoints"`. Optional: `"bridge"`.
    pub crossing: Option<Given<CrossingChoice>>,
}

/// How margin is watched between two step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrossingChoice {
    /// By the Brownian bridge.
    Bridge,
    /// At step ends only, to show the bias.
    Endpoints,
}

/// The longest horizon, in milliseconds: 20 years.
const LONGEST: u64 = 20 * 365 * 86_400_000;

/// How many paths there may be.
const PATHS: &str = "a whole number, 1 to 1,000,000,000";

impl Simulation {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let horizon = table.required("horizon", bounded_span);
        let step = table.required("step", positive_span);
        let start = table.optional("start", moment);
        let paths = table.required("paths", |node| {
            let read = count(node).map_err(|complaint| match complaint {
                Complaint::Kind { .. } => Complaint::kind(PATHS),
                Complaint::Allowed { reason, .. } => Complaint::allowed(PATHS, reason),
                Complaint::Later => Complaint::Later,
            });
            match read? {
                0 => Err(Complaint::allowed(PATHS, "nothing would be simulated")),
                paths if paths > 1_000_000_000 => {
                    Err(Complaint::allowed(PATHS, "too many for one run"))
                }
                paths => Ok(paths),
            }
        });
        let seed = table.optional("seed", count);
        let repair_correlations = table.optional("repair_correlations", boolean);
        let words = &[
            ("bridge", CrossingChoice::Bridge),
            ("endpoints", CrossingChoice::Endpoints),
        ];
        let crossing = table.optional("crossing", word(words, &[]));
        table.later("until");
        table.note(|draft| {
            draft.horizon.clone_from(&horizon);
            draft.step.clone_from(&step);
            draft.start.clone_from(&start);
        });
        table.finish();
        Some(Self {
            horizon: horizon?,
            step: step?,
            start: start?,
            paths: paths?,
            seed: seed?,
            repair_correlations: repair_correlations?,
            crossing: crossing?,
        })
    }
}

/// Reads a duration above 0.
///
/// # Errors
/// If the value is no duration, or 0.
pub fn positive_span(node: &Node) -> Result<Span, Complaint> {
    let read = span(node)?;
    if read.milliseconds == 0 {
        return Err(Complaint::allowed("a duration above 0", ""));
    }
    Ok(read)
}

/// Reads a duration above 0 and up to 20 years.
///
/// # Errors
/// If the value is no duration, 0, or longer.
pub fn bounded_span(node: &Node) -> Result<Span, Complaint> {
    let read = positive_span(node)?;
    if read.milliseconds > LONGEST {
        return Err(Complaint::allowed(
            "up to 20 years (7300d)",
            "no market model holds that long",
        ));
    }
    Ok(read)
}

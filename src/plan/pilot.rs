//! Ratios of least variance that no formula gives: what a pilot simulation is asked, and what it answers.

use crate::plan::types::{Plan, Position};

/// One ratio that a pilot simulation is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PilotPlan {
    /// Index of the hedge.
    pub hedge: usize,
    /// Index of the held asset.
    pub held: usize,
    /// Index of the contract.
    pub contract: usize,
    /// Side of the hedge.
    pub position: Position,
    /// Steps from time 0 over which the variance is to be least, at least one.
    pub steps: u32,
}

/// A ratio and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioEstimate {
    /// Hedge ratio `h`: value of the hedge over value of the holding, at spot.
    pub ratio: f64,
    /// Its standard error; `None` of a closed form.
    pub std_error: Option<f64>,
}

/// A pilot simulation: an estimate for each question, of a plan whose market is that of the scenario.
pub type Pilot<'a> = &'a dyn Fn(&Plan, &[PilotPlan]) -> Vec<RatioEstimate>;

/// Paths of a pilot simulation.
pub const PILOT_PATHS: u64 = 20_000;

//! What is to be optimised, and what came out.

use crate::choice::grid::{Grid, Point};
use crate::choice::optimum::constraint::Constraint;
use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::objective::Objective;
use crate::stats::estimate::Estimate;

/// What is to be optimised.
#[derive(Debug, Clone)]
pub struct Problem<'g> {
    /// The points to choose from.
    pub grid: &'g Grid,
    /// What is to be small or large.
    pub objective: Objective,
    /// What is to be kept.
    pub constraints: Vec<Constraint>,
    /// What the frontier takes for the capital that a point locks, USD.
    pub capital: Measure,
    /// How often the grid's steps are halved around the best point.
    pub rounds: u32,
}

/// Values of the frontier: expected shortfall, capital, probability of liquidation.
pub const RISKS: usize = 3;

impl Problem<'_> {
    /// What has to be known of every point, in the order of [`Evaluated::values`].
    pub fn measures(&self) -> Vec<Measure> {
        let mut measures = vec![self.objective.measure.clone()];
        measures.extend(self.constraints.iter().map(|c| c.measure.clone()));
        measures.extend([
            Measure::Summary("hedged.es95".to_owned()),
            self.capital.clone(),
            Measure::Summary("liquidation.probability".to_owned()),
        ]);
        measures
    }
}

/// A point with what was found of it on the random numbers of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The point.
    pub point: Point,
    /// Estimates of [`Problem::measures`].
    pub values: Vec<Estimate>,
    /// Whether it is a point of the grid; else the refinement came to it.
    pub is_of_grid: bool,
}

impl Evaluated {
    /// The objective.
    pub fn objective(&self) -> &Estimate {
        &self.values[0]
    }

    /// The value that a constraint bounds.
    pub fn bounded(&self, constraint: usize) -> &Estimate {
        &self.values[1 + constraint]
    }

    /// Expected shortfall, capital and probability of liquidation.
    pub fn risks(&self) -> &[Estimate] {
        &self.values[self.values.len() - RISKS..]
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// Every point that has values: those of the grid in their order, then those of the refinement.
    pub evaluated: Vec<Evaluated>,
    /// Points that the scenario refuses: of the grid, and between its points.
    pub refused: [usize; 2],
    /// The best point, or why there is none.
    pub found: Found,
    /// The constraints that bind, by number: without each of them (or, if that takes several, without all of them) a better point could be taken, or
    /// any at all. Better is what is better by more than the error of the difference on fresh random numbers.
    pub binding: Vec<usize>,
    /// The constraints without which a point looked better in the search that cannot be told from the best on fresh random numbers.
    pub may_bind: Vec<usize>,
    /// The best point if nothing had to be kept.
    pub unconstrained: usize,
    /// Points that no other beats in shortfall, capital and probability of liquidation at once, by shortfall.
    pub frontier: Vec<usize>,
}

/// The best point, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A point that keeps every constraint, on fresh random numbers too.
    Best(Best),
    /// No point does.
    Nothing(Nothing),
}

/// The best point.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Which of the evaluated points.
    pub index: usize,
    /// Estimates of [`Problem::measures`] on fresh random numbers.
    pub fresh: Vec<Estimate>,
    /// Better ones on the random numbers of the search that did not keep every constraint on fresh ones.
    pub passed_over: Vec<PassedOver>,
    /// How many others looked better in the search and were not tried: they lay between those that were.
    pub skipped: usize,
    /// The next best points of the grid.
    pub rivals: Vec<Rival>,
    /// Axes on whose first or last value the best point lies, by number: beyond it nothing was tried.
    pub edges: Vec<usize>,
}

/// A point that fresh random numbers did not confirm.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedOver {
    /// Which of the evaluated points.
    pub index: usize,
    /// Estimates of [`Problem::measures`] on fresh random numbers.
    pub fresh: Vec<Estimate>,
}

/// A point to compare the best one with.
#[derive(Debug, Clone, PartialEq)]
pub struct Rival {
    /// Which of the evaluated points.
    pub index: usize,
    /// Its objective less that of the best point, both on the same fresh random numbers; `None` where no error can be told.
    pub difference: Option<Estimate>,
}

/// No point keeps every constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Nothing {
    /// The point that comes nearest to keeping all of them.
    pub nearest: usize,
    /// Points that kept every constraint on the random numbers of the search and not on fresh ones; empty where none ever did.
    pub passed_over: Vec<PassedOver>,
    /// By constraint: the best far end of an interval among points that keep all other constraints, if there are any. The bound that could be kept.
    pub reachable: Vec<Option<f64>>,
}

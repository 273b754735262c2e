//! Which of two points is better: what keeps every constraint first, then the objective; else what is nearer to keeping them.

use std::cmp::Ordering;

use crate::choice::optimum::outcome::{Evaluated, Problem};

/// How good a point is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rank {
    /// It keeps every constraint; the objective with the sign that makes smaller better.
    Feasible(f64),
    /// It does not; the largest excess over a bound, in units of that bound.
    Infeasible(f64),
    /// Its objective is unknown, or some constraint cannot be told.
    Unknown,
}

impl Rank {
    /// The better one first.
    pub fn order(self, other: Self) -> Ordering {
        let class = |rank| match rank {
            Self::Feasible(_) => 0,
            Self::Infeasible(_) => 1,
            Self::Unknown => 2,
        };
        match (self, other) {
            (Self::Feasible(a), Self::Feasible(b)) | (Self::Infeasible(a), Self::Infeasible(b)) => {
                a.total_cmp(&b)
            }
            _ => class(self).cmp(&class(other)),
        }
    }

    /// Whether it is better, not only as good.
    pub fn is_better_than(self, other: Self) -> bool {
        self.order(other) == Ordering::Less
    }

    /// Whether every constraint is kept.
    pub fn is_feasible(self) -> bool {
        matches!(self, Self::Feasible(_))
    }
}

/// Ranks points of one problem.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// By constraint: the excess that counts as 1.
    units: Vec<f64>,
}

impl Ranking {
    /// The unit of a bound's excess is the bound; that of a bound of 0 the largest distance from it on the grid.
    pub fn new(problem: &Problem<'_>, grid: &[Evaluated]) -> Self {
        let unit = |(number, constraint): (usize, &_)| {
            let constraint: &crate::choice::optimum::constraint::Constraint = constraint;
            if constraint.bound != 0.0 {
                return constraint.bound.abs();
            }
            let largest = grid
                .iter()
                .map(|point| constraint.excess(point.bounded(number)))
                .filter(|excess| excess.is_finite())
                .fold(0.0, f64::max);
            if largest > 0.0 { largest } else { 1.0 }
        };
        Self {
            units: problem.constraints.iter().enumerate().map(unit).collect(),
        }
    }

    /// How good a point is.
    pub fn of(&self, problem: &Problem<'_>, point: &Evaluated) -> Rank {
        self.without(problem, point, |_| false)
    }

    /// How good a point would be if some constraints were dropped.
    pub fn without(
        &self,
        problem: &Problem<'_>,
        point: &Evaluated,
        is_dropped: impl Fn(usize) -> bool,
    ) -> Rank {
        let Some(objective) = point.objective().value else {
            return Rank::Unknown;
        };
        let kept = problem.constraints.iter().enumerate();
        let excess = kept
            .filter(|(number, _)| !is_dropped(*number))
            .map(|(number, constraint)| {
                constraint.excess(point.bounded(number)) / self.units[number]
            })
            .fold(0.0, f64::max);
        if excess <= 0.0 {
            Rank::Feasible(problem.objective.cost(objective))
        } else if excess.is_finite() {
            Rank::Infeasible(excess)
        } else {
            Rank::Unknown
        }
    }

    /// The best of points, the earliest of equals.
    pub fn best(
        &self,
        problem: &Problem<'_>,
        points: &[Evaluated],
        is_dropped: impl Fn(usize) -> bool,
    ) -> Option<(usize, Rank)> {
        let ranks = points
            .iter()
            .map(|point| self.without(problem, point, &is_dropped));
        ranks.enumerate().reduce(|best, other| {
            if other.1.is_better_than(best.1) {
                other
            } else {
                best
            }
        })
    }
}

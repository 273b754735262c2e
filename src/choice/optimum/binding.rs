//! Which constraints bind: without which a better point could be taken, or any at all.

use crate::choice::optimum::outcome::{Evaluated, Problem};
use crate::choice::optimum::ranking::{Rank, Ranking};
use crate::choice::sweep::is_undecided;
use crate::stats::estimate::Estimate;

/// A point that could be taken if some constraints were dropped, and looks better than the best one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The constraints in its way, by number.
    pub constraints: Vec<usize>,
    /// Which of the evaluated points.
    pub point: usize,
}

/// What seems to keep the best point from being better, by the values of `points`; `best` is its cost.
///
/// One constraint does if, were it dropped alone, some point would be better. Where that takes dropping several at once, all that the
/// best point without constraints breaks do. Whether it is better by more than chance is another question: see [`binds`].
pub fn suspects_at(
    problem: &Problem<'_>,
    ranking: &Ranking,
    points: &[Evaluated],
    best: f64,
) -> Vec<Suspect> {
    let better = |found: Option<(usize, Rank)>| {
        let (index, rank) = found?;
        rank.is_better_than(Rank::Feasible(best)).then_some(index)
    };
    let alone: Vec<Suspect> = (0..problem.constraints.len())
        .filter_map(|number| {
            let point = better(ranking.best(problem, points, |other| other == number))?;
            Some(Suspect {
                constraints: vec![number],
                point,
            })
        })
        .collect();
    match better(ranking.best(problem, points, |_| true)) {
        Some(point) if alone.is_empty() => vec![Suspect {
            constraints: broken_at(problem, &points[point]),
            point,
        }],
        _ => alone,
    }
}

/// Whether a constraint binds, by the objective of a [`Suspect`] less that of the best point on common random numbers: it does if the
/// whole 95 % interval is better, does not if it is worse or nothing differs; `None` where the interval holds 0 or there is none.
pub fn binds(problem: &Problem<'_>, difference: Option<&Estimate>) -> Option<bool> {
    let difference = difference?;
    let [lower, upper] = difference.ci95?;
    if lower == 0.0 && upper == 0.0 {
        Some(false)
    } else if is_undecided(difference) {
        None
    } else {
        let value = difference.value?;
        Some(problem.objective.cost(value) < 0.0)
    }
}

/// The constraints that keep every point from being taken, by number: each that, dropped alone, leaves a point that keeps the
/// others. Where that takes dropping several at once, all that the nearest point breaks.
pub fn binding_without_any(
    problem: &Problem<'_>,
    ranking: &Ranking,
    points: &[Evaluated],
    nearest: usize,
) -> Vec<usize> {
    let frees = |number: usize| {
        let best = ranking.best(problem, points, |other| other == number);
        best.is_some_and(|(_, rank)| rank.is_feasible())
    };
    let alone: Vec<usize> = (0..problem.constraints.len())
        .filter(|&number| frees(number))
        .collect();
    if alone.is_empty() {
        broken_at(problem, &points[nearest])
    } else {
        alone
    }
}

/// By constraint: the best far end of an interval among the points that keep all others.
pub fn reachable(
    problem: &Problem<'_>,
    ranking: &Ranking,
    points: &[Evaluated],
) -> Vec<Option<f64>> {
    let of = |number: usize| {
        let constraint = &problem.constraints[number];
        let keep_others = points.iter().filter(|point| {
            let rank = ranking.without(problem, point, |other| other == number);
            rank.is_feasible()
        });
        keep_others
            .map(|point| point.bounded(number))
            .filter(|estimate| constraint.excess(estimate).is_finite())
            .min_by(|a, b| constraint.excess(a).total_cmp(&constraint.excess(b)))
            .and_then(|estimate| constraint.far_end(estimate))
    };
    (0..problem.constraints.len()).map(of).collect()
}

/// The constraints that a point does not keep.
pub fn broken_at(problem: &Problem<'_>, point: &Evaluated) -> Vec<usize> {
    let kept = problem.constraints.iter().enumerate();
    kept.filter(|(number, constraint)| !constraint.is_kept(point.bounded(*number)))
        .map(|(number, _)| number)
        .collect()
}

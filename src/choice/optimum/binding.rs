//! Which constraints bind: without which a better point could be taken, or any at all.

use crate::choice::optimum::outcome::{Evaluated, Problem};
use crate::choice::optimum::ranking::{Rank, Ranking};

/// The constraints that keep the best point from being better, by number; `best` is its cost.
///
/// One binds if, were it dropped alone, some point would be better. Where that takes dropping several at once, all that the best point
/// without constraints breaks bind.
pub fn binding_at(
    problem: &Problem<'_>,
    ranking: &Ranking,
    points: &[Evaluated],
    best: f64,
) -> Vec<usize> {
    let is_better = |rank: Option<(usize, Rank)>| match rank {
        Some((_, rank)) => rank.is_better_than(Rank::Feasible(best)),
        None => false,
    };
    let alone: Vec<usize> = (0..problem.constraints.len())
        .filter(|&number| is_better(ranking.best(problem, points, |other| other == number)))
        .collect();
    let free = ranking.best(problem, points, |_| true);
    match free {
        Some((index, _)) if alone.is_empty() && is_better(free) => {
            broken_at(problem, &points[index])
        }
        _ => alone,
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

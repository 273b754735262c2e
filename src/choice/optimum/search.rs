//! The search: the whole grid, a refinement around its best points, and a confirmation on fresh random numbers.

use std::collections::BTreeMap;

use crate::choice::grid::Point;
use crate::choice::optimum::binding::{
    Suspect, binding_without_any, binds, reachable, suspects_at,
};
use crate::choice::optimum::frontier::efficient;
use crate::choice::optimum::mesh::{Mesh, Place};
use crate::choice::optimum::optimum_error::OptimumError;
use crate::choice::optimum::outcome::{
    Best, Evaluated, Found, Nothing, Optimum, PassedOver, Problem, RISKS, Rival,
};
use crate::choice::optimum::ranking::{Rank, Ranking};
use crate::stats::estimate::Estimate;

/// Which random numbers a point meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Those of the scenario's seed, the same for all points.
    Search,
    /// Those of another seed, again the same for all points: the search has not chosen by them.
    Fresh,
}

/// Finds the values of points.
pub trait Evaluator {
    /// Why it could not.
    type Failure;

    /// Of each point the estimates of [`Problem::measures`]; `None` for a point that the scenario refuses.
    ///
    /// # Errors
    /// Whatever keeps it from simulating.
    fn measure(
        &mut self,
        points: &[Point],
        draw: Draw,
    ) -> Result<Vec<Option<Vec<Estimate>>>, Self::Failure>;

    /// The objective of each of `others` less that of `base`, with the error of the difference on common random numbers; `None`
    /// where no error can be told.
    ///
    /// # Errors
    /// Whatever keeps it from simulating.
    fn differences(
        &mut self,
        base: &Point,
        others: &[Point],
        draw: Draw,
    ) -> Result<Vec<Option<Estimate>>, Self::Failure>;
}

/// Why a search ended without an answer.
#[derive(Debug)]
pub enum Stopped<F> {
    /// The evaluator could not go on.
    Evaluator(F),
    /// There is nothing to optimise.
    Refused(OptimumError),
}

/// Points that the refinement starts from: the best of the grid, and the best that lies apart from it.
const STARTS: usize = 2;

/// Most moves of the refinement before it halves its steps; each crosses a step, so that few are needed.
const MOST_MOVES: usize = 16;

/// Candidates that are confirmed in one pass over the market.
const CANDIDATES_A_PASS: usize = 4;

/// Most candidates that are tried on fresh random numbers. Each is another chance for one that breaks a limit to keep it by luck, so
/// they are few, and each lies twice as far behind as the one before: see [`tries`].
const MOST_CANDIDATES: usize = 8;

/// Points of the grid that the best one is compared with.
const RIVALS: usize = 5;

/// Objectives that differ by less than this part of their size are the same: sums are rounded.
const SAME: f64 = 1e-12;

/// Finds the best point.
///
/// 1. Every point of the grid is evaluated on common random numbers.
/// 2. From the best point, and the best one apart from it, the refinement goes to the best of the places around (all combinations of
///    one step on up to three numeric axes, of two steps where there are at most two) and halves its steps where none is better,
///    [`Problem::rounds`] times. Points that keep all constraints go before those that do not, among which the one nearest to keeping them counts as best.
/// 3. What keeps all constraints is tried on fresh random numbers, best first, further and further behind, until one keeps them
///    there, too; eight at most.
///
/// # Errors
/// [`Stopped`].
pub fn optimize<E: Evaluator>(
    problem: &Problem<'_>,
    evaluator: &mut E,
) -> Result<Optimum, Stopped<E::Failure>> {
    if problem.grid.size() == 1 {
        return Err(Stopped::Refused(OptimumError::OnePoint));
    }
    let mut search = Search {
        problem,
        mesh: Mesh::new(problem.grid, problem.rounds),
        evaluator,
        evaluated: Vec::new(),
        index_of: BTreeMap::new(),
        refused: [0, 0],
    };
    let places: Vec<Place> = (0..problem.grid.size())
        .map(|point| search.mesh.place_of(point))
        .collect();
    search.evaluate(&places, true)?;
    check_varies(problem, &search.evaluated).map_err(Stopped::Refused)?;
    let ranking = Ranking::new(problem, &search.evaluated);
    if problem.rounds > 0 && !search.mesh.numeric_axes().is_empty() {
        for start in search.starts(&ranking) {
            search.refine(&ranking, start)?;
        }
    }
    search.conclude(&ranking)
}

/// The objective must be known and differ somewhere.
fn check_varies(problem: &Problem<'_>, grid: &[Evaluated]) -> Result<(), OptimumError> {
    let values = || grid.iter().filter_map(|point| point.objective().value);
    let name = problem.objective.measure.name().to_owned();
    let points = grid.len();
    let (smallest, largest) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    if smallest > largest {
        Err(OptimumError::Undefined { name, points })
    } else if largest - smallest <= SAME * largest.abs().max(smallest.abs()) {
        Err(OptimumError::DoesNotVary { name, points })
    } else {
        Ok(())
    }
}

/// Which of so many candidates are tried, by rank: 0, 1, 3, 7 ..., [`MOST_CANDIDATES`] at most, the last of all among them where
/// the steps lead beyond it.
fn tries(candidates: usize) -> Vec<usize> {
    let mut tries: Vec<usize> = (0..MOST_CANDIDATES)
        .map(|number| ((1 << number) - 1).min(candidates.saturating_sub(1)))
        .collect();
    tries.dedup();
    tries.truncate(candidates);
    tries
}

struct Search<'p, 'g, E> {
    problem: &'p Problem<'g>,
    mesh: Mesh<'g>,
    evaluator: &'p mut E,
    evaluated: Vec<Evaluated>,
    /// Places that were looked at; `None` where the scenario refuses the point.
    index_of: BTreeMap<Place, Option<usize>>,
    refused: [usize; 2],
}

impl<E: Evaluator> Search<'_, '_, E> {
    /// Evaluates the places that are new.
    fn evaluate(&mut self, places: &[Place], is_of_grid: bool) -> Result<(), Stopped<E::Failure>> {
        let mut new: Vec<(Place, Point)> = Vec::new();
        for place in places {
            if self.index_of.contains_key(place) {
                continue;
            }
            match self.mesh.point(place) {
                Some(point) => {
                    self.index_of.insert(place.clone(), None);
                    new.push((place.clone(), point));
                }
                None => {
                    self.index_of.insert(place.clone(), None);
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let points: Vec<Point> = new.iter().map(|(_, point)| point.clone()).collect();
        let found = self
            .evaluator
            .measure(&points, Draw::Search)
            .map_err(Stopped::Evaluator)?;
        for ((place, point), values) in new.into_iter().zip(found) {
            let Some(values) = values else {
                self.refused[usize::from(!is_of_grid)] += 1;
                continue;
            };
            self.index_of.insert(place, Some(self.evaluated.len()));
            self.evaluated.push(Evaluated {
                point,
                values,
                is_of_grid,
            });
        }
        Ok(())
    }

    /// Evaluated points of the grid with their places and ranks, best first.
    fn ranked(&self, ranking: &Ranking) -> Vec<(Place, usize, Rank)> {
        let mut ranked: Vec<(Place, usize, Rank)> = self
            .index_of
            .iter()
            .filter_map(|(place, index)| {
                let index = (*index)?;
                let rank = ranking.of(self.problem, &self.evaluated[index]);
                Some((place.clone(), index, rank))
            })
            .collect();
        ranked.sort_by(|a, b| a.2.order(b.2).then_with(|| a.1.cmp(&b.1)));
        ranked
    }

    fn starts(&self, ranking: &Ranking) -> Vec<Place> {
        let mut starts: Vec<Place> = Vec::new();
        for (place, _, rank) in self.ranked(ranking) {
            let is_apart = starts
                .iter()
                .all(|start| self.mesh.are_apart(start, &place));
            if starts.len() < STARTS && is_apart && rank != Rank::Unknown {
                starts.push(place);
            }
        }
        starts
    }

    fn refine(&mut self, ranking: &Ranking, start: Place) -> Result<(), Stopped<E::Failure>> {
        let mut place = start;
        let reaches: &[i64] = if self.mesh.numeric_axes().len() <= 2 {
            &[1, 2]
        } else {
            &[1]
        };
        for round in 1..=self.mesh.rounds() {
            let mut moves = 0;
            // A further look is taken only where the nearer one shows nothing: a constraint may run aslant between the nearest places.
            let mut reach = reaches.iter();
            let mut current = reach.next();
            while let Some(&distance) = current {
                let around = self.mesh.around(&place, round, distance);
                self.evaluate(&around, false)?;
                let better = self.best_of(ranking, &around, self.rank_at(ranking, &place));
                match better {
                    Some(better) if moves < MOST_MOVES => {
                        place = better;
                        moves += 1;
                        reach = reaches.iter();
                        current = reach.next();
                    }
                    Some(_) | None => current = reach.next(),
                }
            }
        }
        Ok(())
    }

    fn rank_at(&self, ranking: &Ranking, place: &Place) -> Rank {
        match self.index_of.get(place) {
            Some(Some(index)) => ranking.of(self.problem, &self.evaluated[*index]),
            _ => Rank::Unknown,
        }
    }

    /// The best of places that is better than `rank`.
    fn best_of(&self, ranking: &Ranking, places: &[Place], rank: Rank) -> Option<Place> {
        let mut best = (None, rank);
        for place in places {
            let other = self.rank_at(ranking, place);
            if other.is_better_than(best.1) {
                best = (Some(place.clone()), other);
            }
        }
        best.0
    }

    fn conclude(mut self, ranking: &Ranking) -> Result<Optimum, Stopped<E::Failure>> {
        let ranked = self.ranked(ranking);
        let feasible = ranked.partition_point(|(_, _, rank)| rank.is_feasible());
        let tries = tries(feasible);
        let candidates: Vec<usize> = tries.iter().map(|&at| ranked[at].1).collect();
        let (confirmed, passed_over) = self.confirm(&candidates)?;
        let mut may_bind = Vec::new();
        let (found, binding) = match confirmed {
            Some((number, fresh)) => {
                let (place, index, rank) = &ranked[tries[number]];
                let before: Vec<usize> = ranked[..tries[number]].iter().map(|of| of.1).collect();
                let skipped = before.len() - passed_over.len();
                let cost = match rank {
                    Rank::Feasible(cost) => *cost,
                    Rank::Infeasible(_) | Rank::Unknown => f64::INFINITY,
                };
                let judged = self.judged(&before, &passed_over);
                let suspects = suspects_at(self.problem, ranking, &judged, cost);
                let [binding, perhaps] = self.binding(*index, &suspects)?;
                may_bind = perhaps;
                let best = Best {
                    index: *index,
                    fresh,
                    passed_over,
                    skipped,
                    rivals: self.rivals(&ranked, *index)?,
                    edges: self.edges(place),
                };
                (Found::Best(best), binding)
            }
            None => self.nothing(ranking, &ranked, passed_over),
        };
        let free = ranking.best(self.problem, &self.evaluated, |_| true);
        let risks: Vec<[f64; RISKS]> = self
            .evaluated
            .iter()
            .map(|point| {
                let of = |risk: usize| point.risks()[risk].value.unwrap_or(f64::NAN);
                [of(0), of(1), of(2)]
            })
            .collect();
        Ok(Optimum {
            found,
            binding,
            may_bind,
            unconstrained: free.map_or(0, |(index, _)| index),
            frontier: efficient(&risks),
            refused: self.refused,
            evaluated: self.evaluated,
        })
    }

    /// The first candidate that keeps every constraint on fresh random numbers, with its values there, and those before it.
    #[expect(clippy::type_complexity, reason = "two answers of one pass")]
    fn confirm(
        &mut self,
        candidates: &[usize],
    ) -> Result<(Option<(usize, Vec<Estimate>)>, Vec<PassedOver>), Stopped<E::Failure>> {
        let mut passed_over = Vec::new();
        for (pass, of_pass) in candidates.chunks(CANDIDATES_A_PASS).enumerate() {
            let points: Vec<Point> = of_pass
                .iter()
                .map(|&index| self.evaluated[index].point.clone())
                .collect();
            let found = self
                .evaluator
                .measure(&points, Draw::Fresh)
                .map_err(Stopped::Evaluator)?;
            for (number, fresh) in found.into_iter().enumerate() {
                // What the scenario takes with one seed it takes with another.
                let Some(fresh) = fresh else { continue };
                let bounded = self.problem.constraints.iter().zip(&fresh[1..]);
                let is_kept = bounded
                    .into_iter()
                    .all(|(constraint, estimate)| constraint.is_kept(estimate));
                if is_kept && fresh[0].value.is_some() {
                    let candidate = pass * CANDIDATES_A_PASS + number;
                    return Ok((Some((candidate, fresh)), passed_over));
                }
                passed_over.push(PassedOver {
                    index: of_pass[number],
                    fresh,
                });
            }
        }
        Ok((None, passed_over))
    }

    /// Which constraints bind, and which may.
    fn binding(
        &mut self,
        best: usize,
        suspects: &[Suspect],
    ) -> Result<[Vec<usize>; 2], Stopped<E::Failure>> {
        let differences = self.fresh_differences(best, suspects.iter().map(|of| of.point))?;
        let mut found = [Vec::new(), Vec::new()];
        for (suspect, difference) in suspects.iter().zip(&differences) {
            match binds(self.problem, difference.as_ref()) {
                Some(true) => found[0].extend(&suspect.constraints),
                None => found[1].extend(&suspect.constraints),
                Some(false) => {}
            }
        }
        Ok(found)
    }

    /// The objective of points less that of the best one, all on fresh random numbers.
    fn fresh_differences(
        &mut self,
        best: usize,
        others: impl Iterator<Item = usize>,
    ) -> Result<Vec<Option<Estimate>>, Stopped<E::Failure>> {
        let point = |index: usize| self.evaluated[index].point.clone();
        let points: Vec<Point> = others.map(point).collect();
        if points.is_empty() {
            return Ok(Vec::new());
        }
        let base = point(best);
        self.evaluator
            .differences(&base, &points, Draw::Fresh)
            .map_err(Stopped::Evaluator)
    }

    /// The evaluated points, those that were passed over with what their limits were found at on fresh random numbers: they are no better
    /// points to be had. Nor is what lay `before` the best one and was not tried: nothing is said of it.
    fn judged(&self, before: &[usize], passed_over: &[PassedOver]) -> Vec<Evaluated> {
        let mut judged = self.evaluated.clone();
        for &index in before {
            if passed_over.iter().all(|passed| passed.index != index) {
                judged[index].values[0] = Estimate::UNDEFINED;
            }
        }
        for passed in passed_over {
            let bounded = 1..=self.problem.constraints.len();
            judged[passed.index].values[bounded.clone()].copy_from_slice(&passed.fresh[bounded]);
        }
        judged
    }

    /// The next best points of the grid that keep every constraint.
    fn rivals(
        &mut self,
        ranked: &[(Place, usize, Rank)],
        best: usize,
    ) -> Result<Vec<Rival>, Stopped<E::Failure>> {
        let indices: Vec<usize> = ranked
            .iter()
            .filter(|(_, index, rank)| {
                rank.is_feasible() && *index != best && self.evaluated[*index].is_of_grid
            })
            .map(|(_, index, _)| *index)
            .take(RIVALS)
            .collect();
        let differences = self.fresh_differences(best, indices.iter().copied())?;
        Ok(indices
            .into_iter()
            .zip(differences)
            .map(|(index, difference)| Rival { index, difference })
            .collect())
    }

    /// Numeric axes on whose first or last value a place lies.
    fn edges(&self, place: &Place) -> Vec<usize> {
        let axes = self.mesh.numeric_axes();
        axes.into_iter()
            .filter(|&axis| place[axis] == 0 || place[axis] == self.mesh.largest(axis))
            .collect()
    }

    fn nothing(
        &self,
        ranking: &Ranking,
        ranked: &[(Place, usize, Rank)],
        passed_over: Vec<PassedOver>,
    ) -> (Found, Vec<usize>) {
        let excess_there = |passed: &PassedOver| {
            let fresh = Evaluated {
                point: self.evaluated[passed.index].point.clone(),
                values: passed.fresh.clone(),
                is_of_grid: false,
            };
            ranking.of(self.problem, &fresh)
        };
        let by_fresh = passed_over
            .iter()
            .min_by(|a, b| excess_there(a).order(excess_there(b)));
        let (nearest, binding) = if let Some(passed) = by_fresh {
            let constraints = self.problem.constraints.iter().enumerate();
            let broken = constraints
                .filter(|(number, constraint)| !constraint.is_kept(&passed.fresh[1 + number]))
                .map(|(number, _)| number)
                .collect();
            (passed.index, broken)
        } else {
            let nearest = ranked.first().map_or(0, |(_, index, _)| *index);
            let points = &self.evaluated;
            let binding = binding_without_any(self.problem, ranking, points, nearest);
            (nearest, binding)
        };
        let nothing = Nothing {
            nearest,
            reachable: reachable(self.problem, ranking, &self.evaluated),
            passed_over,
        };
        (Found::Nothing(nothing), binding)
    }
}

#[cfg(test)]
mod tests;

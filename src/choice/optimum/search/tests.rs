//! Planted optima: worlds whose values are formulas.

use super::*;
use crate::choice::grid::Grid;
use crate::choice::optimum::constraint::{Constraint, Origin};
use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::objective::{Direction, Objective};
use crate::plan::types::Comparison;

/// A world whose values are formulas of the point's numbers; errors are `error` everywhere.
struct Planted<F> {
    /// Objective, then the values of the constraints, then the three risks.
    formula: F,
    error: f64,
    /// What fresh random numbers add to every value that is bounded.
    fresh_adds: f64,
    /// Points that were asked for, by draw.
    asked: [usize; 2],
}

fn numbers(point: &Point) -> Vec<f64> {
    let values = point.values.iter();
    values
        .map(|(_, value)| value.number().unwrap_or(f64::NAN))
        .collect()
}

impl<F: Fn(&[f64], &Point) -> Option<Vec<f64>>> Evaluator for Planted<F> {
    type Failure = String;

    fn measure(
        &mut self,
        points: &[Point],
        draw: Draw,
    ) -> Result<Vec<Option<Vec<Estimate>>>, String> {
        self.asked[usize::from(draw == Draw::Fresh)] += points.len();
        let of = |point: &Point| {
            let values = (self.formula)(&numbers(point), point)?;
            let last = values.len() - RISKS;
            let estimates = values.into_iter().enumerate().map(|(k, value)| {
                let is_bounded = (1..last).contains(&k) && draw == Draw::Fresh;
                let value = value + if is_bounded { self.fresh_adds } else { 0.0 };
                Estimate::normal(value, self.error)
            });
            Some(estimates.collect())
        };
        Ok(points.iter().map(of).collect())
    }

    fn differences(
        &mut self,
        base: &Point,
        others: &[Point],
        draw: Draw,
    ) -> Result<Vec<Option<Estimate>>, String> {
        assert_eq!(draw, Draw::Fresh);
        let objective = |point: &Point| (self.formula)(&numbers(point), point).map(|v| v[0]);
        let of_base = objective(base).ok_or("refused")?;
        Ok(others
            .iter()
            .map(|other| Some(Estimate::normal(objective(other)? - of_base, self.error)))
            .collect())
    }
}

fn planted<F: Fn(&[f64], &Point) -> Option<Vec<f64>>>(formula: F) -> Planted<F> {
    Planted {
        formula,
        error: 0.0,
        fresh_adds: 0.0,
        asked: [0, 0],
    }
}

fn grid(arguments: &[&str]) -> Grid {
    let owned: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    Grid::parse(&owned).unwrap()
}

fn problem<'g>(grid: &'g Grid, bounds: &[(Comparison, f64)], rounds: u32) -> Problem<'g> {
    let summary = |name: &str| Measure::Summary(name.to_owned());
    let constraint = |(number, &(comparison, bound)): (usize, &(Comparison, f64))| Constraint {
        text: format!("value{number} against {bound}"),
        measure: summary("x"),
        comparison,
        bound,
        origin: Origin::Argument,
    };
    Problem {
        grid,
        objective: Objective {
            measure: summary("hedged.es95"),
            direction: Direction::Minimize,
        },
        constraints: bounds.iter().enumerate().map(constraint).collect(),
        capital: summary("collateral.peak.mean"),
        rounds,
    }
}

fn solve<F: Fn(&[f64], &Point) -> Option<Vec<f64>>>(
    problem: &Problem<'_>,
    world: &mut Planted<F>,
) -> Optimum {
    match optimize(problem, world) {
        Ok(optimum) => optimum,
        Err(Stopped::Evaluator(reason)) => panic!("{reason}"),
        Err(Stopped::Refused(error)) => panic!("{error}"),
    }
}

fn best(optimum: &Optimum) -> &Best {
    match &optimum.found {
        Found::Best(best) => best,
        Found::Nothing(nothing) => panic!("{nothing:?}"),
    }
}

fn at(optimum: &Optimum, index: usize) -> Vec<f64> {
    numbers(&optimum.evaluated[index].point)
}

fn assert_close(found: &[f64], expected: &[f64], resolution: f64) {
    for (found_one, expected_one) in found.iter().zip(expected) {
        assert!(
            (found_one - expected_one).abs() <= resolution * (1.0 + 1e-9),
            "{found:?} against {expected:?} within {resolution}"
        );
    }
}

#[test]
fn a_free_optimum_in_one_dimension() {
    let grid = grid(&["a=0:2:0.25"]);
    let mut world = planted(|x, _| Some(vec![(x[0] - 0.83).powi(2), 0.0, x[0], 0.0]));
    for (rounds, resolution) in [(0, 0.125), (1, 0.0625), (4, 0.25 / 32.0), (8, 0.25 / 512.0)] {
        let found = solve(&problem(&grid, &[], rounds), &mut world);
        assert_close(&at(&found, best(&found).index), &[0.83], resolution);
        assert!(found.binding.is_empty());
        assert_eq!(found.unconstrained, best(&found).index);
        assert!(best(&found).edges.is_empty());
    }
}

#[test]
fn an_active_constraint_in_one_dimension_is_met_from_inside() {
    // The optimum at 0.83 is out of reach: the value may be 0.5 at most.
    let grid = grid(&["a=0:2:0.25"]);
    let formula =
        |x: &[f64], _: &Point| Some(vec![(x[0] - 0.83).powi(2), x[0] * x[0], 0.0, 0.0, 0.0]);
    let mut world = planted(formula);
    let found = solve(&problem(&grid, &[(Comparison::AtMost, 0.5)], 6), &mut world);
    let place = at(&found, best(&found).index)[0];
    assert!(
        place <= 0.5_f64.sqrt() && place > 0.5_f64.sqrt() - 0.25 / 64.0,
        "{place}"
    );
    assert_eq!(found.binding, [0]);
    // It is looked for among the points that were tried, which lie around the other one.
    assert_close(&at(&found, found.unconstrained), &[0.83], 0.125);
    // The same as a lower bound on the other side.
    let found = solve(
        &problem(&grid, &[(Comparison::AtLeast, 1.0)], 6),
        &mut world,
    );
    assert_close(&at(&found, best(&found).index), &[1.0], 0.0);
    assert_eq!(found.binding, [0]);
    // One that is kept anyway does not bind.
    let found = solve(&problem(&grid, &[(Comparison::AtMost, 0.8)], 6), &mut world);
    assert_close(&at(&found, best(&found).index), &[0.83], 0.25 / 64.0);
    assert!(found.binding.is_empty());
}

#[test]
fn constraints_are_judged_at_the_far_end() {
    // With a standard error of 0.05 the value has to stay 1.96 of them under its bound.
    let grid = grid(&["a=0:1:0.05"]);
    let mut world = planted(|x, _| Some(vec![-x[0], x[0], 0.0, 0.0, 0.0]));
    world.error = 0.05;
    let found = solve(&problem(&grid, &[(Comparison::AtMost, 0.6)], 6), &mut world);
    let place = at(&found, best(&found).index)[0];
    let far = 0.6 - 1.959_964 * 0.05;
    assert!(place <= far && place > far - 0.05 / 64.0, "{place}");
}

#[test]
fn two_dimensions_with_a_constraint_aslant() {
    // Nearest point of the half-plane x + 2 y <= 2 to (2, 1.5): (1.4, 0.3).
    let grid = grid(&["a=0:4:0.5", "b=-1:3:0.5"]);
    let formula = |x: &[f64], _: &Point| {
        let distance = (x[0] - 2.0).powi(2) + (x[1] - 1.5).powi(2);
        Some(vec![distance, x[0] + 2.0 * x[1], 0.0, 0.0, 0.0])
    };
    let mut world = planted(formula);
    let found = solve(&problem(&grid, &[(Comparison::AtMost, 2.0)], 7), &mut world);
    let resolution = 0.5 / 128.0;
    assert_close(
        &at(&found, best(&found).index),
        &[1.4, 0.3],
        8.0 * resolution,
    );
    let cost = found.evaluated[best(&found).index].values[0].value.unwrap();
    assert!((cost - 1.8).abs() < 0.02, "{cost}");
    assert_eq!(found.binding, [0]);
    // Without it the middle is found.
    let found = solve(&problem(&grid, &[(Comparison::AtMost, 9.0)], 7), &mut world);
    assert_close(&at(&found, best(&found).index), &[2.0, 1.5], 0.0);
}

#[test]
fn three_dimensions_with_two_of_three_constraints_active() {
    // Least x^2 + y^2 + z^2 with x >= 0.6, y >= 0.35, z <= 5.
    let grid = grid(&["a=-1:1:0.5", "b=-1:1:0.5", "c=-1:1:0.5"]);
    let formula = |x: &[f64], _: &Point| {
        let square = x.iter().map(|x| x * x).sum();
        Some(vec![square, x[0], x[1], x[2], 0.0, 0.0, 0.0])
    };
    let bounds = [
        (Comparison::AtLeast, 0.6),
        (Comparison::AtLeast, 0.35),
        (Comparison::AtMost, 5.0),
    ];
    let found = solve(&problem(&grid, &bounds, 6), &mut planted(formula));
    assert_close(
        &at(&found, best(&found).index),
        &[0.6, 0.35, 0.0],
        0.5 / 64.0,
    );
    assert_eq!(found.binding, [0, 1]);
}

#[test]
fn a_valley_in_two_dimensions() {
    // Rosenbrock's, whose minimum is at (1, 1): halving alone does not get there, moving does.
    let grid = grid(&["a=-2:2:0.5", "b=-1:3:0.5"]);
    let formula = |x: &[f64], _: &Point| {
        let value = (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        Some(vec![value, 0.0, 0.0, 0.0])
    };
    let found = solve(&problem(&grid, &[], 6), &mut planted(formula));
    assert_close(&at(&found, best(&found).index), &[1.0, 1.0], 0.0);
}

#[test]
fn maximising_and_names_and_refused_points() {
    let grid = grid(&["a=0:1:0.25", "v=slow,fast"]);
    let formula = |x: &[f64], point: &Point| {
        let is_fast = point.values[1].1.label() == "fast";
        // The fast venue takes no more than 0.6, and only quarters.
        let is_refused = is_fast && (x[0] > 0.6 || (x[0] * 8.0).fract() != 0.0);
        let gain = x[0] * if is_fast { 3.0 } else { 1.0 };
        (!is_refused).then(|| vec![gain, 0.0, 0.0, 0.0])
    };
    let mut of = problem(&grid, &[], 4);
    of.objective.direction = Direction::Maximize;
    let found = solve(&of, &mut planted(formula));
    let index = best(&found).index;
    assert_eq!(found.evaluated[index].point.label(), "a=0.5, v=fast");
    assert_eq!(found.refused[0], 2);
    assert!(found.refused[1] > 0);
    assert_eq!(found.evaluated.iter().filter(|p| p.is_of_grid).count(), 8);
}

#[test]
fn the_edge_of_the_grid_is_named() {
    let grid = grid(&["a=0:1:0.5", "b=0:1:0.5"]);
    let mut world = planted(|x, _| Some(vec![-x[0] + (x[1] - 0.5).abs(), 0.0, 0.0, 0.0]));
    let found = solve(&problem(&grid, &[], 2), &mut world);
    assert_eq!(best(&found).edges, [0]);
}

#[test]
fn nothing_feasible_names_what_is_in_the_way() {
    // Value 0 is at least 1 everywhere, value 1 is kept from 0.5 on.
    let grid = grid(&["a=0:1:0.25"]);
    let formula = |x: &[f64], _: &Point| Some(vec![x[0], 1.0 + x[0], x[0], 0.0, 0.0, 0.0]);
    let mut world = planted(formula);
    let bounds = [(Comparison::AtMost, 0.8), (Comparison::AtLeast, 0.45)];
    let found = solve(&problem(&grid, &bounds, 3), &mut world);
    let Found::Nothing(nothing) = &found.found else {
        panic!("{:?}", found.found);
    };
    assert_eq!(found.binding, [0]);
    // What could be promised instead: 1.45 at the least, and nothing at all of the other while this one is asked for.
    let reachable = nothing.reachable[0].unwrap();
    assert!((1.45..=1.5).contains(&reachable), "{reachable}");
    assert_eq!(nothing.reachable[1], None);
    assert!(nothing.passed_over.is_empty());
    assert_eq!(world.asked[1], 0, "nothing to confirm");
    // The nearest point has the smallest of the largest excesses: (0.2 + a) / 0.8 against (0.45 - a) / 0.45.
    assert_close(&at(&found, nothing.nearest), &[0.216], 0.25 / 8.0);
}

#[test]
fn two_limits_that_shut_each_other_out_both_bind() {
    let grid = grid(&["a=0:1:0.25"]);
    let formula = |x: &[f64], _: &Point| Some(vec![x[0], x[0], x[0], 0.0, 0.0, 0.0]);
    let bounds = [(Comparison::AtMost, 0.3), (Comparison::AtLeast, 0.6)];
    let found = solve(&problem(&grid, &bounds, 2), &mut planted(formula));
    assert_eq!(found.binding, [0, 1]);
    let bounds = [(Comparison::AtMost, -1.0), (Comparison::AtLeast, 2.0)];
    let found = solve(&problem(&grid, &bounds, 2), &mut planted(formula));
    assert_eq!(found.binding, [0, 1], "no one alone frees anything");
}

#[test]
fn a_refinement_can_find_what_the_grid_has_not() {
    // Kept between 0.3 and 0.4 only, where the grid has no point.
    let grid = grid(&["a=0:1:0.25"]);
    let formula = |x: &[f64], _: &Point| Some(vec![x[0], (x[0] - 0.35).abs(), 0.0, 0.0, 0.0]);
    let bounds = [(Comparison::AtMost, 0.05)];
    let found = solve(&problem(&grid, &bounds, 6), &mut planted(formula));
    assert_close(&at(&found, best(&found).index), &[0.3], 0.25 / 64.0);
}

#[test]
fn a_winner_by_luck_is_passed_over() {
    // On fresh random numbers the bounded value is higher by 0.1: what is best on the search's does not keep it.
    let grid = grid(&["a=0:1:0.1"]);
    let mut world = planted(|x, _| Some(vec![-x[0], x[0], 0.0, 0.0, 0.0]));
    world.fresh_adds = 0.1;
    let found = solve(
        &problem(&grid, &[(Comparison::AtMost, 0.55)], 3),
        &mut world,
    );
    let index = best(&found).index;
    let place = at(&found, index)[0];
    assert!((0.25..=0.45).contains(&place), "{place}");
    // Each try lies twice as far behind: what is better than the answer was tried and failed, or skipped.
    let passed = &best(&found).passed_over;
    assert!(!passed.is_empty() && passed.len() < MOST_CANDIDATES);
    assert!(passed.iter().all(|p| at(&found, p.index)[0] > 0.45));
    let better = found.evaluated.iter().filter(|point| {
        let x = numbers(&point.point)[0];
        x > place && x <= 0.55
    });
    assert_eq!(better.count(), passed.len() + best(&found).skipped);
    assert_eq!(best(&found).skipped, (1 << passed.len()) - 1 - passed.len());
    assert_eq!(found.binding, [0]);
    // What was passed over does not make a limit bind that has nothing to do with it.
    let mut both = planted(|x, _| Some(vec![-x[0], x[0], x[0], 0.0, 0.0, 0.0]));
    both.fresh_adds = 0.1;
    let bounds = [(Comparison::AtMost, 0.55), (Comparison::AtMost, 0.9)];
    let found = solve(&problem(&grid, &bounds, 3), &mut both);
    assert_eq!(found.binding, [0]);
    // Where no candidate stands, it is said so, and the nearest is the one that fails by least.
    world.fresh_adds = 10.0;
    let found = solve(
        &problem(&grid, &[(Comparison::AtMost, 0.55)], 3),
        &mut world,
    );
    let Found::Nothing(nothing) = &found.found else {
        panic!("{:?}", found.found);
    };
    assert!(!nothing.passed_over.is_empty());
    assert_eq!(at(&found, nothing.nearest), [0.0]);
    assert_eq!(found.binding, [0]);
}

#[test]
fn tries_reach_far_and_are_few() {
    assert!(tries(0).is_empty());
    assert_eq!(tries(1), [0]);
    assert_eq!(tries(3), [0, 1, 2]);
    assert_eq!(tries(6), [0, 1, 3, 5]);
    assert_eq!(tries(1000), [0, 1, 3, 7, 15, 31, 63, 127]);
}

#[test]
fn a_limit_binds_by_more_than_the_error_of_what_it_costs() {
    // The limit keeps a from its best value, 0.5, which is better than 0.4 by 0.01.
    let grid = grid(&["a=0:1:0.1"]);
    let formula =
        |x: &[f64], _: &Point| Some(vec![(x[0] - 0.5).powi(2), 10.0 * x[0], 0.0, 0.0, 0.0]);
    for (error, binding, may_bind) in [(0.004, &[0][..], &[][..]), (0.006, &[], &[0])] {
        let mut world = planted(formula);
        world.error = error;
        let of = problem(&grid, &[(Comparison::AtMost, 4.5)], 0);
        let found = solve(&of, &mut world);
        assert_eq!(at(&found, best(&found).index), [0.4]);
        assert_eq!(found.binding, binding, "{error}");
        assert_eq!(found.may_bind, may_bind, "{error}");
    }
}

#[test]
fn rivals_are_the_next_best_of_the_grid() {
    let grid = grid(&["a=0:1:0.1"]);
    let mut world = planted(|x, _| Some(vec![(x[0] - 0.52).powi(2), 0.0, 0.0, 0.0]));
    world.error = 0.001;
    let found = solve(&problem(&grid, &[], 0), &mut world);
    let rivals = &best(&found).rivals;
    let places: Vec<f64> = rivals.iter().map(|r| at(&found, r.index)[0]).collect();
    assert_eq!(places, [0.6, 0.4, 0.7, 0.3, 0.8]);
    let first = rivals[0].difference.unwrap();
    assert!((first.value.unwrap() - (0.0064 - 0.0004)).abs() < 1e-12);
}

#[test]
fn an_objective_that_says_nothing_is_refused() {
    let refused = |of: &Problem<'_>, formula: fn(&[f64]) -> f64| {
        let mut world = planted(|x: &[f64], _: &Point| Some(vec![formula(x), 0.0, 0.0, 0.0]));
        match optimize(of, &mut world) {
            Err(Stopped::Refused(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let eleven = grid(&["a=0:1:0.1"]);
    let of = problem(&eleven, &[], 2);
    let message = refused(&of, |_| 5.0);
    assert!(
        message.contains("`hedged.es95` is the same at all 11 points of the grid"),
        "{message}"
    );
    assert!(refused(&of, |x| 1e9 + 1e-6 * x[0]).contains("is the same at all 11 points"));
    assert!(refused(&of, |_| f64::NAN).contains("is unknown at all 11 points"));
    let one = grid(&["a=1"]);
    let of = problem(&one, &[], 2);
    assert!(refused(&of, |x| x[0]).contains("the grid has one point"));
}

#[test]
fn the_frontier_is_of_all_points_and_ties_go_to_the_first() {
    let grid = grid(&["a=0:1:0.5", "b=0:1:0.5"]);
    // b costs capital and changes nothing: the first of the grid, which has least of it, is best.
    let formula = |x: &[f64], _: &Point| Some(vec![1.0 - x[0], 1.0 - x[0], x[1], x[0]]);
    let found = solve(&problem(&grid, &[], 0), &mut planted(formula));
    assert_eq!(at(&found, best(&found).index), [1.0, 0.0]);
    let places: Vec<Vec<f64>> = found.frontier.iter().map(|&i| at(&found, i)).collect();
    assert_eq!(places, [[1.0, 0.0], [0.5, 0.0], [0.0, 0.0]]);
}

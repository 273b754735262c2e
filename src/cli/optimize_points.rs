//! The points of an optimisation: which may be varied, which the scenario takes, and the plan of any point between them.

use std::collections::BTreeMap;

use hedgesim::choice::grid::{Grid, Point};
use hedgesim::choice::optimum::optimum_error::OptimumError;
use hedgesim::choice::optimum::search::Draw;
use hedgesim::choice::optimum::simulated::fresh_seed;
use hedgesim::plan::pilot::PilotPlan;
use hedgesim::plan::read::{load, parse};
use hedgesim::plan::types::Plan;
use hedgesim::scenario::load::Loaded;
use hedgesim::scenario::overrides::keys;
use hedgesim::scenario::place::Sources;
use hedgesim::scenario::problem::Problems;
use hedgesim::stats::views::ViewError;
use rayon::prelude::*;

use crate::cli::arguments::ScenarioArguments;
use crate::cli::failure::Failure;
use crate::cli::points::Pilots;
use crate::cli::session::{refuse_view, refused, resolved_with};

/// The points of a grid, and the way to any other.
pub(crate) struct Candidates {
    /// The grid.
    pub(crate) grid: Grid,
    /// The plan of the first point that the scenario takes.
    pub(crate) first: Plan,
    /// The first point that it refuses, and why.
    pub(crate) refusal: Option<String>,
    /// Values at which no point is taken, `PATH=VALUE,VALUE` for each axis that has any.
    pub(crate) lost: Vec<String>,
    /// The texts that the first point was read from.
    pub(crate) sources: Sources,
    name: String,
    text: String,
    base: Vec<String>,
    pilots: Pilots,
    /// By point of the grid, as its overrides: its plan, `None` where it is refused.
    plans: BTreeMap<Vec<String>, Option<Plan>>,
}

impl Candidates {
    /// Reads the grid and resolves all its points before anything is simulated.
    ///
    /// A point that the scenario refuses, such as one with less collateral than its size asks for, is none to choose. A word all of
    /// whose points are refused is a mistake, and so is a grid with less than two points left.
    pub(crate) fn read(arguments: &ScenarioArguments, over: &[String]) -> Result<Self, Failure> {
        let grid = Grid::parse(over).map_err(|error| Failure::refused(&error.to_string()))?;
        check_decisions(&grid)?;
        let base = arguments.all_overrides();
        // The file is read once: it may be a pipe, and it may change.
        let overrides = [base.clone(), grid.point(0).overrides()].concat();
        let sources = match load(&arguments.scenario, &overrides) {
            Ok(loaded) => loaded.sources,
            Err(problems) if problems.sources().text.is_empty() => {
                // There is no such file, or it is empty: no fault of the point.
                return Err(refused(problems));
            }
            Err(problems) => problems.sources().clone(),
        };
        let (name, text) = (sources.name.clone(), sources.text.clone());
        let pilots = Pilots::default();
        let found: Vec<Result<Plan, Problems>> = (0..grid.size())
            .into_par_iter()
            .map(|index| {
                let overrides = [base.clone(), grid.point(index).overrides()].concat();
                let loaded = parse(&name, &text, &overrides)?;
                let (_, plan) = resolved_with(loaded, &|plan, asked| pilots.ratios(plan, asked))?;
                Ok(plan)
            })
            .collect();
        let lost = lost_values(&grid, &found)?;
        let refusal = found.iter().enumerate().find_map(|(index, plan)| {
            let problems = plan.as_ref().err()?;
            let first = problems.list().first();
            let reason = first.map_or(String::new(), |problem| problem.message.clone());
            Some(format!("{}: {reason}", grid.point(index).label()))
        });
        let Some(first) = found.iter().find_map(|plan| plan.as_ref().ok()).cloned() else {
            return Err(Failure::Other("no point of the grid was read".to_owned()));
        };
        let plans = found.into_iter().enumerate();
        let plans = plans.map(|(index, plan)| (grid.point(index).overrides(), plan.ok()));
        Ok(Self {
            plans: plans.collect(),
            grid,
            first,
            refusal,
            lost,
            sources,
            name,
            text,
            base,
            pilots,
        })
    }

    /// The plans of the grid's points that the scenario takes, with their points.
    pub(crate) fn taken(&self) -> Vec<(Point, &Plan)> {
        let points = self.grid.points();
        points
            .filter_map(|point| {
                let plan = self.plans.get(&point.overrides())?.as_ref()?;
                Some((point, plan))
            })
            .collect()
    }

    /// The plan of every point of the grid; `None` where the scenario refuses it.
    pub(crate) fn by_point(&self) -> Vec<Option<&Plan>> {
        let points = self.grid.points();
        points
            .map(|point| self.plans.get(&point.overrides())?.as_ref())
            .collect()
    }

    /// The seed of fresh random numbers.
    pub(crate) fn fresh_seed(&self) -> u64 {
        fresh_seed(self.first.simulation.seed)
    }

    /// The plan of a point; `None` where the scenario refuses it.
    pub(crate) fn plan(&self, point: &Point, draw: Draw) -> Option<Plan> {
        if draw == Draw::Search
            && let Some(known) = self.plans.get(&point.overrides())
        {
            return known.clone();
        }
        self.resolve(point, draw).ok().map(|(plan, _)| plan)
    }

    /// The plan of a point and its scenario, TOML.
    ///
    /// A ratio that a pilot finds is found with the scenario's seed on either random numbers: it is a part of the point, which is
    /// the same hedge in the search, in its confirmation, and in a run of its scenario.
    pub(crate) fn resolve(&self, point: &Point, draw: Draw) -> Result<(Plan, String), Problems> {
        let (loaded, plan) = self.read_point(point, draw)?;
        Ok((plan, loaded.effective_toml))
    }

    /// That a point's views cannot be had, shown where the scenario has them.
    pub(crate) fn refuse_view(&self, point: &Point, draw: Draw, error: &ViewError) -> Failure {
        match self.read_point(point, draw) {
            Ok((loaded, _)) => {
                let draw = match draw {
                    Draw::Search => "",
                    Draw::Fresh => " on fresh random numbers",
                };
                refuse_view(&loaded, error).under(&format!(
                    "the views are refused at the point {}{draw}",
                    point.label()
                ))
            }
            Err(problems) => refused(problems),
        }
    }

    fn read_point(&self, point: &Point, draw: Draw) -> Result<(Loaded, Plan), Problems> {
        let mut overrides = [self.base.clone(), point.overrides()].concat();
        if draw == Draw::Fresh {
            overrides.push(format!("simulation.seed={}", self.fresh_seed()));
        }
        let loaded = parse(&self.name, &self.text, &overrides)?;
        let pilot = |plan: &Plan, asked: &[PilotPlan]| {
            let mut of_search = plan.clone();
            of_search.simulation.seed = self.first.simulation.seed;
            self.pilots.ratios(&of_search, asked)
        };
        resolved_with(loaded, &pilot)
    }
}

/// What says how to simulate or how to judge is nothing to choose.
fn check_decisions(grid: &Grid) -> Result<(), Failure> {
    let paths = grid.axes().iter().flat_map(|axis| &axis.paths);
    for path in paths {
        let keys = keys(path).unwrap_or_default();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let what = match keys.as_slice() {
            ["simulation", "horizon"] => continue,
            ["simulation", "seed"] => "seed",
            ["simulation", ..] => "way to simulate",
            ["limits", ..] => "limit",
            ["views", ..] => "view",
            ["report" | "title", ..] => "report",
            _ => continue,
        };
        let error = OptimumError::NoDecision {
            path: path.clone(),
            what,
        };
        return Err(Failure::refused(&error.to_string()));
    }
    Ok(())
}

/// The values that are taken at no point, `PATH=VALUE,VALUE` for each axis that has any. A word among them, such as the name of a venue, is taken for a
/// slip; and there must be something left to choose.
fn lost_values(grid: &Grid, found: &[Result<Plan, Problems>]) -> Result<Vec<String>, Failure> {
    let taken = found.iter().filter(|plan| plan.is_ok()).count();
    let mut lost_of_axes = Vec::new();
    for (axis, of_axis) in grid.axes().iter().enumerate() {
        let mut lost = Vec::new();
        for (place, value) in of_axis.values.iter().enumerate() {
            let mut of_value = (0..grid.size()).filter(|&index| grid.places(index)[axis] == place);
            let Some(first) = of_value.clone().next() else {
                continue;
            };
            let is_lost = of_value.all(|index| found[index].is_err());
            if let (true, Err(problems)) = (is_lost, &found[first]) {
                if taken < 2 || value.number().is_none() {
                    let head = format!(
                        "every point of the grid with {}={} is refused, the first of them because",
                        of_axis.name(),
                        value.label()
                    );
                    return Err(refused(problems.clone()).under(&head));
                }
                lost.push(value.label());
            }
        }
        if !lost.is_empty() {
            lost_of_axes.push(format!("{}={}", of_axis.name(), lost.join(",")));
        }
    }
    Ok(lost_of_axes)
}

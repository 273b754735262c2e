//! From the arguments of a grid to its points, each a scenario read and resolved as `run --set` would.

use std::sync::{Mutex, PoisonError};

use hedgesim::choice::grid::{Grid, Point};
use hedgesim::choice::sweep::Proposal;
use hedgesim::engine::pilot;
use hedgesim::plan::pilot::{PilotPlan, RatioEstimate};
use hedgesim::plan::read::{load, parse};
use hedgesim::plan::types::{MarketPlan, Plan, SimulationPlan};
use hedgesim::scenario::load::Loaded;
use hedgesim::scenario::overrides::keys;
use hedgesim::scenario::place::Sources;
use hedgesim::scenario::problem::Problems;
use hedgesim::stats::views::ViewError;
use rayon::prelude::*;

use crate::cli::arguments::ScenarioArguments;
use crate::cli::failure::Failure;
use crate::cli::output::tell;
use crate::cli::session::{refuse_view, refused, resolved_with};

/// The points of a grid, resolved, and the scenario from which they start.
pub(crate) struct Points {
    /// The grid.
    pub(crate) grid: Grid,
    /// Its points in their order.
    pub(crate) proposals: Vec<Proposal>,
    /// The scenario with its overrides; where it is refused without the values of a point, that of the first point. TOML.
    pub(crate) scenario: String,
    /// The texts that the first point was read from.
    pub(crate) sources: Sources,
    name: String,
    text: String,
    base: Vec<String>,
}

impl Points {
    /// That the views of a point cannot be had, shown where the scenario has them.
    pub(crate) fn refuse_view(&self, point: usize, error: &ViewError) -> Failure {
        let at = self.grid.point(point);
        let overrides = [self.base.clone(), at.overrides()].concat();
        match parse(&self.name, &self.text, &overrides) {
            Ok(loaded) => refuse_view(&loaded, error).under(&format!(
                "the views are refused at the point {} of the grid",
                at.label()
            )),
            Err(problems) => refused(problems),
        }
    }
}

/// Reads the grid and resolves all its points before anything is simulated.
pub(crate) fn points(arguments: &ScenarioArguments, over: &[String]) -> Result<Points, Failure> {
    let grid = Grid::parse(over).map_err(|error| Failure::refused(&error.to_string()))?;
    check_same_paths(&grid)?;
    let base = arguments.all_overrides();
    // The file is read once: it may be a pipe, and it may change.
    let first = grid.point(0);
    let pilots = Pilots::default();
    let resolve =
        |loaded: Loaded| resolved_with(loaded, &|plan, questions| pilots.ratios(plan, questions));
    let overrides_of = |at: &Point| [base.clone(), at.overrides()].concat();
    let loaded = load(&arguments.scenario, &overrides_of(&first)).and_then(resolve);
    let sources = match &loaded {
        Ok((loaded, _)) => loaded.sources.clone(),
        Err(problems) => problems.sources().clone(),
    };
    let (name, text) = (sources.name.clone(), sources.text.clone());
    if let (Err(problems), true) = (&loaded, text.is_empty()) {
        // There is no such file, or it is empty: no fault of the point.
        return Err(refused(problems.clone()));
    }
    let read = |overrides: &[String]| parse(&name, &text, overrides).and_then(resolve);
    let resolved_points: Vec<(Point, Result<Proposal, Problems>)> = (0..grid.size())
        .into_par_iter()
        .map(|index| {
            let at = grid.point(index);
            let proposal = read(&overrides_of(&at)).map(|(loaded, plan)| Proposal {
                at: at.clone(),
                plan,
                scenario: loaded.effective_toml,
            });
            (at, proposal)
        })
        .collect();
    let refusals = resolved_points.iter().filter(|(_, point)| point.is_err());
    let refusals = refusals.count();
    let mut proposals = Vec::with_capacity(grid.size());
    for (at, proposal) in resolved_points {
        proposals.push(proposal.map_err(|problems| refusal(&at, refusals, &grid, problems))?);
    }
    check_paths(&proposals)?;
    let scenario = match read(&base) {
        Ok((loaded, _)) => loaded.effective_toml,
        Err(_) => proposals[0].scenario.clone(),
    };
    Ok(Points {
        grid,
        proposals,
        scenario,
        sources,
        name,
        text,
        base,
    })
}

/// Pilot simulations, each made once for all points that ask the same of the same market.
#[derive(Default)]
pub(crate) struct Pilots {
    answered: Mutex<Vec<Answered>>,
}

struct Answered {
    simulation: SimulationPlan,
    market: MarketPlan,
    questions: Vec<PilotPlan>,
    answers: Vec<RatioEstimate>,
}

impl Pilots {
    pub(crate) fn ratios(&self, plan: &Plan, questions: &[PilotPlan]) -> Vec<RatioEstimate> {
        let is_same = |known: &&Answered| {
            known.questions == questions
                && known.simulation == plan.simulation
                && known.market == plan.market
        };
        // Never held while a pilot runs: its threads may take up another point meanwhile.
        let answered = || self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answered().iter().find(is_same) {
            return known.answers.clone();
        }
        let answers = pilot::ratios(plan, questions);
        answered().push(Answered {
            simulation: plan.simulation.clone(),
            market: plan.market.clone(),
            questions: questions.to_vec(),
            answers: answers.clone(),
        });
        answers
    }
}

/// The first point that is refused, with the scenario's own words.
fn refusal(at: &Point, refusals: usize, grid: &Grid, problems: Problems) -> Failure {
    let others = match refusals {
        1 => String::new(),
        all if all == grid.size() => ", and so is every other".to_owned(),
        2 => format!(", and so is another of {}", grid.size()),
        all => format!(", and so are {} others of {}", all - 1, grid.size()),
    };
    let head = format!("the point {} of the grid is refused{others}", at.label());
    refused(problems).under(&head)
}

/// Points are compared path by path: the number of paths and the seed are no axes.
fn check_same_paths(grid: &Grid) -> Result<(), Failure> {
    let points = grid.point(0);
    let mut paths = points.settings().map(|(path, _)| path);
    let is_of_draw = |path: &&str| {
        let keys = keys(path).unwrap_or_default();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        matches!(keys.as_slice(), ["simulation", "seed" | "paths"])
    };
    match paths.find(is_of_draw) {
        None => Ok(()),
        Some(path) => Err(Failure::refused(&format!(
            "`--over {path}` gives each point other paths; allowed: {SAME_PATHS}"
        ))),
    }
}

const SAME_PATHS: &str = "the same seed and number of paths at every point, which are compared path by path (`--seed`, `--paths`)";

/// The same where a whole table is varied.
fn check_paths(proposals: &[Proposal]) -> Result<(), Failure> {
    let drawn = |proposal: &Proposal| {
        let simulation = &proposal.plan.simulation;
        (simulation.paths, simulation.seed)
    };
    let first = &proposals[0];
    match proposals.iter().find(|other| drawn(other) != drawn(first)) {
        None => Ok(()),
        Some(other) => {
            let ((paths, seed), (other_paths, other_seed)) = (drawn(first), drawn(other));
            Err(Failure::refused(&format!(
                "the point {} has {paths} paths of seed {seed} and {} has {other_paths} of seed {other_seed}; allowed: {SAME_PATHS}",
                first.at.label(),
                other.at.label(),
            )))
        }
    }
}

fn is_same_but_for_title(a: &Plan, b: &Plan) -> bool {
    let mut titled = a.clone();
    titled.simulation.title.clone_from(&b.simulation.title);
    titled == *b
}

/// What the user should know of axes that change nothing; `plans` are those of the grid's points, `None` where a point is refused.
pub(crate) fn tell_idle_axes(grid: &Grid, plans: &[Option<&Plan>]) {
    let neighbours = grid.neighbours();
    for (axis, of_axis) in grid.axes().iter().enumerate() {
        let of_axis_pairs = neighbours.iter().filter(|pair| pair.axis == axis);
        let mut pairs = of_axis_pairs
            .filter_map(|pair| Some((plans[pair.from]?, plans[pair.to]?)))
            .peekable();
        let is_idle = pairs.peek().is_some() && pairs.all(|(a, b)| is_same_but_for_title(a, b));
        if is_idle {
            tell(&format!(
                "warning: `--over {}` changes nothing that is simulated: its points are the same\n",
                of_axis.name()
            ));
        }
    }
}

//! The grid of steps: the horizon, and every time that has to lie on it.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::types::{Crossing, SimulationPlan};
use crate::scenario::calendar::Moment;
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::simulation::{CrossingChoice, Simulation};
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

/// The grid of steps.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Length of a step, as the user gave it.
    pub step: Given<Span>,
    /// Length of the simulation.
    pub horizon: Span,
    /// When it starts, if that is given.
    pub start: Option<Given<Moment>>,
    /// Whether to repair correlations.
    pub repair_correlations: bool,
}

/// More steps than this are a mistake in the step.
const MOST_STEPS: u64 = 10_000_000;

/// A number of steps that no horizon reaches.
const NEVER: u32 = u32::MAX / 4;

/// Steps that people use, in minutes.
const USUAL_STEPS_MINUTES: [u64; 17] = [
    1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 4320, 10_080,
];

impl Grid {
    /// A duration above 0 in steps, if it is a multiple of the step; else that is noted.
    pub fn steps(&self, given: &Given<Span>, sink: &Sink) -> Option<u32> {
        steps(given, self.step.value, sink)
    }

    /// The date at which the simulation starts; `None` where it was noted that something needs one.
    pub fn start_for<T>(&self, given: &Given<T>, reason: &str, sink: &Sink) -> Option<Moment> {
        if self.start.is_none() {
            let refusal = Refusal::Needed {
                table: "simulation".to_owned(),
                key: "start".to_owned(),
                allowed: "a date such as \"2026-05-22\"".to_owned(),
                reason: reason.to_owned(),
            };
            sink.push(refusal.at(given.place));
        }
        self.start.as_ref().map(|given| given.value)
    }

    /// The time from 0 to the end of a step.
    pub fn time(&self, step: u32) -> Span {
        Span {
            milliseconds: u64::from(step) * self.step.value.milliseconds,
        }
    }

    /// A duration in steps, rounded up.
    pub fn steps_rounded_up(&self, span: Span) -> u32 {
        let steps = span.milliseconds.div_ceil(self.step.value.milliseconds);
        bounded(steps)
    }
}

/// A duration above 0 in steps, if it is a multiple of the step; else that is noted.
pub fn steps(given: &Given<Span>, step: Span, sink: &Sink) -> Option<u32> {
    from_least(given, step, step, sink)
}

/// A duration in steps that may be 0, if it is a multiple of the step; else that is noted.
pub fn delay_steps(given: &Given<Span>, step: Span, sink: &Sink) -> Option<u32> {
    from_least(given, step, Span { milliseconds: 0 }, sink)
}

fn from_least(given: &Given<Span>, step: Span, least: Span, sink: &Sink) -> Option<u32> {
    let steps = given.value.steps(step).map(bounded);
    if steps.is_none() {
        sink.push(Refusal::off_grid(given, step, least));
    }
    steps
}

/// Usual steps that divide an interval and, where it is known, the horizon, in words.
pub fn steps_that_divide(interval: Span, horizon: Option<Span>) -> String {
    let fits = |step: &Span| {
        interval.steps(*step).is_some()
            && horizon.is_none_or(|horizon| horizon.steps(*step).is_some())
    };
    let list: Vec<String> = usual_steps()
        .filter(fits)
        .map(|step| step.to_string())
        .collect();
    if list.is_empty() {
        "1ms".to_owned()
    } else {
        list.join(", ")
    }
}

/// A number of steps as the engine counts them. Beyond the horizon all are alike; two of them can still be added.
pub fn bounded(steps: u64) -> u32 {
    u32::try_from(steps).map_or(NEVER, |steps| steps.min(NEVER))
}

/// Resolves `[simulation]`; without a grid nothing else can be checked.
pub fn simulation(
    title: Option<&Given<String>>,
    simulation: &Simulation,
    sink: &Sink,
) -> Option<(Grid, SimulationPlan)> {
    let Simulation {
        horizon,
        step,
        start,
        paths,
        seed,
        repair_correlations,
        crossing,
    } = simulation;
    let steps = steps_in_horizon(horizon.value, step, sink)?;
    let grid = Grid {
        step: step.clone(),
        horizon: horizon.value,
        start: start.clone(),
        repair_correlations: repair_correlations
            .as_ref()
            .is_some_and(|given| given.value),
    };
    let crossing = match crossing
        .as_ref()
        .map_or(CrossingChoice::Bridge, |given| given.value)
    {
        CrossingChoice::Bridge => Crossing::Bridge,
        CrossingChoice::Endpoints => Crossing::Endpoints,
    };
    let plan = SimulationPlan {
        title: title.map_or_else(
            || "untitled scenario".to_owned(),
            |given| given.value.clone(),
        ),
        horizon_days: horizon.value.days(),
        step_days: step.value.days(),
        steps,
        paths: paths.value,
        seed: seed.as_ref().map_or(1, |given| given.value),
        crossing,
    };
    Some((grid, plan))
}

/// The number of steps in the horizon; `None` where a problem was noted.
pub fn steps_in_horizon(horizon: Span, step: &Given<Span>, sink: &Sink) -> Option<u32> {
    let Some(steps) = horizon.steps(step.value) else {
        sink.push(does_not_divide(step, horizon));
        return None;
    };
    let bounded = u32::try_from(steps).ok().filter(|_| steps <= MOST_STEPS);
    if bounded.is_none() {
        sink.push(Refusal::does_not_fit(
            step,
            format!("at most 10,000,000 steps in the horizon of {horizon}"),
            format!("these would be {steps} steps"),
        ));
    }
    bounded
}

fn does_not_divide(step: &Given<Span>, horizon: Span) -> Problem {
    let divides = |candidate: &Span| horizon.steps(*candidate).is_some();
    let below = usual_steps()
        .filter(divides)
        .rfind(|candidate| *candidate < step.value);
    let above = usual_steps()
        .chain([horizon])
        .filter(divides)
        .find(|candidate| *candidate > step.value);
    let near: Vec<String> = below
        .iter()
        .chain(above.iter())
        .map(Span::to_string)
        .collect();
    let near = if near.is_empty() {
        horizon.to_string()
    } else {
        near.join(" or ")
    };
    let allowed = format!("a step that divides the horizon of {horizon}, such as {near}");
    Refusal::does_not_fit(step, allowed, "the horizon is a whole number of steps")
}

fn usual_steps() -> impl DoubleEndedIterator<Item = Span> {
    USUAL_STEPS_MINUTES.iter().map(|minutes| Span {
        milliseconds: minutes * 60_000,
    })
}

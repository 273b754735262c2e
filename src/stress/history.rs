//! Historical episodes on a plan: at the start of the hedge, and at the moment that is worst for it.

use std::sync::atomic::AtomicBool;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play;
use crate::outcome::column::Column;
use crate::plan::types::{Plan, StressPlan};
use crate::stress::coins::CoinMap;
use crate::stress::course::Course;
use crate::stress::episode::Episode;
use crate::stress::moments::Moment;
use crate::stress::outcome::{StressOutcome, cash_needed_usd};

/// A log move of a step from which on an episode counts as moving prices, for its costs.
const MOVING_LOG: f64 = 1e-9;

/// What an episode has done to a plan.
#[derive(Debug, Clone)]
pub struct EpisodeResult {
    /// The episode.
    pub episode: &'static Episode,
    /// The coin whose moves each asset took, by asset.
    pub coins: Vec<String>,
    /// Assets that took bitcoin's moves because the episode does not know theirs.
    pub strangers: Vec<String>,
    /// Begun at time 0.
    pub at_start: StressOutcome,
    /// Begun at the moment at which the hedged P&L is the least.
    pub at_worst: StressOutcome,
    /// That moment; the first of equals.
    pub worst: Moment,
    /// Number of moments at which it was tried.
    pub moments: usize,
    /// At how many of them an account is liquidated.
    pub liquidating_moments: usize,
    /// The most cash that it needs at any of them, at step ends, USD.
    pub most_cash_needed_usd: f64,
}

/// Plays an episode at all moments.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub fn play_episode(
    plan: &Plan,
    episode: &'static Episode,
    map: &CoinMap,
    moments: &[Moment],
    stop: &AtomicBool,
) -> Result<EpisodeResult, SimulationError> {
    let (coins, strangers) = map.coins(episode);
    let course = Course::new(episode, &coins);
    let plan = with_costs(plan, episode.cost_factor.value);
    let script = |index: usize| course.script(&plan, &moments[index]);
    let table = play(&plan, moments.len(), &script, stop)?;
    let worst = table
        .values(Column::HedgedPnl)
        .enumerate()
        .min_by(|(i, a), (j, b)| a.total_cmp(b).then(i.cmp(j)))
        .map_or(0, |(index, _)| index);
    let liquidated = table.values(Column::Liquidations).filter(|n| *n > 0.0);
    let required_usd = table.values(Column::RequiredCollateral).fold(0.0, f64::max);
    let outcome = |index: usize| {
        let mut outcome = StressOutcome::of(&table, index, &plan);
        let inside_usd = needed_inside_usd(&plan, &course, &moments[index], stop)?;
        outcome.cash_needed_usd = outcome.cash_needed_usd.max(inside_usd);
        Ok(outcome)
    };
    Ok(EpisodeResult {
        episode,
        at_start: outcome(0)?,
        at_worst: outcome(worst)?,
        worst: moments[worst],
        moments: moments.len(),
        liquidating_moments: liquidated.count(),
        most_cash_needed_usd: cash_needed_usd(required_usd, &plan),
        coins: coins.iter().map(|&coin| coin.to_owned()).collect(),
        strangers: strangers.iter().map(|&name| name.to_owned()).collect(),
    })
}

/// Cash that the extremes inside coarse steps would have needed, USD.
fn needed_inside_usd(
    plan: &Plan,
    course: &Course,
    moment: &Moment,
    stop: &AtomicBool,
) -> Result<f64, SimulationError> {
    let Some(scripts) = course.extremes(plan, moment) else {
        return Ok(0.0);
    };
    let table = play(plan, scripts.len(), &|index| scripts[index].clone(), stop)?;
    let required_usd = table.values(Column::RequiredCollateral).fold(0.0, f64::max);
    Ok(cash_needed_usd(required_usd, plan))
}

/// The plan where trades cost more while prices move; its own rule of stress stays where it is harder.
fn with_costs(plan: &Plan, cost_factor: f64) -> Plan {
    let mut plan = plan.clone();
    plan.stress = StressPlan {
        log_move: MOVING_LOG,
        multiplier: plan.stress.multiplier.max(cost_factor),
        liquidation_multiplier: plan.stress.liquidation_multiplier.max(cost_factor),
    };
    plan
}

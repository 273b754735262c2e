//! Historical episodes on a plan: at the start of the hedge, and at the moment that is worst for it.

use std::sync::atomic::AtomicBool;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play;
use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
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
    /// Begun at the moment at which it is worst for the hedge ([`worst_moment`]).
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
    let worst = worst_moment(&table, &plan);
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

/// The row that is worst for the hedge, the first of equals: one that is liquidated before any that is not, of these the one that
/// needs the most cash, then the one with the least hedged P&L.
///
/// The P&L alone would not find it: in a rally it is the least where the inventory gains the least, and a liquidated short is spared the
/// rest of the rally.
fn worst_moment(table: &OutcomeTable, plan: &Plan) -> usize {
    let at = |column: Column, row: usize| table.value(row, column as usize);
    let is_liquidated = |row: usize| at(Column::Liquidations, row) > 0.0;
    let cash_usd = |row: usize| cash_needed_usd(at(Column::RequiredCollateral, row), plan);
    let by_harm = |&a: &usize, &b: &usize| {
        is_liquidated(a)
            .cmp(&is_liquidated(b))
            .then_with(|| cash_usd(a).total_cmp(&cash_usd(b)))
            .then_with(|| at(Column::HedgedPnl, b).total_cmp(&at(Column::HedgedPnl, a)))
            .then(b.cmp(&a))
    };
    (0..table.paths()).max_by(by_harm).unwrap_or(0)
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

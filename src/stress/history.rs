//! Historical episodes on a plan: at the start of the hedge, and at the moment that is worst for it.

use std::sync::atomic::AtomicBool;

use crate::engine::run::SimulationError;
use crate::engine::scripted::{Played, play_with_shortfalls};
use crate::outcome::column::Column;
use crate::plan::types::Plan;
use crate::stress::back::{and_back, play_back};
use crate::stress::coins::CoinMap;
use crate::stress::course::Course;
use crate::stress::episode::Episode;
use crate::stress::moments::Moment;
use crate::stress::outcome::{CutOff, StressOutcome};

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
    /// Begun at the moment at which it is worst for the hedge: one that liquidates, then the most cash, then the least P&L.
    pub at_worst: StressOutcome,
    /// That moment; the first of equals.
    pub worst: Moment,
    /// Number of moments at which it was tried.
    pub moments: usize,
    /// At how many of them an account is liquidated.
    pub liquidating_moments: usize,
    /// The most cash that it needs at any of them, USD.
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
    let cost_factor = episode.cost_factor.value;
    let script = |index: usize| {
        let moment = &moments[index];
        let mut script = course.script(plan, moment);
        course.make_dear(plan, moment, cost_factor, &mut script);
        script
    };
    let mut played = play_with_shortfalls(plan, moments.len(), &script, stop)?;
    let worst = worst_moment(&played);
    for index in [0, worst] {
        add_extremes(
            plan,
            &course,
            &moments[index],
            &mut played.shortfalls_usd[index],
            stop,
        )?;
    }
    let told = [0, worst];
    let mut outcomes = told.map(|index| {
        let mut outcome = StressOutcome::of(&played, index, plan);
        let start_days = moments[index].step as f64 * plan.simulation.step_days;
        outcome.cut_off = CutOff::of(plan, start_days, course.days());
        outcome
    });
    let back = |row: usize| {
        let moment = &moments[told[row]];
        let end_step = course.end_step(plan, moment)?;
        and_back(plan, script(told[row]), moment.step, end_step)
    };
    play_back(plan, &mut outcomes, &back, stop)?;
    let table = &played.table;
    let liquidated = table.values(Column::Liquidations).filter(|n| *n > 0.0);
    let [at_start, at_worst] = outcomes;
    Ok(EpisodeResult {
        episode,
        at_start,
        at_worst,
        worst: moments[worst],
        moments: moments.len(),
        liquidating_moments: liquidated.count(),
        most_cash_needed_usd: (0..moments.len())
            .map(|row| cash_usd(&played, row))
            .fold(0.0, f64::max),
        coins: coins.iter().map(|&coin| coin.to_owned()).collect(),
        strangers: strangers.iter().map(|&name| name.to_owned()).collect(),
    })
}

/// What all accounts of a row lacked, each at its worst moment, USD.
fn cash_usd(played: &Played, row: usize) -> f64 {
    played.shortfalls_usd[row].iter().sum()
}

/// The row that is worst for the hedge, the first of equals: one that is liquidated before any that is not, of these the one that
/// needs the most cash, then the one with the least hedged P&L.
///
/// The P&L alone would not find it: in a rally it is the least where the inventory gains the least, and a liquidated short is spared the
/// rest of the rally.
fn worst_moment(played: &Played) -> usize {
    let table = &played.table;
    let at = |column: Column, row: usize| table.value(row, column as usize);
    let is_liquidated = |row: usize| at(Column::Liquidations, row) > 0.0;
    let by_harm = |&a: &usize, &b: &usize| {
        is_liquidated(a)
            .cmp(&is_liquidated(b))
            .then_with(|| cash_usd(played, a).total_cmp(&cash_usd(played, b)))
            .then_with(|| at(Column::HedgedPnl, b).total_cmp(&at(Column::HedgedPnl, a)))
            .then(b.cmp(&a))
    };
    (0..table.paths()).max_by(by_harm).unwrap_or(0)
}

/// Adds what each account lacks at the extremes inside coarse steps.
fn add_extremes(
    plan: &Plan,
    course: &Course,
    moment: &Moment,
    lacked_usd: &mut [f64],
    stop: &AtomicBool,
) -> Result<(), SimulationError> {
    let Some(scripts) = course.extremes(plan, moment) else {
        return Ok(());
    };
    let script = |index: usize| scripts[index].clone();
    let played = play_with_shortfalls(plan, scripts.len(), &script, stop)?;
    for found_usd in &played.shortfalls_usd {
        for (most_usd, usd) in lacked_usd.iter_mut().zip(found_usd) {
            *most_usd = most_usd.max(*usd);
        }
    }
    Ok(())
}

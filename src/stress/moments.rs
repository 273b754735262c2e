//! When an episode meets the hedge: at its start, on any of its days, or when a drift has brought it to just short of its margin call.

use std::sync::atomic::AtomicBool;

use serde::Serialize;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play;
use crate::market::script::Script;
use crate::outcome::column::Column;
use crate::plan::types::{AccountPlan, Plan};

/// The most days on which an episode is tried; of a longer horizon as many, spread evenly.
const MOST_DAYS: usize = 120;

/// The farthest drift before an episode, a log return: a price that has tripled, as Dogecoin's did in nine days of November 2024.
const FARTHEST_DRIFT: f64 = 1.098_612_288_668_11;

/// Drifts that are tried side by side.
const DRIFTS: usize = 16;

/// Rounds of the search for the farthest drift, each of which narrows it to one of [`DRIFTS`] parts.
const ROUNDS: usize = 3;

/// A moment of the hedge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Moment {
    /// The step at whose end the episode begins; 0: the start of the hedge.
    pub step: usize,
    /// Log return of all spots until then, in a straight line.
    pub drift_log: f64,
}

impl Moment {
    /// The start of the hedge.
    pub const START: Self = Self {
        step: 0,
        drift_log: 0.0,
    };

    /// Prices up to the moment, and standing still from then on.
    pub fn approach(&self, plan: &Plan) -> Script {
        let mut script = Script::still(plan);
        if self.drift_log != 0.0 {
            for spots in &mut script.spot_usd {
                let initial_usd = spots[0];
                for (step, spot_usd) in spots.iter_mut().enumerate().skip(1) {
                    let share = step.min(self.step) as f64 / self.step as f64;
                    *spot_usd = initial_usd * (share * self.drift_log).exp();
                }
            }
        }
        script
    }
}

/// All moments at which an episode is tried: each day with prices that have stood still, and each day after the farthest drift, up and
/// down, of all prices together after which nothing is called and nothing liquidated while prices stand still again. Margin is then at its
/// thinnest, and no transfer is under way. Without margin calls there is no such drift.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub fn moments(plan: &Plan, stop: &AtomicBool) -> Result<Vec<Moment>, SimulationError> {
    let starts = starts(plan);
    let mut moments: Vec<Moment> = starts
        .iter()
        .map(|&step| Moment {
            step,
            drift_log: 0.0,
        })
        .collect();
    let is_called = |account: &AccountPlan| account.margin_call.is_some();
    let is_hedged = plan.hedges.iter().any(|hedge| !hedge.is_absent());
    if is_hedged && plan.accounts.iter().any(is_called) {
        let mut searched: Vec<Search> = starts
            .iter()
            .skip(1)
            .flat_map(|&step| [1.0, -1.0].map(|sign| Search::new(step, sign)))
            .collect();
        for _ in 0..ROUNDS {
            narrow(plan, &mut searched, stop)?;
        }
        moments.extend(searched.iter().filter_map(Search::found));
    }
    Ok(moments)
}

/// Steps at whose ends an episode may begin.
fn starts(plan: &Plan) -> Vec<usize> {
    let steps = plan.simulation.steps as usize;
    let step_days = plan.simulation.step_days;
    let mut starts: Vec<usize> = (0..steps)
        .filter(|&step| {
            // The first step end of each day.
            let day = |step: usize| (step as f64 * step_days + 1e-9).floor();
            step == 0 || day(step) > day(step - 1)
        })
        .collect();
    if starts.len() > MOST_DAYS {
        let last = starts.len() - 1;
        let spread = (0..MOST_DAYS).map(|i| starts[i * last / (MOST_DAYS - 1)]);
        starts = spread.collect();
    }
    starts
}

/// The search for one drift: it is known to be quiet up to `quiet`, and not at `loud`.
struct Search {
    step: usize,
    sign: f64,
    quiet: f64,
    loud: f64,
    is_over: bool,
}

impl Search {
    fn new(step: usize, sign: f64) -> Self {
        Self {
            step,
            sign,
            quiet: 0.0,
            loud: FARTHEST_DRIFT,
            is_over: false,
        }
    }

    /// The drift of a try, from the quiet end to the loud one.
    fn tried(&self, index: usize) -> Moment {
        let share = index as f64 / DRIFTS as f64;
        Moment {
            step: self.step,
            drift_log: self.sign * (self.quiet + (self.loud - self.quiet) * share),
        }
    }

    fn found(&self) -> Option<Moment> {
        let is_any = !self.is_over && self.quiet > 0.0;
        is_any.then(|| self.tried(0))
    }
}

/// One round of all searches.
fn narrow(plan: &Plan, searched: &mut [Search], stop: &AtomicBool) -> Result<(), SimulationError> {
    let tries = DRIFTS + 1;
    let moment = |index: usize| searched[index / tries].tried(index % tries);
    let count = searched.len() * tries;
    let script = |index: usize| moment(index).approach(plan);
    let table = play(plan, count, &script, stop)?;
    let is_loud: Vec<bool> = table
        .values(Column::MarginCalls)
        .zip(table.values(Column::Liquidations))
        .map(|(calls, liquidations)| calls + liquidations > 0.0)
        .collect();
    for (search, is_loud) in searched.iter_mut().zip(is_loud.chunks(tries)) {
        match is_loud.iter().position(|loud| *loud) {
            // Called where prices stand still, or never: there is nothing to drift to.
            Some(0) | None => search.is_over = true,
            Some(first) => {
                let at = |index: usize| search.tried(index).drift_log.abs();
                (search.quiet, search.loud) = (at(first - 1), at(first));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::hedge::glance::glance;

    #[test]
    fn a_drift_ends_just_short_of_the_call() {
        let plan = eth_treasury();
        let moments = moments(&plan, &AtomicBool::new(false)).unwrap();
        let still = moments.iter().filter(|m| m.drift_log == 0.0).count();
        assert_eq!(still, 90);
        // A short is called when prices rise, never when they fall.
        let drifted: Vec<&Moment> = moments.iter().filter(|m| m.drift_log != 0.0).collect();
        assert_eq!(drifted.len(), 89);
        let call = glance(&plan)[0].margin_call_price_usd.unwrap() / glance(&plan)[0].mark_usd;
        for moment in &drifted {
            // A part of the search is 0.03 %; funding received on the way, at most 2.5 % of the price, lets it rise farther.
            let over = moment.drift_log.exp() / call - 1.0;
            assert!((-3e-4..0.025).contains(&over), "{moment:?} {over}");
        }
        assert!((drifted[0].drift_log.exp() / call - 1.0).abs() < 1e-3);
    }

    #[test]
    fn without_calls_or_a_hedge_prices_only_stand_still() {
        let mut plan = eth_treasury();
        plan.hedges[0].hedge_ratio = 0.0;
        let stop = AtomicBool::new(false);
        assert_eq!(moments(&plan, &stop).unwrap().len(), 90);
        let mut plan = eth_treasury();
        plan.accounts[0].margin_call = None;
        plan.simulation.step_days = 1.0;
        assert_eq!(moments(&plan, &stop).unwrap().len(), MOST_DAYS);
    }
}

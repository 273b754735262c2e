//! The course of an episode in time, and the scripts that play it on the steps of a plan.

use crate::market::script::{Script, ScriptedJump};
use crate::plan::types::{ContractKind, DAYS_PER_YEAR, Plan};
use crate::stress::episode::{Episode, Leg};
use crate::stress::moments::Moment;

/// Hours in a day.
const HOURS_PER_DAY: f64 = 24.0;

/// Time within which a basis widens to what is recorded, and fades again; an assumption of the same kind as the recorded windows.
const BASIS_HOURS: f64 = 24.0;

/// A move of `ln(F/S)` changes the carry of a future that expires sooner than this as if it had so long to go, years: at its very end no
/// dislocation moves it.
const SHORTEST_TENOR_YEARS: f64 = 30.0 / DAYS_PER_YEAR;

/// Two moments closer than this, in hours, are one.
const SAME_HOURS: f64 = 1e-6;

/// An extreme inside a step must pass both ends of it by this to be one, in logarithms.
const SAME_LOG: f64 = 1e-12;

/// An episode as the assets and contracts of a plan live it.
#[derive(Debug, Clone)]
pub struct Course {
    /// By asset: moments in hours from the start, and the log price against it, straight in between.
    logs: Vec<Vec<(f64, f64)>>,
    /// Ends of the legs.
    ends: Vec<LegEnd>,
}

/// How a leg ends.
#[derive(Debug, Clone)]
struct LegEnd {
    start_hours: f64,
    end_hours: f64,
    /// By asset.
    basis: Vec<f64>,
    carry_annual: Option<f64>,
    funding_per_8h: Option<f64>,
}

impl LegEnd {
    fn new(leg: &Leg, coins: &[&str], start_hours: f64) -> Self {
        Self {
            start_hours,
            end_hours: start_hours + leg.hours,
            basis: coins.iter().map(|coin| leg.basis_of(coin)).collect(),
            carry_annual: leg.carry_annual.as_ref().map(|carry| carry.value),
            funding_per_8h: leg.funding_per_8h.as_ref().map(|rate| rate.value),
        }
    }

    /// How much of what the leg's end has there is at a moment: it grows over its last day, and fades over the day after it.
    fn share(&self, hours: f64) -> f64 {
        let growing = BASIS_HOURS.min(self.end_hours - self.start_hours);
        let away = hours - self.end_hours;
        let width = if away < 0.0 { growing } else { BASIS_HOURS };
        (1.0 - away.abs() / width).max(0.0)
    }
}

impl Course {
    /// The course of an episode; `coins` has the coin whose moves each asset takes.
    pub fn new(episode: &Episode, coins: &[&str]) -> Self {
        let mut start_hours = 0.0;
        let mut ends = Vec::new();
        for leg in &episode.legs {
            ends.push(LegEnd::new(leg, coins, start_hours));
            start_hours += leg.hours;
        }
        let logs = coins.iter().map(|coin| {
            let mut knots = vec![(0.0, 0.0)];
            for (leg, end) in episode.legs.iter().zip(&ends) {
                let so_far = knots.last().map_or(0.0, |&(_, log)| log);
                let own = leg.knots(coin);
                knots.extend(
                    own.iter()
                        .skip(1)
                        .map(|(h, log)| (end.start_hours + h, so_far + log)),
                );
            }
            knots
        });
        Self {
            logs: logs.collect(),
            ends,
        }
    }

    /// Log price of an asset against the start; what it ended with stays.
    pub fn log_move(&self, asset: usize, hours: f64) -> f64 {
        let knots = &self.logs[asset];
        let after = knots.partition_point(|(moment, _)| *moment <= hours);
        let Some(&(from, low)) = after.checked_sub(1).and_then(|before| knots.get(before)) else {
            return 0.0;
        };
        knots.get(after).map_or(low, |&(to, high)| {
            low + (high - low) * (hours - from) / (to - from)
        })
    }

    /// `ln(F/S)` of an asset's perpetuals beside the usual one.
    pub fn basis(&self, asset: usize, hours: f64) -> f64 {
        let ends = self.ends.iter();
        ends.map(|end| end.basis[asset] * end.share(hours)).sum()
    }

    /// Change of the carry of a dated future that has `tenor_years` to go, per year: what is recorded, or what the perpetuals' basis makes.
    fn carry(&self, asset: usize, hours: f64, tenor_years: f64) -> f64 {
        let ends = self.ends.iter();
        ends.map(|end| {
            let by_basis = end.basis[asset] / tenor_years.max(SHORTEST_TENOR_YEARS);
            end.carry_annual.unwrap_or(by_basis) * end.share(hours)
        })
        .sum()
    }

    /// The funding rate that is recorded for a moment: that of the leg whose end is the nearest within a day.
    fn funding_per_8h(&self, hours: f64) -> Option<f64> {
        let away = |end: &LegEnd| (hours - end.end_hours).abs();
        let near = self.ends.iter().filter(|end| away(end) <= BASIS_HOURS);
        near.min_by(|a, b| away(a).total_cmp(&away(b)))?
            .funding_per_8h
    }

    /// The script of the episode from a moment of the hedge on.
    ///
    /// Until then prices stand still, or drift with one log return for all assets together. Inside a step the price goes straight, unless it
    /// passes an extreme there: then it jumps from turn to turn, so that the extreme is seen. A basis that peaks inside a step stands at its
    /// end as it was at the peak.
    pub fn script(&self, plan: &Plan, moment: &Moment) -> Script {
        let grid = Grid::new(plan, moment);
        let mut script = moment.approach(plan);
        for (asset, spots) in script.spot_usd.iter_mut().enumerate() {
            let from_usd = spots[moment.step];
            for (step, spot_usd) in spots.iter_mut().enumerate().skip(moment.step + 1) {
                let (start, end) = grid.hours(step);
                *spot_usd = from_usd * self.log_move(asset, end).exp();
                let Some(turns) = self.turns(asset, start, end) else {
                    continue;
                };
                let mut before = self.log_move(asset, start);
                for (hours, log) in turns.into_iter().chain([(end, self.log_move(asset, end))]) {
                    script.jumps.push(ScriptedJump {
                        step,
                        asset,
                        time_frac: ((hours - start) / (end - start)).min(1.0),
                        log_size: log - before,
                    });
                    before = log;
                }
            }
        }
        for (c, contract) in plan.market.contracts.iter().enumerate() {
            for step in moment.step + 1..=grid.steps {
                let (start, end) = grid.hours(step);
                let years = step as f64 * plan.simulation.step_years();
                let asset = contract.underlying;
                script.shift[c][step] = match &contract.kind {
                    ContractKind::Perpetual { .. } => {
                        self.peak(start, end, |h| self.basis(asset, h))
                    }
                    ContractKind::Dated(dated) => {
                        let expiry = dated.expiry_at(years).map_or(0.0, |expiry| expiry.years);
                        self.peak(start, end, |h| self.carry(asset, h, expiry - years))
                    }
                    ContractKind::Option(_) => 0.0,
                };
                if let Some(rate) = self.funding_per_8h(end) {
                    script.funding_per_8h[c][step] = rate;
                }
            }
        }
        script
    }

    /// How long it takes from its start to its last leg's end, days.
    pub fn days(&self) -> f64 {
        self.over_hours() / HOURS_PER_DAY
    }

    fn over_hours(&self) -> f64 {
        self.ends.last().map_or(0.0, |leg| leg.end_hours)
    }

    /// The step at whose end the episode is over, if the horizon does not cut it off.
    pub fn end_step(&self, plan: &Plan, moment: &Moment) -> Option<usize> {
        let over_hours = self.over_hours();
        let grid = Grid::new(plan, moment);
        (moment.step + 1..=grid.steps).find(|&step| grid.hours(step).1 >= over_hours - SAME_HOURS)
    }

    /// Makes trades dearer by a factor in a script's steps in which the episode is under way; before it and after it they cost what they do.
    pub fn make_dear(&self, plan: &Plan, moment: &Moment, cost_factor: f64, script: &mut Script) {
        let last = self.end_step(plan, moment);
        let last = last.unwrap_or(plan.simulation.steps as usize);
        script.cost_factor[moment.step + 1..=last].fill(cost_factor);
    }

    /// The two scripts in which every step ends at the highest, or lowest, price that was passed inside it; `None` where no step hides one.
    ///
    /// What collateral they need at step ends is what the episode needs inside its steps.
    pub fn extremes(&self, plan: &Plan, moment: &Moment) -> Option<[Script; 2]> {
        let grid = Grid::new(plan, moment);
        let told = self.script(plan, moment);
        if told.jumps.is_empty() {
            return None;
        }
        let both = [f64::max, f64::min].map(|further: fn(f64, f64) -> f64| {
            let mut script = told.clone();
            script.jumps.clear();
            for (asset, spots) in script.spot_usd.iter_mut().enumerate() {
                let from_usd = spots[moment.step];
                for (step, spot_usd) in spots.iter_mut().enumerate().skip(moment.step + 1) {
                    let (start, end) = grid.hours(step);
                    let turns = self.turns(asset, start, end).unwrap_or_default();
                    for (_, log) in turns {
                        *spot_usd = further(*spot_usd, from_usd * log.exp());
                    }
                }
            }
            script
        });
        Some(both)
    }

    /// Turns of an asset's price strictly inside a stretch of time, if one of them passes both of its ends.
    fn turns(&self, asset: usize, start: f64, end: f64) -> Option<Vec<(f64, f64)>> {
        let is_inside =
            |&(hours, _): &(f64, f64)| hours > start + SAME_HOURS && hours < end - SAME_HOURS;
        let inner: Vec<(f64, f64)> = self.logs[asset].iter().copied().filter(is_inside).collect();
        let ends = [self.log_move(asset, start), self.log_move(asset, end)];
        let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let passes = |&(_, log): &(f64, f64)| log > high + SAME_LOG || log < low - SAME_LOG;
        inner.iter().any(passes).then_some(inner)
    }

    /// What is farthest from 0 at the end of a stretch of time or at the ends of legs inside it.
    fn peak(&self, start: f64, end: f64, value: impl Fn(f64) -> f64) -> f64 {
        let inside = self.ends.iter().map(|leg| leg.end_hours);
        let inside = inside.filter(|hours| *hours > start && *hours < end);
        inside.map(&value).fold(value(end), |farthest, other| {
            if other.abs() > farthest.abs() {
                other
            } else {
                farthest
            }
        })
    }
}

/// Steps of a plan in hours of an episode that begins at a moment.
struct Grid {
    steps: usize,
    step_hours: f64,
    start_step: usize,
}

impl Grid {
    fn new(plan: &Plan, moment: &Moment) -> Self {
        Self {
            steps: plan.simulation.steps as usize,
            step_hours: plan.simulation.step_days * HOURS_PER_DAY,
            start_step: moment.step,
        }
    }

    /// Hours of the episode at the start and the end of a step after the moment.
    fn hours(&self, step: usize) -> (f64, f64) {
        let end = (step - self.start_step) as f64 * self.step_hours;
        (end - self.step_hours, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::stress::episode::select;

    fn course(name: &str) -> Course {
        Course::new(select(&[name.to_owned()]).unwrap()[0], &["ETH"])
    }

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn the_price_is_where_the_record_has_it_and_stays_where_it_ends() {
        let course = course("2020-03");
        near(course.log_move(0, 0.0), 0.0);
        near(course.log_move(0, 28.0), 0.44_f64.ln());
        near(course.log_move(0, 27.0), (0.44_f64 / 0.744).ln());
        near(course.log_move(0, 500.0), 0.44_f64.ln());
        // Half way, in logarithms, between the last four hours and the last one.
        let half = 0.5 * ((0.44_f64 / 0.675).ln() + (0.44_f64 / 0.744).ln());
        near(course.log_move(0, 25.5), half);
        near(course.basis(0, 28.0), -0.0257);
        near(course.basis(0, 16.0), -0.01285);
        near(course.basis(0, 40.0), -0.01285);
        near(course.basis(0, 52.0), 0.0);
    }

    #[test]
    fn a_fine_grid_goes_straight_and_a_coarse_one_jumps_to_what_it_would_miss() {
        // Down by 12.9 % in three days and up again by 30.1 % in 100 hours: a trough at hour 72.
        let course = course("2023-03");
        let mut plan = eth_treasury();
        let start = Moment::START;
        let script = course.script(&plan, &start);
        assert!(script.jumps.is_empty(), "8 h steps end at hour 72");
        near(script.spot_usd[0][9] / 3_500.0, 0.871);
        near(script.spot_usd[0][270] / 3_500.0, 0.871 * 1.301);
        assert!(course.extremes(&plan, &start).is_none());
        plan.simulation.step_days = 5.0;
        plan.simulation.steps = 18;
        let script = course.script(&plan, &start);
        let [down, up] = script.jumps[..] else {
            panic!("{:?}", script.jumps);
        };
        assert_eq!((down.step, up.step), (1, 1));
        near(down.time_frac, 72.0 / 120.0);
        near(down.log_size, 0.871_f64.ln());
        near(
            up.log_size + down.log_size,
            (script.spot_usd[0][1] / 3_500.0).ln(),
        );
        near(up.time_frac, 1.0);
        let [_, low] = course.extremes(&plan, &start).unwrap();
        near(low.spot_usd[0][1] / 3_500.0, 0.871);
        assert!(low.jumps.is_empty());
    }

    #[test]
    fn an_episode_longer_than_what_is_left_is_cut_off() {
        let course = course("2022-06");
        let plan = eth_treasury();
        let late = Moment {
            step: 267,
            drift_log: 0.0,
        };
        let script = course.script(&plan, &late);
        near(script.spot_usd[0][267], 3_500.0);
        near(
            (script.spot_usd[0][270] / 3_500.0).ln(),
            course.log_move(0, 24.0),
        );
    }

    #[test]
    fn only_the_steps_of_the_episode_are_dear() {
        let plan = eth_treasury();
        let course = course("2020-03");
        let moment = Moment {
            step: 30,
            drift_log: 0.1,
        };
        let mut script = course.script(&plan, &moment);
        course.make_dear(&plan, &moment, 10.0, &mut script);
        // 28 hours are over within the fourth step of 8.
        assert_eq!(course.end_step(&plan, &moment), Some(34));
        for (step, factor) in script.cost_factor.iter().enumerate() {
            let is_dear = (31..=34).contains(&step);
            near(*factor, if is_dear { 10.0 } else { 1.0 });
        }
        let late = Moment {
            step: 268,
            drift_log: 0.0,
        };
        assert_eq!(course.end_step(&plan, &late), None);
    }

    /// The mark ends at the perpetual's recorded low, bitcoin's and ether's each at its own.
    #[test]
    fn spot_falls_to_its_low_and_the_mark_to_its_own() {
        let coins = ["BTC", "ETH", "SOL"];
        let course = Course::new(select(&["2025-10".to_owned()]).unwrap()[0], &coins);
        for (asset, start_usd, spot_usd, mark_usd) in [
            (0, 122_490.0, 102_000.0, 101_046.0),
            (1, 4_392.9, 3_435.0, 3_311.8),
        ] {
            let spot = start_usd * course.log_move(asset, 9.0).exp();
            let mark = spot * course.basis(asset, 9.0).exp();
            assert!((spot / spot_usd - 1.0).abs() < 1e-3, "{spot}");
            assert!((mark / mark_usd - 1.0).abs() < 1e-3, "{mark}");
        }
        near(course.basis(2, 9.0), 0.0);
    }

    #[test]
    fn a_basis_between_two_step_ends_is_not_missed() {
        let course = course("2020-03");
        let mut plan = eth_treasury();
        plan.simulation.step_days = 5.0;
        plan.simulation.steps = 18;
        let script = course.script(&plan, &Moment::START);
        near(script.shift[0][1], -0.0257);
        near(script.shift[0][2], 0.0);
    }
}

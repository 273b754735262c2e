//! Whether, and where, an account reaches its liquidation inside a step.

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::doubt::AccountSet;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::margin::{Prices, future_margin};
use crate::ledger::book::option_quote::{option_deviation, quote_one};
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::unit_step::{JumpMoment, UnitStep, reach};
use crate::ledger::book::walk::{Segment, prices_between};
use crate::ledger::crossing::{CrossingDraws, SEGMENTS};
use crate::ledger::event::LiquidationCause;
use crate::math::random::{Purpose, SMALLEST_UNIFORM_32, address_number};
use crate::math::scalar;
use crate::plan::types::Crossing;

impl Lane<'_> {
    /// Stage 2: liquidates every account that has reached its level.
    pub(super) fn find_crossings(&mut self, may_cross: AccountSet) {
        for a in 0..self.rules.accounts.len() {
            if !may_cross.has(a) || !self.was_open(a) || self.surely_stays_open(a) {
                continue;
            }
            if let Some(cause) = self.find_fill(a) {
                self.work.is_closed[a] = true;
                self.liquidate(a, cause, false);
            }
        }
    }

    /// How the account reaches its level, if it does; the prices of the fill are then in `work.trial`.
    pub(super) fn find_fill(&mut self, a: usize) -> Option<LiquidationCause> {
        if self.rules.crossing == Crossing::Endpoints {
            let is_reached = self.margin(a, &self.work.now).distance() <= 0.0;
            let work = &mut *self.work;
            work.trial.copy_from(&work.now);
            return is_reached.then_some(LiquidationCause::EndCheck);
        }
        match self.only_future(a) {
            Some(l) => {
                let (unit, cause) = self.reach_level(a, l)?;
                let work = &mut *self.work;
                work.trial.copy_from(&work.now);
                work.trial.unit[l] = unit;
                Some(cause)
            }
            None => self.reach_zero(a),
        }
    }

    /// The leg of an account whose only open position is a future, with no coins but its own.
    pub(super) fn only_future(&self, a: usize) -> Option<usize> {
        let account = &self.rules.accounts[a];
        let hot = &self.state.hot;
        let mut open = account
            .legs
            .iter()
            .filter(|&&l| hot.size[l][self.lane] != 0.0);
        let only = *open.next()?;
        let has_coins = account.coin.is_none()
            && account
                .slots
                .clone()
                .any(|s| hot.counted[s][self.lane] != 0.0);
        (open.next().is_none() && !self.rules.legs[only].is_option && !has_coins).then_some(only)
    }

    /// The unit that liquidates an account with one future; 0 or infinite if none does.
    pub(super) fn level(&self, a: usize, l: usize) -> f64 {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        let hot = &self.state.hot;
        level(
            contract,
            hot.cash[a][self.lane],
            hot.size[l][self.lane],
            hot.entry[l][self.lane],
        )
    }

    /// One future's step as seen from its level.
    pub(super) fn unit_step(&self, l: usize, level: f64) -> UnitStep {
        let index = self.rules.legs[l].contract;
        let contract = &self.rules.contracts[index];
        let side = self.state.hot.size[l][self.lane].signum();
        UnitStep {
            start: self.series.unit_at_start(self.tile, index, self.k)[self.lane],
            end: self.series.unit_at_end(self.tile, index, self.k)[self.lane],
            level,
            side,
            variance: contract.variances[self.step],
            orientation: if contract.is_inverse { -side } else { side },
        }
    }

    /// What decides whether one future's bridges cross.
    pub(super) fn draws(&self, l: usize) -> CrossingDraws<'_> {
        CrossingDraws {
            streams: self.streams,
            path: self.path_number(),
            step: address_number(self.step - 1),
            contract: address_number(self.rules.legs[l].contract),
        }
    }

    /// Where one future's unit reaches its level, if it does.
    fn reach_level(&mut self, a: usize, l: usize) -> Option<(f64, LiquidationCause)> {
        let step = self.unit_step(l, self.level(a, l));
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        if step.side < 0.0 && step.level <= 0.0 {
            return None;
        }
        let jumps = self.tile.lane_jumps(self.k, contract.underlying, self.lane);
        if jumps.is_empty() && step.is_clear(contract.clearances[self.step]) {
            return None;
        }
        let moments = &mut self.work.jumps;
        moments.clear();
        moments.extend(jumps.iter().map(|jump| JumpMoment {
            asset: jump.asset,
            time_frac: jump.time_frac,
            log_size: jump.log_size,
        }));
        reach(&step, &self.work.jumps, &self.draws(l))
    }

    /// Whether the distance of an account with several factors reaches zero.
    fn reach_zero(&mut self, a: usize) -> Option<LiquidationCause> {
        let at_start = self.margin(a, &self.work.start).distance();
        if at_start <= 0.0 {
            let work = &mut *self.work;
            work.trial.copy_from(&work.start);
            return Some(LiquidationCause::Beyond);
        }
        let at_end = self.margin(a, &self.work.now).distance();
        let variance = self.set_slopes(a);
        self.collect_jumps(a);
        let work = &mut *self.work;
        work.between.copy_from(&work.start);
        let (mut time, mut from, mut segment, mut done) = (0.0, at_start, 0, 0);
        while done < self.work.jumps.len() {
            let moment = self.work.jumps[done].time_frac;
            let together = self.work.jumps[done..]
                .iter()
                .take_while(|jump| jump.time_frac.to_bits() == moment.to_bits())
                .count();
            self.try_between(a, moment, done);
            let to = self.margin(a, &self.work.trial).distance();
            let elapsed = variance * (moment - time);
            let way = Segment {
                variance,
                start_frac: time,
                end_frac: moment,
                room: from,
            };
            if (to <= 0.0 || self.crosses(a, segment, from, to, elapsed)) && self.fall(a, &way) {
                return Some(LiquidationCause::Crossed);
            }
            done += together;
            self.try_between(a, moment, done);
            from = self.margin(a, &self.work.trial).distance();
            if from <= 0.0 {
                return Some(LiquidationCause::Gapped);
            }
            let work = &mut *self.work;
            work.between.copy_from(&work.trial);
            time = moment;
            segment += 1;
        }
        let left = variance * (1.0 - time);
        let work = &mut *self.work;
        work.trial.copy_from(&work.now);
        let way = Segment {
            variance,
            start_frac: time,
            end_frac: 1.0,
            room: from,
        };
        let is_reached = at_end <= 0.0 || self.crosses(a, segment, from, at_end, left);
        (is_reached && self.fall(a, &way)).then_some(LiquidationCause::Crossed)
    }

    /// Whether a Brownian bridge of the account's distance crosses zero.
    fn crosses(&self, a: usize, segment: usize, from: f64, to: f64, variance: f64) -> bool {
        if variance <= 0.0 {
            return false;
        }
        let probability = scalar::exp(-2.0 * from * to / variance);
        let number = address_number(a) * SEGMENTS + address_number(segment).min(SEGMENTS - 1);
        probability > SMALLEST_UNIFORM_32
            && self.streams.uniform_32(
                self.path_number(),
                address_number(self.step - 1),
                Purpose::AccountBridge(number),
            ) < probability
    }

    /// Jumps of what the account holds, in order of time.
    fn collect_jumps(&mut self, a: usize) {
        let account = &self.rules.accounts[a];
        self.work.jumps.clear();
        for asset in 0..self.rules.initial_spots_usd.len() {
            let jumps = self.tile.lane_jumps(self.k, asset, self.lane);
            if jumps.is_empty() {
                continue;
            }
            let hot = &self.state.hot;
            let is_held = account.legs.iter().any(|&l| {
                let contract = &self.rules.contracts[self.rules.legs[l].contract];
                contract.underlying == asset && hot.size[l][self.lane] != 0.0
            }) || account.slots.clone().any(|s| {
                account.coin.is_none()
                    && self.rules.slots[s].asset == asset
                    && hot.counted[s][self.lane] != 0.0
            });
            if is_held {
                self.work.jumps.extend(jumps.iter().map(|jump| JumpMoment {
                    asset,
                    time_frac: jump.time_frac,
                    log_size: jump.log_size,
                }));
            }
        }
        self.work
            .jumps
            .sort_by(|x, y| x.time_frac.total_cmp(&y.time_frac));
    }

    /// Slopes of the distance by the log factors at the start, and the direction in which they move when it falls; returns
    /// its variance over the step.
    fn set_slopes(&mut self, a: usize) -> f64 {
        let account = &self.rules.accounts[a];
        let step_start = &self.work.start;
        let hot = &self.state.hot;
        for (i, &l) in account.legs.iter().enumerate() {
            let size = hot.size[l][self.lane];
            let contract = &self.rules.contracts[self.rules.legs[l].contract];
            self.work.slopes[i] = if size == 0.0 {
                0.0
            } else if self.rules.legs[l].is_option {
                let [_, unit_slope, margin_slope] = self
                    .series
                    .option_margin(self.rules.legs[l].contract, self.k);
                -size * unit_slope[self.lane] - size.max(0.0) * margin_slope[self.lane]
            } else {
                future_slope(contract, size, step_start.unit[l])
            };
        }
        let legs = account.legs.len();
        if account.coin.is_none() {
            for (i, s) in account.slots.clone().enumerate() {
                self.work.slopes[legs + i] =
                    hot.counted[s][self.lane] * step_start.spot_usd[self.rules.slots[s].asset];
            }
        }
        let covariance = account.covariance(self.step);
        let n = account.factors;
        let mut variance = 0.0;
        for i in 0..n {
            let row = &covariance[i * n..][..n];
            let sum: f64 = row
                .iter()
                .zip(&self.work.slopes)
                .map(|(c, slope)| c * slope)
                .sum();
            self.work.direction[i] = sum;
            variance += sum * self.work.slopes[i];
        }
        variance
    }

    /// Sets `work.trial` to where the factors are at a moment of the step after so many of its jumps, going straight.
    fn try_between(&mut self, a: usize, time_frac: f64, jumps: usize) {
        prices_between(self.rules, self.work, a, self.step, time_frac, jumps);
    }
}

/// The unit at which an account with this cash and one future is liquidated: from below for a size above 0, from above for one
/// under 0; 0 or infinite if never.
pub(super) fn level(contract: &ContractRule, cash: f64, size: f64, entry: f64) -> f64 {
    let fee = contract.venue.trigger_fee_frac();
    let brackets = &contract.venue.brackets;
    if contract.margins_entry {
        let (maintenance, trigger_fee) = future_margin(contract, size, entry, entry);
        return (cash - maintenance - trigger_fee) / size;
    }
    if size > 0.0 {
        return contract.venue.liquidation_price_usd(cash, size);
    }
    // The margin of a notional is the largest of the brackets' lines: the level is the first that any of them meets.
    let mut notional = -cash / (1.0 - fee);
    for bracket in brackets {
        let slope = 1.0 - bracket.rate - fee;
        if slope > 0.0 {
            notional = notional.max((-cash - bracket.deduction_usd) / slope);
        }
    }
    notional.max(0.0) / -size
}

/// Slope of the distance by the log mark of a future.
pub(super) fn future_slope(contract: &ContractRule, size: f64, unit: f64) -> f64 {
    let notional = size.abs() * unit;
    let rate = if contract.margins_entry {
        0.0
    } else {
        contract.venue.bracket(notional).rate + contract.venue.trigger_fee_frac()
    };
    let by_unit = -size * unit - rate * notional;
    if contract.is_inverse {
        -by_unit
    } else {
        by_unit
    }
}

/// Sets an option's unit and margin at a spot and a moment of a step.
pub(super) fn set_option(
    rules: &BookRules,
    prices: &mut Prices,
    l: usize,
    spot_usd: f64,
    step: usize,
    time_frac: f64,
) {
    let contract = &rules.contracts[rules.legs[l].contract];
    if let Some(option) = contract.option() {
        let time = (step - 1) as f64 + time_frac;
        let deviation = option_deviation(option, time, rules.step_years);
        let quote = quote_one(option, contract.is_inverse, spot_usd, deviation);
        prices.spot_usd[contract.underlying] = spot_usd;
        prices.unit[l] = quote.unit;
        prices.option_margin[l] = quote.maintenance;
    }
}

//! Stage 2: whether an account reached liquidation between two step ends, and at which prices it is filled.

use hedgesim::engine::tape::{Jump, WithinStep};
use hedgesim::plan::types::{Crossing, SettlementCurrency};

use super::factors::{Factor, covariance};
use super::level::liquidation_level_usd;
use super::{Book, Prices, Who};

impl Book<'_> {
    /// Liquidates every account that was crossed inside the step.
    pub fn stage_2_crossing(&mut self) {
        for h in 0..self.legs.len() {
            self.legs[h].profit_to_fill = None;
        }
        for a in 0..self.accounts.len() {
            if !self.needs_margin(a, Who::Actual) {
                continue;
            }
            let fill = match self.plan.simulation.crossing {
                Crossing::Endpoints => (self.room(a, &self.end) <= 0.0).then(|| self.end.clone()),
                Crossing::Bridge => match self.single_future(a, Who::Actual) {
                    Some(h) => self.fill_of_single_future(a, h),
                    None => self.fill_of_many(a),
                },
            };
            if let Some(fill) = fill {
                self.liquidate(a, &fill);
            }
        }
    }

    /// The one future of an account that has nothing else but coins of its own currency.
    pub fn single_future(&self, a: usize, who: Who) -> Option<usize> {
        let is_usd = self.plan.accounts[a].settlement == SettlementCurrency::Usd;
        let has_coins = self.accounts[a]
            .coins
            .iter()
            .any(|coin| coin.quantity > 0.0);
        if who == Who::Actual && is_usd && has_coins {
            return None;
        }
        let open: Vec<usize> = self
            .legs_of(a)
            .into_iter()
            .filter(|&h| self.legs[h].position(who).size != 0.0)
            .collect();
        match open[..] {
            [h] if !self.is_option(h) => Some(h),
            _ => None,
        }
    }

    fn fill_of_single_future(&self, a: usize, h: usize) -> Option<Prices> {
        if self.room(a, &self.start) <= 0.0 {
            return Some(self.start.clone());
        }
        let leg = &self.legs[h];
        let c = leg.contract;
        let balance = self.accounts[a].balance;
        let level_usd = liquidation_level_usd(self.contract(h), &leg.actual, balance)?;
        let bridge = StepBridge {
            side: leg.actual.size.signum(),
            level_usd,
            start_usd: self.start.mark_usd[c],
            end_usd: self.end.mark_usd[c],
            step_variance: covariance(self.plan, self.step, Factor::Mark(c), Factor::Mark(c)),
            within: &self.tape.within[c][self.step as usize],
        };
        let fill_usd = bridge.fill_usd()?;
        let mut fill = self.end.clone();
        fill.mark_usd[c] = fill_usd;
        Some(fill)
    }
}

/// The mark inside one step: its ends, its jumps, and the random numbers between them.
struct StepBridge<'a> {
    /// +1 for a short, which is liquidated above the level; -1 for a long.
    side: f64,
    level_usd: f64,
    start_usd: f64,
    end_usd: f64,
    /// Variance of the diffusive part of `ln F` over the step.
    step_variance: f64,
    within: &'a WithinStep,
}

impl StepBridge<'_> {
    /// Distance in logs that is left to the level; at or below 0 it is reached.
    fn distance(&self, mark_usd: f64) -> f64 {
        self.side * (self.level_usd / mark_usd).ln()
    }

    /// Where the liquidation is filled, or `None` if the level was not reached.
    fn fill_usd(&self) -> Option<f64> {
        let diffusion_at_jumps = self.diffusion_at_jumps();
        let mut segment_start_usd = self.start_usd;
        let mut segment_start_frac = 0.0;
        let mut jumped = 0.0;
        for (index, jump) in self.within.jumps.iter().enumerate() {
            let segment_end_usd = self.start_usd * (diffusion_at_jumps[index] + jumped).exp();
            let length_frac = jump.time_frac - segment_start_frac;
            if self.segment_crosses(index, segment_start_usd, segment_end_usd, length_frac) {
                return Some(self.level_usd);
            }
            jumped += jump.log_size;
            let landing_usd = self.start_usd * (diffusion_at_jumps[index] + jumped).exp();
            if self.distance(landing_usd) <= 0.0 {
                return Some(landing_usd);
            }
            segment_start_usd = landing_usd;
            segment_start_frac = jump.time_frac;
        }
        let last = self.within.jumps.len();
        let left_frac = 1.0 - segment_start_frac;
        self.segment_crosses(last, segment_start_usd, self.end_usd, left_frac)
            .then_some(self.level_usd)
    }

    /// Where the diffusive part of `ln(F / F at the start)` stands at each jump, given where it ends.
    fn diffusion_at_jumps(&self) -> Vec<f64> {
        let jumps = &self.within.jumps;
        let total_jump: f64 = jumps.iter().map(|jump| jump.log_size).sum();
        let end = (self.end_usd / self.start_usd).ln() - total_jump;
        let mut anchors = Vec::new();
        let (mut time_before, mut diffusion_before) = (0.0, 0.0);
        for (jump, normal) in jumps.iter().zip(&self.within.anchor_normals) {
            let time_left = 1.0 - time_before;
            let diffusion = if time_left > 0.0 {
                let elapsed = jump.time_frac - time_before;
                let mean = diffusion_before + elapsed / time_left * (end - diffusion_before);
                let variance = self.step_variance * elapsed * (1.0 - jump.time_frac) / time_left;
                mean + variance.sqrt() * normal
            } else {
                end
            };
            anchors.push(diffusion);
            (time_before, diffusion_before) = (jump.time_frac, diffusion);
        }
        anchors
    }

    /// Whether the diffusion reaches the level in one segment, which starts before it.
    fn segment_crosses(
        &self,
        segment: usize,
        start_usd: f64,
        end_usd: f64,
        length_frac: f64,
    ) -> bool {
        if self.distance(end_usd) <= 0.0 {
            return true;
        }
        let variance = self.step_variance * length_frac;
        if variance <= 0.0 {
            return false;
        }
        let distances = self.distance(start_usd) * self.distance(end_usd);
        self.within.bridge_uniforms[segment] < (-2.0 * distances / variance).exp()
    }
}

/// How the prices of a step move through it when an account with several factors is watched.
struct StraightMove<'a> {
    start: &'a Prices,
    end: &'a Prices,
    /// Factors of the account, each once.
    factors: Vec<Factor>,
    /// Asset of each factor.
    assets: Vec<usize>,
    /// Diffusive log move of each factor over the whole step.
    diffusion: Vec<f64>,
    /// Jumps by asset.
    jumps: Vec<&'a [Jump]>,
}

impl StraightMove<'_> {
    /// Prices at a moment of the step; jumps at that very moment are in or out.
    fn prices_at(&self, time_frac: f64, with_jumps_now: bool) -> Prices {
        let mut prices = self.end.clone();
        prices.years = self.start.years + time_frac * (self.end.years - self.start.years);
        for (i, &factor) in self.factors.iter().enumerate() {
            let is_past = |jump: &&Jump| {
                jump.time_frac < time_frac || (with_jumps_now && jump.time_frac <= time_frac)
            };
            let jumped: f64 = self.jumps[self.assets[i]]
                .iter()
                .filter(is_past)
                .map(|jump| jump.log_size)
                .sum();
            let moved = (time_frac * self.diffusion[i] + jumped).exp();
            *price_of(&mut prices, factor) = start_price(self.start, factor) * moved;
        }
        prices
    }
}

fn start_price(prices: &Prices, factor: Factor) -> f64 {
    match factor {
        Factor::Spot(asset) => prices.spot_usd[asset],
        Factor::Mark(contract) => prices.mark_usd[contract],
    }
}

fn price_of(prices: &mut Prices, factor: Factor) -> &mut f64 {
    match factor {
        Factor::Spot(asset) => &mut prices.spot_usd[asset],
        Factor::Mark(contract) => &mut prices.mark_usd[contract],
    }
}

impl Book<'_> {
    /// Where an account with several factors is filled; `None` if it is not crossed.
    fn fill_of_many(&self, a: usize) -> Option<Prices> {
        let mut segment_start = self.start.clone();
        if self.room(a, &segment_start) <= 0.0 {
            return Some(segment_start);
        }
        let slopes = self.slopes(a, Who::Actual, &self.start);
        let variance = self.variance_of(&slopes);
        let moves = self.straight_move(&slopes);
        let mut times: Vec<f64> = moves
            .assets
            .iter()
            .flat_map(|&asset| moves.jumps[asset].iter().map(|jump| jump.time_frac))
            .collect();
        times.sort_by(f64::total_cmp);
        times.dedup();

        let mut time_before = 0.0;
        for (segment, &time) in times.iter().enumerate() {
            let segment_end = moves.prices_at(time, false);
            let segment_variance = variance * (time - time_before);
            if self.many_cross(a, &segment_start, &segment_end, segment_variance, segment)
                && let Some(fill) = self.fill_inside(a, &slopes, &segment_start, &segment_end)
            {
                return Some(fill);
            }
            let landing = moves.prices_at(time, true);
            if self.room(a, &landing) <= 0.0 {
                return Some(landing);
            }
            segment_start = landing;
            time_before = time;
        }
        let segment_variance = variance * (1.0 - time_before);
        if self.many_cross(a, &segment_start, &self.end, segment_variance, times.len()) {
            self.fill_inside(a, &slopes, &segment_start, &self.end)
        } else {
            None
        }
    }

    fn straight_move(&self, slopes: &[(Factor, f64)]) -> StraightMove<'_> {
        let mut factors: Vec<Factor> = slopes.iter().map(|&(factor, _)| factor).collect();
        factors.sort_unstable();
        factors.dedup();
        let jumps: Vec<&[Jump]> = self
            .tape
            .jumps
            .iter()
            .map(|steps| &steps[self.step as usize][..])
            .collect();
        let assets: Vec<usize> = factors.iter().map(|f| f.asset(self.plan)).collect();
        let diffusion = factors.iter().zip(&assets).map(|(&factor, &asset)| {
            let whole = (start_price(&self.end, factor) / start_price(&self.start, factor)).ln();
            whole - jumps[asset].iter().map(|jump| jump.log_size).sum::<f64>()
        });
        StraightMove {
            start: &self.start,
            end: &self.end,
            diffusion: diffusion.collect(),
            factors,
            assets,
            jumps,
        }
    }

    /// Whether the room reaches 0 in a segment whose start has some.
    fn many_cross(
        &self,
        a: usize,
        start: &Prices,
        end: &Prices,
        variance: f64,
        segment: usize,
    ) -> bool {
        let (room_at_start, room_at_end) = (self.room(a, start), self.room(a, end));
        if room_at_end <= 0.0 {
            return true;
        }
        variance > 0.0
            && self.draws.account_uniform(a, self.step, segment)
                < (-2.0 * room_at_start * room_at_end / variance).exp()
    }

    /// Prices at which the room is 0: from the segment's start along the most likely way down.
    fn fill_inside(
        &self,
        a: usize,
        slopes: &[(Factor, f64)],
        start: &Prices,
        end: &Prices,
    ) -> Option<Prices> {
        self.fill_on_the_likely_way(a, slopes, start)
            .or_else(|| self.fill_on_the_straight_way(a, slopes, start, end))
    }

    /// Factors move by `-z m_i`, `m_i = sum_k C_ik d_k / v`, the first `z` at which the room is gone.
    fn fill_on_the_likely_way(
        &self,
        a: usize,
        slopes: &[(Factor, f64)],
        start: &Prices,
    ) -> Option<Prices> {
        let variance = self.variance_of(slopes);
        if variance <= 0.0 {
            return None;
        }
        let mut directions: Vec<(Factor, f64)> = Vec::new();
        for &(factor, _) in slopes {
            if directions.iter().all(|&(known, _)| known != factor) {
                let along = slopes
                    .iter()
                    .map(|&(other, slope)| slope * covariance(self.plan, self.step, factor, other));
                directions.push((factor, along.sum::<f64>() / variance));
            }
        }
        let prices_at = |z: f64| {
            let mut prices = start.clone();
            for &(factor, direction) in &directions {
                *price_of(&mut prices, factor) *= (-z * direction).exp();
            }
            prices
        };
        let is_gone = |z: f64| self.room(a, &prices_at(z)) <= 0.0;
        let is_too_far = |z: f64| {
            directions
                .iter()
                .any(|&(_, direction)| (z * direction).abs() > 20.0)
        };

        let mut inside = 0.0;
        let mut beyond = self.room(a, start);
        while !is_gone(beyond) {
            inside = beyond;
            beyond *= 2.0;
            if is_too_far(beyond) {
                return None;
            }
        }
        Some(prices_at(bisect(inside, beyond, is_gone)))
    }

    /// The same on the straight way, in logs and in time, between the segment's ends; `None` where its end has room.
    fn fill_on_the_straight_way(
        &self,
        a: usize,
        slopes: &[(Factor, f64)],
        start: &Prices,
        end: &Prices,
    ) -> Option<Prices> {
        let prices_at = |share: f64| {
            let mut prices = start.clone();
            prices.years += share * (end.years - start.years);
            for &(factor, _) in slopes {
                let (from, to) = (start_price(start, factor), start_price(end, factor));
                *price_of(&mut prices, factor) = from * (to / from).powf(share);
            }
            prices
        };
        let is_gone = |share: f64| self.room(a, &prices_at(share)) <= 0.0;
        is_gone(1.0).then(|| prices_at(bisect(0.0, 1.0, is_gone)))
    }
}

/// The far end of an interval around the point where a truth begins, to 1e-15 of it.
pub fn bisect(mut before: f64, mut after: f64, is_true: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (before + after);
        if after - before <= 1e-15 * after || middle <= before || middle >= after {
            break;
        }
        if is_true(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

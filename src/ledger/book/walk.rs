//! The ways of an account's factors through a step: straight ones, and the likely one to where its distance is zero.

use crate::ledger::book::crossing::set_option;
use crate::ledger::book::lane::{Lane, Work};
use crate::ledger::book::rules::BookRules;
use crate::math::scalar;

/// How narrow a fill is bracketed, relative to the way to it.
const FILL_TOLERANCE: f64 = 1e-12;

/// A log move that no factor makes inside a step: a fill beyond it is looked for on the straight way.
const MOST_LOG_MOVE: f64 = 20.0;

/// A part of a step between two jumps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Variance of the account's distance over the whole step.
    pub(super) variance: f64,
    pub(super) start_frac: f64,
    pub(super) end_frac: f64,
    /// Distance at the segment's start.
    pub(super) room: f64,
}

/// Sets `work.trial` to the prices of account `a` at a moment of a step: the diffusive parts go straight from the step's start
/// to its end, and the first `jumps` of `work.jumps` have happened.
pub(super) fn prices_between(
    rules: &BookRules,
    work: &mut Work,
    a: usize,
    step: usize,
    time_frac: f64,
    jumps: usize,
) {
    let account = &rules.accounts[a];
    let Work {
        start,
        now,
        trial,
        jumps: moments,
        ..
    } = work;
    let jumped = |asset: usize, count: usize| -> f64 {
        moments[..count]
            .iter()
            .filter(|jump| jump.asset == asset)
            .map(|jump| jump.log_size)
            .sum()
    };
    // `sign` is -1 for a unit that is the inverse of a price.
    let between = |from: f64, to: f64, asset: usize, sign: f64| {
        let all = sign * jumped(asset, moments.len());
        let diffusive = scalar::ln(to / from) - all;
        from * scalar::exp(time_frac * diffusive + sign * jumped(asset, jumps))
    };
    trial.copy_from(start);
    for &l in &account.legs {
        let leg = &rules.legs[l];
        let contract = &rules.contracts[leg.contract];
        let asset = contract.underlying;
        if leg.is_option {
            let spot_usd = between(start.spot_usd[asset], now.spot_usd[asset], asset, 1.0);
            trial.spot_usd[asset] = spot_usd;
            set_option(rules, trial, l, spot_usd, step, time_frac);
        } else {
            let sign = if contract.is_inverse { -1.0 } else { 1.0 };
            trial.unit[l] = between(start.unit[l], now.unit[l], asset, sign);
        }
    }
    if account.coin.is_none() {
        for s in account.slots.clone() {
            let asset = rules.slots[s].asset;
            trial.spot_usd[asset] = between(start.spot_usd[asset], now.spot_usd[asset], asset, 1.0);
        }
    }
}

/// The way on which a fill is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Along the steepest fall of the distance.
    Likely,
    /// Straight to the segment's end, in logs and in time.
    Straight,
}

impl Lane<'_> {
    /// Sets `work.trial`, which holds the prices of the segment's end, to where the account's distance is zero on the way
    /// from `work.between`; whether there is such a place.
    pub(super) fn fall(&mut self, a: usize, segment: &Segment) -> bool {
        let work = &mut *self.work;
        work.until.copy_from(&work.trial);
        self.fall_likely(a, segment) || self.fall_straight(a, segment)
    }

    fn fall_likely(&mut self, a: usize, segment: &Segment) -> bool {
        if segment.variance <= 0.0 {
            return false;
        }
        let pace = self.fastest_direction(a) / segment.variance;
        let (mut near, mut far) = (0.0, segment.room);
        while !self.is_gone(a, segment, Way::Likely, far) {
            near = far;
            far *= 2.0;
            if far * pace > MOST_LOG_MOVE {
                return false;
            }
        }
        self.bracket_fill(a, segment, Way::Likely, [near, far]);
        true
    }

    fn fall_straight(&mut self, a: usize, segment: &Segment) -> bool {
        if !self.is_gone(a, segment, Way::Straight, 1.0) {
            return false;
        }
        self.bracket_fill(a, segment, Way::Straight, [0.0, 1.0]);
        true
    }

    /// Leaves `work.trial` at the far end of a narrow bracket around the fill.
    fn bracket_fill(&mut self, a: usize, segment: &Segment, way: Way, [near, far]: [f64; 2]) {
        let (mut near, mut far) = (near, far);
        while far - near > FILL_TOLERANCE * far {
            let middle = 0.5 * (near + far);
            if middle <= near || middle >= far {
                break;
            }
            if self.is_gone(a, segment, way, middle) {
                far = middle;
            } else {
                near = middle;
            }
        }
        self.move_along(a, segment, way, far);
    }

    /// Whether the distance is gone so far along a way; leaves `work.trial` there.
    fn is_gone(&mut self, a: usize, segment: &Segment, way: Way, far: f64) -> bool {
        self.move_along(a, segment, way, far);
        self.margin(a, &self.work.trial).distance() <= 0.0
    }

    /// Largest component of `work.direction` among the factors of what is open.
    fn fastest_direction(&self, a: usize) -> f64 {
        let account = &self.rules.accounts[a];
        let hot = &self.state.hot;
        let sizes = account.legs.iter().map(|&l| hot.size[l][self.lane]);
        let coins = account.slots.clone().map(|s| {
            let is_factor = account.coin.is_none();
            if is_factor {
                hot.counted[s][self.lane]
            } else {
                0.0
            }
        });
        sizes
            .chain(coins)
            .zip(&self.work.direction)
            .filter(|(held, _)| *held != 0.0)
            .fold(0.0, |most, (_, direction)| f64::max(most, direction.abs()))
    }

    /// Sets `work.trial` to `work.between` moved so far along a way.
    fn move_along(&mut self, a: usize, segment: &Segment, way: Way, far: f64) {
        let (rules, work) = (self.rules, &mut *self.work);
        let account = &rules.accounts[a];
        let (from, until, trial) = (&work.between, &work.until, &mut work.trial);
        let direction = &work.direction;
        trial.copy_from(from);
        // The log move of a factor; `sign` is -1 for a unit that is the inverse of a price.
        let log_move = |i: usize, sign: f64, start: f64, end: f64| match way {
            Way::Likely => -sign * far * direction[i] / segment.variance,
            Way::Straight => far * scalar::ln(end / start),
        };
        let time_frac = match way {
            Way::Likely => segment.start_frac,
            Way::Straight => segment.start_frac + far * (segment.end_frac - segment.start_frac),
        };
        for (i, &l) in account.legs.iter().enumerate() {
            let leg = &rules.legs[l];
            let contract = &rules.contracts[leg.contract];
            let asset = contract.underlying;
            if leg.is_option {
                let start = from.spot_usd[asset];
                let moved = log_move(i, 1.0, start, until.spot_usd[asset]);
                let spot_usd = start * scalar::exp(moved);
                set_option(rules, trial, l, spot_usd, self.step, time_frac);
            } else {
                let sign = if contract.is_inverse { -1.0 } else { 1.0 };
                let moved = log_move(i, sign, from.unit[l], until.unit[l]);
                trial.unit[l] = from.unit[l] * scalar::exp(moved);
            }
        }
        if account.coin.is_none() {
            for (i, s) in account.slots.clone().enumerate() {
                let asset = rules.slots[s].asset;
                let start = from.spot_usd[asset];
                let moved = log_move(account.legs.len() + i, 1.0, start, until.spot_usd[asset]);
                trial.spot_usd[asset] = start * scalar::exp(moved);
            }
        }
    }
}

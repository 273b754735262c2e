//! Any account's quiet step in all lanes at once: what it would be at the end, and in which lanes more may happen.

#![expect(clippy::needless_bitwise_bool, reason = "lane loops without branches")]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::book::account_rule::AccountRule;
use crate::ledger::book::quiet_leg::{Sums, add_future, add_option};
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::Series;
use crate::ledger::book::state::{Hot, rows};
use crate::ledger::calm::larger;
use crate::ledger::rules::CONTINUITY_CORRECTION;
use crate::market::tile::{LaneArray, MarketTile};
use crate::outcome::table::LANES;
use crate::plan::types::Crossing;

/// `-ln` of the smallest uniform, `2^-33`, rounded up: where `2 X0 X1 / v` is more, no bridge can cross.
const MOST_NATS: f64 = 22.9;

/// Each lane's bit.
pub(super) const LANE_BITS: [u64; LANES] = {
    let mut bits = [1; LANES];
    let mut lane = 1;
    while lane < LANES {
        bits[lane] = 2 * bits[lane - 1];
        lane += 1;
    }
    bits
};

/// The same number, but not the same for the compiler: it must not see that a store may leave what stands there already, or that
/// a loaded number may not be needed, or it makes slow masked stores and loads of them.
#[inline(always)]
pub(super) fn anew(x: f64) -> f64 {
    x + 0.0
}

/// `quiet` in a lane that is none of the eventful ones, `otherwise` elsewhere.
#[inline(always)]
pub(super) fn if_quiet(eventful: u64, lane: usize, quiet: f64, otherwise: f64) -> f64 {
    let quiet = anew(quiet);
    if eventful & LANE_BITS[lane] == 0 {
        quiet
    } else {
        otherwise
    }
}

/// Lanes in which an account may not be quiet, as bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Doubts {
    /// It may have reached its liquidation inside the step.
    pub(super) near: u64,
    /// It is liquidated at the end, or a hedger who looks acts.
    pub(super) acts: u64,
}

/// Sums over all accounts at a step's end. Shape of each: `[LANES]`.
#[derive(Debug, Clone)]
pub(super) struct Totals {
    /// What the planned legs need, USD.
    pub(super) needed_usd: LaneArray,
    /// Hedged wealth, USD.
    pub(super) wealth_usd: LaneArray,
}

/// Nothing in any lane.
pub(super) static NOTHING: LaneArray = [0.0; LANES];

/// One account in one step.
#[derive(Clone, Copy)]
pub(super) struct AccountStep<'a> {
    pub(super) rules: &'a BookRules,
    pub(super) series: &'a Series,
    pub(super) tile: &'a MarketTile,
    pub(super) ranges: &'a [LegRange],
    pub(super) a: usize,
    pub(super) k: usize,
    pub(super) step: usize,
}

impl AccountStep<'_> {
    /// Whether a hedger with a margin policy looks at its end; at the horizon nobody does.
    pub(super) fn is_looked_at(&self) -> bool {
        self.rules.is_looked_at(self.a, self.step)
    }
}

/// What a quiet step would make of an account, in its currency unless said.
#[derive(Debug, Clone)]
pub(super) struct QuietAccount {
    /// Equity at the end; infinite where nothing is open.
    pub(super) equity: LaneArray,
    /// Maintenance margin at the end.
    pub(super) maintenance: LaneArray,
    /// Collateral revaluation of a coin account.
    pub(super) revalued_usd: LaneArray,
    /// Sums over the legs; of an account with one future not used.
    pub(super) sums: Sums,
    /// Slopes of the distance by each factor; shape `[factors][LANES]`.
    slopes: Vec<LaneArray>,
    /// The same of the planned legs.
    planned_slopes: Vec<LaneArray>,
    /// Variance of the distance, and of that of the planned legs.
    variances: [LaneArray; 2],
}

impl QuietAccount {
    /// Room for one account.
    pub(super) fn new(account: &AccountRule) -> Self {
        let zero = [0.0; LANES];
        let factors = if account.is_single {
            0
        } else {
            account.factors
        };
        Self {
            equity: zero,
            maintenance: zero,
            revalued_usd: zero,
            sums: Sums::default(),
            slopes: rows(factors, 0.0),
            planned_slopes: rows(factors, 0.0),
            variances: [zero; 2],
        }
    }
}

/// Fills in what a quiet step would make of the account, and returns the lanes in which it may not be quiet.
pub(super) fn screen_any(
    step: &AccountStep<'_>,
    hot: &Hot,
    quiet: &mut QuietAccount,
    totals: &mut Totals,
) -> Doubts {
    let (a, rules) = (step.a, step.rules);
    let account = &rules.accounts[a];
    for (i, &l) in account.legs.iter().enumerate() {
        let (slopes, planned) = (&mut quiet.slopes[i], &mut quiet.planned_slopes[i]);
        if rules.legs[l].is_option {
            add_option(step, l, i == 0, hot, &mut quiet.sums, slopes, planned);
        } else {
            add_future(step, l, i == 0, hot, &mut quiet.sums, slopes, planned);
        }
    }
    if account.legs.is_empty() {
        quiet.sums = Sums::default();
    }
    // Coins in a USD account are factors of their own.
    let mut counted_usd = [0.0; LANES];
    if account.coin.is_none() {
        for (i, s) in account.slots.clone().enumerate() {
            let asset = rules.slots[s].asset;
            let start_usd = step.series.start_spot_usd(step.tile, asset, step.k);
            let end_usd = &step.tile.spot_usd[asset][step.k];
            let slope = &mut quiet.slopes[account.legs.len() + i];
            add_coins(
                &hot.counted[s],
                [start_usd, end_usd],
                &mut quiet.sums,
                &mut counted_usd,
                slope,
            );
        }
    }
    if rules.crossing == Crossing::Bridge {
        let covariance = account.covariance(step.step);
        let legs = account.legs.len();
        let [variance, planned_variance] = &mut quiet.variances;
        spread(covariance, account.factors, &quiet.slopes, variance);
        let slopes = &quiet.planned_slopes[..legs];
        spread(covariance, account.factors, slopes, planned_variance);
    }
    let end = AccountEnd {
        cash: &hot.cash[a],
        planned_cash: &hot.planned_cash[a],
        open: &hot.open[a],
        acts_below: &hot.acts_below[a],
        acts_above: &hot.acts_above[a],
        counted_usd: &counted_usd,
        coin: account.coin.map(|asset| {
            [
                &hot.beyond[a],
                step.series.start_spot_usd(step.tile, asset, step.k),
                &step.tile.spot_usd[asset][step.k],
            ]
        }),
        initial_rate_usd: rules.initial_rate_usd(a),
        is_looked_at: step.is_looked_at(),
    };
    if account.coin.is_none() {
        finish::<false>(&end, quiet, totals)
    } else {
        finish::<true>(&end, quiet, totals)
    }
}

/// What an account's end of a step depends on beside its legs. Rows are of all lanes.
struct AccountEnd<'a> {
    cash: &'a LaneArray,
    planned_cash: &'a LaneArray,
    open: &'a LaneArray,
    acts_below: &'a LaneArray,
    acts_above: &'a LaneArray,
    /// What margin counts of coins in a USD account.
    counted_usd: &'a LaneArray,
    /// Of a coin account: coins on their way, and the coin's price at both ends of the step, USD.
    coin: Option<[&'a LaneArray; 3]>,
    /// Value of its currency at time 0, USD, at which its requirement is told.
    initial_rate_usd: f64,
    /// Whether a hedger with a margin policy looks.
    is_looked_at: bool,
}

/// The account's equity and its part of the totals from the sums over its legs, and the lanes in which it may not be quiet.
/// `COIN`: it is kept in a coin.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn finish<const COIN: bool>(
    end: &AccountEnd<'_>,
    quiet: &mut QuietAccount,
    totals: &mut Totals,
) -> Doubts {
    let [beyond, start_usd, end_usd] = end.coin.unwrap_or([end.cash; 3]);
    let sums = &quiet.sums;
    let [variance, planned_variance] = &quiet.variances;
    let (mut near, mut acting) = (0, 0);
    for lane in 0..LANES {
        let (cash, trigger) = (end.cash[lane], sums.trigger[lane]);
        let own = cash - sums.owed[lane];
        let before = own + end.counted_usd[lane];
        let equity = before + sums.paid[lane];
        let maintenance = sums.maintenance[lane];
        let is_open = end.open[lane] > 0.0;
        // What is not open is in no record.
        quiet.equity[lane] = if is_open { equity } else { f64::INFINITY };
        quiet.maintenance[lane] = maintenance;
        let from = cash - sums.start_lack[lane];
        let to = before - trigger;
        let is_clear = (from > 0.0) & (to > 0.0) & (2.0 * from * to > MOST_NATS * variance[lane]);
        let is_clear_alone = cash - sums.worst_lack[lane] > 0.0;
        let may_cross = if sums.open[lane] > 1.0 {
            !is_clear
        } else {
            !is_clear_alone
        };
        let acts = end.is_looked_at
            & ((maintenance < end.acts_below[lane] * equity)
                | (maintenance >= end.acts_above[lane] * equity));
        let is_over = equity - trigger <= 0.0;
        near |= if is_open & may_cross {
            LANE_BITS[lane]
        } else {
            0
        };
        acting |= if is_open & (is_over | acts) {
            LANE_BITS[lane]
        } else {
            0
        };
        let deviation = larger(planned_variance[lane], 0.0).sqrt();
        let unshifted = CONTINUITY_CORRECTION.mul_add(deviation, sums.need[lane]);
        // One future alone, or nothing that may be liquidated.
        let asked = if sums.planned_open[lane] <= 1.0 {
            sums.shifted_need[lane]
        } else {
            unshifted
        };
        let need = asked - (end.planned_cash[lane] + sums.planned_paid[lane]);
        let value = own + sums.paid[lane];
        if COIN {
            let (beyond, rate_usd) = (beyond[lane], end_usd[lane]);
            totals.needed_usd[lane] = need.mul_add(end.initial_rate_usd, totals.needed_usd[lane]);
            totals.wealth_usd[lane] = (value + beyond).mul_add(rate_usd, totals.wealth_usd[lane]);
            let coins = (cash - sums.start_owed[lane]) + beyond;
            quiet.revalued_usd[lane] = coins * (rate_usd - start_usd[lane]);
        } else {
            totals.needed_usd[lane] += need;
            totals.wealth_usd[lane] += value;
        }
    }
    Doubts { near, acts: acting }
}

/// Coins in a USD account.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_coins(
    counted: &LaneArray,
    [start_usd, end_usd]: [&LaneArray; 2],
    sums: &mut Sums,
    counted_usd: &mut LaneArray,
    slope: &mut LaneArray,
) {
    for lane in 0..LANES {
        let start_value = counted[lane] * start_usd[lane];
        counted_usd[lane] += counted[lane] * end_usd[lane];
        sums.start_lack[lane] -= start_value;
        sums.open[lane] += if counted[lane] == 0.0 { 0.0 } else { 2.0 };
        slope[lane] = start_value;
    }
}

/// Variance of a distance with slopes by the first factors: `sum_ik d_i C_ik d_k`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn spread(covariance: &[f64], factors: usize, slopes: &[LaneArray], variance: &mut LaneArray) {
    variance.fill(0.0);
    for (i, slope) in slopes.iter().enumerate() {
        let own = covariance[i * factors + i];
        for lane in 0..LANES {
            variance[lane] = (own * slope[lane]).mul_add(slope[lane], variance[lane]);
        }
        for (k, other) in slopes[..i].iter().enumerate() {
            let shared = 2.0 * covariance[i * factors + k];
            for lane in 0..LANES {
                variance[lane] = (shared * slope[lane]).mul_add(other[lane], variance[lane]);
            }
        }
    }
}

//! Any account's quiet step in all lanes at once: what it would be at the end, and in which lanes more may happen.

#![expect(
    clippy::needless_range_loop,
    clippy::needless_bitwise_bool,
    reason = "lane loops"
)]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::book::account_rule::AccountRule;
use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::series::Series;
use crate::ledger::book::state::{Hot, rows};
use crate::ledger::calm::{MarginLine, larger, smaller};
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
        let account = &self.rules.accounts[self.a];
        account.margin_call.is_some()
            && account.is_watching(self.step)
            && self.step < self.rules.steps
    }
}

/// What a quiet step would make of an account, in its currency unless said.
#[derive(Debug, Clone)]
pub(super) struct QuietAccount {
    /// Funding received.
    pub(super) paid: LaneArray,
    /// Funding of the planned legs.
    pub(super) planned_paid: LaneArray,
    /// Equity at the end; infinite where nothing is open.
    pub(super) equity: LaneArray,
    /// Maintenance margin at the end.
    pub(super) maintenance: LaneArray,
    /// Value that is the hedger's beside coins in a USD account and the inventory.
    value: LaneArray,
    /// Collateral revaluation of a coin account.
    pub(super) revalued_usd: LaneArray,
    /// Slopes of the distance by each factor; shape `[factors][LANES]`.
    slopes: Vec<LaneArray>,
    /// The same of the planned legs.
    planned_slopes: Vec<LaneArray>,
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
            paid: zero,
            planned_paid: zero,
            equity: zero,
            maintenance: zero,
            value: zero,
            revalued_usd: zero,
            slopes: rows(factors, 0.0),
            planned_slopes: rows(factors, 0.0),
        }
    }
}

/// Sums over an account's legs.
struct Sums {
    /// Equity at the end before funding, without coins of a USD account.
    equity: LaneArray,
    maintenance: LaneArray,
    trigger: LaneArray,
    /// Value at the start, the same way.
    start_value: LaneArray,
    /// Distance at the worst units between start and end that a bridge may reach.
    tested: LaneArray,
    /// Distance at the start.
    start_distance: LaneArray,
    need: LaneArray,
    shifted_need: LaneArray,
    /// Number of open legs; an option counts for two.
    open: LaneArray,
    planned_open: LaneArray,
}

/// Maintenance margin of notionals and its rate, as the largest of the brackets' lines.
#[inline(always)]
fn margin(lines: &[MarginLine], notional: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = larger(
            notional[lane].mul_add(lines[0].rate, -lines[0].deduction_usd),
            0.0,
        );
    }
    for line in &lines[1..] {
        for lane in 0..LANES {
            let value = notional[lane].mul_add(line.rate, -line.deduction_usd);
            out[lane] = larger(value, out[lane]);
        }
    }
}

/// The same with the rate of the largest.
#[inline(always)]
fn margin_and_rate(
    lines: &[MarginLine],
    notional: &LaneArray,
    out: &mut LaneArray,
    rate: &mut LaneArray,
) {
    for lane in 0..LANES {
        out[lane] = notional[lane].mul_add(lines[0].rate, -lines[0].deduction_usd);
        rate[lane] = lines[0].rate;
    }
    for line in &lines[1..] {
        for lane in 0..LANES {
            let value = notional[lane].mul_add(line.rate, -line.deduction_usd);
            let is_more = value > out[lane];
            out[lane] = if is_more { value } else { out[lane] };
            rate[lane] = if is_more { line.rate } else { rate[lane] };
        }
    }
    for lane in 0..LANES {
        out[lane] = larger(out[lane], 0.0);
    }
}

/// Fills in what a quiet step would make of the account, and returns the lanes in which it may not be quiet.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn screen_any(
    step: &AccountStep<'_>,
    hot: &Hot,
    quiet: &mut QuietAccount,
    totals: &mut Totals,
) -> Doubts {
    let account = &step.rules.accounts[step.a];
    let (a, rules) = (step.a, step.rules);
    let zero = [0.0; LANES];
    let mut sums = Sums {
        equity: hot.cash[a],
        maintenance: zero,
        trigger: zero,
        start_value: hot.cash[a],
        tested: hot.cash[a],
        start_distance: hot.cash[a],
        need: zero,
        shifted_need: zero,
        open: zero,
        planned_open: zero,
    };
    (quiet.paid, quiet.planned_paid) = (zero, zero);
    for (i, &l) in account.legs.iter().enumerate() {
        if rules.legs[l].is_option {
            add_option(step, l, i, hot, &mut sums, quiet);
        } else {
            add_future(step, l, i, hot, &mut sums, quiet);
        }
    }
    if account.coin.is_none() {
        for lane in 0..LANES {
            quiet.value[lane] = sums.equity[lane] + quiet.paid[lane];
        }
        for (i, s) in account.slots.clone().enumerate() {
            let asset = rules.slots[s].asset;
            let start_usd = step.series.start_spot_usd(step.tile, asset, step.k);
            let end_usd = &step.tile.spot_usd[asset][step.k];
            for lane in 0..LANES {
                let counted = hot.counted[s][lane];
                sums.equity[lane] += counted * end_usd[lane];
                sums.start_distance[lane] += counted * start_usd[lane];
                // Coins are a factor of their own.
                sums.open[lane] += if counted == 0.0 { 0.0 } else { 2.0 };
                quiet.slopes[account.legs.len() + i][lane] = counted * start_usd[lane];
            }
        }
    } else if let Some(asset) = account.coin {
        let start_usd = step.series.start_spot_usd(step.tile, asset, step.k);
        let end_usd = &step.tile.spot_usd[asset][step.k];
        for lane in 0..LANES {
            let beyond = hot.beyond[a][lane];
            quiet.value[lane] = sums.equity[lane] + quiet.paid[lane] + beyond;
            quiet.revalued_usd[lane] =
                (sums.start_value[lane] + beyond) * (end_usd[lane] - start_usd[lane]);
        }
    }
    let is_bridge = rules.crossing == Crossing::Bridge;
    let covariance = account.covariance(step.step);
    let mut variance = zero;
    if is_bridge {
        spread(covariance, account.factors, &quiet.slopes, &mut variance);
    }
    let is_looked_at = step.is_looked_at();
    let (mut near, mut acting) = (0, 0);
    for lane in 0..LANES {
        let is_open = hot.open[a][lane] > 0.0;
        let before = sums.equity[lane] - sums.trigger[lane];
        let equity = sums.equity[lane] + quiet.paid[lane];
        let maintenance = sums.maintenance[lane];
        // What is not open is in no record.
        quiet.equity[lane] = if is_open { equity } else { f64::INFINITY };
        quiet.maintenance[lane] = maintenance;
        let may_cross = if !is_bridge {
            before <= 0.0
        } else {
            let start = sums.start_distance[lane];
            let is_clear = (start > 0.0)
                & (before > 0.0)
                & (2.0 * start * before > MOST_NATS * variance[lane]);
            let is_clear_alone = sums.tested[lane] > 0.0;
            !(if sums.open[lane] > 1.0 {
                is_clear
            } else {
                is_clear_alone
            })
        };
        let is_over = equity - sums.trigger[lane] <= 0.0;
        let acts = is_looked_at
            & ((maintenance < hot.acts_below[a][lane] * equity)
                | (maintenance >= hot.acts_above[a][lane] * equity));
        near |= if is_open & may_cross { LANE_BITS[lane] } else { 0 };
        acting |= if is_open & (is_over | acts) { LANE_BITS[lane] } else { 0 };
    }
    variance = zero;
    if is_bridge {
        let slopes = &quiet.planned_slopes[..account.legs.len()];
        spread(covariance, account.factors, slopes, &mut variance);
    }
    let rate_usd = account.coin.map(|asset| &step.tile.spot_usd[asset][step.k]);
    for lane in 0..LANES {
        let unshifted =
            CONTINUITY_CORRECTION.mul_add(larger(variance[lane], 0.0).sqrt(), sums.need[lane]);
        let need = if sums.planned_open[lane] <= 1.0 {
            sums.shifted_need[lane]
        } else {
            unshifted
        };
        let need = need - (hot.planned_cash[a][lane] + quiet.planned_paid[lane]);
        let rate_usd = rate_usd.map_or(1.0, |rates_usd| rates_usd[lane]);
        totals.needed_usd[lane] = need.mul_add(rate_usd, totals.needed_usd[lane]);
        let value = quiet.value[lane];
        totals.wealth_usd[lane] = value.mul_add(rate_usd, totals.wealth_usd[lane]);
    }
    Doubts { near, acts: acting }
}

/// Variance of a distance with slopes by the first factors: `sum_ik d_i C_ik d_k`.
#[inline(always)]
fn spread(covariance: &[f64], factors: usize, slopes: &[LaneArray], variance: &mut LaneArray) {
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

/// One future's part of the sums.
#[inline(always)]
fn add_future(
    step: &AccountStep<'_>,
    l: usize,
    i: usize,
    hot: &Hot,
    sums: &mut Sums,
    quiet: &mut QuietAccount,
) {
    let index = step.rules.legs[l].contract;
    let contract: &ContractRule = &step.rules.contracts[index];
    let (size, planned) = (&hot.size[l], &hot.planned[l]);
    let start = step.series.unit_at_start(step.tile, index, step.k);
    let end = step.series.unit_at_end(step.tile, index, step.k);
    let lines = step.ranges[l].lines();
    let fee = contract.venue.trigger_fee_frac();
    let is_bridge = step.rules.crossing == Crossing::Bridge;
    let shift = contract.shifts[step.step];
    let clearance = contract.clearances[step.step];
    let (up, down) = (clearance, 1.0 / clearance);
    let (shift_up, shift_down) = (shift, 1.0 / shift);
    let (mut notional, mut margined) = ([0.0; LANES], [0.0; LANES]);
    if let Some(stamp) = step.series.stamp(step.tile, index, step.k) {
        for lane in 0..LANES {
            quiet.paid[lane] = size[lane].mul_add(stamp[lane], quiet.paid[lane]);
            quiet.planned_paid[lane] = planned[lane].mul_add(stamp[lane], quiet.planned_paid[lane]);
        }
    }
    // At the end.
    for lane in 0..LANES {
        notional[lane] = size[lane].abs() * end[lane];
    }
    margined_of(contract, size, &hot.entry[l], &notional, &mut margined);
    let mut held = [0.0; LANES];
    margin(lines, &margined, &mut held);
    for lane in 0..LANES {
        let is_flat = size[lane] == 0.0;
        let maintenance = if is_flat { 0.0 } else { held[lane] };
        sums.equity[lane] -= size[lane] * end[lane];
        sums.maintenance[lane] += maintenance;
        sums.trigger[lane] += maintenance + fee * margined[lane];
        sums.start_value[lane] -= size[lane] * start[lane];
        sums.open[lane] += if is_flat { 0.0 } else { 1.0 };
    }
    // At the worst that one factor alone can reach.
    if is_bridge {
        let mut unit = [0.0; LANES];
        for lane in 0..LANES {
            let highest = larger(start[lane], end[lane]) * up;
            let lowest = smaller(start[lane], end[lane]) * down;
            unit[lane] = if size[lane] > 0.0 { highest } else { lowest };
            notional[lane] = size[lane].abs() * unit[lane];
        }
        if !contract.margins_entry {
            margin(lines, &notional, &mut held);
            margined = notional;
        }
        for lane in 0..LANES {
            let maintenance = if size[lane] == 0.0 { 0.0 } else { held[lane] };
            sums.tested[lane] -= size[lane] * unit[lane] + maintenance + fee * margined[lane];
        }
    }
    // What the plan needs, its mark moved against it.
    let mut needed = [0.0; LANES];
    let mut unit = [0.0; LANES];
    for lane in 0..LANES {
        let factor = if planned[lane] > 0.0 {
            shift_up
        } else {
            shift_down
        };
        unit[lane] = end[lane] * factor;
        notional[lane] = planned[lane].abs() * unit[lane];
    }
    margined_of(
        contract,
        planned,
        &hot.planned_entry[l],
        &notional,
        &mut margined,
    );
    margin(lines, &margined, &mut needed);
    for lane in 0..LANES {
        let maintenance = if planned[lane] == 0.0 {
            0.0
        } else {
            needed[lane]
        };
        sums.shifted_need[lane] += maintenance + fee * margined[lane] + planned[lane] * unit[lane];
    }
    add_slopes(step, l, i, hot, sums, quiet);
}

/// The notional that maintenance margin is asked of.
#[inline(always)]
fn margined_of(
    contract: &ContractRule,
    size: &LaneArray,
    entry: &LaneArray,
    notional: &LaneArray,
    out: &mut LaneArray,
) {
    if contract.margins_entry {
        for lane in 0..LANES {
            out[lane] = size[lane].abs() * entry[lane];
        }
    } else {
        *out = *notional;
    }
}

/// One future's distance and slope at the start, and those of its planned size at the end.
#[inline(always)]
fn add_slopes(
    step: &AccountStep<'_>,
    l: usize,
    i: usize,
    hot: &Hot,
    sums: &mut Sums,
    quiet: &mut QuietAccount,
) {
    let index = step.rules.legs[l].contract;
    let contract: &ContractRule = &step.rules.contracts[index];
    let lines = step.ranges[l].lines();
    let fee = contract.venue.trigger_fee_frac();
    let slope_fee = if contract.margins_entry { 0.0 } else { fee };
    let side = if contract.is_inverse { -1.0 } else { 1.0 };
    let (size, planned) = (&hot.size[l], &hot.planned[l]);
    let start = step.series.unit_at_start(step.tile, index, step.k);
    let end = step.series.unit_at_end(step.tile, index, step.k);
    let (mut notional, mut margined) = ([0.0; LANES], [0.0; LANES]);
    let mut held = [0.0; LANES];
    let mut rate = [0.0; LANES];
    for lane in 0..LANES {
        notional[lane] = size[lane].abs() * start[lane];
    }
    margined_of(contract, size, &hot.entry[l], &notional, &mut margined);
    margin_and_rate(lines, &margined, &mut held, &mut rate);
    if contract.margins_entry {
        rate = [0.0; LANES];
    }
    for lane in 0..LANES {
        let maintenance = if size[lane] == 0.0 { 0.0 } else { held[lane] };
        let value = size[lane] * start[lane];
        sums.start_distance[lane] -= value + maintenance + fee * margined[lane];
        quiet.slopes[i][lane] = -side * (value + (rate[lane] + slope_fee) * notional[lane]);
    }
    for lane in 0..LANES {
        notional[lane] = planned[lane].abs() * end[lane];
    }
    margined_of(
        contract,
        planned,
        &hot.planned_entry[l],
        &notional,
        &mut margined,
    );
    margin_and_rate(lines, &margined, &mut held, &mut rate);
    if contract.margins_entry {
        rate = [0.0; LANES];
    }
    for lane in 0..LANES {
        let is_flat = planned[lane] == 0.0;
        let maintenance = if is_flat { 0.0 } else { held[lane] };
        let value = planned[lane] * end[lane];
        sums.need[lane] += value + maintenance + fee * margined[lane];
        sums.planned_open[lane] += if is_flat { 0.0 } else { 1.0 };
        quiet.planned_slopes[i][lane] = -side * (value + (rate[lane] + slope_fee) * notional[lane]);
    }
}

/// One option's part of the sums.
#[inline(always)]
fn add_option(
    step: &AccountStep<'_>,
    l: usize,
    i: usize,
    hot: &Hot,
    sums: &mut Sums,
    quiet: &mut QuietAccount,
) {
    let index = step.rules.legs[l].contract;
    let (size, planned) = (&hot.size[l], &hot.planned[l]);
    let start = step.series.unit_at_start(step.tile, index, step.k);
    let end = step.series.unit_at_end(step.tile, index, step.k);
    let [start_margin, start_slope, start_margin_slope] = step.series.option_margin(index, step.k);
    let [end_margin, end_slope, end_margin_slope] = step.series.option_margin(index, step.k + 1);
    for lane in 0..LANES {
        let written = larger(size[lane], 0.0);
        let maintenance = written * end_margin[lane];
        sums.equity[lane] -= size[lane] * end[lane];
        sums.maintenance[lane] += maintenance;
        sums.trigger[lane] += maintenance;
        sums.start_value[lane] -= size[lane] * start[lane];
        sums.start_distance[lane] -= size[lane] * start[lane] + written * start_margin[lane];
        sums.open[lane] += if size[lane] == 0.0 { 0.0 } else { 2.0 };
        quiet.slopes[i][lane] =
            -(size[lane] * start_slope[lane] + written * start_margin_slope[lane]);
    }
    for lane in 0..LANES {
        let written = larger(planned[lane], 0.0);
        sums.need[lane] += planned[lane] * end[lane] + written * end_margin[lane];
        sums.planned_open[lane] += if planned[lane] == 0.0 { 0.0 } else { 2.0 };
        quiet.planned_slopes[i][lane] =
            -(planned[lane] * end_slope[lane] + written * end_margin_slope[lane]);
    }
}

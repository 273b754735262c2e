//! The quiet step of an account with one future and nothing else that moves, in all lanes at once.

#![expect(clippy::needless_bitwise_bool, reason = "lane loops without branches")]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::book::quiet_account::{
    AccountStep, Doubts, LANE_BITS, NOTHING, QuietAccount, Totals, if_quiet,
};
use crate::ledger::book::quiet_leg::padded;
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::state::Hot;
use crate::ledger::calm::{MarginLine, larger, smaller};
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// One future in one step. Rows are of all lanes, prices those of a unit.
struct FutureStep<'a> {
    size: &'a LaneArray,
    planned: &'a LaneArray,
    start: &'a LaneArray,
    end: &'a LaneArray,
    /// Where margin is that of the entry: entry prices of both sizes.
    entries: Option<[&'a LaneArray; 2]>,
    /// Funding of a size of 1.
    stamp: &'a LaneArray,
    cash: &'a LaneArray,
    planned_cash: &'a LaneArray,
    acts_below: &'a LaneArray,
    acts_above: &'a LaneArray,
    /// Of a coin account: coins on their way, and the coin's price at both ends of the step, USD.
    coin: Option<[&'a LaneArray; 3]>,
    /// Value of its currency at time 0, USD, at which its requirement is told.
    initial_rate_usd: f64,
    /// Factor by which a bridge may go beyond its ends.
    clearance: f64,
    /// Factor by which the plan's mark is moved against it.
    shift: f64,
    trigger_fee_frac: f64,
    /// Whether a hedger with a margin policy looks.
    is_looked_at: bool,
}

/// Maintenance margin as the largest of the lines; 0 of nothing.
#[inline(always)]
fn maintenance<const N: usize>(lines: &[MarginLine; N], notional: f64) -> f64 {
    let mut most = 0.0;
    for line in lines {
        most = larger(notional.mul_add(line.rate, -line.deduction_usd), most);
    }
    most
}

/// Fills in what a quiet step would make of the account, and returns the lanes in which it may not be quiet.
pub(super) fn screen_single(
    step: &AccountStep<'_>,
    hot: &Hot,
    quiet: &mut QuietAccount,
    totals: &mut Totals,
) -> Doubts {
    let (rules, a) = (step.rules, step.a);
    let account = &rules.accounts[a];
    let l = account.legs[0];
    let index = rules.legs[l].contract;
    let contract = &rules.contracts[index];
    let future = FutureStep {
        size: &hot.size[l],
        planned: &hot.planned[l],
        start: step.series.unit_at_start(step.tile, index, step.k),
        end: step.series.unit_at_end(step.tile, index, step.k),
        entries: contract
            .margins_entry
            .then_some([&hot.entry[l], &hot.planned_entry[l]]),
        stamp: step
            .series
            .stamp(step.tile, index, step.k)
            .unwrap_or(&NOTHING),
        cash: &hot.cash[a],
        planned_cash: &hot.planned_cash[a],
        acts_below: &hot.acts_below[a],
        acts_above: &hot.acts_above[a],
        coin: account.coin.map(|asset| {
            [
                &hot.beyond[a],
                step.series.start_spot_usd(step.tile, asset, step.k),
                &step.tile.spot_usd[asset][step.k],
            ]
        }),
        clearance: contract.clearances[step.step],
        shift: contract.shifts[step.step],
        trigger_fee_frac: contract.venue.trigger_fee_frac(),
        initial_rate_usd: rules.initial_rate_usd(a),
        is_looked_at: step.is_looked_at(),
    };
    let range = &step.ranges[l];
    match range.lines().len() {
        1 => screen::<1>(&future, range, quiet, totals),
        2 => screen::<2>(&future, range, quiet, totals),
        3 => screen::<3>(&future, range, quiet, totals),
        4 => screen::<4>(&future, range, quiet, totals),
        5..=8 => screen::<8>(&future, range, quiet, totals),
        _ => screen::<64>(&future, range, quiet, totals),
    }
}

/// [`screen_single`] with up to `N` lines; further ones repeat the last.
fn screen<const N: usize>(
    future: &FutureStep<'_>,
    range: &LegRange,
    quiet: &mut QuietAccount,
    totals: &mut Totals,
) -> Doubts {
    let lines: [MarginLine; N] = padded(range.lines());
    match (&future.entries, &future.coin) {
        // Shorts of a linear contract, and of an inverse one.
        (None, None) if range.is_upward() => {
            screen_lanes::<N, false, false, UP>(future, &lines, quiet, totals)
        }
        (None, Some(_)) if range.is_downward() => {
            screen_lanes::<N, false, true, DOWN>(future, &lines, quiet, totals)
        }
        (None, None) => screen_lanes::<N, false, false, BOTH>(future, &lines, quiet, totals),
        (None, Some(_)) => screen_lanes::<N, false, true, BOTH>(future, &lines, quiet, totals),
        (Some(_), _) => screen_lanes::<N, true, true, BOTH>(future, &lines, quiet, totals),
    }
}

/// No size is under 0: levels lie above.
const UP: u8 = 0;
/// No size is above 0.
const DOWN: u8 = 1;
/// Sizes have either sign.
const BOTH: u8 = 2;

/// `ENTRY`: margin is that of the entry; `COIN`: the account is kept in a coin; `SIDE`: [`UP`], [`DOWN`] or [`BOTH`].
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn screen_lanes<const N: usize, const ENTRY: bool, const COIN: bool, const SIDE: u8>(
    future: &FutureStep<'_>,
    lines: &[MarginLine; N],
    quiet: &mut QuietAccount,
    totals: &mut Totals,
) -> Doubts {
    let fee = future.trigger_fee_frac;
    let (up, down) = (future.clearance, 1.0 / future.clearance);
    let (shift_up, shift_down) = (future.shift, 1.0 / future.shift);
    let [entry, planned_entry] = future.entries.unwrap_or([future.end, future.end]);
    let [beyond, start_usd, end_usd] = future.coin.unwrap_or([future.end; 3]);
    // Nobody who does not look acts.
    let looks = if future.is_looked_at { 0 } else { u64::MAX };
    let (mut near, mut over, mut acts) = (0, 0, 0);
    for lane in 0..LANES {
        let (size, cash) = (future.size[lane], future.cash[lane]);
        let (start, end) = (future.start[lane], future.end[lane]);
        let held = size.abs();
        let is_open = size != 0.0;
        let margined = held * if ENTRY { entry[lane] } else { end };
        let margin = maintenance(lines, margined);
        let trigger = fee.mul_add(margined, margin);
        let equity = (cash - size * end) + size * future.stamp[lane];
        let worst = if SIDE == UP || (SIDE == BOTH && size > 0.0) {
            larger(start, end) * up
        } else {
            smaller(start, end) * down
        };
        let worst_trigger = if ENTRY {
            trigger
        } else {
            fee.mul_add(held * worst, maintenance(lines, held * worst))
        };
        let tested = cash - size * worst - worst_trigger;
        let is_beyond = (margin < future.acts_below[lane] * equity)
            | (margin >= future.acts_above[lane] * equity);
        near |= if is_open & (tested <= 0.0) {
            LANE_BITS[lane]
        } else {
            0
        };
        over |= if is_open & (equity - trigger <= 0.0) {
            LANE_BITS[lane]
        } else {
            0
        };
        acts |= if is_open & is_beyond {
            LANE_BITS[lane]
        } else {
            0
        };
        // What is not open is in no record.
        quiet.equity[lane] = if is_open { equity } else { f64::INFINITY };
        quiet.maintenance[lane] = margin;

        let planned = future.planned[lane];
        let is_up = SIDE == UP || (SIDE == BOTH && planned > 0.0);
        let moved = end * if is_up { shift_up } else { shift_down };
        let margined = planned.abs() * if ENTRY { planned_entry[lane] } else { moved };
        let asked = fee.mul_add(margined, maintenance(lines, margined));
        let made = future.planned_cash[lane] + planned * future.stamp[lane];
        let need = (asked + planned * moved) - made;
        if COIN {
            let (beyond, rate_usd) = (beyond[lane], end_usd[lane]);
            totals.needed_usd[lane] =
                need.mul_add(future.initial_rate_usd, totals.needed_usd[lane]);
            totals.wealth_usd[lane] = (equity + beyond).mul_add(rate_usd, totals.wealth_usd[lane]);
            let coins = (cash - size * start) + beyond;
            quiet.revalued_usd[lane] = coins * (rate_usd - start_usd[lane]);
        } else {
            totals.needed_usd[lane] += need;
            totals.wealth_usd[lane] += equity;
        }
    }
    Doubts {
        near,
        acts: over | (acts & !looks),
    }
}

/// Pays the stamp of a future to the accounts of the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn pay_single(
    eventful: u64,
    stamp: &LaneArray,
    sizes: [&LaneArray; 2],
    cash: &mut LaneArray,
    planned_cash: &mut LaneArray,
) {
    for lane in 0..LANES {
        let per_unit = if_quiet(eventful, lane, stamp[lane], 0.0);
        cash[lane] += sizes[0][lane] * per_unit;
        planned_cash[lane] += sizes[1][lane] * per_unit;
    }
}

//! The horizon of a block: lanes to which nothing happens in the last step but funding and the close, side by side.
//!
//! What is computed for a lane are the stages of [`Account::settle_step`](crate::ledger::account::Account::settle_step), operation
//! by operation, so that it does not matter which lanes are done here.

#![expect(
    clippy::needless_range_loop,
    reason = "a lane has its place in many arrays"
)]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::calm::{larger, smaller};
use crate::ledger::lanes::{HotLanes, Lanes};
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::{LaneArray, MarketTile};
use crate::math::bits::places_of;
use crate::outcome::table::LANES;
use crate::venue::rules::MarginBracket;

/// The most brackets that all notionals of a block are looked for in.
const MOST_BRACKETS: usize = 4;

/// The last step, and what accounts pay in it.
#[derive(Debug, Clone, Copy)]
struct LastStep<'a> {
    step: f64,
    start_usd: &'a LaneArray,
    mark_usd: &'a LaneArray,
    /// 0 unless a stamp ends the step.
    funding_rate: &'a LaneArray,
    clearance: f64,
    trigger_fee_frac: f64,
    requirement_shift: f64,
    taker_fee_frac: f64,
    slippage_frac: f64,
}

/// What the lanes come to. Shape of each array: `[LANES]`, in USD.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
struct Closing {
    /// Cash when the short is closed.
    cash_usd: LaneArray,
    planned_cash_usd: LaneArray,
    /// Funding of the step.
    paid_usd: LaneArray,
    /// Equity and maintenance margin before the close.
    equity_usd: LaneArray,
    maintenance_usd: LaneArray,
    /// What the planned short needs.
    needed_usd: LaneArray,
    /// Costs of the close.
    fee_usd: LaneArray,
    slippage_usd: LaneArray,
}

/// Closes the lanes of a block at the end of step `k` of its last tile, the brackets of all their notionals being those from `first` to
/// `last`; returns the lanes that are left as they are, as bits: the full order of events is theirs.
pub(super) fn close_lanes(
    rules: &ProgrammeRules,
    (first, last): (usize, usize),
    k: usize,
    tile: &MarketTile,
    lanes: &mut Lanes,
) -> u64 {
    const NOTHING: LaneArray = [0.0; LANES];
    if last - first >= MOST_BRACKETS {
        return u64::MAX;
    }
    let end = rules.venue.brackets.len() - 1;
    let brackets: [MarginBracket; MOST_BRACKETS] =
        std::array::from_fn(|i| rules.venue.brackets[(first + i).min(end)]);
    let contract = rules.contract;
    let step = tile.first_step + k + 1;
    let last_step = LastStep {
        step: step as f64,
        start_usd: &tile.mark_usd[contract][k],
        mark_usd: &tile.mark_usd[contract][k + 1],
        funding_rate: if tile.is_stamp[contract][k] {
            &tile.funding_rate[contract][k]
        } else {
            &NOTHING
        },
        clearance: rules.clearance,
        trigger_fee_frac: rules.venue.trigger_fee_frac(),
        requirement_shift: rules.requirement_shift,
        taker_fee_frac: rules.venue.taker_fee_frac,
        slippage_frac: rules.slippage_frac,
    };
    let jumps = tile.jumps_between(k..k + 1).iter();
    let left = jumps
        .filter(|jump| jump.asset == rules.underlying)
        .fold(0, |bits, jump| bits | 1 << jump.lane);
    let (found, closing) = weigh(&brackets, &last_step, &lanes.hot);
    let left = left | found;
    let spot_usd = &tile.spot_usd[rules.held][k];
    for lane in places_of(!left) {
        close(
            rules,
            &closing,
            lane,
            (step, spot_usd[lane]),
            lanes,
            last_step.mark_usd[lane],
        );
    }
    left
}

/// Maintenance margin of a notional in one of some brackets.
#[inline(always)]
fn maintenance_usd<const N: usize>(brackets: &[MarginBracket; N], notional_usd: f64) -> f64 {
    let (mut rate, mut deduction_usd) = (brackets[0].rate, brackets[0].deduction_usd);
    for i in 1..N {
        let is_beyond = notional_usd > brackets[i - 1].cap_usd;
        rate = if is_beyond { brackets[i].rate } else { rate };
        deduction_usd = if is_beyond {
            brackets[i].deduction_usd
        } else {
            deduction_usd
        };
    }
    notional_usd * rate - deduction_usd
}

/// What all lanes come to if nothing happens to them but the close; and the lanes, as bits, to which something may.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn weigh<const N: usize>(
    brackets: &[MarginBracket; N],
    step: &LastStep<'_>,
    hot: &HotLanes,
) -> (u64, Closing) {
    let zero = [0.0; LANES];
    let mut out = Closing {
        cash_usd: zero,
        planned_cash_usd: zero,
        paid_usd: zero,
        equity_usd: zero,
        maintenance_usd: zero,
        needed_usd: zero,
        fee_usd: zero,
        slippage_usd: zero,
    };
    // Not 0 in lanes that are left.
    let mut alarm = [0u64; LANES];
    for lane in 0..LANES {
        let (short_base, planned_base) = (hot.short_base[lane], hot.planned_short_base[lane]);
        let mark_usd = step.mark_usd[lane];
        let tested_usd = short_base * larger(step.start_usd[lane], mark_usd) * step.clearance;
        let tested_trigger_usd =
            maintenance_usd(brackets, tested_usd) + step.trigger_fee_frac * tested_usd;
        let is_far = hot.cash_usd[lane] - tested_usd > tested_trigger_usd;
        let per_unit_usd = mark_usd * step.funding_rate[lane];
        let planned_cash_usd = hot.planned_cash_usd[lane] + planned_base * per_unit_usd;
        let paid_usd = short_base * per_unit_usd;
        let cash_usd = hot.cash_usd[lane] + paid_usd;
        let notional_usd = short_base * mark_usd;
        let margin_usd = maintenance_usd(brackets, notional_usd);
        let equity_usd = cash_usd - notional_usd;
        let trigger_usd = margin_usd + step.trigger_fee_frac * notional_usd;
        let shifted_usd = planned_base * (mark_usd * step.requirement_shift);
        let fee_usd = step.taker_fee_frac * notional_usd;
        let slippage_usd = step.slippage_frac * notional_usd;
        let closed_usd = cash_usd - (notional_usd + fee_usd + slippage_usd);
        let is_over = equity_usd - trigger_usd > 0.0;
        let is_sound = smaller(equity_usd, closed_usd) > 0.0;
        let is_flat = short_base <= 0.0;
        let is_calm = is_flat || is_far && is_over && is_sound;
        let is_due = hot.due_step[lane] <= step.step;
        alarm[lane] = u64::from(!is_calm || is_due || planned_base <= 0.0);
        out.cash_usd[lane] = closed_usd;
        out.planned_cash_usd[lane] = planned_cash_usd;
        out.paid_usd[lane] = paid_usd;
        out.equity_usd[lane] = equity_usd;
        out.maintenance_usd[lane] = margin_usd;
        out.needed_usd[lane] = maintenance_usd(brackets, shifted_usd)
            + step.trigger_fee_frac * shifted_usd
            + shifted_usd
            - planned_cash_usd;
        out.fee_usd[lane] = fee_usd;
        out.slippage_usd[lane] = slippage_usd;
    }
    let bits = (0..LANES).fold(0, |bits, lane| bits | alarm[lane] << lane);
    (bits, out)
}

/// Puts one lane at the horizon, `step`, where the spot is `spot_usd`.
#[inline(always)]
fn close(
    rules: &ProgrammeRules,
    closing: &Closing,
    lane: usize,
    (step, spot_usd): (usize, f64),
    lanes: &mut Lanes,
    mark_usd: f64,
) {
    let (hot, cold) = (&mut lanes.hot, &mut lanes.cold[lane]);
    let short_base = hot.short_base[lane];
    hot.planned_cash_usd[lane] = closing.planned_cash_usd[lane];
    hot.funding_usd[lane] += closing.paid_usd[lane];
    hot.required_usd[lane] = larger(closing.needed_usd[lane], hot.required_usd[lane]);
    let sale_usd = lanes.quantity_base * spot_usd;
    cold.sales_usd += sale_usd;
    hot.outside_usd[lane] += sale_usd * (1.0 - rules.slippage_frac);
    let difference_base = hot.planned_short_base[lane] - short_base;
    cold.gap_usd += difference_base * (mark_usd - cold.gap_mark_usd);
    cold.gap_mark_usd = mark_usd;
    if short_base > 0.0 {
        let equity_usd = closing.equity_usd[lane];
        let margin_ratio = closing.maintenance_usd[lane] / equity_usd;
        hot.min_equity_usd[lane] = smaller(equity_usd, hot.min_equity_usd[lane]);
        hot.max_margin_ratio[lane] = larger(margin_ratio, hot.max_margin_ratio[lane]);
        cold.fees_usd -= closing.fee_usd[lane];
        cold.slippage_usd -= closing.slippage_usd[lane];
        hot.short_base[lane] = 0.0;
        hot.cash_usd[lane] = closing.cash_usd[lane];
    }
    hot.armed[lane] = 1.0;
    if rules.is_watching(step) {
        let interest_usd = -rules.cost_of_funds_per_step * hot.contributed_usd[lane] * step as f64;
        let wealth_usd = hot.cash_usd[lane] + hot.outside_usd[lane] + interest_usd;
        let peak_usd = larger(wealth_usd, hot.peak_wealth_usd[lane]);
        hot.peak_wealth_usd[lane] = peak_usd;
        hot.max_drawdown_usd[lane] = larger(peak_usd - wealth_usd, hot.max_drawdown_usd[lane]);
    }
}

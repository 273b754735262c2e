//! The quiet update: a whole block marked to market in branch-free lane loops, compiled for each SIMD level.

use multiversion::multiversion;

use crate::ledger::lanes::HotLanes;
use crate::ledger::rules::TINY;
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// A bracket's line: `MM(N) = N rate - deduction`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MarginLine {
    pub(crate) rate: f64,
    pub(crate) deduction_usd: f64,
}

/// What one step found on the way, by lane.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    /// Maintenance margin at the end mark, USD.
    pub(crate) maintenance_usd: LaneArray,
    /// Equity less maintenance margin and trigger fee at the end mark, before funding, USD.
    pub(crate) slack_usd: LaneArray,
    /// 1 where the lane needs more than the quiet update.
    pub(crate) flags: [u64; LANES],
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            maintenance_usd: [0.0; LANES],
            slack_usd: [0.0; LANES],
            flags: [0; LANES],
        }
    }
}

/// Maintenance margin as the largest of the lines; at most 0 for a notional of 0.
#[inline(always)]
fn maintenance<const N: usize>(lines: &[MarginLine; N], notional_usd: f64) -> f64 {
    let mut most = notional_usd.mul_add(lines[0].rate, -lines[0].deduction_usd);
    for line in &lines[1..] {
        let value = notional_usd.mul_add(line.rate, -line.deduction_usd);
        most = if value > most { value } else { most };
    }
    most
}

/// Marks every lane at the end price and flags those whose bridge could have crossed the level.
///
/// A lane is flagged where `slack(start) * slack(end) < skip_factor * cash^2`; a flat lane (all zero) never is.
/// Returns the flags as bits.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn find_candidates<const N: usize>(
    lines: &[MarginLine; N],
    trigger_fee_frac: f64,
    skip_factor: f64,
    hot: &HotLanes,
    mark_usd: &LaneArray,
    scratch: &mut Scratch,
) -> u64 {
    let mut bits = 0;
    for lane in 0..LANES {
        let notional_usd = hot.short_base[lane] * mark_usd[lane];
        let maintenance_usd = maintenance(lines, notional_usd);
        let cash_usd = hot.cash_usd[lane];
        let slack_usd = cash_usd - notional_usd - maintenance_usd - trigger_fee_frac * notional_usd;
        let flag = u64::from(slack_usd * hot.slack_usd[lane] < skip_factor * cash_usd * cash_usd);
        scratch.maintenance_usd[lane] = maintenance_usd;
        scratch.slack_usd[lane] = slack_usd;
        scratch.flags[lane] = flag;
        bits |= flag << lane;
    }
    bits
}

/// Constants of one quiet step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuietStep<'a> {
    /// The step, from 1.
    pub(crate) step: u64,
    pub(crate) mark_usd: &'a LaneArray,
    pub(crate) spot_usd: &'a LaneArray,
    pub(crate) funding_rate: &'a LaneArray,
    /// Margin ratio that calls; 0: none.
    pub(crate) call_level: f64,
    /// Margin ratio under which excess is released; 0: none.
    pub(crate) release_level: f64,
    /// Factor on the mark for the required collateral.
    pub(crate) requirement_shift: f64,
    pub(crate) quantity_base: f64,
    /// Interest to this step on a unit of net cash contributed.
    pub(crate) interest: f64,
}

/// Funding, margin watch and records of one step for all lanes that need nothing more.
///
/// Lanes flagged before, and those where a transfer, a call, a release or a liquidation is due, are left at the step's
/// start and flagged. Returns the flags as bits. `STAMP`: a funding stamp ends the step. `WATCH`: the hedger looks.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn settle_quiet<const N: usize, const STAMP: bool, const WATCH: bool>(
    lines: &[MarginLine; N],
    quiet: &QuietStep<'_>,
    hot: &mut HotLanes,
    scratch: &mut Scratch,
) -> u64 {
    let mut bits = 0;
    for lane in 0..LANES {
        let mark_usd = quiet.mark_usd[lane];
        let short_base = hot.short_base[lane];
        let planned_base = hot.planned_short_base[lane];
        let maintenance_usd = scratch.maintenance_usd[lane];
        let per_unit_usd = if STAMP {
            mark_usd * quiet.funding_rate[lane]
        } else {
            0.0
        };
        let paid_usd = short_base * per_unit_usd;
        let cash_usd = hot.cash_usd[lane] + paid_usd;
        let notional_usd = short_base * mark_usd;
        let equity_usd = cash_usd - notional_usd;
        let slack_usd = scratch.slack_usd[lane] + paid_usd;
        let planned_cash_usd = planned_base.mul_add(per_unit_usd, hot.planned_cash_usd[lane]);
        // Above 0 for an open account, 0 for a flat one: turns "<= 0" into "< guard".
        let guard = TINY * cash_usd * cash_usd;
        let mut flag = scratch.flags[lane] != 0;
        flag |= hot.due_step[lane] == quiet.step;
        flag |= slack_usd < guard;
        if WATCH {
            let below_call = quiet.call_level.mul_add(equity_usd, -maintenance_usd);
            flag |= hot.armed[lane] * below_call < guard;
            flag |= (quiet.release_level * equity_usd > maintenance_usd) & (short_base > 0.0);
        }
        scratch.flags[lane] = u64::from(flag);
        bits |= u64::from(flag) << lane;
        let keep = |before: f64, now: f64| if flag { before } else { now };
        hot.cash_usd[lane] = keep(hot.cash_usd[lane], cash_usd);
        hot.slack_usd[lane] = keep(hot.slack_usd[lane], slack_usd);
        if STAMP {
            hot.planned_cash_usd[lane] = keep(hot.planned_cash_usd[lane], planned_cash_usd);
            hot.funding_usd[lane] = keep(hot.funding_usd[lane], hot.funding_usd[lane] + paid_usd);
        }
        let seen_usd = if short_base > 0.0 {
            equity_usd
        } else {
            f64::INFINITY
        };
        let least_usd = if seen_usd < hot.min_equity_usd[lane] {
            seen_usd
        } else {
            hot.min_equity_usd[lane]
        };
        hot.min_equity_usd[lane] = keep(hot.min_equity_usd[lane], least_usd);
        let is_worse = maintenance_usd * hot.worst_equity_usd[lane]
            > hot.worst_maintenance_usd[lane] * equity_usd;
        let is_new_worst = is_worse & !flag;
        hot.worst_maintenance_usd[lane] = if is_new_worst {
            maintenance_usd
        } else {
            hot.worst_maintenance_usd[lane]
        };
        hot.worst_equity_usd[lane] = if is_new_worst {
            equity_usd
        } else {
            hot.worst_equity_usd[lane]
        };
        let shifted_usd = planned_base * (mark_usd * quiet.requirement_shift);
        let needed_usd = maintenance(lines, shifted_usd) + shifted_usd - planned_cash_usd;
        let most_usd = if needed_usd > hot.required_usd[lane] {
            needed_usd
        } else {
            hot.required_usd[lane]
        };
        hot.required_usd[lane] = keep(hot.required_usd[lane], most_usd);
        if WATCH {
            let wealth_usd = quiet
                .quantity_base
                .mul_add(quiet.spot_usd[lane], equity_usd)
                + hot.outside_usd[lane]
                - quiet.interest * hot.contributed_usd[lane];
            let before_usd = hot.peak_wealth_usd[lane];
            let peak_usd = keep(
                before_usd,
                if wealth_usd > before_usd {
                    wealth_usd
                } else {
                    before_usd
                },
            );
            let fall_usd = peak_usd - wealth_usd;
            let worst_usd = hot.max_drawdown_usd[lane];
            hot.peak_wealth_usd[lane] = peak_usd;
            hot.max_drawdown_usd[lane] = keep(
                worst_usd,
                if fall_usd > worst_usd {
                    fall_usd
                } else {
                    worst_usd
                },
            );
        }
    }
    bits
}

/// Flags lanes whose planned hedge ratio is outside a band: `|q H - h Q S| > width Q S`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn flag_outside_band(
    hot: &HotLanes,
    spot_usd: &LaneArray,
    underlying_usd: &LaneArray,
    quantity_base: f64,
    hedge_ratio: f64,
    width: f64,
    scratch: &mut Scratch,
) {
    for lane in 0..LANES {
        let exposure_usd = quantity_base * spot_usd[lane];
        let gap_usd =
            hot.planned_short_base[lane].mul_add(underlying_usd[lane], -hedge_ratio * exposure_usd);
        scratch.flags[lane] |= u64::from(gap_usd.abs() > width * exposure_usd);
    }
}

/// Lanes that a fold keeps side by side.
const ABREAST: usize = 8;

/// Smallest and largest value of some lane arrays.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn range(arrays: &[LaneArray]) -> (f64, f64) {
    let mut least = [f64::INFINITY; ABREAST];
    let mut most = [f64::NEG_INFINITY; ABREAST];
    for array in arrays {
        for values in array.chunks_exact(ABREAST) {
            for i in 0..ABREAST {
                least[i] = if values[i] < least[i] {
                    values[i]
                } else {
                    least[i]
                };
                most[i] = if values[i] > most[i] {
                    values[i]
                } else {
                    most[i]
                };
            }
        }
    }
    (
        least
            .iter()
            .fold(f64::INFINITY, |a, &b| if b < a { b } else { a }),
        most.iter()
            .fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a }),
    )
}

/// Largest value of a lane array.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn most(array: &LaneArray) -> f64 {
    let mut most = [f64::NEG_INFINITY; ABREAST];
    for values in array.chunks_exact(ABREAST) {
        for i in 0..ABREAST {
            most[i] = if values[i] > most[i] {
                values[i]
            } else {
                most[i]
            };
        }
    }
    most.iter()
        .fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

//! Several quiet steps of a short of a linear contract in all lanes at once.

#![expect(clippy::needless_bitwise_bool, reason = "lane loops without branches")]
#![expect(clippy::needless_range_loop, reason = "lane loops")]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::book::doubt::ROUNDING_FRAC;
use crate::ledger::book::quiet_account::{Doubts, LANE_BITS};
use crate::ledger::book::quiet_future::{AccountEnd, FutureSteps, maintenance};
use crate::ledger::book::quiet_leg::padded;
use crate::ledger::book::quiet_totals::Totals;
use crate::ledger::calm::{MarginLine, larger, smaller};
use crate::outcome::table::LANES;

/// What cannot happen in some steps, and need not be worked out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Whether funding is paid.
    pub(super) is_paid: bool,
    /// Whether the hedger of some lane acts at a low margin ratio.
    pub(super) acts_below: bool,
}

/// Nothing is left out.
const ALL: u8 = PAID | BELOW;
/// Funding may be paid.
const PAID: u8 = 1;
/// A low margin ratio may matter.
const BELOW: u8 = 2;

/// The usual number of steps, and of lines at most: others are rare, and nothing is left out of them.
const USUAL_STEPS: usize = 4;
const MOST_USUAL_LINES: usize = 4;

/// Works out some steps of an account with shorts of a linear contract, and returns the lanes in which they may not be quiet.
pub(super) fn walk_shorts<const K: usize, const N: usize>(
    steps: &FutureSteps<'_, K>,
    lines: &[MarginLine],
    kind: Kind,
    end: &mut AccountEnd,
    totals: &mut Totals<K>,
) -> Doubts {
    let lines: [MarginLine; N] = padded(lines);
    if K == USUAL_STEPS && N <= MOST_USUAL_LINES {
        match (kind.is_paid, kind.acts_below) {
            (false, false) => return walk_linear::<K, N, 0>(steps, &lines, end, totals),
            (false, true) => return walk_linear::<K, N, BELOW>(steps, &lines, end, totals),
            (true, false) => return walk_linear::<K, N, PAID>(steps, &lines, end, totals),
            (true, true) => {}
        }
    }
    walk_linear::<K, N, ALL>(steps, &lines, end, totals)
}

/// One lane's short of a linear contract on its way through the steps. What its kind does not need keeps its first value.
struct LinearWalk {
    size: f64,
    planned: f64,
    cash: f64,
    planned_cash: f64,
    highest: f64,
    lowest: f64,
    least_cash: f64,
    least_equity: f64,
    most_equity: f64,
    /// Equity at the highest mark.
    equity_at_highest: f64,
}

impl LinearWalk {
    /// Walks the `k`-th step.
    #[inline(always)]
    fn step<const K: usize, const N: usize, const KIND: u8>(
        &mut self,
        (lane, k): (usize, usize),
        steps: &FutureSteps<'_, K>,
        lines: &[MarginLine; N],
        totals: &mut Totals<K>,
    ) {
        let end = steps.ends[k][lane];
        let mut equity = self.cash - self.size * end;
        if KIND & PAID != 0 {
            let stamp = steps.stamps[k][lane];
            let paid = self.size * stamp;
            equity += paid;
            let is_higher = end > self.highest;
            self.highest = if is_higher { end } else { self.highest };
            self.equity_at_highest = if is_higher {
                equity
            } else {
                self.equity_at_highest
            };
            self.least_cash = smaller(self.cash, self.least_cash);
            self.least_equity = smaller(equity, self.least_equity);
            self.cash += paid;
            self.planned_cash += self.planned * stamp;
        } else {
            self.highest = larger(end, self.highest);
        }
        if KIND & BELOW != 0 {
            self.lowest = smaller(end, self.lowest);
            self.most_equity = larger(equity, self.most_equity);
        }
        let margined = self.planned * (end * steps.terms[k].shift[0]);
        let asked = steps
            .trigger_fee_frac
            .mul_add(margined, maintenance(lines, margined));
        totals.needed_usd[k][lane] += (asked + margined) - self.planned_cash;
        totals.wealth_usd[k][lane] += equity;
    }
}

/// Shorts of a linear contract. Margin and equity move against each other with the mark, so the extremes of mark and equity tell
/// whether a step may not be quiet, and mostly the worst margin ratio.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn walk_linear<const K: usize, const N: usize, const KIND: u8>(
    steps: &FutureSteps<'_, K>,
    lines: &[MarginLine; N],
    account_end: &mut AccountEnd,
    totals: &mut Totals<K>,
) -> Doubts {
    let fee = steps.trigger_fee_frac;
    let clearance = steps
        .terms
        .iter()
        .fold(1.0, |most, terms| larger(terms.clearance[0], most));
    let is_looked_at = steps.terms.iter().any(|terms| terms.is_looked_at);
    let looks = if is_looked_at { u64::MAX } else { 0 };
    // The margin is the largest of the lines: the first notional at which one of them meets equity is the level.
    let notional_per_usd: [f64; N] =
        std::array::from_fn(|i| (1.0 - ROUNDING_FRAC) / (1.0 + lines[i].rate + fee));
    let (mut near, mut over, mut beyond) = (0, 0, 0);
    for lane in 0..LANES {
        let (size, cash) = (steps.size[lane], steps.cash[lane]);
        let mut walk = LinearWalk {
            size,
            planned: steps.planned[lane],
            cash,
            planned_cash: steps.planned_cash[lane],
            highest: 0.0,
            lowest: f64::INFINITY,
            least_cash: cash,
            least_equity: f64::INFINITY,
            most_equity: f64::NEG_INFINITY,
            equity_at_highest: 0.0,
        };
        // A loop would not always be unrolled, and then not be SIMD.
        walk.step::<K, N, KIND>((lane, 0), steps, lines, totals);
        walk.step::<K, N, KIND>((lane, 1), steps, lines, totals);
        if K > 2 {
            walk.step::<K, N, KIND>((lane, 2), steps, lines, totals);
            walk.step::<K, N, KIND>((lane, 3), steps, lines, totals);
        }
        let is_open = size != 0.0;
        let margined = size * walk.highest;
        let margin = maintenance(lines, margined);
        let least = if KIND & PAID != 0 {
            walk.least_equity
        } else {
            cash - margined
        };
        let most_notional_usd = size * larger(steps.start[lane], walk.highest);
        let tested = most_notional_usd * clearance;
        let mut level_notional_usd = f64::INFINITY;
        for i in 0..N {
            let notional_usd = (walk.least_cash + lines[i].deduction_usd) * notional_per_usd[i];
            level_notional_usd = smaller(notional_usd, level_notional_usd);
        }
        let is_near = is_open & (level_notional_usd <= tested);
        let mut is_beyond = margin >= steps.acts_above[lane] * least;
        if KIND & BELOW != 0 {
            let least_margin = maintenance(lines, size * walk.lowest);
            is_beyond |= least_margin < steps.acts_below[lane] * walk.most_equity;
        }
        let mut is_over = least - fee.mul_add(margined, margin) <= 0.0;
        if KIND & PAID != 0 {
            // The worst ratio is that at the highest mark, unless funding made another one worse still.
            let is_worse =
                margin * steps.worst_equity[lane] > steps.worst_maintenance[lane] * least;
            is_over |= is_worse & (walk.equity_at_highest > least);
            account_end.cash[lane] = walk.cash;
            account_end.planned_cash[lane] = walk.planned_cash;
        }
        near |= if is_near { LANE_BITS[lane] } else { 0 };
        over |= if is_open & is_over {
            LANE_BITS[lane]
        } else {
            0
        };
        beyond |= if is_open & is_beyond {
            LANE_BITS[lane]
        } else {
            0
        };
        // What is not open is in no record.
        account_end.min_equity_usd[lane] = if is_open { least } else { f64::INFINITY };
        account_end.worst_maintenance[lane] = margin;
        account_end.level_notional_usd[lane] = level_notional_usd;
        account_end.most_notional_usd[lane] = most_notional_usd;
    }
    Doubts {
        near,
        acts: over | (beyond & looks),
    }
}

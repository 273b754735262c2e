//! Calm stretches: several steps in which nothing happens to an account but marking to market, in branch-free lane loops.
//!
//! A stretch is walked once (`walk`) as if it were calm for every lane. What a lane met on the way (its highest mark,
//! its highest mark less funding, ...) then shows whether it was (`judge`): margin is convex in the mark, so no step can
//! be worse than all extremes at once. Lanes that may not have been calm keep their state and are worked through step by
//! step. Whether a lane is calm depends on that lane alone.

#![expect(
    clippy::needless_range_loop,
    reason = "a lane has its place in many arrays"
)]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::lanes::HotLanes;
use crate::market::tile::LaneArray;
use crate::math::bits::places_of;
use crate::outcome::table::LANES;

/// A bracket's line: `MM(N) = N rate - deduction`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MarginLine {
    pub(crate) rate: f64,
    pub(crate) deduction_usd: f64,
}

/// Maintenance margin as the largest of the lines; at most 0 for a notional of 0.
#[inline(always)]
fn maintenance<const N: usize>(lines: &[MarginLine; N], notional_usd: f64) -> f64 {
    let mut most = notional_usd.mul_add(lines[0].rate, -lines[0].deduction_usd);
    for line in &lines[1..] {
        let value = notional_usd.mul_add(line.rate, -line.deduction_usd);
        most = larger(value, most);
    }
    most
}

/// The larger of two numbers, without the NaN rules of [`f64::max`] that cost instructions.
#[inline(always)]
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two numbers, without the NaN rules of [`f64::min`].
#[inline(always)]
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The market over `K` steps without sales or other events that all lanes share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch<'a, const K: usize> {
    /// Its first step, from 1.
    pub(crate) first_step: usize,
    /// The contract's underlying.
    pub(crate) underlying: usize,
    /// Mark at its start, USD.
    pub(crate) start_mark_usd: &'a LaneArray,
    /// Spot of the underlying at the end of each step, USD.
    pub(crate) underlying_usd: &'a [LaneArray; K],
    /// Mark at the end of each step, USD.
    pub(crate) mark_usd: &'a [LaneArray; K],
    /// Spot of the held asset at the end of each step, USD.
    pub(crate) spot_usd: &'a [LaneArray; K],
    /// Funding rate at the end of each step.
    pub(crate) funding_rate: &'a [LaneArray; K],
    /// Whether a funding stamp ends the step.
    pub(crate) is_stamp: [bool; K],
    /// Whether the hedger looks at the step's end.
    pub(crate) is_watching: [bool; K],
    /// Interest up to each step's end on a unit of net cash contributed.
    pub(crate) interest: [f64; K],
    /// Inventory, base units.
    pub(crate) quantity_base: f64,
}

impl<const K: usize> Stretch<'_, K> {
    /// Whether every step has a stamp and a look, and nothing costs interest.
    fn is_plain(&self) -> bool {
        self.is_stamp.iter().all(|&is| is)
            && self.is_watching.iter().all(|&is| is)
            && self.interest.iter().all(|&interest| interest == 0.0)
    }
}

/// What each lane meets in a calm stretch. Shape of each array: `[LANES]`.
#[derive(Debug, Clone)]
pub(crate) struct Passage {
    /// Funding received on a short of one unit since the stretch began, USD.
    funding_usd: LaneArray,
    /// Highest mark at a step's end.
    highest_usd: LaneArray,
    /// Highest mark less funding at a step's end: equity is `cash - short * net`.
    highest_net_usd: LaneArray,
    /// Highest mark less that: funding at the step of the highest mark, if equity is least there.
    funding_at_highest_usd: LaneArray,
    /// Negative where equity is not least at the highest mark.
    alike_usd: LaneArray,
    /// Lowest mark less funding at a step's end.
    lowest_net_usd: LaneArray,
    /// By how much the highest mark is above a mark that is at most the lowest.
    drop_usd: LaneArray,
    /// Mark that must lie below the liquidation level: beyond it no bridge of the stretch could have crossed.
    tested_usd: LaneArray,
    /// By how much that is above the highest mark.
    rise_usd: LaneArray,
    /// The same less the smallest funding.
    tested_net_usd: LaneArray,
    /// Smallest funding since the stretch began, the 0 of the start included.
    least_funding_usd: LaneArray,
    /// Peak of wealth, that of earlier stretches included, if it was asked for.
    peak_wealth_usd: LaneArray,
    /// Largest fall from the peak, that of earlier stretches included.
    max_drawdown_usd: LaneArray,
    /// Not negative where something happened that the marks do not tell.
    alarm: LaneArray,
}

/// The marks that [`judge`] looks at, USD.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
pub(crate) struct MarkRange {
    /// Least of the lanes' highest marks.
    pub(crate) least_usd: f64,
    /// Largest of them.
    pub(crate) most_usd: f64,
    /// Largest mark that is tested.
    pub(crate) tested_usd: f64,
}

/// No alarm in any lane.
const QUIET: LaneArray = [-1.0; LANES];

/// Each lane's bit.
const LANE_BITS: [u64; LANES] = {
    let mut bits = [1; LANES];
    let mut lane = 1;
    while lane < LANES {
        bits[lane] = 2 * bits[lane - 1];
        lane += 1;
    }
    bits
};

impl Passage {
    /// Nothing met yet.
    pub(crate) const NOTHING: Self = {
        let zero = [0.0; LANES];
        Self {
            funding_usd: zero,
            highest_usd: zero,
            highest_net_usd: zero,
            funding_at_highest_usd: zero,
            alike_usd: zero,
            lowest_net_usd: zero,
            drop_usd: zero,
            tested_usd: zero,
            rise_usd: zero,
            tested_net_usd: zero,
            least_funding_usd: zero,
            peak_wealth_usd: zero,
            max_drawdown_usd: zero,
            alarm: QUIET,
        }
    };

    /// Gives an alarm in the lanes whose bits are set, and in no others.
    pub(crate) fn set_alarms(&mut self, lanes: u64) {
        self.alarm = QUIET;
        for lane in places_of(lanes) {
            self.alarm[lane] = 1.0;
        }
    }

    #[inline(always)]
    fn set_tested(
        &mut self,
        lane: usize,
        tested_usd: f64,
        highest_usd: f64,
        least_funding_usd: f64,
    ) {
        self.tested_usd[lane] = tested_usd;
        self.rise_usd[lane] = tested_usd - highest_usd;
        self.tested_net_usd[lane] = tested_usd - least_funding_usd;
    }

    /// Tests a lane at a mark that is at least as high as the one it is tested at.
    pub(crate) fn test(&mut self, lane: usize, mark_usd: f64) {
        let tested_usd = larger(mark_usd, self.tested_usd[lane]);
        self.set_tested(
            lane,
            tested_usd,
            self.highest_usd[lane],
            self.least_funding_usd[lane],
        );
    }
}

/// Walks a stretch in every lane as if it were calm. `clearance` is the factor by which marks are tested beyond their highest; `hot` are the
/// accounts whose wealth is followed, if anybody asks for it.
pub(crate) fn walk<const K: usize>(
    stretch: &Stretch<'_, K>,
    clearance: f64,
    hot: Option<&HotLanes>,
    passage: &mut Passage,
) -> MarkRange {
    match (stretch.is_plain(), hot) {
        (true, Some(hot)) => walk_lanes::<K, true, true>(stretch, clearance, hot, passage),
        (false, Some(hot)) => walk_lanes::<K, false, true>(stretch, clearance, hot, passage),
        (true, None) => walk_lanes::<K, true, false>(stretch, clearance, &HotLanes::NONE, passage),
        (false, None) => {
            walk_lanes::<K, false, false>(stretch, clearance, &HotLanes::NONE, passage)
        }
    }
}

/// [`walk`]; `PLAIN` says [`Stretch::is_plain`], and `WEALTH` that wealth is followed.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn walk_lanes<const K: usize, const PLAIN: bool, const WEALTH: bool>(
    stretch: &Stretch<'_, K>,
    clearance: f64,
    hot: &HotLanes,
    passage: &mut Passage,
) -> MarkRange {
    // Prices are positive: their bits are in the same order, and integers are compared across lanes without a fixed order.
    let (mut least, mut most, mut tested) = (i64::MAX, 0, 0);
    for lane in 0..LANES {
        let short_base = hot.short_base[lane];
        let money_usd = hot.cash_usd[lane] + hot.outside_usd[lane];
        let mut funding_usd = 0.0;
        let mut least_funding_usd = 0.0;
        let mut funding_at_highest_usd = 0.0;
        let mut highest_usd = f64::NEG_INFINITY;
        let (mut highest_net_usd, mut lowest_net_usd) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut peak_usd = hot.peak_wealth_usd[lane];
        let mut drawdown_usd = hot.max_drawdown_usd[lane];
        for k in 0..K {
            let mark_usd = stretch.mark_usd[k][lane];
            if PLAIN || stretch.is_stamp[k] {
                funding_usd = mark_usd.mul_add(stretch.funding_rate[k][lane], funding_usd);
                least_funding_usd = smaller(funding_usd, least_funding_usd);
            }
            let net_usd = mark_usd - funding_usd;
            funding_at_highest_usd = if mark_usd > highest_usd {
                funding_usd
            } else {
                funding_at_highest_usd
            };
            highest_usd = larger(mark_usd, highest_usd);
            highest_net_usd = larger(net_usd, highest_net_usd);
            lowest_net_usd = smaller(net_usd, lowest_net_usd);
            if WEALTH && (PLAIN || stretch.is_watching[k]) {
                let mut wealth_usd = stretch
                    .quantity_base
                    .mul_add(stretch.spot_usd[k][lane], money_usd);
                wealth_usd = (-short_base).mul_add(net_usd, wealth_usd);
                if !PLAIN {
                    wealth_usd =
                        (-stretch.interest[k]).mul_add(hot.contributed_usd[lane], wealth_usd);
                }
                peak_usd = larger(wealth_usd, peak_usd);
                drawdown_usd = larger(peak_usd - wealth_usd, drawdown_usd);
            }
        }
        passage.funding_usd[lane] = funding_usd;
        passage.least_funding_usd[lane] = least_funding_usd;
        let tested_usd = larger(highest_usd, stretch.start_mark_usd[lane]) * clearance;
        least = least.min(highest_usd.to_bits().cast_signed());
        most = most.max(highest_usd.to_bits().cast_signed());
        tested = tested.max(tested_usd.to_bits().cast_signed());
        passage.set_tested(lane, tested_usd, highest_usd, least_funding_usd);
        passage.highest_usd[lane] = highest_usd;
        passage.highest_net_usd[lane] = highest_net_usd;
        passage.funding_at_highest_usd[lane] = highest_usd - highest_net_usd;
        let apart_usd = highest_net_usd - (highest_usd - funding_at_highest_usd);
        passage.alike_usd[lane] = 0.0 - apart_usd;
        passage.lowest_net_usd[lane] = lowest_net_usd;
        // A mark is its net and at least the least funding.
        passage.drop_usd[lane] = highest_usd - (lowest_net_usd + least_funding_usd);
        if WEALTH {
            passage.peak_wealth_usd[lane] = peak_usd;
            passage.max_drawdown_usd[lane] = drawdown_usd;
        }
    }
    let [least_usd, most_usd, tested_usd] =
        [least, most, tested].map(|bits| f64::from_bits(bits.cast_unsigned()));
    MarkRange {
        least_usd,
        most_usd,
        tested_usd,
    }
}

/// What decides whether a lane was calm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    /// Last step of the stretch, from 1.
    pub(crate) last_step: f64,
    /// Rate that the trigger adds to the maintenance margin.
    pub(crate) trigger_fee_frac: f64,
    /// The highest rate of maintenance margin up to the highest notional that is tested.
    pub(crate) steepest_rate: f64,
    /// Margin ratio that calls.
    pub(crate) call_level: f64,
    /// Margin ratio under which excess is released; 0: none.
    pub(crate) release_level: f64,
    /// Factor on the mark for the required collateral.
    pub(crate) requirement_shift: f64,
}

/// The same number, but not the same for the compiler, which does not know that `zero` is 0: it must not see that a store may leave what
/// stands there already, or it makes a masked store of it, which is slow.
#[inline(always)]
fn anew(x: f64, zero: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ zero)
}

/// Puts calm lanes at the stretch's end; returns the others, left at its start, as bits.
///
/// A lane was calm if nothing was due, no bridge could have crossed its level, the hedger saw no reason to act, and its
/// records (least equity, worst margin ratio, required collateral) moved at one step only, that of its highest mark.
/// `CALLS`: the hedger has a margin policy. `RECORDS`: somebody asks for funding, the least equity and wealth, and the passage may have alarms;
/// without it those records lose their meaning.
///
/// Each test is a number that is negative where it does not strike, and what decides are the signs of all of them: whole words are
/// combined faster than numbers are compared.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn judge<const N: usize, const CALLS: bool, const RECORDS: bool>(
    lines: &[MarginLine; N],
    watch: &Watch,
    passage: &Passage,
    hot: &mut HotLanes,
) -> u64 {
    let zero = std::hint::black_box(0);
    let mut bits = 0;
    for lane in 0..LANES {
        let short_base = hot.short_base[lane];
        let planned_base = hot.planned_short_base[lane];
        let before_usd = hot.cash_usd[lane];
        let is_open = short_base > 0.0;
        // A flat account has nothing to lose: with endless cash no test below strikes it.
        let cash_usd = if is_open { before_usd } else { f64::INFINITY };
        let mut calm = (watch.last_step - hot.due_step[lane]).to_bits();
        if RECORDS {
            calm &= passage.alarm[lane].to_bits();
        }
        let highest_usd = passage.highest_usd[lane];
        let margin_usd = maintenance(lines, short_base * highest_usd);
        let equity_usd = cash_usd - short_base * passage.highest_net_usd[lane];
        // Margin is convex: beyond the highest mark it rises by the steepest rate at most, below it falls by no more.
        let needs_usd = short_base.mul_add(
            watch.steepest_rate.mul_add(
                passage.rise_usd[lane],
                watch.trigger_fee_frac * passage.tested_usd[lane],
            ),
            margin_usd,
        );
        let tested_equity_usd = cash_usd - short_base * passage.tested_net_usd[lane];
        calm &= (needs_usd - tested_equity_usd).to_bits();
        if CALLS {
            let least_margin_usd =
                margin_usd - short_base * (watch.steepest_rate * passage.drop_usd[lane]);
            let most_equity_usd = cash_usd - short_base * passage.lowest_net_usd[lane];
            let is_armed = hot.armed[lane].to_bits().cast_signed() >= 0;
            let called_usd = watch.call_level
                * if is_armed {
                    equity_usd
                } else {
                    most_equity_usd
                };
            let call_alarm = if is_armed {
                margin_usd - called_usd
            } else {
                called_usd - least_margin_usd
            };
            let release_alarm = if is_open {
                watch.release_level * most_equity_usd - least_margin_usd
            } else {
                -1.0
            };
            calm &= call_alarm.to_bits() & release_alarm.to_bits();
        }
        let margin_ratio = margin_usd / equity_usd;
        let shifted_usd = planned_base * (highest_usd * watch.requirement_shift);
        let planned_cash_usd = planned_base.mul_add(
            passage.funding_at_highest_usd[lane],
            hot.planned_cash_usd[lane],
        );
        let needed_usd =
            maintenance(lines, shifted_usd) + watch.trigger_fee_frac * shifted_usd + shifted_usd
                - planned_cash_usd;
        let (most_ratio, required_usd) = (hot.max_margin_ratio[lane], hot.required_usd[lane]);
        // Records are taken at the highest mark; where funding made another step worse still, the lane goes by steps.
        let record = (most_ratio - margin_ratio).to_bits() | (required_usd - needed_usd).to_bits();
        calm &= !(record & passage.alike_usd[lane].to_bits());
        let is_calm = calm.cast_signed() < 0;
        bits |= if is_calm { 0 } else { LANE_BITS[lane] };
        let or = |calm: f64, otherwise: f64| anew(if is_calm { calm } else { otherwise }, zero);
        let funding_usd = passage.funding_usd[lane];
        hot.cash_usd[lane] = or(short_base.mul_add(funding_usd, before_usd), before_usd);
        let before_usd = hot.planned_cash_usd[lane];
        hot.planned_cash_usd[lane] = or(planned_base.mul_add(funding_usd, before_usd), before_usd);
        hot.max_margin_ratio[lane] = or(larger(margin_ratio, most_ratio), most_ratio);
        hot.required_usd[lane] = or(larger(needed_usd, required_usd), required_usd);
        if RECORDS {
            let before_usd = hot.funding_usd[lane];
            hot.funding_usd[lane] = or(short_base.mul_add(funding_usd, before_usd), before_usd);
            let before_usd = hot.min_equity_usd[lane];
            hot.min_equity_usd[lane] = or(smaller(equity_usd, before_usd), before_usd);
            let before_usd = hot.peak_wealth_usd[lane];
            let peak_usd = passage.peak_wealth_usd[lane];
            hot.peak_wealth_usd[lane] = or(larger(peak_usd, before_usd), before_usd);
            let before_usd = hot.max_drawdown_usd[lane];
            let drawdown_usd = passage.max_drawdown_usd[lane];
            hot.max_drawdown_usd[lane] = or(larger(drawdown_usd, before_usd), before_usd);
        }
    }
    bits
}

/// Lanes, as bits, whose planned hedge ratio is outside a band: `|q H - h Q S| > width Q S`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn outside_band(
    hot: &HotLanes,
    spot_usd: &LaneArray,
    underlying_usd: &LaneArray,
    quantity_base: f64,
    hedge_ratio: f64,
    width: f64,
) -> u64 {
    let mut bits = 0;
    for lane in 0..LANES {
        let exposure_usd = quantity_base * spot_usd[lane];
        let gap_usd =
            hot.planned_short_base[lane].mul_add(underlying_usd[lane], -hedge_ratio * exposure_usd);
        bits |= u64::from(gap_usd.abs() > width * exposure_usd) << lane;
    }
    bits
}

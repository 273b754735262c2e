//! One leg's part of an account's quiet step, in all lanes at once.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::quiet_account::{AccountStep, NOTHING};
use crate::ledger::book::state::Hot;
use crate::ledger::calm::{MarginLine, larger, smaller};
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// So little that many together are less than 1, and that a sum with 1 is more.
const NEXT_TO_NOTHING: f64 = 1e-6;

/// Sums over an account's legs.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Funding received.
    pub(super) paid: LaneArray,
    /// Funding of the planned legs.
    pub(super) planned_paid: LaneArray,
    /// What the legs owe at the end.
    pub(super) owed: LaneArray,
    pub(super) maintenance: LaneArray,
    /// Maintenance margin and the trigger's fees.
    pub(super) trigger: LaneArray,
    /// What the legs owe at the start.
    pub(super) start_owed: LaneArray,
    /// Lack of distance at the start: what is owed and the trigger there.
    pub(super) start_lack: LaneArray,
    /// The same at the worst units between start and end that a bridge may reach.
    pub(super) worst_lack: LaneArray,
    pub(super) need: LaneArray,
    pub(super) shifted_need: LaneArray,
    /// Number of open legs; an option counts for two.
    pub(super) open: LaneArray,
    /// Number of open planned futures; a written option counts for two, a bought one, which nobody liquidates, for next to nothing.
    pub(super) planned_open: LaneArray,
}

impl Default for Sums {
    fn default() -> Self {
        let zero = [0.0; LANES];
        Self {
            paid: zero,
            planned_paid: zero,
            owed: zero,
            maintenance: zero,
            trigger: zero,
            start_owed: zero,
            start_lack: zero,
            worst_lack: zero,
            need: zero,
            shifted_need: zero,
            open: zero,
            planned_open: zero,
        }
    }
}

/// Maintenance margin and its rate, as those of the largest of the lines.
#[inline(always)]
fn margin_and_rate<const N: usize>(lines: &[MarginLine; N], notional: f64) -> (f64, f64) {
    let mut most = notional.mul_add(lines[0].rate, -lines[0].deduction_usd);
    let mut rate = lines[0].rate;
    for line in &lines[1..] {
        let value = notional.mul_add(line.rate, -line.deduction_usd);
        rate = if value > most { line.rate } else { rate };
        most = larger(value, most);
    }
    (larger(most, 0.0), rate)
}

/// One future in one step. Rows are of all lanes, prices those of a unit.
struct LegStep<'a> {
    size: &'a LaneArray,
    planned: &'a LaneArray,
    start: &'a LaneArray,
    end: &'a LaneArray,
    /// Where margin is that of the entry: entry prices of both sizes.
    entries: Option<[&'a LaneArray; 2]>,
    stamp: &'a LaneArray,
    clearance: f64,
    shift: f64,
    trigger_fee_frac: f64,
    /// +1 where the mark moves with the unit, -1 where it is its inverse.
    orientation: f64,
}

/// One future's part of the sums, and its slopes.
pub(super) fn add_future(
    step: &AccountStep<'_>,
    l: usize,
    is_first: bool,
    hot: &Hot,
    sums: &mut Sums,
    slopes: &mut LaneArray,
    planned_slopes: &mut LaneArray,
) {
    let index = step.rules.legs[l].contract;
    let contract: &ContractRule = &step.rules.contracts[index];
    let leg = LegStep {
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
        clearance: contract.clearances[step.step],
        shift: contract.shifts[step.step],
        trigger_fee_frac: contract.venue.trigger_fee_frac(),
        orientation: if contract.is_inverse { -1.0 } else { 1.0 },
    };
    let lines = step.ranges[l].lines();
    let add = match (lines.len(), contract.margins_entry) {
        (1, false) => add_padded::<1, false>,
        (2, false) => add_padded::<2, false>,
        (3 | 4, false) => add_padded::<4, false>,
        (5..=8, false) => add_padded::<8, false>,
        (_, false) => add_padded::<64, false>,
        (_, true) => add_padded::<64, true>,
    };
    add(&leg, lines, is_first, sums, slopes, planned_slopes);
}

/// [`add_future`] with up to `N` lines; `ENTRY`: margin is that of the entry.
fn add_padded<const N: usize, const ENTRY: bool>(
    leg: &LegStep<'_>,
    lines: &[MarginLine],
    is_first: bool,
    sums: &mut Sums,
    slopes: &mut LaneArray,
    planned_slopes: &mut LaneArray,
) {
    let lines: [MarginLine; N] = padded(lines);
    if is_first {
        add_lanes::<N, ENTRY, true>(leg, &lines, sums, slopes, planned_slopes);
    } else {
        add_lanes::<N, ENTRY, false>(leg, &lines, sums, slopes, planned_slopes);
    }
}

/// Adds to a sum, or begins it.
#[inline(always)]
fn add<const FIRST: bool>(sum: &mut f64, part: f64) {
    *sum = if FIRST { part } else { *sum + part };
}

/// As many lines as asked for; beyond the last they repeat it.
pub(super) fn padded<const N: usize>(lines: &[MarginLine]) -> [MarginLine; N] {
    let last = lines.len() - 1;
    std::array::from_fn(|i| lines[i.min(last)])
}

/// [`add_padded`]; `FIRST`: the sums begin with this leg.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_lanes<const N: usize, const ENTRY: bool, const FIRST: bool>(
    leg: &LegStep<'_>,
    lines: &[MarginLine; N],
    sums: &mut Sums,
    slopes: &mut LaneArray,
    planned_slopes: &mut LaneArray,
) {
    let fee = leg.trigger_fee_frac;
    let slope_fee = if ENTRY { 0.0 } else { fee };
    let (up, down) = (leg.clearance, 1.0 / leg.clearance);
    let (shift_up, shift_down) = (leg.shift, 1.0 / leg.shift);
    let [entry, planned_entry] = leg.entries.unwrap_or([leg.end, leg.end]);
    // Margin and trigger of a size at a unit, and what both grow by with the notional.
    let trigger = |held: f64, unit: f64| {
        let (margin, rate) = margin_and_rate(lines, held * unit);
        let rate = if ENTRY { 0.0 } else { rate + slope_fee };
        (margin, fee.mul_add(held * unit, margin), rate)
    };
    for lane in 0..LANES {
        let (size, start, end) = (leg.size[lane], leg.start[lane], leg.end[lane]);
        let is_open = if size == 0.0 { 0.0 } else { 1.0 };
        let held = size.abs();
        add::<FIRST>(&mut sums.paid[lane], size * leg.stamp[lane]);
        let (margin, asked, _) = trigger(held, if ENTRY { entry[lane] } else { end });
        add::<FIRST>(&mut sums.owed[lane], size * end);
        add::<FIRST>(&mut sums.maintenance[lane], margin);
        add::<FIRST>(&mut sums.trigger[lane], asked);
        add::<FIRST>(&mut sums.open[lane], is_open);
        let (_, start_asked, rate) = trigger(held, if ENTRY { entry[lane] } else { start });
        let start_value = size * start;
        add::<FIRST>(&mut sums.start_owed[lane], start_value);
        add::<FIRST>(&mut sums.start_lack[lane], start_value + start_asked);
        slopes[lane] = -leg.orientation * rate.mul_add(held * start, start_value);
        let worst = if size > 0.0 {
            larger(start, end) * up
        } else {
            smaller(start, end) * down
        };
        let (_, worst_asked, _) = trigger(held, if ENTRY { entry[lane] } else { worst });
        add::<FIRST>(&mut sums.worst_lack[lane], size * worst + worst_asked);
    }
    for lane in 0..LANES {
        let (planned, end) = (leg.planned[lane], leg.end[lane]);
        let is_open = if planned == 0.0 { 0.0 } else { 1.0 };
        let held = planned.abs();
        add::<FIRST>(&mut sums.planned_paid[lane], planned * leg.stamp[lane]);
        add::<FIRST>(&mut sums.planned_open[lane], is_open);
        let (_, asked, rate) = trigger(held, if ENTRY { planned_entry[lane] } else { end });
        let value = planned * end;
        add::<FIRST>(&mut sums.need[lane], value + asked);
        planned_slopes[lane] = -leg.orientation * rate.mul_add(held * end, value);
        let moved = end * if planned > 0.0 { shift_up } else { shift_down };
        let (_, moved_asked, _) = trigger(held, if ENTRY { planned_entry[lane] } else { moved });
        add::<FIRST>(&mut sums.shifted_need[lane], planned * moved + moved_asked);
    }
}

/// One option's part of the sums, and its slopes.
pub(super) fn add_option(
    step: &AccountStep<'_>,
    l: usize,
    is_first: bool,
    hot: &Hot,
    sums: &mut Sums,
    slopes: &mut LaneArray,
    planned_slopes: &mut LaneArray,
) {
    let index = step.rules.legs[l].contract;
    let option = OptionStep {
        size: &hot.size[l],
        planned: &hot.planned[l],
        start: step.series.unit_at_start(step.tile, index, step.k),
        end: step.series.unit_at_end(step.tile, index, step.k),
        start_margins: step.series.option_margin(index, step.k),
        end_margins: step.series.option_margin(index, step.k + 1),
    };
    if is_first {
        add_option_lanes::<true>(&option, sums, slopes, planned_slopes);
    } else {
        add_option_lanes::<false>(&option, sums, slopes, planned_slopes);
    }
}

/// One option in one step. Margins are of a unit written, with the slopes of unit and margin by the log spot.
struct OptionStep<'a> {
    size: &'a LaneArray,
    planned: &'a LaneArray,
    start: &'a LaneArray,
    end: &'a LaneArray,
    start_margins: [&'a LaneArray; 3],
    end_margins: [&'a LaneArray; 3],
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_option_lanes<const FIRST: bool>(
    option: &OptionStep<'_>,
    sums: &mut Sums,
    slopes: &mut LaneArray,
    planned_slopes: &mut LaneArray,
) {
    let [start_margin, start_slope, start_margin_slope] = option.start_margins;
    let [end_margin, end_slope, end_margin_slope] = option.end_margins;
    for lane in 0..LANES {
        let size = option.size[lane];
        let written = larger(size, 0.0);
        let margin = written * end_margin[lane];
        let start_value = size * option.start[lane];
        let start_lack = start_value + written * start_margin[lane];
        let is_open = if size == 0.0 { 0.0 } else { 2.0 };
        add::<FIRST>(&mut sums.paid[lane], 0.0);
        add::<FIRST>(&mut sums.owed[lane], size * option.end[lane]);
        add::<FIRST>(&mut sums.maintenance[lane], margin);
        add::<FIRST>(&mut sums.trigger[lane], margin);
        add::<FIRST>(&mut sums.open[lane], is_open);
        add::<FIRST>(&mut sums.start_owed[lane], start_value);
        add::<FIRST>(&mut sums.start_lack[lane], start_lack);
        add::<FIRST>(&mut sums.worst_lack[lane], start_lack);
        slopes[lane] = -(size * start_slope[lane] + written * start_margin_slope[lane]);
    }
    for lane in 0..LANES {
        let planned = option.planned[lane];
        let written = larger(planned, 0.0);
        let need = planned * option.end[lane] + written * end_margin[lane];
        let is_written = if planned > 0.0 { 2.0 } else { 0.0 };
        let is_bought = if planned < 0.0 { NEXT_TO_NOTHING } else { 0.0 };
        add::<FIRST>(&mut sums.planned_paid[lane], 0.0);
        add::<FIRST>(&mut sums.planned_open[lane], is_written + is_bought);
        add::<FIRST>(&mut sums.need[lane], need);
        add::<FIRST>(&mut sums.shifted_need[lane], need);
        planned_slopes[lane] = -(planned * end_slope[lane] + written * end_margin_slope[lane]);
    }
}

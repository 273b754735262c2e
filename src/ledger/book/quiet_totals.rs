//! What all accounts together come to at the ends of some quiet steps, and the records that watch it.

#![expect(clippy::needless_range_loop, reason = "lane loops")]

use multiversion::multiversion;

use crate::ledger::book::quiet_account::LANE_BITS;
use crate::ledger::calm::larger;
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// What all accounts together come to at each step's end. Rows are of all lanes.
#[derive(Debug, Clone)]
pub(super) struct Totals<const K: usize> {
    /// What the planned legs need, USD.
    pub(super) needed_usd: [LaneArray; K],
    /// Hedged wealth, USD.
    pub(super) wealth_usd: [LaneArray; K],
}

/// What lies beside the accounts: a holding, money outside, interest. Rows are of all lanes.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a, const K: usize> {
    /// The steps' numbers.
    pub(super) steps: [f64; K],
    /// The holding after each step.
    pub(super) quantities_base: [f64; K],
    pub(super) spots_usd: &'a [LaneArray; K],
    pub(super) interest_usd: &'a LaneArray,
    pub(super) outside_usd: &'a LaneArray,
    pub(super) due_step: &'a LaneArray,
}

/// Records of all lanes when the steps begin, USD.
#[derive(Clone, Copy)]
pub(super) struct Records<'a, const K: usize> {
    /// Whether wealth is watched at each step's end.
    pub(super) is_watching: [bool; K],
    pub(super) required_usd: &'a LaneArray,
    pub(super) peak_wealth_usd: &'a LaneArray,
    pub(super) max_drawdown_usd: &'a LaneArray,
}

/// The same as they would be at the end, USD.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
pub(super) struct RecordEnds<const K: usize> {
    /// At each step's end.
    pub(super) required_usd: [LaneArray; K],
    pub(super) peak_wealth_usd: LaneArray,
    pub(super) max_drawdown_usd: LaneArray,
}

/// The totals with what lies beside the accounts alone. Returns the lanes in which something is due, as bits.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn begin<const K: usize>(beside: &Beside<'_, K>, totals: &mut Totals<K>) -> u64 {
    let mut due = 0;
    for lane in 0..LANES {
        let (interest_usd, outside_usd) = (beside.interest_usd[lane], beside.outside_usd[lane]);
        for k in 0..K {
            let outside_usd = (-beside.steps[k]).mul_add(interest_usd, outside_usd);
            totals.wealth_usd[k][lane] =
                beside.quantities_base[k].mul_add(beside.spots_usd[k][lane], outside_usd);
            totals.needed_usd[k][lane] = 0.0;
        }
        due |= if beside.due_step[lane] <= beside.steps[K - 1] {
            LANE_BITS[lane]
        } else {
            0
        };
    }
    due
}

/// Adds a further holding.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_holding<const K: usize>(
    quantities_base: &[f64; K],
    spots_usd: &[LaneArray; K],
    totals: &mut Totals<K>,
) {
    for k in 0..K {
        let wealth_usd = &mut totals.wealth_usd[k];
        for lane in 0..LANES {
            wealth_usd[lane] = quantities_base[k].mul_add(spots_usd[k][lane], wealth_usd[lane]);
        }
    }
}

/// Adds coins of which every lane has its own number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_coins<const K: usize>(
    coins: &LaneArray,
    spots_usd: &[LaneArray; K],
    totals: &mut Totals<K>,
) {
    for k in 0..K {
        let wealth_usd = &mut totals.wealth_usd[k];
        for lane in 0..LANES {
            wealth_usd[lane] = coins[lane].mul_add(spots_usd[k][lane], wealth_usd[lane]);
        }
    }
}

/// Records after all the steps.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn watch<const K: usize>(
    records: &Records<'_, K>,
    totals: &Totals<K>,
    ends: &mut RecordEnds<K>,
) {
    for lane in 0..LANES {
        let mut most_usd = records.required_usd[lane];
        let mut peak_usd = records.peak_wealth_usd[lane];
        let mut fallen_usd = records.max_drawdown_usd[lane];
        for k in 0..K {
            most_usd = larger(totals.needed_usd[k][lane], most_usd);
            ends.required_usd[k][lane] = most_usd;
            if records.is_watching[k] {
                let wealth_usd = totals.wealth_usd[k][lane];
                peak_usd = larger(wealth_usd, peak_usd);
                fallen_usd = larger(peak_usd - wealth_usd, fallen_usd);
            }
        }
        ends.peak_wealth_usd[lane] = peak_usd;
        ends.max_drawdown_usd[lane] = fallen_usd;
    }
}

//! What all accounts together come to at the ends of some quiet steps, and the records that watch it.

#![expect(clippy::needless_range_loop, reason = "lane loops")]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

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

impl<const K: usize> Beside<'_, K> {
    /// Wealth at the end of the `k`-th step, USD.
    #[inline(always)]
    pub(super) fn wealth_usd(&self, lane: usize, k: usize) -> f64 {
        let outside_usd = (-self.steps[k]).mul_add(self.interest_usd[lane], self.outside_usd[lane]);
        self.quantities_base[k].mul_add(self.spots_usd[k][lane], outside_usd)
    }

    /// Whether something is due.
    #[inline(always)]
    pub(super) fn is_due(&self, lane: usize) -> bool {
        self.due_step[lane] <= self.steps[K - 1]
    }
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
pub(super) struct RecordEnds<const K: usize> {
    /// At each step's end.
    pub(super) required_usd: [LaneArray; K],
    pub(super) peak_wealth_usd: LaneArray,
    pub(super) max_drawdown_usd: LaneArray,
}

/// One lane's records on their way, USD.
pub(super) struct RecordWalk {
    required_usd: f64,
    peak_wealth_usd: f64,
    max_drawdown_usd: f64,
}

impl RecordWalk {
    #[inline(always)]
    pub(super) fn new<const K: usize>(records: &Records<'_, K>, lane: usize) -> Self {
        Self {
            required_usd: records.required_usd[lane],
            peak_wealth_usd: records.peak_wealth_usd[lane],
            max_drawdown_usd: records.max_drawdown_usd[lane],
        }
    }

    /// Walks a step; returns what is required at its end.
    #[inline(always)]
    pub(super) fn step(&mut self, is_watching: bool, needed_usd: f64, wealth_usd: f64) -> f64 {
        self.required_usd = larger(needed_usd, self.required_usd);
        // What is at its peak has not fallen.
        let seen_usd = if is_watching {
            wealth_usd
        } else {
            self.peak_wealth_usd
        };
        self.peak_wealth_usd = larger(seen_usd, self.peak_wealth_usd);
        let fallen_usd = self.peak_wealth_usd - seen_usd;
        self.max_drawdown_usd = larger(fallen_usd, self.max_drawdown_usd);
        self.required_usd
    }

    #[inline(always)]
    pub(super) fn end<const K: usize>(&self, lane: usize, ends: &mut RecordEnds<K>) {
        ends.peak_wealth_usd[lane] = self.peak_wealth_usd;
        ends.max_drawdown_usd[lane] = self.max_drawdown_usd;
    }
}

/// The totals with what lies beside the accounts alone. Returns the lanes in which something is due, as bits.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn begin<const K: usize>(beside: &Beside<'_, K>, totals: &mut Totals<K>) -> u64 {
    let mut due = 0;
    for lane in 0..LANES {
        for k in 0..K {
            totals.wealth_usd[k][lane] = beside.wealth_usd(lane, k);
            totals.needed_usd[k][lane] = 0.0;
        }
        due |= if beside.is_due(lane) {
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
        let mut walk = RecordWalk::new(records, lane);
        for k in 0..K {
            let (needed_usd, wealth_usd) = (totals.needed_usd[k][lane], totals.wealth_usd[k][lane]);
            let required_usd = walk.step(records.is_watching[k], needed_usd, wealth_usd);
            ends.required_usd[k][lane] = required_usd;
        }
        walk.end(lane, ends);
    }
}

//! What the steps of a stretch mean for one account's position, for all steps side by side.

#![expect(
    clippy::inline_always,
    reason = "the loops are compiled for each SIMD level, and what they call with them"
)]
#![expect(
    clippy::needless_range_loop,
    reason = "a step has its place in many arrays"
)]

use std::f64::consts::LOG2_E;

use crate::ledger::calm::{Stretch, larger, smaller};
use crate::ledger::crossing::MOST_HALVINGS;
use crate::ledger::rules::ProgrammeRules;
use crate::plan::types::Crossing;
use crate::venue::rules::{ContractRules, MarginBracket};

/// The market in one lane of a stretch. Shape of each array: `[K]`.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
pub(super) struct LaneMarks<const K: usize> {
    /// Mark at the end of each step, USD.
    pub(super) mark_usd: [f64; K],
    /// Mark at the start of each step, USD.
    pub(super) start_usd: [f64; K],
    /// Funding at the end of each step on a short of one unit, USD.
    pub(super) unit_funding_usd: [f64; K],
    /// Value of the inventory at the end of each step, USD; 0 where nobody asks for wealth.
    pub(super) inventory_usd: [f64; K],
    /// Lowest mark at a step's end and highest mark at all, USD.
    range_usd: (f64, f64),
}

impl<const K: usize> LaneMarks<K> {
    /// Nothing seen yet.
    pub(super) const EMPTY: Self = Self {
        mark_usd: [0.0; K],
        start_usd: [0.0; K],
        unit_funding_usd: [0.0; K],
        inventory_usd: [0.0; K],
        range_usd: (0.0, 0.0),
    };

    /// One lane of a stretch, with the inventory if wealth is followed (`WEALTH`).
    #[inline(always)]
    pub(super) fn new<const WEALTH: bool>(stretch: &Stretch<'_, K>, lane: usize) -> Self {
        let mut mark_usd = [0.0; K];
        let mut starts_usd = [0.0; K];
        let mut unit_funding_usd = [0.0; K];
        let mut inventory_usd = [0.0; K];
        let mut range_usd: (f64, f64) = (f64::INFINITY, 0.0);
        let mut start_usd = stretch.start_mark_usd[lane];
        for i in 0..K {
            let end_usd = stretch.mark_usd[i][lane];
            mark_usd[i] = end_usd;
            starts_usd[i] = start_usd;
            if stretch.is_stamp[i] {
                unit_funding_usd[i] = end_usd * stretch.funding_rate[i][lane];
            }
            if WEALTH {
                inventory_usd[i] = stretch.quantity_base * stretch.spot_usd[i][lane];
            }
            range_usd.0 = smaller(end_usd, range_usd.0);
            range_usd.1 = larger(larger(start_usd, end_usd), range_usd.1);
            start_usd = end_usd;
        }
        Self {
            mark_usd,
            start_usd: starts_usd,
            unit_funding_usd,
            inventory_usd,
            range_usd,
        }
    }
}

/// Far more than rounding does to a level, as a fraction of it.
const ROUNDING: f64 = 1e-9;

/// Two neighbouring brackets, or one twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct BracketPair<'a> {
    pub(super) low: &'a MarginBracket,
    high: &'a MarginBracket,
}

impl<'a> BracketPair<'a> {
    /// The brackets in which all notionals from `least_usd` to `most_usd` stand, unless they are more than two. They are
    /// looked for from bracket `first` on.
    #[inline(always)]
    fn find(venue: &'a ContractRules, first: usize, least_usd: f64, most_usd: f64) -> Option<Self> {
        let brackets = &venue.brackets[..];
        let mut first = first;
        while first > 0 && least_usd <= brackets[first].floor_usd {
            first -= 1;
        }
        let last = brackets.len() - 1;
        let is_under = |bracket: &&MarginBracket| bracket.cap_usd < least_usd;
        let index = last.min(first + brackets[first..].iter().take_while(is_under).count());
        let low = &brackets[index];
        let high = if most_usd <= low.cap_usd {
            low
        } else {
            &brackets[last.min(index + 1)]
        };
        (most_usd <= high.cap_usd || index + 1 >= last).then_some(Self { low, high })
    }
}

/// The maintenance margin of each step's notional: of all at once where they stand in two brackets.
#[inline(always)]
fn maintenances<const K: usize>(
    venue: &ContractRules,
    pair: Option<BracketPair<'_>>,
    notional_usd: &[f64; K],
) -> [f64; K] {
    let mut out = [0.0; K];
    if let Some(BracketPair { low, high }) = pair {
        // Copies: a choice between places in memory is not made side by side.
        let (low, high) = (*low, *high);
        for i in 0..K {
            let is_low = notional_usd[i] <= low.cap_usd;
            let rate = if is_low { low.rate } else { high.rate };
            let deduction_usd = if is_low {
                low.deduction_usd
            } else {
                high.deduction_usd
            };
            out[i] = notional_usd[i] * rate - deduction_usd;
        }
    } else {
        for i in 0..K {
            out[i] = venue.maintenance_margin_usd(notional_usd[i]);
        }
    }
    out
}

/// What the steps of a stretch mean for a position, whatever cash is beside it. Shape of each array: `[K]`, in USD.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position<'a, const K: usize> {
    /// Actual and planned short, base units.
    pub(super) sizes_base: (f64, f64),
    /// Where to look first for the brackets.
    pub(super) first_bracket: usize,
    /// The brackets in which all notionals stand, unless they are more than two.
    pub(super) pair: Option<BracketPair<'a>>,
    /// Steps at whose end the planned hedge ratio is outside its band, as bits.
    pub(super) outside: u64,
    /// Notional at the end.
    pub(super) notional_usd: [f64; K],
    /// Maintenance margin at the end.
    pub(super) maintenance_usd: [f64; K],
    /// Equity that liquidates at the end.
    pub(super) trigger_usd: [f64; K],
    /// What the planned short needs beside its own cash.
    pub(super) needed_usd: [f64; K],
}

impl<'a, const K: usize> Position<'a, K> {
    /// The position of actual and planned `sizes_base`; its brackets are looked for from `first_bracket` on.
    #[inline(always)]
    pub(super) fn new(
        rules: &'a ProgrammeRules,
        marks: &LaneMarks<K>,
        sizes_base: (f64, f64),
        first_bracket: usize,
    ) -> Self {
        let (short_base, planned_base) = sizes_base;
        // A flat account has no margin to look after.
        let open_base = if short_base > 0.0 {
            short_base
        } else {
            planned_base
        };
        let (lowest_usd, highest_usd) = marks.range_usd;
        // Both factors are at least 1.
        let pair = BracketPair::find(
            &rules.venue,
            first_bracket,
            smaller(open_base, planned_base) * lowest_usd,
            larger(
                open_base * highest_usd * rules.clearance,
                planned_base * (highest_usd * rules.requirement_shift),
            ),
        );
        // Short loops from arrays to arrays are what the compiler turns into SIMD.
        let fee_frac = rules.venue.trigger_fee_frac();
        let (mut notional_usd, mut shifted_usd) = ([0.0; K], [0.0; K]);
        for i in 0..K {
            notional_usd[i] = short_base * marks.mark_usd[i];
            shifted_usd[i] = planned_base * (marks.mark_usd[i] * rules.requirement_shift);
        }
        let maintenance_usd = maintenances(&rules.venue, pair, &notional_usd);
        let mut needed_usd = maintenances(&rules.venue, pair, &shifted_usd);
        let mut trigger_usd = [0.0; K];
        for i in 0..K {
            trigger_usd[i] = maintenance_usd[i] + fee_frac * notional_usd[i];
            needed_usd[i] += fee_frac * shifted_usd[i];
            needed_usd[i] += shifted_usd[i];
        }
        Self {
            sizes_base,
            first_bracket,
            pair,
            outside: 0,
            notional_usd,
            maintenance_usd,
            trigger_usd,
            needed_usd,
        }
    }

    /// How near the marks of the steps come to the level of an account that has at least `cash_usd`, jumps aside; `None`
    /// where that is not told.
    #[inline(always)]
    pub(super) fn nearness(
        &self,
        rules: &ProgrammeRules,
        marks: &LaneMarks<K>,
        cash_usd: f64,
    ) -> Option<Nearness<K>> {
        let BracketPair { low, high } = self.pair?;
        let (short_base, _) = self.sizes_base;
        let fee_frac = rules.venue.trigger_fee_frac();
        let level_of = |rate: f64, deduction_usd: f64| {
            (cash_usd + deduction_usd) / (short_base * (1.0 + rate + fee_frac))
        };
        // A little under the least level of the two brackets and of an equity of 0.
        let level_usd = (1.0 - ROUNDING)
            * smaller(
                level_of(0.0, 0.0),
                smaller(
                    level_of(low.rate, low.deduction_usd),
                    level_of(high.rate, high.deduction_usd),
                ),
            );
        let is_bridge = rules.crossing == Crossing::Bridge;
        let mut product_usd2 = [0.0; K];
        for i in 0..K {
            let to_usd = level_usd - marks.mark_usd[i];
            let from_usd = if is_bridge {
                level_usd - marks.start_usd[i]
            } else {
                1.0
            };
            let is_under = smaller(from_usd, to_usd) > 0.0;
            product_usd2[i] = if is_under { from_usd * to_usd } else { -1.0 };
        }
        // The bound of `MarkStep::surely_misses`; at the ends alone nothing is drawn.
        let halving_usd2 = if is_bridge {
            rules.step_variance / (2.0 * LOG2_E) * level_usd * level_usd
        } else {
            0.0
        };
        Some(Nearness {
            product_usd2,
            halving_usd2,
        })
    }
}

/// How near marks come to a level: a bridge crosses it with a probability of at most 2 to the power of minus the product of a
/// step's two distances over [`Self::halving_usd2`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Nearness<const K: usize> {
    /// The product of the distances of each step's two ends; -1 where one is not under the level.
    product_usd2: [f64; K],
    /// What halves the probability.
    halving_usd2: f64,
}

impl<const K: usize> Nearness<K> {
    /// Whether the bridge of step `i` surely misses the level if its uniform is at least 2 to the power of minus `halvings`.
    #[inline(always)]
    pub(super) fn misses(&self, i: usize, halvings: f64) -> bool {
        self.product_usd2[i] >= halvings * self.halving_usd2
    }

    /// The steps, as bits, whose bridges do not surely miss the level with these halvings.
    #[inline(always)]
    pub(super) fn near_steps(&self, halvings: &[f64; K]) -> u64 {
        let mut bits = 0;
        for i in 0..K {
            bits |= u64::from(!self.misses(i, halvings[i])) << i;
        }
        bits
    }

    /// The steps, as bits, that not every uniform misses.
    #[inline(always)]
    pub(super) fn steps(&self) -> u64 {
        self.near_steps(&[MOST_HALVINGS; K])
    }
}

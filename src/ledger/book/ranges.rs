//! The brackets in which any lane's notional of a leg can stand during a tile.

use multiversion::multiversion;

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::series::Series;
use crate::ledger::calm::MarginLine;
use crate::market::tile::{LaneArray, MarketTile};

/// The brackets that any lane's notional of one leg can stand in during the tile.
#[derive(Debug, Clone)]
pub(super) struct LegRange {
    /// All brackets' lines.
    lines: Vec<MarginLine>,
    /// Least and largest size without sign, actual or planned, of any lane in which it is not flat.
    sizes: (f64, f64),
    /// Whether any of these sizes is above 0, and whether any is under it.
    sides: [bool; 2],
    /// Least and largest unit of the tile.
    units: (f64, f64),
    /// What units are tested at may lie so far from them.
    reach: f64,
    brackets: std::ops::RangeInclusive<usize>,
}

impl LegRange {
    /// Of a contract; no size is covered yet.
    pub(super) fn new(contract: &ContractRule) -> Self {
        let lines: Vec<MarginLine> = contract
            .venue
            .brackets
            .iter()
            .map(|bracket| MarginLine {
                rate: bracket.rate,
                deduction_usd: bracket.deduction_usd,
            })
            .collect();
        let most = |series: &[f64]| series.iter().copied().fold(1.0, f64::max);
        Self {
            brackets: 0..=lines.len() - 1,
            lines,
            sizes: (f64::INFINITY, 0.0),
            sides: [false; 2],
            units: (0.0, 0.0),
            reach: most(&contract.clearances).max(most(&contract.shifts)),
        }
    }

    /// No size is covered.
    pub(super) fn forget_sizes(&mut self) {
        self.sizes = (f64::INFINITY, 0.0);
        self.sides = [false; 2];
    }

    /// Looks at the sizes at a tile's start and at its prices of contract `index`.
    pub(super) fn enter(
        &mut self,
        index: usize,
        contract: &ContractRule,
        sizes: [&LaneArray; 2],
        series: &Series,
        tile: &MarketTile,
    ) {
        self.sizes = (f64::INFINITY, 0.0);
        for sizes in sizes {
            widen_to_open(sizes, &mut self.sizes);
        }
        let mut units = (f64::INFINITY, 0.0);
        widen(series.units(tile, index), &mut units);
        for k in 0..tile.steps {
            if contract.is_rolled(tile.first_step + k) {
                let after = series.unit_at_start(tile, index, k);
                widen(std::slice::from_ref(after), &mut units);
            }
        }
        self.units = units;
        self.set_brackets(contract);
    }

    /// Sizes of some lane, which may be new.
    pub(super) fn cover_sizes(&mut self, contract: &ContractRule, sizes: [f64; 2]) {
        let before = self.sizes;
        for size in sizes {
            if !self.is_covered(size) {
                self.cover(size);
            }
        }
        if self.sizes != before {
            self.set_brackets(contract);
        }
    }

    /// The lines that count.
    pub(super) fn lines(&self) -> &[MarginLine] {
        &self.lines[self.brackets.clone()]
    }

    /// The first bracket of these.
    pub(super) fn first_bracket(&self) -> usize {
        *self.brackets.start()
    }

    /// Whether no lane has a size under 0.
    pub(super) fn is_upward(&self) -> bool {
        !self.sides[1]
    }

    /// Whether no lane has a size above 0.
    pub(super) fn is_downward(&self) -> bool {
        !self.sides[0]
    }

    /// Whether a size is inside what is covered already.
    fn is_covered(&self, size: f64) -> bool {
        let (least, most) = self.sizes;
        let is_inside = least <= size.abs() && size.abs() <= most;
        size == 0.0 || (is_inside && self.sides[usize::from(size < 0.0)])
    }

    fn cover(&mut self, size: f64) {
        self.sides[0] |= size > 0.0;
        self.sides[1] |= size < 0.0;
        let size = size.abs();
        if size > 0.0 {
            self.sizes = (self.sizes.0.min(size), self.sizes.1.max(size));
        }
    }

    fn set_brackets(&mut self, contract: &ContractRule) {
        let last = self.lines.len() - 1;
        self.brackets = if contract.margins_entry {
            0..=last
        } else if self.sizes.1 == 0.0 {
            // Of nothing, every line asks nothing.
            0..=0
        } else {
            let least = self.sizes.0 * self.units.0 / self.reach;
            let most = self.sizes.1 * self.units.1 * self.reach;
            contract.venue.bracket_index(least)..=contract.venue.bracket_index(most)
        };
    }
}

/// Widens a range to rows of positive numbers: their bits are in the same order, and integers are compared across lanes without a
/// fixed order.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn widen(rows: &[LaneArray], range: &mut (f64, f64)) {
    let (mut least, mut most) = (
        range.0.to_bits().cast_signed(),
        range.1.to_bits().cast_signed(),
    );
    for value in rows.as_flattened() {
        let bits = value.to_bits().cast_signed();
        least = least.min(bits);
        most = most.max(bits);
    }
    *range = (
        f64::from_bits(least.cast_unsigned()),
        f64::from_bits(most.cast_unsigned()),
    );
}

/// Widens a range to the sizes, without sign, of the lanes that are not flat.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn widen_to_open(sizes: &LaneArray, range: &mut (f64, f64)) {
    let (mut least, mut most) = (
        range.0.to_bits().cast_signed(),
        range.1.to_bits().cast_signed(),
    );
    for size in sizes {
        let bits = size.abs().to_bits().cast_signed();
        least = least.min(if bits == 0 { i64::MAX } else { bits });
        most = most.max(bits);
    }
    *range = (
        f64::from_bits(least.cast_unsigned()),
        f64::from_bits(most.cast_unsigned()),
    );
}

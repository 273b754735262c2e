//! The market's lane loops, compiled for each SIMD level and chosen when the program runs.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::market::basis::BasisModel;
use crate::market::funding::PremiumFormula;
use crate::market::tile::{LaneArray, ShockArray, TILE_STEPS};
use crate::math::vector::exp;
use crate::outcome::table::LANES;

/// Correlated standard normals: the independent ones, by asset and step, by their loadings.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn sum_shocks(
    independent: &[[ShockArray; TILE_STEPS]],
    loadings: &[f64],
    out: &mut [ShockArray; TILE_STEPS],
) {
    for (k, out) in out.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for (shocks, &loading) in independent.iter().zip(loadings) {
            for lane in 0..LANES {
                sum[lane] = f64::from(shocks[k][lane]).mul_add(loading, sum[lane]);
            }
        }
        for lane in 0..LANES {
            out[lane] = narrow(sum[lane]);
        }
    }
}

/// A shock in the precision of one.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "shocks have single precision"
)]
fn narrow(shock: f64) -> f32 {
    shock as f32
}

/// Spots stay within these, USD, whatever is asked for: a price of 0 or infinity has no logarithm.
const PRICE_RANGE_USD: (f64, f64) = (1e-150, 1e150);

/// A price brought into [`PRICE_RANGE_USD`].
#[inline(always)]
fn within_range(price_usd: f64) -> f64 {
    let (least, most) = PRICE_RANGE_USD;
    let price_usd = if price_usd < least { least } else { price_usd };
    if price_usd > most { most } else { price_usd }
}

/// Factor on a price of a jump of its logarithm.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(crate) fn jump_factor(log_size: f64) -> f64 {
    exp(log_size)
}

/// `1 / n!`, from `n = 0`: the coefficients of the exponential.
const INVERSE_FACTORIALS: [f64; 13] = [
    1.0,
    1.0,
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
];

/// Which polynomial stands for the exponential of a plan's small numbers; the shorter, the smaller they surely are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Smallness {
    /// Up to 0.016: degree 6.
    Tiny,
    /// Up to 0.1: degree 9.
    Small,
    /// Up to 0.16: degree 10.
    Moderate,
    /// Up to 0.25: degree 12.
    Large,
    /// Beyond: no polynomial.
    Any,
}

impl Smallness {
    /// What is enough for all `|x| < bound`: the first term left out is under `2^-53`.
    pub(crate) fn of(bound: f64) -> Self {
        let limits = [
            (0.016, Self::Tiny),
            (0.1, Self::Small),
            (0.16, Self::Moderate),
            (0.25, Self::Large),
        ];
        limits
            .into_iter()
            .find(|(limit, _)| bound < *limit)
            .map_or(Self::Any, |(_, smallness)| smallness)
    }
}

/// Taylor polynomial of `exp(x)` of degree `DEGREE`, error about 1 ulp where [`Smallness`] allows it; `exp` itself for
/// degree 0. Horner's scheme: one instruction a term, where the constants come from memory.
#[inline(always)]
fn exp_to_degree<const DEGREE: usize>(x: f64) -> f64 {
    if DEGREE == 0 {
        return exp(x);
    }
    let mut sum = INVERSE_FACTORIALS[DEGREE];
    for n in (0..DEGREE).rev() {
        sum = sum.mul_add(x, INVERSE_FACTORIALS[n]);
    }
    sum
}

/// Moves spots over a tile without their jumps: each step multiplies by `exp(factor * z + drift)`.
///
/// `spot_usd` is the spot before the tile and becomes that at its end; `DEGREE` is that of the moves'
/// [`Smallness`], 0 for none.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn move_spots<const DEGREE: usize>(
    shocks: &[ShockArray; TILE_STEPS],
    factor: f64,
    drift: f64,
    spot_usd: &mut LaneArray,
    out: &mut [LaneArray; TILE_STEPS],
) {
    for lane in 0..LANES {
        let mut spot = spot_usd[lane];
        for k in 0..TILE_STEPS {
            let log_move = f64::from(shocks[k][lane]).mul_add(factor, drift);
            spot *= exp_to_degree::<DEGREE>(log_move);
            spot = within_range(spot);
            out[k][lane] = spot;
        }
        spot_usd[lane] = spot;
    }
}

/// What moves one contract over a tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContractMoves<'a> {
    pub(crate) basis: &'a BasisModel,
    /// Spot of the underlying at the end of each step, USD.
    pub(crate) spot_usd: &'a [LaneArray; TILE_STEPS],
    /// The underlying's own standard normals; read only where the basis uses them.
    pub(crate) spot_shocks: &'a [ShockArray; TILE_STEPS],
    /// The basis's own standard normals.
    pub(crate) own_shocks: &'a [ShockArray; TILE_STEPS],
}

impl ContractMoves<'_> {
    /// One exact step of the basis, told by how far it is `away` from its mean: its new distance, and the step's expected
    /// average given its ends.
    #[inline(always)]
    fn step_basis<const USES_SPOT: bool>(&self, k: usize, lane: usize, away: f64) -> (f64, f64) {
        let law = &self.basis.step;
        let own = f64::from(self.own_shocks[k][lane]);
        let level = away.mul_add(law.average_decay, self.basis.mean);
        let mut average = own.mul_add(law.z_on_y_own, level);
        let mut next = own.mul_add(law.y_own, away * law.decay);
        if USES_SPOT {
            let spot = f64::from(self.spot_shocks[k][lane]);
            average = spot.mul_add(law.z_on_x, average);
            next = spot.mul_add(law.y_on_x, next);
        }
        (next, average)
    }

    /// `mark = spot * exp(basis)`.
    #[inline(always)]
    fn mark_usd<const DEGREE: usize>(&self, k: usize, lane: usize, away: f64) -> f64 {
        let mark_usd = self.spot_usd[k][lane] * exp_to_degree::<DEGREE>(self.basis.mean + away);
        if DEGREE == 0 {
            within_range(mark_usd)
        } else {
            mark_usd
        }
    }
}

/// Moves basis and marks over a tile; `DEGREE` is that of the basis's [`Smallness`], 0 for none.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn move_marks<const DEGREE: usize, const USES_SPOT: bool>(
    moves: &ContractMoves<'_>,
    basis: &mut LaneArray,
    mark_usd: &mut [LaneArray; TILE_STEPS],
) {
    for lane in 0..LANES {
        let mut away = basis[lane] - moves.basis.mean;
        for (k, marks_usd) in mark_usd.iter_mut().enumerate() {
            (away, _) = moves.step_basis::<USES_SPOT>(k, lane, away);
            marks_usd[lane] = moves.mark_usd::<DEGREE>(k, lane, away);
        }
        basis[lane] = moves.basis.mean + away;
    }
}

/// What turns the carry of a dated future into its basis, over a tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenors {
    /// Years to expiry at the end of each step.
    pub(crate) years: [f64; TILE_STEPS],
    /// What a year more to expiry adds to the carry.
    pub(crate) slope_per_year: f64,
}

/// Moves the carry and the marks of a dated future over a tile: `mark = spot * exp((y + slope tau) tau)`. `DEGREE` is that
/// of the basis's [`Smallness`], 0 for none. `carries` and `mark_usd` are at the steps' ends.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn move_dated<const DEGREE: usize, const USES_SPOT: bool>(
    moves: &ContractMoves<'_>,
    tenors: &Tenors,
    carry: &mut LaneArray,
    carries: &mut [LaneArray; TILE_STEPS],
    mark_usd: &mut [LaneArray; TILE_STEPS],
) {
    for lane in 0..LANES {
        let mut away = carry[lane] - moves.basis.mean;
        for k in 0..TILE_STEPS {
            (away, _) = moves.step_basis::<USES_SPOT>(k, lane, away);
            let level = moves.basis.mean + away;
            let years = tenors.years[k];
            let basis = tenors.slope_per_year.mul_add(years, level) * years;
            carries[k][lane] = level;
            mark_usd[k][lane] =
                within_range(moves.spot_usd[k][lane] * exp_to_degree::<DEGREE>(basis));
        }
        carry[lane] = moves.basis.mean + away;
    }
}

/// The stamps of a premium formula over a tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamps<'a> {
    pub(crate) formula: PremiumFormula,
    /// Standard deviation of an interval's average premium beyond what the step ends tell.
    pub(crate) noise: f64,
    /// Its standard normals, at the step of the stamp.
    pub(crate) normals: &'a [ShockArray; TILE_STEPS],
    /// Whether a stamp ends the step.
    pub(crate) is_stamp: [bool; TILE_STEPS],
}

/// [`move_marks`] with funding rates from each interval's average premium. `premium_sum` is the sum of the current
/// interval's averages; `EACH_STEP` says that every step is an interval.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn move_marks_and_rates<
    const DEGREE: usize,
    const USES_SPOT: bool,
    const EACH_STEP: bool,
>(
    moves: &ContractMoves<'_>,
    stamps: &Stamps<'_>,
    basis: &mut LaneArray,
    premium_sum: &mut LaneArray,
    mark_usd: &mut [LaneArray; TILE_STEPS],
    rates: &mut [LaneArray; TILE_STEPS],
) {
    let share = 1.0 / stamps.formula.interval_steps as f64;
    for lane in 0..LANES {
        let mut away = basis[lane] - moves.basis.mean;
        let mut sum = premium_sum[lane];
        for k in 0..TILE_STEPS {
            let average;
            (away, average) = moves.step_basis::<USES_SPOT>(k, lane, away);
            mark_usd[k][lane] = moves.mark_usd::<DEGREE>(k, lane, away);
            let z = f64::from(stamps.normals[k][lane]);
            if EACH_STEP {
                rates[k][lane] = stamps.formula.rate(z.mul_add(stamps.noise, average));
            } else {
                sum += average;
                rates[k][lane] = stamps.formula.rate(z.mul_add(stamps.noise, sum * share));
                sum = if stamps.is_stamp[k] { 0.0 } else { sum };
            }
        }
        basis[lane] = moves.basis.mean + away;
        premium_sum[lane] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::Smallness::{Any, Large, Moderate, Small, Tiny};
    use super::*;

    fn worst_error<const DEGREE: usize>(limit: f64) -> f64 {
        (-1000..=1000)
            .map(|i| limit * f64::from(i) / 1000.0)
            .map(|x| (exp_to_degree::<DEGREE>(x) / x.exp() - 1.0).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn the_polynomials_are_the_exponential() {
        let kinds = [0.015, 0.09, 0.15, 0.24, 0.25].map(Smallness::of);
        assert_eq!(kinds, [Tiny, Small, Moderate, Large, Any]);
        assert!(worst_error::<6>(0.016) < 4e-16);
        assert!(worst_error::<9>(0.1) < 4e-16);
        assert!(worst_error::<10>(0.16) < 4e-16);
        assert!(worst_error::<12>(0.25) < 4e-16);
        assert!(worst_error::<0>(1.0) < 4e-16);
    }
}

//! The market's lane loops, compiled for each SIMD level and chosen when the program runs.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::market::basis::BasisModel;
use crate::market::funding::PremiumFormula;
use crate::market::small_exp::{SMALL_BASIS, ScaledExp};
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

/// Spots are brought within these, USD, before each tile, or each step where a move may be of any size: a price of 0 or
/// infinity has no logarithm.
const PRICE_RANGE_USD: (f64, f64) = (1e-150, 1e150);

/// A price brought into [`PRICE_RANGE_USD`].
#[inline(always)]
fn within_range(price_usd: f64) -> f64 {
    let (least, most) = PRICE_RANGE_USD;
    let price_usd = if price_usd < least { least } else { price_usd };
    if price_usd > most { most } else { price_usd }
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
    let growth = ScaledExp::<DEGREE>::new(1.0);
    for lane in 0..LANES {
        let mut spot = within_range(spot_usd[lane]);
        for k in 0..TILE_STEPS {
            let log_move = f64::from(shocks[k][lane]).mul_add(factor, drift);
            spot *= growth.at(log_move);
            if DEGREE == 0 {
                spot = within_range(spot);
            }
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
    /// One exact step of the basis, told by how far it is `away` from its mean: its new distance.
    #[inline(always)]
    fn step_basis<const USES_SPOT: bool>(&self, k: usize, lane: usize, away: f64) -> f64 {
        let law = &self.basis.step;
        let own = f64::from(self.own_shocks[k][lane]);
        let next = own.mul_add(law.y_own, away * law.decay);
        if USES_SPOT {
            let spot = f64::from(self.spot_shocks[k][lane]);
            spot.mul_add(law.y_on_x, next)
        } else {
            next
        }
    }

    /// `mark = spot * exp(basis)`; `factor` holds the mean's part.
    #[inline(always)]
    fn mark_usd<const DEGREE: usize>(
        &self,
        k: usize,
        lane: usize,
        factor: &ScaledExp<DEGREE>,
        away: f64,
    ) -> f64 {
        let mark_usd = self.spot_usd[k][lane] * factor.at(away);
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
    let factor = ScaledExp::<DEGREE>::new(exp(moves.basis.mean));
    for lane in 0..LANES {
        let mut away = basis[lane] - moves.basis.mean;
        for (k, marks_usd) in mark_usd.iter_mut().enumerate() {
            away = moves.step_basis::<USES_SPOT>(k, lane, away);
            marks_usd[lane] = moves.mark_usd(k, lane, &factor, away);
        }
        basis[lane] = moves.basis.mean + away;
    }
}

/// The largest of the numbers without their signs.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn largest_size(row: &LaneArray) -> f64 {
    // Bits of numbers without a sign are in their order, and integers are compared across lanes without a fixed order.
    let bits = row.iter().map(|number| number.abs().to_bits());
    f64::from_bits(bits.fold(0, u64::max))
}

/// What turns the carry of a dated future into its basis, over a tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenors {
    /// Years to expiry at the end of each step.
    pub(crate) years: [f64; TILE_STEPS],
    /// What a year more to expiry adds to the carry.
    pub(crate) slope_per_year: f64,
}

/// Moves the carry and the marks of a dated future over a tile: `mark = spot * exp((y + slope tau) tau)`. `IS_WIDE` says that some
/// basis may not be under [`SMALL_BASIS`]; what is gives the same bits either way. `carries` and `mark_usd` are at the steps' ends.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn move_dated<const IS_WIDE: bool, const USES_SPOT: bool>(
    moves: &ContractMoves<'_>,
    tenors: &Tenors,
    carry: &mut LaneArray,
    carries: &mut [LaneArray; TILE_STEPS],
    mark_usd: &mut [LaneArray; TILE_STEPS],
) {
    let growth = ScaledExp::<8>::new(1.0);
    let mean = moves.basis.mean;
    let mut away = *carry;
    for away in &mut away {
        *away -= mean;
    }
    // Step by step over the lanes, and the steps not unrolled: code that is run once a tile takes longer to fetch than to run.
    for k in 0..std::hint::black_box(TILE_STEPS) {
        let years = tenors.years[k];
        for lane in 0..LANES {
            away[lane] = moves.step_basis::<USES_SPOT>(k, lane, away[lane]);
            let level = mean + away[lane];
            carries[k][lane] = level;
            let basis = tenors.slope_per_year.mul_add(years, level) * years;
            let spot_usd = moves.spot_usd[k][lane];
            let near_usd = spot_usd * growth.at(basis);
            mark_usd[k][lane] = if IS_WIDE {
                let far_usd = within_range(spot_usd * exp(basis));
                let is_small = basis.abs() < SMALL_BASIS;
                if is_small { near_usd } else { far_usd }
            } else {
                near_usd
            };
        }
    }
    for lane in 0..LANES {
        carry[lane] = mean + away[lane];
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

/// What a step adds to the premium of its interval, in the formula's unit and divided by the steps of an interval: the
/// law of a step's average given its ends.
#[derive(Debug, Clone, Copy)]
struct StepPremium {
    /// Of the mean.
    mean: f64,
    /// On the basis's distance from it at the start.
    on_away: f64,
    /// On the spot's normal.
    on_spot: f64,
    /// On the basis's own normal.
    on_own: f64,
}

impl StepPremium {
    #[inline(always)]
    fn new(basis: &BasisModel, formula: &PremiumFormula) -> Self {
        let scale = formula.interval_factor / formula.interval_steps as f64;
        Self {
            mean: basis.mean * scale,
            on_away: basis.step.average_decay * scale,
            on_spot: basis.step.z_on_x * scale,
            on_own: basis.step.z_on_y_own * scale,
        }
    }

    #[inline(always)]
    fn of<const USES_SPOT: bool>(
        &self,
        moves: &ContractMoves<'_>,
        k: usize,
        lane: usize,
        away: f64,
    ) -> f64 {
        let own = f64::from(moves.own_shocks[k][lane]);
        let premium = own.mul_add(self.on_own, away.mul_add(self.on_away, self.mean));
        if USES_SPOT {
            f64::from(moves.spot_shocks[k][lane]).mul_add(self.on_spot, premium)
        } else {
            premium
        }
    }
}

/// [`move_marks`] with funding rates from each interval's average premium. `premium_sum` is what the steps of the
/// current interval have added to it; `EACH_STEP` says that every step is an interval.
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
    let formula = stamps.formula;
    let step_premium = StepPremium::new(moves.basis, &formula);
    let noise = stamps.noise * formula.interval_factor;
    let factor = ScaledExp::<DEGREE>::new(exp(moves.basis.mean));
    // A stamp ends an interval; a factor, because a branch would keep the loop from SIMD.
    let kept = stamps.is_stamp.map(|is_stamp| f64::from(!is_stamp));
    for lane in 0..LANES {
        let mut away = basis[lane] - moves.basis.mean;
        let mut sum = premium_sum[lane];
        for k in 0..TILE_STEPS {
            let premium = step_premium.of::<USES_SPOT>(moves, k, lane, away);
            away = moves.step_basis::<USES_SPOT>(k, lane, away);
            mark_usd[k][lane] = moves.mark_usd(k, lane, &factor, away);
            let z = f64::from(stamps.normals[k][lane]);
            if EACH_STEP {
                rates[k][lane] = formula.rate(z.mul_add(noise, premium));
            } else {
                sum += premium;
                rates[k][lane] = formula.rate(z.mul_add(noise, sum));
                sum *= kept[k];
            }
        }
        basis[lane] = moves.basis.mean + away;
        premium_sum[lane] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_size_forgets_signs() {
        let mut row = [0.25; LANES];
        (row[5], row[40]) = (1.5, -2.5);
        assert_eq!(largest_size(&row).to_bits(), 2.5f64.to_bits());
    }

    #[test]
    fn a_small_basis_has_the_same_bits_beside_large_ones() {
        use crate::market::basis::BasisModel;
        use crate::plan::types::OuBasis;
        let basis = BasisModel::new(&OuBasis::NONE, 1.0 / 1095.0);
        let moves = ContractMoves {
            basis: &basis,
            spot_usd: &[[3500.0; LANES]; TILE_STEPS],
            spot_shocks: &[[0.0; LANES]; TILE_STEPS],
            own_shocks: &[[0.0; LANES]; TILE_STEPS],
        };
        let tenors = Tenors {
            years: [0.25; TILE_STEPS],
            slope_per_year: 0.0,
        };
        let zero = [[0.0; LANES]; TILE_STEPS];
        let marks = |is_wide: bool| {
            let mut carry = std::array::from_fn(|lane| 0.02 * lane as f64);
            let (mut carries, mut mark_usd) = (zero, zero);
            let advance = if is_wide {
                move_dated::<true, false>
            } else {
                move_dated::<false, false>
            };
            advance(&moves, &tenors, &mut carry, &mut carries, &mut mark_usd);
            (carries[7], mark_usd[7])
        };
        let ((carries, wide), (_, narrow)) = (marks(true), marks(false));
        assert!(carries.iter().any(|carry| 0.25 * carry > 2.0 * SMALL_BASIS));
        for lane in 0..LANES {
            let basis = 0.25 * carries[lane];
            assert!((wide[lane] / (3500.0 * basis.exp()) - 1.0).abs() < 2e-15);
            if basis < SMALL_BASIS {
                assert_eq!(wide[lane].to_bits(), narrow[lane].to_bits());
            }
        }
    }
}

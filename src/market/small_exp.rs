//! The exponential of small numbers, as short a polynomial as they allow.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use crate::math::vector::exp;

/// The exponential of a dated future's basis under this in size is its own polynomial.
pub(crate) const SMALL_BASIS: f64 = 0.125;

/// The exponential of numbers under 0.04 in size, from the constant term up: the error is below `7e-6 |x|^3`.
const EXP_4: [f64; 5] = [
    1.0,
    1.0,
    0.5,
    0.166_673_333_460_318_87,
    0.041_667_777_793_650_93,
];
/// The exponential of numbers under 0.125 in size: the error is below `7e-7 |x|^3`.
const EXP_5: [f64; 6] = [
    1.0,
    1.0,
    0.5,
    0.166_666_666_666_666_66,
    0.041_682_946_114_756_564,
    0.008_335_658_860_625_365,
];
/// The exponential of numbers under 0.25 in size: the error is below `1.1e-7 |x|^3`.
const EXP_6: [f64; 7] = [
    1.0,
    1.0,
    0.5,
    0.166_666_569_701_326_18,
    0.041_666_654_548_103_3,
    0.008_345_743_550_578_47,
    0.001_390_439_930_378_174_5,
];
/// The exponential of numbers under [`SMALL_BASIS`] in size: the error is below `3.4e-13 |x|^3`, that is 1e-15.
const EXP_8: [f64; 9] = [
    1.0,
    1.0,
    0.5,
    0.166_666_666_666_995_26,
    0.041_666_666_666_699_52,
    0.008_333_332_954_813_488,
    0.001_388_888_851_038_198_7,
    0.000_198_477_296_201_833_23,
    2.480_804_690_845_152e-5,
];
/// Which polynomial stands for the exponential of a plan's small numbers; the shorter, the smaller they surely are.
///
/// Our own Chebyshev fits (60-digit arithmetic) of what is left of the series after its square, so that the error vanishes
/// with the cube of the number. A move is known to 1e-7 of its size, the precision of a shock: the largest errors, of the largest moves,
/// are a fifth of that, and those of usual moves a thousand times less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Smallness {
    /// Under 0.04: degree 4.
    Tiny,
    /// Under 0.125: degree 5.
    Small,
    /// Under 0.25: degree 6.
    Moderate,
    /// Beyond: no polynomial.
    Any,
}

impl Smallness {
    /// What is enough for all `|x| < bound`.
    pub(crate) fn of(bound: f64) -> Self {
        let limits = [
            (0.04, Self::Tiny),
            (0.125, Self::Small),
            (0.25, Self::Moderate),
        ];
        limits
            .into_iter()
            .find(|(limit, _)| bound < *limit)
            .map_or(Self::Any, |(_, smallness)| smallness)
    }
}

/// The polynomial of degree `DEGREE`, from the constant term up.
#[inline(always)]
const fn coefficients<const DEGREE: usize>() -> &'static [f64] {
    match DEGREE {
        0 => &[],
        4 => &EXP_4,
        5 => &EXP_5,
        6 => &EXP_6,
        8 => &EXP_8,
        _ => unreachable!(),
    }
}

/// `exp(x)` times a number, by which the coefficients are multiplied beforehand; `exp` itself for degree 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScaledExp<const DEGREE: usize> {
    scale: f64,
    coefficients: [f64; EXP_8.len()],
}

impl<const DEGREE: usize> ScaledExp<DEGREE> {
    #[inline(always)]
    pub(crate) fn new(scale: f64) -> Self {
        let mut scaled = [0.0; EXP_8.len()];
        for (scaled, &coefficient) in scaled.iter_mut().zip(coefficients::<DEGREE>()) {
            *scaled = coefficient * scale;
        }
        Self {
            scale,
            coefficients: scaled,
        }
    }

    /// Horner's scheme: the fewest instructions.
    #[inline(always)]
    pub(crate) fn at(&self, x: f64) -> f64 {
        if DEGREE == 0 {
            return exp(x) * self.scale;
        }
        let mut sum = self.coefficients[DEGREE];
        for n in (0..DEGREE).rev() {
            sum = sum.mul_add(x, self.coefficients[n]);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::Smallness::{Any, Moderate, Small, Tiny};
    use super::*;

    /// The largest of the errors, each over the size of its number to a power.
    fn worst_error<const DEGREE: usize>(limit: f64, power: i32) -> f64 {
        let tripled = ScaledExp::<DEGREE>::new(3.0);
        (-1000..=1000)
            .map(|i| limit * f64::from(i) / 1000.0)
            .filter(|x| x.abs() > 4e-3)
            .map(|x| (tripled.at(x) / 3.0 - x.exp()).abs() / x.abs().powi(power))
            .fold(0.0, f64::max)
    }

    #[test]
    fn the_polynomials_are_the_exponential() {
        let kinds = [0.039, 0.12, 0.24, 0.25].map(Smallness::of);
        assert_eq!(kinds, [Tiny, Small, Moderate, Any]);
        assert!(worst_error::<4>(0.04, 3) < 7e-6);
        assert!(worst_error::<5>(0.125, 3) < 7e-7);
        assert!(worst_error::<6>(0.25, 3) < 1.1e-7);
        assert!(worst_error::<8>(SMALL_BASIS, 0) < 1e-15);
        assert!(worst_error::<0>(1.0, 0) < 1.4e-15);
    }

    #[test]
    fn nothing_moves_exactly_where_nothing_is_to_move() {
        for value in [
            ScaledExp::<4>::new(1.0).at(0.0),
            ScaledExp::<5>::new(1.0).at(0.0),
            ScaledExp::<6>::new(1.0).at(0.0),
            ScaledExp::<8>::new(1.0).at(0.0),
            ScaledExp::<0>::new(1.0).at(0.0),
        ] {
            assert_eq!(value.to_bits(), 1.0f64.to_bits());
        }
    }
}

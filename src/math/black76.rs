//! Black's 1976 formula for European options on a forward, without discounting: value and delta, fit for lane loops.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use crate::math::vector::{exp, ln};

/// Coefficients, lowest power first, of `(1 + x) cdf(-x) exp(x^2 / 2)` as a polynomial in `(x - 4.5) / (x + 4.5)`: our own
/// Chebyshev fit on `[0, infinity)` in 50-digit arithmetic, relative error below `2.3e-16`.
const SCALED_TAIL: [f64; 24] = [
    0.466_418_656_592_901_9,
    -0.094_456_758_888_186_85,
    0.023_842_964_769_117_25,
    0.018_922_656_662_711_217,
    -0.030_376_890_965_734_01,
    0.022_616_310_447_329_09,
    -0.010_591_085_337_338_032,
    0.002_711_246_098_793_18,
    0.000_119_255_693_666_125_45,
    -0.000_353_001_769_154_834_1,
    7.095_212_277_957_14e-5,
    3.383_501_690_066_194_4e-5,
    -1.489_612_688_853_040_6e-5,
    -3.585_852_162_494_649_5e-6,
    2.550_910_335_183_491e-6,
    5.261_852_829_657_51e-7,
    -4.278_383_980_924_101e-7,
    -1.079_818_425_384_373_1e-7,
    6.895_720_224_685_503e-8,
    2.428_650_397_767_223_6e-8,
    -9.328_009_813_128_233e-9,
    -4.453_291_002_793_951e-9,
    7.510_825_272_502_022e-10,
    4.478_329_687_727_237e-10,
];

/// Probability that a standard normal number is at most `x`, absolute error below `4e-16`: a straight line of operations.
#[inline(always)]
fn normal_cdf(x: f64) -> f64 {
    let size = x.abs();
    let place = (size - 4.5) / (size + 4.5);
    let mut sum = SCALED_TAIL[SCALED_TAIL.len() - 1];
    for coefficient in SCALED_TAIL[..SCALED_TAIL.len() - 1].iter().rev() {
        sum = sum.mul_add(place, *coefficient);
    }
    let tail = exp(-0.5 * size * size) * sum / (1.0 + size);
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// An undiscounted option: its value and what that changes for a unit of the forward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Black76 {
    /// Value, in the unit of forward and strike.
    pub value: f64,
    /// Derivative of the value by the forward.
    pub delta: f64,
}

/// A call (or put) on `forward` at `strike`, both positive, with `deviation` the standard deviation of the log forward up to
/// expiry, `volatility sqrt(time)`; 0 gives the intrinsic value, and a delta of 0 at the strike.
///
/// # Source
/// F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976) 167-179, doi
/// 10.1016/0304-405X(76)90024-6, with an interest rate of 0.
#[inline(always)]
pub fn black76(is_call: bool, forward: f64, strike: f64, deviation: f64) -> Black76 {
    let sign = if is_call { 1.0 } else { -1.0 };
    let intrinsic = sign * (forward - strike);
    let is_over = deviation <= 0.0;
    // Kept from 0 so that what is not used is no NaN.
    let spread = if is_over { 1.0 } else { deviation };
    let centre = ln(forward / strike) / spread;
    let upper = normal_cdf(sign * 0.5f64.mul_add(spread, centre));
    let lower = normal_cdf(sign * (-0.5f64).mul_add(spread, centre));
    let value = sign * (forward * upper - strike * lower);
    let is_in = intrinsic > 0.0;
    let at_expiry = Black76 {
        value: if is_in { intrinsic } else { 0.0 },
        delta: if is_in { sign } else { 0.0 },
    };
    Black76 {
        value: if is_over {
            at_expiry.value
        } else if value > 0.0 {
            value
        } else {
            0.0
        },
        delta: if is_over {
            at_expiry.delta
        } else {
            sign * upper
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::normal::cdf;

    fn near(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed - expected).abs() <= tolerance,
            "{computed} against {expected}"
        );
    }

    #[test]
    fn the_distribution_is_that_of_the_other_formula() {
        for i in -4000..=4000 {
            let x = f64::from(i) / 100.0;
            near(normal_cdf(x), cdf(x), 4e-16);
            if x < 0.0 && x > -37.0 {
                assert!((normal_cdf(x) / cdf(x) - 1.0).abs() < 1e-12, "{x}");
            }
        }
        assert!(normal_cdf(1e3) > 1.0 - 1e-15 && normal_cdf(-1e3) < 1e-300);
    }

    /// F = 100, rate 5 %, volatility 60 %, a quarter of a year: digits from 40-digit arithmetic.
    #[test]
    fn values_meet_reference_digits() {
        let (discount, deviation) = ((-0.05f64 * 0.25).exp(), 0.6 * 0.5);
        for (strike, call, put) in [
            (80.0, 23.242_041_214_1, 3.490_485_204_18),
            (100.0, 11.775_421_900_3, 11.775_421_900_3),
            (120.0, 5.372_979_702_99, 25.124_535_712_9),
        ] {
            let value = |is_call| discount * black76(is_call, 100.0, strike, deviation).value;
            near(value(true), call, 1e-10);
            near(value(false), put, 1e-10);
            // Parity.
            near(
                value(true) - value(false),
                discount * (100.0 - strike),
                1e-13,
            );
        }
    }

    /// At the money and 30 days: a coin-settled option is worth so many coins; a zero-cost collar; a put's delta.
    #[test]
    fn coin_values_collars_and_deltas_meet_reference_digits() {
        let deviation = 0.6 * (30.0f64 / 365.0).sqrt();
        near(
            black76(true, 100.0, 100.0, deviation).value / 100.0,
            0.068_539_407_182_5,
            1e-12,
        );
        let put = black76(false, 100.0, 90.0, deviation);
        let call = black76(true, 100.0, 112.399_637_66, deviation);
        near(put.value, call.value, 1e-8);
        near(put.delta, -0.242_427_189_805, 1e-11);
        near(
            black76(true, 100.0, 90.0, deviation).delta,
            put.delta + 1.0,
            1e-15,
        );
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these values are exact")]
    fn at_expiry_an_option_is_worth_its_intrinsic_value() {
        assert_eq!(black76(true, 120.0, 100.0, 0.0).value, 20.0);
        assert_eq!(black76(true, 120.0, 100.0, 0.0).delta, 1.0);
        assert_eq!(black76(false, 120.0, 100.0, 0.0).value, 0.0);
        assert_eq!(black76(false, 80.0, 100.0, 0.0).delta, -1.0);
        assert_eq!(black76(true, 100.0, 100.0, 0.0).value, 0.0);
        // Far from the strike it is worth no less, and never under 0.
        assert_eq!(black76(true, 1e-6, 100.0, 0.1).value, 0.0);
        assert!(black76(false, 1e6, 100.0, 0.1).value >= 0.0);
    }

    #[test]
    fn delta_is_the_derivative_of_the_value() {
        for is_call in [true, false] {
            for forward in [60.0, 95.0, 100.0, 140.0] {
                let up = black76(is_call, forward + 1e-4, 100.0, 0.3).value;
                let down = black76(is_call, forward - 1e-4, 100.0, 0.3).value;
                let delta = black76(is_call, forward, 100.0, 0.3).delta;
                near((up - down) / 2e-4, delta, 1e-8);
            }
        }
    }
}

//! The standard normal law: density, distribution function and quantile, to full relative precision in both tails.

#![allow(
    clippy::unreadable_literal,
    clippy::excessive_precision,
    reason = "coefficients and known digits read best as printed"
)]

/// Square root of `2 pi`, inverted: the density at 0.
const INVERSE_SQRT_TWO_PI: f64 = 0.3989422804014327;

/// `exp(-x^2 / 2)`, with the rounding error of the square kept out of the exponent.
///
/// A plain `x * x` loses `x^2` units in the last place; the leading bits of `x` square exactly.
fn half_square_decay(x: f64) -> f64 {
    let lead = (x.abs() * 16.0).trunc() / 16.0;
    let rest = (x.abs() - lead) * (x.abs() + lead);
    (-0.5 * lead * lead).exp() * (-0.5 * rest).exp()
}

/// Density of the standard normal law at `x`.
///
/// ```
/// assert!((hedgesim::math::normal::pdf(0.0) - 0.3989422804014327).abs() < 1e-16);
/// ```
pub fn pdf(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if x.abs() > 39.0 {
        return 0.0;
    }
    INVERSE_SQRT_TWO_PI * half_square_decay(x)
}

/// Probability that a standard normal number is at most `x`; the relative error stays near `1e-15` down to `1e-300`.
///
/// The upper tail is `cdf(-x)`, not `1 - cdf(x)`.
///
/// # Source
/// W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969) 631-637.
pub fn cdf(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    let size = x.abs();
    if size <= 0.67448975 {
        return 0.5 + central(x);
    }
    if size > 39.0 {
        return if x < 0.0 { 0.0 } else { 1.0 };
    }
    let scaled = if size <= 5.656854249492381 {
        middle_tail(size)
    } else {
        far_tail(size)
    };
    let tail = scaled * half_square_decay(x);
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// `cdf(-x) exp(x^2 / 2)`: the upper tail beyond `x` without its decay, so that it neither underflows nor meets an
/// overflowing factor. Meant for `x >= 0`; far below 0 it grows without bound.
pub fn scaled_upper_tail(x: f64) -> f64 {
    if x <= 0.67448975 {
        cdf(-x) * (0.5 * x * x).exp()
    } else if x <= 5.656854249492381 {
        middle_tail(x)
    } else {
        far_tail(x)
    }
}

/// `cdf(x) - 1/2` for `|x| <= 0.67448975`.
fn central(x: f64) -> f64 {
    const TOP: [f64; 5] = [
        18154.98125334356,
        1067.6894854603709,
        161.02823106855587,
        2.2352520354606837,
        0.06568233791820745,
    ];
    const BOTTOM: [f64; 5] = [
        45507.78933502673,
        10260.932208618979,
        976.0985517377767,
        47.202581904688245,
        1.0,
    ];
    let square = x * x;
    x * polynomial(&TOP, square) / polynomial(&BOTTOM, square)
}

/// `cdf(-x) exp(x^2 / 2)` for `0.67448975 < x <= sqrt(32)`.
fn middle_tail(x: f64) -> f64 {
    const TOP: [f64; 9] = [
        9842.714838383978,
        11602.65143764735,
        6848.190450536283,
        2494.5375852903726,
        597.2702763948002,
        93.50665613217785,
        8.883149794388377,
        0.39894151208813466,
        1.0765576773720192e-8,
    ];
    const BOTTOM: [f64; 9] = [
        19685.429676859992,
        38912.00328609327,
        34900.95272114598,
        18615.571640885097,
        6485.558298266761,
        1519.3775994075547,
        235.387901782625,
        22.266688044328117,
        1.0,
    ];
    polynomial(&TOP, x) / polynomial(&BOTTOM, x)
}

/// `cdf(-x) exp(x^2 / 2)` for `x > sqrt(32)`.
fn far_tail(x: f64) -> f64 {
    const TOP: [f64; 6] = [
        2.9112874951168793e-5,
        0.0014216191932278934,
        0.022235277870649807,
        0.12740116116024736,
        0.215898534057957,
        0.023073441764940174,
    ];
    const BOTTOM: [f64; 6] = [
        7.297515550839662e-5,
        0.0037823963320275824,
        0.06598813786892856,
        0.4682382124808651,
        1.284260096144911,
        1.0,
    ];
    let z = 1.0 / (x * x);
    (INVERSE_SQRT_TWO_PI - z * polynomial(&TOP, z) / polynomial(&BOTTOM, z)) / x
}

/// The `x` with `cdf(x) = probability`, to a relative error near `1e-15`.
///
/// 0 gives minus infinity, 1 gives infinity, anything outside `[0, 1]` gives NaN. Near 1 the argument itself has
/// few digits left of its distance to 1: ask for `-quantile(1 - probability)` with that distance known.
///
/// # Source
/// M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988)
/// 477-484, routine PPND16.
pub fn quantile(probability: f64) -> f64 {
    if !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        let r = 0.180625 - centred * centred;
        return centred * polynomial(&CENTRE_TOP, r) / polynomial(&CENTRE_BOTTOM, r);
    }
    let tail = if centred < 0.0 {
        probability
    } else {
        1.0 - probability
    };
    if tail == 0.0 {
        return f64::INFINITY.copysign(centred);
    }
    let depth = (-tail.ln()).sqrt();
    let size = if depth <= 5.0 {
        let r = depth - 1.6;
        polynomial(&MIDDLE_TOP, r) / polynomial(&MIDDLE_BOTTOM, r)
    } else {
        let r = depth - 5.0;
        polynomial(&FAR_TOP, r) / polynomial(&FAR_BOTTOM, r)
    };
    size.copysign(centred)
}

const CENTRE_TOP: [f64; 8] = [
    3.3871328727963665,
    133.14166789178438,
    1971.5909503065513,
    13731.69376550946,
    45921.95393154987,
    67265.7709270087,
    33430.57558358813,
    2509.0809287301227,
];
const CENTRE_BOTTOM: [f64; 8] = [
    1.0,
    42.31333070160091,
    687.1870074920579,
    5394.196021424751,
    21213.794301586597,
    39307.89580009271,
    28729.085735721943,
    5226.495278852854,
];
const MIDDLE_TOP: [f64; 8] = [
    1.4234371107496835,
    4.630337846156546,
    5.769497221460691,
    3.6478483247632045,
    1.2704582524523684,
    0.2417807251774506,
    0.022723844989269184,
    0.0007745450142783414,
];
const MIDDLE_BOTTOM: [f64; 8] = [
    1.0,
    2.053191626637759,
    1.6763848301838038,
    0.6897673349851,
    0.14810397642748008,
    0.015198666563616457,
    0.0005475938084995345,
    1.0507500716444169e-9,
];
const FAR_TOP: [f64; 8] = [
    6.657904643501103,
    5.463784911164114,
    1.7848265399172913,
    0.29656057182850487,
    0.026532189526576124,
    0.0012426609473880784,
    2.7115555687434876e-5,
    2.0103343992922881e-7,
];
const FAR_BOTTOM: [f64; 8] = [
    1.0,
    0.599832206555888,
    0.1369298809227358,
    0.014875361290850615,
    0.0007868691311456133,
    1.8463183175100548e-5,
    1.421511758316446e-7,
    2.0442631033899397e-15,
];

/// The polynomial with these coefficients, lowest power first, at `x`.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed / expected - 1.0).abs() <= tolerance,
            "{computed:e} against {expected:e}"
        );
    }

    #[test]
    fn cdf_has_full_relative_precision_in_both_tails() {
        // 20-digit values from 40-digit arithmetic.
        for (x, expected) in [
            (-0.5, 0.30853753872598689636),
            (-1.0, 0.15865525393145705141),
            (-5.0, 2.8665157187919391167e-7),
            (-10.0, 7.619853024160526066e-24),
            (-20.0, 2.7536241186062336951e-89),
            (-37.0, 5.7255712225245768227e-300),
            (2.0, 0.9772498680518207928),
            (5.5, 0.99999998101043753411),
        ] {
            assert_relative(cdf(x), expected, 1e-15);
        }
        assert_relative(cdf(0.0), 0.5, 0.0);
        assert_relative(cdf(f64::INFINITY), 1.0, 0.0);
        assert!(cdf(f64::NEG_INFINITY) == 0.0 && cdf(f64::NAN).is_nan());
    }

    #[test]
    fn pdf_has_full_relative_precision() {
        for (x, expected) in [
            (1.0, 0.2419707245191433498),
            (-5.0, 1.4867195147342977079e-6),
            (20.0, 5.5209483621597631896e-88),
            (37.0, 2.1200065515246056269e-298),
        ] {
            assert_relative(pdf(x), expected, 1e-15);
        }
        assert!(pdf(f64::INFINITY) == 0.0 && pdf(f64::NAN).is_nan());
    }

    #[test]
    fn quantile_meets_published_digits() {
        for (probability, expected) in [
            (0.25, -0.67448975019608174),
            (0.001, -3.0902323061678135),
            (1e-20, -9.2623400897984076),
            (0.975, 1.9599639845400542),
            (1e-10, -6.3613409024040562),
        ] {
            assert_relative(quantile(probability), expected, 1e-15);
        }
        assert!(quantile(0.5) == 0.0);
        assert!(quantile(0.0) == f64::NEG_INFINITY && quantile(1.0) == f64::INFINITY);
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan() && quantile(f64::NAN).is_nan());
    }

    #[test]
    fn quantile_inverts_cdf_over_the_whole_lower_half() {
        // An error of 1e-15 relative in x moves the probability by x^2 1e-15 relative.
        for step in 0..3700 {
            let x = -f64::from(step) / 100.0 - 0.003;
            assert_relative(quantile(cdf(x)), x, 2e-15 + 1e-15 / (x * x));
        }
    }

    #[test]
    fn scaled_tail_is_the_tail_without_its_decay() {
        for x in [-1.0, 0.0, 0.5, 1.0, 5.0, 20.0, 37.0] {
            assert_relative(
                scaled_upper_tail(x) * pdf(x) / INVERSE_SQRT_TWO_PI,
                cdf(-x),
                4e-15,
            );
        }
        // Mills' ratio tends to 1 / x, long after the tail itself has underflowed.
        assert_relative(scaled_upper_tail(1e6) * 1e6, INVERSE_SQRT_TWO_PI, 1e-11);
    }

    #[test]
    fn cdf_rises_across_the_joints_of_its_pieces() {
        for joint in [0.67448975_f64, 5.656854249492381] {
            for x in [joint, -joint] {
                let below = cdf(x - 1e-12);
                let above = cdf(x + 1e-12);
                assert!(above >= below);
                assert_relative(above, below, 1e-10);
            }
        }
    }
}

//! Elementary functions written so that plain loops over lanes become SIMD, with the same bits on every level.
//!
//! Each is a straight line of IEEE operations and fused multiply-adds: a loop over lanes vectorises, and every SIMD
//! width, and the scalar code, give the same bits. Polynomials are our own Chebyshev fits (60-digit arithmetic).

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]
#![expect(clippy::many_single_char_names, reason = "the letters of the formulas")]

use std::f64::consts::{LN_2, LOG2_E};

/// `1.5 * 2^52`: adding and subtracting it rounds to the nearest integer.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Low part of `ln 2` beyond [`LN_2`].
const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;
/// Arguments of [`exp`] are clamped to this range, so that results stay normal numbers.
const EXP_LIMIT: f64 = 700.0;

/// `exp(x)`, error below 1 ulp for `|x| <= 700`; beyond, the value at the limit.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-EXP_LIMIT, EXP_LIMIT);
    let shifted = x.mul_add(LOG2_E, ROUND);
    let power = shifted - ROUND;
    let r = power.mul_add(-LN_2_LOW, power.mul_add(-LN_2, x));
    // exp(r) = 1 + r + r^2 g(r); Estrin's scheme shortens the chain of dependent operations.
    let r2 = r * r;
    let r4 = r2 * r2;
    let g01 = r.mul_add(0.166_666_666_666_666_69, 0.5);
    let g23 = r.mul_add(0.008_333_333_333_330_065, 0.041_666_666_666_624_164);
    let g45 = r.mul_add(0.000_198_412_698_630_405_45, 0.001_388_888_891_719_671_9);
    let g67 = r.mul_add(2.755_726_848_031_002_4e-6, 2.480_152_132_236_869e-5);
    let g89 = r.mul_add(2.510_037_583_256_123_4e-8, 2.762_007_587_998_336_7e-7);
    let low = r2.mul_add(g23, g01);
    let high = r4.mul_add(g89, r2.mul_add(g67, g45));
    let g = r4.mul_add(high, low);
    let fraction = r2.mul_add(g, r) + 1.0;
    // The low bits of `shifted` hold the power of two.
    f64::from_bits(fraction.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// Bits of `sqrt(1/2)`, rounded.
const SQRT_HALF_BITS: u64 = 0x3FE6_A09E_667F_3BCD;
/// Bits of 1.0.
const ONE_BITS: u64 = 0x3FF0_0000_0000_0000;
/// Bits of `2^52`.
const TWO_52_BITS: u64 = 0x4330_0000_0000_0000;
/// `2^52 + 1023`: takes the bias from an exponent in the mantissa of `2^52`.
const TWO_52_BIASED: f64 = 4_503_599_627_371_519.0;

/// `ln(x)` for positive normal `x`, error below 2 ulp (absolute error below `2^-52` near 1).
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let bits = x.to_bits().wrapping_add(ONE_BITS - SQRT_HALF_BITS);
    let exponent = f64::from_bits((bits >> 52) | TWO_52_BITS) - TWO_52_BIASED;
    let mantissa = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF).wrapping_add(SQRT_HALF_BITS));
    // ln(m) = 2 atanh(s) = 2 s + s z h(z), s = (m - 1)/(m + 1), z = s^2
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let z2 = z * z;
    let h01 = z.mul_add(0.399_999_999_998_995_1, 0.666_666_666_666_667);
    let h23 = z.mul_add(0.222_222_111_347_950_8, 0.285_714_286_259_754_9);
    let h45 = z.mul_add(0.153_317_216_005_560_42, 0.181_828_891_252_617_23);
    let h = (z2 * z2).mul_add(
        z2.mul_add(0.146_164_496_850_434_06, h45),
        z2.mul_add(h23, h01),
    );
    // 2 s = f - s f, exactly enough: the correction term is small beside f.
    let tail = exponent.mul_add(LN_2_LOW, s * (z * h - f));
    exponent.mul_add(LN_2, f + tail)
}

/// No normal of [`normal_pair`] is larger in size: the smallest uniform is `2^-32`, `sqrt(64 ln 2) = 6.6604`.
pub const LARGEST_NORMAL: f64 = 6.661;

/// Bits of `sqrt(1/2)` as `f32`, rounded.
const SQRT_HALF_BITS_32: u32 = 0x3F35_04F3;
/// What takes [`SQRT_HALF_BITS_32`], and 31 from the exponent, from the bits of an `f32`.
const SCALED_BITS_32: u32 = SQRT_HALF_BITS_32 + (31 << 23);

/// Single-precision lanes computed together at most.
pub(crate) const PAIR_LANES: usize = 16;

/// The polynomials of [`normal_pair`], from the constant term up, with a copy of each coefficient for every lane: an
/// operand in memory, where one number would first have to be spread over a register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairPolynomials {
    /// `-2 ln(1 + f) / f` in `f`.
    radius: [[f32; PAIR_LANES]; 7],
    /// `sin(y pi / 2) / y` in `y^2`.
    sine: [[f32; PAIR_LANES]; 4],
    /// `cos(y pi / 2)` in `y^2`.
    cosine: [[f32; PAIR_LANES]; 5],
    /// `1/2`, `-1` and `-2 ln 2`.
    constants: [[f32; PAIR_LANES]; 3],
}

/// The polynomials.
pub(crate) static PAIR_POLYNOMIALS: PairPolynomials = PairPolynomials {
    radius: by_lane([
        -2.000_002_6,
        1.000_045_8,
        -0.666_223_94,
        0.497_487_43,
        -0.410_286_43,
        0.378_605_43,
        -0.242_456_38,
    ]),
    sine: by_lane([1.570_791, -0.645_892_8, 0.079_434_23, -0.004_333_026]),
    cosine: by_lane([
        0.999_999_94,
        -1.233_698_2,
        0.253_650_75,
        -0.020_810_628,
        0.000_858_190_64,
    ]),
    constants: by_lane([0.5, -1.0, -2.0 * std::f32::consts::LN_2]),
};

const fn by_lane<const N: usize>(coefficients: [f32; N]) -> [[f32; PAIR_LANES]; N] {
    let mut out = [[0.0; PAIR_LANES]; N];
    let mut n = 0;
    while n < N {
        out[n] = [coefficients[n]; PAIR_LANES];
        n += 1;
    }
    out
}

/// Horner's scheme, the fewest instructions, with the coefficients of one lane.
#[inline(always)]
fn horner<const N: usize>(coefficients: &[[f32; PAIR_LANES]; N], lane: usize, x: f32) -> f32 {
    let mut sum = coefficients[N - 1][lane];
    for n in (0..N - 1).rev() {
        sum = sum.mul_add(x, coefficients[n][lane]);
    }
    sum
}

/// Two independent standard normals from 64 random bits, in single precision (Box and Muller 1958).
///
/// 31 bits of the first word give the radius by the uniform `(k + 1/2) 2^-31`, which keeps its relative precision
/// however small it is; its lowest bit gives the sign of the cosine and the second word an angle within a half turn.
/// Beyond [`LARGEST_NORMAL`] lie 3e-11 of a normal's weight. A value is within `5e-7 + 7e-7 radius + 6e-8 / radius` of the exact
/// one (the polynomials; the uniform is rounded to 24 bits), and the mean square within 2e-7 of 1: to see that takes 1e13 draws.
#[inline(always)]
pub fn normal_pair(radius_word: u32, angle_word: u32) -> (f32, f32) {
    lane_pair(&PAIR_POLYNOMIALS, 0, radius_word, angle_word)
}

/// [`normal_pair`] with the polynomials of lane `lane`.
#[inline(always)]
pub(crate) fn lane_pair(
    polynomials: &PairPolynomials,
    lane: usize,
    radius_word: u32,
    angle_word: u32,
) -> (f32, f32) {
    let [half, minus_one, minus_two_ln_2] = &polynomials.constants;
    let uniform_scaled = (radius_word >> 1).cast_signed() as f32 + half[lane];
    let bits = uniform_scaled.to_bits().wrapping_sub(SCALED_BITS_32);
    let exponent = bits.cast_signed() >> 23;
    let mantissa = f32::from_bits((bits & 0x007F_FFFF).wrapping_add(SQRT_HALF_BITS_32));
    // -2 ln(1 + f) = f p(f): relatively precise for a uniform near 1 too, where the exponent is 0.
    let f = mantissa + minus_one[lane];
    let p = horner(&polynomials.radius, lane, f);
    let radius = (exponent as f32)
        .mul_add(minus_two_ln_2[lane], f * p)
        .sqrt();
    // The angle in quarter turns, an odd multiple of 2^-31 from -1 to 1: never 0, so that its exponent is lowered by a difference of
    // integers, where a product would wait for the units that all else here waits for. The sine is odd in it, the cosine even.
    let odd = (angle_word | 1).cast_signed() as f32;
    let y = f32::from_bits(odd.to_bits().wrapping_sub(31 << 23));
    let w = y * y;
    let sine = y * horner(&polynomials.sine, lane, w);
    let cosine = horner(&polynomials.cosine, lane, w);
    let signed_cosine = f32::from_bits(cosine.to_bits() ^ (radius_word << 31));
    (radius * signed_cosine, radius * sine)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "equal to the bit is meant")]

    use super::*;

    fn sweep(low: f64, high: f64, n: u32) -> impl Iterator<Item = f64> {
        (0..=n).map(move |i| low + (high - low) * f64::from(i) / f64::from(n))
    }

    #[test]
    fn exp_is_within_one_ulp_and_a_half_of_the_platform() {
        for x in sweep(-699.0, 699.0, 400_000).chain(sweep(-1.0, 1.0, 400_000)) {
            let (ours, theirs) = (exp(x), x.exp());
            assert!(
                (ours - theirs).abs() <= 2.0 * f64::EPSILON * theirs * 0.75,
                "exp({x}): {ours} {theirs}"
            );
        }
        assert_eq!(exp(0.0).to_bits(), 1.0f64.to_bits());
        assert_eq!(exp(1e6), exp(700.0));
        assert_eq!(exp(-1e6), exp(-700.0));
    }

    #[test]
    fn ln_is_within_two_ulp_of_the_platform() {
        for x in sweep(-690.0, 690.0, 300_000)
            .map(f64::exp)
            .chain(sweep(0.3, 3.0, 300_000))
        {
            let (ours, theirs) = (ln(x), x.ln());
            let ulp = theirs.abs().max(0.5) * f64::EPSILON;
            assert!(
                (ours - theirs).abs() <= 2.0 * ulp,
                "ln({x}): {ours} {theirs}"
            );
        }
        assert_eq!(ln(1.0), 0.0);
    }

    /// The pair in double precision, by the platform's functions.
    fn exact_pair(radius_word: u32, angle_word: u32) -> (f64, f64) {
        let uniform = (f64::from(radius_word >> 1) + 0.5) / 2_147_483_648.0;
        let radius = (-2.0 * uniform.ln()).sqrt();
        let quarter_turns = f64::from((angle_word | 1).cast_signed()) / 2_147_483_648.0;
        let (sine, cosine) = (quarter_turns * std::f64::consts::FRAC_PI_2).sin_cos();
        let sign = if radius_word & 1 == 1 { -1.0 } else { 1.0 };
        (sign * radius * cosine, radius * sine)
    }

    /// Words spread evenly (golden ratio), then scaled down to reach the small uniforms.
    fn words(n: u32) -> impl Iterator<Item = (u32, u32)> {
        (0..n).map(|i| {
            let radius = i.wrapping_mul(0x9E37_79B9) >> (i % 23);
            (radius, i.wrapping_mul(0x85EB_CA6B))
        })
    }

    #[test]
    fn normals_are_within_single_precision_of_the_exact_pair() {
        let mut worst = 0.0f64;
        for (radius, angle) in words(2_000_000).chain((0..1000).map(|i| (!i, 0))) {
            let (z0, z1) = normal_pair(radius, angle);
            let (e0, e1) = exact_pair(radius, angle);
            let error = (f64::from(z0) - e0).hypot(f64::from(z1) - e1);
            // The rounding of a uniform near 1 by up to 2^-25 moves a small radius by about that over the radius.
            let radius = e0.hypot(e1);
            let allowed = 5e-7 + 7e-7 * radius + 6e-8 / radius;
            worst = worst.max(error / allowed);
        }
        assert!(worst < 1.0, "{worst}");
    }

    #[test]
    fn rounding_does_not_move_the_moments() {
        // A lattice over one uniform each: the sums are the integrals, nearly exactly.
        let n = 1u32 << 22;
        let mut radius_square = 0.0;
        let (mut cosine_square, mut sine_square, mut sine_mean, mut product) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..n {
            let word = (i << 10) | 0x200;
            // At an angle of next to nothing the cosine's error, of 6e-8, is all that comes to the radius.
            let (c, s) = normal_pair(word, 0);
            let (e0, e1) = exact_pair(word, 0);
            radius_square += f64::from(c).powi(2) + f64::from(s).powi(2) - e0 * e0 - e1 * e1;
            let (c, s) = normal_pair(0x1000_0000, word);
            let (c, s) = (f64::from(c), f64::from(s));
            cosine_square += c * c;
            sine_square += s * s;
            sine_mean += s;
            product += c * s;
        }
        let n = f64::from(n);
        let radius = exact_pair(0x1000_0000, 0).0;
        assert!((radius_square / n).abs() < 4e-7);
        assert!((cosine_square / n / (radius * radius) - 0.5).abs() < 1e-7);
        assert!((sine_square / n / (radius * radius) - 0.5).abs() < 1e-7);
        assert!((sine_mean / n).abs() < 1e-6 && (product / n).abs() < 1e-6);
    }

    #[test]
    fn the_extreme_words_give_finite_normals() {
        let ends = [0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, u32::MAX];
        for radius in ends {
            for angle in ends {
                let (a, b) = normal_pair(radius, angle);
                assert!(a.is_finite() && b.is_finite(), "{radius:x} {angle:x}");
                assert!(f64::from(a).hypot(f64::from(b)) < LARGEST_NORMAL);
            }
        }
        assert!(normal_pair(0, 0).0 > 6.660 && normal_pair(1, 0).0 < -6.660);
    }
}

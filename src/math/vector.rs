//! Elementary functions written so that plain loops over lanes become SIMD, with the same bits on every level.
//!
//! Each is a straight line of IEEE operations and fused multiply-adds: a loop over lanes vectorises, and every SIMD
//! width, and the scalar code, give the same bits. Polynomials are our own Chebyshev fits (60-digit arithmetic).

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

/// Largest `|x|` of [`exp_small`].
pub const EXP_SMALL_LIMIT: f64 = 0.1;

/// `exp(x)` for `|x| <= 0.1`, error below 1 ulp: the Taylor polynomial of degree 9 (next term under `2^-54`).
#[inline(always)]
pub fn exp_small(x: f64) -> f64 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let a = x.mul_add(1.0 / 6.0, 0.5);
    let b = x.mul_add(1.0 / 120.0, 1.0 / 24.0);
    let c = x.mul_add(1.0 / 5_040.0, 1.0 / 720.0);
    let d = x.mul_add(1.0 / 362_880.0, 1.0 / 40_320.0);
    let g = x4.mul_add(x2.mul_add(d, c), x2.mul_add(b, a));
    x2.mul_add(g, x) + 1.0
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

/// `(sin 2 pi v, cos 2 pi v)` for `v` in [0, 1], absolute error below `2^-52`.
#[inline(always)]
pub fn sin_cos_turns(v: f64) -> (f64, f64) {
    let shifted = v.mul_add(4.0, ROUND);
    let r = v.mul_add(4.0, ROUND - shifted);
    let quadrant = shifted.to_bits();
    let w = r * r;
    let w2 = w * w;
    let s01 = w.mul_add(0.079_692_626_246_144_23, -0.645_964_097_506_246_2);
    let s23 = w.mul_add(0.000_160_441_166_614_094_23, -0.004_681_754_134_254_207);
    let s45 = w.mul_add(5.642_225_369_163_528e-8, -3.598_702_950_973_510_5e-6);
    let s = (w2 * w2).mul_add(s45, w2.mul_add(s23, s01));
    let sine = r * w.mul_add(s, std::f64::consts::FRAC_PI_2);
    let c01 = w.mul_add(0.253_669_507_901_047_8, -1.233_700_550_136_169_7);
    let c23 = w.mul_add(0.000_919_260_274_546_844_7, -0.020_863_480_763_340_773);
    let c45 = w.mul_add(4.710_678_405_505_227e-7, -2.520_203_902_802_917_8e-5);
    let c = (w2 * w2).mul_add(
        w2.mul_add(-6.329_396_344_967_424e-9, c45),
        w2.mul_add(c23, c01),
    );
    let cosine = w.mul_add(c, 1.0);
    // Quadrants 1 and 3 swap the two; 2 and 3 turn the sine's sign, 1 and 2 the cosine's.
    let swap = (quadrant & 1).wrapping_neg();
    let sine_bits = sine.to_bits();
    let cosine_bits = cosine.to_bits();
    let flip = (sine_bits ^ cosine_bits) & swap;
    let sine_sign = (quadrant & 2) << 62;
    let cosine_sign = (quadrant.wrapping_add(1) & 2) << 62;
    (
        f64::from_bits(sine_bits ^ flip ^ sine_sign),
        f64::from_bits(cosine_bits ^ flip ^ cosine_sign),
    )
}

/// Two independent standard normals from 64 random bits (Box and Muller 1958): 40 bits give the radius, 24 the angle.
///
/// The radius uses the uniform `(a + 1/2) 2^-40`, so `|z| <= 7.54`; beyond lie 5e-14 of a normal's weight.
#[inline(always)]
pub fn normal_pair(bits: u64) -> (f64, f64) {
    // 1 + a 2^-40, less 1 - 2^-41: exact.
    let radius_uniform =
        f64::from_bits(((bits >> 24) << 12) | ONE_BITS) - (1.0 - 1.0 / 2_199_023_255_552.0);
    let angle_uniform =
        f64::from_bits(((bits & 0x00FF_FFFF) << 28) | ONE_BITS) - (1.0 - 1.0 / 33_554_432.0);
    let radius = (-2.0 * ln(radius_uniform)).sqrt();
    let (sine, cosine) = sin_cos_turns(angle_uniform);
    (radius * cosine, radius * sine)
}

#[cfg(test)]
mod tests {
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
        for x in sweep(-EXP_SMALL_LIMIT, EXP_SMALL_LIMIT, 200_000) {
            assert!(
                (exp_small(x) - x.exp()).abs() <= 1.5 * f64::EPSILON,
                "exp_small({x})"
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

    #[test]
    fn sine_and_cosine_are_within_an_absolute_epsilon() {
        for v in sweep(0.0, 1.0, 500_000) {
            let (sine, cosine) = sin_cos_turns(v);
            let angle = 2.0 * std::f64::consts::PI * v;
            // The platform's argument itself is rounded by up to 2^-51.
            assert!(
                (sine - angle.sin()).abs() < 1.2e-15 && (cosine - angle.cos()).abs() < 1.2e-15,
                "{v}"
            );
            assert!(
                (sine.mul_add(sine, cosine * cosine) - 1.0).abs() < 4.0 * f64::EPSILON,
                "{v}"
            );
        }
    }

    #[test]
    fn the_extreme_bits_give_finite_normals() {
        for bits in [0, u64::MAX, 0xFFFF_FFFF_FF00_0000, 0x00FF_FFFF] {
            let (a, b) = normal_pair(bits);
            assert!(
                a.is_finite() && b.is_finite() && a.hypot(b) < 7.55,
                "{bits:x}: {a} {b}"
            );
        }
    }
}

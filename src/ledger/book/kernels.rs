//! Lane loops over prices, compiled for each SIMD level.

use multiversion::multiversion;

use crate::market::tile::LaneArray;
use crate::math::vector::exp;
use crate::outcome::table::LANES;

/// Marks at a spot, a carry and the basis that it has.
pub(super) fn far_marks(
    spot_usd: &LaneArray,
    carry: &LaneArray,
    out: &mut LaneArray,
    basis: impl Fn(f64) -> f64,
) {
    for lane in 0..LANES {
        out[lane] = basis(carry[lane]);
    }
    times_exp(spot_usd, out);
}

/// `out = spot exp(out)`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn times_exp(spot_usd: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = spot_usd[lane] * exp(out[lane]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn invert(mark_usd: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = 1.0 / mark_usd[lane];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add(a: &LaneArray, b: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = a[lane] + b[lane];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_product(before: &LaneArray, a: &LaneArray, b: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = a[lane].mul_add(b[lane], before[lane]);
    }
}

/// `before + (end - start) spot`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_moves(
    before: &LaneArray,
    (start, end, spot_usd): (&LaneArray, &LaneArray, &LaneArray),
    out: &mut LaneArray,
) {
    for lane in 0..LANES {
        out[lane] = (end[lane] - start[lane]).mul_add(spot_usd[lane], before[lane]);
    }
}

/// `before - (end - start) / mark`: a size `w = -U` makes of it `-q dH` with `q = U / F`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_own(
    before: &LaneArray,
    (start_usd, end_usd, mark_usd): (&LaneArray, &LaneArray, &LaneArray),
    out: &mut LaneArray,
) {
    for lane in 0..LANES {
        out[lane] = before[lane] - (end_usd[lane] - start_usd[lane]) / mark_usd[lane];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn pay_linear(mark_usd: &LaneArray, rate: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = mark_usd[lane] * rate[lane];
    }
}

/// A short of an inverse contract has `w < 0` and receives.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn pay_inverse(unit: &LaneArray, rate: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = -unit[lane] * rate[lane];
    }
}

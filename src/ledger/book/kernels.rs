//! Lane loops over prices, compiled for each SIMD level.

use multiversion::multiversion;

use crate::market::tile::LaneArray;
use crate::math::vector::exp;
use crate::outcome::table::LANES;

/// Units of the next contract of a chain at a spot, a carry and the basis that it has.
pub(super) fn far_units(
    spot_usd: &LaneArray,
    carry: &LaneArray,
    basis: &dyn Fn(f64) -> f64,
    is_inverse: bool,
    out: &mut LaneArray,
) {
    for (out, &carry) in out.iter_mut().zip(carry) {
        *out = basis(carry);
    }
    price(spot_usd, is_inverse, out);
}

/// `out = spot exp(out)`, or the inverse of that.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn price(spot_usd: &LaneArray, is_inverse: bool, out: &mut LaneArray) {
    for lane in 0..LANES {
        let mark_usd = spot_usd[lane] * exp(out[lane]);
        out[lane] = if is_inverse { 1.0 / mark_usd } else { mark_usd };
    }
}

/// One step of an inverse future.
pub(super) struct InverseStep<'a> {
    pub(super) start_unit: &'a LaneArray,
    pub(super) end_mark_usd: &'a LaneArray,
    pub(super) start_spot_usd: &'a LaneArray,
    pub(super) end_spot_usd: &'a LaneArray,
}

/// Unit at the end, and the sums `P`, the unit's moves at the spot of the step's end, and `O`: a size `w = -U` makes of it
/// `-q dH` with `q = U / F`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_inverse(
    step: &InverseStep<'_>,
    [price_before, own_before]: [&LaneArray; 2],
    unit: &mut LaneArray,
    price_usd: &mut LaneArray,
    own_usd: &mut LaneArray,
) {
    for lane in 0..LANES {
        let start_unit = step.start_unit[lane];
        let end_unit = 1.0 / step.end_mark_usd[lane];
        let spot_usd = step.end_spot_usd[lane];
        unit[lane] = end_unit;
        price_usd[lane] = (end_unit - start_unit).mul_add(spot_usd, price_before[lane]);
        own_usd[lane] = own_before[lane] - (spot_usd - step.start_spot_usd[lane]) * start_unit;
    }
}

/// `P` of what is priced in coins: the unit's move at the spot of the step's end.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn add_price(
    before: &LaneArray,
    (start, end): (&LaneArray, &LaneArray),
    spot_usd: &LaneArray,
    out: &mut LaneArray,
) {
    for lane in 0..LANES {
        out[lane] = (end[lane] - start[lane]).mul_add(spot_usd[lane], before[lane]);
    }
}

/// What a size of 1 receives at a stamp, and the sum of it in USD. With a value of the account's coin the contract is inverse:
/// its shorts are sizes under 0.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn pay(
    unit: &LaneArray,
    rate: &LaneArray,
    coin_usd: Option<&LaneArray>,
    before_usd: &LaneArray,
    stamp: &mut LaneArray,
    sum_usd: &mut LaneArray,
) {
    if let Some(coin_usd) = coin_usd {
        for lane in 0..LANES {
            let paid = -unit[lane] * rate[lane];
            stamp[lane] = paid;
            sum_usd[lane] = paid.mul_add(coin_usd[lane], before_usd[lane]);
        }
    } else {
        for lane in 0..LANES {
            let paid = unit[lane] * rate[lane];
            stamp[lane] = paid;
            sum_usd[lane] = before_usd[lane] + paid;
        }
    }
}

/// What rolls have skipped, with one from a near to a far mark.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn skip(
    before_usd: &LaneArray,
    near_usd: &LaneArray,
    far_usd: &LaneArray,
    out: &mut LaneArray,
) {
    for lane in 0..LANES {
        out[lane] = before_usd[lane] + (near_usd[lane] - far_usd[lane]);
    }
}

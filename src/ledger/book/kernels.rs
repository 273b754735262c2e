//! Lane loops over prices, compiled for each SIMD level.

use multiversion::multiversion;

use crate::market::tile::{LaneArray, TILE_STEPS};
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

/// A tile's funding payments.
pub(super) struct Payments<'a> {
    /// Unit at each boundary of steps.
    pub(super) units: &'a [LaneArray],
    pub(super) rates: &'a [LaneArray; TILE_STEPS],
    pub(super) is_stamp: &'a [bool; TILE_STEPS],
    /// Of an inverse contract, whose shorts are sizes under 0, value of the account's coin.
    pub(super) coin_usd: Option<&'a [LaneArray; TILE_STEPS]>,
}

/// What a size of 1 receives at each of a tile's stamps, and the sum of it in USD.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn pay(
    payments: &Payments<'_>,
    before_usd: &LaneArray,
    stamps: &mut [LaneArray],
    sum_usd: &mut LaneArray,
) {
    let is_each = payments.is_stamp.iter().all(|&is_stamp| is_stamp);
    if let (true, None, Some(stamps), Some(units)) = (
        is_each,
        payments.coin_usd,
        stamps.first_chunk_mut::<TILE_STEPS>(),
        payments.units.last_chunk::<TILE_STEPS>(),
    ) {
        // The sum stays in a register.
        for lane in 0..LANES {
            let mut sum = before_usd[lane];
            for k in 0..TILE_STEPS {
                let paid = units[k][lane] * payments.rates[k][lane];
                stamps[k][lane] = paid;
                sum += paid;
            }
            sum_usd[lane] = sum;
        }
        return;
    }
    *sum_usd = *before_usd;
    for (k, stamp) in stamps.iter_mut().enumerate() {
        if !payments.is_stamp[k] {
            continue;
        }
        let (unit, rate) = (&payments.units[k + 1], &payments.rates[k]);
        if let Some(coin_usd) = payments.coin_usd {
            for lane in 0..LANES {
                let paid = -unit[lane] * rate[lane];
                stamp[lane] = paid;
                sum_usd[lane] = paid.mul_add(coin_usd[k][lane], sum_usd[lane]);
            }
        } else {
            for lane in 0..LANES {
                let paid = unit[lane] * rate[lane];
                stamp[lane] = paid;
                sum_usd[lane] += paid;
            }
        }
    }
}

/// The sum of one lane's stamps in USD, as [`pay`] makes it.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(super) fn add_stamps(
    before_usd: f64,
    stamps: &[LaneArray],
    is_stamp: &[bool; TILE_STEPS],
    coin_usd: Option<&[LaneArray; TILE_STEPS]>,
    lane: usize,
) -> f64 {
    let mut sum_usd = before_usd;
    for (k, stamp) in stamps.iter().enumerate().filter(|(k, _)| is_stamp[*k]) {
        let paid = stamp[lane];
        sum_usd = match coin_usd {
            Some(coin_usd) => paid.mul_add(coin_usd[k][lane], sum_usd),
            None => sum_usd + paid,
        };
    }
    sum_usd
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

//! The market's lane loops, compiled for each SIMD level and chosen when the program runs.

use multiversion::multiversion;

use crate::market::basis::BasisModel;
use crate::market::funding::PremiumFormula;
use crate::market::tile::LaneArray;
use crate::math::random::{Purpose, Streams};
use crate::math::vector::{exp, exp_small};
use crate::outcome::table::LANES;

/// Fills four lane arrays with standard normals: elements `4 group ..= 4 group + 3` of the purpose's series.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn fill_normals(
    streams: &Streams,
    first_path: u64,
    group: u32,
    purpose: Purpose,
    out: &mut [LaneArray],
) {
    let Ok(four) = <&mut [LaneArray; 4]>::try_from(out) else {
        unreachable!("four lane arrays")
    };
    streams.lane_normals(first_path, group, purpose, four);
}

/// `next = log + factor * z + drift`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn move_log(
    log: &LaneArray,
    z: &LaneArray,
    factor: f64,
    drift: f64,
    next: &mut LaneArray,
) {
    for lane in 0..LANES {
        next[lane] = log[lane] + z[lane].mul_add(factor, drift);
    }
}

/// Adds `factor * z` to every lane of `log`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn add_shock(log: &mut LaneArray, z: &LaneArray, factor: f64) {
    for lane in 0..LANES {
        log[lane] = z[lane].mul_add(factor, log[lane]);
    }
}

/// `out = exp(log)`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn exponentiate(log: &LaneArray, out: &mut LaneArray) {
    for lane in 0..LANES {
        out[lane] = exp(log[lane]);
    }
}

/// `mark = spot * exp(basis)`; `IS_SMALL` says that no `|basis|` can pass [`crate::math::vector::EXP_SMALL_LIMIT`].
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn mark_prices<const IS_SMALL: bool>(
    spot: &LaneArray,
    basis: &LaneArray,
    mark: &mut LaneArray,
) {
    for lane in 0..LANES {
        let factor = if IS_SMALL {
            exp_small(basis[lane])
        } else {
            exp(basis[lane])
        };
        mark[lane] = spot[lane] * factor;
    }
}

/// The shocks of one basis step: the spot's own standard normal and the basis's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BasisShocks<'a> {
    pub(crate) spot: &'a LaneArray,
    pub(crate) own: &'a LaneArray,
}

/// One exact step of the basis; adds the step's expected average, given its ends, to `premium_sum`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn step_basis(
    model: &BasisModel,
    shocks: BasisShocks<'_>,
    basis: &mut LaneArray,
    premium_sum: &mut LaneArray,
) {
    let law = &model.step;
    for lane in 0..LANES {
        let (spot, own) = (shocks.spot[lane], shocks.own[lane]);
        let away = basis[lane] - model.mean;
        let average = spot.mul_add(
            law.z_on_x,
            own.mul_add(law.z_on_y_own, away * law.average_decay),
        );
        premium_sum[lane] += model.mean + average;
        basis[lane] =
            model.mean + spot.mul_add(law.y_on_x, own.mul_add(law.y_own, away * law.decay));
    }
}

/// Funding rates of a stamp from the interval's average premium; clears the sum.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn stamp_rates(
    formula: &PremiumFormula,
    noise: f64,
    average_normals: &LaneArray,
    premium_sum: &mut LaneArray,
    rates: &mut LaneArray,
) {
    let share = 1.0 / formula.interval_steps as f64;
    for lane in 0..LANES {
        let average = average_normals[lane].mul_add(noise, premium_sum[lane] * share);
        rates[lane] = formula.rate(average);
        premium_sum[lane] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lanes run on the machine's widest SIMD, the single path without FMA: the bits must not differ.
    #[test]
    fn every_simd_level_gives_the_bits_of_one_path_alone() {
        let streams = Streams::new(11);
        for group in 0..200 {
            for purpose in [Purpose::Diffusion(1), Purpose::FundingAverage(2)] {
                let first_path = u64::from(group) * 0x1234_5678_9ABC;
                let mut four = [[0.0; LANES]; 4];
                fill_normals(&streams, first_path, group, purpose, &mut four);
                for lane in 0..LANES {
                    let alone = streams.normals(first_path + lane as u64, group, purpose);
                    for (row, z) in four.iter().zip(alone) {
                        assert_eq!(row[lane].to_bits(), z.to_bits(), "{group} {lane}");
                    }
                }
            }
        }
    }
}

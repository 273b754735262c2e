//! First passage of a geometric Brownian motion to a fixed price: the closed form of a liquidation.

use crate::math::normal::{cdf, scaled_upper_tail};

/// `-zeta(1/2) / sqrt(2 pi)`: how many step deviations a barrier seen at discrete times seems farther away.
const DISCRETE_SHIFT: f64 = 0.582_597_157_939_010_7;

/// A geometric Brownian motion and a barrier price that ends its journey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passage {
    /// Drift `mu` of the price, per year: the mean price grows by `e^{mu t}`.
    pub drift_annual: f64,
    /// Volatility, per square root of a year.
    pub volatility_annual: f64,
    /// Barrier price over starting price: above 1 for a short's liquidation, below 1 for a long's, infinity or 0 for
    /// a barrier that does not exist.
    pub barrier_ratio: f64,
}

impl Passage {
    /// Distance of the barrier in log price, never negative.
    pub fn log_distance(&self) -> f64 {
        self.barrier_ratio.ln().abs()
    }

    /// Drift of the log price, per year, taken as positive towards the barrier.
    pub fn log_drift_to_barrier_annual(&self) -> f64 {
        let log_drift = self.drift_annual - 0.5 * self.volatility_annual.powi(2);
        if self.barrier_ratio < 1.0 {
            -log_drift
        } else {
            log_drift
        }
    }

    /// Probability that the barrier is touched within `t_years`, watched continuously; as a function of time, the
    /// distribution function of the time of liquidation.
    pub fn hit_probability(&self, t_years: f64) -> f64 {
        self.hit_probability_tilted(t_years, 0.0)
    }

    /// The same probability after `power * sigma^2` is added to the log drift: the law under which the price to that
    /// power is the unit of account, so that `E[S_T^n; hit] = E[S_T^n] * hit_probability_tilted(T, n)`.
    pub fn hit_probability_tilted(&self, t_years: f64, power: f64) -> f64 {
        let side = if self.barrier_ratio < 1.0 { -1.0 } else { 1.0 };
        let tilt = side * power * self.volatility_annual.powi(2);
        brownian_hit_probability(
            self.log_distance(),
            (self.log_drift_to_barrier_annual() + tilt) * t_years,
            self.volatility_annual * t_years.sqrt(),
        )
    }

    /// The probability when only `steps` equally spaced times are looked at, by moving the barrier away.
    ///
    /// Good near the money; with few steps and a far barrier it errs by several percent. The exact value is
    /// `discrete_passage::hit_probability`.
    ///
    /// # Source
    /// M. Broadie, P. Glasserman and S. Kou, "A continuity correction for discrete barrier options", Mathematical
    /// Finance 7 (1997) 325-349.
    pub fn corrected_hit_probability(&self, t_years: f64, steps: u32) -> f64 {
        let step_deviation = self.volatility_annual * (t_years / f64::from(steps)).sqrt();
        let total = self.volatility_annual * t_years.sqrt();
        brownian_hit_probability(
            self.log_distance() + DISCRETE_SHIFT * step_deviation,
            self.log_drift_to_barrier_annual() * t_years,
            total,
        )
    }
}

/// Probability that a Brownian motion with total drift `drift` and total deviation `deviation` reaches `distance >= 0`.
fn brownian_hit_probability(distance: f64, drift: f64, deviation: f64) -> f64 {
    if distance == 0.0 {
        return 1.0;
    }
    if distance.is_infinite() || deviation == 0.0 {
        return if drift >= distance { 1.0 } else { 0.0 };
    }
    let direct = (drift - distance) / deviation;
    let reflected = (drift + distance) / deviation;
    // e^{2 drift distance / deviation^2} N(-reflected): the factor may overflow where the tail underflows.
    let mirrored = if reflected > 0.0 {
        (-0.5 * direct * direct).exp() * scaled_upper_tail(reflected)
    } else {
        (2.0 * drift * distance / (deviation * deviation)).exp() * cdf(-reflected)
    };
    (cdf(direct) + mirrored).min(1.0)
}

/// The barrier ratio above 1 that is touched within `t_years` with this probability (above 0 and below 1).
pub fn barrier_ratio_for_probability(
    drift_annual: f64,
    volatility_annual: f64,
    t_years: f64,
    probability: f64,
) -> f64 {
    let reached = |distance: f64| {
        brownian_hit_probability(
            distance,
            (drift_annual - 0.5 * volatility_annual.powi(2)) * t_years,
            volatility_annual * t_years.sqrt(),
        )
    };
    let (mut near, mut far) = (0.0, 1.0);
    while reached(far) > probability && far < 512.0 {
        far *= 2.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (near + far);
        if reached(middle) > probability {
            near = middle;
        } else {
            far = middle;
        }
    }
    (0.5 * (near + far)).exp()
}

/// Probability that a Brownian bridge crosses a barrier between two ends that lie `start_gap` and `end_gap` before it
/// (log price, positive when not yet there), for the given variance of the step; 1 when an end is at or past it.
///
/// Also exact when the barrier moves linearly between the ends: each gap is measured to the barrier of its time.
pub fn bridge_crossing_probability(start_gap: f64, end_gap: f64, variance: f64) -> f64 {
    if start_gap <= 0.0 || end_gap <= 0.0 {
        return 1.0;
    }
    (-2.0 * start_gap * end_gap / variance).exp()
}

/// Liquidation price over entry price of a linear short: equity `margin + F0 - F` meets `maintenance_frac * F`.
pub fn linear_short_barrier_ratio(leverage: f64, maintenance_frac: f64) -> f64 {
    (1.0 + 1.0 / leverage) / (1.0 + maintenance_frac)
}

/// The leverage of a linear short whose barrier ratio this is.
pub fn linear_short_leverage(barrier_ratio: f64, maintenance_frac: f64) -> f64 {
    1.0 / (barrier_ratio * (1.0 + maintenance_frac) - 1.0)
}

/// Liquidation price over entry price of a linear long.
pub fn linear_long_barrier_ratio(leverage: f64, maintenance_frac: f64) -> f64 {
    ((1.0 - 1.0 / leverage) / (1.0 - maintenance_frac)).max(0.0)
}

/// Liquidation price over entry price of an inverse short whose maintenance margin is a fraction of its **current**
/// value in coin; infinite at leverage 1 and under: a synthetic dollar is not liquidated by a rise.
pub fn inverse_short_barrier_ratio(leverage: f64, maintenance_frac: f64) -> f64 {
    if leverage <= 1.0 {
        f64::INFINITY
    } else {
        (1.0 - maintenance_frac) / (1.0 - 1.0 / leverage)
    }
}

/// The same with a maintenance margin that is a fraction of the **entry** value in coin.
pub fn inverse_short_barrier_ratio_on_entry(leverage: f64, maintenance_frac: f64) -> f64 {
    let left = 1.0 - 1.0 / leverage + maintenance_frac;
    if left <= 0.0 {
        f64::INFINITY
    } else {
        1.0 / left
    }
}

/// Liquidation price, USD, of a linear short of `short_base` coins entered at `entry_usd`, backed by `cash_usd` and by
/// coin collateral that counts as `counted_collateral_base` coins after its haircut; infinite when the collateral
/// gains at least as fast as the short loses.
pub fn coin_backed_short_liquidation_usd(
    short_base: f64,
    entry_usd: f64,
    cash_usd: f64,
    counted_collateral_base: f64,
    maintenance_frac: f64,
) -> f64 {
    let net_base = short_base * (1.0 + maintenance_frac) - counted_collateral_base;
    if net_base <= 0.0 {
        f64::INFINITY
    } else {
        (short_base * entry_usd + cash_usd) / net_base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::normal::pdf;
    use crate::math::quadrature::gauss_legendre;

    const MONTH: f64 = 30.0 / 365.0;

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed - expected).abs() <= tolerance * expected.abs(),
            "{computed:e} against {expected:e}"
        );
    }

    fn passage(drift_annual: f64, barrier_ratio: f64) -> Passage {
        Passage {
            drift_annual,
            volatility_annual: 0.6,
            barrier_ratio,
        }
    }

    #[test]
    fn liquidation_probabilities_meet_reference_digits() {
        // Volatility 0.6, 30 days, maintenance 0.5%; drifts 0, 0.5, -0.5 and the one without log drift.
        let linear = linear_short_barrier_ratio;
        let inverse = inverse_short_barrier_ratio;
        let entry = inverse_short_barrier_ratio_on_entry;
        let table = [
            (
                linear(2.0, 0.005),
                1.492_537_313_43,
                [
                    0.016_244_381_138_1,
                    0.028_153_349_293_2,
                    0.008_960_752_178_19,
                    0.019_903_630_774_6,
                ],
            ),
            (
                linear(3.0, 0.005),
                1.326_699_834_16,
                [
                    0.086_852_550_697_4,
                    0.127_913_651_982,
                    0.056_707_669_225_8,
                    0.100_293_410_101,
                ],
            ),
            (
                linear(5.0, 0.005),
                1.194_029_850_75,
                [
                    0.276_355_612_230,
                    0.352_028_954_511,
                    0.210_440_782_771,
                    0.302_576_514_361,
                ],
            ),
            (
                linear(10.0, 0.005),
                1.094_527_363_18,
                [
                    0.572_344_475_445,
                    0.647_119_558_890,
                    0.496_719_901_811,
                    0.599_522_794_408,
                ],
            ),
            (
                inverse(2.0, 0.005),
                1.99,
                [
                    4.466_916_835_56e-5,
                    1.153_320_276_91e-4,
                    1.643_235_546_72e-5,
                    6.322_429_258_16e-5,
                ],
            ),
            (
                inverse(5.0, 0.005),
                1.243_75,
                [
                    0.183_196_796_781,
                    0.246_830_840_351,
                    0.131_375_357_951,
                    0.204_763_845_923,
                ],
            ),
            (
                entry(5.0, 0.005),
                1.242_236_024_84,
                [
                    0.185_583_265_255,
                    0.249_627_297_463,
                    0.133_324_193_055,
                    0.207_303_562_272,
                ],
            ),
        ];
        for (ratio, expected_ratio, probabilities) in table {
            assert_relative(ratio, expected_ratio, 1e-11);
            for (drift, expected) in [0.0, 0.5, -0.5, 0.18].into_iter().zip(probabilities) {
                assert_relative(
                    passage(drift, ratio).hit_probability(MONTH),
                    expected,
                    1e-11,
                );
            }
        }
    }

    #[test]
    fn a_long_is_liquidated_below() {
        let ratio = linear_long_barrier_ratio(5.0, 0.005);
        assert_relative(ratio, 0.804_020_100_50, 1e-10);
        assert_relative(
            passage(0.0, ratio).hit_probability(MONTH),
            0.227_851_015_997,
            1e-11,
        );
    }

    #[test]
    fn coin_collateral_moves_the_liquidation_price() {
        let price = coin_backed_short_liquidation_usd(1.0, 100.0, 10.0, 0.9 * 0.5, 0.005);
        assert_relative(price, 198.198_198_198, 1e-11);
        let never = coin_backed_short_liquidation_usd(1.0, 100.0, 10.0, 0.95 * 1.1, 0.01);
        assert!(never.is_infinite());
        // Without coin collateral it is the isolated short of leverage 10.
        let cash_only = coin_backed_short_liquidation_usd(1.0, 100.0, 10.0, 0.0, 0.005);
        assert_relative(
            cash_only,
            100.0 * linear_short_barrier_ratio(10.0, 0.005),
            1e-14,
        );
    }

    #[test]
    fn time_of_liquidation_meets_reference_digits() {
        let liquidation = passage(0.0, linear_short_barrier_ratio(5.0, 0.005));
        for (days, expected) in [
            (1.0, 1.497_463_797_48e-8),
            (7.0, 0.030_020_138_677_2),
            (14.0, 0.119_993_754_337),
            (30.0, 0.276_355_612_230),
        ] {
            assert_relative(liquidation.hit_probability(days / 365.0), expected, 1e-11);
        }
    }

    #[test]
    fn barrier_of_a_probability_meets_reference_digits() {
        for (probability, expected, leverage) in [
            (0.05, 1.383_791_734_32, 2.559_439),
            (0.01, 1.537_192_632_86, 1.835_271),
            (0.001, 1.737_340_599_7, 1.340_434),
            (1e-5, 2.107_926_239_5, 0.894_082),
        ] {
            let ratio = barrier_ratio_for_probability(0.0, 0.6, MONTH, probability);
            assert_relative(ratio, expected, 2e-11);
            assert_relative(linear_short_leverage(ratio, 0.005), leverage, 1e-6);
            assert_relative(
                passage(0.0, ratio).hit_probability(MONTH),
                probability,
                1e-12,
            );
        }
    }

    #[test]
    fn barriers_that_do_not_exist_are_never_hit_and_present_ones_at_once() {
        assert!(inverse_short_barrier_ratio(1.0, 0.005).is_infinite());
        assert!(inverse_short_barrier_ratio_on_entry(0.9, 0.005).is_infinite());
        for ratio in [f64::INFINITY, 0.0] {
            assert_relative(passage(0.5, ratio).hit_probability(10.0), 0.0, 0.0);
        }
        assert_relative(passage(0.0, 1.0).hit_probability(0.0), 1.0, 0.0);
        assert_relative(passage(0.0, 1.2).hit_probability(0.0), 0.0, 0.0);
    }

    #[test]
    fn violent_drift_neither_overflows_nor_passes_one() {
        // 2 nu b / sigma^2 is about 1,400 here.
        let sure = Passage {
            drift_annual: 20.0,
            volatility_annual: 0.1,
            barrier_ratio: 1.42,
        };
        assert_relative(sure.hit_probability(1.0), 1.0, 1e-15);
        let hopeless = Passage {
            drift_annual: -20.0,
            ..sure
        };
        assert!(hopeless.hit_probability(1.0) < 1e-300);
    }

    #[test]
    fn stopping_the_price_at_the_barrier_keeps_its_mean() {
        // Without drift, E[S; hit] at the end equals B times P(hit).
        for ratio in [0.7, 0.95, 1.05, 1.3, 2.0] {
            let stopped = passage(0.0, ratio);
            assert_relative(
                stopped.hit_probability_tilted(MONTH, 1.0),
                ratio * stopped.hit_probability(MONTH),
                1e-13,
            );
        }
    }

    #[test]
    fn correction_for_discrete_checks_meets_reference_digits() {
        let liquidation = passage(0.0, linear_short_barrier_ratio(5.0, 0.005));
        for (steps, expected) in [
            (30, 0.231_130_516_988),
            (90, 0.249_542_790_815),
            (720, 0.266_654_322_036),
        ] {
            assert_relative(
                liquidation.corrected_hit_probability(MONTH, steps),
                expected,
                1e-11,
            );
        }
    }

    #[test]
    fn bridge_meets_reference_digits_and_averages_to_the_hit_probability() {
        let barrier = (1.2_f64 / 1.005).ln();
        let variance = 0.36 / 365.0;
        let crossing =
            bridge_crossing_probability(barrier - 1.10_f64.ln(), barrier - 1.15_f64.ln(), variance);
        assert_relative(crossing, 0.001_931_966_732_34, 1e-11);
        assert_relative(bridge_crossing_probability(0.1, -0.1, 0.01), 1.0, 0.0);
        assert_relative(bridge_crossing_probability(0.1, 0.1, 0.0), 0.0, 0.0);

        // The mean over the end point, by quadrature below the barrier and the normal tail above it.
        let liquidation = passage(0.0, linear_short_barrier_ratio(5.0, 0.005));
        let distance = liquidation.log_distance();
        let drift = liquidation.log_drift_to_barrier_annual() * MONTH;
        let deviation = 0.6 * MONTH.sqrt();
        let width = 10.0 * deviation;
        let below: f64 = gauss_legendre(80)
            .iter()
            .map(|(u, weight)| {
                let end_gap = u * width;
                let density = pdf((distance - end_gap - drift) / deviation) / deviation;
                let crossed = bridge_crossing_probability(distance, end_gap, deviation * deviation);
                weight * width * density * crossed
            })
            .sum();
        let above = cdf((drift - distance) / deviation);
        assert_relative(below + above, liquidation.hit_probability(MONTH), 1e-11);
    }
}

//! Moments and compensators of the log jump sizes of Merton and of Kou, and what jumps add to a variance.
//!
//! A size scaled by a loading `l` keeps its family: Merton's `(mean, std_dev)` become `(l mean, l std_dev)`, Kou's
//! `(p, up_mean, down_mean)` become `(p, l up_mean, l down_mean)`. So every function here takes the scaled parameters.

/// `E[e^J - 1]` of a normal log size.
///
/// # Source
/// Merton (1976), *Option pricing when underlying stock returns are discontinuous*.
pub fn merton_compensator(mean_log: f64, std_dev_log: f64) -> f64 {
    (mean_log + 0.5 * std_dev_log * std_dev_log).exp_m1()
}

/// `E[e^J - 1]` of a double exponential log size: up with probability `up_probability` and mean `up_mean_log` (below 1),
/// else down with mean `-down_mean_log`.
///
/// # Source
/// Kou (2002), *A jump-diffusion model for option pricing*, with `eta_1 = 1 / up_mean_log`, `eta_2 = 1 / down_mean_log`.
pub fn kou_compensator(up_probability: f64, up_mean_log: f64, down_mean_log: f64) -> f64 {
    up_probability * up_mean_log / (1.0 - up_mean_log)
        - (1.0 - up_probability) * down_mean_log / (1.0 + down_mean_log)
}

/// `E[J]`, `E[J^2]`, `E[J^3]`, `E[J^4]` of a normal log size.
pub fn merton_raw_moments(mean_log: f64, std_dev_log: f64) -> [f64; 4] {
    let (m, v) = (mean_log, std_dev_log * std_dev_log);
    [
        m,
        m * m + v,
        m * m * m + 3.0 * m * v,
        m.powi(4) + 6.0 * m * m * v + 3.0 * v * v,
    ]
}

/// `E[J]`, `E[J^2]`, `E[J^3]`, `E[J^4]` of a double exponential log size: `n! (p u^n + (-1)^n (1 - p) d^n)`.
pub fn kou_raw_moments(up_probability: f64, up_mean_log: f64, down_mean_log: f64) -> [f64; 4] {
    let (p, u, d) = (up_probability, up_mean_log, down_mean_log);
    let q = 1.0 - p;
    [
        p * u - q * d,
        2.0 * (p * u * u + q * d * d),
        6.0 * (p * u.powi(3) - q * d.powi(3)),
        24.0 * (p * u.powi(4) + q * d.powi(4)),
    ]
}

/// Variance that jumps add to a log price per year: `lambda E[J^2]`, the systemic share with its loading.
///
/// `second_moment` is `E[J^2]` of the unloaded size.
pub fn jump_variance_annual(
    jumps_per_year: f64,
    second_moment: f64,
    systemic_share: f64,
    systemic_loading: f64,
) -> f64 {
    let loaded = (1.0 - systemic_share) + systemic_share * systemic_loading * systemic_loading;
    jumps_per_year * second_moment * loaded
}

/// Total variance of a log price per year: diffusion and jumps.
pub fn total_variance_annual(volatility_annual: f64, jump_variance_annual: f64) -> f64 {
    volatility_annual * volatility_annual + jump_variance_annual
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    /// Mean, variance, skewness and excess kurtosis of the log return over `years`, volatility 0.5, 6 jumps a year, no drift.
    fn shape(moments: [f64; 4], compensator: f64, years: f64) -> [f64; 4] {
        let (volatility, rate) = (0.5, 6.0);
        let mean =
            (-0.5 * volatility * volatility - rate * compensator + rate * moments[0]) * years;
        let jump_variance = jump_variance_annual(rate, moments[1], 0.4, 1.0);
        let variance = total_variance_annual(volatility, jump_variance) * years;
        let skewness = rate * moments[2] * years / variance.powf(1.5);
        [
            mean,
            variance,
            skewness,
            rate * moments[3] * years / (variance * variance),
        ]
    }

    fn assert_close(found: [f64; 4], expected: [f64; 4]) {
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-12, "{f} is not {e}");
        }
    }

    // Reference values: cumulants computed independently to 12 digits, c1 = (mu - s^2/2 - lambda k + lambda m1) T,
    // c2 = (s^2 + lambda m2) T, c3 = lambda m3 T, c4 = lambda m4 T.
    #[test]
    fn merton_cumulants_are_the_known_ones() {
        let found = shape(
            merton_raw_moments(-0.03, 0.12),
            merton_compensator(-0.03, 0.12),
            0.25,
        );
        assert_close(
            found,
            [
                -0.042_436_933_724_9,
                0.085_45,
                -0.079_448_006_178_7,
                0.143_935_609_538,
            ],
        );
    }

    #[test]
    fn kou_cumulants_are_the_known_ones() {
        let (up, down) = (1.0 / 12.0, 1.0 / 9.0);
        let found = shape(
            kou_raw_moments(0.45, up, down),
            kou_compensator(0.45, up, down),
            0.25,
        );
        assert_close(
            found,
            [
                -0.045_530_303_030_3,
                0.092_245_370_370_4,
                -0.158_704_436_897,
                0.446_467_225_748,
            ],
        );
    }

    #[test]
    fn kou_compensator_is_the_formula_in_rates() {
        let (p, eta_1, eta_2): (f64, f64, f64) = (0.3, 12.0, 5.0);
        let in_rates = p * eta_1 / (eta_1 - 1.0) + (1.0 - p) * eta_2 / (eta_2 + 1.0) - 1.0;
        assert!((kou_compensator(p, 1.0 / eta_1, 1.0 / eta_2) - in_rates).abs() < 1e-15);
    }

    #[test]
    fn compensators_begin_with_the_moments() {
        // E[e^J] - 1 = m1 + m2/2 + m3/6 + m4/24 + ..., so small sizes pin compensator and moments on each other.
        let series = |m: [f64; 4]| m[0] + m[1] / 2.0 + m[2] / 6.0 + m[3] / 24.0;
        let (mean, std_dev) = (-1e-3, 2e-3);
        let merton = series(merton_raw_moments(mean, std_dev)) - merton_compensator(mean, std_dev);
        assert!(merton.abs() < 1e-14, "{merton}");
        let kou = series(kou_raw_moments(0.4, 1e-3, 2e-3)) - kou_compensator(0.4, 1e-3, 2e-3);
        assert!(kou.abs() < 1e-13, "{kou}");
    }

    #[test]
    fn a_loading_scales_the_systemic_share_alone() {
        let (rate, m2) = (6.0, 0.02);
        assert_eq!(jump_variance_annual(rate, m2, 0.0, 3.0), rate * m2);
        assert!((jump_variance_annual(rate, m2, 1.0, 3.0) - 9.0 * rate * m2).abs() < 1e-15);
        let half = jump_variance_annual(rate, m2, 0.5, 3.0);
        let loaded =
            kou_raw_moments(0.45, 3.0 * 0.08, 3.0 * 0.1)[1] / kou_raw_moments(0.45, 0.08, 0.1)[1];
        assert!((half - rate * m2 * 0.5 * (1.0 + loaded)).abs() < 1e-14);
    }
}

//! The Ornstein-Uhlenbeck process: moments, and the exact law of one step with its time average and a driving Brownian.
//!
//! Everywhere `dx = k (theta - x) dt + eta dW`: reversion `k` per year, volatility `eta` per square root of a year,
//! times in years. All forms hold for `k = 0` (a Brownian motion) and lose no digits as `k t` goes to 0.

/// Mean of the process at time `t_years` when it starts at `start` and reverts to `level`.
pub fn mean(start: f64, level: f64, reversion_per_year: f64, t_years: f64) -> f64 {
    level + (start - level) * (-reversion_per_year * t_years).exp()
}

/// Variance of the process at time `t_years` when its start is known.
pub fn variance(reversion_per_year: f64, volatility_annual: f64, t_years: f64) -> f64 {
    volatility_annual.powi(2) * t_years * mean_decay(2.0 * reversion_per_year * t_years)
}

/// Mean of the integral of the process over `[0, t_years]`.
pub fn integral_mean(start: f64, level: f64, reversion_per_year: f64, t_years: f64) -> f64 {
    level * t_years + (start - level) * t_years * mean_decay(reversion_per_year * t_years)
}

/// Variance of the integral of the process over `[0, t_years]` when its start is known.
pub fn integral_variance(reversion_per_year: f64, volatility_annual: f64, t_years: f64) -> f64 {
    let a = reversion_per_year * t_years;
    let about_bridge = bridge_deviation(a);
    volatility_annual.powi(2) * t_years.powi(3) * (mean_ramp(a).powi(2) + about_bridge.powi(2))
}

/// Standard deviation in the long run; infinite without reversion.
pub fn stationary_sd(reversion_per_year: f64, volatility_annual: f64) -> f64 {
    volatility_annual / (2.0 * reversion_per_year).sqrt()
}

/// Time in years in which a deviation from the level halves; infinite without reversion.
pub fn half_life_years(reversion_per_year: f64) -> f64 {
    std::f64::consts::LN_2 / reversion_per_year
}

/// The exact law of one step, as loadings on three independent standard normals `n1`, `n2`, `n3`.
///
/// With `d` the deviation from the level at the start of the step:
/// `X = sqrt(dt) n1` is the move of the driving Brownian motion `W_x`;
/// the deviation at the end is `d * decay + y_on_x * n1 + y_own * n2`;
/// its time average over the step is `d * average_decay + z_on_x * n1 + z_on_y_own * n2 + z_own * n3`.
/// The loadings carry the unit of the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OuStep {
    /// Share of the starting deviation left at the end, `e^{-k dt}`.
    pub decay: f64,
    /// Share of the starting deviation in the time average, `(1 - e^{-k dt}) / (k dt)`.
    pub average_decay: f64,
    /// Loading of the end value on the normal of the driving Brownian motion.
    pub y_on_x: f64,
    /// Loading of the end value on its own normal, never negative.
    pub y_own: f64,
    /// Loading of the time average on the normal of the driving Brownian motion.
    pub z_on_x: f64,
    /// Loading of the time average on the end value's own normal.
    pub z_on_y_own: f64,
    /// Loading of the time average on a normal of its own, never negative.
    pub z_own: f64,
}

/// The exact law of one step of `dt_years` (not negative), with reversion `k` (not negative), volatility `eta`, and
/// `correlation` (in `[-1, 1]`) between the process's own Brownian motion and `W_x`.
///
/// Exact for any step length: steps composed have the law of the long step. The loadings are found without
/// subtracting near numbers: on the step the noise of the end value is its mean kernel times the whole Brownian move
/// plus a bridge part, the time average holds the same bridge part with the opposite sign, and both parts have closed
/// forms with a positive series.
pub fn ou_step(
    dt_years: f64,
    reversion_per_year: f64,
    volatility_annual: f64,
    correlation: f64,
) -> OuStep {
    let a = reversion_per_year * dt_years;
    let end_mean = mean_decay(a);
    let average_mean = mean_ramp(a);
    // Bridge parts per unit of volatility: `a * bridge` in the end value, `-bridge` in the time average.
    let bridge = bridge_deviation(a);
    let apart = ((1.0 - correlation) * (1.0 + correlation)).max(0.0);

    let end_own = (end_mean * end_mean * apart + (a * bridge).powi(2)).sqrt();
    let (average_on_end, average_own) = if end_own > 0.0 {
        (
            (end_mean * average_mean * apart - a * bridge * bridge) / end_own,
            apart.sqrt() * bridge / end_own,
        )
    } else {
        (-bridge, 0.0)
    };
    let scale = volatility_annual * dt_years.sqrt();
    OuStep {
        decay: (-a).exp(),
        average_decay: end_mean,
        y_on_x: scale * correlation * end_mean,
        y_own: scale * end_own,
        z_on_x: scale * correlation * average_mean,
        z_on_y_own: scale * average_on_end,
        z_own: scale * average_own,
    }
}

/// Variance over one step of a log price that moves with `sigma dW_x` plus an OU process (the log mark: log spot plus
/// log basis), given the start.
///
/// `sigma^2 dt + eta^2 (1 - e^{-2 k dt}) / (2 k) + 2 rho sigma eta (1 - e^{-k dt}) / k`, never below 0.
pub fn log_mark_step_variance(
    dt_years: f64,
    sigma_annual: f64,
    reversion_per_year: f64,
    volatility_annual: f64,
    correlation: f64,
) -> f64 {
    let a = reversion_per_year * dt_years;
    let price = sigma_annual * sigma_annual;
    let basis = volatility_annual * volatility_annual * mean_decay(2.0 * a);
    let cross = 2.0 * correlation * sigma_annual * volatility_annual * mean_decay(a);
    (dt_years * (price + basis + cross)).max(0.0)
}

/// `(1 - e^{-a}) / a`: the mean of `e^{-a u}` over `u` in `[0, 1]`; 1 at 0.
fn mean_decay(a: f64) -> f64 {
    if a == 0.0 { 1.0 } else { -(-a).exp_m1() / a }
}

/// `(a - 1 + e^{-a}) / a^2`: the mean of `(1 - e^{-a u}) / a` over `u` in `[0, 1]`; 1/2 at 0.
fn mean_ramp(a: f64) -> f64 {
    if a >= 0.5 {
        return (1.0 - mean_decay(a)) / a;
    }
    let mut term = 0.5;
    let mut sum = 0.0;
    for n in 3..20 {
        sum += term;
        term *= -a / f64::from(n);
    }
    sum
}

/// Standard deviation of `(1 - e^{-a u}) / a` over `u` in `[0, 1]`; `1 / sqrt(12)` at 0.
///
/// Its square is `mean_decay(a) ((1 + e^{-a}) / 2 - mean_decay(a)) / a^2`.
fn bridge_deviation(a: f64) -> f64 {
    let excess = if a >= 1.0 {
        (0.5 * (1.0 + (-a).exp()) - mean_decay(a)) / (a * a)
    } else {
        // e^{-h} (cosh h - sinh h / h) with h = a / 2, as the series of h^{2n} 2n / (2n + 1)!, over a^2 = 4 h^2.
        let h_squared = 0.25 * a * a;
        let mut power_over_factorial = 1.0 / 6.0;
        let mut sum = 0.0;
        for n in 1..10 {
            let twice = f64::from(2 * n);
            sum += twice * power_over_factorial;
            power_over_factorial *= h_squared / ((twice + 2.0) * (twice + 3.0));
        }
        0.25 * (-0.5 * a).exp() * sum
    };
    (mean_decay(a) * excess).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 1.0 / 365.0;
    const EIGHT_HOURS: f64 = DAY / 3.0;

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed - expected).abs() <= tolerance * expected.abs(),
            "{computed:e} against {expected:e}"
        );
    }

    #[test]
    fn moments_meet_reference_digits() {
        // k = 8, theta = 0.001, eta = 0.02, x0 = 0.01.
        for (t, expected_mean, expected_sd) in [
            (DAY, 0.009_804_885_774_96, 0.001_035_479_624_34),
            (30.0 * DAY, 0.005_663_146_014_5, 0.004_276_517_463_96),
            (0.25, 0.002_218_017_549_13, 0.004_953_999_296_3),
        ] {
            assert_relative(mean(0.01, 0.001, 8.0, t), expected_mean, 1e-11);
            assert_relative(variance(8.0, 0.02, t).sqrt(), expected_sd, 1e-11);
        }
        assert_relative(stationary_sd(8.0, 0.02), 0.005, 1e-15);
        assert_relative(half_life_years(8.0) * 365.0, 31.624_840_113, 1e-11);
        assert_relative(
            integral_mean(0.01, 0.001, 8.0, 0.25),
            0.001_222_747_806_36,
            1e-11,
        );
        assert_relative(
            integral_variance(8.0, 0.02, 0.25),
            5.949_318_336_16e-7,
            1e-11,
        );
    }

    #[test]
    fn step_meets_forty_digit_quadrature_of_the_kernels() {
        let hard = ou_step(EIGHT_HOURS, 200.0, 0.012, -0.3);
        assert_relative(hard.y_on_x, -9.943_455_951_359_773e-5, 1e-14);
        assert_relative(hard.y_own, 3.166_640_767_254_799e-4, 1e-14);
        assert_relative(hard.z_on_x, -5.122_990_254_292_715e-5, 1e-14);
        assert_relative(hard.z_on_y_own, 1.573_751_033_242_08e-4, 1e-14);
        assert_relative(hard.z_own, 1.044_962_937_693_570_2e-4, 1e-14);
        let soft = ou_step(DAY, 8.0, 0.02, 0.5);
        assert_relative(soft.y_on_x, 5.177_294_493_481_744e-4, 1e-14);
        assert_relative(soft.y_own, 8.967_576_426_787_249e-4, 1e-14);
        assert_relative(soft.z_on_x, 2.598_103_416_680_452e-4, 1e-14);
        assert_relative(soft.z_on_y_own, 4.478_089_521_695_211e-4, 1e-14);
        assert_relative(soft.z_own, 3.021_896_680_687_21e-4, 1e-14);
    }

    #[test]
    fn step_loadings_return_the_moments_for_every_correlation() {
        for correlation in [-1.0, -0.6, 0.0, 0.3, 0.999_999, 1.0] {
            for reversion in [0.0, 1e-9, 0.01, 3.0, 200.0, 5_000.0, 1e7] {
                let step = ou_step(DAY, reversion, 0.02, correlation);
                let end = step.y_on_x.powi(2) + step.y_own.powi(2);
                let average = step.z_on_x.powi(2) + step.z_on_y_own.powi(2) + step.z_own.powi(2);
                let joint = step.y_on_x * step.z_on_x + step.y_own * step.z_on_y_own;
                assert_relative(end, variance(reversion, 0.02, DAY), 1e-13);
                assert_relative(
                    average * DAY * DAY,
                    integral_variance(reversion, 0.02, DAY),
                    1e-13,
                );
                // Cov(end, average) = eta^2 (1 - e^{-k dt})^2 / (2 k^2 dt).
                let expected = 0.5 * 0.02_f64.powi(2) * DAY * step.average_decay.powi(2);
                assert_relative(joint, expected, 1e-10);
                assert!(step.y_own >= 0.0 && step.z_own >= 0.0);
            }
        }
    }

    #[test]
    fn no_volatility_and_no_time_move_nothing() {
        let still = ou_step(DAY, 8.0, 0.0, 0.5);
        assert_relative(still.decay, (-8.0 * DAY).exp(), 0.0);
        for loading in [still.y_on_x, still.y_own, still.z_on_x, still.z_on_y_own] {
            assert_relative(loading, 0.0, 0.0);
        }
        assert_relative(still.z_own, 0.0, 0.0);
        let instant = ou_step(0.0, 8.0, 0.02, 1.0);
        assert_relative(instant.decay, 1.0, 0.0);
        assert_relative(instant.average_decay, 1.0, 0.0);
        assert_relative(instant.y_own, 0.0, 0.0);
        assert_relative(instant.z_own, 0.0, 0.0);
    }

    #[test]
    fn brownian_limit_and_full_correlation_are_the_known_bridge() {
        let step = ou_step(1.0, 0.0, 1.0, 1.0);
        assert_relative(step.y_on_x, 1.0, 0.0);
        assert_relative(step.z_on_x, 0.5, 0.0);
        assert_relative(step.y_own, 0.0, 0.0);
        assert_relative(step.z_own, 0.0, 0.0);
        assert_relative(step.z_on_y_own.powi(2), 1.0 / 12.0, 1e-15);
    }

    #[test]
    fn series_and_closed_form_join() {
        for joint in [0.5, 1.0] {
            let (below, above) = (joint - 1e-13, joint + 1e-13);
            assert_relative(mean_ramp(below), mean_ramp(above), 1e-12);
            assert_relative(bridge_deviation(below), bridge_deviation(above), 1e-12);
        }
        assert_relative(mean_ramp(0.0), 0.5, 0.0);
        assert_relative(bridge_deviation(0.0), 12.0_f64.sqrt().recip(), 1e-15);
        // At 1/4 the closed forms have lost at most three digits; they must still agree.
        let a = 0.25_f64;
        let e = (-a).exp();
        assert_relative(mean_ramp(a), (a - 1.0 + e) / (a * a), 1e-13);
        let square = mean_decay(a) * (0.5 * (1.0 + e) - mean_decay(a)) / (a * a);
        assert_relative(bridge_deviation(a), square.sqrt(), 1e-12);
    }

    /// Covariance of the averages over two adjacent 8-hour windows, each of `steps` steps, from a stationary start:
    /// the linear recursion of (deviation, sum of averages 1, sum of averages 2).
    fn window_covariance(steps: u32, reversion: f64, volatility: f64) -> [[f64; 3]; 3] {
        let step = ou_step(EIGHT_HOURS / f64::from(steps), reversion, volatility, 0.4);
        let end = step.y_on_x.powi(2) + step.y_own.powi(2);
        let average = step.z_on_x.powi(2) + step.z_on_y_own.powi(2) + step.z_own.powi(2);
        let joint = step.y_on_x * step.z_on_x + step.y_own * step.z_on_y_own;
        let share = f64::from(steps).recip();
        let mut covariance = [[0.0; 3]; 3];
        covariance[0][0] = stationary_sd(reversion, volatility).powi(2);
        for window in [1, 2] {
            for _ in 0..steps {
                let mut map = [[0.0; 3]; 3];
                map[0][0] = step.decay;
                map[1][1] = 1.0;
                map[2][2] = 1.0;
                map[window][0] = step.average_decay * share;
                let mut next = [[0.0; 3]; 3];
                for (i, row) in next.iter_mut().enumerate() {
                    for (j, cell) in row.iter_mut().enumerate() {
                        for (p, line) in covariance.iter().enumerate() {
                            for (q, value) in line.iter().enumerate() {
                                *cell += map[i][p] * value * map[j][q];
                            }
                        }
                    }
                }
                next[0][0] += end;
                next[0][window] += joint * share;
                next[window][0] += joint * share;
                next[window][window] += average * share * share;
                covariance = next;
            }
        }
        covariance
    }

    #[test]
    fn composed_steps_have_the_law_of_the_eight_hour_average() {
        for steps in [1, 8, 96] {
            let covariance = window_covariance(steps, 200.0, 0.012);
            assert_relative(covariance[0][0].sqrt(), 6e-4, 1e-12);
            assert_relative(covariance[1][1].sqrt(), 5.822_778_804_71e-4, 1e-11);
            assert_relative(covariance[2][2].sqrt(), 5.822_778_804_71e-4, 1e-11);
            let correlation = covariance[1][2] / covariance[1][1];
            assert_relative(correlation, 0.887_004_333_986, 1e-11);
        }
    }

    #[test]
    fn log_mark_variance_is_the_sum_of_its_parts() {
        let step = ou_step(DAY, 8.0, 0.02, -0.5);
        let on_x = 0.6 * DAY.sqrt() + step.y_on_x;
        let expected = on_x * on_x + step.y_own * step.y_own;
        assert_relative(
            log_mark_step_variance(DAY, 0.6, 8.0, 0.02, -0.5),
            expected,
            1e-14,
        );
        assert_relative(
            log_mark_step_variance(DAY, 0.6, 8.0, 0.0, 0.9),
            0.36 * DAY,
            1e-15,
        );
        // Basis that undoes the price exactly: nothing moves, and nothing below 0.
        assert!(log_mark_step_variance(DAY, 0.6, 0.0, 0.6, -1.0) < 1e-18);
    }
}

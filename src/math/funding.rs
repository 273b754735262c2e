//! Expected funding of a perpetual: the capped premium formula on a Gaussian premium averaged over an interval.

use statrs::function::erf::erfc;

/// The premium formula per 8 h: `P + clamp(I - P, -damper, damper)`, cut to `[-cap, cap]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PremiumFormula {
    /// Interest term `I`.
    pub interest: f64,
    /// Half-width of the clamp, not negative.
    pub damper: f64,
    /// Largest absolute rate; infinite if uncapped.
    pub cap: f64,
}

impl PremiumFormula {
    /// The rate at an average premium.
    pub fn rate(&self, premium: f64) -> f64 {
        let rate = premium + (self.interest - premium).clamp(-self.damper, self.damper);
        rate.clamp(-self.cap, self.cap)
    }

    /// `E[rate(P)]` for a normal `P`.
    ///
    /// The rate is `I` on the dead band around it, rises with slope 1 outside of it and is flat at the caps, so its
    /// mean is `I` plus four expected excesses of a normal variable.
    pub fn mean_rate(&self, premium_mean: f64, premium_std_dev: f64) -> f64 {
        let above = |strike: f64| mean_excess(premium_mean - strike, premium_std_dev);
        let below = |strike: f64| mean_excess(strike - premium_mean, premium_std_dev);
        let flat = self.interest.clamp(-self.cap, self.cap);
        let rise = above(flat + self.damper) - above(self.cap + self.damper);
        let fall = below(flat - self.damper) - below(-self.cap - self.damper);
        flat + rise - fall
    }
}

/// `E[max(X, 0)]` of a normal `X`. Minus infinity as mean gives 0.
fn mean_excess(mean: f64, std_dev: f64) -> f64 {
    if std_dev <= 0.0 || mean == f64::NEG_INFINITY {
        return mean.max(0.0);
    }
    let z = mean / std_dev;
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    std_dev * density + mean * 0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// A Gaussian Ornstein-Uhlenbeck process from a known value: `dx = k (mean - x) dt + volatility dW`, `x(0) = initial`.
///
/// Times are years. With `k = 0` it is a Brownian motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reversion {
    /// Long-run mean.
    pub mean: f64,
    /// Value at time 0.
    pub initial: f64,
    /// Volatility per square root of a year.
    pub volatility_annual: f64,
    /// `k`, per year, not negative.
    pub reversion_per_year: f64,
}

/// Mean and variance of a normal variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

impl Reversion {
    /// Law of the value at `t`.
    pub fn value(&self, t: f64) -> Normal {
        let u = self.reversion_per_year * t;
        Normal {
            mean: self.mean + (self.initial - self.mean) * (-u).exp(),
            variance: self.volatility_annual.powi(2) * t * decay_mean(2.0 * u),
        }
    }

    /// Law of the average over `[from, to]`, given the value at time 0.
    pub fn average(&self, from: f64, to: f64) -> Normal {
        let (d, start) = (to - from, self.value(from));
        let u = self.reversion_per_year * d;
        let weight = decay_mean(u);
        Normal {
            mean: self.mean + (start.mean - self.mean) * weight,
            variance: start.variance * weight * weight
                + self.volatility_annual.powi(2) * d * averaged_noise(u),
        }
    }

    /// Covariance of the value at `t` with a Brownian motion at `t` whose increments have this correlation with `dW`.
    pub fn covariance_with_brownian(&self, t: f64, correlation: f64) -> f64 {
        correlation * self.volatility_annual * t * decay_mean(self.reversion_per_year * t)
    }

    /// Covariance of the average over `[from, to]` with that Brownian motion at `to`.
    ///
    /// It is the average of [`Self::covariance_with_brownian`], for what comes after a moment is independent of it.
    pub fn average_covariance_with_brownian(&self, from: f64, to: f64, correlation: f64) -> f64 {
        let start = self.covariance_with_brownian(from, correlation);
        let (d, u) = (to - from, self.reversion_per_year * (to - from));
        start * decay_mean(u) + correlation * self.volatility_annual * d * ramp(u)
    }

    /// Covariance of the average over `[from, to]` with the value at `to`.
    pub fn average_covariance_with_end(&self, from: f64, to: f64) -> f64 {
        let (d, u) = (to - from, self.reversion_per_year * (to - from));
        let weight = decay_mean(u);
        self.value(from).variance * weight * (-u).exp()
            + 0.5 * self.volatility_annual.powi(2) * d * weight * weight
    }
}

/// `(1 - e^-u) / u`, 1 at 0.
fn decay_mean(u: f64) -> f64 {
    if u == 0.0 { 1.0 } else { -(-u).exp_m1() / u }
}

/// `(u - (1 - e^-u)) / u^2`, 1/2 at 0.
fn ramp(u: f64) -> f64 {
    if u < 0.02 {
        0.5 - u * (1.0 / 6.0 - u * (1.0 / 24.0 - u * (1.0 / 120.0 - u / 720.0)))
    } else {
        (u + (-u).exp_m1()) / (u * u)
    }
}

/// `(u - 2 (1 - e^-u) + (1 - e^-2u) / 2) / u^3`, 1/3 at 0: the variance of the averaged noise of one interval.
fn averaged_noise(u: f64) -> f64 {
    if u < 0.02 {
        1.0 / 3.0 - u * (0.25 - u * (7.0 / 60.0 - u * (1.0 / 24.0 - u * 31.0 / 2520.0)))
    } else {
        (u + 2.0 * (-u).exp_m1() - 0.5 * (-2.0 * u).exp_m1()) / (u * u * u)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNCAPPED: PremiumFormula = PremiumFormula {
        interest: 1e-4,
        damper: 5e-4,
        cap: f64::INFINITY,
    };

    // Reference values: closed form and quadrature agree to 10 digits.
    #[test]
    fn mean_rate_is_the_known_one() {
        for (mean, std_dev, expected) in [
            (2e-4, 4e-4, 1.216_034_707_30e-4),
            (0.0, 4e-4, 7.839_652_927e-5),
            (1e-3, 1e-3, 6.937_706_942_39e-4),
            (-5e-4, 5e-4, -1.510_038_137_73e-4),
        ] {
            let found = UNCAPPED.mean_rate(mean, std_dev);
            assert!(
                (found - expected).abs() < 2e-14,
                "{found} is not {expected}"
            );
        }
    }

    #[test]
    fn interval_average_of_a_stationary_premium_is_the_known_one() {
        let (k, d) = (200.0, 8.0 / 24.0 / 365.0);
        let premium = Reversion {
            mean: 3e-4,
            initial: 3e-4,
            volatility_annual: 0.012,
            reversion_per_year: k,
        };
        let average = premium.average(10.0, 10.0 + d);
        assert!((premium.value(10.0).variance.sqrt() - 6e-4).abs() < 1e-15);
        assert!((average.variance.sqrt() - 5.822_778_804_71e-4).abs() < 1e-15);
        let (u, stationary) = (k * d, 6e-4_f64.powi(2));
        let closed_form = 2.0 * stationary * (u - 1.0 + (-u).exp()) / (u * u);
        assert!((average.variance / closed_form - 1.0).abs() < 1e-12);
        let rate = UNCAPPED.mean_rate(average.mean, average.variance.sqrt());
        assert!((rate - 1.799_405_249_45e-4).abs() < 1e-14);
        let capped = PremiumFormula {
            cap: 7.5e-4,
            ..UNCAPPED
        };
        let rate = capped.mean_rate(average.mean, average.variance.sqrt());
        assert!((rate - 1.680_801_626_79e-4).abs() < 1e-14);
    }

    #[test]
    fn transient_moments_are_the_known_ones() {
        let process = Reversion {
            mean: 1e-3,
            initial: 1e-2,
            volatility_annual: 0.02,
            reversion_per_year: 8.0,
        };
        for (days, mean, std_dev) in [
            (1.0, 0.009_804_885_774_96, 0.001_035_479_624_34),
            (30.0, 0.005_663_146_014_5, 0.004_276_517_463_96),
            (91.25, 0.002_218_017_549_13, 0.004_953_999_296_3),
        ] {
            let law = process.value(days / 365.0);
            assert!(
                (law.mean - mean).abs() < 1e-14 && (law.variance.sqrt() - std_dev).abs() < 1e-14
            );
        }
        let average = process.average(0.0, 0.25);
        assert!((average.mean * 0.25 - 0.001_222_747_806_36).abs() < 1e-14);
        assert!((average.variance * 0.0625 - 5.949_318_336_16e-7).abs() < 1e-17);
    }

    /// Averages over an interval are averages over its halves; so are the covariances.
    #[test]
    fn laws_of_an_interval_follow_from_its_halves() {
        for k in [0.0, 0.05, 8.0, 400.0] {
            let process = Reversion {
                mean: 1e-3,
                initial: 1e-2,
                volatility_annual: 0.02,
                reversion_per_year: k,
            };
            let (from, middle, to) = (0.1, 0.175, 0.25);
            let (first, second) = (process.average(from, middle), process.average(middle, to));
            let whole = process.average(from, to);
            assert!((whole.mean - 0.5 * (first.mean + second.mean)).abs() < 1e-15);
            // Given its value in the middle, the second half's average moves with it by the mean decay over the half.
            let covariance =
                process.average_covariance_with_end(from, middle) * decay_mean(k * (to - middle));
            let joined = 0.25 * (first.variance + second.variance + 2.0 * covariance);
            assert!((whole.variance / joined - 1.0).abs() < 1e-10, "{k}");
            let halves = 0.5
                * (process.average_covariance_with_brownian(from, middle, 0.3)
                    + process.average_covariance_with_brownian(middle, to, 0.3));
            assert!(
                (process.average_covariance_with_brownian(from, to, 0.3) / halves - 1.0).abs()
                    < 1e-12
            );
        }
    }

    #[test]
    fn series_join_the_formulas() {
        for (f, tolerance) in [(ramp as fn(f64) -> f64, 1e-11), (averaged_noise, 2e-10)] {
            let step = f(0.02) - f(0.02 - 1e-12);
            assert!(step.abs() < tolerance, "{step}");
        }
        assert_eq!(
            (decay_mean(0.0), ramp(0.0), averaged_noise(0.0)),
            (1.0, 0.5, 1.0 / 3.0)
        );
    }

    #[test]
    fn mean_rate_is_the_mean_of_the_rate() {
        // Trapezoidal rule over 12 standard deviations; kinks cost at most the step squared.
        let formulas = [
            UNCAPPED,
            PremiumFormula {
                cap: 3e-3,
                ..UNCAPPED
            },
            PremiumFormula {
                cap: 5e-5,
                ..UNCAPPED
            },
            PremiumFormula {
                cap: 5e-5,
                interest: -4e-4,
                damper: 1e-4,
            },
        ];
        for formula in formulas {
            for (mean, std_dev) in [(2e-4, 4e-4), (-6e-4, 1e-3)] {
                let cells = 200_000;
                let width = 24.0 / f64::from(cells);
                let sum: f64 = (0..=cells)
                    .map(|i| {
                        let z = -12.0 + width * f64::from(i);
                        formula.rate(mean + std_dev * z) * (-0.5 * z * z).exp()
                    })
                    .sum();
                let expected = sum * width / (2.0 * std::f64::consts::PI).sqrt();
                let found = formula.mean_rate(mean, std_dev);
                assert!(
                    (found - expected).abs() < 1e-11,
                    "{formula:?}: {found} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn without_noise_the_mean_rate_is_the_rate() {
        for premium in [-2e-2, -7e-4, 0.0, 1e-4, 6.5e-4, 9e-3] {
            let capped = PremiumFormula {
                cap: 3e-3,
                ..UNCAPPED
            };
            assert!((capped.mean_rate(premium, 0.0) - capped.rate(premium)).abs() < 1e-17);
            assert!((UNCAPPED.mean_rate(premium, 0.0) - UNCAPPED.rate(premium)).abs() < 1e-17);
        }
    }
}

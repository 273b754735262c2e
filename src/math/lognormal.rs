//! Value at risk and expected shortfall of a bare coin position whose price is lognormal.

use crate::math::normal::{cdf, quantile};

/// A lognormal price at a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LognormalPrice {
    /// Price today, USD.
    pub start_usd: f64,
    /// Drift per year: the mean price grows by `e^{drift t}`.
    pub drift_annual: f64,
    /// Volatility, per square root of a year.
    pub volatility_annual: f64,
    /// Horizon in years.
    pub t_years: f64,
}

impl LognormalPrice {
    /// Mean price at the horizon, USD.
    pub fn mean_usd(&self) -> f64 {
        self.start_usd * (self.drift_annual * self.t_years).exp()
    }

    /// Variance of the price at the horizon, USD squared.
    pub fn variance_usd2(&self) -> f64 {
        self.mean_usd().powi(2) * self.deviation().powi(2).exp_m1()
    }

    /// Price that is not passed with this probability, USD.
    pub fn quantile_usd(&self, probability: f64) -> f64 {
        self.price_at(quantile(probability))
    }

    /// Loss of one coin held that is exceeded with probability `1 - level` (level 0.99, say), USD, positive is a loss.
    pub fn long_value_at_risk_usd(&self, level: f64) -> f64 {
        self.start_usd - self.price_at(-quantile(level))
    }

    /// Mean loss of one coin held over the worst `1 - level` of outcomes, USD, positive is a loss.
    pub fn long_expected_shortfall_usd(&self, level: f64) -> f64 {
        let tail = cdf(-quantile(level) - self.deviation());
        self.start_usd - self.mean_usd() * tail / (1.0 - level)
    }

    /// Loss of one coin sold short that is exceeded with probability `1 - level`, USD, positive is a loss.
    pub fn short_value_at_risk_usd(&self, level: f64) -> f64 {
        self.price_at(quantile(level)) - self.start_usd
    }

    /// Mean loss of one coin sold short over the worst `1 - level` of outcomes, USD, positive is a loss.
    pub fn short_expected_shortfall_usd(&self, level: f64) -> f64 {
        let tail = cdf(self.deviation() - quantile(level));
        self.mean_usd() * tail / (1.0 - level) - self.start_usd
    }

    /// Standard deviation of the log price at the horizon.
    fn deviation(&self) -> f64 {
        self.volatility_annual * self.t_years.sqrt()
    }

    fn price_at(&self, z: f64) -> f64 {
        let log_drift = self.drift_annual - 0.5 * self.volatility_annual.powi(2);
        self.start_usd * (log_drift * self.t_years + self.deviation() * z).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::quadrature::gauss_legendre;

    const COIN: LognormalPrice = LognormalPrice {
        start_usd: 100.0,
        drift_annual: 0.0,
        volatility_annual: 0.6,
        t_years: 30.0 / 365.0,
    };

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed / expected - 1.0).abs() <= tolerance,
            "{computed} against {expected}"
        );
    }

    #[test]
    fn tails_meet_reference_digits() {
        for (level, long, short) in [
            (
                0.95,
                [25.750_077_168_7, 30.762_715_428_1],
                [30.753_594_309_7, 40.794_460_695_1],
            ),
            (
                0.99,
                [33.963_359_871_7, 37.615_737_528_3],
                [47.016_024_263_9, 56.070_247_264_4],
            ),
            (
                0.999,
                [42.094_612_687_8, 44.733_598_044_3],
                [67.660_467_152_3, 76.019_265_058_7],
            ),
        ] {
            assert_relative(COIN.long_value_at_risk_usd(level), long[0], 1e-11);
            assert_relative(COIN.long_expected_shortfall_usd(level), long[1], 1e-11);
            assert_relative(COIN.short_value_at_risk_usd(level), short[0], 1e-11);
            assert_relative(COIN.short_expected_shortfall_usd(level), short[1], 1e-11);
        }
        assert_relative(COIN.variance_usd2().sqrt(), 17.329_496_960_6, 1e-11);
    }

    #[test]
    fn shortfalls_are_means_of_the_quantile_with_drift_too() {
        let rising = LognormalPrice {
            drift_annual: 0.7,
            ..COIN
        };
        // With u = tail * v^4 the quantile's singular end is flat enough for the rule.
        let tail = 0.05;
        let mean_loss = |loss: &dyn Fn(f64) -> f64| -> f64 {
            gauss_legendre(80)
                .iter()
                .map(|(v, weight)| weight * 4.0 * v.powi(3) * loss(tail * v.powi(4)))
                .sum()
        };
        let long = mean_loss(&|u| 100.0 - rising.quantile_usd(u));
        let short = mean_loss(&|u| rising.quantile_usd(1.0 - u) - 100.0);
        assert_relative(rising.long_expected_shortfall_usd(0.95), long, 1e-8);
        assert_relative(rising.short_expected_shortfall_usd(0.95), short, 1e-8);
    }
}

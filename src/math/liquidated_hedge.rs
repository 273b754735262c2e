//! The whole law of a hedge that is lost at its liquidation: one unit held, one unit short, nothing rebuilt after.

use crate::math::first_passage::Passage;
use crate::math::normal::{cdf, quantile};

/// Wealth `W = S0 + (S_T - B) 1{hit}` of one coin hedged by one linear short with cash margin and no costs.
///
/// While the short stands, price moves cancel; from the liquidation at `B` on, the coin is bare. Wealth counts the
/// coin and the short's gain or loss, so its start is `S0`; what maintenance margin is forfeited is extra.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiquidatedHedge {
    /// The price and its liquidation level, above the start.
    pub passage: Passage,
    /// Starting price, USD.
    pub start_usd: f64,
    /// Horizon in years.
    pub t_years: f64,
}

impl LiquidatedHedge {
    /// Liquidation price `B`, USD.
    pub fn barrier_usd(&self) -> f64 {
        self.start_usd * self.passage.barrier_ratio
    }

    /// Probability that the hedge is liquidated.
    pub fn hit_probability(&self) -> f64 {
        self.passage.hit_probability(self.t_years)
    }

    /// Mean wealth at the horizon, USD; exactly the start when the price has no drift.
    pub fn mean_usd(&self) -> f64 {
        self.start_usd + self.first_moment_hit() - self.bounded_barrier(self.hit_probability())
    }

    /// Mean wealth when each liquidation also forfeits a maintenance margin of this fraction of the value at `B`, USD.
    pub fn mean_after_forfeit_usd(&self, maintenance_frac: f64) -> f64 {
        self.mean_usd() - maintenance_frac * self.bounded_barrier(self.hit_probability())
    }

    /// Standard deviation of wealth at the horizon, USD.
    pub fn sd_usd(&self) -> f64 {
        let hit = self.hit_probability();
        if hit <= 0.0 {
            return 0.0;
        }
        let barrier = self.barrier_usd();
        let second = self.start_usd.powi(2)
            * ((2.0 * self.passage.drift_annual + self.passage.volatility_annual.powi(2))
                * self.t_years)
                .exp()
            * self.passage.hit_probability_tilted(self.t_years, 2.0);
        let square = second - 2.0 * barrier * self.first_moment_hit() + barrier * barrier * hit;
        let shift = self.mean_usd() - self.start_usd;
        (square - shift * shift).max(0.0).sqrt()
    }

    /// Probability that wealth is at most `wealth_usd`.
    pub fn cdf(&self, wealth_usd: f64) -> f64 {
        let price = wealth_usd - self.start_usd + self.barrier_usd();
        if price.is_infinite() {
            return if wealth_usd < self.start_usd {
                0.0
            } else {
                1.0
            };
        }
        if price <= 0.0 {
            return 0.0;
        }
        let x = (price / self.start_usd).ln();
        if wealth_usd < self.start_usd {
            self.mass_below(x, 0.0)
        } else {
            cdf(self.standardised(x, 0.0))
        }
    }

    /// The smallest wealth whose `cdf` is at least `probability`, USD.
    pub fn quantile_usd(&self, probability: f64) -> f64 {
        self.log_price_quantile(probability)
            .map_or(self.start_usd, |x| {
                self.start_usd + self.start_usd * x.exp() - self.barrier_usd()
            })
    }

    /// Loss of wealth that is exceeded with probability `1 - level` (level 0.99, say), USD, positive is a loss.
    pub fn value_at_risk_usd(&self, level: f64) -> f64 {
        self.start_usd - self.quantile_usd(1.0 - level)
    }

    /// Mean loss over the worst `1 - level` of outcomes, USD, positive is a loss.
    pub fn expected_shortfall_usd(&self, level: f64) -> f64 {
        let tail = 1.0 - level;
        let b = self.passage.log_distance();
        if b.is_infinite() {
            return 0.0;
        }
        let x = self.log_price_quantile(tail).unwrap_or(b);
        // Sum of (W - S0) over the tail: the part below the atom at S0, which adds nothing, and the part above it.
        let below = x.min(b);
        let mut sum = self.growth() * self.mass_below(below, 1.0)
            - self.barrier_usd() * self.mass_below(below, 0.0);
        if x > b {
            let between =
                |power| cdf(self.standardised(x, power)) - cdf(self.standardised(b, power));
            sum += self.growth() * between(1.0) - self.barrier_usd() * between(0.0);
        }
        -sum / tail
    }

    /// Log of `S_T / S0` at the wealth quantile, after a hit; `None` when the quantile is the atom of hedges that
    /// were never liquidated.
    fn log_price_quantile(&self, probability: f64) -> Option<f64> {
        let b = self.passage.log_distance();
        let mass_under_atom = if b.is_infinite() {
            return None;
        } else {
            self.mass_below(b, 0.0)
        };
        let s = self.deviation();
        let drift = self.log_drift(0.0);
        if probability < mass_under_atom {
            let weight = (2.0 * drift * b / (s * s)).exp();
            return Some(2.0 * b + drift + s * quantile(probability / weight));
        }
        (probability > cdf(self.standardised(b, 0.0))).then(|| drift + s * quantile(probability))
    }

    /// `P(hit, ln(S_T / S0) <= x)` for `x` up to the barrier, with the price to `power` as unit of account.
    fn mass_below(&self, x: f64, power: f64) -> f64 {
        let b = self.passage.log_distance();
        if b.is_infinite() {
            return 0.0;
        }
        let s = self.deviation();
        let weight = (2.0 * self.log_drift(power) * b / (s * s)).exp();
        weight * cdf(self.standardised(x - 2.0 * b, power))
    }

    fn standardised(&self, x: f64, power: f64) -> f64 {
        (x - self.log_drift(power)) / self.deviation()
    }

    fn log_drift(&self, power: f64) -> f64 {
        let variance = self.passage.volatility_annual.powi(2);
        (self.passage.drift_annual + (power - 0.5) * variance) * self.t_years
    }

    fn deviation(&self) -> f64 {
        self.passage.volatility_annual * self.t_years.sqrt()
    }

    /// `E[S_T]`, USD.
    fn growth(&self) -> f64 {
        self.start_usd * (self.passage.drift_annual * self.t_years).exp()
    }

    /// `E[S_T; hit]`, USD.
    fn first_moment_hit(&self) -> f64 {
        self.growth() * self.passage.hit_probability_tilted(self.t_years, 1.0)
    }

    /// The barrier times a probability, 0 where the barrier is infinite and so never hit.
    fn bounded_barrier(&self, probability: f64) -> f64 {
        if probability > 0.0 {
            self.barrier_usd() * probability
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::first_passage::linear_short_barrier_ratio;
    use crate::math::quadrature::gauss_legendre;

    fn hedge(leverage: f64, drift_annual: f64) -> LiquidatedHedge {
        LiquidatedHedge {
            passage: Passage {
                drift_annual,
                volatility_annual: 0.6,
                barrier_ratio: linear_short_barrier_ratio(leverage, 0.005),
            },
            start_usd: 100.0,
            t_years: 30.0 / 365.0,
        }
    }

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed / expected - 1.0).abs() <= tolerance,
            "{computed} against {expected}"
        );
    }

    #[test]
    fn law_meets_reference_digits() {
        let five = hedge(5.0, 0.0);
        assert_relative(five.mean_usd(), 100.0, 1e-14);
        assert_relative(five.sd_usd(), 7.395_880_399_09, 1e-11);
        assert_relative(five.mean_after_forfeit_usd(0.005), 99.835_011_574_8, 1e-11);
        assert_relative(five.quantile_usd(0.01), 75.842_240_116_7, 1e-11);
        assert_relative(five.value_at_risk_usd(0.99), 24.157_759_883_3, 1e-11);
        assert_relative(five.expected_shortfall_usd(0.99), 29.523_921_546_3, 1e-11);
        let three = hedge(3.0, 0.0);
        assert_relative(three.value_at_risk_usd(0.99), 14.256_376, 1e-7);
        assert_relative(three.expected_shortfall_usd(0.99), 21.003_762, 1e-7);
        assert_relative(three.value_at_risk_usd(0.999), 29.248_447, 1e-7);
        assert_relative(three.expected_shortfall_usd(0.999), 34.057_727, 1e-7);
    }

    #[test]
    fn quantile_inverts_the_law_around_its_atom() {
        for drift in [-0.5, 0.0, 0.5] {
            let five = hedge(5.0, drift);
            for probability in [1e-6, 0.01, 0.1, 0.95, 0.999] {
                let wealth = five.quantile_usd(probability);
                if (wealth - 100.0).abs() > 1e-12 {
                    assert_relative(five.cdf(wealth), probability, 1e-9);
                } else {
                    assert!(five.cdf(99.999_999) < probability && probability <= five.cdf(100.0));
                }
            }
            assert_relative(five.quantile_usd(0.5), 100.0, 0.0);
        }
    }

    #[test]
    fn moments_and_shortfall_agree_with_the_distribution_function() {
        // Mean and tail means are integrals of the quantile; the pieces of its law are integrated one by one.
        let rule = gauss_legendre(60);
        for drift in [-0.5, 0.0, 0.5] {
            let five = hedge(5.0, drift);
            for level in [0.99, 0.9, 0.5, 0.02] {
                let tail = 1.0 - level;
                let top = five.quantile_usd(tail);
                let lowest = 100.0 - five.barrier_usd();
                // E[(top - W)^+] = integral of the cdf up to top; the tail mean follows.
                let mut excess = 0.0;
                let panels = 400;
                let mut edges = vec![lowest, top.min(100.0)];
                if top > 100.0 {
                    edges.push(top);
                }
                for piece in edges.windows(2) {
                    let width = (piece[1] - piece[0]) / f64::from(panels);
                    for panel in 0..panels {
                        let start = piece[0] + f64::from(panel) * width;
                        for (u, weight) in &rule {
                            excess += weight * width * five.cdf(start + u * width);
                        }
                    }
                }
                let expected = 100.0 - (top - excess / tail);
                assert!((five.expected_shortfall_usd(level) - expected).abs() < 1e-8);
            }
            // The whole tail is the mean.
            let whole = 100.0 - five.expected_shortfall_usd(0.0);
            assert_relative(whole, five.mean_usd(), 1e-12);
        }
    }

    #[test]
    fn a_hedge_that_cannot_be_liquidated_keeps_its_wealth() {
        let mut safe = hedge(5.0, 0.3);
        safe.passage.barrier_ratio = f64::INFINITY;
        assert_relative(safe.mean_usd(), 100.0, 0.0);
        assert!(safe.sd_usd() <= 0.0 && safe.expected_shortfall_usd(0.99).abs() <= 0.0);
        assert_relative(safe.quantile_usd(0.001), 100.0, 0.0);
        assert!(safe.cdf(99.0) <= 0.0 && safe.cdf(100.0) >= 1.0);
    }
}

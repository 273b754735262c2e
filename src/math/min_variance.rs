//! The hedge ratio of least variance and its effectiveness, exact for jointly lognormal spot and futures prices.

/// Spot and futures prices that are jointly lognormal at a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LognormalPair {
    /// Price of the coin held, USD.
    pub spot_usd: f64,
    /// Price of the future it is hedged with (of another coin, perhaps), USD.
    pub futures_usd: f64,
    /// Drift of the spot price, per year.
    pub spot_drift_annual: f64,
    /// Drift of the futures price, per year.
    pub futures_drift_annual: f64,
    /// Volatility of the spot price, per square root of a year.
    pub spot_volatility_annual: f64,
    /// Volatility of the futures price, per square root of a year.
    pub futures_volatility_annual: f64,
    /// Correlation of the two log prices.
    pub correlation: f64,
    /// Horizon in years, above 0.
    pub t_years: f64,
}

/// The short position of least variance, for one coin held, and what it achieves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinimumVariance {
    /// Units short: futures on one coin each for a linear hedge, USD of notional for an inverse one. 0 when the futures
    /// price does not move.
    pub short_quantity: f64,
    /// Share of the variance that the hedge takes away, in `[0, 1]`.
    pub effectiveness_frac: f64,
}

impl LognormalPair {
    /// The linear hedge: a short of `h` futures makes `-h (F_T - F_0)`.
    ///
    /// As the horizon goes to 0, `h F_0 / S_0` goes to the familiar `rho sigma_s / sigma_f` and the effectiveness to
    /// `rho^2`.
    pub fn linear_hedge(&self) -> MinimumVariance {
        let ss = self.spot_volatility_annual.powi(2) * self.t_years;
        let ff = self.futures_volatility_annual.powi(2) * self.t_years;
        let sf = self.log_covariance();
        if ff == 0.0 || ss == 0.0 {
            return NOTHING_TO_HEDGE;
        }
        // The moments share e^{drift} factors; what is left is e^{covariance} - 1, exact for small covariances too.
        let growth = (self.spot_drift_annual - self.futures_drift_annual) * self.t_years;
        MinimumVariance {
            short_quantity: self.spot_usd / self.futures_usd * growth.exp() * sf.exp_m1()
                / ff.exp_m1(),
            effectiveness_frac: sf.exp_m1().powi(2) / (ss.exp_m1() * ff.exp_m1()),
        }
    }

    /// The inverse hedge: a short of `n` USD of notional makes `n (1 / F_T - 1 / F_0)` coins, worth `S_T` each.
    pub fn inverse_hedge(&self) -> MinimumVariance {
        let futures = self.futures_usd;
        // Y = S_T (1 / F_T - 1 / F_0), each moment as its excess over the product of means.
        let covariance_spot_y = self.covariance([1.0, 0.0], [1.0, -1.0])
            - self.covariance([1.0, 0.0], [1.0, 0.0]) / futures;
        let variance_y = self.covariance([1.0, -1.0], [1.0, -1.0])
            - 2.0 * self.covariance([1.0, -1.0], [1.0, 0.0]) / futures
            + self.covariance([1.0, 0.0], [1.0, 0.0]) / (futures * futures);
        let variance_spot = self.covariance([1.0, 0.0], [1.0, 0.0]);
        if variance_y <= 0.0 || variance_spot <= 0.0 {
            return NOTHING_TO_HEDGE;
        }
        MinimumVariance {
            short_quantity: -covariance_spot_y / variance_y,
            effectiveness_frac: covariance_spot_y.powi(2) / (variance_spot * variance_y),
        }
    }

    /// `E[S_T^a F_T^c]` for the powers `[a, c]`.
    pub fn moment(&self, [a, c]: [f64; 2]) -> f64 {
        let (vs, vf) = (self.spot_volatility_annual, self.futures_volatility_annual);
        let drift = a * self.spot_drift_annual + c * self.futures_drift_annual;
        let curvature = a * (a - 1.0) * vs * vs
            + c * (c - 1.0) * vf * vf
            + 2.0 * a * c * self.correlation * vs * vf;
        self.spot_usd.powf(a)
            * self.futures_usd.powf(c)
            * ((drift + 0.5 * curvature) * self.t_years).exp()
    }

    /// Covariance of two products of powers of the prices, without subtracting near moments.
    fn covariance(&self, first: [f64; 2], second: [f64; 2]) -> f64 {
        let (vs, vf) = (self.spot_volatility_annual, self.futures_volatility_annual);
        let log_covariance = (first[0] * second[0] * vs * vs + first[1] * second[1] * vf * vf)
            * self.t_years
            + (first[0] * second[1] + first[1] * second[0]) * self.log_covariance();
        self.moment(first) * self.moment(second) * log_covariance.exp_m1()
    }

    fn log_covariance(&self) -> f64 {
        self.correlation
            * self.spot_volatility_annual
            * self.futures_volatility_annual
            * self.t_years
    }
}

const NOTHING_TO_HEDGE: MinimumVariance = MinimumVariance {
    short_quantity: 0.0,
    effectiveness_frac: 0.0,
};

/// Hedge ratio of least variance when the futures price is the spot price plus an independent basis: the spot's share
/// of the futures' variance.
pub fn additive_basis_ratio(spot_variance_usd2: f64, basis_variance_usd2: f64) -> f64 {
    spot_variance_usd2 / (spot_variance_usd2 + basis_variance_usd2)
}

/// Standard deviation of one coin hedged with ratio `hedge_ratio` against such a futures price, USD.
pub fn additive_basis_sd_usd(
    hedge_ratio: f64,
    spot_variance_usd2: f64,
    basis_variance_usd2: f64,
) -> f64 {
    let bare = (1.0 - hedge_ratio).powi(2) * spot_variance_usd2;
    (bare + hedge_ratio.powi(2) * basis_variance_usd2).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::lognormal::LognormalPrice;
    use crate::math::ou;

    const CROSS: LognormalPair = LognormalPair {
        spot_usd: 3_000.0,
        futures_usd: 60_000.0,
        spot_drift_annual: 0.0,
        futures_drift_annual: 0.0,
        spot_volatility_annual: 0.8,
        futures_volatility_annual: 0.6,
        correlation: 0.85,
        t_years: 0.25,
    };

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed / expected - 1.0).abs() <= tolerance,
            "{computed} against {expected}"
        );
    }

    #[test]
    fn linear_hedge_meets_reference_digits() {
        for (t_years, ratio, effectiveness) in [
            (1.0 / 365.0, 1.133_407_869_4, 0.722_317_866_761),
            (30.0 / 365.0, 1.135_582_939_3, 0.717_015_685_567),
            (0.25, 1.140_263_217_3, 0.705_693_091_512),
            (1.0, 1.162_642_424_5, 0.653_385_468_543),
        ] {
            let found = LognormalPair { t_years, ..CROSS }.linear_hedge();
            assert_relative(found.short_quantity * 20.0, ratio, 5e-11);
            assert_relative(found.effectiveness_frac, effectiveness, 1e-11);
        }
        let drifting = LognormalPair {
            spot_drift_annual: 0.2,
            futures_drift_annual: -0.1,
            ..CROSS
        };
        assert_relative(
            drifting.linear_hedge().short_quantity,
            0.061_453_582_490_1,
            1e-11,
        );
    }

    #[test]
    fn short_horizons_give_the_familiar_rule() {
        let instant = LognormalPair {
            t_years: 1e-12,
            ..CROSS
        };
        let found = instant.linear_hedge();
        assert_relative(found.short_quantity * 20.0, 0.85 * 0.8 / 0.6, 1e-11);
        assert_relative(found.effectiveness_frac, 0.7225, 1e-11);
    }

    #[test]
    fn inverse_hedge_meets_reference_digits() {
        let own = LognormalPair {
            spot_usd: 60_000.0,
            spot_volatility_annual: 0.6,
            correlation: 0.995,
            ..CROSS
        };
        let found = own.inverse_hedge();
        assert_relative(found.short_quantity / 60_000.0, 0.995_211_972_26, 1e-11);
        assert_relative(found.effectiveness_frac, 0.990_453_265_622, 1e-11);
        // With the future equal to the coin a notional of S_0 dollars is a perfect hedge.
        let perfect = LognormalPair {
            correlation: 1.0,
            ..own
        }
        .inverse_hedge();
        assert_relative(perfect.short_quantity, 60_000.0, 1e-13);
        assert_relative(perfect.effectiveness_frac, 1.0, 1e-13);
    }

    #[test]
    fn ratio_is_where_the_variance_from_raw_moments_is_least() {
        // An independent route: Var(S - h F) from E[S^a F^c], a parabola in h.
        let drifting = LognormalPair {
            spot_drift_annual: 0.2,
            futures_drift_annual: -0.1,
            ..CROSS
        };
        let variance = |h: f64| {
            let second = drifting.moment([2.0, 0.0]) - 2.0 * h * drifting.moment([1.0, 1.0])
                + h * h * drifting.moment([0.0, 2.0]);
            second - (drifting.moment([1.0, 0.0]) - h * drifting.moment([0.0, 1.0])).powi(2)
        };
        let found = drifting.linear_hedge();
        let h = found.short_quantity;
        let (left, right) = (variance(h - 0.01), variance(h + 0.01));
        assert_relative(left, right, 1e-10);
        assert!(variance(h) < left);
        assert_relative(
            1.0 - variance(h) / variance(0.0),
            found.effectiveness_frac,
            1e-10,
        );
    }

    #[test]
    fn a_future_that_does_not_move_hedges_nothing() {
        let still = LognormalPair {
            futures_volatility_annual: 0.0,
            ..CROSS
        };
        assert_eq!(still.linear_hedge(), NOTHING_TO_HEDGE);
        let instant = LognormalPair {
            t_years: 0.0,
            ..CROSS
        };
        assert_eq!(instant.inverse_hedge(), NOTHING_TO_HEDGE);
    }

    #[test]
    fn additive_basis_meets_reference_digits() {
        let spot = LognormalPrice {
            start_usd: 100.0,
            drift_annual: 0.0,
            volatility_annual: 0.6,
            t_years: 0.25,
        }
        .variance_usd2();
        let basis = ou::variance(50.0, 20.0, 0.25);
        for (hedge_ratio, expected) in [
            (0.0, 30.687_828_809_7),
            (0.5, 15.376_466_085),
            (0.9, 3.557_727_978_71),
            (1.0, 2.0),
        ] {
            assert_relative(
                additive_basis_sd_usd(hedge_ratio, spot, basis),
                expected,
                5e-11,
            );
        }
        assert_relative(additive_basis_ratio(spot, basis), 0.995_770_520_438, 1e-11);
    }
}

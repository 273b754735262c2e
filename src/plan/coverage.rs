//! The default of `coverage`: what fraction of the inventory a hedge ratio is meant to cover.

use crate::math::jumps::{
    jump_variance_annual, kou_raw_moments, merton_raw_moments, total_variance_annual,
};
use crate::math::normal;
use crate::plan::types::{AssetPlan, ContractPlan, JumpPlan, JumpSizes, MarketPlan, Position};

/// The fraction of the holding that a hedge of ratio `h` is meant to cover.
///
/// `held` is the index of an asset. Of a short future: `h` on the held asset itself; on another `min(1, h / beta)` with
/// `beta = Cov(dlnS, dlnH) / Var(dlnH)`, instantaneous, jumps included; 1 where beta is not positive or not defined.
/// A long future covers where beta is negative, `min(1, h / |beta|)`; else it adds to the holding: the negative of what a short covers.
/// 0 without a hedge, and for an option, whose profit has no ideal offset.
pub fn default_coverage(
    plan: &MarketPlan,
    held: usize,
    contract: &ContractPlan,
    h: f64,
    position: Position,
) -> f64 {
    if h == 0.0 || contract.option().is_some() {
        return 0.0;
    }
    let underlying = contract.underlying;
    if held == underlying {
        return position.sign() * h;
    }
    let rho = plan.correlation[held * plan.assets.len() + underlying];
    let beta = instantaneous_beta(&plan.assets[held], &plan.assets[underlying], rho);
    match (beta, position) {
        (Some(beta), _) if beta > 0.0 => position.sign() * (h / beta).min(1.0),
        (Some(beta), Position::Long) if beta < 0.0 => (h / -beta).min(1.0),
        (Some(_) | None, Position::Short | Position::Long) => position.sign(),
    }
}

/// `Cov(dlnS, dlnH) / Var(dlnH)` of a held asset `S` and a hedge's underlying `H`; `None` where `H` does not move.
///
/// `rho` is the correlation of their Brownian motions. Systemic jumps strike together at the smaller of the two
/// systemic rates and take the same quantile through their own size law, times their loading.
pub fn instantaneous_beta(held: &AssetPlan, underlying: &AssetPlan, rho: f64) -> Option<f64> {
    let diffusive = rho * held.volatility_annual * underlying.volatility_annual;
    let common = match (&held.jumps, &underlying.jumps) {
        (Some(of_held), Some(of_underlying)) => {
            common_jump_covariance_annual(of_held, of_underlying)
        }
        _ => 0.0,
    };
    let variance = log_variance_annual(underlying);
    (variance > 0.0).then(|| (diffusive + common) / variance)
}

/// Variance of an asset's log price per year, jumps included.
pub fn log_variance_annual(asset: &AssetPlan) -> f64 {
    let jumps = asset.jumps.as_ref().map_or(0.0, variance_of_jumps_annual);
    total_variance_annual(asset.volatility_annual, jumps)
}

fn variance_of_jumps_annual(jumps: &JumpPlan) -> f64 {
    let [_, second_moment, _, _] = match jumps.sizes {
        JumpSizes::Merton {
            mean_log,
            std_dev_log,
        } => merton_raw_moments(mean_log, std_dev_log),
        JumpSizes::Kou {
            up_probability,
            up_mean_log,
            down_mean_log,
        } => kou_raw_moments(up_probability, up_mean_log, down_mean_log),
    };
    jump_variance_annual(
        jumps.jumps_per_year,
        second_moment,
        jumps.systemic_share,
        jumps.systemic_loading,
    )
}

fn common_jump_covariance_annual(a: &JumpPlan, b: &JumpPlan) -> f64 {
    let rate = (a.jumps_per_year * a.systemic_share).min(b.jumps_per_year * b.systemic_share);
    if rate <= 0.0 {
        return 0.0;
    }
    rate * a.systemic_loading * b.systemic_loading * expected_product(&a.sizes, &b.sizes)
}

/// `E[J_a(u) J_b(u)]` for one uniform `u`, to about `1e-12` of the product's scale.
///
/// The laws have kinks where a Kou size changes sign and logarithmic ends, so each smooth piece is integrated by the
/// double exponential rule.
fn expected_product(a: &JumpSizes, b: &JumpSizes) -> f64 {
    let mut borders = vec![0.0, 1.0];
    for sizes in [a, b] {
        if let JumpSizes::Kou { up_probability, .. } = sizes {
            borders.push(1.0 - up_probability);
        }
    }
    borders.sort_by(f64::total_cmp);
    borders
        .windows(2)
        .filter(|piece| piece[1] > piece[0])
        .map(|piece| {
            integrate(piece[0], piece[1], |u, upper| {
                quantile(a, u, upper) * quantile(b, u, upper)
            })
        })
        .sum()
}

/// The size at probability `u`; `upper` is `1 - u`, known to all its digits.
fn quantile(sizes: &JumpSizes, u: f64, upper: f64) -> f64 {
    match *sizes {
        JumpSizes::Merton {
            mean_log,
            std_dev_log,
        } => {
            let normal = if u <= 0.5 {
                normal::quantile(u)
            } else {
                -normal::quantile(upper)
            };
            mean_log + std_dev_log * normal
        }
        JumpSizes::Kou {
            up_probability,
            up_mean_log,
            down_mean_log,
        } => {
            if upper > up_probability {
                down_mean_log * (u / (1.0 - up_probability)).ln()
            } else {
                -up_mean_log * (upper / up_probability).ln()
            }
        }
    }
}

/// Double exponential quadrature of `f(u, 1 - u)` between two probabilities.
///
/// # Source
/// H. Takahasi and M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9 (1974) 721-741.
fn integrate(from: f64, to: f64, f: impl Fn(f64, f64) -> f64) -> f64 {
    const SPACING: f64 = 1.0 / 32.0;
    const REACH: i32 = 120;
    let width = to - from;
    let mut sum = 0.0;
    for k in -REACH..=REACH {
        let t = f64::from(k) * SPACING;
        let s = std::f64::consts::FRAC_PI_2 * t.sinh();
        // Shares of the width left and right of the node, each without cancellation.
        let left = 1.0 / (1.0 + (-2.0 * s).exp());
        let right = 1.0 / (1.0 + (2.0 * s).exp());
        let weight = std::f64::consts::PI * t.cosh() * left * right;
        let u = from + width * left;
        let upper = (1.0 - to) + width * right;
        if u > 0.0 && upper > 0.0 {
            sum += weight * f(u, upper);
        }
    }
    sum * SPACING * width
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::types::{
        ContractKind, ContractSettlement, FundingPlan, LiquidityPlan, OptionKind, OptionPlan,
        OptionTerms, OuBasis,
    };
    use crate::venue::rules::{ContractRules, MaintenanceAt, Remainder};

    const MERTON: JumpSizes = JumpSizes::Merton {
        mean_log: -0.03,
        std_dev_log: 0.12,
    };
    const KOU: JumpSizes = JumpSizes::Kou {
        up_probability: 0.45,
        up_mean_log: 0.083,
        down_mean_log: 0.111,
    };

    fn asset(volatility_annual: f64, jumps: Option<JumpPlan>) -> AssetPlan {
        AssetPlan {
            name: "X".to_owned(),
            spot_usd: 100.0,
            drift_annual: 0.0,
            volatility_annual,
            jumps,
        }
    }

    fn jumps(sizes: JumpSizes, systemic_share: f64, systemic_loading: f64) -> JumpPlan {
        JumpPlan {
            jumps_per_year: 6.0,
            sizes,
            systemic_share,
            systemic_loading,
        }
    }

    #[test]
    fn a_law_with_itself_has_its_second_moment() {
        let merton = 0.03f64.powi(2) + 0.12f64.powi(2);
        assert!((expected_product(&MERTON, &MERTON) - merton).abs() < 1e-12);
        let kou = 2.0 * (0.45 * 0.083f64.powi(2) + 0.55 * 0.111f64.powi(2));
        assert!((expected_product(&KOU, &KOU) - kou).abs() < 1e-12);
    }

    #[test]
    fn different_laws_agree_with_a_plain_midpoint_sum() {
        let other = JumpSizes::Kou {
            up_probability: 0.3,
            up_mean_log: 0.2,
            down_mean_log: 0.05,
        };
        let count = 2_000_000;
        for (a, b) in [(&MERTON, &KOU), (&KOU, &other)] {
            let midpoint: f64 = (0..count)
                .map(|k| {
                    let u = (f64::from(k) + 0.5) / f64::from(count);
                    quantile(a, u, 1.0 - u) * quantile(b, u, 1.0 - u)
                })
                .sum::<f64>()
                / f64::from(count);
            // The midpoint rule misses about ln^2(n) / n of the products at the two ends: under 1e-6 here.
            assert!((expected_product(a, b) - midpoint).abs() < 1e-6);
        }
    }

    #[test]
    fn one_sided_kou_laws_are_integrated_too() {
        let up = JumpSizes::Kou {
            up_probability: 1.0,
            up_mean_log: 0.1,
            down_mean_log: 0.1,
        };
        let down = JumpSizes::Kou {
            up_probability: 0.0,
            up_mean_log: 0.1,
            down_mean_log: 0.1,
        };
        assert!((expected_product(&up, &up) - 0.02).abs() < 1e-12);
        assert!((expected_product(&down, &down) - 0.02).abs() < 1e-12);
        // E[ln(u) ln(1 - u)] = 2 - pi^2 / 6.
        let expected = -0.01 * (2.0 - std::f64::consts::PI.powi(2) / 6.0);
        assert!((expected_product(&up, &down) - expected).abs() < 1e-12);
    }

    #[test]
    fn beta_of_diffusions_and_of_jumps() {
        let (s, h) = (asset(0.9, None), asset(0.6, None));
        assert!((instantaneous_beta(&s, &h, 0.8).unwrap() - 1.2).abs() < 1e-12);
        // Jumps alone, all common: the loading is the beta.
        let s = asset(0.0, Some(jumps(KOU, 1.0, 1.5)));
        let h = asset(0.0, Some(jumps(KOU, 1.0, 1.0)));
        assert!((instantaneous_beta(&s, &h, 0.0).unwrap() - 1.5).abs() < 1e-12);
        assert_eq!(instantaneous_beta(&s, &asset(0.0, None), 0.0), None);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these values are exact")]
    fn coverage_follows_the_design() {
        let market = |rho: f64| MarketPlan {
            assets: vec![asset(0.9, None), asset(0.6, None), asset(0.0, None)],
            correlation: vec![1.0, rho, 0.0, rho, 1.0, 0.0, 0.0, 0.0, 1.0],
            contracts: Vec::new(),
        };
        let on = |underlying: usize, kind: ContractKind| ContractPlan {
            name: "c".to_owned(),
            underlying,
            kind,
            settlement: ContractSettlement::Linear,
            contract_size: None,
            liquidity: LiquidityPlan::FREE,
            rules: ContractRules {
                brackets: Vec::new(),
                maker_fee_frac: 0.0,
                taker_fee_frac: 0.0,
                liquidation_fee_frac: 0.0,
                fee_in_trigger: false,
                remainder: Remainder::Returned,
                delivery_fee_frac: 0.0,
                maintenance_at: MaintenanceAt::Mark,
            },
        };
        let perpetual = || ContractKind::Perpetual {
            basis: OuBasis::NONE,
            funding: FundingPlan::None,
        };
        let coverage = |rho: f64, underlying: usize, h: f64, position: Position| {
            default_coverage(&market(rho), 0, &on(underlying, perpetual()), h, position)
        };
        let short = |rho, underlying, h| coverage(rho, underlying, h, Position::Short);
        assert_eq!(short(0.8, 0, 0.7), 0.7);
        assert_eq!(short(0.8, 0, 1.3), 1.3);
        assert!((short(0.8, 1, 0.6) - 0.5).abs() < 1e-12);
        assert_eq!(short(0.8, 1, 5.0), 1.0);
        assert_eq!(short(-0.8, 1, 0.6), 1.0);
        assert_eq!(short(0.8, 2, 0.6), 1.0);
        assert_eq!(short(0.8, 1, 0.0), 0.0);
        // A long leg adds to what is held, unless what it is on moves against it.
        let long = |rho, underlying, h| coverage(rho, underlying, h, Position::Long);
        assert_eq!(long(0.8, 0, 0.7), -0.7);
        assert!((long(0.8, 1, 0.6) + 0.5).abs() < 1e-12);
        assert!((long(-0.8, 1, 0.6) - 0.5).abs() < 1e-12);
        let option = ContractKind::Option(OptionPlan {
            kind: OptionKind::Put,
            strike_usd: 90.0,
            expiry_step: 1,
            expiry_years: 0.25,
            volatility_annual: 0.6,
            terms: OptionTerms {
                fee_frac: 0.0,
                fee_cap_frac: 0.125,
                initial_frac: 0.15,
                initial_floor_frac: 0.1,
                maintenance_frac: 0.075,
            },
        });
        let found = default_coverage(&market(0.8), 0, &on(0, option), 1.0, Position::Long);
        assert_eq!(found, 0.0, "an option's profit has no ideal offset");
    }
}

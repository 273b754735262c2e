//! Moments of the whole price model of a plan: diffusion, jumps and basis.

use crate::math::funding::Reversion;
use crate::math::jumps::{
    jump_variance_annual, kou_raw_moments, merton_raw_moments, total_variance_annual,
};
use crate::plan::types::{AssetPlan, ContractPlan, JumpSizes, MarketPlan, OuBasis};

/// `E[J]`, `E[J^2]`, `E[J^3]`, `E[J^4]` of a log jump size, not loaded.
pub fn jump_raw_moments(sizes: JumpSizes) -> [f64; 4] {
    match sizes {
        JumpSizes::Merton {
            mean_log,
            std_dev_log,
        } => merton_raw_moments(mean_log, std_dev_log),
        JumpSizes::Kou {
            up_probability,
            up_mean_log,
            down_mean_log,
        } => kou_raw_moments(up_probability, up_mean_log, down_mean_log),
    }
}

/// Variance of an asset's log price per year, jumps included.
pub fn variance_annual(asset: &AssetPlan) -> f64 {
    let jumps = asset.jumps.map_or(0.0, |j| {
        let second_moment = jump_raw_moments(j.sizes)[1];
        jump_variance_annual(
            j.jumps_per_year,
            second_moment,
            j.systemic_share,
            j.systemic_loading,
        )
    });
    total_variance_annual(asset.volatility_annual, jumps)
}

/// Standard deviation of `ln F` of a contract after so many years, seen from time 0: diffusion, jumps, basis and the
/// correlation of basis and diffusion.
pub fn std_dev_log_mark(market: &MarketPlan, contract: &ContractPlan, years: f64) -> f64 {
    let asset = &market.assets[contract.underlying];
    let spot = variance_annual(asset) * years;
    let Some(process) = contract.process() else {
        return spot.sqrt();
    };
    let tenor = tenor_years(contract, years);
    let basis = basis_process(process).value(years).variance * tenor * tenor;
    let both = 2.0 * asset.volatility_annual * basis_covariance(process, years) * tenor;
    (spot + basis + both).max(0.0).sqrt()
}

/// `E[F_t]` after so many years, USD per base unit: `S_0 exp(mu t) E[e^b]` under the measure that has `S` as its unit.
pub fn expected_mark_usd(market: &MarketPlan, contract: &ContractPlan, years: f64) -> f64 {
    expected_mark_at_usd(market, contract, years, tenor_years(contract, years))
}

/// `E[F_t]` of a contract with so many years to its expiry at `t`; of a perpetual `tenor` is 1.
pub(crate) fn expected_mark_at_usd(
    market: &MarketPlan,
    contract: &ContractPlan,
    years: f64,
    tenor: f64,
) -> f64 {
    let asset = &market.assets[contract.underlying];
    let spot_usd = asset.spot_usd * (asset.drift_annual * years).exp();
    let Some(process) = contract.process() else {
        return spot_usd;
    };
    let value = basis_process(process).value(years);
    let mean = contract
        .dated()
        .map_or(value.mean, |dated| dated.basis(value.mean, tenor));
    let shift = asset.volatility_annual * basis_covariance(process, years) * tenor;
    spot_usd * (mean + 0.5 * value.variance * tenor * tenor + shift).exp()
}

/// `E[e^-b]` after so many years: what a unit of USD in inverse contracts is worth at the spot, USD.
pub(crate) fn expected_inverse_basis(contract: &ContractPlan, years: f64) -> f64 {
    expected_inverse_basis_at(contract, years, tenor_years(contract, years))
}

/// The same with so many years to its expiry.
pub(crate) fn expected_inverse_basis_at(contract: &ContractPlan, years: f64, tenor: f64) -> f64 {
    let Some(process) = contract.process() else {
        return 1.0;
    };
    let value = basis_process(process).value(years);
    let mean = contract
        .dated()
        .map_or(value.mean, |dated| dated.basis(value.mean, tenor));
    (0.5 * value.variance * tenor * tenor - mean).exp()
}

/// The basis as a reverting process.
pub(crate) fn basis_process(basis: &OuBasis) -> Reversion {
    Reversion {
        mean: basis.mean,
        initial: basis.initial,
        volatility_annual: basis.volatility_annual,
        reversion_per_year: basis.reversion_per_year,
    }
}

/// What multiplies a contract's process in `ln(F/S)`: 1 for a perpetual, the years left to the expiry of the contract held
/// at a time for a dated future.
fn tenor_years(contract: &ContractPlan, years: f64) -> f64 {
    let Some(dated) = contract.dated() else {
        return 1.0;
    };
    dated
        .expiry_at(years)
        .map_or(0.0, |expiry| expiry.years - years)
}

/// Covariance of the basis with the underlying's Brownian motion.
fn basis_covariance(basis: &OuBasis, years: f64) -> f64 {
    basis_process(basis).covariance_with_brownian(years, basis.correlation_with_spot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::plan::types::JumpPlan;

    #[test]
    fn without_jumps_and_basis_the_standard_deviation_is_the_diffusions() {
        let mut plan = eth_treasury();
        plan.market.assets[0].jumps = None;
        plan.market.contracts[0]
            .process_mut()
            .unwrap()
            .volatility_annual = 0.0;
        let found = std_dev_log_mark(&plan.market, &plan.market.contracts[0], 0.25);
        assert!((found - 0.6 * 0.5).abs() < 1e-15);
        let expected = 3_500.0 * 2e-4_f64.exp();
        assert!(
            (expected_mark_usd(&plan.market, &plan.market.contracts[0], 0.25) - expected).abs()
                < 1e-9
        );
    }

    #[test]
    fn jumps_add_their_second_moment_with_the_loading() {
        let mut plan = eth_treasury();
        let sizes = JumpSizes::Merton {
            mean_log: -0.03,
            std_dev_log: 0.12,
        };
        plan.market.assets[0].jumps = Some(JumpPlan {
            jumps_per_year: 6.0,
            sizes,
            systemic_share: 0.5,
            systemic_loading: 2.0,
        });
        let second_moment = 0.03 * 0.03 + 0.12 * 0.12;
        let expected = 0.36 + 3.0 * second_moment + 3.0 * 4.0 * second_moment;
        assert!((variance_annual(&plan.market.assets[0]) - expected).abs() < 1e-14);
    }

    /// A basis that is a Brownian motion makes `ln F` one, with the variance of a sum.
    #[test]
    fn a_correlated_basis_adds_as_a_sum_of_brownian_motions() {
        let mut plan = eth_treasury();
        let asset = &mut plan.market.assets[0];
        asset.jumps = None;
        asset.drift_annual = 0.1;
        *plan.market.contracts[0].process_mut().unwrap() = OuBasis {
            mean: 0.0,
            initial: 0.01,
            volatility_annual: 0.2,
            reversion_per_year: 0.0,
            correlation_with_spot: -0.5,
        };
        let variance: f64 = (0.36 + 0.04 - 2.0 * 0.5 * 0.6 * 0.2) * 0.25;
        let contract = &plan.market.contracts[0];
        assert!((std_dev_log_mark(&plan.market, contract, 0.25) - variance.sqrt()).abs() < 1e-15);
        // ln F = ln S_0 + (mu - s^2/2) t + b_0 + noise: the mean is that of a lognormal.
        let log_mean = 3_500_f64.ln() + (0.1 - 0.18) * 0.25 + 0.01;
        let expected = (log_mean + 0.5 * variance).exp();
        assert!((expected_mark_usd(&plan.market, contract, 0.25) / expected - 1.0).abs() < 1e-13);
    }
}

//! The hedge ratio of least variance where the model has it in closed form: jointly lognormal prices, no funding.

use crate::math::min_variance::LognormalPair;
use crate::math::ou::{self, ou_step};
use crate::plan::types::{
    ContractPlan, ContractSettlement, DatedPlan, FundingPlan, MarketPlan, OuBasis, Position,
};

/// The ratio of least variance over so many years from time 0, in closed form; `None` where there is none.
///
/// `held` is an asset, `contract` a contract. There is one where neither asset jumps, the contract pays no funding, is held for the whole time
/// without a roll or a settlement, and settles in USD or in the held coin. With `G` the gain per unit of the contract the ratio is that of
/// `argmin Var(Q S_T - q G)`, negative where the other side would reduce the variance.
pub fn ratio(
    market: &MarketPlan,
    held: usize,
    contract: usize,
    position: Position,
    years: f64,
) -> Option<f64> {
    let contract = &market.contracts[contract];
    let (asset, underlying) = (&market.assets[held], &market.assets[contract.underlying]);
    let is_own_coin = match contract.settlement {
        ContractSettlement::Linear => true,
        ContractSettlement::Inverse => contract.underlying == held,
    };
    let is_diffusive = asset.jumps.is_none() && underlying.jumps.is_none();
    let tenor = held_tenor(contract, years)?;
    if !is_own_coin || !is_diffusive || contract.funding() != FundingPlan::None {
        return None;
    }
    let process = contract.process()?;
    let rho = market.correlation[held * market.assets.len() + contract.underlying];
    let (sigma_s, sigma_h) = (asset.volatility_annual, underlying.volatility_annual);
    let value = ProcessAt::new(process, years);
    // ln F = ln H + m(y): a normal number, by its moments.
    let mean_shift = match contract.dated() {
        Some(dated) => dated.basis(value.mean, tenor),
        None => value.mean,
    };
    let log_variance = sigma_h * sigma_h * years
        + tenor * tenor * value.variance
        + 2.0 * tenor * sigma_h * value.covariance_with_brownian;
    let log_covariance = rho * sigma_s * (sigma_h * years + tenor * value.covariance_with_brownian);
    let start = contract.initial_basis();
    let log_growth = (underlying.drift_annual - 0.5 * sigma_h * sigma_h) * years + mean_shift
        - start
        + 0.5 * log_variance;
    let sigma_f = (log_variance.max(0.0) / years).sqrt();
    let scale = sigma_s * sigma_f * years;
    let futures_usd = underlying.spot_usd * start.exp();
    let pair = LognormalPair {
        spot_usd: asset.spot_usd,
        futures_usd,
        spot_drift_annual: asset.drift_annual,
        futures_drift_annual: log_growth / years,
        spot_volatility_annual: sigma_s,
        futures_volatility_annual: sigma_f,
        correlation: if scale > 0.0 {
            log_covariance / scale
        } else {
            0.0
        },
        t_years: years,
    };
    let size_base = match contract.settlement {
        ContractSettlement::Linear => pair.linear_hedge().short_quantity,
        ContractSettlement::Inverse => pair.inverse_hedge().short_quantity / futures_usd,
    };
    Some(position.sign() * size_base * underlying.spot_usd / asset.spot_usd)
}

/// What multiplies the process in `ln(F/S)` at a time, if the contract is held until then; `None` of an option.
fn held_tenor(contract: &ContractPlan, years: f64) -> Option<f64> {
    let Some(DatedPlan { expiries, .. }) = contract.dated() else {
        return contract.perpetual().map(|_| 1.0);
    };
    let first = expiries[0];
    let left = first.years - years;
    let roll_years = first
        .roll_step
        .map(|roll| first.years * f64::from(roll) / f64::from(first.step));
    // Rounding of years is no time.
    let is_held = left > -1e-12 && roll_years.is_none_or(|roll| years <= roll + 1e-12);
    is_held.then_some(left.max(0.0))
}

/// An Ornstein-Uhlenbeck process after some years.
struct ProcessAt {
    mean: f64,
    variance: f64,
    covariance_with_brownian: f64,
}

impl ProcessAt {
    fn new(process: &OuBasis, years: f64) -> Self {
        let OuBasis {
            mean,
            initial,
            volatility_annual,
            reversion_per_year,
            correlation_with_spot,
        } = *process;
        let step = ou_step(
            years,
            reversion_per_year,
            volatility_annual,
            correlation_with_spot,
        );
        Self {
            mean: ou::mean(initial, mean, reversion_per_year, years),
            variance: ou::variance(reversion_per_year, volatility_annual, years),
            // The driving Brownian motion stands at sqrt(t) n.
            covariance_with_brownian: years.sqrt() * step.y_on_x,
        }
    }
}

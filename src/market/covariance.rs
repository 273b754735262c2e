//! Exact covariances, over one step and given its start, of the diffusive parts of log spots and log marks.

use crate::market::dated::DatedModel;
use crate::plan::types::{ContractKind, OuBasis, Plan};

/// What moves at random: the logarithm of a spot or of a contract's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// Log spot of an asset.
    Spot(usize),
    /// Log mark of a contract; of an option, the log spot of its underlying.
    Mark(usize),
}

/// Covariances of a plan's factors.
#[derive(Debug, Clone)]
pub struct FactorCovariance {
    step_years: f64,
    volatilities: Vec<f64>,
    /// Shape `[assets][assets]`, row by row.
    correlation: Vec<f64>,
    contracts: Vec<Contract>,
}

/// A contract as far as its log mark moves.
#[derive(Debug, Clone)]
struct Contract {
    underlying: usize,
    process: OuBasis,
    tenor: Tenor,
}

/// What multiplies a contract's process in its log mark.
#[derive(Debug, Clone)]
enum Tenor {
    /// Nothing: an option is marked by its underlying.
    None,
    /// 1: the process of a perpetual is its basis.
    One,
    /// The years to expiry: the process of a dated future is its carry.
    Years(DatedModel),
}

/// A log spot and a share of a contract's process.
struct Loading<'a> {
    asset: usize,
    process: &'a OuBasis,
    /// Index of the contract; `None`: a spot.
    contract: Option<usize>,
    weight: f64,
}

impl FactorCovariance {
    /// Resolves a plan.
    pub fn new(plan: &Plan) -> Self {
        let market = &plan.market;
        let step_years = plan.simulation.step_years();
        let steps = plan.simulation.steps as usize;
        let contracts = market.contracts.iter().map(|contract| Contract {
            underlying: contract.underlying,
            process: contract.process().copied().unwrap_or(OuBasis::NONE),
            tenor: match &contract.kind {
                ContractKind::Perpetual { .. } => Tenor::One,
                ContractKind::Dated(dated) => {
                    Tenor::Years(DatedModel::new(dated, steps, step_years))
                }
                ContractKind::Option(_) => Tenor::None,
            },
        });
        Self {
            step_years,
            volatilities: market.assets.iter().map(|a| a.volatility_annual).collect(),
            correlation: market.correlation.clone(),
            contracts: contracts.collect(),
        }
    }

    /// Covariance of two factors over `step`, counted from 1.
    pub fn between(&self, step: usize, a: Factor, b: Factor) -> f64 {
        let (a, b) = (self.loading(step, a), self.loading(step, b));
        let spots = self.spots(a.asset, b.asset) * self.step_years;
        let cross = a.weight * self.process_with_spot(&a, b.asset)
            + b.weight * self.process_with_spot(&b, a.asset);
        spots + cross + a.weight * b.weight * self.processes(&a, &b)
    }

    fn loading(&self, step: usize, factor: Factor) -> Loading<'_> {
        const STILL: &OuBasis = &OuBasis::NONE;
        match factor {
            Factor::Spot(asset) => Loading {
                asset,
                process: STILL,
                contract: None,
                weight: 0.0,
            },
            Factor::Mark(index) => {
                let contract = &self.contracts[index];
                Loading {
                    asset: contract.underlying,
                    process: &contract.process,
                    contract: Some(index),
                    weight: match &contract.tenor {
                        Tenor::None => 0.0,
                        Tenor::One => 1.0,
                        Tenor::Years(dated) => dated.tenor_years(step),
                    },
                }
            }
        }
    }

    fn correlation(&self, a: usize, b: usize) -> f64 {
        self.correlation[a * self.volatilities.len() + b]
    }

    /// Covariance of two log spots per year.
    fn spots(&self, a: usize, b: usize) -> f64 {
        self.correlation(a, b) * self.volatilities[a] * self.volatilities[b]
    }

    /// Covariance of a process at the step's end with a log spot.
    fn process_with_spot(&self, loading: &Loading<'_>, asset: usize) -> f64 {
        let process = loading.process;
        process.correlation_with_spot
            * self.correlation(loading.asset, asset)
            * process.volatility_annual
            * self.volatilities[asset]
            * decayed(process.reversion_per_year, self.step_years)
    }

    /// Covariance of two processes at the step's end: their own parts are independent, what they share is their spots'.
    fn processes(&self, a: &Loading<'_>, b: &Loading<'_>) -> f64 {
        let shared = if a.contract == b.contract {
            1.0
        } else {
            a.process.correlation_with_spot
                * b.process.correlation_with_spot
                * self.correlation(a.asset, b.asset)
        };
        let reversion = a.process.reversion_per_year + b.process.reversion_per_year;
        shared
            * a.process.volatility_annual
            * b.process.volatility_annual
            * decayed(reversion, self.step_years)
    }
}

/// Integral of `exp(-speed s)` over `s` from 0 to `years`.
fn decayed(speed: f64, years: f64) -> f64 {
    if speed == 0.0 {
        years
    } else {
        -(-speed * years).exp_m1() / speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::math::ou::log_mark_step_variance;
    use crate::plan::types::{DatedPlan, Expiry};

    #[test]
    fn a_mark_with_itself_has_the_variance_of_its_step() {
        let mut plan = eth_treasury();
        for correlation in [-0.4, 0.0, 0.7] {
            let process = plan.market.contracts[0].process_mut().unwrap();
            process.correlation_with_spot = correlation;
            let expected = log_mark_step_variance(
                plan.simulation.step_years(),
                plan.market.assets[0].volatility_annual,
                process.reversion_per_year,
                process.volatility_annual,
                correlation,
            );
            let found = FactorCovariance::new(&plan).between(5, Factor::Mark(0), Factor::Mark(0));
            assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn at_expiry_a_dated_future_moves_as_its_spot() {
        let mut plan = eth_treasury();
        let process = *plan.market.contracts[0].process().unwrap();
        let step_years = plan.simulation.step_years();
        plan.market.contracts[0].kind = ContractKind::Dated(DatedPlan {
            carry: process,
            slope_per_year: 0.0,
            expiries: vec![Expiry {
                years: 10.0 * step_years,
                step: 10,
                roll_step: None,
            }],
        });
        let covariance = FactorCovariance::new(&plan);
        let of = |step, a, b| covariance.between(step, a, b);
        let (spot, mark) = (Factor::Spot(0), Factor::Mark(0));
        assert!((of(10, mark, mark) / of(10, spot, spot) - 1.0).abs() < 1e-12);
        let tenor = 8.0 * step_years;
        let own = process.volatility_annual.powi(2)
            * decayed(2.0 * process.reversion_per_year, step_years);
        let expected = of(2, spot, spot) + tenor * tenor * own;
        assert!((of(2, mark, mark) / expected - 1.0).abs() < 1e-12);
        assert!((of(2, mark, spot) / of(2, spot, spot) - 1.0).abs() < 1e-12);
    }
}

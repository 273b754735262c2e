//! Risk factors of an account and their diffusive covariance over one step.

use hedgesim::plan::types::{ContractKind, ContractSettlement, OuBasis, Plan, SettlementCurrency};
use hedgesim::venue::rules::MaintenanceAt;

use super::leg::{margined_notional, traded_notional};
use super::option::OptionNow;
use super::prices::{expiry_held, years_at, years_left};
use super::{Book, Prices, Who};

/// What an account's room depends on: logs of spots and marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// Log spot of an asset.
    Spot(usize),
    /// Log mark of a contract.
    Mark(usize),
}

impl Factor {
    /// The asset whose jumps move it.
    pub fn asset(self, plan: &Plan) -> usize {
        match self {
            Self::Spot(asset) => asset,
            Self::Mark(contract) => plan.market.contracts[contract].underlying,
        }
    }
}

/// A factor as `sigma dW` of its asset plus `weight` times an Ornstein-Uhlenbeck process of a contract.
struct Parts {
    asset: usize,
    process: Option<(usize, OuBasis, f64)>,
}

fn parts(plan: &Plan, step: u32, factor: Factor) -> Parts {
    match factor {
        Factor::Spot(asset) => Parts {
            asset,
            process: None,
        },
        Factor::Mark(c) => {
            let contract = &plan.market.contracts[c];
            let process = match &contract.kind {
                ContractKind::Perpetual { basis, .. } => Some((c, *basis, 1.0)),
                ContractKind::Dated(dated) => {
                    let expiry = expiry_held(dated, step);
                    let left = years_left(expiry.years, years_at(plan, step));
                    Some((c, dated.carry, left))
                }
                ContractKind::Option(_) => None,
            };
            Parts {
                asset: contract.underlying,
                process,
            }
        }
    }
}

/// `(1 - e^{-k t}) / k`.
fn decay_integral(k: f64, t: f64) -> f64 {
    if k * t < 1e-9 {
        t
    } else {
        (1.0 - (-k * t).exp()) / k
    }
}

/// Covariance of two factors' diffusive moves over the step that ends at `step`, given its start.
///
/// Two processes of different contracts share only what each has of its own underlying's move
/// over the whole step, as they are drawn.
pub fn covariance(plan: &Plan, step: u32, one: Factor, other: Factor) -> f64 {
    let t = plan.simulation.step_years();
    let assets = plan.market.assets.len();
    let correlation = |a: usize, b: usize| plan.market.correlation[a * assets + b];
    let sigma = |a: usize| plan.market.assets[a].volatility_annual;
    let (x, y) = (parts(plan, step, one), parts(plan, step, other));
    let rho = correlation(x.asset, y.asset);

    let mut sum = sigma(x.asset) * sigma(y.asset) * rho * t;
    // Of a process with the Brownian move W of its underlying: rho_c eta (1 - e^{-k t}) / k.
    let on_spot = |process: &OuBasis| {
        process.correlation_with_spot
            * process.volatility_annual
            * decay_integral(process.reversion_per_year, t)
    };
    if let Some((_, process, weight)) = &x.process {
        sum += weight * on_spot(process) * sigma(y.asset) * rho;
    }
    if let Some((_, process, weight)) = &y.process {
        sum += weight * on_spot(process) * sigma(x.asset) * rho;
    }
    if let (Some((c, p, weight_p)), Some((d, q, weight_q))) = (&x.process, &y.process) {
        let shared = if c == d {
            p.volatility_annual.powi(2) * decay_integral(2.0 * p.reversion_per_year, t)
        } else {
            on_spot(p) * on_spot(q) / t * rho
        };
        sum += weight_p * weight_q * shared;
    }
    sum
}

impl Book<'_> {
    /// Slopes of an account's room with the logs of its factors, at some prices.
    ///
    /// With coins: those of a USD account count; the planned legs alone are asked for without.
    pub fn slopes(&self, a: usize, who: Who, prices: &Prices) -> Vec<(Factor, f64)> {
        let mut slopes: Vec<(Factor, f64)> = Vec::new();
        for h in self.legs_of(a) {
            let position = self.legs[h].position(who);
            if position.size != 0.0 {
                slopes.push(self.slope_of_leg(h, position, prices));
            }
        }
        let is_usd = self.plan.accounts[a].settlement == SettlementCurrency::Usd;
        if who == Who::Actual && is_usd {
            for coin in &self.accounts[a].coins {
                let value_usd = coin.quantity * prices.spot_usd[coin.asset];
                if value_usd > 0.0 {
                    let slope = value_usd * (1.0 - coin.haircut_frac);
                    slopes.push((Factor::Spot(coin.asset), slope));
                }
            }
        }
        slopes
    }

    fn slope_of_leg(
        &self,
        h: usize,
        position: &super::leg::Position,
        prices: &Prices,
    ) -> (Factor, f64) {
        let contract = self.contract(h);
        if contract.option().is_some() {
            let now = OptionNow::new(contract, prices);
            let written = position.size.max(0.0);
            let slope = -position.size * now.value_slope() - written * now.maintenance_slope();
            return (Factor::Spot(contract.underlying), slope);
        }
        let c = self.legs[h].contract;
        let mark_usd = prices.mark_usd[c];
        let margined = margined_notional(contract, position, mark_usd);
        let rate = contract.rules.bracket(margined).rate + contract.rules.trigger_fee_frac();
        let traded = traded_notional(contract.settlement, position.size, mark_usd);
        // A short loses as the mark rises: q F of a linear contract, U / F coins of an inverse one.
        let profit_slope = -traded * position.size.signum();
        let margin_slope = match (contract.settlement, contract.rules.maintenance_at) {
            (ContractSettlement::Linear, _) => rate * margined,
            (ContractSettlement::Inverse, MaintenanceAt::Mark) => -rate * margined,
            (ContractSettlement::Inverse, MaintenanceAt::Entry) => 0.0,
        };
        (Factor::Mark(c), profit_slope - margin_slope)
    }

    /// Variance over this step of what moves with these slopes.
    pub fn variance_of(&self, slopes: &[(Factor, f64)]) -> f64 {
        let mut sum = 0.0;
        for &(one, slope_one) in slopes {
            for &(other, slope_other) in slopes {
                sum += slope_one * slope_other * covariance(self.plan, self.step, one, other);
            }
        }
        sum.max(0.0)
    }
}

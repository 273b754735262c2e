//! The mark at which an account with a single future is liquidated, bracket by bracket.

use hedgesim::plan::types::{ContractPlan, ContractSettlement};
use hedgesim::venue::rules::MaintenanceAt;

use super::leg::{Position, margined_notional};

/// The level, USD; `None` where there is none. `balance` is in the contract's settlement currency.
///
/// A short is liquidated at and above it, a long at and below it. Maintenance is convex in the notional, so that equity
/// is short of it as soon as it is short of one bracket's line: the nearest of the brackets' own levels counts.
pub fn liquidation_level_usd(
    contract: &ContractPlan,
    position: &Position,
    balance: f64,
) -> Option<f64> {
    let is_short = position.size > 0.0;
    let size = position.size.abs();
    let entry_usd = position.entry_usd;
    let fee = contract.rules.trigger_fee_frac();
    let brackets = contract.rules.brackets.iter();
    let lines = brackets.map(|bracket| (bracket.rate + fee, bracket.deduction_usd));
    let nearest = |levels: Vec<f64>| {
        let levels = levels
            .into_iter()
            .filter(|level| *level > 0.0 && level.is_finite());
        if is_short {
            levels.reduce(f64::min)
        } else {
            levels.reduce(f64::max)
        }
    };
    match (contract.settlement, contract.rules.maintenance_at) {
        (ContractSettlement::Linear, _) if is_short => nearest(
            // balance + q E - q F = rate q F - deduction
            lines
                .map(|(rate, deduction)| {
                    (balance + size * entry_usd + deduction) / (size * (1.0 + rate))
                })
                .collect(),
        ),
        (ContractSettlement::Linear, _) => nearest(
            // balance - q E + q F = rate q F - deduction
            lines
                .map(|(rate, deduction)| {
                    (size * entry_usd - balance - deduction) / (size * (1.0 - rate))
                })
                .collect(),
        ),
        (ContractSettlement::Inverse, MaintenanceAt::Entry) => {
            let notional = margined_notional(contract, position, entry_usd);
            let asked = contract.rules.maintenance_margin_usd(notional) + fee * notional;
            // balance +- U (1/F - 1/E) = asked
            let per_usd = if is_short {
                1.0 / entry_usd + (asked - balance) / size
            } else {
                1.0 / entry_usd - (asked - balance) / size
            };
            (per_usd > 0.0).then(|| 1.0 / per_usd)
        }
        (ContractSettlement::Inverse, MaintenanceAt::Mark) if is_short => nearest(
            // balance + U/F - U/E = rate U/F - deduction
            lines
                .map(|(rate, deduction)| {
                    size * (1.0 - rate) / (size / entry_usd - balance - deduction)
                })
                .collect(),
        ),
        (ContractSettlement::Inverse, MaintenanceAt::Mark) => nearest(
            // balance - U/F + U/E = rate U/F - deduction
            lines
                .map(|(rate, deduction)| {
                    size * (1.0 + rate) / (balance + size / entry_usd + deduction)
                })
                .collect(),
        ),
    }
}

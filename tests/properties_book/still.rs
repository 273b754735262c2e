//! Random plans in a market that stands still and where nothing costs.

use hedgesim::plan::types::{ContractKind, FundingPlan, FundingSource, OuBasis, Plan};

use crate::common::any_plan::{Features, plan_of};

/// What may be on in a plan where nothing costs and no money is lost to a venue.
pub(crate) const STILL: u32 = Features::ALL
    & !(Features::COSTS
        | Features::LIQUIDITY
        | Features::STYLES
        | Features::OPTIONS
        | Features::FORFEITS);

/// The plan of a seed without any move, basis, funding, interest and cost.
pub(crate) fn still_plan(seed: u64, features: Features) -> Plan {
    let mut plan = plan_of(seed, features);
    for asset in &mut plan.market.assets {
        asset.drift_annual = 0.0;
        asset.volatility_annual = 0.0;
        asset.jumps = None;
    }
    for contract in &mut plan.market.contracts {
        match &mut contract.kind {
            ContractKind::Perpetual { basis, funding } => {
                *basis = OuBasis::NONE;
                *funding = FundingPlan::None;
            }
            ContractKind::Dated(dated) => {
                dated.carry = OuBasis::NONE;
                dated.slope_per_year = 0.0;
            }
            ContractKind::Option(_) => unreachable!("switched off"),
        }
    }
    for account in &mut plan.accounts {
        account.liquidation_slippage_frac = 0.0;
        for source in &mut account.sources {
            match source {
                FundingSource::Reserve => {}
                FundingSource::CreditLine { rate_annual, .. } => *rate_annual = 0.0,
                FundingSource::Inventory { cost_frac, .. } => *cost_frac = 0.0,
            }
        }
    }
    for holding in &mut plan.holdings {
        // Coins that are staked beside a short grow on one side alone once they are sold early.
        holding.staking_yield_annual = 0.0;
    }
    plan
}

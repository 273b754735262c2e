//! Random markets: one or two assets, with or without jumps, and one perpetual.

use hedgesim::plan::types::{
    AssetPlan, ContractKind, ContractPlan, ContractSettlement, JumpPlan, JumpSizes, LiquidityPlan,
    MarketPlan, OuBasis,
};
use hedgesim::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};
use proptest::prelude::*;

use super::{any_correlation, any_funding, zero_or};

/// A market whose asset 0 is held; the contract is on asset 0, or on asset 1 where there are two.
pub fn any_market(step_hours: f64) -> impl Strategy<Value = MarketPlan> {
    (
        any_asset("HELD"),
        any_asset("OTHER"),
        any_correlation(),
        0_usize..3,
        any_basis(),
        any_funding(step_hours),
    )
        .prop_map(|(held, other, correlation, shape, basis, funding)| {
            let (assets, correlation, underlying) = match shape {
                0 => (vec![held], vec![1.0], 0),
                1 => (
                    vec![held, other],
                    vec![1.0, correlation, correlation, 1.0],
                    0,
                ),
                _ => (
                    vec![held, other],
                    vec![1.0, correlation, correlation, 1.0],
                    1,
                ),
            };
            let contract = ContractPlan {
                name: "perp".to_owned(),
                underlying,
                kind: ContractKind::Perpetual { basis, funding },
                settlement: ContractSettlement::Linear,
                contract_size: None,
                liquidity: LiquidityPlan::FREE,
                rules: rules_to_be_replaced(),
            };
            MarketPlan {
                assets,
                correlation,
                contracts: vec![contract],
            }
        })
}

/// The venue's rules are drawn with the hedge, since its brackets go with the size of the position.
fn rules_to_be_replaced() -> ContractRules {
    ContractRules {
        delivery_fee_frac: 0.0,
        maintenance_at: MaintenanceAt::Mark,
        brackets: vec![MarginBracket {
            floor_usd: 0.0,
            cap_usd: f64::INFINITY,
            rate: 0.0,
            deduction_usd: 0.0,
            max_leverage: None,
        }],
        maker_fee_frac: 0.0,
        taker_fee_frac: 0.0,
        liquidation_fee_frac: 0.0,
        fee_in_trigger: false,
        remainder: Remainder::Returned,
    }
}

fn any_asset(name: &'static str) -> impl Strategy<Value = AssetPlan> {
    let jumps = prop_oneof![1 => Just(None), 2 => any_jumps().prop_map(Some)];
    (1.0..70_000.0, zero_or(-1.0..1.0), zero_or(0.0..2.0), jumps).prop_map(
        move |(spot_usd, drift_annual, volatility_annual, jumps)| AssetPlan {
            name: name.to_owned(),
            spot_usd,
            drift_annual,
            volatility_annual,
            jumps,
        },
    )
}

fn any_jumps() -> impl Strategy<Value = JumpPlan> {
    let merton =
        (-0.2..0.2, zero_or(0.0..0.2)).prop_map(|(mean_log, std_dev_log)| JumpSizes::Merton {
            mean_log,
            std_dev_log,
        });
    let kou = (0.0..=1.0, 0.01..0.2, 0.01..0.2).prop_map(
        |(up_probability, up_mean_log, down_mean_log)| JumpSizes::Kou {
            up_probability,
            up_mean_log,
            down_mean_log,
        },
    );
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0];
    (1.0..400.0, prop_oneof![merton, kou], share, 0.5..1.5).prop_map(
        |(jumps_per_year, sizes, systemic_share, systemic_loading)| JumpPlan {
            jumps_per_year,
            sizes,
            systemic_share,
            systemic_loading,
        },
    )
}

fn any_basis() -> impl Strategy<Value = OuBasis> {
    (
        zero_or(-0.01..0.01),
        zero_or(-0.02..0.02),
        zero_or(0.0..0.3),
        zero_or(0.0..500.0),
        any_correlation(),
    )
        .prop_map(
            |(mean, initial, volatility_annual, reversion_per_year, correlation_with_spot)| {
                OuBasis {
                    mean,
                    initial,
                    volatility_annual,
                    reversion_per_year,
                    correlation_with_spot,
                }
            },
        )
}

//! The smallest plan that tests by hand start from, and change field by field.

use hedgesim::plan::types::{
    AccountPlan, AfterLiquidation, AssetPlan, CallAction, ContractKind, ContractPlan,
    ContractSettlement, Crossing, Follows, FundingPlan, FundingSource, HedgePlan, HoldingPlan,
    LiquidityPlan, MarginCallPlan, MarginMode, MarketPlan, OrderPlan, OuBasis, Plan, Position,
    Rebalance, ReportPlan, SettlementCurrency, SimulationPlan, StressPlan,
};
use hedgesim::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// 10 ETH at 100 USD, fully hedged with its perpetual: 200 USD of collateral, no reserve, 10 % maintenance margin,
/// no costs, daily steps, checks at step ends only.
pub fn small_plan(steps: u32) -> Plan {
    Plan {
        simulation: SimulationPlan {
            title: "small".to_owned(),
            horizon_days: f64::from(steps),
            step_days: 1.0,
            steps,
            paths: 1,
            seed: 1,
            crossing: Crossing::Endpoints,
        },
        market: MarketPlan {
            assets: vec![AssetPlan {
                name: "ETH".to_owned(),
                spot_usd: 100.0,
                drift_annual: 0.0,
                volatility_annual: 0.0,
                jumps: None,
            }],
            correlation: vec![1.0],
            contracts: vec![ContractPlan {
                name: "eth-perp".to_owned(),
                underlying: 0,
                kind: ContractKind::Perpetual {
                    basis: OuBasis {
                        mean: 0.0,
                        initial: 0.0,
                        volatility_annual: 0.0,
                        reversion_per_year: 0.0,
                        correlation_with_spot: 0.0,
                    },
                    funding: FundingPlan::None,
                },
                settlement: ContractSettlement::Linear,
                contract_size: None,
                liquidity: LiquidityPlan::FREE,
                rules: small_rules(),
            }],
        },
        holdings: vec![HoldingPlan {
            production: Vec::new(),
            staking_yield_annual: 0.0,
            asset: 0,
            quantity_base: 10.0,
            sales: vec![],
        }],
        hedges: vec![HedgePlan {
            position: Position::Short,
            round: None,
            follows: Follows::Inventory,
            switch: None,
            order: OrderPlan::TAKER,
            contract: 0,
            account: 0,
            covers: 0,
            hedge_ratio: 1.0,
            coverage_frac: 1.0,
            rebalance: Rebalance::Never,
            opened: None,
        }],
        accounts: vec![AccountPlan {
            mode: MarginMode::Isolated,
            coins: Vec::new(),
            sources: vec![FundingSource::Reserve],
            leaves_at: None,
            settlement: SettlementCurrency::Usd,
            name: "main".to_owned(),
            venue: "plain".to_owned(),
            collateral_usd: 200.0,
            reserve_usd: 0.0,
            margin_call: None,
            liquidation_slippage_frac: 0.0,
            after_liquidation: AfterLiquidation::StayFlat,
        }],
        execution_slippage_frac: 0.0,
        cost_of_funds_annual: 0.0,
        stress: StressPlan::NONE,
        report: ReportPlan::default(),
    }
}

fn small_rules() -> ContractRules {
    ContractRules {
        delivery_fee_frac: 0.0,
        maintenance_at: MaintenanceAt::Mark,
        brackets: vec![MarginBracket {
            floor_usd: 0.0,
            cap_usd: f64::INFINITY,
            rate: 0.1,
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

/// A call at half the way to liquidation, topped up to a quarter, looked at every step.
pub fn small_margin_call(delay_steps: u32) -> MarginCallPlan {
    MarginCallPlan {
        action: CallAction::TopUp,
        minimum_transfer_usd: 0.0,
        level: 0.5,
        target: 0.25,
        release: None,
        every_steps: 1,
        delay_steps,
    }
}

//! The plan of the flagship scenario, built by hand.

use crate::plan::types::{
    AccountPlan, AfterLiquidation, AssetPlan, CallAction, ContractKind, ContractPlan,
    ContractSettlement, Crossing, Follows, FundingPlan, FundingSource, HedgePlan, HoldingPlan,
    JumpPlan, JumpSizes, LiquidityPlan, MarginCallPlan, MarginMode, MarketPlan, OrderPlan, OuBasis,
    Plan, Position, Rebalance, ReportPlan, SettlementCurrency, SimulationPlan, StressPlan,
};
use crate::venue::preset;

/// 50,000 ETH at 3,500 USD for 90 days in 8-hour steps, shorted 1:1 on Binance with 60M posted and 40M in reserve.
pub(crate) fn eth_treasury() -> Plan {
    let listing = preset::find("binance").unwrap().listing("ETHUSDT").unwrap();
    let sizes = JumpSizes::Kou {
        up_probability: 0.45,
        up_mean_log: 0.083,
        down_mean_log: 0.111,
    };
    Plan {
        simulation: SimulationPlan {
            title: "50,000 ETH".to_owned(),
            horizon_days: 90.0,
            step_days: 1.0 / 3.0,
            steps: 270,
            paths: 100_000,
            seed: 1,
            crossing: Crossing::Bridge,
        },
        market: MarketPlan {
            assets: vec![AssetPlan {
                name: "ETH".to_owned(),
                spot_usd: 3_500.0,
                drift_annual: 0.0,
                volatility_annual: 0.6,
                jumps: Some(JumpPlan {
                    jumps_per_year: 6.0,
                    sizes,
                    systemic_share: 0.5,
                    systemic_loading: 1.0,
                }),
            }],
            correlation: vec![1.0],
            contracts: vec![ContractPlan {
                name: "eth-perp".to_owned(),
                underlying: 0,
                kind: ContractKind::Perpetual {
                    basis: OuBasis {
                        mean: 2e-4,
                        initial: 2e-4,
                        volatility_annual: 0.012,
                        reversion_per_year: 200.0,
                        correlation_with_spot: 0.0,
                    },
                    funding: FundingPlan::PremiumFormula {
                        interest_per_8h: 1e-4,
                        damper_per_8h: 5e-4,
                        cap_per_8h: 37.5e-4,
                        interval_hours: 8.0,
                        interval_steps: 1,
                    },
                },
                settlement: ContractSettlement::Linear,
                contract_size: None,
                liquidity: LiquidityPlan::FREE,
                rules: listing.rules.clone(),
            }],
        },
        holdings: vec![HoldingPlan {
            production: Vec::new(),
            staking_yield_annual: 0.0,
            asset: 0,
            quantity_base: 50_000.0,
            sales: Vec::new(),
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
        accounts: vec![main_account()],
        execution_slippage_frac: 3e-4,
        cost_of_funds_annual: 0.0,
        stress: StressPlan::NONE,
        report: ReportPlan::default(),
    }
}

/// 60M posted, 40M in reserve, called at a ratio of a half.
fn main_account() -> AccountPlan {
    AccountPlan {
        mode: MarginMode::Isolated,
        coins: Vec::new(),
        sources: vec![FundingSource::Reserve],
        leaves_at: None,
        settlement: SettlementCurrency::Usd,
        name: "main".to_owned(),
        venue: "binance".to_owned(),
        collateral_usd: 60e6,
        reserve_usd: 40e6,
        margin_call: Some(MarginCallPlan {
            action: CallAction::TopUp,
            minimum_transfer_usd: 0.0,
            level: 0.5,
            target: 0.25,
            release: None,
            every_steps: 1,
            delay_steps: 1,
        }),
        liquidation_slippage_frac: 0.005,
        after_liquidation: AfterLiquidation::StayFlat,
    }
}

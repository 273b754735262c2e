//! Synthetic plans and outcome tables for tests.

use crate::outcome::column::{COMPONENTS, Cell, Column, Extra, FIXED_COLUMNS};
use crate::outcome::layout::Layout;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::{
    AccountPlan, AfterLiquidation, AssetPlan, CallAction, ContractKind, ContractPlan,
    ContractSettlement, Crossing, DAYS_PER_YEAR, DatedPlan, Expiry, Follows, FundingPlan,
    FundingSource, HedgePlan, HoldingPlan, LimitPlan, LiquidityPlan, MarginCallPlan, MarginMode,
    MarketPlan, OptionKind, OptionPlan, OptionTerms, OrderPlan, OuBasis, Plan, Position, Rebalance,
    ReportPlan, SettlementCurrency, SimulationPlan, StressPlan,
};
use crate::plan::views::ViewsPlan;
use crate::stats::sample::tests::{normals, uniforms};
use crate::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// 50,000 ETH at 3,500 USD, shorted 1:1 for 90 days.
pub(crate) fn plan(paths: u64, limits: Vec<LimitPlan>) -> Plan {
    let bracket = MarginBracket {
        floor_usd: 0.0,
        cap_usd: f64::INFINITY,
        rate: 0.05,
        deduction_usd: 0.0,
        max_leverage: None,
    };
    Plan {
        simulation: SimulationPlan {
            title: "50,000 ETH, 90 days".into(),
            horizon_days: 90.0,
            step_days: 1.0 / 3.0,
            steps: 270,
            paths,
            seed: 1,
            crossing: Crossing::Bridge,
        },
        market: MarketPlan {
            assets: vec![AssetPlan {
                name: "ETH".into(),
                spot_usd: 3500.0,
                drift_annual: 0.0,
                volatility_annual: 0.6,
                jumps: None,
            }],
            correlation: vec![1.0],
            contracts: vec![ContractPlan {
                name: "eth-perp".into(),
                underlying: 0,
                kind: ContractKind::Perpetual {
                    basis: OuBasis {
                        mean: 0.0,
                        initial: 0.0,
                        volatility_annual: 0.01,
                        reversion_per_year: 200.0,
                        correlation_with_spot: 0.0,
                    },
                    funding: FundingPlan::None,
                },
                settlement: ContractSettlement::Linear,
                contract_size: None,
                liquidity: LiquidityPlan::FREE,
                rules: ContractRules {
                    brackets: vec![bracket],
                    maker_fee_frac: 0.0,
                    taker_fee_frac: 0.0005,
                    liquidation_fee_frac: 0.015,
                    fee_in_trigger: false,
                    remainder: Remainder::Returned,
                    delivery_fee_frac: 0.0,
                    maintenance_at: MaintenanceAt::Mark,
                },
            }],
        },
        holdings: vec![HoldingPlan {
            production: Vec::new(),
            staking_yield_annual: 0.0,
            asset: 0,
            quantity_base: 50_000.0,
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
        accounts: vec![account()],
        execution_slippage_frac: 0.0003,
        cost_of_funds_annual: 0.0,
        stress: StressPlan::NONE,
        report: ReportPlan {
            thresholds_usd: vec![-20e6, 0.0],
            date_steps: Vec::new(),
            liquidity_at_risk: false,
            effective_price_below_usd: vec![3000.0],
            limits,
            views: ViewsPlan::default(),
            notes: vec!["liquidation fee of binance ETHUSDT is assumed".into()],
        },
    }
}

/// 60 million USD posted, 40 million in reserve.
fn account() -> AccountPlan {
    AccountPlan {
        mode: MarginMode::Isolated,
        coins: Vec::new(),
        sources: vec![FundingSource::Reserve],
        leaves_at: None,
        settlement: SettlementCurrency::Usd,
        name: "main".into(),
        venue: "binance".into(),
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

/// A table whose identity holds and in which about a fifth of the paths are liquidated.
pub(crate) fn table(paths: usize) -> OutcomeTable {
    let mut table = OutcomeTable::new(paths, Layout::plain(vec!["ETH".into()]));
    let (spots, noise, draws) = (
        normals(101, paths),
        normals(102, paths),
        uniforms(103, paths),
    );
    for path in 0..paths {
        let mut set = |column: Column, value: f64| table.column_mut(column as usize)[path] = value;
        let spot = 3500.0 * (0.3 * spots[path] - 0.045).exp();
        let unhedged = 50_000.0 * (spot - 3500.0);
        let is_liquidated = spots[path] > 0.8;
        let mut total = unhedged;
        for (name, cell) in COMPONENTS {
            let Cell::Fixed(column) = cell else { continue };
            let value = match name {
                "ideal_offset_usd" => -unhedged,
                "futures_basis_usd" => 150_000.0 * noise[path],
                "funding_usd" => 900_000.0 + 200_000.0 * draws[path],
                "fees_usd" => -160_000.0,
                "slippage_usd" => -100_000.0,
                "liquidation_usd" if is_liquidated => -3e6,
                "liquidation_gap_usd" if is_liquidated => 30e6 * noise[path],
                _ => 0.0,
            };
            set(column, value);
            total += value;
        }
        set(Column::UnhedgedPnl, unhedged);
        set(Column::HedgedPnl, total);
        set(
            Column::LiquidationDay,
            if is_liquidated {
                (90.0 * draws[path]).ceil()
            } else {
                f64::NAN
            },
        );
        set(Column::Liquidations, f64::from(is_liquidated));
        set(Column::MarginCalls, f64::from(spots[path] > 0.4));
        set(Column::UnmetCalls, f64::from(spots[path] > 0.7));
        set(Column::UnmetCall, if spots[path] > 0.7 { 5e6 } else { 0.0 });
        set(
            Column::TopUp,
            if spots[path] > 0.4 {
                40e6 * draws[path]
            } else {
                0.0
            },
        );
        set(
            Column::PeakCollateral,
            60e6 + if spots[path] > 0.4 {
                40e6 * draws[path]
            } else {
                0.0
            },
        );
        set(
            Column::RequiredCollateral,
            20e6 + (unhedged + 10e6).max(0.0),
        );
        set(Column::MinEquity, 60e6 - 40e6 * draws[path]);
        set(
            Column::MaxMarginRatio,
            if is_liquidated { f64::NAN } else { draws[path] },
        );
        set(Column::MaxDrawdown, 1e6 * noise[path].abs());
        set(Column::EffectivePrice, 3500.0 + total / 50_000.0);
        set(Column::FirstTerminalSpot, spot);
    }
    table
}

/// Two holdings, three hedges (a perpetual, a rolled inverse future, an option) in two accounts at two venues; two reporting
/// dates, liquidity at risk.
pub(crate) fn general_plan(paths: u64) -> Plan {
    let mut plan = plan(paths, vec![]);
    let eth = plan.market.contracts[0].clone();
    plan.market.assets.push(AssetPlan {
        name: "BTC".into(),
        spot_usd: 60_000.0,
        ..plan.market.assets[0].clone()
    });
    plan.market.correlation = vec![1.0, 0.8, 0.8, 1.0];
    let expiry = |step: u32, roll_step| Expiry {
        years: f64::from(step) / 3.0 / DAYS_PER_YEAR,
        step,
        roll_step,
    };
    plan.market.contracts.push(ContractPlan {
        name: "btc-quarter".into(),
        underlying: 1,
        kind: ContractKind::Dated(DatedPlan {
            carry: OuBasis::NONE,
            slope_per_year: 0.0,
            expiries: vec![expiry(150, Some(120)), expiry(423, None)],
        }),
        settlement: ContractSettlement::Inverse,
        ..eth.clone()
    });
    plan.market.contracts.push(ContractPlan {
        name: "eth-put".into(),
        kind: ContractKind::Option(OptionPlan {
            kind: OptionKind::Put,
            strike_usd: 3000.0,
            expiry_step: 270,
            expiry_years: 90.0 / DAYS_PER_YEAR,
            volatility_annual: 0.6,
            terms: OptionTerms {
                fee_frac: 0.0003,
                fee_cap_frac: 0.125,
                initial_frac: 0.15,
                initial_floor_frac: 0.1,
                maintenance_frac: 0.075,
            },
        }),
        ..eth
    });
    plan.holdings.push(HoldingPlan {
        asset: 1,
        quantity_base: 1000.0,
        ..plan.holdings[0].clone()
    });
    plan.hedges.push(HedgePlan {
        contract: 1,
        account: 1,
        covers: 1,
        ..plan.hedges[0]
    });
    plan.hedges.push(HedgePlan {
        contract: 2,
        position: Position::Long,
        hedge_ratio: 0.3,
        ..plan.hedges[0]
    });
    plan.accounts[0].mode = MarginMode::Cross;
    plan.accounts.push(AccountPlan {
        name: "coin".into(),
        venue: "bybit".into(),
        settlement: SettlementCurrency::Coin { asset: 1 },
        collateral_usd: 20e6,
        reserve_usd: 0.0,
        ..plan.accounts[0].clone()
    });
    plan.report.date_steps = vec![90, 180];
    plan.report.liquidity_at_risk = true;
    plan
}

/// A table of [`general_plan`] whose identity holds: that of [`table`], to which the extras are added.
///
/// Extras are simple functions of the path, so that tests know what to find: see [`extra_value`].
pub(crate) fn general_table(paths: usize) -> OutcomeTable {
    let layout = Layout::of(&general_plan(paths as u64));
    let plain = table(paths);
    let draws = uniforms(104, paths);
    let mut table = OutcomeTable::new(paths, layout.clone());
    for column in 0..FIXED_COLUMNS {
        table
            .column_mut(column)
            .copy_from_slice(plain.column(column));
    }
    for (at, (extra, name)) in layout.extras().iter().enumerate() {
        let is_component = COMPONENTS.iter().any(|(component, _)| component == name);
        for (path, &u) in draws.iter().enumerate() {
            let value = extra_value(*extra, u);
            table.column_mut(FIXED_COLUMNS + at)[path] = value;
            if is_component {
                table.column_mut(Column::HedgedPnl as usize)[path] += value;
            }
        }
    }
    table
}

/// An extra of [`general_table`] at a uniform draw of the path.
pub(crate) fn extra_value(extra: Extra, u: f64) -> f64 {
    let small = |index: usize| 1.0 + index as f64;
    match extra {
        Extra::TerminalSpot(_) => 3500.0 * (0.5 + u),
        Extra::Roll => -20e3 * u,
        Extra::Options => 2e6 * (u - 0.5),
        Extra::CollateralRevaluation => 5e6 * (0.5 - u),
        Extra::EntryCost => 100e3,
        Extra::RebalancingCost => 10e3 * u,
        Extra::RollCost => 40e3 * u,
        Extra::ExitCost => 80e3 + 20e3 * u,
        Extra::Carry => 1e6 + 0.5e6 * u,
        Extra::Curve => 0.4e6 * (u - 0.5),
        Extra::LargestCall24h => 30e6 * u,
        Extra::LargestCall7d => 60e6 * u,
        Extra::CashInTransit => 20e6 * u,
        Extra::HoldingPnl(j) => 40e6 * (u - 0.5) * small(j),
        Extra::HedgePnl(h) => -30e6 * (u - 0.5) * small(h),
        Extra::AccountPeakCollateral(a) => 20e6 * small(a) * u,
        Extra::AccountLiquidated(a) => f64::from(u > 0.75 + 0.125 * a as f64),
        Extra::InterimHedged(date) => 5e6 * (u - 0.5) * small(date),
        Extra::InterimUnhedged(date) => 30e6 * (u - 0.5) * small(date),
        Extra::Exposure { venue, date } => 10e6 * u * small(venue) * small(date),
    }
}

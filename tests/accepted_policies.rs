//! Policies of every kind become the plan that they say: hedges, accounts, holdings, execution, report.
#![expect(clippy::float_cmp, reason = "values of a scenario arrive unchanged")]

use std::fs;
use std::path::PathBuf;

use hedgesim::plan::read::{load, parse};
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::{
    CallAction, CoinCollateral, Follows, FundingSource, ImpactPlan, LiquidityPlan, MarginMode,
    OrderPlan, OrderStyle, Plan, Position, ProductionPlan, Rebalance, Rounding, SalePlan,
    SettlementCurrency, StressPlan, SwitchPlan,
};

const POLICIES: &str = include_str!("data/policies.toml");

fn read(text: &str) -> Plan {
    let loaded = parse("policies.toml", text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"))
}

fn plan(overrides: &[&str]) -> Plan {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let loaded = parse("policies.toml", POLICIES, &overrides)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let plan = resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"));
    // The text as run reproduces the plan by itself.
    assert_eq!(read(&loaded.effective_toml), plan);
    plan
}

#[test]
fn holdings_with_production_sales_and_staking_arrive() {
    let plan = plan(&[]);
    assert!(!plan.is_plain());
    let [eth, btc] = &plan.holdings[..] else {
        panic!("two holdings");
    };
    // 10, 20 and 30 days of 10 at 8 h a step: the last is at the horizon.
    let made: Vec<(u32, f64, f64)> = eth
        .production
        .iter()
        .map(
            |ProductionPlan {
                 step,
                 quantity_base,
                 cost_usd,
             }| (*step, *quantity_base, *cost_usd),
        )
        .collect();
    assert_eq!(
        made,
        [
            (30, 120.0, 204_000.0),
            (60, 120.0, 204_000.0),
            (90, 120.0, 204_000.0)
        ]
    );
    assert_eq!(eth.staking_yield_annual, 0.03);
    // Half of what is there at 15 days, 5,120, is sold; the rest at the horizon.
    assert_eq!(
        eth.sales,
        [SalePlan {
            step: 45,
            quantity_base: 2_560.0
        }]
    );
    assert_eq!(btc.quantity_base, 0.0);
    let sold: Vec<(u32, f64)> = btc
        .sales
        .iter()
        .map(|sale| (sale.step, sale.quantity_base))
        .collect();
    assert_eq!(
        sold,
        [(30, 2.0), (60, 2.0)],
        "as produced, the last at the horizon"
    );
}

#[test]
fn hedges_with_their_policies_arrive() {
    let plan = plan(&[]);
    let [perp, dated, coin, put, miner] = &plan.hedges[..] else {
        panic!("five hedges");
    };
    let switch = SwitchPlan {
        to: 1,
        window_stamps: 21,
        below_per_8h: 0.0,
        back_above_per_8h: 0.0001,
    };
    assert_eq!(perp.switch, Some(switch));
    assert_eq!(perp.rebalance, Rebalance::DeltaBand { width: 0.05 });
    assert_eq!((perp.contract, perp.account, perp.covers), (0, 0, 0));
    let style = OrderStyle::Twap { parts: 4 };
    assert_eq!((perp.order.is_maker, perp.order.style), (true, style));
    assert_eq!(perp.coverage_frac, 0.4);
    // 500 contracts of 0.01 ETH for 5,000 ETH.
    assert_eq!(
        (dated.round, dated.hedge_ratio),
        (Some(Rounding::Down), 0.001)
    );
    let expiries = &plan.market.contracts[1].dated().unwrap().expiries;
    let steps: Vec<(u32, Option<u32>)> = expiries
        .iter()
        .map(|expiry| (expiry.step, expiry.roll_step))
        .collect();
    assert_eq!(steps, [(60, Some(45)), (90, Some(75)), (120, None)]);
    let general = OrderPlan {
        is_maker: false,
        style: OrderStyle::Iceberg { display_frac: 0.1 },
    };
    assert_eq!((dated.order, coin.order), (general, general));
    assert_eq!((coin.position, coin.account), (Position::Short, 1));
    assert_eq!((put.position, put.coverage_frac), (Position::Long, 0.0));
    assert_eq!(put.order.style, OrderStyle::Otc { spread_frac: 0.002 });
    assert_eq!((miner.follows, miner.hedge_ratio), (Follows::Expected, 0.9));
    let notes = &plan.report.notes;
    let of_contracts = "The ratio of hedge 2 (eth-dated) is 0.001: 500 contracts at time 0.";
    assert!(notes.iter().any(|note| note == of_contracts), "{notes:?}");
}

#[test]
fn accounts_with_coins_sources_and_windows_arrive() {
    let plan = plan(&[]);
    let [usd, coin, spare] = &plan.accounts[..] else {
        panic!("three accounts");
    };
    assert_eq!(
        (usd.mode, usd.settlement),
        (MarginMode::Cross, SettlementCurrency::Usd)
    );
    assert_eq!(usd.collateral_usd, 10_000_000.0);
    assert_eq!(
        usd.coins,
        [CoinCollateral {
            asset: 1,
            quantity_base: 10.0,
            holding: None,
            haircut_frac: 0.05
        }]
    );
    assert_eq!(
        usd.sources,
        [
            FundingSource::CreditLine {
                limit_usd: 2e6,
                rate_annual: 0.09
            },
            FundingSource::Reserve,
            FundingSource::Inventory {
                holding: 0,
                cost_frac: 0.005
            },
            FundingSource::Inventory {
                holding: 1,
                cost_frac: 0.005
            },
        ]
    );
    let call = usd.margin_call.unwrap();
    assert_eq!(
        (call.action, call.minimum_transfer_usd),
        (CallAction::TopUp, 50_000.0)
    );
    // Friday 2026-05-22 00:00 and steps of 8 h: open are 08:00 and 16:00 of working days. Steps 4 and 5 are Saturday 08:00 and 16:00.
    let leaves = usd.leaves_at.as_ref().unwrap();
    assert_eq!(leaves.len(), 91);
    assert_eq!(leaves[..12], [1, 1, 2, 10, 10, 10, 10, 10, 10, 10, 10, 11]);
    // Friday 19 June 16:00 is the last that is open; the horizon is on Sunday.
    assert_eq!(leaves[86..], [86, 91, 91, 91, 91]);
    // The ETH account: 3,500,000 USD buy 1,000 ETH beside the 2,000 posted.
    assert_eq!(coin.settlement, SettlementCurrency::Coin { asset: 0 });
    let coins: Vec<(f64, Option<usize>)> = coin
        .coins
        .iter()
        .map(|coins| (coins.quantity_base, coins.holding))
        .collect();
    assert_eq!(coins, [(2_000.0, Some(0)), (1_000.0, None)]);
    assert_eq!(coin.collateral_usd, 0.0);
    assert_eq!(coin.margin_call.unwrap().action, CallAction::Deleverage);
    assert_eq!(
        (spare.leaves_at.as_ref(), spare.mode),
        (None, MarginMode::Isolated)
    );
    let notes = &plan.report.notes;
    let spare = "The account spare margins no hedge.";
    assert!(notes.iter().any(|note| note == spare), "{notes:?}");
}

#[test]
fn execution_and_report_arrive() {
    let plan = plan(&["execution.impact.daily_volatility=4%"]);
    assert_eq!(
        plan.stress,
        StressPlan {
            log_move: 0.05,
            multiplier: 3.0,
            liquidation_multiplier: 2.0
        }
    );
    let liquidity = LiquidityPlan {
        half_spread_frac: 0.0001,
        impact: Some(ImpactPlan {
            coefficient: 1.0,
            daily_volume_usd: 5e9,
            daily_volatility: 0.04,
        }),
    };
    assert!(
        plan.market
            .contracts
            .iter()
            .all(|contract| contract.liquidity == liquidity)
    );
    assert_eq!(plan.report.date_steps, [30, 60, 90]);
    assert!(plan.report.liquidity_at_risk);
}

#[test]
fn sales_come_from_a_file_beside_the_scenario() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sales");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("sales.csv"),
        "day, quantity\r\n20,\"1_000\"\r\n8h,5\r\n20,500\r\n30,3000\r\n",
    )
    .unwrap();
    let text = POLICIES
        .replace(
            "sell.evenly = { every = \"15d\" }",
            "sell.csv = \"sales.csv\"",
        )
        .replace("quantity = 5_000", "quantity = 5_005");
    let path = folder.join("scenario.toml");
    fs::write(&path, text).unwrap();
    let loaded = load(&path, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"));
    let sales: Vec<(u32, f64)> = plan.holdings[0]
        .sales
        .iter()
        .map(|sale| (sale.step, sale.quantity_base))
        .collect();
    assert_eq!(
        sales,
        [(1, 5.0), (60, 1_500.0)],
        "what is sold at the horizon is part of the rest"
    );
    // The scenario as run finds the file from anywhere.
    let elsewhere = parse("elsewhere/scenario.toml", &loaded.effective_toml, &[])
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(resolve(&elsewhere).unwrap(), plan);
}

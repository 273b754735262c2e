//! Properties of the slow ledger alone, on random plans and random paths.

use std::collections::BTreeMap;

use hedgesim::math::random::Streams;
use hedgesim::plan::types::{
    CoinCollateral, ContractSettlement, Crossing, Plan, SettlementCurrency,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::still::{STILL, still_plan};
use crate::common::any_plan::{Features, any_plan, money_usd, plan_of, random_path};
use crate::common::slow_book::{COMPONENTS, Draws, SlowRow, run};
use crate::common::small_plan::small_plan;

fn row(plan: &Plan, seed: u64) -> SlowRow {
    let tape = random_path(plan, seed);
    let streams = Streams::new(seed);
    let draws = Draws::Path {
        streams: &streams,
        path: seed % 1000,
    };
    run(plan, &tape, draws)
}

/// What has to happen on some paths.
const EVENTS: [&str; 13] = [
    "liquidated",
    "re-entry with",
    "sold early",
    "deleveraged",
    "top-up of",
    "returns",
    "released",
    "settled at",
    "option pays",
    "from now on",
    "trade cut",
    "re-entry cut",
    "short of",
];

/// Columns that have to move on some paths.
const COLUMNS: [&str; 8] = [
    "bankruptcy_loss_usd",
    "roll_usd",
    "options_usd",
    "collateral_revaluation_usd",
    "carry_usd",
    "cash_in_transit_usd",
    "rebalancing_cost_usd",
    "unmet_call_usd",
];

/// The parts add up, nothing is undefined, and the plans drawn do reach the paths where that is hard.
#[test]
fn the_identity_holds_on_every_path() {
    let config = Config {
        cases: 3000,
        rng_seed: RngSeed::Fixed(50),
        failure_persistence: None,
        ..Config::default()
    };
    let seen = std::cell::RefCell::new(BTreeMap::<String, u32>::new());
    TestRunner::new(config)
        .run(&(any_plan(), any::<u64>()), |(plan, seed)| {
            let row = row(&plan, seed);
            let growth = row
                .columns
                .iter()
                .filter(|(name, _)| name.starts_with("terminal_spot"))
                .zip(&plan.market.assets)
                .map(|((_, spot_usd), asset)| spot_usd / asset.spot_usd)
                .fold(1.0, f64::max);
            let error_usd = row.identity_error_usd().abs();
            prop_assert!(
                error_usd <= 1e-9 * money_usd(&plan) * growth,
                "off by {error_usd} of {}\n{:#?}\n{:#?}",
                money_usd(&plan),
                row.columns,
                row.events
            );
            for what in EVENTS {
                if row.events.iter().any(|event| event.contains(what)) {
                    *seen.borrow_mut().entry(what.to_owned()).or_default() += 1;
                }
            }
            for (name, value) in &row.columns {
                let may_be_undefined = match name.as_str() {
                    "liquidation_day" | "max_margin_ratio" => true,
                    "effective_price_usd" => plan.holdings.len() > 1,
                    _ => false,
                };
                prop_assert!(value.is_finite() || may_be_undefined, "{name} is {value}");
                if *value != 0.0 && value.is_finite() {
                    *seen.borrow_mut().entry(name.clone()).or_default() += 1;
                }
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    for name in EVENTS.iter().chain(&COLUMNS) {
        let paths = seen.get(*name).copied().unwrap_or(0);
        assert!(paths >= 20, "{name}: {paths} paths");
    }
}

/// Where nothing moves and nothing costs, every movement of money and coins only moves it: calls, top-ups from every
/// source, releases, liquidations, re-entries, rolls, switches, sales.
#[test]
fn nothing_comes_from_nothing() {
    let (mut liquidations, mut calls) = (0.0, 0.0);
    for seed in 0..5_000 {
        let plan = still_plan(seed, Features(STILL));
        let row = run(&plan, &random_path(&plan, seed), Draws::Always(1.0));
        let gained_usd = row.get("hedged_pnl_usd") - row.get("unhedged_pnl_usd");
        let fund_usd = row.get("bankruptcy_loss_usd");
        assert!(
            (gained_usd - fund_usd).abs() <= 1e-9 * money_usd(&plan),
            "plan {seed} gained {gained_usd}\n{:#?}\n{:#?}",
            row.events,
            row.columns
        );
        liquidations += row.get("liquidations");
        calls += row.get("margin_calls");
    }
    assert!(
        liquidations >= 5.0 && calls > 100.0,
        "{liquidations} {calls}"
    );
}

/// What all legs lose is never more than the money that was ever posted or could be.
#[test]
fn nobody_loses_more_to_the_venue_than_the_account_had() {
    let features = Features(Features::ALL & !(Features::COINS | Features::INVERSE));
    let mut bankruptcies = 0;
    for seed in 0..2_000 {
        let plan = plan_of(seed, features);
        let row = row(&plan, seed);
        let lost_usd: f64 = (1..=plan.hedges.len())
            .map(|h| -row.get(&format!("hedge_{h}_pnl_usd")))
            .sum();
        let sent_usd: f64 = plan
            .accounts
            .iter()
            .map(|account| account.collateral_usd + account.reserve_usd)
            .sum();
        let on_usd: f64 = plan
            .hedges
            .iter()
            .filter_map(|hedge| {
                let opened = hedge.opened?;
                Some(0.2 * opened.quantity_base * opened.price_usd)
            })
            .sum();
        let most_usd = sent_usd + on_usd + row.get("top_up_usd");
        assert!(
            lost_usd <= most_usd * (1.0 + 1e-9),
            "plan {seed}: {lost_usd} of {most_usd}"
        );
        bankruptcies += u32::from(row.get("bankruptcy_loss_usd") > 0.0);
    }
    assert!(bankruptcies > 50, "{bankruptcies}");
}

/// A whole inverse short on its own inventory, with no basis, funding and fees: a synthetic dollar on every path.
#[test]
fn an_inverse_short_on_its_inventory_is_a_dollar() {
    for seed in 0..300 {
        let mut plan = small_plan(20);
        plan.simulation.crossing = Crossing::Bridge;
        plan.market.assets[0].volatility_annual = 1.5;
        plan.market.contracts[0].settlement = ContractSettlement::Inverse;
        plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
        plan.accounts[0].collateral_usd = 0.0;
        plan.accounts[0].coins = vec![CoinCollateral {
            asset: 0,
            quantity_base: plan.holdings[0].quantity_base,
            holding: Some(0),
            haircut_frac: 0.0,
        }];
        let row = row(&plan, seed);
        assert!(row.get("hedged_pnl_usd").abs() <= 1e-9 * money_usd(&plan));
        assert!(row.get("max_drawdown_usd") <= 1e-9 * money_usd(&plan));
        assert!(row.get("liquidations") == 0.0);
    }
}

/// Without a hedge the row is the unhedged one, bit by bit.
#[test]
fn a_ratio_of_0_is_no_hedge() {
    for seed in 0..500 {
        let mut plan = plan_of(seed, Features(Features::ALL));
        for hedge in &mut plan.hedges {
            hedge.hedge_ratio = 0.0;
            hedge.opened = None;
            hedge.coverage_frac = 0.0;
        }
        let row = row(&plan, seed);
        let (hedged, unhedged) = (row.get("hedged_pnl_usd"), row.get("unhedged_pnl_usd"));
        assert_eq!(hedged.to_bits(), unhedged.to_bits());
        for name in COMPONENTS {
            assert!(row.get(name) == 0.0, "{name}");
        }
        assert!(row.get("peak_collateral_usd") == 0.0 && row.get("liquidations") == 0.0);
    }
}

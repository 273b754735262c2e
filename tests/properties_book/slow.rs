//! Properties of the slow ledger alone, on random plans and random paths.

use std::collections::BTreeMap;

use hedgesim::math::random::Streams;
use hedgesim::plan::types::Plan;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::common::any_plan::{any_plan, random_path};
use crate::common::slow_book::{Draws, SlowRow, run};

/// Money that a path is about: what is held, what is posted, and what the contracts turn over.
fn money_usd(plan: &Plan) -> f64 {
    let price = |asset: usize| plan.market.assets[asset].spot_usd;
    let held: f64 = plan
        .holdings
        .iter()
        .map(|holding| {
            let produced: f64 = holding.production.iter().map(|p| p.quantity_base).sum();
            (holding.quantity_base + produced) * price(holding.asset)
        })
        .sum();
    let posted: f64 = plan
        .accounts
        .iter()
        .map(|account| {
            let coins: f64 = account
                .coins
                .iter()
                .map(|coin| coin.quantity_base * price(coin.asset))
                .sum();
            account.collateral_usd + account.reserve_usd + coins
        })
        .sum();
    held + posted
}

fn row(plan: &Plan, seed: u64) -> SlowRow {
    let tape = random_path(plan, seed);
    let streams = Streams::new(seed);
    let draws = Draws::Path {
        streams: &streams,
        path: seed % 1000,
    };
    run(plan, &tape, draws)
}

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
            for (name, value) in &row.columns {
                let may_be_undefined = name == "liquidation_day" || name == "max_margin_ratio";
                prop_assert!(value.is_finite() || may_be_undefined, "{name} is {value}");
                if *value != 0.0 && value.is_finite() {
                    *seen.borrow_mut().entry(name.clone()).or_default() += 1;
                }
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    println!("{seen:#?}");
    for name in [
        "liquidations",
        "unmet_calls",
        "bankruptcy_loss_usd",
        "cut_trades",
        "roll_usd",
    ] {
        assert!(
            seen.get(name).is_some_and(|&paths| paths >= 50),
            "{name}: {seen:?}"
        );
    }
}

//! On plain plans the general slow ledger gives the row of the plain one.

use hedgesim::plan::types::Plan;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::common::plans::any_plan;
use crate::common::slow_book::{self, Draws, Factor, SlowRow, covariance};
use crate::common::slow_ledger::{self, SlowOutcome};
use crate::common::tapes;

fn columns(plain: &SlowOutcome) -> Vec<(&'static str, f64)> {
    vec![
        ("unhedged_pnl_usd", plain.unhedged_pnl_usd),
        ("hedged_pnl_usd", plain.hedged_pnl_usd),
        ("ideal_offset_usd", plain.ideal_offset_usd),
        ("tracking_usd", plain.tracking_usd),
        ("futures_basis_usd", plain.futures_basis_usd),
        ("funding_usd", plain.funding_usd),
        ("roll_usd", plain.roll_usd),
        ("options_usd", plain.options_usd),
        ("fees_usd", plain.fees_usd),
        ("slippage_usd", plain.slippage_usd),
        ("liquidation_usd", plain.liquidation_usd),
        ("liquidation_gap_usd", plain.liquidation_gap_usd),
        ("financing_usd", plain.financing_usd),
        (
            "collateral_revaluation_usd",
            plain.collateral_revaluation_usd,
        ),
        ("bankruptcy_loss_usd", plain.bankruptcy_loss_usd),
        ("liquidations", f64::from(plain.liquidations)),
        ("margin_calls", f64::from(plain.margin_calls)),
        ("unmet_calls", f64::from(plain.unmet_calls)),
        ("unmet_call_usd", plain.unmet_call_usd),
        ("cut_trades", f64::from(plain.cut_trades)),
        ("top_up_usd", plain.top_up_usd),
        ("peak_collateral_usd", plain.peak_collateral_usd),
        ("required_collateral_usd", plain.required_collateral_usd),
        ("min_equity_usd", plain.min_equity_usd),
        ("max_drawdown_usd", plain.max_drawdown_usd),
        ("liquidation_day", plain.liquidation_day.unwrap_or(f64::NAN)),
        (
            "max_margin_ratio",
            plain.max_margin_ratio.unwrap_or(f64::NAN),
        ),
    ]
}

fn compare(plan: &Plan, seed: u64) -> Result<SlowRow, TestCaseError> {
    let mut tape = tapes::random_walk(plan, seed);
    tape.step_variance = (0..plan.market.contracts.len())
        .map(|c| covariance(plan, 1, Factor::Mark(c), Factor::Mark(c)).max(0.0))
        .collect();
    let plain = slow_ledger::run(plan, &tape);
    let general = slow_book::run(plan, &tape, Draws::Always(1.0));
    let money_usd = plan.holdings[0].quantity_base * tape.spot_usd[plan.holdings[0].asset][0]
        + plan.accounts[0].collateral_usd;
    for (name, value) in columns(&plain) {
        let got = general.get(name);
        let scale = if name == "max_margin_ratio" {
            1e3 * value.max(1.0) * value.max(1.0)
        } else {
            money_usd
        };
        prop_assert!(
            (got - value).abs() <= 1e-9 * scale || (got.is_nan() && value.is_nan()),
            "{name}: general {got} plain {value}\n{:#?}\n{:#?}",
            general.events,
            plain.events
        );
    }
    prop_assert!(
        general.identity_error_usd().abs() <= 1e-9 * money_usd,
        "{}",
        general.identity_error_usd()
    );
    Ok(general)
}

/// Plain plans whose tape has the variance that the plan says (the general ledger works it out from the plan).
#[test]
fn a_plain_plan_has_the_row_of_the_plain_ledger() {
    let config = Config {
        cases: 1000,
        rng_seed: RngSeed::Fixed(40),
        failure_persistence: None,
        ..Config::default()
    };
    let mut liquidations = 0.0;
    TestRunner::new(config)
        .run(&(any_plan(), any::<u64>()), |(plan, seed)| {
            compare(&plan, seed).map(drop)
        })
        .unwrap();
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(41),
        ..Config::default()
    });
    for seed in 0..200 {
        let plan = any_plan().new_tree(&mut runner).unwrap().current();
        liquidations += compare(&plan, seed).unwrap().get("liquidations");
    }
    assert!(liquidations > 40.0, "plans hurt: {liquidations}");
}

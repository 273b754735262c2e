//! What holds on every plan and every market: the identity above all; and that the random plans reach every event.

use hedgesim::engine::tape::Tape;
use hedgesim::plan::types::{AfterLiquidation, Plan, Rebalance};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::common::plans::any_plan;
use crate::common::slow_ledger::run;
use crate::common::tapes;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

/// Largest notional that the holding or the hedge can have had, USD.
fn scale_usd(plan: &Plan, tape: &Tape) -> f64 {
    let largest = |prices_usd: &[f64]| prices_usd.iter().copied().fold(0.0, f64::max);
    let least = |prices_usd: &[f64]| prices_usd.iter().copied().fold(f64::INFINITY, f64::min);
    let underlying_usd = &tape.spot_usd[plan.market.contracts[0].underlying];
    let holding_usd = plan.holdings[0].quantity_base * largest(&tape.spot_usd[0]);
    let short_base = 2.0 * holding_usd / least(underlying_usd);
    holding_usd + short_base * largest(&tape.mark_usd[0])
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn the_identity_holds(plan in any_plan(), seed in any::<u64>()) {
        let tape = tapes::random_walk(&plan, seed);
        let out = run(&plan, &tape);
        let bound_usd = 1e-9 * scale_usd(&plan, &tape);
        prop_assert!(out.identity_error_usd.abs() <= bound_usd, "{} > {bound_usd}", out.identity_error_usd);
    }

    #[test]
    fn columns_agree_with_each_other(plan in any_plan(), seed in any::<u64>()) {
        let tape = tapes::random_walk(&plan, seed);
        let out = run(&plan, &tape);
        let account = &plan.accounts[0];
        prop_assert_eq!(out.liquidated, out.liquidations > 0);
        prop_assert_eq!(out.liquidated, out.liquidation_day.is_some());
        prop_assert!(out.unmet_calls <= out.margin_calls);
        prop_assert_eq!(out.unmet_calls > 0, out.unmet_call_usd > 0.0);
        prop_assert!(out.bankruptcy_loss_usd >= 0.0 && out.max_drawdown_usd >= 0.0);
        prop_assert!(out.fees_usd <= 0.0 && out.slippage_usd <= 0.0);
        prop_assert!(out.max_margin_ratio.is_some() || out.min_equity_usd <= 0.0);
        prop_assert!(out.max_margin_ratio.is_none() || out.min_equity_usd >= 0.0);
        if account.margin_call.is_none() {
            prop_assert!(out.margin_calls == 0 && out.top_up_usd.abs() <= 0.0);
        }
        if plan.cost_of_funds_annual == 0.0 {
            prop_assert!(out.financing_usd.abs() <= 0.0);
        }
        if account.after_liquidation == AfterLiquidation::StayFlat {
            prop_assert!(out.liquidations <= 1);
        }
        if !plan.hedges[0].is_absent() {
            prop_assert!(out.peak_collateral_usd >= account.collateral_usd);
            // The customer never owes more than was there: the holding alone, less account and reserve.
            let at_risk_usd = account.collateral_usd + account.reserve_usd;
            let opened_usd = plan.hedges[0].opened.map_or(0.0, |o| o.quantity_base * (o.price_usd - tape.mark_usd[0][0]));
            let floor_usd = out.unhedged_pnl_usd - at_risk_usd - opened_usd + out.financing_usd;
            prop_assert!(out.hedged_pnl_usd >= floor_usd - 1e-9 * scale_usd(&plan, &tape));
        }
    }

    #[test]
    fn more_collateral_never_liquidates_a_path_that_less_did_not(
        plan in any_plan(), seed in any::<u64>(), more in 0.0..1.0,
    ) {
        let mut plan = plan;
        plan.accounts[0].margin_call = None;
        plan.accounts[0].after_liquidation = AfterLiquidation::StayFlat;
        plan.hedges[0].rebalance = Rebalance::Never;
        let tape = tapes::random_walk(&plan, seed);
        let less = run(&plan, &tape);
        plan.accounts[0].collateral_usd *= 1.0 + more;
        let day = run(&plan, &tape).liquidation_day.unwrap_or(f64::INFINITY);
        prop_assert!(day >= less.liquidation_day.unwrap_or(f64::INFINITY));
    }

    #[test]
    fn random_plans_are_what_the_venue_accepts(plan in any_plan()) {
        let rules = &plan.market.contracts[0].rules;
        let contract = &plan.market.contracts[0];
        let underlying_usd = plan.market.assets[contract.underlying].spot_usd;
        let mark_usd = underlying_usd * contract.initial_basis().exp();
        let hedge = plan.hedges[0];
        let holding = &plan.holdings[0];
        let target_base = hedge.hedge_ratio * holding.quantity_base * plan.market.assets[0].spot_usd / underlying_usd;
        let short_base = hedge.opened.map_or(target_base, |opened| opened.quantity_base);
        let lost_usd = hedge.opened.map_or(0.0, |o| o.quantity_base * (mark_usd - o.price_usd));
        let initial_margin_usd = rules.initial_margin_usd(short_base * mark_usd);
        prop_assert!(plan.accounts[0].collateral_usd >= initial_margin_usd);
        prop_assert!(plan.accounts[0].collateral_usd - lost_usd >= initial_margin_usd);
        prop_assert!(f64::max(short_base, target_base) * mark_usd <= rules.position_cap_usd());
        for pair in rules.brackets.windows(2) {
            let here_usd = pair[0].cap_usd * pair[0].rate - pair[0].deduction_usd;
            let next_usd = pair[0].cap_usd * pair[1].rate - pair[1].deduction_usd;
            prop_assert!((here_usd - next_usd).abs() <= 1e-9 * pair[0].cap_usd);
            prop_assert_eq!(pair[0].cap_usd.to_bits(), pair[1].floor_usd.to_bits());
            prop_assert!(pair[0].rate < pair[1].rate);
        }
        let sold_base: f64 = holding.sales.iter().map(|sale| sale.quantity_base).sum();
        prop_assert!(sold_base < holding.quantity_base);
        prop_assert!(holding.sales.windows(2).all(|pair| pair[0].step < pair[1].step));
        prop_assert!(holding.sales.iter().all(|sale| sale.step >= 1 && sale.step < plan.simulation.steps));
    }
}

/// Each event has to be common enough that a comparison over a few hundred plans sees it many times.
#[test]
fn random_plans_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_plan();
    let words = [
        "liquidated",
        "arrives",
        "returns",
        "sent",
        "short of",
        "released",
        "re-entry",
        "trade cut",
        "sold",
    ];
    let mut paths_with = vec![0; words.len()];
    let (mut twice, mut bankrupt) = (0, 0);
    let plans = 1_000;
    for seed in 0..plans {
        let plan = strategy.new_tree(&mut runner).unwrap().current();
        let out = run(&plan, &tapes::random_walk(&plan, seed));
        for (count, word) in paths_with.iter_mut().zip(words) {
            *count += i32::from(out.events.iter().any(|event| event.contains(word)));
        }
        twice += i32::from(out.liquidations > 1);
        bankrupt += i32::from(out.bankruptcy_loss_usd > 0.0);
    }
    for (count, word) in paths_with.iter().zip(words) {
        println!("{word}: {count}");
        assert!(
            *count >= 15,
            "only {count} of {plans} paths had an event with the word {word}"
        );
    }
    println!("more than one liquidation: {twice}, bankruptcy: {bankrupt}");
    assert!(paths_with[0] >= 200 && twice >= 15 && bankrupt >= 15);
}

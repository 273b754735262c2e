//! Funding, sales, opened hedges, rebalancing, required collateral, drawdown: numbers worked out in the comments.
//!
//! Unless a test says else: 10 ETH at 100, short 10, collateral 200, maintenance margin 10 %, no costs.

use hedgesim::engine::tape::Tape;
use hedgesim::plan::types::{Crossing, MarginCallPlan, OpenedHedge, Plan, Rebalance, SalePlan};

use crate::common::slow_ledger::run;
use crate::common::small_plan::{small_margin_call, small_plan};
use crate::common::tapes;
use crate::{assert_identity, assert_usd};

#[test]
fn positive_funding_pays_the_short() {
    let mut plan = small_plan(2);
    plan.accounts[0].collateral_usd = 1_000.0;
    let mut tape = tapes::of_prices(&[100.0, 110.0, 120.0]);
    tape.funding_rate[0] = vec![0.0, 0.001, -0.002];
    let out = run(&plan, &tape);
    // 0.001 * 10 * 110 = +1.1; -0.002 * 10 * 120 = -2.4. The price moves cancel: +200 and -200.
    assert_usd(out.funding_usd, -1.3);
    assert_usd(out.unhedged_pnl_usd, 200.0);
    assert_usd(out.ideal_offset_usd, -200.0);
    assert_usd(out.hedged_pnl_usd, -1.3);
    assert_usd(out.effective_price_usd, 99.87);
    assert_identity(&out);
}

#[test]
fn a_short_that_sells_above_spot_earns_the_basis() {
    let mut plan = small_plan(2);
    plan.accounts[0].collateral_usd = 1_000.0;
    // Mark 103 over spot 100 converges to 110 over 110: the short loses 70, the holding makes 100.
    let out = run(
        &plan,
        &tapes::of_spots_and_marks(&[100.0, 105.0, 110.0], &[103.0, 106.0, 110.0]),
    );
    assert_usd(out.ideal_offset_usd, -100.0);
    assert_usd(out.futures_basis_usd, 30.0);
    assert_usd(out.tracking_usd, 0.0);
    assert_usd(out.hedged_pnl_usd, 30.0);
    assert_identity(&out);
}

#[test]
fn a_sale_cuts_the_short_in_proportion() {
    let mut plan = small_plan(2);
    plan.execution_slippage_frac = 0.01;
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    plan.accounts[0].collateral_usd = 1_000.0;
    plan.hedges[0].hedge_ratio = 0.5;
    plan.hedges[0].coverage_frac = 0.5;
    plan.holdings[0].sales = vec![SalePlan {
        step: 1,
        quantity_base: 4.0,
    }];
    let out = run(&plan, &tapes::of_prices(&[100.0, 110.0, 90.0]));
    // Holding: 4 * 110 * 0.99 + 6 * 90 * 0.99 - 1000 = 435.6 + 534.6 - 1000.
    assert_usd(out.unhedged_pnl_usd, -29.8);
    // Short 5 at 100; 2 bought back at 110 (-20), 3 at 90 (+30). Notionals traded 500, 220, 270.
    assert_usd(out.fees_usd, -0.99);
    assert_usd(out.slippage_usd, -9.9);
    assert_usd(out.hedged_pnl_usd, -29.8 + 10.0 - 0.99 - 9.9);
    // -0.5 * (10 * 10 + 6 * -20).
    assert_usd(out.ideal_offset_usd, 10.0);
    assert_usd(out.tracking_usd, 0.0);
    assert_usd(out.effective_price_usd, 96.931);
    assert_identity(&out);
}

fn opened_plan(steps: u32, price_usd: f64, quantity_base: f64) -> Plan {
    let mut plan = small_plan(steps);
    plan.hedges[0].opened = Some(OpenedHedge {
        price_usd,
        quantity_base,
    });
    plan
}

#[test]
fn an_opened_hedge_counts_profit_from_now_on() {
    let mut plan = opened_plan(1, 90.0, 6.0);
    plan.accounts[0].collateral_usd = 300.0;
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    let out = run(&plan, &tapes::of_prices(&[100.0, 110.0]));
    // From now: holding +100, short -6 * 10 = -60 (the 60 lost before are not counted), closing 660 costs 0.66.
    assert_usd(out.hedged_pnl_usd, 40.0 - 0.66);
    assert_usd(out.ideal_offset_usd, -100.0);
    assert_usd(out.tracking_usd, 40.0);
    assert_usd(out.fees_usd, -0.66);
    // Equity 300 + 6 * (90 - 110) = 180, maintenance 66.
    assert_usd(out.min_equity_usd, 180.0);
    assert_usd(out.max_margin_ratio.unwrap(), 66.0 / 180.0);
    // Time 0: 60 + 6 * (100 - 90) = 120. Step 1: 66 + 660 - 540 = 186.
    assert_usd(out.required_collateral_usd, 186.0);
    assert_identity(&out);
    // Falling to 95 asks for less than time 0 did.
    assert_usd(
        run(&plan, &tapes::of_prices(&[100.0, 95.0])).required_collateral_usd,
        120.0,
    );
}

#[test]
fn an_opened_hedge_trades_at_time_0_only_where_a_rule_asks() {
    let mut plan = opened_plan(1, 100.0, 6.0);
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    let tape = tapes::of_prices(&[100.0, 100.0]);
    // Closing 6 costs 0.6. Going from 6 to 10 first costs 0.4, closing 10 then 1.
    let cases = [
        (Rebalance::Never, -0.6),
        (Rebalance::Every { steps: 1 }, -1.4),
        (Rebalance::Band { width: 0.5 }, -0.6), // |0.6 - 1| = 0.4 is inside
        (Rebalance::Band { width: 0.3 }, -1.4),
    ];
    for (rebalance, fees_usd) in cases {
        plan.hedges[0].rebalance = rebalance;
        let out = run(&plan, &tape);
        assert_usd(out.fees_usd, fees_usd);
        assert_usd(out.hedged_pnl_usd, fees_usd);
    }
}

#[test]
fn an_increase_is_cut_to_what_the_account_can_margin() {
    let mut plan = opened_plan(2, 100.0, 8.0);
    plan.accounts[0].collateral_usd = 180.0;
    plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
    plan.market.contracts[0].rules.brackets[0].max_leverage = Some(5.0);
    let out = run(&plan, &tapes::of_prices(&[100.0, 90.0, 100.0]));
    // Time 0: 10 wanted, 180 * 5 / 100 = 9 allowed. Step 1: +90, 270 * 5 / 90 = 15 allowed, so 10. Step 2: -100.
    assert_eq!(out.cut_trades, 1);
    assert_usd(out.hedged_pnl_usd, -10.0);
    assert_usd(out.liquidation_gap_usd, -10.0); // (10 - 9) * (90 - 100)
    assert_identity(&out);
}

#[test]
fn a_cut_never_makes_the_short_smaller_than_it_is() {
    let mut plan = opened_plan(2, 100.0, 8.0);
    plan.accounts[0].collateral_usd = 180.0;
    plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
    plan.market.contracts[0].rules.brackets[0].max_leverage = Some(5.0);
    let out = run(&plan, &tapes::of_prices(&[100.0, 105.0, 100.0]));
    // Time 0: 9 of 10. Step 1: equity 135 could open 675 / 105 = 6.43, the 9 stay. Step 2: back where it began.
    assert_eq!(out.cut_trades, 2);
    assert_usd(out.hedged_pnl_usd, 0.0);
    assert_usd(out.min_equity_usd, 135.0);
    assert_identity(&out);
}

#[test]
fn a_reduction_realises_against_the_average_entry() {
    let mut plan = opened_plan(3, 100.0, 8.0);
    plan.accounts[0].collateral_usd = 1_000.0;
    plan.hedges[0].rebalance = Rebalance::Band { width: 0.1 };
    plan.holdings[0].sales = vec![SalePlan {
        step: 2,
        quantity_base: 5.0,
    }];
    let out = run(&plan, &tapes::of_prices(&[110.0, 120.0, 130.0, 100.0]));
    // Time 0: 8 at 100 and 2 at 110, entry 102. Step 2: 5 bought back at 130. Step 3: 5 bought back at 100.
    // From 110: short -10 * 20 + 5 * 30 = -50; holding 5 * 20 - 5 * 10 = 50.
    assert_usd(out.hedged_pnl_usd, 0.0);
    // Required: time 0 88 + 8 * 10 = 168; step 1 120 + 1200 - 1020 = 300; step 2 130 + 1300 - 1020 = 410; step 3
    // 50 + 500 - (510 - 140) = 180.
    assert_usd(out.required_collateral_usd, 410.0);
    // Equity at step ends: 1000 + 10 * (102 - 120), 1000 + 10 * (102 - 130), 860 + 5 * (102 - 100).
    assert_usd(out.min_equity_usd, 720.0);
    assert_identity(&out);
}

#[test]
fn a_cross_hedge_rebalances_to_the_value_of_the_holding() {
    let mut plan = small_plan(2);
    let mut other = plan.market.assets[0].clone();
    other.name = "BTC".to_owned();
    other.spot_usd = 50.0;
    plan.market.assets.push(other);
    plan.market.correlation = vec![1.0, 0.0, 0.0, 1.0];
    plan.market.contracts[0].underlying = 1;
    plan.accounts[0].collateral_usd = 1_000.0;
    plan.hedges[0].coverage_frac = 0.8;
    plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
    let mut tape = tapes::of_spots_and_marks(&[100.0, 120.0, 120.0], &[51.0, 41.0, 43.0]);
    tape.spot_usd.push(vec![50.0, 40.0, 44.0]);
    let out = run(&plan, &tape);
    // q = 1000 / 50 = 20, then 10 * 120 / 40 = 30. Holding +200 and 0; underlying -10, +4; mark -10, +2.
    assert_usd(out.ideal_offset_usd, -160.0);
    assert_usd(out.tracking_usd, 200.0 - 120.0 + 160.0); // -(20 * -10 + 30 * 4) + 160
    assert_usd(out.futures_basis_usd, 60.0); // -(20 * 0 + 30 * -2)
    assert_usd(out.hedged_pnl_usd, 200.0 + 200.0 - 60.0);
    assert_eq!(out.terminal_spot_usd, vec![120.0, 44.0]);
    assert_identity(&out);
}

#[test]
fn required_collateral_is_of_the_planned_short_at_the_shifted_mark() {
    let mut plan = small_plan(2);
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    plan.accounts[0].collateral_usd = 1_000.0;
    let mut tape: Tape = tapes::of_prices(&[100.0, 110.0, 100.0]);
    tape.funding_rate[0][1] = 0.001;
    tape.step_variance = vec![0.01];
    // Endpoints: 1.1 * 1100 - (1000 + 1.1 of funding - 1 of fees) = 209.9.
    assert_usd(run(&plan, &tape).required_collateral_usd, 209.9);
    // Bridge: the mark is shifted by exp(0.5825971579 * 0.1) = 1.059990256: 1.1 * 1165.989... - 1000.1.
    plan.simulation.crossing = Crossing::Bridge;
    let shifted_usd = 1_100.0 * 1.059_990_256;
    assert_usd(
        run(&plan, &tape).required_collateral_usd,
        1.1 * shifted_usd - 1_000.1,
    );
    // An account that is liquidated at once needs the same: the plan is not.
    plan.accounts[0].collateral_usd = 110.0;
    let out = run(&plan, &tape);
    assert_eq!(out.liquidations, 1);
    assert_usd(out.required_collateral_usd, 1.1 * shifted_usd - 1_000.1);
}

#[test]
fn required_collateral_is_at_least_the_initial_margin() {
    let mut plan = small_plan(1);
    plan.accounts[0].collateral_usd = 500.0;
    plan.market.contracts[0].rules.brackets[0].max_leverage = Some(4.0);
    assert_usd(
        run(&plan, &tapes::of_prices(&[100.0, 80.0])).required_collateral_usd,
        250.0,
    );
}

#[test]
fn drawdown_is_seen_at_watching_moments_only() {
    let mut plan = small_plan(4);
    plan.hedges[0].hedge_ratio = 0.5;
    plan.hedges[0].coverage_frac = 0.5;
    plan.accounts[0].collateral_usd = 1_000.0;
    let tape = tapes::of_prices(&[100.0, 90.0, 120.0, 100.0, 110.0]);
    // Hedged wealth is half the holding's: -50, +100, 0, +50. From the peak of 100 to 0; time 0 is not looked at.
    assert_usd(run(&plan, &tape).max_drawdown_usd, 100.0);
    // Every second step: +100, +50.
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        every_steps: 2,
        ..small_margin_call(0)
    });
    assert_usd(run(&plan, &tape).max_drawdown_usd, 50.0);
    // Selling at the horizon costs 0.1 of 1100 and closing the hedge 0.1 of 550; opening was before the first look.
    plan.execution_slippage_frac = 0.1;
    assert_usd(run(&plan, &tape).max_drawdown_usd, 50.0 + 110.0 + 55.0);
}

#[test]
fn without_a_hedge_there_is_only_the_holding() {
    let mut plan = small_plan(4);
    plan.hedges[0].hedge_ratio = 0.0;
    plan.hedges[0].coverage_frac = 0.0;
    plan.cost_of_funds_annual = 0.5;
    plan.execution_slippage_frac = 0.01;
    plan.holdings[0].sales = vec![SalePlan {
        step: 2,
        quantity_base: 4.0,
    }];
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 90.0, 120.0, 100.0, 110.0]),
    );
    // 4 * 120 * 0.99 + 6 * 110 * 0.99 - 1000.
    assert_usd(out.unhedged_pnl_usd, 475.2 + 653.4 - 1_000.0);
    assert_eq!(out.hedged_pnl_usd.to_bits(), out.unhedged_pnl_usd.to_bits());
    // Wealth 900, 475.2 + 720, 475.2 + 600, 475.2 + 653.4.
    assert_usd(out.max_drawdown_usd, 120.0);
    assert_usd(out.effective_price_usd, 112.86);
    for column in [
        out.financing_usd,
        out.peak_collateral_usd,
        out.required_collateral_usd,
        out.min_equity_usd,
    ] {
        assert_eq!(column.to_bits(), 0);
    }
    assert_eq!(out.max_margin_ratio, Some(0.0));
}

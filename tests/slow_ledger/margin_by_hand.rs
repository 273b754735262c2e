//! Calls, top-ups, releases, re-entry, the horizon: numbers worked out in the comments.
//!
//! Unless a test says else: 10 ETH at 100, short 10, collateral 200, maintenance margin 10 %, no costs. So equity is
//! `200 + 10 (100 - F)`, maintenance `F`, and the account is liquidated from 1200 / 11 = 109.09 on. Call at half,
//! top-up to a quarter.

use hedgesim::plan::types::{AfterLiquidation, MarginCallPlan, OpenedHedge};

use crate::common::slow_ledger::run;
use crate::common::small_plan::{small_margin_call, small_plan};
use crate::common::tapes;
use crate::{assert_identity, assert_usd};

#[test]
fn a_top_up_that_arrives_too_late_comes_back() {
    let mut plan = small_plan(3);
    plan.cost_of_funds_annual = 0.365; // 0.001 a day
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].margin_call = Some(small_margin_call(1));
    let tape = tapes::of_prices(&[100.0, 105.0, 115.0, 105.0]);
    let out = run(&plan, &tape);
    // Step 1: equity 150, ratio 0.7: asks 105 / 0.25 - 150 = 270, sent. Step 2: equity 50 < 115: liquidated before
    // the 270 arrive; 50 return, 270 return. Step 3: the planned short would have lost -10 * -10.
    assert_eq!(
        (out.margin_calls, out.unmet_calls, out.liquidations),
        (1, 0, 1)
    );
    assert_eq!(out.liquidation_day, Some(2.0));
    assert_usd(out.top_up_usd, 270.0);
    assert_usd(out.peak_collateral_usd, 200.0);
    assert_usd(out.liquidation_gap_usd, -100.0);
    assert_usd(out.liquidation_usd, 0.0);
    // Contributed during the steps: 200, 470, 470 - 50 - 270.
    assert_usd(out.financing_usd, -0.82);
    assert_usd(out.hedged_pnl_usd, 50.0 - 150.0 - 0.82);
    assert_usd(out.min_equity_usd, 50.0);
    assert_usd(out.max_margin_ratio.unwrap(), 115.0 / 50.0);
    assert_identity(&out);

    // With no delay the same money saves the hedge: equity 420 after step 1, 320 at 115, ratio 0.36.
    plan.accounts[0].margin_call = Some(small_margin_call(0));
    let out = run(&plan, &tape);
    assert_eq!(
        (out.margin_calls, out.liquidations, out.liquidation_day),
        (1, 0, None)
    );
    assert_usd(out.peak_collateral_usd, 470.0);
    assert_usd(out.financing_usd, -0.2 - 0.47 - 0.47);
    assert_usd(out.hedged_pnl_usd, -1.14);
    assert_usd(out.min_equity_usd, 320.0);
    assert_identity(&out);
}

#[test]
fn a_transfer_in_flight_comes_back_also_when_there_is_a_new_hedge() {
    let mut plan = small_plan(5);
    plan.accounts[0].reserve_usd = 400.0;
    plan.accounts[0].margin_call = Some(small_margin_call(3));
    plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 1 };
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 115.0, 116.0, 116.0, 116.0]),
    );
    // Step 1: 270 sent (130 left). Step 2: liquidated, 50 back (180). Step 3: re-entry at 116 with 180, margin 116,
    // so all 10. Step 4: the 270 were meant for the old hedge and are in the reserve again; the ratio of 116 / 180 calls
    // for 116 / 0.25 - 180 = 284 and gets the 270, under way at the horizon. The short missed 10 * (116 - 115).
    assert_eq!(
        (out.liquidations, out.cut_trades, out.margin_calls),
        (1, 0, 2)
    );
    assert_eq!(out.unmet_calls, 1);
    assert_usd(out.unmet_call_usd, 14.0);
    assert_usd(out.top_up_usd, 270.0 + 270.0);
    assert_usd(out.peak_collateral_usd, 200.0 - 50.0 + 180.0);
    assert_usd(out.liquidation_gap_usd, 10.0);
    assert_usd(out.hedged_pnl_usd, 10.0);
    assert_identity(&out);
}

#[test]
fn a_call_counts_again_only_after_the_ratio_was_below_or_money_arrived() {
    let mut plan = small_plan(6);
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        target: 0.5,
        ..small_margin_call(4)
    });
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 106.0, 99.0, 105.0, 106.0, 106.0]),
    );
    // Step 1: ratio 0.7, call 1, 210 - 150 = 60 sent, due at step 5. Step 2: 0.76, not counted. Step 3: 99 / 210 is
    // below. Step 4: above again, but no call while 60 are under way. Step 5: 60 arrive, equity 200, ratio 0.53: call 2
    // asks 212 - 200 = 12, still under way at the horizon, where it is wealth.
    assert_eq!((out.margin_calls, out.unmet_calls), (2, 0));
    assert_usd(out.top_up_usd, 72.0);
    assert_usd(out.peak_collateral_usd, 260.0);
    assert_usd(out.hedged_pnl_usd, 0.0);
    assert_identity(&out);
}

#[test]
fn calls_are_made_at_watching_moments_only() {
    let mut plan = small_plan(4);
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        every_steps: 3,
        ..small_margin_call(0)
    });
    // At 105 in steps 1 and 2 nobody looks; in step 3 the ratio is 100 / 200, at the level.
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 105.0, 100.0, 105.0]),
    );
    assert_eq!(out.margin_calls, 1);
    assert_usd(out.top_up_usd, 200.0);
    // The horizon makes no calls.
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 105.0, 99.0, 105.0]),
    );
    assert_eq!(out.margin_calls, 0);
}

#[test]
fn the_shortfall_of_counted_calls_is_summed() {
    let mut plan = small_plan(6);
    plan.accounts[0].reserve_usd = 100.0;
    plan.accounts[0].margin_call = Some(small_margin_call(0));
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 110.0, 110.0, 105.0, 110.0, 110.0]),
    );
    // Step 1: asks 270, paid 100, short of 170. Step 2: equity 200, ratio 0.55, counted since money arrived: asks
    // 440 - 200 = 240, paid 0. Step 3: the same, not counted. Step 4: 105 / 250 is below. Step 5: 240 again.
    assert_eq!((out.margin_calls, out.unmet_calls), (3, 3));
    assert_usd(out.unmet_call_usd, 170.0 + 240.0 + 240.0);
    assert_usd(out.top_up_usd, 100.0);
    assert_eq!(out.liquidations, 0);
    assert_identity(&out);
}

#[test]
fn excess_is_released_down_to_the_level_or_the_initial_margin() {
    let mut plan = small_plan(3);
    plan.cost_of_funds_annual = 0.365;
    plan.accounts[0].collateral_usd = 300.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        release: Some(0.25),
        ..small_margin_call(0)
    });
    let tape = tapes::of_prices(&[100.0, 90.0, 90.0, 90.0]);
    // Step 1: equity 400, ratio 90 / 400 < 0.25; kept 90 / 0.25 = 360 (initial margin 900 / leverage). 40 released.
    let cases = [(5.0, 40.0), (2.4, 25.0), (2.0, 0.0)]; // initial margin 180, 375, 450
    for (leverage, released_usd) in cases {
        plan.market.contracts[0].rules.brackets[0].max_leverage = Some(leverage);
        let out = run(&plan, &tape);
        assert_usd(out.min_equity_usd, 400.0 - released_usd);
        assert_usd(
            out.financing_usd,
            -0.3 - 2.0 * (0.3 - released_usd / 1_000.0),
        );
        assert_usd(out.peak_collateral_usd, 300.0);
        assert_usd(out.hedged_pnl_usd, out.financing_usd);
        assert_identity(&out);
    }
}

#[test]
fn re_entry_takes_the_whole_reserve_and_is_cut_to_it() {
    let mut plan = small_plan(3);
    plan.accounts[0].reserve_usd = 150.0;
    plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 1 };
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    plan.market.contracts[0].rules.brackets[0].max_leverage = Some(5.0);
    let out = run(&plan, &tapes::of_prices(&[100.0, 115.0, 110.0, 100.0]));
    // Opening costs 1. Step 1: equity 49, liquidated, 49 back: reserve 199. Step 2: 199 * 5 = 995 of notional at 110,
    // q = 9.04545, fee 0.995. Step 3: closed at 100, fee 0.904545.
    assert_eq!((out.liquidations, out.cut_trades), (1, 1));
    assert_usd(out.fees_usd, -1.0 - 0.995 - 0.904_545_454_5);
    // Step 2: 10 * -5; step 3: (10 - 9.04545) * -10.
    assert_usd(out.liquidation_gap_usd, -50.0 - 9.545_454_545_5);
    assert_usd(out.hedged_pnl_usd, -62.445);
    assert_usd(out.peak_collateral_usd, 200.0 - 49.0 + 199.0);
    assert_usd(out.top_up_usd, 0.0);
    assert_identity(&out);

    // At the horizon nothing is re-entered: the same two steps alone end flat.
    plan.simulation.steps = 2;
    let out = run(&plan, &tapes::of_prices(&[100.0, 115.0, 110.0]));
    assert_eq!(out.cut_trades, 0);
    assert_usd(out.hedged_pnl_usd, 100.0 - 151.0);
}

#[test]
fn re_entry_waits_for_money() {
    let mut plan = small_plan(4);
    plan.accounts[0].reserve_usd = 270.0;
    plan.accounts[0].margin_call = Some(small_margin_call(2));
    plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 0 };
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.1;
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 115.0, 120.0, 125.0]),
    );
    // Step 1: all 270 sent. Step 2: equity 50, fee 115: nothing left, the fund bears 65; no reserve, no re-entry.
    // Step 3: the 270 return and go in at 120, where all 10 need 120. Step 4: equity 220 at the horizon.
    assert_usd(out.bankruptcy_loss_usd, 65.0);
    assert_usd(out.liquidation_usd, -50.0);
    assert_usd(out.liquidation_gap_usd, 50.0);
    assert_usd(out.min_equity_usd, 50.0);
    assert_usd(out.peak_collateral_usd, 470.0);
    assert_usd(out.hedged_pnl_usd, 250.0 - 200.0 - 50.0);
    assert_identity(&out);
}

#[test]
fn a_liquidation_by_funding_is_at_the_end_price() {
    let mut plan = small_plan(2);
    let mut tape = tapes::of_prices(&[100.0, 108.0, 100.0]);
    tape.funding_rate[0][1] = -0.02;
    // Step 1: equity 120 against 108; then funding of -21.6 leaves 98.4, under 108. Filled at 108.
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.01;
    let out = run(&plan, &tape);
    assert_eq!(out.liquidation_day, Some(1.0));
    assert_usd(out.funding_usd, -21.6);
    assert_usd(out.liquidation_usd, -10.8);
    assert_usd(out.liquidation_gap_usd, -80.0);
    assert_usd(out.hedged_pnl_usd, -80.0 - 21.6 - 10.8);
    assert_usd(out.min_equity_usd, 98.4);
    assert_identity(&out);
}

#[test]
fn what_closing_at_the_horizon_costs_beyond_the_account_is_not_owed() {
    let mut plan = small_plan(1);
    plan.hedges[0].opened = Some(OpenedHedge {
        price_usd: 100.0,
        quantity_base: 10.0,
    });
    plan.market.contracts[0].rules.taker_fee_frac = 0.2;
    let out = run(&plan, &tapes::of_prices(&[100.0, 109.0]));
    // Equity 110 against 109: not liquidated. Closing 1090 costs 218: 108 are missing.
    assert_eq!(out.liquidations, 0);
    assert_usd(out.bankruptcy_loss_usd, 108.0);
    assert_usd(out.liquidation_usd, 108.0);
    assert_usd(out.fees_usd, -218.0);
    assert_usd(out.hedged_pnl_usd, 90.0 - 200.0);
    assert_identity(&out);
}

#[test]
fn the_horizon_neither_calls_nor_releases() {
    let mut plan = small_plan(1);
    plan.cost_of_funds_annual = 0.365;
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        release: Some(0.2),
        ..small_margin_call(0)
    });
    // Ratio 0.7 is over the call level, 60 / 600 under the release level.
    let out = run(&plan, &tapes::of_prices(&[100.0, 105.0]));
    assert_eq!(out.margin_calls, 0);
    assert_usd(out.top_up_usd, 0.0);
    assert_usd(
        run(&plan, &tapes::of_prices(&[100.0, 60.0])).min_equity_usd,
        600.0,
    );
}

#[test]
fn nothing_is_released_while_money_is_under_way() {
    let mut plan = small_plan(5);
    plan.cost_of_funds_annual = 0.365;
    plan.accounts[0].reserve_usd = 270.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        release: Some(0.2),
        ..small_margin_call(3)
    });
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 60.0, 60.0, 60.0, 60.0]),
    );
    // Step 1: 270 sent. Steps 2 and 3: 60 / 600 is under the release level, but 270 are under way. Step 4: they
    // arrive, equity 870, kept 60 / 0.2: 570 released, more than was contributed.
    assert_usd(out.financing_usd, -0.001 * (200.0 + 3.0 * 470.0 - 100.0));
    assert_usd(out.peak_collateral_usd, 470.0);
    assert_usd(out.hedged_pnl_usd, -1.51);
    assert_identity(&out);
}

#[test]
fn what_was_released_is_not_posted_any_more() {
    let mut plan = small_plan(3);
    plan.accounts[0].collateral_usd = 300.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        release: Some(0.25),
        ..small_margin_call(0)
    });
    let out = run(&plan, &tapes::of_prices(&[100.0, 90.0, 110.0, 110.0]));
    // Step 1: 400 - 90 / 0.25 = 40 released, 260 posted. Step 2: equity 160, asks 440 - 160 = 280, paid the 40.
    assert_usd(out.top_up_usd, 40.0);
    assert_usd(out.unmet_call_usd, 240.0);
    assert_usd(out.peak_collateral_usd, 300.0);
    assert_identity(&out);
}

#[test]
fn after_re_entry_the_first_call_counts() {
    let mut plan = small_plan(4);
    plan.accounts[0].margin_call = Some(small_margin_call(0));
    plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 0 };
    let out = run(
        &plan,
        &tapes::of_prices(&[100.0, 105.0, 112.0, 106.0, 106.0]),
    );
    // Step 1: call 1, asks 270, nothing there. Step 2: liquidated, 80 back, re-entry in the same step with
    // 80 / (0.1 * 112) = 7.142857. Step 3: equity 80 + 7.142857 * 6 = 122.857, maintenance 75.714, ratio 0.62: call 2
    // asks 302.857 - 122.857 = 180.
    assert_eq!(
        (out.margin_calls, out.unmet_calls, out.cut_trades),
        (2, 2, 1)
    );
    assert_usd(out.unmet_call_usd, 270.0 + 180.0);
    // The planned short would have won 2.857143 * 6 more.
    assert_usd(out.liquidation_gap_usd, -17.142_857_142_9);
    assert_identity(&out);
}

//! Where margin comes from: loans, early sales, closed windows, deleveraging; production and staking.

use hedgesim::plan::types::{
    CallAction, FundingSource, MarginCallPlan, Plan, ProductionPlan, SalePlan,
};

use crate::common::small_plan::{small_margin_call, small_plan};
use crate::{assert_column, run_spots};

/// 10 ETH short at 100 with 200; at 106 equity is 140 and maintenance 106: 4 * 106 - 140 = 284 are asked for.
fn called(steps: u32, sources: Vec<FundingSource>) -> Plan {
    let mut plan = small_plan(steps);
    plan.accounts[0].margin_call = Some(small_margin_call(0));
    plan.accounts[0].sources = sources;
    plan
}

#[test]
fn a_credit_line_costs_interest_from_the_moment_it_is_drawn() {
    let mut plan = called(
        3,
        vec![
            FundingSource::Reserve,
            FundingSource::CreditLine {
                limit_usd: 150.0,
                rate_annual: 0.365,
            },
        ],
    );
    plan.accounts[0].reserve_usd = 100.0;
    let row = run_spots(&plan, &[100.0, 106.0, 106.0, 106.0]);
    // 100 from the reserve, 150 lent: 34 short, and 1 e-3 of 150 a day for two days. After that the ratio is 106 / 390.
    assert_column(&row, "top_up_usd", 250.0);
    assert_column(&row, "unmet_call_usd", 34.0);
    assert_column(&row, "financing_usd", -0.3);
    assert_column(&row, "hedged_pnl_usd", -0.3);
    assert_column(&row, "margin_calls", 1.0);
}

#[test]
fn a_release_repays_the_loan_first() {
    let mut plan = called(
        3,
        vec![FundingSource::CreditLine {
            limit_usd: 1_000.0,
            rate_annual: 0.365,
        }],
    );
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        release: Some(0.2),
        ..small_margin_call(0)
    });
    let row = run_spots(&plan, &[100.0, 106.0, 80.0, 80.0]);
    // 284 for a day; at 80 equity 684, maintenance 80: 684 - 400 = 284 go back and repay all of it.
    assert_column(&row, "financing_usd", -0.284);
    assert_column(&row, "hedged_pnl_usd", -0.284);
}

#[test]
fn inventory_sold_early_costs_and_is_missed() {
    let plan = called(
        2,
        vec![FundingSource::Inventory {
            holding: 0,
            cost_frac: 0.01,
        }],
    );
    let row = run_spots(&plan, &[100.0, 106.0, 116.0]);
    // 284 / (106 * 0.99) = 2.706308 coins at 106, which miss 10 USD each.
    let sold = 284.0 / (106.0 * 0.99);
    assert_column(&row, "top_up_usd", 284.0);
    assert_column(&row, "financing_usd", -0.01 * 106.0 * sold - 10.0 * sold);
    assert_column(&row, "unhedged_pnl_usd", 160.0);
    assert_column(&row, "ideal_offset_usd", -160.0);
}

/// Of 10 coins 2.68 are sold early; the plan sells 9 at the next step: what is missing of them was sold early.
#[test]
fn the_plan_sells_what_is_at_hand_first() {
    let mut plan = called(
        3,
        vec![FundingSource::Inventory {
            holding: 0,
            cost_frac: 0.0,
        }],
    );
    plan.holdings[0].sales = vec![SalePlan {
        step: 2,
        quantity_base: 9.0,
    }];
    let row = run_spots(&plan, &[100.0, 106.0, 106.0, 116.0]);
    // One coin is left in the plan and none in truth.
    assert_column(&row, "financing_usd", -10.0);
    assert_column(&row, "unhedged_pnl_usd", 9.0 * 106.0 + 116.0 - 1_000.0);
}

#[test]
fn closed_windows_make_money_wait() {
    let mut plan = called(4, vec![FundingSource::Reserve]);
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].leaves_at = Some(vec![0, 3, 3, 3, 4]);
    plan.report.liquidity_at_risk = true;
    let row = run_spots(&plan, &[100.0, 106.0, 108.5, 106.0, 106.0]);
    // Asked for at step 1, there at step 3: at 108.5 equity 115 is over maintenance 108.5.
    assert_column(&row, "top_up_usd", 284.0);
    assert_column(&row, "cash_in_transit_usd", 284.0);
    assert_column(&row, "liquidations", 0.0);
    let row = run_spots(&plan, &[100.0, 106.0, 112.0, 106.0, 106.0]);
    assert_column(&row, "liquidations", 1.0);
}

#[test]
fn a_small_top_up_is_made_larger() {
    let mut plan = called(2, vec![FundingSource::Reserve]);
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        minimum_transfer_usd: 500.0,
        ..small_margin_call(0)
    });
    let row = run_spots(&plan, &[100.0, 106.0, 106.0]);
    assert_column(&row, "top_up_usd", 500.0);
}

#[test]
fn deleveraging_cuts_to_the_target_and_leaves_a_gap() {
    let mut plan = called(2, vec![FundingSource::Reserve]);
    plan.accounts[0].margin_call = Some(MarginCallPlan {
        action: CallAction::Deleverage,
        ..small_margin_call(0)
    });
    let row = run_spots(&plan, &[100.0, 106.0, 96.0]);
    // Maintenance 0.1 q 106 is a quarter of 140 at q = 3.3018868; the planned 10 would have made 100, these 33.018868.
    assert_column(&row, "liquidation_gap_usd", 33.018_867_9 - 100.0);
    assert_column(&row, "margin_calls", 1.0);
    assert_column(&row, "unmet_calls", 0.0);
    assert_column(&row, "hedged_pnl_usd", -66.981_132_1);

    // With costs of 1 % the cut pays for itself out of equity: 10.6 k = (140 - 0.01 * 1060 (1 - k)) / 4.
    plan.execution_slippage_frac = 0.01;
    let row = run_spots(&plan, &[100.0, 106.0, 106.0]);
    // Equity is 130 after the entry's cost.
    let kept = (130.0 - 10.6) / 4.0 / (106.0 - 10.6 / 4.0);
    assert_column(&row, "rebalancing_cost_usd", 10.6 * (1.0 - kept));
}

#[test]
fn production_is_held_or_sold_and_costs_in_both() {
    let mut plan = small_plan(2);
    plan.holdings[0].production = vec![
        ProductionPlan {
            step: 1,
            quantity_base: 2.0,
            cost_usd: 50.0,
        },
        ProductionPlan {
            step: 2,
            quantity_base: 1.0,
            cost_usd: 25.0,
        },
    ];
    plan.accounts[0].collateral_usd = 1_000.0;
    let row = run_spots(&plan, &[100.0, 110.0, 120.0]);
    // 13 * 120 - 75 - 1000. The hedge is 10, then 12.
    assert_column(&row, "unhedged_pnl_usd", 485.0);
    assert_column(&row, "hedged_pnl_usd", 485.0 - 100.0 - 120.0);
    // 485 - 220 + 1000 + 75, for 13 units.
    assert_column(&row, "effective_price_usd", 1_340.0 / 13.0);
}

#[test]
fn staking_grows_the_inventory_and_not_the_hedge() {
    let mut plan = small_plan(2);
    // 1 % a day.
    plan.holdings[0].staking_yield_annual = 1.01_f64.powi(365) - 1.0;
    plan.accounts[0].collateral_usd = 1_000.0;
    let row = run_spots(&plan, &[100.0, 100.0, 120.0]);
    assert_column(&row, "unhedged_pnl_usd", 10.0 * 1.0201 * 120.0 - 1_000.0);
    assert_column(&row, "ideal_offset_usd", -10.1 * 20.0);
    assert_column(&row, "tracking_usd", 2.0);
}

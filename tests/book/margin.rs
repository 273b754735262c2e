//! Cross margin, haircuts, long legs and the funding of the margin by hand.

use hedgesim::outcome::column::{Column, Extra};
use hedgesim::plan::types::{
    AfterLiquidation, CallAction, CoinCollateral, FundingSource, HedgePlan, MarginMode, Plan,
    Position,
};

use crate::common::small_plan::{small_margin_call, small_plan};
use crate::fixed::{FixedPath, near, run};

fn posted(plan: &mut Plan, quantity_base: f64, holding: Option<usize>, haircut_frac: f64) {
    plan.accounts[0].coins = vec![CoinCollateral {
        asset: 0,
        quantity_base,
        holding,
        haircut_frac,
    }];
}

/// A short of one coin at 100 with 10 USD and half a coin at a haircut of a tenth is liquidated at 198.198198198.
#[test]
fn a_haircut_moves_the_liquidation_price() {
    for (spot, liquidations) in [(198.198_198, 0.0), (198.198_199, 1.0)] {
        let mut plan = small_plan(1);
        plan.holdings[0].quantity_base = 1.0;
        plan.market.contracts[0].rules.brackets[0].rate = 0.005;
        plan.accounts[0].collateral_usd = 10.0;
        posted(&mut plan, 0.5, None, 0.1);
        let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, spot]));
        near(
            "liquidations",
            row.of(Column::Liquidations),
            liquidations,
            0.0,
        );
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
    // With 1.1 coins at 95 %, never.
    let mut plan = small_plan(2);
    plan.holdings[0].quantity_base = 1.0;
    plan.market.contracts[0].rules.brackets[0].rate = 0.01;
    plan.accounts[0].collateral_usd = 10.0;
    posted(&mut plan, 1.1, None, 0.05);
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 1e4, 1e6]));
    near("liquidations", row.of(Column::Liquidations), 0.0, 0.0);
}

/// A long leg of a liability is liquidated at `(1 - 1/L) / (1 - mm)`.
#[test]
fn a_long_is_liquidated_from_above() {
    let level = 100.0 * 0.804_020_100_50;
    for (spot, liquidations) in [(level + 1e-6, 0.0), (level - 1e-6, 1.0)] {
        let mut plan = small_plan(1);
        plan.hedges[0].position = Position::Long;
        plan.market.contracts[0].rules.brackets[0].rate = 0.005;
        let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, spot]));
        near(
            "liquidations",
            row.of(Column::Liquidations),
            liquidations,
            0.0,
        );
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
}

/// The holding's coins pay the loss of a USD account after its cash and the bought ones.
#[test]
fn coins_pay_after_cash() {
    let mut plan = small_plan(2);
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.01;
    posted(&mut plan, 4.0, Some(0), 0.5);
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 150.0, 120.0]));
    near("liquidations", row.of(Column::Liquidations), 1.0, 0.0);
    // 200 - 500 - 15 of fee: 315 USD out of coins at 150, 2.1 of them.
    near("liquidation", row.of(Column::Liquidation), -15.0, 1e-9);
    let hedged = (10.0 - 2.1) * 120.0 - 200.0 - 1000.0;
    near("hedged", row.of(Column::HedgedPnl), hedged, 1e-9);
    // The lost coins no longer fall with the others.
    near(
        "revaluation",
        row.extra(Extra::CollateralRevaluation),
        2.1 * 30.0,
        1e-9,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// A long and a short of the same contract in one account cancel; apart each is liquidated.
#[test]
fn a_cross_account_nets_its_legs() {
    let mut plan = small_plan(3);
    let short = plan.hedges[0];
    plan.hedges.push(HedgePlan {
        position: Position::Long,
        coverage_frac: 0.0,
        ..short
    });
    plan.accounts[0].mode = MarginMode::Cross;
    plan.accounts[0].collateral_usd = 1000.0;
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 300.0, 20.0, 100.0]),
    );
    near("liquidations", row.of(Column::Liquidations), 0.0, 0.0);
    near("hedged", row.of(Column::HedgedPnl), 0.0, 1e-9);
    near("first", row.extra(Extra::HedgePnl(0)), 0.0, 1e-9);
    // Maintenance of both legs: 20 x 300 x 10 %.
    near("ratio", row.of(Column::MaxMarginRatio), 0.6, 1e-12);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

fn called_plan(steps: u32, sources: Vec<FundingSource>) -> Plan {
    let mut plan = small_plan(steps);
    plan.accounts[0].margin_call = Some(small_margin_call(0));
    plan.accounts[0].sources = sources;
    plan
}

/// 200 USD less 80 at 108: 120, maintenance 108. The target asks for 108 / 0.25 - 120 = 312.
#[test]
fn sources_pay_in_their_order() {
    let sources = vec![
        FundingSource::Reserve,
        FundingSource::CreditLine {
            limit_usd: 100.0,
            rate_annual: 0.365,
        },
        FundingSource::Inventory {
            holding: 0,
            cost_frac: 0.01,
        },
    ];
    let mut plan = called_plan(3, sources);
    plan.accounts[0].reserve_usd = 50.0;
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 108.0, 110.0, 120.0]),
    );
    near("calls", row.of(Column::MarginCalls), 1.0, 0.0);
    near("top-up", row.of(Column::TopUp), 312.0, 1e-9);
    near("unmet", row.of(Column::UnmetCalls), 0.0, 0.0);
    // 162 of inventory: 162 / (0.99 x 108) coins, and two days of interest on 100.
    let sold = 162.0 / (0.99 * 108.0);
    let financing = -sold * 108.0 * 0.01 - sold * 12.0 - 100.0 * 0.001 * 2.0;
    near("financing", row.of(Column::Financing), financing, 1e-9);
    near("hedged", row.of(Column::HedgedPnl), financing, 1e-9);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// What comes back repays the credit line first.
#[test]
fn released_money_repays_the_credit_line() {
    let sources = vec![FundingSource::CreditLine {
        limit_usd: 1000.0,
        rate_annual: 0.365,
    }];
    let mut plan = called_plan(4, sources);
    if let Some(call) = &mut plan.accounts[0].margin_call {
        call.release = Some(0.1);
    }
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 108.0, 80.0, 80.0, 80.0]),
    );
    // At 80: 200 + 312 + 200 = 712 of equity, 80 of maintenance: nothing over 800 to release.
    near(
        "no release",
        row.of(Column::Financing),
        -312.0 * 0.003,
        1e-9,
    );
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 108.0, 50.0, 50.0, 50.0]),
    );
    // At 50: 1012 of equity, 50 of maintenance: 512 are released, 312 of them repay.
    near("release", row.of(Column::Financing), -312.0 * 0.001, 1e-9);
    near("identity", row.residual_usd(), 0.0, 1e-9);
    near("hedged", row.of(Column::HedgedPnl), -0.312, 1e-9);
}

#[test]
fn a_small_top_up_asks_for_the_minimum() {
    let mut plan = called_plan(1, vec![FundingSource::Reserve]);
    plan.accounts[0].reserve_usd = 1000.0;
    plan.simulation.steps = 2;
    plan.simulation.horizon_days = 2.0;
    if let Some(call) = &mut plan.accounts[0].margin_call {
        call.minimum_transfer_usd = 500.0;
    }
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 108.0, 108.0]));
    near("top-up", row.of(Column::TopUp), 500.0, 0.0);
}

/// Money asked for at a closed moment leaves, and arrives, later.
#[test]
fn transfers_wait_for_an_open_window() {
    let mut plan = called_plan(5, vec![FundingSource::Reserve]);
    plan.accounts[0].reserve_usd = 1000.0;
    plan.report.liquidity_at_risk = true;
    plan.accounts[0].leaves_at = Some(vec![0, 3, 3, 3, 4, 5]);
    plan.market.contracts[0].rules.brackets[0].rate = 0.09;
    if let Some(call) = &mut plan.accounts[0].margin_call {
        call.delay_steps = 1;
    }
    let path = FixedPath::of_spots(&plan, &[100.0, 109.0, 110.0, 109.0, 108.0, 100.0]);
    let row = run(&plan, &path);
    // Asked for at step 1, it arrives at step 4: until then no second call.
    near("calls", row.of(Column::MarginCalls), 1.0, 0.0);
    let asked = 98.1 / 0.25 - 110.0;
    near("top-up", row.of(Column::TopUp), asked, 1e-9);
    near("in transit", row.extra(Extra::CashInTransit), asked, 1e-9);
    near("peak", row.of(Column::PeakCollateral), 200.0 + asked, 1e-9);
    near("hedged", row.of(Column::HedgedPnl), 0.0, 1e-9);
    // The requirement rose most on the first day, from the initial margin at time 0.
    near(
        "call",
        row.extra(Extra::LargestCall24h),
        98.1 + 90.0 - 90.0,
        1e-9,
    );
}

/// Cutting the position instead: at 108 the ratio goes from 0.9 to 0.25 with `q' = 0.25 x 120 / 10.8`.
#[test]
fn deleveraging_cuts_instead_of_topping_up() {
    let mut plan = called_plan(2, vec![FundingSource::Reserve]);
    plan.accounts[0].reserve_usd = 1000.0;
    if let Some(call) = &mut plan.accounts[0].margin_call {
        call.action = CallAction::Deleverage;
    }
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 108.0, 128.0]));
    let kept = 0.25 * 120.0 / 10.8;
    near("calls", row.of(Column::MarginCalls), 1.0, 0.0);
    near("top-up", row.of(Column::TopUp), 0.0, 0.0);
    near(
        "gap",
        row.of(Column::LiquidationGap),
        (10.0 - kept) * 20.0,
        1e-8,
    );
    near(
        "hedged",
        row.of(Column::HedgedPnl),
        (10.0 - kept) * 20.0,
        1e-8,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// Both hedges of an account come back, cut in the same proportion.
#[test]
fn a_cross_account_re_enters_in_proportion() {
    let mut plan = small_plan(3);
    let whole = plan.hedges[0];
    plan.hedges[0].hedge_ratio = 0.6;
    plan.hedges[0].coverage_frac = 0.6;
    plan.hedges.push(HedgePlan {
        hedge_ratio: 0.4,
        coverage_frac: 0.4,
        ..whole
    });
    plan.accounts[0].mode = MarginMode::Cross;
    plan.accounts[0].reserve_usd = 65.0;
    plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 0 };
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 130.0, 120.0, 120.0]),
    );
    near("liquidations", row.of(Column::Liquidations), 1.0, 0.0);
    // Both legs of the re-entry.
    near("cut", row.of(Column::CutTrades), 2.0, 0.0);
    // The insurance fund bears 100 of the first loss of 300, in proportion to the notionals closed.
    // The first 65 USD margin half of 10 x 130 x 10 %: 3 and 2 coins, which then win 10 each.
    near(
        "first",
        row.extra(Extra::HedgePnl(0)),
        6.0 * -30.0 + 60.0 + 30.0,
        1e-9,
    );
    near(
        "second",
        row.extra(Extra::HedgePnl(1)),
        4.0 * -30.0 + 40.0 + 20.0,
        1e-9,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

//! What trades cost, and orders worked in parts; rounding; cross margin; re-entry of several legs.

use hedgesim::plan::types::{
    AfterLiquidation, ImpactPlan, LiquidityPlan, MarginMode, OrderPlan, OrderStyle, Plan,
    Rebalance, Rounding, SalePlan,
};

use crate::common::small_plan::small_plan;
use crate::{assert_column, run_spots};

fn liquid_plan(order: OrderPlan) -> Plan {
    let mut plan = small_plan(1);
    plan.accounts[0].collateral_usd = 1_000.0;
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    plan.market.contracts[0].rules.maker_fee_frac = 0.000_2;
    plan.market.contracts[0].liquidity = LiquidityPlan {
        half_spread_frac: 0.000_5,
        impact: Some(ImpactPlan {
            coefficient: 1.0,
            daily_volume_usd: 100_000.0,
            daily_volatility: 0.03,
        }),
    };
    plan.hedges[0].order = order;
    plan
}

/// In and out at 100: twice 1000 USD. Impact: 2/3 * 3 % * sqrt(1 %) = 0.2 %.
#[test]
fn every_style_has_its_cost() {
    let order = |is_maker, style| OrderPlan { is_maker, style };
    let iceberg = OrderStyle::Iceberg { display_frac: 0.25 };
    let otc = OrderStyle::Otc { spread_frac: 0.004 };
    for (order, fees, slippage) in [
        (OrderPlan::TAKER, 2.0, 2.0 * 2.5),
        (order(true, OrderStyle::Single), 0.4, 0.0),
        (order(false, iceberg), 2.0, 2.0 * 1.5),
        (order(false, otc), 0.0, 8.0),
    ] {
        let row = run_spots(&liquid_plan(order), &[100.0, 100.0]);
        assert_column(&row, "fees_usd", -fees);
        assert_column(&row, "slippage_usd", -slippage);
        assert_column(&row, "entry_cost_usd", 0.5 * (fees + slippage));
        assert_column(&row, "exit_cost_usd", 0.5 * (fees + slippage));
    }
}

#[test]
fn stress_makes_trades_dearer_where_the_price_ran() {
    let mut plan = liquid_plan(OrderPlan::TAKER);
    plan.stress.log_move = 0.05;
    plan.stress.multiplier = 3.0;
    let row = run_spots(&plan, &[100.0, 100.0]);
    assert_column(&row, "slippage_usd", -5.0);
    let row = run_spots(&plan, &[100.0, 81.0]);
    // Out: 810 USD at three times 0.05 % + 0.2 % * 0.9.
    assert_column(&row, "slippage_usd", -2.5 - 3.0 * 810.0 * 0.002_3);
}

/// Entry in two parts: 5 at 100, 5 at 110. The plan works it too, so that what it missed is tracking.
#[test]
fn an_order_in_parts_is_tracking() {
    let mut plan = small_plan(2);
    plan.accounts[0].collateral_usd = 1_000.0;
    plan.hedges[0].order.style = OrderStyle::Twap { parts: 2 };
    let row = run_spots(&plan, &[100.0, 110.0, 130.0]);
    assert_column(&row, "ideal_offset_usd", -300.0);
    assert_column(&row, "tracking_usd", 50.0);
    assert_column(&row, "hedged_pnl_usd", 50.0);
    assert_column(&row, "liquidation_gap_usd", 0.0);

    // A sale of half on the way scales what is there and where it goes: 5 become 2.5, then 5.
    plan.holdings[0].sales = vec![SalePlan {
        step: 1,
        quantity_base: 5.0,
    }];
    let row = run_spots(&plan, &[100.0, 110.0, 130.0]);
    assert_column(&row, "unhedged_pnl_usd", 550.0 + 650.0 - 1_000.0);
    assert_column(&row, "hedged_pnl_usd", 200.0 - 50.0 - 100.0);
}

#[test]
fn sizes_are_rounded_to_whole_contracts() {
    for (rounding, contracts) in [
        (Rounding::Down, 3.0),
        (Rounding::Nearest, 3.0),
        (Rounding::Up, 4.0),
    ] {
        let mut plan = small_plan(1);
        plan.accounts[0].collateral_usd = 1_000.0;
        plan.market.contracts[0].contract_size = Some(3.0);
        plan.hedges[0].round = Some(rounding);
        let row = run_spots(&plan, &[100.0, 101.0]);
        assert_column(&row, "tracking_usd", 10.0 - 3.0 * contracts);
    }
    // Ten contracts are ten, however the division comes out.
    let mut plan = small_plan(1);
    plan.market.contracts[0].contract_size = Some(0.1);
    plan.hedges[0].round = Some(Rounding::Down);
    let row = run_spots(&plan, &[100.0, 101.0]);
    assert_column(&row, "tracking_usd", 0.0);
}

/// Two holdings of 10 at 100, each short 10 of its perpetual in one account; the second asset does the opposite.
fn two_legs() -> Plan {
    let mut plan = small_plan(2);
    let mut other = plan.market.assets[0].clone();
    "BTC".clone_into(&mut other.name);
    plan.market.assets.push(other);
    plan.market.correlation = vec![1.0, 0.0, 0.0, 1.0];
    let mut contract = plan.market.contracts[0].clone();
    contract.underlying = 1;
    plan.market.contracts.push(contract);
    let mut holding = plan.holdings[0].clone();
    holding.asset = 1;
    plan.holdings.push(holding);
    let mut hedge = plan.hedges[0];
    hedge.contract = 1;
    hedge.covers = 1;
    plan.hedges.push(hedge);
    plan.accounts[0].mode = MarginMode::Cross;
    plan.accounts[0].collateral_usd = 300.0;
    plan
}

fn run_two(plan: &Plan, one: &[f64], other: &[f64]) -> crate::SlowRow {
    use crate::common::slow_book::{Draws, run};
    use crate::common::tapes::of_spots_and_carries;
    let mut tape = of_spots_and_carries(plan, one, &vec![0.0; one.len()]);
    let second = of_spots_and_carries(plan, other, &vec![0.0; one.len()]);
    tape.spot_usd.push(second.spot_usd[0].clone());
    tape.mark_usd[1].clone_from(&second.mark_usd[1]);
    tape.jumps.push(second.jumps[0].clone());
    let row = run(plan, &tape, Draws::Always(1.0));
    crate::assert_identity(&row);
    row
}

/// In one account the gain of one leg carries the loss of the other; alone the loser is closed.
#[test]
fn cross_margin_nets() {
    let (up, down) = ([100.0, 140.0, 140.0], [100.0, 60.0, 60.0]);
    let mut plan = two_legs();
    let row = run_two(&plan, &up, &down);
    assert_column(&row, "liquidations", 0.0);
    assert_column(&row, "hedged_pnl_usd", 0.0);
    assert_column(&row, "hedge_1_pnl_usd", -400.0);
    assert_column(&row, "hedge_2_pnl_usd", 400.0);
    let mut second = plan.accounts[0].clone();
    second.name = "second".to_owned();
    plan.accounts.push(second);
    plan.hedges[1].account = 1;
    let row = run_two(&plan, &up, &down);
    assert_column(&row, "liquidations", 1.0);
    assert_column(&row, "account_main_liquidated", 1.0);
    assert_column(&row, "account_second_liquidated", 0.0);
}

/// Both legs come back in the same proportion: 100 USD of reserve carry 1000 USD at 10 %, of 2 * 1150.
#[test]
fn reentry_cuts_all_legs_alike() {
    let mut plan = two_legs();
    plan.accounts[0].reserve_usd = 100.0;
    plan.accounts[0].collateral_usd = 200.0;
    plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 0 };
    let row = run_two(&plan, &[100.0, 115.0, 105.0], &[100.0, 115.0, 105.0]);
    // Equity -100 at 115: the fund bears 100.
    assert_column(&row, "bankruptcy_loss_usd", 100.0);
    assert_column(&row, "cut_trades", 2.0);
    let legs_base = 10.0 * 1_000.0 / 2_300.0;
    let gap_usd = 2.0 * (legs_base - 10.0) * 10.0;
    assert_column(&row, "liquidation_gap_usd", gap_usd);
}

/// A cut increase: 200 USD of collateral and 10 % carry no more than what equity allows.
#[test]
fn an_increase_is_cut_to_the_margin_of_the_whole_account() {
    let mut plan = two_legs();
    plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
    plan.holdings[0].production = vec![hedgesim::plan::types::ProductionPlan {
        step: 1,
        quantity_base: 20.0,
        cost_usd: 0.0,
    }];
    let row = run_two(&plan, &[100.0; 3], &[100.0, 100.0, 90.0]);
    // Equity 300: 200 for the first leg beside 100 for the second, 20 of 30 wanted, once by the production and once
    // by the decision.
    assert_column(&row, "cut_trades", 2.0);
    assert_column(&row, "liquidation_gap_usd", 0.0);
}

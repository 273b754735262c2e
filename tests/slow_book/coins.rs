//! Coin accounts: inverse contracts, inventory as collateral, funding in coin, transfers that buy coins.

use hedgesim::plan::types::{
    CoinCollateral, ContractSettlement, Crossing, Plan, ReportPlan, SettlementCurrency,
};
use hedgesim::venue::rules::Remainder;

use crate::common::slow_book::{Draws, run};
use crate::common::small_plan::{small_margin_call, small_plan};
use crate::common::tapes;
use crate::{assert_column, assert_identity, run_spots};

/// 10 ETH at 100, short 1,000 USD of the inverse perpetual, all 10 ETH posted.
fn posted_plan(steps: u32) -> Plan {
    let mut plan = small_plan(steps);
    plan.market.contracts[0].settlement = ContractSettlement::Inverse;
    plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
    plan.accounts[0].collateral_usd = 0.0;
    plan.accounts[0].coins = vec![CoinCollateral {
        asset: 0,
        quantity_base: 10.0,
        holding: Some(0),
        haircut_frac: 0.0,
    }];
    plan
}

/// The synthetic dollar: whatever the price does, the programme is worth what it was and nothing is liquidated.
#[test]
fn a_whole_inverse_short_on_its_own_inventory_has_a_constant_value() {
    for path in [[100.0, 300.0, 1_000.0, 900.0], [100.0, 50.0, 3.0, 8.0]] {
        let row = run_spots(&posted_plan(3), &path);
        assert!(row.get("hedged_pnl_usd").abs() < 1e-9);
        assert_column(&row, "liquidations", 0.0);
        assert_column(&row, "max_drawdown_usd", 0.0);
        assert_column(&row, "peak_collateral_usd", 1_000.0);
    }
}

/// What it needs are coins that are there: never more of them than are posted, valued at the spot at which they were posted.
#[test]
fn a_whole_inverse_short_needs_at_most_its_inventory() {
    for crossing in [Crossing::Endpoints, Crossing::Bridge] {
        for path in [
            [100.0, 300.0, 1_000.0, 900.0],
            [100.0, 1e4, 1e9, 1e9],
            [100.0, 50.0, 3.0, 8.0],
        ] {
            let mut plan = posted_plan(3);
            plan.simulation.crossing = crossing;
            plan.market.assets[0].volatility_annual = 0.8;
            let row = run_spots(&plan, &path);
            assert_column(&row, "liquidations", 0.0);
            assert!(row.get("required_collateral_usd") <= 1_000.0);
        }
    }
    // 10 coins less 90 % of the notional, 0.9 coins at 1,000.
    let row = run_spots(&posted_plan(3), &[100.0, 300.0, 1_000.0, 900.0]);
    assert_column(&row, "required_collateral_usd", 910.0);
}

/// Bought coins are a long position beside the hedge: their gain is collateral revaluation.
#[test]
fn bought_coins_are_revalued() {
    let mut plan = posted_plan(1);
    plan.accounts[0].coins[0].holding = None;
    let row = run_spots(&plan, &[100.0, 120.0]);
    // 10 coins bought gain 200; the short loses 1000 (1/120 - 1/100) coins, 200 USD at 120.
    assert_column(&row, "unhedged_pnl_usd", 200.0);
    assert_column(&row, "ideal_offset_usd", -200.0);
    assert_column(&row, "collateral_revaluation_usd", 200.0);
    assert_column(&row, "hedged_pnl_usd", 200.0);
}

#[test]
fn an_inverse_stamp_pays_coins_at_the_spot() {
    let plan = posted_plan(1);
    let mut tape = tapes::of_spots_and_carries(&plan, &[100.0, 120.0], &[0.0; 2]);
    tape.mark_usd[0][1] = 125.0;
    tape.funding_rate[0][1] = 0.001;
    let row = run(&plan, &tape, Draws::Always(1.0));
    assert_identity(&row);
    // 1000 / 125 = 8 coins of notional, 0.008 coins at 120.
    assert_column(&row, "funding_usd", 0.96);
    // The short loses 1000 (1/125 - 1/100) = -2 coins at 120.
    assert_column(&row, "hedged_pnl_usd", 200.0 - 240.0 + 0.96);
    assert_column(&row, "ideal_offset_usd", -200.0);
    assert_column(&row, "futures_basis_usd", -40.0);
}

/// A top-up buys coins when it is sent, which then move with the spot.
#[test]
fn a_top_up_of_a_coin_account_buys_coins() {
    let mut plan = posted_plan(3);
    plan.accounts[0].coins.clear();
    plan.accounts[0].collateral_usd = 200.0;
    plan.accounts[0].reserve_usd = 1_000.0;
    plan.accounts[0].margin_call = Some(small_margin_call(1));
    plan.report = ReportPlan {
        liquidity_at_risk: true,
        ..ReportPlan::default()
    };
    let row = run_spots(&plan, &[100.0, 110.0, 100.0, 100.0]);
    // At 110: 2 - 10/11 = 12/11 coins of equity, maintenance 10/11 coins: ratio 5/6. Asked: 4 * 10/11 - 12/11 = 28/11
    // coins, 280 USD, which arrive at 100.
    assert_column(&row, "top_up_usd", 280.0);
    assert_column(&row, "margin_calls", 1.0);
    assert_column(&row, "cash_in_transit_usd", 280.0);
    assert_column(&row, "peak_collateral_usd", 480.0);
    // 28/11 coins lose 10 USD each, 2 coins are worth what they were; the hedge itself is whole.
    assert_column(&row, "hedged_pnl_usd", -280.0 / 11.0);
    assert_column(&row, "unhedged_pnl_usd", 0.0);
}

/// Posted coins that the venue keeps are gone for good: their value then is in `liquidation`, what they do later in
/// collateral revaluation.
#[test]
fn forfeited_inventory_is_lost() {
    let mut plan = posted_plan(2);
    plan.accounts[0].coins[0].quantity_base = 2.0;
    plan.market.contracts[0].rules.remainder = Remainder::Forfeited;
    let row = run_spots(&plan, &[100.0, 115.0, 200.0]);
    // At 115: 2 - 1000 (1/100 - 1/115) = 0.6956522 coins, maintenance 0.8695652: closed, 0.6956522 * 115 = 80 USD kept.
    assert_column(&row, "liquidation_usd", -80.0);
    assert_column(&row, "unhedged_pnl_usd", 1_000.0);
    // Two coins lost; from time 0 to 115 the account had 2 coins less nothing, afterwards the side with a hedge lacks 2.
    assert_column(&row, "collateral_revaluation_usd", -2.0 * 85.0);
    // Eight coins left: 8 * 200 - 1000.
    assert_column(&row, "hedged_pnl_usd", 600.0);
}

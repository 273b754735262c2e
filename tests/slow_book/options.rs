//! Options: parity, payoff, premium, fees, margin, deltas.

use hedgesim::plan::types::{
    ContractKind, ContractSettlement, Crossing, OptionKind, OptionPlan, OptionTerms, Plan,
    Position, Rebalance, SettlementCurrency,
};

use crate::common::slow_book::{black_delta, black_value_usd};
use crate::common::small_plan::small_plan;
use crate::{assert_column, run_spots};

fn option(kind: OptionKind, strike_usd: f64, steps: u32) -> OptionPlan {
    OptionPlan {
        kind,
        strike_usd,
        expiry_step: steps,
        expiry_years: f64::from(steps) / 365.0,
        volatility_annual: 0.6,
        terms: OptionTerms {
            fee_frac: 0.0,
            fee_cap_frac: 0.125,
            initial_frac: 0.15,
            initial_floor_frac: 0.10,
            maintenance_frac: 0.075,
        },
    }
}

/// The published numbers without interest: at the money in coin, the delta of a put, the call of a zero-cost collar.
#[test]
fn black_values_are_the_published_ones() {
    let at_the_money = black_value_usd(&option(OptionKind::Call, 100.0, 30), 100.0, 30.0 / 365.0);
    assert!((at_the_money / 100.0 - 0.068_539_407_182_5).abs() < 1e-12);
    let put = option(OptionKind::Put, 90.0, 30);
    let delta = black_delta(&put, 100.0, 30.0 / 365.0);
    assert!((delta + 0.242_427_189_805).abs() < 1e-9, "{delta}");
    let call = option(OptionKind::Call, 112.399_637_66, 30);
    let collar =
        black_value_usd(&call, 100.0, 30.0 / 365.0) - black_value_usd(&put, 100.0, 30.0 / 365.0);
    assert!(collar.abs() < 1e-8, "{collar}");
}

/// One hedge: an option on the 10 ETH.
fn overlay(option: OptionPlan, position: Position, steps: u32) -> Plan {
    let mut plan = small_plan(steps);
    plan.market.contracts[0].kind = ContractKind::Option(option);
    plan.hedges[0].position = position;
    plan.hedges[0].coverage_frac = 0.0;
    plan.accounts[0].collateral_usd = 1_000.0;
    plan
}

/// A bought put pays the fall below its strike, less the premium.
#[test]
fn a_protective_put_is_a_floor() {
    let put = option(OptionKind::Put, 95.0, 2);
    let premium_usd = 10.0 * black_value_usd(&put, 100.0, 2.0 / 365.0);
    let plan = overlay(put, Position::Long, 2);
    let row = run_spots(&plan, &[100.0, 90.0, 60.0]);
    assert_column(&row, "unhedged_pnl_usd", -400.0);
    assert_column(&row, "options_usd", 350.0 - premium_usd);
    assert_column(&row, "hedged_pnl_usd", -50.0 - premium_usd);
    assert_column(&row, "liquidations", 0.0);
    assert_column(&row, "ideal_offset_usd", 0.0);
    // The venue asks for the premium in money, whatever becomes of the put.
    assert_column(&row, "required_collateral_usd", premium_usd);
    let row = run_spots(&plan, &[100.0, 100.0, 100.0]);
    assert_column(&row, "required_collateral_usd", premium_usd);
}

/// Nothing can be liquidated: what a bought put needs lies between its premium and that with its costs, in money and in coins,
/// and nothing is added for what happens between step ends.
#[test]
fn a_bought_put_needs_its_premium_and_its_costs() {
    let mut put = option(OptionKind::Put, 95.0, 4);
    put.terms.fee_frac = 0.000_3;
    let premium_usd = 10.0 * black_value_usd(&put, 100.0, 4.0 / 365.0);
    let mut in_money = overlay(put, Position::Long, 4);
    in_money.simulation.crossing = Crossing::Bridge;
    in_money.market.assets[0].volatility_annual = 0.8;
    let mut in_coins = in_money.clone();
    in_coins.market.contracts[0].settlement = ContractSettlement::Inverse;
    in_coins.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
    for plan in [in_money, in_coins] {
        for (path, needed_usd) in [
            ([100.0, 120.0, 140.0, 150.0, 160.0], premium_usd + 0.3),
            ([100.0, 50.0, 40.0, 30.0, 20.0], premium_usd),
        ] {
            let row = run_spots(&plan, &path);
            assert_column(&row, "required_collateral_usd", needed_usd);
        }
    }
}

/// Call less put is the future: bought and written together they make what the spot makes.
#[test]
fn call_less_put_is_the_spot() {
    let mut plan = overlay(option(OptionKind::Call, 103.0, 3), Position::Long, 3);
    let mut put = plan.market.contracts[0].clone();
    put.kind = ContractKind::Option(option(OptionKind::Put, 103.0, 3));
    plan.market.contracts.push(put);
    let mut written = plan.hedges[0];
    written.contract = 1;
    written.position = Position::Short;
    plan.hedges.push(written);
    let row = run_spots(&plan, &[100.0, 104.0, 95.0, 110.0]);
    assert_column(&row, "options_usd", 100.0);
    let both = row.get("hedge_1_pnl_usd") + row.get("hedge_2_pnl_usd");
    assert!((both - 100.0).abs() < 1e-9);
}

/// Settled in coin: 10 V / S coins of premium are paid from 10 coins, the payoff is coins at the spot.
#[test]
fn a_coin_settled_call_pays_coins() {
    let call = option(OptionKind::Call, 100.0, 1);
    let premium_coins = 10.0 * black_value_usd(&call, 100.0, 1.0 / 365.0) / 100.0;
    let mut plan = overlay(call, Position::Long, 1);
    plan.market.contracts[0].settlement = ContractSettlement::Inverse;
    plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
    let row = run_spots(&plan, &[100.0, 125.0]);
    // 10 * 25 / 125 = 2 coins of payoff.
    assert_column(&row, "options_usd", (2.0 - premium_coins) * 125.0);
    // 10 coins bought with the collateral, the option among them at its value, move with the spot.
    assert_column(&row, "collateral_revaluation_usd", 250.0);
}

/// A written call: margin `max(15 % S - O, 10 % S) + V` at first; closed by the venue when it rises.
#[test]
fn a_written_call_is_margined_and_liquidated() {
    let call = option(OptionKind::Call, 110.0, 10);
    let premium_usd = 10.0 * black_value_usd(&call, 100.0, 10.0 / 365.0);
    let mut plan = overlay(call, Position::Short, 2);
    plan.accounts[0].collateral_usd = 150.0;
    let row = run_spots(&plan, &[100.0, 101.0, 101.0]);
    assert_column(&row, "liquidations", 0.0);
    let row = run_spots(&plan, &[100.0, 120.0, 90.0]);
    assert_column(&row, "liquidations", 1.0);
    // Equity 150 + premium - 10 V, none of it kept by the venue; the planned call goes on to its value at the end.
    let end_usd = 10.0 * black_value_usd(&call, 90.0, 8.0 / 365.0);
    let high_usd = 10.0 * black_value_usd(&call, 120.0, 9.0 / 365.0);
    assert_column(&row, "options_usd", premium_usd - end_usd);
    let fund_usd = (high_usd - premium_usd - 150.0).max(0.0);
    assert_column(&row, "bankruptcy_loss_usd", fund_usd);
    assert_column(&row, "liquidation_gap_usd", end_usd - high_usd);
}

/// Fees: three hundredths of a percent of the underlying, at most an eighth of the premium; at expiry the delivery fee.
#[test]
fn option_fees_are_capped_by_the_premium() {
    let mut call = option(OptionKind::Call, 100.0, 1);
    call.terms.fee_frac = 0.000_3;
    let mut plan = overlay(call, Position::Long, 1);
    plan.market.contracts[0].rules.delivery_fee_frac = 0.01;
    let row = run_spots(&plan, &[100.0, 104.0]);
    // 0.3 at first; 10.4 at expiry is over an eighth of 40.
    assert_column(&row, "fees_usd", -0.3 - 5.0);
    assert_column(&row, "exit_cost_usd", 5.0);
    let row = run_spots(&plan, &[100.0, 99.0]);
    assert_column(&row, "fees_usd", -0.3);
}

/// The future goes to what the deltas leave: with a bought put of delta -d the short is `10 (1 - d)`.
#[test]
fn a_delta_band_leaves_room_for_the_options() {
    let put = option(OptionKind::Put, 100.0, 10);
    let mut plan = overlay(put, Position::Long, 1);
    let future = small_plan(1);
    plan.market
        .contracts
        .push(future.market.contracts[0].clone());
    let mut short = future.hedges[0];
    short.contract = 1;
    short.rebalance = Rebalance::DeltaBand { width: 0.01 };
    plan.hedges.push(short);
    let delta = black_delta(&put, 100.0, 10.0 / 365.0);
    let row = run_spots(&plan, &[100.0, 101.0]);
    assert_column(&row, "hedge_2_pnl_usd", -10.0 * (1.0 + delta));
}

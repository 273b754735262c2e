//! Options by hand: premium, value, settlement, margin.

use hedgesim::math::black76::black76;
use hedgesim::outcome::column::{Column, Extra};
use hedgesim::plan::types::{
    ContractKind, ContractPlan, ContractSettlement, Crossing, HedgePlan, MarginMode, OptionKind,
    OptionPlan, OptionTerms, Plan, Position, Rebalance, SettlementCurrency,
};

use crate::common::small_plan::small_plan;
use crate::fixed::{FixedPath, near, run};

const TERMS: OptionTerms = OptionTerms {
    fee_frac: 0.0003,
    fee_cap_frac: 0.125,
    initial_frac: 0.15,
    initial_floor_frac: 0.1,
    maintenance_frac: 0.075,
};

/// The small plan's 10 ETH with one option instead of the perpetual.
fn option_plan(steps: u32, kind: OptionKind, strike_usd: f64, position: Position) -> Plan {
    let mut plan = small_plan(steps);
    plan.market.contracts[0].kind = option(kind, strike_usd, 30);
    plan.hedges[0].position = position;
    plan.accounts[0].mode = MarginMode::Cross;
    plan
}

fn option(kind: OptionKind, strike_usd: f64, expiry_step: u32) -> ContractKind {
    ContractKind::Option(OptionPlan {
        kind,
        strike_usd,
        expiry_step,
        expiry_years: f64::from(expiry_step) / 365.0,
        volatility_annual: 0.6,
        terms: TERMS,
    })
}

fn value(kind: OptionKind, spot: f64, strike: f64, days: f64) -> f64 {
    let deviation = 0.6 * (days / 365.0).sqrt();
    black76(kind == OptionKind::Call, spot, strike, deviation).value
}

#[test]
fn a_protective_put_is_marked_and_closed_at_its_value() {
    let mut plan = option_plan(2, OptionKind::Put, 90.0, Position::Long);
    plan.execution_slippage_frac = 0.01;
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 80.0, 70.0]));
    let (v0, v2) = (
        value(OptionKind::Put, 100.0, 90.0, 30.0),
        value(OptionKind::Put, 70.0, 90.0, 28.0),
    );
    near("options", row.extra(Extra::Options), 10.0 * (v2 - v0), 1e-9);
    let fees = -10.0 * 0.0003 * (100.0 + 70.0);
    near("fees", row.of(Column::Fees), fees, 1e-12);
    near(
        "slippage",
        row.of(Column::Slippage),
        -0.1 * (v0 + v2),
        1e-10,
    );
    for column in [
        Column::IdealOffset,
        Column::Tracking,
        Column::FuturesBasis,
        Column::Liquidations,
    ] {
        near("other parts", row.of(column), 0.0, 0.0);
    }
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// Nothing can be liquidated: what a bought put needs lies between its premium and that with its costs, in money and in coins,
/// and nothing is added for what happens between step ends.
#[test]
fn a_bought_put_needs_its_premium_and_its_costs() {
    let mut in_money = option_plan(4, OptionKind::Put, 90.0, Position::Long);
    in_money.market.contracts[0].kind = option(OptionKind::Put, 90.0, 4);
    in_money.simulation.crossing = Crossing::Bridge;
    in_money.market.assets[0].volatility_annual = 0.8;
    in_money.execution_slippage_frac = 0.01;
    let mut in_coins = in_money.clone();
    in_coins.market.contracts[0].settlement = ContractSettlement::Inverse;
    in_coins.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
    let premium_usd = 10.0 * value(OptionKind::Put, 100.0, 90.0, 4.0);
    let fee_usd = 0.3f64.min(0.125 * premium_usd);
    let with_costs_usd = 1.01 * premium_usd + fee_usd;
    for plan in [in_money, in_coins] {
        for (spots, needed_usd) in [
            ([100.0, 120.0, 140.0, 150.0, 160.0], with_costs_usd),
            ([100.0, 50.0, 40.0, 30.0, 20.0], premium_usd),
        ] {
            let row = run(&plan, &FixedPath::of_spots(&plan, &spots));
            near(
                "needed",
                row.of(Column::RequiredCollateral),
                needed_usd,
                1e-9,
            );
        }
    }
}

#[test]
fn an_option_expires_at_its_intrinsic_value() {
    let mut plan = option_plan(3, OptionKind::Call, 110.0, Position::Short);
    plan.market.contracts[0].kind = option(OptionKind::Call, 110.0, 2);
    plan.market.contracts[0].rules.delivery_fee_frac = 0.0002;
    plan.accounts[0].collateral_usd = 1000.0;
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 105.0, 125.0, 200.0]),
    );
    let v0 = value(OptionKind::Call, 100.0, 110.0, 2.0);
    near(
        "options",
        row.extra(Extra::Options),
        10.0 * (v0 - 15.0),
        1e-9,
    );
    // The fee of the trade is capped by the premium.
    let fee = (0.0003f64 * 1000.0).min(0.125 * 10.0 * v0);
    near("fees", row.of(Column::Fees), -fee - 0.0002 * 1250.0, 1e-9);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// A written call in an account too small for it is closed at its value, without costs.
#[test]
fn a_written_option_is_liquidated_when_its_margin_is_gone() {
    let mut plan = option_plan(2, OptionKind::Call, 100.0, Position::Short);
    plan.accounts[0].collateral_usd = 200.0;
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 130.0, 90.0]));
    let (v0, v1) = (
        value(OptionKind::Call, 100.0, 100.0, 30.0),
        value(OptionKind::Call, 130.0, 100.0, 29.0),
    );
    let v2 = value(OptionKind::Call, 90.0, 100.0, 28.0);
    near("liquidations", row.of(Column::Liquidations), 1.0, 0.0);
    near("options", row.extra(Extra::Options), 10.0 * (v0 - v2), 1e-9);
    // What the planned one won back afterwards.
    near(
        "gap",
        row.of(Column::LiquidationGap),
        10.0 * (v2 - v1),
        1e-9,
    );
    let lost = 200.0 + 10.0 * (v0 - v1) - 0.3;
    assert!(lost < 0.0);
    near("bankruptcy", row.of(Column::BankruptcyLoss), -lost, 1e-9);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// Settled in coin, everything is the value over the spot.
#[test]
fn coin_settled_options_are_worth_their_value_over_the_spot() {
    let mut plan = option_plan(2, OptionKind::Put, 100.0, Position::Long);
    plan.market.contracts[0].settlement = ContractSettlement::Inverse;
    plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
    plan.accounts[0].collateral_usd = 500.0;
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 80.0, 90.0]));
    let coin = |spot, days| value(OptionKind::Put, spot, 100.0, days) / spot;
    let (v0, v1, v2) = (coin(100.0, 30.0), coin(80.0, 29.0), coin(90.0, 28.0));
    let options = 10.0 * ((v1 - v0) * 80.0 + (v2 - v1) * 90.0);
    near("options", row.extra(Extra::Options), options, 1e-9);
    // 5 coins were bought; fees are paid in coin.
    let fee = 10.0 * 0.0003;
    let revaluation = (5.0 - fee) * -20.0 + (5.0 - fee + 10.0 * (v1 - v0)) * 10.0;
    near(
        "revaluation",
        row.extra(Extra::CollateralRevaluation),
        revaluation,
        1e-9,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// A band on delta: the future goes where the put leaves something to hedge.
#[test]
fn a_delta_band_leaves_out_what_options_do() {
    let mut plan = small_plan(2);
    plan.accounts[0].mode = MarginMode::Cross;
    plan.accounts[0].collateral_usd = 2000.0;
    let perpetual = plan.market.contracts[0].clone();
    plan.market.contracts.push(ContractPlan {
        name: "put".to_owned(),
        kind: option(OptionKind::Put, 90.0, 30),
        ..perpetual
    });
    let future = plan.hedges[0];
    plan.hedges.push(HedgePlan {
        contract: 1,
        position: Position::Long,
        ..future
    });
    plan.hedges[0].rebalance = Rebalance::DeltaBand { width: 0.05 };
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 80.0, 70.0]));
    let delta = |spot: f64, days: f64| {
        let deviation = 0.6 * (days / 365.0f64).sqrt();
        black76(false, spot, 90.0, deviation).delta
    };
    // Short 10 less what the bought puts are short: sizes at times 0 and 1.
    let (q0, q1) = (
        10.0 + 10.0 * delta(100.0, 30.0),
        10.0 + 10.0 * delta(80.0, 29.0),
    );
    near(
        "future",
        row.extra(Extra::HedgePnl(0)),
        q0 * 20.0 + q1 * 10.0,
        1e-8,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

//! Policies by hand: rounding, working orders, impact, stress, production, staking, dates.

use hedgesim::outcome::column::{Column, Extra};
use hedgesim::plan::types::{
    Follows, ImpactPlan, LiquidityPlan, OrderPlan, OrderStyle, Plan, Position, ProductionPlan,
    Rebalance, Rounding, SalePlan, StressPlan,
};

use crate::common::small_plan::small_plan;
use crate::fixed::{FixedPath, near, run};

fn rich_plan(steps: u32) -> Plan {
    let mut plan = small_plan(steps);
    plan.accounts[0].collateral_usd = 1e5;
    plan
}

#[test]
fn sizes_are_whole_contracts() {
    for (rounding, size) in [
        (Rounding::Nearest, 9.0),
        (Rounding::Down, 9.0),
        (Rounding::Up, 12.0),
    ] {
        let mut plan = rich_plan(1);
        plan.market.contracts[0].contract_size = Some(3.0);
        plan.hedges[0].round = Some(rounding);
        let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 110.0]));
        near(
            "short",
            row.of(Column::HedgedPnl),
            (10.0 - size) * 10.0,
            1e-9,
        );
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
}

#[test]
fn an_entry_is_worked_in_equal_parts() {
    let mut plan = rich_plan(4);
    plan.execution_slippage_frac = 0.01;
    plan.hedges[0].order.style = OrderStyle::Twap { parts: 4 };
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 110.0, 120.0, 130.0, 140.0]),
    );
    // 2.5, 5, 7.5 and 10 coins over the four steps.
    let short = -10.0 * (2.5 + 5.0 + 7.5 + 10.0);
    near(
        "price",
        row.of(Column::IdealOffset) + row.of(Column::Tracking),
        short,
        1e-9,
    );
    let entry = 0.01 * 2.5 * (100.0 + 110.0 + 120.0 + 130.0);
    near("entry", row.extra(Extra::EntryCost), entry, 1e-9);
    near("exit", row.extra(Extra::ExitCost), 0.01 * 1400.0, 1e-9);
    near("gap", row.of(Column::LiquidationGap), 0.0, 0.0);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// Half-spread 2 bps, impact 2/3 x 1 x 3 % x sqrt(1000 / 100 000) = 20 bps; an iceberg that shows a quarter pays half of it.
#[test]
fn spread_and_impact_depend_on_how_an_order_is_worked() {
    let liquidity = LiquidityPlan {
        half_spread_frac: 0.0002,
        impact: Some(ImpactPlan {
            coefficient: 1.0,
            daily_volume_usd: 100_000.0,
            daily_volatility: 0.03,
        }),
    };
    for (order, frac, fee_frac) in [
        (OrderPlan::TAKER, 0.0022, 0.0005),
        (
            OrderPlan {
                is_maker: true,
                style: OrderStyle::Single,
            },
            0.0,
            0.0001,
        ),
        (
            OrderPlan {
                is_maker: false,
                style: OrderStyle::Iceberg { display_frac: 0.25 },
            },
            0.0012,
            0.0005,
        ),
        (
            OrderPlan {
                is_maker: false,
                style: OrderStyle::Otc { spread_frac: 0.004 },
            },
            0.004,
            0.0,
        ),
    ] {
        let mut plan = rich_plan(1);
        plan.market.contracts[0].liquidity = liquidity;
        plan.market.contracts[0].rules.taker_fee_frac = 0.0005;
        plan.market.contracts[0].rules.maker_fee_frac = 0.0001;
        plan.hedges[0].order = order;
        let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 100.0]));
        near("slippage", row.of(Column::Slippage), -2000.0 * frac, 1e-9);
        near("fees", row.of(Column::Fees), -2000.0 * fee_frac, 1e-9);
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
}

#[test]
fn trades_cost_more_after_a_large_move() {
    let mut plan = rich_plan(2);
    plan.execution_slippage_frac = 0.001;
    plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
    plan.hedges[0].hedge_ratio = 1.0;
    plan.holdings[0].sales = vec![SalePlan {
        step: 1,
        quantity_base: 5.0,
    }];
    plan.stress = StressPlan {
        log_move: 0.1,
        multiplier: 3.0,
        liquidation_multiplier: 1.0,
    };
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 80.0, 81.0]));
    near("entry", row.extra(Extra::EntryCost), 1.0, 1e-12);
    near("sale", row.extra(Extra::RebalancingCost), 3.0 * 0.4, 1e-12);
    near("exit", row.extra(Extra::ExitCost), 0.405, 1e-12);
}

/// What is expected is hedged from the start; production that is sold at once then reduces it.
#[test]
fn a_hedge_follows_what_it_is_told_to() {
    for (follows, tracking, hedged) in [
        // 10 throughout: nothing covers what is produced.
        (Follows::Inventory, 0.0, 4.0 * 90.0 - 200.0),
        // 14 at first, 12 after the first production is sold, 10 after the second.
        (Follows::Expected, 0.0, 4.0 * 90.0 - 200.0 + 4.0 * 10.0),
    ] {
        let mut plan = rich_plan(3);
        plan.hedges[0].follows = follows;
        plan.holdings[0].production = [1, 2]
            .map(|step| ProductionPlan {
                step,
                quantity_base: 2.0,
                cost_usd: 100.0,
            })
            .into();
        plan.holdings[0].sales = [1, 2]
            .map(|step| SalePlan {
                step,
                quantity_base: 2.0,
            })
            .into();
        let row = run(
            &plan,
            &FixedPath::of_spots(&plan, &[100.0, 90.0, 90.0, 90.0]),
        );
        near("tracking", row.of(Column::Tracking), tracking, 1e-9);
        near(
            "unhedged",
            row.of(Column::UnhedgedPnl),
            4.0 * 90.0 - 200.0 - 100.0,
            1e-9,
        );
        near("hedged", row.of(Column::HedgedPnl), hedged, 1e-9);
        near(
            "price",
            row.of(Column::EffectivePrice),
            (hedged + 1200.0) / 14.0,
            1e-9,
        );
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
}

/// Staking grows the inventory; the hedge follows at its next decision only.
#[test]
fn staking_is_not_hedged_before_a_decision() {
    for (rebalance, tracked_quantity) in [
        (Rebalance::Never, 10.0),
        (Rebalance::Every { steps: 1 }, 11.0),
    ] {
        let mut plan = rich_plan(2);
        plan.simulation.step_days = 182.5;
        plan.simulation.horizon_days = 365.0;
        plan.holdings[0].staking_yield_annual = 0.21;
        plan.hedges[0].rebalance = rebalance;
        let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 100.0, 50.0]));
        near(
            "unhedged",
            row.of(Column::UnhedgedPnl),
            12.1 * 50.0 - 1000.0,
            1e-9,
        );
        near("ideal", row.of(Column::IdealOffset), 11.0 * 50.0, 1e-9);
        near(
            "short",
            row.of(Column::Tracking),
            (tracked_quantity - 11.0) * 50.0,
            1e-9,
        );
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
}

#[test]
fn dates_show_interim_values_and_exposure() {
    let mut plan = small_plan(3);
    plan.report.date_steps = vec![1, 3];
    plan.accounts[0].collateral_usd = 800.0;
    plan.execution_slippage_frac = 0.001;
    let row = run(
        &plan,
        &FixedPath::of_spots(&plan, &[100.0, 90.0, 120.0, 130.0]),
    );
    near(
        "unhedged",
        row.extra(Extra::InterimUnhedged(0)),
        -100.0,
        1e-9,
    );
    near("hedged", row.extra(Extra::InterimHedged(0)), -1.0, 1e-9);
    near(
        "exposure",
        row.extra(Extra::Exposure { venue: 0, date: 0 }),
        800.0 - 1.0 + 100.0,
        1e-9,
    );
    // At the horizon before anything is closed; a loss does not lessen what is posted.
    near("hedged", row.extra(Extra::InterimHedged(1)), -1.0, 1e-9);
    near(
        "exposure",
        row.extra(Extra::Exposure { venue: 0, date: 1 }),
        799.0,
        1e-9,
    );
}

#[test]
fn rounding_is_no_tracking() {
    // A size that is brought back to its share at every step tracks the holding, whatever its sums are rounded to.
    let mut plan = rich_plan(3);
    plan.holdings[0].staking_yield_annual = 0.05;
    plan.hedges[0].position = Position::Long;
    plan.hedges[0].hedge_ratio = 0.7;
    plan.hedges[0].coverage_frac = -0.7;
    plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
    plan.simulation.step_days = 1.0 / 3.0;
    for spots in [[100.0, 103.7, 99.1, 101.3], [100.0, 97.3, 94.9, 91.7]] {
        let row = run(&plan, &FixedPath::of_spots(&plan, &spots));
        let tracking_usd = row.of(Column::Tracking);
        // What a step's staking earns is followed from its end on.
        assert!(tracking_usd.abs() < 0.1, "{tracking_usd}");
        plan.holdings[0].staking_yield_annual = 0.0;
        let row = run(&plan, &FixedPath::of_spots(&plan, &spots));
        assert_eq!(row.of(Column::Tracking).to_bits(), 0.0f64.to_bits());
        plan.holdings[0].staking_yield_annual = 0.05;
    }
}

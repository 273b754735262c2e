//! Inverse contracts by hand: the synthetic dollar, liquidation prices, funding and revaluation in coins.

use hedgesim::outcome::column::{Column, Extra};
use hedgesim::plan::types::{
    AccountPlan, CoinCollateral, ContractSettlement, Crossing, Plan, SettlementCurrency,
};
use hedgesim::venue::rules::MaintenanceAt;

use crate::common::small_plan::small_plan;
use crate::fixed::{FixedPath, near, run};

/// 10 ETH at 100 USD, shorted with an inverse perpetual; 10 % maintenance margin, no costs.
pub(crate) fn inverse_plan(steps: u32) -> Plan {
    let mut plan = small_plan(steps);
    plan.market.contracts[0].settlement = ContractSettlement::Inverse;
    plan.accounts[0] = AccountPlan {
        settlement: SettlementCurrency::Coin { asset: 0 },
        collateral_usd: 0.0,
        ..plan.accounts[0].clone()
    };
    plan
}

fn coins(quantity_base: f64, holding: Option<usize>) -> CoinCollateral {
    CoinCollateral {
        asset: 0,
        quantity_base,
        holding,
        haircut_frac: 0.0,
    }
}

/// A short of what is held, margined with all of it, is worth the same whatever happens, and never liquidated.
#[test]
fn one_times_inverse_with_the_inventory_as_collateral_is_a_dollar() {
    let mut plan = inverse_plan(5);
    plan.accounts[0].coins = vec![coins(10.0, Some(0))];
    for spots in [
        [100.0, 150.0, 400.0, 1e6, 3e4, 50.0],
        [100.0, 60.0, 20.0, 1.0, 1e-3, 1e-6],
    ] {
        let row = run(&plan, &FixedPath::of_spots(&plan, &spots));
        near("hedged", row.of(Column::HedgedPnl), 0.0, 1e-6);
        near("liquidations", row.of(Column::Liquidations), 0.0, 0.0);
        near("identity", row.residual_usd(), 0.0, 1e-6);
        near("drawdown", row.of(Column::MaxDrawdown), 0.0, 1e-6);
    }
}

/// What it needs are coins that are there: never more of them than are posted, valued at the spot at which they were posted,
/// but for what the trade costs.
#[test]
fn one_times_inverse_needs_at_most_its_inventory() {
    for (crossing, fee_frac) in [
        (Crossing::Endpoints, 0.0),
        (Crossing::Bridge, 0.0),
        (Crossing::Bridge, 0.001),
    ] {
        let mut plan = inverse_plan(5);
        plan.simulation.crossing = crossing;
        plan.market.assets[0].volatility_annual = 0.8;
        plan.market.contracts[0].rules.taker_fee_frac = fee_frac;
        plan.accounts[0].coins = vec![coins(10.0, Some(0))];
        for spots in [
            [100.0, 150.0, 400.0, 500.0, 300.0, 50.0],
            [100.0, 150.0, 400.0, 1e4, 3e4, 50.0],
            [100.0, 60.0, 20.0, 1.0, 1e-3, 1e-6],
        ] {
            let row = run(&plan, &FixedPath::of_spots(&plan, &spots));
            near("liquidations", row.of(Column::Liquidations), 0.0, 0.0);
            let needed_usd = row.of(Column::RequiredCollateral);
            assert!(needed_usd <= 1000.0 * (1.0 + fee_frac), "{needed_usd}");
        }
    }
    let plan = Plan {
        accounts: vec![AccountPlan {
            coins: vec![coins(10.0, Some(0))],
            ..inverse_plan(2).accounts[0].clone()
        }],
        ..inverse_plan(2)
    };
    // 10 coins less 90 % of the notional, 2.25 coins at 400.
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 400.0, 300.0]));
    near("needed", row.of(Column::RequiredCollateral), 775.0, 1e-9);
}

/// The seven levels of a short in one bracket at 0.5 %: linear `(1 + 1/L) / (1 + mm)`, inverse `(1 - mm) / (1 - 1/L)` at the
/// mark and `1 / (1 - 1/L + mm)` at the entry price. A billionth below nothing happens, a billionth above it does.
#[test]
fn liquidation_prices_of_shorts_meet_reference_digits() {
    let (linear, inverse) = (ContractSettlement::Linear, ContractSettlement::Inverse);
    let (mark, entry) = (MaintenanceAt::Mark, MaintenanceAt::Entry);
    for (settlement, leverage, at, published) in [
        (linear, 2.0, mark, 1.492_537_313_43),
        (linear, 3.0, mark, 1.326_699_834_16),
        (linear, 5.0, mark, 1.194_029_850_75),
        (linear, 10.0, mark, 1.094_527_363_18),
        (inverse, 2.0, mark, 1.99),
        (inverse, 5.0, mark, 1.243_75),
        (inverse, 5.0, entry, 1.242_236_024_84),
    ] {
        let exact = match (settlement, at) {
            (ContractSettlement::Linear, _) => (1.0 + 1.0 / leverage) / 1.005,
            (ContractSettlement::Inverse, MaintenanceAt::Mark) => 0.995 / (1.0 - 1.0 / leverage),
            (ContractSettlement::Inverse, MaintenanceAt::Entry) => {
                1.0 / (1.0 - 1.0 / leverage + 0.005)
            }
        };
        near("published", exact, published, 1e-10);
        let mut plan = if settlement == linear {
            let mut plan = small_plan(1);
            plan.accounts[0].collateral_usd = 1000.0 / leverage;
            plan
        } else {
            let mut plan = inverse_plan(1);
            plan.accounts[0].coins = vec![coins(10.0 / leverage, None)];
            plan
        };
        let rules = &mut plan.market.contracts[0].rules;
        rules.brackets[0].rate = 0.005;
        rules.maintenance_at = at;
        for (factor, liquidations) in [(1.0 - 1e-9, 0.0), (1.0 + 1e-9, 1.0)] {
            let path = FixedPath::of_spots(&plan, &[100.0, 100.0 * exact * factor]);
            let row = run(&plan, &path);
            near(
                "liquidations",
                row.of(Column::Liquidations),
                liquidations,
                0.0,
            );
        }
    }
}

/// 5 bought coins at 2x, spot up by a half and back: coins are lost where they are dear.
#[test]
fn bought_coins_are_revalued() {
    let mut plan = inverse_plan(2);
    plan.accounts[0].coins = vec![coins(5.0, None)];
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 120.0, 100.0]));
    // U = 1000: 1000 (1/120 - 1/100) = -1.667 coins at 120, then back.
    let lost = 1000.0 * (1.0 / 120.0 - 1.0 / 100.0);
    let revaluation = 5.0 * 20.0 + (5.0 + lost) * -20.0;
    near(
        "revaluation",
        row.extra(Extra::CollateralRevaluation),
        revaluation,
        1e-9,
    );
    near("hedged", row.of(Column::HedgedPnl), 0.0, 1e-9);
    // -q dF r: the coin profit at the spots of the steps' ends.
    let price = lost * 120.0 - lost * 100.0;
    let (ideal, tracking, basis) = (
        row.of(Column::IdealOffset),
        row.of(Column::Tracking),
        row.of(Column::FuturesBasis),
    );
    near("ideal", ideal, 0.0, 1e-9);
    near("price", ideal + tracking + basis, price, 1e-9);
    // q = U/F: 10 on the way up, 8.33 on the way down.
    near(
        "tracking",
        tracking,
        -10.0 * 20.0 + 1000.0 / 120.0 * 20.0,
        1e-9,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// A stamp pays `U / F x rate` coins, worth the spot of its time.
#[test]
fn a_short_receives_coins() {
    let mut plan = inverse_plan(2);
    plan.accounts[0].coins = vec![coins(5.0, None)];
    let mut path = FixedPath::of_spots(&plan, &[100.0, 110.0, 121.0]);
    path.rates[0][1] = Some(0.001);
    path.rates[0][2] = Some(-0.002);
    let row = run(&plan, &path);
    near("funding", row.of(Column::Funding), 1.0 - 2.0, 1e-9);
    near("identity", row.residual_usd(), 0.0, 1e-9);
    // The coin of the first stamp has gained 10 % by the second.
    near(
        "hedged",
        row.of(Column::HedgedPnl),
        5.0 * 21.0 - 1.0 + 0.1,
        1e-9,
    );
}

/// A liquidation at a step's end: the holding's own coins come back as far as they are left.
#[test]
fn what_is_left_of_posted_coins_goes_back_to_the_inventory() {
    let mut plan = inverse_plan(2);
    plan.accounts[0].coins = vec![coins(5.0, Some(0))];
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.01;
    let row = run(&plan, &FixedPath::of_spots(&plan, &[100.0, 190.0, 150.0]));
    near("liquidations", row.of(Column::Liquidations), 1.0, 0.0);
    // 5 + 1000 (1/190 - 1/100) = 0.263 coins of equity, less the fee on 1000/190 coins.
    let fee = 0.01 * 1000.0 / 190.0;
    let left = 5.0 + 1000.0 * (1.0 / 190.0 - 1.0 / 100.0) - fee;
    near(
        "liquidation",
        row.of(Column::Liquidation),
        -fee * 190.0,
        1e-9,
    );
    // 5 coins stayed outside, `left` came back; everything is sold at 150.
    let hedged = (5.0 + left) * 150.0 - 1000.0;
    near("hedged", row.of(Column::HedgedPnl), hedged, 1e-9);
    near("identity", row.residual_usd(), 0.0, 1e-9);
    near("bankruptcy", row.of(Column::BankruptcyLoss), 0.0, 0.0);
}

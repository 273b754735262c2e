//! Liquidation prices against their closed forms: seven shorts, a long, coin collateral.

use hedgesim::plan::types::{
    CoinCollateral, ContractPlan, ContractSettlement, Crossing, Plan, Position as Side,
    SettlementCurrency,
};
use hedgesim::venue::rules::MaintenanceAt;

use crate::common::slow_book::{Draws, Position, liquidation_level_usd, run};
use crate::common::small_plan::small_plan;
use crate::common::tapes;

fn contract(settlement: ContractSettlement, at: MaintenanceAt, rate: f64) -> ContractPlan {
    let mut contract = small_plan(1).market.contracts[0].clone();
    contract.settlement = settlement;
    contract.rules.maintenance_at = at;
    contract.rules.brackets[0].rate = rate;
    contract
}

/// `R = level / entry` of a short at a leverage, maintenance 0.5 %.
fn level_over_entry(
    settlement: ContractSettlement,
    at: MaintenanceAt,
    leverage: f64,
) -> Option<f64> {
    let contract = contract(settlement, at, 0.005);
    let (size, balance) = match settlement {
        ContractSettlement::Linear => (3.0, 300.0 / leverage),
        ContractSettlement::Inverse => (300.0, 3.0 / leverage),
    };
    let short = Position {
        size,
        entry_usd: 100.0,
    };
    liquidation_level_usd(&contract, &short, balance).map(|level_usd| level_usd / 100.0)
}

/// Oracles: `(1 + 1/L) / (1 + mm)`; `(1 - mm) / (1 - 1/L)`; `1 / (1 - 1/L + mm)`.
#[test]
fn seven_shorts_are_liquidated_where_the_closed_forms_say() {
    use ContractSettlement::{Inverse, Linear};
    use MaintenanceAt::{Entry, Mark};
    for (settlement, at, leverage, expected) in [
        (Linear, Mark, 2.0, 1.492_537_313_43),
        (Linear, Mark, 3.0, 1.326_699_834_16),
        (Linear, Mark, 5.0, 1.194_029_850_75),
        (Linear, Mark, 10.0, 1.094_527_363_18),
        (Inverse, Mark, 2.0, 1.99),
        (Inverse, Mark, 5.0, 1.243_75),
        (Inverse, Entry, 5.0, 1.242_236_024_84),
    ] {
        let level = level_over_entry(settlement, at, leverage).expect("a level");
        assert!((level - expected).abs() < 1e-9, "{level} {expected}");
    }
    assert_eq!(level_over_entry(Inverse, Mark, 1.0), None);
    assert_eq!(level_over_entry(Inverse, Mark, 0.9), None);
}

/// `(1 - 1/L) / (1 - mm)` of a linear long, `(1 + mm) / (1 + 1/L)` of an inverse one.
#[test]
fn longs_are_liquidated_below() {
    let long = |size| Position {
        size,
        entry_usd: 100.0,
    };
    let linear = contract(ContractSettlement::Linear, MaintenanceAt::Mark, 0.005);
    let level_usd = liquidation_level_usd(&linear, &long(-3.0), 60.0).expect("a level");
    assert!((level_usd - 80.402_010_05).abs() < 1e-7);
    let inverse = contract(ContractSettlement::Inverse, MaintenanceAt::Mark, 0.005);
    let level_usd = liquidation_level_usd(&inverse, &long(-300.0), 0.6).expect("a level");
    assert!((level_usd - 100.0 * 1.005 / 1.2).abs() < 1e-9);
}

/// One unit short at 100 beside `coins` at a haircut and 10 USD; the spot ends far above.
fn with_coins(coins: f64, haircut_frac: f64, rate: f64) -> Plan {
    let mut plan = small_plan(1);
    plan.simulation.crossing = Crossing::Bridge;
    plan.market.assets[0].volatility_annual = 0.6;
    plan.market.contracts[0].rules.brackets[0].rate = rate;
    plan.holdings[0].quantity_base = 1.0;
    plan.accounts[0].collateral_usd = 10.0;
    plan.accounts[0].coins = vec![CoinCollateral {
        asset: 0,
        quantity_base: coins,
        holding: None,
        haircut_frac,
    }];
    plan
}

/// `S_liq = (q F0 + M) / (q (1 + mm) - a C)`: the fill's mark times the short is what the fee is charged on.
#[test]
fn coin_collateral_with_a_haircut_is_liquidated_where_the_closed_form_says() {
    let mut plan = with_coins(0.5, 0.1, 0.005);
    // A fee of a tenth of notional outside the trigger shows the fill.
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.1;
    let row = run(
        &plan,
        &tapes::of_spots_and_carries(&plan, &[100.0, 250.0], &[0.0; 2]),
        Draws::Always(1.0),
    );
    let fill_usd = -(row.get("liquidation_usd") - row.get("bankruptcy_loss_usd")) / 0.1;
    assert!((fill_usd - 198.198_198_198).abs() < 1e-6, "{fill_usd}");
    assert!((row.get("liquidations") - 1.0).abs() < 1e-12);

    let never = with_coins(1.1, 0.05, 0.01);
    let row = run(
        &never,
        &tapes::of_spots_and_carries(&never, &[100.0, 10_000.0], &[0.0; 2]),
        Draws::Always(1e-12),
    );
    assert!(row.get("liquidations").abs() < 1e-12);
}

/// A level is reached by the end price: the loss to it is what the account had, whatever the kind of contract.
#[test]
fn a_crossing_is_filled_at_the_level() {
    for (settlement, end_usd) in [
        (ContractSettlement::Linear, 140.0),
        (ContractSettlement::Inverse, 140.0),
    ] {
        let mut plan = small_plan(1);
        plan.simulation.crossing = Crossing::Bridge;
        plan.market.contracts[0].settlement = settlement;
        plan.market.contracts[0].rules.brackets[0].rate = 0.005;
        plan.market.contracts[0].rules.liquidation_fee_frac = 0.001;
        if settlement == ContractSettlement::Inverse {
            plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
        }
        let row = run(
            &plan,
            &tapes::of_spots_and_carries(&plan, &[100.0, end_usd], &[0.0; 2]),
            Draws::Always(1.0),
        );
        // Collateral 200 of 1000: leverage 5.
        let notional_usd = match settlement {
            ContractSettlement::Linear => 10.0 * 119.402_985_075,
            ContractSettlement::Inverse => 1_000.0 / 124.375 * end_usd,
        };
        let fee_usd = -row.get("liquidation_usd");
        assert!((fee_usd - 0.001 * notional_usd).abs() < 1e-8, "{fee_usd}");
    }
}

#[test]
fn a_long_leg_of_a_plan_is_closed_below() {
    let mut plan = small_plan(1);
    plan.simulation.crossing = Crossing::Bridge;
    plan.hedges[0].position = Side::Long;
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.001;
    let row = run(
        &plan,
        &tapes::of_spots_and_carries(&plan, &[100.0, 60.0], &[0.0; 2]),
        Draws::Always(1.0),
    );
    // 10 long at 100 with 200: equity 10 F - 800 is a tenth of 10 F at 88.888.
    let fee_usd = -row.get("liquidation_usd");
    assert!((fee_usd - 0.01 * 800.0 / 9.0).abs() < 1e-8, "{fee_usd}");
    assert!((row.get("ideal_offset_usd") - 400.0).abs() < 1e-9);
}

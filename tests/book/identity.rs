//! What must hold on every path of random plans: the identity, parts that add up, nothing owed, no NaN.

use std::sync::atomic::AtomicBool;

use hedgesim::engine::run::simulate;
use hedgesim::outcome::column::{COMPONENTS, Cell, Column, Extra};
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::types::Plan;

use crate::random::any_book_plan;

const PLANS: u64 = 1500;

fn simulated(plan: &Plan) -> OutcomeTable {
    simulate(plan, &AtomicBool::new(false), &()).expect("outcomes")
}

fn scale_usd(plan: &Plan) -> f64 {
    let inventories: f64 = plan
        .holdings
        .iter()
        .map(|holding| holding.quantity_base * plan.market.assets[holding.asset].spot_usd)
        .sum();
    let accounts: f64 = plan
        .accounts
        .iter()
        .map(|account| account.collateral_usd + account.reserve_usd)
        .sum();
    inventories + accounts
}

fn check(plan: &Plan, table: &OutcomeTable, seed: u64) {
    let tolerance = 1e-9 * scale_usd(plan);
    for path in 0..table.paths() {
        let cell = |cell: Cell| table.cell(path, cell);
        let fixed = |column: Column| cell(Cell::Fixed(column));
        let extra = |extra: Extra| cell(Cell::Extra(extra));
        let close = |what: &str, found: f64, expected: f64| {
            assert!(
                (found - expected).abs() <= tolerance,
                "seed {seed}, path {path}, {what}: {found} against {expected}"
            );
        };
        let parts: f64 = COMPONENTS.iter().map(|(_, part)| cell(*part)).sum();
        let hedged = fixed(Column::HedgedPnl);
        close("identity", fixed(Column::UnhedgedPnl) + parts, hedged);
        let costs = extra(Extra::EntryCost)
            + extra(Extra::RebalancingCost)
            + extra(Extra::RollCost)
            + extra(Extra::ExitCost);
        let charged = fixed(Column::Fees) + fixed(Column::Slippage) + extra(Extra::Roll);
        close("costs", costs, -charged);
        if plan.holdings.len() > 1 {
            let sum = extra(Extra::HoldingPnl(0)) + extra(Extra::HoldingPnl(1));
            close("holdings", sum, fixed(Column::UnhedgedPnl));
        }
        if plan.hedges.len() > 1 {
            let legs: f64 = (0..plan.hedges.len())
                .map(|h| extra(Extra::HedgePnl(h)))
                .sum();
            // What the legs made and cost, and what is booked with accounts and money.
            let beside = fixed(Column::Financing) + extra(Extra::CollateralRevaluation);
            let difference = hedged - fixed(Column::UnhedgedPnl) - beside - legs;
            let liquidated = fixed(Column::Liquidations) + fixed(Column::BankruptcyLoss);
            if liquidated == 0.0 {
                close("hedges", difference, 0.0);
            } else {
                // Costs of liquidation are the legs' own; what venues keep and what the insurance fund bears are not.
                assert!(
                    difference <= fixed(Column::BankruptcyLoss) + tolerance,
                    "seed {seed}, path {path}: {difference}"
                );
            }
        }
        let interim = plan.report.date_steps.len();
        for date in 0..interim {
            for venue in 0..2 {
                assert!(extra(Extra::Exposure { venue, date }) >= 0.0);
            }
        }
        for column in 0..table.columns() {
            let value = table.value(path, column);
            let may_be_nan = column == Column::LiquidationDay as usize
                || column == Column::MaxMarginRatio as usize
                || column == Column::EffectivePrice as usize;
            assert!(
                value.is_finite() || (may_be_nan && value.is_nan()),
                "seed {seed}, path {path}, column {column}: {value}"
            );
        }
        assert!(fixed(Column::BankruptcyLoss) >= 0.0);
        assert!(fixed(Column::RequiredCollateral) > -tolerance || plan.hedges.len() > 1);
    }
}

#[test]
fn parts_add_up_on_random_plans() {
    let mut liquidated = 0;
    for seed in 0..PLANS {
        let plan = any_book_plan(seed);
        let table = simulated(&plan);
        check(&plan, &table, seed);
        liquidated += (0..table.paths())
            .filter(|&path| table.value(path, Column::Liquidations as usize) > 0.0)
            .count();
    }
    // The plans hurt: many paths are liquidated, many are not.
    let all = usize::try_from(PLANS).expect("small") * 64;
    assert!(
        liquidated > all / 20 && liquidated < all / 2,
        "{liquidated} of {all}"
    );
}

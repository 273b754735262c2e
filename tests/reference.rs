//! The engine against the slow ledger, path by path, on random plans.

mod common;

use std::sync::atomic::AtomicBool;

use common::plans::any_plan;
use common::slow_ledger::{self, SlowOutcome};
use hedgesim::engine::run::simulate;
use hedgesim::engine::trace::trace;
use hedgesim::outcome::column::{COMPONENTS, Column};
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::types::Plan;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Paths of each plan that are compared.
const PATHS: u64 = 6;

/// Largest difference allowed, as a fraction of the inventory's value: rounding of sums over at most 60 steps.
const TOLERANCE_FRAC: f64 = 1e-9;

fn notional_usd(plan: &Plan) -> f64 {
    let holding = &plan.holdings[0];
    holding.quantity_base * plan.market.assets[holding.asset].spot_usd
        + plan.accounts[0].collateral_usd
}

fn expected(slow: &SlowOutcome) -> Vec<(Column, f64)> {
    vec![
        (Column::UnhedgedPnl, slow.unhedged_pnl_usd),
        (Column::HedgedPnl, slow.hedged_pnl_usd),
        (Column::IdealOffset, slow.ideal_offset_usd),
        (Column::Tracking, slow.tracking_usd),
        (Column::FuturesBasis, slow.futures_basis_usd),
        (Column::Funding, slow.funding_usd),
        (Column::Fees, slow.fees_usd),
        (Column::Slippage, slow.slippage_usd),
        (Column::Liquidation, slow.liquidation_usd),
        (Column::LiquidationGap, slow.liquidation_gap_usd),
        (Column::Financing, slow.financing_usd),
        (Column::BankruptcyLoss, slow.bankruptcy_loss_usd),
        (Column::UnmetCall, slow.unmet_call_usd),
        (Column::TopUp, slow.top_up_usd),
        (Column::PeakCollateral, slow.peak_collateral_usd),
        (Column::RequiredCollateral, slow.required_collateral_usd),
        (Column::MinEquity, slow.min_equity_usd),
        (Column::MaxDrawdown, slow.max_drawdown_usd),
    ]
}

fn compare(plan: &Plan, path: u64) -> Result<(), TestCaseError> {
    let traced = trace(plan, path);
    let slow = slow_ledger::run(plan, &traced.tape);
    let cell = |column: Column| traced.block.value(traced.row, column as usize);
    let scale_usd = notional_usd(plan);
    let story = || {
        format!(
            "path {path}\nslow: {:#?}\nfast: {:#?}",
            slow.events,
            traced
                .steps
                .iter()
                .flat_map(|s| s.events.iter().map(|e| format!("{}: {e:?}", s.step)))
                .collect::<Vec<_>>()
        )
    };
    for (column, value) in expected(&slow) {
        let difference = (cell(column) - value).abs();
        prop_assert!(
            difference <= TOLERANCE_FRAC * scale_usd,
            "{column:?}: fast {} slow {value}\n{}",
            cell(column),
            story()
        );
    }
    let counts = [
        (Column::Liquidations, slow.liquidations),
        (Column::MarginCalls, slow.margin_calls),
        (Column::UnmetCalls, slow.unmet_calls),
        (Column::CutTrades, slow.cut_trades),
    ];
    for (column, value) in counts {
        prop_assert!(
            cell(column).to_bits() == f64::from(value).to_bits(),
            "{column:?}: fast {} slow {value}\n{}",
            cell(column),
            story()
        );
    }
    prop_assert_eq!(
        cell(Column::LiquidationDay).is_nan(),
        slow.liquidation_day.is_none()
    );
    if let Some(day) = slow.liquidation_day {
        prop_assert!((cell(Column::LiquidationDay) - day).abs() < 1e-9);
    }
    let ratio = cell(Column::MaxMarginRatio);
    match slow.max_margin_ratio {
        None => prop_assert!(ratio.is_nan(), "ratio: fast {ratio} slow none\n{}", story()),
        // Near an equity of 0 the ratio magnifies rounding.
        Some(value) => prop_assert!(
            (ratio - value).abs() <= 1e-6 * value.max(1.0) * value.max(1.0),
            "ratio: fast {ratio} slow {value}\n{}",
            story()
        ),
    }
    for (asset, &spot_usd) in slow.terminal_spot_usd.iter().enumerate() {
        let column = traced.block.terminal_spot(asset);
        prop_assert_eq!(
            traced.block.value(traced.row, column).to_bits(),
            spot_usd.to_bits()
        );
    }
    Ok(())
}

/// Every column of the engine is the slow ledger's, on random plans.
#[test]
fn the_engine_agrees_with_the_slow_ledger() {
    let config = Config {
        cases: 1500,
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any_plan(), |plan| {
            for path in 0..PATHS {
                compare(&plan, path * 9 + 1)?;
            }
            Ok(())
        })
        .unwrap();
}

fn simulated(plan: &Plan, threads: usize) -> OutcomeTable {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    pool.install(|| simulate(plan, &AtomicBool::new(false), &()))
        .expect("outcomes")
}

fn bits(table: &OutcomeTable) -> Vec<u64> {
    (0..table.columns())
        .flat_map(|column| table.values_at(column).map(f64::to_bits))
        .collect()
}

/// One thread or five, or one path alone: the same bits. And the parts of the hedged P&L add up.
#[test]
fn threads_change_no_bit_and_parts_add_up() {
    let config = Config {
        cases: 60,
        rng_seed: RngSeed::Fixed(21),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any_plan(), |mut plan| {
            plan.simulation.paths = 1300;
            let one = simulated(&plan, 1);
            prop_assert_eq!(bits(&one), bits(&simulated(&plan, 5)));
            for path in [0, 63, 64, 777, 1299_usize] {
                let alone = trace(&plan, path as u64);
                for column in 0..one.columns() {
                    let value = alone.block.value(alone.row, column);
                    prop_assert_eq!(one.value(path, column).to_bits(), value.to_bits());
                }
            }
            let scale_usd = notional_usd(&plan);
            for path in 0..one.paths() {
                let parts: f64 = COMPONENTS
                    .iter()
                    .map(|(_, part)| one.cell(path, *part))
                    .sum();
                let sum = one.value(path, Column::UnhedgedPnl as usize) + parts;
                let hedged = one.value(path, Column::HedgedPnl as usize);
                prop_assert!(
                    (sum - hedged).abs() <= TOLERANCE_FRAC * scale_usd,
                    "{sum} {hedged}"
                );
            }
            Ok(())
        })
        .unwrap();
}

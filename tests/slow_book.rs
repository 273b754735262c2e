//! The slow general ledger itself: numbers worked out by hand, and the plain ledger.

#[path = "slow_book/coins.rs"]
mod coins;
mod common;
#[path = "slow_book/dated.rs"]
mod dated;
#[path = "slow_book/levels.rs"]
mod levels;
#[path = "slow_book/money.rs"]
mod money;
#[path = "slow_book/options.rs"]
mod options;
#[path = "slow_book/orders.rs"]
mod orders;
#[path = "slow_book/plain.rs"]
mod plain;

use common::slow_book::{Draws, SlowRow, run};
use common::tapes;
use hedgesim::plan::types::Plan;

/// Runs a plan of one asset along spots, every contract at them.
fn run_spots(plan: &Plan, spots_usd: &[f64]) -> SlowRow {
    let tape = tapes::of_spots_and_carries(plan, spots_usd, &vec![0.0; spots_usd.len()]);
    let row = run(plan, &tape, Draws::Always(1.0));
    assert_identity(&row);
    row
}

/// Fails unless a column is what was worked out by hand, to a millionth.
#[track_caller]
fn assert_column(row: &SlowRow, column: &str, expected: f64) {
    let actual = row.get(column);
    assert!(
        (actual - expected).abs() < 1e-6,
        "{column}: {actual} is not {expected}\n{:#?}",
        row.events
    );
}

/// Fails unless the identity holds to rounding on a small plan.
#[track_caller]
fn assert_identity(row: &SlowRow) {
    let error_usd = row.identity_error_usd();
    assert!(error_usd.abs() < 1e-9, "identity is off by {error_usd}");
}

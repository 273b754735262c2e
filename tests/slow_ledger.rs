//! The slow ledger itself: numbers worked out by hand on tiny tapes, and the identity on random ones.

#[path = "slow_ledger/by_hand.rs"]
mod by_hand;
mod common;
#[path = "slow_ledger/crossing_by_hand.rs"]
mod crossing_by_hand;
#[path = "slow_ledger/invariants.rs"]
mod invariants;
#[path = "slow_ledger/margin_by_hand.rs"]
mod margin_by_hand;

use common::slow_ledger::SlowOutcome;

/// Fails unless a number is what was worked out by hand, to 1e-6 USD.
#[track_caller]
fn assert_usd(actual: f64, expected: f64) {
    assert!(
        (actual - expected).abs() < 1e-6,
        "{actual} is not {expected}"
    );
}

/// Fails unless the identity holds to rounding on a small plan.
#[track_caller]
fn assert_identity(out: &SlowOutcome) {
    assert!(
        out.identity_error_usd.abs() < 1e-9,
        "identity is off by {}",
        out.identity_error_usd
    );
}

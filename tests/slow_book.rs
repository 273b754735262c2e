//! The slow general ledger itself: numbers worked out by hand, the plain ledger, and what holds on random plans.

mod common;
#[path = "slow_book/plain.rs"]
mod plain;

//! What several test programs share: the slow ledger, random plans, simple tapes, scenario texts, bounds.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test program uses its own part"
)]

pub mod any_plan;
pub mod bounds;
pub mod plans;
pub mod scenario_text;
pub mod slow_book;
pub mod slow_ledger;
pub mod small_plan;
pub mod tapes;

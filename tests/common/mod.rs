//! What several test programs share: the slow ledger, random plans, simple tapes.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses its own part"
)]

pub mod plans;
pub mod slow_ledger;
pub mod small_plan;
pub mod tapes;

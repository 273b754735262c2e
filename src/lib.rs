//! hedgesim: Monte Carlo risk of hedging crypto inventory with futures.
//!
//! The way through the house is one line: `scenario -> plan -> market -> ledger -> outcome -> statistics -> report`.
//! `docs/DESIGN.md` fixes words, signs and the order of events.

pub mod choice;
pub mod engine;
pub mod hedge;
pub mod ledger;
pub mod market;
pub mod math;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod stress;
pub mod venue;

//! Positions, accounts, order of events, attribution.
//!
//! Most steps of most paths only mark to market: `calm` does several such steps of a whole block at once. Lanes where something
//! is due are handled one by one: `quiet_run` takes them up to the step where it is, `account` and `trades` through that step,
//! in the order of events of `docs/DESIGN.md`.

pub mod account;
pub mod book;
pub mod calm;
pub mod crossing;
pub mod event;
mod horizon;
mod lane_view;
pub mod lanes;
mod position;
pub mod programme;
mod quiet_run;
mod row;
pub mod rules;
pub mod shared_walk;
mod trades;

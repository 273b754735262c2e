//! Positions, accounts, order of events, attribution.
//!
//! Most steps of most paths only mark to market: `calm` does several such steps of a whole block at once. Lanes where something
//! is due are handled one by one in `account`, in the order of events of `docs/DESIGN.md`.

pub mod account;
pub mod calm;
pub mod crossing;
pub mod event;
pub mod lanes;
pub mod programme;
pub mod quiet_run;
mod row;
pub mod rules;

//! The whole way from a scenario's text to its outcomes against closed forms: fixed seeds, 4.892 standard errors.

#[path = "../common/mod.rs"]
mod common;

mod liquidation;

//! The whole way from a scenario's text to its outcomes against closed forms: fixed seeds, 4.892 standard errors.

#[path = "../common/mod.rs"]
mod common;

mod by_hand;
mod cross_hedge;
mod funding;
mod jumps;
mod law;
mod liquidation;
mod market;
mod martingale;
mod optimum;
mod systemic;

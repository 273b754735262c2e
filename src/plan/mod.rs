//! The scenario resolved: indices instead of names, `f64` in fixed units, everything decided.
//!
//! Names end in their unit: `_usd`, `_base` (coins), `_frac`, `_annual` (per year; a volatility per square root of a
//! year), `_per_8h`, `_days`, `_steps`. A year is 365 days.

pub mod common_market;
pub mod contract;
pub mod coverage;
pub mod hedging;
pub mod least_variance;
pub mod pilot;
pub mod read;
pub mod resolve;
pub mod types;
pub mod views;

//! The scenario language: a typed reader over the spanned TOML tree, units, range checks, overrides.
//!
//! [`load::load`] reads a file, [`load::parse`] a text. Every problem of a file comes at once, each with its place.

pub mod account;
pub mod asset;
pub mod calendar;
pub mod cause;
pub mod checked;
pub mod contract;
pub mod correlation;
pub mod dated;
pub mod dotted;
pub mod draft;
pub mod execution;
pub mod expiry;
pub mod files;
pub mod hedge;
pub mod history;
pub mod holding;
pub mod limit;
pub mod liquidity;
pub mod load;
pub mod more_limits;
pub mod nearest;
pub mod option;
pub mod overrides;
pub mod perpetual;
pub mod place;
pub mod problem;
pub mod process;
pub mod range;
pub mod ratio;
pub mod reader;
pub mod relocation;
pub mod settings;
pub mod simulation;
pub mod sink;
pub mod syntax;
pub mod transfers;
pub mod tree;
pub mod units;
pub mod venue;
pub mod view;
mod view_expected;
pub mod view_text;
pub mod whole;

//! Contract rules, margin brackets, fees, liquidation procedure; presets as data files.

pub mod rules;

//! Contract rules, margin brackets, fees, liquidation procedure; presets as data files.

pub mod level;
pub mod preset;
mod preset_file;
pub mod rules;

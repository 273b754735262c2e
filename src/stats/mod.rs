//! Estimators and their errors.

pub mod alexander_deng_zou;
mod asked;
pub mod attribution;
mod breakdown;
pub mod difference;
pub mod effectiveness;
pub mod estimate;
mod held_quantile;
pub mod influence;
pub mod level;
pub mod limits;
pub mod moments;
pub mod order;
mod pair;
pub mod percentile_table;
mod possible;
pub mod probability;
pub mod quantile;
pub mod quantity;
pub mod sample;
mod singles;
pub mod summarise;
pub mod summary;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod tail;
mod view_conflict;
mod view_weights;
pub mod viewed;
mod viewed_values;
pub mod views;

//! Choosing between proposals: grids of scenario values, their points evaluated on common random numbers.

pub mod axis;
pub mod common_ground;
pub mod compare;
pub mod decimal;
pub mod dominance;
pub mod evaluation;
mod frontier;
pub mod grid;
pub mod grid_error;
pub mod optimum;
pub mod sweep;

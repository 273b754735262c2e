//! The best point of a grid under limits: search, refinement, confirmation on fresh random numbers.

pub mod binding;
pub mod constraint;
pub mod frontier;
pub mod measure;
pub mod mesh;
pub mod nature;
pub mod objective;
pub mod optimum_error;
pub mod outcome;
pub mod ranking;
pub mod search;
pub mod simulated;

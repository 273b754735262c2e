//! Asset paths, basis and funding, one tile of time steps for a block of paths.

pub mod basis;
pub(crate) mod contract;
pub mod covariance;
pub mod dated;
pub mod funding;
pub mod jumps;
pub mod kernels;
pub mod model;
pub mod script;
pub(crate) mod small_exp;
pub mod tile;

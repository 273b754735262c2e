//! The ground floor: vector functions, random streams, distributions, closed forms, and how digits are read. Imports nothing of the house.

pub(crate) mod ars;
pub(crate) mod bits;
pub mod black76;
mod bounded_quadratic;
pub mod correlation;
pub mod digits;
pub mod discrete_passage;
pub mod effective;
pub mod entropy;
pub mod first_passage;
pub mod funding;
pub mod jumps;
pub mod kou;
pub mod liquidated_hedge;
pub mod lognormal;
pub mod min_variance;
pub mod normal;
pub mod ou;
pub mod quadrature;
pub mod random;
pub mod regression;
pub mod scalar;
pub mod sequence;
pub mod vector;

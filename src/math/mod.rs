//! The ground floor: vector functions, random streams, distributions, closed forms. Imports nothing of the house.

pub mod random;
pub mod vector;
pub mod correlation;
pub mod discrete_passage;
pub mod first_passage;
pub mod liquidated_hedge;
pub mod normal;
pub mod ou;
pub mod quadrature;

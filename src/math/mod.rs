//! The ground floor: vector functions, random streams, distributions, closed forms. Imports nothing of the house.

pub mod funding;
pub mod jumps;

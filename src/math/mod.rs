//! The ground floor: vector functions, random streams, distributions, closed forms. Imports nothing of the house.

pub mod random;
pub mod vector;
pub mod correlation;
pub mod normal;
pub mod ou;

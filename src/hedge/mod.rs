//! The hedger's own rules: target sizes, rebalancing, what a margin call asks for.

pub mod expected_funding;
pub mod glance;
pub mod moments;
pub mod warnings;

//! The hedger's own rules: target sizes, rebalancing, what a margin call asks for.

pub mod expected_funding;
#[cfg(test)]
pub(crate) mod fixture;
pub mod glance;
pub mod moments;
mod opening;
pub mod warnings;

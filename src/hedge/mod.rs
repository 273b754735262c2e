//! The hedger's own rules: target sizes, what a margin call asks for, and the hedge at a glance.

pub mod expected_funding;
#[cfg(test)]
pub(crate) mod fixture;
pub mod glance;
pub mod moments;
pub mod opening;
pub mod target;
pub mod warnings;

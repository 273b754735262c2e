//! The hedger's own rules: target sizes, what a margin call asks for, and the hedge at a glance.

pub(crate) mod costs;
pub(crate) mod expected;
pub mod expected_funding;
#[cfg(test)]
pub(crate) mod fixture;
pub mod glance;
pub mod glance_legs;
pub(crate) mod legs;
pub(crate) mod levels;
pub mod moments;
pub mod opening;
pub mod target;
pub mod warnings;
pub(crate) mod warnings_idle;
pub(crate) mod warnings_legs;

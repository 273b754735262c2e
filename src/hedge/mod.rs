//! The hedger's own rules: target sizes, what a margin call asks for.

pub mod target;

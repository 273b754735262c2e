//! The hedger's own rules: target sizes, rebalancing, what a margin call asks for.

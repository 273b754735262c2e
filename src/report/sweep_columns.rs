//! The columns of a sweep's tables: which keys, under which heads, and what is better.

use crate::stats::quantity::TRADING_COST;

/// A column of the tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) key: &'static str,
    pub(super) head: &'static str,
    /// How the column is called in a sentence.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) better: Better,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Usd,
    Fraction,
    Probability,
    Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
}

const fn percentile(key: &'static str, head: &'static str, name: &'static str) -> Shown {
    Shown {
        key,
        head,
        name,
        kind: Kind::Usd,
        better: Better::More,
    }
}

const fn risk(
    key: &'static str,
    head: &'static str,
    name: &'static str,
    kind: Kind,
    better: Better,
) -> Shown {
    Shown {
        key,
        head,
        name,
        kind,
        better,
    }
}

/// Percentiles of the hedged P&L.
pub(super) const PERCENTILES: [Shown; 7] = [
    percentile("hedged.percentiles.p1", "p1", "1st percentile"),
    percentile("hedged.percentiles.p5", "p5", "5th percentile"),
    percentile("hedged.percentiles.p25", "p25", "25th percentile"),
    percentile("hedged.percentiles.p50", "p50", "median"),
    percentile("hedged.percentiles.p75", "p75", "75th percentile"),
    percentile("hedged.percentiles.p95", "p95", "95th percentile"),
    percentile("hedged.percentiles.p99", "p99", "99th percentile"),
];

/// Risk and cost.
pub(super) const RISKS: [Shown; 6] = [
    risk(
        "hedged.es95",
        "ES95",
        "expected shortfall (95 %)",
        Kind::Usd,
        Better::Less,
    ),
    risk(
        "hedge_effectiveness.variance",
        "effective",
        "effectiveness",
        Kind::Fraction,
        Better::More,
    ),
    risk(
        "liquidation.probability",
        "liquidated",
        "probability of liquidation",
        Kind::Probability,
        Better::Less,
    ),
    risk(
        "margin_call.mean_count",
        "calls",
        "margin calls",
        Kind::Count,
        Better::Less,
    ),
    risk(
        "collateral.required.percentiles.p99",
        "collateral p99",
        "required collateral (p99)",
        Kind::Usd,
        Better::Less,
    ),
    risk(
        TRADING_COST,
        "mean cost",
        "mean cost",
        Kind::Usd,
        Better::Less,
    ),
];

/// All columns.
pub(super) fn columns() -> impl Iterator<Item = &'static Shown> {
    PERCENTILES.iter().chain(&RISKS)
}

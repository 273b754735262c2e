//! The size that the hedge ratio asks for.

/// Short size in base units from `q H = h Q S`, with the spot `S` of the holding and `H` of the contract's underlying,
/// both in USD. On the held asset itself `S / H` is 1 and the size is `h Q` exactly.
#[inline]
pub fn target_short_base(
    hedge_ratio: f64,
    quantity_base: f64,
    spot_usd: f64,
    underlying_usd: f64,
) -> f64 {
    hedge_ratio * quantity_base * (spot_usd / underlying_usd)
}

/// What a margin call asks for, USD: it brings `maintenance margin / equity` down to `target`.
#[inline]
pub fn top_up_usd(maintenance_margin_usd: f64, equity_usd: f64, target: f64) -> f64 {
    maintenance_margin_usd / target - equity_usd
}

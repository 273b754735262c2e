//! What a trade of a hedge costs where nothing is in stress.

use crate::plan::types::{ContractPlan, HedgePlan, OrderStyle, Plan};

/// Fee, slippage, half-spread and impact of one trade, USD.
///
/// `notional_usd` is its notional, of an option the value of the premium; `underlying_usd` the value of the underlying, on
/// which an option's fee is charged.
///
/// # Source
/// Impact is on average two thirds of what it is at the end of the trade (Donier and Bonart 2014, arXiv 1412.4503).
pub(crate) fn trade_cost_usd(
    plan: &Plan,
    hedge: &HedgePlan,
    contract: &ContractPlan,
    notional_usd: f64,
    underlying_usd: f64,
) -> f64 {
    if let OrderStyle::Otc { spread_frac } = hedge.order.style {
        return spread_frac * notional_usd;
    }
    let fee_usd = match contract.option() {
        Some(option) => {
            let capped_usd = option.terms.fee_cap_frac * notional_usd;
            (option.terms.fee_frac * underlying_usd).min(capped_usd)
        }
        None if hedge.order.is_maker => contract.rules.maker_fee_frac * notional_usd,
        None => contract.rules.taker_fee_frac * notional_usd,
    };
    let mut away_frac = plan.execution_slippage_frac;
    if !hedge.order.is_maker {
        let shown = match hedge.order.style {
            OrderStyle::Iceberg { display_frac } => display_frac.sqrt(),
            OrderStyle::Single | OrderStyle::Twap { .. } | OrderStyle::Otc { .. } => 1.0,
        };
        let impact = contract.liquidity.impact.map_or(0.0, |impact| {
            let volumes = notional_usd / impact.daily_volume_usd;
            2.0 / 3.0 * impact.coefficient * impact.daily_volatility * volumes.sqrt()
        });
        away_frac += contract.liquidity.half_spread_frac + shown * impact;
    }
    fee_usd + away_frac * notional_usd
}

/// Trades in which an opening order is worked; options are bought and sold at once.
pub(crate) fn opening_trades(hedge: &HedgePlan, contract: &ContractPlan) -> u32 {
    match hedge.order.style {
        OrderStyle::Twap { parts } if contract.option().is_none() => parts,
        OrderStyle::Twap { .. }
        | OrderStyle::Single
        | OrderStyle::Iceberg { .. }
        | OrderStyle::Otc { .. } => 1,
    }
}

/// The same of an order that opens a hedge, in as many trades as it is worked in.
pub(crate) fn order_cost_usd(
    plan: &Plan,
    hedge: &HedgePlan,
    contract: &ContractPlan,
    notional_usd: f64,
    underlying_usd: f64,
) -> f64 {
    let parts = f64::from(opening_trades(hedge, contract));
    parts
        * trade_cost_usd(
            plan,
            hedge,
            contract,
            notional_usd / parts,
            underlying_usd / parts,
        )
}

/// Fee of a settlement at expiry, USD; `value_usd` is the notional, of an option its intrinsic value.
pub(crate) fn delivery_cost_usd(
    contract: &ContractPlan,
    value_usd: f64,
    underlying_usd: f64,
) -> f64 {
    let rate = contract.rules.delivery_fee_frac;
    match contract.option() {
        Some(option) => (rate * underlying_usd).min(option.terms.fee_cap_frac * value_usd),
        None => rate * value_usd,
    }
}

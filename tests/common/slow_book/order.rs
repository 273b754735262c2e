//! What a trade costs, and orders that are worked in parts.

use hedgesim::plan::types::{ImpactPlan, LiquidityPlan, OrderPlan, OrderStyle};

use super::Book;

/// Why a trade is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Entry,
    Rebalancing,
    Roll,
    Exit,
}

impl Purpose {
    pub fn column(self) -> &'static str {
        match self {
            Self::Entry => "entry_cost_usd",
            Self::Rebalancing => "rebalancing_cost_usd",
            Self::Roll => "roll_cost_usd",
            Self::Exit => "exit_cost_usd",
        }
    }

    /// Where the cost away from mark is shown.
    pub fn slippage_column(self) -> &'static str {
        match self {
            Self::Roll => "roll_usd",
            Self::Entry | Self::Rebalancing | Self::Exit => "slippage_usd",
        }
    }
}

/// What is left of an order that is cut into equal parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkedOrder {
    /// Size that the plan has after the last part.
    pub end: f64,
    pub parts_left: u32,
    pub purpose: Purpose,
}

/// What one trade costs, both >= 0, in the account's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    pub fee: f64,
    /// Slippage, half-spread and impact.
    pub slippage: f64,
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.fee + self.slippage
    }
}

/// `2/3 Y sigma_d sqrt(N / V)`.
fn impact_frac(impact: &ImpactPlan, notional_usd: f64) -> f64 {
    2.0 / 3.0
        * impact.coefficient
        * impact.daily_volatility
        * (notional_usd / impact.daily_volume_usd).sqrt()
}

/// Half-spread and impact of an order, a fraction of its notional.
fn spread_and_impact_frac(liquidity: &LiquidityPlan, order: &OrderPlan, notional_usd: f64) -> f64 {
    if order.is_maker {
        return 0.0;
    }
    let shown_frac = match order.style {
        OrderStyle::Iceberg { display_frac } => display_frac.sqrt(),
        OrderStyle::Single | OrderStyle::Twap { .. } | OrderStyle::Otc { .. } => 1.0,
    };
    let impact = liquidity
        .impact
        .as_ref()
        .map_or(0.0, |impact| impact_frac(impact, notional_usd));
    liquidity.half_spread_frac + impact * shown_frac
}

impl Book<'_> {
    /// Cost of trading a notional of a hedge's contract, in the account's currency. `fee` is the fee beside an OTC trade.
    fn cost(&self, h: usize, notional: f64, fee: f64) -> Cost {
        let leg = &self.legs[h];
        let order = &leg.hedge.order;
        if let OrderStyle::Otc { spread_frac } = order.style {
            return Cost {
                fee: 0.0,
                slippage: spread_frac * notional,
            };
        }
        let liquidity = &self.contract(h).liquidity;
        let notional_usd = notional * self.currency_usd(leg.hedge.account, &self.end);
        let frac = self.plan.execution_slippage_frac
            + spread_and_impact_frac(liquidity, order, notional_usd);
        Cost {
            fee,
            slippage: frac * self.stress_multiplier(h) * notional,
        }
    }

    pub fn future_cost(&self, h: usize, notional: f64) -> Cost {
        let rules = &self.contract(h).rules;
        let fee_frac = if self.legs[h].hedge.order.is_maker {
            rules.maker_fee_frac
        } else {
            rules.taker_fee_frac
        };
        self.cost(h, notional, fee_frac * notional)
    }

    pub fn option_cost(&self, h: usize, size: f64) -> Cost {
        let now = super::option::OptionNow::new(self.contract(h), &self.end);
        self.cost(h, size.abs() * now.value(), size.abs() * now.fee())
    }

    /// Slippage of a liquidation on a notional, in the account's currency.
    pub fn liquidation_slippage(&self, h: usize, notional: f64) -> f64 {
        let a = self.legs[h].hedge.account;
        let notional_usd = notional * self.currency_usd(a, &self.end);
        let liquidity = &self.contract(h).liquidity;
        let frac = self.plan.accounts[a].liquidation_slippage_frac
            + self.plan.stress.liquidation_multiplier
                * spread_and_impact_frac(liquidity, &OrderPlan::TAKER, notional_usd);
        frac * notional
    }

    /// How much larger costs are because the underlying moved far in this step.
    fn stress_multiplier(&self, h: usize) -> f64 {
        let asset = self.contract(h).underlying;
        let log_move = (self.end.spot_usd[asset] / self.start.spot_usd[asset]).ln();
        if log_move.abs() > self.plan.stress.log_move {
            self.plan.stress.multiplier
        } else {
            1.0
        }
    }
}

/// The largest share in [0, 1] of which something is not yet too large.
pub fn largest_share(is_too_large: impl Fn(f64) -> bool) -> f64 {
    if !is_too_large(1.0) {
        return 1.0;
    }
    let (mut small, mut large) = (0.0, 1.0);
    for _ in 0..200 {
        let middle: f64 = 0.5 * (small + large);
        if is_too_large(middle) {
            large = middle;
        } else {
            small = middle;
        }
    }
    small
}

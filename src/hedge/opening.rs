//! The trade at time 0 and the account just after it.

use crate::plan::types::{HedgePlan, Plan, Rebalance};
use crate::venue::rules::ContractRules;

/// The state of a hedge's account just after time 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Opening {
    /// Short size, base units.
    pub(crate) short_base: f64,
    /// `F_0`.
    pub(crate) mark_usd: f64,
    /// Fee and slippage of what was traded.
    pub(crate) entry_cost_usd: f64,
    /// `balance + q E`: equity at mark `F` is `cash_usd - q F`.
    pub(crate) cash_usd: f64,
}

impl Opening {
    /// What the hedge trades at time 0: all of it, or for a hedge already on what its rebalancing rule asks.
    pub(crate) fn of(plan: &Plan, hedge: &HedgePlan) -> Self {
        let contract = &plan.market.contracts[hedge.contract];
        let holding = &plan.holdings[hedge.covers];
        let spot_usd = plan.market.assets[holding.asset].spot_usd;
        let underlying_usd = plan.market.assets[contract.underlying].spot_usd;
        let mark_usd = underlying_usd * contract.initial_basis().exp();
        let held_usd = holding.quantity_base * spot_usd;
        let target_base = if contract.underlying == holding.asset {
            hedge.hedge_ratio * holding.quantity_base
        } else {
            hedge.hedge_ratio * held_usd / underlying_usd
        };
        let (before_base, entry_usd) = hedge
            .opened
            .map_or((0.0, 0.0), |o| (o.quantity_base, o.price_usd));
        let trades = hedge.opened.is_none()
            || match hedge.rebalance {
                Rebalance::Never => false,
                Rebalance::Every { .. } => true,
                Rebalance::Band { width } | Rebalance::DeltaBand { width } => {
                    held_usd > 0.0
                        && (before_base * underlying_usd / held_usd - hedge.hedge_ratio).abs()
                            > width
                }
            };
        let short_base = if trades { target_base } else { before_base };
        let traded_base = short_base - before_base;
        let cost_frac = contract.rules.taker_fee_frac + plan.execution_slippage_frac;
        let entry_cost_usd = traded_base.abs() * mark_usd * cost_frac;
        let balance_usd = plan.accounts[hedge.account].collateral_usd;
        let cash_usd =
            balance_usd + before_base * entry_usd + traded_base * mark_usd - entry_cost_usd;
        Self {
            short_base,
            mark_usd,
            entry_cost_usd,
            cash_usd,
        }
    }

    /// Notional at time 0.
    pub(crate) fn notional_usd(&self) -> f64 {
        self.short_base * self.mark_usd
    }

    /// Equity at time 0, opening costs paid.
    pub(crate) fn equity_usd(&self) -> f64 {
        self.cash_usd - self.notional_usd()
    }

    /// Maintenance margin over equity; `None` without equity.
    pub(crate) fn margin_ratio(&self, rules: &ContractRules) -> Option<f64> {
        let equity_usd = self.equity_usd();
        (equity_usd > 0.0).then(|| rules.maintenance_margin_usd(self.notional_usd()) / equity_usd)
    }

    /// The mark at which the venue liquidates, with so much more cash in the account.
    pub(crate) fn liquidation_price_usd(
        &self,
        rules: &ContractRules,
        more_usd: f64,
    ) -> Option<f64> {
        (self.short_base > 0.0)
            .then(|| rules.liquidation_price_usd(self.cash_usd + more_usd, self.short_base))
            .filter(|level_usd| level_usd.is_finite())
    }

    /// The mark at which the margin ratio reaches a level.
    ///
    /// It solves `equity * level = MM(q F)`; as with the liquidation price it is the smallest of the brackets' own.
    pub(crate) fn ratio_price_usd(&self, rules: &ContractRules, level: f64) -> Option<f64> {
        let own_price = |rate: f64, deduction_usd: f64| {
            (self.cash_usd * level + deduction_usd) / (self.short_base * (level + rate))
        };
        (self.short_base > 0.0).then(|| {
            rules
                .brackets
                .iter()
                .map(|b| own_price(b.rate, b.deduction_usd))
                .fold(own_price(0.0, 0.0), f64::min)
        })
    }
}

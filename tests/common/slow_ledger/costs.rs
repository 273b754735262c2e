//! Fees and slippage of the hedge's trades.

use super::Ledger;

/// What one trade of the hedge costs, both >= 0.
pub struct TradeCosts {
    pub fee_usd: f64,
    pub slippage_usd: f64,
}

impl TradeCosts {
    pub fn total_usd(&self) -> f64 {
        self.fee_usd + self.slippage_usd
    }
}

impl Ledger<'_> {
    /// Taker fee and execution slippage on the mark notional of a trade of this size.
    pub fn trade_costs(&self, traded_base: f64) -> TradeCosts {
        let notional_usd = traded_base.abs() * self.mark_usd();
        TradeCosts {
            fee_usd: self.rules.taker_fee_frac * notional_usd,
            slippage_usd: self.plan.execution_slippage_frac * notional_usd,
        }
    }

    /// Trades the actual short to a size at the present mark: profit and costs go through the account.
    pub fn trade_actual_to(&mut self, target_base: f64) {
        let before_base = self.actual.short_base;
        let costs = self.trade_costs(target_base - before_base);
        let mark_usd = self.mark_usd();
        let realised_usd = self.actual.trade_to(target_base, mark_usd);
        self.balance_usd += realised_usd - costs.total_usd();
        self.out.fees_usd -= costs.fee_usd;
        self.out.slippage_usd -= costs.slippage_usd;
        self.tell(&format!(
            "short {before_base} -> {target_base} at {mark_usd}"
        ));
    }

    /// Trades the planned short to a size at the present mark.
    pub fn trade_planned_to(&mut self, target_base: f64) {
        let costs = self.trade_costs(target_base - self.planned.position.short_base);
        let mark_usd = self.mark_usd();
        self.planned.realised_usd += self.planned.position.trade_to(target_base, mark_usd);
        self.planned.costs_usd += costs.total_usd();
    }
}

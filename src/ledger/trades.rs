//! What an account trades: sales, rebalancing, re-entry and the close at the horizon.

use crate::hedge::target::target_short_base;
use crate::ledger::account::{Account, LaneStep};
use crate::ledger::event::LedgerEvent;
use crate::ledger::lanes::NEVER;

/// A reserve of less than a cent opens no new hedge.
const SMALLEST_REENTRY_USD: f64 = 0.01;

impl Account<'_> {
    /// Stage 6: a sale at spot; planned and actual short shrink in proportion.
    pub(super) fn sell_inventory(&mut self, step: &LaneStep) {
        let quantity_base = self.rules.sales_base[step.step];
        if quantity_base <= 0.0 {
            return;
        }
        self.book_sale(quantity_base, step);
        let kept_frac = (step.quantity_base - quantity_base) / step.quantity_base;
        let planned_base = self.planned_short_base * kept_frac;
        let short_base = self.short_base * kept_frac;
        self.trade_plan(planned_base, step);
        self.trade_to(short_base, false, step);
    }

    /// Stage 7: the plan's own rule on market data; the held short follows, cut to what it can margin.
    pub(super) fn decide(&mut self, step: &LaneStep) {
        let rules = self.rules;
        let quantity_base = step.quantity_base - rules.sales_base[step.step];
        let is_due = rules.is_rebalancing(step.step)
            || rules.band().is_some_and(|width| {
                let exposure_usd = quantity_base * step.spot_usd;
                let ratio_gap_usd = self
                    .planned_short_base
                    .mul_add(step.underlying_usd, -rules.hedge_ratio * exposure_usd);
                ratio_gap_usd.abs() > width * exposure_usd
            });
        if !is_due {
            return;
        }
        let target_base = target_short_base(
            rules.hedge_ratio,
            quantity_base,
            step.spot_usd,
            step.underlying_usd,
        );
        self.trade_plan(target_base, step);
        if !self.is_open() {
            return;
        }
        let mut short_base = target_base;
        let mut is_cut = false;
        if target_base > self.short_base {
            let equity_usd = self.cash_usd - self.short_base * step.mark_usd;
            let largest_base = rules.venue.largest_notional_usd(equity_usd) / step.mark_usd;
            let allowed_base = largest_base.max(self.short_base);
            if is_short_of(allowed_base, target_base) {
                short_base = allowed_base;
                is_cut = true;
                self.cold.cut_trades += 1;
            }
        }
        self.trade_to(short_base, is_cut, step);
    }

    /// Stage 7: a new hedge with the whole reserve, the planned short cut to what initial margin allows.
    pub(super) fn reenter(&mut self, step: &LaneStep) {
        if self.is_open() || step.step < self.cold.reentry_step as usize {
            return;
        }
        let collateral_usd = self.cold.reserve_usd;
        if collateral_usd < SMALLEST_REENTRY_USD || self.planned_short_base <= 0.0 {
            // Only a transfer that is still under way can fill the reserve again.
            self.cold.reentry_step = self.cold.arrival_step;
            return;
        }
        self.cold.reentry_step = NEVER;
        self.cold.reserve_usd = 0.0;
        self.outside_usd -= collateral_usd;
        self.contribute(collateral_usd, step.step);
        self.post(collateral_usd);
        let largest_base = self.rules.venue.largest_notional_usd(collateral_usd) / step.mark_usd;
        let is_cut = is_short_of(largest_base, self.planned_short_base);
        if is_cut {
            self.cold.cut_trades += 1;
        }
        let short_base = largest_base.min(self.planned_short_base);
        self.is_armed = true;
        self.trade_to(short_base, false, step);
        self.tell(LedgerEvent::Reentered {
            short_base,
            collateral_usd,
            is_cut,
        });
    }

    /// The horizon: the holding is sold and the hedge closed, with their costs.
    pub(super) fn close(&mut self, step: &LaneStep) {
        self.book_sale(step.quantity_base, step);
        self.settle_gap(step.mark_usd);
        if !self.is_open() {
            return;
        }
        let short_base = self.short_base;
        let notional_usd = short_base * step.mark_usd;
        let fee_usd = self.rules.venue.taker_fee_frac * notional_usd;
        let slippage_usd = self.rules.slippage_frac * notional_usd;
        self.cold.fees_usd -= fee_usd;
        self.cold.slippage_usd -= slippage_usd;
        self.cash_usd -= notional_usd + fee_usd + slippage_usd;
        self.short_base = 0.0;
        // Nobody owes the venue more than the account holds.
        let shortfall_usd = (-self.cash_usd).max(0.0);
        self.cash_usd += shortfall_usd;
        self.cold.liquidation_usd += shortfall_usd;
        self.cold.bankruptcy_usd += shortfall_usd;
        self.tell(LedgerEvent::Closed {
            short_base,
            mark_usd: step.mark_usd,
        });
    }

    /// Sells inventory at spot less slippage.
    fn book_sale(&mut self, quantity_base: f64, step: &LaneStep) {
        let sale_usd = quantity_base * step.spot_usd;
        self.cold.sales_usd += sale_usd;
        self.outside_usd += sale_usd * (1.0 - self.rules.slippage_frac);
        self.tell(LedgerEvent::Sold {
            quantity_base,
            spot_usd: step.spot_usd,
        });
    }

    /// Trades the planned short; its costs count in what it would have needed.
    fn trade_plan(&mut self, target_base: f64, step: &LaneStep) {
        let change_base = target_base - self.planned_short_base;
        if change_base == 0.0 {
            return;
        }
        self.settle_gap(step.mark_usd);
        let change_usd = change_base * step.mark_usd;
        let cost_frac = self.rules.venue.taker_fee_frac + self.rules.slippage_frac;
        self.planned_cash_usd += change_usd - change_usd.abs() * cost_frac;
        self.cold.planned_turnover_mark_usd += change_usd;
        self.cold.planned_turnover_underlying_usd += change_base * step.underlying_usd;
        self.planned_short_base = target_base;
    }

    /// Trades the held short at mark, with taker fee and slippage.
    fn trade_to(&mut self, target_base: f64, is_cut: bool, step: &LaneStep) {
        let change_base = target_base - self.short_base;
        if change_base == 0.0 {
            return;
        }
        self.settle_gap(step.mark_usd);
        let change_usd = change_base * step.mark_usd;
        let fee_usd = self.rules.venue.taker_fee_frac * change_usd.abs();
        let slippage_usd = self.rules.slippage_frac * change_usd.abs();
        self.cash_usd += change_usd - fee_usd - slippage_usd;
        self.cold.fees_usd -= fee_usd;
        self.cold.slippage_usd -= slippage_usd;
        self.short_base = target_base;
        self.tell(LedgerEvent::Traded {
            change_base,
            mark_usd: step.mark_usd,
            is_cut,
        });
    }
}

/// Whether a size falls short of what is wanted by more than rounding.
pub(crate) fn is_short_of(allowed_base: f64, wanted_base: f64) -> bool {
    wanted_base - allowed_base > 1e-9 * wanted_base
}

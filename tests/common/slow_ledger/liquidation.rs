//! Section 6: the venue closes the short; and the hedger's re-entry afterwards.

use hedgesim::plan::types::AfterLiquidation;
use hedgesim::venue::rules::Remainder;

use super::Ledger;
use super::position::Position;

/// A liquidation's fill before slippage, and the short that it closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fill {
    pub mark_usd: f64,
    pub short_base: f64,
}

impl Ledger<'_> {
    /// Whether equity at a mark is at or below maintenance margin and, where the venue counts it, the closing fee.
    pub fn is_beyond_level(&self, mark_usd: f64) -> bool {
        let notional_usd = self.actual.short_base * mark_usd;
        let trigger_usd = self.rules.maintenance_margin_usd(notional_usd)
            + self.rules.trigger_fee_frac() * notional_usd;
        self.equity_at_usd(mark_usd) <= trigger_usd
    }

    /// Closes the whole short at a mark: slippage, fee on the worsened notional, then the remainder.
    pub fn liquidate(&mut self, fill_usd: f64) -> Fill {
        let fill = Fill {
            mark_usd: fill_usd,
            short_base: self.actual.short_base,
        };
        let equity_usd = self.equity_at_usd(fill_usd);
        let notional_usd = fill.short_base * fill_usd;
        self.see_equity(equity_usd, notional_usd);

        let slippage_usd = self.account.liquidation_slippage_frac * notional_usd;
        let worsened_notional_usd = notional_usd + slippage_usd;
        let fee_usd = self.rules.liquidation_fee_frac * worsened_notional_usd;
        let left_usd = equity_usd - slippage_usd - fee_usd;
        let bankruptcy_loss_usd = (-left_usd).max(0.0);
        let remainder_usd = left_usd.max(0.0);

        self.actual = Position::FLAT;
        if let Some(transfer) = &mut self.under_way {
            transfer.is_too_late = true;
        }
        self.balance_usd = 0.0;
        let forfeited_usd = match self.rules.remainder {
            Remainder::Returned => {
                self.reserve_usd += remainder_usd;
                self.net_contributed_usd -= remainder_usd;
                self.posted_usd -= remainder_usd;
                0.0
            }
            Remainder::Forfeited => remainder_usd,
        };
        self.out.liquidation_usd += -fee_usd - slippage_usd - forfeited_usd + bankruptcy_loss_usd;
        self.out.bankruptcy_loss_usd += bankruptcy_loss_usd;
        self.out.liquidations += 1;
        self.out.liquidated = true;
        if self.out.liquidation_day.is_none() {
            self.out.liquidation_day = Some(f64::from(self.step) * self.plan.simulation.step_days);
        }
        self.flat_since_step = Some(self.step);
        self.tell(&format!(
            "liquidated {} at {fill_usd}: equity {equity_usd}, slippage {slippage_usd}, fee {fee_usd}, forfeited \
             {forfeited_usd}, insurance fund {bankruptcy_loss_usd}",
            fill.short_base
        ));
        fill
    }

    /// A new hedge with the whole reserve, if the policy wants one, it is due, and there is money.
    pub fn reenter_if_due(&mut self) {
        let (Some(flat_since_step), AfterLiquidation::Reenter { after_steps }) =
            (self.flat_since_step, self.account.after_liquidation)
        else {
            return;
        };
        if self.step < flat_since_step + after_steps || self.reserve_usd < 0.01 {
            return;
        }
        let money_usd = self.reserve_usd;
        self.reserve_usd = 0.0;
        self.balance_usd += money_usd;
        self.net_contributed_usd += money_usd;
        self.post(money_usd);
        self.flat_since_step = None;
        self.is_armed = true;
        self.tell(&format!("re-entry with {money_usd}"));
        self.trade_actual_towards_plan();
    }
}

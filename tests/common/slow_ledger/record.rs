//! Stage 8 and what is recorded on the way: equity, margin ratio, required collateral, drawdown.

use hedgesim::plan::types::Crossing;

use super::{Ledger, SlowOutcome};

/// `-zeta(1/2) / sqrt(2 pi)`, the Broadie-Glasserman-Kou continuity correction in standard deviations of a step.
const CONTINUITY_CORRECTION: f64 = 0.582_597_157_939;

impl Ledger<'_> {
    /// After stage 5, while a position is open.
    pub fn record_equity_and_ratio(&mut self) {
        if self.actual.short_base > 0.0 {
            self.see_equity(self.equity_usd(), self.actual.short_base * self.mark_usd());
        }
    }

    /// Takes an equity and its notional into the extremes.
    pub fn see_equity(&mut self, equity_usd: f64, notional_usd: f64) {
        self.min_equity_usd = Some(
            self.min_equity_usd
                .map_or(equity_usd, |least_usd| least_usd.min(equity_usd)),
        );
        let maintenance_margin_usd = self.rules.maintenance_margin_usd(notional_usd);
        self.out.max_margin_ratio = if equity_usd > 0.0 {
            self.out
                .max_margin_ratio
                .map(|largest| largest.max(maintenance_margin_usd / equity_usd))
        } else {
            None
        };
    }

    /// What the planned short would need in its account now so as not to be liquidated.
    pub fn record_required_collateral(&mut self) {
        let variance = self.tape.step_variance[self.hedge.contract];
        let shift = match self.plan.simulation.crossing {
            Crossing::Bridge => CONTINUITY_CORRECTION * variance.sqrt(),
            Crossing::Endpoints => 0.0,
        };
        let shifted_mark_usd = self.mark_usd() * shift.exp();
        let notional_usd = self.planned.position.short_base * shifted_mark_usd;
        let required_usd = self.rules.maintenance_margin_usd(notional_usd)
            + self.rules.trigger_fee_frac() * notional_usd
            + notional_usd
            - self.planned.cash_usd();
        self.out.required_collateral_usd = self.out.required_collateral_usd.max(required_usd);
    }

    /// Everything owned, at spot and mark.
    pub fn wealth_usd(&self) -> f64 {
        let under_way_usd = self
            .under_way
            .as_ref()
            .map_or(0.0, |transfer| transfer.amount_usd);
        self.inventory_base * self.spot_usd()
            + self.proceeds_usd
            + self.equity_usd()
            + self.reserve_usd
            + under_way_usd
            + self.out.financing_usd
    }

    /// Drawdown of hedged wealth, at watching moments.
    pub fn stage_8_record(&mut self) {
        if self.is_watching_moment() {
            let wealth_usd = self.wealth_usd();
            see_wealth(&mut self.out, &mut self.peak_wealth_usd, wealth_usd);
        }
    }
}

/// Takes a wealth into the running peak and the largest fall from it.
pub fn see_wealth(out: &mut SlowOutcome, peak_usd: &mut Option<f64>, wealth_usd: f64) {
    let peak_now_usd = peak_usd.map_or(wealth_usd, |peak_usd| peak_usd.max(wealth_usd));
    *peak_usd = Some(peak_now_usd);
    out.max_drawdown_usd = out.max_drawdown_usd.max(peak_now_usd - wealth_usd);
}

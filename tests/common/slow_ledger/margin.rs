//! Stages 4 and 5: arrivals, the margin check at the end price, calls, top-ups and releases.

use hedgesim::plan::types::MarginCallPlan;

use super::{Ledger, Transfer};

impl Ledger<'_> {
    /// A transfer that is due arrives in the account, or in the reserve if the account was liquidated since it was sent.
    pub fn stage_4_arrivals(&mut self) {
        let Some(transfer) = self
            .under_way
            .take_if(|transfer| transfer.arrival_step == self.step)
        else {
            return;
        };
        if self.flat_since_step.is_some() || transfer.is_too_late {
            self.reserve_usd += transfer.amount_usd;
            self.net_contributed_usd -= transfer.amount_usd;
            self.tell(&format!(
                "transfer of {} finds no position and returns",
                transfer.amount_usd
            ));
        } else {
            self.arrive(transfer.amount_usd);
        }
    }

    fn arrive(&mut self, amount_usd: f64) {
        self.balance_usd += amount_usd;
        self.post(amount_usd);
        self.is_armed = true;
        self.tell(&format!("top-up of {amount_usd} arrives"));
    }

    /// Books cash that is now in the account.
    pub fn post(&mut self, amount_usd: f64) {
        self.posted_usd += amount_usd;
        self.out.peak_collateral_usd = self.out.peak_collateral_usd.max(self.posted_usd);
    }

    /// The venue's check at the end price; then, when the hedger looks, a call or a release.
    pub fn stage_5_margin(&mut self) {
        if self.actual.short_base == 0.0 {
            return;
        }
        if self.is_beyond_level(self.mark_usd()) {
            self.liquidate(self.mark_usd());
            return;
        }
        let Some(policy) = self.account.margin_call else {
            return;
        };
        if self.is_horizon() || !self.is_watching_moment() {
            return;
        }
        if self.margin_ratio() >= policy.level {
            self.call(&policy);
        } else {
            self.is_armed = true;
            self.release(&policy);
        }
    }

    fn maintenance_margin_usd(&self) -> f64 {
        self.rules
            .maintenance_margin_usd(self.actual.short_base * self.mark_usd())
    }

    fn margin_ratio(&self) -> f64 {
        self.maintenance_margin_usd() / self.equity_usd()
    }

    /// A margin call, made only while no money is under way: counted if armed.
    fn call(&mut self, policy: &MarginCallPlan) {
        if self.under_way.is_some() {
            return;
        }
        let is_counted = self.is_armed;
        self.is_armed = false;
        if is_counted {
            self.out.margin_calls += 1;
            self.tell(&format!("margin call at ratio {}", self.margin_ratio()));
        }
        let ask_usd = self.maintenance_margin_usd() / policy.target - self.equity_usd();
        let paid_usd = ask_usd.min(self.reserve_usd);
        let shortfall_usd = ask_usd - paid_usd;
        if is_counted && shortfall_usd > 0.0 {
            self.out.unmet_calls += 1;
            self.out.unmet_call_usd += shortfall_usd;
            self.tell(&format!("reserve is short of {shortfall_usd}"));
        }
        if paid_usd > 0.0 {
            self.send(paid_usd, policy.delay_steps);
        }
    }

    fn send(&mut self, amount_usd: f64, delay_steps: u32) {
        self.reserve_usd -= amount_usd;
        self.net_contributed_usd += amount_usd;
        self.out.top_up_usd += amount_usd;
        self.tell(&format!("top-up of {amount_usd} sent"));
        if delay_steps == 0 {
            self.arrive(amount_usd);
        } else {
            self.under_way = Some(Transfer {
                amount_usd,
                arrival_step: self.step + delay_steps,
                is_too_late: false,
            });
        }
    }

    /// Excess above the release level goes back to the reserve at once, never below the initial margin.
    fn release(&mut self, policy: &MarginCallPlan) {
        let Some(release) = policy.release else {
            return;
        };
        if self.under_way.is_some() || self.margin_ratio() >= release {
            return;
        }
        let initial_margin_usd = self
            .rules
            .initial_margin_usd(self.actual.short_base * self.mark_usd());
        let kept_usd = (self.maintenance_margin_usd() / release).max(initial_margin_usd);
        let amount_usd = self.equity_usd() - kept_usd;
        if amount_usd > 0.0 {
            self.balance_usd -= amount_usd;
            self.reserve_usd += amount_usd;
            self.net_contributed_usd -= amount_usd;
            self.posted_usd -= amount_usd;
            self.tell(&format!("{amount_usd} released"));
        }
    }
}

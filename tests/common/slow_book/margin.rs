//! Stages 3 to 5: funding, arrivals, the margin check at the end price, calls, top-ups, deleveraging and releases.

use hedgesim::plan::types::{CallAction, MarginCallPlan, SettlementCurrency};

use super::leg::{Position, traded_notional};
use super::order::{Purpose, largest_share};
use super::{Book, Who};

impl Book<'_> {
    /// Funding stamps at the end of this step are paid on mark notional, in the account's currency.
    pub fn stage_3_funding(&mut self) {
        for h in 0..self.legs.len() {
            let c = self.legs[h].contract;
            let rate = self.tape.funding_rate[c][self.step as usize];
            if self.contract(h).perpetual().is_none() || rate == 0.0 {
                continue;
            }
            let settlement = self.contract(h).settlement;
            let paid = |position: &Position| {
                let notional = traded_notional(settlement, position.size, self.end.mark_usd[c]);
                rate * notional * position.size.signum()
            };
            let (planned, actual) = (paid(&self.legs[h].planned), paid(&self.legs[h].actual));
            self.receive(h, Who::Planned, planned);
            self.receive(h, Who::Actual, actual);
            let actual_usd = actual * self.currency_usd(self.legs[h].hedge.account, &self.end);
            self.add("funding_usd", actual_usd);
            self.legs[h].pnl_usd += actual_usd;
        }
    }

    /// Transfers that are due leave or arrive.
    pub fn stage_4_arrivals(&mut self) {
        for a in 0..self.accounts.len() {
            self.leave_or_arrive(a);
        }
    }

    /// The venue's check at the end price; then, when the hedger looks, a call or a release.
    pub fn stage_5_margin(&mut self) {
        for a in 0..self.accounts.len() {
            if !self.needs_margin(a, Who::Actual) {
                continue;
            }
            if self.room(a, &self.end) <= 0.0 {
                let fill = self.end.clone();
                self.liquidate(a, &fill);
                continue;
            }
            let Some(policy) = self.plan.accounts[a].margin_call else {
                continue;
            };
            if self.is_horizon() || !self.step.is_multiple_of(policy.every_steps) {
                continue;
            }
            if self.margin_ratio(a) >= policy.level {
                self.call(a, &policy);
            } else {
                self.accounts[a].is_armed = true;
                self.release(a, &policy);
            }
        }
    }

    fn margin_ratio(&self, a: usize) -> f64 {
        self.margin(a, Who::Actual, &self.end).maintenance / self.equity(a, &self.end)
    }

    /// A margin call, made only while no money is under way: counted if armed.
    fn call(&mut self, a: usize, policy: &MarginCallPlan) {
        if self.accounts[a].transfer.is_some() {
            return;
        }
        let is_counted = self.accounts[a].is_armed;
        self.accounts[a].is_armed = false;
        if is_counted {
            self.add("margin_calls", 1.0);
            self.tell(&format!(
                "account {a}: margin call at ratio {}",
                self.margin_ratio(a)
            ));
        }
        match policy.action {
            CallAction::TopUp => self.top_up(a, policy, is_counted),
            CallAction::Deleverage => self.deleverage(a, policy.target),
        }
    }

    fn top_up(&mut self, a: usize, policy: &MarginCallPlan, is_counted: bool) {
        let maintenance = self.margin(a, Who::Actual, &self.end).maintenance;
        let ask = maintenance / policy.target - self.equity(a, &self.end);
        let ask_usd = (ask * self.currency_usd(a, &self.end)).max(policy.minimum_transfer_usd);
        let (paid_usd, promised_usd) = self.take_from_sources(a, ask_usd);
        // What is missing by rounding alone is not missing.
        let shortfall_usd = ask_usd - paid_usd;
        if is_counted && shortfall_usd > 1e-12 * ask_usd {
            self.add("unmet_calls", 1.0);
            self.add("unmet_call_usd", shortfall_usd);
            self.tell(&format!("account {a}: short of {shortfall_usd}"));
        }
        if paid_usd > 0.0 {
            self.send(a, paid_usd, promised_usd, policy.delay_steps);
        }
    }

    /// Cuts all futures of an account by the smallest share that brings the ratio to the target.
    fn deleverage(&mut self, a: usize, target: f64) {
        let futures: Vec<usize> = self
            .legs_of(a)
            .into_iter()
            .filter(|&h| !self.is_option(h) && self.legs[h].actual.size != 0.0)
            .collect();
        let is_not_enough = |cut: f64| {
            let mut equity = self.equity(a, &self.end);
            let mut maintenance = self.margin(a, Who::Actual, &self.end).maintenance;
            for &h in &futures {
                let mut position = self.legs[h].actual;
                let mark_usd = self.end.mark_usd[self.legs[h].contract];
                let settlement = self.contract(h).settlement;
                let notional = traded_notional(settlement, position.size * cut, mark_usd);
                equity -= self.future_cost(h, notional).total();
                maintenance -= self.margin_of_leg(h, &position, &self.end).maintenance;
                position.size *= 1.0 - cut;
                maintenance += self.margin_of_leg(h, &position, &self.end).maintenance;
            }
            maintenance > target * equity
        };
        // The share that is kept is the largest that is not too large.
        let kept = largest_share(|kept| is_not_enough(1.0 - kept));
        self.tell(&format!("account {a}: deleveraged, {kept} kept"));
        for h in futures {
            let target = kept * self.legs[h].actual.size;
            let mark_usd = self.end.mark_usd[self.legs[h].contract];
            self.trade_to(h, Who::Actual, target, mark_usd, Purpose::Rebalancing);
        }
        self.accounts[a].is_armed = true;
    }

    /// Excess above the release level goes back at once, never below the initial margin, and never coins.
    fn release(&mut self, a: usize, policy: &MarginCallPlan) {
        let Some(release) = policy.release else {
            return;
        };
        if self.accounts[a].transfer.is_some() || self.margin_ratio(a) >= release {
            return;
        }
        let margin = self.margin(a, Who::Actual, &self.end);
        let equity = self.equity(a, &self.end);
        let coins = match self.plan.accounts[a].settlement {
            SettlementCurrency::Usd => self.coins_for_margin_usd(a, &self.end),
            SettlementCurrency::Coin { .. } => self.accounts[a].coins_of_holdings(),
        };
        let kept = (margin.maintenance / release)
            .max(margin.initial)
            .max(coins);
        let amount = equity - kept;
        if amount > 0.0 {
            let amount_usd = amount * self.currency_usd(a, &self.end);
            self.accounts[a].balance -= amount;
            self.accounts[a].posted_usd -= amount_usd;
            self.money_comes_back(a, amount_usd);
            self.tell(&format!("account {a}: {amount_usd} released"));
        }
    }
}

//! Trades of planned and actual legs: profit and costs go where they belong.

use hedgesim::plan::types::{ContractPlan, ContractSettlement};

use super::leg::{Position, traded_notional};
use super::option::OptionNow;
use super::order::{Cost, Purpose, largest_share};
use super::prices::{expiry_held, years_left};
use super::{Book, Who};

/// A cut smaller than this fraction of the wanted size is rounding, and not counted.
const ROUNDING_FRAC: f64 = 1e-9;

/// Room for less than this fraction of the wanted size is rounding, and none.
const DUST_FRAC: f64 = 1e-12;

impl Book<'_> {
    /// The contract that a hedge's leg stands in.
    pub fn contract(&self, h: usize) -> &ContractPlan {
        &self.plan.market.contracts[self.legs[h].contract]
    }

    fn position_mut(&mut self, h: usize, who: Who) -> &mut Position {
        match who {
            Who::Planned => &mut self.legs[h].planned,
            Who::Actual => &mut self.legs[h].actual,
        }
    }

    /// Trades a future to a size at a mark.
    pub fn trade_to(&mut self, h: usize, who: Who, target: f64, mark_usd: f64, purpose: Purpose) {
        let settlement = self.contract(h).settlement;
        let before = self.legs[h].position(who).size;
        if who == Who::Planned {
            self.split_curve(h, before, target, mark_usd);
        }
        let cost = self.future_cost(h, traded_notional(settlement, target - before, mark_usd));
        let realised = self
            .position_mut(h, who)
            .trade_to(settlement, target, mark_usd);
        self.receive(h, who, realised);
        self.pay(h, who, cost, purpose);
        if who == Who::Actual && target.to_bits() != before.to_bits() {
            self.tell(&format!(
                "hedge {h}: {before} -> {target} at {mark_usd} ({purpose:?})"
            ));
        }
    }

    /// What is closed of a planned dated future would have brought another price at the carry it was entered at: that is the
    /// curve's part, and the rest is carry. What is entered is entered at the carry of now.
    pub fn split_curve(&mut self, h: usize, before: f64, target: f64, mark_usd: f64) {
        let contract = self.contract(h);
        let Some(dated) = contract.dated() else {
            return;
        };
        let settlement = contract.settlement;
        let spot_usd = self.end.spot_usd[contract.underlying];
        let carry = self.tape.carry[self.legs[h].contract][self.step as usize];
        let kept = if before * target > 0.0 {
            target.abs().min(before.abs()).copysign(before)
        } else {
            0.0
        };
        let left = years_left(expiry_held(dated, self.step.max(1)).years, self.end.years);
        let entered = self.legs[h].planned_carry;
        // As at that carry, with as long to the expiry.
        let unmoved_usd = mark_usd * ((entered - carry) * left).exp();
        let curve_usd = match settlement {
            ContractSettlement::Linear => (before - kept) * (unmoved_usd - mark_usd),
            ContractSettlement::Inverse => {
                (before - kept) * (1.0 / mark_usd - 1.0 / unmoved_usd) * spot_usd
            }
        };
        self.add("curve_usd", curve_usd);
        self.add("carry_usd", -curve_usd);
        let added = (target - kept).abs();
        if target == 0.0 {
            self.legs[h].planned_carry = carry;
        } else {
            self.legs[h].planned_carry = (kept.abs() * entered + added * carry) / target.abs();
        }
    }

    /// Money of a leg's account or of the plan's account, in its currency.
    pub fn receive(&mut self, h: usize, who: Who, amount: f64) {
        let account = &mut self.accounts[self.legs[h].hedge.account];
        match who {
            Who::Planned => account.planned_gain += amount,
            Who::Actual => account.balance += amount,
        }
    }

    /// Pays the costs of a trade.
    pub fn pay(&mut self, h: usize, who: Who, cost: Cost, purpose: Purpose) {
        self.receive(h, who, -cost.total());
        if who == Who::Planned {
            return;
        }
        let currency_usd = self.currency_usd(self.legs[h].hedge.account, &self.end);
        self.add("fees_usd", -cost.fee * currency_usd);
        self.add(purpose.slippage_column(), -cost.slippage * currency_usd);
        self.add(purpose.column(), cost.total() * currency_usd);
        self.legs[h].pnl_usd -= cost.total() * currency_usd;
    }

    /// Buys or writes an option, or closes it at its value.
    pub fn trade_option_to(&mut self, h: usize, who: Who, target: f64, purpose: Purpose) {
        let sold = target - self.legs[h].position(who).size;
        let value = OptionNow::new(self.contract(h), &self.end).value();
        let cost = self.option_cost(h, sold);
        self.position_mut(h, who).size = target;
        self.receive(h, who, sold * value);
        self.pay(h, who, cost, purpose);
        if who == Who::Actual {
            self.tell(&format!("hedge {h}: {sold} options sold at {value}"));
        }
    }

    /// Whether a leg follows the decisions of the plan: its account has not been closed by the venue since.
    pub fn follows_plan(&self, h: usize) -> bool {
        self.accounts[self.legs[h].hedge.account]
            .flat_since_step
            .is_none()
    }

    /// Trades the actual future to a size; an increase only as far as the account's initial margin and the caps allow.
    pub fn trade_actual_as_far_as_margin_goes(&mut self, h: usize, wanted: f64, purpose: Purpose) {
        let mark_usd = self.mark_now(h);
        let present = self.legs[h].actual.size;
        let mut target = wanted;
        if wanted.abs() > present.abs() {
            let is_too_large = |share: f64| {
                let size = present + share * (wanted - present);
                !self.is_margined_with(&[(h, size)])
            };
            let share = largest_share(is_too_large);
            target = present + share * (wanted - present);
            if target.abs() - present.abs() <= DUST_FRAC * wanted.abs() {
                target = present;
            }
            if wanted.abs() - target.abs() > ROUNDING_FRAC * wanted.abs() {
                self.add("cut_trades", 1.0);
                self.tell(&format!(
                    "hedge {h}: trade cut, {wanted} wanted, {target} allowed"
                ));
            }
        }
        self.trade_to(h, Who::Actual, target, mark_usd, purpose);
    }

    /// Re-entry: all futures of an account to the same share of what is planned.
    pub fn reenter_futures(&mut self, a: usize) {
        let futures: Vec<usize> = self
            .legs_of(a)
            .into_iter()
            .filter(|&h| !self.is_option(h) && self.legs[h].planned.size != 0.0)
            .collect();
        let sizes = |share: f64| -> Vec<(usize, f64)> {
            let size = |&h: &usize| (h, share * self.legs[h].planned.size);
            futures.iter().map(size).collect()
        };
        let share = largest_share(|share| !self.is_margined_with(&sizes(share)));
        let targets = sizes(share);
        for (h, target) in targets {
            if share < 1.0 - ROUNDING_FRAC {
                self.add("cut_trades", 1.0);
                self.tell(&format!("hedge {h}: re-entry cut to {share}"));
            }
            let mark_usd = self.mark_now(h);
            self.trade_to(h, Who::Actual, target, mark_usd, Purpose::Entry);
        }
    }

    /// Whether the venue would open these sizes now: equity before costs covers the account's initial margin, and no
    /// notional is over its contract's cap.
    fn is_margined_with(&self, sizes: &[(usize, f64)]) -> bool {
        let prices = self.prices_now();
        let a = self.legs[sizes[0].0].hedge.account;
        let mut initial = self.margin(a, Who::Actual, &prices).initial;
        for &(h, size) in sizes {
            let contract = self.contract(h);
            let mark_usd = prices.mark_usd[self.legs[h].contract];
            let mut position = self.legs[h].actual;
            initial -= self.margin_of_leg(h, &position, &prices).initial;
            position.trade_to(contract.settlement, size, mark_usd);
            initial += self.margin_of_leg(h, &position, &prices).initial;
            let notional = super::leg::margined_notional(contract, &position, mark_usd);
            if notional > contract.rules.position_cap_usd() {
                return false;
            }
        }
        initial <= self.equity(a, &prices)
    }

    /// Mark at this step's end of the contract that a leg stands in, after this step's rolls.
    pub fn mark_now(&self, h: usize) -> f64 {
        self.prices_now().mark_usd[self.legs[h].contract]
    }

    /// Prices at this step's end after its rolls.
    pub fn prices_now(&self) -> super::Prices {
        self.prices_after(self.step)
    }

    /// Size of a leg's contract that shorts so many base units at a mark.
    pub fn size_of_base(&self, h: usize, base: f64) -> f64 {
        match self.contract(h).settlement {
            ContractSettlement::Inverse if !self.is_option(h) => base * self.mark_now(h),
            ContractSettlement::Linear | ContractSettlement::Inverse => base,
        }
    }

    /// Base units that a size of a leg's contract shorts now.
    pub fn base_of_size(&self, h: usize, size: f64) -> f64 {
        match self.contract(h).settlement {
            ContractSettlement::Inverse if !self.is_option(h) => size / self.mark_now(h),
            ContractSettlement::Linear | ContractSettlement::Inverse => size,
        }
    }
}

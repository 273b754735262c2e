//! Stage 7: expiries, rolls, switches, what a sale asked for, orders in parts, rebalancing, re-entry.

use hedgesim::plan::types::{
    AfterLiquidation, FundingPlan, OrderStyle, Position as Side, Rebalance, Rounding,
};

use super::holding::Followed;
use super::leg::Position;
use super::option::OptionNow;
use super::order::{Cost, Purpose, WorkedOrder};
use super::prices::{is_expired_at, is_rolled_at};
use super::{Book, Who};

const BOTH: [Who; 2] = [Who::Planned, Who::Actual];

impl Book<'_> {
    /// All decisions at a step's end below the horizon, each kind for all hedges in their order.
    pub fn stage_7_decisions(&mut self, changes: &[Followed]) {
        self.expire_options();
        let settled = self.settle_futures();
        self.roll_futures();
        self.switch_futures(&settled);
        for (h, &(from, to)) in changes.iter().enumerate() {
            self.follow_the_inventory(h, from, to);
        }
        for h in 0..self.legs.len() {
            self.rebalance_if_due(h);
        }
        for a in 0..self.accounts.len() {
            self.reenter_if_due(a);
        }
    }

    /// Options that expire now are settled at what they pay.
    pub fn expire_options(&mut self) {
        for h in 0..self.legs.len() {
            let contract = self.contract(h);
            let Some(option) = contract.option() else {
                continue;
            };
            if self.legs[h].is_over || option.expiry_step != self.step {
                continue;
            }
            let now = OptionNow::new(contract, &self.end);
            let (pays, fee) = (
                now.intrinsic(),
                now.delivery_fee(contract.rules.delivery_fee_frac),
            );
            for who in BOTH {
                let size = self.legs[h].position(who).size;
                self.receive(h, who, -size * pays);
                let cost = Cost {
                    fee: size.abs() * fee,
                    slippage: 0.0,
                };
                self.pay(h, who, cost, Purpose::Exit);
            }
            self.end_leg(h);
            self.tell(&format!("hedge {h}: option pays {pays}"));
        }
    }

    /// Futures whose last contract expires now are settled at the spot. Returns which they were.
    pub fn settle_futures(&mut self) -> Vec<usize> {
        let mut settled = Vec::new();
        for h in 0..self.legs.len() {
            let contract = self.contract(h);
            let Some(dated) = contract.dated() else {
                continue;
            };
            if self.legs[h].is_over || !is_expired_at(dated, self.step) {
                continue;
            }
            let (settlement, fee_frac) = (contract.settlement, contract.rules.delivery_fee_frac);
            let spot_usd = self.end.spot_usd[contract.underlying];
            for who in BOTH {
                let mut position = *self.legs[h].position(who);
                let notional = super::leg::traded_notional(settlement, position.size, spot_usd);
                let realised = position.trade_to(settlement, 0.0, spot_usd);
                self.receive(h, who, realised);
                let cost = Cost {
                    fee: fee_frac * notional,
                    slippage: 0.0,
                };
                self.pay(h, who, cost, Purpose::Exit);
            }
            settled.push(h);
            self.tell(&format!("hedge {h}: settled at {spot_usd}"));
        }
        let back: Vec<(usize, f64, f64)> = settled
            .iter()
            .map(|&h| (h, self.legs[h].planned.size, self.legs[h].actual.size))
            .collect();
        for &h in &settled {
            let order = self.legs[h].order;
            self.end_leg(h);
            self.legs[h].order = order;
        }
        if !self.is_horizon() {
            self.return_to_perpetuals(&back);
        }
        for &h in &settled {
            if self.legs[h].is_over {
                self.legs[h].order = None;
            }
        }
        settled
    }

    /// Legs that had left a perpetual for a future which has been settled stand in the perpetual again, at the same size.
    fn return_to_perpetuals(&mut self, back: &[(usize, f64, f64)]) {
        for &(h, planned, actual) in back {
            let home = self.legs[h].hedge.contract;
            if self.legs[h].contract == home {
                continue;
            }
            self.legs[h].contract = home;
            self.legs[h].is_over = false;
            let mark_usd = self.mark_now(h);
            self.trade_to(h, Who::Planned, planned, mark_usd, Purpose::Roll);
            self.trade_to(h, Who::Actual, actual, mark_usd, Purpose::Roll);
        }
    }

    fn end_leg(&mut self, h: usize) {
        let leg = &mut self.legs[h];
        leg.planned = Position::FLAT;
        leg.actual = Position::FLAT;
        leg.is_over = true;
        leg.order = None;
    }

    /// Chains that are rolled now: bought back at the near mark, sold at the far one, same size.
    fn roll_futures(&mut self) {
        for h in 0..self.legs.len() {
            let is_rolled = self
                .contract(h)
                .dated()
                .is_some_and(|dated| is_rolled_at(dated, self.step));
            if is_rolled && !self.legs[h].is_over {
                let near_usd = self.end.mark_usd[self.legs[h].contract];
                let far_usd = self.mark_now(h);
                let contract = self.legs[h].contract;
                self.leave_and_enter(h, near_usd, contract, far_usd);
            }
        }
    }

    /// Closes a leg at one mark and opens it at the same size in a contract at another.
    fn leave_and_enter(&mut self, h: usize, leave_usd: f64, contract: usize, enter_usd: f64) {
        let sizes = BOTH.map(|who| self.legs[h].position(who).size);
        for who in BOTH {
            self.trade_to(h, who, 0.0, leave_usd, Purpose::Roll);
        }
        self.legs[h].contract = contract;
        for (who, size) in BOTH.into_iter().zip(sizes) {
            self.trade_to(h, who, size, enter_usd, Purpose::Roll);
        }
    }

    /// Legs that leave their perpetual for a dated future, or return, on the mean of the last funding rates.
    fn switch_futures(&mut self, settled: &[usize]) {
        for h in 0..self.legs.len() {
            let Some(switch) = self.legs[h].hedge.switch else {
                continue;
            };
            let Some(mean_per_8h) = self.mean_funding_per_8h(h, switch.window_stamps) else {
                continue;
            };
            if self.legs[h].is_over || settled.contains(&h) {
                continue;
            }
            let home = self.legs[h].hedge.contract;
            let is_home = self.legs[h].contract == home;
            let is_listed = self.plan.market.contracts[switch.to]
                .dated()
                .is_some_and(|dated| !is_expired_at(dated, self.step));
            let to = if is_home && mean_per_8h < switch.below_per_8h && is_listed {
                switch.to
            } else if !is_home && mean_per_8h > switch.back_above_per_8h {
                home
            } else {
                continue;
            };
            let prices = self.prices_now();
            let leave_usd = prices.mark_usd[self.legs[h].contract];
            self.tell(&format!("hedge {h}: contract {to} from now on"));
            self.leave_and_enter(h, leave_usd, to, prices.mark_usd[to]);
        }
    }

    /// Mean rate per 8 hours of the perpetual's last stamps, at a stamp with a full window behind it.
    fn mean_funding_per_8h(&self, h: usize, window: u32) -> Option<f64> {
        let home = self.legs[h].hedge.contract;
        let (interval_steps, per_8h) = match self.plan.market.contracts[home].funding() {
            FundingPlan::None => return None,
            FundingPlan::Constant { interval_steps, .. } => (interval_steps, 1.0),
            FundingPlan::PremiumFormula {
                interval_steps,
                interval_hours,
                ..
            } => (interval_steps, 8.0 / interval_hours),
        };
        let stamps = self.step / interval_steps;
        if !self.step.is_multiple_of(interval_steps) || stamps < window {
            return None;
        }
        let rates = (stamps - window + 1..=stamps)
            .map(|stamp| self.tape.funding_rate[home][(stamp * interval_steps) as usize] * per_8h);
        Some(rates.sum::<f64>() / f64::from(window))
    }

    /// The size that the plan wants, signed, before rounding: `h X S / H` base units, short or long.
    fn wanted_base(&self, h: usize) -> f64 {
        let hedge = &self.legs[h].hedge;
        let spot_usd = self.spot_of_holding(hedge.covers);
        let underlying_usd = self.end.spot_usd[self.contract(h).underlying];
        hedge.position.sign()
            * hedge.hedge_ratio
            * self.followed_base(h)
            * (spot_usd / underlying_usd)
    }

    /// The size of the leg's contract at the hedge ratio, rounded as the plan says.
    fn wanted_size(&self, h: usize) -> f64 {
        self.rounded(h, self.size_of_base(h, self.wanted_base(h)))
    }

    /// A size in whole contracts; what is within a billionth of a whole number of contracts is that number.
    fn rounded(&self, h: usize, size: f64) -> f64 {
        let (Some(rounding), Some(contract_size)) =
            (self.legs[h].hedge.round, self.contract(h).contract_size)
        else {
            return size;
        };
        let contracts = size.abs() / contract_size;
        let nearest = contracts.round();
        let whole = if (contracts - nearest).abs() <= 1e-9 * nearest.max(1.0) {
            nearest
        } else {
            match rounding {
                Rounding::Nearest => nearest,
                Rounding::Down => contracts.floor(),
                Rounding::Up => contracts.ceil(),
            }
        };
        whole * contract_size * size.signum()
    }

    /// At time 0: opens a leg, or takes over the one that is on.
    pub fn open_leg(&mut self, h: usize) {
        if self.legs[h].is_over {
            return;
        }
        if self.is_option(h) {
            let size = self.wanted_size(h);
            for who in BOTH {
                self.trade_option_to(h, who, size, Purpose::Entry);
            }
            return;
        }
        if self.legs[h].hedge.opened.is_some() {
            let asks_for_trade = match self.legs[h].hedge.rebalance {
                Rebalance::Never => false,
                Rebalance::Every { .. } => true,
                Rebalance::Band { width } | Rebalance::DeltaBand { width } => {
                    self.is_outside_band(h, width)
                }
            };
            if asks_for_trade {
                let target = self.decided_size(h);
                self.decide(h, target, Purpose::Entry);
            }
            return;
        }
        let size = self.decided_size(h);
        let parts = self.parts(h);
        let first = size / f64::from(parts);
        let mark_usd = self.mark_now(h);
        for who in BOTH {
            self.trade_to(h, who, first, mark_usd, Purpose::Entry);
        }
        self.legs[h].order = (parts > 1).then_some(WorkedOrder {
            end: size,
            parts_left: parts - 1,
            purpose: Purpose::Entry,
        });
    }

    fn parts(&self, h: usize) -> u32 {
        match self.legs[h].hedge.order.style {
            OrderStyle::Twap { parts } => parts,
            OrderStyle::Single | OrderStyle::Iceberg { .. } | OrderStyle::Otc { .. } => 1,
        }
    }

    /// What production and sales changed: planned and actual size in proportion, as one trade.
    fn follow_the_inventory(&mut self, h: usize, from: f64, to: f64) {
        let is_unchanged = (to - from).abs() <= 1e-12 * from.abs().max(to.abs());
        if is_unchanged || self.legs[h].is_over || self.is_option(h) {
            return;
        }
        if from <= 0.0 {
            let size = self.decided_size(h);
            self.legs[h].order = None;
            self.trade_planned_to(h, size, Purpose::Rebalancing);
            if self.follows_plan(h) {
                self.trade_actual_as_far_as_margin_goes(h, size, Purpose::Rebalancing);
            }
            return;
        }
        let scale = to / from;
        let is_worked = self.legs[h].order.is_some();
        let scaled = |book: &Self, size: f64| {
            if is_worked {
                size * scale
            } else {
                book.rounded(h, size * scale)
            }
        };
        let planned = scaled(self, self.legs[h].planned.size);
        let actual = scaled(self, self.legs[h].actual.size);
        if let Some(order) = self.legs[h].order {
            let end = self.rounded(h, order.end * scale);
            self.legs[h].order = Some(WorkedOrder { end, ..order });
        }
        self.trade_planned_to(h, planned, Purpose::Rebalancing);
        if self.follows_plan(h) {
            self.trade_actual_as_far_as_margin_goes(h, actual, Purpose::Rebalancing);
        }
    }

    fn trade_planned_to(&mut self, h: usize, size: f64, purpose: Purpose) {
        let mark_usd = self.mark_now(h);
        self.trade_to(h, Who::Planned, size, mark_usd, purpose);
    }

    /// A decision that is due, or else the next part of the order that is being worked.
    fn rebalance_if_due(&mut self, h: usize) {
        if self.legs[h].is_over || self.is_option(h) {
            return;
        }
        let is_due = match self.legs[h].hedge.rebalance {
            Rebalance::Never => false,
            Rebalance::Every { steps } => self.step.is_multiple_of(steps),
            Rebalance::Band { width } | Rebalance::DeltaBand { width } => {
                self.is_outside_band(h, width)
            }
        };
        if is_due {
            let target = self.decided_size(h);
            self.decide(h, target, Purpose::Rebalancing);
        } else if let Some(order) = self.legs[h].order {
            self.work(h, order);
        }
    }

    /// Options that cover the same holding, in base units of this leg's underlying: their deltas, above 0 where they
    /// shorten, and their sizes without sign.
    fn option_deltas_and_sizes_base(&self, h: usize) -> (f64, f64) {
        let own_usd = self.end.spot_usd[self.contract(h).underlying];
        let (mut deltas, mut sizes) = (0.0, 0.0);
        for o in 0..self.legs.len() {
            if !self.is_option(o) || self.legs[o].is_over {
                continue;
            }
            if self.legs[o].hedge.covers == self.legs[h].hedge.covers {
                let option_usd = self.end.spot_usd[self.contract(o).underlying];
                deltas += self.planned_delta_base(o) * option_usd / own_usd;
                sizes += self.legs[o].planned.size.abs() * option_usd / own_usd;
            }
        }
        (deltas, sizes)
    }

    /// Whether the size that the plan has, or is working towards, is off the ratio by more than the width.
    fn is_outside_band(&self, h: usize, width: f64) -> bool {
        let hedge = &self.legs[h].hedge;
        let (deltas, sizes) = match hedge.rebalance {
            Rebalance::DeltaBand { .. } => self.option_deltas_and_sizes_base(h),
            Rebalance::Never | Rebalance::Every { .. } | Rebalance::Band { .. } => (0.0, 0.0),
        };
        let size = self.legs[h]
            .order
            .map_or(self.legs[h].planned.size, |order| order.end);
        let spot_usd = self.spot_of_holding(hedge.covers);
        let underlying_usd = self.end.spot_usd[self.contract(h).underlying];
        let unit_base = self.followed_base(h) * spot_usd / underlying_usd;
        let wanted_base = hedge.position.sign() * hedge.hedge_ratio * unit_base;
        let gap_base = self.base_of_size(h, size) + deltas - wanted_base;
        let dust_base = 1e-12 * (wanted_base.abs() + sizes);
        gap_base.abs() > width * unit_base + dust_base
    }

    /// The size that a decision of this leg's rule goes to.
    fn decided_size(&self, h: usize) -> f64 {
        let hedge = &self.legs[h].hedge;
        if matches!(hedge.rebalance, Rebalance::DeltaBand { .. }) {
            let wanted = self.wanted_base(h);
            let (deltas, sizes) = self.option_deltas_and_sizes_base(h);
            let rest = wanted - deltas;
            // A hedge never turns over to the other side, and what rounding leaves is none.
            let kept = match hedge.position {
                _ if rest.abs() <= 1e-12 * (wanted.abs() + sizes) => 0.0,
                Side::Short => rest.max(0.0),
                Side::Long => rest.min(0.0),
            };
            self.rounded(h, self.size_of_base(h, kept))
        } else {
            self.wanted_size(h)
        }
    }

    /// The plan goes to a size, at once or in parts, and the actual leg follows as far as it can.
    fn decide(&mut self, h: usize, target: f64, purpose: Purpose) {
        let order = WorkedOrder {
            end: target,
            parts_left: self.parts(h),
            purpose,
        };
        self.work(h, order);
    }

    /// One part of an order.
    fn work(&mut self, h: usize, order: WorkedOrder) {
        let present = self.legs[h].planned.size;
        let size = if order.parts_left == 1 {
            order.end
        } else {
            present + (order.end - present) / f64::from(order.parts_left)
        };
        self.legs[h].order = (order.parts_left > 1).then_some(WorkedOrder {
            parts_left: order.parts_left - 1,
            ..order
        });
        self.trade_planned_to(h, size, order.purpose);
        if self.follows_plan(h) {
            self.trade_actual_as_far_as_margin_goes(h, size, order.purpose);
        }
    }

    /// A new hedge with the whole reserve, if the policy wants one, it is due, there is money and something to hedge.
    fn reenter_if_due(&mut self, a: usize) {
        let (Some(flat_since_step), AfterLiquidation::Reenter { after_steps }) = (
            self.accounts[a].flat_since_step,
            self.plan.accounts[a].after_liquidation,
        ) else {
            return;
        };
        let is_wanted = self
            .legs_of(a)
            .into_iter()
            .any(|h| !self.is_option(h) && self.legs[h].planned.size != 0.0);
        let money_usd = self.accounts[a].reserve_usd;
        if self.step < flat_since_step + after_steps || money_usd < 0.01 || !is_wanted {
            return;
        }
        let currency_usd = self.currency_usd(a, &self.end);
        let account = &mut self.accounts[a];
        account.reserve_usd = 0.0;
        account.balance += money_usd / currency_usd;
        account.net_contributed_usd += money_usd;
        account.flat_since_step = None;
        account.is_armed = true;
        self.post(a, money_usd);
        self.tell(&format!("account {a}: re-entry with {money_usd}"));
        self.reenter_futures(a);
    }
}

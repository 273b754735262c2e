//! Stages 6 and 7: production and sales, expiry and rolls, switches, rebalancing, re-entry, and the end of it all.

use crate::hedge::target::target_short_base;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::rules::{BookRules, HedgeRule};
use crate::ledger::book::state::{NEVER, Order};
use crate::ledger::book::trading::{Purpose, TradeCosts, delivery_fee};
use crate::ledger::event::{LedgerEvent, Subject};
use crate::ledger::trades::is_short_of;
use crate::plan::types::{OrderStyle, Rounding};

/// A reserve of less than a cent opens no new hedge.
const SMALLEST_REENTRY_USD: f64 = 0.01;

/// How narrow the common share of a re-entry is bracketed.
const SHARE_TOLERANCE: f64 = 1e-15;

/// A size may miss a whole number of contracts by this rounding error.
const CONTRACT_ROUNDING: f64 = 1e-9;

/// What a hedge's size depends on at a decision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    /// Followed quantity.
    pub(super) followed_base: f64,
    /// Spot of the held asset, USD.
    pub(super) spot_usd: f64,
    /// Spot of the contract's underlying, USD.
    pub(super) underlying_usd: f64,
    /// Short that options make already, base units of the underlying.
    pub(super) option_base: f64,
}

/// Size of a hedge's leg at a decision, rounded as the plan says.
pub(super) fn target_size(
    rules: &BookRules,
    hedge: &HedgeRule,
    l: usize,
    unit: f64,
    decision: &Decision,
) -> f64 {
    let wanted_base = hedge.sign
        * target_short_base(
            hedge.hedge_ratio,
            decision.followed_base,
            decision.spot_usd,
            decision.underlying_usd,
        )
        - decision.option_base;
    let contract = &rules.contracts[rules.legs[l].contract];
    let size = if contract.is_inverse && !rules.legs[l].is_option {
        -wanted_base / unit
    } else {
        wanted_base
    };
    rounded(rules, hedge, l, size)
}

/// A size in whole contracts, if the hedge is rounded.
pub(super) fn rounded(rules: &BookRules, hedge: &HedgeRule, l: usize, size: f64) -> f64 {
    let contract = &rules.contracts[rules.legs[l].contract];
    let (Some(rounding), Some(contract_size)) = (hedge.round, contract.contract_size) else {
        return size;
    };
    let contracts = size.abs() / contract_size;
    let whole = match rounding {
        Rounding::Nearest => contracts.round(),
        Rounding::Down => (contracts + CONTRACT_ROUNDING).floor(),
        Rounding::Up => (contracts - CONTRACT_ROUNDING).ceil(),
    };
    (whole * contract_size).copysign(size)
}

impl Lane<'_> {
    /// Stage 6: production and sales at spot; futures legs change in proportion to what they follow.
    pub(super) fn trade_inventory(&mut self) {
        let rules = self.rules;
        let (step, lane) = (self.step, self.lane);
        if !rules.schedule.has_trade(step) {
            return;
        }
        for (j, holding) in rules.holdings.iter().enumerate() {
            let spot_usd = self.spot_usd(holding.asset);
            let (produced_base, cost_usd) = rules.schedule.produced(j, step);
            let sold_base = rules.schedule.sold_base(j, step);
            let sale_usd = sold_base * spot_usd;
            let state = self.holding_mut(j);
            state.production_usd += cost_usd;
            state.sales_usd += sale_usd;
            let hot = &mut self.state.hot;
            hot.outside_usd[lane] += sale_usd * (1.0 - rules.slippage_frac) - cost_usd;
            for follows in [
                crate::plan::types::Follows::Inventory,
                crate::plan::types::Follows::Expected,
            ] {
                let (before, after) = rules.schedule.followed(j, follows, step);
                if step < rules.steps {
                    hot.turnover_usd[follows as usize][j][lane] += (after - before) * spot_usd;
                }
            }
            if produced_base > 0.0 {
                self.tell(
                    Subject::Holding(j),
                    LedgerEvent::Produced {
                        quantity_base: produced_base,
                        cost_usd,
                    },
                );
            }
            if sold_base > 0.0 {
                self.tell(
                    Subject::Holding(j),
                    LedgerEvent::Sold {
                        quantity_base: sold_base,
                        spot_usd,
                    },
                );
            }
            if step < rules.steps {
                self.settle_early_sales(j, spot_usd);
            }
        }
        if step == rules.steps {
            return;
        }
        for (h, hedge) in rules.hedges.iter().enumerate() {
            let (before, after) = rules.schedule.followed(hedge.holding, hedge.follows, step);
            if hedge.is_option || before.to_bits() == after.to_bits() {
                continue;
            }
            let l = self.current_leg(h);
            if self.is_over(l) {
                continue;
            }
            let (planned, held) = {
                let hot = &self.state.hot;
                (hot.planned[l][lane], hot.size[l][lane])
            };
            let is_live = self.account(hedge.account).is_live;
            if before > 0.0 {
                let kept = after / before;
                self.leg_mut(l).order.target *= kept;
                self.trade_plan(l, rounded(rules, hedge, l, planned * kept));
                let wanted = rounded(rules, hedge, l, held * kept);
                self.trade_up_to(l, wanted, Purpose::Rebalancing);
            } else {
                let target = self.target(h, l, after);
                self.leg_mut(l).order.parts_left = 0;
                self.trade_plan(l, target);
                if is_live {
                    self.trade_up_to(l, target, Purpose::Rebalancing);
                }
            }
        }
    }

    /// Coins that are gone cannot be sold: what the plan has sold of them is owed to it at today's spot.
    fn settle_early_sales(&mut self, j: usize, spot_usd: f64) {
        if self.holding(j).early_base <= 0.0 {
            return;
        }
        let left_base =
            (self.rules.schedule.after_base(j, self.step) - self.posted_of_holding(j)).max(0.0);
        let settled_base = self.holding(j).early_base - left_base;
        if settled_base <= 0.0 {
            return;
        }
        let lane = self.lane;
        let settled_usd = settled_base * spot_usd;
        let holding = self.holding_mut(j);
        holding.early_base = left_base;
        holding.early_turnover_usd -= settled_usd;
        holding.early_settled_usd += settled_usd;
        let hot = &mut self.state.hot;
        hot.extra[self.rules.holdings[j].asset][lane] += settled_base;
        hot.outside_usd[lane] -= settled_usd;
    }

    /// The leg that a hedge is in.
    pub(super) fn current_leg(&self, h: usize) -> usize {
        let hedge = &self.rules.hedges[h];
        match hedge.alternative {
            Some(alternative) if self.state.hot.switched[h][self.lane] != 0.0 => alternative,
            _ => hedge.leg,
        }
    }

    /// Whether a leg's contract has been settled.
    fn is_over(&self, l: usize) -> bool {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        contract.is_over(self.step)
    }

    /// Stage 7: options expire, futures are settled, chains are rolled.
    pub(super) fn expire_and_roll(&mut self) {
        let (rules, step) = (self.rules, self.step);
        for is_option in [true, false] {
            for (l, leg) in rules.legs.iter().enumerate() {
                if leg.is_option == is_option && rules.contracts[leg.contract].is_settled(step) {
                    self.settle_leg(l);
                }
            }
        }
        for (l, leg) in rules.legs.iter().enumerate() {
            if rules.contracts[leg.contract].is_rolled(step) {
                self.roll(l);
            }
        }
    }

    /// A leg is settled in cash at the end's unit; a hedge that had switched into it goes back.
    fn settle_leg(&mut self, l: usize) {
        let rules = self.rules;
        let lane = self.lane;
        let hedge = &rules.hedges[rules.legs[l].hedge];
        let unit = self.work.now.unit[l];
        let conditions = self.conditions(l);
        let (planned, held) = (
            self.state.hot.planned[l][lane],
            self.state.hot.size[l][lane],
        );
        self.move_plan(l, 0.0, delivery_fee(rules, l, planned, unit, &conditions));
        if held != 0.0 {
            let costs = TradeCosts {
                fee: delivery_fee(rules, l, held, unit, &conditions),
                away: 0.0,
            };
            self.move_held(l, 0.0);
            self.charge(l, &costs, Purpose::Exit);
            self.tell(
                self.hedge_of(l),
                LedgerEvent::Settled {
                    size_base: self.base_size(l, held, unit),
                    price_usd: self.mark_of(l, unit),
                },
            );
        }
        let order = self.leg(l).order;
        self.leg_mut(l).order.parts_left = 0;
        let is_back = hedge.alternative == Some(l)
            && self.state.hot.switched[rules.legs[l].hedge][lane] != 0.0;
        if is_back {
            self.state.hot.switched[rules.legs[l].hedge][lane] = 0.0;
            self.leg_mut(hedge.leg).order = order;
            let (planned, held) = (
                self.converted(l, hedge.leg, planned),
                self.converted(l, hedge.leg, held),
            );
            self.trade_plan(hedge.leg, planned);
            self.trade(hedge.leg, held, Purpose::Roll, false);
        }
    }

    /// A size of one leg as the same exposure in another: `q` of linear contracts, USD of inverse ones.
    fn converted(&self, from: usize, to: usize, size: f64) -> f64 {
        let is_inverse = |l: usize| self.rules.contracts[self.rules.legs[l].contract].is_inverse;
        match (is_inverse(from), is_inverse(to)) {
            (false, false) | (true, true) => size,
            (false, true) => -size / self.work.now.unit[to],
            (true, false) => -size * self.work.now.unit[from],
        }
    }

    /// Buys back at the near mark and sells at the far one: no cash moves but the costs.
    fn roll(&mut self, l: usize) {
        let rules = self.rules;
        let lane = self.lane;
        let leg = &rules.legs[l];
        let near = self.work.now.unit[l];
        let far = self.series.unit_after(leg.contract, self.k, lane);
        let (planned, held) = (
            self.state.hot.planned[l][lane],
            self.state.hot.size[l][lane],
        );
        let both = |size: f64| {
            let (out, back) = (
                self.trade_costs(l, size, near),
                self.trade_costs(l, size, far),
            );
            TradeCosts {
                fee: out.fee + back.fee,
                away: out.away + back.away,
            }
        };
        let (planned_costs, costs) = (both(planned), both(held));
        self.work.now.unit[l] = far;
        let hot = &mut self.state.hot;
        hot.planned_cash[leg.account][lane] += planned * (far - near) - planned_costs.sum();
        hot.cash[leg.account][lane] += held * (far - near);
        hot.entry[l][lane] = far;
        hot.planned_entry[l][lane] = far;
        if held != 0.0 {
            self.charge(l, &costs, Purpose::Roll);
            self.tell(
                self.hedge_of(l),
                LedgerEvent::Rolled {
                    size_base: self.base_size(l, held, far),
                    near_usd: self.mark_of(l, near),
                    far_usd: self.mark_of(l, far),
                },
            );
        }
    }

    /// Stage 7: hedges leave a perpetual whose funding is poor, and return.
    pub(super) fn switch(&mut self) {
        for (h, hedge) in self.rules.hedges.iter().enumerate() {
            let (Some(switch), Some(alternative)) = (&hedge.switch, hedge.alternative) else {
                continue;
            };
            let Some(means) = self.series.mean_rate(h, self.k) else {
                continue;
            };
            let mean = means[self.lane];
            let is_away = self.state.hot.switched[h][self.lane] != 0.0;
            let (from, to) = if is_away {
                (alternative, hedge.leg)
            } else {
                (hedge.leg, alternative)
            };
            let wants = if is_away {
                mean > switch.back_above_per_8h
            } else {
                mean < switch.below_per_8h
            };
            if !wants || self.is_over(to) {
                continue;
            }
            self.state.hot.switched[h][self.lane] = if is_away { 0.0 } else { 1.0 };
            self.tell(
                self.hedge_of(from),
                LedgerEvent::Switched {
                    to: self.rules.legs[to].contract,
                    mean_per_8h: mean,
                },
            );
            let order = self.leg(from).order;
            self.leg_mut(from).order.parts_left = 0;
            let target = self.converted(from, to, order.target);
            self.leg_mut(to).order = Order { target, ..order };
            let (planned, held) = (
                self.state.hot.planned[from][self.lane],
                self.state.hot.size[from][self.lane],
            );
            self.trade_plan(from, 0.0);
            self.trade_plan(to, self.converted(from, to, planned));
            self.trade(from, 0.0, Purpose::Roll, false);
            self.trade(to, self.converted(from, to, held), Purpose::Roll, false);
        }
    }

    /// Stage 7: each plan's own rule on market data; the held size follows, cut to what it can margin.
    pub(super) fn decide(&mut self) {
        let rules = self.rules;
        for (h, hedge) in rules.hedges.iter().enumerate() {
            let l = self.current_leg(h);
            if hedge.is_option || self.is_over(l) {
                continue;
            }
            if self.is_due(h, l) {
                let (_, followed) =
                    rules
                        .schedule
                        .followed(hedge.holding, hedge.follows, self.step);
                let parts = match hedge.order.style {
                    OrderStyle::Twap { parts } => parts,
                    OrderStyle::Single | OrderStyle::Iceberg { .. } | OrderStyle::Otc { .. } => 1,
                };
                let target = self.target(h, l, followed);
                self.leg_mut(l).order = Order {
                    target,
                    parts_left: parts,
                    is_entry: false,
                };
            }
            self.work_order(l);
        }
    }

    /// Trades the next part of a leg's order, if there is one.
    fn work_order(&mut self, l: usize) {
        let order = self.leg(l).order;
        if order.parts_left == 0 {
            return;
        }
        self.leg_mut(l).order.parts_left -= 1;
        let part = |size: f64| {
            if order.parts_left == 1 {
                order.target
            } else {
                size + (order.target - size) / f64::from(order.parts_left)
            }
        };
        let hot = &self.state.hot;
        let (planned, held) = (hot.planned[l][self.lane], hot.size[l][self.lane]);
        self.trade_plan(l, part(planned));
        if self.account(self.rules.legs[l].account).is_live {
            let purpose = if order.is_entry {
                Purpose::Entry
            } else {
                Purpose::Rebalancing
            };
            self.trade_up_to(l, part(held), purpose);
        }
    }

    /// Size that a hedge wants of leg `l` now.
    fn target(&self, h: usize, l: usize, followed_base: f64) -> f64 {
        let hedge = &self.rules.hedges[h];
        let decision = Decision {
            followed_base,
            spot_usd: self.spot_usd(hedge.held),
            underlying_usd: self.spot_usd(hedge.underlying),
            option_base: if hedge.delta_band().is_some() {
                self.option_base(h)
            } else {
                0.0
            },
        };
        target_size(self.rules, hedge, l, self.work.now.unit[l], &decision)
    }

    /// What the planned options on a hedge's holding are short, base units of the hedge's underlying.
    fn option_base(&self, h: usize) -> f64 {
        let hedge = &self.rules.hedges[h];
        hedge
            .option_legs
            .iter()
            .map(|&o| {
                let contract = self.rules.legs[o].contract;
                let underlying = self.rules.contracts[contract].underlying;
                let delta = self.series.delta(contract, self.k)[self.lane];
                let prices = self.spot_usd(underlying) / self.spot_usd(hedge.underlying);
                self.state.hot.planned[o][self.lane] * delta * prices
            })
            .sum()
    }

    /// Whether a hedge's rule asks for a new size; an order that is still worked counts as done.
    fn is_due(&self, h: usize, l: usize) -> bool {
        let hedge = &self.rules.hedges[h];
        if hedge.is_periodic(self.step) {
            return true;
        }
        let (width, option_base) = match (hedge.band(), hedge.delta_band()) {
            (Some(width), _) => (width, 0.0),
            (_, Some(width)) => (width, self.option_base(h)),
            (None, None) => return false,
        };
        let order = &self.leg(l).order;
        let size = if order.parts_left > 0 {
            order.target
        } else {
            self.state.hot.planned[l][self.lane]
        };
        let short_base = self.base_size(l, size, self.work.now.unit[l]) + option_base;
        let (_, followed) = self
            .rules
            .schedule
            .followed(hedge.holding, hedge.follows, self.step);
        is_outside_band(
            short_base,
            self.spot_usd(hedge.underlying),
            hedge.sign * hedge.hedge_ratio,
            followed * self.spot_usd(hedge.held),
            width,
        )
    }

    /// Trades the held size to `wanted`; if that is an increase, cut to what the whole account can margin.
    fn trade_up_to(&mut self, l: usize, wanted: f64, purpose: Purpose) {
        let a = self.rules.legs[l].account;
        let held = self.state.hot.size[l][self.lane];
        let mut target = wanted;
        let mut is_cut = false;
        let is_turned = held * wanted < 0.0;
        if wanted.abs() > held.abs() || is_turned {
            let kept = if is_turned { 0.0 } else { held.abs() };
            let allowed = self.largest_size(a, l).max(kept);
            if is_short_of(allowed, wanted.abs()) {
                target = allowed.copysign(wanted);
                is_cut = true;
                self.path_mut().cut_trades += 1;
            }
        }
        self.trade(l, target, purpose, is_cut);
    }

    /// Stage 7: the account's futures are opened anew with the whole reserve, all cut in the same proportion to what initial
    /// margin allows.
    pub(super) fn reenter(&mut self, a: usize) {
        let rules = self.rules;
        let lane = self.lane;
        let account = self.account(a);
        if account.is_live || self.step < account.reentry_step as usize {
            return;
        }
        let collateral_usd = account.reserve_usd;
        let arrival_step = account.arrival_step;
        let is_wanted =
            |l: &usize| !rules.legs[*l].is_option && self.state.hot.planned[*l][lane] != 0.0;
        let is_any = rules.accounts[a].legs.iter().any(|l| is_wanted(l));
        if collateral_usd < SMALLEST_REENTRY_USD || !is_any {
            // Only a transfer that is still under way can fill the reserve again.
            self.account_mut(a).reentry_step = arrival_step;
            return;
        }
        let account = self.account_mut(a);
        account.reentry_step = NEVER;
        account.reserve_usd = 0.0;
        account.is_live = true;
        account.is_armed = true;
        self.post_at_once(a, collateral_usd);
        let share = self.affordable_share(a);
        let is_cut = is_short_of(share, 1.0);
        if is_cut {
            self.path_mut().cut_trades += 1;
        }
        let mut told = 0.0;
        for &l in &rules.accounts[a].legs {
            let planned = self.state.hot.planned[l][lane];
            if !rules.legs[l].is_option && planned != 0.0 {
                let size = if share < 1.0 {
                    planned * share
                } else {
                    planned
                };
                self.trade(l, size, Purpose::Entry, false);
                told += self.base_size(l, size, self.work.now.unit[l]);
            }
        }
        self.tell(
            Subject::Account(a),
            LedgerEvent::Reentered {
                short_base: told,
                collateral_usd,
                is_cut,
            },
        );
    }

    /// The share of all its planned futures that an empty account can margin, up to 1.
    fn affordable_share(&self, a: usize) -> f64 {
        let rules = self.rules;
        let equity = self.margin(a, &self.work.now).equity;
        let planned = |l: usize| self.state.hot.planned[l][self.lane];
        let mut wanted = rules.accounts[a]
            .legs
            .iter()
            .copied()
            .filter(|&l| !rules.legs[l].is_option && planned(l) != 0.0);
        let (first, others) = (wanted.next(), wanted.next());
        if let (Some(l), None) = (first, others) {
            let contract = &rules.contracts[rules.legs[l].contract];
            let notional = planned(l).abs() * self.work.now.unit[l];
            return (contract.venue.largest_notional_usd(equity) / notional).min(1.0);
        }
        let fits = |share: f64| {
            let mut margin = 0.0;
            for &l in &rules.accounts[a].legs {
                if rules.legs[l].is_option || planned(l) == 0.0 {
                    continue;
                }
                let contract = &rules.contracts[rules.legs[l].contract];
                let size = planned(l) * share;
                if size.abs() * self.work.now.unit[l] > contract.venue.position_cap_usd() {
                    return false;
                }
                margin += self.initial_margin(l, size);
            }
            margin <= equity
        };
        if fits(1.0) {
            return 1.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        while high - low > SHARE_TOLERANCE {
            let middle = 0.5 * (low + high);
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The horizon: every position is settled or closed, with its costs.
    pub(super) fn close(&mut self) {
        let rules = self.rules;
        let lane = self.lane;
        for (l, leg) in rules.legs.iter().enumerate() {
            let size = self.state.hot.size[l][lane];
            self.leg_mut(l).final_size = size;
            if size == 0.0 {
                continue;
            }
            let unit = self.work.now.unit[l];
            let costs = if rules.contracts[leg.contract].is_settled(self.step) {
                let conditions = self.conditions(l);
                TradeCosts {
                    fee: delivery_fee(rules, l, size, unit, &conditions),
                    away: 0.0,
                }
            } else {
                self.trade_costs(l, size, unit)
            };
            let hot = &mut self.state.hot;
            hot.cash[leg.account][lane] -= size * unit;
            hot.size[l][lane] = 0.0;
            self.charge(l, &costs, Purpose::Exit);
            self.tell(
                self.hedge_of(l),
                LedgerEvent::Closed {
                    short_base: self.base_size(l, size, unit),
                    mark_usd: self.mark_of(l, unit),
                },
            );
        }
        for a in 0..rules.accounts.len() {
            self.write_off(a);
        }
    }

    /// Nobody owes the venue more than the account holds.
    fn write_off(&mut self, a: usize) {
        let account = &self.rules.accounts[a];
        let coins_usd: f64 = if account.coin.is_some() {
            0.0
        } else {
            let slots = account.slots.clone();
            slots
                .map(|s| self.slot(s).coins * self.spot_usd(self.rules.slots[s].asset))
                .sum()
        };
        let rate_usd = self.rate_usd(a);
        let hot = &mut self.state.hot;
        let shortfall = -hot.cash[a][self.lane] - coins_usd;
        if shortfall <= 0.0 {
            return;
        }
        hot.cash[a][self.lane] += shortfall;
        let path = self.path_mut();
        path.liquidation_usd += shortfall * rate_usd;
        path.bankruptcy_usd += shortfall * rate_usd;
    }
}

/// Whether `|q H - h X S| > width X S`.
pub(super) fn is_outside_band(
    short_base: f64,
    underlying_usd: f64,
    signed_ratio: f64,
    exposure_usd: f64,
    width: f64,
) -> bool {
    let gap_usd = short_base.mul_add(underlying_usd, -signed_ratio * exposure_usd);
    gap_usd.abs() > width * exposure_usd
}

//! Stage 7 before rebalancing: expiry, settlement, rolls and switches.

use crate::ledger::book::lane::Lane;
use crate::ledger::book::state::Order;
use crate::ledger::book::trading::{Purpose, TradeCosts, costs, delivery_fee};
use crate::ledger::event::LedgerEvent;

impl Lane<'_> {
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
        self.roll_chains();
    }

    /// Chains are rolled.
    pub(super) fn roll_chains(&mut self) {
        for (l, leg) in self.rules.legs.iter().enumerate() {
            if self.rules.contracts[leg.contract].is_rolled(self.step) {
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
        let conditions = self.conditions(l);
        let both = |size: f64| {
            let (out, back) = (
                costs(rules, l, size, near, &conditions),
                costs(rules, l, size, far, &conditions),
            );
            TradeCosts {
                fee: out.fee + back.fee,
                away: out.away + back.away,
            }
        };
        let planned_costs = both(planned);
        let costs = if held.to_bits() == planned.to_bits() {
            planned_costs
        } else {
            both(held)
        };
        // The planned size is closed at the near mark and entered again at the far one.
        self.enter_curve(l, planned, 0.0);
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
}

//! Production and sales of inventory, and what hedges do at once.

use crate::ledger::book::lane::Lane;
use crate::ledger::book::policies::rounded;
use crate::ledger::book::trading::Purpose;
use crate::ledger::event::{LedgerEvent, Subject};
use crate::plan::types::Follows;

impl Lane<'_> {
    /// Stage 6: production and sales at spot.
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
            for follows in [Follows::Inventory, Follows::Expected] {
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
    }

    /// Stage 7: futures legs change in proportion to what production and sales have left of what they follow.
    pub(super) fn follow_inventory(&mut self) {
        let rules = self.rules;
        let (step, lane) = (self.step, self.lane);
        if !rules.schedule.has_trade(step) {
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
            if before > 0.0 {
                let kept = after / before;
                let order = self.leg(l).order;
                // What an order is still working is in no whole contracts before its end.
                let is_worked = order.parts_left > 0;
                let scaled = |size: f64| {
                    if is_worked {
                        size * kept
                    } else {
                        rounded(rules, hedge, l, size * kept)
                    }
                };
                self.leg_mut(l).order.target = rounded(rules, hedge, l, order.target * kept);
                self.trade_plan(l, scaled(planned));
                self.trade_up_to(l, scaled(held), Purpose::Rebalancing);
            } else {
                let target = self.target(h, l, after);
                self.leg_mut(l).order.parts_left = 0;
                self.trade_plan(l, target);
                if self.account(hedge.account).is_live {
                    self.trade_up_to(l, target, Purpose::Rebalancing);
                }
            }
        }
    }

    /// Stage 6: what has been sold early or lost would have grown; the side without a hedge still has it.
    pub(super) fn stake(&mut self) {
        let rules = self.rules;
        let lane = self.lane;
        for (j, rule) in rules.holdings.iter().enumerate() {
            if !rules.schedule.has_staking(j) {
                continue;
            }
            let growth = rules.schedule.growth(j);
            let grown_base = self.holding(j).early_base * growth;
            self.holding_mut(j).early_base += grown_base;
            self.state.hot.extra[rule.asset][lane] -= grown_base;
            for (s, slot) in rules.slots.iter().enumerate() {
                if slot.holding != Some(j) {
                    continue;
                }
                let grown_base = self.lost_base(s) * growth;
                self.slot_mut(s).posted += grown_base;
                let a = slot.account;
                if rules.accounts[a].coin.is_some() {
                    let grown_usd = grown_base * self.rate_usd(a);
                    self.state.hot.beyond[a][lane] -= grown_base;
                    self.state.hot.revaluation_usd[a][lane] -= grown_usd;
                } else {
                    self.state.hot.extra[slot.asset][lane] -= grown_base;
                }
            }
        }
    }

    /// Coins of a holding that were posted and are gone.
    pub(super) fn lost_base(&self, s: usize) -> f64 {
        let (slot, a) = (self.slot(s), self.rules.slots[s].account);
        if self.rules.accounts[a].coin.is_none() {
            slot.posted - slot.coins
        } else if self.account(a).liquidations > 0 {
            // Those of a coin account are in its balance until the venue closes it.
            slot.posted
        } else {
            0.0
        }
    }

    /// Whether coins that are gone would grow.
    pub(super) fn has_grown_loss(&self) -> bool {
        let rules = self.rules;
        (0..rules.holdings.len()).any(|j| {
            rules.schedule.has_staking(j)
                && (self.holding(j).early_base > 0.0
                    || (0..rules.slots.len())
                        .any(|s| rules.slots[s].holding == Some(j) && self.lost_base(s) > 0.0))
        })
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
}

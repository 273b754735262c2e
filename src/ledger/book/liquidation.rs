//! The venue closes an account: every leg at the fill, costs, what is left of money and coins.

use crate::ledger::book::lane::Lane;
use crate::ledger::book::margin::Prices;
use crate::ledger::book::state::SlotState;
use crate::ledger::book::trading::impact_frac;
use crate::ledger::event::{LedgerEvent, LiquidationCause, Subject};
use crate::math::random::address_number;
use crate::plan::types::AfterLiquidation;
use crate::venue::rules::Remainder;

/// What a liquidation has cost and left, USD.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
struct Settlement {
    /// To the reserve.
    returned_usd: f64,
    /// Coins of holdings that went back to the inventory, at their value.
    inventory_usd: f64,
    forfeited_usd: f64,
    bankruptcy_usd: f64,
}

impl Lane<'_> {
    /// Closes account `a` at the prices in `work.trial`; `has_paid` says that the step's stamps have been paid.
    pub(super) fn liquidate(&mut self, a: usize, cause: LiquidationCause, has_paid: bool) {
        let rules = self.rules;
        let lane = self.lane;
        let margin = self.margin(a, &self.work.trial);
        if self.keeps_shortfalls && rules.accounts[a].coin.is_none() {
            let shortfall_usd = self.shortfall_usd(a, &self.work.trial);
            self.keep_shortfall(a, shortfall_usd);
        }
        self.record_margin(a, margin.maintenance, margin.equity);
        let rate_usd = self.rate_usd(a);
        let mut cost = 0.0;
        let mut told = (0.0, 0.0);
        let mut closed_notional = 0.0;
        for &l in &rules.accounts[a].legs {
            let size = self.state.hot.size[l][lane];
            if size == 0.0 {
                continue;
            }
            let notional = self.closed_notional(l, size, &self.work.trial);
            // Until it is known what there is to share, the final size keeps the leg's part of it.
            self.leg_mut(l).final_size = notional;
            closed_notional += notional;
            let leg_cost = self.close_at_fill(l, has_paid);
            self.leg_mut(l).costs_usd += leg_cost * rate_usd;
            cost += leg_cost;
            if rules.accounts[a].legs.len() > 1 {
                let unit = self.work.trial.unit[l];
                self.tell(
                    self.hedge_of(l),
                    LedgerEvent::ClosedByVenue {
                        size_base: self.base_size(l, size, unit),
                        fill_usd: self.mark_of(l, unit),
                    },
                );
            }
            if !rules.legs[l].is_option && told.1 == 0.0 {
                let unit = self.work.trial.unit[l];
                told = (self.mark_of(l, unit), self.base_size(l, size, unit));
            }
        }
        let left = self.state.hot.cash[a][lane] - cost;
        self.state.hot.cash[a][lane] = 0.0;
        let settled = if rules.accounts[a].coin.is_some() {
            self.settle_coins(a, left, rate_usd)
        } else {
            self.settle_usd(a, left)
        };
        let shared_usd = settled.bankruptcy_usd - settled.forfeited_usd;
        for &l in &rules.accounts[a].legs {
            let leg = self.leg_mut(l);
            if leg.final_size > 0.0 {
                leg.costs_usd -= shared_usd * leg.final_size / closed_notional;
            }
            leg.final_size = 0.0;
        }
        let path = self.path_mut();
        path.liquidation_usd += settled.bankruptcy_usd - cost * rate_usd - settled.forfeited_usd;
        path.bankruptcy_usd += settled.bankruptcy_usd;
        self.take_posted(a, settled.returned_usd + settled.inventory_usd);
        self.return_money(a, settled.returned_usd);
        let (step, day) = (self.step, self.step as f64 * rules.step_days);
        let path = self.path_mut();
        if path.liquidations == 0 {
            path.liquidation_day = day;
        }
        path.liquidations += 1;
        let after = rules.accounts[a].after_liquidation;
        let account = self.account_mut(a);
        account.is_live = false;
        account.liquidations += 1;
        // What is under way was meant for these positions: it comes back, also if there are new ones by then.
        account.is_too_late = true;
        if let AfterLiquidation::Reenter { after_steps } = after {
            account.reentry_step = address_number(step) + after_steps;
        }
        self.tell(
            Subject::Account(a),
            LedgerEvent::Liquidated {
                fill_usd: told.0,
                short_base: told.1,
                cost_usd: cost * rate_usd,
                returned_usd: settled.returned_usd + settled.inventory_usd,
                forfeited_usd: settled.forfeited_usd,
                bankruptcy_usd: settled.bankruptcy_usd,
                cause,
            },
        );
    }

    /// By what forfeits and losses are shared among the legs of an account: notional, of an option its underlying's, in the
    /// account's currency.
    pub(super) fn closed_notional(&self, l: usize, size: f64, prices: &Prices) -> f64 {
        let leg = &self.rules.legs[l];
        let unit = if !leg.is_option {
            prices.unit[l]
        } else if self.rules.accounts[leg.account].coin.is_some() {
            1.0
        } else {
            prices.spot_usd[self.rules.contracts[leg.contract].underlying]
        };
        size.abs() * unit
    }

    /// Closes one leg at the fill; returns slippage and fee of a future, in the account's currency.
    fn close_at_fill(&mut self, l: usize, has_paid: bool) -> f64 {
        let rules = self.rules;
        let (lane, leg) = (self.lane, &rules.legs[l]);
        let (a, contract) = (leg.account, &rules.contracts[leg.contract]);
        let rate_usd = self.rate_usd(a);
        let size = self.state.hot.size[l][lane];
        let unit = self.work.trial.unit[l];
        let mut sums = self.sums(l);
        // The rest of the step is no longer this size's.
        sums.price_usd += rate_usd * (unit - self.work.now.unit[l]);
        if !has_paid && let Some(stamp) = self.series.stamp(self.tile, leg.contract, self.k) {
            sums.funding_usd -= stamp[lane] * rate_usd;
        }
        self.leg_mut(l).actual.add(-size, &sums);
        let hot = &mut self.state.hot;
        hot.cash[a][lane] -= size * unit;
        hot.size[l][lane] = 0.0;
        if leg.is_option {
            return 0.0;
        }
        let notional = size.abs() * unit;
        let liquidity = &contract.liquidity;
        let told_factor = self.tile.cost_factor[self.k][lane];
        let taken_frac = rules.stress.liquidation_multiplier.max(told_factor)
            * (liquidity.half_spread_frac + impact_frac(liquidity, notional * rate_usd));
        let own_frac = rules.accounts[a].liquidation_slippage_frac * told_factor;
        let slippage = (own_frac + taken_frac) * notional;
        slippage + contract.venue.liquidation_fee_frac * (notional + slippage)
    }

    /// What is left in a coin account: its own coins first cover the loss, those of holdings go back to the inventory first.
    fn settle_coins(&mut self, a: usize, left: f64, rate_usd: f64) -> Settlement {
        let mut settled = Settlement {
            bankruptcy_usd: (-left).max(0.0) * rate_usd,
            ..Settlement::default()
        };
        let mut remainder = left.max(0.0);
        if self.rules.accounts[a].remainder == Remainder::Forfeited {
            settled.forfeited_usd = remainder * rate_usd;
            return settled;
        }
        for s in self.rules.accounts[a].slots.clone() {
            let at_venue = self.slot(s).posted - self.lost_base(s);
            let slot = self.slot_mut(s);
            let back = remainder.min(at_venue);
            slot.posted -= back;
            remainder -= back;
            self.state.hot.beyond[a][self.lane] += back;
            settled.inventory_usd += back * rate_usd;
        }
        settled.returned_usd = remainder * rate_usd;
        settled
    }

    /// What is left in a USD account: its cash pays first, then bought coins, then those of holdings, at the step's end.
    fn settle_usd(&mut self, a: usize, left_usd: f64) -> Settlement {
        let rules = self.rules;
        let slots = rules.accounts[a].slots.clone();
        let is_returned = rules.accounts[a].remainder == Remainder::Returned;
        let mut owed_usd = (-left_usd).max(0.0);
        let mut settled = Settlement::default();
        let mut free_usd = left_usd.max(0.0);
        for of_holding in [false, true] {
            for s in slots.clone() {
                if rules.slots[s].holding.is_some() != of_holding {
                    continue;
                }
                let spot_usd = self.spot_usd(rules.slots[s].asset);
                let coins = self.slot(s).coins;
                let paid = (owed_usd / spot_usd).min(coins);
                owed_usd -= paid * spot_usd;
                let kept = if paid < coins { coins - paid } else { 0.0 };
                let mut after = SlotState {
                    coins: 0.0,
                    posted: self.slot(s).posted,
                };
                if of_holding && is_returned {
                    after.posted -= kept;
                    settled.inventory_usd += kept * spot_usd;
                } else {
                    free_usd += kept * spot_usd;
                }
                self.set_slot(s, after);
            }
        }
        // Less than a rounding error is not owed.
        settled.bankruptcy_usd = if owed_usd > 1e-12 * (-left_usd).max(0.0) {
            owed_usd
        } else {
            0.0
        };
        if is_returned {
            settled.returned_usd = free_usd;
        } else {
            settled.forfeited_usd = free_usd;
        }
        settled
    }

    pub(super) fn slot(&self, s: usize) -> &SlotState {
        &self.state.slots[self.lane * self.rules.slots.len() + s]
    }

    pub(super) fn slot_mut(&mut self, s: usize) -> &mut SlotState {
        &mut self.state.slots[self.lane * self.rules.slots.len() + s]
    }

    /// Changes the coins of a USD account.
    fn set_slot(&mut self, s: usize, after: SlotState) {
        let rule = &self.rules.slots[s];
        let before = *self.slot(s);
        let lane = self.lane;
        *self.slot_mut(s) = after;
        let hot = &mut self.state.hot;
        hot.counted[s][lane] = after.coins * rule.counted_frac;
        let change = (after.coins - after.posted) - (before.coins - before.posted);
        hot.extra[rule.asset][lane] += change;
        // What bought coins, and those of holdings that are gone, have made by the spot up to now.
        let spot_usd = self.spot_usd(rule.asset);
        self.path_mut().coin_turnover_usd += change * spot_usd;
    }

    pub(super) fn credit_mut(&mut self, c: usize) -> &mut crate::ledger::book::state::CreditState {
        &mut self.state.credits[self.lane * self.rules.credits.len() + c]
    }
}

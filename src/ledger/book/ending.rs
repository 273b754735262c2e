//! Hedges that are opened anew after a liquidation, and the end of it all.

use crate::ledger::book::lane::Lane;
use crate::ledger::book::state::NEVER;
use crate::ledger::book::trading::{Purpose, TradeCosts, delivery_fee};
use crate::ledger::event::{LedgerEvent, Subject};
use crate::ledger::trades::is_short_of;

/// A reserve of less than a cent opens no new hedge.
const SMALLEST_REENTRY_USD: f64 = 0.01;

/// How narrow the common share of a re-entry is bracketed.
const SHARE_TOLERANCE: f64 = 1e-15;

impl Lane<'_> {
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
        if collateral_usd < SMALLEST_REENTRY_USD {
            // Only a transfer that is still under way can fill the reserve again.
            self.account_mut(a).reentry_step = arrival_step;
            return;
        }
        if !self.plans_futures(a) {
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
        let mut told = 0.0;
        for &l in &rules.accounts[a].legs {
            let planned = self.state.hot.planned[l][lane];
            if !rules.legs[l].is_option && planned != 0.0 {
                if is_cut {
                    self.path_mut().cut_trades += 1;
                }
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

    /// Whether a future of the account is planned to be open; it is a trade of the plan that opens one again.
    pub(super) fn plans_futures(&self, a: usize) -> bool {
        let planned = |l: usize| self.state.hot.planned[l][self.lane];
        let mut legs = self.rules.accounts[a].legs.iter();
        legs.any(|&l| !self.rules.legs[l].is_option && planned(l) != 0.0)
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
        // The fund's part is shared by the notionals that were closed.
        let notional =
            |lane: &Self, l: usize| lane.closed_notional(l, lane.leg(l).final_size, &lane.work.now);
        let legs = &self.rules.accounts[a].legs;
        let whole: f64 = legs.iter().map(|&l| notional(self, l)).sum();
        if whole <= 0.0 {
            return;
        }
        for &l in legs {
            let share = notional(self, l) / whole;
            self.leg_mut(l).costs_usd -= share * shortfall * rate_usd;
        }
    }
}

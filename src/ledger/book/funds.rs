//! Money between the hedger and his accounts: margin checks and calls, where top-ups come from, how they travel, what comes back.

use crate::hedge::target::top_up_usd;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::margin::Margin;
use crate::ledger::book::state::NEVER;
use crate::ledger::book::trading::Purpose;
use crate::ledger::event::{LedgerEvent, LiquidationCause, Subject};
use crate::math::random::address_number;
use crate::plan::types::{CallAction, FundingSource, MarginCallPlan};

/// How narrow the cut of a deleveraging is bracketed.
const CUT_TOLERANCE: f64 = 1e-14;

/// What is missing of an ask, or there for it, by no more than this fraction of it is so by rounding alone.
const ASK_ROUNDING: f64 = 1e-12;

impl Lane<'_> {
    /// Stage 4: money that had to wait leaves; for a coin account it buys coins.
    pub(super) fn send_on(&mut self, a: usize) {
        if self.account(a).leave_step as usize != self.step {
            return;
        }
        self.leave(a);
    }

    /// Money leaves now.
    fn leave(&mut self, a: usize) {
        let rate_usd = self.rate_usd(a);
        let is_coin = self.rules.accounts[a].coin.is_some();
        self.account_mut(a).leave_step = NEVER;
        self.run_credits(a);
        if !is_coin {
            return;
        }
        let lane = self.lane;
        let account = self.account_mut(a);
        let amount_usd = account.in_flight_usd;
        let coins = amount_usd / rate_usd;
        account.in_flight_usd = 0.0;
        account.in_flight_coins = coins;
        account.in_flight_cost_usd = amount_usd;
        self.state.hot.outside_usd[lane] -= amount_usd;
        self.state.hot.beyond[a][lane] += coins;
        self.tell(
            Subject::Account(a),
            LedgerEvent::BoughtCoins { amount_usd, coins },
        );
    }

    /// Stage 4: a transfer whose delay has run out arrives, or comes back if the account is closed.
    pub(super) fn receive(&mut self, a: usize) {
        if self.account(a).arrival_step as usize != self.step {
            return;
        }
        let rate_usd = self.rate_usd(a);
        let lane = self.lane;
        let account = self.account_mut(a);
        let (amount_usd, coins) = (account.in_flight_usd, account.in_flight_coins);
        let cost_usd = account.in_flight_cost_usd;
        account.arrival_step = NEVER;
        account.in_flight_usd = 0.0;
        account.in_flight_coins = 0.0;
        account.in_flight_cost_usd = 0.0;
        let comes_back = !account.is_live || account.is_too_late;
        let hot = &mut self.state.hot;
        hot.outside_usd[lane] -= amount_usd;
        hot.beyond[a][lane] -= coins;
        if comes_back {
            let amount_usd = amount_usd + coins * rate_usd;
            self.return_money(a, amount_usd);
            self.tell(Subject::Account(a), LedgerEvent::CameBack { amount_usd });
        } else {
            self.post(a, amount_usd + coins, amount_usd + cost_usd);
            self.account_mut(a).is_armed = true;
            self.tell(
                Subject::Account(a),
                LedgerEvent::Arrived {
                    amount_usd: amount_usd + coins * rate_usd,
                },
            );
        }
    }

    /// Stage 5: liquidation at the end prices, else a call or a release at a watching moment.
    pub(super) fn check_margin(&mut self, a: usize, is_horizon: bool) {
        if !self.is_open(a) {
            return;
        }
        let margin = self.margin(a, &self.work.now);
        if margin.distance() <= 0.0 {
            let work = &mut *self.work;
            work.trial.copy_from(&work.now);
            self.liquidate(a, LiquidationCause::EndCheck, true);
            return;
        }
        if is_horizon {
            self.record_margin(a, margin.maintenance, margin.equity);
        } else {
            self.look_at(a, &margin);
        }
    }

    /// The hedger looks at an open account if this is a watching moment; what it comes to is recorded.
    pub(super) fn look_at(&mut self, a: usize, margin: &Margin) {
        let has_acted = self.rules.accounts[a].is_watching(self.step) && self.look(a, margin);
        let after = if has_acted {
            self.margin(a, &self.work.now)
        } else {
            *margin
        };
        // What the look has changed counts; an account whose futures were all cut leaves no record.
        if !has_acted || self.is_open(a) {
            self.record_margin(a, after.maintenance, after.equity);
        }
    }

    /// The hedger looks: a call at or above the level, a release below the release level. Returns whether the account
    /// may have changed.
    fn look(&mut self, a: usize, margin: &Margin) -> bool {
        let Some(call) = self.rules.accounts[a].margin_call else {
            return false;
        };
        let is_in_flight = self.account(a).arrival_step != NEVER;
        if margin.maintenance < call.level * margin.equity {
            self.account_mut(a).is_armed = true;
            if let (Some(release), false) = (call.release, is_in_flight) {
                self.release(a, margin, release);
                return true;
            }
            return false;
        }
        if is_in_flight {
            return false;
        }
        match call.action {
            CallAction::TopUp => self.top_up(a, margin, &call),
            CallAction::Deleverage => {
                self.deleverage(a, margin, call.target);
                true
            }
        }
    }

    /// Excess goes back to the reserve: of a USD account out of its cash, of a coin account out of coins that are no inventory.
    fn release(&mut self, a: usize, margin: &Margin, release: f64) {
        let kept = (margin.maintenance / release).max(self.initial_margin_beside(a, None));
        let own = match self.rules.accounts[a].coin {
            Some(_) => margin.equity - self.posted_coins(a),
            None => margin.equity - self.counted_usd(a),
        };
        let amount = (margin.equity - kept).min(own);
        if margin.maintenance < release * margin.equity && amount > 0.0 {
            let amount_usd = amount * self.rate_usd(a);
            self.state.hot.cash[a][self.lane] -= amount;
            self.take_posted(a, amount_usd);
            self.return_money(a, amount_usd);
            self.tell(Subject::Account(a), LedgerEvent::Released { amount_usd });
        }
    }

    /// Coins of holdings in a coin account.
    pub(super) fn posted_coins(&self, a: usize) -> f64 {
        let slots = self.rules.accounts[a].slots.clone();
        slots.map(|s| self.slot(s).posted - self.lost_base(s)).sum()
    }

    /// What margin counts of the coins in a USD account, USD.
    fn counted_usd(&self, a: usize) -> f64 {
        let slots = self.rules.accounts[a].slots.clone();
        slots
            .map(|s| {
                self.state.hot.counted[s][self.lane] * self.spot_usd(self.rules.slots[s].asset)
            })
            .sum()
    }

    /// Asks the sources for what brings the ratio to the target. Returns whether it has reached the account.
    fn top_up(&mut self, a: usize, margin: &Margin, call: &MarginCallPlan) -> bool {
        let rate_usd = self.rate_usd(a);
        let wanted = top_up_usd(margin.maintenance, margin.equity, call.target);
        let asked_usd = (wanted * rate_usd).max(call.minimum_transfer_usd);
        let sent_usd = self.raise(a, asked_usd);
        if self.account(a).is_armed {
            self.account_mut(a).is_armed = false;
            let path = self.path_mut();
            path.margin_calls += 1;
            // What several sources give is rounded.
            if asked_usd - sent_usd > ASK_ROUNDING * asked_usd {
                path.unmet_calls += 1;
                path.unmet_call_usd += asked_usd - sent_usd;
            }
            self.tell(
                Subject::Account(a),
                LedgerEvent::Called {
                    margin_ratio: margin.maintenance / margin.equity,
                    asked_usd,
                    sent_usd,
                },
            );
        }
        if sent_usd <= 0.0 {
            return false;
        }
        self.path_mut().top_up_usd += sent_usd;
        self.contribute(sent_usd);
        let leaves = self.rules.accounts[a]
            .leaves_at
            .as_ref()
            .map_or(address_number(self.step), |at| at[self.step]);
        let account = self.account_mut(a);
        account.in_flight_usd = sent_usd;
        account.is_too_late = false;
        account.leave_step = leaves;
        let arrives = leaves.saturating_add(call.delay_steps);
        account.arrival_step = arrives;
        self.tell(
            Subject::Account(a),
            LedgerEvent::Sent {
                amount_usd: sent_usd,
                leaves_step: leaves,
                arrives_step: arrives,
            },
        );
        if leaves as usize == self.step {
            self.leave(a);
        }
        let has_arrived = self.account(a).arrival_step as usize == self.step;
        if has_arrived {
            self.receive(a);
        }
        has_arrived
    }

    /// Raises up to so much from the account's sources in their order; returns what they give. It is part of the money
    /// outside until it reaches a venue.
    fn raise(&mut self, a: usize, asked_usd: f64) -> f64 {
        let dust_usd = ASK_ROUNDING * asked_usd;
        let beyond_dust = |usd: f64| if usd > dust_usd { usd } else { 0.0 };
        let mut raised_usd: f64 = 0.0;
        let mut credit = self.rules.accounts[a].credits.start;
        for source in &self.rules.accounts[a].sources {
            let missing_usd = asked_usd - raised_usd;
            if missing_usd <= dust_usd {
                break;
            }
            raised_usd += match *source {
                FundingSource::Reserve => {
                    let account = self.account_mut(a);
                    let given_usd = beyond_dust(missing_usd.min(account.reserve_usd));
                    account.reserve_usd -= given_usd;
                    given_usd
                }
                FundingSource::CreditLine { limit_usd, .. } => {
                    let state = self.credit_mut(credit);
                    let given_usd = beyond_dust(missing_usd.min(limit_usd - state.drawn_usd));
                    state.drawn_usd += given_usd;
                    credit += 1;
                    if given_usd > 0.0 {
                        // A loan bears its own interest alone.
                        self.contribute(-given_usd);
                        let amount_usd = given_usd;
                        self.tell(Subject::Account(a), LedgerEvent::Borrowed { amount_usd });
                    }
                    given_usd
                }
                FundingSource::Inventory { holding, cost_frac } => {
                    self.sell_early(holding, [missing_usd, dust_usd], cost_frac)
                }
            };
        }
        raised_usd
    }

    /// Whether any source may still give something.
    pub(super) fn may_have_money(&self, a: usize) -> bool {
        let account = &self.rules.accounts[a];
        let mut credits = account.credits.clone();
        account.sources.iter().any(|source| match *source {
            FundingSource::Reserve => self.account(a).reserve_usd > 0.0,
            FundingSource::CreditLine { limit_usd, .. } => credits.next().is_some_and(|c| {
                let lines = self.rules.credits.len();
                self.state.credits[self.lane * lines + c].drawn_usd < limit_usd
            }),
            FundingSource::Inventory { .. } => true,
        })
    }

    /// Sells coins of a holding that are not posted for up to so much, if it is more than dust; returns what they bring.
    fn sell_early(&mut self, j: usize, [wanted_usd, dust_usd]: [f64; 2], cost_frac: f64) -> f64 {
        let asset = self.rules.holdings[j].asset;
        let spot_usd = self.spot_usd(asset);
        let free_base = self.rules.schedule.after_base(j, self.step - 1)
            - self.posted_of_holding(j)
            - self.holding(j).early_base;
        let per_coin_usd = spot_usd * (1.0 - cost_frac);
        let sold_base = (wanted_usd / per_coin_usd).min(free_base);
        if sold_base * per_coin_usd <= dust_usd {
            return 0.0;
        }
        let lane = self.lane;
        let value_usd = sold_base * spot_usd;
        let holding = self.holding_mut(j);
        holding.early_base += sold_base;
        holding.early_turnover_usd += value_usd;
        holding.early_cost_usd += value_usd * cost_frac;
        let hot = &mut self.state.hot;
        hot.extra[asset][lane] -= sold_base;
        let brought_usd = value_usd * (1.0 - cost_frac);
        hot.outside_usd[lane] += brought_usd;
        self.tell(
            Subject::Holding(j),
            LedgerEvent::SoldEarly {
                quantity_base: sold_base,
                spot_usd,
                brought_usd,
            },
        );
        brought_usd
    }

    /// Coins of a holding that are posted in any account or lost there.
    pub(super) fn posted_of_holding(&self, j: usize) -> f64 {
        (0..self.rules.slots.len())
            .filter(|&s| self.rules.slots[s].holding == Some(j))
            .map(|s| self.slot(s).posted)
            .sum()
    }

    /// Instead of a top-up: all futures of the account are cut at mark by the same share, the least that restores the target.
    fn deleverage(&mut self, a: usize, margin: &Margin, target: f64) {
        // What is cut answers the call: the next one counts again.
        self.path_mut().margin_calls += 1;
        self.account_mut(a).is_armed = true;
        let (mut low, mut high) = (0.0, 1.0);
        while high - low > CUT_TOLERANCE {
            let middle = 0.5 * (low + high);
            if self.excess_after_cut(a, margin, target, middle) <= 0.0 {
                high = middle;
            } else {
                low = middle;
            }
        }
        self.tell(
            Subject::Account(a),
            LedgerEvent::Deleveraged {
                margin_ratio: margin.maintenance / margin.equity,
                cut_frac: high,
            },
        );
        for &l in &self.rules.accounts[a].legs {
            let size = self.state.hot.size[l][self.lane];
            if self.rules.legs[l].is_option || size == 0.0 {
                continue;
            }
            let kept = if high >= 1.0 {
                0.0
            } else {
                size * (1.0 - high)
            };
            self.trade(l, kept, Purpose::Rebalancing, false);
        }
    }

    /// By how much maintenance margin exceeds the target's share of equity after a cut of the futures.
    fn excess_after_cut(&self, a: usize, margin: &Margin, target: f64, cut: f64) -> f64 {
        let mut equity = margin.equity;
        let mut maintenance = margin.maintenance;
        for &l in &self.rules.accounts[a].legs {
            let size = self.state.hot.size[l][self.lane];
            if self.rules.legs[l].is_option || size == 0.0 {
                continue;
            }
            let unit = self.work.now.unit[l];
            let costs = self.trade_costs(l, size * cut, unit);
            equity -= costs.fee + costs.away;
            maintenance +=
                self.maintenance_of(l, size * (1.0 - cut)) - self.maintenance_of(l, size);
        }
        maintenance - target * equity
    }

    fn maintenance_of(&self, l: usize, size: f64) -> f64 {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        let entry = self.state.hot.entry[l][self.lane];
        crate::ledger::book::margin::future_margin(contract, size, self.work.now.unit[l], entry).0
    }

    /// Money reaches an account: `amount` in its currency, `value_usd` what was paid for it.
    pub(super) fn post(&mut self, a: usize, amount: f64, value_usd: f64) {
        self.state.hot.cash[a][self.lane] += amount;
        let account = self.account_mut(a);
        account.posted_usd += value_usd;
        account.peak_posted_usd = account.peak_posted_usd.max(account.posted_usd);
        let path = self.path_mut();
        path.posted_usd += value_usd;
        path.peak_posted_usd = path.peak_posted_usd.max(path.posted_usd);
    }

    /// Value leaves an account in the hedger's favour.
    pub(super) fn take_posted(&mut self, a: usize, value_usd: f64) {
        self.account_mut(a).posted_usd -= value_usd;
        self.path_mut().posted_usd -= value_usd;
    }

    /// Money comes back: it repays the account's credit lines, and what is left goes to its reserve.
    pub(super) fn return_money(&mut self, a: usize, amount_usd: f64) {
        let mut left_usd = amount_usd;
        for c in self.rules.accounts[a].credits.clone() {
            let rate = self.rules.credits[c].rate_per_step;
            let credit = self.credit_mut(c);
            // What is promised and has not left is no debt yet.
            let repaid_usd = left_usd.min(credit.running_usd).max(0.0);
            credit.drawn_usd -= repaid_usd;
            credit.running_usd -= repaid_usd;
            left_usd -= repaid_usd;
            if repaid_usd > 0.0 {
                self.run_interest(-rate * repaid_usd);
                let amount_usd = repaid_usd;
                self.tell(Subject::Account(a), LedgerEvent::Repaid { amount_usd });
            }
        }
        self.account_mut(a).reserve_usd += left_usd;
        self.state.hot.outside_usd[self.lane] += amount_usd;
        self.contribute_back(left_usd);
    }

    /// Interest runs from now on on all that is drawn: it has left.
    fn run_credits(&mut self, a: usize) {
        for c in self.rules.accounts[a].credits.clone() {
            let rate = self.rules.credits[c].rate_per_step;
            let credit = self.credit_mut(c);
            let change_usd = credit.drawn_usd - credit.running_usd;
            credit.running_usd = credit.drawn_usd;
            if change_usd != 0.0 {
                self.run_interest(rate * change_usd);
            }
        }
    }

    /// Net cash contributed grows; it leaves the money outside.
    pub(super) fn contribute(&mut self, amount_usd: f64) {
        self.run_interest(self.rules.cost_of_funds_per_step * amount_usd);
    }

    fn contribute_back(&mut self, amount_usd: f64) {
        self.run_interest(-self.rules.cost_of_funds_per_step * amount_usd);
    }

    /// Changes the interest per step from the end of this one on.
    fn run_interest(&mut self, change_usd: f64) {
        // At step t interest is `offset - interest * t`: what changes now did not run before.
        let offset_usd = change_usd * self.step as f64;
        let lane = self.lane;
        self.path_mut().interest_offset_usd += offset_usd;
        let hot = &mut self.state.hot;
        hot.outside_usd[lane] += offset_usd;
        hot.interest_usd[lane] += change_usd;
    }

    /// Puts an account's share of the money outside into it at once; what is left of `Self::raise` and of a reserve.
    pub(super) fn post_at_once(&mut self, a: usize, amount_usd: f64) {
        let rate_usd = self.rate_usd(a);
        self.state.hot.outside_usd[self.lane] -= amount_usd;
        self.contribute(amount_usd);
        self.post(a, amount_usd / rate_usd, amount_usd);
    }
}

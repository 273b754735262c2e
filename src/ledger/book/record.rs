//! Stage 8: margins, the required collateral, wealth, money under way, and what is reported at dates.

use crate::ledger::book::crossing::future_slope;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::margin::Prices;
use crate::ledger::rules::CONTINUITY_CORRECTION;
use crate::plan::types::Crossing;

impl Lane<'_> {
    /// Equity and margin ratio of an account, in its currency, for the extremes.
    pub(super) fn record_margin(&mut self, a: usize, maintenance: f64, equity: f64) {
        let rate_usd = self.rate_usd(a);
        let lane = self.lane;
        let hot = &mut self.state.hot;
        hot.min_equity_usd[lane] = hot.min_equity_usd[lane].min(equity * rate_usd);
        if equity <= 0.0 {
            self.path_mut().was_insolvent = true;
        } else if maintenance * hot.worst_equity[lane] > hot.worst_maintenance[lane] * equity {
            hot.worst_maintenance[lane] = maintenance;
            hot.worst_equity[lane] = equity;
        }
    }

    /// What the planned legs of all accounts would have needed up to now. What coin accounts need is coins that are posted at time
    /// 0: they are valued at the spot then, as what is posted is.
    pub(super) fn record_requirement(&mut self) {
        let mut needed_usd = 0.0;
        for a in 0..self.rules.accounts.len() {
            needed_usd += self.need(a) * self.rules.initial_rate_usd(a);
        }
        let required_usd = &mut self.state.hot.required_usd[self.lane];
        *required_usd = required_usd.max(needed_usd);
    }

    /// What every account lacks now.
    pub(super) fn record_shortfalls(&mut self) {
        for a in 0..self.rules.accounts.len() {
            let shortfall_usd = self.shortfall_usd(a, &self.work.now);
            self.keep_shortfall(a, shortfall_usd);
        }
    }

    /// Keeps what account `a` lacks where it is the most so far.
    pub(super) fn keep_shortfall(&mut self, a: usize, shortfall_usd: f64) {
        let account = self.account_mut(a);
        account.shortfall_usd = account.shortfall_usd.max(shortfall_usd);
    }

    /// What account `a` would lack at some prices, with its planned legs and what was posted at time 0 alone. Who holds nothing that the
    /// venue could liquidate lacks nothing.
    pub(super) fn shortfall_usd(&self, a: usize, prices: &Prices) -> f64 {
        if !self.is_plan_open(a) {
            return 0.0;
        }
        let rules = self.rules;
        let account = &rules.accounts[a];
        let need = self.planned_need(a, prices, 1.0);
        let slots = account.slots.clone().map(|s| &rules.slots[s]);
        if let Some(coin) = account.coin {
            let coins: f64 = slots.map(|slot| slot.quantity_base).sum();
            let posted = account.collateral_usd / rules.initial_rate_usd(a) + coins;
            return (need - posted).max(0.0) * prices.spot_usd[coin];
        }
        let coins_usd: f64 = slots
            .map(|slot| slot.quantity_base * slot.counted_frac * prices.spot_usd[slot.asset])
            .sum();
        (need - account.collateral_usd - coins_usd).max(0.0)
    }

    /// What account `a` would need for its planned legs, the correction for what happens between step ends included.
    fn need(&mut self, a: usize) -> f64 {
        let account = &self.rules.accounts[a];
        let mut planned = account
            .legs
            .iter()
            .filter(|&&l| self.state.hot.planned[l][self.lane] != 0.0);
        let Some(&first) = planned.next() else {
            return self.planned_need(a, &self.work.now, 1.0);
        };
        let is_single = planned.next().is_none() && !self.rules.legs[first].is_option;
        if is_single {
            let contract = &self.rules.contracts[self.rules.legs[first].contract];
            return self.planned_need(a, &self.work.now, contract.shifts[self.step]);
        }
        let need = self.planned_need(a, &self.work.now, 1.0);
        // Who holds bought options alone cannot be liquidated.
        let is_liquidable = self.rules.crossing == Crossing::Bridge && self.is_plan_open(a);
        if !is_liquidable {
            return need;
        }
        need + CONTINUITY_CORRECTION * self.planned_variance(a).max(0.0).sqrt()
    }

    /// Whether the planned legs of account `a` are anything that the venue could liquidate.
    fn is_plan_open(&self, a: usize) -> bool {
        self.rules.accounts[a].legs.iter().any(|&l| {
            let size = self.state.hot.planned[l][self.lane];
            size > 0.0 || (size < 0.0 && !self.rules.legs[l].is_option)
        })
    }

    /// Variance over the step of what the planned legs' distance would be, by its slopes at the end.
    fn planned_variance(&mut self, a: usize) -> f64 {
        let account = &self.rules.accounts[a];
        for (i, &l) in account.legs.iter().enumerate() {
            let size = self.state.hot.planned[l][self.lane];
            let leg = &self.rules.legs[l];
            self.work.slopes[i] = if size == 0.0 {
                0.0
            } else if leg.is_option {
                let [_, unit, margin] = self.series.option_margin(leg.contract, self.k + 1);
                -size * unit[self.lane] - size.max(0.0) * margin[self.lane]
            } else {
                let contract = &self.rules.contracts[leg.contract];
                future_slope(contract, size, self.work.now.unit[l])
            };
        }
        let covariance = account.covariance(self.step);
        let n = account.legs.len();
        let slopes = &self.work.slopes[..n];
        (0..n)
            .map(|i| {
                let row = &covariance[i * account.factors..][..n];
                let sum: f64 = row.iter().zip(slopes).map(|(c, slope)| c * slope).sum();
                sum * slopes[i]
            })
            .sum()
    }

    /// Wealth at a watching moment, and money under way.
    pub(super) fn record_end(&mut self) {
        self.record_in_flight();
        if self.rules.is_watching(self.step) {
            let wealth_usd = self.wealth_usd(true);
            self.record_wealth(wealth_usd);
        }
        if self.step < self.rules.steps {
            self.record_date();
        }
    }

    /// Money under way.
    pub(super) fn record_in_flight(&mut self) {
        let rules = self.rules;
        if rules.liquidity_at_risk {
            let mut in_flight_usd = 0.0;
            for a in 0..rules.accounts.len() {
                let account = self.account(a);
                in_flight_usd += account.in_flight_usd + account.in_flight_coins * self.rate_usd(a);
            }
            let path = self.path_mut();
            path.most_in_flight_usd = path.most_in_flight_usd.max(in_flight_usd);
        }
    }

    /// Wealth at a watching moment.
    pub(super) fn record_wealth(&mut self, wealth_usd: f64) {
        let lane = self.lane;
        let hot = &mut self.state.hot;
        hot.peak_wealth_usd[lane] = hot.peak_wealth_usd[lane].max(wealth_usd);
        hot.max_drawdown_usd[lane] =
            hot.max_drawdown_usd[lane].max(hot.peak_wealth_usd[lane] - wealth_usd);
    }

    /// Hedged wealth now: inventories, accounts at mark, everything outside. `is_after_trades` says whether what the step
    /// produces and sells has been booked; if not, what it produces counts and nothing is sold.
    pub(super) fn wealth_usd(&self, is_after_trades: bool) -> f64 {
        let rules = self.rules;
        let (lane, step) = (self.lane, self.step);
        let hot = &self.state.hot;
        let mut wealth_usd = hot.outside_usd[lane] - hot.interest_usd[lane] * step as f64;
        for (j, holding) in rules.holdings.iter().enumerate() {
            let quantity_base = if is_after_trades {
                rules.schedule.after_base(j, step)
            } else {
                let (produced_base, cost_usd) = rules.schedule.produced(j, step);
                wealth_usd -= cost_usd;
                rules.schedule.before_base(j, step) + produced_base
            };
            wealth_usd += quantity_base * self.spot_usd(holding.asset);
        }
        for (asset, extra) in hot.extra.iter().enumerate() {
            wealth_usd += extra[lane] * self.spot_usd(asset);
        }
        for (a, account) in rules.accounts.iter().enumerate() {
            let mut value = hot.cash[a][lane] + hot.beyond[a][lane];
            for &l in &account.legs {
                value -= hot.size[l][lane] * self.work.now.unit[l];
            }
            wealth_usd += value * self.rate_usd(a);
        }
        wealth_usd
    }

    /// Interim P&L and exposures, if this step's end is a reporting date; at the horizon before anything is closed.
    pub(super) fn record_date(&mut self) {
        let rules = self.rules;
        let Some(date) = rules
            .date_steps
            .iter()
            .position(|&date| date as usize == self.step)
        else {
            return;
        };
        let is_after_trades = self.step < rules.steps;
        let mut unhedged_usd = 0.0;
        for (j, rule) in rules.holdings.iter().enumerate() {
            let quantity_base = if is_after_trades {
                rules.schedule.after_base(j, self.step)
            } else {
                let (produced_base, cost_usd) = rules.schedule.produced(j, self.step);
                unhedged_usd -= cost_usd;
                rules.schedule.before_base(j, self.step) + produced_base
            };
            let holding = self.holding(j);
            unhedged_usd += holding.sales_usd * (1.0 - rules.slippage_frac)
                - holding.production_usd
                + quantity_base * self.spot_usd(rule.asset)
                - rule.initial_value_usd;
        }
        let hedged_usd = if rules.is_hedged {
            self.wealth_usd(is_after_trades) - rules.initial_wealth_usd
        } else {
            unhedged_usd
        };
        let width = 2 + rules.venues;
        let start = (self.lane * rules.date_steps.len() + date) * width;
        self.state.dates[start] = hedged_usd;
        self.state.dates[start + 1] = unhedged_usd;
        for venue in 0..rules.venues {
            self.state.dates[start + 2 + venue] = self.exposure_usd(venue);
        }
    }

    /// Collateral and unrealised profit at a venue, USD.
    fn exposure_usd(&self, venue: usize) -> f64 {
        let rules = self.rules;
        let lane = self.lane;
        let hot = &self.state.hot;
        let mut exposure_usd = 0.0;
        for (a, account) in rules.accounts.iter().enumerate() {
            if account.venue != venue {
                continue;
            }
            let mut balance = hot.cash[a][lane];
            let mut unrealised = 0.0;
            for &l in &account.legs {
                // The premium of an option is in the balance, its whole value beside it.
                let entry = if rules.legs[l].is_option {
                    0.0
                } else {
                    hot.entry[l][lane]
                };
                let size = hot.size[l][lane];
                balance -= size * entry;
                unrealised += size * (entry - self.work.now.unit[l]);
            }
            exposure_usd += (balance + unrealised.max(0.0)) * self.rate_usd(a);
            if account.coin.is_none() {
                for s in account.slots.clone() {
                    exposure_usd += self.slot(s).coins * self.spot_usd(rules.slots[s].asset);
                }
            }
        }
        exposure_usd.max(0.0)
    }
}

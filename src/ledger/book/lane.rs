//! One path in one step, event by event, in the order of `docs/DESIGN.md`.

use crate::ledger::book::doubt::AccountSet;
use crate::ledger::book::margin::Prices;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::{Series, Sums};
use crate::ledger::book::state::{AccountState, HoldingState, LegState, NEVER, PathState, State};
use crate::ledger::book::unit_step::JumpMoment;
use crate::ledger::event::{LedgerEvent, Subject, Told};
use crate::market::tile::MarketTile;
use crate::math::random::Streams;
use crate::plan::types::{CallAction, Crossing};

/// What working through a step needs beside the state, allocated once.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// Prices at the step's start, after the events of the step before.
    pub(super) start: Prices,
    /// Prices at its end; after a roll, those of the next contract.
    pub(super) now: Prices,
    /// Prices that are tried.
    pub(super) trial: Prices,
    /// Where the accounts' factors are between two jumps.
    pub(super) between: Prices,
    /// Where they are going from there.
    pub(super) until: Prices,
    /// Slopes of an account's distance by its log factors, and the direction in which it falls.
    pub(super) slopes: Vec<f64>,
    pub(super) direction: Vec<f64>,
    pub(super) jumps: Vec<JumpMoment>,
    /// Whether each account was liquidated inside the step.
    pub(super) is_closed: Vec<bool>,
}

impl Work {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        let prices = Prices::new(rules);
        let factors = rules.accounts.iter().map(|a| a.factors).max().unwrap_or(0);
        Self {
            start: prices.clone(),
            now: prices.clone(),
            trial: prices.clone(),
            between: prices.clone(),
            until: prices,
            slopes: vec![0.0; factors],
            direction: vec![0.0; factors],
            jumps: Vec::with_capacity(8),
            is_closed: vec![false; rules.accounts.len()],
        }
    }
}

/// One path in one step.
pub(super) struct Lane<'a> {
    pub(super) rules: &'a BookRules,
    pub(super) streams: &'a Streams,
    pub(super) tile: &'a MarketTile,
    pub(super) series: &'a Series,
    pub(super) state: &'a mut State,
    pub(super) work: &'a mut Work,
    /// Events; `None`: nobody listens.
    pub(super) events: Option<&'a mut Vec<Told>>,
    #[expect(
        clippy::struct_field_names,
        reason = "the lane is the path within its block"
    )]
    pub(super) lane: usize,
    /// The step within the tile.
    pub(super) k: usize,
    /// The step, from 1: it ends at `step * step_days`.
    pub(super) step: usize,
    /// Whether what accounts lack is kept.
    pub(super) keeps_shortfalls: bool,
}

impl Lane<'_> {
    /// Works through the step. Only the accounts in doubt, `may_cross`, are looked at for a
    /// liquidation inside the step.
    pub(super) fn settle(&mut self, may_cross: AccountSet) {
        let is_horizon = self.step == self.rules.steps;
        self.load();
        self.revalue_coins();
        self.find_crossings(may_cross);
        if self.keeps_shortfalls {
            // Margin is checked before the stamps are paid.
            self.record_shortfalls();
        }
        self.pay_funding();
        for a in 0..self.rules.accounts.len() {
            self.send_on(a);
            self.receive(a);
        }
        for a in 0..self.rules.accounts.len() {
            self.check_margin(a, is_horizon);
        }
        self.record_requirement();
        self.finish_step();
        // The next step's way begins where this one's events have left the account.
        if self.keeps_shortfalls && self.rules.crossing == Crossing::Bridge && !is_horizon {
            self.record_shortfalls();
        }
    }

    /// Works through what is left of a step that was quiet up to its trades, which happen on every path.
    pub(super) fn settle_trades(&mut self) {
        self.load();
        let accounts = 0..self.rules.accounts.len();
        if self.rules.rolls_alone(self.step)
            && accounts.into_iter().all(|a| self.account(a).is_live)
        {
            // Nothing that a quiet step expects depends on the contract a chain is in.
            self.roll_chains();
            self.record_end();
        } else {
            self.finish_step();
        }
    }

    /// Stages 6 to 8.
    fn finish_step(&mut self) {
        if !self.rules.has_no_trades(self.step) {
            self.stake();
        }
        if self.step == self.rules.steps {
            self.record_date();
            self.trade_inventory();
            self.close();
        } else {
            if !self.rules.has_no_trades(self.step) || self.works_orders() {
                self.trade_inventory();
                self.expire_and_roll();
                self.switch();
                self.follow_inventory();
                self.decide();
            }
            for a in 0..self.rules.accounts.len() {
                self.reenter(a);
            }
        }
        self.record_end();
        if self.step < self.rules.steps {
            self.put_back();
        }
    }

    /// Looks up the prices of both ends of the step.
    pub(super) fn load(&mut self) {
        let (rules, tile, series) = (self.rules, self.tile, self.series);
        let (lane, k) = (self.lane, self.k);
        let Work {
            start,
            now,
            is_closed,
            ..
        } = &mut *self.work;
        for (l, leg) in rules.legs.iter().enumerate() {
            let contract = leg.contract;
            start.unit[l] = series.unit_at_start(tile, contract, k)[lane];
            now.unit[l] = series.unit_at_end(tile, contract, k)[lane];
            if leg.is_option {
                start.option_margin[l] = series.option_margin(contract, k)[0][lane];
                now.option_margin[l] = series.option_margin(contract, k + 1)[0][lane];
            }
        }
        for asset in 0..rules.initial_spots_usd.len() {
            start.spot_usd[asset] = series.start_spot_usd(tile, asset, k)[lane];
            now.spot_usd[asset] = tile.spot_usd[asset][k][lane];
        }
        is_closed.fill(false);
    }

    /// Looks up the prices of futures and assets at the step's end alone.
    pub(super) fn load_ends(&mut self) {
        let (tile, lane, k) = (self.tile, self.lane, self.k);
        let now = &mut self.work.now;
        for (unit, leg) in now.unit.iter_mut().zip(&self.rules.legs) {
            *unit = self.series.unit_at_end(tile, leg.contract, k)[lane];
        }
        for (spot_usd, spots_usd) in now.spot_usd.iter_mut().zip(&tile.spot_usd) {
            *spot_usd = spots_usd[k][lane];
        }
    }

    /// Coins at the venue beyond the inventory gain and lose with the spot.
    fn revalue_coins(&mut self) {
        for (a, account) in self.rules.accounts.iter().enumerate() {
            let Some(coin) = account.coin else { continue };
            let hot = &self.state.hot;
            let mut coins = hot.cash[a][self.lane] + hot.beyond[a][self.lane];
            for &l in &account.legs {
                coins -= hot.size[l][self.lane] * self.work.start.unit[l];
            }
            let moved_usd = self.work.now.spot_usd[coin] - self.work.start.spot_usd[coin];
            self.state.hot.revaluation_usd[a][self.lane] += coins * moved_usd;
        }
    }

    /// Stage 3: stamps pay on mark notional; a step that liquidated pays none.
    fn pay_funding(&mut self) {
        for (l, leg) in self.rules.legs.iter().enumerate() {
            let Some(stamp) = self.series.stamp(self.tile, leg.contract, self.k) else {
                continue;
            };
            let per_unit = stamp[self.lane];
            let hot = &mut self.state.hot;
            hot.planned_cash[leg.account][self.lane] += hot.planned[l][self.lane] * per_unit;
            if !self.work.is_closed[leg.account] {
                hot.cash[leg.account][self.lane] += hot.size[l][self.lane] * per_unit;
            }
        }
    }

    /// Leaves the state as a quiet step expects it.
    pub(super) fn put_back(&mut self) {
        let rules = self.rules;
        let mut due_step = NEVER;
        for a in 0..rules.accounts.len() {
            let is_open = self.is_open(a);
            let account = *self.account(a);
            let (below, above) = self.acts(a, is_open);
            let lane = self.lane;
            let hot = &mut self.state.hot;
            hot.open[a][lane] = if is_open { 1.0 } else { 0.0 };
            hot.acts_below[a][lane] = below;
            hot.acts_above[a][lane] = above;
            due_step = due_step.min(account.arrival_step).min(account.leave_step);
            if !account.is_live && self.plans_futures(a) {
                due_step = due_step.min(account.reentry_step);
            }
            if rules.liquidity_at_risk && account.in_flight_coins > 0.0 {
                // What is under way is worth something else at every step's end.
                due_step = 0;
            }
        }
        if self.has_grown_loss() {
            due_step = 0;
        }
        self.state.hot.due_step[self.lane] = if self.works_orders() {
            0.0
        } else {
            f64::from(due_step)
        };
    }

    /// Whether any leg works an order in parts.
    pub(super) fn works_orders(&self) -> bool {
        (0..self.rules.legs.len()).any(|l| self.leg(l).order.parts_left > 0)
    }

    /// Margin ratios under and from which the hedger who looks acts.
    fn acts(&self, a: usize, is_open: bool) -> (f64, f64) {
        let account = self.account(a);
        let Some(call) = self.rules.accounts[a].margin_call.filter(|_| is_open) else {
            return (0.0, f64::INFINITY);
        };
        let is_in_flight = account.arrival_step != NEVER;
        let below = match (account.is_armed, is_in_flight) {
            (true, true) => 0.0,
            (true, false) => call.release.unwrap_or(0.0),
            (false, _) => call.level,
        };
        let is_spent =
            !account.is_armed && call.action == CallAction::TopUp && !self.may_have_money(a);
        let above = if is_in_flight || is_spent {
            f64::INFINITY
        } else {
            call.level
        };
        (below, above)
    }

    pub(super) fn leg(&self, l: usize) -> &LegState {
        &self.state.legs[self.lane * self.rules.legs.len() + l]
    }

    pub(super) fn leg_mut(&mut self, l: usize) -> &mut LegState {
        &mut self.state.legs[self.lane * self.rules.legs.len() + l]
    }

    pub(super) fn account(&self, a: usize) -> &AccountState {
        &self.state.accounts[self.lane * self.rules.accounts.len() + a]
    }

    pub(super) fn account_mut(&mut self, a: usize) -> &mut AccountState {
        &mut self.state.accounts[self.lane * self.rules.accounts.len() + a]
    }

    pub(super) fn holding_mut(&mut self, j: usize) -> &mut HoldingState {
        &mut self.state.holdings[self.lane * self.rules.holdings.len() + j]
    }

    pub(super) fn holding(&self, j: usize) -> &HoldingState {
        &self.state.holdings[self.lane * self.rules.holdings.len() + j]
    }

    pub(super) fn path_mut(&mut self) -> &mut PathState {
        &mut self.state.paths[self.lane]
    }

    /// Path of the lane.
    pub(super) fn path_number(&self) -> u64 {
        self.tile.first_path + self.lane as u64
    }

    /// Value of one unit of an account's currency at the step's end, USD.
    pub(super) fn rate_usd(&self, a: usize) -> f64 {
        self.rules.accounts[a]
            .coin
            .map_or(1.0, |asset| self.work.now.spot_usd[asset])
    }

    /// The running sums of leg `l` at the step's end.
    pub(super) fn sums(&self, l: usize) -> Sums {
        let contract = self.rules.legs[l].contract;
        self.series
            .sums(self.rules, self.tile, contract, self.k, self.lane)
    }

    /// Spot of an asset at the step's end, USD.
    pub(super) fn spot_usd(&self, asset: usize) -> f64 {
        self.work.now.spot_usd[asset]
    }

    /// Tells whoever listens what happened to a hedge, an account or a holding.
    pub(super) fn tell(&mut self, subject: Subject, event: LedgerEvent) {
        if let Some(events) = &mut self.events {
            events.push(Told { subject, event });
        }
    }

    /// The hedge of leg `l`, in that leg's contract.
    pub(super) fn hedge_of(&self, l: usize) -> Subject {
        let leg = &self.rules.legs[l];
        Subject::Hedge {
            hedge: leg.hedge,
            contract: leg.contract,
        }
    }
}

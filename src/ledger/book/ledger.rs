//! The general ledger over a block of paths: reacts to the market tile by tile, and leaves a row a path.

use crate::ledger::book::calls::LargestCalls;
use crate::ledger::book::doubt::AccountSet;
use crate::ledger::book::lane::{Lane, Work};
use crate::ledger::book::passes::Passes;
use crate::ledger::book::row::{BlockEnd, involved_usd};
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::screen::Screen;
use crate::ledger::book::series::Series;
use crate::ledger::book::standing::{BookStanding, standing};
use crate::ledger::book::state::State;
use crate::ledger::event::Told;
use crate::market::tile::MarketTile;
use crate::math::bits::places_of;
use crate::math::random::Streams;
use crate::plan::types::Follows;

/// Follows one lane of the general ledger through its steps.
pub trait BookFollower {
    /// The lane to follow.
    fn lane(&self) -> usize;
    /// A step has ended with these events and with everything standing so.
    fn step_ended(&mut self, step: usize, standing: &BookStanding, events: Vec<Told>);
}

/// The state of the general ledger on one block.
#[derive(Debug, Clone)]
pub struct Book<'a> {
    pub(super) rules: &'a BookRules,
    streams: &'a Streams,
    pub(super) state: State,
    pub(super) series: Series,
    work: Work,
    pub(super) screen: Screen,
    pub(super) calls: LargestCalls,
    pub(super) passes: Passes,
    /// Whether quiet steps are worked out for all lanes at once.
    has_screen: bool,
    /// Whether what accounts lack is kept.
    keeps_shortfalls: bool,
}

impl<'a> Book<'a> {
    /// A ledger at time 0.
    pub fn new(rules: &'a BookRules, streams: &'a Streams) -> Self {
        Self {
            rules,
            streams,
            state: rules.opening.clone(),
            series: Series::new(rules),
            work: Work::new(rules),
            screen: Screen::new(rules),
            calls: LargestCalls::new(rules),
            passes: Passes::new(rules),
            has_screen: true,
            keeps_shortfalls: false,
        }
    }

    /// The same ledger working every step of every lane event by event: slower, and the same to rounding.
    #[must_use]
    pub fn event_by_event(self) -> Self {
        Self {
            has_screen: false,
            ..self
        }
    }

    /// The same ledger event by event, which also keeps what each account lacks ([`Self::shortfall_usd`]).
    #[must_use]
    pub fn keeping_shortfalls(self) -> Self {
        Self {
            has_screen: false,
            keeps_shortfalls: true,
            ..self
        }
    }

    /// The most that an account has lacked on a lane so far, USD, >= 0: what its hedges as planned would have needed in order not to be
    /// liquidated beyond what was posted at time 0, both at the prices of that moment. Nothing that was sent to it counts.
    pub fn shortfall_usd(&self, account: usize, lane: usize) -> f64 {
        self.state.accounts[lane * self.rules.accounts.len() + account].shortfall_usd
    }

    /// Sets everything to time 0.
    pub fn start(&mut self) {
        self.state.copy_from(&self.rules.opening);
        self.series.start(self.rules);
        self.screen.start(self.rules, &self.state);
        self.calls.start(&self.state.hot.required_usd);
    }

    /// Reacts to a tile.
    pub fn advance(&mut self, tile: &MarketTile, mut follower: Option<&mut dyn BookFollower>) {
        self.series.fill(self.rules, tile);
        let hot = &self.state.hot;
        self.screen.enter(self.rules, hot, &self.series, tile);
        let mut k = 0;
        while k < tile.steps {
            // Who follows a lane sees every step.
            let steps = if self.has_screen && follower.is_none() {
                self.settle_many(k, tile)
            } else {
                0
            };
            if steps == 0 {
                self.settle_one(k, tile, &mut follower);
            }
            k += steps.max(1);
        }
    }

    /// Settles step `k` of the tile.
    fn settle_one(
        &mut self,
        k: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn BookFollower>,
    ) {
        let step = tile.first_step + k + 1;
        self.grow(k, tile);
        let mut events = Vec::new();
        let followed = follower.as_ref().map(|f| f.lane());
        let (eventful, jumped) = if self.has_screen {
            self.settle_quiet(k, tile)
        } else {
            (u64::MAX, u64::MAX)
        };
        // A step is worked alike whether it is taken alone or with others.
        let is_calm = self.has_screen && self.rules.calm_steps(step - 1) > 0;
        for lane in places_of(eventful) {
            let near = self.accounts_in_doubt(lane, jumped);
            let events = (followed == Some(lane)).then_some(&mut events);
            if is_calm {
                self.work_step(lane, k, near, tile, events);
            } else {
                self.lane(lane, k, tile, events).settle(near);
                self.screen.cover(self.rules, &self.state, lane);
            }
        }
        if self.rules.is_common(step) {
            for lane in places_of(!eventful) {
                let events = (followed == Some(lane)).then_some(&mut events);
                self.lane(lane, k, tile, events).settle_trades();
                // Rolls leave sizes as they are, and after the horizon nobody asks.
                if !(self.rules.rolls_alone(step) || step == self.rules.steps) {
                    self.screen.cover(self.rules, &self.state, lane);
                }
            }
        }
        self.calls.record(step, &self.state.hot.required_usd);
        if let Some(follower) = follower {
            let standing = standing(
                self.rules,
                &self.state,
                &self.series,
                tile,
                k,
                follower.lane(),
            );
            follower.step_ended(step, &standing, events);
        }
    }

    /// Inventories that grow by staking.
    fn grow(&mut self, k: usize, tile: &MarketTile) {
        let rules = self.rules;
        let step = tile.first_step + k + 1;
        for (j, holding) in rules.holdings.iter().enumerate() {
            if !rules.schedule.has_staking(j) {
                continue;
            }
            let spots_usd = &tile.spot_usd[holding.asset][k];
            for follows in [Follows::Inventory, Follows::Expected] {
                let (before, _) = rules.schedule.followed(j, follows, step);
                let (_, last) = rules.schedule.followed(j, follows, step - 1);
                let sums = &mut self.state.hot.turnover_usd[follows as usize][j];
                for (sum, spot_usd) in sums.iter_mut().zip(spots_usd) {
                    *sum += (before - last) * spot_usd;
                }
            }
        }
    }

    /// Settles step `k` of the tile in every lane in which it is quiet, up to trades that happen on every path; returns the other
    /// lanes, left at its start, and those in which something jumps, as bits.
    fn settle_quiet(&mut self, k: usize, tile: &MarketTile) -> (u64, u64) {
        let looked = self
            .screen
            .look(self.rules, &self.series, tile, k, &self.state.hot);
        let mut eventful = looked.eventful;
        for lane in places_of(looked.doubtful) {
            let near = self.accounts_in_doubt(lane, looked.jumped);
            let stays = self.lane(lane, k, tile, None).stays_open(near);
            eventful |= u64::from(!stays) << lane;
        }
        let hot = &mut self.state.hot;
        self.screen
            .keep(self.rules, &self.series, tile, k, eventful, hot);
        (eventful, looked.jumped)
    }

    /// The accounts that may reach their liquidation inside the step at hand.
    fn accounts_in_doubt(&self, lane: usize, jumped: u64) -> AccountSet {
        if (jumped >> lane) & 1 == 0 {
            self.screen.near(lane)
        } else {
            AccountSet::ALL
        }
    }

    /// One lane in step `k` of a tile.
    pub(super) fn lane<'b>(
        &'b mut self,
        lane: usize,
        k: usize,
        tile: &'b MarketTile,
        events: Option<&'b mut Vec<Told>>,
    ) -> Lane<'b> {
        Lane {
            rules: self.rules,
            streams: self.streams,
            tile,
            series: &self.series,
            state: &mut self.state,
            work: &mut self.work,
            events,
            lane,
            k,
            step: tile.first_step + k + 1,
            keeps_shortfalls: self.keeps_shortfalls,
        }
    }

    /// Where one lane stands at time 0.
    pub fn standing_at_start(&self, lane: usize) -> BookStanding {
        crate::ledger::book::standing::standing_at_start(self.rules, &self.state, lane)
    }

    /// Writes the block's rows after the last tile. `out` has shape `[columns][LANES]`, columns as in the plan's layout.
    pub fn finish(&self, tile: &MarketTile, out: &mut [f64]) {
        BlockEnd {
            rules: self.rules,
            state: &self.state,
            series: &self.series,
            tile,
            calls: &self.calls,
            involved_usd: involved_usd(self.rules),
        }
        .write(out);
    }
}

//! Several steps at once: quiet lanes together, the others one by one.

use crate::ledger::book::doubt::AccountSet;
use crate::ledger::book::ledger::Book;
use crate::ledger::book::quiet_lane::QuietLane;
use crate::ledger::book::quiet_steps::{QuietSteps, Steps, are_one_sided};
use crate::ledger::book::rules::BookRules;
use crate::ledger::event::Told;
use crate::market::tile::MarketTile;
use crate::math::bits::places_of;

/// What passes need beside the state, allocated once; nothing where the plan has none.
#[derive(Debug, Clone)]
pub(super) struct Passes {
    four: Option<Box<QuietSteps<4>>>,
    two: Option<Box<QuietSteps<2>>>,
    /// One lane's step.
    lane: QuietLane,
    /// Cash of one lane's accounts.
    cash: Vec<f64>,
    /// Sizes of its legs.
    sizes: Vec<f64>,
}

impl Passes {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        let room = rules.has_passes();
        Self {
            four: room.then(|| Box::new(QuietSteps::new(rules))),
            two: room.then(|| Box::new(QuietSteps::new(rules))),
            lane: QuietLane::new(rules),
            cash: Vec::with_capacity(rules.accounts.len()),
            sizes: Vec::with_capacity(rules.legs.len()),
        }
    }
}

impl Book<'_> {
    /// Settles as many steps from `first` of the tile on as can be taken at once; returns their number, 0 if there are none.
    pub(super) fn settle_many(&mut self, first: usize, tile: &MarketTile) -> usize {
        let steps = self.rules.calm_steps(tile.first_step + first);
        let steps = steps.min(tile.steps - first);
        if steps < 2 || !are_one_sided(self.rules, &self.screen.legs) {
            return 0;
        }
        if steps >= 4
            && let Some(mut room) = self.passes.four.take()
        {
            self.pass(&mut room, first, tile);
            self.passes.four = Some(room);
            return 4;
        }
        if let Some(mut room) = self.passes.two.take() {
            self.pass(&mut room, first, tile);
            self.passes.two = Some(room);
            return 2;
        }
        0
    }

    /// Settles `K` steps.
    fn pass<const K: usize>(&mut self, room: &mut QuietSteps<K>, first: usize, tile: &MarketTile) {
        let steps = Steps {
            rules: self.rules,
            series: &self.series,
            tile,
            first,
        };
        let looked = room.look(
            &steps,
            &self.screen.legs,
            &self.screen.is_watched,
            &self.state.hot,
        );
        let mut eventful = looked.eventful;
        for lane in places_of(looked.doubtful) {
            eventful |= u64::from(!self.stays_open(room, lane, first, tile)) << lane;
        }
        room.keep(self.rules, eventful, &mut self.state.hot);
        for lane in places_of(eventful) {
            self.run(room, lane, first, tile);
        }
        for (k, required_usd) in room.required_usd().iter().enumerate() {
            self.calls
                .record(tile.first_step + first + k + 1, required_usd);
        }
    }

    /// Whether no account reaches its liquidation in a lane that is otherwise quiet.
    fn stays_open<const K: usize>(
        &mut self,
        room: &QuietSteps<K>,
        lane: usize,
        first: usize,
        tile: &MarketTile,
    ) -> bool {
        let mut accounts = 0..self.rules.accounts.len();
        if !accounts.any(|a| self.may_reach_level(room, a, lane, first, tile)) {
            return true;
        }
        self.passes.cash.clear();
        for cash in &self.state.hot.cash {
            self.passes.cash.push(cash[lane]);
        }
        let mut stays = true;
        for k in first..first + K {
            stays &= self.lane(lane, k, tile, None).stays_open(AccountSet::ALL);
            if !stays {
                break;
            }
            self.pay(lane, k, tile);
        }
        for (cash, &before) in self.state.hot.cash.iter_mut().zip(&self.passes.cash) {
            cash[lane] = before;
        }
        stays
    }

    /// Whether account `a` may reach its liquidation in one of the steps of a lane, if nothing but funding is paid.
    fn may_reach_level<const K: usize>(
        &mut self,
        room: &QuietSteps<K>,
        a: usize,
        lane: usize,
        first: usize,
        tile: &MarketTile,
    ) -> bool {
        if !room.is_doubtful(a, lane) {
            return false;
        }
        let jumps = room.jumps(lane);
        if jumps == 0 && self.rules.accounts[a].coin.is_none() {
            let notional_usd = room.level_notional_usd(a, lane);
            let lane = self.lane(lane, first, tile, None);
            return !lane.surely_stays_under(a, notional_usd, K);
        }
        !self.surely_stays_open(a, lane, first, (K, jumps), tile)
    }

    /// Pays a quiet step's funding to one lane's accounts.
    fn pay(&mut self, lane: usize, k: usize, tile: &MarketTile) {
        for (a, account) in self.rules.accounts.iter().enumerate() {
            let l = account.legs[0];
            let contract = self.rules.legs[l].contract;
            if let Some(stamp) = self.series.stamp(tile, contract, k) {
                let hot = &mut self.state.hot;
                hot.cash[a][lane] += hot.size[l][lane] * stamp[lane];
            }
        }
    }

    /// The accounts that may reach their liquidation in one of so many steps of a lane from `first` on, if nothing but funding is
    /// paid; `jumps` are the steps in which something jumps, as bits.
    fn doubtful(
        &mut self,
        lane: usize,
        first: usize,
        (steps, jumps): (usize, u64),
        tile: &MarketTile,
    ) -> AccountSet {
        let accounts = 0..self.rules.accounts.len();
        AccountSet::of(
            accounts.map(|a| !self.surely_stays_open(a, lane, first, (steps, jumps), tile)),
        )
    }

    /// Whether account `a` is none of them.
    fn surely_stays_open(
        &mut self,
        a: usize,
        lane: usize,
        first: usize,
        steps: (usize, u64),
        tile: &MarketTile,
    ) -> bool {
        let first_bracket = self.screen.legs[self.rules.accounts[a].legs[0]].first_bracket();
        self.lane(lane, first, tile, None)
            .surely_stays_open_for(a, steps, first_bracket)
    }

    /// Works one lane through the steps.
    fn run<const K: usize>(
        &mut self,
        room: &mut QuietSteps<K>,
        lane: usize,
        first: usize,
        tile: &MarketTile,
    ) {
        let accounts = self.rules.accounts.len();
        let jumps = room.jumps(lane);
        let marks = (0..accounts).map(|a| self.may_reach_level(room, a, lane, first, tile));
        let mut near = AccountSet::of(marks);
        for k in 0..K {
            self.passes.sizes.clear();
            for size in &self.state.hot.size {
                self.passes.sizes.push(size[lane]);
            }
            let is_quiet = self.work_step(lane, first + k, near, tile, None);
            if !is_quiet && k + 1 < K && self.is_nearer(lane) {
                near = self.doubtful(lane, first + k + 1, (K - k - 1, jumps >> (k + 1)), tile);
            }
            room.set_required_usd(k, lane, self.state.hot.required_usd[lane]);
        }
    }

    /// Whether an account of a lane may be nearer to its liquidation than a quiet step would have left it.
    fn is_nearer(&self, lane: usize) -> bool {
        let hot = &self.state.hot;
        let ends = hot.cash.iter().zip(&self.passes.lane.accounts);
        let sizes = hot.size.iter().zip(&self.passes.sizes);
        ends.into_iter().any(|(cash, end)| cash[lane] < end.cash)
            || sizes
                .into_iter()
                .any(|(size, before)| size[lane].to_bits() != before.to_bits())
    }

    /// Works one lane through a step without a common event, in which only the accounts in `near` may reach their liquidation.
    /// Returns whether it was quiet.
    pub(super) fn work_step(
        &mut self,
        lane: usize,
        k: usize,
        near: AccountSet,
        tile: &MarketTile,
        events: Option<&mut Vec<Told>>,
    ) -> bool {
        let mut quiet = std::mem::take(&mut self.passes.lane);
        let steps = Steps {
            rules: self.rules,
            series: &self.series,
            tile,
            first: k,
        };
        quiet.look(&steps, &self.screen.legs, &self.state.hot, lane);
        let stays_open = near.is_empty(self.rules.accounts.len())
            || self.lane(lane, k, tile, None).stays_open(near);
        let is_quiet = stays_open && !quiet.is_eventful;
        if is_quiet {
            let steps = Steps {
                rules: self.rules,
                series: &self.series,
                tile,
                first: k,
            };
            quiet.keep(&steps, &mut self.state.hot, lane);
        } else {
            let mut step = self.lane(lane, k, tile, events);
            let may_trade = if stays_open && step.has_transfers_alone(&quiet) {
                step.settle_transfers(&quiet)
            } else {
                step.settle(if stays_open { AccountSet::NONE } else { near });
                true
            };
            if may_trade {
                self.screen.cover(self.rules, &self.state, lane);
            }
        }
        self.passes.lane = quiet;
        is_quiet
    }
}

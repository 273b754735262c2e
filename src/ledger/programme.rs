//! One hedged programme over a block of paths: reacts to the market tile by tile, and leaves a row a path.

use crate::ledger::account::{Account, Standing};
use crate::ledger::calm::{
    MarginLine, MarkRange, Passage, Stretch, Watch, judge, larger, outside_band, smaller, walk,
};
use crate::ledger::event::LedgerEvent;
use crate::ledger::horizon::close_lanes;
use crate::ledger::lane_view::LaneView;
use crate::ledger::lanes::Lanes;
use crate::ledger::quiet_run::{LanePlace, MarkMove, follow_stretch, lane_step, settle_stretch};
use crate::ledger::row::{PathEnd, write_one};
use crate::ledger::rules::ProgrammeRules;
use crate::ledger::shared_walk::{SharedWalk, Walked, stretch_at, stretch_steps, test_jumps};
use crate::market::tile::{MarketTile, TILE_STEPS};
use crate::math::bits::places_of;
use crate::math::random::Streams;
use crate::outcome::column::FIXED_COLUMNS;
use crate::outcome::table::LANES;

/// Follows one lane through its steps.
pub trait Follower {
    /// The lane to follow.
    fn lane(&self) -> usize;
    /// A step has ended with these events and with the account standing so; `quantity_base` is the inventory.
    fn step_ended(
        &mut self,
        step: usize,
        quantity_base: f64,
        account: &Standing,
        events: Vec<LedgerEvent>,
    );
}

/// The state of one programme on one block.
#[derive(Debug, Clone)]
pub struct Programme<'a> {
    rules: &'a ProgrammeRules,
    streams: &'a Streams,
    lines: Vec<MarginLine>,
    fresh: Lanes,
    lanes: Lanes,
    passage: Passage,
    /// Number of steps without a common event after each step.
    calm_steps: Vec<usize>,
    /// A step before which there is surely no common event after the steps done.
    calm_until: usize,
    /// The first and the last bracket that any lane can stand in over the stretch at hand, and the last that is tested.
    brackets: [usize; 3],
    /// A range that holds every open size, planned or actual, of any lane.
    sizes_base: (f64, f64),
}

impl<'a> Programme<'a> {
    /// A programme at time 0.
    pub fn new(rules: &'a ProgrammeRules, streams: &'a Streams) -> Self {
        let lines = rules
            .venue
            .brackets
            .iter()
            .map(|b| MarginLine {
                rate: b.rate,
                deduction_usd: b.deduction_usd,
            })
            .collect();
        let mut calm_steps = vec![0; rules.steps];
        for step in (1..rules.steps).rev() {
            if !rules.is_common_event(step) {
                calm_steps[step - 1] = calm_steps[step] + 1;
            }
        }
        let fresh = Lanes::new(rules);
        Self {
            rules,
            streams,
            lines,
            lanes: fresh.clone(),
            fresh,
            passage: Passage::NOTHING,
            calm_steps,
            calm_until: 0,
            brackets: [0; 3],
            sizes_base: (0.0, 0.0),
        }
    }

    /// Sets all accounts to time 0.
    pub fn start(&mut self) {
        self.lanes.become_like(&self.fresh);
        self.calm_until = 0;
        // All lanes are alike.
        self.sizes_base = (f64::INFINITY, 0.0);
        self.cover_sizes(0);
    }

    /// Reacts to a tile.
    pub fn advance(&mut self, tile: &MarketTile, mut follower: Option<&mut dyn Follower>) {
        let mut k = 0;
        while k < tile.steps {
            let calm_steps = self.calm_steps(k, tile);
            k += match calm_steps {
                0 => self.settle_common(k, tile, &mut follower),
                1 => self.pass::<1>(k, tile, &mut follower),
                2 | 3 => self.pass::<2>(k, tile, &mut follower),
                4..TILE_STEPS => self.pass::<4>(k, tile, &mut follower),
                _ => self.pass::<TILE_STEPS>(k, tile, &mut follower),
            };
        }
    }

    /// Number of steps of a tile from step `k` on without a common event.
    fn calm_steps(&mut self, k: usize, tile: &MarketTile) -> usize {
        let (step, end) = (tile.first_step + k, tile.first_step + tile.steps);
        if self.calm_until < end {
            self.calm_until = step + self.calm_steps[step];
        }
        self.calm_until.min(end) - step
    }

    /// A step with an event in every lane; returns 1, the steps done.
    fn settle_common(
        &mut self,
        k: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) -> usize {
        let mut left = u64::MAX;
        if follower.is_none() && tile.first_step + k + 1 == self.rules.steps {
            let brackets = self.bracket_range(&self.marks_of_step(k, tile));
            left = close_lanes(self.rules, brackets, k, tile, &mut self.lanes);
        }
        for lane in places_of(left) {
            self.settle_common_lane(lane, k, tile, follower);
        }
        self.lanes.quantity_base -= self.rules.sales_base[tile.first_step + k + 1];
        1
    }

    /// `K` steps from `k` on without an event that all lanes share; returns `K`.
    fn pass<const K: usize>(
        &mut self,
        k: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) -> usize {
        let rules = self.rules;
        let stretch = stretch_at::<K>(rules, self.lanes.quantity_base, k, tile);
        let hot = &self.lanes.hot;
        let mut marks = walk(&stretch, rules.clearance, Some(hot), &mut self.passage);
        let jumped_usd = test_jumps(rules, k..k + K, tile, &mut self.passage);
        marks.tested_usd = marks.tested_usd.max(jumped_usd);
        if rules.band().is_some() {
            self.passage.set_alarms(self.left_band(k..k + K, tile));
        }
        let watch = self.watch(tile.first_step + k + K, &marks);
        let followed = follower
            .as_ref()
            .map(|f| (f.lane(), self.standing(f.lane())));
        let eventful = self.judge::<true>(&watch, &marks, None);
        if let (Some((lane, standing)), Some(follower)) = (followed, follower.as_mut())
            && (eventful >> lane) & 1 == 0
        {
            follow_calm(&stretch, lane, standing, *follower);
        }
        for lane in places_of(eventful) {
            self.settle_lane::<K, true>(&stretch, None, (lane, k), tile, follower);
        }
        K
    }

    /// Reacts to a tile like [`Self::advance`], but for what nobody asks for: funding, the least equity and the largest fall of wealth
    /// lose their meaning.
    ///
    /// The tile has been walked by `shared`, of which this programme is a member. Returns the lanes, as bits, that are left at the tile's
    /// start for [`Self::settle_along`].
    pub fn advance_along(&mut self, tile: &MarketTile, shared: &SharedWalk) -> u64 {
        let mut k = 0;
        while k < tile.steps {
            let calm_steps = self.calm_steps(k, tile);
            match calm_steps {
                0 => {
                    self.settle_common(k, tile, &mut None);
                }
                1 => self.pass_along::<1>(k, tile, shared),
                2 | 3 => self.pass_along::<2>(k, tile, shared),
                4..TILE_STEPS => self.pass_along::<4>(k, tile, shared),
                _ => return self.judge_along(TILE_STEPS, tile, shared.stretch(0)),
            }
            k += stretch_steps(calm_steps);
        }
        0
    }

    /// `K` steps from `k` on without an event that all lanes share.
    fn pass_along<const K: usize>(&mut self, k: usize, tile: &MarketTile, shared: &SharedWalk) {
        let eventful = self.judge_along(k + K, tile, shared.stretch(k));
        if eventful != 0 {
            let stretch = stretch_at::<K>(self.rules, self.lanes.quantity_base, k, tile);
            for lane in places_of(eventful) {
                self.settle_lane::<K, false>(&stretch, None, (lane, k), tile, &mut None);
            }
        }
    }

    /// Works through the lanes of a tile that [`Self::advance_along`] left.
    pub fn settle_along(&mut self, left: u64, tile: &MarketTile, shared: &mut SharedWalk) {
        let quantity_base = self.lanes.quantity_base;
        let stretch = stretch_at::<TILE_STEPS>(self.rules, quantity_base, 0, tile);
        for lane in places_of(left) {
            let view = shared.view((self.rules, self.streams), &stretch, tile, lane);
            let (place, view) = ((lane, 0), Some(view));
            self.settle_lane::<TILE_STEPS, false>(&stretch, view, place, tile, &mut None);
        }
    }

    /// [`judge`] along a shared stretch that ends before step `end` of a tile.
    #[inline]
    fn judge_along(&mut self, end: usize, tile: &MarketTile, walked: &Walked) -> u64 {
        let watch = self.watch(tile.first_step + end, &walked.marks);
        self.judge::<false>(&watch, &walked.marks, Some(&walked.passage))
    }

    /// What decides whether lanes are calm in a stretch that ends with `last_step`, counted from 1.
    fn watch(&mut self, last_step: usize, marks: &MarkRange) -> Watch {
        let rules = self.rules;
        let tested_usd = self.sizes_base.1 * marks.tested_usd;
        self.brackets[2] = rules.venue.bracket_index_near(self.brackets[2], tested_usd);
        Watch {
            last_step: last_step as f64,
            trigger_fee_frac: rules.venue.trigger_fee_frac(),
            steepest_rate: rules.venue.brackets[self.brackets[2]].rate,
            call_level: rules.margin_call.map_or(f64::INFINITY, |call| call.level),
            release_level: rules
                .margin_call
                .and_then(|call| call.release)
                .unwrap_or(0.0),
            requirement_shift: rules.requirement_shift,
        }
    }

    /// [`judge`] with as many brackets as any lane can stand in, along a passage or the programme's own.
    fn judge<const RECORDS: bool>(
        &mut self,
        watch: &Watch,
        marks: &MarkRange,
        passage: Option<&Passage>,
    ) -> u64 {
        let (first, last) = self.bracket_range(marks);
        match last - first {
            0 => self.judge_lines::<1, RECORDS>(first, watch, passage),
            1 => self.judge_lines::<2, RECORDS>(first, watch, passage),
            2 => self.judge_lines::<3, RECORDS>(first, watch, passage),
            3 => self.judge_lines::<4, RECORDS>(first, watch, passage),
            4..=7 => self.judge_lines::<8, RECORDS>(first, watch, passage),
            _ => self.judge_lines::<64, RECORDS>(first, watch, passage),
        }
    }

    /// [`judge`] with the `N` brackets from `first` on; further ones beyond the last repeat it.
    fn judge_lines<const N: usize, const RECORDS: bool>(
        &mut self,
        first: usize,
        watch: &Watch,
        passage: Option<&Passage>,
    ) -> u64 {
        let last = self.lines.len() - 1;
        let lines: [MarginLine; N] = std::array::from_fn(|i| self.lines[(first + i).min(last)]);
        let passage = passage.unwrap_or(&self.passage);
        let hot = &mut self.lanes.hot;
        if self.rules.margin_call.is_some() {
            judge::<N, true, RECORDS>(&lines, watch, passage, hot)
        } else {
            judge::<N, false, RECORDS>(&lines, watch, passage, hot)
        }
    }

    /// Lanes whose planned hedge ratio leaves its band at the end of one of the steps, as bits.
    fn left_band(&self, steps: std::ops::Range<usize>, tile: &MarketTile) -> u64 {
        let rules = self.rules;
        let Some(width) = rules.band() else {
            return 0;
        };
        steps.fold(0, |bits, k| {
            bits | outside_band(
                &self.lanes.hot,
                &tile.spot_usd[rules.held][k],
                &tile.spot_usd[rules.underlying][k],
                self.lanes.quantity_base,
                rules.hedge_ratio,
                width,
            )
        })
    }

    /// One lane's step with a common event.
    fn settle_common_lane(
        &mut self,
        lane: usize,
        k: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) {
        let rules = self.rules;
        let path = tile.first_path + lane as u64;
        let quantity_base = self.lanes.quantity_base;
        let (mut account, hot) = Account::take(rules, self.streams, path, &mut self.lanes, lane);
        let follower = follower.as_mut().filter(|f| f.lane() == lane);
        if follower.is_some() {
            account.listen();
        }
        let step = lane_step(rules, tile, k, lane, quantity_base, true);
        let mut fill = None;
        if account.is_open() {
            let mark = MarkMove {
                step: step.step,
                start_usd: tile.mark_usd[rules.contract][k][lane],
                end_usd: step.mark_usd,
                jumps: tile.lane_jumps(k, rules.underlying, lane),
            };
            let cash_usd = account.cash_usd;
            fill = account.find_fill(&mark, cash_usd);
        }
        account.settle_step(&step, fill);
        if let Some(follower) = follower {
            let quantity_base = quantity_base - rules.sales_base[step.step];
            let events = account.take_events();
            follower.step_ended(step.step, quantity_base, &account.standing(), events);
        }
        account.put_back(hot, lane);
        self.cover_sizes(lane);
    }

    /// One lane's stretch, from step `first` of the tile on, event by event; without `RECORDS`, those that nobody asks for are left alone.
    fn settle_lane<const K: usize, const RECORDS: bool>(
        &mut self,
        stretch: &Stretch<'_, K>,
        view: Option<&LaneView<K>>,
        (lane, first): (usize, usize),
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) {
        let rules = self.rules;
        let path = tile.first_path + lane as u64;
        let place = LanePlace {
            stretch,
            tile,
            first,
            lane,
            bracket: self.brackets[0],
            view,
        };
        let (mut account, hot) = Account::take(rules, self.streams, path, &mut self.lanes, lane);
        let may_trade = rules.band().is_some();
        match follower.as_mut().filter(|f| f.lane() == lane) {
            None => settle_stretch::<K, RECORDS>(&mut account, &place, may_trade),
            Some(follower) => follow_stretch(&mut account, &place, may_trade, *follower),
        }
        account.put_back(hot, lane);
        self.cover_sizes(lane);
    }

    /// Where one lane's account stands.
    pub fn standing(&self, lane: usize) -> Standing {
        let (hot, cold) = (&self.lanes.hot, &self.lanes.cold[lane]);
        Standing {
            short_base: hot.short_base[lane],
            planned_short_base: hot.planned_short_base[lane],
            cash_usd: hot.cash_usd[lane],
            funding_usd: hot.funding_usd[lane],
            reserve_usd: cold.reserve_usd,
            in_flight_usd: cold.in_flight_usd,
        }
    }

    /// Widens the range of sizes to a lane's; flat lanes do not count for the smallest.
    fn cover_sizes(&mut self, lane: usize) {
        let hot = &self.lanes.hot;
        for size_base in [hot.short_base[lane], hot.planned_short_base[lane]] {
            self.sizes_base.1 = larger(size_base, self.sizes_base.1);
            if size_base > 0.0 {
                self.sizes_base.0 = smaller(size_base, self.sizes_base.0);
            }
        }
    }

    /// First and last bracket in which any lane's notional can stand at its highest mark, or at that times the shift of the
    /// requirement.
    fn bracket_range(&mut self, marks: &MarkRange) -> (usize, usize) {
        let venue = &self.rules.venue;
        let least_base = smaller(self.sizes_base.0, self.sizes_base.1);
        let shifted_usd = marks.most_usd * self.rules.requirement_shift;
        let [first, last, _] = self.brackets;
        let first = venue.bracket_index_near(first, least_base * marks.least_usd);
        let last = venue.bracket_index_near(last, self.sizes_base.1 * shifted_usd);
        (self.brackets[0], self.brackets[1]) = (first, last);
        (first, last)
    }

    /// The marks that notionals of step `k` of a tile can stand at, with what is tested.
    fn marks_of_step(&self, k: usize, tile: &MarketTile) -> MarkRange {
        let marks_usd = &tile.mark_usd[self.rules.contract];
        let (mut least_usd, mut most_usd) = (f64::INFINITY, 0.0);
        for (&start_usd, &end_usd) in marks_usd[k].iter().zip(&marks_usd[k + 1]) {
            least_usd = smaller(end_usd, least_usd);
            most_usd = larger(larger(start_usd, end_usd), most_usd);
        }
        let tested_usd = most_usd * self.rules.clearance;
        MarkRange {
            least_usd,
            most_usd: tested_usd,
            tested_usd,
        }
    }

    /// Writes the block's rows after the last tile. `out` has shape `[columns][LANES]`.
    pub fn finish(&self, tile: &MarketTile, out: &mut [f64]) {
        let (columns, _) = out.as_chunks_mut::<LANES>();
        let (fixed, spots) = columns.split_at_mut(FIXED_COLUMNS);
        for (spots, spot_usd) in spots.iter_mut().zip(&tile.spot_usd) {
            *spots = spot_usd[tile.steps - 1];
        }
        for lane in 0..LANES {
            PathEnd::new(self.rules, &self.lanes, tile, lane).write(fixed);
        }
    }

    /// Writes one column of the block's rows, by its storage index.
    pub fn finish_column(&self, tile: &MarketTile, column: usize, cells: &mut [f64; LANES]) {
        if column < FIXED_COLUMNS {
            write_one(column, cells, |lane| {
                PathEnd::new(self.rules, &self.lanes, tile, lane)
            });
        } else {
            *cells = tile.spot_usd[column - FIXED_COLUMNS][tile.steps - 1];
        }
    }
}

/// Tells a follower the steps of a lane that was calm.
fn follow_calm<const K: usize>(
    stretch: &Stretch<'_, K>,
    lane: usize,
    start: Standing,
    follower: &mut dyn Follower,
) {
    let mut received_usd: f64 = 0.0;
    for i in 0..K {
        if stretch.is_stamp[i] {
            received_usd =
                stretch.mark_usd[i][lane].mul_add(stretch.funding_rate[i][lane], received_usd);
        }
        let account = Standing {
            cash_usd: start.short_base.mul_add(received_usd, start.cash_usd),
            funding_usd: start.short_base.mul_add(received_usd, start.funding_usd),
            ..start
        };
        follower.step_ended(
            stretch.first_step + i,
            stretch.quantity_base,
            &account,
            Vec::new(),
        );
    }
}

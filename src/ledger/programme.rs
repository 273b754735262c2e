//! One hedged programme over a block of paths: reacts to the market tile by tile, and leaves a row a path.

use crate::ledger::account::{Account, Standing};
use crate::ledger::calm::{
    MarginLine, MarkRange, Passage, Stretch, Watch, judge, larger, outside_band, smaller, walk,
};
use crate::ledger::event::LedgerEvent;
use crate::ledger::lanes::Lanes;
use crate::ledger::quiet_run::{LanePlace, MarkMove, follow_stretch, lane_step, settle_stretch};
use crate::ledger::row::PathEnd;
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::{LaneArray, MarketTile, TILE_STEPS, TileJump};
use crate::math::bits::places_of;
use crate::math::random::Streams;
use crate::outcome::column::FIXED_COLUMNS;
use crate::outcome::table::LANES;
use crate::plan::types::Crossing;

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
    /// The first bracket that any lane can stand in over the stretch at hand.
    first_bracket: usize,
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
            passage: Passage::new(),
            calm_steps,
            first_bracket: 0,
            sizes_base: (0.0, 0.0),
        }
    }

    /// Sets all accounts to time 0.
    pub fn start(&mut self) {
        self.lanes.become_like(&self.fresh);
        // All lanes are alike.
        self.sizes_base = (f64::INFINITY, 0.0);
        self.cover_sizes(0);
    }

    /// Reacts to a tile.
    pub fn advance(&mut self, tile: &MarketTile, mut follower: Option<&mut dyn Follower>) {
        let mut k = 0;
        while k < tile.steps {
            let calm_steps = self.calm_steps[tile.first_step + k].min(tile.steps - k);
            k += match calm_steps {
                0 => self.settle_common(k, tile, &mut follower),
                1 => self.pass::<1>(k, tile, &mut follower),
                2 | 3 => self.pass::<2>(k, tile, &mut follower),
                4..TILE_STEPS => self.pass::<4>(k, tile, &mut follower),
                _ => self.pass::<TILE_STEPS>(k, tile, &mut follower),
            };
        }
    }

    /// A step with an event in every lane; returns 1, the steps done.
    fn settle_common(
        &mut self,
        k: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) -> usize {
        for lane in 0..LANES {
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
        let first_step = tile.first_step + k + 1;
        let marks = &tile.mark_usd[rules.contract];
        let stretch = Stretch::<K> {
            first_step,
            underlying: rules.underlying,
            start_mark_usd: &marks[k],
            underlying_usd: steps_from(&tile.spot_usd[rules.underlying], k),
            mark_usd: steps_from(marks, k + 1),
            spot_usd: steps_from(&tile.spot_usd[rules.held], k),
            funding_rate: steps_from(&tile.funding_rate[rules.contract], k),
            is_stamp: std::array::from_fn(|i| tile.is_stamp[rules.contract][k + i]),
            is_watching: std::array::from_fn(|i| rules.is_watching(first_step + i)),
            interest: if rules.cost_of_funds_per_step == 0.0 {
                [0.0; K]
            } else {
                std::array::from_fn(|i| rules.cost_of_funds_per_step * (first_step + i) as f64)
            },
            quantity_base: self.lanes.quantity_base,
        };
        let mut marks = walk(
            &stretch,
            rules.clearance,
            &self.lanes.hot,
            &mut self.passage,
        );
        marks.tested_usd = marks.tested_usd.max(self.test_jumps(k..k + K, tile));
        if rules.band().is_some() {
            self.passage.set_alarms(self.left_band(k..k + K, tile));
        }
        let watch = Watch {
            last_step: (tile.first_step + k + K) as f64,
            trigger_fee_frac: rules.venue.trigger_fee_frac(),
            steepest_rate: rules
                .venue
                .bracket(self.sizes_base.1 * marks.tested_usd)
                .rate,
            call_level: rules.margin_call.map_or(f64::INFINITY, |call| call.level),
            release_level: rules
                .margin_call
                .and_then(|call| call.release)
                .unwrap_or(0.0),
            requirement_shift: rules.requirement_shift,
        };
        let followed = follower
            .as_ref()
            .map(|f| (f.lane(), self.standing(f.lane())));
        let eventful = self.judge(&watch, &marks);
        if let (Some((lane, standing)), Some(follower)) = (followed, follower.as_mut())
            && (eventful >> lane) & 1 == 0
        {
            follow_calm(&stretch, lane, standing, *follower);
        }
        for lane in places_of(eventful) {
            self.settle_lane(&stretch, lane, k, tile, follower);
        }
        K
    }

    /// [`judge`] with as many brackets as any lane can stand in.
    fn judge(&mut self, watch: &Watch, marks: &MarkRange) -> u64 {
        let (first, last) = self.bracket_range(marks);
        self.first_bracket = first;
        match last - first {
            0 => self.judge_lines::<1>(first, watch),
            1 => self.judge_lines::<2>(first, watch),
            2 | 3 => self.judge_lines::<4>(first, watch),
            4..=7 => self.judge_lines::<8>(first, watch),
            _ => self.judge_lines::<64>(first, watch),
        }
    }

    /// [`judge`] with the `N` brackets from `first` on; further ones beyond the last repeat it.
    fn judge_lines<const N: usize>(&mut self, first: usize, watch: &Watch) -> u64 {
        let last = self.lines.len() - 1;
        let lines: [MarginLine; N] = std::array::from_fn(|i| self.lines[(first + i).min(last)]);
        let (hot, passage) = (&mut self.lanes.hot, &self.passage);
        if self.rules.margin_call.is_some() {
            judge::<N, true>(&lines, watch, passage, hot)
        } else {
            judge::<N, false>(&lines, watch, passage, hot)
        }
    }

    /// Raises the tested mark of lanes whose mark jumps; returns the highest of these marks.
    fn test_jumps(&mut self, steps: std::ops::Range<usize>, tile: &MarketTile) -> f64 {
        let rules = self.rules;
        let mut highest_usd = 0.0;
        if rules.crossing == Crossing::Endpoints {
            return highest_usd;
        }
        let marks_usd = &tile.mark_usd[rules.contract];
        let jumps = tile.jumps_between(steps);
        for jumps in jumps.chunk_by(|a, b| (a.step, a.asset, a.lane) == (b.step, b.asset, b.lane)) {
            let TileJump {
                step, asset, lane, ..
            } = jumps[0];
            if asset == rules.underlying {
                let (start_usd, end_usd) = (marks_usd[step][lane], marks_usd[step + 1][lane]);
                let tested_usd = rules.jump_tested_usd(start_usd, end_usd, jumps);
                self.passage.test(lane, tested_usd);
                highest_usd = larger(tested_usd, highest_usd);
            }
        }
        highest_usd
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

    /// One lane's stretch, from step `first` of the tile on, event by event.
    fn settle_lane<const K: usize>(
        &mut self,
        stretch: &Stretch<'_, K>,
        lane: usize,
        first: usize,
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
            bracket: self.first_bracket,
        };
        let (mut account, hot) = Account::take(rules, self.streams, path, &mut self.lanes, lane);
        let may_trade = rules.band().is_some();
        match follower.as_mut().filter(|f| f.lane() == lane) {
            None => settle_stretch(&mut account, &place, may_trade),
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
    fn bracket_range(&self, marks: &MarkRange) -> (usize, usize) {
        let venue = &self.rules.venue;
        let least_base = self.sizes_base.0.min(self.sizes_base.1);
        let shifted_usd = marks.most_usd * self.rules.requirement_shift;
        (
            venue.bracket_index(least_base * marks.least_usd),
            venue.bracket_index(self.sizes_base.1 * shifted_usd),
        )
    }

    /// Writes the block's rows after the last tile. `out` has shape `[columns][LANES]`.
    #[expect(
        clippy::needless_range_loop,
        reason = "a lane has its place in many columns"
    )]
    pub fn finish(&self, tile: &MarketTile, out: &mut [f64]) {
        let (columns, _) = out.as_chunks_mut::<LANES>();
        let (fixed, spots) = columns.split_at_mut(FIXED_COLUMNS);
        for (spots, spot_usd) in spots.iter_mut().zip(&tile.spot_usd) {
            *spots = spot_usd[tile.steps - 1];
        }
        for lane in 0..LANES {
            let end = PathEnd::new(self.rules, &self.lanes, tile, lane);
            for (column, cell) in end.row() {
                fixed[column as usize][lane] = cell;
            }
        }
    }
}

/// `K` steps of a series from step `from` on.
fn steps_from<const K: usize>(series: &[LaneArray], from: usize) -> &[LaneArray; K] {
    let Some(steps) = series[from..].first_chunk() else {
        unreachable!("a stretch lies inside its tile")
    };
    steps
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

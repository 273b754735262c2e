//! One lane's way through a stretch: all its steps at once as if they were quiet, then up to the first that needs the full order
//! of events.

#![expect(
    clippy::inline_always,
    reason = "the loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::account::{Account, LaneStep, maintenance_margin_usd};
use crate::ledger::calm::{Stretch, larger, smaller};
use crate::ledger::crossing::{CrossingDraws, Fill, MarkStep};
use crate::ledger::event::LiquidationCause;
use crate::ledger::lane_view::{LaneView, jump_steps};
use crate::ledger::lanes::NEVER;
use crate::ledger::position::{LaneMarks, Position};
use crate::ledger::programme::Follower;
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::{MarketTile, TileJump};
use crate::math::ars::{Block, block, block_inside};
use crate::math::bits::places_of;
use crate::math::random::{address_number, halvings_of_uniform_32};
use crate::plan::types::Crossing;

/// The most steps that a shift of a word of bits can skip.
const MOST_STEPS: usize = 63;

/// One lane of a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct LanePlace<'a, const K: usize> {
    /// The stretch.
    pub(super) stretch: &'a Stretch<'a, K>,
    /// The tile it lies in.
    pub(super) tile: &'a MarketTile,
    /// Its first step, within the tile.
    pub(super) first: usize,
    /// The lane.
    pub(super) lane: usize,
    /// The bracket where to look first for its notionals.
    pub(super) bracket: usize,
    /// What has been seen of the lane for all programmes that hedge with the contract.
    pub(super) view: Option<&'a LaneView<K>>,
}

impl<const K: usize> LanePlace<'_, K> {
    /// Step `i` of the stretch.
    pub(super) fn step(&self, rules: &ProgrammeRules, i: usize, may_trade: bool) -> LaneStep {
        let quantity_base = self.stretch.quantity_base;
        lane_step(
            rules,
            self.tile,
            self.first + i,
            self.lane,
            quantity_base,
            may_trade,
        )
    }
}

/// A lane on its way through a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneRun<'a, const K: usize> {
    /// The stretch.
    stretch: &'a Stretch<'a, K>,
    /// The tile it lies in, for the jumps.
    tile: &'a MarketTile,
    /// Its first step, within the tile.
    first: usize,
    /// The lane.
    lane: usize,
    /// Steps of the stretch in which the underlying jumps in this lane, as bits.
    jump_steps: u64,
    /// The halvings of all steps' uniforms, where they have been drawn.
    halvings: Option<&'a [f64; K]>,
    /// What the market does.
    marks: LaneMarks<K>,
    /// What that means for the account's position as it was last.
    position: Position<'a, K>,
    /// Steps inside which the mark may have reached the account's level, as bits.
    near_steps: u64,
}

impl<'a, const K: usize> LaneRun<'a, K> {
    /// An account's lane at the start of its stretch.
    #[inline(always)]
    pub(super) fn new(place: &LanePlace<'a, K>, account: &Account<'a>) -> Self {
        let LanePlace {
            stretch,
            tile,
            first,
            lane,
            bracket,
            view,
        } = *place;
        let (jump_steps, marks) = match view {
            Some(view) => (view.jump_steps, view.marks),
            None => (
                jump_steps(stretch, tile, first, lane),
                LaneMarks::new::<true>(stretch, lane),
            ),
        };
        let sizes_base = (account.short_base, account.planned_short_base);
        let position = Position::new(account.rules, &marks, sizes_base, bracket);
        let mut run = Self {
            stretch,
            tile,
            first,
            lane,
            jump_steps,
            halvings: view.map(|view| &view.halvings),
            marks,
            position,
            near_steps: u64::MAX,
        };
        run.look_for_band(account.rules);
        run
    }

    /// Holds other sizes from now on.
    #[inline(never)]
    fn hold(&mut self, rules: &'a ProgrammeRules, sizes_base: (f64, f64)) {
        let bracket = self.position.first_bracket;
        self.position = Position::new(rules, &self.marks, sizes_base, bracket);
        self.look_for_band(rules);
    }

    /// Notes the steps from `from` on inside which the mark may have reached the account's level, if nothing is paid to it or out of
    /// it but funding; what is paid to it besides leaves them true.
    #[inline(always)]
    fn look_for_level(
        &mut self,
        account: &Account<'a>,
        from: usize,
        cipher: impl Fn(Block) -> Block,
    ) {
        let mut cash_usd = account.cash_usd;
        let mut least_cash_usd = cash_usd;
        for unit_funding_usd in &self.marks.unit_funding_usd[from..] {
            cash_usd += account.short_base * unit_funding_usd;
            least_cash_usd = smaller(cash_usd, least_cash_usd);
        }
        self.near_steps = u64::MAX;
        if let Some(nearness) = self
            .position
            .nearness(account.rules, &self.marks, least_cash_usd)
        {
            self.near_steps = self.jump_steps;
            if let Some(halvings) = self.halvings {
                self.near_steps |= nearness.near_steps(halvings);
                return;
            }
            for i in places_of(nearness.steps() & (u64::MAX << from)) {
                let draws = account.draws(self.stretch.first_step + i);
                let halvings = halvings_of_uniform_32(cipher(draws.bridge_address(0)));
                let misses = nearness.misses(i, f64::from(halvings));
                self.near_steps |= u64::from(!misses) << i;
            }
        }
    }

    /// Notes the steps that leave a band.
    #[inline(always)]
    fn look_for_band(&mut self, rules: &ProgrammeRules) {
        if let Some(width) = rules.band() {
            self.position.outside = outside_band(self, rules, width);
        }
    }

    /// What the mark does in step `i` of the stretch.
    #[inline(always)]
    fn mark_move(&self, i: usize) -> MarkMove<'a> {
        let (stretch, lane) = (self.stretch, self.lane);
        let jumps = if (self.jump_steps >> i) & 1 == 0 {
            &[]
        } else {
            self.tile
                .lane_jumps(self.first + i, stretch.underlying, lane)
        };
        let start_usd = if i == 0 {
            stretch.start_mark_usd
        } else {
            &stretch.mark_usd[i - 1]
        };
        MarkMove {
            step: stretch.first_step + i,
            start_usd: start_usd[lane],
            end_usd: stretch.mark_usd[i][lane],
            jumps,
        }
    }
}

/// What a mark did in a step, as far as reaching a level goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct MarkMove<'a> {
    /// The step, from 1.
    pub(super) step: usize,
    /// Mark at the start, USD.
    pub(super) start_usd: f64,
    /// Mark at the end, USD.
    pub(super) end_usd: f64,
    /// Jumps of the underlying inside the step, in order of time.
    pub(super) jumps: &'a [TileJump],
}

impl<'a> Account<'a> {
    /// Works through the steps `from..until` of a stretch as long as nothing happens but funding and records. Returns the
    /// first step not done, `until` if there is none, and its fill if the mark reached the level inside it.
    ///
    /// What changes from step to step stays in registers. Without `RECORDS` those of funding, least equity and wealth stay what they are.
    #[inline(always)]
    fn run_quietly<const K: usize, const RECORDS: bool>(
        &mut self,
        run: &LaneRun<'a, K>,
        from: usize,
        until: usize,
    ) -> (usize, Option<Fill>) {
        if let Some(pair) = run.position.pair {
            self.bracket = pair.low;
            self.planned_bracket = pair.low;
        }
        let (stretch, marks, position) = (run.stretch, &run.marks, &run.position);
        let (short_base, planned_base) = (self.short_base, self.planned_short_base);
        let is_open = self.is_open();
        let (acts_below, acts_from) = self.acts();
        let stops = position.outside | self.due_steps(stretch.first_step);
        let (outside_usd, contributed_usd) = (self.outside_usd, self.contributed_usd);
        let (mut cash_usd, mut funding_usd) = (self.cash_usd, self.funding_usd);
        let mut planned_cash_usd = self.planned_cash_usd;
        let (mut least_usd, mut most_ratio) = (self.min_equity_usd, self.max_margin_ratio);
        let mut required_usd = self.required_usd;
        let (mut peak_usd, mut drawdown_usd) = (self.peak_wealth_usd, self.max_drawdown_usd);
        let until = until.min(K);
        let (mut end, mut fill) = (until, None);
        for i in from..until {
            if is_open && (run.near_steps >> i) & 1 != 0 {
                fill = self.find_fill(&run.mark_move(i), cash_usd);
                if fill.is_some() {
                    end = i;
                    break;
                }
            }
            let paid_usd = short_base * marks.unit_funding_usd[i];
            let next_cash_usd = cash_usd + paid_usd;
            let equity_usd = next_cash_usd - position.notional_usd[i];
            let maintenance_usd = position.maintenance_usd[i];
            let may_act = maintenance_usd < acts_below * equity_usd
                || maintenance_usd >= acts_from * equity_usd;
            let is_acting = is_open
                && (may_act && stretch.is_watching[i] || equity_usd <= position.trigger_usd[i]);
            if is_acting || (stops >> i) & 1 != 0 {
                end = i;
                break;
            }
            if RECORDS && is_open {
                least_usd = smaller(equity_usd, least_usd);
            }
            if is_open {
                most_ratio = larger(maintenance_usd / equity_usd, most_ratio);
            }
            cash_usd = next_cash_usd;
            if RECORDS {
                funding_usd += paid_usd;
            }
            planned_cash_usd += planned_base * marks.unit_funding_usd[i];
            required_usd = larger(position.needed_usd[i] - planned_cash_usd, required_usd);
            if RECORDS && stretch.is_watching[i] {
                let wealth_usd = marks.inventory_usd[i] + equity_usd + outside_usd
                    - stretch.interest[i] * contributed_usd;
                peak_usd = larger(wealth_usd, peak_usd);
                drawdown_usd = larger(peak_usd - wealth_usd, drawdown_usd);
            }
        }
        (self.cash_usd, self.funding_usd) = (cash_usd, funding_usd);
        self.planned_cash_usd = planned_cash_usd;
        (self.min_equity_usd, self.max_margin_ratio) = (least_usd, most_ratio);
        self.required_usd = required_usd;
        (self.peak_wealth_usd, self.max_drawdown_usd) = (peak_usd, drawdown_usd);
        (end, fill)
    }

    /// Margin ratios under which, and from which on, the hedger who looks acts; 0 and infinity: never. An account with an
    /// equity of 0 or less is past that.
    #[inline(always)]
    fn acts(&self) -> (f64, f64) {
        let Some(call) = self.rules.margin_call else {
            return (0.0, f64::INFINITY);
        };
        let acts_below = if self.is_armed {
            call.release.unwrap_or(0.0)
        } else {
            call.level
        };
        let is_spent = !self.is_armed && self.cold.reserve_usd <= 0.0;
        let acts_from = if self.cold.arrival_step == NEVER && !is_spent {
            call.level
        } else {
            f64::INFINITY
        };
        (acts_below, acts_from)
    }

    /// Steps of a stretch from `first_step` on by whose end a transfer or a re-entry is due, as bits.
    fn due_steps(&self, first_step: usize) -> u64 {
        let reentry_step = if self.is_open() {
            NEVER
        } else {
            self.cold.reentry_step
        };
        let due_step = self.cold.arrival_step.min(reentry_step) as usize;
        let quiet_steps = due_step.saturating_sub(first_step).min(MOST_STEPS);
        u64::MAX << quiet_steps
    }

    /// Stage 2: whether the mark reached the level of an open account inside the step.
    #[inline(always)]
    pub(super) fn find_fill(&mut self, mark: &MarkMove<'_>, cash_usd: f64) -> Option<Fill> {
        if self.rules.crossing == Crossing::Endpoints {
            return self.check_end(mark.end_usd, cash_usd);
        }
        let rules = self.rules;
        let tested_usd = self.short_base * larger(mark.start_usd, mark.end_usd) * rules.clearance;
        let trigger_usd = maintenance_margin_usd(rules, &mut self.bracket, tested_usd)
            + rules.venue.trigger_fee_frac() * tested_usd;
        let is_far = cash_usd - tested_usd > trigger_usd;
        if is_far && mark.jumps.is_empty() {
            return None;
        }
        self.reach_level(mark, cash_usd, is_far)
    }

    /// The fill where only the mark at the step's end counts.
    #[inline(never)]
    fn check_end(&mut self, mark_usd: f64, cash_usd: f64) -> Option<Fill> {
        let rules = self.rules;
        let notional_usd = self.short_base * mark_usd;
        let trigger_usd = maintenance_margin_usd(rules, &mut self.bracket, notional_usd)
            + rules.venue.trigger_fee_frac() * notional_usd;
        (cash_usd - notional_usd <= trigger_usd).then_some(Fill {
            price_usd: mark_usd,
            cause: LiquidationCause::EndCheck,
        })
    }

    /// The random numbers that decide crossings in a step.
    #[inline(always)]
    fn draws(&self, step: usize) -> CrossingDraws<'a> {
        CrossingDraws {
            streams: self.streams,
            path: self.path,
            step: address_number(step - 1),
            contract: address_number(self.rules.contract),
        }
    }

    /// Whether the mark reaches the level inside the step.
    #[inline(always)]
    fn reach_level(&self, mark: &MarkMove<'_>, cash_usd: f64, is_far: bool) -> Option<Fill> {
        let rules = self.rules;
        let level_usd = self.level_usd(self.short_base * mark.start_usd, cash_usd, is_far);
        let draws = self.draws(mark.step);
        let mark = MarkStep {
            start_usd: mark.start_usd,
            end_usd: mark.end_usd,
            jumps: mark.jumps,
            variance: rules.step_variance,
        };
        if mark.surely_misses(level_usd, &draws) {
            return None;
        }
        mark.reach(level_usd, &draws)
    }

    /// The mark that liquidates, which lies between a notional of `start_usd` and the one tested unless `is_far`.
    #[inline(always)]
    fn level_usd(&self, start_usd: f64, cash_usd: f64, is_far: bool) -> f64 {
        let (venue, bracket) = (&self.rules.venue, self.bracket);
        if is_far || !bracket.holds(start_usd) {
            return venue.liquidation_price_usd(cash_usd, self.short_base);
        }
        let slope = 1.0 + bracket.rate + venue.trigger_fee_frac();
        (cash_usd + bracket.deduction_usd) / (self.short_base * slope)
    }
}

/// Works an account through a stretch: what is quiet at once, the rest event by event. `RECORDS`: somebody asks for funding,
/// the least equity and the fall of wealth.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+aes",
    "x86_64+avx2+fma+aes",
    "aarch64+neon+aes"
))]
pub(super) fn settle_stretch<'a, const K: usize, const RECORDS: bool>(
    account: &mut Account<'a>,
    place: &LanePlace<'a, K>,
    may_trade: bool,
) {
    let keys = account.streams.keys();
    let cipher = |counter| block_inside!(keys, counter);
    let mut run = LaneRun::new(place, account);
    run.look_for_level(account, 0, cipher);
    let mut i = 0;
    loop {
        let (quiet_end, fill) = account.run_quietly::<K, RECORDS>(&run, i, K);
        i = quiet_end;
        if i == K {
            return;
        }
        let floor_usd = account.cash_usd + account.short_base * run.marks.unit_funding_usd[i];
        account.settle_step(&place.step(account.rules, i, may_trade), fill);
        i += 1;
        if i == K {
            return;
        }
        let sizes_base = (account.short_base, account.planned_short_base);
        if run.position.sizes_base != sizes_base {
            run.hold(account.rules, sizes_base);
            run.look_for_level(account, i, cipher);
        } else if account.cash_usd < floor_usd {
            run.look_for_level(account, i, cipher);
        }
    }
}

/// [`settle_stretch`] for who wants to see every step.
pub(super) fn follow_stretch<'a, const K: usize>(
    account: &mut Account<'a>,
    place: &LanePlace<'a, K>,
    may_trade: bool,
    follower: &mut dyn Follower,
) {
    account.listen();
    let keys = account.streams.keys();
    let mut run = LaneRun::new(place, account);
    for i in 0..K {
        let sizes_base = (account.short_base, account.planned_short_base);
        if run.position.sizes_base != sizes_base {
            run.hold(account.rules, sizes_base);
        }
        run.look_for_level(account, i, |counter| block(keys, counter));
        let (quiet_end, fill) = account.run_quietly::<K, true>(&run, i, i + 1);
        if quiet_end == i {
            account.settle_step(&place.step(account.rules, i, may_trade), fill);
        }
        let events = account.take_events();
        let stretch = place.stretch;
        follower.step_ended(
            stretch.first_step + i,
            stretch.quantity_base,
            &account.standing(),
            events,
        );
    }
}

/// Steps at whose end the planned hedge ratio is outside its band, `|q H - h Q S| > width Q S`, as bits.
#[inline(always)]
fn outside_band<const K: usize>(run: &LaneRun<'_, K>, rules: &ProgrammeRules, width: f64) -> u64 {
    let (_, planned_base) = run.position.sizes_base;
    let mut bits = 0;
    for i in 0..K {
        let exposure_usd = run.marks.inventory_usd[i];
        let underlying_usd = run.stretch.underlying_usd[i][run.lane];
        let gap_usd = planned_base.mul_add(underlying_usd, -rules.hedge_ratio * exposure_usd);
        bits |= u64::from(gap_usd.abs() > width * exposure_usd) << i;
    }
    bits
}

/// Step `k` of a tile in one lane.
#[inline]
pub(super) fn lane_step(
    rules: &ProgrammeRules,
    tile: &MarketTile,
    k: usize,
    lane: usize,
    quantity_base: f64,
    may_trade: bool,
) -> LaneStep {
    let step = tile.first_step + k + 1;
    LaneStep {
        step,
        spot_usd: tile.spot_usd[rules.held][k][lane],
        underlying_usd: tile.spot_usd[rules.underlying][k][lane],
        mark_usd: tile.mark_usd[rules.contract][k + 1][lane],
        funding_rate: tile.is_stamp[rules.contract][k]
            .then_some(tile.funding_rate[rules.contract][k][lane]),
        is_watching: rules.is_watching(step),
        may_trade,
        quantity_base,
    }
}

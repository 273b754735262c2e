//! One lane's way through a stretch: all its steps at once as if they were quiet, then up to the first that needs the full order
//! of events.

#![expect(
    clippy::inline_always,
    reason = "the loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::account::{Account, maintenance_margin_usd};
use crate::ledger::calm::{Stretch, larger, smaller};
use crate::ledger::crossing::{CrossingDraws, Fill, MarkStep};
use crate::ledger::event::LiquidationCause;
use crate::ledger::lanes::NEVER;
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::{MarketTile, TileJump};
use crate::math::random::address_number;
use crate::plan::types::Crossing;
use crate::venue::rules::{ContractRules, MarginBracket};

/// The most steps that a shift of a word of bits can skip.
const MOST_STEPS: usize = 63;

/// One lane of a stretch.
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
    /// What the steps mean for the account's position as it was last.
    position: Position<'a, K>,
}

impl<'a, const K: usize> LaneRun<'a, K> {
    /// Lane `lane` of a stretch that begins with step `first` of a tile.
    #[inline(always)]
    pub(super) fn new(
        stretch: &'a Stretch<'a, K>,
        tile: &'a MarketTile,
        first: usize,
        lane: usize,
    ) -> Self {
        let jump_steps = tile
            .jumps_between(first..first + K)
            .iter()
            .filter(|jump| jump.lane == lane && jump.asset == stretch.underlying)
            .fold(0, |bits, jump| bits | 1 << (jump.step - first));
        Self {
            stretch,
            tile,
            first,
            lane,
            jump_steps,
            position: Position::unknown(),
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

    /// Steps at whose end the planned hedge ratio is outside its band, `|q H - h Q S| > width Q S`, as bits.
    #[inline(always)]
    fn outside_band(&self, rules: &ProgrammeRules, planned_base: f64) -> u64 {
        let Some(width) = rules.band() else {
            return 0;
        };
        let (stretch, lane) = (self.stretch, self.lane);
        (0..K).fold(0, |bits, i| {
            let exposure_usd = stretch.quantity_base * stretch.spot_usd[i][lane];
            let gap_usd = planned_base.mul_add(
                stretch.underlying_usd[i][lane],
                -rules.hedge_ratio * exposure_usd,
            );
            bits | u64::from(gap_usd.abs() > width * exposure_usd) << i
        })
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
    pub(super) fn run_quietly<const K: usize>(
        &mut self,
        run: &mut LaneRun<'a, K>,
        from: usize,
        until: usize,
    ) -> (usize, Option<Fill>) {
        run_quietly(self, run, from, until)
    }

    /// Margin ratio under which the hedger who looks acts, and whether he does at or above the call level.
    fn acts(&self) -> (f64, bool) {
        let Some(call) = self.rules.margin_call else {
            return (0.0, false);
        };
        let is_spent = !self.is_armed && self.cold.reserve_usd <= 0.0;
        let acts_below = if self.is_armed {
            call.release.unwrap_or(0.0)
        } else {
            call.level
        };
        (acts_below, self.cold.arrival_step == NEVER && !is_spent)
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

    /// The fill of a step whose mark may have reached the level; `is_far` says that only jumps can have brought it there.
    #[inline(never)]
    fn reach_in_step<const K: usize>(
        &mut self,
        run: &LaneRun<'a, K>,
        i: usize,
        is_far: bool,
    ) -> Option<Fill> {
        let mark = run.mark_move(i);
        if self.rules.crossing == Crossing::Endpoints {
            return self.check_end(mark.end_usd, self.cash_usd);
        }
        let tested_usd = run.position.tested_usd[i];
        self.bracket = match run.position.pair {
            Some(pair) => pair.bracket(tested_usd),
            None => self.rules.venue.bracket(tested_usd),
        };
        self.reach_level(&mark, self.cash_usd, is_far)
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

    /// Whether the mark reaches the level inside the step.
    #[inline(always)]
    fn reach_level(&self, mark: &MarkMove<'_>, cash_usd: f64, is_far: bool) -> Option<Fill> {
        let rules = self.rules;
        let level_usd = self.level_usd(self.short_base * mark.start_usd, cash_usd, is_far);
        let draws = CrossingDraws {
            streams: self.streams,
            path: self.path,
            step: address_number(mark.step - 1),
            contract: address_number(rules.contract),
        };
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

/// Two neighbouring brackets, or one twice.
#[derive(Debug, Clone, Copy)]
struct BracketPair<'a> {
    low: &'a MarginBracket,
    high: &'a MarginBracket,
}

impl<'a> BracketPair<'a> {
    /// The brackets in which all notionals from `least_usd` to `most_usd` stand, unless they are more than two.
    #[inline(always)]
    fn find(venue: &'a ContractRules, least_usd: f64, most_usd: f64) -> Option<Self> {
        let index = venue.bracket_index(least_usd);
        let low = &venue.brackets[index];
        let high = if most_usd <= low.cap_usd {
            low
        } else {
            venue.brackets.get(index + 1).unwrap_or(low)
        };
        let is_last = index + 2 >= venue.brackets.len();
        (most_usd <= high.cap_usd || is_last).then_some(Self { low, high })
    }

    /// The one of the two in which a notional stands.
    #[inline(always)]
    fn bracket(&self, notional_usd: f64) -> &'a MarginBracket {
        if notional_usd <= self.low.cap_usd {
            self.low
        } else {
            self.high
        }
    }
}

/// Maintenance margin of each step's notional: of all at once where they stand in two brackets.
#[inline(always)]
fn maintenance_margins_usd<const K: usize>(
    venue: &ContractRules,
    pair: Option<BracketPair<'_>>,
    notional_usd: &[f64; K],
) -> [f64; K] {
    let mut margins_usd = [0.0; K];
    if let Some(BracketPair { low, high }) = pair {
        for i in 0..K {
            let is_low = notional_usd[i] <= low.cap_usd;
            let rate = if is_low { low.rate } else { high.rate };
            let deduction_usd = if is_low {
                low.deduction_usd
            } else {
                high.deduction_usd
            };
            margins_usd[i] = notional_usd[i] * rate - deduction_usd;
        }
    } else {
        for i in 0..K {
            margins_usd[i] = venue.maintenance_margin_usd(notional_usd[i]);
        }
    }
    margins_usd
}

/// What the steps of a stretch mean for a position, whatever cash is beside it. Shape of each array: `[K]`, in USD.
#[derive(Debug, Clone, Copy)]
struct Position<'a, const K: usize> {
    /// Actual and planned short, base units.
    sizes_base: (f64, f64),
    /// The brackets in which all notionals stand, unless they are more than two.
    pair: Option<BracketPair<'a>>,
    /// Steps at whose end the hedge ratio is outside its band, as bits.
    outside: u64,
    /// Funding at the end of the step on a short of one unit.
    unit_funding_usd: [f64; K],
    /// Notional at the end.
    notional_usd: [f64; K],
    /// Maintenance margin at the end.
    maintenance_usd: [f64; K],
    /// Equity that liquidates at the end.
    trigger_usd: [f64; K],
    /// Notional at the mark that is tested in place of all inside the step.
    tested_usd: [f64; K],
    /// Equity that liquidates there.
    tested_trigger_usd: [f64; K],
    /// What the planned short needs beside its own cash.
    needed_usd: [f64; K],
    /// Value of the inventory at the end.
    inventory_usd: [f64; K],
}

impl<'a, const K: usize> Position<'a, K> {
    /// No account's position.
    #[inline(always)]
    fn unknown() -> Self {
        let zero = [0.0; K];
        Self {
            sizes_base: (f64::NAN, f64::NAN),
            pair: None,
            outside: 0,
            unit_funding_usd: zero,
            notional_usd: zero,
            maintenance_usd: zero,
            trigger_usd: zero,
            tested_usd: zero,
            tested_trigger_usd: zero,
            needed_usd: zero,
            inventory_usd: zero,
        }
    }

    /// The position of `sizes_base`. Short loops, each over all steps, are what the compiler turns into SIMD.
    #[inline(always)]
    fn new(rules: &'a ProgrammeRules, run: &LaneRun<'_, K>, sizes_base: (f64, f64)) -> Self {
        let (stretch, lane) = (run.stretch, run.lane);
        let (short_base, planned_base) = sizes_base;
        let fee_frac = rules.venue.trigger_fee_frac();
        let is_bridge = rules.crossing == Crossing::Bridge;
        let mut mark_usd = [0.0; K];
        let mut higher_usd = [0.0; K];
        let mut unit_funding_usd = [0.0; K];
        let mut inventory_usd = [0.0; K];
        let mut last_usd = stretch.start_mark_usd[lane];
        let (mut lowest_usd, mut highest_usd) = (last_usd, last_usd);
        for i in 0..K {
            mark_usd[i] = stretch.mark_usd[i][lane];
            inventory_usd[i] = stretch.quantity_base * stretch.spot_usd[i][lane];
            if stretch.is_stamp[i] {
                unit_funding_usd[i] = mark_usd[i] * stretch.funding_rate[i][lane];
            }
            higher_usd[i] = larger(last_usd, mark_usd[i]);
            last_usd = mark_usd[i];
            lowest_usd = smaller(last_usd, lowest_usd);
            highest_usd = larger(last_usd, highest_usd);
        }
        let mut notional_usd = [0.0; K];
        let mut shifted_usd = [0.0; K];
        let mut tested_usd = [0.0; K];
        for i in 0..K {
            notional_usd[i] = short_base * mark_usd[i];
            shifted_usd[i] = planned_base * (mark_usd[i] * rules.requirement_shift);
            tested_usd[i] = if is_bridge {
                short_base * higher_usd[i] * rules.clearance
            } else {
                notional_usd[i]
            };
        }
        // Both factors are at least 1. A flat account has no margin to look after.
        let open_base = if short_base > 0.0 {
            short_base
        } else {
            planned_base
        };
        let pair = BracketPair::find(
            &rules.venue,
            smaller(open_base, planned_base) * lowest_usd,
            larger(
                open_base * highest_usd * rules.clearance,
                planned_base * (highest_usd * rules.requirement_shift),
            ),
        );
        let maintenance_usd = maintenance_margins_usd(&rules.venue, pair, &notional_usd);
        let tested_maintenance_usd = maintenance_margins_usd(&rules.venue, pair, &tested_usd);
        let shifted_maintenance_usd = maintenance_margins_usd(&rules.venue, pair, &shifted_usd);
        let mut trigger_usd = [0.0; K];
        let mut tested_trigger_usd = [0.0; K];
        let mut needed_usd = [0.0; K];
        for i in 0..K {
            trigger_usd[i] = maintenance_usd[i] + fee_frac * notional_usd[i];
            tested_trigger_usd[i] = tested_maintenance_usd[i] + fee_frac * tested_usd[i];
            needed_usd[i] = shifted_maintenance_usd[i] + fee_frac * shifted_usd[i] + shifted_usd[i];
        }
        Self {
            sizes_base,
            pair,
            outside: run.outside_band(rules, planned_base),
            unit_funding_usd,
            notional_usd,
            maintenance_usd,
            trigger_usd,
            tested_usd,
            tested_trigger_usd,
            needed_usd,
            inventory_usd,
        }
    }
}

/// [`Account::run_quietly`]. What changes from step to step stays in the account: the call in the loop would have it saved
/// and fetched again otherwise.
#[multiversion(targets("x86_64+avx2+fma"))]
fn run_quietly<'a, const K: usize>(
    account: &mut Account<'a>,
    run: &mut LaneRun<'a, K>,
    from: usize,
    until: usize,
) -> (usize, Option<Fill>) {
    let rules = account.rules;
    let sizes_base = (account.short_base, account.planned_short_base);
    if run.position.sizes_base != sizes_base {
        run.position = Position::new(rules, run, sizes_base);
    }
    let (stretch, position) = (run.stretch, &run.position);
    let (short_base, planned_base) = sizes_base;
    let is_open = account.is_open();
    let call_level = rules.margin_call.map_or(f64::INFINITY, |call| call.level);
    let (acts_below, acts_above) = account.acts();
    let stops = position.outside | account.due_steps(stretch.first_step);
    if let Some(pair) = position.pair {
        account.bracket = pair.low;
        account.planned_bracket = pair.low;
    }
    for i in from..until.min(K) {
        let paid_usd = short_base * position.unit_funding_usd[i];
        let cash_usd = account.cash_usd + paid_usd;
        let equity_usd = cash_usd - position.notional_usd[i];
        if is_open {
            let is_far = account.cash_usd - position.tested_usd[i] > position.tested_trigger_usd[i];
            if !is_far || (run.jump_steps >> i) & 1 != 0 {
                let fill = account.reach_in_step(run, i, is_far);
                if fill.is_some() {
                    return (i, fill);
                }
            }
            let maintenance_usd = position.maintenance_usd[i];
            let may_act = if maintenance_usd < call_level * equity_usd {
                maintenance_usd < acts_below * equity_usd
            } else {
                acts_above
            };
            if (may_act && stretch.is_watching[i])
                || equity_usd <= position.trigger_usd[i]
                || (stops >> i) & 1 != 0
            {
                return (i, None);
            }
            account.min_equity_usd = smaller(equity_usd, account.min_equity_usd);
            if maintenance_usd * account.worst_equity_usd
                > account.worst_maintenance_usd * equity_usd
            {
                account.worst_maintenance_usd = maintenance_usd;
                account.worst_equity_usd = equity_usd;
            }
        } else if (stops >> i) & 1 != 0 {
            return (i, None);
        }
        account.cash_usd = cash_usd;
        account.funding_usd += paid_usd;
        account.planned_cash_usd += planned_base * position.unit_funding_usd[i];
        let needed_usd = position.needed_usd[i] - account.planned_cash_usd;
        account.required_usd = larger(needed_usd, account.required_usd);
        if stretch.is_watching[i] {
            let wealth_usd = position.inventory_usd[i] + equity_usd + account.outside_usd
                - stretch.interest[i] * account.contributed_usd;
            account.see_wealth(wealth_usd);
        }
    }
    (until.min(K), None)
}

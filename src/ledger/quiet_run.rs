//! One lane's way through a stretch: quiet steps in a short loop, up to the first that needs the full order of events.

#![expect(
    clippy::inline_always,
    reason = "the loop is compiled for each SIMD level, and what it calls with it"
)]

use multiversion::multiversion;

use crate::ledger::account::{Account, maintenance_margin_usd};
use crate::ledger::calm::{Stretch, larger, smaller};
use crate::ledger::crossing::{CrossingDraws, Fill, MarkStep};
use crate::ledger::event::LiquidationCause;
use crate::ledger::lanes::NEVER;
use crate::market::tile::{MarketTile, TileJump};
use crate::math::random::address_number;
use crate::plan::types::Crossing;

/// One lane of a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneRun<'a, const K: usize> {
    /// The stretch.
    pub(super) stretch: &'a Stretch<'a, K>,
    /// The tile it lies in, for the jumps.
    pub(super) tile: &'a MarketTile,
    /// Its first step, within the tile.
    pub(super) first: usize,
    /// The lane.
    pub(super) lane: usize,
    /// Steps of the stretch in which the underlying jumps in this lane, as bits.
    pub(super) jump_steps: u64,
}

impl<'a, const K: usize> LaneRun<'a, K> {
    /// Lane `lane` of a stretch that begins with step `first` of a tile.
    pub(super) fn new(
        stretch: &'a Stretch<'a, K>,
        tile: &'a MarketTile,
        first: usize,
        lane: usize,
        underlying: usize,
    ) -> Self {
        let jump_steps = tile
            .jumps_between(first..first + K)
            .iter()
            .filter(|jump| jump.lane == lane && jump.asset == underlying)
            .fold(0, |bits, jump| bits | 1 << (jump.step - first));
        Self {
            stretch,
            tile,
            first,
            lane,
            jump_steps,
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

impl Account<'_> {
    /// Works through the steps `from..until` of a stretch as long as nothing happens but funding and records. Returns the
    /// first step not done, `until` if there is none, and its fill if the mark reached the level inside it.
    pub(super) fn run_quietly<const K: usize>(
        &mut self,
        run: &LaneRun<'_, K>,
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

    /// Stage 2: whether the mark reached the level of an open account inside the step.
    pub(super) fn find_fill(&mut self, mark: &MarkMove<'_>, cash_usd: f64) -> Option<Fill> {
        if self.rules.crossing == Crossing::Endpoints {
            return self.check_end(mark.end_usd, cash_usd);
        }
        let is_far = self.is_far(larger(mark.start_usd, mark.end_usd), cash_usd);
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

    /// Whether both ends of a step, the higher at `highest_usd`, are so far below the level that no bridge without jumps
    /// reaches it and nothing needs to be drawn.
    #[inline(always)]
    fn is_far(&mut self, highest_usd: f64, cash_usd: f64) -> bool {
        let rules = self.rules;
        let tested_usd = self.short_base * highest_usd * rules.clearance;
        let trigger_usd = maintenance_margin_usd(rules, &mut self.tested_bracket, tested_usd)
            + rules.venue.trigger_fee_frac() * tested_usd;
        cash_usd - tested_usd > trigger_usd
    }

    /// Looks up the bracket of a notional once for all that is like it.
    fn find_bracket(&mut self, notional_usd: f64) {
        let bracket = self.rules.venue.bracket(notional_usd);
        self.bracket = bracket;
        self.tested_bracket = bracket;
        self.planned_bracket = bracket;
    }

    /// Whether the mark reaches the level inside the step.
    #[inline(never)]
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
        let (venue, bracket) = (&self.rules.venue, self.tested_bracket);
        if is_far || !bracket.holds(start_usd) {
            return venue.liquidation_price_usd(cash_usd, self.short_base);
        }
        let slope = 1.0 + bracket.rate + venue.trigger_fee_frac();
        (cash_usd + bracket.deduction_usd) / (self.short_base * slope)
    }
}

/// [`Account::run_quietly`]. A flat account has no margin to look after.
#[multiversion(targets("x86_64+avx2+fma"))]
fn run_quietly<const K: usize>(
    account: &mut Account<'_>,
    run: &LaneRun<'_, K>,
    from: usize,
    until: usize,
) -> (usize, Option<Fill>) {
    let rules = account.rules;
    let (stretch, lane) = (run.stretch, run.lane);
    let is_open = account.is_open();
    let (short_base, planned_base) = (account.short_base, account.planned_short_base);
    let fee_frac = rules.venue.trigger_fee_frac();
    let call_level = rules.margin_call.map_or(f64::INFINITY, |call| call.level);
    let (acts_below, acts_above) = account.acts();
    let reentry_step = if is_open {
        NEVER
    } else {
        account.cold.reentry_step
    };
    let due_step = account.cold.arrival_step.min(reentry_step) as usize;
    let band = rules.band();
    let money_usd = account.outside_usd;
    let mut cash_usd = account.cash_usd;
    let mut planned_cash_usd = account.planned_cash_usd;
    let mut funding_usd = account.funding_usd;
    let mut min_equity_usd = account.min_equity_usd;
    let mut worst_maintenance_usd = account.worst_maintenance_usd;
    let mut worst_equity_usd = account.worst_equity_usd;
    let mut required_usd = account.required_usd;
    let mut peak_usd = account.peak_wealth_usd;
    let mut drawdown_usd = account.max_drawdown_usd;
    let mut start_usd = if from == 0 {
        stretch.start_mark_usd[lane]
    } else {
        stretch.mark_usd[from - 1][lane]
    };
    if from == 0 {
        account.find_bracket(planned_base * start_usd);
    }
    let is_bridge = rules.crossing == Crossing::Bridge;
    let mut fill = None;
    let mut i = from;
    while i < until.min(K) {
        let step = stretch.first_step + i;
        let mark_usd = stretch.mark_usd[i][lane];
        let spot_usd = stretch.spot_usd[i][lane];
        if step >= due_step {
            if is_open {
                fill = account.find_fill(&run.mark_move(i, start_usd), cash_usd);
            }
            break;
        }
        let per_unit_usd = if stretch.is_stamp[i] {
            mark_usd * stretch.funding_rate[i][lane]
        } else {
            0.0
        };
        let paid_usd = short_base * per_unit_usd;
        let notional_usd = short_base * mark_usd;
        let equity_usd = cash_usd + paid_usd - notional_usd;
        if is_open {
            if is_bridge {
                let is_far = account.is_far(larger(start_usd, mark_usd), cash_usd);
                if !is_far || (run.jump_steps >> i) & 1 != 0 {
                    fill = account.reach_level(&run.mark_move(i, start_usd), cash_usd, is_far);
                }
            } else {
                fill = account.check_end(mark_usd, cash_usd);
            }
            if fill.is_some() {
                break;
            }
            let maintenance_usd = maintenance_margin_usd(rules, &mut account.bracket, notional_usd);
            let may_act = if maintenance_usd < call_level * equity_usd {
                maintenance_usd < acts_below * equity_usd
            } else {
                acts_above
            };
            if (may_act && stretch.is_watching[i])
                || equity_usd <= maintenance_usd + fee_frac * notional_usd
            {
                break;
            }
            if let Some(width) = band
                && is_outside(run, i, planned_base, rules.hedge_ratio, width)
            {
                break;
            }
            min_equity_usd = smaller(equity_usd, min_equity_usd);
            if maintenance_usd * worst_equity_usd > worst_maintenance_usd * equity_usd {
                worst_maintenance_usd = maintenance_usd;
                worst_equity_usd = equity_usd;
            }
        } else if let Some(width) = band
            && is_outside(run, i, planned_base, rules.hedge_ratio, width)
        {
            break;
        }
        cash_usd += paid_usd;
        funding_usd += paid_usd;
        planned_cash_usd += planned_base * per_unit_usd;
        let shifted_usd = planned_base * (mark_usd * rules.requirement_shift);
        let needed_usd = maintenance_margin_usd(rules, &mut account.planned_bracket, shifted_usd)
            + fee_frac * shifted_usd
            + shifted_usd
            - planned_cash_usd;
        required_usd = larger(needed_usd, required_usd);
        if stretch.is_watching[i] {
            let wealth_usd = stretch.quantity_base * spot_usd + equity_usd + money_usd
                - stretch.interest[i] * account.contributed_usd;
            peak_usd = larger(wealth_usd, peak_usd);
            drawdown_usd = larger(peak_usd - wealth_usd, drawdown_usd);
        }
        start_usd = mark_usd;
        i += 1;
    }
    account.cash_usd = cash_usd;
    account.planned_cash_usd = planned_cash_usd;
    account.funding_usd = funding_usd;
    account.min_equity_usd = min_equity_usd;
    account.worst_maintenance_usd = worst_maintenance_usd;
    account.worst_equity_usd = worst_equity_usd;
    account.required_usd = required_usd;
    account.peak_wealth_usd = peak_usd;
    account.max_drawdown_usd = drawdown_usd;
    (i, fill)
}

impl<const K: usize> LaneRun<'_, K> {
    /// What the mark, at `start_usd` before, does in step `i` of the stretch.
    #[inline(always)]
    fn mark_move(&self, i: usize, start_usd: f64) -> MarkMove<'_> {
        let jumps = if (self.jump_steps >> i) & 1 == 0 {
            &[]
        } else {
            let k = self.first + i;
            self.tile.lane_jumps(k, self.stretch.underlying, self.lane)
        };
        MarkMove {
            step: self.stretch.first_step + i,
            start_usd,
            end_usd: self.stretch.mark_usd[i][self.lane],
            jumps,
        }
    }
}

/// Whether the planned hedge ratio is outside its band at the end of a step: `|q H - h Q S| > width Q S`.
fn is_outside<const K: usize>(
    run: &LaneRun<'_, K>,
    i: usize,
    planned_base: f64,
    hedge_ratio: f64,
    width: f64,
) -> bool {
    let stretch = run.stretch;
    let exposure_usd = stretch.quantity_base * stretch.spot_usd[i][run.lane];
    let gap_usd = planned_base.mul_add(
        stretch.underlying_usd[i][run.lane],
        -hedge_ratio * exposure_usd,
    );
    gap_usd.abs() > width * exposure_usd
}

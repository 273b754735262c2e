//! One hedged programme over a block of paths: reacts to the market tile by tile, and leaves a row a path.

use crate::ledger::account::{Account, LaneStep};
use crate::ledger::crossing::{CrossingDraws, Fill, MarkStep};
use crate::ledger::event::{LedgerEvent, LiquidationCause};
use crate::ledger::lanes::Lanes;
use crate::ledger::quiet::{
    MarginLine, QuietStep, Scratch, find_candidates, flag_outside_band, most, range, settle_quiet,
};
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::{MarketTile, TILE_STEPS};
use crate::math::random::Streams;
use crate::outcome::column::Column;
use crate::outcome::table::LANES;
use crate::plan::types::Crossing;

/// Follows one lane: told every event and every step's end.
pub trait Follower {
    /// The lane to follow.
    fn lane(&self) -> usize;
    /// Where events of the current step go.
    fn events(&mut self) -> &mut Vec<LedgerEvent>;
    /// A step has ended.
    fn step_ended(&mut self, step: usize, lanes: &Lanes);
}

/// The state of one programme on one block.
#[derive(Debug, Clone)]
pub struct Programme<'a> {
    rules: &'a ProgrammeRules,
    streams: &'a Streams,
    lines: Vec<MarginLine>,
    fresh: Lanes,
    lanes: Lanes,
    scratch: Scratch,
    fills: [Option<Fill>; LANES],
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
        let fresh = Lanes::new(rules);
        Self {
            rules,
            streams,
            lines,
            lanes: fresh.clone(),
            fresh,
            scratch: Scratch::new(),
            fills: [None; LANES],
            sizes_base: (0.0, 0.0),
        }
    }

    /// Sets all accounts to time 0.
    pub fn start(&mut self) {
        self.lanes.clone_from(&self.fresh);
        // All lanes are alike.
        self.sizes_base = (f64::INFINITY, 0.0);
        self.cover_sizes(0);
    }

    /// The accounts.
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Reacts to a tile.
    pub fn advance(&mut self, tile: &MarketTile, mut follower: Option<&mut dyn Follower>) {
        let marks = &tile.mark_usd[self.rules.contract][..=tile.steps];
        let mark_range = range(marks);
        let mut brackets = self.bracket_range(mark_range);
        for k in 0..tile.steps {
            let sizes_moved = match brackets.1 - brackets.0 {
                0 => self.step::<1>(k, brackets.0, tile, &mut follower),
                1 => self.step::<2>(k, brackets.0, tile, &mut follower),
                2 | 3 => self.step::<4>(k, brackets.0, tile, &mut follower),
                4..=7 => self.step::<8>(k, brackets.0, tile, &mut follower),
                _ => self.step::<64>(k, brackets.0, tile, &mut follower),
            };
            if sizes_moved {
                brackets = self.bracket_range(mark_range);
            }
            if let Some(follower) = &mut follower {
                follower.step_ended(tile.first_step + k + 1, &self.lanes);
            }
        }
    }

    /// One step with the `N` brackets from `first` on; further ones beyond the last repeat it.
    fn step<const N: usize>(
        &mut self,
        k: usize,
        first: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) -> bool {
        let rules = self.rules;
        let last = self.lines.len() - 1;
        let lines: [MarginLine; N] = std::array::from_fn(|i| self.lines[(first + i).min(last)]);
        let step = tile.first_step + k + 1;
        let mark_usd = &tile.mark_usd[rules.contract][k + 1];
        let fee_frac = rules.venue.trigger_fee_frac();
        // Equity less the trigger falls by at most `slope` per USD of notional up to any lane's level, which lies
        // below `cash / q`: log distance to the level >= slack / (slope * cash).
        let most_cash_usd = most(&self.lanes.hot.cash_usd);
        let steepest = self.lines[rules.venue.bracket_index(most_cash_usd)].rate;
        let slope = 1.0 + steepest + fee_frac;
        let mut bits = find_candidates(
            &lines,
            fee_frac,
            rules.skip_factor * slope * slope,
            &self.lanes.hot,
            mark_usd,
            &mut self.scratch,
        );
        for jump in tile.jumps_of(k, rules.underlying) {
            bits |= 1 << jump.lane;
        }
        self.find_fills(bits, k, tile);
        let sold_base = rules.sales_base[step];
        let is_common = step == rules.steps || sold_base > 0.0 || rules.is_rebalancing(step);
        if is_common {
            bits = u64::MAX;
        } else {
            if let Some(width) = rules.band() {
                let (spot, underlying) = (
                    &tile.spot_usd[rules.held][k],
                    &tile.spot_usd[rules.underlying][k],
                );
                flag_outside_band(
                    &self.lanes.hot,
                    spot,
                    underlying,
                    self.lanes.quantity_base,
                    rules.hedge_ratio,
                    width,
                    &mut self.scratch,
                );
            }
            bits = self.settle_quiet(&lines, k, tile);
        }
        let before_base = self.sizes_base;
        for lane in lanes_of(bits) {
            self.settle_lane(lane, k, tile, follower);
        }
        self.lanes.quantity_base -= sold_base;
        self.sizes_base != before_base
    }

    /// Decides the crossings of flagged lanes; unflags those that did not cross.
    fn find_fills(&mut self, bits: u64, k: usize, tile: &MarketTile) {
        let rules = self.rules;
        let marks = &tile.mark_usd[rules.contract];
        for lane in lanes_of(bits) {
            let short_base = self.lanes.hot.short_base[lane];
            let fill = if short_base <= 0.0 {
                None
            } else if rules.crossing == Crossing::Endpoints {
                let price_usd = marks[k + 1][lane];
                (self.scratch.slack_usd[lane] <= 0.0).then_some(Fill {
                    price_usd,
                    cause: LiquidationCause::EndCheck,
                })
            } else {
                let level_usd = rules
                    .venue
                    .liquidation_price_usd(self.lanes.hot.cash_usd[lane], short_base);
                let mark = MarkStep {
                    start_usd: marks[k][lane],
                    end_usd: marks[k + 1][lane],
                    jumps: tile.lane_jumps(k, rules.underlying, lane),
                    variance: rules.step_variance,
                };
                let draws = CrossingDraws {
                    streams: self.streams,
                    path: tile.first_path + lane as u64,
                    step: (tile.first_step + k) as u32,
                    contract: rules.contract as u32,
                };
                mark.reach(level_usd, &draws)
            };
            self.fills[lane] = fill;
            self.scratch.flags[lane] = u64::from(fill.is_some());
        }
    }

    fn settle_quiet<const N: usize>(
        &mut self,
        lines: &[MarginLine; N],
        k: usize,
        tile: &MarketTile,
    ) -> u64 {
        let rules = self.rules;
        let step = tile.first_step + k + 1;
        let call = rules.margin_call;
        let quiet = QuietStep {
            step: step as u64,
            mark_usd: &tile.mark_usd[rules.contract][k + 1],
            spot_usd: &tile.spot_usd[rules.held][k],
            funding_rate: &tile.funding_rate[rules.contract][k],
            call_level: call.map_or(f64::INFINITY, |call| call.level),
            release_level: call.and_then(|call| call.release).unwrap_or(0.0),
            requirement_shift: rules.requirement_shift,
            quantity_base: self.lanes.quantity_base,
            interest: rules.cost_of_funds_per_step * step as f64,
        };
        let (hot, scratch) = (&mut self.lanes.hot, &mut self.scratch);
        match (tile.is_stamp[rules.contract][k], rules.is_watching(step)) {
            (true, true) => settle_quiet::<N, true, true>(lines, &quiet, hot, scratch),
            (true, false) => settle_quiet::<N, true, false>(lines, &quiet, hot, scratch),
            (false, true) => settle_quiet::<N, false, true>(lines, &quiet, hot, scratch),
            (false, false) => settle_quiet::<N, false, false>(lines, &quiet, hot, scratch),
        }
    }

    /// One lane's step, event by event.
    fn settle_lane(
        &mut self,
        lane: usize,
        k: usize,
        tile: &MarketTile,
        follower: &mut Option<&mut dyn Follower>,
    ) {
        let rules = self.rules;
        let step = LaneStep {
            step: tile.first_step + k + 1,
            spot_usd: tile.spot_usd[rules.held][k][lane],
            underlying_usd: tile.spot_usd[rules.underlying][k][lane],
            mark_usd: tile.mark_usd[rules.contract][k + 1][lane],
            funding_rate: tile.is_stamp[rules.contract][k]
                .then(|| tile.funding_rate[rules.contract][k][lane]),
            quantity_base: self.lanes.quantity_base,
        };
        let fill = self.fills[lane].take();
        let events = follower
            .as_mut()
            .filter(|f| f.lane() == lane)
            .map(|f| f.events());
        let (account, hot) = Account::take(rules, &mut self.lanes, lane, events);
        account.settle_step(hot, lane, &step, fill);
        self.cover_sizes(lane);
    }

    /// Widens the range of sizes to a lane's; flat lanes do not count for the smallest.
    fn cover_sizes(&mut self, lane: usize) {
        let hot = &self.lanes.hot;
        for size_base in [hot.short_base[lane], hot.planned_short_base[lane]] {
            self.sizes_base.1 = self.sizes_base.1.max(size_base);
            if size_base > 0.0 {
                self.sizes_base.0 = self.sizes_base.0.min(size_base);
            }
        }
    }

    /// First and last bracket that any lane can stand in within a range of marks.
    fn bracket_range(&self, marks_usd: (f64, f64)) -> (usize, usize) {
        let venue = &self.rules.venue;
        let least_base = self.sizes_base.0.min(self.sizes_base.1);
        (
            venue.bracket_index(least_base * marks_usd.0),
            venue.bracket_index(self.sizes_base.1 * marks_usd.1 * self.rules.requirement_shift),
        )
    }

    /// Writes the block's rows after the last tile. `out` has shape `[columns][LANES]`.
    pub fn finish(&self, tile: &MarketTile, out: &mut [f64]) {
        let rules = self.rules;
        let end = tile.steps - 1;
        let value = rules.quantity_base * rules.initial_spot_usd;
        for lane in 0..LANES {
            let hot = &self.lanes.hot;
            let cold = &self.lanes.cold[lane];
            let underlying_usd = tile.spot_usd[rules.underlying][end][lane];
            let mark_usd = tile.mark_usd[rules.contract][end + 1][lane];
            let unhedged_usd = cold.sales_usd * (1.0 - rules.slippage_frac) - value;
            // Sums of `Q dS`, `q_p dH` and `q_p dF` telescope: only sales and trades of the plan enter.
            let inventory_usd = cold.sales_usd - value;
            let planned_base = hot.planned_short_base[lane];
            let underlying_move_usd = planned_base * underlying_usd
                - rules.planned_short_base * rules.initial_underlying_usd
                - cold.planned_turnover_underlying_usd;
            let mark_move_usd = planned_base * mark_usd
                - rules.planned_short_base * rules.initial_mark_usd
                - cold.planned_turnover_mark_usd;
            let ideal_usd = -rules.coverage_frac * inventory_usd;
            let financing_usd = cold.financing_usd
                - rules.cost_of_funds_per_step * hot.contributed_usd[lane] * rules.steps as f64;
            let unrealised_usd =
                rules.entry_notional_usd - rules.initial_short_base * rules.initial_mark_usd;
            let account_usd = (hot.cash_usd[lane] - rules.collateral_usd - unrealised_usd)
                + (cold.reserve_usd - rules.reserve_usd)
                + cold.in_flight_usd;
            let hedged_usd = if rules.is_hedged {
                unhedged_usd + account_usd + financing_usd
            } else {
                unhedged_usd
            };
            let has_margin = hot.min_equity_usd[lane].is_finite();
            let ratio = if cold.was_insolvent {
                f64::NAN
            } else {
                hot.worst_maintenance_usd[lane] / hot.worst_equity_usd[lane]
            };
            let row = [
                (Column::UnhedgedPnl, unhedged_usd),
                (Column::HedgedPnl, hedged_usd),
                (Column::IdealOffset, ideal_usd),
                (
                    Column::Tracking,
                    if rules.is_hedged {
                        -underlying_move_usd - ideal_usd
                    } else {
                        0.0
                    },
                ),
                (
                    Column::FuturesBasis,
                    if rules.is_hedged {
                        underlying_move_usd - mark_move_usd
                    } else {
                        0.0
                    },
                ),
                (Column::Funding, hot.funding_usd[lane]),
                (Column::Fees, cold.fees_usd),
                (Column::Slippage, cold.slippage_usd),
                (Column::Liquidation, cold.liquidation_usd),
                (Column::LiquidationGap, cold.gap_usd),
                (Column::Financing, financing_usd),
                (Column::BankruptcyLoss, cold.bankruptcy_usd),
                (Column::LiquidationDay, cold.liquidation_day),
                (Column::Liquidations, f64::from(cold.liquidations)),
                (Column::MarginCalls, f64::from(cold.margin_calls)),
                (Column::UnmetCalls, f64::from(cold.unmet_calls)),
                (Column::UnmetCall, cold.unmet_call_usd),
                (Column::CutTrades, f64::from(cold.cut_trades)),
                (Column::TopUp, cold.top_up_usd),
                (Column::PeakCollateral, cold.peak_collateral_usd),
                (Column::RequiredCollateral, hot.required_usd[lane]),
                (
                    Column::MinEquity,
                    if has_margin {
                        hot.min_equity_usd[lane]
                    } else {
                        0.0
                    },
                ),
                (Column::MaxMarginRatio, ratio),
                (Column::MaxDrawdown, hot.max_drawdown_usd[lane]),
                (
                    Column::EffectivePrice,
                    (hedged_usd + value) / rules.quantity_base,
                ),
            ];
            for (column, cell) in row {
                out[column as usize * LANES + lane] = cell;
            }
            for asset in 0..rules.assets {
                out[(Column::FirstTerminalSpot as usize + asset) * LANES + lane] =
                    tile.spot_usd[asset][end][lane];
            }
        }
        debug_assert!(end < TILE_STEPS);
    }
}

/// The lanes whose bits are set.
fn lanes_of(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let lane = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(lane)
    })
}

//! Several quiet steps of all lanes at once, where every account holds one future: what they come to is worked out in registers and
//! kept in the lanes in which nothing happens.

#![expect(clippy::needless_range_loop, reason = "lane loops")]

use multiversion::multiversion;

use crate::ledger::book::quiet_account::{LANE_BITS, NOTHING, anew, if_quiet};
use crate::ledger::book::quiet_future::{
    AccountEnd, CoinSteps, FutureSteps, MOST_LINES, Totals, walk_future,
};
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::Series;
use crate::ledger::book::state::Hot;
use crate::ledger::calm::{larger, smaller};
use crate::market::tile::{LaneArray, MarketTile};
use crate::math::bits::places_of;
use crate::outcome::table::LANES;

/// What several quiet steps need beside the state, allocated once.
#[derive(Debug, Clone)]
pub(super) struct QuietSteps<const K: usize> {
    accounts: Vec<AccountEnd>,
    totals: Totals<K>,
    /// Lanes in which each account comes close to its liquidation, or something jumps so that it may, as bits.
    near: Vec<u64>,
    /// What is required at each step's end, USD.
    pub(super) required_usd: [LaneArray; K],
    /// Steps in which something jumps, as bits; shape `[LANES]`.
    jumps: [u64; LANES],
    /// How far the logarithms of prices jump in all, up or down; 1 and more where two jumps share a step. Told where something jumps.
    jumped: [f64; LANES],
}

/// Some steps of a tile, with nothing in them that happens on every path.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a> {
    pub(super) rules: &'a BookRules,
    pub(super) series: &'a Series,
    pub(super) tile: &'a MarketTile,
    /// The first of them within the tile.
    pub(super) first: usize,
}

/// The lanes in which not all of the steps are surely quiet, as bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unquiet {
    /// Something happens.
    pub(super) eventful: u64,
    /// Something jumps, or an account comes close to its liquidation; in no eventful lane.
    pub(super) doubtful: u64,
}

/// `K` steps of a series from step `from` on.
fn rows_from<T, const K: usize>(series: &[T], from: usize) -> &[T; K] {
    let Some(rows) = series[from..].first_chunk() else {
        unreachable!("the steps lie inside their tile")
    };
    rows
}

/// Whether several steps of a book with these sizes can be worked out at once.
pub(super) fn are_one_sided(rules: &BookRules, ranges: &[LegRange]) -> bool {
    rules.legs.iter().zip(ranges).all(|(leg, range)| {
        let is_coin = rules.accounts[leg.account].coin.is_some();
        let is_short = if is_coin {
            range.is_downward()
        } else {
            range.is_upward()
        };
        is_short && range.lines().len() <= MOST_LINES
    })
}

impl<const K: usize> QuietSteps<K> {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        let zero = [0.0; LANES];
        let account = AccountEnd {
            cash: zero,
            planned_cash: zero,
            revaluation_usd: zero,
            min_equity_usd: zero,
            worst_maintenance: zero,
            worst_equity: zero,
            level_notional_usd: zero,
            most_notional_usd: zero,
        };
        Self {
            accounts: vec![account; rules.accounts.len()],
            totals: Totals {
                needed_usd: [zero; K],
                wealth_usd: [zero; K],
            },
            near: vec![0; rules.accounts.len()],
            required_usd: [zero; K],
            jumps: [0; LANES],
            jumped: [0.0; LANES],
        }
    }

    /// Works the steps out in all lanes as if they were quiet, and says where they may not be.
    pub(super) fn look(
        &mut self,
        steps: &Steps<'_>,
        ranges: &[LegRange],
        is_watched: &[bool],
        hot: &Hot,
    ) -> Unquiet {
        let Steps {
            rules, tile, first, ..
        } = *steps;
        let (mut eventful, mut doubtful) = (self.begin(steps, hot), 0);
        let jumping = self.find_jumps(tile, first, is_watched);
        for (a, end) in self.accounts.iter_mut().enumerate() {
            let future = future_steps(steps, a, hot);
            let lines = ranges[rules.accounts[a].legs[0]].lines();
            let doubts = walk_future(&future, lines, end, &mut self.totals);
            eventful |= doubts.acts;
            let mut near = doubts.near;
            if jumping != 0 {
                let reach = (rules.accounts[a].coin.is_none()).then(|| jump_reach::<K>(steps, a));
                for lane in places_of(jumping & !near) {
                    let is_far =
                        reach.is_some_and(|reach| end.is_far(lane, reach, self.jumped[lane]));
                    near |= u64::from(!is_far) << lane;
                }
            }
            doubtful |= near;
            self.near[a] = near;
        }
        Unquiet {
            eventful,
            doubtful: doubtful & !eventful,
        }
    }

    /// Notes what jumps in the steps; returns the lanes in which something does, as bits.
    fn find_jumps(&mut self, tile: &MarketTile, first: usize, is_watched: &[bool]) -> u64 {
        self.jumps = [0; LANES];
        let mut jumping = 0;
        for jump in tile.jumps_between(first..first + K) {
            if !is_watched[jump.asset] {
                continue;
            }
            let lane = jump.lane;
            let step = 1 << (jump.step - first);
            if (jumping >> lane) & 1 == 0 {
                self.jumped[lane] = 0.0;
            }
            let is_second = self.jumps[lane] & step != 0;
            self.jumped[lane] += jump.log_size.abs() + if is_second { 1.0 } else { 0.0 };
            self.jumps[lane] |= step;
            jumping |= 1 << lane;
        }
        jumping
    }

    /// Begins the totals with what lies beside the accounts. Returns the lanes in which something is due, as bits.
    fn begin(&mut self, steps: &Steps<'_>, hot: &Hot) -> u64 {
        let Steps {
            rules, tile, first, ..
        } = *steps;
        let Totals {
            needed_usd,
            wealth_usd,
        } = &mut self.totals;
        let first_step = tile.first_step + first + 1;
        let quantities = |j: usize| -> [f64; K] {
            std::array::from_fn(|k| rules.schedule.after_base(j, first_step + k))
        };
        let spots_usd = |asset: usize| rows_from::<_, K>(&tile.spot_usd[asset], first);
        let due = begin_lanes(
            hot,
            std::array::from_fn(|k| (first_step + k) as f64),
            &quantities(0),
            spots_usd(rules.holdings[0].asset),
            needed_usd,
            wealth_usd,
        );
        for (j, holding) in rules.holdings.iter().enumerate().skip(1) {
            add_holding(&quantities(j), spots_usd(holding.asset), wealth_usd);
        }
        for (asset, extra) in hot.extra.iter().enumerate() {
            if rules.may_have_extra[asset] {
                add_coins(extra, spots_usd(asset), wealth_usd);
            }
        }
        due
    }

    /// Steps of one lane in which something jumps, as bits.
    pub(super) fn jumps(&self, lane: usize) -> u64 {
        self.jumps[lane]
    }

    /// Whether account `a` may come close to its liquidation in a lane.
    pub(super) fn is_doubtful(&self, a: usize, lane: usize) -> bool {
        (self.near[a] >> lane) & 1 != 0
    }

    /// The notional that liquidates account `a`, one in USD, in a lane in which it is open, or one a hair nearer.
    pub(super) fn level_notional_usd(&self, a: usize, lane: usize) -> f64 {
        self.accounts[a].level_notional_usd[lane]
    }

    /// Puts all lanes but the eventful ones at the end of the steps.
    pub(super) fn keep(&mut self, steps: &Steps<'_>, eventful: u64, hot: &mut Hot) {
        let Steps {
            rules, tile, first, ..
        } = *steps;
        for (a, end) in self.accounts.iter().enumerate() {
            keep_row(eventful, &end.cash, &mut hot.cash[a]);
            keep_row(eventful, &end.planned_cash, &mut hot.planned_cash[a]);
            if rules.accounts[a].coin.is_some() {
                keep_row(eventful, &end.revaluation_usd, &mut hot.revaluation_usd[a]);
            }
        }
        let first_step = tile.first_step + first + 1;
        let is_watching = std::array::from_fn(|k| rules.is_watching(first_step + k));
        keep_records(
            eventful,
            &self.totals,
            is_watching,
            hot,
            &mut self.required_usd,
        );
        for end in &self.accounts {
            keep_margin(eventful, end, hot);
        }
    }
}

impl AccountEnd {
    /// Whether a short in USD surely keeps away from its level, though prices jump once or more, each time in a step of its own.
    /// `reach` is the factor by which what is drawn beside the jumps may go beyond the steps' ends.
    fn is_far(&self, lane: usize, reach: f64, jumped: f64) -> bool {
        // A step's way lies between its ends, with and without its jump: exp(x) <= 1 / (1 - x).
        let most_usd = self.most_notional_usd[lane];
        most_usd == 0.0 || most_usd * reach < self.level_notional_usd[lane] * (1.0 - jumped)
    }
}

/// The factor by which the ways of an account's future may go beyond the ends of some steps, their jumps aside.
fn jump_reach<const K: usize>(steps: &Steps<'_>, a: usize) -> f64 {
    let rules = steps.rules;
    let contract = &rules.contracts[rules.legs[rules.accounts[a].legs[0]].contract];
    let first_step = steps.tile.first_step + steps.first + 1;
    let factors = [&contract.clearances, &contract.jump_clearances];
    let factors = factors.map(|factors| factors[first_step..first_step + K].iter());
    factors.into_iter().flatten().copied().fold(1.0, f64::max)
}

/// One account's future over some steps.
fn future_steps<'a, const K: usize>(
    steps: &Steps<'a>,
    a: usize,
    hot: &'a Hot,
) -> FutureSteps<'a, K> {
    let Steps {
        rules,
        series,
        tile,
        first,
    } = *steps;
    let account = &rules.accounts[a];
    let l = account.legs[0];
    let index = rules.legs[l].contract;
    let contract = &rules.contracts[index];
    FutureSteps {
        size: &hot.size[l],
        planned: &hot.planned[l],
        cash: &hot.cash[a],
        planned_cash: &hot.planned_cash[a],
        acts_below: &hot.acts_below[a],
        acts_above: &hot.acts_above[a],
        worst_maintenance: &hot.worst_maintenance,
        worst_equity: &hot.worst_equity,
        start: series.unit_at_start(tile, index, first),
        ends: rows_from(series.units(tile, index), first + 1),
        stamps: std::array::from_fn(|k| series.stamp(tile, index, first + k).unwrap_or(&NOTHING)),
        terms: rows_from(rules.step_terms(a), tile.first_step + first + 1),
        trigger_fee_frac: contract.venue.trigger_fee_frac(),
        coin: account.coin.map(|asset| CoinSteps {
            beyond: &hot.beyond[a],
            start_usd: series.start_spot_usd(tile, asset, first),
            ends_usd: rows_from(&tile.spot_usd[asset], first),
            initial_usd: rules.initial_spots_usd[asset],
            revaluation_usd: &hot.revaluation_usd[a],
        }),
    }
}

/// [`QuietSteps::begin`] with the first holding alone. `steps` are the steps' numbers.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn begin_lanes<const K: usize>(
    hot: &Hot,
    steps: [f64; K],
    quantities_base: &[f64; K],
    spots_usd: &[LaneArray; K],
    needed_usd: &mut [LaneArray; K],
    wealth_usd: &mut [LaneArray; K],
) -> u64 {
    let mut due = 0;
    for lane in 0..LANES {
        let (interest_usd, outside_usd) = (hot.interest_usd[lane], hot.outside_usd[lane]);
        for k in 0..K {
            let outside_usd = (-steps[k]).mul_add(interest_usd, outside_usd);
            wealth_usd[k][lane] = quantities_base[k].mul_add(spots_usd[k][lane], outside_usd);
            needed_usd[k][lane] = 0.0;
        }
        due |= if hot.due_step[lane] <= steps[K - 1] {
            LANE_BITS[lane]
        } else {
            0
        };
    }
    due
}

/// Adds a further holding.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_holding<const K: usize>(
    quantities_base: &[f64; K],
    spots_usd: &[LaneArray; K],
    wealth_usd: &mut [LaneArray; K],
) {
    for k in 0..K {
        for lane in 0..LANES {
            wealth_usd[k][lane] =
                quantities_base[k].mul_add(spots_usd[k][lane], wealth_usd[k][lane]);
        }
    }
}

/// Adds coins of which every lane has its own number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_coins<const K: usize>(
    coins: &LaneArray,
    spots_usd: &[LaneArray; K],
    wealth_usd: &mut [LaneArray; K],
) {
    for k in 0..K {
        for lane in 0..LANES {
            wealth_usd[k][lane] = coins[lane].mul_add(spots_usd[k][lane], wealth_usd[k][lane]);
        }
    }
}

/// A row's new numbers in the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_row(eventful: u64, quiet: &LaneArray, row: &mut LaneArray) {
    for lane in 0..LANES {
        row[lane] = if_quiet(eventful, lane, quiet[lane], row[lane]);
    }
}

/// Records of the quiet lanes, and what is required at each step's end.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_records<const K: usize>(
    eventful: u64,
    totals: &Totals<K>,
    is_watching: [bool; K],
    hot: &mut Hot,
    required_usd: &mut [LaneArray; K],
) {
    for lane in 0..LANES {
        let before_usd = hot.required_usd[lane];
        let mut most_usd = before_usd;
        let (peak_before_usd, fallen_before_usd) =
            (hot.peak_wealth_usd[lane], hot.max_drawdown_usd[lane]);
        let (mut peak_usd, mut fallen_usd) = (peak_before_usd, fallen_before_usd);
        for k in 0..K {
            most_usd = larger(totals.needed_usd[k][lane], most_usd);
            required_usd[k][lane] = most_usd;
            if is_watching[k] {
                let wealth_usd = totals.wealth_usd[k][lane];
                peak_usd = larger(wealth_usd, peak_usd);
                fallen_usd = larger(peak_usd - wealth_usd, fallen_usd);
            }
        }
        hot.required_usd[lane] = if_quiet(eventful, lane, most_usd, before_usd);
        hot.peak_wealth_usd[lane] = if_quiet(eventful, lane, peak_usd, peak_before_usd);
        hot.max_drawdown_usd[lane] = if_quiet(eventful, lane, fallen_usd, fallen_before_usd);
    }
}

/// Least equity and worst margin ratio of an account in the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_margin(eventful: u64, end: &AccountEnd, hot: &mut Hot) {
    for lane in 0..LANES {
        let least_usd = if_quiet(eventful, lane, end.min_equity_usd[lane], f64::INFINITY);
        hot.min_equity_usd[lane] = anew(smaller(least_usd, hot.min_equity_usd[lane]));
        // An endless equity is never the worst.
        let equity = if_quiet(eventful, lane, end.worst_equity[lane], f64::INFINITY);
        let maintenance = end.worst_maintenance[lane];
        let (margin, worst) = (hot.worst_maintenance[lane], hot.worst_equity[lane]);
        let is_worse = maintenance * worst > margin * equity;
        hot.worst_maintenance[lane] = anew(if is_worse { maintenance } else { margin });
        hot.worst_equity[lane] = anew(if is_worse { equity } else { worst });
    }
}

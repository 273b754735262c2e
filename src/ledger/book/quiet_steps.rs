//! Several quiet steps of all lanes at once, where every account holds one future: what they come to is worked out in registers and
//! kept in the lanes in which nothing happens.

use multiversion::multiversion;

use crate::ledger::book::quiet_account::{NOTHING, anew, if_quiet};
use crate::ledger::book::quiet_future::{
    AccountEnd, CoinSteps, FutureSteps, MOST_LINES, walk_future,
};
use crate::ledger::book::quiet_linear::Kind;
use crate::ledger::book::quiet_totals::{
    Beside, RecordEnds, Records, Totals, add_coins, add_holding, begin, watch,
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
    records: RecordEnds<K>,
    /// The lanes in which something jumps, as bits.
    jumping: u64,
    /// Steps in which something does, as bits; shape `[LANES]`.
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
            is_paid: true,
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
            records: RecordEnds {
                required_usd: [zero; K],
                peak_wealth_usd: zero,
                max_drawdown_usd: zero,
            },
            jumping: 0,
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
            end.is_paid = is_paid::<K>(steps, a);
            let kind = Kind {
                is_paid: end.is_paid,
                acts_below: has_any(&hot.acts_below[a]),
            };
            let doubts = walk_future(&future, lines, kind, end, &mut self.totals);
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
        watch(&records(steps, hot), &self.totals, &mut self.records);
        Unquiet {
            eventful,
            doubtful: doubtful & !eventful,
        }
    }

    /// Notes what jumps in the steps; returns the lanes in which something does, as bits.
    fn find_jumps(&mut self, tile: &MarketTile, first: usize, is_watched: &[bool]) -> u64 {
        for lane in places_of(self.jumping) {
            self.jumps[lane] = 0;
        }
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
        self.jumping = jumping;
        jumping
    }

    /// Begins the totals with what lies beside the accounts. Returns the lanes in which something is due, as bits.
    fn begin(&mut self, steps: &Steps<'_>, hot: &Hot) -> u64 {
        let Steps {
            rules, tile, first, ..
        } = *steps;
        let totals = &mut self.totals;
        let due = begin(&beside(steps, hot), totals);
        for (j, holding) in rules.holdings.iter().enumerate().skip(1) {
            let spots_usd = rows_from(&tile.spot_usd[holding.asset], first);
            add_holding(&quantities(steps, j), spots_usd, totals);
        }
        for (asset, extra) in hot.extra.iter().enumerate() {
            if rules.may_have_extra[asset] {
                add_coins(extra, rows_from(&tile.spot_usd[asset], first), totals);
            }
        }
        due
    }

    /// What is required at each step's end, USD, once the steps are kept.
    pub(super) fn required_usd(&self) -> &[LaneArray; K] {
        &self.records.required_usd
    }

    /// The same of one lane's `k`-th step.
    pub(super) fn set_required_usd(&mut self, k: usize, lane: usize, required_usd: f64) {
        self.records.required_usd[k][lane] = required_usd;
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
    pub(super) fn keep(&mut self, rules: &BookRules, eventful: u64, hot: &mut Hot) {
        for (a, end) in self.accounts.iter().enumerate() {
            if rules.accounts[a].coin.is_some() {
                keep_margin::<true>(eventful, end, hot);
                keep_row(eventful, &end.revaluation_usd, &mut hot.revaluation_usd[a]);
            } else {
                keep_margin::<false>(eventful, end, hot);
            }
            if end.is_paid {
                let rows = [&end.cash, &end.planned_cash];
                keep_cash(eventful, rows, &mut hot.cash[a], &mut hot.planned_cash[a]);
            }
        }
        keep_records(eventful, &self.records, hot);
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
    let clearances: &[f64; K] = rows_from(&contract.clearances, first_step);
    let beside_jumps: &[f64; K] = rows_from(&contract.jump_clearances, first_step);
    let mut most = 1.0;
    for k in 0..K {
        most = larger(larger(clearances[k], beside_jumps[k]), most);
    }
    most
}

/// Holding `j` after each of some steps.
fn quantities<const K: usize>(steps: &Steps<'_>, j: usize) -> [f64; K] {
    let first_step = steps.tile.first_step + steps.first + 1;
    std::array::from_fn(|k| steps.rules.schedule.after_base(j, first_step + k))
}

/// What lies beside the accounts over some steps, with the first holding.
fn beside<'a, const K: usize>(steps: &Steps<'a>, hot: &'a Hot) -> Beside<'a, K> {
    let Steps {
        rules, tile, first, ..
    } = *steps;
    let first_step = tile.first_step + first + 1;
    Beside {
        steps: std::array::from_fn(|k| (first_step + k) as f64),
        quantities_base: quantities(steps, 0),
        spots_usd: rows_from(&tile.spot_usd[rules.holdings[0].asset], first),
        interest_usd: &hot.interest_usd,
        outside_usd: &hot.outside_usd,
        due_step: &hot.due_step,
    }
}

/// The records before some steps.
fn records<'a, const K: usize>(steps: &Steps<'_>, hot: &'a Hot) -> Records<'a, K> {
    let first_step = steps.tile.first_step + steps.first + 1;
    Records {
        is_watching: std::array::from_fn(|k| steps.rules.is_watching(first_step + k)),
        required_usd: &hot.required_usd,
        peak_wealth_usd: &hot.peak_wealth_usd,
        max_drawdown_usd: &hot.max_drawdown_usd,
    }
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

/// Whether an account's future pays funding in some steps.
fn is_paid<const K: usize>(steps: &Steps<'_>, a: usize) -> bool {
    let contract = steps.rules.legs[steps.rules.accounts[a].legs[0]].contract;
    let stamps = &steps.tile.is_stamp[contract][steps.first..steps.first + K];
    stamps.contains(&true)
}

/// Whether any of the numbers is not 0.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn has_any(row: &LaneArray) -> bool {
    // Bits, for their order does not matter.
    row.iter().fold(0, |bits, number| bits | number.to_bits()) != 0
}

/// A row's new numbers in the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_row(eventful: u64, quiet: &LaneArray, row: &mut LaneArray) {
    for lane in 0..LANES {
        row[lane] = if_quiet(eventful, lane, quiet[lane], row[lane]);
    }
}

/// Records of the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_records<const K: usize>(eventful: u64, ends: &RecordEnds<K>, hot: &mut Hot) {
    for lane in 0..LANES {
        let (required, peak) = (hot.required_usd[lane], hot.peak_wealth_usd[lane]);
        let fallen = hot.max_drawdown_usd[lane];
        let quiet = |end: f64, before: f64| if_quiet(eventful, lane, end, before);
        hot.required_usd[lane] = quiet(ends.required_usd[K - 1][lane], required);
        hot.peak_wealth_usd[lane] = quiet(ends.peak_wealth_usd[lane], peak);
        hot.max_drawdown_usd[lane] = quiet(ends.max_drawdown_usd[lane], fallen);
    }
}

/// Cash of an account in the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_cash(
    eventful: u64,
    [quiet, planned]: [&LaneArray; 2],
    cash: &mut LaneArray,
    planned_cash: &mut LaneArray,
) {
    for lane in 0..LANES {
        cash[lane] = if_quiet(eventful, lane, quiet[lane], cash[lane]);
        planned_cash[lane] = if_quiet(eventful, lane, planned[lane], planned_cash[lane]);
    }
}

/// Least equity and worst margin ratio of an account in the quiet lanes; `COIN`: it is kept in one.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_margin<const COIN: bool>(eventful: u64, end: &AccountEnd, hot: &mut Hot) {
    for lane in 0..LANES {
        let least_usd = if_quiet(eventful, lane, end.min_equity_usd[lane], f64::INFINITY);
        hot.min_equity_usd[lane] = anew(smaller(least_usd, hot.min_equity_usd[lane]));
        // An endless equity is never the worst.
        let equity = if COIN {
            if_quiet(eventful, lane, end.worst_equity[lane], f64::INFINITY)
        } else {
            least_usd
        };
        let maintenance = end.worst_maintenance[lane];
        let (margin, worst) = (hot.worst_maintenance[lane], hot.worst_equity[lane]);
        let is_worse = maintenance * worst > margin * equity;
        hot.worst_maintenance[lane] = anew(if is_worse { maintenance } else { margin });
        hot.worst_equity[lane] = anew(if is_worse { equity } else { worst });
    }
}

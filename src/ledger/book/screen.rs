//! Quiet steps of all lanes at once, and which lanes have none.
//!
//! A lane's step is quiet if nothing is due, no account reaches its liquidation, no hedger who looks acts and no size leaves its
//! band. Where something jumps or a liquidation is near, a closer look (`doubt`) tells. Whether a step is quiet depends on the lane
//! alone.

#![expect(clippy::needless_range_loop, reason = "lane loops")]

use multiversion::multiversion;

use crate::ledger::book::doubt::AccountSet;
use crate::ledger::book::quiet_account::{
    AccountStep, Doubts, LANE_BITS, NOTHING, QuietAccount, Totals, anew, if_quiet, screen_any,
};
use crate::ledger::book::quiet_single::{pay_single, screen_single};
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::rules::{BookRules, HedgeRule};
use crate::ledger::book::series::Series;
use crate::ledger::book::state::{Hot, State};
use crate::ledger::calm::{larger, smaller};
use crate::market::tile::{LaneArray, MarketTile};
use crate::outcome::table::LANES;

/// What quiet steps need beside the state, allocated once.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    pub(super) legs: Vec<LegRange>,
    accounts: Vec<QuietAccount>,
    /// Where an account may not be quiet; shape `[accounts]`.
    doubts: Vec<Doubts>,
    totals: Totals,
    /// Assets whose jumps matter to any account.
    pub(super) is_watched: Vec<bool>,
}

/// The lanes in which a step is not quiet, as bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// Something happens for sure.
    pub(super) eventful: u64,
    /// Something jumps, or an account comes close to its liquidation; in no eventful lane.
    pub(super) doubtful: u64,
    /// Something jumps.
    pub(super) jumped: u64,
}

impl Screen {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        let legs = rules
            .legs
            .iter()
            .map(|leg| LegRange::new(&rules.contracts[leg.contract]));
        let mut is_watched = vec![false; rules.initial_spots_usd.len()];
        for leg in &rules.legs {
            is_watched[rules.contracts[leg.contract].underlying] = true;
        }
        for slot in &rules.slots {
            is_watched[slot.asset] |= rules.accounts[slot.account].coin.is_none();
        }
        Self {
            legs: legs.collect(),
            accounts: rules.accounts.iter().map(QuietAccount::new).collect(),
            doubts: vec![Doubts::default(); rules.accounts.len()],
            totals: Totals {
                needed_usd: [0.0; LANES],
                wealth_usd: [0.0; LANES],
            },
            is_watched,
        }
    }

    /// Time 0: all lanes are alike.
    pub(super) fn start(&mut self, rules: &BookRules, state: &State) {
        for range in &mut self.legs {
            range.forget_sizes();
        }
        self.cover(rules, state, 0);
    }

    /// Looks at the sizes at a tile's start and at its prices.
    pub(super) fn enter(
        &mut self,
        rules: &BookRules,
        hot: &Hot,
        series: &Series,
        tile: &MarketTile,
    ) {
        for (l, (range, leg)) in self.legs.iter_mut().zip(&rules.legs).enumerate() {
            if !leg.is_option {
                let contract = &rules.contracts[leg.contract];
                let sizes = [&hot.size[l], &hot.planned[l]];
                range.enter(leg.contract, contract, sizes, series, tile);
            }
        }
    }

    /// A lane's sizes may have changed.
    pub(super) fn cover(&mut self, rules: &BookRules, state: &State, lane: usize) {
        for (l, (range, leg)) in self.legs.iter_mut().zip(&rules.legs).enumerate() {
            let sizes = [state.hot.size[l][lane], state.hot.planned[l][lane]];
            range.cover_sizes(&rules.contracts[leg.contract], sizes);
        }
    }

    /// Works out step `k` of the tile in all lanes as if it were quiet, and says where it may not be.
    pub(super) fn look(
        &mut self,
        rules: &BookRules,
        series: &Series,
        tile: &MarketTile,
        k: usize,
        hot: &Hot,
    ) -> Looked {
        let step = tile.first_step + k + 1;
        // At a step with trades on every path, all lanes look at their bands and switches anyway.
        let is_common = rules.is_common(step);
        let mut eventful = begin(rules, tile, k, hot, &mut self.totals);
        let mut jumped = 0;
        for jump in tile.jumps_between(k..k + 1) {
            if self.is_watched[jump.asset] {
                jumped |= 1 << jump.lane;
            }
        }
        for (h, hedge) in rules.hedges.iter().enumerate().filter(|_| !is_common) {
            eventful |= left_band(rules, series, tile, k, hedge, hot);
            eventful |= switches(rules, series, step, k, h, hot);
        }
        let mut doubtful = jumped;
        for (a, quiet) in self.accounts.iter_mut().enumerate() {
            let account = AccountStep {
                rules,
                series,
                tile,
                ranges: &self.legs,
                a,
                k,
                step,
            };
            let doubts = if rules.accounts[a].is_single {
                screen_single(&account, hot, quiet, &mut self.totals)
            } else {
                screen_any(&account, hot, quiet, &mut self.totals)
            };
            eventful |= doubts.acts;
            doubtful |= doubts.near;
            self.doubts[a] = doubts;
        }
        Looked {
            eventful,
            doubtful: doubtful & !eventful,
            jumped,
        }
    }

    /// The accounts that came close to their liquidation in a lane in the step looked at.
    pub(super) fn near(&self, lane: usize) -> AccountSet {
        let near = |doubts: &Doubts| (doubts.near >> lane) & 1 != 0;
        AccountSet::of(self.doubts.iter().map(near))
    }

    /// Puts all lanes but the eventful ones at the end of the step looked at, or where its trades begin if there are any on
    /// every path.
    pub(super) fn keep(
        &mut self,
        rules: &BookRules,
        series: &Series,
        tile: &MarketTile,
        k: usize,
        eventful: u64,
        hot: &mut Hot,
    ) {
        for (a, quiet) in self.accounts.iter().enumerate() {
            let account = &rules.accounts[a];
            let (cash, planned_cash) = (&mut hot.cash[a], &mut hot.planned_cash[a]);
            if account.is_single {
                let l = account.legs[0];
                if let Some(stamp) = series.stamp(tile, rules.legs[l].contract, k) {
                    let sizes = [&hot.size[l], &hot.planned[l]];
                    pay_single(eventful, stamp, sizes, cash, planned_cash);
                }
            } else {
                add_kept(eventful, &quiet.sums.paid, cash);
                add_kept(eventful, &quiet.sums.planned_paid, planned_cash);
            }
            if account.coin.is_some() {
                add_kept(eventful, &quiet.revalued_usd, &mut hot.revaluation_usd[a]);
            }
        }
        let rates_usd = |a: usize| {
            let coin = rules.accounts[a].coin;
            coin.map(|asset| &tile.spot_usd[asset][k])
        };
        let step = tile.first_step + k + 1;
        let is_watching = rules.is_watching(step) && !rules.is_common(step);
        keep_records(eventful, &self.totals, is_watching, hot);
        for (a, quiet) in self.accounts.iter().enumerate() {
            match rates_usd(a) {
                Some(rate_usd) => keep_margin::<true>(eventful, quiet, rate_usd, hot),
                None => keep_margin::<false>(eventful, quiet, &NOTHING, hot),
            }
        }
    }
}

/// Begins the totals with what lies beside the accounts: inventories, coins, money outside, interest. Returns the lanes in which
/// something is due, as bits.
fn begin(rules: &BookRules, tile: &MarketTile, k: usize, hot: &Hot, totals: &mut Totals) -> u64 {
    let step = tile.first_step + k + 1;
    let holding = |j: usize| {
        let spot_usd = &tile.spot_usd[rules.holdings[j].asset][k];
        (rules.schedule.after_base(j, step), spot_usd)
    };
    let due = begin_lanes(hot, step as f64, holding(0), totals);
    let wealth_usd = &mut totals.wealth_usd;
    for j in 1..rules.holdings.len() {
        let (quantity_base, spot_usd) = holding(j);
        add_times(quantity_base, spot_usd, wealth_usd);
    }
    for (asset, extra) in hot.extra.iter().enumerate() {
        if rules.may_have_extra[asset] {
            add_at(extra, &tile.spot_usd[asset][k], wealth_usd);
        }
    }
    due
}

/// [`begin`] with the first holding alone.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn begin_lanes(
    hot: &Hot,
    step: f64,
    (quantity_base, spot_usd): (f64, &LaneArray),
    totals: &mut Totals,
) -> u64 {
    let mut due = 0;
    for lane in 0..LANES {
        let outside_usd = (-step).mul_add(hot.interest_usd[lane], hot.outside_usd[lane]);
        totals.wealth_usd[lane] = quantity_base.mul_add(spot_usd[lane], outside_usd);
        totals.needed_usd[lane] = 0.0;
        due |= if hot.due_step[lane] <= step {
            LANE_BITS[lane]
        } else {
            0
        };
    }
    due
}

/// Lanes whose planned size leaves its band at the end of step `k`, as bits.
fn left_band(
    rules: &BookRules,
    series: &Series,
    tile: &MarketTile,
    k: usize,
    hedge: &HedgeRule,
    hot: &Hot,
) -> u64 {
    let step = tile.first_step + k + 1;
    let Some(width) = hedge.band().or(hedge.delta_band()) else {
        return 0;
    };
    let contract = |l: usize| rules.legs[l].contract;
    if hedge.alternative.is_none() && rules.contracts[contract(hedge.leg)].is_over(step) {
        return 0;
    }
    let mut short_base = [0.0; LANES];
    for l in [Some(hedge.leg), hedge.alternative].into_iter().flatten() {
        let is_inverse = rules.contracts[contract(l)].is_inverse;
        let unit = is_inverse.then(|| series.unit_at_end(tile, contract(l), k));
        add_short(&hot.planned[l], unit, &mut short_base);
    }
    if hedge.delta_band().is_some() {
        for &o in &hedge.option_legs {
            let underlying = rules.contracts[contract(o)].underlying;
            add_deltas(
                &hot.planned[o],
                series.delta(contract(o), k),
                &tile.spot_usd[underlying][k],
                &tile.spot_usd[hedge.underlying][k],
                &mut short_base,
            );
        }
    }
    let (_, followed) = rules.schedule.followed(hedge.holding, hedge.follows, step);
    outside_band(
        &short_base,
        &tile.spot_usd[hedge.underlying][k],
        &tile.spot_usd[hedge.held][k],
        [hedge.sign * hedge.hedge_ratio, followed, width],
    )
}

/// Adds sizes in base units: those of an inverse contract at its unit.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_short(size: &LaneArray, unit: Option<&LaneArray>, sum: &mut LaneArray) {
    match unit {
        None => {
            for lane in 0..LANES {
                sum[lane] += size[lane];
            }
        }
        Some(unit) => {
            for lane in 0..LANES {
                sum[lane] -= size[lane] * unit[lane];
            }
        }
    }
}

/// Adds what options are short, in base units of another underlying.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_deltas(
    size: &LaneArray,
    delta: &LaneArray,
    spot_usd: &LaneArray,
    underlying_usd: &LaneArray,
    sum: &mut LaneArray,
) {
    for lane in 0..LANES {
        sum[lane] += size[lane] * delta[lane] * (spot_usd[lane] / underlying_usd[lane]);
    }
}

/// Lanes, as bits, with `|q H - h X S| > width X S`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn outside_band(
    short_base: &LaneArray,
    underlying_usd: &LaneArray,
    spot_usd: &LaneArray,
    [signed_ratio, followed_base, width]: [f64; 3],
) -> u64 {
    let mut bits = 0;
    for lane in 0..LANES {
        let exposure_usd = followed_base * spot_usd[lane];
        let gap_usd = short_base[lane].mul_add(underlying_usd[lane], -signed_ratio * exposure_usd);
        bits |= u64::from(gap_usd.abs() > width * exposure_usd) << lane;
    }
    bits
}

/// Lanes in which hedge `h` switches contracts at the end of step `k`, as bits.
fn switches(rules: &BookRules, series: &Series, step: usize, k: usize, h: usize, hot: &Hot) -> u64 {
    let hedge = &rules.hedges[h];
    let (Some(switch), Some(alternative)) = (&hedge.switch, hedge.alternative) else {
        return 0;
    };
    // Once it is over, everybody has come back for good.
    if rules.contracts[rules.legs[alternative].contract].is_over(step) {
        return 0;
    }
    series.mean_rate(h, k).map_or(0, |means| {
        beyond(
            means,
            &hot.switched[h],
            switch.below_per_8h,
            switch.back_above_per_8h,
        )
    })
}

/// Lanes, as bits, with an average under `below` or, where switched, over `above`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn beyond(means: &LaneArray, switched: &LaneArray, below: f64, above: f64) -> u64 {
    let mut bits = 0;
    for lane in 0..LANES {
        let is_away = switched[lane] > 0.0;
        let is_beyond = if is_away {
            means[lane] > above
        } else {
            means[lane] < below
        };
        bits |= u64::from(is_beyond) << lane;
    }
    bits
}

/// Adds `factor * row`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_times(factor: f64, row: &LaneArray, sum: &mut LaneArray) {
    for lane in 0..LANES {
        sum[lane] = factor.mul_add(row[lane], sum[lane]);
    }
}

/// Adds amounts at their rate in USD.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_at(amounts: &LaneArray, rate_usd: &LaneArray, sum: &mut LaneArray) {
    for lane in 0..LANES {
        sum[lane] = amounts[lane].mul_add(rate_usd[lane], sum[lane]);
    }
}

/// Adds amounts in the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_kept(eventful: u64, amounts: &LaneArray, sum: &mut LaneArray) {
    for lane in 0..LANES {
        sum[lane] += if_quiet(eventful, lane, amounts[lane], 0.0);
    }
}

/// Least equity, USD, and worst margin ratio of an account in the quiet lanes; `COIN`: it is kept in one.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_margin<const COIN: bool>(
    eventful: u64,
    quiet: &QuietAccount,
    rate_usd: &LaneArray,
    hot: &mut Hot,
) {
    for lane in 0..LANES {
        let equity = if_quiet(eventful, lane, quiet.equity[lane], f64::INFINITY);
        let maintenance = quiet.maintenance[lane];
        let equity_usd = if COIN {
            equity * rate_usd[lane]
        } else {
            equity
        };
        hot.min_equity_usd[lane] = anew(smaller(equity_usd, hot.min_equity_usd[lane]));
        // An endless equity is never the worst.
        let (margin, worst) = (hot.worst_maintenance[lane], hot.worst_equity[lane]);
        let is_worse = maintenance * worst > margin * equity;
        hot.worst_maintenance[lane] = anew(if is_worse { maintenance } else { margin });
        hot.worst_equity[lane] = anew(if is_worse { equity } else { worst });
    }
}

/// Requirement of the quiet lanes, and their peak of wealth and drawdown at a watching moment.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_records(eventful: u64, totals: &Totals, is_watching: bool, hot: &mut Hot) {
    let unseen = if is_watching { eventful } else { u64::MAX };
    for lane in 0..LANES {
        let needed_usd = totals.needed_usd[lane];
        let needed_usd = if_quiet(eventful, lane, needed_usd, f64::NEG_INFINITY);
        hot.required_usd[lane] = anew(larger(needed_usd, hot.required_usd[lane]));
        // What is at its peak has not fallen.
        let before_usd = hot.peak_wealth_usd[lane];
        let wealth_usd = if_quiet(unseen, lane, totals.wealth_usd[lane], before_usd);
        let peak_usd = larger(wealth_usd, before_usd);
        let fallen_usd = if_quiet(unseen, lane, peak_usd - wealth_usd, 0.0);
        hot.peak_wealth_usd[lane] = anew(peak_usd);
        hot.max_drawdown_usd[lane] = anew(larger(fallen_usd, hot.max_drawdown_usd[lane]));
    }
}

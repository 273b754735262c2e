//! Quiet steps of all lanes at once, and which lanes have none.
//!
//! A lane's step is quiet if nothing is due, nothing jumps, no account can have reached its liquidation, no hedger who looks acts
//! and no size leaves its band. Whether that is so depends on the lane alone.

#![expect(
    clippy::needless_range_loop,
    clippy::needless_bitwise_bool,
    reason = "lane loops without branches"
)]

use multiversion::multiversion;

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::quiet_account::{AccountStep, QuietAccount, screen_account};
use crate::ledger::book::rules::{BookRules, HedgeRule};
use crate::ledger::book::series::Series;
use crate::ledger::book::state::{Hot, State};
use crate::ledger::calm::{MarginLine, larger, smaller};
use crate::market::tile::{LaneArray, MarketTile};
use crate::outcome::table::LANES;

/// What quiet steps need beside the state, allocated once.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    legs: Vec<LegRange>,
    accounts: Vec<QuietAccount>,
    /// Assets whose jumps matter to any account.
    is_watched: Vec<bool>,
}

/// The brackets that any lane's notional of one leg can stand in during the tile.
#[derive(Debug, Clone)]
pub(super) struct LegRange {
    /// All brackets' lines.
    lines: Vec<MarginLine>,
    /// Least and largest size without sign, actual or planned, of any lane in which it is not flat.
    sizes: (f64, f64),
    /// Least and largest unit of the tile.
    units: (f64, f64),
    /// What units are tested at may lie so far from them.
    reach: f64,
    brackets: std::ops::RangeInclusive<usize>,
}

impl LegRange {
    /// The lines that count.
    pub(super) fn lines(&self) -> &[MarginLine] {
        &self.lines[self.brackets.clone()]
    }

    fn cover(&mut self, size: f64) {
        let size = size.abs();
        if size > 0.0 {
            self.sizes = (self.sizes.0.min(size), self.sizes.1.max(size));
        }
    }

    fn set_brackets(&mut self, contract: &ContractRule) {
        let last = self.lines.len() - 1;
        self.brackets = if contract.margins_entry || self.sizes.1 == 0.0 {
            0..=last
        } else {
            let least = self.sizes.0 * self.units.0 / self.reach;
            let most = self.sizes.1 * self.units.1 * self.reach;
            contract.venue.bracket_index(least)..=contract.venue.bracket_index(most)
        };
    }
}

impl Screen {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        let legs = rules.legs.iter().map(|leg| {
            let contract = &rules.contracts[leg.contract];
            let lines: Vec<MarginLine> = contract
                .venue
                .brackets
                .iter()
                .map(|bracket| MarginLine {
                    rate: bracket.rate,
                    deduction_usd: bracket.deduction_usd,
                })
                .collect();
            let most = |series: &[f64]| series.iter().copied().fold(1.0, f64::max);
            LegRange {
                brackets: 0..=lines.len() - 1,
                lines,
                sizes: (f64::INFINITY, 0.0),
                units: (0.0, 0.0),
                reach: most(&contract.clearances).max(most(&contract.shifts)),
            }
        });
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
            is_watched,
        }
    }

    /// Time 0: all lanes are alike.
    pub(super) fn start(&mut self, rules: &BookRules, state: &State) {
        for range in &mut self.legs {
            range.sizes = (f64::INFINITY, 0.0);
        }
        self.cover(rules, state, 0);
    }

    /// Looks at a tile's prices.
    pub(super) fn enter(&mut self, rules: &BookRules, series: &Series, tile: &MarketTile) {
        for (range, leg) in self.legs.iter_mut().zip(&rules.legs) {
            if leg.is_option {
                continue;
            }
            let mut units = (f64::INFINITY, 0.0);
            for k in 0..tile.steps {
                widen(series.unit_at_start(tile, leg.contract, k), &mut units);
                widen(series.unit_at_end(tile, leg.contract, k), &mut units);
            }
            range.units = units;
            range.set_brackets(&rules.contracts[leg.contract]);
        }
    }

    /// A lane's sizes may have changed.
    pub(super) fn cover(&mut self, rules: &BookRules, state: &State, lane: usize) {
        for (l, (range, leg)) in self.legs.iter_mut().zip(&rules.legs).enumerate() {
            let before = range.sizes;
            range.cover(state.hot.size[l][lane]);
            range.cover(state.hot.planned[l][lane]);
            if range.sizes != before {
                range.set_brackets(&rules.contracts[leg.contract]);
            }
        }
    }

    /// Settles step `k` of the tile in every lane in which it is quiet; returns the others, left at its start, as bits.
    pub(super) fn settle_quiet(
        &mut self,
        rules: &BookRules,
        series: &Series,
        tile: &MarketTile,
        k: usize,
        state: &mut State,
    ) -> u64 {
        let step = tile.first_step + k + 1;
        let hot = &mut state.hot;
        let mut eventful = due(&hot.due_step, step as f64);
        for jump in tile.jumps_between(k..k + 1) {
            if self.is_watched[jump.asset] {
                eventful |= 1 << jump.lane;
            }
        }
        for (h, hedge) in rules.hedges.iter().enumerate() {
            eventful |= left_band(rules, series, tile, k, hedge, hot);
            eventful |= switches(rules, series, step, k, h, hot);
        }
        let mut needed_usd = [0.0; LANES];
        let is_watching = rules.is_watching(step);
        let mut wealth_usd = [0.0; LANES];
        if is_watching {
            outside(rules, tile, k, hot, &mut wealth_usd);
        }
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
            eventful |= screen_account(&account, hot, quiet);
            let coin = rules.accounts[a].coin;
            let rate_usd = coin.map(|asset| &tile.spot_usd[asset][k]);
            add_at(&quiet.need, rate_usd, &mut needed_usd);
            if is_watching {
                add_at(&quiet.value, rate_usd, &mut wealth_usd);
            }
        }
        for (a, quiet) in self.accounts.iter().enumerate() {
            let coin = rules.accounts[a].coin;
            let rate_usd = coin.map(|asset| &tile.spot_usd[asset][k]);
            keep_account(a, quiet, rate_usd, eventful, hot);
        }
        keep_records(
            &needed_usd,
            is_watching.then_some(&wealth_usd),
            eventful,
            hot,
        );
        eventful
    }
}

/// Lanes in which something is due, as bits.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn due(due_step: &LaneArray, step: f64) -> u64 {
    let mut bits = 0;
    for (lane, due_step) in due_step.iter().enumerate() {
        bits |= u64::from(*due_step <= step) << lane;
    }
    bits
}

/// Widens a range to a row of positive numbers.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn widen(row: &LaneArray, range: &mut (f64, f64)) {
    const ABREAST: usize = 8;
    let (mut least, mut most) = ([range.0; ABREAST], [range.1; ABREAST]);
    for first in (0..LANES).step_by(ABREAST) {
        for i in 0..ABREAST {
            least[i] = smaller(row[first + i], least[i]);
            most[i] = larger(row[first + i], most[i]);
        }
    }
    range.0 = least.iter().fold(range.0, |a, &b| smaller(b, a));
    range.1 = most.iter().fold(range.1, |a, &b| larger(b, a));
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

/// Wealth beside the accounts at the end of step `k`: inventories, coins, money outside, interest.
fn outside(rules: &BookRules, tile: &MarketTile, k: usize, hot: &Hot, wealth_usd: &mut LaneArray) {
    let step = tile.first_step + k + 1;
    add_outside(&hot.outside_usd, &hot.interest_usd, step as f64, wealth_usd);
    for (j, holding) in rules.holdings.iter().enumerate() {
        let quantity_base = rules.schedule.after_base(j, step);
        add_times(quantity_base, &tile.spot_usd[holding.asset][k], wealth_usd);
    }
    for (asset, extra) in hot.extra.iter().enumerate() {
        if rules.may_have_extra[asset] {
            add_at(extra, Some(&tile.spot_usd[asset][k]), wealth_usd);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_outside(outside_usd: &LaneArray, interest_usd: &LaneArray, step: f64, sum: &mut LaneArray) {
    for lane in 0..LANES {
        sum[lane] += (-step).mul_add(interest_usd[lane], outside_usd[lane]);
    }
}

/// Adds `factor * row`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_times(factor: f64, row: &LaneArray, sum: &mut LaneArray) {
    for lane in 0..LANES {
        sum[lane] = factor.mul_add(row[lane], sum[lane]);
    }
}

/// Adds amounts at their rate in USD; without one they are USD.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add_at(amounts: &LaneArray, rate_usd: Option<&LaneArray>, sum: &mut LaneArray) {
    match rate_usd {
        None => {
            for lane in 0..LANES {
                sum[lane] += amounts[lane];
            }
        }
        Some(rate_usd) => {
            for lane in 0..LANES {
                sum[lane] = amounts[lane].mul_add(rate_usd[lane], sum[lane]);
            }
        }
    }
}

/// Puts an account of the quiet lanes at the step's end.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_account(
    a: usize,
    quiet: &QuietAccount,
    rate_usd: Option<&LaneArray>,
    eventful: u64,
    hot: &mut Hot,
) {
    let one = [1.0; LANES];
    let rate_usd = rate_usd.unwrap_or(&one);
    let (cash, planned_cash) = (&mut hot.cash[a], &mut hot.planned_cash[a]);
    let revaluation_usd = &mut hot.revaluation_usd[a];
    let open = &hot.open[a];
    for lane in 0..LANES {
        let is_quiet = (eventful >> lane) & 1 == 0;
        let counts = is_quiet & (open[lane] > 0.0);
        let keep = |is_kept: bool, before: f64, now: f64| if is_kept { now } else { before };
        cash[lane] = keep(is_quiet, cash[lane], cash[lane] + quiet.paid[lane]);
        planned_cash[lane] = keep(
            is_quiet,
            planned_cash[lane],
            planned_cash[lane] + quiet.planned_paid[lane],
        );
        revaluation_usd[lane] = keep(
            is_quiet,
            revaluation_usd[lane],
            revaluation_usd[lane] + quiet.revalued_usd[lane],
        );
        let (equity, maintenance) = (quiet.equity[lane], quiet.maintenance[lane]);
        let least_usd = smaller(equity * rate_usd[lane], hot.min_equity_usd[lane]);
        hot.min_equity_usd[lane] = keep(counts, hot.min_equity_usd[lane], least_usd);
        let is_worse = maintenance * hot.worst_equity[lane] > hot.worst_maintenance[lane] * equity;
        let is_worst = counts & is_worse;
        hot.worst_maintenance[lane] = keep(is_worst, hot.worst_maintenance[lane], maintenance);
        hot.worst_equity[lane] = keep(is_worst, hot.worst_equity[lane], equity);
    }
}

/// Requirement, and wealth at a watching moment, of the quiet lanes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn keep_records(
    needed_usd: &LaneArray,
    wealth_usd: Option<&LaneArray>,
    eventful: u64,
    hot: &mut Hot,
) {
    for lane in 0..LANES {
        let is_quiet = (eventful >> lane) & 1 == 0;
        let required_usd = larger(needed_usd[lane], hot.required_usd[lane]);
        hot.required_usd[lane] = if is_quiet {
            required_usd
        } else {
            hot.required_usd[lane]
        };
    }
    let Some(wealth_usd) = wealth_usd else { return };
    for lane in 0..LANES {
        let is_quiet = (eventful >> lane) & 1 == 0;
        let peak_usd = larger(wealth_usd[lane], hot.peak_wealth_usd[lane]);
        let fallen_usd = larger(peak_usd - wealth_usd[lane], hot.max_drawdown_usd[lane]);
        hot.peak_wealth_usd[lane] = if is_quiet {
            peak_usd
        } else {
            hot.peak_wealth_usd[lane]
        };
        hot.max_drawdown_usd[lane] = if is_quiet {
            fallen_usd
        } else {
            hot.max_drawdown_usd[lane]
        };
    }
}

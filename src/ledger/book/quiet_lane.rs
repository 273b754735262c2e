//! One lane's steps where every account holds one future: what they come to as long as they are quiet, and where they may not be.

use std::ops::Range;

use multiversion::multiversion;

use crate::ledger::book::quiet_account::NOTHING;
use crate::ledger::book::quiet_future::{BOTH, Position, Prices, StepEnd, quiet_step};
use crate::ledger::book::quiet_steps::Steps;
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::state::Hot;
use crate::ledger::calm::{larger, smaller};
use crate::market::tile::TILE_STEPS;

/// What quiet steps come to in one lane, one after the other.
#[derive(Debug, Clone)]
pub(super) struct QuietLane {
    accounts: Vec<[StepEnd; TILE_STEPS]>,
    needed_usd: [f64; TILE_STEPS],
    wealth_usd: [f64; TILE_STEPS],
    /// Steps in which something is due, a hedger acts, or an account is liquidated at the end, as bits.
    eventful: u64,
}

impl QuietLane {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        Self {
            accounts: vec![[StepEnd::default(); TILE_STEPS]; rules.accounts.len()],
            needed_usd: [0.0; TILE_STEPS],
            wealth_usd: [0.0; TILE_STEPS],
            eventful: 0,
        }
    }

    /// Whether something happens in the `k`-th step for sure.
    pub(super) fn is_eventful(&self, k: usize) -> bool {
        (self.eventful >> k) & 1 != 0
    }

    /// Cash of account `a` at the end of the `k`-th step.
    pub(super) fn cash(&self, a: usize, k: usize) -> f64 {
        self.accounts[a][k].cash
    }

    /// Works out some of the steps, all as if they were quiet, from where the lane is.
    pub(super) fn look(
        &mut self,
        steps: &Steps<'_>,
        places: Range<usize>,
        ranges: &[LegRange],
        hot: &Hot,
        lane: usize,
    ) {
        look(self, steps, places, ranges, hot, lane);
    }

    /// Puts the lane at the end of the `k`-th step.
    pub(super) fn keep(&self, steps: &Steps<'_>, k: usize, hot: &mut Hot, lane: usize) {
        let Steps {
            rules,
            series,
            tile,
            first,
        } = *steps;
        let at = first + k;
        for (a, ends) in self.accounts.iter().enumerate() {
            let end = &ends[k];
            let account = &rules.accounts[a];
            let before = hot.cash[a][lane];
            hot.cash[a][lane] = end.cash;
            hot.planned_cash[a][lane] = end.planned_cash;
            let mut rate_usd = 1.0;
            if let Some(asset) = account.coin {
                let l = account.legs[0];
                let index = rules.legs[l].contract;
                let start = series.unit_at_start(tile, index, at)[lane];
                let start_usd = series.start_spot_usd(tile, asset, at)[lane];
                rate_usd = tile.spot_usd[asset][at][lane];
                let coins = (before - hot.size[l][lane] * start) + hot.beyond[a][lane];
                hot.revaluation_usd[a][lane] += coins * (rate_usd - start_usd);
            }
            if !end.is_open {
                continue;
            }
            let least_usd = &mut hot.min_equity_usd[lane];
            *least_usd = smaller(end.equity * rate_usd, *least_usd);
            let (margin, worst) = (hot.worst_maintenance[lane], hot.worst_equity[lane]);
            if end.maintenance * worst > margin * end.equity {
                hot.worst_maintenance[lane] = end.maintenance;
                hot.worst_equity[lane] = end.equity;
            }
        }
        let required_usd = &mut hot.required_usd[lane];
        *required_usd = larger(self.needed_usd[k], *required_usd);
        if rules.is_watching(tile.first_step + at + 1) {
            let wealth_usd = self.wealth_usd[k];
            let peak_usd = larger(wealth_usd, hot.peak_wealth_usd[lane]);
            hot.peak_wealth_usd[lane] = peak_usd;
            let fallen_usd = &mut hot.max_drawdown_usd[lane];
            *fallen_usd = larger(peak_usd - wealth_usd, *fallen_usd);
        }
    }
}

/// [`QuietLane::look`], with fused multiply-adds where the processor has them.
#[multiversion(targets("x86_64+avx2+fma"))]
fn look(
    quiet: &mut QuietLane,
    steps: &Steps<'_>,
    places: Range<usize>,
    ranges: &[LegRange],
    hot: &Hot,
    lane: usize,
) {
    let Steps {
        rules,
        series,
        tile,
        first,
    } = *steps;
    let first_step = tile.first_step + first + 1;
    let QuietLane {
        accounts,
        needed_usd,
        wealth_usd,
        eventful,
    } = quiet;
    let (interest_usd, outside_usd) = (hot.interest_usd[lane], hot.outside_usd[lane]);
    *eventful = 0;
    for k in places.clone() {
        let step = (first_step + k) as f64;
        wealth_usd[k] = (-step).mul_add(interest_usd, outside_usd);
        needed_usd[k] = 0.0;
        *eventful |= u64::from(hot.due_step[lane] <= step) << k;
    }
    for (j, holding) in rules.holdings.iter().enumerate() {
        let spots_usd = &tile.spot_usd[holding.asset];
        for k in places.clone() {
            let quantity_base = rules.schedule.after_base(j, first_step + k);
            wealth_usd[k] = quantity_base.mul_add(spots_usd[first + k][lane], wealth_usd[k]);
        }
    }
    for (asset, extra) in hot.extra.iter().enumerate() {
        if rules.may_have_extra[asset] {
            for k in places.clone() {
                let spot_usd = tile.spot_usd[asset][first + k][lane];
                wealth_usd[k] = extra[lane].mul_add(spot_usd, wealth_usd[k]);
            }
        }
    }
    for (a, (account, ends)) in rules.accounts.iter().zip(accounts).enumerate() {
        let l = account.legs[0];
        let index = rules.legs[l].contract;
        let contract = &rules.contracts[index];
        let units = &series.units(tile, index)[first + 1..];
        let terms = &rules.step_terms(a)[first_step..];
        let margin_rules = (ranges[l].lines(), contract.venue.trigger_fee_frac());
        let mut position = Position {
            size: hot.size[l][lane],
            planned: hot.planned[l][lane],
            cash: hot.cash[a][lane],
            planned_cash: hot.planned_cash[a][lane],
            acts: [hot.acts_below[a][lane], hot.acts_above[a][lane]],
        };
        for k in places.clone() {
            let stamp = series.stamp(tile, index, first + k).unwrap_or(&NOTHING);
            let prices = Prices {
                end: units[k][lane],
                stamp: stamp[lane],
            };
            let end = quiet_step::<BOTH>(&terms[k], margin_rules, &position, &prices);
            if let Some(asset) = account.coin {
                let rate_usd = tile.spot_usd[asset][first + k][lane];
                let beyond = hot.beyond[a][lane];
                needed_usd[k] = end
                    .need
                    .mul_add(rules.initial_spots_usd[asset], needed_usd[k]);
                wealth_usd[k] = (end.equity + beyond).mul_add(rate_usd, wealth_usd[k]);
            } else {
                needed_usd[k] += end.need;
                wealth_usd[k] += end.equity;
            }
            *eventful |= u64::from(end.acts) << k;
            position.cash = end.cash;
            position.planned_cash = end.planned_cash;
            ends[k] = end;
        }
    }
}

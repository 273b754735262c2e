//! One lane's step where every account holds one future: what it comes to if it is quiet, and whether it may not be.

use multiversion::multiversion;

use crate::ledger::book::quiet_account::NOTHING;
use crate::ledger::book::quiet_future::{BOTH, Position, Prices, StepEnd, quiet_step};
use crate::ledger::book::quiet_steps::Steps;
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::state::Hot;
use crate::ledger::calm::{larger, smaller};

/// What a quiet step comes to in one lane.
#[derive(Debug, Clone, Default)]
pub(super) struct QuietLane {
    accounts: Vec<StepEnd>,
    needed_usd: f64,
    wealth_usd: f64,
    /// Whether something is due, or a hedger acts, or an account is liquidated at the end.
    pub(super) is_eventful: bool,
}

impl QuietLane {
    /// Cash of account `a` at the step's end.
    pub(super) fn cash(&self, a: usize) -> f64 {
        self.accounts[a].cash
    }

    /// Works out the step.
    pub(super) fn look(&mut self, steps: &Steps<'_>, ranges: &[LegRange], hot: &Hot, lane: usize) {
        self.accounts.clear();
        look(self, steps, ranges, hot, lane);
    }

    /// Puts the lane at the step's end.
    pub(super) fn keep(&self, steps: &Steps<'_>, hot: &mut Hot, lane: usize) {
        let Steps {
            rules,
            series,
            tile,
            first,
        } = *steps;
        for (a, end) in self.accounts.iter().enumerate() {
            let account = &rules.accounts[a];
            let before = hot.cash[a][lane];
            hot.cash[a][lane] = end.cash;
            hot.planned_cash[a][lane] = end.planned_cash;
            let mut rate_usd = 1.0;
            if let Some(asset) = account.coin {
                let l = account.legs[0];
                let index = rules.legs[l].contract;
                let start = series.unit_at_start(tile, index, first)[lane];
                let start_usd = series.start_spot_usd(tile, asset, first)[lane];
                rate_usd = tile.spot_usd[asset][first][lane];
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
        *required_usd = larger(self.needed_usd, *required_usd);
        if rules.is_watching(tile.first_step + first + 1) {
            let peak_usd = larger(self.wealth_usd, hot.peak_wealth_usd[lane]);
            hot.peak_wealth_usd[lane] = peak_usd;
            let fallen_usd = &mut hot.max_drawdown_usd[lane];
            *fallen_usd = larger(peak_usd - self.wealth_usd, *fallen_usd);
        }
    }
}

/// [`QuietLane::look`], with fused multiply-adds where the processor has them.
#[multiversion(targets("x86_64+avx2+fma"))]
fn look(quiet: &mut QuietLane, steps: &Steps<'_>, ranges: &[LegRange], hot: &Hot, lane: usize) {
    let Steps {
        rules,
        series,
        tile,
        first,
    } = *steps;
    let step = tile.first_step + first + 1;
    let spot_usd = |asset: usize| tile.spot_usd[asset][first][lane];
    let mut wealth_usd = (-(step as f64)).mul_add(hot.interest_usd[lane], hot.outside_usd[lane]);
    for (j, holding) in rules.holdings.iter().enumerate() {
        let quantity_base = rules.schedule.after_base(j, step);
        wealth_usd = quantity_base.mul_add(spot_usd(holding.asset), wealth_usd);
    }
    for (asset, extra) in hot.extra.iter().enumerate() {
        if rules.may_have_extra[asset] {
            wealth_usd = extra[lane].mul_add(spot_usd(asset), wealth_usd);
        }
    }
    let (mut needed_usd, mut is_eventful) = (0.0, hot.due_step[lane] <= step as f64);
    for (a, account) in rules.accounts.iter().enumerate() {
        let l = account.legs[0];
        let index = rules.legs[l].contract;
        let contract = &rules.contracts[index];
        let position = Position {
            size: hot.size[l][lane],
            planned: hot.planned[l][lane],
            cash: hot.cash[a][lane],
            planned_cash: hot.planned_cash[a][lane],
            acts: [hot.acts_below[a][lane], hot.acts_above[a][lane]],
        };
        let stamp = series.stamp(tile, index, first).unwrap_or(&NOTHING);
        let prices = Prices {
            start: series.unit_at_start(tile, index, first)[lane],
            end: series.unit_at_end(tile, index, first)[lane],
            stamp: stamp[lane],
        };
        let margin_rules = (ranges[l].lines(), contract.venue.trigger_fee_frac());
        let end = quiet_step::<BOTH>(&rules.step_terms(a)[step], margin_rules, &position, &prices);
        if let Some(asset) = account.coin {
            needed_usd = end.need.mul_add(rules.initial_spots_usd[asset], needed_usd);
            wealth_usd = (end.equity + hot.beyond[a][lane]).mul_add(spot_usd(asset), wealth_usd);
        } else {
            needed_usd += end.need;
            wealth_usd += end.equity;
        }
        is_eventful |= end.acts;
        quiet.accounts.push(end);
    }
    quiet.needed_usd = needed_usd;
    quiet.wealth_usd = wealth_usd;
    quiet.is_eventful = is_eventful;
}

//! One lane's step where every account holds one future: what it comes to if it is quiet, and whether something happens in it.

use multiversion::multiversion;

use crate::ledger::book::quiet_account::NOTHING;
use crate::ledger::book::quiet_future::{BOTH, Position, Prices, StepEnd, quiet_step};
use crate::ledger::book::quiet_steps::Steps;
use crate::ledger::book::ranges::LegRange;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::state::Hot;
use crate::ledger::calm::{larger, smaller};

/// What a quiet step comes to in one lane.
#[derive(Debug, Clone, Default)]
pub(super) struct QuietLane {
    /// Each account.
    pub(super) accounts: Vec<StepEnd>,
    /// What the planned legs of all of them need, USD.
    pub(super) needed_usd: f64,
    /// Hedged wealth, USD.
    pub(super) wealth_usd: f64,
    /// Whether something is due, a hedger acts, or an account is liquidated at the end.
    pub(super) is_eventful: bool,
}

impl QuietLane {
    /// Room for a plan.
    pub(super) fn new(rules: &BookRules) -> Self {
        Self {
            accounts: vec![StepEnd::default(); rules.accounts.len()],
            ..Self::default()
        }
    }

    /// Works out a step, the first of `steps`, as if it were quiet, from where the lane is.
    pub(super) fn look(&mut self, steps: &Steps<'_>, ranges: &[LegRange], hot: &Hot, lane: usize) {
        look(self, steps, ranges, hot, lane);
    }

    /// Pays what every account pays in a quiet step, and books what its coins have gained.
    pub(super) fn pay(&self, steps: &Steps<'_>, hot: &mut Hot, lane: usize) {
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
            if let Some(asset) = account.coin {
                let l = account.legs[0];
                let index = rules.legs[l].contract;
                let start = series.unit_at_start(tile, index, first)[lane];
                let start_usd = series.start_spot_usd(tile, asset, first)[lane];
                let coins = (before - hot.size[l][lane] * start) + hot.beyond[a][lane];
                let moved_usd = tile.spot_usd[asset][first][lane] - start_usd;
                hot.revaluation_usd[a][lane] += coins * moved_usd;
            }
        }
    }

    /// Books what is required and, at a watching moment, wealth.
    fn record(&self, steps: &Steps<'_>, hot: &mut Hot, lane: usize) {
        let required_usd = &mut hot.required_usd[lane];
        *required_usd = larger(self.needed_usd, *required_usd);
        if steps
            .rules
            .is_watching(steps.tile.first_step + steps.first + 1)
        {
            let peak_usd = larger(self.wealth_usd, hot.peak_wealth_usd[lane]);
            hot.peak_wealth_usd[lane] = peak_usd;
            let fallen_usd = &mut hot.max_drawdown_usd[lane];
            *fallen_usd = larger(peak_usd - self.wealth_usd, *fallen_usd);
        }
    }

    /// Puts the lane at the end of the step.
    pub(super) fn keep(&self, steps: &Steps<'_>, hot: &mut Hot, lane: usize) {
        self.pay(steps, hot, lane);
        for (a, end) in self.accounts.iter().enumerate() {
            if !end.is_open {
                continue;
            }
            let coin = steps.rules.accounts[a].coin;
            let rate_usd = coin.map_or(1.0, |asset| steps.tile.spot_usd[asset][steps.first][lane]);
            let least_usd = &mut hot.min_equity_usd[lane];
            *least_usd = smaller(end.equity * rate_usd, *least_usd);
            let (margin, worst) = (hot.worst_maintenance[lane], hot.worst_equity[lane]);
            if end.maintenance * worst > margin * end.equity {
                hot.worst_maintenance[lane] = end.maintenance;
                hot.worst_equity[lane] = end.equity;
            }
        }
        self.record(steps, hot, lane);
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
    let moment = step as f64;
    let mut wealth_usd = (-moment).mul_add(hot.interest_usd[lane], hot.outside_usd[lane]);
    let mut needed_usd = 0.0;
    let mut is_eventful = hot.due_step[lane] <= moment;
    for (j, holding) in rules.holdings.iter().enumerate() {
        let quantity_base = rules.schedule.after_base(j, step);
        wealth_usd = quantity_base.mul_add(tile.spot_usd[holding.asset][first][lane], wealth_usd);
    }
    for (asset, extra) in hot.extra.iter().enumerate() {
        if rules.may_have_extra[asset] {
            wealth_usd = extra[lane].mul_add(tile.spot_usd[asset][first][lane], wealth_usd);
        }
    }
    for (a, (account, end)) in rules.accounts.iter().zip(&mut quiet.accounts).enumerate() {
        let l = account.legs[0];
        let index = rules.legs[l].contract;
        let fee_frac = rules.contracts[index].venue.trigger_fee_frac();
        let position = Position {
            size: hot.size[l][lane],
            planned: hot.planned[l][lane],
            cash: hot.cash[a][lane],
            planned_cash: hot.planned_cash[a][lane],
            acts: [hot.acts_below[a][lane], hot.acts_above[a][lane]],
        };
        let stamp = series.stamp(tile, index, first).unwrap_or(&NOTHING);
        let prices = Prices {
            end: series.unit_at_end(tile, index, first)[lane],
            stamp: stamp[lane],
        };
        let terms = &rules.step_terms(a)[step];
        let margin_rules = (ranges[l].lines(), fee_frac);
        *end = quiet_step::<BOTH>(terms, margin_rules, &position, &prices);
        if let Some(asset) = account.coin {
            let rate_usd = tile.spot_usd[asset][first][lane];
            needed_usd = end.need.mul_add(rules.initial_spots_usd[asset], needed_usd);
            wealth_usd = (end.equity + hot.beyond[a][lane]).mul_add(rate_usd, wealth_usd);
        } else {
            needed_usd += end.need;
            wealth_usd += end.equity;
        }
        is_eventful |= end.acts;
    }
    quiet.needed_usd = needed_usd;
    quiet.wealth_usd = wealth_usd;
    quiet.is_eventful = is_eventful;
}

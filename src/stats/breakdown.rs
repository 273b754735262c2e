//! Results by purpose, holding, hedge, account, venue and date, where a plan stores them.

use rayon::prelude::*;

use crate::outcome::column::Extra;
use crate::outcome::layout::{Layout, date_labels, holding_labels, venues};
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::attribution::WORST5;
use crate::stats::level::{Level, Named};
use crate::stats::moments::{ColumnSums, spread};
use crate::stats::quantile::Percentiles;
use crate::stats::sample::Sample;
use crate::stats::summary::{
    AccountSummary, CarrySummary, CostSummary, ExposureSummary, HedgeSummary, InterimSummary,
    LiquidityAtRiskSummary, MeanAndPercentiles, OnlyProbability, PartSummary,
};
use crate::stats::tail::LossTail;

/// What the extras of a table say; `None` where it does not store them.
pub(super) struct Breakdown {
    pub(super) liquidity_at_risk: LiquidityAtRiskSummary,
    pub(super) costs: Option<CostSummary>,
    pub(super) carry: Option<CarrySummary>,
    pub(super) by_holding: Option<Named<PartSummary>>,
    pub(super) by_hedge: Option<Named<HedgeSummary>>,
    pub(super) by_account: Option<Named<AccountSummary>>,
    pub(super) exposure: Option<Named<Named<ExposureSummary>>>,
    pub(super) interim: Option<Named<InterimSummary>>,
}

impl Breakdown {
    /// `required` is what the column of the required collateral says, which is the total of the liquidity at risk.
    pub(super) fn of(
        table: &OutcomeTable,
        plan: &Plan,
        sums: &[ColumnSums],
        levels: &[Level],
        required: &MeanAndPercentiles,
    ) -> Self {
        let columns = Columns { table, levels };
        Self {
            liquidity_at_risk: LiquidityAtRiskSummary {
                total: required.clone(),
                largest_call_24h: columns.amount(Extra::LargestCall24h),
                largest_call_7d: columns.amount(Extra::LargestCall7d),
                cash_in_transit: columns.amount(Extra::CashInTransit),
            },
            costs: columns.costs(),
            carry: columns.carry(),
            by_holding: columns.by_holding(plan),
            by_hedge: columns.by_hedge(plan),
            by_account: columns.by_account(plan, sums),
            exposure: columns.exposure(plan),
            interim: columns.interim(plan),
        }
    }
}

/// A table, and the levels at which its percentiles are wanted.
#[derive(Clone, Copy)]
struct Columns<'a> {
    table: &'a OutcomeTable,
    levels: &'a [Level],
}

impl Columns<'_> {
    fn layout(&self) -> &Layout {
        self.table.layout()
    }

    /// Mean and percentiles of a sum of columns.
    fn amount_of(&self, columns: &[usize]) -> MeanAndPercentiles {
        let sample = Sample::of_sum(self.table, columns);
        MeanAndPercentiles {
            mean: spread(&sample).mean,
            percentiles: Percentiles::new(&sample, self.levels, &[]).gains(self.levels),
        }
    }

    fn amount(&self, extra: Extra) -> Option<MeanAndPercentiles> {
        let column = self.layout().index(extra)?;
        Some(self.amount_of(&[column]))
    }

    /// Distribution of a sum of columns.
    fn part_of(&self, columns: &[usize]) -> PartSummary {
        let sample = Sample::of_sum(self.table, columns);
        let percentiles = Percentiles::new(&sample, self.levels, &[WORST5]);
        let spread = spread(&sample);
        PartSummary {
            mean: spread.mean,
            std_dev: spread.std_dev,
            es95: LossTail::new(&sample, &percentiles, WORST5).expected_shortfall,
            percentiles: percentiles.gains(self.levels),
        }
    }

    fn part(&self, extra: Extra) -> Option<PartSummary> {
        let column = self.layout().index(extra)?;
        Some(self.part_of(&[column]))
    }

    fn costs(&self) -> Option<CostSummary> {
        let purposes = [
            Extra::EntryCost,
            Extra::RebalancingCost,
            Extra::RollCost,
            Extra::ExitCost,
        ];
        let stored: Vec<usize> = purposes
            .iter()
            .filter_map(|&purpose| self.layout().index(purpose))
            .collect();
        let &[entry, rebalancing, roll, exit] = stored.as_slice() else {
            return None;
        };
        let groups: [&[usize]; 5] = [&[entry], &[rebalancing], &[roll], &[exit], &stored];
        let mut found: Vec<MeanAndPercentiles> = groups
            .into_par_iter()
            .map(|columns| self.amount_of(columns))
            .collect();
        // Taken from the end.
        let mut last = || found.pop();
        let (total, exit, roll, rebalancing, entry) = (last()?, last()?, last()?, last()?, last()?);
        Some(CostSummary {
            entry,
            rebalancing,
            roll,
            exit,
            total,
        })
    }

    fn carry(&self) -> Option<CarrySummary> {
        Some(CarrySummary {
            earned: self.amount(Extra::Carry)?,
            curve: self.amount(Extra::Curve)?,
            roll_cost: self.amount(Extra::RollCost)?,
        })
    }

    fn by_holding(&self, plan: &Plan) -> Option<Named<PartSummary>> {
        named(holding_labels(plan), |j| self.part(Extra::HoldingPnl(j)))
    }

    fn by_hedge(&self, plan: &Plan) -> Option<Named<HedgeSummary>> {
        let holdings = holding_labels(plan);
        let numbers = (1..=plan.hedges.len()).map(|number| number.to_string());
        named(numbers.collect(), |h| {
            let hedge = &plan.hedges[h];
            Some(HedgeSummary {
                contract: plan.market.contracts[hedge.contract].name.clone(),
                account: plan.accounts[hedge.account].name.clone(),
                covers: holdings[hedge.covers].clone(),
                pnl: self.part(Extra::HedgePnl(h))?,
            })
        })
    }

    fn by_account(&self, plan: &Plan, sums: &[ColumnSums]) -> Option<Named<AccountSummary>> {
        let names = plan.accounts.iter().map(|account| account.name.clone());
        named(names.collect(), |a| {
            let liquidated = self.layout().index(Extra::AccountLiquidated(a))?;
            Some(AccountSummary {
                venue: plan.accounts[a].venue.clone(),
                liquidation: OnlyProbability {
                    probability: sums[liquidated].probability_positive(),
                },
                peak: self.amount(Extra::AccountPeakCollateral(a))?,
                pnl: self
                    .hedges_in(plan, a)
                    .map(|columns| self.part_of(&columns)),
            })
        })
    }

    /// Columns of the P&L of an account's hedges; `None` where results by hedge are not stored.
    fn hedges_in(&self, plan: &Plan, account: usize) -> Option<Vec<usize>> {
        self.layout().index(Extra::HedgePnl(0))?;
        let hedges = plan.hedges.iter().enumerate();
        let columns = hedges
            .filter(|(_, hedge)| hedge.account == account)
            .filter_map(|(h, _)| self.layout().index(Extra::HedgePnl(h)));
        Some(columns.collect())
    }

    fn exposure(&self, plan: &Plan) -> Option<Named<Named<ExposureSummary>>> {
        let venues = venues(plan).into_iter().map(str::to_owned).collect();
        named(venues, |venue| {
            named(date_labels(plan), |date| {
                let found = self.amount(Extra::Exposure { venue, date })?;
                Some(ExposureSummary {
                    day: day_of(plan, date),
                    mean: found.mean,
                    percentiles: found.percentiles,
                })
            })
        })
    }

    fn interim(&self, plan: &Plan) -> Option<Named<InterimSummary>> {
        named(date_labels(plan), |date| {
            Some(InterimSummary {
                day: day_of(plan, date),
                hedged: self.part(Extra::InterimHedged(date))?,
                unhedged: self.part(Extra::InterimUnhedged(date))?,
            })
        })
    }
}

/// An entry for each name, in their order; `None` without names, or where one of them has nothing stored.
fn named<T: Send>(
    names: Vec<String>,
    entry: impl Fn(usize) -> Option<T> + Sync,
) -> Option<Named<T>> {
    if names.is_empty() {
        return None;
    }
    let entries: Option<Vec<(String, T)>> = names
        .into_par_iter()
        .enumerate()
        .map(|(index, name)| Some((name, entry(index)?)))
        .collect();
    entries.map(Named)
}

fn day_of(plan: &Plan, date: usize) -> f64 {
    f64::from(plan.report.date_steps[date]) * plan.simulation.step_days
}

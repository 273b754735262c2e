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

#[cfg(test)]
mod tests {
    use crate::outcome::column::Column;
    use crate::stats::estimate::Estimate;
    use crate::stats::limits::known_path;
    use crate::stats::summarise::{Detail, RunInfo, summarise, template};
    use crate::stats::summary::Summary;
    use crate::stats::synthetic::{general_plan, general_table, plan, table};

    const PATHS: usize = 20_000;

    fn general(weights: Option<Vec<f64>>) -> Summary {
        let mut table = general_table(PATHS);
        if let Some(weights) = weights {
            table.set_weights(weights);
        }
        let plan = general_plan(PATHS as u64);
        summarise(&table, &plan, Detail::Everything, &RunInfo::default())
    }

    /// The mean of a linear function `at(u)` of a uniform draw, within 4.892 standard errors (false alarm: 1 in 10^6), and its
    /// standard error, `|slope| / sqrt(12 n)`, within 5 %.
    fn check_mean(found: &Estimate, at: impl Fn(f64) -> f64) {
        let truth = at(0.5);
        let std_error = (at(1.0) - at(0.0)).abs() / (12.0 * PATHS as f64).sqrt();
        let value = found.value.unwrap();
        assert!(
            (value - truth).abs() <= 4.892 * std_error,
            "{value} {truth}"
        );
        assert!((found.std_error.unwrap() - std_error).abs() <= 0.05 * std_error);
        let [lower, upper] = found.ci95.unwrap();
        assert!(lower <= value && value <= upper);
    }

    #[test]
    fn means_and_their_errors_are_those_of_the_columns() {
        let summary = general(None);
        let costs = summary.costs.as_ref().unwrap();
        assert_eq!(costs.entry.mean, Estimate::exact(100e3));
        check_mean(&costs.rebalancing.mean, |u| 10e3 * u);
        check_mean(&costs.roll.mean, |u| 40e3 * u);
        check_mean(&costs.exit.mean, |u| 80e3 + 20e3 * u);
        check_mean(&costs.total.mean, |u| 180e3 + 70e3 * u);
        let carry = summary.carry.as_ref().unwrap();
        check_mean(&carry.earned.mean, |u| 1e6 + 0.5e6 * u);
        check_mean(&carry.curve.mean, |u| 0.4e6 * (u - 0.5));
        assert_eq!(carry.roll_cost, costs.roll);
        let holdings = summary.by_holding.as_ref().unwrap();
        check_mean(&holdings.get("BTC").unwrap().mean, |u| 80e6 * (u - 0.5));
        let hedge = summary.by_hedge.as_ref().unwrap().get("2").unwrap();
        check_mean(&hedge.pnl.mean, |u| -60e6 * (u - 0.5));
        let words = [&hedge.contract, &hedge.account, &hedge.covers];
        assert_eq!(words, ["btc-quarter", "coin", "BTC"]);
        // Of a uniform distribution: a standard deviation of 60 / sqrt(12) million; the mean of its worst 5 % is 0.475 of the
        // width from the middle, with a standard error of 60e6 sqrt(t (1/3 - t/4)) at t = 0.05 over sqrt(n): 4.892 of them.
        let root_paths = (PATHS as f64).sqrt();
        let std_dev = hedge.pnl.std_dev.value.unwrap();
        assert!((std_dev - 60e6 / 12f64.sqrt()).abs() < 4.892 * 60e6 * 0.13 / root_paths);
        let es95 = hedge.pnl.es95.value.unwrap();
        assert!((es95 - 0.475 * 60e6).abs() < 4.892 * 60e6 * 0.127 / root_paths);
    }

    #[test]
    fn accounts_venues_and_dates_are_told_apart() {
        let summary = general(None);
        let accounts = summary.by_account.as_ref().unwrap();
        for (name, probability, worst) in [("main", 0.25, -120e6), ("coin", 0.125, -60e6)] {
            let account = accounts.get(name).unwrap();
            let found = account.liquidation.probability.value.unwrap();
            let std_error = (probability * (1.0 - probability) / PATHS as f64).sqrt();
            assert!((found - probability).abs() < 4.892 * std_error, "{found}");
            // The hedges in it: one and three of them in the first, two in the other.
            check_mean(&account.pnl.as_ref().unwrap().mean, |u| worst * (u - 0.5));
        }
        assert_eq!(accounts.get("coin").unwrap().venue, "bybit");
        let exposure = summary.exposure.as_ref().unwrap();
        let at = |venue: &str, date: &str| exposure.get(venue).unwrap().get(date).unwrap();
        check_mean(&at("binance", "30d").mean, |u| 10e6 * u);
        check_mean(&at("bybit", "60d").mean, |u| 40e6 * u);
        assert!((at("bybit", "60d").day - 60.0).abs() < 1e-9);
        let interim = summary.interim.as_ref().unwrap().get("60d").unwrap();
        check_mean(&interim.hedged.mean, |u| 10e6 * (u - 0.5));
        check_mean(&interim.unhedged.mean, |u| 60e6 * (u - 0.5));
    }

    #[test]
    fn liquidity_at_risk_by_hand() {
        let summary = general(None);
        let found = &summary.liquidity_at_risk;
        assert_eq!(found.total, summary.collateral.required);
        for (column, largest) in [
            (&found.largest_call_24h, 30e6),
            (&found.largest_call_7d, 60e6),
            (&found.cash_in_transit, 20e6),
        ] {
            let column = column.as_ref().unwrap();
            for (key, p) in [("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)] {
                let estimate = column.percentiles.get(key).unwrap();
                let std_error = largest * (p * (1.0 - p) / PATHS as f64).sqrt();
                assert!(
                    (estimate.value.unwrap() - largest * p).abs() < 4.892 * std_error,
                    "{key}"
                );
                assert!(estimate.ci95.is_some() && estimate.std_error.is_some());
            }
        }
    }

    #[test]
    fn the_identity_holds_with_the_new_components() {
        let summary = general(None);
        for parts in [&summary.attribution.all, &summary.attribution.worst5] {
            let value = |name: &str| parts.get(name).unwrap().value.unwrap();
            let sum: f64 = parts.0[..parts.0.len() - 1]
                .iter()
                .map(|(_, part)| part.value.unwrap())
                .sum();
            assert!((sum - value("hedged_pnl_usd")).abs() < 1e-3);
            assert!(value("roll_usd") < 0.0 && value("options_usd") != 0.0);
            assert!(value("collateral_revaluation_usd") != 0.0);
        }
    }

    #[test]
    fn weights_count() {
        // Half of the paths weigh nothing: what is left are those of a table of the others.
        let weights: Vec<f64> = (0..PATHS).map(|path| f64::from(path % 2 == 0)).collect();
        let (all, half) = (general(None), general(Some(weights)));
        let mean = |summary: &Summary| {
            summary
                .by_hedge
                .as_ref()
                .unwrap()
                .get("1")
                .unwrap()
                .pnl
                .mean
        };
        let (of_all, of_half) = (mean(&all), mean(&half));
        assert!(of_all.value != of_half.value);
        let ratio = of_half.std_error.unwrap() / of_all.std_error.unwrap();
        assert!((ratio - 2f64.sqrt()).abs() < 0.05, "{ratio}");
        let probability = |summary: &Summary| {
            let account = summary.by_account.as_ref().unwrap().get("main").unwrap();
            account.liquidation.probability
        };
        let [lower, upper] = probability(&half).ci95.unwrap();
        let [inner_lower, inner_upper] = probability(&all).ci95.unwrap();
        let ratio = (upper - lower) / (inner_upper - inner_lower);
        assert!((ratio - 2f64.sqrt()).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn limits_can_name_all_of_it_and_a_plain_plan_has_none_of_it() {
        let values = template(&general_plan(1));
        let paths = [
            "liquidity_at_risk.largest_call_24h.percentiles.p99",
            "liquidity_at_risk.cash_in_transit.mean",
            "costs.total.mean",
            "costs.rebalancing.percentiles.p95",
            "carry.earned.mean",
            "carry.curve.percentiles.p5",
            "carry.roll_cost.mean",
            "by_holding.BTC.es95",
            "by_hedge.3.percentiles.p0.5",
            "by_account.coin.liquidation.probability",
            "by_account.main.peak.percentiles.p99.9",
            "by_account.main.pnl.std_dev",
            "exposure.bybit.60d.percentiles.p99",
            "interim.30d.hedged.es95",
        ];
        let plain = template(&plan(1, vec![]));
        for path in paths {
            assert_eq!(known_path(&values, path), Ok(()), "{path}");
            assert!(known_path(&plain, path).is_err(), "{path}");
        }
        let total = "liquidity_at_risk.total.percentiles.p99";
        assert_eq!(known_path(&plain, total), Ok(()));
        let summary = summarise(
            &table(500),
            &plan(500, vec![]),
            Detail::Everything,
            &RunInfo::default(),
        );
        let text = serde_json::to_string(&summary).unwrap();
        for key in [
            "costs",
            "carry",
            "by_holding",
            "by_hedge",
            "by_account",
            "exposure",
            "interim",
        ] {
            assert!(!text.contains(&format!("\"{key}\"")), "{key}");
        }
    }

    #[test]
    fn a_price_per_unit_that_is_undefined_stays_so() {
        let mut table = general_table(500);
        table
            .column_mut(Column::EffectivePrice as usize)
            .fill(f64::NAN);
        let plan = general_plan(500);
        let summary = summarise(&table, &plan, Detail::Everything, &RunInfo::default());
        let undefined = Estimate::UNDEFINED;
        assert_eq!(summary.effective_price.mean, undefined);
        assert_eq!(
            summary.effective_price.percentiles.get("p50"),
            Some(&undefined)
        );
        assert_eq!(summary.effective_price_below[0].hedged, undefined);
    }

    #[test]
    fn threads_change_no_bit() {
        let text = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| serde_json::to_string(&general(None)).unwrap())
        };
        assert_eq!(text(1), text(5));
    }
}

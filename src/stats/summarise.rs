//! From the outcome table to the summary.

use crate::outcome::column::Column;
use crate::outcome::layout::Layout;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::{LimitPlan, Plan};
use crate::stats::breakdown::Breakdown;
use crate::stats::estimate::Estimate;
use crate::stats::level::{ALL_LEVELS, Level, REPORT_LEVELS};
use crate::stats::limits::{judge, resolve};
use crate::stats::moments::column_sums;
use crate::stats::pair::Pair;
use crate::stats::possible::Possible;
use crate::stats::singles::Singles;
use crate::stats::summary::{
    BankruptcyLossSummary, CollateralSummary, EffectivePriceSummary, EventSummary, FORMAT,
    LiquidationSummary, OnlyMean, OnlyPercentiles, Summary, TopUpSummary, UnmetCallSummary,
};
use crate::stats::viewed::ViewsSummary;

/// How much is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What the terminal and Markdown reports show; everything, where a limit names a value that they do not show.
    Report,
    /// Every key of `summary.json`.
    Everything,
}

impl Detail {
    /// This much, or everything if one of the plan's limits needs it.
    pub(super) fn for_limits_of(self, plan: &Plan) -> Self {
        let limits = &plan.report.limits;
        if self == Self::Everything || limits.is_empty() {
            return self;
        }
        let (shown, whole) = (template_of(plan, self), template(plan));
        let is_shown =
            |limit: &LimitPlan| resolve(&shown, &limit.path) == resolve(&whole, &limit.path);
        if limits.iter().all(is_shown) {
            self
        } else {
            Self::Everything
        }
    }
}

/// What the summary repeats about the run and cannot know from its outcomes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunInfo {
    /// Version of the program.
    pub version: String,
    /// Wall time of the run so far, seconds.
    pub run_seconds: Option<f64>,
    /// Wall time of the simulation alone, seconds.
    pub simulation_seconds: Option<f64>,
    /// The scenario as run, TOML.
    pub scenario: String,
}

/// Estimates everything about a run and judges the plan's limits, by the weights that the table has. The views of a plan are not
/// looked at: see [`crate::stats::viewed::summarise_under_views`].
///
/// The result does not depend on the number of threads.
pub fn summarise(table: &OutcomeTable, plan: &Plan, detail: Detail, run: &RunInfo) -> Summary {
    let summary = estimate(table, plan, detail.for_limits_of(plan), run);
    judged(summary, &plan.report.limits)
}

/// A summary with what became of these limits.
pub(super) fn judged<'l>(
    mut summary: Summary,
    limits: impl IntoIterator<Item = &'l LimitPlan>,
) -> Summary {
    let mut limits = limits.into_iter().peekable();
    if limits.peek().is_some() {
        // A summary is plain data, so it always converts; a limit on a null value cannot be told.
        let values = serde_json::to_value(&summary).unwrap_or_default();
        summary.limits = limits.map(|limit| judge(&values, limit)).collect();
    }
    summary
}

/// A summary of nothing with every key of this plan's summary, to check the paths of limits before a simulation.
pub fn template(plan: &Plan) -> serde_json::Value {
    template_of(plan, Detail::Everything)
}

fn template_of(plan: &Plan, detail: Detail) -> serde_json::Value {
    let table = OutcomeTable::new(1, Layout::of(plan));
    let mut summary = estimate(&table, plan, detail, &RunInfo::default());
    if !plan.report.views.is_empty() {
        summary.views = Some(ViewsSummary::template(plan, summary.clone()));
    }
    serde_json::to_value(&summary).unwrap_or_default()
}

/// All estimates, limits not judged.
pub(super) fn estimate(
    table: &OutcomeTable,
    plan: &Plan,
    detail: Detail,
    run: &RunInfo,
) -> Summary {
    let scope = match detail {
        Detail::Report => Scope {
            levels: &REPORT_LEVELS,
            unshown: &[],
        },
        Detail::Everything => Scope {
            levels: &ALL_LEVELS,
            unshown: &ALL_LEVELS,
        },
    };
    let levels = scope.levels;
    let possible = Possible::of(plan);
    let sums = column_sums(table);
    let pair = Pair::of(table, plan, &sums, levels, possible);
    let singles = Singles::of(table, plan, &sums, scope, possible);
    let parts = Breakdown::of(table, plan, &sums, levels, &singles.required);
    let mean = |column: Column| sums[column as usize].mean();
    let event = |column: Column, possible: bool| {
        if possible {
            sums[column as usize].probability_positive()
        } else {
            Estimate::exact(0.0)
        }
    };
    Summary {
        format: FORMAT,
        version: run.version.clone(),
        title: plan.simulation.title.clone(),
        paths: table.paths() as u64,
        seed: plan.simulation.seed,
        run_seconds: run.run_seconds,
        simulation_seconds: run.simulation_seconds,
        unhedged: pair.unhedged,
        hedged: pair.hedged,
        hedge_effectiveness: pair.effectiveness,
        worse_than_unhedged: pair.worse_than_unhedged,
        liquidation: LiquidationSummary {
            probability: event(Column::Liquidations, possible.hedge),
            mean_count: mean(Column::Liquidations),
            mean_day: singles.mean_day,
            day: OnlyPercentiles {
                percentiles: singles.day.gains(levels),
            },
            hedged_given: OnlyMean {
                mean: pair.hedged_given_liquidation,
            },
        },
        margin_call: EventSummary {
            probability: event(Column::MarginCalls, possible.call),
            mean_count: mean(Column::MarginCalls),
        },
        unmet_call: UnmetCallSummary {
            probability: event(Column::UnmetCalls, possible.top_up),
            mean_usd: mean(Column::UnmetCall),
        },
        cut_trades: EventSummary {
            probability: event(Column::CutTrades, possible.cut),
            mean_count: mean(Column::CutTrades),
        },
        collateral: CollateralSummary {
            peak: singles.peak,
            required: singles.required,
            top_up: TopUpSummary {
                probability: event(Column::TopUp, possible.top_up || possible.reentry),
                mean: singles.top_up.mean,
                percentiles: singles.top_up.percentiles,
            },
        },
        min_equity: singles.min_equity,
        basis_risk: singles.basis_risk,
        attribution: pair.attribution,
        drawdown: singles.drawdown,
        effective_price: EffectivePriceSummary {
            mean: singles.effective_price.mean,
            unhedged_mean: singles.unhedged_price,
            percentiles: singles.effective_price.percentiles,
        },
        bankruptcy_loss: BankruptcyLossSummary {
            mean: mean(Column::BankruptcyLoss),
            probability: event(Column::BankruptcyLoss, possible.hedge),
        },
        thresholds: pair.thresholds,
        effective_price_below: singles.effective_price_below,
        liquidity_at_risk: parts.liquidity_at_risk,
        costs: parts.costs,
        carry: parts.carry,
        by_holding: parts.by_holding,
        by_hedge: parts.by_hedge,
        by_account: parts.by_account,
        exposure: parts.exposure,
        interim: parts.interim,
        views: None,
        limits: Vec::new(),
        notes: plan.report.notes.clone(),
        scenario: run.scenario.clone(),
    }
}

/// Levels of the percentiles that reports show, and of those that only `summary.json` does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) levels: &'static [Level],
    pub(super) unshown: &'static [Level],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::types::Comparison;
    use crate::stats::limits::{LimitStatus, known_path};
    use crate::stats::moments::spread;
    use crate::stats::quantile::Percentiles;
    use crate::stats::sample::Sample;
    use crate::stats::synthetic::{plan, table};

    fn everything(table: &OutcomeTable, plan: &Plan) -> Summary {
        summarise(table, plan, Detail::Everything, &RunInfo::default())
    }

    #[test]
    fn the_keys_that_tools_rely_on() {
        let values = template(&plan(1, vec![]));
        for path in [
            "paths",
            "seed",
            "format",
            "unhedged.mean",
            "hedged.std_dev",
            "hedged.var95",
            "hedged.var99",
            "hedged.es95",
            "hedged.es99",
            "hedged.percentiles.p0.1",
            "unhedged.percentiles.p99.9",
            "hedge_effectiveness.variance",
            "hedge_effectiveness.es95",
            "liquidation.probability",
            "liquidation.mean_day",
            "liquidation.day.percentiles.p50",
            "liquidation.hedged_given.mean",
            "margin_call.probability",
            "unmet_call.probability",
            "collateral.peak.percentiles.p95",
            "collateral.required.percentiles.p99.9",
            "basis_risk.mean",
            "basis_risk.std_dev",
            "basis_risk.loss_probability",
            "basis_risk.es95",
            "attribution.all.tracking_usd",
            "attribution.worst5.liquidation_gap_usd",
            "worse_than_unhedged",
            "drawdown.percentiles.p50",
            "effective_price.mean",
            "bankruptcy_loss.mean",
            "bankruptcy_loss.probability",
            "thresholds.1.hedged",
            "effective_price_below.0.unhedged",
        ] {
            assert_eq!(known_path(&values, path), Ok(()), "{path}");
        }
        assert_eq!(values["limits"], serde_json::json!([]));
        assert!(values["scenario"].is_string() && values["notes"].is_array());
    }

    #[test]
    fn agrees_with_the_table() {
        let (table, plan) = (table(20_000), plan(20_000, vec![]));
        let summary = everything(&table, &plan);
        let liquidated = table
            .values(Column::Liquidations)
            .filter(|count| *count > 0.0)
            .count() as f64;
        assert_eq!(
            summary.liquidation.probability.value,
            Some(liquidated / 20_000.0)
        );
        let given: f64 = table
            .values(Column::HedgedPnl)
            .zip(table.values(Column::Liquidations))
            .filter(|(_, count)| *count > 0.0)
            .map(|(pnl, _)| pnl)
            .sum::<f64>()
            / liquidated;
        assert!((summary.liquidation.hedged_given.mean.value.unwrap() / given - 1.0).abs() < 1e-9);
        let mean = |name: &str| summary.attribution.all.get(name).unwrap().value.unwrap();
        let parts: f64 = summary
            .attribution
            .all
            .0
            .iter()
            .rev()
            .skip(1)
            .map(|(_, part)| part.value.unwrap())
            .sum();
        assert!((parts - mean("hedged_pnl_usd")).abs() < 1e-3);
        assert!(summary.hedged.es95.value >= summary.hedged.var95.value);
        let worst = summary
            .attribution
            .worst5
            .get("hedged_pnl_usd")
            .unwrap()
            .value
            .unwrap();
        assert!((worst + summary.hedged.es95.value.unwrap()).abs() < 1e-3);
        // Effective prices differ by P&L over quantity; the unhedged one is spot.
        let spot = spread(&Sample::of_column(&table, Column::FirstTerminalSpot))
            .mean
            .value
            .unwrap();
        assert!((summary.effective_price.unhedged_mean.value.unwrap() - spot).abs() < 1e-8);
        assert!(summary.thresholds[0].hedged.value < summary.thresholds[1].hedged.value);
        // The basis here is normal with deviation 150,000: its mean is 0 within 4.892 s.e.
        let basis = &summary.basis_risk;
        assert!(basis.mean.value.unwrap().abs() < 4.892 * 150_000.0 / 20_000f64.sqrt());
        assert_eq!(basis.loss_percentiles.get("p25").unwrap().value, Some(0.0));
        assert_eq!(
            basis
                .loss_percentiles
                .get("p95")
                .unwrap()
                .value
                .map(|x| x > 200_000.0),
            Some(true)
        );
    }

    #[test]
    fn what_cannot_happen_is_zero_and_without_an_event_null() {
        let mut plan = plan(1000, vec![]);
        plan.hedges[0].hedge_ratio = 0.0;
        let mut table = OutcomeTable::new(1000, Layout::plain(vec!["ETH".into()]));
        table
            .column_mut(Column::LiquidationDay as usize)
            .fill(f64::NAN);
        let summary = everything(&table, &plan);
        for impossible in [
            summary.liquidation.probability,
            summary.margin_call.probability,
            summary.unmet_call.probability,
            summary.worse_than_unhedged,
            summary.basis_risk.loss_probability,
            summary.bankruptcy_loss.probability,
        ] {
            assert_eq!(impossible, Estimate::exact(0.0));
        }
        assert_eq!(summary.liquidation.mean_day, Estimate::UNDEFINED);
        assert_eq!(summary.liquidation.hedged_given.mean, Estimate::UNDEFINED);
        assert_eq!(
            summary.liquidation.day.percentiles.get("p50"),
            Some(&Estimate::UNDEFINED)
        );
    }

    #[test]
    fn threads_change_no_bit_and_weights_of_one_nothing() {
        let (mut table, plan) = (table(30_000), plan(30_000, vec![]));
        let text = |table: &OutcomeTable, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| serde_json::to_string(&everything(table, &plan)).unwrap())
        };
        let one = text(&table, 1);
        assert_eq!(one, text(&table, 7));
        let plain = everything(&table, &plan);
        table.set_weights(vec![1.0; 30_000]);
        let weighted = everything(&table, &plan);
        assert_eq!(plain.hedged.percentiles, weighted.hedged.percentiles);
        assert!(
            (plain.hedged.es99.value.unwrap() / weighted.hedged.es99.value.unwrap() - 1.0).abs()
                < 1e-12
        );
        assert_eq!(
            plain.liquidation.probability,
            weighted.liquidation.probability
        );
    }

    #[test]
    fn limits_are_judged_and_get_what_they_name() {
        let limit = |path: &str, comparison, bound| LimitPlan {
            text: path.into(),
            path: path.into(),
            comparison,
            bound,
        };
        let limits = vec![
            limit("liquidation.probability", Comparison::AtMost, 0.3),
            limit("hedged.percentiles.p0.5", Comparison::AtLeast, 0.0),
            limit("liquidation.probability", Comparison::AtMost, 0.2119), // 1 - N(0.8) = 0.21186: inside the interval
        ];
        let summary = summarise(
            &table(20_000),
            &plan(20_000, limits),
            Detail::Report,
            &RunInfo::default(),
        );
        let found: Vec<LimitStatus> = summary.limits.iter().map(|limit| limit.status).collect();
        assert_eq!(
            found,
            [LimitStatus::Kept, LimitStatus::Broken, LimitStatus::Unknown]
        );
    }

    #[test]
    fn a_limit_on_what_no_report_shows_gets_it_and_the_same_numbers() {
        let table = table(20_000);
        let found = |paths: &[&str], detail| {
            let limits = paths.iter().map(|&path| LimitPlan {
                text: path.into(),
                path: path.into(),
                comparison: Comparison::AtLeast,
                bound: 0.0,
            });
            let plan = plan(20_000, limits.collect());
            summarise(&table, &plan, detail, &RunInfo::default())
        };
        let is_whole = |summary: &Summary| summary.hedged.percentiles.get("p0.1").is_some();
        let shown = [
            "liquidation.probability",
            "hedged.percentiles.p1",
            "liquidation.mean_day",
            "paths",
        ];
        assert!(!is_whole(&found(&shown, Detail::Report)));
        for unshown in [
            "hedged.percentiles.p99.5",
            "min_equity.percentiles.p50",
            "effective_price.unhedged_mean",
        ] {
            let paths = [&shown[..], &[unshown]].concat();
            let (asked, whole) = (
                found(&paths, Detail::Report),
                found(&paths, Detail::Everything),
            );
            assert!(is_whole(&asked), "{unshown}");
            assert!(asked.limits[4].ci95.is_some(), "{unshown}");
            assert_eq!(asked.limits, whole.limits);
            assert_eq!(found(&shown, Detail::Report).limits, whole.limits[..4]);
        }
    }

    #[test]
    #[ignore = "a measurement: run by hand with --release --nocapture"]
    fn time_of_a_million_paths() {
        let (table, plan) = (table(1_000_000), plan(1_000_000, vec![]));
        for _ in 0..5 {
            for detail in [Detail::Report, Detail::Everything] {
                let start = std::time::Instant::now();
                let summary = summarise(&table, &plan, detail, &RunInfo::default());
                println!(
                    "{detail:?}: {:?} {:?}",
                    start.elapsed(),
                    summary.hedged.mean.value
                );
            }
        }
        let start = std::time::Instant::now();
        column_sums(&table);
        println!("column sums: {:?}", start.elapsed());
        let start = std::time::Instant::now();
        let sample = Sample::of_column(&table, Column::HedgedPnl);
        println!("gather: {:?}", start.elapsed());
        let start = std::time::Instant::now();
        Percentiles::new(&sample, &ALL_LEVELS, &ALL_LEVELS);
        println!("percentiles: {:?}", start.elapsed());
        let start = std::time::Instant::now();
        spread(&sample);
        println!("spread: {:?}", start.elapsed());
    }
}

//! What the other columns say, one at a time.

use rayon::join;

use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::attribution::WORST5;
use crate::stats::estimate::Estimate;
use crate::stats::level::{ByName, Level};
use crate::stats::moments::{ColumnSums, spread};
use crate::stats::pair::unhedged_prices;
use crate::stats::possible::Possible;
use crate::stats::probability::probability;
use crate::stats::quantile::Percentiles;
use crate::stats::sample::Sample;
use crate::stats::summarise::Scope;
use crate::stats::summary::{BasisRiskSummary, MeanAndPercentiles, ThresholdSummary};
use crate::stats::tail::LossTail;

/// What columns say one at a time.
pub(super) struct Singles {
    pub(super) peak: MeanAndPercentiles,
    pub(super) required: MeanAndPercentiles,
    pub(super) top_up: MeanAndPercentiles,
    pub(super) min_equity: MeanAndPercentiles,
    pub(super) drawdown: MeanAndPercentiles,
    pub(super) effective_price: MeanAndPercentiles,
    pub(super) unhedged_price: Estimate,
    pub(super) effective_price_below: Vec<ThresholdSummary>,
    pub(super) basis_risk: BasisRiskSummary,
    pub(super) mean_day: Estimate,
    pub(super) day: Percentiles,
}

impl Singles {
    pub(super) fn of(
        table: &OutcomeTable,
        plan: &Plan,
        sums: &[ColumnSums],
        Scope { levels, unshown }: Scope,
        possible: Possible,
    ) -> Self {
        let at = |column: Column, levels: &[Level]| {
            let mean = sums[column as usize].mean();
            let sample = || match mean.value {
                // What is undefined on a path has no distribution: a price per unit of several holdings.
                None => Sample::new(Vec::new(), None),
                Some(_) => Sample::of_column(table, column),
            };
            let percentiles = match levels {
                [] => ByName::default(),
                _ => Percentiles::new(&sample(), levels, &[]).gains(levels),
            };
            MeanAndPercentiles { mean, percentiles }
        };
        let of = |column: Column| at(column, levels);
        let collateral = || {
            join(
                || {
                    join(
                        || of(Column::PeakCollateral),
                        || of(Column::RequiredCollateral),
                    )
                },
                || {
                    join(
                        || at(Column::TopUp, unshown),
                        || at(Column::MinEquity, unshown),
                    )
                },
            )
        };
        let wealth = || join(|| of(Column::MaxDrawdown), || of(Column::EffectivePrice));
        let prices = || {
            let below_usd = &plan.report.effective_price_below_usd;
            if unshown.is_empty() && below_usd.is_empty() {
                return (Estimate::UNDEFINED, Vec::new());
            }
            let unhedged = unhedged_prices(table, plan);
            let mean = match &unhedged {
                Some(prices) if !unshown.is_empty() => spread(prices).mean,
                Some(_) | None => Estimate::UNDEFINED,
            };
            (
                mean,
                prices_below(table, sums, unhedged.as_ref(), below_usd),
            )
        };
        let days = || {
            let day = Column::LiquidationDay;
            let days = Sample::of_column_where(table, day, day, |day| !day.is_nan());
            (spread(&days).mean, Percentiles::new(&days, levels, &[]))
        };
        let (
            (((peak, required), (top_up, min_equity)), (mean_day, day)),
            ((basis_risk, (drawdown, effective_price)), (unhedged_price, effective_price_below)),
        ) = join(
            || join(collateral, days),
            || {
                join(
                    || join(|| basis_risk(table, levels, possible), wealth),
                    prices,
                )
            },
        );
        Self {
            peak,
            required,
            top_up,
            min_equity,
            drawdown,
            effective_price,
            unhedged_price,
            effective_price_below,
            basis_risk,
            mean_day,
            day,
        }
    }
}

fn basis_risk(table: &OutcomeTable, levels: &[Level], possible: Possible) -> BasisRiskSummary {
    let columns = [Column::Tracking, Column::FuturesBasis];
    let pnl_usd = Sample::of_columns(table, columns, |[tracking, futures_basis]| {
        tracking + futures_basis
    });
    let mut loss_levels = levels.to_vec();
    loss_levels.push(WORST5);
    let percentiles = Percentiles::new(&pnl_usd, levels, &loss_levels);
    let spread = spread(&pnl_usd);
    BasisRiskSummary {
        mean: spread.mean,
        std_dev: spread.std_dev,
        loss_probability: if possible.hedge {
            probability(&pnl_usd, |x, _| x < 0.0)
        } else {
            Estimate::exact(0.0)
        },
        es95: LossTail::new(&pnl_usd, &percentiles, WORST5).expected_shortfall,
        percentiles: percentiles.gains(levels),
        loss_percentiles: percentiles.losses(levels),
    }
}

fn prices_below(
    table: &OutcomeTable,
    sums: &[ColumnSums],
    unhedged: Option<&Sample>,
    below_usd: &[f64],
) -> Vec<ThresholdSummary> {
    if below_usd.is_empty() {
        return Vec::new();
    }
    let is_defined = sums[Column::EffectivePrice as usize].mean().value.is_some();
    let hedged = is_defined.then(|| Sample::of_column(table, Column::EffectivePrice));
    let below = |sample: Option<&Sample>, usd: f64| {
        sample.map_or(Estimate::UNDEFINED, |sample| {
            probability(sample, |x, _| x < usd)
        })
    };
    let threshold = |&usd: &f64| ThresholdSummary {
        usd,
        hedged: below(hedged.as_ref(), usd),
        unhedged: below(unhedged, usd),
    };
    below_usd.iter().map(threshold).collect()
}

//! What hedged and unhedged P&L say, alone and against each other.

use rayon::join;

use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::attribution::{Attribution, WORST5, WORST5_EDGE, attribution};
use crate::stats::effectiveness::{HedgeEffectiveness, Side, hedge_effectiveness};
use crate::stats::estimate::Estimate;
use crate::stats::level::{LEVEL_99, Level};
use crate::stats::moments::{ColumnSums, Spread, spread};
use crate::stats::possible::Possible;
use crate::stats::probability::probability;
use crate::stats::quantile::Percentiles;
use crate::stats::sample::Sample;
use crate::stats::summary::{PnlSummary, ThresholdSummary};
use crate::stats::tail::LossTail;

/// What hedged and unhedged P&L say, alone and against each other.
pub(super) struct Pair {
    pub(super) hedged: PnlSummary,
    pub(super) unhedged: PnlSummary,
    pub(super) effectiveness: HedgeEffectiveness,
    pub(super) worse_than_unhedged: Estimate,
    pub(super) hedged_given_liquidation: Estimate,
    pub(super) attribution: Attribution,
    pub(super) thresholds: Vec<ThresholdSummary>,
}

impl Pair {
    pub(super) fn of(
        table: &OutcomeTable,
        plan: &Plan,
        sums: &[ColumnSums],
        levels: &[Level],
        possible: Possible,
    ) -> Self {
        let pnl = |column| {
            let sample = Sample::of_column(table, column);
            let percentiles = Percentiles::new(&sample, levels, &[WORST5, WORST5_EDGE, LEVEL_99]);
            let spread = spread(&sample);
            let worst5 = LossTail::new(&sample, &percentiles, WORST5);
            let worst1 = LossTail::new(&sample, &percentiles, LEVEL_99);
            let summary = pnl_summary(&spread, &percentiles, [&worst5, &worst1], levels);
            (sample, percentiles, spread, worst5, summary)
        };
        let (hedged, unhedged) = join(|| pnl(Column::HedgedPnl), || pnl(Column::UnhedgedPnl));
        let (hedged_usd, unhedged_usd) = (&hedged.0, &unhedged.0);
        let sides = (
            Side {
                pnl_usd: hedged_usd,
                spread: &hedged.2,
                worst5: &hedged.3,
            },
            Side {
                pnl_usd: unhedged_usd,
                spread: &unhedged.2,
                worst5: &unhedged.3,
            },
        );
        let against = || {
            let worse_than_unhedged = if possible.hedge {
                let unhedged_usd = unhedged_usd.values();
                probability(hedged_usd, |x, path| x < unhedged_usd[path])
            } else {
                Estimate::exact(0.0)
            };
            let thresholds = plan
                .report
                .thresholds_usd
                .iter()
                .map(|&usd| ThresholdSummary {
                    usd,
                    hedged: probability(hedged_usd, |x, _| x < usd),
                    unhedged: probability(unhedged_usd, |x, _| x < usd),
                });
            (
                hedge_effectiveness(&sides.0, &sides.1),
                worse_than_unhedged,
                thresholds.collect(),
            )
        };
        let given = || {
            let is_liquidated = |count: f64| count > 0.0;
            let hedged = Column::HedgedPnl;
            spread(&Sample::of_column_where(
                table,
                hedged,
                Column::Liquidations,
                is_liquidated,
            ))
            .mean
        };
        let ((effectiveness, worse_than_unhedged, thresholds), (attribution, given)) =
            join(against, || {
                join(|| attribution(table, sums, hedged_usd, &hedged.1), given)
            });
        Self {
            effectiveness,
            worse_than_unhedged,
            hedged_given_liquidation: given,
            attribution,
            thresholds,
            hedged: hedged.4,
            unhedged: unhedged.4,
        }
    }
}

fn pnl_summary(
    spread: &Spread,
    percentiles: &Percentiles,
    [worst5, worst1]: [&LossTail; 2],
    levels: &[Level],
) -> PnlSummary {
    PnlSummary {
        mean: spread.mean,
        std_dev: spread.std_dev,
        var95: percentiles.loss(WORST5),
        var99: percentiles.loss(LEVEL_99),
        es95: worst5.expected_shortfall,
        es99: worst1.expected_shortfall,
        percentiles: percentiles.gains(levels),
    }
}

/// Unhedged proceeds per unit: the hedged ones less the hedge's part; `None` where no single quantity is held.
pub(super) fn unhedged_prices<'a>(table: &'a OutcomeTable, plan: &Plan) -> Option<Sample<'a>> {
    let [holding] = plan.holdings.as_slice() else {
        return None;
    };
    let quantity_base = holding.quantity_base;
    (quantity_base > 0.0 && holding.is_plain()).then(|| {
        let columns = [
            Column::EffectivePrice,
            Column::HedgedPnl,
            Column::UnhedgedPnl,
        ];
        Sample::of_columns(table, columns, |[price, hedged, unhedged]| {
            price - (hedged - unhedged) / quantity_base
        })
    })
}

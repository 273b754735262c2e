//! Percentiles of hedged and unhedged P&L and of each component, as `percentiles.csv` holds them.

use rayon::prelude::*;

use crate::outcome::column::{COMPONENTS, Cell, Column};
use crate::outcome::table::OutcomeTable;
use crate::stats::level::ALL_LEVELS;
use crate::stats::quantile::Percentiles;
use crate::stats::sample::Sample;

/// One row: the column's name and its percentiles at [`ALL_LEVELS`], USD; NaN without paths.
pub type PercentileRow = (&'static str, Vec<f64>);

/// Rows for hedged and unhedged P&L and each component, in this order.
pub fn percentile_table(table: &OutcomeTable) -> Vec<PercentileRow> {
    let mut columns = vec![
        ("hedged_pnl_usd", Cell::Fixed(Column::HedgedPnl)),
        ("unhedged_pnl_usd", Cell::Fixed(Column::UnhedgedPnl)),
    ];
    columns.extend(COMPONENTS);
    columns
        .into_par_iter()
        .map(|(name, cell)| {
            let Some(column) = table.layout().cell(cell) else {
                return (name, vec![0.0; ALL_LEVELS.len()]);
            };
            let found = Percentiles::new(&Sample::of_index(table, column), &ALL_LEVELS, &[]);
            (
                name,
                ALL_LEVELS
                    .iter()
                    .map(|&level| found.gain(level).value.unwrap_or(f64::NAN))
                    .collect(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::layout::Layout;

    #[test]
    fn fourteen_rows_of_thirteen() {
        let mut table = OutcomeTable::new(3, Layout::plain(vec!["ETH".into()]));
        table
            .column_mut(Column::Fees as usize)
            .copy_from_slice(&[-2.0, -1.0, -3.0]);
        let rows = percentile_table(&table);
        assert_eq!(rows.len(), 14);
        assert!(rows.iter().all(|(_, values)| values.len() == 13));
        let fees = &rows.iter().find(|(name, _)| *name == "fees_usd").unwrap().1;
        assert_eq!((fees[0], fees[6], fees[12]), (-3.0, -2.0, -1.0));
    }
}

//! `outcomes.csv`: one row a path, shortest numbers that read back to the same value.

use std::fmt::Write as _;
use std::io::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use thiserror::Error;

use crate::outcome::column::{Cell, Column, Extra};
use crate::outcome::layout::Layout;
use crate::outcome::table::OutcomeTable;

/// Paths formatted at a time by one thread.
const CHUNK: usize = 1024;

/// Why writing stopped.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// The file would not take it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Where the value of a file's column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Path,
    Weight,
    /// Whether there was a liquidation, 1 or 0.
    IsLiquidated,
    /// 0 where the plan does not store it.
    Stored(Cell),
}

const fn fixed(column: Column) -> Source {
    Source::Stored(Cell::Fixed(column))
}

const fn extra(extra: Extra) -> Source {
    Source::Stored(Cell::Extra(extra))
}

/// The file's columns before the terminal spots, in their order. The other extras follow those in the order of their storage.
const COLUMNS: [(&str, Source); 31] = [
    ("path", Source::Path),
    ("weight", Source::Weight),
    ("unhedged_pnl_usd", fixed(Column::UnhedgedPnl)),
    ("hedged_pnl_usd", fixed(Column::HedgedPnl)),
    ("ideal_offset_usd", fixed(Column::IdealOffset)),
    ("tracking_usd", fixed(Column::Tracking)),
    ("futures_basis_usd", fixed(Column::FuturesBasis)),
    ("funding_usd", fixed(Column::Funding)),
    ("roll_usd", extra(Extra::Roll)),
    ("options_usd", extra(Extra::Options)),
    ("fees_usd", fixed(Column::Fees)),
    ("slippage_usd", fixed(Column::Slippage)),
    ("liquidation_usd", fixed(Column::Liquidation)),
    ("liquidation_gap_usd", fixed(Column::LiquidationGap)),
    ("financing_usd", fixed(Column::Financing)),
    (
        "collateral_revaluation_usd",
        extra(Extra::CollateralRevaluation),
    ),
    ("bankruptcy_loss_usd", fixed(Column::BankruptcyLoss)),
    ("liquidated", Source::IsLiquidated),
    ("liquidation_day", fixed(Column::LiquidationDay)),
    ("liquidations", fixed(Column::Liquidations)),
    ("margin_calls", fixed(Column::MarginCalls)),
    ("unmet_calls", fixed(Column::UnmetCalls)),
    ("unmet_call_usd", fixed(Column::UnmetCall)),
    ("cut_trades", fixed(Column::CutTrades)),
    ("top_up_usd", fixed(Column::TopUp)),
    ("peak_collateral_usd", fixed(Column::PeakCollateral)),
    ("required_collateral_usd", fixed(Column::RequiredCollateral)),
    ("min_equity_usd", fixed(Column::MinEquity)),
    ("max_margin_ratio", fixed(Column::MaxMarginRatio)),
    ("max_drawdown_usd", fixed(Column::MaxDrawdown)),
    ("effective_price_usd", fixed(Column::EffectivePrice)),
];

/// Where a value stands once the table's layout is known.
#[derive(Debug, Clone, Copy)]
enum Place {
    Path,
    Weight,
    IsLiquidated,
    Zero,
    At(usize),
}

impl Place {
    fn value(self, table: &OutcomeTable, path: usize) -> f64 {
        match self {
            Self::Path => path as f64,
            Self::Weight => table.weights().map_or(1.0, |weights| weights[path]),
            Self::IsLiquidated => {
                if table.value(path, Column::Liquidations as usize) > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::Zero => 0.0,
            Self::At(column) => table.value(path, column),
        }
    }
}

/// Extras beyond those with a place among [`COLUMNS`], which the file of every plan has.
fn further(layout: &Layout) -> impl Iterator<Item = &(Extra, String)> {
    let has_place = |extra: Extra| {
        COLUMNS
            .iter()
            .any(|(_, source)| *source == self::extra(extra))
    };
    let extras = layout.extras().iter();
    extras.filter(move |(extra, _)| !has_place(*extra))
}

fn places(layout: &Layout) -> Vec<Place> {
    let fixed = COLUMNS.into_iter().map(|(_, source)| source);
    let further = further(layout).map(|(stored, _)| extra(*stored));
    fixed
        .chain(further)
        .map(|source| match source {
            Source::Path => Place::Path,
            Source::Weight => Place::Weight,
            Source::IsLiquidated => Place::IsLiquidated,
            Source::Stored(cell) => layout.cell(cell).map_or(Place::Zero, Place::At),
        })
        .collect()
}

/// Names of the columns.
pub fn header(layout: &Layout) -> Vec<String> {
    let fixed = COLUMNS.into_iter().map(|(name, _)| name.to_owned());
    fixed
        .chain(further(layout).map(|(_, name)| name.clone()))
        .collect()
}

/// The fields of one path, as in the file.
pub fn row(table: &OutcomeTable, path: usize) -> Vec<String> {
    let field = |place: Place| {
        let mut text = String::new();
        push_number(&mut text, place.value(table, path));
        text
    };
    places(table.layout()).into_iter().map(field).collect()
}

/// Writes the header and all rows, formatted in parallel and written in the order of the paths.
///
/// # Errors
/// What the writer fails with, or [`WriteError::Interrupted`] soon after the flag is set.
pub fn write_outcomes(
    table: &OutcomeTable,
    writer: &mut impl Write,
    interrupted: &AtomicBool,
) -> Result<(), WriteError> {
    let names: Vec<String> = header(table.layout())
        .iter()
        .map(|name| quoted(name))
        .collect();
    writeln!(writer, "{}", names.join(","))?;
    let batch = CHUNK * rayon::current_num_threads() * 4;
    for start in (0..table.paths()).step_by(batch) {
        if interrupted.load(Ordering::Relaxed) {
            return Err(WriteError::Interrupted);
        }
        let end = (start + batch).min(table.paths());
        let chunks: Vec<usize> = (start..end).step_by(CHUNK).collect();
        let texts: Vec<String> = chunks
            .into_par_iter()
            .map(|first| rows(table, first..(first + CHUNK).min(end)))
            .collect();
        for text in texts {
            writer.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

fn rows(table: &OutcomeTable, paths: Range<usize>) -> String {
    let places = places(table.layout());
    let mut text = String::with_capacity(paths.len() * 256);
    for path in paths {
        for (index, place) in places.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            push_number(&mut text, place.value(table, path));
        }
        text.push('\n');
    }
    text
}

/// A name as a CSV field.
fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

/// Appends the shortest text that reads back to the same number; nothing for NaN, `0` for either zero.
pub fn push_number(text: &mut String, number: f64) {
    if number.is_nan() {
        return;
    }
    let size = number.abs();
    // Writing to a string cannot fail.
    let _ = if size < 1e15 && number.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e15")]
        let whole = number as i64;
        write!(text, "{whole}")
    } else if (1e-5..1e16).contains(&size) {
        write!(text, "{number}")
    } else {
        write!(text, "{number:e}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;

    fn table(paths: usize) -> OutcomeTable {
        let mut table = OutcomeTable::new(paths, Layout::plain(vec!["ETH".into(), "A,B".into()]));
        for column in 0..table.columns() {
            for (path, value) in table.column_mut(column).iter_mut().enumerate() {
                *value = ((column * paths + path) as f64).sin() * 1e7;
            }
        }
        table
            .column_mut(Column::LiquidationDay as usize)
            .fill(f64::NAN);
        table.column_mut(Column::Fees as usize).fill(-0.0);
        table
    }

    #[test]
    fn numbers_read_back_to_the_same_value() {
        for x in [
            0.1,
            1.0 / 3.0,
            -175e6,
            1e-9,
            123_456_789.125,
            1e300,
            5e-324,
            1e15 + 0.5,
            9_007_199_254_740_993.0,
        ] {
            let mut text = String::new();
            push_number(&mut text, x);
            assert_eq!(
                text.parse::<f64>().unwrap().to_bits(),
                x.to_bits(),
                "{text}"
            );
        }
        let mut text = String::new();
        push_number(&mut text, -0.0);
        push_number(&mut text, f64::NAN);
        assert_eq!(text, "0");
    }

    #[test]
    fn header_is_the_documented_one() {
        assert_eq!(
            header(&Layout::plain(vec!["ETH".into()])).join(", "),
            "path, weight, unhedged_pnl_usd, hedged_pnl_usd, ideal_offset_usd, tracking_usd, futures_basis_usd, \
             funding_usd, roll_usd, options_usd, fees_usd, slippage_usd, liquidation_usd, liquidation_gap_usd, \
             financing_usd, collateral_revaluation_usd, bankruptcy_loss_usd, liquidated, liquidation_day, liquidations, \
             margin_calls, unmet_calls, unmet_call_usd, cut_trades, top_up_usd, peak_collateral_usd, \
             required_collateral_usd, min_equity_usd, max_margin_ratio, max_drawdown_usd, effective_price_usd, \
             terminal_spot_ETH"
        );
    }

    #[test]
    fn extras_stand_in_their_places() {
        let mut plan = eth_treasury();
        plan.report.liquidity_at_risk = true;
        let layout = Layout::of(&plan);
        let mut table = OutcomeTable::new(1, layout.clone());
        for (at, (extra, _)) in layout.extras().iter().enumerate() {
            let index = layout.index(*extra).unwrap();
            table.column_mut(index)[0] = 1.0 + at as f64;
        }
        let (names, fields) = (header(&layout), row(&table, 0));
        assert_eq!(names.len(), fields.len());
        let field = |name: &str| &fields[names.iter().position(|found| found == name).unwrap()];
        for (at, (_, name)) in layout.extras().iter().enumerate() {
            assert_eq!(field(name), &(1 + at).to_string(), "{name}");
        }
        let plain = header(&Layout::plain(vec!["ETH".into()]));
        assert_eq!(names[..plain.len()], plain);
        assert_eq!(
            names[plain.len()..].join(" "),
            "entry_cost_usd rebalancing_cost_usd roll_cost_usd exit_cost_usd \
             largest_call_24h_usd largest_call_7d_usd cash_in_transit_usd"
        );
    }

    #[test]
    fn the_file_holds_each_row_in_order() {
        let table = table(3 * CHUNK + 5);
        let mut bytes = Vec::new();
        write_outcomes(&table, &mut bytes, &AtomicBool::new(false)).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        assert_eq!(
            reader.headers().unwrap().iter().collect::<Vec<_>>(),
            header(table.layout())
        );
        let mut count = 0;
        for (path, record) in reader.records().enumerate() {
            let record = record.unwrap();
            if path % 997 == 0 {
                assert_eq!(record.iter().collect::<Vec<_>>(), row(&table, path));
                assert_eq!(&record[0], path.to_string());
                assert_eq!((&record[10], &record[18]), ("0", ""));
                let stored = table.value(path, Column::HedgedPnl as usize);
                assert_eq!(
                    record[3].parse::<f64>().unwrap().to_bits(),
                    stored.to_bits()
                );
            }
            count += 1;
        }
        assert_eq!(count, table.paths());
    }

    #[test]
    fn stops_when_interrupted() {
        let found = write_outcomes(&table(10), &mut Vec::new(), &AtomicBool::new(true));
        assert!(matches!(found, Err(WriteError::Interrupted)));
    }

    #[test]
    #[ignore = "a measurement: run by hand with --release --nocapture"]
    fn time_of_a_million_rows() {
        let table = table(1_000_000);
        let start = std::time::Instant::now();
        write_outcomes(&table, &mut std::io::sink(), &AtomicBool::new(false)).unwrap();
        println!("{:?}", start.elapsed());
    }
}

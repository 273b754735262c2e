//! `ratio.beta_from_history`: prices of two columns of a CSV file, and how their beta is taken.

use crate::scenario::calendar::Moment;
use crate::scenario::checked::word;
use crate::scenario::files::CsvTable;
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::reader::Reader;
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{Span, text};

/// Where a beta comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Where it stands, for messages about it as a whole.
    pub given: Given<()>,
    /// A CSV file with a header, its path relative to the scenario's. Example: `file = "prices.csv"`.
    pub file: Given<String>,
    /// Its column with the prices of the held asset. Optional: named like the asset.
    pub asset: Option<Given<String>>,
    /// Its column with the prices of the hedge's underlying. Optional: named like that asset.
    pub hedge: Option<Given<String>>,
    /// How the slope is taken: `"ols"` or `"ewma"`. Optional: `"ols"`.
    pub method: Option<Given<BetaMethod>>,
    /// Age at which a return counts half, for `"ewma"` only. Example: `half_life = "30d"`.
    pub half_life: Option<Given<Span>>,
    /// Time from one price to the next. Optional: `"1d"`.
    pub interval: Option<Given<Span>>,
    /// The file's columns.
    pub prices: Prices,
}

/// How the slope is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetaMethod {
    /// Least squares, all returns alike.
    Ols,
    /// Least squares with weights that halve with every half-life.
    Ewma,
}

/// The columns of a file of prices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prices {
    /// Time of each line, ascending; `None`: the file has no column of times.
    pub times: Option<Vec<Moment>>,
    /// The other columns.
    pub columns: Vec<PriceColumn>,
}

/// A column of prices.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceColumn {
    /// Its name.
    pub name: String,
    /// A price a line, USD per coin; `None` where the cell is empty.
    pub prices_usd: Vec<Option<f64>>,
    /// The first cell that is neither a price nor empty.
    pub wrong: Option<Given<String>>,
}

/// Names of a column of times.
const TIMES: [&str; 4] = ["timestamp", "time", "date", "datetime"];

impl History {
    /// Reads the table and the file that it names.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let given = table.given();
        let file = table.required("file", text);
        let asset = table.optional("asset", text);
        let hedge = table.optional("hedge", text);
        let words = &[("ols", BetaMethod::Ols), ("ewma", BetaMethod::Ewma)];
        let method = table.optional("method", word(words, &[]));
        let half_life = table.optional("half_life", positive_span);
        let interval = table.optional("interval", positive_span);
        let files = table.files();
        let prices = file.as_ref().and_then(|file| {
            let read = files.table(file).and_then(|table| Prices::read(&table));
            read.map_err(|problem| table.push(problem)).ok()
        });
        table.finish();
        Some(Self {
            given,
            file: file?,
            asset: asset?,
            hedge: hedge?,
            method: method?,
            half_life: half_life?,
            interval: interval?,
            prices: prices?,
        })
    }
}

impl Prices {
    /// Reads a table: a column of times if there is one, every other column as prices where it holds numbers.
    ///
    /// # Errors
    /// If a time is no time, or does not ascend.
    pub fn read(table: &CsvTable) -> Result<Self, Problem> {
        let column_of_times = table
            .columns()
            .position(|name| TIMES.contains(&name.to_ascii_lowercase().as_str()));
        let times = column_of_times
            .map(|column| read_times(table, column))
            .transpose()?;
        let columns = table
            .columns()
            .enumerate()
            .filter(|(column, _)| Some(*column) != column_of_times)
            .map(|(column, name)| PriceColumn::read(table, column, name))
            .collect();
        Ok(Self { times, columns })
    }
}

impl PriceColumn {
    fn read(table: &CsvTable, column: usize, name: &str) -> Self {
        let mut wrong = None;
        let prices_usd = (0..table.len())
            .map(|record| {
                let text = table.text(record, column);
                let price = text
                    .parse()
                    .ok()
                    .filter(|price: &f64| price.is_finite() && *price > 0.0);
                if price.is_none() && wrong.is_none() && !text.is_empty() {
                    wrong = Some(table.given(record, column));
                }
                price
            })
            .collect();
        Self {
            name: name.to_owned(),
            prices_usd,
            wrong,
        }
    }
}

fn read_times(table: &CsvTable, column: usize) -> Result<Vec<Moment>, Problem> {
    let mut times: Vec<Moment> = Vec::with_capacity(table.len());
    for record in 0..table.len() {
        let Some(time) = Moment::from_text(table.text(record, column)) else {
            return Err(table.refusal(record, column, TIME, "times are UTC"));
        };
        if times.last().is_some_and(|before| time <= *before) {
            let allowed = "a time after that of the line before";
            return Err(table.refusal(record, column, allowed, ""));
        }
        times.push(time);
    }
    Ok(times)
}

const TIME: &str = "a date such as 2024-01-31 or a time such as 2024-01-31T08:00, 2000 to 2199";

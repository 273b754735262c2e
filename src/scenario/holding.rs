//! `[[holdings]]`: what is held, and when it is sold.

use crate::scenario::cause::Complaint;
use crate::scenario::checked::{within, word};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{BaseQuantity, Fraction, Span, Usd};
use crate::scenario::units::{base_quantity, fraction, text, usd};
use crate::scenario::venue::read_optional;

/// An inventory of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The asset, a name under `[assets]`. Example: `asset = "ETH"`.
    pub asset: Given<String>,
    /// Quantity at time 0, coins, above 0; with `produce` also 0. Example: `quantity = 50_000`.
    pub quantity: Given<BaseQuantity>,
    /// When it is sold. Optional: at the horizon.
    pub sell: Option<Sell>,
    /// What is added to it. Optional: nothing. Example: `produce = { every = "7d", quantity = 120, cost_usd_per_unit = 1_700 }`.
    pub produce: Option<Produce>,
    /// Growth by staking per year, compounding, 0 to 10. Optional: 0. Example: `staking_yield_annual = "3%"`.
    pub staking_yield_annual: Option<Given<Fraction>>,
}

/// What is produced at `every`, twice `every`, ..., up to and including the horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct Produce {
    /// Time from one production to the next, a multiple of the step.
    pub every: Given<Span>,
    /// Quantity produced each time, coins, above 0.
    pub quantity: Given<BaseQuantity>,
    /// What a coin costs to produce, USD, 0 or more. Optional: 0.
    pub cost_usd_per_unit: Option<Given<Usd>>,
    /// What happens to it: `"held"` (for the sales plan) or `"as_produced"` (sold at once). Optional: `"held"`.
    pub sold: Option<Given<SoldChoice>>,
}

/// What happens to what is produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoldChoice {
    /// It is kept for the sales plan.
    Held,
    /// It is sold at once.
    AsProduced,
}

/// When a holding is sold.
#[derive(Debug, Clone, PartialEq)]
pub enum Sell {
    /// All at the horizon. Example: `sell.at_horizon = {}`.
    AtHorizon,
    /// Equal parts at `every`, twice `every`, ... and at the horizon. Example: `sell.evenly = { every = "7d" }`.
    Evenly {
        /// Time between sales, a multiple of the step.
        every: Given<Span>,
    },
    /// By dates; what remains at the horizon. Example: `sell.schedule = [{ at = "30d", quantity = 10_000 }]`.
    Schedule(Vec<Sale>),
    /// By the dates of a CSV file with the columns `day` (a number of days, or a duration such as `8h`) and `quantity`; its path is
    /// relative to the scenario's. Example: `sell.csv = "sales.csv"`.
    Csv {
        /// The file.
        file: Given<String>,
        /// Its lines.
        sales: Vec<Sale>,
    },
}

impl Sell {
    /// The sales that are listed by date.
    pub fn sales(&self) -> Option<&[Sale]> {
        match self {
            Self::AtHorizon | Self::Evenly { .. } => None,
            Self::Schedule(sales) | Self::Csv { sales, .. } => Some(sales),
        }
    }
}

/// One sale of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Sale {
    /// Time of the sale, a multiple of the step, up to the horizon, where what remains is sold anyway.
    pub at: Given<Span>,
    /// Quantity sold, coins, above 0.
    pub quantity: Given<BaseQuantity>,
}

/// Range of a quantity of coins.
pub const QUANTITY: Range = Range::closed(1e-12, 1e15, "1e-12 to 1e15 (coins)")
    .too_low("a quantity is above 0; under 1e-12 it is a slip");

/// Range of a quantity of coins that may be none.
const QUANTITY_OR_NONE: Range = Range::closed(0.0, 1e15, "0 to 1e15 (coins)");
const COST: Range = Range::closed(0.0, 1e12, "0 to 1e12 (USD per coin)");
const YIELD: Range = Range::closed(0.0, 10.0, "0 to 10 (a fraction per year)")
    .too_high("3 % is written 0.03 or \"3%\"");
/// Columns of a file of sales.
const SALES: [&str; 2] = ["day", "quantity"];

impl Holding {
    /// Reads one holding.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let asset = table.required("asset", text);
        let range = if table.has("produce") {
            QUANTITY_OR_NONE
        } else {
            QUANTITY
        };
        let quantity = table.required("quantity", within(base_quantity, range));
        let sell = read_optional(&mut table, "sell", read_sell);
        let produce = read_optional(&mut table, "produce", Produce::read);
        let staking_yield_annual = table.optional("staking_yield_annual", within(fraction, YIELD));
        table.note(|draft| {
            draft.holdings.push(asset.clone());
            let sales = sell.iter().flatten().find_map(Sell::sales);
            // With production it takes the grid to tell what is there to be sold.
            if let (Some(quantity), Some(sales), Some(None)) = (&quantity, sales, &produce) {
                draft.schedules.push((quantity.clone(), sales.to_vec()));
            }
        });
        table.finish();
        Some(Self {
            asset: asset?,
            quantity: quantity?,
            sell: sell?,
            produce: produce?,
            staking_yield_annual: staking_yield_annual?,
        })
    }
}

impl Produce {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let every = table.required("every", positive_span);
        table.note(|draft| draft.times.extend(every.clone()));
        let quantity = table.required("quantity", within(base_quantity, QUANTITY));
        let cost_usd_per_unit = table.optional("cost_usd_per_unit", within(usd, COST));
        let words = &[
            ("held", SoldChoice::Held),
            ("as_produced", SoldChoice::AsProduced),
        ];
        let sold = table.optional("sold", word(words, &[]));
        table.finish();
        Some(Self {
            every: every?,
            quantity: quantity?,
            cost_usd_per_unit: cost_usd_per_unit?,
            sold: sold?,
        })
    }
}

fn read_sell(mut table: Reader<'_>) -> Option<Sell> {
    let chosen = table.one_of(
        &["at_horizon", "evenly", "schedule", "csv"],
        &[],
        Requirement::Required,
    );
    let sell = match chosen {
        Some("at_horizon") => table.table("at_horizon").map(|inner| {
            inner.finish();
            Sell::AtHorizon
        }),
        Some("evenly") => table.table("evenly").and_then(|mut inner| {
            let every = inner.required("every", positive_span);
            inner.note(|draft| draft.times.extend(every.clone()));
            inner.finish();
            Some(Sell::Evenly { every: every? })
        }),
        Some("csv") => {
            let file = table.required("csv", text);
            file.and_then(|file| {
                let sales = read_sales(&table, &file)?;
                table.note(|draft| {
                    let dates = sales.iter().map(|sale| sale.at.clone());
                    draft.sale_dates.extend(dates);
                });
                Some(Sell::Csv { file, sales })
            })
        }
        Some(_) => {
            let expected = "a list of sales, such as [{ at = \"30d\", quantity = 10_000 }]";
            table.list("schedule", expected).and_then(|readers| {
                let sales: Vec<Option<Sale>> = readers.into_iter().map(read_sale).collect();
                sales
                    .into_iter()
                    .collect::<Option<Vec<Sale>>>()
                    .map(Sell::Schedule)
            })
        }
        None => None,
    };
    table.finish();
    sell
}

/// The sales of a file; `None` where problems were noted.
fn read_sales(reader: &Reader<'_>, file: &Given<String>) -> Option<Vec<Sale>> {
    let note = |problem| reader.push(problem);
    let table = reader.files().table(file).map_err(note).ok()?;
    if let Some(problem) = table.stranger(&SALES) {
        note(problem);
        return None;
    }
    let [day, quantity] = SALES.map(|name| table.required(name).map_err(note).ok());
    let (day, quantity) = (day?, quantity?);
    let sales: Vec<Option<Sale>> = (0..table.len())
        .map(|record| {
            let at = table.cell(record, day, days).map_err(note).ok();
            let quantity = table.cell(record, quantity, coins).map_err(note).ok();
            Some(Sale {
                at: at?,
                quantity: quantity?,
            })
        })
        .collect();
    sales.into_iter().collect()
}

/// A number of days, or a duration with its unit.
fn days(text: &str) -> Result<Span, Complaint> {
    let allowed = "a number of days above 0, such as 30, or a duration such as 8h";
    let is_number = text.parse::<f64>().is_ok();
    let span = if is_number {
        Span::from_text(&format!("{text}d"))
    } else {
        Span::from_text(text)
    };
    span.filter(|span| span.milliseconds > 0)
        .ok_or_else(|| Complaint::allowed(allowed, ""))
}

fn coins(text: &str) -> Result<BaseQuantity, Complaint> {
    let number: f64 = text
        .replace('_', "")
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| Complaint::kind("a number of coins"))?;
    QUANTITY.check(number)?;
    Ok(BaseQuantity(number))
}

fn read_sale(mut table: Reader<'_>) -> Option<Sale> {
    let at = table.required("at", positive_span);
    table.note(|draft| draft.sale_dates.extend(at.clone()));
    let quantity = table.required("quantity", within(base_quantity, QUANTITY));
    table.finish();
    Some(Sale {
        at: at?,
        quantity: quantity?,
    })
}

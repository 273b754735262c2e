//! `[[holdings]]`: what is held, and when it is sold.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{BaseQuantity, Span, base_quantity, text};
use crate::scenario::venue::read_optional;

/// An inventory of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The asset, a name under `[assets]`. Example: `asset = "ETH"`.
    pub asset: Given<String>,
    /// Quantity at time 0, coins, above 0. Example: `quantity = 50_000`.
    pub quantity: Given<BaseQuantity>,
    /// When it is sold. Optional: at the horizon.
    pub sell: Option<Sell>,
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

impl Holding {
    /// Reads one holding.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let asset = table.required("asset", text);
        let quantity = table.required("quantity", within(base_quantity, QUANTITY));
        let sell = read_optional(&mut table, "sell", read_sell);
        table.note(|draft| {
            draft.holdings.push(asset.clone());
            if let (Some(quantity), Some(Some(Sell::Schedule(sales)))) = (&quantity, &sell) {
                draft.schedules.push((quantity.clone(), sales.clone()));
            }
        });
        table.later("produce");
        table.finish();
        Some(Self {
            asset: asset?,
            quantity: quantity?,
            sell: sell?,
        })
    }
}

fn read_sell(mut table: Reader<'_>) -> Option<Sell> {
    let chosen = table.one_of(
        &["at_horizon", "evenly", "schedule"],
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

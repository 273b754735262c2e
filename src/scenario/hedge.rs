//! `[[hedges]]`: a short of one contract against one holding.

use crate::scenario::asset::PRICE_USD;
use crate::scenario::checked::within;
use crate::scenario::draft::HedgeDraft;
use crate::scenario::holding::QUANTITY;
use crate::scenario::place::{Given, Place};
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::text;
use crate::scenario::units::{BaseQuantity, Fraction, Span, Usd, base_quantity, fraction, usd};
use crate::scenario::venue::read_optional;

/// A short of one contract against one holding.
#[derive(Debug, Clone, PartialEq)]
pub struct Hedge {
    /// Where the hedge stands, for messages about it as a whole.
    pub place: Given<()>,
    /// The contract, a name under `[contracts]`. Example: `contract = "eth-perp"`.
    pub contract: Given<String>,
    /// The account that margins it, a name under `[accounts]`. Example: `account = "main"`.
    pub account: Given<String>,
    /// The held asset that it covers. Example: `covers = "ETH"`.
    pub covers: Given<String>,
    /// The hedge ratio `h`, 0 to 10: the short is worth `h` times the holding. 0 is no hedge. Example: `ratio.fixed = 1.0`.
    pub ratio: Given<Fraction>,
    /// Fraction of the inventory meant to be covered (attribution only), 0 to 10. Optional: from the ratio.
    pub coverage: Option<Given<Fraction>>,
    /// A hedge that is already on. Example: `opened = { price_usd = 3300, quantity = 50_000 }`.
    pub opened: Option<Opened>,
    /// When the size is set anew. Optional: never.
    pub rebalance: Option<RebalanceChoice>,
}

/// A hedge that was opened before time 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Entry price, USD per coin, above 0.
    pub price_usd: Given<Usd>,
    /// Short size, coins, above 0.
    pub quantity: Given<BaseQuantity>,
}

/// When the planned short is set back to the hedge ratio.
#[derive(Debug, Clone, PartialEq)]
pub enum RebalanceChoice {
    /// Only at time 0. Example: `rebalance.never = {}`.
    Never,
    /// Every so often, a multiple of the step. Example: `rebalance.every = "7d"`.
    Every(Given<Span>),
    /// When the ratio is off by more than this, above 0 up to 10. Example: `rebalance.band = 0.05`.
    Band(Given<Fraction>),
}

const RATIO: Range = Range::closed(0.0, 10.0, "0 to 10 (short over holding, in value)")
    .too_low("a hedge is short; long legs are not supported yet")
    .too_high("a ratio: 100 % is written 1.0 or \"100%\"");
const COVERAGE: Range = Range::closed(0.0, 10.0, "0 to 10 (a fraction of the holding)");
const BAND: Range = Range::above(0.0, 10.0, "above 0, up to 10 (in units of the hedge ratio)");

impl Hedge {
    /// Reads one hedge.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let place = place(&table);
        let contract = table.required("contract", text);
        let account = table.required("account", text);
        let covers = table.required("covers", text);
        table.note(|draft| {
            draft.hedges.push(HedgeDraft {
                contract: contract.clone(),
                account: account.clone(),
                covers: covers.clone(),
            });
        });
        let ratio = table.required_table("ratio").and_then(read_ratio);
        let coverage = table.optional("coverage", within(fraction, COVERAGE));
        let opened = read_optional(&mut table, "opened", read_opened);
        let rebalance = read_optional(&mut table, "rebalance", read_rebalance);
        table.later("roll");
        table.finish();
        Some(Self {
            place,
            contract: contract?,
            account: account?,
            covers: covers?,
            ratio: ratio?,
            coverage: coverage?,
            opened: opened?,
            rebalance: rebalance?,
        })
    }
}

fn place(table: &Reader<'_>) -> Given<()> {
    let file = Place {
        source: 0,
        start: 0,
        end: 0,
    };
    Given {
        value: (),
        place: table.place().unwrap_or(file),
        path: table.path().to_owned(),
        written: String::new(),
    }
}

fn read_ratio(mut table: Reader<'_>) -> Option<Given<Fraction>> {
    let chosen = table.one_of(
        &["fixed"],
        &["beta", "minimum_variance"],
        Requirement::Required,
    );
    let ratio = chosen.and_then(|key| table.required(key, within(fraction, RATIO)));
    table.finish();
    ratio
}

fn read_opened(mut table: Reader<'_>) -> Option<Opened> {
    let price_usd = table.required("price_usd", within(usd, PRICE_USD));
    let quantity = table.required("quantity", within(base_quantity, QUANTITY));
    table.finish();
    Some(Opened {
        price_usd: price_usd?,
        quantity: quantity?,
    })
}

fn read_rebalance(mut table: Reader<'_>) -> Option<RebalanceChoice> {
    let chosen = table.one_of(&["never", "every", "band"], &[], Requirement::Required);
    let rebalance = match chosen {
        Some("never") => table.table("never").map(|inner| {
            inner.finish();
            RebalanceChoice::Never
        }),
        Some("every") => {
            let every = table.required("every", positive_span);
            table.note(|draft| draft.times.extend(every.clone()));
            every.map(RebalanceChoice::Every)
        }
        Some(_) => table
            .required("band", within(fraction, BAND))
            .map(RebalanceChoice::Band),
        None => None,
    };
    table.finish();
    rebalance
}

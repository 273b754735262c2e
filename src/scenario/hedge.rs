//! `[[hedges]]`: a position in one contract against one holding.

use crate::scenario::asset::PRICE_USD;
use crate::scenario::checked::{within, word};
use crate::scenario::draft::HedgeDraft;
use crate::scenario::execution::{OrderChoice, Style, read_order};
use crate::scenario::expiry::{RollInto, roll_into};
use crate::scenario::holding::QUANTITY;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::ratio::Ratio;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::text;
use crate::scenario::units::{BaseQuantity, Fraction, Span, Usd, base_quantity, fraction, usd};
use crate::scenario::venue::read_optional;

/// A position in one contract against one holding.
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
    /// Side of the hedge: `"short"` or `"long"` (an option: written or bought). Optional: `"short"`.
    pub position: Option<Given<PositionChoice>>,
    /// How large it is. Example: `ratio.fixed = 1.0`.
    pub ratio: Ratio,
    /// Fraction of the inventory meant to be covered (attribution only), 0 to 10. Optional: from the ratio.
    pub coverage: Option<Given<Fraction>>,
    /// A hedge that is already on. Example: `opened = { price_usd = 3300, quantity = 50_000 }`.
    pub opened: Option<Opened>,
    /// When the size is set anew. Optional: never.
    pub rebalance: Option<RebalanceChoice>,
    /// The quantity that it follows: `"inventory"` (at hand) or `"expected"` (with production to come). Optional: `"inventory"`.
    pub follows: Option<Given<FollowsChoice>>,
    /// When a dated future is left for a later one. Optional: it is held to its expiry.
    pub roll: Option<Roll>,
    /// When a perpetual is left for a dated future. Optional: never.
    pub switch: Option<Switch>,
    /// Whether its orders take or rest: `"taker"` or `"maker"`. Optional: that of `[execution]`.
    pub order: Option<Given<OrderChoice>>,
    /// How its orders are cut up. Optional: that of `[execution]`.
    pub style: Option<Style>,
}

/// Side of a hedge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionChoice {
    /// Sold.
    Short,
    /// Bought.
    Long,
}

/// The quantity that a hedge follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowsChoice {
    /// The inventory at hand.
    Inventory,
    /// The inventory at hand and the production still to come.
    Expected,
}

/// When a dated future is left for a later one: `roll = { before_expiry = "5d", into = "91d" }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Roll {
    /// Where it stands, for messages about it as a whole.
    pub given: Given<()>,
    /// Time from the roll to the expiry, a multiple of the step.
    pub before_expiry: Given<Span>,
    /// From one expiry to the next, a multiple of the step, or `"quarter"`: the next quarterly expiry.
    pub into: Given<RollInto>,
}

/// When a perpetual is left for a dated future: `switch = { to = "btc-quarter", window = "7d", below = "0bps", back_above = "1bps" }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch {
    /// The dated contract, a name under `[contracts]`.
    pub to: Given<String>,
    /// Time over which funding is averaged, a multiple of the funding interval.
    pub window: Given<Span>,
    /// Mean rate per 8 hours under which the perpetual is left, -10 % to 10 %.
    pub below: Given<Fraction>,
    /// Mean rate per 8 hours over which the hedge returns, not under `below`. Optional: never.
    pub back_above: Option<Given<Fraction>>,
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
    /// When futures and option deltas together are off by more than this, above 0 up to 10. Example: `rebalance.delta_band = 0.05`.
    DeltaBand(Given<Fraction>),
}

const COVERAGE: Range = Range::closed(0.0, 10.0, "0 to 10 (a fraction of the holding)");
const BAND: Range = Range::above(0.0, 10.0, "above 0, up to 10 (in units of the hedge ratio)");
const RATE: Range = Range::closed(-0.1, 0.1, "-10% to 10% (per 8 hours)")
    .too_low("1 basis point is \"1bps\" or 0.0001")
    .too_high("1 basis point is \"1bps\" or 0.0001");

impl Hedge {
    /// Reads one hedge.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let place = table.given();
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
        let sides = &[
            ("short", PositionChoice::Short),
            ("long", PositionChoice::Long),
        ];
        let position = table.optional("position", word(sides, &[]));
        let ratio = table.required_table("ratio").and_then(Ratio::read);
        let coverage = table.optional("coverage", within(fraction, COVERAGE));
        let opened = read_optional(&mut table, "opened", read_opened);
        let rebalance = read_optional(&mut table, "rebalance", read_rebalance);
        let quantities = &[
            ("inventory", FollowsChoice::Inventory),
            ("expected", FollowsChoice::Expected),
        ];
        let follows = table.optional("follows", word(quantities, &[]));
        let roll = read_optional(&mut table, "roll", Roll::read);
        let switch = read_optional(&mut table, "switch", Switch::read);
        table.note(|draft| {
            let to = switch.iter().flatten().map(|switch| switch.to.clone());
            draft.switches.extend(to);
        });
        let order = read_order(&mut table);
        let style = read_optional(&mut table, "style", Style::read);
        table.finish();
        Some(Self {
            place,
            contract: contract?,
            account: account?,
            covers: covers?,
            position: position?,
            ratio: ratio?,
            coverage: coverage?,
            opened: opened?,
            rebalance: rebalance?,
            follows: follows?,
            roll: roll?,
            switch: switch?,
            order: order?,
            style: style?,
        })
    }
}

impl Roll {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let given = table.given();
        let before_expiry = table.required("before_expiry", positive_span);
        let into = table.required("into", roll_into);
        table.note(|draft| {
            draft.times.extend(before_expiry.clone());
            draft.times.extend(into.as_ref().and_then(after));
        });
        table.finish();
        Some(Self {
            given,
            before_expiry: before_expiry?,
            into: into?,
        })
    }
}

/// The duration from one expiry to the next, if it is one.
pub fn after(into: &Given<RollInto>) -> Option<Given<Span>> {
    let RollInto::After(span) = into.value else {
        return None;
    };
    Some(Given {
        value: span,
        place: into.place,
        path: into.path.clone(),
        written: into.written.clone(),
    })
}

impl Switch {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let to = table.required("to", text);
        let window = table.required("window", positive_span);
        table.note(|draft| draft.times.extend(window.clone()));
        let below = table.required("below", within(fraction, RATE));
        let back_above = table.optional("back_above", within(fraction, RATE));
        table.finish();
        Some(Self {
            to: to?,
            window: window?,
            below: below?,
            back_above: back_above?,
        })
    }
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
    let variants = &["never", "every", "band", "delta_band"];
    let chosen = table.one_of(variants, &[], Requirement::Required);
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
        Some("band") => table
            .required("band", within(fraction, BAND))
            .map(RebalanceChoice::Band),
        Some(_) => table
            .required("delta_band", within(fraction, BAND))
            .map(RebalanceChoice::DeltaBand),
        None => None,
    };
    table.finish();
    rebalance
}

//! `[venues.NAME]`: a venue of one's own, as data.

use crate::scenario::cause::Cause;
use crate::scenario::checked::{within, word};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::units::{
    BaseQuantity, Fraction, Usd, base_quantity, boolean, fraction, number, usd,
};

/// A venue of one's own: the same rules for every contract on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Venue {
    /// Its name, the key of its table. Example: `[venues.plain]`.
    pub name: Given<String>,
    /// Margin brackets, ascending; the last has no cap. Example: `maintenance = [{ rate = "0.5%" }]`.
    pub maintenance: Vec<Bracket>,
    /// Fees. Optional: 0.
    pub fees: Option<Fees>,
    /// Liquidation procedure. Optional: the remainder is returned, the fee is not in the trigger.
    pub liquidation: Option<Liquidation>,
    /// Margin of written options. Optional: 15 %, at least 10 %, and 7.5 % of the underlying, which is assumed.
    pub options: Option<OptionMargin>,
}

/// One margin bracket.
#[derive(Debug, Clone, PartialEq)]
pub struct Bracket {
    /// Dotted path of the bracket, for messages.
    pub path: Given<()>,
    /// Notional where it ends, above the bracket before; absent in the last.
    pub up_to: Option<BracketEnd>,
    /// Maintenance margin rate, 0 up to (not including) 1, not under the bracket before. Example: `rate = "0.4%"`.
    pub rate: Given<Fraction>,
    /// Leverage cap, 1 to 1000. Optional: the maintenance margin is asked as initial margin.
    pub max_leverage: Option<Given<f64>>,
}

/// Notional where a bracket ends.
#[derive(Debug, Clone, PartialEq)]
pub enum BracketEnd {
    /// USD, for linear contracts. Example: `up_to_usd = 300_000`.
    Usd(Given<Usd>),
    /// Coins of the underlying, for inverse contracts. Example: `up_to_coins = 10`.
    Coins(Given<BaseQuantity>),
}

impl BracketEnd {
    /// The notional, USD or coins.
    pub fn notional(&self) -> f64 {
        match self {
            Self::Usd(given) => given.value.0,
            Self::Coins(given) => given.value.0,
        }
    }
}

/// Margin of a written option, fractions of the underlying's value.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionMargin {
    /// Initial margin beside the option's value, less what it is out of the money, 0 to 10. Optional: 15 %, assumed.
    pub initial: Option<Given<Fraction>>,
    /// The least of it, 0 to 10. Optional: 10 %, assumed.
    pub initial_floor: Option<Given<Fraction>>,
    /// Maintenance margin beside the option's value, 0 to 10. Optional: 7.5 %, assumed.
    pub maintenance: Option<Given<Fraction>>,
}

/// Fees, fractions of notional.
#[derive(Debug, Clone, PartialEq)]
pub struct Fees {
    /// Maker fee, -1 % (a rebate) to 10 %. Optional: 0.
    pub maker: Option<Given<Fraction>>,
    /// Taker fee, -1 % to 10 %. Optional: 0. Example: `taker = "5bps"`.
    pub taker: Option<Given<Fraction>>,
    /// Liquidation fee, 0 to 10 %, of the notional at the worsened fill. Optional: 0.
    pub liquidation: Option<Given<Fraction>>,
    /// Fee of a dated future's or an option's settlement, 0 to 10 %. Optional: 0. Example: `delivery = "5bps"`.
    pub delivery: Option<Given<Fraction>>,
    /// Fee of an option's trade, 0 to 10 % of the underlying's value. Optional: the taker fee. Example: `option = "3bps"`.
    pub option: Option<Given<Fraction>>,
    /// The most of it, 0 to 100 % of the premium. Optional: 12.5 %, assumed. Example: `option_cap = "12.5%"`.
    pub option_cap: Option<Given<Fraction>>,
}

/// Liquidation procedure.
#[derive(Debug, Clone, PartialEq)]
pub struct Liquidation {
    /// What happens to what is left: `"returned"` or `"forfeited"`. Optional: `"returned"`.
    pub remainder: Option<Given<RemainderChoice>>,
    /// Whether the liquidation fee counts in the trigger. Optional: false.
    pub fee_in_trigger: Option<Given<bool>>,
    /// At which price an inverse position's notional is taken for its maintenance margin: `"current"` (the mark) or `"entry"`. Optional: `"current"`.
    pub maintenance_at: Option<Given<MaintenancePrice>>,
}

/// At which price an inverse position's maintenance margin is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaintenancePrice {
    /// The mark.
    Current,
    /// The entry price.
    Entry,
}

/// What happens to what is left after a liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemainderChoice {
    /// It goes back to the customer.
    Returned,
    /// The insurance fund keeps it.
    Forfeited,
}

const CAP_USD: Range = Range::above(0.0, 1e15, "above 0, up to 1e15 (USD of notional)");
const CAP_COINS: Range = Range::above(0.0, 1e15, "above 0, up to 1e15 (coins of notional)");
const RATE: Range = Range::closed(0.0, 0.999, "0 to 0.999 (a fraction of notional)")
    .too_high("0.5 % is written 0.005 or \"0.5%\"");
const LEVERAGE: Range = Range::closed(1.0, 1000.0, "1 to 1000 (notional over initial margin)");
const FEE: Range = Range::closed(-0.01, 0.1, "-1% to 10% (of notional)")
    .too_high("5 basis points are \"5bps\" or 0.0005");
const CHARGE: Range = Range::closed(0.0, 0.1, "0 to 10% (of notional)")
    .too_high("1.2 % is written 0.012 or \"1.2%\"");
const OPTION_CAP: Range = Range::closed(0.0, 1.0, "0 to 100% (of the premium)")
    .too_high("12.5 % is written 0.125 or \"12.5%\"");
const OPTION_MARGIN: Range = Range::closed(0.0, 10.0, "0 to 10 (of the underlying's value)")
    .too_high("15 % is written 0.15 or \"15%\"");

impl Venue {
    /// Reads one venue.
    pub fn read(name: Given<String>, mut table: Reader<'_>) -> Option<Self> {
        let brackets = if table.has("maintenance") {
            let readers = table.list(
                "maintenance",
                "a list of brackets, such as [{ rate = \"0.5%\" }]",
            );
            readers.and_then(|readers| {
                if readers.is_empty() {
                    let path = format!("{}.maintenance", table.path());
                    let allowed = "at least one bracket, such as { rate = \"0.5%\" }";
                    table.push(Cause::Empty { path, allowed }.at(table.place_of("maintenance")));
                }
                let brackets: Vec<Option<Bracket>> =
                    readers.into_iter().map(Bracket::read).collect();
                brackets.into_iter().collect()
            })
        } else {
            table.required("maintenance", |_| Ok(()));
            None
        };
        table.note(|draft| draft.brackets.extend(brackets.clone()));
        let fees = read_optional(&mut table, "fees", Fees::read);
        let liquidation = read_optional(&mut table, "liquidation", Liquidation::read);
        let options = read_optional(&mut table, "options", OptionMargin::read);
        table.finish();
        Some(Self {
            name,
            maintenance: brackets?,
            fees: fees?,
            liquidation: liquidation?,
            options: options?,
        })
    }
}

impl Bracket {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let path = table.place().map(|place| Given {
            value: (),
            place,
            path: table.path().to_owned(),
            written: String::new(),
        });
        let up_to = read_end(&mut table);
        let rate = table.required("rate", within(fraction, RATE));
        let max_leverage = table.optional("max_leverage", within(number, LEVERAGE));
        table.finish();
        Some(Self {
            path: path?,
            up_to: up_to?,
            rate: rate?,
            max_leverage: max_leverage?,
        })
    }
}

/// The end of a bracket, in one of two units; `Some(None)` if none is given.
#[expect(
    clippy::option_option,
    reason = "not given and not readable are two things"
)]
fn read_end(table: &mut Reader<'_>) -> Option<Option<BracketEnd>> {
    let chosen = table.one_of(&["up_to_usd", "up_to_coins"], &[], Requirement::Optional);
    match chosen {
        Some("up_to_usd") => table
            .required("up_to_usd", within(usd, CAP_USD))
            .map(|end| Some(BracketEnd::Usd(end))),
        Some(_) => table
            .required("up_to_coins", within(base_quantity, CAP_COINS))
            .map(|end| Some(BracketEnd::Coins(end))),
        // Both at once were refused: then there is no telling.
        None => (!table.has("up_to_usd")).then_some(None),
    }
}

impl OptionMargin {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let initial = table.optional("initial", within(fraction, OPTION_MARGIN));
        let initial_floor = table.optional("initial_floor", within(fraction, OPTION_MARGIN));
        let maintenance = table.optional("maintenance", within(fraction, OPTION_MARGIN));
        table.finish();
        Some(Self {
            initial: initial?,
            initial_floor: initial_floor?,
            maintenance: maintenance?,
        })
    }
}

impl Fees {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let maker = table.optional("maker", within(fraction, FEE));
        let taker = table.optional("taker", within(fraction, FEE));
        let liquidation = table.optional("liquidation", within(fraction, CHARGE));
        let delivery = table.optional("delivery", within(fraction, CHARGE));
        let option = table.optional("option", within(fraction, CHARGE));
        let option_cap = table.optional("option_cap", within(fraction, OPTION_CAP));
        table.finish();
        Some(Self {
            maker: maker?,
            taker: taker?,
            liquidation: liquidation?,
            delivery: delivery?,
            option: option?,
            option_cap: option_cap?,
        })
    }
}

impl Liquidation {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let words = &[
            ("returned", RemainderChoice::Returned),
            ("forfeited", RemainderChoice::Forfeited),
        ];
        let remainder = table.optional("remainder", word(words, &[]));
        let fee_in_trigger = table.optional("fee_in_trigger", boolean);
        let prices = &[
            ("current", MaintenancePrice::Current),
            ("entry", MaintenancePrice::Entry),
        ];
        let maintenance_at = table.optional("maintenance_at", word(prices, &[]));
        table.finish();
        Some(Self {
            remainder: remainder?,
            fee_in_trigger: fee_in_trigger?,
            maintenance_at: maintenance_at?,
        })
    }
}

/// Reads a table that may be absent: `Some(None)`; `None` if it is there and wrong.
pub fn read_optional<'a, T>(
    table: &mut Reader<'a>,
    key: &'static str,
    read: impl FnOnce(Reader<'a>) -> Option<T>,
) -> Option<Option<T>> {
    let is_there = table.has(key);
    let inner = table.table(key).and_then(read);
    if is_there {
        inner.map(Some)
    } else {
        Some(None)
    }
}

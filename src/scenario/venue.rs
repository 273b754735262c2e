//! `[venues.NAME]`: a venue of one's own, as data.

use crate::scenario::cause::Cause;
use crate::scenario::checked::{within, word};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::units::{Fraction, Usd, boolean, fraction, number, usd};

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
}

/// One margin bracket.
#[derive(Debug, Clone, PartialEq)]
pub struct Bracket {
    /// Dotted path of the bracket, for messages.
    pub path: Given<()>,
    /// Notional where it ends, USD, above the bracket before; absent in the last.
    pub up_to_usd: Option<Given<Usd>>,
    /// Maintenance margin rate, 0 up to (not including) 1, not under the bracket before. Example: `rate = "0.4%"`.
    pub rate: Given<Fraction>,
    /// Leverage cap, 1 to 1000. Optional: the maintenance margin is asked as initial margin.
    pub max_leverage: Option<Given<f64>>,
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
}

/// Liquidation procedure.
#[derive(Debug, Clone, PartialEq)]
pub struct Liquidation {
    /// What happens to what is left: `"returned"` or `"forfeited"`. Optional: `"returned"`.
    pub remainder: Option<Given<RemainderChoice>>,
    /// Whether the liquidation fee counts in the trigger. Optional: false.
    pub fee_in_trigger: Option<Given<bool>>,
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
const RATE: Range = Range::closed(0.0, 0.999, "0 to 0.999 (a fraction of notional)")
    .too_high("0.5 % is written 0.005 or \"0.5%\"");
const LEVERAGE: Range = Range::closed(1.0, 1000.0, "1 to 1000 (notional over initial margin)");
const FEE: Range = Range::closed(-0.01, 0.1, "-1% to 10% (of notional)")
    .too_high("5 basis points are \"5bps\" or 0.0005");
const LIQUIDATION_FEE: Range = Range::closed(0.0, 0.1, "0 to 10% (of notional)")
    .too_high("1.2 % is written 0.012 or \"1.2%\"");

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
        table.finish();
        Some(Self {
            name,
            maintenance: brackets?,
            fees: fees?,
            liquidation: liquidation?,
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
        let up_to_usd = table.optional("up_to_usd", within(usd, CAP_USD));
        let rate = table.required("rate", within(fraction, RATE));
        let max_leverage = table.optional("max_leverage", within(number, LEVERAGE));
        table.finish();
        Some(Self {
            path: path?,
            up_to_usd: up_to_usd?,
            rate: rate?,
            max_leverage: max_leverage?,
        })
    }
}

impl Fees {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let maker = table.optional("maker", within(fraction, FEE));
        let taker = table.optional("taker", within(fraction, FEE));
        let liquidation = table.optional("liquidation", within(fraction, LIQUIDATION_FEE));
        table.finish();
        Some(Self {
            maker: maker?,
            taker: taker?,
            liquidation: liquidation?,
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
        table.finish();
        Some(Self {
            remainder: remainder?,
            fee_in_trigger: fee_in_trigger?,
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

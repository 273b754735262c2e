//! `contracts.NAME.option`: a European option on the spot.

use crate::scenario::asset::PRICE_USD;
use crate::scenario::cause::{Cause, Complaint};
use crate::scenario::checked::{within, word};
use crate::scenario::expiry::{ExpiryChoice, expiry};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::{Fraction, Usd, fraction, fraction_from_text, number, usd};

/// A European option.
#[derive(Debug, Clone, PartialEq)]
pub struct EuropeanOption {
    /// `"call"` or `"put"`.
    pub kind: Given<OptionKindChoice>,
    /// Strike, USD per coin or a percentage of the spot at time 0. Example: `strike = "110%"`, `strike = 4000`.
    pub strike: Given<Strike>,
    /// When it expires, on the grid of steps. Example: `expiry = "90d"`.
    pub expiry: Given<ExpiryChoice>,
    /// Volatility at which it is bought and marked. Example: `implied_volatility = 0.80`.
    pub implied_volatility: ImpliedVolatility,
}

/// Call or put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKindChoice {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

/// A strike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strike {
    /// USD per coin.
    Price(Usd),
    /// A fraction of the spot at time 0.
    OfSpot(Fraction),
}

impl Strike {
    /// USD per coin at a spot at time 0.
    pub fn usd(self, spot_usd: f64) -> f64 {
        match self {
            Self::Price(price) => price.0,
            Self::OfSpot(fraction) => fraction.0 * spot_usd,
        }
    }
}

/// Implied volatility per square root of a year, 0 to 20.
#[derive(Debug, Clone, PartialEq)]
pub enum ImpliedVolatility {
    /// The same for every strike.
    Flat(Given<Fraction>),
    /// By strike, ascending, at least one: linear between, flat outside.
    ByStrike(Vec<SmilePoint>),
}

/// One strike of a volatility smile.
#[derive(Debug, Clone, PartialEq)]
pub struct SmilePoint {
    /// The strike.
    pub strike: Given<Strike>,
    /// Its volatility, 0 to 20.
    pub volatility: Given<Fraction>,
}

const OF_SPOT: Range = Range::closed(0.001, 1000.0, "\"0.1%\" to \"100000%\" (of the spot)");
const STRIKE: &str = "USD per coin such as 4000, or a percentage of the spot such as \"110%\"";
const VOLATILITY: Range = Range::closed(0.0, 20.0, "0 to 20 (per square root of a year)")
    .too_low("a volatility is not negative")
    .too_high("a fraction: 80 % is written 0.8 or \"80%\"");

impl EuropeanOption {
    /// Reads the table; also what could be read of its expiry.
    pub fn read(mut table: Reader<'_>) -> (Option<Given<ExpiryChoice>>, Option<Self>) {
        let words = &[
            ("call", OptionKindChoice::Call),
            ("put", OptionKindChoice::Put),
        ];
        let kind = table.required("kind", word(words, &[]));
        let strike = table.required("strike", strike);
        let expires = table.required("expiry", expiry);
        let implied_volatility = read_volatility(&mut table);
        table.finish();
        let option = || {
            Some(Self {
                kind: kind?,
                strike: strike?,
                expiry: expires.clone()?,
                implied_volatility: implied_volatility?,
            })
        };
        (expires.clone(), option())
    }
}

fn read_volatility(table: &mut Reader<'_>) -> Option<ImpliedVolatility> {
    const KEY: &str = "implied_volatility";
    if !table.is_list(KEY) {
        let flat = table.required(KEY, within(fraction, VOLATILITY));
        return flat.map(ImpliedVolatility::Flat);
    }
    let readers = table.list(KEY, "a list of strikes and their volatilities")?;
    if readers.is_empty() {
        let path = format!("{}.{KEY}", table.path());
        let allowed = "at least one entry, such as { strike = \"110%\", volatility = 0.8 }";
        table.push(Cause::Empty { path, allowed }.at(table.place_of(KEY)));
        return None;
    }
    let points: Vec<Option<SmilePoint>> = readers.into_iter().map(SmilePoint::read).collect();
    let points: Option<Vec<SmilePoint>> = points.into_iter().collect();
    points.map(ImpliedVolatility::ByStrike)
}

impl SmilePoint {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let strike = table.required("strike", strike);
        let volatility = table.required("volatility", within(fraction, VOLATILITY));
        table.finish();
        Some(Self {
            strike: strike?,
            volatility: volatility?,
        })
    }
}

fn strike(node: &Node) -> Result<Strike, Complaint> {
    match &node.value {
        Value::Integer(_) | Value::Float(_) => within(usd, PRICE_USD)(node).map(Strike::Price),
        Value::Text(text) => {
            let fraction = fraction_from_text(text).ok_or_else(|| {
                let reason = if number(node).is_err_and(|c| matches!(c, Complaint::Allowed { .. }))
                {
                    format!("write {} without quotes, or with %", text.trim())
                } else {
                    "a string needs % at its end".to_owned()
                };
                Complaint::allowed(STRIKE, reason)
            })?;
            OF_SPOT.check(fraction.0)?;
            Ok(Strike::OfSpot(fraction))
        }
        _ => Err(Complaint::kind(STRIKE)),
    }
}

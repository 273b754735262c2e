//! `ratio` of a hedge: how large it is.

use crate::scenario::checked::{within, word};
use crate::scenario::history::History;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::units::{Fraction, fraction, number};

/// How large a hedge is.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// Where the variant stands, for messages about what it comes to.
    pub given: Given<()>,
    /// The size.
    pub choice: RatioChoice,
    /// Rounding to whole contracts at every decision: `"nearest"`, `"down"` or `"up"`. Optional: none. Example: `ratio.round = "down"`.
    pub round: Option<Given<RoundChoice>>,
}

/// What the hedge ratio `h` is.
#[derive(Debug, Clone, PartialEq)]
pub enum RatioChoice {
    /// A number, 0 to 10: the hedge is worth `h` times the holding. 0 is no hedge. Example: `ratio.fixed = 1.0`.
    Fixed(Given<Fraction>),
    /// So many contracts at time 0, above 0. Example: `ratio.contracts = 500`.
    Contracts(Given<f64>),
    /// The holding's beta on the hedge's underlying, above 0 up to 10. Example: `ratio.beta = 1.2`.
    Beta(Given<Fraction>),
    /// That beta from a file of prices.
    BetaFromHistory(History),
    /// The ratio of least variance. Example: `ratio.minimum_variance = { over = "horizon" }`.
    MinimumVariance {
        /// Over which time: `"horizon"` or `"rebalance"`. Optional: `"horizon"`.
        over: Option<Given<Over>>,
    },
}

/// Over which time the variance is least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// From time 0 to the horizon.
    Horizon,
    /// Over one interval of `rebalance.every`.
    Rebalance,
}

/// How a size is brought to whole contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundChoice {
    /// To the nearest, half away from zero.
    Nearest,
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

/// Range of a hedge ratio.
pub const RATIO: Range = Range::closed(0.0, 10.0, "0 to 10 (hedge over holding, in value)")
    .too_low("the side is `position`; a ratio is not negative")
    .too_high("a ratio: 100 % is written 1.0 or \"100%\"");
const BETA: Range = Range::above(0.0, 10.0, "above 0, up to 10 (a ratio of returns)")
    .too_low("a negative beta is a beta without its sign in position = \"long\"");
const CONTRACTS: Range = Range::above(0.0, 1e15, "above 0, up to 1e15 (contracts)");

impl Ratio {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let variants = &[
            "fixed",
            "contracts",
            "beta",
            "beta_from_history",
            "minimum_variance",
        ];
        let words = &[
            ("nearest", RoundChoice::Nearest),
            ("down", RoundChoice::Down),
            ("up", RoundChoice::Up),
        ];
        let round = table.optional("round", word(words, &[]));
        let chosen = table.one_of(variants, &[], Requirement::Required);
        let read = chosen.and_then(|key| match key {
            "fixed" => table
                .required(key, within(fraction, RATIO))
                .map(|given| (without_value(&given), RatioChoice::Fixed(given))),
            "contracts" => table
                .required(key, within(number, CONTRACTS))
                .map(|given| (without_value(&given), RatioChoice::Contracts(given))),
            "beta" => table
                .required(key, within(fraction, BETA))
                .map(|given| (without_value(&given), RatioChoice::Beta(given))),
            "beta_from_history" => {
                let inner = table.table(key)?;
                let given = inner.given();
                History::read(inner).map(|history| (given, RatioChoice::BetaFromHistory(history)))
            }
            _ => {
                let mut inner = table.table(key)?;
                let given = inner.given();
                let words = &[("horizon", Over::Horizon), ("rebalance", Over::Rebalance)];
                let over = inner.optional("over", word(words, &[]));
                inner.finish();
                Some((given, RatioChoice::MinimumVariance { over: over? }))
            }
        });
        table.finish();
        let (given, choice) = read?;
        Some(Self {
            given,
            choice,
            round: round?,
        })
    }
}

/// The place of a value alone.
fn without_value<T>(given: &Given<T>) -> Given<()> {
    Given {
        value: (),
        place: given.place,
        path: given.path.clone(),
        written: given.written.clone(),
    }
}

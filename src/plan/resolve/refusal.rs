//! The causes for which a scenario, though each value is valid, is refused as a whole.

use thiserror::Error;

use crate::scenario::nearest::{nearest, quoted};
use crate::scenario::place::{Given, Place};
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

/// Why a combination is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A name that nothing has.
    #[error("`{path}` is \"{name}\"; allowed: {}", quoted(.allowed.iter().map(String::as_str)))]
    UnknownName {
        /// Dotted path.
        path: String,
        /// The name.
        name: String,
        /// The names there are.
        allowed: Vec<String>,
        /// Where such names are given.
        home: String,
    },
    /// A value that does not fit the others.
    #[error("`{path}` is {written}; allowed: {allowed}")]
    DoesNotFit {
        /// Dotted path.
        path: String,
        /// The value as written.
        written: String,
        /// What is allowed here.
        allowed: String,
        /// Why.
        reason: String,
    },
    /// A key that is needed because of the others.
    #[error("`{table}` needs `{key}`; allowed: {allowed}")]
    Needed {
        /// Dotted path of the table.
        table: String,
        /// The key.
        key: String,
        /// What it may be.
        allowed: String,
        /// Why it is needed.
        reason: String,
    },
    /// Correlations that contradict each other.
    #[error(
        "the correlations {entries} are not positive semidefinite; the nearest correlation matrix: {nearest}"
    )]
    NotPositiveSemidefinite {
        /// The entries involved.
        entries: String,
        /// Higham's nearest matrix, pair by pair.
        nearest: String,
    },
    /// A pair of assets that is listed twice.
    #[error("the correlation of `{first}` and `{second}` is given twice")]
    PairTwice {
        /// First asset.
        first: String,
        /// Second asset.
        second: String,
    },
    /// Two views that cannot both hold.
    #[error("`{path}` ({text}) contradicts `{other_path}` ({other})")]
    Contradiction {
        /// Dotted path of the later view.
        path: String,
        /// It in words.
        text: String,
        /// The earlier view in words.
        other: String,
        /// Its dotted path.
        other_path: String,
    },
    /// A position that the venue does not take.
    #[error(
        "{venue} refuses a position of {notional} {unit}; allowed: up to {cap} {unit}, the cap of its largest bracket ({bracket})"
    )]
    PositionOverCap {
        /// The venue.
        venue: String,
        /// Notional.
        notional: String,
        /// Position cap.
        cap: String,
        /// What both are counted in: USD, or the coin.
        unit: String,
        /// The bracket in words.
        bracket: String,
    },
    /// Collateral under the initial margin.
    #[error(
        "`{path}` is {written}; allowed: at least {needed} USD, the initial margin of {notional} {unit} in {bracket}"
    )]
    UnderInitialMargin {
        /// Dotted path.
        path: String,
        /// The collateral as written.
        written: String,
        /// Initial margin.
        needed: String,
        /// Notional.
        notional: String,
        /// What it is counted in: USD, or the coin.
        unit: String,
        /// The bracket in words.
        bracket: String,
    },
    /// Something that has no meaning beside the rest.
    #[error("`{path}` has no place here; allowed: {allowed}")]
    OutOfPlace {
        /// Dotted path.
        path: String,
        /// Where it has its place.
        allowed: String,
        /// Why.
        reason: String,
    },
    /// A value that is worked out and comes to something that is not allowed.
    #[error("`{path}` comes to {value}; allowed: {allowed}")]
    ComesTo {
        /// Dotted path of what it is worked out from.
        path: String,
        /// What it comes to.
        value: String,
        /// What is allowed.
        allowed: String,
        /// Why.
        reason: String,
    },
    /// Collateral of an account under the initial margin of its hedges.
    #[error(
        "`{path}` holds {held} of collateral{premiums}; allowed: at least {needed}, the initial margin of its hedges ({legs})"
    )]
    AccountUnderMargin {
        /// Dotted path of the account.
        path: String,
        /// Collateral after haircuts and premiums, with its unit.
        held: String,
        /// Premiums of bought options that were taken off it, in words; empty if there are none.
        premiums: String,
        /// Initial margin, with its unit.
        needed: String,
        /// Each hedge with its notional and bracket.
        legs: String,
    },
    /// A hedge already on that stands at or beyond its liquidation.
    #[error(
        "`{path}` would be liquidated at once: equity is {equity} {unit}, and {trigger} {unit} is asked in {bracket}"
    )]
    AlreadyLiquidated {
        /// Dotted path.
        path: String,
        /// Equity at time 0.
        equity: String,
        /// Maintenance margin and trigger fee.
        trigger: String,
        /// Their currency.
        unit: String,
        /// The bracket in words.
        bracket: String,
    },
}

impl Refusal {
    /// A value that does not fit the others.
    pub fn does_not_fit<T>(
        given: &Given<T>,
        allowed: impl Into<String>,
        reason: impl Into<String>,
    ) -> Problem {
        let refusal = Self::DoesNotFit {
            path: given.path.clone(),
            written: given.written.clone(),
            allowed: allowed.into(),
            reason: reason.into(),
        };
        refusal.at(given.place)
    }

    /// A name that nothing has.
    pub fn unknown_name(given: &Given<String>, allowed: Vec<String>, home: &str) -> Problem {
        let refusal = Self::UnknownName {
            path: given.path.clone(),
            name: given.value.clone(),
            allowed,
            home: home.to_owned(),
        };
        refusal.at(given.place)
    }

    /// Something that has no meaning beside the rest.
    pub fn out_of_place<T>(
        given: &Given<T>,
        allowed: impl Into<String>,
        reason: impl Into<String>,
    ) -> Problem {
        let refusal = Self::OutOfPlace {
            path: given.path.clone(),
            allowed: allowed.into(),
            reason: reason.into(),
        };
        refusal.at(given.place)
    }

    /// A duration that is off the grid: names its nearest neighbours on it, from `least` on.
    pub fn off_grid(given: &Given<Span>, step: Span, least: Span) -> Problem {
        let below = Span {
            milliseconds: given.value.milliseconds / step.milliseconds * step.milliseconds,
        };
        let above = Span {
            milliseconds: below.milliseconds + step.milliseconds,
        };
        let near = if below < least {
            format!("{above}")
        } else {
            format!("{below} or {above}")
        };
        Self::does_not_fit(
            given,
            format!("a multiple of the step of {step}, such as {near}"),
            "times lie on the grid of steps",
        )
    }

    /// The problem of this refusal at a place.
    pub fn at(self, place: Place) -> Problem {
        Problem {
            message: self.to_string(),
            place: Some(place),
            label: self.label(),
        }
    }

    fn label(&self) -> String {
        match self {
            Self::UnknownName {
                name,
                allowed,
                home,
                ..
            } => match nearest(name, allowed.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("no such name {home}"),
            },
            Self::DoesNotFit { reason, .. }
            | Self::Needed { reason, .. }
            | Self::OutOfPlace { reason, .. }
            | Self::ComesTo { reason, .. } => reason.clone(),
            Self::NotPositiveSemidefinite { .. } => {
                "simulation.repair_correlations = true takes the nearest".to_owned()
            }
            Self::Contradiction { .. } | Self::PairTwice { .. } => "which one holds?".to_owned(),
            Self::PositionOverCap { .. } => {
                "a smaller ratio, or part of it at another venue".to_owned()
            }
            Self::UnderInitialMargin { .. } | Self::AccountUnderMargin { .. } => {
                "the venue does not open the position with less".to_owned()
            }
            Self::AlreadyLiquidated { .. } => "more collateral keeps it open".to_owned(),
        }
    }
}

/// The index of a name in a list, or a problem that offers the nearest.
///
/// # Errors
/// If the list has no such name.
pub fn index_of(given: &Given<String>, names: &[&str], home: &str) -> Result<usize, Problem> {
    names
        .iter()
        .position(|name| *name == given.value)
        .ok_or_else(|| {
            let allowed = names.iter().map(|name| (*name).to_owned()).collect();
            Refusal::unknown_name(given, allowed, home)
        })
}

/// The index of a name in a list; `None` where it was noted that the list has no such name.
pub fn noted_index(
    given: &Given<String>,
    names: &[&str],
    home: &str,
    sink: &Sink,
) -> Option<usize> {
    index_of(given, names, home)
        .map_err(|problem| sink.push(problem))
        .ok()
}

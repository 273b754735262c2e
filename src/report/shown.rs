//! Estimates and differences of summary keys in the cells of narrow tables.

use crate::report::figure::{Money, NOTHING, percent, percent_error, probability_cells};
use crate::report::number::{not_zero, plain};
use crate::stats::estimate::Estimate;

/// What a figure is, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An amount.
    Usd,
    /// A part, which may be negative.
    Fraction,
    /// A probability.
    Probability,
}

/// How the cells of one report are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    pub(super) money: Money,
    pub(super) paths: u64,
}

impl Cells {
    /// A value.
    pub(super) fn value(&self, estimate: &Estimate, kind: Kind) -> String {
        let Some(value) = estimate.value else {
            return NOTHING.to_owned();
        };
        match kind {
            Kind::Usd => self.money.bare(value),
            Kind::Fraction => percent(value),
            Kind::Probability => {
                let [text, _] = probability_cells(estimate, self.paths);
                text
            }
        }
    }

    /// A difference of two values.
    pub(super) fn difference(&self, estimate: &Estimate, kind: Kind) -> String {
        estimate
            .value
            .map_or(NOTHING.to_owned(), |value| self.fine(value, kind))
    }

    /// A standard error with its sign: `+-0.12`.
    pub(super) fn error(&self, estimate: &Estimate, kind: Kind) -> String {
        match estimate.std_error {
            Some(error) if estimate.value.is_some() => {
                let text = match kind {
                    Kind::Usd => self.fine(error, kind),
                    Kind::Fraction | Kind::Probability => percent_error(error),
                };
                format!("+-{}", not_zero(text, error))
            }
            Some(_) | None => NOTHING.to_owned(),
        }
    }

    fn fine(&self, value: f64, kind: Kind) -> String {
        match kind {
            Kind::Usd => self.money.finer().bare(value),
            Kind::Fraction | Kind::Probability => percent(value),
        }
    }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(super) fn and_list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Whole numbers in words of a head: `3 proposals`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", plain(count as f64, 0))
}

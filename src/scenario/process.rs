//! `ou`: an Ornstein-Uhlenbeck process, of a basis or of a carry.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::units::{Fraction, fraction, number};

/// An Ornstein-Uhlenbeck process `dx = k (mean - x) dt + volatility dW`.
#[derive(Debug, Clone, PartialEq)]
pub struct OuProcess {
    /// Long-run mean. Optional: 0. Example: `mean = "2bps"`.
    pub mean: Option<Given<Fraction>>,
    /// Value at time 0. Optional: the mean.
    pub initial: Option<Given<Fraction>>,
    /// Volatility per square root of a year, 0 to 20. Example: `volatility = 0.012`.
    pub volatility: Given<Fraction>,
    /// Reversion speed per year, 0 to 1,000,000; 0 makes it a Brownian motion. Example: `reversion_per_year = 200`.
    pub reversion_per_year: Given<f64>,
    /// Correlation of its shocks with the underlying's, -1 to 1. Optional: 0.
    pub correlation_with_spot: Option<Given<Fraction>>,
}

/// What the parameters of a process may be.
#[derive(Debug, Clone, Copy)]
pub struct OuRanges {
    /// Of mean and initial value.
    pub level: Range,
    /// Of the volatility.
    pub volatility: Range,
    /// Of the reversion.
    pub reversion: Range,
}

const CORRELATION: Range = Range::closed(-1.0, 1.0, "-1 to 1 (a correlation)");

impl OuProcess {
    /// Reads a table with the one key `ou`.
    pub fn read_within(mut table: Reader<'_>, ranges: OuRanges) -> Option<Self> {
        let chosen = table.one_of(&["ou"], &[], Requirement::Required);
        let process = chosen.and_then(|key| {
            let mut ou = table.table(key)?;
            let mean = ou.optional("mean", within(fraction, ranges.level));
            let initial = ou.optional("initial", within(fraction, ranges.level));
            let volatility = ou.required("volatility", within(fraction, ranges.volatility));
            let reversion_per_year =
                ou.required("reversion_per_year", within(number, ranges.reversion));
            let correlation_with_spot =
                ou.optional("correlation_with_spot", within(fraction, CORRELATION));
            ou.finish();
            Some(Self {
                mean: mean?,
                initial: initial?,
                volatility: volatility?,
                reversion_per_year: reversion_per_year?,
                correlation_with_spot: correlation_with_spot?,
            })
        });
        table.finish();
        process
    }
}

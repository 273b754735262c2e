//! `contracts.NAME.dated`: expiry and carry of a dated future.

use crate::scenario::checked::within;
use crate::scenario::expiry::{ExpiryChoice, expiry};
use crate::scenario::place::Given;
use crate::scenario::process::{OuProcess, OuRanges};
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::units::{Fraction, fraction};
use crate::scenario::venue::read_optional;

/// A dated future.
#[derive(Debug, Clone, PartialEq)]
pub struct Dated {
    /// When it expires, on the grid of steps. Example: `expiry = "90d"`, `"quarter"`, `"next_quarter"`.
    pub expiry: Given<ExpiryChoice>,
    /// The carry `y` per year, `carry.ou`: mean and initial value -5 to 5. Optional: 0 always.
    pub carry: Option<OuProcess>,
    /// What a year more to expiry adds to `y`, -10 to 10 per year. Optional: 0. Example: `slope_per_year = 0.02`.
    pub slope_per_year: Option<Given<Fraction>>,
}

const CARRY: OuRanges = OuRanges {
    level: Range::closed(-5.0, 5.0, "-5 to 5 (a fraction per year)")
        .too_low("6 % a year is written 0.06 or \"6%\"")
        .too_high("6 % a year is written 0.06 or \"6%\""),
    volatility: Range::closed(0.0, 20.0, "0 to 20 (per year and square root of a year)")
        .too_low("a volatility is not negative")
        .too_high("a fraction: 10 % is written 0.1 or \"10%\""),
    reversion: Range::closed(0.0, 1e6, "0 to 1,000,000 (per year)")
        .too_low("the carry would run away from its mean"),
};
const SLOPE: Range = Range::closed(-10.0, 10.0, "-10 to 10 (of the carry, per year to expiry)")
    .too_low("2 % a year is written 0.02 or \"2%\"")
    .too_high("2 % a year is written 0.02 or \"2%\"");

impl Dated {
    /// Reads the table; also what could be read of its expiry.
    pub fn read(mut table: Reader<'_>) -> (Option<Given<ExpiryChoice>>, Option<Self>) {
        let expires = table.required("expiry", expiry);
        let carry = read_optional(&mut table, "carry", |carry| {
            OuProcess::read_within(carry, CARRY)
        });
        let slope_per_year = table.optional("slope_per_year", within(fraction, SLOPE));
        table.finish();
        let dated = || {
            Some(Self {
                expiry: expires.clone()?,
                carry: carry?,
                slope_per_year: slope_per_year?,
            })
        };
        (expires.clone(), dated())
    }
}

//! `[[correlations]]`: correlations of the assets' Brownian motions.

use crate::scenario::cause::Cause;
use crate::scenario::checked::within;
use crate::scenario::place::{Given, Place};
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::units::{Fraction, fraction, text};

/// The correlation of two assets; pairs that are not listed have 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// The first asset. Example: `between = ["ETH", "BTC"]`.
    pub first: Given<String>,
    /// The second asset.
    pub second: Given<String>,
    /// Correlation of the diffusive shocks, -1 to 1. Example: `value = 0.85`.
    pub value: Given<Fraction>,
}

const CORRELATION: Range = Range::closed(-1.0, 1.0, "-1 to 1 (a correlation)");

impl Correlation {
    /// Reads one entry.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let names = table.values("between", "a list of two asset names", text);
        let value = table.required("value", within(fraction, CORRELATION));
        let path = table.path().to_owned();
        let place: Option<Place> = table.place();
        let has_names = table.has("between");
        if !has_names {
            table.required("between", |_| Ok(()));
        }
        let pair = match names.map(<[Given<String>; 2]>::try_from) {
            Some(Ok(pair)) => Some(pair),
            Some(Err(names)) if has_names => {
                let cause = Cause::NotAllowed {
                    path: format!("{path}.between"),
                    written: format!("a list of {}", names.len()),
                    allowed: "two asset names, such as [\"ETH\", \"BTC\"]".to_owned(),
                    reason: "a correlation is between two assets".to_owned(),
                };
                table.push(cause.at(names.first().map(|name| name.place).or(place)));
                None
            }
            Some(Err(_)) | None => None,
        };
        if let Some([first, second]) = &pair {
            table.note(|draft| draft.pairs.push((first.clone(), second.clone())));
        }
        table.finish();
        let [first, second] = pair?;
        Some(Self {
            first,
            second,
            value: value?,
        })
    }
}

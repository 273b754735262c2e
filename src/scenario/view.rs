//! `[[views]]`: what the user holds to be true of prices at the horizon.

use crate::scenario::cause::{Cause, Complaint};
use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::tree::Node;
use crate::scenario::units::{Fraction, Usd, fraction, number, text, usd};
use crate::scenario::view_expected::expected;

/// One view on spots at the horizon; paths are reweighted until all views hold.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What is held.
    pub choice: ViewChoice,
    /// Where the view stands.
    pub given: Given<()>,
}

/// What a view holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewChoice {
    /// The mean of a price, USD. Example: `asset = "BTC"`, `mean_usd = 70_000` (or `{ at_least = ..., at_most = ... }`).
    Mean {
        /// The asset.
        asset: Given<String>,
        /// Where its mean is held, above 0.
        usd: Bound,
    },
    /// The mean of `ln(S_T / S_0)`, -20 to 20. Example: `asset = "BTC"`, `mean_log_return = "5%"` (or a table as of a mean).
    MeanLogReturn {
        /// The asset.
        asset: Given<String>,
        /// Where it is held.
        value: Bound,
    },
    /// A quantile of a price. Example: `asset = "BTC"`, `quantile = { p = "5%", value_usd = 40_000 }` (or `at_least_usd`, `at_most_usd`).
    Quantile {
        /// The asset.
        asset: Given<String>,
        /// The quantile's level, above 0 and below 1.
        level: f64,
        /// Where it is held, USD, above 0.
        usd: Bound,
    },
    /// A probability. Example: `asset = "BTC"`, `probability = { above_usd = 100_000, is = "30%" }` (or `below_usd`, `at_least`, `at_most`).
    Probability {
        /// The asset.
        asset: Given<String>,
        /// Whether of a price above the level, else below.
        is_above: bool,
        /// The level, USD, above 0.
        level_usd: f64,
        /// Where the probability is held, above 0 and below 1.
        value: Bound,
    },
    /// An order of expected returns. Example: `ordering = { higher = "ETH", lower = "BTC", by = "2%" }`; `by` is optional: 0.
    Ordering {
        /// The asset of the higher expected return `S_T / S_0 - 1`.
        higher: Given<String>,
        /// The asset of the lower one.
        lower: Given<String>,
        /// By how much at least, -10 to 10.
        by: f64,
    },
    /// The correlation of two assets' log returns. Example: `correlation = { between = ["BTC", "ETH"], is = 0.9 }` (or `at_least`, `at_most`).
    Correlation {
        /// One asset.
        first: Given<String>,
        /// Another.
        second: Given<String>,
        /// Where it is held, above -1 and below 1.
        value: Bound,
    },
}

/// Where a quantity is held: exactly, if both ends are there and equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Not below this.
    pub at_least: Option<f64>,
    /// Not above this.
    pub at_most: Option<f64>,
}

/// The variants of a view.
pub const VIEWS: [&str; 7] = [
    "mean_usd",
    "mean_log_return",
    "quantile",
    "probability",
    "ordering",
    "correlation",
    "expect",
];

pub(super) const PRICE: Range = Range::above(0.0, 1e12, "above 0, up to 1e12 (USD per coin)");
pub(super) const PROBABILITY: Range = Range::open(0.0, 1.0, "above 0 and below 1 (a probability)")
    .too_low("paths that the model simulates cannot be ruled out entirely: say a small probability")
    .too_high("30 % is written 0.3 or \"30%\"; certainty cannot be had: say a large probability");
pub(super) const LEVEL: Range = Range::open(
    0.0,
    1.0,
    "above 0 and below 1 (the quantile's level, such as \"5%\")",
);
pub(super) const LOG_RETURN: Range =
    Range::closed(-20.0, 20.0, "-20 to 20 (a mean of ln(S_T / S_0))");
pub(super) const BY: Range =
    Range::closed(-10.0, 10.0, "-10 to 10 (a difference of expected returns)")
        .too_high("5 % is written 0.05 or \"5%\"");
pub(super) const CORRELATION: Range =
    Range::open(-1.0, 1.0, "above -1 and below 1 (a correlation)");

/// Keys of an exact value and of a lower and an upper end.
const ENDS: [&str; 3] = ["is", "at_least", "at_most"];

impl View {
    /// Reads one view.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let given = table.given();
        let asset = table.optional("asset", text);
        let variant = table.one_of(&VIEWS, &[], Requirement::Required);
        let asset = match variant {
            Some("mean_usd" | "mean_log_return" | "quantile" | "probability") => {
                if table.has("asset") {
                    asset.flatten()
                } else {
                    table.required("asset", text)
                }
            }
            Some(variant) => {
                refuse_asset(&table, asset.flatten().as_ref(), variant);
                None
            }
            None => asset.flatten(),
        };
        if let Some(asset) = &asset {
            table.note(|draft| draft.view_assets.push(asset.clone()));
        }
        let choice = match variant {
            Some("mean_usd") => value_or_ends(&mut table, "mean_usd", price)
                .zip(asset)
                .map(|(usd, asset)| ViewChoice::Mean { asset, usd }),
            Some("mean_log_return") => value_or_ends(&mut table, "mean_log_return", log_return)
                .zip(asset)
                .map(|(value, asset)| ViewChoice::MeanLogReturn { asset, value }),
            Some("quantile") => table
                .table("quantile")
                .and_then(quantile)
                .zip(asset)
                .map(|((level, usd), asset)| ViewChoice::Quantile { asset, level, usd }),
            Some("probability") => table
                .table("probability")
                .and_then(probability)
                .zip(asset)
                .map(
                    |((is_above, level_usd, value), asset)| ViewChoice::Probability {
                        asset,
                        is_above,
                        level_usd,
                        value,
                    },
                ),
            Some("ordering") => table.table("ordering").and_then(ordering),
            Some("correlation") => table.table("correlation").and_then(correlation),
            Some("expect") => expected(&mut table),
            _ => None,
        };
        table.finish();
        Some(Self {
            choice: choice?,
            given,
        })
    }
}

/// Notes an asset beside a view that names its own.
fn refuse_asset(table: &Reader<'_>, asset: Option<&Given<String>>, variant: &str) {
    let Some(asset) = asset else { return };
    let cause = Cause::NotAllowed {
        path: asset.path.clone(),
        written: asset.written.clone(),
        allowed: format!("no `asset` beside `{variant}`"),
        reason: format!("`{variant}` names its assets itself"),
    };
    table.push(cause.at(asset.place));
}

fn price(node: &Node) -> Result<f64, Complaint> {
    within(usd, PRICE)(node).map(|Usd(usd)| usd)
}

fn log_return(node: &Node) -> Result<f64, Complaint> {
    within(fraction, LOG_RETURN)(node).map(|Fraction(value)| value)
}

fn probability_value(node: &Node) -> Result<f64, Complaint> {
    within(fraction, PROBABILITY)(node).map(|Fraction(value)| value)
}

/// A bare value, or a table of ends.
fn value_or_ends(
    table: &mut Reader<'_>,
    key: &'static str,
    read: fn(&Node) -> Result<f64, Complaint>,
) -> Option<Bound> {
    if table.is_table(key) {
        let mut inner = table.table(key)?;
        let bound = ends(&mut inner, ENDS, read);
        inner.finish();
        return bound;
    }
    table.required(key, read).map(|given| exactly(given.value))
}

pub(super) fn exactly(value: f64) -> Bound {
    Bound {
        at_least: Some(value),
        at_most: Some(value),
    }
}

/// The ends of a table under these keys: an exact value, or at least one end.
fn ends(
    table: &mut Reader<'_>,
    [is, at_least, at_most]: [&'static str; 3],
    read: fn(&Node) -> Result<f64, Complaint>,
) -> Option<Bound> {
    let exact = table.optional(is, read);
    let low = table.optional(at_least, read);
    let high = table.optional(at_most, read);
    let (exact, low, high) = (exact?, low?, high?);
    let refuse = |given: &Given<f64>, allowed: String, reason: &str| {
        let cause = Cause::NotAllowed {
            path: given.path.clone(),
            written: given.written.clone(),
            allowed,
            reason: reason.to_owned(),
        };
        table.push(cause.at(given.place));
        None
    };
    match (exact, low, high) {
        (Some(exact), None, None) => Some(exactly(exact.value)),
        (Some(_), Some(end), _) | (Some(_), None, Some(end)) => {
            let allowed = format!("beside `{is}` nothing");
            refuse(&end, allowed, "the exact value is given already")
        }
        (None, Some(low), Some(high)) if low.value > high.value => {
            let allowed = format!("at least `{at_least}`, which is {}", low.written);
            refuse(&high, allowed, "the ends have changed places")
        }
        (None, None, None) => {
            // The exact value is what most views give: it is the one that is missed.
            table.required(is, read);
            None
        }
        (None, low, high) => Some(Bound {
            at_least: low.map(|given| given.value),
            at_most: high.map(|given| given.value),
        }),
    }
}

fn quantile(mut table: Reader<'_>) -> Option<(f64, Bound)> {
    let level = table.required("p", within(fraction, LEVEL));
    let usd = ends(
        &mut table,
        ["value_usd", "at_least_usd", "at_most_usd"],
        price,
    );
    let is_between =
        |usd: &Bound| matches!((usd.at_least, usd.at_most), (Some(low), Some(high)) if low < high);
    let usd = match usd {
        Some(usd) if is_between(&usd) => {
            let cause = Cause::NotAllowed {
                path: format!("{}.at_most_usd", table.path()),
                written: "beside `at_least_usd`".to_owned(),
                allowed: "one of `value_usd`, `at_least_usd`, `at_most_usd`".to_owned(),
                reason: "a quantile between two prices is two views".to_owned(),
            };
            table.push(cause.at(table.place_of("at_most_usd")));
            None
        }
        usd => usd,
    };
    table.finish();
    Some((level?.value.0, usd?))
}

fn probability(mut table: Reader<'_>) -> Option<(bool, f64, Bound)> {
    let value = ends(&mut table, ENDS, probability_value);
    let side = table.one_of(&["above_usd", "below_usd"], &[], Requirement::Required);
    let level = side.and_then(|side| table.required(side, price));
    table.finish();
    Some((side? == "above_usd", level?.value, value?))
}

fn ordering(mut table: Reader<'_>) -> Option<ViewChoice> {
    let higher = table.required("higher", text);
    let lower = table.required("lower", text);
    let by = table.optional("by", within(fraction, BY));
    note_pair(&table, higher.as_ref(), lower.as_ref());
    table.finish();
    Some(ViewChoice::Ordering {
        higher: higher?,
        lower: lower?,
        by: by?.map_or(0.0, |given| given.value.0),
    })
}

fn correlation(mut table: Reader<'_>) -> Option<ViewChoice> {
    let has_names = table.has("between");
    let names = table.values("between", "a list of two asset names", text);
    if !has_names {
        table.required("between", |_| Ok(()));
    }
    let value = ends(&mut table, ENDS, correlation_value);
    let pair = match names.map(<[Given<String>; 2]>::try_from) {
        Some(Ok(pair)) => Some(pair),
        Some(Err(names)) if has_names => {
            let cause = Cause::NotAllowed {
                path: format!("{}.between", table.path()),
                written: format!("a list of {}", names.len()),
                allowed: "two asset names, such as [\"ETH\", \"BTC\"]".to_owned(),
                reason: "a correlation is between two assets".to_owned(),
            };
            table.push(cause.at(table.place_of("between")));
            None
        }
        Some(Err(_)) | None => None,
    };
    if let Some([first, second]) = &pair {
        note_pair(&table, Some(first), Some(second));
    }
    table.finish();
    let [first, second] = pair?;
    Some(ViewChoice::Correlation {
        first,
        second,
        value: value?,
    })
}

fn correlation_value(node: &Node) -> Result<f64, Complaint> {
    within(fraction, CORRELATION)(node).map(|Fraction(value)| value)
}

/// Keeps the names of two assets, and notes where they are the same.
pub(super) fn note_pair(
    table: &Reader<'_>,
    first: Option<&Given<String>>,
    second: Option<&Given<String>>,
) {
    for asset in [first, second].into_iter().flatten() {
        table.note(|draft| draft.view_assets.push(asset.clone()));
    }
    let (Some(first), Some(second)) = (first, second) else {
        return;
    };
    if first.value == second.value {
        let cause = Cause::NotAllowed {
            path: second.path.clone(),
            written: second.written.clone(),
            allowed: "another asset than the first".to_owned(),
            reason: "a view on two assets".to_owned(),
        };
        table.push(cause.at(second.place));
    }
}

/// The effective number of paths that views must leave, as a fraction of the paths.
///
/// # Errors
/// If the value is not a number from 0 to 1.
pub fn least_effective(node: &Node) -> Result<Fraction, Complaint> {
    const LEAST: Range = Range::closed(0.0, 1.0, "0 to 1 (a fraction of the paths)")
        .too_high("10 % is written 0.1 or \"10%\"");
    // A bare number is a fraction as everywhere else.
    let read = within(fraction, LEAST);
    read(node).map_err(|complaint| match (number(node), complaint) {
        (Ok(count), Complaint::Allowed { allowed, .. }) if count > 1.0 => {
            Complaint::allowed(allowed, "a fraction of the paths, not their number")
        }
        (_, complaint) => complaint,
    })
}

//! `[[limits]]`: what must hold of the results.

use crate::scenario::cause::Complaint;
use crate::scenario::place::Given;
use crate::scenario::reader::Reader;
use crate::scenario::tree::Node;
use crate::scenario::units::{fraction_from_text, text};

/// One limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// `path <= bound` or `path >= bound` (also `<`, `>`). Example: `require = "liquidation.probability <= 30%"`.
    pub require: Given<Requirement>,
}

/// A limit, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// The limit as written.
    pub text: String,
    /// Dotted path of the summary value.
    pub path: String,
    /// Whether the value must not be above the bound (else: not below).
    pub is_at_most: bool,
    /// The bound.
    pub bound: f64,
    /// Whether the bound was written with `%` or `bps`.
    pub has_unit: bool,
}

/// What a limit looks like, for messages.
pub const LIMIT_FORM: &str =
    "a path, one of <=, <, >=, >, and a number, such as \"liquidation.probability <= 30%\"";

impl Limit {
    /// Reads one limit.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let require = table.required("require", requirement);
        table.finish();
        Some(Self { require: require? })
    }
}

fn requirement(node: &Node) -> Result<Requirement, Complaint> {
    Requirement::parse(&text(node)?).map_err(|reason| Complaint::allowed(LIMIT_FORM, reason))
}

impl Requirement {
    /// Reads a limit as it is written, of the form [`LIMIT_FORM`].
    ///
    /// # Errors
    /// What it lacks.
    pub fn parse(whole: &str) -> Result<Self, &'static str> {
        let at = whole.find(['<', '>', '=']).ok_or("no comparison")?;
        let path = whole[..at].trim();
        let rest = &whole[at..];
        let (is_at_most, bound) = match rest.as_bytes() {
            [b'<', b'=', ..] => (true, &rest[2..]),
            [b'>', b'=', ..] => (false, &rest[2..]),
            [b'<', ..] => (true, &rest[1..]),
            [b'>', ..] => (false, &rest[1..]),
            _ => return Err("compare with <= or >="),
        };
        let is_name = |key: &str| {
            !key.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        // `percentiles.p0.1` is a path too: its parts are names or digits.
        if path.is_empty() || !path.split('.').all(is_name) {
            return Err("left of the comparison stands a dotted path");
        }
        let (bound, has_unit) =
            number_or_percent(bound.trim()).ok_or("right of the comparison stands a number")?;
        Ok(Self {
            text: whole.trim().to_owned(),
            path: path.to_owned(),
            is_at_most,
            bound,
            has_unit,
        })
    }
}

/// A finite number, and whether it has a unit.
fn number_or_percent(text: &str) -> Option<(f64, bool)> {
    if let Some(fraction) = fraction_from_text(text) {
        return Some((fraction.0, true));
    }
    let number = text.replace('_', "").parse::<f64>().ok()?;
    number.is_finite().then_some((number, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::place::Place;
    use crate::scenario::tree::Value;

    fn read(text: &str) -> Result<Requirement, Complaint> {
        requirement(&Node {
            value: Value::Text(text.to_owned()),
            place: Place {
                source: 0,
                start: 0,
                end: 0,
            },
            written: text.to_owned(),
        })
    }

    #[test]
    fn limits_are_read() {
        let limit = read("liquidation.probability <= 30%").unwrap();
        assert_eq!(
            (limit.path.as_str(), limit.is_at_most, limit.bound),
            ("liquidation.probability", true, 0.3)
        );
        assert!(limit.has_unit);
        let limit = read("hedged.percentiles.p0.1>-5_000_000").unwrap();
        assert!(!limit.has_unit);
        assert_eq!(
            (limit.path.as_str(), limit.is_at_most, limit.bound),
            ("hedged.percentiles.p0.1", false, -5e6)
        );
        for wrong in [
            "", "x", "x = 1", "<= 1", "x <= ", "x <= nan", "a b < 1", "x <=> 1", "a..b < 1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

//! The units a person writes: durations, fractions, amounts of USD, quantities of coins, counts.

use crate::scenario::cause::Complaint;
use crate::scenario::tree::{Node, Value};

/// A duration, `"90d"`, `"8h"`, `"15m"`, `"1h30m"`; exact to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Length in milliseconds.
    pub milliseconds: u64,
}

/// A dimensionless number or a rate: `0.25`, `"25%"`, `"25bps"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Fraction(pub f64);

/// An amount of US dollars (or USDT).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Usd(pub f64);

/// A quantity of coins.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct BaseQuantity(pub f64);

const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

const DURATION: &str = "a duration such as \"90d\", \"8h\", \"15m\" or \"1h30m\"";
const FRACTION: &str = "a number such as 0.25, or a string such as \"25%\" or \"25bps\"";

impl Span {
    /// A span of whole hours.
    pub const fn hours(hours: u64) -> Self {
        Self {
            milliseconds: hours * 3_600_000,
        }
    }

    /// Length in days.
    pub fn days(self) -> f64 {
        self.milliseconds as f64 / 86_400_000.0
    }

    /// How many times `step` fits, if it does so without remainder.
    pub fn steps(self, step: Self) -> Option<u64> {
        (step.milliseconds > 0 && self.milliseconds.is_multiple_of(step.milliseconds))
            .then(|| self.milliseconds / step.milliseconds)
    }

    /// Reads a duration's text.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?;
            let count: f64 = rest[..digits].replace('_', "").parse().ok()?;
            let (unit, size) = UNITS
                .iter()
                .find(|(unit, _)| rest[digits..].starts_with(unit))?;
            let exact = count * *size as f64;
            // Decimals such as 10.2 days are whole milliseconds but for the rounding of their product.
            let milliseconds = exact.round();
            if (exact - milliseconds).abs() > 2.0 * f64::EPSILON * exact || milliseconds > 1e15 {
                return None;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, not negative, below 1e15"
            )]
            let whole = milliseconds as u64;
            total = total.checked_add(whole)?;
            rest = rest[digits + unit.len()..].trim_start();
        }
        Some(Self {
            milliseconds: total,
        })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.milliseconds == 0 {
            return f.write_str("0d");
        }
        let mut rest = self.milliseconds;
        for (unit, size) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
            ("ms", 1),
        ] {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

/// Reads a duration.
///
/// # Errors
/// If the value is anything but a string with units.
pub fn span(node: &Node) -> Result<Span, Complaint> {
    match &node.value {
        Value::Text(text) => Span::from_text(text).ok_or_else(|| {
            let bare = text.trim().parse::<f64>().is_ok();
            Complaint::allowed(
                DURATION,
                if bare {
                    "the unit is missing"
                } else {
                    "units are w, d, h, m, s"
                },
            )
        }),
        Value::Integer(_) | Value::Float(_) => Err(Complaint::allowed(
            DURATION,
            format!("the unit is missing: \"{}d\" is in days", node.written),
        )),
        _ => Err(Complaint::kind(DURATION)),
    }
}

/// Reads a finite number, integer or float.
///
/// # Errors
/// If the value is not a number, or is not finite.
pub fn number(node: &Node) -> Result<f64, Complaint> {
    match &node.value {
        Value::Integer(inner) => Ok(*inner as f64),
        Value::Float(inner) if inner.is_finite() => Ok(*inner),
        Value::Float(_) => Err(Complaint::allowed(
            "a finite number",
            "nan and inf are no amounts",
        )),
        Value::Text(text)
            if text
                .trim()
                .replace('_', "")
                .parse::<f64>()
                .is_ok_and(f64::is_finite) =>
        {
            Err(Complaint::allowed(
                "a number",
                format!("write {} without quotes", text.trim()),
            ))
        }
        _ => Err(Complaint::kind("a number")),
    }
}

/// Reads a fraction.
///
/// # Errors
/// If the value is neither a finite number nor a string ending in `%` or `bps`.
pub fn fraction(node: &Node) -> Result<Fraction, Complaint> {
    let Value::Text(text) = &node.value else {
        return match &node.value {
            Value::Integer(_) | Value::Float(_) => number(node).map(Fraction),
            _ => Err(Complaint::kind(FRACTION)),
        };
    };
    fraction_from_text(text).ok_or_else(|| {
        if text.trim().parse::<f64>().is_ok_and(f64::is_finite) {
            Complaint::allowed(
                FRACTION,
                format!("write {} without quotes, or with its unit", text.trim()),
            )
        } else {
            Complaint::allowed(FRACTION, "a string needs % or bps at its end")
        }
    })
}

/// Reads `25%` or `25bps`.
pub fn fraction_from_text(text: &str) -> Option<Fraction> {
    let text = text.trim();
    let (digits, divisor) = match text.strip_suffix("bps") {
        Some(digits) => (digits, 10_000.0),
        None => (text.strip_suffix('%')?, 100.0),
    };
    let value: f64 = digits.trim().replace('_', "").parse().ok()?;
    value.is_finite().then_some(Fraction(value / divisor))
}

/// Reads an amount of USD.
///
/// # Errors
/// If the value is not a finite number.
pub fn usd(node: &Node) -> Result<Usd, Complaint> {
    number(node).map(Usd)
}

/// Reads a quantity of coins.
///
/// # Errors
/// If the value is not a finite number.
pub fn base_quantity(node: &Node) -> Result<BaseQuantity, Complaint> {
    number(node).map(BaseQuantity)
}

/// Whether a text is a whole number that does not fit.
fn is_beyond_64_bits(text: &str) -> bool {
    let number = text.trim().replace('_', "");
    let digits = number.trim_start_matches(['+', '-']);
    let is_whole = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_whole && number.parse::<i64>().is_err()
}

/// Reads a whole number, not negative.
///
/// # Errors
/// If the value is anything else.
pub fn count(node: &Node) -> Result<u64, Complaint> {
    let allowed = "a whole number, 0 to 9,223,372,036,854,775,807";
    match &node.value {
        Value::Integer(inner) => {
            u64::try_from(*inner).map_err(|_| Complaint::allowed(allowed, "negative"))
        }
        Value::Float(inner) if inner.fract() == 0.0 && (0.0..9e15).contains(inner) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, not negative, below 2^53"
            )]
            let whole = *inner as u64;
            Ok(whole)
        }
        Value::Float(_) => Err(Complaint::allowed(allowed, "")),
        // An override of so many digits is no TOML, and is taken as a string.
        Value::Text(text) if is_beyond_64_bits(text) => {
            Err(Complaint::allowed(allowed, "a number beyond 64 bits"))
        }
        _ => Err(Complaint::kind(allowed)),
    }
}

/// Reads a string.
///
/// # Errors
/// If the value is not a string.
pub fn text(node: &Node) -> Result<String, Complaint> {
    match &node.value {
        Value::Text(inner) => Ok(inner.clone()),
        _ => Err(Complaint::kind("a string")),
    }
}

/// Reads a string that people are shown.
///
/// # Errors
/// If the value is not a string, or has control characters.
pub fn plain_text(node: &Node) -> Result<String, Complaint> {
    let read = text(node)?;
    if read.chars().any(char::is_control) {
        return Err(Complaint::allowed(
            "text without control characters",
            "reports show this text",
        ));
    }
    Ok(read)
}

/// Reads `true` or `false`.
///
/// # Errors
/// If the value is anything else.
pub fn boolean(node: &Node) -> Result<bool, Complaint> {
    match node.value {
        Value::Boolean(inner) => Ok(inner),
        _ => Err(Complaint::kind("true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_and_print_back() {
        for (text, hours, printed) in [
            ("90d", 2160.0, "90d"),
            ("8h", 8.0, "8h"),
            ("15m", 0.25, "15m"),
            ("1h30m", 1.5, "1h30m"),
            ("1.5h", 1.5, "1h30m"),
            ("1w 1d", 192.0, "8d"),
            ("0d", 0.0, "0d"),
            // 10.2 times the milliseconds of a day is 881280000.0000001 as a product of binary numbers.
            ("10.2d", 244.8, "10d4h48m"),
            ("0.1d", 2.4, "2h24m"),
        ] {
            let span = Span::from_text(text).unwrap();
            assert!((span.days() * 24.0 - hours).abs() < 1e-12, "{text}");
            assert_eq!(span.to_string(), printed);
        }
        for text in [
            "",
            "90",
            "d",
            "8x",
            "-1d",
            "1e3d",
            "1..5h",
            "0.0001ms",
            "10.2000000001d",
            "9999999999999999w",
            "8h4",
        ] {
            assert_eq!(Span::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn steps_have_no_remainder() {
        let step = Span::hours(8);
        assert_eq!(Span::hours(24).steps(step), Some(3));
        assert_eq!(Span::hours(25).steps(step), None);
        assert_eq!(step.steps(Span { milliseconds: 0 }), None);
    }

    #[test]
    fn fractions_have_units() {
        assert_eq!(fraction_from_text("25%"), Some(Fraction(0.25)));
        assert_eq!(fraction_from_text("25bps"), Some(Fraction(0.0025)));
        assert_eq!(fraction_from_text(" -1.5 %"), Some(Fraction(-0.015)));
        for text in ["25", "%", "nan%", "x%", "inf bps"] {
            assert_eq!(fraction_from_text(text), None, "{text}");
        }
    }
}

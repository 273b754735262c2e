//! When a contract expires, and which contract it is rolled into.

use crate::scenario::cause::Complaint;
use crate::scenario::nearest::nearest;
use crate::scenario::simulation::bounded_span;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::Span;

/// When a contract expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiryChoice {
    /// So long after time 0.
    After(Span),
    /// At the first quarterly expiry strictly after `simulation.start`.
    Quarter,
    /// At the second one.
    NextQuarter,
}

/// The contract that a roll leads into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollInto {
    /// The one that expires so long after the old one.
    After(Span),
    /// The one of the next quarterly expiry after the old one's.
    Quarter,
}

const QUARTER: &str = "quarter";
const NEXT_QUARTER: &str = "next_quarter";
const EXPIRY: &str = "a duration such as \"90d\", \"quarter\" or \"next_quarter\"";
const INTO: &str = "a duration such as \"91d\", or \"quarter\"";

/// Reads an expiry: a duration above 0 up to 20 years, `"quarter"` or `"next_quarter"`.
///
/// # Errors
/// If the value is anything else.
pub fn expiry(node: &Node) -> Result<ExpiryChoice, Complaint> {
    match word(node, &[QUARTER, NEXT_QUARTER], EXPIRY)? {
        Some(QUARTER) => Ok(ExpiryChoice::Quarter),
        Some(_) => Ok(ExpiryChoice::NextQuarter),
        None => bounded_span(node).map(ExpiryChoice::After),
    }
}

/// Reads what a roll leads into: a duration above 0 up to 20 years, or `"quarter"`.
///
/// # Errors
/// If the value is anything else.
pub fn roll_into(node: &Node) -> Result<RollInto, Complaint> {
    match word(node, &[QUARTER], INTO)? {
        Some(_) => Ok(RollInto::Quarter),
        None => bounded_span(node).map(RollInto::After),
    }
}

/// One of the words; `None` for what begins like a duration.
fn word(
    node: &Node,
    words: &[&'static str],
    allowed: &'static str,
) -> Result<Option<&'static str>, Complaint> {
    let Value::Text(text) = &node.value else {
        return match &node.value {
            Value::Integer(_) | Value::Float(_) => Err(Complaint::allowed(
                allowed,
                format!("the unit is missing: \"{}d\" is in days", node.written),
            )),
            _ => Err(Complaint::kind(allowed)),
        };
    };
    if let Some(word) = words.iter().find(|word| **word == text.trim()) {
        return Ok(Some(word));
    }
    if Span::from_text(text).is_some() {
        return Ok(None);
    }
    let reason = nearest(text, words.iter().copied())
        .map_or(String::new(), |word| format!("did you mean \"{word}\"?"));
    Err(Complaint::allowed(allowed, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::place::Place;

    fn node(text: &str) -> Node {
        Node {
            value: Value::Text(text.to_owned()),
            place: Place {
                source: 0,
                start: 0,
                end: 0,
            },
            written: format!("\"{text}\""),
        }
    }

    #[test]
    fn durations_and_quarters_are_read() {
        let days = |days: u64| Span::hours(24 * days);
        assert_eq!(
            expiry(&node("90d")),
            Ok(ExpiryChoice::After(Span::hours(2160)))
        );
        assert_eq!(expiry(&node("quarter")), Ok(ExpiryChoice::Quarter));
        assert_eq!(expiry(&node("next_quarter")), Ok(ExpiryChoice::NextQuarter));
        assert_eq!(roll_into(&node("quarter")), Ok(RollInto::Quarter));
        assert_eq!(roll_into(&node("91d")), Ok(RollInto::After(days(91))));
        assert!(roll_into(&node("next_quarter")).is_err());
        let refused = Complaint::allowed(EXPIRY, "did you mean \"quarter\"?");
        assert_eq!(expiry(&node("quater")), Err(refused));
        assert!(expiry(&node("0d")).is_err() && expiry(&node("9000d")).is_err());
    }
}

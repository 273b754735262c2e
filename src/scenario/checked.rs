//! Reading functions that check: a number within its range, one of several words.

use crate::scenario::cause::Complaint;
use crate::scenario::nearest::nearest;
use crate::scenario::range::Range;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::{BaseQuantity, Fraction, Usd};

/// A number whose range can be checked.
pub trait Magnitude {
    /// The bare number.
    fn magnitude(&self) -> f64;
}

impl Magnitude for f64 {
    fn magnitude(&self) -> f64 {
        *self
    }
}

impl Magnitude for Fraction {
    fn magnitude(&self) -> f64 {
        self.0
    }
}

impl Magnitude for Usd {
    fn magnitude(&self) -> f64 {
        self.0
    }
}

impl Magnitude for BaseQuantity {
    fn magnitude(&self) -> f64 {
        self.0
    }
}

/// A reading function with a range.
pub fn within<T: Magnitude>(
    read: impl Fn(&Node) -> Result<T, Complaint>,
    range: Range,
) -> impl Fn(&Node) -> Result<T, Complaint> {
    move |node| {
        let value = read(node)?;
        range.check(value.magnitude())?;
        Ok(value)
    }
}

/// A reading function for one of several words; those in `later` are not supported yet.
pub fn word<T: Copy>(
    words: &'static [(&'static str, T)],
    later: &'static [&'static str],
) -> impl Fn(&Node) -> Result<T, Complaint> {
    move |node| {
        let allowed: Vec<String> = words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        let allowed = allowed.join(" or ");
        let Value::Text(text) = &node.value else {
            return Err(Complaint::kind(allowed));
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
            return Ok(*value);
        }
        if later.contains(&text.as_str()) {
            return Err(Complaint::Later);
        }
        let reason = nearest(text, words.iter().map(|(word, _)| *word))
            .map_or(String::new(), |word| format!("did you mean \"{word}\"?"));
        Err(Complaint::allowed(allowed, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::place::Place;
    use crate::scenario::units::number;

    fn node(value: Value) -> Node {
        let place = Place {
            source: 0,
            start: 0,
            end: 0,
        };
        let written = String::new();
        Node {
            value,
            place,
            written,
        }
    }

    #[test]
    fn words_are_chosen_refused_or_put_off() {
        let read = word(&[("bridge", 1), ("endpoints", 2)], &["exact"]);
        let text = |word: &str| node(Value::Text(word.to_owned()));
        assert_eq!(read(&text("endpoints")), Ok(2));
        assert_eq!(read(&text("exact")), Err(Complaint::Later));
        let allowed = "\"bridge\" or \"endpoints\"";
        let refused = Complaint::allowed(allowed, "did you mean \"bridge\"?");
        assert_eq!(read(&text("brdige")), Err(refused));
        assert_eq!(
            read(&node(Value::Integer(1))),
            Err(Complaint::kind(allowed))
        );
    }

    #[test]
    fn numbers_are_read_before_they_are_compared() {
        let read = within(number, Range::closed(0.0, 1.0, "0 to 1"));
        assert_eq!(read(&node(Value::Integer(1))), Ok(1.0));
        let refused = Complaint::allowed("0 to 1", "");
        assert_eq!(read(&node(Value::Float(1.5))), Err(refused));
        assert!(read(&node(Value::Float(f64::NAN))).is_err());
    }
}

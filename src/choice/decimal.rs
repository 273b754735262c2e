//! Decimal numbers as people write them, added exactly: 0.1 + 2 * 0.1 is 0.3.

use std::fmt;

/// A decimal number, `digits / 10^places`, with as few places as it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    places: u32,
}

/// Digits of a number and of its steps: more say nothing to a double, and their sums stay far within 128 bits.
const MOST_DIGITS: usize = 18;

/// Largest power of ten that a number is written with, either way.
const MOST_PLACES: u32 = 18;

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self {
        digits: 0,
        places: 0,
    };

    /// Reads the number at the start of a text: `60_000`, `-0.25`, `1e-4`. Returns it and what follows it.
    ///
    /// `None` if no number stands there, or one of more than 18 digits or powers of ten.
    pub fn at_start(text: &str) -> Option<(Self, &str)> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_negative = text.starts_with('-');
        let is_of_number = |c: char| c.is_ascii_digit() || c == '_' || c == '.';
        let end = unsigned
            .find(|c| !is_of_number(c))
            .unwrap_or(unsigned.len());
        let (number, rest) = unsigned.split_at(end);
        let (power, rest) = power_at_start(rest);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if decimals.contains('.') || !number.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut written: String = [whole, decimals].concat();
        written.retain(|c| c != '_');
        let written = written.trim_start_matches('0');
        if written.len() > MOST_DIGITS || power.unsigned_abs() > MOST_PLACES {
            return None;
        }
        let mut digits: i128 = if written.is_empty() {
            0
        } else {
            written.parse().ok()?
        };
        let decimals = decimals.chars().filter(|c| *c != '_').count();
        let mut places = i32::try_from(decimals).ok()? - power;
        if places < 0 {
            digits *= 10_i128.pow(places.unsigned_abs());
            places = 0;
        }
        if is_negative {
            digits = -digits;
        }
        let places = places.unsigned_abs();
        (places <= 2 * MOST_PLACES).then_some((Self { digits, places }.shortest(), rest))
    }

    /// `self + count * step`; `None` beyond 128 bits.
    pub fn plus(self, count: u64, step: Self) -> Option<Self> {
        let places = self.places.max(step.places);
        let moved = step.scaled_to(places)?.checked_mul(i128::from(count))?;
        let digits = self.scaled_to(places)?.checked_add(moved)?;
        Some(Self { digits, places }.shortest())
    }

    /// How many whole steps lie between `self` and `to`; negative where the steps lead away; `None` for a step of 0 or beyond 128 bits.
    pub fn steps_to(self, to: Self, step: Self) -> Option<i128> {
        let places = self.places.max(to.places).max(step.places);
        let way = to.scaled_to(places)?.checked_sub(self.scaled_to(places)?)?;
        let step = step.scaled_to(places)?;
        (step != 0).then(|| {
            if way != 0 && (way < 0) != (step < 0) {
                -1
            } else {
                way / step
            }
        })
    }

    /// The number halfway between two, exactly; `None` beyond 128 bits.
    pub fn halfway(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places) + 1;
        let sum = self
            .scaled_to(places)?
            .checked_add(other.scaled_to(places)?)?;
        // Both end in a zero: their sum is even.
        let digits = sum / 2;
        Some(Self { digits, places }.shortest())
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        // What it is written as is a number.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    fn scaled_to(self, places: u32) -> Option<i128> {
        let factor = 10_i128.checked_pow(places.checked_sub(self.places)?)?;
        self.digits.checked_mul(factor)
    }

    fn shortest(mut self) -> Self {
        while self.places > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.places -= 1;
        }
        self
    }
}

/// The exponent at the start of a text, 0 without one, and what follows.
fn power_at_start(text: &str) -> (i32, &str) {
    let without = (0, text);
    let Some(power) = text.strip_prefix(['e', 'E']) else {
        return without;
    };
    let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
    let digits = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    let end = power.len() - unsigned.len() + digits;
    match power[..end].parse() {
        Ok(exponent) => (exponent, &power[end..]),
        Err(_) => without,
    }
}

impl fmt::Display for Decimal {
    /// Plain digits, without an exponent and without zeros at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let places = self.places as usize;
        let digits = format!(
            "{:0>width$}",
            self.digits.unsigned_abs(),
            width = places + 1
        );
        let (whole, decimals) = digits.split_at(digits.len() - places);
        if decimals.is_empty() {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{decimals}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        let (number, rest) = Decimal::at_start(text).expect(text);
        assert_eq!(rest, "", "{text}");
        number
    }

    #[test]
    fn numbers_are_read_and_written_shortest() {
        for (text, written) in [
            ("0.10", "0.1"),
            ("60_000_000", "60000000"),
            ("-0.25", "-0.25"),
            ("+3", "3"),
            ("1e7", "10000000"),
            ("2.5e-4", "0.00025"),
            ("-0", "0"),
            ("0.0", "0"),
            ("100", "100"),
        ] {
            assert_eq!(number(text).to_string(), written, "{text}");
        }
        let (eight, unit) = Decimal::at_start("8h").unwrap();
        assert_eq!((eight.to_string().as_str(), unit), ("8", "h"));
        for text in [
            "",
            "x",
            ".5",
            "1.2.3",
            "-",
            "%",
            "1234567890123456789",
            "1e19",
            "_1",
        ] {
            assert!(
                Decimal::at_start(text).is_none_or(|(_, rest)| !rest.is_empty()),
                "{text}"
            );
        }
    }

    #[test]
    fn tenths_add_up() {
        let tenth = number("0.1");
        let sums: Vec<String> = (0..3)
            .map(|i| tenth.plus(i, tenth).unwrap().to_string())
            .collect();
        assert_eq!(sums, ["0.1", "0.2", "0.3"]);
        assert_eq!(tenth.steps_to(number("0.3"), tenth), Some(2));
        assert_eq!(tenth.steps_to(number("0.29"), tenth), Some(1));
        assert_eq!(tenth.steps_to(number("0.05"), tenth), Some(-1));
        assert_eq!(tenth.steps_to(number("-0.3"), number("-0.2")), Some(2));
        assert_eq!(tenth.steps_to(tenth, tenth), Some(0));
        assert_eq!(tenth.steps_to(tenth, Decimal::ZERO), None);
        assert_eq!(tenth.halfway(number("0.2")).unwrap().to_string(), "0.15");
        assert_eq!(
            number("1").halfway(number("-4")).unwrap().to_string(),
            "-1.5"
        );
    }

    proptest! {
        /// Against whole numbers of the smallest unit.
        #[test]
        fn sums_are_those_of_whole_numbers(
            from in -1_000_000_i64..1_000_000,
            step in -10_000_i64..10_000,
            count in 0_u64..10_000,
            places in 0_usize..9,
        ) {
            let text = |units: i128| {
                let sign = if units < 0 { "-" } else { "" };
                let digits = format!("{:0>width$}", units.unsigned_abs(), width = places + 1);
                let (whole, decimals) = digits.split_at(digits.len() - places);
                format!("{sign}{whole}.{decimals}0")
            };
            let end = i128::from(from) + i128::from(count) * i128::from(step);
            let (first, by) = (number(&text(from.into())), number(&text(step.into())));
            let last = first.plus(count, by).unwrap();
            prop_assert_eq!(last, number(&text(end)));
            prop_assert_eq!(number(&last.to_string()), last);
            if step != 0 {
                prop_assert_eq!(first.steps_to(last, by), Some(i128::from(count)));
            }
            let exact: f64 = text(end).parse().unwrap();
            prop_assert_eq!(last.to_f64().to_bits(), (exact + 0.0).to_bits());
        }
    }
}

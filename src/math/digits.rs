//! The digits of numbers as people read them.

/// A written number with commas between its thousands: `-12,345.60`. A sign and what follows a point stay as they are, and so does what is
/// no number.
pub fn in_thousands(number: &str) -> String {
    let sign = usize::from(number.starts_with('-'));
    let whole = number.find('.').unwrap_or(number.len());
    let (before, digits) = number[..whole].split_at(sign);
    let mut grouped = String::with_capacity(number.len() + digits.len() / 3);
    grouped.push_str(before);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &number[whole..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart_and_nothing_else_is() {
        for (written, read) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-100", "-100"),
            ("-123456.7890", "-123,456.7890"),
            ("10000000", "10,000,000"),
            ("inf", "inf"),
            ("-inf", "-inf"),
            ("NaN", "NaN"),
        ] {
            assert_eq!(in_thousands(written), read);
        }
    }
}

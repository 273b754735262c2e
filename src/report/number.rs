//! Numbers as people read them: grouped digits, percentages, and as many decimals as say something.

use crate::math::digits::in_thousands;

/// An amount of money or a price: 175,000,000; 3,500.70 below 10,000; four digits below 1.
///
/// An infinite amount is `no limit`.
pub fn usd(value: f64) -> String {
    let size = value.abs();
    if value.is_infinite() {
        return "no limit".to_owned();
    }
    let digits = if size >= 10_000.0 || size == 0.0 {
        0
    } else if size >= 1.0 {
        2
    } else {
        leading_zeros(size) + 4
    };
    plain(value, digits)
}

/// A price: two decimals from 1 USD on, none from a million on, four digits below 1.
pub fn price(value: f64) -> String {
    if (1.0..1e6).contains(&value.abs()) {
        plain(value, 2)
    } else {
        usd(value)
    }
}

/// A fraction as a percentage with three leading digits or so: 19.4 %, 1.20 %, 0.375 %, 0.0100 %.
pub fn percent(frac: f64) -> String {
    let size = (100.0 * frac).abs();
    let digits = if size >= 100.0 {
        0
    } else if size >= 10.0 || size == 0.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        (leading_zeros(size) + 3).min(6)
    };
    format!("{} %", plain(100.0 * frac, digits))
}

/// A number with so many decimals, its whole part grouped by thousands.
pub fn plain(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let is_negative = value < 0.0 && text.bytes().any(|b| b != b'0' && b != b'.');
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{}", in_thousands(&text))
}

/// A positive number in words that show none of its digits as what it is less than: `<0.001` for `0.000`. Any other as it is.
pub fn not_zero(text: String, value: f64) -> String {
    let shows_digits = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    match text.rfind('0') {
        Some(last) if value > 0.0 && !shows_digits => {
            format!("<{}1{}", &text[..last], &text[last + 1..])
        }
        Some(_) | None => text,
    }
}

/// Zeros between the point and the first digit of a number between 0 and 1, at most 12.
fn leading_zeros(size: f64) -> usize {
    let mut zeros = 0;
    let mut scaled = size * 10.0;
    while scaled < 1.0 && zeros < 12 {
        scaled *= 10.0;
        zeros += 1;
    }
    zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped_and_short() {
        let cases = [
            (175e6, "175,000,000"),
            (-60_123.4, "-60,123"),
            (3_500.7, "3,500.70"),
            (1.0, "1.00"),
            (0.0, "0"),
            (0.012_343, "0.01234"),
            (-0.5, "-0.5000"),
            (999.996, "1,000.00"),
            (f64::INFINITY, "no limit"),
        ];
        for (value, text) in cases {
            assert_eq!(usd(value), text);
        }
    }

    #[test]
    fn percentages_keep_three_digits() {
        let cases = [
            (0.194, "19.4 %"),
            (-0.194, "-19.4 %"),
            (1.5, "150 %"),
            (0.012, "1.20 %"),
            (0.003_75, "0.375 %"),
            (0.000_1, "0.0100 %"),
            (0.0, "0.0 %"),
        ];
        for (frac, text) in cases {
            assert_eq!(percent(frac), text);
        }
    }

    #[test]
    fn what_is_not_zero_is_not_shown_as_zero() {
        let cases = [
            (0.0004, 3, "<0.001"),
            (0.0, 3, "0.000"),
            (0.4, 0, "<1"),
            (0.0006, 3, "0.001"),
            (12.0, 0, "12"),
        ];
        for (value, digits, text) in cases {
            assert_eq!(not_zero(plain(value, digits), value), text);
        }
        assert_eq!(not_zero("0.00 %".to_owned(), 1e-9), "<0.01 %");
    }

    #[test]
    fn a_rounded_zero_has_no_sign() {
        assert_eq!(plain(-0.001, 2), "0.00");
        assert_eq!(plain(-1_234_567.891, 1), "-1,234,567.9");
        assert_eq!(plain(12.0, 0), "12");
        assert_eq!(plain(f64::NAN, 2), "NaN");
    }
}

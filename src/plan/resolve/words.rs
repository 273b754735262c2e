//! Amounts and lists in the words of a message.

use crate::math::digits::in_thousands;

/// An amount of USD in whole dollars with commas, cents where it is small.
pub fn usd(amount: f64) -> String {
    if amount.abs() < 1000.0 {
        return format!("{amount:.2}");
    }
    let grouped = in_thousands(&format!("{:.0}", amount.abs()));
    if amount < 0.0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}

/// A price in USD, not negative, with commas and cents.
pub fn price(price_usd: f64) -> String {
    in_thousands(&format!("{price_usd:.2}"))
}

/// A quantity of coins, not negative, with commas and up to four digits after the point.
pub fn coins(quantity: f64) -> String {
    let text = in_thousands(&format!("{quantity:.4}"));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An amount of USD as [`usd`] writes it, rounded up: what is shown is enough.
pub fn usd_rounded_up(amount: f64) -> String {
    if amount.abs() < 1000.0 {
        usd((amount * 100.0).ceil() / 100.0)
    } else {
        usd(amount.ceil())
    }
}

/// A quantity or an amount as short as it can be written, with commas where it is whole and large.
pub fn amount(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() >= 1000.0 {
        usd(number)
    } else {
        short(number)
    }
}

/// A fraction as a percentage, without trailing zeros.
pub fn percent(fraction: f64) -> String {
    let text = format!("{:.4}", fraction * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A number to six digits after the point, without trailing zeros.
pub fn short(number: f64) -> String {
    let text = format!("{number:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        assert_eq!(usd(175_035_003.4), "175,035,003");
        assert_eq!(usd(-1000.0), "-1,000");
        assert_eq!(usd(12.345), "12.35");
        assert_eq!(price(139_072.25), "139,072.25");
        assert_eq!(coins(1_234.5), "1,234.5");
        assert_eq!(coins(1_000.0), "1,000");
        assert_eq!(usd_rounded_up(300_059.1), "300,060");
        assert_eq!(usd_rounded_up(300_060.0), "300,060");
        assert_eq!(usd_rounded_up(12.341), "12.35");
        assert_eq!(
            (
                amount(50_000.0).as_str(),
                amount(0.5).as_str(),
                amount(7.0).as_str()
            ),
            ("50,000", "0.5", "7")
        );
        assert_eq!(percent(0.1), "10 %");
        assert_eq!(percent(0.0065), "0.65 %");
        assert_eq!(short(-0.000_000_01), "0");
        assert_eq!(short(0.25), "0.25");
    }
}

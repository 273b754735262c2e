//! Figures as people read them: amounts, probabilities, intervals.

use crate::report::number::plain;
use crate::stats::estimate::Estimate;

/// What stands where nothing can be said.
pub const NOTHING: &str = "-";

/// A value and its interval as two cells.
pub type Cells = [String; 2];

/// A fraction in percent with three digits that count: `21.2 %`, `0.0384 %`.
pub fn percent(fraction: f64) -> String {
    percent_digits(fraction, 3)
}

/// A standard error in percent. What rounding leaves of none is written as what it is less than.
pub fn percent_error(error: f64) -> String {
    const LEAST: f64 = 1e-6;
    if error > 0.0 && error < LEAST {
        "<0.0001 %".to_owned()
    } else {
        percent(error)
    }
}

fn percent_digits(fraction: f64, digits: i32) -> String {
    let percent = 100.0 * fraction;
    // Near 100 % the distance from it is what counts.
    let distance = if percent > 99.0 && percent < 100.0 {
        100.0 - percent
    } else {
        percent.abs()
    };
    if distance <= 0.0 || !distance.is_finite() {
        return format!("{} %", plain(percent, 0));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a magnitude, small")]
    let magnitude = distance.log10().floor() as i32;
    let decimals = usize::try_from((digits - 1 - magnitude).clamp(0, 12)).unwrap_or(0);
    format!("{} %", plain(percent, decimals))
}

/// The unit in which all amounts of one report stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Money {
    divisor: f64,
    decimals: usize,
    /// The unit's name.
    pub unit: &'static str,
}

impl Money {
    /// The unit for a programme of this value, USD: millions from 10 million on, dollars below, cents below a thousand.
    pub fn for_value(value_usd: f64) -> Self {
        let size = value_usd.abs();
        if size >= 1e8 {
            Self {
                divisor: 1e6,
                decimals: 2,
                unit: "million USD",
            }
        } else if size >= 1e7 {
            Self {
                divisor: 1e6,
                decimals: 3,
                unit: "million USD",
            }
        } else {
            Self {
                divisor: 1.0,
                decimals: if size >= 1000.0 { 0 } else { 2 },
                unit: "USD",
            }
        }
    }

    /// A unit that keeps numbers short, for tables of many columns: millions from 10 million on, thousands from 100,000 on.
    pub fn narrow_for_value(value_usd: f64) -> Self {
        if (1e5..1e7).contains(&value_usd.abs()) {
            Self {
                divisor: 1e3,
                decimals: 1,
                unit: "thousand USD",
            }
        } else {
            Self::for_value(value_usd)
        }
    }

    /// The same unit with one decimal more where it is millions, for amounts small against the programme.
    #[must_use]
    pub fn finer(self) -> Self {
        Self {
            decimals: self.decimals + usize::from(self.divisor > 1.0),
            ..self
        }
    }

    /// An amount without its unit.
    pub fn bare(&self, usd: f64) -> String {
        plain(usd / self.divisor, self.decimals)
    }

    /// An amount with its unit.
    pub fn text(&self, usd: f64) -> String {
        format!("{} {}", self.bare(usd), self.unit)
    }

    /// An estimate's value and interval, without the unit.
    pub fn cells(&self, estimate: &Estimate) -> Cells {
        cells(estimate, |usd| self.bare(usd))
    }
}

/// An estimate's value and interval, each number written by `text`.
pub fn cells(estimate: &Estimate, text: impl Fn(f64) -> String) -> Cells {
    let value = estimate.value.map_or(NOTHING.to_owned(), &text);
    let interval = match (estimate.value, estimate.ci95) {
        (None, _) => NOTHING.to_owned(),
        (Some(_), None) => "too few paths".to_owned(),
        (Some(_), Some([lower, upper])) => format!("{} to {}", text(lower), text(upper)),
    };
    [value, interval]
}

/// A probability's value and interval. What was never seen is printed as an upper limit, what was always seen as a lower one.
pub fn probability_cells(estimate: &Estimate, paths: u64) -> Cells {
    let count = plain(paths as f64, 0);
    match (estimate.value, estimate.ci95) {
        (Some(value), Some([_, upper])) if value <= 0.0 && upper <= 0.0 => {
            ["0 %".into(), "cannot happen".into()]
        }
        (Some(value), Some([_, upper])) if value <= 0.0 => [
            format!("< {}", percent_digits(upper, 2)),
            format!("0 of {count}; 95 % upper limit"),
        ],
        (Some(value), Some([lower, _])) if value >= 1.0 => [
            format!("> {}", percent_digits(lower, 2)),
            format!("all of {count}; 95 % lower limit"),
        ],
        _ => cells(estimate, percent),
    }
}

/// A probability in a sentence: `21.2 % of futures`, or `none of 100,000 futures (95 % upper limit 0.0038 %)`.
pub fn futures_text(estimate: &Estimate, paths: u64) -> String {
    let count = plain(paths as f64, 0);
    match (estimate.value, estimate.ci95) {
        (Some(value), Some([_, upper])) if value <= 0.0 && upper > 0.0 => {
            let upper = percent_digits(upper, 2);
            format!("none of {count} futures (95 % upper limit {upper})")
        }
        (Some(value), Some([lower, _])) if value >= 1.0 && lower < 1.0 => {
            let lower = percent_digits(lower, 2);
            format!("all of {count} futures (95 % lower limit {lower})")
        }
        _ => format!("{} of futures", probability_cells(estimate, paths)[0]),
    }
}

/// A duration in words: `90 days`, `8 hours`, `15 minutes`.
pub fn days_text(days: f64) -> String {
    let minutes = (days * 1440.0).round();
    let (count, unit) = if minutes % 1440.0 == 0.0 {
        (minutes / 1440.0, "day")
    } else if minutes % 60.0 == 0.0 {
        (minutes / 60.0, "hour")
    } else {
        (minutes, "minute")
    };
    let plural = if (count - 1.0).abs() < 0.5 { "" } else { "s" };
    format!("{} {unit}{plural}", plain(count, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::probability::probability_from_sums;

    #[test]
    fn groups_and_never_says_minus_zero() {
        assert_eq!(plain(-1_234_567.891, 2), "-1,234,567.89");
        assert_eq!(plain(999.6, 0), "1,000");
        assert_eq!(plain(-0.004, 2), "0.00");
        assert_eq!(plain(100.0, 0), "100");
    }

    #[test]
    fn percentages_keep_three_digits() {
        for (fraction, text) in [
            (0.2118, "21.2 %"),
            (0.0212, "2.12 %"),
            (3.84e-5, "0.00384 %"),
            (1.0, "100 %"),
            (0.0, "0 %"),
            (0.999_962, "99.99620 %"),
            (-0.25, "-25.0 %"),
        ] {
            assert_eq!(percent(fraction), text);
        }
    }

    #[test]
    fn errors_of_rounding_are_short() {
        assert_eq!(percent_error(3e-17), "<0.0001 %");
        assert_eq!(percent_error(0.0), "0 %");
        assert_eq!(percent_error(2e-6), "0.000200 %");
    }

    #[test]
    fn an_event_never_seen_is_an_upper_limit() {
        let never = probability_from_sums(0.0, 0.0, 1e5, 1e5, None);
        assert_eq!(
            futures_text(&never, 100_000),
            "none of 100,000 futures (95 % upper limit 0.0038 %)"
        );
        let always = probability_from_sums(1e5, 1e5, 1e5, 1e5, None);
        assert_eq!(
            futures_text(&always, 100_000),
            "all of 100,000 futures (95 % lower limit 99.9962 %)"
        );
        assert_eq!(
            futures_text(&Estimate::exact(0.0), 100_000),
            "0 % of futures"
        );
    }

    #[test]
    fn units_follow_the_size() {
        assert_eq!(
            Money::for_value(175e6).text(-12_345_678.0),
            "-12.35 million USD"
        );
        assert_eq!(Money::for_value(65e6).bare(-12_345_678.0), "-12.346");
        assert_eq!(Money::for_value(650_000.0).bare(-12_345.6), "-12,346");
        assert_eq!(Money::for_value(650.0).bare(-12.345), "-12.35");
        let narrow = |usd: f64| Money::narrow_for_value(usd);
        assert_eq!(narrow(650_000.0).text(-12_345.6), "-12.3 thousand USD");
        assert_eq!(narrow(175e6), Money::for_value(175e6));
        assert_eq!(narrow(6_500.0), Money::for_value(6_500.0));
    }

    #[test]
    fn durations() {
        assert_eq!(days_text(90.0), "90 days");
        assert_eq!(days_text(1.0 / 3.0), "8 hours");
        assert_eq!(days_text(1.0 / 24.0), "1 hour");
        assert_eq!(days_text(1.0 / 96.0), "15 minutes");
    }
}

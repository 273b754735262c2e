//! Dates in UTC: when a simulation starts, and when quarterly contracts expire.

use std::fmt;

use crate::scenario::cause::Complaint;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::Span;

/// A minute in UTC, of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    unix_milliseconds: i64,
}

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// What may be written for a date.
const DATE: &str = "a date such as \"2026-05-22\" or \"2026-05-22T08:00\" (UTC), 2000 to 2199";

/// Futures expire at 08:00 UTC (Binance, Bybit, Deribit and OKX alike).
const EXPIRY_HOUR: i64 = 8;

/// Days from 1970-01-01, a Thursday, to the first Friday.
const FIRST_FRIDAY: i64 = 1;

impl Moment {
    /// A date at an hour and a minute; `None` if there is no such minute from 2000 to 2199.
    pub fn new(year: i64, month: i64, day: i64, hour: i64, minute: i64) -> Option<Self> {
        let is_clock = (0..24).contains(&hour) && (0..60).contains(&minute);
        let is_month = (2000..2200).contains(&year) && (1..=12).contains(&month);
        let is_valid = is_clock && is_month && (1..=days_in_month(year, month)).contains(&day);
        is_valid.then(|| Self {
            unix_milliseconds: days_from_civil(year, month, day) * DAY
                + (hour * 60 + minute) * MINUTE,
        })
    }

    /// Reads `2026-05-22`, `2026-05-22T08:00`, also with a blank for the `T`, with `:00` seconds, with a `Z`.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let (date, clock) = text
            .split_once(['T', 't', ' '])
            .map_or((text, "00:00"), |(date, clock)| (date, clock));
        let mut date = date.splitn(3, '-').map(|part| digits(part, &[2, 4]));
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let clock = match clock.rsplit_once(":00") {
            Some((hours_and_minutes, "")) if hours_and_minutes.contains(':') => hours_and_minutes,
            _ => clock,
        };
        let (hour, minute) = clock.split_once(':')?;
        Self::new(year, month, day, digits(hour, &[2])?, digits(minute, &[2])?)
    }

    /// So much later.
    #[must_use]
    pub fn after(self, span: Span) -> Self {
        let milliseconds = i64::try_from(span.milliseconds).unwrap_or(i64::MAX);
        Self {
            unix_milliseconds: self.unix_milliseconds.saturating_add(milliseconds),
        }
    }

    /// The time since an earlier moment; 0 if that is not earlier.
    pub fn since(self, earlier: Self) -> Span {
        let milliseconds = self.unix_milliseconds - earlier.unix_milliseconds;
        Span {
            milliseconds: u64::try_from(milliseconds).unwrap_or(0),
        }
    }

    /// Days since 1970-01-01, a Thursday.
    pub fn unix_day(self) -> i64 {
        self.unix_milliseconds.div_euclid(DAY)
    }

    /// Milliseconds since midnight.
    pub fn of_day(self) -> Span {
        Span {
            milliseconds: self.unix_milliseconds.rem_euclid(DAY).unsigned_abs(),
        }
    }

    /// The first last Friday of March, June, September or December, 08:00 UTC, strictly after this moment.
    ///
    /// # Source
    /// Binance FAQ a4470430e3164c13932be8967961aede: quarterly contracts are delivered on the last Friday of the quarter, 08:00 UTC.
    #[must_use]
    pub fn next_quarterly_expiry(self) -> Self {
        let (year, month, _) = civil_from_days(self.unix_day());
        let mut months = year * 12 + (month - 1) / 3 * 3 + 2;
        loop {
            let expiry = last_friday(months.div_euclid(12), months.rem_euclid(12) + 1);
            if expiry > self {
                return expiry;
            }
            months += 3;
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.unix_day());
        let minutes = self.of_day().milliseconds / 60_000;
        let (hour, minute) = (minutes / 60, minutes % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
    }
}

/// Reads a date, in quotes or as TOML writes dates.
///
/// # Errors
/// If the value is no date from 2000 to 2199.
pub fn moment(node: &Node) -> Result<Moment, Complaint> {
    let text = match &node.value {
        Value::Text(text) => text,
        Value::Unreadable(_) => &node.written,
        _ => return Err(Complaint::kind(DATE)),
    };
    Moment::from_text(text).ok_or_else(|| Complaint::allowed(DATE, "year, month, day"))
}

/// A number of so many digits and nothing else.
fn digits(text: &str, lengths: &[usize]) -> Option<i64> {
    let is_number = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn last_friday(year: i64, month: i64) -> Moment {
    let last = days_from_civil(year, month, days_in_month(year, month));
    let friday = last - (last - FIRST_FRIDAY).rem_euclid(7);
    Moment {
        unix_milliseconds: friday * DAY + EXPIRY_HOUR * 60 * MINUTE,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is a year's last; the days before month `m` of such a year are `(153 m + 2) / 5`.
///
/// # Source
/// E. G. Richards, Calendars, in the Explanatory Supplement to the Astronomical Almanac (2013), ch. 15.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * month_from_march + 2) / 5;
    // 0000-03-01 is 719,468 days before 1970-01-01.
    365 * year + leap_days + before_month + day - 1 - 719_468
}

/// Year, month and day of so many days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // The mean year has 365.2425 days: at most one off.
    let mut year = 1970 + (days * 400).div_euclid(146_097);
    while days_from_civil(year, 1, 1) > days {
        year -= 1;
    }
    while days_from_civil(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12)
        .rev()
        .find(|month| days_from_civil(year, *month, 1) <= days)
        .unwrap_or(1);
    (year, month, days - days_from_civil(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::from_text(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn dates_read_and_print_back() {
        for (text, printed) in [
            ("2026-05-22", "2026-05-22 00:00 UTC"),
            ("2026-05-22T08:00", "2026-05-22 08:00 UTC"),
            (" 2024-02-29 23:59:00Z ", "2024-02-29 23:59 UTC"),
            ("2000-01-01t00:00", "2000-01-01 00:00 UTC"),
            ("2199-12-31T00:00:00", "2199-12-31 00:00 UTC"),
        ] {
            assert_eq!(at(text).to_string(), printed);
        }
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2100-02-29",
            "2026-00-10",
            "2026-06-31",
            "1999-12-31",
            "2200-01-01",
            "2026-05-22T24:00",
            "2026-05-22T08",
            "2026-05-22T08:60",
            "2026-05-22T08:00:30",
            "2026-5-22",
            "26-05-22",
            "2026-05-22T8:00",
            "2026-05-+2",
            "22/05/2026",
        ] {
            assert_eq!(Moment::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expected = (1970, 1, 1);
        for days in 0..146_097 {
            let found = civil_from_days(days);
            assert_eq!(found, expected);
            let (year, month, day) = found;
            assert_eq!(days_from_civil(year, month, day), days);
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if is_leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            assert_eq!(days_in_month(year, month), length);
            expected = match (month, day == length) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        // 2000-01-01 is 10,957 days after 1970-01-01.
        assert_eq!(at("2000-01-01").unix_day(), 10_957);
    }

    /// Contracts that were listed: BTCUSDT_260626, BTCUSDT_240329, BTCUSD_231229, BTCUSD_210924, and the ends of 2026 and 2027.
    #[test]
    fn quarters_end_on_their_last_friday() {
        for (from, expiry) in [
            ("2026-05-22", "2026-06-26 08:00 UTC"),
            ("2024-01-01", "2024-03-29 08:00 UTC"),
            ("2023-10-01", "2023-12-29 08:00 UTC"),
            ("2021-09-01", "2021-09-24 08:00 UTC"),
            ("2026-09-25T07:59", "2026-09-25 08:00 UTC"),
            ("2026-09-25T08:00", "2026-12-25 08:00 UTC"),
            ("2026-12-28", "2027-03-26 08:00 UTC"),
            ("2027-12-31T08:00", "2028-03-31 08:00 UTC"),
        ] {
            assert_eq!(at(from).next_quarterly_expiry().to_string(), expiry);
        }
    }

    #[test]
    fn spans_lead_from_one_moment_to_another() {
        let (start, end) = (at("2026-05-22"), at("2026-06-26T08:00"));
        let span = end.since(start);
        assert_eq!(span.to_string(), "35d8h");
        assert_eq!(start.after(span), end);
        assert_eq!(start.since(end).milliseconds, 0);
        assert_eq!(end.of_day(), Span::hours(8));
        // 2026-06-26 is a Friday.
        assert_eq!((end.unix_day() - FIRST_FRIDAY).rem_euclid(7), 0);
    }
}

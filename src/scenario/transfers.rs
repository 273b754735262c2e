//! `transfers` of an account: when money can leave.

use crate::scenario::cause::Complaint;
use crate::scenario::checked::word;
use crate::scenario::place::Given;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::boolean;

/// When money can leave, in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfers {
    /// Where it stands, for messages about it as a whole.
    pub given: Given<()>,
    /// The open times.
    pub windows: Windows,
}

/// Open times, in UTC.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful, read once")]
pub enum Windows {
    /// Always but on Saturdays and Sundays: `transfers = { closed = "weekends" }`.
    NotOnWeekends,
    /// From `open` up to and including `close` every day: `transfers = { open = "09:00", close = "17:00", weekends = false }`.
    Hours {
        /// Time of the day, minutes from midnight.
        open: Given<TimeOfDay>,
        /// Time of the day, after `open`.
        close: Given<TimeOfDay>,
        /// Whether Saturdays and Sundays are days like others. Optional: false.
        weekends: Option<Given<bool>>,
    },
}

/// A time of the day, minutes from midnight, up to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub u32);

/// Which days are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    Weekends,
}

impl Transfers {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let given = table.given();
        let chosen = table.one_of(&["closed", "open"], &[], Requirement::Required);
        let windows = match chosen {
            Some("closed") => table
                .required("closed", word(&[("weekends", Closed::Weekends)], &[]))
                .map(|closed| match closed.value {
                    Closed::Weekends => Windows::NotOnWeekends,
                }),
            Some(_) => {
                let open = table.required("open", time_of_day);
                let close = table.required("close", time_of_day);
                let weekends = table.optional("weekends", boolean);
                match (open, close, weekends) {
                    (Some(open), Some(close), Some(weekends)) => Some(Windows::Hours {
                        open,
                        close,
                        weekends,
                    }),
                    _ => None,
                }
            }
            None => None,
        };
        table.finish();
        Some(Self {
            given,
            windows: windows?,
        })
    }
}

/// Reads `"09:00"`.
fn time_of_day(node: &Node) -> Result<TimeOfDay, Complaint> {
    let allowed = "a time of the day such as \"09:00\", up to \"24:00\" (UTC)";
    let Value::Text(text) = &node.value else {
        return Err(Complaint::kind(allowed));
    };
    let two = |text: &str| -> Option<u32> {
        let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().ok())?
    };
    text.split_once(':')
        .and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)))
        .filter(|(hours, minutes)| *minutes < 60 && hours * 60 + minutes <= 24 * 60)
        .map(|(hours, minutes)| TimeOfDay(hours * 60 + minutes))
        .ok_or_else(|| Complaint::allowed(allowed, "hours and minutes, two digits each"))
}

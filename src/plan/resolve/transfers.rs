//! When money that is asked for can leave.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::scenario::calendar::Moment;
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::transfers::{TimeOfDay, Transfers, Windows};
use crate::scenario::units::Span;

/// The step at whose end money leaves that is asked for at the end of each step, index 0 being time 0; one beyond the last means: not before
/// the horizon. `None` where a problem was noted.
pub fn leaves_at(transfers: &Transfers, setting: &Setting<'_>) -> Option<Vec<u32>> {
    let Transfers { given, windows } = transfers;
    let grid = setting.grid;
    if let Windows::Hours { open, close, .. } = windows
        && open.value >= close.value
    {
        let allowed = format!("after {}, up to \"24:00\" (UTC)", open.written);
        let reason = "hours lie within one day";
        setting
            .sink
            .push(Refusal::does_not_fit(close, allowed, reason));
        return None;
    }
    let start = grid.start_for(given, "windows lie in the week", setting.sink)?;
    let steps = grid.steps_rounded_up(grid.horizon);
    let step = grid.step.value.milliseconds;
    let is_open: Vec<bool> = (0..=u64::from(steps))
        .map(|index| {
            let milliseconds = index * step;
            windows.is_open(start.after(Span { milliseconds }))
        })
        .collect();
    if !is_open[1..].contains(&true) {
        setting.sink.push(no_step_is_open(given, setting));
        return None;
    }
    let mut next = steps + 1;
    let mut leaves: Vec<u32> = (0..=steps)
        .rev()
        .zip(is_open.iter().rev())
        .map(|(index, is_open)| {
            if *is_open {
                next = index;
            }
            next
        })
        .collect();
    leaves.reverse();
    Some(leaves)
}

fn no_step_is_open(given: &Given<()>, setting: &Setting<'_>) -> Problem {
    let allowed = format!(
        "open times in which a step of {} ends",
        setting.grid.step.value
    );
    Refusal::out_of_place(given, allowed, "no money could ever leave")
}

impl Windows {
    /// Whether money can leave at a moment.
    fn is_open(&self, at: Moment) -> bool {
        match self {
            Self::NotOnWeekends => !is_weekend(at),
            Self::Hours {
                open,
                close,
                weekends,
            } => {
                let minutes = |time: &Given<TimeOfDay>| u64::from(time.value.0) * 60_000;
                let now = at.of_day().milliseconds;
                let is_day = weekends.as_ref().is_some_and(|given| given.value) || !is_weekend(at);
                is_day && minutes(open) <= now && now <= minutes(close)
            }
        }
    }
}

/// 1970-01-01 was a Thursday, so days 2 and 3 were the first weekend.
fn is_weekend(at: Moment) -> bool {
    matches!(at.unix_day().rem_euclid(7), 2 | 3)
}

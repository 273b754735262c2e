//! Expiries on the grid of steps, and the chain of contracts that a roll goes through.

use crate::plan::resolve::grid::{self, Grid, bounded, steps_that_divide};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::types::{DAYS_PER_YEAR, DatedPlan, Expiry};
use crate::scenario::calendar::Moment;
use crate::scenario::expiry::{ExpiryChoice, RollInto};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

/// What an expiry has to fit: the step, the horizon where it could be read, the start if one is given.
#[derive(Debug, Clone, Copy)]
pub struct Dates<'a> {
    /// Length of a step.
    pub step: &'a Given<Span>,
    /// Length of the simulation.
    pub horizon: Option<Span>,
    /// When it starts.
    pub start: Option<Moment>,
}

/// How a dated contract is left for the next one.
#[derive(Debug, Clone, Copy)]
pub struct Roll<'a> {
    /// How long before its expiry, above 0.
    pub before_expiry: &'a Given<Span>,
    /// The contract it is left for.
    pub into: &'a Given<RollInto>,
}

impl<'a> Dates<'a> {
    /// Those of a grid.
    pub fn of(grid: &'a Grid) -> Self {
        Self {
            step: &grid.step,
            horizon: Some(grid.horizon),
            start: grid.start.as_ref().map(|given| given.value),
        }
    }
}

/// An expiry that is not rolled; `None` where a problem was noted.
pub fn expiry(given: &Given<ExpiryChoice>, dates: Dates<'_>, sink: &Sink) -> Option<Expiry> {
    let span = match given.value {
        ExpiryChoice::After(span) => {
            grid::steps(&replaced(given, span), dates.step.value, sink)?;
            span
        }
        ExpiryChoice::Quarter | ExpiryChoice::NextQuarter => {
            let start = start(given, dates, sink)?;
            let first = start.next_quarterly_expiry();
            let at = match given.value {
                ExpiryChoice::NextQuarter => first.next_quarterly_expiry(),
                ExpiryChoice::Quarter | ExpiryChoice::After(_) => first,
            };
            on_grid(at, start, given, dates, sink)?
        }
    };
    let steps = span.milliseconds / dates.step.value.milliseconds;
    Some(at_step(steps, dates.step.value))
}

/// Completes the chain of a dated contract by a roll, up to the first contract that is not rolled before the horizon;
/// `None` where a problem was noted.
///
/// Several hedges may roll one contract, all in the same way.
pub fn extend(
    dated: &mut DatedPlan,
    roll: Roll<'_>,
    dates: Dates<'_>,
    steps: u32,
    sink: &Sink,
) -> Option<()> {
    let chain = chain(dated.expiries[0], roll, dates, steps, sink)?;
    if dated.expiries.len() > 1 && dated.expiries != chain {
        let allowed = "the same roll for every hedge of this contract";
        let reason =
            "a contract's curve has one chain of expiries; a second contract may have another";
        sink.push(Refusal::does_not_fit(roll.into, allowed, reason));
        return None;
    }
    dated.expiries = chain;
    Some(())
}

fn chain(
    first: Expiry,
    roll: Roll<'_>,
    dates: Dates<'_>,
    steps: u32,
    sink: &Sink,
) -> Option<Vec<Expiry>> {
    let step = dates.step.value;
    let before = grid::steps(roll.before_expiry, step, sink);
    let into = match roll.into.value {
        RollInto::After(span) => Some(grid::steps(&replaced(roll.into, span), step, sink)?),
        RollInto::Quarter => None,
    };
    let before = before?;
    if before >= first.step {
        let allowed = format!("less than the {} to the first expiry", time(first, step));
        let reason = "it would be rolled before it is held";
        sink.push(Refusal::does_not_fit(roll.before_expiry, allowed, reason));
        return None;
    }
    let mut chain = vec![Expiry {
        roll_step: None,
        ..first
    }];
    loop {
        let last = chain.len() - 1;
        let roll_step = chain[last].step - before;
        if roll_step >= steps {
            return Some(chain);
        }
        let next = match into {
            Some(into) => at_step(u64::from(chain[last].step) + u64::from(into), step),
            None => {
                let start = start(roll.into, dates, sink)?;
                let at = start.after(time(chain[last], step)).next_quarterly_expiry();
                let span = on_grid(at, start, roll.into, dates, sink)?;
                at_step(span.milliseconds / step.milliseconds, step)
            }
        };
        chain[last].roll_step = Some(roll_step);
        chain.push(next);
    }
}

/// An expiry at the end of a step, not rolled.
fn at_step(steps: u64, step: Span) -> Expiry {
    let milliseconds = steps * step.milliseconds;
    Expiry {
        years: Span { milliseconds }.days() / DAYS_PER_YEAR,
        step: bounded(steps),
        roll_step: None,
    }
}

/// The time from 0 to an expiry.
fn time(expiry: Expiry, step: Span) -> Span {
    Span {
        milliseconds: u64::from(expiry.step) * step.milliseconds,
    }
}

/// The start, which a date needs; where it is missing that is noted.
fn start<T>(given: &Given<T>, dates: Dates<'_>, sink: &Sink) -> Option<Moment> {
    if dates.start.is_none() {
        let refusal = Refusal::Needed {
            table: "simulation".to_owned(),
            key: "start".to_owned(),
            allowed: "a date such as \"2026-05-22\"".to_owned(),
            reason: "quarters end on days of the calendar".to_owned(),
        };
        sink.push(refusal.at(given.place));
    }
    dates.start
}

/// The time from the start to a date, if it is a multiple of the step; else that is noted.
fn on_grid<T>(
    at: Moment,
    start: Moment,
    given: &Given<T>,
    dates: Dates<'_>,
    sink: &Sink,
) -> Option<Span> {
    let span = at.since(start);
    let is_on_grid = span.steps(dates.step.value).is_some();
    if !is_on_grid {
        let allowed = format!(
            "a step that divides the {span} from the start to {at}, the date of `{}`: {}",
            given.path,
            steps_that_divide(span, dates.horizon)
        );
        let reason = "contracts expire at the end of a step";
        sink.push(Refusal::does_not_fit(dates.step, allowed, reason));
    }
    is_on_grid.then_some(span)
}

/// The same place with another value.
fn replaced<T, U>(given: &Given<T>, value: U) -> Given<U> {
    Given {
        value,
        place: given.place,
        path: given.path.clone(),
        written: given.written.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::types::OuBasis;
    use crate::scenario::place::Place;

    fn given<T>(value: T, written: &str) -> Given<T> {
        let place = Place {
            source: 0,
            start: 0,
            end: 0,
        };
        Given {
            value,
            place,
            path: format!("at.{written}"),
            written: format!("\"{written}\""),
        }
    }

    fn span(text: &str) -> Span {
        Span::from_text(text).unwrap()
    }

    /// The messages, or the chain as (days to expiry, days to the roll).
    fn rolled(
        first: &str,
        before: &str,
        into: RollInto,
        start: Option<&str>,
    ) -> Result<Vec<(f64, Option<f64>)>, Vec<String>> {
        let step = given(span("8h"), "8h");
        let dates = Dates {
            step: &step,
            horizon: Some(span("300d")),
            start: start.map(|text| Moment::from_text(text).unwrap()),
        };
        let sink = Sink::default();
        let choice = match first {
            "quarter" => ExpiryChoice::Quarter,
            "next_quarter" => ExpiryChoice::NextQuarter,
            text => ExpiryChoice::After(span(text)),
        };
        let extended = expiry(&given(choice, first), dates, &sink).and_then(|first| {
            let mut dated = DatedPlan {
                carry: OuBasis::NONE,
                slope_per_year: 0.0,
                expiries: vec![first],
            };
            let (before, into) = (given(span(before), before), given(into, "into"));
            let roll = Roll {
                before_expiry: &before,
                into: &into,
            };
            extend(&mut dated, roll, dates, 900, &sink)?;
            // Once more, for a second hedge: the same chain.
            let once = dated.clone();
            extend(&mut dated, roll, dates, 900, &sink)?;
            assert_eq!(dated, once);
            Some(dated)
        });
        let days = |steps: u32| f64::from(steps) / 3.0;
        match extended {
            Some(dated) => Ok(dated
                .expiries
                .iter()
                .map(|expiry| {
                    assert!((expiry.years * 365.0 - days(expiry.step)).abs() < 1e-9);
                    (days(expiry.step), expiry.roll_step.map(days))
                })
                .collect()),
            None => Err(sink
                .into_problems()
                .into_iter()
                .map(|problem| problem.message)
                .collect()),
        }
    }

    #[test]
    fn a_chain_ends_with_the_contract_that_outlives_the_horizon() {
        let into = RollInto::After(span("91d"));
        assert_eq!(
            rolled("90d", "5d", into, None),
            Ok(vec![
                (90.0, Some(85.0)),
                (181.0, Some(176.0)),
                (272.0, Some(267.0)),
                (363.0, None)
            ])
        );
        // A roll that falls on the horizon is none; one at its last step is.
        assert_eq!(rolled("305d", "5d", into, None), Ok(vec![(305.0, None)]));
        assert_eq!(
            rolled("304d", "5d", into, None).map(|chain| chain.len()),
            Ok(2)
        );
    }

    /// Last Fridays from 2026-05-22 00:00: 26 June, 25 September, 25 December, 26 March, at 08:00.
    #[test]
    fn quarters_follow_the_calendar() {
        let third = 1.0 / 3.0;
        let chain = rolled("quarter", "5d", RollInto::Quarter, Some("2026-05-22")).unwrap();
        let expected = [35.0, 126.0, 217.0, 308.0].map(|days| days + third);
        for ((found, roll), expected) in chain.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9);
            let is_last = (expected - 308.0 - third).abs() < 1e-9;
            assert_eq!(roll.is_none(), is_last, "{chain:?}");
        }
        assert_eq!(chain.len(), 4);
        let next = rolled("next_quarter", "5d", RollInto::Quarter, Some("2026-05-22")).unwrap();
        assert!((next[0].0 - 126.0 - third).abs() < 1e-9);
    }

    #[test]
    fn what_is_off_the_grid_or_impossible_is_told() {
        let into = RollInto::After(span("91d"));
        let near = |path: &str, written: &str, near: &str| {
            format!(
                "`at.{path}` is \"{written}\"; allowed: a multiple of the step of 8h, such as {near}"
            )
        };
        assert_eq!(
            rolled("90d1h", "5d", into, None),
            Err(vec![near("90d1h", "90d1h", "90d or 90d8h")])
        );
        assert_eq!(
            rolled("90d", "5d1h", into, None),
            Err(vec![near("5d1h", "5d1h", "5d or 5d8h")])
        );
        assert_eq!(
            rolled("90d", "90d", into, None),
            Err(vec![
                "`at.90d` is \"90d\"; allowed: less than the 90d to the first expiry".to_owned()
            ])
        );
        assert_eq!(
            rolled("90d", "5d", RollInto::Quarter, None),
            Err(vec![
                "`simulation` needs `start`; allowed: a date such as \"2026-05-22\"".to_owned()
            ])
        );
        assert_eq!(
            rolled("quarter", "5d", into, Some("2026-05-22T02:00")),
            Err(vec![
                "`at.8h` is \"8h\"; allowed: a step that divides the 35d6h from the start to 2026-06-26 08:00 UTC, the date of `at.quarter`: 1m, 2m, 5m, 10m, 15m, 20m, 30m, 1h, 2h, 3h, 6h".to_owned()
            ])
        );
    }

    #[test]
    fn two_hedges_roll_one_contract_alike() {
        let step = given(span("8h"), "8h");
        let dates = Dates {
            step: &step,
            horizon: Some(span("300d")),
            start: None,
        };
        let sink = Sink::default();
        let mut dated = DatedPlan {
            carry: OuBasis::NONE,
            slope_per_year: 0.0,
            expiries: vec![at_step(270, step.value)],
        };
        for (before, is_taken) in [("5d", true), ("6d", false)] {
            let before = given(span(before), before);
            let into = given(RollInto::After(span("91d")), "91d");
            let roll = Roll {
                before_expiry: &before,
                into: &into,
            };
            let extended = extend(&mut dated, roll, dates, 900, &sink);
            assert_eq!(extended.is_some(), is_taken);
        }
        assert_eq!(sink.into_problems().len(), 1);
    }
}

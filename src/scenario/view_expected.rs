//! From a view's short text form to the view.

use crate::scenario::cause::{Cause, Complaint};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::view::{
    BY, Bound, CORRELATION, LEVEL, LOG_RETURN, PRICE, PROBABILITY, ViewChoice, exactly, note_pair,
};
use crate::scenario::view_text::{Comparison, Said, said};

/// Reads `expect`, the text form of a view.
pub(super) fn expected(table: &mut Reader<'_>) -> Option<ViewChoice> {
    let given = table.required("expect", said)?;
    let expected = Expected {
        table,
        given: &given,
    };
    let choice = expected.choice()?;
    if let ViewChoice::Mean { asset, .. }
    | ViewChoice::MeanLogReturn { asset, .. }
    | ViewChoice::Quantile { asset, .. }
    | ViewChoice::Probability { asset, .. } = &choice
    {
        table.note(|draft| draft.view_assets.push(asset.clone()));
    }
    Some(choice)
}

struct Expected<'r, 'a> {
    table: &'r Reader<'a>,
    given: &'r Given<Said>,
}

impl Expected<'_, '_> {
    /// A name that stands somewhere inside the text: the whole of it is shown.
    fn name(&self, value: &str) -> Given<String> {
        Given {
            value: value.to_owned(),
            place: self.given.place,
            path: self.given.path.clone(),
            written: self.given.written.clone(),
        }
    }

    fn checked(&self, value: f64, range: Range) -> Option<f64> {
        match range.check(value) {
            Ok(()) => Some(value),
            Err(Complaint::Allowed { allowed, reason }) => {
                let cause = Cause::NotAllowed {
                    path: self.given.path.clone(),
                    written: self.given.written.clone(),
                    allowed: format!("a value {allowed}"),
                    reason,
                };
                self.table.push(cause.at(self.given.place));
                None
            }
            Err(Complaint::Kind { .. } | Complaint::Later) => None,
        }
    }

    fn bound(&self, comparison: Comparison, value: f64, range: Range) -> Option<Bound> {
        let value = self.checked(value, range)?;
        Some(match comparison {
            Comparison::Equal => exactly(value),
            Comparison::AtLeast => Bound {
                at_least: Some(value),
                at_most: None,
            },
            Comparison::AtMost => Bound {
                at_least: None,
                at_most: Some(value),
            },
        })
    }

    fn choice(&self) -> Option<ViewChoice> {
        Some(match &self.given.value {
            Said::Mean {
                asset,
                comparison,
                usd,
            } => ViewChoice::Mean {
                asset: self.name(asset),
                usd: self.bound(*comparison, *usd, PRICE)?,
            },
            Said::MeanLogReturn {
                asset,
                comparison,
                value,
            } => ViewChoice::MeanLogReturn {
                asset: self.name(asset),
                value: self.bound(*comparison, *value, LOG_RETURN)?,
            },
            Said::Quantile {
                asset,
                level,
                comparison,
                usd,
            } => ViewChoice::Quantile {
                asset: self.name(asset),
                level: self.checked(*level, LEVEL)?,
                usd: self.bound(*comparison, *usd, PRICE)?,
            },
            Said::Probability {
                asset,
                is_above,
                level_usd,
                comparison,
                value,
            } => ViewChoice::Probability {
                asset: self.name(asset),
                is_above: *is_above,
                level_usd: self.checked(*level_usd, PRICE)?,
                value: self.bound(*comparison, *value, PROBABILITY)?,
            },
            Said::Ordering { higher, lower, by } => {
                let (higher, lower) = self.pair(higher, lower);
                let by = self.checked(*by, BY)?;
                ViewChoice::Ordering { higher, lower, by }
            }
            Said::Correlation {
                first,
                second,
                comparison,
                value,
            } => {
                let (first, second) = self.pair(first, second);
                let value = self.bound(*comparison, *value, CORRELATION)?;
                ViewChoice::Correlation {
                    first,
                    second,
                    value,
                }
            }
        })
    }

    fn pair(&self, first: &str, second: &str) -> (Given<String>, Given<String>) {
        let (first, second) = (self.name(first), self.name(second));
        note_pair(self.table, Some(&first), Some(&second));
        (first, second)
    }
}

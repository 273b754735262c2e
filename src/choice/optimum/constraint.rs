//! What the best point has to keep, judged on the far end of the 95 % interval.

use serde_json::Value;

use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::optimum_error::OptimumError;
use crate::plan::types::{Comparison, LimitPlan};
use crate::scenario::limit::{LIMIT_FORM, Requirement};
use crate::stats::estimate::Estimate;
use crate::stats::limits::{LimitStatus, check_bound, status_of};

/// Where a constraint was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By `--subject-to`.
    Argument,
    /// As one of the scenario's `[[limits]]`.
    Scenario,
}

/// A bound on a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// As written.
    pub text: String,
    /// The value.
    pub measure: Measure,
    /// Direction.
    pub comparison: Comparison,
    /// The bound.
    pub bound: f64,
    /// Where it was given.
    pub origin: Origin,
}

impl Constraint {
    /// Reads `KEY <= BOUND` or `KEY >= BOUND`; names as of [`Measure::find`], bounds as of a limit of the scenario.
    ///
    /// # Errors
    /// If it is not of that form, names no estimate, or its bound makes no sense for the value.
    pub fn parse(written: &str, template: &Value) -> Result<Self, OptimumError> {
        let required =
            Requirement::parse(written).map_err(|reason| OptimumError::ConstraintForm {
                written: written.to_owned(),
                form: LIMIT_FORM,
                reason,
            })?;
        let argument = format!("--subject-to \"{written}\"");
        let measure = Measure::find(&argument, &required.path, template)?;
        check_bound(measure.name(), required.bound, required.has_unit).map_err(
            |(allowed, hint)| OptimumError::ConstraintBound {
                written: written.to_owned(),
                allowed,
                hint,
            },
        )?;
        Ok(Self {
            text: required.text,
            measure,
            comparison: if required.is_at_most {
                Comparison::AtMost
            } else {
                Comparison::AtLeast
            },
            bound: required.bound,
            origin: Origin::Argument,
        })
    }

    /// A limit of the scenario, whose path is known to be one of the summary.
    ///
    /// # Errors
    /// If it bounds a bare number, which no choice moves.
    pub fn of_limit(limit: &LimitPlan, template: &Value) -> Result<Self, OptimumError> {
        Ok(Self {
            text: limit.text.clone(),
            measure: Measure::find(&limit.text, &limit.path, template)?,
            comparison: limit.comparison,
            bound: limit.bound,
            origin: Origin::Scenario,
        })
    }

    /// The constraint as a scenario's limit would require it, with the whole path; `None` where its value is in no summary.
    pub fn as_limit(&self) -> Option<String> {
        let Measure::Summary(path) = &self.measure else {
            return None;
        };
        let comparison = self.text.find(['<', '>'])?;
        Some(format!("{path} {}", &self.text[comparison..]))
    }

    /// Kept or broken by the whole interval, or neither.
    pub fn status(&self, estimate: &Estimate) -> LimitStatus {
        status_of(estimate.ci95, self.comparison, self.bound)
    }

    /// Whether the whole interval keeps the bound.
    pub fn is_kept(&self, estimate: &Estimate) -> bool {
        self.status(estimate) == LimitStatus::Kept
    }

    /// The end of the interval that is judged: the upper one of what must not be above its bound. `None` without an interval.
    pub fn far_end(&self, estimate: &Estimate) -> Option<f64> {
        let [lower, upper] = estimate.ci95?;
        Some(match self.comparison {
            Comparison::AtMost => upper,
            Comparison::AtLeast => lower,
        })
    }

    /// What is left between the far end and the bound, in the value's unit; negative where the constraint is not kept.
    pub fn slack(&self, estimate: &Estimate) -> Option<f64> {
        let far = self.far_end(estimate)?;
        Some(match self.comparison {
            Comparison::AtMost => self.bound - far,
            Comparison::AtLeast => far - self.bound,
        })
    }

    /// How far the constraint is from being kept, at least 0, in the value's unit; infinite where it cannot be told.
    pub fn excess(&self, estimate: &Estimate) -> f64 {
        self.slack(estimate)
            .map_or(f64::INFINITY, |slack| (-slack).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summarise::template;
    use crate::stats::synthetic::plan;

    fn parse(written: &str) -> Result<Constraint, String> {
        let template = template(&plan(100, vec![]));
        Constraint::parse(written, &template).map_err(|error| error.to_string())
    }

    #[test]
    fn bounds_are_read_in_every_way_people_write_them() {
        for (written, name, bound) in [
            (
                "liquidation.probability <= 1%",
                "liquidation.probability",
                0.01,
            ),
            ("liquidation<=50bps", "liquidation.probability", 0.005),
            ("hedged.es95 <= 5e7", "hedged.es95", 5e7),
            ("es95 < 50_000_000", "hedged.es95", 5e7),
            ("p1 >= -2e7", "hedged.percentiles.p1", -2e7),
            (
                "collateral.required.percentiles.p99 <= 5e7",
                "collateral.required.percentiles.p99",
                5e7,
            ),
            ("alexander-deng-zou <= 1e14", "alexander-deng-zou", 1e14),
        ] {
            let found = parse(written).unwrap();
            assert_eq!(found.measure.name(), name);
            assert!((found.bound - bound).abs() <= 1e-12 * bound.abs());
            assert_eq!(found.text, written);
        }
    }

    #[test]
    fn short_names_become_paths_in_a_limit() {
        for (written, expected) in [
            ("liquidation <= 1%", Some("liquidation.probability <= 1%")),
            ("es95<50_000_000", Some("hedged.es95 <50_000_000")),
            ("p0.1 >= -1e9", Some("hedged.percentiles.p0.1 >= -1e9")),
            ("alexander-deng-zou <= 1e14", None),
        ] {
            let limit = parse(written).unwrap().as_limit();
            assert_eq!(limit.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (written, wanted) in [
            ("es95", "no comparison"),
            ("es95 = 1", "compare with <= or >="),
            ("es95 <= ", "a number"),
            ("liquidation <= 30", "30 % is written 30% or 0.3"),
            ("es95 <= 30%", "without % or bps"),
            ("paths >= 100", "bare number"),
            (
                "liquidation.probabilty <= 1%",
                "did you mean `liquidation.probability`?",
            ),
        ] {
            let message = parse(written).unwrap_err();
            assert!(message.contains(wanted), "{written}: {message}");
        }
    }

    #[test]
    fn the_far_end_of_the_interval_is_judged() {
        let at_most = parse("liquidation <= 1%").unwrap();
        let at_least = parse("effectiveness >= 50%").unwrap();
        let within = |lower, upper| Estimate::within(0.5 * (lower + upper), Some([lower, upper]));
        assert!(at_most.is_kept(&within(0.0, 0.01)));
        assert!(!at_most.is_kept(&within(0.008, 0.011)));
        assert!(at_least.is_kept(&within(0.5, 0.6)));
        assert!(!at_least.is_kept(&within(0.49, 0.9)));
        assert!((at_most.excess(&within(0.008, 0.011)) - 0.001).abs() < 1e-12);
        assert!((at_least.slack(&within(0.55, 0.6)).unwrap() - 0.05).abs() < 1e-12);
        // Without an interval nothing is known to be kept.
        let unknown = Estimate::within(0.0, None);
        assert!(!at_most.is_kept(&unknown));
        assert!(at_most.excess(&unknown).is_infinite());
        assert_eq!(at_most.far_end(&Estimate::UNDEFINED), None);
    }
}

//! The user's limits on summary values: finding the value, judging its interval.

use serde::Serialize;
use serde_json::Value;

use crate::plan::types::{Comparison, LimitPlan};
use crate::stats::estimate::Estimate;

/// What became of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitStatus {
    /// The whole 95 % interval satisfies the limit.
    Kept,
    /// The whole interval violates it.
    Broken,
    /// The interval holds the bound, or there is none: it cannot be told.
    Unknown,
}

/// A limit with what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitOutcome {
    /// The limit as written.
    pub require: String,
    /// Dotted path of the value.
    pub path: String,
    /// The estimate, in its own unit.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Option<[f64; 2]>,
    /// The bound.
    pub bound: f64,
    /// Kept, broken or unknown.
    pub status: LimitStatus,
}

/// Judges a limit on the far end of the interval of the value that it names.
///
/// A bare number (such as `paths`) is its own interval. An estimate without an interval, because the sample is too small
/// or the event never happened, cannot be told.
pub fn judge(summary: &Value, limit: &LimitPlan) -> LimitOutcome {
    let found = resolve(summary, &limit.path);
    let (value, ci95) = match found.map(as_estimate) {
        None => (None, None),
        Some(Estimate { value, ci95, .. }) => (value, ci95),
    };
    let status = status_of(ci95, limit.comparison, limit.bound);
    LimitOutcome {
        require: limit.text.clone(),
        path: limit.path.clone(),
        value,
        ci95,
        bound: limit.bound,
        status,
    }
}

/// Whether an interval keeps a bound as a whole, breaks it as a whole, or holds it; no interval tells nothing.
pub fn status_of(ci95: Option<[f64; 2]>, comparison: Comparison, bound: f64) -> LimitStatus {
    match (ci95, comparison) {
        (Some([_, upper]), Comparison::AtMost) if upper <= bound => LimitStatus::Kept,
        (Some([lower, _]), Comparison::AtMost) if lower > bound => LimitStatus::Broken,
        (Some([lower, _]), Comparison::AtLeast) if lower >= bound => LimitStatus::Kept,
        (Some([_, upper]), Comparison::AtLeast) if upper < bound => LimitStatus::Broken,
        (Some(_) | None, Comparison::AtMost | Comparison::AtLeast) => LimitStatus::Unknown,
    }
}

/// The estimate at a dotted path of a summary; `None` where the path names no estimate.
pub fn estimate_at(summary: &Value, path: &str) -> Option<Estimate> {
    resolve(summary, path)
        .filter(|found| is_estimate(found))
        .map(as_estimate)
}

/// An estimate, or a bare number, which is its own interval.
fn as_estimate(found: &Value) -> Estimate {
    let Value::Object(estimate) = found else {
        return found.as_f64().map_or(Estimate::UNDEFINED, Estimate::exact);
    };
    let number = |key: &str| estimate.get(key).and_then(Value::as_f64);
    let ends = estimate.get("ci95").and_then(Value::as_array);
    let end = |index: usize| {
        ends.and_then(|ends| ends.get(index))
            .and_then(Value::as_f64)
    };
    Estimate {
        value: number("value"),
        std_error: number("std_error"),
        ci95: end(0).zip(end(1)).map(|(lower, upper)| [lower, upper]),
    }
}

/// What a value of the summary is, and so which bounds make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A probability, from 0 to 1.
    Probability,
    /// A part of a risk that the hedge removes: at most 1, negative where it adds.
    Effectiveness,
    /// Anything else: USD, days, a count.
    Amount,
}

/// What the value at a path is.
pub fn kind_of(path: &str) -> ValueKind {
    // What the model says without the views has the same keys.
    let path = path.strip_prefix("views.model.").unwrap_or(path);
    let (group, name) = path.rsplit_once('.').unwrap_or(("", path));
    let is_threshold =
        group.starts_with("thresholds.") || group.starts_with("effective_price_below.");
    if group == "hedge_effectiveness" || path == "views.effective_frac" {
        ValueKind::Effectiveness
    } else if matches!(
        name,
        "probability" | "loss_probability" | "worse_than_unhedged"
    ) || (is_threshold && name != "usd")
    {
        ValueKind::Probability
    } else {
        ValueKind::Amount
    }
}

/// Whether a bound makes sense for the value at a path; `has_unit` where it was written with `%` or `bps`.
///
/// # Errors
/// What is allowed, and why or what was probably meant.
pub fn check_bound(path: &str, bound: f64, has_unit: bool) -> Result<(), (&'static str, String)> {
    let hint = || {
        if bound > 1.0 && bound <= 100.0 && !has_unit {
            format!("{bound} % is written {bound}% or {}", bound / 100.0)
        } else {
            "30 % is written 30% or 0.3".to_owned()
        }
    };
    match kind_of(path) {
        ValueKind::Probability if !(0.0..=1.0).contains(&bound) => {
            Err(("a bound from 0 to 1, since this is a probability", hint()))
        }
        ValueKind::Effectiveness if bound > 1.0 => {
            Err(("a bound up to 1, since this is a fraction", hint()))
        }
        ValueKind::Amount if has_unit => Err((
            "a bound without % or bps, since this is an amount or a count",
            "an amount is written as a number, such as 5_000_000".to_owned(),
        )),
        ValueKind::Probability | ValueKind::Effectiveness | ValueKind::Amount => Ok(()),
    }
}

/// Paths longer than this name nothing, and are compared with nothing.
const LONGEST_PATH: usize = 200;

/// Whether a path names a value of the summary (or of [`crate::stats::summarise::template`]).
///
/// # Errors
/// The nearest paths, best first, at most five; those inside a group when the path names one; empty when none is near.
pub fn known_path(summary: &Value, path: &str) -> Result<(), Vec<String>> {
    if resolve(summary, path).is_some() {
        return Ok(());
    }
    if path.len() > LONGEST_PATH {
        return Err(Vec::new());
    }
    if let Some(estimate) = estimate_around(summary, path) {
        return Err(vec![estimate.to_owned()]);
    }
    let mut known = Vec::new();
    collect_paths(summary, "", &mut known);
    let inside = format!("{path}.");
    let within: Vec<String> = known
        .iter()
        .filter(|name| name.starts_with(&inside))
        .take(5)
        .cloned()
        .collect();
    if !within.is_empty() {
        return Err(within);
    }
    let mut near: Vec<(f64, String)> = known
        .into_iter()
        .map(|name| {
            let likeness = if leaves_segments_out(path, &name) {
                1.0
            } else {
                strsim::normalized_damerau_levenshtein(path, &name)
            };
            (likeness, name)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Err(near.into_iter().take(5).map(|(_, name)| name).collect())
}

/// The path of the estimate that `path` names a part of: its value, its standard error, an end of its interval.
fn estimate_around<'p>(summary: &Value, path: &'p str) -> Option<&'p str> {
    let mut outer = path;
    for _ in 0..2 {
        outer = outer.rsplit_once('.')?.0;
        let part = path[outer.len() + 1..].split('.').next();
        if matches!(part, Some("value" | "std_error" | "ci95")) && resolve(summary, outer).is_some()
        {
            return Some(outer);
        }
    }
    None
}

/// Whether `path` is `name` with some of its segments left out: `hedged.p1` for `hedged.percentiles.p1`.
fn leaves_segments_out(path: &str, name: &str) -> bool {
    let mut segments = name.split('.');
    path.split('.')
        .all(|wanted| segments.any(|segment| segment == wanted))
}

/// The estimate or number at a dotted path; keys may hold dots themselves (`p99.9`).
pub(super) fn resolve<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return (value.is_number() || is_estimate(value)).then_some(value);
    }
    if is_estimate(value) {
        return None; // a limit is judged on the interval, not on a part of the estimate
    }
    let ends = path
        .match_indices('.')
        .map(|(at, _)| at)
        .chain([path.len()]);
    let mut ends: Vec<usize> = ends.collect();
    ends.reverse(); // the longest key first
    ends.into_iter().find_map(|end| {
        let (key, rest) = (&path[..end], path[end..].strip_prefix('.').unwrap_or(""));
        let inner = match value {
            Value::Object(map) => map.get(key),
            Value::Array(list) => key.parse::<usize>().ok().and_then(|index| list.get(index)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        resolve(inner?, rest)
    })
}

/// Paths of all estimates of a summary (or of [`crate::stats::summarise::template`]), those of bare numbers left out.
pub fn estimate_paths(summary: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect_paths(summary, "", &mut paths);
    paths.retain(|path| resolve(summary, path).is_some_and(is_estimate));
    paths
}

fn is_estimate(value: &Value) -> bool {
    value.get("std_error").is_some() && value.get("value").is_some()
}

fn collect_paths(value: &Value, at: &str, paths: &mut Vec<String>) {
    let join = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at}.{key}")
        }
    };
    match value {
        _ if is_estimate(value) || value.is_number() => paths.push(at.to_owned()),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, inner)| collect_paths(inner, &join(key), paths)),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, inner)| collect_paths(inner, &join(&index.to_string()), paths));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn summary() -> Value {
        json!({
            "paths": 1000,
            "title": "a",
            "liquidation": { "probability": { "value": 0.2, "std_error": 0.01, "ci95": [0.18, 0.22] } },
            "hedged": { "percentiles": {
                "p0.1": { "value": -5.0, "std_error": null, "ci95": null },
                "p99.9": { "value": 5.0, "std_error": 1.0, "ci95": [3.0, 7.0] },
            } },
            "thresholds": [{ "usd": 0.0, "hedged": { "value": 0.5, "std_error": 0.1, "ci95": [0.3, 0.7] } }],
        })
    }

    fn status(path: &str, comparison: Comparison, bound: f64) -> LimitStatus {
        let limit = LimitPlan {
            text: String::new(),
            path: path.to_owned(),
            comparison,
            bound,
        };
        judge(&summary(), &limit).status
    }

    #[test]
    fn the_whole_interval_decides() {
        let path = "liquidation.probability";
        assert_eq!(status(path, Comparison::AtMost, 0.22), LimitStatus::Kept);
        assert_eq!(status(path, Comparison::AtMost, 0.21), LimitStatus::Unknown);
        assert_eq!(status(path, Comparison::AtMost, 0.18), LimitStatus::Unknown);
        assert_eq!(status(path, Comparison::AtMost, 0.17), LimitStatus::Broken);
        assert_eq!(status(path, Comparison::AtLeast, 0.18), LimitStatus::Kept);
        assert_eq!(
            status(path, Comparison::AtLeast, 0.22),
            LimitStatus::Unknown
        );
        assert_eq!(status(path, Comparison::AtLeast, 0.23), LimitStatus::Broken);
    }

    #[test]
    fn numbers_and_estimates_without_an_interval() {
        assert_eq!(
            status("paths", Comparison::AtLeast, 1000.0),
            LimitStatus::Kept
        );
        assert_eq!(
            status("paths", Comparison::AtLeast, 1001.0),
            LimitStatus::Broken
        );
        assert_eq!(
            status("hedged.percentiles.p0.1", Comparison::AtLeast, -100.0),
            LimitStatus::Unknown
        );
    }

    #[test]
    fn keys_with_dots_and_lists() {
        assert_eq!(
            status("hedged.percentiles.p99.9", Comparison::AtLeast, 3.0),
            LimitStatus::Kept
        );
        assert_eq!(
            status("thresholds.0.hedged", Comparison::AtMost, 0.7),
            LimitStatus::Kept
        );
    }

    #[test]
    fn a_part_of_an_estimate_is_no_value() {
        for part in ["value", "std_error", "ci95", "ci95.1"] {
            let path = format!("hedged.percentiles.p99.9.{part}");
            let estimate = "hedged.percentiles.p99.9".to_owned();
            assert_eq!(known_path(&summary(), &path), Err(vec![estimate]));
        }
    }

    #[test]
    fn bounds_fit_the_kind_of_the_value() {
        for (path, bound, has_unit, is_fine) in [
            ("liquidation.probability", 0.3, true, true),
            ("liquidation.probability", 30.0, false, false),
            ("basis_risk.loss_probability", -0.1, false, false),
            ("worse_than_unhedged", 1.5, true, false),
            ("thresholds.0.hedged", 5.0, false, false),
            ("thresholds.0.usd", 5.0, false, true),
            ("hedge_effectiveness.variance", -0.5, true, true),
            ("hedge_effectiveness.es95", 90.0, false, false),
            ("hedged.es95", 5e6, false, true),
            ("hedged.es95", 0.3, true, false),
            ("liquidation.mean_day", 30.0, false, true),
            (
                "by_account.main.liquidation.probability",
                30.0,
                false,
                false,
            ),
            ("by_account.main.peak.percentiles.p99", 30.0, false, true),
        ] {
            let found = check_bound(path, bound, has_unit);
            assert_eq!(found.is_ok(), is_fine, "{path} {bound}: {found:?}");
        }
        let (_, hint) = check_bound("liquidation.probability", 30.0, false).unwrap_err();
        assert_eq!(hint, "30 % is written 30% or 0.3");
    }

    #[test]
    fn a_very_long_path_is_compared_with_nothing() {
        let path = "probability.".repeat(100_000);
        assert_eq!(known_path(&summary(), &path), Err(Vec::new()));
    }

    #[test]
    fn a_path_that_names_nothing() {
        let near = |path| known_path(&summary(), path).unwrap_err();
        assert_eq!(near("liquidation.probabilty"), ["liquidation.probability"]);
        assert_eq!(near("liquidation"), ["liquidation.probability"]);
        assert_eq!(near("hedged.percentiles.p99"), ["hedged.percentiles.p99.9"]);
        assert_eq!(near("hedged.p99.9"), ["hedged.percentiles.p99.9"]);
        assert_eq!(near("title"), Vec::<String>::new());
        assert_eq!(
            known_path(&summary(), "thresholds.1.hedged").unwrap_err()[0],
            "thresholds.0.hedged"
        );
    }
}

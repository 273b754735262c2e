//! The summary under views, with what the model says without them beside it.

use serde::{Serialize, Serializer};

use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::summarise::{Detail, RunInfo, estimate, judged, summarise};
use crate::stats::summary::Summary;
use crate::stats::views::{ViewError, ViewOutcome, ViewsOutcome, reweigh};

/// The views of a run, what they came to, and the model's own summary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewsSummary {
    /// What reweighting came to.
    #[serde(flatten)]
    pub outcome: ViewsOutcome,
    /// The estimates of the same paths with the model's own weights; in files without what only repeats the run (version, seed, notes, ...).
    #[serde(serialize_with = "estimates")]
    pub model: Box<Summary>,
}

/// Keys of a summary that are not estimates.
const HEAD: [&str; 9] = [
    "format",
    "version",
    "title",
    "paths",
    "seed",
    "run_seconds",
    "simulation_seconds",
    "notes",
    "scenario",
];

fn estimates<S: Serializer>(summary: &Summary, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(summary).map_err(serde::ser::Error::custom)?;
    if let Some(keys) = value.as_object_mut() {
        for key in HEAD {
            keys.remove(key);
        }
    }
    value.serialize(serializer)
}

impl ViewsSummary {
    /// What the keys of a plan's views are, with nothing in them; `model` is a summary of nothing.
    pub(super) fn template(plan: &Plan, model: Summary) -> Self {
        let list = plan.report.views.list.iter();
        Self {
            outcome: ViewsOutcome {
                list: list.map(ViewOutcome::template).collect(),
                effective_paths: 0.0,
                effective_frac: 0.0,
                effective_paths_kish: 0.0,
                relative_entropy: 0.0,
            },
            model: Box::new(model),
        }
    }
}

/// Like [`summarise`], under the views of the plan: the table is [reweighted](crate::stats::views::reweigh) to them, and stays so. Without
/// views it is [`summarise`]. The paths of the table all weigh the same when this begins.
///
/// # Errors
/// [`ViewError`]; the table is then as it was.
pub fn summarise_under_views(
    table: &mut OutcomeTable,
    plan: &Plan,
    detail: Detail,
    run: &RunInfo,
) -> Result<Summary, ViewError> {
    if plan.report.views.is_empty() {
        return Ok(summarise(table, plan, detail, run));
    }
    let outcome = reweigh(table, plan)?;
    Ok(summarise_weighted(table, plan, detail, run, Some(outcome)))
}

/// Like [`summarise`] of a table that was reweighted to the plan's views and had no weights before, with what the model says without them
/// in [`Summary::views`]; `outcome` is what reweighting came to, `None` without views. The table is as it was when this ends.
///
/// Limits are judged under the views, and those of the model's own summary without them.
pub fn summarise_weighted(
    table: &mut OutcomeTable,
    plan: &Plan,
    detail: Detail,
    run: &RunInfo,
    outcome: Option<ViewsOutcome>,
) -> Summary {
    let Some(outcome) = outcome else {
        return summarise(table, plan, detail, run);
    };
    let detail = detail.for_limits_of(plan);
    let limits = &plan.report.limits;
    let of_model = limits
        .iter()
        .filter(|limit| !limit.path.starts_with("views."));
    let weights = table.take_weights();
    let model = judged(estimate(table, plan, detail, run), of_model);
    if let Some(weights) = weights {
        table.set_weights(weights);
    }
    let mut summary = estimate(table, plan, detail, run);
    summary.views = Some(ViewsSummary {
        outcome,
        model: Box::new(model),
    });
    judged(summary, limits)
}

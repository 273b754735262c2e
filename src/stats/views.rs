//! Views: paths are reweighted until what the user holds is true, as little as that takes.

use serde::Serialize;
use thiserror::Error;

use crate::math::effective::{effective_scenarios, kish_scenarios};
use crate::math::entropy::PoolingError;
use crate::outcome::table::OutcomeTable;
use crate::outcome::weights::PathWeights;
use crate::plan::types::Plan;
use crate::plan::views::{ViewPlan, ViewedQuantity};
use crate::stats::view_conflict::{Conflict, conflict};
use crate::stats::view_weights::{Posterior, Views, bisected, grouped};
use crate::stats::viewed_values::{Weights, measure, quantile_usd};

/// What reweighting to the views of a plan came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewsOutcome {
    /// Each view, in the order of the plan.
    pub list: Vec<ViewOutcome>,
    /// Effective number of paths by entropy, `exp(-sum p ln p)`: what the refusal looks at.
    pub effective_paths: f64,
    /// That over the number of paths.
    pub effective_frac: f64,
    /// Effective number of paths by the variance of a mean, `1 / sum p^2` (Kish): what the error of something that no view tells of feels.
    pub effective_paths_kish: f64,
    /// Relative entropy of the weights against the model's, nats, at least 0.
    pub relative_entropy: f64,
}

/// One view and what became of it, in the unit of what is viewed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewOutcome {
    /// The view in words.
    pub text: String,
    /// Where the scenario says it.
    pub path: String,
    /// What is viewed: `mean_usd`, `mean_log_return`, `probability`, `quantile` (as the probability of a price at or below it),
    /// `return_difference` or `correlation`.
    pub quantity: &'static str,
    /// How it is held: `is`, `at_least`, `at_most` or `between`.
    pub relation: &'static str,
    /// The model's own value.
    pub model: Option<f64>,
    /// Where it is held.
    pub target: Target,
    /// Its value under all views.
    pub reached: Option<f64>,
    /// Whether the view changes the weights: an inequality that the others bring about does not.
    pub binds: bool,
    /// Of a view on a quantile: the quantile itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile_usd: Option<ViewedQuantile>,
}

impl ViewOutcome {
    /// A view without values, to check the paths of limits before a simulation.
    pub(super) fn template(view: &ViewPlan) -> Self {
        let nothing = 0.0;
        let is_quantile = matches!(view.quantity, ViewedQuantity::Quantile { .. });
        Self {
            text: view.text.clone(),
            path: view.path.clone(),
            quantity: quantity_word(&view.quantity),
            relation: relation_word(view),
            model: Some(nothing),
            target: target(view),
            reached: Some(nothing),
            binds: false,
            quantile_usd: is_quantile.then_some(ViewedQuantile {
                model: nothing,
                target: nothing,
                reached: nothing,
            }),
        }
    }
}

/// Where a quantity is held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// At a value, or on one side of it.
    At(f64),
    /// Between two.
    Between([f64; 2]),
}

/// A quantile of a price, USD: the smallest simulated price with at least that much of the weight at or below it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ViewedQuantile {
    /// The model's own.
    pub model: f64,
    /// The one that is held.
    pub target: f64,
    /// The one under all views.
    pub reached: f64,
}

/// Why views cannot be had by reweighting the paths.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ViewError {
    /// No simulated path is where the view wants the mean.
    #[error("`{path}` ({text}) is out of reach of the simulated paths; allowed: {allowed}")]
    OutOfReach {
        /// Number of the view, from 0.
        view: usize,
        /// Where the scenario says it.
        path: String,
        /// The view in words.
        text: String,
        /// What the paths allow, in words.
        allowed: String,
    },
    /// Each view can be had, not all at once.
    #[error("`{path}` ({text}) contradicts {}; allowed beside them: {allowed}", others_words(.others))]
    Contradiction {
        /// Number of the view, from 0.
        view: usize,
        /// Where the scenario says it.
        path: String,
        /// The view in words.
        text: String,
        /// The fewest earlier views that it cannot be had with: path and words.
        others: Vec<(String, String)>,
        /// What the paths allow beside those, in words.
        allowed: String,
    },
    /// The search for weights came to no end: neither found nor proved impossible.
    #[error(
        "the search for weights did not settle with `{path}` ({text}): neither did it meet the views up to this one nor prove that they contradict each other; allowed: views that it settles with, such as inequalities, or fewer at once"
    )]
    Unsettled {
        /// Number of the first view with which it did not, from 0.
        view: usize,
        /// Where the scenario says it.
        path: String,
        /// The view in words.
        text: String,
    },
    /// Too few paths would carry the result.
    #[error(
        "the views leave {} effective paths of {}, {:.2} % of them; allowed: at least {} % (`report.views_least_effective`)",
        grouped(*.effective), grouped(*.paths as f64), 100.0 * .effective / *.paths as f64, 100.0 * .least_effective_frac
    )]
    TooFewPaths {
        /// Effective number of paths, by entropy.
        effective: f64,
        /// Number of paths.
        paths: usize,
        /// Least fraction of them.
        least_effective_frac: f64,
        /// Number of the view that costs most by itself, from 0.
        view: usize,
        /// It in words.
        text: String,
    },
}

fn others_words(others: &[(String, String)]) -> String {
    let words: Vec<String> = others
        .iter()
        .map(|(path, text)| format!("`{path}` ({text})"))
        .collect();
    words.join(" and ")
}

impl ViewError {
    /// The view that the error is about, from 0.
    pub fn view(&self) -> usize {
        match self {
            Self::OutOfReach { view, .. }
            | Self::Contradiction { view, .. }
            | Self::Unsettled { view, .. }
            | Self::TooFewPaths { view, .. } => *view,
        }
    }

    /// The reason or a hint, for the place where the view stands.
    pub fn hint(&self) -> String {
        match self {
            Self::OutOfReach { .. } => {
                "weights cannot take a mean where no path goes: another model, or more paths"
                    .to_owned()
            }
            Self::Contradiction { .. } => "these cannot all hold on the simulated paths".to_owned(),
            Self::Unsettled { .. } => {
                "a limit of the method and no statement about the views; other paths (another seed, more of them) may do".to_owned()
            }
            Self::TooFewPaths { text, .. } => {
                format!("most is asked by: {text}; a model that is nearer to it would serve better")
            }
        }
    }
}

/// Sets the weights of a table to those nearest to the model's under which all views of the plan hold; they sum to the number of
/// paths (or to what weights the table had before). Without views nothing is touched.
///
/// The weights depend on the terminal spots alone: tables of one market (the same paths under other hedges) have the same.
///
/// # Errors
/// [`ViewError`]; the table is then as it was.
pub fn reweigh(table: &mut OutcomeTable, plan: &Plan) -> Result<ViewsOutcome, ViewError> {
    let (weights, outcome) = weigh(table, plan)?;
    if let Some(weights) = weights {
        table.set_weights(weights);
    }
    Ok(outcome)
}

/// The weights of [`reweigh`], `None` without views, and what they come to.
///
/// # Errors
/// [`ViewError`].
pub fn weigh(
    table: &OutcomeTable,
    plan: &Plan,
) -> Result<(Option<PathWeights>, ViewsOutcome), ViewError> {
    let list = &plan.report.views.list;
    let paths = table.paths();
    let model = Weights::of(table);
    if list.is_empty() {
        let outcome = ViewsOutcome {
            list: Vec::new(),
            effective_paths: model.effective(effective_scenarios),
            effective_frac: model.effective(effective_scenarios) / paths as f64,
            effective_paths_kish: model.effective(kish_scenarios),
            relative_entropy: 0.0,
        };
        return Ok((None, outcome));
    }
    let views = Views::new(table, plan);
    for (at, view) in list.iter().enumerate() {
        if let Some(allowed) = views.out_of_reach(at) {
            return Err(ViewError::OutOfReach {
                view: at,
                path: view.path.clone(),
                text: view.text.clone(),
                allowed,
            });
        }
    }
    let all: Vec<usize> = (0..list.len()).collect();
    let found = views.solve(&all).map_err(|error| match error {
        PoolingError::Infeasible => explained(&views, list),
        PoolingError::Unsolved => unsettled(list, |subset| views.solve(subset).map(|_| ())),
    })?;
    let effective_paths = effective_scenarios(&found.weights);
    let least_effective_frac = plan.report.views.least_effective_frac;
    if effective_paths < least_effective_frac * paths as f64 {
        let costliest = costliest(&views, list.len());
        return Err(ViewError::TooFewPaths {
            effective: effective_paths,
            paths,
            least_effective_frac,
            view: costliest,
            text: list[costliest].text.clone(),
        });
    }
    let outcome = outcome(table, plan, &model, &found, effective_paths);
    let total = model.total();
    let weights = found.weights.iter().map(|w| w * total).collect();
    Ok((Some(PathWeights::holding(weights, found.means)), outcome))
}

/// The first view with which the search for weights does not settle, once it is known that it does not for all.
fn unsettled(list: &[ViewPlan], solve: impl Fn(&[usize]) -> Result<(), PoolingError>) -> ViewError {
    let last = list.len() - 1;
    let view = (0..last)
        .find(|&view| solve(&(0..=view).collect::<Vec<_>>()) == Err(PoolingError::Unsolved))
        .unwrap_or(last);
    ViewError::Unsettled {
        view,
        path: list[view].path.clone(),
        text: list[view].text.clone(),
    }
}

/// Which views contradict each other, once it is proved that they do. Only what is proved counts: where the search does not settle, views
/// are taken to hold, so that none is blamed without a proof.
fn explained(views: &Views<'_>, list: &[ViewPlan]) -> ViewError {
    let Conflict { view, others } = conflict(list.len(), |subset| {
        !matches!(views.solve(subset), Err(PoolingError::Infeasible))
    });
    let allowed = bisected(views, view, &others);
    let (path, text) = (list[view].path.clone(), list[view].text.clone());
    if others.is_empty() {
        return ViewError::OutOfReach {
            view,
            path,
            text,
            allowed,
        };
    }
    let words = |other: usize| (list[other].path.clone(), list[other].text.clone());
    ViewError::Contradiction {
        view,
        path,
        text,
        others: others.into_iter().map(words).collect(),
        allowed,
    }
}

/// The view that moves the weights most by itself.
fn costliest(views: &Views<'_>, count: usize) -> usize {
    let cost = |view: usize| {
        let found = views.solve(&[view]);
        // What is not known is not blamed.
        found.map_or(f64::NEG_INFINITY, |found| found.relative_entropy)
    };
    let mut most = (0, f64::NEG_INFINITY);
    for view in 0..count {
        let entropy = cost(view);
        if entropy > most.1 {
            most = (view, entropy);
        }
    }
    most.0
}

fn outcome(
    table: &OutcomeTable,
    plan: &Plan,
    model: &Weights<'_>,
    found: &Posterior,
    effective_paths: f64,
) -> ViewsOutcome {
    let under = Weights::new(&found.weights);
    let one = |(at, view): (usize, &ViewPlan)| ViewOutcome {
        text: view.text.clone(),
        path: view.path.clone(),
        quantity: quantity_word(&view.quantity),
        relation: relation_word(view),
        model: measure(table, plan, &view.quantity, model),
        target: target(view),
        reached: measure(table, plan, &view.quantity, &under),
        binds: found.binds[at],
        quantile_usd: match view.quantity {
            ViewedQuantity::Quantile {
                asset,
                level_frac,
                price_usd,
            } => Some(ViewedQuantile {
                model: quantile_usd(table, asset, level_frac, model),
                target: price_usd,
                reached: quantile_usd(table, asset, level_frac, &under),
            }),
            _ => None,
        },
    };
    ViewsOutcome {
        list: plan.report.views.list.iter().enumerate().map(one).collect(),
        effective_paths,
        effective_frac: effective_paths / table.paths() as f64,
        effective_paths_kish: kish_scenarios(&found.weights),
        relative_entropy: found.relative_entropy,
    }
}

const fn quantity_word(quantity: &ViewedQuantity) -> &'static str {
    match quantity {
        ViewedQuantity::Mean { .. } => "mean_usd",
        ViewedQuantity::MeanLogReturn { .. } => "mean_log_return",
        ViewedQuantity::Probability { .. } => "probability",
        ViewedQuantity::Quantile { .. } => "quantile",
        ViewedQuantity::ReturnDifference { .. } => "return_difference",
        ViewedQuantity::Correlation { .. } => "correlation",
    }
}

fn relation_word(view: &ViewPlan) -> &'static str {
    match (view.bound.exact(), view.bound.at_least, view.bound.at_most) {
        (Some(_), _, _) => "is",
        (None, Some(_), Some(_)) => "between",
        (None, Some(_), None) => "at_least",
        (None, None, _) => "at_most",
    }
}

fn target(view: &ViewPlan) -> Target {
    match (view.bound.at_least, view.bound.at_most) {
        (Some(low), Some(high)) if view.bound.exact().is_none() => Target::Between([low, high]),
        (Some(end), _) | (None, Some(end)) => Target::At(end),
        (None, None) => Target::At(f64::NAN),
    }
}

#[cfg(test)]
mod error_tests;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

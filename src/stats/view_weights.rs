//! The weights nearest to the model's under which views hold: means at once, correlations with what they stand on held.

use crate::math::digits::in_thousands;
use crate::math::entropy::{Constraint, Pooled, PoolingError, Sense, pool};
use crate::outcome::table::OutcomeTable;
use crate::outcome::weights::{HeldMean, PathWeights, moves};
use crate::plan::types::Plan;
use crate::plan::views::{ViewBound, ViewedQuantity};
use crate::stats::viewed_values::{Weights, log_returns, mean_and_variance, measure, values};

/// The views of a plan, their values by path, and the weights that they start from.
pub(super) struct Views<'a> {
    table: &'a OutcomeTable,
    plan: &'a Plan,
    prior: Weights<'a>,
    /// By view; `None` of a correlation.
    values: Vec<Option<Vec<f64>>>,
    bounds: Vec<ViewBound>,
}

/// Weights under which some views hold.
pub(super) struct Posterior {
    /// By path; they sum to 1.
    pub(super) weights: Vec<f64>,
    /// Relative entropy against the prior, nats.
    pub(super) relative_entropy: f64,
    /// By view of the plan, whether it changes the weights, by itself or through the moments that a correlation stands on.
    pub(super) binds: Vec<bool>,
    /// The means that the weights hold because they were found so.
    pub(super) means: Vec<HeldMean>,
}

impl Posterior {
    fn new(pooled: Pooled, binds: Vec<bool>, means: Vec<HeldMean>) -> Self {
        Self {
            weights: pooled.weights,
            relative_entropy: pooled.relative_entropy,
            binds,
            means,
        }
    }
}

/// Marks the views whose constraints act.
fn mark(binds: &mut [bool], held: &[Held<'_>], pooled: &Pooled) {
    for (held, multiplier) in held.iter().zip(&pooled.multipliers) {
        if let Some(view) = held.view {
            binds[view] |= *multiplier != 0.0;
        }
    }
}

/// The means whose constraints act, held where the views say.
fn acting(held: &[Held<'_>], multipliers: &[f64]) -> Vec<HeldMean> {
    let pairs = held.iter().zip(multipliers);
    let acting = pairs.filter(|(_, multiplier)| **multiplier != 0.0);
    acting
        .map(|(held, _)| HeldMean {
            values: held.constraint.values.to_vec(),
            target: None,
        })
        .collect()
}

/// A constraint and the view that it comes from, if any.
struct Held<'v> {
    constraint: Constraint<'v>,
    view: Option<usize>,
}

/// Moments of one asset's log returns that a correlation stands on.
struct HeldAsset {
    asset: usize,
    /// Log returns less their mean.
    centred: Vec<f64>,
    squares: Vec<f64>,
    variance: f64,
}

impl HeldAsset {
    /// By path, what it moves mean and relative variance by, under the weights of the first round.
    fn targets(&self, weights: &PathWeights) -> [Vec<f64>; 2] {
        [&self.centred, &self.squares].map(|values| match weights.held() {
            Some(held) => held.moves(weights.of_paths(), values),
            None => moves(weights.of_paths(), values),
        })
    }
}

impl<'a> Views<'a> {
    pub(super) fn new(table: &'a OutcomeTable, plan: &'a Plan) -> Self {
        let list = &plan.report.views.list;
        Self {
            table,
            plan,
            prior: Weights::of(table),
            values: list
                .iter()
                .map(|view| values(table, plan, &view.quantity))
                .collect(),
            bounds: list.iter().map(|view| view.bound).collect(),
        }
    }

    fn quantity(&self, view: usize) -> &ViewedQuantity {
        &self.plan.report.views.list[view].quantity
    }

    /// The weights under which these views (ascending) hold.
    pub(super) fn solve(&self, subset: &[usize]) -> Result<Posterior, PoolingError> {
        self.solve_with(subset, &self.bounds)
    }

    /// In two rounds where there are correlations. The first holds all other views. The second holds these again and, at what the first
    /// came to, mean and variance of the log returns of each asset with a viewed correlation, beside which a correlation is a mean of
    /// their product: it moves how the assets move together, and neither of them alone.
    fn solve_with(
        &self,
        subset: &[usize],
        bounds: &[ViewBound],
    ) -> Result<Posterior, PoolingError> {
        let means: Vec<Held<'_>> = subset
            .iter()
            .flat_map(|&view| {
                let values = self.values[view].as_deref();
                held(values, &bounds[view], view)
            })
            .collect();
        let first = self.pool(&means)?;
        let mut binds = vec![false; self.values.len()];
        mark(&mut binds, &means, &first);
        let correlations: Vec<usize> = subset
            .iter()
            .copied()
            .filter(|&view| self.values[view].is_none())
            .collect();
        if correlations.is_empty() {
            let acting = acting(&means, &first.multipliers);
            return Ok(Posterior::new(first, binds, acting));
        }
        let assets = self.held_assets(&correlations, &Weights::new(&first.weights));
        let products: Vec<Vec<f64>> = correlations
            .iter()
            .map(|&view| {
                let [one, other] = self.pair(view, &assets);
                let scale = (one.variance * other.variance).sqrt();
                let pairs = one.centred.iter().zip(&other.centred);
                pairs.map(|(x, y)| x * y / scale).collect()
            })
            .collect();
        // Where something does not vary, no correlation can be had.
        if assets.iter().any(|asset| asset.variance <= 0.0) {
            return Err(PoolingError::Infeasible);
        }
        let of_means = means.len();
        let mut all = means;
        for asset in &assets {
            for (values, target) in [(&asset.centred, 0.0), (&asset.squares, 1.0)] {
                let constraint = Constraint {
                    values,
                    sense: Sense::Equal,
                    target,
                };
                all.push(Held {
                    constraint,
                    view: None,
                });
            }
        }
        for (&view, product) in correlations.iter().zip(&products) {
            all.extend(held(Some(product), &bounds[view], view));
        }
        let second = self.pool(&all)?;
        // What acted in the first round may rest in the second and still acts, through the moments that are held where it brought them.
        mark(&mut binds, &all, &second);
        let before =
            PathWeights::holding(first.weights, acting(&all[..of_means], &first.multipliers));
        let mut acting = acting(&all[..of_means], &second.multipliers);
        let targets: Vec<[Vec<f64>; 2]> =
            assets.iter().map(|asset| asset.targets(&before)).collect();
        for (asset, targets) in assets.iter().zip(&targets) {
            for (values, target) in [&asset.centred, &asset.squares].into_iter().zip(targets) {
                acting.push(HeldMean {
                    values: values.clone(),
                    target: Some(target.clone()),
                });
            }
        }
        let rest = correlations.iter().zip(products);
        for (&view, product) in rest.filter(|(view, _)| binds[**view]) {
            let reached: f64 = product
                .iter()
                .zip(&second.weights)
                .map(|(x, w)| x * w)
                .sum();
            let [one, other] = self.pair(view, &assets).map(|of| {
                let at = assets.iter().position(|asset| asset.asset == of.asset);
                &targets[at.unwrap_or(0)][1]
            });
            let pairs = one.iter().zip(other);
            acting.push(HeldMean {
                // Taken in units of deviations that are estimates: a product moves with half of each variance.
                target: Some(pairs.map(|(a, b)| 0.5 * reached * (a + b)).collect()),
                values: product,
            });
        }
        Ok(Posterior::new(second, binds, acting))
    }

    fn pool(&self, held: &[Held<'_>]) -> Result<Pooled, PoolingError> {
        let constraints: Vec<Constraint<'_>> = held.iter().map(|held| held.constraint).collect();
        pool(self.table.paths(), self.prior.given(), &constraints)
    }

    fn held_assets(&self, correlations: &[usize], weights: &Weights<'_>) -> Vec<HeldAsset> {
        let mut held: Vec<HeldAsset> = Vec::new();
        for &view in correlations {
            let ViewedQuantity::Correlation { first, second } = *self.quantity(view) else {
                continue;
            };
            for asset in [first, second] {
                if held.iter().any(|held| held.asset == asset) {
                    continue;
                }
                let returns = log_returns(self.table, self.plan, asset);
                let (mean, variance) = mean_and_variance(&returns, weights);
                let centred: Vec<f64> = returns.iter().map(|x| x - mean).collect();
                held.push(HeldAsset {
                    asset,
                    squares: centred.iter().map(|x| x * x / variance).collect(),
                    centred,
                    variance,
                });
            }
        }
        held
    }

    /// The two assets of a view on a correlation.
    fn pair<'h>(&self, view: usize, held: &'h [HeldAsset]) -> [&'h HeldAsset; 2] {
        let wanted = match *self.quantity(view) {
            ViewedQuantity::Correlation { first, second } => [first, second],
            _ => [0, 0],
        };
        wanted.map(|asset| {
            let found = held.iter().find(|held| held.asset == asset);
            found.unwrap_or(&held[0])
        })
    }

    /// What the simulated paths allow a view by itself, in words; `None` where they allow the view, or where that takes a search.
    pub(super) fn out_of_reach(&self, view: usize) -> Option<String> {
        let (low, high) = self.prior.range(self.values[view].as_deref()?);
        let bound = &self.bounds[view];
        let is_reached = match bound.exact() {
            Some(value) if low < high => low < value && value < high,
            #[expect(clippy::float_cmp, reason = "values that do not vary")]
            Some(value) => value == low,
            None => {
                bound.at_least.is_none_or(|end| end <= high)
                    && bound.at_most.is_none_or(|end| end >= low)
            }
        };
        if is_reached {
            return None;
        }
        let words = |value: f64| self.words(view, value);
        if let ViewedQuantity::Probability { asset, .. } | ViewedQuantity::Quantile { asset, .. } =
            *self.quantity(view)
        {
            // All paths or none have the event: the prices say why.
            let spots = self.table.column(self.table.terminal_spot(asset));
            let (low_usd, high_usd) = self.prior.range(spots);
            let name = &self.plan.market.assets[asset].name;
            return Some(format!(
                "levels between {} and {} USD, where the simulated paths of {name} end",
                price_words(low_usd),
                price_words(high_usd)
            ));
        }
        Some(format!("between {} and {}", words(low), words(high)))
    }

    /// A value of what a view is about, with its unit.
    fn words(&self, view: usize, value: f64) -> String {
        match self.quantity(view) {
            ViewedQuantity::Mean { .. } => format!("{} USD", price_words(value)),
            ViewedQuantity::Quantile { .. } => {
                format!("{} of the weight at or below it", percent_words(value))
            }
            ViewedQuantity::Probability { .. } | ViewedQuantity::ReturnDifference { .. } => {
                percent_words(value)
            }
            ViewedQuantity::MeanLogReturn { .. } | ViewedQuantity::Correlation { .. } => {
                format!("{value:.4}")
            }
        }
    }
}

/// Steps of the search for what is allowed: three digits of the way from what can be had to what cannot.
const BISECTIONS: usize = 12;

/// How far the paths let a view go beside others, in words, once it is proved that they do not let it go where it wants. A search that does
/// not settle proves nothing: what is said then leaves open what it left open.
pub(super) fn bisected(views: &Views<'_>, view: usize, others: &[usize]) -> String {
    let words = |value: f64| views.words(view, value);
    let free = match views.solve(others) {
        Ok(found) => {
            let weights = Weights::new(&found.weights);
            measure(views.table, views.plan, views.quantity(view), &weights)
        }
        Err(PoolingError::Infeasible) => None,
        Err(PoolingError::Unsolved) => {
            return "not known, as the search for weights did not settle".to_owned();
        }
    };
    let Some(free) = free else {
        return "nothing: what is viewed does not vary".to_owned();
    };
    let bound = views.bounds[view];
    let (wanted, is_up) = match (bound.at_least, bound.at_most) {
        (Some(low), _) if free < low => (low, true),
        (_, Some(high)) if free > high => (high, false),
        // Not even where it is without the view.
        _ => return format!("about {}", words(free)),
    };
    let with_view: Vec<usize> = others.iter().copied().chain([view]).collect();
    let reach = bisect(free, wanted, |value| {
        let mut bounds = views.bounds.clone();
        bounds[view] = ViewBound::exactly(value);
        views.solve_with(&with_view, &bounds).map(|_| ())
    });
    let side = if is_up { "at most" } else { "at least" };
    match reach {
        Reach::Found(end) => format!("{side} about {}", words(end)),
        Reach::Between(can, cannot) => {
            format!(
                "{side} something between {} and {}",
                words(can),
                words(cannot)
            )
        }
    }
}

/// How far something can go.
#[derive(Debug, PartialEq)]
enum Reach {
    /// To here, to three digits.
    Found(f64),
    /// To the one and not to the other; in between the search for weights did not settle.
    Between(f64, f64),
}

/// Bisects between what can be had and what cannot.
fn bisect(mut can: f64, mut cannot: f64, solve: impl Fn(f64) -> Result<(), PoolingError>) -> Reach {
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (can + cannot);
        match solve(middle) {
            Ok(()) => can = middle,
            Err(PoolingError::Infeasible) => cannot = middle,
            Err(PoolingError::Unsolved) => return Reach::Between(can, cannot),
        }
    }
    Reach::Found(can)
}

/// The constraints of one view.
fn held<'v>(values: Option<&'v [f64]>, bound: &ViewBound, view: usize) -> Vec<Held<'v>> {
    let Some(values) = values else {
        return Vec::new();
    };
    let ends = match bound.exact() {
        Some(value) => [Some((Sense::Equal, value)), None],
        None => [
            bound.at_least.map(|end| (Sense::AtLeast, end)),
            bound.at_most.map(|end| (Sense::AtMost, end)),
        ],
    };
    ends.into_iter()
        .flatten()
        .map(|(sense, target)| Held {
            constraint: Constraint {
                values,
                sense,
                target,
            },
            view: Some(view),
        })
        .collect()
}

/// A price with commas, four digits after the point below a thousand.
fn price_words(usd: f64) -> String {
    if usd.abs() < 1000.0 {
        return format!("{usd:.4}");
    }
    grouped(usd)
}

/// A whole number with commas.
pub(super) fn grouped(number: f64) -> String {
    in_thousands(&format!("{number:.0}"))
}

fn percent_words(fraction: f64) -> String {
    format!("{:.3} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_does_not_settle_is_no_end() {
        let solve = |value: f64| {
            if value <= 3.0 {
                Ok(())
            } else {
                Err(PoolingError::Infeasible)
            }
        };
        let Reach::Found(end) = bisect(0.0, 10.0, solve) else {
            panic!("an end");
        };
        assert!(end <= 3.0 && end > 2.99);
        let partly = |value: f64| match value {
            x if x <= 1.0 => Ok(()),
            x if x < 4.0 => Err(PoolingError::Unsolved),
            _ => Err(PoolingError::Infeasible),
        };
        assert_eq!(bisect(0.0, 10.0, partly), Reach::Between(0.0, 5.0));
    }
}

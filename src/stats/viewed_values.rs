//! What views are about, path by path, and its value under given weights.

use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::plan::views::{SpotSide, ViewedQuantity};
use crate::stats::sample::sum;

/// Weights of paths, of any positive sum; all equal if none are given.
pub(super) struct Weights<'a> {
    given: Option<&'a [f64]>,
    paths: usize,
    total: f64,
}

impl<'a> Weights<'a> {
    /// Those of a table.
    pub(super) fn of(table: &'a OutcomeTable) -> Self {
        match table.weights() {
            Some(weights) => Self::new(weights),
            None => Self {
                given: None,
                paths: table.paths(),
                total: table.paths() as f64,
            },
        }
    }

    /// These.
    pub(super) fn new(weights: &'a [f64]) -> Self {
        let [total] = sum(weights.len(), |paths| [weights[paths].iter().sum::<f64>()]);
        Self {
            given: Some(weights),
            paths: weights.len(),
            total,
        }
    }

    /// Their sum.
    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// As a slice, `None` if all are equal.
    pub(super) fn given(&self) -> Option<&'a [f64]> {
        self.given
    }

    /// An effective number of paths: all of them if all weights are equal.
    pub(super) fn effective(&self, number: fn(&[f64]) -> f64) -> f64 {
        self.given.map_or(self.paths as f64, number)
    }

    fn at(&self, path: usize) -> f64 {
        self.given.map_or(1.0, |weights| weights[path])
    }

    /// Weighted mean of what `value` says of a path.
    pub(super) fn mean(&self, value: impl Fn(usize) -> f64 + Sync) -> f64 {
        let [first] = sum(self.paths, |paths| {
            [paths.map(|path| self.at(path) * value(path)).sum::<f64>()]
        });
        first / self.total
    }

    /// Smallest and largest value on paths that weigh anything.
    pub(super) fn range(&self, values: &[f64]) -> (f64, f64) {
        let kept = values
            .iter()
            .enumerate()
            .filter(|(path, _)| self.at(*path) > 0.0);
        kept.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, x)| {
            (low.min(*x), high.max(*x))
        })
    }
}

/// `ln(S_T / S_0)` of an asset by path.
pub(super) fn log_returns(table: &OutcomeTable, plan: &Plan, asset: usize) -> Vec<f64> {
    let spot_usd = plan.market.assets[asset].spot_usd;
    let spots = table.column(table.terminal_spot(asset));
    spots.iter().map(|s| (s / spot_usd).ln()).collect()
}

/// What a view is about by path, so that its mean is what is held; `None` of a correlation, which is no mean.
pub(super) fn values(
    table: &OutcomeTable,
    plan: &Plan,
    quantity: &ViewedQuantity,
) -> Option<Vec<f64>> {
    let spots = |asset: usize| table.column(table.terminal_spot(asset));
    let indicator = |asset: usize, is_event: &dyn Fn(f64) -> bool| {
        let events = spots(asset).iter().map(|&s| f64::from(is_event(s)));
        events.collect()
    };
    match *quantity {
        ViewedQuantity::Mean { asset } => Some(spots(asset).to_vec()),
        ViewedQuantity::MeanLogReturn { asset } => Some(log_returns(table, plan, asset)),
        ViewedQuantity::Probability {
            asset,
            side: SpotSide::Above,
            level_usd,
        } => Some(indicator(asset, &|s| s > level_usd)),
        ViewedQuantity::Probability {
            asset,
            side: SpotSide::Below,
            level_usd,
        } => Some(indicator(asset, &|s| s < level_usd)),
        ViewedQuantity::Quantile {
            asset, price_usd, ..
        } => Some(indicator(asset, &|s| s <= price_usd)),
        ViewedQuantity::ReturnDifference { higher, lower } => {
            let assets = &plan.market.assets;
            let (one, other) = (assets[higher].spot_usd, assets[lower].spot_usd);
            let pairs = spots(higher).iter().zip(spots(lower));
            Some(pairs.map(|(a, b)| a / one - b / other).collect())
        }
        ViewedQuantity::Correlation { .. } => None,
    }
}

/// Mean and variance of values under weights.
pub(super) fn mean_and_variance(values: &[f64], weights: &Weights<'_>) -> (f64, f64) {
    let mean = weights.mean(|path| values[path]);
    let variance = weights.mean(|path| (values[path] - mean) * (values[path] - mean));
    (mean, variance)
}

/// The value of what a view is about under weights; `None` where it has none: a correlation of what does not vary.
pub(super) fn measure(
    table: &OutcomeTable,
    plan: &Plan,
    quantity: &ViewedQuantity,
    weights: &Weights<'_>,
) -> Option<f64> {
    if let ViewedQuantity::Correlation { first, second } = *quantity {
        let (x, y) = (
            log_returns(table, plan, first),
            log_returns(table, plan, second),
        );
        let (mean_x, variance_x) = mean_and_variance(&x, weights);
        let (mean_y, variance_y) = mean_and_variance(&y, weights);
        let covariance = weights.mean(|path| (x[path] - mean_x) * (y[path] - mean_y));
        let scale = (variance_x * variance_y).sqrt();
        return (scale > 0.0).then(|| covariance / scale);
    }
    values(table, plan, quantity).map(|values| weights.mean(|path| values[path]))
}

/// The left inverse of the weighted distribution of a terminal spot, USD.
pub(super) fn quantile_usd(
    table: &OutcomeTable,
    asset: usize,
    level_frac: f64,
    weights: &Weights<'_>,
) -> f64 {
    let spots = table.column(table.terminal_spot(asset));
    let mut pairs: Vec<(f64, f64)> = spots
        .iter()
        .enumerate()
        .map(|(path, s)| (*s, weights.at(path)))
        .collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = level_frac * weights.total();
    let mut below = 0.0;
    for &(spot, weight) in &pairs {
        below += weight;
        // What is held to rounding counts as held.
        if below >= wanted * (1.0 - 1e-10) {
            return spot;
        }
    }
    pairs.last().map_or(f64::NAN, |(spot, _)| *spot)
}

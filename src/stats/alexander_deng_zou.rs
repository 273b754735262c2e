//! The objective of Alexander, Deng and Zou: variance of the hedged P&L and a price on liquidation.

use crate::stats::estimate::Estimate;
use crate::stats::influence::Influences;

/// The keys of [`Influences`] that it is computed from.
pub const PARTS: [&str; 3] = [
    "hedged.std_dev",
    "unhedged.std_dev",
    "liquidation.probability",
];

/// The objective at one point with the influence of each path on it.
#[derive(Debug, Clone, PartialEq)]
pub struct PricedVariance {
    /// `V_h + gamma V_u p`, USD squared: the variances of hedged and unhedged P&L, the price `gamma` and the probability `p` of
    /// at least one liquidation.
    pub estimate: Estimate,
    /// By path, in its unit; empty where it cannot be told.
    influence: Vec<f64>,
    /// By path; `None` where all weigh the same.
    weights: Option<Vec<f64>>,
}

impl PricedVariance {
    /// The objective from the estimates of [`PARTS`]; `liquidation_price` is `gamma`, dimensionless, at least 0: with 1 a hedge that is
    /// liquidated for certain counts as no better than none.
    ///
    /// Influences follow by the chain rule, so that the dependence of variances and liquidations is accounted for.
    ///
    /// # Source
    /// C. Alexander, J. Deng, B. Zou, Hedging with automatic liquidation and leverage selection on bitcoin futures, European Journal of
    /// Operational Research 306 (2023) 478-493: both the variance and the probability of liquidation are to be small. The weight
    /// between the two is the user's.
    pub fn of(influences: &Influences, liquidation_price: f64) -> Option<Self> {
        let [hedged, unhedged, liquidated] = PARTS.map(|key| influences.estimate(key));
        let (hedged_sd, unhedged_sd, p) = (hedged?.value?, unhedged?.value?, liquidated?.value?);
        let value = hedged_sd * hedged_sd + liquidation_price * unhedged_sd * unhedged_sd * p;
        let [of_hedged, of_unhedged, of_liquidated] = PARTS.map(|key| influences.influence(key));
        let influence = match (of_hedged, of_unhedged, of_liquidated) {
            (Some(hedged), Some(unhedged), Some(liquidated)) => hedged
                .iter()
                .zip(&unhedged)
                .zip(&liquidated)
                .map(|((h, u), l)| {
                    let priced = 2.0 * unhedged_sd * u * p + unhedged_sd * unhedged_sd * l;
                    2.0 * hedged_sd * h + liquidation_price * priced
                })
                .collect(),
            _ => Vec::new(),
        };
        let weights = influences.weights().map(<[f64]>::to_vec);
        let std_error = std_error(influence.iter().copied(), weights.as_deref());
        Some(Self {
            estimate: Estimate::normal(value, std_error),
            influence,
            weights,
        })
    }

    /// `other - self` with the error of the difference, both on the same paths; without an error where one of the two has none.
    pub fn difference_to(&self, other: &Self) -> Estimate {
        let [Some(of_self), Some(of_other)] = [self, other].map(|side| side.estimate.value) else {
            return Estimate::UNDEFINED;
        };
        let std_error = if self.influence.len() == other.influence.len() {
            let differences = self.influence.iter().zip(&other.influence);
            if self.weights == other.weights {
                std_error(differences.map(|(a, b)| b - a), self.weights.as_deref())
            } else {
                // Each side under its own weights, of which the shares are paired.
                let paths = self.influence.len();
                let shares = [self, other].map(|side| side.shares(paths));
                let paired = differences.enumerate().map(|(path, (a, b))| {
                    let [of_a, of_b] = &shares;
                    paths as f64 * (of_b[path] * b - of_a[path] * a)
                });
                std_error(paired, None)
            }
        } else {
            f64::NAN
        };
        Estimate::normal(of_other - of_self, std_error)
    }
}

impl PricedVariance {
    /// Each path's share of the weight.
    fn shares(&self, paths: usize) -> Vec<f64> {
        match &self.weights {
            None => vec![1.0 / paths as f64; paths],
            Some(weights) => {
                let total: f64 = weights.iter().sum();
                weights.iter().map(|weight| weight / total).collect()
            }
        }
    }
}

/// `sqrt(sum w^2 influence^2) / sum w`; NaN for fewer than two paths.
fn std_error(influence: impl ExactSizeIterator<Item = f64>, weights: Option<&[f64]>) -> f64 {
    let paths = influence.len();
    if paths < 2 {
        return f64::NAN;
    }
    let n = paths as f64;
    let (mut square, mut total) = (0.0, 0.0);
    for (path, x) in influence.enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[path]);
        square += weight * weight * x * x;
        total += weight;
    }
    (square * n / (n - 1.0)).sqrt() / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::influence::influences;
    use crate::stats::synthetic::{plan, table};

    #[test]
    fn it_is_what_its_parts_say_and_its_error_what_blocks_of_paths_say() {
        let paths = 20_000;
        let (table, plan) = (table(paths), plan(paths as u64, vec![]));
        let found = influences(&table, &plan, &PARTS);
        let part = |key: &str| found.estimate(key).unwrap().value.unwrap();
        let [hedged, unhedged, p] = PARTS.map(part);
        for price in [0.0, 1.0, 7.5] {
            let priced = PricedVariance::of(&found, price).unwrap();
            let value = hedged.powi(2) + price * unhedged.powi(2) * p;
            assert_eq!(priced.estimate.value, Some(value));
            // An influence has mean 0, and the error is its deviation.
            let sum: f64 = priced.influence.iter().sum();
            assert!((sum / paths as f64).abs() < 1e-9 * value);
            let square: f64 = priced.influence.iter().map(|x| x * x).sum();
            let error = (square / (paths as f64 - 1.0) / paths as f64).sqrt();
            assert!((priced.estimate.std_error.unwrap() / error - 1.0).abs() < 1e-12);
            assert!(error > 0.0);
            assert_eq!(priced.difference_to(&priced), Estimate::exact(0.0));
        }
        // Without a price it is the variance, whose error is 2 sd times that of the deviation.
        let bare = PricedVariance::of(&found, 0.0).unwrap();
        let of_sd = found.estimate("hedged.std_dev").unwrap().std_error.unwrap();
        let ratio = bare.estimate.std_error.unwrap() / (2.0 * hedged * of_sd);
        assert!((ratio - 1.0).abs() < 1e-3, "{ratio}");
        let dear = PricedVariance::of(&found, 2.0).unwrap();
        let difference = bare.difference_to(&dear);
        let expected = 2.0 * unhedged.powi(2) * p;
        assert!((difference.value.unwrap() / expected - 1.0).abs() < 1e-9);
        // Mostly the error of the probability.
        let of_p = found.estimate(PARTS[2]).unwrap().std_error.unwrap();
        let least = 2.0 * unhedged.powi(2) * of_p;
        assert!(difference.std_error.unwrap() > 0.9 * least);
    }

    #[test]
    fn what_is_not_there_gives_nothing() {
        let found = influences(&table(100), &plan(100, vec![]), &PARTS[..2]);
        assert_eq!(PricedVariance::of(&found, 1.0), None);
    }
}

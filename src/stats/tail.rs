//! Value at risk and expected shortfall.

use crate::stats::estimate::Estimate;
use crate::stats::level::Level;
use crate::stats::quantile::Percentiles;
use crate::stats::sample::Sample;

/// The worst part of a sample of P&L: what lies beyond the value at risk of one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossTail {
    /// Value at risk, the loss quantile; NaN without values. Positive is a loss.
    pub value_at_risk: f64,
    /// Mean loss of exactly the worst `1 - level` of the weight; the path at the boundary counts in part.
    pub expected_shortfall: Estimate,
    /// `1 - level`.
    tail: f64,
}

impl LossTail {
    /// The tail of a sample at a level that `percentiles` holds as a loss level.
    ///
    /// `ES = VaR + sum w (-VaR - x)^+ / ((1 - a) sum w)`, which splits the boundary path by itself. The standard error is
    /// the root of `sum w^2 IF^2 / (sum w)^2` with the influence `IF = VaR - ES + (-VaR - x)^+ / (1 - a)`; without weights
    /// this is `n SE^2 = (Var(loss | loss > VaR) + a (ES - VaR)^2) / (1 - a)`. Of weights that
    /// were found to hold some means it is [`Sample::square`] of the same influence. There is none where the tail is too small for an
    /// interval of the value at risk.
    pub fn new(sample: &Sample, percentiles: &Percentiles, level: Level) -> Self {
        let tail = (1000 - level.per_mille) as f64 / 1000.0;
        let Some(value_at_risk) = percentiles.loss(level).value else {
            return Self {
                value_at_risk: f64::NAN,
                expected_shortfall: Estimate::UNDEFINED,
                tail,
            };
        };
        let boundary = -value_at_risk;
        let [excess, excess_square_weight, square] = sample.sum(|x, w, _| {
            let g = (boundary - x).max(0.0);
            [w * g, w * w * g, w * w * g * g]
        });
        let beyond = excess / (tail * sample.weight_sum());
        let influence_square = beyond * beyond * sample.weight_square_sum()
            - 2.0 * beyond / tail * excess_square_weight
            + square / (tail * tail);
        let influence_square = sample.square(influence_square, |x, _| {
            (boundary - x).max(0.0) / tail - beyond
        });
        let std_error = influence_square.max(0.0).sqrt() / sample.weight_sum();
        // A tail of a path or two, or under weights of one that outweighs the rest, has no spread to learn an error from.
        let std_error = match percentiles.loss(level).ci95 {
            Some(_) => std_error,
            None => f64::NAN,
        };
        Self {
            value_at_risk,
            expected_shortfall: Estimate::normal(value_at_risk + beyond, std_error),
            tail,
        }
    }

    /// Expected shortfall, NaN without values.
    pub fn shortfall(&self) -> f64 {
        self.expected_shortfall.value.unwrap_or(f64::NAN)
    }

    /// Whether the tail has paths enough for an error.
    pub fn is_told(&self) -> bool {
        self.expected_shortfall.std_error.is_some()
    }

    /// Influence of one outcome `x` of P&L on the expected shortfall.
    pub fn influence(&self, x: f64) -> f64 {
        self.value_at_risk - self.shortfall() + (-self.value_at_risk - x).max(0.0) / self.tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::sample::tests::{normals, uniforms};

    fn tail(sample: &Sample, per_mille: u64) -> LossTail {
        let level = Level::new(per_mille);
        LossTail::new(sample, &Percentiles::new(sample, &[], &[level]), level)
    }

    #[test]
    fn splits_the_boundary_path() {
        // Worst 25 % of 6 paths is 1.5 paths: 10 and half of 8.
        let sample = Sample::new(vec![-8.0, 1.0, -10.0, 3.0, -2.0, 5.0], None);
        let found = tail(&sample, 750);
        assert_eq!(found.value_at_risk.to_bits(), 8.0f64.to_bits());
        assert!((found.shortfall() - (10.0 + 0.5 * 8.0) / 1.5).abs() < 1e-14);
        // Whole paths: the worst half is 10, 8, 2.
        assert!((tail(&sample, 500).shortfall() - 20.0 / 3.0).abs() < 1e-14);
        // Less than one path: the worst alone.
        assert!((tail(&sample, 990).shortfall() - 10.0).abs() < 1e-14);
    }

    #[test]
    fn a_tail_too_small_for_its_value_at_risk_has_no_error() {
        // 0.95^72 = 2.49 %.
        let of = |paths| tail(&Sample::new(normals(3, paths), None), 950).expected_shortfall;
        assert_eq!((of(71).std_error, of(71).ci95), (None, None));
        assert!(of(71).value.is_some());
        assert!(of(72).std_error.is_some_and(|error| error > 0.0));
        let equal = Sample::new(normals(3, 72), Some(vec![0.7; 72].into()));
        let equal = tail(&equal, 950).expected_shortfall;
        assert!((equal.std_error.unwrap() / of(72).std_error.unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_tail_of_one_heavy_path_has_no_error() {
        // 2,000 paths that are worth 300 in all by Kish, and the worst 5 % less than one.
        let mut weights = vec![1.0; 2000];
        weights[7] = 150.0;
        let mut values = normals(4, 2000);
        values[7] = -9.0;
        let found = tail(&Sample::new(values, Some(weights.into())), 950);
        assert_eq!(found.expected_shortfall, Estimate::normal(9.0, f64::NAN));
        assert!(!found.is_told());
    }

    #[test]
    fn weighted_errors_cover() {
        // Normals that count exp(-x / 2): normals with mean -1/2, whose shortfall is that of a standard one and 1/2 more.
        let mut covers = 0;
        for seed in 0..200 {
            let values = normals(3000 + seed, 4000);
            let weights: Vec<f64> = values.iter().map(|x| (-0.5 * x).exp()).collect();
            let sample = Sample::new(values, Some(weights.into()));
            let [lower, upper] = tail(&sample, 950).expected_shortfall.ci95.unwrap();
            covers += i32::from((lower..=upper).contains(&2.562_712_808));
        }
        // Under 95 %, as the sample's own tail is short: 175 of 200 is what a 92 % interval misses once in a hundred.
        assert!((175..200).contains(&covers), "{covers}");
    }

    #[test]
    fn normal_oracles() {
        // N(0,1): VaR 1.644853627, ES 2.062712808 at 95 %; 2.326347874, 2.665214220 at 99 %. sqrt(n) SE of ES from
        // quadrature: sqrt(6.07904993138), sqrt(21.0530691683). A false alarm once in 10^6 reseedings each.
        let n = 400_000;
        let sample = Sample::new(normals(21, n), None);
        for (per_mille, var, es, n_square) in [
            (
                950,
                1.644_853_626_951_472_7,
                2.062_712_807_507_123,
                6.079_049_931_38,
            ),
            (
                990,
                2.326_347_874_040_841,
                2.665_214_220_345_808,
                21.053_069_168_3,
            ),
        ] {
            let found = tail(&sample, per_mille);
            let std_error: f64 = (n_square / n as f64).sqrt();
            assert!((found.shortfall() - es).abs() < 4.892 * std_error);
            assert!((found.value_at_risk - var).abs() < 4.892 * std_error);
            let estimated = found.expected_shortfall.std_error.unwrap();
            assert!(
                (estimated / std_error - 1.0).abs() < 0.05,
                "{estimated} {std_error}"
            );
        }
    }

    #[test]
    fn never_under_value_at_risk() {
        for seed in 0..50 {
            let count = 3 + 11 * usize::try_from(seed).unwrap();
            let weights = uniforms(100 + seed, count);
            let sample = Sample::new(normals(seed, count), Some(weights.into()));
            for per_mille in [500, 950, 990] {
                let found = tail(&sample, per_mille);
                assert!(found.shortfall() >= found.value_at_risk);
            }
        }
    }

    #[test]
    fn weights_count_as_copies() {
        let weighted = Sample::new(vec![-3.0, 1.0, -1.0], Some(vec![2.0, 5.0, 3.0].into()));
        let copies = vec![-3.0, -3.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0];
        let (weighted, copied) = (tail(&weighted, 600), tail(&Sample::new(copies, None), 600));
        assert_eq!(
            weighted.value_at_risk.to_bits(),
            copied.value_at_risk.to_bits()
        );
        assert!((weighted.shortfall() - copied.shortfall()).abs() < 1e-14);
        assert!((copied.shortfall() - 2.0).abs() < 1e-14);
    }

    #[test]
    fn influences_sum_to_zero() {
        let sample = Sample::new(normals(9, 1000), None);
        let found = tail(&sample, 950);
        let [total] = sample.sum(|x, w, _| [w * found.influence(x)]);
        assert!(total.abs() < 1e-9);
    }
}

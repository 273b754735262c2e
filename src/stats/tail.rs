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
    /// this is `n SE^2 = (Var(loss | loss > VaR) + a (ES - VaR)^2) / (1 - a)`.
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
        let std_error = influence_square.max(0.0).sqrt() / sample.weight_sum();
        // A tail of one path, or of a part of one, has no spread to learn an error from.
        let effective_paths =
            sample.weight_sum() * sample.weight_sum() / sample.weight_square_sum();
        let std_error = if tail * effective_paths < 2.0 - 1e-9 {
            f64::NAN
        } else {
            std_error
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
    fn a_tail_of_less_than_two_paths_has_no_error() {
        let of = |paths| tail(&Sample::new(normals(3, paths), None), 950).expected_shortfall;
        assert_eq!((of(39).std_error, of(39).ci95), (None, None));
        assert!(of(39).value.is_some());
        assert!(of(40).std_error.is_some_and(|error| error > 0.0));
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

//! Errors of quantiles under weights that were found to hold some means.

use crate::stats::level::Level;
use crate::stats::sample::{Held, Sample, sums};

/// How many equal draws have the same error of the share at or below a quantile, by quantile: level and estimate of the values times `sign`.
///
/// The influence on that share is `1{x <= q} - p`; paths at the quantile count on either side by the share of their weight that lies
/// there. One pass through the paths in their order serves all levels: each adds what it has to the sums of the gap between two
/// quantiles that it lies in. There are no more draws than the square of the paths, whose interval is no wider than a path.
pub(super) fn draws(
    sample: &Sample,
    held: &Held,
    sign: f64,
    quantiles: &[(Level, f64)],
) -> Vec<f64> {
    if quantiles.is_empty() {
        return Vec::new();
    }
    let mut bounds: Vec<f64> = quantiles.iter().map(|(_, value)| *value).collect();
    bounds.sort_unstable_by(f64::total_cmp);
    bounds.dedup();
    let gaps = Gaps::new(sample, held, sign, &bounds);
    let of_one = |&(level, value): &(Level, f64)| {
        let p = level.fraction();
        // The first that is not below: the same but for the sign of a zero.
        let at = bounds.partition_point(|bound| *bound < value);
        let total = sample.weight_sum();
        let draws = p * (1.0 - p) * total * total / gaps.square(at, p, total);
        draws.min(sample.len() as f64 * sample.len() as f64)
    };
    quantiles.iter().map(of_one).collect()
}

/// Sums over the paths between bounds, and at each of them.
struct Gaps<'a> {
    held: &'a Held,
    /// Numbers in one sum: weight, its square with the inflation, then by column of the held means what a coefficient is made of, and its
    /// product with the inflated weight.
    width: usize,
    /// Shape `[2 bounds + 1][width]`: below the first bound, at it, between it and the next, ...
    sums: Vec<f64>,
}

impl<'a> Gaps<'a> {
    fn new(sample: &Sample, held: &'a Held, sign: f64, bounds: &[f64]) -> Self {
        let columns = held.means.columns();
        let width = 2 + 2 * columns;
        let inflation = held.means.inflation();
        let sums = sums(sample.len(), |range| {
            let mut sums = vec![0.0; (2 * bounds.len() + 1) * width];
            for index in range {
                let (x, path) = (sign * sample.values()[index], held.path(index));
                let next = bounds.partition_point(|bound| *bound < x);
                #[expect(clippy::float_cmp, reason = "the bounds are some of the values")]
                let is_at = bounds.get(next).is_some_and(|bound| *bound == x);
                let gap = 2 * next + usize::from(is_at);
                let of_gap = &mut sums[gap * width..][..width];
                let (w, v) = (sample.weight(index), inflation[path]);
                of_gap[0] += w;
                of_gap[1] += v * w * (v * w);
                for column in 0..columns {
                    of_gap[2 + column] += held.means.column(column)[path];
                    of_gap[2 + columns + column] += v * w * v * held.means.moved(column)[path];
                }
            }
            sums
        });
        Self { held, width, sums }
    }

    /// `(sum w)^2` times the squared error of the share at or below this bound, which is the quantile of level `p`.
    fn square(&self, bound: usize, p: f64, weight_sum: f64) -> f64 {
        let gaps = || self.sums.chunks_exact(self.width);
        let add = |mut sum: Vec<f64>, gap: &[f64]| {
            sum.iter_mut().zip(gap).for_each(|(sum, x)| *sum += x);
            sum
        };
        let nothing = || vec![0.0; self.width];
        let mut lower = gaps().take(2 * bound + 1).fold(nothing(), add);
        let all = gaps().fold(nothing(), add);
        let at = &self.sums[(2 * bound + 1) * self.width..][..self.width];
        let share = match at[0] {
            of_bound if of_bound > 0.0 => ((p * weight_sum - lower[0]) / of_bound).clamp(0.0, 1.0),
            _ => 0.0,
        };
        lower
            .iter_mut()
            .zip(at)
            .for_each(|(lower, at)| *lower += share * at);
        let raw = lower[1] * (1.0 - 2.0 * p) + p * p * all[1];
        let less: Vec<f64> = lower
            .iter()
            .zip(&all)
            .map(|(lower, all)| lower - p * all)
            .collect();
        let (projected, crossed) = less[2..].split_at(self.held.means.columns());
        self.held.means.square(raw, projected, crossed)
    }
}

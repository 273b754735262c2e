//! Stochastic dominance of one distribution over another on the same paths, first and second order, and whether what breaks it
//! is more than sampling error.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::outcome::weights::HeldMeans;
use crate::stats::estimate::Estimate;
use crate::stats::level::{ALL_LEVELS, Level};
use crate::stats::sample::{Sample, sum};

/// Percentiles of the [`grid`], at most; some may be one value.
const GRID_POINTS: usize = 103;

/// One-sided 5 %, shared over the [`grid`] (Bonferroni): the point of the normal distribution beyond which lie `0.05 / 103`.
fn critical() -> f64 {
    -Normal::standard().inverse_cdf(0.05 / GRID_POINTS as f64)
}

/// A part of the weight, or of the range of values, that is rounding.
const ROUNDING: f64 = 1e-12;

/// What can be said of one order of dominance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds among the simulated paths. Nothing is tested: on other paths it may be broken, however few break it.
    Holds,
    /// It does not hold among them, by no more than sampling error explains.
    Undecided,
    /// It does not hold, by more than sampling error explains.
    Violated,
    /// The two distributions are the same.
    Same,
}

/// One order of dominance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// Whether it holds.
    pub verdict: Verdict,
    /// By how much it fails where it fails most; exactly 0 where it holds. First order: a probability, by which ending at or below
    /// a level is more likely. Second: USD, by which the mean shortfall from a level is larger. Error and interval are those of the
    /// difference at that level as if it had been fixed before; the level is the one with the largest violation, so that the value
    /// is larger than the truth on average, and the interval covers less than its 95 %.
    pub violation: Estimate,
    /// That level, USD; `None` where it holds.
    pub at_usd: Option<f64>,
}

/// Whether one distribution dominates another.
///
/// First order: `F_a(x) <= F_b(x)` at every level `x`, so everybody who likes more better prefers `a`. Second order:
/// `E (x - A)^+ <= E (x - B)^+` at every level, so everybody who also dislikes risk does. The first implies the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dominance {
    /// First order.
    pub first: Order,
    /// Second order.
    pub second: Order,
}

/// Outcomes by path with their order.
#[derive(Debug, Clone)]
pub struct Outcomes {
    values: Vec<f64>,
    weights: Option<Vec<f64>>,
    weight_sum: f64,
    /// The means that the weights were found to hold.
    held: Option<Arc<HeldMeans>>,
    /// Values with their weights, ascending.
    sorted: Vec<(f64, f64)>,
}

impl Outcomes {
    /// The outcomes of a sample of all paths, none of them NaN.
    pub fn of(sample: &Sample) -> Self {
        let values = sample.values().to_vec();
        let pairs = values.iter().enumerate();
        let mut sorted: Vec<(f64, f64)> =
            pairs.map(|(path, &x)| (x, sample.weight(path))).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self {
            values,
            weights: sample.weights().map(<[f64]>::to_vec),
            weight_sum: sample.weight_sum(),
            held: sample.held().map(|held| Arc::clone(&held.means)),
            sorted,
        }
    }

    /// The values as a sample.
    pub fn sample(&self) -> Sample<'_> {
        let weights = self.weights.as_deref();
        Sample::new(self.values.as_slice(), weights.map(Into::into)).holding(self.held.clone())
    }

    /// A path's share of the weight.
    fn share(&self, path: usize) -> f64 {
        let weight = self.weights.as_ref().map_or(1.0, |weights| weights[path]);
        weight / self.weight_sum
    }
}

/// Whether `a` dominates `b`, and `b` dominates `a`.
///
/// Exact among the simulated paths. Where it fails, it is tested at the percentiles of both together (0.1, 0.5, 1, 2 ... 99, 99.5,
/// 99.9 %): the error of the difference at a level is that of pairs, since path `i` of both has the same random numbers, and the
/// largest of the 103 z-scores is held against the normal point that the 5 % leave each of them. Where dominance is true, it is
/// called violated in at most 5 % of samples. That it holds is a statement about the simulated paths, without a level.
///
/// # Panics
/// If the two have different numbers of paths.
///
/// # Source
/// J. Hadar and W. R. Russell, Rules for ordering uncertain prospects, AER 59 (1969) 25-34; R. Davidson and J.-Y. Duclos,
/// Statistical inference for stochastic dominance, Econometrica 68 (2000) 1435-1464, with pairs and Bonferroni's bound.
pub fn dominance(a: &Outcomes, b: &Outcomes) -> [Dominance; 2] {
    assert_eq!(a.values.len(), b.values.len(), "the same paths");
    let [first, second] = extremes(a, b);
    let (scores, critical) = (scores(a, b), critical());
    let order = |extremes: [Extreme; 2], form: Form, scores: [f64; 2], side: usize| {
        // The difference is that of `a` less `b`; seen from `b` its sign turns.
        let (sign, breaks, gains) = match side {
            0 => (1.0, extremes[0], extremes[1]),
            _ => (-1.0, extremes[1], extremes[0]),
        };
        let verdict = match (breaks.size > 0.0, gains.size > 0.0) {
            (false, true) => Verdict::Holds,
            (false, false) => Verdict::Same,
            (true, _) if scores[side] >= critical => Verdict::Violated,
            (true, _) => Verdict::Undecided,
        };
        if breaks.size > 0.0 {
            let (difference, std_error) = difference_at(a, b, form, breaks.at);
            Order {
                verdict,
                violation: Estimate::normal(sign * difference, std_error),
                at_usd: Some(breaks.at),
            }
        } else {
            Order {
                verdict,
                violation: Estimate::exact(0.0),
                at_usd: None,
            }
        }
    };
    [0, 1].map(|side| Dominance {
        first: order(first, Form::AtOrBelow, scores[0], side),
        second: order(second, Form::Shortfall, scores[1], side),
    })
}

/// What is compared at a level.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Whether a value is at or below it.
    AtOrBelow,
    /// How far a value falls short of it.
    Shortfall,
}

impl Form {
    fn of(self, x: f64, level: f64) -> f64 {
        match self {
            Self::AtOrBelow if x <= level => 1.0,
            Self::AtOrBelow => 0.0,
            Self::Shortfall => (level - x).max(0.0),
        }
    }
}

/// The largest difference in one direction; 0 where there is none.
#[derive(Debug, Clone, Copy)]
struct Extreme {
    size: f64,
    at: f64,
}

impl Extreme {
    const NONE: Self = Self {
        size: 0.0,
        at: f64::NAN,
    };

    fn see(&mut self, size: f64, at: f64, rounding: f64) {
        if size > self.size && size > rounding {
            *self = Self { size, at };
        }
    }
}

/// Largest positive and negative differences of the distribution functions, and of their integrals, over all levels.
fn extremes(a: &Outcomes, b: &Outcomes) -> [[Extreme; 2]; 2] {
    let mut found = [[Extreme::NONE; 2]; 2];
    let ends = |outcomes: &Outcomes| Some((outcomes.sorted.first()?.0, outcomes.sorted.last()?.0));
    let (Some((low_a, high_a)), Some((low_b, high_b))) = (ends(a), ends(b)) else {
        return found;
    };
    let roundings = [ROUNDING, ROUNDING * (high_a.max(high_b) - low_a.min(low_b))];
    let mut rest = [a, b].map(|outcomes| outcomes.sorted.iter().peekable());
    let mut weights = [0.0; 2];
    let mut integral = 0.0;
    let mut last = low_a.min(low_b);
    let mut see = |order: usize, difference: f64, at: f64| {
        let [up, down] = &mut found[order];
        up.see(difference, at, roundings[order]);
        down.see(-difference, at, roundings[order]);
    };
    loop {
        let next = rest
            .iter_mut()
            .filter_map(|rest| rest.peek().map(|(x, _)| *x));
        let level = next.fold(f64::INFINITY, f64::min);
        if level == f64::INFINITY {
            return found;
        }
        let height = weights[0] / a.weight_sum - weights[1] / b.weight_sum;
        integral += height * (level - last);
        see(1, integral, level);
        for (rest, weight) in rest.iter_mut().zip(&mut weights) {
            while let Some((_, w)) = rest.next_if(|(x, _)| *x <= level) {
                *weight += w;
            }
        }
        let height = weights[0] / a.weight_sum - weights[1] / b.weight_sum;
        see(0, height, level);
        last = level;
    }
}

/// Percentiles of both together: 0.1, 0.5, 1, 2 ... 99, 99.5 and 99.9 %, each value once.
fn grid(a: &Outcomes, b: &Outcomes) -> Vec<f64> {
    let outer = ALL_LEVELS.map(|level| level.per_mille);
    let mut levels: Vec<u64> = (1..100).map(|percent| 10 * percent).chain(outer).collect();
    levels.sort_unstable();
    levels.dedup();
    let levels: Vec<Level> = levels.into_iter().map(Level::new).collect();
    let pooled = Pooled::of(a, b);
    let mut values: Vec<f64> = levels.iter().map(|&level| pooled.quantile(level)).collect();
    values.dedup();
    values
}

/// Values of both together, each with the share of the weight at or below it.
struct Pooled(Vec<(f64, f64)>);

impl Pooled {
    fn of(a: &Outcomes, b: &Outcomes) -> Self {
        let shares = |outcomes: &Outcomes| {
            let total = 2.0 * outcomes.weight_sum;
            let sorted = outcomes.sorted.iter();
            sorted.map(|(x, w)| (*x, w / total)).collect::<Vec<_>>()
        };
        let mut all = [shares(a), shares(b)].concat();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut below = 0.0;
        for (_, share) in &mut all {
            below += *share;
            *share = below;
        }
        Self(all)
    }

    fn quantile(&self, level: Level) -> f64 {
        let at = self
            .0
            .partition_point(|(_, share)| *share < level.fraction());
        let at = at.min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(f64::NAN, |(x, _)| *x)
    }
}

/// By order: the largest z-score of the difference over the grid, and of its negative.
fn scores(a: &Outcomes, b: &Outcomes) -> [[f64; 2]; 2] {
    let scores: Vec<[f64; 2]> = grid(a, b)
        .into_par_iter()
        .map(|level| {
            [Form::AtOrBelow, Form::Shortfall].map(|form| {
                let (difference, std_error) = difference_at(a, b, form, level);
                if std_error > 0.0 {
                    difference / std_error
                } else if difference == 0.0 {
                    0.0
                } else {
                    difference.signum() * f64::INFINITY
                }
            })
        })
        .collect();
    [0, 1].map(|order| {
        let largest = |sign: f64| {
            let scores = scores.iter().map(|scores| sign * scores[order]);
            scores.fold(f64::NEG_INFINITY, f64::max)
        };
        [largest(1.0), largest(-1.0)]
    })
}

/// The difference of the two means of a form at a level, `a` less `b`, and its standard error.
fn difference_at(a: &Outcomes, b: &Outcomes, form: Form, level: f64) -> (f64, f64) {
    let paths = a.values.len();
    let terms = |range: Range<usize>, means: [f64; 2]| {
        range.map(move |path| {
            let of_a = a.share(path) * (form.of(a.values[path], level) - means[0]);
            let of_b = b.share(path) * (form.of(b.values[path], level) - means[1]);
            (of_a, of_b)
        })
    };
    let means = sum(paths, |range| {
        terms(range, [0.0; 2]).fold([0.0; 2], |sums, (of_a, of_b)| {
            [sums[0] + of_a, sums[1] + of_b]
        })
    });
    let [square] = sum(paths, |range| {
        let squares = terms(range, means).map(|(of_a, of_b)| (of_a - of_b) * (of_a - of_b));
        [squares.sum()]
    });
    let square = match (&a.held, &b.held) {
        (Some(of_a), Some(of_b)) if Arc::ptr_eq(of_a, of_b) => {
            let total = a.weight_sum * a.weight_sum;
            let difference = |x: f64, path: usize| {
                form.of(x, level) - means[0] - (form.of(b.values[path], level) - means[1])
            };
            a.sample().square(total * square, difference) / total
        }
        _ => square,
    };
    (means[0] - means[1], square.sqrt())
}

#[cfg(test)]
mod tests;

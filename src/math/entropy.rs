//! Entropy pooling: the weights nearest to given ones, in relative entropy, whose means are where they are wanted.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use thiserror::Error;

/// Values whose terms are summed one after the other; the partial sums are then added in their order.
const CHUNK: usize = 8192;

/// Largest error of a mean, in standard deviations of its values under the prior, at which the search ends.
const ENOUGH: f64 = 1e-12;

/// Largest error with which a search that rounding has stopped counts as done.
const STILL_GOOD: f64 = 1e-10;

/// More steps than any problem with an answer takes: Newton's method doubles the digits, and far from the answer it gains a fixed amount a step.
const MOST_STEPS: usize = 500;

/// Fraction of the predicted decrease that a step has to make (Nocedal and Wright, Numerical Optimization, 2006, section 3.1).
const ARMIJO: f64 = 1e-4;

/// Differences of the dual under this are rounding: it is the logarithm of a sum over up to 10^9 terms, near 20 in size.
const LEVEL: f64 = 1e-12;

/// Smallest curvature that a step trusts: without curvature and with a slope the dual has no end, which the first long step shows.
const FLATTEST: f64 = 1e-13;

/// How a mean is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// The mean equals the target.
    Equal,
    /// The mean is not below the target.
    AtLeast,
    /// The mean is not above the target.
    AtMost,
}

/// A wish: the weighted mean of `values`, one a scenario, is held at `target`, in the unit of the values.
#[derive(Debug, Clone, Copy)]
pub struct Constraint<'a> {
    /// Shape `[scenarios]`.
    pub values: &'a [f64],
    /// How the mean is held.
    pub sense: Sense,
    /// Where.
    pub target: f64,
}

/// The weights found.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// Shape `[scenarios]`, at least 0, their sum is 1.
    pub weights: Vec<f64>,
    /// `sum p ln(p / p0)`, nats, at least 0.
    pub relative_entropy: f64,
    /// Of each constraint `t` in `p ~ p0 exp(sum t v)`, per unit of its values: 0 where an inequality does not bind, at least 0 for
    /// [`Sense::AtLeast`], at most 0 for [`Sense::AtMost`].
    pub multipliers: Vec<f64>,
}

/// Why there are no such weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PoolingError {
    /// No weights satisfy all constraints: their relative entropy would have to pass that of one scenario alone.
    #[error("no weights satisfy all constraints")]
    Infeasible,
    /// Rounding stopped the search before the constraints held.
    #[error("the search for weights did not come to an end")]
    Unsolved,
}

/// Minimises `sum p ln(p / p0)` over weights `p` that satisfy all constraints.
///
/// `prior` are the weights `p0`, at least 0, of any positive sum; all equal if `None`. The dual has one variable `t` a constraint:
/// `ln sum p0 exp(sum t d)` with `d` the values less their target over their deviation is convex, its slope the error of the means,
/// its curvature their covariance. It is minimised by Newton's method with line search, `t >= 0` or `t <= 0` for inequalities (a
/// projected step over those that are not at rest at 0). The sums are in a fixed order: no bit depends on the number of threads.
///
/// By weak duality the negative of the dual never passes the relative entropy of feasible weights, which never passes
/// `-ln min p0`: beyond it the constraints are proved to contradict each other.
///
/// # Errors
/// [`PoolingError`].
///
/// # Panics
/// If lengths differ.
///
/// # Source
/// A. Meucci, Fully Flexible Views: Theory and Practice, Risk 21(10) (2008) 97-102; projected Newton steps: D. P. Bertsekas, SIAM J. Control
/// Optim. 20 (1982) 221-246.
pub fn pool(
    scenarios: usize,
    prior: Option<&[f64]>,
    constraints: &[Constraint<'_>],
) -> Result<Pooled, PoolingError> {
    let log_prior = log_prior(scenarios, prior);
    let mut scaled = Vec::with_capacity(constraints.len());
    for constraint in constraints {
        assert_eq!(
            constraint.values.len(),
            scenarios,
            "one value for each scenario"
        );
        scaled.push(Scaled::new(constraint, &log_prior)?);
    }
    let most_entropy = -log_prior
        .iter()
        .copied()
        .filter(|x| x.is_finite())
        .fold(0.0, f64::min);
    let dual = Dual {
        log_prior: &log_prior,
        constraints: &scaled,
    };
    let t = dual.minimise(most_entropy)?;
    let mut weights = dual.exponents(&t);
    let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for e in &mut weights {
        *e = (*e - largest).exp();
    }
    let total = sum(scenarios, |i| [weights[i]])[0];
    for w in &mut weights {
        *w /= total;
    }
    let entropy = sum(scenarios, |i| {
        let w = weights[i];
        [if w > 0.0 {
            w * (w.ln() - log_prior[i])
        } else {
            0.0
        }]
    });
    Ok(Pooled {
        relative_entropy: entropy[0].max(0.0),
        multipliers: t
            .iter()
            .zip(&scaled)
            .map(|(t, constraint)| t / constraint.scale)
            .collect(),
        weights,
    })
}

/// Logarithms of the normed prior weights, shape `[scenarios]`.
fn log_prior(scenarios: usize, prior: Option<&[f64]>) -> Vec<f64> {
    match prior {
        None => vec![-(scenarios as f64).ln(); scenarios],
        Some(prior) => {
            assert_eq!(prior.len(), scenarios, "one weight for each scenario");
            let total = sum(scenarios, |i| [prior[i]])[0];
            prior.iter().map(|w| (w / total).ln()).collect()
        }
    }
}

/// A constraint whose values are taken from the target and in units of their deviation.
struct Scaled<'a> {
    values: &'a [f64],
    target: f64,
    /// Deviation of the values under the prior; 1 where they do not vary.
    scale: f64,
    sense: Sense,
}

impl<'a> Scaled<'a> {
    /// `Err` where the values do not vary and miss the target.
    fn new(constraint: &Constraint<'a>, log_prior: &[f64]) -> Result<Self, PoolingError> {
        let &Constraint {
            values,
            sense,
            target,
        } = constraint;
        let [first, second] = sum(values.len(), |i| {
            let (w, d) = (log_prior[i].exp(), values[i] - target);
            [w * d, w * d * d]
        });
        let deviation = (second - first * first).max(0.0).sqrt();
        let is_constant = deviation <= 1e-13 * first.abs().max(f64::MIN_POSITIVE);
        let is_missed = match sense {
            Sense::Equal => first.abs() > 1e-12 * target.abs(),
            Sense::AtLeast => first < -1e-12 * target.abs(),
            Sense::AtMost => first > 1e-12 * target.abs(),
        };
        if is_constant && is_missed {
            return Err(PoolingError::Infeasible);
        }
        Ok(Self {
            values,
            target,
            scale: if is_constant {
                f64::INFINITY
            } else {
                deviation
            },
            sense,
        })
    }

    fn at(&self, scenario: usize) -> f64 {
        (self.values[scenario] - self.target) / self.scale
    }

    /// Whether a multiplier of 0 stays there: the inequality holds by itself.
    fn is_at_rest(&self, t: f64, slope: f64) -> bool {
        match self.sense {
            Sense::Equal => false,
            Sense::AtLeast => t <= 0.0 && slope >= 0.0,
            Sense::AtMost => t >= 0.0 && slope <= 0.0,
        }
    }

    /// The nearest multiplier that the sense allows.
    fn project(&self, t: f64) -> f64 {
        match self.sense {
            Sense::Equal => t,
            Sense::AtLeast => t.max(0.0),
            Sense::AtMost => t.min(0.0),
        }
    }

    /// Whether a step would leave what the sense allows at once.
    fn blocks(&self, t: f64, step: f64) -> bool {
        match self.sense {
            Sense::Equal => false,
            Sense::AtLeast => t <= 0.0 && step < 0.0,
            Sense::AtMost => t >= 0.0 && step > 0.0,
        }
    }
}

/// The dual function's value, slope and curvature at one point.
struct Local {
    value: f64,
    slope: DVector<f64>,
    curvature: DMatrix<f64>,
}

struct Dual<'a> {
    log_prior: &'a [f64],
    constraints: &'a [Scaled<'a>],
}

impl Dual<'_> {
    /// `ln p0 + sum t d` by scenario.
    fn exponents(&self, t: &[f64]) -> Vec<f64> {
        (0..self.log_prior.len())
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|i| {
                let terms = self.constraints.iter().zip(t);
                terms.fold(self.log_prior[i], |e, (constraint, t)| {
                    e + t * constraint.at(i)
                })
            })
            .collect()
    }

    fn at(&self, t: &[f64]) -> Local {
        let count = self.constraints.len();
        let exponents = self.exponents(t);
        let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The weight, then the first moments, then the upper triangle of the second.
        let size = 1 + count + count * (count + 1) / 2;
        let sums = sums(exponents.len(), size, |i, sums| {
            let w = (exponents[i] - largest).exp();
            if w == 0.0 {
                return;
            }
            sums[0] += w;
            let mut at = 1 + count;
            for (k, constraint) in self.constraints.iter().enumerate() {
                let weighted = w * constraint.at(i);
                sums[1 + k] += weighted;
                for other in &self.constraints[k..] {
                    sums[at] += weighted * other.at(i);
                    at += 1;
                }
            }
        });
        let total = sums[0];
        let slope = DVector::from_iterator(count, sums[1..=count].iter().map(|x| x / total));
        let mut curvature = DMatrix::zeros(count, count);
        let mut at = 1 + count;
        for k in 0..count {
            for l in k..count {
                let covariance = sums[at] / total - slope[k] * slope[l];
                curvature[(k, l)] = covariance;
                curvature[(l, k)] = covariance;
                at += 1;
            }
        }
        Local {
            value: largest + total.ln(),
            slope,
            curvature,
        }
    }

    fn minimise(&self, most_entropy: f64) -> Result<Vec<f64>, PoolingError> {
        let mut t = vec![0.0; self.constraints.len()];
        let mut here = self.at(&t);
        for _ in 0..MOST_STEPS {
            let moving = self.moving(&t, &here);
            let error = worst(&moving, &here);
            if error <= ENOUGH {
                return Ok(t);
            }
            // Rounding of the sums: a thousandth part of a nat is far beyond it.
            if -here.value > most_entropy + 1e-3 {
                return Err(PoolingError::Infeasible);
            }
            let step = self.newton_step(&t, &here, moving);
            match self.search(&t, &here, &step) {
                Some((next, local)) => (t, here) = (next, local),
                None if error <= STILL_GOOD => return Ok(t),
                None => return Err(PoolingError::Unsolved),
            }
        }
        Err(PoolingError::Unsolved)
    }

    /// The multipliers that are not at rest.
    fn moving(&self, t: &[f64], here: &Local) -> Vec<usize> {
        (0..t.len())
            .filter(|&k| !self.constraints[k].is_at_rest(t[k], here.slope[k]))
            .collect()
    }

    /// Newton's step over the multipliers that move, without those that it would push out of bounds at once.
    fn newton_step(&self, t: &[f64], here: &Local, mut moving: Vec<usize>) -> Vec<f64> {
        loop {
            let mut step = vec![0.0; t.len()];
            let size = moving.len();
            let slope = DVector::from_fn(size, |k, _| here.slope[moving[k]]);
            let curvature =
                DMatrix::from_fn(size, size, |k, l| here.curvature[(moving[k], moving[l])]);
            let eigen = SymmetricEigen::new(curvature);
            let along = eigen.eigenvectors.tr_mul(&slope);
            let newton =
                DVector::from_fn(size, |j, _| -along[j] / eigen.eigenvalues[j].max(FLATTEST));
            let newton = &eigen.eigenvectors * newton;
            for (k, &at) in moving.iter().enumerate() {
                step[at] = newton[k];
            }
            let kept: Vec<usize> = moving
                .iter()
                .copied()
                .filter(|&k| !self.constraints[k].blocks(t[k], step[k]))
                .collect();
            if kept.len() == moving.len() {
                return step;
            }
            if kept.is_empty() {
                // Down the slope, which no multiplier at rest blocks.
                for k in moving {
                    step[k] = -here.slope[k];
                }
                return step;
            }
            moving = kept;
        }
    }

    /// The first of ever shorter steps that decreases the dual enough, projected to what the senses allow. Where the decrease drowns in the
    /// rounding of the dual, which it does with half of the digits to go, one that halves the error of the means.
    fn search(&self, t: &[f64], here: &Local, step: &[f64]) -> Option<(Vec<f64>, Local)> {
        let mut length = 1.0;
        let error = worst(&self.moving(t, here), here);
        for _ in 0..60 {
            let next: Vec<f64> = (0..t.len())
                .map(|k| self.constraints[k].project(t[k] + length * step[k]))
                .collect();
            let predicted: f64 = (0..t.len()).map(|k| here.slope[k] * (next[k] - t[k])).sum();
            let local = self.at(&next);
            let is_lower = local.value <= here.value + ARMIJO * predicted;
            let is_level = (local.value - here.value).abs() <= LEVEL;
            let is_nearer = || worst(&self.moving(&next, &local), &local) <= 0.5 * error;
            if next != t && if is_level { is_nearer() } else { is_lower } {
                return Some((next, local));
            }
            length *= 0.5;
        }
        None
    }
}

/// The largest error of the means that move.
fn worst(moving: &[usize], here: &Local) -> f64 {
    moving
        .iter()
        .fold(0.0, |worst: f64, &k| worst.max(here.slope[k].abs()))
}

/// Sums of `term` over `0..count` in a fixed order.
fn sum<const K: usize>(count: usize, term: impl Fn(usize) -> [f64; K] + Sync) -> [f64; K] {
    let found = sums(count, K, |i, sums| {
        for (sum, x) in sums.iter_mut().zip(term(i)) {
            *sum += x;
        }
    });
    std::array::from_fn(|k| found[k])
}

/// What `add` adds to `size` sums for each of `0..count`, chunk by chunk in a fixed order.
fn sums(count: usize, size: usize, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
    let chunks: Vec<Vec<f64>> = (0..count.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut sums = vec![0.0; size];
            for i in chunk * CHUNK..((chunk + 1) * CHUNK).min(count) {
                add(i, &mut sums);
            }
            sums
        })
        .collect();
    let mut total = vec![0.0; size];
    for chunk in chunks {
        total.iter_mut().zip(chunk).for_each(|(t, x)| *t += x);
    }
    total
}

#[cfg(test)]
mod tests;

//! Entropy pooling: the weights nearest to given ones, in relative entropy, whose means are where they are wanted.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use thiserror::Error;

use crate::math::bounded_quadratic::bounded_least;

/// Values whose terms are summed one after the other; the partial sums are then added in their order.
const CHUNK: usize = 8192;

/// Largest error of a mean, in standard deviations of its values under the prior, at which the search ends.
const ENOUGH: f64 = 1e-12;

/// Largest error with which a search that rounding has stopped counts as done.
const STILL_GOOD: f64 = 1e-10;

/// More steps than any problem with an answer takes: Newton's method doubles the digits, and far from the answer it gains a fixed amount a step.
const MOST_STEPS: usize = 500;

/// Fraction of the decrease that the slope foretells which a step has to make (Nocedal and Wright, Numerical Optimization, 2006, section
/// 3.1).
const ARMIJO: f64 = 1e-4;

/// A step that makes this part of the decrease foretold by slope and curvature shows that both can be trusted further (Nocedal and Wright,
/// section 4.1).
const GOOD: f64 = 0.75;

/// Smallest curvature that a step trusts: without curvature and with a slope the dual has no end, which the first long step shows.
const FLATTEST: f64 = 1e-13;

/// Part of the largest curvature below which rounding hides it.
const FLATTEST_PART: f64 = 1e-14;

/// Damping that a first bad step brings, as a part of the largest curvature.
const FIRST_DAMPING: f64 = 1e-6;

/// Factor by which a bad step raises the damping and a good one lowers it.
const DAMPING_FACTOR: f64 = 10.0;

/// Times that the damping of a step is raised: the last step is some 10^34 times shorter than the first damped one.
const MOST_TRIES: usize = 40;

/// Changes of the dual under this are summed path by path, for as a difference of two logarithms they lose digits: these are near 20 in
/// size, of sums of up to 10^9 terms.
const SMALL_CHANGE: f64 = 1e-3;

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
/// `ln sum p0 exp(sum t d)` with `d` the values less their target over their deviation (the other way round for [`Sense::AtMost`]) is
/// convex, its slope the error of the means, its curvature their covariance. It is minimised, with `t >= 0` for inequalities, by Newton's
/// method with damping after Levenberg: each step goes to the least of slope and curvature **within these bounds**, so which inequalities
/// bind is decided together with the step and the step goes down for certain. A step cut to the bounds afterwards need not, where
/// moments nearly fix one another. The sums are in a fixed order: no bit depends on the number of threads.
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
/// A. Meucci, Fully Flexible Views: Theory and Practice, Risk 21(10) (2008) 97-102; Newton steps within bounds: J. D. Lee, Y. Sun and M. A.
/// Saunders, Proximal Newton-type methods for minimizing composite functions, SIAM J. Optim. 24 (2014) 1420-1443; damping: K. Levenberg,
/// Quart. Appl. Math. 2 (1944) 164-168.
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
    let weights = dual.at(&t).weights;
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
            // No negative 0.
            .map(|(t, constraint)| t / constraint.scale + 0.0)
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
    /// Deviation of the values under the prior, infinite where they do not vary; negative for [`Sense::AtMost`], so that every
    /// inequality is "at least".
    scale: f64,
    is_equal: bool,
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
        let scale = if is_constant {
            f64::INFINITY
        } else {
            deviation
        };
        Ok(Self {
            values,
            target,
            scale: if sense == Sense::AtMost {
                -scale
            } else {
                scale
            },
            is_equal: sense == Sense::Equal,
        })
    }

    fn at(&self, scenario: usize) -> f64 {
        (self.values[scenario] - self.target) / self.scale
    }

    /// How far the mean is from what is wanted: a multiplier of 0 is right where the inequality holds by itself.
    fn error(&self, t: f64, slope: f64) -> f64 {
        if self.is_equal || t > 0.0 {
            slope.abs()
        } else {
            (-slope).max(0.0)
        }
    }
}

/// The dual function at one point.
struct Local {
    value: f64,
    slope: DVector<f64>,
    /// Of the scenarios, sum 1.
    weights: Vec<f64>,
}

struct Dual<'a> {
    log_prior: &'a [f64],
    constraints: &'a [Scaled<'a>],
}

impl Dual<'_> {
    /// `sum t d` of a scenario.
    fn tilt(&self, t: &[f64], scenario: usize) -> f64 {
        let terms = self.constraints.iter().zip(t);
        terms
            .map(|(constraint, t)| t * constraint.at(scenario))
            .sum()
    }

    fn at(&self, t: &[f64]) -> Local {
        let count = self.constraints.len();
        let mut weights: Vec<f64> = (0..self.log_prior.len())
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|i| self.log_prior[i] + self.tilt(t, i))
            .collect();
        let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        weights
            .par_iter_mut()
            .with_min_len(CHUNK)
            .for_each(|w| *w = (*w - largest).exp());
        // The weight, then the first moments.
        let sums = sums(weights.len(), 1 + count, |i, sums| {
            let w = weights[i];
            sums[0] += w;
            for (sum, constraint) in sums[1..].iter_mut().zip(self.constraints) {
                *sum += w * constraint.at(i);
            }
        });
        let total = sums[0];
        for w in &mut weights {
            *w /= total;
        }
        Local {
            value: largest + total.ln(),
            slope: DVector::from_iterator(count, sums[1..].iter().map(|x| x / total)),
            weights,
        }
    }

    /// The covariance of the constraints' values, from their means: squares of slopes would take its last digits.
    fn curvature(&self, here: &Local) -> DMatrix<f64> {
        let count = self.constraints.len();
        let sums = sums(here.weights.len(), count * (count + 1) / 2, |i, sums| {
            let w = here.weights[i];
            if w == 0.0 {
                return;
            }
            let mut at = 0;
            for (k, constraint) in self.constraints.iter().enumerate() {
                let weighted = w * (constraint.at(i) - here.slope[k]);
                for (l, other) in self.constraints.iter().enumerate().skip(k) {
                    sums[at] += weighted * (other.at(i) - here.slope[l]);
                    at += 1;
                }
            }
        });
        let mut curvature = DMatrix::zeros(count, count);
        let mut at = 0;
        for k in 0..count {
            for l in k..count {
                curvature[(k, l)] = sums[at];
                curvature[(l, k)] = sums[at];
                at += 1;
            }
        }
        curvature
    }

    /// What a step changed the dual by. A small change is `ln sum p exp(sum step d)` with `p` the weights before the step, which has as many
    /// digits as the step.
    fn change(&self, here: &Local, step: &[f64], there: &Local) -> f64 {
        let plain = there.value - here.value;
        if plain.abs() > SMALL_CHANGE {
            return plain;
        }
        let [gained] = sum(here.weights.len(), |i| {
            let w = here.weights[i];
            [if w > 0.0 {
                w * self.tilt(step, i).exp_m1()
            } else {
                0.0
            }]
        });
        if gained.is_finite() {
            gained.ln_1p()
        } else {
            plain
        }
    }

    fn minimise(&self, most_entropy: f64) -> Result<Vec<f64>, PoolingError> {
        let mut t = vec![0.0; self.constraints.len()];
        let mut here = self.at(&t);
        let mut damping = 0.0;
        for _ in 0..MOST_STEPS {
            let errors = self.constraints.iter().zip(&t).zip(&here.slope);
            let error = errors
                .map(|((constraint, t), slope)| constraint.error(*t, *slope))
                .fold(0.0, f64::max);
            if error <= ENOUGH {
                return Ok(t);
            }
            // Rounding of the sums: a thousandth part of a nat is far beyond it.
            if -here.value > most_entropy + 1e-3 {
                return Err(PoolingError::Infeasible);
            }
            match self.step(&t, &here, &mut damping) {
                Some((next, local)) => (t, here) = (next, local),
                None if error <= STILL_GOOD => return Ok(t),
                None => return Err(PoolingError::Unsolved),
            }
        }
        Err(PoolingError::Unsolved)
    }

    /// The first of ever more damped steps, shorter and nearer to the slope, that decreases the dual enough. The damping stays for the
    /// next step, less where this one did as foretold.
    fn step(&self, t: &[f64], here: &Local, damping: &mut f64) -> Option<(Vec<f64>, Local)> {
        let curvature = self.curvature(here);
        let steepest = curvature.diagonal().max();
        let flattest = FLATTEST.max(FLATTEST_PART * steepest);
        let lower: Vec<f64> = t
            .iter()
            .zip(self.constraints)
            .map(|(t, constraint)| {
                if constraint.is_equal {
                    f64::NEG_INFINITY
                } else {
                    -t
                }
            })
            .collect();
        for _ in 0..MOST_TRIES {
            let mut damped = curvature.clone();
            for k in 0..t.len() {
                damped[(k, k)] += flattest.max(*damping);
            }
            if let Some(step) = bounded_least(&here.slope, &damped, &lower) {
                let next: Vec<f64> = t.iter().zip(&step).map(|(t, step)| t + step).collect();
                let first = here.slope.dot(&step);
                let foretold = first + 0.5 * step.dot(&(&curvature * &step));
                let there = self.at(&next);
                let change = self.change(here, step.as_slice(), &there);
                if first < 0.0 && change <= ARMIJO * first {
                    if change <= GOOD * foretold {
                        *damping /= DAMPING_FACTOR;
                    }
                    return Some((next, there));
                }
            }
            *damping = (*damping * DAMPING_FACTOR).max(FIRST_DAMPING * steepest.max(flattest));
        }
        None
    }
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

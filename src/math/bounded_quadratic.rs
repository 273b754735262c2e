//! The least of a convex quadratic function of a few variables that have lower bounds.

use nalgebra::{Cholesky, DMatrix, DVector};

/// Changes of the set of variables at their bound, for each variable: a problem takes few, and rounding can make it go in circles.
const MOST_CHANGES: usize = 20;

/// Slopes under this part of the terms they are summed of are rounding.
const LEVEL: f64 = 1e-14;

/// The `x >= lower` that minimises `slope x + x curvature x / 2`, exactly but for rounding: each variable ends at its bound to the bit, or
/// where the function is level in it.
///
/// `lower` is at most 0 and may be infinite, so that 0 is allowed; what is returned is never above the value there, which is 0. `None` where
/// the curvature is not positive definite.
///
/// # Source
/// The primal active-set method: J. Nocedal and S. Wright, Numerical Optimization, 2006, section 16.5.
pub(super) fn bounded_least(
    slope: &DVector<f64>,
    curvature: &DMatrix<f64>,
    lower: &[f64],
) -> Option<DVector<f64>> {
    let count = slope.len();
    let mut x = DVector::zeros(count);
    let mut is_free: Vec<bool> = lower.iter().map(|low| *low < 0.0).collect();
    for _ in 0..MOST_CHANGES * (count + 1) {
        let free: Vec<usize> = (0..count).filter(|&k| is_free[k]).collect();
        if let Some(bound) = move_free(&mut x, &free, slope, curvature, lower)? {
            is_free[bound] = false;
            continue;
        }
        // The least over the free ones: one at its bound that would rather leave it is freed, the most eager first.
        let mut eager = None;
        let mut steepest = 0.0;
        for k in (0..count).filter(|&k| !is_free[k]) {
            let (here, size) = slope_at(&x, k, slope, curvature);
            if here < steepest - LEVEL * size {
                (eager, steepest) = (Some(k), here);
            }
        }
        match eager {
            Some(k) => is_free[k] = true,
            None => return Some(x),
        }
    }
    Some(x)
}

/// Moves the free variables to where the function is least in them, or up to the first bound on the way, which is returned.
#[expect(
    clippy::option_option,
    reason = "no bound on the way is not the same as no way"
)]
fn move_free(
    x: &mut DVector<f64>,
    free: &[usize],
    slope: &DVector<f64>,
    curvature: &DMatrix<f64>,
    lower: &[f64],
) -> Option<Option<usize>> {
    let size = free.len();
    if size == 0 {
        return Some(None);
    }
    let down = DVector::from_fn(size, |k, _| -slope_at(x, free[k], slope, curvature).0);
    let inner = DMatrix::from_fn(size, size, |k, l| curvature[(free[k], free[l])]);
    let step = Cholesky::new(inner)?.solve(&down);
    let mut length = 1.0;
    let mut bound = None;
    for (&k, step) in free.iter().zip(&step) {
        if x[k] + step < lower[k] {
            let reach = (lower[k] - x[k]) / step;
            if reach < length {
                (length, bound) = (reach, Some(k));
            }
        }
    }
    for (&k, step) in free.iter().zip(&step) {
        x[k] = (x[k] + length * step).max(lower[k]);
    }
    if let Some(k) = bound {
        x[k] = lower[k];
    }
    Some(bound)
}

/// The slope in one variable, and the size of the terms that it is summed of.
fn slope_at(
    x: &DVector<f64>,
    k: usize,
    slope: &DVector<f64>,
    curvature: &DMatrix<f64>,
) -> (f64, f64) {
    let terms = (0..x.len()).map(|l| curvature[(k, l)] * x[l]);
    terms.fold((slope[k], slope[k].abs()), |(sum, size), term| {
        (sum + term, size + term.abs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(slope: &[f64], curvature: &[f64], lower: &[f64]) -> Vec<f64> {
        let count = slope.len();
        let slope = DVector::from_column_slice(slope);
        let curvature = DMatrix::from_row_slice(count, count, curvature);
        let found = bounded_least(&slope, &curvature, lower).unwrap();
        found.iter().copied().collect()
    }

    #[test]
    fn bounds_by_hand() {
        let free = f64::NEG_INFINITY;
        // (x - 1)^2 / 2 + (y + 2)^2 / 2 + xy / 2: where both are level, x = 8/3 and y = -10/3.
        let (slope, curvature) = ([-1.0, 2.0], [1.0, 0.5, 0.5, 1.0]);
        let found = least(&slope, &curvature, &[free, free]);
        assert!((found[0] - 8.0 / 3.0).abs() < 1e-14 && (found[1] + 10.0 / 3.0).abs() < 1e-14);
        // y stops at -1, which leaves x at 1 + 1/2; at 0, at 1.
        assert_eq!(least(&slope, &curvature, &[free, -1.0]), [1.5, -1.0]);
        assert_eq!(least(&slope, &curvature, &[0.0, 0.0]), [1.0, 0.0]);
        assert_eq!(least(&[1.0, 2.0], &curvature, &[0.0, 0.0]), [0.0, 0.0]);
        let flat = DMatrix::zeros(1, 1);
        assert_eq!(
            bounded_least(&DVector::from_element(1, 1.0), &flat, &[free]),
            None
        );
    }

    /// A variable that is held at its bound at first and freed by where another one goes, and the reverse.
    #[test]
    fn every_choice_of_bounds_is_beaten() {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for _ in 0..500 {
            let count = 4;
            let factors = DMatrix::from_fn(count, count, |_, _| uniform() - 0.5);
            let curvature = &factors * factors.transpose() + DMatrix::identity(count, count) * 1e-6;
            let slope = DVector::from_fn(count, |_, _| uniform() - 0.5);
            let lower: Vec<f64> = (0..count).map(|_| -(uniform() - 0.3).max(0.0)).collect();
            let x = bounded_least(&slope, &curvature, &lower).unwrap();
            for k in 0..count {
                let (here, size) = slope_at(&x, k, &slope, &curvature);
                assert!(x[k] >= lower[k]);
                let is_at_bound = x[k] <= lower[k];
                assert!(here > -1e-9 * size && (is_at_bound || here < 1e-9 * size));
            }
        }
    }
}

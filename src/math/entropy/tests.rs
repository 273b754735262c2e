//! Entropy pooling against closed forms.

use super::*;

/// A grid over [-10, 10] with the standard normal density as prior: sums over it are integrals to rounding.
fn normal_grid() -> (Vec<f64>, Vec<f64>) {
    let points: Vec<f64> = (-4000..=4000).map(|k| f64::from(k) / 400.0).collect();
    let prior = points.iter().map(|x| (-0.5 * x * x).exp()).collect();
    (points, prior)
}

fn mean(weights: &[f64], values: &[f64]) -> f64 {
    weights.iter().zip(values).map(|(w, x)| w * x).sum()
}

fn equal(values: &[f64], target: f64) -> Constraint<'_> {
    Constraint {
        values,
        sense: Sense::Equal,
        target,
    }
}

#[test]
fn a_mean_of_a_normal_tilts_it() {
    // Prior N(0, 1), view mean -0.5: p_j ~ exp(-0.5 x_j), relative entropy 0.125, effective fraction exp(-0.125) =
    // 0.882496902585.
    let (points, prior) = normal_grid();
    let found = pool(points.len(), Some(&prior), &[equal(&points, -0.5)]).unwrap();
    assert!((found.multipliers[0] + 0.5).abs() < 1e-10);
    assert!((found.relative_entropy - 0.125).abs() < 1e-10);
    assert!(((-found.relative_entropy).exp() - 0.882_496_902_585).abs() < 1e-10);
    assert!((mean(&found.weights, &points) + 0.5).abs() < 1e-10);
    assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let total: f64 = prior.iter().sum();
    for ((w, p), x) in found.weights.iter().zip(&prior).zip(&points) {
        // The shifted normal: exp(-0.5 x - 0.125) times the prior.
        let expected = p / total * (-0.5 * x - 0.125).exp();
        assert!((w - expected).abs() <= 1e-9 * expected + 1e-300);
    }
}

#[test]
fn a_mean_and_a_variance_of_a_normal_make_another_normal() {
    // KL(N(0.3, 0.64) | N(0, 1)) = (0.64 + 0.09 - 1 - ln 0.64) / 2.
    let (points, prior) = normal_grid();
    let squares: Vec<f64> = points.iter().map(|x| x * x).collect();
    let views = [equal(&points, 0.3), equal(&squares, 0.64 + 0.09)];
    let found = pool(points.len(), Some(&prior), &views).unwrap();
    let expected = 0.5 * (0.64 + 0.09 - 1.0 - 0.64f64.ln());
    assert!((found.relative_entropy - expected).abs() < 1e-10);
}

#[test]
fn a_probability_by_hand() {
    // 4 of 10 scenarios get 70 %: weights 0.175 and 0.05.
    let values: Vec<f64> = (0..10).map(|k| f64::from(k < 4)).collect();
    let found = pool(10, None, &[equal(&values, 0.7)]).unwrap();
    for (w, x) in found.weights.iter().zip(&values) {
        let expected = if *x > 0.0 { 0.175 } else { 0.05 };
        assert!((w - expected).abs() < 1e-12);
    }
    let expected = 0.7 * (1.75f64).ln() + 0.3 * 0.5f64.ln();
    assert!((found.relative_entropy - expected).abs() < 1e-12);
}

#[test]
fn an_inequality_that_holds_changes_nothing_and_one_that_does_not_binds() {
    let values: Vec<f64> = (0..100).map(f64::from).collect();
    let of = |sense, target| {
        let constraint = Constraint {
            values: &values,
            sense,
            target,
        };
        pool(100, None, &[constraint]).unwrap()
    };
    for (sense, target) in [(Sense::AtLeast, 40.0), (Sense::AtMost, 60.0)] {
        let slack = of(sense, target);
        assert_eq!(slack.multipliers, [0.0]);
        assert!(slack.weights.iter().all(|w| (w - 0.01).abs() < 1e-15));
    }
    for (sense, target) in [(Sense::AtLeast, 60.0), (Sense::AtMost, 40.0)] {
        let found = of(sense, target);
        assert!((mean(&found.weights, &values) - target).abs() < 1e-9);
        assert_eq!(found.multipliers[0] > 0.0, sense == Sense::AtLeast);
    }
}

#[test]
fn what_cannot_be_is_proved() {
    let values: Vec<f64> = (0..1000).map(f64::from).collect();
    let pooled = |views: &[Constraint<'_>]| pool(1000, None, views).map(|_| ());
    let infeasible = Err(PoolingError::Infeasible);
    assert_eq!(pooled(&[equal(&values, 1000.0)]), infeasible);
    assert_eq!(pooled(&[equal(&values, -1e-6)]), infeasible);
    // Each alone is fine.
    let both = [equal(&values, 300.0), equal(&values, 301.0)];
    assert_eq!(pooled(&both), infeasible);
    let low = Constraint {
        values: &values,
        sense: Sense::AtMost,
        target: 400.0,
    };
    let high = Constraint {
        sense: Sense::AtLeast,
        target: 401.0,
        ..low
    };
    assert_eq!(pooled(&[low, high]), infeasible);
    // Values that do not vary meet their own mean and no other.
    let same = vec![2.0; 1000];
    assert_eq!(pooled(&[equal(&same, 2.0)]), Ok(()));
    assert_eq!(pooled(&[equal(&same, 2.1)]), infeasible);
}

#[test]
fn the_same_view_twice_is_one_view() {
    let values: Vec<f64> = (0..1000).map(f64::from).collect();
    let once = pool(1000, None, &[equal(&values, 300.0)]).unwrap();
    let twice = [equal(&values, 300.0), equal(&values, 300.0)];
    let twice = pool(1000, None, &twice).unwrap();
    for (a, b) in once.weights.iter().zip(&twice.weights) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn threads_change_no_bit() {
    let values: Vec<f64> = (0..50_000).map(|k| f64::from(k % 977)).collect();
    let with = |threads: usize| {
        let pool_of = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool_of
            .unwrap()
            .install(|| pool(50_000, None, &[equal(&values, 400.0)]).unwrap())
    };
    assert_eq!(with(1), with(5));
}

/// Far from the prior the last decreases of the dual are below its rounding: the search must go on by the slope.
#[test]
fn every_probability_is_reached() {
    let values: Vec<f64> = (0..20_000).map(|k| f64::from(k % 1000 < 421)).collect();
    for percent in 1..100 {
        let target = f64::from(percent) / 100.0;
        let found = pool(20_000, None, &[equal(&values, target)]).unwrap();
        assert!((mean(&found.weights, &values) - target).abs() < 1e-12);
        let entropy =
            target * (target / 0.421).ln() + (1.0 - target) * ((1.0 - target) / 0.579).ln();
        assert!((found.relative_entropy - entropy).abs() < 1e-11);
    }
}

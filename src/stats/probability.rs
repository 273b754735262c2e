//! Probabilities with Wilson intervals.

use crate::stats::estimate::{Estimate, Z95};
use crate::stats::sample::Sample;

/// Variance of an event that all paths have or none, but for the rounding of a sum of weights.
const CERTAIN: f64 = 1e-12;

/// The probability of an event from the sums of weights and of squared weights, of the event and of all.
///
/// The standard error is `sqrt(sum w^2 (1{event} - p)^2) / sum w`; the interval is Wilson's with `(sum w)^2 / sum w^2`
/// effective draws. Of weights that were found to hold some means `held_square` is [`Sample::square`] of the influence `1{event} - p`: the
/// standard error is its root over `sum w`, and the interval has as many draws as have this error.
///
/// # Source
/// E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212.
pub fn probability_from_sums(
    event: f64,
    event_square: f64,
    total: f64,
    total_square: f64,
    held_square: Option<f64>,
) -> Estimate {
    if total <= 0.0 {
        return Estimate::UNDEFINED;
    }
    let p = (event / total).clamp(0.0, 1.0);
    let square = event_square * (1.0 - 2.0 * p) + p * p * total_square;
    let square = held_square.unwrap_or(square);
    let std_error = square.max(0.0).sqrt() / total;
    let variance = p * (1.0 - p);
    let draws = match held_square {
        // Where all paths or none have the event, no error is known to go by.
        Some(square) if variance > CERTAIN => variance * total * total / square,
        Some(_) | None => total * total / total_square,
    };
    let interval = wilson_interval(p, draws);
    Estimate {
        value: Some(p),
        std_error: Some(std_error),
        ci95: Some(interval),
    }
}

/// Wilson's 95 % interval of a probability estimated as `p` from `count` draws.
pub fn wilson_interval(p: f64, count: f64) -> [f64; 2] {
    let z2 = Z95 * Z95;
    let scale = 1.0 / (1.0 + z2 / count);
    let centre = (p + z2 / (2.0 * count)) * scale;
    let half_width = Z95 * (p * (1.0 - p) / count + z2 / (4.0 * count * count)).sqrt() * scale;
    let lower = if p <= 0.0 {
        0.0
    } else {
        (centre - half_width).max(0.0)
    };
    let upper = if p >= 1.0 {
        1.0
    } else {
        (centre + half_width).min(1.0)
    };
    [lower, upper]
}

/// The probability of `event(value, path)`.
pub fn probability(sample: &Sample, event: impl Fn(f64, usize) -> bool + Sync) -> Estimate {
    let [weight, weight_square] = sample.sum(|x, w, path| {
        let hit = if event(x, path) { w } else { 0.0 };
        [hit, hit * w]
    });
    let held_square = sample.held().map(|_| {
        let p = weight / sample.weight_sum();
        let hit = |x: f64, path: usize| if event(x, path) { 1.0 } else { 0.0 };
        sample.square(0.0, |x, path| hit(x, path) - p)
    });
    probability_from_sums(
        weight,
        weight_square,
        sample.weight_sum(),
        sample.weight_square_sum(),
        held_square,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_oracles() {
        // Computed to ten digits and more from the closed form with z = 1.959963984540054.
        for (events, count, lower, upper) in [
            (0.0, 1e4, 0.0, 0.000_383_998_370_677),
            (1.0, 1e4, 1.765_267_36e-5, 0.000_566_268_897_401),
            (10.0, 1e4, 0.000_543_285_986_497, 0.001_839_944_387_44),
            (137.0, 1e4, 0.011_601_223_967_3, 0.016_172_252_848),
            (100.0, 1e5, 0.000_822_337_969_721, 0.001_215_998_316_64),
        ] {
            let [found_lower, found_upper] = wilson_interval(events / count, count);
            assert!(
                (found_lower - lower).abs() < 5e-14,
                "{events}: {found_lower}"
            );
            assert!(
                (found_upper - upper).abs() < 5e-14,
                "{events}: {found_upper}"
            );
        }
    }

    #[test]
    fn certain_and_impossible_ends_are_exact() {
        assert!(wilson_interval(0.0, 100.0)[0].to_bits() == 0);
        assert_eq!(wilson_interval(1.0, 100.0)[1].to_bits(), 1.0f64.to_bits());
    }

    #[test]
    fn weights_give_effective_draws() {
        let sample = Sample::new(vec![1.0, -1.0, 1.0], Some(vec![1.0, 1.0, 2.0].into()));
        let found = probability(&sample, |x, _| x > 0.0);
        assert_eq!(found.value, Some(0.75));
        // sum w^2 (I - p)^2 = 1/16 + 9/16 + 4/16.
        assert!((found.std_error.unwrap() - (14.0f64 / 16.0).sqrt() / 4.0).abs() < 1e-15);
        assert_eq!(found.ci95, Some(wilson_interval(0.75, 16.0 / 6.0)));
    }
}

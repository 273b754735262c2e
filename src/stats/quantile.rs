//! Percentiles of gains and of losses with order-statistic intervals.

use crate::stats::estimate::Estimate;
use crate::stats::held_quantile::draws;
use crate::stats::level::{ByName, Level};
use crate::stats::order::{interval_ranks, is_enough, order_statistics, quantile_rank};
use crate::stats::sample::{Held, Sample};

/// Percentiles of a sample at chosen levels, of its values and of their negatives.
///
/// A quantile is the left inverse of the weighted distribution: the smallest value with at least that fraction of the
/// weight at or below it. So a loss quantile is not always the negative of a gain quantile. Intervals run between order
/// statistics ([`interval_ranks`]) and are undefined where the sample is too small.
///
/// With weights the ranks are those of `p (1 - p) (sum w)^2 / sum w^2 (1{x <= q} - p)^2` equal draws, taken as fractions of the
/// weight. Paths at the quantile count on either side by the share of their weight that lies there. So a path that alone is
/// more than the tail makes few draws, and each side has draws of its own, `p (sum w)^2 / sum w^2` over the paths below and
/// `1 - p` of them above: both must be enough for an end. Equal weights give the draws and the ranks of none. Where the weights were found
/// to hold some means, the draws are as many as have the error of the share at or below the quantile that is left then; an interval
/// reaches at least to the next path on either side, also of a quantile that a view fixes.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentiles {
    gains: Vec<(Level, Estimate)>,
    losses: Vec<(Level, Estimate)>,
}

impl Percentiles {
    /// Percentiles of the values at `gains`, and of their negatives at `losses`.
    pub fn new(sample: &Sample, gains: &[Level], losses: &[Level]) -> Self {
        let undefined = |levels: &[Level]| {
            levels
                .iter()
                .map(|&level| (level, Estimate::UNDEFINED))
                .collect()
        };
        if sample.weight_sum() <= 0.0 {
            return Self {
                gains: undefined(gains),
                losses: undefined(losses),
            };
        }
        match sample.weights() {
            None => plain(sample.values(), gains, losses),
            Some(weights) => weighted(sample, weights, gains, losses),
        }
    }

    /// The percentile of the values at a level that was asked for.
    pub fn gain(&self, level: Level) -> Estimate {
        at(&self.gains, level)
    }

    /// The percentile of the negatives, positive for a loss, at a level that was asked for.
    pub fn loss(&self, level: Level) -> Estimate {
        at(&self.losses, level)
    }

    /// Percentiles of the values by key.
    pub fn gains(&self, levels: &[Level]) -> ByName {
        ByName(
            levels
                .iter()
                .map(|&level| (level.key(), self.gain(level)))
                .collect(),
        )
    }

    /// Percentiles of the losses by key, a gain counting as a loss of 0.
    pub fn losses(&self, levels: &[Level]) -> ByName {
        let not_negative = |estimate: Estimate| match estimate.value {
            None => Estimate::UNDEFINED,
            Some(value) => Estimate::within(
                value.max(0.0),
                estimate
                    .ci95
                    .map(|[lower, upper]| [lower.max(0.0), upper.max(0.0)]),
            ),
        };
        ByName(
            levels
                .iter()
                .map(|&level| (level.key(), not_negative(self.loss(level))))
                .collect(),
        )
    }
}

fn at(estimates: &[(Level, Estimate)], level: Level) -> Estimate {
    let found = estimates
        .iter()
        .find(|(known, _)| *known == level)
        .map(|(_, estimate)| *estimate);
    debug_assert!(found.is_some(), "level {} was not asked for", level.key());
    found.unwrap_or(Estimate::UNDEFINED)
}

fn plain(values: &[f64], gains: &[Level], losses: &[Level]) -> Percentiles {
    let count = values.len();
    // Rank, then the ends of its interval; losses are counted from the top.
    let ranks = |level: Level| (quantile_rank(count, level), interval_ranks(count, level));
    let from_top = |rank: usize| count + 1 - rank;
    let mut wanted = Vec::new();
    for &level in gains {
        let (rank, interval) = ranks(level);
        wanted.push(rank);
        wanted.extend(interval.into_iter().flatten());
    }
    for &level in losses {
        let (rank, interval) = ranks(level);
        wanted.push(from_top(rank));
        wanted.extend(interval.into_iter().flatten().map(from_top));
    }
    let mut found = order_statistics(values, &wanted).into_iter();
    let mut take = |sign: f64, has_interval: bool| {
        let mut next = || sign * found.next().unwrap_or(f64::NAN) + 0.0; // never -0
        let value = next();
        let interval = has_interval.then(|| [next(), next()]);
        Estimate::within(value, interval)
    };
    Percentiles {
        gains: gains
            .iter()
            .map(|&level| (level, take(1.0, ranks(level).1.is_some())))
            .collect(),
        losses: losses
            .iter()
            .map(|&level| (level, take(-1.0, ranks(level).1.is_some())))
            .collect(),
    }
}

/// One value of a sorted weighted sample with the weight and squared weight up to and including it.
#[derive(Debug, Clone, Copy)]
struct Step {
    value: f64,
    weight: f64,
    weight_square: f64,
}

fn weighted(sample: &Sample, weights: &[f64], gains: &[Level], losses: &[Level]) -> Percentiles {
    let mut pairs: Vec<(f64, f64)> = sample
        .values()
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let held = |sign: f64| sample.held().map(|held| (sample, held, sign));
    let gains = weighted_levels(&pairs, gains, held(1.0));
    pairs.reverse();
    for pair in &mut pairs {
        pair.0 = 0.0 - pair.0;
    }
    Percentiles {
        gains,
        losses: weighted_levels(&pairs, losses, held(-1.0)),
    }
}

/// What a sum of a million weights may be off by, relative to it.
const ROUNDING: f64 = 1e-11;

/// `held` is a sample of weights that hold some means, and the sign of the pairs.
fn weighted_levels(
    pairs: &[(f64, f64)],
    levels: &[Level],
    held: Option<(&Sample, &Held, f64)>,
) -> Vec<(Level, Estimate)> {
    let steps: Vec<Step> = pairs
        .iter()
        .scan((0.0, 0.0), |(weight, weight_square), &(value, w)| {
            *weight += w;
            *weight_square += w * w;
            Some(Step {
                value,
                weight: *weight,
                weight_square: *weight_square,
            })
        })
        .collect();
    let last = steps[steps.len() - 1];
    // Place of the smallest value with at least `share` of `of` of the weight, but for the rounding of its sum.
    let place = |share: f64, of: f64| {
        let wanted = last.weight * share * (1.0 - ROUNDING);
        let index = steps.partition_point(|step| step.weight * of < wanted);
        index.min(steps.len() - 1)
    };
    let value = |level: Level| steps[place(level.per_mille as f64, 1000.0)].value;
    let held = held.map(|(sample, held, sign)| {
        let quantiles: Vec<(Level, f64)> = levels.iter().map(|&of| (of, value(of))).collect();
        draws(sample, held, sign, &quantiles)
    });
    let estimate = |(at, level): (usize, Level)| {
        let value = value(level);
        let interval = draws_at(&steps, level, value);
        if let (Some(draws), Some(_)) = (&held, interval) {
            return Estimate::within(value, held_interval(&steps, level, draws[at], &place));
        }
        let interval = interval
            .and_then(|draws| Some((interval_ranks(draws, level)?, draws as f64)))
            // The middle of a draw, so that the interval of a loss mirrors that of the gain.
            .map(|(ranks, draws)| ranks.map(|rank| place(rank as f64 - 0.5, draws)))
            .filter(|&[lower, upper]| lower != upper || is_tied(&steps, lower))
            .map(|places| places.map(|place| steps[place].value));
        Estimate::within(value, interval)
    };
    let levels = levels.iter().copied().enumerate();
    levels
        .map(|(at, level)| (level, estimate((at, level))))
        .collect()
}

/// The interval of a quantile from so many draws, at least one path to either side; `place` finds a share of the weight.
fn held_interval(
    steps: &[Step],
    level: Level,
    draws: f64,
    place: &impl Fn(f64, f64) -> usize,
) -> Option<[f64; 2]> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, at least 0 and at most the square of the paths"
    )]
    let whole = draws.round() as usize;
    let [lower, upper] =
        interval_ranks(whole, level)?.map(|rank| place(rank as f64 - 0.5, whole as f64));
    let at = place(level.per_mille as f64, 1000.0);
    let lower = lower.min(at.saturating_sub(1));
    let upper = upper.max((at + 1).min(steps.len() - 1));
    Some([lower, upper].map(|place| steps[place].value))
}

/// Whether another path has the same value as this one.
fn is_tied(steps: &[Step], place: usize) -> bool {
    let near = &steps[place.saturating_sub(1)..(place + 2).min(steps.len())];
    near.iter()
        .filter(|step| step.value.total_cmp(&steps[place].value).is_eq())
        .count()
        > 1
}

/// How many equal draws tell as much about a quantile that was estimated as `value`; `None` where those of either side are too
/// few for an end of an interval.
fn draws_at(steps: &[Step], level: Level, value: f64) -> Option<usize> {
    let (p, above) = (level.fraction(), (1000 - level.per_mille) as f64 / 1000.0);
    let up_to = |place: usize| match place {
        0 => (0.0, 0.0),
        place => (steps[place - 1].weight, steps[place - 1].weight_square),
    };
    let (total, total_square) = up_to(steps.len());
    let (below, below_square) = up_to(steps.partition_point(|step| step.value < value));
    let (at_or_below, at_or_below_square) =
        up_to(steps.partition_point(|step| step.value <= value));
    let share = ((p * total - below) / (at_or_below - below)).clamp(0.0, 1.0);
    let lower_square = below_square + share * (at_or_below_square - below_square);
    let upper_square = total_square - lower_square;
    let draws_below = p * total * total / lower_square;
    let draws_above = above * total * total / upper_square;
    let draws = 1.0 / (above / draws_below + p / draws_above);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, at least 0"
    )]
    let whole = |draws: f64| draws.round() as usize;
    (is_enough(whole(draws_below), p) && is_enough(whole(draws_above), above)).then(|| whole(draws))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::level::ALL_LEVELS;
    use crate::stats::sample::tests::{normals, uniforms};

    const MEDIAN: Level = Level::new(500);

    #[test]
    fn left_inverse_by_hand() {
        let of = |values: &[f64], weights: Option<Vec<f64>>| {
            let sample = Sample::new(values.to_vec(), weights.map(Into::into));
            let found = Percentiles::new(&sample, &[MEDIAN], &[MEDIAN]);
            (
                found.gain(MEDIAN).value.unwrap(),
                found.loss(MEDIAN).value.unwrap(),
            )
        };
        // Half of {1, 2, 3, 4} lies at or below 2; half of the losses {-4, .., -1} at or below -3.
        assert_eq!(of(&[3.0, 1.0, 4.0, 2.0], None), (2.0, -3.0));
        assert_eq!(of(&[3.0, 1.0, 2.0], None), (2.0, -2.0));
        assert_eq!(of(&[3.0, 1.0, 2.0], Some(vec![3.0, 1.0, 1.0])), (3.0, -3.0));
        assert_eq!(of(&[3.0, 1.0, 2.0], Some(vec![1.0, 1.0, 1.0])), (2.0, -2.0));
        assert_eq!(of(&[3.0, 1.0], Some(vec![1.0, 1.0])), (1.0, -3.0));
        assert_eq!(of(&[3.0, 1.0, 2.0], Some(vec![0.0, 1.0, 1.0])), (1.0, -2.0));
    }

    #[test]
    fn weights_count_as_copies() {
        let values = normals(1, 4000);
        let weights: Vec<f64> = uniforms(2, 4000)
            .iter()
            .map(|u| (4.0 * u).floor())
            .collect();
        let mut copies = Vec::new();
        for (&value, &weight) in values.iter().zip(&weights) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 3"
            )]
            copies.extend(std::iter::repeat_n(value, weight as usize));
        }
        let weighted = Percentiles::new(
            &Sample::new(values, Some(weights.into())),
            &ALL_LEVELS,
            &ALL_LEVELS,
        );
        let copied = Percentiles::new(&Sample::new(copies, None), &ALL_LEVELS, &ALL_LEVELS);
        for level in ALL_LEVELS {
            assert_eq!(weighted.gain(level).value, copied.gain(level).value);
            assert_eq!(weighted.loss(level).value, copied.loss(level).value);
        }
    }

    #[test]
    fn equal_weights_change_nothing() {
        let values = normals(4, 10_000);
        let plain = Percentiles::new(&Sample::new(values.clone(), None), &ALL_LEVELS, &ALL_LEVELS);
        let equal = Sample::new(values, Some(vec![2.5; 10_000].into()));
        assert_eq!(plain, Percentiles::new(&equal, &ALL_LEVELS, &ALL_LEVELS));
    }

    #[test]
    fn equal_weights_change_nothing_in_small_samples() {
        for count in [
            1, 2, 5, 6, 7, 71, 72, 73, 74, 75, 366, 367, 368, 369, 1001, 3687, 3688,
        ] {
            let values = normals(count as u64, count);
            let plain =
                Percentiles::new(&Sample::new(values.clone(), None), &ALL_LEVELS, &ALL_LEVELS);
            let equal = Sample::new(values, Some(vec![0.3; count].into()));
            let equal = Percentiles::new(&equal, &ALL_LEVELS, &ALL_LEVELS);
            assert_eq!(plain, equal, "{count}");
        }
    }

    /// Normals that count `exp(tilt x)`: draws of a normal with mean `tilt`.
    fn tilted(seed: u64, count: usize, tilt: f64) -> Sample<'static> {
        let values = normals(seed, count);
        let weights: Vec<f64> = values.iter().map(|x| (tilt * x).exp()).collect();
        Sample::new(values, Some(weights.into()))
    }

    #[test]
    fn weighted_intervals_cover() {
        // 200 samples of 2,000 that are worth 736 by Kish. Of 95 % intervals at most 179 of 200 cover once in a thousand
        // reseedings, so 180 in the middle; at p95, where heavy paths make the tail short, 90 % is what can be had.
        let levels = [10, 50, 500, 750, 900, 950].map(Level::new);
        let quantiles = [
            -2.326_347_874,
            -1.644_853_627,
            0.0,
            0.674_489_75,
            1.281_551_566,
            1.644_853_627,
        ];
        let mut found = [[0; 2]; 6];
        for seed in 0..200 {
            let sample = tilted(5000 + seed, 2000, 1.0);
            let percentiles = Percentiles::new(&sample, &levels, &[]);
            for ((level, quantile), [given, covers]) in levels.iter().zip(quantiles).zip(&mut found)
            {
                let estimate = percentiles.gain(*level);
                if let Some([lower, upper]) = estimate.ci95 {
                    assert!(lower < upper && estimate.std_error > Some(0.0), "{seed}");
                    *given += 1;
                    *covers += i32::from((lower..=upper).contains(&(1.0 + quantile)));
                }
            }
        }
        for (level, [given, covers]) in levels.iter().zip(found) {
            assert!(given >= 180, "{}: {given}", level.key());
            assert!(
                covers * 10 >= given * 9,
                "{}: {covers} of {given}",
                level.key()
            );
        }
    }

    #[test]
    fn a_tail_that_is_one_heavy_path_has_no_interval() {
        // The last path is more than the tail beyond the quantile: nothing lies above it, and that says nothing.
        let values: Vec<f64> = (0..2000).map(f64::from).collect();
        for heavy in [25.0, 100.0, 500.0] {
            let mut weights = vec![1.0; 2000];
            weights[1999] = heavy;
            let top = Level::new(990);
            let sample = Sample::new(values.clone(), Some(weights.into()));
            let found = Percentiles::new(&sample, &[top, MEDIAN], &[Level::new(10)]);
            assert_eq!(found.gain(top), Estimate::within(1999.0, None), "{heavy}");
            assert_eq!(found.loss(Level::new(10)).ci95, None, "{heavy}");
            assert!(found.gain(MEDIAN).std_error > Some(0.0), "{heavy}");
        }
        for seed in 0..60 {
            let sample = tilted(900 + seed, 4000, 1.2);
            let found = Percentiles::new(&sample, &ALL_LEVELS, &ALL_LEVELS);
            assert_eq!(found.gain(Level::new(999)).ci95, None);
            for level in ALL_LEVELS {
                assert_ne!(found.gain(level).std_error, Some(0.0), "{}", level.key());
                assert_ne!(found.loss(level).std_error, Some(0.0), "{}", level.key());
            }
        }
    }

    #[test]
    fn losses_mirror_gains() {
        // The loss quantile of the values is the quantile of their negatives, whichever end is heavy.
        for tilt in [-1.0, 0.4, 1.0] {
            let sample = tilted(77, 3000, tilt);
            let negatives: Vec<f64> = sample.values().iter().map(|x| 0.0 - x).collect();
            let weights = sample.weights().unwrap().to_vec();
            let mirrored = Sample::new(negatives, Some(weights.into()));
            let found = Percentiles::new(&sample, &ALL_LEVELS, &ALL_LEVELS);
            let mirrored = Percentiles::new(&mirrored, &ALL_LEVELS, &ALL_LEVELS);
            for level in ALL_LEVELS {
                assert_eq!(found.loss(level), mirrored.gain(level));
                assert_eq!(found.gain(level), mirrored.loss(level));
            }
            for (gain, loss) in [(10, 990), (50, 950), (1, 999), (500, 500), (950, 50)] {
                let gain = found.gain(Level::new(gain));
                let loss = found.loss(Level::new(loss));
                assert_eq!(gain.value.map(|x| 0.0 - x), loss.value, "{tilt}");
                let turned = gain.ci95.map(|[lower, upper]| [0.0 - upper, 0.0 - lower]);
                assert_eq!(turned, loss.ci95, "{tilt}");
            }
        }
    }

    #[test]
    fn intervals_cover() {
        // 400 medians and 99 % quantiles of 500 normals: at least 95 % cover (the ranks are discrete, 95 to 96 %);
        // 363 of 400 and fewer would be seen once in 10^4 reseedings.
        let (mut median, mut tail) = (0, 0);
        for seed in 0..400 {
            let sample = Sample::new(normals(1000 + seed, 500), None);
            let found = Percentiles::new(&sample, &[MEDIAN, Level::new(990)], &[]);
            let covers = |level, truth: f64| {
                let [lower, upper] = found.gain(level).ci95.unwrap();
                i32::from(lower <= truth && truth <= upper)
            };
            median += covers(MEDIAN, 0.0);
            tail += covers(Level::new(990), 2.326_347_874_040_841);
        }
        assert!((364..400).contains(&median), "{median}");
        assert!((364..400).contains(&tail), "{tail}");
    }

    #[test]
    fn an_empty_sample_is_undefined() {
        let found = Percentiles::new(&Sample::new(vec![], None), &[MEDIAN], &[MEDIAN]);
        assert_eq!(found.gain(MEDIAN), Estimate::UNDEFINED);
    }

    #[test]
    fn too_small_a_sample_has_no_interval() {
        let found = Percentiles::new(&Sample::new(vec![1.0, 2.0], None), &[MEDIAN], &[]);
        assert_eq!(
            found.gain(MEDIAN),
            Estimate {
                value: Some(1.0),
                std_error: None,
                ci95: None
            }
        );
    }
}

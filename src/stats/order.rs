//! Order statistics by counting and selection, and the ranks of their intervals.

use crate::stats::estimate::Z95;
use crate::stats::level::Level;

/// Bins of the counting pass.
const BINS: usize = 1 << 14;
/// Samples of at least this size are counted into bins, smaller ones sorted or selected from.
const LARGE: usize = 4096;

/// Values at these ranks (1 is the smallest value) in ascending order; either zero is `0`.
///
/// One pass counts values in equal bins, a second collects the few bins that hold a wanted rank, and those are selected
/// from. The bin of a value is a monotone function of it, so the result is that of a full sort whatever the bins.
///
/// # Panics
/// If a rank is not in `1..=values.len()`.
pub fn order_statistics(values: &[f64], ranks: &[usize]) -> Vec<f64> {
    let mut wanted: Vec<usize> = ranks.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    assert!(
        wanted
            .iter()
            .all(|&rank| (1..=values.len()).contains(&rank)),
        "a rank is between 1 and the sample's size"
    );
    let found = if values.len() < LARGE {
        sorted_at(values, &wanted)
    } else {
        counted_at(values, &wanted)
    };
    ranks
        .iter()
        .map(|rank| found[wanted.partition_point(|w| w < rank)])
        .collect()
}

fn sorted_at(values: &[f64], ranks: &[usize]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    ranks.iter().map(|&rank| sorted[rank - 1] + 0.0).collect()
}

/// Order statistics at ascending ranks; the sample is split into bins, and bins that stay large are split again.
fn counted_at(values: &[f64], ranks: &[usize]) -> Vec<f64> {
    const UNWANTED: u16 = u16::MAX;
    let [lowest, highest] = extremes(values);
    let range = highest - lowest;
    if range <= 0.0 {
        return vec![lowest + 0.0; ranks.len()];
    }
    let scale = (BINS - 1) as f64 / range;
    if !(scale > 0.0 && scale.is_finite()) {
        return sorted_at(values, ranks); // an infinite value, or a range too small to divide by
    }
    // Adding 2^52 leaves the nearest whole number in the lowest bits, several times as fast as a checked conversion.
    #[expect(clippy::cast_possible_truncation, reason = "masked to less than BINS")]
    let bin_of =
        |x: f64| ((x - lowest) * scale + 4_503_599_627_370_496.0).to_bits() as usize & (BINS - 1);

    let mut counts = vec![0u32; BINS];
    for &x in values {
        counts[bin_of(x)] += 1;
    }

    // Bins that hold a rank: how many values lie in lower bins, and where theirs begin among those collected.
    let mut slots = vec![UNWANTED; BINS];
    let mut bins: Vec<(usize, usize)> = Vec::new();
    let (mut below, mut collected, mut next) = (0, 0, 0);
    for (bin, &count) in counts.iter().enumerate() {
        let count = count as usize;
        if next < ranks.len() && ranks[next] <= below + count {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "no more bins than BINS, which fits"
            )]
            let slot = bins.len() as u16;
            slots[bin] = slot;
            bins.push((below, collected));
            collected += count;
            while next < ranks.len() && ranks[next] <= below + count {
                next += 1;
            }
        }
        below += count;
    }

    let mut near = vec![0.0; collected];
    let mut ends: Vec<usize> = bins.iter().map(|&(_, start)| start).collect();
    for &x in values {
        let slot = slots[bin_of(x)];
        if slot != UNWANTED {
            let end = &mut ends[usize::from(slot)];
            near[*end] = x;
            *end += 1;
        }
    }

    let mut found = Vec::with_capacity(ranks.len());
    for (&(below, start), &end) in bins.iter().zip(&ends) {
        let inside = &mut near[start..end];
        let from = found.len();
        let to = from + ranks[from..].partition_point(|&rank| rank <= below + inside.len());
        let local: Vec<usize> = ranks[from..to].iter().map(|&rank| rank - below).collect();
        if inside.len() < LARGE {
            select(inside, &local, &mut found);
        } else {
            found.extend(tied_at(inside, &local));
        }
    }
    found
}

/// Order statistics at ascending ranks of a bin so full that most of it is probably one value, such as 0.
fn tied_at(values: &[f64], ranks: &[usize]) -> Vec<f64> {
    let likely = values[values.len() / 2];
    let lower: Vec<f64> = values.iter().copied().filter(|x| *x < likely).collect();
    let higher: Vec<f64> = values.iter().copied().filter(|x| *x > likely).collect();
    if lower.len() + higher.len() > values.len() / 2 {
        return counted_at(values, ranks); // the bin's extremes are apart, so its bins are finer
    }
    let tied = lower.len()..values.len() - higher.len();
    let split = ranks.partition_point(|&rank| rank <= tied.start);
    let above = ranks.partition_point(|&rank| rank <= tied.end);
    let mut found = order_statistics(&lower, &ranks[..split]);
    found.resize(above, likely + 0.0);
    let local: Vec<usize> = ranks[above..].iter().map(|&rank| rank - tied.end).collect();
    found.extend(order_statistics(&higher, &local));
    found
}

/// Selects at ascending ranks, each time from what lies above the one before.
fn select(values: &mut [f64], ranks: &[usize], found: &mut Vec<f64>) {
    let mut rest = values;
    let mut passed = 0;
    for &rank in ranks {
        let (_, &mut value, higher) =
            rest.select_nth_unstable_by(rank - passed - 1, f64::total_cmp);
        found.push(value + 0.0);
        rest = higher;
        passed = rank;
    }
}

/// Smallest and largest value, eight lanes at a time.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn extremes(values: &[f64]) -> [f64; 2] {
    let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let eights = values.chunks_exact(8);
    for (k, &x) in eights.remainder().iter().enumerate() {
        (low[k], high[k]) = (x, x);
    }
    for eight in eights {
        for k in 0..8 {
            low[k] = if eight[k] < low[k] { eight[k] } else { low[k] };
            high[k] = if eight[k] > high[k] {
                eight[k]
            } else {
                high[k]
            };
        }
    }
    [
        low.into_iter().fold(f64::INFINITY, f64::min),
        high.into_iter().fold(f64::NEG_INFINITY, f64::max),
    ]
}

/// Rank of the left inverse: the smallest value with at least this fraction of the sample at or below it.
pub fn quantile_rank(count: usize, level: Level) -> usize {
    let exact = (count as u128 * u128::from(level.per_mille)).div_ceil(1000);
    usize::try_from(exact)
        .unwrap_or(count)
        .clamp(1, count.max(1))
}

/// Ranks of the two values that enclose a quantile with 95 % probability, or `None` where the sample is too small.
///
/// The number of values at or below the quantile is binomial; the ranks leave at most 2.5 % on either side (exactly
/// summed while its variance is at most 250, then by the Cornish-Fisher expansion with its skewness).
///
/// # Source
/// David and Nagaraja, Order Statistics (3rd edition, 2003), section 7.1.
pub fn interval_ranks(count: usize, level: Level) -> Option<[usize; 2]> {
    let (n, p) = (count as f64, level.fraction());
    let variance = n * p * (1.0 - p);
    let [lower, upper] = if variance > 250.0 {
        let skew = (1.0 - 2.0 * p) / variance.sqrt() * (Z95 * Z95 - 1.0) / 6.0;
        let rank = |z: f64| {
            let k = (n * p + variance.sqrt() * (z + skew) - 0.5).ceil();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "inside 0..=count"
            )]
            let k = k as usize;
            k
        };
        [rank(-Z95), rank(Z95) + 1]
    } else if p <= 0.5 {
        exact_ranks(count, p)
    } else {
        let [lower, upper] = exact_ranks(count, 1.0 - p);
        [(count + 1).saturating_sub(upper), count + 1 - lower]
    };
    (lower >= 1 && upper <= count).then_some([lower, upper])
}

/// Whether so many draws have one on a side of a quantile with 97.5 % probability, where that side is `share` of the distribution:
/// what [`interval_ranks`] asks of both sides.
pub fn is_enough(count: usize, share: f64) -> bool {
    (count as f64 * (1.0 - share).ln()).exp() <= 0.025
}

/// Largest `l` with `P(B < l) <= 2.5 %` and smallest `u` with `P(B >= u) <= 2.5 %`, for `p` up to one half.
fn exact_ranks(count: usize, p: f64) -> [usize; 2] {
    let n = count as f64;
    let mut mass = (n * (1.0 - p).ln()).exp();
    let mut cumulative = 0.0;
    let mut lower = 0;
    for k in 0..=count {
        // Here `cumulative` is P(B < k).
        if cumulative <= 0.025 {
            lower = k;
        }
        if cumulative >= 0.975 {
            return [lower, k];
        }
        cumulative += mass;
        mass *= (n - k as f64) / (k as f64 + 1.0) * p / (1.0 - p);
    }
    [lower, count + 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::sample::tests::normals;

    #[test]
    fn oracle_ranks() {
        assert_eq!(
            interval_ranks(100_000, Level::new(990)),
            Some([98_938, 99_062])
        );
        assert_eq!(interval_ranks(100_000, Level::new(10)), Some([939, 1063]));
    }

    #[test]
    fn small_sample_ranks() {
        // Median of 10: P(B <= 1) = 11/1024 and P(B <= 2) = 56/1024, so the second and the ninth value.
        assert_eq!(interval_ranks(10, Level::new(500)), Some([2, 9]));
        // 1 - 0.5^n > 2.5 % on a side until n = 6.
        assert_eq!(interval_ranks(5, Level::new(500)), None);
        assert_eq!(interval_ranks(6, Level::new(500)), Some([1, 6]));
        // 0.999^n <= 2.5 % needs n >= 3688.
        assert_eq!(interval_ranks(3687, Level::new(999)), None);
        assert_eq!(
            interval_ranks(3688, Level::new(999)).map(|[_, upper]| upper),
            Some(3688)
        );
    }

    #[test]
    fn expansion_meets_the_exact_ranks() {
        for per_mille in [10, 50, 100, 250, 500] {
            let level = Level::new(per_mille);
            let p = level.fraction();
            for variance in [251.0, 252.0, 253.0, 254.0] {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a small positive number"
                )]
                let count = (variance / (p * (1.0 - p))).ceil() as usize;
                assert_eq!(
                    interval_ranks(count, level),
                    Some(exact_ranks(count, p)),
                    "{per_mille} of {count}"
                );
            }
        }
    }

    #[test]
    fn selection_equals_sorting() {
        let mut values = normals(7, 50_000);
        values.iter_mut().step_by(3).for_each(|x| *x = 0.0); // ties
        values[17] = 1e9; // an outlier that makes the bins coarse
        values[18] = -0.0;
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let ranks = [50_000, 1, 25_000, 25_000, 24_999, 12, 49_990];
        let expected: Vec<u64> = ranks
            .iter()
            .map(|&rank| (sorted[rank - 1] + 0.0).to_bits())
            .collect();
        let found: Vec<u64> = order_statistics(&values, &ranks)
            .iter()
            .map(|x| x.to_bits())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn selection_among_ties_equals_sorting() {
        for floor in [-0.5, 0.0, 0.5] {
            let values: Vec<f64> = normals(8, 60_000).iter().map(|x| x.max(floor)).collect();
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let ranks: Vec<usize> = (1..=60_000).step_by(1000).chain([60_000]).collect();
            let expected: Vec<f64> = ranks.iter().map(|&rank| sorted[rank - 1]).collect();
            assert_eq!(order_statistics(&values, &ranks), expected);
        }
    }

    #[test]
    fn constant_and_infinite_samples() {
        assert_eq!(
            order_statistics(&vec![2.0; 5000], &[1, 2500, 5000]),
            vec![2.0; 3]
        );
        let mut values = vec![1.0; 5000];
        values[9] = f64::INFINITY;
        assert_eq!(
            order_statistics(&values, &[4999, 5000]),
            vec![1.0, f64::INFINITY]
        );
        values[9] = 1.0f64.next_up();
        assert_eq!(
            order_statistics(&values, &[4999, 5000]),
            vec![1.0, values[9]]
        );
        values.fill(0.0);
        values[9] = 5e-324;
        assert_eq!(order_statistics(&values, &[4999, 5000]), vec![0.0, 5e-324]);
    }

    #[test]
    fn left_inverse_ranks() {
        assert_eq!(quantile_rank(10, Level::new(500)), 5);
        assert_eq!(quantile_rank(11, Level::new(500)), 6);
        assert_eq!(quantile_rank(1000, Level::new(999)), 999);
        assert_eq!(quantile_rank(3, Level::new(1)), 1);
    }
}

//! Mean and standard deviation with their standard errors.

use rayon::prelude::*;

use crate::outcome::table::{LANES, OutcomeTable};
use crate::stats::estimate::Estimate;
use crate::stats::probability::probability_from_sums;
use crate::stats::sample::Sample;

/// Mean and standard deviation of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Weighted mean, `sum w x / sum w`.
    pub mean: Estimate,
    /// Weighted standard deviation, root of `sum w (x - mean)^2 / sum w`.
    pub std_dev: Estimate,
    /// Its square, the variance; NaN without values.
    pub variance: f64,
}

impl Spread {
    /// Influence of one value on the variance.
    pub fn variance_influence(&self, x: f64) -> f64 {
        let deviation = x - self.mean.value.unwrap_or(f64::NAN);
        deviation * deviation - self.variance
    }
}

/// Mean and standard deviation of a sample.
///
/// Standard errors use the sum-of-squared-weights forms: of the mean `sum w^2 (x - m)^2 / (sum w)^2`, of the variance
/// `sum w^2 ((x - m)^2 - v)^2 / (sum w)^2` (the fourth moment), of the deviation that over `2 sd`; of weights that were found to hold some
/// means [`Sample::square`] with the same influences.
pub fn spread(sample: &Sample) -> Spread {
    let total = sample.weight_sum();
    let shift = sample.values().first().copied().unwrap_or(f64::NAN);
    let [first] = sample.sum(|x, w, _| [w * (x - shift)]);
    let mean = shift + first / total;
    let [second, square, cube, fourth] = sample.sum(|x, w, _| {
        let d2 = (x - mean) * (x - mean);
        let w2 = w * w;
        [w * d2, w2 * d2, w2 * d2 * d2, w2]
    });
    let variance = second / total;
    let std_dev = variance.sqrt();
    // sum w^2 (d2 - v)^2, multiplied out.
    let excess = (cube - 2.0 * variance * square + variance * variance * fourth).max(0.0);
    let excess = sample.square(excess, |x, _| (x - mean) * (x - mean) - variance);
    let square = sample.square(square, |x, _| x - mean);
    let small = small_sample_factor(sample.len(), total, sample.weight_square_sum());
    let std_error_of_variance = (small * excess).sqrt() / total;
    let std_error = if std_dev > 0.0 {
        std_error_of_variance / (2.0 * std_dev)
    } else {
        0.0 * small
    };
    Spread {
        mean: Estimate::normal(mean, (small * square).sqrt() / total),
        std_dev: Estimate::normal(std_dev, std_error),
        variance,
    }
}

/// `n / (n - 1)`; NaN (no error can be told) for fewer than two values, or weights that make them less than two.
fn small_sample_factor(count: usize, weight: f64, weight_square: f64) -> f64 {
    let effective = weight * weight / weight_square;
    if count < 2 || effective < 2.0 - 1e-9 {
        f64::NAN
    } else {
        count as f64 / (count as f64 - 1.0)
    }
}

/// Sums over one column from which its mean and the probability of a positive value follow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ColumnSums {
    count: usize,
    shift: f64,
    weight: f64,
    weight_square: f64,
    first: f64,
    first_square_weight: f64,
    second_square_weight: f64,
    positive: f64,
    positive_square_weight: f64,
    /// Of weights that were found to hold some means: [`Sample::square`] of the mean and of the probability.
    held_squares: Option<[f64; 2]>,
}

impl ColumnSums {
    /// The mean.
    pub fn mean(&self) -> Estimate {
        let offset = self.first / self.weight;
        let square = self.second_square_weight - 2.0 * offset * self.first_square_weight
            + offset * offset * self.weight_square;
        let square = self.held_squares.map_or(square, |[of_mean, _]| of_mean);
        let small = small_sample_factor(self.count, self.weight, self.weight_square);
        Estimate::normal(
            self.shift + offset,
            (small * square.max(0.0)).sqrt() / self.weight,
        )
    }

    /// The probability of a value above 0.
    pub fn probability_positive(&self) -> Estimate {
        probability_from_sums(
            self.positive,
            self.positive_square_weight,
            self.weight,
            self.weight_square,
            self.held_squares.map(|[_, of_probability]| of_probability),
        )
    }

    /// With what the means that the weights hold take from the errors.
    fn under_held(mut self, sample: &Sample) -> Self {
        if sample.held().is_some() {
            let mean = self.shift + self.first / self.weight;
            let p = self.positive / self.weight;
            let event = |x: f64| if x > 0.0 { 1.0 } else { 0.0 };
            // What is the same on all paths has no error, and many columns are.
            let is_same = self.second_square_weight == 0.0;
            let is_certain = self.positive == 0.0 || is_same;
            let of_mean = if is_same {
                0.0
            } else {
                sample.square(0.0, |x, _| x - mean)
            };
            let of_probability = if is_certain {
                0.0
            } else {
                sample.square(0.0, |x, _| event(x) - p)
            };
            self.held_squares = Some([of_mean, of_probability]);
        }
        self
    }

    fn add(&mut self, part: &Self) {
        self.count += part.count;
        self.weight += part.weight;
        self.weight_square += part.weight_square;
        self.first += part.first;
        self.first_square_weight += part.first_square_weight;
        self.second_square_weight += part.second_square_weight;
        self.positive += part.positive;
        self.positive_square_weight += part.positive_square_weight;
    }
}

/// Sums over every stored column, by storage index, in one pass through the table.
pub fn column_sums(table: &OutcomeTable) -> Vec<ColumnSums> {
    let columns: Vec<usize> = (0..table.columns()).collect();
    column_sums_of(table, &columns)
}

/// Sums over the columns with these storage indices, in their order; the same bits as among all columns.
///
/// Values are taken relative to the first path's, so that squares lose no digits on columns that hardly vary.
pub fn column_sums_of(table: &OutcomeTable, columns: &[usize]) -> Vec<ColumnSums> {
    const BLOCKS: usize = 64;
    let first = |&column: &usize| match table.paths() {
        0 => 0.0,
        _ => table.value(0, column),
    };
    let shifts: Vec<f64> = columns.iter().map(first).collect();
    let parts: Vec<Vec<ColumnSums>> = (0..table.blocks().div_ceil(BLOCKS))
        .into_par_iter()
        .map(|group| {
            let blocks = group * BLOCKS..((group + 1) * BLOCKS).min(table.blocks());
            let mut sums: Vec<ColumnSums> = shifts
                .iter()
                .map(|&shift| ColumnSums {
                    shift,
                    ..ColumnSums::default()
                })
                .collect();
            for block in blocks {
                for (&column, sums) in columns.iter().zip(&mut sums) {
                    let lanes = table.lanes(block, column);
                    let part = match table.weights() {
                        None => lane_sums(lanes, sums.shift),
                        Some(weights) => weighted_lane_sums(
                            lanes,
                            &weights[block * LANES..block * LANES + lanes.len()],
                            sums.shift,
                        ),
                    };
                    sums.add(&part);
                }
            }
            sums
        })
        .collect();
    let mut total: Vec<ColumnSums> = shifts
        .iter()
        .map(|&shift| ColumnSums {
            shift,
            ..ColumnSums::default()
        })
        .collect();
    for part in &parts {
        total
            .iter_mut()
            .zip(part)
            .for_each(|(total, part)| total.add(part));
    }
    if table.held().is_some() {
        let columns = columns.par_iter().zip(total);
        let under =
            columns.map(|(&column, sums)| sums.under_held(&Sample::of_index(table, column)));
        return under.collect();
    }
    total
}

/// Sums over one block's lanes without weights, eight at a time.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn lane_sums(lanes: &[f64], shift: f64) -> ColumnSums {
    let (mut first, mut second, mut positive) = ([0.0; 8], [0.0; 8], [0.0; 8]);
    let eights = lanes.chunks_exact(8);
    for (k, &x) in eights.remainder().iter().enumerate() {
        first[k] += x - shift;
        second[k] += (x - shift) * (x - shift);
        positive[k] += f64::from(x > 0.0);
    }
    for eight in eights {
        for k in 0..8 {
            let d = eight[k] - shift;
            first[k] += d;
            second[k] += d * d;
            positive[k] += if eight[k] > 0.0 { 1.0 } else { 0.0 };
        }
    }
    let count = lanes.len() as f64;
    let (first, second, positive) = (
        first.iter().sum(),
        second.iter().sum(),
        positive.iter().sum(),
    );
    ColumnSums {
        count: lanes.len(),
        shift,
        weight: count,
        weight_square: count,
        first,
        first_square_weight: first,
        second_square_weight: second,
        positive,
        positive_square_weight: positive,
        held_squares: None,
    }
}

/// Sums over one block's lanes with weights.
fn weighted_lane_sums(lanes: &[f64], weights: &[f64], shift: f64) -> ColumnSums {
    let mut sums = ColumnSums {
        count: lanes.len(),
        shift,
        ..ColumnSums::default()
    };
    for (&x, &w) in lanes.iter().zip(weights) {
        let d = x - shift;
        let event = f64::from(x > 0.0);
        sums.weight += w;
        sums.weight_square += w * w;
        sums.first += w * d;
        sums.first_square_weight += w * w * d;
        sums.second_square_weight += w * w * d * d;
        sums.positive += w * event;
        sums.positive_square_weight += w * w * event;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::column::Column;
    use crate::outcome::layout::Layout;
    use crate::stats::sample::tests::normals;

    #[test]
    fn by_hand() {
        let result = spread(&Sample::new(vec![1.0, 2.0, 6.0], None));
        assert_eq!(result.mean.value, Some(3.0));
        assert!((result.variance - 14.0 / 3.0).abs() < 1e-15);
        // s^2 / n with s^2 = 14 / 2.
        assert!((result.mean.std_error.unwrap() - (7.0f64 / 3.0).sqrt()).abs() < 1e-15);
        // Excess over v = 14/3: (4 - v)^2 + (1 - v)^2 + (9 - v)^2 = 98/3; times 3/2, root, over 3, over 2 sd.
        let expected = (98.0f64 / 3.0 * 1.5).sqrt() / 3.0 / (2.0 * (14.0f64 / 3.0).sqrt());
        assert!((result.std_dev.std_error.unwrap() - expected).abs() < 1e-14);
    }

    #[test]
    fn one_value_has_no_error_and_none_no_mean() {
        let one = spread(&Sample::new(vec![4.0], None));
        assert_eq!(
            one.mean,
            Estimate {
                value: Some(4.0),
                std_error: None,
                ci95: None
            }
        );
        assert_eq!(spread(&Sample::new(vec![], None)).mean, Estimate::UNDEFINED);
    }

    #[test]
    fn normal_standard_errors() {
        // s.e. of the mean sigma/sqrt(n), of the deviation sigma/sqrt(2n); estimates within 4.892 of theirs.
        let n = 200_000;
        let values: Vec<f64> = normals(11, n).iter().map(|z| 5.0 + 3.0 * z).collect();
        let result = spread(&Sample::new(values, None));
        let (mean_error, dev_error) = (3.0 / (n as f64).sqrt(), 3.0 / (2.0 * n as f64).sqrt());
        assert!((result.mean.value.unwrap() - 5.0).abs() < 4.892 * mean_error);
        assert!((result.std_dev.value.unwrap() - 3.0).abs() < 4.892 * dev_error);
        assert!((result.mean.std_error.unwrap() / mean_error - 1.0).abs() < 0.01);
        assert!((result.std_dev.std_error.unwrap() / dev_error - 1.0).abs() < 0.02);
    }

    #[test]
    fn weights_count_as_copies() {
        let weighted = spread(&Sample::new(
            vec![1.0, 5.0, 7.0],
            Some(vec![2.0, 1.0, 3.0].into()),
        ));
        let copies = spread(&Sample::new(vec![1.0, 1.0, 5.0, 7.0, 7.0, 7.0], None));
        assert!((weighted.mean.value.unwrap() - copies.mean.value.unwrap()).abs() < 1e-14);
        assert!((weighted.variance - copies.variance).abs() < 1e-13);
    }

    #[test]
    fn the_pass_through_the_table_equals_the_sample() {
        let mut table = OutcomeTable::new(1003, Layout::plain(vec!["ETH".into()]));
        for (column, seed) in (0..table.columns()).zip(5..) {
            table
                .column_mut(column)
                .copy_from_slice(&normals(seed, 1003));
        }
        let weights: Vec<f64> = (0..1003).map(|path| 0.5 + f64::from(path % 7)).collect();
        for weights in [None, Some(weights)] {
            if let Some(weights) = weights {
                table.set_weights(weights);
            }
            let sums = column_sums(&table);
            for column in [Column::UnhedgedPnl, Column::MaxDrawdown] {
                let expected = spread(&Sample::of_column(&table, column)).mean;
                let found = sums[column as usize].mean();
                assert!((found.value.unwrap() - expected.value.unwrap()).abs() < 1e-13);
                assert!((found.std_error.unwrap() - expected.std_error.unwrap()).abs() < 1e-13);
            }
        }
    }
}

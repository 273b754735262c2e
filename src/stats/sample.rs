//! One quantity by path with its weights, and the squared error of what is estimated from it; sums in a fixed order.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::outcome::column::Column;
use crate::outcome::table::{LANES, OutcomeTable};
use crate::outcome::weights::HeldMeans;

/// Paths whose terms are summed one after the other; the partial sums are then added in the order of the paths.
const CHUNK: usize = 128 * LANES;

/// Values whose influences are held at a time.
const PIECE: usize = 512;

/// Values of one quantity by path, with weights.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    values: Cow<'a, [f64]>,
    weights: Option<Cow<'a, [f64]>>,
    weight_sum: f64,
    weight_square_sum: f64,
    held: Option<Held>,
}

/// The means that the weights of a sample were found to hold.
#[derive(Debug, Clone)]
pub struct Held {
    /// Over all paths of the table.
    pub means: Arc<HeldMeans>,
    /// Of a sample of some of them, the paths of its values.
    paths: Option<Vec<usize>>,
}

impl Held {
    /// The path of a value.
    pub fn path(&self, index: usize) -> usize {
        self.paths.as_ref().map_or(index, |paths| paths[index])
    }

    /// What a column over all paths has for some of the values.
    fn piece<'c>(&self, column: &'c [f64], values: Range<usize>) -> Cow<'c, [f64]> {
        match &self.paths {
            None => Cow::Borrowed(&column[values]),
            Some(paths) => paths[values].iter().map(|&path| column[path]).collect(),
        }
    }
}

impl<'a> Sample<'a> {
    /// A sample of these values; weights are 1 unless given, one for each value.
    ///
    /// # Panics
    /// If the number of weights is not the number of values.
    pub fn new(values: impl Into<Cow<'a, [f64]>>, weights: Option<Cow<'a, [f64]>>) -> Self {
        let values = values.into();
        let count = values.len() as f64;
        let [weight_sum, weight_square_sum] = match &weights {
            None => [count, count],
            Some(weights) => {
                assert_eq!(weights.len(), values.len(), "one weight for each value");
                sum(values.len(), |paths| {
                    weights[paths]
                        .iter()
                        .fold([0.0, 0.0], |[a, b], w| [a + w, b + w * w])
                })
            }
        };
        Self {
            values,
            weights,
            weight_sum,
            weight_square_sum,
            held: None,
        }
    }

    /// Values of all paths of a table, in their order, with its weights.
    pub fn of_values(table: &'a OutcomeTable, values: impl Into<Cow<'a, [f64]>>) -> Self {
        let sample = Self::new(values, table.weights().map(Cow::Borrowed));
        sample.holding(table.held().cloned())
    }

    /// These weights, one for each path, were found to hold these means.
    #[must_use]
    pub fn holding(mut self, means: Option<Arc<HeldMeans>>) -> Self {
        self.held = means.map(|means| Held { means, paths: None });
        self
    }

    /// A stored column.
    pub fn of_column(table: &'a OutcomeTable, column: Column) -> Self {
        Self::of_index(table, column as usize)
    }

    /// The column with this storage index.
    pub fn of_index(table: &'a OutcomeTable, column: usize) -> Self {
        Self::of_values(table, table.column(column))
    }

    /// What `combine` makes of several stored columns of each path.
    pub fn of_columns<const K: usize>(
        table: &'a OutcomeTable,
        columns: [Column; K],
        combine: impl Fn([f64; K]) -> f64,
    ) -> Self {
        let columns = columns.map(|column| table.column(column as usize));
        let values: Vec<f64> = (0..table.paths())
            .map(|path| combine(columns.map(|values| values[path])))
            .collect();
        Self::of_values(table, values)
    }

    /// The sum of the columns with these storage indices.
    pub fn of_sum(table: &'a OutcomeTable, columns: &[usize]) -> Self {
        let mut values = Vec::with_capacity(table.paths());
        for block in 0..table.blocks() {
            let first = values.len();
            values.resize(first + table.block_paths(block), 0.0);
            for &column in columns {
                let lanes = table.lanes(block, column);
                values[first..]
                    .iter_mut()
                    .zip(lanes)
                    .for_each(|(sum, x)| *sum += x);
            }
        }
        Self::of_values(table, values)
    }

    /// A stored column on the paths where another one satisfies a condition, in the order of the paths.
    pub fn of_column_where(
        table: &OutcomeTable,
        column: Column,
        condition: Column,
        is_kept: impl Fn(f64) -> bool,
    ) -> Sample<'static> {
        let (mut values, mut weights, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        for block in 0..table.blocks() {
            let conditions = table.lanes(block, condition as usize);
            let lanes = table.lanes(block, column as usize);
            // Without branches: each value is written, and overwritten by the next unless it is kept.
            let (mut kept, mut count) = ([0.0; LANES], 0);
            for (&value, &condition) in lanes.iter().zip(conditions) {
                kept[count] = value;
                count += usize::from(is_kept(condition));
            }
            values.extend_from_slice(&kept[..count]);
            if let Some(all) = table.weights() {
                let of_block = all[block * LANES..].iter().zip(conditions);
                weights.extend(
                    of_block
                        .filter(|(_, condition)| is_kept(**condition))
                        .map(|(w, _)| w),
                );
            }
            if table.held().is_some() {
                let of_block = (block * LANES..).zip(conditions);
                let kept = of_block.filter(|(_, condition)| is_kept(**condition));
                paths.extend(kept.map(|(path, _)| path));
            }
        }
        let mut sample = Sample::new(values, table.weights().map(|_| Cow::Owned(weights)));
        sample.held = table.held().map(|means| Held {
            means: Arc::clone(means),
            paths: Some(paths),
        });
        sample
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values in the order of the paths.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values in the order of the paths, as their owner.
    pub fn into_values(self) -> Vec<f64> {
        self.values.into_owned()
    }

    /// Weights by value, or `None` if all are 1.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Weight of one value.
    pub fn weight(&self, path: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[path])
    }

    /// Sum of the weights.
    pub fn weight_sum(&self) -> f64 {
        self.weight_sum
    }

    /// Sum of the squared weights.
    pub fn weight_square_sum(&self) -> f64 {
        self.weight_square_sum
    }

    /// The means that the weights were found to hold, `None` of weights that were given and without weights.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// `(sum w)^2` times the squared error of an estimate to which each value contributes `influence(value, index)` at given weights.
    ///
    /// `given` where the weights are given or all are 1: `sum w^2 influence^2`. Where they were found to hold some means, these take their part
    /// of the influence away ([`HeldMeans`]).
    pub fn square(&self, given: f64, influence: impl Fn(f64, usize) -> f64 + Sync) -> f64 {
        let Some(held) = &self.held else {
            return given;
        };
        let columns = held.means.columns();
        let found = sums(self.len(), |range| {
            let mut found = vec![0.0; 1 + 2 * columns];
            let mut buffers = [[0.0; PIECE]; 3];
            let mut start = range.start;
            while start < range.end {
                let piece = start..(start + PIECE).min(range.end);
                let [f, inflated, twice] = buffers.each_mut().map(|of| &mut of[..piece.len()]);
                for (index, f) in piece.clone().zip(&mut *f) {
                    *f = influence(self.values[index], index);
                }
                let inflation = held.means.inflation();
                for (at, index) in piece.clone().enumerate() {
                    let v = inflation[held.path(index)];
                    inflated[at] = v * self.weight(index) * f[at];
                    twice[at] = v * inflated[at];
                }
                found[0] += dot(inflated, inflated);
                for column in 0..columns {
                    let of = [held.means.column(column), held.means.moved(column)];
                    let [e, moved] = of.map(|of| held.piece(of, piece.clone()));
                    found[1 + column] += dot(f, &e);
                    found[1 + columns + column] += dot(twice, &moved);
                }
                start = piece.end;
            }
            found
        });
        match found.split_first() {
            None => 0.0,
            Some((raw, both)) => {
                let (projected, crossed) = both.split_at(columns);
                held.means.square(*raw, projected, crossed)
            }
        }
    }

    /// Sums over all values of `term(value, weight, path)`, in a fixed order.
    pub fn sum<const K: usize>(
        &self,
        term: impl Fn(f64, f64, usize) -> [f64; K] + Sync,
    ) -> [f64; K] {
        sum(self.len(), |paths| {
            let first = paths.start;
            let values = &self.values[paths.clone()];
            match &self.weights {
                None => interleaved(values, |_| 1.0, |x, w, index| term(x, w, first + index)),
                Some(weights) => {
                    let weights = &weights[paths];
                    let weight = |index: usize| weights[index];
                    interleaved(values, weight, |x, w, index| term(x, w, first + index))
                }
            }
        })
    }
}

/// Sum of products, in eight interleaved sums.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// Adds terms in four interleaved sums, which a processor can do at the same time.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn interleaved<const K: usize, W: Fn(usize) -> f64, T: Fn(f64, f64, usize) -> [f64; K]>(
    values: &[f64],
    weight: W,
    term: T,
) -> [f64; K] {
    let mut sums = [[0.0; 4]; K];
    let (fours, rest) = values.as_chunks::<4>();
    for (index, four) in fours.iter().enumerate() {
        let terms: [[f64; K]; 4] = std::array::from_fn(|lane| {
            let index = 4 * index + lane;
            term(four[lane], weight(index), index)
        });
        for (k, sum) in sums.iter_mut().enumerate() {
            for (sum, term) in sum.iter_mut().zip(&terms) {
                *sum += term[k];
            }
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        let index = values.len() - rest.len() + lane;
        for (sum, x) in sums.iter_mut().zip(term(x, weight(index), index)) {
            sum[lane] += x;
        }
    }
    sums.map(|lanes| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
}

/// Adds what `chunk` returns for consecutive ranges of `0..count`, in their order, so that the number of threads changes no bit.
pub fn sum<const K: usize>(
    count: usize,
    chunk: impl Fn(Range<usize>) -> [f64; K] + Sync,
) -> [f64; K] {
    let partial: Vec<[f64; K]> = (0..count.div_ceil(CHUNK))
        .into_par_iter()
        .map(|c| chunk(c * CHUNK..((c + 1) * CHUNK).min(count)))
        .collect();
    partial.into_iter().fold([0.0; K], |mut total, part| {
        total.iter_mut().zip(part).for_each(|(t, x)| *t += x);
        total
    })
}

/// [`sum`] of as many terms as `chunk` returns, whose work it shares.
pub fn sums(count: usize, chunk: impl Fn(Range<usize>) -> Vec<f64> + Sync) -> Vec<f64> {
    let partial: Vec<Vec<f64>> = (0..count.div_ceil(CHUNK))
        .into_par_iter()
        .map(|c| chunk(c * CHUNK..((c + 1) * CHUNK).min(count)))
        .collect();
    let most = partial.iter().map(Vec::len).max().unwrap_or(0);
    partial
        .into_iter()
        .fold(vec![0.0; most], |mut total, part| {
            total.iter_mut().zip(part).for_each(|(t, x)| *t += x);
            total
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::outcome::layout::Layout;

    /// Uniform draws in (0, 1) by a 64-bit linear congruential generator (Knuth's MMIX constants), top 53 bits.
    pub(crate) fn uniforms(seed: u64, count: usize) -> Vec<f64> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
            })
            .collect()
    }

    /// Standard normal draws by Box-Muller.
    pub(crate) fn normals(seed: u64, count: usize) -> Vec<f64> {
        uniforms(seed, 2 * count)
            .chunks_exact(2)
            .map(|pair| (-2.0 * pair[0].ln()).sqrt() * (std::f64::consts::TAU * pair[1]).cos())
            .collect()
    }

    #[test]
    fn reads_a_column_in_the_order_of_the_paths() {
        let mut table = OutcomeTable::new(CHUNK + 70, Layout::plain(vec!["ETH".into()]));
        let pnl_usd = table.column_mut(Column::HedgedPnl as usize);
        for (path, value) in pnl_usd.iter_mut().enumerate() {
            *value = path as f64;
        }
        let sample = Sample::of_column(&table, Column::HedgedPnl);
        let expected: Vec<f64> = (0..CHUNK + 70).map(|path| path as f64).collect();
        assert_eq!(sample.values(), expected);
    }

    #[test]
    fn sums_do_not_depend_on_threads() {
        let sample = Sample::new(normals(3, 100_000), None);
        let one = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let five = rayon::ThreadPoolBuilder::new()
            .num_threads(5)
            .build()
            .unwrap();
        let cubes = || sample.sum(|x, w, _| [w * x * x * x])[0].to_bits();
        assert_eq!(one.install(cubes), five.install(cubes));
    }
}

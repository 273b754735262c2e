//! Differences of estimates on common random numbers, with their own errors.

use rayon::prelude::*;

use crate::stats::estimate::{Estimate, Z95};
use crate::stats::influence::{Entry, Event, Form, Influence, Influences};
use crate::stats::sample::{sum, sums};

/// Paths whose influences are held at a time.
const PIECE: usize = 1024;

/// What two values may differ by, relative to them, and still be the same number: sums of a million terms in another order.
pub const ROUNDING: f64 = 1e-12;

/// `b - a` for each key that both have, in the order of `a`, with the error of the difference.
///
/// Path `i` of both tables has the same random numbers, so what the two estimates share cancels path by path: the squared
/// error is `sum (w_b IF_b / sum w_b - w_a IF_a / sum w_a)^2`, with `IF` the influences. It is far smaller than that of the
/// levels where the two points are near each other. Intervals of differences of probabilities add half a path to each of the
/// four outcomes of a pair, so that they do not vanish where no path tells the two apart (Agresti and Min).
///
/// A percentile moves with the paths that pass it, and near neighbours have few of those: its error counts one more than there were, as
/// far as the paths' own differences reach.
///
/// Two points with the same outcomes on every path differ by exactly 0, and so do two values that differ by no more than
/// [`ROUNDING`], with an error as small.
///
/// # Panics
/// If the two tables have different numbers of paths.
///
/// # Source
/// F. R. Hampel, The influence curve and its role in robust estimation, JASA 69 (1974) 383-393; A. Agresti and Y. Min,
/// Simple improved confidence intervals for comparing matched proportions, Statistics in Medicine 24 (2005) 729-740.
pub fn difference(a: &Influences, b: &Influences) -> Vec<(String, Estimate)> {
    differences(&[a, b], &[[0, 1]]).pop().unwrap_or_default()
}

/// [`difference`] of many pairs `[a, b]` of sides at once: the influences of a side are worked out once for all its pairs.
///
/// # Panics
/// As of [`difference`], and if there is no such side.
pub fn differences(sides: &[&Influences], pairs: &[[usize; 2]]) -> Vec<Vec<(String, Estimate)>> {
    let of_pairs: Vec<Vec<Pair>> = pairs
        .par_iter()
        .map(|&at| Pair::of_all_keys(sides, at))
        .collect();
    let all: Vec<&Pair> = of_pairs.iter().flatten().collect();
    let decided: Vec<Option<Estimate>> = all.par_iter().map(|pair| pair.decided()).collect();
    let open: Vec<&Pair> = all
        .iter()
        .zip(&decided)
        .filter_map(|(pair, decided)| decided.is_none().then_some(*pair))
        .collect();
    let mut squares = square_distances(sides, &open).into_iter();
    let mut estimates = all.iter().zip(decided).map(|(pair, decided)| {
        decided.unwrap_or_else(|| pair.estimate(squares.next().unwrap_or(f64::NAN)))
    });
    of_pairs
        .iter()
        .map(|pairs| {
            let keys = pairs.iter().map(|pair| pair.entries[0].key.clone());
            keys.zip(estimates.by_ref()).collect()
        })
        .collect()
}

/// The same key of two sides.
struct Pair<'a> {
    /// Which sides.
    at: [usize; 2],
    sides: [&'a Influences; 2],
    entries: [&'a Entry; 2],
    /// The hedged P&L of every path is the same, so that nothing tells the two apart.
    same_paths: bool,
    /// Of a percentile, how far apart the differences of the paths are.
    reach: f64,
}

/// Whether both are percentiles of a column as it stands.
fn is_percentile(entries: [&Entry; 2]) -> bool {
    entries.iter().all(|entry| {
        matches!(entry.influence.form, Form::Quantile { .. }) && entry.influence.share.is_none()
    })
}

impl<'a> Pair<'a> {
    /// All keys that both sides have, in the order of the first.
    fn of_all_keys(sides: &[&'a Influences], at: [usize; 2]) -> Vec<Self> {
        let [a, b] = at.map(|side| sides[side]);
        assert_eq!(a.paths, b.paths, "the same paths");
        let same_paths = same_bits(&a.columns[0], &b.columns[0]) && same_weights(a, b);
        // Many percentiles are of one column.
        let mut reaches: Vec<([usize; 2], f64)> = Vec::new();
        let mut reach_of = |entries: [&Entry; 2]| {
            let columns = entries.map(|entry| entry.influence.column);
            if let Some((_, reach)) = reaches.iter().find(|(of, _)| *of == columns) {
                return *reach;
            }
            let found = reach(&a.columns[columns[0]], &b.columns[columns[1]]);
            reaches.push((columns, found));
            found
        };
        let entries = a.entries.iter();
        let both = entries.filter_map(|entry| Some([entry, b.entry(&entry.key)?]));
        both.map(|entries| Self {
            at,
            sides: [a, b],
            reach: if is_percentile(entries) {
                reach_of(entries)
            } else {
                0.0
            },
            entries,
            same_paths,
        })
        .collect()
    }

    fn values(&self) -> Option<[f64; 2]> {
        let [of_a, of_b] = self.entries.map(|entry| entry.estimate.value);
        Some([of_a?, of_b?])
    }

    /// The difference, where it is known without the influences of all paths.
    fn decided(&self) -> Option<Estimate> {
        let Some([of_a, of_b]) = self.values() else {
            return Some(Estimate::UNDEFINED);
        };
        let value = of_b - of_a;
        let is_zero = value == 0.0;
        match self.entries.map(|entry| entry.influence.form) {
            [Form::Event(of_a, _), Form::Event(of_b, _)] => {
                let is_exact = matches!([of_a, of_b], [Event::Never, Event::Never])
                    || (self.same_paths && is_zero && self.same_values());
                is_exact.then_some(Estimate::exact(0.0))
            }
            _ if is_zero && self.same_values() => Some(Estimate::exact(0.0)),
            [Form::Unknown, _] | [_, Form::Unknown] => Some(Estimate::normal(value, f64::NAN)),
            _ => None,
        }
    }

    /// The difference, whose influences have the squared distance `square`.
    fn estimate(&self, square: f64) -> Estimate {
        let Some([of_a, of_b]) = self.values() else {
            return Estimate::UNDEFINED;
        };
        let value = of_b - of_a;
        let std_error = self.std_error(square);
        let rounding = ROUNDING * of_a.abs().max(of_b.abs());
        let forms = self.entries.map(|entry| entry.influence.form);
        if let [Form::Event(of_a, p_a), Form::Event(of_b, p_b)] = forms {
            return match self.matched_interval([(of_a, p_a), (of_b, p_b)], std_error) {
                Some(interval) => Estimate {
                    value: Some(value),
                    std_error: Some(std_error).filter(|error| error.is_finite()),
                    ci95: Some(interval),
                },
                None => Estimate::normal(value, std_error),
            };
        }
        let std_error = std_error.hypot(self.one_more_path());
        if value.abs() <= rounding && std_error <= rounding {
            Estimate::exact(0.0)
        } else {
            Estimate::normal(value, std_error)
        }
    }

    /// Whether the values by path that the two are estimated from have the same bits.
    fn same_values(&self) -> bool {
        let column = |side: usize, column: usize| &self.sides[side].columns[column];
        let [of_a, of_b] = self.entries.map(|entry| &entry.influence);
        same_weights(self.sides[0], self.sides[1])
            && same_bits(column(0, of_a.column), column(1, of_b.column))
            && same_bits(column(0, of_a.other), column(1, of_b.other))
    }

    /// What one more path that passes a percentile would move it by; 0 of any other estimate.
    ///
    /// No percentile moves further than the differences of the paths are apart: all of them by the same sum is no move to be unsure of.
    fn one_more_path(&self) -> f64 {
        let [of_a, of_b] = self.entries.map(|entry| &entry.influence);
        let (
            &Form::Quantile {
                sparsity: sparsity_a,
                ..
            },
            &Form::Quantile {
                sparsity: sparsity_b,
                ..
            },
            None,
            None,
        ) = (&of_a.form, &of_b.form, of_a.share, of_b.share)
        else {
            return 0.0;
        };
        let [a, b] = self.sides;
        let share = |side: &Influences| side.weight_square_sum / side.weight_sum / side.weight_sum;
        let move_by = (sparsity_a * share(a)).max(sparsity_b * share(b));
        move_by.min(self.reach)
    }

    fn is_weighted(&self) -> bool {
        self.sides.iter().any(|side| side.weights.is_some())
    }

    fn std_error(&self, square: f64) -> f64 {
        let paths = self.sides[0].paths;
        if paths < 2 {
            return f64::NAN;
        }
        let n = paths as f64;
        // Where all weigh the same, the share of a path is taken out of the sum.
        let shares = if self.is_weighted() {
            1.0
        } else {
            1.0 / (n * n)
        };
        (square * shares * n / (n - 1.0)).sqrt()
    }

    /// The interval of a difference of probabilities of the same paths; `None` where they weigh differently.
    ///
    /// Of weights that were found to hold some means it has as many draws as have the standard error.
    fn matched_interval(&self, events: [(Event, f64); 2], std_error: f64) -> Option<[f64; 2]> {
        let [a, b] = self.sides;
        if !same_weights(a, b) || a.weight_sum <= 0.0 {
            return None;
        }
        // Weights of the paths on which the event happens only in `b`, and only in `a`.
        let [gained, lost] = sum(a.paths, |range| {
            let mut buffers = [[0.0; PIECE]; 2];
            let mut sums = [0.0; 2];
            let mut start = range.start;
            while start < range.end {
                let end = (start + PIECE).min(range.end);
                for (k, buffer) in buffers.iter_mut().enumerate() {
                    let influence = &self.entries[k].influence;
                    let [x, y] = [influence.column, influence.other]
                        .map(|column| &self.sides[k].columns[column][start..end]);
                    events[k].0.fill(x, y, &mut buffer[..end - start]);
                }
                let [of_a, of_b] = [0, 1].map(|k| &buffers[k][..end - start]);
                match &a.weights {
                    None => {
                        sums[0] += risen(of_a, of_b);
                        sums[1] += risen(of_b, of_a);
                    }
                    Some(weights) => {
                        for ((a, b), weight) in of_a.iter().zip(of_b).zip(&weights[start..end]) {
                            sums[0] += if b > a { *weight } else { 0.0 };
                            sums[1] += if b < a { *weight } else { 0.0 };
                        }
                    }
                }
                start = end;
            }
            sums
        });
        let mut draws = a.weight_sum * a.weight_sum / a.weight_square_sum;
        if a.held.is_some() && std_error > 0.0 {
            let [gained, lost] = [gained, lost].map(|weight| weight / a.weight_sum);
            let variance = gained + lost - (gained - lost) * (gained - lost);
            // Where no path tells the two apart, no error is known to go by.
            if variance > ROUNDING {
                draws = variance / (std_error * std_error);
            }
        }
        let share = |weight: f64| (weight / a.weight_sum * draws + 0.5) / (draws + 2.0);
        let [gained, lost] = [share(gained), share(lost)];
        let centre = gained - lost;
        let spread = (gained + lost - centre * centre).max(0.0);
        let half_width = Z95 * (spread / (draws + 2.0)).sqrt();
        Some([
            (centre - half_width).max(-1.0),
            (centre + half_width).min(1.0),
        ])
    }
}

/// Largest less smallest difference of two columns.
fn reach(a: &[f64], b: &[f64]) -> f64 {
    let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (((low, high), a), b) in low.iter_mut().zip(&mut high).zip(a).zip(b) {
            let difference = b - a;
            *low = low.min(difference);
            *high = high.max(difference);
        }
    }
    let high = high.into_iter().fold(f64::NEG_INFINITY, f64::max);
    (high - low.into_iter().fold(f64::INFINITY, f64::min)).max(0.0)
}

/// One key of some sides: influences that are worked out, and the pairs of them that are held against each other.
struct Held<'a> {
    key: &'a str,
    /// With the share of the weight, if `true`.
    influences: Vec<(usize, &'a Influence, bool)>,
    /// Two places among the influences, and the place of their distance.
    pairs: Vec<([usize; 2], usize)>,
}

impl<'a> Held<'a> {
    /// The keys of these pairs.
    fn of_pairs(pairs: &[&Pair<'a>]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (place, pair) in pairs.iter().enumerate() {
            let key = pair.entries[0].key.as_str();
            let known = all.iter().position(|held| held.key == key);
            let at = known.unwrap_or(all.len());
            if known.is_none() {
                all.push(Self {
                    key,
                    influences: Vec::new(),
                    pairs: Vec::new(),
                });
            }
            let held = &mut all[at];
            let is_weighted = pair.is_weighted();
            let both =
                [0, 1].map(|k| held.place(pair.at[k], &pair.entries[k].influence, is_weighted));
            held.pairs.push((both, place));
        }
        all
    }

    /// The place of a side's influence, which is added where it is not there yet.
    fn place(&mut self, side: usize, influence: &'a Influence, is_weighted: bool) -> usize {
        let mut known = self.influences.iter();
        let found = known.position(|&(of, _, weighted)| (of, weighted) == (side, is_weighted));
        found.unwrap_or_else(|| {
            self.influences.push((side, influence, is_weighted));
            self.influences.len() - 1
        })
    }
}

/// Sum over all paths of the squared differences of the influences of each pair.
///
/// Paths are taken piece by piece: of each piece all keys of all pairs, so that what they share is near.
fn square_distances(sides: &[&Influences], pairs: &[&Pair]) -> Vec<f64> {
    let keys = Held::of_pairs(pairs);
    let most = keys.iter().map(|held| held.influences.len()).max();
    let paths = pairs.first().map_or(0, |pair| pair.sides[0].paths);
    let found = sums(paths, |range| {
        let mut buffers = vec![[0.0; PIECE]; most.unwrap_or(0)];
        let mut squares = vec![0.0; pairs.len()];
        let mut start = range.start;
        while start < range.end {
            let end = (start + PIECE).min(range.end);
            for held in &keys {
                let mut filled = 0;
                for &([a, b], place) in &held.pairs {
                    while filled <= a.max(b) {
                        let (side, influence, is_weighted) = held.influences[filled];
                        let buffer = &mut buffers[filled][..end - start];
                        sides[side].fill(influence, start..end, buffer);
                        if is_weighted {
                            scale(buffer, sides[side], start);
                        }
                        filled += 1;
                    }
                    let [a, b] = [a, b].map(|at| &buffers[at][..end - start]);
                    squares[place] += square_distance(a, b);
                }
            }
            start = end;
        }
        squares
    });
    // Of no paths there are no sums.
    if found.is_empty() {
        vec![0.0; pairs.len()]
    } else {
        found
    }
}

/// How many numbers are larger than those beside them.
fn risen(from: &[f64], to: &[f64]) -> f64 {
    from.iter().zip(to).filter(|(from, to)| to > from).count() as f64
}

/// Sum of the squared differences, in eight interleaved sums.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (b - a) * (b - a);
        }
    }
    sums.iter().sum()
}

/// Multiplies influences by the paths' shares of the weight.
fn scale(influences: &mut [f64], side: &Influences, start: usize) {
    match &side.weights {
        None => influences.iter_mut().for_each(|x| *x /= side.weight_sum),
        Some(weights) => {
            let pairs = influences.iter_mut().zip(&weights[start..]);
            pairs.for_each(|(x, w)| *x *= w / side.weight_sum);
        }
    }
}

fn same_weights(a: &Influences, b: &Influences) -> bool {
    a.weights == b.weights
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    bytemuck::cast_slice::<f64, u64>(a) == bytemuck::cast_slice::<f64, u64>(b)
}

#[cfg(test)]
mod neighbour_tests;
#[cfg(test)]
mod tests;

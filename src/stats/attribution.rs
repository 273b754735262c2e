//! Mean attribution of the hedged P&L: over all paths, and in the worst of them.

use rayon::prelude::*;
use serde::Serialize;

use crate::outcome::column::{COMPONENTS, Cell, Column};
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable};
use crate::stats::estimate::Estimate;
use crate::stats::level::{ByName, Level};
use crate::stats::moments::ColumnSums;
use crate::stats::quantile::Percentiles;
use crate::stats::sample::Sample;

/// The loss level beyond which the worst 5 % lie.
pub const WORST5: Level = Level::new(950);
/// A loss level a tenth of the tail further out; what lies between shows the components of a path at the boundary.
pub const WORST5_EDGE: Level = Level::new(955);

/// Mean of each part of the hedged P&L by column name, USD, in the order of the identity.
///
/// `unhedged_pnl_usd` plus the components is `hedged_pnl_usd`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// Over all paths.
    pub all: ByName,
    /// Over exactly the worst 5 % of the weight by hedged P&L.
    pub worst5: ByName,
}

/// Names of the parts and their storage indices; `None` where the table does not store a part, which is then 0.
pub fn parts(layout: &Layout) -> Vec<(&'static str, Option<usize>)> {
    let ends = |name, column| (name, Cell::Fixed(column));
    let first = [ends("unhedged_pnl_usd", Column::UnhedgedPnl)];
    let last = [ends("hedged_pnl_usd", Column::HedgedPnl)];
    let parts = first.into_iter().chain(COMPONENTS).chain(last);
    parts
        .map(|(name, cell)| (name, layout.cell(cell)))
        .collect()
}

/// Mean attribution; `percentiles` are of the hedged P&L with the loss levels [`WORST5`] and [`WORST5_EDGE`].
pub fn attribution(
    table: &OutcomeTable,
    sums: &[ColumnSums],
    hedged_pnl_usd: &Sample,
    percentiles: &Percentiles,
) -> Attribution {
    let parts = parts(table.layout());
    let all = parts.iter().map(|&(name, column)| {
        let mean = column.map_or(Estimate::exact(0.0), |column| sums[column].mean());
        (name.to_owned(), mean)
    });
    let all = ByName(all.collect());
    let columns: Vec<usize> = parts.iter().filter_map(|(_, column)| *column).collect();
    let mut means = worst_means(table, hedged_pnl_usd, percentiles, &columns).into_iter();
    let worst5 = parts.iter().map(|&(name, column)| {
        let mean = match column {
            None => Estimate::exact(0.0),
            Some(_) => means
                .next()
                .map_or(Estimate::UNDEFINED, |mean| mean.estimate),
        };
        (name.to_owned(), mean)
    });
    Attribution {
        all,
        worst5: ByName(worst5.collect()),
    }
}

/// Sums over the tail of one column: `sum w y`, `sum w^2 y`, `sum w^2 y^2`, and near the boundary `sum w y`.
type TailSums = [f64; 4];

/// The mean of a column over the worst 5 % of hedged P&L, and what a path's influence on it needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WorstMean {
    pub(super) estimate: Estimate,
    mean: f64,
    at_boundary: f64,
    boundary: f64,
}

impl WorstMean {
    const UNDEFINED: Self = Self {
        estimate: Estimate::UNDEFINED,
        mean: f64::NAN,
        at_boundary: f64::NAN,
        boundary: f64::NAN,
    };

    /// Influence on the mean of a path with this value of the column and this hedged P&L, USD.
    pub(super) fn influence(&self, value: f64, hedged_pnl_usd: f64) -> f64 {
        const TAIL: f64 = (1000 - WORST5.per_mille) as f64 / 1000.0;
        let inside = if hedged_pnl_usd < self.boundary {
            (value - self.at_boundary) / TAIL
        } else {
            0.0
        };
        inside + self.at_boundary - self.mean
    }
}

/// Means of columns over the worst 5 % of hedged P&L.
///
/// Paths tied at the boundary share what is left of the 5 % by weight. The influence of a path on the mean `m` of `y` is
/// `1{worse} (y - y_q) / 5 % + y_q - m` with `y_q` the mean of `y` at the boundary, read from the tail's mildest tenth; with
/// `y` the loss itself it is that of the expected shortfall. Where that has no error, as its tail is too small, none has.
pub(super) fn worst_means(
    table: &OutcomeTable,
    hedged_pnl_usd: &Sample,
    percentiles: &Percentiles,
    columns: &[usize],
) -> Vec<WorstMean> {
    let is_told = percentiles.loss(WORST5).ci95.is_some();
    let (Some(loss), Some(edge_loss)) = (
        percentiles.loss(WORST5).value,
        percentiles.loss(WORST5_EDGE).value,
    ) else {
        return vec![WorstMean::UNDEFINED; columns.len()];
    };
    let (boundary, edge) = (-loss, -edge_loss);
    let total = hedged_pnl_usd.weight_sum();
    let tail_weight = total * (1000 - WORST5.per_mille) as f64 / 1000.0;
    let [worse, tied, square_worse, near] = hedged_pnl_usd.sum(|x, w, _| {
        #[expect(clippy::float_cmp, reason = "the boundary is one of the values")]
        let is_tied = x == boundary;
        let is_worse = x < boundary;
        [
            if is_worse { w } else { 0.0 },
            if is_tied { w } else { 0.0 },
            if is_worse { w * w } else { 0.0 },
            if x <= boundary && x >= edge { w } else { 0.0 },
        ]
    });
    let share = if tied > 0.0 {
        ((tail_weight - worse) / tied).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let sums = tail_sums(
        table,
        hedged_pnl_usd,
        columns,
        &TailPlace {
            boundary,
            edge,
            share,
        },
    );
    sums.into_iter()
        .zip(columns)
        .map(
            |([first, first_square_weight, second_square_weight, near_first], &column)| {
                let mean = first / tail_weight;
                let at_boundary = near_first / near;
                // sum w^2 (1{worse} a (y - b) + c)^2 with a = 1 / 5 %, b = y_q, c = y_q - m.
                let (a, b, c) = (total / tail_weight, at_boundary, at_boundary - mean);
                let deviation =
                    second_square_weight - 2.0 * b * first_square_weight + b * b * square_worse;
                let cross = first_square_weight - b * square_worse;
                let square = a * a * deviation
                    + 2.0 * a * c * cross
                    + c * c * hedged_pnl_usd.weight_square_sum();
                let found = WorstMean {
                    estimate: Estimate::UNDEFINED,
                    mean,
                    at_boundary,
                    boundary,
                };
                let values = table.column(column);
                let square =
                    hedged_pnl_usd.square(square, |x, path| found.influence(values[path], x));
                let std_error = if is_told {
                    square.max(0.0).sqrt() / total
                } else {
                    f64::NAN
                };
                WorstMean {
                    estimate: Estimate::normal(mean, std_error),
                    ..found
                }
            },
        )
        .collect()
}

/// Where the tail begins: P&L at its boundary and at its edge, USD, and the share of the tied paths' weight inside.
#[derive(Debug, Clone, Copy)]
struct TailPlace {
    boundary: f64,
    edge: f64,
    share: f64,
}

/// By lane of one block: the weight inside the tail, its square where strictly inside, the weight near the boundary.
struct TailWeights {
    inside: [f64; LANES],
    square: [f64; LANES],
    near: [f64; LANES],
}

impl TailWeights {
    /// The weights of a block, or `None` if no path of it is in the tail.
    fn of_block(pnl_usd: &Sample, block: usize, place: &TailPlace) -> Option<Self> {
        let start = block * LANES;
        let lanes = &pnl_usd.values()[start..(start + LANES).min(pnl_usd.len())];
        if !lanes.iter().any(|&x| x <= place.boundary) {
            return None;
        }
        let mut weights = Self {
            inside: [0.0; LANES],
            square: [0.0; LANES],
            near: [0.0; LANES],
        };
        for (lane, &x) in lanes
            .iter()
            .enumerate()
            .filter(|(_, x)| **x <= place.boundary)
        {
            let w = pnl_usd.weight(start + lane);
            let is_worse = x < place.boundary;
            weights.inside[lane] = if is_worse { w } else { place.share * w };
            weights.square[lane] = if is_worse { w * w } else { 0.0 };
            weights.near[lane] = if x >= place.edge { w } else { 0.0 };
        }
        Some(weights)
    }
}

/// Sums over one block's lanes, four at a time; most lanes weigh nothing, which is cheaper than to ask.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn weighted_sums(values: &[f64; LANES], weights: &TailWeights) -> TailSums {
    let mut sums = [[0.0; 4]; 4];
    let [inside, square, inside_square, near] = &mut sums;
    for four in (0..LANES).step_by(4) {
        for lane in 0..4 {
            let at = four + lane;
            let y = values[at];
            inside[lane] += weights.inside[at] * y;
            square[lane] += weights.square[at] * y;
            inside_square[lane] += weights.square[at] * y * y;
            near[lane] += weights.near[at] * y;
        }
    }
    sums.map(|lanes| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
}

/// A block's lanes, zeros standing for what the last block lacks.
fn padded(lanes: &[f64]) -> [f64; LANES] {
    let mut values = [0.0; LANES];
    values[..lanes.len()].copy_from_slice(lanes);
    values
}

fn tail_sums(
    table: &OutcomeTable,
    pnl_usd: &Sample,
    columns: &[usize],
    place: &TailPlace,
) -> Vec<TailSums> {
    const BLOCKS: usize = 64;
    let groups: Vec<Vec<TailSums>> = (0..table.blocks().div_ceil(BLOCKS))
        .into_par_iter()
        .map(|group| {
            let mut sums = vec![[0.0; 4]; columns.len()];
            for block in group * BLOCKS..((group + 1) * BLOCKS).min(table.blocks()) {
                let Some(weights) = TailWeights::of_block(pnl_usd, block, place) else {
                    continue;
                };
                for (&column, sums) in columns.iter().zip(&mut sums) {
                    let part = weighted_sums(&padded(table.lanes(block, column)), &weights);
                    sums.iter_mut().zip(part).for_each(|(t, x)| *t += x);
                }
            }
            sums
        })
        .collect();
    groups
        .into_iter()
        .fold(vec![[0.0; 4]; columns.len()], |mut total, group| {
            for (total, part) in total.iter_mut().zip(group) {
                total.iter_mut().zip(part).for_each(|(t, x)| *t += x);
            }
            total
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::moments::column_sums;
    use crate::stats::sample::tests::normals;
    use crate::stats::tail::LossTail;

    fn of(table: &OutcomeTable) -> (Attribution, LossTail) {
        let sample = Sample::of_column(table, Column::HedgedPnl);
        let percentiles = Percentiles::new(&sample, &[], &[WORST5, WORST5_EDGE]);
        let tail = LossTail::new(&sample, &percentiles, WORST5);
        (
            attribution(table, &column_sums(table), &sample, &percentiles),
            tail,
        )
    }

    fn set(table: &mut OutcomeTable, column: Column, values: &[f64]) {
        table.column_mut(column as usize).copy_from_slice(values);
    }

    #[test]
    fn the_worst_hedged_mean_is_the_expected_shortfall() {
        let mut table = OutcomeTable::new(9_999, Layout::plain(vec!["ETH".into()]));
        set(&mut table, Column::HedgedPnl, &normals(8, 9_999));
        let (found, tail) = of(&table);
        let worst = found.worst5.get("hedged_pnl_usd").unwrap();
        assert!((worst.value.unwrap() + tail.shortfall()).abs() < 1e-12);
        // The boundary mean is read from a tenth of the tail, hence not to rounding.
        let ratio = worst.std_error.unwrap() / tail.expected_shortfall.std_error.unwrap();
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn a_tail_of_one_heavy_path_has_no_errors() {
        let mut table = OutcomeTable::new(500, Layout::plain(vec!["ETH".into()]));
        let mut pnl = normals(8, 500);
        pnl[3] = -9.0;
        set(&mut table, Column::HedgedPnl, &pnl);
        set(&mut table, Column::Fees, &normals(9, 500));
        let of_fees = |table: &OutcomeTable| *of(table).0.worst5.get("fees_usd").unwrap();
        assert!(of_fees(&table).std_error > Some(0.0));
        let mut weights = vec![1.0; 500];
        weights[3] = 40.0;
        table.set_weights(weights);
        let found = of_fees(&table);
        assert!(found.value.is_some());
        assert_eq!((found.std_error, found.ci95), (None, None));
        assert!(of(&table).0.all.get("fees_usd").unwrap().std_error > Some(0.0));
    }

    #[test]
    fn splits_what_is_tied_at_the_boundary() {
        // 40 paths: the worst 5 % are 2. One at -9, three tied at -5 share the other place.
        let mut pnl = vec![1.0; 40];
        let mut fees = vec![0.0; 40];
        (pnl[3], fees[3]) = (-9.0, -1.0);
        for (path, fee) in [(7, -3.0), (8, -6.0), (30, -9.0)] {
            (pnl[path], fees[path]) = (-5.0, fee);
        }
        let mut table = OutcomeTable::new(40, Layout::plain(vec!["ETH".into()]));
        set(&mut table, Column::HedgedPnl, &pnl);
        set(&mut table, Column::Fees, &fees);
        let (found, _) = of(&table);
        assert!((found.worst5.get("hedged_pnl_usd").unwrap().value.unwrap() - -7.0).abs() < 1e-14);
        assert!((found.worst5.get("fees_usd").unwrap().value.unwrap() - -3.5).abs() < 1e-14);
        assert_eq!(found.worst5.get("roll_usd"), Some(&Estimate::exact(0.0)));
        assert!((found.all.get("fees_usd").unwrap().value.unwrap() - -19.0 / 40.0).abs() < 1e-14);
    }
}

//! How much each path moves each estimate, so that estimates of two plans on the same paths can be told apart.

#![expect(
    clippy::inline_always,
    reason = "loops are compiled for each SIMD level with what they are part of"
)]

use std::ops::{Deref, Range};
use std::sync::Arc;

use rayon::prelude::*;

use crate::outcome::table::OutcomeTable;
use crate::outcome::weights::HeldMeans;
use crate::plan::types::Plan;
use crate::stats::asked::{Part, entry, parts};
use crate::stats::attribution::WorstMean;
use crate::stats::estimate::Estimate;
use crate::stats::moments::Spread;
use crate::stats::quantity::{Keys, Quantity};
use crate::stats::sample::sums;
use crate::stats::tail::LossTail;

/// Estimates of one table by key, and the influence of each path on each of them.
///
/// The influence of a path on an estimate is the derivative of the estimate by the weight of that path, times the sum of
/// weights: the estimate's squared error is `sum w^2 influence^2 / (sum w)^2`. It is kept as a formula over a few columns,
/// not as numbers, so that a dozen keys need the memory of four or five columns. Of weights that were found to hold some means it is less
/// what these take of it, and made up for the leverage of the path ([`HeldMeans`]), so that the same sum is the squared error.
#[derive(Debug, Clone)]
pub struct Influences {
    pub(super) paths: usize,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) weight_sum: f64,
    pub(super) weight_square_sum: f64,
    /// The means that the weights were found to hold.
    pub(super) held: Option<Arc<HeldMeans>>,
    /// Values by path; those of the hedged P&L first.
    pub(super) columns: Vec<Values>,
    pub(super) entries: Vec<Entry>,
}

/// Values by path.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// Copies, or computed.
    Own(Vec<f64>),
    /// A column of a table that is still there.
    Stored(Arc<OutcomeTable>, usize),
}

impl Deref for Values {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        match self {
            Self::Own(values) => values,
            Self::Stored(table, column) => table.column(*column),
        }
    }
}

/// An estimate with what its influence is computed from.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) estimate: Estimate,
    pub(super) influence: Influence,
}

/// The formula of an influence.
#[derive(Debug, Clone)]
pub(super) struct Influence {
    /// Column of the values.
    pub(super) column: usize,
    /// Column of the values that they are held against, the same where there are none.
    pub(super) other: usize,
    /// Weight of the paths that the estimate is of, as a share of all; the others' values are NaN.
    pub(super) share: Option<f64>,
    pub(super) form: Form,
    /// By column of the held means, what is taken away of it; empty where nothing is held, or the influence is not known.
    pub(super) taken: Vec<f64>,
}

/// The influence of a value `x`, and of `y` in the other column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// It cannot be told.
    Unknown,
    /// No path changes the estimate.
    None,
    /// `x - mean`.
    Mean(f64),
    /// `((x - mean)^2 - variance) / (2 sd)`.
    Deviation(Spread),
    /// `(p - 1{sign x <= at}) / density`.
    Quantile {
        sign: f64,
        at: f64,
        level: f64,
        sparsity: f64,
    },
    /// That of an expected shortfall.
    Tail(LossTail),
    /// `1{x in event} - p`.
    Event(Event, f64),
    /// `-(IF_x - R IF_y) / risk_y`, of variances.
    VarianceRatio([Spread; 2]),
    /// The same of expected shortfalls.
    TailRatio([LossTail; 2]),
    /// That of a mean over the worst 5 % of `y`.
    Worst(WorstMean),
}

/// What may happen on a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// Nothing.
    Never,
    /// `x > 0`.
    Positive,
    /// `x < bound`.
    Below(f64),
    /// `x < y`.
    BelowOther,
}

/// The estimates of these keys of the plan's summary, with the influences of the paths.
///
/// The estimates are those of [`crate::stats::summarise::summarise`], bit for bit. A key that is not an estimate of the
/// plan's summary is left out. The work and the memory follow from what is asked for.
pub fn influences(table: &OutcomeTable, plan: &Plan, keys: &[&str]) -> Influences {
    influences_of(table, plan, keys, |part| Values::Own(part.into_column()))
}

/// Like [`influences`], but columns of the table stay where they are until [`Influences::let_go`], and the table as long.
pub fn influences_along(table: &Arc<OutcomeTable>, plan: &Plan, keys: &[&str]) -> Influences {
    influences_of(table, plan, keys, |part| match part.stored_column() {
        Some(column) => Values::Stored(Arc::clone(table), column),
        None => Values::Own(part.into_column()),
    })
}

fn influences_of(
    table: &OutcomeTable,
    plan: &Plan,
    keys: &[&str],
    values: impl Fn(Part) -> Values,
) -> Influences {
    let names = Keys::of(plan, table.layout());
    let quantities: Vec<(&str, Quantity)> = keys
        .iter()
        .filter_map(|&key| Some((key, names.quantity(key)?)))
        .collect();
    let parts = parts(table, plan, quantities.iter().map(|(_, quantity)| quantity));
    let entries = quantities
        .par_iter()
        .map(|(key, quantity)| {
            let (estimate, influence) = entry(table, &parts, quantity);
            Entry {
                key: (*key).to_owned(),
                estimate,
                influence,
            }
        })
        .collect();
    let hedged = &parts[0].sample;
    let mut found = Influences {
        paths: table.paths(),
        weights: table.weights().map(<[f64]>::to_vec),
        weight_sum: hedged.weight_sum(),
        weight_square_sum: hedged.weight_square_sum(),
        entries,
        columns: parts.into_iter().map(values).collect(),
        held: table.held().cloned(),
    };
    if let Some(held) = table.held() {
        let entries = found.entries.par_iter();
        let taken: Vec<Vec<f64>> = entries
            .map(|entry| found.taken(held, &entry.influence))
            .collect();
        for (entry, taken) in found.entries.iter_mut().zip(taken) {
            entry.influence.taken = taken;
        }
    }
    found
}

impl Influences {
    /// Lets go of the table: what is still needed of it is copied.
    pub fn let_go(&mut self) {
        for values in &mut self.columns {
            if let Values::Stored(..) = values {
                *values = Values::Own(values.to_vec());
            }
        }
    }

    /// The estimates in the order in which their keys were asked for.
    pub fn estimates(&self) -> impl Iterator<Item = (&str, Estimate)> {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.key.as_str(), entry.estimate))
    }

    /// Weights of the paths; `None` where all weigh the same.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The estimate of this key.
    pub fn estimate(&self, key: &str) -> Option<Estimate> {
        self.entry(key).map(|entry| entry.estimate)
    }

    /// The influence of each path on the estimate of this key, in its unit; `None` where it cannot be told.
    pub fn influence(&self, key: &str) -> Option<Vec<f64>> {
        let influence = &self.entry(key)?.influence;
        if matches!(influence.form, Form::Unknown) {
            return None;
        }
        let mut values = vec![0.0; self.paths];
        self.fill(influence, 0..self.paths, &mut values);
        Some(values)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The coefficients of the held means in an influence.
    fn taken(&self, held: &HeldMeans, influence: &Influence) -> Vec<f64> {
        if matches!(influence.form, Form::Unknown | Form::None) {
            return Vec::new();
        }
        let columns = held.columns();
        let found = sums(self.paths, |paths| {
            let mut values = vec![0.0; paths.len()];
            self.fill_given(influence, paths.clone(), &mut values);
            let sum = |column| {
                let of_paths = &held.column(column)[paths.clone()];
                of_paths.iter().zip(&values).map(|(e, f)| e * f).sum()
            };
            (0..columns).map(sum).collect()
        });
        held.coefficients(&found)
    }

    /// Writes the influences of some paths; those of [`Form::Unknown`] are NaN.
    pub(super) fn fill(&self, influence: &Influence, paths: Range<usize>, out: &mut [f64]) {
        self.fill_given(influence, paths.clone(), out);
        let (Some(held), Some(weights)) = (&self.held, &self.weights) else {
            return;
        };
        for (column, taken) in influence.taken.iter().enumerate() {
            let moved = held.moved(column)[paths.clone()].iter();
            let of_paths = moved.zip(&weights[paths.clone()]);
            for (out, (moved, w)) in out.iter_mut().zip(of_paths) {
                // A path that weighs nothing moves nothing.
                *out -= if *w > 0.0 { taken * moved / w } else { 0.0 };
            }
        }
        if !influence.taken.is_empty() {
            let inflation = &held.inflation()[paths];
            out.iter_mut().zip(inflation).for_each(|(out, v)| *out *= v);
        }
    }

    /// Writes the influences of some paths at given weights.
    fn fill_given(&self, influence: &Influence, paths: Range<usize>, out: &mut [f64]) {
        let x = &self.columns[influence.column][paths.clone()];
        let y = &self.columns[influence.other][paths];
        fill_form(&influence.form, x, y, out);
        if let Some(share) = influence.share {
            for (out, x) in out.iter_mut().zip(x) {
                *out = if x.is_nan() { 0.0 } else { *out / share };
            }
        }
    }
}

/// Writes what a formula makes of some values; without fused multiply-adds, the same bits everywhere.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn fill_form(form: &Form, x: &[f64], y: &[f64], out: &mut [f64]) {
    match form {
        Form::Unknown => out.fill(f64::NAN),
        Form::Mean(mean) => each(out, x, |x| x - mean),
        Form::Deviation(spread) if spread.variance > 0.0 => {
            let twice = 2.0 * spread.variance.sqrt();
            each(out, x, |x| spread.variance_influence(x) / twice);
        }
        Form::None | Form::Deviation(_) => out.fill(0.0),
        &Form::Quantile {
            sign,
            at,
            level,
            sparsity,
        } => each(out, x, |x| {
            let at_or_below = if sign * x <= at { 1.0 } else { 0.0 };
            sparsity * (level - at_or_below)
        }),
        Form::Tail(tail) => each(out, x, |x| tail.influence(x)),
        Form::Event(event, p) => {
            event.fill(x, y, out);
            for out in out {
                *out -= p;
            }
        }
        Form::VarianceRatio([of_x, of_y]) => {
            let ratio = of_x.variance / of_y.variance;
            both(out, x, y, |x, y| {
                (ratio * of_y.variance_influence(y) - of_x.variance_influence(x)) / of_y.variance
            });
        }
        Form::TailRatio([of_x, of_y]) => {
            let ratio = of_x.shortfall() / of_y.shortfall();
            both(out, x, y, |x, y| {
                (ratio * of_y.influence(y) - of_x.influence(x)) / of_y.shortfall()
            });
        }
        Form::Worst(mean) => both(out, x, y, |x, y| mean.influence(x, y)),
    }
}

impl Event {
    /// Writes 1 where the event happens, else 0.
    #[inline(always)]
    pub(super) fn fill(self, x: &[f64], y: &[f64], out: &mut [f64]) {
        match self {
            Self::Never => out.fill(0.0),
            Self::Positive => each(out, x, |x| if x > 0.0 { 1.0 } else { 0.0 }),
            Self::Below(bound) => each(out, x, |x| if x < bound { 1.0 } else { 0.0 }),
            Self::BelowOther => both(out, x, y, |x, y| if x < y { 1.0 } else { 0.0 }),
        }
    }
}

#[inline(always)]
fn each(out: &mut [f64], x: &[f64], of: impl Fn(f64) -> f64) {
    out.iter_mut().zip(x).for_each(|(out, &x)| *out = of(x));
}

#[inline(always)]
fn both(out: &mut [f64], x: &[f64], y: &[f64], of: impl Fn(f64, f64) -> f64) {
    let pairs = x.iter().zip(y);
    out.iter_mut()
        .zip(pairs)
        .for_each(|(out, (&x, &y))| *out = of(x, y));
}

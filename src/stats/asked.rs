//! What is computed for the estimates that were asked for: each column once, with what they need of it.

use rayon::prelude::*;

use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::attribution::{WORST5, WORST5_EDGE, worst_means};
use crate::stats::effectiveness::{shortfall_effectiveness, variance_effectiveness};
use crate::stats::estimate::Estimate;
use crate::stats::influence::{Event, Form, Influence};
use crate::stats::level::Level;
use crate::stats::moments::{ColumnSums, Spread, column_sums_of, spread};
use crate::stats::pair::unhedged_prices;
use crate::stats::probability::probability;
use crate::stats::quantile::Percentiles;
use crate::stats::quantity::{Quantity, Source, Statistic};
use crate::stats::sample::Sample;
use crate::stats::tail::LossTail;

/// A source and what is asked of it.
#[derive(Debug, Clone)]
struct Need {
    source: Source,
    gains: Vec<Level>,
    losses: Vec<Level>,
    tails: Vec<Level>,
    spread: bool,
    sums: bool,
}

impl Need {
    fn of(source: Source) -> Self {
        Self {
            source,
            gains: Vec::new(),
            losses: Vec::new(),
            tails: Vec::new(),
            spread: false,
            sums: false,
        }
    }

    fn loss(&mut self, level: Level) {
        if !self.losses.contains(&level) {
            self.losses.push(level);
        }
    }

    fn tail(&mut self, level: Level) {
        self.loss(level);
        if !self.tails.contains(&level) {
            self.tails.push(level);
        }
    }

    fn gain(&mut self, level: Level) {
        if !self.gains.contains(&level) {
            self.gains.push(level);
        }
    }
}

/// The need of this source, added where there is none.
fn need_of<'n>(needs: &'n mut Vec<Need>, source: &Source) -> &'n mut Need {
    let found = needs.iter().position(|need| need.source == *source);
    let at = found.unwrap_or(needs.len());
    if found.is_none() {
        needs.push(Need::of(source.clone()));
    }
    &mut needs[at]
}

fn ask(needs: &mut Vec<Need>, source: &Source, statistic: &Statistic) {
    let of = need_of(needs, source);
    match statistic {
        Statistic::Mean | Statistic::StdDev => of.spread = true,
        Statistic::ColumnMean | Statistic::Positive => of.sums = true,
        Statistic::Gain(level) => of.gain(*level),
        Statistic::Loss(level) | Statistic::LossAtLeastZero(level) => of.loss(*level),
        Statistic::Shortfall(level) => of.tail(*level),
        Statistic::Below(_) => {}
        Statistic::BelowOther(other) => {
            need_of(needs, other);
        }
        Statistic::VarianceEffectiveness(other) => {
            for side in [source, other] {
                need_of(needs, side).spread = true;
            }
        }
        Statistic::ShortfallEffectiveness(other) => {
            for side in [source, other] {
                need_of(needs, side).tail(WORST5);
            }
        }
        Statistic::WorstMean(other) => {
            let other = need_of(needs, other);
            other.loss(WORST5);
            other.loss(WORST5_EDGE);
        }
    }
}

/// The sources of these quantities with what they ask for; that of the hedged P&L first.
pub(super) fn parts<'a, 'q>(
    table: &'a OutcomeTable,
    plan: &Plan,
    quantities: impl Iterator<Item = &'q Quantity>,
) -> Vec<Part<'a>> {
    let mut needs = vec![Need::of(Source::HEDGED)];
    for quantity in quantities {
        if let Quantity::Of(source, statistic) = quantity {
            ask(&mut needs, source, statistic);
        }
    }
    needs
        .into_par_iter()
        .map(|need| Part::new(table, plan, need))
        .collect()
}

/// A source with what was asked of it.
pub(super) struct Part<'a> {
    source: Source,
    /// The values; of a conditional source, those that there are.
    pub(super) sample: Sample<'a>,
    /// Of a conditional source: a value a path, NaN where there is none, and the share of the weight that has one.
    whole: Option<(Vec<f64>, f64)>,
    percentiles: Percentiles,
    /// By level of the tails asked for.
    tails: Vec<(Level, LossTail)>,
    spread: Option<Spread>,
    sums: Option<ColumnSums>,
    /// Undefined on some path, as a price per unit of several holdings.
    is_undefined: bool,
}

impl<'a> Part<'a> {
    fn new(table: &'a OutcomeTable, plan: &Plan, need: Need) -> Self {
        let (sample, whole) = match &need.source {
            &Source::Column(column) => (Sample::of_index(table, column), None),
            Source::Sum(columns) => (Sample::of_sum(table, columns), None),
            Source::Cost(columns) => {
                let mut costs = Sample::of_sum(table, columns).into_values();
                for x in &mut costs {
                    *x = 0.0 - *x;
                }
                (Sample::of_values(table, costs), None)
            }
            Source::UnhedgedPrice => {
                let undefined = || Sample::new(vec![f64::NAN; table.paths()], None);
                (unhedged_prices(table, plan).unwrap_or_else(undefined), None)
            }
            Source::LiquidationDay => {
                let day = Column::LiquidationDay;
                let days = Sample::of_column_where(table, day, day, |day| !day.is_nan());
                let whole = table.column(day as usize).to_vec();
                let share = share_of(table, &days);
                (days, Some((whole, share)))
            }
            Source::HedgedGivenLiquidation => {
                let (hedged, count) = (Column::HedgedPnl, Column::Liquidations);
                let given = Sample::of_column_where(table, hedged, count, |count| count > 0.0);
                let pairs = table.values(hedged).zip(table.values(count));
                let whole = pairs.map(|(x, count)| if count > 0.0 { x } else { f64::NAN });
                let whole = whole.collect();
                let share = share_of(table, &given);
                (given, Some((whole, share)))
            }
        };
        let sums = match need.source {
            Source::Column(column) if need.sums => column_sums_of(table, &[column]).pop(),
            _ => None,
        };
        // A piece is looked at as a whole, which is faster than value by value.
        let has_nan = |piece: &[f64]| piece.iter().fold(false, |found, x| found | x.is_nan());
        let is_undefined = sample.values().chunks(1024).any(has_nan);
        let percentiles = if need.gains.is_empty() && need.losses.is_empty() {
            Percentiles::new(&Sample::new(Vec::new(), None), &[], &[])
        } else if is_undefined {
            // It has no distribution.
            Percentiles::new(&Sample::new(Vec::new(), None), &need.gains, &need.losses)
        } else {
            Percentiles::new(&sample, &need.gains, &need.losses)
        };
        let tails = need.tails.iter();
        let tails = tails.map(|&level| (level, LossTail::new(&sample, &percentiles, level)));
        Self {
            tails: tails.collect(),
            percentiles,
            spread: need.spread.then(|| spread(&sample)),
            sums,
            source: need.source,
            sample,
            whole,
            is_undefined,
        }
    }

    /// Storage index of the column whose values these are, if they are those of one.
    pub(super) fn stored_column(&self) -> Option<usize> {
        match self.source {
            Source::Column(column) => Some(column),
            _ => None,
        }
    }

    pub(super) fn into_column(self) -> Vec<f64> {
        match self.whole {
            Some((values, _)) => values,
            None => self.sample.into_values(),
        }
    }

    /// The influence on a percentile of the values, or with `sign = -1` of their negatives.
    ///
    /// Its density is that with which the influences give the percentile its stated error, so it is read between the order
    /// statistics of its interval, about `2 sqrt(p (1 - p) / n)` of the levels to either side. That is narrow, and must be:
    /// hedged P&L is a dense core with thin tails of liquidated paths, and a bandwidth made for smooth densities reaches from
    /// the one into the other.
    fn quantile(&self, sign: f64, level: Level, estimate: Estimate) -> Form {
        let (Some(at), Some(std_error)) = (estimate.value, estimate.std_error) else {
            return Form::Unknown;
        };
        let p = level.fraction();
        let [square] = self.sample.sum(|x, w, _| {
            let term = w * if sign * x <= at { p - 1.0 } else { p };
            [term * term]
        });
        // That of the influences as differences take them: less the part of the means that the weights hold.
        let held = self
            .sample
            .square(square, |x, _| p - if sign * x <= at { 1.0 } else { 0.0 });
        Form::Quantile {
            sign,
            at,
            level: p,
            sparsity: std_error * self.sample.weight_sum() / held.sqrt(),
        }
    }

    fn tail(&self, level: Level) -> Option<LossTail> {
        let mut tails = self.tails.iter();
        tails.find_map(|&(of, tail)| (of == level).then_some(tail))
    }
}

fn share_of(table: &OutcomeTable, given: &Sample) -> f64 {
    let all = Sample::of_column(table, Column::HedgedPnl);
    given.weight_sum() / all.weight_sum()
}

/// The estimate of a quantity and the formula of its influence.
pub(super) fn entry(
    table: &OutcomeTable,
    parts: &[Part],
    quantity: &Quantity,
) -> (Estimate, Influence) {
    let without_paths = |form| Influence {
        column: 0,
        other: 0,
        share: None,
        form,
        taken: Vec::new(),
    };
    let (source, statistic) = match quantity {
        &Quantity::Exact(value) => return (Estimate::exact(value), without_paths(Form::None)),
        Quantity::Never => {
            let never = Form::Event(Event::Never, 0.0);
            return (Estimate::exact(0.0), without_paths(never));
        }
        Quantity::Of(source, statistic) => (source, statistic),
    };
    // Every source was asked for, so it is there.
    let at = |source: &Source| parts.iter().position(|part| part.source == *source);
    let column = at(source).unwrap_or(0);
    let other = match statistic {
        Statistic::BelowOther(other)
        | Statistic::VarianceEffectiveness(other)
        | Statistic::ShortfallEffectiveness(other)
        | Statistic::WorstMean(other) => at(other).unwrap_or(0),
        _ => column,
    };
    let (estimate, form) = estimate(table, [&parts[column], &parts[other]], statistic);
    let form = match estimate.std_error {
        Some(_) => form,
        None => Form::Unknown,
    };
    let influence = Influence {
        column,
        other,
        share: parts[column].whole.as_ref().map(|(_, share)| *share),
        form,
        taken: Vec::new(),
    };
    (estimate, influence)
}

/// The estimate of a statistic and the formula of its influence, of a source and the one that it is held against.
fn estimate(
    table: &OutcomeTable,
    [of, other]: [&Part; 2],
    statistic: &Statistic,
) -> (Estimate, Form) {
    let nothing = (Estimate::UNDEFINED, Form::Unknown);
    match statistic {
        Statistic::Mean => of.spread.map_or(nothing, |spread| mean(spread.mean)),
        Statistic::ColumnMean => of.sums.map_or(nothing, |sums| mean(sums.mean())),
        Statistic::StdDev => of
            .spread
            .map_or(nothing, |spread| (spread.std_dev, Form::Deviation(spread))),
        &Statistic::Gain(level) => {
            let estimate = of.percentiles.gain(level);
            (estimate, of.quantile(1.0, level, estimate))
        }
        &Statistic::Loss(level) => {
            let estimate = of.percentiles.loss(level);
            (estimate, of.quantile(-1.0, level, estimate))
        }
        &Statistic::LossAtLeastZero(level) => {
            let loss = of.percentiles.loss(level);
            // Where the interval holds 0, the loss without its floor moves more than with it: the error is no smaller than true.
            let form = match loss.ci95 {
                Some([_, upper]) if upper <= 0.0 => Form::None,
                Some(_) | None => of.quantile(-1.0, level, loss),
            };
            let found = of.percentiles.losses(&[level]).0.pop();
            found.map_or(nothing, |(_, estimate)| (estimate, form))
        }
        &Statistic::Shortfall(level) => of
            .tail(level)
            .map_or(nothing, |tail| (tail.expected_shortfall, Form::Tail(tail))),
        Statistic::Positive => of.sums.map_or(nothing, |sums| {
            event(sums.probability_positive(), Event::Positive)
        }),
        &Statistic::Below(_) if of.is_undefined => nothing,
        &Statistic::Below(bound) => {
            let p = probability(&of.sample, |x, _| x < bound);
            event(p, Event::Below(bound))
        }
        Statistic::BelowOther(_) => {
            let others = other.sample.values();
            let p = probability(&of.sample, |x, path| x < others[path]);
            event(p, Event::BelowOther)
        }
        Statistic::VarianceEffectiveness(_) => {
            let (Some(of_spread), Some(other_spread)) = (of.spread, other.spread) else {
                return nothing;
            };
            let spreads = [of_spread, other_spread];
            let samples = [&of.sample, &other.sample];
            let found = variance_effectiveness(samples, &spreads);
            (found, Form::VarianceRatio(spreads))
        }
        Statistic::ShortfallEffectiveness(_) => {
            let (Some(of_tail), Some(other_tail)) = (of.tail(WORST5), other.tail(WORST5)) else {
                return nothing;
            };
            let tails = [of_tail, other_tail];
            let found = shortfall_effectiveness([&of.sample, &other.sample], &tails);
            (found, Form::TailRatio(tails))
        }
        Statistic::WorstMean(_) => {
            let Source::Column(column) = of.source else {
                return nothing;
            };
            let means = worst_means(table, &other.sample, &other.percentiles, &[column]);
            let found = means.first();
            found.map_or(nothing, |mean| (mean.estimate, Form::Worst(*mean)))
        }
    }
}

fn mean(estimate: Estimate) -> (Estimate, Form) {
    (estimate, estimate.value.map_or(Form::Unknown, Form::Mean))
}

fn event(estimate: Estimate, event: Event) -> (Estimate, Form) {
    let form = estimate.value.map(|p| Form::Event(event, p));
    (estimate, form.unwrap_or(Form::Unknown))
}

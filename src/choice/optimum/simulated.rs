//! Evaluates points by simulation: all of a batch on the same random numbers, those that share a market in one pass.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use thiserror::Error;

use crate::choice::evaluation::{EvaluationError, evaluate_columns, passes};
use crate::choice::grid::Point;
use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::search::{Draw, Evaluator};
use crate::engine::run::{SimulationError, Watcher};
use crate::engine::together::Columns;
use crate::outcome::column::{Cell, Column};
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::alexander_deng_zou::{PARTS, PricedVariance};
use crate::stats::difference::difference;
use crate::stats::estimate::Estimate;
use crate::stats::influence::{Influences, influences};
use crate::stats::views::{ViewError, ViewsOutcome};

/// Why points cannot be measured.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Unmeasured {
    /// The simulation.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The paths of a point do not allow its views.
    #[error("{error}")]
    Views {
        /// The point.
        point: Point,
        /// On which random numbers.
        draw: Draw,
        /// Why not.
        error: Box<ViewError>,
    },
}

/// Evaluates points by simulation.
pub struct Simulated<'a> {
    /// What is wanted of each point; the first is the objective.
    pub measures: Vec<Measure>,
    /// The price of liquidation in the objective of Alexander, Deng and Zou.
    pub liquidation_price: f64,
    /// The plan of a point; `None` where the scenario refuses it.
    pub resolve: &'a (dyn Fn(&Point, Draw) -> Option<Plan> + Sync),
    /// Memory that tables may take; `None`: any.
    pub memory_bytes: Option<u64>,
    /// Ends the simulation.
    pub stop: &'a AtomicBool,
    /// Is told of paths to come.
    pub announce: &'a dyn Fn(u64),
    /// Is told of paths that are done, once for each plan.
    pub watcher: &'a dyn Watcher,
    /// What the views came to at the first point that was measured, if there are any.
    pub views: Option<ViewsOutcome>,
}

impl Evaluator for Simulated<'_> {
    type Failure = Unmeasured;

    fn measure(
        &mut self,
        points: &[Point],
        draw: Draw,
    ) -> Result<Vec<Option<Vec<Estimate>>>, Unmeasured> {
        let keys = keys(&self.measures);
        let measures = &self.measures;
        let price = self.liquidation_price;
        let seen = self.seen(points, draw, &keys, |plan, table, views| {
            let (own, of_model): (Vec<&str>, Vec<&str>) =
                keys.iter().partition(|key| model_key(key).is_none());
            let found = influences(table, plan, &own);
            let model = of_the_model(table, plan, &of_model);
            let priced = measures
                .contains(&Measure::AlexanderDengZou)
                .then(|| PricedVariance::of(&found, price))
                .flatten();
            let of = |measure: &Measure| match measure {
                Measure::Summary(path) => match model_key(path) {
                    Some(key) => model.as_ref()?.estimate(key),
                    None => found.estimate(path),
                },
                Measure::AlexanderDengZou => priced.as_ref().map(|priced| priced.estimate),
            };
            let estimates = measures.iter().map(of);
            let estimates = estimates.map(|estimate| estimate.unwrap_or(Estimate::UNDEFINED));
            (estimates.collect(), views.cloned())
        })?;
        let (estimates, views): (Vec<Option<_>>, Vec<Option<_>>) = seen
            .into_iter()
            .map(|seen| seen.map_or((None, None), |(estimates, views)| (Some(estimates), views)))
            .unzip();
        self.views = self
            .views
            .take()
            .or_else(|| views.into_iter().flatten().next());
        Ok(estimates)
    }

    fn differences(
        &mut self,
        base: &Point,
        others: &[Point],
        draw: Draw,
    ) -> Result<Vec<Option<Estimate>>, Unmeasured> {
        let objective = &self.measures[..1];
        let keys = keys(objective);
        let points: Vec<Point> = [std::slice::from_ref(base), others].concat();
        let sides = self.seen(&points, draw, &keys, |plan, table, _| match &objective[0] {
            Measure::Summary(path) if model_key(path).is_some() => {
                of_the_model(table, plan, &keys).map(Side::Summary)
            }
            Measure::Summary(_) => Some(Side::Summary(influences(table, plan, &keys))),
            Measure::AlexanderDengZou => {
                let found = influences(table, plan, &keys);
                PricedVariance::of(&found, self.liquidation_price).map(Side::Priced)
            }
        })?;
        let sides: Vec<Option<Side>> = sides.into_iter().map(Option::flatten).collect();
        let of = |other: &Option<Side>| sides[0].as_ref()?.difference_to(other.as_ref()?);
        Ok(sides[1..].iter().map(of).collect())
    }
}

impl Simulated<'_> {
    /// What `look` sees of the outcomes of each point, those columns that the keys need.
    fn seen<T: Send>(
        &self,
        points: &[Point],
        draw: Draw,
        keys: &[&str],
        look: impl Fn(&Plan, &mut OutcomeTable, Option<&ViewsOutcome>) -> T + Sync,
    ) -> Result<Vec<Option<T>>, Unmeasured> {
        let plans: Vec<Option<Plan>> = points
            .par_iter()
            .map(|point| (self.resolve)(point, draw))
            .collect();
        let (numbers, taken): (Vec<usize>, Vec<&Plan>) = plans
            .iter()
            .enumerate()
            .filter_map(|(number, plan)| Some((number, plan.as_ref()?)))
            .unzip();
        (self.announce)(taken.iter().map(|plan| plan.simulation.paths).sum());
        // The other half is for what the statistics sort.
        let passes = passes(
            &taken,
            self.memory_bytes.map_or(u64::MAX, |bytes| bytes / 2),
        );
        let mut found: Vec<Option<T>> = points.iter().map(|_| None).collect();
        evaluate_columns(
            &taken,
            &passes,
            columns(keys),
            (self.stop, self.watcher),
            |index, table, views| look(taken[index], Arc::make_mut(table), views),
            |index, seen| found[numbers[index]] = Some(seen),
        )
        .map_err(|error| match error {
            EvaluationError::Simulation(error) => Unmeasured::Simulation(error),
            EvaluationError::Views { plan, error } => Unmeasured::Views {
                point: points[numbers[plan]].clone(),
                draw,
                error: Box::new(error),
            },
        })?;
        Ok(found)
    }
}

/// What the estimates of most objectives and limits are made from.
const CELLS: [Cell; 6] = [
    Cell::Fixed(Column::HedgedPnl),
    Cell::Fixed(Column::UnhedgedPnl),
    Cell::Fixed(Column::Liquidations),
    Cell::Fixed(Column::MarginCalls),
    Cell::Fixed(Column::PeakCollateral),
    Cell::Fixed(Column::RequiredCollateral),
];

/// The columns that keys are estimated from; all of them where a key is not known to need a few only.
fn columns(keys: &[&str]) -> Columns<'static> {
    let is_of_few = |key: &&str| {
        let key = &model_key(key).unwrap_or(key);
        let groups = [
            "hedged.",
            "unhedged.",
            "collateral.peak.",
            "collateral.required.",
            "hedge_effectiveness.",
            "margin_call.",
        ];
        *key == "liquidation.probability"
            || *key == "liquidation.mean_count"
            || *key == "worse_than_unhedged"
            || groups.iter().any(|group| key.starts_with(group))
    };
    if keys.iter().all(is_of_few) {
        Columns::Only(&CELLS)
    } else {
        Columns::All
    }
}

/// The key that stands for the same without views, of one such as `views.model.hedged.mean`.
fn model_key(key: &str) -> Option<&str> {
    key.strip_prefix("views.model.")
}

/// The influences on these estimates of the model's own summary, beside views; `None` where none is asked for.
fn of_the_model(table: &mut OutcomeTable, plan: &Plan, keys: &[&str]) -> Option<Influences> {
    let keys: Vec<&str> = keys.iter().filter_map(|key| model_key(key)).collect();
    if keys.is_empty() {
        return None;
    }
    let weights = table.take_weights();
    let found = influences(table, plan, &keys);
    if let Some(weights) = weights {
        table.set_weights(weights);
    }
    Some(found)
}

/// One side of a difference.
enum Side {
    Summary(Influences),
    Priced(PricedVariance),
}

impl Side {
    fn difference_to(&self, other: &Self) -> Option<Estimate> {
        match (self, other) {
            (Self::Summary(a), Self::Summary(b)) => {
                difference(a, b).first().map(|(_, estimate)| *estimate)
            }
            (Self::Priced(a), Self::Priced(b)) => Some(a.difference_to(b)),
            _ => None,
        }
    }
}

/// Keys of the summary that measures need, each once.
fn keys(measures: &[Measure]) -> Vec<&str> {
    let mut keys: Vec<&str> = Vec::new();
    for measure in measures {
        let needed = match measure {
            Measure::Summary(path) => vec![path.as_str()],
            Measure::AlexanderDengZou => PARTS.to_vec(),
        };
        for key in needed {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// The seed of fresh random numbers: one step of `SplitMix64` from the scenario's, cut to the 63 bits of a seed.
///
/// # Source
/// G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, the mixing function of figure 16.
pub fn fresh_seed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_seeds_are_splitmix() {
        // The first output of the published generator started at 1234567 is 6457827717110365317.
        assert_eq!(fresh_seed(1_234_567), 6_457_827_717_110_365_317 >> 1);
        for seed in 0..1000 {
            assert_ne!(fresh_seed(seed), seed);
        }
    }
}

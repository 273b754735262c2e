//! Random views of all kinds on two lognormal prices: what can be had is had, what cannot is refused and the right ones are named.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::*;
use crate::plan::views::{SpotSide, ViewBound};
use crate::stats::sample::tests::normals;
use crate::stats::synthetic::{general_plan, general_table};

const PATHS: usize = 1000;
const START_USD: [f64; 2] = [3500.0, 60_000.0];

/// Prices at the end, and views that hold under hidden weights.
#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    deviations: [f64; 2],
    correlation: f64,
    /// Of the hidden weights' logarithm, by the first normal, the second, their product and a square.
    bends: [f64; 4],
    /// Kind, level as a distance from the middle in deviations, relation, slack.
    views: Vec<(usize, f64, usize, f64)>,
}

/// Kinds of views on two assets: no two of them say the same.
const KINDS: usize = 11;

impl Case {
    fn normals(&self) -> Vec<[f64; 2]> {
        let rest = (1.0 - self.correlation * self.correlation).sqrt();
        let (first, second) = (normals(self.seed, PATHS), normals(!self.seed, PATHS));
        let pairs = first.iter().zip(&second);
        pairs
            .map(|(x, y)| [*x, self.correlation * x + rest * y])
            .collect()
    }

    fn table(&self, table: &mut OutcomeTable) {
        let normals = self.normals();
        for asset in 0..2 {
            let column = table.terminal_spot(asset);
            for (spot, normals) in table.column_mut(column).iter_mut().zip(&normals) {
                *spot = START_USD[asset] * (self.deviations[asset] * normals[asset]).exp();
            }
        }
    }

    /// Weights under which all views hold, sum 1.
    fn hidden(&self) -> Vec<f64> {
        let [one, other, both, square] = self.bends;
        let weights: Vec<f64> = self
            .normals()
            .iter()
            .map(|normals| {
                let [x, y] = normals.map(|x| x.clamp(-2.0, 2.0));
                (one * x + other * y + both * x * y + 0.5 * square * x * x).exp()
            })
            .collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }

    fn quantity(&self, kind: usize, level: f64) -> ViewedQuantity {
        let asset = kind % 2;
        let level_usd = START_USD[asset] * (self.deviations[asset] * level).exp();
        match kind {
            0 | 1 => ViewedQuantity::Mean { asset },
            2 | 3 => ViewedQuantity::MeanLogReturn { asset },
            4 | 5 => ViewedQuantity::Probability {
                asset,
                side: SpotSide::Above,
                level_usd,
            },
            6 => ViewedQuantity::Probability {
                asset,
                side: SpotSide::Below,
                level_usd,
            },
            7 => ViewedQuantity::Quantile {
                asset,
                level_frac: 0.5,
                price_usd: level_usd,
            },
            8 => ViewedQuantity::ReturnDifference {
                higher: 0,
                lower: 1,
            },
            9 => ViewedQuantity::ReturnDifference {
                higher: 1,
                lower: 0,
            },
            _ => ViewedQuantity::Correlation {
                first: 0,
                second: 1,
            },
        }
    }

    /// A plan with the views, their bounds at or around what they are about under the hidden weights.
    fn plan(&self, table: &OutcomeTable) -> Plan {
        let mut plan = general_plan(PATHS as u64);
        plan.report.views.least_effective_frac = 0.0;
        let hidden = self.hidden();
        let mut used = Vec::new();
        for &(kind, level, relation, slack) in &self.views {
            // One view of a kind, one on a level, one difference.
            let place = match kind {
                4 | 6 => 4,
                5 | 7 => 5,
                8 | 9 => 8,
                other => other,
            };
            if used.contains(&place) {
                continue;
            }
            used.push(place);
            let quantity = self.quantity(kind, level);
            let under = Weights::new(&hidden);
            let at = measure(table, &plan, &quantity, &under).expect("prices vary");
            let unit = unit(&quantity);
            let bound = match relation {
                0 => ViewBound::exactly(at),
                1 => bound(Some(at - slack * unit), None),
                2 => bound(None, Some(at + slack * unit)),
                _ => bound(Some(at - slack * unit), Some(at + 0.5 * slack * unit)),
            };
            push(&mut plan, quantity, bound);
        }
        plan
    }
}

fn bound(at_least: Option<f64>, at_most: Option<f64>) -> ViewBound {
    ViewBound { at_least, at_most }
}

fn push(plan: &mut Plan, quantity: ViewedQuantity, bound: ViewBound) {
    let at = plan.report.views.list.len();
    plan.report.views.list.push(ViewPlan {
        text: format!("view {at}: {quantity:?}"),
        path: format!("views.{at}"),
        quantity,
        bound,
    });
}

/// The size of what is viewed.
fn unit(quantity: &ViewedQuantity) -> f64 {
    match quantity {
        ViewedQuantity::Mean { asset } => START_USD[*asset],
        _ => 1.0,
    }
}

fn any_case() -> impl Strategy<Value = Case> {
    let view = (0..KINDS, -1.2..1.2_f64, 0_usize..4, 0.0..0.02_f64);
    (
        any::<u64>(),
        prop::array::uniform2(0.03..0.5_f64),
        -0.5..0.95_f64,
        prop::array::uniform4(-0.5..0.5_f64),
        prop::collection::vec(view, 2..9),
    )
        .prop_map(|(seed, deviations, correlation, bends, mut views)| {
            // More than chance would bring: half of the cases have a correlation.
            if seed % 2 == 0 {
                views[0].0 = KINDS - 1;
            }
            Case {
                seed,
                deviations,
                correlation,
                bends,
                views,
            }
        })
}

fn check(cases: u32, seed: u64, property: impl Fn(Case) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(failure) = TestRunner::new(config).run(&any_case(), property) {
        panic!("{failure}");
    }
}

/// The largest relative change from one set of weights to another, of those that count.
fn change(from: &[f64], to: &[f64]) -> f64 {
    let pairs = from.iter().zip(to).filter(|(w, _)| **w > 1e-3);
    pairs.fold(0.0, |most: f64, (a, b)| most.max((b / a - 1.0).abs()))
}

/// Each view is met, and "binds" says what it means: without a view that does not bind the weights are the same, without one that does they
/// are not. (One that all but rests changes next to nothing.)
#[test]
fn what_can_be_had_is_had_and_binds_says_what_acts() {
    let table = std::cell::RefCell::new(general_table(PATHS));
    let (binding, acting) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let resting = std::cell::Cell::new(0);
    check(120, 1, |case| {
        let mut table = table.borrow_mut();
        case.table(&mut table);
        let plan = case.plan(&table);
        let found = weigh(&table, &plan);
        let (weights, outcome) =
            found.map_err(|error| TestCaseError::fail(format!("{error}, though feasible")))?;
        let weights = weights.expect("views");
        for (view, found) in plan.report.views.list.iter().zip(&outcome.list) {
            let (reached, unit) = (found.reached.expect("a value"), 1e-8 * unit(&view.quantity));
            prop_assert!(view.bound.at_least.is_none_or(|end| reached >= end - unit));
            prop_assert!(view.bound.at_most.is_none_or(|end| reached <= end + unit));
        }
        for (at, view) in outcome.list.iter().enumerate() {
            if view.relation == "is" {
                continue;
            }
            let mut fewer = plan.clone();
            fewer.report.views.list.remove(at);
            let without = weigh(&table, &fewer).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let change = match without.0 {
                Some(without) => change(weights.of_paths(), without.of_paths()),
                None => change(weights.of_paths(), &vec![1.0; PATHS]),
            };
            if view.binds {
                binding.set(binding.get() + 1);
                acting.set(acting.get() + i32::from(change > 1e-6));
            } else {
                resting.set(resting.get() + 1);
                prop_assert!(change < 1e-6, "{}: {change:e}", view.text);
            }
        }
        Ok(())
    });
    let (binding, acting, resting) = (binding.get(), acting.get(), resting.get());
    assert!(resting > 50 && binding > 50, "{resting} {binding}");
    assert!(
        f64::from(acting) > 0.98 * f64::from(binding),
        "{acting} {binding}"
    );
}

/// A mean price and a mean log return above its logarithm, which Jensen's inequality forbids; a probability above a level and a mean below
/// their product; means and a difference that is not theirs.
#[test]
fn what_cannot_be_had_is_refused_and_the_right_ones_are_named() {
    let table = std::cell::RefCell::new(general_table(PATHS));
    check(40, 2, |case| {
        let mut table = table.borrow_mut();
        case.table(&mut table);
        // No means and no events above a level among the others: these are what is added.
        let mut case = case;
        case.views.retain(|(kind, ..)| *kind > 5);
        let mut plan = case.plan(&table);
        let hidden = case.hidden();
        let value = |quantity: &ViewedQuantity| {
            measure(&table, &plan, quantity, &Weights::new(&hidden)).expect("a value")
        };
        let mean = ViewedQuantity::Mean { asset: 0 };
        let above = ViewedQuantity::Probability {
            asset: 0,
            side: SpotSide::Above,
            level_usd: START_USD[0],
        };
        let log = ViewedQuantity::MeanLogReturn { asset: 0 };
        let (mean_usd, probability) = (value(&mean), value(&above));
        let before = plan.report.views.list.len();
        let jensen = (mean_usd / START_USD[0]).ln() + 1e-4;
        if case.seed % 4 < 2 {
            push(&mut plan, mean, ViewBound::exactly(mean_usd));
            push(&mut plan, log, bound(Some(jensen), None));
        } else {
            push(&mut plan, above, ViewBound::exactly(probability));
            let most = 0.999 * probability * START_USD[0];
            push(&mut plan, mean, bound(None, Some(most)));
        }
        let error = weigh(&table, &plan).expect_err("a contradiction");
        match &error {
            ViewError::Contradiction { view, others, .. } => {
                prop_assert_eq!(*view, before + 1, "{}", error);
                prop_assert_eq!(&others[..], &[names(&plan, before)], "{}", error);
            }
            // So low or so high that no path is there.
            ViewError::OutOfReach { view, .. } => prop_assert_eq!(*view, before + 1),
            _ => prop_assert!(false, "{}", error),
        }
        Ok(())
    });
}

fn names(plan: &Plan, view: usize) -> (String, String) {
    let view = &plan.report.views.list[view];
    (view.path.clone(), view.text.clone())
}

/// A search that does not settle is said to be that, of the first view with which it does not.
#[test]
fn a_search_that_does_not_settle_contradicts_nothing() {
    let mut plan = general_plan(10);
    for asset in [0, 1, 0] {
        push(&mut plan, ViewedQuantity::Mean { asset }, bound(None, None));
    }
    let list = &plan.report.views.list;
    let error = unsettled(list, |views| {
        if views.len() < 2 {
            Ok(())
        } else {
            Err(PoolingError::Unsolved)
        }
    });
    assert!(matches!(&error, ViewError::Unsettled { view: 1, path, .. } if path == "views.1"));
    assert!(!error.to_string().contains("contradicts"));
    // Where only all of them fail, the last.
    let error = unsettled(list, |_| Ok(()));
    assert_eq!(error.view(), 2);
}

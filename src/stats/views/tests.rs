//! Reweighting to views: they hold, they are refused with the reason, and every estimate follows the weights.

use super::*;
use crate::outcome::column::Column;
use crate::plan::views::{SpotSide, ViewBound};
use crate::stats::level::ByName;
use crate::stats::percentile_table::percentile_table;
use crate::stats::summarise::{Detail, RunInfo, summarise};
use crate::stats::synthetic::{general_plan, general_table, plan, table};
use crate::stats::viewed::summarise_under_views;

const PATHS: usize = 20_000;

const AT_LEAST: fn(f64) -> ViewBound = |value| ViewBound {
    at_least: Some(value),
    at_most: None,
};

/// The plan of the synthetic table (ETH at 3,500 USD, log returns of deviation 0.3 about -0.045) with these views.
fn with(views: &[(ViewedQuantity, ViewBound)]) -> Plan {
    let mut plan = plan(PATHS as u64, vec![]);
    plan.report.views.list = views
        .iter()
        .enumerate()
        .map(|(at, (quantity, bound))| ViewPlan {
            text: format!("view {at}"),
            path: format!("views.{at}"),
            quantity: *quantity,
            bound: *bound,
        })
        .collect();
    plan
}

const MEAN: ViewedQuantity = ViewedQuantity::Mean { asset: 0 };
const MEAN_LOG: ViewedQuantity = ViewedQuantity::MeanLogReturn { asset: 0 };

fn above(level_usd: f64) -> ViewedQuantity {
    ViewedQuantity::Probability {
        asset: 0,
        side: SpotSide::Above,
        level_usd,
    }
}

#[test]
fn views_hold_and_weights_sum_to_the_paths() {
    let mut table = table(PATHS);
    let quantile = ViewedQuantity::Quantile {
        asset: 0,
        level_frac: 0.05,
        price_usd: 2300.0,
    };
    let plan = with(&[
        (MEAN, ViewBound::exactly(3700.0)),
        (above(4500.0), ViewBound::exactly(0.2)),
        (quantile, ViewBound::exactly(0.05)),
        (MEAN_LOG, AT_LEAST(-0.5)),
    ]);
    let outcome = reweigh(&mut table, &plan).unwrap();
    let spots = table.column(table.terminal_spot(0));
    let weights = table.weights().unwrap();
    let total: f64 = weights.iter().sum();
    assert!((total / PATHS as f64 - 1.0).abs() < 1e-12);
    let mean = |value: &dyn Fn(f64) -> f64| {
        let terms = spots.iter().zip(weights);
        terms.map(|(s, w)| w * value(*s)).sum::<f64>() / total
    };
    assert!((mean(&|s| s) - 3700.0).abs() < 1e-8 * 3700.0);
    assert!((mean(&|s| f64::from(s > 4500.0)) - 0.2).abs() < 1e-8);
    assert!((mean(&|s| f64::from(s <= 2300.0)) - 0.05).abs() < 1e-8);
    let model = spots.iter().sum::<f64>() / PATHS as f64;
    assert!((outcome.list[0].model.unwrap() - model).abs() < 1e-8);
    for view in &outcome.list[..3] {
        let Target::At(target) = view.target else {
            panic!("an exact view");
        };
        assert!((view.reached.unwrap() - target).abs() < 1e-8 * (1.0 + target));
        assert!(view.binds);
    }
    assert!(!outcome.list[3].binds && outcome.list[3].relation == "at_least");
    // The two numbers of effective paths and the relative entropy by their definitions.
    let squares: f64 = weights.iter().map(|w| (w / total).powi(2)).sum();
    assert!((outcome.effective_paths_kish * squares - 1.0).abs() < 1e-10);
    let fraction = (-outcome.relative_entropy).exp();
    assert!((outcome.effective_frac / fraction - 1.0).abs() < 1e-10);
    let quantile = outcome.list[2].quantile_usd.unwrap();
    let next = spots.iter().copied().filter(|s| *s <= 2300.0);
    assert_eq!(
        quantile.reached.to_bits(),
        next.fold(0.0, f64::max).to_bits()
    );
}

#[test]
fn weights_that_were_there_are_what_is_reweighted() {
    let mut table = table(PATHS);
    let before: Vec<f64> = (0..PATHS).map(|path| 0.5 + (path % 3) as f64).collect();
    table.set_weights(before.clone());
    let total: f64 = before.iter().sum();
    let plan = with(&[(MEAN, ViewBound::exactly(3600.0))]);
    reweigh(&mut table, &plan).unwrap();
    let weights = table.weights().unwrap();
    assert!((weights.iter().sum::<f64>() / total - 1.0).abs() < 1e-12);
    // One view: the logarithm of the factor on a weight is a straight line in the price.
    let spots = table.column(table.terminal_spot(0));
    let factor = |path: usize| (weights[path] / before[path]).ln();
    let slope = (factor(1) - factor(0)) / (spots[1] - spots[0]);
    for path in 2..PATHS {
        let expected = factor(0) + slope * (spots[path] - spots[0]);
        assert!((factor(path) - expected).abs() < 1e-8);
    }
}

#[test]
fn without_views_nothing_is_touched() {
    let mut table = table(500);
    let plan = with(&[]);
    let outcome = reweigh(&mut table, &plan).unwrap();
    assert!(table.weights().is_none());
    assert!((outcome.effective_frac - 1.0).abs() < 1e-15 && outcome.relative_entropy == 0.0);
    let info = RunInfo::default();
    let plain = summarise(&table, &plan, Detail::Everything, &info);
    let viewed = summarise_under_views(&mut table, &plan, Detail::Everything, &info).unwrap();
    assert_eq!(plain, viewed);
    assert!(
        serde_json::to_value(&viewed)
            .unwrap()
            .get("views")
            .is_none()
    );
}

#[test]
fn what_no_path_reaches_is_refused_with_what_they_reach() {
    let mut table = table(PATHS);
    let refused = |table: &mut OutcomeTable, views: &[(ViewedQuantity, ViewBound)]| {
        let error = reweigh(table, &with(views)).unwrap_err();
        assert!(table.weights().is_none(), "the table is as it was");
        error
    };
    let spots = table.column(table.terminal_spot(0));
    let highest = spots.iter().copied().fold(0.0, f64::max);
    let error = refused(&mut table, &[(MEAN, ViewBound::exactly(highest + 1.0))]);
    assert!(
        matches!(&error, ViewError::OutOfReach { view: 0, allowed, .. } if allowed.starts_with("between "))
    );
    let error = refused(&mut table, &[(above(1e6), ViewBound::exactly(0.1))]);
    assert!(error.to_string().contains("levels between"), "{error}");
    // An inequality that all paths satisfy is none of these; one that none does is.
    assert!(
        reweigh(
            &mut table,
            &with(&[(
                above(1e6),
                ViewBound {
                    at_least: None,
                    at_most: Some(0.1)
                }
            )])
        )
        .is_ok()
    );
}

#[test]
fn the_views_that_contradict_each_other_are_named() {
    let mut table = table(PATHS);
    // 90 % above 3,500 USD: the mean cannot be under 3,150 USD. The first view has nothing to do with it.
    let views = [
        (MEAN_LOG, AT_LEAST(-0.9)),
        (above(3500.0), ViewBound::exactly(0.9)),
        (MEAN, ViewBound::exactly(3100.0)),
    ];
    let error = reweigh(&mut table, &with(&views)).unwrap_err();
    let ViewError::Contradiction {
        view,
        others,
        allowed,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*view, 2);
    assert_eq!(others, &[("views.1".to_owned(), "view 1".to_owned())]);
    // What is allowed beside it: 0.9 of just over 3,500 USD and 0.1 of the lowest price.
    let spots = table.column(table.terminal_spot(0));
    let lowest = spots.iter().copied().fold(f64::INFINITY, f64::min);
    let least = 0.9 * 3500.0 + 0.1 * lowest;
    let told: f64 = allowed
        .strip_prefix("at least about ")
        .and_then(|rest| rest.strip_suffix(" USD"))
        .map(|number| number.replace(',', "").parse().unwrap())
        .unwrap();
    assert!(told >= least && told < 1.01 * least, "{told} {least}");
    assert!(table.weights().is_none());
}

#[test]
fn too_few_paths_are_refused_unless_that_is_allowed() {
    let mut table = table(PATHS);
    let views = [
        (above(3500.0), ViewBound::exactly(0.45)),
        (above(7000.0), ViewBound::exactly(0.2)),
    ];
    let mut plan = with(&views);
    plan.report.views.least_effective_frac = 0.9;
    let error = reweigh(&mut table, &plan).unwrap_err();
    assert!(matches!(
        error,
        ViewError::TooFewPaths {
            view: 1,
            paths: PATHS,
            ..
        }
    ));
    plan.report.views.least_effective_frac = 0.0;
    let outcome = reweigh(&mut table, &plan).unwrap();
    assert!(outcome.effective_frac < 0.9);
}

#[test]
fn a_correlation_moves_how_two_move_together_and_neither_alone() {
    let mut table = general_table(PATHS);
    let mut plan = general_plan(PATHS as u64);
    let returns = |table: &OutcomeTable, column: usize, start: f64| -> Vec<f64> {
        table
            .column(column)
            .iter()
            .map(|s| (s / start).ln())
            .collect()
    };
    // Two assets that share a factor.
    let (eth, btc) = (table.terminal_spot(0), table.terminal_spot(1));
    let noise: Vec<f64> = table.values(Column::FuturesBasis).collect();
    let common = returns(&table, eth, 3500.0);
    for (path, spot) in table.column_mut(btc).iter_mut().enumerate() {
        *spot = 60_000.0 * (0.5 * common[path] + 1e-6 * noise[path]).exp();
    }
    let view = |quantity, value| ViewPlan {
        text: String::new(),
        path: String::new(),
        quantity,
        bound: ViewBound::exactly(value),
    };
    let together = ViewedQuantity::Correlation {
        first: 0,
        second: 1,
    };
    plan.report.views.list = vec![view(together, 0.4)];
    let outcome = reweigh(&mut table, &plan).unwrap();
    assert!(outcome.list[0].model.unwrap() > 0.6);
    assert!((outcome.list[0].reached.unwrap() - 0.4).abs() < 1e-8);
    let weights = table.weights().unwrap().to_vec();
    for (column, start) in [(eth, 3500.0), (btc, 60_000.0)] {
        let x = returns(&table, column, start);
        let moments = |w: &dyn Fn(usize) -> f64| {
            let total: f64 = (0..PATHS).map(w).sum();
            let mean = (0..PATHS).map(|p| w(p) * x[p]).sum::<f64>() / total;
            let square = (0..PATHS)
                .map(|p| w(p) * (x[p] - mean).powi(2))
                .sum::<f64>();
            (mean, square / total)
        };
        let (mean, variance) = moments(&|_| 1.0);
        let (mean_under, variance_under) = moments(&|path| weights[path]);
        assert!((mean - mean_under).abs() < 1e-8);
        assert!((variance_under / variance - 1.0).abs() < 1e-8);
    }
}

/// The values of all estimates, by path.
fn estimates(value: &serde_json::Value, path: &str, found: &mut Vec<(String, Option<f64>)>) {
    match value {
        serde_json::Value::Object(keys) => {
            if keys.contains_key("std_error") {
                found.push((path.to_owned(), keys["value"].as_f64()));
                return;
            }
            for (key, inner) in keys {
                estimates(inner, &format!("{path}.{key}"), found);
            }
        }
        serde_json::Value::Array(list) => {
            for (at, inner) in list.iter().enumerate() {
                estimates(inner, &format!("{path}.{at}"), found);
            }
        }
        _ => {}
    }
}

/// A path of weight 3 is three paths, one of weight 0 none: in every estimate that there is, and in every percentile of the files.
#[test]
fn every_estimate_counts_weights_as_copies() {
    let mut weighted = general_table(2000);
    let weights: Vec<usize> = (0..2000).map(|path| (path * 7) % 4).collect();
    let total: usize = weights.iter().sum();
    let mut copied = OutcomeTable::new(total, weighted.layout().clone());
    for column in 0..weighted.columns() {
        let values = weighted.column(column);
        let copies = values
            .iter()
            .zip(&weights)
            .flat_map(|(x, w)| std::iter::repeat_n(*x, *w));
        let copies: Vec<f64> = copies.collect();
        copied.column_mut(column).copy_from_slice(&copies);
    }
    weighted.set_weights(weights.iter().map(|w| *w as f64).collect::<Vec<_>>());
    let mut plan = general_plan(2000);
    plan.report.effective_price_below_usd = vec![3000.0, 3500.0];
    let of = |table: &OutcomeTable| {
        let summary = summarise(table, &plan, Detail::Everything, &RunInfo::default());
        let mut found = Vec::new();
        estimates(&serde_json::to_value(&summary).unwrap(), "", &mut found);
        found
    };
    let (weighted_values, copied_values) = (of(&weighted), of(&copied));
    assert!(weighted_values.len() > 400, "{}", weighted_values.len());
    for ((path, a), (same, b)) in weighted_values.iter().zip(&copied_values) {
        assert_eq!(path, same);
        match (a, b) {
            (Some(a), Some(b)) => {
                assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs()), "{path}: {a} {b}");
            }
            (a, b) => assert_eq!(a, b, "{path}"),
        }
    }
    assert_eq!(percentile_table(&weighted), percentile_table(&copied));
}

#[test]
fn the_summary_is_under_the_views_and_the_models_own_beside_it() {
    let mut table = table(PATHS);
    let plan = with(&[(MEAN, ViewBound::exactly(3800.0))]);
    let info = RunInfo::default();
    let own = summarise(&table, &plan, Detail::Everything, &info);
    let found = summarise_under_views(&mut table, &plan, Detail::Everything, &info).unwrap();
    let views = found.views.as_ref().unwrap();
    assert_eq!(*views.model, own);
    let under = summarise(&table, &plan, Detail::Everything, &info);
    assert_eq!(under.hedged, found.hedged);
    let percentiles = |named: &ByName| named.get("p50").and_then(|p50| p50.value);
    assert!(percentiles(&found.unhedged.percentiles) > percentiles(&own.unhedged.percentiles));
    assert!(found.liquidation.probability.value > own.liquidation.probability.value);
    assert!(found.attribution.all != own.attribution.all);
    let json = serde_json::to_value(&found).unwrap();
    let model = &json["views"]["model"];
    assert_eq!(model["hedged"], serde_json::to_value(&own.hedged).unwrap());
    assert!(model.get("scenario").is_none() && model.get("run_seconds").is_none());
}

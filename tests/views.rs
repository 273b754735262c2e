//! Views against resimulation and closed forms, where reweighting and another model are the same thing.
//!
//! Under geometric Brownian motion with constant coefficients the drift is a change of measure by the terminal value alone (Girsanov): a view
//! on the mean *log* return is exactly another drift, for the whole path. A view on the mean price is not, for its tilt is exponential in
//! the price and not in its logarithm.

mod common;

use common::bounds::{STANDARD_ERRORS, assert_near};
use common::scenario_text::{PLAIN, outcomes, plan, run};
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::stats::summarise::{Detail, RunInfo, summarise};
use hedgesim::stats::viewed::summarise_under_views;
use hedgesim::stats::views::reweigh;
use serde_json::Value;

/// Calls, top-ups, a basis, rebalancing, costs and dates: everything that depends on the way to the end.
const BUSY: &str = "
    accounts.main.reserve_usd=15
    accounts.main.margin_call={ level = 0.5, target = 0.25, delay = \"1d\" }
    contracts.perp.perpetual.basis.ou={ mean = 0.0, initial = 0.001, volatility = 0.02, reversion_per_year = 100 }
    report.thresholds_usd=[-10, 0, 10]
    execution.slippage=\"3bps\"
";

/// All estimates of a summary with a value and a standard error, by path.
fn estimates(value: &Value, path: &str, found: &mut Vec<(String, f64, f64)>) {
    if let (Some(x), Some(error)) = (
        value.get("value").and_then(Value::as_f64),
        value.get("std_error").and_then(Value::as_f64),
    ) {
        found.push((path.to_owned(), x, error));
        return;
    }
    match value {
        Value::Object(keys) => {
            for (key, inner) in keys {
                if key != "views" {
                    estimates(inner, &format!("{path}.{key}"), found);
                }
            }
        }
        Value::Array(list) => {
            for (at, inner) in list.iter().enumerate() {
                estimates(inner, &format!("{path}.{at}"), found);
            }
        }
        _ => {}
    }
}

/// The mean log return of the plain coin over its 30 days at this drift, volatility 0.6.
fn mean_log_return(drift: f64) -> f64 {
    (drift - 0.18) * 30.0 / 365.0
}

#[test]
fn a_view_on_the_mean_log_return_is_another_drift() {
    let drift = 1.0;
    let view = format!(
        "{BUSY}
        views.+={{ asset = \"X\", mean_log_return = {} }}",
        mean_log_return(drift)
    );
    let viewed_plan = plan(PLAIN, &view);
    let mut table = outcomes(&viewed_plan);
    let info = RunInfo::default();
    let viewed =
        summarise_under_views(&mut table, &viewed_plan, Detail::Everything, &info).unwrap();
    let other = run(
        PLAIN,
        &format!(
            "{BUSY}
            assets.X.model.gbm.drift={drift}
            simulation.seed=2"
        ),
    );
    let resimulated = summarise(&other.table, &other.plan, Detail::Everything, &info);
    // The tilt's relative entropy is that of two normals a distance apart: shift^2 / (2 variance) = 0.114. The sample's mean is known to
    // sqrt(variance / n), which is 0.47 % of the shift and moves the entropy by 0.94 %: 4.892 of that.
    let views = viewed.views.as_ref().unwrap();
    let (shift, variance) = (drift * 30.0 / 365.0, 0.36 * 30.0 / 365.0);
    let entropy = shift * shift / (2.0 * variance);
    assert!((views.outcome.relative_entropy / entropy - 1.0).abs() < 0.046);
    assert!((views.outcome.effective_frac / (-entropy).exp() - 1.0).abs() < 0.006);
    let list = |summary| {
        let mut found = Vec::new();
        estimates(&serde_json::to_value(summary).unwrap(), "", &mut found);
        found
    };
    let (under, truth, model) = (list(&viewed), list(&resimulated), list(&*views.model));
    assert!(truth.len() > 200, "{}", truth.len());
    let mut told_apart = 0;
    for (path, value, error) in &under {
        let find = |list: &[(String, f64, f64)]| {
            let found = list.iter().find(|(other, _, _)| other == path);
            found.map(|(_, value, error)| (*value, *error))
        };
        let Some((expected, expected_error)) = find(&truth) else {
            continue;
        };
        let error = error.hypot(expected_error).max(1e-9);
        assert_near(path, *value, expected, error);
        if let Some((without, _)) = find(&model) {
            told_apart += usize::from((without - expected).abs() > STANDARD_ERRORS * error);
        }
    }
    // The model without the view is far from it: the test can fail.
    assert!(told_apart > 100, "{told_apart}");
    let liquidated = |list: &[(String, f64, f64)]| {
        let path = ".liquidation.probability";
        list.iter().find(|(other, _, _)| other == path).unwrap().1
    };
    assert!(liquidated(&under) > 1.3 * liquidated(&model));
}

/// A second asset beside the plain one, of correlation 0.7 with it.
const TWO: &str = "
    assets.Y={ spot_usd = 50, model.gbm = { volatility = 0.8 } }
    correlations=[{ between = [\"X\", \"Y\"], value = 0.7 }]
";

fn log_returns(table: &OutcomeTable, name: &str, start: f64) -> Vec<f64> {
    let asset = table.assets().iter().position(|asset| asset == name);
    let spots = table.column(table.terminal_spot(asset.expect("an asset")));
    spots.iter().map(|s| (s / start).ln()).collect()
}

#[test]
fn a_view_on_one_asset_moves_another_by_its_beta() {
    let view = format!(
        "{TWO}
        views.+={{ expect = \"mean log X = {}\" }}",
        mean_log_return(1.0)
    );
    let plan = plan(PLAIN, &view);
    let mut table = outcomes(&plan);
    reweigh(&mut table, &plan).unwrap();
    let weights = table.weights().unwrap();
    let y = log_returns(&table, "Y", 50.0);
    let paths = y.len() as f64;
    let mean = y.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() / paths;
    let years = 30.0 / 365.0;
    let expected = (0.7 * 0.8 / 0.6 * 1.0 - 0.32) * years;
    // What X leaves of Y under the weights; their mean square is exp(shift^2 / variance) = 1.26.
    let error = 0.8 * (years * (1.0 - 0.49) * 1.26 / paths).sqrt();
    assert_near("mean log return of Y", mean, expected, error);
}

#[test]
fn a_view_on_a_correlation_is_another_correlation_at_the_horizon() {
    let view = format!(
        "{TWO}
        views.+={{ correlation = {{ between = [\"X\", \"Y\"], is = 0.9 }} }}"
    );
    let plan = plan(PLAIN, &view);
    let mut table = outcomes(&plan);
    let outcome = reweigh(&mut table, &plan).unwrap();
    // Two bivariate normals of the same means and deviations: KL = (1 - r s) / (1 - r^2) - 1 - ln((1 - s^2) / (1 - r^2)) / 2.
    let (r, s): (f64, f64) = (0.7, 0.9);
    let entropy = (1.0 - r * s) / (1.0 - r * r) - 1.0 - 0.5 * ((1.0 - s * s) / (1.0 - r * r)).ln();
    assert!(
        (outcome.relative_entropy / entropy - 1.0).abs() < 0.03,
        "{} {entropy}",
        outcome.relative_entropy
    );
    // A difference of log returns that nothing was said about has the variance of the other law.
    let other = run(
        PLAIN,
        &format!(
            "{TWO}
            correlations.0.value=0.9
            simulation.seed=2"
        ),
    );
    let spread = |table: &OutcomeTable| -> Vec<f64> {
        let (x, y) = (
            log_returns(table, "X", 100.0),
            log_returns(table, "Y", 50.0),
        );
        x.iter().zip(&y).map(|(x, y)| (x - y).abs()).collect()
    };
    let weights = table.weights().unwrap();
    let (viewed, resimulated) = (spread(&table), spread(&other.table));
    let paths = viewed.len() as f64;
    let weighted = |power: i32| {
        let terms = viewed.iter().zip(weights);
        terms.map(|(x, w)| w * x.powi(power)).sum::<f64>() / paths
    };
    let mean = weighted(1);
    let plain = common::bounds::mean(&resimulated);
    // Kish's number of paths for the one, all paths for the other.
    let variance = weighted(2) - mean * mean;
    let error = (variance / outcome.effective_paths_kish + variance / paths).sqrt();
    assert_near("mean distance of log returns", mean, plain, error);
}

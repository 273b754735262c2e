//! What `check` expects of a hedge that lives is what the engine finds on average.

use std::sync::atomic::AtomicBool;

use hedgesim::engine::run::simulate;
use hedgesim::hedge::glance::glance;
use hedgesim::outcome::column::{Column, Extra};
use hedgesim::outcome::layout::Layout;
use hedgesim::plan::read::parse;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::Plan;

/// `|estimate - truth| < 4.892` standard errors is wrong once in a million seeds.
const STD_ERRORS: f64 = 4.892;

fn plan(step: &str, contract: &str, holding: &str, hedge: &str, account: &str) -> Plan {
    let text = format!(
        r#"
[simulation]
horizon = "60d"
step = "{step}"
paths = 20_000
seed = 5
[assets.X]
spot_usd = 100
model.gbm = {{ volatility = 0.6, drift = 0.2 }}
[contracts.c]
underlying = "X"
venue = "own"
{contract}
[venues.own]
maintenance = [{{ rate = "0.1%" }}]
[[holdings]]
asset = "X"
quantity = 1_000
{holding}
[[hedges]]
contract = "c"
account = "main"
covers = "X"
ratio.fixed = 0.5
{hedge}
[accounts.main]
venue = "own"
{account}
"#
    );
    let loaded = parse("glance.toml", &text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"))
}

const SOLD: &str = "sell.evenly = { every = \"20d\" }";

/// What is produced is hedged at the carry of its day, and some of it is sold on the way.
const GROWING: &str = "produce = { every = \"4d\", quantity = 200, cost_usd_per_unit = 40, sold = \"held\" }\nsell.evenly = { every = \"20d\" }";

const LINEAR: (&str, &str) = ("", "collateral_usd = 10_000_000");
const INVERSE: (&str, &str) = (
    "settlement = \"inverse\"\ncontract_size_usd = 1\n",
    "collateral_coins = { X = 100_000 }",
);

/// What is the same on every path differs by rounding alone.
const ROUNDING_FRAC: f64 = 1e-9;

/// A strong basis, so that taking it as independent of the price, or of the rate, is seen.
const PROCESS: &str = "mean = 0.05, initial = 0.15, volatility = 0.3, reversion_per_year = 8, correlation_with_spot = -0.6";

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, (variance / n).sqrt())
}

fn agrees(plan: &Plan, expected: f64, column: usize, is_random: bool, what: &str) {
    let table = simulate(plan, &AtomicBool::new(false), &()).expect("not interrupted");
    let values: Vec<f64> = (0..table.paths())
        .map(|row| table.value(row, column))
        .collect();
    let liquidated =
        (0..table.paths()).any(|row| table.value(row, Column::Liquidations as usize) > 0.0);
    assert!(!liquidated, "{what}: the hedge has to live");
    let (mean, error) = mean_and_error(&values);
    let moves = error > ROUNDING_FRAC * mean.abs();
    assert_eq!(moves, is_random, "{what}: {mean} +- {error}");
    assert!(
        (mean - expected).abs() < STD_ERRORS * error + ROUNDING_FRAC * expected.abs(),
        "{what}: {expected} expected, {mean} +- {error} found"
    );
}

/// A rate of at most 1 % per 8 h that is mostly on its slope: it moves with the price.
#[test]
fn expected_funding_is_that_of_the_engine() {
    let basis = "mean = 0.002, initial = 0.004, volatility = 0.02, reversion_per_year = 20, correlation_with_spot = -0.6";
    for (settlement, account) in [LINEAR, INVERSE] {
        for position in ["short", "long"] {
            let contract = format!(
                "{settlement}perpetual = {{ basis.ou = {{ {basis} }}, funding.premium_formula = {{ cap_per_8h = \"1%\" }} }}"
            );
            let hedge = format!("position = \"{position}\"");
            let plan = plan("8h", &contract, SOLD, &hedge, account);
            let expected = glance(&plan)[0].expected_funding_usd;
            assert_eq!(expected > 0.0, position == "short", "{expected}");
            let column = Column::Funding as usize;
            let what = format!("{settlement} {position}");
            agrees(&plan, expected, column, true, &what);
        }
    }
}

#[test]
fn expected_carry_is_that_of_the_engine() {
    let roll = "roll = { before_expiry = \"4d\", into = \"30d\" }";
    for (settlement, account) in [LINEAR, INVERSE] {
        for (expiry, holding, roll) in [
            ("40d", SOLD, ""),
            ("90d", SOLD, ""),
            ("30d", SOLD, roll),
            ("90d", GROWING, ""),
        ] {
            let contract = format!(
                "{settlement}dated = {{ expiry = \"{expiry}\", slope_per_year = 0.1, carry.ou = {{ {PROCESS} }} }}"
            );
            let plan = plan("2d", &contract, holding, roll, account);
            let leg = glance(&plan)[0].leg.clone().expect("a general plan");
            let expected = leg.expected_carry_usd.expect("a dated future");
            assert!(expected > 100.0, "{expected}");
            let column = Layout::of(&plan).index(Extra::Carry).expect("a column");
            let what = format!("{settlement} {expiry} {holding} {roll}");
            // Coins at the carry of time 0 do not depend on the price.
            let is_random = settlement == LINEAR.0 || !roll.is_empty() || holding == GROWING;
            agrees(&plan, expected, column, is_random, &what);
        }
    }
}

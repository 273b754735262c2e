//! The markets of shipped scenarios beside history, within the differences that `docs/CALIBRATION.md` states. The data
//! are no part of the project: where `../shared/data` beside the crate is missing, these tests say so and check nothing.

mod common;

use std::path::PathBuf;

use common::bounds::{mean, std_dev};
use common::scenario_text::run;

const TREASURY: &str = include_str!("../scenarios/eth-treasury-90d.toml");
const MONTH: &str = include_str!("../scenarios/btc-basic-30d.toml");

/// Rows of a data file, split at commas, without the heading; `None`, with a message, where there is no such file.
fn rows(name: &str) -> Option<Vec<Vec<String>>> {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
    let path = PathBuf::from(root).join("../shared/data").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: history is not here ({name})");
        return None;
    };
    let split = |line: &str| line.split(',').map(str::to_owned).collect();
    Some(text.lines().skip(1).map(split).collect())
}

/// Daily log returns of column `column` of the wide table, from this date on.
fn daily_returns(column: usize, from: &str) -> Option<Vec<f64>> {
    let closes: Vec<f64> = rows("spot_daily_close_wide_binance.csv")?
        .iter()
        .filter(|row| row[0].as_str() >= from)
        .map(|row| row[column].parse().expect("a number"))
        .collect();
    Some(
        closes
            .windows(2)
            .map(|pair| (pair[1] / pair[0]).ln())
            .collect(),
    )
}

fn beyond(returns: &[f64], fraction: f64) -> f64 {
    let level = fraction.ln_1p();
    let count = returns.iter().filter(|&&x| x / level > 1.0).count();
    count as f64 / returns.len() as f64
}

/// One day of the scenario's market.
fn model_days(text: &str, asset: usize, seed: u32) -> Vec<f64> {
    run(
        text,
        &format!(
            "simulation.horizon=\"1d\"
             simulation.step=\"8h\"
             simulation.paths=200_000
             simulation.seed={seed}"
        ),
    )
    .log_returns(asset)
}

/// The page's numbers are those of the scenarios as they stand: a change of one without the other fails here.
#[test]
fn the_models_days_are_as_documented() {
    for (text, seed, volatility, up, down) in [
        (TREASURY, 1, 0.69, 0.0036, 0.0041),
        (MONTH, 2, 0.64, 0.0063, 0.0068),
    ] {
        let days = model_days(text, 0, seed);
        let annual = std_dev(&days) * 365.0_f64.sqrt();
        assert!((annual - volatility).abs() < 0.015, "{annual} {volatility}");
        // Stated to two digits: a hundredth of a point beside the sampling error.
        for (level, stated) in [(0.1, up), (-0.1, down)] {
            let found = beyond(&days, level);
            let error = (stated / days.len() as f64).sqrt();
            assert!(
                (found - stated).abs() < 5e-5 + 4.892 * error,
                "{level}: {found} {stated}"
            );
        }
    }
}

/// Volatility within three of the standard errors stated (0.05); days beyond 10 % between a fifth and all of history's:
/// the page says a third for ETH, for the model has no regimes.
#[test]
fn volatility_and_large_days_are_those_of_history() {
    for (text, column, from, seed, error) in [
        (TREASURY, 2, "2022-01-01", 3, 0.05),
        (MONTH, 1, "2021-01-01", 4, 0.04),
    ] {
        let Some(history) = daily_returns(column, from) else {
            return;
        };
        let model = model_days(text, 0, seed);
        let year = 365.0_f64.sqrt();
        let (seen, made) = (std_dev(&history) * year, std_dev(&model) * year);
        assert!((seen - made).abs() < 3.0 * error, "{from}: {seen} {made}");
        for level in [0.1, -0.1] {
            let (seen, made) = (beyond(&history, level), beyond(&model, level));
            assert!(
                made > 0.2 * seen && made < 1.2 * seen,
                "{from}, {level}: history {seen}, model {made}"
            );
        }
        // A normal law of that volatility has hardly any such day: what jumps are in the model for.
        let normal = hedgesim::math::normal::cdf(0.9_f64.ln() / (made / year));
        assert!(beyond(&model, -0.1) > 2.0 * normal);
    }
}

/// Mean funding per 8 h of the month's scenario within history's two spans and their errors: 1.39 bps from 2020 and 0.72
/// from 2022.
#[test]
fn mean_funding_is_that_of_history() {
    let Some(rows) = rows("funding_8h_binance.csv") else {
        return;
    };
    let rates = |from: &str| -> Vec<f64> {
        rows.iter()
            .filter(|row| row[1] == "BTCUSDT" && row[0].as_str() >= from)
            .map(|row| row[2].parse().unwrap())
            .collect()
    };
    let (long, short) = (mean(&rates("2020-01-01")), mean(&rates("2022-01-01")));
    assert!(
        (long - 1.39e-4).abs() < 2e-6 && (short - 0.72e-4).abs() < 2e-6,
        "{long} {short}"
    );
    let found = run(
        MONTH,
        "simulation.paths=20_000\nsimulation.seed=5\naccounts.main.collateral_usd=10_000_000_000",
    );
    let funding = mean(&found.column(hedgesim::outcome::column::Column::Funding));
    let asset = &found.plan.market.assets[0];
    let notional_usd = found.plan.holdings[0].quantity_base * asset.spot_usd;
    let made = funding / notional_usd / 90.0;
    assert!(
        made > short - 0.13e-4 && made < long + 0.23e-4,
        "{made} {short} {long}"
    );
}

/// Rises within 90 days, where a treasury's hedge is liquidated: the share of paths that touch +48 % is the page's
/// 18 %, history's is 23 % on the short span with an error of 13.
#[test]
fn quarters_rise_as_documented() {
    let found = run(
        TREASURY,
        "simulation.paths=40_000
         simulation.seed=6
         venues.touch={ maintenance = [{ rate = \"0.1%\" }], fees = { maker = 0.0, taker = 0.0, liquidation = 0.0 }, liquidation = { remainder = \"returned\", fee_in_trigger = false } }
         contracts.eth-perp={ underlying = \"ETH\", venue = \"touch\", settlement = \"linear\", perpetual = { basis = { ou = { mean = 0.0, initial = 0.0, volatility = 0.0, reversion_per_year = 0.0 } }, funding = { constant = { rate_per_8h = 0.0 } } } }
         accounts.main={ venue = \"touch\", margin = \"isolated\", collateral_usd = 84_259_000, liquidation = { slippage = 0.0, then = { stay_flat = {} } } }
         execution.slippage=0.0",
    );
    // Equity q (F0 - F) + C meets 0.1 % of q F at F = 1.48 F0.
    let hits = found.liquidated_by(90.0);
    assert!(hits > 0);
    let share = hits as f64 / found.paths() as f64;
    assert!((share - 0.18).abs() < 0.015, "{share}");
    let Some(history) = daily_returns(2, "2022-01-01") else {
        return;
    };
    let touched = (0..history.len() - 90)
        .filter(|&start| {
            let mut log = 0.0;
            history[start..start + 90].iter().any(|x| {
                log += x;
                log > 1.48_f64.ln()
            })
        })
        .count();
    let seen = touched as f64 / (history.len() - 90) as f64;
    // Closes, not highs, so a little under the page's 23 %.
    assert!((seen - 0.21).abs() < 0.05, "{seen}");
    assert!((seen - share).abs() < 0.13, "{seen} {share}");
}

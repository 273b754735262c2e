//! Hedge ratios that are worked out: closed forms, the pilot simulation against them and against exact moments, histories.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hedgesim::engine::pilot;
use hedgesim::plan::pilot::PilotPlan;
use hedgesim::plan::read::parse;
use hedgesim::plan::resolve::{resolve, resolve_with};
use hedgesim::plan::types::{Plan, Position};

/// One coin X and one coin Y, hedged by the contract `c`; a quarter of a year in steps of 6 h.
fn scenario(x: &str, contract: &str, ratio: &str, account: &str) -> String {
    format!(
        r#"
[simulation]
horizon = "91d6h"
step = "6h"
paths = 10
seed = 5
[assets.X]
{x}
[assets.Y]
spot_usd = 60_000
model.gbm = {{ volatility = 0.6 }}
[[correlations]]
between = ["X", "Y"]
value = 0.85
[contracts.c]
venue = "own"
{contract}
[venues.own]
maintenance = [{{ rate = 0 }}]
[[holdings]]
asset = "X"
quantity = 1
[[hedges]]
contract = "c"
account = "main"
covers = "X"
{ratio}
[accounts.main]
venue = "own"
{account}
"#
    )
}

const X: &str = "spot_usd = 3_000\nmodel.gbm = { volatility = 0.8 }";
const USD: &str = "collateral_usd = 1_000_000";
const LEAST: &str = "ratio.minimum_variance = {}";

fn closed(text: &str) -> Plan {
    let loaded = parse("ratio.toml", text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"))
}

fn piloted(text: &str) -> Plan {
    let loaded = parse("ratio.toml", text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    resolve_with(&loaded, &pilot::ratios).unwrap_or_else(|problems| panic!("{problems}"))
}

fn note(plan: &Plan) -> &str {
    let notes = &plan.report.notes;
    let of_ratio = notes.iter().find(|note| note.contains("ratio of hedge 1"));
    of_ratio.unwrap_or_else(|| panic!("{notes:?}"))
}

/// Reference digits: E[S^a F^c] of jointly lognormal prices, S 3,000 at 80 %, F 60,000 at 60 %, correlation 0.85, a quarter of a year.
#[test]
fn a_cross_hedge_has_the_ratio_of_the_closed_form() {
    let plan = closed(&scenario(
        X,
        "underlying = \"Y\"\nperpetual = {}",
        LEAST,
        USD,
    ));
    let ratio = plan.hedges[0].hedge_ratio;
    assert!((ratio / 1.140_263_217_3 - 1.0).abs() < 5e-11, "{ratio}");
    assert_eq!(
        note(&plan),
        "The ratio of hedge 1 (c) is 1.140263: the ratio of least variance over 91d6h, in closed form."
    );
}

/// Reference digits: F = S e^c with c normal of deviation 0.02 after a quarter, S at 60 %: 0.99517407903. The basis is a Brownian motion of
/// 0.04 per square root of a year.
#[test]
fn a_basis_of_its_own_lowers_the_ratio() {
    let x = "spot_usd = 100\nmodel.gbm = { volatility = 0.6 }";
    let basis =
        "underlying = \"X\"\nperpetual.basis.ou = { volatility = 0.04, reversion_per_year = 0 }";
    let plan = closed(&scenario(x, basis, LEAST, USD));
    let ratio = plan.hedges[0].hedge_ratio;
    assert!((ratio / 0.995_174_079_03 - 1.0).abs() < 1e-10, "{ratio}");
}

#[test]
fn without_a_basis_the_ratio_is_one_also_for_inverse_and_dated_contracts() {
    let inverse =
        "underlying = \"X\"\nsettlement = \"inverse\"\ncontract_size_usd = 1\nperpetual = {}";
    let dated = "underlying = \"X\"\ndated = { expiry = \"91d6h\" }";
    let account = "collateral_coins = { X = 100 }";
    for (contract, account) in [(inverse, account), (dated, USD)] {
        let plan = closed(&scenario(X, contract, LEAST, account));
        let ratio = plan.hedges[0].hedge_ratio;
        assert!((ratio - 1.0).abs() < 1e-12, "{contract}: {ratio}");
    }
    // A long position on what moves along would take a negative ratio.
    let long = format!("position = \"long\"\n{LEAST}");
    let text = scenario(X, "underlying = \"X\"\nperpetual = {}", &long, USD);
    let loaded = parse("ratio.toml", &text, &[]).unwrap();
    let problems = resolve(&loaded).unwrap_err().render(false);
    assert!(
        problems.contains("comes to -1; allowed: 0 to 10"),
        "{problems}"
    );
}

/// Where a closed form exists the pilot agrees with it: within 4.892 standard errors, wrong once in a million seeds.
#[test]
fn the_pilot_finds_the_closed_forms() {
    let basis = "{ mean = 0.01, initial = 0.02, volatility = 0.3, reversion_per_year = 8, correlation_with_spot = -0.4 }";
    let contracts = [
        (
            "linear",
            format!("underlying = \"Y\"\nperpetual.basis.ou = {basis}"),
        ),
        (
            "linear",
            format!("underlying = \"X\"\nperpetual.basis.ou = {basis}"),
        ),
        (
            "inverse",
            format!(
                "underlying = \"X\"\nsettlement = \"inverse\"\ncontract_size_usd = 1\nperpetual.basis.ou = {basis}"
            ),
        ),
        (
            "linear",
            format!(
                "underlying = \"Y\"\ndated = {{ expiry = \"150d\", slope_per_year = 0.1, carry.ou = {basis} }}"
            ),
        ),
        (
            "inverse",
            format!(
                "underlying = \"X\"\nsettlement = \"inverse\"\ncontract_size_usd = 1\ndated = {{ expiry = \"100d\", carry.ou = {basis} }}"
            ),
        ),
    ];
    for (settlement, contract) in contracts {
        let account = if settlement == "inverse" {
            "collateral_coins = { X = 100 }"
        } else {
            USD
        };
        let x = "spot_usd = 3_000\nmodel.gbm = { volatility = 0.8, drift = 0.3 }";
        let plan = closed(&scenario(x, &contract, LEAST, account));
        let question = PilotPlan {
            hedge: 0,
            held: 0,
            contract: 0,
            position: Position::Short,
            steps: plan.simulation.steps,
        };
        let found = pilot::ratios(&plan, &[question])[0];
        let error = found.std_error.unwrap();
        let away = (found.ratio - plan.hedges[0].hedge_ratio) / error;
        assert!(away.abs() < 4.892, "{contract}: {found:?}, {plan:?}");
        // The bound would let a bias of seven errors pass: it must be small beside a ratio of 1.
        assert!(error < 0.02, "{contract}: {found:?}");
    }
}

/// Moments of a driftless GBM at 80 %, seen from time 0: `Cov(S_i, S_j) = S_0^2 (e^{s^2 min} - 1)`.
fn covariance(i: f64, j: f64) -> f64 {
    (0.64 * i.min(j) / 365.0).exp_m1()
}

/// Funding of 10 bps at each of the 273 stamps of 8 h: `G = S_0 - S_T + r sum S_k`, so its moments are sums of covariances.
#[test]
fn the_pilot_counts_funding_with_its_sign() {
    let text = scenario(
        X,
        "underlying = \"X\"\nperpetual.funding.constant = { rate_per_8h = \"10bps\" }",
        LEAST,
        USD,
    )
    .replace("91d6h", "91d")
    .replace("\"6h\"", "\"8h\"");
    let plan = piloted(&text);
    // S_T has the weight r - 1 in G, every earlier stamp r.
    let weights: Vec<(f64, f64)> = (1..=273)
        .map(|k| {
            (
                f64::from(k) / 3.0,
                if k == 273 { 0.001 - 1.0 } else { 0.001 },
            )
        })
        .collect();
    let variance: f64 = weights
        .iter()
        .flat_map(|(t, w)| weights.iter().map(move |(u, v)| w * v * covariance(*t, *u)))
        .sum();
    let joint: f64 = weights.iter().map(|(t, w)| w * covariance(91.0, *t)).sum();
    assert_near(&plan, -joint / variance);
    assert!(
        -joint / variance > 1.1,
        "funding that is received in proportion to the price is a long position"
    );
}

/// With a flat curve at a carry of 20 % and no noise each contract's gain is `e^{c d} (S_{i-1} e^{c tau} - S_i)`, rolled `d` before expiry.
#[test]
fn the_pilot_follows_a_chain_of_rolls() {
    let contract = "underlying = \"X\"\ndated = { expiry = \"35d\", carry.ou = { mean = 0.2, volatility = 0, reversion_per_year = 1 } }";
    let hedge = format!("{LEAST}\nroll = {{ before_expiry = \"5d\", into = \"30d\" }}");
    let plan = piloted(&scenario(X, contract, &hedge, USD));
    assert_eq!(plan.market.contracts[0].dated().unwrap().expiries.len(), 4);
    // Rolls at 30, 60 and 90 days into contracts of 35 days; the last is held to the horizon with 33.75 days left.
    let growth = |days: f64| (0.2 * days / 365.0).exp();
    let roll = growth(35.0) - growth(5.0);
    let weights = [
        (30.0, roll),
        (60.0, roll),
        (90.0, roll),
        (91.25, -growth(33.75)),
    ];
    let variance: f64 = weights
        .iter()
        .flat_map(|(t, w)| weights.iter().map(move |(u, v)| w * v * covariance(*t, *u)))
        .sum();
    let joint: f64 = weights.iter().map(|(t, w)| w * covariance(91.25, *t)).sum();
    assert_near(&plan, -joint / variance);
}

/// The ratio is the expected one to 4.892 of the standard errors that its note tells.
fn assert_near(plan: &Plan, expected: f64) {
    let note = note(plan);
    let error: f64 = note
        .split("standard error ")
        .nth(1)
        .and_then(|rest| rest.split(':').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{note}"));
    let ratio = plan.hedges[0].hedge_ratio;
    assert!(error < 0.01, "{note}");
    assert!(
        (ratio - expected).abs() < 4.892 * error + 1e-6,
        "{note}; expected {expected}"
    );
    assert!(note.contains("from a pilot of 20,000 paths"), "{note}");
}

#[test]
fn the_pilot_has_the_same_bits_on_any_number_of_threads_and_another_seed_other_ones() {
    let text = scenario(
        X,
        "underlying = \"X\"\nperpetual.funding.constant = { rate_per_8h = \"10bps\" }",
        "ratio.minimum_variance.over = \"rebalance\"\nrebalance.every = \"7d\"",
        USD,
    )
    .replace("91d6h", "91d")
    .replace("\"6h\"", "\"8h\"");
    let ratio_on = |threads: usize, text: &str| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| piloted(text).hedges[0].hedge_ratio)
    };
    let alone = ratio_on(1, &text);
    assert_eq!(alone.to_bits(), ratio_on(3, &text).to_bits());
    let other = ratio_on(1, &text.replace("seed = 5", "seed = 6"));
    assert!(
        alone.to_bits() != other.to_bits() && (alone - other).abs() < 1e-3,
        "{alone}, {other}"
    );
}

/// A file of prices and a scenario beside it.
fn beside(name: &str, csv: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("prices.csv"), csv).expect("a file");
    folder.join("scenario.toml")
}

/// Prices whose log returns over a day are `x` and `1.5 x + noise`, from the first of January on.
fn prices(noise: f64) -> Vec<(f64, f64)> {
    let mut logs = vec![(0.0_f64, 0.0_f64)];
    for k in 0..28 {
        let x = if k % 2 == 0 { 0.02 } else { -0.01 };
        let e = if k % 4 < 2 { noise } else { -noise };
        let (last_x, last_y) = logs[k];
        logs.push((last_x + x, last_y + 1.5 * x + e));
    }
    logs.iter().map(|(x, y)| (x.exp(), y.exp())).collect()
}

fn ratio_from(path: &Path, history: &str) -> (f64, String) {
    let ratio = format!("ratio.beta_from_history = {{ file = \"prices.csv\"{history} }}");
    let text = scenario(X, "underlying = \"Y\"\nperpetual = {}", &ratio, USD);
    let loaded = parse(&path.display().to_string(), &text, &[]).unwrap_or_else(|p| panic!("{p}"));
    let plan = resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"));
    (plan.hedges[0].hedge_ratio, note(&plan).to_owned())
}

#[test]
fn a_history_gives_its_slope_over_the_interval_alone() {
    let mut csv = "date,Y,X\n".to_owned();
    for (day, (x, y)) in prices(0.0).iter().enumerate() {
        // Prices at noon are none of midnight, and no return leads over a hole.
        let cell = if day == 9 {
            String::new()
        } else {
            y.to_string()
        };
        let date = format!("2024-01-{:02}", day + 1);
        writeln!(csv, "{date},{x},{cell}\n{date}T12:00,77,{}", day + 1).unwrap();
    }
    let path = beside("history", &csv);
    let (ratio, note) = ratio_from(&path, "");
    assert!((ratio - 1.5).abs() < 1e-12, "{ratio}");
    assert_eq!(
        note,
        "The ratio of hedge 1 (c) is 1.5, standard error 0: the beta of X on Y in prices.csv, 26 returns over 1d, least squares."
    );
}

/// 28 returns without times: x is 0.02 or -0.01, half each, so Sxx = 28 * 0.015^2; the noise of 0.003 is orthogonal to x and to 1, so that the
/// slope is 1.5 and its error sqrt(28 * 0.003^2 / 26 / Sxx).
#[test]
fn a_history_without_times_takes_line_by_line_and_has_its_error() {
    let mut csv = "coin,other\n".to_owned();
    for (x, y) in prices(0.003) {
        writeln!(csv, "{y},{x}").unwrap();
    }
    let path = beside("lines", &csv);
    let (ratio, note) = ratio_from(
        &path,
        ", asset = \"coin\", hedge = \"other\", interval = \"8h\"",
    );
    assert!((ratio - 1.5).abs() < 1e-12, "{ratio}");
    let error = (28.0 * 0.003_f64.powi(2) / 26.0 / (28.0 * 0.015_f64.powi(2))).sqrt();
    assert!(
        note.contains(&format!("standard error {error:.6}")),
        "{note}, {error}"
    );
    assert!(note.contains("28 returns over 8h"), "{note}");
}

/// With a half-life of years all returns count alike; with one of an hour a day-old return counts 2^-24 of the last: too few count.
#[test]
fn a_fading_history_forgets() {
    let mut csv = "time,X,Y\n".to_owned();
    for (day, (x, y)) in prices(0.0).iter().enumerate() {
        writeln!(csv, "2024-01-{:02} 08:00,{y},{x}", day + 1).unwrap();
    }
    let path = beside("fading", &csv);
    let (ratio, note) = ratio_from(&path, ", method = \"ewma\", half_life = \"2000d\"");
    assert!((ratio - 1.5).abs() < 1e-9, "{ratio}");
    assert!(note.contains("weights that halve every 2000d"), "{note}");
    let ratio = "ratio.beta_from_history = { file = \"prices.csv\", method = \"ewma\", half_life = \"1h\" }";
    let text = scenario(X, "underlying = \"Y\"\nperpetual = {}", ratio, USD);
    let loaded = parse(path.to_str().unwrap(), &text, &[]).unwrap();
    let problems = resolve(&loaded).unwrap_err().render(false);
    assert!(problems.contains("too few returns count"), "{problems}");
}

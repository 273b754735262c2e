//! `check` and `inspect` with every contract, several hedges and several accounts.

use std::fs;

use serde_json::Value;

use crate::program::{empty_folder, hedgesim, read, text_of};

/// Two holdings, five hedges of all kinds, three accounts, every policy.
const POLICIES: &str = "tests/data/policies.toml";

fn checked(text: &str, name: &str) -> Value {
    let path = empty_folder(name).join("scenario.toml");
    fs::write(&path, text).expect("a file");
    let answer = hedgesim(&["check", text_of(&path), "--format", "json"]).ended_with(0);
    serde_json::from_str(&answer).expect("JSON")
}

/// One coin at 100 USD, hedged without costs at a venue of the given rules.
fn scenario(venue: &str, contract: &str, hedge: &str, account: &str) -> String {
    format!(
        r#"
[simulation]
horizon = "30d"
step = "1d"
paths = 1
[assets.X]
spot_usd = 100
model.gbm = {{ volatility = 0.6 }}
[contracts.c]
underlying = "X"
venue = "own"
{contract}
[venues.own]
{venue}
[[holdings]]
asset = "X"
quantity = 1_000
[[hedges]]
contract = "c"
account = "main"
covers = "X"
ratio.fixed = 1
{hedge}
[accounts.main]
venue = "own"
{account}
"#
    )
}

fn level(answer: &Value) -> Option<f64> {
    answer["hedges"][0]["liquidation_price_usd"].as_f64()
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a price");
    assert!(
        (found / expected - 1.0).abs() < 1e-9,
        "{found} is not {expected}"
    );
}

/// Barriers as first passage, maintenance 0.5 %: linear `(1 + 1/L) / (1 + mm)`; inverse `(1 - mm) / (1 - 1/L)` on the
/// current coin value, `1 / (1 - 1/L + mm)` on the entry's; a linear long `(1 - 1/L) / (1 - mm)`.
#[test]
fn liquidation_prices_are_the_published_ones() {
    let venue = "maintenance = [{ rate = \"0.5%\" }]";
    let at_entry = "maintenance = [{ rate = \"0.5%\" }]\nliquidation.maintenance_at = \"entry\"";
    let inverse = "settlement = \"inverse\"\ncontract_size_usd = 1\nperpetual = {}";
    let collateral = |leverage: f64| {
        format!(
            "collateral_usd = {}",
            (100_000.0 / leverage * 1e6).round() / 1e6
        )
    };
    for (leverage, expected) in [
        (2.0, 149.253_731_343_28),
        (3.0, 132.669_983_416_25),
        (5.0, 119.402_985_074_63),
        (10.0, 109.452_736_318_41),
    ] {
        // A third of 100,000 is no decimal number: 1/L as the file writes it.
        let text = scenario(venue, "perpetual = {}", "", &collateral(leverage));
        let found = level(&checked(&text, "check-linear"));
        let posted = (100_000.0 / leverage * 1e6).round() / 1e6;
        near(found, 100.0 * (1.0 + posted / 100_000.0) / 1.005);
        assert!((found.unwrap() - expected).abs() < 1e-8, "{leverage}");
    }
    for (leverage, venue, expected) in [
        (2.0, venue, 199.0),
        (5.0, venue, 124.375),
        (5.0, at_entry, 124.223_602_484_472),
    ] {
        let text = scenario(venue, inverse, "", &collateral(leverage));
        let answer = checked(&text, "check-inverse");
        near(level(&answer), expected);
        let hedge = &answer["hedges"][0];
        assert_eq!(
            (&hedge["settlement"], &hedge["account_currency"]),
            (&"inverse".into(), &"X".into())
        );
        near(hedge["notional_usd"].as_f64(), 100_000.0);
        near(hedge["leverage"].as_f64(), leverage);
    }
    let long = scenario(
        venue,
        "perpetual = {}",
        "position = \"long\"",
        &collateral(5.0),
    );
    near(level(&checked(&long, "check-long")), 80.402_010_050_251);
}

/// A synthetic dollar; and coins beside a linear short: `(q F_0 + M) / (q (1 + mm) - a C)`.
#[test]
fn coins_as_collateral_take_the_level_away_or_move_it() {
    let inverse = "settlement = \"inverse\"\ncontract_size_usd = 1\nperpetual = {}";
    let text = scenario(
        "maintenance = [{ rate = \"0.5%\" }]",
        inverse,
        "",
        "collateral_from_holding = { X = 1_000 }",
    );
    let answer = checked(&text, "check-synthetic");
    assert!(answer["hedges"][0]["liquidation_price_usd"].is_null());
    assert!(answer["hedges"][0]["bankruptcy_price_usd"].is_null());
    let coins = |rate: &str, coins: f64, haircut: &str| {
        let venue = format!("maintenance = [{{ rate = \"{rate}\" }}]");
        let account = format!(
            "collateral_usd = 10_000\ncollateral_coins = {{ X = {coins} }}\nhaircuts = {{ X = \"{haircut}\" }}"
        );
        let text = scenario(&venue, "perpetual = {}", "", &account);
        checked(&text, "check-coins")
    };
    let answer = coins("0.5%", 500.0, "10%");
    near(level(&answer), 198.198_198_198_198);
    assert_eq!(answer["hedges"][0]["moves_together"][0], "X coins");
    let warnings = answer["warnings"].to_string();
    assert!(
        warnings.contains("500 X of its collateral are bought"),
        "{warnings}"
    );
    assert!(level(&coins("1%", 1_100.0, "5%")).is_none());
}

/// At the price that `check` prints the venue's requirement is the whole account's equity, spots and marks moved alike.
#[test]
fn a_shared_account_is_liquidated_where_its_equity_is_the_requirement() {
    let text = scenario(
        "maintenance = [{ rate = \"1%\" }]",
        "perpetual.basis.ou = { mean = 0, initial = 0.02, volatility = 0, reversion_per_year = 1 }",
        "",
        "margin = \"cross\"\ncollateral_usd = 30_000",
    ) + r#"
[contracts.call]
underlying = "X"
venue = "own"
option = { kind = "call", strike = 120, expiry = "60d", implied_volatility = 0.8 }
[contracts.dated]
underlying = "X"
venue = "own"
dated = { expiry = "20d", carry.ou = { mean = 0.1, initial = 0.1, volatility = 0, reversion_per_year = 1 } }
[[hedges]]
contract = "call"
account = "main"
covers = "X"
ratio.fixed = 0.2
[[hedges]]
contract = "dated"
account = "main"
covers = "X"
ratio.fixed = 0.3
"#;
    let answer = checked(&text, "check-shared");
    let hedges = answer["hedges"].as_array().expect("hedges");
    assert_eq!(hedges.len(), 3);
    // The spot is what the option's price is told in; the futures' are in proportion.
    let spot_usd = level(&serde_json::json!({ "hedges": [hedges[1]] })).expect("a level");
    let factor = spot_usd / 100.0;
    for hedge in hedges {
        let mark_usd = hedge["mark_usd"].as_f64().expect("a mark");
        near(hedge["liquidation_price_usd"].as_f64(), mark_usd * factor);
    }
    let (perpetual_usd, dated_usd) = (
        100.0 * 0.02_f64.exp(),
        100.0 * (0.1 * 20.0 / 365.0_f64).exp(),
    );
    let value_usd =
        |spot_usd: f64| call_value_usd(spot_usd, 120.0, 0.8 * (60.0_f64 / 365.0).sqrt());
    let premium_usd = hedges[1]["premium_usd"].as_f64().expect("a premium");
    near(Some(premium_usd), 200.0 * value_usd(100.0));
    let equity_usd = 30_000.0 + premium_usd
        - (factor - 1.0) * (1_000.0 * perpetual_usd + 300.0 * dated_usd)
        - 200.0 * value_usd(spot_usd);
    let futures_usd = 0.01 * factor * (1_000.0 * perpetual_usd + 300.0 * dated_usd);
    let option_usd = 200.0 * (0.075 * spot_usd + value_usd(spot_usd));
    assert!(
        (equity_usd - futures_usd - option_usd).abs() < 1e-6,
        "{equity_usd} and {futures_usd} + {option_usd}"
    );
    let warnings = answer["warnings"].to_string();
    for words in [
        "hedge 3 (dated): the contract expires on day 20 without a roll; nothing takes its place for the last 10 days",
        "holding X: its hedges together cover 150.0 % of it",
    ] {
        assert!(warnings.contains(words), "{words}\n{warnings}");
    }
    assert_eq!(hedges[2]["expiry_day"], 20.0);
    assert_eq!(hedges[2]["expected_funding_usd"], 0.0);
    // All of the basis runs off by the expiry.
    near(
        hedges[2]["expected_carry_usd"].as_f64(),
        300.0 * (dated_usd - 100.0),
    );
}

/// Black-76 with the error function by its series, apart from the program's own.
fn call_value_usd(spot_usd: f64, strike_usd: f64, deviation: f64) -> f64 {
    let cdf = |x: f64| {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / (2.0 * n);
            sum += term / (2.0 * n + 1.0);
        }
        0.5 + sum / (2.0 * std::f64::consts::PI).sqrt()
    };
    let upper = (spot_usd / strike_usd).ln() / deviation + 0.5 * deviation;
    spot_usd * cdf(upper) - strike_usd * cdf(upper - deviation)
}

#[test]
fn check_shows_hedges_of_every_kind() {
    let text = hedgesim(&["check", POLICIES]).ended_with(0);
    let flat: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for words in [
        "Hedge 1: eth-perp on ETH in account usd (own, cross, kept in USD)",
        "Hedge 3: eth-coin on ETH in account coin (own, isolated, kept in ETH)",
        "strike; worth",
        "paid from the account",
        "2 rolls",
        "ETH of the holding, haircut 0.0 %",
        "moving with it eth-dated, eth-put, in proportion",
    ] {
        assert!(
            flat.iter().any(|line| line.contains(words)),
            "{words}\n{text}"
        );
    }
    for line in text.lines() {
        assert!(
            line.chars().count() <= 100 && line == line.trim_end(),
            "{line}"
        );
    }
}

#[test]
fn a_path_of_many_hedges_alone_is_its_row_of_outcomes() {
    let folder = empty_folder("inspect-legs");
    hedgesim(&["run", POLICIES, "--paths", "80", "--out", text_of(&folder)]).ended_with(0);
    let rows = read(&folder.join("outcomes.csv"));
    let rows: Vec<&str> = rows.lines().collect();
    for path in [0, 63, 79] {
        let number = path.to_string();
        let arguments = ["inspect", POLICIES, "--paths", "80", "--path", &number];
        hedgesim(&[&arguments[..], &["--out", text_of(&folder)]].concat()).ended_with(0);
        let alone = read(&folder.join(format!("path-{path}-outcome.csv")));
        assert_eq!(alone, format!("{}\n{}\n", rows[0], rows[path + 1]));
        let steps = read(&folder.join(format!("path-{path}.csv")));
        assert_eq!(steps.lines().count(), 92, "a head, time 0 and 90 steps");
        let text = hedgesim(&arguments).ended_with(0);
        for words in [
            "holding ETH: produced: 120 ETH at a cost of 204,000 USD",
            "hedge 2 (eth-dated): rolled:",
            "hedge 5 (btc-perp)",
            "account coin: equity",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        let json = hedgesim(&[&arguments[..], &["--format", "json"]].concat()).ended_with(0);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let last = &json["paths"][0]["steps"][90];
        let names: Vec<&str> = rows[0].split(',').collect();
        let fields: Vec<&str> = rows[path + 1].split(',').collect();
        let funding = names.iter().position(|name| *name == "funding_usd");
        let funding: f64 = fields[funding.expect("a column")]
            .parse()
            .expect("a number");
        let told = last["funding_usd"].as_f64().expect("a number");
        assert!(
            (told - funding).abs() <= 1e-9 * (1.0 + funding.abs()),
            "{told} {funding}"
        );
        assert_eq!(last["holdings"]["ETH"]["quantity_base"], 0.0);
        assert!(last["hedges"]["4"]["contract"] == "eth-put");
    }
}

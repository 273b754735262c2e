//! `check`, `venues` and `init`.

use serde_json::Value;

use crate::program::{
    Done, SQUEEZE, TREASURY, command, empty_folder, hedgesim, read, scenarios, text_of,
};

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&hedgesim(arguments).ended_with(0)).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn check_shows_the_treasury_at_a_glance() {
    let text = hedgesim(&["check", TREASURY]).ended_with(0);
    for words in [
        "bracket 8",
        "margin call price",
        "liquidation price",
        "cost to open",
        "expected funding",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let answer = json(&["check", TREASURY, "--format", "json"]);
    let hedge = &answer["hedges"][0];
    // 50,000 ETH at 3,500 exp(2 bps) in Binance's eighth bracket: at most 5x, 10 % less a deduction of 9,507,000.
    let notional_usd = 50_000.0 * 3500.0 * 0.0002_f64.exp();
    let is_near = |key: &str, expected: f64| {
        let found = number(&hedge[key]);
        assert!(
            (found - expected).abs() <= 1e-9 * expected,
            "{key}: {found}, expected {expected}"
        );
    };
    is_near("notional_usd", notional_usd);
    is_near("initial_margin_usd", notional_usd / 5.0);
    is_near("leverage", notional_usd / 60e6);
    // Taker fee 5 bps, slippage 3 bps.
    is_near("entry_cost_usd", notional_usd * 8e-4);
    assert_eq!(hedge["bracket"], 8);
    // At the liquidation price equity is the maintenance margin of the bracket there.
    let price_usd = number(&hedge["liquidation_price_usd"]);
    let mark_usd = notional_usd / 50_000.0;
    let equity_usd = 60e6 - number(&hedge["entry_cost_usd"]) - 50_000.0 * (price_usd - mark_usd);
    let rate = 0.1;
    let deduction_usd = notional_usd * rate - number(&hedge["maintenance_margin_usd"]);
    let requirement_usd = 50_000.0 * price_usd * rate - deduction_usd;
    assert!(
        (equity_usd - requirement_usd).abs() < 1.0,
        "{equity_usd} and {requirement_usd}"
    );
    is_near("distance_frac", price_usd / mark_usd - 1.0);
    assert!(!answer["warnings"].as_array().expect("warnings").is_empty());
}

#[test]
fn check_accepts_every_scenario_and_simulates_nothing() {
    for scenario in scenarios() {
        let done = hedgesim(&["check", text_of(&scenario), "--paths", "1_000_000_000"]);
        assert_eq!(done.stderr, "");
        assert!(done.ended_with(0).contains(" in account "));
    }
}

#[test]
fn check_names_what_the_venue_would_refuse() {
    let message = hedgesim(&[
        "check",
        SQUEEZE,
        "--set",
        "accounts.main.collateral_usd=2_000_000",
    ])
    .refused();
    assert!(message.contains("initial margin"), "{message}");
    assert!(message.contains("bracket"), "{message}");
}

#[test]
fn venues_lists_presets_with_their_sources() {
    let list = hedgesim(&["venues"]).ended_with(0);
    for name in [
        "binance",
        "bybit",
        "BTCUSDT",
        "ETHUSDT",
        "SOLUSDT",
        "ATOMUSDT",
        "IOTXUSDT",
        "BTCUSDT_QUARTER",
        "BTCUSD_PERP",
        "ETHUSD_QUARTER",
        "BTCUSD ",
    ] {
        assert!(list.contains(name), "{name}\n{list}");
    }
    let one = hedgesim(&["venues", "binance", "--listing", "ETHUSDT"]).ended_with(0);
    assert!(one.contains("ETHUSDT, linear perpetual on ETH"), "{one}");
    assert!(one.contains("2026-05") && one.contains("assumed"), "{one}");
    assert!(!one.contains("BTCUSDT, linear"), "{one}");
}

#[test]
fn venues_in_json_hold_the_same_brackets() {
    let all = json(&["venues", "--format", "json"]);
    let text = all.to_string();
    for name in ["binance", "bybit", "IOTXUSDT"] {
        assert!(text.contains(name), "{name}");
    }
    let one = json(&["venues", "bybit", "--format", "json"]);
    assert!(!one.to_string().contains("binance"));
}

#[test]
fn an_unknown_venue_is_refused_with_the_nearest() {
    let message = hedgesim(&["venues", "binanse"]).refused();
    assert!(message.contains("did you mean `binance`?"), "{message}");
    let message = hedgesim(&["venues", "bybit", "--listing", "BTCUSDC"]).refused();
    assert!(message.contains("did you mean `BTCUSD"), "{message}");
}

#[test]
fn init_writes_a_scenario_that_checks_and_runs() {
    let folder = empty_folder("init");
    let inside = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.current_dir(&folder);
        Done::of(&command.output().expect("the program starts"))
    };
    assert_eq!(
        inside(&["init"]).ended_with(0),
        "",
        "no result but the file"
    );
    let text = read(&folder.join("scenario.toml"));
    assert!(
        text.lines().filter(|line| line.contains('#')).count() > 30,
        "commented"
    );
    inside(&["check", "scenario.toml"]).ended_with(0);
    inside(&["run", "scenario.toml", "--paths", "500"]).ended_with(0);
    // It is not written over.
    let message = inside(&["init"]).refused();
    assert!(message.contains("exists already"), "{message}");
    assert_eq!(read(&folder.join("scenario.toml")), text);
    assert_eq!(inside(&["init", "mine.toml"]).ended_with(0), "");
    assert_eq!(read(&folder.join("mine.toml")), text);
    assert_eq!(
        inside(&["init", "-"]).refused(),
        "error: init writes a file, not standard output; name one, such as hedge.toml\n"
    );
    let message = inside(&["init", "no-such-folder/mine.toml"]).refused();
    assert!(message.contains("no-such-folder"), "{message}");
}

#[test]
fn check_tells_of_a_drift_once() {
    let drift = "assets.ETH.model={ gbm = { volatility = 0.6, drift = 0.05 } }";
    let text = hedgesim(&["check", TREASURY, "--set", drift]).ended_with(0);
    assert_eq!(text.matches("drift").count(), 1, "{text}");
}

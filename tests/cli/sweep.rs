//! `sweep`: points on the same paths, each equal to its own run; formats, files, refusals.

use std::fs;

use serde_json::{Value, json};

use crate::program::{SQUEEZE, TREASURY, empty_folder, hedgesim, lasting, read, text_of};

const RATIO: &str = "hedges.0.ratio.fixed";

fn sweep(scenario: &str, more: &[&str]) -> Value {
    let arguments = ["sweep", scenario, "--paths", "700", "--format", "json"];
    let json = hedgesim(&[&arguments[..], more].concat()).ended_with(0);
    serde_json::from_str(&json).expect("JSON")
}

/// A summary of a point without what a run alone has besides or has otherwise: its times.
fn summary_of(point: &Value) -> Value {
    let mut summary = point.clone();
    let keys = summary.as_object_mut().expect("an object");
    assert!(keys.remove("at").is_some());
    for key in ["run_seconds", "simulation_seconds"] {
        assert_eq!(keys.remove(key), Some(Value::Null), "{key}");
    }
    summary
}

fn run_of(scenario: &str, sets: &[String]) -> Value {
    let mut arguments = vec!["run", scenario, "--paths", "700", "--format", "json"];
    for set in sets {
        arguments.extend(["--set", set]);
    }
    let done = hedgesim(&arguments);
    assert!(matches!(done.code, Some(0 | 3)), "{}", done.stderr);
    lasting(&done.stdout, true)
}

#[test]
fn every_point_is_what_run_says_of_it() {
    // Points of one market, of several markets, with other limits and threads, and of the general ledger.
    for (scenario, over, sets) in [
        (TREASURY, &["hedges.0.ratio.fixed=0:1:0.5"][..], &[][..]),
        (
            SQUEEZE,
            &[
                "assets.BTC.model.jump_diffusion.volatility=0.5,0.9",
                "accounts.main.reserve_usd=0:2e6:1e6",
            ],
            &["limits=[{ require = \"hedged.mean >= 0\" }]"],
        ),
        (
            "scenarios/miner-weekly-sales-roll.toml",
            &["execution.slippage=2bps,8bps"],
            &[],
        ),
        (TREASURY, &["hedges.0.ratio.fixed=0.7"], &[]),
    ] {
        let mut arguments = Vec::new();
        for over in over {
            arguments.extend(["--over", over]);
        }
        for set in sets {
            arguments.extend(["--set", set]);
        }
        let swept = sweep(scenario, &arguments);
        let points = swept["points"].as_array().expect("points");
        assert!(!points.is_empty());
        for point in points {
            let mut all: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
            for (path, value) in point["at"].as_object().expect("a map") {
                all.push(format!("{path}={value}"));
            }
            assert_eq!(
                summary_of(point),
                run_of(scenario, &all),
                "{scenario} {}",
                point["at"]
            );
        }
    }
}

#[test]
fn an_axis_that_sets_several_paths_is_what_run_says_of_them() {
    const BASIC: &str = "scenarios/btc-basic-30d.toml";
    let venues = "contracts.btc-perp.venue,accounts.main.venue=binance,bybit";
    let money = "accounts.main.collateral_usd,accounts.main.reserve_usd=(40000000,20000000),(30000000,10000000)";
    let swept = sweep(BASIC, &["--over", venues, "--over", money]);
    let points = swept["points"].as_array().expect("points");
    let at = points[3]["at"].as_object().expect("a map");
    assert_eq!(
        points[3]["at"],
        json!({
            "contracts.btc-perp.venue": "bybit",
            "accounts.main.venue": "bybit",
            "accounts.main.collateral_usd": 30_000_000,
            "accounts.main.reserve_usd": 10_000_000,
        })
    );
    let sets: Vec<String> = at
        .iter()
        .map(|(path, value)| match value.as_str() {
            Some(word) => format!("{path}={word}"),
            None => format!("{path}={value}"),
        })
        .collect();
    assert_eq!(sets.len(), 4);
    assert_eq!(summary_of(&points[3]), run_of(BASIC, &sets));
    assert_eq!(
        swept["axes"][1],
        json!({
            "paths": ["accounts.main.collateral_usd", "accounts.main.reserve_usd"],
            "values": [[40_000_000, 20_000_000], [30_000_000, 10_000_000]],
        })
    );
    // A column for every path.
    let arguments = ["sweep", BASIC, "--paths", "64", "--over", venues];
    let csv = hedgesim(&[&arguments[..], &["--format", "csv"]].concat()).ended_with(0);
    assert!(
        csv.starts_with("point,from,contracts.btc-perp.venue,accounts.main.venue,key,"),
        "{csv}"
    );
    assert!(csv.contains("\n1,,bybit,bybit,"), "{csv}");
    // Alone, the venue of the contract is refused.
    let alone = ["--over", "contracts.btc-perp.venue=binance,bybit"];
    hedgesim(&[&["sweep", BASIC][..], &alone].concat()).refused();
}

#[test]
fn threads_change_no_bit_of_it() {
    let over = format!("{RATIO}=0:1:0.25");
    let by = |threads: &str| {
        let mut swept = sweep(TREASURY, &["--over", &over, "--threads", threads]);
        let keys = swept.as_object_mut().unwrap();
        for key in ["run_seconds", "simulation_seconds"] {
            assert!(keys.remove(key).is_some_and(|value| value.is_number()));
        }
        swept
    };
    assert_eq!(by("1"), by("3"));
}

#[test]
fn without_a_hedge_nothing_is_changed_and_differences_are_those_of_the_levels() {
    let over = format!("{RATIO}=0,0.5,0.51");
    let swept = sweep(TREASURY, &["--over", &over]);
    let points = swept["points"].as_array().unwrap();
    assert_eq!(points[0]["at"], json!({ RATIO: 0 }));
    assert_eq!(points[0]["hedged"], points[0]["unhedged"]);
    assert_eq!(points[1]["unhedged"], points[0]["unhedged"]);
    let pairs = swept["differences"].as_array().unwrap();
    assert_eq!(pairs.len(), 2);
    for (index, pair) in pairs.iter().enumerate() {
        let (from, to) = (&points[index], &points[index + 1]);
        assert_eq!(pair["from"], from["at"]);
        assert_eq!(pair["to"], to["at"]);
        for (key, pointer) in [
            ("hedged.percentiles.p1", "/hedged/percentiles/p1"),
            ("hedged.percentiles.p50", "/hedged/percentiles/p50"),
            ("hedged.es95", "/hedged/es95"),
            ("hedged.mean", "/hedged/mean"),
            (
                "hedge_effectiveness.variance",
                "/hedge_effectiveness/variance",
            ),
            ("liquidation.probability", "/liquidation/probability"),
            ("margin_call.mean_count", "/margin_call/mean_count"),
            (
                "collateral.required.percentiles.p99",
                "/collateral/required/percentiles/p99",
            ),
        ] {
            let number = |estimate: &Value, part: &str| estimate[part].as_f64().unwrap();
            let [from, to] = [from, to].map(|point| point.pointer(pointer).unwrap());
            let found = &pair[key];
            let expected = number(to, "value") - number(from, "value");
            assert_eq!(found["value"].as_f64(), Some(expected), "{key}");
            let apart = number(from, "std_error").hypot(number(to, "std_error"));
            let is_near = number(found, "std_error") < 0.5 * apart;
            assert!(index == 0 || is_near, "{key}: {found}, {apart} apart");
            let interval = found["ci95"].as_array().expect("an interval");
            assert!(interval[0].as_f64() <= interval[1].as_f64(), "{key}");
        }
        assert!(pair["trading_cost.mean"]["value"].is_number());
    }
}

#[test]
fn the_text_says_what_is_best_and_what_cannot_be_told_apart() {
    let over = format!("{RATIO}=0,0.5,0.5001");
    let arguments = ["sweep", TREASURY, "--paths", "700", "--over", &over];
    let done = hedgesim(&arguments);
    assert_eq!(done.stderr, "");
    let text = done.ended_with(0);
    for words in [
        "Sweep: 50,000 ETH",
        "3 points on the same 700 paths in one market; seed 1.",
        "hedge ratio (`hedges.0.ratio.fixed`): 0, 0.5, 0.5001",
        "Hedged profit and loss by point, million USD",
        "Risk and cost by point",
        "From one hedge ratio to the next",
        "The lowest probability of liquidation, 0 %, is at 0.",
        "Your limits",
        "0.5 to 0.5001",
        "What is assumed",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains('*') && text.contains('='), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let markdown = hedgesim(&[&arguments[..], &["--format", "markdown"]].concat()).ended_with(0);
    assert!(markdown.starts_with("# Sweep: 50,000 ETH"), "{markdown}");
    // An axis that changes nothing is pointed out.
    let idle = hedgesim(&["sweep", SQUEEZE, "--paths", "64", "--over", "title=a,b"]);
    let told = "warning: `--over title` changes nothing that is simulated";
    assert!(idle.stderr.contains(told), "{}", idle.stderr);
    assert!(
        idle.ended_with(0).contains("a and b"),
        "alike in every column"
    );
}

#[test]
fn axes_are_told_apart_by_whose_they_are() {
    let text = hedgesim(&[
        "sweep",
        "scenarios/btc-basic-30d.toml",
        "--paths",
        "200",
        "--over",
        "accounts.main.reserve_usd=0,2000000",
        "--over",
        "accounts.main.margin_call.delay=0,8h",
        "--over",
        "hedges.0.ratio={ fixed = 0.5 },{ fixed = 1 }",
    ])
    .ended_with(0);
    for words in [
        "reserve of main (`accounts.main.reserve_usd`): 0; 2,000,000",
        "main margin call delay (`accounts.main.margin_call.delay`): 0h, 8h",
        "hedge ratio A: { fixed = 0.5 }",
        "From one reserve of main to the next",
        "reserve of main 0",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains("0; 0h; A"), "{text}");
}

#[test]
fn equal_values_have_no_best() {
    let over = "title=a,b";
    let text = hedgesim(&["sweep", SQUEEZE, "--paths", "64", "--over", over]).ended_with(0);
    let tables = text.split("In plain words").nth(1).expect("the tables");
    assert_eq!(tables.matches(" *").count(), 1, "the note alone: {text}");
}

#[test]
fn csv_is_in_long_form() {
    let text = hedgesim(&[
        "sweep",
        TREASURY,
        "--paths",
        "700",
        "--over",
        "hedges.0.ratio.fixed=0.25,0.5",
        "--over",
        "accounts.main.collateral_usd=60e6,80e6,90e6",
        "--format",
        "csv",
    ])
    .ended_with(0);
    let mut rows = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        header,
        [
            "point",
            "from",
            RATIO,
            "accounts.main.collateral_usd",
            "key",
            "value",
            "std_error",
            "ci95_lower",
            "ci95_upper"
        ]
    );
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    // 18 keys of 6 points and of 3 + 4 pairs of neighbours.
    assert_eq!(rows.len(), 18 * (6 + 7));
    let levels: Vec<&csv::StringRecord> = rows.iter().filter(|row| row[1].is_empty()).collect();
    assert_eq!(levels.len(), 18 * 6);
    assert_eq!(
        (&levels[18 * 4][0], &levels[18 * 4][2], &levels[18 * 4][3]),
        ("4", "0.5", "80e6")
    );
    let value = |point: &str, from: &str, key: &str| -> f64 {
        let row = rows
            .iter()
            .find(|row| (&row[0], &row[1], &row[4]) == (point, from, key));
        row.expect("a row")[5].parse().expect("a number")
    };
    let difference = value("4", "1", "hedged.es95");
    let levels = value("4", "", "hedged.es95") - value("1", "", "hedged.es95");
    assert!((difference - levels).abs() <= 1e-9 * levels.abs());
}

#[test]
fn a_folder_holds_json_csv_and_the_scenario() {
    let folder = empty_folder("sweep");
    let out = folder.join("results");
    let over = format!("{RATIO}=0,1");
    let arguments = ["sweep", TREASURY, "--paths", "300", "--over", &over];
    let done = hedgesim(&[&arguments[..], &["--format", "csv", "--out", text_of(&out)]].concat());
    assert!(
        done.stderr
            .starts_with("wrote sweep.json, sweep.csv and scenario.toml to ")
    );
    assert_eq!(done.ended_with(0), read(&out.join("sweep.csv")));
    let swept: Value = serde_json::from_str(&read(&out.join("sweep.json"))).unwrap();
    assert_eq!(swept["format"], 1);
    assert_eq!(swept["paths"], 300);
    assert_eq!(
        swept["axes"],
        json!([{ "paths": [RATIO], "values": [0, 1] }])
    );
    assert_eq!(
        swept["scenario"].as_str(),
        Some(read(&out.join("scenario.toml")).as_str())
    );
    let mut names: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["scenario.toml", "sweep.csv", "sweep.json"]);
    // Nothing is left of what is refused.
    let never = folder.join("never");
    let wrong = [
        "--over",
        "hedges.0.ratio.fixed=-1",
        "--out",
        text_of(&never),
    ];
    hedgesim(&[&["sweep", TREASURY][..], &wrong].concat()).refused();
    assert!(!never.exists());
}

#[test]
fn what_cannot_be_swept_is_refused_in_one_message() {
    for (over, expected) in [
        (
            &["hedges.0.ratio.fixd=0:1:0.5"][..],
            "did you mean `fixed`?",
        ),
        (
            &["accounts.mian.collateral_usd=1e6,2e6"],
            "did you mean `accounts.main`?",
        ),
        (
            &["hedges.0.ratio.fixed=0:-1:0.5"],
            "error: `0:-1:0.5` of `--over hedges.0.ratio.fixed` is empty: STEP leads from FROM away from TO",
        ),
        (
            &["hedges.0.ratio.fixed=0:1:1e-9"],
            "error: the grid has 1,000,000,001 points; allowed: up to 10,000",
        ),
        (
            &["hedges.0.ratio.fixed=0,1", "hedges.0.ratio.fixed=2"],
            "error: `--over hedges.0.ratio.fixed` is given twice",
        ),
        (&["hedges.0.ratio.fixed=0:1"], "a range is FROM:TO:STEP"),
        (
            &["hedges.0.ratio.fixed"],
            "is not of the form PATH=FROM:TO:STEP",
        ),
        (
            &["hedges.0.ratio.fixed=0.5,-1"],
            "the point hedges.0.ratio.fixed=-1 of the grid is refused",
        ),
        (
            &["hedges.0.ratio.fixed=-2:-1:0.5"],
            "the point hedges.0.ratio.fixed=-2 of the grid is refused, and so is every other",
        ),
        (
            &["simulation.paths=100,200"],
            "`--over simulation.paths` gives each point other paths; allowed: the same seed and number of paths",
        ),
        (
            &["hedges.0.ratio.fixed=0,1", "simulation.seed=1,2"],
            "`--over simulation.seed` gives each point other paths",
        ),
    ] {
        let mut arguments = vec!["sweep", TREASURY];
        for over in over {
            arguments.extend(["--over", over]);
        }
        let message = hedgesim(&arguments).refused();
        assert!(message.contains(expected), "{over:?}\n{message}");
    }
    let message = hedgesim(&["sweep", "no-such.toml", "--over", "a=1"]).refused();
    assert!(message.contains("cannot read no-such.toml"), "{message}");
    assert!(!message.contains("the point"), "{message}");
    let none = hedgesim(&["sweep", TREASURY]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("--over"), "{}", none.stderr);
}

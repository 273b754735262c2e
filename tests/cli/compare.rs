//! `compare`: proposals side by side on the same paths.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{SQUEEZE, TREASURY, empty_folder, hedgesim, lasting, read, text_of};

/// A future and a perpetual for the same holding, of which each proposal keeps one.
const EITHER: &str = "scenarios/btc-perp-or-quarter-90d.toml";

/// The text of a scenario without one of its tables.
fn without_table(text: &str, head: &str) -> String {
    let start = text.find(head).expect("the table");
    let end = text[start + 1..].find("\n[").expect("another table") + start + 2;
    format!("{}{}", &text[..start], &text[end..])
}

/// Two files: one knows the future alone, the other the perpetual alone.
fn future_and_perpetual(folder: &Path) -> [PathBuf; 2] {
    let text = read(EITHER.as_ref());
    let future = without_table(&text, "[contracts.btc-perp]");
    let perpetual = without_table(&text, "[contracts.btc-quarter]")
        .replace("contract = \"btc-quarter\"", "contract = \"btc-perp\"");
    [("future.toml", future), ("perpetual.toml", perpetual)].map(|(name, text)| {
        let file = folder.join(name);
        fs::write(&file, text).expect("a file");
        file
    })
}

fn json(arguments: &[&str]) -> Value {
    let all = [
        &["compare", "--format", "json", "--paths", "2000"],
        arguments,
    ]
    .concat();
    serde_json::from_str(&hedgesim(&all).ended_with(0)).expect("JSON")
}

fn value(estimate: &Value) -> f64 {
    estimate["value"].as_f64().expect("a value")
}

#[test]
fn a_future_and_a_perpetual_on_the_same_paths() {
    let folder = empty_folder("compare-contracts");
    let files = future_and_perpetual(&folder);
    let [future, perpetual] = [&files[0], &files[1]].map(|file| text_of(file));
    let found = json(&[future, perpetual]);
    let names: Vec<&str> = found["proposals"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|of| of["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["future", "perpetual"]);
    // Each is what a run of it alone says, to the bit.
    for (file, of) in files.iter().zip(found["proposals"].as_array().unwrap()) {
        let arguments = ["run", text_of(file), "--paths", "2000", "--format", "json"];
        let alone = lasting(&hedgesim(&arguments).ended_with(0), true);
        for (key, expected) in alone.as_object().unwrap() {
            assert_eq!(&of[key], expected, "{key}");
        }
    }
    let [pair] = found["differences"].as_array().unwrap().as_slice() else {
        panic!("one pair: {}", found["differences"]);
    };
    assert_eq!(
        (&pair["from"], &pair["to"]),
        (&"future".into(), &"perpetual".into())
    );
    // The holding is the same, and so is its fate.
    let nothing = serde_json::json!({ "value": 0.0, "std_error": 0.0, "ci95": [0.0, 0.0] });
    for key in ["unhedged.mean", "unhedged.es95", "unhedged.percentiles.p5"] {
        assert_eq!(pair[key], nothing, "{key}");
    }
    let proposals = &found["proposals"];
    let mean = |index: usize| value(&proposals[index]["hedged"]["mean"]);
    let difference = &pair["hedged.mean"];
    assert_eq!(value(difference).to_bits(), (mean(1) - mean(0)).to_bits());
    assert!(difference["std_error"].as_f64().unwrap() > 0.0);
    let [better, worse, equal] =
        ["better", "worse", "equal"].map(|which| value(&pair[format!("{which}_probability")]));
    assert!((better + worse + equal - 1.0).abs() < 1e-12 && better > 0.0);
    let dominance = found["dominance"].as_array().unwrap();
    assert_eq!(dominance.len(), 2);
    assert_eq!(
        (&dominance[1]["a"], &dominance[1]["b"]),
        (&"perpetual".into(), &"future".into())
    );
    for of in dominance {
        for order in ["first", "second"] {
            let verdict = of[format!("{order}_verdict")].as_str().unwrap();
            assert_eq!(of[order], Value::Bool(verdict == "holds"));
        }
    }
}

#[test]
fn a_proposal_against_itself_differs_by_exactly_nothing() {
    let found = json(&[TREASURY, TREASURY]);
    assert_eq!(found["proposals"][0]["name"], "eth-treasury-90d");
    assert_eq!(found["proposals"][1]["name"], "eth-treasury-90d_2");
    let pair = found["differences"][0].as_object().unwrap();
    assert!(pair.len() > 200, "every key: {}", pair.len());
    for (key, estimate) in pair {
        match key.as_str() {
            "from" | "to" => {}
            "equal_probability" => assert_eq!(estimate["value"], 1.0),
            "better_probability" | "worse_probability" => assert_eq!(estimate["value"], 0.0),
            _ => {
                for part in ["value", "std_error"] {
                    assert!(
                        estimate[part] == 0.0 || estimate["value"].is_null(),
                        "{key}: {estimate}"
                    );
                }
            }
        }
    }
    assert_eq!(found["dominance"][0]["first_verdict"], "same");
    let text = hedgesim(&["compare", TREASURY, TREASURY, "--paths", "500"]).ended_with(0);
    assert!(
        text.contains("end with the same P&L on every path"),
        "{text}"
    );
}

#[test]
fn what_does_not_share_a_market_is_refused_by_the_setting_that_differs() {
    let folder = empty_folder("compare-refused");
    let text = read(TREASURY.as_ref());
    let with = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let file = folder.join(name);
        fs::write(&file, text.replace(from, to)).expect("a file");
        file
    };
    for (name, from, to, expected) in [
        (
            "seed.toml",
            "seed = 1",
            "seed = 2",
            "`simulation.seed` is 1 in eth-treasury-90d and 2 in seed",
        ),
        (
            "paths.toml",
            "paths = 100_000",
            "paths = 1000",
            "`simulation.paths` is 100000 in",
        ),
        (
            "horizon.toml",
            "horizon = \"90d\"",
            "horizon = \"60d\"",
            "`simulation.horizon` is \"90d\" in eth-treasury-90d and \"60d\" in horizon",
        ),
        (
            "step.toml",
            "step = \"8h\"",
            "step = \"4h\"",
            "`simulation.step` is \"8h\" in",
        ),
        (
            "spot.toml",
            "spot_usd = 3500",
            "spot_usd = 3600",
            "`assets.ETH.spot_usd` is 3500 in",
        ),
        (
            "volatility.toml",
            "volatility = 0.60",
            "volatility = 0.65",
            "`volatility of the model of ETH` is 0.6 in eth-treasury-90d and 0.65 in volatility",
        ),
        (
            "drift.toml",
            "drift = 0.0",
            "drift = 0.1",
            "`drift of the model of ETH` is 0 in",
        ),
        (
            "jumps.toml",
            "jumps_per_year = 6",
            "jumps_per_year = 7",
            "`jumps of the model of ETH` is 6 a year",
        ),
        (
            "holdings.toml",
            "quantity = 50_000",
            "quantity = 40_000",
            "the holdings are worth 175,000,000 USD in eth-treasury-90d and 140,000,000 USD",
        ),
    ] {
        let file = with(name, from, to);
        let out = folder.join("out");
        let arguments = ["compare", TREASURY, text_of(&file), "--out", text_of(&out)];
        let message = hedgesim(&arguments).refused();
        assert!(message.contains(expected), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!out.exists(), "nothing is written");
    }
    // What is set for all of them is the same in all of them.
    let seed = folder.join("seed.toml");
    let found = json(&[TREASURY, text_of(&seed), "--seed", "7"]);
    assert_eq!(found["seed"], 7);
    assert_eq!(found["differences"][0]["equal_probability"]["value"], 1.0);
    let assets = hedgesim(&["compare", TREASURY, SQUEEZE, "--paths", "500"]).refused();
    assert!(assets.contains("is "), "{assets}");
}

#[test]
fn one_file_no_file_and_a_missing_file_are_refused() {
    let one = hedgesim(&["compare", TREASURY]).refused();
    assert!(one.contains("allowed: two scenarios or more"), "{one}");
    hedgesim(&["compare"]).refused();
    let missing = hedgesim(&["compare", TREASURY, "scenarios/no-such.toml"]).refused();
    assert!(
        missing.contains("cannot read scenarios/no-such.toml"),
        "{missing}"
    );
    hedgesim(&[
        "compare",
        TREASURY,
        TREASURY,
        "--set",
        "hedges.0.ration.fixed=1",
    ])
    .refused();
    hedgesim(&["compare", TREASURY, TREASURY, "--format", "csv"]).refused();
}

#[test]
fn sales_may_differ_and_the_reader_is_told() {
    let folder = empty_folder("compare-sales");
    let file = folder.join("weekly.toml");
    let text = read(TREASURY.as_ref());
    let weekly = text.replace("sell.at_horizon = {}", "sell.evenly = { every = \"30d\" }");
    fs::write(&file, weekly).expect("a file");
    let found = json(&[TREASURY, text_of(&file)]);
    let note = found["notes"][0].as_str().expect("a note");
    assert!(note.contains("sell the inventory at other times"), "{note}");
    assert!(value(&found["differences"][0]["unhedged.std_dev"]) < 0.0);
    let text = hedgesim(&["compare", TREASURY, text_of(&file), "--paths", "500"]).ended_with(0);
    assert!(text.contains("sell the inventory at other times"), "{text}");
}

#[test]
fn threads_change_no_bit_and_files_hold_what_is_printed() {
    let folder = empty_folder("compare-out");
    let files = future_and_perpetual(&folder);
    let [future, perpetual] = [&files[0], &files[1]].map(|file| text_of(file));
    let of = |threads: &str| {
        let arguments = [
            "compare",
            future,
            perpetual,
            future,
            "--paths",
            "3000",
            "--threads",
            threads,
            "--format",
            "json",
        ];
        lasting(&hedgesim(&arguments).ended_with(0), true)
    };
    let one = of("1");
    assert_eq!(one, of("3"));
    assert_eq!(one["differences"].as_array().unwrap().len(), 3);
    assert_eq!(one["dominance"].as_array().unwrap().len(), 6);
    let out = folder.join("out");
    let arguments = [
        "compare",
        future,
        perpetual,
        future,
        "--paths",
        "3000",
        "--out",
        text_of(&out),
    ];
    let done = hedgesim(&arguments);
    assert!(
        done.stderr
            .contains("wrote compare.json and compare.csv to"),
        "{}",
        done.stderr
    );
    done.ended_with(0);
    assert_eq!(lasting(&read(&out.join("compare.json")), true), one);
    let csv = read(&out.join("compare.csv"));
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("proposal,from,key,value,std_error,ci95_lower,ci95_upper")
    );
    let row = lines
        .find(|line| line.starts_with("perpetual,future,hedged.mean,"))
        .expect("a difference");
    let cells: Vec<f64> = row
        .split(',')
        .skip(3)
        .map(|cell| cell.parse().unwrap())
        .collect();
    let expected = &one["differences"][0]["hedged.mean"];
    assert_eq!(cells[0].to_bits(), value(expected).to_bits());
    assert_eq!(
        cells[2].to_bits(),
        expected["ci95"][0].as_f64().unwrap().to_bits()
    );
}

#[test]
fn the_report_says_it_in_words_and_tables() {
    let folder = empty_folder("compare-words");
    let files = future_and_perpetual(&folder);
    let [future, perpetual] = [&files[0], &files[1]].map(|file| text_of(file));
    for format in ["text", "markdown"] {
        let arguments = [
            "compare", future, perpetual, "--paths", "2000", "--format", format,
        ];
        let text = hedgesim(&arguments).ended_with(0);
        for words in [
            "Comparison of 2 proposals",
            "What is assumed",
            "2 proposals on the same 2,000 paths, seed 1: future and perpetual.",
            "In plain words",
            "Side by side",
            "Against future",
            "Which ends better",
            "perpetual against future",
            "Stochastic dominance",
            "future over perpetual",
            "Mean cost of trades",
            "Your limits",
        ] {
            assert!(text.contains(words), "{format}: {words}\n{text}");
        }
        if format == "text" {
            let wide = text.lines().find(|line| line.chars().count() > 100);
            assert_eq!(wide, None);
        }
    }
}

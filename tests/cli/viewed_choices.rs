//! Views in `sweep`, `compare`, `optimize` and `stress`: each point under its views, in every format, and refused.

use serde_json::Value;

use crate::program::{TREASURY, empty_folder, hedgesim, lasting, text_of};

const FEW: [&str; 4] = ["--paths", "2000", "--format", "json"];

const VIEWS: [&str; 4] = ["--view", "ETH > 4_500: 30%", "--view", "mean ETH >= 3_600"];

/// A view that no path goes to, and what is said of it.
const FAR: [&str; 2] = ["--view", "mean ETH = 9_000_000"];

/// The JSON of a command without its times.
fn json(arguments: &[&[&str]]) -> Value {
    let done = hedgesim(&arguments.concat());
    assert!(matches!(done.code, Some(0 | 3)), "{}", done.stderr);
    lasting(&done.stdout, true)
}

/// A point or proposal as a summary: without its name and the times that only a run has.
fn summary_of(point: &Value) -> Value {
    let mut summary = point.clone();
    let keys = summary.as_object_mut().expect("an object");
    for key in ["at", "name", "run_seconds", "simulation_seconds"] {
        keys.remove(key);
    }
    summary
}

fn run(more: &[&[&str]]) -> Value {
    summary_of(&json(&[&[&["run", TREASURY][..], &FEW], more].concat()))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn every_point_of_a_sweep_is_a_run_under_the_views() {
    let sweep = ["sweep", TREASURY];
    let ratio = ["--over", "hedges.0.ratio.fixed=0.5,1"];
    let swept = json(&[&sweep, &FEW, &ratio, &VIEWS]);
    for (index, set) in ["hedges.0.ratio.fixed=0.5", "hedges.0.ratio.fixed=1"]
        .into_iter()
        .enumerate()
    {
        let alone = run(&[&["--set", set], &VIEWS]);
        assert!(alone["views"]["model"].is_object());
        assert_eq!(summary_of(&swept["points"][index]), alone, "{set}");
    }
    // Differences are those of the levels under the views, on the same paths.
    let level = |point: usize| number(&swept["points"][point]["hedged"]["es95"]["value"]);
    let of_pair = &swept["differences"][0]["hedged.es95"];
    assert!((number(&of_pair["value"]) - (level(1) - level(0))).abs() < 1e-6);
    // CSV is of the columns that are wanted alone: the same figures.
    let csv = [&sweep[..], &FEW[..2], &ratio, &VIEWS, &["--format", "csv"]].concat();
    let csv = hedgesim(&csv).ended_with(0);
    for point in 0..2 {
        let line = csv
            .lines()
            .find(|line| line.starts_with(&format!("{point},,")) && line.contains(",hedged.es95,"))
            .expect("a row");
        let value: f64 = line.split(',').nth(4).unwrap().parse().unwrap();
        assert_eq!(value.to_bits(), level(point).to_bits());
    }
    let text = hedgesim(&[&sweep[..], &FEW[..2], &ratio, &VIEWS].concat()).ended_with(0);
    assert!(text.contains("2 views of yours"), "{text}");
    assert!(text.contains("equal paths"), "{text}");
    let plain = hedgesim(&[&sweep[..], &FEW[..2], &ratio].concat()).ended_with(0);
    assert!(!plain.contains("of yours"), "{plain}");
}

#[test]
fn views_may_differ_from_point_to_point() {
    let view = ["--view", "ETH > 4_500: 30%"];
    let over = ["--over", "views.0.probability.is=10%,30%"];
    let tables = [
        "--set",
        "views=[{ asset = \"ETH\", probability = { above_usd = 4500, is = \"30%\" } }]",
    ];
    let swept = json(&[&["sweep", TREASURY], &FEW, &tables, &over]);
    let points = swept["points"].as_array().expect("points");
    assert_eq!(points.len(), 2);
    let targets: Vec<f64> = points
        .iter()
        .map(|point| number(&point["views"]["list"][0]["reached"]))
        .collect();
    assert!((targets[0] - 0.1).abs() < 1e-9 && (targets[1] - 0.3).abs() < 1e-9);
    let last = summary_of(&points[1]);
    let alone = run(&[&view]);
    for key in ["hedged", "unhedged", "liquidation", "collateral"] {
        assert_eq!(last[key], alone[key], "{key}");
    }
    let difference = &swept["differences"][0]["liquidation.probability"];
    let level = |point: usize| &points[point]["liquidation"]["probability"];
    let value = number(&level(1)["value"]) - number(&level(0)["value"]);
    assert!((number(&difference["value"]) - value).abs() < 1e-12);
    // More often a rise, more often liquidated; and the same paths tell it better than others would.
    let error = number(&difference["std_error"]);
    let independent = number(&level(0)["std_error"]).hypot(number(&level(1)["std_error"]));
    assert!(
        value > 0.0 && error > 0.0 && error < independent,
        "{error} {independent}"
    );
    let text = [&["sweep", TREASURY][..], &FEW[..2], &tables, &over].concat();
    let text = hedgesim(&text).ended_with(0);
    assert!(text.contains("not the same at all points"), "{text}");
}

#[test]
fn proposals_are_compared_under_the_same_views() {
    let folder = empty_folder("views-compare");
    let other = folder.join("half.toml");
    let half = "hedges.0.ratio.fixed=0.5";
    let out = folder.join("out");
    hedgesim(&[
        "run",
        TREASURY,
        "--paths",
        "64",
        "--set",
        half,
        "--out",
        text_of(&out),
    ])
    .ended_with(0);
    std::fs::copy(out.join("scenario.toml"), &other).unwrap();
    let both = ["compare", TREASURY, text_of(&other)];
    let compared = json(&[&both, &FEW, &VIEWS]);
    let of = |index: usize| summary_of(&compared["proposals"][index]);
    let mut half_alone = run(&[&["--set", half], &VIEWS]);
    let mut half = of(1);
    for summary in [&mut half_alone, &mut half] {
        // The second file was written by a run of few paths: only its text says so.
        summary.as_object_mut().unwrap().remove("scenario");
    }
    assert_eq!(of(0), run(&[&VIEWS]));
    assert_eq!(half, half_alone);
    assert_eq!(compared["views"]["list"].as_array().map(Vec::len), Some(2));
    let plain = json(&[&both, &FEW]);
    assert!(plain.get("views").is_none());
    for key in ["better_probability", "hedged.es95"] {
        assert_ne!(
            plain["differences"][0][key], compared["differences"][0][key],
            "{key}"
        );
    }
    let text = hedgesim(&[&both[..], &FEW[..2], &VIEWS].concat()).ended_with(0);
    assert!(text.contains("2 views of yours"), "{text}");
    // Other beliefs are no difference between hedges.
    let believing = folder.join("believing.toml");
    let view = "\n[[views]]\nasset = \"ETH\"\nmean_usd = 4_000\n";
    let text = std::fs::read_to_string(TREASURY).unwrap() + view;
    std::fs::write(&believing, text).unwrap();
    let message = hedgesim(&["compare", TREASURY, text_of(&believing)]).refused();
    assert!(
        message.contains(
            "`views` is empty in eth-treasury-90d and [mean of ETH = 4,000 USD] in believing"
        ),
        "{message}"
    );
}

#[test]
fn the_best_hedge_is_that_under_the_views() {
    let search = [
        "optimize",
        TREASURY,
        "--minimize",
        "es95",
        "--over",
        "hedges.0.ratio.fixed=0:1:0.25",
    ];
    let view = ["--view", "ETH > 4_500: 30%"];
    let found = json(&[&search, &FEW, &view]);
    let at = found["best"]["at"]["hedges.0.ratio.fixed"].to_string();
    let seed = format!("simulation.seed={}", found["fresh_seed"]);
    let alone = run(&[
        &[
            "--set",
            &format!("hedges.0.ratio.fixed={at}"),
            "--set",
            &seed,
        ],
        &view,
    ]);
    for key in ["hedged", "liquidation", "views"] {
        assert_eq!(found["best"][key], alone[key], "{key}");
    }
    assert!((number(&found["views"]["list"][0]["reached"]) - 0.3).abs() < 1e-9);
    // Of every point, what is sought is under the view.
    let plain = json(&[&search, &FEW]);
    assert!(plain.get("views").is_none());
    let level = |found: &Value| found["frontier"][0]["objective"].clone();
    assert!(level(&found).is_object() && level(&found) != level(&plain));
    let text = hedgesim(&[&search[..], &FEW[..2], &view].concat()).ended_with(0);
    assert!(
        text.contains("a view of yours: probability of ETH above 4,500 USD = 30 %"),
        "{text}"
    );
    // The model's own value can be sought beside the view: it is that without views.
    let model = [
        "optimize",
        TREASURY,
        "--minimize",
        "views.model.hedged.es95",
        "--over",
        search[5],
    ];
    let beside = json(&[&model, &FEW, &view]);
    let objective =
        |found: &Value| number(&found["best"]["objective_in_search"]["value"]).to_bits();
    assert_eq!(objective(&beside), objective(&plain));
    // A belief is nothing to choose.
    let over = ["--over", "views.0.probability.is=10%,30%"];
    let message = hedgesim(&[&search[..4], &over].concat()).refused();
    assert!(message.contains("views.0.probability.is"), "{message}");
}

#[test]
fn a_stress_test_is_under_the_views_where_it_simulates() {
    let stress = ["stress", TREASURY];
    let view = ["--view", "ETH > 4_500: 30%"];
    let json = |more: &[&str]| -> Value {
        let text = hedgesim(&[&stress[..], &FEW, more].concat()).ended_with(0);
        serde_json::from_str(&text).expect("JSON")
    };
    let (plain, viewed) = (json(&[]), json(&view));
    assert!(plain.get("views").is_none());
    assert!((number(&viewed["views"]["list"][0]["reached"]) - 0.3).abs() < 1e-9);
    for key in ["episodes", "reverse"] {
        assert_eq!(plain[key], viewed[key], "{key}");
    }
    let of = |found: &Value, is_simulated: bool| -> Vec<Value> {
        let all = found["shocks"].as_array().expect("shocks").iter();
        let is_one = |shock: &&Value| (shock["kind"] == "simulated") == is_simulated;
        all.filter(is_one).cloned().collect()
    };
    assert_eq!(of(&plain, false), of(&viewed, false));
    for (plain, viewed) in of(&plain, true).iter().zip(of(&viewed, true)) {
        let chance = |shock: &Value| number(&shock["liquidation_probability"]);
        assert!(chance(plain) < chance(&viewed), "a rise is likelier");
    }
    assert_eq!(of(&viewed, true).len(), 2);
    // All paths of the tail are those of a run under the view.
    let alone = run(&[&view]);
    let (ours, theirs) = (
        number(&viewed["tail"]["all"]["liquidated_frac"]),
        number(&alone["liquidation"]["probability"]["value"]),
    );
    assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
    let text = hedgesim(&[&stress[..], &FEW[..2], &view].concat()).ended_with(0);
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(
        words
            .join(" ")
            .contains("is under a view of yours: probability"),
        "{text}"
    );
}

#[test]
fn views_that_cannot_be_had_are_refused_by_every_command() {
    let out = empty_folder("views-choices-refused").join("out");
    let few = ["--paths", "2000", "--out", text_of(&out)];
    let over = ["--over", "hedges.0.ratio.fixed=0.5,1"];
    let commands: [(&[&str], &str); 4] = [
        (
            &["sweep", TREASURY, over[0], over[1]],
            "at the point hedges.0.ratio.fixed=0.5 of the grid",
        ),
        (&["compare", TREASURY, TREASURY], "`views.0"),
        (
            &["optimize", TREASURY, "--minimize", "es95", over[0], over[1]],
            "at the point hedges.0.ratio.fixed=0.5",
        ),
        (&["stress", TREASURY], "`views.0"),
    ];
    for (command, words) in commands {
        let message = hedgesim(&[command, &few, &FAR].concat()).refused();
        assert!(message.contains(words), "{message}");
        assert!(
            message.contains("(mean of ETH = 9,000,000 USD) is out of reach of the simulated paths; allowed: between "),
            "{message}"
        );
        let rare = hedgesim(&[command, &few, &["--view", "ETH > 6_500: 90%"]].concat()).refused();
        assert!(rare.contains("effective paths of 2,000"), "{rare}");
        assert!(!out.exists(), "{message}");
    }
}

//! Views: on the command line and in the scenario, in every output, and refused.

use std::fs;

use serde_json::Value;

use crate::program::{empty_folder, hedgesim, lasting, read, text_of};

/// A token hedged with bitcoin: two assets.
const TOKEN: &str = "scenarios/token-cross-beta.toml";

const RUN: [&str; 4] = ["run", TOKEN, "--paths", "4000"];

#[test]
fn a_view_on_the_command_line_is_one_in_the_file() {
    let folder = empty_folder("views-in-file");
    let text = read(TOKEN.as_ref());
    let written = folder.join("scenario.toml");
    let tables = "
[[views]]
asset = \"BTC\"
mean_usd = 70_000

[[views]]
asset = \"BTC\"
probability = { above_usd = 80_000, at_least = \"20%\" }

[[views]]
correlation = { between = [\"BTC\", \"TKN\"], is = 0.8 }
";
    fs::write(&written, text + tables).unwrap();
    let options = ["--paths", "4000", "--format", "json"];
    let from_file = hedgesim(&[&["run", text_of(&written)], &options[..]].concat()).ended_with(0);
    let by_option = [
        "--view",
        "mean BTC = 70_000",
        "--view",
        "BTC > 80_000: >= 20%",
        "--view",
        "corr BTC TKN = 0.8",
    ];
    let out = folder.join("out");
    let said = [
        &["run", TOKEN],
        &options[..],
        &by_option[..],
        &["--out", text_of(&out)],
    ]
    .concat();
    let from_option = hedgesim(&said).ended_with(0);
    assert_eq!(lasting(&from_file, false), lasting(&from_option, false));
    // The scenario as run reproduces the folder, views and all.
    let kept = out.join("scenario.toml");
    let again = hedgesim(&["run", text_of(&kept), "--format", "json"]).ended_with(0);
    assert_eq!(lasting(&again, true), lasting(&from_option, true));
    // Overrides reach into a view.
    let changed = [
        &["run", text_of(&written)],
        &options[..],
        &["--set", "views.0.mean_usd=68_000"],
    ];
    let changed = lasting(&hedgesim(&changed.concat()).ended_with(0), false);
    assert_eq!(changed["views"]["list"][0]["target"], 68_000.0);
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_folder_is_under_the_views_and_the_model_beside() {
    let folder = empty_folder("views-folder");
    let options = [
        "--format",
        "json",
        "--out",
        text_of(&folder),
        "--view",
        "mean BTC = 70_000",
        "--view",
        "BTC p5 = 45_000",
    ];
    let json = hedgesim(&[&RUN[..], &options[..]].concat()).ended_with(0);
    let summary = lasting(&json, true);
    let views = &summary["views"];
    for view in views["list"].as_array().unwrap() {
        let (reached, target) = (number(&view["reached"]), number(&view["target"]));
        assert!((reached / target - 1.0).abs() < 1e-8, "{view}");
        assert!(
            (number(&view["model"]) / target - 1.0).abs() > 0.01,
            "{view}"
        );
        assert!(view["text"].is_string());
    }
    assert!(number(&views["effective_paths"]) < 4000.0);
    assert!(number(&views["relative_entropy"]) > 0.0);
    let plain = lasting(
        &hedgesim(&[&RUN[..], &["--format", "json"]].concat()).ended_with(0),
        true,
    );
    for key in [
        "hedged",
        "unhedged",
        "liquidation",
        "attribution",
        "collateral",
        "thresholds",
        "limits",
    ] {
        assert_eq!(views["model"][key], plain[key], "{key}");
        assert_ne!(summary[key], plain[key], "{key}");
    }
    assert!(plain.get("views").is_none());
    // Means of the rows of outcomes.csv by their weights are those of the summary; percentiles.csv agrees.
    let mut rows = csv::Reader::from_path(folder.join("outcomes.csv")).unwrap();
    let rows: Vec<Vec<f64>> = rows
        .records()
        .map(|row| {
            row.unwrap()
                .iter()
                .map(|cell| cell.parse().unwrap_or(f64::NAN))
                .collect()
        })
        .collect();
    let total: f64 = rows.iter().map(|row| row[1]).sum();
    assert!((total / 4000.0 - 1.0).abs() < 1e-10);
    let mean = rows.iter().map(|row| row[1] * row[3]).sum::<f64>() / total;
    assert!((mean / number(&summary["hedged"]["mean"]["value"]) - 1.0).abs() < 1e-9);
    let percentiles = read(&folder.join("percentiles.csv"));
    let hedged: Vec<&str> = percentiles.lines().nth(1).unwrap().split(',').collect();
    let p50: f64 = hedged[7].parse().unwrap();
    assert_eq!(
        p50.to_bits(),
        number(&summary["hedged"]["percentiles"]["p50"]["value"]).to_bits()
    );
}

#[test]
fn the_report_has_the_model_beside_the_views() {
    let report = hedgesim(&[&RUN[..], &["--view", "mean BTC = 70_000"]].concat()).ended_with(0);
    for words in [
        "Your views, beside the model",
        "mean of BTC = 70,000 USD",
        "equal paths",
        "under the views",
        "hedged, model",
        "worst 5 %, model",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    let markdown = [
        &RUN[..],
        &["--view", "TKN >= BTC + 5%", "--format", "markdown"],
    ]
    .concat();
    let markdown = hedgesim(&markdown).ended_with(0);
    assert!(
        markdown.contains("| expected return of TKN >= that of BTC + 5 %"),
        "{markdown}"
    );
    let plain = hedgesim(&RUN).ended_with(0);
    assert!(!plain.contains("view of yours") && !plain.contains("Your views"));
}

#[test]
fn limits_are_judged_under_the_views_and_can_name_them() {
    let with = |limit: &str, code: i32| {
        let limit = format!("limits.+={{ require = \"{limit}\" }}");
        let more = ["--view", "mean BTC = 70_000", "--set", &limit];
        hedgesim(&[&RUN[..], &more[..]].concat()).ended_with(code);
    };
    with("views.effective_frac >= 50%", 0);
    with("views.effective_paths >= 3999", 3);
    with("views.model.unhedged.mean <= 1_000_000", 0);
    with("unhedged.mean <= 1_000_000", 3);
}

#[test]
fn a_tail_of_few_heavy_paths_is_told_as_too_small_and_keeps_no_limit() {
    // Under so high a mean a few paths carry the weight of the upper tail.
    let run = |more: &[&str]| {
        let view = ["--view", "mean BTC = 90_000", "--format", "json"];
        let run = ["run", TOKEN, "--paths", "2000"];
        hedgesim(&[&run[..], &view[..], more].concat())
    };
    let found = lasting(&run(&[]).ended_with(3), true);
    let p999 = &found["unhedged"]["percentiles"]["p99.9"];
    assert!(p999["value"].is_number());
    assert!(
        p999["std_error"].is_null() && p999["ci95"].is_null(),
        "{p999}"
    );
    for key in ["hedged", "unhedged"] {
        for (level, estimate) in found[key]["percentiles"].as_object().unwrap() {
            assert_ne!(estimate["std_error"], 0.0, "{key} {level}");
        }
    }
    // A limit far beyond the value is not kept on it either: it cannot be told.
    let limit = "limits.+={ require = \"unhedged.percentiles.p99.9 <= 1e12\" }";
    let judged = lasting(&run(&["--set", limit]).ended_with(3), true);
    assert_eq!(judged["limits"][2]["status"], "unknown");
}

#[test]
fn views_that_cannot_be_had_are_refused_and_nothing_is_written() {
    let folder = empty_folder("views-refused");
    let out = folder.join("out");
    let refusal = |views: &[&str], more: &[&str]| {
        let views: Vec<&str> = views.iter().flat_map(|view| ["--view", view]).collect();
        let said = [&RUN[..], &["--out", text_of(&out)], &views[..], more].concat();
        let message = hedgesim(&said).refused();
        assert!(!out.exists(), "{message}");
        message
    };
    for (views, words) in [
        (
            &["mean BTC = 9_000_000"][..],
            "is out of reach of the simulated paths; allowed: between ",
        ),
        (&["BTC > 900_000: 10%"], "levels between "),
        (&["mean BTX = 70_000"], "did you mean \"BTC\"?"),
        (&["BTC > 70_000: 100%"], "above 0 and below 1"),
        (
            &["mean BTC = 70_000", "mean BTC = 71_000"],
            "contradicts `views.0` (mean of BTC = 70,000 USD)",
        ),
        (
            &[
                "BTC > 60_000: 95%",
                "corr BTC TKN = 0.8",
                "mean BTC = 50_000",
            ],
            "`views.2` (mean of BTC = 50,000 USD) contradicts `views.0` (probability of BTC above 60,000 USD = 95 %); allowed beside them: at least about 5",
        ),
        (&["BTC > 110_000: 90%"], "effective paths of 4,000"),
    ] {
        let message = refusal(views, &[]);
        assert!(message.contains(words), "{views:?}\n{message}");
    }
    let least = ["--set", "report.views_least_effective=\"99%\""];
    let message = refusal(&["mean BTC = 70_000"], &least);
    assert!(message.contains("allowed: at least 99 %"), "{message}");
}

#[test]
fn check_lists_the_views_and_inspect_knows_the_weights() {
    let view = ["--view", "BTC > 70_000: 40%"];
    let text = hedgesim(&[&["check", TOKEN], &view[..]].concat()).ended_with(0);
    assert!(
        text.contains("view: probability of BTC above 70,000 USD = 40 %\n"),
        "{text}"
    );
    let json = [&["check", TOKEN], &view[..], &["--format", "json"]].concat();
    let json: Value = serde_json::from_str(&hedgesim(&json).ended_with(0)).unwrap();
    assert_eq!(
        json["views"][0]["text"],
        "probability of BTC above 70,000 USD = 40 %"
    );
    let plain = hedgesim(&["check", TOKEN, "--format", "json"]).ended_with(0);
    assert!(!plain.contains("\"views\""));

    let out = empty_folder("views-outcomes");
    hedgesim(&[&RUN[..], &view[..], &["--out", text_of(&out)]].concat()).ended_with(0);
    let rows = read(&out.join("outcomes.csv"));
    let traced = empty_folder("views-inspect");
    let inspect = [
        "inspect",
        TOKEN,
        "--paths",
        "4000",
        "--out",
        text_of(&traced),
    ];
    hedgesim(&[&inspect[..], &view[..], &["--worst", "2"]].concat()).ended_with(0);
    let mut files = 0;
    for entry in fs::read_dir(&traced).unwrap() {
        let path = entry.unwrap().path();
        if text_of(&path).ends_with("-outcome.csv") {
            let row = read(&path).lines().nth(1).unwrap().to_owned();
            assert!(rows.lines().any(|line| line == row), "{row}");
            files += 1;
        }
    }
    assert_eq!(files, 2);
    // The weight of one path takes all paths: it is left empty.
    hedgesim(&[&inspect[..], &view[..], &["--path", "3"]].concat()).ended_with(0);
    let row = read(&traced.join("path-3-outcome.csv"));
    assert!(row.lines().nth(1).unwrap().starts_with("3,,"), "{row}");
}

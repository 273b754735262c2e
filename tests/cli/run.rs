//! `run`: formats, overrides, threads, limits.

use std::fs;

use crate::program::{SQUEEZE, TREASURY, empty_folder, hedgesim, lasting, read, text_of};

#[test]
fn the_text_report_is_on_standard_output_and_nothing_else_is_said() {
    let done = hedgesim(&["run", TREASURY, "--paths", "500"]);
    assert_eq!(done.stderr, "");
    let report = done.ended_with(0);
    for heading in [
        "In plain words",
        "Profit and loss against today's value",
        "Liquidation and margin calls",
        "Collateral",
        "Basis risk",
        "Your limits",
    ] {
        assert!(report.contains(heading), "{heading}\n{report}");
    }
}

#[test]
fn json_is_summary_json() {
    let folder = empty_folder("json-is-summary-json");
    let arguments = ["run", TREASURY, "--paths", "500", "--format", "json"];
    let printed = hedgesim(&[&arguments[..], &["--out", text_of(&folder)]].concat()).ended_with(0);
    assert_eq!(printed, read(&folder.join("summary.json")));
    // And the same without a folder.
    let alone = hedgesim(&arguments).ended_with(0);
    assert_eq!(lasting(&alone, true), lasting(&printed, true));
    let summary = lasting(&printed, true);
    assert_eq!(summary["format"], 1);
    assert_eq!(summary["paths"], 500);
    assert_eq!(
        summary["hedged"]["percentiles"].as_object().unwrap().len(),
        13
    );
}

#[test]
fn every_key_that_tools_rely_on_is_in_the_summary() {
    let json = hedgesim(&["run", TREASURY, "--paths", "2000", "--format", "json"]).ended_with(0);
    let summary = lasting(&json, true);
    let estimates = [
        "/unhedged/mean",
        "/unhedged/std_dev",
        "/hedged/var95",
        "/hedged/var99",
        "/hedged/es95",
        "/hedged/es99",
        "/hedged/percentiles/p1",
        "/hedge_effectiveness/variance",
        "/hedge_effectiveness/es95",
        "/liquidation/probability",
        "/liquidation/mean_day",
        "/liquidation/day/percentiles/p50",
        "/liquidation/hedged_given/mean",
        "/margin_call/probability",
        "/unmet_call/probability",
        "/collateral/peak/percentiles/p99",
        "/collateral/required/percentiles/p99",
        "/basis_risk/mean",
        "/basis_risk/std_dev",
        "/basis_risk/loss_probability",
        "/basis_risk/es95",
        "/attribution/all/funding_usd",
        "/attribution/worst5/liquidation_gap_usd",
        "/worse_than_unhedged",
        "/drawdown/mean",
        "/effective_price/mean",
        "/bankruptcy_loss/mean",
        "/bankruptcy_loss/probability",
    ];
    for path in estimates {
        let estimate = summary
            .pointer(path)
            .unwrap_or_else(|| panic!("{path} is missing"));
        assert!(estimate["value"].is_number(), "{path}: {estimate}");
        let interval = estimate["ci95"].as_array().expect(path);
        assert_eq!(interval.len(), 2, "{path}");
    }
    assert_eq!(summary["thresholds"].as_array().unwrap().len(), 3);
    assert_eq!(summary["limits"].as_array().unwrap().len(), 1);
}

#[test]
fn markdown_has_headings_and_tables() {
    let report =
        hedgesim(&["run", TREASURY, "--paths", "500", "--format", "markdown"]).ended_with(0);
    assert!(report.starts_with("# 50,000 ETH"), "{report}");
    let is_table = |line: &&str| line.starts_with('|') && line.ends_with('|');
    assert!(report.lines().filter(is_table).count() > 40, "{report}");
    let rules = report.lines().filter(|line| line.starts_with("| :-"));
    assert!(rules.count() >= 6, "each table has its rule\n{report}");
}

#[test]
fn an_override_does_what_an_edited_file_does() {
    let folder = empty_folder("override-as-edited");
    let text = read(TREASURY.as_ref());
    let given = "collateral_usd = 60_000_000";
    assert_eq!(text.matches(given).count(), 1);
    let edited = folder.join("edited.toml");
    fs::write(&edited, text.replace(given, "collateral_usd = 75_000_000")).unwrap();
    let options = ["--paths", "700", "--format", "json"];
    let run = |scenario: &str, more: &[&str]| {
        let json = hedgesim(&[&["run", scenario], &options[..], more].concat()).ended_with(0);
        lasting(&json, false)
    };
    let by_set = run(
        TREASURY,
        &["--set", "accounts.main.collateral_usd=75_000_000"],
    );
    assert_eq!(run(text_of(&edited), &[]), by_set);
    assert_ne!(run(TREASURY, &[]), by_set, "the override matters");
}

#[test]
fn paths_and_seed_are_short_for_overrides_and_the_later_one_counts() {
    let run = |more: &[&str]| {
        let json = hedgesim(&[&["run", SQUEEZE, "--format", "json"], more].concat()).ended_with(0);
        lasting(&json, false)
    };
    let short = run(&["--paths", "300", "--seed", "7"]);
    assert_eq!(
        run(&[
            "--set",
            "simulation.paths=300",
            "--set",
            "simulation.seed=7"
        ]),
        short
    );
    assert_eq!(short["seed"], 7);
    assert_eq!(short["paths"], 300);
    assert_eq!(
        run(&[
            "--set",
            "simulation.seed=3",
            "--paths",
            "300",
            "--seed",
            "7"
        ]),
        short
    );
}

#[test]
fn threads_change_no_bit() {
    for scenario in [TREASURY, "scenarios/token-cross-beta.toml"] {
        let folder = empty_folder("threads");
        let run = |threads: &str| {
            let out = folder.join(threads);
            let place = text_of(&out);
            hedgesim(&[
                "run",
                scenario,
                "--paths",
                "5000",
                "--threads",
                threads,
                "--out",
                place,
            ])
            .ended_with(0);
            (
                read(&out.join("outcomes.csv")),
                read(&out.join("percentiles.csv")),
                lasting(&read(&out.join("summary.json")), true),
            )
        };
        let (one, three) = (run("1"), run("3"));
        assert!(one.0 == three.0, "{scenario}: outcomes.csv");
        assert_eq!(one.1, three.1);
        assert_eq!(one.2, three.2);
    }
}

#[test]
fn fewer_paths_are_the_first_of_more() {
    let folder = empty_folder("fewer-paths");
    let rows = |paths: &str| {
        let out = folder.join(paths);
        hedgesim(&["run", SQUEEZE, "--paths", paths, "--out", text_of(&out)]).ended_with(0);
        let text = read(&out.join("outcomes.csv"));
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (few, more) = (rows("97"), rows("300"));
    assert_eq!(
        (few.len(), more.len()),
        (98, 301),
        "a head and a row a path"
    );
    assert_eq!(few[..], more[..98]);
}

#[test]
fn a_broken_limit_is_exit_code_3_and_the_report_is_printed() {
    let limit = |require: &str| format!("limits=[{{ require = \"{require}\" }}]");
    let run = |require: &str| {
        let limit = limit(require);
        hedgesim(&["run", SQUEEZE, "--paths", "2000", "--set", &limit])
    };
    let broken = run("liquidation.probability <= 0.1%").ended_with(3);
    assert!(
        broken.contains("broken: liquidation.probability <= 0.1%"),
        "{broken}"
    );
    let kept = run("liquidation.probability >= 0.1%").ended_with(0);
    assert!(
        kept.contains("kept: liquidation.probability >= 0.1%"),
        "{kept}"
    );
    // What the paths cannot tell breaks nothing.
    let unknown = run("hedged.percentiles.p0.1 >= 0").code;
    assert!(unknown == Some(0) || unknown == Some(3));
    let json = hedgesim(&[
        "run",
        SQUEEZE,
        "--paths",
        "2000",
        "--format",
        "json",
        "--set",
        &limit("liquidation.probability <= 0.1%"),
    ])
    .ended_with(3);
    assert_eq!(lasting(&json, true)["limits"][0]["status"], "broken");
}

#[test]
fn without_a_hedge_both_columns_are_the_same() {
    let arguments = ["run", SQUEEZE, "--paths", "400", "--format", "json"];
    let no_hedge = ["--set", "hedges.0.ratio.fixed=0", "--set", "limits=[]"];
    let json = hedgesim(&[&arguments[..], &no_hedge].concat()).ended_with(0);
    let summary = lasting(&json, true);
    assert_eq!(summary["hedged"], summary["unhedged"]);
    assert_eq!(summary["liquidation"]["probability"]["value"], 0.0);
    assert_eq!(summary["hedge_effectiveness"]["variance"]["value"], 0.0);
}

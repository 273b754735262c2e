//! `inspect`: one path alone, from the same random numbers.

use std::path::Path;

use serde_json::Value;

use crate::program::{
    SQUEEZE, TREASURY, empty_folder, hedgesim, lasting, read, scenarios, text_of,
};

/// Paths at the edges of blocks and in their middle; the last one stands in a block that is not full.
const PATHS: [usize; 7] = [0, 1, 31, 64, 127, 300, 402];

fn outcomes(scenario: &str, folder: &Path) -> Vec<String> {
    let done = hedgesim(&["run", scenario, "--paths", "403", "--out", text_of(folder)]);
    // 3: done, and a limit of the scenario is broken, or cannot be told from so few paths.
    assert!(matches!(done.code, Some(0 | 3)), "{}", done.stderr);
    let text = read(&folder.join("outcomes.csv"));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_path_alone_is_its_row_of_outcomes_to_the_last_digit() {
    let folder = empty_folder("inspect-row");
    for scenario in scenarios() {
        let scenario = text_of(&scenario);
        let rows = outcomes(scenario, &folder);
        for path in PATHS {
            let number = path.to_string();
            let arguments = ["inspect", scenario, "--paths", "403", "--path", &number];
            hedgesim(&[&arguments[..], &["--out", text_of(&folder)]].concat()).ended_with(0);
            let alone = read(&folder.join(format!("path-{path}-outcome.csv")));
            assert_eq!(
                alone,
                format!("{}\n{}\n", rows[0], rows[path + 1]),
                "{scenario} {path}"
            );
            let text = hedgesim(&arguments).ended_with(0);
            let (_, listed) = text
                .split_once("Its row of outcomes.csv:\n")
                .expect("a row");
            let cells: Vec<(&str, &str)> = listed
                .lines()
                .map(|line| line.trim().split_once(' ').expect("name and value"))
                .map(|(name, value)| (name, value.trim().trim_matches('-')))
                .collect();
            let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.join(","), rows[0], "{scenario} {path}");
            let fields: Vec<&str> = rows[path + 1].split(',').collect();
            for ((name, value), field) in cells.into_iter().zip(fields) {
                assert_eq!(value, field.trim_matches('-'), "{scenario} {path} {name}");
            }
        }
    }
}

#[test]
fn json_and_csv_say_the_same_as_the_row() {
    let folder = empty_folder("inspect-forms");
    let rows = outcomes(TREASURY, &folder);
    let arguments = [
        "inspect", TREASURY, "--paths", "403", "--path", "17", "--format",
    ];
    let json = hedgesim(&[&arguments[..], &["json"]].concat()).ended_with(0);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["format"], 1);
    let path = &json["paths"][0];
    assert_eq!(path["path"], 17);
    for (name, field) in rows[0].split(',').zip(rows[18].split(',')) {
        let number: Option<f64> = field.parse().ok();
        assert_eq!(path["outcome"][name].as_f64(), number, "{name}");
    }
    let steps = path["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 271);
    let csv = hedgesim(&[&arguments[..], &["csv"]].concat()).ended_with(0);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 272);
    let column = |name: &str| {
        lines[0]
            .split(',')
            .position(|other| other == name)
            .expect(name)
    };
    for (line, step) in lines[1..].iter().zip(steps) {
        let cell = |name: &str| {
            line.split(',')
                .nth(column(name))
                .unwrap()
                .parse::<f64>()
                .ok()
        };
        for name in [
            "mark_usd",
            "equity_usd",
            "short_base",
            "funding_usd",
            "margin_ratio",
        ] {
            assert_eq!(cell(name), step[name].as_f64(), "{name}: {line}");
        }
    }
    // What was paid step by step is what the row says in the end.
    assert_eq!(
        steps[270]["funding_usd"], path["outcome"]["funding_usd"],
        "funding"
    );
    assert_eq!(
        steps[270]["spot_usd"]["ETH"],
        path["outcome"]["terminal_spot_ETH"]
    );
}

#[test]
fn the_files_of_a_folder_are_what_is_printed() {
    let folder = empty_folder("inspect-files");
    let arguments = ["inspect", SQUEEZE, "--paths", "200", "--path", "5"];
    let done = hedgesim(&[&arguments[..], &["--out", text_of(&folder)]].concat());
    assert_eq!(done.ended_with(0), "", "the files stand instead of a print");
    let printed = hedgesim(&[&arguments[..], &["--format", "csv"]].concat()).ended_with(0);
    assert_eq!(printed, read(&folder.join("path-5.csv")));
}

#[test]
fn the_worst_paths_have_the_smallest_hedged_result() {
    let folder = empty_folder("inspect-worst");
    for scenario in [TREASURY, SQUEEZE] {
        let rows = outcomes(scenario, &folder);
        let mut hedged: Vec<(f64, usize)> = rows[1..]
            .iter()
            .enumerate()
            .map(|(path, row)| (row.split(',').nth(3).unwrap().parse().unwrap(), path))
            .collect();
        assert_eq!(rows[0].split(',').nth(3), Some("hedged_pnl_usd"));
        hedged.sort_by(|a, b| a.0.total_cmp(&b.0));
        let expected: Vec<String> = hedged[..3]
            .iter()
            .map(|(_, path)| path.to_string())
            .collect();
        let arguments = ["inspect", scenario, "--paths", "403", "--worst", "3"];
        let text = hedgesim(&arguments).ended_with(0);
        let shown: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("Path ")?.split(' ').next())
            .collect();
        assert_eq!(shown, expected, "{scenario}");
        let csv = hedgesim(&[&arguments[..], &["--format", "csv"]].concat()).ended_with(0);
        let mut paths: Vec<&str> = csv
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').next())
            .collect();
        paths.dedup();
        assert_eq!(paths, expected);
        // A hedge that fails is a story of liquidation.
        assert!(text.contains("LIQUIDATED at mark "), "{text}");
    }
}

#[test]
fn more_worst_paths_than_there_are_is_all_of_them() {
    let arguments = ["inspect", SQUEEZE, "--paths", "4", "--worst", "10"];
    let text = hedgesim(&arguments).ended_with(0);
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("Path "))
            .count(),
        4
    );
}

#[test]
fn the_story_tells_each_event_that_the_row_counts() {
    let folder = empty_folder("inspect-story");
    let rows = outcomes(TREASURY, &folder);
    let place = |name: &str| {
        rows[0]
            .split(',')
            .position(|other| other == name)
            .expect(name)
    };
    let (liquidations, calls) = (place("liquidations"), place("margin_calls"));
    let count = |path: usize, column: usize| -> usize {
        rows[path + 1]
            .split(',')
            .nth(column)
            .unwrap()
            .parse()
            .unwrap()
    };
    let eventful = (0..403).find(|path| count(*path, liquidations) > 0 && count(*path, calls) > 1);
    let quiet = (0..403).find(|path| count(*path, liquidations) + count(*path, calls) == 0);
    for path in [
        eventful.expect("an eventful path"),
        quiet.expect("a quiet path"),
    ] {
        let number = path.to_string();
        let text =
            hedgesim(&["inspect", TREASURY, "--paths", "403", "--path", &number]).ended_with(0);
        let told = |words: &str| text.matches(words).count();
        assert_eq!(told("LIQUIDATED"), count(path, liquidations), "{text}");
        // Money may be asked for again within one counted call.
        let asked = told("margin call at a ratio of");
        assert!(asked >= count(path, calls), "{text}");
        assert_eq!(asked > 0, count(path, calls) > 0, "{text}");
        assert_eq!(told("inventory sold: 50,000 ETH"), 1, "{text}");
        let closed = usize::from(count(path, liquidations) == 0);
        assert_eq!(
            told("hedge closed: 50,000 ETH bought back"),
            closed,
            "{text}"
        );
        assert_eq!(
            told("Day 0: 50,000 ETH sold short at mark 3,500.70"),
            1,
            "{text}"
        );
    }
}

#[test]
fn all_steps_are_shown_when_asked_for() {
    let rows = |more: &[&str]| {
        let arguments = ["inspect", SQUEEZE, "--paths", "50", "--path", "3"];
        let text = hedgesim(&[&arguments[..], more].concat()).ended_with(0);
        let table = text.split_once("   day ").expect("a table").1;
        let table = table.split_once("\n\n").expect("an end").0.to_owned();
        // Events are set in further than any day.
        let is_row = |line: &&str| !line.starts_with("        ");
        table.lines().skip(1).filter(is_row).count()
    };
    assert_eq!(rows(&["--all"]), 91);
    assert!(rows(&[]) < 91);
}

#[test]
fn threads_and_the_number_of_paths_do_not_change_a_path() {
    let json = |more: &[&str]| {
        let arguments = ["inspect", TREASURY, "--path", "40", "--format", "json"];
        hedgesim(&[&arguments[..], more].concat()).ended_with(0)
    };
    let alone = json(&["--threads", "1"]);
    assert_eq!(json(&["--threads", "3", "--paths", "41"]), alone);
    assert_ne!(json(&["--seed", "2"]), alone);
}

#[test]
fn which_path_must_be_said_and_must_be_there() {
    let refused = |more: &[&str]| hedgesim(&[&["inspect", SQUEEZE], more].concat()).refused();
    assert!(refused(&[]).contains("--path <K>|--worst <N>"));
    assert!(refused(&["--path", "1", "--worst", "1"]).contains("cannot be used with"));
    let message = refused(&["--path", "100000"]);
    assert!(
        message.contains("no path 100000; allowed: 0 to 99999"),
        "{message}"
    );
    for number in ["-1", "1.5", "x"] {
        refused(&["--path", number]);
    }
    refused(&["--worst", "0"]);
}

#[test]
fn the_worst_path_is_the_minimum_of_the_summary() {
    let json = hedgesim(&["run", SQUEEZE, "--paths", "999", "--format", "json"]).ended_with(0);
    let summary = lasting(&json, true);
    let worst = hedgesim(&[
        "inspect", SQUEEZE, "--paths", "999", "--worst", "1", "--format", "json",
    ]);
    let worst: Value = serde_json::from_str(&worst.ended_with(0)).expect("JSON");
    // 0.1 % of 999 paths lies under the first: the left inverse is the smallest value.
    assert_eq!(
        worst["paths"][0]["outcome"]["hedged_pnl_usd"],
        summary["hedged"]["percentiles"]["p0.1"]["value"]
    );
}

#[test]
fn more_paths_than_there_are_is_told() {
    let arguments = ["inspect", SQUEEZE, "--paths", "5", "--worst", "50"];
    let done = hedgesim(&arguments);
    assert_eq!(
        done.stderr,
        "there are only 5 paths, not 50: all are shown\n"
    );
    assert_eq!(done.ended_with(0).matches("Path ").count(), 5);
}

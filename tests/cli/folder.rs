//! `run --out`: the folder that a run leaves.

use std::fs;
use std::path::Path;

use crate::program::{
    SQUEEZE, TREASURY, empty_folder, hedgesim, lasting, read, scenarios, text_of,
};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a plain name");
    let mut names: Vec<String> = entries
        .map(|entry| name(entry.expect("an entry")))
        .collect();
    names.sort();
    names
}

const FILES: [&str; 4] = [
    "outcomes.csv",
    "percentiles.csv",
    "scenario.toml",
    "summary.json",
];

#[test]
fn the_scenario_of_a_folder_reproduces_the_folder() {
    let folder = empty_folder("reproduced");
    for scenario in scenarios() {
        let (first, again) = (folder.join("first"), folder.join("again"));
        hedgesim(&[
            "run",
            text_of(&scenario),
            "--paths",
            "600",
            "--seed",
            "12",
            "--set",
            "execution.slippage=\"4bps\"",
            "--out",
            text_of(&first),
        ])
        .ended_with(0);
        assert_eq!(names(&first), FILES);
        let as_run = first.join("scenario.toml");
        hedgesim(&["run", text_of(&as_run), "--out", text_of(&again)]).ended_with(0);
        for file in ["outcomes.csv", "percentiles.csv", "scenario.toml"] {
            let (one, two) = (read(&first.join(file)), read(&again.join(file)));
            assert!(one == two, "{} {file}", scenario.display());
        }
        let summary = |folder: &Path| lasting(&read(&folder.join("summary.json")), true);
        assert_eq!(summary(&first), summary(&again), "{}", scenario.display());
    }
}

#[test]
fn what_the_folder_says_agrees_with_itself() {
    let folder = empty_folder("agrees");
    hedgesim(&[
        "run",
        TREASURY,
        "--paths",
        "1000",
        "--out",
        text_of(&folder),
    ])
    .ended_with(0);
    let outcomes = read(&folder.join("outcomes.csv"));
    let mut lines = outcomes
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let rows: Vec<Vec<&str>> = lines.collect();
    let values = |name: &str| -> Vec<f64> {
        let column = head.iter().position(|other| *other == name).expect(name);
        let value = |row: &Vec<&str>| row[column].parse().unwrap_or(f64::NAN);
        rows.iter().map(value).collect()
    };
    let summary = lasting(&read(&folder.join("summary.json")), true);
    let mean = |name: &str| values(name).iter().sum::<f64>() / rows.len() as f64;
    let is_near = |path: &str, expected: f64| {
        let value = summary
            .pointer(path)
            .and_then(|value| value["value"].as_f64());
        let value = value.expect(path);
        // Sums in another order: some units in the last place of the largest term, 1e8.
        assert!(
            (value - expected).abs() <= 1e-6,
            "{path}: {value}, rows say {expected}"
        );
    };
    is_near("/hedged/mean", mean("hedged_pnl_usd"));
    is_near("/attribution/all/funding_usd", mean("funding_usd"));
    is_near("/liquidation/probability", mean("liquidated"));
    // The 5 % quantile is the 50th of 1,000 outcomes, in the summary and in the table of percentiles.
    let mut hedged = values("hedged_pnl_usd");
    hedged.sort_by(f64::total_cmp);
    is_near("/hedged/percentiles/p5", hedged[49]);
    let percentiles = read(&folder.join("percentiles.csv"));
    let row = percentiles
        .lines()
        .find(|line| line.starts_with("hedged_pnl_usd,"));
    let p5: f64 = row
        .expect("the hedged row")
        .split(',')
        .nth(4)
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(p5.to_bits(), hedged[49].to_bits());
    // The identity, as a reader of the file would check it.
    let parts = [
        "unhedged_pnl_usd",
        "ideal_offset_usd",
        "tracking_usd",
        "futures_basis_usd",
        "funding_usd",
        "roll_usd",
        "options_usd",
        "fees_usd",
        "slippage_usd",
        "liquidation_usd",
        "liquidation_gap_usd",
        "financing_usd",
        "collateral_revaluation_usd",
    ]
    .map(values);
    for (path, hedged) in values("hedged_pnl_usd").into_iter().enumerate() {
        let sum: f64 = parts.iter().map(|part| part[path]).sum();
        assert!(
            (sum - hedged).abs() < 1e-4,
            "path {path}: {sum} and {hedged}"
        );
    }
}

#[test]
fn a_file_in_the_way_is_refused_and_stays() {
    let folder = empty_folder("file-in-the-way");
    let file = folder.join("results");
    fs::write(&file, "mine").unwrap();
    let inside = file.join("inside");
    for place in [&file, &inside] {
        for command in [
            &["run", SQUEEZE, "--paths", "50"][..],
            &["inspect", SQUEEZE, "--paths", "50", "--path", "1"],
        ] {
            let message = hedgesim(&[command, &["--out", text_of(place)]].concat()).refused();
            assert!(message.contains("results"), "{message}");
        }
    }
    assert_eq!(read(&file), "mine");
    assert_eq!(names(&folder), ["results"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_written_is_refused_before_the_simulation() {
    // Nobody, not even root, creates files there.
    for place in ["/proc", "/proc/hedgesim-results"] {
        let message = hedgesim(&["run", SQUEEZE, "--paths", "50", "--out", place]).refused();
        assert!(message.contains("cannot"), "{message}");
    }
}

#[test]
fn a_refused_run_makes_no_folder() {
    let folder = empty_folder("refused-run").join("results");
    let place = text_of(&folder);
    hedgesim(&["run", SQUEEZE, "--paths", "0", "--out", place]).refused();
    hedgesim(&[
        "inspect", SQUEEZE, "--paths", "50", "--path", "50", "--out", place,
    ])
    .refused();
    assert!(!folder.exists());
}

#[test]
fn a_second_run_replaces_the_first_and_leaves_other_files_alone() {
    let folder = empty_folder("second-run");
    let run = |paths: &str| {
        hedgesim(&["run", SQUEEZE, "--paths", paths, "--out", text_of(&folder)]).ended_with(0);
    };
    run("60");
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    run("40");
    assert_eq!(read(&folder.join("outcomes.csv")).lines().count(), 41);
    assert_eq!(read(&folder.join("notes.txt")), "mine");
    assert_eq!(names(&folder).len(), 5, "nothing half-written is left");
}

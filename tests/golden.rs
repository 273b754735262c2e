//! Every shipped scenario at few paths: its report and its first outcomes, digit by digit, in `tests/golden/NAME.txt`.
//!
//! The numbers are the same on every x86-64 processor with FMA and for any number of threads. When a change is meant to move
//! them, `GOLDEN=update cargo test --release --test golden` writes them anew; the commit says why they moved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Paths of each run: enough for every line of the report to say something.
const PATHS: &str = "2000";

/// Rows of `outcomes.csv` that are kept.
const ROWS: usize = 5;

fn scenarios() -> Vec<PathBuf> {
    let entries = fs::read_dir("scenarios").expect("the scenarios");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    found.sort();
    found
}

/// The last line of a report, `hedgesim 0.1.0, 0.42 s.`, says how long the run took: the golden file does not.
fn without_time(report: &str) -> String {
    let is_lasting = |line: &&str| !line.starts_with("hedgesim ");
    let lines: Vec<&str> = report.lines().filter(is_lasting).collect();
    assert_eq!(lines.len() + 1, report.lines().count(), "{report}");
    lines.join("\n").trim_end().to_owned()
}

fn run(scenario: &Path) -> String {
    let name = scenario.file_stem().expect("a name");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("golden")
        .join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_hedgesim"))
        .arg("run")
        .arg(scenario)
        .args(["--paths", PATHS, "--color", "never", "--out"])
        .arg(&folder)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report = without_time(&String::from_utf8(output.stdout).expect("text"));
    let outcomes = fs::read_to_string(folder.join("outcomes.csv")).expect("outcomes.csv");
    let rows: Vec<&str> = outcomes.lines().take(ROWS + 1).collect();
    format!(
        "{report}\n\noutcomes.csv\n------------\n{}\n",
        rows.join("\n")
    )
}

/// Where two texts part: the first line that differs, in both.
fn difference(expected: &str, found: &str) -> String {
    let mut lines = expected.lines().zip(found.lines()).enumerate();
    match lines.find(|(_, (one, other))| one != other) {
        Some((at, (one, other))) => {
            format!("line {}\n  expected {one}\n  found    {other}", at + 1)
        }
        None => "one is longer than the other".to_owned(),
    }
}

#[test]
fn every_scenario_says_what_it_said() {
    let is_update = std::env::var("GOLDEN").is_ok_and(|value| value == "update");
    let scenarios = scenarios();
    assert!(scenarios.len() >= 5, "{} scenarios", scenarios.len());
    let mut moved = Vec::new();
    for scenario in &scenarios {
        let name = scenario.file_stem().expect("a name");
        let golden = Path::new("tests/golden").join(name).with_extension("txt");
        let found = run(scenario);
        if is_update {
            fs::write(&golden, &found).expect("the golden file can be written");
            continue;
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != found {
            moved.push(format!(
                "{}: {}",
                golden.display(),
                difference(&expected, &found)
            ));
        }
    }
    assert!(
        moved.is_empty(),
        "numbers or words moved\n{}",
        moved.join("\n")
    );
}

#[test]
fn no_golden_file_is_without_its_scenario() {
    let names: Vec<_> = scenarios()
        .iter()
        .map(|path| path.file_stem().expect("a name").to_owned())
        .collect();
    for entry in fs::read_dir("tests/golden").expect("the golden files") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_owned();
        assert!(names.contains(&name), "{}", path.display());
    }
}

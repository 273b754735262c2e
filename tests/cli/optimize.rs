//! `optimize`: the best point, what it says of itself, what is refused.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{
    Done, SQUEEZE, TREASURY, command, empty_folder, hedgesim, lasting, read, text_of,
};

const RATIO: &str = "hedges.0.ratio.fixed=0:1:0.25";
const POSTED: &str = "accounts.main.collateral_usd=4e7:8e7:2e7";

fn optimize(more: &[&str]) -> Value {
    let arguments = [
        &["optimize", TREASURY, "--paths", "2000", "--format", "json"][..],
        more,
    ]
    .concat();
    lasting(&hedgesim(&arguments).ended_with(0), true)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_best_point_keeps_its_limits_on_fresh_random_numbers() {
    let limit = "liquidation.probability <= 5%";
    let found = optimize(&[
        "--minimize",
        "es95",
        "--subject-to",
        limit,
        "--over",
        RATIO,
        "--over",
        POSTED,
    ]);
    assert_eq!(found["feasible"], true);
    assert_eq!(found["format"], 1);
    assert_eq!(found["objective"]["path"], "hedged.es95");
    let best = &found["best"];
    assert!(number(&best["liquidation"]["probability"]["ci95"][1]) <= 0.05);
    assert_eq!(best["seed"], found["fresh_seed"]);
    assert_ne!(found["seed"], found["fresh_seed"]);
    assert_eq!(best["objective"], best["hedged"]["es95"]);
    assert_eq!(found["binding"], serde_json::json!([limit]));
    // The scenario's own limit holds as well.
    let constraints = found["constraints"].as_array().unwrap();
    let froms: Vec<&str> = constraints
        .iter()
        .map(|constraint| constraint["from"].as_str().unwrap())
        .collect();
    assert_eq!(froms, ["argument", "scenario"]);
    for constraint in constraints {
        assert_eq!(constraint["status"], "kept");
        assert!(number(&constraint["slack"]) >= 0.0);
    }
    let points = &found["points"];
    assert_eq!(points["grid"], 15);
    assert!(number(&points["refinement"]) > 8.0);
    // Without the limit more could be had.
    let unconstrained = number(&found["unconstrained"]["objective"]["value"]);
    assert!(unconstrained < number(&best["objective_in_search"]["value"]));
    assert!(!found["runners_up"].as_array().unwrap().is_empty());
}

#[test]
fn the_best_point_is_what_run_says_of_it() {
    let found = optimize(&["--minimize", "std_dev", "--over", RATIO, "--refine", "2"]);
    let best = &found["best"];
    let ratio = number(&best["at"]["hedges.0.ratio.fixed"]);
    let set = format!("hedges.0.ratio.fixed={ratio}");
    let run = |seed: &Value| {
        let seed = seed.to_string();
        let arguments = ["run", TREASURY, "--paths", "2000", "--format", "json"];
        let more = ["--set", &set, "--seed", &seed];
        lasting(
            &hedgesim(&[&arguments[..], &more].concat()).ended_with(0),
            true,
        )
    };
    let fresh = run(&found["fresh_seed"]);
    for (key, value) in fresh.as_object().unwrap() {
        if key != "scenario" {
            assert_eq!(&best[key], value, "{key}");
        }
    }
    let of_search = run(&found["seed"]);
    assert_eq!(best["objective_in_search"], of_search["hedged"]["std_dev"]);
}

#[test]
fn a_ratio_of_a_pilot_is_that_of_the_search() {
    let posted = "accounts.main.collateral_usd,accounts.main.reserve_usd=(6e7,4e7),(8e7,2e7)";
    let found = optimize(&[
        "--minimize",
        "es95",
        "--over",
        posted,
        "--over",
        "simulation.horizon=90d,2160h",
        "--set",
        "hedges.0.ratio={ minimum_variance = {} }",
    ]);
    let at = found["best"]["at"].as_object().unwrap();
    assert_eq!(at.len(), 3);
    let confirmation = &found["confirmation"];
    assert_eq!(confirmation["tried"], 1);
    assert!((number(&confirmation["level"]) - 0.975).abs() < 1e-12);
    let mut arguments: Vec<String> = ["run", TREASURY, "--paths", "2000", "--format", "json"]
        .map(str::to_owned)
        .to_vec();
    let ratio = "hedges.0.ratio={ minimum_variance = {} }".to_owned();
    let mut sets = vec![ratio];
    sets.extend(at.iter().map(|(path, value)| match value.as_str() {
        Some(word) => format!("{path}={word}"),
        None => format!("{path}={value}"),
    }));
    for set in sets {
        arguments.extend(["--set".to_owned(), set]);
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run: Value = serde_json::from_str(&hedgesim(&words).ended_with(0)).unwrap();
    let best = &found["best"];
    assert_eq!(best["objective_in_search"], run["hedged"]["es95"]);
    // The ratio that was found stands in the notes.
    assert!(best["notes"].to_string().contains("The ratio of hedge 1"));
    assert_eq!(best["notes"], run["notes"]);
}

#[test]
fn the_frontier_holds_no_point_that_another_beats() {
    let found = optimize(&["--minimize", "es95", "--over", RATIO, "--over", POSTED]);
    let frontier = found["frontier"].as_array().unwrap();
    assert!(frontier.len() > 3);
    let risks = |point: &Value| {
        ["es95", "capital", "liquidation_probability"].map(|key| number(&point[key]["value"]))
    };
    for (i, a) in frontier.iter().enumerate() {
        for (j, b) in frontier.iter().enumerate() {
            let pairs = risks(a).into_iter().zip(risks(b));
            let is_beaten = i != j && pairs.into_iter().all(|(a, b)| b <= a);
            assert!(!is_beaten, "{a} by {b}");
        }
    }
    let marked = frontier.iter().filter(|point| point["best"] == true);
    assert_eq!(marked.count(), 1, "the least shortfall is on it");
}

#[test]
fn threads_change_no_bit() {
    let run = |threads: &str| {
        optimize(&[
            "--minimize",
            "alexander-deng-zou",
            "--over",
            RATIO,
            "--threads",
            threads,
        ])
    };
    let (one, three) = (run("1"), run("3"));
    assert_eq!(one, three);
    assert_eq!(one["objective"]["liquidation_price"], 1.0);
    assert_eq!(one["best"]["alexander_deng_zou"], one["best"]["objective"]);
    // A dearer liquidation asks for a smaller hedge.
    let dear = optimize(&[
        "--minimize",
        "alexander-deng-zou",
        "--liquidation-price",
        "20",
        "--over",
        RATIO,
    ]);
    let ratio = |found: &Value| number(&found["best"]["at"]["hedges.0.ratio.fixed"]);
    assert!(
        ratio(&dear) < ratio(&one),
        "{} {}",
        ratio(&dear),
        ratio(&one)
    );
}

#[test]
fn the_files_are_whole_and_the_scenario_runs() {
    let folder = empty_folder("optimize-files");
    let place = text_of(&folder);
    let arguments = [
        "optimize",
        TREASURY,
        "--paths",
        "1000",
        "--minimize",
        "es95",
    ];
    let more = ["--over", RATIO, "--format", "json", "--out", place];
    let printed = hedgesim(&[&arguments[..], &more].concat()).ended_with(0);
    assert_eq!(read(&folder.join("optimize.json")), printed);
    let found = lasting(&printed, true);
    let csv = read(&folder.join("frontier.csv"));
    let mut lines = csv.lines();
    let head = lines.next().unwrap();
    assert!(head.starts_with("hedges.0.ratio.fixed,es95_usd,es95_usd_std_error,"));
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), found["frontier"].as_array().unwrap().len());
    let columns = head.split(',').count();
    assert!(rows.iter().all(|row| row.split(',').count() == columns));
    assert_eq!(rows.iter().filter(|row| row.ends_with(",true")).count(), 1);
    // The best scenario gives what the search saw.
    let scenario = folder.join("scenario.toml");
    let run = ["run", text_of(&scenario), "--format", "json"];
    let summary = lasting(&hedgesim(&run).ended_with(0), true);
    assert_eq!(
        summary["hedged"]["es95"],
        found["best"]["objective_in_search"]
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn the_report_gives_the_answer_first() {
    let arguments = [
        "optimize",
        TREASURY,
        "--paths",
        "1000",
        "--minimize",
        "es95",
    ];
    let more = ["--subject-to", "liquidation <= 8%", "--over", RATIO];
    let done = hedgesim(&[&arguments[..], &more].concat());
    assert_eq!(done.stderr, "");
    let report = done.ended_with(0);
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let answer = words.find("Best: hedge ratio 0.").expect("an answer");
    for part in [
        "What binds: liquidation <= 8%.",
        "Your limits",
        "How sure is it",
        "Efficient frontier",
        "What was not tried",
        "seed 1",
    ] {
        assert!(words.contains(part), "{part}\n{report}");
    }
    for heading in ["Your limits", "Efficient frontier"] {
        assert!(answer < words.find(heading).unwrap());
    }
    let markdown = [&arguments[..], &more, &["--format", "markdown"]].concat();
    let markdown = hedgesim(&markdown).ended_with(0);
    assert!(markdown.starts_with("# The best hedge: 50,000 ETH"));
    assert!(markdown.contains("## Efficient frontier"));
}

#[test]
fn no_point_that_keeps_the_limits_is_exit_code_3() {
    let run = |more: &[&str]| {
        let arguments = [
            "optimize",
            TREASURY,
            "--paths",
            "1000",
            "--minimize",
            "es95",
        ];
        let limits = [
            "--subject-to",
            "liquidation.probability <= 20%",
            "--subject-to",
            "hedge_effectiveness.variance >= 99%",
            "--over",
            RATIO,
        ];
        hedgesim(&[&arguments[..], &limits, more].concat()).ended_with(3)
    };
    let found = lasting(&run(&["--format", "json"]), true);
    assert_eq!(found["feasible"], false);
    assert!(found["best"].is_null());
    let binding = serde_json::json!(["hedge_effectiveness.variance >= 99%"]);
    assert_eq!(found["binding"], binding);
    let reachable = number(&found["constraints"][1]["reachable"]);
    assert!((0.0..0.99).contains(&reachable), "{reachable}");
    assert_eq!(found["nearest"]["not_kept"], binding);
    let report = run(&[]);
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "No point keeps all limits",
        "In the way: hedge_effectiveness.variance >= 99%.",
        "Closest reachable (the far end of the 95 % interval): ",
        "What is assumed",
        "Nearest to keeping them all: hedge ratio",
    ] {
        assert!(words.contains(part), "{part}\n{report}");
    }
    // The folder holds the nearest, under a comment that says so.
    let folder = empty_folder("optimize-nothing");
    run(&["--out", text_of(&folder)]);
    let scenario = read(&folder.join("scenario.toml"));
    assert!(scenario.starts_with("# hedgesim optimize: none of "));
    hedgesim(&["check", text_of(&folder.join("scenario.toml"))]).ended_with(0);
    // It holds the limits, which a run of it then breaks.
    hedgesim(&["run", text_of(&folder.join("scenario.toml"))]).ended_with(3);
}

#[test]
fn the_best_scenario_holds_its_limits_under_their_whole_paths() {
    let folder = empty_folder("optimize-limits");
    let limits = ["liquidation <= 20%", "es95 <= 9e8"];
    let mut more = vec!["--minimize", "es95", "--over", RATIO, "--out"];
    more.push(text_of(&folder));
    for limit in limits {
        more.extend(["--subject-to", limit]);
    }
    let found = optimize(&more);
    let scenario = read(&folder.join("scenario.toml"));
    let seed = format!("`--seed {}`", found["fresh_seed"]);
    assert!(scenario.lines().nth(1).unwrap().contains(&seed));
    let file = folder.join("scenario.toml");
    let run = ["run", text_of(&file), "--format", "json"];
    let summary = lasting(&hedgesim(&run).ended_with(0), true);
    let required: Vec<&str> = summary["limits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| limit["require"].as_str().unwrap())
        .collect();
    // The scenario's own first.
    assert_eq!(
        required[1..],
        ["liquidation.probability <= 20%", "hedged.es95 <= 9e8"]
    );
}

#[test]
fn an_objective_against_its_nature_is_told() {
    let arguments = ["--over", "hedges.0.ratio.fixed=0,0.5", "--minimize", "p5"];
    let found = optimize(&arguments);
    let note = found["notes"][0].as_str().expect("a note");
    assert!(note.contains("seeks the worst point"), "{note}");
    let least = optimize(&[&arguments[..3], &["es95"]].concat());
    assert_eq!(least["notes"], serde_json::json!([]));
}

#[test]
fn what_so_few_paths_cannot_tell_is_not_kept() {
    let arguments = ["optimize", TREASURY, "--paths", "200", "--minimize", "es95"];
    let limits = ["--subject-to", "p0.1 >= -1e12", "--over", RATIO];
    let report = hedgesim(&[&arguments[..], &limits].concat()).ended_with(3);
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = "In the way: p0.1 >= -1e12. Its value has no interval on so few paths";
    assert!(words.contains(wanted), "{report}");
}

#[test]
fn points_that_the_venue_refuses_are_none_to_choose() {
    // 5 million carry a small short only.
    let found = optimize(&[
        "--minimize",
        "es95",
        "--over",
        "hedges.0.ratio.fixed=0:1:0.25",
        "--over",
        "accounts.main.collateral_usd=5e6,6e7",
    ]);
    let points = &found["points"];
    let count = |key: &str| points[key].as_u64().unwrap();
    assert_eq!(count("grid") + count("refused"), 10);
    assert!(count("refused") >= 2);
    let posted = &found["best"]["at"]["accounts.main.collateral_usd"];
    assert!(number(posted) > 5e6);
}

#[test]
fn values_that_the_venue_refuses_are_left_out_and_told() {
    let over = ["--over", "hedges.0.ratio.fixed=0,0.25,0.5,20"];
    let asked = [
        &["optimize", TREASURY, "--paths", "1000", "--refine", "0"][..],
        &["--minimize", "es95"],
        &over,
    ]
    .concat();
    let report = hedgesim(&asked).ended_with(0);
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted =
        "The scenario refuses 1 point of the grid, the first of them hedges.0.ratio.fixed=20: ";
    assert!(words.contains(wanted), "{report}");
    let wanted = "No point is left with hedges.0.ratio.fixed=20.";
    assert!(words.contains(wanted), "{report}");
    let found = optimize(&[&["--minimize", "es95", "--refine", "0"][..], &over].concat());
    assert_eq!(found["points"]["grid"], 3);
    assert_eq!(found["points"]["refused"], 1);
    let reason = found["points"]["first_refusal"].as_str().unwrap();
    assert!(reason.starts_with("hedges.0.ratio.fixed=20: "), "{reason}");
    assert!(!reason.contains("No point"), "{reason}");
    let lost = &found["points"]["lost_values"];
    assert_eq!(*lost, serde_json::json!(["hedges.0.ratio.fixed=20"]));
}

#[test]
fn a_frontier_never_says_0_percent_of_what_was_not_seen() {
    // So small a short is never liquidated in 1,000 futures: at most 0.38 % at 95 %.
    let asked = [
        &["optimize", TREASURY, "--paths", "1000", "--refine", "0"][..],
        &["--minimize", "es95", "--subject-to", "liquidation <= 1%"],
        &["--over", "hedges.0.ratio.fixed=0.05,0.1"],
    ]
    .concat();
    let report = hedgesim(&asked).ended_with(0);
    let frontier = &report[report.find("Efficient frontier").unwrap()..];
    assert!(frontier.contains("< 0.38 %"), "{report}");
    let limits = &report[report.find("Your limits").unwrap()..];
    assert!(limits.contains("< 0.38 %"), "{report}");
    assert!(!report.contains(" 0 %  "), "{report}");
}

#[test]
fn each_mistake_is_one_clear_error() {
    let over = ["--over", "hedges.0.ratio.fixed=0:1:0.5"];
    let es95 = ["--minimize", "es95"];
    for (arguments, wanted) in [
        (
            [&["--minimize", "unhedged.es95"][..], &over].concat(),
            "`unhedged.es95` is the same at all 3 points of the grid: there is nothing to choose",
        ),
        (
            [&["--minimize", "hedged.es59"][..], &over].concat(),
            "did you mean `hedged.es95`?",
        ),
        (
            [&["--maximize", "seed"][..], &over].concat(),
            "`seed` is a bare number, not an estimate",
        ),
        (
            [&es95[..], &over, &["--subject-to", "liquidaton <= 1%"]].concat(),
            "did you mean `liquidation`?",
        ),
        (
            [&es95[..], &over, &["--subject-to", "liquidation"]].concat(),
            "is not of the form a path, one of <=",
        ),
        (
            [&es95[..], &over, &["--subject-to", "liquidation <= 30"]].concat(),
            "30 % is written 30% or 0.3",
        ),
        (
            [&es95[..], &["--over", "hedges.0.ratio.fixd=0:1:0.5"]].concat(),
            "did you mean `fixed`?",
        ),
        (
            [&es95[..], &["--over", "hedges.0.ratio.fixed=1:0:0.5"]].concat(),
            "is empty",
        ),
        (
            [&es95[..], &["--over", "hedges.0.ratio.fixed=0:1:1e-9"]].concat(),
            "the grid has 1,000,000,001 points; allowed: up to 10,000",
        ),
        (
            [&es95[..], &["--over", "hedges.0.ratio.fixed=1"]].concat(),
            "the grid has one point",
        ),
        (
            [&es95[..], &["--over", "simulation.seed=1:9:1"]].concat(),
            "the best seed is none",
        ),
        (
            [&es95[..], &["--over", "simulation.paths=100:900:100"]].concat(),
            "the best way to simulate is none",
        ),
        (
            [&es95[..], &["--over", "hedges.0.ratio.fixed=0.5,20"]].concat(),
            "every point of the grid with hedges.0.ratio.fixed=20 is refused, the first of them because",
        ),
        (
            [&es95[..], &over, &["--liquidation-price", "2"]].concat(),
            "neither the objective nor a constraint",
        ),
        (
            [
                &[
                    "--minimize",
                    "alexander-deng-zou",
                    "--liquidation-price",
                    "-1",
                ][..],
                &over,
            ]
            .concat(),
            "`--liquidation-price -1`; allowed: a number from 0 to 1e6",
        ),
        (
            [&es95[..], &over, &["--capital", "collateral"]].concat(),
            "names no value of the summary",
        ),
        (
            [&["--minimize", "carry.earned.mean"][..], &over].concat(),
            "names no value of the summary",
        ),
        (over.to_vec(), "--minimize <KEY>|--maximize <KEY>"),
        (es95.to_vec(), "--over <PATH=VALUES>"),
        (
            [&es95[..], &["--maximize", "es95"], &over].concat(),
            "cannot be used with",
        ),
        (
            [&es95[..], &over, &["--refine", "11"]].concat(),
            "11 is not in 0..=10",
        ),
    ] {
        let whole = [&["optimize", SQUEEZE, "--paths", "300"][..], &arguments].concat();
        let message = hedgesim(&whole).refused();
        assert!(message.contains(wanted), "{arguments:?}\n{message}");
    }
}

/// 30 days in steps of one minute: minutes of work.
#[test]
#[cfg(unix)]
fn an_interrupt_leaves_nothing() {
    let folder = empty_folder("optimize-interrupted").join("results");
    let child = command(&[
        "optimize",
        SQUEEZE,
        "--paths",
        "100_000",
        "--set",
        "simulation.step=1m",
        "--minimize",
        "es95",
        "--over",
        RATIO,
        "--out",
        text_of(&folder),
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("the program starts");
    // The folder is made once signals are listened to.
    let started = Instant::now();
    while !folder.exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "no folder yet");
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(200));
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(kill.success());
    let done = Done::of(&child.wait_with_output().expect("it ends"));
    assert_eq!(done.code, Some(130), "{}", done.stderr);
    assert_eq!(done.stdout, "");
    assert_eq!(done.stderr, "interrupted; nothing was written\n");
    assert!(!folder.exists(), "the folder was made by this run");
}

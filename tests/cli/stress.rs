//! `stress`: formats, choices, files, refusals.

use serde_json::Value;

use crate::program::{SQUEEZE, TREASURY, empty_folder, hedgesim, read, text_of};

const FEW: [&str; 2] = ["--paths", "512"];

fn json(arguments: &[&str]) -> Value {
    let all = [
        &["stress", TREASURY][..],
        &FEW,
        arguments,
        &["--format", "json"],
    ]
    .concat();
    serde_json::from_str(&hedgesim(&all).ended_with(0)).expect("JSON")
}

#[test]
fn the_report_has_every_part_within_100_columns() {
    let done = hedgesim(&[&["stress", TREASURY][..], &FEW].concat());
    assert_eq!(done.stderr, "");
    let report = done.ended_with(0);
    for words in [
        "Historical episodes, million USD",
        "2020-03 Black Thursday",
        "Moves at once, million USD",
        "spot +30 %, basis -5 %",
        "Other shocks, million USD",
        "spot +30 % in 7 days, no",
        "volatility x 2, p1",
        "Reverse stress",
        "The worst 1 % of the simulation, million USD",
        "scenario",
        "unhedged",
        "liquidated",
        "cash needed",
        "what went wrong",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    for line in report.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let markdown = hedgesim(&[&["stress", TREASURY, "--format", "markdown"][..], &FEW].concat());
    let markdown = markdown.ended_with(0);
    assert!(
        markdown.contains("\n| scenario | unhedged | hedged |"),
        "{markdown}"
    );
    assert!(markdown.contains("\n| :--- | ---: | ---: | ---: | ---: | :--- |\n"));
}

#[test]
fn the_keys_that_tools_rely_on_are_there() {
    let found = json(&[]);
    assert_eq!(found["episodes"].as_array().expect("a list").len(), 14);
    let shocks = found["shocks"].as_array().expect("a list");
    // 9 by 3 moves at once, 4 slow ones, funding, margin twice, simulated twice.
    assert_eq!(shocks.len(), 27 + 4 + 1 + 2 + 2);
    let episodes = found["episodes"].as_array().expect("a list");
    for entry in episodes.iter().chain(shocks) {
        assert!(entry["name"].is_string(), "{entry}");
        for key in ["unhedged_pnl_usd", "hedged_pnl_usd", "cash_needed_usd"] {
            assert!(entry[key].is_number(), "{key} {entry}");
        }
        assert!(entry["cash_needed_usd"].as_f64() >= Some(0.0));
        assert!(entry["liquidated"].is_boolean(), "{entry}");
        assert!(
            entry["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty())
        );
    }
    for entry in episodes {
        // A moment that liquidates is worse than one that does not, and then the cash that is needed counts.
        let harm = |of: &Value| (of["liquidated"].as_bool(), of["cash_needed_usd"].as_f64());
        assert!(harm(&entry["worst"]) >= harm(entry), "{entry}");
        assert!(
            entry["sources"]
                .as_array()
                .is_some_and(|list| !list.is_empty())
        );
    }
    let black = &episodes[1];
    assert_eq!(black["name"], "2020-03");
    // 50,000 ETH at 3,500 USD, down by 56 %, sold at a slippage of 3 bps.
    let sold_usd = 50_000.0 * 3_500.0 * (0.44 * (1.0 - 3e-4) - 1.0);
    let unhedged_usd = black["unhedged_pnl_usd"].as_f64().expect("a number");
    assert!(
        (unhedged_usd / sold_usd - 1.0).abs() < 1e-9,
        "{unhedged_usd} {sold_usd}"
    );
    let check = hedgesim(&["check", TREASURY, "--format", "json"]).ended_with(0);
    let check: Value = serde_json::from_str(&check).expect("JSON");
    let distance = check["hedges"][0]["distance_frac"]
        .as_f64()
        .expect("a level");
    let reverse = &found["reverse"];
    let move_frac = reverse["liquidating_move_frac"].as_f64().expect("a move");
    assert!(
        (move_frac - distance).abs() < 1e-9,
        "{move_frac} {distance}"
    );
    assert!(reverse["losing_move_frac"].is_null(), "{reverse}");
}

#[test]
fn every_choice_changes_what_is_played() {
    let found = json(&[
        "--episodes",
        "2025-10,2020-03",
        "--spot-moves",
        "-25%,+0.4",
        "--basis-moves=-200bps",
        "--slow-move",
        "10%",
        "--slow-days",
        "3",
        "--funding-days",
        "5",
        "--funding-rate",
        "0.1%",
        "--maintenance-factor",
        "3",
        "--vol-factor",
        "1.5",
        "--lose",
        "1_000_000",
    ]);
    let names = |key: &str| -> Vec<String> {
        let list = found[key].as_array().expect("a list").iter();
        list.map(|entry| entry["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names("episodes"), ["2020-03", "2025-10"]);
    assert_eq!(
        names("shocks"),
        [
            "spot -25 %, basis -2 %",
            "spot +40 %, basis -2 %",
            "spot +10 % in 3 days",
            "spot -10 % in 3 days",
            "spot +10 % in 3 days, no top-up",
            "spot -10 % in 3 days, no top-up",
            "funding 0.100 % per 8 h against the hedge for 5 days",
            "maintenance margin x 3",
            "next margin bracket",
            "simulated as it is, p1",
            "volatility x 1.5, p1",
        ]
    );
    assert_eq!(found["reverse"]["lose_usd"], 1e6);
    assert!(
        found["reverse"]["losing_move_frac"].is_number(),
        "{}",
        found["reverse"]
    );
    let curve = found["reverse"]["spot_and_basis"].as_array();
    let curve = curve.expect("a list");
    assert_eq!(curve.len(), 1);
    assert!(curve[0]["liquidating"]["up"].is_number(), "{}", curve[0]);
    // A basis that falls by so much makes more than a liquidation costs.
    let losing = curve[0]["losing"].as_object().expect("a pair");
    assert!(losing["up"].is_null() && losing["down"].is_null());
}

#[test]
fn what_was_never_seen_is_under_an_upper_limit_as_in_a_run() {
    let rich = [
        "--set",
        "accounts.main.collateral_usd=1e9",
        "--set",
        "assets.ETH.spot_usd=35",
        "--episodes",
        "2020-03",
    ];
    let report = hedgesim(&[&["stress", TREASURY][..], &FEW, &rich].concat()).ended_with(0);
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "none of 512 futures (95 % upper limit 0.74 %)";
    assert!(words.contains(&format!("liquidated in {said}")), "{report}");
    let run = hedgesim(&[&["run", TREASURY][..], &FEW, &rich[..4]].concat()).ended_with(0);
    let run = run.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(run.contains(said), "{run}");
    for start in ["liquidated ", "simulated as it is, p1 "] {
        let mut lines = report.lines();
        let line = lines.find(|line| line.starts_with(start) && line.contains('%'));
        let line = line.expect(start);
        assert!(line.contains("< 0.74 %"), "{line}");
    }
    assert!(!report.contains(" 0.0 %  "), "{report}");
}

#[test]
fn one_of_anything_is_told_in_good_words_and_what_is_cut_off_is_told() {
    let short = [
        "--episodes",
        "2021-01",
        "--set",
        "simulation.horizon=1d",
        "--set",
        "simulation.step=8h",
    ];
    let report = hedgesim(&[&["stress", TREASURY][..], &FEW, &short].concat()).ended_with(0);
    let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "for 1 day in steps of 8 hours",
        "episodes that liquidate the hedge: 0 of 1 when begun at its start, 0 of 1 at some moment",
        "longer than the horizon, so that only a first part of it is played: 2021-01",
    ] {
        assert!(words.contains(said), "{said}\n{report}");
    }
    let found = json(&short);
    let episode = &found["episodes"][0];
    let reason = episode["reason"].as_str().expect("words");
    assert!(
        reason.ends_with("cut off by the horizon after 1 of 6 days"),
        "{reason}"
    );
    assert_eq!(episode["cut_off_after_days"], 1.0);
    let long = json(&["--episodes", "2021-01"]);
    assert!(long["episodes"][0]["cut_off_after_days"].is_null());
    let closed = long["episodes"][0]["reason"].as_str().expect("words");
    assert!(
        closed.contains("; kept open it would have lost 68.82 million USD more; if prices come"),
        "{closed}"
    );
}

#[test]
fn what_is_simulated_as_it_is_is_what_run_says() {
    let found = json(&["--episodes", "2020-03"]);
    let run = [&["run", TREASURY, "--format", "json"][..], &FEW].concat();
    let run: Value = serde_json::from_str(&hedgesim(&run).ended_with(0)).expect("JSON");
    let shocks = found["shocks"].as_array().expect("a list");
    let same = shocks
        .iter()
        .find(|s| s["name"] == "simulated as it is, p1")
        .expect("it");
    assert_eq!(
        same["hedged_pnl_usd"],
        run["hedged"]["percentiles"]["p1"]["value"]
    );
    assert_eq!(
        same["unhedged_pnl_usd"],
        run["unhedged"]["percentiles"]["p1"]["value"]
    );
    assert_eq!(
        same["liquidation_probability"],
        run["liquidation"]["probability"]["value"]
    );
    assert_eq!(same["hedged_es99_usd"], run["hedged"]["es99"]["value"]);
    let tail = &found["tail"];
    assert_eq!(tail["worst"]["paths"], 6);
    assert_eq!(tail["all"]["paths"], 512);
}

#[test]
fn files_hold_what_is_printed_and_a_row_for_every_entry() {
    let folder = empty_folder("stress-files");
    let arguments = [
        &[
            "stress",
            SQUEEZE,
            "--format",
            "json",
            "--out",
            text_of(&folder),
        ][..],
        &FEW,
    ];
    let done = hedgesim(&arguments.concat());
    assert!(
        done.stderr
            .starts_with("wrote stress.json and stress.csv to "),
        "{}",
        done.stderr
    );
    let printed = done.ended_with(0);
    assert_eq!(printed, read(&folder.join("stress.json")));
    let csv = read(&folder.join("stress.csv"));
    let found: Value = serde_json::from_str(&printed).expect("JSON");
    let rows = 2 * found["episodes"].as_array().expect("a list").len()
        + found["shocks"].as_array().expect("a list").len();
    assert_eq!(csv.lines().count(), 1 + rows);
    // The same on one thread.
    let single = hedgesim(
        &[
            &["stress", SQUEEZE, "--format", "json", "--threads", "1"][..],
            &FEW,
        ]
        .concat(),
    );
    assert_eq!(single.ended_with(0), printed);
}

#[test]
fn episodes_are_listed_with_their_sources() {
    let list = hedgesim(&["stress", "--list"]).ended_with(0);
    for words in [
        "2020-03  Black Thursday, 2020-03-11 to 2020-03-13",
        "BTC -52.6 % (24 h -50.6 %",
        "outage",
        "assumed",
        "source  Binance spot candles",
    ] {
        assert!(list.contains(words), "{words}\n{list}");
    }
    for line in list.lines() {
        // An address may be longer than a line.
        assert!(
            line.chars().count() <= 100 || !line.trim().contains(' '),
            "{line}"
        );
    }
    let one = hedgesim(&[
        "stress",
        "--list",
        "--episodes",
        "2025-10",
        "--format",
        "json",
    ]);
    let one: Value = serde_json::from_str(&one.ended_with(0)).expect("JSON");
    assert_eq!(one.as_array().expect("a list").len(), 1);
    assert_eq!(one[0]["name"], "2025-10");
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let folder = empty_folder("stress-refused").join("out");
    for (arguments, message) in [
        (&["--episodes", "2020-3"][..], "did you mean `2020-03`?"),
        (
            &["--map", "ETX=BTC"],
            "no asset `ETX`; it has `ETH`; did you mean `ETH`?",
        ),
        (&["--map", "ETH=ZZZ"], "no episode knows `ZZZ`"),
        (&["--map", "ETH"], "allowed: ASSET=COIN"),
        (
            &["--spot-moves", "-100%"],
            "`--spot-moves` is -1; allowed: above -100 % and up to 9900 %",
        ),
        (&["--spot-moves", "ten"], "allowed: a number such as -0.25"),
        (
            &["--basis-moves", "60%"],
            "`--basis-moves` is 0.6; allowed: from -50 % to 50 %",
        ),
        (
            &["--vol-factor", "0"],
            "`--vol-factor` is 0; allowed: above 0 and up to 10",
        ),
        (
            &["--correlation", "1.5"],
            "`--correlation` is 1.5; allowed: from -1 to 1",
        ),
        (
            &["--funding-days", "-3"],
            "`--funding-days` is -3; allowed: above 0",
        ),
        (
            &["--lose", "-5"],
            "`--lose` is -5; allowed: an amount above 0 in USD",
        ),
        (&["--lose", "much"], "allowed: an amount in USD"),
        (
            &["--set", "simulation.step=1m"],
            "the horizon has 129600 steps; allowed: up to 52560 for a stress test",
        ),
    ] {
        let all = [
            &["stress", TREASURY, "--out", text_of(&folder)][..],
            arguments,
        ]
        .concat();
        let refused = hedgesim(&all).refused();
        assert!(refused.contains(message), "{arguments:?}: {refused}");
        assert!(!folder.exists(), "{arguments:?}");
    }
    let moves = vec!["10%"; 101].join(",");
    let many = [
        "stress",
        TREASURY,
        "--spot-moves",
        &moves,
        "--basis-moves",
        &moves,
    ];
    let refused = hedgesim(&many).refused();
    assert!(
        refused.contains("make 10201 pairs; allowed: up to 10000"),
        "{refused}"
    );
    assert!(hedgesim(&["stress"]).refused().contains("required"));
    let cross = "scenarios/token-cross-beta.toml";
    let done = hedgesim(&[
        "stress",
        cross,
        "--paths",
        "64",
        "--correlation",
        "-1",
        "--episodes",
        "2020-03",
    ]);
    // Two assets can be exact opposites; this hedge then doubles the risk.
    assert!(done.ended_with(0).contains("correlation -1, p1"));
}

/// The defaults that the help names are those that are taken.
#[test]
fn the_help_names_the_defaults() {
    let usual = hedgesim::stress::settings::Settings::default();
    let percent = |frac: f64| {
        let whole = (100.0 * frac).round();
        if whole == 0.0 {
            "0".to_owned()
        } else {
            format!("{whole}%")
        }
    };
    let list = |moves: &[f64]| {
        moves
            .iter()
            .map(|&x| percent(x))
            .collect::<Vec<_>>()
            .join(",")
    };
    let help = hedgesim(&["stress", "--help"]).ended_with(0);
    let words: Vec<&str> = help.split_whitespace().collect();
    let help = words.join(" ");
    for (option, default) in [
        ("--spot-moves", list(&usual.spot_moves)),
        ("--basis-moves", list(&usual.basis_moves)),
        ("--slow-move", percent(usual.slow_move)),
        ("--slow-days", usual.slow_days.to_string()),
        ("--funding-days", usual.funding_days.to_string()),
        ("--maintenance-factor", usual.maintenance_factor.to_string()),
        ("--vol-factor", usual.volatility_factor.to_string()),
        ("--correlation", usual.correlation.to_string()),
    ] {
        let at = help.find(&format!("{option} <")).expect(option);
        let own = help[at..].split("[default: ").nth(1).expect(option);
        assert_eq!(own.split(']').next(), Some(default.as_str()), "{option}");
    }
}

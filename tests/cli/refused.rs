//! What is refused: exit code 2, a message on standard error, nothing on standard output.

use std::fs;

use crate::program::{SQUEEZE, TREASURY, empty_folder, hedgesim, read, text_of};

#[test]
fn arguments_that_make_no_sense() {
    for arguments in [
        &[][..],
        &["fly"],
        &["run"],
        &["run", SQUEEZE, "--format", "xml"],
        &["run", SQUEEZE, "--threads", "0"],
        &["run", SQUEEZE, "--threads", "many"],
        &["run", SQUEEZE, "--paths", "0"],
        &["run", SQUEEZE, "--paths", "-5"],
        &["run", SQUEEZE, "--paths", "1.5"],
        &["run", SQUEEZE, "--seed", "x"],
        &["run", SQUEEZE, "--set", "simulation.paths"],
        &["run", SQUEEZE, "--set", "simulation.path=10"],
        &["check", SQUEEZE, "--format", "markdown"],
    ] {
        hedgesim(arguments).refused();
    }
}

#[test]
fn help_and_version_are_results() {
    for command in ["run", "check", "inspect", "compare", "venues", "init"] {
        let help = hedgesim(&[command, "--help"]).ended_with(0);
        assert!(help.contains("Usage: hedgesim"), "{help}");
    }
    let version = hedgesim(&["--version"]).ended_with(0);
    assert_eq!(version, format!("hedgesim {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn files_that_are_not_there_or_no_scenario() {
    let folder = empty_folder("no-scenario");
    let binary = folder.join("binary.toml");
    fs::write(&binary, [0xff, 0xfe, 0x00, 0x41]).unwrap();
    for command in ["run", "check"] {
        let missing = hedgesim(&[command, "scenarios/no-such.toml"]).refused();
        assert!(
            missing.contains("cannot read scenarios/no-such.toml"),
            "{missing}"
        );
        hedgesim(&[command, text_of(&folder)]).refused();
        hedgesim(&[command, text_of(&binary)]).refused();
    }
}

#[test]
fn every_error_of_a_file_comes_with_its_place() {
    let folder = empty_folder("many-errors");
    let text = read(TREASURY.as_ref())
        .replace("volatility = 0.60", "volatility = 60")
        .replace("level = 0.50", "level = 1.5")
        .replace("horizon = \"90d\"", "horizn = \"90d\"");
    let file = folder.join("broken.toml");
    fs::write(&file, &text).unwrap();
    let message = hedgesim(&["run", text_of(&file)]).refused();
    for (wanted, shown) in [
        ("did you mean `horizon`?", "horizn = \"90d\""),
        ("volatility", "volatility = 60"),
        ("margin_call.level", "level = 1.5"),
    ] {
        assert!(
            message.contains(wanted) && message.contains(shown),
            "{wanted}\n{message}"
        );
    }
    for line in text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("horizn"))
    {
        let place = format!("broken.toml:{}:1", line.0 + 1);
        assert!(message.contains(&place), "{place}\n{message}");
    }
}

#[test]
fn a_limit_on_nothing_is_refused_before_the_simulation() {
    for (path, near) in [
        ("liquidation.probabilty", "liquidation.probability"),
        ("hedged.p5", "hedged.percentiles.p5"),
        ("hedged.es59", "hedged.es95"),
    ] {
        let limit = format!("limits=[{{ require = \"{path} >= 0.1\" }}]");
        // So many paths would take minutes.
        let arguments = ["run", TREASURY, "--paths", "1_000_000_000", "--set", &limit];
        let message = hedgesim(&arguments).refused();
        assert!(
            message.contains(&format!("did you mean `{near}`?")),
            "{message}"
        );
        let checked = hedgesim(&["check", TREASURY, "--set", &limit]).refused();
        assert!(checked.contains(near), "{checked}");
    }
}

#[test]
fn a_later_capability_says_so() {
    let model = "assets.ETH.model={ garch = {} }";
    let message = hedgesim(&["run", TREASURY, "--set", model]).refused();
    assert!(message.contains("not supported yet"), "{message}");
}

/// What the outcomes of a billion paths need.
#[test]
#[cfg(target_os = "linux")]
fn more_paths_than_memory_are_refused_at_once() {
    let meminfo = read("/proc/meminfo".as_ref());
    let kibibytes: f64 = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .expect("the memory there is");
    if kibibytes > 150e6 {
        return; // it may fit
    }
    for command in [&["run"][..], &["inspect", "--worst", "1"]] {
        let arguments = [command, &[SQUEEZE, "--paths", "1_000_000_000"]].concat();
        let message = hedgesim(&arguments).refused();
        for part in [
            "`simulation.paths` is 1_000_000_000; allowed: up to ",
            "--set:1:18",
            "GiB",
        ] {
            assert!(message.contains(part), "{part}\n{message}");
        }
    }
}

/// The prices that a scenario reads are an input too, whatever the command calls its files.
#[test]
fn a_file_that_a_scenario_reads_is_not_written_over() {
    let folder = empty_folder("history-in-the-folder");
    let history = read("scenarios/token-x-history.csv".as_ref());
    let scenario = read("scenarios/token-x-history-beta.toml".as_ref());
    for (command, output, more) in [
        ("run", "outcomes.csv", &[][..]),
        (
            "sweep",
            "sweep.csv",
            &["--over", "hedges.0.rebalance.every=1d,2d"],
        ),
        (
            "optimize",
            "frontier.csv",
            &[
                "--minimize",
                "es95",
                "--over",
                "accounts.main.reserve_usd=1e6,2e6",
            ],
        ),
        ("stress", "stress.csv", &[]),
    ] {
        let input = folder.join(format!("{command}.toml"));
        fs::write(folder.join(output), &history).unwrap();
        fs::write(&input, scenario.replace("token-x-history.csv", output)).unwrap();
        let arguments = [
            command,
            text_of(&input),
            "--paths",
            "200",
            "--out",
            text_of(&folder),
        ];
        let message = hedgesim(&[&arguments[..], more].concat()).refused();
        assert!(
            message.contains("`--out` would write over it"),
            "{command}: {message}"
        );
        assert_eq!(read(&folder.join(output)), history);
    }
}

#[test]
fn the_scenario_itself_is_not_written_over() {
    let folder = empty_folder("input-in-the-folder");
    let input = folder.join("scenario.toml");
    fs::write(&input, read(SQUEEZE.as_ref())).unwrap();
    let before = read(&input);
    let arguments = ["run", text_of(&input), "--out", text_of(&folder)];
    let message = hedgesim(&arguments).refused();
    assert!(message.contains("`--out` would write over it"), "{message}");
    assert_eq!(read(&input), before);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_folder_in_the_way_of_a_file_is_refused_before_the_simulation() {
    let folder = empty_folder("folder-in-the-way");
    fs::create_dir(folder.join("outcomes.csv")).unwrap();
    let arguments = ["run", SQUEEZE, "--out", text_of(&folder)];
    let message = hedgesim(&arguments).refused();
    assert!(message.contains("a folder stands there"), "{message}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_limit_that_makes_no_sense_is_refused() {
    for (limit, wanted) in [
        (
            "liquidation.probability <= 30",
            "30 % is written 30% or 0.3",
        ),
        ("worse_than_unhedged <= 1.5", "a bound from 0 to 1"),
        (
            "hedge_effectiveness.variance >= 90",
            "90 % is written 90% or 0.9",
        ),
        ("hedged.es95 <= 30%", "a bound without % or bps"),
        (
            "liquidation.probability.value <= 30%",
            "write `liquidation.probability`",
        ),
        ("hedged.es95.ci95.1 <= 3", "write `hedged.es95`"),
    ] {
        let limit = format!("limits=[{{ require = \"{limit}\" }}]");
        let message = hedgesim(&["check", TREASURY, "--set", &limit]).refused();
        assert!(message.contains(wanted), "{wanted}\n{message}");
    }
    let limit = "limits=[{ require = \"hedge_effectiveness.variance >= -20%\" }]";
    hedgesim(&["check", TREASURY, "--set", limit]).ended_with(0);
}

#[test]
fn numbers_out_of_range_name_the_range() {
    let most = "0 to 9,223,372,036,854,775,807";
    for (option, value, wanted) in [
        ("--seed", "9223372036854775808", most),
        ("--seed", "many", most),
        ("--seed", "-1", most),
        ("--paths", "9223372036854775808", "1 to 1,000,000,000"),
        ("--paths", "many", "1 to 1,000,000,000"),
        ("--paths", "-5", "1 to 1,000,000,000"),
        ("--threads", "-1", "1..=1024"),
    ] {
        let message = hedgesim(&["run", SQUEEZE, option, value]).refused();
        assert!(message.contains(wanted), "{option} {value}\n{message}");
    }
}

#[test]
fn an_override_that_leads_very_deep_is_refused_once() {
    let path = "a.".repeat(20_000) + "a=1";
    let message = hedgesim(&["check", SQUEEZE, "--set", &path]).refused();
    assert!(message.contains("allowed: up to 32"), "{}", message.len());
    assert!(message.contains("1 problem in"));
}

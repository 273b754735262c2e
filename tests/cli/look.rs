//! How output looks: plain when piped, colours on demand, 100 columns.

use crate::program::{Done, SQUEEZE, TREASURY, command, hedgesim, scenarios, text_of};

const ESCAPE: char = '\u{1b}';

fn with(wishes: &[(&str, &str)], arguments: &[&str]) -> Done {
    let mut command = command(arguments);
    command.envs(wishes.iter().copied());
    Done::of(&command.output().expect("the program starts"))
}

#[test]
fn output_into_a_pipe_is_plain() {
    for arguments in [
        &["run", TREASURY, "--paths", "300"][..],
        &["run", TREASURY, "--paths", "300", "--format", "markdown"],
        &["check", TREASURY],
        &["venues", "binance"],
        &["inspect", TREASURY, "--path", "3"],
        &["run", "scenarios/no-such.toml"],
        &["run", SQUEEZE, "--paths", "0"],
        &["--help"],
    ] {
        let done = hedgesim(arguments);
        assert!(!done.stdout.contains(ESCAPE), "{arguments:?}");
        assert!(!done.stderr.contains(ESCAPE), "{arguments:?}");
    }
}

#[test]
fn colours_come_and_go_as_asked() {
    let report = ["run", TREASURY, "--paths", "300"];
    let wrong = ["run", SQUEEZE, "--paths", "0"];
    let always = |arguments: &[&str]| hedgesim(&[arguments, &["--color", "always"]].concat());
    let colored = always(&report).stdout;
    assert!(colored.contains(ESCAPE));
    assert!(always(&wrong).stderr.contains(ESCAPE));
    let forced = ("CLICOLOR_FORCE", "1");
    assert!(with(&[forced], &report).stdout.contains(ESCAPE));
    let unwanted = with(&[forced, ("NO_COLOR", "1")], &report);
    assert!(!unwanted.stdout.contains(ESCAPE));
    let never = with(&[forced], &[&report[..], &["--color", "never"]].concat());
    assert!(!never.stdout.contains(ESCAPE));
    assert!(!with(&[("NO_COLOR", "1")], &wrong).stderr.contains(ESCAPE));
    // Colours change the look alone.
    let mut plain = String::new();
    let mut is_escape = false;
    for c in colored.chars() {
        match c {
            ESCAPE => is_escape = true,
            'm' if is_escape => is_escape = false,
            _ if is_escape => {}
            _ => plain.push(c),
        }
    }
    let without_time = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("hedgesim "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        without_time(&plain),
        without_time(&hedgesim(&report).stdout)
    );
}

fn assert_narrow(arguments: &[&str]) {
    let done = hedgesim(arguments);
    assert!(!done.stdout.is_empty(), "{arguments:?}: {}", done.stderr);
    for line in done.stdout.lines() {
        assert!(line.chars().count() <= 100, "{arguments:?}\n{line}");
        assert_eq!(line.trim_end(), line, "blanks at the end: {arguments:?}");
    }
}

#[test]
fn reports_fit_into_100_columns() {
    for scenario in scenarios() {
        let scenario = text_of(&scenario);
        assert_narrow(&["run", scenario, "--paths", "700"]);
        assert_narrow(&["run", scenario, "--paths", "3"]);
        assert_narrow(&["check", scenario]);
        assert_narrow(&[
            "inspect", scenario, "--paths", "700", "--worst", "2", "--all",
        ]);
    }
    // Large numbers, and hardly any.
    let large = [
        "--set",
        "assets.ETH.spot_usd=2_000_000",
        "--set",
        "holdings.0.quantity=400",
        "--set",
        "accounts.main.collateral_usd=1_000_000_000",
    ];
    for command in [
        &["run", TREASURY, "--paths", "500"][..],
        &["check", TREASURY],
        &["inspect", TREASURY, "--path", "1", "--all"],
    ] {
        assert_narrow(&[command, &large].concat());
        assert_narrow(&[command, &["--set", "hedges.0.ratio.fixed=0"]].concat());
    }
}

#[test]
fn lists_and_help_fit_into_100_columns() {
    assert_narrow(&["venues"]);
    assert_narrow(&["stress", TREASURY, "--paths", "500"]);
    assert_narrow(&["venues", "binance"]);
    assert_narrow(&["venues", "bybit"]);
    for command in [
        &["--help"][..],
        &["run", "--help"],
        &["check", "--help"],
        &["inspect", "--help"],
        &["venues", "--help"],
        &["stress", "--help"],
        &["init", "--help"],
    ] {
        for line in hedgesim(command).ended_with(0).lines() {
            assert!(line.chars().count() <= 100, "{command:?}\n{line}");
        }
    }
}

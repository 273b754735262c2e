//! Stopped by the reader of its output, or by Ctrl-C.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::program::{Done, TREASURY, command, empty_folder, text_of};

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    for arguments in [
        &["run", TREASURY, "--paths", "300"][..],
        &["run", TREASURY, "--paths", "300", "--format", "json"],
        &["inspect", TREASURY, "--path", "1", "--all"],
        // More than any pipe holds.
        &[
            "inspect", TREASURY, "--paths", "300", "--worst", "20", "--all", "--format", "json",
        ],
    ] {
        let mut command = command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut first = String::new();
        reader.read_line(&mut first).expect("a line");
        drop(reader);
        let done = Done::of(&child.wait_with_output().expect("it ends"));
        assert_eq!(done.stderr, "", "{arguments:?}");
        assert_eq!(done.code, Some(0), "{arguments:?}");
    }
    // Nobody there from the start.
    let mut child = command(&["run", TREASURY, "--paths", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let done = Done::of(&child.wait_with_output().expect("it ends"));
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
}

/// 30 days in steps of one minute: minutes of work, and a block of paths in some milliseconds.
#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_run_with_nothing_half_written() {
    for signal in ["-INT", "-TERM"] {
        let folder = empty_folder("interrupted").join("results");
        let mut child = command(&[
            "run",
            "scenarios/btc-basic-30d.toml",
            "--paths",
            "400_000",
            "--set",
            "simulation.step=\"1m\"",
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
        assert!(
            child.try_wait().expect("a state").is_none(),
            "still at work"
        );
        let asked = Instant::now();
        let kill = std::process::Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .expect("kill");
        assert!(kill.success());
        let done = Done::of(&child.wait_with_output().expect("it ends"));
        assert_eq!(done.code, Some(130), "{signal}: {}", done.stderr);
        assert_eq!(done.stdout, "");
        assert_eq!(done.stderr, "interrupted; nothing was written\n");
        assert!(!folder.exists(), "the folder was made by this run");
        assert!(asked.elapsed() < Duration::from_secs(20), "it ends soon");
    }
}

/// 19 years in steps of one minute: one block alone is many seconds of work.
#[test]
#[cfg(unix)]
fn an_interrupt_ends_a_long_block_and_a_single_path_at_once() {
    for (name, which) in [
        ("run", &["--paths", "10"][..]),
        ("inspect", &["--path", "1"]),
        ("inspect", &["--paths", "10", "--worst", "1"]),
    ] {
        let folder = empty_folder("interrupted-block").join("results");
        let long = [
            name,
            "scenarios/btc-basic-30d.toml",
            "--set",
            "simulation.step=1m",
            "--set",
            "simulation.horizon=6900d",
            "--out",
            text_of(&folder),
        ];
        let mut child = command(&[&long[..], which].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let started = Instant::now();
        while !folder.exists() {
            assert!(child.try_wait().expect("a state").is_none(), "{name}");
            assert!(started.elapsed() < Duration::from_secs(30), "no folder yet");
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(100));
        assert!(
            child.try_wait().expect("a state").is_none(),
            "still at work"
        );
        let asked = Instant::now();
        let kill = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .expect("kill");
        assert!(kill.success());
        let done = Done::of(&child.wait_with_output().expect("it ends"));
        assert_eq!(done.code, Some(130), "{name}: {}", done.stderr);
        assert_eq!(done.stderr, "interrupted; nothing was written\n");
        assert!(!folder.exists());
        assert!(asked.elapsed() < Duration::from_secs(2), "{name} ends soon");
    }
}

#[test]
fn a_broken_limit_is_told_to_nobody_too() {
    let limit = "limits=[{ require = \"paths <= 10\" }]";
    let arguments = ["run", TREASURY, "--paths", "300", "--set", limit];
    let mut child = command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let done = Done::of(&child.wait_with_output().expect("it ends"));
    assert_eq!((done.code, done.stderr.as_str()), (Some(3), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_error_changes_no_exit_code() {
    let folder = empty_folder("full-stderr");
    for (arguments, code) in [
        (&["run", "scenarios/no-such.toml"][..], 2),
        (
            &["run", TREASURY, "--paths", "100", "--out", text_of(&folder)],
            0,
        ),
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let done = command(arguments)
            .stderr(full)
            .output()
            .expect("the program starts");
        assert_eq!(done.status.code(), Some(code), "{arguments:?}");
    }
}

//! Runs the program and keeps what it said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The scenarios that come with the program.
pub(crate) fn scenarios() -> Vec<PathBuf> {
    let entries = fs::read_dir("scenarios").expect("the scenarios");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    found.sort();
    assert!(found.len() >= 5, "{} scenarios", found.len());
    found
}

/// The treasury of the main job.
pub(crate) const TREASURY: &str = "scenarios/eth-treasury-90d.toml";

/// A full hedge on little margin.
pub(crate) const SQUEEZE: &str = "scenarios/btc-squeeze-25x.toml";

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).expect("text on standard output"),
            stderr: String::from_utf8(output.stderr.clone()).expect("text on standard error"),
        }
    }

    /// Asserts an exit code and returns standard output.
    pub(crate) fn ended_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self.stdout
    }

    /// Asserts that the command was refused without a result and returns the message.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(2), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "a refusal prints no result");
        assert!(!self.stderr.is_empty(), "a refusal says why");
        self.stderr
    }
}

/// A command of the program, in the root of the crate and without the user's wishes for colour.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hedgesim"));
    command.args(arguments);
    for wish in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(wish);
    }
    command
}

/// Runs the program.
pub(crate) fn hedgesim(arguments: &[&str]) -> Done {
    Done::of(&command(arguments).output().expect("the program starts"))
}

/// An empty folder of this test's own.
pub(crate) fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub(crate) fn text_of(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A summary without what differs from run to run: its times, and the scenario's text where that may differ.
pub(crate) fn lasting(json: &str, with_scenario: bool) -> Value {
    let mut summary: Value = serde_json::from_str(json).expect("JSON");
    let keys = summary.as_object_mut().expect("an object");
    for key in ["run_seconds", "simulation_seconds"] {
        assert!(keys.remove(key).is_some_and(|value| value.is_number()));
    }
    if !with_scenario {
        assert!(keys.remove("scenario").is_some());
    }
    summary
}

//! The README's commands are run as they stand there, and `.ci/run` runs its two first ones.

use std::fs;

use crate::program::{Done, command, empty_folder, read, scenarios};

/// The command lines of the README, without prompts and comments.
fn commands() -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    // A line that ends in a backslash goes on in the next.
    for line in read("README.md".as_ref()).replace("\\\n", "").lines() {
        if line.starts_with("```") {
            is_code = line == "```sh";
        } else if is_code {
            let code = line.split(" #").next().unwrap_or_default().trim();
            if !code.is_empty() {
                found.push(code.to_owned());
            }
        }
    }
    found
}

#[test]
fn the_two_first_commands_are_the_main_job_and_the_tests() {
    let commands = commands();
    assert_eq!(
        commands[..2],
        [
            "cargo run --release -- run scenarios/eth-treasury-90d.toml",
            "cargo test --release"
        ]
    );
    let ci = read(".ci/run".as_ref());
    assert!(ci.lines().any(|line| line.trim() == commands[1]), "{ci}");
    let main_job = "cargo run --release --quiet -- run \"$scenario\"";
    assert!(ci.contains(main_job), "the main job on every scenario");
}

/// The words of a command line as a shell takes them: double quotes hold a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_commands_of_the_readme_work() {
    let folder = empty_folder("readme");
    fs::create_dir(folder.join("scenarios")).unwrap();
    for scenario in scenarios() {
        fs::copy(&scenario, folder.join(&scenario)).unwrap();
    }
    let mut run = 0;
    for line in commands() {
        let arguments = line
            .strip_prefix("cargo run --release -- ")
            .or_else(|| line.strip_prefix("hedgesim "));
        let Some(arguments) = arguments else {
            assert!(line.starts_with("cargo "), "how is `{line}` to be run?");
            continue;
        };
        let words = words(arguments);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = command(&words);
        command.current_dir(&folder);
        let done = Done::of(&command.output().expect("the program starts"));
        assert_eq!(done.code, Some(0), "{line}\n{}", done.stderr);
        run += 1;
    }
    assert!(run >= 5, "{run} commands of the program");
    assert!(folder.join("outputs/my-hedge/summary.json").exists());
}

//! Broken scenarios, each beside the whole message it gets: `tests/rejected/NAME.toml` and `NAME.stderr`.
//!
//! Lines `# --set path=value` at the top of a scenario are its overrides. After a deliberate change of a message,
//! `REJECTED=update cargo test --test rejected` writes the messages anew; read the difference before committing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hedgesim::plan::read::{load, parse};
use hedgesim::plan::resolve::resolve;

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new("tests/rejected");
    let entries = fs::read_dir(folder).expect("the folder of rejected scenarios");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let found: BTreeSet<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    found.into_iter().collect()
}

fn message(path: &Path) -> String {
    let bytes = fs::read(path).expect("a scenario");
    let text = String::from_utf8_lossy(&bytes);
    let overrides: Vec<String> = text
        .lines()
        .map_while(|line| line.strip_prefix("# --set "))
        .map(str::to_owned)
        .collect();
    match load(path, &overrides).and_then(|loaded| resolve(&loaded)) {
        Ok(_) => panic!("{} is accepted", path.display()),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn each_broken_scenario_gets_its_whole_message() {
    let is_update = std::env::var("REJECTED").is_ok_and(|value| value == "update");
    let scenarios = scenarios();
    assert!(
        scenarios.len() >= 40,
        "{} broken scenarios",
        scenarios.len()
    );
    let mut different = Vec::new();
    for path in &scenarios {
        let message = message(path);
        let expected = path.with_extension("stderr");
        if is_update {
            fs::write(&expected, &message).expect("the message can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != message {
            different.push(format!("{}\n{message}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn no_expected_message_is_without_its_scenario() {
    for entry in fs::read_dir("tests/rejected").expect("the folder of rejected scenarios") {
        let path = entry.expect("an entry").path();
        assert!(path.with_extension("toml").exists(), "{}", path.display());
    }
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let problems = load(Path::new("tests/rejected/no-such-file.toml"), &[]).unwrap_err();
    let shown = problems.render(false);
    assert!(
        shown.starts_with("error: cannot read tests/rejected/no-such-file.toml\n"),
        "{shown}"
    );
    assert!(
        shown.ends_with("error: 1 problem in tests/rejected/no-such-file.toml; nothing was run\n"),
        "{shown}"
    );
}

/// A linear congruential generator (Knuth, MMIX): the mutations are the same every time.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// The text cut into words, blanks and single signs.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for c in text.chars() {
        let joins = |last: &String| {
            let before = last.chars().last().unwrap_or(' ');
            (before.is_alphanumeric() && c.is_alphanumeric()) || (before == ' ' && c == ' ')
        };
        match tokens.last_mut() {
            Some(last) if joins(last) => last.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}

#[test]
fn mutated_scenarios_never_panic_and_never_fail_silently() {
    let text = include_str!("data/full.toml");
    let original = tokens(text);
    let odd = [
        "nan",
        "-1",
        "1e400",
        "\"",
        "'''",
        "[",
        "]",
        "{",
        "}",
        "=",
        "\n",
        "99999999999999999999",
        "é",
        "\u{0}",
        "\"0d\"",
        "0",
        "[[x]]\n",
        "1e-300",
        "true",
    ];
    let arguments = [
        "simulation.horizon=30d",
        "hedges.0.ratio.fixed=0",
        "assets.ETH.model.gbm={volatility=0.5}",
        "hedges.7.ratio=1",
        "accounts.main.liquidation.then.stay_flat={}",
        "venues.plain.maintenance.0.rate=1%",
        "title={",
        "a.\"b c\".d=1",
    ];
    let mut random = Lcg(2026);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..5_000 {
        let mut mutated = original.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(mutated.len());
            match random.below(4) {
                0 => drop(mutated.remove(at)),
                1 => mutated.insert(at, mutated[at].clone()),
                2 => mutated[at] = odd[random.below(odd.len())].to_owned(),
                _ => mutated[at] = original[random.below(original.len())].clone(),
            }
        }
        let mutated = mutated.concat();
        let overrides: Vec<String> = (0..random.below(3))
            .map(|_| arguments[random.below(arguments.len())].to_owned())
            .collect();
        match parse("mutated.toml", &mutated, &overrides)
            .and_then(|loaded| resolve(&loaded).map(|plan| (loaded, plan)))
        {
            Ok((loaded, plan)) => {
                accepted += 1;
                let again = parse("effective.toml", &loaded.effective_toml, &[])
                    .expect("the text as run is a scenario");
                assert_eq!(
                    resolve(&again).as_ref(),
                    Ok(&plan),
                    "round {round}:\n{mutated}"
                );
            }
            Err(problems) => {
                refused += 1;
                assert!(
                    !problems.list().is_empty(),
                    "round {round} fails silently:\n{mutated}"
                );
                assert!(problems.render(false).lines().count() > problems.list().len());
            }
        }
    }
    assert!(
        accepted > 200 && refused > 1_000,
        "{accepted} accepted, {refused} refused"
    );
}

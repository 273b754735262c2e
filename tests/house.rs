//! The plan of the house: which room may import from which, and how a source file begins and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// An arrow that is allowed: from a room to a room, or to one file of it (`outcome::table`), and why.
struct Arrow {
    from: &'static str,
    to: &'static str,
    #[expect(dead_code, reason = "a decision stands beside its reason")]
    because: &'static str,
}

const fn arrow(from: &'static str, to: &'static str, because: &'static str) -> Arrow {
    Arrow { from, to, because }
}

/// Rooms from the ground floor up: each imports only from rooms before it. The two roots of the crate are no rooms.
const ROOMS: [&str; 14] = [
    "math", "venue", "scenario", "plan", "hedge", "outcome", "market", "ledger", "engine", "stats",
    "choice", "stress", "report", "cli",
];

/// What the program itself may use. A new arrow is a decision: write it down here, with its reason, or do without.
const ARROWS: [Arrow; 64] = [
    arrow(
        "scenario",
        "math::digits",
        "thousands are written alike in every message",
    ),
    arrow("stats", "math::digits", "the same"),
    arrow("choice", "math::digits", "the same"),
    arrow("report", "math::digits", "the same"),
    arrow(
        "plan",
        "scenario",
        "resolving is the door from what the user wrote",
    ),
    arrow(
        "plan",
        "venue",
        "a contract brings its venue's brackets, fees and procedure",
    ),
    arrow(
        "plan",
        "math",
        "correlations are repaired, coverage and hedge ratios come from moments and histories",
    ),
    arrow(
        "hedge",
        "plan",
        "the hedge as decided, judged without simulating",
    ),
    arrow(
        "hedge",
        "venue",
        "margin and prices of liquidation at time 0",
    ),
    arrow(
        "hedge",
        "math",
        "moments over the horizon and expected funding",
    ),
    arrow(
        "outcome",
        "plan",
        "which columns a plan's outcomes have, and their names",
    ),
    arrow("market", "plan", "asset, basis and funding parameters"),
    arrow(
        "market",
        "math",
        "random streams, vector functions, laws of jumps",
    ),
    arrow(
        "market",
        "outcome::table",
        "`LANES`: a block of paths is a block of rows",
    ),
    arrow(
        "ledger",
        "plan",
        "the programme's dates, policies and costs",
    ),
    arrow("ledger", "market", "reacts to one tile of the market"),
    arrow("ledger", "venue", "asks for margin and liquidation prices"),
    arrow(
        "ledger",
        "hedge::target",
        "asks for the size that the hedge ratio wants",
    ),
    arrow("ledger", "outcome", "leaves a row a path"),
    arrow("ledger", "math", "bridges and their draws"),
    arrow("engine", "plan", "paths, steps, contracts"),
    arrow("engine", "market", "composes market"),
    arrow("engine", "ledger", "and ledger"),
    arrow("engine", "outcome", "into a table"),
    arrow(
        "engine",
        "math::random",
        "hands the ledgers their random numbers",
    ),
    arrow(
        "engine",
        "math::regression",
        "a pilot's ratio is the slope of the price on the hedge's gain",
    ),
    arrow("stats", "plan", "thresholds, limits, what cannot happen"),
    arrow("stats", "outcome", "estimates from rows"),
    arrow(
        "stats",
        "math::entropy",
        "views are weights of least relative entropy",
    ),
    arrow(
        "stats",
        "math::effective",
        "and leave so many effective paths",
    ),
    arrow(
        "choice",
        "scenario::overrides",
        "a point of a grid is a list of overrides",
    ),
    arrow(
        "choice",
        "scenario::limit",
        "a constraint is written like a limit",
    ),
    arrow("choice", "plan", "proposals, and which share a market"),
    arrow("choice", "engine", "simulates them together"),
    arrow("choice", "outcome", "looks at their tables"),
    arrow("choice", "stats", "estimates and their differences"),
    arrow("stress", "plan", "changes a plan for a shock"),
    arrow("stress", "market::script", "writes scripts of prices"),
    arrow("stress", "engine", "plays them, and simulates again"),
    arrow("stress", "outcome", "reads their rows"),
    arrow("stress", "stats", "the simulated shocks' percentiles"),
    arrow(
        "stress",
        "ledger::event",
        "finds the first margin call of a path",
    ),
    arrow(
        "stress",
        "scenario::nearest",
        "the nearest name to a mistyped episode or coin",
    ),
    arrow("report", "stress", "prints what a stress test has found"),
    arrow("report", "stats", "prints estimates"),
    arrow(
        "report",
        "scenario::overrides",
        "puts a path into words, key by key",
    ),
    arrow("report", "choice", "prints points and their differences"),
    arrow("report", "outcome", "writes rows"),
    arrow("report", "plan", "names of assets, contracts and policies"),
    arrow("report", "venue", "lists presets and their rules"),
    arrow("report", "hedge::glance", "prints the hedge at a glance"),
    arrow("report", "hedge::glance_legs", "and one of several"),
    arrow("report", "engine::trace", "prints one path alone"),
    arrow("report", "ledger::event", "puts what happened into words"),
    arrow("cli", "scenario", "reads"),
    arrow("cli", "plan", "resolves"),
    arrow("cli", "engine", "simulates"),
    arrow("cli", "stats", "summarises"),
    arrow("cli", "stress", "`stress`"),
    arrow("cli", "report", "writes"),
    arrow("cli", "hedge", "`check`"),
    arrow("cli", "outcome", "the worst paths of `inspect`"),
    arrow("cli", "venue::preset", "`venues`"),
    arrow("cli", "choice", "`sweep`, `compare` and `optimize`"),
];

/// What test modules and fixtures may use besides.
const TEST_ARROWS: [Arrow; 7] = [
    arrow("market", "hedge::fixture", "a plan whose prices move"),
    arrow(
        "outcome",
        "hedge::fixture",
        "the plan whose columns are listed",
    ),
    arrow(
        "stats",
        "venue",
        "the fixture's plan has a contract with rules",
    ),
    arrow(
        "report",
        "hedge::fixture",
        "the plan of a glance that is drawn",
    ),
    arrow("report", "hedge::warnings", "its warnings"),
    arrow("stress", "hedge::fixture", "a plan to be stressed"),
    arrow("stress", "hedge::glance", "its level of a margin call"),
];

/// Files of more than 500 lines.
const LONG: [(&str, &str); 0] = [];

/// Lines after which a file should be looked through for its second idea.
const MOST_LINES: usize = 500;

/// One mention of a path of the crate: where it stands and what it names.
struct Mention {
    file: PathBuf,
    from: String,
    to: String,
    is_test: bool,
}

fn sources() -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.insert(path, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(Path::new("src"), &mut found);
    found
}

/// The room of a file; `None` for the roots of library and binary.
fn room(file: &Path) -> Option<String> {
    let inside = file.strip_prefix("src").expect("a file of src");
    let mut parts = inside.components();
    let first = parts.next().expect("a name").as_os_str();
    parts.next()?;
    Some(first.to_str().expect("a plain name").to_owned())
}

/// Files that a `mod.rs` declares for tests only.
fn test_files(sources: &BTreeMap<PathBuf, String>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for (file, text) in sources {
        let mut is_next = false;
        for line in text.lines() {
            if is_next {
                let name = line
                    .split("mod ")
                    .nth(1)
                    .and_then(|rest| rest.strip_suffix(';'));
                if let Some(name) = name {
                    found.insert(file.with_file_name(format!("{name}.rs")));
                }
            }
            is_next = line == "#[cfg(test)]";
        }
    }
    found
}

/// Every `crate::...` and `hedgesim::...` outside comments, imported or spelled out.
fn mentions() -> Vec<Mention> {
    let sources = sources();
    let test_files = test_files(&sources);
    let mut found = Vec::new();
    for (file, text) in &sources {
        let Some(from) = room(file) else { continue };
        let mut is_test = test_files.contains(file);
        for line in text.lines() {
            if line == "#[cfg(test)]" {
                is_test = true;
            }
            let code = line.split("//").next().unwrap_or_default();
            for root in ["crate::", "hedgesim::"] {
                found.extend(code.split(root).skip(1).map(|rest| {
                    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                    let end = rest.find(|c| !is_of_path(c)).unwrap_or(rest.len());
                    Mention {
                        file: file.clone(),
                        from: from.clone(),
                        to: rest[..end].to_owned(),
                        is_test,
                    }
                }));
            }
        }
    }
    found
}

impl Arrow {
    fn allows(&self, mention: &Mention) -> bool {
        let inside = mention.to.strip_prefix(self.to);
        self.from == mention.from
            && inside.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

#[test]
fn rooms_import_along_the_arrows_only() {
    let mut wrong = Vec::new();
    for mention in mentions() {
        let is_own = mention.to.split("::").next() == Some(mention.from.as_str());
        let is_allowed = ARROWS.iter().any(|arrow| arrow.allows(&mention))
            || mention.is_test && TEST_ARROWS.iter().any(|arrow| arrow.allows(&mention));
        if !(is_own || is_allowed) {
            wrong.push(format!("{}: {}", mention.file.display(), mention.to));
        }
    }
    assert!(
        wrong.is_empty(),
        "no arrow allows these; see `ARROWS`:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn imports_name_the_file_that_defines_a_thing() {
    let wrong: Vec<String> = mentions()
        .into_iter()
        .filter(|mention| !mention.to.contains("::"))
        .map(|mention| format!("{}: {}", mention.file.display(), mention.to))
        .collect();
    assert!(
        wrong.is_empty(),
        "too short, name the file:\n{}",
        wrong.join("\n")
    );
    let root = fs::read_to_string("src/lib.rs").expect("the library's root");
    let is_import = |line: &str| line.starts_with("use ") || line.starts_with("pub use ");
    assert!(!root.lines().any(is_import), "the root re-exports nothing");
}

#[test]
fn no_arrow_leads_up_the_house_or_is_unused() {
    let floor = |name: &str| {
        let room = name.split("::").next().unwrap_or_default();
        let place = ROOMS.iter().position(|other| *other == room);
        place.unwrap_or_else(|| panic!("`{room}` is no room"))
    };
    let mentions = mentions();
    for arrow in ARROWS.iter().chain(&TEST_ARROWS) {
        assert!(
            floor(arrow.from) > floor(arrow.to),
            "{} -> {} leads up",
            arrow.from,
            arrow.to
        );
        assert!(
            mentions.iter().any(|mention| arrow.allows(mention)),
            "{} -> {} is not used any more: take it out",
            arrow.from,
            arrow.to
        );
    }
    let found: BTreeSet<String> = sources().keys().filter_map(|file| room(file)).collect();
    let known: BTreeSet<String> = ROOMS.iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(found, known, "the rooms of src");
}

/// `use super::super::...` in a file that stands in a room itself would leave the room unseen.
#[test]
fn nobody_leaves_a_room_through_super() {
    for (file, text) in sources() {
        let depth = file.components().count() - 2;
        let climb = "super::".repeat(depth + 1);
        for line in text.lines().filter(|line| line.contains(&climb)) {
            // A test module is one deeper than its file.
            let is_inner = line.starts_with(' ') && !line.contains(&format!("super::{climb}"));
            assert!(is_inner, "{}: {line}", file.display());
        }
    }
}

#[test]
fn every_file_says_in_its_first_line_what_lives_there() {
    let mut files = sources();
    for folder in ["tests", "benches"] {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                files.insert(path, text);
            }
        }
    }
    for (file, text) in files {
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.len() > 10,
            "{}: {first}",
            file.display()
        );
    }
}

#[test]
fn files_are_short() {
    for (file, text) in sources() {
        let lines = text.lines().count();
        let name = file.to_str().expect("a plain name");
        let is_known = LONG.iter().any(|(long, _)| *long == name);
        assert!(
            is_known == (lines > MOST_LINES),
            "{name} has {lines} lines; at {MOST_LINES} look for the second idea, `LONG` lists the exceptions"
        );
    }
}

#[test]
fn lists_of_modules_hold_no_logic() {
    for (file, text) in sources() {
        if file.file_name().is_some_and(|name| name == "mod.rs") {
            for word in ["fn ", "use ", "macro_rules!"] {
                let line = text
                    .lines()
                    .find(|line| !line.starts_with("//") && line.contains(word));
                assert!(line.is_none(), "{}: {line:?}", file.display());
            }
        }
    }
}

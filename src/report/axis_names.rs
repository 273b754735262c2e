//! What the axes of a grid and their values are called: whose value it is and which, letters for values too long for a table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::choice::axis::GridValue;
use crate::choice::grid::{Grid, Point};
use crate::plan::types::Plan;
use crate::report::number::plain;
use crate::scenario::overrides::keys;

/// Values longer than this, and inline tables and lists, get a letter and stand in a legend.
const LONGEST_VALUE: usize = 24;

/// From here on whole numbers are grouped by thousands; below, 2500 is as quick to read as 2,500.
const GROUPED_FROM: f64 = 10_000.0;

/// What the paths of a grid and their values are called.
pub(super) struct AxisNames {
    paths: Vec<String>,
    words: BTreeMap<String, String>,
    /// By path: the long values, in their order.
    long: BTreeMap<String, Vec<String>>,
}

impl AxisNames {
    /// The names of all paths of a grid; `plan` is that of one of its points.
    pub(super) fn new(grid: &Grid, plan: &Plan) -> Self {
        let first = grid.point(0);
        let firsts = first
            .values
            .iter()
            .map(|(paths, _)| first_of(paths).to_owned());
        let paths: Vec<String> = firsts.collect();
        let mut names = Self::of_paths(&paths, plan);
        for point in grid.points() {
            for (paths, value) in point.values {
                if is_long(&value) {
                    let long = names.long.entry(first_of(&paths).to_owned()).or_default();
                    let label = value.label().to_owned();
                    if !long.contains(&label) {
                        long.push(label);
                    }
                }
            }
        }
        names
    }

    /// Two paths of one name are called by their whole paths.
    fn of_paths(paths: &[String], plan: &Plan) -> Self {
        let all: Vec<String> = paths.iter().map(|path| path_words(path, plan)).collect();
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<&String> = all.iter().filter(|words| !seen.insert(*words)).collect();
        let words = paths.iter().zip(&all).map(|(path, words)| {
            let name = if twice.contains(words) { path } else { words };
            (path.clone(), name.clone())
        });
        Self {
            paths: paths.to_vec(),
            words: words.collect(),
            long: BTreeMap::new(),
        }
    }

    /// What the paths of an axis are called, by the first of them: `hedge 1 ratio`.
    pub(super) fn of<'a>(&'a self, paths: &'a [String]) -> &'a str {
        self.of_path(first_of(paths))
    }

    fn of_path<'a>(&'a self, path: &'a str) -> &'a str {
        self.words.get(path).map_or(path, String::as_str)
    }

    /// What all paths are called, for the head of a column: `hedge 1 ratio; posted in main`.
    pub(super) fn head(&self) -> String {
        self.all().join("; ")
    }

    /// What each axis is called, in their order.
    pub(super) fn all(&self) -> Vec<&str> {
        self.paths.iter().map(|path| self.of_path(path)).collect()
    }

    /// A value as people read it: 20,000,000 for 20e6, a letter for what is long.
    pub(super) fn value(&self, paths: &[String], value: &GridValue) -> String {
        let long = self.long.get(first_of(paths));
        let place = long.and_then(|long| long.iter().position(|label| label == value.label()));
        match place {
            Some(place) => letter(place),
            None => value_text(value),
        }
    }

    /// The values of a point, for the first column of a table: `0.5; 20,000,000`.
    pub(super) fn values(&self, at: &Point) -> String {
        let values = at.values.iter();
        let values: Vec<String> = values
            .map(|(paths, value)| self.value(paths, value))
            .collect();
        values.join("; ")
    }

    /// A point in a sentence: the value alone where there is one path, else `hedge 1 ratio 0.5, hedge 2 ratio 1`.
    pub(super) fn point(&self, at: &Point) -> String {
        if at.values.len() == 1 {
            return self.values(at);
        }
        let parts = at.values.iter();
        let parts: Vec<String> = parts
            .map(|(paths, value)| format!("{} {}", self.of(paths), self.value(paths, value)))
            .collect();
        parts.join(", ")
    }

    /// What the letters stand for: `hedge ratio A: { fixed = 0.5 }`.
    pub(super) fn legend(&self) -> Vec<String> {
        let of_path = |(path, long): (&String, &Vec<String>)| {
            let name = self.of_path(path).to_owned();
            let lines = long.iter().enumerate();
            let lines = lines.map(|(place, label)| format!("{name} {}: {label}", letter(place)));
            lines.collect::<Vec<String>>()
        };
        self.long.iter().flat_map(of_path).collect()
    }
}

/// The path by which an axis of several is called.
fn first_of(paths: &[String]) -> &str {
    paths.first().map_or("", String::as_str)
}

fn is_long(value: &GridValue) -> bool {
    let label = value.label();
    label.starts_with(['{', '[']) || label.chars().count() > LONGEST_VALUE
}

/// A bare whole number of some size by thousands, everything else as it was written.
pub(super) fn value_text(value: &GridValue) -> String {
    match value.json() {
        Value::Number(number) => match number.as_f64() {
            // Up to 2^53 a whole number is exact.
            Some(n) if n.fract() == 0.0 && (GROUPED_FROM..9e15).contains(&n.abs()) => plain(n, 0),
            _ => value.label().to_owned(),
        },
        _ => value.label().to_owned(),
    }
}

/// A to Z, then A2 to Z2 and so on.
fn letter(place: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(place % 26).unwrap_or(0));
    match place / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{}", round + 1),
    }
}

/// What a path sets, as people say it: `hedge ratio`, `posted in main`, `BTC volatility`.
fn path_words(path: &str, plan: &Plan) -> String {
    let keys = keys(path).unwrap_or_default();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let of = |who: &str, rest: &[&str]| match tail(rest) {
        tail if tail.is_empty() => who.to_owned(),
        tail => format!("{who} {tail}"),
    };
    match keys.as_slice() {
        ["hedges", place, rest @ ..] => {
            let hedge = numbered("hedge", place, plan.hedges.len());
            match rest {
                ["ratio", "fixed"] => format!("{hedge} ratio"),
                rest => of(&hedge, rest),
            }
        }
        ["holdings", place, rest @ ..] => {
            of(&numbered("holding", place, plan.holdings.len()), rest)
        }
        ["accounts", name, "collateral_usd"] => format!("posted in {name}"),
        ["accounts", name, "reserve_usd"] => format!("reserve of {name}"),
        ["assets", name, "model", _, last] => of(name, &[last]),
        ["correlations", place, "value"] => match plan.market.assets.as_slice() {
            [first, second] => format!("{} to {} correlation", first.name, second.name),
            // The plan has the matrix, not the list.
            _ => numbered("correlation", place, 2),
        },
        ["correlations", place, rest @ ..] => of(&numbered("correlation", place, 2), rest),
        [
            "accounts" | "assets" | "contracts" | "venues",
            name,
            rest @ ..,
        ] => of(name, rest),
        rest => tail(rest),
    }
}

/// `hedge` where there is one, else `hedge 2`.
fn numbered(what: &str, place: &str, count: usize) -> String {
    match place.parse::<usize>() {
        Ok(_) if count == 1 => what.to_owned(),
        Ok(place) => format!("{what} {}", place + 1),
        Err(_) => format!("{what} {place}"),
    }
}

/// The last two keys in words.
fn tail(keys: &[&str]) -> String {
    let last = &keys[keys.len().saturating_sub(2)..];
    last.join(" ").replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::synthetic::{general_plan, plan};

    fn grid(arguments: &[&str]) -> Grid {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Grid::parse(&arguments).unwrap()
    }

    #[test]
    fn names_say_whose_value_it_is() {
        let several = general_plan(100);
        let one = plan(100, vec![]);
        for (path, plan, expected) in [
            ("hedges.0.ratio.fixed", &one, "hedge ratio"),
            ("hedges.0.ratio.fixed", &several, "hedge 1 ratio"),
            ("hedges.1.contract", &several, "hedge 2 contract"),
            ("hedges.0", &one, "hedge"),
            ("accounts.main.collateral_usd", &one, "posted in main"),
            (
                "accounts.main.margin_call.delay",
                &one,
                "main margin call delay",
            ),
            (
                "assets.BTC.model.jump_diffusion.volatility",
                &one,
                "BTC volatility",
            ),
            ("assets.BTC.model", &one, "BTC model"),
            ("contracts.perp.venue", &one, "perp venue"),
            ("simulation.horizon", &one, "simulation horizon"),
            ("title", &one, "title"),
        ] {
            assert_eq!(path_words(path, plan), expected, "{path}");
        }
    }

    #[test]
    fn what_would_be_called_the_same_keeps_its_path() {
        let paths = [
            "assets.BTC.model.gbm.volatility",
            "assets.BTC.model.jump_diffusion.volatility",
            "hedges.0.ratio.fixed",
        ];
        let names = AxisNames::of_paths(&paths.map(str::to_owned), &plan(100, vec![]));
        assert_eq!(names.of_path(paths[0]), paths[0]);
        assert_eq!(names.of_path(paths[1]), paths[1]);
        assert_eq!(names.of_path(paths[2]), "hedge ratio");
    }

    #[test]
    fn large_numbers_are_grouped_and_long_values_have_letters() {
        for (text, expected) in [
            ("20e6", "20,000,000"),
            ("20000000", "20,000,000"),
            ("2500", "2500"),
            ("0.85", "0.85"),
            ("8h", "8h"),
            ("\"binance\"", "binance"),
        ] {
            assert_eq!(value_text(&GridValue::new(text)), expected);
        }
        let grid = grid(&[
            "hedges.0.ratio={ fixed = 0.5 },{ minimum_variance = {} }",
            "accounts.main.collateral_usd=20e6,30e6",
        ]);
        let names = AxisNames::new(&grid, &plan(100, vec![]));
        assert_eq!(names.values(&grid.point(0)), "A; 20,000,000");
        assert_eq!(
            names.point(&grid.point(3)),
            "hedge ratio B, posted in main 30,000,000"
        );
        assert_eq!(
            names.legend(),
            [
                "hedge ratio A: { fixed = 0.5 }",
                "hedge ratio B: { minimum_variance = {} }"
            ]
        );
    }
}

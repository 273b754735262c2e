//! Syntax errors of a text, and which tables they may have damaged.

use toml::de::Error;

use crate::scenario::cause::Cause;
use crate::scenario::place::Place;
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Node, Table, Value};

/// The syntax errors as problems, one a line; tables that may have lost keys are marked as poisoned.
pub fn problems(errors: &[Error], text: &str, tree: &mut Table) -> Vec<Problem> {
    let mut found: Vec<(Place, String)> = errors.iter().map(|error| (place(error, text), error.message().to_owned())).collect();
    found.sort_by_key(|(place, _)| *place);
    drop_inside_unclosed(&mut found, tree);
    found.dedup_by_key(|(place, _)| line_of(text, place.start));
    for (place, what) in &found {
        poison(tree, text, place.start, what);
    }
    found
        .into_iter()
        .map(|(place, what)| {
            let hint = hint(&what, text.get(place.start..place.end).unwrap_or(""));
            Cause::Syntax { what, hint }.at(place)
        })
        .collect()
}

/// Whether a problem stands on a line that a syntax error made unreadable: it would only be a consequence.
pub fn is_consequence(problem: &Problem, syntax: &[Problem], text: &str) -> bool {
    let lines = |place: Place| (line_of(text, place.start), line_of(text, place.end.max(place.start)));
    let Some(place) = problem.place.filter(|place| place.source == 0) else {
        return false;
    };
    let (first, last) = lines(place);
    syntax.iter().filter_map(|error| error.place).any(|error| {
        let (from, to) = lines(error);
        first <= to && from <= last
    })
}

fn place(error: &Error, text: &str) -> Place {
    let span = error.span().unwrap_or(text.len()..text.len());
    Place {
        source: 0,
        start: span.start,
        end: span.end,
    }
}

fn hint(what: &str, found: &str) -> String {
    if what.starts_with("string values must be quoted") {
        if found.trim().is_empty() {
            "a value is missing".to_owned()
        } else {
            format!("write \"{}\" with quotes", found.trim())
        }
    } else if what.starts_with("unclosed") {
        "what begins here is never closed".to_owned()
    } else {
        String::new()
    }
}

/// An array that is never closed swallows what follows: only that it is unclosed is worth telling.
fn drop_inside_unclosed(found: &mut Vec<(Place, String)>, tree: &Table) {
    let ends: Vec<usize> = found
        .iter()
        .filter(|(_, what)| what.starts_with("unclosed array") || what.starts_with("unclosed inline table"))
        .map(|(place, _)| place.start)
        .collect();
    for end in ends {
        let Some(start) = tree.entries.iter().find_map(|entry| container_ending_at(&entry.node, end)) else {
            continue;
        };
        let Some((_, what)) = found.iter().find(|(place, what)| place.start == end && what.starts_with("unclosed")) else {
            continue;
        };
        let what = what.clone();
        found.retain(|(place, _)| place.start < start || place.start > end);
        let place = Place { source: 0, start, end: start + 1 };
        found.push((place, what));
        found.sort_by_key(|(place, _)| *place);
    }
}

fn container_ending_at(node: &Node, end: usize) -> Option<usize> {
    let inner = match &node.value {
        Value::List(items) => items.iter().find_map(|item| container_ending_at(item, end)),
        Value::Table(table) => table.entries.iter().find_map(|entry| container_ending_at(&entry.node, end)),
        _ => return None,
    };
    inner.or((node.place.end == end && node.place.start < end).then_some(node.place.start))
}

fn poison(tree: &mut Table, text: &str, at: usize, what: &str) {
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let is_header = text[line_start..].trim_start().starts_with('[');
    let swallows = what.starts_with("unclosed") || what.contains("multi-line");
    let Some(path) = section_path(&text[..line_start]).filter(|_| !is_header && !swallows) else {
        return poison_all(tree);
    };
    if path.is_empty() {
        tree.is_poisoned = true;
        // Dotted keys at the top of the file can belong to any table that has no header before.
        return tree.entries.iter_mut().for_each(|entry| {
            if entry.key_place.start < at {
                poison_node(&mut entry.node);
            }
        });
    }
    match find(tree, &path) {
        Some(node) => poison_node(node),
        None => poison_all(tree),
    }
}

/// The path of the last table header in a text; empty before the first, `None` if it cannot be told.
fn section_path(before: &str) -> Option<Vec<String>> {
    let Some(header) = before.lines().rev().map(str::trim).find(|line| line.starts_with('[')) else {
        return Some(Vec::new());
    };
    let inner = header.trim_start_matches('[');
    let inner = &inner[..inner.find(']')?];
    let keys = inner.split('.').map(|key| key.trim().trim_matches(['"', '\'']).to_owned());
    Some(keys.collect())
}

fn find<'t>(tree: &'t mut Table, path: &[String]) -> Option<&'t mut Node> {
    let (first, rest) = path.split_first()?;
    let entry = tree.entries.iter_mut().find(|entry| entry.key == *first)?;
    if rest.is_empty() {
        return Some(&mut entry.node);
    }
    match &mut entry.node.value {
        Value::Table(table) => find(table, rest),
        _ => None,
    }
}

/// Marks every table: no key of any is called missing or unknown.
pub fn poison_all(tree: &mut Table) {
    tree.is_poisoned = true;
    for entry in &mut tree.entries {
        poison_node(&mut entry.node);
    }
}

fn poison_node(node: &mut Node) {
    match &mut node.value {
        Value::Table(table) => poison_all(table),
        Value::List(items) => items.iter_mut().for_each(poison_node),
        _ => {}
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;
    use crate::scenario::tree;

    fn read(text: &str) -> (Table, Vec<Problem>) {
        let (parsed, errors) = DeTable::parse_recoverable(text);
        let mut table = tree::table(parsed.get_ref(), text, 0, 0);
        let problems = problems(&errors, text, &mut table);
        (table, problems)
    }

    fn is_poisoned(tree: &Table, key: &str) -> bool {
        matches!(&tree.get(key).unwrap().node.value, Value::Table(table) if table.is_poisoned)
    }

    #[test]
    fn only_the_damaged_section_is_poisoned() {
        let (tree, problems) = read("[a]\nx = 1\n[b]\ny = 90d\nz = \n[c]\nk = 1\n");
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].label, "write \"90d\" with quotes");
        assert_eq!(problems[1].label, "a value is missing");
        assert!(!is_poisoned(&tree, "a") && is_poisoned(&tree, "b") && !is_poisoned(&tree, "c"));
        assert!(!tree.is_poisoned);
    }

    #[test]
    fn an_unclosed_list_is_one_problem() {
        let (tree, problems) = read("[a]\nq = [1, 2\n[c]\nk = 1\n");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].place.unwrap().start, 8);
        assert!(tree.is_poisoned);
    }

    #[test]
    fn consequences_are_on_the_same_line() {
        let text = "a = 90d\nb = 1\n";
        let (_, problems) = read(text);
        let at = |start| Problem {
            message: String::new(),
            place: Some(Place { source: 0, start, end: start + 1 }),
            label: String::new(),
        };
        assert!(is_consequence(&at(0), &problems, text));
        assert!(!is_consequence(&at(8), &problems, text));
    }
}

//! Syntax errors of a text, and which tables they may have damaged.

use toml::de::Error;

use crate::scenario::cause::Cause;
use crate::scenario::place::Place;
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Node, Table, Value};

/// The syntax errors of a text.
#[derive(Debug, Clone, Default)]
pub struct Syntax {
    /// The errors, one a line, in the order of the text.
    pub problems: Vec<Problem>,
    /// Lines that cannot be read: what else is wrong there is only a consequence.
    spoiled: Vec<(usize, usize)>,
}

impl Syntax {
    /// The errors of a parsed text; tables that may have lost keys are marked as poisoned.
    pub fn new(errors: &[Error], text: &str, tree: &mut Table) -> Self {
        let mut found: Vec<(Place, String)> = errors
            .iter()
            .map(|error| (place(error, text), error.message().to_owned()))
            .collect();
        found.sort_by_key(|(place, _)| *place);
        let mut spoiled: Vec<(usize, usize)> =
            found.iter().map(|(place, _)| lines(text, *place)).collect();
        for container in unclosed(tree, text, &found) {
            let is_never_closed = found
                .iter()
                .any(|(place, what)| place.start >= container.end && is_echo(what));
            let end = if is_never_closed {
                text.len()
            } else {
                container.end
            };
            spoiled.push(lines(text, Place { end, ..container }));
            found.retain(|(place, _)| place.start < container.start || place.start > end);
            let place = Place {
                end: container.start + 1,
                ..container
            };
            found.push((
                place,
                "unclosed list or inline table, or an error inside it".to_owned(),
            ));
            found.sort_by_key(|(place, _)| *place);
        }
        found.dedup_by_key(|(place, _)| lines(text, *place).0);
        for (place, what) in &found {
            poison(tree, text, place.start, what);
        }
        let problem = |(place, what): (Place, String)| {
            let hint = hint(&what, text.get(place.start..place.end).unwrap_or(""));
            Cause::Syntax { what, hint }.at(place)
        };
        Self {
            problems: found.into_iter().map(problem).collect(),
            spoiled,
        }
    }

    /// Whether a problem stands on a line that a syntax error made unreadable.
    pub fn is_consequence(&self, problem: &Problem, text: &str) -> bool {
        let Some(place) = problem.place.filter(|place| place.source == 0) else {
            return false;
        };
        let (first, last) = lines(text, place);
        self.spoiled
            .iter()
            .any(|(from, to)| first <= *to && *from <= last)
    }
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
        "is what begins here closed?".to_owned()
    } else {
        String::new()
    }
}

/// Lists and inline tables over several lines with an error inside: most often one that is never closed and has
/// swallowed what follows, so that only this is worth telling.
fn unclosed(tree: &Table, text: &str, found: &[(Place, String)]) -> Vec<Place> {
    let mut containers = Vec::new();
    for entry in &tree.entries {
        collect_unclosed(&entry.node, text, found, &mut containers);
    }
    containers
}

/// What the parser says of each line after a list or inline table that was never closed.
fn is_echo(what: &str) -> bool {
    [
        "missing comma",
        "missing key for inline table",
        "unexpected",
    ]
    .iter()
    .any(|start| what.starts_with(start))
}

fn collect_unclosed(
    node: &Node,
    text: &str,
    found: &[(Place, String)],
    containers: &mut Vec<Place>,
) {
    let has_error = found
        .iter()
        .any(|(place, _)| (node.place.start..=node.place.end).contains(&place.start));
    let (first, last) = lines(text, node.place);
    let is_container = matches!(node.value, Value::List(_) | Value::Table(_));
    if is_container && has_error && last > first {
        containers.push(node.place);
        return;
    }
    match &node.value {
        Value::List(items) => items
            .iter()
            .for_each(|item| collect_unclosed(item, text, found, containers)),
        Value::Table(table) => {
            table
                .entries
                .iter()
                .for_each(|entry| collect_unclosed(&entry.node, text, found, containers));
        }
        _ => {}
    }
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
    let Some(header) = before
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['))
    else {
        return Some(Vec::new());
    };
    let inner = header.trim_start_matches('[');
    let inner = &inner[..inner.find(']')?];
    let keys = inner
        .split('.')
        .map(|key| key.trim().trim_matches(['"', '\'']).to_owned());
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

/// First and last line of a place.
fn lines(text: &str, place: Place) -> (usize, usize) {
    let line = |at: usize| {
        let before = text.get(..at.min(text.len())).unwrap_or(text);
        before.matches('\n').count()
    };
    (line(place.start), line(place.end.max(place.start)))
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;
    use crate::scenario::tree;

    fn read(text: &str) -> (Table, Syntax) {
        let (parsed, errors) = DeTable::parse_recoverable(text);
        let mut table = tree::table(parsed.get_ref(), text, 0, 0);
        let syntax = Syntax::new(&errors, text, &mut table);
        (table, syntax)
    }

    fn is_poisoned(tree: &Table, key: &str) -> bool {
        matches!(&tree.get(key).unwrap().node.value, Value::Table(table) if table.is_poisoned)
    }

    #[test]
    fn only_the_damaged_section_is_poisoned() {
        let (tree, Syntax { problems, .. }) = read("[a]\nx = 1\n[b]\ny = 90d\nz = \n[c]\nk = 1\n");
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].label, "write \"90d\" with quotes");
        assert_eq!(problems[1].label, "a value is missing");
        assert!(!is_poisoned(&tree, "a") && is_poisoned(&tree, "b") && !is_poisoned(&tree, "c"));
        assert!(!tree.is_poisoned);
    }

    #[test]
    fn what_is_never_closed_is_one_problem() {
        for text in [
            "[a]\nq = [1, 2\n[c]\nk = 1\n",
            "[a]\nq = { b = 1\n[c]\nk = 1\nm = {}\n",
        ] {
            let (tree, syntax) = read(text);
            assert_eq!(syntax.problems.len(), 1, "{text}");
            assert_eq!(syntax.problems[0].place.unwrap().start, 8);
            assert!(tree.is_poisoned);
        }
    }

    #[test]
    fn consequences_are_on_the_same_line() {
        let text = "a = 90d\nb = 1\n";
        let (_, syntax) = read(text);
        let at = |start| Problem {
            message: String::new(),
            place: Some(Place {
                source: 0,
                start,
                end: start + 1,
            }),
            label: String::new(),
        };
        assert!(syntax.is_consequence(&at(0), text));
        assert!(!syntax.is_consequence(&at(8), text));
    }
}

//! Places of the text as run: each value is shown where the user wrote it, in an override or in the file.

use crate::scenario::overrides::Override;
use crate::scenario::place::Place;
use crate::scenario::tree::{Entry, Node, Table, Value};

/// Gives each value of the text as run the place where the user wrote it: in an override, or in the file.
pub fn relocate(as_run: &mut Table, file: &Table, overrides: &[Override]) {
    let file = Node {
        value: Value::Table(file.clone()),
        place: Place {
            source: 0,
            start: 0,
            end: 0,
        },
        written: String::new(),
    };
    relocate_table(as_run, &mut Vec::new(), &file, overrides);
}

fn relocate_table(table: &mut Table, path: &mut Vec<String>, file: &Node, overrides: &[Override]) {
    for entry in &mut table.entries {
        path.push(entry.key.clone());
        if let Some(place) = key_place(path, file, overrides) {
            entry.key_place = place;
        }
        relocate_node(&mut entry.node, path, file, overrides);
        path.pop();
    }
}

fn relocate_node(node: &mut Node, path: &mut Vec<String>, file: &Node, overrides: &[Override]) {
    if let Some(origin) = origin(path, file, overrides) {
        node.place = origin.place;
        if !node.written.is_empty() {
            node.written.clone_from(&origin.written);
        }
    } else if let Some(through) = overrides.iter().rev().find(|o| o.passes_through(path)) {
        node.place = through.segment_place(path.len() - 1);
    }
    match &mut node.value {
        Value::Table(table) => relocate_table(table, path, file, overrides),
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                relocate_node(item, path, file, overrides);
                path.pop();
            }
        }
        _ => {}
    }
}

/// What the user wrote for a path: in the last override that covers it, else in the file.
fn origin<'t>(path: &[String], file: &'t Node, overrides: &'t [Override]) -> Option<&'t Node> {
    overrides
        .iter()
        .rev()
        .filter(|o| o.is_prefix_of(path))
        .find_map(|o| at(o.node(), &path[o.depth()..]))
        .or_else(|| at(file, path))
}

fn key_place(path: &[String], file: &Node, overrides: &[Override]) -> Option<Place> {
    for o in overrides.iter().rev() {
        if o.is_prefix_of(path) {
            let rest = &path[o.depth()..];
            match rest.split_last() {
                None => return Some(o.segment_place(path.len() - 1)),
                Some((key, parents)) => {
                    if let Some(entry) = at(o.node(), parents).and_then(|parent| entry(parent, key))
                    {
                        return Some(entry.key_place);
                    }
                }
            }
        }
    }
    let (key, parents) = path.split_last()?;
    if let Some(entry) = at(file, parents).and_then(|parent| entry(parent, key)) {
        return Some(entry.key_place);
    }
    let through = overrides.iter().rev().find(|o| o.passes_through(path))?;
    Some(through.segment_place(path.len() - 1))
}

fn entry<'t>(parent: &'t Node, key: &str) -> Option<&'t Entry> {
    match &parent.value {
        Value::Table(table) => table.get(key),
        _ => None,
    }
}

fn at<'t>(node: &'t Node, path: &[String]) -> Option<&'t Node> {
    let Some((first, rest)) = path.split_first() else {
        return Some(node);
    };
    let next = match &node.value {
        Value::Table(table) => &table.get(first)?.node,
        Value::List(items) => items.get(first.parse::<usize>().ok()?)?,
        _ => return None,
    };
    at(next, rest)
}

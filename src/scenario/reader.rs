//! The typed reader of one table: each problem is noted with its place, and reading goes on.

use crate::scenario::cause::{Cause, Complaint};
use crate::scenario::dotted::join;
use crate::scenario::draft::Draft;
use crate::scenario::files::Files;
use crate::scenario::nearest::nearest;
use crate::scenario::place::{Given, Place};
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::tree::{Entry, Node, Table, Value};

/// Reads one table key by key; [`Reader::finish`] reports what is missing and what is unknown.
#[derive(Debug)]
pub struct Reader<'a> {
    table: &'a Table,
    path: String,
    place: Option<Place>,
    sink: &'a Sink,
    known: Vec<&'static str>,
    later: Vec<&'static str>,
    missing: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// A reader of a table at a dotted path; `place` is `None` for the file itself.
    pub fn new(table: &'a Table, path: String, place: Option<Place>, sink: &'a Sink) -> Self {
        Self {
            table,
            path,
            place,
            sink,
            known: Vec::new(),
            later: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// A value that must be there.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, Complaint>,
    ) -> Option<Given<T>> {
        let Some(entry) = self.present(key) else {
            self.missing.push(key);
            return None;
        };
        self.value(&join(&self.path, key), &entry.node, read)
    }

    /// A value that may be absent: `Some(None)`. `None` if it is there and wrong.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, Complaint>,
    ) -> Option<Option<Given<T>>> {
        match self.present(key) {
            None => Some(None),
            Some(entry) => self
                .value(&join(&self.path, key), &entry.node, read)
                .map(Some),
        }
    }

    /// A list of values that may be absent (then empty).
    pub fn values<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        read: impl Fn(&Node) -> Result<T, Complaint>,
    ) -> Option<Vec<Given<T>>> {
        let Some(entry) = self.present(key) else {
            return Some(Vec::new());
        };
        let path = join(&self.path, key);
        let Value::List(items) = &entry.node.value else {
            self.wrong_kind(&path, &entry.node, expected);
            return None;
        };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.push(self.value(&format!("{path}.{index}"), item, &read));
        }
        values.into_iter().collect()
    }

    /// The values of a table under free names, in the order of the text; empty if absent.
    pub fn named_values<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, Complaint>,
    ) -> Option<Vec<(Given<String>, Given<T>)>> {
        let parent = match self.present(key) {
            None => return Some(Vec::new()),
            Some(entry) => self.entry_table(entry)?,
        };
        let mut values = Vec::new();
        for entry in &parent.table.entries {
            let path = join(&parent.path, &entry.key);
            let name = Given {
                value: entry.key.clone(),
                place: entry.key_place,
                path: path.clone(),
                written: format!("\"{}\"", entry.key),
            };
            let value = self.value(&path, &entry.node, &read);
            values.push(value.map(|value| (name, value)));
        }
        values.into_iter().collect()
    }

    /// Where the table stands, for messages about it as a whole.
    pub fn given(&self) -> Given<()> {
        let file = Place {
            source: 0,
            start: 0,
            end: 0,
        };
        Given {
            value: (),
            place: self.place.unwrap_or(file),
            path: self.path.clone(),
            written: String::new(),
        }
    }

    /// The files that the scenario names.
    pub fn files(&self) -> &'a Files {
        self.sink.files()
    }

    /// A table that must be there.
    pub fn required_table(&mut self, key: &'static str) -> Option<Reader<'a>> {
        if self.present(key).is_none() {
            self.missing.push(key);
            return None;
        }
        self.table(key)
    }

    /// A table that may be absent; `None` also if it is no table.
    pub fn table(&mut self, key: &'static str) -> Option<Reader<'a>> {
        let entry = self.present(key)?;
        self.entry_table(entry)
    }

    /// Where a key's value stands, if it is there.
    pub fn place_of(&self, key: &str) -> Option<Place> {
        self.table.get(key).map(|entry| entry.node.place)
    }

    /// Whether a key's value is a list.
    pub fn is_list(&self, key: &str) -> bool {
        let value = self.table.get(key).map(|entry| &entry.node.value);
        matches!(value, Some(Value::List(_)))
    }

    /// Whether a key's value is a table.
    pub fn is_table(&self, key: &str) -> bool {
        let value = self.table.get(key).map(|entry| &entry.node.value);
        matches!(value, Some(Value::Table(_)))
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// The tables under a key by name, in the order of the text: `assets.ETH`, `assets.BTC`, ...
    ///
    /// Empty if absent, `None` if it is no table.
    pub fn named(&mut self, key: &'static str) -> Option<Vec<(Given<String>, Reader<'a>)>> {
        let parent = match self.present(key) {
            None => return Some(Vec::new()),
            Some(entry) => self.entry_table(entry)?,
        };
        let mut tables = Vec::new();
        for entry in &parent.table.entries {
            if entry.key.is_empty() || entry.key.chars().any(char::is_control) {
                let cause = Cause::Name {
                    table: parent.path.clone(),
                    name: entry.key.clone(),
                };
                self.sink.push(cause.at(entry.key_place));
            }
            if let Some(reader) = parent.entry_table(entry) {
                let name = Given {
                    value: entry.key.clone(),
                    place: entry.key_place,
                    path: reader.path.clone(),
                    written: entry.key.clone(),
                };
                tables.push((name, reader));
            }
        }
        Some(tables)
    }

    /// The tables of a list, `[[hedges]]` or `[{...}, {...}]`; empty if absent, `None` if it is no list of tables.
    pub fn list(&mut self, key: &'static str, expected: &'static str) -> Option<Vec<Reader<'a>>> {
        let Some(entry) = self.present(key) else {
            return Some(Vec::new());
        };
        let path = join(&self.path, key);
        let Value::List(items) = &entry.node.value else {
            self.wrong_kind(&path, &entry.node, expected);
            return None;
        };
        let mut readers = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}.{index}");
            match &item.value {
                Value::Table(table) => {
                    readers.push(Reader::new(table, path, Some(item.place), self.sink));
                }
                _ => self.wrong_kind(&path, item, "a table"),
            }
        }
        (readers.len() == items.len()).then_some(readers)
    }

    /// The variant that is chosen by its table's name; `None` if there is none, more than one, or one of a later version.
    ///
    /// With `is_required` none at all is a problem.
    pub fn one_of(
        &mut self,
        variants: &[&'static str],
        later: &[&'static str],
        requirement: Requirement,
    ) -> Option<&'static str> {
        for key in later {
            self.later(key);
        }
        for key in variants {
            self.learn(key);
        }
        let mut present: Vec<(&'static str, &Entry)> = variants
            .iter()
            .chain(later)
            .filter_map(|key| self.table.get(key).map(|entry| (*key, entry)))
            .collect();
        present.sort_by_key(|(_, entry)| entry.key_place);
        if let [(first, _), (second, entry), ..] = present[..] {
            let cause = Cause::TwoVariants {
                table: self.path.clone(),
                first: first.to_owned(),
                second: second.to_owned(),
                variants: variants.to_vec(),
            };
            self.sink.push(cause.at(entry.key_place));
            return None;
        }
        let chosen = present.first().map(|(key, _)| *key);
        if chosen.is_none()
            && requirement == Requirement::Required
            && !self.table.is_poisoned
            && !self.has_strangers()
        {
            let cause = Cause::NoVariant {
                table: self.path.clone(),
                variants: variants.to_vec(),
            };
            self.sink.push(cause.at(self.place));
        }
        chosen.filter(|key| variants.contains(key))
    }

    /// Notes a key of a later version, if it is there.
    pub fn later(&mut self, key: &'static str) {
        self.later.push(key);
        if let Some(entry) = self.table.get(key) {
            let path = join(&self.path, key);
            self.sink.push(Cause::Later { path }.at(entry.key_place));
        }
    }

    /// Reports keys that are missing and keys that are unknown; in a poisoned table only what is surely a slip.
    pub fn finish(mut self) {
        for entry in &self.table.entries {
            let key = entry.key.as_str();
            if self.known.contains(&key) || self.later.contains(&key) {
                continue;
            }
            let (present, absent): (Vec<&str>, Vec<&str>) = self
                .known
                .iter()
                .copied()
                .partition(|known| self.has(known));
            let near = if entry.key_place.source > 0 {
                // An override means to change what is there.
                nearest(key, present.into_iter().chain(absent))
            } else {
                nearest(key, absent).or_else(|| nearest(key, self.known.iter().copied()))
            };
            let near = near.map(str::to_owned);
            if self.table.is_poisoned && near.is_none() {
                continue;
            }
            if let Some(meant) = &near {
                self.missing.retain(|missing| missing != meant);
            }
            let cause = Cause::UnknownKey {
                table: self.path.clone(),
                key: key.to_owned(),
                allowed: self.known.clone(),
                nearest: near,
            };
            self.sink.push(cause.at(entry.key_place));
        }
        let missing = if self.table.is_poisoned {
            &[][..]
        } else {
            &self.missing
        };
        for key in missing {
            let cause = Cause::Missing {
                table: self.path.clone(),
                key: (*key).to_owned(),
            };
            self.sink.push(cause.at(self.place));
        }
    }

    /// Dotted path of this table.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where this table stands; `None` for the file itself.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        self.sink.push(problem);
    }

    /// Keeps what could be read, for the checks between tables.
    pub fn note(&self, note: impl FnOnce(&mut Draft)) {
        self.sink.note(note);
    }

    /// Whether a key that is not there was perhaps written: mistyped, or lost to a syntax error.
    ///
    /// To be asked after all keys have been read.
    pub fn is_unsure(&self) -> bool {
        self.table.is_poisoned || self.has_strangers()
    }

    /// The names of the tables under a key; `None` if there may be more than could be read.
    ///
    /// To be asked after all keys have been read.
    pub fn names(&self, key: &'static str) -> Option<Vec<String>> {
        let is_misspelt = |entry: &Entry| {
            let other = entry.key.as_str();
            !self.known.contains(&other) && nearest(other, [key]).is_some()
        };
        if self.table.is_poisoned || self.table.entries.iter().any(is_misspelt) {
            return None;
        }
        match self.table.get(key).map(|entry| &entry.node.value) {
            None => Some(Vec::new()),
            Some(Value::Table(table)) if !table.is_poisoned => Some(
                table
                    .entries
                    .iter()
                    .map(|entry| entry.key.clone())
                    .collect(),
            ),
            Some(_) => None,
        }
    }

    fn present(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.learn(key);
        self.table.get(key)
    }

    fn learn(&mut self, key: &'static str) {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
    }

    /// A mistyped variant is reported as an unknown key, not as a missing variant too.
    fn has_strangers(&self) -> bool {
        let is_stranger = |key: &str| !self.known.contains(&key) && !self.later.contains(&key);
        self.table
            .entries
            .iter()
            .any(|entry| is_stranger(&entry.key))
    }

    fn entry_table(&self, entry: &'a Entry) -> Option<Reader<'a>> {
        let path = join(&self.path, &entry.key);
        if let Value::Table(table) = &entry.node.value {
            return Some(Reader::new(table, path, Some(entry.node.place), self.sink));
        }
        self.wrong_kind(&path, &entry.node, "a table");
        None
    }

    fn value<T>(
        &self,
        path: &str,
        node: &Node,
        read: impl Fn(&Node) -> Result<T, Complaint>,
    ) -> Option<Given<T>> {
        match read(node) {
            Ok(value) => Some(Given {
                value,
                place: node.place,
                path: path.to_owned(),
                written: node.written.clone(),
            }),
            Err(Complaint::Kind { expected }) => {
                self.wrong_kind(path, node, &expected);
                None
            }
            Err(Complaint::Allowed { allowed, reason }) => {
                let cause = Cause::NotAllowed {
                    path: path.to_owned(),
                    written: node.written.clone(),
                    allowed,
                    reason,
                };
                self.sink.push(cause.at(node.place));
                None
            }
            Err(Complaint::Later) => {
                let path = format!("{path} = {}", node.written);
                self.sink.push(Cause::Later { path }.at(node.place));
                None
            }
        }
    }

    fn wrong_kind(&self, path: &str, node: &Node, expected: &str) {
        let kind = node.value.kind();
        let found = if node.written.is_empty() {
            kind
        } else {
            &node.written
        };
        let cause = Cause::WrongKind {
            path: path.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            kind,
        };
        self.sink.push(cause.at(node.place));
    }
}

/// Whether one of the variants must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// One must be there.
    Required,
    /// None may be there.
    Optional,
}

#[cfg(test)]
mod tests;

//! `--set path=value`: overrides applied to the text, so that comments survive and the text as run reproduces the run.

use toml::de::DeValue;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, TableLike, Value as EditValue};

use crate::scenario::cause::Cause;
use crate::scenario::dotted::join;
use crate::scenario::nearest::nearest;
use crate::scenario::place::Place;
use crate::scenario::problem::Problem;
use crate::scenario::tree::{self, Node, Value};
use crate::scenario::view::VIEWS;

/// One override, parsed.
#[derive(Debug, Clone)]
pub struct Override {
    source: usize,
    segments: Vec<Segment>,
    node: Node,
    value_text: String,
}

#[derive(Debug, Clone)]
struct Segment {
    key: String,
    start: usize,
    end: usize,
}

/// Names in a path: the deepest value of the language has eight.
const MOST_NAMES: usize = 32;

/// Tables that hold others by name.
const NAMED: [&str; 4] = ["assets", "contracts", "venues", "accounts"];

/// Tables that hold one of several variants: setting one removes the others. `*` stands for any name or index.
const CHOICES: [(&[&str], &[&str]); 13] = [
    (
        &["assets", "*", "model"],
        &[
            "gbm",
            "jump_diffusion",
            "student_t",
            "garch",
            "heston",
            "regime_switching",
            "bootstrap",
        ],
    ),
    (
        &["assets", "*", "model", "jump_diffusion"],
        &["merton", "kou"],
    ),
    (&["contracts", "*"], &["perpetual", "dated", "option"]),
    (
        &["contracts", "*", "perpetual", "funding"],
        &["premium_formula", "constant", "ou", "history"],
    ),
    (
        &["holdings", "*", "sell"],
        &["at_horizon", "evenly", "schedule", "csv"],
    ),
    (
        &["hedges", "*", "ratio"],
        &[
            "fixed",
            "contracts",
            "beta",
            "beta_from_history",
            "minimum_variance",
        ],
    ),
    (
        &["hedges", "*", "rebalance"],
        &["never", "every", "band", "delta_band"],
    ),
    (&["views", "*"], &VIEWS),
    (&["views", "*", "probability"], &["above_usd", "below_usd"]),
    (&["hedges", "*", "style"], &STYLES),
    (&["execution", "style"], &STYLES),
    (&["accounts", "*", "transfers"], &["closed", "open"]),
    (
        &["accounts", "*", "liquidation", "then"],
        &["stay_flat", "reenter"],
    ),
];

/// Stands for a new entry at the end of a list: `views.+`.
const NEW_ENTRY: &str = "+";

/// How an order may be cut up.
const STYLES: [&str; 4] = ["single", "twap", "iceberg", "otc"];

impl Override {
    /// Parses `path=value`; `source` is its number, counted from 1.
    ///
    /// A value that is not TOML is taken as a string, so that `simulation.horizon=30d` needs no quotes.
    ///
    /// # Errors
    /// If there is no path or no `=`, or a table or list is not closed.
    pub fn parse(argument: &str, source: usize) -> Result<Self, Problem> {
        let whole = Place {
            source,
            start: 0,
            end: argument.len(),
        };
        let form = || {
            Cause::OverrideForm {
                argument: argument.to_owned(),
            }
            .at(whole)
        };
        let (path, value_text) = argument.split_once('=').ok_or_else(form)?;
        let segments = segments(path).ok_or_else(form)?;
        if let Some(first) = segments.get(MOST_NAMES) {
            let names = segments.len();
            let place = Place {
                source,
                start: first.start,
                end: first.end,
            };
            return Err(Cause::OverrideDepth { names }.at(place));
        }
        let offset = path.len() + 1;
        let trimmed = value_text.trim();
        let offset = offset + (value_text.len() - value_text.trim_start().len());
        let node = match DeValue::parse(trimmed) {
            Ok(parsed) => tree::node(&parsed, trimmed, source, offset),
            Err(error) if trimmed.starts_with(['{', '[', '"', '\'']) => {
                let span = error.span().unwrap_or(0..trimmed.len());
                let place = Place {
                    source,
                    start: offset + span.start,
                    end: offset + span.end,
                };
                let what = error.message().to_owned();
                return Err(Cause::Syntax {
                    what,
                    hint: "in the override's value".to_owned(),
                }
                .at(place));
            }
            Err(_) => Node {
                value: Value::Text(trimmed.to_owned()),
                place: Place {
                    source,
                    start: offset,
                    end: offset + trimmed.len(),
                },
                written: trimmed.to_owned(),
            },
        };
        Ok(Self {
            source,
            segments,
            node,
            value_text: trimmed.to_owned(),
        })
    }

    /// That a key of another model than the document's takes that one's place, in words.
    pub fn replaced_model(&self, document: &DocumentMut) -> Option<String> {
        let [assets, asset, model, chosen, ..] = &self.segments[..] else {
            return None;
        };
        if assets.key != "assets" || model.key != "model" || self.segments.len() < 5 {
            return None;
        }
        let inside = |item: &'_ Item, key: &str| item.as_table_like()?.get(key).cloned();
        let of_asset = inside(document.get("assets")?, &asset.key)?;
        let given = inside(&of_asset, "model")?;
        let (other, _) = given
            .as_table_like()?
            .iter()
            .find(|(key, _)| self.rivals(3).any(|rival| rival == *key))?;
        Some(format!(
            "The override of {} takes {} for the model of {} in the place of the scenario's {other}, none of whose settings counts.",
            self.path(self.segments.len()),
            chosen.key,
            asset.key,
        ))
    }

    /// Applies the override to the document.
    ///
    /// # Errors
    /// If the path leads through a value or to an entry of a list that is not there.
    pub fn apply(&self, document: &mut DocumentMut) -> Result<(), Problem> {
        self.set_in_table(document.as_table_mut(), 0)
    }

    /// Makes room for a new entry where the path says `LIST.+`, with the list where there is none; from then on the path has its number.
    ///
    /// # Errors
    /// If something else than a list stands there.
    pub fn add_entry(&mut self, document: &mut DocumentMut) -> Result<(), Problem> {
        if self.segments.len() < 2 || self.segments[1].key != NEW_ENTRY {
            return Ok(());
        }
        let empty = || {
            let mut table = toml_edit::Table::new();
            table.decor_mut().set_prefix("\n");
            table
        };
        let list = document
            .entry(&self.segments[0].key)
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let number = match list {
            Item::ArrayOfTables(list) => {
                list.push(empty());
                list.len() - 1
            }
            Item::Value(EditValue::Array(list)) => {
                list.push(InlineTable::new());
                list.len() - 1
            }
            _ => return Err(self.lost(1, format!("`{}` is no list", self.path(1)))),
        };
        self.segments[1].key = number.to_string();
        Ok(())
    }

    /// A slip in a name that the document gives, such as `accounts.mian` beside `[accounts.main]`.
    ///
    /// Where more than one override gives the new name, or one gives it a table or a list, it is meant.
    pub fn misspelt_name(&self, document: &DocumentMut, all: &[Self]) -> Option<Problem> {
        let [home, name, _, ..] = &self.segments[..] else {
            return None;
        };
        let table = document.get(&home.key)?.as_table_like()?;
        let is_scalar = !matches!(self.node.value, Value::Table(_) | Value::List(_));
        if !is_scalar || !NAMED.contains(&home.key.as_str()) || table.contains_key(&name.key) {
            return None;
        }
        let start = [home.key.clone(), name.key.clone()];
        let is_meant = |other: &Self| {
            other.source != self.source
                && (other.passes_through(&start) || other.is_prefix_of(&start))
        };
        let near = nearest(&name.key, table.iter().map(|(key, _)| key))?;
        (!all.iter().any(is_meant))
            .then(|| self.lost(1, format!("did you mean `{}`?", join(&home.key, near))))
    }

    /// The value, as a tree.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// How many keys the path has.
    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    fn edit_value(&self) -> EditValue {
        let parsed = self.value_text.parse::<EditValue>();
        let is_text = matches!(&self.node.value, Value::Text(text) if *text == self.value_text);
        match parsed {
            Ok(value) if !is_text => value.decorated(" ", ""),
            _ => EditValue::from(self.value_text.as_str()).decorated(" ", ""),
        }
    }

    fn set_in_table(&self, table: &mut dyn TableLike, depth: usize) -> Result<(), Problem> {
        let key = self.segments[depth].key.as_str();
        for rival in self.rivals(depth) {
            table.remove(rival);
        }
        if depth + 1 == self.segments.len() {
            match table.get_mut(key) {
                Some(item) => replace(item, self.edit_value()),
                None => {
                    table.insert(key, Item::Value(self.edit_value()));
                }
            }
            return Ok(());
        }
        if !table.contains_key(key) {
            // A header of its own where the parent has none to write dotted keys under.
            let item = if table.is_dotted() || depth > 1 {
                let mut new = InlineTable::new();
                new.set_dotted(true);
                Item::Value(EditValue::InlineTable(new))
            } else {
                Item::Table(toml_edit::Table::new())
            };
            table.insert(key, item);
        }
        match table.get_mut(key) {
            Some(item) => self.set_in_item(item, depth + 1),
            None => Err(self.lost(depth, "the table takes no such key".to_owned())),
        }
    }

    fn set_in_item(&self, item: &mut Item, depth: usize) -> Result<(), Problem> {
        match item {
            Item::Value(value) => self.set_in_value(value, depth),
            Item::Table(table) => self.set_in_table(table, depth),
            Item::ArrayOfTables(list) => {
                let length = list.len();
                let index = self.index(depth, length)?;
                let is_whole = depth + 1 == self.segments.len();
                match (list.get_mut(index), self.edit_value()) {
                    (Some(table), EditValue::InlineTable(whole)) if is_whole => {
                        let decor = table.decor().clone();
                        *table = whole.into_table();
                        *table.decor_mut() = decor;
                        Ok(())
                    }
                    (Some(_), _) if is_whole => {
                        Err(self.lost(depth, "an entry is a table: set its keys".to_owned()))
                    }
                    (Some(table), _) => self.set_in_table(table, depth + 1),
                    (None, _) => Err(self.out_of_range(depth, length)),
                }
            }
            Item::None => Err(self.lost(depth - 1, "nothing is there".to_owned())),
        }
    }

    fn set_in_value(&self, value: &mut EditValue, depth: usize) -> Result<(), Problem> {
        match value {
            EditValue::InlineTable(table) => self.set_in_table(table, depth),
            EditValue::Array(list) => {
                let length = list.len();
                let index = self.index(depth, length)?;
                let Some(entry) = list.get_mut(index) else {
                    return Err(self.out_of_range(depth, length));
                };
                if depth + 1 < self.segments.len() {
                    return self.set_in_value(entry, depth + 1);
                }
                let decor = entry.decor().clone();
                *entry = self.edit_value();
                *entry.decor_mut() = decor;
                Ok(())
            }
            _ => Err(self.lost(
                depth,
                format!("`{}` is a value, not a table", self.path(depth)),
            )),
        }
    }

    fn index(&self, depth: usize, length: usize) -> Result<usize, Problem> {
        let key = &self.segments[depth].key;
        let index = key.parse::<usize>().map_err(|_| {
            self.lost(
                depth,
                format!(
                    "`{}` is a list: its entries are counted from 0",
                    self.path(depth)
                ),
            )
        })?;
        if index < length {
            Ok(index)
        } else {
            Err(self.out_of_range(depth, length))
        }
    }

    fn out_of_range(&self, depth: usize, length: usize) -> Problem {
        let entries = if length == 1 { "entry" } else { "entries" };
        self.lost(
            depth,
            format!(
                "`{}` has {length} {entries}, counted from 0",
                self.path(depth)
            ),
        )
    }

    fn lost(&self, depth: usize, reason: String) -> Problem {
        let path = self.path(depth + 1);
        Cause::OverridePath { path, reason }.at(self.segment_place(depth))
    }

    fn path(&self, depth: usize) -> String {
        let keys: Vec<&str> = self.segments[..depth]
            .iter()
            .map(|segment| segment.key.as_str())
            .collect();
        keys.join(".")
    }

    /// Where one key of the path stands.
    pub fn segment_place(&self, depth: usize) -> Place {
        let segment = &self.segments[depth];
        Place {
            source: self.source,
            start: segment.start,
            end: segment.end,
        }
    }

    /// The variants that the key at this depth replaces.
    fn rivals(&self, depth: usize) -> impl Iterator<Item = &'static str> {
        let key = self.segments[depth].key.clone();
        let before: Vec<String> = self.segments[..depth]
            .iter()
            .map(|segment| segment.key.clone())
            .collect();
        CHOICES
            .iter()
            .filter(move |(pattern, group)| {
                pattern.len() == before.len()
                    && pattern
                        .iter()
                        .zip(&before)
                        .all(|(wanted, is)| *wanted == "*" || wanted == is)
                    && group.contains(&key.as_str())
            })
            .flat_map(|(_, group)| group.iter().copied())
            .filter({
                let key = self.segments[depth].key.clone();
                move |rival| *rival != key
            })
    }

    /// Whether the override sets the value at a path, or a table around it.
    pub fn is_prefix_of(&self, path: &[String]) -> bool {
        self.segments.len() <= path.len()
            && self
                .segments
                .iter()
                .zip(path)
                .all(|(segment, key)| segment.key == *key)
    }

    /// Whether the override sets something inside the table at a path.
    pub fn passes_through(&self, path: &[String]) -> bool {
        self.segments.len() > path.len()
            && self
                .segments
                .iter()
                .zip(path)
                .all(|(segment, key)| segment.key == *key)
    }
}

/// Puts a value in the place of another and keeps the comment beside it.
fn replace(item: &mut Item, mut value: EditValue) {
    if let Item::Value(old) = item {
        let suffix = old.decor().suffix().cloned().unwrap_or_default();
        value.decor_mut().set_suffix(suffix);
    }
    *item = Item::Value(value);
}

/// The keys of a dotted path, without their quotes; `None` if it is none.
pub fn keys(path: &str) -> Option<Vec<String>> {
    let found = segments(path)?;
    Some(found.into_iter().map(|segment| segment.key).collect())
}

/// The keys of a dotted path with their places, quoted ones too.
fn segments(path: &str) -> Option<Vec<Segment>> {
    let mut found = Vec::new();
    let mut quote: Option<char> = None;
    let mut start = 0;
    for (at, c) in path.char_indices().chain([(path.len(), '.')]) {
        match (quote, c) {
            (Some(open), _) if at == path.len() || c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        if quote.is_none() && c == '.' && (at == path.len() || path.as_bytes()[at] == b'.') {
            let raw = &path[start..at];
            let key = raw.trim().trim_matches(['"', '\'']).to_owned();
            if key.is_empty() || key.chars().any(char::is_control) {
                return None;
            }
            found.push(Segment {
                key,
                start,
                end: at,
            });
            start = at + 1;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests;

//! The text as a tree of values, each with its place: what the readers walk.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::place::Place;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
    /// Text of a scalar as written; empty for tables and lists.
    pub written: String,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// An integer that fits.
    Integer(i64),
    /// A float, possibly not finite.
    Float(f64),
    /// A string.
    Text(String),
    /// A date, a time, or an integer that does not fit: nothing here wants one.
    Unreadable(&'static str),
    /// An array, or an array of tables.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// The kind in the words of a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::Unreadable(kind) => kind,
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A table: its entries in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Entries in the order of the text.
    pub entries: Vec<Entry>,
    /// Whether a syntax error may have swallowed some of its keys: then no key is called missing.
    pub is_poisoned: bool,
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// Its value.
    pub node: Node,
}

impl Table {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Builds the tree of a parsed text; `offset` is where that text begins in its source.
pub fn table(parsed: &DeTable<'_>, text: &str, source: usize, offset: usize) -> Table {
    let mut entries: Vec<Entry> = parsed
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_place: place(key, source, offset),
            node: node(value, text, source, offset),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_place.start);
    Table {
        entries,
        is_poisoned: false,
    }
}

/// Builds the tree of one parsed value.
pub fn node(parsed: &Spanned<DeValue<'_>>, text: &str, source: usize, offset: usize) -> Node {
    let value = match parsed.get_ref() {
        DeValue::String(inner) => Value::Text(inner.to_string()),
        DeValue::Integer(inner) => i64::from_str_radix(inner.as_str(), inner.radix()).map_or(
            Value::Unreadable("an integer beyond 64 bits"),
            Value::Integer,
        ),
        DeValue::Float(inner) => inner
            .as_str()
            .parse()
            .map_or(Value::Unreadable("an unreadable number"), Value::Float),
        DeValue::Boolean(inner) => Value::Boolean(*inner),
        DeValue::Datetime(_) => Value::Unreadable("a date or time"),
        DeValue::Array(inner) => Value::List(
            inner
                .iter()
                .map(|item| node(item, text, source, offset))
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner, text, source, offset)),
    };
    let written = match value {
        Value::List(_) | Value::Table(_) => String::new(),
        _ => text.get(parsed.span()).unwrap_or("").to_owned(),
    };
    Node {
        value,
        place: place(parsed, source, offset),
        written,
    }
}

fn place<T>(spanned: &Spanned<T>, source: usize, offset: usize) -> Place {
    let span = spanned.span();
    Place {
        source,
        start: offset + span.start,
        end: offset + span.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_the_order_of_the_text_and_their_places() {
        let text = "b = 50_000\na.c = { x = nan }\n";
        let (parsed, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty());
        let tree = table(parsed.get_ref(), text, 0, 0);
        assert_eq!(tree.entries[0].key, "b");
        assert_eq!(tree.entries[0].node.value, Value::Integer(50_000));
        assert_eq!(tree.entries[0].node.written, "50_000");
        let Value::Table(a) = &tree.get("a").unwrap().node.value else {
            panic!("a is a table");
        };
        let c = &a.get("c").unwrap().node;
        assert_eq!(&text[c.place.start..c.place.end], "{ x = nan }");
        assert_eq!(c.value.kind(), "a table");
    }
}

//! A scenario's text with more `[[limits]]`.

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

/// The text with a limit for each requirement that it does not have yet, whether its limits are tables, a list or none; `None` if it is
/// no TOML or its limits are something else.
pub fn with_limits(text: &str, requirements: &[String]) -> Option<String> {
    if requirements.is_empty() {
        return Some(text.to_owned());
    }
    let mut document: DocumentMut = text.parse().ok()?;
    let limits = document
        .entry("limits")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    for requirement in requirements {
        let is = |found: Option<&str>| found == Some(requirement);
        match limits {
            Item::ArrayOfTables(tables) => {
                let has = tables
                    .iter()
                    .any(|table| is(table.get("require").and_then(Item::as_str)));
                if !has {
                    let mut table = Table::new();
                    table.insert("require", value(requirement));
                    tables.push(table);
                }
            }
            Item::Value(Value::Array(list)) => {
                let has = list
                    .iter()
                    .filter_map(Value::as_inline_table)
                    .any(|table| is(table.get("require").and_then(Value::as_str)));
                if !has {
                    let mut table = InlineTable::new();
                    table.insert("require", requirement.into());
                    list.push(Value::InlineTable(table));
                }
            }
            _ => return None,
        }
    }
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_added_to_tables_to_lists_and_to_nothing() {
        let more = ["hedged.es95 <= 5e7", "liquidation.probability <= 1%"].map(str::to_owned);
        for text in [
            "title = \"a\"\n[simulation]\npaths = 1\n",
            "title = \"a\"\n[[limits]] # mine\nrequire = \"hedged.es95 <= 5e7\"\n\n[simulation]\npaths = 1\n",
            "title = \"a\"\nlimits = [{ require = \"hedged.es95 <= 5e7\" }]\n[simulation]\npaths = 1\n",
        ] {
            let written = with_limits(text, &more).unwrap();
            let read: toml::Table = toml::from_str(&written).unwrap();
            let found: Vec<&str> = read["limits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|limit| limit["require"].as_str().unwrap())
                .collect();
            assert_eq!(found, more, "{written}");
            assert_eq!(read["simulation"]["paths"].as_integer(), Some(1));
            assert_eq!(with_limits(&written, &more), Some(written));
            assert_eq!(with_limits(text, &[]).as_deref(), Some(text));
        }
        assert_eq!(with_limits("limits = 3", &more), None);
    }
}

//! From a file or a text to a scenario, or to everything that is wrong with it.

use std::path::Path;

use toml::de::DeTable;
use toml_edit::{DocumentMut, Item, Value};

use crate::scenario::cause::Cause;
use crate::scenario::draft::Draft;
use crate::scenario::files::{Files, read_whole};
use crate::scenario::overrides::Override;
use crate::scenario::place::Sources;
use crate::scenario::problem::{Problem, Problems};
use crate::scenario::relocation;
use crate::scenario::sink::Sink;
use crate::scenario::syntax::{self, Syntax};
use crate::scenario::tree::{self, Table};
use crate::scenario::whole::Scenario;

/// A scenario that was read, with the texts it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the user wrote.
    pub scenario: Scenario,
    /// The texts that its places point into.
    pub sources: Sources,
    /// The scenario's text after overrides: it reproduces the run by itself.
    pub effective_toml: String,
    /// What the checks between tables start from.
    pub draft: Draft,
    /// What overrides did beyond what they say.
    pub notes: Vec<String>,
}

/// Checks between tables, to be made of what could be read of a scenario that is refused, so that all errors come at once.
pub type DraftCheck = fn(&Draft, &Sink);

/// Reads a scenario file and applies overrides `path=value`; a refused one is looked through by `check` as well.
///
/// # Errors
/// Everything that is wrong with the file and the overrides, at once.
pub fn load(path: &Path, overrides: &[String], check: DraftCheck) -> Result<Loaded, Problems> {
    let name = path.display().to_string();
    let refuse = |cause: Cause| {
        let sources = Sources {
            name: name.clone(),
            text: String::new(),
            overrides: Vec::new(),
            files: Vec::new(),
        };
        Problems::new(sources, vec![cause.at(None)])
    };
    let bytes = read_whole(path).map_err(|error| {
        refuse(Cause::Unreadable {
            name: name.clone(),
            reason: error.to_string(),
        })
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        refuse(Cause::NotUtf8 {
            name: name.clone(),
            valid_bytes: error.utf8_error().valid_up_to(),
        })
    })?;
    parse(&name, &text, overrides, check)
}

/// Reads a scenario's text and applies overrides `path=value`; `name` is shown in messages. See [`load`].
///
/// # Errors
/// Everything that is wrong with the text and the overrides, at once.
pub fn parse(
    name: &str,
    text: &str,
    overrides: &[String],
    check: DraftCheck,
) -> Result<Loaded, Problems> {
    // A byte order mark is no part of the first line: columns are counted without it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut sources = Sources {
        name: name.to_owned(),
        text: text.to_owned(),
        overrides: overrides.to_vec(),
        files: Vec::new(),
    };
    let (parsed, errors) = DeTable::parse_recoverable(text);
    let mut file = tree::table(parsed.get_ref(), text, 0, 0);
    let syntax = Syntax::new(&errors, text, &mut file);
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    let effective = if syntax.problems.is_empty() {
        with_overrides(text, &file, overrides, &mut problems, &mut notes)
    } else {
        None
    };
    // An override that could not be applied may give a name or a time that is wrong in the file.
    let is_as_meant = problems.is_empty() && (overrides.is_empty() || effective.is_some());
    let (as_run, effective_toml) = effective.unwrap_or_else(|| {
        if !overrides.is_empty() {
            // Overrides that could not be applied may bring what is missing here.
            syntax::poison_all(&mut file);
        }
        (file, text.to_owned())
    });
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let sink = Sink::with_files(Files::new(folder, overrides.len() + 1));
    let scenario = Scenario::read(&as_run, &sink);
    let draft = sink.draft();
    let is_refused = scenario.is_none() || !sink.is_empty() || !syntax.problems.is_empty();
    if is_refused && is_as_meant {
        check(&draft, &sink);
    }
    let effective_toml = with_absolute_paths(effective_toml, sink.files());
    let (found, files) = sink.into_parts();
    sources.files = files;
    problems.extend(
        found
            .into_iter()
            .filter(|problem| !syntax.is_consequence(problem, text)),
    );
    problems.extend(syntax.problems);
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(Loaded {
            scenario,
            sources,
            effective_toml,
            draft,
            notes,
        }),
        _ => Err(Problems::new(sources, problems)),
    }
}

/// The tree and the text after overrides; `None` if one of them cannot be applied.
fn with_overrides(
    text: &str,
    file: &Table,
    arguments: &[String],
    problems: &mut Vec<Problem>,
    notes: &mut Vec<String>,
) -> Option<(Table, String)> {
    if arguments.is_empty() {
        return None;
    }
    let mut document: DocumentMut = text.parse().ok()?;
    let mut all = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        match Override::parse(argument, index + 1) {
            Ok(parsed) => all.push(parsed),
            Err(problem) => problems.push(problem),
        }
    }
    let mut applied = Vec::new();
    for parsed in &all {
        let mut numbered = parsed.clone();
        notes.extend(parsed.replaced_model(&document));
        let outcome = match parsed.misspelt_name(&document, &all) {
            Some(problem) => Err(problem),
            None => numbered
                .add_entry(&mut document)
                .and_then(|()| numbered.apply(&mut document)),
        };
        match outcome {
            Ok(()) => applied.push(numbered),
            Err(problem) => problems.push(problem),
        }
    }
    let effective = document.to_string();
    let (parsed, errors) = DeTable::parse_recoverable(&effective);
    debug_assert!(
        errors.is_empty(),
        "an edited document is a document: {effective}"
    );
    let mut as_run = tree::table(parsed.get_ref(), &effective, 0, 0);
    relocation::relocate(&mut as_run, file, &applied);
    if applied.len() < arguments.len() {
        syntax::poison_all(&mut as_run);
    }
    Some((as_run, effective))
}

/// Where a scenario names files: the paths of values, `*` for any entry of a list.
const FILES: [&[&str]; 2] = [
    &["holdings", "*", "sell", "csv"],
    &["hedges", "*", "ratio", "beta_from_history", "file"],
];

/// The text with the files that it names by absolute paths: it can be read from any folder.
fn with_absolute_paths(text: String, files: &Files) -> String {
    if files.is_unused() {
        return text;
    }
    let Ok(mut document) = text.parse::<DocumentMut>() else {
        return text;
    };
    for path in FILES {
        make_absolute(document.as_item_mut(), path, files);
    }
    document.to_string()
}

fn make_absolute(item: &mut Item, path: &[&str], files: &Files) {
    let Some((key, rest)) = path.split_first() else {
        let absolute = item
            .as_str()
            .and_then(|name| std::path::absolute(files.path_of(name)).ok());
        if let Some(absolute) = absolute {
            *item = toml_edit::value(absolute.display().to_string());
        }
        return;
    };
    match item {
        Item::ArrayOfTables(tables) if *key == "*" => {
            for table in tables.iter_mut() {
                let Some((key, rest)) = rest.split_first() else {
                    continue;
                };
                if let Some(inner) = table.get_mut(key) {
                    make_absolute(inner, rest, files);
                }
            }
        }
        Item::Value(Value::Array(entries)) if *key == "*" => {
            for entry in entries.iter_mut() {
                let mut inner = Item::Value(entry.clone());
                make_absolute(&mut inner, rest, files);
                if let Item::Value(changed) = inner {
                    *entry = changed;
                }
            }
        }
        other => {
            let inner = other
                .as_table_like_mut()
                .and_then(|table| table.get_mut(key));
            if let Some(inner) = inner {
                make_absolute(inner, rest, files);
            }
        }
    }
}

//! The causes for which a scenario's text is refused, each with its message.

use thiserror::Error;

use crate::scenario::nearest::quoted;
use crate::scenario::place::Place;
use crate::scenario::problem::Problem;

/// What a reader says of one value, before it is known which key that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// The value is of the wrong kind.
    Kind {
        /// The kind that is wanted.
        expected: String,
    },
    /// The kind is right, the value is not.
    Allowed {
        /// What is allowed.
        allowed: String,
        /// Why, or what was probably meant.
        reason: String,
    },
    /// The value means something that is not there yet.
    Later,
}

impl Complaint {
    /// The value is of the wrong kind.
    pub fn kind(expected: impl Into<String>) -> Self {
        Self::Kind {
            expected: expected.into(),
        }
    }

    /// The value is not allowed.
    pub fn allowed(allowed: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Allowed {
            allowed: allowed.into(),
            reason: reason.into(),
        }
    }
}

/// Why a scenario's text is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Cause {
    /// The file cannot be read.
    #[error("cannot read {name}")]
    Unreadable {
        /// The file.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// The file is not UTF-8.
    #[error("{name} is not UTF-8 text")]
    NotUtf8 {
        /// The file.
        name: String,
        /// Bytes before the first wrong one.
        valid_bytes: usize,
    },
    /// The text is not TOML.
    #[error("not valid TOML: {what}")]
    Syntax {
        /// What the parser says.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// A value is of the wrong kind.
    #[error("`{path}` is {found}; allowed: {expected}")]
    WrongKind {
        /// Dotted path.
        path: String,
        /// What stands there.
        found: String,
        /// What is wanted.
        expected: String,
        /// Its kind in words.
        kind: &'static str,
    },
    /// A value is not allowed.
    #[error("`{path}` is {written}; allowed: {allowed}")]
    NotAllowed {
        /// Dotted path.
        path: String,
        /// The value as written.
        written: String,
        /// What is allowed.
        allowed: String,
        /// Why.
        reason: String,
    },
    /// A key that must be there is not.
    #[error("{} needs `{key}`", table_words(.table))]
    Missing {
        /// Dotted path of the table, empty for the file.
        table: String,
        /// The key.
        key: String,
    },
    /// A name that cannot be shown.
    #[error(
        "a name under `{table}` is {name:?}; allowed: text without control characters, not empty"
    )]
    Name {
        /// Dotted path of the table of names.
        table: String,
        /// The name.
        name: String,
    },
    /// None of the variants is there.
    #[error("{} needs one of {}", table_words(.table), quoted(.variants.iter().copied()))]
    NoVariant {
        /// Dotted path of the table.
        table: String,
        /// The variants.
        variants: Vec<&'static str>,
    },
    /// More than one variant is there.
    #[error("{} has both `{first}` and `{second}`; allowed: one of {}", table_words(.table), quoted(.variants.iter().copied()))]
    TwoVariants {
        /// Dotted path of the table.
        table: String,
        /// The first that stands there.
        first: String,
        /// One more.
        second: String,
        /// The variants.
        variants: Vec<&'static str>,
    },
    /// A key that the language does not have.
    #[error("{} has no key `{key}`; allowed: {}", table_words(.table), quoted(.allowed.iter().copied()))]
    UnknownKey {
        /// Dotted path of the table.
        table: String,
        /// The key.
        key: String,
        /// The keys of that table.
        allowed: Vec<&'static str>,
        /// The nearest of them.
        nearest: Option<String>,
    },
    /// Something of a later version.
    #[error("`{path}` is not supported yet")]
    Later {
        /// Dotted path, with the value where the value is what is not supported.
        path: String,
    },
    /// A list or table that must have entries has none.
    #[error("`{path}` is empty; allowed: {allowed}")]
    Empty {
        /// Dotted path.
        path: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// An override that is not `path=value`.
    #[error("the override `{argument}` is not of the form path=value")]
    OverrideForm {
        /// The argument.
        argument: String,
    },
    /// An override's path of too many names.
    #[error("the override's path has {names} names; allowed: up to 32")]
    OverrideDepth {
        /// How many.
        names: usize,
    },
    /// An override's path leads nowhere.
    #[error("the override's path `{path}` leads nowhere: {reason}")]
    OverridePath {
        /// The path up to where it fails.
        path: String,
        /// Why.
        reason: String,
    },
}

impl Cause {
    /// The problem of this cause at a place.
    pub fn at(self, place: impl Into<Option<Place>>) -> Problem {
        Problem {
            message: self.to_string(),
            place: place.into(),
            label: self.label(),
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Unreadable { reason, .. } | Self::NotAllowed { reason, .. } => reason.clone(),
            Self::NotUtf8 { valid_bytes, .. } => {
                format!("the byte after the first {valid_bytes} begins no character")
            }
            Self::Syntax { hint, .. } => hint.clone(),
            Self::WrongKind { kind, .. } => format!("this is {kind}"),
            Self::Missing { table, .. } if table.is_empty() => String::new(),
            Self::Missing { key, .. } => format!("`{key}` is missing"),
            Self::Name { .. } => "reports and files show this name".to_owned(),
            Self::NoVariant { .. } => "which one?".to_owned(),
            Self::TwoVariants { first, .. } => format!("`{first}` is there already"),
            Self::UnknownKey { nearest, .. } => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "unknown key".to_owned(),
            },
            Self::Later { .. } => "not supported yet".to_owned(),
            Self::Empty { .. } => "nothing here".to_owned(),
            Self::OverrideForm { .. } => "for example simulation.paths=20_000".to_owned(),
            Self::OverrideDepth { .. } => "no value lies so deep".to_owned(),
            Self::OverridePath { .. } => "no such place".to_owned(),
        }
    }
}

fn table_words(table: &str) -> String {
    if table.is_empty() {
        "the scenario".to_owned()
    } else {
        format!("`{table}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_table_and_the_nearest_key() {
        let cause = Cause::UnknownKey {
            table: String::new(),
            key: "simulaton".to_owned(),
            allowed: vec!["simulation"],
            nearest: Some("simulation".to_owned()),
        };
        let problem = cause.at(None);
        assert_eq!(
            problem.message,
            "the scenario has no key `simulaton`; allowed: `simulation`"
        );
        assert_eq!(problem.label, "did you mean `simulation`?");
    }
}

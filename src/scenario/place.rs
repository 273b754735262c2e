//! Where in the user's text a value stands, and a value that remembers it.

/// A range of bytes in one of the texts of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 0 is the scenario's text, `k` the k-th override (counted from 1); behind them are the files that the scenario names.
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The texts that places point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Name of the scenario's text, usually its file.
    pub name: String,
    /// The scenario's text as written.
    pub text: String,
    /// The overrides, `path=value`, as given.
    pub overrides: Vec<String>,
    /// The files that the scenario names, as far as they were read.
    pub files: Vec<SourceFile>,
}

/// A file that a scenario names, as a text that places point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, as shown in messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Sources {
    /// The text that a source number means.
    pub fn text(&self, source: usize) -> &str {
        match source.checked_sub(1) {
            None => &self.text,
            Some(index) => match self.overrides.get(index) {
                Some(argument) => argument,
                None => self.file(source).map_or("", |file| &file.text),
            },
        }
    }

    /// The name shown for a source number: the file, `--set`, or a file that the scenario names.
    pub fn name(&self, source: usize) -> &str {
        if source == 0 {
            &self.name
        } else {
            self.file(source).map_or("--set", |file| &file.name)
        }
    }

    fn file(&self, source: usize) -> Option<&SourceFile> {
        self.files
            .get(source.checked_sub(self.overrides.len() + 1)?)
    }
}

/// A value as the user gave it, with its place, its dotted path and its text.
///
/// Two are equal when their values are: the place does not matter.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
    /// Its dotted path, e.g. `accounts.main.collateral_usd`.
    pub path: String,
    /// Its text as written, e.g. `60_000_000`.
    pub written: String,
}

impl<T: PartialEq> PartialEq for Given<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_numbered_from_the_file() {
        let sources = Sources {
            name: "a.toml".to_owned(),
            text: "x = 1".to_owned(),
            overrides: vec!["x=2".to_owned()],
            files: vec![SourceFile {
                name: "sales.csv".to_owned(),
                text: "day,quantity".to_owned(),
            }],
        };
        assert_eq!((sources.text(0), sources.name(0)), ("x = 1", "a.toml"));
        assert_eq!((sources.text(1), sources.name(1)), ("x=2", "--set"));
        assert_eq!(
            (sources.text(2), sources.name(2)),
            ("day,quantity", "sales.csv")
        );
        assert_eq!(sources.text(7), "");
    }
}

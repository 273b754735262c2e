//! The CSV files that a scenario names: read once, each cell with its place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use crate::scenario::cause::{Cause, Complaint};
use crate::scenario::nearest::nearest;
use crate::scenario::place::{Given, Place, SourceFile};
use crate::scenario::problem::Problem;

/// The files that a scenario names, read when they are first named.
#[derive(Debug, Default)]
pub struct Files {
    folder: PathBuf,
    first_source: usize,
    read: RefCell<Vec<SourceFile>>,
}

/// A table of a CSV file: its header and its records.
#[derive(Debug)]
pub struct CsvTable {
    name: String,
    source: usize,
    text: String,
    /// Where the lines end: a line's number is found without counting through the text.
    line_ends: Vec<usize>,
    header: StringRecord,
    records: Vec<StringRecord>,
}

impl Files {
    /// Files whose paths are relative to a folder, numbered as sources from `first_source` on.
    pub fn new(folder: &Path, first_source: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            first_source,
            read: RefCell::default(),
        }
    }

    /// The path that a name means.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether no file was read.
    pub fn is_unused(&self) -> bool {
        self.read.borrow().is_empty()
    }

    /// All files read, in the order of their source numbers.
    pub fn into_list(self) -> Vec<SourceFile> {
        self.read.into_inner()
    }

    /// Reads the table of a file that a value names.
    ///
    /// # Errors
    /// If the file cannot be read, is not UTF-8, is not CSV, or has no record.
    pub fn table(&self, given: &Given<String>) -> Result<CsvTable, Problem> {
        let (source, name, text) = self.text(given)?;
        let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
        let at_value = |reason: String| {
            let cause = Cause::NotAllowed {
                path: given.path.clone(),
                written: given.written.clone(),
                allowed: "a CSV file with a header and at least one line".to_owned(),
                reason,
            };
            cause.at(given.place)
        };
        let header = reader
            .headers()
            .map_err(|error| at_value(error.to_string()))?;
        let header: StringRecord = header.iter().map(str::trim).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = header
            .iter()
            .find(|column| !column.is_empty() && !names.insert(*column))
        {
            let cause = Cause::NotAllowed {
                path: format!("{name} line 1"),
                written: format!("a header with two columns `{twice}`"),
                allowed: "each name once".to_owned(),
                reason: "which of them is meant?".to_owned(),
            };
            return Err(cause.at(line_at(source, &text, 0)));
        }
        let mut records = Vec::new();
        for record in reader.records() {
            records.push(record.map_err(|error| {
                let Some(position) = error.position() else {
                    return at_value(error.to_string());
                };
                let cause = Cause::NotAllowed {
                    path: format!("{name} line {}", position.line()),
                    written: "a line of another length".to_owned(),
                    allowed: format!("{} values, as many as the header has names", header.len()),
                    reason: String::new(),
                };
                cause.at(line_at(source, &text, position.byte()))
            })?);
        }
        if records.is_empty() {
            return Err(at_value(format!("{name} has no lines of values")));
        }
        let line_ends = text.match_indices('\n').map(|(end, _)| end).collect();
        Ok(CsvTable {
            name,
            source,
            text,
            line_ends,
            header,
            records,
        })
    }

    fn text(&self, given: &Given<String>) -> Result<(usize, String, String), Problem> {
        let path = self.path_of(&given.value);
        let name = path.display().to_string();
        let mut read = self.read.borrow_mut();
        if let Some(index) = read.iter().position(|file| file.name == name) {
            return Ok((self.first_source + index, name, read[index].text.clone()));
        }
        let refuse = |reason: String| {
            let cause = Cause::NotAllowed {
                path: given.path.clone(),
                written: given.written.clone(),
                allowed: "a CSV file, its path relative to the scenario's".to_owned(),
                reason,
            };
            cause.at(given.place)
        };
        let bytes = read_whole(&path).map_err(|error| refuse(format!("{name}: {error}")))?;
        let text =
            String::from_utf8(bytes).map_err(|_| refuse(format!("{name} is not UTF-8 text")))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        read.push(SourceFile {
            name: name.clone(),
            text: text.clone(),
        });
        Ok((self.first_source + read.len() - 1, name, text))
    }
}

/// The most bytes of a file that is read: far more than a scenario or years of prices by the minute take.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a file whole, as long as it ends: a pipe is as good as a file, an endless device is not.
pub(crate) fn read_whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        let reason = format!("it is larger than {} MiB", MOST_BYTES >> 20);
        return Err(std::io::Error::other(reason));
    }
    Ok(bytes)
}

impl CsvTable {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records; never of a table that was read.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    /// The column of a name, if there is one.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The column of a name that must be there; the problem points at the header.
    ///
    /// # Errors
    /// If there is none.
    pub fn required(&self, name: &str) -> Result<usize, Problem> {
        self.column(name).ok_or_else(|| {
            let cause = Cause::Missing {
                table: format!("{} line 1", self.name),
                key: name.to_owned(),
            };
            let mut problem = cause.at(line_at(self.source, &self.text, 0));
            if let Some(near) = nearest(name, self.columns()) {
                problem.label = format!("is it `{near}`?");
            }
            problem
        })
    }

    /// A column that the table must not have, if there is one: its problem.
    pub fn stranger(&self, known: &'static [&'static str]) -> Option<Problem> {
        let name = self.columns().find(|name| !known.contains(name))?;
        let cause = Cause::UnknownKey {
            table: format!("{} line 1", self.name),
            key: name.to_owned(),
            allowed: known.to_vec(),
            nearest: nearest(name, known.iter().copied()).map(str::to_owned),
        };
        Some(cause.at(line_at(self.source, &self.text, 0)))
    }

    /// The text of a cell, without blanks around it.
    pub fn text(&self, record: usize, column: usize) -> &str {
        self.records[record].get(column).unwrap_or_default().trim()
    }

    /// A cell, read.
    ///
    /// # Errors
    /// If the text is not what `read` wants; the problem points at the cell.
    pub fn cell<T>(
        &self,
        record: usize,
        column: usize,
        read: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Result<Given<T>, Problem> {
        let text = self.text(record, column);
        let given = |value| {
            let text = self.given(record, column);
            Given {
                value,
                place: text.place,
                path: text.path,
                written: text.written,
            }
        };
        read(text).map(given).map_err(|complaint| {
            let (allowed, reason) = match complaint {
                Complaint::Kind { expected } => (expected, String::new()),
                Complaint::Allowed { allowed, reason } => (allowed, reason),
                Complaint::Later => (String::new(), "not supported yet".to_owned()),
            };
            self.refusal(record, column, allowed, reason)
        })
    }

    /// The problem of a cell that is not what it should be.
    pub fn refusal(
        &self,
        record: usize,
        column: usize,
        allowed: impl Into<String>,
        reason: impl Into<String>,
    ) -> Problem {
        let given = self.given(record, column);
        let cause = Cause::NotAllowed {
            path: given.path,
            written: given.written,
            allowed: allowed.into(),
            reason: reason.into(),
        };
        cause.at(given.place)
    }

    /// A cell's text with its place.
    pub fn given(&self, record: usize, column: usize) -> Given<String> {
        let text = self.text(record, column);
        Given {
            value: text.to_owned(),
            place: self.place(record, column),
            path: format!(
                "{} line {}, {}",
                self.name,
                self.line(record),
                self.header.get(column).unwrap_or_default()
            ),
            written: if text.is_empty() { "empty" } else { text }.to_owned(),
        }
    }

    /// The number of a record's line, counted from 1.
    fn line(&self, record: usize) -> usize {
        let start = self.place_of_line(record).start;
        self.line_ends.partition_point(|end| *end < start) + 1
    }

    fn place_of_line(&self, record: usize) -> Place {
        let byte = self.records[record]
            .position()
            .map_or(0, csv::Position::byte);
        line_at(self.source, &self.text, byte)
    }

    /// Where a cell stands; its line, where quotes make that uncertain.
    fn place(&self, record: usize, column: usize) -> Place {
        let line = self.place_of_line(record);
        let Some(range) = self.records[record].range(column) else {
            return line;
        };
        let start = line.start + range.start + column;
        let end = line.start + range.end + column;
        match self.text.get(start..end) {
            Some(text) if !text.trim().is_empty() && text.trim() == self.text(record, column) => {
                let before = text.len() - text.trim_start().len();
                let after = text.len() - text.trim_end().len();
                Place {
                    source: self.source,
                    start: start + before,
                    end: end - after,
                }
            }
            Some(_) | None => line,
        }
    }
}

/// The place of the line that begins at a byte, or after the line ends there.
fn line_at(source: usize, text: &str, byte: u64) -> Place {
    let mut start = usize::try_from(byte).map_or(text.len(), |byte| byte.min(text.len()));
    let rest = &text.as_bytes()[start..];
    start += rest
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    let length = text.as_bytes()[start..]
        .iter()
        .take_while(|b| !matches!(b, b'\r' | b'\n'))
        .count();
    Place {
        source,
        start,
        end: start + length,
    }
}

//! What a report says, before anyone decides how it looks: sections of lines and tables.

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// Its sections; the first one has no heading.
    pub sections: Vec<Section>,
}

/// A part of a report under one heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The heading, if any.
    pub heading: Option<String>,
    /// What stands below.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Running text.
    Paragraph(String),
    /// A list.
    List(Vec<Item>),
    /// A table.
    Table(Table),
    /// A table whose last column holds words, too.
    WordTable(Table),
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What the reader should feel about it.
    pub tone: Tone,
    /// The text.
    pub text: String,
}

/// How an item is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As information.
    Plain,
    /// As good news.
    Good,
    /// As something to be careful with.
    Warning,
    /// As bad news.
    Bad,
}

/// A table; the first column holds words, the others figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Heads of the columns.
    pub header: Vec<String>,
    /// Rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// A section with a heading.
    pub fn new(heading: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self {
            heading: Some(heading.into()),
            blocks,
        }
    }
}

impl Item {
    /// An item that only informs.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Plain,
            text: text.into(),
        }
    }
}

impl Table {
    /// A table without rows.
    pub fn new(header: &[&str]) -> Self {
        Self {
            header: header.iter().map(|head| (*head).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [String; N]) {
        debug_assert_eq!(N, self.header.len(), "a cell for each column");
        self.rows.push(row.into());
    }
}

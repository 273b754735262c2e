//! Why arguments make no grid, each cause with its message.

use thiserror::Error;

use crate::math::digits::in_thousands;

/// The most points of a grid. Each is a whole summary: more than anybody reads, and a slip in a step asks for billions.
pub const MOST_POINTS: usize = 10_000;

/// Why there is no grid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GridError {
    /// Not of the form.
    #[error(
        "`--over {argument}` is not of the form PATH=FROM:TO:STEP or PATH=A,B,C; several paths stand before the `=` with commas between them"
    )]
    Form {
        /// The argument.
        argument: String,
    },
    /// A range that is none.
    #[error("`{range}` of `--over {path}` is no range: {reason}")]
    Range {
        /// Dotted path.
        path: String,
        /// The range as written.
        range: String,
        /// Why.
        reason: String,
    },
    /// A range without values.
    #[error("`{range}` of `--over {path}` is empty: {reason}")]
    Empty {
        /// Dotted path.
        path: String,
        /// The range as written.
        range: String,
        /// Why.
        reason: &'static str,
    },
    /// A list with nothing between two commas.
    #[error("`--over {path}` has an empty value in its list; allowed: PATH=A,B,C")]
    EmptyValue {
        /// Dotted path.
        path: String,
    },
    /// A quote or bracket that is not closed.
    #[error("`--over {path}` has a value with an open {open}")]
    Open {
        /// Dotted path.
        path: String,
        /// What is open.
        open: char,
    },
    /// Not as many values in round brackets as paths.
    #[error(
        "`{entry}` of `--over {path}` has {values} value{} for {paths} path{}; allowed: one value a path, or one without brackets for all", plural(*.values), plural(*.paths)
    )]
    Count {
        /// Dotted paths.
        path: String,
        /// The entry as written.
        entry: String,
        /// Its values.
        values: usize,
        /// Paths of the axis.
        paths: usize,
    },
    /// A value twice.
    #[error("`--over {path}` has the value {value} twice")]
    SameValue {
        /// Dotted path.
        path: String,
        /// The value.
        value: String,
    },
    /// A path twice.
    #[error("`--over {path}` is given twice; allowed: each path once, with all its values")]
    SamePath {
        /// Dotted path.
        path: String,
    },
    /// A path inside another.
    #[error(
        "`--over {inner}` sets a part of what `--over {outer}` sets; allowed: paths apart from each other"
    )]
    Inside {
        /// The path inside.
        inner: String,
        /// The path around it.
        outer: String,
    },
    /// No axis.
    #[error("a grid needs `--over PATH=FROM:TO:STEP` at least once")]
    NoAxis,
    /// More points than [`MOST_POINTS`].
    #[error("the grid has {points} points; allowed: up to {}", counted(MOST_POINTS as u128))]
    TooLarge {
        /// How many, in words where there are too many to count.
        points: String,
    },
}

/// A whole number with its digits in groups of three: 10,000.
pub(super) fn counted(count: u128) -> String {
    in_thousands(&count.to_string())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

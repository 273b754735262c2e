//! The row a path leaves, its columns, and the table of all rows.

mod cells;
pub mod column;
pub mod csv;
pub mod layout;
pub mod table;
pub mod weights;

//! Terminal tables, JSON, Markdown and files. Computes nothing.

pub mod folder;
pub mod json;
pub mod whole_file;

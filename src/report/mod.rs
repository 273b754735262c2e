//! Terminal tables, JSON, Markdown and files. Computes nothing.

pub mod glance;
pub mod number;
mod paragraph;
pub mod venues;
pub mod content;
pub mod document;
pub mod figure;
pub mod folder;
pub mod json;
pub mod markdown;
mod sections;
pub mod terminal;
pub mod whole_file;

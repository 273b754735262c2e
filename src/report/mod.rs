//! Terminal tables, JSON, Markdown and files. Computes nothing.

pub mod content;
pub mod document;
pub mod figure;
pub mod folder;
pub mod glance;
pub mod json;
pub mod markdown;
pub mod number;
mod paragraph;
mod sections;
pub mod terminal;
pub mod trace;
pub mod venues;
pub mod whole_file;

//! Terminal tables, JSON, Markdown and files. Computes nothing.

mod book_event;
mod book_story;
mod book_trace;
mod breakdown;
pub mod content;
pub mod document;
mod event;
pub mod figure;
pub mod folder;
pub mod glance;
mod glance_legs;
pub mod json;
pub mod markdown;
pub mod number;
mod paragraph;
mod sections;
pub mod story;
pub mod sweep;
mod sweep_columns;
pub mod sweep_files;
pub mod terminal;
pub mod trace;
pub mod venues;
pub mod whole_file;

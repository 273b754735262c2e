//! Terminal tables, JSON, Markdown and files. Computes nothing.

pub mod glance;
pub mod number;
mod paragraph;
pub mod venues;

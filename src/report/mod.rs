//! Terminal tables, JSON, Markdown and files. Computes nothing.

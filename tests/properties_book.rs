//! What holds on every path of every general plan, whatever it says.

mod common;
#[path = "properties_book/engine.rs"]
mod engine;
#[path = "properties_book/slow.rs"]
mod slow;
#[path = "properties_book/still.rs"]
mod still;

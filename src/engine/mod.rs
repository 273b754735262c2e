//! Blocks of paths, threads, progress: composes market and ledger.

pub mod ledgers;
pub mod memory;
pub mod pilot;
pub mod run;
pub mod scripted;
pub mod spots;
pub mod tape;
mod tile_row;
pub mod together;
pub mod trace;
mod trace_book;

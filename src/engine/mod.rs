//! Blocks of paths, threads, progress: composes market and ledger.

pub mod ledgers;
pub mod memory;
pub mod pilot;
pub mod run;
pub mod scripted;
mod sharing;
pub mod spots;
pub mod tape;
pub mod together;
pub mod trace;
mod trace_book;

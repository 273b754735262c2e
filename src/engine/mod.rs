//! Blocks of paths, threads, progress: composes market and ledger.

pub mod tape;

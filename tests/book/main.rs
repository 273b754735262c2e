//! The general ledger: by hand on fixed paths, against the main job's lanes, and what must hold on random plans.

#[path = "../common/mod.rs"]
mod common;

mod dated;
mod fixed;
mod identity;
mod inverse;
mod margin;
mod options;
mod plain;
mod policies;
mod random;

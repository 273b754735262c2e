//! Stress tests: scripted markets against the slow ledger, episodes and shocks by hand, reverse stress against formulas.

#[path = "stress/by_hand.rs"]
mod by_hand;
#[path = "stress/cash.rs"]
mod cash;
mod common;
#[path = "stress/reference.rs"]
mod reference;
#[path = "stress/reversed.rs"]
mod reversed;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hedgesim::engine::pilot;
use hedgesim::engine::run::simulate;
use hedgesim::plan::read::load;
use hedgesim::plan::resolve::resolve_with;
use hedgesim::plan::types::Plan;
use hedgesim::stress::results::{Results, StressTest};
use hedgesim::stress::settings::Settings;

/// The plan of a scenario that comes with the program, at few paths.
fn shipped(name: &str) -> Plan {
    let path = format!("scenarios/{name}.toml");
    let loaded = load(Path::new(&path), &["simulation.paths=256".to_owned()]).expect("a scenario");
    resolve_with(&loaded, &pilot::ratios).expect("a plan")
}

/// A whole stress test.
fn stressed(plan: &Plan, settings: Settings) -> Results {
    let stop = AtomicBool::new(false);
    let test = StressTest::try_new(plan, settings).expect("a test that can be made");
    let table = simulate(plan, &stop, &()).expect("not interrupted");
    test.run(plan, (table, None), &stop, &())
        .expect("not interrupted")
}

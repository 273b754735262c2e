//! Differences of two hedges on the same paths of the engine: their stated errors are those that repeated seeds show.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hedgesim::engine::run::simulate;
use hedgesim::plan::read::load;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::Plan;
use hedgesim::stats::difference::difference;
use hedgesim::stats::estimate::Estimate;
use hedgesim::stats::influence::{Influences, influences};

const KEYS: [&str; 16] = [
    "hedged.mean",
    "hedged.std_dev",
    "hedged.percentiles.p1",
    "hedged.percentiles.p5",
    "hedged.percentiles.p50",
    "hedged.percentiles.p95",
    "hedged.es95",
    "hedge_effectiveness.variance",
    "hedge_effectiveness.es95",
    "liquidation.probability",
    "margin_call.probability",
    "liquidation.hedged_given.mean",
    "collateral.required.percentiles.p95",
    "collateral.top_up.mean",
    "attribution.all.funding_usd",
    "attribution.worst5.liquidation_gap_usd",
];

fn plan(overrides: &[&str], paths: u64, seed: u64) -> Plan {
    let mut overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    overrides.push(format!("simulation.paths={paths}"));
    overrides.push(format!("simulation.seed={seed}"));
    let loaded = load(Path::new("scenarios/eth-treasury-90d.toml"), &overrides)
        .unwrap_or_else(|problems| panic!("{problems}"));
    resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"))
}

fn of(overrides: &[&str], paths: u64, seed: u64) -> Influences {
    let plan = plan(overrides, paths, seed);
    let table = simulate(&plan, &AtomicBool::new(false), &()).expect("a table");
    influences(&table, &plan, &KEYS)
}

/// Of 150 seeds of 2,000 paths: `(difference - its mean over the seeds) / error` has a variance of 1 if the stated error is
/// right. That of 150 scores has a standard error of sqrt(2 / 149) = 0.116, so 0.55 to 1.57 are 4 or more of them to either
/// side: a false alarm in 10^4 a key. A correlation taken for 0 would give 0.1 to 0.3 here, and a missing part over 2.
#[test]
fn errors_of_differences_are_those_of_repeated_seeds() {
    const SEEDS: u64 = 150;
    let samples: Vec<Vec<(String, Estimate)>> = (0..SEEDS)
        .map(|seed| {
            let [a, b] = ["hedges.0.ratio.fixed=1.0", "hedges.0.ratio.fixed=0.8"]
                .map(|ratio| of(&[ratio], 2000, 1000 + seed));
            difference(&a, &b)
        })
        .collect();
    for (k, key) in KEYS.iter().enumerate() {
        let found: Vec<Estimate> = samples.iter().map(|sample| sample[k].1).collect();
        let value = |estimate: &Estimate| estimate.value.expect("a value");
        let mean = found.iter().map(value).sum::<f64>() / SEEDS as f64;
        let score =
            |estimate: &Estimate| (value(estimate) - mean) / estimate.std_error.expect("an error");
        let square: f64 = found.iter().map(|estimate| score(estimate).powi(2)).sum();
        let variance = square / (SEEDS - 1) as f64;
        println!("{key:40} {variance:.3}");
        assert!((0.55..1.57).contains(&variance), "{key}: {variance}");
    }
}

#[test]
fn the_same_hedge_differs_by_exactly_nothing() {
    let [a, b] = [(); 2].map(|()| of(&[], 5000, 3));
    for (key, found) in difference(&a, &b) {
        assert_eq!(found, Estimate::exact(0.0), "{key}");
    }
}

#[test]
fn the_same_paths_tell_apart_what_independent_ones_cannot() {
    let [a, b] = ["hedges.0.ratio.fixed=1.0", "hedges.0.ratio.fixed=0.98"]
        .map(|ratio| of(&[ratio], 20_000, 7));
    let found = difference(&a, &b);
    for key in ["hedged.mean", "hedged.std_dev", "hedged.es95"] {
        let (_, found) = found.iter().find(|(name, _)| name == key).expect("the key");
        let levels = [&a, &b].map(|side| side.estimate(key).and_then(|level| level.std_error));
        let independent = levels[0].zip(levels[1]).map(|(a, b)| a.hypot(b));
        let ratio = found.std_error.expect("an error") / independent.expect("errors");
        assert!(ratio < 0.35, "{key}: {ratio}");
    }
    // Nobody needs more collateral for a smaller hedge.
    let (_, required) = &found[12];
    assert!(required.ci95.expect("an interval")[1] < 0.0, "{required:?}");
}

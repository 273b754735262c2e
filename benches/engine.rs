//! Path-steps per second of the shipped scenarios: the simulation alone, and paths per second of its summary alone.
//!
//! `cargo bench --bench engine` measures all of them on all processors, `RAYON_NUM_THREADS=1` on one.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hedgesim::engine::run::simulate;
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::read::load;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::{ContractKind, DatedPlan, Expiry, MarginMode, OuBasis, Plan};
use hedgesim::stats::summarise::{Detail, RunInfo, summarise};

const SCENARIOS: [&str; 8] = [
    "eth-treasury-90d",
    TWO_LEGS,
    "btc-perp-or-quarter-90d",
    "miner-weekly-sales-roll",
    "btc-basic-30d",
    "btc-squeeze-25x",
    "token-cross-beta",
    "btc-monthly-sales",
];

/// Paths of a measured simulation: enough blocks for every thread.
const SIMULATED: u64 = 20_000;

/// Paths of a measured summary: those of a usual run.
const SUMMARISED: u64 = 100_000;

/// Two legs and a roll on the holding of the main job: `benches/two-legs-and-roll.toml`.
const TWO_LEGS: &str = "two-legs-and-roll";

fn plan(name: &str, paths: u64) -> Plan {
    let folder = if name == TWO_LEGS {
        "benches"
    } else {
        "scenarios"
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(name)
        .with_extension("toml");
    // Without limits: one on a value that no report shows would make it compute everything.
    let overrides = [format!("simulation.paths={paths}"), "limits=[]".to_owned()];
    load(&file, &overrides)
        .and_then(|loaded| resolve(&loaded))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn outcomes(plan: &Plan) -> OutcomeTable {
    simulate(plan, &AtomicBool::new(false), &()).unwrap_or_else(|error| panic!("{error}"))
}

fn simulation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulation, path-steps");
    group.sample_size(10);
    for name in SCENARIOS {
        let plan = plan(name, SIMULATED);
        group.throughput(Throughput::Elements(
            SIMULATED * u64::from(plan.simulation.steps),
        ));
        group.bench_with_input(BenchmarkId::from_parameter(name), &plan, |bencher, plan| {
            bencher.iter(|| outcomes(black_box(plan)));
        });
    }
    group.finish();
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "steps of a month"
)]
/// Half of the hedge in the perpetual and half in a monthly future that is rolled a day before it expires; in one cross account,
/// or each in an account of its own.
fn rolled(mut plan: Plan, is_cross: bool) -> Plan {
    let steps_a_day = 1.0 / plan.simulation.step_days;
    let month = (30.0 * steps_a_day).round() as u32;
    let day = steps_a_day.round() as u32;
    let expiries = (1..=4).map(|n| Expiry {
        years: f64::from(n * month) * plan.simulation.step_years(),
        step: n * month,
        roll_step: (n < 4).then_some(n * month - day),
    });
    let mut dated = plan.market.contracts[plan.hedges[0].contract].clone();
    dated.kind = ContractKind::Dated(DatedPlan {
        carry: OuBasis {
            mean: 0.06,
            initial: 0.06,
            volatility_annual: 0.1,
            reversion_per_year: 6.0,
            correlation_with_spot: 0.2,
        },
        slope_per_year: 0.0,
        expiries: expiries.collect(),
    });
    plan.market.contracts.push(dated);
    plan.hedges[0].hedge_ratio *= 0.5;
    plan.hedges[0].coverage_frac *= 0.5;
    let mut second = plan.hedges[0];
    second.contract = plan.market.contracts.len() - 1;
    if is_cross {
        plan.accounts[0].mode = MarginMode::Cross;
    } else {
        plan.accounts[0].collateral_usd *= 0.5;
        plan.accounts[0].reserve_usd *= 0.5;
        plan.accounts.push(plan.accounts[0].clone());
        second.account = 1;
    }
    plan.hedges.push(second);
    plan
}

/// The general ledger with two legs and a roll.
fn general(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("general ledger, path-steps");
    group.sample_size(10);
    for (name, is_cross) in [("two accounts", false), ("one cross account", true)] {
        let plan = rolled(plan(SCENARIOS[0], SIMULATED), is_cross);
        group.throughput(Throughput::Elements(
            SIMULATED * u64::from(plan.simulation.steps),
        ));
        group.bench_with_input(BenchmarkId::from_parameter(name), &plan, |bencher, plan| {
            bencher.iter(|| outcomes(black_box(plan)));
        });
    }
    group.finish();
}

fn summary(criterion: &mut Criterion) {
    let plan = plan(SCENARIOS[0], SUMMARISED);
    let table = outcomes(&plan);
    let mut group = criterion.benchmark_group("summary, paths");
    group.sample_size(10);
    group.throughput(Throughput::Elements(SUMMARISED));
    for (name, detail) in [
        ("report", Detail::Report),
        ("everything", Detail::Everything),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                summarise(
                    black_box(&table),
                    black_box(&plan),
                    detail,
                    &RunInfo::default(),
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, simulation, general, summary);
criterion_main!(benches);

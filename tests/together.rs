//! Plans simulated together: of each the outcomes that it has alone, bit for bit.

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use common::any_plan::{Features, plan_of};
use common::plans::any_plan;
use common::small_plan::small_plan;
use hedgesim::choice::evaluation::{
    EvaluationError, evaluate, evaluate_columns, passes, table_bytes,
};
use hedgesim::engine::run::{SimulationError, Watcher, simulate};
use hedgesim::engine::together::{Columns, simulate_columns_together, simulate_together};
use hedgesim::outcome::column::{Cell, Column, Extra};
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::common_market::same_market;
use hedgesim::plan::types::{AfterLiquidation, Crossing, Plan, Rebalance};
use hedgesim::plan::views::{SpotSide, ViewBound, ViewPlan, ViewedQuantity};
use hedgesim::stats::views::weigh;
use proptest::test_runner::{Config, RngSeed, TestRunner};

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    pool.install(work)
}

fn together(plans: &[Plan], threads: usize) -> Vec<OutcomeTable> {
    let plans: Vec<&Plan> = plans.iter().collect();
    on_threads(threads, || {
        simulate_together(&plans, &AtomicBool::new(false), &()).expect("outcomes")
    })
}

/// Columns without the records that are followed only where all are wanted.
const SOME: [Cell; 10] = [
    Cell::Fixed(Column::HedgedPnl),
    Cell::Fixed(Column::UnhedgedPnl),
    Cell::Fixed(Column::Liquidation),
    Cell::Fixed(Column::Fees),
    Cell::Fixed(Column::LiquidationGap),
    Cell::Fixed(Column::Liquidations),
    Cell::Fixed(Column::MarginCalls),
    Cell::Fixed(Column::RequiredCollateral),
    Cell::Fixed(Column::MaxMarginRatio),
    Cell::Extra(Extra::Roll),
];

fn columns_together(plans: &[Plan], cells: &[Cell]) -> Vec<OutcomeTable> {
    let plans: Vec<&Plan> = plans.iter().collect();
    let stop = AtomicBool::new(false);
    simulate_columns_together(&plans, Columns::Only(cells), Vec::new(), (&stop, &()))
        .expect("outcomes")
}

fn alone(plan: &Plan) -> OutcomeTable {
    simulate(plan, &AtomicBool::new(false), &()).expect("outcomes")
}

fn assert_same(a: &OutcomeTable, b: &OutcomeTable, what: &str) {
    assert_eq!(a.layout(), b.layout(), "{what}");
    assert_eq!(a.paths(), b.paths(), "{what}");
    for column in 0..a.columns() {
        for (path, (a, b)) in a.values_at(column).zip(b.values_at(column)).enumerate() {
            let is_same = a.to_bits() == b.to_bits();
            assert!(is_same, "{what}: path {path}, column {column}: {a} {b}");
        }
    }
}

/// Proposals in the market of a plan: other ratios, none at all, more and less collateral, other policies and rules.
fn proposals(plan: &Plan) -> Vec<Plan> {
    let changed = |change: &dyn Fn(&mut Plan)| {
        let mut other = plan.clone();
        change(&mut other);
        other
    };
    let mut all = vec![plan.clone()];
    for factor in [0.0, 0.25, 0.5, 0.9, 1.0] {
        all.push(changed(&|plan| {
            for hedge in &mut plan.hedges {
                hedge.hedge_ratio *= factor;
                hedge.coverage_frac *= factor;
            }
        }));
    }
    for factor in [1.5, 4.0] {
        all.push(changed(&|plan| {
            for account in &mut plan.accounts {
                account.collateral_usd *= factor;
                account.reserve_usd /= factor;
            }
        }));
    }
    all.push(changed(&|plan| {
        for account in &mut plan.accounts {
            account.margin_call = None;
            account.after_liquidation = AfterLiquidation::StayFlat;
        }
    }));
    all.push(changed(&|plan| {
        plan.simulation.crossing = match plan.simulation.crossing {
            Crossing::Bridge => Crossing::Endpoints,
            Crossing::Endpoints => Crossing::Bridge,
        };
        plan.execution_slippage_frac = 0.002;
        plan.cost_of_funds_annual = 0.1;
    }));
    all.push(changed(&|plan| {
        for hedge in &mut plan.hedges {
            hedge.rebalance = Rebalance::Band { width: 0.05 };
        }
    }));
    // The general ledger, beside plain ones.
    all.push(changed(&|plan| plan.report.liquidity_at_risk = true));
    all
}

fn check_all(plan: &Plan, what: &str) -> [usize; 2] {
    let proposals = proposals(plan);
    let tables = together(&proposals, 1);
    let three = together(&proposals, 3);
    let mut seen = [0; 2];
    let some = columns_together(&proposals, &SOME);
    for (index, ((proposal, table), three)) in proposals.iter().zip(&tables).zip(&three).enumerate()
    {
        for cell in SOME {
            let is_there = table.layout().cell(cell);
            let Some(column) = is_there else { continue };
            let pairs = some[index].values_at(column).zip(table.values_at(column));
            for (path, (some, all)) in pairs.enumerate() {
                let is_same = some.to_bits() == all.to_bits();
                assert!(
                    is_same,
                    "{what}, proposal {index}: path {path}, {cell:?}: {some} {all}"
                );
            }
        }
        let what = format!("{what}, proposal {index}");
        assert_same(table, &alone(proposal), &what);
        assert_same(table, three, &what);
        let count = |column| table.values(column).filter(|x| *x > 0.0).count();
        seen[0] += count(Column::Liquidations);
        seen[1] += count(Column::MarginCalls);
    }
    seen
}

#[test]
fn plain_plans_have_the_outcomes_that_they_have_alone() {
    let config = Config {
        cases: 60,
        rng_seed: RngSeed::Fixed(4),
        failure_persistence: None,
        ..Config::default()
    };
    let seen = Mutex::new([0; 2]);
    let done = TestRunner::new(config).run(&any_plan(), |mut plan| {
        plan.simulation.paths = 300;
        let here = check_all(&plan, "a plain plan");
        let mut seen = seen.lock().expect("no test failed");
        seen[0] += here[0];
        seen[1] += here[1];
        Ok(())
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|count| *count > 5_000), "{seen:?}");
}

#[test]
fn general_plans_have_the_outcomes_that_they_have_alone() {
    for seed in 0..60 {
        let mut plan = plan_of(seed, Features(Features::ALL));
        plan.simulation.paths = 150;
        check_all(&plan, &format!("plan {seed}"));
    }
}

#[test]
fn without_a_hedge_both_columns_are_the_same_bits() {
    let mut plan = small_plan(40);
    plan.simulation.paths = 1_000;
    plan.market.assets[0].volatility_annual = 0.8;
    let tables = together(&proposals(&plan), 2);
    let none = &tables[1];
    for (hedged, unhedged) in none
        .values(Column::HedgedPnl)
        .zip(none.values(Column::UnhedgedPnl))
    {
        assert_eq!(hedged.to_bits(), unhedged.to_bits());
    }
    // The holding is the same in every proposal that sells at the same cost.
    for (a, b) in tables[0]
        .values(Column::UnhedgedPnl)
        .zip(none.values(Column::UnhedgedPnl))
    {
        assert_eq!(a.to_bits(), b.to_bits());
    }
}

struct Count(Mutex<u64>);

impl Watcher for Count {
    fn done(&self, paths: u64) {
        *self.0.lock().expect("no thread failed") += paths;
    }
}

#[test]
fn every_path_is_told_once_a_plan_and_a_stop_is_heard() {
    let mut plan = small_plan(3);
    plan.simulation.paths = 1_001;
    let plans = [&plan, &plan, &plan];
    let count = Count(Mutex::new(0));
    let stop = AtomicBool::new(false);
    let tables = simulate_together(&plans, &stop, &count).unwrap();
    assert_eq!(tables.len(), 3);
    assert_eq!(count.0.into_inner().unwrap(), 3 * 1_001);
    stop.store(true, Ordering::Relaxed);
    let stopped = simulate_together(&plans, &stop, &());
    assert_eq!(stopped.unwrap_err(), SimulationError::Interrupted);
    assert!(simulate_together(&[], &stop, &()).unwrap().is_empty());
}

#[test]
fn more_than_the_machine_has_is_refused_before_anything_is_simulated() {
    let mut plan = small_plan(3);
    plan.simulation.paths = 1 << 50;
    let refused = simulate_together(&[&plan, &plan], &AtomicBool::new(false), &());
    let Err(SimulationError::OutOfMemory { paths, gib }) = refused else {
        panic!("2^50 paths fit nowhere");
    };
    assert_eq!(paths, 1 << 50);
    assert!(gib > 100_000);
}

#[test]
fn proposals_share_a_market_until_something_drawn_differs() {
    let plan = small_plan(10);
    for other in proposals(&plan) {
        assert!(same_market(&plan, &other));
    }
    let mut other = plan.clone();
    other.market.contracts[0].rules.taker_fee_frac = 0.01;
    other.market.contracts[0].name = "another".to_owned();
    assert!(same_market(&plan, &other));
    let changes: [fn(&mut Plan); 8] = [
        |plan| plan.simulation.seed += 1,
        |plan| plan.simulation.paths += 1,
        |plan| plan.simulation.steps += 1,
        |plan| plan.simulation.step_days *= 2.0,
        |plan| plan.market.assets[0].volatility_annual += 1e-9,
        |plan| plan.market.correlation[0] = 0.5,
        |plan| {
            let process = plan.market.contracts[0].process_mut().unwrap();
            process.mean += 1e-9;
        },
        |plan| {
            let contract = plan.market.contracts[0].clone();
            plan.market.contracts.push(contract);
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut other = plan.clone();
        change(&mut other);
        assert!(!same_market(&plan, &other), "change {index}");
        assert!(!same_market(&other, &plan), "change {index}");
    }
}

#[test]
fn passes_hold_plans_of_one_market_that_fit() {
    let plan = small_plan(10);
    let mut other = plan.clone();
    other.market.assets[0].drift_annual = 0.1;
    let plans = [&plan, &other, &plan, &other, &plan];
    let bytes = table_bytes(&plan);
    assert_eq!(passes(&plans, u64::MAX), [vec![0, 2, 4], vec![1, 3]]);
    assert_eq!(passes(&plans, 2 * bytes), [vec![0, 2], vec![4], vec![1, 3]]);
    assert_eq!(passes(&plans, 0).len(), 5);
    let many = vec![&plan; 1_000];
    let all: Vec<usize> = passes(&many, u64::MAX).concat();
    assert_eq!(all, (0..1_000).collect::<Vec<_>>());
}

#[test]
fn every_plan_is_looked_at_once_with_its_own_table() {
    let mut plan = small_plan(10);
    plan.simulation.paths = 200;
    plan.market.assets[0].volatility_annual = 0.8;
    let mut all = proposals(&plan);
    let mut elsewhere = plan.clone();
    elsewhere.simulation.seed = 9;
    all.insert(2, elsewhere);
    let plans: Vec<&Plan> = all.iter().collect();
    let stop = AtomicBool::new(false);
    let pnl = |table: &OutcomeTable| table.column(Column::HedgedPnl as usize).to_vec();
    let mut kept = Vec::new();
    let passes = passes(&plans, 3 * table_bytes(&plan));
    evaluate(
        &plans,
        &passes,
        (&stop, &()),
        |_, table, _| pnl(table),
        |index, pnl| kept.push((index, pnl)),
    )
    .unwrap();
    assert_eq!(kept.len(), plans.len());
    for (index, found) in kept {
        assert_eq!(found, pnl(&alone(plans[index])), "plan {index}");
    }
}

/// The plan under one view: a price above a level with so much probability.
fn with_view(plan: &Plan, level_usd: f64, probability: f64) -> Plan {
    let mut plan = plan.clone();
    plan.report.views.list = vec![ViewPlan {
        text: "a view".to_owned(),
        path: "views.0".to_owned(),
        quantity: ViewedQuantity::Probability {
            asset: 0,
            side: SpotSide::Above,
            level_usd,
        },
        bound: ViewBound::exactly(probability),
    }];
    plan
}

#[test]
fn tables_have_the_weights_of_their_own_views_and_keep_none_of_an_earlier_pass() {
    let mut plan = small_plan(10);
    plan.simulation.paths = 500;
    plan.market.assets[0].volatility_annual = 0.8;
    let spot_usd = plan.market.assets[0].spot_usd;
    let mut all = proposals(&plan);
    for (index, plan) in all.iter_mut().enumerate() {
        match index % 3 {
            0 => *plan = with_view(plan, spot_usd, 0.6),
            1 => *plan = with_view(plan, spot_usd, 0.3),
            _ => {}
        }
    }
    assert!(all.len() >= 6);
    let plans: Vec<&Plan> = all.iter().collect();
    let stop = AtomicBool::new(false);
    let hedged = [Cell::Fixed(Column::HedgedPnl)];
    for columns in [Columns::All, Columns::Only(&hedged)] {
        // Passes of one, of two and of all plans: of small ones, tables are written over by others' plans.
        for most in [0, 2 * table_bytes(&all[0]), u64::MAX] {
            let mut count = 0;
            evaluate_columns(
                &plans,
                &passes(&plans, most),
                columns,
                (&stop, &()),
                |_, table, views| (table.weights().map(<[f64]>::to_vec), views.cloned()),
                |index, (weights, outcome)| {
                    let (expected, of_alone) = weigh(&alone(plans[index]), plans[index]).unwrap();
                    let expected = expected.map(|weights| weights.of_paths().to_vec());
                    assert_eq!(weights, expected, "plan {index}");
                    assert_eq!(weights.is_some(), index % 3 < 2, "plan {index}");
                    assert_eq!(outcome, weights.map(|_| of_alone), "plan {index}");
                    count += 1;
                },
            )
            .unwrap();
            assert_eq!(count, plans.len());
        }
    }
    // The plan whose views cannot be had is named.
    all[4] = with_view(&plan, 1e9 * spot_usd, 0.3);
    let plans: Vec<&Plan> = all.iter().collect();
    let passes = passes(&plans, 0);
    let found = evaluate(&plans, &passes, (&stop, &()), |_, _, _| (), |_, ()| {});
    assert!(
        matches!(found, Err(EvaluationError::Views { plan: 4, .. })),
        "{found:?}"
    );
}

#[test]
#[should_panic(expected = "are not followed")]
fn records_that_are_not_followed_cannot_be_wanted_alone() {
    columns_together(&[small_plan(3)], &[Cell::Fixed(Column::Funding)]);
}

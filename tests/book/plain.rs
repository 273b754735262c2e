//! The general ledger on plain plans: the rows of the main job's lanes.

use crate::common::plans::any_plan;
use hedgesim::ledger::book::ledger::Book;
use hedgesim::ledger::book::rules::BookRules;
use hedgesim::ledger::programme::Programme;
use hedgesim::ledger::rules::ProgrammeRules;
use hedgesim::market::model::MarketModel;
use hedgesim::outcome::column::{Column, FIXED_COLUMNS};
use hedgesim::outcome::layout::Layout;
use hedgesim::outcome::table::LANES;
use hedgesim::plan::types::Plan;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Largest difference allowed, as a fraction of the money involved: rounding of sums over at most 60 steps.
const TOLERANCE_FRAC: f64 = 1e-9;

/// Rows of one block by both ledgers, shape `[columns][LANES]`.
fn rows(plan: &Plan) -> (Vec<f64>, Vec<f64>) {
    let market = MarketModel::new(plan);
    let variance = market.step_variance(plan.hedges[0].contract);
    let plain_rules = ProgrammeRules::new(plan, 0, variance);
    let rules = BookRules::new(plan, &market);
    let mut plain = Programme::new(&plain_rules, market.streams());
    let mut book = Book::new(&rules, market.streams());
    let (mut state, mut tile) = (market.state(), market.tile());
    market.start(&mut state, &mut tile, 0);
    plain.start();
    book.start();
    while market.advance(&mut state, &mut tile) {
        plain.advance(&tile, None);
        book.advance(&tile, None);
    }
    let size = Layout::of(plan).columns() * LANES;
    let (mut of_plain, mut of_book) = (vec![0.0; size], vec![0.0; size]);
    plain.finish(&tile, &mut of_plain);
    book.finish(&tile, &mut of_book);
    (of_plain, of_book)
}

#[test]
fn plain_plans_have_the_same_rows() {
    let config = Config {
        cases: 400,
        rng_seed: RngSeed::Fixed(30),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any_plan(), |plan| {
            let (plain, book) = rows(&plan);
            let holding = &plan.holdings[0];
            let scale = holding.quantity_base * plan.market.assets[holding.asset].spot_usd
                + plan.accounts[0].collateral_usd;
            for (i, (x, y)) in plain.iter().zip(&book).enumerate() {
                let (column, lane) = (i / LANES, i % LANES);
                let is_count = (Column::Liquidations as usize..=Column::UnmetCalls as usize)
                    .contains(&column)
                    || column == Column::CutTrades as usize;
                let same = if x.is_nan() || y.is_nan() || is_count {
                    x.to_bits() == y.to_bits()
                } else if column == Column::MaxMarginRatio as usize {
                    (x - y).abs() <= 1e-6 * x.max(1.0).powi(2)
                } else {
                    (x - y).abs() <= TOLERANCE_FRAC * scale
                };
                prop_assert!(
                    same,
                    "column {column} of {FIXED_COLUMNS}, lane {lane}: plain {x} book {y}"
                );
            }
            Ok(())
        })
        .unwrap();
}

//! Quiet steps of all lanes at once: the same rows as event by event.

use hedgesim::ledger::book::ledger::Book;
use hedgesim::ledger::book::rules::BookRules;
use hedgesim::market::model::MarketModel;
use hedgesim::outcome::column::Column;
use hedgesim::outcome::layout::Layout;
use hedgesim::outcome::table::LANES;
use hedgesim::plan::types::Plan;

use crate::random::any_book_plan;

fn rows(plan: &Plan, is_slow: bool) -> Vec<f64> {
    let market = MarketModel::new(plan);
    let rules = BookRules::new(plan, &market);
    let mut book = Book::new(&rules, market.streams());
    if is_slow {
        book = book.event_by_event();
    }
    let (mut state, mut tile) = (market.state(), market.tile());
    market.start(&mut state, &mut tile, 0);
    book.start();
    while market.advance(&mut state, &mut tile) {
        book.advance(&tile, None);
    }
    let mut rows = vec![0.0; Layout::of(plan).columns() * LANES];
    book.finish(&tile, &mut rows);
    rows
}

#[test]
fn quiet_steps_are_steps_without_events() {
    for seed in 10_000..11_500 {
        let plan = any_book_plan(seed);
        let (fast, slow) = (rows(&plan, false), rows(&plan, true));
        let scale: f64 = plan
            .holdings
            .iter()
            .map(|holding| holding.quantity_base * plan.market.assets[holding.asset].spot_usd)
            .sum();
        for (i, (x, y)) in fast.iter().zip(&slow).enumerate() {
            let (column, lane) = (i / LANES, i % LANES);
            let tolerance = if column == Column::MaxMarginRatio as usize {
                1e-6 * x.max(1.0).powi(2)
            } else {
                1e-9 * scale
            };
            let is_same = (x - y).abs() <= tolerance || (x.is_nan() && y.is_nan());
            assert!(
                is_same,
                "seed {seed}, column {column}, lane {lane}: {x} against {y}"
            );
        }
    }
}

//! What holds on every path of every valid plan, whatever it says.

mod common;

use common::plans::any_plan;
use common::scenario_text::outcomes;
use hedgesim::outcome::column::{COMPONENTS, Column, FIXED_COLUMNS};
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::types::{AfterLiquidation, Plan, Rebalance};
use hedgesim::stats::summarise::{Detail, RunInfo, summarise};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Rounding, as a fraction of the money in play.
const TOLERANCE_FRAC: f64 = 1e-9;

/// Tries a property on this many random plans, always the same ones.
fn check(cases: u32, seed: u64, property: impl Fn(Plan) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(failure) = TestRunner::new(config).run(&any_plan(), property) {
        panic!("{failure}");
    }
}

fn cell(table: &OutcomeTable, path: usize, column: Column) -> f64 {
    table.value(path, column as usize)
}

fn money_usd(plan: &Plan) -> f64 {
    let (holding, account) = (&plan.holdings[0], &plan.accounts[0]);
    holding.quantity_base * plan.market.assets[holding.asset].spot_usd
        + account.collateral_usd
        + account.reserve_usd
}

fn bits(table: &OutcomeTable, paths: usize) -> Vec<u64> {
    (0..table.columns())
        .flat_map(|column| (0..paths).map(move |path| table.value(path, column).to_bits()))
        .collect()
}

/// Unhedged P&L and the twelve components are the hedged P&L, and the plans drawn do reach the paths where that is hard:
/// liquidations, gaps through bankruptcy, re-entries, unmet calls.
#[test]
fn the_parts_are_the_whole_on_every_path() {
    let seen = std::cell::RefCell::new([0_usize; 4]);
    check(400, 31, |mut plan| {
        plan.simulation.paths = 192;
        let table = outcomes(&plan);
        for path in 0..table.paths() {
            let parts: f64 = COMPONENTS
                .iter()
                .map(|(_, part)| table.cell(path, *part))
                .sum();
            let whole = cell(&table, path, Column::HedgedPnl);
            let sum = cell(&table, path, Column::UnhedgedPnl) + parts;
            prop_assert!(
                (whole - sum).abs() <= TOLERANCE_FRAC * money_usd(&plan),
                "path {path}: {whole} {sum}"
            );
            let mut seen = seen.borrow_mut();
            seen[0] += usize::from(cell(&table, path, Column::Liquidations) > 0.0);
            seen[1] += usize::from(cell(&table, path, Column::BankruptcyLoss) > 0.0);
            seen[2] += usize::from(cell(&table, path, Column::Liquidations) > 1.0);
            seen[3] += usize::from(cell(&table, path, Column::UnmetCalls) > 0.0);
        }
        Ok(())
    });
    let seen = seen.into_inner();
    assert!(seen.iter().all(|&count| count > 500), "{seen:?}");
}

/// Without a hedge the hedged outcome is the unhedged one, bit by bit, every column of the hedge is 0, and the
/// market is the same as with one.
#[test]
fn no_hedge_changes_no_bit() {
    check(200, 32, |with| {
        let mut without = with.clone();
        without.hedges[0].hedge_ratio = 0.0;
        without.hedges[0].opened = None;
        without.hedges[0].coverage_frac = 0.0;
        let (hedged, bare) = (outcomes(&with), outcomes(&without));
        for path in 0..bare.paths() {
            let unhedged = cell(&bare, path, Column::UnhedgedPnl);
            prop_assert_eq!(
                unhedged.to_bits(),
                cell(&bare, path, Column::HedgedPnl).to_bits()
            );
            prop_assert_eq!(
                unhedged.to_bits(),
                cell(&hedged, path, Column::UnhedgedPnl).to_bits()
            );
            for asset in 0..bare.assets().len() {
                let column = bare.terminal_spot(asset);
                prop_assert_eq!(
                    bare.value(path, column).to_bits(),
                    hedged.value(path, column).to_bits()
                );
            }
            for (name, part) in COMPONENTS {
                let value = bare.cell(path, part);
                prop_assert!(value == 0.0, "{name}: {value}");
            }
            for column in [
                Column::BankruptcyLoss,
                Column::Liquidations,
                Column::MarginCalls,
                Column::UnmetCalls,
                Column::UnmetCall,
                Column::CutTrades,
                Column::TopUp,
                Column::RequiredCollateral,
            ] {
                let value = cell(&bare, path, column);
                prop_assert!(value == 0.0, "{column:?}: {value}");
            }
            prop_assert!(cell(&bare, path, Column::LiquidationDay).is_nan());
        }
        Ok(())
    });
}

/// Without calls, rebalancing and re-entry, more collateral never liquidates a path that less did not, nor earlier.
#[test]
fn more_collateral_never_hurts() {
    let spared = std::cell::Cell::new(0_usize);
    check(300, 33, |mut plan| {
        plan.accounts[0].margin_call = None;
        plan.accounts[0].after_liquidation = AfterLiquidation::StayFlat;
        plan.hedges[0].rebalance = Rebalance::Never;
        let mut before = outcomes(&plan);
        for factor in [1.001, 1.1, 1.5] {
            plan.accounts[0].collateral_usd *= factor;
            let more = outcomes(&plan);
            for path in 0..more.paths() {
                let was = cell(&before, path, Column::LiquidationDay);
                let is = cell(&more, path, Column::LiquidationDay);
                prop_assert!(
                    is.is_nan() || is >= was,
                    "path {path}: day {was} with less, {is} with {factor} times that"
                );
                spared.set(spared.get() + usize::from(is.is_nan() && !was.is_nan()));
            }
            before = more;
        }
        Ok(())
    });
    assert!(spared.get() > 500, "{spared:?}");
}

/// The number of threads, and of paths, changes no bit of a path; the seed does.
#[test]
fn threads_and_paths_change_no_bit_and_the_seed_does() {
    check(12, 34, |mut plan| {
        plan.simulation.paths = 1000;
        let on_threads = |plan: &Plan, threads: usize| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| outcomes(plan))
        };
        let one = on_threads(&plan, 1);
        for threads in [2, 3, 7] {
            let many = on_threads(&plan, threads);
            prop_assert_eq!(bits(&one, 1000), bits(&many, 1000));
        }
        plan.simulation.paths = 201;
        prop_assert_eq!(bits(&one, 201), bits(&outcomes(&plan), 201));
        plan.simulation.seed += 1;
        let other = outcomes(&plan);
        let moves = plan
            .market
            .assets
            .iter()
            .any(|asset| asset.volatility_annual > 0.0);
        let spot = one.terminal_spot(plan.holdings[0].asset);
        let same = (0..201)
            .filter(|&path| one.value(path, spot).to_bits() == other.value(path, spot).to_bits())
            .count();
        let held = &plan.market.assets[plan.holdings[0].asset];
        prop_assert!(
            !moves || held.volatility_annual == 0.0 || same < 5,
            "{same} of 201 paths are the same under another seed"
        );
        Ok(())
    });
}

/// Nothing is NaN but the day of a liquidation that was none and the margin ratio of no equity, and the columns agree
/// with each other.
#[test]
fn columns_are_numbers_and_agree() {
    check(300, 35, |mut plan| {
        plan.simulation.paths = 128;
        let stays_flat = plan.accounts[0].after_liquidation == AfterLiquidation::StayFlat;
        let can_release = plan.accounts[0]
            .margin_call
            .is_some_and(|call| call.release.is_some());
        let table = outcomes(&plan);
        let rounding = TOLERANCE_FRAC * money_usd(&plan);
        for path in 0..table.paths() {
            let at = |column| cell(&table, path, column);
            for column in 0..table.columns() {
                let may_be_missing = column == Column::LiquidationDay as usize
                    || column == Column::MaxMarginRatio as usize;
                let value = table.value(path, column);
                prop_assert!(
                    may_be_missing || value.is_finite(),
                    "path {path}, column {column} of {FIXED_COLUMNS}: {value}"
                );
            }
            let (day, count) = (at(Column::LiquidationDay), at(Column::Liquidations));
            prop_assert_eq!(day.is_nan(), count == 0.0);
            prop_assert!(
                day.is_nan() || (day > 0.0 && day <= plan.simulation.horizon_days * (1.0 + 1e-12))
            );
            prop_assert!(!stays_flat || count <= 1.0);
            prop_assert!(at(Column::UnmetCalls) <= at(Column::MarginCalls));
            prop_assert_eq!(at(Column::UnmetCall) > 0.0, at(Column::UnmetCalls) > 0.0);
            prop_assert!(plan.accounts[0].margin_call.is_some() || at(Column::MarginCalls) == 0.0);
            prop_assert!(at(Column::MaxMarginRatio).is_nan() || at(Column::MaxMarginRatio) >= 0.0);
            for column in [Column::TopUp, Column::MaxDrawdown, Column::BankruptcyLoss] {
                prop_assert!(at(column) >= -rounding, "{column:?}: {}", at(column));
            }
            for column in [Column::Fees, Column::Slippage] {
                prop_assert!(at(column) <= rounding, "{column:?}: {}", at(column));
            }
            // What comes back beyond what was posted (released profit, the rest after a liquidation that followed
            // gains) makes the net contribution, and its interest, change sign; nothing else does.
            let financing = at(Column::Financing);
            prop_assert!(
                count > 0.0 || can_release || financing <= rounding,
                "Financing: {financing}"
            );
            prop_assert!(plan.cost_of_funds_annual > 0.0 || financing == 0.0);
            prop_assert!(count > 0.0 || at(Column::BankruptcyLoss) == 0.0);
            let quantity = plan.holdings[0].quantity_base;
            let start_usd = quantity * plan.market.assets[plan.holdings[0].asset].spot_usd;
            let proceeds_usd = at(Column::EffectivePrice) * quantity;
            prop_assert!(
                (proceeds_usd - start_usd - at(Column::HedgedPnl)).abs() <= rounding,
                "effective price {proceeds_usd} {start_usd} {}",
                at(Column::HedgedPnl)
            );
        }
        Ok(())
    });
}

/// A hedge can lose what was in its account and in the reserve, and interest on it, and no more, unless the
/// close at the horizon costs more than a held account has left; nor is more ever posted than there was.
#[test]
fn nobody_owes_more_than_was_there() {
    let emptied = std::cell::Cell::new(0_usize);
    check(400, 36, |mut plan| {
        plan.simulation.paths = 128;
        let table = outcomes(&plan);
        let account = &plan.accounts[0];
        let contract = &plan.market.contracts[plan.hedges[0].contract];
        let mark_usd =
            plan.market.assets[contract.underlying].spot_usd * contract.initial_basis().exp();
        // A hedge already on brings its unrealised profit or loss.
        let unrealised_usd = plan.hedges[0].opened.map_or(0.0, |opened| {
            opened.quantity_base * (opened.price_usd - mark_usd)
        });
        let there_usd = account.collateral_usd + account.reserve_usd;
        let rounding = TOLERANCE_FRAC * money_usd(&plan);
        for path in 0..table.paths() {
            let at = |column| cell(&table, path, column);
            prop_assert!(
                at(Column::PeakCollateral) <= there_usd + rounding,
                "path {path}: {} posted of {there_usd}",
                at(Column::PeakCollateral)
            );
            let lost_usd = at(Column::UnhedgedPnl) - at(Column::HedgedPnl) + at(Column::Financing);
            let limit_usd = there_usd + unrealised_usd;
            if at(Column::Liquidations) > 0.0
                && account.after_liquidation == AfterLiquidation::StayFlat
            {
                prop_assert!(
                    lost_usd <= limit_usd + rounding,
                    "path {path}: {lost_usd} lost of {limit_usd}"
                );
                emptied.set(emptied.get() + usize::from(lost_usd > 0.999 * limit_usd));
            }
        }
        Ok(())
    });
    assert!(emptied.get() > 100, "{emptied:?} accounts were emptied");
}

/// A reserve that nothing may draw on changes nothing.
#[test]
fn an_idle_reserve_changes_no_bit() {
    check(100, 37, |mut plan| {
        plan.accounts[0].margin_call = None;
        plan.accounts[0].after_liquidation = AfterLiquidation::StayFlat;
        plan.accounts[0].reserve_usd = 0.0;
        let without = outcomes(&plan);
        plan.accounts[0].reserve_usd = 1e6;
        let with = outcomes(&plan);
        let paths = with.paths();
        let drawdown = Column::MaxDrawdown as usize;
        for column in (0..with.columns()).filter(|&column| column != drawdown) {
            for path in 0..paths {
                let (a, b) = (without.value(path, column), with.value(path, column));
                prop_assert!(
                    a.to_bits() == b.to_bits() || (a - b).abs() < 1e-6,
                    "column {column}: {a} {b}"
                );
            }
        }
        Ok(())
    });
}

/// Everything twice as large: every amount doubles, every count and day stays. Doubling is exact in binary.
#[test]
fn amounts_scale_with_the_size() {
    check(150, 38, |small| {
        let mut large = small.clone();
        large.holdings[0].quantity_base *= 2.0;
        for sale in &mut large.holdings[0].sales {
            sale.quantity_base *= 2.0;
        }
        large.accounts[0].collateral_usd *= 2.0;
        large.accounts[0].reserve_usd *= 2.0;
        if let Some(opened) = &mut large.hedges[0].opened {
            opened.quantity_base *= 2.0;
        }
        for bracket in &mut large.market.contracts[0].rules.brackets {
            bracket.floor_usd *= 2.0;
            bracket.cap_usd *= 2.0;
            bracket.deduction_usd *= 2.0;
        }
        let (one, two) = (outcomes(&small), outcomes(&large));
        let unscaled = [
            Column::LiquidationDay,
            Column::Liquidations,
            Column::MarginCalls,
            Column::UnmetCalls,
            Column::CutTrades,
            Column::MaxMarginRatio,
            Column::EffectivePrice,
        ];
        for column in 0..one.columns() {
            let is_amount =
                column < FIXED_COLUMNS && !unscaled.iter().any(|&c| c as usize == column);
            let factor = if is_amount { 2.0 } else { 1.0 };
            for path in 0..one.paths() {
                let (a, b) = (factor * one.value(path, column), two.value(path, column));
                prop_assert!(
                    (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * a.abs(),
                    "path {path}, column {column}: {a} {b}"
                );
            }
        }
        Ok(())
    });
}

/// Expected shortfall is no less than value at risk, farther tails are no less than nearer ones, and the
/// percentiles ascend, hedged and unhedged.
#[test]
fn tail_means_lie_beyond_their_quantiles() {
    check(100, 39, |mut plan| {
        plan.simulation.paths = 256;
        let table = outcomes(&plan);
        let summary = summarise(&table, &plan, Detail::Everything, &RunInfo::default());
        let rounding = TOLERANCE_FRAC * money_usd(&plan);
        for pnl in [&summary.hedged, &summary.unhedged] {
            let value = |estimate: &hedgesim::stats::estimate::Estimate| estimate.value.unwrap();
            let (var95, var99) = (value(&pnl.var95), value(&pnl.var99));
            let (es95, es99) = (value(&pnl.es95), value(&pnl.es99));
            prop_assert!(es95 >= var95 - rounding && es99 >= var99 - rounding);
            prop_assert!(var99 >= var95 - rounding && es99 >= es95 - rounding);
            prop_assert!(es95 >= -value(&pnl.mean) - rounding);
        }
        Ok(())
    });
}

//! Properties of the engine's general ledger on random plans: nothing about it is taken from another ledger.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use hedgesim::engine::run::simulate;
use hedgesim::engine::trace::{Trace, trace};
use hedgesim::outcome::column::{COMPONENTS, Cell, Column, Extra};
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::types::{
    CoinCollateral, ContractSettlement, Crossing, FundingSource, JumpPlan, JumpSizes, Plan,
    SettlementCurrency,
};

use super::still::{STILL, still_plan};
use crate::common::any_plan::{Features, money_usd, plan_of};
use crate::common::small_plan::small_plan;

fn simulated(plan: &Plan, threads: usize) -> OutcomeTable {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    pool.install(|| simulate(plan, &AtomicBool::new(false), &()))
        .expect("outcomes")
}

/// Money involved on a path, at the highest price of its end or start.
fn scale_usd(plan: &Plan, table: &OutcomeTable, path: usize) -> f64 {
    let growth = |(a, asset): (usize, &hedgesim::plan::types::AssetPlan)| {
        table.value(path, table.terminal_spot(a)) / asset.spot_usd
    };
    let assets = plan.market.assets.iter().enumerate();
    money_usd(plan) * assets.map(growth).fold(1.0, f64::max)
}

/// What the parts of hedged P&L are short of it.
fn identity_error_usd(table: &OutcomeTable, path: usize) -> f64 {
    let cell = |cell: Cell| table.cell(path, cell);
    let parts_usd: f64 = COMPONENTS.iter().map(|(_, part)| cell(*part)).sum();
    cell(Cell::Fixed(Column::HedgedPnl)) - cell(Cell::Fixed(Column::UnhedgedPnl)) - parts_usd
}

/// The parts add up to 1e-9 of the money involved, nothing is undefined, and paths are hard enough.
#[test]
fn the_identity_holds_and_nothing_is_undefined() {
    let mut seen = BTreeMap::<usize, u32>::new();
    for seed in 0..1_500 {
        let plan = plan_of(seed, Features(Features::ALL));
        let table = simulated(&plan, 1);
        for path in 0..table.paths() {
            let error_usd = identity_error_usd(&table, path).abs();
            let scale_usd = scale_usd(&plan, &table, path);
            assert!(
                error_usd <= 1e-9 * scale_usd,
                "plan {seed}, path {path}: off by {error_usd} of {scale_usd}"
            );
            for column in 0..table.columns() {
                let value = table.value(path, column);
                let may_be_undefined = column == Column::LiquidationDay as usize
                    || column == Column::MaxMarginRatio as usize
                    || column == Column::EffectivePrice as usize && plan.holdings.len() > 1;
                assert!(
                    value.is_finite() || may_be_undefined && value.is_nan(),
                    "plan {seed}, path {path}, column {column}: {value}"
                );
            }
            for column in [
                Column::Liquidations,
                Column::BankruptcyLoss,
                Column::MarginCalls,
                Column::UnmetCall,
                Column::CutTrades,
                Column::Financing,
            ] {
                let is_there = table.value(path, column as usize) != 0.0;
                *seen.entry(column as usize).or_default() += u32::from(is_there);
            }
        }
    }
    assert!(seen.values().all(|paths| *paths > 500), "{seen:?}");
}

/// At every step's end money and coins are somewhere once: no reserve, transfer or loan is negative, no loan over its limit,
/// no coins posted or sold early that are not there; and in the end no account owes more than its coins are worth.
fn assert_nobody_has_what_is_not_there(plan: &Plan, told: &Trace, seed: u64) {
    let steps = plan.simulation.steps as usize;
    let dust = 1e-9 * money_usd(plan);
    for at in &told.book {
        let what = || format!("plan {seed}, step {}: {:#?}", at.step, at.standing);
        for (account, rule) in at.standing.accounts.iter().zip(&plan.accounts) {
            let limits_usd: f64 = rule
                .sources
                .iter()
                .map(|source| match *source {
                    FundingSource::CreditLine { limit_usd, .. } => limit_usd,
                    FundingSource::Reserve | FundingSource::Inventory { .. } => 0.0,
                })
                .sum();
            assert!(account.reserve_usd >= -dust, "{}", what());
            assert!(account.in_flight_usd >= -dust, "{}", what());
            assert!(account.credit_usd >= -dust, "{}", what());
            assert!(account.credit_usd <= limits_usd + dust, "{}", what());
            assert!(
                account.coins_base.iter().all(|coins| *coins >= 0.0),
                "{}",
                what()
            );
            if at.step == steps {
                let cut_usd: f64 = account
                    .coins_base
                    .iter()
                    .zip(&rule.coins)
                    .map(|(coins, coin)| {
                        coins * coin.haircut_frac * told.tape.spot_usd[coin.asset][steps]
                    })
                    .sum();
                let left_usd = account.equity * account.rate_usd + cut_usd;
                assert!(left_usd >= -dust, "owes {left_usd}; {}", what());
            }
        }
        for (j, early_base) in at.standing.sold_early_base.iter().enumerate() {
            let dust_base = 1e-9 * (1.0 + at.standing.inventory_base[j]);
            let posted_base: f64 = plan
                .accounts
                .iter()
                .zip(&at.standing.accounts)
                .flat_map(|(rule, account)| rule.coins.iter().zip(&account.coins_base))
                .filter(|(coin, _)| coin.holding == Some(j))
                .map(|(_, coins)| *coins)
                .sum();
            let needed_base = early_base + posted_base;
            assert!(*early_base >= -dust_base, "{}", what());
            assert!(
                at.step == steps || needed_base <= at.standing.inventory_base[j] + dust_base,
                "holding {j}; {}",
                what()
            );
        }
    }
}

#[test]
fn money_and_coins_are_somewhere_once_and_nobody_owes_in_the_end() {
    let (mut bankruptcies, mut written_off) = (0, 0);
    for seed in 0..4_000 {
        let mut plan = plan_of(seed, Features(Features::ALL));
        if seed % 2 == 0 {
            // A settlement dearer than the account: what it owes is left until the end.
            for contract in &mut plan.market.contracts {
                contract.rules.delivery_fee_frac = 0.9;
            }
        }
        let told = trace(&plan, seed % 640);
        assert!(!told.book.is_empty() || plan.is_plain(), "plan {seed}");
        assert_nobody_has_what_is_not_there(&plan, &told, seed);
        let lost_usd = told.block.value(told.row, Column::BankruptcyLoss as usize);
        bankruptcies += u32::from(lost_usd > 0.0);
        let liquidations = told.block.value(told.row, Column::Liquidations as usize);
        written_off += u32::from(lost_usd > 0.0 && liquidations == 0.0);
    }
    assert!(
        bankruptcies > 50 && written_off > 50,
        "{bankruptcies} {written_off}"
    );
}

/// All that the legs lose, costs and all, was posted before: by the account, or sent to it.
#[test]
fn nobody_loses_more_to_the_venue_than_the_account_had() {
    let features = Features(Features::ALL & !(Features::COINS | Features::INVERSE));
    let mut at_the_edge = 0;
    for seed in 0..1_000 {
        let plan = plan_of(seed, features);
        let table = simulated(&plan, 1);
        let sent_usd: f64 = plan
            .accounts
            .iter()
            .map(|account| account.collateral_usd + account.reserve_usd)
            .sum();
        let on_usd: f64 = plan
            .hedges
            .iter()
            .filter_map(|hedge| hedge.opened)
            .map(|opened| 0.2 * opened.quantity_base * opened.price_usd)
            .sum();
        for path in 0..table.paths() {
            let fixed = |column: Column| table.value(path, column as usize);
            let revalued_usd = table.cell(path, Cell::Extra(Extra::CollateralRevaluation));
            let lost_usd = fixed(Column::UnhedgedPnl) - fixed(Column::HedgedPnl)
                + fixed(Column::Financing)
                + revalued_usd;
            let most_usd = sent_usd + on_usd + fixed(Column::TopUp);
            assert!(
                lost_usd <= most_usd + 1e-9 * scale_usd(&plan, &table, path),
                "plan {seed}, path {path}: {lost_usd} of {most_usd}"
            );
            at_the_edge += u32::from(lost_usd > 0.9 * most_usd);
        }
    }
    assert!(at_the_edge > 100, "{at_the_edge}");
}

/// Where nothing moves and nothing costs, calls, top-ups, releases, liquidations, rolls and sales only move money.
#[test]
fn nothing_comes_from_nothing() {
    let mut seen = [0.0; 3];
    for seed in 0..5_000 {
        let plan = still_plan(seed, Features(STILL));
        let table = simulated(&plan, 1);
        let fixed = |column: Column| table.value(0, column as usize);
        let gained_usd = fixed(Column::HedgedPnl) - fixed(Column::UnhedgedPnl);
        let fund_usd = fixed(Column::BankruptcyLoss);
        assert!(
            (gained_usd - fund_usd).abs() <= 1e-9 * money_usd(&plan),
            "plan {seed} gained {gained_usd}, of it {fund_usd} from the fund"
        );
        for (seen, column) in
            seen.iter_mut()
                .zip([Column::Liquidations, Column::MarginCalls, Column::TopUp])
        {
            *seen += f64::from(u8::from(fixed(column) > 0.0));
        }
    }
    let [liquidated, called, fed] = seen;
    assert!(
        liquidated >= 5.0 && called > 100.0 && fed > 50.0,
        "{seen:?}"
    );
}

/// An inverse short of what is held, margined with all of it, is a constant sum of dollars on every path at every date, with
/// jumps too, and never liquidated.
#[test]
fn an_inverse_short_on_its_inventory_is_a_dollar() {
    for seed in 0..100 {
        let mut plan = small_plan(20);
        plan.simulation.paths = 256;
        plan.simulation.seed = seed;
        plan.simulation.crossing = Crossing::Bridge;
        plan.market.assets[0].volatility_annual = 1.5;
        plan.market.assets[0].jumps = (seed % 2 == 0).then_some(JumpPlan {
            jumps_per_year: 100.0,
            sizes: JumpSizes::Merton {
                mean_log: 0.05,
                std_dev_log: 0.3,
            },
            systemic_share: 0.0,
            systemic_loading: 1.0,
        });
        plan.market.contracts[0].settlement = ContractSettlement::Inverse;
        plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
        plan.accounts[0].collateral_usd = 0.0;
        plan.accounts[0].coins = vec![CoinCollateral {
            asset: 0,
            quantity_base: plan.holdings[0].quantity_base,
            holding: Some(0),
            haircut_frac: 0.0,
        }];
        plan.report.date_steps = vec![5, 13, 20];
        let table = simulated(&plan, 1);
        for path in 0..table.paths() {
            let dust_usd = 1e-9 * scale_usd(&plan, &table, path);
            let fixed = |column: Column| table.value(path, column as usize);
            assert!(fixed(Column::HedgedPnl).abs() <= dust_usd);
            assert!(fixed(Column::MaxDrawdown) <= dust_usd);
            assert!(fixed(Column::Liquidations) == 0.0);
            for date in 0..plan.report.date_steps.len() {
                let interim = table.cell(path, Cell::Extra(Extra::InterimHedged(date)));
                assert!(interim.abs() <= dust_usd, "{interim}");
            }
            assert!(fixed(Column::UnhedgedPnl).abs() > dust_usd);
        }
    }
}

/// One thread or many, one block or several: the same bits in every column of every path.
#[test]
fn threads_change_no_bit() {
    for seed in 0..40 {
        let mut plan = plan_of(seed, Features(Features::ALL));
        plan.simulation.paths = 500;
        let one = simulated(&plan, 1);
        for threads in [2, 3, 7, 16] {
            let many = simulated(&plan, threads);
            for column in 0..one.columns() {
                let bits = |table: &OutcomeTable| -> Vec<u64> {
                    table.values_at(column).map(f64::to_bits).collect()
                };
                assert_eq!(
                    bits(&one),
                    bits(&many),
                    "plan {seed}, {threads} threads, column {column}"
                );
            }
        }
    }
}

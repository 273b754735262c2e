//! Reverse stress against the formulas of liquidation prices, and against sums that can be done by hand.

use std::sync::atomic::AtomicBool;

use hedgesim::hedge::glance::glance;
use hedgesim::plan::types::{ContractSettlement, Plan, SettlementCurrency};
use hedgesim::stress::reverse::{Reverse, reverse};

use crate::common::small_plan::small_plan;
use crate::shipped;

fn reversed(plan: &Plan, lose_usd: Option<f64>) -> Reverse {
    reverse(plan, lose_usd, &[-0.05, 0.0, 0.05], &AtomicBool::new(false)).expect("not interrupted")
}

/// Within 1e-9 of the price moved to.
#[track_caller]
fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a move");
    assert!(
        (found - expected).abs() <= 1e-9 * (1.0 + expected),
        "{found} is not {expected}"
    );
}

/// The nearest level that `check` shows, as a move of its mark.
fn shown(plan: &Plan) -> f64 {
    let distances = glance(plan)
        .into_iter()
        .filter_map(|hedge| hedge.distance_frac);
    distances
        .min_by(|a, b| a.abs().total_cmp(&b.abs()))
        .expect("a level")
}

/// Linear in brackets, coin-margined with and without leverage, options beside a perpetual, a dated future, a hedge on another coin.
#[test]
fn the_smallest_move_is_the_distance_to_the_liquidation_price() {
    for name in [
        "eth-treasury-90d",
        "btc-squeeze-25x",
        "btc-basic-30d",
        "btc-coin-margined",
        "eth-futures-and-calls",
        "btc-perp-or-quarter-90d",
        "token-cross-beta",
        "miner-weekly-sales-roll",
    ] {
        let plan = shipped(name);
        near(reversed(&plan, None).liquidating_move_frac, shown(&plan));
    }
}

#[test]
fn it_is_so_whatever_the_collateral_and_whichever_way_the_contract_settles() {
    for collateral_usd in [120.0, 200.0, 500.0, 950.0] {
        let mut plan = small_plan(10);
        plan.accounts[0].collateral_usd = collateral_usd;
        let linear = (1_000.0 + collateral_usd) / 1_100.0 - 1.0;
        near(reversed(&plan, None).liquidating_move_frac, linear);
        // The same in coins: n (1/F - 1/100) + collateral / 100 meets 10 % of n / F, n = 1,000.
        plan.market.contracts[0].settlement = ContractSettlement::Inverse;
        plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
        let inverse = 0.9 / (1.0 - collateral_usd / 1_000.0) - 1.0;
        near(shown(&plan).into(), inverse);
        near(reversed(&plan, None).liquidating_move_frac, inverse);
    }
}

/// A rise of the basis is as good as one of spot.
#[test]
fn spot_and_basis_share_the_way_to_the_level() {
    for name in ["eth-treasury-90d", "miner-weekly-sales-roll"] {
        let found = reversed(&shipped(name), None);
        let level = 1.0 + found.liquidating_move_frac.expect("a level");
        for point in &found.spot_and_basis {
            near(
                point.liquidating.up,
                level * (-point.basis_move).exp() - 1.0,
            );
        }
    }
}

#[test]
fn the_smallest_move_that_loses_is_what_the_coins_lose() {
    let mut plan = small_plan(10);
    plan.hedges[0].hedge_ratio = 0.0;
    let found = reversed(&plan, Some(150.0));
    near(found.losing_move_frac, -0.15);
    assert_eq!(found.liquidating_move_frac, None);
    assert_eq!(found.by_asset[0].losing.up, None);
    // A tenth of what is held, where nobody says how much.
    near(reversed(&plan, None).losing_move_frac, -0.1);
    // Half hedged loses half as fast on the way down, and on the way up not at all.
    plan.hedges[0].hedge_ratio = 0.5;
    near(reversed(&plan, Some(150.0)).losing_move_frac, -0.3);
    assert_eq!(reversed(&plan, Some(150.0)).by_asset[0].losing.up, None);
    // Fully hedged nothing is lost, and liquidated at the level neither: the coins have made it.
    plan.hedges[0].hedge_ratio = 1.0;
    assert_eq!(reversed(&plan, Some(150.0)).losing_move_frac, None);
    // Twice hedged a rise loses 10 USD a point, until the account is liquidated at (2,000 + 200) / 22 = 100: at once.
    plan.hedges[0].hedge_ratio = 2.0;
    plan.accounts[0].collateral_usd = 1_000.0;
    near(reversed(&plan, Some(150.0)).losing_move_frac, 0.15);
}

/// Coins that move alone, and all of them together.
#[test]
fn a_hedge_on_another_coin_loses_when_one_of_them_moves_alone() {
    let plan = shipped("token-cross-beta");
    let found = reversed(&plan, None);
    let names: Vec<&str> = found.by_asset.iter().map(|m| m.moves.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(names[2], "all");
    let token = &found.by_asset[names.iter().position(|n| *n == "TKN").expect("the token")];
    let all = &found.by_asset[2];
    // The account holds bitcoin alone.
    assert_eq!(token.liquidating.up, None);
    // A fall of the token alone is not made up for.
    let alone = token.losing.down.expect("a move");
    assert!(all.losing.down.is_none_or(|together| together < alone));
}

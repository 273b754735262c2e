//! Reverse stress against the formulas of liquidation prices, and against sums that can be done by hand.

use std::sync::atomic::AtomicBool;

use hedgesim::hedge::glance::glance;
use hedgesim::plan::types::{
    ContractSettlement, Plan, ProductionPlan, Rebalance, SettlementCurrency,
};
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
pub(crate) fn shown(plan: &Plan) -> f64 {
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

/// Bands and dates that would trade after the move do not: the venue closes what there was at the move.
#[test]
fn nothing_trades_after_the_move_whatever_the_rule() {
    let rules = [
        Rebalance::Every { steps: 1 },
        Rebalance::Band { width: 0.01 },
        Rebalance::DeltaBand { width: 0.01 },
    ];
    for collateral_usd in [120.0, 200.0, 500.0] {
        let mut plan = small_plan(10);
        plan.accounts[0].collateral_usd = collateral_usd;
        plan.market.contracts[0].settlement = ContractSettlement::Inverse;
        plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
        let inverse = 0.9 / (1.0 - collateral_usd / 1_000.0) - 1.0;
        for rule in rules {
            plan.hedges[0].rebalance = rule;
            near(reversed(&plan, None).liquidating_move_frac, inverse);
        }
    }
    // Moves that lose, of each coin alone and of all, beside every basis too: the same as if nobody ever rebalanced.
    for name in ["token-cross-beta", "btc-coin-margined", "eth-treasury-90d"] {
        let mut plan = shipped(name);
        plan.hedges[0].rebalance = Rebalance::Never;
        // Costs of trades are part of a loss.
        plan.execution_slippage_frac = 5e-3;
        let never = reversed(&plan, Some(2e6));
        for rule in rules {
            plan.hedges[0].rebalance = rule;
            assert_eq!(reversed(&plan, Some(2e6)), never, "{name} {rule:?}");
        }
    }
    let mut options = shipped("eth-futures-and-calls");
    for hedge in &mut options.hedges {
        if options.market.contracts[hedge.contract].option().is_none() {
            hedge.rebalance = Rebalance::DeltaBand { width: 0.01 };
        }
    }
    near(
        reversed(&options, None).liquidating_move_frac,
        shown(&options),
    );
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

/// 10 ETH at 100 USD, a linear short of `h` of them: `1000 m - h (1000 (1 + m) e^b - 1000) = -150`.
#[test]
fn spot_and_basis_lose_together_what_the_formula_says() {
    for ratio in [0.25, 0.5, 0.75] {
        let mut plan = small_plan(10);
        plan.hedges[0].hedge_ratio = ratio;
        // So much that nothing is liquidated on the way.
        plan.accounts[0].collateral_usd = 1e9;
        let found = reversed(&plan, Some(150.0));
        for point in &found.spot_and_basis {
            let mark: f64 = point.basis_move.exp();
            let expected = (ratio * (mark - 1.0) - 0.15) / (1.0 - ratio * mark);
            near(point.losing.down, expected);
            assert_eq!(point.losing.up, None);
        }
        assert_eq!(found.spot_and_basis[1].losing, found.by_asset[0].losing);
    }
    // A basis that loses the amount on its own leaves no room.
    let mut plan = small_plan(10);
    plan.accounts[0].collateral_usd = 1e9;
    let wide = reverse(&plan, Some(50.0), &[0.05], &AtomicBool::new(false)).expect("an answer");
    assert_eq!(wide.spot_and_basis[0].losing.smaller(), Some(0.0));
}

/// What is to be produced is held: a tenth of it is lost when its price falls by a tenth, whatever P&L against time 0 says.
#[test]
fn a_loss_of_production_is_against_its_value_at_the_start() {
    let mut plan = small_plan(10);
    plan.hedges[0].hedge_ratio = 0.0;
    plan.holdings[0].quantity_base = 0.0;
    for step in [3, 9] {
        plan.holdings[0].production.push(ProductionPlan {
            step,
            quantity_base: 5.0,
            cost_usd: 200.0,
        });
    }
    let found = reversed(&plan, None);
    near(found.losing_move_frac, -0.1);
    assert!((found.lose_usd - 100.0).abs() < 1e-9, "{}", found.lose_usd);
    assert!((found.lose_from_pnl_usd - 600.0).abs() < 1e-9);
    near(reversed(&plan, Some(150.0)).losing_move_frac, -0.15);
    plan.holdings[0].production.clear();
    plan.holdings[0].quantity_base = 10.0;
    assert_eq!(
        reversed(&plan, None).lose_from_pnl_usd.to_bits(),
        0.0_f64.to_bits()
    );
}

//! Cash needed: by account, at the prices of the moment, and exactly what saves the hedge; and what a shock to a basis or to funding is.

use std::sync::atomic::AtomicBool;

use hedgesim::plan::types::{
    CoinCollateral, ContractKind, ContractSettlement, Crossing, DatedPlan, Expiry, FundingPlan,
    OuBasis, Plan, Position, SettlementCurrency,
};
use hedgesim::stress::coins::CoinMap;
use hedgesim::stress::episode::select;
use hedgesim::stress::history::play_episode;
use hedgesim::stress::hypothetical::{Shock, hypothetical};
use hedgesim::stress::moments::Moment;
use hedgesim::stress::outcome::StressOutcome;
use hedgesim::stress::reverse::reverse;
use hedgesim::stress::settings::Settings;

use crate::common::small_plan::small_plan;

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// Funding of a day, by the premium.
const FUNDING: FundingPlan = FundingPlan::PremiumFormula {
    interest_per_8h: 1e-4,
    damper_per_8h: 5e-4,
    cap_per_8h: 3e-3,
    interval_hours: 24.0,
    interval_steps: 1,
};

/// What a move of spot and basis at once does.
fn at_once(plan: &Plan, spot_move: f64, basis_move: f64) -> StressOutcome {
    let settings = Settings {
        spot_moves: vec![spot_move],
        basis_moves: vec![basis_move],
        ..Settings::default()
    };
    let (mut shocks, _) = hypothetical(plan, &settings, &AtomicBool::new(false)).expect("played");
    shocks.remove(0).outcome
}

/// An episode at the start.
fn at_start(plan: &Plan, name: &str) -> StressOutcome {
    let map = CoinMap::try_new(plan, &[]).expect("a map");
    let episode = select(&[name.to_owned()]).expect("an episode")[0];
    let stop = AtomicBool::new(false);
    let result = play_episode(plan, episode, &map, &[Moment::START], &stop);
    result.expect("played").at_start
}

/// Two accounts with half of the hedge each.
fn in_two_accounts() -> Plan {
    let mut plan = small_plan(10);
    plan.hedges[0].hedge_ratio = 0.5;
    plan.hedges[0].coverage_frac = 0.5;
    let mut account = plan.accounts[0].clone();
    "other".clone_into(&mut account.name);
    account.collateral_usd = 10_000.0;
    plan.accounts.push(account);
    let mut hedge = plan.hedges[0];
    hedge.account = 1;
    plan.hedges.push(hedge);
    plan
}

/// Money in one account cannot save the other.
#[test]
fn cash_is_needed_by_account() {
    let plan = in_two_accounts();
    let outcome = at_once(&plan, 0.3, 0.0);
    assert!(outcome.liquidated);
    // 5 ETH at 130: a tenth of 650, and a loss of 150, on 200.
    near(outcome.cash_needed_usd, 65.0 + 150.0 - 200.0);
    let outcome = at_start(&plan, "2024-11");
    assert!(outcome.liquidated && outcome.cash_needed_usd > 0.0);
}

/// Coins rise with what they are to cover.
#[test]
fn coins_count_at_the_prices_of_the_moment() {
    for (coins, lacked_usd) in [(6.0, 0.0), (5.0, 80.0)] {
        let mut plan = small_plan(10);
        plan.accounts[0].collateral_usd = 0.0;
        plan.accounts[0].coins.push(CoinCollateral {
            asset: 0,
            quantity_base: coins,
            haircut_frac: 0.0,
            holding: None,
        });
        // 10 ETH at 180: a tenth of 1,800, and a loss of 800.
        let outcome = at_once(&plan, 0.8, 0.0);
        assert_eq!(outcome.liquidated, lacked_usd > 0.0);
        near(outcome.cash_needed_usd, lacked_usd);
    }
    let mut plan = small_plan(10);
    plan.market.contracts[0].settlement = ContractSettlement::Inverse;
    plan.accounts[0].settlement = SettlementCurrency::Coin { asset: 0 };
    let outcome = at_once(&plan, 0.3, 0.0);
    // 1,000 USD short: a margin of 100 USD and a loss of 1,000 (1/100 - 1/130) coins, at 130, on 2 coins.
    assert!(outcome.liquidated);
    near(outcome.cash_needed_usd, 100.0 + 300.0 - 260.0);
}

/// Who is liquidated needs cash, and that much saves the hedge: a cent more does, a cent less does not.
#[test]
fn the_cash_that_is_needed_saves_the_hedge() {
    let mut liquidated = 0;
    for name in [
        "2019-10", "2021-01", "2021-02", "2021-07", "2022-06", "2023-03", "2024-11",
    ] {
        for crossing in [Crossing::Endpoints, Crossing::Bridge] {
            for (ratio, collateral_usd) in [(1.0, 200.0), (0.7, 90.0), (1.3, 260.0)] {
                let mut plan = small_plan(14);
                plan.simulation.crossing = crossing;
                plan.hedges[0].hedge_ratio = ratio;
                plan.accounts[0].collateral_usd = collateral_usd;
                plan.market.contracts[0].kind = ContractKind::Perpetual {
                    basis: OuBasis::NONE,
                    funding: FUNDING,
                };
                let outcome = at_start(&plan, name);
                let needed_usd = outcome.cash_needed_usd;
                assert_eq!(outcome.liquidated, needed_usd > 0.0, "{name} {outcome:?}");
                if outcome.liquidated {
                    liquidated += 1;
                    plan.accounts[0].collateral_usd = collateral_usd + needed_usd + 0.01;
                    assert!(!at_start(&plan, name).liquidated, "{name} {crossing:?}");
                    plan.accounts[0].collateral_usd = collateral_usd + needed_usd - 0.01;
                    assert!(at_start(&plan, name).liquidated, "{name} {crossing:?}");
                }
            }
        }
    }
    assert!(liquidated >= 20, "{liquidated}");
}

/// A liquidation in an episode is as dear as its trades: twice the slippage in 2024-11.
#[test]
fn an_episode_makes_liquidations_dearer_too() {
    let mut plan = small_plan(10);
    plan.accounts[0].liquidation_slippage_frac = 0.01;
    let outcome = at_start(&plan, "2024-11");
    let fill_usd =
        100.0 + 0.1 * (464.0 - (outcome.hedged_pnl_usd - outcome.component("liquidation_usd")));
    near(
        outcome.component("liquidation_usd"),
        -0.02 * 10.0 * fill_usd,
    );
}

/// Ten days before the expiry the moves of `ln(F/S)` are what was asked, in both tables.
#[test]
fn a_basis_moves_by_what_was_asked_also_near_the_expiry() {
    let mut plan = small_plan(10);
    let years = 10.0 * plan.simulation.step_years();
    plan.market.contracts[0].kind = ContractKind::Dated(DatedPlan {
        carry: OuBasis::NONE,
        slope_per_year: 0.0,
        expiries: vec![Expiry {
            years,
            step: 10,
            roll_step: None,
        }],
    });
    let found = reverse(&plan, None, &[0.08], &AtomicBool::new(false)).expect("played");
    let level = found.spot_and_basis[0].liquidating.up.expect("a level");
    assert!(
        (level - (1.2 / 1.1 * (-0.08_f64).exp() - 1.0)).abs() < 1e-9,
        "{level}"
    );
    assert!(!at_once(&plan, level - 1e-6, 0.08).liquidated);
    assert!(at_once(&plan, level + 1e-6, 0.08).liquidated);
}

/// A short of 8 ETH and a long of 3 on one contract, in two accounts.
#[test]
fn funding_goes_against_the_larger_side_for_as_long_as_there_is() {
    let mut plan = in_two_accounts();
    for (hedge, (ratio, position)) in plan
        .hedges
        .iter_mut()
        .zip([(0.8, Position::Short), (0.3, Position::Long)])
    {
        hedge.hedge_ratio = ratio;
        hedge.coverage_frac = ratio;
        hedge.position = position;
    }
    plan.market.contracts[0].kind = ContractKind::Perpetual {
        basis: OuBasis::NONE,
        funding: FUNDING,
    };
    let stop = AtomicBool::new(false);
    let (shocks, _) = hypothetical(&plan, &Settings::default(), &stop).expect("played");
    let is_funding = |shock: &Shock| matches!(shock, Shock::Funding { .. });
    let found = shocks.iter().find(|shocked| is_funding(&shocked.shock));
    let found = found.expect("funding");
    let Shock::Funding { rate_per_8h, days } = found.shock else {
        unreachable!()
    };
    near(rate_per_8h, 3e-3);
    near(days, 10.0);
    near(found.outcome.component("funding_usd"), -10.0 * 9e-3 * 500.0);
}

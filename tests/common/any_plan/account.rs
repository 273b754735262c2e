//! Random accounts with their hedges: currencies, coins, reserves, sources, windows, margin policies.

use hedgesim::plan::types::{
    AccountPlan, AfterLiquidation, CallAction, CoinCollateral, FundingSource, HoldingPlan,
    MarginCallPlan, MarginMode, Plan, SettlementCurrency,
};
use hedgesim::venue::rules::Remainder;

use super::hedge::{Seat, add_hedge};
use super::{Dice, Features};

/// Adds accounts, contracts and hedges to a plan that has a market and holdings.
pub fn add_programme(plan: &mut Plan, dice: &mut Dice, features: Features) {
    let hedges = if features.on(Features::MANY, true) {
        dice.between(1, 4)
    } else {
        1
    };
    let accounts = dice.between(1, hedges.min(3)) as usize;
    let mut owners: Vec<usize> = (0..accounts).collect();
    while owners.len() < hedges as usize {
        owners.push(dice.index(accounts));
    }
    let mut free_base: Vec<f64> = plan.holdings.iter().map(never_sold_base).collect();
    for a in 0..accounts {
        let asset = dice.index(plan.market.assets.len());
        let settlement = if features.on(Features::INVERSE, dice.chance(0.45)) {
            SettlementCurrency::Coin { asset }
        } else {
            SettlementCurrency::Usd
        };
        let legs = owners.iter().filter(|&&owner| owner == a).count();
        let mode = if legs == 1 && dice.chance(0.5) {
            MarginMode::Isolated
        } else {
            MarginMode::Cross
        };
        let forfeits = features.on(Features::FORFEITS, dice.chance(0.4));
        let seat = Seat {
            account: a,
            settlement,
            remainder: if forfeits {
                Remainder::Forfeited
            } else {
                Remainder::Returned
            },
        };
        let needs: Vec<(f64, f64)> = (0..legs)
            .map(|_| add_hedge(plan, seat, dice, features))
            .collect();
        // What the venue asks at time 0, and a scale that is not 0.
        let asked_usd: f64 = needs.iter().map(|need| need.0).sum();
        let scale_usd: f64 = needs.iter().map(|need| need.1).sum();
        let mut account = any_account(plan, dice, features, scale_usd.max(asked_usd));
        account.name = format!("account-{a}");
        (*dice.pick(&["one", "other"])).clone_into(&mut account.venue);
        account.settlement = settlement;
        account.mode = mode;
        let coins = if features.on(Features::COINS, true) {
            any_coins(plan, settlement, scale_usd, &mut free_base, dice)
        } else {
            Vec::new()
        };
        let counted_usd: f64 = coins
            .iter()
            .map(|coin| {
                let spot_usd = plan.market.assets[coin.asset].spot_usd;
                coin.quantity_base * spot_usd * (1.0 - coin.haircut_frac)
            })
            .sum();
        let extra = match dice.between(0, 3) {
            0 => 0.0,
            1 => dice.range(0.0, 0.5),
            _ => dice.range(0.2, 3.0),
        };
        account.collateral_usd =
            (asked_usd * (1.0 + 1e-9) - counted_usd).max(0.0) + extra * scale_usd;
        account.coins = coins;
        plan.accounts.push(account);
    }
}

/// Coins of a holding that its plan keeps until the horizon.
fn never_sold_base(holding: &HoldingPlan) -> f64 {
    let sold: f64 = holding.sales.iter().map(|sale| sale.quantity_base).sum();
    (holding.quantity_base - sold).max(0.0)
}

fn any_coins(
    plan: &Plan,
    settlement: SettlementCurrency,
    scale_usd: f64,
    free_base: &mut [f64],
    dice: &mut Dice,
) -> Vec<CoinCollateral> {
    let mut coins = Vec::new();
    let (has_bought, has_own) = (dice.chance(0.35), dice.chance(0.45));
    let bought_asset = match settlement {
        SettlementCurrency::Usd => dice.index(plan.market.assets.len()),
        SettlementCurrency::Coin { asset } => asset,
    };
    let haircut_frac = match settlement {
        SettlementCurrency::Usd => dice.range(0.0, 0.3),
        SettlementCurrency::Coin { .. } => 0.0,
    };
    let spot_usd = plan.market.assets[bought_asset].spot_usd;
    let bought_base = scale_usd * dice.range(0.05, 1.0) / spot_usd;
    if has_bought {
        coins.push(CoinCollateral {
            asset: bought_asset,
            quantity_base: bought_base,
            holding: None,
            haircut_frac,
        });
    }
    let holding = dice.index(plan.holdings.len());
    let asset = plan.holdings[holding].asset;
    let fits = match settlement {
        SettlementCurrency::Usd => true,
        SettlementCurrency::Coin { asset: own } => own == asset,
    };
    let posted_base = free_base[holding] * dice.range(0.1, 1.0);
    if has_own && fits && posted_base > 0.0 {
        free_base[holding] -= posted_base;
        coins.push(CoinCollateral {
            asset,
            quantity_base: posted_base,
            holding: Some(holding),
            haircut_frac,
        });
    }
    coins
}

/// An account but its name, currency, collateral and coins.
fn any_account(plan: &Plan, dice: &mut Dice, features: Features, scale_usd: f64) -> AccountPlan {
    let steps = plan.simulation.steps;
    let after_steps = dice.between(0, steps / 2);
    let reenters = features.on(Features::REENTRY, dice.chance(0.6));
    let reserve_usd = scale_usd * dice.zero_or(0.0, 3.0);
    let slippage_frac = dice.zero_or(0.0, 0.02);
    AccountPlan {
        name: String::new(),
        venue: String::new(),
        settlement: SettlementCurrency::Usd,
        mode: MarginMode::Cross,
        collateral_usd: 0.0,
        coins: Vec::new(),
        reserve_usd,
        sources: any_sources(plan, dice, features, scale_usd),
        leaves_at: any_windows(steps, dice, features),
        margin_call: any_margin_call(dice, features, scale_usd),
        liquidation_slippage_frac: slippage_frac,
        after_liquidation: if reenters {
            AfterLiquidation::Reenter { after_steps }
        } else {
            AfterLiquidation::StayFlat
        },
    }
}

/// One to three sources in any order; the reserve alone where nothing else is on.
fn any_sources(
    plan: &Plan,
    dice: &mut Dice,
    features: Features,
    scale_usd: f64,
) -> Vec<FundingSource> {
    let mut sources = vec![
        FundingSource::Reserve,
        FundingSource::CreditLine {
            limit_usd: scale_usd * dice.range(0.05, 1.0),
            rate_annual: dice.range(0.0, 0.5),
        },
        FundingSource::Inventory {
            holding: dice.index(plan.holdings.len()),
            cost_frac: dice.zero_or(0.0, 0.02),
        },
    ];
    let (first, second) = (dice.index(3), dice.index(3));
    let kept = dice.between(1, 3) as usize;
    if !features.on(Features::SOURCES, true) {
        return vec![FundingSource::Reserve];
    }
    sources.swap(0, first);
    sources.swap(1, second);
    sources.truncate(kept);
    sources
}

/// Every few steps some are closed; what is asked for then waits.
fn any_windows(steps: u32, dice: &mut Dice, features: Features) -> Option<Vec<u32>> {
    let period = dice.between(2, 8);
    let closed = dice.between(1, period - 1);
    let has_windows = features.on(Features::WINDOWS, dice.chance(0.3));
    let is_open = |step: &u32| step % period >= closed;
    has_windows.then(|| {
        (0..=steps)
            .map(|step| (step..step + period).find(is_open).expect("it opens"))
            .collect()
    })
}

fn any_margin_call(dice: &mut Dice, features: Features, scale_usd: f64) -> Option<MarginCallPlan> {
    let level = dice.range(0.2, 0.95);
    // The language asks for a target below the level.
    let target = level
        * if dice.chance(0.2) {
            0.999
        } else {
            dice.range(0.2, 0.99)
        };
    let release = dice.chance(0.6).then(|| target * dice.range(0.1, 0.95));
    let is_deleveraged = features.on(Features::DELEVERAGE, dice.chance(0.25));
    let policy = MarginCallPlan {
        level,
        target,
        release,
        every_steps: dice.between(1, 3),
        delay_steps: dice.between(0, 3),
        action: if is_deleveraged {
            CallAction::Deleverage
        } else {
            CallAction::TopUp
        },
        minimum_transfer_usd: if dice.chance(0.3) {
            scale_usd * dice.range(0.0, 0.5)
        } else {
            0.0
        },
    };
    features
        .on(Features::CALLS, dice.chance(0.75))
        .then_some(policy)
}

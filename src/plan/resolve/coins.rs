//! The collateral of an account: USD, coins bought for it, coins of the holdings.

use crate::plan::resolve::links::unit;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::amount;
use crate::plan::types::{
    AccountPlan, CoinCollateral, HoldingPlan, MarketPlan, SettlementCurrency,
};
use crate::scenario::account::{Account, Coins};
use crate::scenario::place::Given;
use crate::scenario::units::Fraction;
use crate::scenario::whole::Scenario;

/// What is in an account at time 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Collateral {
    /// USD balance; 0 in an account kept in a coin, whose USD have bought coins.
    pub usd: f64,
    /// Coins.
    pub coins: Vec<CoinCollateral>,
}

/// Rounding that a sum of quantities may carry.
const ROUNDING: f64 = 1e-9;

/// The collateral of an account kept in a currency; `None` where a problem was noted.
pub fn collateral(
    account: &Account,
    settlement: SettlementCurrency,
    market: &MarketPlan,
    holdings: &[HoldingPlan],
    setting: &Setting<'_>,
) -> Option<Collateral> {
    let mut coins = Vec::new();
    let mut is_valid = true;
    let given = account.collateral_coins.iter().map(|coins| (coins, false));
    let posted = account
        .collateral_from_holding
        .iter()
        .map(|coins| (coins, true));
    for (Coins { asset, quantity }, is_posted) in given.chain(posted) {
        let Some(index) = setting.asset_index(asset) else {
            is_valid = false;
            continue;
        };
        if !fits(asset, index, settlement, market, setting) {
            is_valid = false;
            continue;
        }
        let holding = holdings.iter().position(|holding| holding.asset == index);
        if is_posted && holding.is_none() {
            let allowed = "an asset of [[holdings]]";
            let reason = "only what is held can be posted; bought coins are collateral_coins";
            setting
                .sink
                .push(Refusal::does_not_fit(asset, allowed, reason));
            is_valid = false;
            continue;
        }
        let haircut = account
            .haircuts
            .iter()
            .find(|(name, _)| name.value == asset.value);
        coins.push(CoinCollateral {
            asset: index,
            quantity_base: quantity.value.0,
            holding: holding.filter(|_| is_posted),
            haircut_frac: haircut.map_or(0.0, |(_, haircut)| haircut.value.0),
        });
    }
    for (name, haircut) in &account.haircuts {
        is_valid &= is_haircut_needed(name, haircut, account, settlement, setting);
    }
    let usd = account
        .collateral_usd
        .as_ref()
        .map_or(0.0, |given| given.value.0);
    let collateral = match settlement {
        SettlementCurrency::Usd => Collateral { usd, coins },
        SettlementCurrency::Coin { asset } => {
            buy(&mut coins, asset, usd / market.assets[asset].spot_usd);
            Collateral { usd: 0.0, coins }
        }
    };
    is_valid.then_some(collateral)
}

/// Adds coins that are bought for an account kept in them.
fn buy(coins: &mut Vec<CoinCollateral>, asset: usize, quantity_base: f64) {
    if quantity_base == 0.0 {
        return;
    }
    let bought = coins
        .iter_mut()
        .find(|coins| coins.asset == asset && coins.holding.is_none());
    match bought {
        Some(bought) => bought.quantity_base += quantity_base,
        None => coins.push(CoinCollateral {
            asset,
            quantity_base,
            holding: None,
            haircut_frac: 0.0,
        }),
    }
}

/// Whether coins can lie in an account; else that is noted.
fn fits(
    asset: &Given<String>,
    index: usize,
    settlement: SettlementCurrency,
    market: &MarketPlan,
    setting: &Setting<'_>,
) -> bool {
    let is_fitting = match settlement {
        SettlementCurrency::Usd => true,
        SettlementCurrency::Coin { asset } => asset == index,
    };
    if !is_fitting {
        let kept = unit(settlement, market);
        let reason = format!("the account is kept in {kept}, in which its contracts settle");
        setting
            .sink
            .push(Refusal::does_not_fit(asset, kept, reason));
    }
    is_fitting
}

/// Whether a haircut is of coins that are there and count at less than their value; else that is noted.
fn is_haircut_needed(
    name: &Given<String>,
    haircut: &Given<Fraction>,
    account: &Account,
    settlement: SettlementCurrency,
    setting: &Setting<'_>,
) -> bool {
    let is_there = account
        .collateral_coins
        .iter()
        .chain(&account.collateral_from_holding)
        .any(|coins| coins.asset.value == name.value);
    let problem = if !is_there {
        let allowed = "with coins of that asset in collateral_coins or collateral_from_holding";
        Some(Refusal::out_of_place(name, allowed, "there are none"))
    } else if settlement != SettlementCurrency::Usd && haircut.value.0 != 0.0 {
        let reason = "the account is kept in this coin";
        Some(Refusal::does_not_fit(haircut, "0", reason))
    } else {
        None
    };
    let is_needed = problem.is_none();
    if let Some(problem) = problem {
        setting.sink.push(problem);
    }
    is_needed
}

/// Whether the coins posted from each holding are there until the horizon; else that is noted.
pub fn are_posted_coins_held(
    scenario: &Scenario,
    accounts: &[AccountPlan],
    holdings: &[HoldingPlan],
    setting: &Setting<'_>,
) -> bool {
    let mut are_held = true;
    for (index, holding) in holdings.iter().enumerate() {
        let least = least_before_horizon(holding);
        let mut posted = 0.0;
        for (account, plan) in scenario.accounts.iter().zip(accounts) {
            let here = plan
                .coins
                .iter()
                .find(|coins| coins.holding == Some(index))
                .map(|coins| coins.quantity_base);
            let Some(here) = here else { continue };
            let left = (least - posted).max(0.0);
            posted += here;
            if posted <= least * (1.0 + ROUNDING) {
                continue;
            }
            are_held = false;
            let name = &scenario.holdings[index].asset.value;
            let given = account
                .collateral_from_holding
                .iter()
                .find(|coins| coins.asset.value == *name);
            if let Some(coins) = given {
                let allowed = format!(
                    "up to {} {name}, what is held until the horizon and not posted elsewhere",
                    amount(left)
                );
                let reason = "posted coins cannot be sold";
                setting
                    .sink
                    .push(Refusal::does_not_fit(&coins.quantity, allowed, reason));
            }
        }
    }
    are_held
}

/// The least inventory at any step end before the horizon, base units, without staking.
fn least_before_horizon(holding: &HoldingPlan) -> f64 {
    let mut at_hand = holding.quantity_base;
    let mut least = at_hand;
    let mut made = holding.production.iter().peekable();
    for sale in &holding.sales {
        while let Some(made) = made.next_if(|made| made.step <= sale.step) {
            at_hand += made.quantity_base;
        }
        at_hand -= sale.quantity_base;
        least = least.min(at_hand);
    }
    least.max(0.0)
}

//! One account as the general ledger sees it.

use crate::ledger::book::rules::LegRule;
use crate::market::covariance::Factor;
use crate::market::model::MarketModel;
use crate::outcome::layout::venue_of;
use crate::plan::types::{
    AccountPlan, AfterLiquidation, CallAction, FundingSource, MarginCallPlan, Plan,
    SettlementCurrency,
};
use crate::venue::rules::Remainder;

/// One account.
#[derive(Debug, Clone)]
pub(super) struct AccountRule {
    /// The coin it is kept in; `None`: USD.
    pub(super) coin: Option<usize>,
    pub(super) legs: Vec<usize>,
    /// Its coins: indices of [`BookRules::slots`].
    pub(super) slots: std::ops::Range<usize>,
    /// Its credit lines: indices of [`BookRules::credits`].
    pub(super) credits: std::ops::Range<usize>,
    pub(super) sources: Vec<FundingSource>,
    pub(super) leaves_at: Option<Vec<u32>>,
    pub(super) margin_call: Option<MarginCallPlan>,
    pub(super) liquidation_slippage_frac: f64,
    pub(super) after_liquidation: AfterLiquidation,
    pub(super) remainder: Remainder,
    /// Cash at time 0 without coins; 0 where nothing is hedged.
    pub(super) collateral_usd: f64,
    pub(super) reserve_usd: f64,
    pub(super) venue: usize,
    /// Value at time 0 before costs, coins in USD accounts and what holdings have posted aside.
    pub(super) initial_value_usd: f64,
    /// Whether it holds one future and nothing else that moves, whatever happens.
    pub(super) is_single: bool,
    /// Whether what a hedger who looks at it does may cost something: he trades, or sells inventory.
    pub(super) calls_move_wealth: bool,
    /// Covariances of its factors, the marks of its legs (an option: the spot) and the spots of its coins, by step:
    /// shape `[steps + 1][factors][factors]`. Empty if `is_single`.
    pub(super) covariances: Vec<f64>,
    pub(super) factors: usize,
}

/// Coins in an account at time 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotRule {
    pub(super) account: usize,
    pub(super) asset: usize,
    pub(super) quantity_base: f64,
    pub(super) holding: Option<usize>,
    /// Share of their value that margin counts.
    pub(super) counted_frac: f64,
}

/// One credit line.
#[derive(Debug, Clone, Copy)]
pub(super) struct CreditRule {
    pub(super) rate_per_step: f64,
}

/// Whether looking at an account may end in a trade or a sale.
fn calls_move_wealth(account: &AccountPlan) -> bool {
    let sells = |source: &FundingSource| matches!(source, FundingSource::Inventory { .. });
    let trades = |call: MarginCallPlan| matches!(call.action, CallAction::Deleverage);
    account.margin_call.is_some_and(trades) || account.sources.iter().any(sells)
}

impl AccountRule {
    /// Flattens an account of a plan; adds its coins and credit lines to those of the accounts before it.
    pub(super) fn new(
        plan: &Plan,
        index: usize,
        account: &AccountPlan,
        is_posted: bool,
        all_legs: &[LegRule],
        slots: &mut Vec<SlotRule>,
        credits: &mut Vec<CreditRule>,
    ) -> Self {
        let first_slot = slots.len();
        for coins in account.coins.iter().filter(|_| is_posted) {
            slots.push(SlotRule {
                account: index,
                asset: coins.asset,
                quantity_base: coins.quantity_base,
                holding: coins.holding,
                counted_frac: 1.0 - coins.haircut_frac,
            });
        }
        let first_credit = credits.len();
        for source in &account.sources {
            if let FundingSource::CreditLine { rate_annual, .. } = *source {
                credits.push(CreditRule {
                    rate_per_step: rate_annual * plan.simulation.step_years(),
                });
            }
        }
        let of_account = |leg: &LegRule| leg.account == index;
        let legs: Vec<usize> = (0..all_legs.len())
            .filter(|&l| of_account(&all_legs[l]))
            .collect();
        let forfeits = |&l: &usize| {
            plan.market.contracts[all_legs[l].contract].rules.remainder == Remainder::Forfeited
        };
        let remainder = if legs.iter().any(forfeits) {
            Remainder::Forfeited
        } else {
            Remainder::Returned
        };
        let coin = match account.settlement {
            SettlementCurrency::Usd => None,
            SettlementCurrency::Coin { asset } => Some(asset),
        };
        let slots = first_slot..slots.len();
        let is_single =
            legs.len() == 1 && !all_legs[legs[0]].is_option && (coin.is_some() || slots.is_empty());
        Self {
            coin,
            factors: legs.len() + if coin.is_none() { slots.len() } else { 0 },
            legs,
            slots,
            credits: first_credit..credits.len(),
            sources: account.sources.clone(),
            leaves_at: account.leaves_at.clone(),
            margin_call: account.margin_call,
            liquidation_slippage_frac: account.liquidation_slippage_frac,
            after_liquidation: account.after_liquidation,
            remainder,
            collateral_usd: if is_posted {
                account.collateral_usd
            } else {
                0.0
            },
            reserve_usd: if is_posted { account.reserve_usd } else { 0.0 },
            venue: venue_of(plan, index),
            initial_value_usd: 0.0,
            is_single,
            calls_move_wealth: calls_move_wealth(account),
            covariances: Vec::new(),
        }
    }

    /// Fills in the covariances of its factors.
    pub(super) fn set_covariances(
        &mut self,
        market: &MarketModel,
        legs: &[LegRule],
        slots: &[SlotRule],
        plan: &Plan,
    ) {
        if self.is_single {
            return;
        }
        let marks = self
            .legs
            .iter()
            .map(|&l| Factor::Mark(legs[l].contract))
            .collect::<Vec<_>>();
        let spots = self
            .slots
            .clone()
            .filter(|_| self.coin.is_none())
            .map(|s| Factor::Spot(slots[s].asset));
        let factors: Vec<Factor> = marks.into_iter().chain(spots).collect();
        for step in 0..=plan.simulation.steps as usize {
            for &a in &factors {
                for &b in &factors {
                    self.covariances.push(market.covariance(step.max(1), a, b));
                }
            }
        }
    }

    /// Covariances of the factors over `step`, shape `[factors][factors]`.
    pub(super) fn covariance(&self, step: usize) -> &[f64] {
        let size = self.factors * self.factors;
        &self.covariances[step * size..][..size]
    }

    /// Whether the hedger looks at the end of `step` (counted from 1).
    pub(super) fn is_watching(&self, step: usize) -> bool {
        self.margin_call.is_none_or(|call| {
            call.every_steps == 1 || step.is_multiple_of(call.every_steps as usize)
        })
    }
}

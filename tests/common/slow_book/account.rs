//! A margin account: balance, coins, reserve, loans, money on its way; its equity and its margin.

use hedgesim::plan::types::{AccountPlan, FundingSource, SettlementCurrency};

use super::leg::margined_notional;
use super::option::OptionNow;
use super::transfer::Transfer;
use super::{Book, Prices, Who};

/// Coins at a venue, bought or of a holding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coins {
    pub asset: usize,
    pub quantity: f64,
    pub holding: Option<usize>,
    pub haircut_frac: f64,
}

/// An account's state. Amounts in its currency unless the name says USD.
#[derive(Debug, Clone)]
pub struct Account {
    /// Without unrealised profit; of a coin account with all its coins, those of the holding too.
    pub balance: f64,
    /// Coins beside the balance of a USD account; in a coin account which of the balance are a holding's.
    pub coins: Vec<Coins>,
    pub reserve_usd: f64,
    /// What was asked of each source and has left, where it is a loan.
    pub debt_usd: Vec<f64>,
    /// Interest per year of each source, 0 where it is no loan.
    pub rates_annual: Vec<f64>,
    pub transfer: Option<Transfer>,
    /// Step of the last liquidation, while the account is flat because of it.
    pub flat_since_step: Option<u32>,
    /// Whether the next ratio at or above the level counts as a call.
    pub is_armed: bool,
    /// Cash contributed and not come back, in flight included.
    pub net_contributed_usd: f64,
    /// What was posted and not taken out, coins of a holding included.
    pub posted_usd: f64,
    pub peak_posted_usd: f64,
    pub is_liquidated: bool,
    /// Realised profit, premiums and funding less costs of the planned legs.
    pub planned_gain: f64,
    /// Whether any of its hedges is there at all.
    pub is_used: bool,
}

impl Account {
    /// An account at time 0 before any trade, its coins bought at the spot then.
    pub fn open(plan: &AccountPlan, is_used: bool, prices: &Prices) -> Self {
        let mut account = Self {
            balance: 0.0,
            coins: Vec::new(),
            reserve_usd: plan.reserve_usd,
            debt_usd: vec![0.0; plan.sources.len()],
            rates_annual: plan.sources.iter().map(rate_annual).collect(),
            transfer: None,
            flat_since_step: None,
            is_armed: true,
            net_contributed_usd: 0.0,
            posted_usd: 0.0,
            peak_posted_usd: 0.0,
            is_liquidated: false,
            planned_gain: 0.0,
            is_used,
        };
        if !is_used {
            return account;
        }
        account.net_contributed_usd = plan.collateral_usd;
        account.posted_usd = plan.collateral_usd;
        account.balance = match plan.settlement {
            SettlementCurrency::Usd => plan.collateral_usd,
            SettlementCurrency::Coin { asset } => plan.collateral_usd / prices.spot_usd[asset],
        };
        for coin in &plan.coins {
            let value_usd = coin.quantity_base * prices.spot_usd[coin.asset];
            account.posted_usd += value_usd;
            if coin.holding.is_none() {
                account.net_contributed_usd += value_usd;
            }
            let coins = Coins {
                asset: coin.asset,
                quantity: coin.quantity_base,
                holding: coin.holding,
                haircut_frac: coin.haircut_frac,
            };
            match plan.settlement {
                SettlementCurrency::Usd => account.coins.push(coins),
                SettlementCurrency::Coin { asset } => {
                    assert!(coin.asset == asset, "a coin account holds its own coin");
                    account.balance += coin.quantity_base;
                    if coin.holding.is_some() {
                        account.coins.push(coins);
                    }
                }
            }
        }
        account.peak_posted_usd = account.posted_usd;
        account
    }

    /// Coins on their way to a coin account.
    pub fn coins_in_flight(&self) -> f64 {
        self.transfer
            .as_ref()
            .map_or(0.0, |transfer| transfer.coins)
    }

    /// Coins of holdings that stand in the balance of a coin account.
    pub fn coins_of_holdings(&self) -> f64 {
        self.coins
            .iter()
            .filter(|coin| coin.holding.is_some())
            .map(|coin| coin.quantity)
            .sum()
    }

    /// What loans have given or promised.
    pub fn debt_and_promised_usd(&self) -> f64 {
        let promised_usd: f64 = self
            .transfer
            .iter()
            .map(|transfer| transfer.promised_usd.iter().sum::<f64>())
            .sum();
        self.debt_usd.iter().sum::<f64>() + promised_usd
    }
}

impl Account {
    /// Interest per year on what has been drawn.
    pub fn interest_per_year_usd(&self) -> f64 {
        let both = self.debt_usd.iter().zip(&self.rates_annual);
        both.map(|(debt_usd, rate)| debt_usd * rate).sum()
    }

    /// Posts money or coins: the largest sum is kept.
    pub fn post(&mut self, usd: f64) {
        self.posted_usd += usd;
        self.peak_posted_usd = self.peak_posted_usd.max(self.posted_usd);
    }
}

fn rate_annual(source: &FundingSource) -> f64 {
    match *source {
        FundingSource::CreditLine { rate_annual, .. } => rate_annual,
        FundingSource::Reserve | FundingSource::Inventory { .. } => 0.0,
    }
}

/// What an account has to hold, in its currency.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Margin {
    pub maintenance: f64,
    pub trigger_fee: f64,
    pub initial: f64,
}

impl Book<'_> {
    /// Hedges of an account.
    pub fn legs_of(&self, a: usize) -> Vec<usize> {
        (0..self.legs.len())
            .filter(|&h| self.legs[h].hedge.account == a)
            .collect()
    }

    pub fn is_option(&self, h: usize) -> bool {
        self.contract(h).option().is_some()
    }

    /// Whether an account has a position that needs margin: an open future or a written option.
    pub fn needs_margin(&self, a: usize, who: Who) -> bool {
        self.legs_of(a).into_iter().any(|h| {
            let size = self.legs[h].position(who).size;
            if self.is_option(h) {
                size > 0.0
            } else {
                size != 0.0
            }
        })
    }

    /// Unrealised profit of futures and value of options, in the account's currency.
    pub fn unrealised(&self, a: usize, prices: &Prices) -> f64 {
        self.unrealised_of(a, Who::Actual, prices)
    }

    pub fn unrealised_of(&self, a: usize, who: Who, prices: &Prices) -> f64 {
        self.legs_of(a)
            .into_iter()
            .map(|h| self.legs[h].unrealised(self.contract(h), who, prices))
            .sum()
    }

    /// Value of the coins beside a USD account's balance after haircuts.
    pub fn coins_for_margin_usd(&self, a: usize, prices: &Prices) -> f64 {
        match self.plan.accounts[a].settlement {
            SettlementCurrency::Coin { .. } => 0.0,
            SettlementCurrency::Usd => self.accounts[a]
                .coins
                .iter()
                .map(|coin| coin.quantity * prices.spot_usd[coin.asset] * (1.0 - coin.haircut_frac))
                .sum(),
        }
    }

    /// Equity in the account's currency.
    pub fn equity(&self, a: usize, prices: &Prices) -> f64 {
        self.accounts[a].balance + self.coins_for_margin_usd(a, prices) + self.unrealised(a, prices)
    }

    /// Margin of all legs.
    pub fn margin(&self, a: usize, who: Who, prices: &Prices) -> Margin {
        let mut sum = Margin::default();
        for h in self.legs_of(a) {
            let own = self.margin_of_leg(h, self.legs[h].position(who), prices);
            sum.maintenance += own.maintenance;
            sum.trigger_fee += own.trigger_fee;
            sum.initial += own.initial;
        }
        sum
    }

    /// Margin of one leg if it had this position.
    pub fn margin_of_leg(
        &self,
        h: usize,
        position: &super::leg::Position,
        prices: &Prices,
    ) -> Margin {
        let contract = self.contract(h);
        if position.size == 0.0 {
            return Margin::default();
        }
        if contract.option().is_some() {
            let now = OptionNow::new(contract, prices);
            let written = position.size.max(0.0);
            return Margin {
                maintenance: written * now.maintenance_margin(),
                trigger_fee: 0.0,
                initial: written * now.initial_margin(),
            };
        }
        let mark_usd = prices.mark_usd[self.legs[h].contract];
        let notional = margined_notional(contract, position, mark_usd);
        Margin {
            maintenance: contract.rules.maintenance_margin_usd(notional),
            trigger_fee: contract.rules.trigger_fee_frac() * notional,
            initial: contract.rules.initial_margin_usd(notional),
        }
    }

    /// What is left before liquidation: equity less maintenance margin and the fee that the trigger counts.
    pub fn room(&self, a: usize, prices: &Prices) -> f64 {
        let margin = self.margin(a, Who::Actual, prices);
        self.equity(a, prices) - margin.maintenance - margin.trigger_fee
    }
}

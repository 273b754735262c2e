//! Section 6: the venue closes an account; and what it returns.

use hedgesim::plan::types::SettlementCurrency;
use hedgesim::venue::rules::Remainder;

use super::leg::{Position, traded_notional};
use super::option::OptionNow;
use super::{Book, Prices, Who};

/// What is left of an account's coins after a loss was paid.
struct Left {
    /// In the account's currency, without coins of holdings.
    money: f64,
    /// Coins that were bought and lie beside the balance, at the step's end spot, USD.
    bought_usd: f64,
    /// What nobody at the venue could be made to pay, in the account's currency.
    unpaid: f64,
}

impl Book<'_> {
    /// Closes every leg of an account at the fill's prices: futures with slippage and fee, options at their value.
    pub fn liquidate(&mut self, a: usize, fill: &Prices) {
        let currency_usd = self.currency_usd(a, &self.end);
        let equity = self.equity(a, fill);
        let maintenance = self.margin(a, Who::Actual, fill).maintenance;
        self.see_equity(equity * currency_usd, equity, maintenance);
        self.tell(&format!(
            "account {a}: liquidated, equity {equity}, {fill:?}"
        ));

        let mut closed: Vec<(usize, f64)> = Vec::new();
        for h in self.legs_of(a) {
            let contract = self.contract(h);
            let position = self.legs[h].actual;
            if position.size == 0.0 {
                continue;
            }
            let notional = if contract.option().is_some() {
                position.size.abs() * fill.spot_usd[contract.underlying]
                    / self.option_currency_usd(h, fill)
            } else {
                let mark_usd = fill.mark_usd[self.legs[h].contract];
                traded_notional(contract.settlement, position.size, mark_usd)
            };
            closed.push((h, notional));
            let leg = &self.legs[h];
            let profit = leg.profit(contract, position.size, &self.start, fill);
            let brought = leg.unrealised(contract, Who::Actual, fill);
            self.legs[h].profit_to_fill = Some(profit);
            self.receive(h, Who::Actual, brought);
            self.legs[h].actual = Position::FLAT;
            if !self.is_option(h) {
                self.charge_liquidation(h, notional);
            }
        }
        self.settle(a, self.remainder_of(a), &closed);

        let account = &mut self.accounts[a];
        account.flat_since_step = Some(self.step);
        account.is_liquidated = true;
        if let Some(transfer) = &mut account.transfer {
            transfer.is_too_late = true;
        }
        self.add("liquidations", 1.0);
        let day = f64::from(self.step) * self.plan.simulation.step_days;
        self.record.liquidation_day.get_or_insert(day);
    }

    fn option_currency_usd(&self, h: usize, prices: &Prices) -> f64 {
        self.currency_usd(self.legs[h].hedge.account, prices)
    }

    /// Slippage on the notional, then the liquidation fee on the worsened notional.
    fn charge_liquidation(&mut self, h: usize, notional: f64) {
        let slippage = self.liquidation_slippage(h, notional);
        let fee = self.contract(h).rules.liquidation_fee_frac * (notional + slippage);
        self.receive(h, Who::Actual, -slippage - fee);
        let cost_usd = (slippage + fee) * self.currency_usd(self.legs[h].hedge.account, &self.end);
        self.add("liquidation_usd", -cost_usd);
        self.legs[h].pnl_usd -= cost_usd;
    }

    /// All of it is forfeited if one contract says so that a hedge of the account is in or may switch into.
    fn remainder_of(&self, a: usize) -> Remainder {
        let contracts = self.legs_of(a).into_iter().flat_map(|h| {
            let hedge = &self.legs[h].hedge;
            [Some(hedge.contract), hedge.switch.map(|switch| switch.to)]
        });
        let rules = |c: usize| &self.plan.market.contracts[c].rules;
        if contracts
            .flatten()
            .any(|c| rules(c).remainder == Remainder::Forfeited)
        {
            Remainder::Forfeited
        } else {
            Remainder::Returned
        }
    }

    /// After all is closed: losses are paid, the remainder is returned or forfeited, the rest is the insurance fund's.
    fn settle(&mut self, a: usize, remainder: Remainder, closed: &[(usize, f64)]) {
        let currency_usd = self.currency_usd(a, &self.end);
        let left = self.pay_losses(a);
        let bankruptcy_usd = left.unpaid * currency_usd;
        self.add("bankruptcy_loss_usd", bankruptcy_usd);
        let money_usd = left.money * currency_usd + left.bought_usd;
        let mut coins_usd = 0.0;
        let coins = std::mem::take(&mut self.accounts[a].coins);
        for coin in coins.iter().filter(|coin| coin.holding.is_some()) {
            let j = coin.holding.expect("of a holding");
            let value_usd = coin.quantity * self.end.spot_usd[coin.asset];
            coins_usd += value_usd;
            if remainder == Remainder::Forfeited {
                self.holdings[j].lost_base += coin.quantity;
            }
        }
        self.accounts[a].balance = 0.0;
        let forfeited_usd = match remainder {
            Remainder::Returned => {
                self.accounts[a].posted_usd -= money_usd + coins_usd;
                self.money_comes_back(a, money_usd);
                0.0
            }
            Remainder::Forfeited => money_usd + coins_usd,
        };
        self.add("liquidation_usd", bankruptcy_usd - forfeited_usd);
        self.share_among_legs(closed, bankruptcy_usd - forfeited_usd);
    }

    /// What concerns the whole account is shared by the notionals that were closed.
    pub fn share_among_legs(&mut self, closed: &[(usize, f64)], usd: f64) {
        let whole: f64 = closed.iter().map(|(_, notional)| notional).sum();
        for &(h, notional) in closed {
            if whole > 0.0 {
                self.legs[h].pnl_usd += usd * notional / whole;
            }
        }
    }

    /// Pays a negative balance from coins at the step's end spot, bought ones before those of holdings, in the order
    /// of the plan; and takes bought coins and coins of holdings apart.
    fn pay_losses(&mut self, a: usize) -> Left {
        match self.plan.accounts[a].settlement {
            SettlementCurrency::Usd => self.pay_losses_in_usd(a),
            SettlementCurrency::Coin { .. } => self.pay_losses_in_coin(a),
        }
    }

    fn pay_losses_in_usd(&mut self, a: usize) -> Left {
        let mut owed_usd = (-self.accounts[a].balance).max(0.0);
        for is_of_a_holding in [false, true] {
            for k in 0..self.accounts[a].coins.len() {
                let coin = self.accounts[a].coins[k];
                if coin.holding.is_some() != is_of_a_holding {
                    continue;
                }
                let spot_usd = self.end.spot_usd[coin.asset];
                let sold = (owed_usd / spot_usd).min(coin.quantity);
                owed_usd = (owed_usd - sold * spot_usd).max(0.0);
                self.accounts[a].coins[k].quantity -= sold;
                if let Some(j) = coin.holding {
                    self.holdings[j].lost_base += sold;
                }
            }
        }
        let bought = self.accounts[a]
            .coins
            .iter()
            .filter(|coin| coin.holding.is_none());
        Left {
            money: self.accounts[a].balance.max(0.0),
            bought_usd: bought
                .map(|coin| coin.quantity * self.end.spot_usd[coin.asset])
                .sum(),
            unpaid: owed_usd,
        }
    }

    fn pay_losses_in_coin(&mut self, a: usize) -> Left {
        let balance = self.accounts[a].balance;
        let of_holdings = self.accounts[a].coins_of_holdings();
        let mut missing = (of_holdings - balance.max(0.0)).max(0.0);
        for coin in &mut self.accounts[a].coins {
            let lost = missing.min(coin.quantity);
            coin.quantity -= lost;
            missing -= lost;
            let j = coin.holding.expect("only coins of holdings are listed");
            self.holdings[j].lost_base += lost;
        }
        Left {
            money: (balance - of_holdings).max(0.0),
            bought_usd: 0.0,
            unpaid: (-balance).max(0.0),
        }
    }

    /// At the horizon, after all is closed: an account that owes pays from its coins, the insurance fund the rest.
    pub fn settle_debts_at_the_horizon(&mut self, a: usize, closed: &[(usize, f64)]) {
        if self.accounts[a].balance >= 0.0 {
            return;
        }
        let unpaid = match self.plan.accounts[a].settlement {
            SettlementCurrency::Usd => {
                let owed_usd = -self.accounts[a].balance;
                let left = self.pay_losses_in_usd(a);
                self.accounts[a].balance += owed_usd;
                left.unpaid
            }
            SettlementCurrency::Coin { .. } => {
                let unpaid = -self.accounts[a].balance;
                self.accounts[a].balance = 0.0;
                unpaid
            }
        };
        let unpaid_usd = unpaid * self.currency_usd(a, &self.end);
        if unpaid_usd > 0.0 {
            self.add("bankruptcy_loss_usd", unpaid_usd);
            self.add("liquidation_usd", unpaid_usd);
            self.share_among_legs(closed, unpaid_usd);
            self.tell(&format!(
                "account {a}: insurance fund bears {unpaid_usd} at the horizon"
            ));
        }
    }

    /// Delta of an option leg's planned size in base units of its underlying, above 0 where it shortens.
    pub fn planned_delta_base(&self, h: usize) -> f64 {
        let now = OptionNow::new(self.contract(h), &self.end);
        self.legs[h].planned.size * now.delta()
    }
}

//! Time 0, what the market does to the planned legs, the horizon, and wealth.

use hedgesim::engine::tape::Tape;
use hedgesim::plan::types::{ContractSettlement, Plan, SettlementCurrency};

use super::account::Account;
use super::holding::Holding;
use super::leg::{Leg, Position, traded_notional};
use super::order::Purpose;
use super::record::Record;
use super::{Book, Draws, Prices, SlowRow, Who};

impl<'a> Book<'a> {
    /// The state at time 0, after the hedges were opened or, if they are on already, adjusted.
    pub fn open(plan: &'a Plan, tape: &'a Tape, draws: Draws<'a>) -> Self {
        let nothing = Prices {
            spot_usd: Vec::new(),
            mark_usd: Vec::new(),
            years: 0.0,
        };
        let mut book = Self {
            plan,
            tape,
            draws,
            step: 0,
            start: nothing.clone(),
            end: nothing,
            holdings: Vec::new(),
            legs: Vec::new(),
            accounts: Vec::new(),
            initial_wealth_usd: 0.0,
            interest_usd: 0.0,
            row: SlowRow::default(),
            record: Record::default(),
        };
        book.start = book.prices_before(0);
        book.end = book.start.clone();
        let prices = book.end.clone();
        for holding in &plan.holdings {
            book.holdings.push(Holding {
                inventory_base: holding.quantity_base,
                units_base: holding.quantity_base,
                initial_usd: holding.quantity_base * prices.spot_usd[holding.asset],
                ..Holding::default()
            });
        }
        book.legs = plan
            .hedges
            .iter()
            .map(|hedge| open_leg(plan, hedge))
            .collect();
        for (a, account) in plan.accounts.iter().enumerate() {
            let is_used = plan
                .hedges
                .iter()
                .any(|hedge| hedge.account == a && !hedge.is_absent());
            book.accounts.push(Account::open(account, is_used, &prices));
        }
        book.see_posted();
        book.initial_wealth_usd = book.wealth_usd();
        book.open_legs();
        book
    }

    /// Options first, since deltas count in what a future has to cover; then futures; then the trades of hedges that are
    /// on already, after it has been told what they need.
    fn open_legs(&mut self) {
        let (options, futures): (Vec<usize>, Vec<usize>) =
            (0..self.legs.len()).partition(|&h| self.is_option(h));
        let (on, new): (Vec<usize>, Vec<usize>) = futures
            .into_iter()
            .partition(|&h| self.legs[h].hedge.opened.is_some());
        for h in options.into_iter().chain(new) {
            self.open_leg(h);
        }
        self.require_at_time_0();
        for h in on {
            self.open_leg(h);
        }
    }

    /// What the planned legs earn by definition, and the parts that it is told in.
    pub fn stage_1_market_moves(&mut self) {
        for h in 0..self.legs.len() {
            let contract = self.contract(h);
            let leg = &self.legs[h];
            let planned = leg.profit(contract, leg.planned.size, &self.start, &self.end);
            let planned_usd = planned * self.currency_usd(leg.hedge.account, &self.end);
            self.legs[h].planned_pnl_usd = planned_usd;
            if self.is_option(h) {
                self.add("options_usd", planned_usd);
            } else if !self.legs[h].hedge.is_absent() {
                self.split_planned_future(h, planned_usd);
            }
        }
    }

    fn split_planned_future(&mut self, h: usize, planned_usd: f64) {
        let hedge = self.legs[h].hedge;
        let contract = self.contract(h);
        let (c, underlying) = (self.legs[h].contract, contract.underlying);
        let asset = self.plan.holdings[hedge.covers].asset;
        let change = |prices: &[f64], before: &[f64], index: usize| prices[index] - before[index];
        let spot_change_usd = change(&self.end.spot_usd, &self.start.spot_usd, asset);
        let underlying_change_usd = change(&self.end.spot_usd, &self.start.spot_usd, underlying);
        let size = self.legs[h].planned.size;
        let planned_base = match contract.settlement {
            ContractSettlement::Linear => size,
            ContractSettlement::Inverse => size / self.start.mark_usd[c],
        };
        let inventory_base = self.followed_before_production(h);
        let ideal_usd = -hedge.coverage_frac * inventory_base * spot_change_usd;
        let basis_usd = planned_usd + planned_base * underlying_change_usd;
        let is_dated = contract.dated().is_some();
        self.add("ideal_offset_usd", ideal_usd);
        self.add(
            "tracking_usd",
            -planned_base * underlying_change_usd - ideal_usd,
        );
        self.add("futures_basis_usd", basis_usd);
        if is_dated {
            self.add("carry_usd", basis_usd);
        }
    }

    /// What the actual legs made and the planned ones did not.
    pub fn book_liquidation_gap(&mut self) {
        for h in 0..self.legs.len() {
            let leg = &self.legs[h];
            let actual = leg.profit_to_fill.unwrap_or_else(|| {
                leg.profit(self.contract(h), leg.actual.size, &self.start, &self.end)
            });
            let actual_usd = actual * self.currency_usd(leg.hedge.account, &self.end);
            let gap_usd = actual_usd - leg.planned_pnl_usd;
            self.legs[h].pnl_usd += actual_usd;
            self.add("liquidation_gap_usd", gap_usd);
        }
    }

    /// The holdings are sold, expired legs settled, the others closed; what an account owes then is the insurance fund's.
    pub fn close_everything(&mut self) {
        for h in 0..self.legs.len() {
            let (c, size) = (self.legs[h].contract, self.legs[h].planned.size);
            self.split_curve(h, size, 0.0, self.end.mark_usd[c]);
        }
        for j in 0..self.holdings.len() {
            let left_base = self.holdings[j].inventory_base;
            let spot_usd = self.spot_of_holding(j);
            let holding = &mut self.holdings[j];
            holding.settled_usd += holding.sold_early_base * spot_usd;
            holding.sold_early_base = 0.0;
            holding.inventory_base = 0.0;
            holding.sold_usd += left_base * spot_usd * (1.0 - self.plan.execution_slippage_frac);
        }
        let closed: Vec<Vec<(usize, f64)>> = (0..self.accounts.len())
            .map(|a| self.notionals_of(a))
            .collect();
        self.expire_options();
        self.settle_futures();
        for h in 0..self.legs.len() {
            if self.legs[h].actual.size == 0.0 {
                continue;
            }
            if self.is_option(h) {
                self.trade_option_to(h, Who::Actual, 0.0, Purpose::Exit);
            } else {
                let mark_usd = self.end.mark_usd[self.legs[h].contract];
                self.trade_to(h, Who::Actual, 0.0, mark_usd, Purpose::Exit);
            }
        }
        for (a, closed) in closed.iter().enumerate() {
            self.settle_debts_at_the_horizon(a, closed);
        }
    }

    /// Notionals of an account's open legs at the step's end, in its currency; of options their underlying's.
    fn notionals_of(&self, a: usize) -> Vec<(usize, f64)> {
        let notional = |h: usize| {
            let contract = self.contract(h);
            let size = self.legs[h].actual.size;
            if contract.option().is_some() {
                size.abs() * self.end.spot_usd[contract.underlying]
                    / self.currency_usd(a, &self.end)
            } else {
                let mark_usd = self.end.mark_usd[self.legs[h].contract];
                traded_notional(contract.settlement, size, mark_usd)
            }
        };
        self.legs_of(a)
            .into_iter()
            .map(|h| (h, notional(h)))
            .filter(|(_, notional)| *notional > 0.0)
            .collect()
    }

    /// Everything owned, at spot and mark.
    pub fn wealth_usd(&self) -> f64 {
        let prices = self.prices_now();
        let mut wealth_usd = self.unhedged_wealth_usd() + self.interest_usd;
        for (j, holding) in self.holdings.iter().enumerate() {
            wealth_usd -= holding.sold_early_base * self.spot_of_holding(j) + holding.settled_usd;
        }
        for (a, account) in self.accounts.iter().enumerate() {
            wealth_usd += account.reserve_usd - account.debt_usd.iter().sum::<f64>();
            if let Some(transfer) = &account.transfer {
                wealth_usd -= transfer.promised_usd.iter().sum::<f64>();
            }
            match self.plan.accounts[a].settlement {
                SettlementCurrency::Usd => {
                    wealth_usd += account.balance
                        + self.unrealised(a, &prices)
                        + account.transfer.as_ref().map_or(0.0, |t| t.usd);
                }
                SettlementCurrency::Coin { .. } => {
                    wealth_usd += account
                        .transfer
                        .as_ref()
                        .filter(|transfer| !transfer.has_left)
                        .map_or(0.0, |transfer| transfer.usd);
                }
            }
        }
        for asset in 0..self.plan.market.assets.len() {
            wealth_usd += self.coins_beyond_inventory(asset, &prices) * prices.spot_usd[asset];
        }
        wealth_usd
    }

    /// The holdings without a hedge: what is left at spot, and cash.
    pub fn unhedged_wealth_usd(&self) -> f64 {
        self.holdings
            .iter()
            .enumerate()
            .map(|(j, holding)| holding.value_usd(self.spot_of_holding(j)))
            .sum()
    }

    pub fn initial_value_usd(&self) -> f64 {
        self.holdings
            .iter()
            .map(|holding| holding.initial_usd)
            .sum()
    }
}

fn open_leg(plan: &Plan, hedge: &hedgesim::plan::types::HedgePlan) -> Leg {
    let contract = &plan.market.contracts[hedge.contract];
    let on = hedge.opened.map_or(Position::FLAT, |opened| {
        let base = hedge.position.sign() * opened.quantity_base;
        let size = match contract.settlement {
            ContractSettlement::Linear => base,
            ContractSettlement::Inverse => base * opened.price_usd,
        };
        Position {
            size,
            entry_usd: opened.price_usd,
        }
    });
    Leg {
        hedge: *hedge,
        contract: hedge.contract,
        planned: on,
        actual: on,
        planned_carry: contract.dated().map_or(0.0, |dated| dated.carry.initial),
        is_over: hedge.is_absent(),
        order: None,
        profit_to_fill: None,
        planned_pnl_usd: 0.0,
        pnl_usd: 0.0,
    }
}

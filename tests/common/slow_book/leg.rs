//! A hedge's leg: the position that is planned and the one that is there, and what they earn.

use hedgesim::plan::types::{ContractPlan, ContractSettlement, HedgePlan};
use hedgesim::venue::rules::MaintenanceAt;

use super::option::OptionNow;
use super::order::WorkedOrder;
use super::{Prices, Who};

/// A position: base units of a linear future or an option, USD of an inverse future; above 0 is short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    pub size: f64,
    /// Average entry price of a future, USD.
    pub entry_usd: f64,
}

impl Position {
    pub const FLAT: Self = Self {
        size: 0.0,
        entry_usd: 0.0,
    };

    /// Trades a future to a new size of the same side, or to nothing. Returns the profit that a reduction realises.
    pub fn trade_to(&mut self, settlement: ContractSettlement, target: f64, mark_usd: f64) -> f64 {
        assert!(
            target * self.size >= 0.0,
            "no trade crosses to the other side"
        );
        if target.abs() >= self.size.abs() {
            let added = target - self.size;
            if target != 0.0 {
                self.entry_usd = match settlement {
                    ContractSettlement::Linear => {
                        (self.size * self.entry_usd + added * mark_usd) / target
                    }
                    // The coins that were sold add up.
                    ContractSettlement::Inverse if self.size == 0.0 => mark_usd,
                    ContractSettlement::Inverse => {
                        target / (self.size / self.entry_usd + added / mark_usd)
                    }
                };
            }
            self.size = target;
            0.0
        } else {
            let closed = self.size - target;
            self.size = target;
            future_profit(settlement, closed, self.entry_usd, mark_usd)
        }
    }
}

/// Profit of a future of this size when its mark goes from one price to another, in its settlement currency.
pub fn future_profit(settlement: ContractSettlement, size: f64, from_usd: f64, to_usd: f64) -> f64 {
    if size == 0.0 {
        return 0.0;
    }
    match settlement {
        ContractSettlement::Linear => size * (from_usd - to_usd),
        ContractSettlement::Inverse => size * (1.0 / to_usd - 1.0 / from_usd),
    }
}

/// Notional that is traded at a price, in the settlement currency, >= 0.
pub fn traded_notional(settlement: ContractSettlement, size: f64, price_usd: f64) -> f64 {
    match settlement {
        ContractSettlement::Linear => size.abs() * price_usd,
        ContractSettlement::Inverse => size.abs() / price_usd,
    }
}

/// Notional that margin is asked for, in the settlement currency, >= 0.
pub fn margined_notional(contract: &ContractPlan, position: &Position, mark_usd: f64) -> f64 {
    let is_at_entry = contract.settlement == ContractSettlement::Inverse
        && contract.rules.maintenance_at == MaintenanceAt::Entry;
    if position.size == 0.0 {
        0.0
    } else if is_at_entry {
        position.size.abs() / position.entry_usd
    } else {
        traded_notional(contract.settlement, position.size, mark_usd)
    }
}

/// One hedge of the plan.
#[derive(Debug, Clone)]
pub struct Leg {
    pub hedge: HedgePlan,
    /// The contract that it stands in; a switch changes it.
    pub contract: usize,
    pub planned: Position,
    pub actual: Position,
    /// Of a dated future, the carry at which the planned position was entered, averaged by size.
    pub planned_carry: f64,
    /// Settled, exercised or never there: nothing is traded any more.
    pub is_over: bool,
    /// What is left of an order that is worked in parts.
    pub order: Option<WorkedOrder>,
    /// Actual profit of this step up to a liquidation in it, in the account's currency.
    pub profit_to_fill: Option<f64>,
    /// Planned P&L of this step, USD.
    pub planned_pnl_usd: f64,
    /// Everything that the actual leg made and cost so far, USD.
    pub pnl_usd: f64,
}

impl Leg {
    pub fn position(&self, who: Who) -> &Position {
        match who {
            Who::Planned => &self.planned,
            Who::Actual => &self.actual,
        }
    }

    /// What a position of this size in the leg's contract earns between two moments, in its settlement currency.
    pub fn profit(&self, contract: &ContractPlan, size: f64, from: &Prices, to: &Prices) -> f64 {
        if contract.option().is_some() {
            let value = |prices| OptionNow::new(contract, prices).value();
            size * (value(from) - value(to))
        } else {
            let c = self.contract;
            future_profit(contract.settlement, size, from.mark_usd[c], to.mark_usd[c])
        }
    }

    /// What closing a position now would bring: unrealised profit of a future, value of an option.
    pub fn unrealised(&self, contract: &ContractPlan, who: Who, prices: &Prices) -> f64 {
        let position = self.position(who);
        if position.size == 0.0 {
            0.0
        } else if contract.option().is_some() {
            -position.size * OptionNow::new(contract, prices).value()
        } else {
            future_profit(
                contract.settlement,
                position.size,
                position.entry_usd,
                prices.mark_usd[self.contract],
            )
        }
    }
}

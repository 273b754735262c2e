//! An account's equity and what the venue asks of it, at any prices.

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::option_quote::option_initial_margin;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::trading::new_entry;

/// The prices that an account's value depends on.
#[derive(Debug, Clone)]
pub(super) struct Prices {
    /// Price of a unit of each leg, in the currency of its account; shape `[legs]`.
    pub(super) unit: Vec<f64>,
    /// Maintenance margin of a unit of a written option; 0 of a future.
    pub(super) option_margin: Vec<f64>,
    /// Spot of each asset, USD.
    pub(super) spot_usd: Vec<f64>,
}

impl Prices {
    /// Prices for a plan's legs and assets, not filled in.
    pub(super) fn new(rules: &BookRules) -> Self {
        Self {
            unit: vec![0.0; rules.legs.len()],
            option_margin: vec![0.0; rules.legs.len()],
            spot_usd: vec![0.0; rules.initial_spots_usd.len()],
        }
    }

    /// Sets them to others of the same plan.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.unit.copy_from_slice(&other.unit);
        self.option_margin.copy_from_slice(&other.option_margin);
        self.spot_usd.copy_from_slice(&other.spot_usd);
    }
}

/// Where an account stands at some prices, in its currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Margin {
    pub(super) equity: f64,
    pub(super) maintenance: f64,
    /// Liquidation fees where they count in the trigger.
    pub(super) trigger_fee: f64,
}

impl Margin {
    /// Equity beyond what triggers a liquidation.
    pub(super) fn distance(&self) -> f64 {
        self.equity - self.maintenance - self.trigger_fee
    }
}

/// Maintenance margin and trigger fee of one future's size.
pub(super) fn future_margin(
    contract: &ContractRule,
    size: f64,
    unit: f64,
    entry: f64,
) -> (f64, f64) {
    let margined = size.abs() * if contract.margins_entry { entry } else { unit };
    (
        contract.venue.maintenance_margin_usd(margined),
        contract.venue.trigger_fee_frac() * margined,
    )
}

impl Lane<'_> {
    /// Where account `a` stands with its actual legs.
    pub(super) fn margin(&self, a: usize, prices: &Prices) -> Margin {
        let rules = self.rules;
        let lane = self.lane;
        let account = &rules.accounts[a];
        let hot = &self.state.hot;
        let mut margin = Margin {
            equity: hot.cash[a][lane],
            maintenance: 0.0,
            trigger_fee: 0.0,
        };
        for &l in &account.legs {
            let size = hot.size[l][lane];
            if size == 0.0 {
                continue;
            }
            let unit = prices.unit[l];
            margin.equity -= size * unit;
            if rules.legs[l].is_option {
                margin.maintenance += size.max(0.0) * prices.option_margin[l];
            } else {
                let contract = &rules.contracts[rules.legs[l].contract];
                let (maintenance, fee) = future_margin(contract, size, unit, hot.entry[l][lane]);
                margin.maintenance += maintenance;
                margin.trigger_fee += fee;
            }
        }
        if account.coin.is_none() {
            for s in account.slots.clone() {
                margin.equity += hot.counted[s][lane] * prices.spot_usd[rules.slots[s].asset];
            }
        }
        margin
    }

    /// What account `a` would need in its currency, beside what its planned legs have made, at unit prices moved against each
    /// of them by `shift`.
    pub(super) fn planned_need(&self, a: usize, prices: &Prices, shift: f64) -> f64 {
        let rules = self.rules;
        let lane = self.lane;
        let hot = &self.state.hot;
        let mut need = -hot.planned_cash[a][lane];
        for &l in &rules.accounts[a].legs {
            let size = hot.planned[l][lane];
            if size == 0.0 {
                continue;
            }
            let unit = if size > 0.0 {
                prices.unit[l] * shift
            } else {
                prices.unit[l] / shift
            };
            need += size * unit;
            if rules.legs[l].is_option {
                need += size.max(0.0) * prices.option_margin[l];
            } else {
                let contract = &rules.contracts[rules.legs[l].contract];
                let entry = hot.planned_entry[l][lane];
                let (maintenance, fee) = future_margin(contract, size, unit, entry);
                need += maintenance + fee;
            }
        }
        need
    }

    /// Initial margin of a size of leg `l` at the present prices.
    pub(super) fn initial_margin(&self, l: usize, size: f64) -> f64 {
        let leg = &self.rules.legs[l];
        let contract = &self.rules.contracts[leg.contract];
        let unit = self.work.now.unit[l];
        if let Some(option) = contract.option() {
            let spot_usd = self.work.now.spot_usd[contract.underlying];
            let is_coin = contract.is_inverse;
            size.max(0.0) * option_initial_margin(option, is_coin, spot_usd, unit)
        } else {
            let held = self.state.hot.size[l][self.lane];
            let entry = self.state.hot.entry[l][self.lane];
            let price = if contract.margins_entry {
                new_entry(held, entry, size, unit)
            } else {
                unit
            };
            contract.venue.initial_margin_usd(size.abs() * price)
        }
    }

    /// Initial margin of all legs of account `a` but `except`, as they stand.
    pub(super) fn initial_margin_beside(&self, a: usize, except: Option<usize>) -> f64 {
        self.rules.accounts[a]
            .legs
            .iter()
            .filter(|&&l| Some(l) != except)
            .map(|&l| {
                let size = self.state.hot.size[l][self.lane];
                if size == 0.0 {
                    0.0
                } else {
                    self.initial_margin(l, size)
                }
            })
            .sum()
    }

    /// Largest size, without sign, of a future that account `a` can margin beside its other legs.
    pub(super) fn largest_size(&self, a: usize, l: usize) -> f64 {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        let equity = self.margin(a, &self.work.now).equity;
        let free = equity - self.initial_margin_beside(a, Some(l));
        let (allowed, unit) = (
            contract.venue.largest_notional_usd(free),
            self.work.now.unit[l],
        );
        if !contract.margins_entry {
            return allowed / unit;
        }
        // What is held counts at its entry, what is added at the mark.
        let held = self.state.hot.size[l][self.lane].abs();
        held + (allowed - held * self.state.hot.entry[l][self.lane]) / unit
    }

    /// Whether account `a` has anything that the venue may liquidate.
    pub(super) fn is_open(&self, a: usize) -> bool {
        self.rules.accounts[a].legs.iter().any(|&l| {
            let size = self.state.hot.size[l][self.lane];
            size > 0.0 || (size < 0.0 && !self.rules.legs[l].is_option)
        })
    }
}

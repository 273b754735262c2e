//! Every hedge of a plan just after time 0, whatever its contract, and the accounts that hold them.
//!
//! A position is a size and the price of a unit in the account's currency: of a linear future `q` and `F`, of an inverse one
//! `-U` and `1/F`, of an option `q` and its value. A move of the unit is worth `-size du`, a notional is `|size| u`.

use crate::hedge::costs::order_cost_usd;
use crate::hedge::target::target_short_base;
use crate::math::black76::black76;
use crate::plan::types::{
    ContractPlan, ContractSettlement, HedgePlan, OptionKind, OptionPlan, Plan, Position, Rebalance,
    SettlementCurrency,
};
use crate::venue::rules::MaintenanceAt;

/// One hedge after its trade at time 0; an order that is worked in parts counts as done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leg {
    /// Size; positive is short, of an inverse contract negative.
    pub(crate) size: f64,
    /// Price of a unit at time 0, in the account's currency.
    pub(crate) unit: f64,
    /// Average price at which it was opened.
    pub(crate) entry: f64,
    /// Fee and other costs of the trade, USD.
    pub(crate) entry_cost_usd: f64,
}

/// One account after the trades at time 0. Amounts in its currency.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AccountState {
    /// Value of a unit of its currency, USD.
    pub(crate) rate_usd: f64,
    /// `balance + sum size entry`: equity without coins is that less `sum size unit`.
    pub(crate) cash: f64,
    /// Coins of a USD account after their haircut, by asset.
    pub(crate) counted: Vec<(usize, f64)>,
    /// Its hedges.
    pub(crate) hedges: Vec<usize>,
}

/// An account's equity and what the venue asks for, in its currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Margin {
    pub(crate) equity: f64,
    pub(crate) initial: f64,
    pub(crate) maintenance: f64,
    /// Liquidation fees where they count in the trigger.
    pub(crate) trigger_fee: f64,
}

/// An option at one spot, in the currency that it settles in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OptionQuote {
    pub(crate) unit: f64,
    /// Derivative of its USD value by the spot.
    pub(crate) delta: f64,
    /// Margins of a unit written.
    pub(crate) initial: f64,
    pub(crate) maintenance: f64,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Positions<'a> {
    pub(crate) plan: &'a Plan,
    /// Shape `[hedges]`.
    pub(crate) legs: Vec<Leg>,
    /// Shape `[accounts]`.
    pub(crate) accounts: Vec<AccountState>,
}

/// A contract that settles in its coin.
pub(crate) fn is_inverse(contract: &ContractPlan) -> bool {
    contract.settlement == ContractSettlement::Inverse
}

/// An option at time 0 were the spot `spot_usd`.
pub(crate) fn quote(option: &OptionPlan, in_coin: bool, spot_usd: f64) -> OptionQuote {
    let is_call = option.kind == OptionKind::Call;
    let deviation = option.volatility_annual * option.expiry_years.sqrt();
    let black = black76(is_call, spot_usd, option.strike_usd, deviation);
    let (value_usd, terms) = (black.value, &option.terms);
    let out_usd = if is_call {
        option.strike_usd - spot_usd
    } else {
        spot_usd - option.strike_usd
    };
    let initial_usd = (terms.initial_frac * spot_usd - out_usd.max(0.0))
        .max(terms.initial_floor_frac * spot_usd)
        + value_usd;
    let base_usd = if is_call {
        spot_usd
    } else {
        spot_usd.max(value_usd)
    };
    let maintenance_usd = terms.maintenance_frac * base_usd + value_usd;
    let unit_usd = if in_coin { spot_usd } else { 1.0 };
    OptionQuote {
        unit: value_usd / unit_usd,
        delta: black.delta,
        initial: initial_usd / unit_usd,
        maintenance: maintenance_usd / unit_usd,
    }
}

impl<'a> Positions<'a> {
    /// What stands after time 0.
    pub(crate) fn of(plan: &'a Plan) -> Self {
        let accounts = (0..plan.accounts.len())
            .map(|a| AccountState::posted(plan, a))
            .collect();
        let mut all = Self {
            plan,
            legs: vec![Leg::NONE; plan.hedges.len()],
            accounts,
        };
        for is_option in [true, false] {
            for (h, hedge) in plan.hedges.iter().enumerate() {
                let contract = &plan.market.contracts[hedge.contract];
                if contract.option().is_some() == is_option {
                    all.open(h, hedge, contract);
                }
            }
        }
        all
    }

    fn open(&mut self, h: usize, hedge: &HedgePlan, contract: &ContractPlan) {
        let rate_usd = self.accounts[hedge.account].rate_usd;
        let unit = self.unit(contract, 1.0);
        let is_inverse_future = is_inverse(contract) && contract.option().is_none();
        let (taken, taken_at) = match hedge.opened {
            Some(opened) if is_inverse_future => (
                -hedge.position.sign() * opened.quantity_base * opened.price_usd,
                1.0 / opened.price_usd,
            ),
            Some(opened) => (
                hedge.position.sign() * opened.quantity_base,
                opened.price_usd,
            ),
            None => (0.0, unit),
        };
        let size = self.target(hedge, contract, unit).unwrap_or(taken);
        let change = size - taken;
        let entry_cost_usd = if change == 0.0 {
            0.0
        } else {
            let notional_usd = change.abs() * unit * rate_usd;
            let underlying_usd =
                change.abs() * self.plan.market.assets[contract.underlying].spot_usd;
            order_cost_usd(self.plan, hedge, contract, notional_usd, underlying_usd)
        };
        let entry = if taken * size <= 0.0 {
            unit
        } else if size.abs() > taken.abs() {
            (taken.abs() * taken_at + change.abs() * unit) / size.abs()
        } else {
            taken_at
        };
        self.accounts[hedge.account].cash +=
            taken * taken_at + change * unit - entry_cost_usd / rate_usd;
        self.legs[h] = Leg {
            size,
            unit,
            entry,
            entry_cost_usd,
        };
    }

    /// The size to which a hedge trades at time 0; `None`: it does not trade.
    fn target(&self, hedge: &HedgePlan, contract: &ContractPlan, unit: f64) -> Option<f64> {
        let plan = self.plan;
        let holding = &plan.holdings[hedge.covers];
        let spot_usd = plan.market.assets[holding.asset].spot_usd;
        let underlying_usd = plan.market.assets[contract.underlying].spot_usd;
        let followed_base = holding.followed_base(hedge.follows);
        let sign = hedge.position.sign();
        let option_base = if matches!(hedge.rebalance, Rebalance::DeltaBand { .. }) {
            self.option_short_usd(hedge.covers) / underlying_usd
        } else {
            0.0
        };
        if let Some(opened) = hedge.opened {
            let exposure_usd = followed_base * spot_usd;
            let taken_base = sign
                * opened.quantity_base
                * if is_inverse(contract) {
                    // `U` USD of contracts are `U / F` base units now.
                    opened.price_usd * unit
                } else {
                    1.0
                };
            let trades = match hedge.rebalance {
                Rebalance::Never => false,
                Rebalance::Every { .. } => true,
                Rebalance::Band { width } | Rebalance::DeltaBand { width } => {
                    let ratio = (taken_base + option_base) * underlying_usd / exposure_usd;
                    exposure_usd > 0.0 && (ratio - sign * hedge.hedge_ratio).abs() > width
                }
            };
            if !trades {
                return None;
            }
        }
        let wanted_base = sign
            * target_short_base(hedge.hedge_ratio, followed_base, spot_usd, underlying_usd)
            - option_base;
        // A leg never turns over to the other side.
        let base = if wanted_base * sign > 0.0 {
            wanted_base
        } else {
            0.0
        };
        let size = if is_inverse(contract) && contract.option().is_none() {
            -base / unit
        } else {
            base
        };
        Some(rounded(hedge, contract, size))
    }

    /// What the options that cover a holding are short by their deltas, USD.
    fn option_short_usd(&self, holding: usize) -> f64 {
        let hedges = self.plan.hedges.iter().zip(&self.legs);
        hedges
            .filter(|(hedge, _)| hedge.covers == holding)
            .filter_map(|(hedge, leg)| {
                let contract = &self.plan.market.contracts[hedge.contract];
                let spot_usd = self.plan.market.assets[contract.underlying].spot_usd;
                let quote = quote(contract.option()?, is_inverse(contract), spot_usd);
                Some(leg.size * quote.delta * spot_usd)
            })
            .sum()
    }

    /// Price of a unit of a contract were its underlying's spot, and its mark, `factor` times what they are.
    fn unit(&self, contract: &ContractPlan, factor: f64) -> f64 {
        let spot_usd = self.plan.market.assets[contract.underlying].spot_usd;
        if let Some(option) = contract.option() {
            return quote(option, is_inverse(contract), spot_usd * factor).unit;
        }
        let mark_usd = spot_usd * contract.initial_basis().exp() * factor;
        if is_inverse(contract) {
            1.0 / mark_usd
        } else {
            mark_usd
        }
    }

    /// Equity and margins of an account were everything on `asset` (spot, marks, coins) `factor` times what it is.
    pub(crate) fn margin(&self, a: usize, asset: usize, factor: f64) -> Margin {
        let account = &self.accounts[a];
        let assets = &self.plan.market.assets;
        let mut margin = Margin {
            equity: account.cash,
            initial: 0.0,
            maintenance: 0.0,
            trigger_fee: 0.0,
        };
        let moved = |of: usize| if of == asset { factor } else { 1.0 };
        for &(coin, coins) in &account.counted {
            margin.equity += coins * assets[coin].spot_usd * moved(coin);
        }
        for &h in &account.hedges {
            let leg = &self.legs[h];
            if leg.size == 0.0 {
                continue;
            }
            let contract = &self.plan.market.contracts[self.plan.hedges[h].contract];
            let by = moved(contract.underlying);
            let unit = self.unit(contract, by);
            margin.equity -= leg.size * unit;
            let (initial, maintenance, trigger_fee) = self.margins_of(leg, contract, unit, by);
            margin.initial += initial;
            margin.maintenance += maintenance;
            margin.trigger_fee += trigger_fee;
        }
        margin
    }

    /// Initial and maintenance margin and trigger fee of one leg.
    fn margins_of(
        &self,
        leg: &Leg,
        contract: &ContractPlan,
        unit: f64,
        factor: f64,
    ) -> (f64, f64, f64) {
        if let Some(option) = contract.option() {
            let spot_usd = self.plan.market.assets[contract.underlying].spot_usd * factor;
            let quote = quote(option, is_inverse(contract), spot_usd);
            let written = leg.size.max(0.0);
            return (written * quote.initial, written * quote.maintenance, 0.0);
        }
        let notional = leg.size.abs() * unit;
        let margined = margined_notional(leg, contract, notional);
        (
            contract.rules.initial_margin_usd(margined),
            contract.rules.maintenance_margin_usd(margined),
            contract.rules.trigger_fee_frac() * margined,
        )
    }

    /// Initial and maintenance margin of one hedge at time 0, USD.
    pub(crate) fn hedge_margins_usd(&self, h: usize) -> (f64, f64) {
        let hedge = &self.plan.hedges[h];
        let leg = &self.legs[h];
        let contract = &self.plan.market.contracts[hedge.contract];
        let rate_usd = self.accounts[hedge.account].rate_usd;
        if leg.size == 0.0 {
            return (0.0, 0.0);
        }
        let (initial, maintenance, _) = self.margins_of(leg, contract, leg.unit, 1.0);
        (initial * rate_usd, maintenance * rate_usd)
    }

    /// Whether an account has anything that the venue may liquidate.
    pub(crate) fn is_open(&self, a: usize) -> bool {
        self.accounts[a].hedges.iter().any(|&h| {
            let contract = &self.plan.market.contracts[self.plan.hedges[h].contract];
            let size = self.legs[h].size;
            size > 0.0 || (size < 0.0 && contract.option().is_none())
        })
    }
}

/// The notional whose margin is asked for: at the entry price where the venue says so.
pub(crate) fn margined_notional(leg: &Leg, contract: &ContractPlan, notional: f64) -> f64 {
    if is_inverse(contract) && contract.rules.maintenance_at == MaintenanceAt::Entry {
        leg.size.abs() * leg.entry
    } else {
        notional
    }
}

impl Leg {
    const NONE: Self = Self {
        size: 0.0,
        unit: 1.0,
        entry: 1.0,
        entry_cost_usd: 0.0,
    };
}

impl AccountState {
    /// An account with its collateral, before any trade; one without a hedge posts nothing.
    fn posted(plan: &Plan, a: usize) -> Self {
        let account = &plan.accounts[a];
        let hedges: Vec<usize> = (0..plan.hedges.len())
            .filter(|&h| plan.hedges[h].account == a)
            .collect();
        let rate_usd = match account.settlement {
            SettlementCurrency::Usd => 1.0,
            SettlementCurrency::Coin { asset } => plan.market.assets[asset].spot_usd,
        };
        let is_posted = hedges.iter().any(|&h| !plan.hedges[h].is_absent());
        let (mut cash, mut counted) = (0.0, Vec::new());
        if is_posted {
            cash = account.collateral_usd / rate_usd;
            for coins in &account.coins {
                if account.settlement == SettlementCurrency::Usd {
                    counted.push((
                        coins.asset,
                        coins.quantity_base * (1.0 - coins.haircut_frac),
                    ));
                } else {
                    cash += coins.quantity_base;
                }
            }
        }
        Self {
            rate_usd,
            cash,
            counted,
            hedges,
        }
    }
}

/// A size in whole contracts, if the hedge is rounded.
fn rounded(hedge: &HedgePlan, contract: &ContractPlan, size: f64) -> f64 {
    let (Some(rounding), Some(contract_size)) = (hedge.round, contract.contract_size) else {
        return size;
    };
    let contracts = size.abs() / contract_size;
    (rounding.whole_contracts(contracts) * contract_size).copysign(size)
}

/// `short` or `long`.
pub(crate) fn side(position: Position) -> &'static str {
    match position {
        Position::Short => "short",
        Position::Long => "long",
    }
}

//! Trades of a leg and what they cost.

use crate::ledger::book::contract_rule::CurveMoment;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::Sums;
use crate::ledger::book::state::Turnover;
use crate::ledger::event::LedgerEvent;
use crate::math::vector::ln;
use crate::plan::types::{LiquidityPlan, OrderStyle};

/// What a trade is for, in the order of the costs by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Opens the hedge, at time 0 or anew.
    Entry,
    /// Rebalancing, sales of inventory, deleveraging.
    Rebalancing,
    /// Rolls and switches.
    Roll,
    /// The horizon and settlement.
    Exit,
}

/// Cost of a trade in the currency of its account.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct TradeCosts {
    pub(super) fee: f64,
    /// What the fill is away from the mark: slippage, half-spread, impact.
    pub(super) away: f64,
}

impl TradeCosts {
    /// All of it.
    pub(super) fn sum(&self) -> f64 {
        self.fee + self.away
    }
}

/// What a trade's costs depend on beside its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    /// Value of a unit of the account's currency, USD.
    pub(super) rate_usd: f64,
    /// Spot of the contract's underlying, USD.
    pub(super) spot_usd: f64,
    /// Factor on what is not a fee.
    pub(super) multiplier: f64,
}

/// Mean impact of a trade of notional `N`, a fraction of it: `2/3 Y sigma_d sqrt(N / V)`.
///
/// # Source
/// The square-root law (Donier and Bonart 2014, arXiv 1412.4503): the price at the end of a trade has moved by `Y sigma_d
/// sqrt(N / V)`, on average over the trade by two thirds of it.
pub(super) fn impact_frac(liquidity: &LiquidityPlan, notional_usd: f64) -> f64 {
    liquidity.impact.map_or(0.0, |impact| {
        2.0 / 3.0
            * impact.coefficient
            * impact.daily_volatility
            * (notional_usd / impact.daily_volume_usd).sqrt()
    })
}

/// Costs of trading `change` of leg `l` at `unit`.
pub(super) fn costs(
    rules: &BookRules,
    l: usize,
    change: f64,
    unit: f64,
    conditions: &Conditions,
) -> TradeCosts {
    if change == 0.0 {
        return TradeCosts::default();
    }
    let leg = &rules.legs[l];
    let contract = &rules.contracts[leg.contract];
    let order = &rules.hedges[leg.hedge].order;
    let notional = change.abs() * unit;
    if let OrderStyle::Otc { spread_frac } = order.style {
        return TradeCosts {
            fee: 0.0,
            away: spread_frac * notional,
        };
    }
    let fee = match contract.option() {
        Some(option) => {
            let underlying = change.abs() * conditions.spot_usd / conditions.rate_usd;
            (option.terms.fee_frac * underlying).min(option.terms.fee_cap_frac * notional)
        }
        None if order.is_maker => contract.venue.maker_fee_frac * notional,
        None => contract.venue.taker_fee_frac * notional,
    };
    let mut away_frac = rules.slippage_frac;
    if !order.is_maker {
        let shown = match order.style {
            OrderStyle::Iceberg { display_frac } => display_frac.sqrt(),
            OrderStyle::Single | OrderStyle::Twap { .. } | OrderStyle::Otc { .. } => 1.0,
        };
        let impact = impact_frac(&contract.liquidity, notional * conditions.rate_usd);
        away_frac += contract.liquidity.half_spread_frac + shown * impact;
    }
    TradeCosts {
        fee,
        away: away_frac * conditions.multiplier * notional,
    }
}

/// Fee of settling `size` of leg `l` at `unit`, in the currency of its account.
pub(super) fn delivery_fee(
    rules: &BookRules,
    l: usize,
    size: f64,
    unit: f64,
    conditions: &Conditions,
) -> f64 {
    let contract = &rules.contracts[rules.legs[l].contract];
    let rate = contract.venue.delivery_fee_frac;
    let value = size.abs() * unit;
    match contract.option() {
        Some(option) => {
            let underlying = size.abs() * conditions.spot_usd / conditions.rate_usd;
            (rate * underlying).min(option.terms.fee_cap_frac * value)
        }
        None => rate * value,
    }
}

/// Average entry price after a change of size at `unit`.
pub(super) fn new_entry(size: f64, entry: f64, target: f64, unit: f64) -> f64 {
    let is_same_side = size * target > 0.0;
    if !is_same_side {
        unit
    } else if target.abs() > size.abs() {
        (size.abs() * entry + (target.abs() - size.abs()) * unit) / target.abs()
    } else {
        entry
    }
}

impl Turnover {
    /// Counts a change of size.
    pub(super) fn add(&mut self, change: f64, sums: &Sums) {
        self.price_usd += change * sums.price_usd;
        self.own_usd += change * sums.own_usd;
        self.funding_usd += change * sums.funding_usd;
    }
}

impl Lane<'_> {
    /// Present conditions of trading leg `l`.
    pub(super) fn conditions(&self, l: usize) -> Conditions {
        let leg = &self.rules.legs[l];
        let underlying = self.rules.contracts[leg.contract].underlying;
        let spot_usd = self.spot_usd(underlying);
        let stress = &self.rules.stress;
        let is_stressed = stress.log_move.is_finite()
            && ln(spot_usd / self.work.start.spot_usd[underlying]).abs() > stress.log_move;
        Conditions {
            rate_usd: self.rate_usd(leg.account),
            spot_usd,
            multiplier: if is_stressed { stress.multiplier } else { 1.0 }
                .max(self.tile.cost_factor[self.k][self.lane]),
        }
    }

    /// Costs of trading `change` of leg `l` at `unit` now.
    pub(super) fn trade_costs(&self, l: usize, change: f64, unit: f64) -> TradeCosts {
        costs(self.rules, l, change, unit, &self.conditions(l))
    }

    /// Trades the plan's size; its costs count in what it would have needed.
    pub(super) fn trade_plan(&mut self, l: usize, target: f64) {
        let unit = self.work.now.unit[l];
        let change = target - self.state.hot.planned[l][self.lane];
        let cost = self.trade_costs(l, change, unit).sum();
        self.move_plan(l, target, cost);
    }

    /// Changes the plan's size at the present unit and a cost.
    pub(super) fn move_plan(&mut self, l: usize, target: f64, cost: f64) {
        let (a, lane) = (self.rules.legs[l].account, self.lane);
        let size = self.state.hot.planned[l][lane];
        let change = target - size;
        if change == 0.0 {
            return;
        }
        let unit = self.work.now.unit[l];
        let sums = self.sums(l);
        self.leg_mut(l).planned.add(change, &sums);
        self.enter_curve(l, size, target);
        let hot = &mut self.state.hot;
        hot.planned_cash[a][lane] += change * unit - cost;
        let entry = hot.planned_entry[l][lane];
        hot.planned_entry[l][lane] = new_entry(size, entry, target, unit);
        hot.planned[l][lane] = target;
    }

    /// Books what the curve has done to the part of a planned size that a trade closes, and averages the carry of what it enters.
    pub(super) fn enter_curve(&mut self, l: usize, size: f64, target: f64) {
        let Some(carry) = self.carry(l) else {
            return;
        };
        let closed = if size * target <= 0.0 {
            size
        } else if target.abs() < size.abs() {
            size - target
        } else {
            0.0
        };
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        let moment = CurveMoment {
            unit: self.work.now.unit[l],
            spot_usd: self.spot_usd(contract.underlying),
            carry,
            step: self.step,
        };
        let leg = self.leg_mut(l);
        if closed != 0.0 {
            leg.curve_usd += closed * contract.curve_moved_usd(&moment, leg.entry_carry);
        }
        leg.entry_carry = new_entry(size, leg.entry_carry, target, carry);
    }

    /// The carry per year of a dated future at the step's end.
    fn carry(&self, l: usize) -> Option<f64> {
        let index = self.rules.legs[l].contract;
        let carries = &self.tile.carry[index];
        self.rules.contracts[index]
            .chain
            .as_ref()
            .map(|_| carries[self.k + 1][self.lane])
    }

    /// Trades the held size at mark, with fee and costs.
    pub(super) fn trade(&mut self, l: usize, target: f64, purpose: Purpose, is_cut: bool) {
        let change = target - self.state.hot.size[l][self.lane];
        if change == 0.0 {
            return;
        }
        let unit = self.work.now.unit[l];
        let costs = self.trade_costs(l, change, unit);
        self.move_held(l, target);
        self.charge(l, &costs, purpose);
        self.tell(
            self.hedge_of(l),
            LedgerEvent::Traded {
                change_base: self.base_size(l, change, unit),
                mark_usd: self.mark_of(l, unit),
                is_cut,
            },
        );
    }

    /// Changes the held size at the present unit.
    pub(super) fn move_held(&mut self, l: usize, target: f64) {
        let (a, lane) = (self.rules.legs[l].account, self.lane);
        let size = self.state.hot.size[l][lane];
        let change = target - size;
        let unit = self.work.now.unit[l];
        let sums = self.sums(l);
        self.leg_mut(l).actual.add(change, &sums);
        let hot = &mut self.state.hot;
        hot.cash[a][lane] += change * unit;
        let entry = hot.entry[l][lane];
        hot.entry[l][lane] = new_entry(size, entry, target, unit);
        hot.size[l][lane] = target;
    }

    /// Books costs of leg `l`, which its account pays.
    pub(super) fn charge(&mut self, l: usize, costs: &TradeCosts, purpose: Purpose) {
        let a = self.rules.legs[l].account;
        let rate_usd = self.rate_usd(a);
        self.state.hot.cash[a][self.lane] -= costs.sum();
        let (fee_usd, away_usd) = (costs.fee * rate_usd, costs.away * rate_usd);
        self.leg_mut(l).costs_usd += fee_usd + away_usd;
        let path = self.path_mut();
        path.fees_usd -= fee_usd;
        if purpose == Purpose::Roll {
            path.roll_usd -= away_usd;
        } else {
            path.slippage_usd -= away_usd;
        }
        path.costs_usd[purpose as usize] += fee_usd + away_usd;
    }

    /// A size in base units, positive short.
    pub(super) fn base_size(&self, l: usize, size: f64, unit: f64) -> f64 {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        if contract.is_inverse && contract.option().is_none() {
            -size * unit
        } else {
            size
        }
    }

    /// The mark of a unit, USD; of an option its value.
    pub(super) fn mark_of(&self, l: usize, unit: f64) -> f64 {
        let leg = &self.rules.legs[l];
        let contract = &self.rules.contracts[leg.contract];
        match (contract.is_inverse, leg.is_option) {
            (false, _) => unit,
            (true, false) => 1.0 / unit,
            (true, true) => unit * self.spot_usd(contract.underlying),
        }
    }
}

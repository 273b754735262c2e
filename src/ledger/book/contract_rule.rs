//! One contract as the general ledger sees it.

use crate::ledger::rules::{CONTINUITY_CORRECTION, jump_reach};
use crate::market::model::MarketModel;
use crate::math::random::SMALLEST_UNIFORM_32;
use crate::math::scalar;
use crate::math::vector::{exp, ln};
use crate::plan::types::{
    ContractKind, ContractSettlement, Crossing, DatedPlan, FundingPlan, LiquidityPlan, OptionPlan,
    Plan,
};
use crate::venue::rules::{ContractRules, MaintenanceAt, MarginBracket};

/// Room for rounding beside a price that is tested instead of many.
const ROUNDING_FRAC: f64 = 1e-9;

/// One contract.
#[derive(Debug, Clone)]
pub(super) struct ContractRule {
    pub(super) kind: ContractKind,
    pub(super) underlying: usize,
    pub(super) is_inverse: bool,
    pub(super) contract_size: Option<f64>,
    pub(super) liquidity: LiquidityPlan,
    pub(super) venue: ContractRules,
    /// The most cash of a linear short with which it is liquidated inside each of the venue's brackets, USD.
    pub(super) last_cash_usd: Vec<f64>,
    /// Whether maintenance margin is that of the notional at the entry price.
    pub(super) margins_entry: bool,
    pub(super) initial_mark_usd: f64,
    /// Variance of the diffusive `ln F` over each step; index 0 unused.
    pub(super) variances: Vec<f64>,
    /// A bridge without jumps, both of whose ends are clear of the level by this factor, cannot cross; by step.
    pub(super) clearances: Vec<f64>,
    /// The same for the bridges beside one jump, whatever its anchor.
    pub(super) jump_clearances: Vec<f64>,
    /// Factor on the mark for the required collateral, by step.
    pub(super) shifts: Vec<f64>,
    /// Of a dated future.
    pub(super) chain: Option<ChainRule>,
    /// Factor from the rate of one funding interval to that of 8 hours.
    pub(super) per_8h: f64,
}

/// Where a dated future stands at a step's end before its events.
#[derive(Debug, Clone, Copy)]
pub(super) struct CurveMoment {
    /// Price of a unit in the currency of the account.
    pub(super) unit: f64,
    /// Spot of the underlying, USD.
    pub(super) spot_usd: f64,
    /// Carry per year.
    pub(super) carry: f64,
    pub(super) step: usize,
}

/// When a chain of dated futures expires and rolls.
#[derive(Debug, Clone)]
pub(super) struct ChainRule {
    /// Years to expiry at the end of each step before its events.
    pub(super) tenors_years: Vec<f64>,
    /// The same after the roll at the end of a step; `None` where there is no roll.
    pub(super) far_years: Vec<Option<f64>>,
    /// Step at whose end the last contract is settled; beyond the horizon if never.
    pub(super) settled_at: usize,
}

impl ContractRule {
    /// Flattens a contract of a plan.
    pub(super) fn new(plan: &Plan, market: &MarketModel, index: usize) -> Self {
        let contract = &plan.market.contracts[index];
        let steps = plan.simulation.steps as usize;
        let is_inverse = contract.settlement == ContractSettlement::Inverse;
        let is_bridge = plan.simulation.crossing == Crossing::Bridge;
        let variances: Vec<f64> = (0..=steps)
            .map(|step| market.step_variance_at(index, step.max(1)))
            .collect();
        let reach = |variance: &f64| {
            // exp(-2 a b / v) < smallest uniform u  <=>  a b > v ln(1/u) / 2; with both distances a and b at its root.
            let far = (-0.5 * ln(SMALLEST_UNIFORM_32) * variance).sqrt();
            (1.0 + ROUNDING_FRAC) * if is_bridge { exp(far) } else { 1.0 }
        };
        let beside_jump = |variance: &f64| {
            let reach = if is_bridge {
                jump_reach(*variance)
            } else {
                0.0
            };
            (1.0 + ROUNDING_FRAC) * exp(reach)
        };
        let shift = |variance: &f64| {
            if is_bridge {
                exp(CONTINUITY_CORRECTION * variance.sqrt())
            } else {
                1.0
            }
        };
        let fee_frac = contract.rules.trigger_fee_frac();
        let last_cash_usd = |bracket: &MarginBracket| {
            bracket.cap_usd * (1.0 + bracket.rate + fee_frac) - bracket.deduction_usd
        };
        let per_8h = match contract.funding() {
            FundingPlan::None | FundingPlan::Constant { .. } => 1.0,
            FundingPlan::PremiumFormula { interval_hours, .. } => 8.0 / interval_hours,
        };
        Self {
            kind: contract.kind.clone(),
            underlying: contract.underlying,
            is_inverse,
            contract_size: contract.contract_size,
            liquidity: contract.liquidity,
            last_cash_usd: contract.rules.brackets.iter().map(last_cash_usd).collect(),
            venue: contract.rules.clone(),
            margins_entry: is_inverse && contract.rules.maintenance_at == MaintenanceAt::Entry,
            initial_mark_usd: plan.market.assets[contract.underlying].spot_usd
                * exp(contract.initial_basis()),
            clearances: variances.iter().map(reach).collect(),
            jump_clearances: variances.iter().map(beside_jump).collect(),
            shifts: variances.iter().map(shift).collect(),
            variances,
            chain: contract.dated().map(|dated| ChainRule::new(dated, plan)),
            per_8h,
        }
    }

    /// The option's terms, if it is one.
    pub(super) fn option(&self) -> Option<&OptionPlan> {
        match &self.kind {
            ContractKind::Option(option) => Some(option),
            ContractKind::Perpetual { .. } | ContractKind::Dated(_) => None,
        }
    }

    /// What the moves of a dated future's curve since its entry at a carry have added to the price of a unit by now, USD: what it is
    /// beyond what it would be at the carry of the entry, with as long to its expiry.
    pub(super) fn curve_moved_usd(&self, now: &CurveMoment, entry_carry: f64) -> f64 {
        let tenor_years = self
            .chain
            .as_ref()
            .map_or(0.0, |chain| chain.tenors_years[now.step]);
        // How far the mark at the carry of the entry is above the mark, as a logarithm.
        let above = (entry_carry - now.carry) * tenor_years;
        if self.is_inverse {
            now.spot_usd * now.unit * (1.0 - scalar::exp(-above))
        } else {
            now.unit * (1.0 - scalar::exp(above))
        }
    }

    /// The dated future's plan, if it is one.
    pub(super) fn dated(&self) -> Option<&DatedPlan> {
        match &self.kind {
            ContractKind::Dated(dated) => Some(dated),
            ContractKind::Perpetual { .. } | ContractKind::Option(_) => None,
        }
    }

    /// Price of a unit at time 0.
    pub(super) fn unit_price(&self, mark_usd: f64) -> f64 {
        if self.is_inverse {
            1.0 / mark_usd
        } else {
            mark_usd
        }
    }

    /// Whether the chain is rolled at the end of `step`.
    pub(super) fn is_rolled(&self, step: usize) -> bool {
        self.chain
            .as_ref()
            .is_some_and(|chain| chain.far_years[step].is_some())
    }

    /// Whether it is settled at the end of `step`.
    pub(super) fn is_settled(&self, step: usize) -> bool {
        self.settled_at() == Some(step)
    }

    /// Whether it can no longer be held after the end of `step`.
    pub(super) fn is_over(&self, step: usize) -> bool {
        self.settled_at().is_some_and(|at| at <= step)
    }

    fn settled_at(&self) -> Option<usize> {
        match &self.kind {
            ContractKind::Perpetual { .. } => None,
            ContractKind::Dated(_) => self.chain.as_ref().map(|chain| chain.settled_at),
            ContractKind::Option(option) => Some(option.expiry_step as usize),
        }
    }
}

impl ChainRule {
    fn new(dated: &DatedPlan, plan: &Plan) -> Self {
        let steps = plan.simulation.steps as usize;
        let step_years = plan.simulation.step_years();
        let years_left = |index: usize, step: usize| {
            let expiry = &dated.expiries[index];
            if step < expiry.step as usize {
                expiry.years - step as f64 * step_years
            } else {
                0.0
            }
        };
        let last = dated.expiries.len() - 1;
        let mut held = 0;
        let mut tenors_years = Vec::with_capacity(steps + 1);
        let mut far_years = Vec::with_capacity(steps + 1);
        for step in 0..=steps {
            tenors_years.push(years_left(held, step));
            let is_roll = held < last && dated.expiries[held].roll_step == address(step);
            if is_roll {
                held += 1;
            }
            far_years.push(is_roll.then(|| years_left(held, step)));
        }
        Self {
            tenors_years,
            far_years,
            settled_at: dated.expiries[held].step as usize,
        }
    }
}

/// A number of steps as the plan writes it.
fn address(step: usize) -> Option<u32> {
    u32::try_from(step).ok()
}

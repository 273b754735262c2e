//! What a hedge is expected to earn and cost if it lives: funding, carry, rolls, closing.
//!
//! Sizes are those of time 0, changed by production and sales as the plan has them; switches, bands and periodic
//! rebalancing are left out.

use crate::hedge::costs::{delivery_cost_usd, trade_cost_usd};
use crate::hedge::expected_funding::{Weight, weighted_rate};
use crate::hedge::legs::{Positions, is_inverse};
use crate::hedge::moments::{
    basis_process, expected_inverse_basis, expected_inverse_basis_at, expected_mark_at_usd,
    expected_mark_usd,
};
use crate::plan::types::{ContractPlan, DatedPlan, Follows, FundingPlan, Plan};

/// A size that differs from another by no more than this fraction is the same but for rounding.
const SIZE_ROUNDING_FRAC: f64 = 1e-12;

/// A hedge's expectations, USD; what is received is positive, costs are at least 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expected {
    /// Funding over the horizon; 0 but for perpetuals.
    pub(crate) funding_usd: f64,
    /// What the basis of a dated future earns by running off at the carry of its entry.
    pub(crate) carry_usd: Option<f64>,
    /// Number of rolls, and what they cost.
    pub(crate) rolls: usize,
    pub(crate) roll_cost_usd: f64,
    /// Costs of closing, with the sales, at settlement and at the horizon.
    pub(crate) exit_cost_usd: f64,
}

impl Expected {
    /// Of hedge `h`.
    pub(crate) fn of(legs: &Positions<'_>, h: usize) -> Self {
        let plan = legs.plan;
        let contract = &plan.market.contracts[plan.hedges[h].contract];
        let sizes = sizes(legs, h);
        let rolls: Vec<u32> = contract.dated().map_or(Vec::new(), |dated| {
            dated.expiries.iter().filter_map(|e| e.roll_step).collect()
        });
        Self {
            funding_usd: funding_usd(plan, contract, &sizes),
            carry_usd: contract
                .dated()
                .map(|dated| carry_usd(plan, contract, dated, &sizes)),
            rolls: rolls.len(),
            roll_cost_usd: roll_cost_usd(legs, h, &sizes),
            exit_cost_usd: exit_cost_usd(legs, h, &sizes),
        }
    }
}

/// Sizes held during each step, before the events at its end; index 0 is time 0.
fn sizes(legs: &Positions<'_>, h: usize) -> Vec<f64> {
    let plan = legs.plan;
    let (hedge, leg) = (&plan.hedges[h], &legs.legs[h]);
    let holding = &plan.holdings[hedge.covers];
    let contract = &plan.market.contracts[hedge.contract];
    let steps = plan.simulation.steps;
    if contract.option().is_some() {
        return vec![leg.size; steps as usize + 1];
    }
    let growth = (1.0 + holding.staking_yield_annual).powf(plan.simulation.step_years());
    let spots = plan.market.assets[holding.asset].spot_usd
        / plan.market.assets[contract.underlying].spot_usd;
    let per_base = hedge.position.sign() * hedge.hedge_ratio * spots;
    let per_base = if is_inverse(contract) {
        -per_base / leg.unit
    } else {
        per_base
    };
    let (mut made, mut sold) = (
        holding.production.iter().peekable(),
        holding.sales.iter().peekable(),
    );
    let mut at_hand = holding.quantity_base;
    let mut to_come = holding.followed_base(hedge.follows) - at_hand;
    let (mut size, mut sizes) = (leg.size, vec![leg.size]);
    for step in 1..=steps {
        sizes.push(size);
        at_hand *= growth;
        let before = at_hand + to_come;
        while let Some(part) = made.next_if(|part| part.step <= step) {
            at_hand += part.quantity_base;
            if hedge.follows == Follows::Expected {
                to_come = (to_come - part.quantity_base).max(0.0);
            }
        }
        while let Some(sale) = sold.next_if(|sale| sale.step <= step) {
            at_hand = (at_hand - sale.quantity_base).max(0.0);
        }
        let after = at_hand + to_come;
        if before > 0.0 {
            size *= after / before;
        } else if after > 0.0 {
            size = per_base * after;
        }
    }
    sizes
}

/// The step at whose end a future is settled, if that is not beyond the horizon.
fn settlement_step(contract: &ContractPlan, steps: u32) -> Option<u32> {
    let last = contract.dated()?.expiries.last()?;
    (last.roll_step.is_none() && last.step <= steps).then_some(last.step)
}

/// `sum over stamps of E[rate F] q`, of an inverse contract `U E[rate e^-b]`: coins at the spot of the stamp.
fn funding_usd(plan: &Plan, contract: &ContractPlan, sizes: &[f64]) -> f64 {
    let interval_steps = match contract.funding() {
        FundingPlan::None => return 0.0,
        FundingPlan::Constant { interval_steps, .. }
        | FundingPlan::PremiumFormula { interval_steps, .. } => interval_steps.max(1),
    };
    let interval_years = f64::from(interval_steps) * plan.simulation.step_years();
    (1..=plan.simulation.steps / interval_steps)
        .map(|stamp| {
            let to = f64::from(stamp) * interval_years;
            let size = sizes[(stamp * interval_steps) as usize];
            let from = to - interval_years;
            if is_inverse(contract) {
                let rate = weighted_rate(&plan.market, contract, from, to, Weight::InverseBasis);
                -size * rate * expected_inverse_basis(contract, to)
            } else {
                let rate = weighted_rate(&plan.market, contract, from, to, Weight::Mark);
                size * rate * expected_mark_usd(&plan.market, contract, to)
            }
        })
        .sum()
}

/// A size in a dated future, and the law of the carry at which it was entered, averaged by size as the ledger averages it.
#[derive(Debug, Clone, Copy, Default)]
struct Entered {
    size: f64,
    /// Mean and variance of the carry, and its covariance with the Brownian motion of the spot.
    law: [f64; 3],
    /// What its basis was worth on entry, times the size, USD.
    basis_usd: f64,
}

/// What the basis of a unit of size is worth on average at a time, USD: `S (exp(b) - 1)`, of an inverse future the `exp(-b)` of its coins.
/// The carry has some law, and there are so many years to the expiry.
fn basis_usd(plan: &Plan, contract: &ContractPlan, law: [f64; 3], years: f64, tenor: f64) -> f64 {
    let [mean, variance, covariance] = law;
    let basis = contract
        .dated()
        .map_or(0.0, |dated| dated.basis(mean, tenor));
    let spread = 0.5 * variance * tenor * tenor;
    if is_inverse(contract) {
        (spread - basis).exp()
    } else {
        let asset = &plan.market.assets[contract.underlying];
        let spot_usd = asset.spot_usd * (asset.drift_annual * years).exp();
        let shift = asset.volatility_annual * covariance * tenor;
        spot_usd * (basis + spread + shift).exp_m1()
    }
}

impl Entered {
    /// Enters so much more.
    fn add(&mut self, added: f64, law: [f64; 3], unit_basis_usd: f64) {
        let share = added / (self.size + added);
        for (kept, new) in self.law.iter_mut().zip(law) {
            *kept += share * (new - *kept);
        }
        self.size += added;
        self.basis_usd += added * unit_basis_usd;
    }

    /// Closes a share of it; returns what it has earned, where the basis of a unit is worth so much now.
    fn close(&mut self, share: f64, unit_basis_usd: f64) -> f64 {
        let earned_usd = share * (self.basis_usd - self.size * unit_basis_usd);
        self.size -= share * self.size;
        self.basis_usd -= share * self.basis_usd;
        earned_usd
    }
}

/// What the basis of the contracts held earns at the carry at which their sizes are entered, USD.
fn carry_usd(plan: &Plan, contract: &ContractPlan, dated: &DatedPlan, sizes: &[f64]) -> f64 {
    let dt = plan.simulation.step_years();
    let process = basis_process(&dated.carry);
    let mut total_usd = 0.0;
    let mut entered = Entered::default();
    let mut expiry_years: Option<f64> = None;
    for step in 1..=plan.simulation.steps + 1 {
        let from = f64::from(step - 1) * dt;
        // The middle of the step: at its ends there may be a roll.
        let next = (step <= plan.simulation.steps)
            .then(|| dated.expiry_at(from + 0.5 * dt))
            .flatten()
            .map(|expiry| expiry.years);
        let target = if next.is_some() {
            sizes[step as usize]
        } else {
            0.0
        };
        let at = |law: [f64; 3], expiry_years: f64| {
            let tenor_years = (expiry_years - from).max(0.0);
            basis_usd(plan, contract, law, from, tenor_years)
        };
        if let Some(expiry_years) = expiry_years {
            let share = if next != Some(expiry_years) || entered.size * target <= 0.0 {
                1.0
            } else {
                (1.0 - target / entered.size).max(0.0)
            };
            if share > 0.0 {
                total_usd += entered.close(share, at(entered.law, expiry_years));
            }
        }
        let Some(next) = next else { break };
        expiry_years = Some(next);
        let added = target - entered.size;
        if added.abs() > SIZE_ROUNDING_FRAC * target.abs() {
            let value = process.value(from);
            let covariance =
                process.covariance_with_brownian(from, dated.carry.correlation_with_spot);
            let law = [value.mean, value.variance, covariance];
            entered.add(added, law, at(law, next));
        }
    }
    total_usd
}

/// Expected notional of a unit of size at a time, coins at their spot, USD.
fn notional_usd(plan: &Plan, contract: &ContractPlan, years: f64, tenor: Option<f64>) -> f64 {
    match (is_inverse(contract), tenor) {
        (false, None) => expected_mark_usd(&plan.market, contract, years),
        (false, Some(tenor)) => expected_mark_at_usd(&plan.market, contract, years, tenor),
        (true, None) => expected_inverse_basis(contract, years),
        (true, Some(tenor)) => expected_inverse_basis_at(contract, years, tenor),
    }
}

fn roll_cost_usd(legs: &Positions<'_>, h: usize, sizes: &[f64]) -> f64 {
    let plan = legs.plan;
    let hedge = &plan.hedges[h];
    let contract = &plan.market.contracts[hedge.contract];
    let Some(dated) = contract.dated() else {
        return 0.0;
    };
    let mut cost_usd = 0.0;
    for pair in dated.expiries.windows(2) {
        let Some(step) = pair[0].roll_step else {
            continue;
        };
        let years = f64::from(step) * plan.simulation.step_years();
        let size = sizes[step as usize].abs();
        for expiry in pair {
            let one_usd = notional_usd(plan, contract, years, Some(expiry.years - years));
            cost_usd += trade_cost_usd(plan, hedge, contract, size * one_usd, 0.0);
        }
    }
    cost_usd
}

fn exit_cost_usd(legs: &Positions<'_>, h: usize, sizes: &[f64]) -> f64 {
    let plan = legs.plan;
    let hedge = &plan.hedges[h];
    let contract = &plan.market.contracts[hedge.contract];
    let steps = plan.simulation.steps;
    if let Some(option) = contract.option() {
        return option_exit_cost_usd(legs, h, option.expiry_step <= steps);
    }
    let cost_usd = |size: f64, step: u32| {
        let years = f64::from(step) * plan.simulation.step_years();
        let notional_usd = size.abs() * notional_usd(plan, contract, years, None);
        trade_cost_usd(plan, hedge, contract, notional_usd, 0.0)
    };
    let settled = settlement_step(contract, steps);
    let end = settled.unwrap_or(steps);
    let mut total_usd = 0.0;
    for step in 1..end {
        let (before, after) = (sizes[step as usize], sizes[step as usize + 1]);
        if after.abs() < before.abs() {
            total_usd += cost_usd(before - after, step);
        }
    }
    let last = sizes[end as usize];
    total_usd
        + match settled {
            Some(step) => {
                let years = f64::from(step) * plan.simulation.step_years();
                let value_usd = last.abs() * notional_usd(plan, contract, years, Some(0.0));
                delivery_cost_usd(contract, value_usd, value_usd)
            }
            None => cost_usd(last, steps),
        }
}

/// An option's, at the value that it is bought at: the expectation of its settlement under its own volatility.
fn option_exit_cost_usd(legs: &Positions<'_>, h: usize, is_settled: bool) -> f64 {
    let plan = legs.plan;
    let (hedge, leg) = (&plan.hedges[h], &legs.legs[h]);
    let contract = &plan.market.contracts[hedge.contract];
    let value_usd = leg.size.abs() * leg.unit * legs.accounts[hedge.account].rate_usd;
    let underlying_usd = leg.size.abs() * plan.market.assets[contract.underlying].spot_usd;
    if is_settled {
        delivery_cost_usd(contract, value_usd, underlying_usd)
    } else if leg.size == 0.0 {
        0.0
    } else {
        trade_cost_usd(plan, hedge, contract, value_usd, underlying_usd)
    }
}

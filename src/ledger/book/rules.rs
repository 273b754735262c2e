//! What the general ledger needs of the plan, flat and ready.
//!
//! A position is a *leg*: a size `w` and the price `u` of a unit in the currency of its account, such that a move of `u` is
//! worth `-w du`. A linear future has `w = q` and `u = F`, an inverse one `w = -U` and `u = 1/F`, an option `w = q` and `u` its
//! value. So one arithmetic serves them all: equity is `cash - sum w u` with `cash = balance + sum w E`, and a notional is
//! `|w| u`. A hedge that switches between two contracts has a leg for each, one of them flat.

use crate::ledger::book::account_rule::{AccountRule, CreditRule, SlotRule};
use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::opening::open;
use crate::ledger::book::quiet_future::StepTerms;
use crate::ledger::book::schedule::Schedule;
use crate::ledger::book::state::State;
use crate::market::model::MarketModel;
use crate::outcome::layout::{Layout, venues};
use crate::plan::types::{
    ContractPlan, ContractSettlement, Crossing, Follows, FundingSource, HedgePlan, OrderPlan,
    OrderStyle, Plan, Rebalance, Rounding, StressPlan, SwitchPlan,
};

/// A duration may miss a whole number of steps by this rounding error.
const ROUNDING_FRAC: f64 = 1e-9;

/// Everything that is the same for all paths.
#[derive(Debug, Clone)]
pub struct BookRules {
    /// The plan's stored columns.
    pub(super) layout: Layout,
    pub(super) steps: usize,
    pub(super) step_days: f64,
    pub(super) step_years: f64,
    pub(super) crossing: Crossing,
    pub(super) slippage_frac: f64,
    pub(super) stress: StressPlan,
    /// Interest on net cash contributed, per step.
    pub(super) cost_of_funds_per_step: f64,
    /// Whether there is any hedge.
    pub(super) is_hedged: bool,
    pub(super) initial_spots_usd: Vec<f64>,
    pub(super) contracts: Vec<ContractRule>,
    /// Whether any leg may be in each contract.
    pub(super) is_held: Vec<bool>,
    pub(super) holdings: Vec<HoldingRule>,
    pub(super) hedges: Vec<HedgeRule>,
    pub(super) legs: Vec<LegRule>,
    pub(super) accounts: Vec<AccountRule>,
    pub(super) slots: Vec<SlotRule>,
    /// Every account's credit lines, one after the other.
    pub(super) credits: Vec<CreditRule>,
    pub(super) schedule: Schedule,
    pub(super) date_steps: Vec<u32>,
    pub(super) venues: usize,
    pub(super) liquidity_at_risk: bool,
    /// Steps of the windows of a day and of a week.
    pub(super) call_windows: [usize; 2],
    /// Everything at time 0.
    pub(super) opening: State,
    /// Hedged wealth at time 0, before costs.
    pub(super) initial_wealth_usd: f64,
    /// Coins bought for USD accounts in it.
    pub(super) initial_coins_usd: f64,
    /// Assets of which coins may be bought, lost or sold early.
    pub(super) may_have_extra: Vec<bool>,
    /// Whether something happens on every path at the end of each step.
    is_common: Vec<bool>,
    /// Whether that is rolls alone; shape `[steps + 1]`.
    rolls_alone: Vec<bool>,
    /// Number of steps without a common event after each step; all 0 where each step has to be taken alone.
    calm_steps: Vec<usize>,
    /// Whether any account's hedger looks at each step's end.
    is_watching: Vec<bool>,
    /// What each step is to each account, if steps can be taken at once; shape `[accounts][steps + 1]`.
    step_terms: Vec<Vec<StepTerms>>,
    /// Whether hedges look at the market, work orders in parts or grow at steps without a common event.
    decides_alone: bool,
}

/// One holding.
#[derive(Debug, Clone)]
pub(super) struct HoldingRule {
    pub(super) asset: usize,
    pub(super) initial_value_usd: f64,
}

/// One hedge.
#[derive(Debug, Clone)]
pub(super) struct HedgeRule {
    pub(super) leg: usize,
    /// Its leg in the contract that it switches to.
    pub(super) alternative: Option<usize>,
    pub(super) holding: usize,
    /// The held asset.
    pub(super) held: usize,
    pub(super) account: usize,
    pub(super) underlying: usize,
    pub(super) sign: f64,
    pub(super) hedge_ratio: f64,
    pub(super) coverage_frac: f64,
    pub(super) rebalance: Rebalance,
    pub(super) round: Option<Rounding>,
    pub(super) follows: Follows,
    pub(super) order: OrderPlan,
    pub(super) switch: Option<SwitchPlan>,
    pub(super) is_option: bool,
    /// Option legs that cover the same holding.
    pub(super) option_legs: Vec<usize>,
    /// Whether the planned size is the covered share of the followed quantity of the held asset, at all times.
    pub(super) tracks_exactly: bool,
}

/// One leg.
#[derive(Debug, Clone, Copy)]
pub(super) struct LegRule {
    pub(super) hedge: usize,
    pub(super) contract: usize,
    pub(super) account: usize,
    pub(super) is_option: bool,
}

impl BookRules {
    /// Flattens a plan.
    pub fn new(plan: &Plan, market: &MarketModel) -> Self {
        let simulation = &plan.simulation;
        let steps = simulation.steps as usize;
        let is_hedged = plan.hedges.iter().any(|hedge| !hedge.is_absent());
        let contracts = (0..plan.market.contracts.len())
            .map(|index| ContractRule::new(plan, market, index))
            .collect();
        let mut legs = Vec::new();
        let mut hedges = Vec::new();
        for (index, hedge) in plan.hedges.iter().enumerate() {
            hedges.push(HedgeRule::new(plan, index, hedge, &mut legs));
        }
        let option_legs = |holding: usize| {
            legs.iter()
                .enumerate()
                .filter(|(_, leg)| leg.is_option && plan.hedges[leg.hedge].covers == holding)
                .map(|(l, _)| l)
                .collect::<Vec<_>>()
        };
        for hedge in &mut hedges {
            hedge.option_legs = option_legs(hedge.holding);
        }
        let (mut slots, mut credits, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
        for (index, account) in plan.accounts.iter().enumerate() {
            let is_posted = plan
                .hedges
                .iter()
                .any(|hedge| hedge.account == index && !hedge.is_absent());
            let rule = AccountRule::new(
                plan,
                index,
                account,
                is_posted,
                &legs,
                &mut slots,
                &mut credits,
            );
            accounts.push(rule);
        }
        for account in &mut accounts {
            account.set_covariances(market, &legs, &slots, plan);
        }
        let window = |days: f64| whole_steps(days / simulation.step_days).clamp(1, steps);
        let mut rules = Self {
            layout: Layout::of(plan),
            steps,
            step_days: simulation.step_days,
            step_years: simulation.step_years(),
            crossing: simulation.crossing,
            slippage_frac: plan.execution_slippage_frac,
            stress: plan.stress,
            cost_of_funds_per_step: if is_hedged {
                plan.cost_of_funds_annual * simulation.step_years()
            } else {
                0.0
            },
            is_hedged,
            is_held: (0..plan.market.contracts.len())
                .map(|c| legs.iter().any(|leg| leg.contract == c))
                .collect(),
            initial_spots_usd: plan.market.assets.iter().map(|a| a.spot_usd).collect(),
            contracts,
            holdings: plan
                .holdings
                .iter()
                .map(|holding| HoldingRule {
                    asset: holding.asset,
                    initial_value_usd: holding.quantity_base
                        * plan.market.assets[holding.asset].spot_usd,
                })
                .collect(),
            hedges,
            legs,
            accounts,
            slots,
            credits,
            schedule: Schedule::new(plan),
            date_steps: plan.report.date_steps.clone(),
            venues: venues(plan).len(),
            liquidity_at_risk: plan.report.liquidity_at_risk,
            call_windows: [window(1.0), window(7.0)],
            opening: State::default(),
            initial_wealth_usd: 0.0,
            initial_coins_usd: 0.0,
            may_have_extra: vec![false; plan.market.assets.len()],
            is_common: Vec::new(),
            rolls_alone: Vec::new(),
            calm_steps: vec![0; steps + 1],
            is_watching: Vec::new(),
            step_terms: Vec::new(),
            decides_alone: true,
        };
        rules.set_extras();
        rules.opening = open(plan, &mut rules);
        rules.set_steps();
        rules
    }

    /// What happens at each step's end on every path, and what the steps are to accounts of which several can be taken at once.
    fn set_steps(&mut self) {
        let steps = self.steps;
        self.is_common = (0..=steps)
            .map(|step| self.has_common_event(step))
            .collect();
        self.rolls_alone = (0..=steps).map(|step| self.has_rolls_alone(step)).collect();
        self.decides_alone = self.follows_market();
        let is_watching = |step| self.accounts.iter().any(|rule| rule.is_watching(step));
        self.is_watching = (0..=steps).map(is_watching).collect();
        if self.has_passes() {
            self.step_terms = (0..self.accounts.len()).map(|a| self.terms_of(a)).collect();
            for step in (0..steps).rev() {
                if !self.is_common[step + 1] {
                    self.calm_steps[step] = self.calm_steps[step + 1] + 1;
                }
            }
        }
    }

    /// Whether quiet steps can be taken several at once: every account holds one future whose margin is that of its mark, and no
    /// size or inventory depends on the market.
    pub(super) fn has_passes(&self) -> bool {
        let is_plain = |leg: &LegRule| {
            let (account, contract) = (&self.accounts[leg.account], &self.contracts[leg.contract]);
            account.is_single
                && !contract.margins_entry
                && contract.is_inverse == account.coin.is_some()
        };
        !self.legs.is_empty()
            && self.accounts.iter().all(|account| account.is_single)
            && self.legs.iter().all(is_plain)
            && !self.follows_market()
    }

    /// Whether a hedge decides or an inventory grows at steps without a common event.
    fn follows_market(&self) -> bool {
        let follows = |hedge: &HedgeRule| {
            hedge.band().is_some() || hedge.delta_band().is_some() || hedge.switch.is_some()
        };
        self.hedges.iter().any(follows)
            || (0..self.holdings.len()).any(|j| self.schedule.has_staking(j))
    }

    /// What each step is to account `a`, which holds one future.
    fn terms_of(&self, a: usize) -> Vec<StepTerms> {
        let contract = &self.contracts[self.legs[self.accounts[a].legs[0]].contract];
        let factors = contract.clearances.iter().zip(&contract.shifts);
        factors
            .enumerate()
            .map(|(step, (&clearance, &shift))| {
                StepTerms::new(clearance, shift, self.is_looked_at(a, step))
            })
            .collect()
    }

    /// What the steps are to account `a`; shape `[steps + 1]`.
    pub(super) fn step_terms(&self, a: usize) -> &[StepTerms] {
        &self.step_terms[a]
    }

    /// Whether nothing is traded at the end of `step` where no order is being worked.
    pub(super) fn has_no_trades(&self, step: usize) -> bool {
        !self.decides_alone && !self.is_common[step]
    }

    /// Number of steps without a common event after `step` that may be taken at once.
    pub(super) fn calm_steps(&self, step: usize) -> usize {
        self.calm_steps[step]
    }

    /// Whether a hedger with a margin policy looks at account `a` at the end of `step`; at the horizon nobody does.
    pub(super) fn is_looked_at(&self, a: usize, step: usize) -> bool {
        let account = &self.accounts[a];
        account.margin_call.is_some() && account.is_watching(step) && step < self.steps
    }

    /// Marks the assets of which coins may be had, or lack, beside the inventory.
    fn set_extras(&mut self) {
        for slot in &self.slots {
            self.may_have_extra[slot.asset] |= self.accounts[slot.account].coin.is_none();
        }
        for account in &self.accounts {
            for source in &account.sources {
                if let FundingSource::Inventory { holding, .. } = source {
                    self.may_have_extra[self.holdings[*holding].asset] = true;
                }
            }
        }
    }

    /// Whether any account's hedger looks at the end of `step`: a watching moment of wealth.
    pub(super) fn is_watching(&self, step: usize) -> bool {
        self.is_watching[step]
    }

    /// Whether something happens on every path at the end of `step`.
    pub(super) fn is_common(&self, step: usize) -> bool {
        self.is_common[step]
    }

    /// Value of a unit of an account's currency at time 0, USD.
    pub(super) fn initial_rate_usd(&self, a: usize) -> f64 {
        let coin = self.accounts[a].coin;
        coin.map_or(1.0, |asset| self.initial_spots_usd[asset])
    }

    /// Whether rolls are all that happens on every path at the end of `step`, and no hedge looks at the market.
    pub(super) fn rolls_alone(&self, step: usize) -> bool {
        self.rolls_alone[step]
    }

    fn has_common_event(&self, step: usize) -> bool {
        self.has_event_beside_rolls(step) || self.has_roll(step)
    }

    fn has_rolls_alone(&self, step: usize) -> bool {
        self.has_roll(step) && !self.has_event_beside_rolls(step) && !self.follows_market()
    }

    fn has_roll(&self, step: usize) -> bool {
        let mut legs = self.legs.iter();
        legs.any(|leg| self.contracts[leg.contract].is_rolled(step))
    }

    fn has_event_beside_rolls(&self, step: usize) -> bool {
        let mut legs = self.legs.iter();
        step == self.steps
            || self.schedule.has_trade(step)
            || self.date_steps.iter().any(|&date| date as usize == step)
            || self.hedges.iter().any(|hedge| hedge.is_periodic(step))
            || legs.any(|leg| self.contracts[leg.contract].is_settled(step))
    }
}

impl HedgeRule {
    fn new(plan: &Plan, index: usize, hedge: &HedgePlan, legs: &mut Vec<LegRule>) -> Self {
        let contract = &plan.market.contracts[hedge.contract];
        let holding = &plan.holdings[hedge.covers];
        let is_option = contract.option().is_some();
        let mut add = |contract: usize| {
            legs.push(LegRule {
                hedge: index,
                contract,
                account: hedge.account,
                is_option,
            });
            legs.len() - 1
        };
        let leg = add(hedge.contract);
        let alternative = hedge.switch.map(|switch| add(switch.to));
        let is_absent = hedge.is_absent();
        Self {
            leg,
            alternative,
            holding: hedge.covers,
            held: holding.asset,
            account: hedge.account,
            underlying: contract.underlying,
            sign: hedge.position.sign(),
            hedge_ratio: hedge.hedge_ratio,
            coverage_frac: if is_absent || is_option {
                0.0
            } else {
                hedge.coverage_frac
            },
            rebalance: if is_absent || is_option {
                Rebalance::Never
            } else {
                hedge.rebalance
            },
            round: hedge.round,
            follows: hedge.follows,
            order: hedge.order,
            switch: hedge.switch,
            is_option,
            option_legs: Vec::new(),
            tracks_exactly: tracks_exactly(plan, hedge, contract),
        }
    }

    /// Whether a periodic rebalancing falls on the end of `step`.
    pub(super) fn is_periodic(&self, step: usize) -> bool {
        match self.rebalance {
            Rebalance::Every { steps } => step.is_multiple_of(steps as usize),
            Rebalance::Never | Rebalance::Band { .. } | Rebalance::DeltaBand { .. } => false,
        }
    }

    /// Width of the band, if the rule is one on size alone.
    pub(super) fn band(&self) -> Option<f64> {
        match self.rebalance {
            Rebalance::Band { width } => Some(width),
            Rebalance::Never | Rebalance::Every { .. } | Rebalance::DeltaBand { .. } => None,
        }
    }

    /// Width of the band, if the rule is one on size and option deltas.
    pub(super) fn delta_band(&self) -> Option<f64> {
        match self.rebalance {
            Rebalance::DeltaBand { width } => Some(width),
            Rebalance::Never | Rebalance::Every { .. } | Rebalance::Band { .. } => None,
        }
    }
}

/// Whether the planned size is exactly the covered share of what is followed, at all times.
fn tracks_exactly(plan: &Plan, hedge: &HedgePlan, contract: &ContractPlan) -> bool {
    let holding = &plan.holdings[hedge.covers];
    let settles = contract.dated().is_some_and(|dated| {
        let last = dated.expiries[dated.expiries.len() - 1];
        last.step < plan.simulation.steps
    });
    contract.underlying == holding.asset
        && contract.settlement == ContractSettlement::Linear
        && !settles
        && holding.staking_yield_annual == 0.0
        && hedge.opened.is_none()
        && hedge.round.is_none()
        && hedge.switch.is_none()
        && hedge.position.sign() > 0.0
        && !matches!(hedge.rebalance, Rebalance::DeltaBand { .. })
        && !matches!(hedge.order.style, OrderStyle::Twap { parts } if parts > 1)
        && hedge.coverage_frac.to_bits() == hedge.hedge_ratio.to_bits()
}

/// Whole steps in a duration of so many, a rounding error short of one included.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of steps, clamped by the caller"
)]
fn whole_steps(steps: f64) -> usize {
    (steps * (1.0 + ROUNDING_FRAC)).floor() as usize
}

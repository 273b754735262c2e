//! What the general ledger needs of the plan, flat and ready.
//!
//! A position is a *leg*: a size `w` and the price `u` of a unit in the currency of its account, such that a move of `u` is
//! worth `-w du`. A linear future has `w = q` and `u = F`, an inverse one `w = -U` and `u = 1/F`, an option `w = q` and `u` its
//! value. So one arithmetic serves them all: equity is `cash - sum w u` with `cash = balance + sum w E`, and a notional is
//! `|w| u`. A hedge that switches between two contracts has a leg for each, one of them flat.

use crate::ledger::book::opening::open;
use crate::ledger::book::schedule::Schedule;
use crate::ledger::book::state::State;
use crate::market::covariance::Factor;
use crate::market::model::MarketModel;
use crate::math::random::SMALLEST_UNIFORM_32;
use crate::math::vector::{exp, ln};
use crate::outcome::layout::{Layout, venue_of, venues};
use crate::plan::types::{
    AccountPlan, AfterLiquidation, ContractKind, ContractPlan, ContractSettlement, Crossing,
    DatedPlan, Follows, FundingPlan, FundingSource, HedgePlan, LiquidityPlan, MarginCallPlan,
    OptionPlan, OrderPlan, Plan, Rebalance, Rounding, SettlementCurrency, StressPlan, SwitchPlan,
};
use crate::venue::rules::{ContractRules, MaintenanceAt, Remainder};

/// Room for rounding beside a price that is tested instead of many.
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
}

/// One contract.
#[derive(Debug, Clone)]
pub(super) struct ContractRule {
    pub(super) kind: ContractKind,
    pub(super) underlying: usize,
    pub(super) is_inverse: bool,
    pub(super) contract_size: Option<f64>,
    pub(super) liquidity: LiquidityPlan,
    pub(super) venue: ContractRules,
    /// Whether maintenance margin is that of the notional at the entry price.
    pub(super) margins_entry: bool,
    pub(super) initial_mark_usd: f64,
    /// Variance of the diffusive `ln F` over each step; index 0 unused.
    pub(super) variances: Vec<f64>,
    /// A bridge without jumps, both of whose ends are clear of the level by this factor, cannot cross; by step.
    pub(super) clearances: Vec<f64>,
    /// Factor on the mark for the required collateral, by step.
    pub(super) shifts: Vec<f64>,
    /// Of a dated future.
    pub(super) chain: Option<ChainRule>,
    /// Factor from the rate of one funding interval to that of 8 hours.
    pub(super) per_8h: f64,
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

/// One account.
#[derive(Debug, Clone)]
pub(super) struct AccountRule {
    /// The coin it is kept in; `None`: USD.
    pub(super) coin: Option<usize>,
    pub(super) legs: Vec<usize>,
    pub(super) hedges: Vec<usize>,
    /// Its coins: indices of [`BookRules::slots`].
    pub(super) slots: std::ops::Range<usize>,
    /// Its credit lines: indices of [`BookRules::credits`].
    pub(super) credits: std::ops::Range<usize>,
    pub(super) sources: Vec<FundingSource>,
    pub(super) leaves_at: Option<Vec<u32>>,
    pub(super) margin_call: Option<MarginCallPlan>,
    pub(super) liquidation_slippage_frac: f64,
    pub(super) after_liquidation: AfterLiquidation,
    pub(super) remainder: Remainder,
    /// Cash at time 0 without coins; 0 where nothing is hedged.
    pub(super) collateral_usd: f64,
    pub(super) reserve_usd: f64,
    pub(super) venue: usize,
    /// Value at time 0 before costs, coins in USD accounts and what holdings have posted aside.
    pub(super) initial_value_usd: f64,
    /// Whether it holds one future and nothing else that moves, whatever happens.
    pub(super) is_single: bool,
    /// Covariances of its factors, the marks of its legs (an option: the spot) and the spots of its coins, by step:
    /// shape `[steps + 1][factors][factors]`. Empty if `is_single`.
    pub(super) covariances: Vec<f64>,
    pub(super) factors: usize,
}

/// Coins in an account at time 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotRule {
    pub(super) account: usize,
    pub(super) asset: usize,
    pub(super) quantity_base: f64,
    pub(super) holding: Option<usize>,
    /// Share of their value that margin counts.
    pub(super) counted_frac: f64,
}

/// One credit line.
#[derive(Debug, Clone, Copy)]
pub(super) struct CreditRule {
    pub(super) limit_usd: f64,
    pub(super) rate_per_step: f64,
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
        };
        rules.set_extras();
        rules.opening = open(plan, &mut rules);
        rules.is_common = (0..=steps)
            .map(|step| rules.has_common_event(step))
            .collect();
        rules
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
        self.accounts
            .iter()
            .any(|account| account.is_watching(step))
    }

    /// Whether something happens on every path at the end of `step`.
    pub(super) fn is_common(&self, step: usize) -> bool {
        self.is_common[step]
    }

    fn has_common_event(&self, step: usize) -> bool {
        step == self.steps
            || self.schedule.has_trade(step)
            || self.date_steps.iter().any(|&date| date as usize == step)
            || self.hedges.iter().any(|hedge| hedge.is_periodic(step))
            || self.legs.iter().any(|leg| {
                let contract = &self.contracts[leg.contract];
                contract.is_rolled(step) || contract.is_settled(step)
            })
    }
}

impl ContractRule {
    fn new(plan: &Plan, market: &MarketModel, index: usize) -> Self {
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
        let shift = |variance: &f64| {
            if is_bridge {
                exp(crate::ledger::rules::CONTINUITY_CORRECTION * variance.sqrt())
            } else {
                1.0
            }
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
            venue: contract.rules.clone(),
            margins_entry: is_inverse && contract.rules.maintenance_at == MaintenanceAt::Entry,
            initial_mark_usd: plan.market.assets[contract.underlying].spot_usd
                * exp(contract.initial_basis()),
            clearances: variances.iter().map(reach).collect(),
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

    /// Rate that the trigger adds to the maintenance margin; 0 of an option.
    pub(super) fn trigger_fee_frac(&self) -> f64 {
        if self.option().is_some() {
            0.0
        } else {
            self.venue.trigger_fee_frac()
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
        && !matches!(hedge.order.style, crate::plan::types::OrderStyle::Twap { parts } if parts > 1)
        && hedge.coverage_frac.to_bits() == hedge.hedge_ratio.to_bits()
}

impl AccountRule {
    fn new(
        plan: &Plan,
        index: usize,
        account: &AccountPlan,
        is_posted: bool,
        all_legs: &[LegRule],
        slots: &mut Vec<SlotRule>,
        credits: &mut Vec<CreditRule>,
    ) -> Self {
        let first_slot = slots.len();
        for coins in account.coins.iter().filter(|_| is_posted) {
            slots.push(SlotRule {
                account: index,
                asset: coins.asset,
                quantity_base: coins.quantity_base,
                holding: coins.holding,
                counted_frac: 1.0 - coins.haircut_frac,
            });
        }
        let first_credit = credits.len();
        for source in &account.sources {
            if let FundingSource::CreditLine {
                limit_usd,
                rate_annual,
            } = *source
            {
                credits.push(CreditRule {
                    limit_usd,
                    rate_per_step: rate_annual * plan.simulation.step_years(),
                });
            }
        }
        let of_account = |leg: &LegRule| leg.account == index;
        let legs: Vec<usize> = (0..all_legs.len())
            .filter(|&l| of_account(&all_legs[l]))
            .collect();
        let hedges: Vec<usize> = (0..plan.hedges.len())
            .filter(|&h| plan.hedges[h].account == index)
            .collect();
        let remainder = legs.first().map_or(Remainder::Returned, |&l| {
            plan.market.contracts[all_legs[l].contract].rules.remainder
        });
        let coin = match account.settlement {
            SettlementCurrency::Usd => None,
            SettlementCurrency::Coin { asset } => Some(asset),
        };
        let slots = first_slot..slots.len();
        let is_single =
            legs.len() == 1 && !all_legs[legs[0]].is_option && (coin.is_some() || slots.is_empty());
        Self {
            coin,
            factors: legs.len() + if coin.is_none() { slots.len() } else { 0 },
            legs,
            hedges,
            slots,
            credits: first_credit..credits.len(),
            sources: account.sources.clone(),
            leaves_at: account.leaves_at.clone(),
            margin_call: account.margin_call,
            liquidation_slippage_frac: account.liquidation_slippage_frac,
            after_liquidation: account.after_liquidation,
            remainder,
            collateral_usd: if is_posted {
                account.collateral_usd
            } else {
                0.0
            },
            reserve_usd: if is_posted { account.reserve_usd } else { 0.0 },
            venue: venue_of(plan, index),
            initial_value_usd: 0.0,
            is_single,
            covariances: Vec::new(),
        }
    }

    /// Fills in the covariances of its factors.
    fn set_covariances(
        &mut self,
        market: &MarketModel,
        legs: &[LegRule],
        slots: &[SlotRule],
        plan: &Plan,
    ) {
        if self.is_single {
            return;
        }
        let marks = self
            .legs
            .iter()
            .map(|&l| Factor::Mark(legs[l].contract))
            .collect::<Vec<_>>();
        let spots = self
            .slots
            .clone()
            .filter(|_| self.coin.is_none())
            .map(|s| Factor::Spot(slots[s].asset));
        let factors: Vec<Factor> = marks.into_iter().chain(spots).collect();
        for step in 0..=plan.simulation.steps as usize {
            for &a in &factors {
                for &b in &factors {
                    self.covariances.push(market.covariance(step.max(1), a, b));
                }
            }
        }
    }

    /// Covariances of the factors over `step`, shape `[factors][factors]`.
    pub(super) fn covariance(&self, step: usize) -> &[f64] {
        let size = self.factors * self.factors;
        &self.covariances[step * size..][..size]
    }

    /// Whether the hedger looks at the end of `step` (counted from 1).
    pub(super) fn is_watching(&self, step: usize) -> bool {
        self.margin_call.is_none_or(|call| {
            call.every_steps == 1 || step.is_multiple_of(call.every_steps as usize)
        })
    }
}

/// A number of steps as the plan writes it.
fn address(step: usize) -> Option<u32> {
    u32::try_from(step).ok()
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

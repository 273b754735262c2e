//! A hedge: its size at time 0, and whether the venue takes it.

use crate::plan::coverage::default_coverage;
use crate::plan::resolve::grid::Grid;
use crate::plan::resolve::position::{Notional, bracket_in_words, over_cap};
use crate::plan::resolve::refusal::{Refusal, noted_index};
use crate::plan::resolve::words::{usd, usd_rounded_up};
use crate::plan::types::{
    AccountPlan, ContractPlan, Follows, HedgePlan, HoldingPlan, MarketPlan, OpenedHedge, OrderPlan,
    Position, Rebalance,
};
use crate::scenario::hedge::{Hedge, Opened, RebalanceChoice};
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::whole::Scenario;

/// What a hedge refers to.
#[derive(Debug)]
pub struct Context<'a> {
    /// The scenario, for names and places.
    pub scenario: &'a Scenario,
    /// The market, resolved.
    pub market: &'a MarketPlan,
    /// The holdings, resolved.
    pub holdings: &'a [HoldingPlan],
    /// The accounts, resolved.
    pub accounts: &'a [AccountPlan],
    /// The grid of steps.
    pub grid: &'a Grid,
}

/// Resolves one hedge.
pub fn hedge(hedge: &Hedge, context: &Context<'_>, sink: &Sink) -> Option<HedgePlan> {
    let Hedge {
        place: _,
        contract,
        account,
        covers,
        ratio,
        coverage,
        opened: given_opened,
        rebalance: given_rebalance,
    } = hedge;
    let market = context.market;
    let find = |given, names: &[&str], home| noted_index(given, names, home, sink);
    let contracts: Vec<&str> = market
        .contracts
        .iter()
        .map(|contract| contract.name.as_str())
        .collect();
    let accounts: Vec<&str> = context
        .accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    let held: Vec<&str> = context
        .holdings
        .iter()
        .map(|holding| market.assets[holding.asset].name.as_str())
        .collect();
    let contract_index = find(contract, &contracts, "under [contracts]");
    let account_index = find(account, &accounts, "under [accounts]");
    let covers_index = find(covers, &held, "among the assets of [[holdings]]");
    let rebalance = rebalance(given_rebalance.as_ref(), context.grid, sink);
    let (contract, account, covers) = (contract_index?, account_index?, covers_index?);

    let at_venue = &context.scenario.contracts[contract].venue;
    let account_venue = &context.scenario.accounts[account].venue;
    if !is_at_same_venue(
        &market.contracts[contract].name,
        at_venue,
        account_venue,
        sink,
    ) {
        return None;
    }
    let underlying = market.contracts[contract].underlying;
    let holding = &context.holdings[covers];
    let hedge_ratio = ratio.value.0;
    let plan = HedgePlan {
        contract,
        account,
        covers,
        hedge_ratio,
        coverage_frac: match coverage {
            Some(given) => given.value.0,
            None => default_coverage(market, holding.asset, underlying, hedge_ratio),
        },
        rebalance: rebalance?,
        position: Position::Short,
        round: None,
        follows: Follows::Inventory,
        switch: None,
        order: OrderPlan::TAKER,
        opened: given_opened.as_ref().map(
            |Opened {
                 price_usd,
                 quantity,
             }| OpenedHedge {
                price_usd: price_usd.value.0,
                quantity_base: quantity.value.0,
            },
        ),
    };
    is_taken_by_venue(hedge, &plan, context, sink).then_some(plan)
}

/// Whether an account is at the venue of a contract; else that is noted.
pub fn is_at_same_venue(
    contract: &str,
    at_venue: &Given<String>,
    account_venue: &Given<String>,
    sink: &Sink,
) -> bool {
    let is_same = at_venue.value == account_venue.value;
    if !is_same {
        let allowed = format!("\"{}\", the venue of `{contract}`", at_venue.value);
        let reason = "an account margins the contracts of its own venue";
        sink.push(Refusal::does_not_fit(account_venue, allowed, reason));
    }
    is_same
}

fn rebalance(given: Option<&RebalanceChoice>, grid: &Grid, sink: &Sink) -> Option<Rebalance> {
    match given {
        None | Some(RebalanceChoice::Never) => Some(Rebalance::Never),
        Some(RebalanceChoice::Every(every)) => grid
            .steps(every, sink)
            .map(|steps| Rebalance::Every { steps }),
        Some(RebalanceChoice::Band(width)) => Some(Rebalance::Band {
            width: width.value.0,
        }),
    }
}

/// Refuses what the venue would refuse.
fn is_taken_by_venue(hedge: &Hedge, plan: &HedgePlan, context: &Context<'_>, sink: &Sink) -> bool {
    let contract = &context.market.contracts[plan.contract];
    // Options are not margined by brackets.
    if plan.is_absent() || contract.option().is_some() {
        return true;
    }
    let mark_usd = mark_usd(contract, context.market);
    let problem = if let Some(opened) = plan.opened {
        opened_beyond_trigger(hedge, plan, &opened, mark_usd, context)
    } else {
        let holding = &context.holdings[plan.covers];
        let held_spot_usd = context.market.assets[holding.asset].spot_usd;
        let underlying_spot_usd = context.market.assets[contract.underlying].spot_usd;
        // 1 where the held asset is the underlying: then q = h Q to the last bit.
        let prices = held_spot_usd / underlying_spot_usd;
        let short_base = plan.hedge_ratio * holding.quantity_base * prices;
        cannot_open(hedge, plan, short_base, context)
    };
    let is_taken = problem.is_none();
    if let Some(problem) = problem {
        sink.push(problem);
    }
    is_taken
}

fn mark_usd(contract: &ContractPlan, market: &MarketPlan) -> f64 {
    market.assets[contract.underlying].spot_usd * contract.initial_basis().exp()
}

fn cannot_open(
    hedge: &Hedge,
    plan: &HedgePlan,
    short_base: f64,
    context: &Context<'_>,
) -> Option<Problem> {
    let contract = &context.market.contracts[plan.contract];
    let rules = &contract.rules;
    let notional = Notional::at_start(contract, context.market, short_base);
    if let Some(refusal) = over_cap(rules, &notional, &context.accounts[plan.account].venue) {
        return Some(refusal.at(hedge.ratio.place));
    }
    let needed_usd = rules.initial_margin_usd(notional.amount) * notional.unit_usd;
    if context.accounts[plan.account].collateral_usd < needed_usd {
        let collateral = &context.scenario.accounts[plan.account].collateral_usd;
        let refusal = Refusal::UnderInitialMargin {
            path: collateral.path.clone(),
            written: collateral.written.clone(),
            needed: usd_rounded_up(needed_usd),
            notional: notional.words(),
            unit: notional.unit.clone(),
            bracket: bracket_in_words(rules, notional.amount),
        };
        return Some(refusal.at(collateral.place));
    }
    None
}

fn opened_beyond_trigger(
    hedge: &Hedge,
    plan: &HedgePlan,
    opened: &OpenedHedge,
    mark_usd: f64,
    context: &Context<'_>,
) -> Option<Problem> {
    let rules = &context.market.contracts[plan.contract].rules;
    let notional_usd = opened.quantity_base * mark_usd;
    let unrealised_usd = opened.quantity_base * (opened.price_usd - mark_usd);
    let equity_usd = context.accounts[plan.account].collateral_usd + unrealised_usd;
    let trigger_usd =
        rules.maintenance_margin_usd(notional_usd) + rules.trigger_fee_frac() * notional_usd;
    if equity_usd > trigger_usd {
        return None;
    }
    let refusal = Refusal::AlreadyLiquidated {
        path: format!("{}.opened", hedge.place.path),
        equity: usd(equity_usd),
        trigger: usd(trigger_usd),
        bracket: bracket_in_words(rules, notional_usd),
    };
    Some(refusal.at(context.scenario.accounts[plan.account].collateral_usd.place))
}

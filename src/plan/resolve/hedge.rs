//! A hedge: its side and size, its policies, and whether its contract takes them.

use crate::plan::coverage::default_coverage;
use crate::plan::pilot::{PilotPlan, RatioEstimate};
use crate::plan::resolve::grid::Grid;
use crate::plan::resolve::links::{Link, kind_in_words};
use crate::plan::resolve::order::order;
use crate::plan::resolve::ratio::{Found, Of, ratio, rounding};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::switch::switch;
use crate::plan::types::{
    ContractKind, Follows, HedgePlan, HoldingPlan, MarketPlan, OpenedHedge, Position, Rebalance,
};
use crate::scenario::execution::Execution;
use crate::scenario::hedge::{FollowsChoice, Hedge, Opened, PositionChoice, RebalanceChoice};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;

/// What hedges are resolved against.
#[derive(Debug)]
pub struct Context<'a> {
    /// The setting: names, the grid, notes, problems.
    pub setting: &'a Setting<'a>,
    /// `[execution]`.
    pub execution: Option<&'a Execution>,
    /// The market, resolved.
    pub market: &'a MarketPlan,
    /// The holdings, resolved.
    pub holdings: &'a [HoldingPlan],
    /// Ratios that a pilot simulation has found, each with the index of its hedge.
    pub estimates: &'a [(usize, RatioEstimate)],
}

/// A hedge, and the question that a pilot simulation has to answer before its ratio is one; until then it is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolved {
    /// The hedge.
    pub plan: HedgePlan,
    /// The question.
    pub ask: Option<PilotPlan>,
}

/// Resolves the hedge of an index.
pub fn hedge(
    (index, hedge): (usize, &Hedge),
    link: &Link,
    context: &Context<'_>,
) -> Option<Resolved> {
    let Hedge {
        place: _,
        contract: _,
        account: _,
        covers: _,
        position,
        ratio: given_ratio,
        coverage,
        opened,
        rebalance: given_rebalance,
        follows,
        roll: _,
        switch: given_switch,
        order: _,
        style: _,
    } = hedge;
    let (setting, market) = (context.setting, context.market);
    let contract = &market.contracts[link.contract];
    let fits = fits_kind(hedge, link, market, setting.sink);
    let position = match position.as_ref().map(|given| given.value) {
        None | Some(PositionChoice::Short) => Position::Short,
        Some(PositionChoice::Long) => Position::Long,
    };
    let follows = match follows.as_ref().map(|given| given.value) {
        None | Some(FollowsChoice::Inventory) => Follows::Inventory,
        Some(FollowsChoice::Expected) => Follows::Expected,
    };
    let holding = &context.holdings[link.covers];
    let order = order(hedge, context.execution, &contract.kind, setting);
    let round = rounding(given_ratio, contract, context);
    let switch = match given_switch {
        None => Some(None),
        Some(given) => switch(given, link, market, setting).map(Some),
    };
    let rebalance = rebalance(given_rebalance.as_ref(), setting.grid, setting.sink)?;
    let of = Of {
        hedge: index,
        position,
        rebalance,
        link,
        followed_base: holding.followed_base(follows),
    };
    let found = ratio(given_ratio, of, context);
    let (hedge_ratio, ask) = match found? {
        Found::Ratio(ratio) => (ratio, None),
        Found::Ask(question) => (0.0, Some(question)),
    };
    let plan = HedgePlan {
        contract: link.contract,
        account: link.account,
        covers: link.covers,
        hedge_ratio,
        coverage_frac: match coverage {
            Some(given) => given.value.0,
            None => default_coverage(market, holding.asset, contract, hedge_ratio, position),
        },
        rebalance,
        position,
        round: round?,
        follows,
        switch: switch?,
        order: order?,
        opened: opened.as_ref().map(
            |Opened {
                 price_usd,
                 quantity,
             }| OpenedHedge {
                price_usd: price_usd.value.0,
                quantity_base: quantity.value.0,
            },
        ),
    };
    fits.then_some(Resolved { plan, ask })
}

/// Whether the policies of a hedge have a meaning with its contract; what has none is noted.
fn fits_kind(hedge: &Hedge, link: &Link, market: &MarketPlan, sink: &Sink) -> bool {
    let contract = &market.contracts[link.contract];
    let reason = format!("{} is {}", contract.name, kind_in_words(&contract.kind));
    let mut fits = true;
    let mut refuse = |problem| {
        sink.push(problem);
        fits = false;
    };
    if let Some(roll) = &hedge.roll
        && contract.dated().is_none()
        && hedge.switch.is_none()
    {
        let allowed = "with a dated future";
        refuse(Refusal::out_of_place(&roll.given, allowed, reason.as_str()));
    }
    if matches!(contract.kind, ContractKind::Option(_)) {
        let reason = "the size of an option is fixed at time 0";
        if let Some(given) = rebalancing(hedge.rebalance.as_ref()) {
            refuse(Refusal::out_of_place(&given, "with a future", reason));
        }
        if let Some(Opened { price_usd, .. }) = &hedge.opened {
            refuse(Refusal::out_of_place(price_usd, "with a future", reason));
        }
    }
    fits
}

/// Where a rule of rebalancing stands; `None` for never.
fn rebalancing(given: Option<&RebalanceChoice>) -> Option<Given<()>> {
    let (place, path) = match given? {
        RebalanceChoice::Never => return None,
        RebalanceChoice::Every(every) => (every.place, &every.path),
        RebalanceChoice::Band(width) | RebalanceChoice::DeltaBand(width) => {
            (width.place, &width.path)
        }
    };
    Some(Given {
        value: (),
        place,
        path: path.clone(),
        written: String::new(),
    })
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
        Some(RebalanceChoice::DeltaBand(width)) => Some(Rebalance::DeltaBand {
            width: width.value.0,
        }),
    }
}

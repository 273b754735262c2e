//! The ratio of a hedge: a number known before the first path, with its origin.

use crate::plan::least_variance;
use crate::plan::pilot::{PILOT_PATHS, PilotPlan, RatioEstimate};
use crate::plan::resolve::beta::beta;
use crate::plan::resolve::hedge::Context;
use crate::plan::resolve::links::{Link, kind_in_words};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::words::{amount, short};
use crate::plan::types::{
    ContractPlan, ContractSettlement, DAYS_PER_YEAR, Position, Rebalance, Rounding,
};
use crate::scenario::place::Given;
use crate::scenario::ratio::{Over, Ratio, RatioChoice, RoundChoice};

/// The largest ratio: more than ten times the holding is no hedge of it.
const LARGEST: f64 = 10.0;

/// A ratio, or the question that a pilot simulation has to answer first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// The ratio.
    Ratio(f64),
    /// It takes a pilot.
    Ask(PilotPlan),
}

/// The hedge that a ratio is of.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// Its index.
    pub hedge: usize,
    /// Its side.
    pub position: Position,
    /// When it is set anew.
    pub rebalance: Rebalance,
    /// What it refers to.
    pub link: &'a Link,
    /// The quantity that it follows at time 0, base units.
    pub followed_base: f64,
}

/// The ratio of a hedge; `None` where a problem was noted.
pub fn ratio(given: &Ratio, of: Of<'_>, context: &Context<'_>) -> Option<Found> {
    let Ratio {
        given: place,
        choice,
        round: _,
    } = given;
    let market = context.market;
    let contract = &market.contracts[of.link.contract];
    let held = context.holdings[of.link.covers].asset;
    let (found, origin) = match choice {
        RatioChoice::Fixed(number) | RatioChoice::Beta(number) => {
            return Some(Found::Ratio(number.value.0));
        }
        RatioChoice::Contracts(count) => {
            let ratio = of_contracts(count, of, contract, context)?;
            let origin = format!("{} contracts at time 0", short(count.value));
            (exactly(ratio), origin)
        }
        RatioChoice::BetaFromHistory(history) => {
            let underlying = &market.assets[contract.underlying].name;
            let found = beta(
                history,
                &market.assets[held].name,
                underlying,
                context.setting.sink,
            )?;
            let estimate = RatioEstimate {
                // A long position covers what moves against the underlying.
                ratio: of.position.sign() * found.slope.slope,
                std_error: Some(found.slope.std_error),
            };
            (estimate, found.origin)
        }
        RatioChoice::MinimumVariance { over } => {
            let steps = steps(over.as_ref(), place, of, contract, context)?;
            let span = context.setting.grid.time(steps);
            let years = span.days() / DAYS_PER_YEAR;
            let closed = least_variance::ratio(market, held, of.link.contract, of.position, years);
            let piloted = context
                .estimates
                .iter()
                .find(|(hedge, _)| *hedge == of.hedge);
            match (closed, piloted) {
                (Some(ratio), _) => {
                    let origin = format!("the ratio of least variance over {span}, in closed form");
                    (exactly(ratio), origin)
                }
                (None, Some((_, estimate))) => {
                    let origin = format!(
                        "the ratio of least variance over {span}, from a pilot of {} paths",
                        amount(PILOT_PATHS as f64)
                    );
                    (*estimate, origin)
                }
                (None, None) => {
                    return Some(Found::Ask(PilotPlan {
                        hedge: of.hedge,
                        held,
                        contract: of.link.contract,
                        position: of.position,
                        steps,
                    }));
                }
            }
        }
    };
    checked(found, &origin, place, of, context)
}

fn exactly(ratio: f64) -> RatioEstimate {
    RatioEstimate {
        ratio,
        std_error: None,
    }
}

/// The ratio if it is one of a hedge, noted for the report; else that is refused.
fn checked(
    found: RatioEstimate,
    origin: &str,
    place: &Given<()>,
    of: Of<'_>,
    context: &Context<'_>,
) -> Option<Found> {
    let RatioEstimate { ratio, std_error } = found;
    let error = std_error.map_or(String::new(), |error| {
        format!(", standard error {}", short(error))
    });
    if !(0.0..=LARGEST).contains(&ratio) {
        let refusal = Refusal::ComesTo {
            path: place.path.clone(),
            value: format!("{}{error}", short(ratio)),
            allowed: format!("0 to {LARGEST} (hedge over holding, in value)"),
            reason: if ratio < 0.0 {
                "it would take the other `position`".to_owned()
            } else {
                "more than ten times the holding is no hedge of it".to_owned()
            },
        };
        context.setting.sink.push(refusal.at(place.place));
        return None;
    }
    context.setting.notes.add(format!(
        "The ratio of hedge {} ({}) is {}{error}: {origin}.",
        of.hedge + 1,
        context.market.contracts[of.link.contract].name,
        short(ratio)
    ));
    Some(Found::Ratio(ratio))
}

/// `h` of a number of contracts at time 0, from `q H = h X S`.
fn of_contracts(
    count: &Given<f64>,
    of: Of<'_>,
    contract: &ContractPlan,
    context: &Context<'_>,
) -> Option<f64> {
    let size = contract_size(count, contract, context)?;
    if of.followed_base <= 0.0 {
        let allowed = "with an inventory at time 0";
        let reason = "there is nothing yet to which they relate; ratio.fixed is of what will be";
        context
            .setting
            .sink
            .push(Refusal::out_of_place(count, allowed, reason));
        return None;
    }
    let market = context.market;
    let held = &market.assets[context.holdings[of.link.covers].asset];
    let spot_usd = market.assets[contract.underlying].spot_usd;
    let size_base = match contract.settlement {
        ContractSettlement::Inverse if contract.option().is_none() => {
            count.value * size / (spot_usd * contract.initial_basis().exp())
        }
        ContractSettlement::Linear | ContractSettlement::Inverse => count.value * size,
    };
    Some(size_base * spot_usd / (of.followed_base * held.spot_usd))
}

/// The size of one contract; where it has none that is noted at what needs it.
fn contract_size<T>(
    needed_by: &Given<T>,
    contract: &ContractPlan,
    context: &Context<'_>,
) -> Option<f64> {
    if contract.contract_size.is_none() {
        let key = match contract.settlement {
            ContractSettlement::Linear => "contract_size",
            ContractSettlement::Inverse => "contract_size_usd",
        };
        let reason = format!("`{}` has none, any size of it can be traded", contract.name);
        let allowed = format!("with a contract that has a `{key}`");
        context
            .setting
            .sink
            .push(Refusal::out_of_place(needed_by, allowed, reason));
    }
    contract.contract_size
}

/// Rounding to whole contracts; `None` where a problem was noted.
pub fn rounding(
    given: &Ratio,
    contract: &ContractPlan,
    context: &Context<'_>,
) -> Option<Option<Rounding>> {
    let Some(round) = &given.round else {
        return Some(None);
    };
    contract_size(round, contract, context)?;
    Some(Some(match round.value {
        RoundChoice::Nearest => Rounding::Nearest,
        RoundChoice::Down => Rounding::Down,
        RoundChoice::Up => Rounding::Up,
    }))
}

/// The steps over which the variance is least; `None` where a problem was noted.
fn steps(
    over: Option<&Given<Over>>,
    place: &Given<()>,
    of: Of<'_>,
    contract: &ContractPlan,
    context: &Context<'_>,
) -> Option<u32> {
    let sink = context.setting.sink;
    if contract.option().is_some() {
        let reason = format!(
            "{} is {}, whose gain is no straight line in the price",
            contract.name,
            kind_in_words(&contract.kind)
        );
        sink.push(Refusal::out_of_place(place, "with a future", reason));
        return None;
    }
    let grid = context.setting.grid;
    match over {
        None => Some(grid.steps_rounded_up(grid.horizon)),
        Some(given) => match (given.value, of.rebalance) {
            (Over::Horizon, _) => Some(grid.steps_rounded_up(grid.horizon)),
            (Over::Rebalance, Rebalance::Every { steps }) => Some(steps),
            (
                Over::Rebalance,
                Rebalance::Never | Rebalance::Band { .. } | Rebalance::DeltaBand { .. },
            ) => {
                let allowed = "\"horizon\", or \"rebalance\" with rebalance.every";
                let reason = "there is no interval of rebalancing";
                sink.push(Refusal::does_not_fit(given, allowed, reason));
                None
            }
        },
    }
}

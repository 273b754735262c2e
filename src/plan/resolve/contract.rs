//! A contract: its underlying, its basis, its funding, its venue's rules.

use crate::plan::resolve::grid::{bounded, steps_that_divide};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::venue;
use crate::plan::types::{
    ContractKind, ContractPlan, ContractSettlement, FundingPlan, LiquidityPlan, OuBasis,
};
use crate::scenario::contract::{Basis, Contract, Funding, Settlement};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::{Fraction, Span};
use crate::venue::preset::PresetFunding;

/// What venues document where the user says nothing: interest 1 bp and damper 5 bps per 8 hours, stamps every 8 hours.
///
/// # Source
/// Binance, "Introduction to Binance Futures Funding Rates" (formula of 2025-09-18).
const DOCUMENTED: PresetFunding = PresetFunding {
    interest_per_8h: 0.0001,
    damper_per_8h: 0.0005,
    interval_hours: 8.0,
    cap_per_8h: f64::INFINITY,
};

/// Resolves one contract.
pub fn contract(contract: &Contract, setting: &Setting<'_>) -> Option<ContractPlan> {
    let Contract {
        name,
        underlying,
        venue: venue_name,
        listing: _,
        settlement,
        basis: given_basis,
        funding: given_funding,
    } = contract;
    // One settlement so far: a second one has to be decided on here.
    match settlement
        .as_ref()
        .map_or(Settlement::Linear, |given| given.value)
    {
        Settlement::Linear => {}
    }
    let index = setting.asset_index(underlying);
    let terms = venue::terms(contract, index.map(|_| underlying), setting);
    let (index, terms) = (index?, terms?);
    if given_funding.is_none() && terms.funding.is_none() {
        setting.notes.add(format!(
            "{} pays no funding: none is given, and {} is a venue of the scenario's own.",
            name.value, venue_name.value
        ));
    }
    let funding = match interval(given_funding.as_ref(), terms.funding) {
        None => FundingPlan::None,
        Some(interval) => {
            let (step, horizon) = (&setting.grid.step, Some(setting.grid.horizon));
            let steps = interval_steps(interval, name, step, horizon, setting.sink)?;
            funding(given_funding.as_ref(), terms.funding, steps)
        }
    };
    Some(ContractPlan {
        name: name.value.clone(),
        underlying: index,
        kind: ContractKind::Perpetual {
            basis: basis(given_basis.as_ref()),
            funding,
        },
        settlement: ContractSettlement::Linear,
        contract_size: None,
        liquidity: LiquidityPlan::FREE,
        rules: terms.rules,
    })
}

fn basis(given: Option<&Basis>) -> OuBasis {
    let Some(basis) = given else {
        return OuBasis {
            mean: 0.0,
            initial: 0.0,
            volatility_annual: 0.0,
            reversion_per_year: 0.0,
            correlation_with_spot: 0.0,
        };
    };
    let Basis {
        mean,
        initial,
        volatility,
        reversion_per_year,
        correlation_with_spot,
    } = basis;
    let mean = or(mean.as_ref(), 0.0);
    OuBasis {
        mean,
        initial: or(initial.as_ref(), mean),
        volatility_annual: volatility.value.0,
        reversion_per_year: reversion_per_year.value,
        correlation_with_spot: or(correlation_with_spot.as_ref(), 0.0),
    }
}

/// Time between the stamps of a contract's funding; `None` if it pays none.
pub fn interval(given: Option<&Funding>, preset: Option<PresetFunding>) -> Option<Span> {
    let hours = match given {
        Some(Funding::Constant { rate_per_8h }) => {
            return (rate_per_8h.value.0 != 0.0).then_some(Span::hours(8));
        }
        Some(Funding::PremiumFormula {
            interval: Some(given),
            ..
        }) => return Some(given.value),
        Some(Funding::PremiumFormula { interval: None, .. }) => {
            preset.unwrap_or(DOCUMENTED).interval_hours
        }
        None => preset?.interval_hours,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an interval is above 0 and below 1e15 ms"
    )]
    let milliseconds = (hours * 3_600_000.0).round() as u64;
    Some(Span { milliseconds })
}

/// Funding that is paid every so many steps.
fn funding(
    given: Option<&Funding>,
    preset: Option<PresetFunding>,
    interval_steps: u32,
) -> FundingPlan {
    let default = preset.unwrap_or(DOCUMENTED);
    match given {
        Some(Funding::Constant { rate_per_8h }) => FundingPlan::Constant {
            rate_per_8h: rate_per_8h.value.0,
            interval_steps,
        },
        Some(Funding::PremiumFormula {
            interest_per_8h,
            damper,
            interval,
            cap_per_8h,
        }) => FundingPlan::PremiumFormula {
            interest_per_8h: or(interest_per_8h.as_ref(), default.interest_per_8h),
            damper_per_8h: or(damper.as_ref(), default.damper_per_8h),
            cap_per_8h: or(cap_per_8h.as_ref(), default.cap_per_8h),
            interval_hours: interval
                .as_ref()
                .map_or(default.interval_hours, |given| given.value.days() * 24.0),
            interval_steps,
        },
        None => FundingPlan::PremiumFormula {
            interest_per_8h: default.interest_per_8h,
            damper_per_8h: default.damper_per_8h,
            cap_per_8h: default.cap_per_8h,
            interval_hours: default.interval_hours,
            interval_steps,
        },
    }
}

/// A funding interval in steps; `None` where a problem was noted.
pub fn interval_steps(
    interval: Span,
    name: &Given<String>,
    step: &Given<Span>,
    horizon: Option<Span>,
    sink: &Sink,
) -> Option<u32> {
    let steps = interval.steps(step.value).map(bounded);
    if steps.is_none() {
        let allowed = format!(
            "a step that divides the funding interval of {interval} of `{}`: {}",
            name.value,
            steps_that_divide(interval, horizon)
        );
        let reason = "funding is paid at the end of a step";
        sink.push(Refusal::does_not_fit(step, allowed, reason));
    }
    steps
}

fn or(given: Option<&Given<Fraction>>, default: f64) -> f64 {
    given.map_or(default, |given| given.value.0)
}

//! A contract: its underlying, its basis, its funding, its venue's rules.

use crate::plan::resolve::grid::bounded;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::venue;
use crate::plan::types::{ContractPlan, FundingPlan, OuBasis};
use crate::scenario::contract::{Basis, Contract, Funding, Settlement};
use crate::scenario::place::Given;
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
    let terms = venue::terms(contract, setting);
    let (index, terms) = (index?, terms?);
    let funding = match (given_funding, terms.funding) {
        (None, None) => {
            setting.notes.add(format!(
                "{} pays no funding: none is given, and {} is a venue of the scenario's own.",
                name.value, venue_name.value
            ));
            FundingPlan::None
        }
        (None, Some(preset)) => premium_formula(preset, name, setting)?,
        (Some(given), preset) => funding(given, preset, name, setting)?,
    };
    Some(ContractPlan {
        name: name.value.clone(),
        underlying: index,
        basis: basis(given_basis.as_ref()),
        funding,
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

fn funding(
    given: &Funding,
    preset: Option<PresetFunding>,
    name: &Given<String>,
    setting: &Setting<'_>,
) -> Option<FundingPlan> {
    match given {
        Funding::Constant { rate_per_8h } if rate_per_8h.value.0 == 0.0 => Some(FundingPlan::None),
        Funding::Constant { rate_per_8h } => Some(FundingPlan::Constant {
            rate_per_8h: rate_per_8h.value.0,
            interval_steps: interval_steps(Span::hours(8), name, setting)?,
        }),
        Funding::PremiumFormula {
            interest_per_8h,
            damper,
            interval,
            cap_per_8h,
        } => {
            let default = preset.unwrap_or(DOCUMENTED);
            let terms = PresetFunding {
                interest_per_8h: or(interest_per_8h.as_ref(), default.interest_per_8h),
                damper_per_8h: or(damper.as_ref(), default.damper_per_8h),
                interval_hours: interval
                    .as_ref()
                    .map_or(default.interval_hours, |given| given.value.days() * 24.0),
                cap_per_8h: or(cap_per_8h.as_ref(), default.cap_per_8h),
            };
            premium_formula(terms, name, setting)
        }
    }
}

fn premium_formula(
    terms: PresetFunding,
    name: &Given<String>,
    setting: &Setting<'_>,
) -> Option<FundingPlan> {
    let PresetFunding {
        interest_per_8h,
        damper_per_8h,
        interval_hours,
        cap_per_8h,
    } = terms;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an interval is above 0 and below 1e15 ms"
    )]
    let interval = Span {
        milliseconds: (interval_hours * 3_600_000.0).round() as u64,
    };
    Some(FundingPlan::PremiumFormula {
        interest_per_8h,
        damper_per_8h,
        cap_per_8h,
        interval_hours,
        interval_steps: interval_steps(interval, name, setting)?,
    })
}

fn interval_steps(interval: Span, name: &Given<String>, setting: &Setting<'_>) -> Option<u32> {
    let steps = interval.steps(setting.grid.step.value).map(bounded);
    if steps.is_none() {
        let allowed = format!(
            "a step that divides the funding interval of {interval} of `{}`: {}",
            name.value,
            setting.grid.steps_that_divide(interval)
        );
        setting.sink.push(Refusal::does_not_fit(
            &setting.grid.step,
            allowed,
            "funding is paid at the end of a step",
        ));
    }
    steps
}

fn or(given: Option<&Given<Fraction>>, default: f64) -> f64 {
    given.map_or(default, |given| given.value.0)
}

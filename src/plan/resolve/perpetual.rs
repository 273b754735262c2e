//! A perpetual: its basis and its funding, the venue's where the user says nothing.

use crate::plan::resolve::grid::{bounded, steps_that_divide};
use crate::plan::resolve::process;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::types::{ContractKind, FundingPlan};
use crate::scenario::perpetual::{Funding, Perpetual};
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

/// Resolves a perpetual of a contract's name at a venue; `preset` is the funding that the venue brings.
pub fn perpetual(
    perpetual: &Perpetual,
    name: &Given<String>,
    venue: &str,
    preset: Option<PresetFunding>,
    setting: &Setting<'_>,
) -> Option<ContractKind> {
    let Perpetual {
        basis,
        funding: given,
    } = perpetual;
    if given.is_none() && preset.is_none() {
        setting.notes.add(format!(
            "{} pays no funding: none is given, and {venue} is a venue of the scenario's own.",
            name.value
        ));
    }
    let funding = match interval(given.as_ref(), preset) {
        None => FundingPlan::None,
        Some(interval) => {
            let (step, horizon) = (&setting.grid.step, Some(setting.grid.horizon));
            let steps = interval_steps(interval, name, step, horizon, setting.sink)?;
            funding(given.as_ref(), preset, steps)
        }
    };
    Some(ContractKind::Perpetual {
        basis: process::process(basis.as_ref()),
        funding,
    })
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

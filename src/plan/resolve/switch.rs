//! Leaving a perpetual for a dated future when its funding is poor.

use crate::plan::resolve::links::{Link, kind_in_words};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::types::{ContractKind, FundingPlan, MarketPlan, SwitchPlan};
use crate::scenario::hedge::Switch;

/// Resolves the switch of a hedge; `None` where a problem was noted.
pub fn switch(
    given: &Switch,
    link: &Link,
    market: &MarketPlan,
    setting: &Setting<'_>,
) -> Option<SwitchPlan> {
    let Switch {
        to,
        window,
        below,
        back_above,
    } = given;
    let sink = setting.sink;
    let (from, target) = (
        &market.contracts[link.contract],
        &market.contracts[link.switch_to?],
    );
    let interval_steps = match from.funding() {
        FundingPlan::Constant { interval_steps, .. }
        | FundingPlan::PremiumFormula { interval_steps, .. }
            if from.perpetual().is_some() =>
        {
            interval_steps
        }
        FundingPlan::None | FundingPlan::Constant { .. } | FundingPlan::PremiumFormula { .. } => {
            let allowed = "with a perpetual that pays funding";
            let reason = format!("{} is {}", from.name, described(&from.kind));
            sink.push(Refusal::out_of_place(to, allowed, reason));
            return None;
        }
    };
    if target.dated().is_none() || target.underlying != from.underlying {
        let name = &market.assets[from.underlying].name;
        let allowed = format!("a dated future on {name}");
        let reason = format!(
            "{} is {} on {}",
            target.name,
            kind_in_words(&target.kind),
            market.assets[target.underlying].name
        );
        sink.push(Refusal::does_not_fit(to, allowed, reason));
        return None;
    }
    let steps = setting.grid.steps(window, sink)?;
    if !steps.is_multiple_of(interval_steps) {
        let interval = setting.grid.time(interval_steps);
        let allowed = format!("a multiple of the funding interval of {interval}");
        let reason = "whole stamps are averaged";
        sink.push(Refusal::does_not_fit(window, allowed, reason));
        return None;
    }
    if let Some(back) = back_above.as_ref().filter(|back| back.value < below.value) {
        let allowed = format!("{} or more, where the perpetual is left", below.written);
        let reason = "it would be left again at once";
        sink.push(Refusal::does_not_fit(back, allowed, reason));
        return None;
    }
    Some(SwitchPlan {
        to: link.switch_to?,
        window_stamps: steps / interval_steps,
        below_per_8h: below.value.0,
        back_above_per_8h: back_above
            .as_ref()
            .map_or(f64::INFINITY, |back| back.value.0),
    })
}

fn described(kind: &ContractKind) -> &'static str {
    match kind {
        ContractKind::Perpetual { .. } => "a perpetual without funding",
        ContractKind::Dated(_) | ContractKind::Option(_) => kind_in_words(kind),
    }
}

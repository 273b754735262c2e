//! `[report]` and `[[limits]]`.

use crate::plan::resolve::grid;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::types::{Comparison, LimitPlan, ReportPlan};
use crate::plan::views::ViewsPlan;
use crate::scenario::limit::{Limit, Requirement};
use crate::scenario::place::Given;
use crate::scenario::settings::ReportSettings;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

/// What the user asked to be reported.
pub fn report(
    settings: Option<&ReportSettings>,
    limits: &[Limit],
    setting: &Setting<'_>,
) -> ReportPlan {
    let limits = limits.iter().map(limit).collect();
    let Some(ReportSettings {
        thresholds_usd,
        effective_price_below_usd,
        dates,
        liquidity_at_risk,
        views_least_effective,
    }) = settings
    else {
        return ReportPlan {
            limits,
            ..ReportPlan::default()
        };
    };
    let grid = setting.grid;
    let mut date_steps: Vec<u32> = dates
        .iter()
        .filter_map(|date| date_step(date, grid.step.value, Some(grid.horizon), setting.sink))
        .collect();
    date_steps.sort_unstable();
    date_steps.dedup();
    ReportPlan {
        thresholds_usd: thresholds_usd.iter().map(|given| given.value.0).collect(),
        effective_price_below_usd: effective_price_below_usd
            .iter()
            .map(|given| given.value.0)
            .collect(),
        date_steps,
        liquidity_at_risk: liquidity_at_risk.as_ref().is_some_and(|given| given.value),
        limits,
        views: ViewsPlan {
            // The views themselves are resolved beside the rest.
            list: Vec::new(),
            least_effective_frac: views_least_effective
                .as_ref()
                .map_or(ViewsPlan::LEAST_EFFECTIVE_FRAC, |given| given.value.0),
        },
        notes: Vec::new(),
    }
}

/// The step of a date of the report: up to the horizon, where that is known, and on the grid; else that is noted.
pub fn date_step(
    date: &Given<Span>,
    step: Span,
    horizon: Option<Span>,
    sink: &Sink,
) -> Option<u32> {
    if let Some(horizon) = horizon.filter(|horizon| date.value > *horizon) {
        let allowed = format!("up to the horizon of {horizon}");
        sink.push(Refusal::does_not_fit(
            date,
            allowed,
            "nothing is simulated then",
        ));
        return None;
    }
    grid::steps(date, step, sink)
}

fn limit(Limit { require }: &Limit) -> LimitPlan {
    let Requirement {
        text,
        path,
        is_at_most,
        bound,
        has_unit: _,
    } = &require.value;
    LimitPlan {
        text: text.clone(),
        path: path.clone(),
        comparison: if *is_at_most {
            Comparison::AtMost
        } else {
            Comparison::AtLeast
        },
        bound: *bound,
    }
}

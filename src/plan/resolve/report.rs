//! `[report]`, `[[limits]]`, and the notes that every report of a run must show.

use crate::plan::types::{Comparison, LimitPlan, ReportPlan};
use crate::scenario::limit::{Limit, Requirement};
use crate::scenario::settings::ReportSettings;

/// What the user asked to be reported.
pub fn report(
    settings: Option<&ReportSettings>,
    limits: &[Limit],
    notes: Vec<String>,
) -> ReportPlan {
    let (thresholds_usd, effective_price_below_usd) = match settings {
        None => (Vec::new(), Vec::new()),
        Some(ReportSettings {
            thresholds_usd,
            effective_price_below_usd,
        }) => (
            thresholds_usd.iter().map(|given| given.value.0).collect(),
            effective_price_below_usd
                .iter()
                .map(|given| given.value.0)
                .collect(),
        ),
    };
    ReportPlan {
        thresholds_usd,
        effective_price_below_usd,
        date_steps: Vec::new(),
        liquidity_at_risk: false,
        limits: limits.iter().map(limit).collect(),
        notes,
    }
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

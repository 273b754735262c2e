//! One path's ledger as CSV and as JSON, and what its forms share.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::engine::trace::{StepRecord, Trace};
use crate::outcome::csv::{header, row};
use crate::plan::types::Plan;
use crate::report::event::{Names, words};

/// The row of `outcomes.csv`: names and fields.
pub(super) fn outcome(trace: &Trace) -> Vec<(String, String)> {
    let mut fields = row(&trace.block, trace.row);
    // The block's own table counts from its first path.
    fields[0] = trace.path.to_string();
    header(trace.block.assets())
        .into_iter()
        .zip(fields)
        .collect()
}

/// The paths' rows of `outcomes.csv`.
pub fn outcome_csv(traces: &[Trace]) -> String {
    let mut text = String::new();
    for (n, trace) in traces.iter().enumerate() {
        let cells = outcome(trace);
        if n == 0 {
            let names: Vec<&str> = cells.iter().map(|(name, _)| name.as_str()).collect();
            let _ = writeln!(text, "{}", names.join(","));
        }
        let fields: Vec<&str> = cells.iter().map(|(_, field)| field.as_str()).collect();
        let _ = writeln!(text, "{}", fields.join(","));
    }
    text
}

/// What one step shows, in every form.
pub(super) struct Line<'a> {
    pub(super) record: &'a StepRecord,
    pub(super) day: f64,
    pub(super) spots_usd: Vec<f64>,
    pub(super) mark_usd: f64,
    basis: f64,
    funding_rate: f64,
    pub(super) margin_ratio: Option<f64>,
    pub(super) liquidation_price_usd: Option<f64>,
}

pub(super) fn lines<'a>(plan: &'a Plan, trace: &'a Trace) -> impl Iterator<Item = Line<'a>> + 'a {
    let contract = plan.hedges[0].contract;
    let underlying = plan.market.contracts[contract].underlying;
    trace.steps.iter().map(move |record| {
        let mark_usd = trace.tape.mark_usd[contract][record.step];
        let is_open = record.short_base > 0.0 && record.equity_usd > 0.0;
        Line {
            record,
            day: record.step as f64 * plan.simulation.step_days,
            spots_usd: trace
                .tape
                .spot_usd
                .iter()
                .map(|spots| spots[record.step])
                .collect(),
            mark_usd,
            basis: (mark_usd / trace.tape.spot_usd[underlying][record.step]).ln(),
            funding_rate: trace.tape.funding_rate[contract][record.step],
            margin_ratio: is_open.then(|| record.maintenance_margin_usd / record.equity_usd),
            liquidation_price_usd: Some(record.liquidation_price_usd)
                .filter(|price| price.is_finite()),
        }
    })
}

impl Line<'_> {
    pub(super) fn events(&self, plan: &Plan) -> Vec<String> {
        let names = names(plan);
        let events = self.record.events.iter();
        events.map(|event| words(event, names)).collect()
    }
}

pub(super) fn names(plan: &Plan) -> Names<'_> {
    let hedge = &plan.hedges[0];
    let asset = |index: usize| plan.market.assets[index].name.as_str();
    Names {
        held: asset(plan.holdings[hedge.covers].asset),
        underlying: asset(plan.market.contracts[hedge.contract].underlying),
    }
}

/// One row a step and path; `None` once `stop` is set.
pub fn steps_csv(plan: &Plan, traces: &[Trace], stop: &AtomicBool) -> Option<String> {
    let mut text = String::from("path,step,day");
    for asset in &plan.market.assets {
        let _ = write!(text, ",spot_{}_usd", asset.name);
    }
    text.push_str(
        ",mark_usd,basis,funding_rate,quantity_base,short_base,planned_short_base,equity_usd,maintenance_margin_usd,\
         margin_ratio,liquidation_price_usd,reserve_usd,in_flight_usd,funding_usd,events\n",
    );
    let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for trace in traces {
        for line in lines(plan, trace) {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let record = line.record;
            let _ = write!(text, "{},{},{}", trace.path, record.step, line.day);
            for spot_usd in &line.spots_usd {
                let _ = write!(text, ",{spot_usd}");
            }
            let _ = writeln!(
                text,
                ",{},{},{},{},{},{},{},{},{},{},{},{},{},\"{}\"",
                line.mark_usd,
                line.basis,
                line.funding_rate,
                record.quantity_base,
                record.short_base,
                record.planned_short_base,
                record.equity_usd,
                record.maintenance_margin_usd,
                optional(line.margin_ratio),
                optional(line.liquidation_price_usd),
                record.reserve_usd,
                record.in_flight_usd,
                record.funding_usd,
                line.events(plan).join("; ").replace('"', "'"),
            );
        }
    }
    Some(text)
}

/// `{"format": 1, "paths": [{"path", "outcome", "steps"}]}`.
pub fn render_json(plan: &Plan, traces: &[Trace]) -> String {
    let paths: Vec<Value> = traces
        .iter()
        .map(|trace| {
            let outcome: serde_json::Map<String, Value> = outcome(trace)
                .into_iter()
                .map(|(name, field)| {
                    // A field is a JSON number as it stands; an empty one says that there is no value.
                    (name, serde_json::from_str(&field).unwrap_or(Value::Null))
                })
                .collect();
            let steps: Vec<Value> = lines(plan, trace)
                .map(|line| {
                    let record = line.record;
                    let spots: serde_json::Map<String, Value> = plan
                        .market
                        .assets
                        .iter()
                        .zip(&line.spots_usd)
                        .map(|(asset, &spot_usd)| (asset.name.clone(), spot_usd.into()))
                        .collect();
                    json!({
                        "step": record.step, "day": line.day, "spot_usd": spots, "mark_usd": line.mark_usd,
                        "basis": line.basis, "funding_rate": line.funding_rate,
                        "quantity_base": record.quantity_base, "short_base": record.short_base,
                        "planned_short_base": record.planned_short_base, "equity_usd": record.equity_usd,
                        "maintenance_margin_usd": record.maintenance_margin_usd, "margin_ratio": line.margin_ratio,
                        "liquidation_price_usd": line.liquidation_price_usd, "reserve_usd": record.reserve_usd,
                        "in_flight_usd": record.in_flight_usd, "funding_usd": record.funding_usd,
                        "events": line.events(plan),
                    })
                })
                .collect();
            json!({ "path": trace.path, "outcome": outcome, "steps": steps })
        })
        .collect();
    format!("{:#}\n", json!({ "format": 1, "paths": paths }))
}

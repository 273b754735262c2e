//! One path's ledger as CSV and as JSON, and what its forms share.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::engine::trace::{StepRecord, Trace};
use crate::outcome::csv::{header, row};
use crate::plan::types::Plan;
use crate::report::book_trace::{book_json, book_rows};
use crate::report::event::{Names, words};

/// The row of `outcomes.csv`: names and fields.
pub(super) fn outcome(trace: &Trace) -> Vec<(String, String)> {
    let mut fields = row(&trace.block, trace.row);
    // The block's own table counts from its first path.
    fields[0] = trace.path.to_string();
    header(trace.block.layout())
        .into_iter()
        .zip(fields)
        .collect()
}

/// The paths' rows of `outcomes.csv`.
pub fn outcome_csv(traces: &[Trace]) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for trace in traces {
        let (names, fields) = outcome(trace).into_iter().unzip();
        if rows.is_empty() {
            rows.push(names);
        }
        rows.push(fields);
    }
    csv_text(&rows).unwrap_or_default()
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
        contracts: &plan.market.contracts,
        step_days: plan.simulation.step_days,
    }
}

/// One row a step and path; `None` once `stop` is set.
pub fn steps_csv(plan: &Plan, traces: &[Trace], stop: &AtomicBool) -> Option<String> {
    if !plan.is_plain() {
        return csv_text(&book_rows(plan, traces, stop)?);
    }
    let mut head = vec!["path".to_owned(), "step".to_owned(), "day".to_owned()];
    let assets = plan.market.assets.iter();
    head.extend(assets.map(|asset| format!("spot_{}_usd", asset.name)));
    head.extend(STEP_COLUMNS.map(str::to_owned));
    let mut rows = vec![head];
    for trace in traces {
        for line in lines(plan, trace) {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            rows.push(step_row(plan, trace.path, &line));
        }
    }
    csv_text(&rows)
}

/// Columns of a step after path, step, day and the assets' spots.
const STEP_COLUMNS: [&str; 14] = [
    "mark_usd",
    "basis",
    "funding_rate",
    "quantity_base",
    "short_base",
    "planned_short_base",
    "equity_usd",
    "maintenance_margin_usd",
    "margin_ratio",
    "liquidation_price_usd",
    "reserve_usd",
    "in_flight_usd",
    "funding_usd",
    "events",
];

fn step_row(plan: &Plan, path: u64, line: &Line<'_>) -> Vec<String> {
    let record = line.record;
    let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let mut row = vec![
        path.to_string(),
        record.step.to_string(),
        line.day.to_string(),
    ];
    row.extend(line.spots_usd.iter().map(f64::to_string));
    let cells: [String; STEP_COLUMNS.len()] = [
        line.mark_usd.to_string(),
        line.basis.to_string(),
        line.funding_rate.to_string(),
        record.quantity_base.to_string(),
        record.short_base.to_string(),
        record.planned_short_base.to_string(),
        record.equity_usd.to_string(),
        record.maintenance_margin_usd.to_string(),
        optional(line.margin_ratio),
        optional(line.liquidation_price_usd),
        record.reserve_usd.to_string(),
        record.in_flight_usd.to_string(),
        record.funding_usd.to_string(),
        line.events(plan).join("; "),
    ];
    row.extend(cells);
    row
}

/// Rows as CSV, quoted where needed.
fn csv_text(rows: &[Vec<String>]) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Rows are equally long and memory does not fail to be written: `None` cannot be met here.
        writer.write_record(row).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
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
            if !plan.is_plain() {
                let steps = book_json(plan, trace);
                return json!({ "path": trace.path, "outcome": outcome, "steps": steps });
            }
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

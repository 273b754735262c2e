//! One path's ledger: in words, as CSV, as JSON.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::engine::trace::{StepRecord, Trace};
use crate::outcome::csv::{header, row};
use crate::plan::types::Plan;
use crate::report::number::{percent, plain, usd};

/// The row of `outcomes.csv`: names and fields.
fn outcome(trace: &Trace) -> Vec<(String, String)> {
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
struct Line<'a> {
    record: &'a StepRecord,
    day: f64,
    spots_usd: Vec<f64>,
    mark_usd: f64,
    basis: f64,
    funding_rate: f64,
    margin_ratio: Option<f64>,
    liquidation_price_usd: Option<f64>,
}

fn lines<'a>(plan: &'a Plan, trace: &'a Trace) -> impl Iterator<Item = Line<'a>> + 'a {
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
    fn events(&self) -> Vec<String> {
        self.record.events.iter().map(ToString::to_string).collect()
    }
}

/// One row a step and path.
pub fn steps_csv(plan: &Plan, traces: &[Trace]) -> String {
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
                line.events().join("; ").replace('"', "'"),
            );
        }
    }
    text
}

/// `{"format": 1, "paths": [{"path", "outcome", "steps"}]}`.
pub fn render_json(plan: &Plan, traces: &[Trace]) -> String {
    let paths: Vec<Value> = traces
        .iter()
        .map(|trace| {
            let outcome: serde_json::Map<String, Value> = outcome(trace)
                .into_iter()
                .map(|(name, field)| {
                    let number = field.parse::<f64>().ok().map_or(Value::Null, Value::from);
                    (name, number)
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
                        "events": line.events(),
                    })
                })
                .collect();
            json!({ "path": trace.path, "outcome": outcome, "steps": steps })
        })
        .collect();
    format!("{:#}\n", json!({ "format": 1, "paths": paths }))
}

/// The ledgers in words: the steps in which something happened, or with `all` every step; then the outcome's columns.
pub fn render(plan: &Plan, traces: &[Trace], all: bool) -> String {
    let mut text = String::new();
    for (n, trace) in traces.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        let title = format!(
            "Path {} of \"{}\", seed {}",
            trace.path, plan.simulation.title, plan.simulation.seed
        );
        let _ = writeln!(
            text,
            "{title}\n{}",
            "=".repeat(title.chars().count().min(100))
        );
        draw_steps(&mut text, plan, trace, all);
        draw_outcome(&mut text, trace);
    }
    text
}

fn draw_steps(text: &mut String, plan: &Plan, trace: &Trace, all: bool) {
    let held = plan.holdings[plan.hedges[0].covers].asset;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "day",
        "spot",
        "mark",
        "short",
        "equity",
        "margin ratio",
        "liquidation at",
        "reserve",
    ]);
    let mut shown = Vec::new();
    for line in lines(plan, trace) {
        let record = line.record;
        let is_edge = record.step == 0 || record.step == plan.simulation.steps as usize;
        if !(all || is_edge || !record.events.is_empty()) {
            continue;
        }
        table.add_row([
            plain(line.day, 2),
            usd(line.spots_usd[held]),
            usd(line.mark_usd),
            plain(record.short_base, 2),
            usd(record.equity_usd),
            line.margin_ratio.map_or("-".to_owned(), percent),
            line.liquidation_price_usd.map_or("-".to_owned(), usd),
            usd(record.reserve_usd),
        ]);
        shown.push(line.events());
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let drawn = table.to_string();
    let mut rows = drawn.lines();
    if let Some(head) = rows.next() {
        let _ = writeln!(text, "{}", head.trim_end());
    }
    for (row, events) in rows.zip(shown) {
        let _ = writeln!(text, "{}", row.trim_end());
        for event in events {
            let _ = writeln!(text, "        {event}");
        }
    }
    let all_steps = trace.steps.len();
    if !all {
        let _ = writeln!(
            text,
            "\nSteps in which nothing happened are left out; --all shows all {all_steps}."
        );
    }
}

fn draw_outcome(text: &mut String, trace: &Trace) {
    let _ = writeln!(text, "\nIts row of outcomes.csv:");
    for (name, field) in outcome(trace) {
        let shown = if field.is_empty() { "-" } else { &field };
        let _ = writeln!(text, "  {name:28} {shown}");
    }
}

//! One path of a general plan as rows of CSV and as JSON: holdings, hedges and accounts, each by its name.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use crate::engine::trace::{BookStep, Trace};
use crate::outcome::layout::holding_labels;
use crate::plan::types::{Plan, SettlementCurrency};
use crate::report::book_event::told_words;

/// What a holding, a hedge or an account shows of one step.
pub(super) struct Part {
    /// `holding`, `hedge` or `account`.
    kind: &'static str,
    /// Its name or number.
    name: String,
    cells: Vec<(String, Value)>,
}

/// A number as it stands; nothing where there is none.
fn number(value: f64) -> Value {
    // JSON has no infinities: what is not finite is null.
    json!(value)
}

fn cell(key: &str, value: Value) -> (String, Value) {
    (key.to_owned(), value)
}

/// A liquidation price, if there is one.
pub(super) fn real_price_usd(price_usd: f64) -> Option<f64> {
    (price_usd.is_finite() && price_usd > 0.0).then_some(price_usd)
}

/// Maintenance margin over equity of account `a`, where something is open.
pub(super) fn margin_ratio(step: &BookStep, a: usize) -> Option<f64> {
    let account = &step.standing.accounts[a];
    let is_open = account.maintenance_margin > 0.0 && account.equity > 0.0;
    is_open.then(|| account.maintenance_margin / account.equity)
}

/// The contract in which a hedge was during a step.
fn contract_held(trace: &Trace, step: usize, h: usize) -> usize {
    trace.book[step.saturating_sub(1)].standing.hedges[h].contract
}

fn parts(plan: &Plan, trace: &Trace, step: &BookStep) -> Vec<Part> {
    let standing = &step.standing;
    let mut parts = Vec::new();
    for (j, label) in holding_labels(plan).into_iter().enumerate() {
        parts.push(Part {
            kind: "holding",
            name: label,
            cells: vec![
                cell("quantity_base", number(standing.inventory_base[j])),
                cell("sold_early_base", number(standing.sold_early_base[j])),
            ],
        });
    }
    for (h, hedge) in standing.hedges.iter().enumerate() {
        let contract = &plan.market.contracts[hedge.contract];
        let spot_usd = trace.tape.spot_usd[contract.underlying][step.step];
        let basis = contract.process().map(|_| (hedge.mark_usd / spot_usd).ln());
        let held = contract_held(trace, step.step, h);
        parts.push(Part {
            kind: "hedge",
            name: (h + 1).to_string(),
            cells: vec![
                cell("contract", Value::String(contract.name.clone())),
                cell("mark_usd", number(hedge.mark_usd)),
                cell("basis", json!(basis)),
                cell(
                    "funding_rate",
                    number(trace.tape.funding_rate[held][step.step]),
                ),
                cell("short_base", number(hedge.short_base)),
                cell("planned_short_base", number(hedge.planned_base)),
                cell(
                    "liquidation_price_usd",
                    json!(real_price_usd(hedge.liquidation_price_usd)),
                ),
            ],
        });
    }
    for (a, account) in standing.accounts.iter().enumerate() {
        let rate_usd = account.rate_usd;
        let mut cells = vec![
            cell("equity_usd", number(account.equity * rate_usd)),
            cell(
                "maintenance_margin_usd",
                number(account.maintenance_margin * rate_usd),
            ),
            cell("margin_ratio", json!(margin_ratio(step, a))),
            cell("reserve_usd", number(account.reserve_usd)),
            cell("in_flight_usd", number(account.in_flight_usd)),
            cell("credit_usd", number(account.credit_usd)),
        ];
        if let SettlementCurrency::Coin { asset } = plan.accounts[a].settlement {
            let coin = &plan.market.assets[asset].name;
            cells.push((format!("equity_{coin}"), number(account.equity)));
        } else {
            for (coins, quantity) in plan.accounts[a].coins.iter().zip(&account.coins_base) {
                let coin = &plan.market.assets[coins.asset].name;
                let source = if coins.holding.is_some() {
                    "posted"
                } else {
                    "bought"
                };
                cells.push((format!("{source}_{coin}"), number(*quantity)));
            }
        }
        parts.push(Part {
            kind: "account",
            name: plan.accounts[a].name.clone(),
            cells,
        });
    }
    parts
}

fn day(plan: &Plan, step: &BookStep) -> f64 {
    step.step as f64 * plan.simulation.step_days
}

/// What happened in a step, in words.
pub(super) fn events(plan: &Plan, step: &BookStep) -> Vec<String> {
    step.events
        .iter()
        .map(|told| told_words(plan, told))
        .collect()
}

/// A head and one row a step and path; `None` once `stop` is set.
pub(super) fn book_rows(
    plan: &Plan,
    traces: &[Trace],
    stop: &AtomicBool,
) -> Option<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for trace in traces {
        for step in &trace.book {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let parts = parts(plan, trace, step);
            if rows.is_empty() {
                rows.push(head(plan, &parts));
            }
            let mut row = vec![
                trace.path.to_string(),
                step.step.to_string(),
                day(plan, step).to_string(),
            ];
            let spots = trace.tape.spot_usd.iter();
            row.extend(spots.map(|spots| spots[step.step].to_string()));
            row.extend(
                parts
                    .iter()
                    .flat_map(|part| part.cells.iter().map(|(_, value)| field(value))),
            );
            row.push(step.standing.funding_usd.to_string());
            row.push(events(plan, step).join("; "));
            rows.push(row);
        }
    }
    Some(rows)
}

fn head(plan: &Plan, parts: &[Part]) -> Vec<String> {
    let mut head = vec!["path".to_owned(), "step".to_owned(), "day".to_owned()];
    let assets = plan.market.assets.iter();
    head.extend(assets.map(|asset| format!("spot_{}_usd", asset.name)));
    for part in parts {
        let names = part.cells.iter();
        head.extend(names.map(|(key, _)| format!("{}_{}_{key}", part.kind, part.name)));
    }
    head.push("funding_usd".to_owned());
    head.push("events".to_owned());
    head
}

/// A cell of CSV; empty where there is no value.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other
            .as_f64()
            .map_or_else(|| other.to_string(), |number| number.to_string()),
    }
}

/// The steps of one path: `holdings`, `hedges` and `accounts` by name or number.
pub(super) fn book_json(plan: &Plan, trace: &Trace) -> Vec<Value> {
    let step_json = |step: &BookStep| {
        let mut lists: [Map<String, Value>; 3] = Default::default();
        for part in parts(plan, trace, step) {
            let list = match part.kind {
                "holding" => &mut lists[0],
                "hedge" => &mut lists[1],
                _ => &mut lists[2],
            };
            list.insert(part.name, Value::Object(part.cells.into_iter().collect()));
        }
        let spots: Map<String, Value> = plan
            .market
            .assets
            .iter()
            .zip(&trace.tape.spot_usd)
            .map(|(asset, spots)| (asset.name.clone(), number(spots[step.step])))
            .collect();
        let [holdings, hedges, accounts] = lists;
        json!({
            "step": step.step, "day": day(plan, step), "spot_usd": spots,
            "holdings": holdings, "hedges": hedges, "accounts": accounts,
            "funding_usd": step.standing.funding_usd, "events": events(plan, step),
        })
    };
    trace.book.iter().map(step_json).collect()
}

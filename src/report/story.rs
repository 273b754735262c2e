//! One path's ledger in words.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};

use crate::engine::trace::Trace;
use crate::outcome::column::Column;
use crate::plan::types::Plan;
use crate::report::book_story::draw_book;
use crate::report::event::size;
use crate::report::number::{percent, plain, price, usd};
use crate::report::paragraph::{WIDTH, push_paragraph};
use crate::report::trace::{lines, names, outcome};

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
        push_paragraph(&mut text, "", &title);
        let _ = writeln!(text, "{}\n", "=".repeat(title.chars().count().min(WIDTH)));
        if plan.is_plain() {
            draw_opening(&mut text, plan, trace);
            draw_steps(&mut text, plan, trace, all);
        } else {
            draw_book(&mut text, plan, trace, all);
        }
        draw_outcome(&mut text, trace);
    }
    text
}

/// What the columns are, and how the hedge stands at time 0.
fn draw_opening(text: &mut String, plan: &Plan, trace: &Trace) {
    let names = names(plan);
    let hedge = &plan.hedges[0];
    let account = &plan.accounts[hedge.account];
    push_paragraph(
        text,
        "",
        &format!(
            "Spot of {} and mark of {} in USD; short in {}; money in USD. Margin ratio: maintenance margin over equity, \
             liquidated at 100 %. Each line is the end of a step, what happened in the step stands under it.",
            names.held, plan.market.contracts[hedge.contract].name, names.underlying
        ),
    );
    text.push('\n');
    let (start, mark_usd) = (&trace.steps[0], trace.tape.mark_usd[hedge.contract][0]);
    let short = |base: f64| format!("{} {}", size(base), names.underlying);
    let opening = match hedge.opened {
        _ if hedge.is_absent() => "No hedge.".to_owned(),
        None => format!(
            "Day 0: {} sold short at mark {} on {} USD of collateral, fee and slippage {} USD; {} USD in reserve.",
            short(start.short_base),
            price(mark_usd),
            usd(account.collateral_usd),
            usd(account.collateral_usd - start.equity_usd),
            usd(start.reserve_usd)
        ),
        Some(opened) => format!(
            "Day 0: {} short since a price of {}, {} USD of collateral beside the profit or loss so far, {} short from now on; \
             {} USD in reserve.",
            short(opened.quantity_base),
            price(opened.price_usd),
            usd(account.collateral_usd),
            short(start.short_base),
            usd(start.reserve_usd)
        ),
    };
    push_paragraph(text, "", &opening);
    text.push('\n');
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
        "liquidated at",
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
            price(line.spots_usd[held]),
            price(line.mark_usd),
            plain(record.short_base, 2),
            usd(record.equity_usd),
            line.margin_ratio.map_or("-".to_owned(), percent),
            line.liquidation_price_usd.map_or("-".to_owned(), price),
            usd(record.reserve_usd),
        ]);
        shown.push(line.events(plan));
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
            push_paragraph(text, "        ", &event);
        }
    }
    push_left_out(text, trace.steps.len(), all);
}

/// Says that quiet steps are left out.
pub(super) fn push_left_out(text: &mut String, steps: usize, all: bool) {
    if !all {
        let _ = writeln!(
            text,
            "\nSteps in which nothing happened are left out; --all shows all {steps}."
        );
    }
}

fn draw_outcome(text: &mut String, trace: &Trace) {
    let result = |column: Column| plain(trace.block.value(trace.row, column as usize), 0);
    text.push('\n');
    push_paragraph(
        text,
        "",
        &format!(
            "Profit and loss against the value at time 0: {} USD with the hedge, {} USD without.",
            result(Column::HedgedPnl),
            result(Column::UnhedgedPnl)
        ),
    );
    let _ = writeln!(text, "\nIts row of outcomes.csv:");
    for (name, field) in outcome(trace) {
        let shown = if field.is_empty() { "-" } else { &field };
        let _ = writeln!(text, "  {name:28} {shown}");
    }
}

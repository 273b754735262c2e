//! One path of a general plan in words: what stands where at the end of each step, and what happened in it.

use std::fmt::Write as _;

use crate::engine::trace::{BookStep, Trace};
use crate::outcome::layout::holding_labels;
use crate::plan::types::{MarginMode, Plan, SettlementCurrency};
use crate::report::book_trace::{events, margin_ratio, real_price_usd};
use crate::report::event::size;
use crate::report::number::{percent, plain, price, usd};
use crate::report::paragraph::push_paragraph;
use crate::report::story::push_left_out;

/// The steps in which something happened, or with `all` every step.
pub(super) fn draw_book(text: &mut String, plan: &Plan, trace: &Trace, all: bool) {
    push_paragraph(
        text,
        "",
        "Money and prices in USD, sizes in the asset named. Margin ratio: maintenance margin over equity, liquidated at 100 %; \
         a liquidation price is shown where the position is alone in its account. Each block is the end of a step, what \
         happened in the step stands under it.",
    );
    text.push('\n');
    draw_accounts(text, plan);
    let last = plan.simulation.steps as usize;
    for step in &trace.book {
        if all || step.step == 0 || step.step == last || !step.events.is_empty() {
            draw_step(text, plan, trace, step);
        }
    }
    push_left_out(text, trace.book.len(), all);
}

/// What the accounts are given at time 0.
fn draw_accounts(text: &mut String, plan: &Plan) {
    for account in &plan.accounts {
        let mode = match account.mode {
            MarginMode::Isolated => "isolated",
            MarginMode::Cross => "cross",
        };
        let mut line = format!(
            "{} ({mode}): {} USD of collateral",
            account.venue,
            usd(account.collateral_usd)
        );
        if let SettlementCurrency::Coin { asset } = account.settlement {
            let _ = write!(line, " in {}", plan.market.assets[asset].name);
        }
        for coins in &account.coins {
            let source = if coins.holding.is_some() {
                "of the holding"
            } else {
                "bought"
            };
            let asset = &plan.market.assets[coins.asset].name;
            let _ = write!(line, ", {} {asset} {source}", size(coins.quantity_base));
        }
        let _ = write!(line, "; {} USD in reserve", usd(account.reserve_usd));
        push_paragraph(text, &format!("account {}: ", account.name), &line);
    }
}

fn draw_step(text: &mut String, plan: &Plan, trace: &Trace, step: &BookStep) {
    let day = step.step as f64 * plan.simulation.step_days;
    let spots: Vec<String> = plan
        .market
        .assets
        .iter()
        .zip(&trace.tape.spot_usd)
        .map(|(asset, spots)| format!("{} {}", asset.name, price(spots[step.step])))
        .collect();
    text.push('\n');
    push_paragraph(text, &format!("day {}: ", plain(day, 2)), &spots.join(", "));
    for (j, label) in holding_labels(plan).iter().enumerate() {
        let mut line = size(step.standing.inventory_base[j]);
        let early_base = step.standing.sold_early_base[j];
        if early_base > 0.0 {
            let _ = write!(line, ", of which {} sold early", size(early_base));
        }
        push_paragraph(text, &format!("  holding {label}: "), &line);
    }
    for h in 0..plan.hedges.len() {
        let line = hedge_line(plan, step, h);
        push_paragraph(text, &format!("  hedge {}: ", h + 1), &line);
    }
    for (a, account) in plan.accounts.iter().enumerate() {
        let line = account_line(plan, step, a);
        push_paragraph(text, &format!("  account {}: ", account.name), &line);
    }
    for event in events(plan, step) {
        push_paragraph(text, "        ", &event);
    }
}

fn hedge_line(plan: &Plan, step: &BookStep, h: usize) -> String {
    let hedge = &step.standing.hedges[h];
    let contract = &plan.market.contracts[hedge.contract];
    let asset = &plan.market.assets[contract.underlying].name;
    let side = |base: f64| {
        if base == 0.0 {
            "flat".to_owned()
        } else {
            let word = if base > 0.0 { "short" } else { "long" };
            format!("{word} {} {asset}", size(base.abs()))
        }
    };
    let at = if contract.option().is_some() {
        "value"
    } else {
        "mark"
    };
    let mut line = format!("{} {}", contract.name, side(hedge.short_base));
    if (hedge.short_base - hedge.planned_base).abs() > 1e-9 * hedge.planned_base.abs() {
        let _ = write!(line, " (planned: {})", side(hedge.planned_base));
    }
    let _ = write!(line, ", {at} {}", price(hedge.mark_usd));
    if let Some(level_usd) = real_price_usd(hedge.liquidation_price_usd) {
        let _ = write!(line, ", liquidated at {}", price(level_usd));
    }
    line
}

fn account_line(plan: &Plan, step: &BookStep, a: usize) -> String {
    let account = &step.standing.accounts[a];
    let mut line = format!("equity {} USD", usd(account.equity * account.rate_usd));
    if let SettlementCurrency::Coin { asset } = plan.accounts[a].settlement {
        let coin = &plan.market.assets[asset].name;
        let _ = write!(line, " ({} {coin})", size(account.equity));
    }
    for (coins, quantity) in plan.accounts[a].coins.iter().zip(&account.coins_base) {
        let coin = &plan.market.assets[coins.asset].name;
        let _ = write!(line, ", {} {coin} posted", size(*quantity));
    }
    let ratio = margin_ratio(step, a).map_or("-".to_owned(), percent);
    let _ = write!(
        line,
        ", margin ratio {ratio}, reserve {}",
        usd(account.reserve_usd)
    );
    if account.in_flight_usd > 0.0 {
        let _ = write!(line, ", under way {}", usd(account.in_flight_usd));
    }
    if account.credit_usd > 0.0 {
        let _ = write!(line, ", borrowed {}", usd(account.credit_usd));
    }
    line
}

//! The hedge at a glance, as a terminal page and as JSON.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::json;

use crate::hedge::glance::Glance;
use crate::plan::views::ViewsPlan;
use crate::report::glance_legs::{leg_table, leg_title};
use crate::report::number::{percent, plain, usd};
use crate::report::paragraph::push_paragraph;

/// What `check` prints: each hedge, then the views that a run would apply, then the warnings.
pub fn render(hedges: &[Glance], views: &ViewsPlan, warnings: &[String]) -> String {
    let mut text = String::new();
    for hedge in hedges {
        let table = match &hedge.leg {
            None => {
                let _ = writeln!(
                    text,
                    "{} in account {} ({})\n",
                    hedge.contract, hedge.account, hedge.venue
                );
                table(hedge)
            }
            Some(leg) => {
                let _ = writeln!(text, "{}\n", leg_title(hedge, leg));
                leg_table(hedge, leg)
            }
        };
        for line in table.lines() {
            let _ = writeln!(text, " {}", line.trim_end());
        }
        text.push('\n');
    }
    for view in &views.list {
        push_paragraph(&mut text, "view: ", &view.text);
    }
    for warning in warnings {
        push_paragraph(&mut text, "warning: ", warning);
    }
    text
}

/// The same as JSON: `{"format": 1, "hedges": [...], "warnings": [...]}`, and where there are any `"views": [{"path", "text"}, ...]`.
pub fn render_json(hedges: &[Glance], views: &ViewsPlan, warnings: &[String]) -> String {
    let mut value = json!({ "format": 1, "hedges": hedges, "warnings": warnings });
    if !views.is_empty() {
        let list = views.list.iter();
        value["views"] = list
            .map(|view| json!({ "path": view.path, "text": view.text }))
            .collect();
    }
    format!("{value:#}\n")
}

fn table(hedge: &Glance) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let unit = &hedge.underlying;
    let mut row = |label: &str, value: String, remark: String| {
        table.add_row([label.to_owned(), value, remark]);
    };
    row(
        "short",
        size(hedge.short_base),
        format!("{unit} at mark {}", usd(hedge.mark_usd)),
    );
    row("notional", usd(hedge.notional_usd), bracket(hedge));
    row(
        "leverage",
        leverage(hedge),
        "notional over equity before opening costs".to_owned(),
    );
    row(
        "initial margin",
        usd(hedge.initial_margin_usd),
        "asked to open".to_owned(),
    );
    row(
        "maintenance margin",
        usd(hedge.maintenance_margin_usd),
        "asked to keep it".to_owned(),
    );
    row(
        "equity",
        usd(hedge.equity_usd),
        "after opening costs".to_owned(),
    );
    row(
        "margin ratio",
        hedge
            .margin_ratio
            .map_or("none".to_owned(), |r| plain(r, 3)),
        "liquidated at 1".to_owned(),
    );
    if let Some(price_usd) = hedge.margin_call_price_usd {
        row(
            "margin call price",
            usd(price_usd),
            from_mark(price_usd, hedge),
        );
    }
    row(
        "liquidation price",
        price(hedge.liquidation_price_usd),
        liquidation_remark(hedge),
    );
    if let Some(price_usd) = hedge.liquidation_price_with_reserve_usd {
        row(
            "  with the whole reserve",
            usd(price_usd),
            from_mark(price_usd, hedge),
        );
    }
    if let Some(price_usd) = hedge.bankruptcy_price_usd {
        row(
            "bankruptcy price",
            usd(price_usd),
            from_mark(price_usd, hedge),
        );
    }
    row(
        "cost to open",
        usd(hedge.entry_cost_usd),
        "fee and slippage".to_owned(),
    );
    row(
        "cost to close",
        usd(hedge.exit_cost_usd),
        "expected, with the sales and at the horizon".to_owned(),
    );
    row(
        "expected funding",
        usd(hedge.expected_funding_usd),
        funding_remark(hedge.expected_funding_usd),
    );
    row(
        "volatility",
        percent(hedge.total_volatility_annual),
        format!(
            "a year, jumps included ({} without; {} jumps expected)",
            percent(hedge.diffusion_volatility_annual),
            plain(hedge.expected_jumps, 1)
        ),
    );
    row(
        "one standard deviation",
        percent(hedge.std_dev_log_mark),
        "of ln(mark) at the horizon, basis included".to_owned(),
    );
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

pub(super) fn bracket(hedge: &Glance) -> String {
    let cap = hedge
        .max_leverage
        .map_or("no leverage cap".to_owned(), |l| format!("at most {l}x"));
    hedge.bracket.map_or("USD".to_owned(), |bracket| {
        format!("USD, in bracket {bracket} of the venue ({cap})")
    })
}

pub(super) fn leverage(hedge: &Glance) -> String {
    hedge
        .leverage
        .map_or("none".to_owned(), |l| format!("{}x", plain(l, 2)))
}

pub(super) fn price(price_usd: Option<f64>) -> String {
    price_usd.map_or("never".to_owned(), usd)
}

/// A quantity of coins: without decimals where there are none, else as a price is written.
pub(super) fn size(quantity_base: f64) -> String {
    if quantity_base.fract().abs() < 1e-9 {
        plain(quantity_base, 0)
    } else {
        usd(quantity_base)
    }
}

pub(super) fn from_mark(price_usd: f64, hedge: &Glance) -> String {
    signed_percent(price_usd / hedge.mark_usd - 1.0) + " from the mark"
}

pub(super) fn liquidation_remark(hedge: &Glance) -> String {
    let Some(distance_frac) = hedge.distance_frac else {
        return String::new();
    };
    let std_devs = hedge.distance_std_devs.map_or(String::new(), |d| {
        format!(", {} standard deviations", plain(d, 2))
    });
    format!("{} from the mark{std_devs}", signed_percent(distance_frac))
}

fn signed_percent(frac: f64) -> String {
    let sign = if frac > 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(frac))
}

pub(super) fn funding_remark(funding_usd: f64) -> String {
    if funding_usd < 0.0 {
        "paid, if the hedge lives"
    } else {
        "received, if the hedge lives"
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::hedge::glance::glance;
    use crate::hedge::warnings::warnings;

    #[test]
    fn json_has_the_agreed_keys() {
        let plan = eth_treasury();
        let text = render_json(&glance(&plan), &plan.report.views, &warnings(&plan));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format"], 1);
        assert!(value["warnings"].is_array());
        let hedge = value["hedges"][0].as_object().unwrap();
        for key in [
            "contract",
            "account",
            "notional_usd",
            "bracket",
            "max_leverage",
            "leverage",
            "initial_margin_usd",
            "maintenance_margin_usd",
            "liquidation_price_usd",
            "bankruptcy_price_usd",
            "distance_frac",
            "distance_std_devs",
            "entry_cost_usd",
            "expected_funding_usd",
        ] {
            assert!(hedge.get(key).is_some_and(|v| !v.is_null()), "{key}");
        }
        assert_eq!(hedge["bracket"], 8);
    }

    #[test]
    fn a_hedge_that_is_never_liquidated_has_null_for_the_price() {
        let mut plan = eth_treasury();
        plan.hedges[0].hedge_ratio = 0.0;
        let value: Value =
            serde_json::from_str(&render_json(&glance(&plan), &plan.report.views, &[])).unwrap();
        assert!(value["hedges"][0]["liquidation_price_usd"].is_null());
        assert!(render(&glance(&plan), &plan.report.views, &[]).contains("never"));
    }

    #[test]
    fn the_page_is_readable_at_100_columns() {
        let plan = eth_treasury();
        let text = render(
            &glance(&plan),
            &plan.report.views,
            &["account main: something".to_owned()],
        );
        assert!(
            text.lines()
                .all(|l| l.chars().count() <= 100 && l == l.trim_end()),
            "{text}"
        );
        let flat: Vec<String> = text
            .lines()
            .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "eth-perp in account main (binance)",
            "short 50,000 ETH at mark 3,500.70",
            "notional 175,035,004 USD, in bracket 8 of the venue (at most 5x)",
            "leverage 2.92x notional over equity before opening costs",
            "cost to open 140,028 fee and slippage",
            "warning: account main: something",
        ] {
            assert!(flat.iter().any(|l| l == line), "{line}\n{text}");
        }
    }
}

//! A hedge of a general plan at a glance, as rows of a terminal page.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::hedge::glance::Glance;
use crate::hedge::glance_legs::LegGlance;
use crate::report::glance::{
    bracket, from_mark, funding_remark, leverage, liquidation_remark, price, size,
};
use crate::report::number::{percent, plain, usd};

/// The line above the rows.
pub(super) fn leg_title(hedge: &Glance, leg: &LegGlance) -> String {
    format!(
        "Hedge {}: {} on {} in account {} ({}, {}, kept in {})",
        leg.hedge,
        hedge.contract,
        leg.covers,
        hedge.account,
        hedge.venue,
        leg.account_mode,
        leg.account_currency
    )
}

/// Rows of what is called, how much it is, and a remark.
pub(super) fn leg_table(hedge: &Glance, leg: &LegGlance) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for row in rows(hedge, leg) {
        table.add_row(row);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

type Row = [String; 3];

fn row(label: &str, value: String, remark: impl Into<String>) -> Row {
    [label.to_owned(), value, remark.into()]
}

fn rows(hedge: &Glance, leg: &LegGlance) -> Vec<Row> {
    let mut rows = position_rows(hedge, leg);
    rows.extend(margin_rows(hedge, leg));
    rows.extend(price_rows(hedge, leg));
    rows.extend(money_rows(hedge, leg));
    rows.push(row(
        "volatility",
        percent(hedge.total_volatility_annual),
        format!(
            "a year, jumps included ({} without; {} jumps expected)",
            percent(hedge.diffusion_volatility_annual),
            plain(hedge.expected_jumps, 1)
        ),
    ));
    rows.push(row(
        "one standard deviation",
        percent(hedge.std_dev_log_mark),
        if leg.strike_usd.is_some() {
            "of ln(spot) at the horizon"
        } else {
            "of ln(mark) at the horizon, basis included"
        },
    ));
    rows
}

fn position_rows(hedge: &Glance, leg: &LegGlance) -> Vec<Row> {
    let unit = &hedge.underlying;
    let label = match (leg.strike_usd.is_some(), leg.position) {
        (true, "short") => "written",
        (true, _) => "bought",
        (false, position) => position,
    };
    let at = if leg.strike_usd.is_some() {
        "spot"
    } else {
        "mark"
    };
    let mut rows = vec![row(
        label,
        size(hedge.short_base.abs()),
        format!("{unit} at {at} {}", usd(hedge.mark_usd)),
    )];
    if let Some(size_usd) = leg.size_usd {
        rows.push(row("", usd(size_usd), "USD of inverse contracts"));
    }
    if let Some(contracts) = leg.contracts {
        rows.push(row("", size(contracts), "contracts"));
    }
    if let (Some(strike_usd), Some(value_usd)) = (leg.strike_usd, leg.option_value_usd) {
        let delta = leg.option_delta.map_or(String::new(), |d| plain(d, 3));
        rows.push(row(
            leg.kind,
            usd(strike_usd),
            format!("strike; worth {} USD a unit, delta {delta}", usd(value_usd)),
        ));
    }
    if let Some(premium_usd) = leg.premium_usd {
        let remark = if premium_usd < 0.0 {
            "paid from the account"
        } else {
            "received into the account"
        };
        rows.push(row("premium", usd(premium_usd), remark));
    }
    if let Some(day) = leg.expiry_day {
        let remark = match (leg.kind, leg.rolls) {
            ("dated", 0) => "day, from the start; no roll".to_owned(),
            ("dated", 1) => "day of the first contract; 1 roll".to_owned(),
            ("dated", rolls) => format!("day of the first contract; {rolls} rolls"),
            _ => "day, from the start".to_owned(),
        };
        rows.push(row("expiry", plain(day, 2), remark));
    }
    rows.push(row("notional", usd(hedge.notional_usd), bracket(hedge)));
    rows
}

fn margin_rows(hedge: &Glance, leg: &LegGlance) -> Vec<Row> {
    let of_account = |own: f64, all: f64, remark: &str| {
        if (all - own).abs() > 1e-9 * all.abs() {
            format!("{remark}; {} with the account's other hedges", usd(all))
        } else {
            remark.to_owned()
        }
    };
    let mut rows = vec![
        row(
            "leverage",
            leverage(hedge),
            "notional over the account's equity before opening costs",
        ),
        row(
            "initial margin",
            usd(hedge.initial_margin_usd),
            of_account(
                hedge.initial_margin_usd,
                leg.account_initial_margin_usd,
                "asked to open",
            ),
        ),
        row(
            "maintenance margin",
            usd(hedge.maintenance_margin_usd),
            of_account(
                hedge.maintenance_margin_usd,
                leg.account_maintenance_margin_usd,
                "asked to keep it",
            ),
        ),
    ];
    for coins in &leg.coins {
        let source = if coins.is_of_holding {
            "of the holding"
        } else {
            "bought"
        };
        rows.push(row(
            "coins posted",
            size(coins.quantity_base),
            format!(
                "{} {source}, haircut {}",
                coins.asset,
                percent(coins.haircut_frac)
            ),
        ));
    }
    rows.push(row(
        "equity",
        usd(hedge.equity_usd),
        "of the account, after opening costs",
    ));
    let ratio = hedge
        .margin_ratio
        .map_or("none".to_owned(), |r| plain(r, 3));
    rows.push(row(
        "margin ratio",
        ratio,
        "of the account, liquidated at 1",
    ));
    rows
}

fn price_rows(hedge: &Glance, leg: &LegGlance) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(price_usd) = hedge.margin_call_price_usd {
        rows.push(row(
            "margin call price",
            usd(price_usd),
            from_mark(price_usd, hedge),
        ));
    }
    rows.push(row(
        "liquidation price",
        price(hedge.liquidation_price_usd),
        liquidation_remark(hedge),
    ));
    if let Some(price_usd) = leg.other_liquidation_price_usd {
        rows.push(row(
            "  on the other side",
            usd(price_usd),
            from_mark(price_usd, hedge),
        ));
    }
    let with_reserve = hedge.liquidation_price_with_reserve_usd;
    if with_reserve != hedge.liquidation_price_usd {
        rows.push(row(
            "  with the whole reserve",
            price(with_reserve),
            with_reserve.map_or(String::new(), |usd| from_mark(usd, hedge)),
        ));
    }
    if let Some(price_usd) = hedge.bankruptcy_price_usd {
        rows.push(row(
            "bankruptcy price",
            usd(price_usd),
            from_mark(price_usd, hedge),
        ));
    }
    if !leg.moves_together.is_empty() {
        let others = leg.moves_together.join(", ");
        rows.push(row(
            "  moving with it",
            String::new(),
            format!("{others}, in proportion"),
        ));
    }
    rows
}

fn money_rows(hedge: &Glance, leg: &LegGlance) -> Vec<Row> {
    let mut rows = vec![
        row(
            "cost to open",
            usd(hedge.entry_cost_usd),
            match leg.opening_trades {
                1 => "fee and slippage".to_owned(),
                trades => format!("fee and slippage, in {trades} trades"),
            },
        ),
        row(
            "cost to close",
            usd(hedge.exit_cost_usd),
            "expected, with the sales, at expiry or the horizon",
        ),
    ];
    if leg.rolls > 0 {
        rows.push(row(
            "cost of the rolls",
            usd(leg.expected_roll_cost_usd),
            "expected, both legs",
        ));
    }
    if leg.kind == "perpetual" {
        rows.push(row(
            "expected funding",
            usd(hedge.expected_funding_usd),
            funding_remark(hedge.expected_funding_usd),
        ));
    }
    if let Some(carry_usd) = leg.expected_carry_usd {
        rows.push(row(
            "expected carry",
            usd(carry_usd),
            carry_remark(carry_usd, leg.is_entered_anew),
        ));
    }
    rows
}

/// What stands beside an expected carry.
fn carry_remark(carry_usd: f64, is_entered_anew: bool) -> String {
    let remark = funding_remark(carry_usd).replace("received", "earned");
    if is_entered_anew {
        format!("{remark} as it is entered now")
    } else {
        remark
    }
}

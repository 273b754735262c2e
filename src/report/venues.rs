//! The venues that hedgesim knows, as terminal tables and as JSON.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::report::number::{percent, plain, usd};
use crate::report::paragraph::push_paragraph;
use crate::venue::preset::{ListedKind, ListedSettlement, ListingPreset, Provenance, VenuePreset};
use crate::venue::rules::{MaintenanceAt, Remainder};

/// What `venues` prints: one line a listing, or with `details` everything about the given listings.
///
/// `listing` keeps the listings of that symbol alone.
pub fn render(venues: &[&VenuePreset], listing: Option<&str>, details: bool) -> String {
    let mut text = String::new();
    for venue in venues {
        let _ = writeln!(
            text,
            "{} - {}, data of {}\n",
            venue.name, venue.title, venue.as_of
        );
        let shown: Vec<_> = shown(venue, listing).collect();
        if details {
            for listing in shown {
                render_listing(&mut text, listing);
            }
        } else {
            push_table(&mut text, &overview(&shown));
            text.push('\n');
        }
    }
    text
}

/// The same as JSON: `{"format": 1, "venues": [...]}`, everything about every listing.
pub fn render_json(venues: &[&VenuePreset], listing: Option<&str>) -> String {
    let venues: Vec<Value> = venues
        .iter()
        .map(|venue| {
            json!({
                "name": venue.name,
                "title": venue.title,
                "as_of": venue.as_of,
                "listings": shown(venue, listing).map(listing_json).collect::<Vec<_>>(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "format": 1, "venues": venues }))
}

fn shown<'a>(
    venue: &'a VenuePreset,
    listing: Option<&'a str>,
) -> impl Iterator<Item = &'a ListingPreset> {
    venue
        .listings
        .iter()
        .filter(move |l| listing.is_none_or(|name| l.listing == name))
}

fn overview(listings: &[&ListingPreset]) -> Table {
    let mut table = plain_table();
    table.set_header([
        "listing",
        "underlying",
        "brackets",
        "max leverage",
        "position cap",
        "taker",
        "liquidation fee",
    ]);
    for l in listings {
        let leverage = l.rules.brackets.first().and_then(|b| b.max_leverage);
        table.add_row([
            l.listing.clone(),
            l.underlying.clone(),
            l.rules.brackets.len().to_string(),
            leverage_text(leverage),
            cap_text(l),
            percent(l.rules.taker_fee_frac),
            percent(l.rules.liquidation_fee_frac),
        ]);
    }
    align_right(&mut table, 2..7);
    table
}

fn render_listing(text: &mut String, listing: &ListingPreset) {
    let _ = writeln!(
        text,
        "{}, {} {} on {}{}\n",
        listing.listing,
        listing.settlement.word(),
        listing.kind.words(),
        listing.underlying,
        listing
            .contract_size_usd
            .map_or(String::new(), |size| format!(", {size} USD a contract"))
    );
    push_table(text, &brackets(listing));
    text.push('\n');
    push_table(text, &terms(listing));
    text.push_str(
        "\n  Maintenance margin is notional x rate - deduction. * assumed, see below\n\n",
    );
    for (i, source) in listing.sources.iter().enumerate() {
        push_paragraph(
            text,
            &format!("  [{}] ", i + 1),
            &format!("{} ({})", source.citation, source.date),
        );
    }
    for sentence in &listing.assumed {
        push_paragraph(text, "    * ", sentence);
    }
    text.push('\n');
}

fn brackets(listing: &ListingPreset) -> Table {
    let mark = listing
        .provenance("maintenance")
        .map_or(String::new(), mark);
    let mut table = plain_table();
    table.set_header([
        format!("bracket {mark}"),
        format!("from {}", listing.unit()),
        format!("up to {}", listing.unit()),
        "max leverage".to_owned(),
        "maintenance rate".to_owned(),
        format!("deduction {}", listing.unit()),
    ]);
    for (i, b) in listing.rules.brackets.iter().enumerate() {
        table.add_row([
            (i + 1).to_string(),
            usd(b.floor_usd),
            notional_text(b.cap_usd),
            leverage_text(b.max_leverage),
            percent(b.rate),
            deduction_text(listing, b.deduction_usd),
        ]);
    }
    align_right(&mut table, 1..6);
    table
}

/// Largest position, with its unit.
fn cap_text(listing: &ListingPreset) -> String {
    let cap = listing.rules.position_cap_usd();
    if cap.is_finite() {
        format!("{} {}", usd(cap), listing.unit())
    } else {
        "none".to_owned()
    }
}

fn notional_text(notional: f64) -> String {
    if notional.is_finite() {
        usd(notional)
    } else {
        "none".to_owned()
    }
}

/// Deductions are whole dollars, or hundredths of a coin.
fn deduction_text(listing: &ListingPreset, deduction: f64) -> String {
    let decimals = match listing.settlement {
        ListedSettlement::Linear => 0,
        ListedSettlement::Inverse => 2,
    };
    plain(deduction, decimals)
}

/// Fees, funding and liquidation, each with its mark.
fn terms(listing: &ListingPreset) -> Table {
    let rules = &listing.rules;
    let remainder = match rules.remainder {
        Remainder::Returned => "returned",
        Remainder::Forfeited => "forfeited",
    };
    let mut rows = vec![
        ("fees.maker", "maker fee", percent(rules.maker_fee_frac)),
        ("fees.taker", "taker fee", percent(rules.taker_fee_frac)),
        (
            "fees.liquidation",
            "liquidation fee",
            percent(rules.liquidation_fee_frac),
        ),
        (
            "liquidation.remainder",
            "after a liquidation the rest is",
            remainder.to_owned(),
        ),
        (
            "liquidation.fee_in_trigger",
            "fee counts in the trigger",
            if rules.fee_in_trigger { "yes" } else { "no" }.to_owned(),
        ),
    ];
    if listing.provenance("fees.delivery").is_some() {
        let fee = percent(rules.delivery_fee_frac);
        rows.push(("fees.delivery", "delivery fee", fee));
    }
    if let Some(funding) = &listing.funding {
        rows.extend([
            (
                "funding.interest_per_8h",
                "funding interest per 8 h",
                percent(funding.interest_per_8h),
            ),
            (
                "funding.damper_per_8h",
                "funding damper per 8 h",
                format!("+-{}", percent(funding.damper_per_8h)),
            ),
            (
                "funding.interval",
                "funding interval",
                format!("{} h", funding.interval_hours),
            ),
            (
                "funding.cap_per_8h",
                "funding cap per 8 h",
                format!("+-{}", percent(funding.cap_per_8h)),
            ),
        ]);
    }
    if listing.settlement == ListedSettlement::Inverse {
        rows.push((
            "liquidation.maintenance_at",
            "maintenance of the notional at the",
            maintenance_word(rules.maintenance_at).to_owned(),
        ));
        if let Some(size) = listing.contract_size_usd {
            rows.push(("contract_size_usd", "contract size", format!("{size} USD")));
        }
    }
    let mut table = plain_table();
    for (key, label, value) in rows {
        let mark = listing.provenance(key).map_or(String::new(), mark);
        table.add_row([label.to_owned(), value, mark]);
    }
    align_right(&mut table, 1..2);
    table
}

fn maintenance_word(at: MaintenanceAt) -> &'static str {
    match at {
        MaintenanceAt::Mark => "current price",
        MaintenanceAt::Entry => "entry price",
    }
}

/// `[1]` for a source, `*` for what is assumed.
fn mark(origin: &Provenance) -> String {
    let source = origin
        .source
        .map_or(String::new(), |i| format!("[{}]", i + 1));
    let star = if origin.assumed.is_some() { "*" } else { "" };
    source + star
}

fn leverage_text(leverage: Option<f64>) -> String {
    leverage.map_or("none".to_owned(), |l| format!("{l}x"))
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for i in columns {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Writes a table behind one blank; its cells begin with another.
fn push_table(text: &mut String, table: &Table) {
    for line in table.lines() {
        let _ = writeln!(text, " {}", line.trim_end());
    }
}

fn listing_json(listing: &ListingPreset) -> Value {
    let rules = &listing.rules;
    let funding = listing.funding.as_ref();
    let is_inverse = listing.settlement == ListedSettlement::Inverse;
    let brackets: Vec<Value> = rules
        .brackets
        .iter()
        .map(|b| {
            let (floor, cap, deduction) = if is_inverse {
                ("floor_coins", "cap_coins", "deduction_coins")
            } else {
                ("floor_usd", "cap_usd", "deduction_usd")
            };
            // A cap of infinity is null.
            json!({
                floor: b.floor_usd,
                cap: b.cap_usd,
                "max_leverage": b.max_leverage,
                "rate": b.rate,
                deduction: b.deduction_usd,
            })
        })
        .collect();
    let origins: serde_json::Map<String, Value> = listing
        .provenance
        .iter()
        .map(|p| {
            let source = p.source.map(|i| &listing.sources[i]);
            let origin = json!({
                "source": source.map(|s| &s.citation),
                "date": source.map(|s| &s.date),
                "assumed": p.assumed.map(|i| &listing.assumed[i]),
            });
            (p.key.clone(), origin)
        })
        .collect();
    json!({
        "listing": listing.listing,
        "underlying": listing.underlying,
        "kind": match listing.kind {
            ListedKind::Perpetual => "perpetual",
            ListedKind::Dated => "dated",
        },
        "settlement": listing.settlement.word(),
        "contract_size_usd": listing.contract_size_usd,
        "brackets": brackets,
        "fees": {
            "maker": rules.maker_fee_frac,
            "taker": rules.taker_fee_frac,
            "liquidation": rules.liquidation_fee_frac,
            "delivery": rules.delivery_fee_frac,
        },
        "funding": funding.map(|funding| json!({
            "interest_per_8h": funding.interest_per_8h,
            "damper_per_8h": funding.damper_per_8h,
            "interval_hours": funding.interval_hours,
            "cap_per_8h": funding.cap_per_8h,
        })),
        "liquidation": {
            "remainder": match rules.remainder {
                Remainder::Returned => "returned",
                Remainder::Forfeited => "forfeited",
            },
            "fee_in_trigger": rules.fee_in_trigger,
            "maintenance_at": match rules.maintenance_at {
                MaintenanceAt::Mark => "current",
                MaintenanceAt::Entry => "entry",
            },
        },
        "from": origins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::paragraph::WIDTH;
    use crate::venue::preset::{all, find};

    fn everything() -> Vec<&'static VenuePreset> {
        all().iter().collect()
    }

    #[test]
    fn the_overview_has_a_line_for_each_listing() {
        let text = render(&everything(), None, false);
        let line = text.lines().find(|l| l.contains("ETHUSDT")).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "ETHUSDT",
                "ETH",
                "12",
                "150x",
                "1,200,000,000",
                "USD",
                "0.0500",
                "%",
                "1.50",
                "%"
            ]
        );
        let listings: usize = all().iter().map(|venue| venue.listings.len()).sum();
        let lines = text.lines().filter(|l| l.contains("x  ")).count();
        assert_eq!((lines, listings), (13, 13));
        assert!(
            text.contains("1,500 BTC") && text.contains("120,000,000 USD"),
            "{text}"
        );
        assert!(
            text.starts_with("binance - Binance USD-M and COIN-M futures, data of 2026-05-01\n")
        );
    }

    #[test]
    fn details_fit_the_width_and_show_brackets_sources_and_assumptions() {
        let text = render(&everything(), None, true);
        assert!(text.lines().all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(text.is_ascii() && text.lines().all(|l| l == l.trim_end()));
        for venue in all() {
            for listing in &venue.listings {
                let one = render(&[venue], Some(&listing.listing), true);
                let flat = one.split_whitespace().collect::<Vec<_>>().join(" ");
                for sentence in &listing.assumed {
                    assert!(flat.contains(&format!("* {sentence}")), "{one}");
                }
                for (i, source) in listing.sources.iter().enumerate() {
                    assert!(
                        flat.contains(&format!(
                            "[{}] {} ({})",
                            i + 1,
                            source.citation,
                            source.date
                        )),
                        "{one}"
                    );
                }
                let last = listing.rules.brackets.last().unwrap();
                assert!(flat.contains(&deduction_text(listing, last.deduction_usd)));
            }
        }
    }

    #[test]
    fn marks_tell_sourced_from_assumed() {
        let text = render(&[find("binance").unwrap()], Some("BTCUSDT"), true);
        let words = |label: &str| {
            let line = text.lines().find(|l| l.contains(label)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("liquidation fee "), "liquidation fee 1.20 % [3]*");
        assert_eq!(
            words("funding cap per 8 h "),
            "funding cap per 8 h +-0.300 % *"
        );
        assert_eq!(words("taker fee "), "taker fee 0.0500 % [2]");
        assert!(!text.contains("ETHUSDT"));
    }

    #[test]
    fn inverse_listings_are_in_coins_and_quarterly_ones_have_no_funding() {
        let text = render(&[find("binance").unwrap()], Some("ETHUSD_QUARTER"), true);
        assert!(text.starts_with("binance - "));
        for part in [
            "ETHUSD_QUARTER, inverse quarterly future on ETH, 10 USD a contract",
            "up to ETH",
            "delivery fee",
            "1,616.90",
            "current price",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("funding") && !text.contains("inf"), "{text}");
        let value: Value =
            serde_json::from_str(&render_json(&everything(), Some("BTCUSD_PERP"))).unwrap();
        let listing = &value["venues"][0]["listings"][0];
        assert_eq!(listing["brackets"][8]["floor_coins"], 1_000.0);
        assert_eq!(listing["brackets"][8]["cap_coins"], Value::Null);
        assert_eq!(listing["contract_size_usd"], 100.0);
        assert_eq!(listing["settlement"], "inverse");
    }

    #[test]
    fn json_says_the_same() {
        let value: Value =
            serde_json::from_str(&render_json(&everything(), Some("ETHUSDT"))).unwrap();
        assert_eq!(value["format"], 1);
        assert_eq!(value["venues"][1]["listings"], json!([]));
        let eth = &value["venues"][0]["listings"][0];
        assert_eq!(eth["brackets"][7]["deduction_usd"], 9_507_000.0);
        assert_eq!(eth["fees"]["liquidation"], 0.015);
        assert_eq!(eth["from"]["fees.liquidation"]["source"], Value::Null);
        assert_eq!(eth["from"]["maintenance"]["date"], "2026-05-01");
    }
}

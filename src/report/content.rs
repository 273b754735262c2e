//! What the report of a run says: its head, a verdict in plain words, then the sections.

use std::collections::BTreeSet;

use crate::outcome::layout::holding_labels;
use crate::plan::types::{AccountPlan, Crossing, FundingSource, HedgePlan, Plan, Position};
use crate::report::document::{Block, Document, Item, Section, Tone};
use crate::report::event::size;
use crate::report::figure::{Money, days_text, futures_text, percent};
use crate::report::number::plain;
use crate::report::sections;
use crate::report::views;
use crate::stats::estimate::Estimate;
use crate::stats::limits::LimitStatus;
use crate::stats::summary::{PnlSummary, Summary};

/// The report of a run.
pub fn document(summary: &Summary, plan: &Plan) -> Document {
    let money = Money::for_value(programme_usd(plan));
    let mut parts = vec![
        Section {
            heading: None,
            blocks: head(summary, plan),
        },
        Section::new(
            "In plain words",
            vec![Block::List(verdict(summary, plan, money))],
        ),
    ];
    parts.extend(views::section(summary, money));
    parts.extend(sections::all(summary, money));
    if let Some(seconds) = summary.run_seconds {
        let text = run_line(&summary.version, seconds);
        parts.push(Section {
            heading: None,
            blocks: vec![Block::Paragraph(text)],
        });
    }
    let title = if summary.title.is_empty() {
        "Hedge simulation".to_owned()
    } else {
        summary.title.clone()
    };
    Document {
        title,
        sections: parts,
    }
}

/// The last line: which program, and how long it took.
pub(super) fn run_line(version: &str, seconds: f64) -> String {
    format!("hedgesim {version}, {} s.", plain(seconds, 2))
}

/// What every report must say of its plans (their `report.notes`), each once; where it stands at the end, under a heading.
pub(super) fn assumptions<'n>(notes: impl Iterator<Item = &'n String>) -> Option<Section> {
    let mut seen = BTreeSet::new();
    let items: Vec<Item> = notes
        .filter(|note| seen.insert(note.as_str()))
        .map(|note| Item {
            tone: Tone::Warning,
            text: note.clone(),
        })
        .collect();
    (!items.is_empty()).then(|| Section::new("What is assumed", vec![Block::List(items)]))
}

/// Value of the inventory at time 0, or of the hedge where there is none, USD: sets the unit of all amounts.
pub(super) fn programme_usd(plan: &Plan) -> f64 {
    let held_usd: f64 = plan
        .holdings
        .iter()
        .map(|holding| holding.quantity_base * plan.market.assets[holding.asset].spot_usd)
        .sum();
    if held_usd > 0.0 {
        held_usd
    } else {
        posted_usd(plan)
    }
}

/// Money and coins in the accounts at time 0, USD.
fn posted_usd(plan: &Plan) -> f64 {
    let coins_usd = |account: &AccountPlan| -> f64 {
        let coins = account.coins.iter();
        coins
            .map(|coin| coin.quantity_base * plan.market.assets[coin.asset].spot_usd)
            .sum()
    };
    let accounts = plan.accounts.iter();
    accounts
        .map(|account| account.collateral_usd + coins_usd(account))
        .sum()
}

/// Whether there is more than one holding, hedge or account to be told apart.
fn is_composite(plan: &Plan) -> bool {
    plan.holdings.len() > 1 || plan.hedges.len() > 1 || plan.accounts.len() > 1
}

/// What is held and how it is hedged, each under the label of the tables.
fn programme(plan: &Plan) -> Block {
    let labels = holding_labels(plan);
    let holdings = plan.holdings.iter().zip(&labels).map(|(holding, label)| {
        let asset = &plan.market.assets[holding.asset].name;
        let quantity = size(holding.quantity_base);
        Item::plain(format!("holding {label}: {quantity} {asset}"))
    });
    let hedges = plan.hedges.iter().enumerate().map(|(h, hedge)| {
        let account = &plan.accounts[hedge.account];
        let side = match hedge.position {
            Position::Short => "short",
            Position::Long => "long",
        };
        Item::plain(format!(
            "hedge {}: {side} {} for {}, ratio {}, in account {} at {}",
            h + 1,
            plan.market.contracts[hedge.contract].name,
            labels[hedge.covers],
            plain(hedge.hedge_ratio, 3),
            account.name,
            account.venue,
        ))
    });
    Block::List(holdings.chain(hedges).collect())
}

fn head(summary: &Summary, plan: &Plan) -> Vec<Block> {
    let simulation = &plan.simulation;
    let crossing = match simulation.crossing {
        Crossing::Bridge => "margin watched within each step",
        Crossing::Endpoints => "margin watched at step ends only",
    };
    let simulated = format!(
        "{} paths, seed {}; {} in steps of {}, {crossing}.",
        plain(summary.paths as f64, 0),
        summary.seed,
        days_text(simulation.horizon_days),
        days_text(simulation.step_days),
    );
    let mut notes: Vec<Item> = summary
        .notes
        .iter()
        .map(|note| Item {
            tone: Tone::Warning,
            text: note.clone(),
        })
        .collect();
    if !summary.notes.iter().any(|note| note.contains("drift")) {
        notes.push(Item::plain(drift_note(plan)));
    }
    notes.extend(views::note(plan).map(Item::plain));
    let mut blocks = vec![Block::Paragraph(simulated)];
    if is_composite(plan) {
        blocks.push(programme(plan));
    }
    blocks.push(Block::List(notes));
    blocks
}

fn drift_note(plan: &Plan) -> String {
    let drifts: Vec<String> = plan
        .market
        .assets
        .iter()
        .map(|asset| format!("{} {} a year", asset.name, percent(asset.drift_annual)))
        .collect();
    format!(
        "expected prices drift by {}: a view, not a fact",
        drifts.join(", ")
    )
}

fn verdict(summary: &Summary, plan: &Plan, money: Money) -> Vec<Item> {
    let mut items = vec![Item::plain(range_words(
        "Without the hedge",
        &summary.unhedged,
        money,
    ))];
    if plan.hedges.iter().all(HedgePlan::is_absent) {
        items.push(Item::plain(
            "There is no hedge in this scenario: hedged and unhedged are the same.",
        ));
    } else {
        items.push(Item::plain(range_words("With it", &summary.hedged, money)));
        items.extend(effectiveness_words(summary));
        items.push(liquidation_words(summary, plan, money));
        items.extend(collateral_words(summary, plan, money));
        let worse = futures_text(&summary.worse_than_unhedged, summary.paths);
        items.push(Item::plain(format!(
            "The hedge ends below no hedge at all in {worse}."
        )));
    }
    items.extend(limit_words(summary));
    items
}

fn text_of(estimate: Option<&Estimate>, text: impl Fn(f64) -> String) -> String {
    estimate
        .and_then(|estimate| estimate.value)
        .map_or("unknown".to_owned(), text)
}

fn range_words(lead: &str, pnl: &PnlSummary, money: Money) -> String {
    let bare = |estimate: Option<&Estimate>| text_of(estimate, |usd| money.bare(usd));
    let (verb, es95) = match pnl.es95.value {
        Some(es95) if es95 < 0.0 => ("gains", text_of(Some(&pnl.es95), |usd| money.bare(-usd))),
        _ => ("loses", bare(Some(&pnl.es95))),
    };
    format!(
        "{lead}, nine futures in ten end between {} and {} {}; the worst twentieth {verb} {es95} on average.",
        bare(pnl.percentiles.get("p5")),
        bare(pnl.percentiles.get("p95")),
        money.unit,
    )
}

fn effectiveness_words(summary: &Summary) -> Option<Item> {
    let [variance, es95] = [
        summary.hedge_effectiveness.variance.value?,
        summary.hedge_effectiveness.es95.value?,
    ];
    let shortfall = "average loss of the worst twentieth";
    let part = |removed: f64| percent(removed.abs());
    let text = match (variance >= 0.0, es95 >= 0.0) {
        (true, true) => format!(
            "removes {} of the variance and {} of the {shortfall}",
            part(variance),
            part(es95)
        ),
        (true, false) => format!(
            "removes {} of the variance but adds {} to the {shortfall}",
            part(variance),
            part(es95)
        ),
        (false, true) => format!(
            "adds {} to the variance but removes {} of the {shortfall}",
            part(variance),
            part(es95)
        ),
        (false, false) => format!(
            "adds {} to the variance and {} to the {shortfall}",
            part(variance),
            part(es95)
        ),
    };
    let tone = if variance < 0.0 || es95 < 0.0 {
        Tone::Bad
    } else {
        Tone::Plain
    };
    let text = format!("The hedge {text}.");
    Some(Item { tone, text })
}

fn liquidation_words(summary: &Summary, plan: &Plan, money: Money) -> Item {
    let hedge = if plan.hedges.len() > 1 {
        "at least one of the hedges"
    } else {
        "the hedge"
    };
    let liquidation = &summary.liquidation;
    let probability = futures_text(&liquidation.probability, summary.paths);
    let Some(given_usd) = liquidation.hedged_given.mean.value else {
        return Item::plain(format!(
            "The exchange closes {hedge} by force in {probability}."
        ));
    };
    let day = text_of(Some(&liquidation.mean_day), |day| plain(day, 0));
    Item {
        tone: Tone::Warning,
        text: format!(
            "The exchange closes {hedge} by force in {probability}, first on day {day} on average; \
             those end at {} on average.",
            money.text(given_usd)
        ),
    }
}

fn collateral_words(summary: &Summary, plan: &Plan, money: Money) -> Option<Item> {
    let required_usd = summary.collateral.required.percentiles.get("p99")?.value?;
    let posted_usd = posted_usd(plan);
    let reserve_usd: f64 = plan
        .accounts
        .iter()
        .map(|account| account.reserve_usd)
        .sum();
    let sources = plan.accounts.iter().flat_map(|account| &account.sources);
    let credit_usd: f64 = sources
        .map(|source| match *source {
            FundingSource::CreditLine { limit_usd, .. } => limit_usd,
            FundingSource::Reserve | FundingSource::Inventory { .. } => 0.0,
        })
        .sum();
    let tone = if required_usd > posted_usd + reserve_usd + credit_usd {
        Tone::Warning
    } else {
        Tone::Good
    };
    let needs = if plan.hedges.len() > 1 {
        "the hedges need"
    } else if plan.hedges[0].position == Position::Short {
        "the short needs"
    } else {
        "the hedge needs"
    };
    let further = if credit_usd > 0.0 {
        format!(", with {} on credit", money.bare(credit_usd))
    } else {
        String::new()
    };
    let text = format!(
        "To survive 99 % of futures {needs} {} of collateral; {} is posted and {} in reserve{further}.",
        money.text(required_usd),
        money.bare(posted_usd),
        money.bare(reserve_usd),
    );
    Some(Item { tone, text })
}

fn limit_words(summary: &Summary) -> Option<Item> {
    if summary.limits.is_empty() {
        return None;
    }
    let count = |status| {
        summary
            .limits
            .iter()
            .filter(|limit| limit.status == status)
            .count()
    };
    let [kept, broken, unknown] =
        [LimitStatus::Kept, LimitStatus::Broken, LimitStatus::Unknown].map(count);
    let tone = if broken > 0 {
        Tone::Bad
    } else if unknown > 0 {
        Tone::Warning
    } else {
        Tone::Good
    };
    Some(Item {
        tone,
        text: format!("Your limits: {kept} kept, {broken} broken, {unknown} that cannot be told."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::table::OutcomeTable;
    use crate::plan::types::CoinCollateral;
    use crate::report::{markdown, terminal};
    use crate::stats::summarise::{Detail, RunInfo, summarise};
    use crate::stats::synthetic::{general_plan, general_table, plan, table};

    #[test]
    fn what_was_never_seen_is_an_upper_limit_everywhere() {
        let plan = plan(5000, vec![]);
        let summary = summarise(&table(5000), &plan, Detail::Report, &RunInfo::default());
        let text = terminal::render(&document(&summary, &plan), false);
        assert!(text.contains("0 of 5,000; 95 % upper limit"), "{text}");
        assert!(text.contains("< 0.077 %"), "{text}");
        assert!(!text.contains(" 0.00 %"), "{text}");
    }

    #[test]
    fn without_a_hedge_nothing_is_said_of_liquidation() {
        let mut plan = plan(1000, vec![]);
        plan.hedges[0].hedge_ratio = 0.0;
        plan.report.notes = vec!["a drift of 10 % for ETH is a view".into()];
        let summary = summarise(&table(1000), &plan, Detail::Report, &RunInfo::default());
        let document = document(&summary, &plan);
        let Block::List(verdict) = &document.sections[1].blocks[0] else {
            panic!("the verdict is a list");
        };
        assert_eq!(verdict.len(), 2);
        assert!(verdict[1].text.starts_with("There is no hedge"));
        // The note speaks of the drift already.
        let text = terminal::render(&document, false);
        assert_eq!(text.matches("drift").count(), 1);
        assert!(text.contains("cannot happen"));
    }

    #[test]
    fn collateral_counts_coins_and_credit() {
        let mut plan = general_plan(1000);
        plan.accounts[1].coins.push(CoinCollateral {
            asset: 1,
            quantity_base: 500.0,
            holding: None,
            haircut_frac: 0.0,
        });
        plan.accounts[0].sources.push(FundingSource::CreditLine {
            limit_usd: 15e6,
            rate_annual: 0.1,
        });
        let summary = summarise(
            &general_table(1000),
            &plan,
            Detail::Report,
            &RunInfo::default(),
        );
        let text = terminal::render(&document(&summary, &plan), false);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // 60 and 20 million in USD, 500 BTC at 60,000 USD.
        let words = "110.00 is posted and 40.00 in reserve, with 15.00 on credit.";
        assert!(text.contains(words), "{text}");
    }

    #[test]
    fn markdown_says_what_the_terminal_says() {
        says_the_same(&plan(5000, vec![]), &table(5000));
        says_the_same(&general_plan(5000), &general_table(5000));
    }

    fn says_the_same(plan: &Plan, table: &OutcomeTable) {
        let info = RunInfo {
            version: "9.9.9".into(),
            run_seconds: Some(1.25),
            ..RunInfo::default()
        };
        let document = document(&summarise(table, plan, Detail::Report, &info), plan);
        let words = |text: &str| {
            let kept = text.replace(['|', '-', '=', '#', '*', '+', ':'], " ");
            kept.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(&markdown::render(&document)),
            words(&terminal::render(&document, false))
        );
        assert!(markdown::render(&document).contains("hedgesim 9.9.9, 1.25 s."));
    }
}

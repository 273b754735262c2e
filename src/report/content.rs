//! What the report of a run says: its head, a verdict in plain words, then the sections.

use crate::plan::types::{Crossing, HedgePlan, Plan};
use crate::report::document::{Block, Document, Item, Section, Tone};
use crate::report::figure::{Money, days_text, futures_text, grouped, percent};
use crate::report::sections;
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
    parts.extend(sections::all(summary, money));
    if let Some(seconds) = summary.run_seconds {
        let text = format!("hedgesim {}, {} s.", summary.version, grouped(seconds, 2));
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

/// Value of the inventory at time 0, or of the hedge where there is none, USD: sets the unit of all amounts.
fn programme_usd(plan: &Plan) -> f64 {
    let held_usd: f64 = plan
        .holdings
        .iter()
        .map(|holding| holding.quantity_base * plan.market.assets[holding.asset].spot_usd)
        .sum();
    if held_usd > 0.0 {
        held_usd
    } else {
        plan.accounts
            .iter()
            .map(|account| account.collateral_usd)
            .sum()
    }
}

fn head(summary: &Summary, plan: &Plan) -> Vec<Block> {
    let simulation = &plan.simulation;
    let crossing = match simulation.crossing {
        Crossing::Bridge => "margin watched within each step",
        Crossing::Endpoints => "margin watched at step ends only",
    };
    let size = format!(
        "{} paths, seed {}; {} in steps of {}, {crossing}.",
        grouped(summary.paths as f64, 0),
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
    vec![Block::Paragraph(size), Block::List(notes)]
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
        items.push(liquidation_words(summary, money));
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

fn liquidation_words(summary: &Summary, money: Money) -> Item {
    let liquidation = &summary.liquidation;
    let probability = futures_text(&liquidation.probability, summary.paths);
    let Some(given_usd) = liquidation.hedged_given.mean.value else {
        return Item::plain(format!(
            "The exchange closes the hedge by force in {probability}."
        ));
    };
    let day = text_of(Some(&liquidation.mean_day), |day| grouped(day, 0));
    Item {
        tone: Tone::Warning,
        text: format!(
            "The exchange closes the hedge by force in {probability}, first on day {day} on average; \
             those end at {} on average.",
            money.text(given_usd)
        ),
    }
}

fn collateral_words(summary: &Summary, plan: &Plan, money: Money) -> Option<Item> {
    let required_usd = summary.collateral.required.percentiles.get("p99")?.value?;
    let posted_usd: f64 = plan
        .accounts
        .iter()
        .map(|account| account.collateral_usd)
        .sum();
    let reserve_usd: f64 = plan
        .accounts
        .iter()
        .map(|account| account.reserve_usd)
        .sum();
    let tone = if required_usd > posted_usd + reserve_usd {
        Tone::Warning
    } else {
        Tone::Good
    };
    let text = format!(
        "To survive 99 % of futures the short needs {} of collateral; {} is posted and {} in reserve.",
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
    use crate::report::{markdown, terminal};
    use crate::stats::summarise::{Detail, RunInfo, summarise};
    use crate::stats::synthetic::{plan, table};

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
    fn markdown_says_what_the_terminal_says() {
        let plan = plan(5000, vec![]);
        let info = RunInfo {
            version: "9.9.9".into(),
            run_seconds: Some(1.25),
            ..RunInfo::default()
        };
        let document = document(
            &summarise(&table(5000), &plan, Detail::Report, &info),
            &plan,
        );
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

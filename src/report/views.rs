//! The section of a report on views: what is held, what it costs, and the key figures beside the model's own.

use crate::plan::types::Plan;
use crate::report::document::{Block, Item, Section, Table, Tone};
use crate::report::figure::{Cells, Money, NOTHING, cells, percent, probability_cells};
use crate::report::number::plain;
use crate::report::sections::{INTERVAL, component_label, is_zero, pair, percentile_label};
use crate::stats::estimate::Estimate;
use crate::stats::level::ByName;
use crate::stats::summary::Summary;
use crate::stats::viewed::ViewsSummary;
use crate::stats::views::{Target, ViewOutcome, ViewedQuantile, ViewsOutcome};

/// What stands at the head of a report under views.
pub(super) fn note(plan: &Plan) -> Option<String> {
    let views = match plan.report.views.list.len() {
        0 => return None,
        1 => "a view".to_owned(),
        count => format!("{count} views"),
    };
    Some(format!(
        "everything here is under {views} of yours, but for the columns of the model in the section `Your views`"
    ))
}

/// The section, if there are views.
pub(super) fn section(summary: &Summary, money: Money) -> Option<Section> {
    let views = summary.views.as_ref()?;
    let mut blocks = vec![
        Block::Table(held(views)),
        Block::Paragraph(cost(summary, views)),
    ];
    let warning = few_paths(summary.paths, views);
    blocks.extend(warning.map(|warning| Block::List(vec![warning])));
    blocks.extend([
        Block::Table(key_figures(summary, &views.model, money)),
        Block::Table(percentiles(summary, &views.model, money)),
        Block::Table(attribution(summary, &views.model, money.finer())),
    ]);
    Some(Section::new(
        format!("Your views, beside the model, {}", money.unit),
        blocks,
    ))
}

/// What a report says of views that are in force at all its points: the views, and what they came to at each.
pub(super) fn in_force<'o>(outcomes: impl Iterator<Item = &'o ViewsOutcome>) -> Option<String> {
    let words = words(outcomes)?;
    Some(format!("everything here is under {words}"))
}

/// What the report of a stress test says of them, where much is not simulated.
pub(super) fn in_simulations(outcome: Option<&ViewsOutcome>) -> Option<String> {
    let words = words(outcome.into_iter())?;
    Some(format!(
        "all that is simulated (the simulation as it is and under other parameters, and its worst 1 %) is under {words}; episodes, shocks \
         and reverse stress are not touched by views"
    ))
}

/// The views and what they came to.
fn words<'o>(outcomes: impl Iterator<Item = &'o ViewsOutcome>) -> Option<String> {
    let outcomes: Vec<&ViewsOutcome> = outcomes.collect();
    let first = outcomes.first()?;
    let texts = |outcome: &ViewsOutcome| -> Vec<String> {
        let list = outcome.list.iter();
        list.map(|view| view.text.clone()).collect()
    };
    let words = if outcomes.iter().all(|other| texts(other) == texts(first)) {
        let count = match first.list.len() {
            1 => "a view".to_owned(),
            count => format!("{count} views"),
        };
        format!("{count} of yours: {}", texts(first).join("; "))
    } else {
        "views of yours that are not the same at all points".to_owned()
    };
    let fractions = outcomes.iter().map(|outcome| outcome.effective_frac);
    let least = fractions.clone().fold(f64::INFINITY, f64::min);
    let most = fractions.fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = (percent(least), percent(most));
    let worth = if low == high {
        format!("{} equal paths ({low})", plain(first.effective_paths, 0))
    } else {
        format!("{low} to {high} of equal paths")
    };
    Some(format!(
        "{words}; reweighted to that, the paths are worth {worth} by entropy"
    ))
}

fn held(views: &ViewsSummary) -> Table {
    let mut table = Table::new(&["view", "model", "target", "under the views"]);
    for view in &views.outcome.list {
        let words = |value: f64| value_words(view, value);
        let maybe = |value: Option<f64>| value.map_or(NOTHING.to_owned(), words);
        let (label, model, target, reached) = match view.quantile_usd {
            // The price that is meant; its probability is what is held.
            Some(ViewedQuantile {
                model,
                target,
                reached,
            }) => (
                view.text.clone(),
                price(model),
                price(target),
                price(reached),
            ),
            None => (
                view.text.clone(),
                maybe(view.model),
                match view.target {
                    Target::At(value) => words(value),
                    Target::Between([low, high]) => format!("{} to {}", words(low), words(high)),
                },
                maybe(view.reached),
            ),
        };
        let label = if view.binds {
            label
        } else {
            format!("{label} (holds anyway)")
        };
        table.push([label, model, target, reached]);
    }
    table
}

fn price(usd: f64) -> String {
    plain(usd, if usd.abs() < 1000.0 { 4 } else { 2 })
}

/// A value of what is viewed, as a person reads it.
fn value_words(view: &ViewOutcome, value: f64) -> String {
    match view.quantity {
        "mean_usd" => price(value),
        "probability" | "quantile" | "return_difference" => percent(value),
        _ => plain(value, 4),
    }
}

fn cost(summary: &Summary, views: &ViewsSummary) -> String {
    let outcome = &views.outcome;
    let held = if outcome
        .list
        .iter()
        .any(|view| view.quantity == "correlation")
    {
        " Beside a correlation, mean and variance of both log returns are held where they are without it."
    } else {
        ""
    };
    format!(
        "No path was simulated anew: the {} paths were reweighted as little as makes the views hold (relative entropy {}). They are \
         worth {} equal paths ({}) by entropy, {} by the variance of a mean.{held}",
        plain(summary.paths as f64, 0),
        plain(outcome.relative_entropy, 4),
        plain(outcome.effective_paths, 0),
        share(outcome.effective_frac),
        plain(outcome.effective_paths_kish, 0),
    )
}

/// A share of the paths: one decimal will do, but for a very small one.
fn share(frac: f64) -> String {
    if frac < 0.1 {
        percent(frac)
    } else {
        format!("{} %", plain(100.0 * frac, 1))
    }
}

/// Under so many equal paths a mean of a tail of 5 % rests on fifty.
const LEAST_PATHS: f64 = 1000.0;

/// Under this share of the paths some weigh fifty times the mean and more.
const LEAST_SHARE: f64 = 0.02;

/// A warning where the paths are worth few by the variance of a mean: a handful of heavy ones, which the entropy hardly sees.
fn few_paths(paths: u64, views: &ViewsSummary) -> Option<Item> {
    let (worth, all) = (views.outcome.effective_paths_kish, paths as f64);
    let is_few = worth < LEAST_PATHS && all >= LEAST_PATHS;
    (is_few || worth < LEAST_SHARE * all).then(|| Item {
        tone: Tone::Warning,
        text: format!(
            "By the variance of a mean the paths are worth {} equal ones only ({}): a few heavy paths carry the figures, more than the number by \
             entropy tells. Take more paths, or views nearer to the model.",
            plain(worth, 0),
            share(worth / all)
        ),
    })
}

/// How the cells of a key figure are written.
type Write<'a> = &'a dyn Fn(&Estimate) -> Cells;

/// Where a key figure stands in a summary.
type Find = fn(&Summary) -> Option<&Estimate>;

fn key_figures(summary: &Summary, model: &Summary, money: Money) -> Table {
    let usd = |estimate: &Estimate| money.cells(estimate);
    let share = |estimate: &Estimate| cells(estimate, percent);
    let chance = |estimate: &Estimate| probability_cells(estimate, summary.paths);
    let mut table = Table::new(&["", "under the views", INTERVAL, "model", INTERVAL]);
    let rows: [(&str, Write<'_>, Find); 16] = [
        ("unhedged, mean", &usd, |s| Some(&s.unhedged.mean)),
        ("unhedged, expected shortfall 95 %", &usd, |s| {
            Some(&s.unhedged.es95)
        }),
        ("hedged, mean", &usd, |s| Some(&s.hedged.mean)),
        ("hedged, standard deviation", &usd, |s| {
            Some(&s.hedged.std_dev)
        }),
        ("hedged, value at risk 95 %", &usd, |s| {
            Some(&s.hedged.var95)
        }),
        ("hedged, expected shortfall 95 %", &usd, |s| {
            Some(&s.hedged.es95)
        }),
        ("hedged, expected shortfall 99 %", &usd, |s| {
            Some(&s.hedged.es99)
        }),
        ("variance removed", &share, |s| {
            Some(&s.hedge_effectiveness.variance)
        }),
        ("expected shortfall 95 % removed", &share, |s| {
            Some(&s.hedge_effectiveness.es95)
        }),
        ("probability to end below no hedge", &chance, |s| {
            Some(&s.worse_than_unhedged)
        }),
        ("liquidated at least once", &chance, |s| {
            Some(&s.liquidation.probability)
        }),
        ("margin call", &chance, |s| Some(&s.margin_call.probability)),
        ("a call the reserve cannot meet", &chance, |s| {
            Some(&s.unmet_call.probability)
        }),
        ("collateral required for 99 %", &usd, |s| {
            s.collateral.required.percentiles.get("p99")
        }),
        ("basis risk, mean", &usd, |s| Some(&s.basis_risk.mean)),
        ("basis risk, shortfall 95 %", &usd, |s| {
            Some(&s.basis_risk.es95)
        }),
    ];
    for (label, write, of) in rows {
        if let (Some(under), Some(own)) = (of(summary), of(model)) {
            table.push(pair(label, write(under), write(own)));
        }
    }
    for (under, own) in summary.thresholds.iter().zip(&model.thresholds) {
        let label = format!("hedged ends under {}", money.bare(under.usd));
        table.push(pair(label, chance(&under.hedged), chance(&own.hedged)));
    }
    table
}

fn percentiles(summary: &Summary, model: &Summary, money: Money) -> Table {
    let mut table = Table::new(&[
        "percentile",
        "hedged, views",
        "hedged, model",
        "unhedged, views",
        "unhedged, model",
    ]);
    let cell = |percentiles: &ByName, key: &str| money_cell(percentiles.get(key), money);
    for key in ["p1", "p5", "p25", "p50", "p75", "p95", "p99"] {
        table.push([
            percentile_label(key),
            cell(&summary.hedged.percentiles, key),
            cell(&model.hedged.percentiles, key),
            cell(&summary.unhedged.percentiles, key),
            cell(&model.unhedged.percentiles, key),
        ]);
    }
    table
}

fn attribution(summary: &Summary, model: &Summary, money: Money) -> Table {
    let mut table = Table::new(&[
        "mean",
        "all paths, views",
        "all paths, model",
        "worst 5 %, views",
        "worst 5 %, model",
    ]);
    let parts = [
        &summary.attribution.all,
        &model.attribution.all,
        &summary.attribution.worst5,
        &model.attribution.worst5,
    ];
    for (name, _) in &parts[0].0 {
        let found = parts.map(|part| part.get(name));
        if found.iter().flatten().all(|estimate| is_zero(estimate)) {
            continue; // what this scenario cannot move
        }
        let [a, b, c, d] = found.map(|estimate| money_cell(estimate, money));
        table.push([component_label(name), a, b, c, d]);
    }
    table
}

fn money_cell(estimate: Option<&Estimate>, money: Money) -> String {
    estimate.map_or(NOTHING.to_owned(), |estimate| {
        let [value, _] = money.cells(estimate);
        value
    })
}

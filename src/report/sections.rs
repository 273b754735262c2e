//! The tables of a run's report.

use crate::report::breakdown;
use crate::report::document::{Block, Item, Section, Table, Tone};
use crate::report::figure::{Cells, Money, cells, percent, probability_cells};
use crate::report::number::plain;
use crate::stats::estimate::Estimate;
use crate::stats::limits::{LimitOutcome, LimitStatus, ValueKind, kind_of};
use crate::stats::summary::{Summary, ThresholdSummary};

pub(super) const INTERVAL: &str = "95 % interval";

/// All sections that apply to a run.
pub(super) fn all(summary: &Summary, money: Money) -> Vec<Section> {
    let mut sections = vec![
        percentiles(summary, money),
        risk(summary, money),
        liquidation(summary, money),
        collateral(summary, money),
    ];
    sections.extend(breakdown::of_collateral(summary, money));
    sections.push(basis_risk(summary, money.finer()));
    sections.push(attribution(summary, money.finer()));
    sections.extend(breakdown::of_result(summary, money));
    sections.extend(thresholds(summary, money));
    sections.extend(limits(summary));
    sections
}

/// A row of two estimates side by side.
pub(super) fn pair(label: impl Into<String>, [a, b]: Cells, [c, d]: Cells) -> [String; 5] {
    [label.into(), a, b, c, d]
}

/// A row of one estimate.
pub(super) fn single(label: impl Into<String>, [a, b]: Cells) -> [String; 3] {
    [label.into(), a, b]
}

pub(super) fn percentile_label(key: &str) -> String {
    format!("{} %", key.trim_start_matches('p'))
}

fn percentiles(summary: &Summary, money: Money) -> Section {
    let mut table = Table::new(&["percentile", "hedged", INTERVAL, "unhedged", INTERVAL]);
    for key in ["p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99"] {
        let (hedged, unhedged) = (
            summary.hedged.percentiles.get(key),
            summary.unhedged.percentiles.get(key),
        );
        if let (Some(hedged), Some(unhedged)) = (hedged, unhedged) {
            table.push(pair(
                percentile_label(key),
                money.cells(hedged),
                money.cells(unhedged),
            ));
        }
    }
    Section::new(
        format!("Profit and loss against today's value, {}", money.unit),
        vec![Block::Table(table)],
    )
}

fn risk(summary: &Summary, money: Money) -> Section {
    let (hedged, unhedged) = (&summary.hedged, &summary.unhedged);
    let mut table = Table::new(&["", "hedged", INTERVAL, "unhedged", INTERVAL]);
    for (label, hedged, unhedged) in [
        ("mean", &hedged.mean, &unhedged.mean),
        ("standard deviation", &hedged.std_dev, &unhedged.std_dev),
        ("value at risk 95 %", &hedged.var95, &unhedged.var95),
        ("value at risk 99 %", &hedged.var99, &unhedged.var99),
        ("expected shortfall 95 %", &hedged.es95, &unhedged.es95),
        ("expected shortfall 99 %", &hedged.es99, &unhedged.es99),
    ] {
        table.push(pair(label, money.cells(hedged), money.cells(unhedged)));
    }
    let price = |usd: f64| plain(usd, 2);
    let mut against = Table::new(&["the hedge", "", INTERVAL]);
    against.push(single(
        "variance removed",
        cells(&summary.hedge_effectiveness.variance, percent),
    ));
    against.push(single(
        "expected shortfall 95 % removed",
        cells(&summary.hedge_effectiveness.es95, percent),
    ));
    against.push(single(
        "probability to end below no hedge",
        probability_cells(&summary.worse_than_unhedged, summary.paths),
    ));
    let realised = &summary.effective_price;
    if realised.mean.value.is_some() {
        let label = "price realised per unit, mean, USD";
        against.push(single(label, cells(&realised.mean, price)));
        for key in ["p5", "p95"] {
            if let Some(estimate) = realised.percentiles.get(key) {
                let label = format!("price realised per unit, {}, USD", percentile_label(key));
                against.push(single(label, cells(estimate, price)));
            }
        }
    }
    against.push(single(
        format!("largest drawdown, mean, {}", money.unit),
        money.cells(&summary.drawdown.mean),
    ));
    for key in ["p95", "p99"] {
        if let Some(estimate) = summary.drawdown.percentiles.get(key) {
            let label = format!(
                "largest drawdown, {}, {}",
                percentile_label(key),
                money.unit
            );
            against.push(single(label, money.cells(estimate)));
        }
    }
    let words = "Value at risk and expected shortfall are losses: positive is money lost.";
    Section::new(
        format!("Risk, {}", money.unit),
        vec![
            Block::Table(table),
            Block::Paragraph(words.into()),
            Block::Table(against),
        ],
    )
}

fn liquidation(summary: &Summary, money: Money) -> Section {
    let probability = |estimate: &Estimate| probability_cells(estimate, summary.paths);
    let count = |estimate: &Estimate| cells(estimate, |x| plain(x, 4));
    let day = |estimate: &Estimate| cells(estimate, |x| plain(x, 1));
    let forced = &summary.liquidation;
    let mut table = Table::new(&["", "", INTERVAL]);
    table.push(single(
        "liquidated at least once",
        probability(&forced.probability),
    ));
    if forced.mean_day.value.is_some() {
        table.push(single(
            "day of the first liquidation, mean",
            day(&forced.mean_day),
        ));
        for key in ["p5", "p50", "p95"] {
            if let Some(estimate) = forced.day.percentiles.get(key) {
                table.push(single(
                    format!("day of the first liquidation, {}", percentile_label(key)),
                    day(estimate),
                ));
            }
        }
        let label = format!("hedged P&L if liquidated, mean, {}", money.unit);
        table.push(single(label, money.cells(&forced.hedged_given.mean)));
    }
    table.push(single(
        "margin call",
        probability(&summary.margin_call.probability),
    ));
    table.push(single(
        "margin calls per path",
        count(&summary.margin_call.mean_count),
    ));
    table.push(single(
        "a call the reserve cannot meet",
        probability(&summary.unmet_call.probability),
    ));
    table.push(single(
        format!("shortfall of calls, mean, {}", money.unit),
        money.cells(&summary.unmet_call.mean_usd),
    ));
    table.push(single(
        "a trade cut for want of margin",
        probability(&summary.cut_trades.probability),
    ));
    table.push(single(
        "loss beyond the account",
        probability(&summary.bankruptcy_loss.probability),
    ));
    let label = format!("loss beyond the account, mean, {}", money.unit);
    table.push(single(label, money.cells(&summary.bankruptcy_loss.mean)));
    Section::new("Liquidation and margin calls", vec![Block::Table(table)])
}

fn collateral(summary: &Summary, money: Money) -> Section {
    let (required, peak) = (&summary.collateral.required, &summary.collateral.peak);
    let mut table = Table::new(&["enough for", "required", INTERVAL, "posted", INTERVAL]);
    for key in ["p50", "p90", "p95", "p99", "p99.9"] {
        if let (Some(required), Some(peak)) =
            (required.percentiles.get(key), peak.percentiles.get(key))
        {
            let label = format!("{} of paths", percentile_label(key));
            table.push(pair(label, money.cells(required), money.cells(peak)));
        }
    }
    table.push(pair(
        "mean",
        money.cells(&required.mean),
        money.cells(&peak.mean),
    ));
    let needs = if summary.by_hedge.is_some() {
        "the hedges as planned need"
    } else {
        "the short as planned needs"
    };
    let words = format!(
        "Required is what {needs} never to be liquidated (liquidity-at-risk); posted is the largest amount that was \
         there, limited by the reserve."
    );
    Section::new(
        format!("Collateral, {}", money.unit),
        vec![Block::Table(table), Block::Paragraph(words)],
    )
}

fn basis_risk(summary: &Summary, money: Money) -> Section {
    let basis = &summary.basis_risk;
    let mut table = Table::new(&["tracking and futures basis", "", INTERVAL]);
    table.push(single("mean", money.cells(&basis.mean)));
    table.push(single("standard deviation", money.cells(&basis.std_dev)));
    table.push(single(
        "probability of a loss",
        probability_cells(&basis.loss_probability, summary.paths),
    ));
    for key in ["p50", "p95", "p99"] {
        if let Some(estimate) = basis.loss_percentiles.get(key) {
            table.push(single(
                format!("loss, {}", percentile_label(key)),
                money.cells(estimate),
            ));
        }
    }
    table.push(single("expected shortfall 95 %", money.cells(&basis.es95)));
    Section::new(
        format!("Basis risk, {}", money.unit),
        vec![Block::Table(table)],
    )
}

fn attribution(summary: &Summary, money: Money) -> Section {
    let mut table = Table::new(&["mean", "all paths", INTERVAL, "worst 5 %", INTERVAL]);
    let (all, worst) = (&summary.attribution.all, &summary.attribution.worst5);
    for ((name, in_all), (_, in_worst)) in all.0.iter().zip(&worst.0) {
        if is_zero(in_all) && is_zero(in_worst) {
            continue; // what this scenario cannot move
        }
        table.push(pair(
            component_label(name),
            money.cells(in_all),
            money.cells(in_worst),
        ));
    }
    let words =
        "Unhedged plus the rows between is hedged. Worst 5 % of paths by hedged profit and loss.";
    Section::new(
        format!("Where the hedged result comes from, {}", money.unit),
        vec![Block::Table(table), Block::Paragraph(words.into())],
    )
}

pub(super) fn is_zero(estimate: &Estimate) -> bool {
    *estimate == Estimate::exact(0.0)
}

pub(super) fn component_label(name: &str) -> String {
    match name {
        "unhedged_pnl_usd" => "unhedged".to_owned(),
        "hedged_pnl_usd" => "= hedged".to_owned(),
        _ => format!("+ {}", name.trim_end_matches("_usd").replace('_', " ")),
    }
}

fn thresholds(summary: &Summary, money: Money) -> Option<Section> {
    let mut table = Table::new(&[
        "probability to end under",
        "hedged",
        INTERVAL,
        "unhedged",
        INTERVAL,
    ]);
    let mut push = |label: String, threshold: &ThresholdSummary| {
        let of = |estimate: &Estimate| probability_cells(estimate, summary.paths);
        table.push(pair(label, of(&threshold.hedged), of(&threshold.unhedged)));
    };
    for threshold in &summary.thresholds {
        push(money.text(threshold.usd), threshold);
    }
    for threshold in &summary.effective_price_below {
        push(format!("{} USD a unit", plain(threshold.usd, 2)), threshold);
    }
    (!table.rows.is_empty()).then(|| Section::new("Your thresholds", vec![Block::Table(table)]))
}

fn limits(summary: &Summary) -> Option<Section> {
    let items: Vec<Item> = summary.limits.iter().map(limit_item).collect();
    (!items.is_empty()).then(|| Section::new("Your limits", vec![Block::List(items)]))
}

fn limit_item(limit: &LimitOutcome) -> Item {
    let (tone, verdict) = match limit.status {
        LimitStatus::Kept => (Tone::Good, "kept"),
        LimitStatus::Broken => (Tone::Bad, "broken"),
        LimitStatus::Unknown => (Tone::Warning, "cannot tell"),
    };
    let [value, interval] = cells(
        &Estimate {
            value: limit.value,
            std_error: None,
            ci95: limit.ci95,
        },
        |x| match kind_of(&limit.path) {
            ValueKind::Probability | ValueKind::Effectiveness => percent(x),
            ValueKind::Amount => plain(x, 2),
        },
    );
    Item {
        tone,
        text: format!(
            "{verdict}: {} (found {value}, {INTERVAL} {interval})",
            limit.require
        ),
    }
}

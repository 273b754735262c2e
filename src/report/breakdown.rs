//! Sections for results by purpose, holding, hedge, account, venue and date, where a run has them.

use crate::report::document::{Block, Section, Table};
use crate::report::figure::{Money, days_text, probability_cells};
use crate::report::sections::{INTERVAL, pair, percentile_label, single};
use crate::stats::estimate::Estimate;
use crate::stats::level::{ByName, Named};
use crate::stats::summary::{
    CarrySummary, CostSummary, ExposureSummary, InterimSummary, LiquidityAtRiskSummary,
    MeanAndPercentiles, PartSummary, Summary,
};

/// Shares of paths that money has to suffice for.
const ENOUGH_FOR: [&str; 4] = ["p90", "p95", "p99", "p99.9"];

/// Percentiles of a distribution shown in one row.
const SPREAD: [&str; 3] = ["p5", "p50", "p95"];

/// What is needed at short notice and what stands with each venue.
pub(super) fn of_collateral(summary: &Summary, money: Money) -> Vec<Section> {
    let mut sections = Vec::new();
    sections.extend(liquidity_at_risk(&summary.liquidity_at_risk, money));
    sections.extend(
        summary
            .exposure
            .as_ref()
            .map(|exposure| exposures(exposure, money)),
    );
    sections
}

/// What made the result: costs, carry, holdings, hedges and accounts, dates.
pub(super) fn of_result(summary: &Summary, money: Money) -> Vec<Section> {
    let fine = money.finer();
    let mut sections = Vec::new();
    sections.extend(summary.costs.as_ref().map(|found| costs(found, fine)));
    sections.extend(summary.carry.as_ref().map(|found| carry(found, fine)));
    sections.extend(parts(summary, money));
    sections.extend(accounts(summary, money));
    sections.extend(summary.interim.as_ref().map(|found| interim(found, money)));
    sections
}

/// The table of [`LiquidityAtRiskSummary`]; its total alone stands in the section on collateral.
fn liquidity_at_risk(found: &LiquidityAtRiskSummary, money: Money) -> Option<Section> {
    let (day, week) = (
        found.largest_call_24h.as_ref()?,
        found.largest_call_7d.as_ref()?,
    );
    let transit = found.cash_in_transit.as_ref()?;
    let table = |[one, other]: [&str; 2], [left, right]: [&MeanAndPercentiles; 2]| {
        let mut table = Table::new(&["enough for", one, INTERVAL, other, INTERVAL]);
        for key in ENOUGH_FOR {
            if let (Some(left), Some(right)) =
                (left.percentiles.get(key), right.percentiles.get(key))
            {
                table.push(pair(
                    format!("{} of paths", percentile_label(key)),
                    money.cells(left),
                    money.cells(right),
                ));
            }
        }
        Block::Table(table)
    };
    let words = "Total is what the hedges as planned need never to be liquidated; the largest call is how much more they need \
                 within 24 hours or 7 days; in transit is money under way to the accounts. No reserve limits the first three.";
    Some(Section::new(
        format!("Liquidity at risk, {}", money.unit),
        vec![
            table(["total", "in transit"], [&found.total, transit]),
            table(["call in 24 hours", "call in 7 days"], [day, week]),
            Block::Paragraph(words.into()),
        ],
    ))
}

fn exposures(exposure: &Named<Named<ExposureSummary>>, money: Money) -> Section {
    let head: Vec<String> = ["p50", "p95", "p99"].map(percentile_label).into();
    let mut table = Table::new(&[
        "venue, after",
        "mean",
        INTERVAL,
        &head[0],
        &head[1],
        &head[2],
    ]);
    for (venue, dates) in &exposure.0 {
        for (_, found) in &dates.0 {
            let [mean, interval] = money.cells(&found.mean);
            let [p50, p95, p99] =
                ["p50", "p95", "p99"].map(|key| value_cell(&found.percentiles, key, money));
            table.push([
                format!("{venue}, {}", days_text(found.day)),
                mean,
                interval,
                p50,
                p95,
                p99,
            ]);
        }
    }
    let words = "What a failing venue would owe: collateral and unrealised profit, never under 0.";
    Section::new(
        format!("Exposure to venues, {}", money.unit),
        vec![Block::Table(table), Block::Paragraph(words.into())],
    )
}

fn value_cell(percentiles: &ByName, key: &str, money: Money) -> String {
    let estimate = percentiles.get(key).copied();
    let [value, _] = money.cells(&estimate.unwrap_or(Estimate::UNDEFINED));
    value
}

fn costs(found: &CostSummary, money: Money) -> Section {
    let mut table = Table::new(&["cost of", "mean", INTERVAL, "95 %", INTERVAL]);
    for (label, cost) in [
        ("entry", &found.entry),
        ("rebalancing and sales", &found.rebalancing),
        ("rolls and switches", &found.roll),
        ("exit", &found.exit),
        ("all trades", &found.total),
    ] {
        table.push(mean_and_p95(label, cost, money));
    }
    let words = "Costs are positive and stand in fees, slippage and roll above; those of liquidations are apart.";
    Section::new(
        format!("Costs of the hedge, {}", money.unit),
        vec![Block::Table(table), Block::Paragraph(words.into())],
    )
}

fn mean_and_p95(label: &str, found: &MeanAndPercentiles, money: Money) -> [String; 5] {
    let p95 = found.percentiles.get("p95").copied();
    pair(
        label,
        money.cells(&found.mean),
        money.cells(&p95.unwrap_or(Estimate::UNDEFINED)),
    )
}

fn carry(found: &CarrySummary, money: Money) -> Section {
    let mut table = Table::new(&["", "mean", INTERVAL, "5 %", "50 %", "95 %"]);
    for (label, part) in [
        ("carry earned", &found.earned),
        ("moves of the curve", &found.curve),
        ("cost of rolls", &found.roll_cost),
    ] {
        let [mean, interval] = money.cells(&part.mean);
        let [p5, p50, p95] = SPREAD.map(|key| value_cell(&part.percentiles, key, money));
        table.push([label.to_owned(), mean, interval, p5, p50, p95]);
    }
    let words = "Carry and moves of the curve are inside the futures basis above. A short earns the carry in contango and pays it in \
                 backwardation; a roll costs what its trades cost, no more.";
    Section::new(
        format!("Carry, curve and rolls, {}", money.unit),
        vec![Block::Table(table), Block::Paragraph(words.into())],
    )
}

/// Results by holding and by hedge, with those of the whole programme below.
fn parts(summary: &Summary, money: Money) -> Option<Section> {
    let mut rows: Vec<(String, Row)> = Vec::new();
    if let Some(holdings) = &summary.by_holding {
        rows.extend(
            holdings
                .0
                .iter()
                .map(|(label, part)| (format!("holding {label}"), Row::of(part))),
        );
    }
    if let Some(hedges) = &summary.by_hedge {
        rows.extend(hedges.0.iter().map(|(number, hedge)| {
            let label = format!("hedge {number}, {} in {}", hedge.contract, hedge.account);
            (label, Row::of(&hedge.pnl))
        }));
    }
    if let Some(accounts) = &summary.by_account {
        rows.extend(accounts.0.iter().filter_map(|(name, account)| {
            let pnl = account.pnl.as_ref()?;
            Some((format!("hedges in account {name}"), Row::of(pnl)))
        }));
    }
    if rows.is_empty() {
        return None;
    }
    for (label, whole) in [
        ("all together, hedged", &summary.hedged),
        ("all together, unhedged", &summary.unhedged),
    ] {
        let row = Row {
            mean: &whole.mean,
            std_dev: &whole.std_dev,
            es95: &whole.es95,
            percentiles: &whole.percentiles,
        };
        rows.push((label.to_owned(), row));
    }
    let mut table = Table::new(&["", "mean", INTERVAL, "shortfall 95 %", INTERVAL]);
    let mut spread = Table::new(&["", "standard deviation", "5 %", "50 %", "95 %"]);
    for (label, row) in rows {
        let [p5, p50, p95] = SPREAD.map(|key| value_cell(row.percentiles, key, money));
        let [std_dev, _] = money.cells(row.std_dev);
        spread.push([label.clone(), std_dev, p5, p50, p95]);
        table.push(pair(label, money.cells(row.mean), money.cells(row.es95)));
    }
    let words = "Holdings are without their hedges; a hedge is what its contract made and cost. What belongs to no hedge, such as the cost of funds, \
         is in the whole alone.";
    Some(Section::new(
        format!("Results by holding and hedge, {}", money.unit),
        vec![
            Block::Table(table),
            Block::Table(spread),
            Block::Paragraph(words.into()),
        ],
    ))
}

/// One line of a table of distributions.
struct Row<'a> {
    mean: &'a Estimate,
    std_dev: &'a Estimate,
    es95: &'a Estimate,
    percentiles: &'a ByName,
}

impl<'a> Row<'a> {
    fn of(part: &'a PartSummary) -> Self {
        Self {
            mean: &part.mean,
            std_dev: &part.std_dev,
            es95: &part.es95,
            percentiles: &part.percentiles,
        }
    }
}

fn accounts(summary: &Summary, money: Money) -> Option<Section> {
    let accounts = summary.by_account.as_ref()?;
    let mut table = Table::new(&["", "", INTERVAL]);
    for (name, account) in &accounts.0 {
        table.push(single(
            format!("{name} at {}, liquidated", account.venue),
            probability_cells(&account.liquidation.probability, summary.paths),
        ));
        for key in ["p50", "p95", "p99"] {
            if let Some(estimate) = account.peak.percentiles.get(key) {
                let label = format!("{name}, most posted, {}", percentile_label(key));
                table.push(single(label, money.cells(estimate)));
            }
        }
    }
    Some(Section::new(
        format!("Accounts, {}", money.unit),
        vec![Block::Table(table)],
    ))
}

fn interim(interim: &Named<InterimSummary>, money: Money) -> Section {
    let mut table = Table::new(&[
        "",
        "mean",
        INTERVAL,
        "5 %",
        "50 %",
        "95 %",
        "shortfall 95 %",
    ]);
    for (_, date) in &interim.0 {
        for (side, part) in [("hedged", &date.hedged), ("unhedged", &date.unhedged)] {
            let [mean, interval] = money.cells(&part.mean);
            let [p5, p50, p95] = SPREAD.map(|key| value_cell(&part.percentiles, key, money));
            let [es95, _] = money.cells(&part.es95);
            table.push([
                format!("{}, {side}", days_text(date.day)),
                mean,
                interval,
                p5,
                p50,
                p95,
                es95,
            ]);
        }
    }
    let words =
        "Against the value at time 0, positions at mark and holdings at spot, nothing closed.";
    Section::new(
        format!("Profit and loss on the way, {}", money.unit),
        vec![Block::Table(table), Block::Paragraph(words.into())],
    )
}

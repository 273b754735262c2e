//! What the report of a comparison says: proposals side by side, what they differ in, which ends better, which dominates.

use crate::choice::compare::{Comparison, PairDifference, PairDominance};
use crate::choice::dominance::{Order, Verdict};
use crate::choice::sweep::is_undecided;
use crate::plan::types::Plan;
use crate::report::content::{assumptions, programme_usd, run_line};
use crate::report::document::{Block, Document, Item, Section, Table, Tone};
use crate::report::figure::{Money, NOTHING, futures_text, percent, probability_cells};
use crate::report::number::plain;
use crate::report::shown::{Cells, Kind, and_list, counted};
use crate::report::views::in_force;
use crate::stats::difference::ROUNDING;
use crate::stats::estimate::Estimate;
use crate::stats::limits::LimitStatus;
use crate::stats::quantity::TRADING_COST;

/// A row of the tables: its key, its words, what it is.
struct Row {
    key: &'static str,
    words: &'static str,
    kind: Kind,
}

const fn row(key: &'static str, words: &'static str, kind: Kind) -> Row {
    Row { key, words, kind }
}

/// Rows of the tables.
const ROWS: [Row; 20] = [
    row("hedged.mean", "Mean", Kind::Usd),
    row("hedged.std_dev", "Standard deviation", Kind::Usd),
    row("hedged.percentiles.p1", "1st percentile", Kind::Usd),
    row("hedged.percentiles.p5", "5th percentile", Kind::Usd),
    row("hedged.percentiles.p25", "25th percentile", Kind::Usd),
    row("hedged.percentiles.p50", "Median", Kind::Usd),
    row("hedged.percentiles.p75", "75th percentile", Kind::Usd),
    row("hedged.percentiles.p95", "95th percentile", Kind::Usd),
    row("hedged.percentiles.p99", "99th percentile", Kind::Usd),
    row("hedged.es95", "Expected shortfall 95 %", Kind::Usd),
    row("hedged.es99", "Expected shortfall 99 %", Kind::Usd),
    row(
        "hedge_effectiveness.variance",
        "Effectiveness (variance)",
        Kind::Fraction,
    ),
    row(
        "worse_than_unhedged",
        "Worse than unhedged",
        Kind::Probability,
    ),
    row("liquidation.probability", "Liquidated", Kind::Probability),
    row("margin_call.probability", "Margin call", Kind::Probability),
    row("unmet_call.probability", "Unmet call", Kind::Probability),
    row(
        "collateral.required.percentiles.p99",
        "Required collateral p99",
        Kind::Usd,
    ),
    row(
        "collateral.peak.percentiles.p99",
        "Posted collateral p99",
        Kind::Usd,
    ),
    row(TRADING_COST, "Mean cost of trades", Kind::Usd),
    row("unhedged.mean", "Unhedged mean", Kind::Usd),
];

/// Proposals side by side in one table, so that it fits a terminal.
const ABREAST: usize = 3;

const LEVELS_NOTE: &str = "Hedged P&L unless said otherwise; after +- is the standard error. Expected shortfall is a loss. Required collateral \
     is what the short needs never to be liquidated. Cost is fees, slippage and rolls.";

const DIFFERENCES_NOTE: &str = "The proposal less the first, on the same paths; after +- is the standard error of the difference, in which \
     what the two share cancels. = marks what is the same or cannot be told apart: the 95 % interval of the difference holds 0. Differences of \
     probabilities and of effectiveness are in percentage points.";

const BETTER_NOTE: &str =
    "Hedged P&L on the same path, with the 95 % interval (Wilson). The same: to the last bit.";

const DOMINANCE_NOTE: &str = "First order: at every level the first ends at or below it no more often, so whoever prefers more prefers it. Second \
     order: its mean shortfall from every level is no larger, so whoever also dislikes risk does. \"On these paths\": no level breaks it among \
     the simulated paths, which proves nothing of others. \"No\": broken by more than sampling error explains (5 %, over 103 levels); \
     \"cannot be told\": broken, but by no more than that. Beside it where it is broken most: by which probability (first order) or mean \
     shortfall (second), and at which P&L; the level is picked for the largest, so the error after +- is too small by that choice.";

struct Frame<'a> {
    comparison: &'a Comparison,
    cells: Cells,
}

/// The report of a comparison; `plans` are those of the proposals, `notes` say where proposals differ in more than the hedge.
///
/// # Panics
/// If there is no plan.
pub fn document(
    comparison: &Comparison,
    plans: &[&Plan],
    notes: &[String],
    (version, run_seconds): (&str, f64),
) -> Document {
    let plan = plans[0];
    let frame = Frame {
        comparison,
        cells: Cells {
            money: Money::narrow_for_value(programme_usd(plan)),
            paths: plan.simulation.paths,
        },
    };
    let unit = frame.cells.money.unit;
    let first = &comparison.proposals[0].name;
    let mut sections = vec![
        Section {
            heading: None,
            blocks: frame.head(plan, notes),
        },
        Section::new("In plain words", vec![Block::List(frame.verdict())]),
        Section::new(format!("Side by side, amounts in {unit}"), frame.levels()),
        Section::new(
            format!("Against {first}, amounts in {unit}"),
            frame.differences(),
        ),
        Section::new("Which ends better", frame.better()),
        Section::new(
            format!("Stochastic dominance, amounts in {unit}"),
            frame.dominance(),
        ),
    ];
    sections.extend(frame.limits());
    let of_all = plans.iter().flat_map(|plan| &plan.report.notes);
    sections.extend(assumptions(of_all));
    sections.push(Section {
        heading: None,
        blocks: vec![Block::Paragraph(run_line(version, run_seconds))],
    });
    // The title of the first file is not that of the others.
    let title = format!(
        "Comparison of {}",
        counted(comparison.proposals.len(), "proposal")
    );
    Document { title, sections }
}

impl Frame<'_> {
    fn head(&self, plan: &Plan, notes: &[String]) -> Vec<Block> {
        let names: Vec<&str> = (0..self.comparison.proposals.len())
            .map(|index| self.name(index))
            .collect();
        let head = format!(
            "{} on the same {} paths, seed {}: {}.",
            counted(names.len(), "proposal"),
            plain(self.cells.paths as f64, 0),
            plan.simulation.seed,
            and_list(&names)
        );
        let mut blocks = vec![Block::Paragraph(head)];
        let notes = notes.iter().map(|note| Item {
            tone: Tone::Warning,
            text: note.clone(),
        });
        let views = in_force(self.comparison.views().into_iter()).map(Item::plain);
        let items: Vec<Item> = views.into_iter().chain(notes).collect();
        if !items.is_empty() {
            blocks.push(Block::List(items));
        }
        blocks
    }

    fn name(&self, index: usize) -> &str {
        &self.comparison.proposals[index].name
    }

    fn estimate(&self, index: usize, key: &str) -> Estimate {
        let estimates = &self.comparison.proposals[index].estimates;
        estimates.get(key).copied().unwrap_or(Estimate::UNDEFINED)
    }

    /// The difference of two proposals, in either order.
    fn between(&self, from: usize, to: usize) -> Option<&PairDifference> {
        let mut pairs = self.comparison.differences.iter();
        pairs.find(|pair| (pair.from, pair.to) == (from.min(to), from.max(to)))
    }

    fn verdict(&self) -> Vec<Item> {
        let mut items = vec![
            self.lowest("hedged.es95", "expected shortfall (95 %)", Kind::Usd),
            self.lowest(
                "liquidation.probability",
                "probability of liquidation",
                Kind::Probability,
            ),
        ];
        for pair in &self.comparison.differences {
            items.push(self.pair_words(pair));
        }
        for pair in &self.comparison.dominance {
            items.extend(self.dominance_words(pair));
        }
        items
    }

    fn lowest(&self, key: &str, words: &str, kind: Kind) -> Item {
        let count = self.comparison.proposals.len();
        let values: Vec<(usize, f64)> = (0..count)
            .filter_map(|index| Some((index, self.estimate(index, key).value?)))
            .collect();
        let least = values.iter().map(|(_, value)| *value);
        let least = least.fold(f64::INFINITY, f64::min);
        let best: Vec<usize> = values
            .iter()
            .filter(|(_, value)| *value <= least + ROUNDING * least.abs())
            .map(|(index, _)| *index)
            .collect();
        let Some(&first) = best.first() else {
            return Item::plain(format!("Nothing can be said of the {words}."));
        };
        let unit = match kind {
            Kind::Usd => format!(" {}", self.cells.money.unit),
            Kind::Fraction | Kind::Probability => String::new(),
        };
        let value = self.cells.value(&self.estimate(first, key), kind);
        if best.len() == count {
            return Item::plain(format!("The {words} is {value}{unit} in every proposal."));
        }
        let near: Vec<&str> = (0..count)
            .filter(|other| !best.contains(other))
            .filter(|&other| {
                let pair = self.between(first, other);
                let difference = pair.and_then(|pair| pair.estimates.get(key));
                difference.is_none_or(is_undecided)
            })
            .map(|other| self.name(other))
            .collect();
        let near = if near.is_empty() {
            String::new()
        } else {
            format!("; it cannot be told from that of {}", and_list(&near))
        };
        let names: Vec<&str> = best.iter().map(|&index| self.name(index)).collect();
        Item::plain(format!(
            "The lowest {words}, {value}{unit}, is that of {}{near}.",
            and_list(&names)
        ))
    }

    fn pair_words(&self, pair: &PairDifference) -> Item {
        let [from, to] = [pair.from, pair.to].map(|index| self.name(index));
        if pair.equal.value.is_some_and(|share| share >= 1.0) {
            return Item {
                tone: Tone::Warning,
                text: format!("{from} and {to} end with the same P&L on every path."),
            };
        }
        let paths = self.cells.paths;
        let same = match pair.equal.value {
            Some(share) if share > 0.0 => format!(", with the same in {}", percent(share)),
            Some(_) | None => String::new(),
        };
        let text = format!(
            "{to} ends better than {from} in {}{same}.",
            futures_text(&pair.better, paths)
        );
        let is_alike = ROWS.iter().all(|row| {
            let difference = pair.estimates.get(row.key);
            difference.is_none_or(is_undecided)
        });
        if is_alike {
            Item {
                tone: Tone::Warning,
                text: format!("{text} The two cannot be told apart in any figure below."),
            }
        } else {
            Item::plain(text)
        }
    }

    fn dominance_words(&self, pair: &PairDominance) -> Option<Item> {
        let [a, b] = [pair.a, pair.b].map(|index| self.name(index));
        let text = match [pair.found.first.verdict, pair.found.second.verdict] {
            [Verdict::Holds, _] => format!(
                "On these paths {a} dominates {b} in the first order: whoever prefers more money prefers {a}."
            ),
            [_, Verdict::Holds] => format!(
                "On these paths {a} dominates {b} in the second order: whoever prefers more money and less risk prefers {a}."
            ),
            _ => return None,
        };
        Some(Item::plain(text))
    }

    /// Tables of some proposals each, and a note.
    fn abreast(
        &self,
        proposals: &[usize],
        note: &str,
        cell: impl Fn(usize, &Row) -> String,
    ) -> Vec<Block> {
        let mut blocks = Vec::new();
        for some in proposals.chunks(ABREAST) {
            let mut header = vec![String::new()];
            header.extend(some.iter().map(|&index| self.name(index).to_owned()));
            let rows = ROWS.iter().map(|row| {
                let mut cells = vec![row.words.to_owned()];
                cells.extend(some.iter().map(|&index| cell(index, row)));
                cells
            });
            blocks.push(Block::Table(Table {
                header,
                rows: rows.collect(),
            }));
        }
        blocks.push(Block::Paragraph(note.to_owned()));
        blocks
    }

    fn levels(&self) -> Vec<Block> {
        let all: Vec<usize> = (0..self.comparison.proposals.len()).collect();
        self.abreast(&all, LEVELS_NOTE, |index, row| {
            let estimate = self.estimate(index, row.key);
            let value = self.cells.value(&estimate, row.kind);
            // An event never or always seen is written as its limit, which says it all.
            match (row.kind, estimate.value) {
                (Kind::Probability, Some(p)) if p <= 0.0 || p >= 1.0 => value,
                _ => self.with_error(value, &estimate, row.kind),
            }
        })
    }

    fn differences(&self) -> Vec<Block> {
        let others: Vec<usize> = (1..self.comparison.proposals.len()).collect();
        self.abreast(&others, DIFFERENCES_NOTE, |index, row| {
            let pair = self.between(0, index);
            let difference = pair.and_then(|pair| pair.estimates.get(row.key)).copied();
            let difference = difference.unwrap_or(Estimate::UNDEFINED);
            let mark = match difference.value {
                Some(_) if is_undecided(&difference) => "=",
                Some(_) | None => "",
            };
            let value = format!("{mark}{}", self.cells.difference(&difference, row.kind));
            self.with_error(value, &difference, row.kind)
        })
    }

    fn with_error(&self, value: String, estimate: &Estimate, kind: Kind) -> String {
        match estimate.std_error {
            Some(_) => format!("{value} {}", self.cells.error(estimate, kind)),
            None => value,
        }
    }

    fn better(&self) -> Vec<Block> {
        let mut table = Table::new(&["", "better", "95 % interval", "worse", "the same"]);
        for pair in &self.comparison.differences {
            let words = format!("{} against {}", self.name(pair.to), self.name(pair.from));
            let paths = self.cells.paths;
            let [better, interval] = probability_cells(&pair.better, paths);
            let exact = |estimate: &Estimate| estimate.value.map_or(NOTHING.to_owned(), percent);
            table.push([
                words,
                better,
                interval,
                exact(&pair.worse),
                exact(&pair.equal),
            ]);
        }
        vec![
            Block::Table(table),
            Block::Paragraph(BETTER_NOTE.to_owned()),
        ]
    }

    fn dominance(&self) -> Vec<Block> {
        let orders = [
            ("First order", Kind::Probability),
            ("Second order", Kind::Usd),
        ];
        let mut blocks: Vec<Block> = orders
            .into_iter()
            .enumerate()
            .map(|(order, (head, kind))| {
                let mut table = Table::new(&[head, "holds", "broken by", "at a P&L of"]);
                for pair in &self.comparison.dominance {
                    let words = format!("{} over {}", self.name(pair.a), self.name(pair.b));
                    let found = [&pair.found.first, &pair.found.second][order];
                    let [by, at] = self.violation(found, kind);
                    table.push([words, verdict_word(found.verdict).to_owned(), by, at]);
                }
                Block::Table(table)
            })
            .collect();
        blocks.push(Block::Paragraph(DOMINANCE_NOTE.to_owned()));
        blocks
    }

    fn violation(&self, order: &Order, kind: Kind) -> [String; 2] {
        let Some(at_usd) = order.at_usd else {
            return [(); 2].map(|()| NOTHING.to_owned());
        };
        let by = self.cells.difference(&order.violation, kind);
        [
            self.with_error(by, &order.violation, kind),
            self.cells.money.bare(at_usd),
        ]
    }

    /// Each limit that a proposal sets, judged for those that set it.
    fn limits(&self) -> Option<Section> {
        let proposals = &self.comparison.proposals;
        let mut texts: Vec<&str> = Vec::new();
        for limit in proposals.iter().flat_map(|of| &of.summary.limits) {
            if !texts.contains(&limit.require.as_str()) {
                texts.push(&limit.require);
            }
        }
        if texts.is_empty() {
            return None;
        }
        let mut header = vec![String::new()];
        header.extend(proposals.iter().map(|of| of.name.clone()));
        let rows = texts.into_iter().map(|text| {
            let mut cells = vec![text.to_owned()];
            cells.extend(proposals.iter().map(|of| {
                let mut limits = of.summary.limits.iter();
                let limit = limits.find(|limit| limit.require == text);
                match limit.map(|limit| limit.status) {
                    Some(LimitStatus::Kept) => "kept",
                    Some(LimitStatus::Broken) => "broken",
                    Some(LimitStatus::Unknown) => "cannot be told",
                    None => "not set",
                }
                .to_owned()
            }));
            cells
        });
        let table = Table {
            header,
            rows: rows.collect(),
        };
        Some(Section::new("Your limits", vec![Block::Table(table)]))
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "on these paths",
        Verdict::Violated => "no",
        Verdict::Undecided => "cannot be told",
        Verdict::Same => "the same",
    }
}

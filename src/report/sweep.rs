//! What the report of a sweep says: the points in tables, the best of each column, and what neighbours differ in.

use crate::choice::axis::{Axis, GridValue};
use crate::choice::grid::Point;
use crate::choice::sweep::{PointDifference, Sweep, is_undecided};
use crate::plan::types::Plan;
use crate::report::content::{programme_usd, run_line};
use crate::report::document::{Block, Document, Item, Section, Table, Tone};
use crate::report::figure::{Money, NOTHING, grouped, percent, probability_cells};
use crate::report::number::not_zero;
use crate::report::sweep_columns::{Better, Kind, PERCENTILES, RISKS, Shown, columns};
use crate::stats::estimate::Estimate;
use crate::stats::level::ByName;
use crate::stats::limits::LimitStatus;

/// What a table of a sweep needs to know.
struct Frame<'a> {
    sweep: &'a Sweep,
    money: Money,
    paths: u64,
}

/// The report of a sweep; `plan` is that of its first point.
pub fn document(sweep: &Sweep, plan: &Plan, version: &str, run_seconds: f64) -> Document {
    let frame = Frame {
        sweep,
        money: Money::narrow_for_value(programme_usd(plan)),
        paths: plan.simulation.paths,
    };
    let unit = frame.money.unit;
    let mut sections = vec![
        Section {
            heading: None,
            blocks: vec![
                Block::Paragraph(frame.head(plan)),
                Block::List(frame.axes()),
            ],
        },
        Section::new("In plain words", vec![Block::List(frame.verdict())]),
        Section::new(
            format!("Hedged profit and loss by point, {unit}"),
            vec![
                frame.levels(&PERCENTILES),
                Block::Paragraph(LEVELS_NOTE.to_owned()),
            ],
        ),
        Section::new(
            format!("Risk and cost by point, amounts in {unit}"),
            vec![
                frame.levels(&RISKS),
                Block::Paragraph(RISKS_NOTE.to_owned()),
            ],
        ),
    ];
    for axis in 0..sweep.grid.axes().len() {
        sections.extend(frame.differences(axis));
    }
    sections.extend(frame.limits());
    sections.push(Section {
        heading: None,
        blocks: vec![Block::Paragraph(run_line(version, run_seconds))],
    });
    let title = if plan.simulation.title.is_empty() {
        "Sweep".to_owned()
    } else {
        format!("Sweep: {}", plan.simulation.title)
    };
    Document { title, sections }
}

const LEVELS_NOTE: &str = "Under each value, after +-, is its standard error. * marks the best value of a column. P&L: more is better.";

const RISKS_NOTE: &str = "Of effectiveness (the part of the variance removed) more is better, of everything else less. ES95 is a loss. Calls are \
     margin calls a path. Collateral is what the short needs in 99 % of futures never to be liquidated. Mean cost is what the hedge's trades \
     cost: fees, slippage and rolls.";

const DIFFERENCES_NOTE: &str = "The second point less the first, on the same paths; after +- is the standard error of the difference. = marks \
     what cannot be told apart: the 95 % interval of the difference holds 0.";

impl Frame<'_> {
    fn head(&self, plan: &Plan) -> String {
        let points = counted(self.sweep.points.len(), "point");
        let markets = match self.sweep.markets {
            1 => "in one market".to_owned(),
            markets => format!("in {markets} markets drawn from the same random numbers"),
        };
        format!(
            "{points} on the same {} paths {markets}; seed {}.",
            grouped(self.paths as f64, 0),
            plan.simulation.seed
        )
    }

    fn axes(&self) -> Vec<Item> {
        let axes = self.sweep.grid.axes().iter();
        axes.map(|axis| {
            let labels: Vec<&str> = axis.values.iter().map(GridValue::label).collect();
            let values = match labels.as_slice() {
                [first, _, .., last] if labels.len() > 8 => {
                    format!("{} values, {first} to {last}", labels.len())
                }
                _ => labels.join(", "),
            };
            Item::plain(format!("{}: {values}", axis.paths.join(", ")))
        })
        .collect()
    }

    /// The best point of the columns that decide most, and what cannot be told apart.
    fn verdict(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for shown in [&PERCENTILES[1], &RISKS[0], &RISKS[1], &RISKS[2]] {
            items.extend(self.best_words(shown));
        }
        let pairs = self.sweep.differences.iter();
        let alike: Vec<String> = pairs
            .filter(|pair| columns().all(|shown| cannot_tell(pair, shown)))
            .map(|pair| {
                let [from, to] =
                    [pair.between.from, pair.between.to].map(|point| self.label(point));
                format!("{from} and {to}")
            })
            .collect();
        if !alike.is_empty() {
            let text = format!(
                "Neighbours that cannot be told apart in any column: {}.",
                listed(&alike)
            );
            items.push(Item {
                tone: Tone::Warning,
                text,
            });
        }
        items
    }

    fn best_words(&self, shown: &Shown) -> Option<Item> {
        let best = self.best(shown);
        let &first = best.first()?;
        let estimate = self.estimate(first, shown)?;
        let value = self.value(&estimate, shown);
        let unit = if shown.kind == Kind::Usd {
            format!(" {}", self.money.unit)
        } else {
            String::new()
        };
        if best.len() == self.sweep.points.len() && best.len() > 1 {
            let text = format!("The {} is {value}{unit} at every point.", shown.name);
            return Some(Item::plain(text));
        }
        let labels: Vec<String> = best.iter().map(|&point| self.label(point)).collect();
        let superlative = match shown.better {
            Better::More => "highest",
            Better::Less => "lowest",
        };
        let near = self.as_good_as(first, shown);
        let near = if near.is_empty() || best.len() > 1 {
            String::new()
        } else {
            format!("; it cannot be told from that at {}", listed(&near))
        };
        Some(Item::plain(format!(
            "The {superlative} {}, {value}{unit}, is at {}{near}.",
            shown.name,
            listed(&labels)
        )))
    }

    /// The neighbours of a point that a column does not tell from it.
    fn as_good_as(&self, point: usize, shown: &Shown) -> Vec<String> {
        let pairs = self.sweep.differences.iter();
        pairs
            .filter(|pair| cannot_tell(pair, shown))
            .filter_map(|pair| {
                let pair = pair.between;
                let other = match (pair.from == point, pair.to == point) {
                    (true, _) => pair.to,
                    (_, true) => pair.from,
                    (false, false) => return None,
                };
                Some(self.label(other))
            })
            .collect()
    }

    fn levels(&self, columns: &[Shown]) -> Block {
        let best: Vec<Vec<usize>> = columns.iter().map(|shown| self.best(shown)).collect();
        let mut table = self.table(columns);
        for point in 0..self.sweep.points.len() {
            let mut values = vec![self.label(point)];
            let mut errors = vec![String::new()];
            for (shown, best) in columns.iter().zip(&best) {
                let estimate = self.estimate(point, shown).unwrap_or(Estimate::UNDEFINED);
                let is_best = best.contains(&point) && self.sweep.points.len() > 1;
                let mark = if is_best { "*" } else { "" };
                values.push(format!("{mark}{}", self.value(&estimate, shown)));
                errors.push(self.error(&estimate, shown));
            }
            table.rows.extend([values, errors]);
        }
        Block::Table(table)
    }

    /// A table with a column of points before these.
    fn table(&self, columns: &[Shown]) -> Table {
        let names: Vec<&str> = self.sweep.grid.axes().iter().map(short_name).collect();
        let mut header = vec![names.join(", ")];
        header.extend(columns.iter().map(|shown| shown.head.to_owned()));
        Table {
            header,
            rows: Vec::new(),
        }
    }

    fn differences(&self, axis: usize) -> Option<Section> {
        let pairs: Vec<&PointDifference> = self
            .sweep
            .differences
            .iter()
            .filter(|pair| pair.between.axis == axis)
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let path = self.sweep.grid.axes()[axis].first_path();
        let mut blocks = Vec::new();
        for columns in [&PERCENTILES[..], &RISKS[..]] {
            let mut table = self.table(columns);
            for pair in &pairs {
                let mut values = vec![self.step_label(pair)];
                let mut errors = vec![String::new()];
                for shown in columns {
                    let estimate = of_key(&pair.estimates, shown).unwrap_or(Estimate::UNDEFINED);
                    let mark = match estimate.value {
                        Some(_) if is_undecided(&estimate) => "=",
                        Some(_) | None => "",
                    };
                    values.push(format!("{mark}{}", self.difference(&estimate, shown)));
                    errors.push(self.error(&estimate, shown));
                }
                table.rows.extend([values, errors]);
            }
            blocks.push(Block::Table(table));
        }
        blocks.push(Block::Paragraph(DIFFERENCES_NOTE.to_owned()));
        Some(Section::new(
            format!(
                "From one {path} to the next, amounts in {}",
                self.money.unit
            ),
            blocks,
        ))
    }

    fn limits(&self) -> Option<Section> {
        let first = self.sweep.points.first()?;
        if first.limits.is_empty() {
            return None;
        }
        let mut table = self.table(&[]);
        table
            .header
            .extend(first.limits.iter().map(|limit| limit.require.clone()));
        for (point, swept) in self.sweep.points.iter().enumerate() {
            let mut row = vec![self.label(point)];
            row.extend(swept.limits.iter().map(|limit| {
                match limit.status {
                    LimitStatus::Kept => "kept",
                    LimitStatus::Broken => "broken",
                    LimitStatus::Unknown => "cannot be told",
                }
                .to_owned()
            }));
            // Points may have limits of their own number.
            row.resize(table.header.len(), NOTHING.to_owned());
            table.rows.push(row);
        }
        Some(Section::new("Your limits", vec![Block::Table(table)]))
    }

    fn estimate(&self, point: usize, shown: &Shown) -> Option<Estimate> {
        of_key(&self.sweep.points[point].estimates, shown)
    }

    /// The points with the best value of a column.
    fn best(&self, shown: &Shown) -> Vec<usize> {
        let values: Vec<(usize, f64)> = (0..self.sweep.points.len())
            .filter_map(|point| Some((point, self.estimate(point, shown)?.value?)))
            .collect();
        let signed = |value: f64| match shown.better {
            Better::More => value,
            Better::Less => -value,
        };
        let most = values
            .iter()
            .map(|&(_, value)| signed(value))
            .fold(f64::NEG_INFINITY, f64::max);
        values
            .into_iter()
            .filter(|&(_, value)| signed(value) >= most)
            .map(|(point, _)| point)
            .collect()
    }

    fn label(&self, point: usize) -> String {
        values_label(&self.sweep.points[point].at)
    }

    /// `0.5 to 0.6`, and where on the other axes.
    fn step_label(&self, pair: &PointDifference) -> String {
        let axis = pair.between.axis;
        let [from, to] = [pair.between.from, pair.between.to].map(|point| {
            let (_, value) = &self.sweep.points[point].at.values[axis];
            value.label()
        });
        let at = &self.sweep.points[pair.between.to].at.values;
        let others: Vec<&str> = at
            .iter()
            .enumerate()
            .filter(|&(other, _)| other != axis)
            .map(|(_, (_, value))| value.label())
            .collect();
        if others.is_empty() {
            format!("{from} to {to}")
        } else {
            format!("{from} to {to} at {}", others.join(", "))
        }
    }

    fn value(&self, estimate: &Estimate, shown: &Shown) -> String {
        let Some(value) = estimate.value else {
            return NOTHING.to_owned();
        };
        match shown.kind {
            Kind::Usd => self.money.bare(value),
            Kind::Fraction => percent(value),
            Kind::Probability => {
                let [text, _] = probability_cells(estimate, self.paths);
                text
            }
            Kind::Count => grouped(value, 3),
        }
    }

    fn difference(&self, estimate: &Estimate, shown: &Shown) -> String {
        let text = |value: f64| match shown.kind {
            Kind::Usd => self.money.finer().bare(value),
            Kind::Fraction | Kind::Probability => percent(value),
            Kind::Count => grouped(value, 4),
        };
        estimate.value.map_or(NOTHING.to_owned(), text)
    }

    fn error(&self, estimate: &Estimate, shown: &Shown) -> String {
        let Some(error) = estimate.std_error.filter(|_| estimate.value.is_some()) else {
            return NOTHING.to_owned();
        };
        let text = match shown.kind {
            Kind::Usd => self.money.finer().bare(error),
            Kind::Fraction | Kind::Probability => percent(error),
            Kind::Count => grouped(error, 4),
        };
        format!("+-{}", not_zero(text, error))
    }
}

fn of_key(estimates: &ByName, shown: &Shown) -> Option<Estimate> {
    estimates.get(shown.key).copied()
}

fn cannot_tell(pair: &PointDifference, shown: &Shown) -> bool {
    of_key(&pair.estimates, shown).is_none_or(|estimate| is_undecided(&estimate))
}

/// The end of the first path that says what it is: `ratio.fixed` of `hedges.0.ratio.fixed`.
fn short_name(axis: &Axis) -> &str {
    let path = axis.first_path();
    let last = path.rfind('.');
    let before = last.and_then(|last| path[..last].rfind('.'));
    match (before, last) {
        (Some(before), Some(last)) if path.len() - before > 24 => &path[last + 1..],
        (Some(before), _) => &path[before + 1..],
        (None, _) => path,
    }
}

/// The values of a point: `0.5, 60000000`.
fn values_label(at: &Point) -> String {
    let labels: Vec<&str> = at.values.iter().map(|(_, value)| value.label()).collect();
    labels.join(", ")
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count as f64, 0))
}

/// Up to eight names, the rest counted.
fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    if names.len() <= MOST {
        return names.join("; ");
    }
    format!(
        "{}; and {} more",
        names[..MOST].join("; "),
        names.len() - MOST
    )
}

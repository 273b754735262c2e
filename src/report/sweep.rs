//! What the report of a sweep says: the points in tables, the best of each column, and what neighbours differ in.

use crate::choice::sweep::{PointDifference, Sweep, is_undecided};
use crate::plan::types::Plan;
use crate::report::axis_names::AxisNames;
use crate::report::content::{assumptions, programme_usd, run_line};
use crate::report::document::{Block, Document, Item, Section, Table, Tone};
use crate::report::figure::{Money, NOTHING, percent, percent_error, probability_cells};
use crate::report::number::{not_zero, plain};
use crate::report::shown::counted;
use crate::report::sweep_columns::{Better, Kind, PERCENTILES, RISKS, Shown, columns};
use crate::report::views::in_force;
use crate::scenario::overrides::keys;
use crate::stats::difference::ROUNDING;
use crate::stats::estimate::Estimate;
use crate::stats::level::ByName;
use crate::stats::limits::LimitStatus;

/// What a table of a sweep needs to know.
struct Frame<'a> {
    sweep: &'a Sweep,
    names: AxisNames,
    money: Money,
    paths: u64,
}

/// The report of a sweep; `plan` is that of its first point.
pub fn document(sweep: &Sweep, plan: &Plan, version: &str, run_seconds: f64) -> Document {
    let frame = Frame {
        sweep,
        names: AxisNames::new(&sweep.grid, plan),
        money: Money::narrow_for_value(programme_usd(plan)),
        paths: plan.simulation.paths,
    };
    let unit = frame.money.unit;
    let mut sections = vec![
        Section {
            heading: None,
            blocks: vec![
                Block::Paragraph(frame.head(plan)),
                Block::List(frame.axes(plan)),
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
    sections.extend(assumptions(plan.report.notes.iter()));
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

const LEVELS_NOTE: &str = "Under each value, after +-, is its standard error. * marks the best values of a column that are \
     not all equal. P&L: more is better.";

const RISKS_NOTE: &str = "Of effectiveness (the part of the variance removed) more is better, of everything else less. ES95 is a loss. Calls are \
     margin calls a path. Collateral is what the short needs in 99 % of futures never to be liquidated. Mean cost is what the hedge's trades \
     cost: fees, slippage and rolls.";

const DIFFERENCES_NOTE: &str = "The second point less the first, on the same paths; after +- is the standard error of the difference. = marks \
     what is the same or cannot be told apart: the 95 % interval of the difference holds 0.";

impl Frame<'_> {
    fn head(&self, plan: &Plan) -> String {
        let points = counted(self.sweep.points.len(), "point");
        let markets = match self.sweep.markets {
            1 => "in one market".to_owned(),
            markets => format!("in {markets} markets drawn from the same random numbers"),
        };
        format!(
            "{points} on the same {} paths {markets}; seed {}.",
            plain(self.paths as f64, 0),
            plan.simulation.seed
        )
    }

    /// What is varied, as the tables call it, with its path and its values; then what letters stand for.
    fn axes(&self, plan: &Plan) -> Vec<Item> {
        let axes = self.sweep.grid.axes().iter();
        let axes = axes.map(|axis| {
            let values = axis.values.iter();
            let labels: Vec<String> = values
                .map(|value| self.names.value(&axis.paths, value))
                .collect();
            let values = match labels.as_slice() {
                [first, _, .., last] if labels.len() > 8 => {
                    format!("{} values, {first} to {last}", labels.len())
                }
                // Grouped numbers hold commas of their own.
                _ if labels.iter().any(|label| label.contains(',')) => labels.join("; "),
                _ => labels.join(", "),
            };
            let of_hedge = hedged_in(axis.first_path(), plan);
            let name = self.names.of(&axis.paths);
            format!("{name}{of_hedge} (`{}`): {values}", axis.paths.join("`, `"))
        });
        let of_points = self.sweep.points.iter();
        let views = in_force(of_points.filter_map(|point| point.views.as_ref()));
        let items = axes.chain(self.names.legend()).chain(views);
        items.map(Item::plain).collect()
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
            let mut values = vec![self.names.values(&self.sweep.points[point].at)];
            let mut errors = vec![String::new()];
            for (shown, best) in columns.iter().zip(&best) {
                let estimate = self.estimate(point, shown).unwrap_or(Estimate::UNDEFINED);
                // Where all are equal, none is best.
                let is_best = best.contains(&point) && best.len() < self.sweep.points.len();
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
        let mut header = vec![self.names.head()];
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
        let varied = self.names.of(&self.sweep.grid.axes()[axis].paths);
        let mut blocks = Vec::new();
        for columns in [&PERCENTILES[..], &RISKS[..]] {
            let mut table = self.table(columns);
            table.header[0] = self.step_head(axis);
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
                "From one {varied} to the next, amounts in {}",
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
        for swept in &self.sweep.points {
            let mut row = vec![self.names.values(&swept.at)];
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

    /// The points with the best value of a column, those equal to it but for rounding with it.
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
            .filter(|&(_, value)| signed(value) >= most - ROUNDING * most.abs())
            .map(|(point, _)| point)
            .collect()
    }

    /// A point in a sentence.
    fn label(&self, point: usize) -> String {
        self.names.point(&self.sweep.points[point].at)
    }

    /// What is stepped along, and at which values of the others: `hedge 1 ratio at posted in main`.
    fn step_head(&self, axis: usize) -> String {
        let mut others = self.names.all();
        let stepped = others.remove(axis);
        at_others(stepped, &others)
    }

    /// `0.5 to 0.6`, and where on the other axes.
    fn step_label(&self, pair: &PointDifference) -> String {
        let axis = pair.between.axis;
        let [from, to] = [pair.between.from, pair.between.to].map(|point| {
            let (path, value) = &self.sweep.points[point].at.values[axis];
            self.names.value(path, value)
        });
        let at = &self.sweep.points[pair.between.to].at.values;
        let others: Vec<String> = at
            .iter()
            .enumerate()
            .filter(|&(other, _)| other != axis)
            .map(|(_, (path, value))| self.names.value(path, value))
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        at_others(&format!("{from} to {to}"), &others)
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
            Kind::Count => plain(value, 3),
        }
    }

    fn difference(&self, estimate: &Estimate, shown: &Shown) -> String {
        let text = |value: f64| match shown.kind {
            Kind::Usd => self.money.finer().bare(value),
            Kind::Fraction | Kind::Probability => percent(value),
            Kind::Count => plain(value, 4),
        };
        estimate.value.map_or(NOTHING.to_owned(), text)
    }

    fn error(&self, estimate: &Estimate, shown: &Shown) -> String {
        let Some(error) = estimate.std_error.filter(|_| estimate.value.is_some()) else {
            return NOTHING.to_owned();
        };
        let text = match shown.kind {
            Kind::Usd => self.money.finer().bare(error),
            Kind::Fraction | Kind::Probability => percent_error(error),
            Kind::Count => plain(error, 4),
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

fn at_others(what: &str, others: &[&str]) -> String {
    if others.is_empty() {
        what.to_owned()
    } else {
        format!("{what} at {}", others.join("; "))
    }
}

/// The contract of a hedge that is varied, where there are several: ` in btc-perp`.
fn hedged_in(path: &str, plan: &Plan) -> String {
    let keys = keys(path).unwrap_or_default();
    let place = match keys.as_slice() {
        [first, place, rest @ ..] if first == "hedges" && plan.hedges.len() > 1 => {
            let is_contract = rest.is_empty() || rest[0] == "contract";
            place.parse::<usize>().ok().filter(|_| !is_contract)
        }
        _ => None,
    };
    let hedge = place.and_then(|place| plan.hedges.get(place));
    hedge.map_or(String::new(), |hedge| {
        format!(" in {}", plan.market.contracts[hedge.contract].name)
    })
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

//! The tables of an optimisation's report: limits, runners-up, the efficient frontier.

use crate::choice::optimum::constraint::{Constraint, Origin};
use crate::choice::optimum::outcome::{Found, Optimum};
use crate::choice::sweep::is_undecided;
use crate::report::document::{Block, Section, Table};
use crate::report::figure::{NOTHING, percent_error, probability_cells};
use crate::report::optimum::Report;
use crate::report::optimum_files::{is_best, is_feasible, judged};
use crate::report::optimum_words::{Style, measure_words, value_words};
use crate::report::sections::INTERVAL;
use crate::stats::estimate::Estimate;
use crate::stats::limits::{LimitStatus, ValueKind, kind_of};

/// Most axes with a column each in the table of the frontier, which is 100 characters wide with six of its own.
const MOST_AXIS_COLUMNS: usize = 3;

/// Most rows of the frontier that are printed; files hold all.
const MOST_ROWS: usize = 24;

impl Report<'_> {
    pub(super) fn limits(&self) -> Option<Section> {
        let (problem, optimum) = (self.told.problem, self.told.optimum);
        if problem.constraints.is_empty() {
            return None;
        }
        let values = judged(optimum);
        let mut table = Table::new(&["limit", "value", INTERVAL, "judged at", "left", ""]);
        for (number, constraint) in problem.constraints.iter().enumerate() {
            let estimate = &values[1 + number];
            let style = Style::of(&constraint.measure, self.money);
            let bare = |value: Option<f64>| value.map_or(NOTHING.to_owned(), |v| style.bare(v));
            let interval = estimate
                .ci95
                .map_or("too few paths".to_owned(), |[lower, upper]| {
                    format!("{} to {}", style.bare(lower), style.bare(upper))
                });
            table.push([
                constraint_label(constraint),
                self.value(estimate, style, kind_of(constraint.measure.name())),
                interval,
                bare(constraint.far_end(estimate)),
                bare(constraint.slack(estimate)),
                status_word(constraint.status(estimate), optimum, number),
            ]);
        }
        let (whose, how) = match &optimum.found {
            Found::Best(_) => ("the best point", "on fresh random numbers"),
            Found::Nothing(nothing) if nothing.passed_over.is_empty() => {
                ("the nearest point", "in the search")
            }
            Found::Nothing(_) => ("the nearest point", "on fresh random numbers"),
        };
        let words = format!(
            "Values of {whose} {how}, amounts in {}. A limit is judged at the far end of the 95 % interval: what may be at most so much at the \
             upper one, what has to be at least so much at the lower one. A limit binds if without it a point could be \
             taken that is better by more than the error of the difference, and may bind if one could that only looks better.",
            self.money.unit
        );
        Some(Section::new(
            "Your limits",
            vec![Block::Table(table), Block::Paragraph(words)],
        ))
    }

    pub(super) fn runners_up(&self) -> Option<Section> {
        let Found::Best(best) = &self.told.optimum.found else {
            return None;
        };
        if best.rivals.is_empty() {
            return None;
        }
        let style = self.objective_style();
        let mut table = Table::new(&["next best of the grid", "less the best", INTERVAL, ""]);
        for rival in &best.rivals {
            let difference = rival.difference.unwrap_or(Estimate::UNDEFINED);
            let ends = difference
                .ci95
                .map_or(NOTHING.to_owned(), |[lower, upper]| {
                    format!("{} to {}", style.bare(lower), style.bare(upper))
                });
            let told_apart = if is_undecided(&difference) {
                "cannot be told apart"
            } else {
                "told apart"
            };
            table.push([
                self.point(rival.index),
                difference
                    .value
                    .map_or(NOTHING.to_owned(), |v| style.bare(v)),
                ends,
                told_apart.to_owned(),
            ]);
        }
        let words = format!(
            "Differences of the {} on the same fresh paths, with their own errors{}.",
            self.objective_words(),
            match style {
                Style::Usd(money) => format!(", {}", money.unit),
                Style::UsdSquared => ", USD squared".to_owned(),
                Style::Percent | Style::Number => String::new(),
            }
        );
        Some(Section::new(
            "How sure is it",
            vec![Block::Table(table), Block::Paragraph(words)],
        ))
    }

    pub(super) fn frontier(&self) -> Section {
        let (problem, optimum) = (self.told.problem, self.told.optimum);
        let axes = problem.grid.axes();
        let is_narrow = axes.len() <= MOST_AXIS_COLUMNS;
        let mut header: Vec<String> = vec![String::new()];
        if is_narrow {
            header.extend(
                axes.iter()
                    .map(|axis| self.names.of(&axis.paths).to_owned()),
            );
        } else {
            header.push(self.names.head());
        }
        for head in ["ES95", "+-", "capital", "+-", "liquidated", "+-"] {
            header.push(head.to_owned());
        }
        let shown = self.shown_rows();
        let rows = shown.iter().map(|&index| {
            let point = &optimum.evaluated[index];
            let mark = if is_best(optimum, index) {
                "best"
            } else if is_feasible(problem, point) {
                ""
            } else {
                "x"
            };
            let mut row = vec![mark.to_owned()];
            let values = point.point.values.iter();
            let values =
                values.map(|(paths, value)| value_words((paths, value), &self.names, self.money));
            if is_narrow {
                row.extend(values);
            } else {
                row.push(values.collect::<Vec<String>>().join("; "));
            }
            let capital = Style::of(&problem.capital, self.money);
            let risks = [
                (Style::Usd(self.money), ValueKind::Amount),
                (capital, kind_of(problem.capital.name())),
                (Style::Percent, ValueKind::Probability),
            ];
            for (estimate, (style, kind)) in point.risks().iter().zip(risks) {
                row.push(self.value(estimate, style, kind));
                row.push(error(estimate, style, kind));
            }
            row
        });
        let table = Table {
            header,
            rows: rows.collect(),
        };
        let mut words = format!(
            "Points that no other of the {} beats in all three: expected shortfall at 95 %, capital ({}) and probability of liquidation. \
             Amounts in {}; +- is the standard error; values of the search.",
            optimum.evaluated.len(),
            measure_words(&problem.capital),
            self.money.unit,
        );
        if !problem.constraints.is_empty() {
            words.push_str(" x marks points that do not keep all limits.");
        }
        if shown.len() < optimum.frontier.len() {
            let all = optimum.frontier.len();
            let thinned = format!(
                " {} of {all} are shown, evenly; `--format json` and `--out` have all.",
                shown.len(),
            );
            words.push_str(&thinned);
        }
        if let Found::Best(best) = &optimum.found
            && !optimum.frontier.contains(&best.index)
        {
            words.push_str(" The best point is not among them: it is best for another objective, or as good as one that is.");
        }
        Section::new(
            "Efficient frontier",
            vec![Block::Table(table), Block::Paragraph(words)],
        )
    }

    /// A value; of an event that was never or always seen its limit, as in a sweep.
    fn value(&self, estimate: &Estimate, style: Style, kind: ValueKind) -> String {
        match (estimate.value, kind) {
            (None, _) => NOTHING.to_owned(),
            (Some(_), ValueKind::Probability) => {
                let [text, _] = probability_cells(estimate, self.told.info.paths);
                text
            }
            (Some(value), _) => style.bare(value),
        }
    }

    /// The frontier, thinned out evenly, with the best point.
    fn shown_rows(&self) -> Vec<usize> {
        let optimum = self.told.optimum;
        let frontier = &optimum.frontier;
        if frontier.len() <= MOST_ROWS {
            return frontier.clone();
        }
        let last = frontier.len() - 1;
        let is_shown = |place: usize| {
            let row = (place * (MOST_ROWS - 1)).div_ceil(last);
            row * last / (MOST_ROWS - 1) == place || is_best(optimum, frontier[place])
        };
        let places = (0..=last).filter(|&place| is_shown(place));
        places.map(|place| frontier[place]).collect()
    }
}

/// A standard error; that of an event that was never or always seen says nothing beside its limit.
fn error(estimate: &Estimate, style: Style, kind: ValueKind) -> String {
    let is_limit = kind == ValueKind::Probability
        && matches!((estimate.value, estimate.ci95), (Some(p), Some([lower, upper])) if (p <= 0.0 || p >= 1.0) && lower < upper);
    match estimate.std_error {
        Some(error) if !is_limit => match style {
            Style::Percent => percent_error(error),
            _ => style.bare(error),
        },
        Some(_) | None => NOTHING.to_owned(),
    }
}

fn constraint_label(constraint: &Constraint) -> String {
    match constraint.origin {
        Origin::Argument => constraint.text.clone(),
        Origin::Scenario => format!("{} (of the scenario)", constraint.text),
    }
}

fn status_word(status: LimitStatus, optimum: &Optimum, number: usize) -> String {
    let word = match status {
        LimitStatus::Kept => "kept",
        LimitStatus::Broken => "broken",
        LimitStatus::Unknown => "not for sure",
    };
    if optimum.binding.contains(&number) {
        format!("{word}, binds")
    } else if optimum.may_bind.contains(&number) {
        format!("{word}, may bind")
    } else {
        word.to_owned()
    }
}

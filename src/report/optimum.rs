//! What the report of an optimisation says: the answer, how sure it is, what binds, the efficient frontier, what was not tried.

use crate::choice::grid::Point;
use crate::choice::optimum::constraint::Constraint;
use crate::choice::optimum::nature::against_nature;
use crate::choice::optimum::objective::Direction;
use crate::choice::optimum::outcome::{Best, Found, Nothing};
use crate::choice::sweep::is_undecided;
use crate::plan::types::{Comparison, Plan};
use crate::report::axis_names::AxisNames;
use crate::report::content::{assumptions, programme_usd, run_line};
use crate::report::document::{Block, Document, Item, Section, Tone};
use crate::report::figure::{Money, NOTHING, futures_text, percent};
use crate::report::number::plain;
use crate::report::optimum_files::{Told, judged, most_error, not_kept, tried};
use crate::report::optimum_words::{Style, measure_words, point_words};
use crate::report::shown::{and_list, counted};
use crate::report::views::in_force;
use crate::scenario::overrides::keys;
use crate::stats::estimate::Estimate;
use crate::stats::summary::Summary;

/// The report of an optimisation; `plan` is that of the first point of the grid.
pub fn document(told: Told<'_>, plan: &Plan) -> Document {
    let report = Report {
        told,
        names: AxisNames::new(told.problem.grid, plan),
        money: Money::for_value(programme_usd(plan)),
    };
    let views = in_force(told.info.views.iter()).map(Item::plain);
    let mut head = vec![Block::Paragraph(report.head())];
    let legend = report.names.legend().into_iter().map(Item::plain);
    let items: Vec<Item> = views.into_iter().chain(legend).collect();
    if !items.is_empty() {
        head.push(Block::List(items));
    }
    let mut sections = vec![
        Section {
            heading: None,
            blocks: head,
        },
        Section::new("In plain words", vec![Block::List(report.verdict())]),
    ];
    sections.extend(report.limits());
    sections.extend(report.runners_up());
    sections.push(report.frontier());
    sections.push(Section::new(
        "What was not tried",
        vec![Block::List(report.not_tried())],
    ));
    sections.extend(assumptions(plan.report.notes.iter()));
    sections.push(Section {
        heading: None,
        blocks: vec![Block::Paragraph(run_line(
            &told.info.version,
            told.info.run_seconds,
        ))],
    });
    let title = if told.info.title.is_empty() {
        "The best hedge".to_owned()
    } else {
        format!("The best hedge: {}", told.info.title)
    };
    Document { title, sections }
}

/// What the parts of the report are written from.
pub(super) struct Report<'a> {
    pub(super) told: Told<'a>,
    pub(super) names: AxisNames,
    pub(super) money: Money,
}

impl Report<'_> {
    pub(super) fn point(&self, index: usize) -> String {
        let point = &self.told.optimum.evaluated[index].point;
        point_words(point, &self.names, self.money)
    }

    pub(super) fn objective_style(&self) -> Style {
        Style::of(&self.told.problem.objective.measure, self.money)
    }

    pub(super) fn objective_words(&self) -> String {
        measure_words(&self.told.problem.objective.measure)
    }

    fn head(&self) -> String {
        let Told {
            problem,
            optimum,
            info,
            ..
        } = self.told;
        let of_grid = optimum.evaluated.iter().filter(|point| point.is_of_grid);
        let of_grid = of_grid.count();
        let between = match optimum.evaluated.len() - of_grid {
            0 => String::new(),
            between => format!(" and {between} between them"),
        };
        let verb = match problem.objective.direction {
            Direction::Minimize => "least",
            Direction::Maximize => "largest",
        };
        let price = info.liquidation_price.map_or(String::new(), |price| {
            format!(" (a certain liquidation priced at {price} unhedged variances)")
        });
        format!(
            "Sought: the {verb} {}{price}. {of_grid} points of the grid{between}, each on the same {} paths (seed {}); the best one again on \
             fresh random numbers (seed {}).",
            self.objective_words(),
            plain(info.paths as f64, 0),
            info.seed,
            info.fresh_seed,
        )
    }

    fn verdict(&self) -> Vec<Item> {
        let mut items = match &self.told.optimum.found {
            Found::Best(best) => self.best_words(best),
            Found::Nothing(nothing) => self.nothing_words(nothing),
        };
        let odd = against_nature(&self.told.problem.objective).into_iter();
        items.extend(odd.map(|text| Item {
            tone: Tone::Warning,
            text,
        }));
        items
    }

    fn best_words(&self, best: &Best) -> Vec<Item> {
        let mut items = vec![Item {
            tone: Tone::Good,
            text: format!(
                "Best: {}. {} {}{}.",
                self.point(best.index),
                capitalised(&self.objective_words()),
                self.objective_style().estimate(&best.fresh[0]),
                self.told
                    .best
                    .map_or(String::new(), |summary| self.beside(summary)),
            ),
        }];
        items.extend(self.certainty(best));
        items.extend(self.kept_words(best));
        items.extend(self.passed_over_words(best));
        items.extend(best.edges.iter().map(|&axis| self.edge_words(best, axis)));
        items.extend(self.market_words());
        items
    }

    /// How many were tried before one was confirmed, and what that does to the level of the confirmation.
    fn passed_over_words(&self, best: &Best) -> Option<Item> {
        let count = best.passed_over.len();
        if count == 0 {
            return None;
        }
        let skipped = match best.skipped {
            0 => String::new(),
            skipped => format!(" ({skipped} more between them not tried)"),
        };
        let tried = tried(self.told.optimum);
        Some(Item {
            tone: Tone::Warning,
            text: format!(
                "{} that looked better in the search did not keep the limits on fresh random numbers and {} passed over{skipped}. The answer is \
                 the last of {tried} tried on one sample: one that breaks a limit is let through in at most {} of samples, not in the {} of a \
                 single try.",
                counted(count, "point"),
                if count == 1 { "was" } else { "were" },
                percent(most_error(tried)),
                percent(most_error(1)),
            ),
        })
    }

    /// What a treasurer wants to know beside the objective.
    fn beside(&self, summary: &Summary) -> String {
        let objective = self.told.problem.objective.measure.name();
        let mut parts = Vec::new();
        if objective != "hedged.es95" {
            let es95 = Style::Usd(self.money).estimate(&summary.hedged.es95);
            parts.push(format!("expected shortfall at 95 % {es95}"));
        }
        if objective != "liquidation.probability" {
            let probability = &summary.liquidation.probability;
            let futures = futures_text(probability, summary.paths);
            let at_most = match (probability.value, probability.ci95) {
                // What was never or always seen stands with its limit already.
                (Some(value), Some([_, upper])) if value > 0.0 && value < 1.0 => {
                    format!(" (at most {})", percent(upper))
                }
                _ => String::new(),
            };
            parts.push(format!(
                "the exchange closes the hedge by force in {futures}{at_most}"
            ));
        }
        if parts.is_empty() {
            String::new()
        } else {
            format!("; {}", parts.join("; "))
        }
    }

    /// Whether the best point can be told from the next best of the grid.
    fn certainty(&self, best: &Best) -> Option<Item> {
        let nearest = best.rivals.first()?;
        let difference = nearest.difference.filter(|d| d.value.is_some())?;
        let style = self.objective_style();
        let alike: Vec<String> = best
            .rivals
            .iter()
            .filter(|rival| rival.difference.is_none_or(|d| is_undecided(&d)))
            .map(|rival| self.point(rival.index))
            .collect();
        let objective = &self.told.problem.objective;
        let better = best.rivals.iter().find(|rival| {
            let Some(difference) = rival.difference.filter(|d| !is_undecided(d)) else {
                return false;
            };
            difference
                .value
                .is_some_and(|value| objective.cost(value) < 0.0)
        });
        let amounts = |difference: &Estimate| {
            let text = |number: Option<f64>| number.map_or(NOTHING.to_owned(), |n| style.text(n));
            (
                text(difference.value.map(f64::abs)),
                text(difference.std_error),
            )
        };
        if let Some(better) = better
            && let Some(difference) = better.difference
        {
            let (size, error) = amounts(&difference);
            return Some(Item {
                tone: Tone::Warning,
                text: format!(
                    "On fresh random numbers {} is better by {size} (standard error {error}): the search chose between the two by luck. More \
                     paths would tell.",
                    self.point(better.index),
                ),
            });
        }
        let text = if alike.is_empty() {
            let (size, error) = amounts(&difference);
            format!(
                "It can be told from the next best point of the grid, {}, which is worse by {size} (standard error {error}).",
                self.point(nearest.index),
            )
        } else {
            format!(
                "On {} paths it cannot be told from {}: take whichever suits better.",
                plain(self.told.info.paths as f64, 0),
                alike.join(" or from ")
            )
        };
        Some(Item::plain(text))
    }

    fn kept_words(&self, best: &Best) -> Vec<Item> {
        let (problem, optimum) = (self.told.problem, self.told.optimum);
        if problem.constraints.is_empty() {
            return Vec::new();
        }
        let names = |numbers: &[usize]| {
            let texts = numbers.iter().map(|&number| &problem.constraints[number]);
            let texts: Vec<&str> = texts.map(|constraint| constraint.text.as_str()).collect();
            texts.join("; ")
        };
        let may_bind = (!optimum.may_bind.is_empty()).then(|| {
            let text = format!(
                "May bind: {}. Without, another point looked better in the search, but on fresh random numbers it cannot be told from the best.",
                names(&optimum.may_bind)
            );
            Item::plain(text)
        });
        if optimum.binding.is_empty() {
            let text = if optimum.unconstrained == best.index {
                "No limit stands in the way: without them the best point would be the same."
            } else {
                "No limit is known to stand in the way: no point tried is better without them by more than its error."
            };
            let none = Item::plain(text);
            return may_bind.into_iter().chain([none]).collect();
        }
        let free = &optimum.evaluated[optimum.unconstrained];
        let style = self.objective_style();
        let value =
            |estimate: &Estimate| estimate.value.map_or(NOTHING.to_owned(), |v| style.text(v));
        let of_search = optimum.evaluated[best.index].objective();
        let binding = Item::plain(format!(
            "What binds: {}. Without any limit the best point tried would be {}, with {} instead of {} on the same paths.",
            names(&optimum.binding),
            point_words(&free.point, &self.names, self.money),
            value(free.objective()),
            value(of_search),
        ));
        [binding].into_iter().chain(may_bind).collect()
    }

    fn edge_words(&self, best: &Best, axis: usize) -> Item {
        let value = self.told.optimum.evaluated[best.index].point.values[axis].clone();
        let at = Point {
            values: vec![value],
        };
        Item {
            tone: Tone::Warning,
            text: format!(
                "The best point lies at the edge of the grid, at {}: nothing was tried beyond.",
                point_words(&at, &self.names, self.money)
            ),
        }
    }

    /// A warning where the market was varied: nobody chooses it.
    fn market_words(&self) -> Option<Item> {
        let axes = self.told.problem.grid.axes().iter();
        let of_market: Vec<&str> = axes
            .flat_map(|axis| axis.paths.iter().map(String::as_str))
            .filter(|path| {
                let first = keys(path).and_then(|keys| keys.into_iter().next());
                matches!(first.as_deref(), Some("assets" | "correlations"))
            })
            .collect();
        (!of_market.is_empty()).then(|| Item {
            tone: Tone::Warning,
            text: format!(
                "`{}` is a part of the market, not of the hedge: the best point is also the kindest world.",
                of_market.join("`, `")
            ),
        })
    }

    fn nothing_words(&self, nothing: &Nothing) -> Vec<Item> {
        let (problem, optimum) = (self.told.problem, self.told.optimum);
        let points = optimum.evaluated.len();
        let first = if nothing.passed_over.is_empty() {
            format!("No point keeps all limits: none of the {points} that were tried.")
        } else {
            format!(
                "No point keeps all limits for sure: of those that kept them in the search {} were tried on fresh random numbers, and none kept \
                 them there too. More paths would tell better.",
                nothing.passed_over.len()
            )
        };
        let mut items = vec![Item {
            tone: Tone::Bad,
            text: first,
        }];
        let in_the_way = not_implied(&problem.constraints, &optimum.binding);
        let alone = in_the_way.len() == 1;
        for number in in_the_way {
            let constraint = &problem.constraints[number];
            let is_unknown = judged(optimum)[1 + number].ci95.is_none();
            let closest = self.closest_words(number);
            let text = match nothing.reachable[number] {
                None if is_unknown => format!(
                    "In the way: {}. Its value has no interval on so few paths, or what it is conditional on never happened, so that it \
                     cannot be told.",
                    constraint.text
                ),
                Some(_) => format!(
                    "In the way: {}. If it were dropped, the other limits could be kept.{closest}",
                    constraint.text,
                ),
                None if alone => format!("In the way: {}.{closest}", constraint.text),
                None => format!(
                    "In the way: {}, together with others: dropping it alone frees nothing.{closest}",
                    constraint.text
                ),
            };
            items.push(Item {
                tone: Tone::Bad,
                text,
            });
        }
        let broken: Vec<&str> = not_kept(problem, judged(optimum))
            .map(|constraint| constraint.text.as_str())
            .collect();
        items.push(Item::plain(format!(
            "Nearest to keeping them all: {}, which does not keep {}.",
            self.point(nothing.nearest),
            broken.join("; ")
        )));
        items
    }

    /// How near the tried points come to a bound: first those that keep all other limits, then any.
    fn closest_words(&self, number: usize) -> String {
        let (problem, optimum) = (self.told.problem, self.told.optimum);
        let constraint = &problem.constraints[number];
        let style = Style::of(&constraint.measure, self.money);
        let closest = |keeps_others: bool| {
            let points = optimum.evaluated.iter().enumerate();
            let left = points.filter_map(|(index, point)| {
                let bounded = &point.values[1..=problem.constraints.len()];
                let mut others = problem.constraints.iter().zip(bounded).enumerate();
                let is_taken = !keeps_others
                    || others.all(|(other, (of, value))| other == number || of.is_kept(value));
                let far_end = constraint.far_end(&bounded[number])?;
                is_taken.then_some((index, far_end, constraint.slack(&bounded[number])?))
            });
            // Of equally near ones the first.
            left.fold(None, |best: Option<(usize, f64, f64)>, next| match best {
                Some(best) if best.2 >= next.2 => Some(best),
                _ => Some(next),
            })
        };
        let words = |(index, far_end, _): (usize, f64, f64)| {
            format!("{} at {}", style.text(far_end), self.point(index))
        };
        let (beside, any) = (closest(true), closest(false));
        match (beside, any) {
            (_, None) => String::new(),
            (Some(beside), Some(any)) if beside.0 != any.0 && beside.2 < any.2 => format!(
                " Closest reachable (the far end of the 95 % interval): {} with all other limits kept, {} without them.",
                words(beside),
                words(any)
            ),
            (_, Some(any)) => format!(
                " Closest reachable (the far end of the 95 % interval): {}.",
                words(any)
            ),
        }
    }

    fn not_tried(&self) -> Vec<Item> {
        let Told {
            problem,
            optimum,
            info,
            ..
        } = self.told;
        let names = self.names.all();
        let mut items = vec![Item::plain(format!(
            "Only {} varied, within the values given; all else is as in the scenario.",
            match names.as_slice() {
                [one] => format!("the {one} was"),
                several => format!("{} were", and_list(several)),
            }
        ))];
        let has_between = optimum.evaluated.iter().any(|point| !point.is_of_grid);
        items.push(Item::plain(if has_between {
            format!(
                "Between the points of the grid only what lies around its best points was tried, down to 1/{} of a step: another optimum may hide \
                 between two points elsewhere.",
                1_u32 << problem.rounds
            )
        } else {
            "Between the points of the grid nothing was tried.".to_owned()
        }));
        if optimum.refused[0] > 0 {
            let first = info.refusal.as_deref().unwrap_or_default();
            let lost = if info.lost.is_empty() {
                String::new()
            } else {
                format!(" No point is left with {}.", info.lost.join(" or "))
            };
            items.push(Item {
                tone: Tone::Warning,
                text: format!(
                    "The scenario refuses {} of the grid, the first of them {first}.{lost}",
                    counted(optimum.refused[0], "point")
                ),
            });
        }
        items
    }
}

/// Those of some constraints that no tighter one of them, on the same value, implies; of two equal ones the first.
fn not_implied(constraints: &[Constraint], some: &[usize]) -> Vec<usize> {
    let is_implied = |&number: &usize| {
        let of = &constraints[number];
        some.iter().any(|&other| {
            let by = &constraints[other];
            let left = match of.comparison {
                Comparison::AtMost => of.bound - by.bound,
                Comparison::AtLeast => by.bound - of.bound,
            };
            let is_same_kind = by.measure == of.measure && by.comparison == of.comparison;
            is_same_kind && (left > 0.0 || (left == 0.0 && other < number))
        })
    };
    let numbers = some.iter().copied();
    numbers.filter(|number| !is_implied(number)).collect()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

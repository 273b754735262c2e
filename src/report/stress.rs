//! What a stress test says: tables for a committee.

use crate::plan::types::Plan;
use crate::report::document::{Block, Document, Item, Section, Table, Tone};
use crate::report::figure::{days_text, probability_cells};
use crate::report::number::{percent, plain, price};
use crate::report::stress_words::{
    Words, change_name, day_words, moment_words, shock_name, signed,
};
use crate::report::views::in_simulations;
use crate::stats::estimate::Estimate;
use crate::stress::history::EpisodeResult;
use crate::stress::hypothetical::Shock;
use crate::stress::moments::Moment;
use crate::stress::outcome::StressOutcome;
use crate::stress::results::Results;
use crate::stress::reverse::UpDown;
use crate::stress::tail::{Group, Probabilities, Tail};

/// What stands where there is nothing.
const NOTHING: &str = "-";

/// Heads of the tables of shocks.
const HEADER: [&str; 6] = [
    "scenario",
    "unhedged",
    "hedged",
    "liquidated",
    "cash needed",
    "what went wrong",
];

/// The report of a stress test.
pub fn document(results: &Results, plan: &Plan) -> Document {
    let words = Words::new(results);
    let title = if plan.simulation.title.is_empty() {
        "Stress test".to_owned()
    } else {
        format!("Stress test: {}", plan.simulation.title)
    };
    let mut sections = vec![first(results, plan, &words)];
    if !results.episodes.is_empty() {
        sections.push(episodes(results, plan, &words));
    }
    sections.push(instant(results, &words));
    sections.push(others(results, &words));
    sections.push(reverse(results, &words));
    sections.push(tail(&results.tail, &words));
    if !results.notes.is_empty() {
        let note = |text: &String| Item {
            tone: Tone::Warning,
            text: text.clone(),
        };
        let notes = results.notes.iter().map(note).collect();
        sections.push(Section::new(
            "Left out or replaced",
            vec![Block::List(notes)],
        ));
    }
    Document { title, sections }
}

/// What is stressed, and the worst of it.
fn first(results: &Results, plan: &Plan, words: &Words) -> Section {
    let mut items = vec![Item::plain(format!(
        "holdings of {} and {} of collateral, for {} in steps of {}",
        words.money.text(results.held_usd),
        words.money.text(results.posted_usd),
        days_text(plan.simulation.horizon_days),
        days_text(plan.simulation.step_days),
    ))];
    let told = results.episodes.iter().flat_map(|result| {
        [
            (result, &Moment::START, &result.at_start),
            (result, &result.worst, &result.at_worst),
        ]
    });
    let least = told.min_by(|(.., a), (.., b)| a.hedged_pnl_usd.total_cmp(&b.hedged_pnl_usd));
    if let Some((result, moment, outcome)) = least {
        items.push(Item::plain(format!(
            "the least hedged P&L of an episode, {}, is that of {} ({}), begun at {}",
            words.money.text(outcome.hedged_pnl_usd),
            result.episode.name,
            result.episode.title,
            moment_words(moment, plan.simulation.step_days),
        )));
        let count = |is: &dyn Fn(&EpisodeResult) -> bool| {
            results.episodes.iter().filter(|result| is(result)).count()
        };
        items.push(Item::plain(format!(
            "episodes that liquidate the hedge: {} of {all} when begun at its start, {} of {all} at some moment",
            count(&|result| result.at_start.liquidated),
            count(&|result| result.liquidating_moments > 0),
            all = results.episodes.len(),
        )));
    }
    items.push(Item::plain(match results.reverse.liquidating_move_frac {
        Some(frac) => format!(
            "the smallest move at once that liquidates, without top-ups: {}",
            signed(frac)
        ),
        None => "no move at once liquidates".to_owned(),
    }));
    items.extend(in_simulations(results.views.as_ref()).map(Item::plain));
    Section {
        heading: None,
        blocks: vec![Block::List(items)],
    }
}

fn row(name: String, outcome: &StressOutcome, reason: String, words: &Words) -> Vec<String> {
    let liquidated = match outcome.liquidation_day {
        Some(day) => day_words(day),
        None => "no".to_owned(),
    };
    vec![
        name,
        words.money.bare(outcome.unhedged_pnl_usd),
        words.money.bare(outcome.hedged_pnl_usd),
        liquidated,
        words.money.bare(outcome.cash_needed_usd),
        reason,
    ]
}

fn episodes(results: &Results, plan: &Plan, words: &Words) -> Section {
    let words = words.in_table();
    let mut table = Table::new(&HEADER);
    for result in &results.episodes {
        let episode = result.episode;
        let name = format!("{} {}", episode.name, episode.title);
        let at_start = &result.at_start;
        let reason = if result.worst == Moment::START {
            words.episode_reason(result, at_start)
        } else {
            words.reason(at_start)
        };
        table.rows.push(row(name, at_start, reason, &words));
        if result.worst != Moment::START {
            let when = moment_words(&result.worst, plan.simulation.step_days);
            let at_worst = &result.at_worst;
            let name = format!("... at its worst: {when}");
            let reason = words.episode_reason(result, at_worst);
            table.rows.push(row(name, at_worst, reason, &words));
        }
    }
    let told = "Each is begun at the start of the hedge, and at the moment that is worst for it; where that is the start it stands once.";
    Section::new(
        format!("Historical episodes, {}", words.money.unit),
        vec![Block::Paragraph(told.to_owned()), Block::WordTable(table)],
    )
}

fn instant(results: &Results, words: &Words) -> Section {
    let words = words.in_table();
    let mut table = Table::new(&HEADER);
    let shocks = results.shocks.iter();
    for shocked in shocks.filter(|s| matches!(s.shock, Shock::Instant { .. })) {
        table.rows.push(row(
            shock_name(&shocked.shock),
            &shocked.outcome,
            words.reason(&shocked.outcome),
            &words,
        ));
    }
    let told = "All prices move at one moment just after the start and then stand still; a basis fades within a day.";
    Section::new(
        format!("Moves at once, {}", words.money.unit),
        vec![Block::Paragraph(told.to_owned()), Block::WordTable(table)],
    )
}

fn others(results: &Results, words: &Words) -> Section {
    let words = words.in_table();
    let mut table = Table::new(&HEADER);
    let shocks = results.shocks.iter();
    for shocked in shocks.filter(|s| !matches!(s.shock, Shock::Instant { .. })) {
        table.rows.push(row(
            shock_name(&shocked.shock),
            &shocked.outcome,
            words.shock_reason(&shocked.shock, &shocked.outcome),
            &words,
        ));
    }
    for simulated in &results.simulated {
        table.rows.push(vec![
            change_name(simulated.change),
            words.money.bare(simulated.unhedged_p1_usd),
            words.money.bare(simulated.hedged_p1_usd),
            never_zero(&simulated.liquidation, simulated.paths),
            words.money.bare(simulated.cash_needed_p99_usd),
            words.simulated_reason(simulated),
        ]);
    }
    Section::new(
        format!("Other shocks, {}", words.money.unit),
        vec![Block::WordTable(table)],
    )
}

fn reverse(results: &Results, words: &Words) -> Section {
    let reverse = &results.reverse;
    let loses = format!("loses {}", words.money.text(reverse.lose_usd));
    let from = reverse.lose_from_pnl_usd;
    let against = if from == 0.0 {
        "A loss is one of hedged P&L, with the costs of opening and closing the hedge.".to_owned()
    } else {
        format!(
            "A loss is counted from a hedged P&L of {}, the value of what is still to be produced, at the prices of the start, less its cost; it includes the costs of opening and closing the hedge.",
            words.money.text(from)
        )
    };
    let moves = |frac: Option<f64>| frac.map_or(NOTHING.to_owned(), signed);
    let cells = |pair: &UpDown| [moves(pair.up), moves(pair.down)];
    let mut table = Table::new(&[
        "what moves",
        "liquidates, up",
        "liquidates, down",
        "loses, up",
        "loses, down",
    ]);
    for moved in &reverse.by_asset {
        let mut row = vec![moved.moves.clone()];
        row.extend(cells(&moved.liquidating));
        row.extend(cells(&moved.losing));
        table.rows.push(row);
    }
    let mut curve = Table::new(&[
        "basis",
        "liquidates, up",
        "liquidates, down",
        "loses, up",
        "loses, down",
    ]);
    for point in &reverse.spot_and_basis {
        let mut row = vec![signed(point.basis_move)];
        row.extend(cells(&point.liquidating));
        row.extend(cells(&point.losing));
        curve.rows.push(row);
    }
    let smallest = |frac: Option<f64>| frac.map_or("none".to_owned(), signed);
    let told = format!(
        "The smallest move at once, without top-ups, that liquidates: {}; that {loses}: {}. {against}",
        smallest(reverse.liquidating_move_frac),
        smallest(reverse.losing_move_frac)
    );
    let mut blocks = vec![Block::Paragraph(told), Block::Table(table)];
    if !curve.rows.is_empty() {
        let told = "What liquidates, and what loses so much, of all spots together, when every basis has moved as well:";
        blocks.push(Block::Paragraph(told.to_owned()));
        blocks.push(Block::Table(curve));
    }
    Section::new("Reverse stress", blocks)
}

/// A probability; what was not seen in so many paths is under its upper limit, as in a run.
fn never_zero(estimate: &Estimate, paths: u64) -> String {
    let [value, _] = probability_cells(estimate, paths);
    value
}

/// Columns of the attribution in words.
fn part_name(column: &str) -> String {
    column.trim_end_matches("_usd").replace('_', " ")
}

fn tail(tail: &Tail, words: &Words) -> Section {
    let (all, worst) = (&tail.all, &tail.worst);
    let mut table = Table::new(&["mean of", "all", "worst 1 %"]);
    let both = all.attribution.iter().zip(&worst.attribution);
    for ((name, all_usd), (_, worst_usd)) in both {
        if *all_usd != 0.0 || *worst_usd != 0.0 {
            table.push([
                part_name(name),
                words.money.bare(*all_usd),
                words.money.bare(*worst_usd),
            ]);
        }
    }
    let day = |day: Option<f64>| day.map_or(NOTHING.to_owned(), |day| plain(day, 1));
    let mut events = Table::new(&["", "all", "worst 1 %"]);
    let mut push = |name: &str, of: &dyn Fn(&Group) -> String| {
        events.push([name.to_owned(), of(all), of(worst)]);
    };
    let likely = |group: &Group, of: fn(&Probabilities) -> &Estimate| {
        never_zero(of(&group.probabilities), group.paths as u64)
    };
    push("liquidated", &|group| likely(group, |all| &all.liquidated));
    push("day of the first liquidation, median", &|group| {
        day(group.liquidation_day)
    });
    push("called for margin", &|group| {
        likely(group, |all| &all.called)
    });
    push(
        "day of the first call, median",
        &|group| day(group.call_day),
    );
    push("a call that could not be met", &|group| {
        likely(group, |all| &all.unmet)
    });
    push("collateral required, median", &|group| {
        words.money.bare(group.required_collateral_usd)
    });
    let mut path = Table::new(&["median price", "all", "worst 1 %"]);
    let dates = tail
        .days
        .iter()
        .zip(all.spot_usd.iter().zip(&worst.spot_usd));
    for (date, (all_usd, worst_usd)) in dates {
        path.push([
            format!("{}, {}", tail.asset, day_words(*date)),
            price(*all_usd),
            price(*worst_usd),
        ]);
    }
    Section::new(
        format!("The worst 1 % of the simulation, {}", words.money.unit),
        vec![
            Block::Paragraph(in_words(tail, words)),
            Block::Table(table),
            Block::Table(events),
            Block::Table(path),
        ],
    )
}

/// The tail in a sentence or two.
fn in_words(tail: &Tail, words: &Words) -> String {
    let worst = &tail.worst;
    let mut said = vec![format!(
        "The worst {} of {} paths end at or under a hedged P&L of {}.",
        plain(worst.paths as f64, 0),
        plain(tail.all.paths as f64, 0),
        words.money.text(tail.threshold_usd)
    )];
    if let Some(end_usd) = worst.spot_usd.last() {
        let frac = end_usd / tail.initial_spot_usd - 1.0;
        said.push(format!(
            "Their typical path takes {} from {} to {} ({}).",
            tail.asset,
            price(tail.initial_spot_usd),
            price(*end_usd),
            signed(frac)
        ));
    }
    // Between the unhedged P&L and the hedged one stand the components.
    let parts = worst.attribution.iter().zip(&tail.all.attribution);
    let inner = parts.filter(|((name, _), _)| !name.starts_with("hedged"));
    let lost = inner.map(|((name, worst_usd), (_, all_usd))| (worst_usd - all_usd, name));
    let mut lost: Vec<(f64, &&str)> = lost.filter(|(usd, _)| *usd < 0.0).collect();
    lost.sort_by(|a, b| a.0.total_cmp(&b.0));
    let named: Vec<String> = lost
        .iter()
        .take(2)
        .map(|(usd, name)| {
            format!(
                "{} ({} against the mean)",
                part_name(name),
                words.money.bare(*usd)
            )
        })
        .collect();
    if !named.is_empty() {
        said.push(format!("What sets them apart: {}.", named.join(" and ")));
    }
    if worst.liquidated_frac > 0.0 {
        let when = worst.liquidation_day.map_or(String::new(), |day| {
            format!(", half of them by {}", day_words(day))
        });
        let part = if worst.liquidated_frac < 1.0 {
            percent(worst.liquidated_frac)
        } else {
            "All".to_owned()
        };
        said.push(format!("{part} of them are liquidated{when}."));
    }
    said.join(" ")
}

//! The historical episodes and where their numbers come from, as a list.

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::number::percent;
use crate::report::paragraph::push_paragraph;
use crate::report::stress_json::{assumptions, citations};
use crate::report::stress_words::signed;
use crate::stress::episode::{BITCOIN, Episode, Leg, Moves};

/// The episodes in words.
pub fn render(episodes: &[&Episode]) -> String {
    let mut text = String::new();
    for (index, episode) in episodes.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {}, {} to {}",
            episode.name, episode.title, episode.from, episode.to
        );
        for leg in &episode.legs {
            push_paragraph(&mut text, "  moves   ", &moves(leg));
            push_paragraph(&mut text, "  market  ", &market(leg, episode));
        }
        let recorded = [
            ("  outage  ", &episode.outages),
            ("  adl     ", &episode.deleveraging),
            ("  note    ", &episode.remarks),
        ];
        for (label, remarks) in recorded {
            for remark in remarks {
                push_paragraph(&mut text, label, &remark.text);
            }
        }
        for assumed in assumptions(episode) {
            push_paragraph(&mut text, "  assumed ", assumed);
        }
        for citation in citations(episode) {
            push_paragraph(&mut text, "  source  ", citation);
        }
    }
    text.push('\n');
    push_paragraph(
        &mut text,
        "",
        "Outages and auto-deleveraging are recorded; the margin rules of the program do not know them yet.",
    );
    text
}

/// How far each coin went, bitcoin first.
fn moves(leg: &Leg) -> String {
    let one = |coin: &str, moves: &Moves| {
        let windows = [
            ("24 h", moves.day),
            ("4 h", moves.four_hours),
            ("1 h", moves.hour),
            ("basis", moves.basis),
        ];
        let windows: Vec<String> = windows
            .into_iter()
            .filter_map(|(name, worst)| worst.map(|worst| format!("{name} {}", signed(worst))))
            .collect();
        let inside = if windows.is_empty() {
            String::new()
        } else {
            format!(" ({})", windows.join(", "))
        };
        format!("{coin} {}{inside}", signed(moves.total))
    };
    let first = leg.moves.iter().filter(|(coin, _)| *coin == BITCOIN);
    let others = leg.moves.iter().filter(|(coin, _)| *coin != BITCOIN);
    let all: Vec<String> = first
        .chain(others)
        .map(|(coin, moves)| one(coin, moves))
        .collect();
    format!("in {} hours: {}", leg.hours, all.join(", "))
}

fn market(leg: &Leg, episode: &Episode) -> String {
    let mut said = Vec::new();
    if let Some(basis) = &leg.basis {
        said.push(format!("basis {}", signed(basis.value)));
    }
    if let Some(carry) = &leg.carry_annual {
        said.push(format!("carry {} a year", signed(carry.value)));
    }
    if let Some(rate) = &leg.funding_per_8h {
        said.push(format!("funding {} per 8 h", percent(rate.value)));
    }
    said.push(format!("costs x {}", episode.cost_factor.value));
    said.join(", ")
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    from: &'a str,
    to: &'a str,
    hours: f64,
    bitcoin_move: f64,
    coins: Vec<&'a str>,
    cost_factor: f64,
    sources: Vec<&'a str>,
    assumed: Vec<&'a str>,
}

/// The episodes as JSON.
pub fn render_json(episodes: &[&Episode]) -> String {
    let listed: Vec<Listed<'_>> = episodes
        .iter()
        .map(|episode| Listed {
            name: &episode.name,
            title: &episode.title,
            from: &episode.from,
            to: &episode.to,
            hours: episode.hours(),
            bitcoin_move: episode.total(BITCOIN),
            coins: coins(episode),
            cost_factor: episode.cost_factor.value,
            sources: citations(episode),
            assumed: assumptions(episode),
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&listed).unwrap_or_default();
    text.push('\n');
    text
}

/// Coins that an episode knows in every leg.
fn coins(episode: &Episode) -> Vec<&str> {
    let first = episode.legs.first().map(|leg| leg.moves.keys());
    let names = first.into_iter().flatten().map(String::as_str);
    names.filter(|coin| episode.has(coin)).collect()
}

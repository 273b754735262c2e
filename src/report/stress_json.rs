//! A stress test as JSON and CSV.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::outcome::csv::push_number;
use crate::plan::types::Plan;
use crate::report::stress_words::{Words, change_name, moment_words, shock_name};
use crate::stats::views::ViewsOutcome;
use crate::stress::episode::{Direction, Episode, Figure, Remark, all};
use crate::stress::history::EpisodeResult;
use crate::stress::hypothetical::Shock;
use crate::stress::maintenance::MaintenanceRule;
use crate::stress::outcome::StressOutcome;
use crate::stress::resimulated::{Change, TAIL};
use crate::stress::results::Results;
use crate::stress::reverse::Reverse;
use crate::stress::tail::Tail;

/// Version of the form of `stress.json`.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct File<'a> {
    format: u32,
    version: &'static str,
    title: &'a str,
    paths: u64,
    seed: u64,
    horizon_days: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<&'a ViewsOutcome>,
    held_usd: f64,
    collateral_usd: f64,
    episodes: Vec<EpisodeEntry<'a>>,
    shocks: Vec<ShockEntry>,
    reverse: &'a Reverse,
    tail: TailEntry<'a>,
    notes: &'a [String],
    scenario: &'a str,
}

#[derive(Serialize)]
struct OutcomeEntry {
    unhedged_pnl_usd: f64,
    hedged_pnl_usd: f64,
    liquidated: bool,
    cash_needed_usd: f64,
    hedged_pnl_if_back_usd: Option<f64>,
    cut_off_after_days: Option<f64>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<OutcomeDetail>,
}

#[derive(Serialize)]
struct OutcomeDetail {
    liquidation_day: Option<f64>,
    margin_calls: f64,
    top_up_usd: f64,
    unmet_call_usd: f64,
    components: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
struct EpisodeEntry<'a> {
    name: &'a str,
    #[serde(flatten)]
    at_start: OutcomeEntry,
    worst: WorstEntry,
    moments: usize,
    liquidating_moments: usize,
    most_cash_needed_usd: f64,
    title: &'a str,
    kind: &'static str,
    from: &'a str,
    to: &'a str,
    coins: BTreeMap<&'a str, &'a str>,
    unknown_assets: &'a [String],
    sources: Vec<&'a str>,
    assumed: Vec<&'a str>,
    outages: Vec<&'a str>,
    deleveraging: Vec<&'a str>,
}

#[derive(Serialize)]
struct WorstEntry {
    day: f64,
    drift_frac: f64,
    #[serde(flatten)]
    outcome: OutcomeEntry,
}

#[derive(Serialize)]
struct ShockEntry {
    name: String,
    #[serde(flatten)]
    outcome: OutcomeEntry,
    #[serde(flatten)]
    shock: ShockDetail,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ShockDetail {
    Instant {
        spot_move: f64,
        basis_move: f64,
    },
    Slow {
        spot_move: f64,
        days: f64,
        can_top_up: bool,
    },
    Funding {
        rate_per_8h: f64,
        days: f64,
    },
    Maintenance {
        factor: Option<f64>,
        liquidating_move_frac: Option<f64>,
        liquidating_move_before_frac: Option<f64>,
        options_stay: bool,
    },
    Simulated {
        volatility_factor: Option<f64>,
        correlation: Option<f64>,
        liquidation_probability: f64,
        hedged_es99_usd: f64,
    },
}

#[derive(Serialize)]
struct TailEntry<'a> {
    share: f64,
    #[serde(flatten)]
    tail: &'a Tail,
}

/// `stress.json`; `scenario` is the scenario as run.
pub fn render_json(results: &Results, plan: &Plan, scenario: &str) -> String {
    let words = Words::new(results);
    let file = File {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        title: &plan.simulation.title,
        paths: plan.simulation.paths,
        seed: plan.simulation.seed,
        horizon_days: plan.simulation.horizon_days,
        views: results.views.as_ref(),
        held_usd: results.held_usd,
        collateral_usd: results.posted_usd,
        episodes: results
            .episodes
            .iter()
            .map(|result| episode_entry(result, plan, &words))
            .collect(),
        shocks: shock_entries(results, &words),
        reverse: &results.reverse,
        tail: TailEntry {
            share: TAIL,
            tail: &results.tail,
        },
        notes: &results.notes,
        scenario,
    };
    // Plain data with text keys, which always converts.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

fn outcome_entry(outcome: &StressOutcome, reason: String) -> OutcomeEntry {
    OutcomeEntry {
        unhedged_pnl_usd: outcome.unhedged_pnl_usd,
        hedged_pnl_usd: outcome.hedged_pnl_usd,
        liquidated: outcome.liquidated,
        cash_needed_usd: outcome.cash_needed_usd,
        hedged_pnl_if_back_usd: outcome.hedged_pnl_if_back_usd,
        cut_off_after_days: outcome.cut_off.map(|cut| cut.after_days),
        reason,
        detail: Some(OutcomeDetail {
            liquidation_day: outcome.liquidation_day,
            margin_calls: outcome.margin_calls,
            top_up_usd: outcome.top_up_usd,
            unmet_call_usd: outcome.unmet_call_usd,
            components: outcome.components.iter().copied().collect(),
        }),
    }
}

fn episode_entry<'a>(result: &'a EpisodeResult, plan: &'a Plan, words: &Words) -> EpisodeEntry<'a> {
    let episode = result.episode;
    let texts = |remarks: &'a [Remark]| remarks.iter().map(|remark| remark.text.as_str()).collect();
    let assets = plan.market.assets.iter().map(|asset| asset.name.as_str());
    EpisodeEntry {
        name: &episode.name,
        at_start: outcome_entry(&result.at_start, words.reason(&result.at_start)),
        worst: WorstEntry {
            day: result.worst.step as f64 * plan.simulation.step_days,
            drift_frac: result.worst.drift_log.exp_m1(),
            outcome: outcome_entry(&result.at_worst, words.reason(&result.at_worst)),
        },
        moments: result.moments,
        liquidating_moments: result.liquidating_moments,
        most_cash_needed_usd: result.most_cash_needed_usd,
        title: &episode.title,
        kind: match episode.kind {
            Direction::Down => "down",
            Direction::Up => "up",
        },
        from: &episode.from,
        to: &episode.to,
        coins: assets
            .zip(result.coins.iter().map(String::as_str))
            .collect(),
        unknown_assets: &result.strangers,
        sources: citations(episode),
        assumed: assumptions(episode),
        outages: texts(&episode.outages),
        deleveraging: texts(&episode.deleveraging),
    }
}

fn shock_entries(results: &Results, words: &Words) -> Vec<ShockEntry> {
    let shocked = results.shocks.iter().map(|shocked| ShockEntry {
        name: shock_name(&shocked.shock),
        outcome: outcome_entry(
            &shocked.outcome,
            words.shock_reason(&shocked.shock, &shocked.outcome),
        ),
        shock: match shocked.shock {
            Shock::Instant {
                spot_move,
                basis_move,
            } => ShockDetail::Instant {
                spot_move,
                basis_move,
            },
            Shock::Slow {
                spot_move,
                days,
                can_top_up,
            } => ShockDetail::Slow {
                spot_move,
                days,
                can_top_up,
            },
            Shock::Funding { rate_per_8h, days } => ShockDetail::Funding { rate_per_8h, days },
            Shock::Maintenance {
                rule,
                before,
                after,
                options_stay,
            } => ShockDetail::Maintenance {
                factor: match rule {
                    MaintenanceRule::Factor(factor) => Some(factor),
                    MaintenanceRule::NextBracket => None,
                },
                liquidating_move_frac: after.smaller(),
                liquidating_move_before_frac: before.smaller(),
                options_stay,
            },
        },
    });
    let simulated = results.simulated.iter().map(|simulated| ShockEntry {
        name: change_name(simulated.change),
        outcome: OutcomeEntry {
            unhedged_pnl_usd: simulated.unhedged_p1_usd,
            hedged_pnl_usd: simulated.hedged_p1_usd,
            liquidated: simulated.liquidates(),
            cash_needed_usd: simulated.cash_needed_p99_usd,
            hedged_pnl_if_back_usd: None,
            cut_off_after_days: None,
            reason: words.simulated_reason(simulated),
            detail: None,
        },
        shock: ShockDetail::Simulated {
            volatility_factor: match simulated.change {
                Change::Volatility(factor) => Some(factor),
                Change::None | Change::Correlation(_) => None,
            },
            correlation: match simulated.change {
                Change::Correlation(correlation) => Some(correlation),
                Change::None | Change::Volatility(_) => None,
            },
            liquidation_probability: simulated.liquidation_probability(),
            hedged_es99_usd: simulated.hedged_es99_usd,
        },
    });
    shocked.chain(simulated).collect()
}

/// Every figure of an episode: its own, and those of its legs and coins, as source and assumption.
fn origins(episode: &Episode) -> Vec<(Option<&str>, Option<&str>)> {
    fn of(figure: &Figure) -> (Option<&str>, Option<&str>) {
        (figure.source.as_deref(), figure.assumed.as_deref())
    }
    let mut found = vec![of(&episode.cost_factor)];
    for leg in &episode.legs {
        let figures = [&leg.basis, &leg.carry_annual, &leg.funding_per_8h];
        found.extend(figures.into_iter().flatten().map(of));
        for moves in leg.moves.values() {
            found.push((moves.source.as_deref(), moves.assumed.as_deref()));
        }
    }
    let remarks = [&episode.outages, &episode.deleveraging, &episode.remarks];
    for remark in remarks.into_iter().flatten() {
        found.push((Some(remark.source.as_str()), None));
    }
    found
}

/// Citations of an episode's sources, each once.
pub(crate) fn citations(episode: &Episode) -> Vec<&'static str> {
    let keys: Vec<&str> = origins(episode)
        .into_iter()
        .filter_map(|(source, _)| source)
        .collect();
    let sources = all().sources.iter();
    sources
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(|(_, source)| source.citation.as_str())
        .collect()
}

/// What is assumed in an episode, each once.
pub(crate) fn assumptions(episode: &Episode) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for (_, assumed) in origins(episode) {
        if let Some(why) = assumed.filter(|why| !found.contains(why)) {
            found.push(why);
        }
    }
    found
}

/// `stress.csv`: one row an episode and moment, or a shock.
pub fn render_csv(results: &Results, plan: &Plan) -> String {
    let words = Words::new(results);
    let mut text = String::from(
        "kind,name,moment,unhedged_pnl_usd,hedged_pnl_usd,liquidated,liquidation_probability,cash_needed_usd,hedged_pnl_if_back_usd,reason\n",
    );
    for result in &results.episodes {
        let when = moment_words(&result.worst, plan.simulation.step_days);
        for (kind, moment, outcome) in [
            ("episode", "the start", &result.at_start),
            ("episode at its worst", when.as_str(), &result.at_worst),
        ] {
            let entry = outcome_entry(outcome, words.reason(outcome));
            push_row(
                &mut text,
                [kind, &result.episode.name, moment],
                &entry,
                None,
            );
        }
    }
    for shock in shock_entries(results, &words) {
        let probability = match shock.shock {
            ShockDetail::Simulated {
                liquidation_probability,
                ..
            } => Some(liquidation_probability),
            _ => None,
        };
        push_row(
            &mut text,
            ["shock", &shock.name, ""],
            &shock.outcome,
            probability,
        );
    }
    text
}

fn push_row(text: &mut String, names: [&str; 3], outcome: &OutcomeEntry, probability: Option<f64>) {
    for name in names {
        push_words(text, name);
        text.push(',');
    }
    push_number(text, outcome.unhedged_pnl_usd);
    text.push(',');
    push_number(text, outcome.hedged_pnl_usd);
    text.push(',');
    text.push(if outcome.liquidated { '1' } else { '0' });
    text.push(',');
    if let Some(probability) = probability {
        push_number(text, probability);
    }
    text.push(',');
    push_number(text, outcome.cash_needed_usd);
    text.push(',');
    if let Some(usd) = outcome.hedged_pnl_if_back_usd {
        push_number(text, usd);
    }
    text.push(',');
    push_words(text, &outcome.reason);
    text.push('\n');
}

/// Words in quotes where a comma, a quote or a line break would part them.
fn push_words(text: &mut String, words: &str) {
    if words.contains([',', '"', '\n']) {
        text.push('"');
        text.push_str(&words.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(words);
    }
}

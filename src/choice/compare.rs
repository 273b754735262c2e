//! Proposals side by side on the same paths: what each gives, what pairs differ in, which ends better, which dominates.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use crate::choice::dominance::{Dominance, Outcomes, dominance};
use crate::choice::evaluation::{EvaluationError, evaluate, passes, table_bytes};
use crate::choice::sweep::KEYS;
use crate::engine::run::{SimulationError, Watcher};
use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::difference::difference;
use crate::stats::estimate::Estimate;
use crate::stats::influence::{Influences, influences};
use crate::stats::level::ByName;
use crate::stats::limits::estimate_paths;
use crate::stats::probability::probability;
use crate::stats::sample::Sample;
use crate::stats::summarise::{Detail, RunInfo, template};
use crate::stats::summary::Summary;
use crate::stats::viewed::summarise_weighted;
use crate::stats::views::ViewsOutcome;

/// A proposal.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Its name, unlike all others'.
    pub name: String,
    /// What is proposed.
    pub plan: Plan,
    /// The scenario, TOML.
    pub scenario: String,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whether every key of the summaries is, else those that reports show.
    pub has_every_key: bool,
    /// Version of the program, for the summaries.
    pub version: String,
}

/// One proposal, simulated.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// The estimates of the keys that are compared.
    pub estimates: ByName,
    /// Its summary; all of it, if wanted.
    pub summary: Box<Summary>,
}

/// What two proposals differ in, path by path: `to - from` of each key, with the error of the difference.
#[derive(Debug, Clone)]
pub struct PairDifference {
    /// The first proposal.
    pub from: usize,
    /// The other.
    pub to: usize,
    /// Differences by key.
    pub estimates: ByName,
    /// Probability that `to` ends with a higher hedged P&L than `from` on the same path.
    pub better: Estimate,
    /// That it ends with a lower one.
    pub worse: Estimate,
    /// That both end with the same, to the bit.
    pub equal: Estimate,
}

/// Whether one proposal's hedged P&L dominates another's.
#[derive(Debug, Clone, Copy)]
pub struct PairDominance {
    /// The proposal that may dominate.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// What was found.
    pub found: Dominance,
}

/// All that is said of the proposals.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The proposals in their order.
    pub proposals: Vec<Compared>,
    /// Every pair, `from` before `to`.
    pub differences: Vec<PairDifference>,
    /// Every ordered pair.
    pub dominance: Vec<PairDominance>,
}

impl Comparison {
    /// What the views came to, the same for all proposals; `None` without views.
    pub fn views(&self) -> Option<&ViewsOutcome> {
        let first = self.proposals.first()?;
        Some(&first.summary.views.as_ref()?.outcome)
    }
}

/// What was seen of one table.
struct Seen {
    influences: Influences,
    outcomes: Outcomes,
    compared: Compared,
}

/// Compares proposals that have a [common ground](crate::choice::common_ground).
///
/// `memory_bytes` is the memory that may be used; `None`: any.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set; [`SimulationError::OutOfMemory`] before anything is simulated;
/// [`EvaluationError::Views`] where the paths do not allow the views.
pub fn compare(
    proposals: &[Proposal],
    wanted: &Wanted,
    memory_bytes: Option<u64>,
    (stop, watcher): (&AtomicBool, &dyn Watcher),
) -> Result<Comparison, EvaluationError> {
    let plans: Vec<&Plan> = proposals.iter().map(|proposal| &proposal.plan).collect();
    // What is kept of a table is at most as large, its order three columns more.
    let bytes = plans.iter().map(|plan| table_bytes(plan));
    let (all, largest) = (bytes.clone().sum::<u64>(), bytes.max().unwrap_or(0));
    let needed_bytes = all.saturating_add(largest);
    if memory_bytes.is_some_and(|bytes| needed_bytes > bytes) {
        return Err(SimulationError::OutOfMemory {
            paths: plans[0].simulation.paths,
            gib: needed_bytes.div_ceil(1 << 30),
        }
        .into());
    }
    let tables_bytes = memory_bytes.map_or(u64::MAX, |bytes| bytes - all);
    let mut seen: Vec<Option<Seen>> = proposals.iter().map(|_| None).collect();
    let keys = keys(&plans, wanted.has_every_key);
    evaluate(
        &plans,
        &passes(&plans, tables_bytes),
        (stop, watcher),
        |index, table, views| {
            look(
                &proposals[index],
                (Arc::make_mut(table), views),
                &keys,
                wanted,
            )
        },
        |index, found| seen[index] = Some(found),
    )?;
    let seen: Vec<Seen> = seen.into_iter().flatten().collect();
    let pairs: Vec<(usize, usize)> = (0..seen.len())
        .flat_map(|from| (from + 1..seen.len()).map(move |to| (from, to)))
        .collect();
    let found: Vec<(PairDifference, [Dominance; 2])> = pairs
        .into_par_iter()
        .map(|(from, to)| pair(&plans, &seen, from, to))
        .collect();
    let mut ordered: Vec<PairDominance> = Vec::new();
    for (pair, [of_from, of_to]) in &found {
        let (from, to) = (pair.from, pair.to);
        for (a, b, found) in [(from, to, *of_from), (to, from, *of_to)] {
            ordered.push(PairDominance { a, b, found });
        }
    }
    Ok(Comparison {
        proposals: seen.into_iter().map(|seen| seen.compared).collect(),
        differences: found.into_iter().map(|(pair, _)| pair).collect(),
        dominance: ordered,
    })
}

/// The keys of each plan that are compared.
fn keys(plans: &[&Plan], has_every_key: bool) -> Vec<String> {
    let mut keys: Vec<String> = KEYS.iter().map(|&key| key.to_owned()).collect();
    keys.extend(SHOWN_BESIDE.iter().map(|&key| key.to_owned()));
    if has_every_key {
        for plan in plans {
            for key in estimate_paths(&template(plan)) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    keys
}

/// Keys that the report of a comparison shows beside those of a sweep.
const SHOWN_BESIDE: [&str; 5] = [
    "unhedged.mean",
    "unhedged.es95",
    "worse_than_unhedged",
    "unmet_call.probability",
    "collateral.peak.percentiles.p99",
];

fn look(
    proposal: &Proposal,
    (table, views): (&mut OutcomeTable, Option<&ViewsOutcome>),
    keys: &[String],
    wanted: &Wanted,
) -> Seen {
    let plan = &proposal.plan;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let influences = influences(table, plan, &keys);
    let run = RunInfo {
        version: wanted.version.clone(),
        scenario: proposal.scenario.clone(),
        ..RunInfo::default()
    };
    let detail = if wanted.has_every_key {
        Detail::Everything
    } else {
        Detail::Report
    };
    let summary = summarise_weighted(table, plan, detail, &run, views.cloned());
    let estimates = influences.estimates();
    let estimates = estimates.map(|(key, estimate)| (key.to_owned(), estimate));
    Seen {
        compared: Compared {
            name: proposal.name.clone(),
            estimates: ByName(estimates.collect()),
            summary: Box::new(summary),
        },
        outcomes: Outcomes::of(&Sample::of_column(table, Column::HedgedPnl)),
        influences,
    }
}

fn pair(
    plans: &[&Plan],
    seen: &[Seen],
    from: usize,
    to: usize,
) -> (PairDifference, [Dominance; 2]) {
    let [a, b] = [from, to].map(|index| &seen[index]);
    let mut estimates = difference(&a.influences, &b.influences);
    estimates.retain(|(key, _)| means_the_same(key, plans[from], plans[to]));
    let (of_a, of_b) = (a.outcomes.sample(), b.outcomes.sample());
    let before = of_a.values();
    let of_pair =
        |event: fn(f64, f64) -> bool| probability(&of_b, |x, path| event(x, before[path]));
    let found = PairDifference {
        from,
        to,
        estimates: ByName(estimates),
        better: of_pair(|after, before| after > before),
        worse: of_pair(|after, before| after < before),
        #[expect(clippy::float_cmp, reason = "what is not told apart has the same bits")]
        equal: of_pair(|after, before| after == before),
    };
    (found, dominance(&a.outcomes, &b.outcomes))
}

/// Whether a key stands for the same thing in two plans: thresholds are counted, and so are hedges.
fn means_the_same(key: &str, a: &Plan, b: &Plan) -> bool {
    let number = |rest: &str| rest.split('.').next()?.parse::<usize>().ok();
    let threshold = |read: fn(&Plan) -> &[f64], rest: &str| {
        let index = number(rest);
        index.is_some_and(|index| read(a).get(index) == read(b).get(index))
    };
    if let Some(rest) = key.strip_prefix("thresholds.") {
        threshold(|plan| &plan.report.thresholds_usd, rest)
    } else if let Some(rest) = key.strip_prefix("effective_price_below.") {
        threshold(|plan| &plan.report.effective_price_below_usd, rest)
    } else if let Some(rest) = key.strip_prefix("by_hedge.") {
        let contract = |plan: &Plan| {
            let hedge = plan.hedges.get(number(rest)?.checked_sub(1)?)?;
            Some(plan.market.contracts[hedge.contract].name.clone())
        };
        contract(a) == contract(b)
    } else {
        true
    }
}

//! A comparison for machines: JSON, and CSV in long form.

use serde::Serialize;

use crate::choice::compare::{Comparison, PairDifference, PairDominance};
use crate::choice::dominance::{Order, Verdict};
use crate::report::sweep_files::{push_estimate, push_field};
use crate::stats::estimate::Estimate;
use crate::stats::level::ByName;
use crate::stats::summary::Summary;
use crate::stats::views::ViewsOutcome;

/// Version of the layout of `compare.json`.
pub const FORMAT: u32 = 1;

/// What machine-readable output says of the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompareInfo {
    /// Version of the program.
    pub version: String,
    /// Number of paths.
    pub paths: u64,
    /// Seed of every random stream.
    pub seed: u64,
    /// Wall time of the comparison so far, seconds.
    pub run_seconds: f64,
    /// Wall time of simulations and statistics, seconds.
    pub simulation_seconds: f64,
    /// Where proposals differ in more than the hedge.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
struct File<'a> {
    format: u32,
    #[serde(flatten)]
    info: &'a CompareInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<&'a ViewsOutcome>,
    proposals: Vec<ProposalOfFile<'a>>,
    differences: Vec<DifferenceOfFile<'a>>,
    dominance: Vec<DominanceOfFile<'a>>,
}

#[derive(Serialize)]
struct ProposalOfFile<'a> {
    name: &'a str,
    #[serde(flatten)]
    summary: &'a Summary,
}

#[derive(Serialize)]
struct DifferenceOfFile<'a> {
    from: &'a str,
    to: &'a str,
    better_probability: Estimate,
    worse_probability: Estimate,
    equal_probability: Estimate,
    #[serde(flatten)]
    estimates: &'a ByName,
}

#[derive(Serialize)]
struct DominanceOfFile<'a> {
    a: &'a str,
    b: &'a str,
    first: bool,
    second: bool,
    first_verdict: &'static str,
    second_verdict: &'static str,
    first_violation: Estimate,
    first_violation_at_usd: Option<f64>,
    second_violation_usd: Estimate,
    second_violation_at_usd: Option<f64>,
}

/// The comparison as JSON, with a line break at its end.
///
/// A difference is `to` less `from`; its probabilities are that `to` ends better, worse and the same. `first` and `second` say
/// whether `a` dominates `b` among the simulated paths.
pub fn json(comparison: &Comparison, info: &CompareInfo) -> String {
    let name = |index: usize| comparison.proposals[index].name.as_str();
    let file = File {
        format: FORMAT,
        info,
        views: comparison.views(),
        proposals: comparison
            .proposals
            .iter()
            .map(|of| ProposalOfFile {
                name: &of.name,
                summary: &of.summary,
            })
            .collect(),
        differences: comparison
            .differences
            .iter()
            .map(|pair| DifferenceOfFile {
                from: name(pair.from),
                to: name(pair.to),
                better_probability: pair.better,
                worse_probability: pair.worse,
                equal_probability: pair.equal,
                estimates: &pair.estimates,
            })
            .collect(),
        dominance: comparison
            .dominance
            .iter()
            .map(|pair| dominance_of_file(pair, [name(pair.a), name(pair.b)]))
            .collect(),
    };
    // Plain data with text keys, which always converts.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

fn dominance_of_file<'a>(pair: &PairDominance, [a, b]: [&'a str; 2]) -> DominanceOfFile<'a> {
    let (first, second) = (&pair.found.first, &pair.found.second);
    let holds = |order: &Order| order.verdict == Verdict::Holds;
    DominanceOfFile {
        a,
        b,
        first: holds(first),
        second: holds(second),
        first_verdict: verdict_key(first.verdict),
        second_verdict: verdict_key(second.verdict),
        first_violation: first.violation,
        first_violation_at_usd: first.at_usd,
        second_violation_usd: second.violation,
        second_violation_at_usd: second.at_usd,
    }
}

fn verdict_key(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Undecided => "undecided",
        Verdict::Violated => "violated",
        Verdict::Same => "same",
    }
}

/// The comparison as CSV: `proposal,from,key,value,std_error,ci95_lower,ci95_upper`.
///
/// `from` is empty where the row is an estimate of the proposal; else the row is that of the proposal less that of `from`, or a
/// probability that the proposal ends better, worse or the same.
pub fn csv(comparison: &Comparison) -> String {
    let mut text = String::from("proposal,from,key,value,std_error,ci95_lower,ci95_upper\n");
    for of in &comparison.proposals {
        for (key, estimate) in &of.estimates.0 {
            push_row(&mut text, [&of.name, "", key], estimate);
        }
    }
    for pair in &comparison.differences {
        let [from, to] = [pair.from, pair.to].map(|index| &*comparison.proposals[index].name);
        for (key, estimate) in probabilities(pair) {
            push_row(&mut text, [to, from, key], &estimate);
        }
        for (key, estimate) in &pair.estimates.0 {
            push_row(&mut text, [to, from, key], estimate);
        }
    }
    text
}

fn probabilities(pair: &PairDifference) -> [(&'static str, Estimate); 3] {
    [
        ("better_probability", pair.better),
        ("worse_probability", pair.worse),
        ("equal_probability", pair.equal),
    ]
}

fn push_row(text: &mut String, [proposal, from, key]: [&str; 3], estimate: &Estimate) {
    push_field(text, proposal);
    text.push(',');
    push_field(text, from);
    text.push(',');
    push_field(text, key);
    push_estimate(text, estimate);
    text.push('\n');
}

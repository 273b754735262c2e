//! A sweep for machines: JSON, and CSV in long form, one row a point and key, then one row a pair of neighbours and key.

use serde::Serialize;

use crate::choice::axis::{Axis, GridValue};
use crate::choice::grid::Point;
use crate::choice::sweep::Sweep;
use crate::outcome::csv::push_number;
use crate::stats::estimate::Estimate;
use crate::stats::level::ByName;
use crate::stats::summary::Summary;

/// Version of the layout of `sweep.json`.
pub const FORMAT: u32 = 1;

/// What machine-readable output says of the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepInfo {
    /// Version of the program.
    pub version: String,
    /// Title of the scenario.
    pub title: String,
    /// Number of paths.
    pub paths: u64,
    /// Seed of every random stream.
    pub seed: u64,
    /// Wall time of the sweep so far, seconds.
    pub run_seconds: f64,
    /// Wall time of simulations and statistics, seconds.
    pub simulation_seconds: f64,
    /// The scenario from which the points start, TOML.
    pub scenario: String,
}

#[derive(Serialize)]
struct File<'a> {
    format: u32,
    version: &'a str,
    title: &'a str,
    paths: u64,
    seed: u64,
    run_seconds: f64,
    simulation_seconds: f64,
    markets: usize,
    axes: Vec<AxisOfFile<'a>>,
    points: Vec<PointOfFile<'a>>,
    differences: Vec<DifferenceOfFile<'a>>,
    scenario: &'a str,
}

#[derive(Serialize)]
struct AxisOfFile<'a> {
    paths: &'a [String],
    values: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct PointOfFile<'a> {
    at: &'a Point,
    #[serde(flatten)]
    summary: &'a Summary,
}

#[derive(Serialize)]
struct DifferenceOfFile<'a> {
    from: &'a Point,
    to: &'a Point,
    #[serde(flatten)]
    estimates: &'a ByName,
}

/// The sweep as JSON, with a line break at its end. Points without a summary are left out.
pub fn json(sweep: &Sweep, info: &SweepInfo) -> String {
    let at = |point: usize| &sweep.points[point].at;
    let axes = sweep.grid.axes().iter().map(|axis: &Axis| AxisOfFile {
        paths: &axis.paths,
        values: axis.values.iter().map(GridValue::json).collect(),
    });
    let points = sweep.points.iter().filter_map(|point| {
        let summary = point.summary.as_deref()?;
        Some(PointOfFile {
            at: &point.at,
            summary,
        })
    });
    let differences = sweep.differences.iter().map(|pair| DifferenceOfFile {
        from: at(pair.between.from),
        to: at(pair.between.to),
        estimates: &pair.estimates,
    });
    let file = File {
        format: FORMAT,
        version: &info.version,
        title: &info.title,
        paths: info.paths,
        seed: info.seed,
        run_seconds: info.run_seconds,
        simulation_seconds: info.simulation_seconds,
        markets: sweep.markets,
        axes: axes.collect(),
        points: points.collect(),
        differences: differences.collect(),
        scenario: &info.scenario,
    };
    // Plain data with text keys, which always converts.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

/// The sweep as CSV: `point,from,PATH...,key,value,std_error,ci95_lower,ci95_upper`.
///
/// Points are counted from 0. `from` is empty where the row is an estimate at a point; else the row is that point's estimate less
/// that of the point `from`, its neighbour.
pub fn csv(sweep: &Sweep) -> String {
    let mut text = String::from("point,from");
    for path in sweep.grid.axes().iter().flat_map(|axis| &axis.paths) {
        text.push(',');
        push_field(&mut text, path);
    }
    text.push_str(",key,value,std_error,ci95_lower,ci95_upper\n");
    for (index, point) in sweep.points.iter().enumerate() {
        push_rows(&mut text, (index, None), &point.at, &point.estimates);
    }
    for pair in &sweep.differences {
        let (from, to) = (pair.between.from, pair.between.to);
        let at = &sweep.points[to].at;
        push_rows(&mut text, (to, Some(from)), at, &pair.estimates);
    }
    text
}

fn push_rows(
    text: &mut String,
    (point, from): (usize, Option<usize>),
    at: &Point,
    estimates: &ByName,
) {
    let from = from.map_or(String::new(), |from| from.to_string());
    let mut lead = format!("{point},{from}");
    for (_, value) in at.settings() {
        lead.push(',');
        push_field(&mut lead, value.label());
    }
    for (key, estimate) in &estimates.0 {
        text.push_str(&lead);
        text.push(',');
        push_field(text, key);
        push_estimate(text, estimate);
        text.push('\n');
    }
}

pub(super) fn push_estimate(text: &mut String, estimate: &Estimate) {
    let [lower, upper] = match estimate.ci95 {
        Some([lower, upper]) => [Some(lower), Some(upper)],
        None => [None, None],
    };
    for number in [estimate.value, estimate.std_error, lower, upper] {
        text.push(',');
        if let Some(number) = number {
            push_number(text, number);
        }
    }
}

/// A field, in quotes where it needs them (RFC 4180).
pub(super) fn push_field(text: &mut String, field: &str) {
    if field.contains([',', '"', '\n', '\r']) {
        text.push('"');
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(field);
    }
}

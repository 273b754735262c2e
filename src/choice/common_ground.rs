//! Whether proposals can be compared path by path: the same holdings at the start, in the same market with the same random numbers.

use thiserror::Error;

use crate::math::digits::in_thousands;
use crate::plan::types::{AssetPlan, HoldingPlan, JumpPlan, Plan};
use crate::plan::views::{ViewPlan, ViewsPlan};

/// Two proposals that have no common ground.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoCommonGround {
    /// A setting of the market or of the simulation differs.
    #[error(
        "`{setting}` is {values}; allowed: the same in all proposals, which are compared path by path in one market ({hint})"
    )]
    Setting {
        /// What differs, a dotted path where it is one.
        setting: String,
        /// Its values, and where they stand.
        values: String,
        /// How to make them the same.
        hint: &'static str,
    },
    /// What is held is worth different sums.
    #[error(
        "the holdings are worth {values} at the spot of time 0, production included; allowed: holdings of the same value, or the difference would be theirs and not the hedge's"
    )]
    Holdings {
        /// Their values, and where they stand.
        values: String,
    },
}

/// A proposal by its name.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is proposed.
    pub plan: &'a Plan,
}

const SET: &str = "`--set` changes all of them";
const PATHS: &str = "`--paths` sets it for all of them";
const SEED: &str = "`--seed` sets it for all of them";
const VIEWS: &str =
    "`--view` adds one to all of them; write those of the file into each, in one order";
const ASSETS: &str = "write the assets of all proposals into each, in one order";

/// Checks that proposals can be compared, and says what a reader must know where they differ in more than the hedge.
///
/// What a proposal may change: its contracts, hedges and accounts, costs, what is reported, and when the holdings are sold.
///
/// # Errors
/// [`NoCommonGround`], at the first thing that differs.
pub fn common_ground(proposals: &[Named]) -> Result<Vec<String>, NoCommonGround> {
    let Some((first, others)) = proposals.split_first() else {
        return Ok(Vec::new());
    };
    let mut notes = Vec::new();
    for other in others {
        check(*first, *other)?;
        notes.extend(holdings_note(*first, *other));
        notes.extend(contract_notes(*first, *other));
    }
    Ok(notes)
}

fn check(first: Named, other: Named) -> Result<(), NoCommonGround> {
    let between = |[of_first, of_other]: &[String; 2]| {
        format!(
            "{of_first} in {} and {of_other} in {}",
            first.name, other.name
        )
    };
    let differs =
        |setting: String, values: &[String; 2], hint: &'static str| NoCommonGround::Setting {
            setting,
            values: between(values),
            hint,
        };
    let (a, b) = (first.plan, other.plan);
    for (setting, values, hint) in simulation_settings(a, b) {
        if values[0] != values[1] {
            return Err(differs(setting.to_owned(), &values, hint));
        }
    }
    let (ours, theirs) = (&a.market.assets, &b.market.assets);
    let names = |assets: &[AssetPlan]| {
        let names: Vec<&str> = assets.iter().map(|asset| asset.name.as_str()).collect();
        names.join(", ")
    };
    let lists = [names(ours), names(theirs)];
    if lists[0] != lists[1] {
        return Err(differs("assets".to_owned(), &lists, ASSETS));
    }
    for (ours, theirs) in ours.iter().zip(theirs) {
        for (setting, values) in asset_settings(ours, theirs) {
            if values[0] != values[1] {
                let setting = match setting.strip_prefix("model ") {
                    // What a model comes to is no one key of it.
                    Some(what) => format!("{what} of the model of {}", ours.name),
                    None => format!("assets.{}.{setting}", ours.name),
                };
                return Err(differs(setting, &values, SET));
            }
        }
    }
    let n = ours.len();
    for row in 0..n {
        for column in 0..row {
            let at = row * n + column;
            let [of_a, of_b] = [a.market.correlation[at], b.market.correlation[at]];
            if of_a.to_bits() != of_b.to_bits() {
                let setting = format!(
                    "correlation of {} and {}",
                    ours[column].name, ours[row].name
                );
                return Err(differs(setting, &[of_a, of_b].map(text), SET));
            }
        }
    }
    if !same_views(&a.report.views, &b.report.views) {
        let values = [a, b].map(|plan| views_words(&plan.report.views));
        return Err(differs("views".to_owned(), &values, VIEWS));
    }
    let [first_usd, other_usd] = [a, b].map(held_usd);
    // The same quantities in another order add up differently in the last digit.
    if (first_usd - other_usd).abs() > 1e-9 * first_usd.abs().max(other_usd.abs()) {
        let values = [first_usd, other_usd].map(usd_words);
        return Err(NoCommonGround::Holdings {
            values: between(&values),
        });
    }
    Ok(())
}

/// Whether both hold the same of the market, in the same order: the weights are then the same to the last bit.
fn same_views(a: &ViewsPlan, b: &ViewsPlan) -> bool {
    let held = |view: &ViewPlan| (view.quantity, view.bound);
    a.list.iter().map(held).eq(b.list.iter().map(held))
}

fn views_words(views: &ViewsPlan) -> String {
    let words: Vec<&str> = views.list.iter().map(|view| view.text.as_str()).collect();
    match words.as_slice() {
        [] => "empty".to_owned(),
        words => format!("[{}]", words.join("; ")),
    }
}

/// An amount with its thousands apart, and cents where it has any: 52,200,000 USD.
fn usd_words(usd: f64) -> String {
    let text = format!("{usd:.2}");
    let words = in_thousands(text.strip_suffix(".00").unwrap_or(&text));
    format!("{words} USD")
}

fn text(number: f64) -> String {
    number.to_string()
}

/// Settings of the simulation on which random numbers depend.
fn simulation_settings(a: &Plan, b: &Plan) -> [(&'static str, [String; 2], &'static str); 4] {
    let of = |read: fn(&Plan) -> String| [read(a), read(b)];
    [
        (
            "simulation.horizon",
            of(|plan| days(plan.simulation.horizon_days)),
            SET,
        ),
        (
            "simulation.step",
            of(|plan| days(plan.simulation.step_days)),
            SET,
        ),
        (
            "simulation.paths",
            of(|plan| plan.simulation.paths.to_string()),
            PATHS,
        ),
        (
            "simulation.seed",
            of(|plan| plan.simulation.seed.to_string()),
            SEED,
        ),
    ]
}

/// A duration as a scenario writes it, in its largest whole unit.
fn days(days: f64) -> String {
    const MINUTES_PER_DAY: f64 = 1440.0;
    let minutes = days * MINUTES_PER_DAY;
    for (unit, length) in [("d", MINUTES_PER_DAY), ("h", 60.0), ("m", 1.0)] {
        let count = minutes / length;
        // Steps are fractions of a day in binary: whole up to their rounding.
        if count.round() > 0.0 && (count - count.round()).abs() < 1e-9 * count {
            return format!("\"{}{unit}\"", count.round());
        }
    }
    format!("{days} days")
}

/// What an asset's price depends on.
fn asset_settings(a: &AssetPlan, b: &AssetPlan) -> [(&'static str, [String; 2]); 4] {
    let of = |read: fn(&AssetPlan) -> f64| [read(a), read(b)].map(text);
    [
        ("spot_usd", of(|asset| asset.spot_usd)),
        ("model volatility", of(|asset| asset.volatility_annual)),
        ("model drift", of(|asset| asset.drift_annual)),
        (
            "model jumps",
            [jumps(a.jumps.as_ref()), jumps(b.jumps.as_ref())],
        ),
    ]
}

fn jumps(jumps: Option<&JumpPlan>) -> String {
    match jumps {
        None => "none".to_owned(),
        Some(jumps) => format!(
            "{} a year, {:?}, systemic share {} with loading {}",
            jumps.jumps_per_year, jumps.sizes, jumps.systemic_share, jumps.systemic_loading
        ),
    }
}

/// Value of the holdings at time 0, what is produced later at the spot of time 0 included, USD.
fn held_usd(plan: &Plan) -> f64 {
    let value = |holding: &HoldingPlan| {
        let made = holding.production.iter().map(|made| made.quantity_base);
        let quantity_base = holding.quantity_base + made.sum::<f64>();
        quantity_base * plan.market.assets[holding.asset].spot_usd
    };
    plan.holdings.iter().map(value).sum()
}

/// What differs in the holdings although their value at the start does not.
fn holdings_note(first: Named, other: Named) -> Option<String> {
    let (a, b) = (&first.plan.holdings, &other.plan.holdings);
    if a == b {
        return None;
    }
    let is_same = |same: fn(&HoldingPlan, &HoldingPlan) -> bool| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
    };
    let what = if !is_same(|a, b| {
        a.asset == b.asset && a.quantity_base.to_bits() == b.quantity_base.to_bits()
    }) {
        "hold other quantities of the same value at time 0"
    } else if !is_same(|a, b| a.production == b.production) {
        "produce differently"
    } else if !is_same(|a, b| a.sales == b.sales) {
        "sell the inventory at other times"
    } else {
        "stake the inventory differently"
    };
    Some(format!(
        "{} and {} {what}: their unhedged P&L differs too, so that the comparison is of the whole programmes, not of the hedges alone.",
        first.name, other.name
    ))
}

/// Contracts of one name whose basis is drawn from other random numbers, or from another law.
fn contract_notes(first: Named, other: Named) -> Vec<String> {
    let (a, b) = (&first.plan.market.contracts, &other.plan.market.contracts);
    let mut notes = Vec::new();
    for (place, contract) in a.iter().enumerate() {
        let twin = b.iter().position(|twin| twin.name == contract.name);
        let Some(twin_place) = twin else { continue };
        let twin = &b[twin_place];
        let names = format!("{} and {}", first.name, other.name);
        if twin.underlying != contract.underlying || twin.kind != contract.kind {
            notes.push(format!(
                "{} is not the same contract in {names}: its basis or funding follows other settings.",
                contract.name
            ));
        } else if twin_place != place {
            notes.push(format!(
                "{} is contract {} of the one and {} of the other of {names}: its basis has random numbers of its own in each. List contracts in one order to share them.",
                contract.name,
                place + 1,
                twin_place + 1
            ));
        }
    }
    notes
}

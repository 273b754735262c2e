//! Historical episodes: how far prices, basis and funding went, and from where we know.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::scenario::nearest::{nearest, quoted};
use crate::stress::episode_file::parse;

/// The data file.
const FILE: &str = include_str!("episodes.toml");

/// The coin whose moves stand for those that an episode does not know.
pub const BITCOIN: &str = "BTC";

/// Widths, in hours, of the windows whose worst moves are recorded, the widest first.
pub(super) const WINDOWS_HOURS: [f64; 3] = [24.0, 4.0, 1.0];

/// All episodes and their sources.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Episodes {
    /// By the key that numbers name.
    pub sources: BTreeMap<String, Source>,
    /// In order of time.
    pub episodes: Vec<Episode>,
}

/// Where a number was read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is.
    pub citation: String,
    /// Its date.
    pub date: String,
}

/// One episode.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// Name by which it is called, its year and month: `2020-03`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whether prices fell or rose.
    pub kind: Direction,
    /// First day, UTC.
    pub from: String,
    /// Last day, UTC.
    pub to: String,
    /// Factor on what trades cost beside fees while prices move.
    pub cost_factor: Figure,
    /// Venues that could not be used; recorded only.
    #[serde(default)]
    pub outages: Vec<Remark>,
    /// Winning positions that venues closed; recorded only.
    #[serde(default)]
    pub deleveraging: Vec<Remark>,
    /// What else is worth knowing.
    #[serde(default)]
    pub remarks: Vec<Remark>,
    /// What happened, one after the other.
    pub legs: Vec<Leg>,
}

/// Whether prices fell or rose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// They fell.
    Down,
    /// They rose.
    Up,
}

/// A part of an episode in which prices go one way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// How long it lasts.
    pub hours: f64,
    /// Moves of spot by coin; bitcoin's are always there.
    pub moves: BTreeMap<String, Moves>,
    /// `ln(F/S)` of perpetuals at the leg's end beside the usual one.
    pub basis: Option<Figure>,
    /// Change of the carry of dated futures at the leg's end, per year.
    pub carry_annual: Option<Figure>,
    /// Mean funding rate per 8 hours from a day before the leg's end to a day after it.
    pub funding_per_8h: Option<Figure>,
}

/// How far one coin's spot went in a leg, as fractions of the price.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moves {
    /// From the leg's start to its end.
    pub total: f64,
    /// Worst within 24 hours.
    pub day: Option<f64>,
    /// Worst within 4 hours.
    pub four_hours: Option<f64>,
    /// Worst within one hour.
    pub hour: Option<f64>,
    /// `ln(F/S)` of this coin's perpetuals at the leg's end beside the usual one, where it is not the leg's.
    pub basis: Option<f64>,
    /// Key of the source.
    pub source: Option<String>,
    /// What is assumed, and why, where there is no source.
    pub assumed: Option<String>,
}

/// A number and where it comes from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// Key of the source.
    pub source: Option<String>,
    /// What is assumed, and why, where there is no source.
    pub assumed: Option<String>,
}

/// A recorded fact.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// The fact.
    pub text: String,
    /// Key of the source.
    pub source: String,
}

/// All episodes that come with the program.
///
/// # Panics
/// Never: the embedded file is read in the tests.
pub fn all() -> &'static Episodes {
    static EPISODES: OnceLock<Episodes> = OnceLock::new();
    #[expect(clippy::expect_used, reason = "the embedded file is read in the tests")]
    EPISODES.get_or_init(|| parse(FILE).expect("the embedded episodes"))
}

/// The episodes of these names, in order of time; all of them for no names.
///
/// # Errors
/// The message for a name that no episode has.
pub fn select(names: &[String]) -> Result<Vec<&'static Episode>, String> {
    let episodes = &all().episodes;
    let known = || episodes.iter().map(|episode| episode.name.as_str());
    for name in names {
        if !known().any(|other| other == name) {
            let meant = nearest(name, known())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "no episode `{name}`; there are {}{meant}",
                quoted(known())
            ));
        }
    }
    let is_chosen = |episode: &&Episode| names.is_empty() || names.contains(&episode.name);
    Ok(episodes.iter().filter(is_chosen).collect())
}

/// Whether any episode says how this coin moved.
pub fn knows(coin: &str) -> bool {
    let mut legs = all().episodes.iter().flat_map(|episode| &episode.legs);
    legs.any(|leg| leg.moves.contains_key(coin))
}

/// Every coin of which any episode says how it moved, in the order of the alphabet.
pub fn known_coins() -> Vec<&'static str> {
    let legs = all().episodes.iter().flat_map(|episode| &episode.legs);
    let mut coins: Vec<&str> = legs
        .flat_map(|leg| leg.moves.keys().map(String::as_str))
        .collect();
    coins.sort_unstable();
    coins.dedup();
    coins
}

impl Episode {
    /// Whether it says how this coin moved, in every leg.
    pub fn has(&self, coin: &str) -> bool {
        self.legs.iter().all(|leg| leg.moves.contains_key(coin))
    }

    /// How long it lasts.
    pub fn hours(&self) -> f64 {
        self.legs.iter().map(|leg| leg.hours).sum()
    }

    /// How far a coin went from start to end, a fraction of the price.
    pub fn total(&self, coin: &str) -> f64 {
        let legs = self.legs.iter();
        legs.map(|leg| 1.0 + leg.of(coin).total).product::<f64>() - 1.0
    }
}

impl Leg {
    /// Moves of a coin; bitcoin's where it has none.
    fn of(&self, coin: &str) -> &Moves {
        self.moves.get(coin).unwrap_or_else(|| self.bitcoin())
    }

    /// `ln(F/S)` of a coin's perpetuals at the leg's end beside the usual one: its own, or the leg's.
    pub(super) fn basis_of(&self, coin: &str) -> f64 {
        let common = self.basis.as_ref().map_or(0.0, |basis| basis.value);
        self.of(coin).basis.unwrap_or(common)
    }

    fn bitcoin(&self) -> &Moves {
        &self.moves[BITCOIN]
    }

    /// The way of a coin's log price through the leg: moments in hours and the log price against the start, straight in between.
    ///
    /// The worst hour is the last one, inside the worst four, inside the worst day, which ends the leg. A coin of which only the total is known
    /// goes bitcoin's way, stretched to its own total.
    pub(super) fn knots(&self, coin: &str) -> Vec<(f64, f64)> {
        let moves = self.of(coin);
        let total = (1.0 + moves.total).ln();
        let own = moves.windows();
        if own.iter().all(Option::is_none) {
            let bitcoin = self.bitcoin();
            let stretch = total / (1.0 + bitcoin.total).ln();
            let mut knots = self.own_knots(bitcoin);
            for (_, log) in &mut knots {
                *log *= stretch;
            }
            return knots;
        }
        self.own_knots(moves)
    }

    fn own_knots(&self, moves: &Moves) -> Vec<(f64, f64)> {
        let total = (1.0 + moves.total).ln();
        let mut knots = vec![(0.0, 0.0)];
        for (hours, worst) in WINDOWS_HOURS.into_iter().zip(moves.windows()) {
            if let Some(worst) = worst.filter(|_| hours < self.hours) {
                knots.push((self.hours - hours, total - (1.0 + worst).ln()));
            }
        }
        knots.push((self.hours, total));
        knots
    }
}

impl Moves {
    /// Worst moves within [`WINDOWS_HOURS`].
    fn windows(&self) -> [Option<f64>; 3] {
        [self.day, self.four_hours, self.hour]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_thursday_ends_with_its_worst_hour() {
        let episode = select(&["2020-03".to_owned()]).unwrap()[0];
        let knots = episode.legs[0].knots("BTC");
        let prices: Vec<(f64, f64)> = knots.iter().map(|(h, log)| (*h, log.exp())).collect();
        // 47.4 % of the price are left, of which the last 24, 4 and 1 hours took 50.6, 34.8 and 24.5 %.
        for ((hours, price), (h, worst)) in
            prices[1..]
                .iter()
                .zip([(4.0, 0.494), (24.0, 0.652), (27.0, 0.755), (28.0, 1.0)])
        {
            assert!((hours - h).abs() < 1e-12, "{hours}");
            assert!((price - 0.474 / worst).abs() < 1e-12, "{price}");
        }
        assert_eq!(prices.len(), 5);
    }

    #[test]
    fn a_total_alone_goes_the_way_of_bitcoin() {
        let episode = select(&["2020-03".to_owned()]).unwrap()[0];
        let (own, bitcoin) = (episode.legs[0].knots("BNB"), episode.legs[0].knots("BTC"));
        let stretch = 0.372_f64.ln() / 0.474_f64.ln();
        for ((hours, log), (h, b)) in own.iter().zip(&bitcoin) {
            assert!(hours.to_bits() == h.to_bits() && (log - stretch * b).abs() < 1e-12);
        }
    }

    #[test]
    fn a_wrong_name_is_told_the_nearest() {
        let refused = select(&["2020-3".to_owned()]).unwrap_err();
        assert!(refused.starts_with("no episode `2020-3`; there are `2019-10`, `2020-03`"));
        assert!(refused.ends_with("did you mean `2020-03`?"), "{refused}");
    }
}

//! The whole stress test of a plan: episodes, shocks, reverse stress, and the tail of its own simulation.

use std::sync::atomic::AtomicBool;

use thiserror::Error;

use crate::engine::run::{SimulationError, Watcher};
use crate::outcome::table::OutcomeTable;
use crate::plan::types::Plan;
use crate::stats::views::ViewsOutcome;
use crate::stress::coins::CoinMap;
use crate::stress::episode::{Episode, select};
use crate::stress::history::{EpisodeResult, play_episode};
use crate::stress::hypothetical::{Shocked, hypothetical};
use crate::stress::moments::moments;
use crate::stress::outcome::{held_usd, posted_usd};
use crate::stress::resimulated::{Change, Simulated, changes, least_correlation, resimulated};
use crate::stress::reverse::{Reverse, reverse};
use crate::stress::settings::{BadSetting, Settings};
use crate::stress::tail::{Tail, tail};

/// Why a stress test cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StressError {
    /// A number that cannot be.
    #[error("`--{}` is {}; allowed: {}", .0.name, .0.value, .0.allowed)]
    Setting(BadSetting),
    /// A name that is none.
    #[error("{0}")]
    Name(String),
    /// A correlation that not all pairs of assets can have at once.
    #[error(
        "`--correlation` is {value}; allowed: from {least} to 1, which is what all pairs of {assets} assets can have at once"
    )]
    Correlation {
        /// The correlation asked for.
        value: f64,
        /// The least that is possible.
        least: f64,
        /// Number of assets.
        assets: usize,
    },
    /// More steps than a script may have.
    #[error(
        "the horizon has {steps} steps; allowed: up to {MOST_STEPS} for a stress test, which plays every step of every script; `--set simulation.step=...` makes them longer"
    )]
    Steps {
        /// Steps of the horizon.
        steps: u32,
    },
    /// More moves at once than anybody reads.
    #[error("`--spot-moves` and `--basis-moves` make {moves} pairs; allowed: up to {MOST_MOVES}")]
    Moves {
        /// Pairs of a spot move and a basis move.
        moves: usize,
    },
}

/// The most steps of a script: a year by ten minutes.
const MOST_STEPS: u32 = 52_560;

/// The most pairs of a spot move and a basis move.
const MOST_MOVES: usize = 10_000;

/// A stress test that can be made.
#[derive(Debug, Clone)]
pub struct StressTest {
    settings: Settings,
    episodes: Vec<&'static Episode>,
    map: CoinMap,
}

/// What a stress test has found.
#[derive(Debug, Clone)]
pub struct Results {
    /// Value of all holdings at time 0, USD.
    pub held_usd: f64,
    /// Collateral at time 0, USD.
    pub posted_usd: f64,
    /// Historical episodes, in order of time.
    pub episodes: Vec<EpisodeResult>,
    /// Hypothetical shocks.
    pub shocks: Vec<Shocked>,
    /// The scenario simulated as it is, then under other parameters.
    pub simulated: Vec<Simulated>,
    /// The smallest moves that hurt.
    pub reverse: Reverse,
    /// The worst paths of the simulation.
    pub tail: Tail,
    /// What the views came to, if there are any: the simulation and its worst paths are under them.
    pub views: Option<ViewsOutcome>,
    /// What a reader must know: shocks that were left out, assets that took other coins' moves.
    pub notes: Vec<String>,
}

impl StressTest {
    /// Checks what is asked of a plan.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn try_new(plan: &Plan, settings: Settings) -> Result<Self, StressError> {
        settings.check().map_err(StressError::Setting)?;
        let steps = plan.simulation.steps;
        if steps > MOST_STEPS {
            return Err(StressError::Steps { steps });
        }
        let moves = settings
            .spot_moves
            .len()
            .saturating_mul(settings.basis_moves.len());
        if moves > MOST_MOVES {
            return Err(StressError::Moves { moves });
        }
        let assets = plan.market.assets.len();
        let least = least_correlation(assets);
        if assets > 1 && settings.correlation < least {
            return Err(StressError::Correlation {
                value: settings.correlation,
                least,
                assets,
            });
        }
        Ok(Self {
            episodes: select(&settings.episodes).map_err(StressError::Name)?,
            map: CoinMap::try_new(plan, &settings.map).map_err(StressError::Name)?,
            settings,
        })
    }

    /// How many paths are simulated again, all simulations together.
    pub fn paths(&self, plan: &Plan) -> u64 {
        changes(plan, &self.settings).len() as u64 * plan.simulation.paths
    }

    /// Makes the test; `table` has the outcomes of the plan's own simulation, reweighted to its views, which came to `views`; `watcher` is
    /// told of the paths of [`Self::paths`].
    ///
    /// Episodes, shocks and reverse stress happen for certain: views do not touch them. Simulations are under the weights of the views.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub fn run(
        &self,
        plan: &Plan,
        (mut table, views): (OutcomeTable, Option<ViewsOutcome>),
        stop: &AtomicBool,
        watcher: &dyn Watcher,
    ) -> Result<Results, SimulationError> {
        let moments = moments(plan, stop)?;
        let mut episodes = Vec::with_capacity(self.episodes.len());
        for &episode in &self.episodes {
            episodes.push(play_episode(plan, episode, &self.map, &moments, stop)?);
        }
        let (shocks, left_out) = hypothetical(plan, &self.settings, stop)?;
        let settings = &self.settings;
        let mut notes = strangers(&episodes);
        notes.extend(in_part(&episodes));
        notes.extend(last_prices(plan, &episodes));
        notes.extend(left_out);
        if plan.market.assets.len() < 2 {
            notes.push("another correlation is left out: there is one asset alone".to_owned());
        }
        let tail = tail(plan, &table, stop)?;
        let mut simulated = vec![Simulated::of(Change::None, &table, plan)];
        let weights = table.take_weights();
        // Memory was checked for one table of outcomes.
        drop(table);
        let weights = weights.as_ref();
        simulated.extend(resimulated(plan, settings, weights, (stop, watcher))?);
        Ok(Results {
            held_usd: held_usd(plan),
            posted_usd: posted_usd(plan),
            episodes,
            shocks,
            simulated,
            reverse: reverse(plan, settings.lose_usd, &settings.basis_moves, stop)?,
            tail,
            views,
            notes,
        })
    }
}

/// A sentence for each episode in which assets take moves that are assumed, by what is assumed of them.
fn last_prices(plan: &Plan, episodes: &[EpisodeResult]) -> Vec<String> {
    let mut notes = Vec::new();
    for result in episodes {
        let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
        let names = plan.market.assets.iter().map(|asset| asset.name.as_str());
        for (name, coin) in names.zip(&result.coins) {
            let moves = result
                .episode
                .legs
                .iter()
                .filter_map(|leg| leg.moves.get(coin));
            for why in moves.filter_map(|moves| moves.assumed.as_deref()) {
                match found.iter_mut().find(|(other, _)| *other == why) {
                    Some((_, assets)) if assets.contains(&name) => {}
                    Some((_, assets)) => assets.push(name),
                    None => found.push((why, vec![name])),
                }
            }
        }
        let episode = &result.episode.name;
        notes.extend(
            found
                .into_iter()
                .map(|(why, assets)| format!("{episode}, moves of {}: {why}", assets.join(", "))),
        );
    }
    notes
}

/// A sentence about episodes that are longer than the horizon, if there are any.
fn in_part(episodes: &[EpisodeResult]) -> Option<String> {
    let cut = episodes
        .iter()
        .filter(|result| result.at_start.cut_off.is_some());
    let names: Vec<&str> = cut.map(|result| result.episode.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "longer than the horizon, so that only a first part of it is played: {}",
            names.join(", ")
        )
    })
}

/// A sentence for each asset that took bitcoin's moves, with the episodes in which it did.
fn strangers(episodes: &[EpisodeResult]) -> Vec<String> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for result in episodes {
        for asset in &result.strangers {
            let name = result.episode.name.as_str();
            match found.iter_mut().find(|(other, _)| other == asset) {
                Some((_, names)) => names.push(name),
                None => found.push((asset, vec![name])),
            }
        }
    }
    let sentence = |(asset, names): (&str, Vec<&str>)| {
        let which = if names.len() == episodes.len() && names.len() > 1 {
            "none of the episodes knows".to_owned()
        } else {
            format!(
                "{} {} not know",
                names.join(", "),
                if names.len() == 1 { "does" } else { "do" }
            )
        };
        format!(
            "{which} how {asset} moved: it takes bitcoin's moves there; `--map {asset}=COIN` gives it another coin's"
        )
    };
    found.into_iter().map(sentence).collect()
}

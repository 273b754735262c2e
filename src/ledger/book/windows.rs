//! Average funding rates over a hedge's window of stamps.

use crate::ledger::book::rules::BookRules;
use crate::ledger::book::state::rows;
use crate::market::tile::{LaneArray, MarketTile, TILE_STEPS};
use crate::outcome::table::LANES;

/// The average rates that one hedge's switch looks at.
#[derive(Debug, Clone)]
pub(super) struct RateWindow {
    contract: usize,
    per_8h: f64,
    /// Rates per 8 h of the last stamps, the oldest where the next one goes.
    rates: Vec<LaneArray>,
    stamps: usize,
    /// Averages at the tile's stamps.
    means: Vec<LaneArray>,
    has_mean: [bool; TILE_STEPS],
}

impl RateWindow {
    /// The windows of a plan's hedges; `None` for one that does not switch.
    pub(super) fn all(rules: &BookRules) -> Vec<Option<Self>> {
        let window = |hedge: &crate::ledger::book::rules::HedgeRule| {
            let switch = hedge.switch?;
            let contract = rules.legs[hedge.leg].contract;
            Some(Self {
                contract,
                per_8h: rules.contracts[contract].per_8h,
                rates: rows(switch.window_stamps as usize, 0.0),
                stamps: 0,
                means: rows(TILE_STEPS, 0.0),
                has_mean: [false; TILE_STEPS],
            })
        };
        rules.hedges.iter().map(window).collect()
    }

    /// Time 0: no stamps yet.
    pub(super) fn start(&mut self) {
        self.stamps = 0;
    }

    /// Works out a tile.
    pub(super) fn fill(&mut self, tile: &MarketTile) {
        self.has_mean = [false; TILE_STEPS];
        let size = self.rates.len();
        for k in 0..tile.steps {
            if !tile.is_stamp[self.contract][k] {
                continue;
            }
            let paid = &tile.funding_rate[self.contract][k];
            let newest = &mut self.rates[self.stamps % size];
            for lane in 0..LANES {
                newest[lane] = paid[lane] * self.per_8h;
            }
            self.stamps += 1;
            if self.stamps < size {
                continue;
            }
            // From the oldest on, always in this order: no rounding is carried from stamp to stamp.
            let mut sums = [0.0; LANES];
            for i in 0..size {
                let rates = &self.rates[(self.stamps + i) % size];
                for (sum, rate) in sums.iter_mut().zip(rates) {
                    *sum += rate;
                }
            }
            for (mean, sum) in self.means[k].iter_mut().zip(sums) {
                *mean = sum / size as f64;
            }
            self.has_mean[k] = true;
        }
    }

    /// Averages at the end of step `k`; `None` without a stamp or before the window is full.
    pub(super) fn means(&self, k: usize) -> Option<&LaneArray> {
        self.has_mean[k].then(|| &self.means[k])
    }
}

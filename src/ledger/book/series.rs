//! A tile's prices in the ledger's own form, for all lanes at once: units, and the running sums that attribute profit.
//!
//! For every contract there are running sums `P` of the moves of its unit in USD, `O` of what its own underlying did and `Z` of
//! funding. What a leg made between two of its trades is its size times their difference, so a
//! quiet step has nothing to book.

use crate::ledger::book::contract_series::{ContractSeries, Spots};
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::windows::RateWindow;
use crate::market::tile::{LaneArray, MarketTile};
use crate::outcome::table::LANES;

/// The prices of all contracts over one tile.
#[derive(Debug, Clone)]
pub(super) struct Series {
    contracts: Vec<ContractSeries>,
    /// Spots at the tile's start; shape `[assets]`.
    first_spots_usd: Vec<LaneArray>,
    /// Spots at its end.
    last_spots_usd: Vec<LaneArray>,
    /// Of the hedges that switch; shape `[hedges]`.
    windows: Vec<Option<RateWindow>>,
}

impl Series {
    /// Series of the right shape.
    pub(super) fn new(rules: &BookRules) -> Self {
        let spots_usd = vec![[0.0; LANES]; rules.initial_spots_usd.len()];
        Self {
            contracts: rules.contracts.iter().map(ContractSeries::new).collect(),
            first_spots_usd: spots_usd.clone(),
            last_spots_usd: spots_usd,
            windows: RateWindow::all(rules),
        }
    }

    /// Sets them to time 0.
    pub(super) fn start(&mut self, rules: &BookRules) {
        for (spots, &initial_usd) in self.last_spots_usd.iter_mut().zip(&rules.initial_spots_usd) {
            spots.fill(initial_usd);
        }
        for (series, contract) in self.contracts.iter_mut().zip(&rules.contracts) {
            series.start(rules, contract);
        }
        for window in self.windows.iter_mut().flatten() {
            window.start();
        }
    }

    /// Works out a tile.
    pub(super) fn fill(&mut self, rules: &BookRules, tile: &MarketTile) {
        std::mem::swap(&mut self.first_spots_usd, &mut self.last_spots_usd);
        for (last, spots) in self.last_spots_usd.iter_mut().zip(&tile.spot_usd) {
            *last = spots[tile.steps - 1];
        }
        for (c, (series, contract)) in self.contracts.iter_mut().zip(&rules.contracts).enumerate() {
            if !rules.is_held[c] {
                continue;
            }
            let spots = Spots {
                first_usd: &self.first_spots_usd[contract.underlying],
                end_usd: &tile.spot_usd[contract.underlying],
            };
            series.fill(rules, contract, c, tile, &spots);
        }
        for window in self.windows.iter_mut().flatten() {
            window.fill(tile);
        }
    }

    /// Average funding rates per 8 h at the end of step `k` that a hedge's switch looks at, if it looks then.
    pub(super) fn mean_rate(&self, hedge: usize, k: usize) -> Option<&LaneArray> {
        self.windows[hedge].as_ref()?.means(k)
    }

    /// Spot at the start of step `k` of the tile.
    pub(super) fn start_spot_usd<'a>(
        &'a self,
        tile: &'a MarketTile,
        asset: usize,
        k: usize,
    ) -> &'a LaneArray {
        if k == 0 {
            &self.first_spots_usd[asset]
        } else {
            &tile.spot_usd[asset][k - 1]
        }
    }

    /// Unit at all boundaries of steps before their events.
    pub(super) fn units<'a>(&'a self, tile: &'a MarketTile, contract: usize) -> &'a [LaneArray] {
        let own = &self.contracts[contract].unit;
        if own.is_empty() {
            &tile.mark_usd[contract][..=tile.steps]
        } else {
            &own[..=tile.steps]
        }
    }

    /// Unit at the start of step `k`, after the events of the step before.
    pub(super) fn unit_at_start<'a>(
        &'a self,
        tile: &'a MarketTile,
        contract: usize,
        k: usize,
    ) -> &'a LaneArray {
        self.contracts[contract].unit_after(&tile.mark_usd[contract], k)
    }

    /// Unit at the end of step `k`, before its events.
    pub(super) fn unit_at_end<'a>(
        &'a self,
        tile: &'a MarketTile,
        contract: usize,
        k: usize,
    ) -> &'a LaneArray {
        let own = &self.contracts[contract].unit;
        if own.is_empty() {
            &tile.mark_usd[contract][k + 1]
        } else {
            &own[k + 1]
        }
    }

    /// Unit after the roll at the end of step `k`.
    pub(super) fn unit_after(&self, contract: usize, k: usize, lane: usize) -> f64 {
        self.contracts[contract].after_roll[k + 1][lane]
    }

    /// Funding of a size of 1 at the end of step `k`, in the currency of the account; `None` without a stamp.
    pub(super) fn stamp(&self, tile: &MarketTile, contract: usize, k: usize) -> Option<&LaneArray> {
        tile.is_stamp[contract][k].then(|| &self.contracts[contract].stamp[k])
    }

    /// `P`, `O` and `Z` at the end of step `k`.
    pub(super) fn sums(
        &self,
        rules: &BookRules,
        tile: &MarketTile,
        contract: usize,
        k: usize,
        lane: usize,
    ) -> Sums {
        let series = &self.contracts[contract];
        let at = |own: &Vec<LaneArray>| own.get(k).map_or(0.0, |lanes| lanes[lane]);
        let price_usd = if series.price_usd.is_empty() {
            let skipped = series.skipped_usd.get(series.skips[k]);
            self.unit_at_end(tile, contract, k)[lane] + skipped.map_or(0.0, |usd| usd[lane])
        } else {
            at(&series.price_usd)
        };
        Sums {
            price_usd,
            own_usd: if series.own_usd.is_empty() {
                tile.spot_usd[rules.contracts[contract].underlying][k][lane]
            } else {
                at(&series.own_usd)
            },
            funding_usd: {
                let rule = &rules.contracts[contract];
                let coin_usd = rule.is_inverse.then(|| &tile.spot_usd[rule.underlying]);
                series.funding_usd(tile.is_stamp[contract], coin_usd, k, lane)
            },
        }
    }

    /// [`Self::sums`] of all lanes.
    pub(super) fn sum_rows(
        &self,
        rules: &BookRules,
        tile: &MarketTile,
        contract: usize,
        k: usize,
    ) -> SumRows {
        let mut rows = SumRows {
            price_usd: [0.0; LANES],
            own_usd: [0.0; LANES],
            funding_usd: [0.0; LANES],
        };
        for lane in 0..LANES {
            let sums = self.sums(rules, tile, contract, k, lane);
            rows.price_usd[lane] = sums.price_usd;
            rows.own_usd[lane] = sums.own_usd;
            rows.funding_usd[lane] = sums.funding_usd;
        }
        rows
    }

    /// An option's delta by the spot at the end of step `k`.
    pub(super) fn delta(&self, contract: usize, k: usize) -> &LaneArray {
        &self.contracts[contract].greeks[k + 1].delta
    }

    /// Margin of a unit of a written option at a boundary of steps, and its slope by the log spot.
    pub(super) fn option_margin(&self, contract: usize, boundary: usize) -> [&LaneArray; 3] {
        let greeks = &self.contracts[contract].greeks[boundary];
        [
            &greeks.maintenance,
            &greeks.unit_slope,
            &greeks.maintenance_slope,
        ]
    }
}

/// The running sums at one moment.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
pub(super) struct Sums {
    pub(super) price_usd: f64,
    pub(super) own_usd: f64,
    pub(super) funding_usd: f64,
}

/// The running sums of all lanes at one moment. Shape of each: `[LANES]`.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
pub(super) struct SumRows {
    pub(super) price_usd: LaneArray,
    pub(super) own_usd: LaneArray,
    pub(super) funding_usd: LaneArray,
}

impl Sums {
    /// The sums at time 0.
    pub(super) fn at_start(rules: &BookRules, contract: usize, unit: f64) -> Self {
        let contract = &rules.contracts[contract];
        let spot_usd = rules.initial_spots_usd[contract.underlying];
        let (price_usd, own_usd) = if contract.is_inverse {
            (0.0, 0.0)
        } else {
            (unit, spot_usd)
        };
        Self {
            price_usd,
            own_usd,
            funding_usd: 0.0,
        }
    }
}

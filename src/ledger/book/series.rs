//! A tile's prices in the ledger's own form, for all lanes at once: units, and the running sums that attribute profit.
//!
//! For every contract there are running sums `P` of the moves of its unit in USD, `O` of what its own underlying did, `C` of what
//! the carry curve did and `Z` of funding. What a leg made between two of its trades is its size times their difference, so a
//! quiet step has nothing to book.

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::kernels::{
    add, add_moves, add_own, add_product, far_marks, invert, pay_inverse, pay_linear,
};
use crate::ledger::book::option_quote::{Greeks, option_deviation, quote, quotes};
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::windows::RateWindow;
use crate::market::tile::{LaneArray, MarketTile, TILE_STEPS};
use crate::outcome::table::LANES;
use crate::plan::types::ContractKind;

/// One value for each step of a tile and each lane.
type Steps = [LaneArray; TILE_STEPS];

/// The prices of all contracts over one tile.
#[derive(Debug, Clone)]
pub(super) struct Series {
    contracts: Vec<ContractSeries>,
    /// Spot at the start of each step; shape `[assets]`.
    start_spots_usd: Vec<Steps>,
    /// Spots at the end of the tile before.
    last_spots_usd: Vec<LaneArray>,
    /// Of the hedges that switch; shape `[hedges]`.
    windows: Vec<Option<RateWindow>>,
}

/// One contract over one tile. What its kind does not need stays empty.
#[derive(Debug, Clone)]
struct ContractSeries {
    /// Unit at the start of each step, after the events of the step before; the last is that of the next tile.
    start: Vec<LaneArray>,
    /// Unit at the end of each step before its events.
    end: Vec<LaneArray>,
    /// `P` at the end of each step.
    price_usd: Vec<LaneArray>,
    /// `O`.
    own_usd: Vec<LaneArray>,
    /// `C`.
    curve_usd: Vec<LaneArray>,
    /// Funding that a size of 1 receives at the end of each step, in the currency of the account.
    stamp: Vec<LaneArray>,
    /// `Z`.
    funding_usd: Vec<LaneArray>,
    /// Of an option, at each boundary of steps: delta by the spot, USD; margins of a unit written; `du / dlnS`, `dm / dlnS`.
    greeks: Vec<Greeks>,
    /// What is added to a linear mark for `P`: what its rolls have skipped.
    skipped: LaneArray,
}

/// An option's quote at a spot and so many years before its expiry.
impl Series {
    /// Series of the right shape.
    pub(super) fn new(rules: &BookRules) -> Self {
        let zero = [0.0; LANES];
        Self {
            contracts: rules.contracts.iter().map(ContractSeries::new).collect(),
            start_spots_usd: vec![[zero; TILE_STEPS]; rules.initial_spots_usd.len()],
            last_spots_usd: vec![zero; rules.initial_spots_usd.len()],
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
        for (starts, (last, spots)) in self
            .start_spots_usd
            .iter_mut()
            .zip(self.last_spots_usd.iter_mut().zip(&tile.spot_usd))
        {
            starts[0] = *last;
            starts[1..].copy_from_slice(&spots[..TILE_STEPS - 1]);
            *last = spots[tile.steps - 1];
        }
        for (c, (series, contract)) in self.contracts.iter_mut().zip(&rules.contracts).enumerate() {
            let spots = Spots {
                start_usd: &self.start_spots_usd[contract.underlying],
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
    pub(super) fn start_spot_usd(&self, asset: usize, k: usize) -> &LaneArray {
        &self.start_spots_usd[asset][k]
    }

    /// Unit at the start of step `k`, after the events of the step before.
    pub(super) fn unit_at_start<'a>(
        &'a self,
        tile: &'a MarketTile,
        contract: usize,
        k: usize,
    ) -> &'a LaneArray {
        let own = &self.contracts[contract].start;
        if own.is_empty() {
            &tile.mark_usd[contract][k]
        } else {
            &own[k]
        }
    }

    /// Unit at the end of step `k`, before its events.
    pub(super) fn unit_at_end<'a>(
        &'a self,
        tile: &'a MarketTile,
        contract: usize,
        k: usize,
    ) -> &'a LaneArray {
        let own = &self.contracts[contract].end;
        if own.is_empty() {
            &tile.mark_usd[contract][k + 1]
        } else {
            &own[k]
        }
    }

    /// Unit after the roll at the end of step `k`.
    pub(super) fn unit_after(&self, contract: usize, k: usize, lane: usize) -> f64 {
        self.contracts[contract].start[k + 1][lane]
    }

    /// Funding of a size of 1 at the end of step `k`, in the currency of the account; `None` without a stamp.
    pub(super) fn stamp(&self, tile: &MarketTile, contract: usize, k: usize) -> Option<&LaneArray> {
        tile.is_stamp[contract][k].then(|| &self.contracts[contract].stamp[k])
    }

    /// `P`, `O`, `C` and `Z` at the end of step `k`.
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
        let is_bare = series.price_usd.is_empty();
        Sums {
            price_usd: if is_bare {
                self.unit_at_end(tile, contract, k)[lane]
            } else {
                at(&series.price_usd)
            },
            own_usd: if series.own_usd.is_empty() {
                tile.spot_usd[rules.contracts[contract].underlying][k][lane]
            } else {
                at(&series.own_usd)
            },
            curve_usd: at(&series.curve_usd),
            funding_usd: at(&series.funding_usd),
        }
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
    pub(super) curve_usd: f64,
    pub(super) funding_usd: f64,
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
            curve_usd: 0.0,
            funding_usd: 0.0,
        }
    }
}

/// The underlying's spot over a tile.
struct Spots<'a> {
    start_usd: &'a Steps,
    end_usd: &'a Steps,
}

impl ContractSeries {
    fn new(contract: &ContractRule) -> Self {
        let zero = [0.0; LANES];
        let tile = |is_needed: bool| vec![zero; if is_needed { TILE_STEPS } else { 0 }];
        let is_option = matches!(contract.kind, ContractKind::Option(_));
        let is_dated = contract.chain.is_some();
        let is_perpetual = !is_option && !is_dated;
        let is_bare = is_perpetual && !contract.is_inverse;
        Self {
            start: vec![zero; if is_bare { 0 } else { TILE_STEPS + 1 }],
            end: tile(!is_bare && (!is_dated || contract.is_inverse)),
            price_usd: tile(contract.is_inverse || is_dated),
            own_usd: tile(contract.is_inverse && !is_option),
            curve_usd: tile(is_dated),
            stamp: tile(is_perpetual),
            funding_usd: tile(is_perpetual),
            greeks: vec![
                Greeks {
                    delta: zero,
                    unit_slope: zero,
                    maintenance: zero,
                    maintenance_slope: zero,
                };
                if is_option { TILE_STEPS + 1 } else { 0 }
            ],
            skipped: zero,
        }
    }

    /// Time 0: as if a tile had just ended there.
    fn start(&mut self, rules: &BookRules, contract: &ContractRule) {
        let spot_usd = rules.initial_spots_usd[contract.underlying];
        let unit = match &contract.kind {
            ContractKind::Option(option) => {
                let deviation = option_deviation(option, 0.0, rules.step_years);
                let quote = quote(option, contract.is_inverse, spot_usd, deviation);
                if let Some(greeks) = self.greeks.last_mut() {
                    greeks.fill(&quote);
                }
                quote.unit
            }
            ContractKind::Perpetual { .. } | ContractKind::Dated(_) => {
                contract.unit_price(contract.initial_mark_usd)
            }
        };
        if let Some(start) = self.start.last_mut() {
            start.fill(unit);
        }
        for sums in [
            &mut self.price_usd,
            &mut self.own_usd,
            &mut self.curve_usd,
            &mut self.funding_usd,
        ] {
            if let Some(sum) = sums.last_mut() {
                sum.fill(0.0);
            }
        }
        self.skipped.fill(0.0);
    }

    fn fill(
        &mut self,
        rules: &BookRules,
        contract: &ContractRule,
        index: usize,
        tile: &MarketTile,
        spots: &Spots<'_>,
    ) {
        let steps = tile.steps;
        let marks = &tile.mark_usd[index];
        match &contract.kind {
            ContractKind::Perpetual { .. } => {
                self.carry_over_start();
                for k in 0..steps {
                    if contract.is_inverse {
                        invert(&marks[k + 1], &mut self.end[k]);
                        let end = self.end[k];
                        self.start[k + 1] = end;
                        self.add_inverse(k, spots, &marks[k]);
                    }
                    self.add_funding(k, contract.is_inverse, index, tile, spots);
                }
            }
            ContractKind::Dated(dated) => {
                self.carry_over_start();
                let Some(chain) = &contract.chain else { return };
                for k in 0..steps {
                    let step = tile.first_step + k + 1;
                    let tenor = chain.tenors_years[step];
                    self.add_curve(k, contract.is_inverse, index, tile, spots, |carry| {
                        dated.basis(carry, tenor)
                    });
                    if contract.is_inverse {
                        invert(&marks[k + 1], &mut self.end[k]);
                        let mut near = [0.0; LANES];
                        invert(&self.start[k], &mut near);
                        self.add_inverse(k, spots, &near);
                        self.start[k + 1] = self.end[k];
                    } else {
                        add(&marks[k + 1], &self.skipped, &mut self.price_usd[k]);
                        self.start[k + 1] = marks[k + 1];
                    }
                    if let Some(far) = chain.far_years[step] {
                        let carry = &tile.carry[index][k + 1];
                        let mut far_mark = [0.0; LANES];
                        far_marks(&spots.end_usd[k], carry, &mut far_mark, |carry| {
                            dated.basis(carry, far)
                        });
                        if contract.is_inverse {
                            invert(&far_mark, &mut self.start[k + 1]);
                        } else {
                            for lane in 0..LANES {
                                self.skipped[lane] += marks[k + 1][lane] - far_mark[lane];
                            }
                            self.start[k + 1] = far_mark;
                        }
                    }
                }
            }
            ContractKind::Option(option) => {
                self.carry_over_start();
                self.greeks.swap(0, TILE_STEPS);
                for k in 0..steps {
                    let step = (tile.first_step + k + 1) as f64;
                    let deviation = option_deviation(option, step, rules.step_years);
                    quotes(
                        option,
                        contract.is_inverse,
                        deviation,
                        &spots.end_usd[k],
                        &mut self.end[k],
                        &mut self.greeks[k + 1],
                    );
                    self.start[k + 1] = self.end[k];
                    if contract.is_inverse {
                        self.add_price(k, spots);
                    }
                }
                if steps < TILE_STEPS {
                    // The end of the last step is still looked at.
                    self.greeks[TILE_STEPS] = self.greeks[steps].clone();
                }
            }
        }
        self.keep_last(steps);
    }

    /// The last start of the tile before is the first of this one.
    fn carry_over_start(&mut self) {
        if !self.start.is_empty() {
            self.start.swap(0, TILE_STEPS);
        }
    }

    /// Where the sums of step `k` go on from: the step before, or the end of the tile before.
    fn before(k: usize) -> usize {
        if k == 0 { TILE_STEPS - 1 } else { k - 1 }
    }

    /// Puts the last values of a short tile where the next one looks for them.
    fn keep_last(&mut self, steps: usize) {
        if steps == TILE_STEPS {
            return;
        }
        if !self.start.is_empty() {
            self.start.swap(steps, TILE_STEPS);
        }
        for sums in [
            &mut self.price_usd,
            &mut self.own_usd,
            &mut self.curve_usd,
            &mut self.funding_usd,
        ] {
            if !sums.is_empty() {
                sums[TILE_STEPS - 1] = sums[steps - 1];
            }
        }
    }

    /// `P` of a coin account: the unit's move at the spot of the step's end.
    fn add_price(&mut self, k: usize, spots: &Spots<'_>) {
        let before = self.price_usd[Self::before(k)];
        let moves = (&self.start[k], &self.end[k], &spots.end_usd[k]);
        add_moves(&before, moves, &mut self.price_usd[k]);
    }

    /// `P` and `O` of an inverse future, at `start_mark_usd` before the step.
    fn add_inverse(&mut self, k: usize, spots: &Spots<'_>, start_mark_usd: &LaneArray) {
        self.add_price(k, spots);
        let before = self.own_usd[Self::before(k)];
        let moves = (&spots.start_usd[k], &spots.end_usd[k], start_mark_usd);
        add_own(&before, moves, &mut self.own_usd[k]);
    }

    /// Stamp and `Z`.
    fn add_funding(
        &mut self,
        k: usize,
        is_inverse: bool,
        index: usize,
        tile: &MarketTile,
        spots: &Spots<'_>,
    ) {
        let before = self.funding_usd[Self::before(k)];
        if !tile.is_stamp[index][k] {
            self.funding_usd[k] = before;
            return;
        }
        let rates = &tile.funding_rate[index][k];
        if is_inverse {
            pay_inverse(&self.end[k], rates, &mut self.stamp[k]);
            add_product(
                &before,
                &self.stamp[k],
                &spots.end_usd[k],
                &mut self.funding_usd[k],
            );
        } else {
            let mark_usd = &tile.mark_usd[index][k + 1];
            pay_linear(mark_usd, rates, &mut self.stamp[k]);
            add(&before, &self.stamp[k], &mut self.funding_usd[k]);
        }
    }

    /// `C`: what the carry's own move has done to the mark, at the end's tenor.
    fn add_curve(
        &mut self,
        k: usize,
        is_inverse: bool,
        index: usize,
        tile: &MarketTile,
        spots: &Spots<'_>,
        basis: impl Fn(f64) -> f64 + Copy,
    ) {
        let before = self.curve_usd[Self::before(k)];
        let moves = CurveMoves {
            spot_usd: &spots.end_usd[k],
            mark_usd: &tile.mark_usd[index][k + 1],
            start_carry: &tile.carry[index][k],
            start_unit: &self.start[k],
        };
        let mut still = [0.0; LANES];
        far_marks(moves.spot_usd, moves.start_carry, &mut still, basis);
        for lane in 0..LANES {
            let moved_usd = moves.mark_usd[lane] - still[lane];
            self.curve_usd[k][lane] = before[lane]
                + if is_inverse {
                    -moved_usd * moves.start_unit[lane]
                } else {
                    moved_usd
                };
        }
    }
}

/// What moves a curve's sum in one step.
struct CurveMoves<'a> {
    spot_usd: &'a LaneArray,
    mark_usd: &'a LaneArray,
    start_carry: &'a LaneArray,
    start_unit: &'a LaneArray,
}

//! One contract's prices over a tile in the ledger's own form, and its running sums.

use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::kernels::{
    InverseStep, Payments, add_inverse, add_price, add_stamps, far_units, pay, skip,
};
use crate::ledger::book::option_quote::{Greeks, option_deviation, quote, quotes};
use crate::ledger::book::rules::BookRules;
use crate::market::tile::{LaneArray, MarketTile, TILE_STEPS};
use crate::outcome::table::LANES;
use crate::plan::types::ContractKind;

/// One contract over one tile. What its kind does not need stays empty.
#[derive(Debug, Clone)]
pub(super) struct ContractSeries {
    /// Unit at each boundary of steps before its events, where that is not the tile's mark.
    pub(super) unit: Vec<LaneArray>,
    /// Unit after the roll at each boundary.
    pub(super) after_roll: Vec<LaneArray>,
    /// Whether there is a roll at each boundary.
    pub(super) is_rolled: [bool; TILE_STEPS + 1],
    /// `P` at the end of each step, where that is not the unit and what rolls have skipped.
    pub(super) price_usd: Vec<LaneArray>,
    /// `O`.
    pub(super) own_usd: Vec<LaneArray>,
    /// Funding that a size of 1 receives at the end of each step, in the currency of the account.
    pub(super) stamp: Vec<LaneArray>,
    /// `Z` at the tile's start and at its end.
    funding_usd: Vec<LaneArray>,
    /// Of an option, at each boundary of steps: delta by the spot, USD; margins of a unit written; `du / dlnS`, `dm / dlnS`.
    pub(super) greeks: Vec<Greeks>,
    /// What is added to a linear mark for `P`: what its rolls have skipped, before the tile's first roll and after each.
    pub(super) skipped_usd: Vec<LaneArray>,
    /// Which of these counts at the end of each step before its events.
    pub(super) skips: [usize; TILE_STEPS],
    /// Which counts after the last step worked out.
    skips_after: usize,
    /// Boundary at which the tile ended.
    last: usize,
}

/// The underlying's spot over a tile.
pub(super) struct Spots<'a> {
    pub(super) first_usd: &'a LaneArray,
    pub(super) end_usd: &'a [LaneArray; TILE_STEPS],
}

impl Spots<'_> {
    fn start_usd(&self, k: usize) -> &LaneArray {
        if k == 0 {
            self.first_usd
        } else {
            &self.end_usd[k - 1]
        }
    }
}

impl ContractSeries {
    pub(super) fn new(contract: &ContractRule) -> Self {
        let zero = [0.0; LANES];
        let steps = |is_needed: bool| vec![zero; if is_needed { TILE_STEPS } else { 0 }];
        let boundaries = |is_needed: bool| vec![zero; if is_needed { TILE_STEPS + 1 } else { 0 }];
        let is_option = matches!(contract.kind, ContractKind::Option(_));
        let is_dated = contract.chain.is_some();
        let is_perpetual = !is_option && !is_dated;
        Self {
            unit: boundaries(is_option || contract.is_inverse),
            after_roll: boundaries(is_dated),
            is_rolled: [false; TILE_STEPS + 1],
            price_usd: steps(contract.is_inverse),
            own_usd: steps(contract.is_inverse && !is_option),
            stamp: steps(is_perpetual),
            funding_usd: vec![zero; if is_perpetual { 2 } else { 0 }],
            greeks: vec![
                Greeks {
                    delta: zero,
                    unit_slope: zero,
                    maintenance: zero,
                    maintenance_slope: zero,
                };
                if is_option { TILE_STEPS + 1 } else { 0 }
            ],
            skipped_usd: boundaries(is_dated && !contract.is_inverse),
            skips: [0; TILE_STEPS],
            skips_after: 0,
            last: TILE_STEPS,
        }
    }

    /// Time 0: as if a tile had just ended there.
    pub(super) fn start(&mut self, rules: &BookRules, contract: &ContractRule) {
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
        if let Some(last) = self.unit.last_mut() {
            last.fill(unit);
        }
        for sums in [
            &mut self.price_usd,
            &mut self.own_usd,
            &mut self.funding_usd,
        ] {
            if let Some(sum) = sums.last_mut() {
                sum.fill(0.0);
            }
        }
        if let Some(skipped) = self.skipped_usd.first_mut() {
            skipped.fill(0.0);
        }
        self.is_rolled = [false; TILE_STEPS + 1];
        self.skips_after = 0;
        self.last = TILE_STEPS;
    }

    /// Unit at a boundary after its events; `marks` are the tile's.
    pub(super) fn unit_after<'a>(
        &'a self,
        marks: &'a [LaneArray; TILE_STEPS + 1],
        boundary: usize,
    ) -> &'a LaneArray {
        if self.is_rolled[boundary] {
            &self.after_roll[boundary]
        } else if self.unit.is_empty() {
            &marks[boundary]
        } else {
            &self.unit[boundary]
        }
    }

    pub(super) fn fill(
        &mut self,
        rules: &BookRules,
        contract: &ContractRule,
        index: usize,
        tile: &MarketTile,
        spots: &Spots<'_>,
    ) {
        let steps = tile.steps;
        let marks = &tile.mark_usd[index];
        self.carry_over();
        match &contract.kind {
            ContractKind::Perpetual { .. } => {
                if contract.is_inverse {
                    for k in 0..steps {
                        self.add_inverse(k, spots, marks);
                    }
                }
                self.pay_funding(contract.is_inverse, index, tile, spots);
            }
            ContractKind::Dated(dated) => {
                let Some(chain) = &contract.chain else { return };
                for k in 0..steps {
                    let step = tile.first_step + k + 1;
                    if contract.is_inverse {
                        self.add_inverse(k, spots, marks);
                    }
                    if let Some(far) = chain.far_years[step] {
                        far_units(
                            &spots.end_usd[k],
                            &tile.carry[index][k + 1],
                            &|carry| dated.basis(carry, far),
                            contract.is_inverse,
                            &mut self.after_roll[k + 1],
                        );
                    }
                    self.skip(k, chain.far_years[step].is_some(), marks);
                }
            }
            ContractKind::Option(option) => {
                for k in 0..steps {
                    let step = (tile.first_step + k + 1) as f64;
                    let deviation = option_deviation(option, step, rules.step_years);
                    quotes(
                        option,
                        contract.is_inverse,
                        deviation,
                        &spots.end_usd[k],
                        &mut self.unit[k + 1],
                        &mut self.greeks[k + 1],
                    );
                    if contract.is_inverse {
                        let (before, now) = turn(&mut self.price_usd, k);
                        let units = (&self.unit[k], &self.unit[k + 1]);
                        add_price(before, units, &spots.end_usd[k], now);
                    }
                }
            }
        }
        self.keep_last(steps);
    }

    /// The last boundary of the tile before is the first of this one.
    fn carry_over(&mut self) {
        let last = self.last;
        if !self.unit.is_empty() {
            self.unit.swap(0, last);
        }
        if !self.greeks.is_empty() {
            self.greeks.swap(0, last);
        }
        if !self.funding_usd.is_empty() {
            self.funding_usd.swap(0, 1);
        }
        if self.is_rolled[last] {
            self.after_roll.swap(0, last);
        }
        let is_rolled = self.is_rolled[last];
        self.is_rolled = [false; TILE_STEPS + 1];
        self.is_rolled[0] = is_rolled;
    }

    /// Puts the last sums of a short tile where the next one looks for them.
    fn keep_last(&mut self, steps: usize) {
        self.last = steps;
        if steps == TILE_STEPS {
            return;
        }
        for sums in [&mut self.price_usd, &mut self.own_usd] {
            if !sums.is_empty() {
                sums[TILE_STEPS - 1] = sums[steps - 1];
            }
        }
    }

    /// Unit, `P` and `O` of an inverse future.
    fn add_inverse(&mut self, k: usize, spots: &Spots<'_>, marks: &[LaneArray; TILE_STEPS + 1]) {
        let (units, ends) = self.unit.split_at_mut(k + 1);
        let step = InverseStep {
            start_unit: if self.is_rolled[k] {
                &self.after_roll[k]
            } else {
                &units[k]
            },
            end_mark_usd: &marks[k + 1],
            start_spot_usd: spots.start_usd(k),
            end_spot_usd: &spots.end_usd[k],
        };
        let (price_before, price) = turn(&mut self.price_usd, k);
        let (own_before, own) = turn(&mut self.own_usd, k);
        add_inverse(&step, [price_before, own_before], &mut ends[0], price, own);
    }

    /// Stamps and `Z`.
    fn pay_funding(
        &mut self,
        is_inverse: bool,
        index: usize,
        tile: &MarketTile,
        spots: &Spots<'_>,
    ) {
        let (rates, is_stamp) = (&tile.funding_rate[index], &tile.is_stamp[index]);
        // A short of an inverse contract has a size under 0 and receives.
        let (units, coin_usd) = if is_inverse {
            (&self.unit[..], Some(spots.end_usd))
        } else {
            (&tile.mark_usd[index][..], None)
        };
        let [before_usd, after_usd] = &mut self.funding_usd[..] else {
            return;
        };
        let payments = Payments {
            units,
            rates,
            is_stamp,
            coin_usd,
        };
        pay(&payments, before_usd, &mut self.stamp, after_usd);
    }

    /// `Z` of a lane at the end of step `k`.
    pub(super) fn funding_usd(
        &self,
        is_stamp: [bool; TILE_STEPS],
        coin_usd: Option<&[LaneArray; TILE_STEPS]>,
        k: usize,
        lane: usize,
    ) -> f64 {
        match &self.funding_usd[..] {
            [_, after_usd] if k + 1 == self.last => after_usd[lane],
            [before_usd, _] => {
                let stamps = &self.stamp[..=k];
                add_stamps(before_usd[lane], stamps, &is_stamp, coin_usd, lane)
            }
            _ => 0.0,
        }
    }

    /// What the roll at the end of step `k`, if there is one, adds to what rolls have skipped.
    fn skip(&mut self, k: usize, is_roll: bool, marks: &[LaneArray; TILE_STEPS + 1]) {
        self.is_rolled[k + 1] = is_roll;
        if self.skipped_usd.is_empty() {
            return;
        }
        let at = if k == 0 {
            // The last of the tile before goes on.
            let last = self.skips_after;
            self.skipped_usd.swap(0, last);
            0
        } else {
            self.skips_after
        };
        self.skips[k] = at;
        self.skips_after = at;
        if is_roll {
            let (before, after) = self.skipped_usd.split_at_mut(at + 1);
            skip(
                &before[at],
                &marks[k + 1],
                &self.after_roll[k + 1],
                &mut after[0],
            );
            self.skips_after = at + 1;
        }
    }
}

/// The sums before step `k` and at its end; before the tile's first they are those at the end of the tile before.
fn turn(sums: &mut [LaneArray], k: usize) -> (&LaneArray, &mut LaneArray) {
    let (before, now) = if k == 0 {
        let (last, others) = sums.split_at_mut(TILE_STEPS - 1);
        (&others[0], &mut last[0])
    } else {
        let (before, now) = sums.split_at_mut(k);
        (&before[k - 1], &mut now[0])
    };
    (before, now)
}

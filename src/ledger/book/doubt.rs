//! A closer look at a lane in which an account may reach its liquidation inside the step: mostly it does not, and the step is
//! quiet after all.

use crate::ledger::book::bridges::{Way, surely_misses};
use crate::ledger::book::contract_rule::ContractRule;
use crate::ledger::book::crossing::level;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::unit_step::UnitStep;
use crate::ledger::crossing::CrossingDraws;
use crate::math::random::address_number;
use crate::plan::types::Crossing;

/// Room for rounding at a level.
pub(super) const ROUNDING_FRAC: f64 = 1e-9;

/// Some of the accounts of one lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccountSet(u64);

impl AccountSet {
    /// All of them.
    pub(super) const ALL: Self = Self(u64::MAX);

    /// None of them.
    pub(super) const NONE: Self = Self(0);

    /// Whether so few accounts are all out of it.
    pub(super) fn is_empty(self, accounts: usize) -> bool {
        (0..accounts).all(|a| !self.has(a))
    }

    /// Those that are marked; the 64th and all beyond are always in it.
    pub(super) fn of(marks: impl Iterator<Item = bool>) -> Self {
        let last = 1 << (u64::BITS - 1);
        let places = marks.take(u64::BITS as usize - 1).enumerate();
        Self(places.fold(last, |bits, (a, is_in)| bits | u64::from(is_in) << a))
    }

    /// Whether account `a` is in it.
    pub(super) fn has(self, a: usize) -> bool {
        (self.0 >> a.min(u64::BITS as usize - 1)) & 1 != 0
    }
}

impl Lane<'_> {
    /// Whether none of the accounts in doubt reaches its liquidation inside the step.
    pub(super) fn stays_open(&mut self, in_doubt: AccountSet) -> bool {
        let mut is_loaded = false;
        for a in 0..self.rules.accounts.len() {
            if !in_doubt.has(a) || !self.was_open(a) || self.surely_stays_open(a) {
                continue;
            }
            if !is_loaded {
                self.load();
                is_loaded = true;
            }
            if self.find_fill(a).is_some() {
                return false;
            }
        }
        true
    }

    /// Whether the venue could liquidate account `a` when the step began.
    pub(super) fn was_open(&self, a: usize) -> bool {
        self.state.hot.open[a][self.lane] > 0.0
    }

    /// Whether an account with one future is told to stay open without a logarithm.
    pub(super) fn surely_stays_open(&self, a: usize) -> bool {
        let account = &self.rules.accounts[a];
        if !account.is_single || self.rules.crossing == Crossing::Endpoints {
            return false;
        }
        let l = account.legs[0];
        let step = self.unit_step(l, self.near_level(a, l));
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        let jumps = self.tile.lane_jumps(self.k, contract.underlying, self.lane);
        match jumps {
            [] => step.misses(&self.draws(l)),
            [jump] => step.misses_jump(jump, contract.jump_clearances[self.step]),
            _ => false,
        }
    }
}

impl Lane<'_> {
    /// Whether an account with one future is told to stay open for so many steps from this one on, without a logarithm, if nothing
    /// but funding is paid. `jumps` are the steps in which something jumps, as bits.
    /// No notional of the account is under the first bracket.
    pub(super) fn surely_stays_open_for(
        &self,
        a: usize,
        (steps, jumps): (usize, u64),
        first_bracket: usize,
    ) -> bool {
        if self.rules.crossing == Crossing::Endpoints {
            return false;
        }
        let lane = self.lane;
        let l = self.rules.accounts[a].legs[0];
        let index = self.rules.legs[l].contract;
        let contract = &self.rules.contracts[index];
        let hot = &self.state.hot;
        let (size, mut cash) = (hot.size[l][lane], hot.cash[a][lane]);
        if size == 0.0 {
            return true;
        }
        let mut least_cash = cash;
        for k in self.k..self.k + steps - 1 {
            if let Some(stamp) = self.series.stamp(self.tile, index, k) {
                cash += size * stamp[lane];
                least_cash = least_cash.min(cash);
            }
        }
        // With less cash the level is nearer.
        let entry = hot.entry[l][lane];
        let level = near_level(contract, (least_cash, size, entry), first_bracket);
        if jumps == 0 && size > 0.0 {
            return self.surely_misses(l, level, steps);
        }
        let ends = &self.series.units(self.tile, index)[self.k + 1..][..steps];
        let side = size.signum();
        let mut unit = UnitStep {
            start: 0.0,
            end: self.series.unit_at_start(self.tile, index, self.k)[lane],
            level,
            side,
            variance: 0.0,
            orientation: if contract.is_inverse { -side } else { side },
        };
        (0..steps).all(|i| {
            let step = self.step + i;
            (unit.start, unit.end) = (unit.end, ends[i][lane]);
            unit.variance = contract.variances[step];
            let jumps = if (jumps >> i) & 1 == 0 {
                &[]
            } else {
                self.tile.lane_jumps(self.k + i, contract.underlying, lane)
            };
            match jumps {
                [] => {
                    unit.is_clear(contract.clearances[step])
                        || unit.misses(&CrossingDraws {
                            step: address_number(step - 1),
                            ..self.draws(l)
                        })
                }
                [jump] => unit.misses_jump(jump, contract.jump_clearances[step]),
                _ => false,
            }
        })
    }

    /// The same of a short in USD without jumps, from the notional that liquidates it with its least cash of the steps.
    pub(super) fn surely_stays_under(&self, a: usize, notional_usd: f64, steps: usize) -> bool {
        let l = self.rules.accounts[a].legs[0];
        let size = self.state.hot.size[l][self.lane];
        self.rules.crossing != Crossing::Endpoints
            && (size == 0.0 || self.surely_misses(l, notional_usd / size, steps))
    }

    /// Whether a short's unit surely misses its level in so many steps from this one on, without jumps.
    fn surely_misses(&self, l: usize, level: f64, steps: usize) -> bool {
        let index = self.rules.legs[l].contract;
        surely_misses(&Way {
            lane: self.lane,
            level,
            start: self.series.unit_at_start(self.tile, index, self.k)[self.lane],
            ends: &self.series.units(self.tile, index)[self.k + 1..][..steps],
            variances: &self.rules.contracts[index].variances[self.step..][..steps],
            draws: self.draws(l),
        })
    }

    /// The level of an account with one future, or a unit a hair nearer.
    fn near_level(&self, a: usize, l: usize) -> f64 {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        let hot = &self.state.hot;
        let (cash, size) = (hot.cash[a][self.lane], hot.size[l][self.lane]);
        near_level(contract, (cash, size, hot.entry[l][self.lane]), 0)
    }
}

/// The unit at which an account with this cash and one future of this size and entry is liquidated, or one a hair nearer, found
/// without dividing for each bracket. The account's notional is not under the first bracket.
fn near_level(
    contract: &ContractRule,
    (cash, size, entry): (f64, f64, f64),
    first_bracket: usize,
) -> f64 {
    if size < 0.0 || contract.margins_entry {
        return level(contract, cash, size, entry);
    }
    // The lines meet equity in order: the first that does so inside its bracket is the one that counts.
    let last_cash_usd = &contract.last_cash_usd;
    let bracket = (first_bracket..last_cash_usd.len() - 1)
        .find(|&b| cash <= last_cash_usd[b])
        .unwrap_or(last_cash_usd.len() - 1);
    let bracket = &contract.venue.brackets[bracket];
    let slope = 1.0 + bracket.rate + contract.venue.trigger_fee_frac();
    let notional = (cash + bracket.deduction_usd) / slope;
    notional * (1.0 - ROUNDING_FRAC) / size
}

//! The size that a hedge wants, when it is set anew, and how orders are worked.

use crate::hedge::target::target_short_base;
use crate::ledger::book::lane::Lane;
use crate::ledger::book::rules::{BookRules, HedgeRule};
use crate::ledger::book::state::Order;
use crate::ledger::book::trading::Purpose;
use crate::ledger::trades::is_short_of;
use crate::plan::types::OrderStyle;

/// What a hedge's size depends on at a decision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    /// Followed quantity.
    pub(super) followed_base: f64,
    /// Spot of the held asset, USD.
    pub(super) spot_usd: f64,
    /// Spot of the contract's underlying, USD.
    pub(super) underlying_usd: f64,
    /// What options do already, base units of the underlying.
    pub(super) options: OptionDeltas,
}

/// What the planned options that cover a holding do already, base units of a future's underlying.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OptionDeltas {
    /// Short that they make.
    pub(super) short_base: f64,
    /// Their sizes without sign: what a delta of 1 would be.
    pub(super) size_base: f64,
}

impl OptionDeltas {
    /// Counts an option of this size.
    pub(super) fn add(&mut self, size_base: f64, delta: f64) {
        self.short_base += size_base * delta;
        self.size_base += size_base.abs();
    }
}

/// A size of less than this fraction of what it is worked out from, and room for less than this fraction of what is
/// wanted, are left over by rounding: none.
const DUST_FRAC: f64 = 1e-12;

/// Size of a hedge's leg at a decision, rounded as the plan says.
pub(super) fn target_size(
    rules: &BookRules,
    hedge: &HedgeRule,
    l: usize,
    unit: f64,
    decision: &Decision,
) -> f64 {
    let whole_base = target_short_base(
        hedge.hedge_ratio,
        decision.followed_base,
        decision.spot_usd,
        decision.underlying_usd,
    );
    let mut wanted_base = hedge.sign * whole_base;
    if hedge.delta_band().is_some() {
        let options = &decision.options;
        wanted_base -= options.short_base;
        // Deltas beyond what is to be covered do not turn the leg over.
        let dust_base = DUST_FRAC * (whole_base + options.size_base);
        if wanted_base * hedge.sign <= dust_base {
            wanted_base = 0.0;
        }
    }
    let contract = &rules.contracts[rules.legs[l].contract];
    let size = if contract.is_inverse && !rules.legs[l].is_option {
        -wanted_base / unit
    } else {
        wanted_base
    };
    rounded(rules, hedge, l, size)
}

/// A size in whole contracts, if the hedge is rounded.
pub(super) fn rounded(rules: &BookRules, hedge: &HedgeRule, l: usize, size: f64) -> f64 {
    let contract = &rules.contracts[rules.legs[l].contract];
    let (Some(rounding), Some(contract_size)) = (hedge.round, contract.contract_size) else {
        return size;
    };
    let contracts = size.abs() / contract_size;
    (rounding.whole_contracts(contracts) * contract_size).copysign(size)
}

impl Lane<'_> {
    /// The leg that a hedge is in.
    pub(super) fn current_leg(&self, h: usize) -> usize {
        let hedge = &self.rules.hedges[h];
        match hedge.alternative {
            Some(alternative) if self.state.hot.switched[h][self.lane] != 0.0 => alternative,
            _ => hedge.leg,
        }
    }

    /// Whether a leg's contract has been settled.
    pub(super) fn is_over(&self, l: usize) -> bool {
        let contract = &self.rules.contracts[self.rules.legs[l].contract];
        contract.is_over(self.step)
    }

    /// Stage 7: each plan's own rule on market data; the held size follows, cut to what it can margin.
    pub(super) fn decide(&mut self) {
        let rules = self.rules;
        for (h, hedge) in rules.hedges.iter().enumerate() {
            let l = self.current_leg(h);
            if hedge.is_option || self.is_over(l) {
                continue;
            }
            if self.is_due(h, l) {
                let (_, followed) =
                    rules
                        .schedule
                        .followed(hedge.holding, hedge.follows, self.step);
                let parts = match hedge.order.style {
                    OrderStyle::Twap { parts } => parts,
                    OrderStyle::Single | OrderStyle::Iceberg { .. } | OrderStyle::Otc { .. } => 1,
                };
                let target = self.target(h, l, followed);
                self.leg_mut(l).order = Order {
                    target,
                    parts_left: parts,
                    is_entry: false,
                };
            }
            self.work_order(l);
        }
    }

    /// Trades the next part of a leg's order, if there is one.
    fn work_order(&mut self, l: usize) {
        let order = self.leg(l).order;
        if order.parts_left == 0 {
            return;
        }
        self.leg_mut(l).order.parts_left -= 1;
        let planned = self.state.hot.planned[l][self.lane];
        let size = if order.parts_left == 1 {
            order.target
        } else {
            planned + (order.target - planned) / f64::from(order.parts_left)
        };
        self.trade_plan(l, size);
        if self.account(self.rules.legs[l].account).is_live {
            let purpose = if order.is_entry {
                Purpose::Entry
            } else {
                Purpose::Rebalancing
            };
            self.trade_up_to(l, size, purpose);
        }
    }

    /// Size that a hedge wants of leg `l` now.
    pub(super) fn target(&self, h: usize, l: usize, followed_base: f64) -> f64 {
        let hedge = &self.rules.hedges[h];
        let decision = Decision {
            followed_base,
            spot_usd: self.spot_usd(hedge.held),
            underlying_usd: self.spot_usd(hedge.underlying),
            options: if hedge.delta_band().is_some() {
                self.option_deltas(h)
            } else {
                OptionDeltas::default()
            },
        };
        target_size(self.rules, hedge, l, self.work.now.unit[l], &decision)
    }

    /// What the planned options on a hedge's holding do, base units of the hedge's underlying.
    fn option_deltas(&self, h: usize) -> OptionDeltas {
        let hedge = &self.rules.hedges[h];
        let mut deltas = OptionDeltas::default();
        for &o in &hedge.option_legs {
            let contract = self.rules.legs[o].contract;
            let underlying = self.rules.contracts[contract].underlying;
            let delta = self.series.delta(contract, self.k)[self.lane];
            let prices = self.spot_usd(underlying) / self.spot_usd(hedge.underlying);
            deltas.add(self.state.hot.planned[o][self.lane] * prices, delta);
        }
        deltas
    }

    /// Whether a hedge's rule asks for a new size; an order that is still worked counts as done.
    fn is_due(&self, h: usize, l: usize) -> bool {
        let hedge = &self.rules.hedges[h];
        if hedge.is_periodic(self.step) {
            return true;
        }
        let (width, options) = match (hedge.band(), hedge.delta_band()) {
            (Some(width), _) => (width, OptionDeltas::default()),
            (_, Some(width)) => (width, self.option_deltas(h)),
            (None, None) => return false,
        };
        let order = &self.leg(l).order;
        let size = if order.parts_left > 0 {
            order.target
        } else {
            self.state.hot.planned[l][self.lane]
        };
        let short_base = self.base_size(l, size, self.work.now.unit[l]) + options.short_base;
        let (_, followed) = self
            .rules
            .schedule
            .followed(hedge.holding, hedge.follows, self.step);
        // Without anything to cover the band has no width, and options alone decide: to rounding.
        let exposure_usd = followed * self.spot_usd(hedge.held);
        let underlying_usd = self.spot_usd(hedge.underlying);
        let wanted_usd = hedge.hedge_ratio * exposure_usd;
        let gap_usd = short_base.mul_add(underlying_usd, -hedge.sign * wanted_usd);
        let dust_usd = DUST_FRAC * (wanted_usd + options.size_base * underlying_usd);
        gap_usd.abs() > width * exposure_usd + dust_usd
    }

    /// Trades the held size to `wanted`; if that is an increase, cut to what the whole account can margin.
    pub(super) fn trade_up_to(&mut self, l: usize, wanted: f64, purpose: Purpose) {
        let a = self.rules.legs[l].account;
        let held = self.state.hot.size[l][self.lane];
        let mut target = wanted;
        let mut is_cut = false;
        let is_turned = held * wanted < 0.0;
        if wanted.abs() > held.abs() || is_turned {
            let kept = if is_turned { 0.0 } else { held.abs() };
            let mut allowed = self.largest_size(a, l);
            if allowed - kept <= DUST_FRAC * wanted.abs() {
                allowed = kept;
            }
            if is_short_of(allowed, wanted.abs()) {
                target = allowed.copysign(wanted);
                is_cut = true;
                self.path_mut().cut_trades += 1;
            }
        }
        self.trade(l, target, purpose, is_cut);
    }
}

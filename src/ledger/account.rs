//! One account in one step, event by event, in the order of `docs/DESIGN.md` section 5.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use crate::hedge::target::top_up_usd;
use crate::ledger::calm::{larger, smaller};
use crate::ledger::crossing::Fill;
use crate::ledger::event::{LedgerEvent, LiquidationCause};
use crate::ledger::lanes::{ColdLane, HotLanes, Lanes, NEVER};
use crate::ledger::rules::ProgrammeRules;
use crate::math::random::{Streams, address_number};
use crate::plan::types::AfterLiquidation;
use crate::venue::rules::{MarginBracket, Remainder};

/// Where an account stands at the end of a step. Money in USD, sizes in base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Actual short.
    pub short_base: f64,
    /// Planned short.
    pub planned_short_base: f64,
    /// `balance + q E`: equity at mark `F` is `cash - q F`.
    pub cash_usd: f64,
    /// Funding received so far.
    pub funding_usd: f64,
    /// Cash outside the venue.
    pub reserve_usd: f64,
    /// Money under way.
    pub in_flight_usd: f64,
}

/// What one path's market did in one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneStep {
    /// The step, from 1: it ends at `step * step_days`.
    pub step: usize,
    /// Spot of the held asset at the end, USD.
    pub spot_usd: f64,
    /// Spot of the contract's underlying at the end, USD.
    pub underlying_usd: f64,
    /// Mark at the end, USD.
    pub mark_usd: f64,
    /// Funding rate if a stamp ends the step.
    pub funding_rate: Option<f64>,
    /// Whether the hedger looks at the end.
    pub is_watching: bool,
    /// Whether the plan may trade at the end: a sale, a periodic rebalancing or a band.
    pub may_trade: bool,
    /// Inventory before the step's sale, base units.
    pub quantity_base: f64,
}

/// One path's account, taken out of its block to be worked on.
pub struct Account<'a> {
    pub(super) rules: &'a ProgrammeRules,
    pub(super) streams: &'a Streams,
    pub(super) path: u64,
    pub(super) cold: &'a mut ColdLane,
    /// Events since [`Self::take_events`]; `None`: nobody listens.
    pub(super) events: Option<Vec<LedgerEvent>>,
    /// Bracket in which the held notional stood last.
    pub(super) bracket: &'a MarginBracket,
    /// Bracket in which the planned notional stood last.
    pub(super) planned_bracket: &'a MarginBracket,
    pub(super) cash_usd: f64,
    pub(super) short_base: f64,
    pub(super) planned_short_base: f64,
    pub(super) planned_cash_usd: f64,
    pub(super) funding_usd: f64,
    pub(super) is_armed: bool,
    pub(super) min_equity_usd: f64,
    pub(super) max_margin_ratio: f64,
    pub(super) required_usd: f64,
    pub(super) outside_usd: f64,
    pub(super) contributed_usd: f64,
    pub(super) peak_wealth_usd: f64,
    pub(super) max_drawdown_usd: f64,
}

impl<'a> Account<'a> {
    /// Takes lane `lane`, path `path`, out of a block.
    #[inline(always)]
    pub fn take(
        rules: &'a ProgrammeRules,
        streams: &'a Streams,
        path: u64,
        lanes: &'a mut Lanes,
        lane: usize,
    ) -> (Self, &'a mut HotLanes) {
        let Lanes { hot, cold, .. } = lanes;
        let account = Self {
            rules,
            streams,
            path,
            cold: &mut cold[lane],
            events: None,
            bracket: &rules.venue.brackets[0],
            planned_bracket: &rules.venue.brackets[0],
            cash_usd: hot.cash_usd[lane],
            short_base: hot.short_base[lane],
            planned_short_base: hot.planned_short_base[lane],
            planned_cash_usd: hot.planned_cash_usd[lane],
            funding_usd: hot.funding_usd[lane],
            is_armed: hot.armed[lane] > 0.0,
            min_equity_usd: hot.min_equity_usd[lane],
            max_margin_ratio: hot.max_margin_ratio[lane],
            required_usd: hot.required_usd[lane],
            outside_usd: hot.outside_usd[lane],
            contributed_usd: hot.contributed_usd[lane],
            peak_wealth_usd: hot.peak_wealth_usd[lane],
            max_drawdown_usd: hot.max_drawdown_usd[lane],
        };
        (account, hot)
    }

    /// Puts the lane back.
    #[inline(always)]
    pub fn put_back(self, hot: &mut HotLanes, lane: usize) {
        hot.cash_usd[lane] = self.cash_usd;
        hot.short_base[lane] = self.short_base;
        hot.planned_short_base[lane] = self.planned_short_base;
        hot.planned_cash_usd[lane] = self.planned_cash_usd;
        hot.funding_usd[lane] = self.funding_usd;
        hot.armed[lane] = if self.is_armed || !self.is_open() {
            1.0
        } else {
            -1.0
        };
        hot.min_equity_usd[lane] = self.min_equity_usd;
        hot.max_margin_ratio[lane] = self.max_margin_ratio;
        hot.required_usd[lane] = self.required_usd;
        hot.outside_usd[lane] = self.outside_usd;
        hot.contributed_usd[lane] = self.contributed_usd;
        hot.peak_wealth_usd[lane] = self.peak_wealth_usd;
        hot.max_drawdown_usd[lane] = self.max_drawdown_usd;
        hot.due_step[lane] = f64::from(self.cold.arrival_step.min(self.cold.reentry_step));
    }

    /// Keeps events from now on.
    pub fn listen(&mut self) {
        self.events = Some(Vec::new());
    }

    /// The events since the last call.
    pub fn take_events(&mut self) -> Vec<LedgerEvent> {
        self.events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The account as it stands.
    pub fn standing(&self) -> Standing {
        Standing {
            short_base: self.short_base,
            planned_short_base: self.planned_short_base,
            cash_usd: self.cash_usd,
            funding_usd: self.funding_usd,
            reserve_usd: self.cold.reserve_usd,
            in_flight_usd: self.cold.in_flight_usd,
        }
    }

    /// Works through one step; `fill` says whether, and where, the mark reached the level inside it.
    #[inline(never)]
    pub(super) fn settle_step(&mut self, step: &LaneStep, fill: Option<Fill>) {
        let rules = self.rules;
        let is_horizon = step.step == rules.steps;
        if let Some(fill) = fill {
            self.liquidate(fill, step);
        }
        self.pay_funding(step, fill.is_some());
        self.receive_transfer(step);
        self.check_margin(step, is_horizon);
        self.record_requirement(step);
        if is_horizon {
            self.close(step);
        } else {
            if step.may_trade {
                self.sell_inventory(step);
                self.decide(step);
            }
            self.reenter(step);
        }
        if step.is_watching {
            self.record_wealth(step, is_horizon);
        }
    }

    /// Stage 8: drawdown of hedged wealth at a watching moment.
    fn record_wealth(&mut self, step: &LaneStep, is_horizon: bool) {
        let rules = self.rules;
        let quantity_base = if is_horizon {
            0.0
        } else {
            step.quantity_base - rules.sales_base[step.step]
        };
        let equity_usd = self.cash_usd - self.short_base * step.mark_usd;
        let interest_usd = -rules.cost_of_funds_per_step * self.contributed_usd * step.step as f64;
        let wealth_usd =
            quantity_base * step.spot_usd + equity_usd + self.outside_usd + interest_usd;
        self.see_wealth(wealth_usd);
    }

    /// Wealth at a watching moment.
    #[inline(always)]
    pub(super) fn see_wealth(&mut self, wealth_usd: f64) {
        self.peak_wealth_usd = larger(wealth_usd, self.peak_wealth_usd);
        self.max_drawdown_usd = larger(self.peak_wealth_usd - wealth_usd, self.max_drawdown_usd);
    }

    pub(super) fn is_open(&self) -> bool {
        self.short_base > 0.0
    }

    pub(super) fn tell(&mut self, event: LedgerEvent) {
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }

    /// Stage 3: a stamp pays on mark notional; a step that liquidated pays none.
    fn pay_funding(&mut self, step: &LaneStep, was_closed: bool) {
        let Some(rate) = step.funding_rate else {
            return;
        };
        let per_unit_usd = step.mark_usd * rate;
        self.planned_cash_usd += self.planned_short_base * per_unit_usd;
        if !was_closed {
            let paid_usd = self.short_base * per_unit_usd;
            self.cash_usd += paid_usd;
            self.funding_usd += paid_usd;
        }
    }

    /// Stage 4: a transfer whose delay has run out arrives, or comes back if the account is closed.
    fn receive_transfer(&mut self, step: &LaneStep) {
        if self.cold.arrival_step as usize != step.step {
            return;
        }
        let amount_usd = self.cold.in_flight_usd;
        self.cold.arrival_step = NEVER;
        self.cold.in_flight_usd = 0.0;
        self.outside_usd -= amount_usd;
        if self.is_open() && !self.cold.is_too_late {
            self.post(amount_usd);
            self.is_armed = true;
            self.tell(LedgerEvent::Arrived { amount_usd });
        } else {
            self.return_to_reserve(amount_usd, step.step);
            self.tell(LedgerEvent::CameBack { amount_usd });
        }
    }

    /// Stage 5: liquidation at the end price, else a call or a release at a watching moment.
    fn check_margin(&mut self, step: &LaneStep, is_horizon: bool) {
        if !self.is_open() {
            return;
        }
        let notional_usd = self.short_base * step.mark_usd;
        let maintenance_usd = maintenance_margin_usd(self.rules, &mut self.bracket, notional_usd);
        let equity_usd = self.cash_usd - notional_usd;
        let trigger_usd = maintenance_usd + self.rules.venue.trigger_fee_frac() * notional_usd;
        if equity_usd - trigger_usd <= 0.0 {
            self.liquidate(
                Fill {
                    price_usd: step.mark_usd,
                    cause: LiquidationCause::EndCheck,
                },
                step,
            );
            return;
        }
        if !is_horizon && step.is_watching {
            self.look(step, maintenance_usd, equity_usd);
        }
        self.record_margin(maintenance_usd, self.cash_usd - notional_usd);
    }

    /// The hedger looks: a call at or above the level, a release below the release level.
    fn look(&mut self, step: &LaneStep, maintenance_usd: f64, equity_usd: f64) {
        let Some(call) = self.rules.margin_call else {
            return;
        };
        let is_in_flight = self.cold.arrival_step != NEVER;
        if maintenance_usd < call.level * equity_usd {
            self.is_armed = true;
            if let (Some(release), false) = (call.release, is_in_flight) {
                let kept_usd = (maintenance_usd / release).max(
                    self.rules
                        .venue
                        .initial_margin_usd(self.short_base * step.mark_usd),
                );
                let amount_usd = equity_usd - kept_usd;
                if maintenance_usd < release * equity_usd && amount_usd > 0.0 {
                    self.cash_usd -= amount_usd;
                    self.cold.posted_usd -= amount_usd;
                    self.return_to_reserve(amount_usd, step.step);
                    self.tell(LedgerEvent::Released { amount_usd });
                }
            }
            return;
        }
        if is_in_flight {
            return;
        }
        let asked_usd = top_up_usd(maintenance_usd, equity_usd, call.target);
        let sent_usd = asked_usd.min(self.cold.reserve_usd);
        if self.is_armed {
            self.is_armed = false;
            self.cold.margin_calls += 1;
            if sent_usd < asked_usd {
                self.cold.unmet_calls += 1;
                self.cold.unmet_call_usd += asked_usd - sent_usd;
            }
            self.tell(LedgerEvent::Called {
                margin_ratio: maintenance_usd / equity_usd,
                asked_usd,
                sent_usd,
            });
        }
        if sent_usd <= 0.0 {
            return;
        }
        self.cold.reserve_usd -= sent_usd;
        self.outside_usd -= sent_usd;
        self.cold.top_up_usd += sent_usd;
        self.contribute(sent_usd, step.step);
        if call.delay_steps == 0 {
            self.post(sent_usd);
            self.is_armed = true;
            self.tell(LedgerEvent::Arrived {
                amount_usd: sent_usd,
            });
        } else {
            self.cold.in_flight_usd = sent_usd;
            self.cold.is_too_late = false;
            self.outside_usd += sent_usd;
            self.cold.arrival_step = address_number(step.step) + call.delay_steps;
        }
    }

    /// The venue closes the short: slippage, then the fee on the worsened notional, then forfeiture.
    fn liquidate(&mut self, fill: Fill, step: &LaneStep) {
        let rules = self.rules;
        let short_base = self.short_base;
        let notional_usd = short_base * fill.price_usd;
        let maintenance_usd = rules.venue.maintenance_margin_usd(notional_usd);
        self.record_margin(maintenance_usd, self.cash_usd - notional_usd);
        self.settle_gap(fill.price_usd);
        let slippage_usd = rules.liquidation_slippage_frac * notional_usd;
        let fee_usd = rules.venue.liquidation_fee_frac * (notional_usd + slippage_usd);
        let left_usd = self.cash_usd - notional_usd - slippage_usd - fee_usd;
        let bankruptcy_usd = (-left_usd).max(0.0);
        let remainder_usd = left_usd.max(0.0);
        let (returned_usd, forfeited_usd) = match rules.venue.remainder {
            Remainder::Returned => (remainder_usd, 0.0),
            Remainder::Forfeited => (0.0, remainder_usd),
        };
        self.cold.liquidation_usd += bankruptcy_usd - fee_usd - slippage_usd - forfeited_usd;
        self.cold.bankruptcy_usd += bankruptcy_usd;
        self.cash_usd = 0.0;
        self.short_base = 0.0;
        // What is under way was meant for this position: it comes back, also if there is a new one by then.
        self.cold.is_too_late = true;
        self.cold.posted_usd -= returned_usd;
        self.return_to_reserve(returned_usd, step.step);
        if self.cold.liquidations == 0 {
            self.cold.liquidation_day = step.step as f64 * rules.step_days;
        }
        self.cold.liquidations += 1;
        if let AfterLiquidation::Reenter { after_steps } = rules.after_liquidation {
            self.cold.reentry_step = address_number(step.step) + after_steps;
        }
        self.tell(LedgerEvent::Liquidated {
            fill_usd: fill.price_usd,
            short_base,
            cost_usd: fee_usd + slippage_usd,
            returned_usd,
            forfeited_usd,
            bankruptcy_usd,
            cause: fill.cause,
        });
    }

    /// Books what planned and actual short made differently since the last change of either.
    pub(super) fn settle_gap(&mut self, mark_usd: f64) {
        let difference_base = self.planned_short_base - self.short_base;
        self.cold.gap_usd += difference_base * (mark_usd - self.cold.gap_mark_usd);
        self.cold.gap_mark_usd = mark_usd;
    }

    /// Money reaches the account.
    pub(super) fn post(&mut self, amount_usd: f64) {
        self.cash_usd += amount_usd;
        self.cold.posted_usd += amount_usd;
        self.cold.peak_collateral_usd = self.cold.peak_collateral_usd.max(self.cold.posted_usd);
    }

    /// Money goes back to the reserve.
    fn return_to_reserve(&mut self, amount_usd: f64, step: usize) {
        self.cold.reserve_usd += amount_usd;
        self.outside_usd += amount_usd;
        self.contribute(-amount_usd, step);
    }

    /// Changes the net cash contributed, on which interest runs, from the end of `step` on.
    pub(super) fn contribute(&mut self, amount_usd: f64, step: usize) {
        // At step t interest is `financing - rate * contributed * t`: what changes now did not run before.
        let offset_usd = self.rules.cost_of_funds_per_step * amount_usd * step as f64;
        self.cold.financing_usd += offset_usd;
        self.outside_usd += offset_usd;
        self.contributed_usd += amount_usd;
    }

    /// Equity and margin ratio, for the extremes.
    fn record_margin(&mut self, maintenance_usd: f64, equity_usd: f64) {
        self.min_equity_usd = smaller(equity_usd, self.min_equity_usd);
        if equity_usd <= 0.0 {
            self.cold.was_insolvent = true;
        } else {
            self.max_margin_ratio = larger(maintenance_usd / equity_usd, self.max_margin_ratio);
        }
    }

    /// What the planned short would have needed up to now.
    fn record_requirement(&mut self, step: &LaneStep) {
        let notional_usd = self.planned_short_base * (step.mark_usd * self.rules.requirement_shift);
        let maintenance_usd =
            maintenance_margin_usd(self.rules, &mut self.planned_bracket, notional_usd);
        let trigger_fee_usd = self.rules.venue.trigger_fee_frac() * notional_usd;
        let needed_usd = maintenance_usd + trigger_fee_usd + notional_usd - self.planned_cash_usd;
        self.required_usd = larger(needed_usd, self.required_usd);
    }
}

/// Maintenance margin of a notional, looked for first in the bracket where one like it stood last.
#[inline(always)]
pub(super) fn maintenance_margin_usd<'a>(
    rules: &'a ProgrammeRules,
    last: &mut &'a MarginBracket,
    notional_usd: f64,
) -> f64 {
    if !last.holds(notional_usd) {
        *last = rules.venue.bracket(notional_usd);
    }
    notional_usd * last.rate - last.deduction_usd
}

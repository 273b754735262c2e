//! The slow ledger: one path, one step at a time, written to be read beside sections 5 and 6 of the design.
//!
//! Balance, entry price, transfers and every component of the P&L are kept explicitly and summed step by step;
//! nothing is precomputed, telescoped or vectorised. The fast ledger has to agree with it path by path.

mod costs;
mod crossing;
mod horizon;
mod liquidation;
mod margin;
mod outcome;
mod position;
mod record;
mod trading;

use hedgesim::engine::tape::Tape;
use hedgesim::plan::types::{AccountPlan, HedgePlan, HoldingPlan, Plan};
use hedgesim::venue::rules::ContractRules;

pub use outcome::SlowOutcome;
use position::{PlannedShort, Position};

/// Runs the plan along one tape.
pub fn run(plan: &Plan, tape: &Tape) -> SlowOutcome {
    if plan.hedges[0].is_absent() {
        return horizon::run_without_hedge(plan, tape);
    }
    let mut ledger = Ledger::open(plan, tape);
    for step in 1..=plan.simulation.steps {
        ledger.step(step);
    }
    ledger.finish()
}

/// Money on its way to the account.
struct Transfer {
    amount_usd: f64,
    arrival_step: u32,
    /// Sent to a position that the venue has closed since.
    is_too_late: bool,
}

/// Everything the hedger and the venue know of one path, at one moment.
struct Ledger<'a> {
    plan: &'a Plan,
    tape: &'a Tape,
    hedge: HedgePlan,
    holding: &'a HoldingPlan,
    account: &'a AccountPlan,
    rules: &'a ContractRules,
    /// Asset index of the contract's underlying.
    underlying: usize,

    /// The step being worked on; 0 before the first.
    step: u32,
    /// Inventory left, base units.
    inventory_base: f64,
    /// Cash from inventory sold so far.
    proceeds_usd: f64,
    /// The short that the policy plans.
    planned: PlannedShort,
    /// The short that is really there.
    actual: Position,
    /// The account's balance without unrealised profit.
    balance_usd: f64,
    /// Cash outside the venue.
    reserve_usd: f64,
    /// The one transfer that may be under way.
    under_way: Option<Transfer>,
    /// Step of the last liquidation, while the account is flat because of it.
    flat_since_step: Option<u32>,
    /// Whether the next ratio at or above the level counts as a call.
    is_armed: bool,
    /// Cash contributed and not come back, in flight included: what interest runs on.
    net_contributed_usd: f64,
    /// Cash that arrived in the account and was not taken out.
    posted_usd: f64,
    /// Hedged wealth at time 0.
    initial_wealth_usd: f64,
    /// Running peak of hedged wealth, from the first watching moment on.
    peak_wealth_usd: Option<f64>,
    /// Smallest equity seen.
    min_equity_usd: Option<f64>,
    /// The row in the making.
    out: SlowOutcome,
}

impl Ledger<'_> {
    /// One step, in the order of events of the design.
    fn step(&mut self, step: u32) {
        self.step = step;
        self.accrue_financing();
        self.stage_1_market_moves();
        let fill_usd = self.stage_2_crossing();
        self.book_liquidation_gap(fill_usd);
        self.stage_3_funding();
        self.stage_4_arrivals();
        self.stage_5_margin();
        self.record_equity_and_ratio();
        self.record_required_collateral();
        if self.is_horizon() {
            self.close_everything();
        } else {
            self.stage_6_sales();
            self.stage_7_decisions();
        }
        self.stage_8_record();
    }

    /// Interest of this step on what was contributed when it began.
    fn accrue_financing(&mut self) {
        self.out.financing_usd -= self.plan.cost_of_funds_annual
            * self.net_contributed_usd
            * self.plan.simulation.step_years();
    }

    /// The market moves: what the planned short earns by definition.
    fn stage_1_market_moves(&mut self) {
        let spot_change_usd = self.spot_usd() - self.spot_before_usd();
        let underlying_change_usd = self.underlying_usd() - self.underlying_before_usd();
        let mark_change_usd = self.mark_usd() - self.mark_before_usd();
        let planned_base = self.planned.position.short_base;

        let ideal_offset_usd = -self.hedge.coverage_frac * self.inventory_base * spot_change_usd;
        self.out.ideal_offset_usd += ideal_offset_usd;
        self.out.tracking_usd += -planned_base * underlying_change_usd - ideal_offset_usd;
        self.out.futures_basis_usd += -planned_base * (mark_change_usd - underlying_change_usd);
    }

    /// Price P&L that the planned short made in this step and the actual one did not; after a fill the account
    /// holds nothing. (A liquidation at the end price, in stage 5, leaves nothing of the step to be missed.)
    fn book_liquidation_gap(&mut self, fill: Option<liquidation::Fill>) {
        let planned_base = self.planned.position.short_base;
        self.out.liquidation_gap_usd += match fill {
            None => {
                (planned_base - self.actual.short_base) * (self.mark_usd() - self.mark_before_usd())
            }
            Some(fill) => {
                (planned_base - fill.short_base) * (fill.mark_usd - self.mark_before_usd())
                    + planned_base * (self.mark_usd() - fill.mark_usd)
            }
        };
    }

    /// A funding stamp at the end of this step is paid on mark notional.
    fn stage_3_funding(&mut self) {
        let rate = self.tape.funding_rate[self.hedge.contract][self.step as usize];
        let funding_usd = rate * self.actual.short_base * self.mark_usd();
        self.balance_usd += funding_usd;
        self.out.funding_usd += funding_usd;
        self.planned.funding_usd += rate * self.planned.position.short_base * self.mark_usd();
        if funding_usd != 0.0 {
            self.tell(&format!("funding of {funding_usd} USD"));
        }
    }

    fn is_horizon(&self) -> bool {
        self.step == self.plan.simulation.steps
    }

    /// Whether the hedger looks at the end of this step.
    fn is_watching_moment(&self) -> bool {
        is_watching_moment(self.account, self.step)
    }

    fn spot_usd(&self) -> f64 {
        self.tape.spot_usd[self.holding.asset][self.step as usize]
    }

    fn spot_before_usd(&self) -> f64 {
        self.tape.spot_usd[self.holding.asset][self.step as usize - 1]
    }

    fn underlying_usd(&self) -> f64 {
        self.tape.spot_usd[self.underlying][self.step as usize]
    }

    fn underlying_before_usd(&self) -> f64 {
        self.tape.spot_usd[self.underlying][self.step as usize - 1]
    }

    fn mark_usd(&self) -> f64 {
        self.tape.mark_usd[self.hedge.contract][self.step as usize]
    }

    fn mark_before_usd(&self) -> f64 {
        self.tape.mark_usd[self.hedge.contract][self.step as usize - 1]
    }

    /// Equity of the account at the present mark.
    fn equity_usd(&self) -> f64 {
        self.equity_at_usd(self.mark_usd())
    }

    fn equity_at_usd(&self, mark_usd: f64) -> f64 {
        self.balance_usd + self.actual.unrealised_usd(mark_usd)
    }

    fn tell(&mut self, event: &str) {
        self.out.events.push(format!("step {}: {event}", self.step));
    }
}

/// Whether the hedger looks at the end of a step; time 0 is no watching moment.
fn is_watching_moment(account: &AccountPlan, step: u32) -> bool {
    let every_steps = account.margin_call.map_or(1, |call| call.every_steps);
    step > 0 && step.is_multiple_of(every_steps)
}

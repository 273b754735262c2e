//! One path of the general ledger alone, step by step.

use crate::engine::trace::StepRecord;
use crate::ledger::book::ledger::BookFollower;
use crate::ledger::book::standing::BookStanding;
use crate::ledger::event::LedgerEvent;

/// Collects one lane's records: the first holding and hedge, all accounts together.
pub(super) struct BookRecorder {
    pub(super) lane: usize,
    pub(super) steps: Vec<StepRecord>,
}

impl BookRecorder {
    /// Records one step's end.
    pub(super) fn record(
        &mut self,
        step: usize,
        standing: &BookStanding,
        events: Vec<LedgerEvent>,
    ) {
        let hedge = &standing.hedges[0];
        let mut record = StepRecord {
            step,
            quantity_base: standing.inventory_base[0],
            short_base: hedge.short_base,
            planned_short_base: hedge.planned_base,
            equity_usd: 0.0,
            maintenance_margin_usd: 0.0,
            liquidation_price_usd: hedge.liquidation_price_usd,
            reserve_usd: 0.0,
            in_flight_usd: 0.0,
            funding_usd: standing.funding_usd,
            events,
        };
        for account in &standing.accounts {
            record.equity_usd += account.equity * account.rate_usd;
            record.maintenance_margin_usd += account.maintenance_margin * account.rate_usd;
            record.reserve_usd += account.reserve_usd;
            record.in_flight_usd += account.in_flight_usd;
        }
        self.steps.push(record);
    }
}

impl BookFollower for BookRecorder {
    fn lane(&self) -> usize {
        self.lane
    }

    fn step_ended(&mut self, step: usize, standing: &BookStanding, events: Vec<LedgerEvent>) {
        self.record(step, standing, events);
    }
}

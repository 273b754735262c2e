//! A step of one lane in which money travels and hedgers look, and no account is liquidated, nor anything traded by plan: what it
//! comes to follows from what it would come to if it were quiet.

use crate::ledger::book::lane::Lane;
use crate::ledger::book::margin::Margin;
use crate::ledger::book::quiet_lane::QuietLane;
use crate::ledger::book::quiet_steps::Steps;

impl Lane<'_> {
    /// Whether a step that nobody's level is reached in is such a step; `quiet` is what it comes to without its events.
    pub(super) fn has_transfers_alone(&self, quiet: &QuietLane) -> bool {
        let is_open_or_idle = |a: usize| {
            let account = self.account(a);
            !quiet.accounts[a].is_over
                && (account.is_live || self.step < account.reentry_step as usize)
        };
        (0..self.rules.accounts.len()).all(is_open_or_idle) && !self.works_orders()
    }

    /// Works through the step, in the order of [`Self::settle`]. Returns whether a hedger who looked may have traded.
    pub(super) fn settle_transfers(&mut self, quiet: &QuietLane) -> bool {
        let (rules, lane) = (self.rules, self.lane);
        let steps = Steps {
            rules,
            series: self.series,
            tile: self.tile,
            first: self.k,
        };
        let may_trade = rules
            .accounts
            .iter()
            .any(|account| account.calls_move_wealth);
        if may_trade {
            // What a trade costs depends on how far the step has moved.
            self.load();
        } else {
            self.load_ends();
        }
        quiet.pay(&steps, &mut self.state.hot, lane);
        for a in 0..rules.accounts.len() {
            self.send_on(a);
            self.receive(a);
        }
        for (a, end) in quiet.accounts.iter().enumerate() {
            if !end.is_open {
                continue;
            }
            let has_arrived = self.state.hot.cash[a][lane].to_bits() != end.cash.to_bits();
            let margin = if has_arrived {
                self.margin(a, &self.work.now)
            } else {
                Margin {
                    equity: end.equity,
                    maintenance: end.maintenance,
                    trigger_fee: end.trigger_fee,
                }
            };
            self.look_at(a, &margin);
        }
        let required_usd = &mut self.state.hot.required_usd[lane];
        *required_usd = required_usd.max(quiet.needed_usd);
        self.record_in_flight();
        if rules.is_watching(self.step) {
            let wealth_usd = if may_trade {
                self.wealth_usd(true)
            } else {
                quiet.wealth_usd
            };
            self.record_wealth(wealth_usd);
        }
        self.put_back();
        may_trade
    }
}

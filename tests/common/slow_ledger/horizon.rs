//! The horizon, the finished row, and the programme without a hedge.

use hedgesim::engine::tape::Tape;
use hedgesim::plan::types::Plan;

use super::record::see_wealth;
use super::{Ledger, SlowOutcome, is_watching_moment};

impl Ledger<'_> {
    /// The rest of the holding is sold, the hedge closed; what the account owes then is the insurance fund's.
    pub fn close_everything(&mut self) {
        self.proceeds_usd += self.sale_usd(self.inventory_base);
        self.inventory_base = 0.0;
        if self.actual.short_base > 0.0 {
            self.trade_actual_to(0.0);
        }
        if self.balance_usd < 0.0 {
            let shortfall_usd = -self.balance_usd;
            self.balance_usd = 0.0;
            self.out.bankruptcy_loss_usd += shortfall_usd;
            self.out.liquidation_usd += shortfall_usd;
            self.tell(&format!(
                "insurance fund bears {shortfall_usd} at the horizon"
            ));
        }
    }

    /// The finished row.
    pub fn finish(mut self) -> SlowOutcome {
        let hedged_pnl_usd = self.wealth_usd() - self.initial_wealth_usd;
        self.out.hedged_pnl_usd = hedged_pnl_usd;
        self.out.unhedged_pnl_usd = unhedged_pnl_usd(self.plan, self.tape);
        self.out.identity_error_usd = hedged_pnl_usd - self.out.sum_of_components_usd();
        self.out.min_equity_usd = self.min_equity_usd.unwrap_or(0.0);
        self.out.effective_price_usd = effective_price_usd(self.plan, self.tape, hedged_pnl_usd);
        self.out.terminal_spot_usd = terminal_spot_usd(self.tape);
        self.out
    }
}

/// The programme without a hedge: every column of the hedge is 0, and hedged is unhedged.
pub fn run_without_hedge(plan: &Plan, tape: &Tape) -> SlowOutcome {
    let unhedged_pnl_usd = unhedged_pnl_usd(plan, tape);
    let mut out = SlowOutcome {
        unhedged_pnl_usd,
        hedged_pnl_usd: unhedged_pnl_usd,
        max_margin_ratio: Some(0.0),
        effective_price_usd: effective_price_usd(plan, tape, unhedged_pnl_usd),
        terminal_spot_usd: terminal_spot_usd(tape),
        ..SlowOutcome::default()
    };
    let account = &plan.accounts[plan.hedges[0].account];
    let mut peak_usd = None;
    for step in 1..=plan.simulation.steps {
        if is_watching_moment(account, step) {
            see_wealth(
                &mut out,
                &mut peak_usd,
                unhedged_wealth_usd(plan, tape, step),
            );
        }
    }
    out
}

fn unhedged_pnl_usd(plan: &Plan, tape: &Tape) -> f64 {
    unhedged_wealth_usd(plan, tape, plan.simulation.steps) - initial_value_usd(plan, tape)
}

/// Cash from the sales up to a step's end, and what is left at spot; at the horizon it is sold.
fn unhedged_wealth_usd(plan: &Plan, tape: &Tape, step: u32) -> f64 {
    let holding = &plan.holdings[plan.hedges[0].covers];
    let spot_usd = &tape.spot_usd[holding.asset];
    let sold_frac = 1.0 - plan.execution_slippage_frac;
    let mut left_base = holding.quantity_base;
    let mut cash_usd = 0.0;
    for sale in holding.sales.iter().filter(|sale| sale.step <= step) {
        cash_usd += sale.quantity_base * spot_usd[sale.step as usize] * sold_frac;
        left_base -= sale.quantity_base;
    }
    let is_horizon = step == plan.simulation.steps;
    let left_frac = if is_horizon { sold_frac } else { 1.0 };
    cash_usd + left_base * spot_usd[step as usize] * left_frac
}

fn initial_value_usd(plan: &Plan, tape: &Tape) -> f64 {
    let holding = &plan.holdings[plan.hedges[0].covers];
    holding.quantity_base * tape.spot_usd[holding.asset][0]
}

/// Hedged proceeds over the quantity at time 0.
fn effective_price_usd(plan: &Plan, tape: &Tape, hedged_pnl_usd: f64) -> f64 {
    let holding = &plan.holdings[plan.hedges[0].covers];
    (hedged_pnl_usd + initial_value_usd(plan, tape)) / holding.quantity_base
}

fn terminal_spot_usd(tape: &Tape) -> Vec<f64> {
    tape.spot_usd
        .iter()
        .map(|spots_usd| spots_usd[spots_usd.len() - 1])
        .collect()
}

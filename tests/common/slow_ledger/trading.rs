//! Time 0, sales of inventory (stage 6) and hedge decisions (stage 7).

use hedgesim::engine::tape::Tape;
use hedgesim::plan::types::{Plan, Rebalance};

use super::position::{PlannedShort, Position};
use super::{Ledger, SlowOutcome};

/// A cut smaller than this fraction of the wanted size is rounding, and not counted.
const ROUNDING_FRAC: f64 = 1e-9;

impl<'a> Ledger<'a> {
    /// The state at time 0, after the hedge was opened or, if it is on already, adjusted.
    pub fn open(plan: &'a Plan, tape: &'a Tape) -> Self {
        let hedge = plan.hedges[0];
        let account = &plan.accounts[hedge.account];
        let holding = &plan.holdings[hedge.covers];
        let contract = &plan.market.contracts[hedge.contract];
        let mut ledger = Self {
            plan,
            tape,
            hedge,
            holding,
            account,
            rules: &contract.rules,
            underlying: contract.underlying,
            step: 0,
            inventory_base: holding.quantity_base,
            proceeds_usd: 0.0,
            planned: PlannedShort {
                position: Position::FLAT,
                realised_usd: 0.0,
                funding_usd: 0.0,
                costs_usd: 0.0,
            },
            actual: Position::FLAT,
            balance_usd: account.collateral_usd,
            reserve_usd: account.reserve_usd,
            under_way: None,
            flat_since_step: None,
            is_armed: true,
            net_contributed_usd: account.collateral_usd,
            posted_usd: 0.0,
            initial_wealth_usd: 0.0,
            peak_wealth_usd: None,
            min_equity_usd: None,
            out: SlowOutcome {
                max_margin_ratio: Some(0.0),
                ..SlowOutcome::default()
            },
        };
        ledger.post(account.collateral_usd);
        ledger.hedge_at_time_0();
        ledger
    }

    fn hedge_at_time_0(&mut self) {
        if let Some(opened) = self.hedge.opened {
            let position = Position {
                short_base: opened.quantity_base,
                entry_usd: opened.price_usd,
            };
            self.planned.position = position;
            self.actual = position;
            self.initial_wealth_usd = self.wealth_usd();
            self.require_at_time_0();
            let asks_for_trade = match self.hedge.rebalance {
                Rebalance::Never => false,
                Rebalance::Every { .. } => true,
                Rebalance::Band { width } | Rebalance::DeltaBand { width } => {
                    self.is_outside_band(width)
                }
            };
            if asks_for_trade {
                self.rebalance();
            }
        } else {
            self.initial_wealth_usd = self.wealth_usd();
            let short_base = self.target_base();
            self.trade_planned_to(short_base);
            self.trade_actual_to(short_base);
            self.require_at_time_0();
        }
    }

    /// Initial margin, and what a hedge that was already on has lost since its entry.
    fn require_at_time_0(&mut self) {
        let planned = self.planned.position;
        let initial_margin_usd = self
            .rules
            .initial_margin_usd(planned.short_base * self.mark_usd());
        self.out.required_collateral_usd =
            initial_margin_usd - planned.unrealised_usd(self.mark_usd());
    }

    /// The short at the hedge ratio: `q H = h Q S`.
    fn target_base(&self) -> f64 {
        self.hedge.hedge_ratio * self.inventory_base * (self.spot_usd() / self.underlying_usd())
    }

    fn is_outside_band(&self, width: f64) -> bool {
        let inventory_usd = self.inventory_base * self.spot_usd();
        let ratio = self.planned.position.short_base * self.underlying_usd() / inventory_usd;
        inventory_usd > 0.0 && (ratio - self.hedge.hedge_ratio).abs() > width
    }

    /// Sales that are due, at spot less cost; the short is reduced in proportion.
    pub fn stage_6_sales(&mut self) {
        let due: Vec<_> = self
            .holding
            .sales
            .iter()
            .filter(|sale| sale.step == self.step)
            .collect();
        for sale in due {
            let kept_frac = (self.inventory_base - sale.quantity_base) / self.inventory_base;
            self.proceeds_usd += self.sale_usd(sale.quantity_base);
            self.inventory_base -= sale.quantity_base;
            self.tell(&format!("{} sold", sale.quantity_base));
            self.trade_planned_to(self.planned.position.short_base * kept_frac);
            if self.actual.short_base > 0.0 {
                self.trade_actual_to(self.actual.short_base * kept_frac);
            }
        }
    }

    /// Cash from selling a quantity of the holding now.
    pub fn sale_usd(&self, quantity_base: f64) -> f64 {
        quantity_base * self.spot_usd() * (1.0 - self.plan.execution_slippage_frac)
    }

    /// Rebalancing first, then re-entry into what is planned after it.
    pub fn stage_7_decisions(&mut self) {
        let is_due = match self.hedge.rebalance {
            Rebalance::Never => false,
            Rebalance::Every { steps } => self.step.is_multiple_of(steps),
            Rebalance::Band { width } | Rebalance::DeltaBand { width } => {
                self.is_outside_band(width)
            }
        };
        if is_due {
            self.rebalance();
        }
        self.reenter_if_due();
    }

    /// The plan goes back to the hedge ratio, and the actual short, if there is one, follows as far as it can.
    fn rebalance(&mut self) {
        self.trade_planned_to(self.target_base());
        if self.actual.short_base > 0.0 {
            self.trade_actual_towards_plan();
        }
    }

    /// Trades the actual short to the planned size; an increase only as far as initial margin and caps allow.
    pub fn trade_actual_towards_plan(&mut self) {
        let wanted_base = self.planned.position.short_base;
        let present_base = self.actual.short_base;
        let largest_base = self.rules.largest_notional_usd(self.equity_usd()) / self.mark_usd();
        let allowed_base = largest_base.max(present_base);
        let is_cut = wanted_base - allowed_base > ROUNDING_FRAC * wanted_base;
        if is_cut {
            self.out.cut_trades += 1;
            self.tell(&format!(
                "trade cut: {wanted_base} wanted, {allowed_base} allowed"
            ));
        }
        self.trade_actual_to(wanted_base.min(allowed_base));
    }
}

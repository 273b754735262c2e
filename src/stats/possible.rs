//! Which events a plan can bring about.

use crate::plan::types::{
    AfterLiquidation, CallAction, Follows, HedgePlan, OrderStyle, Plan, Rebalance,
};

/// Which events a plan can bring about; the probability of the others is exactly 0.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers to five questions"
)]
pub(super) struct Possible {
    pub(super) hedge: bool,
    pub(super) call: bool,
    /// A call that asks for money.
    pub(super) top_up: bool,
    /// A new hedge after a liquidation.
    pub(super) reentry: bool,
    /// A trade that makes the short larger after it was opened; an opening that cannot be margined is refused.
    pub(super) cut: bool,
}

impl Possible {
    pub(super) fn of(plan: &Plan) -> Self {
        let hedge = plan.hedges.iter().any(|hedge| !hedge.is_absent());
        let steps = plan.simulation.steps;
        let reentry = hedge
            && plan.accounts.iter().any(|account| {
                matches!(account.after_liquidation, AfterLiquidation::Reenter { .. })
            });
        let calls = |is_asked: fn(CallAction) -> bool| {
            plan.accounts.iter().any(|account| {
                account
                    .margin_call
                    .is_some_and(|call| call.every_steps <= steps && is_asked(call.action))
            })
        };
        let grows = |hedge: &HedgePlan| match hedge.rebalance {
            _ if trades_anew(plan, hedge) => true,
            Rebalance::Never => false,
            // A hedge that is already on is set to its size at time 0 too.
            Rebalance::Every { steps: every } => every < steps || hedge.opened.is_some(),
            Rebalance::Band { .. } | Rebalance::DeltaBand { .. } => true,
        };
        Self {
            hedge,
            call: hedge && calls(|_| true),
            top_up: hedge && calls(|action| action == CallAction::TopUp),
            reentry,
            cut: reentry || (hedge && plan.hedges.iter().any(grows)),
        }
    }
}

/// Whether a hedge trades after its opening for reasons other than rebalancing: a roll, a switch, an order worked over time, or
/// production that it follows.
fn trades_anew(plan: &Plan, hedge: &HedgePlan) -> bool {
    let contract = &plan.market.contracts[hedge.contract];
    let rolls = contract.dated().is_some_and(|dated| {
        dated
            .expiries
            .iter()
            .any(|expiry| expiry.roll_step.is_some())
    });
    let follows_production =
        hedge.follows == Follows::Inventory && !plan.holdings[hedge.covers].production.is_empty();
    let is_worked = matches!(hedge.order.style, OrderStyle::Twap { .. });
    rolls || is_worked || hedge.switch.is_some() || follows_production
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::types::{OrderPlan, ProductionPlan};
    use crate::stats::synthetic::plan;

    #[test]
    fn what_a_plan_cannot_bring_about_has_probability_zero() {
        let mut plan = plan(64, vec![]);
        plan.hedges[0].rebalance = Rebalance::Never;
        plan.accounts[0].after_liquidation = AfterLiquidation::StayFlat;
        assert!(!Possible::of(&plan).cut);
        let steps = plan.simulation.steps;
        plan.hedges[0].rebalance = Rebalance::Every { steps };
        assert!(!Possible::of(&plan).cut);
        plan.hedges[0].rebalance = Rebalance::Every { steps: 1 };
        assert!(Possible::of(&plan).cut);
        plan.hedges[0].rebalance = Rebalance::Never;
        plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 3 };
        assert!(Possible::of(&plan).cut && Possible::of(&plan).reentry);
        if let Some(call) = &mut plan.accounts[0].margin_call {
            call.every_steps = steps + 1;
        }
        assert!(!Possible::of(&plan).call);
    }

    #[test]
    fn orders_worked_over_time_and_production_can_be_cut_and_deleveraging_asks_for_nothing() {
        let mut worked = plan(64, vec![]);
        worked.hedges[0].order = OrderPlan {
            style: OrderStyle::Twap { parts: 4 },
            ..OrderPlan::TAKER
        };
        assert!(Possible::of(&worked).cut);
        let mut mine = plan(64, vec![]);
        mine.holdings[0].production.push(ProductionPlan {
            step: 3,
            quantity_base: 10.0,
            cost_usd: 0.0,
        });
        assert!(Possible::of(&mine).cut);
        mine.hedges[0].follows = Follows::Expected;
        assert!(!Possible::of(&mine).cut);
        let mut plan = plan(64, vec![]);
        assert!(Possible::of(&plan).call && Possible::of(&plan).top_up);
        if let Some(call) = &mut plan.accounts[0].margin_call {
            call.action = CallAction::Deleverage;
        }
        assert!(Possible::of(&plan).call && !Possible::of(&plan).top_up);
    }
}

//! What a plan can bring about at all.

use crate::plan::types::{AfterLiquidation, HedgePlan, Plan, Rebalance};

/// Which events a plan can bring about; the probability of the others is exactly 0.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers to four questions"
)]
pub(super) struct Possible {
    pub(super) hedge: bool,
    pub(super) call: bool,
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
        let grows = |hedge: &HedgePlan| match hedge.rebalance {
            Rebalance::Never => false,
            // A hedge that is already on is set to its size at time 0 too.
            Rebalance::Every { steps: every } => every < steps || hedge.opened.is_some(),
            Rebalance::Band { .. } | Rebalance::DeltaBand { .. } => true,
        };
        Self {
            hedge,
            call: hedge
                && plan.accounts.iter().any(|account| {
                    account
                        .margin_call
                        .is_some_and(|call| call.every_steps <= steps)
                }),
            reentry,
            cut: reentry || (hedge && plan.hedges.iter().any(grows)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}

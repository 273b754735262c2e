//! What happens to the inventory on every path alike: staking, production and sales, and the quantities that hedges follow.

use crate::math::vector::{exp, ln};
use crate::plan::types::{Follows, HoldingPlan, Plan};

/// A followed quantity that changes by less than this fraction has not changed: sums of equal parts are rounded.
const ROUNDING_FRAC: f64 = 1e-12;

/// The inventories of all holdings at the end of every step.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    holdings: Vec<HoldingSchedule>,
    /// Whether anything is produced or sold at the end of each step.
    has_trade: Vec<bool>,
}

/// One holding. Shape of each series: `[steps + 1]`, index `n` is the end of step `n`.
#[derive(Debug, Clone)]
struct HoldingSchedule {
    /// Inventory before production and sales, what staking has added in the step included.
    before_base: Vec<f64>,
    /// Inventory after them; 0 at the horizon.
    after_base: Vec<f64>,
    /// Quantity sold; at the horizon, all.
    sold_base: Vec<f64>,
    /// The sum of it.
    total_base: f64,
    /// Cost of what is produced, USD.
    production_usd: Vec<f64>,
    /// What is produced.
    produced_base: Vec<f64>,
    /// Inventory before production and sales and after them, and the same of what is expected.
    followed_base: [Vec<(f64, f64)>; 2],
    has_staking: bool,
    /// Fraction by which it grows in one step.
    growth: f64,
}

impl Schedule {
    /// Works out the inventories of a plan.
    pub(super) fn new(plan: &Plan) -> Self {
        let steps = plan.simulation.steps as usize;
        let step_years = plan.simulation.step_years();
        let holdings: Vec<HoldingSchedule> = plan
            .holdings
            .iter()
            .map(|holding| HoldingSchedule::new(holding, steps, step_years))
            .collect();
        let has_trade = (0..=steps)
            .map(|step| {
                holdings.iter().any(|holding| {
                    holding.sold_base[step] > 0.0 || holding.produced_base[step] > 0.0
                })
            })
            .collect();
        Self {
            holdings,
            has_trade,
        }
    }

    /// Whether anything is produced or sold at the end of `step`.
    pub(super) fn has_trade(&self, step: usize) -> bool {
        self.has_trade[step]
    }

    /// Inventory after the end of `step`.
    pub(super) fn after_base(&self, holding: usize, step: usize) -> f64 {
        self.holdings[holding].after_base[step]
    }

    /// Inventory at the end of `step` before production and sales.
    pub(super) fn before_base(&self, holding: usize, step: usize) -> f64 {
        self.holdings[holding].before_base[step]
    }

    /// Quantity sold at the end of `step`.
    pub(super) fn sold_base(&self, holding: usize, step: usize) -> f64 {
        self.holdings[holding].sold_base[step]
    }

    /// Quantity produced at the end of `step`, and its cost, USD.
    pub(super) fn produced(&self, holding: usize, step: usize) -> (f64, f64) {
        let holding = &self.holdings[holding];
        (holding.produced_base[step], holding.production_usd[step])
    }

    /// Quantity ever had: what there is at first, is produced and is grown.
    pub(super) fn total_base(&self, holding: usize) -> f64 {
        self.holdings[holding].total_base
    }

    /// Whether a holding grows by staking.
    pub(super) fn has_staking(&self, holding: usize) -> bool {
        self.holdings[holding].has_staking
    }

    /// By what a coin of a holding grows in one step.
    pub(super) fn growth(&self, holding: usize) -> f64 {
        self.holdings[holding].growth
    }

    /// Followed quantity at the end of `step` before production and sales, and after them.
    pub(super) fn followed(&self, holding: usize, follows: Follows, step: usize) -> (f64, f64) {
        self.holdings[holding].followed_base[follows as usize][step]
    }
}

/// A followed quantity before and after a step's production and sales, the same where it changes by rounding alone.
fn without_rounding(before: f64, after: f64) -> (f64, f64) {
    if (after - before).abs() <= ROUNDING_FRAC * before.abs().max(after.abs()) {
        (before, before)
    } else {
        (before, after)
    }
}

impl HoldingSchedule {
    fn new(holding: &HoldingPlan, steps: usize, step_years: f64) -> Self {
        let mut sold_base = vec![0.0; steps + 1];
        for sale in &holding.sales {
            sold_base[sale.step as usize] += sale.quantity_base;
        }
        let mut produced_base = vec![0.0; steps + 1];
        let mut production_usd = vec![0.0; steps + 1];
        for produced in &holding.production {
            produced_base[produced.step as usize] += produced.quantity_base;
            production_usd[produced.step as usize] += produced.cost_usd;
        }
        let mut to_come_base = vec![0.0; steps + 1];
        for step in (0..steps).rev() {
            to_come_base[step] = to_come_base[step + 1] + produced_base[step + 1];
        }
        let has_staking = holding.staking_yield_annual != 0.0;
        let growth = if has_staking {
            exp(ln(1.0 + holding.staking_yield_annual) * step_years)
        } else {
            1.0
        };
        let mut quantity_base = holding.quantity_base;
        let mut before_base = vec![quantity_base];
        let mut after_base = vec![quantity_base];
        for step in 1..=steps {
            quantity_base *= growth;
            before_base.push(quantity_base);
            quantity_base += produced_base[step];
            if step == steps {
                sold_base[step] = quantity_base;
                quantity_base = 0.0;
            } else {
                quantity_base -= sold_base[step];
            }
            after_base.push(quantity_base);
        }
        let at_hand = before_base.iter().zip(&after_base);
        let inventory_base = at_hand
            .clone()
            .map(|(&before, &after)| without_rounding(before, after))
            .collect();
        let expected_base = at_hand
            .zip(to_come_base.iter().zip(&produced_base))
            .map(|((before, after), (to_come, produced))| {
                without_rounding(before + to_come + produced, after + to_come)
            })
            .collect();
        Self {
            followed_base: [inventory_base, expected_base],
            before_base,
            after_base,
            total_base: sold_base.iter().sum(),
            sold_base,
            production_usd,
            produced_base,
            has_staking,
            growth: growth - 1.0,
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;
    use crate::plan::types::{ProductionPlan, SalePlan};

    fn holding() -> HoldingPlan {
        HoldingPlan {
            asset: 0,
            quantity_base: 10.0,
            sales: vec![
                SalePlan {
                    step: 1,
                    quantity_base: 4.0,
                },
                SalePlan {
                    step: 2,
                    quantity_base: 2.0,
                },
            ],
            production: vec![
                ProductionPlan {
                    step: 2,
                    quantity_base: 2.0,
                    cost_usd: 70.0,
                },
                ProductionPlan {
                    step: 3,
                    quantity_base: 3.0,
                    cost_usd: 90.0,
                },
            ],
            staking_yield_annual: 0.0,
        }
    }

    #[test]
    fn production_comes_before_sales_and_everything_is_sold_at_the_horizon() {
        let schedule = HoldingSchedule::new(&holding(), 3, 1.0 / 365.0);
        assert_eq!(schedule.before_base, [10.0, 10.0, 6.0, 6.0]);
        assert_eq!(schedule.after_base, [10.0, 6.0, 6.0, 0.0]);
        assert_eq!(schedule.sold_base, [0.0, 4.0, 2.0, 9.0]);
        let schedule = Schedule {
            holdings: vec![schedule],
            has_trade: vec![],
        };
        // What is sold as produced changes what is expected, not what is at hand.
        assert_eq!(schedule.followed(0, Follows::Inventory, 2), (6.0, 6.0));
        assert_eq!(schedule.followed(0, Follows::Expected, 2), (11.0, 9.0));
        assert_eq!(schedule.followed(0, Follows::Expected, 1), (15.0, 11.0));
        assert_eq!(schedule.followed(0, Follows::Expected, 3), (9.0, 0.0));
        assert_eq!(schedule.total_base(0), 15.0);
    }

    #[test]
    fn staking_compounds() {
        let plan = HoldingPlan {
            staking_yield_annual: 0.21,
            sales: vec![],
            production: vec![],
            ..holding()
        };
        let schedule = HoldingSchedule::new(&plan, 2, 0.5);
        assert!((schedule.before_base[1] - 11.0).abs() < 1e-13);
        assert!((schedule.sold_base[2] - 12.1).abs() < 1e-13);
    }
}

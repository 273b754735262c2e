//! A programme in which everything happens at once: prices move, margin is checked at where they land, all is closed there.

use crate::market::script::Script;
use crate::plan::types::{
    AfterLiquidation, ContractKind, Crossing, FundingPlan, OrderStyle, Plan, ProductionPlan,
    ReportPlan,
};

/// Length of a step in which nothing can accrue, days.
const NO_DAYS: f64 = 1e-12;

/// Prices move in the one step there is: its end is the horizon, at which margin is checked and then all is closed. Hedges trade at the ends
/// of steps before the horizon alone (rebalancing of every kind, bands, switches, rolls, orders in parts, following an inventory, a new hedge
/// after a liquidation), so that nothing trades after the move.
const STEPS: u32 = 1;

/// A step that never comes.
const NEVER: u32 = 1_000_000;

/// The plan as it stands just after time 0, with its horizon at the same moment: no funding, carry, interest or time value accrues,
/// nothing is sold, rolled, called, rebalanced or opened anew after it, and margin is checked at the prices on which a move lands. What
/// hedges do at time 0, before it, is the plan's: a hedge that is on is brought to its ratio where its rule asks for it.
pub(super) fn at_once(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.simulation.steps = STEPS;
    plan.simulation.step_days = NO_DAYS;
    plan.simulation.horizon_days = f64::from(STEPS) * NO_DAYS;
    plan.simulation.crossing = Crossing::Endpoints;
    plan.cost_of_funds_annual = 0.0;
    plan.report = ReportPlan::default();
    for holding in &mut plan.holdings {
        holding.sales.clear();
        holding.staking_yield_annual = 0.0;
        // What is still to be produced is there at the horizon: hedges may follow it.
        let made = holding.production.iter();
        let (quantity_base, cost_usd) = made.fold((0.0, 0.0), |(quantity, cost), made| {
            (quantity + made.quantity_base, cost + made.cost_usd)
        });
        holding.production.clear();
        if quantity_base > 0.0 {
            holding.production.push(ProductionPlan {
                step: STEPS,
                quantity_base,
                cost_usd,
            });
        }
    }
    for contract in &mut plan.market.contracts {
        match &mut contract.kind {
            ContractKind::Perpetual { funding, .. } => *funding = FundingPlan::None,
            ContractKind::Dated(dated) => {
                dated.expiries.truncate(1);
                for expiry in &mut dated.expiries {
                    expiry.step = NEVER;
                    expiry.roll_step = None;
                }
            }
            ContractKind::Option(option) => option.expiry_step = NEVER,
        }
    }
    for hedge in &mut plan.hedges {
        hedge.switch = None;
        if matches!(hedge.order.style, OrderStyle::Twap { .. }) {
            hedge.order.style = OrderStyle::Single;
        }
    }
    for account in &mut plan.accounts {
        account.margin_call = None;
        account.leaves_at = None;
        account.after_liquidation = AfterLiquidation::StayFlat;
    }
    plan
}

/// A move of some assets' spots by a log return, and of every `ln(F/S)` by `basis`, in the first step of a plan that happens at once.
pub(super) fn moved(plan: &Plan, assets: &[usize], log_move: f64, basis: f64) -> Script {
    let mut script = Script::still(plan);
    for &asset in assets {
        for spot_usd in &mut script.spot_usd[asset][1..] {
            *spot_usd *= log_move.exp();
        }
    }
    script.move_basis(plan, |_| basis);
    script
}

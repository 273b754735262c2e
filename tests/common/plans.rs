//! A proptest strategy for valid plans that hurt: high leverage, jumps, calls that arrive late, sales, re-entries.

mod hedging;
mod market;

use hedgesim::plan::types::{Crossing, FundingPlan, Plan, ReportPlan, SimulationPlan, StressPlan};
use proptest::prelude::*;

/// Any valid plan of one holding, one hedge and one account. What the venue would refuse is never drawn.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    simulation().prop_flat_map(|simulation| {
        let steps = simulation.steps;
        let step_hours = simulation.step_days * 24.0;
        (
            Just(simulation),
            market::any_market(step_hours),
            hedging::any_holding(steps),
        )
            .prop_flat_map(|(simulation, market, holding)| {
                let programme = hedging::any_programme(&simulation, &market, &holding);
                (
                    Just(simulation),
                    Just(market),
                    Just(holding),
                    programme,
                    costs(),
                )
                    .prop_map(
                        |(simulation, mut market, holding, programme, costs)| {
                            market.contracts[0].rules = programme.rules;
                            Plan {
                                simulation,
                                market,
                                holdings: vec![holding],
                                hedges: vec![programme.hedge],
                                accounts: vec![programme.account],
                                execution_slippage_frac: costs.0,
                                cost_of_funds_annual: costs.1,
                                stress: StressPlan::NONE,
                                report: ReportPlan::default(),
                            }
                        },
                    )
            })
    })
}

/// Execution slippage and cost of funds.
fn costs() -> impl Strategy<Value = (f64, f64)> {
    (zero_or(0.0..0.005), zero_or(0.0..0.3))
}

fn simulation() -> impl Strategy<Value = SimulationPlan> {
    let step_hours = prop::sample::select(vec![1.0, 2.0, 4.0, 8.0, 24.0]);
    let crossing = prop_oneof![3 => Just(Crossing::Bridge), 1 => Just(Crossing::Endpoints)];
    (3_u32..=60, step_hours, 1_u64..1_000_000, crossing).prop_map(
        |(steps, step_hours, seed, crossing)| {
            let step_days = step_hours / 24.0;
            SimulationPlan {
                title: "random".to_owned(),
                horizon_days: f64::from(steps) * step_days,
                step_days,
                steps,
                paths: 64,
                seed,
                crossing,
            }
        },
    )
}

/// Exactly 0 in one case of four, else drawn from a range.
fn zero_or(range: std::ops::Range<f64>) -> impl Strategy<Value = f64> + Clone {
    prop_oneof![1 => Just(0.0), 3 => range]
}

/// A correlation, its ends and 0 included.
fn any_correlation() -> impl Strategy<Value = f64> {
    prop_oneof![2 => Just(0.0), 1 => Just(1.0), 1 => Just(-1.0), 8 => -0.95..0.95]
}

/// Funding in all its kinds; `constant` needs a step that divides 8 hours.
fn any_funding(step_hours: f64) -> BoxedStrategy<FundingPlan> {
    let premium_formula = (
        zero_or(-0.0005..0.0005),
        zero_or(0.0..0.001),
        any_cap(),
        1_u32..=3,
    )
        .prop_map(
            move |(interest_per_8h, damper_per_8h, cap_per_8h, interval_steps)| {
                FundingPlan::PremiumFormula {
                    interest_per_8h,
                    damper_per_8h,
                    cap_per_8h,
                    interval_hours: f64::from(interval_steps) * step_hours,
                    interval_steps,
                }
            },
        );
    let Some(steps_per_8h) = (1..=8_u32).find(|&n| (f64::from(n) * step_hours - 8.0).abs() < 1e-9)
    else {
        return prop_oneof![Just(FundingPlan::None), premium_formula].boxed();
    };
    let constant = (-0.002..0.002).prop_map(move |rate_per_8h| FundingPlan::Constant {
        rate_per_8h,
        interval_steps: steps_per_8h,
    });
    prop_oneof![Just(FundingPlan::None), constant, premium_formula].boxed()
}

fn any_cap() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::INFINITY), 0.0005..0.01]
}

//! Dated futures: carry, rolls, settlement, switches.

use hedgesim::plan::types::{
    ContractKind, DatedPlan, Expiry, FundingPlan, OuBasis, Plan, SwitchPlan,
};

use crate::common::slow_book::{Draws, SlowRow, run};
use crate::common::small_plan::small_plan;
use crate::common::tapes;
use crate::{assert_column, assert_identity};

/// One unit held and short of a chain whose contracts live `tau` years and are left `early` years before expiry, one
/// roll a step.
fn chain(steps: u32, tau: f64, early: f64) -> Plan {
    let mut plan = small_plan(steps);
    plan.simulation.step_days = 365.0 * tau;
    plan.simulation.horizon_days = f64::from(steps) * 365.0 * tau;
    plan.holdings[0].quantity_base = 1.0;
    plan.accounts[0].collateral_usd = 1_000.0;
    let expiries = (1..=steps)
        .map(|n| Expiry {
            years: f64::from(n) * tau + early,
            step: if early > 0.0 { n + 1 } else { n },
            roll_step: (n < steps).then_some(n),
        })
        .collect();
    plan.market.contracts[0].kind = ContractKind::Dated(DatedPlan {
        carry: OuBasis::NONE,
        slope_per_year: 0.0,
        expiries,
    });
    plan
}

fn run_carry(plan: &Plan, spots_usd: &[f64], carry: f64) -> SlowRow {
    let carries = vec![carry; spots_usd.len()];
    let tape = tapes::of_spots_and_carries(plan, spots_usd, &carries);
    let row = run(plan, &tape, Draws::Always(1.0));
    assert_identity(&row);
    row
}

fn short_usd(row: &SlowRow) -> f64 {
    row.get("hedged_pnl_usd") - row.get("unhedged_pnl_usd")
}

/// Twelve monthly rolls on a flat spot: the short earns contango and pays backwardation.
#[test]
fn rolls_earn_contango_and_pay_backwardation() {
    let plan = chain(12, 1.0 / 12.0, 0.0);
    for (carry, expected) in [(0.12, 12.060_200_501), (-0.12, -11.940_199_501)] {
        let row = run_carry(&plan, &[100.0; 13], carry);
        assert!(
            (short_usd(&row) - expected).abs() < 1e-8,
            "{}",
            short_usd(&row)
        );
        assert!((row.get("carry_usd") - expected).abs() < 1e-8);
        assert_column(&row, "curve_usd", 0.0);
        assert_column(&row, "roll_usd", 0.0);
    }
}

/// The path 100, 110, 95, 120, rolled at expiry and five days before.
#[test]
fn a_rolled_short_on_a_fixed_path() {
    let spots_usd = [100.0, 110.0, 95.0, 120.0];
    for (early, expected) in [(0.0, -10.711_367_144_2), (5.0 / 365.0, -10.728_989_351)] {
        let row = run_carry(&chain(3, 0.25, early), &spots_usd, 0.12);
        assert!(
            (short_usd(&row) - expected).abs() < 1e-8,
            "{}",
            short_usd(&row)
        );
        assert_column(&row, "tracking_usd", 0.0);
        assert_column(&row, "ideal_offset_usd", -20.0);
    }
}

/// Two trades at each roll, near and far; the settlement at the end costs its delivery fee alone.
#[test]
fn rolls_cost_fee_and_slippage_on_both_legs() {
    let mut plan = chain(2, 0.25, 0.0);
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    plan.market.contracts[0].rules.delivery_fee_frac = 0.000_5;
    plan.execution_slippage_frac = 0.002;
    let row = run_carry(&plan, &[100.0, 110.0, 120.0], 0.0);
    // Entry at 100, roll 110 + 110, settlement at 120.
    assert_column(&row, "fees_usd", -0.1 - 0.22 - 0.06);
    assert_column(&row, "slippage_usd", -0.2);
    assert_column(&row, "roll_usd", -0.44);
    assert_column(&row, "entry_cost_usd", 0.3);
    assert_column(&row, "roll_cost_usd", 0.66);
    assert_column(&row, "exit_cost_usd", 0.06);
}

/// A carry that rises after entry takes nothing from who holds to expiry: what was entered is earned. Who leaves before pays for it.
#[test]
fn carry_and_curve_are_told_apart() {
    let of_expiry = |step: u32| {
        let mut plan = chain(2, 0.25, 0.0);
        let ContractKind::Dated(dated) = &mut plan.market.contracts[0].kind else {
            unreachable!()
        };
        dated.expiries = vec![Expiry {
            years: 0.25 * f64::from(step),
            step,
            roll_step: None,
        }];
        let tape = tapes::of_spots_and_carries(&plan, &[100.0; 3], &[0.1, 0.2, 0.2]);
        run(&plan, &tape, Draws::Always(1.0))
    };
    // Entry at 100 e^0.05, settled at 100.
    let row = of_expiry(2);
    assert_column(&row, "futures_basis_usd", 100.0 * (0.05_f64.exp() - 1.0));
    assert_column(&row, "curve_usd", 0.0);
    assert_column(&row, "carry_usd", 100.0 * (0.05_f64.exp() - 1.0));
    // Entry at 100 e^0.075, closed at 100 e^0.05 with a quarter left.
    let row = of_expiry(3);
    let curve_usd = -100.0 * (0.05_f64.exp() - 0.025_f64.exp());
    assert_column(&row, "curve_usd", curve_usd);
    assert_column(
        &row,
        "carry_usd",
        100.0 * (0.075_f64.exp() - 0.025_f64.exp()),
    );
}

/// A settled leg is over: what the spot does later is tracking.
#[test]
fn a_settled_hedge_covers_nothing_any_more() {
    let mut plan = chain(2, 0.25, 0.0);
    let ContractKind::Dated(dated) = &mut plan.market.contracts[0].kind else {
        unreachable!()
    };
    dated.expiries.truncate(1);
    dated.expiries[0].roll_step = None;
    let row = run_carry(&plan, &[100.0, 110.0, 150.0], 0.0);
    assert_column(&row, "ideal_offset_usd", -50.0);
    assert_column(&row, "tracking_usd", 40.0);
    assert_column(&row, "hedged_pnl_usd", 40.0);
}

/// The perpetual's funding is poor at the second stamp, and good again at the fourth.
#[test]
fn a_leg_switches_on_the_mean_of_its_funding() {
    let mut plan = chain(6, 0.05, 0.0);
    let mut perpetual = small_plan(1).market.contracts[0].clone();
    perpetual.kind = ContractKind::Perpetual {
        basis: OuBasis::NONE,
        funding: FundingPlan::PremiumFormula {
            interest_per_8h: 0.0,
            damper_per_8h: 0.0,
            cap_per_8h: 1.0,
            interval_hours: 16.0,
            interval_steps: 1,
        },
    };
    perpetual.rules.taker_fee_frac = 0.001;
    plan.market.contracts.insert(0, perpetual);
    let ContractKind::Dated(dated) = &mut plan.market.contracts[1].kind else {
        unreachable!()
    };
    dated.expiries = vec![Expiry {
        years: 1.0,
        step: 20,
        roll_step: None,
    }];
    plan.hedges[0].switch = Some(SwitchPlan {
        to: 1,
        window_stamps: 2,
        below_per_8h: 0.0,
        back_above_per_8h: 0.000_4,
    });
    let mut tape = tapes::of_spots_and_carries(&plan, &[100.0; 7], &[0.1; 7]);
    // Means of two, per 8 hours, from the second stamp on: -0.0005 (leaves), 0.00025 (stays away), 0.001 (returns), 0.
    tape.funding_rate[0] = vec![0.0, 0.001, -0.003, 0.004, 0.0, 0.0, 0.0];
    let row = run(&plan, &tape, Draws::Always(1.0));
    assert_identity(&row);
    // Away in steps 3 and 4.
    assert_column(&row, "funding_usd", 100.0 * (0.001 - 0.003));
    let left = 1.0 - 2.0 * 0.05;
    let back = 1.0 - 4.0 * 0.05;
    let basis_usd = 100.0 * ((0.1_f64 * left).exp() - (0.1_f64 * back).exp());
    assert_column(&row, "carry_usd", basis_usd);
    // Entry, out of the perpetual, into it again, exit; the future has no fee.
    assert_column(&row, "fees_usd", -0.4);
    assert_column(&row, "roll_cost_usd", 0.2);
}

//! Dated futures by hand: carry, rolls, settlement, switching.

use hedgesim::outcome::column::{Column, Extra};
use hedgesim::plan::types::{
    ContractKind, ContractPlan, DatedPlan, Expiry, FundingPlan, OuBasis, Plan, SwitchPlan,
};

use crate::common::small_plan::small_plan;
use crate::fixed::{FixedPath, near, run};

/// One coin at 100 USD, shorted with a chain of dated futures; a step is `step_days` long.
fn dated_plan(steps: u32, step_days: f64, expiries: Vec<Expiry>) -> Plan {
    let mut plan = small_plan(steps);
    plan.simulation.step_days = step_days;
    plan.simulation.horizon_days = step_days * f64::from(steps);
    plan.holdings[0].quantity_base = 1.0;
    plan.accounts[0].collateral_usd = 1000.0;
    plan.market.contracts[0].kind = dated(expiries);
    plan
}

fn dated(expiries: Vec<Expiry>) -> ContractKind {
    ContractKind::Dated(DatedPlan {
        carry: OuBasis::NONE,
        slope_per_year: 0.0,
        expiries,
    })
}

fn expiry(step: u32, step_years: f64, roll_step: Option<u32>) -> Expiry {
    Expiry {
        years: f64::from(step) * step_years,
        step,
        roll_step,
    }
}

fn with_carry(plan: &mut Plan, carry: f64) {
    for contract in &mut plan.market.contracts {
        if let Some(process) = contract.process_mut() {
            process.initial = carry;
            process.mean = carry;
        }
    }
}

/// Twelve monthly contracts on a flat spot of 100, each rolled as it expires: `12 x 100 (e^{c/12} - 1)`, positive in contango.
/// (Rolled at expiry itself: near mark and spot are one.)
#[test]
fn twelve_rolls_on_a_flat_spot_earn_the_carry() {
    for (carry, expected) in [(0.12, 12.060_200_501), (-0.12, -11.940_199_501)] {
        let year = 1.0 / 12.0;
        let expiries = (1..=12)
            .map(|n| expiry(n, year, (n < 12).then_some(n)))
            .collect();
        let mut plan = dated_plan(12, 365.0 / 12.0, expiries);
        with_carry(&mut plan, carry);
        let mut path = FixedPath::of_spots(&plan, &[100.0; 13]);
        path.carry[0] = vec![carry; 13];
        let row = run(&plan, &path);
        near("hedged", row.of(Column::HedgedPnl), expected, 1e-8);
        near("carry", row.extra(Extra::Carry), expected, 1e-8);
        near("curve", row.extra(Extra::Curve), 0.0, 1e-12);
        near("basis", row.of(Column::FuturesBasis), expected, 1e-8);
        near("identity", row.residual_usd(), 0.0, 1e-9);
    }
}

/// 100, 110, 95, 120 by quarters with a carry of 12 %: the short makes -20 + (e^{0.03} - 1) 305.
#[test]
fn quarterly_rolls_meet_reference_digits() {
    let expiries = (1..=3)
        .map(|n| expiry(n, 0.25, (n < 3).then_some(n)))
        .collect();
    let mut plan = dated_plan(3, 365.0 / 4.0, expiries);
    with_carry(&mut plan, 0.12);
    let mut path = FixedPath::of_spots(&plan, &[100.0, 110.0, 95.0, 120.0]);
    path.carry[0] = vec![0.12; 4];
    let row = run(&plan, &path);
    let short = row.of(Column::HedgedPnl) - row.of(Column::UnhedgedPnl);
    near("short", short, -10.711_367_144_2, 1e-8);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// The same rolled five days early each time, at the same spots: over-hedged by `e^{c d}`.
#[test]
fn rolls_before_expiry_meet_reference_digits() {
    // Steps end at the rolls; each contract expires five days after its own.
    let step = 0.25;
    let early = 5.0 / 365.0;
    let expiries = (1..=3)
        .map(|n| Expiry {
            years: f64::from(n) * step + early,
            step: n + 1,
            roll_step: (n < 3).then_some(n),
        })
        .collect();
    let mut plan = dated_plan(3, 365.0 / 4.0, expiries);
    with_carry(&mut plan, 0.12);
    let mut path = FixedPath::of_spots(&plan, &[100.0, 110.0, 95.0, 120.0]);
    path.carry[0] = vec![0.12; 4];
    let row = run(&plan, &path);
    let short = row.of(Column::HedgedPnl) - row.of(Column::UnhedgedPnl);
    near("short", short, -10.728_989_351, 1e-8);
}

/// Settled at the spot with the delivery fee, and bare from then on.
#[test]
fn a_future_that_expires_is_settled_at_the_spot() {
    let year = 1.0 / 365.0;
    let mut plan = dated_plan(4, 1.0, vec![expiry(2, year, None)]);
    plan.market.contracts[0].rules.delivery_fee_frac = 0.001;
    plan.market.contracts[0].rules.taker_fee_frac = 0.002;
    with_carry(&mut plan, 3.65);
    let mut path = FixedPath::of_spots(&plan, &[100.0, 90.0, 80.0, 70.0, 130.0]);
    path.carry[0] = vec![3.65; 5];
    let row = run(&plan, &path);
    let start = 100.0 * 0.02f64.exp();
    near("fees", row.of(Column::Fees), -0.002 * start - 0.08, 1e-12);
    near("exit", row.extra(Extra::ExitCost), 0.08, 1e-12);
    near("entry", row.extra(Extra::EntryCost), 0.002 * start, 1e-12);
    let short = row.of(Column::HedgedPnl) - row.of(Column::UnhedgedPnl);
    near("short", short, start - 80.0 - 0.002 * start - 0.08, 1e-10);
    // Nothing covers the last two days: what the ideal hedge makes there, tracking takes back.
    near("ideal", row.of(Column::IdealOffset), -30.0, 1e-12);
    near("tracking", row.of(Column::Tracking), 50.0, 1e-10);
    near("gap", row.of(Column::LiquidationGap), 0.0, 0.0);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

/// A roll costs fee and slippage on both legs, and nothing else moves.
#[test]
fn a_roll_costs_both_legs() {
    let year = 1.0 / 365.0;
    let expiries = vec![expiry(3, year, Some(1)), expiry(30, year, None)];
    let mut plan = dated_plan(2, 1.0, expiries);
    plan.execution_slippage_frac = 0.001;
    plan.market.contracts[0].rules.taker_fee_frac = 0.0005;
    with_carry(&mut plan, 1.0);
    let mut path = FixedPath::of_spots(&plan, &[100.0, 100.0, 100.0]);
    path.carry[0] = vec![1.0; 3];
    let row = run(&plan, &path);
    let (near_usd, far_usd) = (100.0 * (2.0 * year).exp(), 100.0 * (29.0 * year).exp());
    let both = near_usd + far_usd;
    near("roll", row.extra(Extra::Roll), -0.001 * both, 1e-12);
    near(
        "roll cost",
        row.extra(Extra::RollCost),
        0.0015 * both,
        1e-12,
    );
    near("identity", row.residual_usd(), 0.0, 1e-9);
    // Carry: the first day of the near contract and the second of the far one.
    let carry = 100.0
        * ((3.0 * year).exp() - (2.0 * year).exp() + (29.0 * year).exp() - (28.0 * year).exp());
    near("carry", row.extra(Extra::Carry), carry, 1e-10);
}

/// The carry of the entry runs off; what is different in the end is the curve's.
#[test]
fn a_steeper_curve_is_booked_apart() {
    let year = 1.0 / 365.0;
    let mut plan = dated_plan(2, 1.0, vec![expiry(100, year, None)]);
    with_carry(&mut plan, 0.1);
    let mut path = FixedPath::of_spots(&plan, &[100.0, 100.0, 100.0]);
    path.carry[0] = vec![0.1, 0.3, 0.3];
    let row = run(&plan, &path);
    let mark = |carry: f64, days: f64| 100.0 * (carry * days * year).exp();
    let curve = -(mark(0.3, 98.0) - mark(0.1, 98.0));
    near("curve", row.extra(Extra::Curve), curve, 1e-10);
    let all = mark(0.1, 100.0) - mark(0.3, 98.0);
    near("basis", row.of(Column::FuturesBasis), all, 1e-10);
    near("carry", row.extra(Extra::Carry), all - curve, 1e-10);

    // Who holds to expiry earns what he entered at.
    let mut plan = dated_plan(2, 1.0, vec![expiry(2, year, None)]);
    with_carry(&mut plan, 0.1);
    let mut path = FixedPath::of_spots(&plan, &[100.0, 90.0, 110.0]);
    path.carry[0] = vec![0.1, 0.3, 0.3];
    let row = run(&plan, &path);
    near("curve", row.extra(Extra::Curve), 0.0, 1e-12);
    let entered = mark(0.1, 2.0) - 100.0;
    near("carry", row.extra(Extra::Carry), entered, 1e-10);
}

/// Poor funding sends the hedge into the dated contract; when that is settled it returns.
#[test]
fn a_hedge_leaves_poor_funding_and_returns_at_settlement() {
    let year = 1.0 / 365.0;
    let mut plan = small_plan(6);
    plan.holdings[0].quantity_base = 1.0;
    plan.accounts[0].collateral_usd = 1000.0;
    plan.execution_slippage_frac = 0.001;
    let perpetual = plan.market.contracts[0].clone();
    if let Some(funding) = plan.market.contracts[0].funding_mut() {
        *funding = FundingPlan::Constant {
            rate_per_8h: 0.0,
            interval_steps: 1,
        };
    }
    plan.market.contracts.push(ContractPlan {
        name: "dated".to_owned(),
        kind: dated(vec![expiry(5, year, None)]),
        ..perpetual
    });
    plan.hedges[0].switch = Some(SwitchPlan {
        to: 1,
        window_stamps: 2,
        below_per_8h: 0.0,
        back_above_per_8h: f64::INFINITY,
    });
    let mut path = FixedPath::of_spots(&plan, &[100.0; 7]);
    path.carry[1] = vec![0.0; 7];
    path.rates[0] = [0.0, 0.01, 0.02, -0.05, 0.01, 0.01, 0.03]
        .map(Some)
        .to_vec();
    let row = run(&plan, &path);
    // Stamps 1 to 3 are paid; after the third the mean is under 0 and the hedge is away until step 5; then the sixth.
    near(
        "funding",
        row.of(Column::Funding),
        1.0 + 2.0 - 5.0 + 3.0,
        1e-10,
    );
    // Out and in at step 3, in at step 5.
    near("roll", row.extra(Extra::Roll), -0.3, 1e-12);
    near("exit", row.extra(Extra::ExitCost), 0.1, 1e-12);
    near("identity", row.residual_usd(), 0.0, 1e-9);
}

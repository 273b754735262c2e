//! Where a liquidation is filled and what it costs: levels, gaps, bridges, worked out in the comments.
//!
//! Unless a test says else: 10 ETH at 100, short 10, collateral 200, maintenance margin 10 %, so the level is
//! 1200 / 11 = 109.0909.

use hedgesim::engine::tape::{Jump, Tape, WithinStep};
use hedgesim::plan::types::{Crossing, Plan};
use hedgesim::venue::rules::{MarginBracket, Remainder};

use crate::common::slow_ledger::run;
use crate::common::small_plan::small_plan;
use crate::common::tapes;
use crate::{assert_identity, assert_usd};

fn bridge_plan(steps: u32) -> Plan {
    let mut plan = small_plan(steps);
    plan.simulation.crossing = Crossing::Bridge;
    plan
}

#[test]
fn a_diffusive_crossing_fills_at_the_level_of_its_bracket() {
    let mut plan = bridge_plan(1);
    plan.accounts[0].collateral_usd = 300.0;
    plan.accounts[0].liquidation_slippage_frac = 0.02;
    let rules = &mut plan.market.contracts[0].rules;
    rules.brackets[0].cap_usd = 1_000.0;
    rules.brackets.push(MarginBracket {
        floor_usd: 1_000.0,
        cap_usd: f64::INFINITY,
        rate: 0.2,
        deduction_usd: 100.0,
        max_leverage: None,
    });
    rules.liquidation_fee_frac = 0.01;
    rules.fee_in_trigger = true;
    rules.remainder = Remainder::Forfeited;
    let tape = tapes::of_prices(&[100.0, 120.0]);

    // Second bracket: 1300 - 10 L = 0.2 * 10 L - 100 + 0.01 * 10 L, L = 1400 / 12.1 = 115.7024793, notional
    // 1157.024793, equity 142.9752066, maintenance 131.4049587.
    let level_usd = 1_400.0 / 12.1;
    let out = run(&plan, &tape);
    assert_usd(out.min_equity_usd, 142.975_206_6);
    assert_usd(out.max_margin_ratio.unwrap(), 131.404_958_7 / 142.975_206_6);
    // Slippage 23.1404959, fee 0.01 * 1180.1652893 = 11.8016529, the other 108.0330579 forfeited: all is lost.
    assert_usd(out.liquidation_usd, -142.975_206_6);
    assert_usd(out.bankruptcy_loss_usd, 0.0);
    assert_usd(out.liquidation_gap_usd, 10.0 * (120.0 - level_usd));
    assert_usd(out.hedged_pnl_usd, 200.0 - 300.0);
    assert_identity(&out);

    plan.market.contracts[0].rules.remainder = Remainder::Returned;
    let out = run(&plan, &tape);
    assert_usd(out.liquidation_usd, -23.140_495_9 - 11.801_652_9);
    assert_usd(out.hedged_pnl_usd, 200.0 - 300.0 + 108.033_057_9);
    assert_identity(&out);

    // Without the fee in the trigger the level is 1400 / 12.
    plan.market.contracts[0].rules.fee_in_trigger = false;
    assert_usd(
        run(&plan, &tape).liquidation_gap_usd,
        1_200.0 - 14_000.0 / 12.0,
    );
}

/// One step from 100 to `end_usd` with one jump in its middle.
fn jump_tape(end_usd: f64, jump_factor: f64) -> Tape {
    let mut tape = tapes::of_prices(&[100.0, end_usd]);
    tape.within[0][1] = WithinStep {
        jumps: vec![Jump {
            time_frac: 0.5,
            log_size: jump_factor.ln(),
        }],
        anchor_normals: vec![0.7],
        bridge_uniforms: vec![1.0, 1.0],
    };
    tape
}

#[test]
fn a_gap_beyond_bankruptcy_is_borne_by_the_insurance_fund() {
    let mut plan = bridge_plan(1);
    plan.market.contracts[0].rules.liquidation_fee_frac = 0.01;
    let out = run(&plan, &jump_tape(130.0, 1.4));
    // Without diffusion the drift is even: before the jump 100 sqrt(1.3 / 1.4) = 96.36, after it 100 sqrt(1.3 * 1.4)
    // = 134.9073756. Equity there 1200 - 1349.073756 = -149.073756, fee 13.4907376, the fund bears 162.5644936.
    assert_usd(out.bankruptcy_loss_usd, 162.564_493_2);
    assert_usd(out.liquidation_usd, 149.073_755_6);
    assert_usd(out.liquidation_gap_usd, 10.0 * (130.0 - 134.907_375_6));
    assert_usd(out.min_equity_usd, -149.073_755_6);
    assert_eq!(out.max_margin_ratio, None);
    assert_usd(out.hedged_pnl_usd, 300.0 - 200.0);
    assert_identity(&out);
}

#[test]
fn a_jump_that_comes_back_is_seen_by_the_bridge_and_not_by_endpoints() {
    // 1.2 up in the middle, 100 at the end: lands at 100 sqrt(1.2) = 109.5445115, beyond 109.0909.
    let tape = jump_tape(100.0, 1.2);
    let out = run(&bridge_plan(1), &tape);
    assert_eq!(out.liquidations, 1);
    // The holding made nothing, the account 1200 - 1095.445115 = 104.554885 of its 200.
    assert_usd(out.hedged_pnl_usd, -95.445_115_0);
    assert_identity(&out);
    assert_eq!(run(&small_plan(1), &tape).liquidations, 0);
}

#[test]
fn two_jumps_add_up() {
    let mut tape = tapes::of_prices(&[100.0, 100.0]);
    let jump = |time_frac| Jump {
        time_frac,
        log_size: 1.1_f64.ln(),
    };
    tape.within[0][1] = WithinStep {
        jumps: vec![jump(0.25), jump(0.5)],
        anchor_normals: vec![0.0; 2],
        bridge_uniforms: vec![1.0; 3],
    };
    // Between them the mark drifts down by 1.21 a step: 1.1 / 1.21^0.25 = 1.0488 after the first, then
    // 1.21 / 1.21^0.5 = 1.1, beyond the level: filled at 110, half of the 200 is lost.
    let out = run(&bridge_plan(1), &tape);
    assert_usd(out.hedged_pnl_usd, -100.0);
    assert_identity(&out);
}

#[test]
fn the_bridge_crosses_with_its_probability() {
    let plan = bridge_plan(1);
    let mut tape = tapes::of_prices(&[100.0, 100.0]);
    tape.step_variance = vec![0.04];
    // ln(1.0909...)^2 = 0.0870114^2 = 0.0075710; exp(-2 * 0.0075710 / 0.04) = 0.68486.
    for (uniform, liquidations) in [(0.6848, 1), (0.6850, 0)] {
        tape.within[0][1].bridge_uniforms = vec![uniform];
        let out = run(&plan, &tape);
        assert_eq!(out.liquidations, liquidations, "{uniform}");
        // Filled at the level: 10 * (100 - 109.0909), the planned short got it back.
        assert_usd(
            out.liquidation_gap_usd,
            f64::from(liquidations) * -90.909_090_9,
        );
        assert_identity(&out);
    }
}

#[test]
fn each_segment_between_jumps_has_its_own_bridge() {
    let plan = bridge_plan(1);
    let mut tape = tapes::of_prices(&[100.0, 100.0]);
    tape.step_variance = vec![0.04];
    // A jump of size 0 at a quarter: variance there 0.04 * 0.25 * 0.75, standard deviation 0.0866025. A normal of 1
    // puts the mark at 109.0464, 0.0004089 (in logs) under the level. First segment, variance 0.01:
    // exp(-2 * 0.0870114 * 0.0004089 / 0.01) = 0.99291; second, variance 0.03: 0.99763. A normal of 1.01 is beyond.
    let cases = [
        (1.0, 0.9935, 0.998, 0),
        (1.0, 0.992, 0.998, 1),
        (1.0, 0.9935, 0.997, 1),
        (1.01, 1.0, 1.0, 1),
    ];
    for (normal, first, second, liquidations) in cases {
        tape.within[0][1] = WithinStep {
            jumps: vec![Jump {
                time_frac: 0.25,
                log_size: 0.0,
            }],
            anchor_normals: vec![normal],
            bridge_uniforms: vec![first, second],
        };
        assert_eq!(
            run(&plan, &tape).liquidations,
            liquidations,
            "{normal} {first} {second}"
        );
    }
}

#[test]
fn two_jumps_are_conditioned_one_after_the_other() {
    let plan = bridge_plan(1);
    let mut tape = tapes::of_prices(&[100.0, 100.0]);
    tape.step_variance = vec![0.04];
    // First anchor at 0.5: sd sqrt(0.04 * 0.25) = 0.1, normal -1: -0.1. Second at 0.75: mean -0.1 + 0.5 * 0.1 = -0.05,
    // sd sqrt(0.04 * 0.25 * 0.25 / 0.5) = 0.0707107, normal z: crosses from -0.05 + 0.0707107 z = 0.0870114, z = 1.93766.
    for (normal, liquidations) in [(1.937, 0), (1.938, 1)] {
        tape.within[0][1] = WithinStep {
            jumps: vec![
                Jump {
                    time_frac: 0.5,
                    log_size: 0.0,
                },
                Jump {
                    time_frac: 0.75,
                    log_size: 0.0,
                },
            ],
            anchor_normals: vec![-1.0, normal],
            bridge_uniforms: vec![1.0; 3],
        };
        assert_eq!(run(&plan, &tape).liquidations, liquidations, "{normal}");
    }
}

#[test]
fn a_mark_already_beyond_the_level_fills_where_the_step_starts() {
    let mut plan = bridge_plan(1);
    plan.accounts[0].collateral_usd = 100.0;
    plan.market.contracts[0].rules.taker_fee_frac = 0.001;
    let tape = tapes::of_prices(&[100.0, 80.0]);
    // The opening fee of 1 leaves 99, under the maintenance of 100: closed at 100, 99 back; -200 of the holding is bare.
    let out = run(&plan, &tape);
    assert_eq!(out.liquidation_day, Some(1.0));
    assert_usd(out.hedged_pnl_usd, -201.0);
    assert_usd(out.liquidation_gap_usd, -200.0);
    assert_usd(out.min_equity_usd, 99.0);
    assert_identity(&out);
    // Endpoints look at 80 only.
    plan.simulation.crossing = Crossing::Endpoints;
    let out = run(&plan, &tape);
    assert_eq!(out.liquidations, 0);
    assert_usd(out.hedged_pnl_usd, -1.8);
}

#[test]
fn a_step_that_liquidates_pays_no_funding() {
    let plan = bridge_plan(1);
    let mut tape = tapes::of_prices(&[100.0, 112.0]);
    tape.funding_rate[0][1] = 0.01;
    let out = run(&plan, &tape);
    assert_eq!(out.liquidations, 1);
    assert_usd(out.funding_usd, 0.0);
}

//! Scripts through the program's ledgers against the slow one, along the same prices.

use std::sync::atomic::AtomicBool;

use hedgesim::engine::scripted::play;
use hedgesim::engine::tape::{Jump, Tape, WithinStep};
use hedgesim::market::script::{Script, ScriptedMarket, without_noise};
use hedgesim::outcome::column::Column;
use hedgesim::plan::types::Plan;
use hedgesim::stress::course::Course;
use hedgesim::stress::episode::{Episode, select};
use hedgesim::stress::moments::Moment;

use crate::common::slow_book::{Draws, run};
use crate::shipped;

/// What is compared, by name.
const COLUMNS: [(Column, &str); 18] = [
    (Column::UnhedgedPnl, "unhedged_pnl_usd"),
    (Column::HedgedPnl, "hedged_pnl_usd"),
    (Column::IdealOffset, "ideal_offset_usd"),
    (Column::Tracking, "tracking_usd"),
    (Column::FuturesBasis, "futures_basis_usd"),
    (Column::Funding, "funding_usd"),
    (Column::Fees, "fees_usd"),
    (Column::Slippage, "slippage_usd"),
    (Column::Liquidation, "liquidation_usd"),
    (Column::LiquidationGap, "liquidation_gap_usd"),
    (Column::Financing, "financing_usd"),
    (Column::BankruptcyLoss, "bankruptcy_loss_usd"),
    (Column::LiquidationDay, "liquidation_day"),
    (Column::Liquidations, "liquidations"),
    (Column::MarginCalls, "margin_calls"),
    (Column::UnmetCall, "unmet_call_usd"),
    (Column::TopUp, "top_up_usd"),
    (Column::RequiredCollateral, "required_collateral_usd"),
];

/// The prices, rates and jumps of a script as the program plays it, for the slow ledger.
fn tape(plan: &Plan, script: &Script) -> Tape {
    let market = ScriptedMarket::new(plan);
    let model = market.model();
    let (mut state, mut tile) = (model.state(), model.tile());
    model.start(&mut state, &mut tile, 0);
    let contracts = &plan.market.contracts;
    let carry = |contract: &hedgesim::plan::types::ContractPlan| {
        let dated = contract.dated().map(|dated| dated.carry.initial);
        dated.into_iter().collect()
    };
    let mut tape = Tape {
        spot_usd: (0..plan.market.assets.len())
            .map(|a| vec![model.initial_spot_usd(a)])
            .collect(),
        mark_usd: (0..contracts.len())
            .map(|c| vec![model.initial_mark_usd(c)])
            .collect(),
        funding_rate: vec![vec![0.0]; contracts.len()],
        carry: contracts.iter().map(carry).collect(),
        jumps: vec![vec![Vec::new()]; plan.market.assets.len()],
        within: vec![vec![WithinStep::default()]; contracts.len()],
        step_variance: vec![0.0; contracts.len()],
    };
    let scripts = [script.clone()];
    while market.advance(&scripts, &mut state, &mut tile) {
        for k in 0..tile.steps {
            let jumps = |asset: usize| -> Vec<Jump> {
                let told = tile.lane_jumps(k, asset, 0).iter();
                told.map(|jump| Jump {
                    time_frac: jump.time_frac,
                    log_size: jump.log_size,
                })
                .collect()
            };
            for asset in 0..tape.spot_usd.len() {
                tape.spot_usd[asset].push(tile.spot_usd[asset][k][0]);
                tape.jumps[asset].push(jumps(asset));
            }
            for (c, contract) in contracts.iter().enumerate() {
                tape.mark_usd[c].push(tile.mark_usd[c][k + 1][0]);
                let rate = tile.is_stamp[c][k].then_some(tile.funding_rate[c][k][0]);
                tape.funding_rate[c].push(rate.unwrap_or(0.0));
                if contract.dated().is_some() {
                    tape.carry[c].push(tile.carry[c][k + 1][0]);
                }
                let jumps = jumps(contract.underlying);
                tape.within[c].push(WithinStep {
                    anchor_normals: vec![0.0; jumps.len()],
                    bridge_uniforms: vec![1.0; jumps.len() + 1],
                    jumps,
                });
            }
        }
    }
    tape
}

/// Compares one script; returns whether it liquidates.
fn compare(plan: &Plan, script: &Script, what: &str) -> bool {
    let plan = without_noise(plan);
    let stop = AtomicBool::new(false);
    let table = play(&plan, 1, &|_| script.clone(), &stop).expect("not interrupted");
    let slow = run(&plan, &tape(&plan, script), Draws::Always(1.0));
    let held = plan.holdings.iter();
    let held_usd: f64 = held
        .map(|holding| {
            let made = holding.production.iter().map(|made| made.quantity_base);
            let quantity_base = holding.quantity_base + made.sum::<f64>();
            quantity_base * plan.market.assets[holding.asset].spot_usd
        })
        .sum();
    let mut wrong = Vec::new();
    for (column, name) in COLUMNS {
        let (fast, slow) = (table.value(0, column as usize), slow.get(name));
        let is_same = fast.is_nan() && slow.is_nan() || (fast - slow).abs() <= 1e-9 * held_usd;
        if !is_same {
            wrong.push(format!("{name}: {fast} instead of {slow}"));
        }
    }
    assert!(wrong.is_empty(), "{what}: {wrong:#?}\n{:#?}", slow.events);
    table.value(0, Column::Liquidations as usize) > 0.0
}

fn episode(name: &str) -> &'static Episode {
    select(&[name.to_owned()]).expect("an episode")[0]
}

/// Linear and inverse, dated and perpetual, options, calls, sales, several accounts; at the start, late, after a drift.
#[test]
fn episodes_go_through_the_ledgers_as_through_the_slow_one() {
    let mut liquidated = 0;
    for name in [
        "btc-squeeze-25x",
        "btc-monthly-sales",
        "btc-coin-margined",
        "eth-futures-and-calls",
        "btc-perp-or-quarter-90d",
        "token-cross-beta",
        "miner-weekly-sales-roll",
    ] {
        let plan = shipped(name);
        let coins = vec!["BTC"; plan.market.assets.len()];
        for episode_name in ["2020-03", "2021-01", "2021-02", "2022-11", "2023-03"] {
            let course = Course::new(episode(episode_name), &coins);
            let steps = plan.simulation.steps as usize;
            for (step, drift_log) in [
                (0, 0.0),
                (steps / 2, 0.0),
                (steps / 2, 0.2),
                (steps - 2, 0.0),
            ] {
                let moment = Moment { step, drift_log };
                let script = course.script(&plan, &moment);
                let what = format!("{name} {episode_name} {moment:?}");
                liquidated += u32::from(compare(&plan, &script, &what));
            }
        }
    }
    assert!(liquidated >= 20, "{liquidated}");
}

/// Steps so coarse that a trough or a peak lies inside one.
#[test]
fn jumps_inside_coarse_steps_go_through_both_ledgers() {
    let mut plan = shipped("btc-squeeze-25x");
    let step_days = plan.simulation.step_days;
    // Whole numbers of steps stand in the plan; only their length is another.
    plan.simulation.step_days = 4.0;
    plan.simulation.horizon_days *= 4.0 / step_days;
    let course = Course::new(episode("2023-03"), &["BTC"]);
    let script = course.script(&plan, &Moment::START);
    assert!(script.jumps.len() >= 2, "{:?}", script.jumps);
    assert!(compare(&plan, &script, "coarse"));
}

/// Jumps in the middle of a step, up and back: only what is passed inside the step liquidates.
#[test]
fn a_jump_and_back_liquidates_where_it_lands() {
    let plan = shipped("btc-squeeze-25x");
    let mut script = Script::still(&plan);
    for (time_frac, log_size) in [(0.4, 0.3), (0.7, -0.3)] {
        script.jumps.push(hedgesim::market::script::ScriptedJump {
            step: 3,
            asset: 0,
            time_frac,
            log_size,
        });
    }
    assert!(compare(&plan, &script, "up and back"));
    script.jumps[0].log_size = 1e-3;
    script.jumps[1].log_size = -1e-3;
    assert!(!compare(&plan, &script, "hardly up and back"));
}

//! Hypothetical shocks: moves of spot and basis, slow moves without top-ups, funding at its cap, dearer margin.

use std::sync::atomic::AtomicBool;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play_with_shortfalls;
use crate::market::script::Script;
use crate::plan::types::{CallAction, Crossing, FundingPlan, HedgePlan, MarginCallPlan, Plan};
use crate::stress::back::{and_back, play_back};
use crate::stress::maintenance::{Dearer, MaintenanceRule, make_dearer};
use crate::stress::outcome::{CutOff, ROUNDED, StressOutcome};
use crate::stress::reverse::{UpDown, liquidating_moves};
use crate::stress::settings::Settings;

/// Time after which a shock to a basis has faded, days.
const FADING_DAYS: f64 = 1.0;

/// A shock and what it has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Shocked {
    /// What happens.
    pub shock: Shock,
    /// Its outcome.
    pub outcome: StressOutcome,
}

/// What happens in a hypothetical shock.
#[derive(Debug, Clone, PartialEq)]
pub enum Shock {
    /// All spots move at one moment just after the start, every `ln(F/S)` with them; prices then stand still, and the basis fades within a day.
    Instant {
        /// Move of the spots, a fraction.
        spot_move: f64,
        /// Move of `ln(F/S)`.
        basis_move: f64,
    },
    /// All spots move in a straight line of their logarithm, then stand still.
    Slow {
        /// Move of the spots, a fraction.
        spot_move: f64,
        /// How long it takes.
        days: f64,
        /// Whether money can be sent at calls.
        can_top_up: bool,
    },
    /// Prices stand still and every funding stamp goes against the hedge.
    Funding {
        /// Largest rate per 8 hours, without sign.
        rate_per_8h: f64,
        /// For how long.
        days: f64,
    },
    /// Prices stand still and the venue asks for more.
    Maintenance {
        /// How much more.
        rule: MaintenanceRule,
        /// What liquidated before, all spots together.
        before: UpDown,
        /// What liquidates now.
        after: UpDown,
        /// Whether there are written options whose margin is as before.
        options_stay: bool,
    },
}

/// Plays all of them; what a plan has no use for is left out, with a sentence that says why.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub fn hypothetical(
    plan: &Plan,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<(Vec<Shocked>, Vec<String>), SimulationError> {
    let mut done = instant(plan, settings, stop)?;
    let mut notes = Vec::new();
    done.extend(slow(plan, settings, stop)?);
    if plan.hedges.iter().all(HedgePlan::is_absent) {
        return Ok((done, notes));
    }
    match funding(plan, settings) {
        Ok((shock, script)) => {
            let played = play_with_shortfalls(plan, 1, &|_| script.clone(), stop)?;
            let mut outcome = StressOutcome::of(&played, 0, plan);
            outcome.cut_off = CutOff::of(plan, 0.0, settings.funding_days);
            done.push(Shocked { shock, outcome });
        }
        Err(why) => notes.push(why),
    }
    let before = liquidating_moves(plan, stop)?;
    for rule in [
        MaintenanceRule::Factor(settings.maintenance_factor),
        MaintenanceRule::NextBracket,
    ] {
        let Dearer {
            plan: dearer,
            options_stay,
        } = match make_dearer(plan, rule) {
            Ok(dearer) => dearer,
            Err(why) => {
                notes.push(why);
                continue;
            }
        };
        let played = play_with_shortfalls(&dearer, 1, &|_| Script::still(&dearer), stop)?;
        done.push(Shocked {
            shock: Shock::Maintenance {
                rule,
                before,
                after: liquidating_moves(&dearer, stop)?,
                options_stay,
            },
            outcome: StressOutcome::of(&played, 0, &dearer),
        });
    }
    Ok((done, notes))
}

/// Plays moves that begin at time 0 and are over at `end_step`, and what is liquidated with a way back too.
fn play_all(
    plan: &Plan,
    count: usize,
    script: &(dyn Fn(usize) -> Script + Sync),
    end_step: usize,
    stop: &AtomicBool,
) -> Result<Vec<StressOutcome>, SimulationError> {
    let played = play_with_shortfalls(plan, count, script, stop)?;
    let rows = 0..count;
    let mut outcomes: Vec<StressOutcome> = rows
        .map(|row| StressOutcome::of(&played, row, plan))
        .collect();
    let back = |row: usize| and_back(plan, script(row), 0, end_step);
    play_back(plan, &mut outcomes, &back, stop)?;
    Ok(outcomes)
}

/// The grid of spot and basis moves.
fn instant(
    plan: &Plan,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<Vec<Shocked>, SimulationError> {
    let mut plan = plan.clone();
    // The prices on which a move lands are those at which margin is checked and positions are closed.
    plan.simulation.crossing = Crossing::Endpoints;
    let spots = settings.spot_moves.iter();
    let grid: Vec<(f64, f64)> = spots
        .flat_map(|&spot| settings.basis_moves.iter().map(move |&basis| (spot, basis)))
        .collect();
    let script = |index: usize| {
        let (spot_move, basis_move) = grid[index];
        let mut script = Script::still(&plan);
        for spots in &mut script.spot_usd {
            let moved_usd = spots[0] * (1.0 + spot_move);
            spots[1..].fill(moved_usd);
        }
        script.move_basis(&plan, |step| {
            let faded = (step - 1) as f64 * plan.simulation.step_days / FADING_DAYS;
            basis_move * (1.0 - faded).max(0.0)
        });
        script
    };
    let outcomes = play_all(&plan, grid.len(), &script, 1, stop)?;
    let shocked = grid.iter().zip(outcomes);
    let shocked = shocked.map(|(&(spot_move, basis_move), outcome)| Shocked {
        shock: Shock::Instant {
            spot_move,
            basis_move,
        },
        outcome,
    });
    Ok(shocked.collect())
}

/// Slow moves up and down, with and without top-ups.
fn slow(
    plan: &Plan,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<Vec<Shocked>, SimulationError> {
    let (size, days) = (settings.slow_move, settings.slow_days);
    let blocked = without_top_ups(plan);
    let moves = [size, -size];
    let mut done = Vec::new();
    for (can_top_up, plan) in [(true, plan), (false, &blocked)] {
        let script = |index: usize| {
            let mut script = Script::still(plan);
            let log_move = f64::ln_1p(moves[index]);
            for spots in &mut script.spot_usd {
                let initial_usd = spots[0];
                for (step, spot_usd) in spots.iter_mut().enumerate().skip(1) {
                    let share = (step as f64 * plan.simulation.step_days / days).min(1.0);
                    *spot_usd = initial_usd * (share * log_move).exp();
                }
            }
            script
        };
        let steps = plan.simulation.steps as usize;
        let is_over = |&step: &usize| step as f64 * plan.simulation.step_days >= days * ROUNDED;
        let end_step = (1..steps).find(is_over).unwrap_or(steps);
        let mut outcomes = play_all(plan, moves.len(), &script, end_step, stop)?;
        for outcome in &mut outcomes {
            outcome.cut_off = CutOff::of(plan, 0.0, days);
        }
        let told = moves.iter().zip(outcomes);
        done.extend(told.map(|(&spot_move, outcome)| Shocked {
            shock: Shock::Slow {
                spot_move,
                days,
                can_top_up,
            },
            outcome,
        }));
    }
    Ok(done)
}

/// The plan in which no money can be sent; positions can still be cut at a call.
fn without_top_ups(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let sends = |call: &MarginCallPlan| matches!(call.action, CallAction::TopUp);
    for account in &mut plan.accounts {
        account.margin_call = account.margin_call.filter(|call| !sends(call));
    }
    plan
}

/// Size of a hedge without sign, in coins of its contract's underlying: its share of the value that it covers, at the spots of time 0.
fn size_base(plan: &Plan, hedge: &HedgePlan) -> f64 {
    let holding = &plan.holdings[hedge.covers];
    let spot_usd = |asset: usize| plan.market.assets[asset].spot_usd;
    let underlying = plan.market.contracts[hedge.contract].underlying;
    let held_usd = holding.followed_base(hedge.follows) * spot_usd(holding.asset);
    hedge.coverage_frac.abs() * held_usd / spot_usd(underlying)
}

/// Funding against the hedge, or why there is none.
fn funding(plan: &Plan, settings: &Settings) -> Result<(Shock, Script), String> {
    let days = settings.funding_days.min(plan.simulation.horizon_days);
    let mut script = Script::still(plan);
    let mut largest: Option<f64> = None;
    let mut is_capless = false;
    for (c, contract) in plan.market.contracts.iter().enumerate() {
        let short = plan.hedges.iter().filter(|hedge| {
            !hedge.is_absent()
                && (hedge.contract == c || hedge.switch.is_some_and(|switch| switch.to == c))
        });
        // Coins of the underlying: what a small long gets does not make up for what a large short pays.
        let side: f64 = short
            .map(|hedge| hedge.position.sign() * size_base(plan, hedge))
            .sum();
        let cap = match contract.funding() {
            FundingPlan::None => None,
            FundingPlan::Constant { .. } => Some(f64::INFINITY),
            FundingPlan::PremiumFormula { cap_per_8h, .. } => Some(cap_per_8h),
        };
        let Some(rate) = cap.map(|cap| settings.funding_per_8h.unwrap_or(cap)) else {
            continue;
        };
        if side == 0.0 {
            continue;
        }
        if rate.is_infinite() {
            is_capless = true;
            continue;
        }
        largest = Some(largest.map_or(rate, |so_far: f64| so_far.max(rate)));
        // Longs pay shorts where the rate is positive.
        let rates = script.funding_per_8h[c].iter_mut().enumerate().skip(1);
        for (step, per_8h) in rates {
            if step as f64 * plan.simulation.step_days <= days * (1.0 + 1e-9) {
                *per_8h = -rate * side.signum();
            }
        }
    }
    match largest {
        Some(rate_per_8h) => Ok((Shock::Funding { rate_per_8h, days }, script)),
        None if is_capless => Err(
            "funding at its cap is left out: it has none here; `--funding-rate` gives a rate"
                .to_owned(),
        ),
        None => Err("funding at its cap is left out: no hedge pays or receives funding".to_owned()),
    }
}

//! Hypothetical shocks: moves of spot and basis, slow moves without top-ups, funding at its cap, dearer margin.

use std::sync::atomic::AtomicBool;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play;
use crate::market::script::Script;
use crate::plan::types::{
    CallAction, ContractKind, Crossing, FundingPlan, HedgePlan, MarginCallPlan, Plan,
};
use crate::stress::course::SHORTEST_TENOR_YEARS;
use crate::stress::outcome::StressOutcome;
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
    },
}

/// How a venue asks for more maintenance margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaintenanceRule {
    /// All rates, and what the amounts are made of, times this.
    Factor(f64),
    /// Each bracket has the rate of the next one; the last keeps its own.
    NextBracket,
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
            let table = play(plan, 1, &|_| script.clone(), stop)?;
            let outcome = StressOutcome::of(&table, 0, plan);
            done.push(Shocked { shock, outcome });
        }
        Err(why) => notes.push(why),
    }
    let before = liquidating_moves(plan, stop)?;
    for rule in [
        MaintenanceRule::Factor(settings.maintenance_factor),
        MaintenanceRule::NextBracket,
    ] {
        let Some(dearer) = with_maintenance(plan, rule) else {
            notes.push(
                "the next margin bracket is left out: the venue has one bracket alone".to_owned(),
            );
            continue;
        };
        let table = play(&dearer, 1, &|_| Script::still(&dearer), stop)?;
        done.push(Shocked {
            shock: Shock::Maintenance {
                rule,
                before,
                after: liquidating_moves(&dearer, stop)?,
            },
            outcome: StressOutcome::of(&table, 0, &dearer),
        });
    }
    Ok((done, notes))
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
        shift_basis(&plan, basis_move, &mut script);
        script
    };
    let table = play(&plan, grid.len(), &script, stop)?;
    let outcomes = grid
        .iter()
        .enumerate()
        .map(|(row, &(spot_move, basis_move))| Shocked {
            shock: Shock::Instant {
                spot_move,
                basis_move,
            },
            outcome: StressOutcome::of(&table, row, &plan),
        });
    Ok(outcomes.collect())
}

/// Moves every `ln(F/S)` in the first step, and lets it fade.
fn shift_basis(plan: &Plan, basis_move: f64, script: &mut Script) {
    let step_days = plan.simulation.step_days;
    for (shift, contract) in script.shift.iter_mut().zip(&plan.market.contracts) {
        let own = match &contract.kind {
            ContractKind::Perpetual { .. } => basis_move,
            ContractKind::Dated(dated) => {
                basis_move / dated.expiries[0].years.max(SHORTEST_TENOR_YEARS)
            }
            ContractKind::Option(_) => 0.0,
        };
        for (step, shift) in shift.iter_mut().enumerate().skip(1) {
            let faded = (step - 1) as f64 * step_days / FADING_DAYS;
            *shift = own * (1.0 - faded).max(0.0);
        }
    }
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
        let table = play(plan, moves.len(), &script, stop)?;
        done.extend(moves.iter().enumerate().map(|(row, &spot_move)| Shocked {
            shock: Shock::Slow {
                spot_move,
                days,
                can_top_up,
            },
            outcome: StressOutcome::of(&table, row, plan),
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

/// Funding against the hedge, or why there is none.
fn funding(plan: &Plan, settings: &Settings) -> Result<(Shock, Script), String> {
    let days = settings.funding_days;
    let mut script = Script::still(plan);
    let mut largest: Option<f64> = None;
    let mut is_capless = false;
    for (c, contract) in plan.market.contracts.iter().enumerate() {
        let short = plan.hedges.iter().filter(|hedge| {
            !hedge.is_absent()
                && (hedge.contract == c || hedge.switch.is_some_and(|switch| switch.to == c))
        });
        let side: f64 = short.map(|hedge| hedge.position.sign()).sum();
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

/// The plan at a venue that asks for more; `None` where the rule changes nothing.
fn with_maintenance(plan: &Plan, rule: MaintenanceRule) -> Option<Plan> {
    let mut plan = plan.clone();
    let mut is_changed = false;
    for contract in &mut plan.market.contracts {
        let brackets = &mut contract.rules.brackets;
        match rule {
            MaintenanceRule::Factor(factor) => {
                is_changed = true;
                for bracket in brackets {
                    bracket.rate *= factor;
                    bracket.deduction_usd *= factor;
                }
            }
            MaintenanceRule::NextBracket => {
                let rates: Vec<f64> = brackets.iter().map(|bracket| bracket.rate).collect();
                is_changed |= rates.len() > 1;
                let mut before: Option<(f64, f64)> = None;
                for (index, bracket) in brackets.iter_mut().enumerate() {
                    bracket.rate = rates[(index + 1).min(rates.len() - 1)];
                    // Continuous across brackets.
                    bracket.deduction_usd = before.map_or(0.0, |(rate, deduction_usd)| {
                        deduction_usd + bracket.floor_usd * (bracket.rate - rate)
                    });
                    before = Some((bracket.rate, bracket.deduction_usd));
                }
            }
        }
    }
    is_changed.then_some(plan)
}

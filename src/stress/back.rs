//! What a liquidation costs if prices come back: the event has two legs, and a hedge that was closed in a rally is missing in its end.

use std::sync::atomic::AtomicBool;

use crate::engine::run::SimulationError;
use crate::engine::scripted::play;
use crate::market::script::Script;
use crate::outcome::column::Column;
use crate::plan::types::Plan;
use crate::stress::outcome::StressOutcome;

/// Time in which prices go back, days; an assumption.
const BACK_DAYS: f64 = 1.0;

/// The script in which every spot, once it is where it stands at the end of `end_step`, goes back to where it stood at the end of `from_step`:
/// straight in logarithms, within a day or what is left of the horizon. `None` where nothing is left.
pub(super) fn and_back(
    plan: &Plan,
    mut script: Script,
    from_step: usize,
    end_step: usize,
) -> Option<Script> {
    let steps = plan.simulation.steps as usize;
    let left = steps.checked_sub(end_step).filter(|left| *left > 0)?;
    let wanted = (BACK_DAYS / plan.simulation.step_days).ceil();
    let back = (1..left)
        .find(|&count| count as f64 >= wanted * (1.0 - 1e-9))
        .unwrap_or(left);
    for spots in &mut script.spot_usd {
        let (from_usd, end_usd) = (spots[from_step], spots[end_step]);
        for (step, spot_usd) in spots.iter_mut().enumerate().skip(end_step + 1) {
            let share = ((step - end_step) as f64 / back as f64).min(1.0);
            *spot_usd = if share < 1.0 {
                end_usd * (from_usd / end_usd).powf(share)
            } else {
                from_usd
            };
        }
    }
    Some(script)
}

/// Plays the way back for every outcome that was liquidated; `script` has it, if there is time for one.
///
/// # Errors
/// [`SimulationError::Interrupted`] once `stop` is set.
pub(super) fn play_back(
    plan: &Plan,
    outcomes: &mut [StressOutcome],
    script: &dyn Fn(usize) -> Option<Script>,
    stop: &AtomicBool,
) -> Result<(), SimulationError> {
    let told: Vec<(usize, Script)> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| outcome.liquidated)
        .filter_map(|(index, _)| Some((index, script(index)?)))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let table = play(plan, told.len(), &|row| told[row].1.clone(), stop)?;
    for (row, (index, _)) in told.iter().enumerate() {
        let hedged_usd = table.value(row, Column::HedgedPnl as usize);
        outcomes[*index].hedged_pnl_if_back_usd = Some(hedged_usd);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;

    #[test]
    fn prices_are_back_within_a_day_or_what_is_left() {
        let plan = eth_treasury();
        let steps = plan.simulation.steps as usize;
        let mut script = Script::still(&plan);
        script.spot_usd[0][5..].fill(7_000.0);
        let told = and_back(&plan, script.clone(), 0, 6).unwrap();
        let spots = &told.spot_usd[0];
        assert!((spots[7] / (7_000.0 * 0.5_f64.cbrt()) - 1.0).abs() < 1e-12);
        assert_eq!(
            (spots[6], spots[9], spots[steps]),
            (7_000.0, 3_500.0, 3_500.0)
        );
        let late = and_back(&plan, script.clone(), 0, steps - 1).unwrap();
        assert_eq!(late.spot_usd[0][steps - 1..], [7_000.0, 3_500.0]);
        assert!(and_back(&plan, script, 0, steps).is_none());
    }
}

//! The rolls of all hedges, put into the chains of expiries of their contracts.

use crate::plan::resolve::expiry::{self, Dates};
use crate::plan::resolve::links::Link;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::types::MarketPlan;
use crate::scenario::hedge::{Hedge, Roll};

/// Extends the chain of each dated contract that a hedge rolls; `None` where a problem was noted.
///
/// A hedge that switches rolls the contract that it switches to. All hedges of one contract roll it alike, or none does.
pub fn extend(
    hedges: &[Hedge],
    links: &[Link],
    market: &mut MarketPlan,
    setting: &Setting<'_>,
) -> Option<()> {
    let steps = setting.grid.steps_rounded_up(setting.grid.horizon);
    let mut is_valid = true;
    for (hedge, link) in hedges.iter().zip(links) {
        let Some(Roll {
            given,
            before_expiry,
            into,
        }) = &hedge.roll
        else {
            continue;
        };
        let index = link.switch_to.unwrap_or(link.contract);
        let contract = &mut market.contracts[index];
        let name = contract.name.clone();
        // Of anything else the hedge itself refuses a roll.
        let Some(dated) = contract.dated_mut() else {
            continue;
        };
        let holds_it = |other: &Link| other.switch_to.unwrap_or(other.contract) == index;
        let is_held_without = hedges
            .iter()
            .zip(links)
            .any(|(other, link)| holds_it(link) && other.roll.is_none());
        if is_held_without {
            let allowed = format!("the same roll in every hedge that holds {name}, or in none");
            let reason = "another hedge holds it to its expiry";
            setting
                .sink
                .push(Refusal::out_of_place(given, allowed, reason));
            is_valid = false;
            continue;
        }
        let roll = expiry::Roll {
            before_expiry,
            into,
        };
        let dates = Dates::of(setting.grid);
        is_valid &= expiry::extend(dated, roll, dates, steps, setting.sink).is_some();
    }
    is_valid.then_some(())
}

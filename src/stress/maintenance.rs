//! A venue that asks for more maintenance margin.

use crate::plan::types::{ContractKind, ContractPlan, HedgePlan, Plan, Position};

/// How a venue asks for more maintenance margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaintenanceRule {
    /// All rates, and what the amounts are made of, times this: of brackets, and of written options the rate on the underlying's value (what the
    /// option is worth is asked for besides, and is no rate).
    Factor(f64),
    /// Each bracket has the rate of the next one; the last keeps its own. The margin of written options has no brackets, and stays.
    NextBracket,
}

/// A plan at a venue that asks for more.
pub(super) struct Dearer {
    pub(super) plan: Plan,
    /// Whether there are written options whose margin is as before.
    pub(super) options_stay: bool,
}

/// The plan at a venue that asks for more, or why the rule changes nothing for what the plan holds.
pub(super) fn make_dearer(plan: &Plan, rule: MaintenanceRule) -> Result<Dearer, String> {
    let mut dearer = plan.clone();
    let (mut is_changed, mut has_brackets, mut has_written) = (false, false, false);
    for (c, contract) in dearer.market.contracts.iter_mut().enumerate() {
        let in_it = |hedge: &&HedgePlan| {
            let switched = hedge.switch.is_some_and(|switch| switch.to == c);
            !hedge.is_absent() && (hedge.contract == c || switched)
        };
        let mut hedges = plan.hedges.iter().filter(in_it).peekable();
        if hedges.peek().is_none() {
            continue;
        }
        if let ContractKind::Option(option) = &mut contract.kind {
            // Nothing is asked for what is bought.
            if hedges.any(|hedge| hedge.position == Position::Short) {
                has_written = true;
                if let MaintenanceRule::Factor(factor) = rule {
                    let before = option.terms.maintenance_frac;
                    option.terms.maintenance_frac *= factor;
                    is_changed |= option.terms.maintenance_frac.to_bits() != before.to_bits();
                }
            }
        } else {
            has_brackets = true;
            let before = contract.rules.brackets.clone();
            raise(contract, rule);
            is_changed |= contract.rules.brackets != before;
        }
    }
    if is_changed {
        return Ok(Dearer {
            plan: dearer,
            options_stay: has_written && rule == MaintenanceRule::NextBracket,
        });
    }
    Err(match rule {
        MaintenanceRule::Factor(factor) => {
            let why = if has_brackets || has_written {
                "it changes nothing"
            } else {
                "bought options need no margin"
            };
            format!("maintenance margin x {factor} is left out: {why}")
        }
        MaintenanceRule::NextBracket => {
            let why = match (has_brackets, has_written) {
                (true, false) => "the venue has one bracket alone",
                (true, true) => {
                    "the venue has one bracket alone, and the margin of written options has none"
                }
                (false, true) => "the margin of written options has no brackets",
                (false, false) => "bought options need no margin",
            };
            format!("the next margin bracket is left out: {why}")
        }
    })
}

/// Raises the brackets of a future.
fn raise(contract: &mut ContractPlan, rule: MaintenanceRule) {
    let brackets = &mut contract.rules.brackets;
    match rule {
        MaintenanceRule::Factor(factor) => {
            for bracket in brackets {
                bracket.rate *= factor;
                bracket.deduction_usd *= factor;
            }
        }
        MaintenanceRule::NextBracket => {
            let rates: Vec<f64> = brackets.iter().map(|bracket| bracket.rate).collect();
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

//! A chain of dated futures: times to expiry on the grid of steps.

use crate::plan::types::DatedPlan;

/// A chain of dated futures resolved for its steps.
#[derive(Debug, Clone)]
pub struct DatedModel {
    slope_per_year: f64,
    /// Years to expiry, at the end of each step (index 0: time 0), of the contract held before anything happens then.
    tenors_years: Vec<f64>,
}

impl DatedModel {
    /// Resolves a chain for so many steps of `step_years`.
    pub fn new(plan: &DatedPlan, steps: usize, step_years: f64) -> Self {
        let tenors_years: Vec<f64> = (0..=steps)
            .map(|step| tenor_years(plan, step, step_years))
            .collect();
        Self {
            slope_per_year: plan.slope_per_year,
            tenors_years,
        }
    }

    /// What a year more to expiry adds to the carry, per year.
    pub fn slope_per_year(&self) -> f64 {
        self.slope_per_year
    }

    /// Years to expiry at the end of `step` of the contract held before anything happens then; 0 once the last has expired.
    pub fn tenor_years(&self, step: usize) -> f64 {
        self.tenors_years.get(step).copied().unwrap_or(0.0)
    }

    /// No basis of a carry within `carry_bound` is larger than this, up to so many years before expiry.
    pub fn basis_bound(&self, carry_bound: f64, years: f64) -> f64 {
        (carry_bound + self.slope_per_year.abs() * years) * years
    }
}

/// Years to expiry at the end of a step, before its events.
fn tenor_years(plan: &DatedPlan, step: usize, step_years: f64) -> f64 {
    let is_held = |last: Option<u32>| last.is_none_or(|last| step <= last as usize);
    let held = plan
        .expiries
        .iter()
        .find(|expiry| is_held(expiry.roll_step));
    match held {
        // At its expiry, and after it, the future is the spot, without rounding.
        Some(expiry) if step < expiry.step as usize => expiry.years - step as f64 * step_years,
        _ => 0.0,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;
    use crate::plan::types::{Expiry, OuBasis};

    #[test]
    fn the_chain_counts_down_to_each_roll_and_to_the_last_expiry() {
        let expiry = |step: u32, roll_step| Expiry {
            years: f64::from(step) / 4.0,
            step,
            roll_step,
        };
        let plan = DatedPlan {
            carry: OuBasis::NONE,
            slope_per_year: 0.0,
            expiries: vec![expiry(3, Some(2)), expiry(6, None)],
        };
        let model = DatedModel::new(&plan, 8, 0.25);
        let tenors: Vec<f64> = (0..=8).map(|step| model.tenor_years(step)).collect();
        assert_eq!(
            tenors,
            [0.75, 0.5, 0.25, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0],
            "the roll itself still sees the near contract"
        );
        assert_eq!(model.basis_bound(0.1, 0.75), 0.1 * 0.75 * 1.0);
    }
}

//! Prices at one moment, and which contract of a chain of dated futures is held then.

use hedgesim::plan::types::{ContractKind, DatedPlan, Expiry, Plan};

use super::Book;

/// All prices at one moment of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// Spot by asset.
    pub spot_usd: Vec<f64>,
    /// Mark by contract; of an option's contract the spot.
    pub mark_usd: Vec<f64>,
    /// Time from 0.
    pub years: f64,
}

/// The contract of a chain that is held in the step that ends at `step`; the last one after all have expired.
pub fn expiry_held(dated: &DatedPlan, step: u32) -> &Expiry {
    let last = &dated.expiries[dated.expiries.len() - 1];
    dated
        .expiries
        .iter()
        .find(|expiry| expiry.roll_step.is_some_and(|roll| step <= roll))
        .unwrap_or(last)
}

/// Years from a moment to an expiry, exactly 0 at it and after it.
pub fn years_left(expiry_years: f64, years: f64) -> f64 {
    let left = expiry_years - years;
    if left < 1e-12 { 0.0 } else { left }
}

/// `F = S exp((y + slope tau) tau)`.
pub fn dated_mark_usd(dated: &DatedPlan, spot_usd: f64, carry: f64, years_left: f64) -> f64 {
    spot_usd * ((carry + dated.slope_per_year * years_left) * years_left).exp()
}

/// Time of a step's end.
pub fn years_at(plan: &Plan, step: u32) -> f64 {
    f64::from(step) * plan.simulation.step_years()
}

impl Book<'_> {
    /// Prices at a step's end before anything happens there; step 0 is time 0.
    pub fn prices_before(&self, step: u32) -> Prices {
        let at = step as usize;
        Prices {
            spot_usd: self.tape.spot_usd.iter().map(|spots| spots[at]).collect(),
            mark_usd: self.tape.mark_usd.iter().map(|marks| marks[at]).collect(),
            years: years_at(self.plan, step),
        }
    }

    /// The same after the rolls of that step's end: a chain that was rolled there stands at its next contract.
    pub fn prices_after(&self, step: u32) -> Prices {
        let mut prices = self.prices_before(step);
        for (c, contract) in self.plan.market.contracts.iter().enumerate() {
            if let ContractKind::Dated(dated) = &contract.kind
                && is_rolled_at(dated, step)
            {
                let next = expiry_held(dated, step + 1);
                prices.mark_usd[c] = dated_mark_usd(
                    dated,
                    prices.spot_usd[contract.underlying],
                    self.tape.carry[c][step as usize],
                    years_left(next.years, prices.years),
                );
            }
        }
        prices
    }
}

/// Whether a chain is rolled at a step's end.
pub fn is_rolled_at(dated: &DatedPlan, step: u32) -> bool {
    dated
        .expiries
        .iter()
        .any(|expiry| expiry.roll_step == Some(step))
}

/// Whether the last contract of a chain has expired at or before a step's end.
pub fn is_expired_at(dated: &DatedPlan, step: u32) -> bool {
    dated.expiries[dated.expiries.len() - 1].step <= step
}

//! The basis of a perpetual: exact Ornstein-Uhlenbeck steps, correlated with its spot.

use crate::math::ou::{OuStep, ou_step};
use crate::math::vector::LARGEST_NORMAL;
use crate::plan::types::OuBasis;

/// A spot's own normal is a sum of the independent ones with squares of loadings adding to 1; for the number of assets
/// that anybody simulates it stays within this factor of one normal.
const LARGEST_CORRELATED: f64 = 8.0;

/// A basis resolved for one step length.
#[derive(Debug, Clone, Copy)]
pub struct BasisModel {
    /// Long-run mean.
    pub mean: f64,
    /// Value at time 0.
    pub initial: f64,
    /// The exact one-step law.
    pub step: OuStep,
    /// Whether the basis moves at random.
    pub is_random: bool,
    /// Whether a step needs the spot's shock.
    pub uses_spot: bool,
    /// No path can bring `|b|` over this: shocks are bounded and reversion wins.
    pub bound: f64,
}

impl BasisModel {
    /// Resolves a basis for a step of `step_years`.
    pub fn new(basis: &OuBasis, step_years: f64) -> Self {
        let is_random = basis.volatility_annual > 0.0;
        let step = ou_step(
            step_years,
            basis.reversion_per_year,
            basis.volatility_annual,
            basis.correlation_with_spot,
        );
        let shock = largest_shock(&step);
        let drift = (basis.initial - basis.mean).abs();
        let wander = if is_random {
            shock / (1.0 - step.decay)
        } else {
            0.0
        };
        Self {
            mean: basis.mean,
            initial: basis.initial,
            step,
            bound: basis.mean.abs() + drift + wander,
            is_random,
            uses_spot: is_random && basis.correlation_with_spot != 0.0,
        }
    }

    /// No shock of one step is larger than this.
    pub fn largest_shock(&self) -> f64 {
        largest_shock(&self.step)
    }
}

fn largest_shock(step: &OuStep) -> f64 {
    LARGEST_NORMAL * (step.y_on_x.abs() * LARGEST_CORRELATED + step.y_own)
}

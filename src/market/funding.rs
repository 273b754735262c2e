//! Funding rates: constant, or the venue's premium formula on the interval's average premium.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use crate::plan::types::FundingPlan;

/// Funding resolved for the engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FundingModel {
    /// No stamps.
    None,
    /// The same rate at every stamp.
    Constant {
        /// Rate per interval.
        rate: f64,
        /// Steps between stamps.
        interval_steps: usize,
    },
    /// The premium formula.
    Premium(PremiumFormula),
}

/// `rate = cap(P + clamp(I - P, -damper, +damper)) * hours / 8`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PremiumFormula {
    /// Interest term per 8 h.
    pub interest_per_8h: f64,
    /// Half-width of the clamp per 8 h.
    pub damper_per_8h: f64,
    /// Largest absolute rate per 8 h.
    pub cap_per_8h: f64,
    /// Hours of an interval over 8.
    pub interval_factor: f64,
    /// Steps between stamps.
    pub interval_steps: usize,
}

impl PremiumFormula {
    /// Rate per interval, a fraction of mark notional, for an average premium `P`.
    #[inline(always)]
    pub fn rate(&self, average_premium: f64) -> f64 {
        // Comparisons, not f64::min and max: those carry NaN rules that cost instructions.
        let limit = |x: f64, bound: f64| {
            let x = if x > bound { bound } else { x };
            if x < -bound { -bound } else { x }
        };
        let pull = limit(self.interest_per_8h - average_premium, self.damper_per_8h);
        limit(average_premium + pull, self.cap_per_8h) * self.interval_factor
    }
}

impl FundingModel {
    /// Resolves a funding rule.
    pub fn new(funding: &FundingPlan) -> Self {
        match *funding {
            FundingPlan::None => Self::None,
            FundingPlan::Constant {
                rate_per_8h,
                interval_steps,
            } => Self::Constant {
                rate: rate_per_8h,
                interval_steps: interval_steps as usize,
            },
            FundingPlan::PremiumFormula {
                interest_per_8h,
                damper_per_8h,
                cap_per_8h,
                interval_hours,
                interval_steps,
            } => Self::Premium(PremiumFormula {
                interest_per_8h,
                damper_per_8h,
                cap_per_8h,
                interval_factor: interval_hours / 8.0,
                interval_steps: interval_steps as usize,
            }),
        }
    }

    /// Whether a stamp falls on the end of step `step` (counted from 1).
    pub fn is_stamp(&self, step: usize) -> bool {
        match self {
            Self::None => false,
            Self::Constant { interval_steps, .. } => step.is_multiple_of(*interval_steps),
            Self::Premium(formula) => {
                formula.interval_steps == 1 || step.is_multiple_of(formula.interval_steps)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_damper_pulls_to_the_interest_term_and_the_cap_holds() {
        let formula = PremiumFormula {
            interest_per_8h: 1e-4,
            damper_per_8h: 5e-4,
            cap_per_8h: 30e-4,
            interval_factor: 0.5,
            interval_steps: 1,
        };
        for (premium, per_8h) in [
            (0.0, 1e-4),
            (6e-4, 1e-4),
            (-4e-4, 1e-4),
            (10e-4, 5e-4),
            (-10e-4, -5e-4),
            (1.0, 30e-4),
            (-1.0, -30e-4),
        ] {
            assert!(
                (formula.rate(premium) - 0.5 * per_8h).abs() < 1e-18,
                "{premium}"
            );
        }
    }
}

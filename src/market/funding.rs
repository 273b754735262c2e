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

/// `rate = cap(P + clamp(I - P, -damper, +damper)) * hours / 8`, with all terms multiplied by `hours / 8` beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PremiumFormula {
    /// Interest term per interval.
    pub interest: f64,
    /// Half-width of the clamp per interval.
    pub damper: f64,
    /// Largest absolute rate per interval.
    pub cap: f64,
    /// Hours of an interval over 8.
    pub interval_factor: f64,
    /// Steps between stamps.
    pub interval_steps: usize,
}

impl PremiumFormula {
    /// Rate per interval, a fraction of mark notional, for an average premium multiplied by `interval_factor`.
    #[inline(always)]
    pub fn rate(&self, premium: f64) -> f64 {
        // Comparisons, not f64::min and max: those carry NaN rules that cost instructions. The interest term limited to
        // the damper's width around the premium is the premium plus the limited difference.
        let limit = |x: f64, least: f64, most: f64| {
            let x = if x < least { least } else { x };
            if x > most { most } else { x }
        };
        let pulled = limit(self.interest, premium - self.damper, premium + self.damper);
        limit(pulled, -self.cap, self.cap)
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
            } => {
                let interval_factor = interval_hours / 8.0;
                Self::Premium(PremiumFormula {
                    interest: interest_per_8h * interval_factor,
                    damper: damper_per_8h * interval_factor,
                    cap: cap_per_8h * interval_factor,
                    interval_factor,
                    interval_steps: interval_steps as usize,
                })
            }
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
        let funding = FundingPlan::PremiumFormula {
            interest_per_8h: 1e-4,
            damper_per_8h: 5e-4,
            cap_per_8h: 30e-4,
            interval_hours: 4.0,
            interval_steps: 1,
        };
        let FundingModel::Premium(formula) = FundingModel::new(&funding) else {
            panic!("a premium formula");
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
                (formula.rate(0.5 * premium) - 0.5 * per_8h).abs() < 1e-18,
                "{premium}"
            );
        }
    }
}

//! One contract of a market, resolved for its step: what moves its basis, and how.

use crate::market::basis::BasisModel;
use crate::market::dated::DatedModel;
use crate::market::funding::FundingModel;
use crate::market::kernels::{
    ContractMoves, Stamps, Tenors, move_dated, move_marks, move_marks_and_rates,
};
use crate::market::small_exp::Smallness;
use crate::market::tile::{LaneArray, TILE_STEPS};
use crate::plan::contract::ContractPlan;
use crate::plan::types::OuBasis;

/// One contract: basis and funding on an underlying.
#[derive(Debug, Clone)]
pub(crate) struct ContractModel {
    pub(crate) underlying: usize,
    pub(crate) basis: BasisModel,
    /// `ln(F/S)` at time 0.
    pub(crate) initial_basis: f64,
    /// The tenors of a dated future, whose carry `basis` then is.
    pub(crate) dated: Option<DatedModel>,
    /// How small all values of `ln(F/S)` are; of a dated future `Any`, for that is told tile by tile.
    pub(crate) smallness: Smallness,
    pub(crate) funding: FundingModel,
    /// Standard deviation of a funding interval's average premium beyond what the step ends tell.
    pub(crate) average_noise: f64,
}

impl ContractModel {
    /// Resolves a contract for so many steps of such a length.
    pub(crate) fn new(contract: &ContractPlan, steps: usize, step_years: f64) -> Self {
        let process = contract.process().copied().unwrap_or(OuBasis::NONE);
        let basis = BasisModel::new(&process, step_years);
        let funding = FundingModel::new(&contract.funding());
        let average_noise = match funding {
            FundingModel::Premium(formula) => {
                basis.step.z_own / (formula.interval_steps as f64).sqrt()
            }
            FundingModel::None | FundingModel::Constant { .. } => 0.0,
        };
        let dated = contract
            .dated()
            .map(|dated| DatedModel::new(dated, steps, step_years));
        // What is not random is exact; so is no basis.
        let is_exact = !basis.is_random && basis.bound > 0.0;
        let smallness = if is_exact || dated.is_some() {
            Smallness::Any
        } else {
            Smallness::of(basis.bound)
        };
        Self {
            underlying: contract.underlying,
            smallness,
            initial_basis: contract.initial_basis(),
            dated,
            basis,
            funding,
            average_noise,
        }
    }

    /// [`move_marks`] of the kind that the basis needs.
    pub(crate) fn move_marks<const DEGREE: usize>(
        &self,
        moves: &ContractMoves<'_>,
        basis: &mut LaneArray,
        ends: &mut [LaneArray; TILE_STEPS],
    ) {
        if self.basis.uses_spot {
            move_marks::<DEGREE, true>(moves, basis, ends);
        } else {
            move_marks::<DEGREE, false>(moves, basis, ends);
        }
    }

    /// [`move_dated`] of the kind that the carry needs; `is_wide` says that some basis may be large.
    pub(crate) fn moves_of_dated(&self, is_wide: bool) -> MovesOfDated {
        match (is_wide, self.basis.uses_spot) {
            (true, true) => move_dated::<true, true>,
            (true, false) => move_dated::<true, false>,
            (false, true) => move_dated::<false, true>,
            (false, false) => move_dated::<false, false>,
        }
    }

    /// [`move_marks_and_rates`] of the kind that the basis needs; `is_each` says that every step is an interval.
    pub(crate) fn moves_with_rates<const DEGREE: usize>(&self, is_each: bool) -> MovesWithRates {
        match (self.basis.uses_spot, is_each) {
            (true, true) => move_marks_and_rates::<DEGREE, true, true>,
            (true, false) => move_marks_and_rates::<DEGREE, true, false>,
            (false, true) => move_marks_and_rates::<DEGREE, false, true>,
            (false, false) => move_marks_and_rates::<DEGREE, false, false>,
        }
    }
}

/// A [`move_dated`] of some kind.
pub(crate) type MovesOfDated = fn(
    &ContractMoves<'_>,
    &Tenors,
    &mut LaneArray,
    &mut [LaneArray; TILE_STEPS],
    &mut [LaneArray; TILE_STEPS],
);

/// A [`move_marks_and_rates`] of some kind.
pub(crate) type MovesWithRates = fn(
    &ContractMoves<'_>,
    &Stamps<'_>,
    &mut LaneArray,
    &mut LaneArray,
    &mut [LaneArray; TILE_STEPS],
    &mut [LaneArray; TILE_STEPS],
);

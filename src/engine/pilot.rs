//! The pilot simulation: hedge ratios of least variance that no formula gives, from the market alone.

use rayon::prelude::*;

use crate::market::model::MarketModel;
use crate::market::tile::MarketTile;
use crate::math::regression::fading_least_squares;
use crate::outcome::table::LANES;
use crate::plan::pilot::{PILOT_PATHS, PilotPlan, RatioEstimate};
use crate::plan::types::{ContractPlan, ContractSettlement, DatedPlan, Plan};

/// Number of the pilot's first path: far beyond those of any run, so that its random numbers are its own.
const FIRST_PATH: u64 = 1 << 40;

/// Answers the questions by simulating the market of the plan on random numbers of their own; the same bits for every number of threads.
///
/// With `S` the held asset's spot at the end and `G` the gain of one unit of the hedge (marks, funding, rolls without their costs; coins at the
/// end's spot) the size of least variance is the slope of `S` on `G` with the other sign. Its standard error is that of a slope
/// whose residuals may have any variance.
pub fn ratios(plan: &Plan, questions: &[PilotPlan]) -> Vec<RatioEstimate> {
    let mut plan = plan.clone();
    let steps = questions.iter().map(|question| question.steps).max();
    plan.simulation.steps = steps.unwrap_or(1).clamp(1, plan.simulation.steps);
    let model = MarketModel::new(&plan);
    let blocks = PILOT_PATHS.div_ceil(LANES as u64);
    let blocks: Vec<Vec<[[f64; LANES]; 2]>> = (0..blocks)
        .into_par_iter()
        .map_init(
            || (model.state(), model.tile()),
            |(state, tile), block| {
                let first_path = FIRST_PATH + block * LANES as u64;
                let mut pilots: Vec<Pilot<'_>> = questions
                    .iter()
                    .map(|question| Pilot::new(question, &plan, &model))
                    .collect();
                model.start(state, tile, first_path);
                while model.advance(state, tile) {
                    for pilot in &mut pilots {
                        pilot.advance(tile);
                    }
                }
                pilots.into_iter().map(Pilot::into_ends).collect()
            },
        )
        .collect();
    questions
        .iter()
        .enumerate()
        .map(|(index, question)| estimate(question, index, &blocks, &plan))
        .collect()
}

/// The ratio of one question from the ends of all paths.
fn estimate(
    question: &PilotPlan,
    index: usize,
    blocks: &[Vec<[[f64; LANES]; 2]>],
    plan: &Plan,
) -> RatioEstimate {
    let ends = |which: usize| -> Vec<f64> {
        let all = blocks.iter().flat_map(|block| block[index][which]);
        all.take(usize::try_from(PILOT_PATHS).unwrap_or(usize::MAX))
            .collect()
    };
    let (spot_usd, gain_usd) = (ends(0), ends(1));
    // No age: all pairs count alike.
    let ages = vec![0.0; gain_usd.len()];
    let Some(slope) = fading_least_squares(&gain_usd, &spot_usd, &ages, 1.0) else {
        // A gain that is the same on every path hedges nothing.
        return RatioEstimate {
            ratio: 0.0,
            std_error: Some(0.0),
        };
    };
    let market = &plan.market;
    let contract = &market.contracts[question.contract];
    let underlying_usd = market.assets[contract.underlying].spot_usd;
    let in_base = match contract.settlement {
        ContractSettlement::Linear => 1.0,
        ContractSettlement::Inverse => 1.0 / (underlying_usd * contract.initial_basis().exp()),
    };
    let scale = in_base * underlying_usd / market.assets[question.held].spot_usd;
    RatioEstimate {
        ratio: -slope.slope * scale,
        std_error: Some(slope.std_error * scale),
    }
}

/// One unit of a hedge along the paths of a block: a base unit of a linear contract, a USD of an inverse one.
struct Pilot<'a> {
    question: &'a PilotPlan,
    contract: &'a ContractPlan,
    /// Position in a dated future's chain; `None` once it is settled.
    held: Option<usize>,
    /// Mark from which the next move counts, USD.
    from_usd: [f64; LANES],
    /// Gain so far, USD or coins.
    gain: [f64; LANES],
    /// Spot of the held asset and gain in USD at the end.
    ends: [[f64; LANES]; 2],
}

impl<'a> Pilot<'a> {
    fn new(question: &'a PilotPlan, plan: &'a Plan, model: &MarketModel) -> Self {
        Self {
            question,
            contract: &plan.market.contracts[question.contract],
            held: Some(0),
            from_usd: [model.initial_mark_usd(question.contract); LANES],
            gain: [0.0; LANES],
            ends: [[0.0; LANES]; 2],
        }
    }

    fn into_ends(self) -> [[f64; LANES]; 2] {
        self.ends
    }

    /// Follows the steps of a tile, up to the last of the question.
    fn advance(&mut self, tile: &MarketTile) {
        for k in 0..tile.steps {
            let step = tile.first_step + k + 1;
            if step > self.question.steps as usize {
                return;
            }
            if self.held.is_some() {
                self.mark(k, tile);
                self.pay_funding(k, tile);
                self.settle_or_roll(k, step, tile);
            }
            if step == self.question.steps as usize {
                self.end(k, tile);
            }
        }
    }

    fn mark(&mut self, k: usize, tile: &MarketTile) {
        let marks_usd = &tile.mark_usd[self.question.contract][k + 1];
        let lanes = self.gain.iter_mut().zip(&mut self.from_usd).zip(marks_usd);
        match self.contract.settlement {
            ContractSettlement::Linear => {
                for ((gain, from_usd), mark_usd) in lanes {
                    *gain += *from_usd - mark_usd;
                    *from_usd = *mark_usd;
                }
            }
            ContractSettlement::Inverse => {
                for ((gain, from_usd), mark_usd) in lanes {
                    *gain += 1.0 / mark_usd - 1.0 / *from_usd;
                    *from_usd = *mark_usd;
                }
            }
        }
    }

    fn pay_funding(&mut self, k: usize, tile: &MarketTile) {
        let contract = self.question.contract;
        if !tile.is_stamp[contract][k] {
            return;
        }
        let rates = &tile.funding_rate[contract][k];
        for ((gain, mark_usd), rate) in self.gain.iter_mut().zip(&self.from_usd).zip(rates) {
            *gain += match self.contract.settlement {
                ContractSettlement::Linear => rate * mark_usd,
                ContractSettlement::Inverse => rate / mark_usd,
            };
        }
    }

    fn settle_or_roll(&mut self, k: usize, step: usize, tile: &MarketTile) {
        let (Some(dated), Some(held)) = (self.contract.dated(), self.held) else {
            return;
        };
        let expiry = dated.expiries[held];
        if expiry.roll_step.is_some_and(|roll| roll as usize == step) {
            self.roll(dated, held + 1, k, step, tile);
        } else if expiry.roll_step.is_none() && expiry.step as usize == step {
            self.held = None;
        }
    }

    /// The next contract's mark on the same curve; the roll itself moves no money.
    fn roll(&mut self, dated: &DatedPlan, next: usize, k: usize, step: usize, tile: &MarketTile) {
        self.held = Some(next);
        let next = dated.expiries[next];
        let tenor_years = next.years * (1.0 - step as f64 / f64::from(next.step));
        let spots_usd = &tile.spot_usd[self.contract.underlying][k];
        let carries = &tile.carry[self.question.contract][k + 1];
        for ((from_usd, spot_usd), carry) in self.from_usd.iter_mut().zip(spots_usd).zip(carries) {
            *from_usd = spot_usd * dated.basis(*carry, tenor_years).exp();
        }
    }

    fn end(&mut self, k: usize, tile: &MarketTile) {
        let sign = self.question.position.sign();
        let spots_usd = &tile.spot_usd[self.contract.underlying][k];
        self.ends[0] = tile.spot_usd[self.question.held][k];
        for ((end, gain), spot_usd) in self.ends[1].iter_mut().zip(&self.gain).zip(spots_usd) {
            *end = sign
                * match self.contract.settlement {
                    ContractSettlement::Linear => *gain,
                    ContractSettlement::Inverse => gain * spot_usd,
                };
        }
    }
}

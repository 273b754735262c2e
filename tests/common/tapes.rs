//! Tapes made without the engine: from explicit prices, and as plain random walks with a fixed seed.

use hedgesim::engine::tape::{Jump, Tape, WithinStep};
use hedgesim::plan::types::{ContractKind, FundingPlan, Plan};

use crate::common::slow_book::{expiry_held, years_left};

/// A tape of one asset and one contract whose mark is the spot, without funding, diffusion or jumps.
///
/// `prices_usd[0]` is time 0. The uniforms are 1, which never crosses.
pub fn of_prices(prices_usd: &[f64]) -> Tape {
    of_spots_and_marks(prices_usd, prices_usd)
}

/// The same with a mark of its own.
pub fn of_spots_and_marks(spots_usd: &[f64], marks_usd: &[f64]) -> Tape {
    let quiet = WithinStep {
        jumps: vec![],
        anchor_normals: vec![],
        bridge_uniforms: vec![1.0],
    };
    Tape {
        spot_usd: vec![spots_usd.to_vec()],
        mark_usd: vec![marks_usd.to_vec()],
        funding_rate: vec![vec![0.0; spots_usd.len()]],
        carry: vec![vec![0.0; spots_usd.len()]],
        jumps: vec![vec![vec![]; spots_usd.len()]],
        within: vec![vec![quiet; spots_usd.len()]],
        step_variance: vec![0.0],
    }
}

/// A tape of one asset with every contract of a plan on it: perpetuals stand at the spot, dated futures at their carry,
/// which is the same for all of them. No funding, no jumps; the uniforms are 1, which never crosses.
pub fn of_spots_and_carries(plan: &Plan, spots_usd: &[f64], carries: &[f64]) -> Tape {
    let contracts = &plan.market.contracts;
    let at =
        |step: usize| f64::from(u32::try_from(step).expect("few")) * plan.simulation.step_years();
    let mark_usd = |kind: &ContractKind, step: usize| match kind {
        ContractKind::Perpetual { .. } | ContractKind::Option(_) => spots_usd[step],
        ContractKind::Dated(dated) => {
            let held = expiry_held(dated, u32::try_from(step).expect("few"));
            let left = years_left(held.years, at(step));
            spots_usd[step] * dated.basis(carries[step], left).exp()
        }
    };
    let quiet = WithinStep {
        jumps: vec![],
        anchor_normals: vec![],
        bridge_uniforms: vec![1.0],
    };
    let all = 0..spots_usd.len();
    Tape {
        spot_usd: vec![spots_usd.to_vec()],
        mark_usd: contracts
            .iter()
            .map(|contract| {
                all.clone()
                    .map(|step| mark_usd(&contract.kind, step))
                    .collect()
            })
            .collect(),
        funding_rate: vec![vec![0.0; spots_usd.len()]; contracts.len()],
        carry: vec![carries.to_vec(); contracts.len()],
        jumps: vec![vec![vec![]; spots_usd.len()]],
        within: vec![vec![quiet; spots_usd.len()]; contracts.len()],
        step_variance: vec![0.0; contracts.len()],
    }
}

/// A small generator (splitmix64), good enough for hand-made tapes.
struct Draws(u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In (0, 1).
    fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A random walk in the shape of the plan: its volatilities and starting prices, about one jump in eight steps,
/// a basis that wanders, funding stamps of either sign. Not the plan's law: only a market that can happen.
pub fn random_walk(plan: &Plan, seed: u64) -> Tape {
    let mut draws = Draws(seed);
    let steps = plan.simulation.steps as usize;
    let root_step = plan.simulation.step_years().sqrt();
    let assets = &plan.market.assets;
    let contracts = &plan.market.contracts;
    let basis_volatility = 0.002;

    let mut tape = Tape {
        spot_usd: assets.iter().map(|asset| vec![asset.spot_usd]).collect(),
        mark_usd: contracts
            .iter()
            .map(|c| vec![assets[c.underlying].spot_usd * c.initial_basis().exp()])
            .collect(),
        funding_rate: vec![vec![0.0]; contracts.len()],
        carry: vec![Vec::new(); contracts.len()],
        jumps: vec![vec![Vec::new()]; assets.len()],
        within: vec![vec![WithinStep::default()]; contracts.len()],
        step_variance: contracts
            .iter()
            .map(|c| {
                (assets[c.underlying].volatility_annual * root_step).powi(2)
                    + basis_volatility * basis_volatility
            })
            .collect(),
    };
    let mut basis: Vec<f64> = contracts
        .iter()
        .map(hedgesim::plan::types::ContractPlan::initial_basis)
        .collect();
    for step in 1..=steps {
        let mut jumps_by_asset = Vec::new();
        for (asset, spots_usd) in assets.iter().zip(&mut tape.spot_usd) {
            let jumps = random_jumps(&mut draws);
            let log_return = asset.volatility_annual * root_step * draws.normal()
                + jumps.iter().map(|j| j.log_size).sum::<f64>();
            spots_usd.push(spots_usd[step - 1] * log_return.exp());
            jumps_by_asset.push(jumps);
        }
        for (steps, jumps) in tape.jumps.iter_mut().zip(&jumps_by_asset) {
            steps.push(jumps.clone());
        }
        for (index, contract) in contracts.iter().enumerate() {
            basis[index] = 0.9 * basis[index] + basis_volatility * draws.normal();
            let spot_usd = tape.spot_usd[contract.underlying][step];
            tape.mark_usd[index].push(spot_usd * basis[index].exp());
            let rate = if is_stamp(contract.funding(), step) {
                0.001 * draws.normal()
            } else {
                0.0
            };
            tape.funding_rate[index].push(rate);
            let jumps = jumps_by_asset[contract.underlying].clone();
            tape.within[index].push(WithinStep {
                anchor_normals: jumps.iter().map(|_| draws.normal()).collect(),
                bridge_uniforms: (0..=jumps.len()).map(|_| draws.uniform()).collect(),
                jumps,
            });
        }
    }
    tape
}

fn random_jumps(draws: &mut Draws) -> Vec<Jump> {
    let mut times: Vec<f64> = Vec::new();
    while draws.uniform() < 0.1 {
        times.push(draws.uniform());
    }
    times.sort_by(f64::total_cmp);
    times
        .into_iter()
        .map(|time_frac| Jump {
            time_frac,
            log_size: 0.05 * draws.normal(),
        })
        .collect()
}

fn is_stamp(funding: FundingPlan, step: usize) -> bool {
    match funding {
        FundingPlan::None => false,
        FundingPlan::Constant { interval_steps, .. }
        | FundingPlan::PremiumFormula { interval_steps, .. } => {
            step.is_multiple_of(interval_steps as usize)
        }
    }
}

//! Random assets, and paths of a market that can happen.

use hedgesim::engine::tape::{Jump, Tape, WithinStep};
use hedgesim::plan::types::{
    AssetPlan, ContractKind, FundingPlan, JumpPlan, JumpSizes, MarketPlan, OuBasis, Plan,
};

use super::{Dice, Features};
use crate::common::slow_book::{expiry_held, years_left};

/// One to three assets, correlated by one factor; contracts come with the hedges.
pub fn any_market(dice: &mut Dice, features: Features) -> MarketPlan {
    let names = ["AAA", "BBB", "CCC"];
    let count = if features.on(Features::MANY, true) {
        dice.between(1, 3) as usize
    } else {
        1
    };
    let assets: Vec<AssetPlan> = names[..count]
        .iter()
        .map(|name| any_asset(dice, features, name))
        .collect();
    let loadings: Vec<f64> = (0..count)
        .map(|_| {
            let loading = dice.range(-0.3, 1.0);
            if dice.chance(0.1) { 1.0 } else { loading }
        })
        .collect();
    let mut correlation = vec![1.0; count * count];
    for a in 0..count {
        for b in 0..count {
            if a != b {
                correlation[a * count + b] = loadings[a] * loadings[b];
            }
        }
    }
    MarketPlan {
        assets,
        correlation,
        contracts: Vec::new(),
    }
}

fn any_asset(dice: &mut Dice, features: Features, name: &str) -> AssetPlan {
    let merton = JumpSizes::Merton {
        mean_log: dice.range(-0.1, 0.1),
        std_dev_log: dice.zero_or(0.0, 0.15),
    };
    let kou = JumpSizes::Kou {
        up_probability: dice.uniform(),
        up_mean_log: dice.range(0.01, 0.1),
        down_mean_log: dice.range(0.01, 0.1),
    };
    let jumps = JumpPlan {
        jumps_per_year: dice.range(10.0, 300.0),
        sizes: if dice.chance(0.7) { merton } else { kou },
        systemic_share: *dice.pick(&[0.0, 0.5, 1.0]),
        systemic_loading: dice.range(0.5, 1.5),
    };
    let has_jumps = features.on(Features::JUMPS, dice.chance(0.6));
    AssetPlan {
        name: name.to_owned(),
        spot_usd: dice.range(0.0, 11.0).exp(),
        drift_annual: dice.zero_or(-1.0, 1.0),
        volatility_annual: if dice.chance(0.05) {
            0.0
        } else {
            dice.range(0.3, 2.0)
        },
        jumps: has_jumps.then_some(jumps),
    }
}

/// A path of the plan's market: its diffusion, its carries and bases, jumps of about its rate, funding at its stamps.
/// Not its exact law: only a market that can happen.
pub fn random_path(plan: &Plan, seed: u64) -> Tape {
    let mut dice = Dice::new(seed);
    let market = &plan.market;
    let dt = plan.simulation.step_years();
    let factor = cholesky(&market.correlation, market.assets.len());
    let mut tape = Tape {
        spot_usd: market.assets.iter().map(|a| vec![a.spot_usd]).collect(),
        mark_usd: vec![Vec::new(); market.contracts.len()],
        funding_rate: vec![vec![0.0]; market.contracts.len()],
        carry: vec![Vec::new(); market.contracts.len()],
        jumps: vec![vec![Vec::new()]; market.assets.len()],
        within: vec![vec![WithinStep::default()]; market.contracts.len()],
        step_variance: vec![0.0; market.contracts.len()],
    };
    let mut processes: Vec<f64> = market
        .contracts
        .iter()
        .map(|contract| contract.process().map_or(0.0, |process| process.initial))
        .collect();
    push_marks(plan, &mut tape, &processes, 0);
    for step in 1..=plan.simulation.steps {
        let own: Vec<f64> = market.assets.iter().map(|_| dice.normal()).collect();
        let shared_time = dice.uniform();
        let is_shared = dice.chance(0.3);
        let mut shocks = Vec::new();
        for (a, asset) in market.assets.iter().enumerate() {
            let shock: f64 = (0..=a).map(|b| factor[a][b] * own[b]).sum();
            let jumps = random_jumps(&mut dice, asset, dt, is_shared.then_some(shared_time));
            let jumped: f64 = jumps.iter().map(|jump| jump.log_size).sum();
            let log_return = asset.volatility_annual * dt.sqrt() * shock + jumped;
            let before_usd = tape.spot_usd[a][step as usize - 1];
            tape.spot_usd[a].push(before_usd * log_return.exp());
            tape.jumps[a].push(jumps);
            shocks.push(shock);
        }
        for (c, contract) in market.contracts.iter().enumerate() {
            if let Some(process) = contract.process() {
                let shock = shocks[contract.underlying];
                processes[c] = next_process(&mut dice, process, processes[c], shock, dt);
            }
            let rate = funding_rate(contract.funding(), step, processes[c]);
            tape.funding_rate[c].push(rate);
            let jumps = tape.jumps[contract.underlying][step as usize].clone();
            tape.within[c].push(WithinStep {
                anchor_normals: jumps.iter().map(|_| dice.normal()).collect(),
                bridge_uniforms: (0..=jumps.len()).map(|_| dice.uniform()).collect(),
                jumps,
            });
        }
        push_marks(plan, &mut tape, &processes, step);
    }
    tape
}

fn push_marks(plan: &Plan, tape: &mut Tape, processes: &[f64], step: u32) {
    for (c, contract) in plan.market.contracts.iter().enumerate() {
        let spot_usd = tape.spot_usd[contract.underlying][step as usize];
        let mark_usd = match &contract.kind {
            ContractKind::Perpetual { .. } => spot_usd * processes[c].exp(),
            ContractKind::Dated(dated) => {
                tape.carry[c].push(processes[c]);
                let expiry = expiry_held(dated, step);
                let now = f64::from(step) * plan.simulation.step_years();
                spot_usd
                    * dated
                        .basis(processes[c], years_left(expiry.years, now))
                        .exp()
            }
            ContractKind::Option(_) => spot_usd,
        };
        tape.mark_usd[c].push(mark_usd);
    }
}

fn next_process(dice: &mut Dice, process: &OuBasis, now: f64, spot_shock: f64, dt: f64) -> f64 {
    let rho = process.correlation_with_spot;
    let shock = rho * spot_shock + (1.0 - rho * rho).max(0.0).sqrt() * dice.normal();
    let decay = (-process.reversion_per_year * dt).exp();
    process.mean + (now - process.mean) * decay + process.volatility_annual * dt.sqrt() * shock
}

fn random_jumps(dice: &mut Dice, asset: &AssetPlan, dt: f64, shared: Option<f64>) -> Vec<Jump> {
    let Some(plan) = asset.jumps else {
        return Vec::new();
    };
    let mut times: Vec<f64> = Vec::new();
    while times.len() < 3 && dice.chance((plan.jumps_per_year * dt).min(0.4)) {
        times.push(dice.uniform());
    }
    if let (Some(time), false) = (shared, times.is_empty()) {
        times[0] = time;
    }
    times.sort_by(f64::total_cmp);
    times
        .into_iter()
        .map(|time_frac| Jump {
            time_frac,
            log_size: log_size(dice, plan.sizes),
        })
        .collect()
}

fn log_size(dice: &mut Dice, sizes: JumpSizes) -> f64 {
    match sizes {
        JumpSizes::Merton {
            mean_log,
            std_dev_log,
        } => mean_log + std_dev_log * dice.normal(),
        JumpSizes::Kou {
            up_probability,
            up_mean_log,
            down_mean_log,
        } => {
            let size = -dice.uniform().ln();
            if dice.chance(up_probability) {
                size * up_mean_log
            } else {
                -size * down_mean_log
            }
        }
    }
}

/// The rate of an interval, the average premium taken as the one at the stamp.
fn funding_rate(funding: FundingPlan, step: u32, basis: f64) -> f64 {
    match funding {
        FundingPlan::Constant {
            rate_per_8h,
            interval_steps,
        } if step.is_multiple_of(interval_steps) => rate_per_8h,
        FundingPlan::PremiumFormula {
            interest_per_8h,
            damper_per_8h,
            cap_per_8h,
            interval_hours,
            interval_steps,
        } if step.is_multiple_of(interval_steps) => {
            let damped = (interest_per_8h - basis).clamp(-damper_per_8h, damper_per_8h);
            (basis + damped).clamp(-cap_per_8h, cap_per_8h) * interval_hours / 8.0
        }
        FundingPlan::None | FundingPlan::Constant { .. } | FundingPlan::PremiumFormula { .. } => {
            0.0
        }
    }
}

/// Lower factor of a positive semidefinite matrix, 0 where nothing is left.
fn cholesky(matrix: &[f64], n: usize) -> Vec<Vec<f64>> {
    let mut factor = vec![vec![0.0; n]; n];
    for a in 0..n {
        for b in 0..=a {
            let shared: f64 = (0..b).map(|k| factor[a][k] * factor[b][k]).sum();
            let left: f64 = matrix[a * n + b] - shared;
            factor[a][b] = if a == b {
                left.max(0.0).sqrt()
            } else if factor[b][b] > 1e-9 {
                left / factor[b][b]
            } else {
                0.0
            };
        }
    }
    factor
}

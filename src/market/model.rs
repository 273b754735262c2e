//! The market of a plan: advances a block of paths by one tile.

use crate::market::basis::{BasisModel, step_variance};
use crate::market::funding::FundingModel;
use crate::market::jumps::{JumpClocks, JumpState};
use crate::market::kernels::{
    BasisShocks, add_shock, exponentiate, fill_normals, mark_prices, move_log, stamp_rates,
    step_basis,
};
use crate::market::tile::{LaneArray, MarketTile, TILE_STEPS};
use crate::math::correlation::cholesky_lower;
use crate::math::random::{Purpose, Streams};
use crate::math::vector::{exp, ln};
use crate::outcome::table::LANES;
use crate::plan::types::Plan;

/// Normals that one draw gives.
const GROUP: usize = 4;

/// A plan's market, resolved for its step.
#[derive(Debug, Clone)]
pub struct MarketModel {
    streams: Streams,
    steps: usize,
    step_years: f64,
    assets: Vec<AssetModel>,
    contracts: Vec<ContractModel>,
    clocks: JumpClocks,
}

/// One asset: a log price with drift, correlated shocks and jumps.
#[derive(Debug, Clone)]
struct AssetModel {
    initial_log: f64,
    initial_usd: f64,
    /// Drift of the log price over a step, jumps compensated.
    step_drift: f64,
    /// Standard deviation of the diffusion over a step.
    step_deviation: f64,
    /// Row of the Cholesky factor: loading on each independent shock.
    loadings: Vec<f64>,
}

/// One contract: basis and funding on an underlying.
#[derive(Debug, Clone)]
struct ContractModel {
    underlying: usize,
    basis: BasisModel,
    funding: FundingModel,
    /// Standard deviation of a funding interval's average premium beyond what the step ends tell.
    average_noise: f64,
    step_variance: f64,
}

/// The market's state of one block between two tiles.
#[derive(Debug, Clone)]
pub struct MarketState {
    first_path: u64,
    done_steps: usize,
    /// Log price at the start and at the end of each step of the tile; shape `[assets]`.
    log_spot: Vec<[LaneArray; TILE_STEPS + 1]>,
    /// Steps of the last tile.
    last_steps: usize,
    basis: Vec<LaneArray>,
    premium_sum: Vec<LaneArray>,
    average_normals: Vec<[LaneArray; GROUP]>,
    jumps: JumpState,
    /// Independent shocks of the assets over the tile; shape `[assets]`.
    diffusion: Vec<[LaneArray; TILE_STEPS]>,
    basis_shocks: [LaneArray; TILE_STEPS],
    /// The underlying's own standard normal, where a basis needs it.
    spot_shock: LaneArray,
}

impl MarketModel {
    /// Resolves the market of a plan.
    pub fn new(plan: &Plan) -> Self {
        let market = &plan.market;
        let n = market.assets.len();
        let step_years = plan.simulation.step_years();
        let factor = cholesky_lower(&market.correlation, n);
        let assets = market.assets.iter().enumerate().map(|(a, asset)| {
            let compensator = asset.jumps.map_or(0.0, |jumps| jumps.compensator_annual());
            let variance = asset.volatility_annual * asset.volatility_annual;
            AssetModel {
                initial_log: ln(asset.spot_usd),
                initial_usd: asset.spot_usd,
                step_drift: (asset.drift_annual - 0.5 * variance - compensator) * step_years,
                step_deviation: asset.volatility_annual * step_years.sqrt(),
                loadings: factor[a * n..=a * n + a].to_vec(),
            }
        });
        let contracts = market.contracts.iter().map(|contract| {
            let basis = BasisModel::new(&contract.basis, step_years);
            let funding = FundingModel::new(&contract.funding);
            let average_noise = match funding {
                FundingModel::Premium(formula) => {
                    basis.step.z_own / (formula.interval_steps as f64).sqrt()
                }
                FundingModel::None | FundingModel::Constant { .. } => 0.0,
            };
            let volatility = market.assets[contract.underlying].volatility_annual;
            ContractModel {
                underlying: contract.underlying,
                basis,
                funding,
                average_noise,
                step_variance: step_variance(&contract.basis, volatility, step_years),
            }
        });
        Self {
            streams: Streams::new(plan.simulation.seed),
            steps: plan.simulation.steps as usize,
            step_years,
            assets: assets.collect(),
            contracts: contracts.collect(),
            clocks: JumpClocks::new(&market.assets),
        }
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The run's random numbers.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Variance of the diffusive part of `ln F` of a contract over one step.
    pub fn step_variance(&self, contract: usize) -> f64 {
        self.contracts[contract].step_variance
    }

    /// Spot at time 0, USD.
    pub fn initial_spot_usd(&self, asset: usize) -> f64 {
        self.assets[asset].initial_usd
    }

    /// Mark at time 0, USD.
    pub fn initial_mark_usd(&self, contract: usize) -> f64 {
        let model = &self.contracts[contract];
        exp(self.assets[model.underlying].initial_log + model.basis.initial)
    }

    /// A tile of the right shape.
    pub fn tile(&self) -> MarketTile {
        MarketTile::new(self.assets.len(), self.contracts.len())
    }

    /// A state of the right shape; [`Self::start`] sets it to time 0.
    pub fn state(&self) -> MarketState {
        let zero = [0.0; LANES];
        MarketState {
            first_path: 0,
            done_steps: 0,
            log_spot: vec![[zero; TILE_STEPS + 1]; self.assets.len()],
            last_steps: TILE_STEPS,
            basis: vec![zero; self.contracts.len()],
            premium_sum: vec![zero; self.contracts.len()],
            average_normals: vec![[zero; GROUP]; self.contracts.len()],
            jumps: self.clocks.state(),
            diffusion: vec![[zero; TILE_STEPS]; self.assets.len()],
            basis_shocks: [zero; TILE_STEPS],
            spot_shock: zero,
        }
    }

    /// Sets a block, whose lane 0 is path `first_path`, to time 0.
    pub fn start(&self, state: &mut MarketState, tile: &mut MarketTile, first_path: u64) {
        state.first_path = first_path;
        state.done_steps = 0;
        state.last_steps = TILE_STEPS;
        for (log_spot, asset) in state.log_spot.iter_mut().zip(&self.assets) {
            log_spot[TILE_STEPS].fill(asset.initial_log);
        }
        for (c, contract) in self.contracts.iter().enumerate() {
            state.basis[c].fill(contract.basis.initial);
            state.premium_sum[c].fill(0.0);
            // A tile begins where the one before it ended; this is the end of the tile before the first.
            tile.mark_usd[c][TILE_STEPS].fill(self.initial_mark_usd(c));
        }
        self.clocks
            .start(&mut state.jumps, &self.streams, first_path);
    }

    /// Fills `tile` with the block's next steps. Returns false, and leaves the tile alone, after the last step.
    pub fn advance(&self, state: &mut MarketState, tile: &mut MarketTile) -> bool {
        let left = self.steps - state.done_steps;
        if left == 0 {
            return false;
        }
        for marks in &mut tile.mark_usd {
            marks[0] = marks[state.last_steps];
        }
        for logs in &mut state.log_spot {
            logs[0] = logs[state.last_steps];
        }
        tile.first_path = state.first_path;
        tile.first_step = state.done_steps;
        tile.steps = left.min(TILE_STEPS);
        self.clocks
            .advance(&mut state.jumps, &self.streams, self.step_years, tile);
        for a in 0..self.assets.len() {
            self.draw_series(
                state.first_path,
                tile,
                Purpose::Diffusion(a as u32),
                &mut state.diffusion[a],
            );
        }
        for (a, asset) in self.assets.iter().enumerate() {
            asset.advance(a, &state.diffusion, &mut state.log_spot[a], tile);
        }
        for c in 0..self.contracts.len() {
            self.advance_contract(c, state, tile);
        }
        state.done_steps += tile.steps;
        state.last_steps = tile.steps;
        true
    }

    /// Draws the tile's elements of one series of normals.
    fn draw_series(
        &self,
        first_path: u64,
        tile: &MarketTile,
        purpose: Purpose,
        out: &mut [LaneArray; TILE_STEPS],
    ) {
        for (k, four) in out.chunks_exact_mut(GROUP).enumerate() {
            if k * GROUP < tile.steps {
                let group = (tile.first_step / GROUP + k) as u32;
                fill_normals(&self.streams, first_path, group, purpose, four);
            }
        }
    }

    /// Basis, mark and funding rates of one contract over the tile.
    fn advance_contract(&self, c: usize, state: &mut MarketState, tile: &mut MarketTile) {
        let contract = &self.contracts[c];
        if contract.basis.is_random {
            self.draw_series(
                state.first_path,
                tile,
                Purpose::Basis(c as u32),
                &mut state.basis_shocks,
            );
        } else {
            state.basis_shocks = [[0.0; LANES]; TILE_STEPS];
        }
        for k in 0..tile.steps {
            if contract.basis.uses_spot {
                state.spot_shock = [0.0; LANES];
                for (shocks, &loading) in state
                    .diffusion
                    .iter()
                    .zip(&self.assets[contract.underlying].loadings)
                {
                    add_shock(&mut state.spot_shock, &shocks[k], loading);
                }
            }
            let shocks = BasisShocks {
                spot: &state.spot_shock,
                own: &state.basis_shocks[k],
            };
            step_basis(
                &contract.basis,
                shocks,
                &mut state.basis[c],
                &mut state.premium_sum[c],
            );
            let spot = &tile.spot_usd[contract.underlying][k];
            let mark = &mut tile.mark_usd[c][k + 1];
            if contract.basis.is_small {
                mark_prices::<true>(spot, &state.basis[c], mark);
            } else {
                mark_prices::<false>(spot, &state.basis[c], mark);
            }
            let step = tile.first_step + k + 1;
            tile.is_stamp[c][k] = contract.funding.is_stamp(step);
            if tile.is_stamp[c][k] {
                self.stamp(c, step, state, &mut tile.funding_rate[c][k]);
            }
        }
    }

    /// Rates of the stamp at the end of `step`.
    fn stamp(&self, c: usize, step: usize, state: &mut MarketState, rates: &mut LaneArray) {
        let contract = &self.contracts[c];
        match contract.funding {
            FundingModel::None => {}
            FundingModel::Constant { rate, .. } => rates.fill(rate),
            FundingModel::Premium(formula) => {
                let stamp = step / formula.interval_steps - 1;
                if contract.average_noise > 0.0 && stamp.is_multiple_of(GROUP) {
                    let group = (stamp / GROUP) as u32;
                    let purpose = Purpose::FundingAverage(c as u32);
                    fill_normals(
                        &self.streams,
                        state.first_path,
                        group,
                        purpose,
                        &mut state.average_normals[c],
                    );
                }
                let normals = &state.average_normals[c][stamp % GROUP];
                stamp_rates(
                    &formula,
                    contract.average_noise,
                    normals,
                    &mut state.premium_sum[c],
                    rates,
                );
            }
        }
    }
}

impl AssetModel {
    /// Log price and spot of asset `a` over the tile.
    fn advance(
        &self,
        a: usize,
        diffusion: &[[LaneArray; TILE_STEPS]],
        log_spot: &mut [LaneArray; TILE_STEPS + 1],
        tile: &mut MarketTile,
    ) {
        for k in 0..tile.steps {
            let (before, after) = log_spot.split_at_mut(k + 1);
            let (log, next) = (&before[k], &mut after[0]);
            move_log(
                log,
                &diffusion[0][k],
                self.loadings[0] * self.step_deviation,
                self.step_drift,
                next,
            );
            for (shocks, &loading) in diffusion.iter().zip(&self.loadings).skip(1) {
                add_shock(next, &shocks[k], loading * self.step_deviation);
            }
            for jump in tile.jumps_of(k, a) {
                next[jump.lane] += jump.log_size;
            }
            exponentiate(next, &mut tile.spot_usd[a][k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tile's series begin where a draw begins, so a tile must hold whole draws.
    #[test]
    fn tiles_hold_whole_draws() {
        assert_eq!(TILE_STEPS % GROUP, 0);
    }
}

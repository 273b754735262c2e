//! The market of a plan: advances a block of paths by one tile.

use crate::market::contract::ContractModel;
use crate::market::covariance::{Factor, FactorCovariance};
use crate::market::funding::{FundingModel, PremiumFormula};
use crate::market::jumps::{JumpClocks, JumpState};
use crate::market::kernels::{ContractMoves, Stamps, Tenors, largest_size, move_spots, sum_shocks};
use crate::market::small_exp::{SMALL_BASIS, Smallness};
use crate::market::tile::{LaneArray, MarketTile, ShockArray, TILE_STEPS};
use crate::math::correlation::cholesky_lower;
use crate::math::random::{Purpose, Streams, address_number};
use crate::math::scalar;
use crate::math::vector::{LARGEST_NORMAL, exp};
use crate::outcome::table::LANES;
use crate::plan::types::Plan;

/// Normals that one draw gives.
const GROUP: usize = 4;

/// A plan's market, resolved for its step.
#[derive(Debug, Clone)]
pub struct MarketModel {
    streams: Streams,
    steps: usize,
    assets: Vec<AssetModel>,
    contracts: Vec<ContractModel>,
    /// Whether each contract's basis, mark and funding are worked out.
    is_needed: Vec<bool>,
    clocks: JumpClocks,
    covariance: FactorCovariance,
}

/// One asset: a log price with drift, correlated shocks and jumps.
#[derive(Debug, Clone)]
struct AssetModel {
    initial_usd: f64,
    /// Drift of the log price over a step, jumps compensated.
    step_drift: f64,
    /// Standard deviation of the diffusion over a step.
    step_deviation: f64,
    /// Row of the Cholesky factor: loading on each independent shock.
    loadings: Vec<f64>,
    /// How small all moves of a step are, jumps aside.
    smallness: Smallness,
}

/// The market's state of one block between two tiles.
#[derive(Debug, Clone)]
pub struct MarketState {
    first_path: u64,
    done_steps: usize,
    /// Spot, USD; shape `[assets]`.
    spot_usd: Vec<LaneArray>,
    /// Steps of the tile before.
    last_steps: usize,
    /// Basis; shape `[contracts]`.
    basis: Vec<LaneArray>,
    /// Sum of the averages of the steps of the current funding interval; shape `[contracts]`.
    premium_sum: Vec<LaneArray>,
    /// Normals of the next stamps where an interval is longer than a step; shape `[contracts]`.
    stamp_normals: Vec<[ShockArray; GROUP]>,
    /// Normals of the tile's stamps, at their steps; shape `[contracts]`.
    average_normals: Vec<[ShockArray; TILE_STEPS]>,
    jumps: JumpState,
    /// Independent shocks of the assets over the tile; shape `[assets]`.
    diffusion: Vec<[ShockArray; TILE_STEPS]>,
    /// Own shocks of a contract's basis over the tile; shape `[contracts]`, zero where a basis does not move at random.
    basis_shocks: Vec<[ShockArray; TILE_STEPS]>,
    /// An asset's own standard normals, where they are a sum.
    own_shocks: [ShockArray; TILE_STEPS],
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
            let step_drift = (asset.drift_annual - 0.5 * variance - compensator) * step_years;
            let step_deviation = asset.volatility_annual * step_years.sqrt();
            let loadings = factor[a * n..=a * n + a].to_vec();
            let loaded: f64 = loadings.iter().map(|loading| loading.abs()).sum();
            let largest_move = step_drift.abs() + step_deviation * loaded * LARGEST_NORMAL;
            AssetModel {
                initial_usd: asset.spot_usd,
                step_drift,
                step_deviation,
                loadings,
                smallness: if step_deviation > 0.0 {
                    Smallness::of(largest_move)
                } else {
                    // What is not random is exact.
                    Smallness::Any
                },
            }
        });
        let steps = plan.simulation.steps as usize;
        let contracts = market
            .contracts
            .iter()
            .map(|contract| ContractModel::new(contract, steps, step_years));
        Self {
            streams: Streams::new(plan.simulation.seed),
            steps,
            assets: assets.collect(),
            contracts: contracts.collect(),
            is_needed: vec![true; market.contracts.len()],
            clocks: JumpClocks::new(&market.assets, step_years, steps),
            covariance: FactorCovariance::new(plan),
        }
    }

    /// The same market without the contracts that no hedge of the plan may hold: their basis, mark and funding are not worked
    /// out. Everything else stays as it is.
    #[must_use]
    pub fn of_hedges(mut self, plan: &Plan) -> Self {
        for (c, is_needed) in self.is_needed.iter_mut().enumerate() {
            *is_needed = plan.hedges.iter().any(|hedge| {
                hedge.contract == c || hedge.switch.is_some_and(|switch| switch.to == c)
            });
        }
        self
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The run's random numbers.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Variance of the diffusive part of `ln F` of a contract over one step; of a dated future, over the first.
    pub fn step_variance(&self, contract: usize) -> f64 {
        self.step_variance_at(contract, 1)
    }

    /// Variance of the diffusive part of `ln F` of a contract over `step`, counted from 1.
    pub fn step_variance_at(&self, contract: usize, step: usize) -> f64 {
        let mark = Factor::Mark(contract);
        self.covariance(step, mark, mark).max(0.0)
    }

    /// Covariance of the diffusive parts of two log prices over `step`, counted from 1, given its start.
    pub fn covariance(&self, step: usize, a: Factor, b: Factor) -> f64 {
        self.covariance.between(step, a, b)
    }

    /// Spot at time 0, USD.
    pub fn initial_spot_usd(&self, asset: usize) -> f64 {
        self.assets[asset].initial_usd
    }

    /// Mark at time 0, USD.
    pub fn initial_mark_usd(&self, contract: usize) -> f64 {
        let model = &self.contracts[contract];
        self.assets[model.underlying].initial_usd * exp(model.initial_basis)
    }

    /// A tile of the right shape.
    pub fn tile(&self) -> MarketTile {
        let mut tile = MarketTile::new(self.assets.len(), self.contracts.len());
        for (rates, contract) in tile.funding_rate.iter_mut().zip(&self.contracts) {
            if let FundingModel::Constant { rate, .. } = contract.funding {
                *rates = [[rate; LANES]; TILE_STEPS];
            }
        }
        tile
    }

    /// A state of the right shape; [`Self::start`] sets it to time 0.
    pub fn state(&self) -> MarketState {
        let zero = [0.0; LANES];
        let no_shock = [0.0f32; LANES];
        MarketState {
            first_path: 0,
            done_steps: 0,
            spot_usd: vec![zero; self.assets.len()],
            last_steps: TILE_STEPS,
            basis: vec![zero; self.contracts.len()],
            premium_sum: vec![zero; self.contracts.len()],
            stamp_normals: vec![[no_shock; GROUP]; self.contracts.len()],
            average_normals: vec![[no_shock; TILE_STEPS]; self.contracts.len()],
            jumps: self.clocks.state(),
            diffusion: vec![[no_shock; TILE_STEPS]; self.assets.len()],
            basis_shocks: vec![[no_shock; TILE_STEPS]; self.contracts.len()],
            own_shocks: [no_shock; TILE_STEPS],
        }
    }

    /// Sets a block, whose lane 0 is path `first_path`, to time 0.
    pub fn start(&self, state: &mut MarketState, tile: &mut MarketTile, first_path: u64) {
        state.first_path = first_path;
        state.done_steps = 0;
        state.last_steps = TILE_STEPS;
        for (spot_usd, asset) in state.spot_usd.iter_mut().zip(&self.assets) {
            spot_usd.fill(asset.initial_usd);
        }
        for (c, contract) in self.contracts.iter().enumerate() {
            state.basis[c].fill(contract.basis.initial);
            state.premium_sum[c].fill(0.0);
            // A tile begins where the one before it ended; this is the end of the tile before the first.
            tile.mark_usd[c][TILE_STEPS].fill(self.initial_mark_usd(c));
            tile.carry[c][TILE_STEPS].fill(contract.basis.initial);
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
        for (carries, contract) in tile.carry.iter_mut().zip(&self.contracts) {
            if contract.dated.is_some() {
                carries[0] = carries[state.last_steps];
            }
        }
        tile.first_path = state.first_path;
        tile.first_step = state.done_steps;
        tile.steps = left.min(TILE_STEPS);
        self.clocks.advance(&mut state.jumps, &self.streams, tile);
        for a in 0..self.assets.len() {
            self.draw_series(
                state.first_path,
                tile,
                Purpose::Diffusion(address_number(a)),
                &mut state.diffusion[a],
            );
        }
        for a in 0..self.assets.len() {
            self.advance_asset(a, state, tile);
        }
        for c in 0..self.contracts.len() {
            if self.is_needed[c] {
                self.advance_contract(c, state, tile);
            }
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
        out: &mut [ShockArray; TILE_STEPS],
    ) {
        let (groups, _) = out.as_chunks_mut::<GROUP>();
        let first_group = address_number(tile.first_step / GROUP);
        let needed = &mut groups[..tile.steps.div_ceil(GROUP)];
        self.streams
            .lane_normals(first_path, first_group, purpose, needed);
    }

    /// Spot of one asset over the tile. Steps beyond the horizon are worked out and never read.
    fn advance_asset(&self, a: usize, state: &mut MarketState, tile: &mut MarketTile) {
        let asset = &self.assets[a];
        // The first asset's loading on the first shock is 1.
        let shocks = if a == 0 {
            &state.diffusion[0]
        } else {
            sum_shocks(&state.diffusion, &asset.loadings, &mut state.own_shocks);
            &state.own_shocks
        };
        let (factor, drift) = (asset.step_deviation, asset.step_drift);
        let spot_usd = &mut state.spot_usd[a];
        let out = &mut tile.spot_usd[a];
        match asset.smallness {
            Smallness::Tiny => move_spots::<4>(shocks, factor, drift, spot_usd, out),
            Smallness::Small => move_spots::<5>(shocks, factor, drift, spot_usd, out),
            Smallness::Moderate => move_spots::<6>(shocks, factor, drift, spot_usd, out),
            Smallness::Any => move_spots::<0>(shocks, factor, drift, spot_usd, out),
        }
        for jump in tile.jumps.iter().filter(|jump| jump.asset == a) {
            let factor = scalar::exp(jump.log_size);
            for spots in &mut out[jump.step..] {
                spots[jump.lane] *= factor;
            }
            spot_usd[jump.lane] *= factor;
        }
    }

    /// Basis, mark and funding rates of one contract over the tile. Steps beyond the horizon are worked out and never
    /// read.
    fn advance_contract(&self, c: usize, state: &mut MarketState, tile: &mut MarketTile) {
        let contract = &self.contracts[c];
        let first_path = state.first_path;
        if contract.basis.is_random {
            let purpose = Purpose::Basis(address_number(c));
            self.draw_series(first_path, tile, purpose, &mut state.basis_shocks[c]);
        }
        if contract.basis.uses_spot {
            let loadings = &self.assets[contract.underlying].loadings;
            sum_shocks(&state.diffusion, loadings, &mut state.own_shocks);
        }
        for k in 0..TILE_STEPS {
            tile.is_stamp[c][k] =
                k < tile.steps && contract.funding.is_stamp(tile.first_step + k + 1);
        }
        let formula = match contract.funding {
            FundingModel::None | FundingModel::Constant { .. } => None,
            FundingModel::Premium(formula) => Some(formula),
        };
        if let Some(formula) = formula
            && contract.average_noise > 0.0
        {
            self.draw_averages(c, &formula, state, tile);
        }
        let moves = ContractMoves {
            basis: &contract.basis,
            spot_usd: &tile.spot_usd[contract.underlying],
            spot_shocks: &state.own_shocks,
            own_shocks: &state.basis_shocks[c],
        };
        let [_, ends @ ..] = &mut tile.mark_usd[c];
        let basis = &mut state.basis[c];
        if let Some(dated) = &contract.dated {
            let [_, carries @ ..] = &mut tile.carry[c];
            let years = |k: usize| dated.tenor_years(tile.first_step + k + 1);
            let tenors = Tenors {
                years: std::array::from_fn(years),
                slope_per_year: dated.slope_per_year(),
            };
            // No path can bring any basis from its start over this within the tile.
            let mean = contract.basis.mean.abs();
            let moves_most = contract.basis.largest_shock() * TILE_STEPS as f64;
            let most_carry = largest_size(basis).max(mean) + moves_most;
            let most_years = tenors.years.into_iter().fold(0.0, f64::max);
            let is_wide = dated.basis_bound(most_carry, most_years) >= SMALL_BASIS;
            let advance = contract.moves_of_dated(is_wide);
            advance(&moves, &tenors, basis, carries, ends);
            return;
        }
        let Some(formula) = formula else {
            match contract.smallness {
                Smallness::Tiny => contract.move_marks::<4>(&moves, basis, ends),
                Smallness::Small => contract.move_marks::<5>(&moves, basis, ends),
                _ => contract.move_marks::<0>(&moves, basis, ends),
            }
            return;
        };
        let stamps = Stamps {
            formula,
            noise: contract.average_noise,
            normals: &state.average_normals[c],
            is_stamp: tile.is_stamp[c],
        };
        let is_each = formula.interval_steps == 1;
        let advance = match contract.smallness {
            Smallness::Tiny => contract.moves_with_rates::<4>(is_each),
            Smallness::Small => contract.moves_with_rates::<5>(is_each),
            _ => contract.moves_with_rates::<0>(is_each),
        };
        let (sum, rates) = (&mut state.premium_sum[c], &mut tile.funding_rate[c]);
        advance(&moves, &stamps, basis, sum, ends, rates);
    }

    /// Draws what the average premiums of the tile's stamps have of their own.
    fn draw_averages(
        &self,
        c: usize,
        formula: &PremiumFormula,
        state: &mut MarketState,
        tile: &MarketTile,
    ) {
        let purpose = Purpose::FundingAverage(address_number(c));
        let normals = &mut state.average_normals[c];
        if formula.interval_steps == 1 {
            self.draw_series(state.first_path, tile, purpose, normals);
            return;
        }
        for k in (0..tile.steps).filter(|&k| tile.is_stamp[c][k]) {
            let stamp = (tile.first_step + k + 1) / formula.interval_steps - 1;
            let next = &mut state.stamp_normals[c];
            if stamp.is_multiple_of(GROUP) {
                let group = address_number(stamp / GROUP);
                self.streams.lane_normals(
                    state.first_path,
                    group,
                    purpose,
                    std::slice::from_mut(next),
                );
            }
            normals[k] = next[stamp % GROUP];
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

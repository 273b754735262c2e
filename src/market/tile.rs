//! A tile: a few time steps of the market for one block of paths, in struct-of-arrays.

use crate::outcome::table::LANES;

/// Steps in a full tile; a multiple of the four normals that one draw gives.
pub const TILE_STEPS: usize = 8;

/// One value for each path of a block.
pub type LaneArray = [f64; LANES];

/// One standard normal for each path of a block, in the precision in which it is drawn.
pub type ShockArray = [f32; LANES];

/// The market over one tile. Step `k` of the tile (from 0) ends at step `first_step + k + 1` of the simulation.
#[derive(Debug, Clone)]
pub struct MarketTile {
    /// Steps of the simulation that lie before this tile.
    pub first_step: usize,
    /// Steps in this tile.
    pub steps: usize,
    /// Path of lane 0.
    pub first_path: u64,
    /// Spot at the end of each step, USD; shape `[assets][TILE_STEPS]`.
    pub spot_usd: Vec<[LaneArray; TILE_STEPS]>,
    /// Mark, USD; shape `[contracts][TILE_STEPS + 1]`: index `k` is the start of step `k`, `k + 1` its end. That of a dated
    /// future is of the contract held before anything happens at that moment, and of an option it is its underlying's spot.
    pub mark_usd: Vec<[LaneArray; TILE_STEPS + 1]>,
    /// Carry `y` of a dated future, per year, at the same boundaries; meaningless for other contracts.
    pub carry: Vec<[LaneArray; TILE_STEPS + 1]>,
    /// Funding rate per interval at the stamp that ends each step; meaningless where `is_stamp` is false.
    pub funding_rate: Vec<[LaneArray; TILE_STEPS]>,
    /// Whether a funding stamp falls on the end of each step; shape `[contracts][TILE_STEPS]`.
    pub is_stamp: Vec<[bool; TILE_STEPS]>,
    /// Factor on what trades cost beside fees in each step, 1 in every drawn market; shape `[TILE_STEPS]`.
    pub cost_factor: [LaneArray; TILE_STEPS],
    /// Jumps inside the tile, ordered by step, asset, lane, time.
    pub jumps: Vec<TileJump>,
    /// Lanes with a jump in the tile, as bits.
    jumped: u64,
    /// Where the jumps of each step end in `jumps`.
    jump_ends: [usize; TILE_STEPS],
}

/// A jump of one asset on one path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileJump {
    /// Step within the tile.
    pub step: usize,
    /// Asset that jumps.
    pub asset: usize,
    /// Lane that jumps.
    pub lane: usize,
    /// Moment inside the step, as a fraction of the step.
    pub time_frac: f64,
    /// Jump of the log price.
    pub log_size: f64,
}

impl TileJump {
    /// Place in the order of step, asset and lane, as one number: far fewer than 2^16 of each.
    fn order(&self) -> u64 {
        ((self.step as u64) << 32) | ((self.asset as u64) << 16) | self.lane as u64
    }
}

impl MarketTile {
    /// An empty tile for so many assets and contracts.
    pub fn new(assets: usize, contracts: usize) -> Self {
        Self {
            first_step: 0,
            steps: 0,
            first_path: 0,
            spot_usd: vec![[[0.0; LANES]; TILE_STEPS]; assets],
            mark_usd: vec![[[0.0; LANES]; TILE_STEPS + 1]; contracts],
            carry: vec![[[0.0; LANES]; TILE_STEPS + 1]; contracts],
            funding_rate: vec![[[0.0; LANES]; TILE_STEPS]; contracts],
            is_stamp: vec![[false; TILE_STEPS]; contracts],
            cost_factor: [[1.0; LANES]; TILE_STEPS],
            jumps: Vec::with_capacity(LANES),
            jumped: 0,
            jump_ends: [0; TILE_STEPS],
        }
    }

    /// Puts the jumps in order of step, asset, lane and time.
    pub(crate) fn sort_jumps(&mut self) {
        self.jumps.sort_unstable_by(|a, b| {
            a.order()
                .cmp(&b.order())
                .then(a.time_frac.total_cmp(&b.time_frac))
        });
        self.jumped = self
            .jumps
            .iter()
            .fold(0, |bits, jump| bits | 1 << jump.lane);
        let mut end = 0;
        for (step, step_end) in self.jump_ends.iter_mut().enumerate() {
            while self.jumps.get(end).is_some_and(|jump| jump.step == step) {
                end += 1;
            }
            *step_end = end;
        }
    }

    /// Jumps of all assets in some steps of the tile.
    pub fn jumps_between(&self, steps: std::ops::Range<usize>) -> &[TileJump] {
        let end_of = |steps: usize| {
            if steps == 0 {
                0
            } else {
                self.jump_ends[steps - 1]
            }
        };
        &self.jumps[end_of(steps.start)..end_of(steps.end)]
    }

    /// Jumps of one asset in one step, ordered by lane and time.
    #[inline]
    pub fn jumps_of(&self, step: usize, asset: usize) -> &[TileJump] {
        let start = if step == 0 {
            0
        } else {
            self.jump_ends[step - 1]
        };
        let jumps = &self.jumps[start..self.jump_ends[step]];
        if jumps.is_empty() {
            return jumps;
        }
        let from = jumps.partition_point(|jump| jump.asset < asset);
        let to = jumps.partition_point(|jump| jump.asset <= asset);
        &jumps[from..to]
    }

    /// Jumps of one asset on one lane in one step, in order of time.
    #[inline]
    pub fn lane_jumps(&self, step: usize, asset: usize, lane: usize) -> &[TileJump] {
        if (self.jumped >> lane) & 1 == 0 {
            return &[];
        }
        let jumps = self.jumps_of(step, asset);
        let from = jumps.partition_point(|j| j.lane < lane);
        let to = jumps.partition_point(|j| j.lane <= lane);
        &jumps[from..to]
    }
}

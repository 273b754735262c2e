//! Jump clocks: when an asset or the whole market jumps, and by how much.

use multiversion::multiversion;

use crate::market::tile::{MarketTile, TILE_STEPS, TileJump};
use crate::math::bits::places_of;
use crate::math::jumps::{kou_compensator, merton_compensator};
use crate::math::normal;
use crate::math::random::{Purpose, Streams, address_number};
use crate::math::scalar;
use crate::outcome::table::LANES;
use crate::plan::types::{AssetPlan, JumpPlan, JumpSizes};

impl JumpSizes {
    /// The log size at quantile `u` in (0, 1).
    pub fn quantile(&self, u: f64) -> f64 {
        match *self {
            Self::Merton {
                mean_log,
                std_dev_log,
            } => std_dev_log.mul_add(normal::quantile(u), mean_log),
            Self::Kou {
                up_probability,
                up_mean_log,
                down_mean_log,
            } => {
                let down_probability = 1.0 - up_probability;
                let (tail, probability, scale_log) = if u < down_probability {
                    (u, down_probability, down_mean_log)
                } else {
                    (1.0 - u, up_probability, -up_mean_log)
                };
                // At u just above 1 - p the ratio may round above 1.
                scale_log * scalar::ln((tail / probability).min(1.0))
            }
        }
    }

    /// `E[exp(loading * J)] - 1`, what a compensator takes out.
    pub fn expected_relative_jump(&self, loading: f64) -> f64 {
        match *self {
            Self::Merton {
                mean_log,
                std_dev_log,
            } => merton_compensator(mean_log * loading, std_dev_log * loading),
            Self::Kou {
                up_probability,
                up_mean_log,
                down_mean_log,
            } => kou_compensator(
                up_probability,
                up_mean_log * loading,
                down_mean_log * loading,
            ),
        }
    }
}

impl JumpPlan {
    /// Expected relative move by jumps per year, systemic ones with their loading.
    pub fn compensator_annual(&self) -> f64 {
        let own = (1.0 - self.systemic_share) * self.sizes.expected_relative_jump(1.0);
        let systemic =
            self.systemic_share * self.sizes.expected_relative_jump(self.systemic_loading);
        self.jumps_per_year * (own + systemic)
    }

    /// Systemic jumps per year.
    pub fn systemic_per_year(&self) -> f64 {
        self.jumps_per_year * self.systemic_share
    }
}

/// One Poisson clock and those it can strike.
#[derive(Debug, Clone)]
struct Clock {
    mean_gap_years: f64,
    struck: Vec<Struck>,
}

/// An asset that a clock can strike.
#[derive(Debug, Clone, Copy)]
struct Struck {
    asset: usize,
    /// Probability that a tick strikes it.
    probability: f64,
    sizes: JumpSizes,
    loading: f64,
}

/// All clocks of a market: one for each asset's own jumps, one for the systemic ones.
///
/// They are read for a window of several tiles at once: many ticks side by side cost a fraction of as many one by one.
#[derive(Debug, Clone)]
pub struct JumpClocks {
    clocks: Vec<Clock>,
    step_years: f64,
    steps: usize,
    /// Tiles of a window: about as many as have a tick of every clock and lane.
    window_tiles: usize,
}

/// The most tiles of a window.
const MOST_TILES: usize = 64;

/// No jump.
const NONE: usize = usize::MAX;

/// Where every lane's clocks stand.
#[derive(Debug, Clone)]
pub struct JumpState {
    /// Next tick, years from time 0; shape `[clocks]`.
    next_years: Vec<[f64; LANES]>,
    /// Ticks so far; shape `[clocks]`.
    ticks: Vec<[u32; LANES]>,
    /// First step of the window, from 0.
    window_start: usize,
    /// Its end.
    window_end: usize,
    /// Jumps of the window, each with the place of another one of its tile, [`NONE`] for the last.
    window: Vec<(TileJump, usize)>,
    /// Where in `window` the jumps of each tile begin.
    tile_heads: [usize; MOST_TILES],
}

impl JumpClocks {
    /// The clocks of these assets over so many steps.
    pub fn new(assets: &[AssetPlan], step_years: f64, steps: usize) -> Self {
        let mut clocks = Vec::new();
        let jumping = || {
            assets
                .iter()
                .enumerate()
                .filter_map(|(asset, plan)| Some((asset, plan.jumps?)))
        };
        for (asset, jumps) in jumping() {
            let rate = jumps.jumps_per_year - jumps.systemic_per_year();
            if rate > 0.0 {
                let struck = vec![Struck {
                    asset,
                    probability: 1.0,
                    sizes: jumps.sizes,
                    loading: 1.0,
                }];
                clocks.push(Clock {
                    mean_gap_years: 1.0 / rate,
                    struck,
                });
            }
        }
        let market_rate = jumping()
            .map(|(_, jumps)| jumps.systemic_per_year())
            .fold(0.0, f64::max);
        if market_rate > 0.0 {
            let struck = jumping()
                .filter(|(_, jumps)| jumps.systemic_per_year() > 0.0)
                .map(|(asset, jumps)| Struck {
                    asset,
                    probability: jumps.systemic_per_year() / market_rate,
                    sizes: jumps.sizes,
                    loading: jumps.systemic_loading,
                })
                .collect();
            clocks.push(Clock {
                mean_gap_years: 1.0 / market_rate,
                struck,
            });
        }
        let least_gap_years = clocks
            .iter()
            .map(|clock| clock.mean_gap_years)
            .fold(f64::INFINITY, f64::min);
        let tiles = least_gap_years / (step_years * TILE_STEPS as f64);
        Self {
            clocks,
            step_years,
            steps,
            window_tiles: whole_part(tiles).clamp(1, MOST_TILES),
        }
    }

    /// Room for the clocks of one block.
    pub fn state(&self) -> JumpState {
        let n = self.clocks.len();
        JumpState {
            next_years: vec![[0.0; LANES]; n],
            ticks: vec![[0; LANES]; n],
            window_start: 0,
            window_end: 0,
            window: Vec::with_capacity(4 * LANES),
            tile_heads: [NONE; MOST_TILES],
        }
    }

    /// Sets every lane's clocks to time 0.
    pub(crate) fn start(&self, state: &mut JumpState, streams: &Streams, first_path: u64) {
        state.window_end = 0;
        for (number, clock) in self.clocks.iter().enumerate() {
            state.ticks[number] = [0; LANES];
            let next_years = &mut state.next_years[number];
            let purpose = Purpose::JumpTime(address_number(number));
            streams.lane_exponentials(first_path, 0, purpose, next_years);
            for next in next_years {
                *next *= clock.mean_gap_years;
            }
        }
    }

    /// Lists the jumps of one tile in `tile.jumps`, in order.
    pub(crate) fn advance(&self, state: &mut JumpState, streams: &Streams, tile: &mut MarketTile) {
        tile.jumps.clear();
        if tile.first_step >= state.window_end {
            self.read_window(state, streams, tile);
        }
        let mut place = state.tile_heads[(tile.first_step - state.window_start) / TILE_STEPS];
        while place != NONE {
            let (jump, next) = state.window[place];
            tile.jumps.push(jump);
            place = next;
        }
        tile.sort_jumps();
    }

    /// Reads the clocks of the window that begins with a tile.
    fn read_window(&self, state: &mut JumpState, streams: &Streams, tile: &MarketTile) {
        let start = tile.first_step;
        let end = self.steps.min(start + self.window_tiles * TILE_STEPS);
        let end_years = end as f64 * self.step_years;
        (state.window_start, state.window_end) = (start, end);
        state.window.clear();
        state.tile_heads = [NONE; MOST_TILES];
        let mut places = [(0, 0); LANES];
        let (mut uniforms, mut gaps) = ([[0.0; 2]; LANES], [0.0; LANES]);
        for (number, clock) in self.clocks.iter().enumerate() {
            let purposes =
                [Purpose::JumpSize, Purpose::JumpTime].map(|of| of(address_number(number)));
            let (next_years, ticks) = (&mut state.next_years[number], &mut state.ticks[number]);
            loop {
                let mut count = 0;
                for lane in places_of(due_lanes(next_years, end_years)) {
                    places[count] = (lane, ticks[lane]);
                    count += 1;
                }
                if count == 0 {
                    break;
                }
                let places = &places[..count];
                // One uniform decides whom a tick strikes, one quantile how much; the next gap is exponential.
                streams.ticks(tile.first_path, places, purposes, &mut uniforms, &mut gaps);
                for ((&(lane, tick), &[whom, quantile]), &gap) in
                    places.iter().zip(&uniforms).zip(&gaps)
                {
                    let position = next_years[lane] / self.step_years;
                    // Rounding must neither lose a jump nor move it out of its window.
                    let step = whole_part(position).clamp(start, end - 1);
                    let time_frac = (position - step as f64).clamp(0.0, 1.0);
                    ticks[lane] = tick + 1;
                    next_years[lane] += gap * clock.mean_gap_years;
                    let head = &mut state.tile_heads[(step - start) / TILE_STEPS];
                    for struck in &clock.struck {
                        if whom < struck.probability {
                            let jump = TileJump {
                                step: (step - start) % TILE_STEPS,
                                asset: struck.asset,
                                lane,
                                time_frac,
                                log_size: struck.sizes.quantile(quantile) * struck.loading,
                            };
                            state.window.push((jump, *head));
                            *head = state.window.len() - 1;
                        }
                    }
                }
            }
        }
    }
}

/// The whole part of a number from 0 up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the whole part is meant, and it is not negative"
)]
fn whole_part(x: f64) -> usize {
    x as usize
}

/// Lanes, as bits, whose next tick falls before `end_years`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn due_lanes(next_years: &[f64; LANES], end_years: f64) -> u64 {
    let mut bits = 0;
    for (lane, &next) in next_years.iter().enumerate() {
        bits |= u64::from(next < end_years) << lane;
    }
    bits
}

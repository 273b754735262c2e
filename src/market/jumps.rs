//! Jump clocks: when an asset or the whole market jumps, and by how much.

use multiversion::multiversion;

use crate::market::tile::{MarketTile, TileJump};
use crate::math::jumps::{kou_compensator, merton_compensator};
use crate::math::normal;
use crate::math::random::{Purpose, Streams, address_number};
use crate::math::vector::ln;
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
                scale_log * natural_log((tail / probability).min(1.0))
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
#[derive(Debug, Clone)]
pub struct JumpClocks {
    clocks: Vec<Clock>,
}

/// Where every lane's clocks stand.
#[derive(Debug, Clone)]
pub struct JumpState {
    /// Next tick, years from time 0; shape `[clocks]`.
    next_years: Vec<[f64; LANES]>,
    /// Ticks so far; shape `[clocks]`.
    ticks: Vec<[u32; LANES]>,
}

impl JumpClocks {
    /// The clocks of these assets.
    pub fn new(assets: &[AssetPlan]) -> Self {
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
        Self { clocks }
    }

    /// Room for the clocks of one block.
    pub fn state(&self) -> JumpState {
        let n = self.clocks.len();
        JumpState {
            next_years: vec![[0.0; LANES]; n],
            ticks: vec![[0; LANES]; n],
        }
    }

    /// Sets every lane's clocks to time 0.
    pub(crate) fn start(&self, state: &mut JumpState, streams: &Streams, first_path: u64) {
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
    pub(crate) fn advance(
        &self,
        state: &mut JumpState,
        streams: &Streams,
        step_years: f64,
        tile: &mut MarketTile,
    ) {
        tile.jumps.clear();
        let end_step = tile.first_step + tile.steps;
        let end_years = end_step as f64 * step_years;
        for (number, clock) in self.clocks.iter().enumerate() {
            let clock_number = address_number(number);
            let next_years = &mut state.next_years[number];
            let mut due = due_lanes(next_years, end_years);
            while due != 0 {
                let lane = due.trailing_zeros() as usize;
                due &= due - 1;
                let path = tile.first_path + lane as u64;
                while next_years[lane] < end_years {
                    let tick = state.ticks[number][lane];
                    let position = next_years[lane] / step_years;
                    // Rounding must neither lose a jump nor move it out of its tile.
                    let step = whole_part(position).clamp(tile.first_step, end_step - 1);
                    let time_frac = (position - step as f64).clamp(0.0, 1.0);
                    // One uniform decides whom the tick strikes, one quantile how much; the next gap is exponential.
                    let ([whom, quantile], gap) = streams.uniforms_and_exponential(
                        path,
                        (tick, Purpose::JumpSize(clock_number)),
                        (tick + 1, Purpose::JumpTime(clock_number)),
                    );
                    for struck in &clock.struck {
                        if whom < struck.probability {
                            tile.jumps.push(TileJump {
                                step: step - tile.first_step,
                                asset: struck.asset,
                                lane,
                                time_frac,
                                log_size: struck.sizes.quantile(quantile) * struck.loading,
                            });
                        }
                    }
                    state.ticks[number][lane] = tick + 1;
                    next_years[lane] += gap * clock.mean_gap_years;
                }
            }
        }
        tile.sort_jumps();
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

/// [`ln`], compiled with fused multiply-adds where the processor has them.
#[multiversion(targets("x86_64+avx2+fma"))]
fn natural_log(x: f64) -> f64 {
    ln(x)
}

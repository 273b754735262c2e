//! Whether, and where, a mark reaches a liquidation level inside a step.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use std::f64::consts::LOG2_E;

use multiversion::multiversion;

use crate::ledger::event::LiquidationCause;
use crate::market::tile::TileJump;
use crate::math::ars::Block;
use crate::math::random::{Purpose, SMALLEST_UNIFORM_32, Streams, address, address_number};
use crate::math::vector::{exp, ln};

/// Segments that one contract's bridge can have in one step; more jumps than this in a step share numbers with none.
pub(super) const SEGMENTS: u32 = 4096;

/// No uniform is under 2 to the power of minus this.
pub(super) const MOST_HALVINGS: f64 = 33.0;

/// The random numbers that decide one account's crossings in one step.
#[derive(Debug, Clone, Copy)]
pub struct CrossingDraws<'a> {
    /// The run's streams.
    pub streams: &'a Streams,
    /// Path.
    pub path: u64,
    /// Step of the simulation, from 0.
    pub step: u32,
    /// Contract.
    pub contract: u32,
}

impl CrossingDraws<'_> {
    /// Decides whether the bridge of segment `segment` crosses.
    pub fn bridge_uniform(&self, segment: usize) -> f64 {
        self.streams
            .uniform_32(self.path, self.step, self.bridge(segment))
    }

    /// The address of [`Self::bridge_uniform`].
    #[inline(always)]
    pub(super) fn bridge_address(&self, segment: usize) -> Block {
        address(self.path, self.step, self.bridge(segment))
    }

    #[inline(always)]
    fn bridge(&self, segment: usize) -> Purpose {
        Purpose::Bridge(self.contract * SEGMENTS + address_number(segment).min(SEGMENTS - 1))
    }

    /// Where the diffusive part of `ln F` stands at jump `jump`, as a standard normal.
    pub fn anchor_normal(&self, jump: usize) -> f64 {
        let number = self.contract * SEGMENTS + address_number(jump).min(SEGMENTS - 1);
        self.streams
            .first_normal(self.path, self.step, Purpose::BridgeAnchor(number))
    }
}

/// A liquidation's fill before slippage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fill {
    /// Price, USD per base unit.
    pub price_usd: f64,
    /// How it was reached.
    pub cause: LiquidationCause,
}

/// One step of one mark.
#[derive(Debug, Clone, Copy)]
pub struct MarkStep<'a> {
    /// Mark at the start, USD.
    pub start_usd: f64,
    /// Mark at the end, USD.
    pub end_usd: f64,
    /// Jumps of the log mark, in order of time.
    pub jumps: &'a [TileJump],
    /// Variance of the diffusive part of `ln F` over the whole step.
    pub variance: f64,
}

impl MarkStep<'_> {
    /// The fill if the mark reaches `level_usd` (a level above) inside the step.
    pub fn reach(&self, level_usd: f64, draws: &CrossingDraws<'_>) -> Option<Fill> {
        reach(self, level_usd, draws)
    }

    /// Whether the mark surely stays under `level_usd`, told without a logarithm; false where that takes a closer look.
    #[inline(always)]
    pub fn surely_misses(&self, level_usd: f64, draws: &CrossingDraws<'_>) -> bool {
        let (from_usd, to_usd) = (level_usd - self.start_usd, level_usd - self.end_usd);
        if !self.jumps.is_empty() || from_usd <= 0.0 || to_usd <= 0.0 {
            return false;
        }
        // ln x >= 1 - 1/x: in logarithms the ends are under the level by these shares of it at least.
        let exponent = from_usd * to_usd / (level_usd * level_usd * self.variance);
        surely_misses(2.0 * exponent, draws)
    }

    #[inline(always)]
    fn reach_level(&self, level_usd: f64, draws: &CrossingDraws<'_>) -> Option<Fill> {
        let fill = |price_usd, cause| Some(Fill { price_usd, cause });
        if self.start_usd >= level_usd {
            return fill(self.start_usd, LiquidationCause::Beyond);
        }
        let level_log = ln(level_usd / self.start_usd);
        let end_log = ln(self.end_usd / self.start_usd);
        if self.jumps.is_empty() {
            let crosses = self.end_usd >= level_usd
                || bridge(level_log, level_log - end_log, self.variance, draws, 0);
            return if crosses {
                fill(level_usd, LiquidationCause::Crossed)
            } else {
                None
            };
        }
        let jumped: f64 = self.jumps.iter().map(|jump| jump.log_size).sum();
        let reachable: f64 = self.jumps.iter().map(|jump| jump.log_size.abs()).sum();
        // Each anchor moves by less than 4 deviations (|z| <= 7.54, its own deviation at most half the step's), and a
        // bridge 4 below its level at both ends crosses with less than the smallest uniform.
        let far = (4 * self.jumps.len() + 4) as f64 * self.variance.sqrt();
        if level_log - end_log.max(0.0) - reachable > far.max(f64::MIN_POSITIVE) {
            return None;
        }
        let diffusive_end = end_log - jumped;
        let (mut time, mut diffused, mut shifted) = (0.0, 0.0, 0.0);
        for (k, jump) in self.jumps.iter().enumerate() {
            let left = 1.0 - time;
            let elapsed = jump.time_frac - time;
            let share = if left > 0.0 { elapsed / left } else { 1.0 };
            let deviation = (self.variance * elapsed * (1.0 - share)).max(0.0).sqrt();
            let anchor = share.mul_add(diffusive_end - diffused, diffused)
                + deviation * draws.anchor_normal(k);
            let (from, to) = (level_log - diffused - shifted, level_log - anchor - shifted);
            if to <= 0.0 || bridge(from, to, self.variance * elapsed, draws, k) {
                return fill(level_usd, LiquidationCause::Crossed);
            }
            (time, diffused) = (jump.time_frac, anchor);
            shifted += jump.log_size;
            if diffused + shifted >= level_log {
                return fill(
                    self.start_usd * exp(diffused + shifted),
                    LiquidationCause::Gapped,
                );
            }
        }
        let from = level_log - diffused - shifted;
        let crosses = self.end_usd >= level_usd
            || bridge(
                from,
                level_log - end_log,
                self.variance * (1.0 - time),
                draws,
                self.jumps.len(),
            );
        if crosses {
            fill(level_usd, LiquidationCause::Crossed)
        } else {
            None
        }
    }
}

/// [`MarkStep::reach`], compiled with fused multiply-adds where the processor has them.
#[multiversion(targets("x86_64+avx2+fma"))]
fn reach(mark: &MarkStep<'_>, level_usd: f64, draws: &CrossingDraws<'_>) -> Option<Fill> {
    mark.reach_level(level_usd, draws)
}

/// Whether a bridge that crosses with a probability of at most `exp(-exponent)` surely does not, told without an exponential.
#[inline(always)]
pub(super) fn surely_misses(exponent: f64, draws: &CrossingDraws<'_>) -> bool {
    let halvings = LOG2_E * exponent;
    halvings >= MOST_HALVINGS || draws.bridge_uniform(0) >= power_of_half(halvings)
}

/// 2 to the power of minus the whole part of `halvings`, which lies between 0 and 1000.
#[expect(clippy::cast_possible_truncation, reason = "the whole part is meant")]
fn power_of_half(halvings: f64) -> f64 {
    f64::from_bits((1023 - halvings as i64).cast_unsigned() << 52)
}

/// Whether a Brownian bridge that starts `from` and ends `to` below a level reaches it: probability
/// `exp(-2 from to / variance)`. No number is drawn where even the smallest uniform could not cross.
pub(super) fn bridge(
    from: f64,
    to: f64,
    variance: f64,
    draws: &CrossingDraws<'_>,
    segment: usize,
) -> bool {
    if variance <= 0.0 {
        return false;
    }
    let probability = exp(-2.0 * from * to / variance);
    probability > SMALLEST_UNIFORM_32 && draws.bridge_uniform(segment) < probability
}

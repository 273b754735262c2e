//! One future's unit over one step, as seen from the level that liquidates its account.

use multiversion::multiversion;

use crate::ledger::crossing::{CrossingDraws, bridge, surely_misses};
use crate::ledger::event::LiquidationCause;
use crate::market::tile::TileJump;
use crate::math::scalar;
use crate::math::vector::{exp, ln};

/// A jump of one asset inside a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct JumpMoment {
    pub(super) asset: usize,
    pub(super) time_frac: f64,
    pub(super) log_size: f64,
}

/// One leg's unit over one step, as seen from its level: `side` is +1 where the level lies above.
pub(super) struct UnitStep {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) level: f64,
    pub(super) side: f64,
    pub(super) variance: f64,
    /// +1 where the unit moves with the mark, -1 where it is its inverse; times `side`.
    pub(super) orientation: f64,
}

impl UnitStep {
    /// Whether both ends are so far from the level that no bridge without jumps reaches it and nothing needs to be drawn.
    pub(super) fn is_clear(&self, clearance: f64) -> bool {
        if self.side > 0.0 {
            self.start.max(self.end) * clearance < self.level
        } else {
            self.start.min(self.end) > self.level * clearance
        }
    }

    /// Whether a unit is at or beyond the level.
    fn is_beyond(&self, unit: f64) -> bool {
        if self.side > 0.0 {
            unit >= self.level
        } else {
            unit <= self.level
        }
    }

    /// Whether a bridge without jumps stays away from the level.
    pub(super) fn misses(&self, draws: &CrossingDraws<'_>) -> bool {
        // ln x >= 1 - 1/x: in logarithms the ends are away from the level by these shares at least.
        let share = |unit: f64| {
            if self.side > 0.0 {
                (self.level - unit) / self.level
            } else {
                (unit - self.level) / unit
            }
        };
        let (from, to) = (share(self.start), share(self.end));
        from > 0.0 && to > 0.0 && surely_misses(2.0 * from * to / self.variance, draws)
    }

    /// The same with one jump. `clearance` is the factor by which the ends of the bridges on both sides of it must be clear.
    pub(super) fn misses_jump(&self, jump: &TileJump, clearance: f64) -> bool {
        // The drawn path before the jump lies between the start and the end without the jump, after it between the start with
        // the jump and the end; the anchor's deviation comes on top.
        let factor = scalar::exp(jump.log_size.abs());
        let jumped_from = if self.orientation * jump.log_size > 0.0 {
            self.start
        } else {
            self.end
        };
        if self.side > 0.0 {
            self.start.max(self.end).max(jumped_from * factor) * clearance < self.level
        } else {
            self.start.min(self.end).min(jumped_from / factor) > self.level * clearance
        }
    }
}

/// Where the unit reaches its level inside the step, if it does: bridges between the jumps, gaps at them.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(super) fn reach(
    step: &UnitStep,
    jumps: &[JumpMoment],
    draws: &CrossingDraws<'_>,
) -> Option<(f64, LiquidationCause)> {
    let crossed = Some((step.level, LiquidationCause::Crossed));
    if step.is_beyond(step.start) {
        return Some((step.start, LiquidationCause::Beyond));
    }
    let level_log = step.side * ln(step.level / step.start);
    let end_log = step.side * ln(step.end / step.start);
    let is_end_beyond = step.is_beyond(step.end);
    let jumped: f64 = jumps
        .iter()
        .map(|jump| step.orientation * jump.log_size)
        .sum();
    let diffusive_end = end_log - jumped;
    let (mut time, mut diffused, mut shifted) = (0.0, 0.0, 0.0);
    for (k, jump) in jumps.iter().enumerate() {
        let left = 1.0 - time;
        let elapsed = jump.time_frac - time;
        let share = if left > 0.0 { elapsed / left } else { 1.0 };
        let deviation = (step.variance * elapsed * (1.0 - share)).max(0.0).sqrt();
        let anchor = share.mul_add(diffusive_end - diffused, diffused)
            + step.orientation * deviation * draws.anchor_normal(k);
        let (from, to) = (level_log - diffused - shifted, level_log - anchor - shifted);
        if to <= 0.0 || bridge(from, to, step.variance * elapsed, draws, k) {
            return crossed;
        }
        (time, diffused) = (jump.time_frac, anchor);
        shifted += step.orientation * jump.log_size;
        if diffused + shifted >= level_log {
            let unit = step.start * exp(step.side * (diffused + shifted));
            return Some((unit, LiquidationCause::Gapped));
        }
    }
    let from = level_log - diffused - shifted;
    let variance = step.variance * (1.0 - time);
    let crosses = is_end_beyond || bridge(from, level_log - end_log, variance, draws, jumps.len());
    if crosses { crossed } else { None }
}

//! Whether the bridges of a short surely miss the level that liquidates its account, for several steps at once.

use std::f64::consts::LOG2_E;

use multiversion::multiversion;

use crate::ledger::crossing::{CrossingDraws, MOST_HALVINGS};
use crate::market::tile::LaneArray;
use crate::math::ars::block_inside;
use crate::math::random::{address_number, halvings_of_uniform_32};

/// One lane's unit on its way under a level, without jumps.
pub(super) struct Way<'a> {
    pub(super) lane: usize,
    pub(super) level: f64,
    /// Unit at the first step's start.
    pub(super) start: f64,
    /// Unit at each step's end, in all lanes.
    pub(super) ends: &'a [LaneArray],
    /// Variance of the log unit over each step.
    pub(super) variances: &'a [f64],
    /// What decides the first step's bridge.
    pub(super) draws: CrossingDraws<'a>,
}

/// Whether no step's bridge reaches the level, told without a logarithm; false where that takes a closer look.
#[multiversion(targets("x86_64+avx2+fma+aes", "x86_64+avx+aes", "aarch64+neon+aes"))]
pub(super) fn surely_misses(way: &Way<'_>) -> bool {
    let keys = way.draws.streams.keys();
    let (level, lane) = (way.level, way.lane);
    let mut from = level - way.start;
    if from <= 0.0 {
        return false;
    }
    for (i, (end, &variance)) in way.ends.iter().zip(way.variances).enumerate() {
        let to = level - end[lane];
        if to <= 0.0 {
            return false;
        }
        // ln x >= 1 - 1/x: in logarithms the ends are under the level by these shares of it at least. The bridge crosses with a
        // probability of a half to the power of `nearness / unit` at most.
        let (nearness, unit) = (2.0 * LOG2_E * from * to, level * level * variance);
        if nearness < MOST_HALVINGS * unit {
            let draws = CrossingDraws {
                step: way.draws.step + address_number(i),
                ..way.draws
            };
            let halvings = halvings_of_uniform_32(block_inside!(keys, draws.bridge_address(0)));
            if nearness < f64::from(halvings) * unit {
                return false;
            }
        }
        from = to;
    }
    true
}

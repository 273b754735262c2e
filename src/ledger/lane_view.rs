//! A lane of a stretch as every short in its contract meets it: what does not depend on the account that is worked through it.

#![expect(
    clippy::inline_always,
    reason = "compiled for each SIMD level with what it is part of"
)]

use multiversion::multiversion;

use crate::ledger::calm::Stretch;
use crate::ledger::crossing::CrossingDraws;
use crate::ledger::position::LaneMarks;
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::MarketTile;
use crate::math::ars::block_inside;
use crate::math::random::{Streams, address_number, halvings_of_uniform_32};
use crate::plan::types::Crossing;

/// One lane of a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneView<const K: usize> {
    /// What the market does.
    pub(super) marks: LaneMarks<K>,
    /// Steps of the stretch in which the underlying jumps, as bits.
    pub(super) jump_steps: u64,
    /// Each step's uniform that decides on its bridge is at least 2 to the power of minus this; 0 where nothing is drawn.
    pub(super) halvings: [f64; K],
}

impl<const K: usize> LaneView<K> {
    /// Nothing seen yet.
    pub(super) const EMPTY: Self = Self {
        marks: LaneMarks::EMPTY,
        jump_steps: 0,
        halvings: [0.0; K],
    };
}

/// Steps of the stretch from step `first` of a tile on in which the underlying jumps in a lane, as bits.
#[inline(always)]
pub(super) fn jump_steps<const K: usize>(
    stretch: &Stretch<'_, K>,
    tile: &MarketTile,
    first: usize,
    lane: usize,
) -> u64 {
    tile.jumps_between(first..first + K)
        .iter()
        .filter(|jump| jump.lane == lane && jump.asset == stretch.underlying)
        .fold(0, |bits, jump| bits | 1 << (jump.step - first))
}

/// Looks at a lane of a whole tile, but for the inventory, which is each programme's own.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+aes",
    "x86_64+avx2+fma+aes",
    "aarch64+neon+aes"
))]
pub(super) fn look<const K: usize>(
    rules: &ProgrammeRules,
    streams: &Streams,
    stretch: &Stretch<'_, K>,
    tile: &MarketTile,
    lane: usize,
) -> LaneView<K> {
    let mut halvings = [0.0; K];
    if rules.crossing == Crossing::Bridge {
        let keys = streams.keys();
        for (i, halvings) in halvings.iter_mut().enumerate() {
            let draws = CrossingDraws {
                streams,
                path: tile.first_path + lane as u64,
                step: address_number(stretch.first_step + i - 1),
                contract: address_number(rules.contract),
            };
            let block = block_inside!(keys, draws.bridge_address(0));
            *halvings = f64::from(halvings_of_uniform_32(block));
        }
    }
    LaneView {
        marks: LaneMarks::new::<false>(stretch, lane),
        jump_steps: jump_steps(stretch, tile, 0, lane),
        halvings,
    }
}

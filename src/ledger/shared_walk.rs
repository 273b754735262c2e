//! What a tile is for every short in one contract: walked once for all programmes that hedge with it.

use std::ops::Range;

use crate::ledger::calm::{MarkRange, Passage, Stretch, larger, walk};
use crate::ledger::lane_view::{LaneView, look};
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::{LaneArray, MarketTile, TILE_STEPS, TileJump};
use crate::math::random::Streams;
use crate::outcome::table::LANES;
use crate::plan::types::Crossing;

/// A stretch as every short in one contract meets it, whatever its size.
#[derive(Debug, Clone)]
pub(super) struct Walked {
    pub(super) passage: Passage,
    pub(super) marks: MarkRange,
}

impl Walked {
    const NOTHING: Self = Self {
        passage: Passage::NOTHING,
        marks: MarkRange {
            least_usd: 0.0,
            most_usd: 0.0,
            tested_usd: 0.0,
        },
    };

    /// Walks `K` steps from step `k` of a tile on.
    fn fill<const K: usize>(&mut self, rules: &ProgrammeRules, k: usize, tile: &MarketTile) {
        let stretch = stretch_at::<K>(rules, rules.quantity_base, k, tile);
        self.marks = walk(&stretch, rules.clearance, None, &mut self.passage);
        let jumped_usd = test_jumps(rules, k..k + K, tile, &mut self.passage);
        self.marks.tested_usd = self.marks.tested_usd.max(jumped_usd);
    }
}

/// A tile as every short in one contract meets it, whatever its size.
#[derive(Debug, Clone)]
pub struct SharedWalk {
    /// By the step of the tile that a stretch without common events begins with.
    stretches: Vec<Walked>,
    /// Lanes that some programme was worked through step by step in a whole tile; `seen` says which.
    views: Vec<LaneView<TILE_STEPS>>,
    /// Lanes with a view of this tile, as bits.
    seen: u64,
}

impl Default for SharedWalk {
    fn default() -> Self {
        Self::new()
    }
}

/// How many steps are walked at once where so many of a tile are without a common event: 1 also where none is.
pub(super) fn stretch_steps(calm_steps: usize) -> usize {
    match calm_steps {
        0 | 1 => 1,
        2 | 3 => 2,
        4..TILE_STEPS => 4,
        _ => TILE_STEPS,
    }
}

impl SharedWalk {
    /// A walk along no tile yet; [`Self::fill`] takes it along one.
    pub fn new() -> Self {
        Self {
            stretches: vec![Walked::NOTHING; TILE_STEPS],
            views: vec![LaneView::EMPTY; LANES],
            seen: 0,
        }
    }

    /// Whether programmes of these rules share their walks: they hold one contract, look for crossings in the same way, have their
    /// common events at the same steps, and no band of their own alarms them.
    pub fn is_shared(a: &ProgrammeRules, b: &ProgrammeRules) -> bool {
        (a.contract, a.underlying, a.crossing) == (b.contract, b.underlying, b.crossing)
            && a.band().is_none()
            && b.band().is_none()
            && (1..=a.steps).all(|step| a.is_common_event(step) == b.is_common_event(step))
    }

    /// Walks a tile for all programmes that share with this one.
    pub fn fill(&mut self, rules: &ProgrammeRules, tile: &MarketTile) {
        self.seen = 0;
        let mut k = 0;
        while k < tile.steps {
            let mut left = tile.first_step + k + 1..=tile.first_step + tile.steps;
            let calm_steps = left.position(|step| rules.is_common_event(step));
            let calm_steps = calm_steps.unwrap_or(tile.steps - k);
            let walked = &mut self.stretches[k];
            k += stretch_steps(calm_steps);
            match calm_steps {
                0 => {}
                1 => walked.fill::<1>(rules, k - 1, tile),
                2 | 3 => walked.fill::<2>(rules, k - 2, tile),
                4..TILE_STEPS => walked.fill::<4>(rules, k - 4, tile),
                _ => walked.fill::<TILE_STEPS>(rules, k - TILE_STEPS, tile),
            }
        }
    }

    /// The stretch that begins with step `k` of the tile.
    pub(super) fn stretch(&self, k: usize) -> &Walked {
        &self.stretches[k]
    }

    /// A lane of the tile that was walked last, looked at once for all programmes. `rules` are those of any of them.
    pub(super) fn view(
        &mut self,
        (rules, streams): (&ProgrammeRules, &Streams),
        stretch: &Stretch<'_, TILE_STEPS>,
        tile: &MarketTile,
        lane: usize,
    ) -> &LaneView<TILE_STEPS> {
        if (self.seen >> lane) & 1 == 0 {
            self.views[lane] = look(rules, streams, stretch, tile, lane);
            self.seen |= 1 << lane;
        }
        &self.views[lane]
    }
}

/// The `K` steps of a tile from `k` on, as a programme with so much inventory meets them.
pub(super) fn stretch_at<'t, const K: usize>(
    rules: &ProgrammeRules,
    quantity_base: f64,
    k: usize,
    tile: &'t MarketTile,
) -> Stretch<'t, K> {
    let first_step = tile.first_step + k + 1;
    let marks = &tile.mark_usd[rules.contract];
    Stretch {
        first_step,
        underlying: rules.underlying,
        start_mark_usd: &marks[k],
        underlying_usd: steps_from(&tile.spot_usd[rules.underlying], k),
        mark_usd: steps_from(marks, k + 1),
        spot_usd: steps_from(&tile.spot_usd[rules.held], k),
        funding_rate: steps_from(&tile.funding_rate[rules.contract], k),
        is_stamp: std::array::from_fn(|i| tile.is_stamp[rules.contract][k + i]),
        is_watching: std::array::from_fn(|i| rules.is_watching(first_step + i)),
        interest: if rules.cost_of_funds_per_step == 0.0 {
            [0.0; K]
        } else {
            std::array::from_fn(|i| rules.cost_of_funds_per_step * (first_step + i) as f64)
        },
        quantity_base,
    }
}

/// `K` steps of a series from step `from` on.
fn steps_from<const K: usize>(series: &[LaneArray], from: usize) -> &[LaneArray; K] {
    let Some(steps) = series[from..].first_chunk() else {
        unreachable!("a stretch lies inside its tile")
    };
    steps
}

/// Raises the tested mark of lanes whose mark jumps; returns the highest of these marks.
pub(super) fn test_jumps(
    rules: &ProgrammeRules,
    steps: Range<usize>,
    tile: &MarketTile,
    passage: &mut Passage,
) -> f64 {
    let mut highest_usd = 0.0;
    if rules.crossing == Crossing::Endpoints {
        return highest_usd;
    }
    let marks_usd = &tile.mark_usd[rules.contract];
    let jumps = tile.jumps_between(steps);
    for jumps in jumps.chunk_by(|a, b| (a.step, a.asset, a.lane) == (b.step, b.asset, b.lane)) {
        let TileJump {
            step, asset, lane, ..
        } = jumps[0];
        if asset == rules.underlying {
            let (start_usd, end_usd) = (marks_usd[step][lane], marks_usd[step + 1][lane]);
            let tested_usd = rules.jump_tested_usd(start_usd, end_usd, jumps);
            passage.test(lane, tested_usd);
            highest_usd = larger(tested_usd, highest_usd);
        }
    }
    highest_usd
}

//! Spots of chosen paths at chosen steps, from the market alone.

use rayon::prelude::*;

use crate::market::model::MarketModel;
use crate::outcome::table::LANES;
use crate::plan::types::Plan;

/// Spot of one asset on each of `paths` (ascending, without repetition) at the ends of `steps` (ascending, counted from 1), USD; shape `[steps][paths]`.
///
/// The paths are those of a run, to the last digit: they are drawn again.
pub fn spots_at(plan: &Plan, asset: usize, paths: &[u64], steps: &[usize]) -> Vec<Vec<f64>> {
    let model = MarketModel::new(plan);
    let mut blocks: Vec<&[u64]> = Vec::new();
    let mut rest = paths;
    while let Some(first) = rest.first() {
        let block = first / LANES as u64;
        let count = rest.partition_point(|path| path / LANES as u64 == block);
        let (own, others) = rest.split_at(count);
        blocks.push(own);
        rest = others;
    }
    let drawn: Vec<Vec<Vec<f64>>> = blocks
        .into_par_iter()
        .map(|own| block_spots(&model, asset, own, steps))
        .collect();
    (0..steps.len())
        .map(|at| {
            drawn
                .iter()
                .flat_map(|block| block[at].iter().copied())
                .collect()
        })
        .collect()
}

/// The same for paths of one block.
fn block_spots(model: &MarketModel, asset: usize, paths: &[u64], steps: &[usize]) -> Vec<Vec<f64>> {
    let first_path = paths[0] / LANES as u64 * LANES as u64;
    let (mut state, mut tile) = (model.state(), model.tile());
    model.start(&mut state, &mut tile, first_path);
    let mut found = Vec::with_capacity(steps.len());
    while found.len() < steps.len() && model.advance(&mut state, &mut tile) {
        let ends = tile.first_step + 1..=tile.first_step + tile.steps;
        while let Some(step) = steps.get(found.len()).filter(|step| ends.contains(step)) {
            let spots = &tile.spot_usd[asset][step - tile.first_step - 1];
            let lanes = paths.iter().map(|path| lane_of(path - first_path));
            found.push(lanes.map(|lane| spots[lane]).collect());
        }
    }
    found
}

#[expect(clippy::cast_possible_truncation, reason = "below the number of lanes")]
fn lane_of(from_first: u64) -> usize {
    from_first as usize
}

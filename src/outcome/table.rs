//! All outcomes of a run: blocks of lanes, column by column within a block, in one allocation.

use crate::outcome::column::{Cell, Column, FIXED_COLUMNS};
use crate::outcome::layout::Layout;

/// Paths in one block.
pub const LANES: usize = 64;

/// The outcome table.
///
/// Shape `[blocks][columns][LANES]`; path `p` is lane `p % LANES` of block `p / LANES`. Lanes beyond the last path are
/// padding and never read. Weights are 1 unless given.
#[derive(Debug, Clone)]
pub struct OutcomeTable {
    data: Vec<f64>,
    paths: usize,
    layout: Layout,
    weights: Option<Vec<f64>>,
}

impl OutcomeTable {
    /// An empty table (all zero) for so many paths and these columns.
    ///
    /// # Panics
    /// If the memory cannot be had; see [`Self::try_new`].
    pub fn new(paths: usize, layout: Layout) -> Self {
        #[expect(clippy::expect_used, reason = "documented; the engine uses try_new")]
        Self::try_new(paths, layout).expect("memory for the outcome table")
    }

    /// Like [`Self::new`], or `None` if the memory cannot be had.
    pub fn try_new(paths: usize, layout: Layout) -> Option<Self> {
        let columns = layout.columns();
        let blocks = paths.div_ceil(LANES);
        let cells = blocks.checked_mul(columns)?.checked_mul(LANES)?;
        // Asked for first without touching it: `vec!` would abort where there is none.
        Vec::<f64>::new().try_reserve_exact(cells).ok()?;
        Some(Self {
            data: vec![0.0; cells],
            paths,
            layout,
            weights: None,
        })
    }

    /// Number of paths.
    pub fn paths(&self) -> usize {
        self.paths
    }

    /// The stored columns.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Names of the assets whose terminal spots are stored.
    pub fn assets(&self) -> &[String] {
        self.layout.assets()
    }

    /// Number of stored columns.
    pub fn columns(&self) -> usize {
        self.layout.columns()
    }

    /// Values of one block, shape `[columns][LANES]`, to be written by the engine.
    pub fn blocks_mut(&mut self) -> std::slice::ChunksExactMut<'_, f64> {
        let size = self.columns() * LANES;
        self.data.chunks_exact_mut(size)
    }

    /// All values, shape `[blocks][columns][LANES]`.
    pub fn data_mut(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// Lanes of one column in one block; the last block's padding is cut off.
    pub fn lanes(&self, block: usize, column: usize) -> &[f64] {
        let start = (block * self.columns() + column) * LANES;
        &self.data[start..start + self.block_paths(block)]
    }

    /// Number of paths in one block: [`LANES`], fewer in the last.
    pub fn block_paths(&self, block: usize) -> usize {
        (self.paths - block * LANES).min(LANES)
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.paths.div_ceil(LANES)
    }

    /// Values of one column in the order of the paths.
    pub fn values(&self, column: Column) -> impl Iterator<Item = f64> + Clone + '_ {
        self.values_at(column as usize)
    }

    /// Values of the column with this storage index, in the order of the paths.
    pub fn values_at(&self, column: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        (0..self.blocks()).flat_map(move |block| self.lanes(block, column).iter().copied())
    }

    /// One value.
    pub fn value(&self, path: usize, column: usize) -> f64 {
        self.lanes(path / LANES, column)[path % LANES]
    }

    /// One value of a column that may be stored; 0 where it is not.
    pub fn cell(&self, path: usize, cell: Cell) -> f64 {
        let column = self.layout.cell(cell);
        column.map_or(0.0, |column| self.value(path, column))
    }

    /// Storage index of an asset's terminal spot.
    pub fn terminal_spot(&self, asset: usize) -> usize {
        FIXED_COLUMNS + asset
    }

    /// Weights by path, or `None` if all are 1.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Sets the weights, one for each path.
    ///
    /// # Panics
    /// If the number of weights is not the number of paths.
    pub fn set_weights(&mut self, weights: Vec<f64>) {
        assert_eq!(weights.len(), self.paths, "one weight for each path");
        self.weights = Some(weights);
    }
}

//! All outcomes of a run, column by column, in one allocation.

use std::sync::Arc;

use crate::outcome::cells::Cells;
use crate::outcome::column::{Cell, Column, FIXED_COLUMNS};
use crate::outcome::layout::Layout;
use crate::outcome::weights::{HeldMeans, PathWeights};

/// Paths in one block.
pub const LANES: usize = 64;

/// The outcome table.
///
/// Shape `[columns][blocks][LANES]`; path `p` is lane `p % LANES` of block `p / LANES`. Lanes beyond the last path are
/// padding and never read. Weights are 1 unless given.
///
/// A table may keep some of its columns only ([`Self::try_new_of`]): the others are 0 and take no memory.
#[derive(Debug, Clone)]
pub struct OutcomeTable {
    /// Shape `[kept][blocks * LANES]`; then, if not all are kept, one column of zeros that stands for the others.
    data: Cells,
    paths: usize,
    layout: Layout,
    /// Storage indices of the columns that are kept, in the order of `data`.
    kept: Vec<usize>,
    /// By storage index: the place in `data`.
    places: Vec<usize>,
    weights: Option<PathWeights>,
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
        let all = (0..layout.columns()).collect();
        Self::try_new_of(paths, layout, all)
    }

    /// Like [`Self::try_new`], but only the columns with these storage indices are kept.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn try_new_of(paths: usize, layout: Layout, kept: Vec<usize>) -> Option<Self> {
        let mut places = vec![kept.len(); layout.columns()];
        for (place, &column) in kept.iter().enumerate() {
            places[column] = place;
        }
        let columns = kept.len() + usize::from(places.contains(&kept.len()));
        let blocks = paths.div_ceil(LANES);
        let cells = blocks.checked_mul(columns)?.checked_mul(LANES)?;
        Some(Self {
            data: Cells::zeros(cells)?,
            paths,
            layout,
            kept,
            places,
            weights: None,
        })
    }

    /// Storage indices of the columns that are kept.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// Gets the memory ready for every column that is kept to be written: faster than page by page as they are.
    pub fn make_ready(&self) {
        self.data.make_ready(self.kept.len() * self.column_size());
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

    /// The table cut into parts of so many blocks, in the order of the paths, to be filled side by side.
    ///
    /// # Panics
    /// If `blocks` is 0.
    pub fn parts_mut(&mut self, blocks: usize) -> Vec<TablePart<'_>> {
        let count = self.blocks().div_ceil(blocks);
        let size = self.column_size().max(1);
        let kept = &self.kept[..];
        let mut parts: Vec<TablePart> = (0..count)
            .map(|_| TablePart {
                kept,
                columns: Vec::with_capacity(kept.len()),
            })
            .collect();
        let columns = self.data.as_mut_slice().chunks_exact_mut(size);
        for column in columns.take(kept.len()) {
            for (part, cells) in parts.iter_mut().zip(column.chunks_mut(blocks * LANES)) {
                part.columns.push(cells);
            }
        }
        parts
    }

    /// Cells of one column, padding included.
    fn column_size(&self) -> usize {
        self.blocks() * LANES
    }

    /// Values of the column with this storage index, in the order of the paths.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.data.as_slice()[self.places[column] * self.column_size()..][..self.paths]
    }

    /// Like [`Self::column`], to be written.
    ///
    /// # Panics
    /// If the column is not kept.
    pub fn column_mut(&mut self, column: usize) -> &mut [f64] {
        let place = self.places[column];
        assert!(place < self.kept.len(), "a column that is kept");
        let start = place * self.column_size();
        &mut self.data.as_mut_slice()[start..][..self.paths]
    }

    /// Lanes of one column in one block; the last block's padding is cut off.
    pub fn lanes(&self, block: usize, column: usize) -> &[f64] {
        let start = block * LANES;
        &self.column(column)[start..(start + LANES).min(self.paths)]
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
        self.column(column).iter().copied()
    }

    /// One value.
    pub fn value(&self, path: usize, column: usize) -> f64 {
        self.column(column)[path]
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
        self.weights.as_ref().map(PathWeights::of_paths)
    }

    /// The means that the weights were found to hold, `None` of weights that were given and without weights.
    pub fn held(&self) -> Option<&Arc<HeldMeans>> {
        self.weights.as_ref()?.held()
    }

    /// Sets the weights, one for each path.
    ///
    /// # Panics
    /// If the number of weights is not the number of paths.
    pub fn set_weights(&mut self, weights: impl Into<PathWeights>) {
        let weights = weights.into();
        assert_eq!(
            weights.of_paths().len(),
            self.paths,
            "one weight for each path"
        );
        self.weights = Some(weights);
    }

    /// Takes the weights off, after which all are 1.
    pub fn take_weights(&mut self) -> Option<PathWeights> {
        self.weights.take()
    }
}

/// Some consecutive blocks of a table.
#[derive(Debug)]
pub struct TablePart<'a> {
    /// Storage indices of the columns.
    kept: &'a [usize],
    /// Shape `[kept][blocks * LANES]`.
    columns: Vec<&'a mut [f64]>,
}

impl TablePart<'_> {
    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.columns.first().map_or(0, |cells| cells.len() / LANES)
    }

    /// Puts the rows of one block of a table that is still zero in their place; `rows` has shape `[columns][LANES]`, of which the columns
    /// that are kept are read.
    ///
    /// A column of zeros is left alone: it is zero already.
    ///
    /// # Panics
    /// If there is no such block, or `rows` is shorter.
    pub fn put_block(&mut self, block: usize, rows: &[f64]) {
        for (cells, &column) in self.columns.iter_mut().zip(self.kept) {
            let lanes = &rows[column * LANES..][..LANES];
            if lanes.iter().fold(0, |bits, x| bits | x.to_bits()) != 0 {
                cells[block * LANES..][..LANES].copy_from_slice(lanes);
            }
        }
    }

    /// The columns that are kept, by storage index, with the cells of one block.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn block_mut(&mut self, block: usize) -> impl Iterator<Item = (usize, &mut [f64; LANES])> {
        let columns = self.kept.iter().zip(&mut self.columns);
        columns.map(move |(&column, cells)| {
            let (blocks, _) = cells.as_chunks_mut::<LANES>();
            (column, &mut blocks[block])
        })
    }

    /// Like [`Self::put_block`], but over whatever stands there.
    ///
    /// # Panics
    /// As of [`Self::put_block`].
    pub fn put_over(&mut self, block: usize, rows: &[f64]) {
        for (cells, &column) in self.columns.iter_mut().zip(self.kept) {
            let lanes = &rows[column * LANES..][..LANES];
            cells[block * LANES..][..LANES].copy_from_slice(lanes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_the_table_in_the_order_of_the_paths() {
        // Five blocks, the last of three paths, in parts of two.
        let mut table = OutcomeTable::new(4 * LANES + 3, Layout::plain(vec!["ETH".into()]));
        let columns = table.columns();
        let mut rows = vec![0.0; columns * LANES];
        let mut first = 0;
        for mut part in table.parts_mut(2) {
            for block in 0..part.blocks() {
                for lane in 0..LANES {
                    rows[LANES + lane] = (first + lane) as f64;
                    rows[2 * LANES + lane] = -0.0;
                }
                part.put_block(block, &rows);
                first += LANES;
            }
        }
        assert_eq!(first, 5 * LANES);
        let expected: Vec<f64> = (0..table.paths()).map(|path| path as f64).collect();
        assert_eq!(table.column(1), expected);
        assert_eq!(table.lanes(4, 1), &expected[4 * LANES..]);
        assert!(table.values_at(0).all(|x| x.to_bits() == 0));
        assert!(
            table
                .values_at(2)
                .all(|x| x.to_bits() == (-0.0f64).to_bits())
        );
        assert_eq!(table.value(70, 1).to_bits(), 70.0f64.to_bits());
    }

    #[test]
    fn columns_that_are_not_kept_are_zero() {
        let layout = Layout::plain(vec!["ETH".into()]);
        let columns = layout.columns();
        let mut table = OutcomeTable::try_new_of(LANES + 5, layout, vec![4, 1]).unwrap();
        let rows: Vec<f64> = (0..columns * LANES).map(|cell| 1.0 + cell as f64).collect();
        for mut part in table.parts_mut(1) {
            part.put_block(0, &rows);
        }
        for column in 0..columns {
            let first = (column * LANES) as f64;
            let is_kept = table.kept().contains(&column);
            let expected = |lane: usize| f64::from(is_kept) * (1.0 + first + lane as f64);
            let of_path = |path: usize| expected(path % LANES);
            let expected: Vec<f64> = (0..table.paths()).map(of_path).collect();
            assert_eq!(table.column(column), expected, "{column}");
        }
        // A block put over another leaves nothing of it.
        for mut part in table.parts_mut(2) {
            part.put_over(0, &vec![0.0; columns * LANES]);
        }
        assert_eq!(table.value(3, 4).to_bits(), 0);
        assert_eq!(
            table.value(LANES + 3, 4).to_bits(),
            (1.0 + 259.0_f64).to_bits()
        );
    }

    #[test]
    #[should_panic(expected = "a column that is kept")]
    fn a_column_that_is_not_kept_cannot_be_written() {
        let layout = Layout::plain(vec!["ETH".into()]);
        let table = OutcomeTable::try_new_of(3, layout, vec![1]);
        table.unwrap().column_mut(2)[0] = 1.0;
    }

    #[test]
    fn no_paths_have_no_parts_and_too_many_no_table() {
        assert!(
            OutcomeTable::new(0, Layout::plain(vec![]))
                .parts_mut(8)
                .is_empty()
        );
        assert!(OutcomeTable::try_new(usize::MAX / 64, Layout::plain(vec![])).is_none());
        assert!(OutcomeTable::try_new(usize::MAX / 4096, Layout::plain(vec![])).is_none());
    }
}

//! The memory of a table: zeros, had from the system in one piece where they are many.

use bytemuck::{cast_slice, cast_slice_mut};
use memmap2::MmapMut;

/// Bytes from which the system is asked for pages. Less stays with the allocator, which hands the same pages out again.
const WORTH_MAPPING: usize = 4 << 20;

/// Numbers, all zero at first.
#[derive(Debug)]
pub(crate) enum Cells {
    /// From the allocator.
    Few(Vec<f64>),
    /// Pages of their own.
    Many(MmapMut),
}

impl Cells {
    /// So many zeros, or `None` if the memory cannot be had.
    pub(crate) fn zeros(count: usize) -> Option<Self> {
        let bytes = count.checked_mul(size_of::<f64>())?;
        if bytes < WORTH_MAPPING {
            return Some(Self::Few(vec![0.0; count]));
        }
        Some(Self::Many(MmapMut::map_anon(bytes).ok()?))
    }

    /// Gets ready for the first so many of them to be written.
    pub(crate) fn make_ready(&self, count: usize) {
        if let Self::Many(pages) = self {
            make_ready(pages, (count * size_of::<f64>()).min(pages.len()));
        }
    }

    /// All of them.
    pub(crate) fn as_slice(&self) -> &[f64] {
        match self {
            Self::Few(cells) => cells,
            Self::Many(pages) => cast_slice(pages),
        }
    }

    /// All of them, to be written.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f64] {
        match self {
            Self::Few(cells) => cells,
            Self::Many(pages) => cast_slice_mut(pages),
        }
    }
}

impl Clone for Cells {
    fn clone(&self) -> Self {
        Self::Few(self.as_slice().to_vec())
    }
}

/// Has the system back the pages now, many at a time and on all threads: one by one, as they are first written, takes it half as
/// long again. Before Linux 5.14 they come one by one.
#[cfg(target_os = "linux")]
fn make_ready(pages: &MmapMut, bytes: usize) {
    use memmap2::Advice;
    use rayon::prelude::*;

    /// Bytes that one task asks for.
    const PIECE: usize = 4 << 20;

    let starts: Vec<usize> = (0..bytes).step_by(PIECE).collect();
    starts.into_par_iter().for_each(|start| {
        let length = PIECE.min(bytes - start);
        // A system that does not know the request has done nothing, which does no harm.
        let _ = pages.advise_range(Advice::PopulateWrite, start, length);
    });
}

/// Elsewhere pages come one by one, as they are first written.
#[cfg(not(target_os = "linux"))]
fn make_ready(_pages: &MmapMut, _bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_zeros_and_keep_what_is_written() {
        for count in [0, 1, 1000, (WORTH_MAPPING >> 3) + 1000] {
            let mut cells = Cells::zeros(count).unwrap();
            cells.make_ready(count / 2);
            cells.make_ready(count);
            assert_eq!(cells.as_slice().len(), count);
            assert!(cells.as_slice().iter().all(|x| x.to_bits() == 0));
            if let Some(last) = cells.as_mut_slice().last_mut() {
                *last = 2.5;
            }
            assert_eq!(cells.clone().as_slice(), cells.as_slice());
            assert!(count == 0 || cells.as_slice()[count - 1].to_bits() == 2.5f64.to_bits());
        }
        assert!(Cells::zeros(usize::MAX / 4).is_none());
        assert!(Cells::zeros(usize::MAX / 64).is_none());
    }
}

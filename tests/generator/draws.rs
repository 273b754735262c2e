//! Draws of a block of paths, and sums over many of them, in loops that become SIMD.

use hedgesim::math::random::{Purpose, Streams};
use multiversion::multiversion;

/// Sizes beyond which normals are counted.
pub(crate) const THRESHOLDS: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 4.5];
/// Pairs of the four normals of a draw.
const PAIRS: [(usize, usize); 6] = [(0, 1), (2, 3), (0, 2), (0, 3), (1, 2), (1, 3)];
/// Draws that a pair of neighbouring addresses is compared on.
pub(crate) const NEIGHBOUR_CALLS: u32 = 20_000;

/// Four normals for each of 64 paths.
#[derive(Clone, Copy)]
pub(crate) struct Draw(pub(crate) [[f64; 64]; 4]);

impl Default for Draw {
    fn default() -> Self {
        Self([[0.0; 64]; 4])
    }
}

/// Draws as the engine does.
pub(crate) fn fill(
    streams: &Streams,
    first_path: u64,
    group: u32,
    purpose: Purpose,
    draw: &mut Draw,
) {
    let mut shocks = [[[0.0f32; 64]; 4]];
    streams.lane_normals(first_path, group, purpose, &mut shocks);
    draw.0 = shocks[0].map(|row| row.map(f64::from));
}

/// Sums over draws.
#[derive(Default)]
pub(crate) struct Moments {
    draws: u32,
    powers: [f64; 4],
    tails: [[u64; 2]; THRESHOLDS.len()],
    products: [[f64; 2]; PAIRS.len()],
    lanes: [f64; 2],
    pub(crate) largest: f64,
}

impl Moments {
    /// Adds a draw.
    pub(crate) fn add(&mut self, draw: &Draw) {
        self.draws += 1;
        add(self, draw);
    }

    /// Normals added.
    pub(crate) fn count(&self) -> f64 {
        256.0 * f64::from(self.draws)
    }

    /// Means of the first four powers.
    pub(crate) fn means(&self) -> [f64; 4] {
        self.powers.map(|sum| sum / self.count())
    }

    /// Shares below minus a threshold and above it.
    pub(crate) fn tail_shares(&self, k: usize) -> [f64; 2] {
        self.tails[k].map(|count| count as f64 / self.count())
    }

    /// By pair within a draw: mean product, and mean product of squares less 1.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = ((usize, usize), (f64, f64))> {
        let n = self.count() / 4.0;
        PAIRS
            .into_iter()
            .zip(self.products)
            .map(move |(pair, [product, square])| (pair, (product / n, square / n)))
    }

    /// The same for the same normal of neighbouring paths.
    pub(crate) fn lane_neighbours(&self) -> (f64, f64) {
        let n = self.count() * 63.0 / 64.0;
        (self.lanes[0] / n, self.lanes[1] / n)
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn add(sums: &mut Moments, draw: &Draw) {
    for row in &draw.0 {
        // Eight sums side by side, for want of which the additions wait on each other.
        let mut powers = [[0.0; 8]; 4];
        let mut tails = [[[0u64; 8]; 2]; THRESHOLDS.len()];
        let mut largest = [0.0f64; 8];
        for eight in row.as_chunks::<8>().0 {
            for lane in 0..8 {
                let z = eight[lane];
                let square = z * z;
                powers[0][lane] += z;
                powers[1][lane] += square;
                powers[2][lane] += square * z;
                powers[3][lane] += square * square;
                largest[lane] = largest[lane].max(z.abs());
                for (k, threshold) in THRESHOLDS.into_iter().enumerate() {
                    tails[k][0][lane] += u64::from(z < -threshold);
                    tails[k][1][lane] += u64::from(z > threshold);
                }
            }
        }
        for (sum, part) in sums.powers.iter_mut().zip(powers) {
            *sum += part.iter().sum::<f64>();
        }
        for (counts, part) in sums.tails.iter_mut().zip(tails) {
            for (count, part) in counts.iter_mut().zip(part) {
                *count += part.iter().sum::<u64>();
            }
        }
        sums.largest = largest.into_iter().fold(sums.largest, f64::max);
        let (first, second) = (&row[..63], &row[1..]);
        let [product, square] = products(first, second);
        sums.lanes[0] += product;
        sums.lanes[1] += square;
    }
    for ((a, b), sum) in PAIRS.into_iter().zip(&mut sums.products) {
        let [product, square] = products(&draw.0[a], &draw.0[b]);
        sum[0] += product;
        sum[1] += square;
    }
}

/// Sums of products, and of products of squares less 1.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "part of loops compiled for each SIMD level"
)]
fn products(a: &[f64], b: &[f64]) -> [f64; 2] {
    let mut sums = [[0.0; 8]; 2];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (lane, (x, y)) in a.iter().zip(b).enumerate() {
            sums[0][lane] += x * y;
            sums[1][lane] += (x * x - 1.0) * (y * y - 1.0);
        }
    }
    sums.map(|sum| sum.iter().sum())
}

/// Adds to `sums`: products and products of squares less 1, row by row, then of a row with the other's next row.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(crate) fn correlate(a: &Draw, b: &Draw, sums: &mut [f64; 4]) {
    for row in 0..4 {
        let [product, square] = products(&a.0[row], &b.0[row]);
        let [shifted, shifted_square] = products(&a.0[row], &b.0[(row + 1) % 4]);
        sums[0] += product;
        sums[1] += square;
        sums[2] += shifted;
        sums[3] += shifted_square;
    }
}

//! Counter-based randomness: a draw is a pure function of (seed, path, index, purpose).
//!
//! The generator is Philox4x32-7 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
//! SC11, doi 10.1145/2063384.2063405), checked against the published known answers. Seven is the fewest rounds for
//! which that paper reports every test of `SmallCrush`, `Crush` and `BigCrush` passed; the usual ten add a margin,
//! which would cost 0.2 ns a normal of 1.0 (AVX2, Zen 3). `tests/generator.rs` looks for what the counters used here
//! (low numbers in every part) could show: it fails with six rounds and passes with seven, and flipped bits of an
//! address show nothing with seven in 200 times as many trials either.
//! ARS-7, on the processor's AES rounds, saves another 0.2 ns where those are 256 bits wide and nothing where they
//! are 128, and needs intrinsics: measured and left out.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use std::convert::Infallible;

use rand::TryRng;

use crate::math::vector::normal_pair;

const MULTIPLIER_0: u64 = 0xD251_1F53;
const MULTIPLIER_1: u64 = 0xCD9E_8D57;
const WEYL_0: u32 = 0x9E37_79B9;
const WEYL_1: u32 = 0xBB67_AE85;
const LOW: u64 = 0xFFFF_FFFF;
/// Single-precision lanes computed together.
const CHUNK: usize = 8;
const ROUNDS: usize = 7;

/// What a draw is for. Each purpose has random numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Brownian shock of an asset.
    Diffusion(u32),
    /// Shock of a contract's basis.
    Basis(u32),
    /// What the average premium of a funding interval has of its own.
    FundingAverage(u32),
    /// Moments between jumps of one clock.
    JumpTime(u32),
    /// Size of a jump of one clock, and whom it strikes.
    JumpSize(u32),
    /// Whether a bridge crosses its level, by contract.
    Bridge(u32),
    /// Where a contract's log mark stands at the moment of a jump.
    BridgeAnchor(u32),
}

impl Purpose {
    /// The fourth word of the counter: kind in the low byte, number above.
    #[inline]
    fn tag(self) -> u32 {
        let (kind, number) = match self {
            Self::Diffusion(n) => (1, n),
            Self::Basis(n) => (2, n),
            Self::FundingAverage(n) => (3, n),
            Self::JumpTime(n) => (4, n),
            Self::JumpSize(n) => (5, n),
            Self::Bridge(n) => (6, n),
            Self::BridgeAnchor(n) => (7, n),
        };
        kind | (number << 8)
    }
}

/// The random numbers of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    round_keys: [(u32, u32); ROUNDS],
}

impl Streams {
    /// The streams of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            round_keys: round_keys(seed),
        }
    }

    /// 128 random bits of an address, as two words.
    #[inline(always)]
    pub fn words(&self, path: u64, index: u32, purpose: Purpose) -> [u64; 2] {
        let [a, b, c, d] = self.quarters(path, index, purpose);
        [
            u64::from(a) | (u64::from(b) << 32),
            u64::from(c) | (u64::from(d) << 32),
        ]
    }

    /// 128 random bits of an address, as four words.
    #[inline(always)]
    fn quarters(&self, path: u64, index: u32, purpose: Purpose) -> [u32; 4] {
        let tag = u64::from(purpose.tag());
        let counter = [path & LOW, path >> 32, u64::from(index), tag];
        block(&self.round_keys, counter).map(low_half)
    }

    /// The random bits of `N` paths from `first_path` on, word by word: `quarters` in a lane loop.
    #[inline(always)]
    fn lane_quarters<const N: usize>(
        &self,
        first_path: u64,
        index: u32,
        purpose: Purpose,
    ) -> [[u32; N]; 4] {
        let mut words = [[0; N]; 4];
        let [row_0, row_1, row_2, row_3] = &mut words;
        let (low, high) = (first_path & LOW, first_path >> 32);
        let (index_word, tag) = (u64::from(index), u64::from(purpose.tag()));
        if low + N as u64 <= LOW + 1 {
            // All lanes share three counter words, so that most of the first two rounds is done once for all.
            let round_keys = self.round_keys;
            for lane in 0..N {
                let counter = [low + lane as u64, high, index_word, tag];
                let [a, b, c, d] = block(&round_keys, counter);
                row_0[lane] = low_half(a);
                row_1[lane] = low_half(b);
                row_2[lane] = low_half(c);
                row_3[lane] = low_half(d);
            }
        } else {
            for lane in 0..N {
                let path = first_path.wrapping_add(lane as u64);
                [row_0[lane], row_1[lane], row_2[lane], row_3[lane]] =
                    self.quarters(path, index, purpose);
            }
        }
        words
    }

    /// Four standard normals of an address: elements `4 index ..= 4 index + 3` of the purpose's series.
    #[inline(always)]
    pub fn normals(&self, path: u64, index: u32, purpose: Purpose) -> [f64; 4] {
        let [a, b, c, d] = self.quarters(path, index, purpose);
        let (z0, z1) = normal_pair(a, b);
        let (z2, z3) = normal_pair(c, d);
        [z0, z1, z2, z3].map(f64::from)
    }

    /// [`Streams::normals`] of `N` paths from `first_path` on, `N` a multiple of 8: the same bits, for SIMD.
    #[inline(always)]
    pub fn lane_normals<const N: usize>(
        &self,
        first_path: u64,
        index: u32,
        purpose: Purpose,
        out: &mut [[f64; N]; 4],
    ) {
        const { assert!(N.is_multiple_of(CHUNK)) };
        let words = self.lane_quarters::<N>(first_path, index, purpose);
        // Eight at a time in single precision: a loop that also held doubles would be compiled half as wide.
        for start in (0..N).step_by(CHUNK) {
            let mut z = [[0.0f32; CHUNK]; 4];
            let [z0, z1, z2, z3] = &mut z;
            for lane in 0..CHUNK {
                let four = words.each_ref().map(|row| row[start + lane]);
                (z0[lane], z1[lane]) = normal_pair(four[0], four[1]);
                (z2[lane], z3[lane]) = normal_pair(four[2], four[3]);
            }
            for (row, z) in out.iter_mut().zip(&z) {
                for (wide, z) in row[start..start + CHUNK].iter_mut().zip(z) {
                    *wide = f64::from(*z);
                }
            }
        }
    }

    /// Two uniforms in (0, 1) of an address, each `(k + 1/2) 2^-52`.
    #[inline]
    pub fn uniforms(&self, path: u64, index: u32, purpose: Purpose) -> [f64; 2] {
        self.words(path, index, purpose)
            .map(|word| ((word >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0))
    }

    /// One uniform in (0, 1) of an address, `(k + 1/2) 2^-32`: for decisions that may be skipped where the
    /// probability is under the smallest value, [`SMALLEST_UNIFORM_32`].
    #[inline]
    pub fn uniform_32(&self, path: u64, index: u32, purpose: Purpose) -> f64 {
        ((self.words(path, index, purpose)[0] & LOW) as f64 + 0.5) * (1.0 / 4_294_967_296.0)
    }

    /// A sequential generator over the indices of one address, for whatever wants rand's traits.
    pub fn sequence(&self, path: u64, purpose: Purpose) -> Sequence {
        Sequence {
            streams: *self,
            path,
            purpose,
            index: 0,
            buffered: None,
        }
    }
}

/// The low 32 bits.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
fn low_half(word: u64) -> u32 {
    word as u32
}

/// Keys of `R` rounds for a seed.
fn round_keys<const R: usize>(seed: u64) -> [(u32, u32); R] {
    let mut key = (low_half(seed), low_half(seed >> 32));
    [(); R].map(|()| {
        let this = key;
        key = (key.0.wrapping_add(WEYL_0), key.1.wrapping_add(WEYL_1));
        this
    })
}

/// One block of the cipher; each word is held in 64 bits, of which the low 32 count.
#[inline(always)]
fn block<const R: usize>(round_keys: &[(u32, u32); R], counter: [u64; 4]) -> [u64; 4] {
    let [mut x0, mut x1, mut x2, mut x3] = counter;
    for &(k0, k1) in round_keys {
        // Upper halves hold leftovers; only the masked factors below matter.
        let product_0 = (x0 & LOW) * MULTIPLIER_0;
        let product_1 = (x2 & LOW) * MULTIPLIER_1;
        x0 = (product_1 >> 32) ^ (x1 ^ u64::from(k0));
        x1 = product_1;
        x2 = (product_0 >> 32) ^ (x3 ^ u64::from(k1));
        x3 = product_0;
    }
    [x0, x1, x2, x3]
}

/// The smallest value of [`Streams::uniform_32`].
pub const SMALLEST_UNIFORM_32: f64 = 0.5 / 4_294_967_296.0;

/// An index as a number of an address: steps, contracts and clocks are far fewer than `2^32`.
#[expect(clippy::cast_possible_truncation, reason = "no index is that large")]
pub const fn address_number(index: usize) -> u32 {
    index as u32
}

/// A path's random words for one purpose, one after the other.
#[derive(Debug, Clone)]
pub struct Sequence {
    streams: Streams,
    path: u64,
    purpose: Purpose,
    index: u32,
    buffered: Option<u64>,
}

impl TryRng for Sequence {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(low_half)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        if let Some(word) = self.buffered.take() {
            return Ok(word);
        }
        let [first, second] = self.streams.words(self.path, self.index, self.purpose);
        self.index = self.index.wrapping_add(1);
        self.buffered = Some(second);
        Ok(first)
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw<const R: usize>(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
        let seed = u64::from(key[0]) | (u64::from(key[1]) << 32);
        block(&round_keys::<R>(seed), counter.map(u64::from)).map(low_half)
    }

    const PI_COUNTER: [u32; 4] = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    const PI_KEY: [u32; 2] = [0xa409_3822, 0x299f_31d0];

    /// Random123's published known answers for Philox4x32-7.
    #[test]
    fn known_answers_of_seven_rounds() {
        assert_eq!(
            raw::<7>([0; 4], [0; 2]),
            [0x5f6f_b709, 0x0d89_3f64, 0x4f12_1f81, 0x4f73_0a48]
        );
        assert_eq!(
            raw::<7>([u32::MAX; 4], [u32::MAX; 2]),
            [0x5207_ddc2, 0x4516_5e59, 0x4d8e_e751, 0x8c52_f662]
        );
        assert_eq!(
            raw::<7>(PI_COUNTER, PI_KEY),
            [0x4dfc_caba, 0x190a_87f0, 0xc473_62ba, 0xb6b5_242a]
        );
        let words = Streams::new(0x299f_31d0_a409_3822).words(
            0x85a3_08d3_243f_6a88,
            0x1319_8a2e,
            Purpose::Diffusion(3),
        );
        let [a, b, c, d] = raw::<7>([PI_COUNTER[0], PI_COUNTER[1], PI_COUNTER[2], 0x301], PI_KEY);
        assert_eq!(
            words,
            [(a, b), (c, d)].map(|(low, high)| u64::from(low) | (u64::from(high) << 32))
        );
    }

    /// Random123's published known answers for Philox4x32-10: the same code with three rounds more.
    #[test]
    fn known_answers_of_ten_rounds() {
        assert_eq!(
            raw::<10>([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            raw::<10>([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            raw::<10>(PI_COUNTER, PI_KEY),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn lanes_give_the_bits_of_one_path_alone() {
        let streams = Streams::new(0xFEED_F00D_0123_4567);
        for first_path in [0, 7, LOW - 63, LOW - 62, LOW, LOW + 1, u64::MAX - 80] {
            for index in [0, 1, u32::MAX] {
                let purpose = Purpose::Basis(index & 3);
                let mut lanes = [[0.0; 64]; 4];
                streams.lane_normals(first_path, index, purpose, &mut lanes);
                for lane in 0..64 {
                    let alone = streams.normals(first_path + lane as u64, index, purpose);
                    for (row, z) in lanes.iter().zip(alone) {
                        assert_eq!(row[lane].to_bits(), z.to_bits(), "{first_path} {lane}");
                    }
                }
            }
        }
    }

    #[test]
    fn purposes_and_indices_have_different_numbers() {
        let streams = Streams::new(1);
        let mut seen = std::collections::BTreeSet::new();
        for path in 0..20 {
            for index in 0..20 {
                for purpose in [
                    Purpose::Diffusion(0),
                    Purpose::Diffusion(1),
                    Purpose::Basis(0),
                    Purpose::Bridge(0),
                ] {
                    assert!(seen.insert(streams.words(path, index, purpose)));
                }
            }
        }
    }

    #[test]
    fn sequence_walks_the_indices() {
        let streams = Streams::new(7);
        let mut sequence = streams.sequence(3, Purpose::Basis(1));
        let Ok(first) = sequence.try_next_u64();
        let Ok(_) = sequence.try_next_u64();
        let Ok(third) = sequence.try_next_u64();
        assert_eq!(first, streams.words(3, 0, Purpose::Basis(1))[0]);
        assert_eq!(third, streams.words(3, 1, Purpose::Basis(1))[0]);
    }
}

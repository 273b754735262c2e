//! Counter-based randomness: a draw is a pure function of (seed, path, index, purpose).
//!
//! The generator is ARS4x32-7 (`ars`), on the processor's AES instructions where it has them. Its authors report every
//! test of `SmallCrush`, `Crush` and `BigCrush` passed with fewer rounds already, and propose seven for a margin.
//! `tests/generator.rs` looks for what the counters used here (low numbers in every part) could show: it passes with
//! seven, six, five and four rounds, and flipped bits of an address show nothing with seven in 200 times as many trials
//! either. Philox4x32-7, in plain arithmetic, takes 1.4 times as long a normal (AVX2 with VAES, Zen 3).

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use std::hint::black_box;

use multiversion::multiversion;
use multiversion::target::match_target;

#[cfg(target_arch = "x86_64")]
use crate::math::ars::vaes;
use crate::math::ars::{Block, KEYS, RoundKeys, block, block_inside, eight_blocks};
use crate::math::sequence::Sequence;
use crate::math::vector::{
    PAIR_LANES, PAIR_POLYNOMIALS, PairPolynomials, lane_pair, ln, normal_pair,
};

/// The low 32 bits of a word.
const LOW: u64 = 0xFFFF_FFFF;
/// Bit of the kind of a draw, that of the series of normals: four paths share four blocks.
const SHARED: u32 = 0x80;

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
    /// Whether the distance of an account with several factors crosses zero, by account.
    AccountBridge(u32),
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
            Self::AccountBridge(n) => (8, n),
        };
        kind | (number << 8)
    }
}

/// The random numbers of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    keys: RoundKeys<KEYS>,
}

impl Streams {
    /// The streams of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            keys: RoundKeys::new([seed, 0]),
        }
    }

    /// 128 random bits of an address, as two words.
    #[inline]
    pub fn words(&self, path: u64, index: u32, purpose: Purpose) -> [u64; 2] {
        pair_words(block(&self.keys, counter(path, index, purpose.tag())))
    }

    /// Four standard normals of an address: elements `4 index ..= 4 index + 3` of the purpose's series.
    ///
    /// Four neighbouring paths take one word each of four blocks, so that paths side by side find theirs side by side.
    pub fn normals(&self, path: u64, index: u32, purpose: Purpose) -> [f64; 4] {
        let tag = purpose.tag() | SHARED;
        let [z0, z1] = pair_alone(&self.keys, path, [index, tag], 0);
        let [z2, z3] = pair_alone(&self.keys, path, [index, tag], 2);
        [z0, z1, z2, z3]
    }

    /// The first of [`Streams::normals`].
    pub fn first_normal(&self, path: u64, index: u32, purpose: Purpose) -> f64 {
        pair_alone(&self.keys, path, [index, purpose.tag() | SHARED], 0)[0]
    }

    /// [`Streams::normals`] of `N` paths from `first_path` on, for the indices from `first_index` on: the same bits, by
    /// SIMD. `N` and `first_path` are multiples of 16; shape `[indices][4][N]`.
    ///
    /// # Panics
    /// If `first_path` is not a multiple of 16.
    pub fn lane_normals<const N: usize>(
        &self,
        first_path: u64,
        first_index: u32,
        purpose: Purpose,
        out: &mut [[[f32; N]; 4]],
    ) {
        const { assert!(N.is_multiple_of(PAIR_LANES)) };
        assert!(first_path.is_multiple_of(PAIR_LANES as u64));
        // Hidden from the compiler, which would rather spread each number over a register again and again.
        let polynomials = black_box(&PAIR_POLYNOMIALS);
        let tag = purpose.tag() | SHARED;
        fill_lanes(&self.keys, polynomials, first_path, [first_index, tag], out);
    }

    /// Two uniforms in (0, 1) of an address, each `(k + 1/2) 2^-52`.
    #[inline]
    pub fn uniforms(&self, path: u64, index: u32, purpose: Purpose) -> [f64; 2] {
        self.words(path, index, purpose).map(uniform)
    }

    /// The draws of several ticks, each of a lane and with its index: the [`Streams::uniforms`] of the first purpose, and of the
    /// second, at the next index, a standard exponential, `-ln` of the first uniform there. `first_path` is that of lane 0.
    pub fn ticks(
        &self,
        first_path: u64,
        ticks: &[(usize, u32)],
        purposes: [Purpose; 2],
        uniforms: &mut [[f64; 2]],
        exponentials: &mut [f64],
    ) {
        let tags = purposes.map(Purpose::tag);
        fill_ticks(&self.keys, first_path, ticks, tags, uniforms, exponentials);
    }

    /// The exponential of [`Streams::ticks`] of `N` paths from `first_path` on: the same bits, by SIMD. `N` and `first_path`
    /// are multiples of 16.
    ///
    /// # Panics
    /// If `first_path` is not a multiple of 16.
    pub fn lane_exponentials<const N: usize>(
        &self,
        first_path: u64,
        index: u32,
        purpose: Purpose,
        out: &mut [f64; N],
    ) {
        const { assert!(N.is_multiple_of(PAIR_LANES)) };
        assert!(first_path.is_multiple_of(PAIR_LANES as u64));
        fill_exponentials(&self.keys, first_path, [index, purpose.tag()], out);
    }

    /// One uniform in (0, 1) of an address, `(k + 1/2) 2^-32`: for decisions that may be skipped where the
    /// probability is under the smallest value, [`SMALLEST_UNIFORM_32`].
    #[inline]
    pub fn uniform_32(&self, path: u64, index: u32, purpose: Purpose) -> f64 {
        ((self.words(path, index, purpose)[0] & LOW) as f64 + 0.5) * (1.0 / 4_294_967_296.0)
    }

    /// The keys, for who works out blocks inside a function that is compiled for a level.
    #[inline]
    pub(crate) fn keys(&self) -> &RoundKeys<KEYS> {
        &self.keys
    }

    /// A sequential generator over the indices of one address, for whatever wants rand's traits.
    pub fn sequence(&self, path: u64, purpose: Purpose) -> Sequence {
        Sequence::new(*self, path, purpose)
    }
}

/// The low 32 bits.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
pub(crate) fn low_half(word: u64) -> u32 {
    word as u32
}

/// The counter of an address.
#[inline(always)]
fn counter(path: u64, index: u32, tag: u32) -> Block {
    [low_half(path), low_half(path >> 32), index, tag]
}

/// A block as two words.
#[inline(always)]
fn pair_words([a, b, c, d]: Block) -> [u64; 2] {
    [(a, b), (c, d)].map(|(low, high)| u64::from(low) | (u64::from(high) << 32))
}

/// A uniform in (0, 1), `(k + 1/2) 2^-52`.
#[inline(always)]
fn uniform(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// [`Streams::ticks`] with the tags of the purposes.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+aes",
    "x86_64+avx2+fma+aes",
    "aarch64+neon+aes"
))]
fn fill_ticks(
    keys: &RoundKeys<KEYS>,
    first_path: u64,
    ticks: &[(usize, u32)],
    [uniform_tag, exponential_tag]: [u32; 2],
    uniforms: &mut [[f64; 2]],
    exponentials: &mut [f64],
) {
    let (uniforms, exponentials) = (
        &mut uniforms[..ticks.len()],
        &mut exponentials[..ticks.len()],
    );
    for ((&(lane, index), pair), x) in ticks.iter().zip(uniforms).zip(&mut *exponentials) {
        let path = first_path + lane as u64;
        let counters = [
            (index, uniform_tag),
            (index.wrapping_add(1), exponential_tag),
        ]
        .map(|(index, tag)| counter(path, index, tag));
        *pair = pair_words(block_inside!(keys, counters[0])).map(uniform);
        let [word, _] = pair_words(block_inside!(keys, counters[1]));
        *x = uniform(word);
    }
    for x in exponentials {
        *x = -ln(*x);
    }
}

/// [`Streams::lane_exponentials`] for an index and the tag of a purpose.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+vaes",
    "x86_64+avx2+fma+vaes",
    "x86_64+avx2+fma+aes",
    "aarch64+neon+aes"
))]
fn fill_exponentials<const N: usize>(
    keys: &RoundKeys<KEYS>,
    first_path: u64,
    [index, tag]: [u32; 2],
    out: &mut [f64; N],
) {
    let at = |lane| counter(first_path + lane as u64, index, tag);
    match_target! {
        "x86_64+avx512f+vaes" => first_uniforms(out, |lane| vaes::sixteen_blocks(keys, at(lane))),
        _ => first_uniforms(out, |lane| eight_blocks!(keys, at(lane))),
    }
    for x in out {
        *x = -ln(*x);
    }
}

/// The first uniform of each lane's block, `W` lanes at a time; `blocks` are those from a lane on.
#[inline(always)]
fn first_uniforms<const N: usize, const W: usize>(
    out: &mut [f64; N],
    blocks: impl Fn(usize) -> [[u32; W]; 4],
) {
    for start in (0..N).step_by(W) {
        let rows = blocks(start);
        for lane in 0..W {
            let row = &rows[lane & 3][lane & !3..];
            out[start + lane] = uniform(u64::from(row[0]) | (u64::from(row[1]) << 32));
        }
    }
}

/// Two of [`Streams::normals`], from the words `first_word` and the next.
#[multiversion(targets("x86_64+avx2+fma+aes"))]
fn pair_alone(
    keys: &RoundKeys<KEYS>,
    path: u64,
    [index, tag]: [u32; 2],
    first_word: u64,
) -> [f64; 2] {
    let [radius_word, angle_word] = [first_word, first_word + 1].map(|word| {
        let counter = counter((path & !3) | word, index, tag);
        block_inside!(keys, counter)[(path & 3) as usize]
    });
    let (z0, z1) = normal_pair(radius_word, angle_word);
    [z0, z1].map(f64::from)
}

/// [`Streams::lane_normals`] for the first index and the tag of a purpose.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512dq+avx512vl+vaes",
    "x86_64+avx2+fma+vaes",
    "x86_64+avx2+fma+aes",
    "aarch64+neon+aes"
))]
fn fill_lanes<const N: usize>(
    keys: &RoundKeys<KEYS>,
    polynomials: &PairPolynomials,
    first_path: u64,
    [first_index, tag]: [u32; 2],
    out: &mut [[[f32; N]; 4]],
) {
    let mut index = first_index;
    for four in out {
        let at = |lane| counter(first_path + lane as u64, index, tag);
        match_target! {
            "x86_64+avx512f+vaes" => fill_four(polynomials, four, |lane| vaes::sixteen_blocks(keys, at(lane))),
            _ => fill_four(polynomials, four, |lane| eight_blocks!(keys, at(lane))),
        }
        index = index.wrapping_add(1);
    }
}

/// Four normals in each lane, `W` lanes at a time; `words` are those from a lane on.
#[inline(always)]
fn fill_four<const N: usize, const W: usize>(
    polynomials: &PairPolynomials,
    out: &mut [[f32; N]; 4],
    words: impl Fn(usize) -> [[u32; W]; 4],
) {
    // All words first, in the place of their normals: the chain from a counter to a normal is too long for the processor to have
    // many under way at once.
    for start in (0..N).step_by(W) {
        for (row, words) in out.iter_mut().zip(words(start)) {
            row[start..start + W].copy_from_slice(&words.map(f32::from_bits));
        }
    }
    for start in (0..N).step_by(W) {
        let word: [[u32; W]; 4] =
            std::array::from_fn(|w| std::array::from_fn(|lane| out[w][start + lane].to_bits()));
        let mut z = [[0.0; W]; 4];
        let [z0, z1, z2, z3] = &mut z;
        for lane in 0..W {
            (z0[lane], z1[lane]) = lane_pair(polynomials, lane, word[0][lane], word[1][lane]);
        }
        for lane in 0..W {
            (z2[lane], z3[lane]) = lane_pair(polynomials, lane, word[2][lane], word[3][lane]);
        }
        for (row, z) in out.iter_mut().zip(&z) {
            row[start..start + W].copy_from_slice(z);
        }
    }
}

/// The counter whose block gives the draws of an address.
#[inline(always)]
pub(crate) fn address(path: u64, index: u32, purpose: Purpose) -> Block {
    counter(path, index, purpose.tag())
}

/// The least whole `n` for which the [`Streams::uniform_32`] of this block is at least `2^-n`.
#[inline(always)]
pub(crate) fn halvings_of_uniform_32(block: Block) -> u32 {
    block[0].leading_zeros() + 1
}

/// The smallest value of [`Streams::uniform_32`].
pub const SMALLEST_UNIFORM_32: f64 = 0.5 / 4_294_967_296.0;

/// An index as a number of an address: steps, contracts and clocks are far fewer than `2^32`.
#[expect(clippy::cast_possible_truncation, reason = "no index is that large")]
pub const fn address_number(index: usize) -> u32 {
    index as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_give_the_bits_of_one_path_alone() {
        let streams = Streams::new(0xFEED_F00D_0123_4567);
        for first_path in [0, 16, LOW - 63, LOW - 47, LOW - 15, LOW + 1, u64::MAX - 79] {
            for index in [0, 1, u32::MAX] {
                let purpose = Purpose::Basis(index & 3);
                let mut groups = [[[0.0f32; 64]; 4]; 2];
                streams.lane_normals(first_path, index, purpose, &mut groups);
                for (n, lanes) in (0..).zip(&groups) {
                    let index = index.wrapping_add(n);
                    for lane in 0..64 {
                        let path = first_path + lane as u64;
                        let alone = streams.normals(path, index, purpose);
                        for (row, z) in lanes.iter().zip(alone) {
                            assert_eq!(f64::from(row[lane]).to_bits(), z.to_bits(), "{path}");
                        }
                        let first = streams.first_normal(path, index, purpose);
                        assert_eq!(first.to_bits(), alone[0].to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn exponentials_of_lanes_are_those_of_one_path_alone() {
        let streams = Streams::new(3);
        let (size, time) = (Purpose::JumpSize(2), Purpose::JumpTime(2));
        for first_path in [0, 64, LOW - 63, LOW + 1] {
            let mut lanes = [0.0; 64];
            streams.lane_exponentials(first_path, 5, time, &mut lanes);
            let ticks: Vec<(usize, u32)> = (0..64).map(|lane| (lane, 4)).collect();
            let (mut uniforms, mut alone) = ([[0.0; 2]; 64], [0.0; 64]);
            streams.ticks(first_path, &ticks, [size, time], &mut uniforms, &mut alone);
            for (lane, x) in lanes.into_iter().enumerate() {
                let path = first_path + lane as u64;
                let expected = streams.uniforms(path, 4, size);
                assert_eq!(uniforms[lane].map(f64::to_bits), expected.map(f64::to_bits));
                assert_eq!(alone[lane].to_bits(), x.to_bits());
                let [u, _] = streams.uniforms(path, 5, time);
                assert!((x + u.ln()).abs() <= 1e-15 * x.max(1.0));
            }
        }
    }

    #[test]
    fn halvings_bound_their_uniform() {
        let streams = Streams::new(9);
        for path in 0..2000 {
            let purpose = Purpose::Bridge(0);
            let uniform = streams.uniform_32(path, 1, purpose);
            let counter = address(path, 1, purpose);
            let n = halvings_of_uniform_32(block(streams.keys(), counter)).cast_signed();
            assert!(uniform >= 0.5f64.powi(n) && uniform < 0.5f64.powi(n - 1));
        }
        assert_eq!(halvings_of_uniform_32([0; 4]), 33);
        assert_eq!(halvings_of_uniform_32([u32::MAX; 4]), 1);
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
}

//! Counter-based randomness: a draw is a pure function of (seed, path, index, purpose).
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
//! SC11, doi 10.1145/2063384.2063405), checked against the published known answers.

use std::convert::Infallible;

use rand::TryRng;

use crate::math::vector::normal_pair;

const MULTIPLIER_0: u64 = 0xD251_1F53;
const MULTIPLIER_1: u64 = 0xCD9E_8D57;
const WEYL_0: u32 = 0x9E37_79B9;
const WEYL_1: u32 = 0xBB67_AE85;
const LOW: u64 = 0xFFFF_FFFF;
const ROUNDS: usize = 10;

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
        let mut round_keys = [(seed as u32, (seed >> 32) as u32); ROUNDS];
        for round in 1..ROUNDS {
            let (k0, k1) = round_keys[round - 1];
            round_keys[round] = (k0.wrapping_add(WEYL_0), k1.wrapping_add(WEYL_1));
        }
        Self { round_keys }
    }

    /// 128 random bits of an address, as two words.
    #[inline(always)]
    pub fn words(&self, path: u64, index: u32, purpose: Purpose) -> [u64; 2] {
        self.block([
            path & LOW,
            path >> 32,
            u64::from(index),
            u64::from(purpose.tag()),
        ])
    }

    /// One block of the cipher; each counter word is held in 64 bits, of which the low 32 count.
    #[inline(always)]
    fn block(&self, counter: [u64; 4]) -> [u64; 2] {
        let [mut x0, mut x1, mut x2, mut x3] = counter;
        for &(k0, k1) in &self.round_keys {
            // Upper halves hold leftovers; only the masked factors below matter.
            let product_0 = (x0 & LOW) * MULTIPLIER_0;
            let product_1 = (x2 & LOW) * MULTIPLIER_1;
            x0 = (product_1 >> 32) ^ x1 ^ u64::from(k0);
            x1 = product_1;
            x2 = (product_0 >> 32) ^ x3 ^ u64::from(k1);
            x3 = product_0;
        }
        [(x0 & LOW) | (x1 << 32), (x2 & LOW) | (x3 << 32)]
    }

    /// Four standard normals of an address: elements `4 index ..= 4 index + 3` of the purpose's series.
    #[inline(always)]
    pub fn normals(&self, path: u64, index: u32, purpose: Purpose) -> [f64; 4] {
        let [a, b] = self.words(path, index, purpose);
        let (z0, z1) = normal_pair(a);
        let (z2, z3) = normal_pair(b);
        [z0, z1, z2, z3]
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

/// The smallest value of [`Streams::uniform_32`].
pub const SMALLEST_UNIFORM_32: f64 = 0.5 / 4_294_967_296.0;

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
        self.try_next_u64().map(|word| word as u32)
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

    fn raw(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
        let streams = Streams::new(u64::from(key[0]) | (u64::from(key[1]) << 32));
        let [a, b] = streams.block(counter.map(u64::from));
        [a as u32, (a >> 32) as u32, b as u32, (b >> 32) as u32]
    }

    /// Random123's published known answers for Philox4x32-10.
    #[test]
    fn known_answers() {
        assert_eq!(
            raw([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            raw([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            raw(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
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

//! ARS: the round of AES with a key schedule that is a sum, as a counter-based generator.
//!
//! Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11, doi
//! 10.1145/2063384.2063405; the round is that of FIPS 197. The processor's AES instructions (x86-64, 64-bit Arm) work on
//! one block, or with VAES on two; where there are none, a table does the same, some fifty times as slowly. All give the
//! same bits.

#![expect(
    clippy::inline_always,
    reason = "small parts of a round that is worked through for every number"
)]

use multiversion::multiversion;

/// A counter, or what the cipher makes of it: four words.
pub(crate) type Block = [u32; 4];

/// What a round adds to both halves of its key (golden ratio; square root of 3, less 1).
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];

/// Keys of seven rounds: one before them and one of each.
pub(crate) const KEYS: usize = 8;

/// Keys of a cipher of `K - 1` rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoundKeys<const K: usize>([Block; K]);

impl<const K: usize> RoundKeys<K> {
    /// The keys that follow from the first, given as its lower and upper half.
    pub(crate) fn new(key: [u64; 2]) -> Self {
        let mut halves = key;
        Self([(); K].map(|()| {
            let [low, high] = halves;
            halves = [low.wrapping_add(WEYL[0]), high.wrapping_add(WEYL[1])];
            bytemuck::cast([low.to_le(), high.to_le()])
        }))
    }
}

/// [`block`] inside a function that is compiled for a level: the same bits without a call.
macro_rules! block_inside {
    ($keys:expr, $counter:expr) => {
        multiversion::target::match_target! {
            "x86_64+aes" => $crate::math::ars::aes_ni::block($keys, $counter),
            "aarch64+neon+aes" => $crate::math::ars::neon::block($keys, $counter),
            _ => $crate::math::ars::portable::block($keys, $counter),
        }
    };
}
pub(crate) use block_inside;

/// The random block of a counter, by seven rounds; no generic argument, with which it would be chosen at each call.
#[multiversion(targets("x86_64+avx+aes", "aarch64+neon+aes"))]
pub(crate) fn block(keys: &RoundKeys<KEYS>, counter: Block) -> Block {
    block_inside!(keys, counter)
}

/// The random blocks of eight counters that differ in the lowest three bits of the first word, which are 0 in
/// `counter`. Row `w` holds word `j` of the block `4 q + w` at `4 q + j`: the words of four blocks are dealt to four
/// neighbours, one of each, so that registers full of blocks are rows as they are.
///
/// A macro, because only the function that is compiled for a level can choose the instructions of the level.
macro_rules! eight_blocks {
    ($keys:expr, $counter:expr) => {
        multiversion::target::match_target! {
            "x86_64+vaes" => $crate::math::ars::vaes::eight_blocks($keys, $counter),
            "x86_64+aes" => $crate::math::ars::aes_ni::eight_blocks($keys, $counter),
            "aarch64+neon+aes" => $crate::math::ars::neon::eight_blocks($keys, $counter),
            _ => $crate::math::ars::portable::eight_blocks($keys, $counter),
        }
    };
}
pub(crate) use eight_blocks;

/// Two blocks an instruction, or four.
#[cfg(target_arch = "x86_64")]
pub(crate) mod vaes {
    use std::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm256_aesenc_epi128, _mm256_aesenclast_epi128,
        _mm256_broadcastsi128_si256, _mm256_xor_si256, _mm512_aesenc_epi128,
        _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_xor_si512,
    };

    use super::{Block, RoundKeys};

    /// The random blocks of sixteen counters, dealt like eight: word `j` of the block `4 q + w` stands in row `w` at `4 q + j`.
    #[inline]
    #[target_feature(enable = "avx512f,vaes")]
    pub(crate) fn sixteen_blocks<const K: usize>(
        keys: &RoundKeys<K>,
        counter: Block,
    ) -> [[u32; 16]; 4] {
        let four_times = |block: Block| _mm512_broadcast_i32x4(bytemuck::cast::<_, __m128i>(block));
        let whitened = _mm512_xor_si512(four_times(counter), four_times(keys.0[0]));
        let mut rows = [[0; 16]; 4];
        for (row, w) in rows.iter_mut().zip(0u32..) {
            let lowest: __m512i = bytemuck::cast([0, 4, 8, 12].map(|q| [w | q, 0, 0, 0]));
            let mut state = _mm512_xor_si512(whitened, lowest);
            for &key in &keys.0[1..K - 1] {
                state = _mm512_aesenc_epi128(state, four_times(key));
            }
            *row = bytemuck::cast(_mm512_aesenclast_epi128(state, four_times(keys.0[K - 1])));
        }
        rows
    }

    #[inline]
    #[target_feature(enable = "avx2,vaes")]
    pub(crate) fn eight_blocks<const K: usize>(
        keys: &RoundKeys<K>,
        counter: Block,
    ) -> [[u32; 8]; 4] {
        let twice = |block: Block| _mm256_broadcastsi128_si256(bytemuck::cast::<_, __m128i>(block));
        let whitened = _mm256_xor_si256(twice(counter), twice(keys.0[0]));
        let mut rows = [[0; 8]; 4];
        for (row, w) in rows.iter_mut().zip(0..) {
            let lowest: __m256i = bytemuck::cast([w, 0, 0, 0, w | 4, 0, 0, 0u32]);
            let mut state = _mm256_xor_si256(whitened, lowest);
            for &key in &keys.0[1..K - 1] {
                state = _mm256_aesenc_epi128(state, twice(key));
            }
            *row = bytemuck::cast(_mm256_aesenclast_epi128(state, twice(keys.0[K - 1])));
        }
        rows
    }
}

/// One block an instruction.
#[cfg(target_arch = "x86_64")]
pub(crate) mod aes_ni {
    use std::arch::x86_64::{__m128i, _mm_aesenc_si128, _mm_aesenclast_si128, _mm_xor_si128};

    use super::{Block, RoundKeys};

    #[inline]
    #[target_feature(enable = "avx,aes")]
    pub(crate) fn block<const K: usize>(keys: &RoundKeys<K>, counter: Block) -> Block {
        let register = |block: Block| bytemuck::cast::<_, __m128i>(block);
        let mut state = _mm_xor_si128(register(counter), register(keys.0[0]));
        for &key in &keys.0[1..K - 1] {
            state = _mm_aesenc_si128(state, register(key));
        }
        bytemuck::cast(_mm_aesenclast_si128(state, register(keys.0[K - 1])))
    }

    #[inline]
    #[target_feature(enable = "avx,aes")]
    pub(crate) fn eight_blocks<const K: usize>(
        keys: &RoundKeys<K>,
        [first, rest @ ..]: Block,
    ) -> [[u32; 8]; 4] {
        let [b, c, d] = rest;
        let mut rows = [[0; 8]; 4];
        for (row, w) in rows.iter_mut().zip(0..) {
            let low = block(keys, [first | w, b, c, d]);
            let high = block(keys, [first | 4 | w, b, c, d]);
            *row = bytemuck::cast([low, high]);
        }
        rows
    }
}

/// One block an instruction, or two: here the key is added before the round, not after it.
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon {
    use std::arch::aarch64::{uint8x16_t, vaeseq_u8, vaesmcq_u8, veorq_u8};

    use super::{Block, RoundKeys};

    #[inline]
    #[target_feature(enable = "neon,aes")]
    pub(crate) fn block<const K: usize>(keys: &RoundKeys<K>, counter: Block) -> Block {
        let register = |block: Block| bytemuck::cast::<_, uint8x16_t>(block);
        let mut state = register(counter);
        for &key in &keys.0[..K - 2] {
            state = vaesmcq_u8(vaeseq_u8(state, register(key)));
        }
        state = vaeseq_u8(state, register(keys.0[K - 2]));
        bytemuck::cast(veorq_u8(state, register(keys.0[K - 1])))
    }

    #[inline]
    #[target_feature(enable = "neon,aes")]
    pub(crate) fn eight_blocks<const K: usize>(
        keys: &RoundKeys<K>,
        [first, rest @ ..]: Block,
    ) -> [[u32; 8]; 4] {
        let [b, c, d] = rest;
        let mut rows = [[0; 8]; 4];
        for (row, w) in rows.iter_mut().zip(0..) {
            let low = block(keys, [first | w, b, c, d]);
            let high = block(keys, [first | 4 | w, b, c, d]);
            *row = bytemuck::cast([low, high]);
        }
        rows
    }
}

/// Blocks without instructions for them.
pub(crate) mod portable {
    use super::{Block, RoundKeys};

    /// What the round makes of a byte in the first row of a column, as its rows from the lowest byte up: the
    /// substituted byte times 2, 1, 1 and 3. The other rows' are rotations of it.
    static COLUMNS: [u32; 256] = columns();

    /// `x` times 2 in the field of AES, modulo `x^8 + x^4 + x^3 + x + 1` (FIPS 197, section 4.2).
    const fn double(x: u8) -> u8 {
        (x << 1) ^ (0x1B * (x >> 7))
    }

    const fn columns() -> [u32; 256] {
        let mut columns = [0; 256];
        // `power` runs through the powers of 3, which are all bytes but 0, and `inverse` through those of 1/3.
        let (mut power, mut inverse) = (1u8, 1u8);
        let mut left = 256;
        while left > 0 {
            // 0 has no inverse and takes its own place (FIPS 197, section 5.1.1); it comes last.
            let (byte, x) = if left == 1 { (0, 0) } else { (power, inverse) };
            let substituted = 0x63
                ^ x
                ^ x.rotate_left(1)
                ^ x.rotate_left(2)
                ^ x.rotate_left(3)
                ^ x.rotate_left(4);
            let doubled = double(substituted);
            columns[byte as usize] =
                u32::from_le_bytes([doubled, substituted, substituted, doubled ^ substituted]);
            power ^= double(power);
            inverse ^= inverse << 1;
            inverse ^= inverse << 2;
            inverse ^= inverse << 4;
            inverse ^= 0x09 * (inverse >> 7);
            left -= 1;
        }
        columns
    }

    /// Byte `ROW` of a column, looked up.
    #[inline(always)]
    fn look_up<const ROW: usize>(column: u32) -> u32 {
        COLUMNS[usize::from(column.to_le_bytes()[ROW])]
    }

    /// One column of a round without its key: each row comes from so many columns on.
    #[inline(always)]
    fn mixed_column([a, b, c, d]: Block) -> u32 {
        look_up::<0>(a)
            ^ look_up::<1>(b).rotate_left(8)
            ^ look_up::<2>(c).rotate_left(16)
            ^ look_up::<3>(d).rotate_left(24)
    }

    /// The same of the last round, which does not mix: the substituted byte stands in the second of the table's.
    #[inline(always)]
    fn last_column([a, b, c, d]: Block) -> u32 {
        let substituted = [
            look_up::<0>(a),
            look_up::<1>(b),
            look_up::<2>(c),
            look_up::<3>(d),
        ];
        u32::from_le_bytes(substituted.map(|mixed| mixed.to_le_bytes()[1]))
    }

    #[inline(always)]
    fn round([a, b, c, d]: Block, key: Block, column: impl Fn(Block) -> u32) -> Block {
        [
            column([a, b, c, d]) ^ key[0],
            column([b, c, d, a]) ^ key[1],
            column([c, d, a, b]) ^ key[2],
            column([d, a, b, c]) ^ key[3],
        ]
    }

    pub(crate) fn block<const K: usize>(keys: &RoundKeys<K>, counter: Block) -> Block {
        let mut state = [0, 1, 2, 3].map(|n| counter[n] ^ keys.0[0][n]);
        for &key in &keys.0[1..K - 1] {
            state = round(state, key, mixed_column);
        }
        round(state, keys.0[K - 1], last_column)
    }

    pub(crate) fn eight_blocks<const K: usize>(
        keys: &RoundKeys<K>,
        [first, rest @ ..]: Block,
    ) -> [[u32; 8]; 4] {
        let [b, c, d] = rest;
        let mut rows = [[0; 8]; 4];
        for (row, w) in rows.iter_mut().zip(0..) {
            let low = block(keys, [first | w, b, c, d]);
            let high = block(keys, [first | 4 | w, b, c, d]);
            *row = bytemuck::cast([low, high]);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use multiversion::target::match_target;

    use super::*;

    /// What a level makes of a counter: the block alone, and among eight.
    type Level = fn(&RoundKeys<11>, Block) -> (Block, [[u32; 8]; 4]);

    #[multiversion(targets("x86_64+avx2+vaes", "aarch64+neon+aes"))]
    fn widest(keys: &RoundKeys<11>, counter: Block) -> (Block, [[u32; 8]; 4]) {
        let [first, b, c, d] = counter;
        let rows = eight_blocks!(keys, [first & !7, b, c, d]);
        let start = first as usize & 4;
        let row = rows[first as usize & 3];
        ([0, 1, 2, 3].map(|word| row[start + word]), rows)
    }

    #[multiversion(targets("x86_64+avx+aes", "aarch64+neon+aes"))]
    fn narrow(keys: &RoundKeys<11>, counter: Block) -> (Block, [[u32; 8]; 4]) {
        let [first, b, c, d] = counter;
        let block = match_target! {
            "x86_64+avx+aes" => aes_ni::block(keys, counter),
            "aarch64+neon+aes" => neon::block(keys, counter),
            _ => portable::block(keys, counter),
        };
        (block, eight_blocks!(keys, [first & !7, b, c, d]))
    }

    /// Sixteen blocks as twice eight of the table.
    fn twice_eight(keys: &RoundKeys<11>, [first, b, c, d]: Block) -> [[u32; 16]; 4] {
        let halves = [0, 8].map(|half| portable::eight_blocks(keys, [first | half, b, c, d]));
        [0, 1, 2, 3].map(|w| bytemuck::cast([halves[0][w], halves[1][w]]))
    }

    #[multiversion(targets("x86_64+avx512f+vaes"))]
    fn sixteen(keys: &RoundKeys<11>, counter: Block) -> [[u32; 16]; 4] {
        match_target! {
            "x86_64+avx512f+vaes" => vaes::sixteen_blocks(keys, counter),
            _ => twice_eight(keys, counter),
        }
    }

    #[test]
    fn sixteen_blocks_are_twice_eight() {
        for seed in 0..200u32 {
            let keys = RoundKeys::new([u64::from(seed), 7]);
            let counter = [16 * seed, 2, 3, seed];
            assert_eq!(sixteen(&keys, counter), twice_eight(&keys, counter));
        }
    }

    fn portable(keys: &RoundKeys<11>, counter: Block) -> (Block, [[u32; 8]; 4]) {
        let [first, b, c, d] = counter;
        (
            portable::block(keys, counter),
            portable::eight_blocks(keys, [first & !7, b, c, d]),
        )
    }

    const LEVELS: [Level; 3] = [widest, narrow, portable];

    /// Random123's published known answers for ARS4x32-10 (its file of test vectors has no others of ARS): the code
    /// that is used, with three rounds more, on every level that the processor has.
    #[test]
    fn known_answers_of_ten_rounds() {
        let pi_counter = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let pi_key = [0x299f_31d0_a409_3822, 0xec4e_6c89_082e_fa98];
        for (counter, key, answer) in [
            (
                [0; 4],
                [0; 2],
                [0x8d73_ee19, 0x5064_01ef, 0x13c2_dbe4, 0x0cbe_9c0d],
            ),
            (
                pi_counter,
                pi_key,
                [0xa516_e7d6, 0x8357_ad74, 0x5b59_b3ec, 0x8763_fff3],
            ),
            (
                [u32::MAX; 4],
                [u64::MAX, 0],
                [0xbb37_43b1, 0x9f63_5551, 0xecbc_87fc, 0xa194_78a9],
            ),
        ] {
            let keys = RoundKeys::new(key);
            for level in LEVELS {
                let (alone, rows) = level(&keys, counter);
                assert_eq!(alone, answer);
                let number = counter[0] as usize & 7;
                let start = number & 4;
                assert_eq!(rows[number & 3][start..start + 4], answer);
            }
        }
    }

    #[test]
    fn every_level_gives_the_same_blocks() {
        let mut counter = [8, 2, 3, 4];
        for seed in 0..200 {
            let keys = RoundKeys::new([seed, !seed]);
            let [widest, narrow, portable] = LEVELS.map(|level| level(&keys, counter));
            assert_eq!(widest, portable);
            assert_eq!(narrow, portable);
            counter = portable.0;
        }
    }

    #[test]
    fn the_block_of_seven_rounds_is_that_of_the_table() {
        for seed in 0..200u32 {
            let keys = RoundKeys::new([u64::from(seed), 5]);
            let counter = [1, 2, 3, seed];
            assert_eq!(block(&keys, counter), portable::block(&keys, counter));
        }
    }
}

//! The words before they become normals: what seven rounds leave of an address, bit by bit.

use hedgesim::math::random::{Purpose, Streams};

/// Words of the numbered address of a walk.
type Walk<'a> = &'a dyn Fn(u32) -> [u64; 2];

/// Addresses that each flipped bit is tried on.
const TRIALS: u64 = 2_000;
/// Standard errors allowed where some 25 000 numbers are checked: 8e-11 each, 2e-6 together.
const MANY_ERRORS: f64 = 6.5;

/// An address as 184 bits: seed, path, index, number of the purpose.
#[derive(Clone, Copy)]
struct Address {
    seed: u64,
    path: u64,
    index: u32,
    number: u32,
}

impl Address {
    /// The address of a small simulation: low numbers in every part, as in use.
    fn of_trial(trial: u64) -> Self {
        Self {
            seed: 1 + trial / 500,
            path: trial % 500,
            index: (trial % 37) as u32,
            number: (trial % 3) as u32,
        }
    }

    fn flip(mut self, bit: u32) -> Self {
        match bit {
            0..64 => self.seed ^= 1 << bit,
            64..128 => self.path ^= 1 << (bit - 64),
            128..160 => self.index ^= 1 << (bit - 128),
            _ => self.number ^= 1 << (bit - 160),
        }
        self
    }

    fn words(self) -> [u64; 2] {
        Streams::new(self.seed).words(self.path, self.index, Purpose::Diffusion(self.number))
    }
}

/// Fails unless each of 128 counts is a sound count of heads among `n` throws.
#[track_caller]
fn assert_fair(name: &str, counts: &[u32; 128], n: u64) {
    for (bit, &count) in counts.iter().enumerate() {
        let off = (f64::from(count) - n as f64 / 2.0) / (n as f64 / 4.0).sqrt();
        assert!(
            off.abs() < MANY_ERRORS,
            "{name}, bit {bit}: {off:.1} errors"
        );
    }
}

fn count_bits(counts: &mut [u32; 128], words: [u64; 2]) {
    for (counts, word) in counts.chunks_exact_mut(64).zip(words) {
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += u32::from(word >> bit & 1 == 1);
        }
    }
}

#[test]
fn every_bit_of_an_address_moves_every_bit_of_the_words_half_the_time() {
    for input in 0..184 {
        let mut counts = [0; 128];
        for trial in 0..TRIALS {
            let address = Address::of_trial(trial);
            let (here, there) = (address.words(), address.flip(input).words());
            count_bits(&mut counts, [here[0] ^ there[0], here[1] ^ there[1]]);
        }
        assert_fair(&format!("input bit {input}"), &counts, TRIALS);
    }
}

#[test]
fn bits_are_fair_along_every_counter() {
    let streams = Streams::new(9);
    let walks: [(&str, Walk<'_>); 3] = [
        ("paths", &|i| {
            streams.words(u64::from(i), 5, Purpose::Basis(1))
        }),
        ("indices", &|i| streams.words(5, i, Purpose::Basis(1))),
        ("numbers", &|i| streams.words(5, 5, Purpose::Basis(i))),
    ];
    for (name, words) in walks {
        let n = 100_000;
        let (mut fair, mut changes, mut neighbours) = ([0; 128], [0; 128], [0; 128]);
        let mut last = words(0);
        for i in 1..=n {
            let [a, b] = words(i);
            count_bits(&mut fair, [a, b]);
            count_bits(&mut changes, [a ^ last[0], b ^ last[1]]);
            count_bits(&mut neighbours, [a ^ a.rotate_left(1), a ^ b]);
            last = [a, b];
        }
        for counts in [&fair, &changes, &neighbours] {
            assert_fair(name, counts, u64::from(n));
        }
    }
}

/// Chi-square of pairs of bytes: one of a word, one of the next address's word.
#[test]
fn bytes_of_neighbouring_addresses_fill_the_square_evenly() {
    let streams = Streams::new(10);
    let n = 4_000_000u64;
    let mut cells = vec![0u32; 1 << 16];
    for offset in [0, 20, 56] {
        cells.fill(0);
        let mut last = 0;
        for path in 0..n {
            let byte =
                ((streams.words(path, 0, Purpose::Diffusion(0))[0] >> offset) & 0xFF) as usize;
            cells[last << 8 | byte] += 1;
            last = byte;
        }
        let expected = n as f64 / 65_536.0;
        let chi_square: f64 = cells
            .iter()
            .map(|&count| (f64::from(count) - expected).powi(2) / expected)
            .sum();
        let off = (chi_square - 65_535.0) / (2.0 * 65_535.0f64).sqrt();
        assert!(off.abs() < 4.892, "offset {offset}: {off:.1} errors");
    }
}

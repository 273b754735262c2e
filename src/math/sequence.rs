//! A path's random words one after the other, for whatever wants rand's traits.

use std::convert::Infallible;

use rand::TryRng;

use crate::math::random::{Purpose, Streams, low_half};

/// A path's random words for one purpose, one after the other.
#[derive(Debug, Clone)]
pub struct Sequence {
    streams: Streams,
    path: u64,
    purpose: Purpose,
    index: u32,
    buffered: Option<u64>,
}

impl Sequence {
    /// The words from index 0 on.
    pub(crate) fn new(streams: Streams, path: u64, purpose: Purpose) -> Self {
        Self {
            streams,
            path,
            purpose,
            index: 0,
            buffered: None,
        }
    }
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

//! Lanes as the bits of a word.

/// The places of the bits that are set, from the lowest on.
pub(crate) fn places_of(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let lane = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(lane)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_from_the_lowest_on() {
        assert_eq!(places_of(0).count(), 0);
        assert_eq!(places_of(1 << 63 | 0b110).collect::<Vec<_>>(), [1, 2, 63]);
        assert_eq!(places_of(u64::MAX).count(), 64);
    }
}

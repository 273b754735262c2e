//! The efficient frontier: points that no other point beats in everything.

/// Of points with several values each, all better when smaller, those that no other point equals in all and beats in one, by the
/// first value, ties by the order of the points. Of points that are equal in all values the first one stays; a point with a value
/// that is not a number is left out.
pub fn efficient<const N: usize>(points: &[[f64; N]]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len())
        .filter(|&index| points[index].iter().all(|value| !value.is_nan()))
        .collect();
    // What beats a point comes before it in the order of all values.
    order.sort_by(|&a, &b| {
        let by_value = points[a].iter().zip(&points[b]);
        let mut unequal = by_value
            .map(|(x, y)| x.total_cmp(y))
            .filter(|ordering| ordering.is_ne());
        unequal.next().unwrap_or_else(|| a.cmp(&b))
    });
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        let is_covered = |other: &usize| {
            let values = points[*other].iter().zip(&points[candidate]);
            values.into_iter().all(|(better, value)| better <= value)
        };
        if !kept.iter().any(is_covered) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let points = [
            [1.0, 5.0],
            [2.0, 4.0],
            [2.0, 6.0],
            [3.0, 4.0],
            [0.0, 9.0],
            [2.0, 4.0],
        ];
        assert_eq!(efficient(&points), [4, 0, 1]);
        assert_eq!(efficient::<2>(&[]), [0; 0]);
        assert_eq!(efficient(&[[f64::NAN, 0.0], [1.0, 1.0]]), [1]);
    }

    proptest! {
        /// Against the definition, word by word.
        #[test]
        fn nobody_on_it_is_beaten_and_everybody_else_is(
            rows in proptest::collection::vec([0_i32..6, 0..6, 0..6], 0..40)
        ) {
            let points: Vec<[f64; 3]> = rows.iter().map(|row| row.map(f64::from)).collect();
            let found = efficient(&points);
            let beats = |a: usize, b: usize| {
                let (a, b) = (points[a], points[b]);
                (0..3).all(|k| a[k] <= b[k]) && (0..3).any(|k| a[k] < b[k])
            };
            for index in 0..points.len() {
                let is_beaten = (0..points.len()).any(|other| beats(other, index));
                let is_repeated = (0..index).any(|earlier| rows[earlier] == rows[index]);
                prop_assert_eq!(found.contains(&index), !is_beaten && !is_repeated);
            }
        }
    }
}

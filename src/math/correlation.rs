//! Correlation matrices: is one valid, the nearest valid one, its triangular factor, and the pairs to blame.
//!
//! A matrix is a slice in row order, `n * n` numbers.

use nalgebra::{DMatrix, SymmetricEigen};

/// How far below zero an eigenvalue may lie and still count as rounding.
const EIGENVALUE_FLOOR: f64 = -1e-10;
/// A pivot at or under this means that the row adds no direction of its own.
const PIVOT_FLOOR: f64 = 1e-12;
/// The alternating projections stop when no entry moves by more than this.
const CONVERGED: f64 = 1e-13;
/// They converge linearly; no matrix of a few dozen assets needs this many.
const MOST_PROJECTIONS: usize = 5_000;

/// Whether the symmetric matrix has no eigenvalue under `-1e-10`. False when an entry is not finite.
///
/// Only symmetric input has a meaning; the mean of the two triangles is judged.
///
/// # Panics
/// When `matrix` has not `n * n` entries.
pub fn is_positive_semidefinite(matrix: &[f64], n: usize) -> bool {
    assert_eq!(matrix.len(), n * n, "a matrix has n * n entries");
    if matrix.iter().any(|entry| !entry.is_finite()) {
        return false;
    }
    n == 0 || SymmetricEigen::new(symmetric(matrix, n)).eigenvalues.min() >= EIGENVALUE_FLOOR
}

/// The valid correlation matrix nearest to a symmetric matrix in the Frobenius norm.
///
/// The result is symmetric with unit diagonal, entries in `[-1, 1]`, and positive semidefinite; a valid input comes
/// back as it is. Entries that are not finite are read as 0.
///
/// # Panics
/// When `matrix` has not `n * n` entries.
///
/// # Source
/// N. J. Higham, "Computing the nearest correlation matrix", IMA Journal of Numerical Analysis 22 (2002) 329-343,
/// algorithm 3.3: alternating projections with Dykstra's correction.
pub fn nearest_correlation(matrix: &[f64], n: usize) -> Vec<f64> {
    assert_eq!(matrix.len(), n * n, "a matrix has n * n entries");
    let finite: Vec<f64> = matrix
        .iter()
        .map(|entry| if entry.is_finite() { *entry } else { 0.0 })
        .collect();
    let mut unit = symmetric(&finite, n);
    unit.fill_diagonal(1.0);
    if is_positive_semidefinite(unit.as_slice(), n) && finite == unit.as_slice() {
        return finite;
    }

    let mut unit = symmetric(&finite, n);
    let mut correction = DMatrix::zeros(n, n);
    let mut semidefinite = unit.clone();
    for _ in 0..MOST_PROJECTIONS {
        let shifted = &unit - &correction;
        semidefinite = without_negative_part(&shifted);
        correction = &semidefinite - shifted;
        let mut next = semidefinite.clone();
        next.fill_diagonal(1.0);
        let moved = (&next - &unit).amax();
        unit = next;
        if moved <= CONVERGED {
            break;
        }
    }
    // The last projection onto the unit diagonal may leave a trace of a negative eigenvalue. Scaling the semidefinite
    // iterate to unit diagonal instead keeps every eigenvalue at 0 or above and moves it by as little.
    let scale: Vec<f64> = (0..n)
        .map(|i| semidefinite[(i, i)].max(f64::MIN_POSITIVE).sqrt().recip())
        .collect();
    let mut result = vec![0.0; n * n];
    for i in 0..n {
        result[i * n + i] = 1.0;
        for j in 0..i {
            let entry = (semidefinite[(i, j)] * scale[i] * scale[j]).clamp(-1.0, 1.0);
            result[i * n + j] = entry;
            result[j * n + i] = entry;
        }
    }
    result
}

/// The lower triangular `L` with `L L^T` equal to a positive semidefinite matrix, in row order.
///
/// A row that depends on the rows before it (a correlation of 1 or -1, say) gets a zero column.
///
/// # Panics
/// When `matrix` has not `n * n` entries.
pub fn cholesky_lower(matrix: &[f64], n: usize) -> Vec<f64> {
    assert_eq!(matrix.len(), n * n, "a matrix has n * n entries");
    if let Some(factor) = symmetric(matrix, n).cholesky() {
        let lower = factor.l();
        if (0..n).all(|i| lower[(i, i)].powi(2) > PIVOT_FLOOR) {
            // nalgebra stores by column: the transpose read by column is the factor by row.
            return lower.transpose().as_slice().to_vec();
        }
    }
    semidefinite_lower(matrix, n)
}

/// Cholesky's recursion by columns, with a zero column where no variance is left.
fn semidefinite_lower(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut lower = vec![0.0; n * n];
    for j in 0..n {
        let left_over = |i: usize, lower: &[f64]| -> f64 {
            let explained: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            0.5 * (matrix[i * n + j] + matrix[j * n + i]) - explained
        };
        let pivot = left_over(j, &lower);
        // A NaN pivot too leaves the column at zero.
        if pivot > PIVOT_FLOOR {
            let root = pivot.sqrt();
            lower[j * n + j] = root;
            for i in j + 1..n {
                lower[i * n + j] = left_over(i, &lower) / root;
            }
        }
    }
    lower
}

/// The pairs `(row, column)`, row before column, that carry an invalid correlation matrix's most negative eigenvalue,
/// the heaviest first; empty for a valid one.
///
/// A pair's weight is the product of its two components in the eigenvector: half the rate at which the eigenvalue
/// moves with that entry. Pairs with at least half the greatest weight are named. Where an entry is not finite, those
/// entries are named instead.
///
/// # Panics
/// When `matrix` has not `n * n` entries.
pub fn offending_pairs(matrix: &[f64], n: usize) -> Vec<(usize, usize)> {
    assert_eq!(matrix.len(), n * n, "a matrix has n * n entries");
    let pairs: Vec<(usize, usize)> = (0..n)
        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
        .collect();
    let not_finite =
        |&(i, j): &(usize, usize)| !(matrix[i * n + j] + matrix[j * n + i]).is_finite();
    if matrix.iter().any(|entry| !entry.is_finite()) {
        return pairs.into_iter().filter(not_finite).collect();
    }
    if is_positive_semidefinite(matrix, n) {
        return Vec::new();
    }
    let eigen = SymmetricEigen::new(symmetric(matrix, n));
    let direction = eigen.eigenvectors.column(eigen.eigenvalues.imin());
    let weight = |&(i, j): &(usize, usize)| (direction[i] * direction[j]).abs();
    let most = pairs.iter().map(weight).fold(0.0, f64::max);
    let mut named: Vec<_> = pairs
        .into_iter()
        .filter(|pair| most > 0.0 && weight(pair) >= 0.5 * most * (1.0 - 1e-9))
        .collect();
    // Weights that differ by rounding alone keep the order of the rows.
    let rank = |pair: &(usize, usize)| (weight(pair) / most * 1e9).round();
    named.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    named
}

/// The mean of the matrix and its transpose.
fn symmetric(matrix: &[f64], n: usize) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| 0.5 * (matrix[i * n + j] + matrix[j * n + i]))
}

/// The nearest positive semidefinite matrix: negative eigenvalues become 0.
fn without_negative_part(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    if matrix.is_empty() {
        return matrix.clone();
    }
    let n = matrix.nrows();
    let eigen = SymmetricEigen::new(matrix.clone());
    let vectors = &eigen.eigenvectors;
    let values = &eigen.eigenvalues;
    // Summed entry by entry over one triangle, so that the result is symmetric to the last bit.
    let mut kept = DMatrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let entry: f64 = (0..n)
                .map(|k| values[k].max(0.0) * vectors[(i, k)] * vectors[(j, k)])
                .sum();
            kept[(i, j)] = entry;
            kept[(j, i)] = entry;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in `[-1, 1)` from a fixed linear congruence.
    fn random_correlations(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut matrix = vec![1.0; n * n];
        for i in 0..n {
            for j in 0..i {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let entry = (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
                matrix[i * n + j] = entry;
                matrix[j * n + i] = entry;
            }
        }
        matrix
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(x, y)| (x - y).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    fn product_with_transpose(lower: &[f64], n: usize) -> Vec<f64> {
        let mut product = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                product[i * n + j] = (0..n).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            }
        }
        product
    }

    #[test]
    fn published_example_of_higham() {
        let given = [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0];
        assert!(!is_positive_semidefinite(&given, 3));
        let nearest = nearest_correlation(&given, 3);
        assert!(is_positive_semidefinite(&nearest, 3));
        assert!((nearest[1] - 0.7607).abs() < 5e-5, "{}", nearest[1]);
        assert!((nearest[5] - 0.7607).abs() < 5e-5, "{}", nearest[5]);
        assert!((nearest[2] - 0.1573).abs() < 5e-5, "{}", nearest[2]);
        // By symmetry b = 2 a^2 - 1 on the boundary, and the distance 2 (1 - a)^2 + b^2 is least: 8 a^3 - 2 a = 2.
        let a = nearest[1];
        assert!((8.0 * a.powi(3) - 2.0 * a - 2.0).abs() < 1e-9, "{a}");
        assert!((nearest[2] - (2.0 * a * a - 1.0)).abs() < 1e-9);
    }

    #[test]
    fn valid_matrices_come_back_untouched() {
        let identity = [1.0, 0.0, 0.0, 1.0];
        assert_eq!(nearest_correlation(&identity, 2), identity);
        let bound = [1.0, -1.0, -1.0, 1.0];
        assert_eq!(nearest_correlation(&bound, 2), bound);
        let usual = [1.0, 0.8, 0.6, 0.8, 1.0, 0.7, 0.6, 0.7, 1.0];
        assert_eq!(nearest_correlation(&usual, 3), usual);
        assert!(nearest_correlation(&[], 0).is_empty());
        assert!(is_positive_semidefinite(&[], 0));
    }

    #[test]
    fn nearest_is_valid_and_nearer_than_clipping_and_scaling() {
        let mut invalid = 0;
        for seed in 0..20 {
            let n = 3 + usize::try_from(seed).unwrap() % 6;
            let given = random_correlations(n, seed);
            if is_positive_semidefinite(&given, n) {
                continue;
            }
            invalid += 1;
            let nearest = nearest_correlation(&given, n);
            assert!(is_positive_semidefinite(&nearest, n));
            for i in 0..n {
                assert_eq!(nearest[i * n + i].to_bits(), 1.0_f64.to_bits());
                for j in 0..n {
                    assert_eq!(nearest[i * n + j].to_bits(), nearest[j * n + i].to_bits());
                    assert!(nearest[i * n + j].abs() <= 1.0);
                }
            }
            let clipped = without_negative_part(&symmetric(&given, n));
            let scaled: Vec<f64> = (0..n * n)
                .map(|at| {
                    let (i, j) = (at / n, at % n);
                    clipped[(i, j)] / (clipped[(i, i)] * clipped[(j, j)]).sqrt()
                })
                .collect();
            assert!(distance(&given, &nearest) <= distance(&given, &scaled) + 1e-9);
            // The nearest point of a convex set: moving toward another member of the set takes one farther away.
            for weight in [1e-3, 0.1, 1.0] {
                let toward: Vec<f64> = nearest
                    .iter()
                    .zip(&scaled)
                    .map(|(x, y)| x + weight * (y - x))
                    .collect();
                assert!(distance(&given, &nearest) <= distance(&given, &toward) + 1e-9);
            }
        }
        assert!(invalid >= 10, "only {invalid} of 20 were invalid");
    }

    #[test]
    fn factor_returns_the_matrix() {
        for seed in 0..10 {
            let matrix = nearest_correlation(&random_correlations(5, seed), 5);
            let lower = cholesky_lower(&matrix, 5);
            for i in 0..5 {
                for j in i + 1..5 {
                    assert!(lower[i * 5 + j] == 0.0);
                }
            }
            // A dropped pivot of 1e-12 may cost the square root of it in an entry of its column.
            assert!(distance(&product_with_transpose(&lower, 5), &matrix) < 1e-5);
        }
        let usual = [1.0, 0.8, 0.6, 0.8, 1.0, 0.7, 0.6, 0.7, 1.0];
        let lower = cholesky_lower(&usual, 3);
        assert!((lower[3] - 0.8).abs() < 1e-15 && (lower[4] - 0.6).abs() < 1e-15);
        assert!(distance(&product_with_transpose(&lower, 3), &usual) < 1e-15);
    }

    #[test]
    fn full_correlation_gets_a_zero_column() {
        assert_eq!(
            cholesky_lower(&[1.0, 1.0, 1.0, 1.0], 2),
            [1.0, 0.0, 1.0, 0.0]
        );
        assert_eq!(
            cholesky_lower(&[1.0, -1.0, -1.0, 1.0], 2),
            [1.0, 0.0, -1.0, 0.0]
        );
        let twin = [1.0, 1.0, 0.6, 1.0, 1.0, 0.6, 0.6, 0.6, 1.0];
        assert_eq!(
            cholesky_lower(&twin, 3),
            [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.6, 0.0, 0.8]
        );
    }

    #[test]
    fn pairs_to_blame_are_those_of_the_inconsistent_assets() {
        // Assets 0, 1, 3 contradict each other; asset 2 stands apart.
        let mut matrix = vec![0.0; 16];
        for i in 0..4 {
            matrix[i * 4 + i] = 1.0;
        }
        for (i, j, value) in [(0, 1, 0.9), (0, 3, 0.9), (1, 3, -0.9)] {
            matrix[i * 4 + j] = value;
            matrix[j * 4 + i] = value;
        }
        assert_eq!(offending_pairs(&matrix, 4), [(0, 1), (0, 3), (1, 3)]);
        assert_eq!(
            offending_pairs(&[1.0, 1.5, 1.5, 1.0], 2),
            [(0, 1)],
            "a correlation above 1"
        );
        assert!(offending_pairs(&[1.0, 0.5, 0.5, 1.0], 2).is_empty());
    }

    #[test]
    fn entries_that_are_not_numbers_are_named_and_read_as_zero() {
        let matrix = [1.0, f64::NAN, f64::NAN, 1.0];
        assert!(!is_positive_semidefinite(&matrix, 2));
        assert_eq!(offending_pairs(&matrix, 2), [(0, 1)]);
        assert_eq!(nearest_correlation(&matrix, 2), [1.0, 0.0, 0.0, 1.0]);
    }
}

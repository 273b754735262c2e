//! Gauss-Legendre quadrature on the unit interval.

/// Nodes in `(0, 1)`, rising, with their weights, which sum to 1; exact for polynomials of degree `2 count - 1`.
///
/// # Source
/// The roots of the Legendre polynomial by Newton's method on its three-term recurrence.
pub fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let half_turn = std::f64::consts::PI;
    (0..count)
        .map(|index| {
            let angle = half_turn * (index as f64 + 0.75) / (count as f64 + 0.5);
            let mut root = -angle.cos();
            for _ in 0..10 {
                let (value, slope) = legendre(count, root);
                root -= value / slope;
            }
            let (_, slope) = legendre(count, root);
            let weight = 1.0 / ((1.0 - root * root) * slope * slope);
            (0.5 * (1.0 + root), weight)
        })
        .collect()
}

/// The Legendre polynomial of this degree and its derivative at `x` inside `(-1, 1)`.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (0.0, 1.0);
    for k in 1..=degree {
        let k = k as f64;
        (before, value) = (
            value,
            ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
        );
    }
    (value, degree as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly_up_to_the_degree_and_no_further() {
        for count in [1, 2, 5, 12, 40] {
            let rule = gauss_legendre(count);
            let integral =
                |power: i32| -> f64 { rule.iter().map(|(x, w)| w * x.powi(power)).sum() };
            let exact_up_to = i32::try_from(2 * count - 1).unwrap();
            for power in 0..=exact_up_to {
                let expected = f64::from(power + 1).recip();
                assert!(
                    (integral(power) - expected).abs() < 1e-15,
                    "{count} {power}"
                );
            }
            if count <= 5 {
                let power = exact_up_to + 1;
                assert!((integral(power) - f64::from(power + 1).recip()).abs() > 1e-8);
            }
        }
    }
}

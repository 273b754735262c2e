//! How many equal scenarios weighted ones are worth.

/// Effective number of scenarios by entropy, `exp(-sum p ln p)`, of weights `p` of any positive sum.
///
/// # Source
/// A. Meucci, Effective Number of Scenarios in Fully Flexible Probabilities, GARP Risk Professional (2012) 32-35.
pub fn effective_scenarios(weights: &[f64]) -> f64 {
    let [total, logs] = sums(weights, |w| [w, if w > 0.0 { w * w.ln() } else { 0.0 }]);
    (total.ln() - logs / total).exp()
}

/// Effective number of scenarios by the variance of a mean, `(sum p)^2 / sum p^2`.
///
/// # Source
/// L. Kish, Survey Sampling, Wiley (1965), section 11.7.
pub fn kish_scenarios(weights: &[f64]) -> f64 {
    let [total, squares] = sums(weights, |w| [w, w * w]);
    total * total / squares
}

/// Two sums over all weights, in their order.
fn sums(weights: &[f64], term: impl Fn(f64) -> [f64; 2]) -> [f64; 2] {
    weights.iter().fold([0.0, 0.0], |[a, b], &w| {
        let [x, y] = term(w);
        [a + x, b + y]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_numbers_by_hand() {
        // Weights 1/2, 1/4, 1/4: entropy 1.5 ln 2; 1 / (1/4 + 2/16) = 8/3. Scale does not matter.
        let weights = [2.0, 1.0, 1.0, 0.0];
        assert!((effective_scenarios(&weights) - 2f64.powf(1.5)).abs() < 1e-14);
        assert!((kish_scenarios(&weights) - 8.0 / 3.0).abs() < 1e-14);
        assert!((effective_scenarios(&[3.0; 7]) - 7.0).abs() < 1e-12);
    }
}

//! Slope of one series of returns on another: least squares, all alike or with weights that fade with age.

/// A slope and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// The slope, units of `y` per unit of `x`.
    pub slope: f64,
    /// Its standard error, in the same units.
    pub std_error: f64,
}

/// Fewest pairs that have a slope with an error.
pub const FEWEST_PAIRS: usize = 3;

/// Ordinary least squares with an intercept; the classical standard error `sqrt(SSR / (n - 2) / Sxx)`.
///
/// `x` and `y` are of one length. `None` with fewer than three pairs, or where `x` does not vary.
///
/// # Panics
/// If the lengths differ.
pub fn least_squares(x: &[f64], y: &[f64]) -> Option<Slope> {
    assert_eq!(x.len(), y.len());
    if x.len() < FEWEST_PAIRS {
        return None;
    }
    let weights = vec![1.0; x.len()];
    let fit = Fit::new(x, y, &weights)?;
    let residuals: f64 = fit.residuals(x, y).map(|e| e * e).sum();
    Some(Slope {
        slope: fit.slope,
        std_error: (residuals / (x.len() - 2) as f64 / fit.sxx).sqrt(),
    })
}

/// Least squares with an intercept and weights `2^(-age / half_life)`; ages and half-life in one unit of time.
///
/// The standard error is robust to variances that change: `sqrt(sum w^2 (x - m)^2 e^2) / sum w (x - m)^2`, with `m` the weighted
/// mean, times `sqrt(n / (n - 2))` for the effective number of pairs `n = (sum w)^2 / sum w^2`. `None` where `x` does not vary or `n` is
/// not above 2.
///
/// # Source
/// H. White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48 (1980) 817-838, for weighted least squares.
///
/// # Panics
/// If the lengths differ.
pub fn fading_least_squares(x: &[f64], y: &[f64], age: &[f64], half_life: f64) -> Option<Slope> {
    assert_eq!(x.len(), y.len());
    assert_eq!(x.len(), age.len());
    if x.len() < FEWEST_PAIRS {
        return None;
    }
    // Weights are relative: counted from the youngest pair, so that they do not all underflow.
    let youngest = age.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = age
        .iter()
        .map(|age| (-(age - youngest) / half_life).exp2())
        .collect();
    let fit = Fit::new(x, y, &weights)?;
    let total: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|w| w * w).sum();
    let effective = total * total / squares;
    if effective <= 2.0 {
        return None;
    }
    let meat: f64 = fit
        .residuals(x, y)
        .zip(x)
        .zip(&weights)
        .map(|((e, x), w)| (w * (x - fit.mean_x) * e).powi(2))
        .sum();
    Some(Slope {
        slope: fit.slope,
        std_error: meat.sqrt() / fit.sxx * (effective / (effective - 2.0)).sqrt(),
    })
}

struct Fit {
    mean_x: f64,
    mean_y: f64,
    sxx: f64,
    slope: f64,
}

impl Fit {
    fn new(x: &[f64], y: &[f64], weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let mean = |values: &[f64]| -> f64 {
            let sum: f64 = values.iter().zip(weights).map(|(v, w)| v * w).sum();
            sum / total
        };
        let (mean_x, mean_y) = (mean(x), mean(y));
        let (mut sxx, mut sxy, mut raw) = (0.0, 0.0, 0.0);
        for ((x, y), w) in x.iter().zip(y).zip(weights) {
            sxx += w * (x - mean_x) * (x - mean_x);
            sxy += w * (x - mean_x) * (y - mean_y);
            raw += w * x * x;
        }
        // What rounding leaves of a series that stands still is no variation.
        (sxx > 1e-24 * raw && sxx > 0.0).then(|| Self {
            mean_x,
            mean_y,
            sxx,
            slope: sxy / sxx,
        })
    }

    fn residuals<'v>(&self, x: &'v [f64], y: &'v [f64]) -> impl Iterator<Item = f64> + use<'v> {
        let (mean_x, mean_y, slope) = (self.mean_x, self.mean_y, self.slope);
        x.iter()
            .zip(y)
            .map(move |(x, y)| y - mean_y - slope * (x - mean_x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F. J. Anscombe, "Graphs in statistical analysis", The American Statistician 27 (1973) 17-21, first set: y = 3.00 + 0.500 x,
    /// standard error of the slope 0.118.
    const X: [f64; 11] = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
    const Y: [f64; 11] = [
        8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
    ];

    #[test]
    fn least_squares_meets_anscombes_first_set() {
        let found = least_squares(&X, &Y).unwrap();
        assert!((found.slope - 0.500_090_909_091).abs() < 1e-12, "{found:?}");
        assert!((found.std_error - 0.117_905_5).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn fading_weights_are_those_of_repeated_pairs() {
        // A half-life of one: each pair counts twice the one before it, so its copies give the same slope.
        let (x, y) = ([1.0, 2.0, 4.0, 3.0], [1.0, 3.0, 3.5, 2.0]);
        let age = [3.0, 2.0, 1.0, 0.0];
        let fading = fading_least_squares(&x, &y, &age, 1.0).unwrap();
        let copies = |values: &[f64]| -> Vec<f64> {
            values
                .iter()
                .enumerate()
                .flat_map(|(k, v)| vec![*v; 1 << k])
                .collect()
        };
        let whole = least_squares(&copies(&x), &copies(&y)).unwrap();
        assert!((fading.slope - whole.slope).abs() < 1e-14);
    }

    #[test]
    fn without_fading_the_robust_error_is_that_of_white() {
        let age: Vec<f64> = (0..11).map(f64::from).collect();
        let found = fading_least_squares(&X, &Y, &age, 1e12).unwrap();
        let plain = least_squares(&X, &Y).unwrap();
        assert!((found.slope - plain.slope).abs() < 1e-10);
        // HC1 of the first set, from the definition with n = 11.
        let mean_x = 9.0;
        let mean_y: f64 = Y.iter().sum::<f64>() / 11.0;
        let meat: f64 = X
            .iter()
            .zip(&Y)
            .map(|(x, y)| {
                let e = y - mean_y - plain.slope * (x - mean_x);
                ((x - mean_x) * e).powi(2)
            })
            .sum();
        let expected = meat.sqrt() / 110.0 * (11.0_f64 / 9.0).sqrt();
        assert!((found.std_error / expected - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_does_not_vary_has_no_slope() {
        assert_eq!(least_squares(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(least_squares(&[1.0, 2.0], &[1.0, 2.0]), None);
        let age = [2.0, 1.0, 0.0];
        // Only the last pair counts.
        assert_eq!(
            fading_least_squares(&[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0], &age, 0.01),
            None
        );
    }
}

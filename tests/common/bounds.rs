//! Bounds with a stated rate of false alarms: 4.892 standard errors, or Kolmogorov-Smirnov's, wrong once in a million reseedings.

/// Standard errors that an estimate may be away from the truth; a two-sided normal is beyond once in 10^6.
pub const STANDARD_ERRORS: f64 = 4.892;

/// Bound of `sqrt(n) D` of Kolmogorov and Smirnov that is passed once in 10^6.
pub const KOLMOGOROV: f64 = 2.693;

/// Fails unless `estimate` is within [`STANDARD_ERRORS`] of `truth`.
pub fn assert_near(what: &str, estimate: f64, truth: f64, standard_error: f64) {
    let away = (estimate - truth) / standard_error;
    assert!(
        away.abs() < STANDARD_ERRORS,
        "{what}: {estimate} is {away:.2} standard errors ({standard_error:e}) from {truth}"
    );
}

/// Fails unless `hits` of `n` are compatible with this probability. The standard error is the true one.
pub fn assert_probability(what: &str, hits: usize, n: usize, probability: f64) {
    let error = (probability * (1.0 - probability) / n as f64).sqrt();
    assert_near(what, hits as f64 / n as f64, probability, error);
}

/// Fails unless a quantile of the sample is compatible with the truth: of a continuous law, the share at or under
/// the true quantile is binomial.
pub fn assert_quantile(what: &str, values: &[f64], probability: f64, truth: f64) {
    let under = values.iter().filter(|&&value| value <= truth).count();
    assert_probability(what, under, values.len(), probability);
}

/// Mean.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Central moment of this order about the sample's mean.
pub fn central_moment(values: &[f64], order: i32) -> f64 {
    let centre = mean(values);
    values.iter().map(|x| (x - centre).powi(order)).sum::<f64>() / values.len() as f64
}

/// Standard deviation.
pub fn std_dev(values: &[f64]) -> f64 {
    central_moment(values, 2).sqrt()
}

/// Fails unless the sample's mean is compatible with the truth, by the sample's own standard error: for light tails only.
pub fn assert_mean(what: &str, values: &[f64], truth: f64) {
    let error = std_dev(values) / (values.len() as f64).sqrt();
    assert_near(what, mean(values), truth, error);
}

/// Fails unless the sample's variance is compatible with the truth; `kurtosis` (3 of a normal law) is the law's own.
pub fn assert_variance(what: &str, values: &[f64], truth: f64, kurtosis: f64) {
    let error = truth * ((kurtosis - 1.0) / values.len() as f64).sqrt();
    assert_near(what, central_moment(values, 2), truth, error);
}

/// Sample correlation.
pub fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let product: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
    product / x.len() as f64 / (std_dev(x) * std_dev(y))
}

/// Fails unless the correlation of a sample of jointly normal pairs is compatible with the truth.
pub fn assert_correlation(what: &str, x: &[f64], y: &[f64], truth: f64) {
    let error = (1.0 - truth * truth).max(1e-12) / (x.len() as f64).sqrt();
    assert_near(what, correlation(x, y), truth, error);
}

/// Mean of the largest `count` losses, and their variance about it.
pub fn tail(losses: &[f64], count: usize) -> (f64, f64) {
    let mut sorted = losses.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let worst = &sorted[..count];
    (mean(worst), central_moment(worst, 2))
}

/// Fails unless the mean of the worst `1 - level` of losses is compatible with the truth. `value_at_risk` is the true one.
///
/// `n SE^2 = (Var(X | X > q) + level (ES - q)^2) / (1 - level)`, with the tail's variance from the sample.
pub fn assert_shortfall(what: &str, losses: &[f64], level: f64, value_at_risk: f64, truth: f64) {
    let n = losses.len() as f64;
    let beyond = (0..losses.len()).take_while(|&k| k as f64 + 0.5 < n * (1.0 - level));
    let (found, variance) = tail(losses, beyond.count());
    let spread = variance + level * (truth - value_at_risk).powi(2);
    assert_near(what, found, truth, (spread / (1.0 - level) / n).sqrt());
}

/// Kolmogorov-Smirnov distance of a sample from a continuous law.
pub fn distance(values: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    sorted
        .iter()
        .enumerate()
        .map(|(i, &x)| {
            let p = cdf(x);
            (p - i as f64 / n).max((i + 1) as f64 / n - p)
        })
        .fold(0.0, f64::max)
}

/// Fails unless the sample is compatible with a continuous law.
pub fn assert_law(what: &str, values: &[f64], cdf: impl Fn(f64) -> f64) {
    let scaled = distance(values, cdf) * (values.len() as f64).sqrt();
    assert!(
        scaled < KOLMOGOROV,
        "{what}: sqrt(n) D = {scaled:.3} with n = {}",
        values.len()
    );
}

//! Weights of paths, and the means that they were found to hold.

use std::sync::Arc;

/// Part of the square of a column below which nothing of it is left beside others: it is one of them but for rounding.
const NOTHING_NEW: f64 = 1e-12;

/// Largest leverage that is made up for: beyond it rounding decides.
const MOST_LEVERAGE: f64 = 0.99;

/// What is left of the squared error of an estimate that the held means fix, as a part of its squared error at given weights: means are
/// met to some 1e-12 of a deviation, and a square that is multiplied out loses what is below this.
const FIXED: f64 = 1e-16;

/// Weights, one a path.
#[derive(Debug, Clone)]
pub struct PathWeights {
    of_paths: Vec<f64>,
    held: Option<Arc<HeldMeans>>,
}

impl PathWeights {
    /// Weights that were found as those which hold some means of the same paths; none of `held` is the same as `None`.
    ///
    /// # Panics
    /// If the numbers of paths differ.
    pub fn holding(of_paths: Vec<f64>, held: Vec<HeldMean>) -> Self {
        let held = HeldMeans::new(&of_paths, held).map(Arc::new);
        Self { of_paths, held }
    }

    /// By path, at least 0.
    pub fn of_paths(&self) -> &[f64] {
        &self.of_paths
    }

    /// The means that they were found to hold; `None` of weights that were given.
    pub fn held(&self) -> Option<&Arc<HeldMeans>> {
        self.held.as_ref()
    }
}

impl From<Vec<f64>> for PathWeights {
    /// Weights that were given.
    fn from(of_paths: Vec<f64>) -> Self {
        Self {
            of_paths,
            held: None,
        }
    }
}

/// A mean that weights were found to hold.
#[derive(Debug, Clone)]
pub struct HeldMean {
    /// Shape `[paths]`: the values whose weighted mean is held.
    pub values: Vec<f64>,
    /// Shape `[paths]`, where the mean is held at an estimate from the same paths: the influence of each path on that estimate times
    /// the share of the weight that the path had in it. `None` where it is held at a number from outside.
    pub target: Option<Vec<f64>>,
}

/// What an error needs of the means that weights were found to hold.
///
/// Weights `w ~ exp(lambda' v)` that hold the means of `v` move with the paths. By the delta method a path moves an estimate under them
/// not by `w f / sum w`, with `f` its influence at given weights, but by `w (f - beta' c) / sum w`: `c` are the values of the held means
/// less these means, `beta` the coefficients of the weighted regression of `f` on `c`. Where a mean is held at an estimate from the same
/// paths, `w c` is less what the path moves that estimate by. The residual is divided by `sqrt(1 - h)` with `h = w c' (sum w c c')^-1 c` the
/// leverage of the path: a heavy path draws the regression to itself, and its residual is too small by so much.
///
/// The values are kept as columns `e` with `sum w e e' = sum w` times the identity, so that each `beta` is a mean.
///
/// # Source
/// J. Qin and J. Lawless, Empirical likelihood and general estimating equations, Annals of Statistics 22 (1994) 300-325; exponential
/// tilting: G. Imbens, R. Spady and P. Johnson, Econometrica 66 (1998) 333-357; leverage: J. G. `MacKinnon` and H. White, Journal of
/// Econometrics 29 (1985) 305-325 (HC2).
#[derive(Debug, Clone)]
pub struct HeldMeans {
    weight_sum: f64,
    /// Shape `[columns][paths]`: `w e`.
    columns: Vec<Vec<f64>>,
    /// Shape `[columns][paths]`: `w e` less what a path moves the targets by; empty where no target moves.
    moved: Vec<Vec<f64>>,
    /// Shape `[paths]`: `1 / sqrt(1 - h)`.
    inflation: Vec<f64>,
    /// Shape `[columns][columns]`: `sum (inflation moved)(inflation moved)'`.
    squares: Vec<f64>,
}

/// A column while it is made orthogonal to those before it: values, and what the path moves the mean's excess by.
struct Working {
    e: Vec<f64>,
    term: Vec<f64>,
}

impl HeldMeans {
    /// `None` where no column varies.
    ///
    /// # Panics
    /// If the numbers of paths differ.
    pub fn new(weights: &[f64], means: Vec<HeldMean>) -> Option<Self> {
        let weight_sum: f64 = weights.iter().sum();
        let is_moving = means.iter().any(|mean| mean.target.is_some());
        let mut done: Vec<Working> = Vec::new();
        for mean in means {
            assert_eq!(mean.values.len(), weights.len(), "a value for each path");
            done.extend(next_column(weights, weight_sum, mean, &done));
        }
        if done.is_empty() {
            return None;
        }
        let inflation = |path: usize| {
            let square: f64 = done.iter().map(|column| column.e[path].powi(2)).sum();
            let leverage = (weights[path] * square / weight_sum).min(MOST_LEVERAGE);
            1.0 / (1.0 - leverage).sqrt()
        };
        let inflation: Vec<f64> = (0..weights.len()).map(inflation).collect();
        let mut columns = Vec::with_capacity(done.len());
        let mut moved = Vec::new();
        for Working { mut e, term } in done {
            e.iter_mut().zip(weights).for_each(|(e, w)| *e *= w);
            columns.push(e);
            if is_moving {
                moved.push(term);
            }
        }
        let mut found = Self {
            weight_sum,
            columns,
            moved,
            inflation,
            squares: Vec::new(),
        };
        let count = found.columns();
        let square = |place: usize| {
            let [one, other] = [place / count, place % count].map(|column| found.moved(column));
            let terms = one.iter().zip(other).zip(&found.inflation);
            terms.map(|((a, b), v)| v * a * (v * b)).sum()
        };
        let squares: Vec<f64> = (0..count * count).map(square).collect();
        found.squares = squares;
        Some(found)
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// `w e` by path of one column, of which `beta = sum (w e) f / sum w`.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.columns[column]
    }

    /// By path, what `beta` is multiplied by to be taken from `w f`.
    pub fn moved(&self, column: usize) -> &[f64] {
        self.moved.get(column).unwrap_or(&self.columns[column])
    }

    /// By path, what the residual is multiplied by for its leverage: at least 1.
    pub fn inflation(&self) -> &[f64] {
        &self.inflation
    }

    /// `beta` from the sums over all paths of `(w e) f`.
    pub fn coefficients(&self, sums: &[f64]) -> Vec<f64> {
        sums.iter().map(|sum| sum / self.weight_sum).collect()
    }

    /// `sum (inflation (w f - beta' moved))^2` from sums over the paths that have an influence: `raw` of `(inflation w f)^2`, then by column of
    /// `(w e) f` and of `inflation^2 w f moved`. Of an estimate that the means fix it is no more than rounding, and never 0 unless no
    /// path has an influence.
    pub fn square(&self, raw: f64, sums: &[f64], crossed: &[f64]) -> f64 {
        let beta = self.coefficients(sums);
        let mut square = raw;
        for ((beta_j, crossed), row) in beta
            .iter()
            .zip(crossed)
            .zip(self.squares.chunks_exact(self.columns()))
        {
            let of_row: f64 = row
                .iter()
                .zip(&beta)
                .map(|(square, beta)| square * beta)
                .sum();
            square += beta_j * (of_row - 2.0 * crossed);
        }
        square.max(FIXED * raw)
    }

    /// By path, the share of the weight times the influence on the mean of these values: what a mean held there moves with.
    ///
    /// # Panics
    /// If the numbers of paths differ.
    pub fn moves(&self, weights: &[f64], values: &[f64]) -> Vec<f64> {
        assert_eq!(values.len(), weights.len(), "a value for each path");
        let mut terms = moves(weights, values);
        let sums: Vec<f64> = (self.columns.iter())
            .map(|column| column.iter().zip(values).map(|(e, f)| e * f).sum())
            .collect();
        for (column, beta) in self.coefficients(&sums).into_iter().enumerate() {
            let moved = terms.iter_mut().zip(self.moved(column));
            moved.for_each(|(term, moved)| *term -= beta * moved / self.weight_sum);
        }
        terms
    }
}

/// [`HeldMeans::moves`] of weights that hold nothing.
pub fn moves(weights: &[f64], values: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mean = weighted(weights, values, |x| x) / total;
    let pairs = weights.iter().zip(values);
    pairs.map(|(w, x)| w / total * (x - mean)).collect()
}

fn weighted(weights: &[f64], values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let pairs = weights.iter().zip(values);
    pairs.map(|(w, x)| w * of(*x)).sum()
}

/// What of a mean's values is left beside the columns before it, if anything.
fn next_column(weights: &[f64], total: f64, mean: HeldMean, before: &[Working]) -> Option<Working> {
    let centre = weighted(weights, &mean.values, |x| x) / total;
    let mut e: Vec<f64> = mean.values;
    for x in &mut e {
        *x -= centre;
    }
    let mut term: Vec<f64> = e.iter().zip(weights).map(|(e, w)| w * e).collect();
    if let Some(target) = mean.target {
        let moved = term.iter_mut().zip(target);
        moved.for_each(|(term, target)| *term -= total * target);
    }
    let whole = weighted(weights, &e, |x| x * x);
    // Twice, for the second time takes away what rounding left (Gram and Schmidt).
    for _ in 0..2 {
        for known in before {
            let products = e.iter().zip(&known.e).zip(weights);
            let b = products.map(|((x, y), w)| w * x * y).sum::<f64>() / total;
            subtract(&mut e, b, &known.e);
            subtract(&mut term, b, &known.term);
        }
    }
    let left = weighted(weights, &e, |x| x * x);
    let is_new = left > NOTHING_NEW * whole && left > 0.0;
    is_new.then(|| {
        let scale = (total / left).sqrt();
        for x in e.iter_mut().chain(&mut term) {
            *x *= scale;
        }
        Working { e, term }
    })
}

fn subtract(from: &mut [f64], factor: f64, other: &[f64]) {
    let pairs = from.iter_mut().zip(other);
    pairs.for_each(|(x, y)| *x -= factor * y);
}

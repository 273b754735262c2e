//! Views: what the user holds to be true of prices at the horizon, beside what the model says.

/// All views of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewsPlan {
    /// The views, in the order of the scenario; empty: the model's own probabilities.
    pub list: Vec<ViewPlan>,
    /// Effective number of paths, as a fraction of the paths, under which the views are refused.
    pub least_effective_frac: f64,
}

impl ViewsPlan {
    /// The least effective fraction of the paths unless the scenario says another.
    ///
    /// # Source
    /// Practice of fully flexible views (A. Meucci, Risk 21(10) (2008) 97-102): under about a tenth the model and the views say so
    /// different things that another model is wanted, not other weights.
    pub const LEAST_EFFECTIVE_FRAC: f64 = 0.10;

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Default for ViewsPlan {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            least_effective_frac: Self::LEAST_EFFECTIVE_FRAC,
        }
    }
}

/// One view.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPlan {
    /// The view in words, e.g. `BTC above 100,000 USD: 30 %`.
    pub text: String,
    /// Where the scenario says it, e.g. `views.0`.
    pub path: String,
    /// What it is about.
    pub quantity: ViewedQuantity,
    /// Where that is held.
    pub bound: ViewBound,
}

/// What a view is about; assets are indices, prices are spots at the horizon in USD per base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ViewedQuantity {
    /// Mean of the price, USD.
    Mean {
        /// The asset.
        asset: usize,
    },
    /// Mean of `ln(S_T / S_0)`.
    MeanLogReturn {
        /// The asset.
        asset: usize,
    },
    /// Probability of a price above or below a level.
    Probability {
        /// The asset.
        asset: usize,
        /// On which side of the level.
        side: SpotSide,
        /// The level, USD.
        level_usd: f64,
    },
    /// A quantile of the price, held as the probability of a price at or below it.
    Quantile {
        /// The asset.
        asset: usize,
        /// The quantile's level, between 0 and 1.
        level_frac: f64,
        /// The quantile, USD.
        price_usd: f64,
    },
    /// Expected return `S_T / S_0 - 1` of one asset less that of another.
    ReturnDifference {
        /// The asset from whose return is taken.
        higher: usize,
        /// The asset whose return is taken off.
        lower: usize,
    },
    /// Correlation of two assets' `ln(S_T / S_0)`.
    Correlation {
        /// One asset.
        first: usize,
        /// Another.
        second: usize,
    },
}

/// A side of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpotSide {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

/// Where a viewed quantity is held, in its own unit: a probability for a quantile, a fraction for a difference of returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ViewBound {
    /// Not below this.
    pub at_least: Option<f64>,
    /// Not above this.
    pub at_most: Option<f64>,
}

impl ViewBound {
    /// Exactly this.
    pub const fn exactly(value: f64) -> Self {
        Self {
            at_least: Some(value),
            at_most: Some(value),
        }
    }

    /// The value at which the quantity is held exactly, if it is.
    pub fn exact(&self) -> Option<f64> {
        #[expect(clippy::float_cmp, reason = "an exact view is given as both ends")]
        match (self.at_least, self.at_most) {
            (Some(low), Some(high)) if low == high => Some(low),
            _ => None,
        }
    }
}

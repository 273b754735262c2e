//! The plan's plain data: what the engine simulates.

pub use crate::plan::contract::{
    ContractKind, ContractPlan, ContractSettlement, DatedPlan, Expiry, FundingPlan, ImpactPlan,
    LiquidityPlan, OptionKind, OptionPlan, OptionTerms, OuBasis,
};
pub use crate::plan::hedging::{
    AccountPlan, AfterLiquidation, CallAction, CoinCollateral, Follows, FundingSource, HedgePlan,
    MarginCallPlan, MarginMode, OpenedHedge, OrderPlan, OrderStyle, Position, Rebalance, Rounding,
    SettlementCurrency, SwitchPlan,
};

use crate::plan::views::ViewsPlan;

/// Days in a year, everywhere.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// Everything a simulation needs, resolved and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Horizon, step, number of paths, seed.
    pub simulation: SimulationPlan,
    /// Assets, their correlation, contracts.
    pub market: MarketPlan,
    /// What is held, and when it is sold.
    pub holdings: Vec<HoldingPlan>,
    /// Hedges on those holdings (one today).
    pub hedges: Vec<HedgePlan>,
    /// Margin accounts (one today).
    pub accounts: Vec<AccountPlan>,
    /// Slippage of each trade and of each sale of the holding, a fraction of its notional.
    pub execution_slippage_frac: f64,
    /// When costs are larger than usual.
    pub stress: StressPlan,
    /// Simple interest on net cash contributed to the accounts, per year.
    pub cost_of_funds_annual: f64,
    /// What the user asked to be reported.
    pub report: ReportPlan,
}

/// The simulation's size and grid.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationPlan {
    /// Title of the scenario, for reports.
    pub title: String,
    /// Length of the simulation.
    pub horizon_days: f64,
    /// Length of one step.
    pub step_days: f64,
    /// Number of steps; `steps * step_days = horizon_days`.
    pub steps: u32,
    /// Number of paths.
    pub paths: u64,
    /// Seed of every random stream.
    pub seed: u64,
    /// How margin is watched between two step ends.
    pub crossing: Crossing,
}

impl Plan {
    /// Whether the scenario is one plain hedge: a linear perpetual shorted from an isolated USD account with one holding, single taker
    /// trades at flat costs, top-ups from a reserve. Everything else goes through the general ledger, which gives a plain plan the same
    /// outcomes.
    pub fn is_plain(&self) -> bool {
        let ([holding], [hedge], [account]) =
            (&self.holdings[..], &self.hedges[..], &self.accounts[..])
        else {
            return false;
        };
        let contract = &self.market.contracts[hedge.contract];
        contract.perpetual().is_some()
            && contract.settlement == ContractSettlement::Linear
            && contract.liquidity == LiquidityPlan::FREE
            && holding.is_plain()
            && hedge.is_plain()
            && account.is_plain()
            && self.stress == StressPlan::NONE
            && self.report.date_steps.is_empty()
            && !self.report.liquidity_at_risk
    }
}

impl SimulationPlan {
    /// Length of one step in years.
    pub fn step_years(&self) -> f64 {
        self.step_days / DAYS_PER_YEAR
    }

    /// Length of the simulation in years.
    pub fn horizon_years(&self) -> f64 {
        self.horizon_days / DAYS_PER_YEAR
    }
}

/// How the crossing of a liquidation level between two step ends is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// Drawn from the Brownian bridge of the log mark.
    Bridge,
    /// Margin is checked at step ends only.
    Endpoints,
}

/// The market: assets, correlation, contracts.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketPlan {
    /// All assets of the scenario, in the order of the file.
    pub assets: Vec<AssetPlan>,
    /// Correlation of the assets' Brownian motions, row by row, `assets * assets` entries, positive semidefinite.
    pub correlation: Vec<f64>,
    /// All contracts of the scenario.
    pub contracts: Vec<ContractPlan>,
}

/// One asset's price model: geometric Brownian motion with optional jumps.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetPlan {
    /// Name as written in the scenario, e.g. `ETH`.
    pub name: String,
    /// Spot at time 0, USD per base unit.
    pub spot_usd: f64,
    /// `mu` of the expected price: `E[S_T] = S_0 exp(mu T)`, jumps compensated.
    pub drift_annual: f64,
    /// Volatility of the diffusion alone, per square root of a year.
    pub volatility_annual: f64,
    /// Jumps, if the model has any (rate above 0).
    pub jumps: Option<JumpPlan>,
}

/// Compound Poisson jumps of the log price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JumpPlan {
    /// Expected number of jumps per year, systemic ones included.
    pub jumps_per_year: f64,
    /// Law of the log jump size.
    pub sizes: JumpSizes,
    /// Fraction of the jumps that come from the market's common clock.
    pub systemic_share: f64,
    /// Factor on the log size of a systemic jump.
    pub systemic_loading: f64,
}

/// Law of a log jump size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JumpSizes {
    /// Normal log sizes (Merton 1976).
    Merton {
        /// Mean of the log size.
        mean_log: f64,
        /// Standard deviation of the log size.
        std_dev_log: f64,
    },
    /// Double exponential log sizes (Kou 2002).
    Kou {
        /// Probability that a jump goes up.
        up_probability: f64,
        /// Mean log size of a jump up, `1/eta_1`, below 0.5.
        up_mean_log: f64,
        /// Mean absolute log size of a jump down, `1/eta_2`.
        down_mean_log: f64,
    },
}

/// When trades cost more than usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StressPlan {
    /// Absolute log move of the underlying in a step beyond which costs are multiplied; infinite: never.
    pub log_move: f64,
    /// Factor on slippage, half-spread and impact then.
    pub multiplier: f64,
    /// Factor on half-spread and impact of a liquidation.
    pub liquidation_multiplier: f64,
}

impl StressPlan {
    /// Costs are always the same.
    pub const NONE: Self = Self {
        log_move: f64::INFINITY,
        multiplier: 1.0,
        liquidation_multiplier: 1.0,
    };
}

/// Inventory of one asset, what is added to it and its sales.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldingPlan {
    /// Index of the asset.
    pub asset: usize,
    /// Quantity at time 0, base units.
    pub quantity_base: f64,
    /// Sales before the horizon, those of production as it is produced included, in order of time; what remains is sold at the horizon.
    pub sales: Vec<SalePlan>,
    /// Production, in order of time, up to and including the horizon.
    pub production: Vec<ProductionPlan>,
    /// Growth of the inventory by staking, per year, compounding; 0: none.
    pub staking_yield_annual: f64,
}

impl HoldingPlan {
    /// Whether the inventory only ever shrinks by its sales.
    pub fn is_plain(&self) -> bool {
        self.production.is_empty() && self.staking_yield_annual == 0.0
    }

    /// The quantity that a hedge follows at time 0, base units.
    pub fn followed_base(&self, follows: Follows) -> f64 {
        match follows {
            Follows::Inventory => self.quantity_base,
            Follows::Expected => {
                let to_come = self.production.iter().map(|made| made.quantity_base);
                self.quantity_base + to_come.sum::<f64>()
            }
        }
    }
}

/// What is produced at a step's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProductionPlan {
    /// The step, counted from 1, up to and including the last.
    pub step: u32,
    /// Quantity produced, base units.
    pub quantity_base: f64,
    /// What it costs to produce, USD.
    pub cost_usd: f64,
}

/// One sale of inventory at a step's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SalePlan {
    /// The step at whose end the sale happens, counted from 1 (`step * step_days` days from time 0); below the horizon.
    pub step: u32,
    /// Quantity sold, base units.
    pub quantity_base: f64,
}

/// What the user asked to be reported.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportPlan {
    /// Probability that hedged and unhedged P&L end under each.
    pub thresholds_usd: Vec<f64>,
    /// Probability that the price realised per unit ends under each.
    pub effective_price_below_usd: Vec<f64>,
    /// Steps at whose ends interim P&L and exposures are recorded, ascending, up to the last.
    pub date_steps: Vec<u32>,
    /// Whether the largest calls in windows and the cash in transit are recorded.
    pub liquidity_at_risk: bool,
    /// Limits on summary values.
    pub limits: Vec<LimitPlan>,
    /// Views under which everything is reported, beside the model's own.
    pub views: ViewsPlan,
    /// Sentences that every report of this run must show: assumptions of the venue's data, repaired correlations, views such as a drift.
    pub notes: Vec<String>,
}

/// A limit on one summary value, judged on the far end of its 95 % interval.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitPlan {
    /// The limit as written, e.g. `liquidation.probability <= 30%`.
    pub text: String,
    /// Dotted path of the summary value.
    pub path: String,
    /// Direction.
    pub comparison: Comparison,
    /// Bound.
    pub bound: f64,
}

/// Direction of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The value must not be above the bound.
    AtMost,
    /// The value must not be below the bound.
    AtLeast,
}

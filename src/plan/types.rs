//! The plan's plain data: what the engine simulates.

use crate::venue::rules::ContractRules;

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

/// A contract on one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractPlan {
    /// Name as written in the scenario, e.g. `eth-perp`.
    pub name: String,
    /// Index of the underlying in [`MarketPlan::assets`].
    pub underlying: usize,
    /// The basis `ln(F/S)`.
    pub basis: OuBasis,
    /// Funding of the perpetual.
    pub funding: FundingPlan,
    /// Venue's rules for this contract.
    pub rules: ContractRules,
}

/// Ornstein-Uhlenbeck basis `b = ln(F/S)`: `db = k (mean - b) dt + volatility dW`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OuBasis {
    /// Long-run mean.
    pub mean: f64,
    /// Value at time 0.
    pub initial: f64,
    /// Volatility per square root of a year.
    pub volatility_annual: f64,
    /// Reversion speed `k` per year; 0 makes the basis a Brownian motion.
    pub reversion_per_year: f64,
    /// Correlation of `dW` with the underlying's Brownian motion.
    pub correlation_with_spot: f64,
}

/// Funding of a perpetual. Stamps fall at multiples of the interval from time 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FundingPlan {
    /// No funding at all (also a constant rate of 0).
    None,
    /// The same rate at every stamp.
    Constant {
        /// Rate of one 8-hour stamp, a fraction of mark notional; positive: longs pay shorts.
        rate_per_8h: f64,
        /// Steps between stamps.
        interval_steps: u32,
    },
    /// `P + clamp(I - P, -damper, +damper)` per 8 h, capped, times `interval_hours / 8`; `P` is the interval's average basis.
    PremiumFormula {
        /// Interest term `I` per 8 h.
        interest_per_8h: f64,
        /// Half-width of the clamp per 8 h.
        damper_per_8h: f64,
        /// Largest absolute rate per 8 h; infinite if uncapped.
        cap_per_8h: f64,
        /// Hours between stamps.
        interval_hours: f64,
        /// Steps between stamps.
        interval_steps: u32,
    },
}

/// Inventory of one asset and its sales.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldingPlan {
    /// Index of the asset.
    pub asset: usize,
    /// Quantity at time 0, base units.
    pub quantity_base: f64,
    /// Sales before the horizon, in order of time; what remains is sold at the horizon.
    pub sales: Vec<SalePlan>,
}

/// One sale of inventory at a step's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SalePlan {
    /// The step at whose end the sale happens, counted from 1 (`step * step_days` days from time 0); below the horizon.
    pub step: u32,
    /// Quantity sold, base units.
    pub quantity_base: f64,
}

/// A short of one contract against one holding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedgePlan {
    /// Index of the contract.
    pub contract: usize,
    /// Index of the account.
    pub account: usize,
    /// Index of the holding.
    pub covers: usize,
    /// Hedge ratio `h`: `q H = h Q S`.
    pub hedge_ratio: f64,
    /// `phi`, the fraction of the inventory meant to be covered (attribution only).
    pub coverage_frac: f64,
    /// When the size is set anew.
    pub rebalance: Rebalance,
    /// A hedge that is already on.
    pub opened: Option<OpenedHedge>,
}

impl HedgePlan {
    /// Whether there is no hedge at all: the hedged outcome is then the unhedged one, bit by bit.
    pub fn is_absent(&self) -> bool {
        self.hedge_ratio == 0.0 && self.opened.is_none()
    }
}

/// When the planned short is set back to the hedge ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rebalance {
    /// Only at time 0.
    Never,
    /// Every so many steps.
    Every {
        /// Steps between decisions.
        steps: u32,
    },
    /// When `|qH/(QS) - h|` passes the width.
    Band {
        /// The width, in units of the hedge ratio.
        width: f64,
    },
}

/// A hedge that was opened before time 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenedHedge {
    /// Entry price, USD per base unit.
    pub price_usd: f64,
    /// Short size, base units.
    pub quantity_base: f64,
}

/// The currency in which an account is kept and its outcome settled.
///
/// Amounts of an account are in its settlement currency; today that is USD everywhere. A coin will be a variant here,
/// and every `match` then asks for its valuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettlementCurrency {
    /// US dollars (USDT counts as one).
    Usd,
}

/// A margin account, its reserve and its margin policy.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountPlan {
    /// Name as written in the scenario.
    pub name: String,
    /// Venue's name, for reports.
    pub venue: String,
    /// Currency of the account.
    pub settlement: SettlementCurrency,
    /// Balance at time 0 without unrealised profit.
    pub collateral_usd: f64,
    /// Cash outside the venue that can be sent.
    pub reserve_usd: f64,
    /// Alarm and top-up rule; `None`: no calls.
    pub margin_call: Option<MarginCallPlan>,
    /// Slippage of a liquidation's fill, a fraction of notional at the fill level.
    pub liquidation_slippage_frac: f64,
    /// What happens after a liquidation.
    pub after_liquidation: AfterLiquidation,
}

/// The hedger's alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginCallPlan {
    /// Margin ratio (maintenance margin / equity) at or above which a call is made; in (0, 1).
    pub level: f64,
    /// Margin ratio that a top-up restores; in (0, level].
    pub target: f64,
    /// Margin ratio below which excess goes back to the reserve.
    pub release: Option<f64>,
    /// Steps between two looks.
    pub every_steps: u32,
    /// Steps until sent money arrives; 0 arrives at once.
    pub delay_steps: u32,
}

/// What the hedger does after a liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterLiquidation {
    /// No new hedge.
    StayFlat,
    /// A new hedge with the whole reserve.
    Reenter {
        /// Steps after the end of the step of the liquidation (rounded up to the grid).
        after_steps: u32,
    },
}

/// What the user asked to be reported.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportPlan {
    /// Probability that hedged and unhedged P&L end under each.
    pub thresholds_usd: Vec<f64>,
    /// Probability that the price realised per unit ends under each.
    pub effective_price_below_usd: Vec<f64>,
    /// Limits on summary values.
    pub limits: Vec<LimitPlan>,
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

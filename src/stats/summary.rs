//! The summary of a run: every estimate that reports and files show, under the keys of `summary.json`.

use serde::Serialize;

use crate::stats::attribution::Attribution;
use crate::stats::effectiveness::HedgeEffectiveness;
use crate::stats::estimate::Estimate;
use crate::stats::level::{ByName, Named};
use crate::stats::limits::LimitOutcome;
use crate::stats::viewed::ViewsSummary;

/// Version of the layout of `summary.json`.
pub const FORMAT: u32 = 1;

/// All estimates of a run. Amounts are USD, gains positive; `var`, `es` and `loss` are positive losses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Layout of the file, [`FORMAT`].
    pub format: u32,
    /// Version of the program.
    pub version: String,
    /// Title of the scenario.
    pub title: String,
    /// Number of paths.
    pub paths: u64,
    /// Seed of every random stream.
    pub seed: u64,
    /// Wall time of the run, seconds.
    pub run_seconds: Option<f64>,
    /// Wall time of the simulation alone, seconds.
    pub simulation_seconds: Option<f64>,
    /// P&L without the hedge.
    pub unhedged: PnlSummary,
    /// P&L with it.
    pub hedged: PnlSummary,
    /// One less the ratio of hedged to unhedged risk.
    pub hedge_effectiveness: HedgeEffectiveness,
    /// Probability that the hedged P&L is below the unhedged one.
    pub worse_than_unhedged: Estimate,
    /// Forced closes by the venue.
    pub liquidation: LiquidationSummary,
    /// Margin calls.
    pub margin_call: EventSummary,
    /// Calls that the reserve could not meet in full.
    pub unmet_call: UnmetCallSummary,
    /// Trades cut for want of margin.
    pub cut_trades: EventSummary,
    /// Collateral posted, needed and sent.
    pub collateral: CollateralSummary,
    /// Smallest equity of the account.
    pub min_equity: MeanAndPercentiles,
    /// Tracking plus futures basis.
    pub basis_risk: BasisRiskSummary,
    /// Mean of each component.
    pub attribution: Attribution,
    /// Largest fall of hedged wealth from its running peak, USD, at least 0.
    pub drawdown: MeanAndPercentiles,
    /// Hedged proceeds per unit.
    pub effective_price: EffectivePriceSummary,
    /// What the insurance fund bore, USD, at least 0.
    pub bankruptcy_loss: BankruptcyLossSummary,
    /// Probabilities to end under the user's P&L thresholds.
    pub thresholds: Vec<ThresholdSummary>,
    /// Probabilities to realise less per unit than the user's prices.
    pub effective_price_below: Vec<ThresholdSummary>,
    /// Money needed at short notice.
    pub liquidity_at_risk: LiquidityAtRiskSummary,
    /// What the hedge's trades cost, by purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<CostSummary>,
    /// Carry, rolls and moves of the curve, of dated futures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carry: Option<CarrySummary>,
    /// Unhedged P&L of each holding, by label, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_holding: Option<Named<PartSummary>>,
    /// What each hedge made and cost, by number from 1, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_hedge: Option<Named<HedgeSummary>>,
    /// What happened in each account, by name, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_account: Option<Named<AccountSummary>>,
    /// Money at risk with each venue, by name, then at each reporting date, by label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Named<Named<ExposureSummary>>>,
    /// P&L at each reporting date, by label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interim: Option<Named<InterimSummary>>,
    /// The user's views, under which everything above stands, and what the model says without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<ViewsSummary>,
    /// The user's limits, judged.
    pub limits: Vec<LimitOutcome>,
    /// What every reader must know: assumed data, repaired correlations, views.
    pub notes: Vec<String>,
    /// The scenario as run, TOML.
    pub scenario: String,
}

/// Distribution of one P&L, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PnlSummary {
    /// Mean.
    pub mean: Estimate,
    /// Standard deviation.
    pub std_dev: Estimate,
    /// Value at risk at 95 %, positive is a loss.
    pub var95: Estimate,
    /// Value at risk at 99 %.
    pub var99: Estimate,
    /// Expected shortfall at 95 %: mean loss of exactly the worst 5 % of the weight.
    pub es95: Estimate,
    /// Expected shortfall at 99 %.
    pub es99: Estimate,
    /// Percentiles of the P&L.
    pub percentiles: ByName,
}

/// Mean and percentiles of one quantity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeanAndPercentiles {
    /// Mean.
    pub mean: Estimate,
    /// Percentiles.
    pub percentiles: ByName,
}

/// Percentiles of one quantity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnlyPercentiles {
    /// Percentiles.
    pub percentiles: ByName,
}

/// A mean alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnlyMean {
    /// Mean.
    pub mean: Estimate,
}

/// Forced closes by the venue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiquidationSummary {
    /// Probability of at least one.
    pub probability: Estimate,
    /// Mean number per path.
    pub mean_count: Estimate,
    /// Mean day of the first one, given one.
    pub mean_day: Estimate,
    /// Day of the first one, given one.
    pub day: OnlyPercentiles,
    /// Hedged P&L given one, USD.
    pub hedged_given: OnlyMean,
}

/// Something that happens to a path some number of times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventSummary {
    /// Probability of at least one.
    pub probability: Estimate,
    /// Mean number per path.
    pub mean_count: Estimate,
}

/// Calls that the reserve could not meet in full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnmetCallSummary {
    /// Probability of at least one.
    pub probability: Estimate,
    /// Mean shortfall per path, USD.
    pub mean_usd: Estimate,
}

/// Collateral, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollateralSummary {
    /// Largest net cash posted, limited by what there was.
    pub peak: MeanAndPercentiles,
    /// What the planned short would have needed never to be liquidated: liquidity-at-risk.
    pub required: MeanAndPercentiles,
    /// Money sent after time 0.
    pub top_up: TopUpSummary,
}

/// Money sent to the account after time 0, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopUpSummary {
    /// Probability that any is sent.
    pub probability: Estimate,
    /// Mean.
    pub mean: Estimate,
    /// Percentiles.
    pub percentiles: ByName,
}

/// Basis-risk P&L, tracking plus futures basis, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BasisRiskSummary {
    /// Mean.
    pub mean: Estimate,
    /// Standard deviation.
    pub std_dev: Estimate,
    /// Probability of a loss.
    pub loss_probability: Estimate,
    /// Expected shortfall at 95 %, positive is a loss.
    pub es95: Estimate,
    /// Percentiles of the P&L.
    pub percentiles: ByName,
    /// Percentiles of the loss, its negative part, at least 0.
    pub loss_percentiles: ByName,
}

/// Proceeds per unit of inventory, USD per base unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EffectivePriceSummary {
    /// Mean with the hedge.
    pub mean: Estimate,
    /// Mean without it.
    pub unhedged_mean: Estimate,
    /// Percentiles with the hedge.
    pub percentiles: ByName,
}

/// What the insurance fund bore, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BankruptcyLossSummary {
    /// Mean over all paths.
    pub mean: Estimate,
    /// Probability of any.
    pub probability: Estimate,
}

/// Probabilities to end under a threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThresholdSummary {
    /// The threshold, USD or USD per base unit.
    pub usd: f64,
    /// Probability that the hedged value is below.
    pub hedged: Estimate,
    /// Probability that the unhedged value is below.
    pub unhedged: Estimate,
}

/// Money needed at short notice, USD, at least 0, from the requirement that no reserve limits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiquidityAtRiskSummary {
    /// What the hedges as planned would have needed never to be liquidated; the same as `collateral.required`.
    pub total: MeanAndPercentiles,
    /// Largest rise of that within 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_call_24h: Option<MeanAndPercentiles>,
    /// Largest rise of that within 7 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_call_7d: Option<MeanAndPercentiles>,
    /// Largest sum under way to the accounts at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cash_in_transit: Option<MeanAndPercentiles>,
}

/// What the hedge's trades cost, by purpose, USD, at least 0; inside fees, slippage and roll.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostSummary {
    /// Opening.
    pub entry: MeanAndPercentiles,
    /// Rebalancing, sales and deleveraging.
    pub rebalancing: MeanAndPercentiles,
    /// Rolls and switches.
    pub roll: MeanAndPercentiles,
    /// Closing at the horizon and settlement.
    pub exit: MeanAndPercentiles,
    /// All of these.
    pub total: MeanAndPercentiles,
}

/// What dated futures made beside their underlying, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarrySummary {
    /// Carry earned, inside the futures basis.
    pub earned: MeanAndPercentiles,
    /// What moves of the curve made, inside the futures basis.
    pub curve: MeanAndPercentiles,
    /// What rolls and switches cost, fees included, at least 0.
    pub roll_cost: MeanAndPercentiles,
}

/// Distribution of a part of the P&L, USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartSummary {
    /// Mean.
    pub mean: Estimate,
    /// Standard deviation.
    pub std_dev: Estimate,
    /// Expected shortfall at 95 %, positive is a loss.
    pub es95: Estimate,
    /// Percentiles.
    pub percentiles: ByName,
}

/// What one hedge made and cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HedgeSummary {
    /// Name of its contract.
    pub contract: String,
    /// Name of its account.
    pub account: String,
    /// Label of the holding that it covers.
    pub covers: String,
    /// Its P&L, USD.
    #[serde(flatten)]
    pub pnl: PartSummary,
}

/// What happened in one account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountSummary {
    /// Name of its venue.
    pub venue: String,
    /// Forced closes by the venue.
    pub liquidation: OnlyProbability,
    /// Largest net cash posted, USD.
    pub peak: MeanAndPercentiles,
    /// What its hedges made and cost, USD; absent where there is one hedge in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pnl: Option<PartSummary>,
}

/// A probability alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnlyProbability {
    /// Probability of at least one.
    pub probability: Estimate,
}

/// Collateral and unrealised profit with one venue at one date, USD, at least 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExposureSummary {
    /// Days from time 0.
    pub day: f64,
    /// Mean.
    pub mean: Estimate,
    /// Percentiles.
    pub percentiles: ByName,
}

/// P&L at one date against time 0, positions at mark, holdings at spot, nothing closed; USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InterimSummary {
    /// Days from time 0.
    pub day: f64,
    /// With the hedge.
    pub hedged: PartSummary,
    /// Without it.
    pub unhedged: PartSummary,
}

//! Hedges and margin accounts as the engine sees them.

impl AccountPlan {
    /// Whether it holds USD only, for one position, topped up from a reserve at any time.
    pub fn is_plain(&self) -> bool {
        self.settlement == SettlementCurrency::Usd
            && self.coins.is_empty()
            && matches!(self.sources[..], [FundingSource::Reserve])
            && self.leaves_at.is_none()
            && self.margin_call.is_none_or(|call| {
                call.action == CallAction::TopUp && call.minimum_transfer_usd == 0.0
            })
    }
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
    /// Short or long.
    pub position: Position,
    /// How the size is rounded to whole contracts; `None`: not at all.
    pub round: Option<Rounding>,
    /// Which quantity the hedge follows.
    pub follows: Follows,
    /// When it leaves its perpetual for another contract, and when it returns.
    pub switch: Option<SwitchPlan>,
    /// How its orders are worked.
    pub order: OrderPlan,
}

/// Side of a hedge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Sold: gains when the price falls. A written option.
    Short,
    /// Bought: gains when the price rises. A bought option.
    Long,
}

impl Position {
    /// +1 for a short, -1 for a long.
    pub fn sign(self) -> f64 {
        match self {
            Self::Short => 1.0,
            Self::Long => -1.0,
        }
    }
}

/// How a size is brought to whole contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, half away from zero.
    Nearest,
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

impl Rounding {
    /// A number of contracts (>= 0) that is closer than this to a whole number is that number: the rest is rounding.
    const TOLERANCE: f64 = 1e-9;

    /// The whole number that a number of contracts, >= 0, is brought to.
    pub fn whole_contracts(self, contracts: f64) -> f64 {
        let nearest = contracts.round();
        if (contracts - nearest).abs() <= Self::TOLERANCE * nearest.max(1.0) {
            return nearest;
        }
        match self {
            Self::Nearest => nearest,
            Self::Down => contracts.floor(),
            Self::Up => contracts.ceil(),
        }
    }
}

/// The quantity that a hedge follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// The inventory at hand.
    Inventory,
    /// The inventory at hand and the production still to come.
    Expected,
}

/// Leaving a perpetual for a dated future when its funding is poor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SwitchPlan {
    /// Index of the dated contract.
    pub to: usize,
    /// Stamps of the perpetual that are averaged, at least one.
    pub window_stamps: u32,
    /// Average rate per 8 h under which the hedge leaves the perpetual.
    pub below_per_8h: f64,
    /// Average rate per 8 h over which it returns; infinite: never.
    pub back_above_per_8h: f64,
}

/// How an order is worked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderPlan {
    /// Whether it rests in the book: maker fee, no half-spread, no impact.
    pub is_maker: bool,
    /// How it is cut up.
    pub style: OrderStyle,
}

impl OrderPlan {
    /// One taker trade.
    pub const TAKER: Self = Self {
        is_maker: false,
        style: OrderStyle::Single,
    };
}

/// How an order is cut up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OrderStyle {
    /// One trade.
    Single,
    /// Equal parts at the decision and at the ends of the steps that follow; entry and rebalancing only.
    Twap {
        /// Number of parts, at least 1.
        parts: u32,
    },
    /// Clips that show only a part of the order: impact times the square root of it.
    Iceberg {
        /// The part shown, in (0, 1].
        display_frac: f64,
    },
    /// A block away from the book at a quoted spread: that, and nothing else.
    Otc {
        /// The spread, a fraction of notional.
        spread_frac: f64,
    },
}

impl HedgePlan {
    /// Whether it is a short worked by single taker trades, without switching and without production to come.
    pub fn is_plain(&self) -> bool {
        self.position == Position::Short
            && self.round.is_none()
            && self.follows == Follows::Inventory
            && self.switch.is_none()
            && self.order == OrderPlan::TAKER
            && !matches!(self.rebalance, Rebalance::DeltaBand { .. })
    }
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
    /// When futures and option deltas together are off the ratio by more than the width.
    DeltaBand {
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
/// Amounts of an account are in its settlement currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettlementCurrency {
    /// US dollars (USDT counts as one).
    Usd,
    /// The coin of an asset, valued at its spot.
    Coin {
        /// Index of the asset.
        asset: usize,
    },
}

/// How positions share collateral.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginMode {
    /// One position with collateral of its own.
    Isolated,
    /// All positions share the collateral.
    Cross,
}

/// Coins in an account at time 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoinCollateral {
    /// Index of the asset.
    pub asset: usize,
    /// Coins, at least 0.
    pub quantity_base: f64,
    /// The holding they are part of; `None`: bought for the account.
    pub holding: Option<usize>,
    /// What margin does not count of their value; 0 in an account kept in this coin.
    pub haircut_frac: f64,
}

/// Where a top-up comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FundingSource {
    /// Cash of [`AccountPlan::reserve_usd`].
    Reserve,
    /// A loan.
    CreditLine {
        /// The most that can be drawn, USD.
        limit_usd: f64,
        /// Simple interest per year from the moment that it leaves to the horizon, or to its repayment.
        rate_annual: f64,
    },
    /// A sale of inventory.
    Inventory {
        /// Index of the holding.
        holding: usize,
        /// What the sale costs, a fraction of its value at spot.
        cost_frac: f64,
    },
}

/// What the hedger does at a margin call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallAction {
    /// Sends money.
    TopUp,
    /// Cuts the positions.
    Deleverage,
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
    /// How its positions share the collateral.
    pub mode: MarginMode,
    /// Balance at time 0 without unrealised profit, coins aside, USD.
    pub collateral_usd: f64,
    /// Coins in the account at time 0.
    pub coins: Vec<CoinCollateral>,
    /// Cash outside the venue that can be sent.
    pub reserve_usd: f64,
    /// Where top-ups come from, in this order.
    pub sources: Vec<FundingSource>,
    /// Step at whose end money leaves that was asked for at the end of step `index` (0: time 0); `None`: at once. Steps beyond the horizon: not before it.
    pub leaves_at: Option<Vec<u32>>,
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
    /// What happens at a call.
    pub action: CallAction,
    /// The least that a top-up asks for, USD.
    pub minimum_transfer_usd: f64,
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

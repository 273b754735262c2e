//! The columns of the outcome table: names, order, and which of them are stored.

/// The columns that every outcome stores, in the order of their storage; extras ([`Extra`]) follow.
///
/// `path` and `liquidated` of `outcomes.csv` are derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Column {
    /// Unhedged P&L, USD.
    UnhedgedPnl,
    /// Hedged P&L, USD.
    HedgedPnl,
    /// What a perfect hedge of the covered inventory would make, USD.
    IdealOffset,
    /// What the hedge's underlying did differently from the holding, USD.
    Tracking,
    /// What the contract did differently from its own spot, USD.
    FuturesBasis,
    /// Funding received, USD.
    Funding,
    /// Fees of the hedge's trades, USD, <= 0.
    Fees,
    /// Slippage of the hedge's trades, USD, <= 0.
    Slippage,
    /// Costs of liquidation, USD: fee, slippage, forfeiture, less what the insurance fund bore.
    Liquidation,
    /// Price P&L that the planned short would have made and the actual one did not, USD.
    LiquidationGap,
    /// Interest on net cash contributed, USD; negative but where released profit has exceeded what was posted.
    Financing,
    /// What the insurance fund bore, USD, >= 0; inside [`Column::Liquidation`] as a gain.
    BankruptcyLoss,
    /// End of the step of the first liquidation, days; NaN without one.
    LiquidationDay,
    /// Number of liquidations.
    Liquidations,
    /// Number of margin calls.
    MarginCalls,
    /// Number of calls that the reserve could not meet in full.
    UnmetCalls,
    /// Sum of the shortfalls of counted calls, USD.
    UnmetCall,
    /// Number of trades cut for want of margin.
    CutTrades,
    /// Money sent to the account as top-ups, USD.
    TopUp,
    /// Largest net cash posted, USD.
    PeakCollateral,
    /// Collateral that the planned short would have needed never to be liquidated, USD.
    RequiredCollateral,
    /// Smallest equity at step ends and liquidations, USD.
    MinEquity,
    /// Largest margin ratio; NaN where equity was not positive.
    MaxMarginRatio,
    /// Largest fall of hedged wealth from its running peak, USD, >= 0.
    MaxDrawdown,
    /// Hedged proceeds per unit, USD.
    EffectivePrice,
    /// Terminal spot of the first asset, USD; the others follow.
    FirstTerminalSpot,
}

/// Number of stored columns before the extras, which begin with the terminal spots.
pub const FIXED_COLUMNS: usize = Column::FirstTerminalSpot as usize;

/// Columns that a plan stores only where they say something ([`crate::outcome::layout::Layout`]). Indices count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extra {
    /// Spot of this asset at the horizon, USD.
    TerminalSpot(usize),
    /// What rolls and switches cost away from the mark, USD, <= 0.
    Roll,
    /// P&L of the option legs but fees and slippage, USD.
    Options,
    /// Change in value of coins in the accounts beyond the inventory, USD.
    CollateralRevaluation,
    /// Cost of opening, USD, >= 0; inside fees and slippage.
    EntryCost,
    /// Cost of rebalancing, sales and deleveraging, USD, >= 0; inside fees and slippage.
    RebalancingCost,
    /// Cost of rolls and switches, USD, >= 0; inside fees and roll.
    RollCost,
    /// Cost of closing at the horizon or at settlement, USD, >= 0; inside fees and slippage.
    ExitCost,
    /// What the carry of dated futures earned, USD; inside [`Column::FuturesBasis`].
    Carry,
    /// What moves of their curves made, USD; inside [`Column::FuturesBasis`].
    Curve,
    /// Largest rise of the required collateral within 24 hours, USD, >= 0.
    LargestCall24h,
    /// Largest rise of the required collateral within 7 days, USD, >= 0.
    LargestCall7d,
    /// Largest sum under way to the accounts at a step's end, USD, >= 0.
    CashInTransit,
    /// Unhedged P&L of this holding, USD.
    HoldingPnl(usize),
    /// Everything that this hedge made and cost, USD.
    HedgePnl(usize),
    /// Largest net cash posted in this account, USD.
    AccountPeakCollateral(usize),
    /// Whether this account was liquidated, 1 or 0.
    AccountLiquidated(usize),
    /// Hedged P&L at this reporting date, positions at mark and holdings at spot, USD.
    InterimHedged(usize),
    /// Unhedged P&L at this reporting date, USD.
    InterimUnhedged(usize),
    /// What is at risk with a venue at a reporting date: collateral and unrealised profit, USD, >= 0.
    Exposure {
        /// The venue, as counted by [`crate::outcome::layout::venues`].
        venue: usize,
        /// The reporting date.
        date: usize,
    },
}

/// A column that may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Stored for every plan.
    Fixed(Column),
    /// Stored for some plans; 0 for the others.
    Extra(Extra),
}

/// The components of hedged P&L beside the unhedged one, in the order of the identity, as named in files.
pub const COMPONENTS: [(&str, Cell); 12] = [
    ("ideal_offset_usd", Cell::Fixed(Column::IdealOffset)),
    ("tracking_usd", Cell::Fixed(Column::Tracking)),
    ("futures_basis_usd", Cell::Fixed(Column::FuturesBasis)),
    ("funding_usd", Cell::Fixed(Column::Funding)),
    ("roll_usd", Cell::Extra(Extra::Roll)),
    ("options_usd", Cell::Extra(Extra::Options)),
    ("fees_usd", Cell::Fixed(Column::Fees)),
    ("slippage_usd", Cell::Fixed(Column::Slippage)),
    ("liquidation_usd", Cell::Fixed(Column::Liquidation)),
    ("liquidation_gap_usd", Cell::Fixed(Column::LiquidationGap)),
    ("financing_usd", Cell::Fixed(Column::Financing)),
    (
        "collateral_revaluation_usd",
        Cell::Extra(Extra::CollateralRevaluation),
    ),
];

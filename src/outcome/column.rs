//! The columns of the outcome table: names, order, and which of them are stored.

/// Stored columns of an outcome, in the order of their storage.
///
/// Columns of `outcomes.csv` that no contract of this version can move (`roll_usd`, `options_usd`,
/// `collateral_revaluation_usd`) are 0 and not stored; `path` and `liquidated` are derived.
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

/// Number of stored columns before the terminal spots.
pub const FIXED_COLUMNS: usize = Column::FirstTerminalSpot as usize;

/// The components of hedged P&L beside the unhedged one, in the order of the identity, as named in files; `None` is a
/// component that is 0 in this version.
pub const COMPONENTS: [(&str, Option<Column>); 12] = [
    ("ideal_offset_usd", Some(Column::IdealOffset)),
    ("tracking_usd", Some(Column::Tracking)),
    ("futures_basis_usd", Some(Column::FuturesBasis)),
    ("funding_usd", Some(Column::Funding)),
    ("roll_usd", None),
    ("options_usd", None),
    ("fees_usd", Some(Column::Fees)),
    ("slippage_usd", Some(Column::Slippage)),
    ("liquidation_usd", Some(Column::Liquidation)),
    ("liquidation_gap_usd", Some(Column::LiquidationGap)),
    ("financing_usd", Some(Column::Financing)),
    ("collateral_revaluation_usd", None),
];

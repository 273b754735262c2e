//! What can happen to an account, a hedge or a holding in a step.

/// An event of the general ledger and what it happened to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Whose it is.
    pub subject: Subject,
    /// What happened.
    pub event: LedgerEvent,
}

/// What an event happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A hedge in one of its contracts.
    Hedge {
        /// Index of the hedge.
        hedge: usize,
        /// Index of the contract.
        contract: usize,
    },
    /// The account of this index.
    Account(usize),
    /// The holding of this index.
    Holding(usize),
}

/// One event of a path's ledger. Money is in USD, sizes in base units, prices in USD per base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LedgerEvent {
    /// The venue closed the short.
    Liquidated {
        /// Fill before slippage.
        fill_usd: f64,
        /// Size closed.
        short_base: f64,
        /// Fee and slippage.
        cost_usd: f64,
        /// What went back to the reserve.
        returned_usd: f64,
        /// What the venue kept.
        forfeited_usd: f64,
        /// What the insurance fund bore.
        bankruptcy_usd: f64,
        /// How the level was reached.
        cause: LiquidationCause,
    },
    /// A margin call was counted or money was asked for.
    Called {
        /// Margin ratio at the call.
        margin_ratio: f64,
        /// What would restore the target.
        asked_usd: f64,
        /// What the reserve sent.
        sent_usd: f64,
    },
    /// A transfer reached the account.
    Arrived {
        /// Amount.
        amount_usd: f64,
    },
    /// A transfer came too late and went back to the reserve.
    CameBack {
        /// Amount.
        amount_usd: f64,
    },
    /// Excess went back to the reserve.
    Released {
        /// Amount.
        amount_usd: f64,
    },
    /// Inventory was sold.
    Sold {
        /// Quantity.
        quantity_base: f64,
        /// Spot.
        spot_usd: f64,
    },
    /// The short was traded.
    Traded {
        /// Change of the short; negative: bought back.
        change_base: f64,
        /// Mark.
        mark_usd: f64,
        /// Whether it was cut for want of margin.
        is_cut: bool,
    },
    /// A new hedge with the whole reserve.
    Reentered {
        /// Size.
        short_base: f64,
        /// Money posted.
        collateral_usd: f64,
        /// Whether it was cut for want of margin.
        is_cut: bool,
    },
    /// Inventory was produced.
    Produced {
        /// Quantity.
        quantity_base: f64,
        /// What it cost.
        cost_usd: f64,
    },
    /// A dated future or an option was settled.
    Settled {
        /// Size, positive short.
        size_base: f64,
        /// Spot, or intrinsic value of an option.
        price_usd: f64,
    },
    /// A dated future was rolled into the next.
    Rolled {
        /// Size, positive short.
        size_base: f64,
        /// Mark of the contract left.
        near_usd: f64,
        /// Mark of the contract entered.
        far_usd: f64,
    },
    /// The venue closed one position of several.
    ClosedByVenue {
        /// Size closed, positive short.
        size_base: f64,
        /// Fill before slippage; value of an option.
        fill_usd: f64,
    },
    /// A hedge left its contract for another.
    Switched {
        /// Index of the contract entered.
        to: usize,
        /// Average funding rate per 8 h over the window.
        mean_per_8h: f64,
    },
    /// Futures were cut instead of a top-up.
    Deleveraged {
        /// Margin ratio before.
        margin_ratio: f64,
        /// Share of every future that was closed.
        cut_frac: f64,
    },
    /// Money was drawn from a credit line.
    Borrowed {
        /// Amount.
        amount_usd: f64,
    },
    /// Money that came back repaid a credit line.
    Repaid {
        /// Amount.
        amount_usd: f64,
    },
    /// Inventory was sold before its time to feed the margin.
    SoldEarly {
        /// Quantity.
        quantity_base: f64,
        /// Spot.
        spot_usd: f64,
        /// What it brought after its cost.
        brought_usd: f64,
    },
    /// A top-up is on its way, or waits for an open window.
    Sent {
        /// Amount.
        amount_usd: f64,
        /// Step at whose end it leaves; `u32::MAX`: not before the horizon.
        leaves_step: u32,
        /// Step at whose end it arrives; `u32::MAX`: not before the horizon.
        arrives_step: u32,
    },
    /// A top-up has left and bought coins.
    BoughtCoins {
        /// What was paid.
        amount_usd: f64,
        /// Coins.
        coins: f64,
    },
    /// The hedge was closed at the horizon.
    Closed {
        /// Size bought back.
        short_base: f64,
        /// Mark.
        mark_usd: f64,
    },
}

/// How a liquidation level was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiquidationCause {
    /// The mark crossed the level inside the step.
    Crossed,
    /// A jump landed beyond the level.
    Gapped,
    /// The account was beyond the level at the step's start.
    Beyond,
    /// The margin check at the step's end.
    EndCheck,
}

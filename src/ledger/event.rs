//! What happened to one account, in words.

use std::fmt;

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

impl fmt::Display for LedgerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Liquidated {
                fill_usd,
                short_base,
                cost_usd,
                returned_usd,
                forfeited_usd,
                bankruptcy_usd,
                cause,
            } => {
                let how = match cause {
                    LiquidationCause::Crossed => "the mark crossed the level within the step",
                    LiquidationCause::Gapped => "a jump landed beyond the level",
                    LiquidationCause::Beyond => "the account began the step beyond the level",
                    LiquidationCause::EndCheck => "margin check at the step's end",
                };
                write!(
                    f,
                    "LIQUIDATED: {short_base:.4} closed at {fill_usd:.2} ({how}); fee and slippage {cost_usd:.0}, \
                     returned {returned_usd:.0}, forfeited {forfeited_usd:.0}, insurance fund {bankruptcy_usd:.0}"
                )
            }
            Self::Called {
                margin_ratio,
                asked_usd,
                sent_usd,
            } => {
                write!(
                    f,
                    "margin call: ratio {margin_ratio:.3}, asked {asked_usd:.0}, sent {sent_usd:.0}"
                )?;
                if sent_usd < asked_usd {
                    write!(f, ", unmet {:.0}", asked_usd - sent_usd)?;
                }
                Ok(())
            }
            Self::Arrived { amount_usd } => write!(f, "top-up of {amount_usd:.0} arrived"),
            Self::CameBack { amount_usd } => write!(
                f,
                "transfer of {amount_usd:.0} came too late, back in reserve"
            ),
            Self::Released { amount_usd } => {
                write!(f, "excess of {amount_usd:.0} released to the reserve")
            }
            Self::Sold {
                quantity_base,
                spot_usd,
            } => write!(f, "sold {quantity_base:.4} at {spot_usd:.2}"),
            Self::Traded {
                change_base,
                mark_usd,
                is_cut,
            } => {
                let word = if change_base < 0.0 {
                    "bought back"
                } else {
                    "sold short"
                };
                let cut = if is_cut {
                    " (cut for want of margin)"
                } else {
                    ""
                };
                write!(f, "{word} {:.4} at {mark_usd:.2}{cut}", change_base.abs())
            }
            Self::Reentered {
                short_base,
                collateral_usd,
                is_cut,
            } => {
                let cut = if is_cut {
                    " (cut for want of margin)"
                } else {
                    ""
                };
                write!(
                    f,
                    "re-entered: short {short_base:.4} with {collateral_usd:.0}{cut}"
                )
            }
            Self::Closed {
                short_base,
                mark_usd,
            } => write!(f, "hedge closed: {short_base:.4} at {mark_usd:.2}"),
        }
    }
}

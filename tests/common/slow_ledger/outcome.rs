//! The slow ledger's row: every column of the outcome table, and the events in words.

/// One path's outcome. Signs and units as in section 7 of the design.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SlowOutcome {
    pub unhedged_pnl_usd: f64,
    /// From cash alone: everything owned at the end minus everything owned at time 0.
    pub hedged_pnl_usd: f64,
    pub ideal_offset_usd: f64,
    pub tracking_usd: f64,
    pub futures_basis_usd: f64,
    pub funding_usd: f64,
    pub roll_usd: f64,
    pub options_usd: f64,
    pub fees_usd: f64,
    pub slippage_usd: f64,
    pub liquidation_usd: f64,
    pub liquidation_gap_usd: f64,
    pub financing_usd: f64,
    pub collateral_revaluation_usd: f64,
    pub bankruptcy_loss_usd: f64,
    pub liquidated: bool,
    /// End of the step of the first liquidation; `None` without one.
    pub liquidation_day: Option<f64>,
    pub liquidations: u32,
    pub margin_calls: u32,
    pub unmet_calls: u32,
    pub unmet_call_usd: f64,
    pub cut_trades: u32,
    pub top_up_usd: f64,
    pub peak_collateral_usd: f64,
    pub required_collateral_usd: f64,
    pub min_equity_usd: f64,
    /// `None` where equity was not positive once.
    pub max_margin_ratio: Option<f64>,
    pub max_drawdown_usd: f64,
    pub effective_price_usd: f64,
    /// Of every asset, in the order of the plan.
    pub terminal_spot_usd: Vec<f64>,
    /// What happened, in words and in order.
    pub events: Vec<String>,
    /// Hedged P&L from cash minus the sum of unhedged P&L and all components.
    pub identity_error_usd: f64,
}

impl SlowOutcome {
    /// The right-hand side of the identity.
    pub fn sum_of_components_usd(&self) -> f64 {
        self.unhedged_pnl_usd
            + self.ideal_offset_usd
            + self.tracking_usd
            + self.futures_basis_usd
            + self.funding_usd
            + self.roll_usd
            + self.options_usd
            + self.fees_usd
            + self.slippage_usd
            + self.liquidation_usd
            + self.liquidation_gap_usd
            + self.financing_usd
            + self.collateral_revaluation_usd
    }
}

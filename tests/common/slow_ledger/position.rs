//! A short with its average entry price, and the short that the policy plans.

/// A short: size in base units and average entry price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    pub short_base: f64,
    pub entry_usd: f64,
}

impl Position {
    /// No position.
    pub const FLAT: Self = Self {
        short_base: 0.0,
        entry_usd: 0.0,
    };

    /// Profit not yet realised, at a mark.
    pub fn unrealised_usd(&self, mark_usd: f64) -> f64 {
        self.short_base * (self.entry_usd - mark_usd)
    }

    /// Trades to a new size at a mark. Returns the profit realised by a reduction; an increase averages the entry.
    pub fn trade_to(&mut self, target_base: f64, mark_usd: f64) -> f64 {
        if target_base >= self.short_base {
            let added_base = target_base - self.short_base;
            if target_base > 0.0 {
                self.entry_usd =
                    (self.short_base * self.entry_usd + added_base * mark_usd) / target_base;
            }
            self.short_base = target_base;
            0.0
        } else {
            let bought_back_base = self.short_base - target_base;
            self.short_base = target_base;
            bought_back_base * (self.entry_usd - mark_usd)
        }
    }
}

/// The planned short: unconstrained, never liquidated, its money kept apart from the account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedShort {
    pub position: Position,
    /// Profit realised by its reductions.
    pub realised_usd: f64,
    /// Funding that it received.
    pub funding_usd: f64,
    /// Fees and slippage of its trades, >= 0.
    pub costs_usd: f64,
}

impl PlannedShort {
    /// What the plan's account holds without any deposit, so that its equity is this minus `q F`.
    pub fn cash_usd(&self) -> f64 {
        self.position.short_base * self.position.entry_usd + self.realised_usd + self.funding_usd
            - self.costs_usd
    }
}

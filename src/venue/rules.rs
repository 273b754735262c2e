//! What a venue fixes for one contract: margin brackets, fees, liquidation procedure.

/// A venue's rules for one contract.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractRules {
    /// Brackets by notional, ascending and without holes, at least one.
    pub brackets: Vec<MarginBracket>,
    /// Maker fee, a fraction of notional.
    pub maker_fee_frac: f64,
    /// Taker fee, a fraction of notional.
    pub taker_fee_frac: f64,
    /// Liquidation fee, a fraction of the notional at the worsened fill (no taker fee on top).
    pub liquidation_fee_frac: f64,
    /// Whether the liquidation fee counts in the trigger.
    pub fee_in_trigger: bool,
    /// What happens to what is left after a liquidation.
    pub remainder: Remainder,
}

/// One margin bracket: notional above `floor_usd` up to and including `cap_usd`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginBracket {
    /// Notional where the bracket begins.
    pub floor_usd: f64,
    /// Notional where it ends; infinite for a last bracket without a cap.
    pub cap_usd: f64,
    /// Maintenance margin rate.
    pub rate: f64,
    /// `MM(N) = N rate - deduction_usd`, continuous across brackets.
    pub deduction_usd: f64,
    /// Leverage cap; `None`: the initial margin is the maintenance margin.
    pub max_leverage: Option<f64>,
}

/// What the venue does with the equity left after a liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remainder {
    /// It goes back to the customer.
    Returned,
    /// The insurance fund keeps it.
    Forfeited,
}

impl ContractRules {
    /// Maintenance margin of a notional, USD. Beyond the last bracket its rate is kept.
    pub fn maintenance_margin_usd(&self, notional_usd: f64) -> f64 {
        self.brackets
            .iter()
            .map(|b| notional_usd * b.rate - b.deduction_usd)
            .fold(0.0, f64::max)
    }

    /// The bracket (counted from 0) in which a notional stands; the last one beyond the cap.
    pub fn bracket_index(&self, notional_usd: f64) -> usize {
        self.brackets
            .iter()
            .position(|b| notional_usd <= b.cap_usd)
            .unwrap_or(self.brackets.len() - 1)
    }

    /// Initial margin of a notional, USD: notional over the bracket's leverage cap.
    pub fn initial_margin_usd(&self, notional_usd: f64) -> f64 {
        match self.brackets[self.bracket_index(notional_usd)].max_leverage {
            Some(leverage) => notional_usd / leverage,
            None => self.maintenance_margin_usd(notional_usd),
        }
    }

    /// The largest notional that an equity can open, USD: initial margin covered and no bracket's cap passed.
    pub fn largest_notional_usd(&self, equity_usd: f64) -> f64 {
        if equity_usd <= 0.0 {
            return 0.0;
        }
        let mut largest_usd: f64 = 0.0;
        for b in &self.brackets {
            let affordable_usd = match b.max_leverage {
                Some(leverage) => equity_usd * leverage,
                None if b.rate > 0.0 => (equity_usd + b.deduction_usd) / b.rate,
                None => f64::INFINITY,
            };
            let notional_usd = affordable_usd.min(b.cap_usd);
            if notional_usd > b.floor_usd {
                largest_usd = largest_usd.max(notional_usd);
            }
        }
        largest_usd
    }

    /// Largest position the venue takes, USD.
    pub fn position_cap_usd(&self) -> f64 {
        self.brackets[self.brackets.len() - 1].cap_usd
    }

    /// Rate that the trigger adds to the maintenance margin.
    pub fn trigger_fee_frac(&self) -> f64 {
        if self.fee_in_trigger {
            self.liquidation_fee_frac
        } else {
            0.0
        }
    }

    /// The mark at which a short is liquidated, USD per base unit; infinite if never.
    ///
    /// `cash_usd` is `balance + q E`, so that equity at mark `F` is `cash_usd - q F`. The level solves
    /// `equity = MM(q F) + trigger fee * q F`; `MM` is convex, so it is the smallest of the brackets' own levels.
    pub fn liquidation_price_usd(&self, cash_usd: f64, short_base: f64) -> f64 {
        let fee = self.trigger_fee_frac();
        self.brackets
            .iter()
            .map(|b| (cash_usd + b.deduction_usd) / (short_base * (1.0 + b.rate + fee)))
            .fold(f64::INFINITY, f64::min)
            .min(cash_usd / (short_base * (1.0 + fee)))
    }
}

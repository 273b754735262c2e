//! What a scripted market has done to a programme.

use crate::engine::scripted::Played;
use crate::outcome::column::{COMPONENTS, Column};
use crate::plan::types::{Follows, HedgePlan, Plan, SettlementCurrency};

/// So much of a duration is all of it, to rounding.
pub(super) const ROUNDED: f64 = 1.0 - 1e-9;

/// Outcome of one script. Money in USD, gains positive.
#[derive(Debug, Clone, PartialEq)]
pub struct StressOutcome {
    /// Unhedged P&L.
    pub unhedged_pnl_usd: f64,
    /// Hedged P&L.
    pub hedged_pnl_usd: f64,
    /// Whether any account was liquidated.
    pub liquidated: bool,
    /// End of the step of the first liquidation, days.
    pub liquidation_day: Option<f64>,
    /// Collateral beyond that of time 0 with which nothing would have been liquidated, >= 0: what each account lacked at its worst moment, at the
    /// prices of that moment, of all accounts together. Money in one account cannot save another.
    pub cash_needed_usd: f64,
    /// Hedged P&L if prices then go back to where they began; `None` where nothing is liquidated, or no time is left for it.
    pub hedged_pnl_if_back_usd: Option<f64>,
    /// Margin calls.
    pub margin_calls: f64,
    /// Money sent at calls.
    pub top_up_usd: f64,
    /// What calls asked for and did not get.
    pub unmet_call_usd: f64,
    /// What each component of the identity made, by the name of its column.
    pub components: Vec<(&'static str, f64)>,
    /// Whether there was a hedge.
    pub is_hedged: bool,
    /// Where the horizon cuts off what was to happen: only its first part has.
    pub cut_off: Option<CutOff>,
}

/// A move that is longer than what is left of the horizon, days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutOff {
    /// What is left of the horizon when it begins.
    pub after_days: f64,
    /// How long all of it takes.
    pub of_days: f64,
}

impl CutOff {
    /// Of a move that begins some days after the start of a plan; `None` where there is time for all of it.
    pub(super) fn of(plan: &Plan, start_days: f64, of_days: f64) -> Option<Self> {
        let after_days = plan.simulation.horizon_days - start_days;
        (after_days < of_days * ROUNDED).then_some(Self {
            after_days,
            of_days,
        })
    }
}

impl StressOutcome {
    /// The outcome of one row.
    pub fn of(played: &Played, row: usize, plan: &Plan) -> Self {
        let table = &played.table;
        let value = |column: Column| table.value(row, column as usize);
        let day = value(Column::LiquidationDay);
        let components = COMPONENTS.iter();
        Self {
            unhedged_pnl_usd: value(Column::UnhedgedPnl),
            hedged_pnl_usd: value(Column::HedgedPnl),
            liquidated: value(Column::Liquidations) > 0.0,
            liquidation_day: (!day.is_nan()).then_some(day),
            cash_needed_usd: played.shortfalls_usd[row].iter().sum(),
            hedged_pnl_if_back_usd: None,
            margin_calls: value(Column::MarginCalls),
            top_up_usd: value(Column::TopUp),
            unmet_call_usd: value(Column::UnmetCall),
            components: components
                .map(|&(name, cell)| (name, table.cell(row, cell)))
                .collect(),
            is_hedged: plan.hedges.iter().any(|hedge| !hedge.is_absent()),
            cut_off: None,
        }
    }

    /// One component by the name of its column; 0 of a name that is none.
    pub fn component(&self, name: &str) -> f64 {
        let found = self.components.iter().find(|(other, _)| *other == name);
        found.map_or(0.0, |(_, usd)| *usd)
    }
}

/// What a simulated path's `required_usd` is more than the collateral posted at time 0; at least 0.
pub(super) fn cash_needed_usd(required_usd: f64, plan: &Plan) -> f64 {
    (required_usd - posted_usd(plan)).max(0.0)
}

/// Collateral of all accounts with a hedge at time 0, as margin counts it.
pub fn posted_usd(plan: &Plan) -> f64 {
    let accounts = plan.accounts.iter().enumerate();
    accounts
        .filter(|(index, _)| {
            let is_in = |hedge: &HedgePlan| hedge.account == *index && !hedge.is_absent();
            plan.hedges.iter().any(is_in)
        })
        .map(|(_, account)| {
            let coins = account.coins.iter().map(|coins| {
                let haircut_frac = match account.settlement {
                    SettlementCurrency::Usd => coins.haircut_frac,
                    SettlementCurrency::Coin { .. } => 0.0,
                };
                let spot_usd = plan.market.assets[coins.asset].spot_usd;
                coins.quantity_base * spot_usd * (1.0 - haircut_frac)
            });
            account.collateral_usd + coins.sum::<f64>()
        })
        .sum()
}

/// Value of all holdings, with what they are still to produce, at the spots of time 0, USD.
pub fn held_usd(plan: &Plan) -> f64 {
    let holdings = plan.holdings.iter();
    holdings
        .map(|holding| {
            let quantity_base = holding.followed_base(Follows::Expected);
            quantity_base * plan.market.assets[holding.asset].spot_usd
        })
        .sum()
}

/// Value of what is still to be produced, at the spots of time 0 and less what it costs to produce, USD: what production makes of P&L if prices
/// stand still.
pub(super) fn production_usd(plan: &Plan) -> f64 {
    let holdings = plan.holdings.iter();
    let made = holdings.flat_map(|holding| {
        let spot_usd = plan.market.assets[holding.asset].spot_usd;
        holding
            .production
            .iter()
            .map(move |made| made.quantity_base * spot_usd - made.cost_usd)
    });
    // A sum of nothing is 0, not -0.
    made.fold(0.0, |sum_usd, usd| sum_usd + usd)
}

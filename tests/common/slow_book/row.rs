//! The finished row: every column by the name that it has in files.

use std::collections::BTreeMap;

use hedgesim::plan::types::HedgePlan;

use super::Book;

/// Names of the parts of the identity beside unhedged P&L.
pub const COMPONENTS: [&str; 12] = [
    "ideal_offset_usd",
    "tracking_usd",
    "futures_basis_usd",
    "funding_usd",
    "roll_usd",
    "options_usd",
    "fees_usd",
    "slippage_usd",
    "liquidation_usd",
    "liquidation_gap_usd",
    "financing_usd",
    "collateral_revaluation_usd",
];

/// Other sums, 0 where nothing was booked.
const OTHER_SUMS: [&str; 12] = [
    "bankruptcy_loss_usd",
    "liquidations",
    "margin_calls",
    "unmet_calls",
    "unmet_call_usd",
    "cut_trades",
    "top_up_usd",
    "entry_cost_usd",
    "rebalancing_cost_usd",
    "roll_cost_usd",
    "exit_cost_usd",
    "carry_usd",
];

/// One path's outcome.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SlowRow {
    /// Sums in the making.
    pub sums: BTreeMap<&'static str, f64>,
    /// Every column by its name, those that a plan does not store too.
    pub columns: BTreeMap<String, f64>,
    /// What happened, in words and in order.
    pub events: Vec<String>,
    /// Coins that the hedged side has at the end, by asset, beyond those of the inventory.
    pub final_coins: Vec<f64>,
}

impl SlowRow {
    /// A column by its name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn get(&self, column: &str) -> f64 {
        *self
            .columns
            .get(column)
            .unwrap_or_else(|| panic!("no column {column}"))
    }

    /// The right-hand side of the identity.
    pub fn sum_of_components_usd(&self) -> f64 {
        let parts: f64 = COMPONENTS.iter().map(|column| self.get(column)).sum();
        self.get("unhedged_pnl_usd") + parts
    }

    /// Hedged P&L as counted from what is owned, less the sum of its parts.
    pub fn identity_error_usd(&self) -> f64 {
        self.get("hedged_pnl_usd") - self.sum_of_components_usd()
    }
}

impl Book<'_> {
    /// The finished row.
    pub fn finish(mut self) -> SlowRow {
        let unhedged_usd = self.unhedged_wealth_usd() - self.initial_value_usd();
        let is_unhedged = self.plan.hedges.iter().all(HedgePlan::is_absent);
        let hedged_usd = if is_unhedged {
            unhedged_usd
        } else {
            self.wealth_usd() - self.initial_wealth_usd
        };
        let mut row = std::mem::take(&mut self.row);
        for name in COMPONENTS.iter().chain(&OTHER_SUMS).chain(&["curve_usd"]) {
            let value = row.sums.get(name).copied().unwrap_or(0.0);
            row.columns.insert((*name).to_owned(), value);
        }
        let mut put = |name: &str, value: f64| {
            row.columns.insert(name.to_owned(), value);
        };
        put("unhedged_pnl_usd", unhedged_usd);
        put("hedged_pnl_usd", hedged_usd);
        put("effective_price_usd", self.effective_price_usd(hedged_usd));
        let record = &self.record;
        put(
            "liquidation_day",
            record.liquidation_day.unwrap_or(f64::NAN),
        );
        put("peak_collateral_usd", record.peak_posted_usd);
        put(
            "required_collateral_usd",
            record.required_usd[record.required_usd.len() - 1],
        );
        put("min_equity_usd", record.min_equity_usd.unwrap_or(0.0));
        let ratio = if record.is_ratio_undefined {
            f64::NAN
        } else {
            record.max_margin_ratio
        };
        put("max_margin_ratio", ratio);
        put("max_drawdown_usd", record.max_drawdown_usd);
        put("largest_call_24h_usd", self.largest_call_usd(1.0));
        put("largest_call_7d_usd", self.largest_call_usd(7.0));
        put("cash_in_transit_usd", record.cash_in_transit_usd);
        self.put_by_part(&mut put);
        row.final_coins = (0..self.plan.market.assets.len())
            .map(|asset| self.coins_beyond_inventory(asset, &self.end))
            .collect();
        row
    }

    fn put_by_part(&self, put: &mut impl FnMut(&str, f64)) {
        for (asset, spot_usd) in self.plan.market.assets.iter().zip(&self.end.spot_usd) {
            put(&format!("terminal_spot_{}", asset.name), *spot_usd);
        }
        for (j, holding) in self.holdings.iter().enumerate() {
            let pnl_usd = holding.value_usd(self.spot_of_holding(j)) - holding.initial_usd;
            put(&format!("holding {j}"), pnl_usd);
        }
        for (h, leg) in self.legs.iter().enumerate() {
            put(&format!("hedge_{}_pnl_usd", h + 1), leg.pnl_usd);
        }
        for (account, plan) in self.accounts.iter().zip(&self.plan.accounts) {
            let name = &plan.name;
            put(
                &format!("account_{name}_peak_collateral_usd"),
                account.peak_posted_usd,
            );
            let is_liquidated = f64::from(u8::from(account.is_liquidated));
            put(&format!("account_{name}_liquidated"), is_liquidated);
        }
        let days = |step: u32| f64::from(step) * self.plan.simulation.step_days;
        for &(step, hedged_usd, unhedged_usd) in &self.record.interim_usd {
            let days = days(step);
            put(&format!("interim_hedged_pnl_usd_{days}d"), hedged_usd);
            put(&format!("interim_unhedged_pnl_usd_{days}d"), unhedged_usd);
        }
        for (venue, step, usd) in &self.record.exposures_usd {
            put(&format!("exposure_usd_{venue}_{}d", days(*step)), *usd);
        }
    }

    /// Hedged proceeds, production costs aside, per unit that there was to sell; there is none with several holdings.
    fn effective_price_usd(&self, hedged_usd: f64) -> f64 {
        match &self.holdings[..] {
            [holding] if holding.units_base > 0.0 => {
                (hedged_usd + holding.initial_usd + holding.production_cost_usd)
                    / holding.units_base
            }
            _ => f64::NAN,
        }
    }

    /// Largest rise of the running maximum of the requirement within a window.
    fn largest_call_usd(&self, window_days: f64) -> f64 {
        let required_usd = &self.record.required_usd;
        let fits = |steps: &usize| {
            *steps as f64 * self.plan.simulation.step_days <= window_days * (1.0 + 1e-9)
        };
        let steps = (1..required_usd.len()).take_while(fits).last().unwrap_or(1);
        (0..required_usd.len())
            .map(|to| required_usd[to] - required_usd[to.saturating_sub(steps)])
            .fold(0.0, f64::max)
    }
}

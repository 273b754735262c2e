//! Which columns beyond the fixed ones the outcomes of a plan hold, and where.

use crate::outcome::column::{Cell, Extra, FIXED_COLUMNS};
use crate::plan::types::{ContractPlan, HedgePlan, Plan};

const MINUTES_PER_DAY: f64 = 1440.0;
const MINUTES_PER_HOUR: f64 = 60.0;

/// The stored columns of an outcome: [`FIXED_COLUMNS`] of them, then extras.
///
/// A plain plan ([`Plan::is_plain`]) has the terminal spots alone. Every other one has roll, options, collateral revaluation and
/// the costs by purpose besides; what has no meaning for a plan (carry without a dated contract, results by hedge with one hedge)
/// is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    extras: Vec<(Extra, String)>,
    assets: Vec<String>,
}

impl Layout {
    /// The columns of a plan's outcomes.
    pub fn of(plan: &Plan) -> Self {
        let assets = plan.market.assets.iter().map(|asset| asset.name.clone());
        let mut layout = Self::plain(assets.collect());
        if plan.is_plain() {
            return layout;
        }
        let mut push = |extra: Extra, name: String| layout.extras.push((extra, name));
        for (extra, name) in [
            (Extra::Roll, "roll_usd"),
            (Extra::Options, "options_usd"),
            (Extra::CollateralRevaluation, "collateral_revaluation_usd"),
            (Extra::EntryCost, "entry_cost_usd"),
            (Extra::RebalancingCost, "rebalancing_cost_usd"),
            (Extra::RollCost, "roll_cost_usd"),
            (Extra::ExitCost, "exit_cost_usd"),
        ] {
            push(extra, name.to_owned());
        }
        if plan.hedges.iter().any(|hedge| may_hold_dated(plan, hedge)) {
            push(Extra::Carry, "carry_usd".to_owned());
            push(Extra::Curve, "curve_usd".to_owned());
        }
        if plan.report.liquidity_at_risk {
            push(Extra::LargestCall24h, "largest_call_24h_usd".to_owned());
            push(Extra::LargestCall7d, "largest_call_7d_usd".to_owned());
            push(Extra::CashInTransit, "cash_in_transit_usd".to_owned());
        }
        let holdings = holding_labels(plan);
        if holdings.len() > 1 {
            for (j, label) in holdings.iter().enumerate() {
                push(Extra::HoldingPnl(j), format!("holding_{label}_pnl_usd"));
            }
        }
        if plan.hedges.len() > 1 {
            for h in 0..plan.hedges.len() {
                push(Extra::HedgePnl(h), format!("hedge_{}_pnl_usd", h + 1));
            }
        }
        if plan.accounts.len() > 1 {
            for (a, account) in plan.accounts.iter().enumerate() {
                let name = format!("account_{}_peak_collateral_usd", account.name);
                push(Extra::AccountPeakCollateral(a), name);
            }
            for (a, account) in plan.accounts.iter().enumerate() {
                let name = format!("account_{}_liquidated", account.name);
                push(Extra::AccountLiquidated(a), name);
            }
        }
        let venues = venues(plan);
        for (date, label) in date_labels(plan).into_iter().enumerate() {
            push(
                Extra::InterimHedged(date),
                format!("interim_hedged_pnl_usd_{label}"),
            );
            push(
                Extra::InterimUnhedged(date),
                format!("interim_unhedged_pnl_usd_{label}"),
            );
            for (venue, name) in venues.iter().enumerate() {
                push(
                    Extra::Exposure { venue, date },
                    format!("exposure_usd_{name}_{label}"),
                );
            }
        }
        layout
    }

    /// The columns of a plain plan with these assets: their terminal spots.
    pub fn plain(assets: Vec<String>) -> Self {
        let spot =
            |(a, name): (usize, &String)| (Extra::TerminalSpot(a), format!("terminal_spot_{name}"));
        Self {
            extras: assets.iter().enumerate().map(spot).collect(),
            assets,
        }
    }

    /// The extras in the order of their storage, with their names in `outcomes.csv`; the terminal spots come first.
    pub fn extras(&self) -> &[(Extra, String)] {
        &self.extras
    }

    /// Names of the assets whose terminal spots are stored.
    pub fn assets(&self) -> &[String] {
        &self.assets
    }

    /// Number of stored columns.
    pub fn columns(&self) -> usize {
        FIXED_COLUMNS + self.extras.len()
    }

    /// Storage index of an extra; `None` where this plan does not store it.
    pub fn index(&self, extra: Extra) -> Option<usize> {
        self.extras
            .iter()
            .position(|(stored, _)| *stored == extra)
            .map(|at| FIXED_COLUMNS + at)
    }

    /// Storage index of a cell; `None` where this plan does not store it.
    pub fn cell(&self, cell: Cell) -> Option<usize> {
        match cell {
            Cell::Fixed(column) => Some(column as usize),
            Cell::Extra(extra) => self.index(extra),
        }
    }
}

/// Names of the venues with accounts, each once, in the order of the accounts: the `venue` of [`Extra::Exposure`].
pub fn venues(plan: &Plan) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for account in &plan.accounts {
        if !names.contains(&account.venue.as_str()) {
            names.push(&account.venue);
        }
    }
    names
}

/// Index of an account's venue in [`venues`].
pub fn venue_of(plan: &Plan, account: usize) -> usize {
    let name = &plan.accounts[account].venue;
    let position = venues(plan).iter().position(|venue| venue == name);
    position.unwrap_or(0)
}

/// A label for each holding: its asset's name, and a number from the second holding of that asset on (`ETH`, `BTC`, `ETH_2`).
pub fn holding_labels(plan: &Plan) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for holding in &plan.holdings {
        let name = &plan.market.assets[holding.asset].name;
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|label| !labels.contains(label));
        labels.extend(free);
    }
    labels
}

/// A label for each reporting date: `30d`, `12h`, `90m`.
pub fn date_labels(plan: &Plan) -> Vec<String> {
    let steps = plan.report.date_steps.iter();
    steps
        .map(|&step| duration_label(f64::from(step) * plan.simulation.step_days))
        .collect()
}

/// A duration in the largest unit in which it is whole, else in days.
fn duration_label(days: f64) -> String {
    let minutes = days * MINUTES_PER_DAY;
    for (unit, length) in [("d", MINUTES_PER_DAY), ("h", MINUTES_PER_HOUR), ("m", 1.0)] {
        let count = minutes / length;
        // Steps are fractions of a day in binary: whole up to their rounding.
        if (count - count.round()).abs() < 1e-9 * count.max(1.0) {
            return format!("{:.0}{unit}", count.round());
        }
    }
    format!("{days}d")
}

/// Whether a hedge is ever in a dated future.
fn may_hold_dated(plan: &Plan, hedge: &HedgePlan) -> bool {
    let is_dated = |contract: usize| {
        let contract: &ContractPlan = &plan.market.contracts[contract];
        contract.dated().is_some()
    };
    is_dated(hedge.contract) || hedge.switch.is_some_and(|switch| is_dated(switch.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::plan::types::{ContractKind, DatedPlan, Expiry, OuBasis};

    fn names(plan: &Plan) -> Vec<String> {
        let layout = Layout::of(plan);
        let names = layout.extras().iter().map(|(_, name)| name.clone());
        names.collect()
    }

    #[test]
    fn every_kind_of_extra_in_its_order() {
        let mut plan = eth_treasury();
        assert_eq!(names(&plan), ["terminal_spot_ETH"]);
        plan.report.date_steps = vec![90, 91];
        assert_eq!(
            names(&plan)[1..],
            [
                "roll_usd",
                "options_usd",
                "collateral_revaluation_usd",
                "entry_cost_usd",
                "rebalancing_cost_usd",
                "roll_cost_usd",
                "exit_cost_usd",
                "interim_hedged_pnl_usd_30d",
                "interim_unhedged_pnl_usd_30d",
                "exposure_usd_binance_30d",
                "interim_hedged_pnl_usd_728h",
                "interim_unhedged_pnl_usd_728h",
                "exposure_usd_binance_728h",
            ]
        );
        plan.report.date_steps.clear();
        plan.report.liquidity_at_risk = true;
        let carry = OuBasis::NONE;
        let expiry = Expiry {
            years: 0.5,
            step: 540,
            roll_step: None,
        };
        plan.market.contracts[0].kind = ContractKind::Dated(DatedPlan {
            carry,
            slope_per_year: 0.0,
            expiries: vec![expiry],
        });
        plan.holdings.push(plan.holdings[0].clone());
        plan.hedges.push(plan.hedges[0]);
        plan.accounts.push(plan.accounts[0].clone());
        plan.accounts[1].name = "other".into();
        assert_eq!(
            names(&plan)[8..],
            [
                "carry_usd",
                "curve_usd",
                "largest_call_24h_usd",
                "largest_call_7d_usd",
                "cash_in_transit_usd",
                "holding_ETH_pnl_usd",
                "holding_ETH_2_pnl_usd",
                "hedge_1_pnl_usd",
                "hedge_2_pnl_usd",
                "account_main_peak_collateral_usd",
                "account_other_peak_collateral_usd",
                "account_main_liquidated",
                "account_other_liquidated",
            ]
        );
        let layout = Layout::of(&plan);
        assert_eq!(layout.index(Extra::HedgePnl(1)), Some(FIXED_COLUMNS + 16));
        assert_eq!(layout.columns(), FIXED_COLUMNS + 21);
    }

    #[test]
    fn accounts_at_one_venue_share_its_exposure() {
        let mut plan = eth_treasury();
        for venue in ["bybit", "binance"] {
            plan.accounts.push(plan.accounts[0].clone());
            let last = plan.accounts.len() - 1;
            plan.accounts[last].venue = venue.into();
        }
        assert_eq!(venues(&plan), ["binance", "bybit"]);
        let of_accounts = [0, 1, 2].map(|account| venue_of(&plan, account));
        assert_eq!(of_accounts, [0, 1, 0]);
    }

    #[test]
    fn a_plain_layout_holds_the_terminal_spots() {
        let layout = Layout::plain(vec!["ETH".into(), "BTC".into()]);
        assert_eq!(layout.columns(), FIXED_COLUMNS + 2);
        assert_eq!(
            layout.index(Extra::TerminalSpot(1)),
            Some(FIXED_COLUMNS + 1)
        );
        assert_eq!(layout.index(Extra::Roll), None);
        assert_eq!(layout.extras()[0].1, "terminal_spot_ETH");
    }

    #[test]
    fn durations_are_labelled_in_their_largest_whole_unit() {
        for (days, label) in [
            (30.0, "30d"),
            (1.0 / 3.0 * 90.0, "30d"),
            (0.5, "12h"),
            (100.0 / 24.0, "100h"),
            (1.0 / 96.0, "15m"),
            (1.0 / 5760.0, "0.00017361111111111112d"),
        ] {
            assert_eq!(duration_label(days), label);
        }
    }
}

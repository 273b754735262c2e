//! Scenario texts that closed forms exist for, and the whole way from a text to its outcomes.

use std::sync::atomic::AtomicBool;

use hedgesim::engine::run::simulate;
use hedgesim::outcome::column::Column;
use hedgesim::outcome::table::OutcomeTable;
use hedgesim::plan::read::parse;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::Plan;

/// One coin at 100 USD held for 30 days and shorted 1:1 at a leverage of 5, maintenance margin 0.5 %: no drift, basis,
/// funding, fee or slippage, nothing topped up, daily steps.
pub const PLAIN: &str = r#"
title = "one coin held, one coin short"

[simulation]
horizon = "30d"
step = "1d"
paths = 200_000
seed = 1

[assets.X]
spot_usd = 100
model.gbm = { volatility = 0.60 }

[contracts.perp]
underlying = "X"
venue = "plain"
settlement = "linear"
perpetual.basis.ou = { mean = 0.0, initial = 0.0, volatility = 0.0, reversion_per_year = 0.0 }
perpetual.funding.constant = { rate_per_8h = 0.0 }

[venues.plain]
maintenance = [{ rate = "0.5%" }]
fees = { maker = 0.0, taker = 0.0, liquidation = 0.0 }
liquidation = { remainder = "returned", fee_in_trigger = false }

[[holdings]]
asset = "X"
quantity = 1
sell.at_horizon = {}

[[hedges]]
contract = "perp"
account = "main"
covers = "X"
ratio.fixed = 1.0
rebalance.never = {}

[accounts.main]
venue = "plain"
margin = "isolated"
collateral_usd = 20
reserve_usd = 0
liquidation = { slippage = 0.0, then.stay_flat = {} }
"#;

/// A plan and its outcomes.
pub struct Run {
    /// The plan.
    pub plan: Plan,
    /// Its outcomes.
    pub table: OutcomeTable,
}

/// The plan of a text with overrides `path=value`, one a line.
pub fn plan(text: &str, overrides: &str) -> Plan {
    let overrides: Vec<String> = overrides
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    parse("text", text, &overrides)
        .and_then(|loaded| resolve(&loaded))
        .unwrap_or_else(|problems| panic!("{overrides:?}\n{problems}"))
}

/// Simulates a plan.
pub fn outcomes(plan: &Plan) -> OutcomeTable {
    simulate(plan, &AtomicBool::new(false), &()).unwrap_or_else(|error| panic!("{error}"))
}

/// Simulates a text with overrides `path=value`, one a line.
pub fn run(text: &str, overrides: &str) -> Run {
    let plan = plan(text, overrides);
    let table = outcomes(&plan);
    Run { plan, table }
}

impl Run {
    /// A column in the order of the paths.
    pub fn column(&self, column: Column) -> Vec<f64> {
        self.table.values(column).collect()
    }

    /// Index of the asset of this name.
    pub fn asset(&self, name: &str) -> usize {
        let names = self.table.assets();
        names
            .iter()
            .position(|asset| asset == name)
            .unwrap_or_else(|| panic!("no asset {name} in {names:?}"))
    }

    /// Log of terminal spot over spot at time 0.
    pub fn log_returns(&self, asset: usize) -> Vec<f64> {
        let start = self.plan.market.assets[asset].spot_usd;
        self.table
            .values_at(self.table.terminal_spot(asset))
            .map(|spot| (spot / start).ln())
            .collect()
    }

    /// Terminal spots, USD.
    pub fn terminal_spots(&self, asset: usize) -> Vec<f64> {
        self.table
            .values_at(self.table.terminal_spot(asset))
            .collect()
    }

    /// Number of paths that were liquidated by the end of this day.
    pub fn liquidated_by(&self, day: f64) -> usize {
        self.table
            .values(Column::LiquidationDay)
            .filter(|&d| d <= day + 1e-9)
            .count()
    }

    /// Number of paths.
    pub fn paths(&self) -> usize {
        self.table.paths()
    }
}

//! The scenario simulated again with another volatility or correlation, on the same random numbers.

use std::sync::atomic::AtomicBool;

use crate::engine::run::{SimulationError, Watcher, simulate};
use crate::outcome::table::OutcomeTable;
use crate::outcome::weights::PathWeights;
use crate::plan::types::Plan;
use crate::stats::estimate::Estimate;
use crate::stats::level::ByName;
use crate::stats::summarise::{Detail, RunInfo, summarise};
use crate::stress::outcome::cash_needed_usd;
use crate::stress::settings::Settings;

/// The share of outcomes that a simulated shock is told by.
pub const TAIL: f64 = 0.01;

/// A simulation under other parameters, told by its worst outcomes. Money in USD.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// What is different.
    pub change: Change,
    /// First percentile of unhedged P&L.
    pub unhedged_p1_usd: f64,
    /// First percentile of hedged P&L.
    pub hedged_p1_usd: f64,
    /// Mean loss of the worst hundredth, hedged; positive is a loss.
    pub hedged_es99_usd: f64,
    /// Probability that an account is liquidated.
    pub liquidation: Estimate,
    /// Number of paths.
    pub paths: u64,
    /// 99th percentile of the collateral needed beyond that of time 0.
    pub cash_needed_p99_usd: f64,
}

/// What is different in a simulation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Nothing.
    None,
    /// Volatilities, with jumps, times this.
    Volatility(f64),
    /// Correlation of every pair of assets.
    Correlation(f64),
}

/// The scenario simulated with other parameters.
///
/// Where paths have weights, as under views, each keeps its own: the futures that are held to be likelier, under other parameters. Views held
/// anew would undo the shock where they speak of the same.
///
/// The hedge is that of the plan: it was sized before anybody knew. A correlation needs two assets; without them it is left out.
///
/// # Errors
/// The simulation's; a correlation that not all pairs of so many assets can have at once is no error here, see [`least_correlation`].
pub fn resimulated(
    plan: &Plan,
    settings: &Settings,
    weights: Option<&PathWeights>,
    (stop, watcher): (&AtomicBool, &dyn Watcher),
) -> Result<Vec<Simulated>, SimulationError> {
    let mut done = Vec::new();
    for change in changes(plan, settings) {
        let changed = changed(plan, change);
        let mut table = simulate(&changed, stop, watcher)?;
        if let Some(weights) = weights {
            table.set_weights(weights.clone());
        }
        done.push(Simulated::of(change, &table, &changed));
    }
    Ok(done)
}

/// What is simulated again.
pub(super) fn changes(plan: &Plan, settings: &Settings) -> Vec<Change> {
    let mut changes = vec![Change::Volatility(settings.volatility_factor)];
    if plan.market.assets.len() > 1 {
        changes.push(Change::Correlation(settings.correlation));
    }
    changes
}

/// The least correlation that all pairs of so many assets can have at once: `-1 / (n - 1)`.
pub fn least_correlation(assets: usize) -> f64 {
    -1.0 / (assets.max(2) - 1) as f64
}

fn changed(plan: &Plan, change: Change) -> Plan {
    let mut plan = plan.clone();
    match change {
        Change::None => {}
        Change::Volatility(factor) => {
            for asset in &mut plan.market.assets {
                asset.volatility_annual *= factor;
                // Variance from jumps is proportional to their rate: all of it grows by the square.
                if let Some(jumps) = &mut asset.jumps {
                    jumps.jumps_per_year *= factor * factor;
                }
            }
            for contract in &mut plan.market.contracts {
                if let Some(impact) = &mut contract.liquidity.impact {
                    impact.daily_volatility *= factor;
                }
            }
        }
        Change::Correlation(correlation) => {
            let n = plan.market.assets.len();
            for (place, entry) in plan.market.correlation.iter_mut().enumerate() {
                if place / n != place % n {
                    *entry = correlation;
                }
            }
        }
    }
    plan
}

impl Simulated {
    /// What a table of outcomes says.
    pub(super) fn of(change: Change, table: &OutcomeTable, plan: &Plan) -> Self {
        let summary = summarise(table, plan, Detail::Everything, &RunInfo::default());
        let at = |values: &ByName, key: &str| {
            let estimate = values.get(key).and_then(|estimate| estimate.value);
            estimate.unwrap_or(f64::NAN)
        };
        let required_usd = at(&summary.collateral.required.percentiles, "p99");
        Self {
            change,
            unhedged_p1_usd: at(&summary.unhedged.percentiles, "p1"),
            hedged_p1_usd: at(&summary.hedged.percentiles, "p1"),
            hedged_es99_usd: summary.hedged.es99.value.unwrap_or(f64::NAN),
            liquidation: summary.liquidation.probability,
            paths: summary.paths,
            cash_needed_p99_usd: cash_needed_usd(required_usd, plan),
        }
    }

    /// Probability that an account is liquidated.
    pub fn liquidation_probability(&self) -> f64 {
        self.liquidation.value.unwrap_or(0.0)
    }

    /// Whether at least one path in a hundred is liquidated: as likely as the outcomes that it is told by.
    pub fn liquidates(&self) -> bool {
        self.liquidation_probability() >= TAIL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;

    #[test]
    fn a_volatility_scales_with_its_jumps_and_a_correlation_is_that_of_all_pairs() {
        let mut plan = eth_treasury();
        let asset = plan.market.assets[0].clone();
        plan.market.assets = vec![asset.clone(), asset.clone(), asset];
        plan.market.correlation = vec![1.0; 9];
        let wild = changed(&plan, Change::Volatility(3.0));
        assert!((wild.market.assets[1].volatility_annual - 1.8).abs() < 1e-12);
        let jumps = wild.market.assets[2].jumps.unwrap();
        assert!((jumps.jumps_per_year - 54.0).abs() < 1e-12);
        let loose = changed(&plan, Change::Correlation(-0.25));
        let (one, other) = (1.0, -0.25);
        assert_eq!(
            loose.market.correlation,
            [one, other, other, other, one, other, other, other, one]
        );
        assert!((least_correlation(3) + 0.5).abs() < 1e-15);
    }

    #[test]
    fn a_higher_volatility_is_worse() {
        let mut plan = eth_treasury();
        plan.simulation.paths = 2_000;
        let stop = AtomicBool::new(false);
        let table = simulate(&plan, &stop, &()).unwrap();
        let same = Simulated::of(Change::None, &table, &plan);
        let done = resimulated(&plan, &Settings::default(), None, (&stop, &())).unwrap();
        let [wild] = &done[..] else {
            panic!("one asset has no correlation");
        };
        assert_eq!(wild.change, Change::Volatility(2.0));
        assert!(
            wild.unhedged_p1_usd < same.unhedged_p1_usd && wild.hedged_p1_usd < same.hedged_p1_usd
        );
        assert!(wild.liquidation_probability() > same.liquidation_probability());
        assert!(wild.cash_needed_p99_usd > same.cash_needed_p99_usd);
        assert!(wild.hedged_es99_usd > -wild.hedged_p1_usd && wild.liquidates());
    }
}

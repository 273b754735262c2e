//! From a scenario to a plan: names become indices, units become one, combinations are checked.

pub mod account;
pub mod contract;
pub mod correlation;
pub mod draft;
pub mod expiry;
pub mod grid;
pub mod hedge;
pub mod holding;
pub mod liquidity;
pub mod market;
pub mod option;
pub mod own_venue;
pub mod perpetual;
pub mod position;
pub mod process;
pub mod refusal;
pub mod report;
pub mod setting;
pub mod venue;
pub mod words;

use crate::plan::resolve::setting::{Notes, Setting};
use crate::plan::types::{HedgePlan, Plan, StressPlan};
use crate::scenario::load::Loaded;
use crate::scenario::problem::Problems;
use crate::scenario::settings::{Execution, Financing};
use crate::scenario::sink::Sink;
use crate::scenario::whole::Scenario;

/// Resolves a scenario that was read.
///
/// # Errors
/// Everything that does not fit together, at once, each with its place.
pub fn resolve(loaded: &Loaded) -> Result<Plan, Problems> {
    let sink = Sink::default();
    draft::check(&loaded.draft, &sink);
    let plan = resolve_scenario(&loaded.scenario, &sink);
    let problems = sink.into_problems();
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(Problems::new(loaded.sources.clone(), problems)),
    }
}

fn resolve_scenario(scenario: &Scenario, sink: &Sink) -> Option<Plan> {
    let Scenario {
        title,
        simulation,
        assets,
        correlations,
        contracts,
        venues,
        holdings,
        hedges,
        accounts,
        execution,
        financing,
        report,
        limits,
    } = scenario;
    let (grid, simulation) = grid::simulation(title.as_ref(), simulation, sink)?;
    let setting = Setting {
        assets,
        venues,
        grid: &grid,
        liquidity: None,
        notes: Notes::default(),
        sink,
    };
    let market = market::market(correlations, contracts, &setting);
    let holdings = holdings
        .iter()
        .map(|holding| holding::holding(holding, &setting))
        .collect();
    let accounts = accounts
        .iter()
        .map(|account| account::account(account, &setting))
        .collect();
    let (holdings, accounts) = (all(holdings), all(accounts));
    let (market, holdings, accounts) = (market?, holdings?, accounts?);
    let context = hedge::Context {
        scenario,
        market: &market,
        holdings: &holdings,
        accounts: &accounts,
        grid: &grid,
    };
    let hedges = all(hedges
        .iter()
        .map(|hedge| hedge::hedge(hedge, &context, sink))
        .collect())?;
    note_unused(scenario, &hedges, &setting);
    let slippage = execution
        .as_ref()
        .and_then(|Execution { slippage }| slippage.as_ref());
    let cost_of_funds = financing.as_ref().and_then(
        |Financing {
             cost_of_funds_annual,
         }| cost_of_funds_annual.as_ref(),
    );
    Some(Plan {
        simulation,
        market,
        holdings,
        hedges,
        accounts,
        execution_slippage_frac: slippage.map_or(0.0, |given| given.value.0),
        stress: StressPlan::NONE,
        cost_of_funds_annual: cost_of_funds.map_or(0.0, |given| given.value.0),
        report: report::report(report.as_ref(), limits, setting.notes.into_list()),
    })
}

/// Notes what the scenario describes and its hedge does not need.
fn note_unused(scenario: &Scenario, hedges: &[HedgePlan], setting: &Setting<'_>) {
    for (index, contract) in scenario.contracts.iter().enumerate() {
        if hedges.iter().all(|hedge| hedge.contract != index) {
            let name = &contract.name.value;
            let note = format!("The contract {name} is simulated and no hedge uses it.");
            setting.notes.add(note);
        }
    }
    for venue in &scenario.venues {
        let name = &venue.name.value;
        let is_used = scenario
            .contracts
            .iter()
            .map(|contract| &contract.venue)
            .chain(scenario.accounts.iter().map(|account| &account.venue))
            .any(|used| used.value == *name);
        if !is_used {
            let note = format!("The venue {name} is described and nothing uses it.");
            setting.notes.add(note);
        }
    }
}

/// All of them, or none: every one has been looked at by then.
fn all<T>(list: Vec<Option<T>>) -> Option<Vec<T>> {
    list.into_iter().collect()
}

//! From a scenario to a plan: names become indices, units become one, combinations are checked.

pub mod account;
pub mod beta;
pub mod coins;
pub mod contract;
pub mod correlation;
pub mod draft;
pub mod expiry;
pub mod grid;
pub mod hedge;
pub mod holding;
pub mod links;
pub mod liquidity;
pub mod margin;
pub mod market;
pub mod option;
pub mod order;
pub mod own_venue;
pub mod perpetual;
pub mod position;
pub mod process;
pub mod ratio;
pub mod refusal;
pub mod report;
pub mod rolls;
pub mod sales;
pub mod setting;
pub mod switch;
pub mod transfers;
pub mod venue;
pub mod views;
pub mod words;

use crate::plan::pilot::{Pilot, PilotPlan, RatioEstimate};
use crate::plan::resolve::account::Surroundings;
use crate::plan::resolve::hedge::Resolved;
use crate::plan::resolve::margin::Book;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::{Notes, Setting};
use crate::plan::types::{AccountPlan, HedgePlan, Plan, ReportPlan};
use crate::plan::views::ViewsPlan;
use crate::scenario::load::Loaded;
use crate::scenario::problem::Problems;
use crate::scenario::settings::Financing;
use crate::scenario::sink::Sink;
use crate::scenario::whole::Scenario;

/// Resolves a scenario that was read and needs no pilot simulation.
///
/// # Errors
/// Everything that does not fit together, at once, each with its place; a ratio that takes a pilot simulation is one of them.
pub fn resolve(loaded: &Loaded) -> Result<Plan, Problems> {
    let (plan, questions) = resolve_once(loaded, &[])?;
    if questions.is_empty() {
        return Ok(plan);
    }
    let problems = questions.iter().map(|question| {
        let given = &loaded.scenario.hedges[question.hedge].ratio.given;
        let allowed = "where a pilot simulation can be run first";
        Refusal::out_of_place(given, allowed, "this model has no formula for it")
    });
    Err(Problems::new(loaded.sources.clone(), problems.collect()))
}

/// Resolves a scenario that was read; `pilot` finds the ratios of least variance that no formula gives.
///
/// The result depends on the scenario and on the pilot's answers alone.
///
/// # Errors
/// Everything that does not fit together, at once, each with its place.
///
/// # Panics
/// If the pilot does not answer every question.
pub fn resolve_with(loaded: &Loaded, pilot: Pilot<'_>) -> Result<Plan, Problems> {
    let (plan, questions) = resolve_once(loaded, &[])?;
    if questions.is_empty() {
        return Ok(plan);
    }
    let hedges = questions.iter().map(|question| question.hedge);
    let answers: Vec<(usize, RatioEstimate)> = hedges.zip(pilot(&plan, &questions)).collect();
    let (plan, left) = resolve_once(loaded, &answers)?;
    assert!(left.is_empty(), "the pilot leaves questions: {left:?}");
    Ok(plan)
}

/// The plan, with a ratio of 0 where a question is left.
fn resolve_once(
    loaded: &Loaded,
    estimates: &[(usize, RatioEstimate)],
) -> Result<(Plan, Vec<PilotPlan>), Problems> {
    let sink = Sink::default();
    draft::check(&loaded.draft, &sink);
    let found = resolve_scenario(&loaded.scenario, estimates, &sink);
    let problems = sink.into_problems();
    match found {
        Some((mut plan, questions)) if problems.is_empty() => {
            plan.report.notes.extend(loaded.notes.iter().cloned());
            Ok((plan, questions))
        }
        _ => Err(Problems::new(loaded.sources.clone(), problems)),
    }
}

fn resolve_scenario(
    scenario: &Scenario,
    estimates: &[(usize, RatioEstimate)],
    sink: &Sink,
) -> Option<(Plan, Vec<PilotPlan>)> {
    let Scenario {
        title,
        simulation,
        assets,
        correlations,
        contracts,
        venues,
        holdings,
        hedges,
        accounts: _,
        execution,
        financing,
        report,
        limits,
        views,
    } = scenario;
    let (grid, simulation) = grid::simulation(title.as_ref(), simulation, sink)?;
    let execution = execution.as_ref();
    let setting = Setting {
        assets,
        venues,
        grid: &grid,
        liquidity: execution.map(|execution| &execution.liquidity),
        notes: Notes::default(),
        sink,
    };
    let market = market::market(correlations, contracts, &setting);
    let holdings = holdings
        .iter()
        .map(|holding| holding::holding(holding, &setting))
        .collect();
    let links = hedges
        .iter()
        .map(|hedge| links::link(hedge, scenario, sink))
        .collect();
    let views = views::views(views, &setting);
    let report = report::report(report.as_ref(), limits, &setting);
    let (holdings, links) = (all(holdings), all(links));
    let (mut market, holdings, links, views) = (market?, holdings?, links?, views?);
    let are_rolled = rolls::extend(hedges, &links, &mut market, &setting);
    let are_linked = links::are_at_their_venues(scenario, &links, sink)
        & links::are_modes_kept(scenario, &links, sink);
    let around = Surroundings {
        market: &market,
        holdings: &holdings,
        links: &links,
    };
    let accounts = accounts(scenario, around, &setting);
    let context = hedge::Context {
        setting: &setting,
        execution,
        market: &market,
        holdings: &holdings,
        estimates,
    };
    let resolved = hedges
        .iter()
        .enumerate()
        .zip(&links)
        .map(|(hedge, link)| hedge::hedge(hedge, link, &context))
        .collect();
    let (accounts, resolved): (Vec<AccountPlan>, Vec<Resolved>) = (accounts?, all(resolved)?);
    let questions: Vec<PilotPlan> = resolved.iter().filter_map(|hedge| hedge.ask).collect();
    let hedges: Vec<HedgePlan> = resolved.iter().map(|hedge| hedge.plan).collect();
    let book = Book {
        scenario,
        market: &market,
        holdings: &holdings,
        accounts: &accounts,
        hedges: &hedges,
    };
    let are_taken = are_margined(book, &questions, &setting);
    note_unused(scenario, &hedges, &setting);
    let cost_of_funds = financing.as_ref().and_then(
        |Financing {
             cost_of_funds_annual,
         }| cost_of_funds_annual.as_ref(),
    );
    let plan = Plan {
        simulation,
        holdings,
        hedges,
        accounts,
        market,
        execution_slippage_frac: order::slippage(execution),
        stress: order::stress(execution),
        cost_of_funds_annual: cost_of_funds.map_or(0.0, |given| given.value.0),
        report: ReportPlan {
            notes: setting.notes.into_list(),
            views: ViewsPlan {
                list: views,
                ..report.views
            },
            ..report
        },
    };
    (are_rolled.is_some() && are_linked && are_taken).then_some((plan, questions))
}

fn accounts(
    scenario: &Scenario,
    around: Surroundings<'_>,
    setting: &Setting<'_>,
) -> Option<Vec<AccountPlan>> {
    let currencies = links::currencies(scenario, around.links, around.market, setting.sink)?;
    let accounts = scenario
        .accounts
        .iter()
        .enumerate()
        .zip(currencies)
        .map(|(given, currency)| account::account(given, currency, around, setting))
        .collect();
    all(accounts)
}

/// Whether the venues take all hedges whose size is known, and what is posted is held; else that is noted.
fn are_margined(book: Book<'_>, questions: &[PilotPlan], setting: &Setting<'_>) -> bool {
    let is_open = |account: usize| {
        questions
            .iter()
            .any(|question| book.hedges[question.hedge].account == account)
    };
    let mut are_taken =
        coins::are_posted_coins_held(book.scenario, book.accounts, book.holdings, setting);
    for index in (0..book.accounts.len()).filter(|index| !is_open(*index)) {
        are_taken &= margin::is_taken(index, book, setting.sink);
    }
    are_taken
}

/// Notes what the scenario describes and its hedge does not need.
fn note_unused(scenario: &Scenario, hedges: &[HedgePlan], setting: &Setting<'_>) {
    for (index, contract) in scenario.contracts.iter().enumerate() {
        let is_used = |hedge: &HedgePlan| {
            hedge.contract == index || hedge.switch.is_some_and(|switch| switch.to == index)
        };
        if !hedges.iter().any(is_used) {
            let name = &contract.name.value;
            let note = format!("No hedge uses the contract {name}.");
            setting.notes.add(note);
        }
    }
    for (index, account) in scenario.accounts.iter().enumerate() {
        if hedges.iter().all(|hedge| hedge.account != index) {
            let name = &account.name.value;
            let note = format!("The account {name} margins no hedge.");
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

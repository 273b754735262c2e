//! The checks that need only parts of a scenario: names, the grid, values of one table against each other.
//!
//! They are made of whatever could be read, so that one value that cannot be read hides no other problem. A check whose
//! own inputs are not there is left out.

use crate::plan::resolve::refusal::{Refusal, noted_index};
use crate::plan::resolve::{
    account, correlation, expiry, grid, links, market, own_venue, perpetual, report, sales, venue,
};
use crate::scenario::contract::KindChoice;
use crate::scenario::draft::{ContractDraft, Draft, HedgeDraft, MarginCallDraft};
use crate::scenario::expiry::ExpiryChoice;
use crate::scenario::perpetual::Funding;
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;
use crate::venue::preset::{self, PresetFunding};

/// The step, and the horizon where it could be read.
#[derive(Clone, Copy)]
struct Clock<'a> {
    step: &'a Given<Span>,
    horizon: Option<Span>,
}

/// Notes every problem that the parts of a scenario show.
pub fn check(draft: &Draft, sink: &Sink) {
    let clock = clock(draft, sink);
    if let Some(clock) = clock {
        times(draft, clock, sink);
    }
    if let Some(horizon) = &draft.horizon {
        for drift in &draft.drifts {
            market::bounded_growth(drift, horizon.value, sink);
        }
    }
    for jumps in &draft.jumps {
        market::jumps(jumps, sink);
    }
    for brackets in &draft.brackets {
        own_venue::brackets(brackets, sink);
    }
    for MarginCallDraft {
        level,
        target,
        release,
    } in &draft.margin_calls
    {
        account::ratios_descend(level.as_ref(), target.as_ref(), release.as_ref(), sink);
    }
    for (quantity, sales) in &draft.schedules {
        sales::is_covered(quantity.value.0, sales, sink);
    }
    for contract in &draft.contracts {
        check_contract(contract, draft, clock, sink);
    }
    let assets = present(draft.names.assets.as_ref());
    if let Some(assets) = &assets {
        let named = draft.coins.iter().chain(&draft.view_assets);
        for asset in draft.holdings.iter().flatten().chain(named) {
            noted_index(asset, assets, "under [assets]", sink);
        }
        let pairs = draft.pairs.iter().map(|(first, second)| (first, second));
        correlation::pairs(pairs, assets, sink);
    }
    let held: Vec<&Given<String>> = draft.holdings.iter().flatten().collect();
    for (index, asset) in held.iter().enumerate() {
        if held[..index].iter().any(|other| other.value == asset.value) {
            let allowed = "an asset of which no other holding is";
            sink.push(Refusal::does_not_fit(
                asset,
                allowed,
                "one holding an asset",
            ));
        }
    }
    if let Some(contracts) = present(draft.names.contracts.as_ref()) {
        for to in &draft.switches {
            noted_index(to, &contracts, "under [contracts]", sink);
        }
    }
    for account in &draft.accounts {
        if let Some(wanted) = &account.venue {
            is_known_venue(wanted, draft, sink);
        }
    }
    for hedge in &draft.hedges {
        check_hedge(hedge, draft, assets.as_deref(), sink);
    }
}

/// The step, if it could be read and fits the horizon.
fn clock<'a>(draft: &'a Draft, sink: &Sink) -> Option<Clock<'a>> {
    let step = draft.step.as_ref()?;
    let horizon = draft.horizon.as_ref().map(|given| given.value);
    if let Some(horizon) = horizon {
        grid::steps_in_horizon(horizon, step, sink)?;
    }
    Some(Clock { step, horizon })
}

fn times(draft: &Draft, clock: Clock<'_>, sink: &Sink) {
    let step = clock.step.value;
    for time in &draft.times {
        grid::steps(time, step, sink);
    }
    for delay in &draft.delays {
        grid::delay_steps(delay, step, sink);
    }
    for at in &draft.sale_dates {
        sales::sale_step(at, step, clock.horizon, sink);
    }
    for date in &draft.report_dates {
        report::date_step(date, step, clock.horizon, sink);
    }
}

fn check_contract(contract: &ContractDraft, draft: &Draft, clock: Option<Clock<'_>>, sink: &Sink) {
    let assets = present(draft.names.assets.as_ref());
    let underlying = contract.underlying.as_ref().filter(|given| {
        assets
            .as_ref()
            .is_some_and(|assets| noted_index(given, assets, "under [assets]", sink).is_some())
    });
    let preset = preset_funding(contract, underlying, draft, sink);
    if let (Some(clock), Some(given)) = (clock, &contract.expiry) {
        check_expiry(given, draft, clock, sink);
    }
    let (Some(clock), Some(funding)) = (clock, &contract.funding) else {
        return;
    };
    let is_own_matter = match funding {
        Some(Funding::Constant { .. }) => true,
        Some(Funding::PremiumFormula { interval, .. }) => interval.is_some(),
        None => false,
    };
    if preset.is_none() && !is_own_matter {
        return;
    }
    if let Some(interval) = perpetual::interval(funding.as_ref(), preset.flatten()) {
        perpetual::interval_steps(interval, &contract.name, clock.step, clock.horizon, sink);
    }
}

/// An expiry on the grid; a date only where it is known whether there is a start.
fn check_expiry(given: &Given<ExpiryChoice>, draft: &Draft, clock: Clock<'_>, sink: &Sink) {
    let is_date = !matches!(given.value, ExpiryChoice::After(_));
    if is_date && draft.start.is_none() {
        return;
    }
    let start = draft.start.as_ref().and_then(Option::as_ref);
    let dates = expiry::Dates {
        step: clock.step,
        horizon: clock.horizon,
        start: start.map(|given| given.value),
    };
    expiry::expiry(given, dates, sink);
}

/// The funding that a contract's venue brings: `Some(None)` at a venue of the scenario's own, `None` if it cannot be
/// told.
#[expect(
    clippy::option_option,
    reason = "no preset and an unknown one are two things"
)]
fn preset_funding(
    contract: &ContractDraft,
    underlying: Option<&Given<String>>,
    draft: &Draft,
    sink: &Sink,
) -> Option<Option<PresetFunding>> {
    let wanted = contract.venue.as_ref()?;
    if !is_known_venue(wanted, draft, sink) {
        return None;
    }
    if draft.names.venues.as_ref()?.contains(&wanted.value) {
        return Some(None);
    }
    let preset = preset::find(&wanted.value)?;
    let is_option = contract.kind == Some(KindChoice::Option);
    let given = match &contract.listing {
        Some(given) => given.as_ref(),
        None if is_option => None,
        None => return None,
    };
    let wanted = venue::Wanted {
        name: &contract.name,
        venue: wanted,
        listing: given,
        underlying,
        kind: contract.kind,
        settlement: contract.settlement.as_ref().and_then(Option::as_ref),
    };
    venue::listing(preset, wanted, sink).map(|listing| listing.funding)
}

/// Whether a venue is a preset or the scenario's own; else that is noted, if all of its own could be read.
fn is_known_venue(wanted: &Given<String>, draft: &Draft, sink: &Sink) -> bool {
    let is_preset = preset::find(&wanted.value).is_some();
    let Some(own) = &draft.names.venues else {
        return is_preset;
    };
    let is_known = is_preset || own.contains(&wanted.value);
    if !is_known {
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        sink.push(venue::unknown_venue(wanted, &own));
    }
    is_known
}

fn check_hedge(hedge: &HedgeDraft, draft: &Draft, assets: Option<&[&str]>, sink: &Sink) {
    let HedgeDraft {
        contract,
        account,
        covers,
    } = hedge;
    let is_known = |given: &Given<String>, names: Option<&Vec<String>>, home| {
        present(names).is_none_or(|names| noted_index(given, &names, home, sink).is_some())
    };
    let names = &draft.names;
    let contract = contract
        .as_ref()
        .filter(|given| is_known(given, names.contracts.as_ref(), "under [contracts]"));
    let account = account
        .as_ref()
        .filter(|given| is_known(given, names.accounts.as_ref(), "under [accounts]"));
    if let (Some(covers), Some(assets)) = (covers, assets) {
        check_covers(covers, draft, assets, sink);
    }
    let at_venue = draft
        .contracts
        .iter()
        .find(|other| contract.is_some_and(|given| given.value == other.name.value))
        .and_then(|contract| contract.venue.as_ref());
    let account_venue = draft
        .accounts
        .iter()
        .find(|other| account.is_some_and(|given| given.value == other.name.value))
        .and_then(|account| account.venue.as_ref());
    if let (Some(contract), Some(at_venue), Some(account_venue)) =
        (contract, at_venue, account_venue)
        && is_known_venue(at_venue, draft, sink)
        && is_known_venue(account_venue, draft, sink)
    {
        links::is_at_same_venue(&contract.value, at_venue, account_venue, sink);
    }
}

/// What a hedge covers is held; where it cannot be told what is held, it is at least an asset.
fn check_covers(covers: &Given<String>, draft: &Draft, assets: &[&str], sink: &Sink) {
    let held: Option<Vec<&str>> = draft
        .holdings
        .iter()
        .map(|given| given.as_ref().map(|given| given.value.as_str()))
        .collect();
    let held =
        held.filter(|held| !held.is_empty() && held.iter().all(|asset| assets.contains(asset)));
    if let Some(held) = held {
        noted_index(covers, &held, "among the assets of [[holdings]]", sink);
    } else if !assets.contains(&covers.value.as_str()) {
        let allowed = assets.iter().map(|name| (*name).to_owned()).collect();
        sink.push(Refusal::unknown_name(covers, allowed, "under [assets]"));
    }
}

/// The names, if there are any: a table without entries is refused already.
fn present(names: Option<&Vec<String>>) -> Option<Vec<&str>> {
    let names = names?;
    (!names.is_empty()).then(|| names.iter().map(String::as_str).collect())
}

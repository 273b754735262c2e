//! What a hedge refers to, by index, and whether those things go together.

use crate::plan::resolve::refusal::{Refusal, noted_index};
use crate::plan::types::{ContractKind, ContractSettlement, MarketPlan, SettlementCurrency};
use crate::scenario::account::MarginMode;
use crate::scenario::hedge::Hedge;
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::whole::Scenario;

/// What a hedge refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Index of the contract.
    pub contract: usize,
    /// Index of the account.
    pub account: usize,
    /// Index of the holding.
    pub covers: usize,
    /// Index of the contract that it may switch to.
    pub switch_to: Option<usize>,
}

/// The links of one hedge; `None` where a problem was noted.
pub fn link(hedge: &Hedge, scenario: &Scenario, sink: &Sink) -> Option<Link> {
    let contracts: Vec<&str> = scenario
        .contracts
        .iter()
        .map(|contract| contract.name.value.as_str())
        .collect();
    let accounts: Vec<&str> = scenario
        .accounts
        .iter()
        .map(|account| account.name.value.as_str())
        .collect();
    let held: Vec<&str> = scenario
        .holdings
        .iter()
        .map(|holding| holding.asset.value.as_str())
        .collect();
    let find = |given, names: &[&str], home| noted_index(given, names, home, sink);
    let contract = find(&hedge.contract, &contracts, "under [contracts]");
    let account = find(&hedge.account, &accounts, "under [accounts]");
    let covers = find(&hedge.covers, &held, "among the assets of [[holdings]]");
    let switch_to = match &hedge.switch {
        None => Some(None),
        Some(switch) => find(&switch.to, &contracts, "under [contracts]").map(Some),
    };
    Some(Link {
        contract: contract?,
        account: account?,
        covers: covers?,
        switch_to: switch_to?,
    })
}

/// Whether each account is at the venue of its hedges' contracts, all of which are known; else that is noted.
pub fn are_at_their_venues(scenario: &Scenario, links: &[Link], sink: &Sink) -> bool {
    let mut are_there = true;
    for link in links {
        let account_venue = &scenario.accounts[link.account].venue;
        for index in [Some(link.contract), link.switch_to].into_iter().flatten() {
            let contract = &scenario.contracts[index];
            are_there &=
                is_at_same_venue(&contract.name.value, &contract.venue, account_venue, sink);
        }
    }
    are_there
}

/// Whether an account is at the venue of a contract; else that is noted.
pub fn is_at_same_venue(
    contract: &str,
    at_venue: &Given<String>,
    account_venue: &Given<String>,
    sink: &Sink,
) -> bool {
    let is_same = at_venue.value == account_venue.value;
    if !is_same {
        let allowed = format!("\"{}\", the venue of `{contract}`", at_venue.value);
        let reason = "an account margins the contracts of its own venue";
        sink.push(Refusal::does_not_fit(account_venue, allowed, reason));
    }
    is_same
}

/// The currency of each account, from the contracts of its hedges; `None` where contracts of one account settle in different currencies, which
/// is noted. An account without a hedge is kept in USD.
pub fn currencies(
    scenario: &Scenario,
    links: &[Link],
    market: &MarketPlan,
    sink: &Sink,
) -> Option<Vec<SettlementCurrency>> {
    let mut found: Vec<Option<SettlementCurrency>> = vec![None; scenario.accounts.len()];
    let mut is_valid = true;
    for (hedge, link) in scenario.hedges.iter().zip(links) {
        let here = settlement_currency(market, link.contract);
        let account = &mut found[link.account];
        let switched = link.switch_to.map(|to| settlement_currency(market, to));
        if switched.is_some_and(|other| other != here) {
            if let Some(switch) = &hedge.switch {
                let allowed = format!("a contract that settles in {}", unit(here, market));
                let reason = "both contracts are margined in one account";
                sink.push(Refusal::does_not_fit(&switch.to, allowed, reason));
            }
            is_valid = false;
        }
        match *account {
            None => *account = Some(here),
            Some(kept) if kept == here => {}
            Some(kept) => {
                let allowed = format!("an account that is kept in {}", unit(here, market));
                let reason = format!(
                    "it is kept in {}, in which an earlier hedge of it settles",
                    unit(kept, market)
                );
                sink.push(Refusal::does_not_fit(&hedge.account, allowed, reason));
                is_valid = false;
            }
        }
    }
    let usd = SettlementCurrency::Usd;
    is_valid.then(|| found.into_iter().map(|kept| kept.unwrap_or(usd)).collect())
}

/// Whether each isolated account has one hedge at most; else that is noted.
pub fn are_modes_kept(scenario: &Scenario, links: &[Link], sink: &Sink) -> bool {
    let mut are_kept = true;
    for (index, (hedge, link)) in scenario.hedges.iter().zip(links).enumerate() {
        let mode = scenario.accounts[link.account].margin.as_ref();
        let is_cross = mode.is_some_and(|mode| mode.value == MarginMode::Cross);
        let is_second = links[..index]
            .iter()
            .any(|other| other.account == link.account);
        if is_second && !is_cross {
            let allowed = "an account without another hedge, or one with margin = \"cross\"";
            let reason = "an isolated account takes one hedge";
            sink.push(Refusal::does_not_fit(&hedge.account, allowed, reason));
            are_kept = false;
        }
    }
    are_kept
}

/// The currency in which a contract settles.
pub fn settlement_currency(market: &MarketPlan, contract: usize) -> SettlementCurrency {
    let contract = &market.contracts[contract];
    match contract.settlement {
        ContractSettlement::Linear => SettlementCurrency::Usd,
        ContractSettlement::Inverse => SettlementCurrency::Coin {
            asset: contract.underlying,
        },
    }
}

/// The name of a currency.
pub fn unit(currency: SettlementCurrency, market: &MarketPlan) -> String {
    match currency {
        SettlementCurrency::Usd => "USD".to_owned(),
        SettlementCurrency::Coin { asset } => market.assets[asset].name.clone(),
    }
}

/// A kind of contract in words.
pub fn kind_in_words(kind: &ContractKind) -> &'static str {
    match kind {
        ContractKind::Perpetual { .. } => "a perpetual",
        ContractKind::Dated(_) => "a dated future",
        ContractKind::Option(_) => "an option",
    }
}

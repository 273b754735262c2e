//! A contract: its underlying, its kind, its size, its venue's rules.

use crate::plan::resolve::expiry::{Dates, expiry};
use crate::plan::resolve::liquidity::liquidity;
use crate::plan::resolve::option::option;
use crate::plan::resolve::perpetual::perpetual;
use crate::plan::resolve::process::process;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::venue::{self, VenueTerms};
use crate::plan::types::{
    AssetPlan, ContractKind, ContractPlan, ContractSettlement, DatedPlan, Expiry,
};
use crate::scenario::contract::{Contract, Kind, Settlement};
use crate::scenario::dated::Dated;
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;

/// Resolves one contract; `assets` are those of the scenario, `None` where a problem was noted.
pub fn contract(
    contract: &Contract,
    assets: &[Option<AssetPlan>],
    setting: &Setting<'_>,
) -> Option<ContractPlan> {
    let Contract {
        name,
        underlying,
        venue: venue_name,
        listing: _,
        settlement: _,
        contract_size_usd: _,
        contract_size: _,
        kind,
        liquidity: own_liquidity,
    } = contract;
    let index = setting.asset_index(underlying);
    let terms = venue::terms(contract, index.map(|_| underlying), setting);
    let (index, terms) = (index?, terms?);
    let size = contract_size(contract, &terms, setting.sink);
    let spot_usd = setting.assets[index].spot_usd.value.0;
    let kind = match kind {
        Kind::Perpetual(given) => perpetual(given, name, &venue_name.value, terms.funding, setting),
        Kind::Dated(given) => dated(given, name, setting).map(ContractKind::Dated),
        Kind::Option(given) => {
            option(given, spot_usd, terms.options, setting).map(ContractKind::Option)
        }
    };
    let asset = assets.get(index)?.as_ref()?;
    Some(ContractPlan {
        name: name.value.clone(),
        underlying: index,
        kind: kind?,
        settlement: match terms.settlement {
            Settlement::Linear => ContractSettlement::Linear,
            Settlement::Inverse => ContractSettlement::Inverse,
        },
        contract_size: size.ok()?,
        liquidity: liquidity(own_liquidity.as_ref(), setting.liquidity, asset),
        rules: terms.rules,
    })
}

/// A dated future; its chain has one contract until a hedge rolls it.
fn dated(dated: &Dated, name: &Given<String>, setting: &Setting<'_>) -> Option<DatedPlan> {
    let Dated {
        expiry: expires,
        carry,
        slope_per_year,
    } = dated;
    let first = expiry(expires, Dates::of(setting.grid), setting.sink)?;
    note_date(&name.value, first, setting);
    Some(DatedPlan {
        carry: process(carry.as_ref()),
        slope_per_year: slope_per_year.as_ref().map_or(0.0, |given| given.value.0),
        expiries: vec![first],
    })
}

/// Notes on which date a contract expires, where the simulation has dates.
fn note_date(name: &str, expiry: Expiry, setting: &Setting<'_>) {
    if let Some(start) = &setting.grid.start {
        let span = setting.grid.time(expiry.step);
        setting.notes.add(format!(
            "{name} expires {span} after the start, on {}.",
            start.value.after(span)
        ));
    }
}

/// Size of one contract: USD of an inverse future, base units of any other; `Err` where a problem was noted.
fn contract_size(contract: &Contract, terms: &VenueTerms, sink: &Sink) -> Result<Option<f64>, ()> {
    let is_in_usd =
        terms.settlement == Settlement::Inverse && !matches!(contract.kind, Kind::Option(_));
    let (usd, base) = (&contract.contract_size_usd, &contract.contract_size);
    if is_in_usd {
        if let Some(given) = base {
            let allowed = "`contract_size_usd` in its place";
            let reason = "inverse contracts are sized in USD";
            sink.push(Refusal::does_not_fit(given, allowed, reason));
            return Err(());
        }
        return Ok(usd
            .as_ref()
            .map(|given| given.value.0)
            .or(terms.contract_size_usd));
    }
    if let Some(given) = usd {
        let allowed = "`contract_size` in base units in its place, or settlement = \"inverse\"";
        let reason = "only inverse futures are sized in USD";
        sink.push(Refusal::does_not_fit(given, allowed, reason));
        return Err(());
    }
    Ok(base.as_ref().map(|given| given.value.0))
}

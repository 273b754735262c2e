//! The rules of a contract: a preset's listing, or a venue of the user's own.

use crate::plan::resolve::own_venue;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::types::OptionTerms;
use crate::scenario::contract::{Contract, Kind, KindChoice, Settlement};
use crate::scenario::nearest::quoted;
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::venue::Venue;
use crate::venue::preset::{
    self, ListedKind, ListedSettlement, ListingPreset, PresetFunding, VenuePreset,
};
use crate::venue::rules::ContractRules;

/// A contract's rules, and what its listing says beside them.
#[derive(Debug, Clone)]
pub struct VenueTerms {
    /// Margin, fees, liquidation.
    pub rules: ContractRules,
    /// The preset's funding; `None` with a venue of the user's own.
    pub funding: Option<PresetFunding>,
    /// What the contract is settled in.
    pub settlement: Settlement,
    /// Size of one inverse contract as listed.
    pub contract_size_usd: Option<f64>,
    /// Fees and margins of options.
    pub options: OptionTerms,
}

/// What a contract asks of its listing, as far as it could be read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The contract.
    pub name: &'a Given<String>,
    /// Its venue.
    pub venue: &'a Given<String>,
    /// Its listing, if one is given.
    pub listing: Option<&'a Given<String>>,
    /// Its underlying, an asset of the scenario.
    pub underlying: Option<&'a Given<String>>,
    /// Its kind.
    pub kind: Option<KindChoice>,
    /// Its settlement, if one is given.
    pub settlement: Option<&'a Given<Settlement>>,
}

/// The terms of a contract at its venue; `None` where a problem was noted. `underlying` is an asset of the scenario.
pub fn terms(
    contract: &Contract,
    underlying: Option<&Given<String>>,
    setting: &Setting<'_>,
) -> Option<VenueTerms> {
    let wanted = Wanted {
        name: &contract.name,
        venue: &contract.venue,
        listing: contract.listing.as_ref(),
        underlying,
        kind: Some(match contract.kind {
            Kind::Perpetual(_) => KindChoice::Perpetual,
            Kind::Dated(_) => KindChoice::Dated,
            Kind::Option(_) => KindChoice::Option,
        }),
        settlement: contract.settlement.as_ref(),
    };
    let venue = &wanted.venue.value;
    if let Some(own) = setting.venues.iter().find(|own| own.name.value == *venue) {
        return own_terms(own, wanted, setting);
    }
    let Some(preset) = preset::find(venue) else {
        let problem = unknown_venue(wanted.venue, &setting.venue_names());
        setting.sink.push(problem);
        return None;
    };
    let found = listing(preset, wanted, setting.sink)?;
    for assumed in &found.assumed {
        setting
            .notes
            .add(format!("{venue} {}, assumed: {assumed}.", found.listing));
    }
    Some(VenueTerms {
        rules: found.rules.clone(),
        funding: found.funding,
        settlement: settlement_of(found),
        contract_size_usd: found.contract_size_usd,
        options: own_venue::option_terms(None, None, found.rules.taker_fee_frac, setting.sink)?,
    })
}

fn own_terms(own: &Venue, wanted: Wanted<'_>, setting: &Setting<'_>) -> Option<VenueTerms> {
    let venue = &wanted.venue.value;
    if preset::find(venue).is_some() {
        setting.notes.add(format!(
            "The venue {venue} is the scenario's own [venues.{venue}], not the preset of that name."
        ));
    }
    if own.fees.is_none() {
        setting.notes.add(format!(
            "The fees of {venue} are 0: none are given for this venue of the scenario's own."
        ));
    }
    if let Some(listing) = wanted.listing {
        setting.notes.add(format!(
            "The listing {} of {} has no meaning at {venue}, a venue of the scenario's own.",
            listing.value, wanted.name.value
        ));
    }
    let rules = own_venue::rules(own, setting.sink)?;
    let settlement = wanted
        .settlement
        .map_or(Settlement::Linear, |given| given.value);
    let is_option = wanted.kind == Some(KindChoice::Option);
    if !is_option && !own_venue::is_counted_in(own, settlement, wanted.name, setting.sink) {
        return None;
    }
    if is_option {
        own_venue::note_option_terms(own, setting);
    }
    let fees = own.fees.as_ref();
    let options = own_venue::option_terms(
        fees,
        own.options.as_ref(),
        rules.taker_fee_frac,
        setting.sink,
    )?;
    Some(VenueTerms {
        rules,
        funding: None,
        settlement,
        contract_size_usd: None,
        options,
    })
}

fn settlement_of(listing: &ListingPreset) -> Settlement {
    match listing.settlement {
        ListedSettlement::Linear => Settlement::Linear,
        ListedSettlement::Inverse => Settlement::Inverse,
    }
}

/// A contract's listing at a preset venue; `None` where a problem was noted.
pub fn listing<'p>(
    preset: &'p VenuePreset,
    wanted: Wanted<'_>,
    sink: &Sink,
) -> Option<&'p ListingPreset> {
    if wanted.kind == Some(KindChoice::Option) {
        let allowed = "a name under [venues], with fees and margins of options";
        let reason = "no preset lists options";
        sink.push(Refusal::does_not_fit(wanted.venue, allowed, reason));
        return None;
    }
    let kind = match wanted.kind {
        Some(KindChoice::Perpetual) => Some(ListedKind::Perpetual),
        Some(KindChoice::Dated) => Some(ListedKind::Dated),
        Some(KindChoice::Option) | None => None,
    };
    let fits = |listing: &&ListingPreset| kind.is_none_or(|kind| listing.kind == kind);
    let Some(given) = wanted.listing else {
        let symbols = preset.listings.iter().filter(fits);
        let refusal = Refusal::Needed {
            table: wanted.name.path.clone(),
            key: "listing".to_owned(),
            allowed: quoted(symbols.map(|listing| listing.listing.as_str())),
            reason: format!("which of {}'s contracts is it?", preset.name),
        };
        sink.push(refusal.at(wanted.name.place));
        return None;
    };
    let Some(found) = preset.listing(&given.value) else {
        let fitting: Vec<&ListingPreset> = preset.listings.iter().filter(fits).collect();
        let asset = wanted.underlying.map(|asset| asset.value.as_str());
        let is_on = |listing: &&&ListingPreset| asset.is_none_or(|a| listing.underlying == a);
        let on_asset: Vec<String> = fitting
            .iter()
            .filter(is_on)
            .map(|listing| listing.listing.clone())
            .collect();
        if let (true, Some(asset)) = (on_asset.is_empty(), asset) {
            let what = kind.map_or("contract", ListedKind::words);
            let allowed = format!("a venue with a {what} on {asset}");
            let reason = format!("the presets of {} have no {what} on {asset}", preset.name);
            sink.push(Refusal::does_not_fit(given, allowed, reason));
            return None;
        }
        let symbols = on_asset;
        let home = format!("among the presets of {}", preset.name);
        sink.push(Refusal::unknown_name(given, symbols, &home));
        return None;
    };
    if let Some(asset) = wanted
        .underlying
        .filter(|asset| asset.value != found.underlying)
    {
        let allowed = format!("a listing on {}", asset.value);
        let reason = format!("{} is a contract on {}", found.listing, found.underlying);
        sink.push(Refusal::does_not_fit(given, allowed, reason));
        return None;
    }
    if !fits(&found) {
        let others = preset.listings.iter().filter(fits);
        let same = others.filter(|listing| listing.underlying == found.underlying);
        let symbols: Vec<&str> = same.map(|listing| listing.listing.as_str()).collect();
        let what = kind.map_or("", ListedKind::words);
        let allowed = if symbols.is_empty() {
            format!(
                "a {what}; {} lists none on {}",
                preset.name, found.underlying
            )
        } else {
            format!("a {what}: {}", quoted(symbols))
        };
        let reason = format!("{} is a {}", found.listing, found.kind.words());
        sink.push(Refusal::does_not_fit(given, allowed, reason));
        return None;
    }
    if let Some(other) = wanted
        .settlement
        .filter(|settlement| settlement.value != settlement_of(found))
    {
        let allowed = format!("\"{}\", as {} is", found.settlement.word(), found.listing);
        let reason = "it may be left out: the listing says it";
        sink.push(Refusal::does_not_fit(other, allowed, reason));
        return None;
    }
    Some(found)
}

/// A venue's name that neither the scenario nor a preset has.
pub fn unknown_venue(wanted: &Given<String>, own: &[&str]) -> Problem {
    let presets = preset::names();
    let names = own.iter().chain(&presets);
    let allowed = names.map(|name| (*name).to_owned()).collect();
    Refusal::unknown_name(wanted, allowed, "under [venues] or among the presets")
}

//! The rules of a contract: a preset's listing, or a venue of the user's own.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::{amount, percent, short};
use crate::scenario::contract::Contract;
use crate::scenario::nearest::quoted;
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::venue::{Bracket, Fees, Liquidation, RemainderChoice, Venue};
use crate::venue::preset::{self, ListingPreset, PresetFunding, VenuePreset};
use crate::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// A contract's rules, and what a preset says of its funding.
#[derive(Debug, Clone)]
pub struct VenueTerms {
    /// Margin, fees, liquidation.
    pub rules: ContractRules,
    /// The preset's funding; `None` with a venue of the user's own.
    pub funding: Option<PresetFunding>,
}

/// The terms of a contract at its venue; `None` where a problem was noted. `underlying` is an asset of the scenario.
pub fn terms(
    contract: &Contract,
    underlying: Option<&Given<String>>,
    setting: &Setting<'_>,
) -> Option<VenueTerms> {
    let wanted = &contract.venue;
    if let Some(own) = setting
        .venues
        .iter()
        .find(|venue| venue.name.value == wanted.value)
    {
        if preset::find(&wanted.value).is_some() {
            setting.notes.add(format!(
                "The venue {0} is the scenario's own [venues.{0}], not the preset of that name.",
                wanted.value
            ));
        }
        if own.fees.is_none() {
            setting.notes.add(format!(
                "The fees of {} are 0: none are given for this venue of the scenario's own.",
                wanted.value
            ));
        }
        if let Some(listing) = &contract.listing {
            setting.notes.add(format!(
                "The listing {} of {} has no meaning at {}, a venue of the scenario's own.",
                listing.value, contract.name.value, wanted.value
            ));
        }
        return Some(VenueTerms {
            rules: own_rules(own, setting.sink)?,
            funding: None,
        });
    }
    let Some(preset) = preset::find(&wanted.value) else {
        let problem = unknown_venue(wanted, &setting.venue_names());
        setting.sink.push(problem);
        return None;
    };
    let given = contract.listing.as_ref();
    let found = listing(preset, &contract.name, given, underlying, setting.sink)?;
    for assumed in &found.assumed {
        setting.notes.add(format!(
            "{} {}, assumed: {assumed}.",
            contract.venue.value, found.listing
        ));
    }
    Some(VenueTerms {
        rules: found.rules.clone(),
        funding: Some(found.funding),
    })
}

/// A contract's listing at a preset venue; `None` where a problem was noted. `underlying` is an asset of the scenario.
pub fn listing<'p>(
    preset: &'p VenuePreset,
    contract: &Given<String>,
    given: Option<&Given<String>>,
    underlying: Option<&Given<String>>,
    sink: &Sink,
) -> Option<&'p ListingPreset> {
    let listed: Vec<&str> = preset
        .listings
        .iter()
        .map(|listing| listing.listing.as_str())
        .collect();
    let Some(listing) = given else {
        let refusal = Refusal::Needed {
            table: contract.path.clone(),
            key: "listing".to_owned(),
            allowed: quoted(listed),
            reason: format!("which of {}'s contracts is it?", preset.name),
        };
        sink.push(refusal.at(contract.place));
        return None;
    };
    let Some(found) = preset.listing(&listing.value) else {
        let allowed = listed.into_iter().map(str::to_owned).collect();
        let home = format!("among the presets of {}", preset.name);
        sink.push(Refusal::unknown_name(listing, allowed, &home));
        return None;
    };
    if let Some(asset) = underlying.filter(|asset| asset.value != found.underlying) {
        let allowed = format!("a listing on {}", asset.value);
        let reason = format!("{} is a contract on {}", found.listing, found.underlying);
        sink.push(Refusal::does_not_fit(listing, allowed, reason));
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

/// The rules of a venue of the scenario's own; `None` where a problem was noted.
pub fn own_rules(venue: &Venue, sink: &Sink) -> Option<ContractRules> {
    let Venue {
        name: _,
        maintenance,
        fees,
        liquidation,
    } = venue;
    let brackets = brackets(maintenance, sink)?;
    let (maker, taker, liquidation_fee) = match fees {
        None => (None, None, None),
        Some(Fees {
            maker,
            taker,
            liquidation,
        }) => (maker.as_ref(), taker.as_ref(), liquidation.as_ref()),
    };
    let (remainder, fee_in_trigger) = match liquidation {
        None => (None, None),
        Some(Liquidation {
            remainder,
            fee_in_trigger,
        }) => (remainder.as_ref(), fee_in_trigger.as_ref()),
    };
    Some(ContractRules {
        delivery_fee_frac: 0.0,
        maintenance_at: MaintenanceAt::Mark,
        brackets,
        maker_fee_frac: maker.map_or(0.0, |given| given.value.0),
        taker_fee_frac: taker.map_or(0.0, |given| given.value.0),
        liquidation_fee_frac: liquidation_fee.map_or(0.0, |given| given.value.0),
        fee_in_trigger: fee_in_trigger.is_some_and(|given| given.value),
        remainder: match remainder.map_or(RemainderChoice::Returned, |given| given.value) {
            RemainderChoice::Returned => Remainder::Returned,
            RemainderChoice::Forfeited => Remainder::Forfeited,
        },
    })
}

/// Brackets without holes, with the deductions that make the maintenance margin continuous.
pub fn brackets(given: &[Bracket], sink: &Sink) -> Option<Vec<MarginBracket>> {
    let mut brackets: Vec<MarginBracket> = Vec::with_capacity(given.len());
    let mut is_valid = true;
    for (index, bracket) in given.iter().enumerate() {
        let Bracket {
            path,
            up_to_usd,
            rate,
            max_leverage,
        } = bracket;
        let is_last = index + 1 == given.len();
        let before = brackets.last().copied();
        let floor_usd = before.map_or(0.0, |before| before.cap_usd);
        let rate_before = before.map_or(0.0, |before| before.rate);
        if let Some(cap) = up_to_usd.as_ref().filter(|cap| cap.value.0 <= floor_usd) {
            sink.push(Refusal::does_not_fit(
                cap,
                format!("above {}", amount(floor_usd)),
                "brackets ascend",
            ));
            is_valid = false;
        }
        if up_to_usd.is_none() && !is_last {
            let refusal = Refusal::Needed {
                table: path.path.clone(),
                key: "up_to_usd".to_owned(),
                allowed: "the notional where the next bracket begins".to_owned(),
                reason: "only the last bracket has no cap".to_owned(),
            };
            sink.push(refusal.at(path.place));
            return None;
        }
        if rate.value.0 < rate_before {
            let allowed = format!("{} or more", percent(rate_before));
            sink.push(Refusal::does_not_fit(
                rate,
                allowed,
                "maintenance rates do not fall with size",
            ));
            is_valid = false;
        }
        if let Some(leverage) = max_leverage
            .as_ref()
            .filter(|given| given.value * rate.value.0 > 1.0 + 1e-12)
        {
            let allowed = format!("up to {} (1 / rate)", short(1.0 / rate.value.0));
            let reason = "the initial margin would be under the maintenance margin";
            sink.push(Refusal::does_not_fit(leverage, allowed, reason));
            is_valid = false;
        }
        let deduction_before_usd = before.map_or(0.0, |before| before.deduction_usd);
        brackets.push(MarginBracket {
            floor_usd,
            cap_usd: up_to_usd.as_ref().map_or(f64::INFINITY, |cap| cap.value.0),
            rate: rate.value.0,
            deduction_usd: if index == 0 {
                0.0
            } else {
                deduction_before_usd + floor_usd * (rate.value.0 - rate_before)
            },
            max_leverage: max_leverage.as_ref().map(|given| given.value),
        });
    }
    is_valid.then_some(brackets)
}

//! The shape of a venue's data file, and how it becomes a preset.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::venue::preset::{
    ListedKind, ListedSettlement, ListingPreset, PresetFunding, Provenance, Source, VenuePreset,
};
use crate::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// The numbers of every listing that must say where they come from.
const KEYS: [&str; 6] = [
    "maintenance",
    "fees.maker",
    "fees.taker",
    "fees.liquidation",
    "liquidation.remainder",
    "liquidation.fee_in_trigger",
];

/// Those of a perpetual beside them.
const PERPETUAL_KEYS: [&str; 4] = [
    "funding.interest_per_8h",
    "funding.damper_per_8h",
    "funding.interval",
    "funding.cap_per_8h",
];

/// Those of a dated future.
const DATED_KEYS: [&str; 1] = ["fees.delivery"];

/// Those of an inverse contract.
const INVERSE_KEYS: [&str; 2] = ["contract_size_usd", "liquidation.maintenance_at"];

/// The numbers of a listing that must say where they come from.
pub(crate) fn keys(kind: ListedKind, settlement: ListedSettlement) -> Vec<&'static str> {
    let mut keys = KEYS.to_vec();
    keys.extend(match kind {
        ListedKind::Perpetual => &PERPETUAL_KEYS[..],
        ListedKind::Dated => &DATED_KEYS[..],
    });
    if settlement == ListedSettlement::Inverse {
        keys.extend(INVERSE_KEYS);
    }
    keys
}

/// What can be wrong with a data file.
#[derive(Debug, Error)]
pub(crate) enum PresetFault {
    /// Not the shape below.
    #[error(transparent)]
    Shape(#[from] Box<toml::de::Error>),
    /// A number without origin.
    #[error("{listing}: `{key}` has neither a source nor a word on what is assumed")]
    Unsourced { listing: String, key: &'static str },
    /// An origin of something that is no number of a listing.
    #[error("{listing}: `from` names `{key}`, which is no number of a listing")]
    UnknownKey { listing: String, key: String },
    /// A source that is not listed.
    #[error("{listing}: source `{source_key}` is not under [sources]")]
    UnknownSource { listing: String, source_key: String },
    /// What a contract of this kind and settlement has not, or lacks.
    #[error("{listing}: {what}")]
    Unfitting { listing: String, what: &'static str },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    as_of: String,
    sources: BTreeMap<String, SourceEntry>,
    from: BTreeMap<String, Origin>,
    listings: Vec<Listing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    citation: String,
    date: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    source: Option<String>,
    assumed: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    #[serde(rename = "listing")]
    symbol: String,
    underlying: String,
    #[serde(default)]
    kind: KindWord,
    #[serde(default)]
    settlement: SettlementWord,
    contract_size_usd: Option<f64>,
    maintenance: Vec<Bracket>,
    fees: Fees,
    funding: Option<Funding>,
    liquidation: Liquidation,
    #[serde(default)]
    from: BTreeMap<String, Origin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bracket {
    up_to_usd: Option<f64>,
    up_to_coins: Option<f64>,
    #[serde(deserialize_with = "fraction")]
    rate: f64,
    max_leverage: f64,
    deduction_usd: Option<f64>,
    deduction_coins: Option<f64>,
}

impl Bracket {
    /// Cap, if it has one, and deduction in a settlement's unit; `None` if the deduction or the unit is another.
    fn amounts(&self, settlement: ListedSettlement) -> Option<(Option<f64>, f64)> {
        match settlement {
            ListedSettlement::Linear => {
                let is_pure = self.up_to_coins.is_none() && self.deduction_coins.is_none();
                self.deduction_usd
                    .filter(|_| is_pure)
                    .map(|deduction| (self.up_to_usd, deduction))
            }
            ListedSettlement::Inverse => {
                let is_pure = self.up_to_usd.is_none() && self.deduction_usd.is_none();
                self.deduction_coins
                    .filter(|_| is_pure)
                    .map(|deduction| (self.up_to_coins, deduction))
            }
        }
    }
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    #[default]
    Perpetual,
    Dated,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum SettlementWord {
    #[default]
    Linear,
    Inverse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees {
    #[serde(deserialize_with = "fraction")]
    maker: f64,
    #[serde(deserialize_with = "fraction")]
    taker: f64,
    #[serde(deserialize_with = "fraction")]
    liquidation: f64,
    #[serde(default, deserialize_with = "some_fraction")]
    delivery: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Funding {
    #[serde(deserialize_with = "fraction")]
    interest_per_8h: f64,
    #[serde(deserialize_with = "fraction")]
    damper_per_8h: f64,
    #[serde(deserialize_with = "hours")]
    interval: f64,
    #[serde(deserialize_with = "fraction")]
    cap_per_8h: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Liquidation {
    remainder: RemainderWord,
    fee_in_trigger: bool,
    maintenance_at: Option<MaintenanceWord>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum MaintenanceWord {
    Current,
    Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RemainderWord {
    Returned,
    Forfeited,
}

/// Reads a data file.
///
/// # Errors
/// When the text has another shape, or a number does not say where it comes from.
pub(crate) fn parse(name: &str, text: &str) -> Result<VenuePreset, PresetFault> {
    let file: File = toml::from_str(text).map_err(Box::new)?;
    let listings = file
        .listings
        .iter()
        .map(|l| listing_preset(&file, l))
        .collect::<Result<_, _>>()?;
    Ok(VenuePreset {
        name: name.to_owned(),
        title: file.title,
        as_of: file.as_of,
        listings,
    })
}

fn listing_preset(file: &File, listing: &Listing) -> Result<ListingPreset, PresetFault> {
    let kind = match listing.kind {
        KindWord::Perpetual => ListedKind::Perpetual,
        KindWord::Dated => ListedKind::Dated,
    };
    let settlement = match listing.settlement {
        SettlementWord::Linear => ListedSettlement::Linear,
        SettlementWord::Inverse => ListedSettlement::Inverse,
    };
    let known = |key: &str| {
        let groups = [&KEYS[..], &PERPETUAL_KEYS, &DATED_KEYS, &INVERSE_KEYS];
        groups.iter().any(|keys| keys.contains(&key))
    };
    if let Some(key) = file
        .from
        .keys()
        .chain(listing.from.keys())
        .find(|key| !known(key))
    {
        return Err(PresetFault::UnknownKey {
            listing: listing.symbol.clone(),
            key: key.clone(),
        });
    }
    let unfitting = |what| PresetFault::Unfitting {
        listing: listing.symbol.clone(),
        what,
    };
    if listing.funding.is_some() != (kind == ListedKind::Perpetual) {
        return Err(unfitting(
            "a perpetual has funding, a dated future has none",
        ));
    }
    if listing.fees.delivery.is_some() != (kind == ListedKind::Dated) {
        return Err(unfitting(
            "a dated future has a delivery fee, a perpetual has none",
        ));
    }
    let is_inverse = settlement == ListedSettlement::Inverse;
    if listing.contract_size_usd.is_some() != is_inverse
        || listing.liquidation.maintenance_at.is_some() != is_inverse
    {
        return Err(unfitting(
            "an inverse contract has a size in USD and a price of its maintenance, a linear one neither",
        ));
    }
    let rules = contract_rules(listing, settlement).ok_or_else(|| {
        unfitting(
            "brackets are in USD, of an inverse contract in coins, and only the last has no cap",
        )
    })?;
    let mut preset = ListingPreset {
        listing: listing.symbol.clone(),
        underlying: listing.underlying.clone(),
        kind,
        settlement,
        contract_size_usd: listing.contract_size_usd,
        rules,
        funding: listing.funding.as_ref().map(|funding| PresetFunding {
            interest_per_8h: funding.interest_per_8h,
            damper_per_8h: funding.damper_per_8h,
            interval_hours: funding.interval,
            cap_per_8h: funding.cap_per_8h,
        }),
        assumed: Vec::new(),
        provenance: Vec::new(),
        sources: Vec::new(),
    };
    for key in keys(kind, settlement) {
        let origin = listing.from.get(key).or_else(|| file.from.get(key));
        let Some(origin) = origin.filter(|o| o.source.is_some() || o.assumed.is_some()) else {
            return Err(PresetFault::Unsourced {
                listing: listing.symbol.clone(),
                key,
            });
        };
        let source = match &origin.source {
            None => None,
            Some(source_key) => {
                let Some(entry) = file.sources.get(source_key) else {
                    let source_key = source_key.clone();
                    return Err(PresetFault::UnknownSource {
                        listing: listing.symbol.clone(),
                        source_key,
                    });
                };
                let source = Source {
                    citation: entry.citation.clone(),
                    date: entry.date.clone(),
                };
                Some(index_of(&mut preset.sources, source))
            }
        };
        let assumed = origin
            .assumed
            .clone()
            .map(|sentence| index_of(&mut preset.assumed, sentence));
        preset.provenance.push(Provenance {
            key: key.to_owned(),
            source,
            assumed,
        });
    }
    Ok(preset)
}

/// Where the item stands in the list, to which it is added if it is new.
fn index_of<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter()
        .position(|known| *known == item)
        .unwrap_or_else(|| {
            list.push(item);
            list.len() - 1
        })
}

/// `None` where a bracket has another unit than the settlement, or lies behind one without a cap.
fn contract_rules(listing: &Listing, settlement: ListedSettlement) -> Option<ContractRules> {
    let mut floor_usd = 0.0;
    let mut brackets = Vec::with_capacity(listing.maintenance.len());
    for bracket in &listing.maintenance {
        let (cap, deduction_usd) = bracket.amounts(settlement)?;
        let cap_usd = cap.unwrap_or(f64::INFINITY);
        if cap_usd <= floor_usd {
            return None;
        }
        brackets.push(MarginBracket {
            floor_usd,
            cap_usd,
            rate: bracket.rate,
            deduction_usd,
            max_leverage: Some(bracket.max_leverage),
        });
        floor_usd = cap_usd;
    }
    Some(ContractRules {
        delivery_fee_frac: listing.fees.delivery.unwrap_or(0.0),
        maintenance_at: match listing.liquidation.maintenance_at {
            None | Some(MaintenanceWord::Current) => MaintenanceAt::Mark,
            Some(MaintenanceWord::Entry) => MaintenanceAt::Entry,
        },
        brackets,
        maker_fee_frac: listing.fees.maker,
        taker_fee_frac: listing.fees.taker,
        liquidation_fee_frac: listing.fees.liquidation,
        fee_in_trigger: listing.liquidation.fee_in_trigger,
        remainder: match listing.liquidation.remainder {
            RemainderWord::Returned => Remainder::Returned,
            RemainderWord::Forfeited => Remainder::Forfeited,
        },
    })
}

/// A fraction that may be absent.
fn some_fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    fraction(deserializer).map(Some)
}

/// A fraction written with `%` or `bps`. The exponent is put into the text, so that "0.65%" is 0.0065 to the last bit.
fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let scaled = match (text.strip_suffix('%'), text.strip_suffix("bps")) {
        (Some(percent), _) => format!("{percent}e-2"),
        (_, Some(basis_points)) => format!("{basis_points}e-4"),
        _ => {
            return Err(D::Error::custom(format!(
                "`{text}` ends neither in % nor in bps"
            )));
        }
    };
    scaled
        .parse()
        .map_err(|_| D::Error::custom(format!("`{text}` is no fraction")))
}

/// A duration in hours, e.g. "8h".
fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.strip_suffix('h')
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| D::Error::custom(format!("`{text}` is no number of hours such as \"8h\"")))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    const BINANCE: &str = include_str!("presets/binance.toml");

    #[test]
    fn fractions_are_exact() {
        let preset = parse("binance", BINANCE).unwrap();
        assert_eq!(preset.listings[0].rules.brackets[2].rate, 0.0065);
        assert_eq!(
            preset.listings[1].funding.map(|f| f.cap_per_8h),
            Some(0.00375)
        );
    }

    #[test]
    fn a_number_without_origin_is_refused() {
        let text = BINANCE.replace("\"fees.taker\" = { source = \"commission\" }\n", "");
        let fault = parse("binance", &text).unwrap_err().to_string();
        assert_eq!(
            fault,
            "BTCUSDT: `fees.taker` has neither a source nor a word on what is assumed"
        );
        let text = BINANCE.replace(
            "\"fees.taker\" = { source = \"commission\" }",
            "\"fees.taker\" = {}",
        );
        assert!(matches!(
            parse("binance", &text),
            Err(PresetFault::Unsourced {
                key: "fees.taker",
                ..
            })
        ));
    }

    #[test]
    fn faulty_references_and_shapes_are_refused() {
        let text = BINANCE.replace("source = \"ladders\"", "source = \"ladder\"");
        assert!(matches!(
            parse("binance", &text),
            Err(PresetFault::UnknownSource { .. })
        ));
        let text = BINANCE.replace("\"fees.taker\"", "\"fees.takers\"");
        assert!(matches!(
            parse("binance", &text),
            Err(PresetFault::UnknownKey { .. })
        ));
        for (good, bad) in [
            ("5bps", "5"),
            ("\"8h\"", "\"8\""),
            ("returned", "kept"),
            ("0.65%", "x%"),
        ] {
            assert!(
                matches!(
                    parse("binance", &BINANCE.replace(good, bad)),
                    Err(PresetFault::Shape(_))
                ),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_listing_has_what_its_kind_has() {
        for (good, bad) in [
            (", delivery = \"5bps\" }", " }"),
            ("kind = \"dated\"\n", ""),
            (", maintenance_at = \"current\" }", " }"),
            ("contract_size_usd = 100\n", ""),
            ("settlement = \"inverse\"\n", ""),
            ("deduction_coins = 0.56", "deduction_usd = 0.56"),
            ("up_to_coins = 20,", "up_to_coins = 9,"),
            ("up_to_coins = 20,", ""),
        ] {
            let fault = parse("binance", &BINANCE.replacen(good, bad, 1));
            assert!(
                matches!(fault, Err(PresetFault::Unfitting { .. })),
                "{good} {fault:?}"
            );
        }
    }
}

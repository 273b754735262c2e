//! The shape of a venue's data file, and how it becomes a preset.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::venue::preset::{ListingPreset, PresetFunding, Provenance, Source, VenuePreset};
use crate::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// The numbers of a listing that must say where they come from.
pub(crate) const KEYS: [&str; 10] = [
    "maintenance",
    "fees.maker",
    "fees.taker",
    "fees.liquidation",
    "funding.interest_per_8h",
    "funding.damper_per_8h",
    "funding.interval",
    "funding.cap_per_8h",
    "liquidation.remainder",
    "liquidation.fee_in_trigger",
];

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
    maintenance: Vec<Bracket>,
    fees: Fees,
    funding: Funding,
    liquidation: Liquidation,
    #[serde(default)]
    from: BTreeMap<String, Origin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bracket {
    up_to_usd: f64,
    #[serde(deserialize_with = "fraction")]
    rate: f64,
    max_leverage: f64,
    deduction_usd: f64,
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
    if let Some(key) = file
        .from
        .keys()
        .chain(listing.from.keys())
        .find(|k| !KEYS.contains(&k.as_str()))
    {
        return Err(PresetFault::UnknownKey {
            listing: listing.symbol.clone(),
            key: key.clone(),
        });
    }
    let mut preset = ListingPreset {
        listing: listing.symbol.clone(),
        underlying: listing.underlying.clone(),
        rules: contract_rules(listing),
        funding: PresetFunding {
            interest_per_8h: listing.funding.interest_per_8h,
            damper_per_8h: listing.funding.damper_per_8h,
            interval_hours: listing.funding.interval,
            cap_per_8h: listing.funding.cap_per_8h,
        },
        assumed: Vec::new(),
        provenance: Vec::new(),
        sources: Vec::new(),
    };
    for key in KEYS {
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

fn contract_rules(listing: &Listing) -> ContractRules {
    let mut floor_usd = 0.0;
    let mut brackets = Vec::with_capacity(listing.maintenance.len());
    for bracket in &listing.maintenance {
        brackets.push(MarginBracket {
            floor_usd,
            cap_usd: bracket.up_to_usd,
            rate: bracket.rate,
            deduction_usd: bracket.deduction_usd,
            max_leverage: Some(bracket.max_leverage),
        });
        floor_usd = bracket.up_to_usd;
    }
    ContractRules {
        delivery_fee_frac: 0.0,
        maintenance_at: MaintenanceAt::Mark,
        brackets,
        maker_fee_frac: listing.fees.maker,
        taker_fee_frac: listing.fees.taker,
        liquidation_fee_frac: listing.fees.liquidation,
        fee_in_trigger: listing.liquidation.fee_in_trigger,
        remainder: match listing.liquidation.remainder {
            RemainderWord::Returned => Remainder::Returned,
            RemainderWord::Forfeited => Remainder::Forfeited,
        },
    }
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
        assert_eq!(preset.listings[1].funding.cap_per_8h, 0.00375);
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
}

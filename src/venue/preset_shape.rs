//! The words of a venue's data file.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::venue::preset::ListedSettlement;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) title: String,
    pub(crate) as_of: String,
    pub(crate) sources: BTreeMap<String, SourceEntry>,
    pub(crate) from: BTreeMap<String, Origin>,
    pub(crate) listings: Vec<Listing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceEntry {
    pub(crate) citation: String,
    pub(crate) date: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    pub(crate) source: Option<String>,
    pub(crate) assumed: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    #[serde(rename = "listing")]
    pub(crate) symbol: String,
    pub(crate) underlying: String,
    #[serde(default)]
    pub(crate) kind: KindWord,
    #[serde(default)]
    pub(crate) settlement: SettlementWord,
    pub(crate) contract_size_usd: Option<f64>,
    pub(crate) maintenance: Vec<Bracket>,
    pub(crate) fees: Fees,
    pub(crate) funding: Option<Funding>,
    pub(crate) liquidation: Liquidation,
    #[serde(default)]
    pub(crate) from: BTreeMap<String, Origin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bracket {
    pub(crate) up_to_usd: Option<f64>,
    pub(crate) up_to_coins: Option<f64>,
    #[serde(deserialize_with = "fraction")]
    pub(crate) rate: f64,
    pub(crate) max_leverage: f64,
    pub(crate) deduction_usd: Option<f64>,
    pub(crate) deduction_coins: Option<f64>,
}

impl Bracket {
    /// Cap, if it has one, and deduction in a settlement's unit; `None` if the deduction or the unit is another.
    pub(crate) fn amounts(&self, settlement: ListedSettlement) -> Option<(Option<f64>, f64)> {
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
pub(crate) enum KindWord {
    #[default]
    Perpetual,
    Dated,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SettlementWord {
    #[default]
    Linear,
    Inverse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fees {
    #[serde(deserialize_with = "fraction")]
    pub(crate) maker: f64,
    #[serde(deserialize_with = "fraction")]
    pub(crate) taker: f64,
    #[serde(deserialize_with = "fraction")]
    pub(crate) liquidation: f64,
    #[serde(default, deserialize_with = "some_fraction")]
    pub(crate) delivery: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Funding {
    #[serde(deserialize_with = "fraction")]
    pub(crate) interest_per_8h: f64,
    #[serde(deserialize_with = "fraction")]
    pub(crate) damper_per_8h: f64,
    #[serde(deserialize_with = "hours")]
    pub(crate) interval: f64,
    #[serde(deserialize_with = "fraction")]
    pub(crate) cap_per_8h: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Liquidation {
    pub(crate) remainder: RemainderWord,
    pub(crate) fee_in_trigger: bool,
    pub(crate) maintenance_at: Option<MaintenanceWord>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MaintenanceWord {
    Current,
    Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RemainderWord {
    Returned,
    Forfeited,
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

//! A position as the venue counts it, and what the venue would refuse of it.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::words::{percent, short, usd};
use crate::plan::types::{ContractPlan, ContractSettlement, MarketPlan};
use crate::venue::rules::ContractRules;

/// A position's notional at time 0, in the currency of its margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Notional {
    /// The amount.
    pub amount: f64,
    /// `USD`, or the coin.
    pub unit: String,
    /// What one of the unit is worth at time 0, USD.
    pub unit_usd: f64,
}

impl Notional {
    /// That of a future of a size in base units, whatever its side.
    ///
    /// An inverse position of `q` base units has `U = q F` USD of contracts, and they are worth `U / F` coins.
    pub fn at_start(contract: &ContractPlan, market: &MarketPlan, size_base: f64) -> Self {
        let asset = &market.assets[contract.underlying];
        match contract.settlement {
            ContractSettlement::Linear => {
                let mark_usd = asset.spot_usd * contract.initial_basis().exp();
                Self {
                    amount: size_base.abs() * mark_usd,
                    unit: "USD".to_owned(),
                    unit_usd: 1.0,
                }
            }
            ContractSettlement::Inverse => Self {
                amount: size_base.abs(),
                unit: asset.name.clone(),
                unit_usd: asset.spot_usd,
            },
        }
    }

    /// The amount in words, without its unit.
    pub fn words(&self) -> String {
        amount_in_words(self.amount, &self.unit)
    }
}

/// Whole dollars with commas; coins as short as they can be written.
pub fn amount_in_words(amount: f64, unit: &str) -> String {
    if unit == "USD" || amount.abs() >= 1000.0 {
        usd(amount)
    } else {
        short(amount)
    }
}

/// Why the venue does not take a position of this notional, if it does not.
pub fn over_cap(rules: &ContractRules, notional: &Notional, venue: &str) -> Option<Refusal> {
    let cap = rules.position_cap_usd();
    (notional.amount > cap).then(|| Refusal::PositionOverCap {
        venue: venue.to_owned(),
        notional: notional.words(),
        cap: amount_in_words(cap, &notional.unit),
        unit: notional.unit.clone(),
        bracket: bracket_in_words(rules, notional.amount),
    })
}

/// The bracket of a notional: its number, leverage and rate.
pub fn bracket_in_words(rules: &ContractRules, notional: f64) -> String {
    let index = rules.bracket_index(notional);
    let bracket = &rules.brackets[index];
    let leverage = match bracket.max_leverage {
        Some(leverage) => format!("at most {leverage}x"),
        None => "no leverage cap".to_owned(),
    };
    format!(
        "bracket {}: {leverage}, maintenance rate {}",
        index + 1,
        percent(bracket.rate)
    )
}

//! An option: strike and volatility in numbers, the venue's terms.

use crate::plan::resolve::expiry::{Dates, expiry};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::venue::VenueTerms;
use crate::plan::resolve::words::{amount, short};
use crate::plan::types::{OptionKind, OptionPlan};
use crate::scenario::option::{
    EuropeanOption, ImpliedVolatility, OptionKindChoice, SmilePoint, Strike,
};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;

/// A strike in USD under this share of the spot is a fraction or a percentage without its unit.
const LEAST_OF_SPOT: f64 = 0.05;

/// A strike in USD over this multiple of the spot is a slip as well.
const MOST_OF_SPOT: f64 = 20.0;

/// Resolves an option on an asset of a spot; `None` where a problem was noted, also one of its venue's terms.
pub fn option(
    option: &EuropeanOption,
    spot_usd: f64,
    terms: Option<&VenueTerms>,
    setting: &Setting<'_>,
) -> Option<OptionPlan> {
    let EuropeanOption {
        kind,
        strike,
        expiry: expires,
        implied_volatility,
    } = option;
    let strike_usd = strike.value.usd(spot_usd);
    let is_likely = is_likely(strike, spot_usd, setting.sink);
    let volatility = volatility(implied_volatility, strike_usd, spot_usd, setting.sink);
    let expiry = expiry(expires, Dates::of(setting.grid), setting.sink)?;
    is_likely.then_some(())?;
    Some(OptionPlan {
        kind: match kind.value {
            OptionKindChoice::Call => OptionKind::Call,
            OptionKindChoice::Put => OptionKind::Put,
        },
        strike_usd,
        expiry_step: expiry.step,
        expiry_years: expiry.years,
        volatility_annual: volatility?,
        terms: terms?.options,
    })
}

/// Whether a strike in USD may be one; else that is noted: "90%" without its unit is 90 USD, or 0.90 USD.
fn is_likely(strike: &Given<Strike>, spot_usd: f64, sink: &Sink) -> bool {
    let Strike::Price(price) = strike.value else {
        return true;
    };
    let (least_usd, most_usd) = (LEAST_OF_SPOT * spot_usd, MOST_OF_SPOT * spot_usd);
    let is_likely = (least_usd..=most_usd).contains(&price.0);
    if !is_likely {
        let allowed = format!(
            "{} to {} (USD, 5 % to 20 times the spot), or a percentage of the spot",
            amount(least_usd),
            amount(most_usd)
        );
        let reason = "a fraction of the spot is written with its unit, such as \"90%\"";
        sink.push(Refusal::does_not_fit(strike, allowed, reason));
    }
    is_likely
}

/// The volatility at a strike: linear between the strikes of a list, flat outside.
fn volatility(
    given: &ImpliedVolatility,
    strike_usd: f64,
    spot_usd: f64,
    sink: &Sink,
) -> Option<f64> {
    let points = match given {
        ImpliedVolatility::Flat(flat) => return Some(flat.value.0),
        ImpliedVolatility::ByStrike(points) => points,
    };
    let mut below: Option<(f64, f64)> = None;
    let mut found = None;
    let mut is_valid = true;
    for SmilePoint { strike, volatility } in points {
        is_valid &= is_likely(strike, spot_usd, sink);
        let (here_usd, here) = (strike.value.usd(spot_usd), volatility.value.0);
        if let Some((before_usd, _)) = below.filter(|(before_usd, _)| here_usd <= *before_usd) {
            let allowed = format!("above {} (USD)", amount(before_usd));
            let reason = format!("strikes ascend; this one is {} USD", short(here_usd));
            sink.push(Refusal::does_not_fit(strike, allowed, reason));
            is_valid = false;
        }
        if found.is_none() && strike_usd <= here_usd {
            found = Some(match below {
                None => here,
                Some((before_usd, before)) => {
                    let share = (strike_usd - before_usd) / (here_usd - before_usd);
                    share.mul_add(here - before, before)
                }
            });
        }
        below = Some((here_usd, here));
    }
    let volatility = found.or(below.map(|(_, last)| last));
    volatility.filter(|_| is_valid)
}

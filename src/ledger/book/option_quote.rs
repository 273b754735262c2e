//! An option at one spot and one moment: value, sensitivities and margins in the currency of its account.

#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::market::tile::LaneArray;
use crate::math::black76::black76;
use crate::outcome::table::LANES;
use crate::plan::types::{OptionKind, OptionPlan};

/// An option at one spot: its unit, margins of one unit written and their slopes by the log spot, in the account's currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct OptionQuote {
    pub(super) unit: f64,
    pub(super) delta: f64,
    pub(super) unit_slope: f64,
    pub(super) maintenance: f64,
    pub(super) maintenance_slope: f64,
}

#[inline(always)]
pub(super) fn quote(
    option: &OptionPlan,
    is_coin: bool,
    spot_usd: f64,
    deviation: f64,
) -> OptionQuote {
    let is_call = matches!(option.kind, OptionKind::Call);
    let black = black76(is_call, spot_usd, option.strike_usd, deviation);
    let rate = option.terms.maintenance_frac;
    let delta_usd = black.delta * spot_usd;
    // In coins everything is divided by the spot.
    let (unit, unit_slope, spot, spot_slope) = if is_coin {
        let unit = black.value / spot_usd;
        (unit, black.delta - unit, 1.0, 0.0)
    } else {
        (black.value, delta_usd, spot_usd, spot_usd)
    };
    let (base, base_slope) = if !is_call && unit > spot {
        (unit, unit_slope)
    } else {
        (spot, spot_slope)
    };
    OptionQuote {
        unit,
        delta: black.delta,
        unit_slope,
        maintenance: rate.mul_add(base, unit),
        maintenance_slope: rate.mul_add(base_slope, unit_slope),
    }
}

/// [`quote`] at one spot, with fused multiply-adds where the processor has them.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(super) fn quote_one(
    option: &OptionPlan,
    is_coin: bool,
    spot_usd: f64,
    deviation: f64,
) -> OptionQuote {
    quote(option, is_coin, spot_usd, deviation)
}

/// Initial margin of one unit of a written option, in the currency of its account.
pub(super) fn option_initial_margin(
    option: &OptionPlan,
    is_coin: bool,
    spot_usd: f64,
    unit: f64,
) -> f64 {
    let strike_usd = option.strike_usd;
    let out_usd = match option.kind {
        OptionKind::Call => strike_usd - spot_usd,
        OptionKind::Put => spot_usd - strike_usd,
    };
    let terms = &option.terms;
    let base_usd =
        (terms.initial_frac * spot_usd - out_usd.max(0.0)).max(terms.initial_floor_frac * spot_usd);
    if is_coin {
        base_usd / spot_usd + unit
    } else {
        base_usd + unit
    }
}

/// Standard deviation of the log spot from the end of `step` to an option's expiry.
pub(super) fn option_deviation(option: &OptionPlan, step: f64, step_years: f64) -> f64 {
    if step >= f64::from(option.expiry_step) {
        return 0.0;
    }
    let years = (option.expiry_years - step * step_years).max(0.0);
    option.volatility_annual * years.sqrt()
}

/// An option's sensitivities and margins at one moment.
#[derive(Debug, Clone)]
pub(super) struct Greeks {
    pub(super) delta: LaneArray,
    pub(super) unit_slope: LaneArray,
    pub(super) maintenance: LaneArray,
    pub(super) maintenance_slope: LaneArray,
}

impl Greeks {
    /// The same quote in every lane.
    pub(super) fn fill(&mut self, quote: &OptionQuote) {
        self.delta.fill(quote.delta);
        self.unit_slope.fill(quote.unit_slope);
        self.maintenance.fill(quote.maintenance);
        self.maintenance_slope.fill(quote.maintenance_slope);
    }
}

/// Quotes of all lanes: units, and the rest.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn quotes(
    option: &OptionPlan,
    is_coin: bool,
    deviation: f64,
    spot_usd: &LaneArray,
    unit: &mut LaneArray,
    greeks: &mut Greeks,
) {
    for lane in 0..LANES {
        let quote = quote(option, is_coin, spot_usd[lane], deviation);
        unit[lane] = quote.unit;
        greeks.delta[lane] = quote.delta;
        greeks.unit_slope[lane] = quote.unit_slope;
        greeks.maintenance[lane] = quote.maintenance;
        greeks.maintenance_slope[lane] = quote.maintenance_slope;
    }
}

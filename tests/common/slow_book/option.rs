//! European options: value, delta, fee and margin.

use hedgesim::plan::types::{ContractPlan, ContractSettlement, OptionKind, OptionPlan};
use statrs::function::erf::erfc;

use super::Prices;
use super::prices::years_left;

fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x / std::f64::consts::SQRT_2)
}

/// What the option pays per unit if it expires now, USD.
pub fn intrinsic_usd(kind: OptionKind, spot_usd: f64, strike_usd: f64) -> f64 {
    match kind {
        OptionKind::Call => (spot_usd - strike_usd).max(0.0),
        OptionKind::Put => (strike_usd - spot_usd).max(0.0),
    }
}

/// Black-76 per unit with the spot as forward and no interest, USD.
pub fn black_value_usd(option: &OptionPlan, spot_usd: f64, years: f64) -> f64 {
    let deviation = option.volatility_annual * years.sqrt();
    let strike_usd = option.strike_usd;
    if deviation <= 0.0 {
        return intrinsic_usd(option.kind, spot_usd, strike_usd);
    }
    let d1 = (spot_usd / strike_usd).ln() / deviation + 0.5 * deviation;
    let d2 = d1 - deviation;
    match option.kind {
        OptionKind::Call => spot_usd * normal_cdf(d1) - strike_usd * normal_cdf(d2),
        OptionKind::Put => strike_usd * normal_cdf(-d2) - spot_usd * normal_cdf(-d1),
    }
}

/// Change of the USD value per USD of spot.
pub fn black_delta(option: &OptionPlan, spot_usd: f64, years: f64) -> f64 {
    let deviation = option.volatility_annual * years.sqrt();
    let call_delta = if deviation > 0.0 {
        normal_cdf((spot_usd / option.strike_usd).ln() / deviation + 0.5 * deviation)
    } else if spot_usd > option.strike_usd {
        1.0
    } else {
        0.0
    };
    match option.kind {
        OptionKind::Call => call_delta,
        OptionKind::Put => call_delta - 1.0,
    }
}

/// One option contract at one moment: everything per unit of the underlying, in its settlement currency.
pub struct OptionNow<'a> {
    option: &'a OptionPlan,
    spot_usd: f64,
    years_left: f64,
    /// USD per unit of the settlement currency.
    currency_usd: f64,
}

impl<'a> OptionNow<'a> {
    pub fn new(contract: &'a ContractPlan, prices: &Prices) -> Self {
        let option = contract.option().expect("an option");
        let spot_usd = prices.spot_usd[contract.underlying];
        Self {
            option,
            spot_usd,
            years_left: years_left(option.expiry_years, prices.years),
            currency_usd: match contract.settlement {
                ContractSettlement::Linear => 1.0,
                ContractSettlement::Inverse => spot_usd,
            },
        }
    }

    fn value_usd(&self) -> f64 {
        black_value_usd(self.option, self.spot_usd, self.years_left)
    }

    pub fn value(&self) -> f64 {
        self.value_usd() / self.currency_usd
    }

    pub fn delta(&self) -> f64 {
        black_delta(self.option, self.spot_usd, self.years_left)
    }

    pub fn intrinsic(&self) -> f64 {
        intrinsic_usd(self.option.kind, self.spot_usd, self.option.strike_usd) / self.currency_usd
    }

    /// Trading fee.
    pub fn fee(&self) -> f64 {
        let terms = &self.option.terms;
        (terms.fee_frac * self.spot_usd / self.currency_usd).min(terms.fee_cap_frac * self.value())
    }

    /// Fee of the settlement at expiry.
    pub fn delivery_fee(&self, delivery_fee_frac: f64) -> f64 {
        (delivery_fee_frac * self.spot_usd / self.currency_usd)
            .min(self.option.terms.fee_cap_frac * self.intrinsic())
    }

    /// Initial margin of a written option.
    pub fn initial_margin(&self) -> f64 {
        let terms = &self.option.terms;
        let out_of_the_money_usd = match self.option.kind {
            OptionKind::Call => (self.option.strike_usd - self.spot_usd).max(0.0),
            OptionKind::Put => (self.spot_usd - self.option.strike_usd).max(0.0),
        };
        let least_usd = terms.initial_floor_frac * self.spot_usd;
        let rest_usd = terms.initial_frac * self.spot_usd - out_of_the_money_usd;
        (rest_usd.max(least_usd) + self.value_usd()) / self.currency_usd
    }

    /// Maintenance margin of a written option.
    pub fn maintenance_margin(&self) -> f64 {
        let rate = self.option.terms.maintenance_frac;
        let base_usd = match self.option.kind {
            OptionKind::Call => self.spot_usd,
            OptionKind::Put => self.spot_usd.max(self.value_usd()),
        };
        (rate * base_usd + self.value_usd()) / self.currency_usd
    }

    /// Change of the value in its settlement currency with the log of the spot.
    pub fn value_slope(&self) -> f64 {
        let slope_usd = self.spot_usd * self.delta();
        self.in_currency_slope(self.value_usd(), slope_usd)
    }

    /// Change of the maintenance margin in its settlement currency with the log of the spot.
    pub fn maintenance_slope(&self) -> f64 {
        let rate = self.option.terms.maintenance_frac;
        let value_slope_usd = self.spot_usd * self.delta();
        let is_on_value = self.option.kind == OptionKind::Put && self.value_usd() > self.spot_usd;
        let base_slope_usd = if is_on_value {
            value_slope_usd
        } else {
            self.spot_usd
        };
        let maintenance_usd = self.maintenance_margin() * self.currency_usd;
        self.in_currency_slope(maintenance_usd, rate * base_slope_usd + value_slope_usd)
    }

    /// `d(V / S) / d ln S = V' / S - V / S` where the settlement is in coin.
    fn in_currency_slope(&self, amount_usd: f64, slope_usd: f64) -> f64 {
        let is_coin = self.currency_usd.to_bits() != 1.0_f64.to_bits();
        if is_coin {
            (slope_usd - amount_usd) / self.currency_usd
        } else {
            slope_usd
        }
    }
}

//! A venue of the scenario's own: its brackets, fees and procedure as rules, its terms of options.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::{amount, percent, short};
use crate::plan::types::OptionTerms;
use crate::scenario::contract::Settlement;
use crate::scenario::place::Given;
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::units::Fraction;
use crate::scenario::venue::{
    Bracket, BracketEnd, Fees, Liquidation, MaintenancePrice, OptionMargin, RemainderChoice, Venue,
};
use crate::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// Terms of options where the user gives none, but for the fee, which is the taker fee then.
///
/// # Source
/// Deribit's option margins and fee cap as generally known (assumed): initial 15 % of the underlying less what the option is out
/// of the money, at least 10 %; maintenance 7.5 %; fees up to 12.5 % of the premium.
const ASSUMED: OptionTerms = OptionTerms {
    fee_frac: 0.0,
    fee_cap_frac: 0.125,
    initial_frac: 0.15,
    initial_floor_frac: 0.1,
    maintenance_frac: 0.075,
};

/// The rules of a venue of the scenario's own; `None` where a problem was noted.
pub fn rules(venue: &Venue, sink: &Sink) -> Option<ContractRules> {
    let Venue {
        name: _,
        maintenance,
        fees,
        liquidation,
        options,
    } = venue;
    let brackets = brackets(maintenance, sink);
    let fee = |pick: fn(&Fees) -> Option<&Given<Fraction>>| {
        let given = fees.as_ref().and_then(pick);
        given.map_or(0.0, |given| given.value.0)
    };
    let taker_fee_frac = fee(|fees| fees.taker.as_ref());
    option_terms(fees.as_ref(), options.as_ref(), taker_fee_frac, sink)?;
    let (remainder, fee_in_trigger, maintenance_at) = match liquidation {
        None => (None, None, None),
        Some(Liquidation {
            remainder,
            fee_in_trigger,
            maintenance_at,
        }) => (
            remainder.as_ref(),
            fee_in_trigger.as_ref(),
            maintenance_at.as_ref(),
        ),
    };
    Some(ContractRules {
        delivery_fee_frac: fee(|fees| fees.delivery.as_ref()),
        maintenance_at: match maintenance_at.map_or(MaintenancePrice::Current, |given| given.value)
        {
            MaintenancePrice::Current => MaintenanceAt::Mark,
            MaintenancePrice::Entry => MaintenanceAt::Entry,
        },
        brackets: brackets?,
        maker_fee_frac: fee(|fees| fees.maker.as_ref()),
        taker_fee_frac,
        liquidation_fee_frac: fee(|fees| fees.liquidation.as_ref()),
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
    let unit = given
        .iter()
        .find_map(|bracket| bracket.up_to.as_ref())
        .map(key);
    for (index, bracket) in given.iter().enumerate() {
        let Bracket {
            path,
            up_to,
            rate,
            max_leverage,
        } = bracket;
        let is_last = index + 1 == given.len();
        let before = brackets.last().copied();
        let floor_usd = before.map_or(0.0, |before| before.cap_usd);
        let rate_before = before.map_or(0.0, |before| before.rate);
        if let Some(end) = up_to.as_ref().filter(|end| end.notional() <= floor_usd) {
            let allowed = format!("above {}", amount(floor_usd));
            sink.push(at_end(end, allowed, "brackets ascend"));
            is_valid = false;
        }
        if let (Some(end), Some(first)) = (up_to, unit)
            && key(end) != first
        {
            let allowed = format!("`{first}`, the unit of the first bracket");
            sink.push(at_end(end, allowed, "brackets are in one unit"));
            is_valid = false;
        }
        if up_to.is_none() && !is_last {
            let refusal = Refusal::Needed {
                table: path.path.clone(),
                key: unit.unwrap_or("up_to_usd").to_owned(),
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
            cap_usd: up_to.as_ref().map_or(f64::INFINITY, BracketEnd::notional),
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

/// The key of a bracket's end.
fn key(end: &BracketEnd) -> &'static str {
    match end {
        BracketEnd::Usd(_) => "up_to_usd",
        BracketEnd::Coins(_) => "up_to_coins",
    }
}

fn at_end(end: &BracketEnd, allowed: String, reason: impl Into<String>) -> Problem {
    match end {
        BracketEnd::Usd(given) => Refusal::does_not_fit(given, allowed, reason),
        BracketEnd::Coins(given) => Refusal::does_not_fit(given, allowed, reason),
    }
}

/// Whether the brackets of a venue are in the unit of a future's margin; else that is noted.
pub fn is_counted_in(
    venue: &Venue,
    settlement: Settlement,
    contract: &Given<String>,
    sink: &Sink,
) -> bool {
    let (wanted, margin) = match settlement {
        Settlement::Linear => ("up_to_usd", "USD"),
        Settlement::Inverse => ("up_to_coins", "coins"),
    };
    let ends = venue.maintenance.iter().filter_map(|b| b.up_to.as_ref());
    let other = ends.into_iter().find(|end| key(end) != wanted);
    if let Some(end) = other {
        let allowed = format!("`{wanted}` in its place");
        let reason = format!("{} is margined in {margin}", contract.value);
        sink.push(at_end(end, allowed, reason));
    }
    other.is_none()
}

/// Fees and margins of options; `None` where a problem was noted.
pub fn option_terms(
    fees: Option<&Fees>,
    margin: Option<&OptionMargin>,
    taker_fee_frac: f64,
    sink: &Sink,
) -> Option<OptionTerms> {
    let or = |given: Option<&Given<Fraction>>, default: f64| {
        given.map_or(default, |given| given.value.0)
    };
    let initial = margin.and_then(|margin| margin.initial.as_ref());
    let floor = margin.and_then(|margin| margin.initial_floor.as_ref());
    let maintenance = margin.and_then(|margin| margin.maintenance.as_ref());
    let terms = OptionTerms {
        fee_frac: or(
            fees.and_then(|fees| fees.option.as_ref()),
            taker_fee_frac.max(0.0),
        ),
        fee_cap_frac: or(
            fees.and_then(|fees| fees.option_cap.as_ref()),
            ASSUMED.fee_cap_frac,
        ),
        initial_frac: or(initial, ASSUMED.initial_frac),
        initial_floor_frac: or(floor, ASSUMED.initial_floor_frac),
        maintenance_frac: or(maintenance, ASSUMED.maintenance_frac),
    };
    let mut is_valid = true;
    let mut descend = |upper: Option<&Given<Fraction>>,
                       upper_frac: f64,
                       lower: Option<&Given<Fraction>>,
                       lower_frac: f64,
                       [upper_name, lower_name]: [&str; 2]| {
        if upper_frac >= lower_frac {
            return;
        }
        is_valid = false;
        let reason = "a position would open below what keeps it";
        if let Some(lower) = lower {
            let allowed = format!("up to {}, the `{upper_name}`", percent(upper_frac));
            sink.push(Refusal::does_not_fit(lower, allowed, reason));
        } else if let Some(upper) = upper {
            let allowed = format!("{} or more, the `{lower_name}`", percent(lower_frac));
            sink.push(Refusal::does_not_fit(upper, allowed, reason));
        }
    };
    descend(
        initial,
        terms.initial_frac,
        floor,
        terms.initial_floor_frac,
        ["initial", "initial_floor"],
    );
    descend(
        floor,
        terms.initial_floor_frac,
        maintenance,
        terms.maintenance_frac,
        ["initial_floor", "maintenance"],
    );
    is_valid.then_some(terms)
}

/// Notes which terms of options are assumed at a venue of the scenario's own.
pub fn note_option_terms(venue: &Venue, setting: &Setting<'_>) {
    let name = &venue.name.value;
    let margin = venue.options.as_ref();
    let parts = [
        (
            "initial margin",
            ASSUMED.initial_frac,
            margin.and_then(|margin| margin.initial.as_ref()),
        ),
        (
            "least initial margin",
            ASSUMED.initial_floor_frac,
            margin.and_then(|margin| margin.initial_floor.as_ref()),
        ),
        (
            "maintenance margin",
            ASSUMED.maintenance_frac,
            margin.and_then(|margin| margin.maintenance.as_ref()),
        ),
        (
            "largest fee, of the premium,",
            ASSUMED.fee_cap_frac,
            venue
                .fees
                .as_ref()
                .and_then(|fees| fees.option_cap.as_ref()),
        ),
    ];
    for (what, frac, given) in parts {
        if given.is_none() {
            setting.notes.add(format!(
                "{name}, assumed: {what} of options is {}, as on Deribit.",
                percent(frac)
            ));
        }
    }
}

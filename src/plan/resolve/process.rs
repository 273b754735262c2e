//! An Ornstein-Uhlenbeck process with its defaults.

use crate::plan::types::OuBasis;
use crate::scenario::place::Given;
use crate::scenario::process::OuProcess;
use crate::scenario::units::Fraction;

/// The process as given; one that is 0 and stays there where none is.
pub fn process(given: Option<&OuProcess>) -> OuBasis {
    let Some(process) = given else {
        return OuBasis::NONE;
    };
    let OuProcess {
        mean,
        initial,
        volatility,
        reversion_per_year,
        correlation_with_spot,
    } = process;
    let or = |given: Option<&Given<Fraction>>, default: f64| {
        given.map_or(default, |given| given.value.0)
    };
    let mean = or(mean.as_ref(), 0.0);
    OuBasis {
        mean,
        initial: or(initial.as_ref(), mean),
        volatility_annual: volatility.value.0,
        reversion_per_year: reversion_per_year.value,
        correlation_with_spot: or(correlation_with_spot.as_ref(), 0.0),
    }
}

//! `contracts.NAME.perpetual`: basis and funding of a perpetual.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::process::{OuProcess, OuRanges};
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{Fraction, Span, fraction};
use crate::scenario::venue::read_optional;

/// A perpetual.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Perpetual {
    /// The basis `ln(F/S)`, `basis.ou`. Optional: 0 always.
    pub basis: Option<OuProcess>,
    /// The funding. Optional: the preset's; none with a venue of one's own.
    pub funding: Option<Funding>,
}

/// Funding of a perpetual.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful, read once")]
pub enum Funding {
    /// The venue's formula on the interval's average premium, `perpetual.funding.premium_formula`.
    PremiumFormula {
        /// Interest term per 8 hours, -10 % to 10 %. Optional: the preset's.
        interest_per_8h: Option<Given<Fraction>>,
        /// Half-width of the clamp per 8 hours, 0 to 10 %. Optional: the preset's.
        damper: Option<Given<Fraction>>,
        /// Time between stamps. Optional: the preset's. Example: `interval = "8h"`.
        interval: Option<Given<Span>>,
        /// Largest absolute rate per 8 hours, 0 to 100 %. Optional: the preset's; none with a venue of one's own.
        cap_per_8h: Option<Given<Fraction>>,
    },
    /// The same rate at every 8-hour stamp, `perpetual.funding.constant`.
    Constant {
        /// Rate per 8 hours, of mark notional, -10 % to 10 %; positive: the short receives. Example: `rate_per_8h = "1bps"`.
        rate_per_8h: Given<Fraction>,
    },
}

const BASIS: OuRanges = OuRanges {
    level: Range::closed(
        -1.0,
        1.0,
        "-1 to 1 (ln of mark over spot; 2 bps is \"2bps\")",
    ),
    volatility: Range::closed(0.0, 20.0, "0 to 20 (per square root of a year)")
        .too_low("a volatility is not negative")
        .too_high("a fraction: 1.2 % is written 0.012 or \"1.2%\""),
    reversion: Range::closed(0.0, 1e6, "0 to 1,000,000 (per year)")
        .too_low("the basis would run away from its mean"),
};
const RATE: Range = Range::closed(-0.1, 0.1, "-10% to 10% (per 8 hours)")
    .too_low("1 basis point is \"1bps\" or 0.0001")
    .too_high("1 basis point is \"1bps\" or 0.0001");
const DAMPER: Range = Range::closed(0.0, 0.1, "0 to 10% (per 8 hours)")
    .too_high("5 basis points are \"5bps\" or 0.0005");
const CAP: Range = Range::closed(0.0, 1.0, "0 to 100% (per 8 hours)")
    .too_high("75 basis points are \"75bps\" or 0.0075");

/// Basis and funding as far as they could be read: `Some(None)` if there is none, `None` if it could not be read.
#[expect(
    clippy::option_option,
    reason = "not given and not readable are two things"
)]
pub fn read(mut table: Reader<'_>) -> (Option<Option<OuProcess>>, Option<Option<Funding>>) {
    let basis = read_optional(&mut table, "basis", |basis| {
        OuProcess::read_within(basis, BASIS)
    });
    let funding = read_optional(&mut table, "funding", read_funding);
    let funding = funding.filter(|given| given.is_some() || !table.is_unsure());
    table.finish();
    (basis, funding)
}

fn read_funding(mut table: Reader<'_>) -> Option<Funding> {
    let chosen = table.one_of(
        &["premium_formula", "constant"],
        &["ou", "history"],
        Requirement::Required,
    );
    let funding = chosen.and_then(|key| {
        let mut inner = table.table(key)?;
        if key == "constant" {
            let rate_per_8h = inner.required("rate_per_8h", within(fraction, RATE));
            inner.finish();
            return Some(Funding::Constant {
                rate_per_8h: rate_per_8h?,
            });
        }
        let interest_per_8h = inner.optional("interest_per_8h", within(fraction, RATE));
        let damper = inner.optional("damper", within(fraction, DAMPER));
        let interval = inner.optional("interval", positive_span);
        let cap_per_8h = inner.optional("cap_per_8h", within(fraction, CAP));
        let is_unsure = inner.is_unsure();
        inner.finish();
        if is_unsure {
            return None;
        }
        Some(Funding::PremiumFormula {
            interest_per_8h: interest_per_8h?,
            damper: damper?,
            interval: interval?,
            cap_per_8h: cap_per_8h?,
        })
    });
    table.finish();
    funding
}

//! `[contracts.NAME]`: a perpetual, its basis and its funding.

use crate::scenario::checked::{within, word};
use crate::scenario::draft::ContractDraft;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{Fraction, Span, fraction, number, text};

/// A linear perpetual on one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Its name, the key of its table. Example: `[contracts.eth-perp]`.
    pub name: Given<String>,
    /// The underlying, a name under `[assets]`. Example: `underlying = "ETH"`.
    pub underlying: Given<String>,
    /// A preset venue, or a name under `[venues]`. Example: `venue = "binance"`.
    pub venue: Given<String>,
    /// Which of a preset venue's contracts. Example: `listing = "ETHUSDT"`.
    pub listing: Option<Given<String>>,
    /// What it is quoted and margined in: `"linear"` (USD). Optional: `"linear"`.
    pub settlement: Option<Given<Settlement>>,
    /// The basis `ln(F/S)`. Optional: 0 always.
    pub basis: Option<Basis>,
    /// The funding. Optional: the preset's; none with a venue of one's own.
    pub funding: Option<Funding>,
}

/// What a contract is settled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// USD (USDT).
    Linear,
}

/// An Ornstein-Uhlenbeck basis, `perpetual.basis.ou`.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// Long-run mean, -1 to 1. Optional: 0. Example: `mean = "2bps"`.
    pub mean: Option<Given<Fraction>>,
    /// Value at time 0, -1 to 1. Optional: the mean.
    pub initial: Option<Given<Fraction>>,
    /// Volatility per square root of a year, 0 to 20. Example: `volatility = 0.012`.
    pub volatility: Given<Fraction>,
    /// Reversion speed per year, 0 to 1,000,000; 0 makes it a Brownian motion. Example: `reversion_per_year = 200`.
    pub reversion_per_year: Given<f64>,
    /// Correlation of its shocks with the underlying's, -1 to 1. Optional: 0.
    pub correlation_with_spot: Option<Given<Fraction>>,
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

const LEVEL: Range = Range::closed(
    -1.0,
    1.0,
    "-1 to 1 (ln of mark over spot; 2 bps is \"2bps\")",
);
const VOLATILITY: Range = Range::closed(0.0, 20.0, "0 to 20 (per square root of a year)")
    .too_low("a volatility is not negative")
    .too_high("a fraction: 1.2 % is written 0.012 or \"1.2%\"");
const REVERSION: Range = Range::closed(0.0, 1e6, "0 to 1,000,000 (per year)")
    .too_low("the basis would run away from its mean");
const CORRELATION: Range = Range::closed(-1.0, 1.0, "-1 to 1 (a correlation)");
const RATE: Range = Range::closed(-0.1, 0.1, "-10% to 10% (per 8 hours)")
    .too_low("1 basis point is \"1bps\" or 0.0001")
    .too_high("1 basis point is \"1bps\" or 0.0001");
const DAMPER: Range = Range::closed(0.0, 0.1, "0 to 10% (per 8 hours)")
    .too_high("5 basis points are \"5bps\" or 0.0005");
const CAP: Range = Range::closed(0.0, 1.0, "0 to 100% (per 8 hours)")
    .too_high("75 basis points are \"75bps\" or 0.0075");

impl Contract {
    /// Reads one contract.
    pub fn read(name: Given<String>, mut table: Reader<'_>) -> Option<Self> {
        let underlying = table.required("underlying", text);
        let venue = table.required("venue", text);
        let listing = table.optional("listing", text);
        let settlement = table.optional(
            "settlement",
            word(&[("linear", Settlement::Linear)], &["inverse"]),
        );
        table.later("contract_size_usd");
        let chosen = table.one_of(&["perpetual"], &["dated", "option"], Requirement::Required);
        let perpetual = chosen.and_then(|key| table.table(key)).map(read_perpetual);
        let (basis, funding) = perpetual.unwrap_or_default();
        let is_unsure = table.is_unsure();
        table.note(|draft| {
            draft.contracts.push(ContractDraft {
                name: name.clone(),
                underlying: underlying.clone(),
                venue: venue.clone(),
                listing: listing
                    .clone()
                    .filter(|given| given.is_some() || !is_unsure),
                funding: funding.clone(),
            });
        });
        table.finish();
        Some(Self {
            name,
            underlying: underlying?,
            venue: venue?,
            listing: listing?,
            settlement: settlement?,
            basis: basis?,
            funding: funding?,
        })
    }
}

/// Basis and funding: `Some(None)` if there is none, `None` if it could not be read.
#[expect(
    clippy::option_option,
    reason = "not given and not readable are two things"
)]
fn read_perpetual(mut table: Reader<'_>) -> (Option<Option<Basis>>, Option<Option<Funding>>) {
    let basis = if table.has("basis") {
        table.table("basis").and_then(read_basis).map(Some)
    } else {
        table.table("basis");
        Some(None)
    };
    let funding = if table.has("funding") {
        table.table("funding").and_then(read_funding).map(Some)
    } else {
        table.table("funding");
        Some(None)
    };
    let funding = funding.filter(|given| given.is_some() || !table.is_unsure());
    table.finish();
    (basis, funding)
}

fn read_basis(mut table: Reader<'_>) -> Option<Basis> {
    let chosen = table.one_of(&["ou"], &[], Requirement::Required);
    let basis = chosen.and_then(|key| {
        let mut ou = table.table(key)?;
        let mean = ou.optional("mean", within(fraction, LEVEL));
        let initial = ou.optional("initial", within(fraction, LEVEL));
        let volatility = ou.required("volatility", within(fraction, VOLATILITY));
        let reversion_per_year = ou.required("reversion_per_year", within(number, REVERSION));
        let correlation_with_spot =
            ou.optional("correlation_with_spot", within(fraction, CORRELATION));
        ou.finish();
        Some(Basis {
            mean: mean?,
            initial: initial?,
            volatility: volatility?,
            reversion_per_year: reversion_per_year?,
            correlation_with_spot: correlation_with_spot?,
        })
    });
    table.finish();
    basis
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

//! `[financing]`, `[report]`: cost of funds, what is to be reported.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{Fraction, Span, Usd, boolean, fraction, usd};
use crate::scenario::view::least_effective;

/// `[financing]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Financing {
    /// Simple interest per year on net cash contributed to the accounts, -1 to 10. Optional: 0. Example: `"5%"`.
    pub cost_of_funds_annual: Option<Given<Fraction>>,
}

/// `[report]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReportSettings {
    /// P&L levels, USD: the probability to end under each is reported. Example: `thresholds_usd = [-20_000_000, 0]`.
    pub thresholds_usd: Vec<Given<Usd>>,
    /// Prices per coin, USD, above 0: the probability to realise less is reported. Example: `[3000]`.
    pub effective_price_below_usd: Vec<Given<Usd>>,
    /// Times at which interim P&L and exposures are reported, multiples of the step up to the horizon. Example: `dates = ["30d", "60d"]`.
    pub dates: Vec<Given<Span>>,
    /// Whether the cash that margin takes is reported: largest calls in a day and a week, cash in transit. Optional: false.
    pub liquidity_at_risk: Option<Given<bool>>,
    /// Effective number of paths that views must leave, a fraction of the paths, 0 to 1; with less the run is refused. Optional: a
    /// tenth. Example: `views_least_effective = "5%"`.
    pub views_least_effective: Option<Given<Fraction>>,
}

const COST_OF_FUNDS: Range = Range::closed(-1.0, 10.0, "-1 to 10 (a fraction per year)")
    .too_high("5 % is written 0.05 or \"5%\"");
const THRESHOLD: Range = Range::closed(-1e15, 1e15, "-1e15 to 1e15 (USD)");
const PRICE: Range = Range::above(0.0, 1e12, "above 0, up to 1e12 (USD per coin)");

impl Financing {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let cost_of_funds_annual =
            table.optional("cost_of_funds_annual", within(fraction, COST_OF_FUNDS));
        table.finish();
        Some(Self {
            cost_of_funds_annual: cost_of_funds_annual?,
        })
    }
}

impl ReportSettings {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let thresholds_usd = table.values(
            "thresholds_usd",
            "a list of amounts",
            within(usd, THRESHOLD),
        );
        let effective_price_below_usd = table.values(
            "effective_price_below_usd",
            "a list of prices",
            within(usd, PRICE),
        );
        let dates = table.values("dates", "a list of durations", positive_span);
        table.note(|draft| draft.report_dates.extend(dates.clone().unwrap_or_default()));
        let liquidity_at_risk = table.optional("liquidity_at_risk", boolean);
        let views_least_effective = table.optional("views_least_effective", least_effective);
        table.finish();
        Some(Self {
            thresholds_usd: thresholds_usd?,
            effective_price_below_usd: effective_price_below_usd?,
            dates: dates?,
            liquidity_at_risk: liquidity_at_risk?,
            views_least_effective: views_least_effective?,
        })
    }
}

//! `[execution]`, `[financing]`, `[report]`: costs of trading, cost of funds, what is to be reported.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::units::{Fraction, Usd, fraction, usd};

/// `[execution]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Execution {
    /// Slippage of each trade and each sale, 0 to 10 % of notional, beside the venue's fee. Optional: 0.
    pub slippage: Option<Given<Fraction>>,
}

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
}

const SLIPPAGE: Range = Range::closed(0.0, 0.1, "0 to 10% (of notional)")
    .too_high("3 basis points are \"3bps\" or 0.0003");
const COST_OF_FUNDS: Range = Range::closed(-1.0, 10.0, "-1 to 10 (a fraction per year)")
    .too_high("5 % is written 0.05 or \"5%\"");
const THRESHOLD: Range = Range::closed(-1e15, 1e15, "-1e15 to 1e15 (USD)");
const PRICE: Range = Range::above(0.0, 1e12, "above 0, up to 1e12 (USD per coin)");

impl Execution {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let slippage = table.optional("slippage", within(fraction, SLIPPAGE));
        table.finish();
        Some(Self {
            slippage: slippage?,
        })
    }
}

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
        table.finish();
        Some(Self {
            thresholds_usd: thresholds_usd?,
            effective_price_below_usd: effective_price_below_usd?,
        })
    }
}

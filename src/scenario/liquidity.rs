//! What a trade costs beside the venue's fee and the slippage: half the spread, and impact.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::Reader;
use crate::scenario::units::{Fraction, Usd, fraction, number, usd};
use crate::scenario::venue::read_optional;

/// Cost of a trade by the market's depth.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Liquidity {
    /// Half the spread between bid and ask, 0 to 10 % of notional. Optional: that of `[execution]`. Example: `half_spread = "1bps"`.
    pub half_spread: Option<Given<Fraction>>,
    /// Impact of the trade's own size. Optional: that of `[execution]`.
    pub impact: Option<Impact>,
}

/// Square-root impact: the mean cost of a trade of notional `N` is `2/3 Y sigma_d sqrt(N / V)` of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Impact {
    /// `Y`, 0 to 100, about 1. Example: `coefficient = 1.0`.
    pub coefficient: Given<f64>,
    /// `V`, USD traded a day, 1 to 1e15. Example: `daily_volume_usd = 5_000_000_000`.
    pub daily_volume_usd: Given<Usd>,
    /// `sigma_d`, standard deviation of a day's log return, 0 to 5. Optional: that of the underlying's model with its jumps.
    pub daily_volatility: Option<Given<Fraction>>,
}

const HALF_SPREAD: Range = Range::closed(0.0, 0.1, "0 to 10% (of notional)")
    .too_high("half a basis point is \"0.5bps\" or 0.00005");
const COEFFICIENT: Range =
    Range::closed(0.0, 100.0, "0 to 100 (about 1)").too_low("trades do not move prices in favour");
const VOLUME: Range = Range::closed(1.0, 1e15, "1 to 1e15 (USD traded a day)");
const DAILY_VOLATILITY: Range = Range::closed(0.0, 5.0, "0 to 5 (of a day's log return)")
    .too_high("a fraction: 4 % is written 0.04 or \"4%\"");

impl Liquidity {
    /// Reads the two keys of a table that may have others.
    pub fn read_keys(table: &mut Reader<'_>) -> Option<Self> {
        let half_spread = table.optional("half_spread", within(fraction, HALF_SPREAD));
        let impact = read_optional(table, "impact", Impact::read);
        Some(Self {
            half_spread: half_spread?,
            impact: impact?,
        })
    }

    /// Reads a table of these keys.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let liquidity = Self::read_keys(&mut table);
        table.finish();
        liquidity
    }
}

impl Impact {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let coefficient = table.required("coefficient", within(number, COEFFICIENT));
        let daily_volume_usd = table.required("daily_volume_usd", within(usd, VOLUME));
        let daily_volatility =
            table.optional("daily_volatility", within(fraction, DAILY_VOLATILITY));
        table.finish();
        Some(Self {
            coefficient: coefficient?,
            daily_volume_usd: daily_volume_usd?,
            daily_volatility: daily_volatility?,
        })
    }
}

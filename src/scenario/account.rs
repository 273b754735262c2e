//! `[accounts.NAME]`: a margin account, its reserve, its margin calls, and what follows a liquidation.

use crate::scenario::checked::{within, word};
use crate::scenario::draft::{AccountDraft, MarginCallDraft};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{Fraction, Span, Usd, fraction, span, text, usd};
use crate::scenario::venue::read_optional;

/// A margin account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its name, the key of its table. Example: `[accounts.main]`.
    pub name: Given<String>,
    /// The venue of the contracts that it margins. Example: `venue = "binance"`.
    pub venue: Given<String>,
    /// Margin mode: `"isolated"`. Optional: `"isolated"`.
    pub margin: Option<Given<MarginMode>>,
    /// Balance at time 0 without unrealised profit, USD, 0 or more. Example: `collateral_usd = 60_000_000`.
    pub collateral_usd: Given<Usd>,
    /// Cash outside the venue that can be sent, USD, 0 or more. Optional: 0.
    pub reserve_usd: Option<Given<Usd>>,
    /// The hedger's alarm and top-up. Optional: no calls.
    pub margin_call: Option<MarginCall>,
    /// What a liquidation costs and what follows it. Optional: no slippage, then stay flat.
    pub liquidation: Option<AccountLiquidation>,
}

/// How positions share collateral.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginMode {
    /// Each position has its own.
    Isolated,
}

/// The hedger's alarm: `margin_call = { level = 0.50, target = 0.25, every = "8h", delay = "8h" }`.
#[derive(Debug, Clone, PartialEq)]
pub struct MarginCall {
    /// Margin ratio (maintenance margin / equity) that starts a top-up, above 0 and below 1.
    pub level: Given<Fraction>,
    /// Margin ratio that a top-up restores, above 0 and below the level.
    pub target: Given<Fraction>,
    /// Margin ratio below which excess goes back to the reserve, above 0 and below the target. Optional: never.
    pub release: Option<Given<Fraction>>,
    /// How often the hedger looks, a multiple of the step. Optional: the step.
    pub every: Option<Given<Span>>,
    /// Time until sent money arrives, a multiple of the step; `"0d"` is at once. Optional: 0.
    pub delay: Option<Given<Span>>,
}

/// What a liquidation costs and what follows it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountLiquidation {
    /// Slippage of the fill, 0 to 50 %, of notional at the fill level. Optional: 0. Example: `slippage = "0.5%"`.
    pub slippage: Option<Given<Fraction>>,
    /// What follows: `then.stay_flat = {}` or `then.reenter = { after = "2d" }`. Optional: stay flat.
    pub then: Option<Then>,
}

/// What follows a liquidation.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// No new hedge.
    StayFlat,
    /// A new hedge with the whole reserve, at the first step end at or after this time.
    Reenter {
        /// Time to wait, 0 or more; it need not be a multiple of the step.
        after: Given<Span>,
    },
}

const COLLATERAL_USD: Range =
    Range::closed(0.0, 1e15, "0 to 1e15 (USD)").too_low("a balance is not negative");
const LEVEL: Range = Range::open(
    0.0,
    1.0,
    "above 0 and below 1 (maintenance margin / equity)",
)
.too_high("the account is liquidated at 1; a call has to come before");
const TARGET: Range = Range::open(
    0.0,
    1.0,
    "above 0 and below the level (maintenance margin / equity)",
);
const RELEASE: Range = Range::open(
    0.0,
    1.0,
    "above 0 and below the target (maintenance margin / equity)",
);
const SLIPPAGE: Range = Range::closed(0.0, 0.5, "0 to 50% (of notional)")
    .too_high("0.5 % is written 0.005 or \"0.5%\"");

impl Account {
    /// Reads one account.
    pub fn read(name: Given<String>, mut table: Reader<'_>) -> Option<Self> {
        let venue = table.required("venue", text);
        table.note(|draft| {
            draft.accounts.push(AccountDraft {
                name: name.clone(),
                venue: venue.clone(),
            });
        });
        let margin = table.optional(
            "margin",
            word(&[("isolated", MarginMode::Isolated)], &["cross"]),
        );
        table.later("collateral_from_holding");
        table.later("collateral_coins");
        let collateral_usd = table.required("collateral_usd", within(usd, COLLATERAL_USD));
        let reserve_usd = table.optional("reserve_usd", within(usd, COLLATERAL_USD));
        let margin_call = read_optional(&mut table, "margin_call", MarginCall::read);
        let liquidation = read_optional(&mut table, "liquidation", AccountLiquidation::read);
        table.finish();
        Some(Self {
            name,
            venue: venue?,
            margin: margin?,
            collateral_usd: collateral_usd?,
            reserve_usd: reserve_usd?,
            margin_call: margin_call?,
            liquidation: liquidation?,
        })
    }
}

impl MarginCall {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let level = table.required("level", within(fraction, LEVEL));
        let target = table.required("target", within(fraction, TARGET));
        let release = table.optional("release", within(fraction, RELEASE));
        let every = table.optional("every", positive_span);
        let delay = table.optional("delay", span);
        table.note(|draft| {
            draft.times.extend(every.clone().flatten());
            draft.delays.extend(delay.clone().flatten());
            draft.margin_calls.push(MarginCallDraft {
                level: level.clone(),
                target: target.clone(),
                release: release.clone().flatten(),
            });
        });
        table.finish();
        Some(Self {
            level: level?,
            target: target?,
            release: release?,
            every: every?,
            delay: delay?,
        })
    }
}

impl AccountLiquidation {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let slippage = table.optional("slippage", within(fraction, SLIPPAGE));
        let then = read_optional(&mut table, "then", read_then);
        table.finish();
        Some(Self {
            slippage: slippage?,
            then: then?,
        })
    }
}

fn read_then(mut table: Reader<'_>) -> Option<Then> {
    let chosen = table.one_of(&["stay_flat", "reenter"], &[], Requirement::Required);
    let then = chosen.and_then(|key| {
        let mut inner = table.table(key)?;
        if key == "stay_flat" {
            inner.finish();
            return Some(Then::StayFlat);
        }
        let after = inner.required("after", span);
        inner.finish();
        Some(Then::Reenter { after: after? })
    });
    table.finish();
    then
}

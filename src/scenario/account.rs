//! `[accounts.NAME]`: a margin account, its reserve, its margin calls, and what follows a liquidation.

use crate::scenario::checked::{within, word};
use crate::scenario::draft::{AccountDraft, MarginCallDraft};
use crate::scenario::holding::QUANTITY;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::transfers::Transfers;
use crate::scenario::units::{BaseQuantity, Fraction, Span, Usd};
use crate::scenario::units::{base_quantity, fraction, span, text, usd};
use crate::scenario::venue::read_optional;

/// A margin account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its name, the key of its table. Example: `[accounts.main]`.
    pub name: Given<String>,
    /// The venue of the contracts that it margins. Example: `venue = "binance"`.
    pub venue: Given<String>,
    /// Margin mode: `"isolated"` (one hedge) or `"cross"` (its hedges share the collateral). Optional: `"isolated"`.
    pub margin: Option<Given<MarginMode>>,
    /// Balance at time 0 without unrealised profit, coins aside, USD, 0 or more; an account kept in a coin buys coins for it. Optional
    /// where coins are given: 0. Example: `collateral_usd = 60_000_000`.
    pub collateral_usd: Option<Given<Usd>>,
    /// Coins bought for the account at time 0, by asset. Example: `collateral_coins = { ETH = 1_000 }`.
    pub collateral_coins: Vec<Coins>,
    /// Coins of a holding that are posted, by asset; they stay inventory. Example: `collateral_from_holding = { ETH = 15_000 }`.
    pub collateral_from_holding: Vec<Coins>,
    /// What margin does not count of a coin's value, by asset, 0 up to (not including) 1. Optional: 0. Example: `haircuts = { ETH = "5%" }`.
    pub haircuts: Vec<(Given<String>, Given<Fraction>)>,
    /// Cash outside the venue that can be sent, USD, 0 or more. Optional: 0.
    pub reserve_usd: Option<Given<Usd>>,
    /// Where top-ups come from, in this order: `"reserve"`, `"credit_line"`, `"inventory"`. Optional: `["reserve"]`.
    pub sources: Option<Vec<Given<SourceChoice>>>,
    /// A loan for top-ups. Needed with the source of that name. Example: `credit_line = { limit_usd = 10_000_000, rate_annual = "9%" }`.
    pub credit_line: Option<CreditLine>,
    /// What it costs to sell inventory for a top-up. Optional: nothing. Example: `sell_inventory = { cost = "50bps" }`.
    pub sell_inventory: Option<SellInventory>,
    /// When money can leave. Optional: always.
    pub transfers: Option<Transfers>,
    /// The hedger's alarm and what follows. Optional: no calls.
    pub margin_call: Option<MarginCall>,
    /// What a liquidation costs and what follows it. Optional: no slippage, then stay flat.
    pub liquidation: Option<AccountLiquidation>,
}

/// How positions share collateral.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginMode {
    /// One position with collateral of its own.
    Isolated,
    /// All positions share the collateral.
    Cross,
}

/// Coins of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Coins {
    /// The asset, a name under `[assets]`.
    pub asset: Given<String>,
    /// The quantity, coins, above 0.
    pub quantity: Given<BaseQuantity>,
}

/// Where a top-up comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceChoice {
    /// Cash of `reserve_usd`.
    Reserve,
    /// A loan.
    CreditLine,
    /// A sale of inventory.
    Inventory,
}

/// A loan for top-ups.
#[derive(Debug, Clone, PartialEq)]
pub struct CreditLine {
    /// The most that can be drawn, USD, above 0.
    pub limit_usd: Given<Usd>,
    /// Simple interest per year, 0 to 10.
    pub rate_annual: Given<Fraction>,
}

/// What it costs to sell inventory for a top-up.
#[derive(Debug, Clone, PartialEq)]
pub struct SellInventory {
    /// A fraction of its value at spot, 0 to 50 %.
    pub cost: Given<Fraction>,
}

/// What the hedger does at a margin call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallChoice {
    /// Sends money.
    TopUp,
    /// Cuts the positions.
    Deleverage,
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
    /// What happens at a call: `"top_up"` or `"deleverage"` (the futures are cut until the target holds). Optional: `"top_up"`.
    pub by: Option<Given<CallChoice>>,
    /// The least that a top-up asks for, USD, 0 or more. Optional: 0.
    pub minimum_transfer_usd: Option<Given<Usd>>,
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
const HAIRCUT: Range = Range::closed(0.0, 0.999, "0 to 0.999 (a fraction of the coin's value)")
    .too_high("5 % is written 0.05 or \"5%\"");
const MINIMUM: Range = Range::closed(0.0, 1e15, "0 to 1e15 (USD)");
const LIMIT: Range = Range::above(0.0, 1e15, "above 0, up to 1e15 (USD)");
const CREDIT_RATE: Range = Range::closed(0.0, 10.0, "0 to 10 (a fraction per year)")
    .too_high("9 % is written 0.09 or \"9%\"");
const SELL_COST: Range = Range::closed(0.0, 0.5, "0 to 50% (of the value at spot)")
    .too_high("50 basis points are \"50bps\" or 0.005");
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
        let modes = &[
            ("isolated", MarginMode::Isolated),
            ("cross", MarginMode::Cross),
        ];
        let margin = table.optional("margin", word(modes, &[]));
        let has_coins = table.has("collateral_coins") || table.has("collateral_from_holding");
        let collateral_usd = if has_coins {
            table.optional("collateral_usd", within(usd, COLLATERAL_USD))
        } else {
            let given = table.required("collateral_usd", within(usd, COLLATERAL_USD));
            given.map(Some)
        };
        let collateral_coins = read_coins(&mut table, "collateral_coins");
        let collateral_from_holding = read_coins(&mut table, "collateral_from_holding");
        let haircuts = table.named_values("haircuts", within(fraction, HAIRCUT));
        table.note(|draft| {
            let coins = collateral_coins.iter().chain(&collateral_from_holding);
            let named = coins.flatten().map(|coins| coins.asset.clone());
            draft.coins.extend(named);
            let named = haircuts.iter().flatten().map(|(name, _)| name.clone());
            draft.coins.extend(named);
        });
        let reserve_usd = table.optional("reserve_usd", within(usd, COLLATERAL_USD));
        let sources = read_sources(&mut table);
        let credit_line = read_optional(&mut table, "credit_line", CreditLine::read);
        let sell_inventory = read_optional(&mut table, "sell_inventory", SellInventory::read);
        let transfers = read_optional(&mut table, "transfers", Transfers::read);
        let margin_call = read_optional(&mut table, "margin_call", MarginCall::read);
        let liquidation = read_optional(&mut table, "liquidation", AccountLiquidation::read);
        table.finish();
        Some(Self {
            name,
            venue: venue?,
            margin: margin?,
            collateral_usd: collateral_usd?,
            collateral_coins: collateral_coins?,
            collateral_from_holding: collateral_from_holding?,
            haircuts: haircuts?,
            reserve_usd: reserve_usd?,
            sources: sources?,
            credit_line: credit_line?,
            sell_inventory: sell_inventory?,
            transfers: transfers?,
            margin_call: margin_call?,
            liquidation: liquidation?,
        })
    }
}

fn read_coins(table: &mut Reader<'_>, key: &'static str) -> Option<Vec<Coins>> {
    let coins = table.named_values(key, within(base_quantity, QUANTITY))?;
    let coins = coins
        .into_iter()
        .map(|(asset, quantity)| Coins { asset, quantity });
    Some(coins.collect())
}

/// `Some(None)` if absent, `None` if wrong.
#[expect(
    clippy::option_option,
    reason = "not given and not readable are two things"
)]
fn read_sources(table: &mut Reader<'_>) -> Option<Option<Vec<Given<SourceChoice>>>> {
    let words = &[
        ("reserve", SourceChoice::Reserve),
        ("credit_line", SourceChoice::CreditLine),
        ("inventory", SourceChoice::Inventory),
    ];
    let is_there = table.has("sources");
    let expected = "a list of \"reserve\", \"credit_line\", \"inventory\"";
    let sources = table.values("sources", expected, word(words, &[]))?;
    Some(is_there.then_some(sources))
}

impl CreditLine {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let limit_usd = table.required("limit_usd", within(usd, LIMIT));
        let rate_annual = table.required("rate_annual", within(fraction, CREDIT_RATE));
        table.finish();
        Some(Self {
            limit_usd: limit_usd?,
            rate_annual: rate_annual?,
        })
    }
}

impl SellInventory {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let cost = table.required("cost", within(fraction, SELL_COST));
        table.finish();
        Some(Self { cost: cost? })
    }
}

impl MarginCall {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let level = table.required("level", within(fraction, LEVEL));
        let target = table.required("target", within(fraction, TARGET));
        let release = table.optional("release", within(fraction, RELEASE));
        let every = table.optional("every", positive_span);
        let delay = table.optional("delay", span);
        let actions = &[
            ("top_up", CallChoice::TopUp),
            ("deleverage", CallChoice::Deleverage),
        ];
        let by = table.optional("by", word(actions, &[]));
        let minimum_transfer_usd = table.optional("minimum_transfer_usd", within(usd, MINIMUM));
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
            by: by?,
            minimum_transfer_usd: minimum_transfer_usd?,
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

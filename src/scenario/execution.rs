//! `[execution]` and the orders of a hedge: what trades cost and how they are worked.

use crate::scenario::checked::{within, word};
use crate::scenario::liquidity::Liquidity;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::simulation::positive_span;
use crate::scenario::units::{Fraction, Span, fraction, number};
use crate::scenario::venue::read_optional;

/// `[execution]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Execution {
    /// Slippage of each trade and each sale, 0 to 10 % of notional, beside the venue's fee. Optional: 0.
    pub slippage: Option<Given<Fraction>>,
    /// Half-spread and impact in contracts that bring none of their own. Optional: none. Example: `half_spread = "1bps"`.
    pub liquidity: Liquidity,
    /// Whether orders take or rest: `"taker"` or `"maker"`. Optional: `"taker"`.
    pub order: Option<Given<OrderChoice>>,
    /// How orders are cut up. Optional: not at all.
    pub style: Option<Style>,
    /// When trades cost more. Optional: never.
    pub stress: Option<Stress>,
}

/// Whether an order takes what is offered or rests in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderChoice {
    /// Taker fee, half-spread and impact.
    Taker,
    /// Maker fee, neither half-spread nor impact.
    Maker,
}

/// How an order is cut up.
#[derive(Debug, Clone, PartialEq)]
pub enum Style {
    /// One trade. Example: `style.single = {}`.
    Single,
    /// Equal parts over a time, a multiple of the step. Example: `style.twap = { over = "1d" }`.
    Twap {
        /// From the decision to the last part.
        over: Given<Span>,
    },
    /// Clips that show a part of the order, above 0 up to 1. Example: `style.iceberg = { display = "10%" }`.
    Iceberg {
        /// The part shown.
        display: Given<Fraction>,
    },
    /// A block at a quoted spread, 0 to 10 % of notional. Example: `style.otc = { spread = "20bps" }`.
    Otc {
        /// The spread.
        spread: Given<Fraction>,
    },
}

/// When trades cost more: `stress = { move = "5%", multiplier = 3, liquidation_multiplier = 2 }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stress {
    /// Absolute log move of the underlying in a step beyond which costs are multiplied, above 0 up to 5. With `multiplier` only.
    pub log_move: Option<Given<Fraction>>,
    /// Factor on slippage, half-spread and impact then, 1 to 1000.
    pub multiplier: Option<Given<f64>>,
    /// Factor on half-spread and impact of a liquidation, 0 to 1000. Optional: 1.
    pub liquidation_multiplier: Option<Given<f64>>,
}

const SLIPPAGE: Range = Range::closed(0.0, 0.1, "0 to 10% (of notional)")
    .too_high("3 basis points are \"3bps\" or 0.0003");
const DISPLAY: Range = Range::above(0.0, 1.0, "above 0, up to 1 (the part of the order shown)")
    .too_high("10 % is written 0.1 or \"10%\"");
const MOVE: Range = Range::above(0.0, 5.0, "above 0, up to 5 (a log move in a step)")
    .too_high("5 % is written 0.05 or \"5%\"");
const MULTIPLIER: Range = Range::closed(1.0, 1000.0, "1 to 1000 (a factor on costs)");
const LIQUIDATION_MULTIPLIER: Range = Range::closed(
    0.0,
    1000.0,
    "0 to 1000 (a factor on half-spread and impact)",
);

impl Execution {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let slippage = table.optional("slippage", within(fraction, SLIPPAGE));
        let liquidity = Liquidity::read_keys(&mut table);
        let order = read_order(&mut table);
        let style = read_optional(&mut table, "style", Style::read);
        let stress = read_optional(&mut table, "stress", Stress::read);
        table.finish();
        Some(Self {
            slippage: slippage?,
            liquidity: liquidity?,
            order: order?,
            style: style?,
            stress: stress?,
        })
    }
}

/// Reads `order`: `Some(None)` if absent, `None` if wrong.
pub fn read_order(table: &mut Reader<'_>) -> Option<Option<Given<OrderChoice>>> {
    let words = &[("taker", OrderChoice::Taker), ("maker", OrderChoice::Maker)];
    table.optional("order", word(words, &[]))
}

impl Style {
    /// Reads the table.
    pub fn read(mut table: Reader<'_>) -> Option<Self> {
        let variants = &["single", "twap", "iceberg", "otc"];
        let chosen = table.one_of(variants, &[], Requirement::Required);
        let style = chosen.and_then(|key| {
            let mut inner = table.table(key)?;
            let style = match key {
                "single" => Some(Self::Single),
                "twap" => {
                    let over = inner.required("over", positive_span);
                    inner.note(|draft| draft.times.extend(over.clone()));
                    over.map(|over| Self::Twap { over })
                }
                "iceberg" => inner
                    .required("display", within(fraction, DISPLAY))
                    .map(|display| Self::Iceberg { display }),
                _ => inner
                    .required("spread", within(fraction, SLIPPAGE))
                    .map(|spread| Self::Otc { spread }),
            };
            inner.finish();
            style
        });
        table.finish();
        style
    }
}

impl Stress {
    fn read(mut table: Reader<'_>) -> Option<Self> {
        let is_given = table.has("move") || table.has("multiplier");
        let (log_move, multiplier) = if is_given {
            (
                table.required("move", within(fraction, MOVE)).map(Some),
                table
                    .required("multiplier", within(number, MULTIPLIER))
                    .map(Some),
            )
        } else {
            (
                table.optional("move", within(fraction, MOVE)),
                table.optional("multiplier", within(number, MULTIPLIER)),
            )
        };
        let liquidation_multiplier = table.optional(
            "liquidation_multiplier",
            within(number, LIQUIDATION_MULTIPLIER),
        );
        table.finish();
        Some(Self {
            log_move: log_move?,
            multiplier: multiplier?,
            liquidation_multiplier: liquidation_multiplier?,
        })
    }
}

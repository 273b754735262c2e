//! What happened to an account in one step, in words.

use std::fmt::Write as _;

use crate::ledger::event::{LedgerEvent, LiquidationCause};
use crate::plan::types::ContractPlan;
use crate::report::number::{percent, plain, price, usd};

/// Names that the words use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    /// The held asset.
    pub(crate) held: &'a str,
    /// The contract's underlying asset.
    pub(crate) underlying: &'a str,
    /// All contracts.
    pub(crate) contracts: &'a [ContractPlan],
    /// Length of a step.
    pub(crate) step_days: f64,
}

/// One event as a sentence without its full stop; money and prices in USD, sizes with the asset they are in.
#[expect(clippy::too_many_lines, reason = "a menu: one arm an event")]
pub(crate) fn words(event: &LedgerEvent, names: Names<'_>) -> String {
    let short = |base: f64| format!("{} {}", size(base), names.underlying);
    match *event {
        LedgerEvent::Liquidated {
            fill_usd,
            short_base,
            cost_usd,
            returned_usd,
            forfeited_usd,
            bankruptcy_usd,
            cause,
        } => {
            let mut text = format!(
                "LIQUIDATED at mark {}: {}; {} bought back, fee and slippage {} USD, {} USD returned to the reserve",
                price(fill_usd),
                how(cause),
                short(short_base),
                whole(cost_usd),
                whole(returned_usd),
            );
            push_losses(&mut text, forfeited_usd, bankruptcy_usd);
            text
        }
        LedgerEvent::Called {
            margin_ratio,
            asked_usd,
            sent_usd,
        } => {
            let mut text = format!(
                "margin call at a ratio of {}: {} USD asked for, {} USD sent from the reserve",
                percent(margin_ratio),
                whole(asked_usd),
                whole(sent_usd)
            );
            if sent_usd < asked_usd {
                let _ = write!(text, ", {} USD unmet", whole(asked_usd - sent_usd));
            }
            text
        }
        LedgerEvent::Arrived { amount_usd } => {
            format!("top-up of {} USD arrived", whole(amount_usd))
        }
        LedgerEvent::CameBack { amount_usd } => format!(
            "transfer of {} USD came after the account was closed and went back to the reserve",
            whole(amount_usd)
        ),
        LedgerEvent::Released { amount_usd } => {
            format!(
                "excess of {} USD released to the reserve",
                whole(amount_usd)
            )
        }
        LedgerEvent::Sold {
            quantity_base,
            spot_usd,
        } => format!(
            "inventory sold: {} {} at spot {}",
            size(quantity_base),
            names.held,
            price(spot_usd)
        ),
        LedgerEvent::Traded {
            change_base,
            mark_usd,
            is_cut,
        } => {
            let verb = if change_base < 0.0 {
                "short reduced: bought back"
            } else {
                "short increased: sold"
            };
            format!(
                "{verb} {} at mark {}{}",
                short(change_base.abs()),
                price(mark_usd),
                cut(is_cut)
            )
        }
        LedgerEvent::Reentered {
            short_base,
            collateral_usd,
            is_cut,
        } => format!(
            "hedge on again: {} short on {} USD of collateral{}",
            short(short_base),
            whole(collateral_usd),
            cut(is_cut)
        ),
        LedgerEvent::Produced {
            quantity_base,
            cost_usd,
        } => format!(
            "produced: {} {} at a cost of {} USD",
            size(quantity_base),
            names.held,
            whole(cost_usd)
        ),
        LedgerEvent::Settled {
            size_base,
            price_usd,
        } => format!("settled: {} at {}", short(size_base), price(price_usd)),
        LedgerEvent::Rolled {
            size_base,
            near_usd,
            far_usd,
        } => format!(
            "rolled: {} bought back at mark {} and sold at mark {} of the next contract",
            short(size_base),
            price(near_usd),
            price(far_usd)
        ),
        LedgerEvent::ClosedByVenue {
            size_base,
            fill_usd,
        } => format!(
            "closed by the venue: {} at {}",
            short(size_base.abs()),
            price(fill_usd)
        ),
        LedgerEvent::Switched { to, mean_per_8h } => format!(
            "switched to {}: funding averaged {} per 8 h",
            names.contracts[to].name,
            percent(mean_per_8h)
        ),
        LedgerEvent::Deleveraged {
            margin_ratio,
            cut_frac,
        } => format!(
            "margin call at a ratio of {}: every future is cut by {}",
            percent(margin_ratio),
            percent(cut_frac)
        ),
        LedgerEvent::Borrowed { amount_usd } => {
            format!("{} USD drawn from the credit line", whole(amount_usd))
        }
        LedgerEvent::Repaid { amount_usd } => {
            format!("{} USD repaid to the credit line", whole(amount_usd))
        }
        LedgerEvent::SoldEarly {
            quantity_base,
            spot_usd,
            brought_usd,
        } => format!(
            "inventory sold early to feed the margin: {} {} at spot {}, {} USD after its cost",
            size(quantity_base),
            names.held,
            price(spot_usd),
            whole(brought_usd)
        ),
        LedgerEvent::Sent {
            amount_usd,
            leaves_step,
            arrives_step,
        } => format!(
            "{} USD sent: leaves {}, arrives {}",
            whole(amount_usd),
            day(leaves_step, names),
            day(arrives_step, names)
        ),
        LedgerEvent::BoughtCoins { amount_usd, coins } => {
            format!("{} USD buy {} on the way", whole(amount_usd), short(coins))
        }
        LedgerEvent::Closed {
            short_base,
            mark_usd,
        } => format!(
            "hedge closed: {} bought back at mark {}",
            short(short_base),
            price(mark_usd)
        ),
    }
}

/// How a liquidation came about.
pub(super) fn how(cause: LiquidationCause) -> &'static str {
    match cause {
        LiquidationCause::Crossed => "the mark crossed the level within the step",
        LiquidationCause::Gapped => "a jump landed beyond the level",
        LiquidationCause::Beyond => "the account began the step beyond the level",
        LiquidationCause::EndCheck => "margin check at the step's end",
    }
}

/// What the venue kept and what its fund bore, where there was any.
pub(super) fn push_losses(text: &mut String, forfeited_usd: f64, bankruptcy_usd: f64) {
    if forfeited_usd > 0.0 {
        let _ = write!(text, ", {} USD kept by the venue", whole(forfeited_usd));
    }
    if bankruptcy_usd > 0.0 {
        let _ = write!(
            text,
            ", {} USD more than the account held borne by the insurance fund",
            whole(bankruptcy_usd)
        );
    }
}

/// The end of a step as a day; beyond the horizon for the step that no plan reaches.
fn day(step: u32, names: Names<'_>) -> String {
    if step == u32::MAX {
        "after the horizon".to_owned()
    } else {
        format!("on day {}", plain(f64::from(step) * names.step_days, 2))
    }
}

/// A size in base units: 50,000; 1,234.5; 0.25.
pub(crate) fn size(base: f64) -> String {
    let text = plain(base, 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An amount of money: whole dollars, with cents below 1,000.
pub(super) fn whole(amount_usd: f64) -> String {
    if amount_usd.abs() < 1000.0 {
        usd(amount_usd)
    } else {
        plain(amount_usd, 0)
    }
}

pub(super) fn cut(is_cut: bool) -> &'static str {
    if is_cut {
        ", cut for want of margin"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> = Names {
        held: "TKN",
        underlying: "BTC",
        contracts: &[],
        step_days: 1.0,
    };

    #[test]
    fn a_liquidation_says_where_the_money_went() {
        let event = LedgerEvent::Liquidated {
            fill_usd: 91_250.5,
            short_base: 369.230_769,
            cost_usd: 1_234_567.4,
            returned_usd: 0.0,
            forfeited_usd: 2_000.0,
            bankruptcy_usd: 12.5,
            cause: LiquidationCause::Gapped,
        };
        assert_eq!(
            words(&event, NAMES),
            "LIQUIDATED at mark 91,250.50: a jump landed beyond the level; 369.2308 BTC bought back, fee and slippage \
             1,234,567 USD, 0 USD returned to the reserve, 2,000 USD kept by the venue, 12.50 USD more than the account \
             held borne by the insurance fund"
        );
    }

    #[test]
    fn an_unmet_call_says_what_is_missing() {
        let called = |sent_usd| LedgerEvent::Called {
            margin_ratio: 0.545,
            asked_usd: 2_500_000.0,
            sent_usd,
        };
        let met = "margin call at a ratio of 54.5 %: 2,500,000 USD asked for, 2,500,000 USD sent from the reserve";
        assert_eq!(words(&called(2_500_000.0), NAMES), met);
        let unmet = words(&called(400_000.0), NAMES);
        assert!(
            unmet.ends_with("400,000 USD sent from the reserve, 2,100,000 USD unmet"),
            "{unmet}"
        );
    }

    #[test]
    fn sizes_carry_the_asset_they_are_in() {
        let sold = LedgerEvent::Sold {
            quantity_base: 1e6,
            spot_usd: 20.5,
        };
        assert_eq!(
            words(&sold, NAMES),
            "inventory sold: 1,000,000 TKN at spot 20.50"
        );
        let traded = |change_base, is_cut| {
            words(
                &LedgerEvent::Traded {
                    change_base,
                    mark_usd: 65_000.0,
                    is_cut,
                },
                NAMES,
            )
        };
        assert_eq!(
            traded(-10.5, false),
            "short reduced: bought back 10.5 BTC at mark 65,000.00"
        );
        assert_eq!(
            traded(10.0, true),
            "short increased: sold 10 BTC at mark 65,000.00, cut for want of margin"
        );
    }
}

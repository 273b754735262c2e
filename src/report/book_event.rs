//! What happened to hedges, accounts and holdings of a general plan, in words that name them.

use std::fmt::Write as _;

use crate::ledger::event::{LedgerEvent, Subject, Told};
use crate::outcome::layout::holding_labels;
use crate::plan::types::{ContractPlan, Plan, SettlementCurrency};
use crate::report::event::{Names, cut, how, push_losses, size, whole, words};
use crate::report::number::{percent, price};

/// One event as a sentence without its full stop, whom it happened to before it.
pub(super) fn told_words(plan: &Plan, told: &Told) -> String {
    match told.subject {
        Subject::Hedge { hedge, contract } => {
            let contract = &plan.market.contracts[contract];
            let held = plan.holdings[plan.hedges[hedge].covers].asset;
            let names = names(plan, held, contract.underlying);
            let text = hedge_words(&told.event, contract, names);
            format!("hedge {} ({}): {text}", hedge + 1, contract.name)
        }
        Subject::Account(a) => {
            let text = account_words(plan, a, &told.event);
            format!("account {}: {text}", plan.accounts[a].name)
        }
        Subject::Holding(j) => {
            let asset = plan.holdings[j].asset;
            let text = words(&told.event, names(plan, asset, asset));
            format!("holding {}: {text}", holding_labels(plan)[j])
        }
    }
}

fn names(plan: &Plan, held: usize, underlying: usize) -> Names<'_> {
    let asset = |index: usize| plan.market.assets[index].name.as_str();
    Names {
        held: asset(held),
        underlying: asset(underlying),
        contracts: &plan.market.contracts,
        step_days: plan.simulation.step_days,
    }
}

/// Events whose words depend on the side of the position or on the kind of contract.
fn hedge_words(event: &LedgerEvent, contract: &ContractPlan, names: Names<'_>) -> String {
    let of = |base: f64| format!("{} {}", size(base.abs()), names.underlying);
    let at = if contract.option().is_some() {
        "a value of"
    } else {
        "mark"
    };
    match *event {
        LedgerEvent::Traded {
            change_base,
            mark_usd,
            is_cut,
        } => {
            let verb = if change_base < 0.0 { "bought" } else { "sold" };
            format!(
                "{verb} {} at {at} {}{}",
                of(change_base),
                price(mark_usd),
                cut(is_cut)
            )
        }
        LedgerEvent::Closed {
            short_base,
            mark_usd,
        } => {
            let verb = if short_base > 0.0 {
                "bought back"
            } else {
                "sold"
            };
            format!(
                "closed: {} {verb} at {at} {}",
                of(short_base),
                price(mark_usd)
            )
        }
        LedgerEvent::Settled {
            size_base,
            price_usd,
        } if contract.option().is_some() => {
            let verb = if size_base > 0.0 { "paid" } else { "received" };
            if price_usd > 0.0 {
                format!(
                    "expired: {} settled in cash, {} USD a unit {verb}",
                    of(size_base),
                    price(price_usd)
                )
            } else {
                format!("expired worthless: {}", of(size_base))
            }
        }
        LedgerEvent::Settled {
            size_base,
            price_usd,
        } => format!(
            "settled at its expiry: {} {} at {}",
            of(size_base),
            if size_base > 0.0 { "short" } else { "long" },
            price(price_usd)
        ),
        LedgerEvent::Rolled {
            size_base,
            near_usd,
            far_usd,
        } => {
            let (out, back) = if size_base > 0.0 {
                ("bought back", "sold")
            } else {
                ("sold", "bought")
            };
            format!(
                "rolled: {} {out} at mark {} and {back} at mark {} of the next contract",
                of(size_base),
                price(near_usd),
                price(far_usd)
            )
        }
        LedgerEvent::ClosedByVenue {
            size_base,
            fill_usd,
        } => {
            let verb = if size_base > 0.0 {
                "bought back"
            } else {
                "sold"
            };
            format!(
                "closed by the venue: {} {verb} at {at} {}",
                of(size_base),
                price(fill_usd)
            )
        }
        _ => words(event, names),
    }
}

/// Events of an account, which may hold several positions and coins.
fn account_words(plan: &Plan, a: usize, event: &LedgerEvent) -> String {
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
            let legs = plan.hedges.iter().filter(|hedge| hedge.account == a);
            let what = match &legs.collect::<Vec<_>>()[..] {
                [hedge] if hedge.switch.is_none() => {
                    let contract = &plan.market.contracts[hedge.contract];
                    let verb = if short_base > 0.0 {
                        "bought back"
                    } else {
                        "sold"
                    };
                    format!(
                        "LIQUIDATED at mark {}: {}; {} {} {verb}",
                        price(fill_usd),
                        how(cause),
                        size(short_base.abs()),
                        plan.market.assets[contract.underlying].name
                    )
                }
                _ => format!("LIQUIDATED: {}; every position closed", how(cause)),
            };
            let mut text = format!(
                "{what}, fee and slippage {} USD, {} USD returned to the hedger",
                whole(cost_usd),
                whole(returned_usd)
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
                "margin call at a ratio of {}: {} USD asked for, {} USD raised",
                percent(margin_ratio),
                whole(asked_usd),
                whole(sent_usd)
            );
            if sent_usd < asked_usd {
                let _ = write!(text, ", {} USD unmet", whole(asked_usd - sent_usd));
            }
            text
        }
        LedgerEvent::Reentered {
            collateral_usd,
            is_cut,
            ..
        } => format!(
            "hedges on again on {} USD of collateral{}",
            whole(collateral_usd),
            cut(is_cut)
        ),
        _ => {
            let coin = plan.accounts[a].settlement;
            let asset = match coin {
                SettlementCurrency::Usd => 0,
                SettlementCurrency::Coin { asset } => asset,
            };
            words(event, names(plan, asset, asset))
        }
    }
}

//! What a plan asks for and nothing comes of: times beyond the horizon, money without a use, hedges without a size.

use crate::hedge::legs::{Positions, is_inverse};
use crate::hedge::target::target_short_base;
use crate::plan::resolve::words::{price, short, usd};
use crate::plan::types::{
    AfterLiquidation, CallAction, FundingPlan, FundingSource, HedgePlan, OrderStyle, Plan,
    Position, Rebalance, SettlementCurrency,
};

/// A price of opening further from the mark than this factor is told.
const FAR_FACTOR: f64 = 3.0;

/// A size of an opened hedge further from its ratio than this is told, a fraction of what the ratio asks.
const OFF_RATIO: f64 = 0.05;

/// Sentences on hedges and accounts.
pub(crate) fn idle_warnings(plan: &Plan) -> Vec<String> {
    let legs = Positions::of(plan);
    let mut found = Vec::new();
    for (h, hedge) in plan.hedges.iter().enumerate() {
        if hedge.is_absent() {
            continue;
        }
        let told = [
            late_parts(plan, hedge),
            late_rebalance(plan, hedge),
            late_switch(plan, hedge),
            far_price(plan, hedge),
            idle_ratio(plan, hedge),
            long_on_holding(plan, hedge),
            no_size(&legs, h),
            idle_order(hedge),
            dear_switch(&legs, h),
        ];
        let name = &plan.market.contracts[hedge.contract].name;
        let begin = |text: String| format!("hedge {} ({name}): {text}", h + 1);
        found.extend(told.into_iter().flatten().map(begin));
    }
    for a in 0..plan.accounts.len() {
        let is_used = |hedge: &HedgePlan| hedge.account == a && !hedge.is_absent();
        if plan.hedges.iter().any(is_used) {
            let told = [
                idle_reserve(plan, a),
                idle_delay(plan, a),
                late_entry(plan, a),
            ];
            let begin = |text: String| format!("account {}: {text}", plan.accounts[a].name);
            found.extend(told.into_iter().flatten().map(begin));
        }
    }
    found
}

/// Days of a number of steps, in words.
fn days(plan: &Plan, steps: u32) -> String {
    short(f64::from(steps) * plan.simulation.step_days)
}

/// `F_0` of a future; `None` of an option.
fn mark_usd(plan: &Plan, contract: usize) -> Option<f64> {
    let contract = &plan.market.contracts[contract];
    let spot_usd = plan.market.assets[contract.underlying].spot_usd;
    let is_option = contract.option().is_some();
    (!is_option).then(|| spot_usd * contract.initial_basis().exp())
}

/// An order that is worked for longer than the simulation lasts.
fn late_parts(plan: &Plan, hedge: &HedgePlan) -> Option<String> {
    let OrderStyle::Twap { parts } = hedge.order.style else {
        return None;
    };
    (parts > plan.simulation.steps).then(|| {
        format!(
            "its orders are worked over {} days and the horizon is {}; none is ever done",
            days(plan, parts),
            days(plan, plan.simulation.steps)
        )
    })
}

/// A first rebalancing at or beyond the horizon.
fn late_rebalance(plan: &Plan, hedge: &HedgePlan) -> Option<String> {
    let Rebalance::Every { steps } = hedge.rebalance else {
        return None;
    };
    (steps >= plan.simulation.steps).then(|| {
        format!(
            "it is first rebalanced after {} days and the horizon is {}; it never is",
            days(plan, steps),
            days(plan, plan.simulation.steps)
        )
    })
}

/// A window of funding that is never full before the horizon.
fn late_switch(plan: &Plan, hedge: &HedgePlan) -> Option<String> {
    let switch = hedge.switch?;
    let interval_steps = match plan.market.contracts[hedge.contract].funding() {
        FundingPlan::None => return None,
        FundingPlan::Constant { interval_steps, .. }
        | FundingPlan::PremiumFormula { interval_steps, .. } => interval_steps,
    };
    let steps = switch.window_stamps.saturating_mul(interval_steps);
    (steps >= plan.simulation.steps).then(|| {
        format!(
            "funding is averaged over {} days and the horizon is {}; it never switches",
            days(plan, steps),
            days(plan, plan.simulation.steps)
        )
    })
}

/// An opening price that is not of this market.
fn far_price(plan: &Plan, hedge: &HedgePlan) -> Option<String> {
    let (opened_usd, mark_usd) = (hedge.opened?.price_usd, mark_usd(plan, hedge.contract)?);
    let factor = (opened_usd / mark_usd).max(mark_usd / opened_usd);
    (factor > FAR_FACTOR).then(|| {
        format!(
            "it was opened at {} USD and the mark is {}; is that the price of another contract?",
            price(opened_usd),
            price(mark_usd)
        )
    })
}

/// A hedge already on that is never brought to its ratio, and is not there.
fn idle_ratio(plan: &Plan, hedge: &HedgePlan) -> Option<String> {
    let (opened, mark_usd) = (hedge.opened?, mark_usd(plan, hedge.contract)?);
    if hedge.rebalance != Rebalance::Never {
        return None;
    }
    let contract = &plan.market.contracts[hedge.contract];
    let holding = &plan.holdings[hedge.covers];
    let asked_base = target_short_base(
        hedge.hedge_ratio,
        holding.followed_base(hedge.follows),
        plan.market.assets[holding.asset].spot_usd,
        plan.market.assets[contract.underlying].spot_usd,
    );
    let is_on_base = if is_inverse(contract) {
        opened.quantity_base * opened.price_usd / mark_usd
    } else {
        opened.quantity_base
    };
    ((is_on_base - asked_base).abs() > OFF_RATIO * asked_base.abs()).then(|| {
        let coin = &plan.market.assets[contract.underlying].name;
        format!(
            "{} {coin} are on and the ratio asks for {}; with rebalance.never the ratio does nothing",
            short(is_on_base),
            short(asked_base)
        )
    })
}

/// Longs on what is held that outweigh the shorts: they add to the risk.
fn long_on_holding(plan: &Plan, hedge: &HedgePlan) -> Option<String> {
    let underlying = |hedge: &HedgePlan| plan.market.contracts[hedge.contract].underlying;
    let is_future = |hedge: &HedgePlan| {
        let contract = &plan.market.contracts[hedge.contract];
        contract.option().is_none()
    };
    let asset = plan.holdings[hedge.covers].asset;
    if hedge.position != Position::Long || underlying(hedge) != asset || !is_future(hedge) {
        return None;
    }
    let short: f64 = plan
        .hedges
        .iter()
        .filter(|other| other.covers == hedge.covers && is_future(other))
        .map(|other| other.position.sign() * other.hedge_ratio)
        .sum();
    (short < 0.0).then(|| {
        let name = &plan.market.assets[asset].name;
        format!("it is long {name}, which is held: it adds to the risk that it covers")
    })
}

/// A hedge that is not there at time 0.
fn no_size(legs: &Positions<'_>, h: usize) -> Option<String> {
    let plan = legs.plan;
    let hedge = &plan.hedges[h];
    let account = &plan.accounts[hedge.account];
    let is_by_delta = matches!(hedge.rebalance, Rebalance::DeltaBand { .. });
    let is_funded = account.collateral_usd > 0.0 || !account.coins.is_empty();
    if legs.legs[h].size != 0.0 || is_by_delta || !is_funded {
        return None;
    }
    let holding = &plan.holdings[hedge.covers];
    let why = if holding.followed_base(hedge.follows) == 0.0 {
        "it follows the inventory and nothing is held yet; follows = \"expected\" covers what is produced later"
    } else if hedge.round.is_some() {
        "it is rounded to no contract"
    } else {
        "the venue's rules or the ratio leave nothing"
    };
    let name = &account.name;
    Some(format!(
        "its size at time 0 is 0, though account {name} holds collateral: {why}"
    ))
}

/// A resting order away from the book.
fn idle_order(hedge: &HedgePlan) -> Option<String> {
    let is_otc = matches!(hedge.order.style, OrderStyle::Otc { .. });
    (hedge.order.is_maker && is_otc).then(|| {
        "order = \"maker\" with style.otc; a block pays its quoted spread, so \"maker\" changes nothing"
            .to_owned()
    })
}

/// A switch to a contract that asks for more initial margin than there is.
fn dear_switch(legs: &Positions<'_>, h: usize) -> Option<String> {
    let plan = legs.plan;
    let hedge = &plan.hedges[h];
    let account = &plan.accounts[hedge.account];
    let target = &plan.market.contracts[hedge.switch?.to];
    let is_linear = !is_inverse(target) && !is_inverse(&plan.market.contracts[hedge.contract]);
    let is_usd = account.settlement == SettlementCurrency::Usd && account.coins.is_empty();
    if !is_linear || !is_usd {
        return None;
    }
    let notional_usd = legs.legs[h].size.abs() * mark_usd(plan, hedge.switch?.to)?;
    let needed_usd = target.rules.initial_margin_usd(notional_usd);
    let there_usd = account.collateral_usd + account.reserve_usd;
    (notional_usd > 0.0 && needed_usd > there_usd).then(|| {
        let bracket = target.rules.bracket(notional_usd);
        let leverage = bracket
            .max_leverage
            .map_or(String::new(), |cap| format!(" at up to {}x", short(cap)));
        format!(
            "in {} it needs an initial margin of {} USD ({} USD in the bracket from {} USD{leverage}); collateral and reserve are {} USD",
            target.name,
            usd(needed_usd),
            usd(notional_usd),
            usd(bracket.floor_usd),
            usd(there_usd)
        )
    })
}

/// A reserve that no rule sends.
fn idle_reserve(plan: &Plan, a: usize) -> Option<String> {
    let account = &plan.accounts[a];
    if account.reserve_usd <= 0.0 || account.after_liquidation != AfterLiquidation::StayFlat {
        return None;
    }
    let why = match account.margin_call {
        None => "there is no margin_call",
        Some(call) if call.action == CallAction::Deleverage => "its margin call cuts positions",
        Some(_) if !account.sources.contains(&FundingSource::Reserve) => {
            "`reserve` is not among its sources"
        }
        Some(_) => return None,
    };
    Some(format!(
        "nothing can use its reserve of {} USD: {why}, and no hedge is opened again after a liquidation",
        usd(account.reserve_usd)
    ))
}

/// A delay of money that is never sent.
fn idle_delay(plan: &Plan, a: usize) -> Option<String> {
    let call = plan.accounts[a].margin_call?;
    (call.action == CallAction::Deleverage && call.delay_steps > 0).then(|| {
        "margin_call.delay does nothing: the call cuts positions at once and sends no money"
            .to_owned()
    })
}

/// A new hedge that would come at or beyond the horizon.
fn late_entry(plan: &Plan, a: usize) -> Option<String> {
    let AfterLiquidation::Reenter { after_steps } = plan.accounts[a].after_liquidation else {
        return None;
    };
    (after_steps >= plan.simulation.steps).then(|| {
        format!(
            "a new hedge would follow a liquidation after {} days and the horizon is {}; none ever does",
            days(plan, after_steps),
            days(plan, plan.simulation.steps)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::plan::types::{Follows, OpenedHedge, OrderPlan, Rounding, SwitchPlan};

    /// The one warning of the flagship after a change; the flagship itself has none.
    fn only(change: impl Fn(&mut Plan)) -> String {
        let mut plan = eth_treasury();
        assert_eq!(idle_warnings(&plan), Vec::<String>::new());
        change(&mut plan);
        let told = idle_warnings(&plan);
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].clone()
    }

    #[test]
    fn times_beyond_the_horizon_are_told() {
        let parts = only(|plan| plan.hedges[0].order.style = OrderStyle::Twap { parts: 300 });
        assert_eq!(
            parts,
            "hedge 1 (eth-perp): its orders are worked over 100 days and the horizon is 90; none is ever done"
        );
        let rebalance = only(|plan| plan.hedges[0].rebalance = Rebalance::Every { steps: 270 });
        assert!(rebalance.contains("first rebalanced after 90 days"));
        let entry = only(|plan| {
            plan.accounts[0].after_liquidation = AfterLiquidation::Reenter { after_steps: 273 };
        });
        assert!(entry.starts_with("account main: a new hedge would follow a liquidation after 91"));
        let switch = only(|plan| {
            plan.hedges[0].switch = Some(SwitchPlan {
                to: 0,
                window_stamps: 270,
                below_per_8h: 0.0,
                back_above_per_8h: f64::INFINITY,
            });
        });
        assert!(switch.contains("funding is averaged over 90 days"));
    }

    #[test]
    fn an_opened_hedge_that_does_not_fit_is_told() {
        let opened = |price_usd, quantity_base| {
            move |plan: &mut Plan| {
                plan.hedges[0].opened = Some(OpenedHedge {
                    price_usd,
                    quantity_base,
                });
            }
        };
        assert_eq!(
            only(opened(35_000.0, 50_000.0)),
            "hedge 1 (eth-perp): it was opened at 35,000.00 USD and the mark is 3,500.70; is that the price of another contract?"
        );
        assert!(only(opened(3_600.0, 40_000.0)).contains("with rebalance.never"));
    }

    #[test]
    fn a_hedge_on_the_wrong_side_or_of_no_size_is_told() {
        let long = only(|plan| plan.hedges[0].position = Position::Long);
        assert!(long.contains("it is long ETH, which is held"), "{long}");
        let rounded = only(|plan| {
            plan.hedges[0].round = Some(Rounding::Down);
            plan.market.contracts[0].contract_size = Some(1e6);
        });
        assert!(rounded.ends_with("rounded to no contract"), "{rounded}");
        let nothing = only(|plan| {
            plan.hedges[0].follows = Follows::Inventory;
            plan.holdings[0].quantity_base = 0.0;
        });
        assert!(nothing.contains("nothing is held yet"), "{nothing}");
    }

    #[test]
    fn what_nothing_can_use_is_told() {
        let reserve = only(|plan| plan.accounts[0].margin_call = None);
        assert_eq!(
            reserve,
            "account main: nothing can use its reserve of 40,000,000 USD: there is no margin_call, and no hedge is opened again after a liquidation"
        );
        let sources = only(|plan| plan.accounts[0].sources = Vec::new());
        assert!(sources.contains("not among its sources"), "{sources}");
        let cut = |plan: &mut Plan| {
            plan.accounts[0].reserve_usd = 0.0;
            if let Some(call) = &mut plan.accounts[0].margin_call {
                call.action = CallAction::Deleverage;
            }
        };
        assert!(only(cut).starts_with("account main: margin_call.delay does nothing"));
        let maker = only(|plan| {
            let style = OrderStyle::Otc { spread_frac: 0.001 };
            plan.hedges[0].order = OrderPlan {
                is_maker: true,
                style,
            };
        });
        assert!(maker.contains("\"maker\" changes nothing"), "{maker}");
    }

    #[test]
    fn a_switch_that_cannot_be_margined_is_told() {
        let dear = only(|plan| {
            plan.hedges[0].switch = Some(SwitchPlan {
                to: 0,
                window_stamps: 3,
                below_per_8h: 0.0,
                back_above_per_8h: f64::INFINITY,
            });
            plan.accounts[0].collateral_usd = 20e6;
            plan.accounts[0].reserve_usd = 10e6;
        });
        assert!(
            dear.contains("it needs an initial margin of 35,007,"),
            "{dear}"
        );
        assert!(dear.ends_with("collateral and reserve are 30,000,000 USD"));
    }
}

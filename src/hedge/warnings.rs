//! What a plan allows and its author may not have meant.

use crate::hedge::moments::std_dev_log_mark;
use crate::hedge::opening::Opening;
use crate::hedge::warnings_idle::idle_warnings;
use crate::hedge::warnings_legs::leg_warnings;
use crate::plan::resolve::words::{price, usd};
use crate::plan::types::{HedgePlan, MarginCallPlan, Plan};

/// Sentences for the author of a scenario, in the order of assets, accounts and hedges. Nothing here stops a run.
pub fn warnings(plan: &Plan) -> Vec<String> {
    let mut found = market_warnings(plan);
    if !plan.is_plain() {
        found.extend(leg_warnings(plan));
        found.extend(idle_warnings(plan));
        return found;
    }
    for account in &plan.accounts {
        if let Some(call) = account.margin_call
            && call.every_steps > plan.simulation.steps
        {
            found.push(format!(
                "account {}: the hedger first looks after {} days and the horizon is {}; no margin call can ever be made",
                account.name,
                f64::from(call.every_steps) * plan.simulation.step_days,
                plan.simulation.horizon_days
            ));
        }
        if account.margin_call.is_some() && account.reserve_usd <= 0.0 {
            found.push(format!(
                "account {}: margin calls without a reserve; no call can be met, so they change nothing",
                account.name
            ));
        }
    }
    for hedge in plan.hedges.iter().filter(|h| !h.is_absent()) {
        hedge_warnings(plan, hedge, &mut found);
    }
    found.extend(idle_warnings(plan));
    found
}

fn market_warnings(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    let is_systemic = plan.market.assets.iter().any(|a| {
        a.jumps
            .is_some_and(|j| j.jumps_per_year > 0.0 && j.systemic_share > 0.0)
    });
    for asset in &plan.market.assets {
        let name = &asset.name;
        match asset.jumps {
            None if asset.volatility_annual == 0.0 => {
                found.push(format!(
                    "asset {name}: volatility 0; its price is the same on every path"
                ));
            }
            Some(_) if asset.volatility_annual == 0.0 => {
                found.push(format!(
                    "asset {name}: volatility 0; its price moves by jumps alone"
                ));
            }
            None if is_systemic => {
                found.push(format!("asset {name}: no jumps of its own, so the systemic jumps of the others do not strike it"));
            }
            _ => {}
        }
    }
    found
}

fn hedge_warnings(plan: &Plan, hedge: &HedgePlan, found: &mut Vec<String>) {
    let contract = &plan.market.contracts[hedge.contract];
    let account = &plan.accounts[hedge.account];
    let (name, rules) = (&account.name, &contract.rules);
    let opening = Opening::of(plan, hedge);
    if opening.short_base <= 0.0 {
        return;
    }
    if opening
        .liquidation_price_usd(rules, 0.0)
        .is_some_and(|level_usd| level_usd <= opening.mark_usd)
    {
        found.push(format!("account {name}: the mark stands at or above the liquidation price already; the first step liquidates"));
        return;
    }
    let equity_before_usd = opening.equity_usd() + opening.entry_cost_usd;
    let initial_margin_usd = rules.initial_margin_usd(opening.notional_usd());
    if equity_before_usd < initial_margin_usd {
        found.push(format!(
            "account {name}: equity of {} USD is under the initial margin of {} USD; the venue would not let the position grow",
            usd(equity_before_usd),
            usd(initial_margin_usd)
        ));
    }
    let (Some(call), Some(ratio)) = (account.margin_call, opening.margin_ratio(rules)) else {
        return;
    };
    if ratio >= call.level {
        found.push(format!(
            "account {name}: the margin ratio begins at {ratio:.3}, at or above the call level {}; the first look makes a margin call",
            call.level
        ));
    }
    if let Some(release) = call.release.filter(|&release| ratio < release) {
        found.push(format!(
            "account {name}: the margin ratio begins at {ratio:.3}, below the release level {release}; the first look sends collateral back to the reserve"
        ));
    }
    found.extend(late_call_warning(plan, hedge, &opening, call));
}

/// A call whose level is within two standard deviations of the liquidation, over the time until the money can be there.
fn late_call_warning(
    plan: &Plan,
    hedge: &HedgePlan,
    opening: &Opening,
    call: MarginCallPlan,
) -> Option<String> {
    let contract = &plan.market.contracts[hedge.contract];
    let call_usd = opening.ratio_price_usd(&contract.rules, call.level)?;
    let liquidation_usd = opening.liquidation_price_usd(&contract.rules, 0.0)?;
    let steps = call.every_steps + call.delay_steps;
    let years = f64::from(steps) * plan.simulation.step_years();
    let std_dev = std_dev_log_mark(&plan.market, contract, years);
    let distance = (liquidation_usd / call_usd).ln();
    if call_usd >= liquidation_usd {
        return Some(format!(
            "account {}: the venue liquidates at {} USD, before the margin call at {} USD; no call comes in time",
            plan.accounts[hedge.account].name,
            price(liquidation_usd),
            price(call_usd)
        ));
    }
    (call_usd > 0.0 && distance < 2.0 * std_dev).then(|| {
        format!(
            "account {}: the margin call (mark {} USD) and the liquidation ({} USD) are {:.1} standard deviations of every + delay ({} h) apart; money called for often comes too late",
            plan.accounts[hedge.account].name,
            price(call_usd),
            price(liquidation_usd),
            distance / std_dev,
            f64::from(steps) * plan.simulation.step_days * 24.0,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::plan::types::AssetPlan;

    /// The one warning of a plan that begins so.
    fn only(plan: &Plan, start: &str) -> String {
        let matching: Vec<_> = warnings(plan)
            .into_iter()
            .filter(|w| w.starts_with(start))
            .collect();
        assert_eq!(matching.len(), 1, "{matching:?}");
        matching[0].clone()
    }

    fn without_warnings() -> Plan {
        let mut plan = eth_treasury();
        plan.accounts[0].margin_call = plan.accounts[0]
            .margin_call
            .map(|c| MarginCallPlan { level: 0.4, ..c });
        assert_eq!(warnings(&plan), Vec::<String>::new());
        plan
    }

    #[test]
    fn a_ratio_that_begins_on_the_wrong_side_is_told() {
        let mut plan = without_warnings();
        let call = plan.accounts[0].margin_call.unwrap();
        let ratio = Opening::of(&plan, &plan.hedges[0])
            .margin_ratio(&plan.market.contracts[0].rules)
            .unwrap();
        plan.accounts[0].margin_call = Some(MarginCallPlan {
            level: ratio * 0.999,
            target: 0.1,
            ..call
        });
        assert!(
            only(&plan, "account main: the margin ratio begins at 0.13")
                .contains("makes a margin call")
        );
        plan.accounts[0].margin_call = Some(MarginCallPlan {
            release: Some(ratio * 1.001),
            ..call
        });
        assert!(
            only(&plan, "account main: the margin ratio begins at 0.13")
                .contains("sends collateral back")
        );
        plan.accounts[0].margin_call = Some(MarginCallPlan {
            release: Some(ratio * 0.999),
            ..call
        });
        assert!(warnings(&plan).is_empty());
    }

    #[test]
    fn a_call_close_to_the_liquidation_is_told() {
        let mut plan = without_warnings();
        let call = plan.accounts[0].margin_call.unwrap();
        plan.accounts[0].margin_call = Some(MarginCallPlan {
            level: 0.95,
            ..call
        });
        assert!(
            only(&plan, "account main: the margin call (mark").contains("every + delay (16 h)")
        );
        plan.accounts[0].margin_call = Some(MarginCallPlan {
            delay_steps: 90,
            ..call
        });
        assert!(
            only(&plan, "account main: the margin call (mark").contains("every + delay (728 h)")
        );
        // Where nothing moves no time is too long.
        plan.market.assets[0].jumps = None;
        plan.market.assets[0].volatility_annual = 0.0;
        plan.market.contracts[0]
            .process_mut()
            .unwrap()
            .volatility_annual = 0.0;
        assert_eq!(
            warnings(&plan),
            ["asset ETH: volatility 0; its price is the same on every path"]
        );
    }

    #[test]
    fn a_margin_call_beyond_the_horizon_is_told() {
        let mut plan = without_warnings();
        let call = plan.accounts[0].margin_call.unwrap();
        let with_every = |every_steps| MarginCallPlan {
            every_steps,
            level: 0.2,
            target: 0.1,
            ..call
        };
        let start = "account main: the hedger first looks after ";
        plan.accounts[0].margin_call = Some(with_every(plan.simulation.steps + 1));
        assert!(only(&plan, start).ends_with("no margin call can ever be made"));
        plan.accounts[0].margin_call = Some(with_every(plan.simulation.steps));
        assert!(warnings(&plan).iter().all(|told| !told.starts_with(start)));
    }

    #[test]
    fn a_margin_call_without_a_reserve_is_told() {
        let mut plan = without_warnings();
        plan.accounts[0].reserve_usd = 0.0;
        only(&plan, "account main: margin calls without a reserve");
        plan.accounts[0].margin_call = None;
        assert!(warnings(&plan).is_empty());
    }

    #[test]
    fn still_markets_are_told() {
        let mut plan = without_warnings();
        plan.market.assets[0].volatility_annual = 0.0;
        only(
            &plan,
            "asset ETH: volatility 0; its price moves by jumps alone",
        );
    }

    #[test]
    fn an_asset_that_systemic_jumps_spare_is_told() {
        let mut plan = without_warnings();
        plan.market.assets.push(AssetPlan {
            name: "BTC".to_owned(),
            jumps: None,
            ..plan.market.assets[0].clone()
        });
        only(&plan, "asset BTC: no jumps of its own");
        if let Some(jumps) = &mut plan.market.assets[0].jumps {
            jumps.systemic_share = 0.0;
        }
        assert!(warnings(&plan).is_empty());
    }

    #[test]
    fn an_account_that_is_too_small_is_told() {
        let mut plan = without_warnings();
        plan.accounts[0].collateral_usd = 30e6;
        assert!(
            only(&plan, "account main: equity of 30,000,000 USD")
                .contains("initial margin of 35,007,")
        );
        plan.accounts[0].collateral_usd = 5e6;
        only(
            &plan,
            "account main: the mark stands at or above the liquidation price",
        );
        plan.hedges[0].hedge_ratio = 0.0;
        assert!(warnings(&plan).is_empty());
    }
}

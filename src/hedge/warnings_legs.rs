//! What a general plan allows and its author may not have meant: expiries, cover, coins, margin of shared accounts.

use crate::hedge::legs::{Margin, Positions, is_inverse, side};
use crate::hedge::levels::Requirement;
use crate::hedge::moments::std_dev_log_mark;
use crate::plan::resolve::words::{coins, price, usd};
use crate::plan::types::{
    AccountPlan, CallAction, ContractKind, FundingSource, MarginCallPlan, MarginMode, OptionKind,
    Plan, Position, SettlementCurrency,
};

/// Cover beyond all of a holding that is told, and coins beyond all hedges: a thousandth.
const TOLERANCE: f64 = 1e-3;

/// Standard deviations within which a call may come too late.
const LATE_STD_DEVS: f64 = 2.0;

/// Sentences on holdings, hedges and accounts.
pub(crate) fn leg_warnings(plan: &Plan) -> Vec<String> {
    let legs = Positions::of(plan);
    let mut found = Vec::new();
    for h in 0..plan.hedges.len() {
        if !plan.hedges[h].is_absent() {
            found.extend(expiry_warning(plan, h));
        }
    }
    for j in 0..plan.holdings.len() {
        found.extend(cover_warning(plan, j));
    }
    for a in 0..plan.accounts.len() {
        coin_warnings(&legs, a, &mut found);
        margin_warnings(&legs, a, &mut found);
    }
    found.extend(isolation_warnings(&legs));
    found
}

fn days(plan: &Plan, step: u32) -> f64 {
    f64::from(step) * plan.simulation.step_days
}

/// Days with two decimals at most: a step of a third of a day has no end of them.
fn days_words(days: f64) -> String {
    let text = format!("{days:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A contract that is over before the horizon.
fn expiry_warning(plan: &Plan, h: usize) -> Option<String> {
    let contract = &plan.market.contracts[plan.hedges[h].contract];
    let (name, number) = (&contract.name, h + 1);
    let over = |step: u32| {
        let left = days(plan, plan.simulation.steps - step);
        [days(plan, step), left].map(days_words)
    };
    match &contract.kind {
        ContractKind::Perpetual { .. } => None,
        ContractKind::Dated(dated) => {
            let last = dated.expiries.last()?;
            if last.roll_step.is_some() || last.step >= plan.simulation.steps {
                return None;
            }
            let [day, left] = over(last.step);
            Some(format!(
                "hedge {number} ({name}): the contract expires on day {day} without a roll; nothing takes its place for the last {left} days"
            ))
        }
        ContractKind::Option(option) => {
            if option.expiry_step >= plan.simulation.steps {
                return None;
            }
            let [day, left] = over(option.expiry_step);
            Some(format!(
                "hedge {number} ({name}): the option expires on day {day}; for the last {left} days there is none"
            ))
        }
    }
}

/// Hedges that together sell more of a holding than there is.
fn cover_warning(plan: &Plan, j: usize) -> Option<String> {
    let hedges: Vec<_> = plan
        .hedges
        .iter()
        .filter(|hedge| hedge.covers == j && !hedge.is_absent())
        .collect();
    if hedges.len() < 2 {
        return None;
    }
    let cover: f64 = hedges
        .iter()
        .map(
            |hedge| match plan.market.contracts[hedge.contract].option() {
                None => match hedge.position {
                    Position::Short => hedge.coverage_frac.abs(),
                    Position::Long => -hedge.coverage_frac.abs(),
                },
                Some(option) => match (option.kind, hedge.position) {
                    // A written call sells the holding at its strike, a bought put may be left unused.
                    (OptionKind::Call, Position::Short) => hedge.hedge_ratio,
                    (OptionKind::Call, Position::Long) | (OptionKind::Put, _) => 0.0,
                },
            },
        )
        .sum();
    (cover > 1.0 + TOLERANCE).then(|| {
        format!(
            "holding {}: its hedges together cover {:.1} % of it; what is beyond 100 % is a bet on a falling price",
            plan.market.assets[plan.holdings[j].asset].name,
            100.0 * cover
        )
    })
}

/// Collateral in coins that loses when the position does, or that no hedge covers.
fn coin_warnings(legs: &Positions<'_>, a: usize, found: &mut Vec<String>) {
    let plan = legs.plan;
    let account = &plan.accounts[a];
    let name = &account.name;
    if legs.accounts[a]
        .hedges
        .iter()
        .all(|&h| plan.hedges[h].is_absent())
    {
        return;
    }
    let mut bought: Vec<(usize, f64)> = Vec::new();
    if let SettlementCurrency::Coin { asset } = account.settlement {
        bought.push((
            asset,
            account.collateral_usd / plan.market.assets[asset].spot_usd,
        ));
    }
    for coins in account.coins.iter().filter(|coins| coins.holding.is_none()) {
        match bought.iter_mut().find(|(asset, _)| *asset == coins.asset) {
            Some((_, quantity)) => *quantity += coins.quantity_base,
            None => bought.push((coins.asset, coins.quantity_base)),
        }
    }
    for (asset, quantity) in bought {
        let asset = &plan.market.assets[asset];
        let value_usd = quantity * asset.spot_usd;
        if value_usd > TOLERANCE * equity_usd(legs, a).abs() {
            found.push(format!(
                "account {name}: {} {coin} of its collateral are bought and in no hedge's quantity; when {coin} falls by 10 % they lose {} USD, shown as collateral revaluation",
                coins(quantity),
                usd(0.1 * value_usd),
                coin = asset.name
            ));
        }
    }
    for &h in &legs.accounts[a].hedges {
        let contract = &plan.market.contracts[plan.hedges[h].contract];
        let is_long = contract.option().is_none() && plan.hedges[h].position == Position::Long;
        let underlying = contract.underlying;
        let in_coin =
            account.coins.iter().any(|coins| coins.asset == underlying) || is_inverse(contract);
        if is_long && in_coin && legs.legs[h].size != 0.0 {
            found.push(format!(
                "account {name}: hedge {} is long {} and its collateral is in the same coin; both lose when the price falls",
                h + 1,
                plan.market.assets[underlying].name
            ));
        }
    }
}

fn equity_usd(legs: &Positions<'_>, a: usize) -> f64 {
    let account = &legs.accounts[a];
    margin(legs, a).equity * account.rate_usd
}

fn margin(legs: &Positions<'_>, a: usize) -> Margin {
    legs.margin(a, 0, 1.0)
}

/// Whether a top-up could ever be paid.
fn has_money(account: &AccountPlan) -> bool {
    account.sources.iter().any(|source| match *source {
        FundingSource::Reserve => account.reserve_usd > 0.0,
        FundingSource::CreditLine { limit_usd, .. } => limit_usd > 0.0,
        FundingSource::Inventory { .. } => true,
    })
}

/// An account's calls and margin at time 0.
fn margin_warnings(legs: &Positions<'_>, a: usize, found: &mut Vec<String>) {
    let plan = legs.plan;
    let account = &plan.accounts[a];
    let name = &account.name;
    if let Some(call) = account.margin_call {
        if call.every_steps > plan.simulation.steps {
            found.push(format!(
                "account {name}: the hedger first looks after {} days and the horizon is {}; no margin call can ever be made",
                days(plan, call.every_steps),
                plan.simulation.horizon_days
            ));
        }
        if call.action == CallAction::TopUp && !has_money(account) {
            found.push(format!(
                "account {name}: margin calls without a reserve, credit or inventory to sell; no call can be met, so they change nothing"
            ));
        }
    }
    if !legs.is_open(a) {
        return;
    }
    let state = &legs.accounts[a];
    let margin = margin(legs, a);
    if margin.equity <= margin.maintenance + margin.trigger_fee {
        found.push(format!(
            "account {name}: its equity is not more than what the venue liquidates at; the first step liquidates"
        ));
        return;
    }
    let costs_usd: f64 = state
        .hedges
        .iter()
        .map(|&h| legs.legs[h].entry_cost_usd)
        .sum();
    let equity_before_usd = margin.equity * state.rate_usd + costs_usd;
    let initial_margin_usd = margin.initial * state.rate_usd;
    if equity_before_usd < initial_margin_usd {
        found.push(format!(
            "account {name}: equity of {} USD is under the initial margin of {} USD; the venue would not let the positions grow",
            usd(equity_before_usd),
            usd(initial_margin_usd)
        ));
    }
    let Some(call) = account.margin_call else {
        return;
    };
    let ratio = margin.maintenance / margin.equity;
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
    found.extend(late_call_warning(legs, a, &call));
}

/// A call within two standard deviations of the liquidation, over the time until the money can be there.
fn late_call_warning(legs: &Positions<'_>, a: usize, call: &MarginCallPlan) -> Option<String> {
    let plan = legs.plan;
    let account = &plan.accounts[a];
    let wait_steps = account.leaves_at.as_ref().map_or(0, |leaves| {
        let waits = leaves.iter().zip(0_u32..);
        let longest =
            waits.map(|(&leave, step)| leave.min(plan.simulation.steps).saturating_sub(step));
        longest.max().unwrap_or(0)
    });
    let steps = match call.action {
        CallAction::TopUp => call.every_steps + call.delay_steps + wait_steps,
        CallAction::Deleverage => call.every_steps,
    };
    let years = f64::from(steps) * plan.simulation.step_years();
    legs.accounts[a].hedges.iter().find_map(|&h| {
        let contract = &plan.market.contracts[plan.hedges[h].contract];
        let call_usd = legs.levels(h, Requirement::Call(call.level), 0.0).nearest_usd?;
        let liquidation_usd = legs.levels(h, Requirement::Liquidation, 0.0).nearest_usd?;
        let std_dev = std_dev_log_mark(&plan.market, contract, years);
        let mark_usd = legs.mark_usd(h);
        let is_above = liquidation_usd > mark_usd;
        if (call_usd > mark_usd) != is_above || legs.legs[h].size == 0.0 {
            // The nearest of both do not lie on the same side.
            return None;
        }
        let name = &account.name;
        let distance = (liquidation_usd / call_usd).ln() * if is_above { 1.0 } else { -1.0 };
        if distance <= 0.0 {
            return Some(format!(
                "account {name}: the venue liquidates {} at {} USD, before the margin call at {} USD; no call comes in time",
                contract.name,
                price(liquidation_usd),
                price(call_usd)
            ));
        }
        (distance < LATE_STD_DEVS * std_dev).then(|| {
            let until = match call.action {
                CallAction::TopUp => "until the money can be there; top-ups may come too late",
                CallAction::Deleverage => "between two looks; the cut may come too late",
            };
            format!(
                "account {name}: the margin call ({} at {}) is {:.1} standard deviations from the liquidation ({}) over the {:.0} h {until}",
                contract.name,
                price(call_usd),
                distance / std_dev,
                price(liquidation_usd),
                24.0 * days(plan, steps)
            )
        })
    })
}

/// Isolated accounts at one venue whose positions on the same asset are on opposite sides.
fn isolation_warnings(legs: &Positions<'_>) -> Vec<String> {
    let plan = legs.plan;
    let mut found = Vec::new();
    let futures: Vec<usize> = (0..plan.hedges.len())
        .filter(|&h| {
            let contract = &plan.market.contracts[plan.hedges[h].contract];
            contract.option().is_none() && legs.legs[h].size != 0.0
        })
        .collect();
    for (place, &first) in futures.iter().enumerate() {
        for &second in &futures[place + 1..] {
            let (one, other) = (&plan.hedges[first], &plan.hedges[second]);
            let (home, away) = (&plan.accounts[one.account], &plan.accounts[other.account]);
            let underlying = |contract: usize| plan.market.contracts[contract].underlying;
            let is_isolated = [home, away]
                .iter()
                .any(|account| account.mode == MarginMode::Isolated);
            if one.account != other.account
                && is_isolated
                && home.venue == away.venue
                && home.settlement == away.settlement
                && one.position != other.position
                && underlying(one.contract) == underlying(other.contract)
            {
                found.push(format!(
                    "accounts {} and {}: one is {} {asset}, the other {}, and each has its own collateral; what one gains does not keep the other from being liquidated",
                    home.name,
                    away.name,
                    side(one.position),
                    side(other.position),
                    asset = plan.market.assets[underlying(one.contract)].name,
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::plan::types::{CoinCollateral, HedgePlan};

    /// The flagship with an isolated long beside it, at the same venue.
    fn two_accounts() -> Plan {
        let mut plan = eth_treasury();
        plan.accounts.push(AccountPlan {
            name: "other".to_owned(),
            ..plan.accounts[0].clone()
        });
        plan.hedges.push(HedgePlan {
            account: 1,
            position: Position::Long,
            hedge_ratio: 0.1,
            ..plan.hedges[0]
        });
        plan
    }

    fn has(plan: &Plan, start: &str) -> bool {
        leg_warnings(plan)
            .iter()
            .any(|told| told.starts_with(start))
    }

    #[test]
    fn opposite_isolated_accounts_are_told() {
        let start = "accounts main and other: one is short ETH, the other long";
        let mut plan = two_accounts();
        assert!(has(&plan, start));
        plan.accounts[1].venue = "elsewhere".to_owned();
        assert!(!has(&plan, start));
    }

    #[test]
    fn too_much_cover_is_told() {
        let start = "holding ETH: its hedges together cover 150.0 %";
        let mut plan = two_accounts();
        assert!(!has(&plan, "holding ETH"), "a long takes cover away");
        plan.hedges[1].position = Position::Short;
        plan.hedges[1].coverage_frac = 0.5;
        assert!(has(&plan, start));
        plan.hedges[0].coverage_frac = 0.5;
        assert!(!has(&plan, "holding ETH"));
    }

    #[test]
    fn coins_that_fall_with_the_position_are_told() {
        let mut plan = two_accounts();
        assert!(!has(&plan, "account other: hedge 2 is long ETH"));
        let coins = CoinCollateral {
            asset: 0,
            quantity_base: 1_000.0,
            holding: None,
            haircut_frac: 0.1,
        };
        plan.accounts[1].coins = vec![coins];
        assert!(has(
            &plan,
            "account other: 1,000 ETH of its collateral are bought"
        ));
        assert!(has(&plan, "account other: hedge 2 is long ETH"));
        plan.accounts[1].coins[0].holding = Some(0);
        assert!(!has(&plan, "account other: 1,000 ETH"));
    }

    #[test]
    fn calls_that_cannot_be_met_or_come_too_late_are_told() {
        let mut plan = two_accounts();
        assert!(!has(&plan, "account main: margin calls without"));
        assert!(has(&plan, "account main: the margin call (eth-perp at"));
        plan.accounts[0].reserve_usd = 0.0;
        assert!(has(&plan, "account main: margin calls without"));
        if let Some(call) = &mut plan.accounts[0].margin_call {
            call.action = CallAction::Deleverage;
            call.level = 0.95;
        }
        let told = leg_warnings(&plan);
        let late = told.iter().find(|told| told.starts_with("account main: "));
        assert!(
            late.unwrap()
                .ends_with("over the 8 h between two looks; the cut may come too late")
        );
        if let Some(call) = &mut plan.accounts[0].margin_call {
            call.level = 0.2;
        }
        assert!(!has(&plan, "account main: "), "{:?}", leg_warnings(&plan));
        plan.accounts[0].collateral_usd = 1e6;
        assert!(has(&plan, "account main: its equity is not more"));
    }
}

//! An account: its collateral, what tops it up, margin policy in steps.

use crate::plan::resolve::coins::collateral;
use crate::plan::resolve::grid::{self, Grid};
use crate::plan::resolve::links::Link;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::transfers::leaves_at;
use crate::plan::resolve::venue::unknown_venue;
use crate::plan::types as plan;
use crate::plan::types::{
    AccountPlan, AfterLiquidation, CallAction, FundingSource, HoldingPlan, MarginCallPlan,
    MarketPlan, SettlementCurrency,
};
use crate::scenario::account::{
    Account, AccountLiquidation, CallChoice, CreditLine, MarginCall, MarginMode, SellInventory,
    SourceChoice, Then,
};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Fraction;
use crate::venue::preset;

/// What accounts are resolved against, beside the setting.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The market, resolved.
    pub market: &'a MarketPlan,
    /// The holdings, resolved.
    pub holdings: &'a [HoldingPlan],
    /// What each hedge refers to.
    pub links: &'a [Link],
}

/// Resolves the account of an index, kept in a currency.
pub fn account(
    (index, account): (usize, &Account),
    settlement: SettlementCurrency,
    around: Surroundings<'_>,
    setting: &Setting<'_>,
) -> Option<AccountPlan> {
    let Account {
        name,
        venue,
        margin,
        collateral_usd: _,
        collateral_coins: _,
        collateral_from_holding: _,
        haircuts: _,
        reserve_usd,
        sources: _,
        credit_line: _,
        sell_inventory: _,
        transfers,
        margin_call: given_call,
        liquidation,
    } = account;
    note_unknown_venue(venue, setting);
    let margin_call = match given_call {
        None => Some(None),
        Some(call) => margin_call(call, setting.grid, setting.sink).map(Some),
    };
    let leaves_at = match transfers {
        None => Some(None),
        Some(transfers) => leaves_at(transfers, setting).map(Some),
    };
    let mut covered: Vec<usize> = Vec::new();
    for link in around.links.iter().filter(|link| link.account == index) {
        if !covered.contains(&link.covers) {
            covered.push(link.covers);
        }
    }
    let sources = sources(account, &covered, setting);
    let collateral = collateral(account, settlement, around.market, around.holdings, setting);
    let (slippage, then) = match liquidation {
        None => (None, None),
        Some(AccountLiquidation { slippage, then }) => (slippage.as_ref(), then.as_ref()),
    };
    let (margin_call, collateral) = (margin_call?, collateral?);
    note_unused(account, margin_call.as_ref(), setting);
    Some(AccountPlan {
        settlement,
        mode: match margin.as_ref().map(|given| given.value) {
            None | Some(MarginMode::Isolated) => plan::MarginMode::Isolated,
            Some(MarginMode::Cross) => plan::MarginMode::Cross,
        },
        coins: collateral.coins,
        sources: sources?,
        leaves_at: leaves_at?,
        name: name.value.clone(),
        venue: venue.value.clone(),
        collateral_usd: collateral.usd,
        reserve_usd: reserve_usd.as_ref().map_or(0.0, |given| given.value.0),
        margin_call,
        liquidation_slippage_frac: slippage.map_or(0.0, |given| given.value.0),
        after_liquidation: match then {
            None | Some(Then::StayFlat) => AfterLiquidation::StayFlat,
            Some(Then::Reenter { after }) => AfterLiquidation::Reenter {
                after_steps: setting.grid.steps_rounded_up(after.value),
            },
        },
    })
}

fn note_unknown_venue(venue: &Given<String>, setting: &Setting<'_>) {
    let own = setting.venue_names();
    if preset::find(&venue.value).is_none() && !own.contains(&venue.value.as_str()) {
        setting.sink.push(unknown_venue(venue, &own));
    }
}

/// Where top-ups come from; `None` where a problem was noted. `covered` are the holdings that the account's hedges cover.
fn sources(
    account: &Account,
    covered: &[usize],
    setting: &Setting<'_>,
) -> Option<Vec<FundingSource>> {
    let credit_line = account.credit_line.as_ref().map(
        |CreditLine {
             limit_usd,
             rate_annual,
         }| FundingSource::CreditLine {
            limit_usd: limit_usd.value.0,
            rate_annual: rate_annual.value.0,
        },
    );
    let cost_frac = account
        .sell_inventory
        .as_ref()
        .map_or(0.0, |SellInventory { cost }| cost.value.0);
    let inventory = covered
        .iter()
        .map(|&holding| FundingSource::Inventory { holding, cost_frac });
    let Some(given) = &account.sources else {
        // What is described is used.
        let mut sources = vec![FundingSource::Reserve];
        sources.extend(credit_line);
        if account.sell_inventory.is_some() {
            sources.extend(inventory);
        }
        return Some(sources);
    };
    let mut sources = Vec::new();
    let mut is_valid = true;
    for (index, choice) in given.iter().enumerate() {
        if given[..index]
            .iter()
            .any(|other| other.value == choice.value)
        {
            let allowed = "each source once";
            let reason = "it stands there already";
            setting
                .sink
                .push(Refusal::does_not_fit(choice, allowed, reason));
            is_valid = false;
        }
        match choice.value {
            SourceChoice::Reserve => sources.push(FundingSource::Reserve),
            SourceChoice::Inventory => sources.extend(inventory.clone()),
            SourceChoice::CreditLine if credit_line.is_some() => sources.extend(credit_line),
            SourceChoice::CreditLine => {
                let refusal = Refusal::Needed {
                    table: account.name.path.clone(),
                    key: "credit_line".to_owned(),
                    allowed: "such as { limit_usd = 10_000_000, rate_annual = \"9%\" }".to_owned(),
                    reason: "how much, and at which rate?".to_owned(),
                };
                setting.sink.push(refusal.at(choice.place));
                is_valid = false;
            }
        }
    }
    is_valid.then_some(sources)
}

/// Notes what an account describes and never uses.
fn note_unused(account: &Account, call: Option<&MarginCallPlan>, setting: &Setting<'_>) {
    let name = &account.name.value;
    let lists = |choice| {
        account
            .sources
            .as_ref()
            .is_none_or(|list| list.iter().any(|source| source.value == choice))
    };
    let tops_up = call.is_some_and(|call| call.action == CallAction::TopUp);
    let unused = [
        (
            "a credit line",
            account.credit_line.is_some() && !(tops_up && lists(SourceChoice::CreditLine)),
        ),
        (
            "a sale of inventory",
            account.sell_inventory.is_some() && !(tops_up && lists(SourceChoice::Inventory)),
        ),
        ("a list of sources", account.sources.is_some() && !tops_up),
        ("transfer windows", account.transfers.is_some() && !tops_up),
    ];
    for (what, _) in unused.iter().filter(|(_, is_unused)| *is_unused) {
        setting.notes.add(format!(
            "The account {name} describes {what}, which no top-up uses."
        ));
    }
    if call.is_some_and(|call| {
        call.action == CallAction::Deleverage && call.minimum_transfer_usd > 0.0
    }) {
        setting.notes.add(format!(
            "The minimum transfer of account {name} is not used: its calls are met by deleveraging."
        ));
    }
}

fn margin_call(call: &MarginCall, grid: &Grid, sink: &Sink) -> Option<MarginCallPlan> {
    let MarginCall {
        level,
        target,
        release,
        every,
        delay,
        by,
        minimum_transfer_usd,
    } = call;
    let is_valid = ratios_descend(Some(level), Some(target), release.as_ref(), sink);
    let every_steps = every
        .as_ref()
        .map_or(Some(1), |given| grid.steps(given, sink));
    let delay_steps = delay.as_ref().map_or(Some(0), |given| {
        grid::delay_steps(given, grid.step.value, sink)
    });
    let (every_steps, delay_steps) = (every_steps?, delay_steps?);
    is_valid.then_some(MarginCallPlan {
        level: level.value.0,
        target: target.value.0,
        release: release.as_ref().map(|given| given.value.0),
        every_steps,
        delay_steps,
        action: match by.as_ref().map(|given| given.value) {
            None | Some(CallChoice::TopUp) => CallAction::TopUp,
            Some(CallChoice::Deleverage) => CallAction::Deleverage,
        },
        minimum_transfer_usd: minimum_transfer_usd
            .as_ref()
            .map_or(0.0, |given| given.value.0),
    })
}

/// Whether the ratios of a margin call that could be read descend; else that is noted.
pub fn ratios_descend(
    level: Option<&Given<Fraction>>,
    target: Option<&Given<Fraction>>,
    release: Option<&Given<Fraction>>,
    sink: &Sink,
) -> bool {
    let is_under = |lower: Option<&Given<Fraction>>,
                    upper: Option<&Given<Fraction>>,
                    name: &str,
                    reason: &str| {
        let (Some(lower), Some(upper)) = (lower, upper) else {
            return true;
        };
        let is_under = lower.value < upper.value;
        if !is_under {
            let allowed = format!("above 0 and below the {name} of {}", upper.written);
            sink.push(Refusal::does_not_fit(lower, allowed, reason));
        }
        is_under
    };
    let reason = "a top-up has to bring the ratio below the level";
    let is_target_valid = is_under(target, level, "level", reason);
    let reason = "a top-up would go back at once";
    is_under(release, target, "target", reason) && is_target_valid
}

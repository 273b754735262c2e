//! An account: balances in USD, margin policy in steps.

use crate::plan::resolve::grid::{self, Grid};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::venue::unknown_venue;
use crate::plan::types as plan;
use crate::plan::types::{
    AccountPlan, AfterLiquidation, CallAction, FundingSource, MarginCallPlan, SettlementCurrency,
};
use crate::scenario::account::{Account, AccountLiquidation, MarginCall, MarginMode, Then};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Fraction;
use crate::venue::preset;

/// Resolves one account.
pub fn account(account: &Account, setting: &Setting<'_>) -> Option<AccountPlan> {
    let Account {
        name,
        venue,
        margin,
        collateral_usd,
        reserve_usd,
        margin_call: given_call,
        liquidation,
    } = account;
    // One margin mode so far: a second one has to be decided on here.
    match margin
        .as_ref()
        .map_or(MarginMode::Isolated, |given| given.value)
    {
        MarginMode::Isolated => {}
    }
    if preset::find(&venue.value).is_none()
        && !setting.venue_names().contains(&venue.value.as_str())
    {
        let problem = unknown_venue(venue, &setting.venue_names());
        setting.sink.push(problem);
    }
    let margin_call = match given_call {
        None => None,
        Some(call) => Some(margin_call(call, setting.grid, setting.sink)?),
    };
    let (slippage, then) = match liquidation {
        None => (None, None),
        Some(AccountLiquidation { slippage, then }) => (slippage.as_ref(), then.as_ref()),
    };
    Some(AccountPlan {
        settlement: SettlementCurrency::Usd,
        mode: plan::MarginMode::Isolated,
        coins: Vec::new(),
        sources: vec![FundingSource::Reserve],
        leaves_at: None,
        name: name.value.clone(),
        venue: venue.value.clone(),
        collateral_usd: collateral_usd.value.0,
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

fn margin_call(call: &MarginCall, grid: &Grid, sink: &Sink) -> Option<MarginCallPlan> {
    let MarginCall {
        level,
        target,
        release,
        every,
        delay,
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
        action: CallAction::TopUp,
        minimum_transfer_usd: 0.0,
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

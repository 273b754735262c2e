//! The straight way of an account's factors through a step with jumps.

use crate::ledger::book::crossing::{bounded_exp, bounded_ln, set_option};
use crate::ledger::book::lane::Work;
use crate::ledger::book::rules::BookRules;

/// Sets `work.trial` to the prices of account `a` at a moment of a step: the diffusive parts go straight from the step's start
/// to its end, and the first `jumps` of `work.jumps` have happened.
pub(super) fn prices_between(
    rules: &BookRules,
    work: &mut Work,
    a: usize,
    step: usize,
    time_frac: f64,
    jumps: usize,
) {
    let account = &rules.accounts[a];
    let Work {
        start,
        now,
        trial,
        jumps: moments,
        ..
    } = work;
    let jumped = |asset: usize, count: usize| -> f64 {
        moments[..count]
            .iter()
            .filter(|jump| jump.asset == asset)
            .map(|jump| jump.log_size)
            .sum()
    };
    // `sign` is -1 for a unit that is the inverse of a price.
    let between = |from: f64, to: f64, asset: usize, sign: f64| {
        let all = sign * jumped(asset, moments.len());
        let diffusive = bounded_ln(to / from) - all;
        from * bounded_exp(time_frac * diffusive + sign * jumped(asset, jumps))
    };
    trial.copy_from(start);
    for &l in &account.legs {
        let leg = &rules.legs[l];
        let contract = &rules.contracts[leg.contract];
        let asset = contract.underlying;
        if leg.is_option {
            let spot_usd = between(start.spot_usd[asset], now.spot_usd[asset], asset, 1.0);
            trial.spot_usd[asset] = spot_usd;
            set_option(rules, trial, l, spot_usd, step, time_frac);
        } else {
            let sign = if contract.is_inverse { -1.0 } else { 1.0 };
            trial.unit[l] = between(start.unit[l], now.unit[l], asset, sign);
        }
    }
    if account.coin.is_none() {
        for s in account.slots.clone() {
            let asset = rules.slots[s].asset;
            trial.spot_usd[asset] = between(start.spot_usd[asset], now.spot_usd[asset], asset, 1.0);
        }
    }
}

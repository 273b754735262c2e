//! Random contracts: perpetuals, dated futures with and without rolls, options; brackets by size.

use hedgesim::plan::types::{
    ContractKind, ContractPlan, ContractSettlement, DatedPlan, Expiry, FundingPlan, ImpactPlan,
    LiquidityPlan, OptionKind, OptionPlan, OptionTerms, OuBasis, Plan,
};
use hedgesim::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

use super::{Dice, Features, Horizon};

/// The kinds that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Perpetual,
    Dated,
    Option,
}

/// What a contract is drawn for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub kind: Kind,
    pub underlying: usize,
    pub settlement: ContractSettlement,
    pub remainder: Remainder,
    /// Largest notional that is meant to be held, in the settlement currency.
    pub notional: f64,
}

/// A contract of the wanted kind; its brackets begin to matter at the wanted notional.
pub fn any_contract(
    plan: &Plan,
    wanted: Wanted,
    dice: &mut Dice,
    features: Features,
) -> ContractPlan {
    let horizon = Horizon {
        steps: plan.simulation.steps,
        step_years: plan.simulation.step_years(),
    };
    let spot_usd = plan.market.assets[wanted.underlying].spot_usd;
    let kind = match wanted.kind {
        Kind::Perpetual => any_perpetual(dice, plan.simulation.step_days * 24.0),
        Kind::Dated => ContractKind::Dated(any_dated(dice, horizon)),
        Kind::Option => ContractKind::Option(any_option(dice, spot_usd, horizon)),
    };
    let notional_usd = match wanted.settlement {
        ContractSettlement::Linear => wanted.notional,
        ContractSettlement::Inverse => wanted.notional * spot_usd,
    };
    // Options and linear contracts are counted in base units, inverse futures in USD.
    let unit = if wanted.settlement == ContractSettlement::Inverse && wanted.kind != Kind::Option {
        notional_usd
    } else {
        notional_usd / spot_usd
    };
    let pieces = dice.range(4.0, 300.0);
    ContractPlan {
        name: format!("contract-{}", plan.market.contracts.len()),
        underlying: wanted.underlying,
        kind,
        settlement: wanted.settlement,
        contract_size: Some(unit / pieces),
        liquidity: any_liquidity(dice, features, notional_usd),
        rules: any_rules(dice, features, wanted),
    }
}

fn any_process(dice: &mut Dice, scale: f64, reversion: f64) -> OuBasis {
    OuBasis {
        mean: dice.zero_or(-scale, 2.0 * scale),
        initial: dice.zero_or(-scale, 2.0 * scale),
        volatility_annual: dice.zero_or(0.0, 5.0 * scale),
        reversion_per_year: dice.zero_or(0.0, reversion),
        correlation_with_spot: *dice.pick(&[0.0, 0.6, -0.4, 1.0]),
    }
}

fn any_perpetual(dice: &mut Dice, step_hours: f64) -> ContractKind {
    let basis = any_process(dice, 0.01, 400.0);
    let steps_per_8h = (1..=8_u32).find(|n| (f64::from(*n) * step_hours - 8.0).abs() < 1e-9);
    let interval_steps = dice.between(1, 3);
    let (rate, interest, damper, cap) = (
        dice.range(-0.002, 0.002),
        dice.zero_or(-0.0005, 0.0005),
        dice.zero_or(0.0, 0.001),
        dice.range(0.0005, 0.01),
    );
    let funding = match (dice.between(0, 3), steps_per_8h) {
        (0, _) => FundingPlan::None,
        (1, Some(interval_steps)) => FundingPlan::Constant {
            rate_per_8h: rate,
            interval_steps,
        },
        _ => FundingPlan::PremiumFormula {
            interest_per_8h: interest,
            damper_per_8h: damper,
            cap_per_8h: if dice.chance(0.3) { f64::INFINITY } else { cap },
            interval_hours: f64::from(interval_steps) * step_hours,
            interval_steps,
        },
    };
    ContractKind::Perpetual { basis, funding }
}

fn any_dated(dice: &mut Dice, horizon: Horizon) -> DatedPlan {
    let carry = any_process(dice, 0.1, 20.0);
    let steps = horizon.steps;
    let mut step = dice.between(1, steps + steps / 2);
    let before = dice.between(0, 3).min(step - 1);
    let into = dice.between(1, steps).max(before);
    let is_rolled = dice.chance(0.6);
    let mut expiries = Vec::new();
    loop {
        let roll_step = (is_rolled && step - before < steps).then_some(step - before);
        expiries.push(Expiry {
            years: f64::from(step) * horizon.step_years,
            step,
            roll_step,
        });
        if roll_step.is_none() {
            break;
        }
        step += into;
    }
    DatedPlan {
        carry,
        slope_per_year: dice.zero_or(-0.1, 0.1),
        expiries,
    }
}

fn any_option(dice: &mut Dice, spot_usd: f64, horizon: Horizon) -> OptionPlan {
    let expiry_step = dice.between(1, horizon.steps + horizon.steps / 2);
    OptionPlan {
        kind: *dice.pick(&[OptionKind::Call, OptionKind::Put]),
        strike_usd: spot_usd * dice.range(0.7, 1.3),
        expiry_step,
        expiry_years: f64::from(expiry_step) * horizon.step_years,
        volatility_annual: dice.range(0.2, 1.3),
        terms: OptionTerms {
            fee_frac: dice.zero_or(0.0, 0.0005),
            fee_cap_frac: 0.125,
            initial_frac: 0.15,
            initial_floor_frac: 0.10,
            maintenance_frac: 0.075,
        },
    }
}

fn any_liquidity(dice: &mut Dice, features: Features, notional_usd: f64) -> LiquidityPlan {
    let half_spread_frac = dice.zero_or(0.0, 0.001);
    let impact = ImpactPlan {
        coefficient: dice.range(0.5, 1.5),
        daily_volume_usd: notional_usd.max(1.0) * dice.range(5.0, 500.0),
        daily_volatility: dice.range(0.02, 0.08),
    };
    let has_impact = dice.chance(0.6);
    if features.on(Features::LIQUIDITY, true) {
        LiquidityPlan {
            half_spread_frac,
            impact: has_impact.then_some(impact),
        }
    } else {
        LiquidityPlan::FREE
    }
}

/// Continuous brackets with rising rates, the last without a cap or reaching beyond what is meant to be held.
fn any_rules(dice: &mut Dice, features: Features, wanted: Wanted) -> ContractRules {
    let count = dice.between(1, 4);
    let leverage_share = dice.range(0.3, 1.0);
    let has_leverage = dice.chance(0.75);
    let cap_room = dice.range(1.01, 2.0);
    let has_cap = dice.chance(0.4);
    let (mut floor_usd, mut rate, mut deduction_usd) = (0.0, 0.0, 0.0);
    let mut brackets = Vec::new();
    for index in 1..=count {
        let rate_step = dice.range(0.002, 0.05);
        let width = dice.range(0.1, 0.9) * wanted.notional.max(1e-9);
        let cap_usd = match (index == count, has_cap) {
            (false, _) => floor_usd + width,
            (true, true) => cap_room * wanted.notional.max(floor_usd).max(1e-9),
            (true, false) => f64::INFINITY,
        };
        deduction_usd += floor_usd * rate_step;
        rate += rate_step;
        brackets.push(MarginBracket {
            floor_usd,
            cap_usd,
            rate,
            deduction_usd,
            max_leverage: has_leverage.then_some(leverage_share / rate),
        });
        floor_usd = cap_usd;
    }
    let fee = |frac: f64| {
        if features.on(Features::COSTS, true) {
            frac
        } else {
            0.0
        }
    };
    let taker_fee_frac = fee(dice.zero_or(0.0, 0.002));
    ContractRules {
        brackets,
        maker_fee_frac: taker_fee_frac / 3.0,
        taker_fee_frac,
        liquidation_fee_frac: fee(dice.zero_or(0.0, 0.02)),
        fee_in_trigger: dice.chance(0.5),
        // One contract of an account that forfeits is enough.
        remainder: if dice.chance(0.3) {
            Remainder::Returned
        } else {
            wanted.remainder
        },
        delivery_fee_frac: fee(dice.zero_or(0.0, 0.001)),
        maintenance_at: if dice.chance(0.3) {
            MaintenanceAt::Entry
        } else {
            MaintenanceAt::Mark
        },
    }
}

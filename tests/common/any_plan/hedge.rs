//! Random hedges: ratios, sides, decisions, rounding, switches, orders.

use hedgesim::plan::types::{
    ContractSettlement, Follows, HedgePlan, OpenedHedge, OrderPlan, OrderStyle, Plan, Position,
    Rebalance, Rounding, SettlementCurrency, SwitchPlan,
};
use hedgesim::venue::rules::Remainder;

use super::contract::{Kind, Wanted, any_contract};
use super::{Dice, Features};
use crate::common::slow_book::black_value_usd;

/// The account that a hedge is drawn for.
#[derive(Debug, Clone, Copy)]
pub struct Seat {
    pub account: usize,
    pub settlement: SettlementCurrency,
    pub remainder: Remainder,
}

/// Adds a hedge and its contract. Returns what the venue asks for it at time 0, and the scale of its margin, USD.
pub fn add_hedge(plan: &mut Plan, seat: Seat, dice: &mut Dice, features: Features) -> (f64, f64) {
    let covers = dice.index(plan.holdings.len());
    let held = plan.holdings[covers].asset;
    let other = dice.index(plan.market.assets.len());
    let stays_home = dice.chance(0.7);
    let (underlying, settlement) = match seat.settlement {
        SettlementCurrency::Coin { asset } => (asset, ContractSettlement::Inverse),
        SettlementCurrency::Usd if stays_home => (held, ContractSettlement::Linear),
        SettlementCurrency::Usd => (other, ContractSettlement::Linear),
    };
    let kind = any_kind(dice, features);
    let hedge_ratio = match dice.between(0, 9) {
        0 => 0.0,
        1..=4 => 1.0,
        _ => dice.range(0.2, 1.5),
    };
    let follows = if features.on(Features::PRODUCTION, dice.chance(0.35)) {
        Follows::Expected
    } else {
        Follows::Inventory
    };
    let spot_usd = plan.market.assets[underlying].spot_usd;
    let held_usd = plan.market.assets[held].spot_usd;
    let followed_base = followed_base(plan, covers, follows);
    let whole_base = followed_base_all(plan, covers);
    let currency_usd = match settlement {
        ContractSettlement::Linear => 1.0,
        ContractSettlement::Inverse => spot_usd,
    };
    let meant_usd = (hedge_ratio * followed_base).max(0.5 * whole_base) * held_usd;
    let wanted = Wanted {
        kind,
        underlying,
        settlement,
        remainder: seat.remainder,
        notional: 1.3 * meant_usd / currency_usd,
    };
    let contract = listed_or_new(plan, wanted, dice, features);
    let switch = any_switch(plan, wanted, dice, features);

    let size_base = hedge_ratio * followed_base * held_usd / spot_usd;
    let mark_usd = spot_usd * plan.market.contracts[contract].initial_basis().exp();
    let opened = OpenedHedge {
        price_usd: mark_usd * dice.range(0.9, 1.1),
        quantity_base: size_base * dice.range(0.7, 1.2),
    };
    let has_opened = features.on(
        Features::OPENED,
        dice.chance(0.15) && kind != Kind::Option && size_base > 0.0,
    );
    let opened = has_opened.then_some(opened);
    let cross_coverage_frac = dice.uniform();
    let coverage_frac = match (kind, hedge_ratio) {
        (Kind::Option, _) | (_, 0.0) => 0.0,
        (_, ratio) if underlying == held => ratio,
        _ => cross_coverage_frac,
    };
    let hedge = HedgePlan {
        contract,
        account: seat.account,
        covers,
        hedge_ratio,
        coverage_frac,
        rebalance: any_rebalance(dice, features, plan.simulation.steps),
        opened,
        position: any_side(dice, features, kind),
        round: any_rounding(dice, features),
        follows,
        switch,
        order: any_order(dice, features),
    };
    plan.hedges.push(hedge);
    asked_usd(plan, &hedge, size_base, mark_usd, meant_usd)
}

/// What the venue asks at time 0 for a hedge with some room for rounding up, and the scale of its margin.
fn asked_usd(
    plan: &Plan,
    hedge: &HedgePlan,
    size_base: f64,
    mark_usd: f64,
    meant_usd: f64,
) -> (f64, f64) {
    let contract = &plan.market.contracts[hedge.contract];
    let spot_usd = plan.market.assets[contract.underlying].spot_usd;
    let piece_base = contract
        .contract_size
        .map_or(0.0, |size| match contract.settlement {
            ContractSettlement::Inverse if contract.option().is_none() => size / mark_usd,
            ContractSettlement::Linear | ContractSettlement::Inverse => size,
        });
    let held_base = hedge.opened.map_or(0.0, |opened| opened.quantity_base);
    let most_base = (size_base + piece_base).max(held_base);
    if let Some(option) = contract.option() {
        let value_usd = black_value_usd(option, spot_usd, option.expiry_years);
        let margin_usd = match hedge.position {
            Position::Short => most_base * option.terms.initial_frac * spot_usd,
            Position::Long => 0.0,
        };
        // A premium that is paid; and of a written option its value, which equity lacks and margin asks for.
        let asked_usd = margin_usd + 2.0 * most_base * value_usd;
        return (asked_usd, asked_usd.max(0.02 * meant_usd));
    }
    let currency_usd = match contract.settlement {
        ContractSettlement::Linear => 1.0,
        ContractSettlement::Inverse => spot_usd,
    };
    let initial_of =
        |usd: f64| contract.rules.initial_margin_usd(usd / currency_usd) * currency_usd;
    let lost_usd = hedge.opened.map_or(0.0, |opened| {
        let move_usd = (mark_usd - opened.price_usd) * hedge.position.sign();
        1.2 * opened.quantity_base * move_usd.max(0.0)
    });
    let asked_usd = initial_of(1.1 * most_base * mark_usd) + lost_usd;
    (asked_usd, initial_of(meant_usd).max(0.01 * meant_usd))
}

fn followed_base(plan: &Plan, covers: usize, follows: Follows) -> f64 {
    match follows {
        Follows::Inventory => plan.holdings[covers].quantity_base,
        Follows::Expected => followed_base_all(plan, covers),
    }
}

fn followed_base_all(plan: &Plan, covers: usize) -> f64 {
    let holding = &plan.holdings[covers];
    let produced: f64 = holding.production.iter().map(|p| p.quantity_base).sum();
    holding.quantity_base + produced
}

fn any_kind(dice: &mut Dice, features: Features) -> Kind {
    let thrown = *dice.pick(&[
        Kind::Perpetual,
        Kind::Perpetual,
        Kind::Dated,
        Kind::Dated,
        Kind::Option,
    ]);
    let is_on = match thrown {
        Kind::Perpetual => true,
        Kind::Dated => features.on(Features::DATED, true),
        Kind::Option => features.on(Features::OPTIONS, true),
    };
    if is_on { thrown } else { Kind::Perpetual }
}

/// A contract of the wanted kind: now and then one that another hedge is in already, of this account or of another.
fn listed_or_new(plan: &mut Plan, wanted: Wanted, dice: &mut Dice, features: Features) -> usize {
    let is_shared = features.on(Features::MANY, dice.chance(0.3));
    let contract = any_contract(plan, wanted, dice, features);
    let listed = &mut plan.market.contracts;
    let shared = listed.iter_mut().rposition(|other| {
        std::mem::discriminant(&other.kind) == std::mem::discriminant(&contract.kind)
            && other.underlying == contract.underlying
            && other.settlement == contract.settlement
    });
    if let (true, Some(index)) = (is_shared, shared) {
        // Its cap holds for all hedges of an account together: here it takes them all.
        let brackets = &mut listed[index].rules.brackets;
        brackets.last_mut().expect("a bracket").cap_usd = f64::INFINITY;
        return index;
    }
    listed.push(contract);
    listed.len() - 1
}

/// A perpetual may be left for a dated future on the same underlying, listed for it.
fn any_switch(
    plan: &mut Plan,
    wanted: Wanted,
    dice: &mut Dice,
    features: Features,
) -> Option<SwitchPlan> {
    let is_on = features.on(Features::SWITCHES, dice.chance(0.35));
    let (window_stamps, below_per_8h) = (dice.between(1, 4), dice.range(-0.001, 0.001));
    let back = below_per_8h + dice.range(0.0, 0.001);
    let returns = dice.chance(0.7);
    if !is_on || wanted.kind != Kind::Perpetual {
        return None;
    }
    let dated = Wanted {
        kind: Kind::Dated,
        ..wanted
    };
    let to = listed_or_new(plan, dated, dice, features);
    Some(SwitchPlan {
        to,
        window_stamps,
        below_per_8h,
        back_above_per_8h: if returns { back } else { f64::INFINITY },
    })
}

fn any_rebalance(dice: &mut Dice, features: Features, steps: u32) -> Rebalance {
    let (every, width) = (dice.between(1, steps), dice.range(0.005, 0.3));
    let rule = match dice.between(0, 4) {
        0 | 1 => Rebalance::Never,
        2 => Rebalance::Every { steps: every },
        3 => Rebalance::Band { width },
        _ => Rebalance::DeltaBand { width },
    };
    if features.on(Features::REBALANCING, true) {
        rule
    } else {
        Rebalance::Never
    }
}

fn any_side(dice: &mut Dice, features: Features, kind: Kind) -> Position {
    let is_long = match kind {
        Kind::Perpetual | Kind::Dated => dice.chance(0.15),
        Kind::Option => dice.chance(0.6),
    };
    if features.on(Features::LONGS, is_long) {
        Position::Long
    } else {
        Position::Short
    }
}

fn any_rounding(dice: &mut Dice, features: Features) -> Option<Rounding> {
    let rounding = *dice.pick(&[Rounding::Nearest, Rounding::Down, Rounding::Up]);
    features
        .on(Features::ROUNDING, dice.chance(0.25))
        .then_some(rounding)
}

fn any_order(dice: &mut Dice, features: Features) -> OrderPlan {
    let style = match dice.between(0, 5) {
        0 => OrderStyle::Twap {
            parts: dice.between(1, 5),
        },
        1 => OrderStyle::Iceberg {
            display_frac: dice.range(0.05, 1.0),
        },
        2 => OrderStyle::Otc {
            spread_frac: dice.range(0.0, 0.005),
        },
        _ => OrderStyle::Single,
    };
    let order = OrderPlan {
        is_maker: dice.chance(0.2),
        style,
    };
    if features.on(Features::STYLES, true) {
        order
    } else {
        OrderPlan::TAKER
    }
}

//! Random general plans, valid by construction, at sizes where calls, liquidations, re-entries, cuts and bankruptcies
//! happen.
//!
//! A plan is a pure function of a seed and of the features that are switched on. Shrinking switches features off, the
//! later ones first, so that a failing plan becomes a plainer one of the same shape.

mod account;
mod contract;
mod dice;
mod hedge;
mod market;

use hedgesim::plan::types::{
    Crossing, HoldingPlan, Plan, ProductionPlan, ReportPlan, SalePlan, SimulationPlan, StressPlan,
};
use proptest::prelude::*;

pub use dice::Dice;
pub use market::random_path;

/// What a plan may use, as bits.
#[derive(Debug, Clone, Copy)]
pub struct Features(pub u32);

impl Features {
    pub const JUMPS: u32 = 1;
    pub const CALLS: u32 = 1 << 1;
    pub const REENTRY: u32 = 1 << 2;
    pub const REBALANCING: u32 = 1 << 3;
    pub const COSTS: u32 = 1 << 4;
    pub const SALES: u32 = 1 << 5;
    pub const DATED: u32 = 1 << 6;
    pub const INVERSE: u32 = 1 << 7;
    pub const OPTIONS: u32 = 1 << 8;
    pub const COINS: u32 = 1 << 9;
    pub const MANY: u32 = 1 << 10;
    pub const SWITCHES: u32 = 1 << 11;
    pub const LIQUIDITY: u32 = 1 << 12;
    pub const STYLES: u32 = 1 << 13;
    pub const SOURCES: u32 = 1 << 14;
    pub const WINDOWS: u32 = 1 << 15;
    pub const DELEVERAGE: u32 = 1 << 16;
    pub const PRODUCTION: u32 = 1 << 17;
    pub const STAKING: u32 = 1 << 18;
    pub const ROUNDING: u32 = 1 << 19;
    pub const LONGS: u32 = 1 << 20;
    pub const OPENED: u32 = 1 << 21;
    pub const FORFEITS: u32 = 1 << 22;
    pub const REPORTS: u32 = 1 << 23;
    /// Everything.
    pub const ALL: u32 = (1 << 24) - 1;

    /// The features that are on, in words, with their number.
    pub fn names(self) -> String {
        let names = [
            "jumps",
            "calls",
            "reentry",
            "rebalancing",
            "costs",
            "sales",
            "dated",
            "inverse",
            "options",
            "coins",
            "many",
            "switches",
            "liquidity",
            "styles",
            "sources",
            "windows",
            "deleverage",
            "production",
            "staking",
            "rounding",
            "longs",
            "opened",
            "forfeits",
            "reports",
        ];
        let on: Vec<&str> = names
            .iter()
            .enumerate()
            .filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| *name)
            .collect();
        format!("{} ({})", on.join(" "), self.0)
    }

    /// Whether a feature is on; the dice are thrown in any case, so that the rest of the plan stays what it was.
    fn on(self, feature: u32, thrown: bool) -> bool {
        thrown && self.0 & feature != 0
    }
}

/// Any general plan with its seed.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    let features = prop_oneof![3 => Just(Features::ALL), 1 => 0..=Features::ALL];
    (any::<u64>(), features).prop_map(|(seed, features)| plan_of(seed, Features(features)))
}

/// The plan of a seed.
pub fn plan_of(seed: u64, features: Features) -> Plan {
    let mut dice = Dice::new(seed);
    let simulation = simulation(&mut dice);
    let market = market::any_market(&mut dice, features);
    let horizon = Horizon {
        steps: simulation.steps,
        step_years: simulation.step_years(),
    };
    let count = if features.on(Features::MANY, dice.chance(0.4)) {
        2
    } else {
        1
    };
    let holdings = (0..count)
        .map(|_| holding(&mut dice, features, market.assets.len(), horizon))
        .collect();
    let slippage = dice.zero_or(0.0, 0.004);
    let funds = dice.zero_or(0.0, 0.3);
    let has_costs = features.on(Features::COSTS, true);
    let mut plan = Plan {
        simulation,
        market,
        holdings,
        hedges: Vec::new(),
        accounts: Vec::new(),
        execution_slippage_frac: if has_costs { slippage } else { 0.0 },
        stress: stress(&mut dice, features),
        cost_of_funds_annual: if has_costs { funds } else { 0.0 },
        report: ReportPlan::default(),
    };
    account::add_programme(&mut plan, &mut dice, features);
    if features.on(Features::REPORTS, true) {
        let steps = plan.simulation.steps;
        let mut date_steps: Vec<u32> = (0..3).map(|_| dice.between(1, steps)).collect();
        date_steps.sort_unstable();
        date_steps.dedup();
        plan.report.date_steps = date_steps;
        plan.report.liquidity_at_risk = dice.chance(0.7);
    }
    plan
}

/// The simulation's grid.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    pub steps: u32,
    pub step_years: f64,
}

fn simulation(dice: &mut Dice) -> SimulationPlan {
    let steps = dice.between(3, 45);
    let step_days = *dice.pick(&[1.0, 2.0, 4.0, 8.0, 24.0]) / 24.0;
    SimulationPlan {
        title: "random".to_owned(),
        horizon_days: f64::from(steps) * step_days,
        step_days,
        steps,
        paths: 64,
        seed: u64::from(dice.between(1, 1_000_000)),
        crossing: if dice.chance(0.8) {
            Crossing::Bridge
        } else {
            Crossing::Endpoints
        },
    }
}

fn stress(dice: &mut Dice, features: Features) -> StressPlan {
    let thrown = StressPlan {
        log_move: dice.range(0.005, 0.08),
        multiplier: dice.range(1.0, 5.0),
        liquidation_multiplier: dice.range(1.0, 3.0),
    };
    if features.on(Features::LIQUIDITY, dice.chance(0.4)) {
        thrown
    } else {
        StressPlan::NONE
    }
}

/// A holding with sales that leave something, with or without production.
fn holding(dice: &mut Dice, features: Features, assets: usize, horizon: Horizon) -> HoldingPlan {
    let asset = dice.index(assets);
    let size_base = dice.range(0.5, 2_000.0);
    let mut sales = Vec::new();
    let mut sold_base = 0.0;
    for _ in 0..dice.between(0, 3) {
        let (step, quantity_base) = (
            dice.between(1, horizon.steps - 1),
            size_base * dice.range(0.02, 0.28),
        );
        sales.push(SalePlan {
            step,
            quantity_base,
        });
        sold_base += quantity_base;
    }
    if !features.on(Features::SALES, true) {
        sales.clear();
        sold_base = 0.0;
    }
    let mut quantity_base = size_base.max(1.05 * sold_base);
    let produces = features.on(Features::PRODUCTION, dice.chance(0.35));
    let (every, is_sold_at_once, starts_bare) = (
        dice.between(1, horizon.steps),
        dice.chance(0.4),
        dice.chance(0.2),
    );
    let per_period_base = size_base * dice.range(0.01, 0.2);
    let cost_usd = per_period_base * dice.range(0.1, 1.0);
    let mut production = Vec::new();
    if produces {
        for step in (1..=horizon.steps).filter(|step| step.is_multiple_of(every)) {
            production.push(ProductionPlan {
                step,
                quantity_base: per_period_base,
                cost_usd,
            });
            if is_sold_at_once && step < horizon.steps {
                sales.push(SalePlan {
                    step,
                    quantity_base: per_period_base,
                });
            }
        }
        if starts_bare && (is_sold_at_once || sold_base == 0.0) {
            sales.retain(|sale| is_sold_at_once && sale.step.is_multiple_of(every));
            sales.retain(|sale| sale.quantity_base.to_bits() == per_period_base.to_bits());
            quantity_base = 0.0;
        }
    }
    sales.sort_by_key(|sale| sale.step);
    let staking = dice.range(0.0, 0.5);
    HoldingPlan {
        asset,
        quantity_base,
        sales,
        production,
        staking_yield_annual: if features.on(Features::STAKING, dice.chance(0.25)) {
            staking
        } else {
            0.0
        },
    }
}

/// Money that a path is about: what is held, what is posted, and what the contracts turn over.
pub fn money_usd(plan: &Plan) -> f64 {
    let price = |asset: usize| plan.market.assets[asset].spot_usd;
    let held: f64 = plan
        .holdings
        .iter()
        .map(|holding| {
            let produced: f64 = holding.production.iter().map(|p| p.quantity_base).sum();
            (holding.quantity_base + produced) * price(holding.asset)
        })
        .sum();
    let posted: f64 = plan
        .accounts
        .iter()
        .map(|account| {
            let coins: f64 = account
                .coins
                .iter()
                .map(|coin| coin.quantity_base * price(coin.asset))
                .sum();
            account.collateral_usd + account.reserve_usd + coins
        })
        .sum();
    held + posted
}

//! Random holdings, hedges, brackets and accounts that the venue accepts.

use hedgesim::plan::types::{
    AccountPlan, AfterLiquidation, CallAction, Follows, FundingSource, HedgePlan, HoldingPlan,
    MarginCallPlan, MarginMode, MarketPlan, OpenedHedge, OrderPlan, Position, Rebalance, SalePlan,
    SettlementCurrency, SimulationPlan,
};
use hedgesim::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};
use proptest::prelude::*;

use super::zero_or;

/// The hedge, its account, and the venue's rules, which go together by size.
#[derive(Debug, Clone)]
pub struct Programme {
    pub hedge: HedgePlan,
    pub account: AccountPlan,
    pub rules: ContractRules,
}

/// A holding of asset 0 with up to three sales before the horizon, which leave something.
pub fn any_holding(steps: u32) -> impl Strategy<Value = HoldingPlan> {
    let sales = prop::collection::btree_map(1..steps, 0.01..0.3, 0..=3);
    (0.5..2_000.0, sales).prop_map(|(quantity_base, sales)| HoldingPlan {
        production: Vec::new(),
        staking_yield_annual: 0.0,
        asset: 0,
        quantity_base,
        sales: sales
            .into_iter()
            .map(|(step, frac)| SalePlan {
                step,
                quantity_base: frac * quantity_base,
            })
            .collect(),
    })
}

/// Any hedge of the holding, with collateral at least the initial margin and a notional under the cap.
pub fn any_programme(
    simulation: &SimulationPlan,
    market: &MarketPlan,
    holding: &HoldingPlan,
) -> impl Strategy<Value = Programme> + use<> {
    let contract = &market.contracts[0];
    let held_spot_usd = market.assets[0].spot_usd;
    let underlying_spot_usd = market.assets[contract.underlying].spot_usd;
    let start = Start {
        mark_usd: underlying_spot_usd * contract.initial_basis().exp(),
        equal_value_base: holding.quantity_base * held_spot_usd / underlying_spot_usd,
        is_cross_hedge: contract.underlying != 0,
    };
    (
        any_hedge_draw(simulation.steps),
        any_rules_draw(),
        any_account_draw(simulation.steps),
    )
        .prop_map(move |(hedge, rules, account)| assemble(&start, &hedge, &rules, &account))
}

/// What the size of everything is measured by.
#[derive(Debug, Clone, Copy)]
struct Start {
    mark_usd: f64,
    /// Short of the inventory's value.
    equal_value_base: f64,
    is_cross_hedge: bool,
}

#[derive(Debug, Clone)]
struct HedgeDraw {
    hedge_ratio: f64,
    cross_coverage_frac: f64,
    rebalance: Rebalance,
    /// Size over the ratio's, entry price over the mark.
    opened: Option<(f64, f64)>,
}

fn any_hedge_draw(steps: u32) -> impl Strategy<Value = HedgeDraw> {
    let rebalance = prop_oneof![
        2 => Just(Rebalance::Never),
        1 => (1..=steps).prop_map(|steps| Rebalance::Every { steps }),
        1 => (0.005..0.3).prop_map(|width| Rebalance::Band { width }),
    ];
    let opened = prop_oneof![3 => Just(None), 1 => (0.6..1.4, 0.8..1.2).prop_map(Some)];
    let hedge_ratio = prop_oneof![1 => Just(0.0), 6 => Just(1.0), 12 => 0.2..1.5];
    (hedge_ratio, 0.0..1.0, rebalance, opened).prop_map(
        |(hedge_ratio, cross_coverage_frac, rebalance, opened)| HedgeDraw {
            hedge_ratio,
            cross_coverage_frac,
            rebalance,
            opened: opened.filter(|_| hedge_ratio > 0.0),
        },
    )
}

#[derive(Debug, Clone)]
struct RulesDraw {
    /// Width of each bracket but the last, over the largest notional at time 0; step up of its rate.
    brackets: Vec<(f64, f64)>,
    /// Room under the cap of the last bracket, over the largest notional at time 0; `None` without a cap.
    cap_room: Option<f64>,
    /// Leverage cap times maintenance rate; `None` without leverage caps.
    leverage_share: Option<f64>,
    rules: ContractRules,
}

fn any_rules_draw() -> impl Strategy<Value = RulesDraw> {
    let brackets = prop::collection::vec((0.1..0.9, 0.002..0.05), 1..=4);
    let cap_room = prop_oneof![Just(None), (0.0..1.0).prop_map(Some)];
    let leverage_share = prop_oneof![1 => Just(None), 3 => (0.3..1.0).prop_map(Some)];
    let remainder = prop_oneof![Just(Remainder::Returned), Just(Remainder::Forfeited)];
    let fees = (zero_or(0.0..0.002), zero_or(0.0..0.02), any::<bool>());
    (brackets, cap_room, leverage_share, remainder, fees).prop_map(
        |(
            brackets,
            cap_room,
            leverage_share,
            remainder,
            (taker_fee_frac, liquidation_fee_frac, fee_in_trigger),
        )| {
            let rules = ContractRules {
                brackets: vec![],
                maker_fee_frac: taker_fee_frac / 2.0,
                taker_fee_frac,
                liquidation_fee_frac,
                fee_in_trigger,
                remainder,
                delivery_fee_frac: 0.0,
                maintenance_at: MaintenanceAt::Mark,
            };
            RulesDraw {
                brackets,
                cap_room,
                leverage_share,
                rules,
            }
        },
    )
}

impl RulesDraw {
    /// Continuous brackets, rates and leverage in order, the last reaching beyond the notional at time 0.
    fn resolve(&self, notional_usd: f64) -> ContractRules {
        let mut rules = self.rules.clone();
        let (mut floor_usd, mut rate, mut deduction_usd) = (0.0, 0.0, 0.0);
        for (index, (width, rate_step)) in self.brackets.iter().enumerate() {
            let is_last = index + 1 == self.brackets.len();
            let cap_usd = match (is_last, self.cap_room) {
                (false, _) => floor_usd + width * notional_usd,
                (true, Some(room)) => (1.01 + room) * f64::max(notional_usd, floor_usd),
                (true, None) => f64::INFINITY,
            };
            deduction_usd += floor_usd * rate_step;
            rate += rate_step;
            let max_leverage = self.leverage_share.map(|share| share / rate);
            rules.brackets.push(MarginBracket {
                floor_usd,
                cap_usd,
                rate,
                deduction_usd,
                max_leverage,
            });
            floor_usd = cap_usd;
        }
        rules
    }
}

#[derive(Debug, Clone)]
struct AccountDraw {
    /// Collateral beyond the initial margin, over it.
    extra: f64,
    /// Reserve over the initial margin.
    reserve: f64,
    margin_call: Option<MarginCallPlan>,
    liquidation_slippage_frac: f64,
    after_liquidation: AfterLiquidation,
}

fn any_account_draw(steps: u32) -> impl Strategy<Value = AccountDraw> {
    let extra = prop_oneof![1 => Just(0.0), 2 => 0.0..0.5, 4 => 0.5..5.0];
    let after_liquidation = prop_oneof![
        Just(AfterLiquidation::StayFlat),
        (0..=steps / 2).prop_map(|after_steps| AfterLiquidation::Reenter { after_steps }),
    ];
    let margin_call = prop_oneof![1 => Just(None), 3 => any_margin_call().prop_map(Some)];
    (
        extra,
        zero_or(0.0..4.0),
        margin_call,
        zero_or(0.0..0.02),
        after_liquidation,
    )
        .prop_map(
            |(extra, reserve, margin_call, liquidation_slippage_frac, after_liquidation)| {
                AccountDraw {
                    extra,
                    reserve,
                    margin_call,
                    liquidation_slippage_frac,
                    after_liquidation,
                }
            },
        )
}

/// A level under 1, a target at or under it, a release level under the target.
fn any_margin_call() -> impl Strategy<Value = MarginCallPlan> {
    let target_share = prop_oneof![1 => Just(1.0), 4 => 0.2..1.0];
    let release_share = prop_oneof![1 => Just(None), 2 => (0.1..0.95).prop_map(Some)];
    (0.2..0.95, target_share, release_share, 1_u32..=3, 0_u32..=3).prop_map(
        |(level, target_share, release_share, every_steps, delay_steps)| MarginCallPlan {
            action: CallAction::TopUp,
            minimum_transfer_usd: 0.0,
            level,
            target: level * target_share,
            release: release_share.map(|share: f64| share * target_share * level),
            every_steps,
            delay_steps,
        },
    )
}

fn assemble(
    start: &Start,
    hedge: &HedgeDraw,
    rules: &RulesDraw,
    account: &AccountDraw,
) -> Programme {
    let target_base = hedge.hedge_ratio * start.equal_value_base;
    let opened = hedge.opened.map(|(size, price)| OpenedHedge {
        price_usd: price * start.mark_usd,
        quantity_base: size * target_base,
    });
    let short_base = opened.map_or(target_base, |opened| opened.quantity_base);
    let size_usd = start.mark_usd * target_base.max(short_base).max(start.equal_value_base);
    let rules = rules.resolve(size_usd);

    // Balance and equity both cover the initial margin, whatever the hedge that is on has lost.
    let lost_usd = opened.map_or(0.0, |o| {
        (o.quantity_base * (start.mark_usd - o.price_usd)).max(0.0)
    });
    let initial_margin_usd = rules.initial_margin_usd(short_base * start.mark_usd);
    let scale_usd = initial_margin_usd.max(0.01 * size_usd);
    let collateral_usd = initial_margin_usd * (1.0 + 1e-9) + account.extra * scale_usd + lost_usd;

    let coverage_frac = match (hedge.hedge_ratio, start.is_cross_hedge) {
        (0.0, _) => 0.0,
        (ratio, false) => ratio,
        (_, true) => hedge.cross_coverage_frac,
    };
    Programme {
        hedge: HedgePlan {
            position: Position::Short,
            round: None,
            follows: Follows::Inventory,
            switch: None,
            order: OrderPlan::TAKER,
            contract: 0,
            account: 0,
            covers: 0,
            hedge_ratio: hedge.hedge_ratio,
            coverage_frac,
            rebalance: hedge.rebalance,
            opened,
        },
        account: AccountPlan {
            mode: MarginMode::Isolated,
            coins: Vec::new(),
            sources: vec![FundingSource::Reserve],
            leaves_at: None,
            settlement: SettlementCurrency::Usd,
            name: "main".to_owned(),
            venue: "random".to_owned(),
            collateral_usd,
            reserve_usd: account.reserve * scale_usd,
            margin_call: account.margin_call,
            liquidation_slippage_frac: account.liquidation_slippage_frac,
            after_liquidation: account.after_liquidation,
        },
        rules,
    }
}

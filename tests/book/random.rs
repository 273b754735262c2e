//! Random plans with every contract and every policy, from a seed.

use hedgesim::plan::types::{
    AccountPlan, AfterLiquidation, AssetPlan, CallAction, CoinCollateral, ContractKind,
    ContractPlan, ContractSettlement, Crossing, DatedPlan, Expiry, Follows, FundingPlan,
    FundingSource, HedgePlan, HoldingPlan, ImpactPlan, JumpPlan, JumpSizes, LiquidityPlan,
    MarginCallPlan, MarginMode, MarketPlan, OpenedHedge, OptionKind, OptionPlan, OptionTerms,
    OrderPlan, OrderStyle, OuBasis, Plan, Position, ProductionPlan, Rebalance, ReportPlan,
    Rounding, SalePlan, SettlementCurrency, SimulationPlan, StressPlan, SwitchPlan,
};
use hedgesim::venue::rules::{ContractRules, MaintenanceAt, MarginBracket, Remainder};

/// A small generator (splitmix64).
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    fn steps(&mut self, low: u32, high: u32) -> u32 {
        low + u32::try_from(self.below(u64::from(high - low + 1))).expect("small")
    }

    fn chance(&mut self, share: f64) -> bool {
        self.between(0.0, 1.0) < share
    }

    fn or_zero(&mut self, high: f64) -> f64 {
        if self.chance(0.3) {
            0.0
        } else {
            self.between(0.0, high)
        }
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).expect("small")]
    }
}

const SPOTS: [f64; 2] = [100.0, 5.0];

/// A plan: two assets, one or two holdings, up to four hedges in up to three accounts.
pub(crate) fn any_book_plan(seed: u64) -> Plan {
    let draws = &mut Draws(seed.wrapping_mul(0x0123_4567_89AB_CDEF) + 1);
    let steps = draws.steps(4, 40);
    let step_days = draws.pick(&[1.0 / 24.0, 1.0 / 3.0, 1.0, 2.0]);
    let mut plan = Plan {
        simulation: SimulationPlan {
            title: "random".to_owned(),
            horizon_days: f64::from(steps) * step_days,
            step_days,
            steps,
            paths: 64,
            seed,
            crossing: if draws.chance(0.8) {
                Crossing::Bridge
            } else {
                Crossing::Endpoints
            },
        },
        market: MarketPlan {
            assets: SPOTS.iter().map(|&spot| asset(draws, spot)).collect(),
            correlation: vec![1.0, 0.6, 0.6, 1.0],
            contracts: vec![],
        },
        holdings: vec![],
        hedges: vec![],
        accounts: vec![],
        execution_slippage_frac: draws.or_zero(0.003),
        stress: if draws.chance(0.3) {
            StressPlan {
                log_move: 0.05,
                multiplier: 3.0,
                liquidation_multiplier: 2.0,
            }
        } else {
            StressPlan::NONE
        },
        cost_of_funds_annual: draws.or_zero(0.3),
        report: ReportPlan {
            date_steps: if draws.chance(0.4) {
                vec![steps / 2, steps]
            } else {
                vec![]
            },
            liquidity_at_risk: draws.chance(0.4),
            ..ReportPlan::default()
        },
    };
    let holdings = 1 + draws.below(2);
    for j in 0..holdings {
        let asset = usize::try_from(j).expect("small");
        plan.holdings.push(holding(draws, asset, steps));
    }
    let accounts = 1 + draws.below(3);
    for a in 0..accounts {
        add_account(draws, &mut plan, &format!("account-{a}"));
    }
    plan
}

fn asset(draws: &mut Draws, spot_usd: f64) -> AssetPlan {
    let jumps = JumpPlan {
        jumps_per_year: draws.between(5.0, 60.0),
        sizes: JumpSizes::Merton {
            mean_log: -0.01,
            std_dev_log: 0.08,
        },
        systemic_share: 0.5,
        systemic_loading: 1.0,
    };
    AssetPlan {
        name: format!("A{spot_usd}"),
        spot_usd,
        drift_annual: draws.between(-0.5, 0.5),
        volatility_annual: draws.or_zero(1.2),
        jumps: draws.chance(0.5).then_some(jumps),
    }
}

fn holding(draws: &mut Draws, asset: usize, steps: u32) -> HoldingPlan {
    let quantity_base = draws.between(5.0, 20.0);
    let mut sales: Vec<SalePlan> = (0..draws.below(3))
        .map(|_| SalePlan {
            step: draws.steps(1, steps - 1),
            quantity_base: quantity_base * draws.between(0.01, 0.1),
        })
        .collect();
    sales.sort_by_key(|sale| sale.step);
    let production = (0..draws.below(3))
        .map(|n| ProductionPlan {
            step: (u32::try_from(n).expect("small") + 1) * steps / 3,
            quantity_base: draws.between(0.1, 2.0),
            cost_usd: draws.between(0.0, 50.0),
        })
        .collect();
    HoldingPlan {
        asset,
        quantity_base,
        sales,
        production,
        staking_yield_annual: if draws.chance(0.3) { 0.05 } else { 0.0 },
    }
}

fn rules(draws: &mut Draws, notional: f64) -> ContractRules {
    let rate = draws.between(0.005, 0.05);
    let edge = notional * draws.between(0.3, 1.5);
    let step = draws.between(0.0, 0.05);
    let bracket = |floor_usd: f64, cap_usd: f64, rate: f64, deduction_usd: f64| MarginBracket {
        floor_usd,
        cap_usd,
        rate,
        deduction_usd,
        max_leverage: Some(0.5 / rate),
    };
    ContractRules {
        brackets: vec![
            bracket(0.0, edge, rate, 0.0),
            bracket(edge, f64::INFINITY, rate + step, edge * step),
        ],
        maker_fee_frac: 0.0001,
        taker_fee_frac: draws.or_zero(0.001),
        liquidation_fee_frac: draws.or_zero(0.01),
        fee_in_trigger: draws.chance(0.5),
        remainder: Remainder::Returned,
        delivery_fee_frac: draws.or_zero(0.0005),
        maintenance_at: draws.pick(&[MaintenanceAt::Mark, MaintenanceAt::Entry]),
    }
}

fn process(draws: &mut Draws, scale: f64) -> OuBasis {
    OuBasis {
        mean: draws.between(-scale, scale),
        initial: draws.between(-scale, scale),
        volatility_annual: draws.or_zero(2.0 * scale),
        reversion_per_year: 20.0,
        correlation_with_spot: draws.between(-0.8, 0.8),
    }
}

fn kind(draws: &mut Draws, plan: &Plan, underlying: usize, which: u64) -> ContractKind {
    let simulation = &plan.simulation;
    let (steps, year) = (simulation.steps, simulation.step_years());
    match which {
        0 | 1 => ContractKind::Perpetual {
            basis: process(draws, 0.005),
            funding: if draws.chance(0.7) {
                FundingPlan::PremiumFormula {
                    interest_per_8h: 1e-4,
                    damper_per_8h: 5e-4,
                    cap_per_8h: 0.01,
                    interval_hours: simulation.step_days * 24.0,
                    interval_steps: 1,
                }
            } else {
                FundingPlan::None
            },
        },
        2 => {
            let life = draws.steps(3, steps + 3);
            let lead = draws.steps(1, 2);
            let mut expiries = vec![];
            let mut at = life;
            loop {
                let roll = at - lead;
                let rolls = roll < steps && draws.chance(0.8);
                expiries.push(Expiry {
                    years: f64::from(at) * year,
                    step: at,
                    roll_step: rolls.then_some(roll),
                });
                if !rolls {
                    break;
                }
                at += life;
            }
            ContractKind::Dated(DatedPlan {
                carry: process(draws, 0.2),
                slope_per_year: draws.or_zero(0.1),
                expiries,
            })
        }
        _ => {
            let expiry_step = draws.steps(2, 2 * steps);
            ContractKind::Option(OptionPlan {
                kind: draws.pick(&[OptionKind::Call, OptionKind::Put]),
                strike_usd: SPOTS[underlying] * draws.between(0.8, 1.2),
                expiry_step,
                expiry_years: f64::from(expiry_step) * year,
                volatility_annual: draws.between(0.3, 1.2),
                terms: OptionTerms {
                    fee_frac: 0.0003,
                    fee_cap_frac: 0.125,
                    initial_frac: 0.15,
                    initial_floor_frac: 0.1,
                    maintenance_frac: 0.075,
                },
            })
        }
    }
}

fn order(draws: &mut Draws) -> OrderPlan {
    OrderPlan {
        is_maker: draws.chance(0.2),
        style: match draws.below(6) {
            0 => OrderStyle::Twap {
                parts: draws.steps(1, 4),
            },
            1 => OrderStyle::Iceberg { display_frac: 0.2 },
            2 => OrderStyle::Otc { spread_frac: 0.001 },
            _ => OrderStyle::Single,
        },
    }
}

fn add_contract(
    draws: &mut Draws,
    plan: &mut Plan,
    underlying: usize,
    settlement: ContractSettlement,
    which: u64,
) -> usize {
    let is_inverse = settlement == ContractSettlement::Inverse;
    let notional = if is_inverse {
        10.0
    } else {
        10.0 * SPOTS[underlying]
    };
    let kind = kind(draws, plan, underlying, which);
    plan.market.contracts.push(ContractPlan {
        name: format!("c{}", plan.market.contracts.len()),
        underlying,
        kind,
        settlement,
        contract_size: Some(if is_inverse && which < 3 { 10.0 } else { 0.1 }),
        liquidity: LiquidityPlan {
            half_spread_frac: draws.or_zero(0.001),
            impact: draws.chance(0.3).then_some(ImpactPlan {
                coefficient: 1.0,
                daily_volume_usd: 1e5,
                daily_volatility: 0.04,
            }),
        },
        rules: rules(draws, notional),
    });
    plan.market.contracts.len() - 1
}

#[expect(clippy::too_many_lines, reason = "one policy after the other")]
fn add_account(draws: &mut Draws, plan: &mut Plan, name: &str) {
    let steps = plan.simulation.steps;
    let index = plan.accounts.len();
    let is_coin = draws.chance(0.4);
    let coin = usize::try_from(draws.below(plan.holdings.len() as u64)).expect("small");
    let hedges = 1 + draws.below(3);
    let mut remainder = Remainder::Returned;
    if draws.chance(0.3) {
        remainder = Remainder::Forfeited;
    }
    let mut notional_usd = 0.0;
    for n in 0..hedges {
        let covers = usize::try_from(draws.below(plan.holdings.len() as u64)).expect("small");
        let underlying = if is_coin || draws.chance(0.7) {
            if is_coin { coin } else { covers }
        } else {
            1 - covers
        };
        let settlement = if is_coin {
            ContractSettlement::Inverse
        } else {
            ContractSettlement::Linear
        };
        let which = draws.below(if n == 0 { 3 } else { 4 });
        let contract = add_contract(draws, plan, underlying, settlement, which);
        plan.market.contracts[contract].rules.remainder = remainder;
        let switch = (which < 2 && draws.chance(0.4)).then(|| {
            let to = add_contract(draws, plan, underlying, settlement, 2);
            plan.market.contracts[to].rules.remainder = remainder;
            SwitchPlan {
                to,
                window_stamps: draws.steps(1, 4),
                below_per_8h: draws.between(-5e-4, 5e-4),
                back_above_per_8h: draws.pick(&[f64::INFINITY, 2e-4]),
            }
        });
        let hedge_ratio = draws.between(0.2, 1.2);
        let spot = SPOTS[plan.holdings[covers].asset];
        let size_usd = hedge_ratio * plan.holdings[covers].quantity_base * spot;
        notional_usd += size_usd;
        plan.hedges.push(HedgePlan {
            contract,
            account: index,
            covers,
            hedge_ratio,
            coverage_frac: draws.between(0.0, 1.2),
            rebalance: match draws.below(5) {
                0 => Rebalance::Every {
                    steps: draws.steps(1, 10),
                },
                1 => Rebalance::Band {
                    width: draws.between(0.01, 0.2),
                },
                2 => Rebalance::DeltaBand {
                    width: draws.between(0.01, 0.2),
                },
                _ => Rebalance::Never,
            },
            opened: (which < 2 && draws.chance(0.2)).then(|| OpenedHedge {
                price_usd: SPOTS[underlying] * draws.between(0.95, 1.05),
                quantity_base: size_usd / SPOTS[underlying] * draws.between(0.7, 1.1),
            }),
            position: if draws.chance(0.75) {
                Position::Short
            } else {
                Position::Long
            },
            round: draws
                .chance(0.3)
                .then(|| draws.pick(&[Rounding::Nearest, Rounding::Down, Rounding::Up])),
            follows: draws.pick(&[Follows::Inventory, Follows::Expected]),
            switch,
            order: order(draws),
        });
    }
    let mut account = AccountPlan {
        name: name.to_owned(),
        venue: format!("venue-{}", draws.below(2)),
        settlement: if is_coin {
            SettlementCurrency::Coin { asset: coin }
        } else {
            SettlementCurrency::Usd
        },
        mode: MarginMode::Cross,
        collateral_usd: notional_usd * draws.between(0.15, 0.8),
        coins: vec![],
        reserve_usd: draws.or_zero(notional_usd),
        sources: sources(draws, plan),
        leaves_at: draws.chance(0.3).then(|| {
            // Every other pair of steps is closed.
            (0..=steps)
                .map(|step| {
                    if step % 4 < 2 {
                        step
                    } else {
                        step - step % 4 + 4
                    }
                })
                .collect()
        }),
        margin_call: draws.chance(0.7).then(|| MarginCallPlan {
            level: draws.between(0.3, 0.9),
            target: draws.between(0.1, 0.3),
            release: draws.chance(0.4).then(|| draws.between(0.02, 0.1)),
            every_steps: draws.steps(1, 3),
            delay_steps: draws.steps(0, 3),
            action: if draws.chance(0.7) {
                CallAction::TopUp
            } else {
                CallAction::Deleverage
            },
            minimum_transfer_usd: draws.or_zero(100.0),
        }),
        liquidation_slippage_frac: draws.or_zero(0.02),
        after_liquidation: if draws.chance(0.5) {
            AfterLiquidation::StayFlat
        } else {
            AfterLiquidation::Reenter {
                after_steps: draws.steps(0, 5),
            }
        },
    };
    let slots = draws.below(3);
    for _ in 0..slots {
        let asset = if is_coin {
            coin
        } else {
            usize::try_from(draws.below(plan.holdings.len() as u64)).expect("small")
        };
        // Holding and asset have the same index.
        let of_holding = draws.chance(0.5);
        account.coins.push(CoinCollateral {
            asset,
            quantity_base: 0.1 * plan.holdings[asset].quantity_base,
            holding: of_holding.then_some(asset),
            haircut_frac: if is_coin { 0.0 } else { 0.1 },
        });
    }
    plan.accounts.push(account);
}

fn sources(draws: &mut Draws, plan: &Plan) -> Vec<FundingSource> {
    let mut sources = vec![];
    if draws.chance(0.8) {
        sources.push(FundingSource::Reserve);
    }
    if draws.chance(0.4) {
        sources.push(FundingSource::CreditLine {
            limit_usd: draws.between(50.0, 500.0),
            rate_annual: draws.or_zero(0.3),
        });
    }
    if draws.chance(0.4) || sources.is_empty() {
        sources.push(FundingSource::Inventory {
            holding: usize::try_from(draws.below(plan.holdings.len() as u64)).expect("small"),
            cost_frac: draws.or_zero(0.02),
        });
    }
    sources
}

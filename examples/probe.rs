use hedgesim::engine::run::simulate;
use hedgesim::outcome::column::*;
use hedgesim::plan::types::*;
use hedgesim::venue::rules::*;
use std::sync::atomic::AtomicBool;
fn main() {
    let paths: u64 = std::env::args()
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(100_000);
    let kind = std::env::args().nth(2).unwrap_or_default();
    let caps = [
        3e5, 8e5, 3e6, 12e6, 50e6, 65e6, 150e6, 320e6, 400e6, 530e6, 800e6, 1200e6,
    ];
    let rates = [
        0.004, 0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.1, 0.125, 0.15, 0.25, 0.5,
    ];
    let lev = [150., 100., 75., 50., 25., 20., 10., 5., 4., 3., 2., 1.];
    let mut floor = 0.0;
    let mut ded = 0.0;
    let mut last = 0.0;
    let mut brackets = vec![];
    for k in 0..12 {
        if k > 0 {
            ded += floor * (rates[k] - last);
        }
        brackets.push(MarginBracket {
            floor_usd: floor,
            cap_usd: caps[k],
            rate: rates[k],
            deduction_usd: ded,
            max_leverage: Some(lev[k]),
        });
        last = rates[k];
        floor = caps[k];
    }
    let plain = kind == "plain";
    if plain {
        brackets = vec![MarginBracket {
            floor_usd: 0.,
            cap_usd: f64::INFINITY,
            rate: 0.005,
            deduction_usd: 0.,
            max_leverage: None,
        }];
    }
    let rules = ContractRules {
        brackets,
        maker_fee_frac: 0.0002,
        taker_fee_frac: if plain { 0. } else { 0.0005 },
        liquidation_fee_frac: if plain { 0. } else { 0.015 },
        fee_in_trigger: false,
        remainder: Remainder::Returned,
    };
    let steps = if plain { 30 } else { 270 };
    let plan = Plan {
        simulation: SimulationPlan {
            title: "t".into(),
            horizon_days: if plain { 30. } else { 90. },
            step_days: if plain { 1.0 } else { 1.0 / 3.0 },
            steps,
            paths,
            seed: 1,
            crossing: if kind == "end" {
                Crossing::Endpoints
            } else {
                Crossing::Bridge
            },
        },
        market: MarketPlan {
            assets: vec![AssetPlan {
                name: "ETH".into(),
                spot_usd: 3500.,
                drift_annual: 0.,
                volatility_annual: 0.6,
                jumps: if plain {
                    None
                } else {
                    Some(JumpPlan {
                        jumps_per_year: 6.,
                        sizes: JumpSizes::Kou {
                            up_probability: 0.45,
                            up_mean_log: 0.083,
                            down_mean_log: 0.111,
                        },
                        systemic_share: 0.5,
                        systemic_loading: 1.0,
                    })
                },
            }],
            correlation: vec![1.0],
            contracts: vec![ContractPlan {
                name: "p".into(),
                underlying: 0,
                basis: if plain {
                    OuBasis {
                        mean: 0.,
                        initial: 0.,
                        volatility_annual: 0.,
                        reversion_per_year: 0.,
                        correlation_with_spot: 0.,
                    }
                } else {
                    OuBasis {
                        mean: 2e-4,
                        initial: 2e-4,
                        volatility_annual: 0.012,
                        reversion_per_year: 200.,
                        correlation_with_spot: 0.,
                    }
                },
                funding: if plain {
                    FundingPlan::None
                } else {
                    FundingPlan::PremiumFormula {
                        interest_per_8h: 1e-4,
                        damper_per_8h: 5e-4,
                        cap_per_8h: 37.5e-4,
                        interval_hours: 8.,
                        interval_steps: 1,
                    }
                },
                rules,
            }],
        },
        holdings: vec![HoldingPlan {
            asset: 0,
            quantity_base: 50000.,
            sales: vec![],
        }],
        hedges: vec![HedgePlan {
            contract: 0,
            account: 0,
            covers: 0,
            hedge_ratio: 1.,
            coverage_frac: 1.,
            rebalance: Rebalance::Never,
            opened: None,
        }],
        accounts: vec![AccountPlan {
            name: "main".into(),
            venue: "b".into(),
            collateral_usd: if plain { 35e6 } else { 60e6 },
            reserve_usd: if plain { 0. } else { 40e6 },
            margin_call: if plain {
                None
            } else {
                Some(MarginCallPlan {
                    level: 0.5,
                    target: 0.25,
                    release: None,
                    every_steps: 1,
                    delay_steps: 1,
                })
            },
            liquidation_slippage_frac: if plain { 0. } else { 0.005 },
            after_liquidation: AfterLiquidation::StayFlat,
        }],
        execution_slippage_frac: if plain { 0. } else { 3e-4 },
        cost_of_funds_annual: 0.,
        report: ReportPlan::default(),
    };
    let stop = AtomicBool::new(false);
    for _ in 0..4 {
        let t = std::time::Instant::now();
        let table = simulate(&plan, &stop, &()).unwrap();
        let s = t.elapsed().as_secs_f64();
        let n = paths as f64;
        let mean = |c: Column| table.values(c).sum::<f64>() / n;
        let sd = |c: Column| {
            let m = mean(c);
            (table.values(c).map(|x| (x - m) * (x - m)).sum::<f64>() / n).sqrt()
        };
        let liq = table
            .values(Column::Liquidations)
            .filter(|&x| x > 0.0)
            .count() as f64
            / n;
        let mut worst = 0.0f64;
        for p in 0..paths as usize {
            let mut sum = table.value(p, Column::UnhedgedPnl as usize);
            for (_, c) in COMPONENTS {
                if let Some(c) = c {
                    sum += table.value(p, c as usize);
                }
            }
            worst = worst.max((sum - table.value(p, Column::HedgedPnl as usize)).abs());
        }
        println!(
            "{:.3} s, {:.2} core-ns/path-step; P(liq) {liq:.5} hedged {:.0} ({:.0}) sd {:.0} unhedged {:.0} sd {:.0} calls {:.4} req {:.0} bankr {:.0} identity {worst:.2e}",
            s,
            s * 2e9 / (n * f64::from(steps)),
            mean(Column::HedgedPnl),
            sd(Column::HedgedPnl) / n.sqrt(),
            sd(Column::HedgedPnl),
            mean(Column::UnhedgedPnl),
            sd(Column::UnhedgedPnl),
            mean(Column::MarginCalls),
            mean(Column::RequiredCollateral),
            mean(Column::BankruptcyLoss)
        );
    }
}

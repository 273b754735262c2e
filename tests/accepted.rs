//! Scenarios that are accepted become the plan that they say, with and without overrides.
#![expect(clippy::float_cmp, reason = "values of a scenario arrive unchanged")]

use hedgesim::plan::read::parse;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::{
    AfterLiquidation, CallAction, Comparison, Crossing, FundingPlan, JumpSizes, MarginCallPlan,
    OpenedHedge, Plan, Rebalance, SalePlan,
};
use hedgesim::venue::rules::Remainder;

const FULL: &str = include_str!("data/full.toml");

fn plan(overrides: &[&str]) -> Plan {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let loaded =
        parse("full.toml", FULL, &overrides).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"));
    // The text as run reproduces the scenario and the plan by itself.
    let again = parse("effective.toml", &loaded.effective_toml, &[])
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(again.scenario, loaded.scenario);
    assert_eq!(
        resolve(&again).unwrap_or_else(|problems| panic!("{problems}")),
        plan
    );
    plan
}

fn refusal(overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    match parse("full.toml", FULL, &overrides).and_then(|loaded| resolve(&loaded)) {
        Ok(_) => panic!("accepted: {overrides:?}"),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn every_key_of_the_full_scenario_arrives() {
    let plan = plan(&[]);
    assert_eq!(plan.simulation.steps, 270);
    assert_eq!(
        (plan.simulation.horizon_days, plan.simulation.step_days),
        (90.0, 1.0 / 3.0)
    );
    assert_eq!((plan.simulation.paths, plan.simulation.seed), (100_000, 1));
    assert_eq!(plan.simulation.crossing, Crossing::Bridge);
    let names: Vec<&str> = plan
        .market
        .assets
        .iter()
        .map(|asset| asset.name.as_str())
        .collect();
    assert_eq!(names, ["ETH", "BTC", "SOL"], "in the order of the file");
    let eth = &plan.market.assets[0];
    assert_eq!(
        (eth.spot_usd, eth.volatility_annual, eth.drift_annual),
        (3500.0, 0.6, 0.0)
    );
    let jumps = eth.jumps.unwrap();
    assert_eq!(
        (
            jumps.jumps_per_year,
            jumps.systemic_share,
            jumps.systemic_loading
        ),
        (6.0, 0.5, 1.0)
    );
    assert_eq!(
        jumps.sizes,
        JumpSizes::Kou {
            up_probability: 0.45,
            up_mean_log: 0.083,
            down_mean_log: 0.111
        }
    );
    assert_eq!(plan.market.assets[1].jumps, None);
    assert_eq!(plan.market.assets[2].drift_annual, 0.05);
    assert_eq!(
        plan.market.correlation,
        [1.0, 0.85, 0.0, 0.85, 1.0, 0.0, 0.0, 0.0, 1.0]
    );
}

#[test]
fn contracts_and_own_venues_arrive() {
    let plan = plan(&[]);
    let perp = &plan.market.contracts[0];
    assert_eq!(
        (
            perp.process().unwrap().mean,
            perp.process().unwrap().initial,
            perp.process().unwrap().reversion_per_year
        ),
        (0.0002, 0.0002, 200.0)
    );
    assert_eq!(
        perp.funding(),
        FundingPlan::PremiumFormula {
            interest_per_8h: 0.0001,
            damper_per_8h: 0.0005,
            cap_per_8h: 0.0075,
            interval_hours: 8.0,
            interval_steps: 1
        }
    );
    assert_eq!(perp.rules.bracket_index(175e6), 7, "the eighth bracket");
    let own = &plan.market.contracts[1];
    assert_eq!(
        own.funding(),
        FundingPlan::Constant {
            rate_per_8h: 0.0001,
            interval_steps: 1
        }
    );
    assert_eq!(
        (own.rules.fee_in_trigger, own.rules.remainder),
        (true, Remainder::Forfeited)
    );
    assert_eq!(own.rules.brackets[1].deduction_usd, 300.0);
    assert!((own.rules.brackets[2].deduction_usd - 12_300.0).abs() < 1e-9);
    assert_eq!(own.rules.brackets[2].cap_usd, f64::INFINITY);
    assert_eq!(
        plan.holdings[0].sales,
        [
            SalePlan {
                step: 90,
                quantity_base: 10_000.0
            },
            SalePlan {
                step: 180,
                quantity_base: 5_000.0
            }
        ]
    );
}

#[test]
fn contracts_of_every_kind_arrive() {
    let plan = plan(&[]);
    let names: Vec<&str> = plan
        .market
        .contracts
        .iter()
        .map(|contract| contract.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "eth-perp",
            "btc-own",
            "eth-quarter",
            "btc-inverse",
            "eth-put"
        ]
    );
    let [_, _, quarter, inverse, put] = &plan.market.contracts[..] else {
        panic!("five contracts");
    };
    // From 2026-05-22 08:00 to 2026-09-25 08:00.
    assert_eq!(quarter.dated().unwrap().expiries[0].step, 126 * 3);
    assert_eq!(quarter.contract_size, Some(0.001));
    assert_eq!(quarter.liquidity.half_spread_frac, 0.0001);
    assert_eq!(inverse.contract_size, Some(100.0));
    assert_eq!(inverse.rules.brackets[0].cap_usd, 150.0);
    let put = put.option().unwrap();
    // 3,150 lies seven parts of 24 above 2,800, on the way to 4,000.
    assert!((put.strike_usd - 3_150.0).abs() < 1e-9);
    assert!((put.volatility_annual - (0.9 - 0.2 * 350.0 / 1_200.0)).abs() < 1e-12);
    assert_eq!(put.terms.fee_frac, 0.0003);
    let notes = &plan.report.notes;
    let runs = "The simulation runs from 2026-05-22 08:00 UTC to 2026-08-20 08:00 UTC.";
    assert!(notes.iter().any(|note| note == runs), "{notes:?}");
}

#[test]
fn hedge_account_and_report_arrive() {
    let plan = plan(&[]);
    let hedge = plan.hedges[0];
    assert_eq!((hedge.hedge_ratio, hedge.coverage_frac), (1.0, 1.0));
    assert_eq!(hedge.rebalance, Rebalance::Band { width: 0.05 });
    let account = &plan.accounts[0];
    assert_eq!((account.collateral_usd, account.reserve_usd), (60e6, 40e6));
    assert_eq!(
        account.margin_call,
        Some(MarginCallPlan {
            action: CallAction::TopUp,
            minimum_transfer_usd: 0.0,
            level: 0.5,
            target: 0.25,
            release: Some(0.05),
            every_steps: 1,
            delay_steps: 2
        })
    );
    assert_eq!(account.liquidation_slippage_frac, 0.005);
    assert_eq!(
        account.after_liquidation,
        AfterLiquidation::Reenter { after_steps: 6 }
    );
    assert_eq!(
        (plan.execution_slippage_frac, plan.cost_of_funds_annual),
        (0.0003, 0.05)
    );
    assert_eq!(plan.report.thresholds_usd, [-20e6, 0.0]);
    assert_eq!(plan.report.effective_price_below_usd, [3000.0]);
    let limit = &plan.report.limits[0];
    assert_eq!(
        (limit.path.as_str(), limit.comparison, limit.bound),
        ("liquidation.probability", Comparison::AtMost, 0.3)
    );
    assert!(
        plan.report
            .notes
            .iter()
            .any(|note| note.contains("drift of SOL is 5 % a year")),
        "{:?}",
        plan.report.notes
    );
}

#[test]
fn overrides_replace_values_and_variants() {
    let plan = plan(&[
        "simulation.horizon=30d",
        "simulation.paths=20_000",
        "assets.ETH.model.gbm={volatility=0.5}",
        "assets.SOL.model.jump_diffusion.kou={up_probability=0.5,up_mean=0.1,down_mean=0.1}",
        "holdings.0.sell.evenly.every=7d",
        "hedges.0.rebalance.every=1d",
        "hedges.0.coverage=90%",
        "contracts.eth-perp.perpetual.funding.constant.rate_per_8h=0",
        "accounts.main.liquidation.then.stay_flat={}",
        "contracts.eth-perp.perpetual.basis.ou.volatility=0",
    ]);
    assert_eq!((plan.simulation.steps, plan.simulation.paths), (90, 20_000));
    assert_eq!(
        (
            plan.market.assets[0].volatility_annual,
            plan.market.assets[0].jumps
        ),
        (0.5, None)
    );
    assert!(matches!(
        plan.market.assets[2].jumps.unwrap().sizes,
        JumpSizes::Kou { .. }
    ));
    let steps: Vec<u32> = plan.holdings[0]
        .sales
        .iter()
        .map(|sale| sale.step)
        .collect();
    assert_eq!(steps, [21, 42, 63, 84]);
    assert_eq!(plan.holdings[0].sales[0].quantity_base, 10_000.0);
    assert_eq!(plan.hedges[0].rebalance, Rebalance::Every { steps: 3 });
    assert_eq!(plan.hedges[0].coverage_frac, 0.9);
    assert_eq!(plan.market.contracts[0].funding(), FundingPlan::None);
    assert_eq!(
        plan.accounts[0].after_liquidation,
        AfterLiquidation::StayFlat
    );
}

#[test]
fn an_override_can_bring_what_the_file_has_not() {
    let plan = plan(&[
        "hedges.0.opened={price_usd=3300,quantity=50_000}",
        "assets.DOGE.spot_usd=0.1",
        "assets.DOGE.model.gbm.volatility=100%",
        "contracts.eth-perp.venue=plain",
        "accounts.main.venue=plain",
    ]);
    assert_eq!(
        plan.hedges[0].opened,
        Some(OpenedHedge {
            price_usd: 3300.0,
            quantity_base: 50_000.0
        })
    );
    assert_eq!(plan.market.assets[3].name, "DOGE");
    assert_eq!(plan.market.assets[3].volatility_annual, 1.0);
    assert_eq!(plan.market.contracts[0].rules.taker_fee_frac, 0.0005);
    assert!(
        plan.report
            .notes
            .iter()
            .any(|note| note.contains("listing ETHUSDT"))
    );
}

#[test]
fn an_evenly_sold_holding_leaves_a_part_for_the_horizon() {
    // 45 days fit once below the horizon of 90: two parts, the second at the horizon.
    let sales = plan(&["holdings.0.sell.evenly={every=\"45d\"}"]).holdings[0]
        .sales
        .clone();
    assert_eq!(
        sales,
        [SalePlan {
            step: 135,
            quantity_base: 25_000.0
        }]
    );
    assert_eq!(
        plan(&["holdings.0.sell.evenly={every=\"100d\"}"]).holdings[0].sales,
        []
    );
}

#[test]
fn no_hedge_needs_no_margin() {
    let plan = plan(&["hedges.0.ratio.fixed=0", "accounts.main.collateral_usd=0"]);
    assert!(plan.hedges[0].is_absent());
    assert_eq!(plan.hedges[0].coverage_frac, 0.0);
}

#[test]
fn a_hedge_on_another_asset_has_a_coverage_from_beta() {
    let plan = plan(&["hedges.0.contract=btc-own", "accounts.main.venue=plain"]);
    // The diffusive beta is 0.85 * 0.6 / 0.6; the jumps of ETH have no partner in a BTC without jumps.
    assert_eq!(plan.hedges[0].coverage_frac, 1.0);
    let half = self::plan(&[
        "hedges.0.contract=btc-own",
        "accounts.main.venue=plain",
        "hedges.0.ratio.fixed=0.5",
    ]);
    assert!((half.hedges[0].coverage_frac - 0.5 / 0.85).abs() < 1e-12);
}

#[test]
fn the_smallest_scenario_takes_the_documented_defaults() {
    let text = r#"
[simulation]
horizon = "1d"
step = "8h"
paths = 10
[assets.X]
spot_usd = 100
model.jump_diffusion = { volatility = 0, jumps_per_year = 0, merton = { mean = 0, std_dev = 0 } }
[contracts.c]
underlying = "X"
venue = "v"
perpetual = {}
[venues.v]
maintenance = [{ rate = "0.5%" }]
[[holdings]]
asset = "X"
quantity = 1
[[hedges]]
contract = "c"
account = "a"
covers = "X"
ratio.fixed = 1
[accounts.a]
venue = "v"
collateral_usd = 50
margin_call = { level = 0.5, target = 0.2 }
"#;
    let plan = resolve(&parse("small", text, &[]).unwrap()).unwrap();
    assert_eq!(
        (plan.simulation.seed, plan.simulation.crossing),
        (1, Crossing::Bridge)
    );
    let contract = &plan.market.contracts[0];
    assert_eq!(contract.funding(), FundingPlan::None);
    assert_eq!(
        (
            contract.process().unwrap().initial,
            contract.process().unwrap().volatility_annual
        ),
        (0.0, 0.0)
    );
    assert_eq!(contract.rules.remainder, Remainder::Returned);
    assert_eq!(
        (
            contract.rules.taker_fee_frac,
            contract.rules.liquidation_fee_frac
        ),
        (0.0, 0.0)
    );
    assert!(!contract.rules.fee_in_trigger);
    assert_eq!(plan.market.assets[0].jumps, None, "a rate of 0 is no jumps");
    assert_eq!(plan.hedges[0].rebalance, Rebalance::Never);
    let account = &plan.accounts[0];
    assert_eq!(
        (account.reserve_usd, account.liquidation_slippage_frac),
        (0.0, 0.0)
    );
    assert_eq!(account.after_liquidation, AfterLiquidation::StayFlat);
    assert_eq!(
        account.margin_call,
        Some(MarginCallPlan {
            action: CallAction::TopUp,
            minimum_transfer_usd: 0.0,
            level: 0.5,
            target: 0.2,
            release: None,
            every_steps: 1,
            delay_steps: 0
        })
    );
    assert_eq!(
        (plan.execution_slippage_frac, plan.cost_of_funds_annual),
        (0.0, 0.0)
    );
    assert_eq!(
        plan.report.notes,
        [
            "The fees of v are 0: none are given for this venue of the scenario's own.",
            "c pays no funding: none is given, and v is a venue of the scenario's own."
        ]
    );
}

#[test]
fn a_preset_brings_its_funding_and_its_assumptions() {
    let without = FULL.replace(
        "perpetual.funding.premium_formula = { interest_per_8h = \"1bps\", damper = \"5bps\", interval = \"8h\", cap_per_8h = \"75bps\" }\n",
        "",
    );
    let plan = resolve(&parse("full.toml", &without, &[]).unwrap()).unwrap();
    let preset = hedgesim::venue::preset::find("binance")
        .unwrap()
        .listing("ETHUSDT")
        .unwrap();
    let funding = preset.funding.expect("a perpetual's funding");
    assert_eq!(
        plan.market.contracts[0].funding(),
        FundingPlan::PremiumFormula {
            interest_per_8h: funding.interest_per_8h,
            damper_per_8h: funding.damper_per_8h,
            cap_per_8h: funding.cap_per_8h,
            interval_hours: funding.interval_hours,
            interval_steps: 1
        }
    );
    assert!(!preset.assumed.is_empty());
    for assumed in &preset.assumed {
        let note = format!("binance ETHUSDT, assumed: {assumed}.");
        assert!(plan.report.notes.contains(&note), "{:?}", plan.report.notes);
    }
}

#[test]
fn a_sale_at_the_horizon_is_part_of_what_is_sold_there() {
    let sales = |text: &str| {
        let sell = format!("holdings.0.sell.schedule={text}");
        let loaded = parse("full.toml", FULL, &[sell]).expect("a scenario");
        resolve(&loaded).map(|plan| plan.holdings[0].sales.clone())
    };
    let with = sales("[{ at = \"30d\", quantity = 100 }, { at = \"90d\", quantity = 500 }]");
    let without = sales("[{ at = \"30d\", quantity = 100 }]");
    assert_eq!(with.as_ref().map(Vec::len), Ok(1));
    assert_eq!(with, without);
    // It counts against the holding all the same, and a time beyond the horizon is none.
    assert!(sales("[{ at = \"90d\", quantity = 1e9 }]").is_err());
    assert!(sales("[{ at = \"91d\", quantity = 1 }]").is_err());
}

#[test]
fn what_is_described_and_not_used_is_noted() {
    let more = [
        "contracts.more={ underlying = \"ETH\", venue = \"binance\", listing = \"ETHUSDT\", perpetual = {} }",
        "venues.idle={ maintenance = [{ rate = \"1%\" }] }",
    ]
    .map(str::to_owned);
    let plan = resolve(&parse("full.toml", FULL, &more).unwrap()).unwrap();
    for note in [
        "No hedge uses the contract more.",
        "The venue idle is described and nothing uses it.",
    ] {
        let notes = &plan.report.notes;
        assert!(notes.iter().any(|found| found == note), "{notes:?}");
    }
}

#[test]
fn a_byte_order_mark_moves_no_column() {
    let text = format!("\u{feff}titel = 1\n{FULL}");
    let shown = parse("x.toml", &text, &[]).unwrap_err().render(false);
    assert!(shown.contains(" --> x.toml:1:1\n"), "{shown}");
}

#[test]
fn a_slip_in_a_name_of_an_override_is_told() {
    let shown = refusal(&["accounts.mian.collateral_usd=3"]);
    assert!(shown.contains("did you mean `accounts.main`?"), "{shown}");
    assert!(shown.contains("1 problem in"), "{shown}");
    let shown = refusal(&["hedges.0.cover=\"ETH\""]);
    assert!(shown.contains("did you mean `covers`?"), "{shown}");
    let new = [
        "assets.ETH2.spot_usd=3",
        "assets.ETH2.model.gbm.volatility=0.5",
    ]
    .map(str::to_owned);
    let loaded = parse("full.toml", FULL, &new).expect("two overrides mean a new asset");
    assert!(resolve(&loaded).is_ok());
}

#[test]
fn a_repaired_correlation_is_noted() {
    let text = FULL.replace("value = 0.85", "value = 0.9\n[[correlations]]\nbetween = [\"BTC\", \"SOL\"]\nvalue = 0.9\n[[correlations]]\nbetween = [\"SOL\", \"ETH\"]\nvalue = -0.9");
    let repaired = vec!["simulation.repair_correlations=true".to_owned()];
    let plan = resolve(&parse("full.toml", &text, &repaired).unwrap()).unwrap();
    // By symmetry the nearest matrix has entries of one size, and the limit of that is 1/2.
    for (entry, expected) in plan
        .market
        .correlation
        .iter()
        .zip([1.0, 0.5, -0.5, 0.5, 1.0, 0.5, -0.5, 0.5, 1.0])
    {
        assert!((entry - expected).abs() < 1e-6);
    }
    assert!(
        plan.report
            .notes
            .iter()
            .any(|note| note.contains("nearest correlation matrix"))
    );
}

#[test]
fn an_error_in_an_override_shows_the_argument() {
    let shown = refusal(&[
        "simulation.horizon=30d",
        "assets.ETH.model.gbm={volatility=75}",
    ]);
    assert!(shown.contains(" --> --set:1:34\n"), "{shown}");
    assert!(
        shown.contains("1 | assets.ETH.model.gbm={volatility=75}\n"),
        "{shown}"
    );
    let shown = refusal(&["simulation.step=7h"]);
    assert!(shown.contains("1 | simulation.step=7h\n"), "{shown}");
}

#[test]
fn sales_and_production_beyond_the_horizon_are_told() {
    let notes = |file: &str, argument: &str| {
        let arguments = [argument.to_owned()];
        let loaded = hedgesim::plan::read::load(std::path::Path::new(file), &arguments).unwrap();
        hedgesim::plan::resolve::resolve(&loaded)
            .unwrap()
            .report
            .notes
    };
    let sales = notes(
        "scenarios/eth-treasury-90d.toml",
        "holdings.0.sell.evenly={every=\"91d\"}",
    );
    let told = "Holding ETH: sales every 91d begin at the horizon of 90d or beyond; all is sold at the horizon.";
    assert!(sales.iter().any(|note| note == told), "{sales:?}");
    let made = notes(
        "scenarios/miner-weekly-sales-roll.toml",
        "holdings.0.produce.every=371d",
    );
    let told = "Holding BTC: production every 371d begins beyond the horizon of 364d; nothing is ever produced.";
    assert!(made.iter().any(|note| note == told), "{made:?}");
}

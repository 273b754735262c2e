//! Contracts of every kind become the plan that they say: dated, inverse, options, their venues and liquidity.
#![expect(clippy::float_cmp, reason = "values of a scenario arrive unchanged")]

use hedgesim::plan::read::parse;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::types::{
    ContractKind, ContractPlan, ContractSettlement, DatedPlan, Expiry, FundingPlan, ImpactPlan,
    LiquidityPlan, OptionKind, OptionPlan, OptionTerms, OuBasis, Plan,
};
use hedgesim::venue::rules::MaintenanceAt;

/// 100 BTC at 50,000 USD, hedged by a contract of the given lines at a venue.
fn scenario(simulation: &str, venue: &str, contract: &str, more: &str) -> String {
    format!(
        r#"
[simulation]
horizon = "30d"
step = "8h"
paths = 10
{simulation}
[assets.BTC]
spot_usd = 50_000
model.jump_diffusion = {{ volatility = 0.6, jumps_per_year = 10, merton = {{ mean = 0.1, std_dev = 0 }} }}
[contracts.c]
underlying = "BTC"
venue = "{venue}"
{contract}
[[holdings]]
asset = "BTC"
quantity = 100
[[hedges]]
contract = "c"
account = "main"
covers = "BTC"
ratio.fixed = 1
[accounts.main]
venue = "{venue}"
collateral_usd = 5_000_000
{more}
"#
    )
}

fn read(text: &str) -> Plan {
    let loaded = parse("contract.toml", text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    resolve(&loaded).unwrap_or_else(|problems| panic!("{problems}"))
}

fn contract(plan: &Plan) -> &ContractPlan {
    &plan.market.contracts[0]
}

const OWN: &str = "[venues.own]\nmaintenance = [{ rate = \"1%\" }]\nfees.taker = \"4bps\"";

#[test]
fn a_quarterly_future_brings_its_cap_and_its_delivery_fee() {
    let plan = read(&scenario(
        "start = \"2026-05-22\"",
        "binance",
        "listing = \"BTCUSDT_QUARTER\"\ndated = { expiry = \"quarter\", slope_per_year = 0.02, carry.ou = { mean = 0.06, initial = \"5%\", volatility = 0.10, reversion_per_year = 6, correlation_with_spot = 0.3 } }",
        "",
    ));
    let found = contract(&plan);
    // 2026-06-26 08:00 is 35 days and 8 hours after the start.
    let years = (35.0 + 1.0 / 3.0) / 365.0;
    let expected = DatedPlan {
        carry: OuBasis {
            mean: 0.06,
            initial: 0.05,
            volatility_annual: 0.1,
            reversion_per_year: 6.0,
            correlation_with_spot: 0.3,
        },
        slope_per_year: 0.02,
        expiries: vec![Expiry {
            years,
            step: 106,
            roll_step: None,
        }],
    };
    assert_eq!(found.kind, ContractKind::Dated(expected));
    assert_eq!(
        (found.settlement, found.contract_size),
        (ContractSettlement::Linear, None)
    );
    assert_eq!(
        (
            found.rules.position_cap_usd(),
            found.rules.delivery_fee_frac
        ),
        (120e6, 0.0005)
    );
    let expected = (0.05 + 0.02 * years) * years;
    assert!((found.initial_basis() - expected).abs() < 1e-15);
    let notes = plan.report.notes.join("\n");
    assert!(
        notes.contains("c expires 35d8h after the start, on 2026-06-26 08:00 UTC."),
        "{notes}"
    );
    assert!(!plan.is_plain());
}

#[test]
fn a_future_without_carry_stands_at_the_spot() {
    let text = scenario(
        "",
        "own",
        "contract_size = 0.1\ndated = { expiry = \"90d\" }",
        OWN,
    );
    let plan = read(&text);
    let found = contract(&plan);
    let dated = found.dated().unwrap();
    assert_eq!((&dated.carry, dated.slope_per_year), (&OuBasis::NONE, 0.0));
    assert_eq!(dated.expiries[0].step, 270, "beyond the horizon");
    assert_eq!(found.contract_size, Some(0.1));
    assert_eq!(found.funding(), FundingPlan::None);
    // Dates as TOML writes them, and the second quarter.
    let text = scenario(
        "start = 2026-05-22T08:00:00Z",
        "own",
        "dated = { expiry = \"next_quarter\" }",
        OWN,
    );
    let plan = read(&text);
    assert_eq!(
        contract(&plan).dated().unwrap().expiries[0].step,
        3 * 126,
        "2026-09-25 08:00"
    );
}

#[test]
fn an_inverse_listing_says_settlement_and_size() {
    for (settlement, size, expected) in [
        ("", "", 100.0),
        (
            "settlement = \"inverse\"\n",
            "contract_size_usd = 10\n",
            10.0,
        ),
    ] {
        let lines = format!("{settlement}{size}listing = \"BTCUSD_PERP\"\nperpetual = {{}}");
        let plan = read(&scenario("", "binance", &lines, ""));
        let found = contract(&plan);
        assert_eq!(
            (found.settlement, found.contract_size),
            (ContractSettlement::Inverse, Some(expected))
        );
        assert_eq!(found.rules.bracket_index(100.0), 4, "100 BTC, at most 10x");
        assert!(found.perpetual().is_some());
        let FundingPlan::PremiumFormula { cap_per_8h, .. } = found.funding() else {
            panic!("funding by the formula");
        };
        assert_eq!(cap_per_8h, 0.003);
        assert!(!plan.is_plain());
    }
    let lines = "listing = \"BTCUSD\"\nperpetual = {}";
    let plan = read(&scenario("", "bybit", lines, ""));
    assert_eq!(contract(&plan).contract_size, Some(1.0));
}

#[test]
fn an_own_venue_counts_inverse_contracts_in_coins() {
    let own = "[venues.own]\nmaintenance = [{ up_to_coins = 150, rate = \"0.5%\", max_leverage = 100 }, { rate = \"1%\" }]\nfees = { delivery = \"5bps\" }\nliquidation.maintenance_at = \"entry\"";
    let lines = "settlement = \"inverse\"\ncontract_size_usd = 1\ndated.expiry = \"60d\"";
    let plan = read(&scenario("", "own", lines, own));
    let rules = &contract(&plan).rules;
    assert_eq!(rules.maintenance_at, MaintenanceAt::Entry);
    assert_eq!(rules.delivery_fee_frac, 0.0005);
    assert_eq!(
        (rules.brackets[0].cap_usd, rules.brackets[1].deduction_usd),
        (150.0, 0.75)
    );
    assert_eq!(contract(&plan).contract_size, Some(1.0));
}

#[test]
fn options_have_a_strike_a_volatility_and_the_venues_terms() {
    let lines = "option = { kind = \"call\", strike = \"110%\", expiry = \"20d\", implied_volatility = \"80%\" }";
    let plan = read(&scenario("", "own", lines, OWN));
    let expected = OptionPlan {
        kind: OptionKind::Call,
        strike_usd: 55_000.000_000_000_01,
        expiry_step: 60,
        expiry_years: 20.0 / 365.0,
        volatility_annual: 0.8,
        terms: OptionTerms {
            fee_frac: 0.0004,
            fee_cap_frac: 0.125,
            initial_frac: 0.15,
            initial_floor_frac: 0.1,
            maintenance_frac: 0.075,
        },
    };
    let found = contract(&plan).option().unwrap();
    assert!((found.strike_usd - 55_000.0).abs() < 1e-9);
    assert_eq!(
        *found,
        OptionPlan {
            strike_usd: found.strike_usd,
            ..expected
        }
    );
    let assumed = plan
        .report
        .notes
        .iter()
        .filter(|note| note.starts_with("own, assumed:") && note.ends_with("as on Deribit."));
    assert_eq!(assumed.count(), 4, "{:?}", plan.report.notes);

    let own = "[venues.own]\nmaintenance = [{ rate = \"1%\" }]\nfees = { taker = \"-1bps\", option_cap = \"10%\", delivery = \"1.5bps\" }\noptions = { initial = \"20%\", initial_floor = \"12%\", maintenance = \"12%\" }";
    let lines = "settlement = \"inverse\"\ncontract_size = 1\noption = { kind = \"put\", strike = 45000, expiry = \"60d\", implied_volatility = [{ strike = \"80%\", volatility = 0.9 }, { strike = 50_000, volatility = 0.7 }] }";
    let plan = read(&scenario("", "own", lines, own));
    let found = contract(&plan);
    assert_eq!(
        (found.settlement, found.contract_size),
        (ContractSettlement::Inverse, Some(1.0))
    );
    let option = found.option().unwrap();
    assert_eq!(
        (option.kind, option.strike_usd),
        (OptionKind::Put, 45_000.0)
    );
    // Half way between 40,000 and 50,000.
    assert!((option.volatility_annual - 0.8).abs() < 1e-15);
    assert_eq!(
        option.terms,
        OptionTerms {
            fee_frac: 0.0,
            fee_cap_frac: 0.1,
            initial_frac: 0.2,
            initial_floor_frac: 0.12,
            maintenance_frac: 0.12,
        }
    );
    assert!(
        plan.report
            .notes
            .iter()
            .all(|note| !note.contains("Deribit"))
    );
}

#[test]
fn a_smile_is_flat_outside_its_strikes() {
    for (strike, expected) in [
        ("30_000", 0.9),
        ("40_000", 0.9),
        ("50_000", 0.7),
        ("1e6", 0.7),
    ] {
        let lines = format!(
            "option = {{ kind = \"put\", strike = {strike}, expiry = \"20d\", implied_volatility = [{{ strike = 40_000, volatility = 0.9 }}, {{ strike = 50_000, volatility = 0.7 }}] }}"
        );
        // A hundredth of the holding: the account has to margin what is written.
        let text =
            scenario("", "own", &lines, OWN).replace("ratio.fixed = 1", "ratio.fixed = 0.01");
        let plan = read(&text);
        let found = contract(&plan).option().unwrap().volatility_annual;
        assert!((found - expected).abs() < 1e-15, "{strike}");
    }
}

#[test]
fn liquidity_is_the_contracts_own() {
    let perpetual = "listing = \"BTCUSDT\"\nperpetual = {}\n";
    let plan = read(&scenario("", "binance", perpetual, ""));
    assert_eq!(contract(&plan).liquidity, LiquidityPlan::FREE);
    assert!(plan.is_plain());
    let lines = format!(
        "{perpetual}liquidity = {{ half_spread = \"1bps\", impact = {{ coefficient = 0.8, daily_volume_usd = 2e9 }} }}"
    );
    let plan = read(&scenario("", "binance", &lines, ""));
    let found = contract(&plan).liquidity;
    let ImpactPlan {
        coefficient,
        daily_volume_usd,
        daily_volatility,
    } = found.impact.unwrap();
    assert_eq!(
        (found.half_spread_frac, coefficient, daily_volume_usd),
        (0.0001, 0.8, 2e9)
    );
    // Diffusion 0.36 a year and ten jumps of 0.1.
    let expected: f64 = (0.36 + 10.0 * 0.01) / 365.0;
    assert!((daily_volatility - expected.sqrt()).abs() < 1e-15);
    assert!(!plan.is_plain());
    let lines = format!(
        "{perpetual}liquidity.impact = {{ coefficient = 1, daily_volume_usd = 1e9, daily_volatility = \"4%\" }}"
    );
    let plan = read(&scenario("", "binance", &lines, ""));
    let found = contract(&plan).liquidity;
    assert_eq!(found.half_spread_frac, 0.0);
    assert_eq!(found.impact.unwrap().daily_volatility, 0.04);
}

/// What the venue would refuse is refused in its own unit.
#[test]
fn caps_are_in_the_unit_of_the_margin() {
    let refusal = |venue: &str, lines: &str, quantity: &str| {
        let text = scenario("", venue, lines, "").replace("quantity = 100", quantity);
        let loaded = parse("contract.toml", &text, &[]).expect("a scenario");
        resolve(&loaded).expect_err("refused").render(false)
    };
    let shown = refusal(
        "bybit",
        "listing = \"BTCUSD\"\nperpetual = {}",
        "quantity = 1501",
    );
    assert!(
        shown.contains("bybit refuses a position of 1,501 BTC; allowed: up to 1,500 BTC, the cap of its largest bracket (bracket 10: at most 18.18x, maintenance rate 5 %)"),
        "{shown}"
    );
    // 8 % a year for a year: the mark is dearer than the spot.
    let lines = "listing = \"BTCUSDT_QUARTER\"\ndated = { expiry = \"365d\", carry.ou = { mean = 0.08, volatility = 0, reversion_per_year = 0 } }";
    let shown = refusal("binance", lines, "quantity = 2300");
    assert!(
        shown.contains(
            "binance refuses a position of 124,578,013 USD; allowed: up to 120,000,000 USD"
        ),
        "{shown}"
    );
    // 700 BTC stand in the bracket of 3x: a third of them.
    let shown = refusal(
        "binance",
        "listing = \"BTCUSD_PERP\"\nperpetual = {}",
        "quantity = 700",
    );
    assert!(
        shown.contains("allowed: at least 233.333334 BTC, the initial margin of its hedges (c: 700 BTC in bracket 8: at most 3x, maintenance rate 15 %)"),
        "{shown}"
    );
}

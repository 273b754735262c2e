//! With no drift, basis, funding and cost no policy makes or loses money on average: liquidation, calls, sales and
//! rebalancing only move wealth between martingale legs. What is lost beyond the account is the insurance fund's.

use hedgesim::outcome::column::Column;

use crate::common::bounds::{assert_mean, assert_near, mean, std_dev};
use crate::common::scenario_text::{PLAIN, run};

const CALLS: &str =
    "accounts.main.margin_call={ level = 0.2, target = 0.08, every = \"1d\", delay = \"1d\" }
     accounts.main.reserve_usd=30";

const JUMPS: &str = "assets.X.model.jump_diffusion={ volatility = 0.5, jumps_per_year = 30, kou = { up_probability = 0.45, up_mean = 0.083, down_mean = 0.111 } }";

/// Mean hedged P&L less what the insurance fund bore is 0; where the path is continuous the fund bears nothing.
fn assert_fair(what: &str, settings: &str, is_continuous: bool) {
    let found = run(
        PLAIN,
        &format!("simulation.paths=150_000\nsimulation.seed=21\n{settings}"),
    );
    let borne = found.column(Column::BankruptcyLoss);
    let fair: Vec<f64> = found
        .column(Column::HedgedPnl)
        .iter()
        .zip(&borne)
        .map(|(pnl, borne)| pnl - borne)
        .collect();
    let liquidated = found.liquidated_by(30.0);
    assert!(liquidated > 1000, "{what}: only {liquidated} liquidations");
    assert_mean(what, &fair, 0.0);
    if is_continuous {
        assert!(
            borne.iter().all(|&usd| usd == 0.0),
            "{what}: a crossing is filled at its level, above bankruptcy"
        );
    } else {
        // Seen without the correction: the mean alone is far from 0.
        assert!(mean(&borne) > 0.01, "{what}: {}", mean(&borne));
    }
}

/// Standard errors are 0.02 to 0.04 per 100; a crossing filled at the step's end would show 0.8.
#[test]
fn whatever_the_leverage() {
    for leverage in [2.0, 3.0, 5.0, 10.0, 25.0] {
        let collateral_usd = 100.0 / leverage;
        let settings = format!("accounts.main.collateral_usd={collateral_usd}");
        assert_fair(&format!("leverage {leverage}"), &settings, true);
    }
}

#[test]
fn whatever_the_policy() {
    let reentry = "accounts.main.liquidation.then.reenter={ after = \"2d\" }
                   accounts.main.reserve_usd=40";
    let cases = [
        ("calls that arrive late", CALLS.to_owned()),
        (
            "calls that arrive at once, excess sent back",
            "accounts.main.margin_call={ level = 0.2, target = 0.1, release = 0.02, delay = \"0d\" }
             accounts.main.reserve_usd=15"
                .to_owned(),
        ),
        ("re-entry", reentry.to_owned()),
        ("calls and re-entry", format!("{CALLS}\n{reentry}")),
        (
            "sales",
            "holdings.0.sell.evenly={ every = \"5d\" }".to_owned(),
        ),
        (
            "sales by schedule, calls",
            format!("{CALLS}\nholdings.0.sell.schedule=[{{ at = \"3d\", quantity = 0.6 }}, {{ at = \"20d\", quantity = 0.2 }}]"),
        ),
        (
            "half a hedge set back every day",
            "hedges.0.ratio.fixed=0.5\nhedges.0.rebalance.every=\"1d\"\naccounts.main.collateral_usd=6"
                .to_owned(),
        ),
        (
            "more than a hedge, set back outside a band, calls and re-entry",
            format!("hedges.0.ratio.fixed=1.3\nhedges.0.rebalance.band=0.05\n{CALLS}\n{reentry}"),
        ),
        (
            "a hedge already on",
            "hedges.0.opened={ price_usd = 95, quantity = 0.8 }\naccounts.main.collateral_usd=20"
                .to_owned(),
        ),
    ];
    for (what, settings) in cases {
        assert_fair(what, &settings, true);
    }
}

/// Where a price is not had at the level, the mean is what the insurance fund bore.
#[test]
fn jumps_and_end_checks_cost_the_insurance_fund() {
    let endpoints = "simulation.crossing=\"endpoints\"";
    for leverage in [5.0, 20.0] {
        let collateral = format!("accounts.main.collateral_usd={}", 100.0 / leverage);
        let what = |part: &str| format!("{part}, leverage {leverage}");
        assert_fair(
            &what("end checks"),
            &format!("{endpoints}\n{collateral}"),
            false,
        );
        assert_fair(&what("jumps"), &format!("{JUMPS}\n{collateral}"), false);
        assert_fair(
            &what("jumps, end checks, calls"),
            &format!("{JUMPS}\n{endpoints}\n{CALLS}\n{collateral}"),
            false,
        );
        assert_fair(
            &what("jumps, re-entry, rebalancing"),
            &format!(
                "{JUMPS}\n{collateral}\nhedges.0.rebalance.every=\"3d\"
                 accounts.main.liquidation.then.reenter={{ after = \"1d\" }}
                 accounts.main.reserve_usd=40"
            ),
            false,
        );
    }
}

/// A drift is earned on what is not hedged and on nothing else: with little held short of bankruptcy, the mean is
/// `(1 - h) (E[S_T] - S0)`.
#[test]
fn a_drift_is_earned_on_the_open_part() {
    for (ratio, drift_annual) in [(0.0, 0.8), (0.4, 0.8), (0.4, -0.8), (1.0, 0.8)] {
        let found = run(
            PLAIN,
            &format!(
                "simulation.seed=22
                 hedges.0.ratio.fixed={ratio}
                 assets.X.model.gbm.drift={drift_annual}
                 accounts.main.collateral_usd=2000"
            ),
        );
        let pnl = found.column(Column::HedgedPnl);
        let growth_usd = 100.0 * (drift_annual * 30.0 / 365.0_f64).exp_m1();
        let error = (std_dev(&pnl) / (pnl.len() as f64).sqrt()).max(1e-9);
        let what = format!("ratio {ratio}, drift {drift_annual}");
        assert_near(&what, mean(&pnl), (1.0 - ratio) * growth_usd, error);
    }
}

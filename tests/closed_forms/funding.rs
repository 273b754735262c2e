//! Funding: the premium formula on the interval's average premium, in closed form, and the same at any step.

use hedgesim::math::funding::{PremiumFormula, Reversion};
use hedgesim::outcome::column::Column;

use crate::common::bounds::{assert_near, mean, std_dev};
use crate::common::scenario_text::{PLAIN, run};

/// The shipped basis; `cov(b, W_spot)` enters through the correlation.
const BASIS: Reversion = Reversion {
    mean: 3e-4,
    initial: 3e-4,
    volatility_annual: 0.012,
    reversion_per_year: 200.0,
};

struct Case {
    step: &'static str,
    interval_hours: u32,
    cap: f64,
    rho: f64,
    drift_annual: f64,
    paths: u32,
}

/// Expected funding of a short of one coin at 100 USD over 30 days, USD.
///
/// A stamp pays `rate(P) S e^b`, with `P`, `b` and `ln S` jointly normal: the factor `S e^b` moves the mean of `P` by
/// its covariance with `ln S + b`, and multiplies by its own mean.
fn expected_usd(case: &Case) -> f64 {
    let formula = PremiumFormula {
        interest: 1e-4,
        damper: 5e-4,
        cap: case.cap,
    };
    let hours = f64::from(case.interval_hours);
    let (year_hours, volatility) = (365.0 * 24.0, 0.6);
    (1..=(720 / case.interval_hours))
        .map(|stamp| {
            let to = f64::from(stamp) * hours / year_hours;
            let from = to - hours / year_hours;
            let (average, end) = (BASIS.average(from, to), BASIS.value(to));
            let with_spot = volatility * BASIS.average_covariance_with_brownian(from, to, case.rho);
            let shift = BASIS.average_covariance_with_end(from, to) + with_spot;
            let cross = volatility * BASIS.covariance_with_brownian(to, case.rho);
            let mark_usd =
                100.0 * (case.drift_annual * to + end.mean + 0.5 * end.variance + cross).exp();
            let rate = formula.mean_rate(average.mean + shift, average.variance.sqrt());
            mark_usd * rate * hours / 8.0
        })
        .sum()
}

/// About 0.5 % of a mean funding of 1.6 USD: simulating "funding is the premium" would be 67 % over, averages
/// without the noise inside a step 2 % under, a cap forgotten 7 % over. The same numbers at 8-hour, 1-hour steps.
#[test]
fn funding_through_the_clamp_has_its_mean_whatever_the_step() {
    let base = Case {
        step: "8h",
        interval_hours: 8,
        cap: f64::INFINITY,
        rho: 0.0,
        drift_annual: 0.0,
        paths: 100_000,
    };
    let cases = [
        Case { ..base },
        Case {
            step: "1h",
            paths: 40_000,
            ..base
        },
        Case {
            cap: 7.5e-4,
            ..base
        },
        Case {
            rho: 0.9,
            drift_annual: 0.6,
            ..base
        },
        Case {
            step: "4h",
            interval_hours: 4,
            rho: -0.5,
            paths: 50_000,
            ..base
        },
        Case {
            step: "1h",
            interval_hours: 4,
            cap: 7.5e-4,
            paths: 20_000,
            ..base
        },
        Case {
            step: "1h",
            interval_hours: 1,
            paths: 20_000,
            ..base
        },
    ];
    let mut spreads = Vec::new();
    for (case, seed) in cases.iter().zip(71..) {
        let cap = if case.cap.is_finite() {
            format!(", cap_per_8h = {}", case.cap)
        } else {
            String::new()
        };
        let found = run(
            PLAIN,
            &format!(
                "simulation.seed={seed}
                 simulation.step=\"{}\"
                 simulation.paths={}
                 assets.X.model.gbm.drift={}
                 accounts.main.collateral_usd=100_000
                 contracts.perp.perpetual.basis.ou={{ mean = 3e-4, initial = 3e-4, volatility = 0.012, reversion_per_year = 200, correlation_with_spot = {} }}
                 contracts.perp.perpetual.funding.premium_formula={{ interest_per_8h = 1e-4, damper = 5e-4, interval = \"{}h\"{cap} }}",
                case.step, case.paths, case.drift_annual, case.rho, case.interval_hours
            ),
        );
        let funding = found.column(Column::Funding);
        let truth = expected_usd(case);
        let error = std_dev(&funding) / (funding.len() as f64).sqrt();
        let what = format!(
            "step {}, interval {} h, cap {}, correlation {}",
            case.step, case.interval_hours, case.cap, case.rho
        );
        assert!(
            error < 0.02 * truth,
            "{what}: {error} of {truth} sees nothing"
        );
        assert_near(&what, mean(&funding), truth, error);
        spreads.push((std_dev(&funding), funding.len() as f64));
    }
    // The scatter of a path's funding is the same at 8-hour and at 1-hour steps too.
    let ((sd, n), (hourly_sd, m)) = (spreads[0], spreads[1]);
    let error = sd * (0.75 / n + 0.75 / m).sqrt();
    assert_near("scatter of funding", hourly_sd, sd, error);
}

/// The stationary closed form of the reference: 8-hour averages of a premium of 3 bps give 1.7994 bps a stamp,
/// 1.6808 capped at 7.5, and the stamps above start close to it.
#[test]
fn the_stationary_rate_is_the_published_one() {
    let last = BASIS.average(1.0, 1.0 + 8.0 / 24.0 / 365.0);
    for (cap, published) in [
        (f64::INFINITY, 1.799_405_249_45e-4),
        (7.5e-4, 1.680_801_626_79e-4),
    ] {
        let formula = PremiumFormula {
            interest: 1e-4,
            damper: 5e-4,
            cap,
        };
        let rate = formula.mean_rate(last.mean, last.variance.sqrt());
        assert!((rate - published).abs() < 1e-14, "{rate}");
    }
}

/// A constant rate pays `rate x mark` every 8 hours, to the last stamp at the horizon, whatever the step.
#[test]
fn a_constant_rate_is_paid_exactly() {
    for step in ["8h", "4h", "1h"] {
        let still = run(
            PLAIN,
            &format!(
                "simulation.step=\"{step}\"
                 simulation.paths=10
                 assets.X.model.gbm.volatility=0.0
                 contracts.perp.perpetual.funding.constant.rate_per_8h=2e-4"
            ),
        );
        for usd in still.column(Column::Funding) {
            assert!((usd - 90.0 * 2e-4 * 100.0).abs() < 1e-12, "{usd}");
        }
        let moving = run(
            PLAIN,
            &format!(
                "simulation.step=\"{step}\"
                 simulation.seed=79
                 simulation.paths=20_000
                 assets.X.model.gbm.drift=-1.0
                 accounts.main.collateral_usd=100_000
                 contracts.perp.perpetual.funding.constant.rate_per_8h=-2e-4"
            ),
        );
        let truth: f64 = (1..=90)
            .map(|stamp| -2e-4 * 100.0 * (-f64::from(stamp) / 1095.0).exp())
            .sum();
        let funding = moving.column(Column::Funding);
        let error = std_dev(&funding) / (funding.len() as f64).sqrt();
        assert_near("short pays a negative rate", mean(&funding), truth, error);
    }
}

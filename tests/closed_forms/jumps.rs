//! Jumps: Kou's liquidation, gap and shortfall in closed form, and the cumulants of the log price.

use hedgesim::math::jumps::{
    kou_compensator, kou_raw_moments, merton_compensator, merton_raw_moments,
};
use hedgesim::math::kou::KouProcess;
use hedgesim::outcome::column::Column;

use crate::common::bounds::{assert_near, assert_probability, central_moment, mean};
use crate::common::scenario_text::{PLAIN, run};

fn kou(rate: f64, volatility_annual: f64, up_rate: f64, down_rate: f64, drift: f64) -> KouProcess {
    KouProcess {
        log_drift_annual: 0.0,
        volatility_annual,
        jumps_per_year: rate,
        up_probability: 0.45,
        up_rate,
        down_rate,
    }
    .with_price_drift(drift)
}

struct Case {
    process: KouProcess,
    drift_annual: f64,
    leverage: f64,
    step: &'static str,
    paths: usize,
    /// Probability of liquidation, probability through bankruptcy, shortfall; NaN where only the formula is known.
    published: [f64; 3],
}

fn check(case: &Case, seed: u32) {
    let t_years = 30.0 / 365.0;
    let p = case.process;
    let truth = p.short_liquidation(case.leverage, 0.005, t_years);
    let formula = [
        truth.probability,
        truth.through_bankruptcy_probability,
        truth.shortfall_frac,
    ];
    for (found, published) in formula.iter().zip(case.published) {
        assert!(
            published.is_nan() || (found - published).abs() < 1e-9,
            "{found} {published}"
        );
    }
    let found = run(
        PLAIN,
        &format!(
            "simulation.seed={seed}
             simulation.paths={}
             simulation.step=\"{}\"
             accounts.main.collateral_usd={}
             assets.X.model.jump_diffusion={{ volatility = {}, drift = {}, jumps_per_year = {}, kou = {{ up_probability = 0.45, up_mean = {}, down_mean = {} }} }}",
            case.paths,
            case.step,
            100.0 / case.leverage,
            p.volatility_annual,
            case.drift_annual,
            p.jumps_per_year,
            1.0 / p.up_rate,
            1.0 / p.down_rate,
        ),
    );
    let what = |part: &str| format!("leverage {}, step {}: {part}", case.leverage, case.step);
    let n = found.paths();
    assert_probability(
        &what("liquidated"),
        found.liquidated_by(30.0),
        n,
        truth.probability,
    );
    let borne = found.column(Column::BankruptcyLoss);
    let gaps = borne.iter().filter(|&&usd| usd > 0.0).count();
    let through = truth.through_bankruptcy_probability;
    assert_probability(&what("through bankruptcy"), gaps, n, through);
    // Beyond bankruptcy the overshoot is exponential: the loss is (1 + 1/L) F0 (e^Y - 1).
    let e = p.up_rate;
    let second = e / (e - 2.0) - 2.0 * e / (e - 1.0) + 1.0;
    let bankruptcy_usd = 100.0 * (1.0 + 1.0 / case.leverage);
    let mean_usd = 100.0 * truth.shortfall_frac;
    let variance = through * second * bankruptcy_usd.powi(2) - mean_usd * mean_usd;
    let error = (variance / n as f64).sqrt();
    assert_near(&what("shortfall"), mean(&borne), mean_usd, error);
}

/// 200,000 paths: 99 % certain to see 0.6 points of 23 % liquidated and a tenth of the gaps or of the shortfall.
/// Looking for gaps at step ends only would show about a third more of them; a jump that left its step's
/// diffusion in the wrong place would show at leverage 5.
#[test]
fn kou_liquidation_gap_and_shortfall() {
    let process = kou(6.0, 0.5, 12.0, 9.0, 0.0);
    let third = [
        0.069_124_746_648_6,
        0.012_239_366_820_2,
        0.001_483_559_614_57,
    ];
    let fifth = [0.234_886_458_436, 0.026_986_189_313, 0.002_943_947_925_06];
    let mut seed = 30;
    for (leverage, published) in [(3.0, third), (5.0, fifth)] {
        for step in ["1d", "8h"] {
            let case = Case {
                process,
                drift_annual: 0.0,
                leverage,
                step,
                paths: 200_000,
                published,
            };
            seed += 1;
            check(&case, seed);
        }
    }
}

/// Eight jumps in a step of ten days: their order, and the bridges between them, decide.
#[test]
fn many_jumps_in_a_step() {
    for (seed, drift_annual, volatility) in [(36, 0.0, 0.3), (37, 0.6, 0.3), (38, 0.0, 0.8)] {
        let case = Case {
            process: kou(300.0, volatility, 40.0, 50.0, drift_annual),
            drift_annual,
            leverage: 5.0,
            step: "10d",
            paths: 300_000,
            published: [f64::NAN; 3],
        };
        check(&case, seed);
    }
}

/// Raw moments of the size, compensator, `E[(e^J - 1)^2]`, settings.
struct Sizes {
    name: &'static str,
    raw: [f64; 4],
    compensator: f64,
    relative_second: f64,
    settings: &'static str,
    /// Mean, variance, skewness, excess kurtosis of the log return over 91.25 days without drift.
    published: [f64; 4],
}

fn all_sizes() -> [Sizes; 2] {
    let second = |at_two: f64, at_one: f64| at_two - 2.0 * at_one + 1.0;
    let (m, d) = (-0.03, 0.12_f64);
    let (up, down) = (1.0 / 12.0, 1.0 / 9.0);
    [
        Sizes {
            name: "Merton",
            raw: merton_raw_moments(m, d),
            compensator: merton_compensator(m, d),
            relative_second: second((2.0 * m + 2.0 * d * d).exp(), (m + 0.5 * d * d).exp()),
            settings: "merton = { mean = -0.03, std_dev = 0.12 }",
            published: [
                -0.042_436_933_724_9,
                0.085_45,
                -0.079_448_006_178_7,
                0.143_935_609_538,
            ],
        },
        Sizes {
            name: "Kou",
            raw: kou_raw_moments(0.45, up, down),
            compensator: kou_compensator(0.45, up, down),
            relative_second: second(
                0.45 / (1.0 - 2.0 * up) + 0.55 / (1.0 + 2.0 * down),
                0.45 / (1.0 - up) + 0.55 / (1.0 + down),
            ),
            settings: "kou = { up_probability = 0.45, up_mean = 0.08333333333333333, down_mean = 0.1111111111111111 }",
            published: [
                -0.045_530_303_030_3,
                0.092_245_370_370_4,
                -0.158_704_436_897,
                0.446_467_225_748,
            ],
        },
    ]
}

/// `n Var(m_k)` of the sample's k-th central moment, from the sample's own moments.
fn moment_variance(values: &[f64], k: i32) -> f64 {
    let mu = |order| central_moment(values, order);
    let k_real = f64::from(k);
    mu(2 * k) - mu(k).powi(2) - 2.0 * k_real * mu(k - 1) * mu(k + 1)
        + k_real * k_real * mu(2) * mu(k - 1).powi(2)
}

/// 500,000 paths: a missing compensator would move the mean by 1.5 (Kou 3.3) % of the price and 20 standard errors,
/// a kurtosis without jumps would be 15 away.
#[test]
fn log_returns_have_the_cumulants_of_their_jumps() {
    let (volatility, rate, t_years) = (0.5_f64, 6.0, 0.25);
    for sizes in all_sizes() {
        for (drift_annual, step, seed) in [(0.0, "730h", 41), (0.5, "73h", 42)] {
            let found = run(
                PLAIN,
                &format!(
                    "simulation.horizon=\"2190h\"
                     simulation.step=\"{step}\"
                     simulation.seed={seed}
                     simulation.paths=500_000
                     assets.X.model.jump_diffusion={{ volatility = 0.5, drift = {drift_annual}, jumps_per_year = 6, {} }}",
                    sizes.settings
                ),
            );
            let logs = found.log_returns(0);
            let n = logs.len() as f64;
            let what = |part: &str| format!("{}, step {step}: {part}", sizes.name);
            let [m1, m2, m3, m4] = sizes.raw;
            let c1 = (drift_annual - 0.5 * volatility.powi(2) + rate * (m1 - sizes.compensator))
                * t_years;
            let c2 = (volatility.powi(2) + rate * m2) * t_years;
            let (c3, c4) = (rate * m3 * t_years, rate * m4 * t_years);
            let published = sizes.published;
            assert!((c1 - drift_annual * t_years - published[0]).abs() < 1e-12);
            assert!((c2 - published[1]).abs() < 1e-12);
            assert!((c3 / c2.powf(1.5) - published[2]).abs() < 1e-11);
            assert!((c4 / (c2 * c2) - published[3]).abs() < 1e-11);
            assert_near(&what("mean"), mean(&logs), c1, (c2 / n).sqrt());
            let fourth = c4 + 3.0 * c2 * c2;
            let error = ((fourth - c2 * c2) / n).sqrt();
            assert_near(&what("variance"), central_moment(&logs, 2), c2, error);
            let error = (moment_variance(&logs, 3) / n).sqrt();
            assert_near(&what("third moment"), central_moment(&logs, 3), c3, error);
            let error = (moment_variance(&logs, 4) / n).sqrt();
            assert_near(
                &what("fourth moment"),
                central_moment(&logs, 4),
                fourth,
                error,
            );

            let spots = found.terminal_spots(0);
            let forward = 100.0 * (drift_annual * t_years).exp();
            let growth = (volatility.powi(2) + rate * sizes.relative_second) * t_years;
            let error = forward * (growth.exp_m1() / n).sqrt();
            assert_near(&what("forward"), mean(&spots), forward, error);
        }
    }
}

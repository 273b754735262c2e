//! Systemic jumps: one clock for the market, nested thinning, one quantile for all that are struck, loadings.

use hedgesim::math::jumps::kou_compensator;

use crate::common::bounds::{assert_mean, assert_near, central_moment, mean};
use crate::common::scenario_text::{PLAIN, Run, run};

const NAMES: [&str; 3] = ["X", "Y", "Z"];

/// Adds assets `Y` and `Z` to the text. A diffusion of 0 lets the jumps be read off the terminal spots.
fn three(x: &str, y: &str, z: &str, settings: &str) -> Run {
    run(
        PLAIN,
        &format!(
            "simulation.step=\"10d\"
             simulation.paths=200_000
             assets.X.model.jump_diffusion={x}
             assets.Y={{ spot_usd = 10, model.jump_diffusion = {y} }}
             assets.Z={{ spot_usd = 1, model.jump_diffusion = {z} }}
             {settings}"
        ),
    )
}

/// Covariance of two samples with its standard error.
fn covariance(x: &[f64], y: &[f64]) -> (f64, f64) {
    let (mx, my) = (mean(x), mean(y));
    let products: Vec<f64> = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).collect();
    let error = (central_moment(&products, 2) / products.len() as f64).sqrt();
    (mean(&products), error)
}

fn assert_covariance(what: &str, x: &[f64], y: &[f64], truth: f64) {
    let (found, error) = covariance(x, y);
    assert_near(what, found, truth, error);
}

/// Sizes that never vary turn a terminal price into a count of jumps: Poisson counts whose covariance over `T` is `T`
/// times the rate of common jumps. The thinning is nested, so two assets struck by 20 and 10 jumps a year
/// of the market's clock have all 10 in common; independent thinning would give 10 of 20, 5 and 2.5.
#[test]
fn the_less_often_struck_jumps_with_the_more_often_struck() {
    let model = |rate: f64, share: f64, mean: f64| {
        format!(
            "{{ volatility = 0.0, jumps_per_year = {rate}, systemic_share = {share}, merton = {{ mean = {mean}, std_dev = 0.0 }} }}"
        )
    };
    let rates = [(40.0, 0.5), (10.0, 1.0), (20.0, 0.25)];
    let sizes = [0.01, -0.02, 0.005];
    let found = three(
        &model(40.0, 0.5, sizes[0]),
        &model(10.0, 1.0, sizes[1]),
        &model(20.0, 0.25, sizes[2]),
        "simulation.seed=51",
    );
    let t_years: f64 = 30.0 / 365.0;
    let counts: Vec<Vec<f64>> = (0..3)
        .map(|asset| {
            let (size, rate): (f64, f64) = (sizes[asset], rates[asset].0);
            let drift = -rate * size.exp_m1() * t_years;
            found
                .log_returns(found.asset(NAMES[asset]))
                .iter()
                .map(|x| {
                    let count = (x - drift) / size;
                    assert!((count - count.round()).abs() < 1e-6, "{count} jumps");
                    count.round()
                })
                .collect()
        })
        .collect();
    for (asset, (rate, share)) in rates.into_iter().enumerate() {
        let expected = rate * t_years;
        assert_mean("count", &counts[asset], expected);
        assert_covariance("variance", &counts[asset], &counts[asset], expected);
        for (other, (other_rate, other_share)) in rates.into_iter().enumerate().take(asset) {
            let common = f64::min(rate * share, other_rate * other_share) * t_years;
            let what = format!("common jumps of {asset} and {other}");
            assert_covariance(&what, &counts[asset], &counts[other], common);
        }
    }
}

/// Assets struck together take the same quantile of their own laws, times their loading: cross moments of the sizes
/// are products of scales, `m m' + d d'` for two normal laws and `2 (p u u' + q v v')` for two of Kou's
/// with the same `p`. Opposite quantiles or independent ones would leave a third or none of it.
#[test]
fn common_jumps_share_their_quantile() {
    let t_years: f64 = 30.0 / 365.0;
    let merton = |mean: f64, std_dev: f64, loading: f64| {
        format!(
            "{{ volatility = 0.3, jumps_per_year = 24, systemic_share = 0.75, systemic_loading = {loading}, merton = {{ mean = {mean}, std_dev = {std_dev} }} }}"
        )
    };
    let found = three(
        &merton(-0.03, 0.12, 1.0),
        &merton(0.02, 0.05, 1.5),
        &merton(0.01, 0.08, 0.5),
        "simulation.seed=52\ncorrelations=[{ between = [\"X\", \"Y\"], value = 0.4 }]",
    );
    let logs: Vec<Vec<f64>> = NAMES
        .iter()
        .map(|name| found.log_returns(found.asset(name)))
        .collect();
    let (rate, own) = (24.0 * 0.75 * t_years, 24.0 * 0.25 * t_years);
    let laws: [(f64, f64, f64); 3] = [(-0.03, 0.12, 1.0), (0.02, 0.05, 1.5), (0.01, 0.08, 0.5)];
    for (a, x) in laws.into_iter().enumerate() {
        let diffusion = 0.09 * t_years;
        let second = x.0 * x.0 + x.1 * x.1;
        let variance = diffusion + (own + rate * x.2 * x.2) * second;
        assert_covariance("variance", &logs[a], &logs[a], variance);
        for (b, y) in laws.into_iter().enumerate().take(a) {
            let together = x.2 * y.2 * (x.0 * y.0 + x.1 * y.1);
            let shocks = if (a, b) == (1, 0) { 0.4 } else { 0.0 };
            let truth = rate * together + shocks * diffusion;
            assert_covariance(&format!("{a} and {b}"), &logs[a], &logs[b], truth);
        }
    }
}

/// The same with Kou's sizes, and the forward of each: the compensator takes the loaded sizes.
#[test]
fn loaded_jumps_are_compensated() {
    let t_years: f64 = 30.0 / 365.0;
    let laws: [(f64, f64, f64); 3] = [(0.076, 0.090, 1.0), (0.054, 0.063, 2.0), (0.03, 0.05, 0.5)];
    let model = |(up, down, loading): (f64, f64, f64)| {
        format!(
            "{{ volatility = 0.2, drift = 0.3, jumps_per_year = 24, systemic_share = 0.5, systemic_loading = {loading}, kou = {{ up_probability = 0.5, up_mean = {up}, down_mean = {down} }} }}"
        )
    };
    let found = three(
        &model(laws[0]),
        &model(laws[1]),
        &model(laws[2]),
        "simulation.seed=53",
    );
    let rate = 12.0 * t_years;
    let second = |up: f64, down: f64| {
        0.5 / (1.0 - 2.0 * up) + 0.5 / (1.0 + 2.0 * down)
            - 2.0 * kou_compensator(0.5, up, down)
            - 1.0
    };
    for (a, (up, down, loading)) in laws.into_iter().enumerate() {
        let index = found.asset(NAMES[a]);
        let start = found.plan.market.assets[index].spot_usd;
        let forward = start * (0.3 * t_years).exp();
        let growth =
            0.04 * t_years + rate * (second(up, down) + second(up * loading, down * loading));
        let spots = found.terminal_spots(index);
        let error = forward * (growth.exp_m1() / spots.len() as f64).sqrt();
        assert_near(&format!("forward of {a}"), mean(&spots), forward, error);
        for (b, (other_up, other_down, other_loading)) in laws.into_iter().enumerate().take(a) {
            let together = loading * other_loading * (up * other_up + down * other_down);
            let (x, y) = (
                found.log_returns(index),
                found.log_returns(found.asset(NAMES[b])),
            );
            assert_covariance(&format!("{a} and {b}"), &x, &y, rate * together);
        }
    }
}

/// The arithmetic of `token-cross-beta.toml`: systemic jumps and correlated shocks make a beta of 1.2 and a
/// correlation of 0.71 together.
#[test]
fn the_shipped_token_has_its_beta() {
    let found = run(
        include_str!("../../scenarios/token-cross-beta.toml"),
        "simulation.paths=200_000\nsimulation.step=\"20d\"\nhedges.0.rebalance.never={}\ncontracts.btc-perp.perpetual.funding.constant={ rate_per_8h = 0.0 }\naccounts.main.margin_call={ level = 0.10, target = 0.04, delay = \"0d\" }",
    );
    let (token, btc) = (found.log_returns(0), found.log_returns(1));
    let (centre, other) = (mean(&token), mean(&btc));
    let (variance, _) = covariance(&btc, &btc);
    let beta = covariance(&token, &btc).0 / variance;
    let influence: Vec<f64> = token
        .iter()
        .zip(&btc)
        .map(|(t, b)| (b - other) * (t - centre - beta * (b - other)) / variance)
        .collect();
    let error = (central_moment(&influence, 2) / influence.len() as f64).sqrt();
    // The file's numbers are rounded: 0.693 * 0.93 * 0.50 + 18 * (0.076 * 0.054 + 0.090 * 0.063) over
    // 0.50^2 + 24 * (0.054^2 + 0.063^2).
    let truth = (0.693 * 0.93 * 0.5 + 18.0 * (0.076 * 0.054 + 0.090 * 0.063))
        / (0.25 + 24.0 * (0.054_f64.powi(2) + 0.063_f64.powi(2)));
    assert!((truth - 1.2_f64).abs() < 0.003, "{truth}");
    assert_near("beta", beta, truth, error);
}

//! Correlated prices and the Ornstein-Uhlenbeck basis: moments and correlations at more than one step.

use hedgesim::math::{normal, ou};
use hedgesim::outcome::column::Column;

use crate::common::bounds::{
    assert_correlation, assert_law, assert_near, assert_variance, correlation, mean,
};
use crate::common::scenario_text::{PLAIN, Run, run};

/// Three correlated prices: the factor must not mix up rows, nor take correlations for covariances. 200,000 paths see
/// 0.015 in a correlation with 99 % certainty.
#[test]
fn log_returns_are_correlated_as_asked() {
    let entries = [("X", "Y", 0.85), ("X", "Z", -0.5), ("Y", "Z", -0.2)];
    let list: Vec<String> = entries
        .iter()
        .map(|(a, b, value)| format!("{{ between = [\"{a}\", \"{b}\"], value = {value} }}"))
        .collect();
    let volatilities = [0.6, 0.9, 0.3];
    let drifts = [0.0, 0.4, -0.4];
    for (step, seed) in [("30d", 61), ("3d", 62)] {
        let found = run(
            PLAIN,
            &format!(
                "simulation.step=\"{step}\"
                 simulation.seed={seed}
                 assets.Y={{ spot_usd = 10, model.gbm = {{ volatility = 0.9, drift = 0.4 }} }}
                 assets.Z={{ spot_usd = 60000, model.gbm = {{ volatility = 0.3, drift = -0.4 }} }}
                 correlations=[{}]",
                list.join(", ")
            ),
        );
        let t_years: f64 = 30.0 / 365.0;
        let logs: Vec<Vec<f64>> = ["X", "Y", "Z"]
            .iter()
            .map(|name| found.log_returns(found.asset(name)))
            .collect();
        for (pair, (a, b)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
            let what = format!("{a} and {b}, step {step}");
            assert_correlation(&what, &logs[a], &logs[b], entries[pair].2);
        }
        for asset in 0..3 {
            let deviation = volatilities[asset] * t_years.sqrt();
            let centre = drifts[asset] * t_years - 0.5 * deviation * deviation;
            let error = deviation / (logs[asset].len() as f64).sqrt();
            assert_near("mean", mean(&logs[asset]), centre, error);
            assert_variance("variance", &logs[asset], deviation * deviation, 3.0);
        }
    }
}

/// `ln(F_T / S_T)`, recovered from a short of one coin that is never changed: its futures basis is the fall of `F - S`.
fn terminal_basis(found: &Run, initial: f64) -> Vec<f64> {
    let start_usd = 100.0 * initial.exp_m1();
    found
        .column(Column::FuturesBasis)
        .iter()
        .zip(found.terminal_spots(0))
        .map(|(pnl, spot)| ((start_usd - pnl) / spot).ln_1p())
        .collect()
}

/// Exact transitions know no step: mean, variance, normal law and correlation with the price are those of
/// the process at 30 days in 1 step, 3 and 30. An Euler step of ten days would show a mean 4 % of its way off.
#[test]
fn the_basis_is_an_exact_ornstein_uhlenbeck_process() {
    let (reversion, level, eta, initial, rho) = (8.0, 0.001, 0.02, 0.01, 0.6);
    let t_years = 30.0 / 365.0;
    let centre = ou::mean(initial, level, reversion, t_years);
    let variance = ou::variance(reversion, eta, t_years);
    assert!((centre - 0.005_663_146_014_5).abs() < 1e-13);
    assert!((variance.sqrt() - 0.004_276_517_463_96).abs() < 1e-13);
    for (step, seed) in [("30d", 63), ("10d", 64), ("1d", 65)] {
        let found = run(
            PLAIN,
            &format!(
                "simulation.step=\"{step}\"
                 simulation.seed={seed}
                 contracts.perp.perpetual.basis.ou={{ mean = {level}, initial = {initial}, volatility = {eta}, reversion_per_year = {reversion}, correlation_with_spot = {rho} }}"
            ),
        );
        let basis = terminal_basis(&found, initial);
        let what = |part: &str| format!("basis, step {step}: {part}");
        let error = (variance / basis.len() as f64).sqrt();
        assert_near(&what("mean"), mean(&basis), centre, error);
        assert_variance(&what("variance"), &basis, variance, 3.0);
        assert_law(&what("law"), &basis, |b| {
            normal::cdf((b - centre) / variance.sqrt())
        });
        // Cov = rho eta (1 - e^{-kT}) / k per unit of the price's Brownian motion.
        let covariance = rho * eta * -(-reversion * t_years).exp_m1() / reversion;
        let truth = covariance / (variance * t_years).sqrt();
        assert_correlation(
            &what("with the price"),
            &basis,
            &found.log_returns(0),
            truth,
        );
    }
}

/// A basis without correlation keeps away from the price, one with reversion forgets where it began.
#[test]
fn a_basis_of_its_own_does_not_follow_the_price() {
    let found = run(
        PLAIN,
        "simulation.seed=66
         contracts.perp.perpetual.basis.ou={ mean = 0.0, initial = 0.05, volatility = 0.012, reversion_per_year = 200 }",
    );
    let basis = terminal_basis(&found, 0.05);
    assert_correlation("with the price", &basis, &found.log_returns(0), 0.0);
    let error = 6e-4 / (basis.len() as f64).sqrt();
    let centre = 0.05 * (-200.0 * 30.0 / 365.0_f64).exp();
    assert_near("mean", mean(&basis), centre, error);
    assert_variance("variance", &basis, 3.6e-7, 3.0);
}

/// The bridge knows that the mark is price and basis: with a basis that moves against the price the mark is quieter
/// than the price, with one that moves with it wilder. Reversion 0 makes the log mark a Brownian motion of variance
/// `s^2 + eta^2 + 2 rho s eta`, whose first passage is known.
#[test]
fn the_bridge_is_that_of_the_mark() {
    use crate::common::bounds::assert_probability;
    use hedgesim::math::first_passage::{Passage, linear_short_barrier_ratio};
    for (rho, seed) in [(-0.8, 67), (0.0, 68), (0.8, 69)] {
        let found = run(
            PLAIN,
            &format!(
                "simulation.seed={seed}
                 simulation.step=\"3d\"
                 contracts.perp.perpetual.basis.ou={{ mean = 0.0, initial = 0.0, volatility = 0.2, reversion_per_year = 0.0, correlation_with_spot = {rho} }}"
            ),
        );
        let variance: f64 = 0.36 + 0.04 + 2.0 * rho * 0.12;
        // The price alone has the drift -s^2/2 of its log; the passage adds back half of the mark's variance.
        let passage = Passage {
            drift_annual: 0.5 * (variance - 0.36),
            volatility_annual: variance.sqrt(),
            barrier_ratio: linear_short_barrier_ratio(5.0, 0.005),
        };
        let truth = passage.hit_probability(30.0 / 365.0);
        let what = format!("correlation {rho}");
        assert_probability(&what, found.liquidated_by(30.0), found.paths(), truth);
        let basis = terminal_basis(&found, 0.0);
        assert!((correlation(&basis, &found.log_returns(0)) - rho).abs() < 0.02);
    }
}

//! The generator as the engine uses it: independence, laws of jumps, tails. Fixed seeds; each bound is passed once in
//! 10^6 reseedings.

mod common;

use common::bounds::{
    STANDARD_ERRORS, assert_law, assert_near, assert_probability, central_moment, correlation, mean,
};
use common::scenario_text::{PLAIN, plan, run};
use hedgesim::engine::tape::Tape;
use hedgesim::engine::trace::trace;
use hedgesim::math::normal;
use hedgesim::plan::types::Plan;
use statrs::distribution::{ChiSquared, ContinuousCDF, Discrete, Poisson};

/// False alarms of a chi-squared test.
const FALSE_ALARMS: f64 = 1e-6;

fn assert_uncorrelated(what: &str, x: &[f64], y: &[f64]) {
    let found = correlation(x, y);
    let bound = STANDARD_ERRORS / (x.len() as f64).sqrt();
    assert!(found.abs() < bound, "{what}: {found}, bound {bound}");
}

fn squares(values: &[f64]) -> Vec<f64> {
    values.iter().map(|x| x * x).collect()
}

/// Tapes of paths that lie in different blocks and lanes.
fn tapes(plan: &Plan, count: u64) -> Vec<Tape> {
    use rayon::prelude::*;
    (0..count)
        .into_par_iter()
        .map(|k| trace(plan, k * 61).tape)
        .collect()
}

fn log_steps(series: &[f64]) -> Vec<f64> {
    series
        .windows(2)
        .map(|pair| (pair[1] / pair[0]).ln())
        .collect()
}

/// Neighbouring paths, neighbouring blocks and neighbouring tasks share nothing: 300,000 paths see a correlation of 0.013. A
/// counter that overlapped in the lanes of a block would give 1 in some of these.
#[test]
fn paths_are_independent() {
    let found = run(
        PLAIN,
        "simulation.paths=300_000\nsimulation.step=\"30d\"\nsimulation.seed=91",
    );
    let returns = found.log_returns(0);
    let size = squares(&returns);
    for apart in [1, 2, 4, 8, 63, 64, 128, 512, 65_536] {
        let n = returns.len() - apart;
        let what = format!("paths {apart} apart");
        assert_uncorrelated(&what, &returns[..n], &returns[apart..]);
        assert_uncorrelated(&what, &size[..n], &size[apart..]);
    }
    let mut sorted = returns.clone();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    // Chance alone makes some thousand equal pairs of 24-bit numbers; a stream used twice would make half of all equal.
    assert!(
        sorted.len() as f64 > 0.97 * returns.len() as f64,
        "{}",
        sorted.len()
    );
}

/// Neighbouring seeds share nothing either.
#[test]
fn seeds_are_independent() {
    let returns = |seed: u64| {
        run(
            PLAIN,
            &format!("simulation.paths=100_000\nsimulation.step=\"30d\"\nsimulation.seed={seed}"),
        )
        .log_returns(0)
    };
    let first = returns(1);
    for seed in [0, 2, 3, 256, 1 << 32] {
        let other = returns(seed);
        let what = format!("seeds 1 and {seed}");
        assert_uncorrelated(&what, &first, &other);
        assert_uncorrelated(&what, &squares(&first), &squares(&other));
        assert_uncorrelated(&what, &first[1..], &other[..other.len() - 1]);
    }
}

/// Tails, by count: a generator whose normals end too early, or that mixes in a wrong layer, is seen where
/// liquidations happen. A million paths expect 63.3 beyond 4 and 6.8 beyond 4.5 standard deviations.
#[test]
fn tails_have_their_weight() {
    let mut normals = Vec::new();
    for seed in [92, 93, 94, 95] {
        let found = run(
            PLAIN,
            &format!("simulation.paths=250_000\nsimulation.step=\"30d\"\nsimulation.seed={seed}"),
        );
        let deviation = 0.6 * (30.0_f64 / 365.0).sqrt();
        normals.extend(
            found
                .log_returns(0)
                .iter()
                .map(|x| x / deviation + 0.5 * deviation),
        );
    }
    assert_law("terminal normals", &normals, normal::cdf);
    for side in [-1.0, 1.0] {
        for beyond in [1.0, 2.0, 3.0, 3.5, 4.0] {
            let count = normals.iter().filter(|&&z| side * z > beyond).count();
            let what = format!("beyond {beyond}, side {side}");
            assert_probability(&what, count, normals.len(), normal::cdf(-beyond));
        }
    }
    let most = normals.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
    // Of 10^6 normals the largest is under 4 with probability 3e-28 and over 7.2 with 6e-7.
    assert!(most > 4.0 && most < 7.2, "{most}");
}

/// Returns of one path at different steps, returns and changes of the basis, two uncorrelated assets, and the numbers
/// that decide crossings: no pair is correlated, at lags within a draw of four, a tile of steps and beyond.
#[test]
fn steps_and_series_are_independent() {
    let plan = plan(
        PLAIN,
        "simulation.horizon=\"40d\"
         simulation.seed=96
         assets.Y={ spot_usd = 10, model.gbm = { volatility = 0.9 } }
         contracts.perp.perpetual.basis.ou={ mean = 0.0, initial = 0.0, volatility = 0.3, reversion_per_year = 0.0 }",
    );
    let [x, y] = ["X", "Y"].map(|name| {
        let assets = &plan.market.assets;
        assets.iter().position(|asset| asset.name == name).unwrap()
    });
    let mut series: [Vec<Vec<f64>>; 4] = Default::default();
    for tape in tapes(&plan, 3000) {
        let basis: Vec<f64> = tape.mark_usd[0]
            .iter()
            .zip(&tape.spot_usd[x])
            .map(|(mark, spot)| mark / spot)
            .collect();
        let uniforms = tape.within[0][1..].iter().map(|w| w.bridge_uniforms[0]);
        series[0].push(log_steps(&tape.spot_usd[x]));
        series[1].push(log_steps(&tape.spot_usd[y]));
        series[2].push(log_steps(&basis));
        series[3].push(uniforms.collect());
    }
    let names = ["X", "Y", "basis", "bridge"];
    for (a, first) in series.iter().enumerate() {
        for (b, second) in series.iter().enumerate() {
            for lag in [0, 1, 2, 3, 4, 5, 7, 8, 9, 16] {
                if lag == 0 && a >= b {
                    continue;
                }
                let pairs = first
                    .iter()
                    .zip(second)
                    .flat_map(|(p, q)| p[..40 - lag].iter().zip(&q[lag..]));
                let (p, q): (Vec<f64>, Vec<f64>) = pairs.unzip();
                let what = format!("{} and {} {lag} steps later", names[a], names[b]);
                assert_uncorrelated(&what, &p, &q);
                // About their means squares, for signs alone could hide a common size.
                let (sp, sq) = (squares(&centred(&p)), squares(&centred(&q)));
                assert_uncorrelated(&format!("sizes of {what}"), &sp, &sq);
            }
        }
    }
    let uniforms: Vec<f64> = series[3].iter().flatten().copied().collect();
    assert_law("bridge uniforms", &uniforms, |u| u.clamp(0.0, 1.0));
}

fn centred(values: &[f64]) -> Vec<f64> {
    let centre = mean(values);
    values.iter().map(|x| x - centre).collect()
}

/// Jumps of one size turn a terminal price into their number: Poisson, by chi-squared, in one step and in sixty, and
/// no more when a neighbour jumps.
#[test]
fn jump_counts_are_poisson() {
    for (step, seed) in [("30d", 97), ("12h", 98)] {
        let found = run(
            PLAIN,
            &format!(
                "simulation.step=\"{step}\"
                 simulation.seed={seed}
                 assets.X.model.jump_diffusion={{ volatility = 0.0, jumps_per_year = 40, systemic_share = 0.3, merton = {{ mean = 0.01, std_dev = 0.0 }} }}"
            ),
        );
        let expected = 40.0 * 30.0 / 365.0;
        let drift = -expected * 0.01_f64.exp_m1();
        let counts: Vec<f64> = found
            .log_returns(0)
            .iter()
            .map(|x| ((x - drift) / 0.01).round())
            .collect();
        let law = Poisson::new(expected).unwrap();
        let n = counts.len() as f64;
        let last = 13;
        let mut bins = vec![0.0; last + 1];
        for (k, bin) in bins.iter_mut().enumerate() {
            let distance = |count: f64| count - k as f64;
            let is_here =
                |count: f64| distance(count).abs() < 0.5 || (k == last && distance(count) > 0.0);
            *bin = counts.iter().filter(|&&count| is_here(count)).count() as f64;
        }
        let below: f64 = (0..last as u64).map(|k| law.pmf(k)).sum();
        let squared: f64 = bins
            .iter()
            .enumerate()
            .map(|(k, seen)| {
                let due = n * if k < last {
                    law.pmf(k as u64)
                } else {
                    1.0 - below
                };
                (seen - due).powi(2) / due
            })
            .sum();
        let bound = ChiSquared::new(last as f64)
            .unwrap()
            .inverse_cdf(1.0 - FALSE_ALARMS);
        assert!(squared < bound, "step {step}: {squared}, bound {bound}");
        assert_uncorrelated(
            "neighbours' counts",
            &counts[1..],
            &counts[..counts.len() - 1],
        );
    }
}

/// Times between jumps are exponential and independent, their moments inside a step uniform and their sizes Kou's,
/// all independent of each other and of the diffusion.
#[test]
fn jump_times_and_sizes_have_their_laws() {
    let (up_probability, up_mean, down_mean) = (0.45, 0.083, 0.111);
    let rate = 400.0;
    let plan = plan(
        PLAIN,
        &format!(
            "simulation.horizon=\"20d\"
             simulation.step=\"2d\"
             simulation.seed=99
             assets.X.model.jump_diffusion={{ volatility = 0.5, jumps_per_year = {rate}, kou = {{ up_probability = {up_probability}, up_mean = {up_mean}, down_mean = {down_mean} }} }}"
        ),
    );
    let drift = plan.market.assets[0].jumps.unwrap().compensator_annual();
    let (mut first, mut second, mut within, mut sizes) = (vec![], vec![], vec![], vec![]);
    let (mut first_size, mut diffusion) = (vec![], vec![]);
    for tape in tapes(&plan, 12_000) {
        let jumps: Vec<(f64, f64)> = tape.within[0]
            .iter()
            .enumerate()
            .flat_map(|(step, w)| {
                w.jumps
                    .iter()
                    .map(move |jump| (step as f64 - 1.0 + jump.time_frac, jump.log_size))
            })
            .collect();
        assert!(jumps.is_sorted_by(|a, b| a.0 <= b.0), "in order of time");
        within.extend(jumps.iter().map(|(time, _)| time.fract()));
        sizes.extend(jumps.iter().map(|(_, size)| *size));
        // 21.9 are expected: fewer than two come once in 10^8 paths.
        let per_year = 2.0 / 365.0;
        first.push(jumps[0].0 * per_year);
        second.push((jumps[1].0 - jumps[0].0) * per_year);
        first_size.push(jumps[0].1);
        let jumped: f64 = jumps.iter().map(|(_, size)| size).sum();
        let moved = (tape.spot_usd[0][10] / tape.spot_usd[0][0]).ln() - jumped;
        let deviation = 0.5 * (20.0_f64 / 365.0).sqrt();
        let centre = -0.5 * deviation * deviation - drift * 20.0 / 365.0;
        diffusion.push((moved - centre) / deviation);
    }
    let exponential = |t: f64| -(-rate * t).exp_m1();
    assert_law("first jump", &first, exponential);
    assert_law("second after first", &second, exponential);
    assert_law("moment in the step", &within, |t| t.clamp(0.0, 1.0));
    assert_law("size", &sizes, |x| {
        if x < 0.0 {
            (1.0 - up_probability) * (x / down_mean).exp()
        } else {
            1.0 - up_probability * (-x / up_mean).exp()
        }
    });
    assert_law("diffusion between jumps", &diffusion, normal::cdf);
    assert_uncorrelated("gaps", &first, &second);
    assert_uncorrelated("time and size", &first, &first_size);
    assert_uncorrelated("size and diffusion", &first_size, &diffusion);
    assert_uncorrelated("time and diffusion", &first, &diffusion);
    assert_uncorrelated("sizes in a row", &sizes[1..], &sizes[..sizes.len() - 1]);
    // Where the diffusion stands at a jump is drawn given its step's ends: standard normals of their own.
    let anchors: Vec<f64> = tapes(&plan, 2000)
        .iter()
        .flat_map(|tape| tape.within[0].iter().flat_map(|w| w.anchor_normals.clone()))
        .collect();
    assert_law("anchors", &anchors, normal::cdf);
    let n = anchors.len() as f64;
    assert_near(
        "fourth moment of anchors",
        central_moment(&anchors, 4),
        3.0,
        (96.0 / n).sqrt(),
    );
}

//! The random numbers as the engine addresses them: their law, and independence between neighbouring addresses.
//!
//! Seeds are fixed. Each bound is one that a sound generator passes but once in a million: 4.892 standard errors, or
//! `2.693 / sqrt(n)` for the distance of Kolmogorov and Smirnov; where thousands of numbers are checked, 6.5 errors.

#[path = "generator/draws.rs"]
mod draws;
#[path = "generator/words.rs"]
mod words;

use std::f64::consts::PI;

use draws::{Draw, Moments, NEIGHBOUR_CALLS, THRESHOLDS, correlate, fill};
use hedgesim::math::normal::cdf;
use hedgesim::math::random::{Purpose, SMALLEST_UNIFORM_32, Streams};
use hedgesim::math::vector::LARGEST_NORMAL;
use rand_distr::{Distribution, StandardNormal};

/// Standard errors that a sound estimate passes once in a million.
const ERRORS: f64 = 4.892;

/// Fails if an estimate is too many standard errors from the truth.
#[track_caller]
fn assert_near(name: &str, estimate: f64, truth: f64, standard_error: f64) {
    let off = (estimate - truth) / standard_error;
    assert!(
        off.abs() < ERRORS,
        "{name}: {estimate} instead of {truth}, {off:.1} standard errors"
    );
}

/// Fails if a sample is too far from uniform on (0, 1).
#[track_caller]
fn assert_uniform(name: &str, mut sample: Vec<f64>) {
    sample.sort_unstable_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = sample.iter().enumerate().fold(0.0f64, |worst, (i, &u)| {
        worst.max((i as f64 + 1.0) / n - u).max(u - i as f64 / n)
    });
    assert!(
        distance < 2.693 / n.sqrt(),
        "{name}: distance {distance} at {n} numbers"
    );
}

#[test]
fn thirty_million_normals_have_the_moments_and_tails() {
    let streams = Streams::new(20_240_607);
    let mut moments = Moments::default();
    let mut draw = Draw::default();
    // Groups of a year of four-hourly steps, one block of paths after the other.
    for call in 0..118_000u32 {
        let first_path = u64::from(call / 548) * 64;
        fill(
            &streams,
            first_path,
            call % 548,
            Purpose::Diffusion(0),
            &mut draw,
        );
        moments.add(&draw);
    }
    let n = moments.count();
    assert!(n > 3e7);
    check_moments(&moments);
    assert!(moments.largest < LARGEST_NORMAL && moments.largest > 5.0);
}

/// Moments and tails of standard normals.
fn check_moments(moments: &Moments) {
    let n = moments.count();
    let [m1, m2, m3, m4] = moments.means();
    assert_near("mean", m1, 0.0, n.sqrt().recip());
    assert_near("variance", m2, 1.0, (2.0 / n).sqrt());
    assert_near("third moment", m3, 0.0, (15.0 / n).sqrt());
    assert_near("fourth moment", m4, 3.0, (96.0 / n).sqrt());
    for (k, &threshold) in THRESHOLDS.iter().enumerate() {
        let p = cdf(-threshold);
        let error = (p * (1.0 - p) / n).sqrt();
        let [below, above] = moments.tail_shares(k);
        assert_near(&format!("share above {threshold}"), above, p, error);
        assert_near(&format!("share below -{threshold}"), below, p, error);
    }
    // Two halves of a pair share their radius: only the angle makes them independent.
    for (pair, (products, squares)) in moments.pairs() {
        assert_near(
            &format!("product {pair:?}"),
            products,
            0.0,
            n.sqrt().recip() * 2.0,
        );
        assert_near(&format!("squares {pair:?}"), squares, 0.0, 4.0 / n.sqrt());
    }
    let (products, squares) = moments.lane_neighbours();
    assert_near("product of lanes", products, 0.0, (64.0 / 63.0 / n).sqrt());
    assert_near(
        "squares of lanes",
        squares,
        0.0,
        2.0 * (64.0 / 63.0 / n).sqrt(),
    );
}

#[test]
fn a_million_normals_radii_and_angles_have_their_laws() {
    let streams = Streams::new(1_971);
    let mut draw = Draw::default();
    let [mut normals, mut radii, mut angles, mut chords] = [const { Vec::new() }; 4];
    for call in 0..4_000u32 {
        fill(&streams, 64, call, Purpose::Basis(2), &mut draw);
        normals.extend(draw.0.as_flattened().iter().map(|&z| cdf(z)));
        for lane in 0..64 {
            for (x, y) in [(0, 1), (2, 3)].map(|(x, y)| (draw.0[x][lane], draw.0[y][lane])) {
                radii.push((-0.5 * (x * x + y * y)).exp());
                angles.push(0.5 + y.atan2(x) / (2.0 * PI));
            }
            // Across the two pairs of a draw.
            chords.push(0.5 + draw.0[1][lane].atan2(draw.0[2][lane]) / (2.0 * PI));
        }
    }
    assert!(normals.len() > 1_000_000);
    for (name, sample) in [
        ("normals", normals),
        ("radii", radii),
        ("angles", angles),
        ("angles across pairs", chords),
    ] {
        assert_uniform(name, sample);
    }
}

#[test]
fn neighbouring_addresses_are_independent() {
    let streams = Streams::new(77);
    let here = (&streams, 1 << 40, 0, Purpose::Diffusion(0));
    let (next_seed, high_seed) = (Streams::new(78), Streams::new((1 << 32) + 77));
    let neighbours = [
        ("group", (here.0, here.1, 1, here.3)),
        ("group far away", (here.0, here.1, 1 << 31, here.3)),
        ("block", (here.0, here.1 + 64, here.2, here.3)),
        (
            "path of another upper word",
            (here.0, 2 << 40, here.2, here.3),
        ),
        ("purpose", (here.0, here.1, here.2, Purpose::Diffusion(1))),
        ("kind", (here.0, here.1, here.2, Purpose::Basis(0))),
        (
            "kind far away",
            (here.0, here.1, here.2, Purpose::BridgeAnchor(0)),
        ),
        ("seed", (&next_seed, here.1, here.2, here.3)),
        (
            "upper half of the seed",
            (&high_seed, here.1, here.2, here.3),
        ),
    ];
    for (name, there) in neighbours {
        let (mut a, mut b) = (Draw::default(), Draw::default());
        let mut sums = [0.0; 4];
        for call in 0..NEIGHBOUR_CALLS {
            fill(here.0, here.1, here.2 ^ (2 * call), here.3, &mut a);
            fill(there.0, there.1, there.2 ^ (2 * call), there.3, &mut b);
            correlate(&a, &b, &mut sums);
        }
        let n = 256.0 * f64::from(NEIGHBOUR_CALLS);
        let [products, squares, shifted, shifted_squares] = sums.map(|sum| sum / n);
        let error = n.sqrt().recip();
        assert_near(name, products, 0.0, error);
        assert_near(&format!("{name}, squares"), squares, 0.0, 2.0 * error);
        assert_near(&format!("{name}, next row"), shifted, 0.0, error);
        assert_near(
            &format!("{name}, squares, next row"),
            shifted_squares,
            0.0,
            2.0 * error,
        );
    }
}

#[test]
fn sums_along_paths_are_normal_and_independent() {
    let streams = Streams::new(3);
    let mut draw = Draw::default();
    let (mut sums, mut squares) = (Vec::new(), Vec::new());
    for block in 0..3_000u64 {
        let (mut sum, mut square) = ([0.0; 64], [0.0; 64]);
        for group in 0..16 {
            fill(
                &streams,
                block * 64,
                group,
                Purpose::Diffusion(1),
                &mut draw,
            );
            for row in &draw.0 {
                for lane in 0..64 {
                    sum[lane] += row[lane] / 8.0;
                    square[lane] += row[lane] * row[lane] - 1.0;
                }
            }
        }
        sums.extend(sum);
        squares.extend(square);
    }
    let n = sums.len() as f64;
    let neighbours: f64 = sums.windows(2).map(|pair| pair[0] * pair[1]).sum();
    assert_near(
        "product of neighbours",
        neighbours / n,
        0.0,
        n.sqrt().recip(),
    );
    // A sum of 64 centred squares has variance 128, and excess kurtosis 12 / 64.
    let spread = squares.iter().map(|s| s * s).sum::<f64>() / n;
    assert_near(
        "spread of squares",
        spread,
        128.0,
        128.0 * ((2.0 + 12.0 / 64.0) / n).sqrt(),
    );
    let both: f64 = sums.iter().zip(&squares).map(|(s, q)| s * q).sum();
    assert_near("sum and squares", both / n, 0.0, (128.0 / n).sqrt() * 1.1);
    assert_uniform("sums", sums.into_iter().map(cdf).collect());
}

#[test]
fn bridge_uniforms_are_uniform_and_independent() {
    let streams = Streams::new(41);
    let uniform = |path, step, number| streams.uniform_32(path, step, Purpose::Bridge(number));
    let mut sample = Vec::new();
    let mut sums = [0.0; 5];
    for path in 0..2_000u64 {
        for step in 0..500u32 {
            let u = uniform(path, step, 0);
            assert!((SMALLEST_UNIFORM_32..1.0).contains(&u));
            let normal = streams.normals(path, step, Purpose::Diffusion(0))[0];
            let others = [
                uniform(path + 1, step, 0) - 0.5,
                uniform(path, step + 1, 0) - 0.5,
                uniform(path, step, 1) - 0.5,
                normal / 12.0f64.sqrt(),
                streams.uniforms(path, step, Purpose::JumpTime(0))[0] - 0.5,
            ];
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += (u - 0.5) * other * 12.0;
            }
            sample.push(u);
        }
    }
    let n = sample.len() as f64;
    for (sum, name) in sums
        .into_iter()
        .zip(["path", "step", "contract", "normal", "jump"])
    {
        assert_near(name, sum / n, 0.0, n.sqrt().recip());
    }
    assert_uniform("bridge uniforms", sample);
}

/// The slow twin: the ziggurat of `rand_distr` fed by the same generator, one path after the other.
#[test]
fn the_ziggurat_agrees() {
    let streams = Streams::new(5);
    let (mut ours, mut theirs) = (Moments::default(), Moments::default());
    let mut draw = Draw::default();
    for call in 0..12_000u32 {
        fill(&streams, 0, call, Purpose::Basis(0), &mut draw);
        ours.add(&draw);
        let mut sequence = streams.sequence(u64::from(call), Purpose::Basis(1));
        for z in draw.0.as_flattened_mut() {
            *z = StandardNormal.sample(&mut sequence);
        }
        theirs.add(&draw);
    }
    check_moments(&theirs);
    let n = ours.count();
    let names = ["mean", "variance", "third moment", "fourth moment"];
    let variances = [1.0, 2.0, 15.0, 96.0];
    for (k, name) in names.into_iter().enumerate() {
        let error = (2.0 * variances[k] / n).sqrt();
        assert_near(name, ours.means()[k], theirs.means()[k], error);
    }
    for (k, &threshold) in THRESHOLDS[..4].iter().enumerate() {
        let error = (2.0 * cdf(-threshold) / n).sqrt();
        for side in [0, 1] {
            let (share, other) = (ours.tail_shares(k)[side], theirs.tail_shares(k)[side]);
            assert_near(&format!("tail beyond {threshold}"), share, other, error);
        }
    }
}

//! Liquidation under Kou's double exponential jumps: probability, gaps through the barrier, and what a gap costs.

use nalgebra::Complex;

/// Nodes of the inversion contour. Usual cases are done with 24; a drift that outruns the diffusion needs about 40.
/// Rounding grows as `e^{0.17 nodes}` only, to `1e-13` here.
const CONTOUR_NODES: u32 = 48;
/// Steps from one contour node to the next on which the roots are followed.
const STEPS_BETWEEN_NODES: u32 = 16;

/// A log price with drift, diffusion and double exponential jumps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KouProcess {
    /// Drift of the log price between jumps, per year.
    pub log_drift_annual: f64,
    /// Volatility of the diffusion, per square root of a year; above 0.
    pub volatility_annual: f64,
    /// Mean number of jumps in a year.
    pub jumps_per_year: f64,
    /// Probability that a jump goes up, in `[0, 1]`.
    pub up_probability: f64,
    /// Rate of an upward jump's exponential law: its mean in log price is `1 / up_rate`; above 1.
    pub up_rate: f64,
    /// Rate of a downward jump's exponential law: its mean in log price is `-1 / down_rate`; above 0.
    pub down_rate: f64,
}

/// What a liquidation at a barrier above looks like within a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KouLiquidation {
    /// Probability of liquidation.
    pub probability: f64,
    /// Probability of liquidation by a jump over the barrier, which the barrier's price cannot be had at.
    pub by_jump_probability: f64,
    /// Probability that the jump also passes the bankruptcy price.
    pub through_bankruptcy_probability: f64,
    /// Mean loss beyond the margin, over all paths, as a fraction of the entry price.
    pub shortfall_frac: f64,
}

impl KouProcess {
    /// The same process with its log drift set so that the mean price grows by `e^{drift_annual t}`.
    #[must_use]
    pub fn with_price_drift(self, drift_annual: f64) -> Self {
        let mean_jump_frac = self.up_probability * self.up_rate / (self.up_rate - 1.0)
            + (1.0 - self.up_probability) * self.down_rate / (self.down_rate + 1.0)
            - 1.0;
        Self {
            log_drift_annual: drift_annual
                - 0.5 * self.volatility_annual.powi(2)
                - self.jumps_per_year * mean_jump_frac,
            ..self
        }
    }

    /// Probability that the log price rises by `distance` (above 0) within `t_years`, by diffusion or by a jump.
    ///
    /// Absolute error about `1e-11`.
    ///
    /// # Source
    /// S. G. Kou and H. Wang, "First passage times of a jump diffusion process", Advances in Applied Probability 35
    /// (2003) 504-531, for the transform; J. A. C. Weideman, "Optimizing Talbot's contours for the inversion of the
    /// Laplace transform", SIAM Journal on Numerical Analysis 44 (2006) 2342-2362, for its inversion.
    pub fn hit_probability(&self, distance: f64, t_years: f64) -> f64 {
        self.probabilities(distance, t_years)[0]
    }

    /// Probability that the first rise by `distance` within `t_years` happens by a jump that lands more than
    /// `overshoot` (not negative, log price) beyond.
    ///
    /// The overshoot of a jump is exponential with `up_rate`, whatever happened before.
    pub fn overshoot_probability(&self, distance: f64, overshoot: f64, t_years: f64) -> f64 {
        (-self.up_rate * overshoot).exp() * self.probabilities(distance, t_years)[1]
    }

    /// Liquidation of a linear short of this leverage and maintenance margin, isolated and never topped up.
    ///
    /// Bankruptcy is at entry price times `1 + 1 / leverage`.
    pub fn short_liquidation(
        &self,
        leverage: f64,
        maintenance_frac: f64,
        t_years: f64,
    ) -> KouLiquidation {
        let bankruptcy_ratio = 1.0 + 1.0 / leverage;
        let distance = (bankruptcy_ratio / (1.0 + maintenance_frac)).ln();
        let [probability, by_jump] = self.probabilities(distance, t_years);
        let through = by_jump * (-self.up_rate * maintenance_frac.ln_1p()).exp();
        KouLiquidation {
            probability,
            by_jump_probability: by_jump,
            through_bankruptcy_probability: through,
            shortfall_frac: through * bankruptcy_ratio / (self.up_rate - 1.0),
        }
    }

    /// Probability of a hit, and of a hit by jump, within `t_years`.
    fn probabilities(&self, distance: f64, t_years: f64) -> [f64; 2] {
        if distance <= 0.0 {
            return [1.0, 0.0];
        }
        if t_years <= 0.0 || distance.is_infinite() {
            return [0.0; 2];
        }
        self.inverted(distance, t_years, CONTOUR_NODES)
            .map(|probability| probability.clamp(0.0, 1.0))
    }

    /// The same by inversion on a contour of this even number of nodes.
    fn inverted(&self, distance: f64, t_years: f64, node_count: u32) -> [f64; 2] {
        let nodes = f64::from(node_count);
        let spacing = 2.0 * std::f64::consts::PI / nodes;
        let scale = nodes / t_years;
        // The contour starts on the positive real axis, where the roots are told apart by their sign, and is mirrored
        // below it. From node to node the roots are followed; they never meet across the two pairs on the way.
        let mut roots = self.roots_at_start(scale * contour(0.0).0);
        let mut sums = [0.0; 2];
        let mut angle = 0.0;
        for node in 0..node_count / 2 {
            let next = spacing * (f64::from(node) + 0.5);
            let from = angle;
            for step in 1..=STEPS_BETWEEN_NODES {
                angle = from + (next - from) * f64::from(step) / f64::from(STEPS_BETWEEN_NODES);
                self.improve_roots(&mut roots, contour(angle).0 * scale);
            }
            let (point, slope) = contour(angle);
            // e^{alpha t} d alpha / (2 pi i alpha), both halves of the contour together.
            let factor = (point * nodes).exp() * slope / (point * Complex::i()) * (2.0 / nodes);
            let [hit, jump] = self.transforms(&roots, distance);
            sums[0] += (factor * hit).re;
            sums[1] += (factor * jump).re;
        }
        sums
    }

    /// `E e^{-alpha tau}` and `E e^{-alpha tau} 1{by jump}` from the two roots to the right, the first two here.
    fn transforms(&self, roots: &[Complex<f64>; 4], distance: f64) -> [Complex<f64>; 2] {
        let [near, far, ..] = *roots;
        let rate = Complex::from(self.up_rate);
        let (near_decay, far_decay) = ((-near * distance).exp(), (-far * distance).exp());
        let apart = far - near;
        let below = (rate - near) / apart;
        let above = (far - rate) / apart;
        let hit = (below * far * near_decay + above * near * far_decay) / rate;
        let jump = (rate - near) * above / rate * (near_decay - far_decay);
        [hit, jump]
    }

    /// The polynomial whose four roots solve `G(x) = alpha`, lowest power first, scaled to a leading 1.
    ///
    /// `G(x) = log_drift x + volatility^2 x^2 / 2 + jumps (p u / (u - x) + q d / (d + x) - 1)` is multiplied by
    /// `(u - x) (d + x)`, for up rate `u` and down rate `d`.
    fn polynomial(&self, alpha: Complex<f64>) -> [Complex<f64>; 4] {
        let (u, d) = (self.up_rate, self.down_rate);
        let (p, q) = (self.up_probability, 1.0 - self.up_probability);
        let (drift, half) = (self.log_drift_annual, 0.5 * self.volatility_annual.powi(2));
        let rate = self.jumps_per_year;
        // (u - x)(d + x) = u d + (u - d) x - x^2, times (half x^2 + drift x - rate - alpha), plus the jump terms.
        let constant = -(alpha + rate);
        let lead = -half;
        [
            (constant * u * d + rate * u * d) / lead,
            (constant * (u - d) + drift * u * d + rate * (p * u - q * d)) / lead,
            (-constant + drift * (u - d) + half * u * d) / lead,
            Complex::from((-drift + half * (u - d)) / lead),
        ]
    }

    /// All four roots at a real `alpha` above 0, the two positive ones first.
    fn roots_at_start(&self, alpha: Complex<f64>) -> [Complex<f64>; 4] {
        let size = self
            .polynomial(alpha)
            .iter()
            .map(|coefficient| coefficient.norm())
            .fold(1.0, f64::max)
            .powf(0.25)
            .max(self.up_rate);
        let turn = Complex::new(0.4, 0.9);
        let mut roots = [Complex::from(size); 4];
        for index in 1..4 {
            roots[index] = roots[index - 1] * turn;
        }
        for _ in 0..30 {
            self.improve_roots(&mut roots, alpha);
        }
        roots.sort_by(|a, b| b.re.total_cmp(&a.re));
        roots
    }

    /// Moves each root to the nearest one at `alpha`, all four together so that no two take the same.
    ///
    /// # Source
    /// The simultaneous iteration of Durand and Kerner.
    fn improve_roots(&self, roots: &mut [Complex<f64>; 4], alpha: Complex<f64>) {
        let polynomial = self.polynomial(alpha);
        for _ in 0..40 {
            let mut moved = 0.0_f64;
            for index in 0..4 {
                let root = roots[index];
                let value = polynomial
                    .iter()
                    .rev()
                    .fold(Complex::from(1.0), |sum, coefficient| {
                        sum * root + coefficient
                    });
                let others = (0..4)
                    .filter(|other| *other != index)
                    .map(|other| root - roots[other])
                    .product::<Complex<f64>>();
                if others.norm() > 0.0 {
                    let change = value / others;
                    roots[index] -= change;
                    moved = moved.max(change.norm() / root.norm().max(1e-3));
                }
            }
            if moved < 1e-14 {
                break;
            }
        }
    }
}

/// Weideman's contour at an angle in `[0, pi)`, per unit of `nodes / t`, and its derivative by the angle.
fn contour(angle: f64) -> (Complex<f64>, Complex<f64>) {
    const WIDTH: f64 = 0.5017;
    const BEND: f64 = 0.6407;
    const SHIFT: f64 = 0.6122;
    const RISE: f64 = 0.2645;
    let bent = BEND * angle;
    let (re, slope) = if angle == 0.0 {
        (WIDTH / BEND, 0.0)
    } else {
        let cotangent = bent.tan().recip();
        let slope = WIDTH * (cotangent - bent / bent.sin().powi(2));
        (WIDTH * angle * cotangent, slope)
    };
    (
        Complex::new(re - SHIFT, RISE * angle),
        Complex::new(slope, RISE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::first_passage::Passage;

    const MONTH: f64 = 30.0 / 365.0;

    fn crypto() -> KouProcess {
        KouProcess {
            log_drift_annual: 0.0,
            volatility_annual: 0.5,
            jumps_per_year: 6.0,
            up_probability: 0.45,
            up_rate: 12.0,
            down_rate: 9.0,
        }
        .with_price_drift(0.0)
    }

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed - expected).abs() <= tolerance * expected.abs(),
            "{computed:e} against {expected:e}"
        );
    }

    #[test]
    fn liquidation_with_gaps_meets_reference_digits() {
        for (leverage, expected) in [
            (
                3.0,
                [
                    0.069_124_746_648_6,
                    0.012_994_264_184_3,
                    0.012_239_366_820_2,
                    0.001_483_559_614_57,
                ],
            ),
            (
                5.0,
                [
                    0.234_886_458_436,
                    0.028_650_638_420_4,
                    0.026_986_189_313,
                    0.002_943_947_925_06,
                ],
            ),
        ] {
            let found = crypto().short_liquidation(leverage, 0.005, MONTH);
            assert_relative(found.probability, expected[0], 1e-10);
            assert_relative(found.by_jump_probability, expected[1], 1e-10);
            assert_relative(found.through_bankruptcy_probability, expected[2], 1e-10);
            assert_relative(found.shortfall_frac, expected[3], 1e-10);
        }
    }

    #[test]
    fn published_setting_meets_reference_digits() {
        let process = KouProcess {
            log_drift_annual: 0.1,
            volatility_annual: 0.2,
            jumps_per_year: 3.0,
            up_probability: 0.5,
            up_rate: 50.0,
            down_rate: 50.0,
        };
        assert_relative(process.hit_probability(0.3, 1.0), 0.271_710_173_867, 1e-10);
    }

    #[test]
    fn without_jumps_it_is_the_closed_form() {
        let without_jumps = KouProcess {
            jumps_per_year: 0.0,
            volatility_annual: 0.6,
            ..crypto()
        };
        for drift in [-0.5, 0.0, 0.5] {
            for (ratio, t_years) in [(1.05, 0.01), (1.2, MONTH), (1.5, 0.25), (2.0, 2.0)] {
                let diffusion = Passage {
                    drift_annual: drift,
                    volatility_annual: 0.6,
                    barrier_ratio: ratio,
                };
                let computed = without_jumps
                    .with_price_drift(drift)
                    .hit_probability(ratio.ln(), t_years);
                assert!((computed - diffusion.hit_probability(t_years)).abs() < 1e-11);
                let jump = without_jumps.overshoot_probability(ratio.ln(), 0.0, t_years);
                assert!(jump.abs() < 1e-11, "{jump:e}");
            }
        }
    }

    #[test]
    fn tiny_frequent_jumps_become_diffusion() {
        // Jumps of variance 2 / rate^2 each, 50,000 a year, add 0.04 to the variance; the overshoot moves the barrier
        // by about 1 / rate, hence the loose bound.
        let rate = 1_581.138_830_084_19;
        let process = KouProcess {
            log_drift_annual: 0.0,
            volatility_annual: 0.2,
            jumps_per_year: 50_000.0,
            up_probability: 0.5,
            up_rate: rate,
            down_rate: rate,
        };
        let diffusion = Passage {
            drift_annual: 0.04,
            volatility_annual: 0.08_f64.sqrt(),
            barrier_ratio: 0.3_f64.exp(),
        };
        let computed = process.hit_probability(0.3, 1.0);
        let expected = diffusion.hit_probability(1.0);
        assert!((computed - expected).abs() < 1e-3, "{computed} {expected}");
    }

    #[test]
    fn rare_jumps_are_the_diffusion_plus_one_jump() {
        // To first order in the intensity, a hit by jump with negligible diffusion is P(jump up) e^{-u b}.
        let process = KouProcess {
            log_drift_annual: 0.0,
            volatility_annual: 0.01,
            jumps_per_year: 1e-4,
            up_probability: 0.3,
            up_rate: 5.0,
            down_rate: 4.0,
        };
        let expected = 1e-4 * 0.3 * (-5.0_f64 * 0.2).exp();
        assert_relative(process.overshoot_probability(0.2, 0.0, 1.0), expected, 2e-3);
        let farther = process.overshoot_probability(0.2, 0.1, 1.0);
        assert_relative(farther, expected * (-0.5_f64).exp(), 2e-3);
    }

    #[test]
    fn one_sided_jumps_and_edges() {
        let down_only = KouProcess {
            up_probability: 0.0,
            ..crypto()
        };
        assert!(down_only.overshoot_probability(0.1, 0.0, MONTH).abs() < 1e-11);
        let hit = down_only.hit_probability(0.1, MONTH);
        assert!(hit > 0.1 && hit < 0.9, "{hit}");
        assert_relative(crypto().hit_probability(0.0, MONTH), 1.0, 0.0);
        assert_relative(crypto().hit_probability(0.1, 0.0), 0.0, 0.0);
        assert_relative(crypto().hit_probability(f64::INFINITY, 1.0), 0.0, 0.0);
    }

    #[test]
    fn two_contours_agree_over_wild_parameters() {
        // A root lost on the way, a singularity outside a contour or too few nodes would part them.
        for volatility_annual in [0.1, 0.5, 1.5] {
            for jumps_per_year in [0.1, 10.0, 300.0] {
                for (up_probability, up_rate, down_rate) in [
                    (0.1, 3.0, 20.0),
                    (0.5, 12.0, 12.0),
                    (0.9, 60.0, 2.0),
                    (1.0, 25.0, 7.0),
                ] {
                    let process = KouProcess {
                        log_drift_annual: 0.0,
                        volatility_annual,
                        jumps_per_year,
                        up_probability,
                        up_rate,
                        down_rate,
                    }
                    .with_price_drift(0.1);
                    for (distance, t_years) in [(0.05, 1.0 / 365.0), (0.2, 0.1), (0.8, 2.0)] {
                        let fine = process.inverted(distance, t_years, CONTOUR_NODES);
                        let coarse = process.inverted(distance, t_years, 38);
                        for (a, b) in fine.into_iter().zip(coarse) {
                            assert!((a - b).abs() < 1e-11, "{process:?} {distance}: {a} {b}");
                            assert!((-1e-11..=1.0 + 1e-11).contains(&a), "{process:?}: {a}");
                        }
                        assert!(fine[1] <= fine[0] + 1e-11);
                    }
                }
            }
        }
    }

    #[test]
    fn probabilities_fall_with_distance_and_rise_with_time() {
        let mut nearer = 1.0;
        for step in 1..=60 {
            let hit = crypto().hit_probability(0.02 * f64::from(step), MONTH);
            assert!(hit < nearer, "at {step}: {hit} after {nearer}");
            nearer = hit;
        }
        let mut earlier = 0.0;
        for days in 1..=365 {
            let hit = crypto().hit_probability(0.2, f64::from(days) / 365.0);
            assert!(hit > earlier, "at {days}: {hit} after {earlier}");
            earlier = hit;
        }
    }
}

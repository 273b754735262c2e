//! The exact chance that a geometric Brownian motion stands at or past a barrier at one of equally spaced checks.

use crate::math::first_passage::Passage;
use crate::math::normal::{cdf, pdf};
use crate::math::quadrature::gauss_legendre;

/// Nodes in one panel; with panels of two step deviations the quadrature error is below rounding.
const NODES: usize = 12;
/// Panel width in step deviations.
const PANEL_DEVIATIONS: f64 = 2.0;
/// Normal mass beyond this many deviations is left out (about `1e-21`).
const REACH: f64 = 9.5;

/// Probability that the barrier is found reached at one of `steps` equally spaced checks, the last at `t_years`.
///
/// The density of the paths still alive is carried from check to check by Gauss-Legendre panels that end at the
/// barrier; the mass lost at each check is summed, so that small probabilities keep their digits (about 11).
/// The work grows with `steps^1.5`: an hourly check of a month takes a fraction of a second.
/// Volatility must be above 0.
pub fn hit_probability(passage: &Passage, t_years: f64, steps: u32) -> f64 {
    let distance = passage.log_distance();
    if steps == 0 || distance.is_infinite() || t_years <= 0.0 {
        return 0.0;
    }
    let dt_years = t_years / f64::from(steps);
    let deviation = passage.volatility_annual * dt_years.sqrt();
    let drift = passage.log_drift_to_barrier_annual() * dt_years;
    let survivors = Survivors::after_first_check(distance, drift, deviation, steps);
    let mut hit = cdf((drift - distance) / deviation);
    let mut alive = survivors.first_density(distance);
    for _ in 1..steps {
        hit += survivors.lost_at_next_check(&alive);
        alive = survivors.advance(&alive);
    }
    hit.min(1.0)
}

/// The grid of depths below the barrier and the law of one step on it.
struct Survivors {
    /// Mean step towards the barrier, and its deviation, in log price.
    drift: f64,
    deviation: f64,
    width: f64,
    panels: usize,
    rule: Vec<(f64, f64)>,
    /// `kernels[d - first_shift][to][from]`: density at node `to` of panel `p + d` from node `from` of panel `p`,
    /// times the weight of `from`.
    kernels: Vec<[[f64; NODES]; NODES]>,
    first_shift: i64,
}

impl Survivors {
    fn after_first_check(distance: f64, drift: f64, deviation: f64, steps: u32) -> Self {
        let width = PANEL_DEVIATIONS * deviation;
        let steps = f64::from(steps);
        let deepest = distance + (-drift * steps).max(0.0) + REACH * deviation * steps.sqrt();
        let panels = count(deepest / width) + 1;
        let rule = gauss_legendre(NODES);
        // A step changes the depth by `-drift` and noise; a panel can matter to one `shift` panels deeper.
        let first_shift = whole(((-drift - REACH * deviation) / width).floor()) - 1;
        let last_shift = whole(((-drift + REACH * deviation) / width).ceil()) + 1;
        let kernels = (first_shift..=last_shift)
            .map(|shift| {
                let mut kernel = [[0.0; NODES]; NODES];
                for (row, (to, _)) in kernel.iter_mut().zip(&rule) {
                    for (cell, (from, weight)) in row.iter_mut().zip(&rule) {
                        let deeper = (shift as f64 + to - from) * width;
                        let z = (deeper + drift) / deviation;
                        *cell = weight * width * pdf(z) / deviation;
                    }
                }
                kernel
            })
            .collect();
        Self {
            drift,
            deviation,
            width,
            panels,
            rule,
            kernels,
            first_shift,
        }
    }

    /// Density of the depth below the barrier after the first step.
    fn first_density(&self, distance: f64) -> Vec<[f64; NODES]> {
        self.depths()
            .map(|depths| {
                depths.map(|depth| {
                    pdf((depth - distance + self.drift) / self.deviation) / self.deviation
                })
            })
            .collect()
    }

    /// Depth of each node, panel by panel from the barrier down.
    fn depths(&self) -> impl Iterator<Item = [f64; NODES]> {
        (0..self.panels).map(|panel| {
            let mut depths = [0.0; NODES];
            for (depth, (node, _)) in depths.iter_mut().zip(&self.rule) {
                *depth = (panel as f64 + node) * self.width;
            }
            depths
        })
    }

    fn lost_at_next_check(&self, alive: &[[f64; NODES]]) -> f64 {
        let farthest = REACH * self.deviation + self.drift.max(0.0);
        self.depths()
            .zip(alive)
            .take_while(|(depths, _)| depths[0] < farthest + self.width)
            .map(|(depths, densities)| {
                let mut lost = 0.0;
                for ((depth, density), (_, weight)) in depths.iter().zip(densities).zip(&self.rule)
                {
                    lost += weight * density * cdf((self.drift - depth) / self.deviation);
                }
                lost * self.width
            })
            .sum()
    }

    fn advance(&self, alive: &[[f64; NODES]]) -> Vec<[f64; NODES]> {
        let mut next = vec![[0.0; NODES]; alive.len()];
        for (to, row) in (0_i64..).zip(next.iter_mut()) {
            for (shift, kernel) in (self.first_shift..).zip(&self.kernels) {
                let Some(from) = usize::try_from(to - shift).ok().and_then(|i| alive.get(i)) else {
                    continue;
                };
                for (cell, loadings) in row.iter_mut().zip(kernel) {
                    *cell += loadings.iter().zip(from).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        }
        next
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a panel count is small and not negative"
)]
fn count(panels: f64) -> usize {
    panels.ceil() as usize
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a shift in panels is a small whole number"
)]
fn whole(shift: f64) -> i64 {
    shift as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::first_passage::{barrier_ratio_for_probability, linear_short_barrier_ratio};

    const MONTH: f64 = 30.0 / 365.0;

    fn passage(barrier_ratio: f64) -> Passage {
        Passage {
            drift_annual: 0.0,
            volatility_annual: 0.6,
            barrier_ratio,
        }
    }

    fn assert_relative(computed: f64, expected: f64, tolerance: f64) {
        assert!(
            (computed / expected - 1.0).abs() <= tolerance,
            "{computed:e} against {expected:e}"
        );
    }

    // The expected values of the next two tests are from a rule of another kind, one Gauss-Legendre interval over all
    // depths, good to 12 digits.
    #[test]
    fn discrete_checks_meet_reference_digits() {
        for (leverage, expected) in [
            (
                5.0,
                [
                    0.232_936_007_473_66,
                    0.250_150_210_728_91,
                    0.266_730_687_370_11,
                ],
            ),
            (
                10.0,
                [
                    0.500_729_255_163_03,
                    0.529_916_841_665_87,
                    0.557_017_499_093_76,
                ],
            ),
        ] {
            let liquidation = passage(linear_short_barrier_ratio(leverage, 0.005));
            for (steps, expected) in [30, 90, 720].into_iter().zip(expected) {
                let computed = hit_probability(&liquidation, MONTH, steps);
                assert_relative(computed, expected, 1e-12);
            }
        }
    }

    #[test]
    fn deep_tail_ratios_to_continuous_watching_meet_reference_digits() {
        for (probability, exact, corrected) in [
            (
                1e-2,
                [
                    0.754_472_256_414_83,
                    0.843_773_456_003_70,
                    0.939_775_585_162_64,
                ],
                None,
            ),
            (
                1e-3,
                [
                    0.716_829_960_462_32,
                    0.815_298_799_177_99,
                    0.927_128_840_969_23,
                ],
                Some([0.680_705_411_126, 0.801_900_940_845, 0.925_287_731_984]),
            ),
            (
                1e-5,
                [
                    0.665_469_410_042_21,
                    0.773_355_890_779_40,
                    0.907_293_945_112_26,
                ],
                Some([0.607_661_844_606, 0.751_056_218_25, 0.904_113_800_321]),
            ),
        ] {
            let ratio = barrier_ratio_for_probability(0.0, 0.6, MONTH, probability);
            for (index, steps) in [30, 90, 720].into_iter().enumerate() {
                let computed = hit_probability(&passage(ratio), MONTH, steps) / probability;
                assert_relative(computed, exact[index], 1e-11);
                if let Some(corrected) = corrected {
                    let computed = passage(ratio).corrected_hit_probability(MONTH, steps);
                    assert_relative(computed / probability, corrected[index], 1e-10);
                }
            }
        }
    }

    #[test]
    fn one_check_is_the_normal_tail_on_either_side() {
        let s = 0.6 * MONTH.sqrt();
        let drift = -0.18 * MONTH;
        let above = hit_probability(&passage(1.2), MONTH, 1);
        assert_relative(above, cdf((drift - 1.2_f64.ln()) / s), 1e-14);
        let below = hit_probability(&passage(0.8), MONTH, 1);
        assert_relative(below, cdf((0.8_f64.ln() - drift) / s), 1e-14);
    }

    #[test]
    fn two_checks_meet_a_direct_quadrature_under_strong_drift() {
        // P(reached at 1 or 2) = P(at 1) + integral of the density after step 1 over depths, times the tail.
        for drift_annual in [-40.0, 40.0] {
            let strong = Passage {
                drift_annual,
                ..passage(1.3)
            };
            let deviation = 0.6 * (MONTH / 2.0).sqrt();
            let drift = (drift_annual - 0.18) * MONTH / 2.0;
            let distance = 1.3_f64.ln();
            let centre = distance - drift;
            let (low, high) = (
                (centre - 9.0 * deviation).max(0.0),
                centre + 9.0 * deviation,
            );
            let mut expected = cdf(-centre / deviation);
            if high > low {
                for (u, weight) in gauss_legendre(60) {
                    let depth = low + u * (high - low);
                    expected += weight * (high - low) * pdf((depth - centre) / deviation)
                        / deviation
                        * cdf((drift - depth) / deviation);
                }
            }
            assert_relative(hit_probability(&strong, MONTH, 2), expected, 1e-10);
        }
    }

    #[test]
    fn barriers_that_do_not_exist_are_never_reached() {
        assert!(hit_probability(&passage(f64::INFINITY), MONTH, 30) <= 0.0);
        assert!(hit_probability(&passage(1.2), MONTH, 0) <= 0.0);
    }
}

//! The largest rises of the required collateral within a day and within a week.

use multiversion::multiversion;

use crate::ledger::book::rules::BookRules;
use crate::ledger::book::state::rows;
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// Rises within two windows, for all lanes.
#[derive(Debug, Clone)]
pub(super) struct LargestCalls {
    windows: Vec<Window>,
}

/// One window: the running maximum at its steps, the oldest where the next one goes.
#[derive(Debug, Clone)]
struct Window {
    past_usd: Vec<LaneArray>,
    largest_usd: LaneArray,
}

impl LargestCalls {
    /// Windows as the plan reports them; none if it does not.
    pub(super) fn new(rules: &BookRules) -> Self {
        let window = |steps: usize| Window {
            past_usd: rows(steps, 0.0),
            largest_usd: [0.0; LANES],
        };
        let windows = if rules.liquidity_at_risk {
            rules.call_windows.map(window).into()
        } else {
            Vec::new()
        };
        Self { windows }
    }

    /// Sets them to time 0, with what is required then.
    pub(super) fn start(&mut self, required_usd: &LaneArray) {
        for window in &mut self.windows {
            // What lies before time 0 was no less, so that nothing rises from there.
            window.past_usd.fill(*required_usd);
            window.largest_usd.fill(0.0);
        }
    }

    /// A step has ended with so much required.
    pub(super) fn record(&mut self, step: usize, required_usd: &LaneArray) {
        for window in &mut self.windows {
            let place = step % window.past_usd.len();
            rise(
                &window.past_usd[place],
                required_usd,
                &mut window.largest_usd,
            );
            window.past_usd[place] = *required_usd;
        }
    }

    /// The largest rises of one lane.
    pub(super) fn largest_usd(&self, lane: usize) -> [f64; 2] {
        let largest = |w: usize| self.windows.get(w).map_or(0.0, |w| w.largest_usd[lane]);
        [largest(0), largest(1)]
    }
}

/// The running maximum never falls: within a window it has risen most since its oldest step.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn rise(past_usd: &LaneArray, now_usd: &LaneArray, largest_usd: &mut LaneArray) {
    for lane in 0..LANES {
        let risen = now_usd[lane] - past_usd[lane];
        largest_usd[lane] = if risen > largest_usd[lane] {
            risen
        } else {
            largest_usd[lane]
        };
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_rise_counts_within_its_window_only() {
        let window = |steps: usize| Window {
            past_usd: rows(steps, 0.0),
            largest_usd: [0.0; LANES],
        };
        let mut calls = LargestCalls {
            windows: vec![window(1), window(3)],
        };
        calls.start(&[10.0; LANES]);
        for (step, required) in [(1, 12.0), (2, 15.0), (3, 15.0), (4, 16.0), (5, 16.0)] {
            calls.record(step, &[required; LANES]);
        }
        assert_eq!(calls.largest_usd(7), [3.0, 5.0]);
    }
}

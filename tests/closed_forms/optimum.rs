//! The best hedge under geometric Brownian motion: least variance without margin, and less than that where a liquidation costs.

use std::sync::atomic::AtomicBool;

use hedgesim::choice::grid::{Grid, Point};
use hedgesim::choice::optimum::constraint::{Constraint, Origin};
use hedgesim::choice::optimum::measure::Measure;
use hedgesim::choice::optimum::objective::{Direction, Objective};
use hedgesim::choice::optimum::outcome::{Best, Found, Optimum, Problem};
use hedgesim::choice::optimum::search::{Draw, optimize};
use hedgesim::choice::optimum::simulated::{Simulated, fresh_seed};
use hedgesim::math::first_passage::Passage;
use hedgesim::math::min_variance::LognormalPair;
use hedgesim::plan::types::{Comparison, Plan};
use hedgesim::stats::estimate::Estimate;

use crate::common::bounds::assert_near;
use crate::common::scenario_text::{PLAIN, plan};

/// What is asked for.
struct Asked<'a> {
    overrides: &'a str,
    over: &'a str,
    objective: Measure,
    liquidation_price: f64,
    most_liquidated: Option<f64>,
}

fn solve(asked: &Asked<'_>) -> Optimum {
    let grid = Grid::parse(&[asked.over.to_owned()]).expect("a grid");
    let constraint = |bound: f64| Constraint {
        text: format!("liquidation.probability <= {bound}"),
        measure: Measure::Summary("liquidation.probability".to_owned()),
        comparison: Comparison::AtMost,
        bound,
        origin: Origin::Argument,
    };
    let problem = Problem {
        grid: &grid,
        objective: Objective {
            measure: asked.objective.clone(),
            direction: Direction::Minimize,
        },
        constraints: asked.most_liquidated.map(constraint).into_iter().collect(),
        capital: Measure::Summary("collateral.peak.mean".to_owned()),
        rounds: 4,
    };
    let resolve = |point: &Point, draw: Draw| -> Option<Plan> {
        let mut plan = plan(
            PLAIN,
            &format!("{}\n{}", asked.overrides, point.overrides().join("\n")),
        );
        if draw == Draw::Fresh {
            plan.simulation.seed = fresh_seed(plan.simulation.seed);
        }
        Some(plan)
    };
    let mut evaluator = Simulated {
        measures: problem.measures(),
        liquidation_price: asked.liquidation_price,
        resolve: &resolve,
        memory_bytes: None,
        stop: &AtomicBool::new(false),
        announce: &|_| {},
        watcher: &(),
        views: None,
    };
    match optimize(&problem, &mut evaluator) {
        Ok(optimum) => optimum,
        Err(stopped) => panic!("{stopped:?}"),
    }
}

fn best(optimum: &Optimum) -> (&Best, f64) {
    match &optimum.found {
        Found::Best(best) => {
            let (_, value) = &optimum.evaluated[best.index].point.values[0];
            (best, value.number().expect("a number"))
        }
        Found::Nothing(nothing) => panic!("{nothing:?}"),
    }
}

/// 200,000 paths. The sample's own best ratio has a standard error of 0.0025 (the regression of the price on the hedge; `cross_hedge`
/// computes it), the search ends within half of 0.1/16. A hedge sized by the beta of prices or without the correlation would be
/// off by a tenth and more.
#[test]
fn without_margin_the_optimum_is_the_ratio_of_least_variance() {
    let pair = LognormalPair {
        spot_usd: 3000.0,
        futures_usd: 60_000.0,
        spot_drift_annual: 0.0,
        futures_drift_annual: 0.0,
        spot_volatility_annual: 0.8,
        futures_volatility_annual: 0.6,
        correlation: 0.85,
        t_years: 30.0 / 365.0,
    };
    let exact = pair.linear_hedge();
    let truth = exact.short_quantity * 20.0;
    let optimum = solve(&Asked {
        overrides: "simulation.seed=82
             simulation.step=\"30d\"
             assets.X={ spot_usd = 3000, model.gbm = { volatility = 0.8 } }
             assets.F={ spot_usd = 60000, model.gbm = { volatility = 0.6 } }
             correlations=[{ between = [\"X\", \"F\"], value = 0.85 }]
             contracts.perp.underlying=\"F\"
             accounts.main.collateral_usd=1_000_000",
        over: "hedges.0.ratio.fixed=0.4:1.6:0.1",
        objective: Measure::Summary("hedged.std_dev".to_owned()),
        liquidation_price: 1.0,
        most_liquidated: None,
    });
    let (found, ratio) = best(&optimum);
    let allowed = 4.892 * 0.0025 + 0.1 / 32.0;
    assert!((ratio - truth).abs() < allowed, "{ratio} against {truth}");
    assert!(found.edges.is_empty() && optimum.binding.is_empty());
    // The variance there, on fresh random numbers, is the closed form's least.
    let unhedged = 3000.0_f64.powi(2) * ((0.64_f64 * 30.0 / 365.0).exp() - 1.0);
    let least = (unhedged * (1.0 - exact.effectiveness_frac)).sqrt();
    let Estimate {
        value, std_error, ..
    } = found.fresh[0];
    assert_near("least deviation", value.unwrap(), least, std_error.unwrap());
}

/// One coin at 100 USD, 60 % volatility, 30 days, shorted with ratio `h` on a fixed collateral, nothing topped up or rebuilt: with `X`
/// the price's change and `B` the liquidation price, P&L is `(1 - h) X + h (S_T - B) 1{hit}`. Moments over paths that hit follow
/// from first passage under the price as unit of account.
struct Squeezed {
    collateral_usd: f64,
    liquidation_price: f64,
}

const T_YEARS: f64 = 30.0 / 365.0;
const SPOT_USD: f64 = 100.0;

impl Squeezed {
    fn barrier_ratio(&self, ratio: f64) -> f64 {
        (1.0 + self.collateral_usd / (ratio * SPOT_USD)) / 1.005
    }

    fn hit_probability(&self, ratio: f64) -> f64 {
        self.hit(ratio, 0.0)
    }

    fn hit(&self, ratio: f64, power: f64) -> f64 {
        let passage = Passage {
            drift_annual: 0.0,
            volatility_annual: 0.6,
            barrier_ratio: self.barrier_ratio(ratio),
        };
        passage.hit_probability_tilted(T_YEARS, power)
    }

    /// `Var(P&L) + gamma Var(X) P(hit)`, USD squared.
    fn objective(&self, ratio: f64) -> f64 {
        let barrier = SPOT_USD * self.barrier_ratio(ratio);
        let growth = (0.36 * T_YEARS).exp();
        let hit = self.hit(ratio, 0.0);
        let first = SPOT_USD * self.hit(ratio, 1.0);
        let second = SPOT_USD * SPOT_USD * growth * self.hit(ratio, 2.0);
        let unhedged = SPOT_USD * SPOT_USD * (growth - 1.0);
        let lost_mean = first - barrier * hit;
        let lost = second - 2.0 * barrier * first + barrier * barrier * hit - lost_mean * lost_mean;
        let both = second - (SPOT_USD + barrier) * first + SPOT_USD * barrier * hit;
        let (bare, short) = (1.0 - ratio, ratio);
        bare * bare * unhedged
            + short * short * lost
            + 2.0 * bare * short * both
            + self.liquidation_price * unhedged * hit
    }

    /// The best ratio, to a ten-thousandth, by looking at all.
    fn best_ratio(&self) -> f64 {
        let ratios = (500..13_000).map(|k| f64::from(k) / 1e4);
        ratios
            .min_by(|a, b| self.objective(*a).total_cmp(&self.objective(*b)))
            .expect("many ratios")
    }

    fn solve(&self, most_liquidated: Option<f64>) -> Optimum {
        solve(&Asked {
            overrides: &format!(
                "simulation.seed=83\naccounts.main.collateral_usd={}",
                self.collateral_usd
            ),
            over: "hedges.0.ratio.fixed=0.1:1.2:0.1",
            objective: Measure::AlexanderDengZou,
            liquidation_price: self.liquidation_price,
            most_liquidated,
        })
    }
}

/// 200,000 paths: on a small collateral the best hedge is well under 1, the more so the dearer a liquidation is, and found where the closed form
/// has it. The curve is flat there: ratios within 0.03 of the best are within a few standard errors of the objective.
#[test]
fn where_a_liquidation_costs_the_optimum_of_alexander_deng_zou_is_the_closed_form() {
    for (collateral_usd, liquidation_price, published) in
        [(20.0, 0.0, 0.810), (20.0, 1.0, 0.623), (10.0, 0.5, 0.442)]
    {
        let case = Squeezed {
            collateral_usd,
            liquidation_price,
        };
        let truth = case.best_ratio();
        // Computed with the same formulas elsewhere, to three digits.
        assert!((truth - published).abs() < 1e-3, "{truth}");
        let optimum = case.solve(None);
        let (found, ratio) = best(&optimum);
        let what = format!("collateral {collateral_usd}, price {liquidation_price}");
        assert!(ratio < 0.95, "{what}: under the ratio without margin");
        assert!(
            (ratio - truth).abs() < 0.03,
            "{what}: {ratio} against {truth}"
        );
        let regret = case.objective(ratio) / case.objective(truth) - 1.0;
        assert!((0.0..2e-3).contains(&regret), "{what}: {regret}");
        let Estimate {
            value, std_error, ..
        } = found.fresh[0];
        let exact = case.objective(ratio);
        assert!(std_error.unwrap() < 0.01 * exact, "{what}");
        assert_near(&what, value.unwrap(), exact, std_error.unwrap());
    }
    // With money enough there is nothing to fear: a full hedge, whatever a liquidation costs.
    let rich = Squeezed {
        collateral_usd: 10_000.0,
        liquidation_price: 5.0,
    };
    let optimum = rich.solve(None);
    let (found, ratio) = best(&optimum);
    assert!((ratio - 1.0).abs() < 1e-12, "{ratio}");
    assert_eq!(found.fresh[0].value, Some(0.0));
}

/// 200,000 paths: a probability of 5 % has a standard error of 0.0005, its upper limit lies 0.001 higher. The best ratio that keeps it on both
/// sets of random numbers must truly keep it, and not by more than five standard errors and a step.
#[test]
fn a_limit_on_liquidation_is_kept_in_truth_and_used_up() {
    let case = Squeezed {
        collateral_usd: 20.0,
        liquidation_price: 0.0,
    };
    let optimum = case.solve(Some(0.05));
    let (found, ratio) = best(&optimum);
    assert_eq!(optimum.binding, [0]);
    let truly = case.hit_probability(ratio);
    assert!(truly < 0.05, "{truly}");
    let error = (0.05 * 0.95 / 200_000.0_f64).sqrt();
    let a_step_further = case.hit_probability(ratio + 2.0 * 0.1 / 16.0);
    assert!(a_step_further > 0.05 - 5.0 * error, "{a_step_further}");
    let upper = found.fresh[1].ci95.unwrap()[1];
    assert!(upper <= 0.05, "{upper}");
    // Nothing keeps what no ratio of the grid keeps: 1 USD under the smallest of them is a leverage of 10.
    let nobody = Squeezed {
        collateral_usd: 1.0,
        liquidation_price: 0.0,
    };
    let optimum = nobody.solve(Some(0.05));
    let Found::Nothing(nothing) = &optimum.found else {
        panic!("{:?}", optimum.found);
    };
    assert_eq!(optimum.binding, [0]);
    let nearest = optimum.evaluated[nothing.nearest].point.values[0]
        .1
        .number();
    assert_eq!(nearest, Some(0.1));
    let exact = nobody.hit_probability(0.1);
    let reachable = nothing.reachable[0].unwrap();
    let error = (exact * (1.0 - exact) / 200_000.0).sqrt();
    let upper = exact + 1.96 * error;
    assert_near("the bound that could be kept", reachable, upper, error);
}

//! What one hedged programme needs of the plan, flat and ready for the lane loops.

use crate::hedge::target::target_short_base;
use crate::ledger::trades::is_short_of;
use crate::market::tile::TileJump;
use crate::math::random::SMALLEST_UNIFORM_32;
use crate::math::vector::{LARGEST_NORMAL, exp, ln};
use crate::plan::types::{AfterLiquidation, Crossing, MarginCallPlan, Plan, Rebalance};
use crate::venue::rules::ContractRules;

/// `beta = -zeta(1/2) / sqrt(2 pi)`: by how many standard deviations of a step a barrier watched at step ends is to be
/// moved to stand for one watched always.
///
/// # Source
/// Broadie, Glasserman, Kou 1997, "A continuity correction for discrete barrier options", Math. Finance 7(4).
pub const CONTINUITY_CORRECTION: f64 = 0.582_597_157_939;

/// Room for rounding beside a mark that is tested instead of many.
const ROUNDING_FRAC: f64 = 1e-9;

/// The largest move of the mark at a jump away from where the step's ends would have it, in standard deviations of the step:
/// its own standard deviation is at most half the step's.
const LARGEST_ANCHOR: f64 = 0.5 * LARGEST_NORMAL;

/// How far both ends of a bridge must lie under a level, in logarithms, for no uniform to have it cross:
/// `exp(-2 a b / v) <= u  <=>  a b >= v ln(1/u) / 2`, with both distances `a` and `b` at its root.
fn bridge_reach(step_variance: f64) -> f64 {
    (-0.5 * ln(SMALLEST_UNIFORM_32) * step_variance).sqrt()
}

/// The same beside one jump, without the anchor's deviation: at its largest, `A`, the distances are `d` and `d - A`, and
/// `d (d - A) >= v ln(1/u) / 2`.
pub(crate) fn jump_reach(step_variance: f64) -> f64 {
    let half_anchor = 0.5 * LARGEST_ANCHOR * step_variance.sqrt();
    half_anchor + half_anchor.hypot(bridge_reach(step_variance))
}

/// The largest growth that is told apart, as a logarithm: an endless mark would hide itself in `0 * infinity`.
const LARGEST_GROWTH: f64 = 350.0;

/// At least `exp(x)` but for rounding, for `x >= 0`, by little while `x` is small:
/// `ln((1 + y) / (1 - y)) = 2 (y + y^3/3 + ...) >= 2 y`.
fn growth_bound(x: f64) -> f64 {
    if x < 1.0 {
        (1.0 + 0.5 * x) / (1.0 - 0.5 * x)
    } else {
        exp(x.min(LARGEST_GROWTH))
    }
}

/// One holding, its hedge and its account.
#[derive(Debug, Clone)]
pub struct ProgrammeRules {
    /// Index of the held asset.
    pub held: usize,
    /// Index of the contract's underlying.
    pub underlying: usize,
    /// Index of the contract.
    pub contract: usize,
    /// Number of assets (terminal spots).
    pub assets: usize,
    /// Steps of the simulation.
    pub steps: usize,
    /// Length of a step in days.
    pub step_days: f64,
    /// Length of a step in years.
    pub step_years: f64,
    /// How crossings are found.
    pub crossing: Crossing,
    /// Spot of the held asset at time 0.
    pub initial_spot_usd: f64,
    /// Spot of the underlying at time 0.
    pub initial_underlying_usd: f64,
    /// Mark at time 0.
    pub initial_mark_usd: f64,
    /// Inventory at time 0.
    pub quantity_base: f64,
    /// Inventory sold at the end of each step; index 0 unused.
    pub sales_base: Vec<f64>,
    /// Slippage of trades and of sales.
    pub slippage_frac: f64,
    /// Whether there is a hedge.
    pub is_hedged: bool,
    /// Hedge ratio `h`.
    pub hedge_ratio: f64,
    /// Coverage `phi`.
    pub coverage_frac: f64,
    /// Whether the planned short is the covered fraction of the inventory in the held asset itself, at all times.
    pub tracks_exactly: bool,
    /// Rebalancing rule.
    pub rebalance: Rebalance,
    /// Planned and actual short at time 0.
    pub initial_short_base: f64,
    /// `q E` of the position at time 0, USD.
    pub entry_notional_usd: f64,
    /// Size traded at time 0, base units, without sign.
    pub opening_trade_base: f64,
    /// Whether the trade at time 0 was cut for want of margin.
    pub is_opening_cut: bool,
    /// Short that the plan wants at time 0.
    pub planned_short_base: f64,
    /// `q_p E` of the planned position at time 0, USD.
    pub planned_entry_notional_usd: f64,
    /// Size that the plan trades at time 0.
    pub planned_opening_trade_base: f64,
    /// Balance at time 0 without unrealised profit.
    pub collateral_usd: f64,
    /// Reserve at time 0.
    pub reserve_usd: f64,
    /// Collateral required at time 0.
    pub initial_requirement_usd: f64,
    /// Margin policy.
    pub margin_call: Option<MarginCallPlan>,
    /// Steps between two watching moments.
    pub watch_steps: usize,
    /// Slippage of a liquidation.
    pub liquidation_slippage_frac: f64,
    /// After a liquidation.
    pub after_liquidation: AfterLiquidation,
    /// Interest on net cash contributed, per step.
    pub cost_of_funds_per_step: f64,
    /// The venue's rules.
    pub venue: ContractRules,
    /// Variance of the diffusive `ln F` over a step.
    pub step_variance: f64,
    /// Factor on the mark for the required collateral.
    pub requirement_shift: f64,
    /// A bridge without jumps, both of whose ends are under the level by this factor, cannot cross.
    pub(crate) clearance: f64,
    /// The same for the two bridges beside one jump, whatever its anchor, if both ends of both would be under the level by
    /// this factor without the anchor's deviation.
    jump_clearance: f64,
}

impl ProgrammeRules {
    /// Flattens hedge `index` of a plan. `step_variance` is that of its contract's diffusive `ln F`.
    #[expect(clippy::too_many_lines, reason = "one field after the other")]
    pub fn new(plan: &Plan, index: usize, step_variance: f64) -> Self {
        let hedge = plan.hedges[index];
        let holding = &plan.holdings[hedge.covers];
        let account = &plan.accounts[hedge.account];
        let contract = &plan.market.contracts[hedge.contract];
        let simulation = &plan.simulation;
        let underlying = contract.underlying;
        let initial_spot_usd = plan.market.assets[holding.asset].spot_usd;
        let initial_underlying_usd = plan.market.assets[underlying].spot_usd;
        let initial_mark_usd = initial_underlying_usd * exp(contract.initial_basis());
        let mut sales_base = vec![0.0; simulation.steps as usize + 1];
        for sale in &holding.sales {
            sales_base[sale.step as usize] += sale.quantity_base;
        }
        let is_hedged = !hedge.is_absent();
        let target_base = target_short_base(
            hedge.hedge_ratio,
            holding.quantity_base,
            initial_spot_usd,
            initial_underlying_usd,
        );
        let taken = hedge.opened.map_or(0.0, |opened| opened.quantity_base);
        let taken_price_usd = hedge
            .opened
            .map_or(initial_mark_usd, |opened| opened.price_usd);
        let wants_trade = match (hedge.opened, hedge.rebalance) {
            (None, _) | (Some(_), Rebalance::Every { .. }) => true,
            (Some(_), Rebalance::Never) => false,
            (Some(_), Rebalance::Band { width } | Rebalance::DeltaBand { width }) => {
                let ratio =
                    taken * initial_underlying_usd / (holding.quantity_base * initial_spot_usd);
                (ratio - hedge.hedge_ratio).abs() > width
            }
        };
        let planned_short_base = if wants_trade { target_base } else { taken };
        // An opening trade that the account cannot margin was refused before; a trade on top of an open hedge is cut.
        let mut initial_short_base = planned_short_base;
        let mut is_opening_cut = false;
        if hedge.opened.is_some() && planned_short_base > taken {
            let equity_usd = account.collateral_usd + taken * (taken_price_usd - initial_mark_usd);
            let largest_base = contract.rules.largest_notional_usd(equity_usd) / initial_mark_usd;
            let allowed_base = largest_base.max(taken);
            if is_short_of(allowed_base, planned_short_base) {
                initial_short_base = allowed_base;
                is_opening_cut = true;
            }
        }
        // `q E`: what is traded at time 0 enters, or leaves, at the mark.
        let entry =
            |short_base: f64| taken * taken_price_usd + (short_base - taken) * initial_mark_usd;
        // What the position at hand needs before anything is traded: of an open hedge, beside its unrealised profit.
        let (first_base, first_unrealised_usd) = match hedge.opened {
            None => (planned_short_base, 0.0),
            Some(_) => (taken, taken * (taken_price_usd - initial_mark_usd)),
        };
        let initial_requirement_usd = contract
            .rules
            .initial_margin_usd(first_base * initial_mark_usd)
            - first_unrealised_usd;
        let venue = contract.rules.clone();
        let is_bridge = simulation.crossing == Crossing::Bridge;
        Self {
            held: holding.asset,
            underlying,
            contract: hedge.contract,
            assets: plan.market.assets.len(),
            steps: simulation.steps as usize,
            step_days: simulation.step_days,
            step_years: simulation.step_years(),
            crossing: simulation.crossing,
            initial_spot_usd,
            initial_underlying_usd,
            initial_mark_usd,
            quantity_base: holding.quantity_base,
            sales_base,
            slippage_frac: plan.execution_slippage_frac,
            is_hedged,
            hedge_ratio: hedge.hedge_ratio,
            coverage_frac: if is_hedged { hedge.coverage_frac } else { 0.0 },
            tracks_exactly: underlying == holding.asset
                && hedge.opened.is_none()
                && hedge.coverage_frac.to_bits() == hedge.hedge_ratio.to_bits(),
            rebalance: hedge.rebalance,
            initial_short_base,
            entry_notional_usd: entry(initial_short_base),
            opening_trade_base: (initial_short_base - taken).abs(),
            is_opening_cut,
            planned_short_base,
            planned_entry_notional_usd: entry(planned_short_base),
            planned_opening_trade_base: (planned_short_base - taken).abs(),
            collateral_usd: if is_hedged {
                account.collateral_usd
            } else {
                0.0
            },
            reserve_usd: if is_hedged { account.reserve_usd } else { 0.0 },
            initial_requirement_usd,
            margin_call: account.margin_call,
            watch_steps: account
                .margin_call
                .map_or(1, |call| call.every_steps as usize),
            liquidation_slippage_frac: account.liquidation_slippage_frac,
            after_liquidation: account.after_liquidation,
            cost_of_funds_per_step: if is_hedged {
                plan.cost_of_funds_annual * simulation.step_years()
            } else {
                0.0
            },
            step_variance,
            requirement_shift: if is_bridge {
                exp(CONTINUITY_CORRECTION * step_variance.sqrt())
            } else {
                1.0
            },
            clearance: (1.0 + ROUNDING_FRAC)
                * if is_bridge {
                    exp(bridge_reach(step_variance))
                } else {
                    1.0
                },
            jump_clearance: (1.0 + ROUNDING_FRAC)
                * if is_bridge {
                    exp(jump_reach(step_variance))
                } else {
                    1.0
                },
            venue,
        }
    }

    /// Whether the hedger looks at the end of `step` (counted from 1).
    pub fn is_watching(&self, step: usize) -> bool {
        self.watch_steps == 1 || step.is_multiple_of(self.watch_steps)
    }

    /// Whether a periodic rebalancing falls on the end of `step`, below the horizon.
    pub fn is_rebalancing(&self, step: usize) -> bool {
        match self.rebalance {
            Rebalance::Every { steps } => step < self.steps && step.is_multiple_of(steps as usize),
            Rebalance::Never | Rebalance::Band { .. } | Rebalance::DeltaBand { .. } => false,
        }
    }

    /// Whether something happens on every path at the end of `step`: the horizon, a sale or a periodic rebalancing.
    pub fn is_common_event(&self, step: usize) -> bool {
        step == self.steps || self.sales_base[step] > 0.0 || self.is_rebalancing(step)
    }

    /// A mark under which a level is out of reach in a step from `start_usd` to `end_usd` with these jumps, if the level lies
    /// above it; never under [`Self::clearance`] times both ends.
    pub(crate) fn jump_tested_usd(&self, start_usd: f64, end_usd: f64, jumps: &[TileJump]) -> f64 {
        let ends_usd = start_usd.max(end_usd);
        if let [jump] = jumps {
            // The drawn path before the jump lies between the start and the end without the jump, after it between the start
            // with the jump and the end; the anchor's deviation comes on top.
            let factor = growth_bound(jump.log_size.abs());
            let jumped_usd = if jump.log_size > 0.0 {
                start_usd * factor
            } else {
                end_usd * factor
            };
            return ends_usd.max(jumped_usd) * self.jump_clearance;
        }
        let jumped_log: f64 = jumps.iter().map(|jump| jump.log_size.abs()).sum();
        let deviations = jumps.len() as f64 * LARGEST_ANCHOR * self.step_variance.sqrt();
        ends_usd * self.clearance * growth_bound(jumped_log + deviations)
    }

    /// Band of the hedge ratio, if the rule is a band.
    pub fn band(&self) -> Option<f64> {
        match self.rebalance {
            Rebalance::Band { width } => Some(width),
            Rebalance::Never | Rebalance::Every { .. } | Rebalance::DeltaBand { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_growth_bound_is_close_and_never_under() {
        for i in 0..200 {
            let x = 0.01 * f64::from(i);
            assert!(growth_bound(x) >= exp(x));
            // Its series is `1 + x + x^2/2 + x^3/4 + ...`.
            assert!(x > 0.5 || growth_bound(x) <= exp(x) * (1.0 + x.powi(3) / 10.0));
        }
        assert!(growth_bound(1e9).is_finite());
    }

    /// Whatever the moment of a jump and its anchor, both bridges beside it are too far below for the smallest uniform.
    #[test]
    fn no_bridge_beside_a_jump_covers_the_jump_reach() {
        let variance: f64 = 0.02 * 0.02;
        let reach = jump_reach(variance);
        for i in 1..1000 {
            let time = 0.001 * f64::from(i);
            let anchor = LARGEST_NORMAL * (variance * time * (1.0 - time)).sqrt();
            let exponent = -2.0 * reach * (reach - anchor) / (variance * time.max(1.0 - time));
            assert!(exp(exponent) <= SMALLEST_UNIFORM_32);
        }
    }
}

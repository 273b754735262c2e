//! The hedge at a glance: margin, liquidation price and its distance, costs and funding, without simulating.

use serde::Serialize;

use crate::hedge::expected_funding::{Unsold, expected_funding_usd};
use crate::hedge::glance_legs::{LegGlance, glance_legs};
use crate::hedge::moments::{expected_mark_usd, std_dev_log_mark, variance_annual};
use crate::hedge::opening::Opening;
use crate::plan::types::{HedgePlan, Plan};

/// One hedge as it stands at time 0, opening costs paid.
///
/// Prices are USD per base unit of the mark (of an option: of the spot). What does not exist is `None`: no liquidation price
/// without a position, no distance in standard deviations where nothing moves. With several positions or coins in an account
/// prices are those at which the whole account is liquidated; see [`LegGlance::moves_together`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Glance {
    /// Name of the contract.
    pub contract: String,
    /// Name of the account.
    pub account: String,
    /// `q F_0`, without sign.
    pub notional_usd: f64,
    /// The bracket in which the notional stands, counted from 1; `None` of an option.
    pub bracket: Option<usize>,
    /// Its leverage cap.
    pub max_leverage: Option<f64>,
    /// Notional over the account's equity before opening costs; `None` without equity.
    pub leverage: Option<f64>,
    /// What the venue asks to open the position.
    pub initial_margin_usd: f64,
    /// What the venue asks to keep it.
    pub maintenance_margin_usd: f64,
    /// The mark at which the venue closes the hedge.
    pub liquidation_price_usd: Option<f64>,
    /// The mark at which equity is 0.
    pub bankruptcy_price_usd: Option<f64>,
    /// `liquidation price / F_0 - 1`.
    pub distance_frac: Option<f64>,
    /// `ln(liquidation price / F_0)` over the standard deviation of `ln F_T`.
    pub distance_std_devs: Option<f64>,
    /// Fee and slippage of the trade at time 0.
    pub entry_cost_usd: f64,
    /// Expected funding over the horizon if the hedge lives; positive is received.
    pub expected_funding_usd: f64,
    /// Name of the account's venue.
    pub venue: String,
    /// Name of the underlying asset.
    pub underlying: String,
    /// Short size after the trade at time 0, base units; negative is long.
    pub short_base: f64,
    /// `F_0`.
    pub mark_usd: f64,
    /// Equity after opening costs.
    pub equity_usd: f64,
    /// Maintenance margin over equity; `None` without equity.
    pub margin_ratio: Option<f64>,
    /// The mark at which the hedger's alarm rings.
    pub margin_call_price_usd: Option<f64>,
    /// The liquidation price if the whole reserve were in the account.
    pub liquidation_price_with_reserve_usd: Option<f64>,
    /// Fees and slippage expected for buying the short back, with the sales and at the horizon.
    pub exit_cost_usd: f64,
    /// Volatility of the underlying's diffusion, per square root of a year.
    pub diffusion_volatility_annual: f64,
    /// Volatility of the underlying with its jumps, per square root of a year.
    pub total_volatility_annual: f64,
    /// Jumps of the underlying expected over the horizon.
    pub expected_jumps: f64,
    /// Standard deviation of `ln F_T`: diffusion, jumps, basis.
    pub std_dev_log_mark: f64,
    /// What there is besides where the plan is not plain.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Box<LegGlance>>,
}

/// All hedges of a plan at a glance, in the plan's order.
pub fn glance(plan: &Plan) -> Vec<Glance> {
    if !plan.is_plain() {
        return glance_legs(plan);
    }
    plan.hedges
        .iter()
        .map(|hedge| glance_at(plan, hedge))
        .collect()
}

fn glance_at(plan: &Plan, hedge: &HedgePlan) -> Glance {
    let opening = Opening::of(plan, hedge);
    let contract = &plan.market.contracts[hedge.contract];
    let holding = &plan.holdings[hedge.covers];
    let account = &plan.accounts[hedge.account];
    let underlying = &plan.market.assets[contract.underlying];
    let rules = &contract.rules;
    let years = plan.simulation.horizon_years();
    let std_dev = std_dev_log_mark(&plan.market, contract, years);
    let notional_usd = opening.notional_usd();
    let bracket = rules.bracket_index(notional_usd);
    let equity_before_usd = opening.equity_usd() + opening.entry_cost_usd;
    let liquidation_price_usd = opening.liquidation_price_usd(rules, 0.0);
    let distance = liquidation_price_usd.map(|level_usd| level_usd / opening.mark_usd);
    Glance {
        contract: contract.name.clone(),
        account: account.name.clone(),
        notional_usd,
        bracket: Some(bracket + 1),
        max_leverage: rules.brackets[bracket].max_leverage,
        leverage: (equity_before_usd > 0.0).then(|| notional_usd / equity_before_usd),
        initial_margin_usd: rules.initial_margin_usd(notional_usd),
        maintenance_margin_usd: rules.maintenance_margin_usd(notional_usd),
        liquidation_price_usd,
        bankruptcy_price_usd: (opening.short_base > 0.0)
            .then(|| opening.cash_usd / opening.short_base),
        distance_frac: distance.map(|ratio| ratio - 1.0),
        distance_std_devs: distance
            .filter(|&ratio| ratio > 0.0 && std_dev > 0.0)
            .map(|ratio| ratio.ln() / std_dev),
        entry_cost_usd: opening.entry_cost_usd,
        expected_funding_usd: expected_funding_usd(plan, contract, holding, opening.short_base),
        venue: account.venue.clone(),
        underlying: underlying.name.clone(),
        short_base: opening.short_base,
        mark_usd: opening.mark_usd,
        equity_usd: opening.equity_usd(),
        margin_ratio: opening.margin_ratio(rules),
        margin_call_price_usd: account
            .margin_call
            .and_then(|call| opening.ratio_price_usd(rules, call.level)),
        liquidation_price_with_reserve_usd: opening
            .liquidation_price_usd(rules, account.reserve_usd),
        exit_cost_usd: exit_cost_usd(plan, hedge, &opening),
        diffusion_volatility_annual: underlying.volatility_annual,
        total_volatility_annual: variance_annual(underlying).sqrt(),
        expected_jumps: underlying.jumps.map_or(0.0, |j| j.jumps_per_year * years),
        std_dev_log_mark: std_dev,
        leg: None,
    }
}

/// Every base unit is bought back once, with a sale or at the horizon, at the mark expected then.
fn exit_cost_usd(plan: &Plan, hedge: &HedgePlan, opening: &Opening) -> f64 {
    let contract = &plan.market.contracts[hedge.contract];
    let holding = &plan.holdings[hedge.covers];
    let bought_usd = |frac: f64, step: u32| {
        let years = f64::from(step) * plan.simulation.step_years();
        frac * opening.short_base.abs() * expected_mark_usd(&plan.market, contract, years)
    };
    let steps = plan.simulation.steps;
    let with_sales_usd: f64 = holding
        .sales
        .iter()
        .map(|s| bought_usd(s.quantity_base / holding.quantity_base, s.step))
        .sum();
    let total_usd = with_sales_usd + bought_usd(Unsold::new(holding).frac_before(steps), steps);
    total_usd * (contract.rules.taker_fee_frac + plan.execution_slippage_frac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::plan::types::{AssetPlan, OpenedHedge, Rebalance, SalePlan};

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
            "{found} is not {expected}"
        );
    }

    #[test]
    fn the_flagship_hedge_stands_in_the_eighth_bracket() {
        let glance = glance(&eth_treasury()).remove(0);
        let mark_usd = 3_500.0 * 2e-4_f64.exp();
        let notional_usd = 50_000.0 * mark_usd;
        close(glance.mark_usd, mark_usd);
        close(glance.notional_usd, notional_usd);
        assert_eq!((glance.bracket, glance.max_leverage), (Some(8), Some(5.0)));
        close(glance.leverage.unwrap(), notional_usd / 60e6);
        close(glance.initial_margin_usd, notional_usd / 5.0);
        close(
            glance.maintenance_margin_usd,
            0.1 * notional_usd - 9_507_000.0,
        );
        close(glance.entry_cost_usd, notional_usd * (5e-4 + 3e-4));
        close(glance.equity_usd, 60e6 - glance.entry_cost_usd);
        // Equity 60M - cost + q F_0 - q F meets 0.1 q F - 9.507M, still in the eighth bracket (150M to 320M).
        let cash_usd = 60e6 - glance.entry_cost_usd + notional_usd;
        let level_usd = (cash_usd + 9_507_000.0) / (50_000.0 * 1.1);
        assert!((150e6..320e6).contains(&(50_000.0 * level_usd)));
        close(glance.liquidation_price_usd.unwrap(), level_usd);
        close(glance.bankruptcy_price_usd.unwrap(), cash_usd / 50_000.0);
        close(glance.distance_frac.unwrap(), level_usd / mark_usd - 1.0);
        close(
            glance.distance_std_devs.unwrap(),
            (level_usd / mark_usd).ln() / glance.std_dev_log_mark,
        );
        let with_reserve_usd = (cash_usd + 40e6 + 9_507_000.0) / (50_000.0 * 1.1);
        close(
            glance.liquidation_price_with_reserve_usd.unwrap(),
            with_reserve_usd,
        );
    }

    #[test]
    fn the_alarm_rings_where_the_ratio_is_its_level() {
        let plan = eth_treasury();
        let rules = &plan.market.contracts[0].rules;
        let opening = Opening::of(&plan, &plan.hedges[0]);
        for level in [0.05, 0.2, 0.5, 0.9] {
            let price_usd = opening.ratio_price_usd(rules, level).unwrap();
            let equity_usd = opening.cash_usd - opening.short_base * price_usd;
            close(
                rules.maintenance_margin_usd(opening.short_base * price_usd) / equity_usd,
                level,
            );
        }
        close(
            opening.ratio_price_usd(rules, 1.0).unwrap(),
            opening.liquidation_price_usd(rules, 0.0).unwrap(),
        );
        let glance = glance(&plan).remove(0);
        assert!(glance.margin_call_price_usd < glance.liquidation_price_usd);
    }

    #[test]
    fn the_standard_deviation_is_that_of_the_whole_model() {
        let glance = glance(&eth_treasury()).remove(0);
        let years = 90.0 / 365.0;
        let second_moment = 2.0 * (0.45 * 0.083_f64.powi(2) + 0.55 * 0.111_f64.powi(2));
        close(
            glance.total_volatility_annual,
            (0.36 + 6.0 * second_moment).sqrt(),
        );
        close(glance.expected_jumps, 6.0 * years);
        let basis_variance = 0.012_f64.powi(2) * (1.0 - (-400.0 * years).exp()) / 400.0;
        close(
            glance.std_dev_log_mark,
            ((0.36 + 6.0 * second_moment) * years + basis_variance).sqrt(),
        );
    }

    #[test]
    fn another_asset_is_hedged_by_value() {
        let mut plan = eth_treasury();
        plan.market.assets.push(AssetPlan {
            name: "BTC".to_owned(),
            spot_usd: 70_000.0,
            ..plan.market.assets[0].clone()
        });
        plan.market.contracts[0].underlying = 1;
        plan.market.contracts[0].process_mut().unwrap().initial = 0.01;
        plan.hedges[0].hedge_ratio = 1.2;
        let glance = glance(&plan).remove(0);
        // q H = h Q S with the spots, whatever the basis.
        close(glance.short_base, 1.2 * 175e6 / 70_000.0);
        close(glance.notional_usd, 1.2 * 175e6 * 0.01_f64.exp());
        assert_eq!(glance.underlying, "BTC");
    }

    #[test]
    fn a_hedge_already_on_trades_only_where_its_rule_asks() {
        let mut plan = eth_treasury();
        plan.hedges[0].opened = Some(OpenedHedge {
            price_usd: 3_300.0,
            quantity_base: 40_000.0,
        });
        let mark_usd = 3_500.0 * 2e-4_f64.exp();
        let kept = glance(&plan).remove(0);
        close(kept.short_base, 40_000.0);
        close(kept.equity_usd, 60e6 + 40_000.0 * (3_300.0 - mark_usd));
        close(kept.leverage.unwrap(), kept.notional_usd / kept.equity_usd);
        assert!(kept.entry_cost_usd.abs() < f64::MIN_POSITIVE);

        plan.hedges[0].rebalance = Rebalance::Band { width: 0.25 };
        assert_eq!(glance(&plan).remove(0), kept);

        plan.hedges[0].rebalance = Rebalance::Band { width: 0.15 };
        let traded = glance(&plan).remove(0);
        close(traded.short_base, 50_000.0);
        close(traded.entry_cost_usd, 10_000.0 * mark_usd * 8e-4);
        close(traded.equity_usd, kept.equity_usd - traded.entry_cost_usd);
        plan.hedges[0].rebalance = Rebalance::Every { steps: 21 };
        assert_eq!(glance(&plan).remove(0), traded);
    }

    #[test]
    fn buying_back_costs_on_every_unit_once() {
        let mut plan = eth_treasury();
        let whole = glance(&plan).remove(0);
        let at_end_usd = expected_mark_usd(&plan.market, &plan.market.contracts[0], 90.0 / 365.0);
        close(whole.exit_cost_usd, 50_000.0 * at_end_usd * 8e-4);
        plan.holdings[0].sales = vec![
            SalePlan {
                step: 90,
                quantity_base: 10_000.0,
            },
            SalePlan {
                step: 180,
                quantity_base: 30_000.0,
            },
        ];
        // No drift, a nearly constant basis: the same cost, earlier.
        let spread = glance(&plan).remove(0);
        assert!((spread.exit_cost_usd / whole.exit_cost_usd - 1.0).abs() < 1e-6);
        // Funding shrinks with the short: 30 days of all, 30 of 80 %, 30 of 20 %.
        let ratio = spread.expected_funding_usd / whole.expected_funding_usd;
        assert!((ratio - 2.0 / 3.0).abs() < 1e-2, "{ratio}");
    }

    #[test]
    fn what_does_not_exist_is_none() {
        let mut plan = eth_treasury();
        plan.market.assets[0].jumps = None;
        plan.market.assets[0].volatility_annual = 0.0;
        plan.market.contracts[0]
            .process_mut()
            .unwrap()
            .volatility_annual = 0.0;
        plan.accounts[0].margin_call = None;
        let still = glance(&plan).remove(0);
        assert!(still.liquidation_price_usd.is_some() && still.distance_std_devs.is_none());
        assert!(still.margin_call_price_usd.is_none());
        plan.hedges[0].hedge_ratio = 0.0;
        plan.accounts[0].collateral_usd = 0.0;
        let absent = glance(&plan).remove(0);
        assert!(absent.liquidation_price_usd.is_none() && absent.bankruptcy_price_usd.is_none());
        assert!(
            absent.distance_frac.is_none()
                && absent.leverage.is_none()
                && absent.margin_ratio.is_none()
        );
        assert!(absent.notional_usd.abs() < f64::MIN_POSITIVE && absent.bracket == Some(1));
    }
}

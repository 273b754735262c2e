//! The hedges of a general plan at a glance: any contract, several in an account.

use serde::Serialize;

use crate::hedge::costs::opening_trades;
use crate::hedge::expected::Expected;
use crate::hedge::glance::Glance;
use crate::hedge::legs::{Positions, is_inverse, margined_notional, quote, side};
use crate::hedge::levels::Requirement;
use crate::hedge::moments::{std_dev_log_mark, variance_annual};
use crate::plan::types::{
    ContractKind, FundingSource, MarginMode, OptionKind, OrderStyle, Plan, Rebalance,
    SettlementCurrency,
};

/// What the glance of a hedge of a general plan says besides.
///
/// Money in USD. The hedge's `initial_margin_usd` and `maintenance_margin_usd` are its own; equity, margin ratio and prices are
/// those of its account, with what is named in `moves_together` moving in proportion to its mark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegGlance {
    /// Number of the hedge, from 1.
    pub hedge: usize,
    /// `perpetual`, `dated`, `call` or `put`.
    pub kind: &'static str,
    /// `linear` or `inverse`.
    pub settlement: &'static str,
    /// `short` or `long`.
    pub position: &'static str,
    /// Name of the covered asset.
    pub covers: String,
    /// USD of contracts of an inverse future, without sign.
    pub size_usd: Option<f64>,
    /// Number of contracts, without sign, where they have a size.
    pub contracts: Option<f64>,
    /// Trades in which it is opened; the hedge is shown as it stands after all of them, done at the first prices.
    pub opening_trades: u32,
    /// `isolated` or `cross`.
    pub account_mode: &'static str,
    /// What the account is kept in: `USD` or the name of a coin.
    pub account_currency: String,
    /// Initial margins of all hedges of the account.
    pub account_initial_margin_usd: f64,
    /// Maintenance margins of all hedges of the account.
    pub account_maintenance_margin_usd: f64,
    /// Coins in the account at time 0.
    pub coins: Vec<CoinGlance>,
    /// Contracts and coins of the account that move with the mark.
    pub moves_together: Vec<String>,
    /// A second mark that liquidates, on the other side of the market.
    pub other_liquidation_price_usd: Option<f64>,
    /// Day on which the contract held at first expires.
    pub expiry_day: Option<f64>,
    /// Rolls within the horizon.
    pub rolls: usize,
    /// What they are expected to cost.
    pub expected_roll_cost_usd: f64,
    /// What a dated future is expected to earn as its basis runs off at the carry of its entry; positive is received.
    pub expected_carry_usd: Option<f64>,
    /// Whether rebalancing or an order in parts may enter it anew on the way, which the expected carry leaves out.
    #[serde(skip)]
    pub is_entered_anew: bool,
    /// Strike of an option, USD per base unit.
    pub strike_usd: Option<f64>,
    /// Value of an option on one base unit.
    pub option_value_usd: Option<f64>,
    /// Delta of a bought option on one base unit.
    pub option_delta: Option<f64>,
    /// Premium at time 0; positive is received.
    pub premium_usd: Option<f64>,
}

/// Coins in an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoinGlance {
    /// Name of the asset.
    pub asset: String,
    /// Coins, base units.
    pub quantity_base: f64,
    /// What margin does not count of their value.
    pub haircut_frac: f64,
    /// Whether they are part of a holding; else they are bought.
    pub is_of_holding: bool,
}

/// All hedges of a plan that is not plain, in its order.
pub(crate) fn glance_legs(plan: &Plan) -> Vec<Glance> {
    let legs = Positions::of(plan);
    (0..plan.hedges.len())
        .map(|h| glance_at(&legs, h))
        .collect()
}

fn glance_at(legs: &Positions<'_>, h: usize) -> Glance {
    let plan = legs.plan;
    let (hedge, leg) = (&plan.hedges[h], &legs.legs[h]);
    let contract = &plan.market.contracts[hedge.contract];
    let account = &plan.accounts[hedge.account];
    let state = &legs.accounts[hedge.account];
    let underlying = &plan.market.assets[contract.underlying];
    let rules = &contract.rules;
    let years = plan.simulation.horizon_years();
    let std_dev = std_dev_log_mark(&plan.market, contract, years);
    let is_option = contract.option().is_some();
    let is_inverse_future = is_inverse(contract) && !is_option;
    let mark_usd = legs.mark_usd(h);
    let short_base = if is_inverse_future {
        -leg.size * leg.unit
    } else {
        leg.size
    };
    let notional_usd = if is_inverse_future {
        // `U / F` coins at the mark, as `q F`.
        leg.size.abs()
    } else {
        leg.size.abs() * mark_usd
    };
    let margin = legs.margin(hedge.account, contract.underlying, 1.0);
    let entry_costs_usd: f64 = state
        .hedges
        .iter()
        .map(|&i| legs.legs[i].entry_cost_usd)
        .sum();
    let equity_usd = margin.equity * state.rate_usd;
    let equity_before_usd = equity_usd + entry_costs_usd;
    let (initial_margin_usd, maintenance_margin_usd) = legs.hedge_margins_usd(h);
    let bracket = (!is_option)
        .then(|| rules.bracket_index(margined_notional(leg, contract, leg.size.abs() * leg.unit)));
    let is_there = leg.size != 0.0;
    let liquidation = legs.levels(h, Requirement::Liquidation, 0.0);
    let nearest = |requirement, more_usd| {
        let levels = legs.levels(h, requirement, more_usd);
        levels.nearest_usd.filter(|_| is_there)
    };
    let liquidation_price_usd = liquidation.nearest_usd.filter(|_| is_there);
    let distance = liquidation_price_usd.map(|level_usd| level_usd / mark_usd);
    let reserve_usd = if account.sources.contains(&FundingSource::Reserve) {
        account.reserve_usd
    } else {
        0.0
    };
    let expected = Expected::of(legs, h);
    Glance {
        contract: contract.name.clone(),
        account: account.name.clone(),
        notional_usd,
        bracket: bracket.map(|index| index + 1),
        max_leverage: bracket.and_then(|index| rules.brackets[index].max_leverage),
        leverage: (equity_before_usd > 0.0).then(|| notional_usd / equity_before_usd),
        initial_margin_usd,
        maintenance_margin_usd,
        liquidation_price_usd,
        bankruptcy_price_usd: nearest(Requirement::Bankruptcy, 0.0),
        distance_frac: distance.map(|ratio| ratio - 1.0),
        distance_std_devs: distance
            .filter(|&ratio| ratio > 0.0 && std_dev > 0.0)
            .map(|ratio| ratio.ln() / std_dev),
        entry_cost_usd: leg.entry_cost_usd,
        expected_funding_usd: expected.funding_usd,
        venue: account.venue.clone(),
        underlying: underlying.name.clone(),
        short_base,
        mark_usd,
        equity_usd,
        margin_ratio: (margin.equity > 0.0).then(|| margin.maintenance / margin.equity),
        margin_call_price_usd: account
            .margin_call
            .and_then(|call| nearest(Requirement::Call(call.level), 0.0)),
        liquidation_price_with_reserve_usd: nearest(Requirement::Liquidation, reserve_usd),
        exit_cost_usd: expected.exit_cost_usd,
        diffusion_volatility_annual: underlying.volatility_annual,
        total_volatility_annual: variance_annual(underlying).sqrt(),
        expected_jumps: underlying.jumps.map_or(0.0, |j| j.jumps_per_year * years),
        std_dev_log_mark: std_dev,
        leg: Some(Box::new(leg_glance(legs, h, &expected))),
    }
}

fn leg_glance(legs: &Positions<'_>, h: usize, expected: &Expected) -> LegGlance {
    let plan = legs.plan;
    let (hedge, leg) = (&plan.hedges[h], &legs.legs[h]);
    let contract = &plan.market.contracts[hedge.contract];
    let account = &plan.accounts[hedge.account];
    let state = &legs.accounts[hedge.account];
    let asset = |index: usize| plan.market.assets[index].name.clone();
    let spot_usd = plan.market.assets[contract.underlying].spot_usd;
    let margin = legs.margin(hedge.account, contract.underlying, 1.0);
    let (kind, expiry_day) = match &contract.kind {
        ContractKind::Perpetual { .. } => ("perpetual", None),
        ContractKind::Dated(dated) => ("dated", Some(day(plan, dated.expiries[0].step))),
        ContractKind::Option(option) => {
            let kind = match option.kind {
                OptionKind::Call => "call",
                OptionKind::Put => "put",
            };
            (kind, Some(day(plan, option.expiry_step)))
        }
    };
    let option = contract.option();
    let quoted = option.map(|option| quote(option, false, spot_usd));
    LegGlance {
        hedge: h + 1,
        kind,
        settlement: if is_inverse(contract) {
            "inverse"
        } else {
            "linear"
        },
        position: side(hedge.position),
        covers: asset(plan.holdings[hedge.covers].asset),
        size_usd: (is_inverse(contract) && option.is_none()).then(|| leg.size.abs()),
        contracts: contract.contract_size.map(|size| leg.size.abs() / size),
        opening_trades: opening_trades(hedge, contract),
        account_mode: match account.mode {
            MarginMode::Isolated => "isolated",
            MarginMode::Cross => "cross",
        },
        account_currency: match account.settlement {
            SettlementCurrency::Usd => "USD".to_owned(),
            SettlementCurrency::Coin { asset: coin } => asset(coin),
        },
        account_initial_margin_usd: margin.initial * state.rate_usd,
        account_maintenance_margin_usd: margin.maintenance * state.rate_usd,
        coins: account
            .coins
            .iter()
            .map(|coins| CoinGlance {
                asset: asset(coins.asset),
                quantity_base: coins.quantity_base,
                haircut_frac: coins.haircut_frac,
                is_of_holding: coins.holding.is_some(),
            })
            .collect(),
        moves_together: legs.moves_together(h),
        other_liquidation_price_usd: legs
            .levels(h, Requirement::Liquidation, 0.0)
            .other_usd
            .filter(|_| leg.size != 0.0),
        expiry_day,
        rolls: expected.rolls,
        expected_roll_cost_usd: expected.roll_cost_usd,
        expected_carry_usd: expected.carry_usd,
        is_entered_anew: hedge.rebalance != Rebalance::Never
            || matches!(hedge.order.style, OrderStyle::Twap { .. }),
        strike_usd: option.map(|option| option.strike_usd),
        option_value_usd: quoted.map(|quoted| quoted.unit),
        option_delta: quoted.map(|quoted| quoted.delta),
        premium_usd: quoted.map(|quoted| leg.size * quoted.unit),
    }
}

fn day(plan: &Plan, step: u32) -> f64 {
    f64::from(step) * plan.simulation.step_days
}

//! The accounts of one block of paths: what every step touches as struct-of-arrays, the rest path by path.

use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// No step: nothing is due.
pub(crate) const NEVER: u32 = u32::MAX;

/// State that a calm stretch reads or moves. Shape of each array: `[LANES]`.
#[derive(Debug, Clone, Copy)]
pub struct HotLanes {
    /// `balance + q E`, USD: equity at mark `F` is `cash - q F`.
    pub cash_usd: LaneArray,
    /// Actual short, base units.
    pub short_base: LaneArray,
    /// Planned short, base units.
    pub planned_short_base: LaneArray,
    /// `q_p E`, realised profit, funding and costs of the planned short, without deposits, USD.
    pub planned_cash_usd: LaneArray,
    /// Funding received, USD.
    pub funding_usd: LaneArray,
    /// +1: the next look above the call level counts; -1: it was counted.
    pub armed: LaneArray,
    /// Smallest equity, USD.
    pub min_equity_usd: LaneArray,
    /// Largest margin ratio.
    pub max_margin_ratio: LaneArray,
    /// Collateral required so far, USD.
    pub required_usd: LaneArray,
    /// Wealth beside inventory and account, USD; interest up to step `t` is in it but for `-rate * contributed * t`.
    pub outside_usd: LaneArray,
    /// Net cash contributed to the account, USD.
    pub contributed_usd: LaneArray,
    /// Running peak of hedged wealth, USD.
    pub peak_wealth_usd: LaneArray,
    /// Largest fall from the peak, USD.
    pub max_drawdown_usd: LaneArray,
    /// Step at whose end a transfer or a re-entry is due; beyond all steps if nothing is.
    pub due_step: LaneArray,
}

impl HotLanes {
    /// No accounts, for a walk that asks for nothing of theirs.
    pub(crate) const NONE: Self = Self {
        cash_usd: [0.0; LANES],
        short_base: [0.0; LANES],
        planned_short_base: [0.0; LANES],
        planned_cash_usd: [0.0; LANES],
        funding_usd: [0.0; LANES],
        armed: [0.0; LANES],
        min_equity_usd: [0.0; LANES],
        max_margin_ratio: [0.0; LANES],
        required_usd: [0.0; LANES],
        outside_usd: [0.0; LANES],
        contributed_usd: [0.0; LANES],
        peak_wealth_usd: [0.0; LANES],
        max_drawdown_usd: [0.0; LANES],
        due_step: [0.0; LANES],
    };
}

/// State that only events move.
#[derive(Debug, Clone, Copy)]
pub struct ColdLane {
    /// Cash outside the venue.
    pub reserve_usd: f64,
    /// Money under way.
    pub in_flight_usd: f64,
    /// Whether the account was liquidated since it was sent.
    pub is_too_late: bool,
    /// Step at whose end it arrives.
    pub arrival_step: u32,
    /// Step at whose end the hedge is opened anew.
    pub reentry_step: u32,
    /// Inventory sold so far at spot, before slippage.
    pub sales_usd: f64,
    /// Fees, <= 0.
    pub fees_usd: f64,
    /// Slippage, <= 0.
    pub slippage_usd: f64,
    /// Costs of liquidations.
    pub liquidation_usd: f64,
    /// Borne by the insurance fund.
    pub bankruptcy_usd: f64,
    /// Price P&L that planned and actual short made differently, up to `gap_mark_usd`.
    pub gap_usd: f64,
    /// Mark up to which `gap_usd` is settled.
    pub gap_mark_usd: f64,
    /// `sum dq_p H` over the plan's trades.
    pub planned_turnover_underlying_usd: f64,
    /// `sum dq_p F` over the plan's trades.
    pub planned_turnover_mark_usd: f64,
    /// Interest: at step `t` it is `financing_usd - rate * contributed * t`.
    pub financing_usd: f64,
    /// Net cash posted.
    pub posted_usd: f64,
    /// Largest net cash posted.
    pub peak_collateral_usd: f64,
    /// Money sent after time 0.
    pub top_up_usd: f64,
    /// Shortfall of counted calls.
    pub unmet_call_usd: f64,
    /// First liquidation, days; NaN without.
    pub liquidation_day: f64,
    /// Counts.
    pub liquidations: u32,
    /// Margin calls counted.
    pub margin_calls: u32,
    /// Counted calls that were not met in full.
    pub unmet_calls: u32,
    /// Trades cut.
    pub cut_trades: u32,
    /// Whether equity was ever at or under 0.
    pub was_insolvent: bool,
}

/// The accounts of one block.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// Touched by every step.
    pub hot: HotLanes,
    /// Touched by events.
    pub cold: Vec<ColdLane>,
    /// Inventory, the same on every path, base units.
    pub quantity_base: f64,
}

impl Lanes {
    /// All accounts at time 0.
    pub fn new(rules: &ProgrammeRules) -> Self {
        let mark_usd = rules.initial_mark_usd;
        let trade_cost = |traded_base: f64| {
            let notional_usd = traded_base * mark_usd;
            (
                rules.venue.taker_fee_frac * notional_usd,
                rules.slippage_frac * notional_usd,
            )
        };
        let (fee_usd, slippage_usd) = trade_cost(rules.opening_trade_base);
        let (planned_fee_usd, planned_slippage_usd) = trade_cost(rules.planned_opening_trade_base);
        let short_base = rules.initial_short_base;
        let cash_usd = rules.collateral_usd + rules.entry_notional_usd - fee_usd - slippage_usd;
        let hot = HotLanes {
            cash_usd: [cash_usd; LANES],
            short_base: [short_base; LANES],
            planned_short_base: [rules.planned_short_base; LANES],
            planned_cash_usd: [rules.planned_entry_notional_usd
                - planned_fee_usd
                - planned_slippage_usd; LANES],
            funding_usd: [0.0; LANES],
            armed: [1.0; LANES],
            min_equity_usd: [f64::INFINITY; LANES],
            max_margin_ratio: [0.0; LANES],
            required_usd: [if rules.is_hedged {
                rules.initial_requirement_usd
            } else {
                0.0
            }; LANES],
            outside_usd: [rules.reserve_usd; LANES],
            contributed_usd: [rules.collateral_usd; LANES],
            peak_wealth_usd: [f64::NEG_INFINITY; LANES],
            max_drawdown_usd: [0.0; LANES],
            due_step: [f64::from(NEVER); LANES],
        };
        let cold = ColdLane {
            reserve_usd: rules.reserve_usd,
            in_flight_usd: 0.0,
            is_too_late: false,
            arrival_step: NEVER,
            reentry_step: NEVER,
            sales_usd: 0.0,
            fees_usd: -fee_usd,
            slippage_usd: -slippage_usd,
            liquidation_usd: 0.0,
            bankruptcy_usd: 0.0,
            gap_usd: 0.0,
            gap_mark_usd: mark_usd,
            planned_turnover_underlying_usd: 0.0,
            planned_turnover_mark_usd: 0.0,
            financing_usd: 0.0,
            posted_usd: rules.collateral_usd,
            peak_collateral_usd: rules.collateral_usd,
            top_up_usd: 0.0,
            unmet_call_usd: 0.0,
            liquidation_day: f64::NAN,
            liquidations: 0,
            margin_calls: 0,
            unmet_calls: 0,
            cut_trades: u32::from(rules.is_opening_cut),
            was_insolvent: false,
        };
        Self {
            hot,
            cold: vec![cold; LANES],
            quantity_base: rules.quantity_base,
        }
    }
}

impl Lanes {
    /// Becomes a copy of accounts that are all alike, as at time 0, without anything allocated; little has to be read for it.
    pub(crate) fn become_like(&mut self, alike: &Self) {
        let (hot, of) = (&mut self.hot, &alike.hot);
        let fill = |lanes: &mut LaneArray, of: &LaneArray| *lanes = [of[0]; LANES];
        fill(&mut hot.cash_usd, &of.cash_usd);
        fill(&mut hot.short_base, &of.short_base);
        fill(&mut hot.planned_short_base, &of.planned_short_base);
        fill(&mut hot.planned_cash_usd, &of.planned_cash_usd);
        fill(&mut hot.funding_usd, &of.funding_usd);
        fill(&mut hot.armed, &of.armed);
        fill(&mut hot.min_equity_usd, &of.min_equity_usd);
        fill(&mut hot.max_margin_ratio, &of.max_margin_ratio);
        fill(&mut hot.required_usd, &of.required_usd);
        fill(&mut hot.outside_usd, &of.outside_usd);
        fill(&mut hot.contributed_usd, &of.contributed_usd);
        fill(&mut hot.peak_wealth_usd, &of.peak_wealth_usd);
        fill(&mut hot.max_drawdown_usd, &of.max_drawdown_usd);
        fill(&mut hot.due_step, &of.due_step);
        self.cold.fill(alike.cold[0]);
        self.quantity_base = alike.quantity_base;
    }
}

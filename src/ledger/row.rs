//! The row that a path leaves: P&L by cash, and its parts by telescoped sums.

#![expect(
    clippy::inline_always,
    reason = "a row of constant columns is written without being built"
)]

use crate::ledger::lanes::{ColdLane, HotLanes, Lanes};
use crate::ledger::rules::ProgrammeRules;
use crate::market::tile::MarketTile;
use crate::outcome::column::Column;
use crate::outcome::table::LANES;

/// P&L smaller than this fraction of the money involved is rounding, and 0: a perfect hedge loses nothing in half of all
/// futures only because sums are rounded.
const ROUNDING_FRAC: f64 = 1e-14;

/// Tracking, a sum over all trades of the plan, below this fraction is rounding.
const TRACKING_ROUNDING_FRAC: f64 = 1e-13;

/// Does something with the name of every column but the terminal spots, each known to the compiler.
macro_rules! each_column {
    ($then:ident) => {
        $then! {
            UnhedgedPnl HedgedPnl IdealOffset Tracking FuturesBasis Funding Fees Slippage Liquidation LiquidationGap Financing
            BankruptcyLoss LiquidationDay Liquidations MarginCalls UnmetCalls UnmetCall CutTrades TopUp PeakCollateral
            RequiredCollateral MinEquity MaxMarginRatio MaxDrawdown EffectivePrice
        }
    };
}

/// One path after its last step, everything sold and closed.
pub(crate) struct PathEnd<'a> {
    rules: &'a ProgrammeRules,
    hot: &'a HotLanes,
    cold: &'a ColdLane,
    lane: usize,
    underlying_usd: f64,
    mark_usd: f64,
}

impl<'a> PathEnd<'a> {
    /// The end of one lane's path; `tile` is the last.
    #[inline(always)]
    pub(crate) fn new(
        rules: &'a ProgrammeRules,
        lanes: &'a Lanes,
        tile: &MarketTile,
        lane: usize,
    ) -> Self {
        Self {
            rules,
            hot: &lanes.hot,
            cold: &lanes.cold[lane],
            lane,
            underlying_usd: tile.spot_usd[rules.underlying][tile.steps - 1][lane],
            mark_usd: tile.mark_usd[rules.contract][tile.steps][lane],
        }
    }

    /// Value of the inventory at time 0, USD.
    #[inline(always)]
    fn initial_value_usd(&self) -> f64 {
        self.rules.quantity_base * self.rules.initial_spot_usd
    }

    /// The money involved, beside which rounding is measured, USD.
    #[inline(always)]
    fn involved_usd(&self) -> f64 {
        self.initial_value_usd() + self.rules.collateral_usd + self.rules.reserve_usd
    }

    #[inline(always)]
    fn unhedged_usd(&self) -> f64 {
        self.cold.sales_usd * (1.0 - self.rules.slippage_frac) - self.initial_value_usd()
    }

    #[inline(always)]
    fn financing_usd(&self) -> f64 {
        let rules = self.rules;
        let contributed_usd = self.hot.contributed_usd[self.lane];
        self.cold.financing_usd
            - rules.cost_of_funds_per_step * contributed_usd * rules.steps as f64
    }

    /// Hedged P&L from cash alone: what account, reserve and money under way have become.
    #[inline(always)]
    fn hedged_usd(&self) -> f64 {
        let (rules, cold) = (self.rules, self.cold);
        if !rules.is_hedged {
            return self.unhedged_usd();
        }
        let unrealised_usd =
            rules.entry_notional_usd - rules.initial_short_base * rules.initial_mark_usd;
        let account_usd = (self.hot.cash_usd[self.lane] - rules.collateral_usd - unrealised_usd)
            + (cold.reserve_usd - rules.reserve_usd)
            + cold.in_flight_usd;
        let hedged_usd = self.unhedged_usd() + account_usd + self.financing_usd();
        if hedged_usd.abs() <= ROUNDING_FRAC * self.involved_usd() {
            0.0
        } else {
            hedged_usd
        }
    }

    /// `- phi sum Q dS`: only sales enter, for the sum telescopes.
    #[inline(always)]
    fn ideal_offset_usd(&self) -> f64 {
        -self.rules.coverage_frac * (self.cold.sales_usd - self.initial_value_usd())
    }

    /// `sum q_p dH` and `sum q_p dF` of the planned short: only its trades enter.
    #[inline(always)]
    fn planned_moves_usd(&self) -> (f64, f64) {
        let (rules, cold) = (self.rules, self.cold);
        let planned_base = self.hot.planned_short_base[self.lane];
        let underlying_usd = planned_base * self.underlying_usd
            - rules.planned_short_base * rules.initial_underlying_usd
            - cold.planned_turnover_underlying_usd;
        let mark_usd = planned_base * self.mark_usd
            - rules.planned_short_base * rules.initial_mark_usd
            - cold.planned_turnover_mark_usd;
        (underlying_usd, mark_usd)
    }

    /// Tracking and futures basis.
    #[inline(always)]
    fn basis_risk_usd(&self) -> (f64, f64) {
        if !self.rules.is_hedged {
            return (0.0, 0.0);
        }
        let (underlying_usd, mark_usd) = self.planned_moves_usd();
        // A short that always covers the same share of the same asset tracks it; what is left would be rounding.
        let tracking_usd = -underlying_usd - self.ideal_offset_usd();
        let is_rounding = tracking_usd.abs() <= TRACKING_ROUNDING_FRAC * self.involved_usd();
        let tracking_usd = if self.rules.tracks_exactly || is_rounding {
            0.0
        } else {
            tracking_usd
        };
        (tracking_usd, underlying_usd - mark_usd)
    }

    #[inline(always)]
    fn max_margin_ratio(&self) -> f64 {
        if self.cold.was_insolvent {
            f64::NAN
        } else {
            self.hot.max_margin_ratio[self.lane]
        }
    }

    #[inline(always)]
    fn min_equity_usd(&self) -> f64 {
        let least_usd = self.hot.min_equity_usd[self.lane];
        if least_usd.is_finite() {
            least_usd
        } else {
            0.0
        }
    }

    /// Writes every column but the terminal spots; `columns` has one for each, in the order of their storage.
    #[inline(always)]
    pub(crate) fn write(&self, columns: &mut [[f64; LANES]]) {
        macro_rules! write {
            ($($column:ident)*) => {
                $(columns[Column::$column as usize][self.lane] = self.cell(Column::$column);)*
            };
        }
        each_column!(write);
    }

    /// One column.
    #[inline(always)]
    pub(crate) fn cell(&self, column: Column) -> f64 {
        let (rules, cold, lane) = (self.rules, self.cold, self.lane);
        match column {
            Column::UnhedgedPnl => self.unhedged_usd(),
            Column::HedgedPnl => self.hedged_usd(),
            Column::IdealOffset => self.ideal_offset_usd(),
            Column::Tracking => self.basis_risk_usd().0,
            Column::FuturesBasis => self.basis_risk_usd().1,
            Column::Funding => self.hot.funding_usd[lane],
            Column::Fees => cold.fees_usd,
            Column::Slippage => cold.slippage_usd,
            Column::Liquidation => cold.liquidation_usd,
            Column::LiquidationGap => cold.gap_usd,
            Column::Financing => self.financing_usd(),
            Column::BankruptcyLoss => cold.bankruptcy_usd,
            Column::LiquidationDay => cold.liquidation_day,
            Column::Liquidations => f64::from(cold.liquidations),
            Column::MarginCalls => f64::from(cold.margin_calls),
            Column::UnmetCalls => f64::from(cold.unmet_calls),
            Column::UnmetCall => cold.unmet_call_usd,
            Column::CutTrades => f64::from(cold.cut_trades),
            Column::TopUp => cold.top_up_usd,
            Column::PeakCollateral => cold.peak_collateral_usd,
            Column::RequiredCollateral => self.hot.required_usd[lane],
            Column::MinEquity => self.min_equity_usd(),
            Column::MaxMarginRatio => self.max_margin_ratio(),
            Column::MaxDrawdown => self.hot.max_drawdown_usd[lane],
            Column::EffectivePrice => {
                (self.hedged_usd() + self.initial_value_usd()) / rules.quantity_base
            }
            // Not a matter of the account: the tile has it.
            Column::FirstTerminalSpot => f64::NAN,
        }
    }
}

/// Writes the column with this storage index, one before the terminal spots.
#[inline(always)]
pub(crate) fn write_one<'a>(
    column: usize,
    cells: &mut [f64; LANES],
    end_of: impl Fn(usize) -> PathEnd<'a>,
) {
    macro_rules! write {
        ($($column:ident)*) => {
            $(if column == Column::$column as usize {
                for (lane, cell) in cells.iter_mut().enumerate() {
                    *cell = end_of(lane).cell(Column::$column);
                }
            })*
        };
    }
    each_column!(write);
}

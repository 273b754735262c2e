//! The row that a path leaves: P&L by cash, and its parts by the running sums and what its trades have turned over.

use crate::ledger::book::account_rule::AccountRule;
use crate::ledger::book::contract_rule::CurveMoment;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::{Series, Sums};
use crate::ledger::book::state::{PathState, State, Turnover};
use crate::market::tile::MarketTile;
use crate::outcome::column::{Column, Extra};
use crate::outcome::table::LANES;

/// P&L smaller than this fraction of the money involved is rounding, and 0: a perfect hedge loses nothing in half of all
/// futures only because sums are rounded.
const ROUNDING_FRAC: f64 = 1e-14;

/// Tracking, a sum over all trades of the plan, below this fraction is rounding.
const TRACKING_ROUNDING_FRAC: f64 = 1e-13;

/// One path after its last step, everything sold and closed.
pub(super) struct PathEnd<'a> {
    pub(super) rules: &'a BookRules,
    pub(super) state: &'a State,
    pub(super) series: &'a Series,
    /// The last tile.
    pub(super) tile: &'a MarketTile,
    pub(super) lane: usize,
    /// Largest rises of the required collateral within a day and a week, USD.
    pub(super) largest_calls_usd: [f64; 2],
    /// The plan's [`involved_usd`].
    pub(super) involved_usd: f64,
}

/// The price attribution of all planned legs, USD.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
struct Parts {
    ideal_usd: f64,
    tracking_usd: f64,
    basis_usd: f64,
    carry_usd: f64,
    curve_usd: f64,
    funding_usd: f64,
    options_usd: f64,
    gap_usd: f64,
}

/// The money involved in a plan, beside which rounding is measured, USD.
pub(super) fn involved_usd(rules: &BookRules) -> f64 {
    let posted = |rule: &AccountRule| rule.initial_value_usd.abs() + rule.reserve_usd;
    let accounts: f64 = rules.accounts.iter().map(posted).sum();
    let holdings: f64 = rules
        .holdings
        .iter()
        .map(|rule| rule.initial_value_usd)
        .sum();
    accounts + holdings
}

impl PathEnd<'_> {
    fn path(&self) -> &PathState {
        &self.state.paths[self.lane]
    }

    fn spot_usd(&self, asset: usize) -> f64 {
        self.tile.spot_usd[asset][self.tile.steps - 1][self.lane]
    }

    fn sums(&self, l: usize) -> Sums {
        let contract = self.rules.legs[l].contract;
        let last = self.tile.steps - 1;
        self.series
            .sums(self.rules, self.tile, contract, last, self.lane)
    }

    /// Value of one unit of an account's currency at the end, USD.
    fn rate_usd(&self, a: usize) -> f64 {
        self.rules.accounts[a]
            .coin
            .map_or(1.0, |asset| self.spot_usd(asset))
    }

    fn holding_usd(&self, j: usize) -> f64 {
        let rules = self.rules;
        let holding = &self.state.holdings[self.lane * rules.holdings.len() + j];
        holding.sales_usd * (1.0 - rules.slippage_frac)
            - holding.production_usd
            - rules.holdings[j].initial_value_usd
    }

    fn unhedged_usd(&self) -> f64 {
        (0..self.rules.holdings.len())
            .map(|j| self.holding_usd(j))
            .sum()
    }

    /// Interest, paid and still owed.
    fn interest_usd(&self) -> f64 {
        self.path().interest_offset_usd
            - self.state.hot.interest_usd[self.lane] * self.rules.steps as f64
    }

    /// Inventory sold early: what it has cost, and what it would have made since.
    fn early_sales_usd(&self) -> f64 {
        let rules = self.rules;
        let mut sum_usd = 0.0;
        for (j, rule) in rules.holdings.iter().enumerate() {
            let holding = &self.state.holdings[self.lane * rules.holdings.len() + j];
            let missed_usd =
                holding.early_base * self.spot_usd(rule.asset) - holding.early_turnover_usd;
            sum_usd -= holding.early_cost_usd + missed_usd;
        }
        sum_usd
    }

    /// Value of coins bought for USD accounts less those of holdings that are gone, USD.
    fn coins_usd(&self) -> f64 {
        let rules = self.rules;
        let slots = rules.slots.iter().enumerate();
        slots
            .filter(|(_, rule)| rules.accounts[rule.account].coin.is_none())
            .map(|(s, rule)| {
                let slot = &self.state.slots[self.lane * rules.slots.len() + s];
                (slot.coins - slot.posted) * self.spot_usd(rule.asset)
            })
            .sum()
    }

    /// Hedged P&L from cash and coins alone; 0 where it is rounding beside the money involved.
    fn hedged_usd(&self, involved_usd: f64) -> f64 {
        let rules = self.rules;
        let lane = self.lane;
        let unhedged_usd = self.unhedged_usd();
        if !rules.is_hedged {
            return unhedged_usd;
        }
        let mut gained_usd = 0.0;
        for (a, rule) in rules.accounts.iter().enumerate() {
            let account = &self.state.accounts[lane * rules.accounts.len() + a];
            let value = self.state.hot.cash[a][lane] + self.state.hot.beyond[a][lane];
            gained_usd += (value * self.rate_usd(a) - rule.initial_value_usd)
                + (account.reserve_usd - rule.reserve_usd)
                + account.in_flight_usd;
        }
        gained_usd += self.coins_usd() - rules.initial_coins_usd;
        for c in 0..rules.credits.len() {
            gained_usd -= self.state.credits[lane * rules.credits.len() + c].drawn_usd;
        }
        for (j, rule) in rules.holdings.iter().enumerate() {
            let holding = &self.state.holdings[lane * rules.holdings.len() + j];
            gained_usd -=
                holding.early_base * self.spot_usd(rule.asset) + holding.early_settled_usd;
        }
        let hedged_usd = unhedged_usd + gained_usd + self.interest_usd();
        if hedged_usd.abs() <= ROUNDING_FRAC * involved_usd {
            0.0
        } else {
            hedged_usd
        }
    }

    /// `- phi sum X dS` of a hedge: only changes of what it follows enter, for the sum telescopes.
    fn ideal_usd(&self, h: usize) -> f64 {
        let rules = self.rules;
        let hedge = &rules.hedges[h];
        let (followed, _) = rules
            .schedule
            .followed(hedge.holding, hedge.follows, rules.steps);
        let turnover_usd =
            self.state.hot.turnover_usd[hedge.follows as usize][hedge.holding][self.lane];
        -hedge.coverage_frac * (followed * self.spot_usd(hedge.held) - turnover_usd)
    }

    /// Moves of a leg's running sums, by the size it was held in.
    fn moves(&self, l: usize, size: f64, turnover: &Turnover) -> Turnover {
        let sums = self.sums(l);
        Turnover {
            price_usd: size * sums.price_usd - turnover.price_usd,
            own_usd: size * sums.own_usd - turnover.own_usd,
            funding_usd: size * sums.funding_usd - turnover.funding_usd,
        }
    }

    /// What the moves of its curve have added to the price of a leg's planned size between its entries and exits; `None` without
    /// a curve.
    fn curve_moved_usd(&self, l: usize) -> Option<f64> {
        let rules = self.rules;
        let index = rules.legs[l].contract;
        let contract = &rules.contracts[index];
        contract.chain.as_ref()?;
        let (lane, last) = (self.lane, self.tile.steps - 1);
        let moment = CurveMoment {
            unit: self.series.unit_at_end(self.tile, index, last)[lane],
            spot_usd: self.spot_usd(contract.underlying),
            carry: self.tile.carry[index][last + 1][lane],
            step: rules.steps,
        };
        let leg = &self.state.legs[lane * rules.legs.len() + l];
        let open = self.state.hot.planned[l][lane];
        Some(leg.curve_usd + open * contract.curve_moved_usd(&moment, leg.entry_carry))
    }

    fn parts(&self) -> Parts {
        let rules = self.rules;
        let mut parts = Parts::default();
        if !rules.is_hedged {
            return parts;
        }
        for (h, hedge) in rules.hedges.iter().enumerate() {
            let ideal_usd = self.ideal_usd(h);
            let mut own_usd = 0.0;
            for l in [Some(hedge.leg), hedge.alternative].into_iter().flatten() {
                let leg = &self.state.legs[self.lane * rules.legs.len() + l];
                let planned = self.moves(l, self.state.hot.planned[l][self.lane], &leg.planned);
                let actual = self.moves(l, leg.final_size, &leg.actual);
                parts.gap_usd += planned.price_usd - actual.price_usd;
                if hedge.is_option {
                    parts.options_usd -= planned.price_usd;
                    continue;
                }
                parts.funding_usd += actual.funding_usd;
                own_usd += planned.own_usd;
                let basis_usd = planned.own_usd - planned.price_usd;
                parts.basis_usd += basis_usd;
                if let Some(moved_usd) = self.curve_moved_usd(l) {
                    parts.curve_usd -= moved_usd;
                    parts.carry_usd += basis_usd + moved_usd;
                }
            }
            if hedge.is_option {
                continue;
            }
            parts.ideal_usd += ideal_usd;
            // A size that always covers the same share of the same asset tracks it; what is left would be rounding.
            if !hedge.tracks_exactly {
                parts.tracking_usd += -own_usd - ideal_usd;
            }
        }
        parts
    }

    /// Everything that a hedge's legs made and cost.
    fn hedge_usd(&self, h: usize) -> f64 {
        let hedge = &self.rules.hedges[h];
        let legs = [Some(hedge.leg), hedge.alternative].into_iter().flatten();
        legs.map(|l| {
            let leg = &self.state.legs[self.lane * self.rules.legs.len() + l];
            let actual = self.moves(l, leg.final_size, &leg.actual);
            actual.funding_usd - actual.price_usd - leg.costs_usd
        })
        .sum()
    }

    fn revaluation_usd(&self) -> f64 {
        let rules = self.rules;
        if !rules.is_hedged {
            return 0.0;
        }
        let accounts_usd: f64 = self
            .state
            .hot
            .revaluation_usd
            .iter()
            .map(|lanes| lanes[self.lane])
            .sum();
        accounts_usd + self.coins_usd() - self.path().coin_turnover_usd
    }

    /// Hedged proceeds per unit sold; NaN with several holdings or without a unit.
    fn effective_price_usd(&self, hedged_usd: f64) -> f64 {
        let rules = self.rules;
        let [rule] = &rules.holdings[..] else {
            return f64::NAN;
        };
        let units_base = rules.schedule.total_base(0);
        if units_base <= 0.0 {
            return f64::NAN;
        }
        let production_usd = self.state.holdings[self.lane].production_usd;
        (hedged_usd + rule.initial_value_usd + production_usd) / units_base
    }

    /// Writes the path's row. `out` has shape `[columns][LANES]`.
    pub(super) fn write(&self, out: &mut [f64]) {
        let rules = self.rules;
        let (path, hot, lane) = (self.path(), &self.state.hot, self.lane);
        let involved_usd = self.involved_usd;
        let hedged_usd = self.hedged_usd(involved_usd);
        let parts = self.parts();
        let least_usd = hot.min_equity_usd[lane];
        let ratio = if path.was_insolvent {
            f64::NAN
        } else {
            hot.worst_maintenance[lane] / hot.worst_equity[lane]
        };
        let is_tracking = parts.tracking_usd.abs() > TRACKING_ROUNDING_FRAC * involved_usd;
        let tracking_usd = if is_tracking { parts.tracking_usd } else { 0.0 };
        let cells = [
            (Column::UnhedgedPnl, self.unhedged_usd()),
            (Column::HedgedPnl, hedged_usd),
            (Column::IdealOffset, parts.ideal_usd),
            (Column::Tracking, tracking_usd),
            (Column::FuturesBasis, parts.basis_usd),
            (Column::Funding, parts.funding_usd),
            (Column::Fees, path.fees_usd),
            (Column::Slippage, path.slippage_usd),
            (Column::Liquidation, path.liquidation_usd),
            (Column::LiquidationGap, parts.gap_usd),
            (
                Column::Financing,
                self.interest_usd() + self.early_sales_usd(),
            ),
            (Column::BankruptcyLoss, path.bankruptcy_usd),
            (Column::LiquidationDay, path.liquidation_day),
            (Column::Liquidations, f64::from(path.liquidations)),
            (Column::MarginCalls, f64::from(path.margin_calls)),
            (Column::UnmetCalls, f64::from(path.unmet_calls)),
            (Column::UnmetCall, path.unmet_call_usd),
            (Column::CutTrades, f64::from(path.cut_trades)),
            (Column::TopUp, path.top_up_usd),
            (Column::PeakCollateral, path.peak_posted_usd),
            (Column::RequiredCollateral, hot.required_usd[lane]),
            (
                Column::MinEquity,
                if least_usd.is_finite() {
                    least_usd
                } else {
                    0.0
                },
            ),
            (Column::MaxMarginRatio, ratio),
            (Column::MaxDrawdown, hot.max_drawdown_usd[lane]),
            (Column::EffectivePrice, self.effective_price_usd(hedged_usd)),
        ];
        for (column, cell) in cells {
            out[column as usize * LANES + lane] = cell;
        }
        let first = Column::FirstTerminalSpot as usize;
        for (i, (extra, _)) in rules.layout.extras().iter().enumerate() {
            out[(first + i) * LANES + lane] = self.extra(*extra, &parts);
        }
    }

    fn extra(&self, extra: Extra, parts: &Parts) -> f64 {
        let rules = self.rules;
        let path = self.path();
        let account = |a: usize| &self.state.accounts[self.lane * rules.accounts.len() + a];
        let dated = |date: usize, place: usize| {
            let width = 2 + rules.venues;
            let row = self.lane * rules.date_steps.len() + date;
            self.state.dates[row * width + place]
        };
        match extra {
            Extra::TerminalSpot(asset) => self.spot_usd(asset),
            Extra::Roll => path.roll_usd,
            Extra::Options => parts.options_usd,
            Extra::CollateralRevaluation => self.revaluation_usd(),
            Extra::EntryCost => path.costs_usd[0],
            Extra::RebalancingCost => path.costs_usd[1],
            Extra::RollCost => path.costs_usd[2],
            Extra::ExitCost => path.costs_usd[3],
            Extra::Carry => parts.carry_usd,
            Extra::Curve => parts.curve_usd,
            Extra::LargestCall24h => self.largest_calls_usd[0],
            Extra::LargestCall7d => self.largest_calls_usd[1],
            Extra::CashInTransit => path.most_in_flight_usd,
            Extra::HoldingPnl(j) => self.holding_usd(j),
            Extra::HedgePnl(h) => self.hedge_usd(h),
            Extra::AccountPeakCollateral(a) => account(a).peak_posted_usd,
            Extra::AccountLiquidated(a) => {
                if account(a).liquidations > 0 {
                    1.0
                } else {
                    0.0
                }
            }
            Extra::InterimHedged(date) => dated(date, 0),
            Extra::InterimUnhedged(date) => dated(date, 1),
            Extra::Exposure { venue, date } => dated(date, 2 + venue),
        }
    }
}

//! The rows that paths leave: P&L by cash, and its parts by the running sums and what their trades have turned over.
//!
//! A block's rows are written column by column: lane by lane they would evict each other from the cache.

use crate::ledger::book::account_rule::AccountRule;
use crate::ledger::book::calls::LargestCalls;
use crate::ledger::book::contract_rule::CurveMoment;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::{Series, SumRows};
use crate::ledger::book::state::{
    AccountState, CreditState, HoldingState, LegState, PathState, State, Turnover,
};
use crate::market::tile::{LaneArray, MarketTile};
use crate::outcome::column::{Column, Extra};
use crate::outcome::table::LANES;

/// P&L smaller than this fraction of the money involved is rounding, and 0: a perfect hedge loses nothing in half of all
/// futures only because sums are rounded.
const ROUNDING_FRAC: f64 = 1e-14;

/// Tracking, a sum over all trades of the plan, below this fraction is rounding.
const TRACKING_ROUNDING_FRAC: f64 = 1e-13;

/// A block of paths after their last step, everything sold and closed.
pub(super) struct BlockEnd<'a> {
    pub(super) rules: &'a BookRules,
    pub(super) state: &'a State,
    pub(super) series: &'a Series,
    /// The last tile.
    pub(super) tile: &'a MarketTile,
    pub(super) calls: &'a LargestCalls,
    /// The plan's [`involved_usd`].
    pub(super) involved_usd: f64,
}

/// The price attribution of all planned legs, USD. Shape of each: `[LANES]`.
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
struct Parts {
    ideal_usd: LaneArray,
    tracking_usd: LaneArray,
    basis_usd: LaneArray,
    carry_usd: LaneArray,
    curve_usd: LaneArray,
    funding_usd: LaneArray,
    options_usd: LaneArray,
    gap_usd: LaneArray,
}

impl Parts {
    const NONE: Self = Self {
        ideal_usd: [0.0; LANES],
        tracking_usd: [0.0; LANES],
        basis_usd: [0.0; LANES],
        carry_usd: [0.0; LANES],
        curve_usd: [0.0; LANES],
        funding_usd: [0.0; LANES],
        options_usd: [0.0; LANES],
        gap_usd: [0.0; LANES],
    };
}

/// A sum of nothing: adding to it keeps every bit.
const NOTHING: LaneArray = [-0.0; LANES];

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

/// A leg's moves, USD, by the size it was held in.
fn moved(sums: &SumRows, lane: usize, size: f64, turnover: &Turnover) -> Turnover {
    Turnover {
        price_usd: size * sums.price_usd[lane] - turnover.price_usd,
        own_usd: size * sums.own_usd[lane] - turnover.own_usd,
        funding_usd: size * sums.funding_usd[lane] - turnover.funding_usd,
    }
}

/// Adds a number to each lane's.
fn add(sum: &mut LaneArray, number: impl Fn(usize) -> f64) {
    for (lane, sum) in sum.iter_mut().enumerate() {
        *sum += number(lane);
    }
}

/// Writes a column. `out` has shape `[columns][LANES]`.
fn put(out: &mut [f64], place: usize, cell: impl Fn(usize) -> f64) {
    let cells = out[place * LANES..][..LANES].iter_mut();
    for (lane, out) in cells.enumerate() {
        *out = cell(lane);
    }
}

impl BlockEnd<'_> {
    fn path(&self, lane: usize) -> &PathState {
        &self.state.paths[lane]
    }

    fn leg(&self, lane: usize, l: usize) -> &LegState {
        &self.state.legs[lane * self.rules.legs.len() + l]
    }

    fn account(&self, lane: usize, a: usize) -> &AccountState {
        &self.state.accounts[lane * self.rules.accounts.len() + a]
    }

    fn holding(&self, lane: usize, j: usize) -> &HoldingState {
        &self.state.holdings[lane * self.rules.holdings.len() + j]
    }

    fn credit(&self, lane: usize, c: usize) -> &CreditState {
        &self.state.credits[lane * self.rules.credits.len() + c]
    }

    fn spots_usd(&self, asset: usize) -> &LaneArray {
        &self.tile.spot_usd[asset][self.tile.steps - 1]
    }

    fn holding_usd(&self, lane: usize, j: usize) -> f64 {
        let rules = self.rules;
        let holding = self.holding(lane, j);
        holding.sales_usd * (1.0 - rules.slippage_frac)
            - holding.production_usd
            - rules.holdings[j].initial_value_usd
    }

    fn unhedged_usd(&self) -> LaneArray {
        let mut sum_usd = NOTHING;
        for j in 0..self.rules.holdings.len() {
            add(&mut sum_usd, |lane| self.holding_usd(lane, j));
        }
        sum_usd
    }

    /// Interest, paid and still owed.
    fn interest_usd(&self, lane: usize) -> f64 {
        self.path(lane).interest_offset_usd
            - self.state.hot.interest_usd[lane] * self.rules.steps as f64
    }

    /// Inventory sold early: what it has cost, and what it would have made since.
    fn early_sales_usd(&self, lane: usize) -> f64 {
        let mut sum_usd = 0.0;
        for (j, rule) in self.rules.holdings.iter().enumerate() {
            let holding = self.holding(lane, j);
            let missed_usd =
                holding.early_base * self.spots_usd(rule.asset)[lane] - holding.early_turnover_usd;
            sum_usd -= holding.early_cost_usd + missed_usd;
        }
        sum_usd
    }

    /// Value of coins bought for USD accounts less those of holdings that are gone, USD.
    fn coins_usd(&self, lane: usize) -> f64 {
        let rules = self.rules;
        let slots = rules.slots.iter().enumerate();
        slots
            .filter(|(_, rule)| rules.accounts[rule.account].coin.is_none())
            .map(|(s, rule)| {
                let slot = &self.state.slots[lane * rules.slots.len() + s];
                (slot.coins - slot.posted) * self.spots_usd(rule.asset)[lane]
            })
            .sum()
    }

    /// Hedged P&L from cash and coins alone; 0 where it is rounding beside the money involved.
    fn hedged_usd(&self, unhedged_usd: &LaneArray) -> LaneArray {
        let rules = self.rules;
        if !rules.is_hedged {
            return *unhedged_usd;
        }
        let mut gained_usd = [0.0; LANES];
        for (a, rule) in rules.accounts.iter().enumerate() {
            let (cash, beyond) = (&self.state.hot.cash[a], &self.state.hot.beyond[a]);
            // Value of one unit of the account's currency.
            let rates_usd = rule.coin.map(|asset| self.spots_usd(asset));
            add(&mut gained_usd, |lane| {
                let account = self.account(lane, a);
                let rate_usd = rates_usd.map_or(1.0, |rates_usd| rates_usd[lane]);
                ((cash[lane] + beyond[lane]) * rate_usd - rule.initial_value_usd)
                    + (account.reserve_usd - rule.reserve_usd)
                    + account.in_flight_usd
            });
        }
        add(&mut gained_usd, |lane| {
            self.coins_usd(lane) - rules.initial_coins_usd
        });
        for c in 0..rules.credits.len() {
            add(&mut gained_usd, |lane| -self.credit(lane, c).drawn_usd);
        }
        for (j, rule) in rules.holdings.iter().enumerate() {
            let spots_usd = self.spots_usd(rule.asset);
            add(&mut gained_usd, |lane| {
                let holding = self.holding(lane, j);
                -(holding.early_base * spots_usd[lane] + holding.early_settled_usd)
            });
        }
        std::array::from_fn(|lane| {
            let hedged_usd = unhedged_usd[lane] + gained_usd[lane] + self.interest_usd(lane);
            if hedged_usd.abs() <= ROUNDING_FRAC * self.involved_usd {
                0.0
            } else {
                hedged_usd
            }
        })
    }

    /// `- phi sum X dS` of a hedge: only changes of what it follows enter, for the sum telescopes.
    fn ideal_usd(&self, h: usize) -> LaneArray {
        let rules = self.rules;
        let hedge = &rules.hedges[h];
        let (followed, _) = rules
            .schedule
            .followed(hedge.holding, hedge.follows, rules.steps);
        let turnover_usd = &self.state.hot.turnover_usd[hedge.follows as usize][hedge.holding];
        let spots_usd = self.spots_usd(hedge.held);
        std::array::from_fn(|lane| {
            -hedge.coverage_frac * (followed * spots_usd[lane] - turnover_usd[lane])
        })
    }

    fn sums(&self, l: usize) -> SumRows {
        let contract = self.rules.legs[l].contract;
        let last = self.tile.steps - 1;
        self.series.sum_rows(self.rules, self.tile, contract, last)
    }

    /// What the moves of its curve have added to the price of a leg's planned size between its entries and exits, USD; `None`
    /// without a curve.
    fn curve_moved_usd(&self, l: usize) -> Option<LaneArray> {
        let rules = self.rules;
        let index = rules.legs[l].contract;
        let contract = &rules.contracts[index];
        contract.chain.as_ref()?;
        let last = self.tile.steps - 1;
        let units = self.series.unit_at_end(self.tile, index, last);
        let spots_usd = self.spots_usd(contract.underlying);
        let carries = &self.tile.carry[index][last + 1];
        let planned = &self.state.hot.planned[l];
        Some(std::array::from_fn(|lane| {
            let moment = CurveMoment {
                unit: units[lane],
                spot_usd: spots_usd[lane],
                carry: carries[lane],
                step: rules.steps,
            };
            let leg = self.leg(lane, l);
            leg.curve_usd + planned[lane] * contract.curve_moved_usd(&moment, leg.entry_carry)
        }))
    }

    /// Adds a hedge's legs to the attribution, and returns everything that they made and cost, USD.
    fn attribute(&self, h: usize, parts: &mut Parts) -> LaneArray {
        let hedge = &self.rules.hedges[h];
        let (mut made_usd, mut own_usd) = (NOTHING, [0.0; LANES]);
        for l in [Some(hedge.leg), hedge.alternative].into_iter().flatten() {
            let sums = self.sums(l);
            let planned_sizes = &self.state.hot.planned[l];
            let curve_moved_usd = self.curve_moved_usd(l);
            for lane in 0..LANES {
                let leg = self.leg(lane, l);
                let planned = moved(&sums, lane, planned_sizes[lane], &leg.planned);
                let actual = moved(&sums, lane, leg.final_size, &leg.actual);
                made_usd[lane] += actual.funding_usd - actual.price_usd - leg.costs_usd;
                parts.gap_usd[lane] += planned.price_usd - actual.price_usd;
                if hedge.is_option {
                    parts.options_usd[lane] -= planned.price_usd;
                    continue;
                }
                parts.funding_usd[lane] += actual.funding_usd;
                own_usd[lane] += planned.own_usd;
                let basis_usd = planned.own_usd - planned.price_usd;
                parts.basis_usd[lane] += basis_usd;
                if let Some(moved_usd) = &curve_moved_usd {
                    parts.curve_usd[lane] -= moved_usd[lane];
                    parts.carry_usd[lane] += basis_usd + moved_usd[lane];
                }
            }
        }
        if !hedge.is_option {
            let ideal_usd = self.ideal_usd(h);
            add(&mut parts.ideal_usd, |lane| ideal_usd[lane]);
            // A size that always covers the same share of the same asset tracks it; what is left would be rounding.
            if !hedge.tracks_exactly {
                add(&mut parts.tracking_usd, |lane| {
                    -own_usd[lane] - ideal_usd[lane]
                });
            }
        }
        made_usd
    }

    /// The attribution of all hedges; each one's profit is written.
    fn parts(&self, out: &mut [f64]) -> Parts {
        let mut parts = Parts::NONE;
        for h in 0..self.rules.hedges.len() {
            let made_usd = self.attribute(h, &mut parts);
            if let Some(place) = self.rules.layout.index(Extra::HedgePnl(h)) {
                put(out, place, |lane| made_usd[lane]);
            }
        }
        if self.rules.is_hedged {
            parts
        } else {
            Parts::NONE
        }
    }

    fn revaluation_usd(&self, lane: usize) -> f64 {
        if !self.rules.is_hedged {
            return 0.0;
        }
        let rows = &self.state.hot.revaluation_usd;
        let accounts_usd: f64 = rows.iter().map(|lanes| lanes[lane]).sum();
        accounts_usd + self.coins_usd(lane) - self.path(lane).coin_turnover_usd
    }

    /// Writes hedged proceeds per unit sold; NaN with several holdings or without a unit.
    fn put_effective_prices(&self, out: &mut [f64], hedged_usd: &LaneArray) {
        let rules = self.rules;
        let place = Column::EffectivePrice as usize;
        let units_base = rules.schedule.total_base(0);
        match &rules.holdings[..] {
            [rule] if units_base > 0.0 => put(out, place, |lane| {
                let production_usd = self.holding(lane, 0).production_usd;
                (hedged_usd[lane] + rule.initial_value_usd + production_usd) / units_base
            }),
            _ => put(out, place, |_| f64::NAN),
        }
    }

    /// Writes the block's rows. `out` has shape `[columns][LANES]`.
    pub(super) fn write(&self, out: &mut [f64]) {
        let hot = &self.state.hot;
        let unhedged_usd = self.unhedged_usd();
        let hedged_usd = self.hedged_usd(&unhedged_usd);
        let parts = self.parts(out);
        self.put_parts(&parts, out);
        self.put_path_states(out);
        self.put_effective_prices(out, &hedged_usd);
        let mut put = |column: Column, row: &LaneArray| {
            out[column as usize * LANES..][..LANES].copy_from_slice(row);
        };
        put(Column::UnhedgedPnl, &unhedged_usd);
        put(Column::HedgedPnl, &hedged_usd);
        put(Column::RequiredCollateral, &hot.required_usd);
        put(Column::MaxDrawdown, &hot.max_drawdown_usd);
        for (i, (extra, _)) in self.rules.layout.extras().iter().enumerate() {
            self.put_extra(*extra, Column::FirstTerminalSpot as usize + i, &parts, out);
        }
    }

    /// Writes the attribution's columns.
    fn put_parts(&self, parts: &Parts, out: &mut [f64]) {
        let least_usd = TRACKING_ROUNDING_FRAC * self.involved_usd;
        put(out, Column::Tracking as usize, |lane| {
            let tracking_usd = parts.tracking_usd[lane];
            if tracking_usd.abs() > least_usd {
                tracking_usd
            } else {
                0.0
            }
        });
        let rows = [
            (Column::IdealOffset, &parts.ideal_usd),
            (Column::FuturesBasis, &parts.basis_usd),
            (Column::Funding, &parts.funding_usd),
            (Column::LiquidationGap, &parts.gap_usd),
        ];
        for (column, row) in rows {
            put(out, column as usize, |lane| row[lane]);
        }
    }

    /// Writes what each path has counted, and its margin.
    fn put_path_states(&self, out: &mut [f64]) {
        let hot = &self.state.hot;
        let mut path = |column: Column, cell: fn(&PathState) -> f64| {
            put(out, column as usize, |lane| cell(self.path(lane)));
        };
        path(Column::Fees, |path| path.fees_usd);
        path(Column::Slippage, |path| path.slippage_usd);
        path(Column::Liquidation, |path| path.liquidation_usd);
        path(Column::BankruptcyLoss, |path| path.bankruptcy_usd);
        path(Column::LiquidationDay, |path| path.liquidation_day);
        path(Column::Liquidations, |path| f64::from(path.liquidations));
        path(Column::MarginCalls, |path| f64::from(path.margin_calls));
        path(Column::UnmetCalls, |path| f64::from(path.unmet_calls));
        path(Column::UnmetCall, |path| path.unmet_call_usd);
        path(Column::CutTrades, |path| f64::from(path.cut_trades));
        path(Column::TopUp, |path| path.top_up_usd);
        path(Column::PeakCollateral, |path| path.peak_posted_usd);
        put(out, Column::Financing as usize, |lane| {
            self.interest_usd(lane) + self.early_sales_usd(lane)
        });
        put(out, Column::MinEquity as usize, |lane| {
            let least_usd = hot.min_equity_usd[lane];
            if least_usd.is_finite() {
                least_usd
            } else {
                0.0
            }
        });
        put(out, Column::MaxMarginRatio as usize, |lane| {
            if self.path(lane).was_insolvent {
                f64::NAN
            } else {
                hot.worst_maintenance[lane] / hot.worst_equity[lane]
            }
        });
    }

    /// Writes a column of the plan's own.
    fn put_extra(&self, extra: Extra, place: usize, parts: &Parts, out: &mut [f64]) {
        let rules = self.rules;
        let mut put = |cell: &dyn Fn(usize) -> f64| put(out, place, cell);
        let dated = |lane: usize, date: usize, place: usize| {
            let width = 2 + rules.venues;
            let row = lane * rules.date_steps.len() + date;
            self.state.dates[row * width + place]
        };
        match extra {
            Extra::TerminalSpot(asset) => {
                let spots_usd = self.spots_usd(asset);
                put(&|lane| spots_usd[lane]);
            }
            Extra::Roll => put(&|lane| self.path(lane).roll_usd),
            Extra::Options => put(&|lane| parts.options_usd[lane]),
            Extra::CollateralRevaluation => put(&|lane| self.revaluation_usd(lane)),
            Extra::EntryCost => put(&|lane| self.path(lane).costs_usd[0]),
            Extra::RebalancingCost => put(&|lane| self.path(lane).costs_usd[1]),
            Extra::RollCost => put(&|lane| self.path(lane).costs_usd[2]),
            Extra::ExitCost => put(&|lane| self.path(lane).costs_usd[3]),
            Extra::Carry => put(&|lane| parts.carry_usd[lane]),
            Extra::Curve => put(&|lane| parts.curve_usd[lane]),
            Extra::LargestCall24h => put(&|lane| self.calls.largest_usd(lane)[0]),
            Extra::LargestCall7d => put(&|lane| self.calls.largest_usd(lane)[1]),
            Extra::CashInTransit => put(&|lane| self.path(lane).most_in_flight_usd),
            Extra::HoldingPnl(j) => put(&|lane| self.holding_usd(lane, j)),
            // Written with the attribution.
            Extra::HedgePnl(_) => {}
            Extra::AccountPeakCollateral(a) => put(&|lane| self.account(lane, a).peak_posted_usd),
            Extra::AccountLiquidated(a) => {
                put(&|lane| f64::from(self.account(lane, a).liquidations > 0));
            }
            Extra::InterimHedged(date) => put(&|lane| dated(lane, date, 0)),
            Extra::InterimUnhedged(date) => put(&|lane| dated(lane, date, 1)),
            Extra::Exposure { venue, date } => put(&|lane| dated(lane, date, 2 + venue)),
        }
    }
}

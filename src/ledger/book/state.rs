//! The state of one block of paths: what a quiet step touches lane by lane, the rest path by path.

use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// No step: nothing is due.
pub(super) const NEVER: u32 = u32::MAX;

/// State that a quiet step reads or moves. Amounts of an account are in its currency.
#[derive(Debug, Clone)]
pub(super) struct Hot {
    /// Actual size `w`; shape `[legs][LANES]`, as the next three.
    pub(super) size: Vec<LaneArray>,
    /// Planned size.
    pub(super) planned: Vec<LaneArray>,
    /// Entry price of a unit, averaged.
    pub(super) entry: Vec<LaneArray>,
    /// That of the planned size.
    pub(super) planned_entry: Vec<LaneArray>,
    /// `balance + sum w E`; shape `[accounts][LANES]`, as up to `revaluation_usd`.
    pub(super) cash: Vec<LaneArray>,
    /// The same of the planned legs, without deposits.
    pub(super) planned_cash: Vec<LaneArray>,
    /// 1 where the venue may liquidate, 0 where there is nothing to.
    pub(super) open: Vec<LaneArray>,
    /// Margin ratio under which the hedger who looks acts.
    pub(super) acts_below: Vec<LaneArray>,
    /// Margin ratio at or above which he does.
    pub(super) acts_above: Vec<LaneArray>,
    /// Of a coin account, coins on their way to it less coins of holdings in it or lost.
    pub(super) beyond: Vec<LaneArray>,
    /// Collateral revaluation of a coin account so far.
    pub(super) revaluation_usd: Vec<LaneArray>,
    /// What margin counts of the coins in a USD account, coins; shape `[slots][LANES]`.
    pub(super) counted: Vec<LaneArray>,
    /// Coins bought for USD accounts, less coins of holdings lost there or sold early; shape `[assets][LANES]`.
    pub(super) extra: Vec<LaneArray>,
    /// 1 where a hedge is in its alternative contract; shape `[hedges][LANES]`.
    pub(super) switched: Vec<LaneArray>,
    /// Step at whose end something is due on one path.
    pub(super) due_step: LaneArray,
    /// Smallest equity, USD.
    pub(super) min_equity_usd: LaneArray,
    /// Maintenance margin at the largest margin ratio.
    pub(super) worst_maintenance: LaneArray,
    /// Equity at the largest margin ratio.
    pub(super) worst_equity: LaneArray,
    /// Collateral required so far, USD.
    pub(super) required_usd: LaneArray,
    /// Wealth beside inventories and accounts, USD; interest up to step `t` is in it but for `-interest_usd * t`.
    pub(super) outside_usd: LaneArray,
    /// Interest that runs, USD per step.
    pub(super) interest_usd: LaneArray,
    /// Running peak of hedged wealth, USD.
    pub(super) peak_wealth_usd: LaneArray,
    /// Largest fall from the peak, USD.
    pub(super) max_drawdown_usd: LaneArray,
    /// `sum dX S` of each holding's inventory and of its expected inventory, that at time 0 included; shape `[holdings][LANES]`.
    pub(super) turnover_usd: [Vec<LaneArray>; 2],
}

/// `sum dw P` over a leg's trades, its size at time 0 included, for each of the prices that attribute its profit.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "names end in their unit")]
pub(super) struct Turnover {
    pub(super) price_usd: f64,
    pub(super) own_usd: f64,
    pub(super) funding_usd: f64,
}

/// An order that is worked in parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) target: f64,
    pub(super) parts_left: u32,
    /// Whether it opens the hedge.
    pub(super) is_entry: bool,
}

/// One leg of one path.
#[derive(Debug, Clone, Copy)]
pub(super) struct LegState {
    /// Of the planned size.
    pub(super) planned: Turnover,
    /// Of the actual size.
    pub(super) actual: Turnover,
    /// Of a dated future, the carry per year at which the planned size was entered, averaged.
    pub(super) entry_carry: f64,
    /// What the curve's moves since then have added to the price of what of it has been closed, times the size, USD.
    pub(super) curve_usd: f64,
    /// Fees, slippage and costs of liquidation, USD, >= 0.
    pub(super) costs_usd: f64,
    /// Size before it was closed at the horizon.
    pub(super) final_size: f64,
    pub(super) order: Order,
}

/// One account of one path.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccountState {
    /// Whether its hedges are on: not liquidated, or opened anew.
    pub(super) is_live: bool,
    /// Whether the next look above the call level counts.
    pub(super) is_armed: bool,
    pub(super) reserve_usd: f64,
    /// Money under way that has not left for a coin account, and all money for a USD account.
    pub(super) in_flight_usd: f64,
    /// Coins under way.
    pub(super) in_flight_coins: f64,
    /// What was paid for them.
    pub(super) in_flight_cost_usd: f64,
    /// Step at whose end the money leaves.
    pub(super) leave_step: u32,
    /// Step at whose end it arrives.
    pub(super) arrival_step: u32,
    /// Whether the account was liquidated since it was sent.
    pub(super) is_too_late: bool,
    /// Step at whose end the hedges are opened anew.
    pub(super) reentry_step: u32,
    /// Net value posted, USD.
    pub(super) posted_usd: f64,
    /// Largest.
    pub(super) peak_posted_usd: f64,
    pub(super) liquidations: u32,
    /// The most that its planned legs have lacked, USD; kept only if somebody asks.
    pub(super) shortfall_usd: f64,
}

/// Coins of one kind in one account of one path.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotState {
    /// Coins at the venue; of a coin account 0, for they are in its balance.
    pub(super) coins: f64,
    /// Coins of a holding in the account or lost there.
    pub(super) posted: f64,
}

/// One credit line of one path.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CreditState {
    pub(super) drawn_usd: f64,
    /// What of it has left, so that interest runs.
    pub(super) running_usd: f64,
}

/// One holding on one path.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HoldingState {
    /// Sales so far at spot, USD.
    pub(super) sales_usd: f64,
    /// Cost of production so far, USD.
    pub(super) production_usd: f64,
    /// Coins sold early.
    pub(super) early_base: f64,
    /// `sum dx S` of them.
    pub(super) early_turnover_usd: f64,
    /// What selling them early has cost.
    pub(super) early_cost_usd: f64,
    /// What is owed to the sales plan for coins that were gone when it sold them.
    pub(super) early_settled_usd: f64,
}

/// What one path has beside hedges, accounts and holdings.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathState {
    /// Fees, <= 0.
    pub(super) fees_usd: f64,
    /// Slippage, spread and impact, <= 0.
    pub(super) slippage_usd: f64,
    /// The same of rolls and switches.
    pub(super) roll_usd: f64,
    pub(super) liquidation_usd: f64,
    pub(super) bankruptcy_usd: f64,
    /// Costs by purpose, >= 0: entry, rebalancing, roll, exit.
    pub(super) costs_usd: [f64; 4],
    /// Interest: at step `t` it is `interest_offset_usd - interest * t`.
    pub(super) interest_offset_usd: f64,
    pub(super) posted_usd: f64,
    pub(super) peak_posted_usd: f64,
    pub(super) top_up_usd: f64,
    pub(super) unmet_call_usd: f64,
    pub(super) most_in_flight_usd: f64,
    /// `sum dx S` of coins bought for USD accounts, less those of holdings lost there; those at time 0 included.
    pub(super) coin_turnover_usd: f64,
    /// First liquidation, days; NaN without.
    pub(super) liquidation_day: f64,
    pub(super) liquidations: u32,
    pub(super) margin_calls: u32,
    pub(super) unmet_calls: u32,
    pub(super) cut_trades: u32,
    /// Whether an equity was ever at or under 0.
    pub(super) was_insolvent: bool,
}

/// The state of one block.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) hot: Hot,
    /// Shape `[LANES][legs]`, and so on.
    pub(super) legs: Vec<LegState>,
    pub(super) accounts: Vec<AccountState>,
    pub(super) slots: Vec<SlotState>,
    pub(super) credits: Vec<CreditState>,
    pub(super) holdings: Vec<HoldingState>,
    pub(super) paths: Vec<PathState>,
    /// Hedged and unhedged P&L and the exposures at the reporting dates; shape `[LANES][dates][2 + venues]`.
    pub(super) dates: Vec<f64>,
}

impl State {
    /// Sets it to another of the same shape, without allocating.
    pub(super) fn copy_from(&mut self, other: &Self) {
        let Self {
            hot,
            legs,
            accounts,
            slots,
            credits,
            holdings,
            paths,
            dates,
        } = self;
        hot.copy_from(&other.hot);
        legs.copy_from_slice(&other.legs);
        accounts.copy_from_slice(&other.accounts);
        slots.copy_from_slice(&other.slots);
        credits.copy_from_slice(&other.credits);
        holdings.copy_from_slice(&other.holdings);
        paths.copy_from_slice(&other.paths);
        dates.copy_from_slice(&other.dates);
    }
}

/// The same number in every lane of so many rows.
pub(super) fn rows(count: usize, value: f64) -> Vec<LaneArray> {
    vec![[value; LANES]; count]
}

impl Default for Hot {
    fn default() -> Self {
        Self::new(&Shape::default())
    }
}

/// Numbers of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape {
    pub(super) legs: usize,
    pub(super) accounts: usize,
    pub(super) slots: usize,
    pub(super) assets: usize,
    pub(super) hedges: usize,
    pub(super) holdings: usize,
}

impl Hot {
    /// Sets it to another of the same shape, without allocating.
    fn copy_from(&mut self, other: &Self) {
        let Self {
            size,
            planned,
            entry,
            planned_entry,
            cash,
            planned_cash,
            open,
            acts_below,
            acts_above,
            beyond,
            revaluation_usd,
            counted,
            extra,
            switched,
            due_step,
            min_equity_usd,
            worst_maintenance,
            worst_equity,
            required_usd,
            outside_usd,
            interest_usd,
            peak_wealth_usd,
            max_drawdown_usd,
            turnover_usd,
        } = self;
        size.copy_from_slice(&other.size);
        planned.copy_from_slice(&other.planned);
        entry.copy_from_slice(&other.entry);
        planned_entry.copy_from_slice(&other.planned_entry);
        cash.copy_from_slice(&other.cash);
        planned_cash.copy_from_slice(&other.planned_cash);
        open.copy_from_slice(&other.open);
        acts_below.copy_from_slice(&other.acts_below);
        acts_above.copy_from_slice(&other.acts_above);
        beyond.copy_from_slice(&other.beyond);
        revaluation_usd.copy_from_slice(&other.revaluation_usd);
        counted.copy_from_slice(&other.counted);
        extra.copy_from_slice(&other.extra);
        switched.copy_from_slice(&other.switched);
        *due_step = other.due_step;
        *min_equity_usd = other.min_equity_usd;
        *worst_maintenance = other.worst_maintenance;
        *worst_equity = other.worst_equity;
        *required_usd = other.required_usd;
        *outside_usd = other.outside_usd;
        *interest_usd = other.interest_usd;
        *peak_wealth_usd = other.peak_wealth_usd;
        *max_drawdown_usd = other.max_drawdown_usd;
        for (rows, others) in turnover_usd.iter_mut().zip(&other.turnover_usd) {
            rows.copy_from_slice(others);
        }
    }

    /// Nothing is posted and nothing is open.
    pub(super) fn new(shape: &Shape) -> Self {
        let (legs, accounts) = (shape.legs, shape.accounts);
        Self {
            size: rows(legs, 0.0),
            planned: rows(legs, 0.0),
            entry: rows(legs, 0.0),
            planned_entry: rows(legs, 0.0),
            cash: rows(accounts, 0.0),
            planned_cash: rows(accounts, 0.0),
            open: rows(accounts, 0.0),
            acts_below: rows(accounts, 0.0),
            acts_above: rows(accounts, f64::INFINITY),
            beyond: rows(accounts, 0.0),
            revaluation_usd: rows(accounts, 0.0),
            counted: rows(shape.slots, 0.0),
            extra: rows(shape.assets, 0.0),
            switched: rows(shape.hedges, 0.0),
            due_step: [f64::from(NEVER); LANES],
            min_equity_usd: [f64::INFINITY; LANES],
            worst_maintenance: [0.0; LANES],
            worst_equity: [1.0; LANES],
            required_usd: [0.0; LANES],
            outside_usd: [0.0; LANES],
            interest_usd: [0.0; LANES],
            peak_wealth_usd: [f64::NEG_INFINITY; LANES],
            max_drawdown_usd: [0.0; LANES],
            turnover_usd: [rows(shape.holdings, 0.0), rows(shape.holdings, 0.0)],
        }
    }
}

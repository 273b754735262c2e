//! The slow general ledger: one path, one step at a time, written to be read beside section 5 of the design and the
//! fine print of contracts and policies.
//!
//! Every amount is kept explicitly in the currency of its account and booked where it arises; wealth is counted at the
//! end from what is owned, so that the identity is a check and not a definition. The fast general ledger has to agree
//! with it path by path.

mod account;
mod crossing;
mod decisions;
mod factors;
mod holding;
mod horizon;
mod leg;
mod level;
mod liquidation;
mod margin;
mod option;
mod order;
mod prices;
mod record;
mod row;
mod trading;
mod transfer;

use hedgesim::engine::tape::Tape;
use hedgesim::math::random::{Purpose as DrawPurpose, Streams};
use hedgesim::plan::types::{Plan, SettlementCurrency};

use account::Account;
pub use factors::{Factor, covariance};
use holding::Holding;
use leg::Leg;
pub use leg::Position;
pub use level::liquidation_level_usd;
pub use option::{black_delta, black_value_usd};
pub use prices::{Prices, expiry_held, years_left};
pub use row::{COMPONENTS, SlowRow};

/// Segments of one account's bridge in one step that have a uniform of their own.
const SEGMENTS: u32 = 4096;

/// The random numbers that a ledger draws itself: one uniform for each account, step and segment.
#[derive(Debug, Clone, Copy)]
pub enum Draws<'a> {
    /// Those of a run's path.
    Path {
        /// The run's streams.
        streams: &'a Streams,
        /// The path.
        path: u64,
    },
    /// Always the same number, for tests by hand.
    Always(f64),
}

impl Draws<'_> {
    /// Decides whether an account that is no single future crosses in a segment of a step (counted from 1).
    fn account_uniform(&self, account: usize, step: u32, segment: usize) -> f64 {
        match *self {
            Self::Always(uniform) => uniform,
            Self::Path { streams, path } => {
                let number = |count: usize| u32::try_from(count).expect("few");
                let segment = number(segment).min(SEGMENTS - 1);
                let purpose = DrawPurpose::AccountBridge(number(account) * SEGMENTS + segment);
                streams.uniform_32(path, step - 1, purpose)
            }
        }
    }
}

/// Runs the plan along one tape.
pub fn run(plan: &Plan, tape: &Tape, draws: Draws<'_>) -> SlowRow {
    let mut book = Book::open(plan, tape, draws);
    for step in 1..=plan.simulation.steps {
        book.step(step);
    }
    book.finish()
}

/// Which of a leg's two positions is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// The one that the policy plans: unconstrained, nothing forced.
    Planned,
    /// The one that is really there.
    Actual,
}

/// Everything that the hedger and the venues know of one path, at one moment.
struct Book<'a> {
    plan: &'a Plan,
    tape: &'a Tape,
    draws: Draws<'a>,
    /// The step being worked on; 0 before the first.
    step: u32,
    /// Prices at the start of the step, rolled contracts at their new mark.
    start: Prices,
    /// Prices at the end of the step, before anything happens there.
    end: Prices,
    holdings: Vec<Holding>,
    /// One for each hedge of the plan.
    legs: Vec<Leg>,
    accounts: Vec<Account>,
    /// Hedged wealth at time 0.
    initial_wealth_usd: f64,
    /// Cash paid for interest so far, negative when paid.
    interest_usd: f64,
    /// The row in the making.
    row: SlowRow,
    /// What is recorded on the way and is no sum.
    record: record::Record,
}

impl Book<'_> {
    /// One step, in the order of events; each stage for all accounts or hedges in their order before the next stage.
    fn step(&mut self, step: u32) {
        self.step = step;
        self.start = self.prices_after(step - 1);
        self.end = self.prices_before(step);
        self.accrue_interest();
        self.revalue_coins();
        self.revalue_what_was_sold_early();
        self.stage_1_market_moves();
        self.stage_2_crossing();
        self.book_liquidation_gap();
        self.stage_3_funding();
        self.stage_4_arrivals();
        self.stage_5_margin();
        self.record_equity_and_ratio();
        self.record_required_collateral();
        self.stake();
        let changes = self.stage_6_production();
        if self.is_horizon() {
            self.record_report_date();
            self.close_everything();
        } else {
            let changes = self.stage_6_sales(changes);
            self.stage_7_decisions(&changes);
            self.record_report_date();
        }
        self.stage_8_record();
        self.assert_nobody_has_what_is_not_there();
    }

    /// Interest of this step on what was contributed and owed when it began.
    fn accrue_interest(&mut self) {
        let years = self.plan.simulation.step_years();
        for a in 0..self.accounts.len() {
            let own_usd =
                self.accounts[a].net_contributed_usd - self.accounts[a].debt_and_promised_usd();
            let interest_usd = self.plan.cost_of_funds_annual * own_usd * years
                + self.accounts[a].interest_per_year_usd() * years;
            self.interest_usd -= interest_usd;
            self.add("financing_usd", -interest_usd);
        }
    }

    /// Coins that the programme has beyond the inventory gain or lose with their spot.
    fn revalue_coins(&mut self) {
        for asset in 0..self.plan.market.assets.len() {
            let change_usd = self.end.spot_usd[asset] - self.start.spot_usd[asset];
            let gain_usd = self.coins_beyond_inventory(asset, &self.start) * change_usd;
            self.add("collateral_revaluation_usd", gain_usd);
        }
    }

    /// Coins that the programme has at venues or on the way, less those of the inventory that should be there.
    fn coins_beyond_inventory(&self, asset: usize, prices: &Prices) -> f64 {
        let mut coins = 0.0;
        for a in 0..self.accounts.len() {
            let account = &self.accounts[a];
            match self.plan.accounts[a].settlement {
                SettlementCurrency::Coin { asset: own } if own == asset => {
                    coins +=
                        account.balance + self.unrealised(a, prices) + account.coins_in_flight();
                }
                SettlementCurrency::Coin { .. } | SettlementCurrency::Usd => {}
            }
            for coin in account.coins.iter().filter(|coin| coin.asset == asset) {
                // Coins of a coin account are in its balance; what is the holding's is no coin beyond the inventory.
                match (self.plan.accounts[a].settlement, coin.holding) {
                    (SettlementCurrency::Usd, None) => coins += coin.quantity,
                    (SettlementCurrency::Coin { .. }, Some(_)) => coins -= coin.quantity,
                    (SettlementCurrency::Usd, Some(_))
                    | (SettlementCurrency::Coin { .. }, None) => {}
                }
            }
        }
        for (j, holding) in self.holdings.iter().enumerate() {
            if self.plan.holdings[j].asset == asset {
                coins -= holding.lost_base;
            }
        }
        coins
    }

    fn is_horizon(&self) -> bool {
        self.step == self.plan.simulation.steps
    }

    /// Value in USD of one unit of an account's currency.
    fn currency_usd(&self, a: usize, prices: &Prices) -> f64 {
        match self.plan.accounts[a].settlement {
            SettlementCurrency::Usd => 1.0,
            SettlementCurrency::Coin { asset } => prices.spot_usd[asset],
        }
    }

    fn add(&mut self, column: &'static str, usd: f64) {
        *self.row.sums.entry(column).or_insert(0.0) += usd;
    }

    fn tell(&mut self, event: &str) {
        self.row.events.push(format!("step {}: {event}", self.step));
    }
}

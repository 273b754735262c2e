//! Stage 8 and what is recorded on the way: equity, margin ratio, required collateral, drawdown, report dates.

use hedgesim::plan::types::{Crossing, FundingSource, SettlementCurrency};

use super::factors::{Factor, covariance};
use super::{Book, Prices, Who};

/// `-zeta(1/2) / sqrt(2 pi)`, the Broadie-Glasserman-Kou continuity correction in standard deviations of a step.
const CONTINUITY_CORRECTION: f64 = 0.582_597_157_939;

/// What is recorded and is no sum.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// End of the step of the first liquidation.
    pub liquidation_day: Option<f64>,
    pub min_equity_usd: Option<f64>,
    pub max_margin_ratio: f64,
    /// Whether equity was not positive once.
    pub is_ratio_undefined: bool,
    /// Running maximum of the requirement, at time 0 and at each step's end.
    pub required_usd: Vec<f64>,
    pub peak_posted_usd: f64,
    pub peak_wealth_usd: Option<f64>,
    pub max_drawdown_usd: f64,
    pub cash_in_transit_usd: f64,
    /// Hedged and unhedged P&L at each report date.
    pub interim_usd: Vec<(u32, f64, f64)>,
    /// Venue, step, exposure.
    pub exposures_usd: Vec<(String, u32, f64)>,
}

impl Book<'_> {
    /// Takes an equity and the maintenance margin that it carries into the extremes.
    pub fn see_equity(&mut self, equity_usd: f64, equity: f64, maintenance: f64) {
        let record = &mut self.record;
        let least_usd = record.min_equity_usd.unwrap_or(equity_usd);
        record.min_equity_usd = Some(least_usd.min(equity_usd));
        if equity > 0.0 {
            record.max_margin_ratio = record.max_margin_ratio.max(maintenance / equity);
        } else {
            record.is_ratio_undefined = true;
        }
    }

    /// After stage 5, of each account with a position that needs margin.
    pub fn record_equity_and_ratio(&mut self) {
        for a in 0..self.accounts.len() {
            if self.needs_margin(a, Who::Actual) {
                let equity = self.equity(a, &self.end);
                let maintenance = self.margin(a, Who::Actual, &self.end).maintenance;
                let equity_usd = equity * self.currency_usd(a, &self.end);
                self.see_equity(equity_usd, equity, maintenance);
            }
        }
    }

    /// The largest sum that all accounts together hold.
    pub fn see_posted(&mut self) {
        let posted_usd = self.accounts.iter().map(|account| account.posted_usd).sum();
        self.record.peak_posted_usd = self.record.peak_posted_usd.max(posted_usd);
    }

    /// Initial margin of the plan at time 0, what hedges that were already on have lost since their entry, and what bought
    /// options cost.
    pub fn require_at_time_0(&mut self) {
        let mut required_usd = 0.0;
        for a in 0..self.accounts.len() {
            let initial = self.margin(a, Who::Planned, &self.end).initial;
            let lost: f64 = self
                .legs_of(a)
                .into_iter()
                .filter(|&h| !self.is_option(h))
                .map(|h| -self.legs[h].unrealised(self.contract(h), Who::Planned, &self.end))
                .sum();
            let premiums: f64 = self
                .legs_of(a)
                .into_iter()
                .filter(|&h| self.is_option(h))
                .map(|h| self.legs[h].unrealised(self.contract(h), Who::Planned, &self.end))
                .filter(|value| *value > 0.0)
                .sum();
            required_usd += (initial + lost + premiums) * self.currency_usd(a, &self.end);
        }
        self.record.required_usd.push(required_usd);
    }

    /// What the planned legs would need in their accounts now so as not to be liquidated; coins at the spot of time 0.
    pub fn record_required_collateral(&mut self) {
        let first = self.prices_before(0);
        let required_usd: f64 = (0..self.accounts.len())
            .map(|a| self.required(a) * self.currency_usd(a, &first))
            .sum();
        let before_usd = self.record.required_usd[self.step as usize - 1];
        self.record.required_usd.push(before_usd.max(required_usd));
    }

    fn required(&self, a: usize) -> f64 {
        let is_shifted =
            self.plan.simulation.crossing == Crossing::Bridge && self.needs_margin(a, Who::Planned);
        let mut prices = self.end.clone();
        let mut shift = 0.0;
        if is_shifted {
            if let Some(h) = self.single_future(a, Who::Planned) {
                let c = self.legs[h].contract;
                let mark = Factor::Mark(c);
                let deviation = covariance(self.plan, self.step, mark, mark).max(0.0).sqrt();
                let side = self.legs[h].planned.size.signum();
                prices.mark_usd[c] *= (side * CONTINUITY_CORRECTION * deviation).exp();
            } else {
                let slopes = self.slopes(a, Who::Planned, &self.end);
                shift = CONTINUITY_CORRECTION * self.variance_of(&slopes).sqrt();
            }
        }
        let margin = self.margin(a, Who::Planned, &prices);
        margin.maintenance + margin.trigger_fee + shift
            - self.accounts[a].planned_gain
            - self.unrealised_of(a, Who::Planned, &prices)
    }

    /// Drawdown of hedged wealth at watching moments, and money in flight at every step's end.
    pub fn stage_8_record(&mut self) {
        if self.is_watching_moment() {
            let wealth_usd = self.wealth_usd();
            let record = &mut self.record;
            let peak_usd = record.peak_wealth_usd.unwrap_or(wealth_usd).max(wealth_usd);
            record.peak_wealth_usd = Some(peak_usd);
            record.max_drawdown_usd = record.max_drawdown_usd.max(peak_usd - wealth_usd);
        }
        let in_flight_usd = (0..self.accounts.len())
            .map(|a| self.in_flight_usd(a))
            .sum();
        self.record.cash_in_transit_usd = self.record.cash_in_transit_usd.max(in_flight_usd);
    }

    fn in_flight_usd(&self, a: usize) -> f64 {
        self.accounts[a].transfer.as_ref().map_or(0.0, |transfer| {
            match self.plan.accounts[a].settlement {
                SettlementCurrency::Coin { asset } if transfer.has_left => {
                    transfer.coins * self.end.spot_usd[asset]
                }
                SettlementCurrency::Coin { .. } | SettlementCurrency::Usd => transfer.usd,
            }
        })
    }

    /// Whether any account is looked at now; one without calls is looked at every step.
    fn is_watching_moment(&self) -> bool {
        self.plan.accounts.iter().any(|account| {
            let every_steps = account.margin_call.map_or(1, |call| call.every_steps);
            self.step.is_multiple_of(every_steps)
        })
    }

    /// Interim P&L and exposures, where the end of this step is a date of the report.
    pub fn record_report_date(&mut self) {
        if !self.plan.report.date_steps.contains(&self.step) {
            return;
        }
        let hedged_usd = self.wealth_usd() - self.initial_wealth_usd;
        let unhedged_usd = self.unhedged_wealth_usd() - self.initial_value_usd();
        self.record
            .interim_usd
            .push((self.step, hedged_usd, unhedged_usd));
        let prices = self.prices_now();
        let mut venues: Vec<(String, f64)> = Vec::new();
        for (a, account) in self.plan.accounts.iter().enumerate() {
            let exposure_usd = self.exposure_usd(a, &prices);
            match venues.iter_mut().find(|(venue, _)| *venue == account.venue) {
                Some((_, sum_usd)) => *sum_usd += exposure_usd,
                None => venues.push((account.venue.clone(), exposure_usd)),
            }
        }
        for (venue, sum_usd) in venues {
            self.record
                .exposures_usd
                .push((venue, self.step, sum_usd.max(0.0)));
        }
    }

    /// Collateral without haircuts, and unrealised profit if there is one.
    fn exposure_usd(&self, a: usize, prices: &Prices) -> f64 {
        let currency_usd = self.currency_usd(a, prices);
        let coins_usd: f64 = match self.plan.accounts[a].settlement {
            SettlementCurrency::Coin { .. } => 0.0,
            SettlementCurrency::Usd => self.accounts[a]
                .coins
                .iter()
                .map(|coin| coin.quantity * prices.spot_usd[coin.asset])
                .sum(),
        };
        let profit = self.unrealised(a, prices).max(0.0);
        (self.accounts[a].balance + profit) * currency_usd + coins_usd
    }

    /// Money and coins are somewhere once: no reserve is overdrawn, no loan over its limit, no coin posted or sold that
    /// is not there, and in the end nobody owes anything.
    pub fn assert_nobody_has_what_is_not_there(&self) {
        for (a, account) in self.accounts.iter().enumerate() {
            let plan = &self.plan.accounts[a];
            let scale = 1e-9 * (1.0 + account.peak_posted_usd + plan.reserve_usd);
            assert!(account.reserve_usd >= -scale, "reserve {a} overdrawn");
            for (debt_usd, source) in account.debt_usd.iter().zip(&plan.sources) {
                let limit_usd = match *source {
                    FundingSource::CreditLine { limit_usd, .. } => limit_usd,
                    FundingSource::Reserve | FundingSource::Inventory { .. } => 0.0,
                };
                assert!(
                    (-scale..=limit_usd + scale).contains(debt_usd),
                    "loan of {a}"
                );
            }
            assert!(account.coins.iter().all(|coin| coin.quantity >= 0.0));
            if self.is_horizon() {
                // Until then an account may owe what its own costs or a fall of its coins have left.
                let owed_usd = -account.balance * self.currency_usd(a, &self.end);
                assert!(
                    owed_usd <= scale,
                    "account {a} owes {owed_usd}: {:#?}",
                    self.row.events
                );
            }
            if account.flat_since_step.is_some() {
                assert!(account.balance == 0.0 && account.coins.is_empty());
            }
        }
        if !self.is_horizon() {
            for (j, holding) in self.holdings.iter().enumerate() {
                let scale_base = 1e-9 * (1.0 + holding.units_base);
                assert!(
                    self.free_coins(j) >= -scale_base,
                    "holding {j} is short of coins"
                );
            }
        }
    }
}

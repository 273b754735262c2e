//! Money on its way to an account: where it comes from, when it leaves, when it arrives; and money that comes back.

use hedgesim::plan::types::{FundingSource, SettlementCurrency};

use super::Book;

/// The one transfer of an account that may be under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// Money that was asked for and found.
    pub usd: f64,
    /// What it bought when it left for a coin account; 0 before, and on the way to a USD account.
    pub coins: f64,
    pub has_left: bool,
    pub leave_step: u32,
    pub arrival_step: u32,
    /// Asked for a position that the venue has closed since.
    pub is_too_late: bool,
    /// What of it each source lends when it leaves.
    pub promised_usd: Vec<f64>,
}

impl Book<'_> {
    /// Takes an amount from the account's sources in their order. Returns what was found, and what each loan promised.
    pub fn take_from_sources(&mut self, a: usize, ask_usd: f64) -> (f64, Vec<f64>) {
        let sources = &self.plan.accounts[a].sources;
        let mut promised_usd = vec![0.0; sources.len()];
        let mut left_usd = ask_usd;
        // What is there, or missing, by rounding alone is not.
        let dust_usd = 1e-12 * ask_usd;
        let without_dust = |usd: f64| if usd > dust_usd { usd } else { 0.0 };
        for (s, source) in sources.iter().enumerate() {
            if left_usd <= dust_usd {
                break;
            }
            let taken_usd = match *source {
                FundingSource::Reserve => {
                    let taken_usd = without_dust(left_usd.min(self.accounts[a].reserve_usd));
                    self.accounts[a].reserve_usd -= taken_usd;
                    taken_usd
                }
                FundingSource::CreditLine { limit_usd, .. } => {
                    let open_usd = (limit_usd - self.accounts[a].debt_usd[s]).max(0.0);
                    promised_usd[s] = without_dust(left_usd.min(open_usd));
                    promised_usd[s]
                }
                FundingSource::Inventory { holding, cost_frac } => {
                    let found_usd = left_usd.min(self.early_sale_brings_usd(holding, cost_frac));
                    self.sell_early(holding, cost_frac, without_dust(found_usd))
                }
            };
            left_usd = (left_usd - taken_usd).max(0.0);
        }
        (ask_usd - left_usd, promised_usd)
    }

    /// What all coins at hand of a holding would bring.
    fn early_sale_brings_usd(&self, j: usize, cost_frac: f64) -> f64 {
        self.free_coins(j).max(0.0) * self.spot_of_holding(j) * (1.0 - cost_frac)
    }

    /// Sells coins at hand of a holding for an amount, or for what they bring.
    fn sell_early(&mut self, j: usize, cost_frac: f64, wanted_usd: f64) -> f64 {
        let per_coin_usd = self.spot_of_holding(j) * (1.0 - cost_frac);
        let sold_base = (wanted_usd / per_coin_usd).min(self.free_coins(j).max(0.0));
        if sold_base <= 0.0 {
            return 0.0;
        }
        self.holdings[j].sold_early_base += sold_base;
        let cost_usd = sold_base * self.spot_of_holding(j) * cost_frac;
        self.add("financing_usd", -cost_usd);
        self.tell(&format!("{sold_base} of holding {j} sold early"));
        sold_base * per_coin_usd
    }

    /// Sends a top-up: it is set aside now, leaves when the window is open, and arrives after the delay.
    pub fn send(&mut self, a: usize, usd: f64, promised_usd: Vec<f64>, delay_steps: u32) {
        let leave_step = self.plan.accounts[a]
            .leaves_at
            .as_ref()
            .map_or(self.step, |leaves_at| leaves_at[self.step as usize]);
        self.accounts[a].net_contributed_usd += usd;
        self.add("top_up_usd", usd);
        self.tell(&format!(
            "account {a}: top-up of {usd} asked, leaves at {leave_step}"
        ));
        self.accounts[a].transfer = Some(Transfer {
            usd,
            coins: 0.0,
            has_left: false,
            leave_step,
            arrival_step: leave_step + delay_steps,
            is_too_late: false,
            promised_usd,
        });
        self.leave_or_arrive(a);
    }

    /// What is due of a transfer at this step's end: to leave, to arrive.
    pub fn leave_or_arrive(&mut self, a: usize) {
        let Some(mut transfer) = self.accounts[a].transfer.take() else {
            return;
        };
        if !transfer.has_left && transfer.leave_step == self.step {
            transfer.has_left = true;
            let account = &mut self.accounts[a];
            for (debt_usd, promised_usd) in
                account.debt_usd.iter_mut().zip(&mut transfer.promised_usd)
            {
                *debt_usd += *promised_usd;
                *promised_usd = 0.0;
            }
            if let SettlementCurrency::Coin { asset } = self.plan.accounts[a].settlement {
                transfer.coins = transfer.usd / self.end.spot_usd[asset];
            }
        }
        if transfer.has_left && transfer.arrival_step == self.step {
            self.arrive(a, &transfer);
        } else {
            self.accounts[a].transfer = Some(transfer);
        }
    }

    fn arrive(&mut self, a: usize, transfer: &Transfer) {
        let settlement = self.plan.accounts[a].settlement;
        let (amount, worth_usd) = match settlement {
            SettlementCurrency::Usd => (transfer.usd, transfer.usd),
            SettlementCurrency::Coin { asset } => {
                (transfer.coins, transfer.coins * self.end.spot_usd[asset])
            }
        };
        if self.accounts[a].flat_since_step.is_some() || transfer.is_too_late {
            self.tell(&format!("account {a}: transfer of {worth_usd} returns"));
            self.money_comes_back(a, worth_usd);
        } else {
            self.tell(&format!("account {a}: top-up of {amount} arrives"));
            self.accounts[a].balance += amount;
            self.post(a, transfer.usd);
            self.accounts[a].is_armed = true;
        }
    }

    /// Posts money, and looks at what all accounts hold together.
    pub fn post(&mut self, a: usize, usd: f64) {
        self.accounts[a].post(usd);
        self.see_posted();
    }

    /// Money that a release, a liquidation or a transfer that came too late brings back: loans first, then the reserve.
    pub fn money_comes_back(&mut self, a: usize, usd: f64) {
        let account = &mut self.accounts[a];
        account.net_contributed_usd -= usd;
        let mut left_usd = usd;
        for debt_usd in &mut account.debt_usd {
            let repaid_usd = left_usd.min(*debt_usd);
            *debt_usd -= repaid_usd;
            left_usd -= repaid_usd;
        }
        account.reserve_usd += left_usd;
    }
}

//! Stage 6: staking, production and sales; the side without a hedge.

use hedgesim::plan::types::Follows;

use super::Book;

/// One holding on the side without a hedge, and what the hedged side has less of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Holding {
    /// Inventory of the plan: what there would be without a hedge.
    pub inventory_base: f64,
    /// Cash from the plan's sales so far.
    pub sold_usd: f64,
    /// Cost of production so far.
    pub production_cost_usd: f64,
    /// Everything that there ever was to sell.
    pub units_base: f64,
    /// Sold early to feed the margin, and not sold by the plan since.
    pub sold_early_base: f64,
    /// Spot value of what was sold early at the moment at which the plan would have sold it.
    pub settled_usd: f64,
    /// Lost at a venue.
    pub lost_base: f64,
    /// Value at time 0 of the initial quantity.
    pub initial_usd: f64,
}

impl Holding {
    /// Value without a hedge at a spot.
    pub fn value_usd(&self, spot_usd: f64) -> f64 {
        self.inventory_base * spot_usd + self.sold_usd - self.production_cost_usd
    }
}

/// A change of the quantity that a hedge follows: from, to.
pub type Followed = (f64, f64);

impl Book<'_> {
    pub fn spot_of_holding(&self, j: usize) -> f64 {
        self.end.spot_usd[self.plan.holdings[j].asset]
    }

    /// The quantity that a hedge follows, at this step's end.
    pub fn followed_base(&self, h: usize) -> f64 {
        let hedge = &self.legs[h].hedge;
        let at_hand = self.holdings[hedge.covers].inventory_base;
        match hedge.follows {
            Follows::Inventory => at_hand,
            Follows::Expected => {
                let to_come: f64 = self.plan.holdings[hedge.covers]
                    .production
                    .iter()
                    .filter(|production| production.step > self.step)
                    .map(|production| production.quantity_base)
                    .sum();
                at_hand + to_come
            }
        }
    }

    /// The inventory grows by staking; what was sold early or lost does not, and the hedged side falls behind.
    pub fn stake(&mut self) {
        let years = self.plan.simulation.step_years();
        for j in 0..self.holdings.len() {
            let growth = (1.0 + self.plan.holdings[j].staking_yield_annual).powf(years) - 1.0;
            let spot_usd = self.spot_of_holding(j);
            let holding = &mut self.holdings[j];
            let early_usd = holding.sold_early_base * growth * spot_usd;
            let lost_usd = holding.lost_base * growth * spot_usd;
            holding.units_base += holding.inventory_base * growth;
            holding.inventory_base *= 1.0 + growth;
            holding.sold_early_base *= 1.0 + growth;
            holding.lost_base *= 1.0 + growth;
            self.add("financing_usd", -early_usd);
            self.add("collateral_revaluation_usd", -lost_usd);
        }
    }

    /// What each hedge follows before anything is produced or sold; then production.
    pub fn stage_6_production(&mut self) -> Vec<f64> {
        let before: Vec<f64> = (0..self.legs.len())
            .map(|h| self.followed_before_production(h))
            .collect();
        for j in 0..self.holdings.len() {
            for production in &self.plan.holdings[j].production {
                if production.step == self.step {
                    self.holdings[j].inventory_base += production.quantity_base;
                    self.holdings[j].units_base += production.quantity_base;
                    self.holdings[j].production_cost_usd += production.cost_usd;
                    self.row
                        .events
                        .push(format!("step {}: {production:?}", self.step));
                }
            }
        }
        before
    }

    /// The same when the step began, or before the production that is due now.
    pub fn followed_before_production(&self, h: usize) -> f64 {
        let hedge = &self.legs[h].hedge;
        let due: f64 = self.plan.holdings[hedge.covers]
            .production
            .iter()
            .filter(|production| production.step == self.step)
            .map(|production| production.quantity_base)
            .sum();
        match hedge.follows {
            Follows::Inventory => self.followed_base(h),
            Follows::Expected => self.followed_base(h) + due,
        }
    }

    /// Sales of the plan that are due. Returns how what each hedge follows has changed by production and sales.
    pub fn stage_6_sales(&mut self, before: Vec<f64>) -> Vec<Followed> {
        for j in 0..self.holdings.len() {
            for sale in &self.plan.holdings[j].sales {
                if sale.step == self.step {
                    self.sell(j, sale.quantity_base);
                }
            }
        }
        before
            .into_iter()
            .enumerate()
            .map(|(h, before)| (before, self.followed_base(h)))
            .collect()
    }

    /// Sells a quantity of the plan's inventory at spot less slippage, in hedged and unhedged alike. Coins at hand go
    /// first; what is missing because it was sold early is sold by the plan now.
    pub fn sell(&mut self, j: usize, quantity_base: f64) {
        let at_hand_base = self.free_coins(j).max(0.0);
        let spot_usd = self.spot_of_holding(j);
        let holding = &mut self.holdings[j];
        let missing_base = (quantity_base - at_hand_base).max(0.0);
        let given_up_base = missing_base.min(holding.sold_early_base);
        holding.sold_early_base -= given_up_base;
        holding.settled_usd += given_up_base * spot_usd;
        holding.inventory_base -= quantity_base;
        holding.sold_usd += quantity_base * spot_usd * (1.0 - self.plan.execution_slippage_frac);
        self.tell(&format!("{quantity_base} of holding {j} sold"));
    }

    /// Coins of a holding that are at hand: neither at a venue nor lost nor sold early.
    pub fn free_coins(&self, j: usize) -> f64 {
        let posted: f64 = self
            .accounts
            .iter()
            .flat_map(|account| &account.coins)
            .filter(|coin| coin.holding == Some(j))
            .map(|coin| coin.quantity)
            .sum();
        let holding = &self.holdings[j];
        holding.inventory_base - posted - holding.lost_base - holding.sold_early_base
    }

    /// What was sold early no longer moves with the spot; the side without a hedge still has it.
    pub fn revalue_what_was_sold_early(&mut self) {
        for j in 0..self.holdings.len() {
            let asset = self.plan.holdings[j].asset;
            let change_usd = self.end.spot_usd[asset] - self.start.spot_usd[asset];
            let gain_usd = -self.holdings[j].sold_early_base * change_usd;
            self.add("financing_usd", gain_usd);
        }
    }
}

//! Rows of the general ledger on paths made by hand.

use hedgesim::ledger::book::ledger::Book;
use hedgesim::ledger::book::rules::BookRules;
use hedgesim::market::model::MarketModel;
use hedgesim::market::tile::{MarketTile, TILE_STEPS};
use hedgesim::outcome::column::{Column, Extra};
use hedgesim::outcome::layout::Layout;
use hedgesim::outcome::table::LANES;
use hedgesim::plan::types::{ContractKind, Plan};

/// One path: series by step, from time 0.
#[derive(Debug, Clone)]
pub struct FixedPath {
    /// Shape `[assets][steps + 1]`.
    pub spots_usd: Vec<Vec<f64>>,
    /// Carry of each contract, shape `[contracts][steps + 1]`.
    pub carry: Vec<Vec<f64>>,
    /// Basis of each perpetual, `ln(F/S)`.
    pub basis: Vec<Vec<f64>>,
    /// Funding rate of each contract's stamp at the end of a step; `None`: no stamp.
    pub rates: Vec<Vec<Option<f64>>>,
}

impl FixedPath {
    /// A path of one asset without basis, carry or funding.
    pub fn of_spots(plan: &Plan, spots_usd: &[f64]) -> Self {
        let contracts = plan.market.contracts.len();
        let zero = vec![vec![0.0; spots_usd.len()]; contracts];
        Self {
            spots_usd: vec![spots_usd.to_vec()],
            carry: zero.clone(),
            basis: zero,
            rates: vec![vec![None; spots_usd.len()]; contracts],
        }
    }

    fn mark_usd(&self, plan: &Plan, contract: usize, step: usize) -> f64 {
        let rule = &plan.market.contracts[contract];
        let spot_usd = self.spots_usd[rule.underlying][step];
        match &rule.kind {
            ContractKind::Perpetual { .. } => spot_usd * self.basis[contract][step].exp(),
            ContractKind::Option(_) => spot_usd,
            ContractKind::Dated(dated) => {
                let held = dated
                    .expiries
                    .iter()
                    .find(|expiry| expiry.roll_step.is_none_or(|roll| step <= roll as usize));
                let left = held.map_or(0.0, |expiry| {
                    if step < expiry.step as usize {
                        expiry.years - step as f64 * plan.simulation.step_years()
                    } else {
                        0.0
                    }
                });
                spot_usd * dated.basis(self.carry[contract][step], left).exp()
            }
        }
    }
}

/// The row of a path.
pub struct Row {
    layout: Layout,
    cells: Vec<f64>,
}

impl Row {
    pub fn of(&self, column: Column) -> f64 {
        self.cells[column as usize]
    }

    pub fn extra(&self, extra: Extra) -> f64 {
        self.layout
            .index(extra)
            .map_or(0.0, |index| self.cells[index])
    }

    /// Hedged P&L less the sum of its parts.
    pub fn residual_usd(&self) -> f64 {
        let parts: f64 = hedgesim::outcome::column::COMPONENTS
            .iter()
            .filter_map(|(_, cell)| self.layout.cell(*cell))
            .map(|index| self.cells[index])
            .sum();
        self.of(Column::HedgedPnl) - self.of(Column::UnhedgedPnl) - parts
    }
}

/// Runs a plan on a path.
pub fn run(plan: &Plan, path: &FixedPath) -> Row {
    let market = MarketModel::new(plan);
    let rules = BookRules::new(plan, &market);
    let mut book = Book::new(&rules, market.streams());
    book.start();
    let steps = plan.simulation.steps as usize;
    let (assets, contracts) = (plan.market.assets.len(), plan.market.contracts.len());
    let mut tile = MarketTile::new(assets, contracts);
    for first in (0..steps).step_by(TILE_STEPS) {
        tile.first_step = first;
        tile.steps = (steps - first).min(TILE_STEPS);
        for k in 0..=tile.steps {
            for c in 0..contracts {
                tile.mark_usd[c][k] = [path.mark_usd(plan, c, first + k); LANES];
                tile.carry[c][k] = [path.carry[c][first + k]; LANES];
            }
            if k == tile.steps {
                continue;
            }
            for a in 0..assets {
                tile.spot_usd[a][k] = [path.spots_usd[a][first + k + 1]; LANES];
            }
            for c in 0..contracts {
                let rate = path.rates[c][first + k + 1];
                tile.is_stamp[c][k] = rate.is_some();
                tile.funding_rate[c][k] = [rate.unwrap_or(0.0); LANES];
            }
        }
        book.advance(&tile, None);
    }
    let layout = Layout::of(plan);
    let mut rows = vec![0.0; layout.columns() * LANES];
    book.finish(&tile, &mut rows);
    let cells = rows.iter().step_by(LANES).copied().collect();
    Row { layout, cells }
}

/// Fails unless two numbers are within a tolerance.
pub fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} against {expected}"
    );
}

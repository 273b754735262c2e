//! A holding and the dates of its sales.

use crate::plan::resolve::grid::Grid;
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::amount;
use crate::plan::types::{HoldingPlan, SalePlan};
use crate::scenario::holding::{Holding, Sale, Sell};
use crate::scenario::reader::Sink;

/// Rounding that a sum of quantities may carry.
const ROUNDING: f64 = 1e-9;

/// Resolves one holding.
pub fn holding(holding: &Holding, setting: &Setting<'_>) -> Option<HoldingPlan> {
    let Holding {
        asset,
        quantity,
        sell,
    } = holding;
    let (grid, sink) = (setting.grid, setting.sink);
    let index = setting.asset_index(asset);
    let quantity_base = quantity.value.0;
    let sales = match sell {
        None | Some(Sell::AtHorizon) => Some(Vec::new()),
        Some(Sell::Evenly { every }) => grid
            .steps(every, sink)
            .map(|every| evenly(quantity_base, every, grid)),
        Some(Sell::Schedule(sales)) => schedule(quantity_base, sales, grid, sink),
    };
    Some(HoldingPlan {
        asset: index?,
        quantity_base,
        sales: sales?,
    })
}

/// Equal parts at each multiple of `every` below the horizon, and one at the horizon.
fn evenly(quantity_base: f64, every: u32, grid: &Grid) -> Vec<SalePlan> {
    let last = grid.steps_rounded_up(grid.horizon) - 1;
    let count = last / every;
    let part = quantity_base / f64::from(count + 1);
    (1..=count)
        .map(|k| SalePlan {
            step: k * every,
            quantity_base: part,
        })
        .collect()
}

fn schedule(quantity_base: f64, sales: &[Sale], grid: &Grid, sink: &Sink) -> Option<Vec<SalePlan>> {
    let mut plans: Vec<SalePlan> = Vec::with_capacity(sales.len());
    let mut is_valid = true;
    let mut sold = 0.0;
    for Sale { at, quantity } in sales {
        sold += quantity.value.0;
        if sold > quantity_base * (1.0 + ROUNDING) {
            let left = (quantity_base - (sold - quantity.value.0)).max(0.0);
            let allowed = format!(
                "up to {}, what is left of the holding of {}",
                amount(left),
                amount(quantity_base)
            );
            sink.push(Refusal::does_not_fit(
                quantity,
                allowed,
                "more would be sold than is held",
            ));
            return None;
        }
        if at.value >= grid.horizon {
            let allowed = format!("below the horizon of {}", grid.horizon);
            sink.push(Refusal::does_not_fit(
                at,
                allowed,
                "what remains is sold at the horizon by itself",
            ));
            is_valid = false;
            continue;
        }
        match grid.steps(at, sink) {
            Some(step) => plans.push(SalePlan {
                step,
                quantity_base: quantity.value.0,
            }),
            None => is_valid = false,
        }
    }
    plans.sort_by_key(|sale| sale.step);
    plans.dedup_by(|later, earlier| {
        let is_same = later.step == earlier.step;
        if is_same {
            earlier.quantity_base += later.quantity_base;
        }
        is_same
    });
    is_valid.then_some(plans)
}

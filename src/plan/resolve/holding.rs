//! A holding and the dates of its sales.

use crate::plan::resolve::grid::{self, Grid};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::amount;
use crate::plan::types::{HoldingPlan, SalePlan};
use crate::scenario::holding::{Holding, Sale, Sell};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

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
        production: Vec::new(),
        staking_yield_annual: 0.0,
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
    let is_covered = is_covered(quantity_base, sales, sink);
    let plans: Vec<Option<SalePlan>> = sales
        .iter()
        .map(|Sale { at, quantity }| {
            Some(SalePlan {
                step: sale_step(at, grid.step.value, Some(grid.horizon), sink)?,
                quantity_base: quantity.value.0,
            })
        })
        .collect();
    let mut plans: Vec<SalePlan> = plans.into_iter().collect::<Option<_>>()?;
    // What is to be sold at the horizon is part of what is sold there anyway.
    let horizon_step = grid.steps_rounded_up(grid.horizon);
    plans.retain(|sale| sale.step < horizon_step);
    plans.sort_by_key(|sale| sale.step);
    plans.dedup_by(|later, earlier| {
        let is_same = later.step == earlier.step;
        if is_same {
            earlier.quantity_base += later.quantity_base;
        }
        is_same
    });
    is_covered.then_some(plans)
}

/// Whether no more is sold than is held; else the first sale that is too much is noted.
pub fn is_covered(quantity_base: f64, sales: &[Sale], sink: &Sink) -> bool {
    let mut sold = 0.0;
    for Sale { at: _, quantity } in sales {
        let left = (quantity_base - sold).max(0.0);
        sold += quantity.value.0;
        if sold > quantity_base * (1.0 + ROUNDING) {
            let allowed = format!(
                "up to {}, what is left of the holding of {}",
                amount(left),
                amount(quantity_base)
            );
            let reason = "more would be sold than is held";
            sink.push(Refusal::does_not_fit(quantity, allowed, reason));
            return false;
        }
    }
    true
}

/// The step of a sale: up to the horizon, where that is known, and on the grid; else that is noted.
pub fn sale_step(at: &Given<Span>, step: Span, horizon: Option<Span>, sink: &Sink) -> Option<u32> {
    if let Some(horizon) = horizon.filter(|horizon| at.value > *horizon) {
        let allowed = format!("up to the horizon of {horizon}");
        let reason = "what remains is sold at the horizon";
        sink.push(Refusal::does_not_fit(at, allowed, reason));
        return None;
    }
    grid::steps(at, step, sink)
}

//! What is done with an inventory over time: production and sales, on the grid.

use crate::plan::resolve::grid::{self, Grid};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::words::amount;
use crate::plan::types::{ProductionPlan, SalePlan};
use crate::scenario::holding::{Produce, Sale, SoldChoice};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

/// Rounding that a sum of quantities may carry.
const ROUNDING: f64 = 1e-9;

/// Production at each multiple of `every`, the horizon included; `None` where a problem was noted.
pub fn production(produce: &Produce, grid: &Grid, sink: &Sink) -> Option<Vec<ProductionPlan>> {
    let Produce {
        every,
        quantity,
        cost_usd_per_unit,
        sold: _,
    } = produce;
    let every = grid.steps(every, sink)?;
    let quantity_base = quantity.value.0;
    let cost_usd = quantity_base * cost_usd_per_unit.as_ref().map_or(0.0, |cost| cost.value.0);
    let count = grid.steps_rounded_up(grid.horizon) / every;
    let plans = (1..=count).map(|k| ProductionPlan {
        step: k * every,
        quantity_base,
        cost_usd,
    });
    Some(plans.collect())
}

/// Whether what is produced is sold at once.
pub fn is_sold_as_produced(produce: &Produce) -> bool {
    match produce.sold.as_ref().map(|given| given.value) {
        Some(SoldChoice::AsProduced) => true,
        Some(SoldChoice::Held) | None => false,
    }
}

/// Sales of what is produced as it is produced, below the horizon, where everything is sold anyway.
pub fn as_produced(production: &[ProductionPlan], grid: &Grid) -> Vec<SalePlan> {
    let horizon_step = grid.steps_rounded_up(grid.horizon);
    production
        .iter()
        .filter(|made| made.step < horizon_step)
        .map(|made| SalePlan {
            step: made.step,
            quantity_base: made.quantity_base,
        })
        .collect()
}

/// Equal parts at each multiple of `every` below the horizon, and one at the horizon: at each date what is at hand over the dates left.
pub fn evenly(
    quantity_base: f64,
    held: &[ProductionPlan],
    every: u32,
    grid: &Grid,
) -> Vec<SalePlan> {
    let last = grid.steps_rounded_up(grid.horizon) - 1;
    let count = last / every;
    if held.is_empty() {
        let part = quantity_base / f64::from(count + 1);
        let parts = (1..=count).map(|k| SalePlan {
            step: k * every,
            quantity_base: part,
        });
        return parts.collect();
    }
    let mut at_hand = quantity_base;
    let mut held = held.iter().peekable();
    let mut sales = Vec::new();
    for k in 1..=count {
        let step = k * every;
        while let Some(made) = held.next_if(|made| made.step <= step) {
            at_hand += made.quantity_base;
        }
        let part = at_hand / f64::from(count + 1 - k + 1);
        at_hand -= part;
        if part > 0.0 {
            sales.push(SalePlan {
                step,
                quantity_base: part,
            });
        }
    }
    sales
}

/// Sales by date; `None` where a problem was noted.
pub fn by_date(
    quantity_base: f64,
    held: &[ProductionPlan],
    sales: &[Sale],
    grid: &Grid,
    sink: &Sink,
) -> Option<Vec<SalePlan>> {
    let dated: Vec<Option<(u32, &Sale)>> = sales
        .iter()
        .map(|sale| {
            let step = sale_step(&sale.at, grid.step.value, Some(grid.horizon), sink);
            step.map(|step| (step, sale))
        })
        .collect();
    let mut dated: Vec<(u32, &Sale)> = dated.into_iter().collect::<Option<_>>()?;
    let is_covered = if held.is_empty() {
        is_covered(quantity_base, sales, sink)
    } else {
        dated.sort_by_key(|(step, _)| *step);
        is_covered_in_time(quantity_base, held, &dated, sink)
    };
    // What is to be sold at the horizon is part of what is sold there anyway.
    let horizon_step = grid.steps_rounded_up(grid.horizon);
    let plans = dated
        .into_iter()
        .filter(|(step, _)| *step < horizon_step)
        .map(|(step, sale)| SalePlan {
            step,
            quantity_base: sale.quantity.value.0,
        });
    is_covered.then(|| in_order(plans.collect()))
}

/// Sales in order of time, one a step.
pub fn in_order(mut sales: Vec<SalePlan>) -> Vec<SalePlan> {
    sales.sort_by_key(|sale| sale.step);
    sales.dedup_by(|later, earlier| {
        let is_same = later.step == earlier.step;
        if is_same {
            earlier.quantity_base += later.quantity_base;
        }
        is_same
    });
    sales
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

/// Whether each sale, in order of time, finds what it sells; else the first that does not is noted.
fn is_covered_in_time(
    quantity_base: f64,
    held: &[ProductionPlan],
    dated: &[(u32, &Sale)],
    sink: &Sink,
) -> bool {
    let (mut sold, mut made) = (0.0, 0.0);
    let mut held = held.iter().peekable();
    for (step, Sale { at: _, quantity }) in dated {
        while let Some(more) = held.next_if(|more| more.step <= *step) {
            made += more.quantity_base;
        }
        let there = quantity_base + made;
        let left = (there - sold).max(0.0);
        sold += quantity.value.0;
        if sold > there * (1.0 + ROUNDING) {
            let allowed = format!("up to {}, what is there by then", amount(left));
            let reason = "more would be sold than is held and produced";
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

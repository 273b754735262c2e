//! A holding: what it is of, what is added to it, when it is sold.

use crate::plan::resolve::sales::production;
use crate::plan::resolve::sales::{as_produced, by_date, evenly, in_order, is_sold_as_produced};
use crate::plan::resolve::setting::Setting;
use crate::plan::types::{HoldingPlan, SalePlan};
use crate::scenario::holding::{Holding, Sell};

/// Resolves one holding.
pub fn holding(holding: &Holding, setting: &Setting<'_>) -> Option<HoldingPlan> {
    let Holding {
        asset,
        quantity,
        sell,
        produce,
        staking_yield_annual,
    } = holding;
    let (grid, sink) = (setting.grid, setting.sink);
    let index = setting.asset_index(asset);
    let quantity_base = quantity.value.0;
    let made = match produce {
        None => Some(Vec::new()),
        Some(produce) => production(produce, grid, sink),
    };
    let made = made?;
    let name = &asset.value;
    if let Some(produce) = produce.as_ref().filter(|_| made.is_empty()) {
        setting.notes.add(format!(
            "Holding {name}: production every {} begins beyond the horizon of {}; nothing is ever produced.",
            produce.every.value, grid.horizon
        ));
    }
    if let Some(Sell::Evenly { every }) = sell
        && every.value >= grid.horizon
    {
        setting.notes.add(format!(
            "Holding {name}: sales every {} begin at the horizon of {} or beyond; all is sold at the horizon.",
            every.value, grid.horizon
        ));
    }
    let is_sold_at_once = produce.as_ref().is_some_and(is_sold_as_produced);
    let (held, at_once) = if is_sold_at_once {
        (&[][..], as_produced(&made, grid))
    } else {
        (&made[..], Vec::new())
    };
    let sales: Option<Vec<SalePlan>> = match sell {
        None | Some(Sell::AtHorizon) => Some(Vec::new()),
        Some(Sell::Evenly { every }) => grid
            .steps(every, sink)
            .map(|every| evenly(quantity_base, held, every, grid)),
        Some(Sell::Schedule(sales) | Sell::Csv { file: _, sales }) => {
            by_date(quantity_base, held, sales, grid, sink)
        }
    };
    let mut sales = sales?;
    if !at_once.is_empty() {
        sales.extend(at_once);
        sales = in_order(sales);
    }
    Some(HoldingPlan {
        asset: index?,
        quantity_base,
        sales,
        production: made,
        staking_yield_annual: staking_yield_annual
            .as_ref()
            .map_or(0.0, |given| given.value.0),
    })
}

//! How the orders of a hedge are worked, and when costs are larger.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::types::{ContractKind, OrderPlan, OrderStyle, StressPlan};
use crate::scenario::execution::{Execution, OrderChoice, Stress, Style};
use crate::scenario::hedge::Hedge;

/// The orders of a hedge: its own words before those of `[execution]`; `None` where a problem was noted.
///
/// An option is bought or written once: parts over time are refused where the hedge asks for them, and passed over where `[execution]` does.
pub fn order(
    hedge: &Hedge,
    execution: Option<&Execution>,
    kind: &ContractKind,
    setting: &Setting<'_>,
) -> Option<OrderPlan> {
    let general = execution.and_then(|execution| execution.order.as_ref());
    let choice = hedge.order.as_ref().or(general).map(|given| given.value);
    let is_option = matches!(kind, ContractKind::Option(_));
    if let (true, Some(Style::Twap { over })) = (is_option, &hedge.style) {
        let allowed = "with a future";
        let reason = "the size of an option is fixed at time 0";
        setting
            .sink
            .push(Refusal::out_of_place(over, allowed, reason));
        return None;
    }
    let general = execution.and_then(|execution| execution.style.as_ref());
    let style = match hedge.style.as_ref().or(general) {
        None | Some(Style::Single) => OrderStyle::Single,
        Some(Style::Twap { .. }) if is_option => OrderStyle::Single,
        Some(Style::Twap { over }) => OrderStyle::Twap {
            parts: setting.grid.steps(over, setting.sink)?.saturating_add(1),
        },
        Some(Style::Iceberg { display }) => OrderStyle::Iceberg {
            display_frac: display.value.0,
        },
        Some(Style::Otc { spread }) => OrderStyle::Otc {
            spread_frac: spread.value.0,
        },
    };
    Some(OrderPlan {
        is_maker: choice == Some(OrderChoice::Maker),
        style,
    })
}

/// Slippage of each trade and each sale of a holding, a fraction of notional.
pub fn slippage(execution: Option<&Execution>) -> f64 {
    execution
        .and_then(|execution| execution.slippage.as_ref())
        .map_or(0.0, |given| given.value.0)
}

/// When costs are larger.
pub fn stress(execution: Option<&Execution>) -> StressPlan {
    let Some(Stress {
        log_move,
        multiplier,
        liquidation_multiplier,
    }) = execution.and_then(|execution| execution.stress.as_ref())
    else {
        return StressPlan::NONE;
    };
    StressPlan {
        log_move: log_move
            .as_ref()
            .map_or(f64::INFINITY, |given| given.value.0),
        multiplier: multiplier.as_ref().map_or(1.0, |given| given.value),
        liquidation_multiplier: liquidation_multiplier
            .as_ref()
            .map_or(1.0, |given| given.value),
    }
}

//! Whether two plans are proposals in one market: everything that is drawn is the same, number for number.

use crate::plan::types::{ContractKind, ContractPlan, MarketPlan, Plan, SimulationPlan};

/// Whether the market that one plan draws is, bit for bit, the market that the other draws: the grid of steps, the seed, the
/// number of paths, the assets, their correlation, and basis and funding of every contract.
///
/// What a contract costs, the margin it needs, its settlement and size, and how crossings are found belong to the ledgers.
pub fn same_market(a: &Plan, b: &Plan) -> bool {
    same_simulation(&a.simulation, &b.simulation) && same_prices(&a.market, &b.market)
}

fn same_simulation(a: &SimulationPlan, b: &SimulationPlan) -> bool {
    let SimulationPlan {
        title: _,
        horizon_days,
        step_days,
        steps,
        paths,
        seed,
        crossing: _,
    } = a;
    (*horizon_days, *step_days) == (b.horizon_days, b.step_days)
        && (*steps, *paths, *seed) == (b.steps, b.paths, b.seed)
}

fn same_prices(a: &MarketPlan, b: &MarketPlan) -> bool {
    let MarketPlan {
        assets,
        correlation,
        contracts,
    } = a;
    *assets == b.assets
        && *correlation == b.correlation
        && contracts.len() == b.contracts.len()
        && contracts
            .iter()
            .zip(&b.contracts)
            .all(|(a, b)| same_series(a, b))
}

fn same_series(a: &ContractPlan, b: &ContractPlan) -> bool {
    let ContractPlan {
        name: _,
        underlying,
        kind,
        settlement: _,
        contract_size: _,
        liquidity: _,
        rules: _,
    } = a;
    let is_same_kind = match (kind, &b.kind) {
        // Nothing is drawn for an option.
        (ContractKind::Option(_), ContractKind::Option(_)) => true,
        (a, b) => a == b,
    };
    *underlying == b.underlying && is_same_kind
}

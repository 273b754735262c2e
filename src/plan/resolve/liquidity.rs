//! What a trade of a contract costs beside fee and slippage: its own words before those for all contracts.

use crate::plan::coverage::log_variance_annual;
use crate::plan::types::{AssetPlan, DAYS_PER_YEAR, ImpactPlan, LiquidityPlan};
use crate::scenario::liquidity::{Impact, Liquidity};

/// The liquidity of a contract on an asset: its own where it says something, else that for all contracts.
pub fn liquidity(
    own: Option<&Liquidity>,
    general: Option<&Liquidity>,
    asset: &AssetPlan,
) -> LiquidityPlan {
    let both = [own, general];
    let half_spread = both
        .iter()
        .find_map(|liquidity| liquidity.and_then(|given| given.half_spread.as_ref()));
    let impact = both
        .iter()
        .find_map(|liquidity| liquidity.and_then(|given| given.impact.as_ref()));
    LiquidityPlan {
        half_spread_frac: half_spread.map_or(0.0, |given| given.value.0),
        impact: impact.map(|given| impact_plan(given, asset)),
    }
}

fn impact_plan(given: &Impact, asset: &AssetPlan) -> ImpactPlan {
    let Impact {
        coefficient,
        daily_volume_usd,
        daily_volatility,
    } = given;
    ImpactPlan {
        coefficient: coefficient.value,
        daily_volume_usd: daily_volume_usd.value.0,
        daily_volatility: daily_volatility.as_ref().map_or_else(
            || (log_variance_annual(asset) / DAYS_PER_YEAR).sqrt(),
            |given| given.value.0,
        ),
    }
}

//! Assets, their correlation, and contracts.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::percent;
use crate::plan::resolve::{all, contract, correlation, own_venue};
use crate::plan::types::{AssetPlan, DAYS_PER_YEAR, JumpPlan, JumpSizes, MarketPlan};
use crate::scenario::asset::{Asset, Diffusion, Jumps, Model, Sizes};
use crate::scenario::contract::Contract;
use crate::scenario::correlation::Correlation;
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::{Fraction, Span};

/// Largest `|drift T|`: a price that is expected to grow by more than `e^50` is a slip.
const MOST_GROWTH: f64 = 50.0;

/// Resolves the market.
pub fn market(
    correlations: &[Correlation],
    contracts: &[Contract],
    setting: &Setting<'_>,
) -> Option<MarketPlan> {
    let assets: Vec<Option<AssetPlan>> = setting
        .assets
        .iter()
        .map(|given| asset(given, setting))
        .collect();
    let correlation = correlation::matrix(correlations, setting);
    for own in setting.venues {
        // Also those that no contract uses: a mistake in them is still a mistake.
        own_venue::rules(own, setting.sink);
    }
    let contracts = contracts
        .iter()
        .map(|given| contract::contract(given, &assets, setting))
        .collect();
    let (assets, contracts) = (all(assets), all(contracts));
    Some(MarketPlan {
        assets: assets?,
        correlation: correlation?,
        contracts: contracts?,
    })
}

fn asset(asset: &Asset, setting: &Setting<'_>) -> Option<AssetPlan> {
    let Asset {
        name,
        spot_usd,
        model,
    } = asset;
    let (diffusion, jumps) = match model {
        Model::Gbm(diffusion) => (diffusion, None),
        Model::JumpDiffusion {
            diffusion,
            jumps: given,
        } => (diffusion, jumps(given, setting.sink)?),
    };
    let Diffusion { volatility, drift } = diffusion;
    let drift_annual = drift.as_ref().map_or(0.0, |given| given.value.0);
    if let Some(given) = drift {
        bounded_growth(given, setting.grid.horizon, setting.sink);
    }
    if drift_annual != 0.0 {
        setting.notes.add(format!(
            "The drift of {} is {} a year: a view of the user, not a fact of the market.",
            name.value,
            percent(drift_annual)
        ));
    }
    Some(AssetPlan {
        name: name.value.clone(),
        spot_usd: spot_usd.value.0,
        drift_annual,
        volatility_annual: volatility.value.0,
        jumps,
    })
}

/// Notes a drift that is too much over the horizon.
pub fn bounded_growth(drift: &Given<Fraction>, horizon: Span, sink: &Sink) {
    let growth = drift.value.0 * horizon.days() / DAYS_PER_YEAR;
    if growth.abs() > MOST_GROWTH {
        let allowed = format!("at most {MOST_GROWTH} over the horizon, either way");
        let reason = "the price would leave all bounds";
        sink.push(Refusal::does_not_fit(drift, allowed, reason));
    }
}

/// `Some(None)` where the rate is 0; `None` where the sizes are refused.
pub fn jumps(jumps: &Jumps, sink: &Sink) -> Option<Option<JumpPlan>> {
    let Jumps {
        jumps_per_year,
        sizes,
        systemic_share,
        systemic_loading,
    } = jumps;
    let share = systemic_share.as_ref().map_or(0.0, |given| given.value.0);
    let loading = systemic_loading.as_ref().map_or(1.0, |given| given.value);
    let sizes = match sizes {
        Sizes::Merton { mean, std_dev } => JumpSizes::Merton {
            mean_log: mean.value.0,
            std_dev_log: std_dev.value.0,
        },
        Sizes::Kou {
            up_probability,
            up_mean,
            down_mean,
        } => {
            if let Some(given) = systemic_loading
                .as_ref()
                .filter(|_| share > 0.0 && loading * up_mean.value.0 >= 0.5)
            {
                let allowed = format!("below {} (0.5 / up_mean)", 0.5 / up_mean.value.0);
                let reason = "the variance of the price would be infinite";
                sink.push(Refusal::does_not_fit(given, allowed, reason));
                return None;
            }
            JumpSizes::Kou {
                up_probability: up_probability.value.0,
                up_mean_log: up_mean.value.0,
                down_mean_log: down_mean.value.0,
            }
        }
    };
    Some((jumps_per_year.value > 0.0).then_some(JumpPlan {
        jumps_per_year: jumps_per_year.value,
        sizes,
        systemic_share: share,
        systemic_loading: loading,
    }))
}

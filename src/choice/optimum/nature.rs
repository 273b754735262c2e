//! Which way a value is better for whoever holds the position, and whether an objective goes against it.

use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::objective::{Direction, Objective};
use crate::stats::limits::{ValueKind, kind_of};

/// The way in which a value of the summary is better; `None` where that is a matter of taste (days, counts of fills, what nobody chooses).
pub fn better(measure: &Measure) -> Option<Direction> {
    let Measure::Summary(path) = measure else {
        return Some(Direction::Minimize); // variances and a price of liquidation
    };
    // What the model says without the views has the same keys.
    let path = path.strip_prefix("views.model.").unwrap_or(path);
    let group = path.split('.').next().unwrap_or(path);
    let name = path.rsplit('.').next().unwrap_or(path);
    let is_percentile = path.contains(".percentiles.");
    if kind_of(path) == ValueKind::Probability {
        return match group {
            "thresholds"
            | "effective_price_below"
            | "liquidation"
            | "margin_call"
            | "unmet_call"
            | "cut_trades"
            | "bankruptcy_loss"
            | "collateral"
            | "basis_risk"
            | "worse_than_unhedged" => Some(Direction::Minimize),
            _ => None,
        };
    }
    let is_middle = is_percentile || name == "mean";
    match group {
        "hedged" | "unhedged" | "min_equity" | "effective_price" if is_middle => {
            Some(Direction::Maximize)
        }
        "hedged" | "unhedged" | "basis_risk" if is_loss(name) => Some(Direction::Minimize),
        "hedge_effectiveness" => Some(Direction::Maximize),
        "liquidation" | "margin_call" | "unmet_call" | "cut_trades"
            if matches!(name, "mean_count" | "mean_usd") =>
        {
            Some(Direction::Minimize)
        }
        "effective_price" if name == "std_dev" => Some(Direction::Minimize),
        "collateral" | "drawdown" | "bankruptcy_loss" | "liquidity_at_risk" if is_middle => {
            Some(Direction::Minimize)
        }
        _ => None,
    }
}

/// Dispersion, value at risk and expected shortfall, which is a loss where positive.
fn is_loss(name: &str) -> bool {
    name == "std_dev" || name.starts_with("var") || name.starts_with("es")
}

/// A warning where an objective seeks the worst.
pub fn against_nature(objective: &Objective) -> Option<String> {
    let better = better(&objective.measure)?;
    if better == objective.direction {
        return None;
    }
    let name = objective.measure.name();
    let is = match better {
        Direction::Minimize => "less is better",
        Direction::Maximize => "more is better",
    };
    Some(format!(
        "Of `{name}` {is}, and `--{} {name}` seeks the worst point, not the best: `--{} {name}` seeks the best.",
        objective.direction.word(),
        better.word()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_has_its_better_way() {
        let (less, more) = (Some(Direction::Minimize), Some(Direction::Maximize));
        for (path, expected) in [
            ("hedged.percentiles.p5", more),
            ("hedged.mean", more),
            ("hedged.es95", less),
            ("hedged.var99", less),
            ("hedged.std_dev", less),
            ("views.model.hedged.es95", less),
            ("hedge_effectiveness.variance", more),
            ("effective_price.mean", more),
            ("effective_price.percentiles.p5", more),
            ("thresholds.0.hedged", less),
            ("liquidation.probability", less),
            ("worse_than_unhedged", less),
            ("margin_call.mean_count", less),
            ("collateral.required.percentiles.p99", less),
            ("collateral.peak.mean", less),
            ("bankruptcy_loss.mean", less),
            ("collateral.top_up.probability", less),
            ("min_equity.mean", more),
            ("liquidation.mean_day", None),
            ("hedged.skewness", None),
        ] {
            let measure = Measure::Summary(path.to_owned());
            assert_eq!(better(&measure), expected, "{path}");
        }
    }

    #[test]
    fn seeking_the_worst_is_told() {
        let objective = |direction| Objective {
            measure: Measure::Summary("hedged.percentiles.p5".to_owned()),
            direction,
        };
        assert_eq!(against_nature(&objective(Direction::Maximize)), None);
        let told = against_nature(&objective(Direction::Minimize)).unwrap();
        assert!(told.contains("more is better"), "{told}");
        assert!(told.contains("`--maximize hedged.percentiles.p5`"));
    }
}

//! Points and values of an optimisation in words.

use crate::choice::axis::GridValue;
use crate::choice::grid::Point;
use crate::choice::optimum::measure::Measure;
use crate::report::axis_names::AxisNames;
use crate::report::figure::{Money, percent};
use crate::report::number::plain;
use crate::stats::estimate::Estimate;
use crate::stats::limits::{ValueKind, kind_of};

/// Whether all paths of an axis take this value as an amount of USD.
fn is_amount(paths: &[String], value: &GridValue) -> bool {
    value.number().is_some() && paths.iter().all(|path| path.ends_with("_usd"))
}

/// A value of an axis: amounts of USD in the report's unit.
pub(super) fn value_words(
    (paths, value): (&[String], &GridValue),
    names: &AxisNames,
    money: Money,
) -> String {
    match value.number() {
        Some(usd) if is_amount(paths, value) => trimmed(&money.bare(usd)),
        _ => names.value(paths, value),
    }
}

/// A number without the zeros at the end of its decimals.
fn trimmed(number: &str) -> String {
    if number.contains('.') {
        let short = number.trim_end_matches('0').trim_end_matches('.');
        short.to_owned()
    } else {
        number.to_owned()
    }
}

/// A point: `hedge ratio 0.85, posted in main 75 million USD`.
pub(super) fn point_words(point: &Point, names: &AxisNames, money: Money) -> String {
    let parts: Vec<String> = point
        .values
        .iter()
        .map(|(paths, value)| {
            let unit = if is_amount(paths, value) {
                format!(" {}", money.unit)
            } else {
                String::new()
            };
            format!(
                "{} {}{unit}",
                names.of(paths),
                value_words((paths, value), names, money)
            )
        })
        .collect();
    parts.join(", ")
}

/// What a measure is called in a sentence.
pub(super) fn measure_words(measure: &Measure) -> String {
    let name = measure.name();
    let words = match name {
        "hedged.es95" => "expected shortfall at 95 %",
        "hedged.es99" => "expected shortfall at 99 %",
        "hedged.var95" => "value at risk at 95 %",
        "hedged.var99" => "value at risk at 99 %",
        "hedged.std_dev" => "standard deviation",
        "hedged.mean" => "mean P&L",
        "hedge_effectiveness.variance" => "part of the variance removed",
        "liquidation.probability" => "probability of liquidation",
        "collateral.peak.mean" => "mean of the largest collateral posted",
        _ => return percentile_words(name).unwrap_or_else(|| name.to_owned()),
    };
    words.to_owned()
}

/// A percentile of what people know by a name: `5th percentile of hedged P&L`.
fn percentile_words(name: &str) -> Option<String> {
    let (of, percentile) = name.split_once(".percentiles.p")?;
    let of = match of {
        "hedged" => "hedged P&L",
        "unhedged" => "unhedged P&L",
        "collateral.required" => "required collateral",
        "collateral.peak" => "the largest collateral posted",
        _ => return None,
    };
    Some(match percentile {
        "50" => format!("median of {of}"),
        "1" => format!("1st percentile of {of}"),
        other => format!("{other}th percentile of {of}"),
    })
}

/// How numbers of a measure are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Style {
    /// A fraction in percent.
    Percent,
    /// An amount.
    Usd(Money),
    /// A square of an amount.
    UsdSquared,
    /// Days, counts, prices.
    Number,
}

impl Style {
    /// How numbers of this measure are written.
    pub(super) fn of(measure: &Measure, money: Money) -> Self {
        let Measure::Summary(path) = measure else {
            return Self::UsdSquared;
        };
        let is_number = path.ends_with("mean_count")
            || path.ends_with("mean_day")
            || path.starts_with("liquidation.day")
            || path.starts_with("effective_price.");
        match kind_of(path) {
            ValueKind::Probability | ValueKind::Effectiveness => Self::Percent,
            ValueKind::Amount if is_number => Self::Number,
            ValueKind::Amount => Self::Usd(money),
        }
    }

    /// A number without its unit.
    pub(super) fn bare(self, value: f64) -> String {
        match self {
            Self::Percent => percent(value),
            Self::Usd(money) => money.bare(value),
            Self::UsdSquared => format!("{value:.4e}"),
            Self::Number => plain(value, if value.abs() < 100.0 { 3 } else { 2 }),
        }
    }

    /// A number with its unit.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Usd(money) => money.text(value),
            Self::UsdSquared => format!("{} USD squared", self.bare(value)),
            Self::Percent | Self::Number => self.bare(value),
        }
    }

    /// An estimate with its interval: `12.30 million USD (12.10 to 12.50)`.
    pub(super) fn estimate(self, estimate: &Estimate) -> String {
        match (estimate.value, estimate.ci95) {
            (None, _) => "unknown".to_owned(),
            (Some(value), None) => self.text(value),
            (Some(value), Some([lower, upper])) => format!(
                "{} ({} to {})",
                self.text(value),
                self.bare(lower),
                self.bare(upper)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::grid::Grid;
    use crate::stats::synthetic::general_plan;

    #[test]
    fn points_read_like_decisions() {
        let value = |path: &str, text: &str| (vec![path.to_owned()], GridValue::new(text));
        let point = Point {
            values: vec![
                value("hedges.0.ratio.fixed", "0.85"),
                value("hedges.1.ratio.fixed", "0.1"),
                value("accounts.main.collateral_usd", "75_000_000"),
                value("accounts.main.reserve_usd", "2.5e6"),
                value("accounts.main.margin_call.delay", "8h"),
                value("contracts.perp.venue", "bybit"),
            ],
        };
        let arguments = point.values.iter();
        let arguments = arguments.map(|(paths, value)| format!("{}={}", paths[0], value.text()));
        let grid = Grid::parse(&arguments.collect::<Vec<String>>()).unwrap();
        let names = AxisNames::new(&grid, &general_plan(100));
        assert_eq!(
            point_words(&point, &names, Money::for_value(175e6)),
            "hedge 1 ratio 0.85, hedge 2 ratio 0.1, posted in main 75 million USD, reserve of main 2.5 million USD, \
             main margin call delay 8h, perp venue bybit"
        );
    }

    #[test]
    fn figures_follow_what_they_are_of() {
        let money = Money::for_value(175e6);
        let style = |path: &str| Style::of(&Measure::Summary(path.to_owned()), money);
        assert_eq!(style("liquidation.probability").text(0.0062), "0.620 %");
        assert_eq!(style("hedged.es95").text(12.3e6), "12.30 million USD");
        assert_eq!(style("liquidation.mean_day").text(31.25), "31.250");
        let priced = Style::of(&Measure::AlexanderDengZou, money);
        assert_eq!(priced.text(1.5e14), "1.5000e14 USD squared");
        let estimate = Estimate::within(0.5, Some([0.4, 0.6]));
        assert_eq!(
            Style::Percent.estimate(&estimate),
            "50.0 % (40.0 % to 60.0 %)"
        );
    }
}

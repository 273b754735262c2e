//! `[[views]]`: names become indices, each view gets its words, and two that contradict each other are refused.

use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::{amount, percent, short};
use crate::plan::views::{SpotSide, ViewBound, ViewPlan, ViewedQuantity};
use crate::scenario::place::Given;
use crate::scenario::view::{Bound, View, ViewChoice};

/// The views; `None` where a problem was noted.
pub fn views(views: &[View], setting: &Setting<'_>) -> Option<Vec<ViewPlan>> {
    let plans: Vec<Option<ViewPlan>> = views.iter().map(|given| view(given, setting)).collect();
    let mut is_consistent = true;
    for (later, plan) in plans.iter().enumerate() {
        let Some(plan) = plan else { continue };
        let mut before = plans[..later].iter().flatten();
        if let Some(earlier) =
            before.find(|other| contradict(other, plan) || contradict(plan, other))
        {
            let refusal = Refusal::Contradiction {
                path: plan.path.clone(),
                text: plan.text.clone(),
                other: earlier.text.clone(),
                other_path: earlier.path.clone(),
            };
            setting.sink.push(refusal.at(views[later].given.place));
            is_consistent = false;
        }
    }
    let plans: Option<Vec<ViewPlan>> = plans.into_iter().collect();
    plans.filter(|_| is_consistent)
}

fn view(View { choice, given }: &View, setting: &Setting<'_>) -> Option<ViewPlan> {
    let index = |asset: &Given<String>| setting.asset_index(asset);
    let (quantity, bound, text) = match choice {
        ViewChoice::Mean { asset, usd } => (
            ViewedQuantity::Mean {
                asset: index(asset)?,
            },
            plan_bound(usd),
            format!("mean of {} {} USD", asset.value, held(usd, amount)),
        ),
        ViewChoice::MeanLogReturn { asset, value } => (
            ViewedQuantity::MeanLogReturn {
                asset: index(asset)?,
            },
            plan_bound(value),
            format!("mean log return of {} {}", asset.value, held(value, short)),
        ),
        ViewChoice::Quantile { asset, level, usd } => {
            let quantity = ViewedQuantity::Quantile {
                asset: index(asset)?,
                level_frac: *level,
                price_usd: usd.at_least.or(usd.at_most).unwrap_or_default(),
            };
            // A quantile of at least x: no more than its level at or below x.
            let bound = ViewBound {
                at_least: usd.at_most.map(|_| *level),
                at_most: usd.at_least.map(|_| *level),
            };
            let text = format!(
                "{} quantile of {} {} USD",
                percent(*level),
                asset.value,
                held(usd, amount)
            );
            (quantity, bound, text)
        }
        ViewChoice::Probability {
            asset,
            is_above,
            level_usd,
            value,
        } => {
            let (side, word) = if *is_above {
                (SpotSide::Above, "above")
            } else {
                (SpotSide::Below, "below")
            };
            let quantity = ViewedQuantity::Probability {
                asset: index(asset)?,
                side,
                level_usd: *level_usd,
            };
            let text = format!(
                "probability of {} {word} {} USD {}",
                asset.value,
                amount(*level_usd),
                held(value, percent)
            );
            (quantity, plan_bound(value), text)
        }
        ViewChoice::Ordering { .. } | ViewChoice::Correlation { .. } => of_two(choice, setting)?,
    };
    Some(ViewPlan {
        text,
        path: given.path.clone(),
        quantity,
        bound,
    })
}

/// A view on two assets.
fn of_two(
    choice: &ViewChoice,
    setting: &Setting<'_>,
) -> Option<(ViewedQuantity, ViewBound, String)> {
    let index = |asset: &Given<String>| setting.asset_index(asset);
    Some(match choice {
        ViewChoice::Ordering { higher, lower, by } => {
            let (first, second) = (index(higher), index(lower));
            let quantity = ViewedQuantity::ReturnDifference {
                higher: first?,
                lower: second?,
            };
            let bound = ViewBound {
                at_least: Some(*by),
                at_most: None,
            };
            let margin = if *by == 0.0 {
                String::new()
            } else {
                format!(
                    " {} {}",
                    if *by > 0.0 { "+" } else { "-" },
                    percent(by.abs())
                )
            };
            let text = format!(
                "expected return of {} >= that of {}{margin}",
                higher.value, lower.value
            );
            (quantity, bound, text)
        }
        ViewChoice::Correlation {
            first,
            second,
            value,
        } => {
            let (one, other) = (index(first), index(second));
            let quantity = ViewedQuantity::Correlation {
                first: one?,
                second: other?,
            };
            let text = format!(
                "correlation of {} and {} {}",
                first.value,
                second.value,
                held(value, short)
            );
            (quantity, plan_bound(value), text)
        }
        ViewChoice::Mean { .. }
        | ViewChoice::MeanLogReturn { .. }
        | ViewChoice::Quantile { .. }
        | ViewChoice::Probability { .. } => return None,
    })
}

const fn plan_bound(bound: &Bound) -> ViewBound {
    ViewBound {
        at_least: bound.at_least,
        at_most: bound.at_most,
    }
}

/// Where a quantity is held, in words: `= 70,000`, `>= 60,000 and <= 70,000`.
fn held(bound: &Bound, words: impl Fn(f64) -> String) -> String {
    #[expect(clippy::float_cmp, reason = "an exact view is given as both ends")]
    match (bound.at_least, bound.at_most) {
        (Some(low), Some(high)) if low == high => format!("= {}", words(low)),
        (Some(low), Some(high)) => format!(">= {} and <= {}", words(low), words(high)),
        (Some(low), None) => format!(">= {}", words(low)),
        (None, Some(high)) => format!("<= {}", words(high)),
        (None, None) => String::new(),
    }
}

/// Bounds as an interval, open ends infinite.
fn ends(bound: &ViewBound) -> (f64, f64) {
    (
        bound.at_least.unwrap_or(f64::NEG_INFINITY),
        bound.at_most.unwrap_or(f64::INFINITY),
    )
}

/// A view on the distribution of a price: the asset, a level, and the ends of the probability of a price below it. That of a price at the
/// level itself is taken as 0, as the models have it.
fn distribution(view: &ViewPlan) -> Option<(usize, f64, (f64, f64))> {
    let (low, high) = ends(&view.bound);
    match view.quantity {
        ViewedQuantity::Probability {
            asset,
            side,
            level_usd,
        } => match side {
            SpotSide::Below => Some((asset, level_usd, (low, high))),
            SpotSide::Above => Some((asset, level_usd, (1.0 - high, 1.0 - low))),
        },
        ViewedQuantity::Quantile {
            asset, price_usd, ..
        } => Some((asset, price_usd, (low, high))),
        ViewedQuantity::Mean { .. }
        | ViewedQuantity::MeanLogReturn { .. }
        | ViewedQuantity::ReturnDifference { .. }
        | ViewedQuantity::Correlation { .. } => None,
    }
}

/// Whether two views can be seen to contradict each other without any path: the same quantity held apart, or a price below a lower level
/// that is likelier than one below a higher level. What takes the paths to see is found when they are there.
fn contradict(one: &ViewPlan, other: &ViewPlan) -> bool {
    // Ends written in other units may differ by rounding.
    let is_above = |low: f64, high: f64| low > high + 1e-12 * high.abs();
    if let (Some((asset, level, (low, _))), Some((same, higher, (_, high)))) =
        (distribution(one), distribution(other))
    {
        return asset == same && level <= higher && is_above(low, high);
    }
    let sign = match (one.quantity, other.quantity) {
        (ViewedQuantity::Mean { asset }, ViewedQuantity::Mean { asset: same })
        | (
            ViewedQuantity::MeanLogReturn { asset },
            ViewedQuantity::MeanLogReturn { asset: same },
        ) if asset == same => 1.0,
        (
            ViewedQuantity::Correlation { first, second },
            ViewedQuantity::Correlation {
                first: a,
                second: b,
            },
        ) if (first, second) == (a, b) || (first, second) == (b, a) => 1.0,
        (
            ViewedQuantity::ReturnDifference { higher, lower },
            ViewedQuantity::ReturnDifference {
                higher: a,
                lower: b,
            },
        ) if (higher, lower) == (b, a) => -1.0,
        _ => return false,
    };
    let (low, _) = ends(&one.bound);
    let (other_low, other_high) = ends(&other.bound);
    let high = if sign > 0.0 { other_high } else { -other_low };
    is_above(low, high)
}

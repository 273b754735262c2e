//! A holding's beta on the underlying of its hedge, from a file of prices.

use std::path::Path;

use crate::math::regression::{Slope, fading_least_squares, least_squares};
use crate::plan::resolve::refusal::{Refusal, index_of};
use crate::scenario::calendar::Moment;
use crate::scenario::history::{BetaMethod, History, PriceColumn};
use crate::scenario::place::Given;
use crate::scenario::sink::Sink;
use crate::scenario::units::Span;

/// A beta and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Beta {
    /// The slope and its standard error.
    pub slope: Slope,
    /// Origin in words: file, number of returns, method.
    pub origin: String,
}

/// Fewer returns than this say nothing.
const FEWEST_RETURNS: usize = 10;

/// Time from one price to the next where none is given.
const DAY: Span = Span::hours(24);

/// The beta of the asset named `held` on the one named `underlying`; `None` where a problem was noted.
pub fn beta(history: &History, held: &str, underlying: &str, sink: &Sink) -> Option<Beta> {
    let History {
        given,
        file,
        asset,
        hedge,
        method,
        half_life,
        interval,
        prices,
    } = history;
    let method = method.as_ref().map_or(BetaMethod::Ols, |given| given.value);
    let asset = column(asset.as_ref(), held, history, sink);
    let hedge = column(hedge.as_ref(), underlying, history, sink);
    let half_life = half_life_days(given, method, half_life.as_ref(), sink);
    let (asset, hedge, half_life) = (asset?, hedge?, half_life?);
    if asset.name == hedge.name {
        let named = history.hedge.as_ref().or(history.asset.as_ref());
        let allowed = "two columns, one for the held asset and one for the hedge's underlying";
        let reason = format!("both are `{}`; the beta would be 1", asset.name);
        sink.push(Refusal::does_not_fit(
            named.unwrap_or(file),
            allowed,
            reason,
        ));
        return None;
    }
    let step = interval.as_ref().map_or(DAY, |given| given.value);
    let returns = Returns::new(asset, hedge, prices.times.as_deref(), step);
    let count = returns.x.len();
    if count < FEWEST_RETURNS {
        let allowed = format!("a file with at least {FEWEST_RETURNS} returns over {step}");
        let reason = format!(
            "it has {count}: lines {step} apart with both {} and {}",
            asset.name, hedge.name
        );
        sink.push(Refusal::does_not_fit(file, allowed, reason));
        return None;
    }
    let (slope, words) = match method {
        BetaMethod::Ols => (
            least_squares(&returns.x, &returns.y),
            "least squares".to_owned(),
        ),
        BetaMethod::Ewma => (
            fading_least_squares(&returns.x, &returns.y, &returns.age_days, half_life.days()),
            format!("weights that halve every {half_life}"),
        ),
    };
    let Some(slope) = slope else {
        let allowed = format!("prices of {} that move", hedge.name);
        let reason = "there is no slope on what stands still, or too few returns count";
        sink.push(Refusal::does_not_fit(file, allowed, reason));
        return None;
    };
    Some(Beta {
        slope,
        origin: format!(
            "the beta of {} on {} in {}, {count} returns over {step}, {words}",
            asset.name,
            hedge.name,
            // Without its folders: a scenario that is run again from elsewhere says the same.
            Path::new(&file.value)
                .file_name()
                .map_or_else(|| file.value.clone(), |name| name.display().to_string())
        ),
    })
}

/// The half-life; any of least squares.
fn half_life_days(
    table: &Given<()>,
    method: BetaMethod,
    half_life: Option<&Given<Span>>,
    sink: &Sink,
) -> Option<Span> {
    match (method, half_life) {
        (BetaMethod::Ols, None) => Some(DAY),
        (BetaMethod::Ols, Some(given)) => {
            let allowed = "with method = \"ewma\"";
            let reason = "least squares take all returns alike";
            sink.push(Refusal::out_of_place(given, allowed, reason));
            None
        }
        (BetaMethod::Ewma, Some(given)) => Some(given.value),
        (BetaMethod::Ewma, None) => {
            let refusal = Refusal::Needed {
                table: table.path.clone(),
                key: "half_life".to_owned(),
                allowed: "a duration such as \"30d\"".to_owned(),
                reason: "how fast do returns fade?".to_owned(),
            };
            sink.push(refusal.at(table.place));
            None
        }
    }
}

/// A column of the file by its given name, or by that of its asset.
fn column<'h>(
    given: Option<&Given<String>>,
    asset: &str,
    history: &'h History,
    sink: &Sink,
) -> Option<&'h PriceColumn> {
    let columns = &history.prices.columns;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let by_asset = Given {
        value: asset.to_owned(),
        place: history.file.place,
        path: history.file.path.clone(),
        written: history.file.written.clone(),
    };
    let home = format!("among the columns of {}", history.file.value);
    let index = match given {
        Some(given) => index_of(given, &names, &home),
        None => index_of(&by_asset, &names, &home).map_err(|_| {
            let listed: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let allowed = format!("a file with a column {asset}; it has {}", listed.join(", "));
            let reason = "`asset` and `hedge` name other columns";
            Refusal::does_not_fit(&history.file, allowed, reason)
        }),
    };
    let index = index.map_err(|problem| sink.push(problem)).ok()?;
    let column = &columns[index];
    if let Some(wrong) = &column.wrong {
        let allowed = "a price above 0, or an empty cell";
        sink.push(Refusal::does_not_fit(wrong, allowed, ""));
        return None;
    }
    Some(column)
}

/// Log returns of both columns over the interval, without overlap.
struct Returns {
    /// Of the hedge's underlying.
    x: Vec<f64>,
    /// Of the held asset.
    y: Vec<f64>,
    /// Age of each return's end, counted from the file's last line, days.
    age_days: Vec<f64>,
}

impl Returns {
    /// With times: of the lines at whole intervals from the first; else of all lines, each one interval after the one before. A line without
    /// both prices is a hole: no return leads into it or out of it.
    fn new(asset: &PriceColumn, hedge: &PriceColumn, times: Option<&[Moment]>, step: Span) -> Self {
        let lines = asset.prices_usd.len();
        let mut returns = Self {
            x: Vec::new(),
            y: Vec::new(),
            age_days: Vec::new(),
        };
        let mut from: Option<usize> = None;
        for line in 0..lines {
            let is_between = |times: &[Moment]| times[line].since(times[0]).steps(step).is_none();
            if times.is_some_and(is_between) {
                continue;
            }
            let (Some(y), Some(x)) = (asset.prices_usd[line], hedge.prices_usd[line]) else {
                from = None;
                continue;
            };
            let start = from
                .filter(|start| times.is_none_or(|times| times[line].since(times[*start]) == step));
            let prices =
                start.and_then(|start| Some((asset.prices_usd[start]?, hedge.prices_usd[start]?)));
            if let Some((y_before, x_before)) = prices {
                returns.y.push((y / y_before).ln());
                returns.x.push((x / x_before).ln());
                returns.age_days.push(match times {
                    Some(times) => times[lines - 1].since(times[line]).days(),
                    None => (lines - 1 - line) as f64 * step.days(),
                });
            }
            from = Some(line);
        }
        returns
    }
}

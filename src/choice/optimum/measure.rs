//! What an objective or a constraint measures: a value of the summary, or the objective of Alexander, Deng and Zou.

use serde_json::Value;

use crate::choice::optimum::optimum_error::OptimumError;
use crate::stats::estimate::Estimate;
use crate::stats::limits::{estimate_at, known_path};

/// The name of the objective of Alexander, Deng and Zou.
pub const ALEXANDER_DENG_ZOU: &str = "alexander-deng-zou";

/// Short names and the values that they stand for. Besides, `p1` stands for `hedged.percentiles.p1`, and so on.
pub const SHORT_NAMES: [(&str, &str); 16] = [
    ("mean", "hedged.mean"),
    ("std_dev", "hedged.std_dev"),
    ("var95", "hedged.var95"),
    ("var99", "hedged.var99"),
    ("es95", "hedged.es95"),
    ("es99", "hedged.es99"),
    ("effectiveness", "hedge_effectiveness.variance"),
    ("hedge_effectiveness", "hedge_effectiveness.variance"),
    ("liquidation", "liquidation.probability"),
    ("margin_call", "margin_call.probability"),
    ("unmet_call", "unmet_call.probability"),
    ("peak", "collateral.peak.mean"),
    ("required", "collateral.required.percentiles.p99"),
    ("top_up", "collateral.top_up.mean"),
    ("drawdown", "drawdown.mean"),
    ("effective_price", "effective_price.mean"),
];

/// A value that every point of a grid has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// An estimate of the summary, by its dotted path.
    Summary(String),
    /// The variance and a price on liquidation, as of [`PricedVariance`](crate::stats::alexander_deng_zou::PricedVariance).
    AlexanderDengZou,
}

impl Measure {
    /// Finds what a name stands for: a dotted path into the summary, one of [`SHORT_NAMES`], or [`ALEXANDER_DENG_ZOU`].
    ///
    /// `template` is a summary with every key ([`template`](crate::stats::summarise::template)); `argument` is what the user
    /// wrote, for the message.
    ///
    /// # Errors
    /// If the name names nothing, a bare number, or a part of an estimate.
    pub fn find(argument: &str, name: &str, template: &Value) -> Result<Self, OptimumError> {
        if name == ALEXANDER_DENG_ZOU {
            return Ok(Self::AlexanderDengZou);
        }
        let path = full_path(name);
        match known_path(template, &path) {
            Ok(()) if estimate_at(template, &path).is_some() => Ok(Self::Summary(path)),
            Ok(()) => Err(OptimumError::NoEstimate {
                argument: argument.to_owned(),
                name: name.to_owned(),
            }),
            Err(near) => Err(OptimumError::UnknownValue {
                argument: argument.to_owned(),
                name: name.to_owned(),
                hint: hint(name, &near),
            }),
        }
    }

    /// Its dotted path in a summary, or its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Summary(path) => path,
            Self::AlexanderDengZou => ALEXANDER_DENG_ZOU,
        }
    }

    /// Its estimate in a summary; `None` where that has no such key, or it is no value of a summary.
    pub fn read(&self, summary: &Value) -> Option<Estimate> {
        match self {
            Self::Summary(path) => estimate_at(summary, path),
            Self::AlexanderDengZou => None,
        }
    }
}

/// The dotted path that a name stands for; a name that is no short one stands for itself.
fn full_path(name: &str) -> String {
    if let Some((_, path)) = SHORT_NAMES.iter().find(|(short, _)| *short == name) {
        return (*path).to_owned();
    }
    let is_level = name
        .strip_prefix('p')
        .is_some_and(|level| level.parse::<f64>().is_ok());
    if is_level {
        format!("hedged.percentiles.{name}")
    } else {
        name.to_owned()
    }
}

fn hint(name: &str, near: &[String]) -> String {
    let likeness = |short: &str| strsim::normalized_damerau_levenshtein(name, short);
    let short = SHORT_NAMES
        .iter()
        .map(|(short, _)| *short)
        .chain([ALEXANDER_DENG_ZOU])
        .filter(|short| likeness(short) >= 0.6)
        .reduce(|best, other| {
            if likeness(other) > likeness(best) {
                other
            } else {
                best
            }
        });
    match (near.first(), short) {
        (Some(path), _) if name.starts_with(&format!("{path}.")) => {
            format!("the whole estimate is meant: write `{path}`")
        }
        (Some(path), Some(short)) if likeness(short) > likeness(path) => {
            format!("did you mean `{short}`?")
        }
        (Some(path), _) => format!("did you mean `{path}`?"),
        (None, Some(short)) => format!("did you mean `{short}`?"),
        (None, None) => "`hedgesim run --format json` shows all names".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summarise::template;
    use crate::stats::synthetic::plan;

    fn find(name: &str) -> Result<Measure, String> {
        let argument = format!("--minimize {name}");
        Measure::find(&argument, name, &template(&plan(100, vec![])))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_short_name_names_an_estimate() {
        for (short, path) in SHORT_NAMES {
            assert_eq!(find(short), Ok(Measure::Summary(path.to_owned())));
            assert_eq!(find(path), Ok(Measure::Summary(path.to_owned())));
        }
        let p1 = Measure::Summary("hedged.percentiles.p0.1".to_owned());
        assert_eq!(find("p0.1"), Ok(p1));
        assert_eq!(find(ALEXANDER_DENG_ZOU), Ok(Measure::AlexanderDengZou));
    }

    #[test]
    fn a_name_of_nothing_gets_the_nearest() {
        for (name, wanted) in [
            ("hedged.es59", "did you mean `hedged.es95`?"),
            ("es59", "did you mean `es95`?"),
            ("alexander-deng", "did you mean `alexander-deng-zou`?"),
            ("p17", "names no value of the summary"),
            ("hedged.es95.value", "write `hedged.es95`"),
            ("", "shows all names"),
            ("paths", "is a bare number, not an estimate"),
            ("seed", "is a bare number, not an estimate"),
        ] {
            let message = find(name).unwrap_err();
            assert!(message.contains(wanted), "{name}: {message}");
            assert!(
                message.starts_with(&format!("`--minimize {name}`")),
                "{message}"
            );
        }
    }
}

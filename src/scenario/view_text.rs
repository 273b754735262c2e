//! The short text form of a view: `mean BTC = 70_000`, `BTC > 100_000: 30%`, `BTC p5 = 40_000`, `ETH >= BTC`.

use crate::scenario::cause::Complaint;
use crate::scenario::tree::Node;
use crate::scenario::units::{fraction_from_text, text};

/// A view in text form, parsed and not checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// `mean BTC = 70_000`.
    Mean {
        /// Name of the asset.
        asset: String,
        /// How the mean is held.
        comparison: Comparison,
        /// Where, USD.
        usd: f64,
    },
    /// `mean log BTC = 5%`: the mean of `ln(S_T / S_0)`.
    MeanLogReturn {
        /// Name of the asset.
        asset: String,
        /// How it is held.
        comparison: Comparison,
        /// Where.
        value: f64,
    },
    /// `BTC p5 = 40_000`.
    Quantile {
        /// Name of the asset.
        asset: String,
        /// The quantile's level, a fraction.
        level: f64,
        /// How it is held.
        comparison: Comparison,
        /// Where, USD.
        usd: f64,
    },
    /// `BTC > 100_000: 30%`, `BTC < 40_000: <= 5%`.
    Probability {
        /// Name of the asset.
        asset: String,
        /// Whether above the level, else below.
        is_above: bool,
        /// The level, USD.
        level_usd: f64,
        /// How the probability is held.
        comparison: Comparison,
        /// Where.
        value: f64,
    },
    /// `ETH >= BTC`, `ETH >= BTC + 2%`: expected returns.
    Ordering {
        /// Name of the asset of the higher one.
        higher: String,
        /// Name of the other.
        lower: String,
        /// By how much at least.
        by: f64,
    },
    /// `corr BTC ETH = 0.9`.
    Correlation {
        /// Name of one asset.
        first: String,
        /// Name of another.
        second: String,
        /// How it is held.
        comparison: Comparison,
        /// Where.
        value: f64,
    },
}

/// How a value is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Exactly.
    Equal,
    /// Not below.
    AtLeast,
    /// Not above.
    AtMost,
}

const FORM: &str = "a view such as \"mean BTC = 70_000\", \"BTC > 100_000: 30%\", \"BTC p5 = 40_000\", \"ETH >= BTC\", \"corr BTC ETH = 0.9\" or \"mean log BTC = 5%\"";

/// Reads a view in text form.
///
/// # Errors
/// If the value is not a string, or is no view.
pub fn said(node: &Node) -> Result<Said, Complaint> {
    let whole = text(node)?;
    if whole.chars().any(char::is_control) {
        return Err(Complaint::allowed(FORM, "control characters"));
    }
    parse(&whole).map_err(|reason| Complaint::allowed(FORM, reason))
}

/// A comparison sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Equal,
    AtLeast,
    AtMost,
}

fn parse(whole: &str) -> Result<Said, String> {
    let at = whole
        .find(['<', '>', '='])
        .ok_or("no comparison: =, >= or <=")?;
    let (left, rest) = whole.split_at(at);
    let (sign, right) = signed(rest).ok_or("no comparison: =, >= or <=")?;
    let words: Vec<&str> = left.split_whitespace().collect();
    let comparison = match sign {
        Sign::Equal => Comparison::Equal,
        Sign::AtLeast => Comparison::AtLeast,
        Sign::AtMost => Comparison::AtMost,
    };
    let owned = |name: &str| name.to_owned();
    match words[..] {
        ["mean", "log", asset] => Ok(Said::MeanLogReturn {
            asset: owned(asset),
            comparison,
            value: value(right)?,
        }),
        ["mean", asset] => Ok(Said::Mean {
            asset: owned(asset),
            comparison,
            usd: amount(right)?,
        }),
        ["corr", first, second] => Ok(Said::Correlation {
            first: owned(first),
            second: owned(second),
            comparison,
            value: value(right)?,
        }),
        [asset, level] => Ok(Said::Quantile {
            asset: owned(asset),
            level: quantile_level(level)
                .ok_or_else(|| format!("`{level}` is no quantile such as p5"))?,
            comparison,
            usd: amount(right)?,
        }),
        [asset] => of_one(asset, sign, right),
        [] => Err("left of the comparison stands an asset".to_owned()),
        _ => Err("too many words left of the comparison".to_owned()),
    }
}

/// `ASSET > LEVEL: PROBABILITY`, or `ASSET >= ASSET + BY`.
fn of_one(asset: &str, sign: Sign, right: &str) -> Result<Said, String> {
    let higher_first = match sign {
        Sign::Equal => return Err("compare with > or <, or write `mean` before the asset".into()),
        Sign::AtLeast => true,
        Sign::AtMost => false,
    };
    if let Some((level, probability)) = right.split_once(':') {
        let (held, probability) = signed(probability.trim()).unwrap_or((Sign::Equal, probability));
        return Ok(Said::Probability {
            asset: asset.to_owned(),
            is_above: higher_first,
            level_usd: amount(level)?,
            comparison: match held {
                Sign::Equal => Comparison::Equal,
                Sign::AtLeast => Comparison::AtLeast,
                Sign::AtMost => Comparison::AtMost,
            },
            value: value(probability)?,
        });
    }
    if amount(right).is_ok() {
        return Err("a probability is missing: \": 30%\" at its end".to_owned());
    }
    // `+ 2%` and `- 2%` stand apart, for names may hold a hyphen.
    let words: Vec<&str> = right.split_whitespace().collect();
    let (other, by) = match words[..] {
        [other] => (other, 0.0),
        [other, "+", by] => (other, value(by)?),
        [other, "-", by] => (other, -value(by)?),
        _ => return Err("right of the comparison stands an asset, perhaps with + 2%".to_owned()),
    };
    let (higher, lower, by) = if higher_first {
        (asset, other, by)
    } else {
        (other, asset, -by)
    };
    Ok(Said::Ordering {
        higher: higher.to_owned(),
        lower: lower.to_owned(),
        by: by + 0.0, // never -0
    })
}

/// A comparison sign at the start of a text, and what follows.
fn signed(text: &str) -> Option<(Sign, &str)> {
    for (written, sign) in [
        (">=", Sign::AtLeast),
        ("<=", Sign::AtMost),
        (">", Sign::AtLeast),
        ("<", Sign::AtMost),
        ("=", Sign::Equal),
    ] {
        if let Some(rest) = text.strip_prefix(written) {
            return Some((sign, rest));
        }
    }
    None
}

/// `p5`, `p99.9`, `p5%`: a level as a fraction.
fn quantile_level(word: &str) -> Option<f64> {
    let digits = word.strip_prefix(['p', 'P'])?;
    let digits = digits.strip_suffix('%').unwrap_or(digits);
    plain(digits).map(|percent| percent / 100.0)
}

/// A finite number without a unit.
fn plain(text: &str) -> Option<f64> {
    let number = text.trim().replace(['_', ','], "").parse::<f64>().ok()?;
    number.is_finite().then_some(number)
}

fn amount(text: &str) -> Result<f64, String> {
    plain(text).ok_or_else(|| format!("`{}` is no amount of USD", text.trim()))
}

/// A number, or a fraction with `%` or `bps`.
fn value(text: &str) -> Result<f64, String> {
    fraction_from_text(text)
        .map(|fraction| fraction.0)
        .or_else(|| plain(text))
        .ok_or_else(|| format!("`{}` is no number", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let name = |text: &str| text.to_owned();
        let mean = |comparison| Said::Mean {
            asset: name("BTC"),
            comparison,
            usd: 70_000.0,
        };
        let above = |is_above, comparison| Said::Probability {
            asset: name("BTC"),
            is_above,
            level_usd: 100_000.0,
            comparison,
            value: 0.3,
        };
        let order = |higher: &str, lower: &str, by| Said::Ordering {
            higher: name(higher),
            lower: name(lower),
            by,
        };
        for (text, expected) in [
            ("mean BTC = 70000", mean(Comparison::Equal)),
            ("mean BTC>=70_000", mean(Comparison::AtLeast)),
            ("mean  BTC <= 70,000", mean(Comparison::AtMost)),
            (
                "mean log BTC = -5%",
                Said::MeanLogReturn {
                    asset: name("BTC"),
                    comparison: Comparison::Equal,
                    value: -0.05,
                },
            ),
            (
                "BTC p2.5 = 40_000",
                Said::Quantile {
                    asset: name("BTC"),
                    level: 0.025,
                    comparison: Comparison::Equal,
                    usd: 40_000.0,
                },
            ),
            ("BTC > 100_000: 30%", above(true, Comparison::Equal)),
            ("BTC >= 100_000: = 0.3", above(true, Comparison::Equal)),
            ("BTC<100_000:<=30%", above(false, Comparison::AtMost)),
            ("BTC < 100_000: > 30 %", above(false, Comparison::AtLeast)),
            ("ETH >= BTC", order("ETH", "BTC", 0.0)),
            ("ETH > BTC-perp + 2%", order("ETH", "BTC-perp", 0.02)),
            ("ETH <= BTC - 2%", order("BTC", "ETH", 0.02)),
            (
                "corr BTC ETH = 0.9",
                Said::Correlation {
                    first: name("BTC"),
                    second: name("ETH"),
                    comparison: Comparison::Equal,
                    value: 0.9,
                },
            ),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_view_says_why() {
        for (text, reason) in [
            ("", "no comparison"),
            ("BTC 70000", "no comparison"),
            ("BTC = 70000", "write `mean`"),
            ("= 70000", "an asset"),
            ("mean BTC = much", "no amount"),
            ("mean BTC = nan", "no amount"),
            ("BTC > 100000", "a probability is missing"),
            ("BTC > 100000: often", "no number"),
            ("BTC q5 = 3", "no quantile"),
            ("a b c d = 3", "too many words"),
            ("ETH > BTC by 2%", "right of the comparison"),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
    }
}

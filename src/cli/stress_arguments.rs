//! What may be written after `hedgesim stress`.

use std::path::PathBuf;

use clap::Args;
use hedgesim::scenario::units::fraction_from_text;
use hedgesim::stress::settings::Settings;

use crate::cli::arguments::{Changes, ReportFormat, ScenarioArguments, ThreadArguments};

#[derive(Debug, Args)]
pub(crate) struct Stress {
    /// Scenario file (TOML).
    #[arg(required_unless_present = "list")]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    pub(crate) threads: ThreadArguments,
    /// Form of the report on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Also write stress.json and stress.csv into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// List the historical episodes with their sources, and do nothing else.
    #[arg(long)]
    pub(crate) list: bool,
    /// Only these episodes, e.g. `2020-03,2025-10` [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) episodes: Vec<String>,
    /// Let an asset take the moves of a coin that the episodes know; may be given again.
    #[arg(long, value_name = "ASSET=COIN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Moves of all spots at once [default: -50%,-30%,-20%,-10%,10%,20%,30%,50%,100%].
    #[arg(long, value_name = "MOVE", value_delimiter = ',', allow_hyphen_values = true, value_parser = fraction)]
    spot_moves: Vec<f64>,
    /// Moves of ln(F/S) of every future that come with them [default: -5%,0,5%].
    #[arg(long, value_name = "MOVE", value_delimiter = ',', allow_hyphen_values = true, value_parser = fraction)]
    basis_moves: Vec<f64>,
    /// Size of the slow moves, up and down, with and without top-ups [default: 30%].
    #[arg(long, value_name = "MOVE", allow_hyphen_values = true, value_parser = fraction)]
    slow_move: Option<f64>,
    /// How many days the slow moves take [default: 7].
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    slow_days: Option<f64>,
    /// For how many days funding stands at its cap, against the hedge [default: 30].
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    funding_days: Option<f64>,
    /// The rate per 8 hours that it stands at [default: the cap of each contract].
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, value_parser = fraction)]
    funding_rate: Option<f64>,
    /// Factor on maintenance margins [default: 2].
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    maintenance_factor: Option<f64>,
    /// Factor on volatilities, jumps included; simulated again [default: 2].
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    vol_factor: Option<f64>,
    /// Correlation of all pairs of assets; simulated again [default: 0.5].
    #[arg(long, value_name = "CORRELATION", allow_negative_numbers = true)]
    correlation: Option<f64>,
    /// Look for the smallest move that loses this amount, USD [default: a tenth of what is held].
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true, value_parser = amount)]
    lose: Option<f64>,
}

impl Stress {
    /// The scenario and its overrides; `None` where none was given.
    pub(crate) fn scenario_arguments(&self) -> Option<ScenarioArguments> {
        Some(ScenarioArguments {
            scenario: self.scenario.clone()?,
            changes: self.changes.clone(),
        })
    }

    /// What is asked for.
    pub(crate) fn settings(&self) -> Settings {
        let usual = Settings::default();
        let or_usual = |given: &[f64], usual: Vec<f64>| {
            if given.is_empty() {
                usual
            } else {
                given.to_vec()
            }
        };
        Settings {
            episodes: self.episodes.clone(),
            map: self.map.clone(),
            spot_moves: or_usual(&self.spot_moves, usual.spot_moves),
            basis_moves: or_usual(&self.basis_moves, usual.basis_moves),
            slow_move: self.slow_move.unwrap_or(usual.slow_move),
            slow_days: self.slow_days.unwrap_or(usual.slow_days),
            funding_days: self.funding_days.unwrap_or(usual.funding_days),
            funding_per_8h: self.funding_rate,
            maintenance_factor: self.maintenance_factor.unwrap_or(usual.maintenance_factor),
            volatility_factor: self.vol_factor.unwrap_or(usual.volatility_factor),
            correlation: self.correlation.unwrap_or(usual.correlation),
            lose_usd: self.lose,
        }
    }
}

/// `ASSET=COIN`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((asset, coin)) if !asset.is_empty() && !coin.is_empty() => {
            Ok((asset.to_owned(), coin.to_owned()))
        }
        _ => Err("allowed: ASSET=COIN, e.g. `TOKEN=ETH`".to_owned()),
    }
}

/// A fraction: a number, or one with `%` or `bps`.
fn fraction(text: &str) -> Result<f64, String> {
    let text = text.trim().trim_start_matches('+');
    let number = text.parse().ok();
    let value = number.or_else(|| fraction_from_text(text).map(|fraction| fraction.0));
    value
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| "allowed: a number such as -0.25, or -25% or -25bps".to_owned())
}

/// An amount of USD.
fn amount(text: &str) -> Result<f64, String> {
    let value = text.replace('_', "").parse().ok();
    value
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| "allowed: an amount in USD such as 5_000_000 or 5e6".to_owned())
}

//! `[assets.NAME]`: spot and price model of one asset.

use crate::scenario::checked::within;
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::units::{Fraction, Usd, fraction, number, usd};

/// One asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its name, the key of its table. Example: `[assets.ETH]`.
    pub name: Given<String>,
    /// Spot (index price) at time 0, USD per coin, above 0. Example: `spot_usd = 3500`.
    pub spot_usd: Given<Usd>,
    /// The price model, chosen by its name. Example: `model.gbm = { volatility = 0.75 }`.
    pub model: Model,
}

/// A price model.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful, read once")]
pub enum Model {
    /// Geometric Brownian motion.
    Gbm(Diffusion),
    /// A diffusion with compound Poisson jumps.
    JumpDiffusion {
        /// The diffusion between jumps.
        diffusion: Diffusion,
        /// The jumps.
        jumps: Jumps,
    },
}

/// The diffusion of a price.
#[derive(Debug, Clone, PartialEq)]
pub struct Diffusion {
    /// Volatility of the diffusion alone, per square root of a year, 0 to 20. Example: `volatility = "75%"`.
    pub volatility: Given<Fraction>,
    /// `mu` of the expected price per year, `E[S_T] = S_0 exp(mu T)`, -20 to 20: a view. Optional: 0.
    pub drift: Option<Given<Fraction>>,
}

/// Jumps of a price.
#[derive(Debug, Clone, PartialEq)]
pub struct Jumps {
    /// Expected number of jumps per year, systemic ones included, 0 to 10,000. Example: `jumps_per_year = 6`.
    pub jumps_per_year: Given<f64>,
    /// Law of the log size, chosen by its name: `merton` or `kou`.
    pub sizes: Sizes,
    /// Fraction of the jumps that come from the market's common clock, 0 to 1. Optional: 0.
    pub systemic_share: Option<Given<Fraction>>,
    /// Factor on the log size of a systemic jump, 0 to 10. Optional: 1.
    pub systemic_loading: Option<Given<f64>>,
}

/// Law of a log jump size.
#[derive(Debug, Clone, PartialEq)]
pub enum Sizes {
    /// Normal log sizes. Example: `merton = { mean = -0.03, std_dev = 0.12 }`.
    Merton {
        /// Mean log size, -2 to 2.
        mean: Given<Fraction>,
        /// Standard deviation of the log size, 0 to 2.
        std_dev: Given<Fraction>,
    },
    /// Double exponential log sizes. Example: `kou = { up_probability = 0.45, up_mean = 0.083, down_mean = 0.111 }`.
    Kou {
        /// Probability that a jump goes up, 0 to 1.
        up_probability: Given<Fraction>,
        /// Mean log size of a jump up, above 0 and below 0.5.
        up_mean: Given<Fraction>,
        /// Mean absolute log size of a jump down, above 0, up to 2.
        down_mean: Given<Fraction>,
    },
}

/// Range of a price in USD per coin.
pub const PRICE_USD: Range = Range::closed(1e-12, 1e12, "1e-12 to 1e12 (USD per coin)")
    .too_low("a price is above 0; under 1e-12 it is a slip");

const VOLATILITY: Range = Range::closed(
    0.0,
    20.0,
    "0 to 20 (a fraction per square root of a year; 20 is 2000 %)",
)
.too_low("a volatility is not negative")
.too_high("a fraction: 75 % is written 0.75 or \"75%\"");
const DRIFT: Range = Range::closed(-20.0, 20.0, "-20 to 20 (a fraction per year)")
    .too_low("a fraction: -5 % is written -0.05 or \"-5%\"")
    .too_high("a fraction: 5 % is written 0.05 or \"5%\"");
const JUMPS_PER_YEAR: Range = Range::closed(0.0, 10_000.0, "0 to 10,000 (jumps per year)")
    .too_low("a rate is not negative")
    .too_high("more than one jump an hour is a diffusion");
const SHARE: Range = Range::closed(0.0, 1.0, "0 to 1");
const LOADING: Range =
    Range::closed(0.0, 10.0, "0 to 10").too_low("common jumps strike all assets the same way");
const LOG_MEAN: Range = Range::closed(-2.0, 2.0, "-2 to 2 (mean LOG size; -0.03 is -3 %)");
const LOG_STD_DEV: Range = Range::closed(0.0, 2.0, "0 to 2 (standard deviation of the LOG size)");
const UP_MEAN: Range = Range::open(0.0, 0.5, "above 0 and below 0.5 (mean LOG size)")
    .too_low("a mean size is above 0; for no jumps up set up_probability = 0")
    .too_high("the variance of the price would be infinite");
const DOWN_MEAN: Range = Range::above(0.0, 2.0, "above 0, up to 2 (mean absolute LOG size)")
    .too_low("a size without sign, above 0; for no jumps down set up_probability = 1");

impl Asset {
    /// Reads one asset.
    pub fn read(name: Given<String>, mut table: Reader<'_>) -> Option<Self> {
        let spot_usd = table.required("spot_usd", within(usd, PRICE_USD));
        let model = table.required_table("model").and_then(read_model);
        table.finish();
        Some(Self {
            name,
            spot_usd: spot_usd?,
            model: model?,
        })
    }
}

fn read_model(mut table: Reader<'_>) -> Option<Model> {
    let later = [
        "student_t",
        "garch",
        "heston",
        "regime_switching",
        "bootstrap",
    ];
    let chosen = table.one_of(&["gbm", "jump_diffusion"], &later, Requirement::Required);
    let model = chosen.and_then(|key| {
        let mut model = table.table(key)?;
        let diffusion = read_diffusion(&mut model);
        if key == "gbm" {
            model.finish();
            return Some(Model::Gbm(diffusion?));
        }
        let jumps = read_jumps(&mut model);
        model.finish();
        Some(Model::JumpDiffusion {
            diffusion: diffusion?,
            jumps: jumps?,
        })
    });
    table.finish();
    model
}

fn read_diffusion(table: &mut Reader<'_>) -> Option<Diffusion> {
    let volatility = table.required("volatility", within(fraction, VOLATILITY));
    let drift = table.optional("drift", within(fraction, DRIFT));
    table.note(|draft| draft.drifts.extend(drift.clone().flatten()));
    Some(Diffusion {
        volatility: volatility?,
        drift: drift?,
    })
}

fn read_jumps(table: &mut Reader<'_>) -> Option<Jumps> {
    let jumps_per_year = table.required("jumps_per_year", within(number, JUMPS_PER_YEAR));
    let systemic_share = table.optional("systemic_share", within(fraction, SHARE));
    let systemic_loading = table.optional("systemic_loading", within(number, LOADING));
    let chosen = table.one_of(&["merton", "kou"], &[], Requirement::Required);
    let sizes = chosen.and_then(|key| read_sizes(key, table.table(key)?));
    let jumps = Jumps {
        jumps_per_year: jumps_per_year?,
        sizes: sizes?,
        systemic_share: systemic_share?,
        systemic_loading: systemic_loading?,
    };
    table.note(|draft| draft.jumps.push(jumps.clone()));
    Some(jumps)
}

fn read_sizes(key: &str, mut table: Reader<'_>) -> Option<Sizes> {
    if key == "merton" {
        let mean = table.required("mean", within(fraction, LOG_MEAN));
        let std_dev = table.required("std_dev", within(fraction, LOG_STD_DEV));
        table.finish();
        return Some(Sizes::Merton {
            mean: mean?,
            std_dev: std_dev?,
        });
    }
    let up_probability = table.required("up_probability", within(fraction, SHARE));
    let up_mean = table.required("up_mean", within(fraction, UP_MEAN));
    let down_mean = table.required("down_mean", within(fraction, DOWN_MEAN));
    table.finish();
    Some(Sizes::Kou {
        up_probability: up_probability?,
        up_mean: up_mean?,
        down_mean: down_mean?,
    })
}
